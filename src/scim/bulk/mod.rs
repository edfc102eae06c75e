//! Bulk (RFC 7644 section 3.7): many operations in one request, which may refer to what others of them create.
//!
//! [`parse`] reads the request; a wrong operation is an error of its own, not of the request. [`BulkRequest::plan`] puts
//! the operations in an order in which every reference is known when it is needed; [`BulkCall::resolve`] fills the
//! references in; [`BulkResult`] is one line of the answer.

mod plan;

use std::collections::HashSet;

use serde_json::{Value, json};

use super::error::{ScimError, shown};
use super::json::{self, Object};
use super::schema::ResourceType;
use super::{BULK_RESPONSE_URN, etag};

pub use plan::Step;

/// What the service advertises and keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkLimits {
    /// Operations in one request.
    pub operations: usize,
    /// Bytes of one request.
    pub payload: usize,
}

/// A bulk request.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// After how many errors to stop; none: never.
    pub fail_on_errors: Option<u64>,
    /// The operations as they were sent.
    pub operations: Vec<BulkOperation>,
}

/// One operation. What the answer repeats is kept also where the operation is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOperation {
    /// The method, in upper case, as far as it can be shown.
    pub method: String,
    /// The client's name for what a POST creates.
    pub bulk_id: Option<String>,
    /// The entity tag the resource must have, as in `If-Match`.
    pub version: Option<String>,
    /// What to do, or why it cannot be done.
    pub call: Result<BulkCall, ScimError>,
}

/// What an operation calls for. Ids and data may hold references until they are resolved.
#[derive(Clone, PartialEq)]
pub struct BulkCall {
    /// How.
    pub method: Method,
    /// On which kind of resource.
    pub resource: ResourceType,
    /// On which resource; none for POST.
    pub id: Option<String>,
    /// The body; none for DELETE.
    pub data: Option<Value>,
}

/// A body may hold a password, so it is not shown.
impl std::fmt::Debug for BulkCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkCall")
            .field("method", &self.method)
            .field("resource", &self.resource)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The methods of bulk operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Reads a bulk request.
///
/// # Errors
/// 413 over a limit (RFC 7644 section 3.7.4), 400 `invalidSyntax` for what is no bulk request.
pub fn parse(body: &[u8], limits: BulkLimits) -> Result<BulkRequest, ScimError> {
    if body.len() > limits.payload {
        let detail = format!(
            "A bulk request may have at most {} bytes; send more than one.",
            limits.payload
        );
        return Err(ScimError::payload_too_large(detail));
    }
    let mut object = json::object(body)?;
    let fail_on_errors = match json::get(&object, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_u64().filter(|errors| *errors > 0).ok_or_else(|| {
            ScimError::invalid_syntax("failOnErrors must be a positive integer.")
        })?),
    };
    let name = json::spelled(&object, "Operations");
    let Some(Value::Array(operations)) = name.and_then(|name| object.shift_remove(&name)) else {
        return Err(ScimError::invalid_syntax("Operations must be a list."));
    };
    if operations.len() > limits.operations {
        let detail = format!(
            "A bulk request may have at most {} operations; send more than one.",
            limits.operations
        );
        return Err(ScimError::payload_too_large(detail));
    }
    let mut names = HashSet::new();
    let operations = operations
        .into_iter()
        .map(|operation| read(operation, &mut names))
        .collect();
    Ok(BulkRequest {
        fail_on_errors,
        operations,
    })
}

fn read(operation: Value, names: &mut HashSet<String>) -> BulkOperation {
    let Value::Object(mut operation) = operation else {
        let call = Err(ScimError::invalid_syntax(
            "Each of Operations must be a JSON object.",
        ));
        return BulkOperation {
            method: String::new(),
            bulk_id: None,
            version: None,
            call,
        };
    };
    let method = text(&operation, "method")
        .map(|method| shown(&method.to_ascii_uppercase()))
        .unwrap_or_default();
    let (bulk_id, version) = (text(&operation, "bulkId"), text(&operation, "version"));
    let mut call = read_call(&mut operation, &method);
    if let Ok(BulkCall {
        method: Method::Post,
        ..
    }) = &call
    {
        call = match &bulk_id {
            None => Err(ScimError::invalid_syntax(
                "A POST operation needs a bulkId.",
            )),
            Some(name) if !names.insert(name.clone()) => Err(ScimError::invalid_value(
                "Another operation has the same bulkId.",
            )),
            Some(_) => call,
        };
    }
    BulkOperation {
        method,
        bulk_id,
        version,
        call,
    }
}

fn read_call(operation: &mut Object, method: &str) -> Result<BulkCall, ScimError> {
    let Some(method) = Method::from_word(method) else {
        return Err(ScimError::method_not_allowed(
            "method must be POST, PUT, PATCH or DELETE.",
        ));
    };
    let path = text(operation, "path")
        .ok_or_else(|| ScimError::invalid_syntax("An operation needs a path."))?;
    let (resource, id) = target(&path)?;
    match (method, &id) {
        (Method::Post, Some(_)) => {
            return Err(ScimError::method_not_allowed(
                "POST goes to /Users or /Groups.",
            ));
        }
        (Method::Put | Method::Patch | Method::Delete, None) => {
            return Err(ScimError::method_not_allowed(
                "PUT, PATCH and DELETE need an id in the path.",
            ));
        }
        _ => {}
    }
    let data = json::spelled(operation, "data").and_then(|name| operation.shift_remove(&name));
    let data = match (method, data) {
        (Method::Delete, _) => None,
        (_, Some(data @ Value::Object(_))) => Some(data),
        _ => {
            return Err(ScimError::invalid_syntax(
                "POST, PUT and PATCH need an object as data.",
            ));
        }
    };
    Ok(BulkCall {
        method,
        resource,
        id,
        data,
    })
}

/// `/Users`, `/Users/{id}` and the same of Groups.
fn target(path: &str) -> Result<(ResourceType, Option<String>), ScimError> {
    let unknown =
        || ScimError::not_found("path must be /Users, /Groups, or one of these and an id.");
    let mut parts = path.trim_matches('/').split('/');
    let resource = match parts.next() {
        Some("Users") => ResourceType::User,
        Some("Groups") => ResourceType::Group,
        _ => return Err(unknown()),
    };
    let id = parts.next().map(str::to_owned);
    if parts.next().is_some()
        || id.as_deref().is_some_and(str::is_empty)
        || path.contains(['?', '#'])
    {
        return Err(unknown());
    }
    Ok((resource, id))
}

fn text(object: &Object, name: &str) -> Option<String> {
    json::get(object, name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkResult {
    /// HTTP status.
    pub status: u16,
    /// URL of the resource; none if a POST failed.
    pub location: Option<String>,
    /// Version of the resource after it.
    pub version: Option<i64>,
    /// The body: the error, where it failed.
    pub response: Option<Value>,
}

impl BulkResult {
    /// The result of an operation that failed; `location` is known unless it was a POST.
    pub fn failed(error: &ScimError, location: Option<String>) -> Self {
        Self {
            status: error.status,
            location,
            version: None,
            response: Some(error.to_json()),
        }
    }

    /// The element of `Operations` in the answer (RFC 7644 section 3.7.3).
    pub fn to_json(&self, operation: &BulkOperation) -> Value {
        let mut element = Object::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                element.insert(name.to_owned(), value);
            }
        };
        put("location", self.location.as_deref().map(Value::from));
        put("method", Some(operation.method.as_str().into()));
        put("bulkId", operation.bulk_id.as_deref().map(Value::from));
        put(
            "version",
            self.version.map(|version| etag::weak(version).into()),
        );
        put("status", Some(self.status.to_string().into()));
        put("response", self.response.clone());
        Value::Object(element)
    }
}

/// The body of the answer. Operations that were not reached (`failOnErrors`) are not in it.
pub fn response(operations: &[Value]) -> Value {
    json!({"schemas": [BULK_RESPONSE_URN], "Operations": operations})
}

#[cfg(test)]
mod tests;
