//! Group push.

use http::Method;
use serde_json::{Value, json};

use super::super::org::{OktaId, Task};
use super::users::id_of;
use super::wire::{Failure, Session};
use super::{Dialect, FullSet, NameRestated, Outcome, Ran, ScimClient, body};

impl ScimClient {
    /// A first push: look up, create, then say who is in it.
    pub(super) async fn push_group(&self, session: &mut Session<'_>, mapping: OktaId) -> Ran {
        let Some((name, _)) = self.source(mapping) else {
            return Ok(GONE);
        };
        let found = self
            .look_up(session, "/Groups", "displayName", &name)
            .await?;
        let id = if let Some(found) = found {
            id_of(&found)?
        } else {
            let group = json!({"schemas": [body::GROUP_URN], "displayName": name, "members": []});
            let created = session.call(Method::POST, "/Groups", Some(group)).await?;
            id_of(&created)
                .map_err(|_| Failure::unusable(201, "Create new group returned empty group"))?
        };
        self.org().note_group_push(mapping, Ok(&id));
        match self.habits().dialect {
            Dialect::Wizard => self.put(session, mapping, &id, &name, &[]).await?,
            Dialect::Template => self.add_all(session, mapping, &id, &name).await?,
        }
        self.note_pushed(mapping, &id, &name);
        Ok(Outcome::Pushed)
    }

    /// A link to a group the server had: its name, if it is to follow the source's, then the members added to those in it.
    pub(super) async fn link_group(&self, session: &mut Session<'_>, mapping: OktaId) -> Ran {
        let Some((name, Some(id))) = self.source(mapping) else {
            return Ok(GONE);
        };
        match self.habits().dialect {
            Dialect::Wizard => self.put(session, mapping, &id, &name, &[]).await?,
            Dialect::Template => self.add_all(session, mapping, &id, &name).await?,
        }
        self.note_pushed(mapping, &id, &name);
        Ok(Outcome::Pushed)
    }

    pub(super) async fn rename_group(&self, session: &mut Session<'_>, mapping: OktaId) -> Ran {
        let Some((name, id)) = self.source(mapping) else {
            return Ok(GONE);
        };
        let Some(id) = id else {
            return Ok(Outcome::Skipped("not pushed yet"));
        };
        match self.habits().dialect {
            Dialect::Wizard => self.put(session, mapping, &id, &name, &[]).await?,
            Dialect::Template => self.restate(session, &id, &name).await?,
        }
        self.note_pushed(mapping, &id, &name);
        Ok(Outcome::Pushed)
    }

    /// Members who came or went since, in the order of events.
    pub(super) async fn change_members(
        &self,
        session: &mut Session<'_>,
        mapping: OktaId,
        tasks: &[Task],
    ) -> Ran {
        let Some((name, id)) = self.source(mapping) else {
            return Ok(GONE);
        };
        let Some(id) = id else {
            return Ok(Outcome::Skipped("not pushed yet"));
        };
        match self.habits().dialect {
            Dialect::Wizard => self.put(session, mapping, &id, &name, tasks).await?,
            Dialect::Template => {
                let operations = self.member_operations(tasks);
                if operations.is_empty() {
                    return Ok(Outcome::Skipped("nobody among them is known to the server"));
                }
                self.patch_members(session, &id, &name, operations).await?;
            }
        }
        self.note_pushed(mapping, &id, &name);
        Ok(Outcome::Pushed)
    }

    /// "Push Now": the whole membership is overwritten.
    pub(super) async fn push_now(&self, session: &mut Session<'_>, mapping: OktaId) -> Ran {
        let Some((name, id)) = self.source(mapping) else {
            return Ok(GONE);
        };
        let Some(id) = id else {
            return self.push_group(session, mapping).await;
        };
        let habits = self.habits();
        match habits.dialect {
            Dialect::Wizard => self.put(session, mapping, &id, &name, &[]).await?,
            Dialect::Template => {
                let members = body::members(&self.org().pushed_members(mapping), &habits);
                let operation = match habits.full_set {
                    FullSet::Path => json!({"op": "replace", "path": "members", "value": members}),
                    FullSet::Pathless => body::replace(json!({"members": members})),
                    FullSet::PathlessWithName => {
                        let whole = json!({"members": members, "id": id, "displayName": name});
                        let patch = body::patch(&[body::replace(whole)]);
                        session
                            .call(Method::PATCH, &format!("/Groups/{id}"), Some(patch))
                            .await?;
                        self.note_pushed(mapping, &id, &name);
                        return Ok(Outcome::Pushed);
                    }
                };
                self.patch_members(session, &id, &name, vec![operation])
                    .await?;
            }
        }
        self.note_pushed(mapping, &id, &name);
        Ok(Outcome::Pushed)
    }

    pub(super) async fn delete_group(&self, session: &mut Session<'_>, id: &str) -> Ran {
        session
            .call(Method::DELETE, &format!("/Groups/{id}"), None)
            .await?;
        Ok(Outcome::Pushed)
    }

    /// The wizard's dialect knows one write: read, then PUT the full list. A copy that was linked keeps whom it had, but
    /// for those who are leaving.
    async fn put(
        &self,
        session: &mut Session<'_>,
        mapping: OktaId,
        id: &str,
        name: &str,
        changes: &[Task],
    ) -> Result<(), Failure> {
        let path = format!("/Groups/{id}");
        let mut whole = session.read(&path).await?;
        let members = {
            // Taken after the read, as Okta does: what came in between is in the list.
            let org = self.org();
            let own = org.pushed_members(mapping);
            let keeps = org
                .mapping(mapping)
                .is_some_and(|mapping| mapping.keeps_strangers);
            let mut members = body::members(&own, &self.habits());
            let leaving: Vec<String> = changes
                .iter()
                .filter_map(|task| match task {
                    Task::RemoveMember { user, .. } => Some(org.pushed_member(*user)?.0),
                    _ => None,
                })
                .collect();
            if let (true, Some(Value::Array(read)), Some(list)) =
                (keeps, whole.get("members"), members.as_array_mut())
            {
                let id_of = |member: &Value| member.get("value")?.as_str().map(str::to_owned);
                let stays = |id: &String| {
                    !leaving.contains(id) && !own.iter().any(|(known, _)| known == id)
                };
                let strangers = read.iter().filter_map(id_of).filter(stays);
                list.extend(strangers.map(|id| json!({"value": id, "display": null})));
            }
            members
        };
        whole.insert("displayName".into(), name.into());
        whole.insert("members".into(), members);
        session.call(Method::PUT, &path, Some(whole.into())).await?;
        Ok(())
    }

    /// The name is restated at once, then everybody is added, batch after batch.
    async fn add_all(
        &self,
        session: &mut Session<'_>,
        mapping: OktaId,
        id: &str,
        name: &str,
    ) -> Result<(), Failure> {
        let habits = self.habits();
        // A 400 to this puts the mapping into Error and nobody is ever pushed.
        self.restate(session, id, name).await?;
        let members = self.org().pushed_members(mapping);
        for batch in members.chunks(habits.batch.max(1)) {
            let add =
                json!({"op": "add", "path": "members", "value": body::members(batch, &habits)});
            self.patch_members(session, id, name, vec![add]).await?;
        }
        Ok(())
    }

    async fn restate(
        &self,
        session: &mut Session<'_>,
        id: &str,
        name: &str,
    ) -> Result<(), Failure> {
        let patch = body::patch(&[body::replace(json!({"id": id, "displayName": name}))]);
        session
            .call(Method::PATCH, &format!("/Groups/{id}"), Some(patch))
            .await?;
        Ok(())
    }

    /// The rename is repeated with every membership update.
    async fn patch_members(
        &self,
        session: &mut Session<'_>,
        id: &str,
        name: &str,
        mut operations: Vec<Value>,
    ) -> Result<(), Failure> {
        match self.habits().name_restated {
            NameRestated::OwnRequest => self.restate(session, id, name).await?,
            NameRestated::SameRequest => {
                operations.insert(0, body::replace(json!({"id": id, "displayName": name})));
            }
        }
        session
            .call(
                Method::PATCH,
                &format!("/Groups/{id}"),
                Some(body::patch(&operations)),
            )
            .await?;
        Ok(())
    }

    /// Neighbouring additions share one operation; each removal has its own, with a filter and without a value.
    fn member_operations(&self, tasks: &[Task]) -> Vec<Value> {
        let habits = self.habits();
        let org = self.org();
        let mut operations = Vec::new();
        let mut adding: Vec<(String, String)> = Vec::new();
        let flush = |adding: &mut Vec<(String, String)>, operations: &mut Vec<Value>| {
            if !adding.is_empty() {
                let value = body::members(adding, &habits);
                operations.push(json!({"op": "add", "path": "members", "value": value}));
                adding.clear();
            }
        };
        for task in tasks {
            match task {
                Task::AddMember { user, .. } => adding.extend(org.pushed_member(*user)),
                Task::RemoveMember { user, .. } => {
                    flush(&mut adding, &mut operations);
                    if let Some((id, _)) = org.pushed_member(*user) {
                        operations.push(
                            json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}),
                        );
                    }
                }
                _ => {}
            }
        }
        flush(&mut adding, &mut operations);
        operations
    }

    /// The name the copy is to have and its SCIM id; `None` when mapping or group are gone. One that was linked under its
    /// own name keeps that.
    fn source(&self, mapping: OktaId) -> Option<(String, Option<String>)> {
        let org = self.org();
        let mapping = org.mapping(mapping)?;
        let source = org.group(mapping.source)?;
        let named = if mapping.renames {
            source
        } else {
            org.group(mapping.target)?
        };
        Some((named.name().to_owned(), mapping.scim_id.clone()))
    }

    fn note_pushed(&self, mapping: OktaId, id: &str, name: &str) {
        let mut org = self.org();
        org.note_group_push(mapping, Ok(id));
        org.note_target_name(mapping, name);
    }
}

const GONE: Outcome = Outcome::Skipped("the mapping or its source is gone");
