//! What may happen in one step.

use std::time::Duration;

use rosterd::model::actor::Channel;
use rosterd::model::id::{OktaGroupId, OktaUserId};
use rosterd::model::mode::OktaMode;
use rosterd::model::run::{RunKind, RunState};
use rosterd::service::runs;
use rosterd::service::sync::{Ask, Ended, Halt};
use rosterd::sim::faults::{Fault, Rule};
use rosterd::sim::org::OktaId;
use rosterd::sim::scim_client::{Dialect, FullSet, NameRestated, ScimHabits};
use rosterd::sim::weather::Chances;
use rosterd::store::rereads::Target;

use super::history::{History, cx};

impl History {
    /// One step, and what holds after each.
    pub(crate) async fn step(&mut self) {
        self.pass_time();
        match self.below(100) {
            0..30 => {
                let happened = self.life.step(&mut self.sim.org());
                self.note(format!("life: {happened:?}"));
            }
            30..48 => self.push().await,
            48..52 => self.change_weather(),
            52..60 => {
                self.run(RunKind::Delta).await.ok();
            }
            60..64 => {
                self.run(RunKind::Full).await.ok();
            }
            64..68 => {
                self.hook().await.ok();
            }
            68..74 => self.run_under_faults().await,
            74..78 => self.edit_mappings().await,
            78..80 => self.switch_somehow().await,
            80..84 => self.by_hand().await,
            84..87 => self.decide().await,
            87..89 => self.crash().await,
            89..91 => self.crash_in_a_run().await,
            91..95 => self.run_while_pushing().await,
            95..97 => self.assign_somehow(),
            97..98 => self.change_dialect(),
            98..99 => self.take_over().await,
            _ => self.mass_exit(),
        }
        self.check_step().await;
    }

    fn pass_time(&self) {
        let ms = match self.below(10) {
            0 => 0,
            1..8 => self.below(20_000),
            8 => self.below(600_000),
            _ => self.below(6 * 3_600_000),
        };
        self.clock.advance(i64::try_from(ms).unwrap());
    }

    async fn push(&mut self) {
        let done = match self.below(4) {
            0 => self.scim.step().await.unwrap_or_default(),
            1 => {
                self.scim.retry_failed();
                self.scim.run_pending().await
            }
            _ => self.scim.run_pending().await,
        };
        for done in done {
            self.note(format!("push: {:?}: {:?}", done.task, done.outcome));
        }
    }

    fn change_weather(&self) {
        let chances = if self.below(2) == 0 {
            Chances::default()
        } else {
            Chances {
                lost: 100,
                late: 200,
                twice: 80,
                answer_lost: 80,
                max_delay_ms: 900_000,
                shuffled: self.below(2) == 0,
            }
        };
        self.scim.weather.set(chances);
        self.note(format!("weather: {chances:?}"));
    }

    /// A run, and what it may do.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<Ended, Halt> {
        let before = self.look().await;
        let daemon = &self.daemons[self.leader];
        let ended = daemon.sync.run(daemon.epoch, ask).await;
        let told = match &ended {
            Ok(ended) => format!("{:?} {} {:?}", ended.state, ended.id, ended.summary),
            Err(halt) => format!("{halt}"),
        };
        self.note(format!("{:?} run: {told}", ask.kind));
        let state = ended.as_ref().ok().map(|ended| ended.state);
        self.check_run(&before, state).await;
        ended
    }

    pub(crate) async fn run(&mut self, kind: RunKind) -> Result<Ended, Halt> {
        self.ask(&Ask::scheduled(kind)).await
    }

    pub(crate) async fn full(&mut self) -> Ended {
        self.run(RunKind::Full).await.unwrap()
    }

    async fn hook(&mut self) -> Result<Ended, Halt> {
        let users: Vec<OktaId> = self.sim.org().users().map(|user| user.id).collect();
        let groups = self.groups();
        let mut targets = Vec::new();
        for _ in 0..=self.below(3) {
            if let Some(user) = self.pick(&users) {
                targets.extend(OktaUserId::parse(user.as_str()).map(Target::User));
            }
            if let Some(group) = self.pick(&groups) {
                targets.extend(OktaGroupId::parse(group.as_str()).map(Target::Group));
            }
        }
        self.ask(&Ask {
            channel: Channel::Hook,
            targets,
            ..Ask::scheduled(RunKind::Hook)
        })
        .await
    }

    async fn run_under_faults(&mut self) {
        for _ in 0..=self.below(2) {
            let fault = match self.below(9) {
                0 => Fault::InternalError,
                1 => Fault::Unavailable,
                2 => Fault::Forbidden,
                3 => Fault::TruncatedBody,
                4 => Fault::Cut,
                5 => Fault::NextElsewhere("https://elsewhere.example".to_owned()),
                6 => Fault::RepeatedPage,
                7 => Fault::EmptyList,
                _ => Fault::HtmlPage,
            };
            let groups = self.groups();
            let on = match self.below(5) {
                0 => "/api/v1/groups".to_owned(),
                1 => "/api/v1/users".to_owned(),
                2 => "/api/v1/apps".to_owned(),
                3 => String::new(),
                _ => self
                    .pick(&groups)
                    .map_or_else(String::new, |group| format!("/groups/{group}")),
            };
            let rule = if self.below(2) == 0 {
                Rule::always(fault.clone())
            } else {
                Rule::sometimes(300, fault.clone())
            };
            self.note(format!("fault: {fault:?} on {on}"));
            self.sim.faults().add(rule.on(&on));
        }
        let kind = if self.below(2) == 0 {
            RunKind::Full
        } else {
            RunKind::Delta
        };
        self.run(kind).await.ok();
        self.sim.faults().clear();
    }

    async fn edit_mappings(&mut self) {
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

    async fn switch_somehow(&mut self) {
        let to = [OktaMode::Off, OktaMode::On, OktaMode::On, OktaMode::Hybrid][self.below(4)];
        let keep = self.below(2) == 0;
        self.switch(to, keep).await;
    }

    /// An admin's word on a held run.
    async fn decide(&mut self) {
        let held = self
            .eyes
            .texts("SELECT id FROM runs WHERE state = 'held'")
            .await;
        let Some(id) = held.first() else { return };
        let id = rosterd::model::id::RunId::parse(id).unwrap();
        let service = self.daemons[self.leader].service();
        let done = if self.below(2) == 0 {
            runs::approve(service, &cx(Channel::Cli), &id).await
        } else {
            runs::reject(service, &cx(Channel::Cli), &id).await
        };
        self.note(format!("decided on {id}: {done:?}"));
    }

    /// The daemon that polls is killed and another comes up.
    pub(crate) async fn crash(&mut self) {
        self.note("crash");
        let mut next = self.start_another().await;
        self.eyes.run("UPDATE lease SET expires_at = 0").await;
        next.lead().await;
        let old = std::mem::replace(&mut self.daemons[self.leader], next);
        old.crash().await;
        self.push_to(self.leader);
    }

    async fn crash_in_a_run(&mut self) {
        let kind = if self.below(2) == 0 {
            RunKind::Full
        } else {
            RunKind::Delta
        };
        let patience = Duration::from_micros(self.random_micros());
        let daemon = &self.daemons[self.leader];
        let ask = Ask::scheduled(kind);
        let ended = tokio::time::timeout(patience, daemon.sync.run(daemon.epoch, &ask)).await;
        self.note(format!(
            "crash in a {kind:?} run, in time: {}",
            ended.is_err()
        ));
        self.crash().await;
    }

    fn random_micros(&self) -> u64 {
        1_000 + self.below(60_000) as u64
    }

    async fn run_while_pushing(&mut self) {
        let kind = if self.below(2) == 0 {
            RunKind::Full
        } else {
            RunKind::Delta
        };
        if self.daemons.len() > 1 {
            self.push_to(1 - self.leader);
        }
        let daemon = &self.daemons[self.leader];
        let ask = Ask::scheduled(kind);
        let (ended, done) =
            tokio::join!(daemon.sync.run(daemon.epoch, &ask), self.scim.run_pending());
        let told = match &ended {
            Ok(ended) => format!("{:?} {:?}", ended.state, ended.summary),
            Err(halt) => halt.to_string(),
        };
        self.note(format!("{kind:?} run while pushing: {told}"));
        for done in done {
            self.note(format!("meanwhile: {:?}: {:?}", done.task, done.outcome));
        }
    }

    fn assign_somehow(&self) {
        let mut org = self.sim.org();
        let people: Vec<OktaId> = org.users().map(|user| user.id).collect();
        let Some(person) = self.pick(&people).copied() else {
            return;
        };
        let assigned = org.app_user(person).is_some();
        let done = if assigned {
            org.unassign_user(person)
        } else {
            org.assign_user(person)
        };
        drop(org);
        self.note(format!("assigned before {assigned}: {person} {done:?}"));
    }

    fn change_dialect(&self) {
        let habits = ScimHabits {
            dialect: [Dialect::Wizard, Dialect::Template][self.below(2)],
            full_set: [FullSet::Path, FullSet::Pathless, FullSet::PathlessWithName][self.below(3)],
            name_restated: [NameRestated::SameRequest, NameRestated::OwnRequest][self.below(2)],
            batch: 100,
            late_pushes_are_stale: self.below(2) == 0,
            ..ScimHabits::default()
        };
        self.scim.set_habits(habits);
        self.note(format!("{habits:?}"));
    }

    /// The other daemon takes the lease; the one that had it is told nothing, and changes nothing (two daemons only).
    async fn take_over(&mut self) {
        if self.daemons.len() < 2 {
            return;
        }
        self.eyes.run("UPDATE lease SET expires_at = 0").await;
        let other = 1 - self.leader;
        self.daemons[other].lead().await;
        let old = &self.daemons[self.leader];
        let refused = old
            .sync
            .run(old.epoch, &Ask::scheduled(RunKind::Full))
            .await;
        assert!(matches!(refused, Err(Halt::NotHolder)), "{refused:?}");
        self.leader = other;
        self.push_to(self.below(2));
        self.note("the other daemon polls");
    }

    /// Many leave one group at once.
    fn mass_exit(&self) {
        let groups = self.groups();
        let mut org = self.sim.org();
        let biggest = groups
            .iter()
            .max_by_key(|group| org.group(**group).map_or(0, |group| group.members().len()));
        let Some(biggest) = biggest.copied() else {
            return;
        };
        let members: Vec<OktaId> = org
            .group(biggest)
            .unwrap()
            .members()
            .iter()
            .copied()
            .collect();
        let leaving = members.len() / [2, 3, 1][self.below(3)];
        for member in members.iter().take(leaving) {
            org.remove_member(biggest, *member).unwrap();
        }
        drop(org);
        self.note(format!("{leaving} leave {biggest} at once"));
    }

    /// Approves what is held.
    pub(crate) async fn approve_all(&mut self) -> bool {
        let held = self
            .eyes
            .texts("SELECT id FROM runs WHERE state = 'held' AND kind <> 'scim'")
            .await;
        for id in &held {
            let id = rosterd::model::id::RunId::parse(id).unwrap();
            let service = self.daemons[self.leader].service();
            let done = runs::approve(service, &cx(Channel::Cli), &id).await;
            self.note(format!("approved: {done:?}"));
        }
        !held.is_empty()
    }

    /// Whether the last runs ended as they should.
    pub(crate) fn is_whole(ended: &Ended) -> bool {
        ended.state == RunState::Applied && ended.summary.unknown.is_empty()
    }
}
