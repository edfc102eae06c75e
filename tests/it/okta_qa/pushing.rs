//! Group push.

use rosterd::model::run::RunKind;
use rosterd::sim::scim_client::{Dialect, FullSet, ScimHabits};
use serde_json::{Value, json};

use super::{Stage, settled};
use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

/// The ways "Push Now" is written.
fn full_sets(dialect: Dialect) -> &'static [FullSet] {
    match dialect {
        Dialect::Wizard => &[FullSet::Path],
        Dialect::Template => &[FullSet::Path, FullSet::Pathless, FullSet::PathlessWithName],
    }
}

on_each_store! {
    async fn c9312_a_group_is_pushed_with_its_members(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let group = okta.daemon.get(&format!("/Groups/{}", stage.group.id)).await;
            assert_eq!((&group["displayName"], &group["meta"]["resourceType"]), (&json!(stage.name), &json!("Group")));
            let audit = okta.daemon.audit(&stage.group.id).await;
            assert!(audit.iter().any(|(action, ..)| action == "group.created"), "{audit:?}");
            let mapping = okta.sim.org().mapping(stage.group.mapping).unwrap().to_json();
            assert_eq!((&mapping["status"], &mapping["errorSummary"]), (&json!("ACTIVE"), &Value::Null));
            settled(&okta).await;
            stage.holds(&okta, &[0]).await;
        }
    }

    async fn c9317_an_empty_group_is_pushed(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let (team, login) = (format!("{dialect:?}"), okta.login("mira"));
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[]).await;
            okta.daemon.holds_group(&group.id, &[]).await;
            okta.daemon.holds_team(&team, &[]).await;
            settled(&okta).await;
            let mira = okta.hire(&login).await;
            okta.sim.org().add_member(group.source, mira).unwrap();
            okta.settle().await;
            okta.daemon.holds_group(&group.id, &[&login]).await;
            okta.daemon.holds_team(&team, &[&login]).await;
        }
    }

    async fn c9316_push_now_overwrites_the_whole_membership_also_with_nobody(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            let stranger = json!({"op": "add", "path": "members", "value": [{"value": okta.scim_id(stage.people[1])}]});
            let stranger = json!({"Operations": [stranger]});
            let path = format!("/Groups/{}", stage.group.id);
            for full_set in full_sets(dialect) {
                okta.engine.set_habits(ScimHabits { full_set: *full_set, ..okta.engine.habits() });
                assert_eq!(okta.daemon.scim("PATCH", &path, Some(&stranger)).await.status, 200);
                stage.holds(&okta, &[0, 1]).await;
                okta.sim.org().push_now(stage.group.mapping).unwrap();
                assert_ne!(okta.settle().await, []);
                stage.holds(&okta, &[0]).await;

                // Everybody leaves, and the pushes of that are lost.
                okta.sim.org().remove_member(stage.group.source, stage.people[0]).unwrap();
                okta.engine.drop_waiting();
                stage.holds(&okta, &[0]).await;
                okta.sim.org().push_now(stage.group.mapping).unwrap();
                assert_ne!(okta.settle().await, []);
                stage.holds(&okta, &[]).await;
                assert_eq!(okta.daemon.get(&path).await["displayName"], stage.name.as_str());
                okta.sim.org().add_member(stage.group.source, stage.people[0]).unwrap();
                okta.settle().await;
                stage.holds(&okta, &[0]).await;
            }
            settled(&okta).await;
        }
    }

    async fn c9332_a_member_who_is_added_is_pushed(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            okta.sim.org().add_member(stage.group.source, stage.people[1]).unwrap();
            assert_ne!(okta.settle().await, []);
            stage.holds(&okta, &[0, 1]).await;
            // Somebody who is not assigned is not pushed, and by the poll he is nobody here.
            okta.sim.org().add_member(stage.group.source, stage.people[2]).unwrap();
            assert_eq!(okta.settle().await, []);
            settled(&okta).await;
            stage.holds(&okta, &[0, 1]).await;
        }
    }

    async fn c9333_a_member_who_is_removed_is_taken_out(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            okta.sim.org().add_member(stage.group.source, stage.people[1]).unwrap();
            okta.settle().await;
            okta.sim.org().remove_member(stage.group.source, stage.people[0]).unwrap();
            assert_ne!(okta.settle().await, []);
            stage.holds(&okta, &[1]).await;
            assert_eq!(okta.read(&okta.scim_id(stage.people[0])).await["active"], true, "he stays a user");
            settled(&okta).await;
            stage.holds(&okta, &[1]).await;
        }
    }

    async fn c9319_a_deactivated_push_sends_nothing(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            okta.sim.org().set_mapping_active(stage.group.mapping, false).unwrap();
            {
                let mut org = okta.sim.org();
                org.add_member(stage.group.source, stage.people[1]).unwrap();
                org.remove_member(stage.group.source, stage.people[0]).unwrap();
                org.rename_group(stage.group.source, &format!("Renamed {dialect:?}")).unwrap();
            }
            assert_eq!(okta.settle().await, []);
            stage.holds(&okta, &[0]).await;
            let group = okta.daemon.get(&format!("/Groups/{}", stage.group.id)).await;
            assert_eq!(group["displayName"], stage.name.as_str());
        }
    }

    async fn c9320_an_activated_push_catches_up(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            okta.sim.org().set_mapping_active(stage.group.mapping, false).unwrap();
            okta.sim.org().add_member(stage.group.source, stage.people[1]).unwrap();
            assert_eq!(okta.settle().await, []);
            stage.holds(&okta, &[0]).await;
            okta.sim.org().set_mapping_active(stage.group.mapping, true).unwrap();
            let lines = okta.settle_lines().await;
            assert!(!lines.iter().any(|line| line.starts_with("POST")), "the copy is found by its name: {lines:?}");
            stage.holds(&okta, &[0, 1]).await;
            settled(&okta).await;
        }
    }

    async fn c9318_unlinking_with_delete_deletes_the_group(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            okta.sim.org().unlink_group(stage.group.mapping, true).unwrap();
            assert_eq!(okta.settle_lines().await, [format!("DELETE /Groups/{}", stage.group.id)]);
            okta.daemon.scim("GET", &format!("/Groups/{}", stage.group.id), None).await.is_error(404);
            okta.daemon.holds_team(&stage.team, &[]).await;
            let audit = okta.daemon.audit(&stage.group.id).await;
            assert!(audit.iter().any(|(action, ..)| action == "group.deleted"), "{audit:?}");
            assert_eq!(okta.read(&okta.scim_id(stage.people[0])).await["active"], true);
        }
    }

    async fn c9321_unlinking_without_delete_leaves_the_group(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let stage = Stage::set(&okta).await;
            okta.sim.org().unlink_group(stage.group.mapping, false).unwrap();
            assert_eq!(okta.settle().await, []);
            stage.holds(&okta, &[0]).await;
            okta.daemon.poll(RunKind::Full).await;
            stage.holds(&okta, &[0]).await;
            // Pushed again, the copy is found by its name.
            okta.sim.org().push_group(stage.group.source).unwrap();
            okta.sim.org().add_member(stage.group.source, stage.people[1]).unwrap();
            let lines = okta.settle_lines().await;
            assert!(!lines.iter().any(|line| line.starts_with("POST")), "{lines:?}");
            stage.holds(&okta, &[0, 1]).await;
        }
    }
}
