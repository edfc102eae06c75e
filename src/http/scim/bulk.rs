//! `/Bulk` (RFC 7644 section 3.7): one operation after the other, each a transaction of its own.
//!
//! What is committed is answered as such, whatever becomes of the rest (R6): when the time is up, the operations that are
//! left are told to come back, each by itself.

use std::collections::HashMap;

use http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;

use super::reply::Reply;
use super::request::Call;
use super::resources::{Saved, write};
use crate::http::error::scim;
use crate::scim::bulk::{self, BulkCall, BulkLimits, BulkResult, Method, Step};
use crate::scim::etag::Condition;
use crate::scim::{ResourceType, ScimError};
use crate::service::Error;

pub(super) async fn run(call: &Call<'_>, body: &[u8]) -> Result<Reply, Error> {
    let settings = &call.app.settings;
    let limits = BulkLimits {
        operations: settings.bulk_operations,
        payload: settings.bulk_payload,
    };
    let request = bulk::parse(body, limits)?;
    let mut made: HashMap<String, String> = HashMap::new();
    let mut answers: Vec<Option<Value>> = vec![None; request.operations.len()];
    let (mut errors, mut first_error, mut all_skipped) = (0_u64, None, Vec::new());
    for step in request.plan() {
        let Some(operation) = request.operations.get(step.index) else {
            continue;
        };
        let outcome = match &operation.call {
            _ if step.circular => Err(Step::error()),
            Err(error) => Err(error.clone()),
            Ok(_) if Instant::now() >= call.deadline => Err(ScimError::too_many_requests(
                "The time of one bulk request is up; send this operation again.",
            )),
            Ok(wanted) => match wanted.resolve(&made) {
                Ok(wanted) => {
                    let version = operation.version.as_deref().map(Condition::parse);
                    let work = perform(call, &wanted, version.as_ref(), &mut all_skipped);
                    work.await.map_err(|error| scim(&error))
                }
                Err(error) => Err(error),
            },
        };
        let result = match outcome {
            Ok((result, id)) => {
                if let (Some(name), Some(id)) = (&operation.bulk_id, id) {
                    made.insert(name.clone(), id);
                }
                result
            }
            Err(error) => {
                errors += 1;
                first_error.get_or_insert_with(|| error.detail.clone());
                let location = match &operation.call {
                    Ok(BulkCall {
                        id: Some(id),
                        resource,
                        ..
                    }) => Some(call.view.location(*resource, id)),
                    _ => None,
                };
                BulkResult::failed(&error, location)
            }
        };
        if let Some(answer) = answers.get_mut(step.index) {
            *answer = Some(result.to_json(operation));
        }
        if request.fail_on_errors.is_some_and(|most| errors >= most) {
            break;
        }
    }
    let answers: Vec<Value> = answers.into_iter().flatten().collect();
    let reply = Reply::json(StatusCode::OK, bulk::response(&answers).to_string());
    let failed = first_error.map(|first| {
        let all = request.operations.len();
        format!("{errors} of {all} operations failed; the first: {first}")
    });
    Ok(reply.skipping(all_skipped).failing(failed))
}

/// Does one operation; its result, and the id of what it made.
async fn perform(
    call: &Call<'_>,
    wanted: &BulkCall,
    version: Option<&Condition>,
    all_skipped: &mut Vec<String>,
) -> Result<(BulkResult, Option<String>), Error> {
    let data = wanted
        .data
        .as_ref()
        .map(Value::to_string)
        .unwrap_or_default();
    let id = wanted.id.as_deref();
    let written = write(
        call,
        wanted.method,
        wanted.resource,
        id,
        data.as_bytes(),
        version,
    )
    .await?;
    let (saved, skipped) = written;
    all_skipped.extend(skipped);
    let (id, version) = match saved {
        Saved::User(user, _) => (user.id.to_string(), Some(user.version)),
        Saved::Group(group) => (group.id.to_string(), Some(group.version)),
        Saved::Gone => (wanted.id.clone().unwrap_or_default(), None),
    };
    let status = match wanted.method {
        Method::Post => StatusCode::CREATED,
        Method::Put | Method::Patch => StatusCode::OK,
        Method::Delete => StatusCode::NO_CONTENT,
    };
    let resource: ResourceType = wanted.resource;
    let result = BulkResult {
        status: status.as_u16(),
        location: Some(call.view.location(resource, &id)),
        version,
        response: None,
    };
    Ok((result, Some(id)))
}
