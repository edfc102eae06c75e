//! Names decide nothing: defects 9 and 24.

use std::collections::BTreeSet;

use rosterd::model::run::RunKind;
use rosterd::service::teams;
use serde_json::json;

use super::{group, group_is, okta_on, team_is, user};
use crate::support::daemon::{Daemon, admin};
use crate::support::stores::on_each_store;
use crate::support::tenant::Tenant;

/// What the predefined teams are called, by id, name and title.
const PREDEFINED: [&str; 6] = [
    "organization-admin",
    "Organization-Admin",
    "Organization Admin",
    "01800000-0000-7000-8000-000000000001",
    "portal-admin",
    "control-plane-admin",
];

on_each_store! {
    async fn trust_9_a_pushed_group_named_like_a_predefined_team_gets_nothing(store) {
        let daemon = Daemon::alone(store).await;
        okta_on(&daemon).await;
        let mallory = user(&daemon, "mallory@x").await;
        for name in PREDEFINED {
            let body = json!({"displayName": name, "members": [{"value": mallory}]});
            let answer = daemon.scim("POST", "/Groups", Some(&body)).await;
            // Two of the names are one, whatever their case.
            assert!(matches!(answer.status, 201 | 409), "{name}: {}", answer.text);
        }
        // Neither does one that takes the name later, nor one with the name of a team an admin made.
        let id = group(&daemon, "Harmless", &[&mallory]).await;
        let rename = json!([{"op": "replace", "value": {"displayName": "analytics-admin"}}]);
        assert_eq!(super::patch(&daemon, &format!("/Groups/{id}"), rename).await.status, 200);
        teams::create(&daemon.service, &admin(), "spare", None).await.unwrap();
        group(&daemon, "spare", &[&mallory]).await;
        let teams = daemon.lines("SELECT t.name || '|' || u.user_name FROM memberships m JOIN users u ON u.id = m.user_id JOIN teams t ON t.id = m.team_id").await;
        assert_eq!(teams, [("keepers".to_owned(), "keeper@example.test".to_owned())]);
    }

    async fn trust_9_a_polled_group_named_like_a_predefined_team_gets_nothing_and_a_rename_keeps_the_mapping(store) {
        let okta = Tenant::new(store).await;
        let mallory = okta.hire("mallory@x.test").await;
        let source = {
            let mut org = okta.sim.org();
            for name in PREDEFINED {
                let group = org.create_group(name, "");
                org.add_member(group, mallory).unwrap();
            }
            let source = org.create_group("Ops", "");
            org.add_member(source, mallory).unwrap();
            source
        };
        okta.daemon.poll(RunKind::Full).await;
        okta.daemon.map("Ops", "ops").await;
        okta.daemon.poll(RunKind::Full).await;
        for name in ["organization-admin", "portal-admin", "control-plane-admin"] {
            assert_eq!(okta.daemon.team(name).await, BTreeSet::new(), "{name}");
        }
        team_is(&okta.daemon, "ops", &["mallory@x.test"]).await;
        // The mapping is of the group, not of what it is called; and another that takes the name has no part in it.
        okta.sim.org().rename_group(source, "Operations").unwrap();
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["mallory@x.test"]).await;
        let other = okta.hire("other@x.test").await;
        let twin = okta.sim.org().create_group("Ops", "");
        okta.sim.org().add_member(twin, other).unwrap();
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["mallory@x.test"]).await;
    }

    async fn a_name_of_okta_s_that_no_store_can_hold_ends_no_run(store) {
        let okta = Tenant::new(store).await;
        let one = okta.hire("one@x.test").await;
        let group = okta.sim.org().create_group("Ops\u{0}Team", "a\u{0}b");
        okta.sim.org().add_member(group, one).unwrap();
        okta.daemon.poll(RunKind::Full).await;
        okta.daemon.map("Ops\u{fffd}Team", "ops").await;
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test"]).await;
    }

    async fn trust_24_a_login_that_passes_to_another_account_brings_nothing_along(store) {
        let okta = Tenant::new(store).await;
        let first = okta.hire("anna@x.test").await;
        let group = okta.push_mapped("Ops", "ops", &[first]).await;
        okta.daemon.poll(RunKind::Full).await;
        let id = okta.scim_id(first);
        // Anna changes her name; her old login is given to a newcomer.
        okta.sim.org().rename_login(first, "anna.berg@x.test").unwrap();
        okta.settle().await;
        let second = okta.hire("anna@x.test").await;
        okta.daemon.poll(RunKind::Full).await;
        let newcomer = okta.scim_id(second);
        assert_ne!(newcomer, id, "bound by Okta's id, not by the login");
        team_is(&okta.daemon, "ops", &["anna.berg@x.test"]).await;
        group_is(&okta.daemon, &group.id, &["anna.berg@x.test"]).await;
        let bound = okta.daemon.lines("SELECT id || '|' || okta_id FROM users").await;
        for (row, account) in [(&id, first), (&newcomer, second)] {
            assert!(bound.contains(&(row.clone(), account.to_string())), "{bound:?}");
        }
    }
}
