//! The Management API as an admin's scripts use it: the flow of Okta's CRUD suite, what is left out of objects, pushed
//! groups, and errors.

use http::{Method, header};
use serde_json::{Value, json};

use super::{call, clock, connected, get, org, with};
use crate::sim::http_client;
use crate::sim::org::Profile;
use crate::sim::scim_client::ScimHabits;

/// Okta's SCIM 2.0 CRUD suite, steps 1 to 19, against the stub.
#[tokio::test]
async fn the_crud_suite_flows_through_the_api_to_the_scim_server() {
    let (sim, scim, stub, _) = connected(ScimHabits::default()).await;
    let app = sim.org().app().id;
    assert_eq!(get(&sim, &format!("/api/v1/apps/{app}")).await.status, 200);
    let profile = json!({"firstName": "Test", "lastName": "One", "email": "t@example.test", "login": "t@example.test",
                         "title": "Tester", "primaryPhone": "+1 555 0100"});
    let body = json!({"profile": profile, "credentials": {"password": {"value": "Abcd1234"}}});
    let created = call(
        &sim,
        Method::POST,
        "/api/v1/users?activate=true",
        Some(body),
    )
    .await;
    assert_eq!(
        (created.status, created.body["status"].as_str()),
        (200, Some("ACTIVE"))
    );
    let id = created.body["id"].as_str().unwrap().to_owned();
    let assign = json!({"id": id, "scope": "USER", "credentials": {"userName": "t@example.test"}});
    let assigned = call(
        &sim,
        Method::POST,
        &format!("/api/v1/apps/{app}/users"),
        Some(assign.clone()),
    )
    .await;
    assert_eq!(
        (assigned.status, assigned.body["scope"].as_str()),
        (200, Some("USER"))
    );
    scim.run_pending().await;
    assert_eq!(
        stub.resource("Users-1")["emails"][0]["value"],
        "t@example.test"
    );

    let mut renamed = profile;
    renamed["firstName"] = json!("Renamed");
    let put = call(
        &sim,
        Method::PUT,
        &format!("/api/v1/users/{id}"),
        Some(json!({"profile": renamed})),
    )
    .await;
    assert_eq!(put.status, 200);
    scim.run_pending().await;
    assert_eq!(stub.resource("Users-1")["name"]["givenName"], "Renamed");

    let lifecycle = |verb: &str| format!("/api/v1/users/{id}/lifecycle/{verb}");
    assert_eq!(
        call(&sim, Method::POST, &lifecycle("deactivate"), None)
            .await
            .status,
        200
    );
    scim.run_pending().await;
    assert_eq!(stub.resource("Users-1")["active"], false);
    assert_eq!(
        call(&sim, Method::POST, &lifecycle("activate"), None)
            .await
            .status,
        200
    );
    let again = call(
        &sim,
        Method::POST,
        &format!("/api/v1/apps/{app}/users"),
        Some(assign),
    )
    .await;
    assert_eq!(again.status, 200);
    scim.run_pending().await;
    assert_eq!(stub.resource("Users-1")["active"], true);
    let app_user = get(&sim, &format!("/api/v1/apps/{app}/users/{id}"))
        .await
        .body;
    assert_eq!(
        (&app_user["externalId"], &app_user["status"]),
        (&json!("Users-1"), &json!("PROVISIONED"))
    );

    let unassigned = call(
        &sim,
        Method::DELETE,
        &format!("/api/v1/apps/{app}/users/{id}"),
        None,
    )
    .await;
    assert_eq!(unassigned.status, 204);
    scim.run_pending().await;
    assert_eq!(stub.resource("Users-1")["active"], false);
    let bad = call(
        &sim,
        Method::POST,
        "/api/v1/users",
        Some(json!({"profile": {"login": "x"}})),
    )
    .await;
    assert_eq!(
        (bad.status, &bad.body["errorCode"]),
        (400, &json!("E0000001"))
    );
}

#[tokio::test]
async fn fields_and_response_options_leave_parts_out() {
    let sim = org(&clock()).await;
    let (user, group) = {
        let mut org = sim.org();
        let profile = Profile::new("a@example.test", "A", "B").with("title", "Lead");
        let user = org.create_user(profile, true).unwrap();
        let group = org.create_group("G", "");
        org.add_member(group, user).unwrap();
        (user, group)
    };
    let path = with(
        "/api/v1/users?filter=status%20eq%20%22ACTIVE%22",
        "fields",
        "id,status,profile:(login,email)",
    );
    let slim = get(&sim, &path).await;
    let login = "a@example.test";
    assert_eq!(
        slim.body,
        json!([{"id": user, "status": "ACTIVE", "profile": {"login": login, "email": login}}])
    );
    let groups = get(&sim, &with("/api/v1/groups", "fields", "id,type")).await;
    assert_eq!(
        groups.body.as_array().unwrap().last().unwrap(),
        &json!({"id": group, "type": "OKTA_GROUP"})
    );
    let broken = get(&sim, &with("/api/v1/users", "fields", "profile:(")).await;
    assert_eq!(
        (broken.status, &broken.body["errorCode"]),
        (400, &json!("E0000001"))
    );

    let options = "application/json; okta-response=\"omitCredentials,omitCredentialsLinks\"";
    for path in [
        format!("/api/v1/users/{user}"),
        format!("/api/v1/groups/{group}/users"),
    ] {
        let whole = get(&sim, &path).await.body.to_string();
        assert!(whole.contains("\"credentials\""), "{whole}");
        let request = http_client()
            .unwrap()
            .get(format!("{}{path}", sim.base_url()))
            .header(header::AUTHORIZATION, format!("SSWS {}", sim.ssws_token()))
            .header(header::CONTENT_TYPE, options);
        let slim = request.send().await.unwrap().text().await.unwrap();
        assert!(
            !slim.contains("\"credentials\"") && slim.contains("\"Lead\""),
            "{slim}"
        );
    }
}

#[tokio::test]
async fn pushed_groups_are_managed_through_the_api() {
    let (sim, scim, stub, clock) = connected(ScimHabits {
        imports_groups: true,
        ..ScimHabits::default()
    })
    .await;
    let group = sim.org().create_group("G", "");
    let path = format!("/api/v1/apps/{}/group-push/mappings", sim.org().app().id);
    let body = json!({"sourceGroupId": group});
    let made = call(&sim, Method::POST, &path, Some(body.clone())).await;
    assert_eq!((made.status, &made.body["status"]), (200, &json!("ACTIVE")));
    assert_eq!(
        call(&sim, Method::POST, &path, Some(body)).await.status,
        400
    );
    let own = format!("{path}/{}", made.body["id"].as_str().unwrap());
    scim.run_pending().await;
    let shown = get(&sim, &own).await.body;
    assert_eq!(shown["sourceGroupId"], json!(group));
    assert!(shown["lastPush"].is_string());

    clock.advance(60_000);
    let later = sim.org().now().to_string();
    let changed = with(&path, "lastUpdated", &later);
    assert_eq!(get(&sim, &changed).await.body, json!([]));
    let off = json!({"status": "INACTIVE"});
    let off = call(&sim, Method::PATCH, &own, Some(off)).await;
    assert_eq!(off.body["status"], "INACTIVE");
    assert_eq!(get(&sim, &changed).await.ids().len(), 1);
    for (query, found) in [("status=INACTIVE", 1), ("status=ACTIVE", 0)] {
        let listed = get(&sim, &format!("{path}?{query}")).await;
        assert_eq!(listed.ids().len(), found, "{query}");
    }
    let wrong = json!({"status": "MAYBE"});
    assert_eq!(
        call(&sim, Method::PATCH, &own, Some(wrong)).await.status,
        400
    );

    // A group the server has, linked once it was imported.
    stub.put(
        "Groups-77",
        json!({"id": "Groups-77", "displayName": "Theirs", "members": []}),
    );
    scim.import().await.unwrap();
    let target = sim.org().imported_group("Groups-77").unwrap();
    let other = sim.org().create_group("Other", "");
    let body = json!({"sourceGroupId": other, "targetGroupId": target});
    let linked = call(&sim, Method::POST, &path, Some(body)).await;
    assert_eq!(linked.body["targetGroupId"], json!(target));
    let gone = call(
        &sim,
        Method::DELETE,
        &format!("{own}?deleteTargetGroup=true"),
        None,
    )
    .await;
    assert_eq!(gone.status, 204);
    assert_eq!(get(&sim, &own).await.status, 404);
    stub.received();
    scim.run_pending().await;
    let lines = stub.lines();
    assert!(
        lines.contains(&"DELETE /Groups/Groups-1".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"PUT /Groups/Groups-77".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn errors_are_okta_s_own_object_and_code() {
    let sim = org(&clock()).await;
    let nobody = "00u00000000000000000";
    for (path, status, code) in [
        (format!("/api/v1/users/{nobody}"), 404, "E0000007"),
        (
            "/api/v1/groups/00g00000000000000000".to_owned(),
            404,
            "E0000007",
        ),
        ("/api/v1/nothing".to_owned(), 404, "E0000022"),
        (
            with("/api/v1/groups", "filter", "profile.name eq \"G\""),
            400,
            "E0000031",
        ),
        (with("/api/v1/users", "filter", "status ("), 400, "E0000031"),
        ("/api/v1/users?limit=none".to_owned(), 400, "E0000001"),
        (
            "/api/v1/logs?since=2026-01-01T00:00:00.000Z".to_owned(),
            400,
            "E0000001",
        ),
    ] {
        let got = get(&sim, &path).await;
        assert_eq!(
            (got.status, &got.body["errorCode"]),
            (status, &json!(code)),
            "{path}"
        );
        for name in ["errorSummary", "errorLink", "errorId"] {
            assert!(got.body[name].is_string(), "{path}: {name}");
        }
        assert!(got.body["errorCauses"].is_array());
    }
    let broken = http_client()
        .unwrap()
        .post(format!("{}/api/v1/groups", sim.base_url()))
        .header(header::AUTHORIZATION, format!("SSWS {}", sim.ssws_token()))
        .body("{");
    let broken: Value = broken.send().await.unwrap().json().await.unwrap();
    assert_eq!(broken["errorCode"], "E0000003");
}
