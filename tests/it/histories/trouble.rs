//! What goes wrong: faults of Okta's API, crashes, a push in the middle of a run, a lease that changes hands.

use std::time::Duration;

use rosterd::model::run::RunKind;
use rosterd::service::sync::{Ask, Halt};
use rosterd::sim::faults::{Fault, Rule};

use super::history::History;

impl History {
    pub(crate) fn full_or_delta(&self) -> RunKind {
        if self.below(2) == 0 {
            RunKind::Full
        } else {
            RunKind::Delta
        }
    }

    /// What Okta answers wrongly, and where.
    fn some_fault(&self) -> Rule {
        let fault = match self.below(11) {
            0 => Fault::InternalError,
            1 => Fault::Unavailable,
            2 => Fault::Forbidden,
            3 => Fault::TruncatedBody,
            4 => Fault::Cut,
            5 => Fault::NextElsewhere("https://elsewhere.example".to_owned()),
            6 => Fault::RepeatedPage,
            7 => Fault::EmptyList,
            8 => Fault::RateLimited,
            9 => Fault::Hang,
            _ => Fault::HtmlPage,
        };
        let groups = self.groups();
        let on = match (&fault, self.below(5)) {
            // Nobody can tell a list of members that is wrongly empty from one that is empty; absence from the other
            // listings has to be confirmed by id (R8).
            (Fault::EmptyList, which) => {
                ["/api/v1/groups?", "/api/v1/users?", "/api/v1/apps"][which % 3].to_owned()
            }
            (_, 0) => "/api/v1/groups".to_owned(),
            (_, 1) => "/api/v1/users".to_owned(),
            (_, 2) => "/api/v1/apps".to_owned(),
            (_, 3) => String::new(),
            _ => self
                .pick(&groups)
                .map_or_else(String::new, |group| format!("/groups/{group}")),
        };
        let rule = match fault {
            // Each costs a timeout in real time.
            Fault::Hang => Rule::next(2, fault.clone()),
            _ if self.below(2) == 0 => Rule::always(fault.clone()),
            _ => Rule::sometimes(300, fault.clone()),
        };
        self.note(format!("fault: {fault:?} on {on}"));
        rule.on(&on)
    }

    pub(crate) async fn run_under_faults(&mut self) {
        for _ in 0..=self.below(2) {
            let rule = self.some_fault();
            self.sim.faults().add(rule);
        }
        let ask = match self.below(5) {
            0 => self.some_events(),
            _ => Ask::scheduled(self.full_or_delta()),
        };
        let hasty = self.daemons[self.leader].hasty.clone();
        let ended = self.ask_of(&hasty, &ask).await;
        assert!(
            matches!(ended, Ok(_) | Err(Halt::Okta(_) | Halt::OtherOrg { .. })),
            "{ended:?}"
        );
        self.sim.faults().clear();
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

    pub(crate) async fn crash_in_a_run(&mut self) {
        let before = self.look_before().await;
        let kind = self.full_or_delta();
        let patience = Duration::from_micros(self.random_micros());
        let daemon = &self.daemons[self.leader];
        let ask = Ask::scheduled(kind);
        let ended = tokio::time::timeout(patience, daemon.sync.run(daemon.epoch, &ask)).await;
        self.note(format!(
            "crash in a {kind:?} run, in time: {}",
            ended.is_err()
        ));
        self.crash().await;
        self.check_run(&before).await;
    }

    /// The daemon that takes the pushes is killed while it does.
    pub(crate) async fn crash_in_a_push(&mut self) {
        let before = self.look_before_pushes().await;
        self.push_to(self.leader);
        let patience = Duration::from_micros(self.random_micros());
        let killer = self.daemons[self.leader].killer();
        let killing = async {
            tokio::time::sleep(patience).await;
            killer.abort();
        };
        let (done, ()) = tokio::join!(self.scim.run_pending(), killing);
        for done in done {
            self.note(format!(
                "until the kill: {:?}: {:?}",
                done.task, done.outcome
            ));
        }
        self.crash().await;
        self.check_pushes(&before).await;
    }

    fn random_micros(&self) -> u64 {
        1_000 + self.below(60_000) as u64
    }

    /// The other daemon takes the lease; the one that had it is told nothing, and changes nothing (two daemons only).
    pub(crate) async fn take_over(&mut self) {
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

    /// The other daemon takes the lease while the first one's run is in flight, and runs too (two daemons only): whatever
    /// the first one still holds in its hands changes nothing.
    pub(crate) async fn take_over_in_a_run(&mut self) {
        if self.daemons.len() < 2 {
            return;
        }
        let before = self.look_before().await;
        let (kind, usurps) = (self.full_or_delta(), self.full_or_delta());
        let patience = Duration::from_micros(self.random_micros());
        let other = 1 - self.leader;
        let (old, epoch) = {
            let old = &self.daemons[self.leader];
            (old.sync.clone(), old.epoch)
        };
        let ask = Ask::scheduled(kind);
        let usurper = async {
            tokio::time::sleep(patience).await;
            self.eyes.run("UPDATE lease SET expires_at = 0").await;
            let daemon = &mut self.daemons[other];
            daemon.lead().await;
            daemon.sync.run(daemon.epoch, &Ask::scheduled(usurps)).await
        };
        let (first, second) = tokio::join!(old.run(epoch, &ask), usurper);
        self.leader = other;
        self.note(format!(
            "lost the lease in a {kind:?} run: {:?}; the other one's {usurps:?} run: {:?}",
            first.as_ref().map(|ended| &ended.summary),
            second.as_ref().map(|ended| &ended.summary)
        ));
        let again = old.run(epoch, &ask).await;
        assert!(matches!(again, Err(Halt::NotHolder)), "{again:?}");
        self.check_run(&before).await;
    }
}
