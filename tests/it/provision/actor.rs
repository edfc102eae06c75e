//! Who pushes in these tests.

use rosterd::model::actor::{Channel, Cx};
use rosterd::model::group::{IdpGroup, OktaSide};
use rosterd::model::id::{OktaGroupId, OktaUserId, UserId};
use rosterd::model::user::{Facts, Origin, User};
use rosterd::scim::{ScimError, group, patch, user};
use rosterd::service::provision::{self, Written};
use rosterd::service::{Error, Service, Settings};
use rosterd::store::profile::Profile;
use rosterd::store::users::{self, NewUser};
use rosterd::store::{StoreError, Tx, groups};
use serde_json::{Map, Value, json};

use crate::support::stores::TestStore;

/// What every URL begins with.
pub(crate) const BASE: &str = "https://rosterd.example.test/scim/v2";

pub(crate) const ONE: &str = "00u11111111111111111";
pub(crate) const TWO: &str = "00u22222222222222222";

/// A run in flight, so that pushes are stamped.
pub(crate) const RUN: &str = "INSERT INTO runs (id, kind, channel, actor, dry_run, state, began_at, epoch, summary) \
                              VALUES ('r', 'full', 'poll', 'okta', 0, 'running', 1800000000000, 1, '{}')";

/// A SCIM client on a store.
pub(crate) struct Client<'a> {
    pub(crate) store: &'a TestStore,
    pub(crate) service: Service,
    pub(crate) cx: Cx,
}

impl<'a> Client<'a> {
    pub(crate) fn new(store: &'a TestStore) -> Self {
        Self::with(store, Settings::default())
    }

    pub(crate) fn with(store: &'a TestStore, settings: Settings) -> Self {
        Self {
            store,
            service: Service::new(store.store.clone(), settings),
            cx: Cx {
                channel: Channel::Scim,
                actor: "okta".to_owned(),
                request_id: None,
            },
        }
    }

    pub(crate) async fn post_user(&self, body: Value) -> Result<User, ScimError> {
        let received = user::parse(body.to_string().as_bytes()).unwrap();
        one(provision::create_user(&self.service, &self.cx, &received).await)
    }

    /// A user with this userName and externalId who is known to be fine.
    pub(crate) async fn user(&self, user_name: &str, okta_id: Option<&str>) -> User {
        self.post_user(json!({ "userName": user_name, "externalId": okta_id }))
            .await
            .unwrap()
    }

    pub(crate) async fn put_user(&self, id: &UserId, body: Value) -> Result<User, ScimError> {
        let received = user::parse(body.to_string().as_bytes()).unwrap();
        one(provision::replace_user(&self.service, &self.cx, id, &received, None).await)
    }

    pub(crate) async fn patch_user(&self, id: &UserId, value: Value) -> Result<User, ScimError> {
        let body = json!({ "Operations": [{ "op": "replace", "value": value }] });
        let operations = patch::parse(body.to_string().as_bytes()).unwrap();
        one(provision::patch_user(&self.service, &self.cx, id, &operations, None).await)
    }

    pub(crate) async fn delete_user(&self, id: &UserId) -> Result<(), ScimError> {
        provision::delete_user(&self.service, &self.cx, id, None)
            .await
            .map_err(refusal)
    }

    pub(crate) async fn post_group(&self, body: Value) -> Result<Written<IdpGroup>, ScimError> {
        let doc = group::parse(body.to_string().as_bytes()).unwrap();
        provision::create_group(&self.service, &self.cx, &doc)
            .await
            .map_err(refusal)
    }

    /// A group with these members.
    pub(crate) async fn group(&self, name: &str, members: &[&User]) -> IdpGroup {
        let members: Vec<Value> = members
            .iter()
            .map(|user| json!({"value": user.id}))
            .collect();
        self.post_group(json!({ "displayName": name, "members": members }))
            .await
            .unwrap()
            .resource
    }

    pub(crate) async fn put_group(
        &self,
        group: &IdpGroup,
        body: Value,
    ) -> Result<Written<IdpGroup>, ScimError> {
        let doc = group::parse(body.to_string().as_bytes()).unwrap();
        provision::replace_group(&self.service, &self.cx, &group.id, &doc, None)
            .await
            .map_err(refusal)
    }

    pub(crate) async fn patch_group(
        &self,
        group: &IdpGroup,
        operations: Value,
    ) -> Result<Written<IdpGroup>, ScimError> {
        let body = json!({ "Operations": operations });
        let patch = group::parse_patch(group.id.as_str(), body.to_string().as_bytes()).unwrap();
        provision::patch_group(&self.service, &self.cx, BASE, &group.id, &patch, None)
            .await
            .map_err(refusal)
    }

    pub(crate) async fn delete_group(&self, group: &IdpGroup) -> Result<(), ScimError> {
        provision::delete_group(&self.service, &self.cx, &group.id, None)
            .await
            .map_err(refusal)
    }

    pub(crate) async fn find_user(&self, id: &UserId) -> Option<User> {
        let mut tx = self.store.read().await.unwrap();
        users::find(&mut tx, id).await.unwrap()
    }

    pub(crate) async fn find_group(&self, group: &IdpGroup) -> Option<IdpGroup> {
        let mut tx = self.store.read().await.unwrap();
        groups::find(&mut tx, &group.id).await.unwrap()
    }

    /// A user the poll made: SCIM has not spoken of him.
    pub(crate) async fn polled_user(&self, user_name: &str, okta_id: &str) -> User {
        self.seed(user_name, Some(okta_id), Origin::Okta).await
    }

    /// A user who was invited here.
    pub(crate) async fn local_user(&self, user_name: &str) -> User {
        self.seed(user_name, None, Origin::Local).await
    }

    async fn seed(&self, user_name: &str, okta_id: Option<&str>, origin: Origin) -> User {
        let new = NewUser {
            origin,
            scim: false,
            okta_id: okta_id.and_then(OktaUserId::parse),
            facts: Facts {
                entitled: true,
                status: None,
                blocked: false,
            },
            pending: false,
            profile: Profile::of(user_name, None, &Map::new()),
        };
        let made = self
            .store
            .write(async |tx: &mut Tx| users::insert(tx, &new).await)
            .await;
        made.unwrap().unwrap()
    }

    /// A group of Okta's, made at that time.
    pub(crate) async fn okta_group(&self, id: &str, name: &str, kind: &str) -> IdpGroup {
        let side = OktaSide {
            id: OktaGroupId::parse(id).unwrap(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            description: None,
            source: None,
            created_at: Some(self.store.now().await.unwrap().minus_millis(1_000)),
        };
        let made = self
            .store
            .write(async |tx: &mut Tx| groups::insert(tx, None, Some(&side)).await);
        made.await.unwrap().unwrap()
    }

    /// Changes a row past the use cases.
    pub(crate) async fn arrange<T>(
        &self,
        work: impl AsyncFnMut(&mut Tx) -> Result<T, StoreError>,
    ) -> T {
        self.store.write(work).await.unwrap()
    }

    /// The member keys of a group.
    pub(crate) async fn members(&self, group: &IdpGroup) -> Vec<String> {
        let mut tx = self.store.read().await.unwrap();
        rosterd::store::edges::list(&mut tx, &group.id, None, 1_000)
            .await
            .unwrap()
    }
}

fn one(done: Result<Written<User>, Error>) -> Result<User, ScimError> {
    done.map(|written| written.resource).map_err(refusal)
}

fn refusal(error: Error) -> ScimError {
    match error {
        Error::Scim(error) => error,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn status<T>(done: Result<T, ScimError>) -> u16 {
    done.map_or_else(|error| error.status, |_| 200)
}
