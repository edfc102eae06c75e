//! What one push did, gathered while it is done and settled at its end.

use serde_json::{Map, Value, json};

use crate::model::actor::Cx;
use crate::model::group::IdpGroup;
use crate::model::user::User;
use crate::service::membership::{Touched, settle_logging};
use crate::service::{Error, Service};
use crate::store::audit::{self, Entry};
use crate::store::edges::Edge;
use crate::store::organization::{self, Outlook};
use crate::store::rereads::{self, Target};
use crate::store::stamps::{self, Object};
use crate::store::{Tx, group_sides};

/// One push.
pub(super) struct Push<'a> {
    pub(super) service: &'a Service,
    pub(super) cx: &'a Cx,
    /// Where it says that pushes are stamped, what this push names is stamped and read again (R7).
    outlook: Outlook,
    pub(super) touched: Touched,
    pub(super) entries: Vec<Entry>,
    stamps: Vec<Object>,
    rereads: Vec<(Target, &'static str)>,
}

/// Most lines of the audit log that one statement takes.
const LINES: usize = 2_000;

const PUSHED: &str = "pushed since a run began";

impl<'a> Push<'a> {
    pub(super) async fn begin(
        service: &'a Service,
        tx: &mut Tx,
        cx: &'a Cx,
    ) -> Result<Self, Error> {
        Ok(Self {
            service,
            cx,
            outlook: organization::find_outlook(tx).await?,
            touched: Touched::default(),
            entries: Vec::new(),
            stamps: Vec::new(),
            rereads: Vec::new(),
        })
    }

    /// The push speaks of this user's existence; of his facts where it says `active`, and of his profile.
    pub(super) fn names_user(&mut self, user: &User, facts: bool, profile: bool) {
        if !self.outlook.stamping {
            return;
        }
        let key = user.member_key();
        self.stamps.push(Object::User(key.to_owned()));
        if facts {
            self.stamps.push(Object::Facts(key.to_owned()));
        }
        if profile {
            self.stamps.push(Object::Profile(key.to_owned()));
        }
        self.reread_user(user, PUSHED);
    }

    /// The push speaks of this edge, present or absent.
    pub(super) fn names_edge(&mut self, group: &IdpGroup, member: &str) {
        if self.outlook.stamping {
            self.stamps
                .push(Object::Edge(group.id.clone(), member.to_owned()));
            self.reread_group(group, PUSHED);
        }
    }

    /// The push speaks of every member SCIM can see: a full replacement.
    pub(super) fn names_members(&mut self, group: &IdpGroup) {
        if self.outlook.stamping {
            self.stamps.push(Object::Members(group.id.clone()));
            self.reread_group(group, PUSHED);
        }
    }

    /// The next run reads this user by id, or looks him up by login while his Okta id is not known.
    pub(super) fn reread_user(&mut self, user: &User, reason: &'static str) {
        let target = match &user.okta_id {
            Some(id) => Target::User(id.clone()),
            None => Target::Login(user.id.clone()),
        };
        self.rereads.push((target, reason));
    }

    /// The next run reads this group by id, if Okta has it.
    pub(super) fn reread_group(&mut self, group: &IdpGroup, reason: &'static str) {
        if let Some(okta) = &group.okta {
            self.rereads.push((Target::Group(okta.id.clone()), reason));
        }
    }

    /// The next run reads this user and his groups by id: he is back (R13).
    pub(super) async fn reread_returned(&mut self, tx: &mut Tx, user: &User) -> Result<(), Error> {
        const RETURNED: &str = "his access came back";
        self.reread_user(user, RETURNED);
        for group in group_sides::list_okta_ids(tx, user.member_key()).await? {
            self.rereads.push((Target::Group(group), RETURNED));
        }
        Ok(())
    }

    /// Logs a change of a user or group.
    pub(super) fn log(
        &mut self,
        action: &'static str,
        kind: &'static str,
        id: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) {
        self.entries.push(Entry {
            action,
            object_kind: kind,
            object_id: id.to_owned(),
            before,
            after,
        });
    }

    /// These edges went: the guard looks whether that emptied a mapped group (R9).
    pub(super) fn took(&mut self, edges: &[Edge]) {
        for edge in edges {
            let taken = &mut self.touched.taken_edges;
            *taken.entry(edge.group.clone()).or_default() += 1;
        }
    }

    /// Logs edges that came or went, one line each.
    pub(super) fn log_edges(&mut self, edges: &[Edge], added: bool) {
        for edge in edges {
            let line = json!({ "group": edge.group, "member": edge.member });
            self.entries.push(Entry {
                action: if added { "edge.added" } else { "edge.removed" },
                object_kind: "group",
                object_id: edge.group.to_string(),
                before: (!added).then(|| line.clone()),
                after: added.then_some(line),
            });
        }
    }

    /// Writes what was logged so far but for the last lines, at most as many as a statement takes: those of a hundred
    /// thousand edges are never all held.
    pub(super) async fn write_log(&mut self, tx: &mut Tx) -> Result<(), Error> {
        while self.entries.len() > LINES {
            let rest = self.entries.split_off(LINES);
            let full = std::mem::replace(&mut self.entries, rest);
            audit::insert(tx, self.cx, &full).await?;
        }
        Ok(())
    }

    /// Makes current what follows, and writes the log, the stamps and the list of re-reads.
    pub(super) async fn finish(mut self, tx: &mut Tx) -> Result<(), Error> {
        // What settling logs joins the last lines.
        self.write_log(tx).await?;
        stamps::insert_many(tx, &self.stamps).await?;
        rereads::insert_many(tx, &self.rereads).await?;
        let outlook = Some(self.outlook);
        settle_logging(
            self.service,
            tx,
            self.cx,
            &self.touched,
            outlook,
            self.entries,
        )
        .await?;
        Ok(())
    }
}

/// What differs between two sets of attributes, before and after.
pub(super) fn difference(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> (Map<String, Value>, Map<String, Value>) {
    let only = |these: &Map<String, Value>, those: &Map<String, Value>| {
        these
            .iter()
            .filter(|(name, value)| those.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    (only(before, after), only(after, before))
}
