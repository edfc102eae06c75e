//! `rosterd sync` against the simulated org.

use rosterd::sim::org::Profile;
use rosterd::sim::{Sim, SimConfig};

use super::host::Host;

/// An org of one person in one group, and a host that knows it.
async fn host() -> (Host, Sim) {
    let sim = Sim::start(SimConfig::default()).await.unwrap();
    let mut host = Host::sqlite().await;
    std::fs::write(host.path("token"), sim.ssws_token()).unwrap();
    host.set("ROSTERD__OKTA__ORG_URL", sim.base_url());
    let token = host.path("token").display().to_string();
    host.set("ROSTERD__OKTA__TOKEN_FILE", &token);
    (host, sim)
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_daemon_polls_sync_polls_itself_and_a_dry_run_prints_the_plan() {
    let (host, sim) = host().await;
    let group = sim.org().create_group("Platform", "");
    let mira = sim
        .org()
        .create_user(Profile::new("mira@x", "Mira", "X"), true)
        .unwrap();
    sim.org().add_member(group, mira).unwrap();

    let plan = host.json(&["sync", "--full", "--dry-run"]);
    assert_eq!(plan["run"]["state"], "planned", "{plan}");
    let texts = plan["plan"].to_string();
    assert!(texts.contains("Platform"), "{plan}");
    assert_eq!(
        host.json(&["groups", "list"]).as_array().unwrap().len(),
        0,
        "only planned"
    );

    let run = host.run(&["sync", "--full"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("applied"), "{run:?}");
    let runs = host.json(&["runs", "list"]);
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!(runs[0]["channel"], "cli");
    let id = runs[0]["id"].as_str().unwrap();
    let shown = host.json(&["runs", "show", id]);
    assert!(shown["changes"].to_string().contains("Platform"), "{shown}");
    assert!(host.run(&["runs", "show", id]).out.contains("Platform"));

    host.run(&["teams", "create", "core"]);
    let added = host.json(&["mappings", "add", "Platform", "core"]);
    assert_eq!(added["state"], "reading", "{added}");
    assert_eq!(host.run(&["sync"]).code, 0);
    let mapped = host.json(&["mappings", "list"]);
    assert_eq!(
        (&mapped[0]["state"], &mapped[0]["members"]),
        (&"bound".into(), &1.into())
    );
    assert!(
        host.json(&["status"])["okta"]["poller"].is_null(),
        "the lease was given back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_org_sync_names_the_key() {
    let bare = Host::sqlite().await;
    let said = bare.run(&["sync"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("okta.org_url"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_okta_that_does_not_answer_is_exit_6_and_a_wrong_app_is_told() {
    let (mut host, sim) = host().await;
    let app = sim.org().app().id.to_string();
    host.set("ROSTERD__OKTA__APP_ID", &app);
    let good = host.json(&["check", "--online"]);
    let lines = good["online"].as_array().unwrap();
    for what in [
        "org",
        "token",
        "groups",
        "users",
        "app_id",
        "app users",
        "group pushes",
        "clock",
    ] {
        let line = lines.iter().find(|line| line["what"] == what).unwrap();
        assert_eq!(line["verdict"], "OK", "{good}");
    }
    host.set("ROSTERD__OKTA__APP_ID", "0oaNoSuchApp00000000");
    let wrong = host.run(&["check", "--online", "--json"]);
    assert_eq!(wrong.code, 6, "{wrong:?}");
    let shown = wrong.json();
    let line = shown["online"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["what"] == "app_id")
        .unwrap();
    assert_eq!(line["verdict"], "FAIL", "{shown}");
    sim.stop().await;
    let silent = host.run(&["check", "--online"]);
    assert_eq!(silent.code, 6, "{silent:?}");
    assert!(silent.out.contains("FAIL  org"), "{silent:?}");
}
