//! One member more for a large group and for a small one; what reading the large one costs in memory.

use std::time::Instant;

use rosterd::service::tokens::Scope;
use serde_json::json;
use tokio::runtime::Runtime;

use super::daemon::Daemon;
use super::figures::{line, median, mib, title};
use super::seed::{Seed, folder, sqlite_url};
use super::sizes::Sizes;
use super::wire::{Wire, request};
use super::writes::{addition, patched};

/// The small group.
const FEW: usize = 100;

/// How often each group gets one member more.
const TIMES: usize = 400;

/// How many of them each loses again.
const REMOVED: usize = 80;

pub(crate) fn measure(sizes: &Sizes) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = folder();
    title(&format!(
        "A group of {} members beside one of {FEW} (both mapped, Okta on)",
        sizes.users
    ));
    let (token, small, large, newcomers, url) = runtime.block_on(async {
        let seed = Seed::open(sqlite_url(folder.path())).await;
        seed.users(0, sizes.users).await;
        let newcomers = seed.users(sizes.users, sizes.users + TIMES).await;
        let small = seed.group("Small", FEW).await.to_string();
        let large = seed.group("Large", sizes.users).await.to_string();
        seed.map("small", std::slice::from_ref(&small)).await;
        seed.map("large", std::slice::from_ref(&large)).await;
        seed.enable().await;
        (
            seed.token(Scope::Scim).await,
            small,
            large,
            newcomers,
            seed.close().await,
        )
    });
    let daemon = Daemon::start(folder.path(), &url, None);
    let mut both = Both {
        wire: Wire::open(daemon.address),
        token: &token,
        small: &small,
        large: &large,
    };
    both.compare("adds", &newcomers, addition, "asked for: 1.5 at most");
    // So few that no group loses a fifth of its members, which the guard would have to look into (R9).
    both.compare(
        "removes",
        &newcomers[..REMOVED],
        removal,
        "nothing is asked for",
    );
    reading(&daemon, &token, &large);
    daemon.stop();
}

/// The two groups.
struct Both<'b> {
    wire: Wire,
    token: &'b str,
    small: &'b str,
    large: &'b str,
}

impl Both<'_> {
    /// The same change of one member to both groups, in turns.
    fn compare(&mut self, what: &str, people: &[String], body: fn(&str) -> String, asked: &str) {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        let mut length = 0;
        for (time, person) in people.iter().enumerate() {
            let (a, _) = self.patch(self.small, &body(person));
            let (b, sent) = self.patch(self.large, &body(person));
            // The first ones only warm up.
            if time >= people.len() / 8 {
                few.push(a);
                many.push(b);
            }
            length = sent;
        }
        let (few, many) = (median(&few), median(&many));
        line(
            &format!("a PATCH that {what} one member, the small group"),
            &micros(few),
            "",
        );
        line(
            &format!("a PATCH that {what} one member, the large group"),
            &micros(many),
            &format!(
                "{:.2} × the small one ({asked}); {length} bytes answered",
                many / few
            ),
        );
    }

    fn patch(&mut self, group: &str, body: &str) -> (f64, usize) {
        let path = format!("/scim/v2/Groups/{group}");
        let request = request("PATCH", &path, self.token, Some(body));
        let began = Instant::now();
        let answer = self.wire.send(&request);
        let took = began.elapsed().as_secs_f64() * 1e6;
        assert!(patched(&answer), "{}", answer.status);
        (took, answer.length)
    }
}

/// The body Okta sends to remove a member.
fn removal(person: &str) -> String {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "remove", "path": format!("members[value eq \"{person}\"]") }],
    })
    .to_string()
}

/// Reads what is long, and looks at what the daemon grew by.
fn reading(daemon: &Daemon, token: &str, group: &str) {
    let mut wire = Wire::open(daemon.address);
    for (what, path) in [
        ("GET the large group", format!("/scim/v2/Groups/{group}")),
        (
            "GET a list of both groups",
            "/scim/v2/Groups?count=100".to_owned(),
        ),
        (
            "GET a page of users, as many as it may have",
            "/scim/v2/Users?count=1000".to_owned(),
        ),
    ] {
        let before = daemon.usage();
        let began = Instant::now();
        let answer = wire.skim(&request("GET", &path, token, None));
        let took = began.elapsed();
        assert_eq!(answer.status, 200, "{path}");
        let after = daemon.usage();
        line(
            what,
            &format!("{} ms", took.as_millis()),
            &format!(
                "{} sent; resident {} before, {} after, at most {} ever",
                mib(answer.length as u64),
                mib(before.resident),
                mib(after.resident),
                mib(after.peak)
            ),
        );
    }
}

fn micros(micros: f64) -> String {
    format!("{micros:.0} µs")
}
