//! R11 and R18: who a user of Okta's is here.

use rosterd::model::actor::Channel;
use rosterd::model::id::{OktaUserId, UserId};
use rosterd::model::run::{RunKind, RunState};
use rosterd::service::sync::{Ask, Halt};
use rosterd::service::users;
use rosterd::sim::faults::{Fault, Rule};
use rosterd::sim::org::OktaId;
use rosterd::store::Tx;
use rosterd::store::rereads::{self, Target};

use super::world::{World, with_team};
use crate::support::stores::on_each_store;

/// An admin put everybody into one team while Okta was off.
const GIVEN_BY_HAND: &str = "INSERT INTO memberships (team_id, user_id, origin, since) \
     SELECT (SELECT id FROM teams WHERE name = 'portal-admin'), id, 'local', 1 FROM users";

const COUNTING_BY_HAND: &str = "SELECT e.user_id FROM effective_memberships e JOIN memberships m \
     ON m.team_id = e.team_id AND m.user_id = e.user_id AND m.origin = 'local'";

/// The one membership that somebody gained, as the audit log has it (R14).
async fn gained(world: &World) -> String {
    let rows = world
        .store
        .texts("SELECT after FROM audit WHERE action = 'membership.added'")
        .await;
    let [one] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    let row: serde_json::Value = serde_json::from_str(one).unwrap();
    row["user"].as_str().unwrap().to_owned()
}

/// Somebody suspended in the row the poll made, while SCIM made him another one, has him active there, and the app names it.
async fn suspended_in_one_of_two_rows(world: &World) -> (OktaId, UserId) {
    let person = world.person("mira@example.test");
    world.sim.org().assign_user(person).unwrap();
    world.settle().await;
    world.sim.org().suspend(person).unwrap();
    world.settle().await;
    let made = world.scim_user("m.ira@example.test").await;
    (world.sim.org()).note_provisioned(person, made.as_str(), serde_json::Map::new());
    (person, made)
}

/// Somebody suspended whom SCIM makes without his Okta id.
async fn suspended_and_made_without_an_okta_id(world: &World) -> (OktaId, UserId) {
    let person = world.person("mira@example.test");
    world.sim.org().assign_user(person).unwrap();
    world.sim.org().suspend(person).unwrap();
    (person, world.scim_user("mira@example.test").await)
}

/// An event names him: the next run reads him by id.
async fn name(world: &World, person: OktaId) {
    let target = Target::User(OktaUserId::parse(&person.to_string()).unwrap());
    let named = (world.store.store)
        .write(async |tx: &mut Tx| rereads::insert_many(tx, &[(target.clone(), "an event")]).await)
        .await;
    named.unwrap();
}

/// One run gives the row its Okta id and takes his status; nothing is left to be read by id.
async fn is_settled_by_one_run(world: &World, made: &UserId) {
    world.settle().await;
    let bound =
        "SELECT id FROM users WHERE okta_id IS NOT NULL AND status = 'SUSPENDED' AND active = 0";
    assert_eq!(world.store.texts(bound).await, [made.as_str()]);
    let listed = "SELECT object FROM rereads";
    assert!(world.store.texts(listed).await.is_empty());
    let before = world.dump().await;
    world.settle().await;
    assert_eq!(world.dump().await, before);
}

/// He is suspended, and his row is to learn his Okta id: a run does that and ends before it takes his status.
async fn outlives_a_run_that_ends_early(world: &World, person: OktaId, made: &UserId) {
    let other = world.person("noor@example.test");
    // His Okta id is known; before his status is taken, Okta refuses the token.
    let refused = Rule::always(Fault::Unauthorized).on(&format!("/api/v1/users/{other}"));
    world.sim.faults().add(refused);
    let named = |id: OktaId| Target::User(OktaUserId::parse(&id.to_string()).unwrap());
    let ask = Ask {
        targets: vec![named(person), named(other)],
        ..Ask::scheduled(RunKind::Hook)
    };
    let ended = world.sync.run(world.epoch, &ask).await;
    assert!(matches!(ended, Err(Halt::Okta(_))), "{ended:?}");
    let bound = "SELECT id FROM users WHERE okta_id IS NOT NULL AND scim = 1 AND active = 1";
    assert_eq!(world.store.texts(bound).await, [made.as_str()]);
    let listed = "SELECT object FROM rereads";
    assert_eq!(world.store.texts(listed).await, [person.to_string()]);
    world.sim.faults().clear();
    world.delta().await;
    let suspended = "SELECT id FROM users WHERE status = 'SUSPENDED' AND active = 0 AND scim = 1";
    assert_eq!(world.store.texts(suspended).await, [made.as_str()]);
    assert!(world.store.texts(listed).await.is_empty());
}

on_each_store! {
    async fn r18_people_who_swap_their_names_swap_them_in_one_run(store) {
        let (world, people, _) = with_team(store, 12).await;
        {
            let mut org = world.sim.org();
            org.rename_login(people[0], "between@example.test").unwrap();
            org.rename_login(people[11], "p0@example.test").unwrap();
            org.rename_login(people[5], "p11@example.test").unwrap();
            org.rename_login(people[0], "p5@example.test").unwrap();
        }
        let ended = world.settle().await;
        assert!(world.store.texts("SELECT code FROM problems").await.is_empty(), "{:?}", ended.summary);
        for (person, name) in [(0, "p5"), (11, "p0"), (5, "p11")] {
            let found = world.sim.org().user(people[person]).unwrap().profile.login().to_owned();
            assert_eq!(found, format!("{name}@example.test"));
        }
        let rows = world.store.texts("SELECT okta_id || ' ' || user_name FROM users").await;
        assert!(rows.contains(&format!("{} p5@example.test", people[0].as_str())), "{rows:?}");
        assert!(rows.contains(&format!("{} p11@example.test", people[5].as_str())));
        let before = world.dump().await;
        world.settle().await;
        assert_eq!(world.dump().await, before);
    }

    async fn r18_a_taken_name_is_skipped_reported_and_never_the_run_s_end(store) {
        let world = World::new(store).await;
        world
            .store
            .arrange(
                "INSERT INTO users (id, seq, origin, scim, member_key, user_name, user_name_fold, resource, folded, entitled, \
                 blocked, pending, active, deleting, absent_runs, sessions_from, tokens_from, created_at, updated_at, version) \
                 VALUES ('01800000-0000-7000-8000-00000000aaaa', 1000, 'local', 0, '01800000-0000-7000-8000-00000000aaaa', \
                 'p0@example.test', 'p0@example.test', '{}', '{}', 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1)",
            )
            .await;
        let people = world.people(3);
        let group = world.group("Engineering", &people);
        world.settle().await;
        world.map(group, "engineering").await;
        world.turn_on().await;
        let ended = world.full().await;
        assert_eq!(ended.state, RunState::Applied);
        assert_eq!(world.store.texts("SELECT code FROM problems").await, ["identity_conflict"]);
        assert_eq!(world.members().await.len(), 2, "the others are made");
        let before = world.dump().await;
        world.full().await;
        assert_eq!(world.dump().await, before, "R10");
        world.sim.org().rename_login(people[0], "other@example.test").unwrap();
        world.settle().await;
        assert!(world.store.texts("SELECT code FROM problems").await.is_empty());
        assert_eq!(world.members().await.len(), 3);
    }

    async fn r11_a_user_scim_made_without_an_okta_id_is_found_by_login(store) {
        let world = World::with_app(store).await;
        let person = world.person("Mira@example.test");
        world.sim.org().assign_user(person).unwrap();
        let made = world.scim_user("mira@example.test").await;
        world
            .store
            .write(async |tx: &mut Tx| rereads::insert_many(tx, &[(Target::Login(made.clone()), "x")]).await)
            .await
            .unwrap();
        world.delta().await;
        assert_eq!(
            world.store.texts("SELECT okta_id FROM users").await,
            [person.as_str().to_owned()]
        );
        assert_eq!(world.store.number("SELECT COUNT(*) FROM rereads").await, 0);
    }

    async fn r10_whoever_is_gone_when_he_is_read_by_id_is_settled_by_one_run(store) {
        let world = World::with_app(store).await;
        let person = world.person("mira@example.test");
        world.sim.org().assign_user(person).unwrap();
        world.settle().await;
        let target = Target::User(OktaUserId::parse(person.as_str()).unwrap());
        world
            .store
            .write(async |tx: &mut Tx| rereads::insert_many(tx, &[(target.clone(), "x")]).await)
            .await
            .unwrap();
        world.sim.org().deactivate(person).unwrap();
        world.sim.org().delete_user(person).unwrap();
        world.full().await;
        assert_eq!(world.store.texts("SELECT status || entitled || active FROM users").await, ["DELETED00"]);
        let before = world.dump().await;
        world.full().await;
        assert_eq!(world.dump().await, before);
    }

    async fn r13_a_block_goes_along_when_a_row_gives_way_to_scim_s(store) {
        let world = World::with_app(store).await;
        let person = world.person("mira@example.test");
        world.sim.org().assign_user(person).unwrap();
        world.settle().await;
        let row = world.store.texts("SELECT id FROM users").await.remove(0);
        let row = UserId::parse(&row).unwrap();
        users::block(&world.sync.service, &world.cx(Channel::Cli), &row, true).await.unwrap();
        // SCIM makes a row under another name; Okta remembers the id it was given.
        let made = world.scim_user("m.ira@example.test").await;
        world.sim.org().note_provisioned(person, made.as_str(), serde_json::Map::new());
        world.full().await;
        let rows = world.store.texts("SELECT id || ' ' || okta_id || ' ' || blocked || active FROM users").await;
        let kept = format!("{made} {} 10", person.as_str());
        assert_eq!(rows, [kept], "only an admin lifts a block");
    }

    async fn r3_what_an_admin_gave_stays_with_the_person_where_the_poll_s_row_gives_way(store) {
        let world = World::with_app(store).await;
        let person = world.person("mira@example.test");
        world.sim.org().assign_user(person).unwrap();
        world.settle().await;
        world.store.arrange(GIVEN_BY_HAND).await;
        let made = world.scim_user("m.ira@example.test").await;
        world.sim.org().note_provisioned(person, made.as_str(), serde_json::Map::new());
        world.settle().await;
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users").await, 1);
        assert_eq!(world.store.texts(COUNTING_BY_HAND).await, [made.as_str()]);
        assert_eq!(gained(&world).await, made.as_str());
    }

    async fn r5_the_last_admin_stays_where_his_okta_id_moves_to_a_row_nobody_is_active_by(store) {
        let world = World::with_app(store).await;
        let person = world.person("mira@example.test");
        world.sim.org().assign_user(person).unwrap();
        world.settle().await;
        world
            .store
            .arrange(
                "INSERT INTO memberships (team_id, user_id, origin, since) \
                 SELECT (SELECT id FROM teams WHERE name = 'organization-admin'), id, 'local', 1 FROM users",
            )
            .await;
        let row = world.store.texts("SELECT id FROM users").await.remove(0);
        let made = world.scim_user("m.ira@example.test").await;
        world.store.arrange("UPDATE users SET blocked = 1, active = 0 WHERE scim = 1").await;
        world.sim.org().note_provisioned(person, made.as_str(), serde_json::Map::new());
        world.full().await;
        assert_eq!(world.store.texts(COUNTING_BY_HAND).await, [row.as_str()]);
        assert_eq!(world.store.texts("SELECT user_id || cause FROM withheld").await, [format!("{row}last_admin")]);
        // The block is lifted: there is another, and the old row goes (R5).
        users::block(&world.sync.service, &world.cx(Channel::Cli), &made, false).await.unwrap();
        assert_eq!(world.store.texts(COUNTING_BY_HAND).await, [made.as_str()]);
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users").await, 1);
    }

    async fn r11_an_inactive_row_gives_way_to_the_one_the_app_names(store) {
        let world = World::with_app(store).await;
        let person = world.person("mira@example.test");
        world.sim.org().assign_user(person).unwrap();
        world.settle().await;
        // SCIM made his row, and let him go; renamed and assigned anew he is made once more, without an Okta id.
        world.store.arrange("UPDATE users SET scim = 1, entitled = 0, active = 0").await;
        world.store.arrange(GIVEN_BY_HAND).await;
        let made = world.scim_user("m.ira@example.test").await;
        world.sim.org().note_provisioned(person, made.as_str(), serde_json::Map::new());
        world.settle().await;
        let named = || world.store.texts("SELECT id FROM users WHERE okta_id IS NOT NULL AND active = 1");
        assert_eq!(named().await, [made.as_str()]);
        assert_eq!(world.store.texts(COUNTING_BY_HAND).await, [made.as_str()]);
        assert_eq!(gained(&world).await, made.as_str());
        assert_eq!(world.store.number("SELECT COUNT(*) FROM users WHERE active = 0 AND entitled = 0").await, 1);
        assert!(world.store.texts("SELECT code FROM problems").await.is_empty());
        let before = world.dump().await;
        world.settle().await;
        assert_eq!(world.dump().await, before, "R10");
        // Unassigned, and the push of it lost: the poll can tell whose row it is.
        world.sim.org().unassign_user(person).unwrap();
        world.settle().await;
        assert!(named().await.is_empty());
    }

    async fn r10_a_status_that_goes_along_with_an_okta_id_is_settled_by_one_run(store) {
        let world = World::with_app(store).await;
        let (_, made) = suspended_in_one_of_two_rows(&world).await;
        is_settled_by_one_run(&world, &made).await;
    }

    async fn r10_a_status_learned_at_first_contact_is_settled_by_one_run(store) {
        let world = World::with_app(store).await;
        let (_, made) = suspended_and_made_without_an_okta_id(&world).await;
        is_settled_by_one_run(&world, &made).await;
    }

    async fn r7_whoever_is_named_after_he_was_read_is_read_again(store) {
        let world = World::with_app(store).await;
        let (person, made) = suspended_and_made_without_an_okta_id(&world).await;
        let gate = world.gate("/api/v1/users?");
        let naming = async {
            world.asked(&gate).await;
            name(&world, person).await;
            world.store.clock.advance(5);
            gate.open();
        };
        let (ended, ()) = tokio::join!(world.full(), naming);
        let suspended = "SELECT id FROM users WHERE okta_id IS NOT NULL AND status = 'SUSPENDED' AND active = 0";
        assert_eq!(world.store.texts(suspended).await, [made.as_str()], "{:?}", ended.summary);
        assert_eq!(world.store.texts("SELECT reason FROM rereads").await, ["an event"]);
    }

    async fn r10_a_status_that_ended_before_its_okta_id_moves_leaves_nothing_to_be_read(store) {
        let world = World::with_app(store).await;
        let (person, made) = suspended_in_one_of_two_rows(&world).await;
        world.sim.org().unsuspend(person).unwrap();
        world.settle().await;
        let bound = "SELECT id FROM users WHERE okta_id IS NOT NULL AND status = 'ACTIVE' AND active = 1";
        assert_eq!(world.store.texts(bound).await, [made.as_str()]);
        assert!(world.store.texts("SELECT object FROM rereads").await.is_empty());
        let before = world.dump().await;
        world.settle().await;
        assert_eq!(world.dump().await, before);
    }

    async fn r8_a_status_that_goes_along_with_an_okta_id_outlives_a_run_that_ends_early(store) {
        let world = World::with_app(store).await;
        let (person, made) = suspended_in_one_of_two_rows(&world).await;
        outlives_a_run_that_ends_early(&world, person, &made).await;
    }

    async fn r8_a_status_learned_at_first_contact_outlives_a_run_that_ends_early(store) {
        let world = World::with_app(store).await;
        let (person, made) = suspended_and_made_without_an_okta_id(&world).await;
        outlives_a_run_that_ends_early(&world, person, &made).await;
    }
}
