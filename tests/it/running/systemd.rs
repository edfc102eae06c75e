//! What systemd is told over its socket, and when its watchdog is fed.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rosterd::config::{self, Environment};
use rosterd::daemon::assemble::assemble;
use rosterd::daemon::lifecycle::Signals;
use rosterd::model::random::SeededRandom;
use rosterd::model::time::{Clock, SystemClock, Timestamp};

use super::process::{PATIENCE, Process, Site};
use crate::support::cluster::Cluster;

/// systemd's end.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    told: Vec<String>,
}

impl Manager {
    fn new(site: &Site) -> Self {
        let path = site.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        Self {
            socket,
            path,
            told: Vec::new(),
        }
    }

    fn serve(&self, site: &Site, watchdog: &str) -> Process {
        let mut command = site.command(&["serve"]);
        command
            .env("NOTIFY_SOCKET", &self.path)
            .env("WATCHDOG_USEC", watchdog);
        Process::spawn(command, site)
    }

    /// Takes what has come.
    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(count) = self.socket.recv(&mut buffer) {
            self.told
                .push(String::from_utf8_lossy(&buffer[..count]).into_owned());
        }
    }

    /// Waits until it is told this; gives the whole message.
    async fn hears(&mut self, text: &str) -> String {
        let give_up = Instant::now() + PATIENCE;
        loop {
            self.listen();
            if let Some(at) = self.told.iter().position(|told| told.contains(text)) {
                return self.told.drain(..=at).next_back().unwrap();
            }
            assert!(
                Instant::now() < give_up,
                "never told {text:?}: {:?}",
                self.told
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often the watchdog is fed in this time.
    async fn fed(&mut self, during: Duration) -> usize {
        self.listen();
        self.told.clear();
        tokio::time::sleep(during).await;
        self.listen();
        let fed = |told: &&String| told.contains("WATCHDOG=1");
        self.told.iter().filter(fed).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_told_when_it_is_ready_reloads_and_stops() {
    let site = Site::sqlite().await;
    let mut systemd = Manager::new(&site);
    let mut daemon = systemd.serve(&site, "400000");
    let ready = systemd.hears("READY=1").await;
    assert!(ready.contains("STATUS=listening on 127.0.0.1:"), "{ready}");
    daemon.up().await;
    systemd.hears("WATCHDOG=1").await;
    daemon.signal("HUP");
    let reloading = systemd.hears("RELOADING=1").await;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    systemd.hears("READY=1").await;
    daemon.signal("TERM");
    let stopping = systemd.hears("STOPPING=1").await;
    assert!(stopping.contains("STATUS="), "{stopping}");
    assert!(daemon.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_asked_for_more_time_while_the_database_is_not_up() {
    let Some(mut cluster) = Cluster::new().await else {
        return;
    };
    let site = Site::postgres(cluster.url()).await;
    cluster.stop();
    let mut systemd = Manager::new(&site);
    let mut daemon = systemd.serve(&site, "400000");
    let asked = systemd.hears("EXTEND_TIMEOUT_USEC=").await;
    assert!(asked.contains("STATUS=waiting for the database"), "{asked}");
    cluster.start();
    systemd.hears("READY=1").await;
    daemon.up().await;
}

/// What makes this test binary the daemon of the test below instead.
const PLAY: &str = "ROSTERD_TEST_PLAYS_A_DAEMON_THAT_HANGS";

/// A clock that, once told to, never gives the time: whoever asks is stuck.
struct StuckClock {
    clock: SystemClock,
    stuck: AtomicBool,
}

impl Clock for StuckClock {
    fn now(&self) -> Timestamp {
        while self.stuck.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.clock.now()
    }
}

/// The daemon of the next test: the real one in a process of its own, with the settings of its environment. A line on
/// its input makes the poller hang.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plays_a_daemon_that_hangs() {
    if std::env::var_os(PLAY).is_none() {
        return;
    }
    let clock = Arc::new(StuckClock {
        clock: SystemClock::default(),
        stuck: AtomicBool::new(false),
    });
    let told = Arc::clone(&clock);
    std::thread::spawn(move || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        told.stuck.store(true, Ordering::Relaxed);
    });
    let config = config::load(None, &Environment::of_process())
        .unwrap()
        .config;
    let daemon = assemble(&config, clock, Arc::new(SeededRandom::new(1)))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    daemon.run(Signals::take().unwrap(), || None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_is_fed_while_every_loop_turns_and_no_longer() {
    use std::io::Write as _;
    let mut site = Site::sqlite().await;
    let token = site.path().join("okta-token");
    std::fs::write(&token, "00token").unwrap();
    std::fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    site.set("OKTA__ORG_URL", "http://127.0.0.1:9");
    site.set("OKTA__TOKEN_FILE", token.to_str().unwrap());
    let mut systemd = Manager::new(&site);
    let this = std::env::current_exe().unwrap();
    let mut child = Command::new(this)
        .args(["--exact", "running::systemd::plays_a_daemon_that_hangs"])
        .envs(site.environment())
        .env(PLAY, "1")
        .env("NOTIFY_SOCKET", &systemd.path)
        .env("WATCHDOG_USEC", "200000")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    systemd.hears("READY=1").await;
    assert!(systemd.fed(Duration::from_secs(2)).await > 3);
    writeln!(child.stdin.as_mut().unwrap(), "hang").unwrap();
    let give_up = Instant::now() + PATIENCE;
    while systemd.fed(Duration::from_secs(2)).await > 0 {
        assert!(
            Instant::now() < give_up,
            "it is fed although the poller hangs"
        );
    }
    assert_eq!(systemd.fed(Duration::from_secs(2)).await, 0);
    child.kill().unwrap();
    child.wait().unwrap();
}
