//! Writes through the door: what Okta's two kinds of apps do, bulk, and large groups.

use serde_json::{Value, json};

use super::client::{Client, filter};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn trust_1_external_id_id_and_meta_of_a_client_never_select_a_row(store) {
        let client = Client::new(&store).await;
        let victim = client.user("victim@example.test").await;
        for (number, value) in [victim.as_str(), "1", "0", "-1", "admin"].iter().enumerate() {
            let body = json!({
                "userName": format!("u{number}@example.test"), "externalId": value, "id": victim,
                "meta": {"location": victim, "version": "W/\"9\""},
            });
            let made = client.post("/Users", &body).await;
            assert_eq!(made.status, 201, "{}", made.text);
            let id = made.json()["id"].as_str().unwrap().to_owned();
            assert_ne!(id, victim);
            let put = client.put(&format!("/Users/{id}"), &body).await.json();
            assert_eq!((&put["id"], &put["externalId"]), (&json!(id), &json!(value)));
        }
        assert_eq!(client.get(&format!("/Users/{victim}")).await.json()["userName"], "victim@example.test");
        client.post("/Users", &json!({"userName": "n", "externalId": 1})).await.is_error(400);
    }

    async fn trust_6_of_many_creates_at_once_exactly_one_wins(store) {
        let client = std::sync::Arc::new(Client::new(&store).await);
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..32 {
            let client = std::sync::Arc::clone(&client);
            let name = if number % 2 == 0 { "Same@example.test" } else { "sAME@example.test " };
            calls.spawn(async move { client.post("/Users", &json!({"userName": name})).await.status });
        }
        let mut answers = calls.join_all().await;
        answers.sort_unstable();
        let mut expected = vec![409; 32];
        expected[0] = 201;
        assert_eq!(answers, expected);
        assert_eq!(store.number("SELECT COUNT(*) FROM users").await, 1);
    }

    async fn trust_25_one_name_in_many_spellings_is_one_user(store) {
        let client = Client::new(&store).await;
        client.post("/Users", &json!({"userName": "A@x"})).await;
        for name in ["a@x", "a@x ", "A@X", "\u{ff41}@x", " a@x"] {
            let refused = client.post("/Users", &json!({"userName": name})).await.is_error(409);
            assert_eq!(refused["scimType"], "uniqueness");
        }
        client.post("/Users", &json!({"userName": "a\u{0}@x"})).await.is_error(400);
        for name in ["ı@x", "i@x"] {
            assert_eq!(client.post("/Users", &json!({"userName": name})).await.status, 201, "{name}");
        }
    }

    async fn trust_13_a_deactivation_is_done_and_seen(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        let off = json!({"Operations": [{"op": "replace", "value": {"active": false}}]});
        let answer = client.patch(&format!("/Users/{id}"), &off).await;
        assert_eq!((answer.status, &answer.json()["active"]), (200, &json!(false)));
        assert_eq!(store.number("SELECT active + entitled FROM users").await, 0);
        let path = format!("/Users?filter={}", filter("active eq false and userName eq \"a@example.test\""));
        assert_eq!(client.get(&path).await.json()["totalResults"], 1);
    }

    async fn okta_a4_an_aiw_app_reads_merges_and_writes(store) {
        let client = Client::new(&store).await;
        let id = client.user("Mira.Okafor@example.test").await;
        let group = client.group("Team", &[&id]).await;
        let path = format!("/Users/{id}");
        let mut user = client.get(&path).await.json();
        assert_eq!(user["groups"][0]["value"], group.as_str());
        assert_eq!(user["groups"][0]["display"], "Team");
        assert_eq!(user.get("password"), None);
        user["groups"] = json!([]);
        user["name"]["familyName"] = "Okafor-Li".into();
        let put = client.put(&path, &user).await;
        assert_eq!(put.status, 200, "{}", put.text);
        assert_eq!(put.json()["name"]["familyName"], "Okafor-Li");
        assert_eq!(put.json()["groups"][0]["value"], group.as_str());
    }

    async fn okta_a7_a_pushed_group_is_made_read_and_filled(store) {
        let client = Client::new(&store).await;
        let (one, two) = (client.user("a@example.test").await, client.user("b@example.test").await);
        let lookup = format!("/Groups?filter={}&startIndex=1&count=100", filter("displayName eq \"Platform Admins\""));
        assert_eq!(client.get(&lookup).await.json()["totalResults"], 0);
        let id = client.group("Platform Admins", &[]).await;
        assert_eq!(client.get(&lookup).await.json()["Resources"][0]["id"], id.as_str());
        let path = format!("/Groups/{id}");
        assert_eq!(client.get(&path).await.json()["members"], json!([]));
        let rename = json!({"Operations": [{"op": "replace", "value": {"id": id, "displayName": "Platform Admins"}}]});
        assert_eq!(client.patch(&path, &rename).await.status, 200);
        let add = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": one, "display": null}, {"value": two}]}]});
        let shown = client.patch(&path, &add).await.json();
        assert_eq!(shown["members"].as_array().unwrap().len(), 2);
        assert_eq!(shown["members"][0]["type"], "User");
        let remove = json!({"Operations": [{"op": "remove", "path": format!("members[value eq \"{one}\"]")}]});
        let shown = client.patch(&path, &remove).await.json();
        assert_eq!(shown["members"].as_array().unwrap().len(), 1);
        assert_eq!(shown["members"][0]["value"], two.as_str());
        assert_eq!(client.delete(&path).await.status, 204);
        client.get(&path).await.is_error(404);
        assert_eq!(client.get(&format!("/Users/{two}")).await.status, 200);
    }

    async fn a_bulk_request_makes_what_refers_to_each_other_and_stops_where_asked(store) {
        let client = Client::new(&store).await;
        let bulk = |operations: Value, most: Option<u64>| json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "failOnErrors": most, "Operations": operations,
        });
        let answer = client.post("/Bulk", &bulk(json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "G", "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "bulk@example.test"}},
            {"method": "PATCH", "path": "/Users/bulkId:u", "data": {"Operations": [{"op": "add", "path": "title", "value": "Lead"}]}},
            {"method": "DELETE", "path": "/Users/none"},
        ]), None)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        let statuses: Vec<&str> = answer["Operations"].as_array().unwrap().iter().map(|line| line["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["201", "201", "200", "404"]);
        assert_eq!(answer["Operations"][3]["response"]["status"], "404");
        let group = client.get("/Groups").await.json();
        let user = client.get("/Users").await.json();
        assert_eq!(group["Resources"][0]["members"][0]["value"], user["Resources"][0]["id"]);
        assert_eq!(user["Resources"][0]["title"], "Lead");
        let twice = json!([
            {"method": "DELETE", "path": "/Users/none"}, {"method": "DELETE", "path": "/Users/none"},
            {"method": "POST", "path": "/Users", "bulkId": "x", "data": {"userName": "late@example.test"}},
        ]);
        let stopped = client.post("/Bulk", &bulk(twice, Some(1))).await.json();
        assert_eq!(stopped["Operations"].as_array().unwrap().len(), 1);
        assert_eq!(client.get("/Users").await.json()["totalResults"], 1);
        let many = vec![json!({"method": "DELETE", "path": "/Users/none"}); 1_001];
        client.post("/Bulk", &bulk(many.into(), None)).await.is_error(413);
    }

    async fn a_search_is_posted_at_the_root_and_to_each_type(store) {
        let client = Client::new(&store).await;
        for name in ["a", "b", "c"] {
            client.user(&format!("{name}@example.test")).await;
        }
        client.group("g", &[]).await;
        let search = |more: Value| {
            let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let users = client.post("/Users/.search", &search(json!({"filter": "userName sw \"a\"", "attributes": ["userName"]}))).await.json();
        assert_eq!((&users["totalResults"], users["Resources"][0].get("name")), (&json!(1), None));
        let all = client.post("/.search", &search(json!({}))).await.json();
        assert_eq!(all["totalResults"], 4);
        assert_eq!(all["Resources"][3]["meta"]["resourceType"], "Group");
        let page = client.post("/.search", &search(json!({"startIndex": 3, "count": 5}))).await.json();
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(4), &json!(2)));
        let kind = client.post("/.search", &search(json!({"filter": "meta.resourceType eq \"Group\""}))).await.json();
        assert_eq!(kind["totalResults"], 1);
        let only = client.post("/.search", &search(json!({"filter": "userName pr"}))).await.json();
        assert_eq!(only["totalResults"], 3);
        client.post("/.search", &search(json!({"filter": "unknown pr"}))).await.is_error(400);
        client.post("/Groups/.search", &search(json!({"filter": "userName pr"}))).await.is_error(400);
    }

    async fn a_large_group_is_streamed_whole_and_left_out_after_a_patch(store) {
        let client = Client::new(&store).await;
        let names: Vec<Value> = (0..1_500).map(|number| json!({"method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": {"userName": format!("u{number}")}})).collect();
        for part in names.chunks(750) {
            let answer = client.post("/Bulk", &json!({"Operations": part})).await;
            assert_eq!(answer.status, 200);
        }
        let mut members = Vec::new();
        for start in [1, 1_001] {
            let page = client.get(&format!("/Users?attributes=id&count=1000&startIndex={start}")).await.json();
            members.extend(page["Resources"].as_array().unwrap().iter().map(|user| json!({"value": user["id"]})));
        }
        assert_eq!(members.len(), 1_500);
        let made = client.post("/Groups", &json!({"displayName": "all", "members": members})).await;
        assert_eq!(made.status, 201);
        assert_eq!(made.json()["members"].as_array().unwrap().len(), 1_500);
        let path = format!("/Groups/{}", made.json()["id"].as_str().unwrap());
        let shown = client.get(&path).await.json();
        let mut ids: Vec<&str> = shown["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1_500);
        let rename = json!({"Operations": [{"op": "replace", "path": "displayName", "value": "everybody"}]});
        let after = client.patch(&path, &rename).await;
        assert_eq!((after.status, after.json().get("members")), (200, None));
        let asked = client.patch(&format!("{path}?attributes=displayName,members"), &rename).await.json();
        assert_eq!(asked["members"].as_array().unwrap().len(), 1_500);
        let list = client.get("/Groups").await.json();
        assert_eq!(list["Resources"][0]["members"].as_array().unwrap().len(), 1_500);
    }

    async fn r12_a_local_user_answers_404_to_every_verb(store) {
        let client = Client::new(&store).await;
        let id = client.user("local@example.test").await;
        store.arrange("UPDATE users SET origin = 'local', scim = 0").await;
        let path = format!("/Users/{id}");
        client.get(&path).await.is_error(404);
        client.put(&path, &json!({"userName": "local@example.test"})).await.is_error(404);
        client.patch(&path, &json!({"Operations": [{"op": "replace", "value": {"active": false}}]})).await.is_error(404);
        client.delete(&path).await.is_error(404);
        assert_eq!(client.get("/Users").await.json()["totalResults"], 0);
        let lookup = format!("/Users?filter={}", filter("userName eq \"local@example.test\""));
        assert_eq!(client.get(&lookup).await.json()["totalResults"], 0);
    }

    async fn trust_22_a_team_and_a_group_without_a_scim_side_answer_404(store) {
        let client = Client::new(&store).await;
        let user = client.user("a@example.test").await;
        let group = client.group("hidden", &[]).await;
        store.arrange("UPDATE idp_groups SET scim = 0, okta_id = '00g1', okta_name = 'hidden', okta_type = 'OKTA_GROUP'").await;
        let add = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": user}]}]});
        for id in [group.as_str(), "01800000-0000-7000-8000-000000000001", user.as_str()] {
            let path = format!("/Groups/{id}");
            client.get(&path).await.is_error(404);
            client.patch(&path, &add).await.is_error(404);
            client.put(&path, &json!({"displayName": "x", "members": [{"value": user}]})).await.is_error(404);
            client.delete(&path).await.is_error(404);
        }
        assert_eq!(store.number("SELECT (SELECT COUNT(*) FROM edges) + (SELECT COUNT(*) FROM memberships)").await, 0);
        assert_eq!(client.get("/Groups").await.json()["totalResults"], 0);
    }

    async fn a_change_answers_2xx_with_the_version_it_made_and_none_when_nothing_changed(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        let path = format!("/Users/{id}");
        let before = client.get(&path).await;
        let same = client.put(&path, &before.json()).await;
        assert_eq!((same.status, same.header("etag")), (200, before.header("etag")));
        assert_eq!(same.json(), before.json());
        let title = json!({"Operations": [{"op": "add", "path": "title", "value": "Lead"}]});
        let changed = client.patch(&path, &title).await;
        assert_ne!(changed.header("etag"), before.header("etag"));
        assert_eq!(changed.json()["meta"]["version"], changed.header("etag"));
        assert_eq!(changed.header("location"), format!("{}/scim/v2{path}", super::client::PUBLIC_URL));
        let thin = client.patch(&format!("{path}?attributes=userName"), &title).await.json();
        assert_eq!(thin.as_object().unwrap().keys().collect::<Vec<_>>(), ["schemas", "id", "userName"]);
    }
}
