//! A transaction of either engine.

use std::sync::Arc;

use sqlx::{Any, AnyConnection, Row as _, SqlStr, Transaction};

use super::error::StoreError;
use super::sql;
use crate::model::random::Random;
use crate::model::time::Timestamp;

/// The database engines a store may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// One file, one daemon.
    Sqlite,
    /// Several daemons may share it.
    Postgres,
}

impl Engine {
    /// The engine's name, as status and logs show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A transaction. Dropped without [`commit`](Self::commit) it rolls back.
pub struct Tx {
    conn: Transaction<'static, Any>,
    engine: Engine,
    now: Timestamp,
    random: Arc<dyn Random>,
}

impl Tx {
    pub(super) fn new(
        conn: Transaction<'static, Any>,
        engine: Engine,
        now: Timestamp,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            conn,
            engine,
            now,
            random,
        }
    }

    /// The store's clock when this transaction began: the `at` of everything it writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Randomness for new ids.
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// The engine underneath.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The connection to run a statement on.
    pub(super) fn conn(&mut self) -> &mut AnyConnection {
        &mut self.conn
    }

    /// A statement in this engine's words (see [`sql::text`]).
    pub(super) fn sql(&self, text: &'static str) -> SqlStr {
        sql::text(self.engine, text)
    }

    /// A statement made of constant parts.
    pub(super) fn joined(&self, parts: &[&'static str]) -> SqlStr {
        sql::joined(self.engine, parts)
    }

    pub(super) fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    pub(super) async fn server_time(&mut self) -> Result<Timestamp, StoreError> {
        let row =
            sqlx::query("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)")
                .fetch_one(self.conn())
                .await?;
        Ok(Timestamp::from_millis(row.try_get(0)?))
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.conn.commit().await?)
    }

    /// Ends the transaction without its writes; a read ends so too.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.conn.rollback().await?)
    }
}
