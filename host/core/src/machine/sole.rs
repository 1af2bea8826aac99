//! A session that has to be the only one: what stands in its way, and what goes by itself.
//!
//! It asks no provider. Whoever wants the session has the others abandoned first.

use super::Draft;
use crate::event::Change;
use crate::id::SessionId;
use crate::operation::{Operation, OperationKind, OperationState};
use crate::refusal::Refusal;
use crate::state::{Collection, Session};

/// Sessions that could still be paid have to be abandoned at their providers first. Those that were never opened are unknown
/// there, and go at once.
pub(super) fn make_way(draft: &mut Draft) -> Result<(), Refusal> {
    let state = &draft.state;
    let unpaid = |session: &&Session| state.payment_of(&session.id).is_none();
    let (opened, never): (Vec<&Session>, Vec<&Session>) =
        state.live_sessions().filter(unpaid).partition(|session| was_opened(state, session).is_ok());
    if !opened.is_empty() {
        return Err(Refusal::LiveSessions);
    }
    let never: Vec<SessionId> = never.into_iter().map(|session| session.id.clone()).collect();
    for session in never {
        draft.push(Change::SessionDeleted { session });
    }
    Ok(())
}

/// A session whose opening provably did not happen has nothing at the provider that could be changed or charged.
pub(super) fn was_opened(state: &Collection, session: &Session) -> Result<(), Refusal> {
    let failed = |operation: &Operation| {
        operation.kind == OperationKind::Initiate
            && operation.session == session.id
            && matches!(operation.state, OperationState::Rejected | OperationState::Absent)
    };
    if state.operations.iter().any(failed) {
        return Err(Refusal::SessionClosed { status: session.status.as_str() });
    }
    Ok(())
}
