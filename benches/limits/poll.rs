//! A full run over a large org in which nothing has changed: what it writes, what it keeps in memory, how long it takes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rosterd::service::tokens::Scope;
use serde_json::Value;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use super::daemon::{Daemon, Okta};
use super::figures::{line, mib, title};
use super::process::{Process, Usage};
use super::pushes::{self, Waits};
use super::roles::group_name;
use super::seed::{Seed, folder, sqlite_url};
use super::sizes::Sizes;
use super::wire::{Wire, get, request};

/// Groups whose people come into one team.
const GROUPS_OF_A_TEAM: usize = 10;

pub(crate) fn measure(sizes: &Sizes) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = folder();
    title(&format!(
        "Full runs over {} people, {} groups (all mapped) and {} edges, on SQLite",
        sizes.users,
        sizes.groups,
        sizes.groups * sizes.members.min(sizes.users)
    ));
    let args = [sizes.users, sizes.groups, sizes.members].map(|number| number.to_string());
    let (mut sim, said) = Process::role("role-okta", &args);
    let said: Vec<&str> = said.split(' ').collect();
    let okta = Okta {
        url: said[0].to_owned(),
        token: said[1].to_owned(),
        app: said[2].to_owned(),
    };
    let (token, scim, url) = runtime.block_on(async {
        let seed = Seed::open(sqlite_url(folder.path())).await;
        let groups: Vec<String> = (0..sizes.groups).map(group_name).collect();
        for (number, groups) in groups.chunks(GROUPS_OF_A_TEAM).enumerate() {
            seed.map(&format!("polled-{number}"), groups).await;
        }
        let token = seed.token(Scope::Manage).await;
        let scim = seed.token(Scope::Scim).await;
        (token, scim, seed.close().await)
    });
    let first = run(folder.path(), &url, &okta, &token, Some(&scim));
    first.show("the first run, which makes them all");
    if let Some(waits) = &first.waits {
        waits.show();
    }

    // Only now the mappings have groups, without which Okta cannot be switched on (R3).
    runtime.block_on(async {
        let seed = Seed::open(url.clone()).await;
        seed.enable().await;
        seed.close().await;
    });

    let before = runtime.block_on(tables(folder.path()));
    sim.ask("requests");
    let second = run(folder.path(), &url, &okta, &token, None);
    let asked = sim.ask("requests");
    second.show("a run that finds nothing changed");
    let after = runtime.block_on(tables(folder.path()));
    line(
        "most memory resident, the whole daemon",
        &mib(second.usage.peak),
        "asked for: under 256 MiB",
    );
    let changed: Vec<&str> = after
        .iter()
        .filter(|(table, state)| before.get(*table) != Some(*state))
        .map(|(table, _)| table.as_str())
        .collect();
    line(
        "tables whose rows are not the same afterwards",
        &changed.len().to_string(),
        &format!(
            "{} (asked for: runs, lease and marks at most; sync_requests is who asked)",
            changed.join(", ")
        ),
    );
    line("what the run says of itself", "", &second.summary);
    let pages = raw(&okta, &asked);
    line(
        &format!("fetching the same {} pages one after another", asked.len()),
        &format!("{:.1} s", pages.as_secs_f64()),
        "the raw figure",
    );
}

/// A run that has ended.
struct Run {
    took: Duration,
    usage: Usage,
    cpu: f64,
    written: u64,
    summary: String,
    /// Those of a client that pushed meanwhile.
    waits: Option<Waits>,
}

impl Run {
    fn show(&self, what: &str) {
        line(
            what,
            &format!("{:.1} s", self.took.as_secs_f64()),
            &format!(
                "{:.1} s of processor time, {} written, at most {} resident",
                self.cpu,
                mib(self.written),
                mib(self.usage.peak)
            ),
        );
    }
}

/// One full run of a daemon that was just started, by which its memory is that of this run; while it runs, whoever has
/// this SCIM token pushes.
fn run(folder: &Path, url: &str, okta: &Okta, token: &str, scim: Option<&str>) -> Run {
    let daemon = Daemon::start(folder, url, Some(okta));
    let before = daemon.usage();
    let began = Instant::now();
    let done = AtomicBool::new(false);
    let (ended, waits) = std::thread::scope(|scope| {
        let pushing = scim.map(|scim| scope.spawn(|| pushes::push(daemon.address, scim, &done)));
        let ended = follow(daemon.address, token);
        done.store(true, Ordering::Relaxed);
        (ended, pushing.map(|thread| thread.join().expect("pushes")))
    });
    let took = began.elapsed();
    assert_eq!(ended["state"], "applied", "{ended}");
    let usage = daemon.usage();
    let run = Run {
        took,
        usage,
        cpu: usage.cpu - before.cpu,
        written: usage.written - before.written,
        summary: ended["summary"].to_string(),
        waits,
    };
    daemon.stop();
    run
}

/// Asks for a full run and follows it to its end.
fn follow(address: SocketAddr, token: &str) -> Value {
    let mut wire = Wire::open(address);
    let asked = wire.send(&request(
        "POST",
        "/api/v1/runs",
        token,
        Some("{\"kind\":\"full\"}"),
    ));
    assert_eq!(
        asked.status,
        202,
        "{}",
        String::from_utf8_lossy(&asked.body)
    );
    let place = asked.json()["follow"]
        .as_str()
        .expect("where to look")
        .to_owned();
    let mut read = |path: &str| wire.send(&request("GET", path, token, None)).json();
    let id = loop {
        if let Some(id) = read(&place)["run"].as_str() {
            break id.to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    loop {
        let run = read(&format!("/api/v1/runs/{id}"));
        if run["state"] != "running" {
            return run;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Every table's rows, as a number that any change of a row changes.
async fn tables(folder: &Path) -> BTreeMap<String, (u64, u64)> {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let url = format!("{}?mode=ro", sqlite_url(folder));
    let mut conn = SqliteConnection::connect(&url).await.expect("the store");
    let names = sqlx::query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    )
    .fetch_all(&mut conn)
    .await
    .expect("tables");
    let mut states = BTreeMap::new();
    for name in names.iter().map(|row| row.get::<String, _>(0)) {
        let columns = sqlx::query("SELECT name FROM pragma_table_info($1)")
            .bind(&name)
            .fetch_all(&mut conn)
            .await
            .expect("columns");
        let columns: Vec<String> = columns
            .iter()
            .map(|row| format!("quote(\"{}\")", row.get::<String, _>(0)))
            .collect();
        let statement = format!("SELECT {} FROM \"{name}\"", columns.join(" || ',' || "));
        let mut rows = sqlx::query(sqlx::AssertSqlSafe(statement)).fetch(&mut conn);
        let (mut count, mut sum) = (0, 0_u64);
        while let Some(row) = futures_util::TryStreamExt::try_next(&mut rows)
            .await
            .expect("a row")
        {
            let mut hasher = DefaultHasher::new();
            row.get::<String, _>(0).hash(&mut hasher);
            count += 1;
            sum = sum.wrapping_add(hasher.finish());
        }
        drop(rows);
        states.insert(name, (count, sum));
    }
    states
}

/// Sends the same requests again and looks at no answer.
fn raw(okta: &Okta, asked: &[String]) -> Duration {
    let address = okta
        .url
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let mut wire = Wire::open(address);
    let authorization = format!("SSWS {}", okta.token);
    let began = Instant::now();
    for line in asked {
        let path = line.strip_prefix("GET ").expect("a poll only reads");
        let answer = wire.skim(&get(path, &authorization));
        assert_eq!(answer.status, 200, "{path}");
    }
    began.elapsed()
}
