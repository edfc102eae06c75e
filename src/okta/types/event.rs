//! Events: what an event hook delivers.

use serde::Deserialize;

use crate::model::id::{OktaGroupId, OktaUserId};
use crate::model::time::Timestamp;

/// The body of an event hook's POST (`com.okta.event_hook`). Deliveries are unordered, may repeat and may be lost, so an
/// event is a ping: the object it names is read again by id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookDelivery {
    /// Okta's id of the delivery.
    pub event_id: Option<String>,
    /// The hook's URL at the org.
    pub source: Option<String>,
    /// What happened.
    pub data: Events,
}

/// The events of one delivery.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Events {
    /// One or more.
    pub events: Vec<LogEvent>,
}

/// One System Log event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvent {
    /// Its id, by which a repeated delivery is known.
    pub uuid: String,
    /// What happened, as `group.user_membership.add`.
    pub event_type: String,
    /// When, by Okta's clock.
    pub published: Option<Timestamp>,
    /// What it happened to; look up by type, never by place.
    #[serde(default, deserialize_with = "nullable")]
    pub target: Vec<Target>,
}

/// One of an event's targets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Okta's id of the object.
    pub id: Option<String>,
    /// `User`, `UserGroup`, `AppInstance`, `AppUser`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// For a user, the login.
    pub alternate_id: Option<String>,
}

impl HookDelivery {
    /// Reads a delivery.
    ///
    /// # Errors
    /// With the path of what is missing or of an unexpected type; a value is never quoted.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        super::read(body)
    }
}

impl LogEvent {
    /// The users it names.
    pub fn users(&self) -> impl Iterator<Item = OktaUserId> {
        self.ids("User").filter_map(OktaUserId::parse)
    }

    /// The groups it names.
    pub fn groups(&self) -> impl Iterator<Item = OktaGroupId> {
        self.ids("UserGroup").filter_map(OktaGroupId::parse)
    }

    /// The ids of its targets of type `kind`.
    pub fn ids(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.target
            .iter()
            .filter(move |target| target.kind == kind)
            .filter_map(|target| target.id.as_deref())
    }
}

fn nullable<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Target>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::HookDelivery;

    #[test]
    fn targets_are_found_by_type_whatever_their_order() {
        let delivery = HookDelivery::read(
            br#"{"eventType":"com.okta.event_hook","eventId":"e1","data":{"events":[
                {"uuid":"u1","eventType":"group.user_membership.add","published":"2026-01-02T03:04:05.000Z",
                 "target":[{"id":"00g1","type":"UserGroup","displayName":"x"},{"id":"00u1","type":"User","alternateId":"m@x"}]},
                {"uuid":"u2","eventType":"user.lifecycle.suspend","target":null}]}}"#,
        )
        .unwrap();
        let event = &delivery.data.events[0];
        assert_eq!(
            event.users().map(|id| id.to_string()).collect::<Vec<_>>(),
            ["00u1"]
        );
        assert_eq!(
            event.groups().map(|id| id.to_string()).collect::<Vec<_>>(),
            ["00g1"]
        );
        assert!(delivery.data.events[1].target.is_empty());
    }

    #[test]
    fn a_delivery_without_events_is_refused() {
        assert_eq!(
            HookDelivery::read(b"{}").unwrap_err(),
            ".: missing field `data`"
        );
    }
}
