//! The program itself, as a process of its own: started, signalled and killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Method;
use rosterd::model::random::SeededRandom;
use rosterd::model::time::SystemClock;
use rosterd::service::tokens::{self, Scope};
use rosterd::service::{Service, Settings};
use rosterd::store::{Options, Store};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::scim_http::Answer;
use crate::support::NO_FILE;
use crate::support::daemon::{admin, client};

/// How long something may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Where daemons run: a store, a folder, and the tokens a client needs.
pub(crate) struct Site {
    pub(crate) store: String,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) scim: String,
    pub(crate) status: String,
    pub(crate) manage: String,
    settings: Vec<(String, String)>,
}

impl Site {
    /// A site on a new SQLite file.
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite://{}", folder.path().join("rosterd.db").display());
        Self::on(store, folder).await
    }

    /// A site on this database.
    pub(crate) async fn postgres(url: String) -> Self {
        Self::on(url, tempfile::tempdir().unwrap()).await
    }

    async fn on(store: String, folder: tempfile::TempDir) -> Self {
        let mut site = Self {
            store,
            folder,
            scim: String::new(),
            status: String::new(),
            manage: String::new(),
            settings: Vec::new(),
        };
        site.set("LOG__FORMAT", "json");
        site.set("LOG__FILTER", "info,rosterd=debug");
        site.set("SERVER__LISTEN", "127.0.0.1:0");
        let service = site.service().await;
        for (scope, token) in [
            (Scope::Scim, &mut site.scim),
            (Scope::Status, &mut site.status),
            (Scope::Manage, &mut site.manage),
        ] {
            let issued = tokens::issue(&service, &admin(), scope, "test", None).await;
            *token = issued.unwrap().secret.expose_secret().to_owned();
        }
        service.store.close().await;
        site
    }

    /// One key of the configuration, without its prefix.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let key = format!("ROSTERD__{key}");
        self.settings.retain(|(name, _)| *name != key);
        self.settings.push((key, value.to_owned()));
    }

    /// The use cases over the same store.
    pub(crate) async fn service(&self) -> Service {
        let options = Options {
            url: self.store.clone(),
            create: true,
            connections: 8,
            force_clock: false,
        };
        let random = Arc::new(SeededRandom::new(11));
        let store = Store::open(&options, Arc::new(SystemClock::default()), random).await;
        Service::new(store.unwrap(), Settings::default())
    }

    /// A connection past the store.
    pub(crate) async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.store).await.unwrap()
    }

    /// One number, read past the store.
    pub(crate) async fn number(&self, statement: &'static str) -> i64 {
        let mut conn = self.connect().await;
        let row = sqlx::query(statement).fetch_one(&mut conn).await.unwrap();
        let _ = conn.close().await;
        row.get(0)
    }

    /// The texts of one column, read past the store.
    pub(crate) async fn texts(&self, statement: &'static str) -> Vec<String> {
        let mut conn = self.connect().await;
        let rows = sqlx::query(statement).fetch_all(&mut conn).await.unwrap();
        let _ = conn.close().await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The environment of its daemons.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let store = ("ROSTERD__STORE__URL".to_owned(), self.store.clone());
        std::iter::once(store)
            .chain(self.settings.iter().cloned())
            .collect()
    }

    /// `rosterd` with these words, on this site.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
        command
            .args(words)
            .env_clear()
            .env("HOME", self.folder.path())
            .envs(NO_FILE)
            .envs(self.environment())
            .current_dir(self.folder.path());
        command
    }

    /// A daemon that has begun to start.
    pub(crate) fn launch(&self) -> Process {
        Process::spawn(self.command(&["serve"]), self)
    }

    /// A daemon that is up.
    pub(crate) async fn serve(&self) -> Process {
        let mut process = self.launch();
        process.up().await;
        process
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A daemon; killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// `http://127.0.0.1:port`, once it is up.
    pub(crate) url: String,
    pub(crate) token: String,
    lines: Arc<Mutex<Vec<String>>>,
    http: reqwest::Client,
}

impl Process {
    /// Runs `command`, a daemon of this site.
    pub(crate) fn spawn(mut command: Command, site: &Site) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let read = Arc::clone(&lines);
        let output = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                read.lock().unwrap().push(line);
            }
        });
        Self {
            child,
            url: String::new(),
            token: site.scim.clone(),
            lines,
            http: client(),
        }
    }

    /// Waits until it says that it is up.
    pub(crate) async fn up(&mut self) {
        let line = self.said("rosterd is up").await;
        let line: Value = serde_json::from_str(&line).unwrap();
        self.url = format!("http://{}", line["address"].as_str().unwrap());
    }

    /// What it logged.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until it logs this; gives the line.
    pub(crate) async fn said(&mut self, text: &str) -> String {
        self.said_after(0, text).await
    }

    /// The same, in what comes after this many lines.
    pub(crate) async fn said_after(&mut self, skip: usize, text: &str) -> String {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().unwrap();
            let found = self.lines().into_iter().skip(skip);
            if let Some(line) = found.into_iter().find(|line| line.contains(text)) {
                return line;
            }
            assert!(
                ended.is_none() && Instant::now() < give_up,
                "it never says {text:?} ({ended:?}): {:#?}",
                self.lines()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, signal])
            .arg(self.pid().to_string())
            .status();
        assert!(sent.unwrap().success(), "{signal}");
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until it has ended.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(
                Instant::now() < give_up,
                "it does not end: {:#?}",
                self.lines()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A request; the error is one of the connection.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .timeout(PATIENCE);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/scim+json")
                .body(body.to_string());
        }
        let response = request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    /// A SCIM request that is answered.
    pub(crate) async fn scim(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let path = format!("/scim/v2{path}");
        self.send(method, &path, &self.token, body).await.unwrap()
    }

    /// Reads what is open to everybody.
    pub(crate) async fn open(&self, path: &str) -> Answer {
        self.send("GET", path, "", None).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until this holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let give_up = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < give_up, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
