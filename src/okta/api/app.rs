//! The app: its users, and the groups it pushes.

use url::Url;

use super::only;
use crate::model::fold::fold;
use crate::model::id::OktaUserId;
use crate::okta::Read;
use crate::okta::client::{Ask, Client, Got};
use crate::okta::error::{Error, Place};
use crate::okta::listing::{End, Listing, On404, Source};
use crate::okta::types::{App, AppId, AppUser, PushMapping};

impl Client {
    /// Reads an app.
    pub async fn app(&self, app: &AppId) -> Read<App> {
        self.read(Ask::new(self.url(&["api", "v1", "apps", app.as_str()])))
            .await
    }

    /// Lists the users assigned to an app. A 404 (a wrong app id) ends it partial: it must not empty the population.
    pub fn app_users(&self, app: &AppId) -> Listing<AppUser> {
        self.app_users_at(self.url(&["api", "v1", "apps", app.as_str(), "users"]))
    }

    /// Reads one user's assignment. Okta answers the same 404 when the app itself is not there, so a 404 counts only when
    /// the app's users can be listed right after.
    pub async fn app_user(&self, app: &AppId, user: &OktaUserId) -> Read<AppUser> {
        let read = self
            .read(Ask::new(self.url(&[
                "api",
                "v1",
                "apps",
                app.as_str(),
                "users",
                user.as_str(),
            ])))
            .await;
        if !matches!(read, Read::Gone { .. }) {
            return read;
        }
        let listed = self.url_with(
            &["api", "v1", "apps", app.as_str(), "users"],
            &[("limit", "1")],
        );
        match self.get(&Ask::new(listed)).await {
            Ok(Got::Good { .. }) => read,
            Ok(Got::Gone { error: why, .. } | Got::TooLarge(why)) | Err(why) => {
                Read::Unknown { why }
            }
        }
    }

    /// Reads the assignment of the user whose name in the app is `user_name` (R7: who has no Okta id yet is looked up so).
    pub async fn app_user_by_name(&self, app: &AppId, user_name: &str) -> Read<AppUser> {
        let path = ["api", "v1", "apps", app.as_str(), "users"];
        // `q` matches beginnings, of other attributes too; which of them it is, is decided here.
        let found = self
            .app_users_at(self.url_with(&path, &[("q", user_name)]))
            .collect()
            .await;
        match found.end {
            End::Whole { since, .. } => {
                let same = fold(user_name);
                let named = |user: &AppUser| {
                    user.user_name
                        .as_deref()
                        .is_some_and(|name| fold(name) == same)
                };
                only(
                    found.items.into_iter().filter(named).collect(),
                    since,
                    || Error::Malformed {
                        place: Place::new("GET", self.url(&path).path()),
                        why: "several app users have the same name".to_owned(),
                    },
                )
            }
            End::Gone { at } => Read::Gone { at },
            End::Partial { why } => Read::Unknown { why },
        }
    }

    /// Lists what an app pushes (R17).
    pub fn push_mappings(&self, app: &AppId) -> Listing<PushMapping> {
        let first = self.url(&["api", "v1", "apps", app.as_str(), "group-push", "mappings"]);
        self.list(Source {
            first,
            limit: self.shared.pages.mappings,
            on_404: On404::Unknown,
            slim: false,
        })
    }

    fn app_users_at(&self, first: Url) -> Listing<AppUser> {
        self.list(Source {
            first,
            limit: self.shared.pages.app_users,
            on_404: On404::Unknown,
            slim: false,
        })
    }
}
