//! `[okta]`: the org that is polled, how to sign in there, and when.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::keys::Keys;
use super::schedule::Schedule;
use super::secret::{SecretSource, SecretUrl};
use super::server::is_loopback;

/// What the admin gives a service app; `okta.apps.read` is asked for too where `okta.app_id` is set.
const SCOPES: [&str; 2] = ["okta.groups.read", "okta.users.read"];
const APPS_SCOPE: &str = "okta.apps.read";

/// The org that is polled, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Okta {
    /// The org; `None`: nothing is polled, Okta only pushes.
    pub org: Option<Org>,
    /// The Okta app whose users are the population (R16).
    pub app_id: Option<String>,
    /// Whose members the population is where there is no app (R16).
    pub population: Option<Population>,
    /// Whether a local user is linked by equal userName (R11).
    pub link_by_user_name: bool,
    /// How long somebody who is in no mapped group any more stays active (R16).
    pub leaver_grace: Duration,
    /// When delta runs are due.
    pub delta_schedule: Schedule,
    /// When full runs are due.
    pub full_schedule: Schedule,
    /// Event hooks.
    pub hooks: Hooks,
}

/// How to reach the org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// `https://example.okta.com/`: https (or loopback), no path.
    pub url: Url,
    /// How to sign in there.
    pub auth: Auth,
    /// A proxy for every request to Okta.
    pub proxy: Option<SecretUrl>,
    /// Certificates that are trusted beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The share of each rate limit that may be used, in percent.
    pub rate_share: u8,
    /// Most requests at once.
    pub concurrency: usize,
    /// How long a request may take.
    pub request_timeout: Duration,
}

/// How to sign in to the org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// An API token (`Authorization: SSWS …`).
    Token(SecretSource),
    /// An API Services app with `private_key_jwt`.
    ServiceApp {
        /// The app's client id.
        client_id: String,
        /// Its private key: PEM, or a private JWK.
        private_key: SecretSource,
        /// The `kid` of the public key the app knows.
        key_id: Option<String>,
        /// How assertions are signed.
        algorithm: Algorithm,
        /// Whether access tokens are bound to a key (RFC 9449).
        dpop: Dpop,
        /// The scopes that are asked for.
        scopes: Vec<String>,
    },
}

impl Auth {
    /// What it signs in with.
    pub fn secret(&self) -> &SecretSource {
        match self {
            Self::Token(secret) => secret,
            Self::ServiceApp { private_key, .. } => private_key,
        }
    }
}

/// How client assertions are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

/// Whether access tokens are bound to a key of this process (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dpop {
    /// Where Okta asks for it, as it does by default for API Services apps.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// Who the population is where no app says so (R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Population {
    /// The members of mapped groups, although SCIM has been used.
    Groups,
}

/// Event hooks at `/okta/events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// The secret Okta sends in `Authorization`; `None`: hooks are off.
    pub secret: Option<SecretSource>,
}

pub(super) fn read(keys: &mut Keys<'_>) -> Okta {
    let hour = Duration::from_hours(1);
    let org = org(keys);
    let app_id: Option<String> = keys.optional("okta.app_id");
    if app_id.as_deref().is_some_and(|id| !is_plain(id)) {
        keys.problem(
            "okta.app_id",
            "is not an Okta id: letters, digits, - and _ only",
        );
    }
    let population = keys.optional("okta.population");
    if app_id.is_some() && population.is_some() {
        keys.problem(
            "okta.population",
            "okta.app_id says who the population is; set one of them",
        );
    }
    Okta {
        org,
        population,
        app_id,
        link_by_user_name: keys.take("okta.link_by_user_name", false),
        leaver_grace: keys.duration("okta.leaver_grace", 24 * hour, hour, 24 * 365 * hour),
        delta_schedule: keys.schedule("okta.delta_schedule", "* * * * *"),
        full_schedule: keys.schedule("okta.full_schedule", "0 */6 * * *"),
        hooks: hooks(keys),
    }
}

fn org(keys: &mut Keys<'_>) -> Option<Org> {
    // Asked before they are taken: without an org they would do nothing.
    let idle = [
        "okta.token_file",
        "okta.client_id",
        "okta.private_key_file",
        "okta.app_id",
    ];
    let idle: Vec<&str> = idle.into_iter().filter(|key| keys.is_set(key)).collect();
    let set = keys.is_set("okta.org_url");
    let has_app = keys.is_set("okta.app_id");
    let url = keys
        .optional("okta.org_url")
        .and_then(|url: Url| match org_url(&url) {
            Ok(()) => Some(url),
            Err(text) => {
                keys.problem("okta.org_url", text);
                None
            }
        });
    let auth = auth(keys, has_app, set);
    let proxy = proxy(keys);
    let ca_file = keys.file("okta.ca_file");
    let second = Duration::from_secs(1);
    let rate_share = keys.ranged("okta.rate_share", 50, 1..=100);
    let concurrency = keys.ranged("okta.concurrency", 4, 1..=75);
    let request_timeout = keys.duration("okta.request_timeout", 60 * second, second, 300 * second);
    if !set {
        for key in idle {
            keys.problem(
                key,
                "is set, but okta.org_url is not: nothing would be polled",
            );
        }
        keys.warning(
            "okta.org_url",
            "is not set: nothing is polled, Okta can only push",
        );
    }
    Some(Org {
        url: url?,
        auth: auth?,
        proxy,
        ca_file,
        rate_share,
        concurrency,
        request_timeout,
    })
}

fn org_url(url: &Url) -> Result<(), String> {
    let bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let host = url.host_str().unwrap_or_default();
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(url)) {
        return Err("must be https".to_owned());
    }
    if host.is_empty() || !bare {
        return Err("must be https:// and a host, no more".to_owned());
    }
    // The admin console's host answers no API call.
    let (name, domain) = host.split_once('.').unwrap_or((host, ""));
    if let Some(name) = name.strip_suffix("-admin")
        && domain.contains("okta")
    {
        return Err(format!(
            "is the admin console's address; use https://{name}.{domain}"
        ));
    }
    Ok(())
}

fn auth(keys: &mut Keys<'_>, has_app: bool, wanted: bool) -> Option<Auth> {
    let [token_set, app_set, key_set] =
        ["okta.token_file", "okta.client_id", "okta.private_key_file"].map(|key| keys.is_set(key));
    let token = keys.secret("okta.token_file");
    let client_id: Option<String> = keys.optional("okta.client_id");
    let private_key = keys.secret("okta.private_key_file");
    let key_id = keys.optional("okta.key_id");
    let algorithm = keys.take("okta.algorithm", Algorithm::RS256);
    let dpop = keys.take("okta.dpop", Dpop::Auto);
    let scopes_set = keys.is_set("okta.scopes");
    let mut scopes: Vec<String> = keys.take("okta.scopes", SCOPES.map(str::to_owned).to_vec());
    if has_app && !scopes.iter().any(|scope| scope == APPS_SCOPE) {
        if scopes_set {
            keys.problem("okta.scopes", "okta.app_id needs okta.apps.read too");
        }
        scopes.push(APPS_SCOPE.to_owned());
    }
    match (token, client_id, private_key) {
        (Some(token), None, None) => Some(Auth::Token(token)),
        (None, Some(client_id), Some(private_key)) => Some(Auth::ServiceApp {
            client_id,
            private_key,
            key_id,
            algorithm,
            dpop,
            scopes,
        }),
        (Some(_), _, _) => {
            keys.problem(
                "okta.token_file",
                "a token and a service app (okta.client_id, okta.private_key_file) are both set; keep one",
            );
            None
        }
        // What is set and wrong has been told already.
        (None, Some(_), None) => {
            if !key_set {
                keys.problem("okta.private_key_file", "is not set, but okta.client_id is");
            }
            None
        }
        (None, None, Some(_)) => {
            if !app_set {
                keys.problem("okta.client_id", "is not set, but okta.private_key_file is");
            }
            None
        }
        (None, None, None) => {
            if wanted && !(token_set || app_set || key_set) {
                keys.problem(
                    "okta.org_url",
                    "needs okta.token_file, or okta.client_id and okta.private_key_file",
                );
            }
            None
        }
    }
}

fn proxy(keys: &mut Keys<'_>) -> Option<SecretUrl> {
    let open = keys.is_in_the_open("okta.proxy");
    let proxy: SecretUrl = keys.optional("okta.proxy")?;
    if open && proxy.has_password() {
        let text =
            "holds a password, in a file that everybody on this host can read: chmod 0600 it";
        keys.warning("okta.proxy", text);
    }
    if !matches!(proxy.scheme(), "http" | "https" | "socks5" | "socks5h") {
        keys.problem(
            "okta.proxy",
            "must be http://, https://, socks5:// or socks5h://",
        );
    }
    Some(proxy)
}

fn hooks(keys: &mut Keys<'_>) -> Hooks {
    let enabled = keys.take("okta.hooks.enabled", false);
    let secret = keys.secret("okta.hooks.secret_file");
    if enabled && secret.is_none() {
        keys.problem(
            "okta.hooks.secret_file",
            "must be set where okta.hooks.enabled is true",
        );
    }
    Hooks {
        secret: secret.filter(|_| enabled),
    }
}

/// An id that can stand in a URL path as it is.
fn is_plain(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !id.is_empty() && id.len() <= 64 && id.bytes().all(plain)
}
