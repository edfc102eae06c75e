//! What is refused has changed nothing: defect 12.

use rosterd::model::run::RunKind;
use rosterd::store::Engine;
use serde_json::{Value, json};

use super::dump::{arrange, dump};
use super::{BULK, group, okta_on, patch, user};
use crate::scim_http::Answer;
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;
use crate::support::tenant::Tenant;

/// The tables that one push may write.
const WRITTEN: [(&str, &str); 13] = [
    ("users", "INSERT"),
    ("users", "UPDATE"),
    ("users", "DELETE"),
    ("user_emails", "INSERT"),
    ("idp_groups", "INSERT"),
    ("idp_groups", "UPDATE"),
    ("edges", "INSERT"),
    ("edges", "DELETE"),
    ("memberships", "INSERT"),
    ("memberships", "DELETE"),
    ("guard_log", "INSERT"),
    ("audit", "INSERT"),
    ("counters", "UPDATE"),
];

/// Makes the database refuse every write of this kind to this table.
async fn break_table(daemon: &Daemon, table: &str, act: &str) {
    let statement = match daemon.store.engine() {
        Engine::Sqlite => format!(
            "CREATE TRIGGER broken BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END"
        ),
        Engine::Postgres => format!(
            "CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$; \
             CREATE TRIGGER broken BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION broken()"
        ),
    };
    arrange(&daemon.store, statement).await;
}

async fn mend_table(daemon: &Daemon, table: &str) {
    let statement = match daemon.store.engine() {
        Engine::Sqlite => "DROP TRIGGER broken".to_owned(),
        Engine::Postgres => format!("DROP TRIGGER broken ON {table}"),
    };
    arrange(&daemon.store, statement).await;
}

/// One write of every kind. `number` makes what is new another than the last time.
async fn writes(
    daemon: &Daemon,
    number: usize,
    known: &str,
    spare: &str,
    crowd: &str,
) -> Vec<(String, Answer)> {
    let mut all = Vec::new();
    let name = format!("n{number}@x");
    let off = json!({"userName": "known@x", "title": name, "active": number.is_multiple_of(2), "emails": [{"value": name}]});
    let flip = json!({"Operations": [{"op": "replace", "value": {"active": number % 2 == 1, "displayName": name}}]});
    let members = json!({"displayName": format!("Crowd {number}"), "members": []});
    let join = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": known}, {"value": spare}]}]});
    let part =
        json!({"Operations": [{"op": "remove", "path": format!("members[value eq \"{known}\"]")}]});
    for (method, path, body) in [
        (
            "POST",
            "/Users".to_owned(),
            Some(json!({"userName": name, "emails": [{"value": name}]})),
        ),
        ("PUT", format!("/Users/{known}"), Some(off)),
        ("PATCH", format!("/Users/{known}"), Some(flip)),
        (
            "POST",
            "/Groups".to_owned(),
            Some(json!({"displayName": format!("New {number}"), "members": [{"value": known}]})),
        ),
        ("PATCH", format!("/Groups/{crowd}"), Some(join)),
        ("PATCH", format!("/Groups/{crowd}"), Some(part)),
        ("PUT", format!("/Groups/{crowd}"), Some(members)),
        ("DELETE", format!("/Users/{spare}"), None),
    ] {
        let before = dump(&daemon.store).await;
        let answer = daemon.scim(method, &path, body.as_ref()).await;
        if answer.status >= 300 {
            assert_eq!(
                dump(&daemon.store).await,
                before,
                "{method} {path}: {} and yet something changed",
                answer.status
            );
            assert!(!answer.text.contains("broken"), "{}", answer.text);
        }
        all.push((format!("{method} {path}"), answer));
    }
    all
}

on_each_store! {
    async fn trust_12_a_write_that_breaks_anywhere_leaves_nothing_behind(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        let known = user(&daemon, "known@x").await;
        let crowd = group(&daemon, "Crowd", &[&known]).await;
        daemon.map(&crowd, "crowd").await;
        let mut broken = 0;
        for (number, (table, act)) in WRITTEN.into_iter().enumerate() {
            let spare = user(&daemon, &format!("spare{number}@x")).await;
            break_table(&daemon, table, act).await;
            let answers = writes(&daemon, number, &known, &spare, &crowd).await;
            mend_table(&daemon, table).await;
            let refused = answers.iter().filter(|(_, answer)| answer.status >= 300).count();
            assert!(refused > 0, "nothing writes {act} {table}");
            for (what, answer) in &answers {
                assert!(answer.status < 300 || answer.status == 500, "{act} {table}: {what}: {}", answer.text);
            }
            broken += refused;
            // Mended, the daemon goes on as if nothing had been.
            let whole = json!({"userName": "known@x", "active": true});
            assert_eq!(daemon.scim("PUT", &format!("/Users/{known}"), Some(&whole)).await.status, 200);
            let back = json!([{"op": "add", "path": "members", "value": [{"value": known}]}]);
            assert_eq!(patch(&daemon, &format!("/Groups/{crowd}"), back).await.status, 200);
        }
        assert!(broken > 25, "{broken}");
    }

    async fn trust_12_every_refusal_leaves_everything_as_it_was(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        let known = user(&daemon, "known@x").await;
        let crowd = group(&daemon, "Crowd", &[&known]).await;
        let (one, all) = (format!("/Users/{known}"), format!("/Groups/{crowd}"));
        let half = |bad: Value| json!({"schemas": [super::PATCH], "Operations": [
            {"op": "replace", "value": {"active": false}}, {"op": "replace", "path": "displayName", "value": "half"}, bad,
        ]});
        let before = dump(&daemon.store).await;
        for (method, path, body) in [
            ("POST", "/Users", json!({"userName": "KNOWN@x", "active": false})),
            ("POST", "/Users", json!({"displayName": "nameless"})),
            ("POST", "/Users", json!({"userName": "new@x", "active": "perhaps"})),
            ("POST", "/Users", json!({"userName": "new@x", "emails": 5})),
            ("PUT", &one, json!({"userName": "keeper@example.test", "active": false})),
            ("PUT", &one, json!({"active": false})),
            ("PATCH", &one, half(json!({"op": "replace", "path": "userName", "value": "keeper@example.test"}))),
            ("PATCH", &one, half(json!({"op": "remove", "path": "userName"}))),
            ("PATCH", &one, half(json!({"op": "replace", "path": "emails[type eq", "value": "x"}))),
            ("PATCH", &one, half(json!({"op": "increment", "path": "title", "value": 1}))),
            ("PATCH", &one, half(json!({"op": "replace", "path": "active", "value": {"a": 1}}))),
            ("PATCH", &all, half(json!({"op": "replace", "path": "displayName", "value": "Keepers"}))),
            ("PATCH", &all, json!({"Operations": [{"op": "remove", "path": "members"}, {"op": "replace", "value": {"displayName": "Keepers"}}]})),
            ("PATCH", &all, json!({"Operations": [{"op": "remove", "path": "members"}, {"op": "add", "path": "members", "value": [{"value": 5}]}]})),
            ("PUT", &all, json!({"displayName": "Keepers", "members": []})),
            ("PUT", &all, json!({"members": []})),
            ("POST", "/Groups", json!({"displayName": "crowd", "members": []})),
            ("POST", "/Bulk", json!({"schemas": [BULK], "Operations": [{"method": "DELETE"}]})),
            ("POST", "/Bulk", json!({"schemas": [BULK], "Operations": "all"})),
        ] {
            let answer = daemon.scim(method, path, Some(&body)).await;
            if answer.status < 300 && path == "/Bulk" {
                let answer = answer.json();
                assert!(answer["Operations"].as_array().unwrap().iter().all(|line| line["status"].as_str().unwrap() >= "400"), "{answer}");
            } else {
                assert!((400..500).contains(&answer.status), "{method} {path} {body}: {} {}", answer.status, answer.text);
            }
            assert_eq!(dump(&daemon.store).await, before, "{method} {path} {body}");
        }
        for (method, path) in [("PUT", one.as_str()), ("PATCH", &one), ("DELETE", &one), ("PUT", &all), ("PATCH", &all), ("DELETE", &all)] {
            let bearer = format!("Bearer {}", daemon.token);
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("if-match", "W/\"999\"")];
            let body = json!({
                "userName": "other@x", "displayName": "other", "members": [], "active": false,
                "Operations": [{"op": "replace", "value": {"displayName": "other"}}],
            });
            let answer = daemon.send(method, &format!("/scim/v2{path}"), &headers, Some(&body)).await;
            answer.is_error(412);
            assert_eq!(dump(&daemon.store).await, before, "{method} {path}");
        }
    }

    async fn trust_12_the_last_admin_is_either_taken_whole_or_kept_whole(store) {
        let okta = Tenant::new(store).await;
        let boss = okta.hire("boss@x.test").await;
        let admins = okta.push("Admins", &[boss]).await;
        rosterd::service::mappings::add(&okta.daemon.service, &crate::support::daemon::admin(), &admins.id, "organization-admin").await.unwrap();
        okta.daemon.poll(RunKind::Full).await;
        let path = format!("/Users/{}", okta.scim_id(boss));
        for push in ["PATCH", "PUT", "group"] {
            let answer = match push {
                "PATCH" => patch(&okta.daemon, &path, json!([{"op": "replace", "value": {"active": false}}])).await,
                "PUT" => okta.daemon.scim("PUT", &path, Some(&json!({"userName": "boss@x.test", "active": false}))).await,
                _ => okta.daemon.scim("PUT", &format!("/Groups/{}", admins.id), Some(&json!({"displayName": "Admins", "members": []}))).await,
            };
            // Answered as always, and the admin is in: active, and in the team.
            assert_eq!(answer.status, 200, "{push}: {}", answer.text);
            assert_eq!(okta.daemon.team("organization-admin").await.len(), 1, "{push}");
            assert_eq!(okta.daemon.store.number("SELECT active FROM users WHERE user_name = 'boss@x.test'").await, 1, "{push}");
        }
    }
}
