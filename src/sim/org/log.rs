//! The System Log: what hooks and `/api/v1/logs` are fed from.

use serde_json::{Value, json};

use super::{OktaId, Org};
use crate::model::time::Timestamp;

/// One thing an event is about. Readers must look it up by `kind`, never by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `User`, `UserGroup`, `AppInstance` or `AppUser`.
    pub kind: &'static str,
    /// The object's id.
    pub id: String,
    /// The login of a user; `unknown` for the rest, as Okta writes it.
    pub alternate_id: String,
    /// The name people know it by.
    pub display_name: String,
}

/// One line of the System Log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "Okta calls it eventType")]
pub struct Event {
    /// The event's own id, by which deliveries are de-duplicated.
    pub uuid: String,
    /// When it happened by Okta's clock.
    pub published: Timestamp,
    /// Okta's event type, such as `group.user_membership.add`.
    pub event_type: &'static str,
    /// What it is about.
    pub targets: Vec<Target>,
}

/// Event types an event hook may carry; the rest stay in the log.
pub const HOOK_ELIGIBLE: &[&str] = &[
    "group.user_membership.add",
    "group.user_membership.remove",
    "group.lifecycle.create",
    "group.lifecycle.delete",
    "group.profile.update",
    "user.lifecycle.create",
    "user.lifecycle.activate",
    "user.lifecycle.reactivate",
    "user.lifecycle.suspend",
    "user.lifecycle.unsuspend",
    "user.lifecycle.deactivate",
    "user.lifecycle.delete.initiated",
    "user.account.update_profile",
    "application.user_membership.add",
    "application.user_membership.remove",
    "application.user_membership.update",
    "group.application_assignment.add",
    "group.application_assignment.remove",
];

impl Event {
    /// The event as a `LogEvent` object.
    pub fn to_json(&self) -> Value {
        let targets: Vec<Value> = self
            .targets
            .iter()
            .map(|target| {
                json!({"id": target.id, "type": target.kind, "alternateId": target.alternate_id,
                       "displayName": target.display_name, "detailEntry": null})
            })
            .collect();
        json!({
            "uuid": self.uuid,
            "published": self.published,
            "eventType": self.event_type,
            "version": "0",
            "severity": "INFO",
            "displayMessage": self.event_type.replace(['.', '_'], " "),
            "actor": {"id": "00uSimulatedAdmin000", "type": "User", "alternateId": "admin@example.test",
                      "displayName": "Org Admin", "detailEntry": null},
            "outcome": {"result": "SUCCESS", "reason": null},
            "target": targets,
        })
    }
}

/// More than this many lines are not kept.
const LOG_LIMIT: usize = 50_000;

impl Org {
    /// Events from number `from` on, each with its number; numbers rise by one in order of persistence.
    pub fn events_from(&self, from: u64) -> impl Iterator<Item = &(u64, Event)> {
        let skip = self.log.partition_point(|(number, _)| *number < from);
        self.log.iter().skip(skip)
    }

    /// The number the next event will bear.
    pub fn next_event(&self) -> u64 {
        self.next_event
    }

    pub(super) fn record(&mut self, event_type: &'static str, targets: Vec<Target>) {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        let uuid = uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string();
        let event = Event {
            uuid,
            published: self.now(),
            event_type,
            targets,
        };
        self.log.push_back((self.next_event, event));
        self.next_event += 1;
        if self.log.len() > LOG_LIMIT {
            self.log.pop_front();
        }
    }

    pub(super) fn user_target(&self, id: OktaId) -> Target {
        let user = self.users.get(&id).map(super::Lagging::get);
        Target {
            kind: "User",
            id: id.to_string(),
            alternate_id: user.map_or_else(
                || "unknown".to_owned(),
                |user| user.profile.login().to_owned(),
            ),
            display_name: user
                .map_or_else(|| "unknown".to_owned(), |user| user.profile.display_name()),
        }
    }

    pub(super) fn group_target(&self, id: OktaId) -> Target {
        let name = self.groups.get(&id).map(|group| group.name().to_owned());
        Target {
            kind: "UserGroup",
            id: id.to_string(),
            alternate_id: "unknown".to_owned(),
            display_name: name.unwrap_or_else(|| "unknown".to_owned()),
        }
    }

    pub(super) fn app_target(&self) -> Target {
        Target {
            kind: "AppInstance",
            id: self.app.id.to_string(),
            alternate_id: self.app.label.clone(),
            display_name: self.app.label.clone(),
        }
    }
}
