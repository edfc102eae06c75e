//! Nobody becomes, takes over or touches somebody he is not: defects 1, 10 and 11.

use rosterd::model::random::{Random as _, SeededRandom};
use rosterd::service::teams;
use serde_json::{Value, json};

use super::dump::dump;
use super::{BULK, group, made, okta_on, patch, user};
use crate::support::daemon::{Daemon, admin};
use crate::support::stores::on_each_store;

/// A local Organization Admin, as the host's root makes one.
async fn local_admin(daemon: &Daemon) -> String {
    teams::create_admin(&daemon.service, &admin(), "root@example.test", "Root")
        .await
        .unwrap()
        .to_string()
}

/// The rows of these users, wherever their ids stand.
async fn rows_of(daemon: &Daemon, ids: &[&str]) -> Vec<(String, String)> {
    let all = dump(&daemon.store).await;
    let rows = all
        .into_iter()
        .filter(|(table, _)| table != "audit")
        .flat_map(|(table, rows)| rows.into_iter().map(move |row| (table.clone(), row)));
    rows.filter(|(_, row)| ids.iter().any(|id| row.contains(id)))
        .collect()
}

/// One of these.
fn pick<'a, T>(random: &SeededRandom, from: &'a [T]) -> &'a T {
    let place = random.below(u64::try_from(from.len()).unwrap());
    &from[usize::try_from(place).unwrap()]
}

on_each_store! {
    async fn trust_1_no_external_id_id_or_meta_ever_leads_to_another_row(store) {
        let daemon = Daemon::alone(store).await;
        let root = local_admin(&daemon).await;
        let victim = user(&daemon, "victim@example.test").await;
        let known = json!({"userName": "known@example.test", "externalId": "00uq3v9m2LxExample69"});
        let known = made(&daemon.scim("POST", "/Users", Some(&known)).await);
        let admins = group(&daemon, "Admins", &[&victim]).await;
        let token = daemon.store.texts("SELECT id FROM tokens").await.remove(0);
        let team = "01800000-0000-7000-8000-000000000001";
        let victims = [root.as_str(), victim.as_str(), known.as_str(), admins.as_str(), team];
        let before = rows_of(&daemon, &victims).await;
        let hostile: Vec<Value> = victims.iter().map(|id| json!(id)).chain([
            json!(token), json!("1"), json!("0"), json!("-1"), json!("admin"), json!("root@example.test"), json!(root.to_uppercase()),
            json!(format!("urn:uuid:{root}")), json!(1), json!(0), json!(-1), json!(true), json!([root]), json!({"value": root}),
            json!(format!("{root} ")), json!(format!("{root}' OR '1'='1")), json!(""), Value::Null,
        ]).collect();
        let random = SeededRandom::new(41);
        let mut own: Vec<String> = Vec::new();
        for number in 0..150 {
            let value = pick(&random, &hostile);
            let name = *pick(&random, &["externalId", "id", "ID", "externalid", "meta", "urn:ietf:params:scim:schemas:core:2.0:User", "uid", "user_id", "seq"]);
            let value = match name {
                "meta" => json!({"location": format!("{}/scim/v2/Users/{victim}", daemon.url), "version": "W/\"1\"", "resourceType": value}),
                "urn:ietf:params:scim:schemas:core:2.0:User" => json!({"id": value, "externalId": value}),
                _ => value.clone(),
            };
            let mut body = json!({"userName": format!("u{number}@example.test")});
            body[name] = value.clone();
            let answer = match (random.below(4), own.last()) {
                (1, Some(id)) => daemon.scim("PUT", &format!("/Users/{id}"), Some(&body)).await,
                (2, Some(id)) => {
                    let mut laid = serde_json::Map::new();
                    laid.insert(name.to_owned(), value.clone());
                    patch(&daemon, &format!("/Users/{id}"), json!([{"op": "replace", "value": laid}])).await
                }
                (3, Some(id)) => patch(&daemon, &format!("/Users/{id}"), json!([{"op": "Add", "path": name, "value": value}])).await,
                _ => daemon.scim("POST", "/Users", Some(&body)).await,
            };
            assert!(matches!(answer.status, 200 | 201 | 400 | 409), "{name}={value}: {} {}", answer.status, answer.text);
            if answer.status < 300 {
                let id = answer.json()["id"].as_str().unwrap().to_owned();
                assert!(!victims.contains(&id.as_str()), "{name}={value} leads to {id}");
                assert!(answer.status == 201 || own.last() == Some(&id), "{name}={value}");
                assert!(!answer.text.contains("victim@") && !answer.text.contains("root@example.test\",\"n"));
                if answer.status == 201 {
                    own.push(id);
                }
            }
        }
        assert!(own.len() > 20, "{}", own.len());
        let after: Vec<_> = rows_of(&daemon, &victims).await;
        let own_rows = |(_, row): &&(String, String)| own.iter().any(|id| row.contains(id.as_str()));
        let after: Vec<_> = after.iter().filter(|row| !own_rows(row)).collect();
        assert_eq!(after, before.iter().collect::<Vec<_>>());
        // Another's Okta id is no way in either while he is there and active.
        let thief = json!({"userName": "thief@example.test", "externalId": "00uq3v9m2LxExample69"});
        daemon.scim("POST", "/Users", Some(&thief)).await.is_error(409);
        daemon.scim("PUT", &format!("/Users/{}", own[0]), Some(&thief)).await.is_error(409);
        assert_eq!(daemon.get(&format!("/Users/{known}")).await["userName"], "known@example.test");
    }

    async fn trust_10_scim_neither_adopts_nor_renames_who_is_not_oktas(store) {
        let daemon = Daemon::alone(store).await;
        let root = local_admin(&daemon).await;
        let before = rows_of(&daemon, &[root.as_str()]).await;
        // His name is taken, in every spelling; that the e-mail is his links nothing.
        for name in ["root@example.test", "ROOT@example.test ", "\u{ff52}oot@example.test"] {
            let body = json!({"userName": name, "externalId": "00uq3v9m2LxExample69", "active": true});
            daemon.scim("POST", "/Users", Some(&body)).await.is_error(409);
        }
        let same_mail = json!({
            "userName": "mallory@example.test", "externalId": "00um4llory1111111111",
            "emails": [{"value": "root@example.test", "type": "work", "primary": true}],
        });
        let mallory = made(&daemon.scim("POST", "/Users", Some(&same_mail)).await);
        assert_ne!(mallory, root);
        let takeover = json!([{"op": "replace", "value": {"userName": "root@example.test"}}]);
        patch(&daemon, &format!("/Users/{mallory}"), takeover).await.is_error(409);
        for body in [
            json!({"userName": "mallory@example.test"}),
            json!({"userName": "root@example.test", "emails": [{"value": "mallory@example.test", "primary": true}]}),
        ] {
            daemon.scim("PUT", &format!("/Users/{root}"), Some(&body)).await.is_error(404);
        }
        let mail = json!([{"op": "replace", "path": "emails", "value": [{"value": "mallory@example.test"}]}]);
        patch(&daemon, &format!("/Users/{root}"), mail).await.is_error(404);
        assert_eq!(rows_of(&daemon, &[root.as_str()]).await, before);
    }

    async fn trust_11_scim_sees_and_deactivates_only_whom_it_provisioned(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        let root = local_admin(&daemon).await;
        let own = user(&daemon, "own@example.test").await;
        let before = rows_of(&daemon, &[root.as_str()]).await;
        let path = format!("/Users/{root}");
        let off = json!([{"op": "replace", "value": {"active": false}}]);
        let whole = json!({"userName": "root@example.test", "active": false});
        daemon.scim("GET", &path, None).await.is_error(404);
        daemon.scim("PUT", &path, Some(&whole)).await.is_error(404);
        patch(&daemon, &path, off.clone()).await.is_error(404);
        daemon.scim("DELETE", &path, None).await.is_error(404);
        let bulk = json!({"schemas": [BULK], "Operations": [
            {"method": "PATCH", "path": path, "data": {"Operations": off}},
            {"method": "PUT", "path": path, "data": whole},
            {"method": "DELETE", "path": path},
        ]});
        let answer = daemon.scim("POST", "/Bulk", Some(&bulk)).await.json();
        for line in answer["Operations"].as_array().unwrap() {
            assert_eq!(line["status"], "404", "{line}");
        }
        assert!(daemon.look_up("root@example.test").await.is_empty());
        let search = json!({"schemas": [super::SEARCH], "filter": format!("id eq \"{root}\" or userName sw \"root\" or not (userName pr)")});
        for at in ["/.search", "/Users/.search"] {
            let found = daemon.scim("POST", at, Some(&search)).await.json();
            assert_eq!(found["totalResults"], 0, "{at}: {found}");
        }
        let list = daemon.scim("GET", "/Users?count=1000", None).await;
        assert!(list.text.contains(own.as_str()) && !list.text.contains(root.as_str()) && !list.text.contains("root@"));
        // Named as a member he is skipped.
        let crowd = group(&daemon, "Crowd", &[&root, &own]).await;
        let members = daemon.get(&format!("/Groups/{crowd}")).await;
        assert_eq!(members["members"].as_array().unwrap().len(), 1);
        assert_eq!(rows_of(&daemon, &[root.as_str()]).await, before);
        assert_eq!(daemon.store.number("SELECT COUNT(*) FROM users WHERE origin = 'local' AND active = 1").await, 1);
    }
}
