//! One request on the wire: Okta's headers, what it makes of the answer, and the record of both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode, header};
use serde_json::{Map, Value};

use super::super::lock;
use super::{Auth, ScimClient};

/// A request and its answer, without the credential.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// Path and query below the base URL.
    pub path: String,
    /// The body sent; passwords are replaced.
    pub body: Option<Value>,
    /// The status answered; `None` when no answer came.
    pub status: Option<u16>,
    /// The body answered, if it was JSON.
    pub answer: Option<Value>,
    /// What the admin is shown, if it failed.
    pub error: Option<String>,
}

/// Why a task did not go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// 429.
    Limited {
        /// `Retry-After`, if it was an integer.
        retry_after_seconds: Option<i64>,
    },
    /// Another 4xx, or an answer Okta cannot use.
    Refused { status: u16, shown: String },
    /// 5xx, a timeout, or no connection.
    Broken(String),
}

impl Failure {
    /// The text an admin is shown.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Limited { .. } => "Rate limited by the remote server (429)".to_owned(),
            Self::Refused { shown, .. } | Self::Broken(shown) => shown.clone(),
        }
    }

    pub(super) fn unusable(status: u16, why: &str) -> Self {
        Self::Refused {
            status,
            shown: why.to_owned(),
        }
    }
}

/// The requests of one task.
pub(super) struct Session<'a> {
    client: &'a ScimClient,
    loses_answer: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: &'a ScimClient, loses_answer: bool) -> Self {
        Self {
            client,
            loses_answer,
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// Reads one resource; what is no JSON object is none.
    pub(super) async fn read(&mut self, path: &str) -> Result<Map<String, Value>, Failure> {
        match self.get(path).await? {
            Value::Object(resource) => Ok(resource),
            _ => Err(Failure::unusable(
                200,
                "The remote server did not return a resource",
            )),
        }
    }

    /// Sends a request and returns the JSON of a 2xx (null for an empty body).
    pub(super) async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let writes = method != Method::GET;
        let mut exchange = Exchange {
            method: method.clone(),
            path: path.to_owned(),
            body: body.as_ref().map(without_password),
            status: None,
            answer: None,
            error: None,
        };
        let mut result = self.send(method, path, body, &mut exchange).await;
        if writes && std::mem::take(&mut self.loses_answer) {
            result = Err(Failure::Broken("Read timed out".to_owned()));
        }
        exchange.error = result.as_ref().err().map(Failure::shown);
        lock(&self.client.exchanges).push(exchange);
        result
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        exchange: &mut Exchange,
    ) -> Result<Value, Failure> {
        let target = lock(&self.client.target).clone();
        let mut request = self
            .client
            .http
            .request(method.clone(), format!("{}{path}", target.base_url))
            .header(header::USER_AGENT, "Okta SCIM Client 1.0.0")
            .header(header::ACCEPT, "application/scim+json")
            .header(header::ACCEPT_CHARSET, "utf-8")
            .header(header::ACCEPT_ENCODING, "gzip,deflate")
            .header(header::AUTHORIZATION, authorization(&target.auth));
        if let Some(body) = &body {
            request = request
                .header(header::CONTENT_TYPE, "application/scim+json; charset=utf-8")
                .body(body.to_string());
        }
        let broken = |error: reqwest::Error| Failure::Broken(transport_error(&error));
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        exchange.status = Some(status.as_u16());
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.text().await.map_err(broken)?;
        let json: Option<Value> = serde_json::from_str(&text).ok();
        exchange.answer.clone_from(&json);
        if status.is_success() {
            let answer = if text.is_empty() {
                Value::Null
            } else {
                json.ok_or_else(|| unparsable(status, &text))?
            };
            return usable(&method, status, answer);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failure::Limited {
                retry_after_seconds: retry_after.filter(|seconds| *seconds >= 0),
            });
        }
        let failure = match json {
            Some(json) => {
                let detail = json
                    .get("detail")
                    .and_then(Value::as_str)
                    .unwrap_or(status.as_str());
                Failure::Refused {
                    status: status.as_u16(),
                    shown: format!("Errors reported by remote server: {detail}"),
                }
            }
            None => unparsable(status, &text),
        };
        match failure {
            Failure::Refused { shown, .. } if !status.is_client_error() => {
                Err(Failure::Broken(shown))
            }
            failure => Err(failure),
        }
    }
}

/// An error body that is no JSON hides the real error behind Jackson's message.
fn unparsable(status: StatusCode, text: &str) -> Failure {
    let token: String = text
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let shown = format!(
        "Error while calling the remote server: Unrecognized token '{token}': was expecting ('true', 'false' or 'null')"
    );
    Failure::Refused {
        status: status.as_u16(),
        shown,
    }
}

/// What Okta makes of a 2xx: a create is 201 and a PUT is answered with the resource; a PATCH may be answered 204 as well.
fn usable(method: &Method, status: StatusCode, answer: Value) -> Result<Value, Failure> {
    let wanted = if *method == Method::POST {
        status == StatusCode::CREATED
    } else if *method == Method::PUT {
        status == StatusCode::OK && answer.is_object()
    } else {
        true
    };
    if wanted {
        return Ok(answer);
    }
    let why = format!("The remote server answered {method} with {status}");
    Err(Failure::unusable(status.as_u16(), &why))
}

fn transport_error(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "Read timed out".to_owned()
    } else {
        "Connection to the remote server failed".to_owned()
    }
}

fn authorization(auth: &Auth) -> String {
    match auth {
        Auth::Bearer(token) => format!("Bearer {token}"),
        Auth::Header(value) => value.clone(),
        Auth::Basic { user, password } => {
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        }
    }
}

fn without_password(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(password) = body.get_mut("password") {
        *password = Value::from("[password]");
    }
    body
}
