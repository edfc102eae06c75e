//! What an admin does to a group push in Okta, and what then comes over the wire, or does not.

use rosterd::model::run::RunKind;
use rosterd::sim::scim_client::{Dialect, ScimHabits};

use crate::support::stores::on_each_store;
use crate::support::tenant::{DIALECTS, Tenant};

on_each_store! {
    async fn a7_only_members_who_are_assigned_are_pushed(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let (one, two) = (okta.login("one"), okta.login("two"));
            let assigned = okta.hire(&one).await;
            let other = okta.sim.org().create_user(okta.profile("two"), true).unwrap();
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[assigned, other]).await;
            okta.daemon.holds_group(&group.id, &[&one]).await;
            okta.daemon.holds_team(&team, &[&one]).await;
            okta.sim.org().assign_user(other).unwrap();
            okta.settle().await;
            okta.daemon.holds_group(&group.id, &[&one, &two]).await;
            okta.daemon.holds_team(&team, &[&one, &two]).await;
        }
    }

    async fn a7_a_deactivated_mapping_sends_nothing(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let (one, two) = (okta.login("one"), okta.login("two"));
            let (first, second) = (okta.hire(&one).await, okta.hire(&two).await);
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[first]).await;
            okta.sim.org().set_mapping_active(group.mapping, false).unwrap();
            {
                let mut org = okta.sim.org();
                org.add_member(group.source, second).unwrap();
                org.remove_member(group.source, first).unwrap();
            }
            assert_eq!(okta.settle().await, []);
            okta.daemon.holds_group(&group.id, &[&one]).await;
            okta.daemon.holds_team(&team, &[&one]).await;
        }
    }

    async fn a7_unlink_and_delete_deletes_the_group_and_leaves_the_users(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let one = okta.login("one");
            let first = okta.hire(&one).await;
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[first]).await;
            okta.sim.org().unlink_group(group.mapping, true).unwrap();
            assert_eq!(okta.settle_lines().await, [format!("DELETE /Groups/{}", group.id)]);
            okta.daemon.scim("GET", &format!("/Groups/{}", group.id), None).await.is_error(404);
            okta.daemon.holds_team(&team, &[]).await;
            assert_eq!(okta.read(&okta.scim_id(first)).await["active"], true);
        }
    }

    async fn a7_unlink_and_leave_sends_nothing(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let one = okta.login("one");
            let first = okta.hire(&one).await;
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[first]).await;
            okta.sim.org().unlink_group(group.mapping, false).unwrap();
            assert_eq!(okta.settle().await, []);
            okta.daemon.holds_group(&group.id, &[&one]).await;
            okta.daemon.holds_team(&team, &[&one]).await;
        }
    }

    async fn a7_one_group_for_assignment_and_push_races_and_the_poll_repairs(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            let (one, two) = (okta.login("one"), okta.login("two"));
            let (both, first, mapping) = {
                let mut org = okta.sim.org();
                let both = org.create_group(&format!("Both {dialect:?}"), "");
                org.assign_group(both).unwrap();
                let people = ["one", "two"].map(|first| org.create_user(okta.profile(first), true).unwrap());
                for user in people {
                    org.add_member(both, user).unwrap();
                }
                (both, people[0], org.push_group(both).unwrap())
            };
            okta.settle().await;
            let group = okta.sim.org().mapping(mapping).unwrap().scim_id.clone().unwrap();
            let team = format!("{dialect:?}");
            okta.daemon.map(&group, &team).await;
            okta.daemon.holds_group(&group, &[&one, &two]).await;
            okta.daemon.holds_team(&team, &[&one, &two]).await;

            // He leaves the group and with it the app: a PATCH can no longer name him, and his removal is lost.
            let id = okta.scim_id(first);
            okta.sim.org().remove_member(both, first).unwrap();
            okta.settle().await;
            assert_eq!(okta.read(&id).await["active"], false);
            let pushed: &[&str] = if dialect == Dialect::Wizard { &[&two] } else { &[&one, &two] };
            okta.daemon.holds_group(&group, pushed).await;
            okta.daemon.holds_team(&team, &[&two]).await;
            okta.daemon.poll(RunKind::Full).await;
            okta.daemon.holds_group(&group, &[&two]).await;
            okta.daemon.holds_team(&team, &[&two]).await;

            // He comes back, and the group names him before he is there again: that is lost too.
            okta.sim.org().add_member(both, first).unwrap();
            okta.engine.collect();
            assert_eq!(okta.engine.waiting().len(), 2);
            okta.engine.reorder(1, 0);
            okta.settle().await;
            assert_eq!(okta.read(&id).await["active"], true);
            okta.daemon.holds_group(&group, &[&two]).await;
            okta.daemon.poll(RunKind::Full).await;
            okta.daemon.holds_group(&group, &[&one, &two]).await;
            okta.daemon.holds_team(&team, &[&one, &two]).await;
        }
    }

    async fn a5_granular_deprovisioning_deletes_the_user_and_who_returns_is_made_anew(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            okta.engine.set_habits(ScimHabits { deletes_leavers: true, ..okta.engine.habits() });
            let (one, two) = (okta.login("one"), okta.login("two"));
            let (first, second) = (okta.hire(&one).await, okta.hire(&two).await);
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &[first, second]).await;
            let id = okta.scim_id(first);
            okta.sim.org().unassign_user(first).unwrap();
            assert_eq!(okta.settle_lines().await, [format!("DELETE /Users/{id}")]);
            for polled in [false, true] {
                if polled {
                    okta.daemon.poll(RunKind::Full).await;
                }
                okta.daemon.scim("GET", &format!("/Users/{id}"), None).await.is_error(404);
                assert_eq!(okta.daemon.look_up(&one).await.len(), 0);
                okta.daemon.holds_group(&group.id, &[&two]).await;
                assert_eq!(okta.daemon.team(&team).await, [two.clone()].into());
            }
            let audit = okta.daemon.audit(&id).await;
            assert!(audit.iter().any(|(action, ..)| action == "user.deleted"), "{audit:?}");
            okta.sim.org().assign_user(first).unwrap();
            let lines = okta.settle_lines().await;
            assert_eq!(lines[..2], ["GET /Users", "POST /Users"]);
            assert_ne!(okta.scim_id(first), id);
            assert_eq!(okta.read(&okta.scim_id(first)).await["externalId"], first.as_str());
            okta.daemon.poll(RunKind::Full).await;
            assert_eq!(okta.daemon.team(&team).await, [one.clone(), two.clone()].into());
        }
    }

    async fn a10_parallel_user_tasks_and_parallel_pushes_of_one_group_lose_nothing(store) {
        let okta = Tenant::new(store).await;
        for dialect in DIALECTS {
            okta.speak(dialect);
            okta.engine.set_habits(ScimHabits { batch: 3, ..okta.engine.habits() });
            let logins: Vec<String> = (0..12).map(|number| okta.login(&format!("p{number}"))).collect();
            let people: Vec<_> = {
                let mut org = okta.sim.org();
                let hired = (0..12).map(|number| {
                    let user = org.create_user(okta.profile(&format!("p{number}")), true).unwrap();
                    org.assign_user(user).unwrap();
                    user
                });
                hired.collect()
            };
            okta.engine.run_pending_in_parallel(6).await;
            assert_eq!((okta.engine.failed(), okta.engine.waiting()), (vec![], vec![]));
            let team = format!("{dialect:?}");
            let group = okta.push_mapped(&format!("Group {dialect:?}"), &team, &people[..6]).await;
            {
                let mut org = okta.sim.org();
                for user in &people[..3] {
                    org.remove_member(group.source, *user).unwrap();
                }
                for user in &people[6..] {
                    org.add_member(group.source, *user).unwrap();
                }
            }
            let done = okta.engine.run_pending_in_parallel(6).await;
            assert_eq!(done.len(), 9, "three PATCHes of three changes, or three PUTs, at a time");
            assert_eq!((okta.engine.failed(), okta.engine.waiting()), (vec![], vec![]));
            let stay: Vec<&str> = logins[3..].iter().map(String::as_str).collect();
            okta.daemon.holds_group(&group.id, &stay).await;
            okta.daemon.holds_team(&team, &stay).await;
        }
    }
}
