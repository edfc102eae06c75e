//! `store::guard_log`.

use rosterd::model::actor::Channel;
use rosterd::store::Store;
use rosterd::store::guard_log::{self, Class, Line};

use super::setup::{at, deactivate, local_user, read, unseen_user, user, write};
use crate::support::stores::on_each_store;

fn line(kind: &'static str, object: &str, user: &str, delta: i64) -> Line {
    Line {
        kind,
        object: object.to_owned(),
        user: user.to_owned(),
        delta,
    }
}

async fn note(store: &Store, class: Class, counted: bool, lines: &[Line]) {
    write(store, async |tx| {
        guard_log::insert(tx, class, counted, lines).await
    })
    .await;
}

/// What the window holds of these teams, after so long.
async fn teams(
    store: &Store,
    class: Class,
    objects: &[&str],
    since: i64,
) -> Vec<(String, i64, i64)> {
    let mut found = read(store, async |tx| {
        guard_log::list(tx, class, "team", objects, at(since)).await
    })
    .await;
    found.sort();
    found
}

fn of(object: &str, left: i64, net: i64) -> (String, i64, i64) {
    (object.to_owned(), left, net)
}

on_each_store! {
    async fn r9_each_channel_has_its_class(store) {
        let classes = [
            (Channel::Scim, Class::Push, "push"),
            (Channel::Poll, Class::Poll, "poll"),
            (Channel::Hook, Class::Poll, "poll"),
            (Channel::Login, Class::Hand, "hand"),
            (Channel::Api, Class::Hand, "hand"),
            (Channel::Cli, Class::Hand, "hand"),
        ];
        for (channel, class, name) in classes {
            assert_eq!((Class::of(channel), class.as_str()), (class, name), "{channel:?}");
            // The schema knows each name.
            note(&store, Class::of(channel), true, &[line("team", "t", "u", -1)]).await;
        }
        assert_eq!(store.number("SELECT COUNT(DISTINCT class) FROM guard_log").await, 3);
    }

    async fn r9_who_left_counts_once_and_the_net_change_is_everybodys(store) {
        note(&store, Class::Poll, true, &[
            line("team", "a", "u1", -1),
            line("team", "a", "u2", -1),
            line("team", "a", "", 3),
            line("team", "b", "u1", -1),
            line("group", "a", "", -7),
        ])
        .await;
        // He came back and left again: it is the same one person who left.
        note(&store, Class::Poll, true, &[line("team", "a", "", 1), line("team", "a", "u1", -1)]).await;
        assert_eq!(teams(&store, Class::Poll, &["a"], -1).await, [of("a", 2, 1)]);
        assert_eq!(teams(&store, Class::Poll, &["a", "b", "c"], -1).await, [of("a", 2, 1), of("b", 1, -1)]);
        assert_eq!(teams(&store, Class::Poll, &[], -1).await, []);
        let groups = read(&store, async |tx| guard_log::list(tx, Class::Poll, "group", &["a"], at(-1)).await).await;
        assert_eq!(groups, [of("a", 7, -7)], "edges that went are a sum");
    }

    async fn r9_pushes_runs_and_admins_are_counted_apart_and_what_was_approved_not_at_all(store) {
        note(&store, Class::Poll, true, &[line("team", "a", "u1", -1)]).await;
        note(&store, Class::Poll, false, &[line("team", "a", "u2", -1)]).await;
        note(&store, Class::Push, true, &[line("team", "a", "u3", -1), line("team", "a", "u4", -1)]).await;
        note(&store, Class::Hand, false, &[line("team", "a", "u5", -1)]).await;
        assert_eq!(teams(&store, Class::Poll, &["a"], -1).await, [of("a", 1, -5)]);
        assert_eq!(teams(&store, Class::Push, &["a"], -1).await, [of("a", 2, -5)]);
        assert_eq!(teams(&store, Class::Hand, &["a"], -1).await, [of("a", 0, -5)]);
    }

    async fn r9_the_window_slides(store) {
        note(&store, Class::Poll, true, &[line("team", "a", "u1", -1)]).await;
        store.clock.advance(5);
        note(&store, Class::Poll, true, &[line("team", "a", "u2", -1)]).await;
        note(&store, Class::Poll, true, &[]).await;
        assert_eq!(teams(&store, Class::Poll, &["a"], -1).await, [of("a", 2, -2)]);
        assert_eq!(teams(&store, Class::Poll, &["a"], 0).await, [of("a", 1, -1)], "after its beginning");
        assert_eq!(teams(&store, Class::Poll, &["a"], 5).await, []);
        let drop = async |before| write(&store, async |tx| guard_log::remove_before(tx, at(before)).await).await;
        assert_eq!(drop(0).await, 0);
        assert_eq!(drop(5).await, 1);
        assert_eq!(teams(&store, Class::Poll, &["a"], -1).await, [of("a", 1, -1)]);
    }

    async fn r9_a_share_is_measured_against_oktas_active_users(store) {
        let count = async |limit| read(&store, async |tx| guard_log::count_active_okta_users(tx, limit).await).await;
        assert_eq!(count(9).await, 0);
        let mira = user(&store, "mira@x", None).await;
        unseen_user(&store, "noor@x", Some("00u1")).await;
        user(&store, "omar@x", Some("00u2")).await;
        local_user(&store, "ada@x").await;
        assert_eq!(count(9).await, 3, "also whom only a poll knows");
        assert_eq!(count(2).await, 2, "no further than asked");
        assert_eq!(count(-1).await, 0);
        deactivate(&store, &[&mira]).await;
        assert_eq!(count(9).await, 2);
    }
}
