//! `store::audit`.

use rosterd::model::actor::{Channel, Cx};
use rosterd::store::audit::{self, Entry};
use rosterd::store::{StoreError, Tx};
use serde_json::json;

use super::setup::{BEGAN, write};
use crate::support::stores::on_each_store;

const LINES: &str = "SELECT CAST(at AS TEXT) || ' ' || channel || ' ' || actor || ' ' || action || ' ' || object_kind \
     || ' ' || object_id || ' ' || COALESCE(before, '-') || ' ' || COALESCE(after, '-') || ' ' \
     || COALESCE(request_id, '-') FROM audit ORDER BY at, action";

fn cx(channel: Channel, request_id: Option<&str>) -> Cx {
    Cx {
        channel,
        actor: "mira".to_owned(),
        request_id: request_id.map(str::to_owned),
    }
}

fn made(object_id: &str) -> Entry {
    Entry {
        action: "user.created",
        object_kind: "user",
        object_id: object_id.to_owned(),
        before: None,
        after: Some(json!({"userName": "a\"b"})),
    }
}

on_each_store! {
    async fn r14_the_log_says_when_by_which_door_who_did_what_before_and_after(store) {
        let changed = Entry {
            action: "user.updated",
            before: Some(json!({"blocked": false})),
            after: None,
            ..made("u2")
        };
        write(&store, async |tx| {
            audit::insert(tx, &cx(Channel::Scim, Some("r-1")), &[made("u1"), changed.clone()]).await
        })
        .await;
        store.clock.advance(1);
        write(&store, async |tx| audit::insert(tx, &cx(Channel::Cli, None), &[made("u3")]).await).await;
        assert_eq!(
            store.texts(LINES).await,
            [
                format!(r#"{BEGAN} scim mira user.created user u1 - {{"userName":"a\"b"}} r-1"#),
                format!(r#"{BEGAN} scim mira user.updated user u2 {{"blocked":false}} - r-1"#),
                format!(r#"{} cli mira user.created user u3 - {{"userName":"a\"b"}} -"#, BEGAN + 1),
            ],
        );
        assert_eq!(store.number("SELECT COUNT(DISTINCT id) FROM audit").await, 3);
    }

    async fn no_change_is_no_row(store) {
        write(&store, async |tx| audit::insert(tx, &cx(Channel::Api, None), &[]).await).await;
        assert_eq!(store.number("SELECT COUNT(*) FROM audit").await, 0);
    }

    async fn r6_what_was_not_committed_is_not_in_the_log(store) {
        let refused = store
            .write(async |tx: &mut Tx| {
                audit::insert(tx, &cx(Channel::Api, None), &[made("u1")]).await?;
                Err::<(), _>(StoreError::Taken { what: "userName" })
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Taken { .. })), "{refused:?}");
        assert_eq!(store.number("SELECT COUNT(*) FROM audit").await, 0);
    }
}
