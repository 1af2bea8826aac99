//! A session that has to be the only one: what stands in its way, and what goes by itself.
//!
//! It asks no provider. Whoever wants the session has the others abandoned first.

use super::Draft;
use super::begin::was_opened;
use crate::event::Change;
use crate::id::SessionId;
use crate::refusal::Refusal;
use crate::state::Session;

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
