//! What can go wrong in the store, by what the caller will do about it.

use std::error::Error as _;

/// A store function's error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another transaction got in between: the write is repeated.
    #[error("another write got in between")]
    Stale,
    /// The write was repeated for as long as it may be.
    #[error("the store is too busy to take this write now")]
    Busy,
    /// Another row already holds this value.
    #[error("{what} is taken")]
    Taken {
        /// What is taken, in words a client may see.
        what: &'static str,
    },
    /// A row holds something that cannot be read: a defect, or a hand edit.
    #[error("{table}.{column} holds a value that cannot be read")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The store cannot be opened as asked.
    #[error("{0}")]
    Open(String),
    /// The database does not answer.
    #[error("the database does not answer")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused a statement: a defect.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
}

/// Errors after which the whole transaction may be tried again.
pub trait Conflict {
    /// Whether the transaction lost a race and may be repeated.
    fn is_conflict(&self) -> bool;
}

impl Conflict for StoreError {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Stale)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed => Self::Unavailable(error),
            sqlx::Error::Configuration(why) => Self::Open(why.to_string()),
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // PostgreSQL: serialization failure, deadlock, and a lock that was not had in time. SQLite: BUSY and
                // LOCKED with their extended codes; another process holds the file.
                Some("40001" | "40P01" | "55P03" | "5" | "6" | "261" | "262" | "517" | "773") => {
                    Self::Stale
                }
                // PostgreSQL: connection exceptions, out of resources, ended or not up by an operator's doing, I/O errors;
                // a session that was cut because it stood still, and a server that was made a standby.
                Some(code)
                    if code.len() == 5
                        && (["08", "53", "57", "58"]
                            .iter()
                            .any(|class| code.starts_with(class))
                            || matches!(code, "25P03" | "25P04" | "25006")) =>
                {
                    Self::Unavailable(error)
                }
                // SQLite: read-only, I/O, full, cannot open (with extended codes).
                Some(code)
                    if code
                        .parse::<u32>()
                        .is_ok_and(|code| matches!(code & 0xff, 8 | 10 | 13 | 14))
                        && code.len() < 5 =>
                {
                    Self::Unavailable(error)
                }
                _ => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// The chain of causes for the log, without the values a statement was given.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
