//! R6: what is answered 2xx is there for everybody, and any other answer means that nothing changed.

use rosterd::scim::ScimError;
use serde_json::json;

use super::actor::{Client, ONE, RUN, TWO};
use crate::support::stores::{TestStore, on_each_store};

/// Everything a push may change, read over connections of their own.
async fn dump(store: &TestStore) -> Vec<String> {
    let mut all = Vec::new();
    for statement in [
        "SELECT id || '|' || user_name || '|' || COALESCE(external_id, '') || '|' || COALESCE(okta_id, '') || '|' || entitled || '|' \
         || active || '|' || version || '|' || updated_at || '|' || resource FROM users ORDER BY id",
        "SELECT id || '|' || COALESCE(scim_name, '') || '|' || member_count || '|' || version || '|' || updated_at || '|' || resource \
         FROM idp_groups ORDER BY id",
        "SELECT group_id || '|' || member || '|' || at FROM edges ORDER BY group_id, member",
        "SELECT team_id || '|' || user_id || '|' || origin FROM memberships ORDER BY team_id, user_id, origin",
        "SELECT kind || '|' || object || '|' || member FROM stamps ORDER BY kind, object, member",
        "SELECT kind || '|' || object FROM rereads ORDER BY kind, object",
        "SELECT id || '|' || action FROM audit ORDER BY id",
        "SELECT id FROM guard_log ORDER BY id",
        "SELECT code || '|' || object FROM problems ORDER BY code, object",
    ] {
        all.push(format!("-- {statement}"));
        all.extend(store.texts(statement).await);
    }
    all
}

fn refused<T>(done: Result<T, ScimError>, status: u16) {
    match done {
        Ok(_) => panic!("it was to be refused with {status}"),
        Err(error) => assert_eq!(error.status, status, "{error:?}"),
    }
}

on_each_store! {
    async fn r6_a_refused_push_changes_nothing_and_an_answered_one_is_there(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let noor = okta.user("noor@x", Some(TWO)).await;
        let platform = okta.group("Platform", &[&mira]).await;
        let web = okta.group("Web", &[]).await;
        // A run is in flight: also stamps are not left behind (R7).
        store.arrange(RUN).await;
        let before = dump(&store).await;
        refused(okta.post_user(json!({"userName": "MIRA@x", "externalId": "other"})).await, 409);
        let taken = json!({"userName": "mira@x", "externalId": TWO, "active": false, "displayName": "N"});
        refused(okta.put_user(&noor.id, taken).await, 409);
        refused(okta.patch_user(&noor.id, json!({"active": false, "userName": "mira@x"})).await, 409);
        let members = json!([{"value": noor.id}]);
        refused(okta.put_group(&web, json!({"displayName": "Platform", "members": members})).await, 409);
        let operations = json!([
            {"op": "add", "path": "members", "value": members},
            {"op": "replace", "path": "displayName", "value": "Platform"},
        ]);
        refused(okta.patch_group(&web, operations).await, 409);
        refused(okta.post_group(json!({"displayName": "Platform", "members": members})).await, 409);
        assert_eq!(dump(&store).await, before);

        okta.patch_group(&platform, json!([{"op": "add", "path": "members", "value": members}])).await.unwrap();
        assert_eq!(store.number("SELECT COUNT(*) FROM edges").await, 2, "seen by another connection at once");
        okta.patch_user(&mira.id, json!({"active": false})).await.unwrap();
        assert_eq!(store.texts("SELECT user_name FROM users WHERE entitled = 0").await, ["mira@x"]);
    }
}
