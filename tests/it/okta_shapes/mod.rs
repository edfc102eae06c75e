//! Every shape of a group push and every quirk of Okta's SCIM client, over HTTP: each is read back by a SCIM GET, by who
//! counts as a member of the team, and by the audit log.

mod engine;
mod operations;
mod quirks;
mod wizard;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scim_http::Answer;
use crate::support::daemon::Daemon;
use crate::support::stores::TestStore;

/// The members a pushed group begins with.
const BEGAN: [&str; 2] = ["a@x", "b@x"];

/// A daemon to which the group "Platform Admins" with a@x and b@x was pushed, mapped to the team "platform", Okta on; c@x
/// and d@x are in no group. a@x and c@x have an Okta id, the others' `externalId` is not mapped.
struct Shapes {
    daemon: Daemon,
    /// The group's SCIM id.
    group: String,
    ids: BTreeMap<&'static str, String>,
}

impl Shapes {
    async fn new(store: TestStore) -> Self {
        let daemon = Daemon::alone(store).await;
        // Okta is on before the group comes: a switch is one audit row, whoever counts by it.
        let keeper = made(&daemon.scim("POST", "/Users", Some(&user("keeper@x"))).await);
        let body = json!({"displayName": "Keepers", "members": [{"value": keeper}]});
        let keepers = made(&daemon.scim("POST", "/Groups", Some(&body)).await);
        daemon.map(&keepers, "keepers").await;
        daemon.enable().await;
        let mut ids = BTreeMap::new();
        for (name, okta_id) in [
            ("a@x", Some("00ua1111111111111111")),
            ("b@x", None),
            ("c@x", Some("00uc3333333333333333")),
            ("d@x", None),
        ] {
            let mut body = user(name);
            body["externalId"] = okta_id.into();
            ids.insert(
                name,
                made(&daemon.scim("POST", "/Users", Some(&body)).await),
            );
        }
        let members = json!([{"value": ids["a@x"], "display": "a@x"}, {"value": ids["b@x"], "display": null}]);
        let body =
            json!({"schemas": [GROUP], "displayName": "Platform Admins", "members": members});
        let group = made(&daemon.scim("POST", "/Groups", Some(&body)).await);
        daemon.map(&group, "platform").await;
        let shapes = Self { daemon, group, ids };
        shapes.holds(&BEGAN).await;
        shapes
    }

    fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    fn path(&self) -> String {
        format!("/Groups/{}", self.group)
    }

    /// `[{"value": id, "display": name}, …]`, as group pushes name members.
    fn members(&self, names: &[&str]) -> Value {
        names
            .iter()
            .map(|name| json!({"value": self.ids[*name], "display": name}))
            .collect()
    }

    /// `members[value eq "id"]`.
    fn filtered(&self, name: &str) -> String {
        format!("members[value eq \"{}\"]", self.ids[name])
    }

    /// A PATCH of the group with these operations.
    async fn patch(&self, operations: Value) -> Answer {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.daemon.scim("PATCH", &self.path(), Some(&body)).await
    }

    /// The same; 200 with the group.
    async fn patched(&self, operations: Value) -> Value {
        let answer = self.patch(operations).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["id"], self.group.as_str());
        answer.json()
    }

    async fn put(&self, path: &str, body: &Value) -> Value {
        let answer = self.daemon.scim("PUT", path, Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    async fn group(&self) -> Value {
        self.daemon.get(&self.path()).await
    }

    /// Holds who is in the group and in its team: SCIM GET, membership, audit.
    #[track_caller]
    fn holds<'a>(&'a self, members: &'a [&str]) -> impl Future<Output = ()> + 'a {
        let group = self.daemon.holds_group(&self.group, members);
        let team = self.daemon.holds_team("platform", members);
        async move {
            group.await;
            team.await;
        }
    }

    /// Holds that `act` changes nothing: the same group with the same version, not one audit row.
    async fn unchanged(&self, act: impl Future<Output = Value>) {
        let (before, rows) = (self.group().await, self.daemon.audit_rows().await);
        act.await;
        assert_eq!(self.group().await, before);
        assert_eq!(self.daemon.audit_rows().await, rows);
    }
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A create as Okta sends it, `externalId` apart.
fn user(name: &str) -> Value {
    json!({
        "schemas": [USER], "userName": name, "name": {"givenName": "Mira", "familyName": "Okafor"},
        "emails": [{"primary": true, "value": name, "type": "work"}], "displayName": "Mira Okafor",
        "locale": "en-US", "groups": [], "password": "hT4k9QzP", "active": true,
    })
}

/// The id of what was made.
#[track_caller]
fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}
