//! A SCIM client over the router, without a network.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use rosterd::http::client_addr::TrustedProxies;
use rosterd::http::metrics::Metrics;
use rosterd::http::{App, Around, HttpSettings, router};
use rosterd::model::actor::{Channel, Cx};
use rosterd::model::random::SeededRandom;
use rosterd::service::request_log::{self, Queue};
use rosterd::service::tokens::{self, Scope};
use rosterd::service::{Service, Settings};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::stores::TestStore;

pub(crate) const PUBLIC_URL: &str = "https://rosterd.example.test";

pub(crate) struct Client {
    pub(crate) router: Router,
    pub(crate) service: Service,
    pub(crate) token: String,
    pub(crate) queue: Queue,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Holds a SCIM Error of this status, in every respect.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            "application/scim+json; charset=utf-8"
        );
        let body = self.json();
        assert_eq!(
            body["schemas"],
            serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
        );
        assert_eq!(body["status"], status.to_string());
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
        body
    }
}

pub(crate) fn host() -> Cx {
    Cx {
        channel: Channel::Cli,
        actor: "root".to_owned(),
        request_id: None,
    }
}

pub(crate) async fn issue(service: &Service, scope: Scope) -> String {
    let issued = tokens::issue(service, &host(), scope, "test", None)
        .await
        .unwrap();
    issued.secret.expose_secret().to_owned()
}

impl Client {
    /// The daemon's doors over a store on which no token was made.
    pub(crate) fn without_token(store: &TestStore) -> Self {
        Self::over(store, &HttpSettings::default())
    }

    fn over(store: &TestStore, doors: &HttpSettings) -> Self {
        let settings = Settings {
            scim_max_results: 1_000,
            ..Settings::default()
        };
        let service = Service::new(store.store.clone(), settings);
        let (log, queue) = request_log::queue();
        let doors = HttpSettings {
            public_url: PUBLIC_URL.to_owned(),
            ..doors.clone()
        };
        let clock = Arc::clone(&store.clock) as _;
        let app = App::new(service.clone(), doors, log, Metrics::default(), clock);
        let around = Around {
            random: Arc::new(SeededRandom::new(1)),
            trusted: TrustedProxies::default(),
            max_requests: 100,
        };
        Self {
            router: router(app, None, &around),
            service,
            token: String::new(),
            queue,
        }
    }

    /// The same with a SCIM token.
    pub(crate) async fn new(store: &TestStore) -> Self {
        let mut client = Self::without_token(store);
        client.token = issue(&client.service, Scope::Scim).await;
        client
    }

    /// The same where an answer may take only so long.
    pub(crate) async fn impatient(store: &TestStore, patience: Duration) -> Self {
        let doors = HttpSettings {
            scim_patience: patience,
            ..HttpSettings::default()
        };
        Self::with(store, &doors).await
    }

    /// The same with these doors.
    pub(crate) async fn with(store: &TestStore, doors: &HttpSettings) -> Self {
        let mut client = Self::over(store, doors);
        client.token = issue(&client.service, Scope::Scim).await;
        client
    }

    /// An answer of which nothing is read yet.
    pub(crate) async fn unread(&self, path: &str) -> Response<Body> {
        let request = self.request("GET", path, None);
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status: StatusCode = response.status();
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer {
            status: status.as_u16(),
            headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A request as Okta's SCIM client sends it.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2{path}"))
            .header(ACCEPT, "application/scim+json")
            .header("accept-charset", "utf-8")
            .header("user-agent", "Okta SCIM Client 1.0.0")
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/scim+json; charset=utf-8");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        request.body(body).unwrap()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send(self.request(method, path, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    /// Makes a user as Okta does; his id.
    pub(crate) async fn user(&self, user_name: &str) -> String {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
            "name": {"givenName": "Mira", "familyName": "Okafor"},
            "emails": [{"primary": true, "value": user_name, "type": "work"}],
            "displayName": "Mira Okafor", "locale": "en-US",
            "groups": [], "password": "hT4k9QzP", "active": true,
        });
        let made = self.post("/Users", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Makes a group with these members; its id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members
            .iter()
            .map(|id| serde_json::json!({"value": id}))
            .collect();
        let made = self
            .post(
                "/Groups",
                &serde_json::json!({"displayName": name, "members": members}),
            )
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }
}

/// Percent-encodes a filter as Okta does.
pub(crate) fn filter(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
