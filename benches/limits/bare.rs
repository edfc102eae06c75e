//! The raw limit of a durable write: one row, one commit, by the driver the store uses and as durable as the store asks.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};

const INSERT: &str = "INSERT INTO bare (text) VALUES ($1)";

/// Bare commits on SQLite: one connection that is kept, WAL, `synchronous = FULL`, a prepared one-row INSERT that commits
/// by itself.
pub(crate) struct BareSqlite(SqliteConnection);

impl BareSqlite {
    pub(crate) async fn open(folder: &Path) -> Self {
        let url = format!("sqlite://{}?mode=rwc", folder.join("bare.db").display());
        let mut conn = SqliteConnection::connect(&url).await.expect("a file");
        for statement in [
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
        ] {
            conn.execute(statement).await.expect("a bare table");
        }
        Self(conn)
    }

    /// Commits per second over `length`.
    pub(crate) async fn run(&mut self, length: Duration) -> f64 {
        per_second(length, async || {
            let insert = sqlx::query(INSERT).bind("one row");
            insert.execute(&mut self.0).await.expect("a commit");
        })
        .await
    }

    /// Statements per second that read nothing, over `length`: what the driver's way to its thread and back costs.
    pub(crate) async fn round_trips(&mut self, length: Duration) -> f64 {
        per_second(length, async || {
            let nothing = sqlx::query("SELECT $1").bind(1);
            nothing.fetch_one(&mut self.0).await.expect("a row");
        })
        .await
    }
}

/// The same on PostgreSQL.
pub(crate) struct BarePostgres(PgConnection);

impl BarePostgres {
    pub(crate) async fn open(url: &str) -> Self {
        let mut conn = PgConnection::connect(url).await.expect("a connection");
        for statement in [
            "SET synchronous_commit = on",
            "CREATE TABLE IF NOT EXISTS bare (id BIGSERIAL PRIMARY KEY, text TEXT NOT NULL)",
        ] {
            conn.execute(statement).await.expect("a bare table");
        }
        Self(conn)
    }

    /// Commits per second over `length`.
    pub(crate) async fn run(&mut self, length: Duration) -> f64 {
        per_second(length, async || {
            let insert = sqlx::query(INSERT).bind("one row");
            insert.execute(&mut self.0).await.expect("a commit");
        })
        .await
    }

    /// See [`BareSqlite::round_trips`].
    pub(crate) async fn round_trips(&mut self, length: Duration) -> f64 {
        per_second(length, async || {
            let nothing = sqlx::query("SELECT $1::int").bind(1);
            nothing.fetch_one(&mut self.0).await.expect("a row");
        })
        .await
    }
}

/// How often per second `once` is done, over `length`.
async fn per_second(length: Duration, mut once: impl AsyncFnMut()) -> f64 {
    let began = Instant::now();
    let mut count = 0.0;
    while began.elapsed() < length {
        once().await;
        count += 1.0;
    }
    count / began.elapsed().as_secs_f64()
}
