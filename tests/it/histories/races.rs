//! Pushes while a run is in flight (R7): Okta changes after the run read a group and before it has the answer, the push
//! overtakes it, and nothing that the run found in the older answer undoes what the push said.

use std::collections::{BTreeMap, BTreeSet};

use rosterd::model::run::RunKind;
use rosterd::service::sync::Ask;
use rosterd::sim::faults::{Fault, Gate, Rule};
use rosterd::sim::org::{OktaId, Task};
use rosterd::sim::scim_client::{Done, Outcome};

use super::checks::Look;
use super::held::Edge;
use super::history::History;
use super::model::{Model, Person};

/// What Okta changes while it owes an answer.
#[derive(Debug, Clone, Copy)]
struct Overtaking {
    group: OktaId,
    mapping: OktaId,
    person: OktaId,
    joins: bool,
}

impl Overtaking {
    fn happens(&self, history: &History) {
        let mut org = history.sim.org();
        if self.joins {
            org.add_member(self.group, self.person).unwrap();
        } else {
            org.remove_member(self.group, self.person).unwrap();
        }
    }

    fn edge(&self) -> Edge {
        (self.group.to_string(), self.person.to_string())
    }

    /// Whether the daemon answered 2xx to the push of it.
    fn was_pushed(&self, done: &[Done]) -> bool {
        let (mapping, user) = (self.mapping, self.person);
        let task = if self.joins {
            Task::AddMember { mapping, user }
        } else {
            Task::RemoveMember { mapping, user }
        };
        done.iter()
            .any(|done| done.task == task && done.outcome == Outcome::Pushed)
    }
}

impl History {
    pub(crate) async fn run_while_pushing(&mut self) {
        let before = self.look_before().await;
        let logged = self.eyes.taken_by_runs().await;
        let pushed = self.eyes.edges_taken_by_pushes().await;
        let beforehand = self.model(false).await;
        if self.daemons.len() > 1 {
            self.push_to(1 - self.leader);
        }
        let overtaking = self.some_overtaking();
        let kind = match overtaking {
            Some(_) => RunKind::Full,
            None => self.full_or_delta(),
        };
        let gate = Gate::default();
        if let Some(overtaking) = overtaking {
            let path = format!("/groups/{}/users", overtaking.group);
            let rule = Rule::next(1, Fault::Gate(gate.clone())).on(&path);
            self.sim.faults().add(rule);
        }
        let sync = self.daemons[self.leader].sync.clone();
        let ask = Ask::scheduled(kind);
        let mut run = Box::pin(sync.run(self.daemons[self.leader].epoch, &ask));
        let mut said = None;
        let (ended, done) = if let Some(overtaking) = overtaking {
            tokio::select! {
                ended = &mut run => (ended, self.scim.run_pending().await),
                () = gate.reached() => {
                    let done = self.push_fairly(&overtaking).await;
                    if overtaking.was_pushed(&done) {
                        said = Some(self.has_edge(&overtaking).await);
                    }
                    gate.open();
                    (run.await, done)
                }
            }
        } else {
            tokio::join!(run, self.scim.run_pending())
        };
        self.sim.faults().clear();
        let ended = ended.unwrap();
        self.note(format!(
            "{kind:?} run while pushing, overtaken by {overtaking:?}: {:?} {:?}",
            ended.state, ended.summary
        ));
        for done in done {
            self.note(format!("meanwhile: {:?}: {:?}", done.task, done.outcome));
        }
        // A row that is still another's says nothing of him.
        if let Some(overtaking) = overtaking
            && said == Some(overtaking.joins)
            && self.joined(&overtaking).await
        {
            assert_eq!(
                self.has_edge(&overtaking).await,
                overtaking.joins,
                "R7: a run undid what was pushed after it had read the group: {overtaking:?}"
            );
        }
        let overtaken = overtaking.map(|overtaking| overtaking.edge());
        // Who is given in Okta behind the run's back was not there when it read.
        let mut certain = self.certain(&before).await;
        certain.keep_what_okta_has_in(&beforehand);
        self.forget_what_pushes_took(&mut certain, &pushed).await;
        self.check_run_among_pushes(&certain, &logged, &before, overtaken.as_ref())
            .await;
    }

    /// Somebody joins or leaves a group that is pushed and mapped, and is known to Okta's provisioning.
    fn some_overtaking(&self) -> Option<Overtaking> {
        let joins = self.below(4) > 0;
        let org = self.sim.org();
        let mapped: BTreeSet<&str> = self
            .mapped
            .values()
            .map(|(group, _)| group.as_str())
            .collect();
        let may: Vec<Overtaking> = org
            .mappings()
            .filter(|mapping| mapping.scim_id.is_some() && mapped.contains(mapping.source.as_str()))
            .filter_map(|mapping| Some((mapping, org.group(mapping.source)?)))
            .flat_map(|(mapping, group)| {
                let known = |person: &OktaId| {
                    org.app_user(*person)
                        .is_some_and(|user| user.is_assigned() && user.external_id.is_some())
                };
                let people = org.users().map(|user| user.id).filter(known);
                people
                    .filter(move |person| group.members().contains(person) != joins)
                    .map(move |person| Overtaking {
                        group: mapping.source,
                        mapping: mapping.id,
                        person,
                        joins,
                    })
            })
            .collect();
        drop(org);
        self.pick(&may).copied()
    }

    /// Okta changes, and says so in fair weather; what waited before met its fate already.
    async fn push_fairly(&self, overtaking: &Overtaking) -> Vec<Done> {
        self.scim.collect();
        self.scim.weather.clear();
        overtaking.happens(self);
        let done = self.scim.run_pending().await;
        self.scim.weather.set(self.weather);
        done
    }

    /// Whether push and poll speak of the same: the group and what Okta pushes it to are one row, and so are the person and
    /// whom the app calls him. Until then each has an edge of its own, and the next run reads the group again.
    async fn joined(&mut self, overtaking: &Overtaking) -> bool {
        let (groups, users) = (self.eyes.okta_groups().await, self.eyes.okta_users().await);
        let org = self.sim.org();
        let pushed_to = org
            .mapping(overtaking.mapping)
            .and_then(|mapping| mapping.scim_id.clone());
        let called = org
            .app_user(overtaking.person)
            .and_then(|user| user.external_id.clone());
        let one = |rows: &BTreeMap<String, String>, ours: Option<&String>, okta: &OktaId| {
            ours.and_then(|id| rows.get(id))
                .is_some_and(|id| id == okta.as_str())
        };
        one(&groups, pushed_to.as_ref(), &overtaking.group)
            && one(&users, called.as_ref(), &overtaking.person)
    }

    /// Whether the store has him in that group, as whichever row is his.
    async fn has_edge(&mut self, overtaking: &Overtaking) -> bool {
        let people = self.eyes.people(&self.sim).await;
        let him = Person::Okta(overtaking.person.to_string());
        let side = {
            let org = self.sim.org();
            org.mapping(overtaking.mapping)
                .and_then(|mapping| mapping.scim_id.clone())
        };
        let edges = self.eyes.edges().await;
        edges.into_iter().any(|[group, okta_group, member]| {
            let here = Some(&group) == side.as_ref() || okta_group == overtaking.group.as_str();
            here && (member == overtaking.person.as_str() || people.get(&member) == Some(&him))
        })
    }

    /// What a push took in the meantime, the run does not give back (R7): where it was the only edge left to somebody whose
    /// other group went, the log says that the run took him out.
    async fn forget_what_pushes_took(&mut self, certain: &mut Model, pushed: &BTreeSet<String>) {
        let people = self.eyes.people(&self.sim).await;
        let groups = self.eyes.okta_groups().await;
        for line in self.eyes.edges_taken_by_pushes().await.difference(pushed) {
            let (_, edge) = line.split_once('|').unwrap();
            let edge: serde_json::Value = serde_json::from_str(edge).unwrap();
            let (group, member) = (
                edge["group"].as_str().unwrap(),
                edge["member"].as_str().unwrap(),
            );
            let okta_id = match people.get(member) {
                Some(Person::Okta(okta_id)) => okta_id,
                _ => member,
            };
            let certain = groups
                .get(group)
                .and_then(|group| certain.groups.get_mut(group));
            if let Some(members) = certain {
                members.retain(|member| member != okta_id);
            }
        }
    }

    /// R8 where pushes came in between: nothing that the log says a run took is where Okta has it.
    async fn check_run_among_pushes(
        &mut self,
        certain: &Model,
        logged: &BTreeSet<String>,
        before: &Look,
        overtaken: Option<&Edge>,
    ) {
        let after = self.look().await;
        let members = after.members();
        let people = self.eyes.people(&self.sim).await;
        let truth = certain.members();
        for line in self.eyes.taken_by_runs().await.difference(logged) {
            let parts: Vec<&str> = line.splitn(4, '|').collect();
            let [_, action, object, json] = parts.as_slice() else {
                panic!("{line}")
            };
            if *action == "user.deactivated" {
                let Some(person) = people.get(*object) else {
                    continue; // the row went
                };
                // It was the account before him whom the run made inactive (R11); a push that is late may do the same to him.
                let was = before.active.get(*object).filter(|was| *was != person);
                if was.is_some_and(|was| !certain.may_be_active(was)) {
                    continue;
                }
                let may = certain.may_be_active(person);
                assert!(
                    !may || after.has_active(person),
                    "R8: a run among pushes made {person:?} inactive, whom Okta has active"
                );
                continue;
            }
            let row: serde_json::Value = serde_json::from_str(json).unwrap();
            let user = row["user"].as_str().unwrap();
            // Whom a push gave to the store in the meantime was not there before.
            let known = people.get(user);
            let Some(person) = known.or_else(|| before.counted.get(&pair(object, user))) else {
                continue;
            };
            let counts = ((*object).to_owned(), person.clone());
            assert!(
                !truth.contains(&counts) || members.contains(&counts),
                "R8: a run among pushes took {person:?} out of {object}, where Okta has him"
            );
        }
        // What a push overtook is held as it was read, and left out when it is approved (R7).
        self.check_held(before, overtaken).await;
    }
}

fn pair(team: &str, user: &str) -> (String, String) {
    (team.to_owned(), user.to_owned())
}
