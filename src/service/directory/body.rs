//! An answer that is read and written in chunks.

use std::collections::VecDeque;
use std::fmt::Write as _;

use bytes::Bytes;

use super::{View, show};
use crate::model::id::GroupId;
use crate::scim::ResourceType;
use crate::scim::json::Object;
use crate::service::Error;
use crate::store::Tx;
use crate::store::search::{self, FoundGroup};

/// How many resources, and how many members, are read at once.
const RESOURCES: usize = 100;
const MEMBERS: i64 = 1_000;

/// About how many bytes leave at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// An answer still to be read: [`Body::next`] until it gives nothing more. Everything in it is of one snapshot.
pub struct Body {
    tx: Option<Tx>,
    view: View,
    steps: VecDeque<Step>,
    written: String,
    /// Whether a resource was written, so that a comma comes before the next.
    listed: bool,
}

/// What is still to be done.
enum Step {
    Text(String),
    Resources(ResourceType, Vec<i64>),
    Group(FoundGroup, bool),
    Members {
        group: GroupId,
        after: String,
        first: bool,
    },
}

impl Body {
    /// A list: its head, and which resources come in which order.
    pub(super) fn of_list(
        tx: Tx,
        view: View,
        head: &Object,
        resources: Vec<(ResourceType, Vec<i64>)>,
    ) -> Self {
        let mut steps = VecDeque::from([Step::Text(open(head, "Resources"))]);
        for (resource, seqs) in resources {
            let chunks = seqs.chunks(RESOURCES);
            steps.extend(chunks.map(|chunk| Step::Resources(resource, chunk.to_vec())));
        }
        steps.push_back(Step::Text("]}".to_owned()));
        Self::new(Some(tx), view, steps)
    }

    /// A list that is already at hand.
    pub(super) fn of_values(view: View, head: &Object, resources: &[Object]) -> Self {
        let mut text = open(head, "Resources");
        for (at, resource) in resources.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            push(&mut text, resource);
        }
        text.push_str("]}");
        Self::new(None, view, VecDeque::from([Step::Text(text)]))
    }

    /// One group with its members, still to be read.
    pub(super) fn of_group(tx: Tx, view: View, group: FoundGroup) -> Self {
        let steps = VecDeque::from([Step::Group(group, true)]);
        Self::new(Some(tx), view, steps)
    }

    /// One group with its members, which are at hand.
    pub(super) fn of_members(
        view: View,
        group: &FoundGroup,
        members: &[(String, String)],
    ) -> Result<Self, Error> {
        let mut text = open(&show::group(&view, group)?, "members");
        let subs = show::MemberSubs::of(&view);
        let mut first = true;
        for (id, display) in members {
            subs.push(&mut text, &view, id, display, &mut first);
        }
        text.push_str("]}");
        Ok(Self::new(None, view, VecDeque::from([Step::Text(text)])))
    }

    /// One group without its members.
    pub(super) fn of_head(view: View, group: FoundGroup) -> Self {
        let steps = VecDeque::from([Step::Group(group, false)]);
        Self::new(None, view, steps)
    }

    fn new(tx: Option<Tx>, view: View, steps: VecDeque<Step>) -> Self {
        Self {
            tx,
            view,
            steps,
            written: String::new(),
            listed: false,
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Store`]; the rest of the answer cannot be given then.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while self.written.len() < CHUNK_BYTES {
            let Some(step) = self.steps.pop_front() else {
                // The snapshot ends with the answer, not when the client has read it.
                if let Some(tx) = self.tx.take() {
                    tx.rollback().await?;
                }
                break;
            };
            self.perform(step).await?;
        }
        let written = std::mem::take(&mut self.written);
        Ok((!written.is_empty()).then(|| Bytes::from(written)))
    }

    /// Whether there is more of it to be read from the store.
    pub fn reads_on(&self) -> bool {
        self.tx.is_some()
    }

    async fn perform(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Text(text) => self.written.push_str(&text),
            Step::Resources(ResourceType::User, seqs) => {
                let groups = self.view.groups();
                let tx = snapshot(&mut self.tx)?;
                for user in search::list_users(tx, &seqs, groups).await? {
                    comma(&mut self.written, &mut self.listed);
                    push(&mut self.written, &show::user(&self.view, &user)?);
                }
            }
            Step::Resources(ResourceType::Group, seqs) => {
                let members = self.view.projection.wants(ResourceType::Group, "members");
                let found = search::list_groups(snapshot(&mut self.tx)?, &seqs).await?;
                for group in found.into_iter().rev() {
                    self.steps.push_front(Step::Group(group, members));
                }
            }
            Step::Group(group, members) => {
                comma(&mut self.written, &mut self.listed);
                let head = show::group(&self.view, &group)?;
                if members {
                    self.written.push_str(&open(&head, "members"));
                    self.steps.push_front(Step::Members {
                        group: group.id,
                        after: String::new(),
                        first: true,
                    });
                } else {
                    push(&mut self.written, &head);
                }
            }
            Step::Members {
                group,
                after,
                mut first,
            } => {
                let tx = snapshot(&mut self.tx)?;
                let found = search::list_members(tx, &group, &after, MEMBERS).await?;
                let subs = show::MemberSubs::of(&self.view);
                for member in &found {
                    let (id, display) = (&member.id, &member.display);
                    subs.push(&mut self.written, &self.view, id, display, &mut first);
                }
                let full = i64::try_from(found.len()).is_ok_and(|count| count == MEMBERS);
                match found.into_iter().next_back().filter(|_| full) {
                    Some(last) => self.steps.push_front(Step::Members {
                        group,
                        after: last.key,
                        first,
                    }),
                    None => self.written.push_str("]}"),
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

/// The snapshot of an answer that has something to read. An answer without one never asks.
fn snapshot(tx: &mut Option<Tx>) -> Result<&mut Tx, Error> {
    tx.as_mut().ok_or(Error::NotFound("resource"))
}

/// An object left open at a list it has besides its other members.
fn open(object: &Object, list: &str) -> String {
    let mut text = String::with_capacity(1024);
    push(&mut text, object);
    text.pop();
    if !object.is_empty() {
        text.push(',');
    }
    let _ = write!(text, "\"{list}\":[");
    text
}

fn push(text: &mut String, object: &Object) {
    // A map of strings to JSON values always has a text.
    text.push_str(&serde_json::to_string(object).unwrap_or_default());
}

fn comma(text: &mut String, listed: &mut bool) {
    if std::mem::replace(listed, true) {
        text.push(',');
    }
}
