//! A host with the program on it and a store of its own.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use rosterd::model::random::SeededRandom;
use rosterd::model::time::SystemClock;
use rosterd::service::{Service, Settings};
use rosterd::store::{Options, Store};
use serde_json::Value;

use crate::support::NO_FILE;

/// A folder, and a store that commands are pointed to.
pub(crate) struct Host {
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
    /// What programs that go on say of themselves, one after the other; outside of the folder.
    pub(crate) log: tempfile::NamedTempFile,
    pub(crate) environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The one JSON value on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Host {
    /// A host whose store nobody has made.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("rosterd.db").display());
        Self {
            url,
            folder,
            log: tempfile::NamedTempFile::new().expect("a file"),
            environment: Vec::new(),
        }
    }

    /// A host with an SQLite store.
    pub(crate) async fn sqlite() -> Self {
        let host = Self::bare();
        host.service().await.store.close().await;
        host
    }

    /// A host with a PostgreSQL store; `None` where there is none.
    pub(crate) async fn postgres() -> Option<Self> {
        let url = crate::support::postgres::new_database().await?;
        let host = Self {
            url,
            ..Self::bare()
        };
        host.service().await.store.close().await;
        Some(host)
    }

    /// One more key of the configuration.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The use cases over the same store, to arrange what a test needs.
    pub(crate) async fn service(&self) -> Service {
        let options = Options {
            url: self.url.clone(),
            connections: 4,
            create: true,
            force_clock: false,
        };
        let random = Arc::new(SeededRandom::new(11));
        let store = Store::open(&options, Arc::new(SystemClock::default()), random).await;
        Service::new(store.expect("a store"), Settings::default())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `rosterd` with these words; nobody is there to be asked.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        let output = command(self.folder.path())
            .args(words)
            .env("ROSTERD__STORE__URL", &self.url)
            .envs(self.environment.iter().cloned())
            .output()
            .expect("the program");
        said(&output)
    }

    /// Runs it, which must be done, and reads what it printed as JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let said = self.run(&[words, &["--json"]].concat());
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        said.json()
    }
}

/// `rosterd` with no environment of ours.
pub(crate) fn command(folder: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_rosterd"));
    command
        .env_clear()
        .env("HOME", folder)
        .envs(NO_FILE)
        .current_dir(folder)
        .timeout(std::time::Duration::from_secs(60));
    command
}

pub(crate) fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
