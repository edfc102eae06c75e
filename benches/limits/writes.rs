//! SCIM writes beside bare commits. Whatever is answered 2xx is durable, so a commit is what a write costs at least.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rosterd::service::tokens::Scope;
use serde_json::json;
use tokio::runtime::Runtime;

use super::bare::{BarePostgres, BareSqlite};
use super::daemon::Daemon;
use super::figures::{line, median, percent, rate, title};
use super::postgres;
use super::seed::{Seed, folder, okta_id, person, sqlite_url};
use super::sizes::Sizes;
use super::wire::{Answer, Wire, drive, request};

/// Clients at once, beside the one that the figure asks for.
const CROWDS: [usize; 2] = [8, 32];

/// A daemon to write to.
struct Target {
    address: SocketAddr,
    token: String,
    group: String,
    made: AtomicU64,
    people: Vec<String>,
    added: AtomicU64,
}

enum Bare {
    Sqlite(BareSqlite),
    Postgres(BarePostgres),
}

impl Bare {
    async fn run(&mut self, length: Duration) -> f64 {
        match self {
            Self::Sqlite(bare) => bare.run(length).await,
            Self::Postgres(bare) => bare.run(length).await,
        }
    }

    async fn round_trips(&mut self, length: Duration) -> f64 {
        match self {
            Self::Sqlite(bare) => bare.round_trips(length).await,
            Self::Postgres(bare) => bare.round_trips(length).await,
        }
    }
}

pub(crate) fn measure(sizes: &Sizes) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = folder();
    title("SCIM writes on SQLite (the group is mapped to a team, and Okta is on)");
    let bare = Bare::Sqlite(runtime.block_on(BareSqlite::open(folder.path())));
    on(
        &runtime,
        sizes,
        folder.path(),
        sqlite_url(folder.path()),
        bare,
    );
    let Some(url) = runtime.block_on(postgres::new_database()) else {
        return;
    };
    title("SCIM writes on PostgreSQL");
    let bare = Bare::Postgres(runtime.block_on(BarePostgres::open(&url)));
    on(&runtime, sizes, folder.path(), url.clone(), bare);
    runtime.block_on(postgres::drop_database(&url));
}

fn on(runtime: &Runtime, sizes: &Sizes, folder: &Path, url: String, mut bare: Bare) {
    // Enough people for every PATCH to add somebody new.
    let people = sizes.users.min(100_000);
    let (token, group, people, url) = runtime.block_on(async {
        let seed = Seed::open(url).await;
        let people = seed.users(0, people).await;
        // Okta can be switched on once a mapped group has somebody in it.
        let group = seed.group("Patched", 1).await.to_string();
        seed.map("patched", std::slice::from_ref(&group)).await;
        seed.enable().await;
        (
            seed.token(Scope::Scim).await,
            group,
            people,
            seed.close().await,
        )
    });
    let daemon = Daemon::start(folder, &url, None);
    let target = Target {
        address: daemon.address,
        token,
        group,
        made: AtomicU64::new(0),
        people,
        added: AtomicU64::new(1),
    };
    target.warm_up();
    let (mut bares, mut creates, mut patches) = (Vec::new(), Vec::new(), Vec::new());
    let mut busy = [0.0; 2];
    for _ in 0..sizes.rounds {
        bares.push(runtime.block_on(bare.run(sizes.round)));
        let before = daemon.usage().cpu;
        creates.push(target.create(1, sizes.round));
        busy[0] += daemon.usage().cpu - before;
        bares.push(runtime.block_on(bare.run(sizes.round)));
        let before = daemon.usage().cpu;
        patches.push(target.patch(1, sizes.round));
        busy[1] += daemon.usage().cpu - before;
    }
    line(
        "bare one-row commits, one connection",
        &rate(median(&bares)),
        "the raw figure",
    );
    let round_trip = 1e6 / runtime.block_on(bare.round_trips(sizes.round));
    line(
        "a bare statement that reads nothing, one connection",
        &format!("{round_trip:.0} µs"),
        "what each statement of a write costs at least",
    );
    let share = |rates: &[f64], kind: usize| {
        let shares: Vec<f64> = rates
            .iter()
            .enumerate()
            .map(|(round, rate)| rate / bares[2 * round + kind])
            .collect();
        let requests: f64 = rates
            .iter()
            .map(|rate| rate * sizes.round.as_secs_f64())
            .sum();
        format!(
            "{} of the bare commits just before (asked for: 50 %); {:.0} µs of the daemon's processor time each",
            percent(median(&shares)),
            busy[kind] / requests * 1e6
        )
    };
    line(
        "POST /Users, one client",
        &rate(median(&creates)),
        &share(&creates, 0),
    );
    line(
        "PATCH a group with one member more, one client",
        &rate(median(&patches)),
        &share(&patches, 1),
    );
    for clients in CROWDS {
        line(
            &format!("POST /Users, {clients} clients"),
            &rate(target.create(clients, sizes.round)),
            "",
        );
        let patched = target.patch(clients, sizes.round);
        line(
            &format!("PATCH the same group, {clients} clients"),
            &rate(patched),
            "",
        );
    }
    daemon.stop();
}

impl Target {
    /// Its caches and the processor's are warm for a daemon that has run for a while.
    fn warm_up(&self) {
        let mut wire = Wire::open(self.address);
        let until = Instant::now() + Duration::from_millis(500);
        while Instant::now() < until {
            assert!(created(&wire.send(&self.next_create())));
            assert!(patched(&wire.send(&self.next_patch())));
        }
    }

    fn create(&self, clients: usize, length: Duration) -> f64 {
        drive(
            self.address,
            clients,
            length,
            |_, _| self.next_create(),
            created,
        )
    }

    fn patch(&self, clients: usize, length: Duration) -> f64 {
        drive(
            self.address,
            clients,
            length,
            |_, _| self.next_patch(),
            patched,
        )
    }

    fn next_create(&self) -> Vec<u8> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let body = person(&format!("made.{number}"), &okta_id("Made", number)).to_string();
        request("POST", "/scim/v2/Users", &self.token, Some(&body))
    }

    fn next_patch(&self) -> Vec<u8> {
        let number = self.added.fetch_add(1, Ordering::Relaxed);
        let person = usize::try_from(number)
            .ok()
            .and_then(|number| self.people.get(number));
        let person = person.expect("people for every PATCH: raise ROSTERD_BENCH_USERS");
        let path = format!("/scim/v2/Groups/{}", self.group);
        request("PATCH", &path, &self.token, Some(&addition(person)))
    }
}

/// The body Okta sends to add a member.
pub(crate) fn addition(person: &str) -> String {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": "members", "value": [{ "value": person }] }],
    })
    .to_string()
}

fn created(answer: &Answer) -> bool {
    answer.status == 201
}

pub(crate) fn patched(answer: &Answer) -> bool {
    answer.status == 200
}
