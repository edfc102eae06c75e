//! What a client is made from.

use std::time::Duration;

use secrecy::SecretString;

use super::org_url::OrgUrl;
use super::types::AppId;

/// Everything a [`super::Client`] needs to know. Secrets are [`SecretString`], whose `Debug` prints none.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The org.
    pub org_url: OrgUrl,
    /// How we prove who we are.
    pub auth: Auth,
    /// The app whose users are the population (R16), when there is one.
    pub app_id: Option<AppId>,
    /// How much of each rate bucket is ours.
    pub share: Share,
    /// Most requests in flight at once (at least 1). Okta allows 75 per org, 35 on Integrator orgs, to all together.
    pub max_concurrent: usize,
    /// How long one request may take from connecting to the last byte.
    pub timeout: Duration,
    /// The proxy to go through. `HTTP_PROXY` and its kin are not looked at.
    pub proxy: Option<Proxy>,
    /// Certificates (PEM, one or more) trusted besides the system's, for an inspecting proxy or a test org.
    pub extra_roots: Option<String>,
    /// Rows per page.
    pub pages: PageSizes,
    /// Our `User-Agent`.
    pub user_agent: String,
    /// Names of response headers whose latest value [`super::Snapshot`] shows, for finding out about a proxy.
    pub keep_headers: Vec<String>,
}

impl Settings {
    /// Settings with the defaults: half of each bucket, 4 requests at once, 60 s each.
    pub fn new(org_url: OrgUrl, auth: Auth) -> Self {
        Self {
            org_url,
            auth,
            app_id: None,
            share: Share::default(),
            max_concurrent: 4,
            timeout: Duration::from_mins(1),
            proxy: None,
            extra_roots: None,
            pages: PageSizes::default(),
            user_agent: concat!("rosterd/", env!("CARGO_PKG_VERSION")).to_owned(),
            keep_headers: Vec::new(),
        }
    }
}

/// How we prove who we are.
#[derive(Debug, Clone)]
pub enum Auth {
    /// An API token: `Authorization: SSWS …`, with the rights of the admin who made it.
    Ssws {
        /// The token.
        token: SecretString,
    },
    /// An OAuth service app with `private_key_jwt`.
    ServiceApp(ServiceApp),
}

/// An OAuth service app ("API Services" in Okta's console).
#[derive(Debug, Clone)]
pub struct ServiceApp {
    /// Its client id.
    pub client_id: String,
    /// Its private key: PEM (PKCS#8, PKCS#1, SEC1) or one private JWK as JSON.
    pub key: SecretString,
    /// The `kid` Okta shows for the public key; `None` takes the JWK's own, or sends none.
    pub key_id: Option<String>,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The scopes to ask for, as `okta.groups.read`.
    pub scopes: Vec<String>,
    /// Whether tokens are bound to a key of ours (RFC 9449).
    pub dpop: DpopMode,
}

/// A signature algorithm of the client assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, key of 2048 bits or more.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// As in a JOSE header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// Whether DPoP (RFC 9449) is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DpopMode {
    /// Plain bearer tokens.
    Off,
    /// Always.
    On,
    /// Without, until the token endpoint says `invalid_dpop_proof`, which apps made since 2024 do by default.
    #[default]
    Auto,
}

/// An outbound HTTP or SOCKS proxy.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Where it is, as `http://proxy.example.test:3128`; without credentials.
    pub url: String,
    /// User name and password.
    pub credentials: Option<(String, SecretString)>,
}

/// The fraction of each of Okta's rate buckets that is ours; the rest is left for others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    /// A share: more than 0, at most 1. `None` otherwise.
    pub fn new(fraction: f64) -> Option<Self> {
        (fraction > 0.0 && fraction <= 1.0).then_some(Self(fraction))
    }

    /// How many of `limit` requests a window are ours: at least one, or nothing would ever be read.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 < share <= 1, so it is at most limit"
    )]
    pub(super) fn of(self, limit: u32) -> u32 {
        ((f64::from(limit) * self.0) as u32).clamp(1, limit.max(1))
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(0.5)
    }
}

/// Rows asked for per page. Halved for one listing when Okta answers 500 to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSizes {
    /// `/groups` (Okta advises 200).
    pub groups: u32,
    /// `/groups/{id}/users` (at most 1000).
    pub members: u32,
    /// `/users` (at most 200).
    pub users: u32,
    /// `/apps/{id}/users` (at most 500).
    pub app_users: u32,
    /// `/apps/{id}/group-push/mappings` (at most 1000).
    pub mappings: u32,
}

impl Default for PageSizes {
    fn default() -> Self {
        Self {
            groups: 200,
            members: 1000,
            users: 200,
            app_users: 500,
            mappings: 1000,
        }
    }
}

/// Why a client cannot be made from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The SSWS token cannot stand in a header.
    #[error(
        "the Okta API token is empty or holds characters that no token has (a line break inside?)"
    )]
    Token,
    /// The service app's key cannot be used.
    #[error("the service app's private key: {0}")]
    Key(String),
    /// The service app asks for no scope.
    #[error("the service app needs at least one scope, as okta.groups.read")]
    NoScopes,
    /// The proxy's URL is none.
    #[error("the proxy's URL cannot be used; write it as http://proxy.example.test:3128")]
    Proxy,
    /// The extra certificates cannot be read.
    #[error("the extra root certificates are not PEM certificates")]
    Roots,
    /// The user agent or a header name cannot stand in HTTP.
    #[error("{0} holds characters that no header has")]
    Header(&'static str),
    /// The TLS or HTTP layer refused to start.
    #[error("the HTTPS client cannot start: {0}")]
    Start(String),
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::Share;

    #[test]
    fn a_share_is_of_the_limit_and_never_nothing() {
        assert_eq!(Share::new(0.5).unwrap().of(500), 250);
        assert_eq!(Share::new(0.01).unwrap().of(20), 1);
        assert_eq!(Share::new(1.0).unwrap().of(600), 600);
        for bad in [0.0, -1.0, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::new(bad), None, "{bad}");
        }
    }
}
