//! Who we are to Okta and what we may read: the org's id (R8) and `check --online`.

use crate::model::time::Timestamp;
use crate::okta::Read;
use crate::okta::client::{Ask, Client, Got};
use crate::okta::error::Error;
use crate::okta::types::{App, Org, User};

/// What `check --online` found out. Each probe is one request for one row.
#[derive(Debug)]
pub struct Access {
    /// The org (public, so it tells a wrong URL from a wrong token).
    pub org: Read<Org>,
    /// Who the token is.
    pub identity: Identity,
    /// Listing groups.
    pub groups: Result<(), Error>,
    /// Listing users.
    pub users: Result<(), Error>,
    /// The app, where one is configured.
    pub app: Option<Read<App>>,
    /// Listing the app's users.
    pub app_users: Option<Result<(), Error>>,
    /// Listing the app's group pushes.
    pub push_mappings: Option<Result<(), Error>>,
    /// Okta's clock less ours, in ms; beyond some seconds client assertions and proofs fail.
    pub clock_skew_ms: Option<i64>,
    /// When it was found out.
    pub at: Timestamp,
}

/// Who the token is.
#[derive(Debug)]
pub enum Identity {
    /// An API token: the admin who made it.
    Admin {
        /// The admin.
        user: Box<Read<User>>,
        /// His roles as Okta names them; an error where the token may not see them.
        roles: Result<Vec<String>, Error>,
    },
    /// A service app.
    ServiceApp {
        /// The scopes that were granted (not more than asked for), or why there is no token.
        scopes: Result<Vec<String>, Error>,
        /// Whether its tokens are bound to our key (DPoP).
        dpop: bool,
    },
}

#[derive(serde::Deserialize)]
struct Role {
    #[serde(rename = "type")]
    kind: String,
    label: Option<String>,
}

impl Client {
    /// Reads the org's id. Needs no token.
    pub async fn organization(&self) -> Read<Org> {
        let url = self.url(&[".well-known", "okta-organization"]);
        self.read(Ask {
            anonymous: true,
            ..Ask::new(url)
        })
        .await
    }

    /// Reads the admin whose API token this is. A service app is no user: Okta answers it with an error.
    pub async fn me(&self) -> Read<User> {
        let url = self.url(&["api", "v1", "users", "me"]);
        self.read(Ask {
            slim: true,
            ..Ask::new(url)
        })
        .await
    }

    /// Tries everything that a poll needs.
    pub async fn access(&self) -> Access {
        let org = self.organization().await;
        let identity = self.identity().await;
        let groups = self.probe(&["api", "v1", "groups"]).await;
        let users = self.probe(&["api", "v1", "users"]).await;
        let (mut app, mut app_users, mut push_mappings) = (None, None, None);
        if let Some(id) = self.shared.app_id.clone() {
            let id = id.as_str();
            app = Some(
                self.read(Ask::new(self.url(&["api", "v1", "apps", id])))
                    .await,
            );
            app_users = Some(self.probe(&["api", "v1", "apps", id, "users"]).await);
            push_mappings = Some(
                self.probe(&["api", "v1", "apps", id, "group-push", "mappings"])
                    .await,
            );
        }
        let clock_skew_ms = self.status().clock_skew_ms;
        Access {
            org,
            identity,
            groups,
            users,
            app,
            app_users,
            push_mappings,
            clock_skew_ms,
            at: self.now(),
        }
    }

    async fn identity(&self) -> Identity {
        if let Some(granted) = self.granted().await {
            return match granted {
                Ok((scopes, dpop)) => Identity::ServiceApp {
                    scopes: Ok(scopes),
                    dpop,
                },
                Err(error) => Identity::ServiceApp {
                    scopes: Err(error),
                    dpop: false,
                },
            };
        }
        let user = self.me().await;
        let roles = match &user {
            Read::Known { value, .. } => self.roles(value.id.as_str()).await,
            Read::Gone { .. } => Ok(Vec::new()),
            Read::Unknown { why } => Err(why.clone()),
        };
        Identity::Admin {
            user: Box::new(user),
            roles,
        }
    }

    async fn roles(&self, user: &str) -> Result<Vec<String>, Error> {
        match self
            .get(&Ask::new(self.url(&["api", "v1", "users", user, "roles"])))
            .await?
        {
            Got::Good { answer, place, .. } => {
                let roles: Vec<Role> = self.parse(&answer, place)?;
                Ok(roles
                    .into_iter()
                    .map(|role| role.label.unwrap_or(role.kind))
                    .collect())
            }
            Got::Gone { error, .. } | Got::TooLarge(error) => Err(error),
        }
    }

    async fn probe(&self, path: &[&str]) -> Result<(), Error> {
        match self
            .get(&Ask::new(self.url_with(path, &[("limit", "1")])))
            .await?
        {
            Got::Good { answer, place, .. } => self
                .parse::<Vec<serde::de::IgnoredAny>>(&answer, place)
                .map(drop),
            Got::Gone { error, .. } | Got::TooLarge(error) => Err(error),
        }
    }
}
