//! R3 and R17: mappings as admins make and remove them; groups as admins join and part them.

use rosterd::model::actor::Channel;
use rosterd::model::id::TeamId;
use rosterd::model::mapping::MappingState;
use rosterd::model::mode::OktaMode;
use rosterd::model::team::organization_admin;
use rosterd::service::{Error, Settings, mappings, mode, sides, teams, users};
use rosterd::store::edges::{self, Edge};

use super::cast::cx;
use crate::provision::actor::{Client, ONE, TWO};
use crate::support::stores::{TestStore, on_each_store};

async fn team(okta: &Client<'_>, name: &str) -> TeamId {
    let made = teams::create(&okta.service, &cx(Channel::Cli), name, None).await;
    made.unwrap().id
}

async fn add(okta: &Client<'_>, group: &str, team: &str) -> Result<MappingState, Error> {
    let made = mappings::add(&okta.service, &cx(Channel::Cli), group, team).await;
    made.map(|mapping| mapping.state)
}

async fn counted(store: &TestStore) -> Vec<String> {
    store
        .texts("SELECT t.name || ' ' || u.user_name FROM memberships m JOIN teams t ON t.id = m.team_id JOIN users u ON u.id = m.user_id ORDER BY 1")
        .await
}

on_each_store! {
    async fn r3_the_last_live_mapping_stays_while_okta_is_on(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        okta.group("Platform", &[&mira]).await;
        okta.group("Nobody", &[]).await;
        team(&okta, "core").await;
        let cli = cx(Channel::Cli);
        let live = mappings::add(&okta.service, &cli, "Platform", "core").await.unwrap();
        let dead = mappings::add(&okta.service, &cli, "Nobody", "core").await.unwrap();
        mode::switch(&okta.service, &cli, OktaMode::On, false).await.unwrap();
        mappings::remove(&okta.service, &cli, &dead.id).await.unwrap();
        let refused = mappings::remove(&okta.service, &cli, &live.id).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        assert_eq!(counted(&store).await, ["core mira@x"], "nothing changed");
        team(&okta, "other").await;
        mappings::add(&okta.service, &cli, "Platform", "other").await.unwrap();
        mappings::remove(&okta.service, &cli, &live.id).await.unwrap();
        assert_eq!(counted(&store).await, ["other mira@x"], "he left the team with the mapping");
    }

    async fn r5_a_mapping_without_which_nobody_could_get_in_stays(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        okta.group("Admins", &[&mira]).await;
        team(&okta, "core").await;
        let cli = cx(Channel::Cli);
        let admins = mappings::add(&okta.service, &cli, "Admins", organization_admin().as_str()).await.unwrap();
        mappings::add(&okta.service, &cli, "Admins", "core").await.unwrap();
        mode::switch(&okta.service, &cli, OktaMode::On, false).await.unwrap();
        let refused = mappings::remove(&okta.service, &cli, &admins.id).await;
        assert!(matches!(refused, Err(Error::LastAdmin)), "{refused:?}");
        assert_eq!(mappings::list(&okta.service).await.unwrap().len(), 2);
    }

    async fn r17_a_name_binds_at_once_or_waits_and_one_team_has_it_once(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let group = okta.group("Platform", &[&mira]).await;
        team(&okta, "core").await;
        assert_eq!(add(&okta, "Platform", "core").await.unwrap(), MappingState::Bound);
        assert_eq!(counted(&store).await, ["core mira@x"]);
        for same in ["Platform", group.id.as_str()] {
            let twice = add(&okta, same, "core").await;
            assert!(matches!(twice, Err(Error::Conflict(_))), "{same}: {twice:?}");
        }
        assert_eq!(add(&okta, "platform", "core").await.unwrap(), MappingState::Unbound, "names are exact");
        assert_eq!(add(&okta, "Later", "core").await.unwrap(), MappingState::Unbound);
        let twice = add(&okta, "Later", "core").await;
        assert!(matches!(twice, Err(Error::Conflict(_))), "{twice:?}");
        let noor = okta.user("noor@x", Some(TWO)).await;
        okta.group("Later", &[&noor]).await;
        assert_eq!(counted(&store).await, ["core mira@x", "core noor@x"], "bound when the group came");
        for nothing in ["", " ", "a\nb"] {
            assert!(matches!(add(&okta, nothing, "core").await, Err(Error::Invalid(_))), "{nothing:?}");
        }
        assert!(matches!(add(&okta, "Platform", "nowhere").await, Err(Error::NotFound("team"))));
    }

    async fn r17_a_waiting_name_binds_when_the_scim_group_of_that_name_is_deleted(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let scim = okta.group("Platform", &[&mira]).await;
        let polled = okta.okta_group("00g1", "Platform", "OKTA_GROUP").await;
        team(&okta, "core").await;
        assert_eq!(add(&okta, "Platform", "core").await.unwrap(), MappingState::Unbound, "two bear it");
        okta.delete_group(&scim).await.unwrap();
        let mapping = mappings::list(&okta.service).await.unwrap().remove(0);
        assert_eq!(mapping.group, Some(polled.id));
    }

    async fn r17_a_directory_group_needs_its_id_and_our_echo_is_never_mapped(store) {
        let settings = Settings { app_id: Some("0oa1".to_owned()), ..Settings::default() };
        let okta = Client::with(&store, settings);
        okta.okta_group("00g1", "Sales", "APP_GROUP").await;
        team(&okta, "core").await;
        let by_name = add(&okta, "Sales", "core").await;
        assert!(matches!(&by_name, Err(Error::Invalid(text)) if text.contains("00g1")), "{by_name:?}");
        assert_eq!(add(&okta, "00g1", "core").await.unwrap(), MappingState::Reading);
        let unread = add(&okta, "00gq3v9m2LxExample69", "core").await;
        assert!(matches!(unread, Err(Error::Invalid(_))), "an id is no name: {unread:?}");
        okta.okta_group("00g2", "Echo", "APP_GROUP").await;
        store.arrange("UPDATE idp_groups SET okta_source = '0oa1' WHERE okta_id = '00g2'").await;
        for echo in ["00g2", "Echo"] {
            let refused = add(&okta, echo, "core").await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{echo}: {refused:?}");
        }
    }

    async fn r16_a_group_that_nothing_led_from_is_read_at_once(store) {
        let okta = Client::new(&store);
        okta.okta_group("00g1", "Platform", "OKTA_GROUP").await;
        store.arrange("UPDATE idp_groups SET members_read_at = 5").await;
        team(&okta, "core").await;
        team(&okta, "other").await;
        assert_eq!(add(&okta, "Platform", "core").await.unwrap(), MappingState::Reading);
        assert_eq!(store.texts("SELECT object FROM rereads").await, ["00g1"]);
        store.arrange("UPDATE idp_groups SET members_read_at = 6").await;
        assert_eq!(add(&okta, "Platform", "other").await.unwrap(), MappingState::Bound, "it is polled already");
    }

    async fn r17_parting_gives_the_mappings_to_the_side_whose_name_they_bind_by(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let noor = okta.user("noor@x", None).await;
        let polled = okta.okta_group("00g1", "Admins", "OKTA_GROUP").await;
        let edge = Edge { group: polled.id.clone(), member: ONE.to_owned() };
        okta.arrange(async |tx| edges::insert_many(tx, Channel::Poll, std::slice::from_ref(&edge)).await).await;
        let scim = okta.group("Push", &[&mira, &noor]).await;
        team(&okta, "core").await;
        let cli = cx(Channel::Cli);
        let joined = sides::join(&okta.service, &cli, &scim.id, &polled.id).await.unwrap();
        mappings::add(&okta.service, &cli, "Admins", "core").await.unwrap();
        assert_eq!(counted(&store).await, ["core mira@x", "core noor@x"]);
        let (scim, polled) = sides::part(&okta.service, &cli, &joined.id).await.unwrap();
        let mapping = mappings::list(&okta.service).await.unwrap().remove(0);
        assert_eq!((mapping.group.as_ref(), mapping.state), (Some(&polled.id), MappingState::Reading));
        assert_eq!(counted(&store).await, ["core mira@x"], "noor is none whom Okta's group can have");
        assert_eq!(okta.members(&scim).await.len(), 2, "SCIM shows what it was told");
        assert_eq!(store.texts("SELECT object FROM rereads WHERE kind = 'group'").await, ["00g1"]);
        let parted = sides::join(&okta.service, &cli, &scim.id, &polled.id).await.unwrap();
        assert_eq!(okta.members(&parted).await.len(), 2, "an admin may join them again");
    }

    async fn r13_a_block_is_lifted_by_an_admin_only_and_says_why(store) {
        let okta = Client::new(&store);
        let mira = okta.user("mira@x", Some(ONE)).await;
        let cli = cx(Channel::Cli);
        let blocked = users::block(&okta.service, &cli, &mira.id, true).await.unwrap();
        assert!(!blocked.active);
        okta.put_user(&mira.id, serde_json::json!({"userName": "mira@x", "externalId": ONE, "active": true})).await.unwrap();
        let shown = users::show(&okta.service, ONE).await.unwrap();
        assert!(!shown.active && shown.why.contains("blocked"), "{}", shown.why);
        assert!(users::block(&okta.service, &cli, &mira.id, false).await.unwrap().active);
    }
}
