//! What the merchant says of their own things, and no provider hears of: notes, completed, deleted.
//!
//! None of it moves money and none of it changes a status. Nothing leaves the books; what is deleted is only out of sight.

use super::Draft;
use super::begin::{known_payment, live_session, living};
use crate::command::Subject;
use crate::event::Change;
use crate::operation::{Operation, OperationKind, OperationState, Product};
use crate::refusal::Refusal;
use crate::state::Collection;
use crate::text::Json;

/// Notes when. A second time changes nothing: the first one is when it was.
pub(super) fn complete_collection(draft: &mut Draft) -> Result<(), Refusal> {
    living(&draft.state)?;
    if draft.state.completed_at.is_none() {
        draft.push(Change::CollectionCompleted);
    }
    Ok(())
}

/// Money first: whoever has to void something had better hear of it before any session is abandoned.
pub(super) fn delete_collection(draft: &mut Draft) -> Result<(), Refusal> {
    living(&draft.state)?;
    if holds_money(&draft.state) {
        return Err(Refusal::HoldsMoney);
    }
    if draft.state.live_sessions().next().is_some() {
        return Err(Refusal::LiveSessions);
    }
    draft.push(Change::CollectionDeleted);
    Ok(())
}

fn holds_money(state: &Collection) -> bool {
    !state.authorized().is_zero() || state.operations.iter().any(|operation| operation.state.reserves())
}

pub(super) fn annotate(draft: &mut Draft, subject: &Subject, metadata: &Json) -> Result<(), Refusal> {
    living(&draft.state)?;
    let (before, change) = match subject {
        Subject::Session(id) => {
            let before = live_session(&draft.state, id)?.metadata.clone();
            let metadata = Some(metadata.clone());
            (before, Change::SessionNoted { session: id.clone(), context: None, metadata })
        }
        Subject::Payment(id) => {
            let before = known_payment(&draft.state, id)?.metadata.clone();
            (before, Change::PaymentNoted { payment: id.clone(), metadata: metadata.clone() })
        }
        Subject::Capture(id) => {
            let product = Product::Capture(id.clone());
            noted(&draft.state, OperationKind::Capture, &product, "Capture", id.as_str(), metadata)?
        }
        Subject::Refund(id) => {
            let product = Product::Refund(id.clone());
            noted(&draft.state, OperationKind::Refund, &product, "Refund", id.as_str(), metadata)?
        }
    };
    if before.as_ref() != Some(metadata) {
        draft.push(change);
    }
    Ok(())
}

fn noted(
    state: &Collection,
    kind: OperationKind,
    product: &Product,
    entity: &'static str,
    id: &str,
    metadata: &Json,
) -> Result<(Option<Json>, Change), Refusal> {
    let done = |operation: &&Operation| {
        operation.kind == kind && operation.product == *product && operation.state == OperationState::Succeeded
    };
    let operation = state.operations.iter().find(done);
    let operation = operation.ok_or_else(|| Refusal::NotFound { entity, id: id.to_owned() })?;
    let change = Change::OperationNoted { operation: operation.id.clone(), metadata: metadata.clone() };
    Ok((operation.metadata.clone(), change))
}
