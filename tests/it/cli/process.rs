//! `rosterd` as a process that goes on while the test looks at it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::host::Host;
use crate::support::NO_FILE;

/// How long anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// A process that ends with the test.
pub(super) struct Running(Child);

impl Running {
    pub(super) fn start(host: &Host, words: &[&str]) -> Self {
        Self(command(host, words).stdout(Stdio::null()).spawn().unwrap())
    }

    /// One that says on its first line what it is, as JSON.
    pub(super) fn talking(host: &Host, words: &[&str]) -> (Self, Value) {
        let mut child = command(host, words).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let running = Self(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        (running, said)
    }

    /// Tells it to stop; it ends well.
    pub(super) fn stop(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(host: &Host, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    command
        .args(words)
        .env_clear()
        .env("HOME", host.folder.path())
        .envs(NO_FILE)
        .env("TMPDIR", host.folder.path())
        .env("ROSTERD__STORE__URL", &host.url)
        .envs(host.environment.iter().cloned())
        .stderr(log(host));
    command
}

fn log(host: &Host) -> File {
    File::options().append(true).open(host.log.path()).unwrap()
}

/// What they have said so far, for whoever has to find out what went wrong.
pub(super) fn said(host: &Host) -> String {
    std::fs::read_to_string(host.log.path()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "an admin's client, on loopback")]
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Looks until it is so.
pub(super) fn until(what: &str, mut met: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !met() {
        assert!(Instant::now() < give_up, "never: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
