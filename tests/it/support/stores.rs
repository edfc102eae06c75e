//! A store for one test, on either engine, whose time stands still until the test moves it.

use std::ops::Deref;
use std::sync::Arc;

use rosterd::model::random::SeededRandom;
use rosterd::model::time::{Clock as _, ManualClock, Timestamp};
use rosterd::store::{Options, Store, StoreError, Tx};
use sqlx::{AnyConnection, Connection as _, Row as _};
use tokio::sync::oneshot;

/// A new store and what a test needs to play with it.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    /// For a second opening, or a second pair of eyes.
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

impl TestStore {
    /// A new SQLite file.
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("rosterd.db").display());
        Self::open(url, Some(folder)).await
    }

    /// A new PostgreSQL database; `None` where there is none.
    pub(crate) async fn postgres() -> Option<Self> {
        let url = super::postgres::new_database().await?;
        Some(Self::open(url, None).await)
    }

    /// The same database, opened anew an hour later: its ids are other ones than those of the hour before.
    pub(crate) async fn again(&self) -> Self {
        let later = self.clock.now().plus_millis(3_600_000);
        Self::open_at(self.url.clone(), None, later).await
    }

    async fn open(url: String, folder: Option<tempfile::TempDir>) -> Self {
        Self::open_at(url, folder, Timestamp::from_millis(1_800_000_000_000)).await
    }

    async fn open_at(url: String, folder: Option<tempfile::TempDir>, now: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::at(now));
        Self {
            store: connect(&url, &clock, 7).await,
            clock,
            url,
            _folder: folder,
        }
    }

    /// The same store with connections of its own, as another process has it.
    pub(crate) async fn second(&self) -> Store {
        connect(&self.url, &self.clock, 8).await
    }

    /// One number, read past the store: what a test says about rows.
    pub(crate) async fn number(&self, statement: &'static str) -> i64 {
        let mut conn = self.connect().await;
        let row = sqlx::query(statement)
            .fetch_one(&mut conn)
            .await
            .expect("a row");
        let number = row
            .try_get::<i64, _>(0)
            .or_else(|_| row.try_get::<i32, _>(0).map(i64::from))
            .expect("a number");
        let _ = conn.close().await;
        number
    }

    /// Texts of one column, read past the store.
    pub(crate) async fn texts(&self, statement: &'static str) -> Vec<String> {
        let mut conn = self.connect().await;
        let rows = sqlx::query(statement)
            .fetch_all(&mut conn)
            .await
            .expect("rows");
        let texts = rows
            .iter()
            .map(|row| {
                row.try_get::<Option<String>, _>(0)
                    .expect("a text")
                    .unwrap_or_default()
            })
            .collect();
        let _ = conn.close().await;
        texts
    }

    /// A statement that arranges what a test needs and no use case gives yet.
    pub(crate) async fn arrange(&self, statement: &'static str) {
        let mut conn = self.connect().await;
        sqlx::query(statement)
            .execute(&mut conn)
            .await
            .expect("a statement");
        let _ = conn.close().await;
    }

    async fn connect(&self) -> AnyConnection {
        AnyConnection::connect(&self.url)
            .await
            .expect("a connection")
    }
}

/// A write of some other process: says that it is open, and ends when it is told to. What it reads or writes does not matter.
pub(crate) async fn write_until(
    other: &Store,
    opened: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
) {
    let (mut opened, mut ended) = (Some(opened), Some(ended));
    let written = other.write(async |_: &mut Tx| {
        if let (Some(opened), Some(ended)) = (opened.take(), ended.take()) {
            opened.send(()).expect("somebody who waits for it");
            ended.await.expect("a word to end");
        }
        Ok::<_, StoreError>(())
    });
    written.await.expect("a write");
}

async fn connect(url: &str, clock: &Arc<ManualClock>, seed: u64) -> Store {
    let options = Options {
        url: url.to_owned(),
        create: true,
        connections: 8,
        force_clock: true,
    };
    let random = Arc::new(SeededRandom::new(seed));
    Store::open(&options, Arc::clone(clock) as _, random)
        .await
        .expect("a store")
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Makes each `async fn name(store)` two tests, `name::sqlite` and `name::postgres`.
macro_rules! on_each_store {
    ($($(#[$attribute:meta])* async fn $name:ident($store:ident) $body:block)*) => {$(
        async fn $name($store: crate::support::stores::TestStore) $body

        $(#[$attribute])*
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name(crate::support::stores::TestStore::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if let Some(store) = crate::support::stores::TestStore::postgres().await {
                    super::$name(store).await;
                }
            }
        }
    )*};
}
pub(crate) use on_each_store;
