//! A roster to try the rules on: users, groups, mappings and edges made as pushes make them.

use rosterd::model::actor::{Channel, Cx};
use rosterd::model::id::{GroupId, TeamId, UserId};
use rosterd::model::team::organization_admin;
use rosterd::service::membership::{Settled, Touched, settle};
use rosterd::service::{Error, Service, Settings};
use rosterd::store::edges::{self, Edge};
use rosterd::store::{Store, Tx, groups, mappings, memberships, teams, users};

use crate::store::groups::scim_side;
use crate::store::users::new_user;

/// A roster and the use cases over it.
pub(crate) struct Cast {
    pub(crate) service: Service,
}

pub(crate) fn cx(channel: Channel) -> Cx {
    Cx {
        channel,
        actor: "test".to_owned(),
        request_id: None,
    }
}

impl Cast {
    pub(crate) fn new(store: &Store) -> Self {
        Self::with(store, Settings::default())
    }

    pub(crate) fn with(store: &Store, settings: Settings) -> Self {
        Self {
            service: Service::new(store.clone(), settings),
        }
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        let made = self
            .service
            .store
            .write(async |tx: &mut Tx| {
                let user = users::insert(tx, &new_user(name, None)).await?.unwrap();
                let touched = Touched {
                    users: [user.id.clone()].into(),
                    ..Touched::default()
                };
                settle(&self.service, tx, &cx(Channel::Scim), &touched).await?;
                Ok::<_, Error>(user.id)
            })
            .await;
        made.unwrap()
    }

    pub(crate) async fn group(&self, name: &str) -> GroupId {
        let made = self
            .service
            .store
            .write(async |tx: &mut Tx| {
                Ok::<_, Error>(
                    groups::insert(tx, Some(&scim_side(name)), None)
                        .await?
                        .unwrap()
                        .id,
                )
            })
            .await;
        made.unwrap()
    }

    pub(crate) async fn team(&self, name: &str) -> TeamId {
        let made = self
            .service
            .store
            .write(async |tx: &mut Tx| Ok::<_, Error>(teams::insert(tx, name, None).await?.id))
            .await;
        made.unwrap()
    }

    pub(crate) async fn map(&self, group: &GroupId, team: &TeamId) {
        let done = self
            .service
            .store
            .write(async |tx: &mut Tx| {
                mappings::insert(tx, team, Some(group), "written", "test").await?;
                let touched = Touched {
                    teams: [team.clone()].into(),
                    ..Touched::default()
                };
                settle(&self.service, tx, &cx(Channel::Cli), &touched).await
            })
            .await;
        done.unwrap();
    }

    /// A group mapped to Organization Admin.
    pub(crate) async fn admins(&self) -> GroupId {
        let group = self.group("Admins").await;
        self.map(&group, &organization_admin()).await;
        group
    }

    pub(crate) async fn join(&self, channel: Channel, group: &GroupId, who: &[&UserId]) -> Settled {
        self.edges(channel, group, who, true).await.unwrap()
    }

    pub(crate) async fn leave(
        &self,
        channel: Channel,
        group: &GroupId,
        who: &[&UserId],
    ) -> Result<Settled, Error> {
        self.edges(channel, group, who, false).await
    }

    async fn edges(
        &self,
        channel: Channel,
        group: &GroupId,
        who: &[&UserId],
        add: bool,
    ) -> Result<Settled, Error> {
        let named: Vec<Edge> = who
            .iter()
            .map(|user| Edge {
                group: group.clone(),
                member: user.to_string(),
            })
            .collect();
        self.service
            .store
            .write(async |tx: &mut Tx| {
                let changed = if add {
                    edges::insert_many(tx, channel, &named).await?
                } else {
                    edges::remove_many(tx, &named).await?
                };
                let mut touched = Touched::default();
                for edge in changed {
                    if add {
                        touched.edges_added.insert((edge.group, edge.member));
                    } else {
                        *touched.taken_edges.entry(edge.group.clone()).or_default() += 1;
                        touched.edges_removed.insert((edge.group, edge.member));
                    }
                }
                settle(&self.service, tx, &cx(channel), &touched).await
            })
            .await
    }

    /// Changes whether users are entitled, as pushes in one transaction do.
    pub(crate) async fn entitle(
        &self,
        channel: Channel,
        who: &[&UserId],
        entitled: bool,
    ) -> Result<Settled, Error> {
        self.service
            .store
            .write(async |tx: &mut Tx| {
                let mut touched = Touched::default();
                for id in who {
                    let mut user = users::find(tx, id).await?.unwrap();
                    user.facts.entitled = entitled;
                    users::update(tx, &user).await?;
                    touched.users.insert((*id).clone());
                }
                settle(&self.service, tx, &cx(channel), &touched).await
            })
            .await
    }

    /// Who counts in a team now, sorted.
    pub(crate) async fn members(&self, team: &TeamId, of: &[&UserId]) -> Vec<UserId> {
        let mut tx = self.service.store.read().await.unwrap();
        let asked: Vec<UserId> = of.iter().map(|id| (*id).clone()).collect();
        let counting = memberships::effective_of_users(&mut tx, &asked)
            .await
            .unwrap();
        let mut found: Vec<UserId> = counting
            .into_iter()
            .filter(|(in_team, _)| in_team == team)
            .map(|(_, user)| user)
            .collect();
        found.sort();
        found
    }

    pub(crate) async fn is_active(&self, id: &UserId) -> bool {
        let mut tx = self.service.store.read().await.unwrap();
        users::find(&mut tx, id)
            .await
            .unwrap()
            .is_some_and(|user| user.active)
    }
}
