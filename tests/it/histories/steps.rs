//! What may happen in one step.

use rosterd::model::actor::Channel;
use rosterd::model::id::{OktaGroupId, OktaUserId};
use rosterd::model::run::{RunKind, RunState};
use rosterd::service::sync::{Ask, Ended, Halt, Sync};
use rosterd::sim::org::{Group, MappingStatus, OktaId, Org};
use rosterd::sim::scim_client::{Dialect, FullSet, NameRestated, ScimHabits};
use rosterd::sim::weather::Chances;
use rosterd::store::rereads::Target;

use super::history::History;

impl History {
    /// One step, and what holds after each.
    pub(crate) async fn step(&mut self) {
        self.pass_time();
        match self.below(112) {
            0..30 => {
                let happened = self.life.step(&mut self.sim.org());
                self.note(format!("life: {happened:?}"));
            }
            30..48 => self.push().await,
            48..52 => self.change_weather(),
            52..60 => self.run(RunKind::Delta).await,
            60..64 => self.run(RunKind::Full).await,
            64..68 => self.hook().await,
            68..76 => self.run_under_faults().await,
            76..80 => self.edit_mappings().await,
            80..82 => self.switch_somehow().await,
            82..86 => self.by_hand().await,
            86..89 => self.decide().await,
            89..91 => self.crash().await,
            91..93 => self.crash_in_a_run().await,
            93..97 => self.run_while_pushing().await,
            97..99 => self.assign_somehow(),
            99..100 => self.change_dialect(),
            100..101 => self.take_over().await,
            101..103 => Box::pin(self.take_over_in_a_run()).await,
            103..105 => self.change_group_push(),
            105..107 => self.recreate_group(),
            107..109 => self.block_somehow().await,
            109..111 => self.crash_in_a_push().await,
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
        let before = self.look_before_pushes().await;
        let done = match self.below(5) {
            0 => self.scim.step().await.unwrap_or_default(),
            1 => self.scim.run_pending_in_parallel(4).await,
            2 => {
                self.scim.retry_failed();
                self.scim.run_pending().await
            }
            _ => self.scim.run_pending().await,
        };
        for done in done {
            self.note(format!("push: {:?}: {:?}", done.task, done.outcome));
        }
        self.check_pushes(&before).await;
    }

    fn change_weather(&mut self) {
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
        self.weather = chances;
        self.note(format!("weather: {chances:?}"));
    }

    /// A run while nothing is wrong, and what it may do.
    async fn ask(&mut self, ask: &Ask) -> Ended {
        let sync = self.daemons[self.leader].sync.clone();
        self.ask_of(&sync, ask).await.expect("a run without faults")
    }

    pub(crate) async fn ask_of(&mut self, sync: &Sync, ask: &Ask) -> Result<Ended, Halt> {
        let before = self.look_before().await;
        let ended = sync.run(self.daemons[self.leader].epoch, ask).await;
        let told = match &ended {
            Ok(ended) => format!("{:?} {} {:?}", ended.state, ended.id, ended.summary),
            Err(halt) => format!("{halt}"),
        };
        self.note(format!("{:?} run: {told}", ask.kind));
        self.check_run(&before).await;
        ended
    }

    async fn run(&mut self, kind: RunKind) {
        self.ask(&Ask::scheduled(kind)).await;
    }

    pub(crate) async fn full(&mut self) -> Ended {
        self.ask(&Ask::scheduled(RunKind::Full)).await
    }

    async fn hook(&mut self) {
        let ask = self.some_events();
        self.ask(&ask).await;
    }

    /// What a few event hooks ask for.
    pub(crate) fn some_events(&self) -> Ask {
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
        Ask {
            channel: Channel::Hook,
            targets,
            ..Ask::scheduled(RunKind::Hook)
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
            late_pushes_are_stale: self.below(2) == 0,
            ..self.scim.habits()
        };
        self.scim.set_habits(habits);
        self.note(format!("{habits:?}"));
    }

    /// A group's push is set up, ended (its copy deleted or left), or paused.
    fn change_group_push(&self) {
        let groups = self.groups();
        let Some(group) = self.pick(&groups).copied() else {
            return;
        };
        let mut org = self.sim.org();
        let mapping = org
            .mappings()
            .find(|mapping| mapping.source == group)
            .map(|mapping| (mapping.id, mapping.status));
        let done = match (mapping, self.below(3)) {
            (None, _) if !bears_its_name_alone(&org, group) => return,
            (None, _) => org.push_group(group).map(|_| ()),
            (Some((mapping, status)), 0) => {
                org.set_mapping_active(mapping, status != MappingStatus::Active)
            }
            (Some((mapping, _)), which) => org.unlink_group(mapping, which == 1),
        };
        drop(org);
        self.note(format!(
            "group push of {group}, before {mapping:?}: {done:?}"
        ));
    }

    /// A group is deleted and another made under its name, with most of its members.
    fn recreate_group(&self) {
        let groups = self.groups();
        let Some(old) = self.pick(&groups).copied() else {
            return;
        };
        let mut org = self.sim.org();
        let (name, members) = {
            let group = org.group(old).unwrap();
            (group.name().to_owned(), group.members().clone())
        };
        org.delete_group(old).unwrap();
        let new = org.create_group(&name, "made anew");
        for member in members {
            if self.below(4) > 0 {
                org.add_member(new, member).unwrap();
            }
        }
        let pushed = self.below(2) == 0 && bears_its_name_alone(&org, new);
        if pushed {
            org.push_group(new).unwrap();
        }
        drop(org);
        self.note(format!(
            "{name:?} ({old}) was made anew as {new}, pushed: {pushed}"
        ));
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

    /// Whether the last runs ended as they should.
    pub(crate) fn is_whole(ended: &Ended) -> bool {
        ended.state == RunState::Applied && ended.summary.unknown.is_empty()
    }
}

/// Whether no other group of Okta's is called so: two that are pushed fill one SCIM group in turn, and nobody can say what
/// that is to contain.
fn bears_its_name_alone(org: &Org, group: OktaId) -> bool {
    let name = org.group(group).map(Group::name);
    let mut same = org.groups().filter(|other| {
        other.kind.as_str() == "OKTA_GROUP" && other.id != group && Some(other.name()) == name
    });
    same.next().is_none()
}
