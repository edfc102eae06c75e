//! Groups and their members.

use crate::model::id::OktaGroupId;
use crate::model::time::Timestamp;
use crate::okta::Read;
use crate::okta::client::{Ask, Client};
use crate::okta::listing::{Listing, On404, Source};
use crate::okta::types::{Group, Member};

/// Which groups to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupFilter {
    /// All of them; absence counts when the listing ends whole (R8).
    All,
    /// Those whose profile or membership changed after an instant of Okta's clock. A member's change of status does not
    /// show here, and a deleted group never does.
    ChangedSince(Timestamp),
}

impl Client {
    /// Lists groups, APP_GROUPs and BUILT_INs among them.
    pub fn list_groups(&self, filter: GroupFilter) -> Listing<Group> {
        let path = ["api", "v1", "groups"];
        let first = match filter {
            GroupFilter::All => self.url(&path),
            GroupFilter::ChangedSince(at) => {
                let changed =
                    format!(r#"lastUpdated gt "{at}" or lastMembershipUpdated gt "{at}""#);
                self.url_with(&path, &[("filter", &changed)])
            }
        };
        self.list(Source {
            first,
            limit: self.shared.pages.groups,
            on_404: On404::Unknown,
            slim: false,
        })
    }

    /// Reads one group, fresher than any listing.
    pub async fn group(&self, id: &OktaGroupId) -> Read<Group> {
        self.read(Ask::new(self.url(&["api", "v1", "groups", id.as_str()])))
            .await
    }

    /// Lists a group's members, deactivated ones among them. Ends [`crate::okta::End::Gone`] when the group is gone.
    pub fn group_members(&self, id: &OktaGroupId) -> Listing<Member> {
        let first = self.url(&["api", "v1", "groups", id.as_str(), "users"]);
        self.list(Source {
            first,
            limit: self.shared.pages.members,
            on_404: On404::Gone,
            slim: true,
        })
    }
}
