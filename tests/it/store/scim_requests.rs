//! `store::scim_requests`.

use rosterd::model::id::AuditId;
use rosterd::store::Store;
use rosterd::store::scim_requests::{self, Query, ScimRequest};

use super::setup::{at, read, write};
use super::tokens::new_token;
use crate::support::stores::on_each_store;

/// A request answered so long after the clock began.
pub(crate) fn request(answered: i64, status: u16) -> ScimRequest {
    ScimRequest {
        at: at(answered),
        token_id: None,
        method: "GET".to_owned(),
        path: format!("/Users/{answered}"),
        status,
        duration_us: 1_250,
        skipped: Vec::new(),
        error: None,
        request_id: None,
    }
}

/// Keeps it.
pub(crate) async fn keep(store: &Store, requests: &[ScimRequest]) {
    write(store, async |tx| scim_requests::insert(tx, requests).await).await;
}

async fn list(store: &Store, query: &Query) -> Vec<(AuditId, ScimRequest)> {
    read(store, async |tx| scim_requests::list(tx, query).await).await
}

async fn paths(store: &Store, query: &Query) -> Vec<String> {
    let found = list(store, query).await;
    found.into_iter().map(|(_, request)| request.path).collect()
}

on_each_store! {
    async fn a_request_is_shown_as_it_was_answered(store) {
        let full = ScimRequest {
            token_id: Some(new_token(1, rosterd::model::token::Scope::Scim, None).id),
            method: "PATCH".to_owned(),
            skipped: vec!["a".to_owned(), "\"b".to_owned()],
            error: Some("userName is taken".to_owned()),
            request_id: Some("r-1".to_owned()),
            ..request(2, 409)
        };
        let bare = request(1, 200);
        keep(&store, &[]).await;
        keep(&store, &[bare.clone(), full.clone()]).await;
        let found = list(&store, &Query { limit: 9, ..Query::default() }).await;
        let found: Vec<ScimRequest> = found.into_iter().map(|(_, request)| request).collect();
        assert_eq!(found, [full, bare], "the latest first");
    }

    async fn requests_are_paged_backwards(store) {
        keep(&store, &[request(1, 200), request(2, 201), request(3, 204)]).await;
        let page = list(&store, &Query { limit: 2, ..Query::default() }).await;
        assert_eq!(page.len(), 2);
        let behind = Query { before: Some(page[1].0.clone()), limit: 2, ..Query::default() };
        assert_eq!(paths(&store, &behind).await, ["/Users/1"]);
        let last = list(&store, &behind).await;
        let behind = Query { before: Some(last[0].0.clone()), limit: 2, ..Query::default() };
        assert_eq!(paths(&store, &behind).await, [""; 0]);
    }

    async fn errors_are_answers_of_400_and_above_and_those_that_say_what_went_wrong(store) {
        let unheard = ScimRequest { error: Some("nobody heard it".to_owned()), ..request(4, 201) };
        keep(&store, &[request(1, 399), request(2, 400), request(3, 500), unheard]).await;
        let errors = Query { only_errors: true, limit: 9, ..Query::default() };
        assert_eq!(paths(&store, &errors).await, ["/Users/4", "/Users/3", "/Users/2"]);
    }
}
