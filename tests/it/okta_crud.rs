//! Okta's SCIM 2.0 CRUD test: it drives an org through its Management API and looks at what arrives over SCIM.
//!
//! The suite's pauses of 20 and 40 s are Okta's job queue; here it is settled instead. After each step the poller reads
//! the org too, and must not see it otherwise.

use rosterd::model::run::RunKind;
use serde_json::{Value, json};

use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

/// A user read by id: 200 with this `active`, before and after a full run.
async fn stands(okta: &Tenant, id: &str, active: bool) -> Value {
    okta.settle().await;
    let pushed = okta.read(id).await;
    assert_eq!(
        (&pushed["id"], &pushed["active"]),
        (&json!(id), &json!(active))
    );
    okta.daemon.poll(RunKind::Full).await;
    // Okta's status is a fact of its own, so the poll may make a new version; what SCIM shows stays.
    let mut polled = okta.read(id).await;
    polled["meta"] = pushed["meta"].clone();
    assert_eq!(polled, pushed, "the poll agrees with the pushes");
    pushed
}

on_each_store! {
    async fn b2_the_flow_of_the_crud_test(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let app = format!("/api/v1/apps/{}", okta.sim.org().app().id);
            let email = okta.login("Runscope123.Kqwertyui987");

            // 1: the app is there
            assert_eq!(okta.okta("GET", &app, None).await.status, 200);

            // 2: create a user in Okta
            let profile = json!({
                "firstName": "Runscope123", "lastName": "Kqwertyui987", "email": email, "login": email,
                "title": "Tester", "primaryPhone": "123-456-7890",
            });
            let credentials = json!({
                "password": {"value": "Abcd1234!"},
                "recovery_question": {"question": "Who?", "answer": "Annie Oakley"},
            });
            let body = json!({"profile": profile, "credentials": credentials});
            let made = okta.okta("POST", "/api/v1/users?activate=true", Some(&body)).await;
            assert_eq!(made.status, 200, "{}", made.text);
            let user = made.json()["id"].as_str().unwrap().to_owned();

            // 3: assign the user to the app
            let assign = json!({
                "id": user, "scope": "USER", "credentials": {"userName": email},
                "profile": {"familyName": "Kqwertyui987", "givenName": "Runscope123", "emailType": "work", "email": email},
            });
            let assigned = okta.okta("POST", &format!("{app}/users"), Some(&assign)).await;
            assert_eq!(assigned.status, 200, "{}", assigned.text);

            // 5: he is there
            okta.settle().await;
            let found = okta.daemon.look_up(&email).await;
            assert_eq!(found.len(), 1);
            assert_eq!((&found[0]["userName"], &found[0]["emails"][0]["value"]), (&json!(email), &json!(email)));
            assert_eq!((&found[0]["name"]["familyName"], &found[0]["name"]["givenName"]), (&json!("Kqwertyui987"), &json!("Runscope123")));
            let id = found[0]["id"].as_str().unwrap().to_owned();
            stands(&okta, &id, true).await;

            // 6-8: another first name arrives
            let mut profile = profile;
            profile["firstName"] = "Runscope456".into();
            let put = okta.okta("PUT", &format!("/api/v1/users/{user}"), Some(&json!({"profile": profile}))).await;
            assert_eq!(put.status, 200, "{}", put.text);
            assert_eq!(stands(&okta, &id, true).await["name"]["givenName"], "Runscope456");

            // 9-11: deactivated, he can still be read
            let off = okta.okta("POST", &format!("/api/v1/users/{user}/lifecycle/deactivate"), None).await;
            assert_eq!(off.status, 200, "{}", off.text);
            stands(&okta, &id, false).await;

            // 12-15: activated and assigned again, it is the same id
            let on = okta.okta("POST", &format!("/api/v1/users/{user}/lifecycle/activate"), None).await;
            assert_eq!(on.status, 200, "{}", on.text);
            let assigned = okta.okta("POST", &format!("{app}/users"), Some(&assign)).await;
            assert_eq!(assigned.status, 200, "{}", assigned.text);
            assert_eq!(stands(&okta, &id, true).await["name"]["givenName"], "Runscope456");

            // 16-19: taken out of the app
            let gone = okta.okta("DELETE", &format!("{app}/users/{user}"), None).await;
            assert_eq!(gone.status, 204);
            stands(&okta, &id, false).await;
            assert_eq!(okta.daemon.look_up(&email).await.len(), 1);
            let audit = okta.daemon.audit(&id).await;
            let actives: Vec<&Value> = audit
                .iter()
                .filter(|(action, ..)| matches!(action.as_str(), "user.activated" | "user.deactivated"))
                .map(|(_, _, after)| &after["active"])
                .collect();
            assert_eq!(actives, [false, true, false], "{audit:?}");
        }
    }
}
