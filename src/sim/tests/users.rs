//! Pushes of people: order, headers and bodies of both dialects.

use serde_json::{Map, Value, json};

use super::connected;
use crate::sim::org::{Profile, SyncState};
use crate::sim::scim_client::{Auth, Cleared, Dialect, Outcome, ScimHabits, ScimTarget};

const TEMPLATE: Dialect = Dialect::Template;

fn mira() -> Profile {
    Profile::new("mira.okafor@example.test", "Mira", "Okafor").with("locale", "en-US")
}

fn habits(dialect: Dialect) -> ScimHabits {
    ScimHabits {
        dialect,
        ..ScimHabits::default()
    }
}

const LOOKUP: &str =
    "GET /Users?filter=userName eq \"mira.okafor@example.test\"&startIndex=1&count=100";

#[tokio::test]
async fn assigning_looks_up_and_creates() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let user = sim.org().create_user(mira(), true).unwrap();
    sim.org().assign_user(user).unwrap();
    scim.run_pending().await;
    let received = stub.received();
    assert_eq!(
        received.iter().map(|r| r.line.as_str()).collect::<Vec<_>>(),
        [LOOKUP, "POST /Users"]
    );

    let header = |index: usize, name: &str| {
        received[index]
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap())
    };
    for (name, value) in [
        ("user-agent", Some("Okta SCIM Client 1.0.0")),
        ("accept", Some("application/scim+json")),
        ("accept-charset", Some("utf-8")),
        ("accept-encoding", Some("gzip,deflate")),
        ("authorization", Some("Bearer secret")),
    ] {
        assert_eq!((header(0, name), header(1, name)), (value, value), "{name}");
    }
    assert_eq!(header(0, "content-type"), None, "a GET carries none");
    assert_eq!(
        header(1, "content-type"),
        Some("application/scim+json; charset=utf-8")
    );

    let mut body = received[1].body.clone();
    let password = body["password"].take();
    assert_eq!(password.as_str().map(str::len), Some(8));
    assert_eq!(
        body,
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "mira.okafor@example.test", "name": {"givenName": "Mira", "familyName": "Okafor"},
            "emails": [{"primary": true, "value": "mira.okafor@example.test", "type": "work"}],
            "displayName": "Mira Okafor", "locale": "en-US", "externalId": user.as_str(),
            "groups": [], "password": null, "active": true})
    );
    let org = sim.org();
    let app_user = org.app_user(user).unwrap();
    assert_eq!(
        (app_user.external_id.as_deref(), &app_user.sync),
        (Some("Users-1"), &SyncState::Synchronized)
    );
    let kept = scim.exchanges();
    assert_eq!(
        kept[1].body.as_ref().unwrap()["password"],
        "[password]",
        "the record holds no password"
    );
}

#[tokio::test]
async fn a_department_brings_the_extension_and_its_urn() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let user = sim
        .org()
        .create_user(mira().with("department", "Data"), true)
        .unwrap();
    sim.org().assign_user(user).unwrap();
    scim.run_pending().await;
    let body = stub.received().pop().unwrap().body;
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(
        body["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User", urn])
    );
    assert_eq!(body[urn], json!({"department": "Data"}));
}

#[tokio::test]
async fn a_match_is_linked_and_updated_not_created() {
    let existing = json!({"id": "Users-9", "userName": "mira.okafor@example.test", "active": false,
        "name": {"givenName": "M.", "familyName": "O.", "formatted": "M. O."}, "groups": [{"value": "g"}],
        "meta": {"version": "W/\"7\""}});
    for dialect in [Dialect::Wizard, TEMPLATE] {
        let (sim, scim, stub, _) = connected(habits(dialect)).await;
        stub.put("Users-9", existing.clone());
        let user = sim.org().create_user(mira(), true).unwrap();
        sim.org().assign_user(user).unwrap();
        scim.run_pending().await;
        let received = stub.received();
        let lines: Vec<&str> = received.iter().map(|r| r.line.as_str()).collect();
        if dialect == TEMPLATE {
            assert_eq!(lines, [LOOKUP, "PATCH /Users/Users-9"]);
            let operation = &received[1].body["Operations"][0];
            assert_eq!(
                (&operation["op"], operation.get("path")),
                (&json!("replace"), None)
            );
            assert_eq!(operation["value"]["active"], true);
        } else {
            assert_eq!(lines, [LOOKUP, "GET /Users/Users-9", "PUT /Users/Users-9"]);
            let body = &received[2].body;
            assert_eq!(
                body["name"],
                json!({"givenName": "Mira", "familyName": "Okafor", "formatted": "M. O."})
            );
            assert_eq!(
                (&body["active"], &body["groups"]),
                (&json!(true), &json!([]))
            );
            assert_eq!(
                (&body["id"], &body["meta"]["version"]),
                (&json!("Users-9"), &json!("W/\"7\"")),
                "echoed"
            );
        }
        assert_eq!(
            sim.org().app_user(user).unwrap().external_id.as_deref(),
            Some("Users-9")
        );
    }
}

#[tokio::test]
async fn a_lookup_answered_404_means_no_match() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let user = sim.org().create_user(mira(), true).unwrap();
    sim.org().assign_user(user).unwrap();
    stub.next(404, None, "{\"detail\":\"none\"}");
    scim.run_pending().await;
    assert_eq!(stub.lines().last().unwrap(), "POST /Users");
}

#[tokio::test]
async fn a_profile_change_goes_out_as_the_dialect_has_it_and_never_touches_active() {
    for dialect in [Dialect::Wizard, TEMPLATE] {
        let (sim, scim, stub, _) = connected(habits(dialect)).await;
        let user = sim.org().create_user(mira(), true).unwrap();
        sim.org().assign_user(user).unwrap();
        scim.run_pending().await;
        let mut blocked = stub.resource("Users-1");
        blocked["active"] = false.into();
        stub.put("Users-1", blocked);
        stub.received();
        let changes: Map<String, Value> = Map::from_iter([
            ("title".to_owned(), json!("Lead")),
            ("lastName".to_owned(), json!("Okafor-Li")),
        ]);
        sim.org().update_profile(user, &changes).unwrap();
        scim.run_pending().await;
        let received = stub.received();
        let lines: Vec<&str> = received.iter().map(|r| r.line.as_str()).collect();
        let body = &received.last().unwrap().body;
        if dialect == TEMPLATE {
            assert_eq!(lines, ["PATCH /Users/Users-1"]);
            assert_eq!(
                body,
                &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace",
                    "value": {"name": {"givenName": "Mira", "familyName": "Okafor-Li"}, "title": "Lead"}}]})
            );
        } else {
            assert_eq!(lines, ["GET /Users/Users-1", "PUT /Users/Users-1"]);
            assert_eq!(
                (&body["title"], &body["active"]),
                (&json!("Lead"), &json!(false)),
                "active is echoed"
            );
        }
    }
}

#[tokio::test]
async fn a_cleared_attribute_is_left_out_null_or_empty() {
    for (cleared, wanted) in [
        (Cleared::Omitted, None),
        (Cleared::Null, Some(Value::Null)),
        (Cleared::Empty, Some("".into())),
    ] {
        let (sim, scim, stub, _) = connected(ScimHabits {
            cleared,
            ..habits(Dialect::Wizard)
        })
        .await;
        let user = sim
            .org()
            .create_user(mira().with("title", "Lead"), true)
            .unwrap();
        sim.org().assign_user(user).unwrap();
        scim.run_pending().await;
        let changes = Map::from_iter([("title".to_owned(), Value::Null)]);
        sim.org().update_profile(user, &changes).unwrap();
        scim.run_pending().await;
        assert_eq!(
            stub.received().pop().unwrap().body.get("title").cloned(),
            wanted,
            "{cleared:?}"
        );
    }
}

#[tokio::test]
async fn leaving_sends_active_false_and_suspension_nothing() {
    for dialect in [Dialect::Wizard, TEMPLATE] {
        let (sim, scim, stub, _) = connected(habits(dialect)).await;
        let user = sim.org().create_user(mira(), true).unwrap();
        sim.org().assign_user(user).unwrap();
        scim.run_pending().await;
        let before = stub.resource("Users-1");
        stub.received();

        sim.org().suspend(user).unwrap();
        sim.org().unsuspend(user).unwrap();
        assert_eq!(scim.run_pending().await, []);
        assert_eq!(stub.lines(), [] as [String; 0]);

        sim.org().deactivate(user).unwrap();
        scim.run_pending().await;
        let body = stub.received().pop().unwrap().body;
        if dialect == TEMPLATE {
            assert_eq!(
                body["Operations"],
                json!([{"op": "replace", "value": {"active": false}}])
            );
        } else {
            let mut wanted = before;
            wanted["active"] = false.into();
            assert_eq!(
                body, wanted,
                "the server's own values, and nothing of Okta's profile"
            );
        }
        sim.org().delete_user(user).unwrap();
        assert_eq!(
            scim.run_pending().await,
            [],
            "deleting a deactivated user sends nothing"
        );
    }
}

#[tokio::test]
async fn coming_back_needs_an_assignment_unless_a_group_gives_it_and_keeps_the_id() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let by_hand = sim.org().create_user(mira(), true).unwrap();
    let by_group = sim
        .org()
        .create_user(Profile::new("b@example.test", "B", "B"), true)
        .unwrap();
    {
        let mut org = sim.org();
        let group = org.create_group("assigned", "");
        org.assign_group(group).unwrap();
        org.add_member(group, by_group).unwrap();
        org.assign_user(by_hand).unwrap();
    }
    scim.run_pending().await;
    let ids = |sim: &crate::sim::Sim| {
        let org = sim.org();
        [by_hand, by_group].map(|user| {
            org.app_user(user)
                .and_then(|app_user| app_user.external_id.clone())
        })
    };
    let before = ids(&sim);
    for user in [by_hand, by_group] {
        sim.org().deactivate(user).unwrap();
    }
    scim.run_pending().await;
    assert_eq!(ids(&sim), [None, None]);
    for user in [by_hand, by_group] {
        sim.org().activate(user).unwrap();
    }
    scim.run_pending().await;
    assert_eq!(
        ids(&sim),
        [None, before[1].clone()],
        "only the group's assignment came back"
    );
    sim.org().assign_user(by_hand).unwrap();
    scim.run_pending().await;
    assert_eq!(ids(&sim), before);
    assert_eq!(stub.resource(before[0].as_ref().unwrap())["active"], true);
}

#[tokio::test]
async fn who_was_assigned_before_provisioning_is_pushed_only_when_asked() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    let user = sim.org().create_user(mira(), true).unwrap();
    sim.org().set_provisioning(false);
    sim.org().assign_user(user).unwrap();
    sim.org().set_provisioning(true);
    sim.org().rename_login(user, "mira2@example.test").unwrap();
    assert_eq!(scim.run_pending().await, []);
    sim.org().provision_user(user).unwrap();
    assert_eq!(scim.run_pending().await[0].outcome, Outcome::Pushed);
    assert_eq!(stub.lines().last().unwrap(), "POST /Users");
}

#[tokio::test]
async fn the_connection_test_and_the_import_ask_as_okta_does() {
    let (sim, scim, stub, _) = connected(habits(Dialect::Wizard)).await;
    scim.test_connection().await.unwrap();
    assert_eq!(stub.lines(), ["GET /Users?startIndex=1&count=2"]);
    for index in 0..3 {
        let profile = Profile::new(&format!("u{index}@example.test"), "U", "U");
        let user = sim.org().create_user(profile, true).unwrap();
        sim.org().assign_user(user).unwrap();
    }
    scim.run_pending().await;
    let mut gone = stub.resource("Users-2");
    gone["active"] = false.into();
    stub.put("Users-2", gone);
    stub.received();
    let imported = scim.import().await.unwrap();
    assert_eq!(
        (imported.users.len(), imported.groups.len()),
        (2, 0),
        "inactive users are left out after reading"
    );
    assert_eq!(stub.lines(), ["GET /Users?startIndex=1&count=100"]);
    scim.set_habits(ScimHabits {
        imports_groups: true,
        ..scim.habits()
    });
    scim.test_connection().await.unwrap();
    assert_eq!(
        stub.lines(),
        [
            "GET /Users?startIndex=1&count=2",
            "GET /Groups?startIndex=1&count=100"
        ]
    );
    stub.next(401, None, "{\"detail\":\"wrong token\"}");
    assert_eq!(
        scim.test_connection().await,
        Err("Errors reported by remote server: wrong token".to_owned())
    );
}

#[tokio::test]
async fn the_header_template_sends_the_value_as_it_is_and_basic_both_halves() {
    let (_sim, scim, stub, _) = connected(habits(TEMPLATE)).await;
    let base_url = stub.base_url.clone();
    let basic = Auth::Basic {
        user: "okta".to_owned(),
        password: "pw".to_owned(),
    };
    for (auth, wanted) in [
        (Auth::Header("raw-token".to_owned()), "raw-token"),
        (basic, "Basic b2t0YTpwdw=="),
    ] {
        scim.set_target(ScimTarget {
            base_url: base_url.clone(),
            auth,
        });
        scim.test_connection().await.unwrap();
        assert_eq!(stub.received()[0].headers["authorization"], wanted);
    }
}
