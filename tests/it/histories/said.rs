//! What Okta and the admins said lately: a search that lags shows what Okta had a while ago, and a run that believes it is
//! not wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::Look;
use super::history::History;
use super::model::{Group, Model, Person};

impl History {
    /// After every step. What hung on a row that is gone went with it.
    pub(crate) async fn remember_what_is_said(&mut self) {
        let people = self.eyes.people(&self.sim).await;
        if self.scim.habits().deletes_leavers {
            for (id, person) in &self.rows {
                if !people.contains_key(id) {
                    self.blocked.remove(id);
                    self.local.retain(|(_, given)| given != person);
                }
            }
        }
        self.remember_successors(&people).await;
        self.rows = people;
        self.remember_heirs().await;
        let (now, lag) = self.clock_and_lag();
        if lag > 0 {
            let model = self.model(false).await;
            self.said.push((now, model));
        }
    }

    /// Whoever was made anew in Okta under the name of a row whose Okta id nobody ever said is, for all that can be known
    /// here, the person that row was made for (R11: a name joins at first contact): what admins gave that one is his.
    async fn remember_successors(&mut self, people: &BTreeMap<String, Person>) {
        let local = "SELECT user_id, team_id FROM memberships WHERE origin = 'local'";
        let given = self.eyes.rows(local).await;
        let assigned: BTreeSet<Person> = {
            let org = self.sim.org();
            let users = org.app_users(None).filter(|user| user.is_assigned());
            users
                .map(|user| Person::Okta(user.user.to_string()))
                .collect()
        };
        for id in &self.unbound {
            let (Some(before), Some(after)) = (self.rows.get(id), people.get(id)) else {
                continue;
            };
            // Whoever has his account yet keeps his row, or is in conflict about it.
            if before == after || assigned.contains(before) {
                continue;
            }
            // He may have had another row besides, with what was given to that one.
            let keeps = people.values().any(|other| other == before);
            let has = |team: &String| given.iter().any(|row| row[0] == *id && row[1] == *team);
            let pairs: Vec<_> = (self.local.iter())
                .filter(|(team, given)| given == before && (!keeps || has(team)))
                .cloned()
                .collect();
            for pair in pairs {
                if !keeps {
                    self.local.remove(&pair);
                }
                self.local.insert((pair.0, after.clone()));
            }
        }
        let unbound = "SELECT id FROM users WHERE origin = 'okta' AND okta_id IS NULL";
        self.unbound = self.eyes.texts(unbound).await.into_iter().collect();
    }

    /// What a run that begins now takes from nobody (R8): an edge that was known here before and that Okta has, an activity
    /// that Okta has; and both also had for as long as searches lag. Who only went from one group to another is out of the
    /// team for a while, where the one was read and the other could not be.
    pub(crate) async fn certain(&mut self, before: &Look) -> Model {
        let mut certain = self.model(false).await;
        for (group, members) in &mut certain.groups {
            let is_known = |member: &String| (group.clone(), Person::Okta(member.clone()));
            members.retain(|member| before.edges.contains(&is_known(member)));
        }
        let (_, lag) = self.clock_and_lag();
        if lag > 0 {
            // What was said at the end of a step held until the next one; the clock goes on while a run waits.
            let since = before.at - lag;
            let first = self.said.iter().rposition(|(at, _)| *at < since);
            self.said.drain(..first.unwrap_or(0));
            for (_, said) in &self.said {
                certain.keep_what_okta_has_in(said);
            }
        }
        certain
    }

    /// Who is in which of Okta's groups, as the store has it. What was pushed into a SCIM group is not known of the Okta
    /// group it is pushed from while that has a row of its own: nothing has joined the two yet (R17).
    pub(crate) async fn known_edges(
        &mut self,
        people: &BTreeMap<String, Person>,
    ) -> BTreeSet<(Group, Person)> {
        let edges = self.eyes.edges().await;
        let rows: BTreeSet<String> = self.eyes.okta_groups().await.into_values().collect();
        let org = self.sim.org();
        let pushed: BTreeMap<&str, Group> = org
            .mappings()
            .filter_map(|mapping| Some((mapping.scim_id.as_deref()?, mapping.source.to_string())))
            .collect();
        edges
            .into_iter()
            .filter_map(|[group, okta_group, member]| {
                let group = if okta_group.is_empty() {
                    let source = pushed.get(group.as_str())?;
                    (!rows.contains(source)).then(|| source.clone())?
                } else {
                    okta_group
                };
                let person = people.get(&member).cloned();
                Some((group, person.unwrap_or(Person::Okta(member))))
            })
            .collect()
    }

    fn clock_and_lag(&self) -> (i64, i64) {
        let org = self.sim.org();
        (org.now().as_millis(), org.habits().search_lag_ms)
    }
}
