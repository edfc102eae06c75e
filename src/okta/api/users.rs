//! Users.

use super::{only, quoted};
use crate::model::fold::fold;
use crate::model::id::OktaUserId;
use crate::model::time::Timestamp;
use crate::okta::Read;
use crate::okta::client::{Ask, Client};
use crate::okta::error::{Error, Place};
use crate::okta::listing::{End, Listing, On404, Source};
use crate::okta::types::User;

/// Which users to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserFilter {
    /// All of them, deactivated ones too.
    All,
    /// Those changed after an instant of Okta's clock: profile and status, not membership.
    ChangedSince(Timestamp),
}

/// The fields of [`User`]; pages are several times smaller than without.
const FIELDS: &str = "id,status,transitioningToStatus,statusChanged,lastUpdated,profile:(login,email,firstName,lastName,displayName)";

impl Client {
    /// Lists users.
    pub fn list_users(&self, filter: UserFilter) -> Listing<User> {
        // The plain listing leaves DEPROVISIONED out, a filter does not, and every user was updated after 1970.
        let after = match filter {
            UserFilter::All => Timestamp::from_millis(0),
            UserFilter::ChangedSince(at) => at,
        };
        self.users_where(&format!(r#"lastUpdated gt "{after}""#))
    }

    /// Reads one user by id.
    pub async fn user(&self, id: &OktaUserId) -> Read<User> {
        let url = self.url(&["api", "v1", "users", id.as_str()]);
        self.read(Ask {
            slim: true,
            ..Ask::new(url)
        })
        .await
    }

    /// Reads the user who signs in as `login` (matched by the fold of R18, deactivated ones too).
    ///
    /// By path where it can be: a filter lags behind (Okta's listings are eventually consistent). But Okta takes ids and
    /// unique short names there too, so another's login means asking the filter.
    pub async fn user_by_login(&self, login: &str) -> Read<User> {
        let same = fold(login);
        // Okta takes no slash here, URLs no dots alone, and `me` is the token's own user.
        if !login.contains('/') && !matches!(login, "" | "." | ".." | "me") {
            let url = self.url(&["api", "v1", "users", login]);
            let read: Read<User> = self
                .read(Ask {
                    slim: true,
                    ..Ask::new(url)
                })
                .await;
            match &read {
                Read::Known { value, .. } if fold(&value.login) != same => {}
                _ => return read,
            }
        }
        let filter = format!("profile.login eq {}", quoted(login));
        let found = self.users_where(&filter).collect().await;
        match found.end {
            End::Whole { since, .. } => {
                let matching = found.items.into_iter();
                let matching = matching.filter(|user| fold(&user.login) == same).collect();
                only(matching, since, || Error::Malformed {
                    place: Place::new("GET", "/api/v1/users"),
                    why: "several users have the same login".to_owned(),
                })
            }
            End::Gone { at } => Read::Gone { at },
            End::Partial { why } => Read::Unknown { why },
        }
    }

    fn users_where(&self, filter: &str) -> Listing<User> {
        let first = self.url_with(
            &["api", "v1", "users"],
            &[("filter", filter), ("fields", FIELDS)],
        );
        self.list(Source {
            first,
            limit: self.shared.pages.users,
            on_404: On404::Unknown,
            slim: true,
        })
    }
}
