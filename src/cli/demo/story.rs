//! What happens in the demo: a first push, a first run, mappings, the switch; then life goes on.

use std::sync::Arc;
use std::time::Duration;

use super::{HOOK_SECRET, cx};
use crate::cli::{Failure, Output};
use crate::model::mode::OktaMode;
use crate::model::run::RunKind;
use crate::service::sync::{find_request, request};
use crate::service::{Service, mappings, mode, status, teams};
use crate::sim::Sim;
use crate::sim::life::{Life, Temper};
use crate::sim::scim_client::{Auth, ScimClient, ScimHabits, ScimTarget};

/// Between two happenings.
const MOMENT: Duration = Duration::from_secs(4);

/// How long the first run may take.
const FIRST_RUN: Duration = Duration::from_mins(2);

/// The org, its provisioning engine and the script.
pub(super) struct Story {
    service: Service,
    sim: Sim,
    engine: Arc<ScimClient>,
    life: Life,
}

impl Story {
    /// Connects the org's app to the daemon.
    pub(super) fn begin(
        service: Service,
        sim: Sim,
        scim_url: &str,
        scim_token: &str,
        seed: u64,
    ) -> Self {
        let target = ScimTarget {
            base_url: scim_url.to_owned(),
            auth: Auth::Bearer(scim_token.to_owned()),
        };
        let engine = sim.connect_scim(target, ScimHabits::default());
        Self {
            service,
            sim,
            engine,
            life: Life::new(seed, Temper::Calm),
        }
    }

    /// Push, poll, map, enable.
    pub(super) async fn set_up(&mut self, output: &Output, url: &str) -> Result<(), Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::failed(format!("the demo stopped: {error}"));
        self.engine
            .test_connection()
            .await
            .map_err(|error| failed(&error))?;
        output.note("The org pushes its people and groups …");
        self.push(output).await;
        self.hook(url).await;
        output.note("The daemon reads the org's groups …");
        let asked = request(&self.service, &cx(), RunKind::Full, false)
            .await
            .map_err(|error| failed(&error))?;
        self.wait_for(&asked.id).await?;
        let names: Vec<String> = {
            let org = self.sim.org();
            org.mappings()
                .filter_map(|mapping| org.group(mapping.source))
                .map(|group| group.name().to_owned())
                .collect()
        };
        for (index, name) in names.iter().enumerate() {
            // The first group leads to Organization Admin, the others to teams of their own.
            let team = if index == 0 {
                crate::model::team::organization_admin().to_string()
            } else {
                let slug = name.to_lowercase().replace(' ', "-");
                teams::create(&self.service, &cx(), &slug, Some(name))
                    .await
                    .map_err(|error| failed(&error))?
                    .id
                    .to_string()
            };
            mappings::add(&self.service, &cx(), name, &team)
                .await
                .map_err(|error| failed(&error))?;
        }
        mode::switch(&self.service, &cx(), OktaMode::On, false)
            .await
            .map_err(|error| failed(&error))?;
        output.note("Okta is enabled: membership follows the org.");
        Ok(())
    }

    async fn wait_for(&self, id: &str) -> Result<(), Failure> {
        let give_up = tokio::time::Instant::now() + FIRST_RUN;
        loop {
            let asked = find_request(&self.service, id)
                .await
                .map_err(|error| Failure::failed(error.to_string()))?;
            let status = status::read(&self.service)
                .await
                .map_err(|error| Failure::failed(error.to_string()))?;
            let last = status.okta.last_full.map(|run| run.id);
            if asked
                .run_id
                .is_some_and(|run| last.as_deref() == Some(run.as_str()))
            {
                return Ok(());
            }
            if tokio::time::Instant::now() > give_up {
                return Err(Failure::failed(
                    "the first run did not end in two minutes; see the log above",
                ));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Registers and verifies an event hook, as an admin does in Okta.
    async fn hook(&self, url: &str) {
        let uri = format!("{url}/okta/events");
        if !self.sim.register_hook(&uri, HOOK_SECRET).await {
            tracing::warn!("the event hook was not verified");
        }
    }

    async fn push(&self, output: &Output) {
        self.engine.collect();
        let bar = output.progress(Some(self.engine.waiting().len() as u64), "pushes");
        while let Some(done) = self.engine.step().await {
            bar.inc(done.len() as u64);
            self.engine.collect();
            if self.engine.waiting().is_empty() {
                break;
            }
        }
        bar.finish_and_clear();
    }

    /// Something happens every few seconds, is pushed, and is told by an event.
    pub(super) async fn go_on(&mut self, output: &Output) {
        loop {
            tokio::time::sleep(MOMENT).await;
            let happening = self.sim.live(&mut self.life).await;
            output.note(&format!("{happening}"));
        }
    }
}
