//! What a write touches: nothing where nothing changes, and only the rows that do.

use http::header::IF_NONE_MATCH;
use serde_json::json;

use super::client::Client;
use crate::support::stores::on_each_store;

const ROWS: &str = "SELECT u.id || ' ' || u.version || ' ' || u.updated_at || u.resource FROM users u \
    UNION ALL SELECT g.id || ' ' || g.version || ' ' || g.updated_at || ' ' || g.member_count || g.resource FROM idp_groups g \
    UNION ALL SELECT e.group_id || ' ' || e.member || ' ' || e.channel || ' ' || e.at FROM edges e \
    UNION ALL SELECT 'audit ' || a.id FROM audit a ORDER BY 1";

on_each_store! {
    async fn a_write_that_changes_nothing_keeps_the_version_and_writes_nothing(store) {
        let client = Client::new(&store).await;
        let (id, other) = (client.user("a@example.test").await, client.user("b@example.test").await);
        let group = client.group("g", &[&id]).await;
        let (user, group) = (format!("/Users/{id}"), format!("/Groups/{group}"));
        let (user_as_is, group_as_is) = (client.get(&user).await, client.get(&group).await);
        let before = store.texts(ROWS).await;
        store.clock.advance(60_000);
        let patch = |operation: serde_json::Value| json!({"Operations": [operation]});
        for body in [
            patch(json!({"op": "replace", "value": {"active": true, "displayName": "Mira Okafor", "id": id}})),
            patch(json!({"op": "replace", "path": "name.givenName", "value": "Mira"})),
            patch(json!({"op": "add", "path": "emails", "value": [{"value": "A@example.test", "type": "work"}]})),
            patch(json!({"op": "remove", "path": "title"})), patch(json!({"op": "add", "path": "unknown", "value": 1})),
            patch(json!({"op": "replace", "path": "password", "value": "x"})),
        ] {
            let answer = client.patch(&user, &body).await;
            assert_eq!((answer.status, answer.json()), (200, user_as_is.json()), "{body}");
        }
        assert_eq!(client.put(&user, &user_as_is.json()).await.json(), user_as_is.json());
        for body in [
            patch(json!({"op": "replace", "value": {"displayName": "g"}})),
            patch(json!({"op": "add", "path": "members", "value": [{"value": id}]})),
            patch(json!({"op": "remove", "path": "members", "value": [{"value": other}]})),
            patch(json!({"op": "remove", "path": format!("members[value eq \"{other}\"]")})),
            patch(json!({"op": "replace", "path": "members", "value": [{"value": id, "display": "x"}]})),
            json!({"Operations": [{"op": "remove", "path": "members"}, {"op": "add", "path": "members", "value": {"value": id}}]}),
        ] {
            let answer = client.patch(&group, &body).await;
            assert_eq!((answer.status, answer.json()), (200, group_as_is.json()), "{body}");
        }
        assert_eq!(client.put(&group, &group_as_is.json()).await.json(), group_as_is.json());
        assert_eq!(store.texts(ROWS).await, before);
    }

    async fn the_version_of_a_user_does_not_cover_his_groups(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        let path = format!("/Users/{id}");
        let before = client.get(&path).await;
        client.group("g", &[&id]).await;
        let after = client.get(&path).await;
        assert_ne!(after.json()["groups"], before.json()["groups"]);
        assert_eq!((after.header("etag"), &after.json()["meta"]), (before.header("etag"), &before.json()["meta"]));
        let mut request = client.request("GET", &path, None);
        request.headers_mut().insert(IF_NONE_MATCH, before.header("etag").parse().unwrap());
        assert_eq!(client.send(request).await.status, 304);
    }

    async fn one_member_more_or_less_changes_no_other_row(store) {
        let client = Client::new(&store).await;
        let mut ids = Vec::new();
        for number in 0..12 {
            ids.push(client.user(&format!("u{number}@example.test")).await);
        }
        let members: Vec<&str> = ids[..11].iter().map(String::as_str).collect();
        let group = client.group("g", &members).await;
        let path = format!("/Groups/{group}");
        let version = |rows: &[String]| rows.iter().find(|row| row.starts_with(&group) && row.ends_with("{}")).cloned();
        for (operation, edges) in [
            (json!({"op": "add", "path": "members", "value": [{"value": ids[11]}]}), 1),
            (json!({"op": "remove", "path": format!("members[value eq \"{}\"]", ids[11])}), 0),
        ] {
            let before = store.texts(ROWS).await;
            store.clock.advance(60_000);
            let answer = client.patch(&path, &json!({"Operations": [operation]})).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let after = store.texts(ROWS).await;
            // The edge, the group's own row, and one line in the audit log; every other row is as it was.
            let gone: Vec<&String> = before.iter().filter(|row| !after.contains(row)).collect();
            let new: Vec<&String> = after.iter().filter(|row| !before.contains(row)).collect();
            assert_eq!(gone.len(), 2 - edges, "{gone:?}");
            assert_eq!(new.len(), 2 + edges, "{new:?}");
            assert_ne!(version(&before), version(&after));
        }
    }
}
