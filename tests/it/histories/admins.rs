//! What admins do here: mappings, the mode, teams by hand, blocks, and their word on what is held. Each refusal is one that
//! a rule names.

use std::collections::BTreeSet;

use rosterd::model::actor::Channel;
use rosterd::model::id::{MappingId, RunId, TeamId, UserId};
use rosterd::model::mode::OktaMode;
use rosterd::service::{Error, mappings, mode, runs, teams, users};

use super::history::{ADMINS, History, cx};
use super::model::{Group, Mode, Person};

impl History {
    pub(crate) async fn edit_mappings(&mut self) {
        if self.below(3) == 0 {
            return self.unmap().await;
        }
        let groups = self.groups();
        let (Some(group), Some(team)) =
            (self.pick(&groups).copied(), self.pick(&self.teams).cloned())
        else {
            return;
        };
        let name = self
            .sim
            .org()
            .group(group)
            .map(|group| group.name().to_owned());
        match name {
            Some(name) if self.below(3) == 0 => self.map(&name, &team).await,
            _ => self.map(group.as_str(), &team).await,
        }
    }

    /// Maps a group, named by its Okta id or its name.
    pub(crate) async fn map(&mut self, group: &str, team: &str) {
        let wanted = self.meant(group).await;
        let service = self.daemons[self.leader].service();
        let made = mappings::add(service, &cx(Channel::Cli), group, team).await;
        self.note(format!(
            "map {group} to {team}: {:?}",
            made.as_ref().map(|m| &m.id)
        ));
        let made = match made {
            Ok(made) => made,
            Err(Error::Conflict(_)) => return, // the team has it
            Err(Error::Invalid(_)) if group.starts_with("00g") && wanted.is_none() => return,
            Err(refused) => panic!("{refused:?}"),
        };
        assert_eq!(
            made.group.as_ref().map(ToString::to_string),
            wanted,
            "R17: what {group:?} means"
        );
        let bound = match wanted {
            Some(bound) => self.okta_id_of(&bound).await,
            None => None,
        };
        if let Some(bound) = bound {
            self.mapped
                .insert(made.id.to_string(), (bound, team.to_owned()));
        } else {
            // It waits for a group of that name, or leads from one that only SCIM knows: another test's matter.
            let service = self.daemons[self.leader].service();
            mappings::remove(service, &cx(Channel::Cli), &made.id)
                .await
                .unwrap();
        }
    }

    /// Our id of the group that a mapping written so leads from (R17): an Okta id means what it names; a name means the
    /// only group that bears it, Okta's name where there is an Okta side, and that is no APP_GROUP.
    async fn meant(&mut self, written: &str) -> Option<Group> {
        let rows = self
            .eyes
            .rows("SELECT id, okta_id, okta_name, scim_name FROM idp_groups ORDER BY id")
            .await;
        let app_groups: BTreeSet<String> = {
            let org = self.sim.org();
            let kinds = org
                .groups()
                .filter(|group| group.kind.as_str() == "APP_GROUP");
            kinds.map(|group| group.id.to_string()).collect()
        };
        let meant: Vec<Vec<String>> = rows
            .into_iter()
            .filter(|row| {
                let name = if row[1].is_empty() { &row[3] } else { &row[2] };
                let named = name == written && !app_groups.contains(&row[1]);
                row[1] == written || named
            })
            .collect();
        match meant.as_slice() {
            [only] => Some(only[0].clone()),
            _ => None,
        }
    }

    async fn okta_id_of(&mut self, group: &str) -> Option<Group> {
        let rows = self
            .eyes
            .rows("SELECT id, okta_id FROM idp_groups ORDER BY id")
            .await;
        let row = rows.into_iter().find(|row| row[0] == group)?;
        if !row[1].is_empty() {
            return Some(row[1].clone());
        }
        let org = self.sim.org();
        let pushed = org
            .mappings()
            .find(|mapping| mapping.scim_id.as_deref() == Some(group));
        pushed.map(|mapping| mapping.source.to_string())
    }

    async fn unmap(&mut self) {
        let ids: Vec<String> = self.mapped.keys().cloned().collect();
        let Some(id) = self.pick(&ids).cloned() else {
            return;
        };
        let service = self.daemons[self.leader].service();
        let known = MappingId::parse(&id).unwrap();
        let removed = mappings::remove(service, &cx(Channel::Cli), &known).await;
        self.note(format!("unmap {id}: {:?}", removed.as_ref().err()));
        match removed {
            Ok(_) => {
                let pair = self.mapped[&id].clone();
                self.mapped.retain(|_, made| *made != pair);
            }
            // It was united with another when a group's sides were joined (R17), or is the last admin's (R5).
            Err(Error::NotFound(_) | Error::LastAdmin) => {}
            // The last that leads somebody somewhere (R3).
            Err(Error::Invalid(_)) if self.mode != Mode::Off => {}
            Err(refused) => panic!("{refused:?}"),
        }
    }

    pub(crate) async fn switch_somehow(&mut self) {
        let to = [OktaMode::Off, OktaMode::On, OktaMode::On, OktaMode::Hybrid][self.below(4)];
        let keep = self.below(2) == 0;
        self.switch(to, keep).await;
    }

    /// Switches the mode as an admin would.
    pub(crate) async fn switch(&mut self, to: OktaMode, keep: bool) {
        self.look_before().await;
        let kept = self.eyes.kept_by_switching().await;
        let service = self.daemons[self.leader].service();
        let done = mode::switch(service, &cx(Channel::Cli), to, keep).await;
        self.note(format!("switch to {to:?}, keep {keep}: {done:?}"));
        let look = self.look().await;
        self.watch.window.skip(look.at, look.sets());
        let from = match done {
            Ok(from) => from,
            // Nothing would lead anybody anywhere (R3), or the last admin (R5).
            Err(Error::Invalid(_)) if self.mode == Mode::Off => return,
            Err(Error::LastAdmin) => return,
            Err(refused) => panic!("{refused:?}"),
        };
        self.mode = match to {
            OktaMode::Off => Mode::Off,
            OktaMode::On => Mode::On,
            OktaMode::Hybrid => Mode::Hybrid,
        };
        if keep && to == OktaMode::Off && from != to {
            let local = self
                .eyes
                .rows("SELECT team_id, user_id FROM memberships WHERE origin = 'local'")
                .await;
            let found: BTreeSet<String> = local.iter().map(|row| row.join("|")).collect();
            assert_eq!(found, kept, "R3: kept is what was derived, and no more");
            let people = self.eyes.people(&self.sim).await;
            self.local = local
                .into_iter()
                .map(|row| (row[0].clone(), people[&row[1]].clone()))
                .collect();
        }
    }

    /// An admin puts somebody into a team by hand, or takes him out.
    pub(crate) async fn by_hand(&mut self) {
        let people: Vec<(String, Person)> = self.eyes.people(&self.sim).await.into_iter().collect();
        let (Some((id, person)), Some(team)) =
            (self.pick(&people).cloned(), self.pick(&self.teams).cloned())
        else {
            return;
        };
        let user = UserId::parse(&id).unwrap();
        let of = TeamId::parse(&team).unwrap();
        let pair = (team, person);
        let service = self.daemons[self.leader].service();
        let give = !self.local.contains(&pair);
        if self.holds_pushes && pair.0 == ADMINS && !give {
            // Who is withheld may go only while somebody else is left (R5): the local admin stays.
            return;
        }
        let done = if give {
            teams::add_member(service, &cx(Channel::Api), &of, &user).await
        } else {
            teams::remove_member(service, &cx(Channel::Api), &of, &user).await
        };
        self.note(format!("by hand {give} {pair:?} ({id}): {done:?}"));
        if self.mode == Mode::On {
            assert!(
                matches!(done, Err(Error::ManagedByOkta { .. })),
                "R2: {done:?}"
            );
        }
        match done {
            Ok(()) if give => {
                self.local.insert(pair);
            }
            Ok(()) => {
                self.local.remove(&pair);
            }
            // The last two: the row's person changed, or another row of his has it.
            Err(
                Error::LastAdmin
                | Error::ManagedByOkta { .. }
                | Error::Conflict(_)
                | Error::NotFound("membership"),
            ) => {}
            Err(refused) => panic!("{refused:?}"),
        }
    }

    /// An admin blocks somebody, or lifts the block (R13).
    pub(crate) async fn block_somehow(&mut self) {
        let people: Vec<(String, Person)> = self.eyes.people(&self.sim).await.into_iter().collect();
        let Some((id, person)) = self.pick(&people).cloned() else {
            return;
        };
        if self.holds_pushes && matches!(person, Person::Local(_)) {
            return;
        }
        let lift = self.blocked.contains_key(&id);
        let user = UserId::parse(&id).unwrap();
        let service = self.daemons[self.leader].service();
        let done = users::block(service, &cx(Channel::Cli), &user, !lift).await;
        self.note(format!(
            "blocked before {lift}: {person:?}: {:?}",
            done.as_ref().err()
        ));
        match done {
            Ok(_) if lift => {
                self.blocked.remove(&id);
            }
            Ok(_) => {
                self.blocked.insert(id, person);
            }
            Err(refused) => assert!(matches!(refused, Error::LastAdmin), "{refused:?}"),
        }
    }

    /// An admin's word on a held run.
    pub(crate) async fn decide(&mut self) {
        let held = self
            .eyes
            .rows("SELECT id, kind FROM runs WHERE state = 'held' ORDER BY id")
            .await;
        let Some(run) = self.pick(&held).cloned() else {
            return;
        };
        let id = RunId::parse(&run[0]).unwrap();
        let service = self.daemons[self.leader].service();
        // What pushes had withheld and an admin rejected stays until Okta gives it again: no clean run ends that.
        let done = if run[1] == "scim" || self.below(2) == 0 {
            runs::approve(service, &cx(Channel::Cli), &id).await
        } else {
            runs::reject(service, &cx(Channel::Cli), &id).await
        };
        self.note(format!("decided on {id}: {done:?}"));
        assert!(
            matches!(done, Ok(_) | Err(Error::LastAdmin)),
            "R9: {done:?}"
        );
    }

    /// Approves what is held.
    pub(crate) async fn approve_all(&mut self) -> bool {
        let held = self
            .eyes
            .texts("SELECT id FROM runs WHERE state = 'held' ORDER BY id")
            .await;
        for id in &held {
            let id = RunId::parse(id).unwrap();
            let service = self.daemons[self.leader].service();
            let done = runs::approve(service, &cx(Channel::Cli), &id).await;
            self.note(format!("approved: {done:?}"));
            assert!(
                matches!(done, Ok(_) | Err(Error::LastAdmin)),
                "R9: {done:?}"
            );
        }
        !held.is_empty()
    }
}
