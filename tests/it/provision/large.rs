//! A large group: one member more, or fewer, reads and writes no other. PostgreSQL counts what is read and written.

use rosterd::service::{mappings, teams};
use serde_json::json;

use super::actor::{Client, ONE};
use crate::support::stores::TestStore;

/// 100,000 users who are in the group and in the team that follows from it.
const EVERYBODY: [&str; 5] = [
    "INSERT INTO users (id, seq, origin, scim, okta_id, member_key, user_name, user_name_fold, resource, folded, entitled, \
     blocked, pending, active, deleting, absent_runs, sessions_from, tokens_from, created_at, updated_at, version) \
     SELECT 'u' || n, 1000 + n, 'okta', 1, 'k' || n, 'k' || n, 'u' || n, 'u' || n, '{}', '{}', 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1 \
       FROM generate_series(1, 100000) AS n",
    "INSERT INTO edges (group_id, member, channel, at) \
     SELECT g.id, u.member_key, 'scim', 0 FROM idp_groups g CROSS JOIN users u WHERE u.id LIKE 'u%'",
    "UPDATE idp_groups SET member_count = 100000",
    "INSERT INTO memberships (team_id, user_id, origin, since) \
     SELECT m.team_id, u.id, 'okta', 0 FROM mappings m CROSS JOIN users u WHERE u.id LIKE 'u%'",
    "ANALYZE",
];

/// Rows read and rows written so far of the tables that grow with a group, as far as sessions that have ended told.
const READ: &str = "SELECT CAST(SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0)) AS BIGINT) FROM pg_stat_user_tables \
                    WHERE relname IN ('users', 'user_emails', 'edges', 'memberships')";
const WRITTEN: &str = "SELECT CAST(SUM(n_tup_ins + n_tup_upd + n_tup_del) AS BIGINT) FROM pg_stat_user_tables \
                       WHERE relname IN ('users', 'user_emails', 'edges', 'memberships')";

/// The rows of those who are named, and of as many others as the guard of pushes looks at before a loss is surely harmless.
const NEARLY_NONE: i64 = 100;

/// Closes the store's sessions, which then tell what they did, and waits until so many rows were written.
async fn settled(store: TestStore, written: i64) -> (TestStore, i64) {
    store.close().await;
    let store = store.again().await;
    for _ in 0..600 {
        if store.number(WRITTEN).await >= written {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(store.number(WRITTEN).await, written);
    let read = store.number(READ).await;
    (store, read)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_member_of_a_large_group_comes_and_goes_and_no_other_is_read_or_written() {
    let Some(store) = TestStore::postgres().await else {
        return;
    };
    let (group, mira) = {
        let okta = Client::new(&store);
        let group = okta.group("Large", &[]).await;
        let team = teams::create(&okta.service, &okta.cx, "large", None)
            .await
            .unwrap();
        mappings::add(&okta.service, &okta.cx, group.id.as_str(), team.id.as_str())
            .await
            .unwrap();
        // An admin could not before somebody is in the group (R3); what fills it comes behind everybody's back.
        store
            .arrange("UPDATE organization SET idp_mapping_enabled = 1, konnect_mapping_enabled = 0")
            .await;
        (group, okta.user("mira@x", Some(ONE)).await)
    };
    for statement in EVERYBODY {
        store.arrange(statement).await;
    }
    // Mira, and a user, an edge and a membership of everybody.
    let (store, before) = settled(store, 1 + 3 * 100_000).await;
    let added = {
        let okta = Client::new(&store);
        let value = json!([{ "value": mira.id }]);
        let add = json!([{ "op": "add", "path": "members", "value": value }]);
        okta.patch_group(&group, add).await.unwrap().resource
    };
    assert_eq!(added.member_count, 100_001);
    // Her edge and her membership.
    let (store, after) = settled(store, 300_003).await;
    assert!(
        after - before < NEARLY_NONE,
        "{} rows were read to add one",
        after - before
    );
    let removed = {
        let okta = Client::new(&store);
        let path = format!("members[value eq \"{}\"]", mira.id);
        let remove = json!([{ "op": "remove", "path": path }]);
        okta.patch_group(&added, remove).await.unwrap().resource
    };
    assert_eq!(removed.member_count, 100_000);
    let (_store, last) = settled(store, 300_005).await;
    assert!(
        last - after < NEARLY_NONE,
        "{} rows were read to remove one",
        last - after
    );
}
