//! Push and poll write the same memberships: defect 26.

use rosterd::model::run::RunKind;
use serde_json::json;

use super::{group_is, patch, team_is};
use crate::support::stores::on_each_store;
use crate::support::tenant::Tenant;

on_each_store! {
    async fn trust_26_whichever_of_push_and_poll_comes_first_both_orders_end_alike(store) {
        let okta = Tenant::new(store).await;
        let (one, two) = (okta.hire("one@x.test").await, okta.hire("two@x.test").await);
        let group = okta.push_mapped("Ops", "ops", &[one]).await;
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test"]).await;

        // The push first, then the poll that sees the same.
        okta.sim.org().add_member(group.source, two).unwrap();
        okta.settle().await;
        team_is(&okta.daemon, "ops", &["one@x.test", "two@x.test"]).await;
        let rows = okta.daemon.audit_rows().await;
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test", "two@x.test"]).await;
        assert_eq!(okta.daemon.audit_rows().await, rows, "the poll found nothing to do");

        // The poll first, then the push of the same.
        okta.sim.org().remove_member(group.source, two).unwrap();
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test"]).await;
        let rows = okta.daemon.audit_rows().await;
        okta.settle().await;
        team_is(&okta.daemon, "ops", &["one@x.test"]).await;
        group_is(&okta.daemon, &group.id, &["one@x.test"]).await;
        assert_eq!(okta.daemon.audit_rows().await, rows, "the push found nothing to do");
    }

    async fn trust_26_the_later_word_stands_and_each_takes_only_what_it_knows(store) {
        let okta = Tenant::new(store).await;
        let one = okta.hire("one@x.test").await;
        let two = okta.hire("two@x.test").await;
        let group = okta.push_mapped("Ops", "ops", &[one, two]).await;
        okta.daemon.poll(RunKind::Full).await;
        // Another client of SCIM made somebody whom Okta does not know: no poll speaks of his edge.
        let stranger = super::user(&okta.daemon, "stranger@x.test").await;
        let path = format!("/Groups/{}", group.id);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": stranger}]}]);
        assert_eq!(patch(&okta.daemon, &path, add).await.status, 200);
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test", "stranger@x.test", "two@x.test"]).await;
        // A push takes somebody out whom Okta still has; the next poll, which is the later word, puts him back.
        let remove = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", okta.scim_id(two))}]);
        assert_eq!(patch(&okta.daemon, &path, remove).await.status, 200);
        team_is(&okta.daemon, "ops", &["one@x.test", "stranger@x.test"]).await;
        okta.daemon.poll(RunKind::Delta).await;
        team_is(&okta.daemon, "ops", &["one@x.test", "stranger@x.test", "two@x.test"]).await;
        // And what a poll took is given by the push that comes after it.
        okta.sim.org().remove_member(group.source, two).unwrap();
        okta.daemon.poll(RunKind::Full).await;
        team_is(&okta.daemon, "ops", &["one@x.test", "stranger@x.test"]).await;
        let again = json!([{"op": "add", "path": "members", "value": [{"value": okta.scim_id(two)}]}]);
        assert_eq!(patch(&okta.daemon, &path, again).await.status, 200);
        team_is(&okta.daemon, "ops", &["one@x.test", "stranger@x.test", "two@x.test"]).await;
    }
}
