//! A daemon's poller over a store of either engine, against the simulated org, on one clock.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rosterd::model::actor::{Channel, Cx};
use rosterd::model::id::{OktaGroupId, TeamId, UserId};
use rosterd::model::mode::OktaMode;
use rosterd::model::random::SeededRandom;
use rosterd::model::run::{RunKind, RunState};
use rosterd::model::time::{Clock, ManualClock};
use rosterd::okta::types::AppId;
use rosterd::okta::{
    Auth, Client, OrgUrl, PageSizes, Patience, Pause, Settings as OktaSettings, Surroundings,
};
use rosterd::service::membership::{Touched, settle};
use rosterd::service::sync::{Ask, Ended, Halt, Sync};
use rosterd::service::{Error, Service, Settings};
use rosterd::sim::faults::{Fault, Gate, Rule};
use rosterd::sim::org::{OktaId, Profile};
use rosterd::sim::{Sim, SimConfig};
use rosterd::store::{Tx, groups, lease, mappings, organization, teams, users};

use crate::store::groups::scim_side;
use crate::store::users::new_user;
use crate::support::stores::TestStore;

/// A timer that only moves the clock.
struct Skip(Arc<ManualClock>);

impl Pause for Skip {
    fn pause(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(i64::try_from(wait.as_millis()).unwrap());
        Box::pin(tokio::task::yield_now())
    }
}

/// A lease that outlives every test.
const FOREVER: i64 = 1_000_000_000_000;

/// The store, the org and the poller.
pub(crate) struct World {
    pub(crate) store: TestStore,
    pub(crate) sim: Sim,
    pub(crate) sync: Sync,
    pub(crate) epoch: i64,
}

impl World {
    /// An empty org, and a poller without an app.
    pub(crate) async fn new(store: TestStore) -> Self {
        Self::with(store, false, Settings::default()).await
    }

    /// An empty org, and a poller with its app.
    pub(crate) async fn with_app(store: TestStore) -> Self {
        Self::with(store, true, Settings::default()).await
    }

    pub(crate) async fn with(store: TestStore, app: bool, settings: Settings) -> Self {
        let settings = Settings {
            leaver_grace_ms: settings.leaver_grace_ms.max(24 * 60 * 60 * 1000),
            ..settings
        };
        let clock = Arc::clone(&store.clock);
        let config = SimConfig {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..SimConfig::default()
        };
        let sim = Sim::start(config).await.unwrap();
        let app_id = sim.org().app().id.to_string();
        let auth = Auth::Ssws {
            token: sim.ssws_token().to_owned().into(),
        };
        let mut okta = OktaSettings::new(OrgUrl::parse(sim.base_url()).unwrap(), auth);
        okta.pages = PageSizes {
            groups: 3,
            members: 7,
            users: 10,
            app_users: 11,
            mappings: 5,
        };
        okta.app_id = app.then(|| AppId::parse(&app_id).unwrap());
        let around = Surroundings {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(SeededRandom::new(3)),
            pause: Arc::new(Skip(Arc::clone(&clock))),
        };
        let settings = Settings {
            okta_configured: true,
            app_id: app.then_some(app_id),
            ..settings
        };
        let patience = Patience {
            attempts: 2,
            ..Patience::default()
        };
        let sync = Sync {
            service: Service::new(store.store.clone(), settings),
            okta: Client::new(okta, around).unwrap().with_patience(patience),
            clock,
            holder: "test".to_owned(),
        };
        let epoch = store
            .write(async |tx: &mut Tx| lease::take(tx, "test", FOREVER).await)
            .await
            .unwrap()
            .unwrap();
        Self {
            store,
            sim,
            sync,
            epoch,
        }
    }

    pub(crate) fn cx(&self, channel: Channel) -> Cx {
        Cx {
            channel,
            actor: "test".to_owned(),
            request_id: None,
        }
    }

    /// Somebody in Okta.
    pub(crate) fn person(&self, login: &str) -> OktaId {
        let (first, _) = login.split_once('@').unwrap();
        self.sim
            .org()
            .create_user(Profile::new(login, first, "Test"), true)
            .unwrap()
    }

    /// So many people in Okta.
    pub(crate) fn people(&self, count: usize) -> Vec<OktaId> {
        (0..count)
            .map(|n| self.person(&format!("p{n}@example.test")))
            .collect()
    }

    /// A group in Okta with these members.
    pub(crate) fn group(&self, name: &str, members: &[OktaId]) -> OktaId {
        let mut org = self.sim.org();
        let group = org.create_group(name, "");
        for member in members {
            org.add_member(group, *member).unwrap();
        }
        group
    }

    /// A user whom SCIM made without an Okta id.
    pub(crate) async fn scim_user(&self, name: &str) -> UserId {
        let service = &self.sync.service;
        let made = service
            .store
            .write(async |tx: &mut Tx| {
                let made = users::insert(tx, &new_user(name, None)).await?;
                let user = made.expect("a userName that nobody has").id;
                let touched = Touched {
                    users: [user.clone()].into(),
                    ..Touched::default()
                };
                settle(service, tx, &self.cx(Channel::Scim), &touched).await?;
                Ok::<_, Error>(user)
            })
            .await;
        made.unwrap()
    }

    /// A group that SCIM made.
    pub(crate) async fn scim_group(&self, name: &str) {
        let side = scim_side(name);
        let made = self
            .store
            .write(async |tx: &mut Tx| groups::insert(tx, Some(&side), None).await);
        assert!(made.await.unwrap().is_some());
    }

    /// A team, mapped from a group that the mirror has.
    pub(crate) async fn map(&self, group: OktaId, team: &str) -> TeamId {
        let okta = OktaGroupId::parse(group.as_str()).unwrap();
        let service = &self.sync.service;
        let made = service
            .store
            .write(async |tx: &mut Tx| {
                let group = groups::find_by_okta_id(tx, &okta)
                    .await?
                    .expect("a group in the mirror");
                let team = teams::insert(tx, team, None).await?.id;
                mappings::insert(tx, &team, Some(&group.id), "written", "test").await?;
                let touched = Touched {
                    teams: [team.clone()].into(),
                    ..Touched::default()
                };
                settle(service, tx, &self.cx(Channel::Cli), &touched).await?;
                Ok::<_, Error>(team)
            })
            .await;
        made.unwrap()
    }

    /// Turns Okta on, whatever stands against it.
    pub(crate) async fn turn_on(&self) {
        self.store
            .write(async |tx: &mut Tx| organization::update_mode(tx, OktaMode::On).await)
            .await
            .unwrap();
    }

    /// Okta owes the next answer of this path until the gate is opened.
    pub(crate) fn gate(&self, path: &str) -> Gate {
        let gate = Gate::default();
        let rule = Rule::next(1, Fault::Gate(gate.clone())).on(path);
        self.sim.faults().add(rule);
        gate
    }

    /// Waits until that answer is owed; what happens from then on is later than the question.
    pub(crate) async fn asked(&self, gate: &Gate) {
        let asked = tokio::time::timeout(Duration::from_secs(30), gate.reached()).await;
        asked.expect("a question to Okta");
        self.store.clock.advance(5);
    }

    /// Moves the clock on by a second and runs.
    pub(crate) async fn try_run(&self, kind: RunKind) -> Result<Ended, Halt> {
        self.store.clock.advance(1_000);
        self.sync.run(self.epoch, &Ask::scheduled(kind)).await
    }

    pub(crate) async fn full(&self) -> Ended {
        self.try_run(RunKind::Full).await.unwrap()
    }

    pub(crate) async fn delta(&self) -> Ended {
        self.try_run(RunKind::Delta).await.unwrap()
    }

    /// A full run that holds nothing.
    pub(crate) async fn settle(&self) -> Ended {
        let ended = self.full().await;
        assert_eq!(ended.state, RunState::Applied, "{:?}", ended.summary);
        assert!(ended.summary.unknown.is_empty(), "{:?}", ended.summary);
        ended
    }

    /// The userNames of a team's counted members.
    pub(crate) async fn members(&self) -> Vec<String> {
        self.store
            .texts(
                "SELECT u.user_name FROM effective_memberships e JOIN users u ON u.id = e.user_id ORDER BY u.user_name",
            )
            .await
    }

    /// Everything but run history, lease and marks, as text: what R10 says does not change.
    pub(crate) async fn dump(&self) -> Vec<String> {
        let mut all = Vec::new();
        for statement in [
            "SELECT id || '|' || user_name || '|' || COALESCE(okta_id, '') || '|' || COALESCE(status, '') || '|' || entitled || '|' \
             || active || '|' || version || '|' || COALESCE(absent_since, 0) FROM users ORDER BY id",
            "SELECT id || '|' || COALESCE(okta_name, '') || '|' || COALESCE(scim_name, '') || '|' || member_count || '|' || version \
             || '|' || COALESCE(members_read_at, 0) FROM idp_groups ORDER BY id",
            "SELECT group_id || '|' || member || '|' || at FROM edges ORDER BY group_id, member",
            "SELECT team_id || '|' || user_id || '|' || origin FROM memberships ORDER BY team_id, user_id, origin",
            "SELECT kind || '|' || object || '|' || since FROM rereads ORDER BY kind, object",
            "SELECT kind || '|' || object || '|' || member FROM stamps ORDER BY kind, object, member",
            "SELECT id FROM audit ORDER BY id",
            "SELECT id FROM guard_log ORDER BY id",
            "SELECT code || '|' || object FROM problems ORDER BY code, object",
            "SELECT user_id || '|' || team_id FROM withheld ORDER BY user_id, team_id",
            "SELECT change_key FROM mutes ORDER BY change_key",
            "SELECT run_id || '|' || ordinal || '|' || outcome FROM run_changes ORDER BY run_id, ordinal",
        ] {
            all.push(format!("-- {statement}"));
            all.extend(self.store.texts(statement).await);
        }
        all
    }
}

/// A world with a mapped group of so many people, Okta on, all read.
pub(crate) async fn with_team(store: TestStore, people: usize) -> (World, Vec<OktaId>, OktaId) {
    let world = World::new(store).await;
    let people = world.people(people);
    let group = world.group("Engineering", &people);
    world.settle().await;
    world.map(group, "engineering").await;
    world.turn_on().await;
    world.settle().await;
    assert_eq!(world.members().await.len(), people.len());
    // The guard measures against the sizes at the window's start (R9).
    world.store.clock.advance(25 * 60 * 60 * 1000);
    (world, people, group)
}
