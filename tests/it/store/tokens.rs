//! `store::tokens`.

use rosterd::model::id::TokenId;
use rosterd::model::time::Timestamp;
use rosterd::model::token::{Scope, Token};
use rosterd::store::tokens::{self, LAST_USED_EVERY_MS};
use rosterd::store::{Store, StoreError, Tx, organization};

use super::setup::{BEGAN, at, read, write};
use crate::support::stores::on_each_store;

/// The n-th token of a test, made when its clock began.
pub(crate) fn new_token(n: u8, scope: Scope, expires_at: Option<Timestamp>) -> Token {
    Token {
        id: TokenId::parse(&format!("0198c0de-0000-7000-8000-0000000000{n:02x}")).expect("an id"),
        scope,
        name: format!("token {n}"),
        created_by: "mira".to_owned(),
        created_at: at(0),
        expires_at,
        revoked_at: None,
        last_used_at: None,
    }
}

/// What is kept of its text.
pub(crate) fn hash(token: &Token) -> String {
    format!("hash of {}", token.name)
}

/// Stores it.
pub(crate) async fn keep(store: &Store, token: &Token) {
    write(store, async |tx| {
        tokens::insert(tx, token, &hash(token)).await
    })
    .await;
}

async fn find(store: &Store, token: &Token) -> Option<Token> {
    read(store, async |tx| tokens::find(tx, &token.id).await).await
}

on_each_store! {
    async fn a_token_is_found_by_its_hash_and_by_its_id(store) {
        let scim = new_token(1, Scope::Scim, Some(at(90)));
        let manage = new_token(2, Scope::Manage, None);
        keep(&store, &scim).await;
        keep(&store, &manage).await;
        assert_eq!(find(&store, &scim).await.as_ref(), Some(&scim));
        assert_eq!(find(&store, &manage).await.as_ref(), Some(&manage));
        assert_eq!(find(&store, &new_token(3, Scope::Scim, None)).await, None);
        let shown = async |hash: String| {
            read(&store, async |tx| tokens::find_by_hash(tx, &hash).await).await
        };
        let found = shown(hash(&scim)).await.expect("a known token");
        assert_eq!((found.token, found.hash, found.scim_used_at), (scim.clone(), hash(&scim), None));
        assert!(shown("HASH of token 1".to_owned()).await.is_none());
        store.clock.advance(5);
        write(&store, async |tx| organization::update_scim_used(tx).await).await;
        let found = shown(hash(&manage)).await.expect("a known token");
        assert_eq!(found.scim_used_at, Some(at(5)), "R16: whichever token was shown");
    }

    async fn r14_an_error_names_no_hash(store) {
        keep(&store, &new_token(1, Scope::Scim, None)).await;
        let twin = Token { id: new_token(2, Scope::Scim, None).id, ..new_token(1, Scope::Scim, None) };
        let refused = store.write(async |tx: &mut Tx| tokens::insert(tx, &twin, &hash(&twin)).await).await;
        let refused = refused.expect_err("the hash is taken");
        assert!(matches!(refused, StoreError::Database(_)), "{refused:?}");
        assert!(!refused.chain().contains(&hash(&twin)), "{}", refused.chain());
        assert!(refused.chain().starts_with("the database refused a statement: "), "{}", refused.chain());
        assert_eq!(find(&store, &twin).await, None);
    }

    async fn tokens_are_listed_the_oldest_first(store) {
        let late = Token { created_at: at(9), ..new_token(1, Scope::Status, None) };
        let early = [new_token(2, Scope::Scim, None), new_token(3, Scope::Scim, None)];
        keep(&store, &late).await;
        keep(&store, &early[1]).await;
        keep(&store, &early[0]).await;
        let all = read(&store, async |tx| tokens::list(tx).await).await;
        let [first, second] = early;
        assert_eq!(all, [first, second, late]);
    }

    async fn a_token_is_revoked_once_and_stays_to_be_seen(store) {
        let (token, other) = (new_token(1, Scope::Scim, None), new_token(2, Scope::Scim, None));
        keep(&store, &token).await;
        keep(&store, &other).await;
        store.clock.advance(5);
        let revoke = async |token: &Token| write(&store, async |tx| tokens::update_revoked(tx, &token.id).await).await;
        assert!(revoke(&token).await);
        store.clock.advance(5);
        assert!(!revoke(&token).await);
        assert!(!revoke(&new_token(3, Scope::Scim, None)).await, "there never was one");
        let found = find(&store, &token).await.expect("a row");
        assert_eq!(found.revoked_at, Some(at(5)));
        assert!(!found.live(at(10)));
        assert_eq!(find(&store, &other).await, Some(other), "no other is");
    }

    async fn r6_last_use_is_written_at_most_once_a_minute(store) {
        let token = new_token(1, Scope::Scim, None);
        keep(&store, &token).await;
        let mut used = Vec::new();
        for step in [1, LAST_USED_EVERY_MS - 1, 1, LAST_USED_EVERY_MS] {
            store.clock.advance(step);
            write(&store, async |tx| tokens::update_last_used(tx, &token.id).await).await;
            let found = find(&store, &token).await.and_then(|token| token.last_used_at);
            used.push(found.map_or(0, |at| at.as_millis() - BEGAN));
        }
        assert_eq!(used, [1, 1, 1 + LAST_USED_EVERY_MS, 1 + 2 * LAST_USED_EVERY_MS]);
    }
}
