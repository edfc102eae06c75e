//! One HTTP exchange with Okta: nothing is repeated, followed or decided here.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, StatusCode, header};
use secrecy::ExposeSecret as _;

use super::settings::{Proxy, Settings, SettingsError};
use crate::model::time::Timestamp;

/// No answer is larger: a page of 1000 users is about 2 MB.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// The HTTP client and what it keeps of answers.
pub(super) struct Transport {
    http: reqwest::Client,
    pub(super) keep: Vec<HeaderName>,
    /// How long one exchange may take.
    pub(super) timeout: std::time::Duration,
}

/// An answer of any status, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Okta's name for the request.
    pub(super) fn request_id(&self) -> Option<String> {
        let id = self.headers.get("x-okta-request-id")?.to_str().ok()?;
        Some(id.chars().take(64).collect())
    }

    /// Okta's clock when it answered.
    pub(super) fn date(&self) -> Option<Timestamp> {
        let text = self.headers.get(header::DATE)?.to_str().ok()?;
        let at = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()?;
        Some(Timestamp::from_millis(at.as_millisecond()))
    }
}

impl Transport {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let keep = settings
            .keep_headers
            .iter()
            .map(|name| HeaderName::from_bytes(name.as_bytes()));
        let keep = keep
            .collect::<Result<_, _>>()
            .map_err(|_| SettingsError::Header("a name in keep_headers"))?;
        http::HeaderValue::from_str(&settings.user_agent)
            .map_err(|_| SettingsError::Header("the user agent"))?;
        #[expect(clippy::disallowed_methods, reason = "this is the one builder")]
        let mut builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout.min(std::time::Duration::from_secs(10)))
            // A redirect would carry the token elsewhere; Okta's API sends none.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Every repetition is ours to count.
            .retry(reqwest::retry::never())
            // The environment's proxies are not looked at.
            .no_proxy();
        if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(through(proxy)?);
        }
        if let Some(pem) = &settings.extra_roots {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|_| SettingsError::Roots)?;
            if roots.is_empty() {
                return Err(SettingsError::Roots);
            }
            builder = builder.tls_certs_merge(roots);
        }
        let http = builder
            .build()
            .map_err(|error| SettingsError::Start(causes(&error)))?;
        Ok(Self {
            http,
            keep,
            timeout: settings.timeout,
        })
    }

    /// The client, for building requests.
    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Sends, and reads the whole answer. The error says what went wrong on the way, without the URL's query.
    pub(super) async fn send(&self, request: reqwest::Request) -> Result<Answer, String> {
        let mut response = self.http.execute(request).await.map_err(failure)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(format!(
                    "the answer is larger than {} MiB",
                    MAX_BODY / 1024 / 1024
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body: body.freeze(),
        })
    }
}

fn through(proxy: &Proxy) -> Result<reqwest::Proxy, SettingsError> {
    let url = url::Url::parse(&proxy.url).map_err(|_| SettingsError::Proxy)?;
    if !url.username().is_empty() || url.password().is_some() || !url.has_host() {
        return Err(SettingsError::Proxy);
    }
    let made = reqwest::Proxy::all(url).map_err(|_| SettingsError::Proxy)?;
    Ok(match &proxy.credentials {
        Some((user, password)) => made.basic_auth(user, password.expose_secret()),
        None => made,
    })
}

fn failure(error: reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the exchange failed"
    };
    format!("{what}: {}", causes(&error.without_url()))
}

/// The innermost causes, which say what really happened ("connection refused", "invalid peer certificate").
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
