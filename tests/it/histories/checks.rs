//! What holds after every step: R1, R5, and R8 and R9 of whatever runs and pushes took in it.

use std::collections::{BTreeMap, BTreeSet};

use rosterd::model::actor::Channel;
use rosterd::model::id::{TeamId, UserId};
use rosterd::model::time::Clock as _;
use rosterd::service::Error;
use rosterd::service::membership::{Settled, Touched, settle};
use rosterd::store::Tx;

use super::eyes::Counted;
use super::history::{ADMINS, History, cx};
use super::model::{Group, Person, Team};
use super::window::{EVERYBODY, Sets, Taken, Taker, Window};

/// What the checks remember from step to step.
#[derive(Default)]
pub(crate) struct Watch {
    /// Organization Admin had somebody once.
    had_admin: bool,
    pub(crate) window: Window,
}

/// The store at one moment.
pub(crate) struct Look {
    pub(crate) at: i64,
    pub(crate) counted: Counted,
    /// Okta's active users, by our id.
    pub(crate) active: BTreeMap<String, Person>,
    /// Who is kept as the last admin (R5), by our id.
    last_admins: BTreeSet<String>,
    mapped: BTreeMap<String, usize>,
    /// How often the poll gave a row to another account.
    rebound: usize,
    /// The edges that plans took away: the run, and the change's key.
    planned: BTreeSet<[String; 2]>,
    pub(crate) edges: BTreeSet<(Group, Person)>,
}

impl Look {
    /// Who is in each team, and who of Okta's users is active.
    pub(crate) fn sets(&self) -> Sets {
        let mut sets = Sets::new();
        for (team, user) in self.counted.keys() {
            sets.entry(team.clone()).or_default().insert(user.clone());
        }
        sets.insert(EVERYBODY.to_owned(), self.active.keys().cloned().collect());
        sets
    }

    /// How many edges of a group plans took away since then.
    fn planned_since(&self, before: &Self, group: &str) -> usize {
        let of_group = format!("edge-:{group}:");
        let planned = self.planned.difference(&before.planned);
        planned
            .filter(|[_, key]| key.starts_with(&of_group))
            .count()
    }

    /// Whether this person is active, by whichever row.
    pub(crate) fn has_active(&self, person: &Person) -> bool {
        self.active.values().any(|active| active == person)
    }

    pub(crate) fn members(&self) -> BTreeSet<(Team, Person)> {
        let pairs = self.counted.iter();
        pairs
            .map(|((team, _), person)| (team.clone(), person.clone()))
            .collect()
    }

    /// Of these, what the window counts: whom R5 lets go at last was taken before.
    fn counted_of(&self, taken: &Taken) -> Taken {
        taken
            .iter()
            .filter(|(_, user)| !self.last_admins.contains(user))
            .cloned()
            .collect()
    }

    /// Who counted or was active before and is not now, also not by another row.
    fn taken_until(&self, after: &Self) -> Taken {
        let (members, active) = (
            after.members(),
            after.active.values().collect::<BTreeSet<_>>(),
        );
        let out = self.counted.iter().filter(|(pair, person)| {
            !after.counted.contains_key(pair)
                && !members.contains(&(pair.0.clone(), (*person).clone()))
        });
        let off = self
            .active
            .iter()
            .filter(|(id, person)| !after.active.contains_key(*id) && !active.contains(person));
        out.map(|(pair, _)| pair.clone())
            .chain(off.map(|(id, _)| (EVERYBODY.to_owned(), id.clone())))
            .collect()
    }
}

impl History {
    pub(crate) async fn look(&mut self) -> Look {
        let people = self.eyes.people(&self.sim).await;
        let active = self.eyes.active().await;
        Look {
            at: self.clock.now().as_millis(),
            counted: self.eyes.counted(&people).await,
            active: active
                .into_iter()
                .map(|id| (id.clone(), people[&id].clone()))
                .collect(),
            last_admins: self.eyes.last_admins().await,
            mapped: self.eyes.mapped().await,
            rebound: self.eyes.rebound_by_runs().await,
            planned: self.eyes.edges_taken_by_plans().await,
            edges: self.known_edges(&people).await,
        }
    }

    /// A look before something that takes.
    pub(crate) async fn look_before(&mut self) -> Look {
        let look = self.look().await;
        self.watch
            .window
            .note(look.at, look.sets(), Taker::Admins, Taken::new());
        look
    }

    /// R1, R5: after every step.
    pub(crate) async fn check_step(&mut self) {
        self.remember_what_is_said().await;
        let look = self.look_before().await;
        let has_admin = look.counted.keys().any(|(team, _)| team == ADMINS);
        assert!(
            has_admin || !self.watch.had_admin,
            "R5: nobody is left in Organization Admin"
        );
        self.watch.had_admin |= has_admin;
        let miscounted = self
            .eyes
            .texts(
                "SELECT id FROM idp_groups WHERE member_count <> (SELECT COUNT(*) FROM edges WHERE group_id = id)",
            )
            .await;
        assert!(miscounted.is_empty(), "miscounted groups {miscounted:?}");
        self.check_recomputed().await;
    }

    /// R1: recomputing everything yields what is stored.
    async fn check_recomputed(&mut self) {
        let users = self.eyes.texts("SELECT id FROM users").await;
        let teams = self.eyes.texts("SELECT id FROM teams").await;
        let touched = Touched {
            users: users.iter().map(|id| UserId::parse(id).unwrap()).collect(),
            teams: teams.iter().map(|id| TeamId::parse(id).unwrap()).collect(),
            ..Touched::default()
        };
        let service = self.daemons[self.leader].service();
        let mut settled = None;
        let rolled_back: Result<(), Error> = service
            .store
            .write(async |tx: &mut Tx| {
                settled = Some(settle(service, tx, &cx(Channel::Poll), &touched).await?);
                Err(Error::Invalid("only to see".to_owned()))
            })
            .await;
        assert!(
            matches!(rolled_back, Err(Error::Invalid(_))),
            "{rolled_back:?}"
        );
        assert_eq!(
            settled,
            Some(Settled::default()),
            "R1: a recomputation changed something"
        );
    }

    /// R8, R9: what runs alone took since `before`. Okta is the same as it was then.
    pub(crate) async fn check_run(&mut self, before: &Look) {
        let after = self.look().await;
        let certain = self.certain(before).await;
        let members = certain.members();
        let taken = before.taken_until(&after);
        for (team, user) in &taken {
            if team == EVERYBODY {
                let person = &before.active[user];
                assert!(
                    !certain.may_be_active(person),
                    "R8: a run made {person:?} ({user}) inactive, whom Okta has active"
                );
            } else {
                let person = &before.counted[&(team.clone(), user.clone())];
                let pair = (team.clone(), person.clone());
                if members.contains(&pair) {
                    let last = self.eyes.last_audited().await;
                    panic!(
                        "R8: a run took {person:?} ({user}) out of {team}, where Okta has him: {last:#?}"
                    );
                }
            }
        }
        let counted = before.counted_of(&taken);
        let over = self.watch.window.over(Taker::Polls, after.at, &counted);
        if let Some(over) = over {
            let window = self.eyes.guard_window().await;
            panic!(
                "R9: runs took {taken:?}: {} lost {} of {:?}; the window has {window:#?}",
                over.of, over.lost, over.sizes
            );
        }
        // With an account that is gone goes what was pushed for it, whoever is left in the group (R11): no guard holds that.
        let rebound = after.rebound > before.rebound;
        for (group, size) in &before.mapped {
            let rest_went_along = rebound && after.planned_since(before, group) < *size;
            assert!(
                *size < 5 || rest_went_along || after.mapped.get(group) != Some(&0),
                "R9: one run emptied the group {group} of {size}"
            );
        }
        self.watch
            .window
            .note(after.at, after.sets(), Taker::Polls, counted);
        self.check_held(before, None).await;
    }

    /// A look before pushes alone: what they raise, they raise anew.
    pub(crate) async fn look_before_pushes(&mut self) -> Look {
        self.eyes
            .run("DELETE FROM problems WHERE code = 'guard_push'")
            .await;
        self.look_before().await
    }

    /// R9: what pushes alone took since `before`: past the threshold they raise a problem, or take nothing.
    pub(crate) async fn check_pushes(&mut self, before: &Look) {
        let after = self.look().await;
        let taken = before.taken_until(&after);
        let raised = self
            .eyes
            .texts("SELECT object FROM problems WHERE code = 'guard_push'")
            .await;
        let is_told = |object: &str| raised.iter().any(|raised| raised == object);
        let counted = before.counted_of(&taken);
        if let Some(over) = self.watch.window.over(Taker::Pushes, after.at, &counted) {
            let object = if over.of == EVERYBODY {
                "users"
            } else {
                &over.of
            };
            if self.holds_pushes || !is_told(object) {
                let window = self.eyes.guard_window().await;
                panic!(
                    "R9: pushes took {taken:?}: {} lost {} of {:?}, raised: {raised:?}; the window has {window:#?}",
                    over.of, over.lost, over.sizes
                );
            }
        }
        for (group, size) in &before.mapped {
            assert!(
                *size < 5
                    || after.mapped.get(group) != Some(&0)
                    || self.holds_pushes
                    || is_told(group),
                "R9: pushes emptied the group {group} of {size}, raised: {raised:?}"
            );
        }
        self.watch
            .window
            .note(after.at, after.sets(), Taker::Pushes, counted);
    }
}
