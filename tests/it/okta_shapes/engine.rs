//! What an admin does to a group push in Okta, and what then comes over the wire, or does not.

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
}
