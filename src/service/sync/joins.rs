//! Joins that Okta's push mappings ask for (R17 a).

use super::apply::Done;
use super::flight::{Flight, recorded};
use super::halt::Halt;
use crate::model::group::{IdpGroup, JoinedBy};
use crate::model::id::GroupId;
use crate::model::run::{Outcome, RunKind};
use crate::okta::types::PushMapping;
use crate::okta::{End, Read};
use crate::reconcile::{Change, Planned};
use crate::service::membership::{self, Touched};
use crate::service::{binding, joining};
use crate::store::{Tx, groups, in_write, problems, run_changes};

/// Which groups a push mapping means.
enum Partners {
    /// The pushed group and its source.
    Found(Box<(IdpGroup, IdpGroup)>),
    /// More than one group that was pushed here has the target's name.
    Several,
    /// Nothing to join.
    None,
}

impl Flight<'_> {
    /// Joins what Okta says belongs together: the source group of a push mapping and the SCIM group that has its target's
    /// name.
    pub(super) async fn join_groups(&mut self) -> Result<(), Halt> {
        let Some(app) = self.app.clone().filter(|_| self.kind == RunKind::Full) else {
            return Ok(());
        };
        let collected = self.sync.okta.push_mappings(&app).collect().await;
        if let End::Partial { why } = &collected.end {
            Self::refused(why)?;
            self.summary
                .unknown("the listing of push mappings".to_owned(), why);
        }
        for mapping in collected.items {
            if self.join_pushed(&mapping).await?.is_none() {
                self.unjoined.push(mapping);
            }
        }
        Ok(())
    }

    /// A SCIM group whose Okta side went in this run may belong to another group of Okta's by now, made under the old
    /// name: it is joined, and its members read, in the same run, so that the next one finds nothing new (R10).
    pub(super) async fn join_freed(&mut self) -> Result<(), Halt> {
        if !std::mem::take(&mut self.side_gone) {
            return Ok(());
        }
        let mut joined = false;
        for mapping in std::mem::take(&mut self.unjoined) {
            if let Some(group) = self.join_pushed(&mapping).await? {
                // What was known of its members was the old side's.
                self.known.members.remove(&group);
                joined = true;
            }
        }
        if joined {
            self.read_members().await?;
            self.take().await?;
        }
        Ok(())
    }

    /// The group that a mapping's sides are united in, if they are now (or would be, in a dry run).
    async fn join_pushed(&mut self, mapping: &PushMapping) -> Result<Option<GroupId>, Halt> {
        // A push mapping outlives its source for a while; a side that goes in this run is joined to nothing (R10).
        if self.gone_groups.contains(&mapping.source_group_id) {
            return Ok(None);
        }
        let mut tx = self.sync.service.store.read().await?;
        let source = groups::find_by_okta_id(&mut tx, &mapping.source_group_id).await?;
        tx.rollback().await?;
        if source.is_none_or(|source| source.scim || source.parted) {
            return Ok(None);
        }
        let Some(name) = self.target_name(mapping).await? else {
            return Ok(None);
        };
        let joined = if self.dry_run {
            let mut tx = self.sync.service.store.read().await?;
            let partners = partners(&mut tx, mapping, &name).await?;
            tx.rollback().await?;
            let Partners::Found(pair) = partners else {
                return Ok(None);
            };
            self.record(&[self.joining(&pair, &name)], Outcome::Planned)
                .await?;
            Some(pair.0.id)
        } else {
            self.join(mapping, &name).await?
        };
        self.summary.joined += u64::from(joined.is_some());
        Ok(joined)
    }

    /// The join as the run history has it.
    fn joining(&self, (scim, source): &(IdpGroup, IdpGroup), name: &str) -> Planned {
        let change = Change::JoinGroups {
            scim: scim.id.clone(),
            source: source.id.clone(),
            name: name.to_owned(),
        };
        Planned::give(change, self.began_at, "Okta pushes the one as the other")
    }

    async fn join(&mut self, mapping: &PushMapping, name: &str) -> Result<Option<GroupId>, Halt> {
        let first = self.next_ordinal();
        let joined: Result<Option<(Planned, GroupId)>, Halt> = in_write!(
            self.sync.service.store,
            |tx| {
                self.fence.check(tx).await?;
                let pair = match partners(tx, mapping, name).await? {
                    Partners::Found(pair) => pair,
                    Partners::Several => {
                        let text = format!(
                            "Okta pushes to {name:?}, and more than one group that was pushed here is called so."
                        );
                        problems::insert(tx, joining::AMBIGUOUS, name, &text).await?;
                        return Ok(None);
                    }
                    Partners::None => return Ok(None),
                };
                let planned = self.joining(&pair, name);
                let mut touched = Touched::default();
                let by = JoinedBy::PushMapping;
                let united =
                    joining::unite(tx, &self.cx, &pair.0, &pair.1, by, &mut touched).await?;
                problems::remove(tx, joining::AMBIGUOUS, name).await?;
                // The two bore one name between them, or the SCIM side's is free for another group now.
                for name in [united.name(), name] {
                    binding::bind(tx, &self.cx, name, &mut touched).await?;
                }
                membership::settle(&self.sync.service, tx, &self.cx, &touched).await?;
                let done = [Done::of(Outcome::Applied)];
                let rows = recorded(first, std::slice::from_ref(&planned), &done)?;
                run_changes::insert(tx, &self.id, &rows).await?;
                Ok(Some((planned, pair.0.id.clone())))
            }
        );
        let Some((planned, group)) = joined? else {
            return Ok(None);
        };
        self.counted(&[planned], &[Done::of(Outcome::Applied)]);
        Ok(Some(group))
    }

    /// The target's name: as the mapping says, else as the target group says.
    async fn target_name(&mut self, mapping: &PushMapping) -> Result<Option<String>, Halt> {
        if let Some(name) = &mapping.target_group_name {
            return Ok(Some(name.clone()));
        }
        let Some(target) = &mapping.target_group_id else {
            return Ok(None);
        };
        match self.sync.okta.group(target).await {
            Read::Known { value, .. } => Ok(Some(value.name)),
            Read::Gone { .. } => Ok(None),
            Read::Unknown { why } => {
                Self::refused(&why)?;
                self.summary
                    .unknown(format!("the target {target} of a push mapping"), &why);
                Ok(None)
            }
        }
    }
}

async fn partners(tx: &mut Tx, mapping: &PushMapping, name: &str) -> Result<Partners, Halt> {
    let named = groups::find_by_scim_name(tx, name).await?;
    let mut named = named.into_iter().filter(|group| {
        group.scim_name.as_deref() == Some(name) && group.okta.is_none() && !group.parted
    });
    let source = groups::find_by_okta_id(tx, &mapping.source_group_id).await?;
    Ok(
        match (
            named.next(),
            named.next(),
            source.filter(|source| !source.scim),
        ) {
            (Some(scim), None, Some(source)) => Partners::Found(Box::new((scim, source))),
            (Some(_), Some(_), _) => Partners::Several,
            _ => Partners::None,
        },
    )
}
