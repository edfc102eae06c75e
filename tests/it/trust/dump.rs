//! Everything that directory and settings are, as text.

use std::collections::BTreeMap;

use rosterd::store::Engine;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::support::stores::TestStore;

/// What is no part of R6: the request log, last use of a token, who leads, what the poller notes for itself.
const APART: [&str; 5] = [
    "scim_requests",
    "tokens",
    "lease",
    "marks",
    "_sqlx_migrations",
];

/// Every row of every table, by table.
pub(super) async fn dump(store: &TestStore) -> BTreeMap<String, Vec<String>> {
    let sqlite = store.engine() == Engine::Sqlite;
    let mut conn = AnyConnection::connect(&store.url).await.unwrap();
    let tables = texts(
        &mut conn,
        if sqlite {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                .to_owned()
        } else {
            "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'".to_owned()
        },
    )
    .await;
    let mut all = BTreeMap::new();
    for table in tables
        .into_iter()
        .filter(|table| !APART.contains(&table.as_str()))
    {
        let rows = if sqlite {
            let columns = texts(
                &mut conn,
                format!("SELECT name FROM pragma_table_info('{table}')"),
            )
            .await;
            format!(
                "SELECT json_array({}) AS line FROM {table} ORDER BY line",
                columns.join(", ")
            )
        } else {
            format!("SELECT CAST(row_to_json(t) AS TEXT) AS line FROM {table} t ORDER BY line")
        };
        let rows = texts(&mut conn, rows).await;
        all.insert(table, rows);
    }
    let _ = conn.close().await;
    assert!(all.len() > 15, "{:?}", all.keys());
    all
}

/// Runs a statement that a test puts together.
pub(super) async fn arrange(store: &TestStore, statement: String) {
    let mut conn = AnyConnection::connect(&store.url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut conn)
        .await
        .unwrap();
    let _ = conn.close().await;
}

async fn texts(conn: &mut AnyConnection, statement: String) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(statement))
        .fetch_all(conn)
        .await
        .unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}
