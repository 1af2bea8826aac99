//! `/admin/audit`: who called what to change something.

use axum::Json as Answer;
use axum::extract::State;

use crate::Host;
use crate::http::extract::Asked;
use crate::http::problem::ForOperator;
use crate::http::wire::{Audit, AuditEntryAnswer, WantedAudit};

pub(super) async fn list(
    State(host): State<Host>,
    Asked(WantedAudit { filter, page }): Asked<WantedAudit>,
) -> Result<Answer<Audit>, ForOperator> {
    let listed = host.audit(filter, page).await?;
    let audit = listed.items.into_iter().map(AuditEntryAnswer::from).collect();
    Ok(Answer(Audit { audit, count: listed.count, offset: page.offset, limit: page.limit }))
}
