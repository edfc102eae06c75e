//! R8 of what a run does not take but holds: whoever approves it takes nothing that Okta has.

use rosterd::model::time::Clock as _;
use rosterd::reconcile::Change;
use rosterd::sim::org::{AppUser, Group, User};

use super::checks::Look;
use super::history::History;
use super::model::Person;

/// A group and a member, by Okta's ids.
pub(crate) type Edge = (String, String);

impl History {
    /// What runs since `before` found and hold. What they took over from an older plan was read by that one; what a push
    /// said of `overtaken` came later than the reading, also for the runs of the same moment that find the plan so.
    pub(crate) async fn check_held(&mut self, before: &Look, overtaken: Option<&Edge>) {
        if let Some(edge) = overtaken {
            self.overtaken = Some((edge.clone(), self.clock.now().as_millis()));
        }
        let rows = self
            .eyes
            .rows(
                "SELECT c.change, c.reason, CAST(c.observed_at AS TEXT), CAST(r.began_at AS TEXT) \
                   FROM run_changes c JOIN runs r ON r.id = c.run_id WHERE c.outcome = 'held' ORDER BY c.run_id, c.ordinal",
            )
            .await;
        let certain = self.certain(before).await;
        for row in rows {
            let [observed, began] = [&row[2], &row[3]].map(|at| at.parse::<i64>().unwrap());
            if observed < began.max(before.at) {
                continue;
            }
            let change: Change = serde_json::from_str(&row[0]).unwrap();
            // A search may show a status that Okta had until lately.
            let lately = matches!(&change, Change::SetStatus { okta_id, .. }
                if !certain.active.contains(&Person::Okta(okta_id.to_string())));
            let is_older = matches!(&change, Change::RemoveEdge { okta_group, member, .. }
            if self.overtaken.as_ref().is_some_and(|(edge, at)| {
                *edge == (okta_group.to_string(), member.clone()) && observed <= *at
            }));
            assert!(
                lately || is_older || self.okta_takes(&change),
                "R8: a run holds {change:?} ({}), and Okta has it otherwise",
                row[1]
            );
        }
    }

    /// Whether Okta has it as this change would make it.
    fn okta_takes(&self, change: &Change) -> bool {
        let org = self.sim.org();
        let group = |id: &str| org.groups().find(|group| group.id.as_str() == id);
        let user = |id: &str| org.users().find(|user| user.id.as_str() == id);
        match change {
            Change::RemoveEdge {
                okta_group, member, ..
            } => {
                let has = |group: &Group| group.members().iter().any(|one| one.as_str() == member);
                !group(okta_group.as_str()).is_some_and(has)
            }
            Change::OktaSideGone { okta_id, .. } => group(okta_id.as_str()).is_none(),
            Change::SetStatus { okta_id, status } => match user(okta_id.as_str()) {
                Some(user) => user.status.as_str() == status.as_str(),
                None => status.as_str() == "DELETED",
            },
            Change::SetEntitled { okta_id, entitled } => {
                let app_user =
                    |user: &User| org.app_user(user.id).is_some_and(AppUser::is_assigned);
                user(okta_id.as_str()).is_some_and(app_user) == *entitled
            }
            _ => true,
        }
    }
}
