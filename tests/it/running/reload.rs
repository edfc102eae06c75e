//! SIGHUP: what can change changes, what cannot is said, and a wrong file changes nothing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::process::{Process, Site, eventually};
use rosterd::sim::{Sim, SimConfig};
use serde_json::json;

struct Reloaded {
    site: Site,
    file: PathBuf,
}

impl Reloaded {
    async fn new() -> Self {
        let site = Site::sqlite().await;
        let file = site.path().join("rosterd.toml");
        Self { site, file }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.file, text).unwrap();
    }

    async fn serve(&self) -> Process {
        let command = self
            .site
            .command(&["serve", "--config", self.file.to_str().unwrap()]);
        let mut daemon = Process::spawn(command, &self.site);
        daemon.up().await;
        daemon
    }

    async fn reload(&self, daemon: &mut Process, text: &str, says: &str) -> String {
        self.write(text);
        let before = daemon.lines().len();
        daemon.signal("HUP");
        daemon.said_after(before, says).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_what_can_change_and_says_what_cannot() {
    let place = Reloaded::new().await;
    place.write("[scim]\nmax_results = 500\n");
    let mut daemon = place.serve().await;
    let shown = async |daemon: &Process| {
        let config = daemon.scim("GET", "/ServiceProviderConfig", None).await;
        config.json()["filter"]["maxResults"].clone()
    };
    assert_eq!(shown(&daemon).await, 500);
    let text = "[scim]\nmax_results = 200\nbody_limit = \"8MiB\"\n[server]\nmax_requests = 9\n[store]\nconnections = 3\n";
    place
        .reload(&mut daemon, text, "the configuration was read again")
        .await;
    assert_eq!(shown(&daemon).await, 200);
    let said = daemon.lines().join("\n");
    for key in [
        "scim.body_limit",
        "server.max_requests",
        "store.connections",
    ] {
        let line = format!("\"key\":\"{key}\"");
        assert!(said.contains(&line), "{key}: {said}");
    }
    assert!(said.contains("takes a restart"), "{said}");

    place
        .reload(
            &mut daemon,
            "[scim]\nmax_results = \"many\"\n",
            "stays as it was",
        )
        .await;
    assert_eq!(shown(&daemon).await, 200);
    place
        .reload(
            &mut daemon,
            "[scim]\nmax_results = 300\n",
            "the configuration was read again",
        )
        .await;
    assert_eq!(shown(&daemon).await, 300);
    assert!(daemon.ended().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_a_new_okta_token_and_schedule() {
    let sim = Sim::start(SimConfig::default()).await.unwrap();
    let mut place = Reloaded::new().await;
    let token = place.site.path().join("okta-token");
    std::fs::write(&token, "00wrong").unwrap();
    std::fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    place.site.set("OKTA__ORG_URL", sim.base_url());
    place.site.set("OKTA__TOKEN_FILE", token.to_str().unwrap());
    place.write("[okta]\ndelta_schedule = \"0 0 29 2 *\"\nfull_schedule = \"0 0 29 2 *\"\n");
    let mut daemon = place.serve().await;
    daemon.said("run ended early").await;
    let good = || async {
        let runs = "SELECT COUNT(*) FROM runs WHERE state = 'applied' AND kind = 'delta'";
        place.site.number(runs).await > 1
    };
    assert!(!good().await);
    std::fs::write(&token, sim.ssws_token()).unwrap();
    let text = "[okta]\ndelta_schedule = \"* * * * * *\"\nfull_schedule = \"0 0 29 2 *\"\n";
    place
        .reload(&mut daemon, text, "the configuration was read again")
        .await;
    eventually("it does not poll with the new token", good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_a_rotated_hook_secret_and_keeps_the_old_one_while_there_is_none() {
    let mut place = Reloaded::new().await;
    let file = place.site.path().join("hook-secret");
    std::fs::write(&file, "Bearer first").unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    place.site.set("OKTA__HOOKS__ENABLED", "true");
    let named = file.to_str().unwrap();
    place.site.set("OKTA__HOOKS__SECRET_FILE", named);
    place.write("");
    let mut daemon = place.serve().await;
    let event = json!({"data": {"events": [
        {"uuid": "1", "eventType": "x", "target": [{"id": "00u1", "type": "User"}]},
    ]}});
    let shown = async |daemon: &Process, secret: &str| {
        let sent = daemon.send("POST", "/okta/events", secret, Some(&event));
        sent.await.unwrap().status
    };
    assert_eq!(shown(&daemon, "first").await, 204);
    assert_eq!(shown(&daemon, "second").await, 401);

    std::fs::write(&file, "Bearer second").unwrap();
    place
        .reload(&mut daemon, "", "the configuration was read again")
        .await;
    assert_eq!(shown(&daemon, "second").await, 204);
    assert_eq!(shown(&daemon, "first").await, 401);

    std::fs::remove_file(&file).unwrap();
    let said = place.reload(&mut daemon, "", "stays as it was").await;
    assert!(said.contains("okta.hooks.secret_file"), "{said}");
    assert_eq!(shown(&daemon, "second").await, 204);
    let said = daemon.lines().join("\n");
    assert!(!said.contains("Bearer"), "{said}");
}
