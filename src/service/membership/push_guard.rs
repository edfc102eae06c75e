//! Mass change by pushes: an alert, or withheld rows in one open run (R9).

use super::effects::Effects;
use super::{Error, Service, Touched};
use crate::model::actor::Cx;
use crate::store::Tx;

/// Watches what a push takes.
pub(super) async fn watch(
    service: &Service,
    tx: &mut Tx,
    cx: &Cx,
    touched: &Touched,
    effects: &mut Effects,
) -> Result<u64, Error> {
    let _ = (service, tx, cx, touched, effects);
    Ok(0)
}
