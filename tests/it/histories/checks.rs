//! What holds after every step: R1, R5; after a run: R8, R9.

use std::collections::{BTreeMap, BTreeSet};

use rosterd::model::actor::Channel;
use rosterd::model::id::{TeamId, UserId};
use rosterd::model::run::RunState;
use rosterd::model::time::Clock as _;
use rosterd::service::Error;
use rosterd::service::membership::{Settled, Touched, settle};
use rosterd::store::Tx;

use super::eyes::Counted;
use super::history::{ADMINS, History, cx};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What the checks remember from step to step.
#[derive(Default)]
pub(crate) struct Watch {
    /// Organization Admin had somebody once.
    had_admin: bool,
    /// Sizes of teams, and how many of Okta's users were active, as time went on.
    sizes: Vec<(i64, BTreeMap<String, usize>, usize)>,
}

/// What a run is compared with afterwards.
pub(crate) struct Before {
    counted: Counted,
    active: BTreeSet<String>,
    mapped: BTreeMap<String, usize>,
}

impl History {
    pub(crate) async fn look(&mut self) -> Before {
        Before {
            counted: self.eyes.counted(&self.sim).await,
            active: self.eyes.active().await,
            mapped: self.eyes.mapped().await,
        }
    }

    /// R1, R5: after every step.
    pub(crate) async fn check_step(&mut self) {
        let counted = self.eyes.counted(&self.sim).await;
        let has_admin = counted.keys().any(|(team, _)| team == ADMINS);
        assert!(
            has_admin || !self.watch.had_admin,
            "R5: nobody is left in Organization Admin"
        );
        self.watch.had_admin |= has_admin;
        let mut sizes = BTreeMap::new();
        for (team, _) in counted.keys() {
            *sizes.entry(team.clone()).or_default() += 1;
        }
        let now = self.clock.now().as_millis();
        let active = self.eyes.active().await.len();
        self.watch.sizes.push((now, sizes, active));
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

    /// R8, R9: what a run alone may take.
    pub(crate) async fn check_run(&mut self, before: &Before, state: Option<RunState>) {
        let after = self.look().await;
        let truth = self.model().members();
        let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
        for ((team, user), person) in &before.counted {
            if after.counted.contains_key(&(team.clone(), user.clone())) {
                continue;
            }
            assert!(
                !truth.contains(&(team.clone(), person.clone())),
                "R8: a run ({state:?}) took {person:?} ({user}) out of {team}, where Okta has him"
            );
            *lost.entry(team).or_default() += 1;
        }
        let since = self.clock.now().as_millis() - DAY_MS;
        let old = self.watch.sizes.iter().rev().find(|(at, ..)| *at <= since);
        let old = old.or(self.watch.sizes.first());
        for (team, lost) in lost {
            let size = before.counted.keys().filter(|(of, _)| of == team).count();
            let size =
                size.max(old.map_or(0, |(_, sizes, _)| sizes.get(team).copied().unwrap_or(0)));
            assert!(
                size < 20 || lost * 100 <= size * 20,
                "R9: one run took {lost} of {size} out of {team}"
            );
        }
        let gone = before.active.difference(&after.active).count();
        let size = before
            .active
            .len()
            .max(old.map_or(0, |(_, _, active)| *active));
        assert!(
            gone <= 10 || gone * 100 <= size * 20,
            "R9: one run made {gone} of {size} inactive"
        );
        for (group, size) in &before.mapped {
            assert!(
                *size < 5 || after.mapped.get(group) != Some(&0),
                "R9: one run emptied the group {group} of {size}"
            );
        }
    }
}
