//! The end of a history: trouble is over, one clean full run makes the store what the model says, another writes nothing.

use std::collections::BTreeSet;

use super::history::{ADMINS, History};
use super::model::Person;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl History {
    pub(crate) async fn end(&mut self) {
        self.sim.faults().clear();
        self.scim.weather.clear();
        // Mutes are over, late pushes due.
        self.clock.advance(DAY_MS + 1_000);
        if self.below(2) == 0 {
            self.note("the end: what was not delivered is delivered");
            for _ in 0..5 {
                self.scim.run_pending().await;
                self.scim.retry_failed();
                self.clock.advance(61_000);
            }
        } else {
            self.note("the end: what was not delivered is lost");
            self.scim.drop_waiting();
        }
        self.clock.advance(1_000);
        let mut ended = self.full().await;
        for _ in 0..4 {
            if !self.approve_all().await {
                break;
            }
            self.clock.advance(1_000);
            ended = self.full().await;
        }
        assert!(Self::is_whole(&ended), "{ended:?}");
        self.check_step().await;
        self.check_model().await;
        let before = self.eyes.dump().await;
        self.clock.advance(1_000);
        let again = self.full().await;
        let after = self.eyes.dump().await;
        let changed: Vec<&String> = after
            .iter()
            .filter(|line| !before.contains(line))
            .chain(before.iter().filter(|line| !after.contains(line)))
            .collect();
        assert!(changed.is_empty(), "R10: {again:?}: {changed:#?}");
    }

    async fn check_model(&mut self) {
        // Who is in a conflict that only an admin can end is neither missed nor too much (R11).
        let conflicts = self
            .eyes
            .texts("SELECT object FROM problems WHERE code = 'identity_conflict'")
            .await;
        let conflicts: BTreeSet<Person> = conflicts.into_iter().map(Person::Okta).collect();
        let counted = self.eyes.counted(&self.sim).await;
        let found: BTreeSet<(String, Person)> = counted
            .into_iter()
            .map(|((team, _), person)| (team, person))
            .collect();
        let model = self.model();
        let mut wanted = model.members();
        if !wanted.iter().any(|(team, _)| team == ADMINS)
            && let Some((_, kept)) = found.iter().find(|(team, _)| team == ADMINS)
        {
            // Nobody is left: the last one is kept (R5).
            wanted = model.keeping(kept, ADMINS);
        }
        let outside = |pair: &&(String, Person)| !conflicts.contains(&pair.1);
        let missing: Vec<_> = wanted.difference(&found).filter(outside).collect();
        let surplus: Vec<_> = found.difference(&wanted).filter(outside).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "the store is not the model: missing {missing:#?}, too much {surplus:#?}, conflicts {conflicts:?}"
        );
    }
}
