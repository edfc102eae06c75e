//! One history: an org, a daemon or two, and what happens to them, drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use rosterd::model::actor::{Channel, Cx};
use rosterd::model::mode::OktaMode;
use rosterd::model::random::{Random as _, SeededRandom};
use rosterd::model::time::{Clock as _, ManualClock, Timestamp};
use rosterd::service::tokens::{self, Scope};
use rosterd::service::{PushGuard, teams};
use rosterd::sim::life::{Life, Temper};
use rosterd::sim::org::{DeactivatedAppUser, Habits, OktaId, UserStatus};
use rosterd::sim::scim_client::{Auth, Dialect, ScimClient, ScimHabits, ScimTarget};
use rosterd::sim::weather::Chances;
use rosterd::sim::{Sim, SimConfig};
use secrecy::ExposeSecret as _;

use super::checks::Watch;
use super::daemon::Daemon;
use super::eyes::Eyes;
use super::model::{Group, Mode, Model, Person, Team};

/// The predefined team that is never without somebody (R5).
pub(crate) const ADMINS: &str = "01800000-0000-7000-8000-000000000001";

/// The notes a history leaves for whoever has to find out what went wrong.
pub(crate) type Notes = Arc<Mutex<Vec<String>>>;

/// Where a history plays.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) url: String,
    /// Two daemons at once: on PostgreSQL.
    pub(crate) shared: bool,
}

pub(crate) struct History {
    pub(crate) place: Place,
    pub(crate) seed: u64,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) sim: Sim,
    pub(crate) scim: Arc<ScimClient>,
    pub(crate) life: Life,
    pub(crate) daemons: Vec<Daemon>,
    /// Which daemon polls.
    pub(crate) leader: usize,
    pub(crate) eyes: Eyes,
    pub(crate) random: SeededRandom,
    pub(crate) teams: Vec<Team>,
    pub(crate) mode: Mode,
    /// The mappings made, by id.
    pub(crate) mapped: BTreeMap<String, (Group, Team)>,
    /// Which SCIM group each of Okta's groups was joined to, also when its push has ended or the group is gone.
    pub(super) joined_to: BTreeMap<Group, String>,
    pub(crate) local: BTreeSet<(Team, Person)>,
    pub(crate) locals: BTreeSet<Person>,
    /// The edge that a push last gave or took while a run had read it before, and when.
    pub(crate) overtaken: Option<(super::held::Edge, i64)>,
    /// The rows admins blocked, and who had them last.
    pub(crate) blocked: BTreeMap<String, Person>,
    /// Lines of the audit log that say a run blocked a row.
    pub(crate) carried: BTreeSet<String>,
    /// `guard.push = "hold"` (R9).
    pub(crate) holds_pushes: bool,
    pub(crate) watch: Watch,
    /// What is done to pushes between Okta and us.
    pub(crate) weather: Chances,
    /// The rows of users at the last look, and whose they were.
    pub(crate) rows: BTreeMap<String, Person>,
    /// Those of them whose Okta id was not known then.
    pub(crate) unbound: BTreeSet<String>,
    /// What Okta and the admins said at the end of each step, as far back as Okta's searches show.
    pub(crate) said: Vec<(i64, Model)>,
    pub(crate) started: u32,
    pub(crate) notes: Notes,
    token: String,
}

pub(crate) fn cx(channel: Channel) -> Cx {
    Cx {
        channel,
        actor: "history".to_owned(),
        request_id: None,
    }
}

impl History {
    /// An org of some thirty people, a daemon connected to it, a first full run, some mappings, Okta on.
    pub(crate) async fn begin(place: Place, seed: u64, notes: Notes) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let random = SeededRandom::new(seed);
        let config = SimConfig {
            seed,
            people: 26,
            groups: 5,
            clock: Arc::clone(&clock) as _,
            habits: Habits {
                deactivated_app_user: [
                    DeactivatedAppUser::Removed,
                    DeactivatedAppUser::Deprovisioned,
                ][usize::from(random.below(2) == 0)],
                search_lag_ms: [0, 0, 5_000, 30_000][usize::try_from(random.below(4)).unwrap()],
            },
            ..SimConfig::default()
        };
        let sim = Sim::start(config).await.unwrap();
        let mut daemon =
            Daemon::start(&place.url, &clock, &sim, "first", seed, push_guard(seed)).await;
        daemon.lead().await;
        let issued = tokens::issue(
            daemon.service(),
            &cx(Channel::Cli),
            Scope::Scim,
            "okta",
            None,
        )
        .await
        .unwrap();
        let token = issued.secret.expose_secret().to_owned();
        let habits = ScimHabits {
            dialect: if random.below(2) == 0 {
                Dialect::Wizard
            } else {
                Dialect::Template
            },
            maps_external_id: random.below(3) > 0,
            deletes_leavers: random.below(4) == 0,
            ..ScimHabits::default()
        };
        let scim = sim.connect_scim(target(&daemon, &token), habits);
        let mut history = Self {
            life: Life::new(seed ^ 0x11fe, Temper::Wild),
            eyes: Eyes::open(&place.url).await,
            place,
            seed,
            clock,
            scim,
            sim,
            daemons: vec![daemon],
            leader: 0,
            random,
            teams: vec![ADMINS.to_owned()],
            mode: Mode::Off,
            mapped: BTreeMap::new(),
            joined_to: BTreeMap::new(),
            local: BTreeSet::new(),
            locals: BTreeSet::new(),
            overtaken: None,
            blocked: BTreeMap::new(),
            carried: BTreeSet::new(),
            holds_pushes: holds_pushes(seed),
            watch: Watch::default(),
            weather: Chances::default(),
            rows: BTreeMap::new(),
            unbound: BTreeSet::new(),
            said: Vec::new(),
            started: 1,
            notes,
            token,
        };
        history.settle_in().await;
        history
    }

    async fn settle_in(&mut self) {
        if self.place.shared {
            let second = self.start_another().await;
            self.daemons.push(second);
        }
        let service = self.daemons[0].service().clone();
        for name in ["red", "green", "blue"] {
            let team = teams::create(&service, &cx(Channel::Cli), name, None)
                .await
                .unwrap();
            self.teams.push(team.id.to_string());
        }
        // The guard's window reaches back to here: who comes now was not there when it began.
        self.look_before().await;
        if self.seed.is_multiple_of(2) {
            let id = teams::create_admin(&service, &cx(Channel::Cli), "root@here.test", "Root")
                .await
                .unwrap();
            let root = Person::Local(id.to_string());
            self.locals.insert(root.clone());
            self.local.insert((ADMINS.to_owned(), root));
        }
        self.look_before().await;
        // One group is big enough for the guard to mind.
        let groups = self.groups();
        let people: Vec<OktaId> = self.sim.org().users().map(|user| user.id).collect();
        for person in &people {
            self.sim.org().add_member(groups[0], *person).unwrap();
        }
        self.scim.run_pending().await;
        self.clock.advance(1_000);
        self.full().await;
        for (place, group) in groups.iter().take(4).enumerate() {
            let team = self.teams[place].clone();
            self.map(group.as_str(), &team).await;
        }
        self.full().await;
        self.switch(OktaMode::On, false).await;
    }

    pub(crate) async fn start_another(&mut self) -> Daemon {
        self.started += 1;
        let name = format!("daemon {}", self.started);
        let seed = self.seed ^ u64::from(self.started) << 32;
        let push = push_guard(self.seed);
        Daemon::start(&self.place.url, &self.clock, &self.sim, &name, seed, push).await
    }

    /// Okta pushes to this daemon from now on.
    pub(crate) fn push_to(&self, daemon: usize) {
        self.scim
            .set_target(target(&self.daemons[daemon], &self.token));
    }

    pub(crate) fn note(&self, what: impl Into<String>) {
        let now = self.clock.now().as_millis() - 1_800_000_000_000;
        self.notes
            .lock()
            .unwrap()
            .push(format!("[{:>9}] {}", now / 1000, what.into()));
    }

    pub(crate) fn below(&self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap()
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// The groups made in Okta, the one that assigns people to the app apart.
    pub(crate) fn groups(&self) -> Vec<OktaId> {
        let org = self.sim.org();
        let assigning = org.app().groups.clone();
        org.groups()
            .filter(|group| group.kind.as_str() == "OKTA_GROUP" && !assigning.contains(&group.id))
            .map(|group| group.id)
            .collect()
    }

    /// What Okta and the admins say now.
    ///
    /// `joined`: a SCIM group that lost its Okta side has been joined to the group that fills it since, as it is after a
    /// whole run; before, what fills it goes with the old side (R17).
    pub(crate) async fn model(&mut self, joined: bool) -> Model {
        let people = self.eyes.people(&self.sim).await;
        // A run that gives somebody's Okta id to another row takes the block along (R13), and blocks nobody else.
        for [line, id] in self.eyes.blocked_by_runs().await {
            let person = people.get(&id);
            if self.carried.insert(line)
                && let Some(person) =
                    person.filter(|one| self.blocked.values().any(|old| old == *one))
            {
                self.blocked.insert(id, person.clone());
            }
        }
        for (id, person) in &mut self.blocked {
            // A block stays with the row, also where that is another person's by now (R11).
            if let Some(present) = people.get(id) {
                person.clone_from(present);
            }
        }
        let sides = self.sides().await;
        self.remember_joins(&sides);
        let mappings = self
            .mapped
            .values()
            .map(|(group, team)| {
                let group = if joined {
                    self.behind(group, &sides)
                } else {
                    group.clone()
                };
                (group, team.clone())
            })
            .collect();
        let org = self.sim.org();
        let may = |user: &rosterd::sim::org::User| {
            let refused = matches!(
                user.status,
                UserStatus::Staged | UserStatus::Suspended | UserStatus::Deprovisioned
            );
            !refused
                && org
                    .app_user(user.id)
                    .is_some_and(rosterd::sim::org::AppUser::is_assigned)
        };
        let active = org
            .users()
            .filter(|user| may(user))
            .map(|user| Person::Okta(user.id.to_string()))
            .chain(self.locals.iter().cloned())
            .collect();
        let groups = org
            .groups()
            .map(|group| {
                let members = group.members().iter().map(ToString::to_string).collect();
                (group.id.to_string(), members)
            })
            .collect();
        Model {
            active,
            groups,
            mappings,
            local: self.local.clone(),
            blocked: self.blocked.values().cloned().collect(),
            mode: self.mode,
        }
    }
}

fn target(daemon: &Daemon, token: &str) -> ScimTarget {
    ScimTarget {
        base_url: format!("http://{}/scim/v2", daemon.address),
        auth: Auth::Bearer(token.to_owned()),
    }
}

/// Some histories hold what pushes take past the threshold (R9): those with a local admin, so that approving is never
/// refused for want of one.
fn holds_pushes(seed: u64) -> bool {
    seed % 4 == 2
}

fn push_guard(seed: u64) -> PushGuard {
    if holds_pushes(seed) {
        PushGuard::Hold
    } else {
        PushGuard::Alert
    }
}
