//! What is kept of a request, and what is not.

use rosterd::service::request_log::{Query, list};
use rosterd::tasks::request_log;
use serde_json::json;

use super::client::{Client, filter};
use crate::support::stores::on_each_store;

on_each_store! {
    async fn r14_the_request_log_shows_what_okta_saw_and_no_secret(store) {
        let client = Client::new(&store).await;
        let id = client.user("a@example.test").await;
        let stranger = "00000000-0000-7000-8000-000000000000";
        client.group("g", &[&id, stranger]).await;
        client.post("/Users", &json!({"userName": "A@example.test", "password": "hunter2"})).await.is_error(409);
        client.get(&format!("/Users?filter={}&access_token=hunter2", filter("userName eq \"a\""))).await;
        client.get(&format!("/Users/{}", client.token)).await.is_error(404);
        client.get(&format!("/Users?filter={}", filter("password eq \"hunter2\""))).await.is_error(400);
        let Client { queue, service, token, router, .. } = client;
        drop(router);
        request_log::run(service.clone(), queue, std::future::ready(())).await;
        let query = Query { limit: 100, ..Query::default() };
        let kept: Vec<_> = list(&service, &query).await.unwrap().into_iter().map(|(_, kept)| kept).collect();
        assert_eq!(kept.len(), 6);
        assert!(kept.iter().all(|kept| kept.token_id.is_some() && kept.request_id.is_some()));
        let skipping = kept.iter().find(|kept| kept.path == "/scim/v2/Groups").unwrap();
        assert_eq!((skipping.status, skipping.skipped.as_slice()), (201, &[stranger.to_owned()][..]));
        let refused = kept.iter().find(|kept| kept.status == 409).unwrap();
        assert!(refused.error.as_ref().is_some_and(|detail| !detail.is_empty()));
        let everything = store.texts(
            "SELECT path || skipped || COALESCE(error, '') FROM scim_requests UNION ALL \
             SELECT COALESCE(before, '') || COALESCE(after, '') || actor FROM audit UNION ALL SELECT resource FROM users",
        ).await.concat();
        for secret in ["hunter2", "hT4k9QzP", token.as_str()] {
            assert!(!everything.contains(secret), "{everything}");
        }
        let errors = Query { only_errors: true, limit: 100, ..Query::default() };
        assert_eq!(list(&service, &errors).await.unwrap().len(), 3);
    }

    async fn r14_old_rows_of_every_log_are_swept(store) {
        use rosterd::service::retention::{Retention, sweep};
        let client = Client::new(&store).await;
        client.user("a@example.test").await;
        let Client { queue, service, router, .. } = client;
        drop(router);
        request_log::run(service.clone(), queue, std::future::ready(())).await;
        let rows = "SELECT (SELECT COUNT(*) FROM audit) + (SELECT COUNT(*) FROM scim_requests)";
        let before = store.number(rows).await;
        assert!(before >= 3);
        sweep(&service, Retention::default()).await.unwrap();
        assert_eq!(store.number(rows).await, before);
        store.clock.advance(15 * 24 * 3_600_000);
        sweep(&service, Retention::default()).await.unwrap();
        assert_eq!(store.number("SELECT COUNT(*) FROM scim_requests").await, 0);
        assert!(store.number("SELECT COUNT(*) FROM audit").await > 0);
        store.clock.advance(400 * 24 * 3_600_000);
        sweep(&service, Retention::default()).await.unwrap();
        assert_eq!(store.number(rows).await, 0);
    }
}
