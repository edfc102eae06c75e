//! The lookup Okta makes before each assignment, in a small and in a large store, beside a server that does nothing.

use std::time::Duration;

use rosterd::service::tokens::Scope;
use tokio::runtime::Runtime;

use super::daemon::Daemon;
use super::figures::{line, median, mib, percent, rate, title};
use super::process::Process;
use super::seed::{Seed, folder, name, sqlite_url};
use super::sizes::Sizes;
use super::wire::{Answer, Wire, drive, request};

/// Connections at once: enough to keep two processors busy, few enough not to measure the scheduler.
const CLIENTS: usize = 8;

/// The small store.
const FEW: usize = 1_000;

/// A daemon on a store of so many users.
struct Store {
    daemon: Daemon,
    token: String,
    users: usize,
    _folder: tempfile::TempDir,
}

impl Store {
    fn of(users: usize, runtime: &Runtime) -> Self {
        let folder = folder();
        let (token, url) = runtime.block_on(async {
            let seed = Seed::open(sqlite_url(folder.path())).await;
            seed.users(0, users).await;
            (seed.token(Scope::Scim).await, seed.close().await)
        });
        Self {
            daemon: Daemon::start(folder.path(), &url, None),
            token,
            users,
            _folder: folder,
        }
    }

    /// Looks up somebody else each time, all over the store.
    fn run(&self, length: Duration) -> f64 {
        let next = |client: usize, count: u64| {
            let number = usize::try_from(count).unwrap_or(0) * 7_919 + client * 104_729;
            self.request(number % self.users)
        };
        drive(self.daemon.address, CLIENTS, length, next, found)
    }

    fn request(&self, number: usize) -> Vec<u8> {
        let path = format!(
            "/scim/v2/Users?filter=userName%20eq%20%22{}%40example.test%22&startIndex=1&count=100",
            name(number)
        );
        request("GET", &path, &self.token, None)
    }
}

pub(crate) fn measure(sizes: &Sizes) {
    let runtime = Runtime::new().expect("a runtime");
    title(&format!(
        "GET /Users?filter=userName eq \"…\", {CLIENTS} connections, the client on the same processors"
    ));
    let small = Store::of(FEW.min(sizes.users), &runtime);
    let large = Store::of(sizes.users, &runtime);
    let example = Wire::open(large.daemon.address).send(&large.request(0));
    let (_hello, address) = Process::role("role-hello", &[example.length.to_string()]);
    let address = address.parse().expect("an address");
    let bare = request("GET", "/", "none", None);
    let (mut raw, mut few, mut many, mut ratios) = (vec![], vec![], vec![], vec![]);
    for round in 0..=sizes.rounds {
        let hello = drive(
            address,
            CLIENTS,
            sizes.round,
            |_, _| bare.clone(),
            |answer| answer.status == 200,
        );
        // Which one goes first changes, so that a machine that grows slower favours neither.
        let (a, b) = if round % 2 == 0 {
            let a = small.run(sizes.round);
            (a, large.run(sizes.round))
        } else {
            let b = large.run(sizes.round);
            (small.run(sizes.round), b)
        };
        // The first round warms up.
        if round > 0 {
            raw.push(hello);
            few.push(a);
            many.push(b);
            ratios.push(b / a);
        }
    }
    let length = format!("a body of {} bytes, as the daemon answers", example.length);
    line(
        "axum alone",
        &rate(median(&raw)),
        &format!("the raw figure; {length}"),
    );
    line(
        &format!("at {} users", small.users),
        &rate(median(&few)),
        "",
    );
    let of_raw = percent(median(&many) / median(&raw));
    line(
        &format!("at {} users", large.users),
        &rate(median(&many)),
        &format!("{of_raw} of the raw figure; asked for: 5 000/s on two processors"),
    );
    line(
        "the large store as fast as the small one to",
        &percent(median(&ratios)),
        "asked for: 80 % at least",
    );
    let usage = large.daemon.usage();
    line("resident, at most so far", &mib(usage.peak), "");
    small.daemon.stop();
    large.daemon.stop();
}

fn found(answer: &Answer) -> bool {
    let one = b"\"totalResults\":1,";
    answer.status == 200 && answer.body.windows(one.len()).any(|window| window == one)
}
