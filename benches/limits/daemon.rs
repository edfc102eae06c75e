//! `rosterd serve` as a process, as it is built for production.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::process::{Process, Usage, free_address};
use super::wire::{Wire, request};

/// Schedules that do not come due while something is measured.
const NEVER_NOW: &str = "0 0 29 2 *";

/// A daemon that answers.
pub(crate) struct Daemon {
    process: Process,
    pub(crate) address: SocketAddr,
}

/// The org it polls.
pub(crate) struct Okta {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) app: String,
}

impl Daemon {
    /// Starts it on this store, and waits until it is ready.
    pub(crate) fn start(folder: &Path, store_url: &str, okta: Option<&Okta>) -> Self {
        let address = free_address();
        let log = folder.join("daemon.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rosterd"));
        command
            .arg("serve")
            .current_dir(folder)
            .env("ROSTERD__STORE__URL", store_url)
            .env("ROSTERD__SERVER__LISTEN", address.to_string())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"));
        if let Some(okta) = okta {
            let token = folder.join("okta-token");
            std::fs::write(&token, &okta.token).expect("a token");
            super::roles::only_ours(&token);
            command
                .env("ROSTERD__OKTA__ORG_URL", &okta.url)
                .env("ROSTERD__OKTA__TOKEN_FILE", &token)
                .env("ROSTERD__OKTA__APP_ID", &okta.app)
                .env("ROSTERD__OKTA__FULL_SCHEDULE", NEVER_NOW)
                .env("ROSTERD__OKTA__DELTA_SCHEDULE", NEVER_NOW);
        }
        let mut process = Process::start(&mut command);
        let patience = Instant::now() + Duration::from_mins(1);
        let ready = request("GET", "/readyz", "none", None);
        while std::net::TcpStream::connect(address).is_err()
            || Wire::open(address).send(&ready).status != 200
        {
            assert!(
                !process.ended() && Instant::now() < patience,
                "the daemon does not start: {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, address }
    }

    pub(crate) fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// Stops it in order, so that its store is whole in one file.
    pub(crate) fn stop(self) {
        self.process.stop();
    }
}
