//! Two daemons on one PostgreSQL: both answer, one polls.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rosterd::sim::faults::{Fault, Rule};
use rosterd::sim::org::{OktaId, Profile};
use rosterd::sim::{Sim, SimConfig};
use serde_json::{Value, json};

use super::process::{PATIENCE, Process, Site, eventually};
use crate::support::postgres;

/// How long a takeover may take.
const TAKEOVER: Duration = Duration::from_secs(30);

/// Set: the stopped daemon sleeps for a whole minute, and its lease runs out by itself. Otherwise the test lets it
/// run out at once.
fn whole_minute() -> bool {
    std::env::var_os("ROSTERD_WHOLE_MINUTE").is_some()
}

struct Pair {
    sim: Sim,
    site: Site,
    group: OktaId,
}

impl Pair {
    /// An org with a pushed-to app and a mapped group of three; daemons read it every second.
    async fn new() -> Option<Self> {
        let url = postgres::new_database().await?;
        let sim = Sim::start(SimConfig::default()).await.unwrap();
        let mut site = Site::postgres(url).await;
        let token = site.path().join("okta-token");
        std::fs::write(&token, sim.ssws_token()).unwrap();
        std::fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
        let app = sim.org().app().id.to_string();
        site.set("OKTA__ORG_URL", sim.base_url());
        site.set("OKTA__TOKEN_FILE", token.to_str().unwrap());
        site.set("OKTA__APP_ID", &app);
        site.set("OKTA__FULL_SCHEDULE", "0 0 29 2 *");
        site.set("OKTA__DELTA_SCHEDULE", "* * * * * *");
        // Longer than anybody is stopped: its answer waits for it.
        site.set("OKTA__REQUEST_TIMEOUT", "5m");
        let group = {
            let mut org = sim.org();
            let group = org.create_group("Engineers", "");
            for name in ["ada", "bea", "cyd"] {
                let login = format!("{name}@example.test");
                let user = org
                    .create_user(Profile::new(&login, name, "Okafor"), true)
                    .unwrap();
                org.assign_user(user).unwrap();
                org.add_member(group, user).unwrap();
            }
            group
        };
        let pair = Self { sim, site, group };
        let name = "Engineers";
        pair.run(&["teams", "create", "engineers"]);
        pair.run(&["mappings", "add", name, "engineers"]);
        Some(pair)
    }

    fn run(&self, words: &[&str]) {
        let output = self.site.command(words).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error}");
    }

    /// Turns Okta mode on, once the group was read.
    async fn enable(&self) {
        eventually("the group is not read", || async {
            let edges = "SELECT COUNT(*) FROM edges e JOIN users u ON u.member_key = e.member";
            self.site.number(edges).await == 3
        })
        .await;
        self.run(&["okta", "enable", "--yes"]);
    }

    /// Who polls, by process id, and in which epoch.
    async fn leader(&self) -> Option<(u32, i64)> {
        let rows = "SELECT holder || '|' || CAST(epoch AS TEXT) FROM lease \
                     WHERE expires_at > CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
        let row = self.site.texts(rows).await.into_iter().next()?;
        let (holder, epoch) = row.split_once('|').unwrap();
        let pid = holder.split(':').nth(1).unwrap();
        Some((pid.parse().unwrap(), epoch.parse().unwrap()))
    }

    /// Waits until this process polls, and has polled; gives its epoch.
    async fn leads(&self, pid: u32) -> i64 {
        eventually("nobody takes over", || async {
            self.leader().await.is_some_and(|(leader, _)| leader == pid)
        })
        .await;
        let (_, epoch) = self.leader().await.unwrap();
        eventually("the new leader does not poll", || async {
            self.runs(epoch).await > 0
        })
        .await;
        epoch
    }

    /// How many runs ended well in this epoch.
    async fn runs(&self, epoch: i64) -> usize {
        let runs = self
            .site
            .texts("SELECT CAST(epoch AS TEXT) FROM runs WHERE state = 'applied'")
            .await;
        runs.iter().filter(|run| **run == epoch.to_string()).count()
    }

    /// The team's members.
    async fn team(&self) -> Vec<String> {
        self.site
            .texts(
                "SELECT u.user_name FROM effective_memberships e JOIN users u ON u.id = e.user_id \
                   JOIN teams t ON t.id = e.team_id WHERE t.name = 'engineers' ORDER BY u.user_name",
            )
            .await
    }

    /// Everything a run could change.
    async fn world(&self) -> Vec<Vec<String>> {
        let mut world = Vec::new();
        for statement in [
            "SELECT CAST(ROW(u.*) AS TEXT) FROM users u ORDER BY u.id",
            "SELECT CAST(ROW(g.*) AS TEXT) FROM idp_groups g ORDER BY g.id",
            "SELECT CAST(ROW(e.*) AS TEXT) FROM edges e ORDER BY e.group_id, e.member",
            "SELECT CAST(ROW(m.*) AS TEXT) FROM memberships m ORDER BY m.team_id, m.user_id",
            "SELECT CAST(ROW(a.*) AS TEXT) FROM audit a ORDER BY a.id",
        ] {
            world.push(self.site.texts(statement).await);
        }
        world
    }

    /// Both daemons answer Okta and admins, and each shows what the other was told.
    async fn both_answer(&self, daemons: [&Process; 2]) {
        for (one, other) in [(daemons[0], daemons[1]), (daemons[1], daemons[0])] {
            let name = format!("pushed-{}@example.test", one.pid());
            let body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": name,
            });
            let made = one.scim("POST", "/Users", Some(&body)).await;
            assert_eq!(made.status, 201, "{}", made.text);
            let id = made.json()["id"].as_str().unwrap().to_owned();
            let read = other.scim("GET", &format!("/Users/{id}"), None).await;
            assert_eq!(read.json()["userName"], json!(name));
            let status = one.send("GET", "/status", &self.site.status, None).await;
            assert_eq!(status.unwrap().status, 200);
            let runs = one
                .send("GET", "/api/v1/runs", &self.site.manage, None)
                .await;
            assert_eq!(runs.unwrap().status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_answer_one_polls_and_the_other_takes_over() {
    let Some(pair) = Pair::new().await else {
        return;
    };
    let (mut first, second) = tokio::join!(pair.site.serve(), pair.site.serve());
    let mut second = second;
    eventually("nobody polls", || async { pair.leader().await.is_some() }).await;
    if pair.leader().await.unwrap().0 == second.pid() {
        std::mem::swap(&mut first, &mut second);
    }
    let epoch = pair.leads(first.pid()).await;
    pair.enable().await;
    pair.both_answer([&first, &second]).await;
    let before = pair.runs(epoch).await;
    eventually("the leader polls once only", || async {
        pair.runs(epoch).await > before + 3
    })
    .await;
    assert_eq!(
        pair.site
            .number("SELECT COUNT(DISTINCT epoch) FROM runs WHERE kind <> 'scim'")
            .await,
        1,
        "one polls"
    );
    assert_eq!(
        pair.team().await,
        ["ada@example.test", "bea@example.test", "cyd@example.test"]
    );

    // Killed in the middle of a run.
    pair.sim
        .faults()
        .add(Rule::next(1, Fault::Slow(Duration::from_secs(5))).on("/users"));
    pair.sim.forget_requests();
    eventually("no run begins", || async {
        let requests = pair.sim.requests();
        requests.iter().any(|line| line.contains("/users"))
    })
    .await;
    first.kill();
    let killed = Instant::now();
    let next = pair.leads(second.pid()).await;
    let took = killed.elapsed();
    eprintln!("takeover after kill -9: {took:.1?}");
    assert!(took < TAKEOVER, "{took:?}");
    assert!(next > epoch);
    let left = "SELECT COUNT(*) FROM runs WHERE state = 'running' AND epoch = (SELECT MIN(epoch) FROM runs)";
    assert_eq!(pair.site.number(left).await, 0, "its run is marked");
}

#[tokio::test(flavor = "multi_thread")]
async fn r7_a_daemon_stopped_in_the_middle_of_a_run_and_resumed_changes_nothing() {
    let Some(pair) = Pair::new().await else {
        return;
    };
    let mut first = pair.site.serve().await;
    let old = pair.leads(first.pid()).await;
    pair.enable().await;
    let mut second = pair.site.serve().await;

    // It has read that dia is a member, and is stopped before it can say so.
    let dia = {
        let mut org = pair.sim.org();
        let dia = org
            .create_user(Profile::new("dia@example.test", "dia", "Okafor"), true)
            .unwrap();
        org.assign_user(dia).unwrap();
        dia
    };
    eventually("dia is not read", || async {
        let users = "SELECT COUNT(*) FROM users WHERE user_name = 'dia@example.test'";
        pair.site.number(users).await == 1
    })
    .await;
    let slow = Fault::Stale(Duration::from_secs(8));
    let members = format!("/groups/{}/users", pair.group);
    pair.sim.faults().add(Rule::next(1, slow).on(&members));
    pair.sim.forget_requests();
    pair.sim.org().add_member(pair.group, dia).unwrap();
    eventually("the group is not read", || async {
        let requests = pair.sim.requests();
        requests.iter().any(|line| line.contains(&members))
    })
    .await;
    first.signal("STOP");
    let stopped = Instant::now();
    // The answer that is on its way to it says that she is one; by now she is not.
    pair.sim.org().remove_member(pair.group, dia).unwrap();
    if !whole_minute() {
        let mut conn = pair.site.connect().await;
        sqlx::query("UPDATE lease SET expires_at = 0")
            .execute(&mut conn)
            .await
            .unwrap();
    }
    let new = pair.leads(second.pid()).await;
    let took = stopped.elapsed();
    eprintln!("takeover after SIGSTOP: {took:.1?}");
    assert!(new > old);
    eventually("the new leader has not caught up", || async {
        pair.team().await == ["ada@example.test", "bea@example.test", "cyd@example.test"]
            && pair.runs(new).await > 2
    })
    .await;
    // It sleeps past the end of the answer it waits for, at least.
    let sleep = Duration::from_secs(if whole_minute() { 60 } else { 10 });
    tokio::time::sleep(sleep.saturating_sub(stopped.elapsed())).await;
    eprintln!("stopped for {:.1?}", stopped.elapsed());

    let said = first.lines().len();
    let world = pair.world().await;
    let runs = pair.runs(old).await;
    first.signal("CONT");
    let line = first.said_after(said, "another daemon polls").await;
    eprintln!("resumed: {line}");
    first.said_after(said, "run ended early").await;
    let settled = pair.runs(new).await;
    eventually("the new leader stops polling", || async {
        pair.runs(new).await > settled + 2
    })
    .await;
    assert_eq!(pair.world().await, world, "nothing was changed");
    assert_eq!(pair.runs(old).await, runs, "no run of its own ended well");
    assert_eq!(pair.leader().await, Some((second.pid(), new)));
    let late = format!("in epoch {old}, after {new} began");
    let epochs = pair
        .site
        .texts("SELECT CAST(epoch AS TEXT) FROM runs WHERE kind <> 'scim' ORDER BY began_at")
        .await;
    let first_new = epochs.iter().position(|epoch| *epoch == new.to_string());
    assert!(
        epochs[first_new.unwrap()..]
            .iter()
            .all(|epoch| *epoch == new.to_string()),
        "a run was begun {late}"
    );

    // It answers all along, and leads again when its turn comes.
    pair.both_answer([&first, &second]).await;
    second.kill();
    let killed = Instant::now();
    let again = pair.leads(first.pid()).await;
    assert!(killed.elapsed() < TAKEOVER, "{:?}", killed.elapsed());
    assert!(again > new);
    let status: Value = first
        .send("GET", "/status", &pair.site.status, None)
        .await
        .unwrap()
        .json();
    assert!(status.to_string().contains(&first.pid().to_string()));
    assert!(killed.elapsed() < PATIENCE);
}
