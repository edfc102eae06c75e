//! Defects that other identity services shipped, each by its number in the list this project keeps of them: over HTTP
//! against a running daemon, on both engines.
//!
//! | defect | what went wrong elsewhere | held by |
//! |---|---|---|
//! | 1 | the client's externalId became an internal id | [`identity`], `scim_http::writes` |
//! | 2 | a disguised path skipped the check | [`door`], `scim_http::door`, `http::scim::route` |
//! | 3, 16 | a route without authorization; one kind of credential for another | [`door`], [`powers`] |
//! | 4, 5 | open until configured; an empty secret that equals an empty token | [`door`] |
//! | 6 | check, then act: duplicates; weak tokens; talkative errors | [`races`], [`errors`] |
//! | 7, 8 | the last one stays; missing taken for empty | [`emptied`] |
//! | 9 | a group's name opened a local group | [`names`] |
//! | 10, 11 | SCIM took over, listed or deactivated who was not its own | [`identity`] |
//! | 12 | refused, yet half done | [`whole`] |
//! | 13, 14, 15 | answered 200 and did nothing, or too much | [`patches`], [`leaving`] |
//! | 20 | nesting without a bound | [`errors`] |
//! | 22 | membership of groups the peer had no access to | [`powers`] |
//! | 23 | silence after a credential ended; tokens of the departed | [`leaving`] |
//! | 24 | linked by a name that changes | [`names`] |
//! | 25 | one name, two users | [`races`] |
//! | 26 | two writers of one membership | [`writers`] |
//!
//! [`secrets`] holds that none is in a log, an error, a row or a URL.

mod door;
mod doors;
mod dump;
mod emptied;
mod errors;
mod identity;
mod leaving;
mod names;
mod patches;
mod powers;
mod races;
mod secrets;
mod whole;
mod wire;
mod writers;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::scim_http::Answer;
use crate::support::daemon::Daemon;

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// The id of what was made.
#[track_caller]
fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Makes a user as Okta does; his id.
async fn user(daemon: &Daemon, name: &str) -> String {
    let body = json!({
        "userName": name, "name": {"givenName": "Mira", "familyName": "Okafor"}, "displayName": "Mira Okafor",
        "emails": [{"primary": true, "value": name, "type": "work"}], "active": true,
    });
    made(&daemon.scim("POST", "/Users", Some(&body)).await)
}

/// Makes a group with these members; its id.
async fn group(daemon: &Daemon, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"displayName": name, "members": members});
    made(&daemon.scim("POST", "/Groups", Some(&body)).await)
}

/// A PATCH with these operations.
async fn patch(daemon: &Daemon, path: &str, operations: Value) -> Answer {
    let body = json!({"schemas": [PATCH], "Operations": operations});
    daemon.scim("PATCH", path, Some(&body)).await
}

/// Turns Okta on, by a mapped group in which somebody is.
async fn okta_on(daemon: &Daemon) {
    let keeper = user(daemon, "keeper@example.test").await;
    let keepers = group(daemon, "Keepers", &[&keeper]).await;
    daemon.map(&keepers, "keepers").await;
    daemon.enable().await;
}

/// Holds that these userNames, and no others, count as members of a team.
#[track_caller]
fn team_is<'a>(
    daemon: &'a Daemon,
    team: &'a str,
    members: &'a [&str],
) -> impl Future<Output = ()> + 'a {
    let at = std::panic::Location::caller();
    async move {
        let wanted: BTreeSet<String> = members.iter().map(ToString::to_string).collect();
        assert_eq!(daemon.team(team).await, wanted, "team {team}, {at}");
    }
}

/// Holds that these userNames, and no others, are the members that SCIM shows of a group.
#[track_caller]
fn group_is<'a>(
    daemon: &'a Daemon,
    id: &'a str,
    members: &'a [&str],
) -> impl Future<Output = ()> + 'a {
    let at = std::panic::Location::caller();
    async move {
        let names: BTreeMap<String, String> = daemon
            .lines("SELECT id || '|' || user_name FROM users")
            .await
            .into_iter()
            .collect();
        let group = daemon.get(&format!("/Groups/{id}")).await;
        let list = group["members"].as_array().cloned().unwrap_or_default();
        let shown: Vec<&str> = list
            .iter()
            .map(|member| names[member["value"].as_str().unwrap()].as_str())
            .collect();
        assert_eq!(shown.len(), members.len(), "{shown:?}, {at}");
        let shown: BTreeSet<&str> = shown.into_iter().collect();
        assert_eq!(shown, members.iter().copied().collect(), "{at}");
    }
}
