//! kill -9 in the middle of pushes: what was answered is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rosterd::model::random::{Random as _, SeededRandom};
use serde_json::json;

use super::load::{Client, members, storm, told};
use super::process::{PATIENCE, Site};
use crate::support::cluster::Cluster;
use crate::support::postgres;

/// Who pushes at once.
const CLIENTS: usize = 8;

/// Groups they share, so that they get in one another's way.
const GROUPS: usize = 3;

/// Least answered writes between two kills.
const WRITES: u64 = 50;

/// Somebody who is there before them, and is in a group of his own.
const KEEPER: usize = 1;

/// How often to kill on each store; `ROSTERD_KILLS` says otherwise.
const KILLS: u64 = 3;

fn kills() -> u64 {
    std::env::var("ROSTERD_KILLS").map_or(KILLS, |text| text.parse().expect("a number of kills"))
}

/// What is killed.
enum Victim<'c> {
    /// The daemon.
    Daemon,
    /// The daemon, and every fourth time PostgreSQL with all its sessions.
    Both(&'c mut Cluster),
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_every_answered_write_survives_kill_9_on_sqlite() {
    killed(&Site::sqlite().await, Victim::Daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_every_answered_write_survives_kill_9_on_postgres() {
    if let Some(url) = postgres::new_database().await {
        killed(&Site::postgres(url).await, Victim::Daemon).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r6_every_answered_write_survives_a_crash_of_postgres() {
    if let Some(mut cluster) = Cluster::new().await {
        let site = Site::postgres(cluster.url()).await;
        killed(&site, Victim::Both(&mut cluster)).await;
    }
}

async fn killed(site: &Site, mut victim: Victim<'_>) {
    let seed = 20_261_125;
    let random = SeededRandom::new(seed);
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client::new(number, seed))
        .collect();
    let groups = Arc::new(arrange(site).await);
    let mut report = Report::default();
    let mut daemon = site.serve().await;
    for kill in 0..kills() {
        let answered = Arc::new(AtomicU64::new(0));
        let crash = matches!(victim, Victim::Both(_)) && kill % 4 == 0;
        let enough = WRITES + random.below(60);
        let moment = Duration::from_micros(random.below(20_000));
        let pid = daemon.pid().to_string();
        let shared = Arc::new(daemon);
        let trouble = async {
            let give_up = Instant::now() + PATIENCE;
            while answered.load(Ordering::Relaxed) < enough {
                assert!(Instant::now() < give_up, "too few writes are answered");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(moment).await;
            match &mut victim {
                Victim::Both(cluster) if crash => cluster.crash(),
                _ => kill_9(&pid),
            }
        };
        clients = storm(clients, &shared, &groups, &answered, crash, trouble).await;
        report.writes += answered.load(Ordering::Relaxed);
        report.least = report.least.min(answered.load(Ordering::Relaxed));
        report.kills += 1;
        daemon = Arc::into_inner(shared).unwrap();
        match &mut victim {
            Victim::Both(cluster) if crash => {
                // The daemon outlives the database, and needs no help when it is back.
                cluster.start();
                report.crashes += 1;
                let began = Instant::now();
                while daemon.open("/readyz").await.status != 200 {
                    assert!(began.elapsed() < PATIENCE, "it does not recover");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            _ => {
                daemon.end().await;
                // Killed again while it starts: at any moment up to being up.
                let mut early = site.launch();
                tokio::time::sleep(Duration::from_millis(random.below(150))).await;
                early.kill();
                let began = Instant::now();
                daemon = site.serve().await;
                report.reopened.push(began.elapsed());
            }
        }
        read_back(&mut clients, &daemon, &groups).await;
        if report.kills % 20 == 0 {
            eprintln!("{report}");
        }
    }
    daemon.kill();
    count(site, &clients).await;
    report.refused = clients.iter().map(|client| client.refused).sum();
    eprintln!("{report}");
    assert!(report.least >= WRITES, "{report}");
}

fn kill_9(pid: &str) {
    let sent = std::process::Command::new("sh")
        .args(["-c", r#"kill -9 "$0""#, pid])
        .status();
    assert!(sent.unwrap().success());
}

/// The groups, mapped to teams, with Okta on.
async fn arrange(site: &Site) -> Vec<String> {
    let daemon = site.serve().await;
    let mut ids = Vec::new();
    for group in 0..GROUPS {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": format!("Group {group}"),
        });
        let made = daemon.scim("POST", "/Groups", Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let team = format!("team-{group}");
        run(site, &["teams", "create", &team]);
        run(site, &["mappings", "add", &id, &team]);
        ids.push(id);
    }
    // Okta mode takes somebody who counts.
    let keeper = json!({"userName": "keeper@example.test"});
    let made = daemon.scim("POST", "/Users", Some(&keeper)).await.json();
    let keepers = json!({"displayName": "Keepers", "members": [{"value": made["id"]}]});
    let made = daemon.scim("POST", "/Groups", Some(&keepers)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    run(site, &["teams", "create", "keepers"]);
    run(site, &["mappings", "add", "Keepers", "keepers"]);
    run(site, &["okta", "enable", "--yes"]);
    ids
}

fn run(site: &Site, words: &[&str]) {
    let output = site.command(words).output().unwrap();
    assert!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Over SCIM: every user that was touched, and every group whole.
async fn read_back(clients: &mut [Client], daemon: &super::process::Process, groups: &[String]) {
    let found = members(daemon, groups).await;
    for client in &mut *clients {
        client.read_back(daemon, &found).await;
    }
    let wanted = told(clients, groups.len());
    for (group, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
        let lost: Vec<_> = wanted.difference(found).collect();
        let back: Vec<_> = found.difference(wanted).collect();
        assert!(
            lost.is_empty() && back.is_empty(),
            "group {group}: answered additions lost {lost:?}, answered removals undone {back:?}"
        );
    }
    let list = daemon.scim("GET", "/Users?count=0", None).await.json();
    let users: usize = clients.iter().map(|client| client.users.len()).sum();
    assert_eq!(list["totalResults"], json!(users + KEEPER));
}

/// Past the daemon: the tables hold what the clients were told, and the audit log adds up to it.
async fn count(site: &Site, clients: &[Client]) {
    let users = clients.iter().flat_map(|client| client.users.values());
    let keeper = i64::try_from(KEEPER).unwrap();
    let (mut people, mut edges) = (keeper, keeper);
    for user in users {
        people += 1;
        edges += i64::try_from(user.groups.len()).unwrap();
    }
    assert_eq!(site.number("SELECT COUNT(*) FROM users").await, people);
    for (what, statement) in [
        ("edges", "SELECT COUNT(*) FROM edges"),
        ("memberships", "SELECT COUNT(*) FROM effective_memberships"),
        (
            "the audit log",
            "SELECT (SELECT COUNT(*) FROM audit WHERE action = 'edge.added') \
                  - (SELECT COUNT(*) FROM audit WHERE action = 'edge.removed')",
        ),
    ] {
        assert_eq!(site.number(statement).await, edges, "{what}");
    }
    if site.store.starts_with("sqlite") {
        assert_eq!(site.texts("PRAGMA integrity_check").await, ["ok"]);
    }
}

struct Report {
    kills: u64,
    crashes: u64,
    writes: u64,
    least: u64,
    refused: u64,
    reopened: Vec<Duration>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            kills: 0,
            crashes: 0,
            writes: 0,
            least: u64::MAX,
            refused: 0,
            reopened: Vec::new(),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut times = self.reopened.clone();
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let longest = times.last().copied().unwrap_or_default();
        write!(
            f,
            "kills={} (of these, of PostgreSQL: {}) answered={} least-between-kills={} told-to-come-back={} lost=0 reopen: median {median:.0?}, longest {longest:.0?}",
            self.kills, self.crashes, self.writes, self.least, self.refused
        )
    }
}
