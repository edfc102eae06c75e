//! `store::problems`.

use rosterd::model::actor::{Channel, Cx};
use rosterd::model::team::ORGANIZATION_ADMIN;
use rosterd::model::time::Timestamp;
use rosterd::model::token::Scope;
use rosterd::store::audit::{self, Entry};
use rosterd::store::problems::{self, StoredProblem};
use rosterd::store::{Store, tokens};

use super::setup::{at, read, write};
use super::tokens::{keep, new_token};
use crate::support::stores::on_each_store;

async fn note(store: &Store, code: &str, object: &str, detail: &str) {
    write(store, async |tx| {
        problems::insert(tx, code, object, detail).await
    })
    .await;
}

async fn list(store: &Store) -> Vec<StoredProblem> {
    read(store, async |tx| problems::list(tx).await).await
}

fn problem(code: &str, object: &str, detail: &str, since: i64) -> StoredProblem {
    StoredProblem {
        code: code.to_owned(),
        object: object.to_owned(),
        detail: detail.to_owned(),
        since: at(since),
    }
}

/// Logs that somebody did this.
async fn log(store: &Store, action: &'static str, object_kind: &'static str, object_id: &str) {
    let cx = Cx {
        channel: Channel::Api,
        actor: "mira".to_owned(),
        request_id: None,
    };
    let entry = Entry {
        action,
        object_kind,
        object_id: object_id.to_owned(),
        before: None,
        after: None,
    };
    write(store, async |tx| {
        audit::insert(tx, &cx, std::slice::from_ref(&entry)).await
    })
    .await;
}

on_each_store! {
    async fn r10_a_problem_keeps_its_beginning_and_takes_new_words(store) {
        note(&store, "group_ambiguous", "b", "two").await;
        store.clock.advance(5);
        note(&store, "group_ambiguous", "b", "two").await;
        note(&store, "group_ambiguous", "a", "three").await;
        note(&store, "identity_conflict", "b", "other").await;
        assert_eq!(
            list(&store).await,
            [
                problem("group_ambiguous", "b", "two", 0),
                problem("group_ambiguous", "a", "three", 5),
                problem("identity_conflict", "b", "other", 5),
            ],
            "the oldest first",
        );
        note(&store, "group_ambiguous", "b", "four").await;
        assert_eq!(list(&store).await[0], problem("group_ambiguous", "b", "four", 0));
    }

    async fn a_problem_that_is_no_more_is_forgotten_by_its_code_and_object(store) {
        note(&store, "group_ambiguous", "a", "x").await;
        note(&store, "group_ambiguous", "b", "x").await;
        note(&store, "identity_conflict", "a", "x").await;
        for _ in 0..2 {
            write(&store, async |tx| problems::remove(tx, "group_ambiguous", "a").await).await;
            assert_eq!(
                list(&store).await,
                [problem("group_ambiguous", "b", "x", 0), problem("identity_conflict", "a", "x", 0)],
            );
        }
        note(&store, "group_ambiguous", "a", "x").await;
        assert_eq!(list(&store).await.len(), 3, "and may come back");
    }

    async fn the_log_says_when_runs_were_last_paused(store) {
        let paused = async || read(&store, async |tx| problems::paused_at(tx).await).await;
        assert_eq!(paused().await, None);
        log(&store, "sync.paused", "organization", "okta").await;
        store.clock.advance(5);
        log(&store, "sync.paused", "organization", "okta").await;
        store.clock.advance(5);
        log(&store, "sync.resumed", "organization", "okta").await;
        log(&store, "sync.paused", "organization", "another").await;
        log(&store, "sync.paused", "run", "okta").await;
        assert_eq!(paused().await, Some(at(5)));
    }

    async fn the_last_scim_token_ended_when_it_was_revoked_or_over(store) {
        let ended = async || read(&store, async |tx| problems::scim_tokens_ended_at(tx).await).await;
        let revoke = async |n| {
            let id = new_token(n, Scope::Scim, None).id;
            assert!(write(&store, async |tx| tokens::update_revoked(tx, &id).await).await);
        };
        assert_eq!(ended().await, None);
        keep(&store, &new_token(1, Scope::Scim, None)).await;
        keep(&store, &new_token(2, Scope::Manage, Some(at(1)))).await;
        assert_eq!(ended().await, None, "one that ends never, and one for another door");
        keep(&store, &new_token(3, Scope::Scim, Some(at(10)))).await;
        store.clock.advance(10);
        assert_eq!(ended().await, Some(at(10)));
        // Revoking what is over changes nothing; revoking what is not ends it.
        store.clock.advance(10);
        revoke(3).await;
        assert_eq!(ended().await, Some(at(10)));
        revoke(1).await;
        assert_eq!(ended().await, Some(at(20)));
        keep(&store, &new_token(4, Scope::Scim, Some(at(90)))).await;
        store.clock.advance(5);
        revoke(4).await;
        assert_eq!(ended().await, Some(at(25)), "before its time");
    }

    async fn a_scim_token_that_is_yet_to_end_has_not_ended(store) {
        let ended = async || read(&store, async |tx| problems::scim_tokens_ended_at(tx).await).await;
        keep(&store, &new_token(1, Scope::Scim, Some(at(5)))).await;
        assert_eq!(ended().await, None);
        keep(&store, &new_token(2, Scope::Scim, Some(at(90)))).await;
        store.clock.advance(5);
        assert_eq!(ended().await, Some(at(5)));
    }

    async fn r5_nobody_counts_since_the_last_was_taken_out_or_since_the_beginning(store) {
        let since = async || read(&store, async |tx| problems::no_admin_since(tx).await).await;
        store.clock.advance(7);
        let made = store.number("SELECT created_at FROM organization").await;
        assert_eq!(since().await, Some(Timestamp::from_millis(made)));
        log(&store, "membership.removed", "team", ORGANIZATION_ADMIN).await;
        store.clock.advance(7);
        log(&store, "membership.removed", "team", "another").await;
        log(&store, "membership.added", "team", ORGANIZATION_ADMIN).await;
        assert_eq!(since().await, Some(at(7)));
    }
}
