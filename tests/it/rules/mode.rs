//! R3, R4, R5: the switch.

use rosterd::model::actor::Channel;
use rosterd::model::id::UserId;
use rosterd::model::mode::OktaMode;
use rosterd::model::team::organization_admin;
use rosterd::service::{Error, mode, teams};

use super::cast::{Cast, cx};
use crate::support::stores::{TestStore, on_each_store};

/// Okta is on, and its one admin is withheld since SCIM deactivated her; another is an admin by a local row, which counts
/// in the other modes.
async fn withheld_beside_a_local_admin(store: &TestStore) -> (Cast, UserId, UserId) {
    let cast = Cast::new(store);
    let admins = cast.admins().await;
    let (mira, noor) = (cast.user("mira@x").await, cast.user("noor@x").await);
    teams::add_member(
        &cast.service,
        &cx(Channel::Api),
        &organization_admin(),
        &noor,
    )
    .await
    .unwrap();
    cast.join(Channel::Scim, &admins, &[&mira]).await;
    mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::On, false)
        .await
        .unwrap();
    cast.entitle(Channel::Scim, &[&mira], false).await.unwrap();
    assert!(cast.is_active(&mira).await, "withheld");
    (cast, mira, noor)
}

on_each_store! {
    async fn r4_a_new_store_is_off_and_kept_by_hand(store) {
        assert_eq!(store.number("SELECT konnect_mapping_enabled FROM organization").await, 1);
        assert_eq!(store.number("SELECT idp_mapping_enabled FROM organization").await, 0);
    }

    async fn r3_okta_is_not_turned_on_without_a_mapping_that_leads_somebody_somewhere(store) {
        let cast = Cast::new(&store);
        let on = async || mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::On, false).await;
        assert!(matches!(on().await, Err(Error::Invalid(_))));
        let admins = cast.admins().await;
        assert!(matches!(on().await, Err(Error::Invalid(_))), "a group without members is not enough");
        let mira = cast.user("mira@x").await;
        cast.join(Channel::Scim, &admins, &[&mira]).await;
        assert_eq!(on().await.unwrap(), OktaMode::Off);
    }

    async fn r3_switching_writes_one_row_and_off_brings_local_memberships_back(store) {
        let cast = Cast::new(&store);
        let admins = cast.admins().await;
        let mira = cast.user("mira@x").await;
        let design = cast.team("design").await;
        teams::add_member(&cast.service, &cx(Channel::Api), &design, &mira).await.unwrap();
        cast.join(Channel::Scim, &admins, &[&mira]).await;
        let before = store.texts("SELECT team_id || user_id || origin FROM memberships ORDER BY 1").await;
        let preview = mode::preview(&cast.service, OktaMode::On).await.unwrap();
        assert_eq!(preview.gains.len(), 1);
        assert_eq!(preview.gains[0].team, organization_admin());
        assert_eq!(preview.loses.len(), 1);
        assert_eq!(preview.loses[0].team, design);
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::On, false).await.unwrap();
        assert!(cast.members(&design, &[&mira]).await.is_empty());
        assert_eq!(cast.members(&organization_admin(), &[&mira]).await.len(), 1);
        assert_eq!(store.texts("SELECT team_id || user_id || origin FROM memberships ORDER BY 1").await, before);
        teams::create_admin(&cast.service, &cx(Channel::Cli), "root@host", "Root").await.unwrap();
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::Off, false).await.unwrap();
        assert_eq!(cast.members(&design, &[&mira]).await.len(), 1);
        assert!(cast.members(&organization_admin(), &[&mira]).await.is_empty());
    }

    async fn r3_off_with_keep_copies_what_is_derived(store) {
        let cast = Cast::new(&store);
        let admins = cast.admins().await;
        let (mira, noor) = (cast.user("mira@x").await, cast.user("noor@x").await);
        cast.join(Channel::Scim, &admins, &[&mira, &noor]).await;
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::On, false).await.unwrap();
        cast.entitle(Channel::Scim, &[&noor], false).await.unwrap();
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::Off, true).await.unwrap();
        assert_eq!(cast.members(&organization_admin(), &[&mira, &noor]).await, [mira.clone()]);
        // Who was only suspended over the switch has not lost what was derived for him.
        cast.entitle(Channel::Scim, &[&noor], true).await.unwrap();
        assert_eq!(cast.members(&organization_admin(), &[&mira, &noor]).await.len(), 2);
        cast.leave(Channel::Scim, &admins, &[&mira, &noor]).await.unwrap();
        assert_eq!(cast.members(&organization_admin(), &[&mira, &noor]).await.len(), 2, "they are local now");
    }

    async fn r5_the_switch_is_refused_where_it_would_leave_no_admin(store) {
        let cast = Cast::new(&store);
        let admins = cast.admins().await;
        let mira = cast.user("mira@x").await;
        cast.join(Channel::Scim, &admins, &[&mira]).await;
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::On, false).await.unwrap();
        let refused = mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::Off, false).await;
        assert!(matches!(refused, Err(Error::LastAdmin)), "{refused:?}");
        assert_eq!(store.number("SELECT idp_mapping_enabled FROM organization").await, 1, "nothing changed");
    }

    async fn r5_who_was_withheld_goes_when_okta_is_turned_off_and_another_admin_counts(store) {
        let (cast, mira, noor) = withheld_beside_a_local_admin(&store).await;
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::Off, false).await.unwrap();
        let admins = cast.members(&organization_admin(), &[&mira, &noor]).await;
        assert_eq!(admins, [noor]);
        assert!(!cast.is_active(&mira).await, "what SCIM took from her is taken now");
        assert_eq!(store.number("SELECT COUNT(*) FROM withheld").await, 0);
    }

    async fn r5_who_was_withheld_goes_when_hybrid_makes_another_admin_count(store) {
        let (cast, mira, noor) = withheld_beside_a_local_admin(&store).await;
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::Hybrid, false).await.unwrap();
        let admins = cast.members(&organization_admin(), &[&mira, &noor]).await;
        assert_eq!(admins, [noor]);
        assert!(!cast.is_active(&mira).await);
        assert_eq!(store.number("SELECT COUNT(*) FROM withheld").await, 0);
    }

    async fn r5_who_is_still_the_last_admin_stays_over_a_switch(store) {
        let (cast, mira, noor) = withheld_beside_a_local_admin(&store).await;
        cast.entitle(Channel::Scim, &[&noor], false).await.unwrap();
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::Hybrid, false).await.unwrap();
        let admins = cast.members(&organization_admin(), &[&mira, &noor]).await;
        assert_eq!(admins, [mira]);
        assert_eq!(store.number("SELECT COUNT(*) FROM withheld").await, 1);
    }

    async fn r4_in_hybrid_a_derived_membership_is_read_only_and_a_local_one_lives_beside_it(store) {
        let cast = Cast::new(&store);
        let admins = cast.admins().await;
        let (mira, team) = (cast.user("mira@x").await, organization_admin());
        cast.join(Channel::Scim, &admins, &[&mira]).await;
        mode::switch(&cast.service, &cx(Channel::Cli), OktaMode::Hybrid, false).await.unwrap();
        let refused = teams::remove_member(&cast.service, &cx(Channel::Api), &team, &mira).await;
        assert!(matches!(refused, Err(Error::ManagedByOkta { .. })), "{refused:?}");
        teams::add_member(&cast.service, &cx(Channel::Api), &team, &mira).await.unwrap();
        teams::remove_member(&cast.service, &cx(Channel::Api), &team, &mira).await.unwrap();
        assert_eq!(cast.members(&team, &[&mira]).await.len(), 1, "the derived one stays");
    }
}
