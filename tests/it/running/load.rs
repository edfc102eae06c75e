//! Clients that push, each remembering what it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rosterd::model::random::{Random as _, SeededRandom};
use serde_json::{Value, json};

use super::process::Process;

/// A user as one client knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) display: String,
    /// The groups he is in, by their place in the list of all groups.
    pub(crate) groups: BTreeSet<usize>,
    /// Touched since it was last read back.
    fresh: bool,
}

/// One write.
#[derive(Debug, Clone)]
enum Write {
    Create { name: String },
    Rename { id: String, display: String },
    Join { id: String, group: usize },
    Leave { id: String, group: usize },
    Delete { id: String },
}

/// What the answer said.
enum Told {
    /// 2xx; the body.
    Done(Value),
    /// 429: too many writes at once. Nothing was done.
    Busy,
    /// No answer, or one that leaves open whether it was done.
    Nothing,
}

/// One of several clients that push at once.
pub(crate) struct Client {
    number: usize,
    made: u64,
    random: SeededRandom,
    pub(crate) users: BTreeMap<String, Known>,
    gone: Vec<String>,
    open: Option<Write>,
    /// How often it was told to come back.
    pub(crate) refused: u64,
}

impl Client {
    pub(crate) fn new(number: usize, seed: u64) -> Self {
        Self {
            number,
            made: 0,
            random: SeededRandom::new(seed ^ ((number as u64) << 32)),
            users: BTreeMap::new(),
            gone: Vec::new(),
            open: None,
            refused: 0,
        }
    }

    /// Pushes until a push is not answered; counts those that are. While the database goes away (`outage`) a 429 leaves
    /// open whether a commit on its way was done. Otherwise it says that nothing was, as [`Self::read_back`] finds.
    pub(crate) async fn push(
        &mut self,
        daemon: &Process,
        groups: &[String],
        answered: &AtomicU64,
        outage: bool,
    ) {
        assert!(self.open.is_none());
        loop {
            let write = self.choose(groups.len());
            match tell(daemon, groups, &write, outage).await {
                Told::Done(body) => {
                    self.remember(&write, &body);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Told::Busy => self.refused += 1,
                Told::Nothing => {
                    self.open = Some(write);
                    return;
                }
            }
        }
    }

    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap()
    }

    fn choose(&mut self, groups: usize) -> Write {
        let some = self.below(self.users.len().max(1));
        let some = self.users.iter().nth(some);
        let dice = self.random.below(20);
        let Some((id, user)) = some.filter(|_| dice >= 6) else {
            self.made += 1;
            return Write::Create {
                name: format!("c{}-{}@example.test", self.number, self.made),
            };
        };
        let id = id.clone();
        let group = self.below(groups);
        match dice {
            6 => Write::Delete { id },
            7..=9 => {
                self.made += 1;
                Write::Rename {
                    id,
                    display: format!("Name {}", self.made),
                }
            }
            _ if user.groups.contains(&group) => Write::Leave { id, group },
            _ => Write::Join { id, group },
        }
    }

    fn remember(&mut self, write: &Write, body: &Value) {
        match write {
            Write::Create { name } => {
                let id = body["id"].as_str().unwrap().to_owned();
                let known = Known {
                    name: name.clone(),
                    display: body["displayName"].as_str().unwrap_or_default().to_owned(),
                    groups: BTreeSet::new(),
                    fresh: true,
                };
                self.users.insert(id, known);
            }
            Write::Delete { id } => {
                self.users.remove(id).unwrap();
                self.gone.push(id.clone());
            }
            Write::Rename { id, display } => {
                let known = self.users.get_mut(id).unwrap();
                known.display.clone_from(display);
                known.fresh = true;
            }
            Write::Join { id, group } => {
                let known = self.users.get_mut(id).unwrap();
                known.groups.insert(*group);
                known.fresh = true;
            }
            Write::Leave { id, group } => {
                let known = self.users.get_mut(id).unwrap();
                known.groups.remove(group);
                known.fresh = true;
            }
        }
    }

    /// Reads back what was touched. A push that was not answered was done or not, whole: which, is taken over.
    pub(crate) async fn read_back(&mut self, daemon: &Process, members: &[BTreeSet<String>]) {
        if let Some(open) = self.open.take() {
            self.find_out(daemon, members, &open).await;
        }
        for id in self.gone.drain(..) {
            let answer = daemon.scim("GET", &format!("/Users/{id}"), None).await;
            assert_eq!(answer.status, 404, "an answered deletion is lost: {id}");
        }
        for (id, known) in self.users.iter_mut().filter(|(_, known)| known.fresh) {
            let answer = daemon.scim("GET", &format!("/Users/{id}"), None).await;
            assert_eq!(answer.status, 200, "an answered create is lost: {known:?}");
            let read = answer.json();
            assert_eq!(read["userName"], json!(known.name), "{known:?}");
            let display = read["displayName"].as_str().unwrap_or_default();
            assert_eq!(
                display, known.display,
                "an answered change is lost: {known:?}"
            );
            known.fresh = false;
        }
    }

    async fn find_out(&mut self, daemon: &Process, members: &[BTreeSet<String>], open: &Write) {
        let done = match open {
            Write::Create { name } => {
                let path = format!("/Users?filter=userName%20eq%20%22{name}%22");
                let list = daemon.scim("GET", &path, None).await.json();
                let found = list["Resources"].as_array().unwrap();
                assert!(found.len() <= 1, "{list}");
                found.first().cloned()
            }
            Write::Rename { id, display } => {
                let answer = daemon.scim("GET", &format!("/Users/{id}"), None).await;
                let read = answer.json();
                (read["displayName"] == json!(display)).then_some(read)
            }
            Write::Delete { id } => {
                let answer = daemon.scim("GET", &format!("/Users/{id}"), None).await;
                (answer.status == 404).then_some(Value::Null)
            }
            Write::Join { id, group } => members[*group].contains(id).then_some(Value::Null),
            Write::Leave { id, group } => (!members[*group].contains(id)).then_some(Value::Null),
        };
        if let Some(body) = done {
            self.remember(open, &body);
        }
    }
}

async fn tell(daemon: &Process, groups: &[String], write: &Write, outage: bool) -> Told {
    let patch = |operation: Value| {
        Some(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation],
        }))
    };
    let (method, path, body) = match write {
        Write::Create { name } => (
            "POST",
            "/Users".to_owned(),
            Some(json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": name,
                "displayName": "New",
                "active": true,
            })),
        ),
        Write::Rename { id, display } => (
            "PATCH",
            format!("/Users/{id}"),
            patch(json!({"op": "replace", "value": {"displayName": display}})),
        ),
        Write::Delete { id } => ("DELETE", format!("/Users/{id}"), None),
        Write::Join { id, group } => (
            "PATCH",
            format!("/Groups/{}", groups[*group]),
            patch(json!({"op": "add", "path": "members", "value": [{"value": id}]})),
        ),
        Write::Leave { id, group } => (
            "PATCH",
            format!("/Groups/{}", groups[*group]),
            patch(json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})),
        ),
    };
    let path = format!("/scim/v2{path}");
    match daemon
        .send(method, &path, &daemon.token, body.as_ref())
        .await
    {
        Err(_) => Told::Nothing,
        Ok(answer) if (200..300).contains(&answer.status) => {
            Told::Done(serde_json::from_str(&answer.text).unwrap_or(Value::Null))
        }
        Ok(answer) => {
            let said = &answer.text;
            assert_eq!(answer.status, 429, "{write:?}: {said}");
            assert!(answer.header("retry-after").parse::<u32>().is_ok());
            if outage { Told::Nothing } else { Told::Busy }
        }
    }
}

/// Whom each group has, as SCIM shows it.
pub(crate) async fn members(daemon: &Process, groups: &[String]) -> Vec<BTreeSet<String>> {
    let mut all = Vec::new();
    for group in groups {
        let read = daemon.scim("GET", &format!("/Groups/{group}"), None).await;
        let read = read.json();
        let list = read["members"].as_array().cloned().unwrap_or_default();
        let ids = list
            .iter()
            .map(|member| member["value"].as_str().unwrap().to_owned());
        let ids: BTreeSet<String> = ids.collect();
        assert_eq!(ids.len(), list.len(), "a member is there twice");
        all.push(ids);
    }
    all
}

/// Whom each group must have, as the clients were told.
pub(crate) fn told(clients: &[Client], groups: usize) -> Vec<BTreeSet<String>> {
    (0..groups)
        .map(|group| {
            let users = clients.iter().flat_map(|client| &client.users);
            users
                .filter(|(_, known)| known.groups.contains(&group))
                .map(|(id, _)| id.clone())
                .collect()
        })
        .collect()
}

/// All clients push at once until their connections break; meanwhile `trouble` sees how many pushes were answered.
pub(crate) async fn storm(
    clients: Vec<Client>,
    daemon: &Arc<Process>,
    groups: &Arc<Vec<String>>,
    answered: &Arc<AtomicU64>,
    outage: bool,
    trouble: impl Future<Output = ()>,
) -> Vec<Client> {
    let mut pushing = Vec::new();
    for mut client in clients {
        let (daemon, groups) = (Arc::clone(daemon), Arc::clone(groups));
        let answered = Arc::clone(answered);
        pushing.push(tokio::spawn(async move {
            client.push(&daemon, &groups, &answered, outage).await;
            client
        }));
    }
    trouble.await;
    let mut clients = Vec::new();
    for task in pushing {
        clients.push(task.await.unwrap());
    }
    clients
}
