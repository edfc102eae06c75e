//! Asking the daemon that polls for a run.

use crate::model::actor::Cx;
use crate::model::random::Random;
use crate::model::run::RunKind;
use crate::service::{Error, Service};
use crate::store::in_write;
use crate::store::sync_requests::{self, SyncRequest};

/// Asks the daemon that polls for a run; follow it with [`find_request`].
///
/// # Errors
/// [`Error::Invalid`] for a kind that nobody can ask for.
pub async fn request(
    service: &Service,
    cx: &Cx,
    kind: RunKind,
    dry_run: bool,
) -> Result<SyncRequest, Error> {
    if !matches!(kind, RunKind::Full | RunKind::Delta) {
        return Err(Error::Invalid("ask for a full or a delta run".to_owned()));
    }
    in_write!(service.store, |tx| {
        let request = SyncRequest {
            id: fresh_id(tx.random()),
            kind,
            dry_run,
            actor: cx.actor.clone(),
            channel: cx.channel.as_str().to_owned(),
            asked_at: tx.now(),
            run_id: None,
        };
        sync_requests::insert(tx, &request).await?;
        Ok(request)
    })
}

fn fresh_id(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    format!("{:032x}", u128::from_le_bytes(bytes))
}

/// A request as it stands: its `run_id` is set once the daemon has begun the run.
///
/// # Errors
/// [`Error::NotFound`] when there is no such request.
pub async fn find_request(service: &Service, id: &str) -> Result<SyncRequest, Error> {
    // What is no id names nothing; PostgreSQL would refuse a text with U+0000 in it.
    if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::NotFound("request"));
    }
    let mut tx = service.store.read().await?;
    let found = sync_requests::find(&mut tx, id).await?;
    tx.rollback().await?;
    found.ok_or(Error::NotFound("request"))
}
