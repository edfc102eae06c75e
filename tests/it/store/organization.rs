//! `store::organization`; when pushes are stamped stands beside the stamps.

use rosterd::model::mode::OktaMode;
use rosterd::store::Store;
use rosterd::store::organization::{self, Organization, Outlook};
use rosterd::store::withheld::Cause;

use super::setup::{at, read, switch, user, withhold, write};
use crate::support::stores::on_each_store;

async fn find(store: &Store) -> Organization {
    read(store, async |tx| organization::find(tx).await).await
}

on_each_store! {
    async fn r4_a_new_store_is_off_knows_no_org_and_keeps_its_id(store) {
        let made = find(&store).await;
        assert_eq!(made.store_id.len(), 32);
        let expected = Organization {
            store_id: made.store_id.clone(),
            mode: OktaMode::Off,
            okta_org_id: None,
            paused_until: None,
            paused_by: None,
            scim_used_at: None,
        };
        assert_eq!(made, expected);
        let second = store.second().await;
        assert_eq!(find(&second).await, made, "opened again it is the same");
        second.close().await;
    }

    async fn r1_a_switch_writes_one_row_and_is_seen_by_whoever_settles(store) {
        let outlook = async || read(&store, async |tx| organization::find_outlook(tx).await).await;
        let mira = user(&store, "mira@x", None).await;
        for (n, mode) in (1..).zip([OktaMode::On, OktaMode::Hybrid, OktaMode::Off]) {
            store.clock.advance(1);
            switch(&store, mode).await;
            assert_eq!(find(&store).await.mode, mode);
            assert_eq!(outlook().await, Outlook { mode, withholding: false, stamping: false });
            assert_eq!(store.number("SELECT mode_changed_at FROM organization").await, at(n).as_millis());
        }
        withhold(&store, &mira, None, Cause::LastAdmin, None).await;
        assert_eq!(outlook().await, Outlook { mode: OktaMode::Off, withholding: true, stamping: false });
    }

    async fn r8_the_org_whose_answers_count_is_remembered_until_a_rebind(store) {
        for org in [Some("00o1"), None, Some("00o2")] {
            write(&store, async |tx| organization::update_okta_org(tx, org).await).await;
            assert_eq!(find(&store).await.okta_org_id.as_deref(), org);
        }
    }

    async fn runs_are_paused_by_somebody_until_an_instant_and_resumed(store) {
        for (until, by) in [(Some(at(10)), Some("mira")), (Some(at(20)), Some("noor")), (None, None)] {
            write(&store, async |tx| organization::update_pause(tx, until, by).await).await;
            let found = find(&store).await;
            assert_eq!((found.paused_until, found.paused_by.as_deref()), (until, by));
        }
    }

    async fn r16_a_scim_token_is_first_used_once_and_for_all(store) {
        for step in [5, 7] {
            store.clock.advance(step);
            write(&store, async |tx| organization::update_scim_used(tx).await).await;
            assert_eq!(find(&store).await.scim_used_at, Some(at(5)));
        }
    }

    async fn numbers_follow_one_another_without_gap_in_each_order(store) {
        let next = async |counter, count| {
            write(&store, async |tx| organization::next_seq(tx, counter, count).await).await
        };
        assert_eq!(next("users", 1).await, 1);
        assert_eq!(next("users", 3).await, 2, "the first of three");
        assert_eq!(next("users", 1).await, 5);
        assert_eq!(next("groups", 1).await, 1, "each order has its own");
        assert_eq!(next("teams", 1).await, 9, "behind the predefined ones");
        assert_eq!(next("mappings", 1).await, 1);
    }

    async fn two_connections_at_once_get_different_numbers(store) {
        let second = store.second().await;
        let ten = async |store: &Store| {
            let mut got = Vec::new();
            for _ in 0..10 {
                got.push(write(store, async |tx| organization::next_seq(tx, "users", 1).await).await);
            }
            got
        };
        let (here, there) = tokio::join!(ten(&store), ten(&second));
        let mut all = [here, there].concat();
        all.sort_unstable();
        assert_eq!(all, (1..=20).collect::<Vec<i64>>());
        second.close().await;
    }
}
