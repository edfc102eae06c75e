//! Groups the server had before: imported and linked. Groups a rule finds. Attributes the app itself gives.

use serde_json::{Map, Value, json};

use super::connected;
use super::stub::Stub;
use crate::sim::Sim;
use crate::sim::org::{OktaId, Profile, RuleField, RuleMatch};
use crate::sim::scim_client::{Dialect, ScimHabits};

const BOTH: [Dialect; 2] = [Dialect::Wizard, Dialect::Template];

fn habits(dialect: Dialect) -> ScimHabits {
    ScimHabits {
        dialect,
        imports_groups: true,
        ..ScimHabits::default()
    }
}

fn person(sim: &Sim, name: &str) -> OktaId {
    let mut org = sim.org();
    let profile = Profile::new(&format!("{name}@example.test"), name, name);
    org.create_user(profile, true).unwrap()
}

fn attribute(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

/// Who the last PUT of a group named, or what the last PATCH did.
fn last_body(stub: &Stub) -> Value {
    stub.received().pop().unwrap().body
}

#[tokio::test]
async fn an_import_makes_app_groups_of_what_it_found_and_forgets_what_went() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let pushed = sim.org().create_group("Pushed", "");
    sim.org().push_group(pushed).unwrap();
    scim.run_pending().await;
    stub.put(
        "Groups-7",
        json!({"id": "Groups-7", "displayName": "Theirs"}),
    );
    scim.import().await.unwrap();
    let group = sim.org().imported_group("Groups-7").unwrap();
    assert_eq!(sim.org().group(group).unwrap().name(), "Theirs");
    assert_eq!(
        sim.org().imported_group("Groups-1"),
        None,
        "the copy of a pushed group is known already"
    );
    stub.put(
        "Groups-7",
        json!({"id": "Groups-7", "displayName": "Renamed"}),
    );
    scim.import().await.unwrap();
    assert_eq!(sim.org().group(group).unwrap().name(), "Renamed");
    stub.remove("Groups-7");
    scim.import().await.unwrap();
    assert!(sim.org().group(group).is_none());
}

#[tokio::test]
async fn a_linked_group_keeps_whom_it_had_until_push_now() {
    for dialect in BOTH {
        for rename in [true, false] {
            let (sim, scim, stub, _) = connected(habits(dialect)).await;
            let (one, two) = (person(&sim, "one"), person(&sim, "two"));
            for user in [one, two] {
                sim.org().assign_user(user).unwrap();
            }
            scim.run_pending().await;
            let theirs = json!({"id": "Groups-7", "displayName": "Theirs",
                                "members": [{"value": "stranger"}, {"value": "Users-1"}]});
            stub.put("Groups-7", theirs);
            scim.import().await.unwrap();
            stub.received();
            let (source, mapping) = {
                let mut org = sim.org();
                let source = org.create_group("Okta's", "");
                org.add_member(source, two).unwrap();
                let target = org.imported_group("Groups-7").unwrap();
                assert!(org.link_group(source, source, rename).is_err());
                (source, org.link_group(source, target, rename).unwrap())
            };
            scim.run_pending().await;
            let name = if rename { "Okta's" } else { "Theirs" };
            let received = stub.received();
            let lines: Vec<&str> = received.iter().map(|r| r.line.as_str()).collect();
            let last = &received.last().unwrap().body;
            if dialect == Dialect::Wizard {
                assert_eq!(lines, ["GET /Groups/Groups-7", "PUT /Groups/Groups-7"]);
                assert_eq!(last["displayName"], name);
                let members: Vec<&Value> = last["members"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|member| &member["value"])
                    .collect();
                assert_eq!(members, ["Users-2", "stranger", "Users-1"]);
            } else {
                assert_eq!(lines, ["PATCH /Groups/Groups-7", "PATCH /Groups/Groups-7"]);
                assert_eq!(last["Operations"][0]["value"]["displayName"], name);
                assert_eq!(
                    (
                        &last["Operations"][1]["op"],
                        &last["Operations"][1]["value"][0]["value"]
                    ),
                    (&json!("add"), &json!("Users-2"))
                );
            }

            // A name is followed only where the admin said so.
            sim.org().rename_group(source, "Okta's second").unwrap();
            scim.run_pending().await;
            assert_eq!(stub.received().is_empty(), !rename);
            sim.org().remove_member(source, two).unwrap();
            scim.run_pending().await;
            let body = last_body(&stub);
            if dialect == Dialect::Wizard {
                let wanted = json!([{"value": "stranger", "display": null}, {"value": "Users-1", "display": null}]);
                assert_eq!(body["members"], wanted);
            } else {
                assert_eq!(
                    body["Operations"][1],
                    json!({"op": "remove", "path": "members[value eq \"Users-2\"]"})
                );
            }
            sim.org().push_now(mapping).unwrap();
            scim.run_pending().await;
            let body = last_body(&stub);
            let whole = if dialect == Dialect::Wizard {
                &body["members"]
            } else {
                &body["Operations"][1]["value"]
            };
            assert_eq!(whole, &json!([]));

            // Unlinked and left, it is an imported group as before.
            sim.org().unlink_group(mapping, false).unwrap();
            let target = sim.org().imported_group("Groups-7").unwrap();
            assert!(sim.org().group(target).is_some());
        }
    }
}

#[tokio::test]
async fn a_rule_pushes_what_it_finds_now_and_later() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Template)).await;
    sim.org().create_group("App one", "");
    sim.org().create_group("Other", "for the App");
    let rule = sim
        .org()
        .add_push_rule(RuleField::Name, RuleMatch::StartsWith, "App");
    scim.run_pending().await;
    let posted = |stub: &Stub| -> Vec<Value> {
        let received = stub.received();
        let posts = received.iter().filter(|r| r.line.starts_with("POST"));
        posts.map(|r| r.body["displayName"].clone()).collect()
    };
    assert_eq!(posted(&stub), ["App one"]);
    sim.org().create_group("App two", "");
    scim.run_pending().await;
    assert_eq!(posted(&stub), ["App two"]);
    let described = sim
        .org()
        .add_push_rule(RuleField::Description, RuleMatch::EndsWith, "App");
    scim.run_pending().await;
    assert_eq!(posted(&stub), ["Other"]);
    sim.org().set_push_rule_active(rule, false).unwrap();
    let later = sim.org().create_group("App three", "");
    scim.run_pending().await;
    assert_eq!(posted(&stub), [] as [Value; 0]);
    sim.org().edit_push_rule(described, "Apps").unwrap();
    sim.org()
        .update_group(later, "App three", "one of the Apps")
        .unwrap();
    scim.run_pending().await;
    assert_eq!(posted(&stub), ["App three"]);
    sim.org().delete_push_rule(described, true).unwrap();
    scim.run_pending().await;
    let mut lines = stub.lines();
    lines.sort();
    assert_eq!(
        lines,
        ["DELETE /Groups/Groups-3", "DELETE /Groups/Groups-4"]
    );
    assert!(sim.org().set_push_rule_active(described, true).is_err());
}

#[tokio::test]
async fn the_app_gives_attributes_that_okta_s_profile_has_not() {
    for dialect in BOTH {
        let (sim, scim, stub, _) = connected(habits(dialect)).await;
        let user = person(&sim, "a");
        let (first, second) = {
            let mut org = sim.org();
            let groups = ["first", "second"].map(|name| org.create_group(name, ""));
            for group in groups {
                org.assign_group(group).unwrap();
                org.add_member(group, user).unwrap();
            }
            (groups[0], groups[1])
        };
        let given = |org: &mut crate::sim::org::Org, group, value: Value| {
            org.set_app_group_profile(group, &attribute("userType", value))
                .unwrap();
        };
        given(&mut sim.org(), second, json!("Partner"));
        scim.run_pending().await;
        assert_eq!(stub.resource("Users-1")["userType"], "Partner");
        let sent = |stub: &Stub| {
            let body = last_body(stub);
            let value = match dialect {
                Dialect::Wizard => body.get("userType"),
                Dialect::Template => body["Operations"][0]["value"].get("userType"),
            };
            value.cloned().unwrap_or(Value::Null)
        };
        stub.received();
        given(&mut sim.org(), first, json!("Contractor"));
        scim.run_pending().await;
        assert_eq!(sent(&stub), "Contractor", "the first group by priority");
        sim.org()
            .set_app_user_profile(user, &attribute("userType", json!("Own")))
            .unwrap();
        scim.run_pending().await;
        assert_eq!(sent(&stub), "Own", "the person's own before a group's");
        sim.org()
            .update_profile(user, &attribute("userType", json!("Okta's")))
            .unwrap();
        scim.run_pending().await;
        assert_eq!(sent(&stub), "Okta's", "the mapping has the last word");
        assert!(sim.org().set_app_group_profile(user, &Map::new()).is_err());
    }
}

#[tokio::test]
async fn a_leaver_is_deleted_where_the_org_says_so() {
    for dialect in BOTH {
        let (sim, scim, stub, _) = connected(ScimHabits {
            deletes_leavers: true,
            ..habits(dialect)
        })
        .await;
        let user = person(&sim, "a");
        sim.org().assign_user(user).unwrap();
        scim.run_pending().await;
        stub.received();
        sim.org().unassign_user(user).unwrap();
        scim.run_pending().await;
        assert_eq!(stub.lines(), ["DELETE /Users/Users-1"]);
        sim.org().assign_user(user).unwrap();
        scim.run_pending().await;
        assert_eq!(stub.lines().last().unwrap(), "POST /Users", "anew");
    }
}
