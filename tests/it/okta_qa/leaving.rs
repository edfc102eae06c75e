//! People who leave, come back, or are suspended.

use rosterd::model::run::RunKind;
use rosterd::sim::org::DeactivatedAppUser;
use rosterd::sim::scim_client::Dialect;
use serde_json::{Value, json};

use super::{Stage, settled};
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

/// What a person keeps: all but the version and `active`.
fn lasting(mut user: Value) -> Value {
    user["meta"] = user["meta"]["created"].take();
    user["active"] = Value::Null;
    user
}

/// Documents leave open what becomes of the app user; both are played, one in each kind of app.
fn app_user_left(dialect: Dialect, other_way: bool) -> DeactivatedAppUser {
    if (dialect == Dialect::Wizard) == other_way {
        DeactivatedAppUser::Deprovisioned
    } else {
        DeactivatedAppUser::Removed
    }
}

impl Stage {
    /// Holds that the first of them is inactive, readable, and out of his team, and that this is in the audit log.
    async fn is_out(&self, okta: &Tenant, id: &str) {
        let user = okta.read(id).await;
        assert_eq!((&user["id"], &user["active"]), (&json!(id), &json!(false)));
        assert_eq!(
            okta.daemon.look_up(&self.logins[0]).await.len(),
            1,
            "the lookup still finds him"
        );
        okta.daemon.holds_team(&self.team, &[]).await;
        let audit = okta.daemon.audit(id).await;
        assert!(
            audit
                .iter()
                .any(|(action, ..)| action == "user.deactivated"),
            "{audit:?}"
        );
    }
}

on_each_store! {
    async fn c9292_deactivating_the_user_deactivates_him(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            okta.sim.org().set_deactivated_app_user(app_user_left(dialect, false));
            let stage = Stage::set(&okta).await;
            let id = okta.scim_id(stage.people[0]);
            okta.sim.org().deactivate(stage.people[0]).unwrap();
            assert_ne!(okta.settle().await, []);
            stage.is_out(&okta, &id).await;
            settled(&okta).await;
            stage.is_out(&okta, &id).await;
        }
    }

    async fn c9294_unassigning_the_user_deactivates_him(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let id = okta.scim_id(stage.people[0]);
            okta.sim.org().unassign_user(stage.people[0]).unwrap();
            assert_ne!(okta.settle().await, []);
            stage.is_out(&okta, &id).await;
            settled(&okta).await;
            stage.is_out(&okta, &id).await;
        }
    }

    async fn c9311_unassigning_the_group_deactivates_whom_nothing_else_assigns(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let assigned = {
                let mut org = okta.sim.org();
                let assigned = org.create_group(&format!("Users {dialect:?}"), "");
                org.assign_group(assigned).unwrap();
                let people = ["by group", "by hand too"].map(|first| org.create_user(okta.profile(first), true).unwrap());
                for user in people {
                    org.add_member(assigned, user).unwrap();
                }
                org.assign_user(people[1]).unwrap();
                (assigned, people)
            };
            let (assigned, [by_group, by_hand]) = assigned;
            okta.settle().await;
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[by_group, by_hand]).await;
            let [gone, stays] = [by_group, by_hand].map(|user| okta.scim_id(user));
            let logins = ["by group", "by hand too"].map(|first| okta.login(first));
            okta.daemon.holds_group(&group.id, &[&logins[0], &logins[1]]).await;
            okta.daemon.holds_team(&team, &[&logins[0], &logins[1]]).await;
            okta.sim.org().unassign_group(assigned).unwrap();
            assert_ne!(okta.settle().await, []);
            assert_eq!((&okta.read(&gone).await["active"], &okta.read(&stays).await["active"]), (&json!(false), &json!(true)));
            okta.daemon.holds_team(&team, &[&logins[1]]).await;
            settled(&okta).await;
            okta.daemon.holds_team(&team, &[&logins[1]]).await;
        }
    }

    async fn c9293_reactivation_keeps_the_same_id_and_attributes(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            okta.sim.org().set_deactivated_app_user(app_user_left(dialect, true));
            let stage = Stage::set(&okta).await;
            let user = stage.people[0];
            let changes = json!({"title": "Lead", "department": "Data", "nickName": "M"});
            okta.sim.org().update_profile(user, changes.as_object().unwrap()).unwrap();
            okta.settle().await;
            let id = okta.scim_id(user);
            let before = lasting(okta.read(&id).await);
            for polled in [false, true] {
                okta.sim.org().deactivate(user).unwrap();
                okta.settle().await;
                stage.is_out(&okta, &id).await;
                assert_eq!(lasting(okta.read(&id).await)["title"], "Lead", "an inactive user keeps his attributes");
                if polled {
                    settled(&okta).await;
                }
                {
                    let mut org = okta.sim.org();
                    org.reactivate(user).unwrap();
                    org.assign_user(user).unwrap();
                }
                let lines = okta.settle_lines().await;
                assert!(!lines.iter().any(|line| line.starts_with("POST")), "{lines:?}");
                assert_eq!(okta.scim_id(user), id);
                let after = okta.read(&id).await;
                assert_eq!(after["active"], true);
                assert_eq!(lasting(after), before);
                // Okta kept him in the group all the time, and nothing took him out here.
                stage.holds(&okta, &[0]).await;
            }
            settled(&okta).await;
            stage.holds(&okta, &[0]).await;
        }
    }

    async fn c9295_suspending_sends_nothing_and_keeps_memberships(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let id = okta.scim_id(stage.people[0]);
            let before = okta.read(&id).await;
            okta.sim.org().suspend(stage.people[0]).unwrap();
            assert_eq!(okta.settle().await, []);
            stage.holds(&okta, &[0]).await;
            assert_eq!(okta.read(&id).await, before);
            // The poll sees it: he is in no team as long as it lasts, and his membership is kept.
            okta.daemon.poll(RunKind::Delta).await;
            assert_eq!(okta.read(&id).await["active"], true);
            okta.daemon.holds_group(&stage.group.id, &[&stage.logins[0]]).await;
            okta.daemon.holds_team(&stage.team, &[]).await;
        }
    }

    async fn c9300_unsuspending_sends_nothing_and_brings_the_teams_back(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let id = okta.scim_id(stage.people[0]);
            okta.sim.org().suspend(stage.people[0]).unwrap();
            okta.daemon.poll(RunKind::Delta).await;
            okta.daemon.holds_team(&stage.team, &[]).await;
            okta.sim.org().unsuspend(stage.people[0]).unwrap();
            assert_eq!(okta.settle().await, []);
            okta.daemon.poll(RunKind::Delta).await;
            assert_eq!(okta.read(&id).await["active"], true);
            stage.holds(&okta, &[0]).await;
            settled(&okta).await;
        }
    }
}
