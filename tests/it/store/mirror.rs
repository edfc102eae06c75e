//! `store::mirror`.

use rosterd::model::group::OktaSide;
use rosterd::model::id::{GroupId, TeamId};
use rosterd::model::user::{OktaStatus, User};
use rosterd::store::mirror::{self, Absentee, OktaUser, Wanted};
use rosterd::store::{Store, groups, users};

use super::groups::okta_side;
use super::setup::{
    at, deactivate, derive, give, group, join, leave, local_user, map, okta_group, read, team,
    user, write,
};
use crate::support::stores::on_each_store;

async fn wanted(store: &Store, app_id: Option<&str>) -> Vec<Wanted> {
    read(store, async |tx| mirror::list_wanted(tx, app_id).await).await
}

/// A group that an app pushed back to Okta.
async fn app_group(store: &Store, id: &str, source: Option<&str>) -> GroupId {
    let side = OktaSide {
        kind: "APP_GROUP".to_owned(),
        source: source.map(str::to_owned),
        ..okta_side(id, id)
    };
    let made = write(store, async |tx| {
        groups::insert(tx, None, Some(&side)).await
    })
    .await;
    made.expect("a free id").id
}

/// Takes his entitlement away.
async fn disentitle(store: &Store, user: &User) {
    write(store, async |tx| {
        let mut user = users::find(tx, &user.id).await?.expect("a user");
        user.facts.entitled = false;
        users::update(tx, &user).await
    })
    .await;
}

async fn absent(store: &Store) -> Vec<(String, Option<i64>)> {
    let found = read(store, async |tx| mirror::list_absent(tx).await).await;
    let line = |of: Absentee| {
        (
            of.okta_id.to_string(),
            of.since.map(|since| since.since(at(0))),
        )
    };
    found.into_iter().map(line).collect()
}

async fn returned(store: &Store) -> Vec<(String, bool)> {
    let found = read(store, async |tx| mirror::list_returned(tx).await).await;
    found
        .into_iter()
        .map(|(who, cost)| (who.to_string(), cost))
        .collect()
}

async fn note_absence(store: &Store, okta_ids: &[&str], runs: i64) {
    write(store, async |tx| {
        mirror::update_absence(tx, okta_ids, runs).await
    })
    .await;
}

/// What would go with these edges.
async fn hanging(store: &Store, edges: &[(&GroupId, &str)]) -> Vec<TeamId> {
    let found = read(store, async |tx| mirror::list_hanging_on(tx, edges).await).await;
    found.into_iter().map(|(team, _)| team).collect()
}

on_each_store! {
    async fn r16_members_are_wanted_of_mapped_groups_and_of_those_a_preview_asks_for(store) {
        let mapped = okta_group(&store, "00g1", "mapped").await;
        let previewed = okta_group(&store, "00g2", "previewed").await;
        okta_group(&store, "00g3", "neither").await;
        let one = team(&store, "one").await;
        map(&store, &mapped, &one).await;
        // SCIM says the members of its groups itself.
        map(&store, &group(&store, "pushed").await, &one).await;
        store.arrange("UPDATE idp_groups SET preview = 1 WHERE okta_id = '00g2'").await;
        let line = |group: &GroupId, id: &str, read, mapped| Wanted {
            group: group.clone(),
            okta_id: okta_side(id, "").id,
            read,
            mapped,
        };
        let expected = [line(&mapped, "00g1", false, true), line(&previewed, "00g2", false, false)];
        assert_eq!(wanted(&store, None).await, expected);
        write(&store, async |tx| mirror::update_members_read(tx, &mapped).await).await;
        let expected = [line(&mapped, "00g1", true, true), line(&previewed, "00g2", false, false)];
        assert_eq!(wanted(&store, Some("0oa1")).await, expected);
    }

    async fn r17_our_own_echo_is_not_wanted(store) {
        let one = team(&store, "one").await;
        let (echo, other, without) = (
            app_group(&store, "00g1", Some("0oa1")).await,
            app_group(&store, "00g2", Some("0oa2")).await,
            app_group(&store, "00g3", None).await,
        );
        for group in [&echo, &other, &without] {
            map(&store, group, &one).await;
        }
        let ids = async |app_id| {
            let found = wanted(&store, app_id).await;
            found.into_iter().map(|wanted| wanted.group).collect::<Vec<_>>()
        };
        assert_eq!(ids(Some("0oa1")).await, [other.clone(), without.clone()]);
        assert_eq!(ids(None).await, [echo, other, without], "without an app nothing is an echo");
    }

    async fn members_are_read_for_the_first_time_once_and_unread_again(store) {
        let (a, b) = (okta_group(&store, "00g1", "a").await, okta_group(&store, "00g2", "b").await);
        let read_at = async |id: &GroupId| {
            let group = read(&store, async |tx| groups::find(tx, id).await).await.expect("a group");
            assert_eq!(group.version, 1, "no part of the ETag");
            group.members_read_at
        };
        for _ in 0..2 {
            store.clock.advance(5);
            write(&store, async |tx| mirror::update_members_read(tx, &a).await).await;
            assert_eq!(read_at(&a).await, Some(at(5)), "R10: what is known stays as it is");
        }
        write(&store, async |tx| mirror::update_members_unread(tx, &a).await).await;
        assert_eq!((read_at(&a).await, read_at(&b).await), (None, None));
        write(&store, async |tx| mirror::update_members_read(tx, &a).await).await;
        assert_eq!((read_at(&a).await, read_at(&b).await), (Some(at(10)), None));
    }

    async fn every_okta_side_is_listed(store) {
        assert_eq!(read(&store, async |tx| mirror::list_okta_groups(tx).await).await, []);
        for id in ["00gb", "00ga", "00gB"] {
            okta_group(&store, id, "same").await;
        }
        group(&store, "pushed").await;
        let mut found = read(&store, async |tx| mirror::list_okta_groups(tx).await).await;
        found.sort();
        assert_eq!(found, ["00gB", "00ga", "00gb"].map(|id| okta_side(id, "").id));
    }

    async fn oktas_users_are_paged_in_the_order_of_their_ids(store) {
        let deleted = user(&store, "a@x", Some("00ub")).await;
        let out = user(&store, "b@x", Some("00uB")).await;
        user(&store, "c@x", Some("00ua")).await;
        user(&store, "d@x", None).await;
        local_user(&store, "e@x").await;
        disentitle(&store, &out).await;
        write(&store, async |tx| {
            let mut changed = deleted.clone();
            changed.facts.status = Some(OktaStatus::deleted());
            users::update(tx, &changed).await
        })
        .await;
        let page = async |after, limit| read(&store, async |tx| mirror::list_okta_users(tx, after, limit).await).await;
        let line = |user: &User, entitled, deleted| OktaUser {
            okta_id: user.okta_id.clone().expect("an id"),
            entitled,
            deleted,
        };
        let first = page("", 2).await;
        assert_eq!(first[0], line(&out, false, false), "capitals come first, on either engine");
        assert_eq!(first[1].okta_id.as_str(), "00ua");
        assert!(first[1].entitled && !first[1].deleted);
        assert_eq!(page("00ua", 2).await, [line(&deleted, true, true)]);
        assert_eq!(page("00ub", 2).await, []);
    }

    async fn who_is_in_a_mapped_group_is_told_whether_known_here_or_not(store) {
        let (a, b, one) = (group(&store, "a").await, group(&store, "b").await, team(&store, "one").await);
        map(&store, &a, &one).await;
        join(&store, &a, &["00u1", "00u2"]).await;
        join(&store, &b, &["00u3"]).await;
        let of = async |members: &[&str]| {
            let found = read(&store, async |tx| mirror::list_in_mapped_groups(tx, members).await).await;
            let mut found: Vec<String> = found.into_iter().collect();
            found.sort();
            found
        };
        assert_eq!(of(&["00u1", "00u2", "00u3", "00u4"]).await, ["00u1", "00u2"]);
        assert_eq!(of(&["00u2"]).await, ["00u2"]);
        assert_eq!(of(&[]).await, [""; 0]);
    }

    async fn r15_a_poll_says_nothing_of_members_called_by_our_ids(store) {
        user(&store, "mira@x", Some("00u1")).await;
        let noor = user(&store, "noor@x", None).await;
        let asked = ["00u1", noor.id.as_str(), "00uNobodyHere"];
        let own = read(&store, async |tx| mirror::list_own_keys(tx, &asked).await).await;
        assert_eq!(own, [noor.id.to_string()].into());
        assert!(read(&store, async |tx| mirror::list_own_keys(tx, &[]).await).await.is_empty());
    }

    async fn who_counts_in_a_team_is_told_with_what_edges_call_him(store) {
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        let (mira, noor) = (user(&store, "mira@x", Some("00u1")).await, user(&store, "noor@x", None).await);
        let ada = user(&store, "ada@x", None).await;
        for (team, user) in [(&one, &mira), (&one, &noor), (&one, &ada), (&two, &ada)] {
            give(&store, team, user).await;
        }
        deactivate(&store, &[&ada]).await;
        let mut found = read(&store, async |tx| mirror::list_counting(tx, &one).await).await;
        found.sort();
        let mut expected = [(mira.id, "00u1".to_owned()), (noor.id.clone(), noor.id.to_string())];
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(read(&store, async |tx| mirror::list_counting(tx, &two).await).await, []);
    }

    async fn r16_who_is_in_no_mapped_group_is_absent_since_the_first_run_that_says_so(store) {
        let (a, b, one) = (group(&store, "a").await, group(&store, "b").await, team(&store, "one").await);
        map(&store, &a, &one).await;
        for (name, id) in [("in@x", "00u1"), ("out@x", "00u2"), ("unmapped@x", "00u3")] {
            user(&store, name, Some(id)).await;
        }
        let left = user(&store, "left@x", Some("00u4")).await;
        disentitle(&store, &left).await;
        // Neither can be read at Okta.
        user(&store, "pushed@x", None).await;
        local_user(&store, "local@x").await;
        join(&store, &a, &["00u1"]).await;
        join(&store, &b, &["00u3"]).await;
        let line = |id: &str, since| (id.to_owned(), since);
        assert_eq!(absent(&store).await, [line("00u2", None), line("00u3", None)]);
        for _ in 0..2 {
            store.clock.advance(5);
            note_absence(&store, &["00u2", "00uNobodyHere"], 1).await;
            assert_eq!(absent(&store).await, [line("00u2", Some(5)), line("00u3", None)]);
        }
        note_absence(&store, &["00u2"], 0).await;
        assert_eq!(absent(&store).await, [line("00u2", None), line("00u3", None)]);
    }

    async fn r16_who_is_back_is_told_with_what_it_cost_him_to_be_away(store) {
        let (a, one) = (group(&store, "a").await, team(&store, "one").await);
        map(&store, &a, &one).await;
        let mira = user(&store, "mira@x", Some("00u1")).await;
        let noor = user(&store, "noor@x", Some("00u2")).await;
        let ada = user(&store, "ada@x", Some("00u3")).await;
        user(&store, "away@x", Some("00u4")).await;
        note_absence(&store, &["00u1", "00u2", "00u4"], 1).await;
        note_absence(&store, &["00u2"], 2).await;
        disentitle(&store, &noor).await;
        // Nobody was away whose entitlement went for another reason.
        disentitle(&store, &mira).await;
        disentitle(&store, &ada).await;
        assert_eq!(returned(&store).await, []);
        join(&store, &a, &["00u1", "00u2", "00u3"]).await;
        let line = |id: &str, cost| (id.to_owned(), cost);
        assert_eq!(returned(&store).await, [line("00u1", false), line("00u2", true)]);
        note_absence(&store, &["00u1", "00u2", "00u3"], 0).await;
        assert_eq!(returned(&store).await, []);
        assert_eq!(store.number("SELECT MAX(absent_runs) FROM users WHERE okta_id <> '00u4'").await, 0);
    }

    async fn r9_what_hangs_on_edges_alone_goes_with_them(store) {
        let (a, b, c) = (group(&store, "a").await, group(&store, "b").await, group(&store, "c").await);
        let (one, two) = (team(&store, "one").await, team(&store, "two").await);
        let mira = user(&store, "mira@x", Some("00u1")).await;
        for (group, team) in [(&a, &one), (&b, &one), (&b, &two)] {
            map(&store, group, team).await;
        }
        for group in [&a, &b, &c] {
            join(&store, group, &["00u1", "00uNobodyHere"]).await;
        }
        assert_eq!(hanging(&store, &[(&b, "00u1")]).await, [], "nothing is derived yet");
        derive(&store, &[&one, &two]).await;
        assert_eq!(hanging(&store, &[(&a, "00u1")]).await, [], "the other group leads there too");
        assert_eq!(hanging(&store, &[(&b, "00u1")]).await, [two.clone()]);
        let mut both = [one.clone(), two];
        both.sort();
        assert_eq!(hanging(&store, &[(&a, "00u1"), (&b, "00u1")]).await, both, "asked for at once");
        assert_eq!(hanging(&store, &[(&c, "00u1"), (&b, "00uNobodyHere")]).await, []);
        assert_eq!(hanging(&store, &[]).await, []);
        give(&store, &one, &mira).await;
        deactivate(&store, &[&mira]).await;
        assert_eq!(
            hanging(&store, &[(&a, "00u1"), (&b, "00u1")]).await,
            both,
            "whoever is active, beside what is given",
        );
        leave(&store, &a, &["00u1"]).await;
        assert_eq!(hanging(&store, &[(&b, "00u1")]).await, both);
    }
}
