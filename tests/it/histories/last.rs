//! The end of a history: trouble is over, one clean full run makes the store what the model says, another writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{ADMINS, History};
use super::model::{Person, Team};

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
        self.check_joins().await;
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

    /// A group of Okta's that is pushed is joined to the one SCIM group that has its target's name (R17).
    async fn check_joins(&mut self) {
        let sides = self.sides().await;
        let alone = self
            .eyes
            .texts("SELECT okta_id FROM idp_groups WHERE scim = 0 AND okta_id IS NOT NULL")
            .await;
        let org = self.sim.org();
        for mapping in org.mappings() {
            let Some(target) = org.group(mapping.target) else {
                continue;
            };
            let mut named = sides.iter().filter(|side| side[1] == target.name());
            if let (Some(only), None) = (named.next(), named.next()) {
                let unjoined = only[2].is_empty() && alone.contains(&mapping.source.to_string());
                assert!(!unjoined, "R17: {mapping:?} is not joined to {only:?}");
            }
        }
    }

    async fn check_model(&mut self) {
        // Who is in a conflict that only an admin can end is neither missed nor too much (R11).
        let conflicts = self
            .eyes
            .texts("SELECT object FROM problems WHERE code = 'identity_conflict'")
            .await;
        for okta_id in &conflicts {
            self.check_conflict(okta_id).await;
        }
        let conflicts: BTreeSet<Person> = conflicts.into_iter().map(Person::Okta).collect();
        let people = self.eyes.people(&self.sim).await;
        let counted = self.eyes.counted(&people).await;
        let found: BTreeSet<(String, Person)> = counted
            .into_iter()
            .map(|((team, _), person)| (team, person))
            .collect();
        let model = self.model(true).await;
        let mut wanted = model.members();
        if !wanted.iter().any(|(team, _)| team == ADMINS)
            && let Some((_, kept)) = found.iter().find(|(team, _)| team == ADMINS)
        {
            // Nobody is left: the last one is kept (R5).
            wanted = model.keeping(kept, ADMINS);
        }
        let outside = |pair: &&(String, Person)| !conflicts.contains(&pair.1);
        let missing: Vec<_> = wanted.difference(&found).filter(outside).collect();
        let left = self.left_by_pushes(&people).await;
        let surplus: Vec<_> = found
            .difference(&wanted)
            .filter(outside)
            .filter(|pair| !left.contains(*pair))
            .collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "the store is not the model: missing {missing:#?}, too much {surplus:#?}, conflicts {conflicts:?}"
        );
    }

    /// Who is in a team by a group of which only SCIM spoke and which Okta pushes no more: its last word stands (R17), and
    /// nothing in Okta says it again.
    async fn left_by_pushes(
        &mut self,
        people: &BTreeMap<String, Person>,
    ) -> BTreeSet<(Team, Person)> {
        let rows = self
            .eyes
            .rows(
                "SELECT m.team_id, g.id, e.member FROM mappings m JOIN idp_groups g ON g.id = m.group_id \
                   JOIN edges e ON e.group_id = g.id WHERE g.okta_id IS NULL",
            )
            .await;
        let org = self.sim.org();
        let pushed: BTreeSet<&str> = org
            .mappings()
            .filter(|mapping| org.group(mapping.source).is_some())
            .filter_map(|mapping| mapping.scim_id.as_deref())
            .collect();
        rows.into_iter()
            .filter(|row| !pushed.contains(row[1].as_str()))
            .map(|row| {
                let person = people.get(&row[2]).cloned();
                (
                    row[0].clone(),
                    person.unwrap_or(Person::Okta(row[2].clone())),
                )
            })
            .collect()
    }

    /// A conflict is one: his name, or the row the app calls him by, is another's, or there is one beside the row that has his
    /// Okta id, made when SCIM made him anew without it (R11).
    async fn check_conflict(&mut self, okta_id: &str) {
        let people = self.eyes.people(&self.sim).await;
        let rows = self
            .eyes
            .rows("SELECT id, user_name, COALESCE(okta_id, '') FROM users")
            .await;
        let him = Person::Okta(okta_id.to_owned());
        let (login, ours) = {
            let org = self.sim.org();
            let Some(user) = org.users().find(|user| user.id.as_str() == okta_id) else {
                return; // gone before it was looked at again
            };
            let ours = org
                .app_user(user.id)
                .and_then(|user| user.external_id.clone());
            (user.profile.login().to_lowercase(), ours)
        };
        let bound = rows.iter().find(|row| row[2] == okta_id);
        let anothers = rows.iter().any(|row| {
            let claimed = row[1].to_lowercase() == login || Some(&row[0]) == ours.as_ref();
            let beside = bound.is_some_and(|bound| bound[0] != row[0]);
            claimed && (beside || people.get(&row[0]) != Some(&him))
        });
        let told = self
            .eyes
            .texts("SELECT object || ': ' || detail FROM problems WHERE code = 'identity_conflict'")
            .await;
        assert!(
            anothers,
            "R11: {okta_id} ({login}, {ours:?}) is in conflict with nobody: {told:#?}, {rows:?}"
        );
    }
}
