//! The empty set is a set, and no set is none: defects 7 and 8.

use rosterd::model::run::RunKind;
use rosterd::sim::faults::{Fault, Rule};
use serde_json::json;

use super::{group, group_is, okta_on, patch, team_is, user};
use crate::support::daemon::Daemon;
use crate::support::stores::on_each_store;
use crate::support::tenant::Tenant;

on_each_store! {
    async fn trust_7_the_last_member_and_the_last_group_go_by_every_kind_of_push(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        let one = user(&daemon, "one@x").await;
        let id = group(&daemon, "Ops", &[]).await;
        daemon.map(&id, "ops").await;
        let path = format!("/Groups/{id}");
        for take in [
            json!([{"op": "remove", "path": format!("members[value eq \"{one}\"]")}]),
            json!([{"op": "remove", "path": "members", "value": [{"value": one}]}]),
            json!([{"op": "remove", "path": "members"}]),
            json!([{"op": "replace", "path": "members", "value": []}]),
            json!([{"op": "replace", "value": {"members": []}}]),
            json!("PUT"), json!("DELETE"),
        ] {
            if take == json!("DELETE") {
                assert_eq!(daemon.scim("DELETE", &path, None).await.status, 204);
                team_is(&daemon, "ops", &[]).await;
                assert_eq!(daemon.get(&format!("/Users/{one}")).await.get("groups"), None, "his last group");
                continue;
            }
            let add = json!([{"op": "add", "path": "members", "value": [{"value": one}]}]);
            assert_eq!(patch(&daemon, &path, add).await.status, 200);
            team_is(&daemon, "ops", &["one@x"]).await;
            let answer = match take.as_str() {
                Some(_) => daemon.scim("PUT", &path, Some(&json!({"displayName": "Ops", "members": []}))).await,
                None => patch(&daemon, &path, take.clone()).await,
            };
            assert_eq!(answer.status, 200, "{take}: {}", answer.text);
            group_is(&daemon, &id, &[]).await;
            team_is(&daemon, "ops", &[]).await;
            assert_eq!(daemon.get(&format!("/Users/{one}")).await.get("groups"), None, "{take}: his last group");
            if take.as_str().is_some() {
                let add = json!([{"op": "add", "path": "members", "value": [{"value": one}]}]);
                assert_eq!(patch(&daemon, &path, add).await.status, 200);
            }
        }
        let left = "SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.user_name = 'one@x'";
        assert_eq!(daemon.store.number(left).await, 0);
    }

    async fn trust_7_the_last_member_and_the_last_group_go_by_a_poll(store) {
        let okta = Tenant::new(store).await;
        let one = okta.hire("one@x.test").await;
        let (source, other) = {
            let mut org = okta.sim.org();
            let (source, other) = (org.create_group("Ops", ""), org.create_group("Dev", ""));
            org.add_member(source, one).unwrap();
            org.add_member(other, one).unwrap();
            (source, other)
        };
        okta.daemon.poll(RunKind::Full).await;
        okta.daemon.map("Ops", "ops").await;
        okta.daemon.map("Dev", "dev").await;
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test"]).await;
        for (kind, left) in [(RunKind::Delta, source), (RunKind::Full, other)] {
            okta.sim.org().remove_member(left, one).unwrap();
            okta.daemon.poll(kind).await;
        }
        team_is(&okta.daemon, "ops", &[]).await;
        team_is(&okta.daemon, "dev", &[]).await;
        assert_eq!(okta.read(&okta.scim_id(one)).await["active"], true);
    }

    async fn trust_8_members_that_are_not_said_stay_and_none_is_said_by_an_empty_list(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        let one = user(&daemon, "one@x").await;
        let id = group(&daemon, "Ops", &[&one]).await;
        daemon.map(&id, "ops").await;
        let path = format!("/Groups/{id}");
        // Missing, and null, say nothing.
        for body in [json!({"displayName": "Ops"}), json!({"displayName": "Ops", "members": null})] {
            assert_eq!(daemon.scim("PUT", &path, Some(&body)).await.status, 200);
            team_is(&daemon, "ops", &["one@x"]).await;
        }
        for operation in [
            json!({"op": "replace", "value": {"displayName": "Ops"}}), json!({"op": "add", "path": "members", "value": []}),
            json!({"op": "remove", "path": "members", "value": []}),
        ] {
            let answer = patch(&daemon, &path, json!([operation])).await;
            assert!(matches!(answer.status, 200 | 400), "{operation}: {}", answer.text);
            team_is(&daemon, "ops", &["one@x"]).await;
        }
        assert_eq!(daemon.scim("PUT", &path, Some(&json!({"displayName": "Ops", "members": []}))).await.status, 200);
        team_is(&daemon, "ops", &[]).await;
    }

    async fn trust_8_a_poll_that_was_not_told_takes_nobody_out_and_one_that_was_told_does(store) {
        let okta = Tenant::new(store).await;
        let one = okta.hire("one@x.test").await;
        let source = okta.sim.org().create_group("Ops", "");
        okta.sim.org().add_member(source, one).unwrap();
        okta.daemon.poll(RunKind::Full).await;
        okta.daemon.map("Ops", "ops").await;
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test"]).await;
        okta.sim.org().remove_member(source, one).unwrap();
        let members = format!("/groups/{}/users", source.as_str());
        for fault in [
            Fault::Forbidden, Fault::HtmlPage, Fault::TruncatedBody, Fault::NextElsewhere("https://evil.example.test/x".to_owned()),
        ] {
            let name = format!("{fault:?}");
            okta.sim.faults().add(Rule::always(fault).on(&members));
            let run = okta.daemon.poll(RunKind::Full).await;
            assert!(run.summary.contains(source.as_str()), "{name}: the run names what it does not know: {}", run.summary);
            team_is(&okta.daemon, "ops", &["one@x.test"]).await;
            okta.sim.faults().clear();
        }
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &[]).await;
    }
}
