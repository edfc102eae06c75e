//! What is seen of the store past the code under test, over one connection of its own.

use std::collections::{BTreeMap, BTreeSet};

use rosterd::sim::Sim;
use sqlx::{AnyConnection, Connection as _, Row as _};

use super::model::Person;

pub(crate) struct Eyes(AnyConnection);

/// A membership that counts: team, our id of the user, and who that is.
pub(crate) type Counted = BTreeMap<(String, String), Person>;

impl Eyes {
    pub(crate) async fn open(url: &str) -> Self {
        sqlx::any::install_default_drivers();
        Self(AnyConnection::connect(url).await.expect("a connection"))
    }

    /// Rows of so many texts each.
    async fn tuples<const N: usize>(&mut self, statement: &'static str) -> Vec<[String; N]> {
        let rows = self.rows(statement).await;
        rows.into_iter()
            .map(|row| row.try_into().unwrap())
            .collect()
    }

    /// Rows of texts; a null is the empty text.
    pub(crate) async fn rows(&mut self, statement: &'static str) -> Vec<Vec<String>> {
        let rows = sqlx::query(statement)
            .fetch_all(&mut self.0)
            .await
            .expect("rows");
        rows.iter()
            .map(|row| {
                (0..row.len())
                    .map(|column| {
                        row.try_get::<Option<String>, _>(column)
                            .expect("a text")
                            .unwrap_or_default()
                    })
                    .collect()
            })
            .collect()
    }

    pub(crate) async fn texts(&mut self, statement: &'static str) -> Vec<String> {
        let rows = self.rows(statement).await;
        rows.into_iter().map(|row| row.join("|")).collect()
    }

    pub(crate) async fn run(&mut self, statement: &'static str) {
        sqlx::query(statement)
            .execute(&mut self.0)
            .await
            .expect("a statement");
    }

    /// Everybody the store knows, by our id, and who that is.
    pub(crate) async fn people(&mut self, sim: &Sim) -> BTreeMap<String, Person> {
        let rows = self
            .rows("SELECT id, origin, okta_id FROM users ORDER BY id")
            .await;
        let org = sim.org();
        rows.into_iter()
            .map(|row| {
                let [id, origin, okta_id] = row.try_into().unwrap();
                let person = if origin == "local" {
                    Person::Local(id.clone())
                } else if okta_id.is_empty() {
                    // Made by SCIM without an Okta id: Okta remembers which id we gave.
                    let known = org
                        .app_users(None)
                        .find(|user| user.external_id.as_deref() == Some(&id));
                    known.map_or_else(
                        || Person::Local(id.clone()),
                        |user| Person::Okta(user.user.to_string()),
                    )
                } else {
                    Person::Okta(okta_id)
                };
                (id, person)
            })
            .collect()
    }

    /// What counts now.
    pub(crate) async fn counted(&mut self, people: &BTreeMap<String, Person>) -> Counted {
        let rows = self
            .rows("SELECT team_id, user_id FROM effective_memberships")
            .await;
        rows.into_iter()
            .map(|row| {
                let [team, user] = row.try_into().unwrap();
                let person = people[&user].clone();
                ((team, user), person)
            })
            .collect()
    }

    /// Our ids of Okta's active users.
    pub(crate) async fn active(&mut self) -> BTreeSet<String> {
        let found = self
            .texts("SELECT id FROM users WHERE origin = 'okta' AND active = 1")
            .await;
        found.into_iter().collect()
    }

    /// Our ids of those who are kept as the last admin (R5).
    pub(crate) async fn last_admins(&mut self) -> BTreeSet<String> {
        let kept = self
            .texts("SELECT user_id FROM withheld WHERE cause = 'last_admin'")
            .await;
        kept.into_iter().collect()
    }

    /// Every edge: our id of the group, Okta's, and the member.
    pub(crate) async fn edges(&mut self) -> Vec<[String; 3]> {
        self.tuples("SELECT e.group_id, g.okta_id, e.member FROM edges e JOIN idp_groups g ON g.id = e.group_id")
            .await
    }

    /// Okta's ids of the groups that have one, by ours.
    pub(crate) async fn okta_groups(&mut self) -> BTreeMap<String, String> {
        self.pairs("SELECT id, okta_id FROM idp_groups WHERE okta_id IS NOT NULL")
            .await
    }

    /// The same of users.
    pub(crate) async fn okta_users(&mut self) -> BTreeMap<String, String> {
        self.pairs("SELECT id, okta_id FROM users WHERE okta_id IS NOT NULL")
            .await
    }

    async fn pairs(&mut self, statement: &'static str) -> BTreeMap<String, String> {
        let rows = self.tuples(statement).await;
        rows.into_iter().map(|[key, value]| (key, value)).collect()
    }

    /// What the log says runs took out of teams and made inactive, one line each.
    pub(crate) async fn taken_by_runs(&mut self) -> BTreeSet<String> {
        let lines = self
            .texts(
                "SELECT id, action, object_id, before FROM audit \
                  WHERE action IN ('membership.removed', 'user.deactivated') AND channel IN ('poll', 'hook')",
            )
            .await;
        lines.into_iter().collect()
    }

    /// The edges that the log says pushes took, one line each.
    pub(crate) async fn edges_taken_by_pushes(&mut self) -> BTreeSet<String> {
        let lines = self
            .texts(
                "SELECT id, before FROM audit WHERE action = 'edge.removed' AND channel = 'scim'",
            )
            .await;
        lines.into_iter().collect()
    }

    /// How often a run gave a row to another account (R11).
    pub(crate) async fn rebound_by_runs(&mut self) -> usize {
        self.texts(
            "SELECT id FROM audit WHERE action = 'user.rebound' AND channel IN ('poll', 'hook')",
        )
        .await
        .len()
    }

    /// The edges that plans took away: the run, and the change's key.
    pub(crate) async fn edges_taken_by_plans(&mut self) -> BTreeSet<[String; 2]> {
        self.tuples("SELECT run_id, change_key FROM run_changes WHERE outcome = 'applied' AND change_key LIKE 'edge-:%'")
            .await
            .into_iter()
            .collect()
    }

    /// The rows that runs blocked: the line of the audit log, and the row.
    pub(crate) async fn blocked_by_runs(&mut self) -> Vec<[String; 2]> {
        self.tuples("SELECT id, object_id FROM audit WHERE action = 'user.blocked' AND channel IN ('poll', 'hook')")
            .await
    }

    /// The last lines of the audit log, for whoever has to find out what went wrong.
    pub(crate) async fn last_audited(&mut self) -> Vec<String> {
        self.texts(
            "SELECT CAST(at AS TEXT), channel, action, object_id, before, after FROM audit ORDER BY id DESC LIMIT 40",
        )
        .await
    }

    /// The guard's own window, for whoever has to find out what went wrong.
    pub(crate) async fn guard_window(&mut self) -> Vec<String> {
        self.texts(
            "SELECT CAST(at AS TEXT), class, CAST(counted AS TEXT), kind, object, user_id, CAST(delta AS TEXT) FROM guard_log ORDER BY at",
        )
        .await
    }

    /// Memberships of Okta's users that `--keep` is to keep: what is derived, counting or not, and what counts (R3).
    pub(crate) async fn kept_by_switching(&mut self) -> BTreeSet<String> {
        let pairs = self
            .texts(
                "SELECT team_id, user_id FROM memberships \
                  UNION SELECT e.team_id, e.user_id FROM effective_memberships e",
            )
            .await;
        pairs.into_iter().collect()
    }

    /// The mapped groups and how many members each has.
    pub(crate) async fn mapped(&mut self) -> BTreeMap<String, usize> {
        let rows = self
            .rows(
                "SELECT g.id, CAST(COUNT(e.member) AS TEXT) FROM idp_groups g LEFT JOIN edges e ON e.group_id = g.id \
                  WHERE EXISTS (SELECT 1 FROM mappings m WHERE m.group_id = g.id) GROUP BY g.id",
            )
            .await;
        rows.into_iter()
            .map(|row| (row[0].clone(), row[1].parse().unwrap()))
            .collect()
    }

    /// Every table but run history, lease and marks: what R10 says does not change.
    pub(crate) async fn dump(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for statement in [
            "SELECT id || '|' || user_name || '|' || COALESCE(okta_id, '') || '|' || COALESCE(status, '') || '|' || entitled || '|' \
             || active || '|' || version || '|' || COALESCE(absent_since, 0) || '|' || absent_runs || '|' || updated_at || '|' \
             || deleting || '|' || resource || '|' || sessions_from || '|' || tokens_from FROM users ORDER BY id",
            "SELECT id || '|' || COALESCE(okta_name, '') || '|' || COALESCE(scim_name, '') || '|' || COALESCE(okta_id, '') || '|' \
             || member_count || '|' || version || '|' || mapping_seq || '|' || updated_at || '|' || COALESCE(joined_by, '') || '|' \
             || COALESCE(members_read_at, 0) FROM idp_groups ORDER BY id",
            "SELECT group_id || '|' || member || '|' || channel || '|' || at FROM edges ORDER BY group_id, member",
            "SELECT id || '|' || team_id || '|' || bind_key || '|' || updated_at FROM mappings ORDER BY id",
            "SELECT team_id || '|' || user_id || '|' || origin || '|' || since FROM memberships ORDER BY team_id, user_id, origin",
            "SELECT user_id || '|' || team_id || '|' || cause || '|' || since FROM withheld ORDER BY user_id, team_id, cause",
            "SELECT kind || '|' || object || '|' || since FROM rereads ORDER BY kind, object",
            "SELECT kind || '|' || object || '|' || member || '|' || at FROM stamps ORDER BY kind, object, member",
            "SELECT id || '|' || action FROM audit ORDER BY id",
            "SELECT id FROM guard_log ORDER BY id",
            "SELECT code || '|' || object || '|' || detail || '|' || since FROM problems ORDER BY code, object",
            "SELECT change_key || '|' || until FROM mutes ORDER BY change_key",
            "SELECT run_id || '|' || ordinal || '|' || outcome FROM run_changes ORDER BY run_id, ordinal",
            "SELECT name || '|' || value FROM counters ORDER BY name",
            "SELECT id || '|' || version FROM organization",
        ] {
            all.push(format!("-- {statement}"));
            all.extend(self.texts(statement).await);
        }
        all
    }
}
