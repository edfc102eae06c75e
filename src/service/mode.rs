//! The Okta mode: the preview, the switch, the pause, the rebind (R3, R4, R8).

use serde::Serialize;
use serde_json::json;

use super::membership::release_by_mode;
use super::{Error, Service};
use crate::model::actor::Cx;
use crate::model::mode::OktaMode;
use crate::model::team::organization_admin;
use crate::model::time::Timestamp;
use crate::store::{
    Tx, audit, in_write, mappings, marks, memberships, organization, preview, rereads,
};

/// Most differences a preview lists by name; the counts are exact up to the same bound.
pub const PREVIEW_LIMIT: i64 = 10_000;

/// Who gains and who loses which team by a switch (R3).
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The mode now.
    pub from: OktaMode,
    /// The mode asked about.
    pub to: OktaMode,
    /// Memberships that would begin to count.
    pub gains: Vec<preview::Difference>,
    /// Memberships that would stop counting.
    pub loses: Vec<preview::Difference>,
    /// Why the switch would be refused, if it would.
    pub refusal: Option<String>,
}

/// What switching to `to` would change.
pub async fn preview(service: &Service, to: OktaMode) -> Result<Preview, Error> {
    let mut tx = service.store.read().await?;
    let from = organization::find(&mut tx).await?.mode;
    let gains = preview::list(&mut tx, to, from, PREVIEW_LIMIT).await?;
    let loses = preview::list(&mut tx, from, to, PREVIEW_LIMIT).await?;
    let refusal = refusal(&mut tx, from, to).await?;
    tx.rollback().await?;
    Ok(Preview {
        from,
        to,
        gains,
        loses,
        refusal,
    })
}

async fn refusal(tx: &mut Tx, from: OktaMode, to: OktaMode) -> Result<Option<String>, Error> {
    let turns_on = to.derived_counts() && !from.derived_counts();
    if turns_on && mappings::count_live(tx, None).await? == 0 {
        return Ok(Some(
            "no mapping is bound to a group whose known members include an active user: add one with \
             `rosterd mappings add` first"
                .to_owned(),
        ));
    }
    Ok(None)
}

/// Switches the mode: one row (R1), and whoever was withheld as the last admin and is not the last one by the new mode is let
/// go (R5). `keep` first copies what is derived into local memberships when turning off.
///
/// # Errors
/// [`Error::Invalid`] when turned on without a live mapping (R3); [`Error::LastAdmin`] when the switch would leave
/// nobody active in Organization Admin (R5).
pub async fn switch(
    service: &Service,
    cx: &Cx,
    to: OktaMode,
    keep: bool,
) -> Result<OktaMode, Error> {
    in_write!(service.store, |tx| {
        let from = organization::find(tx).await?.mode;
        if from == to {
            return Ok(from);
        }
        if let Some(refusal) = refusal(tx, from, to).await? {
            return Err(Error::Invalid(refusal));
        }
        let team = organization_admin();
        let had_admin = memberships::count_effective(tx, &team, 1).await? > 0;
        let kept = if keep && !to.derived_counts() {
            preview::insert_kept(tx).await?
        } else {
            0
        };
        organization::update_mode(tx, to).await?;
        if had_admin && memberships::count_effective(tx, &team, 1).await? == 0 {
            return Err(Error::LastAdmin);
        }
        release_by_mode(service, tx, cx).await?;
        let entry = audit::Entry {
            action: "mode.switched",
            object_kind: "organization",
            object_id: "okta_mode".to_owned(),
            before: Some(json!({"mode": from})),
            after: Some(json!({"mode": to, "kept": kept})),
        };
        audit::insert(tx, cx, &[entry]).await?;
        Ok(from)
    })
}

/// Lets no run, kick or hook apply until `for_ms` from now, or until resumed. Pushes go on.
pub async fn pause(service: &Service, cx: &Cx, for_ms: Option<i64>) -> Result<Timestamp, Error> {
    in_write!(service.store, |tx| {
        let until = for_ms.map_or(Timestamp::from_millis(i64::MAX), |ms| {
            tx.now().plus_millis(ms)
        });
        organization::update_pause(tx, Some(until), Some(&cx.actor)).await?;
        log(
            tx,
            cx,
            "sync.paused",
            json!({"until_ms": until.as_millis()}),
        )
        .await?;
        Ok::<_, Error>(until)
    })
}

/// Ends a pause.
pub async fn resume(service: &Service, cx: &Cx) -> Result<(), Error> {
    in_write!(service.store, |tx| {
        organization::update_pause(tx, None, None).await?;
        log(tx, cx, "sync.resumed", json!({})).await
    })
}

/// Forgets which Okta org answered so far: the next run binds to whichever answers then (R8).
pub async fn rebind(service: &Service, cx: &Cx) -> Result<Option<String>, Error> {
    in_write!(service.store, |tx| {
        let before = organization::find(tx).await?.okta_org_id;
        organization::update_okta_org(tx, None).await?;
        // How far the old org was read, and what was to be read again there, says nothing of the new one.
        for mark in [marks::GROUPS_WATERMARK, marks::USERS_WATERMARK] {
            marks::remove(tx, mark).await?;
        }
        rereads::remove_okta_ids(tx).await?;
        log(
            tx,
            cx,
            "okta.rebound",
            json!({"okta_org_id_before": before}),
        )
        .await?;
        Ok::<_, Error>(before)
    })
}

async fn log(
    tx: &mut Tx,
    cx: &Cx,
    action: &'static str,
    after: serde_json::Value,
) -> Result<(), Error> {
    let entry = audit::Entry {
        action,
        object_kind: "organization",
        object_id: "okta".to_owned(),
        before: None,
        after: Some(after),
    };
    Ok(audit::insert(tx, cx, &[entry]).await?)
}
