//! The client of Okta's API against the simulated org: both were written from Okta's documents, neither from the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use rosterd::model::id::{OktaGroupId, OktaUserId};
use rosterd::model::random::SeededRandom;
use rosterd::model::time::{Clock, ManualClock, Timestamp};
use rosterd::okta::types::{AppId, GroupKind, UserStatus};
use rosterd::okta::{
    Algorithm, Auth, Client, Collected, DpopMode, End, Error, GroupFilter, Identity, OrgUrl,
    PageSizes, Patience, Pause, Read, ServiceApp, Settings, Surroundings, UserFilter,
};
use rosterd::sim::access::Role;
use rosterd::sim::api::{LinkStyle, Rates};
use rosterd::sim::faults::{Fault, Rule};
use rosterd::sim::{Sim, SimConfig};

/// A timer that only moves the clock.
struct Skip(Arc<ManualClock>);

impl Pause for Skip {
    fn pause(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(i64::try_from(wait.as_millis()).unwrap());
        Box::pin(tokio::task::yield_now())
    }
}

struct World {
    sim: Sim,
    clock: Arc<ManualClock>,
}

const START: Timestamp = Timestamp::from_millis(1_795_428_000_000);

async fn world() -> World {
    let clock = Arc::new(ManualClock::at(START));
    let config = SimConfig {
        seed: 11,
        people: 30,
        groups: 5,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..SimConfig::default()
    };
    let sim = Sim::start(config).await.unwrap();
    World { sim, clock }
}

impl World {
    fn settings(&self, auth: Auth) -> Settings {
        let pages = PageSizes {
            groups: 3,
            members: 7,
            users: 10,
            app_users: 11,
            mappings: 2,
        };
        let app_id = AppId::parse(self.sim.org().app().id.as_str());
        Settings {
            app_id,
            pages,
            timeout: Duration::from_secs(5),
            ..Settings::new(OrgUrl::parse(self.sim.base_url()).unwrap(), auth)
        }
    }

    fn client_with(&self, settings: Settings) -> Client {
        let around = Surroundings {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            random: Arc::new(SeededRandom::new(3)),
            pause: Arc::new(Skip(Arc::clone(&self.clock))),
        };
        Client::new(settings, around).unwrap()
    }

    fn ssws(&self) -> Auth {
        let token = self.sim.ssws_token().to_owned().into();
        Auth::Ssws { token }
    }

    fn client(&self) -> Client {
        self.client_with(self.settings(self.ssws()))
    }

    /// A group with members, and who they are.
    fn full_group(&self) -> (OktaGroupId, BTreeSet<String>) {
        let org = self.sim.org();
        let group = org
            .groups()
            .max_by_key(|group| group.members().len())
            .unwrap();
        let members = group.members().iter().map(|id| id.as_str().to_owned());
        (
            OktaGroupId::parse(group.id.as_str()).unwrap(),
            members.collect(),
        )
    }
}

fn whole<T>(collected: Collected<T>) -> Vec<T> {
    assert!(
        matches!(collected.end, End::Whole { .. }),
        "{:?}",
        collected.end
    );
    collected.items
}

fn partial<T>(collected: &Collected<T>) -> &Error {
    match &collected.end {
        End::Partial { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_listing_comes_whole_whatever_the_link_style() {
    let world = world().await;
    let client = world.client();
    let (id, members) = world.full_group();
    let someone = members.first().unwrap().clone();
    {
        let mut org = world.sim.org();
        let gone = org.users().last().unwrap().id;
        org.deactivate(gone).unwrap();
    }
    let (mut users, mut groups, mut assigned, mut pushed) = (0, 0, 0, 0);
    {
        let org = world.sim.org();
        users += org.users().count();
        groups += org.groups().count();
        assigned += org.app_users(None).count();
        pushed += org.mappings().count();
    }
    for style in [LinkStyle::Separate, LinkStyle::Combined] {
        world.sim.set_link_style(style);
        let found = whole(client.list_users(UserFilter::All).collect().await);
        assert_eq!(found.len(), users);
        assert!(
            found
                .iter()
                .any(|user| user.status == UserStatus::Deprovisioned)
        );
        let found = whole(client.list_groups(GroupFilter::All).collect().await);
        assert_eq!(found.len(), groups);
        assert!(
            found
                .iter()
                .any(|group| group.kind == GroupKind::AppGroup && group.source_app_id.is_some())
        );
        let found = whole(client.group_members(&id).collect().await);
        let found: BTreeSet<String> = found.iter().map(|member| member.id.to_string()).collect();
        assert_eq!(found, members);
        let app = client.app_id().unwrap();
        assert_eq!(whole(client.app_users(app).collect().await).len(), assigned);
        let mappings = whole(client.push_mappings(app).collect().await);
        assert_eq!(mappings.len(), pushed);
        assert!(
            mappings
                .iter()
                .all(|mapping| mapping.target_group_id.is_some())
        );
    }
    let user = OktaUserId::parse(&someone).unwrap();
    let known = client.user(&user).await.known().unwrap();
    let by_login = client.user_by_login(&known.login.to_uppercase()).await;
    assert_eq!(by_login.known().unwrap().id, user);
    let app = client.app_id().unwrap();
    let by_name = client.app_user_by_name(app, &known.login).await;
    assert_eq!(by_name.known().unwrap().id, user);
}

#[tokio::test]
async fn a_delta_lists_what_changed_and_404_by_id_confirms_what_went() {
    let world = world().await;
    let client = world.client();
    let watermark = client.organization().await;
    let Read::Known { at, value } = watermark else {
        panic!("{watermark:?}")
    };
    assert_eq!(value.id, world.sim.org().id().as_str());
    let since = at.okta_at.unwrap();
    world.clock.advance(5_000);
    let (group, user) = {
        let mut org = world.sim.org();
        let group = org.create_group("New", "");
        let user = org.users().next().unwrap().id;
        org.add_member(group, user).unwrap();
        org.suspend(user).unwrap();
        (group, user)
    };
    let groups = whole(
        client
            .list_groups(GroupFilter::ChangedSince(since))
            .collect()
            .await,
    );
    assert_eq!(
        groups
            .iter()
            .map(|group| group.name.as_str())
            .collect::<Vec<_>>(),
        ["New"]
    );
    let users = whole(
        client
            .list_users(UserFilter::ChangedSince(since))
            .collect()
            .await,
    );
    assert_eq!(users.len(), 1);
    assert_eq!(users[0].status, UserStatus::Suspended);
    world.sim.org().delete_group(group).unwrap();
    let id = OktaGroupId::parse(group.as_str()).unwrap();
    assert!(matches!(client.group(&id).await, Read::Gone { .. }));
    let members = client.group_members(&id).collect().await;
    assert!(matches!(members.end, End::Gone { .. }));
    let app = client.app_id().unwrap().clone();
    let user = OktaUserId::parse(user.as_str()).unwrap();
    assert!(client.app_user(&app, &user).await.known().is_some());
    let wrong = AppId::parse("0oaWrongWrongWrong00").unwrap();
    assert!(matches!(
        client.app_user(&wrong, &user).await,
        Read::Unknown { .. }
    ));
}

#[tokio::test]
async fn r8_each_fault_of_a_listing_leaves_it_partial_and_the_next_one_is_whole() {
    let world = world().await;
    let client = world.client();
    let (id, _) = world.full_group();
    let faults = [
        (Fault::Forbidden, 1, "forbidden"),
        (
            Fault::NextElsewhere("https://evil.example.test".to_owned()),
            1,
            "foreign_host",
        ),
        (Fault::RepeatedPage, 1, "repeated"),
        (Fault::HtmlPage, 1, "malformed"),
        (Fault::TruncatedBody, 9, "unavailable"),
        (Fault::Cut, 9, "unavailable"),
        (Fault::Unavailable, 9, "unavailable"),
    ];
    for (fault, times, code) in faults {
        // The first page passes, the second is spoiled.
        let name = format!("{fault:?}");
        world
            .sim
            .faults()
            .add(Rule::next(times, fault).on("/users").after(1));
        let spoiled = client.group_members(&id).collect().await;
        assert_eq!(partial(&spoiled).code(), code, "{name}: {:?}", spoiled.end);
        world.sim.faults().clear();
        whole(client.group_members(&id).collect().await);
    }
}

#[tokio::test]
async fn passing_trouble_is_waited_out() {
    let world = world().await;
    let client = world.client();
    let (id, members) = world.full_group();
    for fault in [
        Fault::InternalError,
        Fault::Unavailable,
        Fault::RateLimited,
        Fault::Cut,
        Fault::TruncatedBody,
    ] {
        world
            .sim
            .faults()
            .add(Rule::next(1, fault.clone()).on("/users").after(1));
        let found = whole(client.group_members(&id).collect().await);
        assert_eq!(found.len(), members.len(), "{fault:?}");
    }
}

#[tokio::test]
async fn our_share_of_a_bucket_is_kept_without_a_single_429() {
    let world = world().await;
    let rates = Rates {
        group: 40,
        share: 50,
        ..Rates::UNLIMITED
    };
    world.sim.limiter().set(rates);
    let client = world.client();
    let (id, _) = world.full_group();
    let calls = (0..50).map(|_| {
        let (client, id) = (client.clone(), id.clone());
        tokio::spawn(async move { client.group(&id).await.known().is_some() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap());
    }
    // 20 a minute is the token's limit and 10 are ours, so 50 take at least four waits; no request is refused, so none
    // is sent twice.
    let sent = world.sim.requests().len();
    assert_eq!(sent, 50, "{sent}");
    assert!(world.clock.now().since(START) >= 4 * 60_000);
    let status = client.status();
    assert_eq!(status.last_failure, None);
    assert_eq!(status.buckets[0].limit, 20);
}

fn service_app(world: &World, dpop: bool, scopes: &[&str]) -> ServiceApp {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = serde_json::json!({"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
        "x": part(&point[1..33]), "y": part(&point[33..])});
    let granted = ["okta.groups.read", "okta.users.read", "okta.apps.read"];
    let app = rosterd::sim::access::ServiceApp {
        keys: vec![jwk],
        scopes: granted.map(str::to_owned).to_vec(),
        role: Role::ReadOnly,
        dpop,
    };
    world.sim.access().add_service_app("0oaService", app);
    let der = STANDARD.encode(pair.to_pkcs8v1().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    ServiceApp {
        client_id: "0oaService".to_owned(),
        key: pem.into(),
        key_id: Some("k1".to_owned()),
        algorithm: Algorithm::Es256,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        dpop: DpopMode::Auto,
    }
}

#[tokio::test]
async fn a_service_app_reads_with_and_without_dpop() {
    for dpop in [false, true] {
        let world = world().await;
        world.sim.access().set_strict_assertions(true);
        let scopes = ["okta.groups.read", "okta.users.read", "okta.apps.read"];
        let app = service_app(&world, dpop, &scopes);
        let client = world.client_with(world.settings(Auth::ServiceApp(app)));
        assert!(whole(client.list_groups(GroupFilter::All).collect().await).len() > 5);
        let access = client.access().await;
        assert!(access.groups.is_ok() && access.users.is_ok());
        assert!(access.push_mappings.unwrap().is_ok() && access.app_users.unwrap().is_ok());
        assert!(access.app.unwrap().known().is_some());
        let Identity::ServiceApp { scopes, dpop: on } = access.identity else {
            panic!("a service app")
        };
        assert_eq!((scopes.unwrap().len(), on), (3, dpop));
        // A new nonce, and all tokens ended: the next call begins again by itself.
        world.sim.access().rotate_nonce("n-2");
        world.sim.access().rotate_nonce("n-3");
        world.sim.access().expire_access_tokens();
        whole(client.list_users(UserFilter::All).collect().await);
        world.clock.advance(2 * 3_600_000);
        whole(client.list_users(UserFilter::All).collect().await);
    }
}

#[tokio::test]
async fn a_missing_scope_is_forbidden_and_named() {
    let world = world().await;
    let app = service_app(&world, true, &["okta.groups.read"]);
    let client = world.client_with(world.settings(Auth::ServiceApp(app)));
    let access = client.access().await;
    assert!(access.groups.is_ok());
    let refused = access.users.unwrap_err().to_string();
    assert!(refused.contains("okta.users.read"), "{refused}");
}

#[tokio::test]
async fn a_revoked_token_and_a_silent_okta_are_told_apart() {
    let world = world().await;
    let client = world.client().with_patience(Patience::once());
    world.sim.access().revoke_ssws(world.sim.ssws_token());
    let (id, _) = world.full_group();
    assert!(matches!(
        client.group(&id).await,
        Read::Unknown {
            why: Error::Unauthorized { .. }
        }
    ));
    world.sim.faults().add(Rule::always(Fault::Hang));
    let settings = Settings {
        timeout: Duration::from_millis(200),
        ..world.settings(world.ssws())
    };
    let client = world.client_with(settings).with_patience(Patience::once());
    assert!(matches!(
        client.group(&id).await,
        Read::Unknown {
            why: Error::Unavailable { .. }
        }
    ));
}
