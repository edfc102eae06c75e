//! The Okta client that the configuration asks for. Secrets are read here, and again at each reload.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::config::{self, Problem};
use crate::model::random::Random;
use crate::model::time::Clock;
use crate::okta::types::AppId;
use crate::okta::{
    Algorithm, Auth, Client, DpopMode, OrgUrl, Proxy, ServiceApp, Settings, SettingsError, Share,
    Surroundings,
};

const CA_FILE: &str = "okta.ca_file";
const PRIVATE_KEY_FILE: &str = "okta.private_key_file";
const PROXY: &str = "okta.proxy";
const TOKEN_FILE: &str = "okta.token_file";

/// Makes the client; `None` when no org is configured.
///
/// # Errors
/// What is wrong, with the key to set right; never a secret.
pub fn client(
    okta: &config::Okta,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Option<Client>, Problem> {
    let Some(org) = &okta.org else {
        return Ok(None);
    };
    made(okta, org, auth(&org.auth)?, clock, random).map(Some)
}

/// What keeps the client from being made. A credential that only the service sees is taken for a good one.
pub fn problem(
    okta: &config::Okta,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Option<Problem> {
    let org = okta.org.as_ref()?;
    let unseen = org.auth.secret().out_of_reach().is_some();
    let auth = if unseen {
        Ok(Auth::Ssws {
            token: "unseen".into(),
        })
    } else {
        auth(&org.auth)
    };
    auth.and_then(|auth| made(okta, org, auth, clock, random))
        .err()
}

fn made(
    okta: &config::Okta,
    org: &config::Org,
    auth: Auth,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Client, Problem> {
    let url = OrgUrl::parse(org.url.as_str())
        .map_err(|error| Problem::new("okta.org_url", error.to_string()))?;
    let mut settings = Settings::new(url, auth);
    if let Some(app_id) = &okta.app_id {
        let parsed = AppId::parse(app_id);
        settings.app_id =
            Some(parsed.ok_or_else(|| Problem::new("okta.app_id", "not an Okta app id"))?);
    }
    settings.share = Share::new(f64::from(org.rate_share) / 100.0).unwrap_or_default();
    settings.max_concurrent = org.concurrency;
    settings.timeout = org.request_timeout;
    if let Some(path) = &org.ca_file {
        let roots = std::fs::read_to_string(path)
            .map_err(|error| Problem::new(CA_FILE, format!("{}: {error}", path.display())))?;
        settings.extra_roots = Some(roots);
    }
    settings.proxy = org.proxy.as_ref().map(proxy).transpose()?;
    let around = Surroundings::new(Arc::clone(clock), Arc::clone(random));
    Client::new(settings, around).map_err(|error| Problem::new(key_of(&error), error.to_string()))
}

/// The key by which it is set right.
fn key_of(error: &SettingsError) -> &'static str {
    match error {
        SettingsError::Token => TOKEN_FILE,
        SettingsError::Key(_) => PRIVATE_KEY_FILE,
        SettingsError::NoScopes => "okta.scopes",
        SettingsError::Proxy => PROXY,
        SettingsError::Roots => CA_FILE,
        SettingsError::Header(_) | SettingsError::Start(_) => "okta",
    }
}

fn auth(auth: &config::Auth) -> Result<Auth, Problem> {
    match auth {
        config::Auth::Token(source) => {
            let token = source
                .read()
                .map_err(|error| Problem::new(TOKEN_FILE, error.to_string()))?;
            Ok(Auth::Ssws { token })
        }
        config::Auth::ServiceApp {
            client_id,
            private_key,
            key_id,
            algorithm,
            dpop,
            scopes,
        } => {
            let key = private_key
                .read()
                .map_err(|error| Problem::new(PRIVATE_KEY_FILE, error.to_string()))?;
            Ok(Auth::ServiceApp(ServiceApp {
                client_id: client_id.clone(),
                key,
                key_id: key_id.clone(),
                algorithm: match algorithm {
                    config::Algorithm::RS256 => Algorithm::Rs256,
                    config::Algorithm::ES256 => Algorithm::Es256,
                },
                scopes: scopes.clone(),
                dpop: match dpop {
                    config::Dpop::Auto => DpopMode::Auto,
                    config::Dpop::On => DpopMode::On,
                    config::Dpop::Off => DpopMode::Off,
                },
            }))
        }
    }
}

/// A proxy URL taken apart, so that its password is in no text that may be shown.
fn proxy(url: &config::SecretUrl) -> Result<Proxy, Problem> {
    let mut parsed =
        url::Url::parse(url.expose()).map_err(|error| Problem::new(PROXY, error.to_string()))?;
    // A URL writes `@` and `:` in them as %40 and %3A; the proxy is told what they stand for.
    let decoded = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(Into::into)
            .map_err(|_| Problem::new(PROXY, "the user name or password is not UTF-8"))
    };
    let user: String = decoded(parsed.username())?;
    let password: String = decoded(parsed.password().unwrap_or_default())?;
    let credentials = (!user.is_empty()).then(|| (user, password.into()));
    // A URL with a host always takes these.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    Ok(Proxy {
        url: parsed.into(),
        credentials,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use secrecy::ExposeSecret as _;

    use super::proxy;
    use crate::config::SecretUrl;

    #[test]
    fn a_proxy_s_user_and_password_are_told_as_they_are() {
        let url: SecretUrl =
            serde_json::from_str(r#""http://me%40corp:p%3A%2Fss@proxy.example.test:3128""#)
                .unwrap();
        let made = proxy(&url).unwrap();
        assert_eq!(made.url, "http://proxy.example.test:3128/");
        let (user, password) = made.credentials.unwrap();
        assert_eq!(
            (user.as_str(), password.expose_secret()),
            ("me@corp", "p:/ss")
        );
    }
}
