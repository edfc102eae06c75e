//! Opening a store: where it is, its connections, its migrations.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Executor as _};
use tokio::sync::Semaphore;

use super::{Engine, Inner, Store, StoreClock, StoreError, in_write, organization};
use crate::model::random::Random;
use crate::model::time::Clock;

/// How long a statement waits for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a store is; shown without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL database: host and name.
    Server(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(place) => f.write_str(place),
        }
    }
}

/// How a store is to be opened.
pub struct Options {
    /// `sqlite:///path/to/file.db` or `postgres://…`.
    pub url: String,
    /// Connections that read; on PostgreSQL as many again write at once.
    pub connections: u32,
    /// Make what is not there, an SQLite file or the schema, and bring an older schema up to date. Only `serve` and
    /// `demo` do: a command that did would change the schema under a daemon that works with the older one.
    pub create: bool,
    /// Drive the time from here even on PostgreSQL (tests); otherwise PostgreSQL's own clock is used there.
    pub force_clock: bool,
}

impl Store {
    /// Opens a store, and brings its schema up to date where it may.
    ///
    /// # Errors
    /// [`StoreError::Open`] says what is wrong with the place; [`StoreError::Unavailable`] when PostgreSQL does not
    /// answer (the caller waits and tries again).
    pub async fn open(
        options: &Options,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (engine, location) = locate(&options.url)?;
        let clock = match engine {
            Engine::Postgres if !options.force_clock => StoreClock::Server,
            Engine::Sqlite | Engine::Postgres => StoreClock::Process(clock),
        };
        if let Location::File(path) = &location {
            prepare_file(path, options.create)?;
        }
        let connect = match &location {
            Location::File(path) => sqlite_url(path, options.create)?,
            Location::Server(_) => options.url.clone(),
        };
        let connect = AnyConnectOptions::from_str(&connect)
            .map_err(|_| StoreError::Open("store.url is not a database URL".to_owned()))?
            .disable_statement_logging();
        let writers = match engine {
            Engine::Sqlite => 1,
            Engine::Postgres => options.connections,
        };
        let writer_pool = pool(engine, writers, Use::Write)
            .connect_with(connect.clone())
            .await?;
        if options.create {
            migrate(engine, &writer_pool).await?;
        } else {
            expect_schema(&location, &writer_pool).await?;
        }
        let reader_pool = pool(engine, options.connections, Use::Read).connect_lazy_with(connect);
        let store = Self {
            inner: Arc::new(Inner {
                engine,
                location,
                readers: reader_pool,
                writers: writer_pool,
                turn: Semaphore::new(writers as usize),
                turns: writers,
                clock,
                random,
            }),
        };
        let made: Result<(), StoreError> =
            in_write!(store, |tx| { organization::insert_once(tx).await });
        made?;
        Ok(store)
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

fn pool(engine: Engine, size: u32, purpose: Use) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        // A ping before each use would double the cost of a small read on SQLite, where a connection cannot go away.
        .test_before_acquire(engine == Engine::Postgres)
        .after_connect(move |conn, _| {
            Box::pin(async move {
                match engine {
                    Engine::Sqlite => set_up_sqlite(purpose, conn).await,
                    Engine::Postgres => set_up_postgres(purpose, conn).await,
                }
            })
        })
}

async fn set_up_sqlite(purpose: Use, conn: &mut AnyConnection) -> Result<(), sqlx::Error> {
    conn.execute("PRAGMA busy_timeout = 10000").await?;
    conn.execute("PRAGMA journal_mode = WAL").await?;
    // What was answered 2xx survives a power cut (R6): NORMAL would lose the last commits.
    conn.execute("PRAGMA synchronous = FULL").await?;
    conn.execute("PRAGMA foreign_keys = ON").await?;
    conn.execute("PRAGMA cache_size = -8192").await?;
    conn.execute("PRAGMA temp_store = MEMORY").await?;
    // SQLite keeps another mode, and says nothing, on a file system that has no shared memory.
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *conn)
        .await?;
    if journal != "wal" {
        return Err(sqlx::Error::Configuration(
            "SQLite cannot keep a write-ahead log where store.url is: use a local file system"
                .into(),
        ));
    }
    if purpose == Use::Read {
        conn.execute("PRAGMA query_only = ON").await?;
    }
    Ok(())
}

async fn set_up_postgres(purpose: Use, conn: &mut AnyConnection) -> Result<(), sqlx::Error> {
    // The server's default may be off; R6 asks that an answered push survives.
    conn.execute("SET synchronous_commit = on").await?;
    conn.execute("SET lock_timeout = '5s'").await?;
    // A list may wait for a slow client between two rows. A write waits for nobody: what stands still in the middle of
    // one is a daemon that was stopped, and others wait for its locks.
    conn.execute(match purpose {
        Use::Read => "SET idle_in_transaction_session_timeout = '60s'",
        Use::Write => "SET idle_in_transaction_session_timeout = '10s'",
    })
    .await?;
    conn.execute("SET client_min_messages = warning").await?;
    Ok(())
}

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The schema this program works with.
pub(super) fn schema_version() -> Option<i64> {
    MIGRATOR.iter().map(|migration| migration.version).max()
}

/// Brings the schema up to date. PostgreSQL has a lock for the whole of it, SQLite one for each step only: there it is one
/// write transaction, so that of two processes that open a new file at once, a daemon that starts and a command, the second
/// waits, and finds it done.
async fn migrate(engine: Engine, pool: &AnyPool) -> Result<(), StoreError> {
    let done = match engine {
        Engine::Postgres => MIGRATOR.run(pool).await,
        Engine::Sqlite => {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
            let done = MIGRATOR.run(&mut *tx).await;
            if done.is_ok() {
                tx.commit().await?;
            }
            done
        }
    };
    done.map_err(|error| match error {
        MigrateError::Execute(error) => StoreError::from(error),
        other => StoreError::Open(format!(
            "the store's schema cannot be brought up to date: {other}"
        )),
    })
}

/// How long a command waits for the schema of a store that a daemon is just making.
const MADE_WITHIN: Duration = Duration::from_secs(5);

/// How often it looks meanwhile.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// Refuses a store that has no schema, or another version's.
async fn expect_schema(location: &Location, pool: &AnyPool) -> Result<(), StoreError> {
    let mut looks = MADE_WITHIN.as_millis() / LOOKS_EVERY.as_millis();
    loop {
        match applied(pool).await? {
            Some(version) if Some(version) == schema_version() => return Ok(()),
            Some(version) if Some(version) < schema_version() => {
                return Err(StoreError::Open(format!(
                    "the store at {location} is that of an older version of rosterd: start `rosterd serve` of this \
                     version, which brings it up to date, and try again"
                )));
            }
            Some(_) => return Err(other_version()),
            None if looks == 0 => {
                return Err(StoreError::Open(format!(
                    "there is no roster at {location}: `rosterd serve` makes one"
                )));
            }
            None => {
                looks -= 1;
                tokio::time::sleep(LOOKS_EVERY).await;
            }
        }
    }
}

pub(super) fn other_version() -> StoreError {
    StoreError::Open("the store's schema is that of another version of rosterd".to_owned())
}

/// The schema that the store has; none, where it was never made.
pub(super) async fn applied(pool: &AnyPool) -> Result<Option<i64>, StoreError> {
    let found = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(pool)
        .await;
    match found {
        // No such table, as SQLite and PostgreSQL say it.
        Err(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("1" | "42P01")) =>
        {
            Ok(None)
        }
        found => Ok(found?),
    }
}

impl Store {
    /// What decides whether a commit survives, as a connection of each pool has it: for whoever wants to see it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn durability(&self) -> Result<Vec<BTreeMap<&'static str, String>>, StoreError> {
        let settings: &[(&str, &str)] = match self.engine() {
            Engine::Sqlite => &[
                (
                    "journal_mode",
                    "SELECT journal_mode FROM pragma_journal_mode",
                ),
                (
                    "synchronous",
                    "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous",
                ),
                (
                    "foreign_keys",
                    "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys",
                ),
            ],
            Engine::Postgres => &[(
                "synchronous_commit",
                "SELECT current_setting('synchronous_commit')",
            )],
        };
        let mut all = Vec::new();
        for pool in [&self.inner.writers, &self.inner.readers] {
            let mut conn = pool.acquire().await?;
            let mut seen = BTreeMap::new();
            for (name, statement) in settings {
                let value: String = sqlx::query_scalar(*statement).fetch_one(&mut *conn).await?;
                seen.insert(*name, value);
            }
            all.push(seen);
        }
        Ok(all)
    }
}

pub(super) fn locate(url: &str) -> Result<(Engine, Location), StoreError> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let path = path.split('?').next().unwrap_or(path);
        if path.is_empty() || path.starts_with(':') {
            return Err(StoreError::Open(
                "store.url names no file: write sqlite:///path/to/rosterd.db".to_owned(),
            ));
        }
        return Ok((Engine::Sqlite, Location::File(PathBuf::from(path))));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let parsed = url::Url::parse(url).map_err(|error| {
            StoreError::Open(format!("store.url is not a PostgreSQL URL: {error}"))
        })?;
        let host = parsed.host_str().unwrap_or("localhost");
        let place = format!("postgres://{host}{}", parsed.path());
        return Ok((Engine::Postgres, Location::Server(place)));
    }
    Err(StoreError::Open(
        "store.url must begin with sqlite:// or postgres://".to_owned(),
    ))
}

pub(super) fn prepare_file(path: &Path, create: bool) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    if !create {
        return Err(StoreError::Open(format!(
            "there is no store at {}: `rosterd serve` makes one, or name another with --config or ROSTERD__STORE__URL",
            path.display()
        )));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        let mut made = DirBuilder::new();
        made.recursive(true).mode(0o700);
        made.create(folder).map_err(|error| {
            StoreError::Open(format!(
                "cannot make the folder {}: {error}",
                folder.display()
            ))
        })?;
    }
    // Everybody's data and the hashes of tokens are nobody else's on this host, whatever the umask. SQLite gives its
    // log and shared memory the mode of the file.
    let mut made = OpenOptions::new();
    made.write(true).create_new(true).mode(0o600);
    match made.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(StoreError::Open(format!(
            "cannot make {}: {error}",
            path.display()
        ))),
        _ => Ok(()),
    }
}

fn sqlite_url(path: &Path, create: bool) -> Result<String, StoreError> {
    let text = path
        .to_str()
        .ok_or_else(|| StoreError::Open(format!("{} is not UTF-8", path.display())))?;
    let encoded =
        percent_encoding::utf8_percent_encode(text, percent_encoding::CONTROLS).to_string();
    let encoded = encoded
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23")
        .replace(' ', "%20");
    Ok(format!(
        "sqlite://{encoded}?mode={}",
        if create { "rwc" } else { "rw" }
    ))
}
