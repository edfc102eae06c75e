//! Group push: the captured sequences, and who is left out.

use serde_json::{Value, json};

use super::connected;
use super::stub::Stub;
use crate::sim::Sim;
use crate::sim::org::{MappingStatus, OktaId, Profile};
use crate::sim::scim_client::{Dialect, FullSet, NameRestated, ScimHabits};

fn habits(dialect: Dialect) -> ScimHabits {
    ScimHabits {
        dialect,
        ..ScimHabits::default()
    }
}

/// Assigned, active people with the logins `a@example.test`, `b@example.test`, …
fn people(sim: &Sim, count: u8) -> Vec<OktaId> {
    let mut org = sim.org();
    (0..count)
        .map(|index| {
            let name = char::from(b'a' + index).to_string();
            let user = org
                .create_user(
                    Profile::new(&format!("{name}@example.test"), &name, &name),
                    true,
                )
                .unwrap();
            org.assign_user(user).unwrap();
            user
        })
        .collect()
}

fn scim_id(sim: &Sim, user: OktaId) -> String {
    sim.org()
        .app_user(user)
        .unwrap()
        .external_id
        .clone()
        .unwrap()
}

fn pushed(sim: &Sim, members: &[OktaId]) -> (OktaId, OktaId) {
    let mut org = sim.org();
    let group = org.create_group("Platform Admins", "");
    for member in members {
        org.add_member(group, *member).unwrap();
    }
    let mapping = org.push_group(group).unwrap();
    (group, mapping)
}

fn bodies(stub: &Stub) -> (Vec<String>, Vec<Value>) {
    let received = stub.received();
    (
        received.iter().map(|r| r.line.clone()).collect(),
        received.into_iter().map(|r| r.body).collect(),
    )
}

const LOOKUP: &str = "GET /Groups?filter=displayName eq \"Platform Admins\"&startIndex=1&count=100";

#[tokio::test]
async fn the_wizards_first_push_looks_up_creates_empty_reads_and_puts() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let users = people(&sim, 1);
    scim.run_pending().await;
    stub.received();
    let (_, mapping) = pushed(&sim, &users);
    scim.run_pending().await;
    let (lines, bodies) = bodies(&stub);
    assert_eq!(
        lines,
        [
            LOOKUP,
            "POST /Groups",
            "GET /Groups/Groups-2",
            "PUT /Groups/Groups-2"
        ]
    );
    assert_eq!(
        bodies[1],
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Platform Admins",
               "members": []})
    );
    assert_eq!(
        bodies[3]["members"],
        json!([{"value": scim_id(&sim, users[0]), "display": "a@example.test"}])
    );
    assert_eq!(
        (&bodies[3]["id"], &bodies[3]["displayName"]),
        (&json!("Groups-2"), &json!("Platform Admins"))
    );
    let org = sim.org();
    let mapping = org.mapping(mapping).unwrap();
    assert_eq!(
        (mapping.scim_id.as_deref(), mapping.status),
        (Some("Groups-2"), MappingStatus::Active)
    );
    assert_eq!(
        org.group(mapping.target).unwrap().name(),
        "Platform Admins",
        "Okta keeps a picture of the copy"
    );
}

#[tokio::test]
async fn the_templates_first_push_restates_the_name_at_once_and_adds_in_batches() {
    let (sim, scim, stub, _) = connected(ScimHabits {
        batch: 2,
        ..habits(Dialect::Template)
    })
    .await;
    let users = people(&sim, 3);
    scim.run_pending().await;
    stub.received();
    pushed(&sim, &users);
    scim.run_pending().await;
    let (lines, bodies) = bodies(&stub);
    let patch = "PATCH /Groups/Groups-4";
    assert_eq!(lines, [LOOKUP, "POST /Groups", patch, patch, patch]);
    let restated =
        json!({"op": "replace", "value": {"id": "Groups-4", "displayName": "Platform Admins"}});
    assert_eq!(bodies[2]["Operations"], json!([restated]));
    let add = &bodies[3]["Operations"];
    assert_eq!(add[0], restated, "repeated with every membership update");
    assert_eq!(
        (&add[1]["op"], &add[1]["path"]),
        (&json!("add"), &json!("members"))
    );
    assert_eq!(add[1]["value"].as_array().unwrap().len(), 2);
    assert!(
        add[1]["value"][0].get("type").is_none(),
        "type is never sent"
    );
    assert_eq!(
        bodies[4]["Operations"][1]["value"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_template_adds_and_removes_with_a_filter_and_no_value() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Template)).await;
    let users = people(&sim, 3);
    let (group, _) = pushed(&sim, &users[..1]);
    scim.run_pending().await;
    stub.received();
    {
        let mut org = sim.org();
        org.add_member(group, users[1]).unwrap();
        org.add_member(group, users[2]).unwrap();
        org.remove_member(group, users[0]).unwrap();
    }
    scim.run_pending().await;
    let (lines, sent) = bodies(&stub);
    assert_eq!(
        lines,
        ["PATCH /Groups/Groups-4"],
        "changes of one group go together"
    );
    let ids: Vec<String> = users.iter().map(|user| scim_id(&sim, *user)).collect();
    assert_eq!(
        sent[0]["Operations"],
        json!([
            {"op": "replace", "value": {"id": "Groups-4", "displayName": "Platform Admins"}},
            {"op": "add", "path": "members", "value": [{"value": ids[1], "display": "b@example.test"},
                                                       {"value": ids[2], "display": "c@example.test"}]},
            {"op": "remove", "path": format!("members[value eq \"{}\"]", ids[0])},
        ])
    );
    scim.set_habits(ScimHabits {
        name_restated: NameRestated::OwnRequest,
        fills_display: false,
        ..scim.habits()
    });
    sim.org().add_member(group, users[0]).unwrap();
    scim.run_pending().await;
    let (_, sent) = bodies(&stub);
    assert_eq!(sent.len(), 2);
    assert_eq!(
        sent[1]["Operations"],
        json!([{"op": "add", "path": "members",
        "value": [{"value": ids[0], "display": null}]}])
    );
}

#[tokio::test]
async fn push_now_overwrites_in_each_of_the_three_shapes() {
    for full_set in [FullSet::Path, FullSet::Pathless, FullSet::PathlessWithName] {
        let (sim, scim, stub, _) = connected(ScimHabits {
            full_set,
            ..habits(Dialect::Template)
        })
        .await;
        let users = people(&sim, 1);
        let (group, mapping) = pushed(&sim, &users);
        scim.run_pending().await;
        sim.org().remove_member(group, users[0]).unwrap();
        scim.run_pending().await;
        stub.received();
        sim.org().push_now(mapping).unwrap();
        scim.run_pending().await;
        let (_, sent) = bodies(&stub);
        let last = sent[0]["Operations"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        let wanted = match full_set {
            FullSet::Path => json!({"op": "replace", "path": "members", "value": []}),
            FullSet::Pathless => json!({"op": "replace", "value": {"members": []}}),
            FullSet::PathlessWithName => json!({"op": "replace",
                "value": {"members": [], "id": "Groups-2", "displayName": "Platform Admins"}}),
        };
        assert_eq!(last, wanted);
    }
}

#[tokio::test]
async fn the_wizard_puts_the_whole_list_for_every_change_and_a_rename() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let users = people(&sim, 2);
    let (group, _) = pushed(&sim, &users[..1]);
    scim.run_pending().await;
    stub.received();
    sim.org().add_member(group, users[1]).unwrap();
    sim.org().rename_group(group, "Admins").unwrap();
    scim.run_pending().await;
    let (lines, sent) = bodies(&stub);
    let (get, put) = ("GET /Groups/Groups-3", "PUT /Groups/Groups-3");
    assert_eq!(lines, [get, put, get, put]);
    assert_eq!(sent[3]["displayName"], "Admins");
    assert_eq!(
        sent[3]["members"].as_array().unwrap().len(),
        2,
        "a rename carries the full members"
    );
}

#[tokio::test]
async fn inactive_people_are_skipped_in_both_directions_and_stay_out_after_their_return() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Template)).await;
    let users = people(&sim, 2);
    let (group, mapping) = pushed(&sim, &users);
    scim.run_pending().await;
    sim.org().deactivate(users[0]).unwrap();
    scim.run_pending().await;
    stub.received();
    assert!(
        sim.org()
            .group(group)
            .unwrap()
            .members()
            .contains(&users[0]),
        "Okta keeps the membership"
    );

    sim.org().remove_member(group, users[0]).unwrap();
    sim.org().add_member(group, users[0]).unwrap();
    scim.run_pending().await;
    assert_eq!(stub.lines(), [] as [String; 0], "neither goes out");

    sim.org().activate(users[0]).unwrap();
    sim.org().assign_user(users[0]).unwrap();
    // The stub does not carry out PATCHes; the server's side is set as a PATCH would have left it.
    let mut left = stub.resource("Users-1");
    left["active"] = false.into();
    stub.put("Users-1", left);
    scim.run_pending().await;
    assert!(
        !stub.lines().iter().any(|line| line.contains("/Groups/")),
        "the group must be pushed again"
    );
    sim.org().push_now(mapping).unwrap();
    scim.run_pending().await;
    let (_, sent) = bodies(&stub);
    assert_eq!(
        sent[0]["Operations"][1]["value"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn unlinking_deletes_or_leaves_the_copy_and_switching_off_sends_nothing() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Template)).await;
    let users = people(&sim, 1);
    let (group, mapping) = pushed(&sim, &users);
    let other = sim.org().create_group("Other", "");
    let left = sim.org().push_group(other).unwrap();
    scim.run_pending().await;
    stub.received();
    sim.org().set_mapping_active(mapping, false).unwrap();
    sim.org().remove_member(group, users[0]).unwrap();
    sim.org().unlink_group(left, false).unwrap();
    scim.run_pending().await;
    assert_eq!(stub.lines(), [] as [String; 0]);
    sim.org().unlink_group(mapping, true).unwrap();
    scim.run_pending().await;
    assert_eq!(stub.lines(), ["DELETE /Groups/Groups-2"]);
}

#[tokio::test]
async fn a_refused_rename_puts_the_mapping_into_error_and_nobody_is_pushed() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Template)).await;
    let users = people(&sim, 2);
    scim.run_pending().await;
    stub.received();
    let (group, mapping) = pushed(&sim, &users[..1]);
    scim.collect();
    stub.next(200, None, "{\"totalResults\":0}");
    stub.next(201, None, "{\"id\":\"Groups-9\"}");
    stub.next(400, None, "{\"detail\":\"id is read-only\"}");
    scim.run_pending().await;
    assert_eq!(
        sim.org().mapping(mapping).unwrap().status,
        MappingStatus::Error
    );
    assert_eq!(
        scim.last_error().as_deref(),
        Some("Errors reported by remote server: id is read-only")
    );
    stub.received();
    sim.org().add_member(group, users[1]).unwrap();
    scim.run_pending().await;
    assert_eq!(stub.lines(), [] as [String; 0]);
}
