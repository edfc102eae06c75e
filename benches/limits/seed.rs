//! A store with something in it, made by the crate's own functions before the daemon starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rosterd::model::actor::{Channel, Cx};
use rosterd::model::id::{GroupId, OktaUserId};
use rosterd::model::mode::OktaMode;
use rosterd::model::random::SystemRandom;
use rosterd::model::time::SystemClock;
use rosterd::model::user::{Facts, Origin};
use rosterd::service::tokens::Scope;
use rosterd::service::{Service, Settings, mappings, mode, teams, tokens};
use rosterd::store::edges::{self, Edge};
use rosterd::store::groups::{self, ScimSide};
use rosterd::store::profile::Profile;
use rosterd::store::users::{self, NewUser};
use rosterd::store::{Options, Store, StoreError};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// A store being filled, or changed while no daemon has it.
pub(crate) struct Seed {
    pub(crate) url: String,
    service: Service,
}

/// Who fills it.
fn cx() -> Cx {
    Cx {
        channel: Channel::Cli,
        actor: "benchmark".to_owned(),
        request_id: None,
    }
}

/// A folder for one figure, on the disk the crate is built on unless `ROSTERD_BENCH_FOLDER` names another.
pub(crate) fn folder() -> tempfile::TempDir {
    let parent = std::env::var_os("ROSTERD_BENCH_FOLDER")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    tempfile::Builder::new()
        .prefix("rosterd-bench-")
        .tempdir_in(parent)
        .expect("a folder")
}

/// Where a figure keeps its SQLite store.
pub(crate) fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("rosterd.db").display())
}

/// The attributes Okta sends of a person, as one SCIM resource.
pub(crate) fn person(name: &str, okta_id: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{name}@example.test"),
        "externalId": okta_id,
        "name": { "givenName": name, "familyName": "Okafor" },
        "displayName": format!("{name} Okafor"),
        "emails": [{ "value": format!("{name}@example.test"), "type": "work", "primary": true }],
        "locale": "en-US",
        "active": true,
        "groups": [],
    })
}

/// An id as Okta makes them.
pub(crate) fn okta_id(series: &str, number: u64) -> String {
    format!("00u{series}{number:0width$}", width = 17 - series.len())
}

/// The name of a seeded user.
pub(crate) fn name(number: usize) -> String {
    format!("user.{number:07}")
}

impl Seed {
    /// The store at `url`, made if it is not there.
    pub(crate) async fn open(url: String) -> Self {
        let options = Options {
            url: url.clone(),
            connections: 8,
            create: true,
            force_clock: false,
        };
        let random = Arc::new(SystemRandom::new().expect("randomness"));
        let clock = Arc::new(SystemClock::default());
        let store = Store::open(&options, clock, random).await.expect("a store");
        Self {
            url,
            service: Service::new(store, Settings::default()),
        }
    }

    /// A token.
    pub(crate) async fn token(&self, scope: Scope) -> String {
        let issued = tokens::issue(&self.service, &cx(), scope, "benchmark", None).await;
        issued.expect("a token").secret.expose_secret().to_owned()
    }

    /// Users `from..to`, as Okta would have pushed them; their ids.
    pub(crate) async fn users(&self, from: usize, to: usize) -> Vec<String> {
        let mut ids = Vec::with_capacity(to - from);
        let numbers: Vec<usize> = (from..to).collect();
        for chunk in numbers.chunks(2_000) {
            let made = self
                .service
                .store
                .write(async |tx| {
                    let mut made = Vec::with_capacity(chunk.len());
                    for number in chunk {
                        made.push(
                            users::insert(tx, &user(*number))
                                .await?
                                .expect("a new user"),
                        );
                    }
                    Ok::<_, StoreError>(made)
                })
                .await
                .expect("users");
            ids.extend(made.into_iter().map(|user| user.id.to_string()));
        }
        ids
    }

    /// A group with the users `0..members`, as Okta would have pushed it.
    pub(crate) async fn group(&self, name: &str, members: usize) -> GroupId {
        let store = &self.service.store;
        let side = ScimSide {
            name: name.to_owned(),
            external_id: None,
            resource: serde_json::Map::new(),
        };
        let made = store
            .write(async |tx| groups::insert(tx, Some(&side), None).await)
            .await;
        let group = made.expect("a group").expect("a new group").id;
        let edges: Vec<Edge> = (0..members)
            .map(|number| Edge {
                group: group.clone(),
                member: okta_id("Seed", number as u64),
            })
            .collect();
        for chunk in edges.chunks(edges::CHUNK) {
            store
                .write(async |tx| edges::insert_many(tx, Channel::Scim, chunk).await)
                .await
                .expect("edges");
        }
        group
    }

    /// A custom team that follows from these groups, each by id or name.
    pub(crate) async fn map(&self, team: &str, groups: &[String]) {
        let team = teams::create(&self.service, &cx(), team, None)
            .await
            .expect("a team");
        for group in groups {
            mappings::add(&self.service, &cx(), group, team.id.as_str())
                .await
                .expect("a mapping");
        }
    }

    /// Switches Okta on.
    pub(crate) async fn enable(&self) {
        mode::switch(&self.service, &cx(), OktaMode::On, false)
            .await
            .expect("Okta on");
    }

    /// Closes the store, for the daemon to open it.
    pub(crate) async fn close(self) -> String {
        self.service.store.close().await;
        self.url
    }
}

fn user(number: usize) -> NewUser {
    let okta_id = okta_id("Seed", number as u64);
    let mut attributes = person(&name(number), &okta_id);
    let attributes = attributes.as_object_mut().expect("an object");
    for apart in ["schemas", "active", "groups"] {
        attributes.remove(apart);
    }
    let user_name = format!("{}@example.test", name(number));
    NewUser {
        origin: Origin::Okta,
        scim: true,
        okta_id: OktaUserId::from_external_id(&okta_id),
        facts: Facts {
            entitled: true,
            status: None,
            blocked: false,
        },
        pending: false,
        profile: Profile::of(&user_name, Some(&okta_id), attributes),
    }
}
