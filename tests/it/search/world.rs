//! A small directory full of the values that go wrong.

use rosterd::model::actor::Channel;
use rosterd::model::random::{Random as _, SeededRandom};
use rosterd::model::user::{Facts, Origin};
use rosterd::scim::user::{UserDoc, parse};
use rosterd::scim::{ResourceType, query::ListQuery};
use rosterd::service::directory::{self, Body};
use rosterd::service::{Error, Service, Settings};
use rosterd::store::edges::{self, Edge};
use rosterd::store::groups::{self, ScimSide};
use rosterd::store::profile::Profile;
use rosterd::store::users::{self, NewUser};
use rosterd::store::{StoreError, Tx};
use serde_json::{Map, Value, json};

use crate::support::stores::TestStore;

pub(crate) const BASE: &str = "https://rosterd.example.test/scim/v2";

/// Values that are equal by fold, hold what LIKE or JSON would read otherwise, or differ in their order.
pub(crate) const TEXTS: &[&str] = &[
    "a", "A", "b", "a%", "a_b", "%", "\\", "\"", "'", "Straße", "STRASSE", "é", "E\u{301}", " a ",
    "ab", "aB", "𝒳", "\u{ffff}", "work", "home", "10", "9", "true", "x]y",
];

pub(crate) struct Dice(pub(crate) SeededRandom);

impl Dice {
    pub(crate) fn below(&self, bound: usize) -> usize {
        usize::try_from(self.0.below(bound as u64)).unwrap()
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn text(&self) -> &'static str {
        TEXTS[self.below(TEXTS.len())]
    }

    fn maybe(&self) -> bool {
        self.below(2) == 0
    }
}

fn attributes(dice: &Dice, number: usize) -> Value {
    let mut user = json!({"userName": format!("{}{number}", dice.text())});
    for name in [
        "displayName",
        "title",
        "nickName",
        "locale",
        "externalId",
        "profileUrl",
    ] {
        if dice.maybe() {
            user[name] = dice.text().into();
        }
    }
    if dice.maybe() {
        user["name"] = json!({"givenName": dice.text(), "formatted": dice.text()});
    }
    if dice.maybe() {
        user["name"]["familyName"] = dice.text().into();
    }
    for name in ["emails", "phoneNumbers", "roles", "x509Certificates"] {
        let values: Vec<Value> = (0..dice.below(3))
            .map(|_| {
                let mut value = json!({"value": dice.text()});
                if dice.maybe() {
                    value["type"] = (*dice.pick(&["work", "HOME", "a"])).into();
                }
                if dice.below(3) == 0 {
                    value["primary"] = dice.maybe().into();
                }
                if dice.below(3) == 0 {
                    value["display"] = dice.text().into();
                }
                value
            })
            .collect();
        user[name] = values.into();
    }
    if dice.maybe() {
        user["addresses"] =
            json!([{"type": "work", "locality": dice.text()}, {"country": dice.text()}]);
    }
    if dice.maybe() {
        user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
            json!({"department": dice.text(), "manager": {"value": dice.text()}});
    }
    if dice.below(4) == 0 {
        user["urn:example:X:2.0:User"] = json!({"anything": dice.text()});
    }
    user
}

fn new_user(doc: &UserDoc, entitled: bool, scim: bool) -> NewUser {
    NewUser {
        origin: Origin::Okta,
        scim,
        okta_id: None,
        facts: Facts {
            entitled,
            status: None,
            blocked: false,
        },
        pending: false,
        profile: Profile::of(doc.user_name(), doc.external_id(), doc.attributes()),
    }
}

/// Makes the directory of a seed: users and groups, some of which SCIM cannot see.
pub(crate) async fn build(store: &TestStore, seed: u64, count: usize) -> Service {
    let dice = Dice(SeededRandom::new(seed));
    let mut keys = Vec::new();
    for number in 0..count {
        let body = attributes(&dice, number).to_string();
        let doc = parse(body.as_bytes()).unwrap().doc;
        let new = new_user(&doc, dice.below(3) > 0, dice.below(6) > 0);
        store
            .clock
            .advance(1 + i64::try_from(dice.below(2_000)).unwrap());
        let made = store
            .write(async |tx: &mut Tx| users::insert(tx, &new).await)
            .await
            .unwrap();
        keys.extend(made.map(|user| user.member_key().to_owned()));
    }
    for number in 0..count / 2 {
        let side = ScimSide {
            name: format!("{}{number}", dice.text()),
            external_id: dice.maybe().then(|| dice.text().to_owned()),
            resource: Map::new(),
        };
        let seen = dice.below(5) > 0;
        let members: Vec<&String> = keys.iter().filter(|_| dice.below(4) == 0).collect();
        store.clock.advance(7);
        store
            .write(async |tx: &mut Tx| {
                let group = groups::insert(tx, seen.then_some(&side), None)
                    .await?
                    .unwrap();
                let edges: Vec<Edge> = members
                    .iter()
                    .map(|member| Edge {
                        group: group.id.clone(),
                        member: (*member).clone(),
                    })
                    .collect();
                edges::insert_many(tx, Channel::Scim, &edges).await?;
                Ok::<(), StoreError>(())
            })
            .await
            .unwrap();
    }
    let settings = Settings {
        scim_max_results: 1_000,
        ..Settings::default()
    };
    Service::new(store.store.clone(), settings)
}

pub(crate) async fn read(mut body: Body) -> Value {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).unwrap()
}

/// Lists by query parameters.
pub(crate) async fn list(
    service: &Service,
    resource: ResourceType,
    pairs: &[(&str, &str)],
) -> Result<Value, Error> {
    let query = ListQuery::from_pairs(pairs.iter().copied())?;
    Ok(read(directory::list(service, BASE, resource, &query).await?).await)
}

/// The ids of a list, in its order.
pub(crate) fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().unwrap();
    resources
        .iter()
        .map(|resource| resource["id"].as_str().unwrap().to_owned())
        .collect()
}
