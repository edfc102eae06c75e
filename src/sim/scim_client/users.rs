//! Pushes of people.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::super::org::{OktaId, SyncState, Task, letters};
use super::wire::{Failure, Session};
use super::{Dialect, Outcome, Ran, ScimClient, body, queue::Queued};

const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl ScimClient {
    /// Looks the person up, then creates or links; either way the person ends up active.
    pub(super) async fn provision(
        &self,
        session: &mut Session<'_>,
        user: OktaId,
        stale: bool,
    ) -> Ran {
        let habits = self.habits();
        let (profile, password) = {
            let org = self.org();
            let assigned = org
                .app_user(user)
                .is_some_and(super::super::org::AppUser::is_assigned);
            let Some(profile) = org.app_profile(user).filter(|_| assigned || stale) else {
                return Ok(Outcome::Skipped("not assigned any more"));
            };
            (profile, letters(8, self.shared.random.as_ref()))
        };
        let mapped = body::mapped(&profile, user, &habits);
        let found = self
            .look_up(session, "/Users", "userName", profile.login())
            .await?;
        let mut returns = false;
        let scim_id = if let Some(found) = found {
            // A match is linked: its id is kept and the person updated, an inactive one re-activated by that.
            let id = id_of(&found)?;
            returns = found.get("active") == Some(&Value::Bool(false));
            match habits.dialect {
                Dialect::Wizard => {
                    let read = session.read(&format!("/Users/{id}")).await?;
                    let mut whole = body::overlay(read, &mapped, habits.cleared);
                    whole.insert("active".into(), true.into());
                    whole.insert("groups".into(), json!([]));
                    session
                        .call(Method::PUT, &format!("/Users/{id}"), Some(whole.into()))
                        .await?;
                }
                Dialect::Template => {
                    let mut value = mapped.clone();
                    value.insert("active".into(), true.into());
                    let request = body::patch(&[body::replace(Value::Object(value))]);
                    session
                        .call(Method::PATCH, &format!("/Users/{id}"), Some(request))
                        .await?;
                }
            }
            id
        } else {
            let created = session
                .call(
                    Method::POST,
                    "/Users",
                    Some(body::create(&mapped, &password)),
                )
                .await?;
            id_of(&created)
                .map_err(|_| Failure::unusable(201, "Create new user returned empty user"))?
        };
        self.org().note_provisioned(user, &scim_id, mapped);
        if habits.pushes_groups_of_newcomers && !returns {
            self.queue_memberships(user);
        }
        Ok(Outcome::Pushed)
    }

    /// Sends the profile; `active` is no part of it.
    pub(super) async fn push_profile(&self, session: &mut Session<'_>, user: OktaId) -> Ran {
        let habits = self.habits();
        let found = {
            let org = self.org();
            org.app_profile(user).and_then(|profile| {
                let app_user = org.app_user(user)?;
                let id = app_user.external_id.clone()?;
                Some((
                    id,
                    app_user.pushed.clone().unwrap_or_default(),
                    body::mapped(&profile, user, &habits),
                ))
            })
        };
        let Some((id, pushed, mapped)) = found else {
            return Ok(Outcome::Skipped("not provisioned"));
        };
        let path = format!("/Users/{id}");
        match habits.dialect {
            Dialect::Wizard => {
                let read = session.read(&path).await?;
                session
                    .call(
                        Method::PUT,
                        &path,
                        Some(body::overlay(read, &mapped, habits.cleared).into()),
                    )
                    .await?;
            }
            Dialect::Template => {
                let changes = body::changed(&pushed, &mapped, habits.cleared);
                if changes.is_empty() {
                    return Ok(Outcome::Skipped("nothing that is mapped changed"));
                }
                let request = body::patch(&[body::replace(Value::Object(changes))]);
                session.call(Method::PATCH, &path, Some(request)).await?;
            }
        }
        self.org().note_provisioned(user, &id, mapped);
        Ok(Outcome::Pushed)
    }

    /// Sends `active: false`: in the wizard's dialect the server's own values with that one changed.
    pub(super) async fn deactivate(
        &self,
        session: &mut Session<'_>,
        user: OktaId,
        carried: Option<String>,
    ) -> Ran {
        let id = carried.or_else(|| self.org().app_user(user)?.external_id.clone());
        let Some(id) = id else {
            return Ok(Outcome::Skipped("never provisioned"));
        };
        let path = format!("/Users/{id}");
        if self.habits().deletes_leavers {
            session.call(Method::DELETE, &path, None).await?;
            return Ok(Outcome::Pushed);
        }
        match self.habits().dialect {
            Dialect::Wizard => {
                let mut whole = session.read(&path).await?;
                whole.insert("active".into(), false.into());
                session.call(Method::PUT, &path, Some(whole.into())).await?;
            }
            Dialect::Template => {
                let request = body::patch(&[body::replace(json!({"active": false}))]);
                session.call(Method::PATCH, &path, Some(request)).await?;
            }
        }
        Ok(Outcome::Pushed)
    }

    /// The lookup before every create: `None` for no match, which a 404 says as well.
    pub(super) async fn look_up(
        &self,
        session: &mut Session<'_>,
        endpoint: &str,
        attribute: &str,
        value: &str,
    ) -> Result<Option<Value>, Failure> {
        // How Okta escapes is not known; JSON's way is assumed.
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let filter = format!("{attribute} eq \"{quoted}\"");
        let filter = utf8_percent_encode(&filter, QUERY);
        let found = session
            .get(&format!(
                "{endpoint}?filter={filter}&startIndex=1&count=100"
            ))
            .await;
        let list = match found {
            Err(Failure::Refused { status: 404, .. }) => return Ok(None),
            other => other?,
        };
        if !list.get("totalResults").is_some_and(Value::is_u64) {
            return Err(Failure::unusable(
                200,
                "The remote server did not return a ListResponse",
            ));
        }
        Ok(list.pointer("/Resources/0").cloned())
    }

    /// Sends a newcomer to the groups that are pushed, unless that is queued already.
    fn queue_memberships(&self, user: OktaId) {
        let (mappings, now) = {
            let org = self.org();
            let first = org
                .app_user(user)
                .is_some_and(|app_user| app_user.sync == SyncState::Synchronized);
            (
                if first {
                    org.mappings_of_user(user)
                } else {
                    Vec::new()
                },
                org.now(),
            )
        };
        self.collect();
        let mut queue = super::lock(&self.queue);
        for mapping in mappings {
            let known = queue.iter().any(|queued| match &queued.task {
                Task::AddMember {
                    mapping: m,
                    user: u,
                } => *m == mapping && *u == user,
                Task::PushGroup { mapping: m }
                | Task::LinkGroup { mapping: m }
                | Task::PushNow { mapping: m } => *m == mapping,
                _ => false,
            });
            if !known {
                queue.push_back(Queued::new(Task::AddMember { mapping, user }, now));
            }
        }
    }
}

pub(super) fn id_of(resource: &Value) -> Result<String, Failure> {
    let id = resource
        .get("id")
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty());
    id.map(str::to_owned).ok_or_else(|| {
        Failure::unusable(200, "The remote server returned a resource without an id")
    })
}
