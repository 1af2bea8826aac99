//! The rules before a provider is asked. A refusal here costs nothing: no byte has left, nothing was written.

use super::fresh::{Lease, asked_by, on_payment, on_session, payment_product};
use super::sole::was_opened;
use super::{Draft, sole};
use crate::command::{Abilities, AuthorizationIds, Request};
use crate::event::Change;
use crate::id::{OperationId, PaymentId, ProviderId, SessionId};
use crate::money::Money;
use crate::operation::{Operation, OperationKind, OperationState, Product};
use crate::refusal::Refusal;
use crate::state::{Collection, OPERATIONS_MAX, Payment, SESSIONS_MAX, Session};
use crate::status::{CollectionStatus, SessionStatus};
use crate::text::Json;

pub(super) fn update_collection(
    draft: &mut Draft,
    amount: Option<Money>,
    metadata: Option<&Json>,
) -> Result<(), Refusal> {
    living(&draft.state)?;
    let state = &draft.state;
    if let Some(amount) = amount {
        same_currency(state, amount)?;
        open(state)?;
        let committed = committed(state);
        if amount.minor_units() < committed.minor_units() {
            return Err(Refusal::BelowCommitted { asked: amount, committed });
        }
    }
    if amount.is_some() || metadata.is_some() {
        draft.push(Change::CollectionUpdated { amount, metadata: metadata.cloned() });
    }
    Ok(())
}

pub(super) fn cancel_collection(draft: &mut Draft) -> Result<(), Refusal> {
    living(&draft.state)?;
    let state = &draft.state;
    open(state).map_err(|_| Refusal::NotCancelable { status: state.status.as_str() })?;
    let held =
        state.payments.iter().any(|payment| payment.canceled_at.is_none() && state.captured_of(&payment.id).is_zero());
    let undecided = state.operations.iter().any(|operation| operation.state.reserves());
    if held || undecided {
        return Err(Refusal::OpenPayments);
    }
    draft.push(Change::CollectionCanceled);
    Ok(())
}

pub(super) fn begin(
    draft: &mut Draft,
    lease: Lease<'_>,
    request: &Request,
    abilities: Abilities,
) -> Result<(), Refusal> {
    living(&draft.state)?;
    begin_request(draft, lease, request, abilities)?;
    // Last in the precedence, and nothing is lost: a refusal throws the draft away.
    if draft.state.operations.len() > OPERATIONS_MAX {
        return Err(Refusal::TooMany { what: "operations", limit: OPERATIONS_MAX });
    }
    Ok(())
}

fn begin_request(draft: &mut Draft, lease: Lease<'_>, request: &Request, abilities: Abilities) -> Result<(), Refusal> {
    match request {
        Request::CreateSession { session, provider, amount, context, metadata, is_sole, products } => {
            let (amount, is_sole) = (*amount, *is_sole);
            create_session(draft, lease, products, NewSession { session, provider, amount, context, metadata, is_sole })
        }
        Request::UpdateSession { session, amount, context, metadata, products } => {
            let notes = Notes { context: context.as_ref(), metadata: metadata.as_ref() };
            update_session(draft, lease, SessionChange { session, amount: *amount, notes }, products, abilities)
        }
        Request::DeleteSession { session } => delete_session(draft, lease, session),
        Request::Authorize { session, products } => authorize(draft, lease, session, products),
        Request::Capture { payment, capture, amount, asked } => {
            let Some((payment, amount)) = capture_terms(&draft.state, payment, *amount, abilities)? else {
                return Ok(());
            };
            let operation = on_payment(draft, lease, OperationKind::Capture, &payment);
            let product = Product::Capture(capture.clone());
            let amount = Some(amount);
            draft.push(Change::OperationBegun(Box::new(asked_by(asked, Operation { product, amount, ..operation }))));
            Ok(())
        }
        Request::Refund { payment, refund, amount, reason, note, asked } => {
            let (payment, amount) = refund_terms(&draft.state, payment, *amount, abilities)?;
            let operation = on_payment(draft, lease, OperationKind::Refund, &payment);
            let product = Product::Refund(refund.clone());
            let (note, refund_reason, amount) = (note.clone(), reason.clone(), Some(amount));
            let operation = Operation { product, amount, note, refund_reason, ..operation };
            draft.push(Change::OperationBegun(Box::new(asked_by(asked, operation))));
            Ok(())
        }
        Request::Cancel { payment, note } => {
            let payment = cancel_terms(&draft.state, payment, abilities)?;
            let operation = on_payment(draft, lease, OperationKind::Cancel, &payment);
            let (amount, note) = (Some(payment.amount), note.clone());
            draft.push(Change::OperationBegun(Box::new(Operation { amount, note, ..operation })));
            Ok(())
        }
    }
}

struct NewSession<'a> {
    session: &'a SessionId,
    provider: &'a ProviderId,
    amount: Option<Money>,
    context: &'a Json,
    metadata: &'a Option<Json>,
    is_sole: bool,
}

fn create_session(
    draft: &mut Draft,
    lease: Lease<'_>,
    products: &AuthorizationIds,
    new: NewSession<'_>,
) -> Result<(), Refusal> {
    let state = &draft.state;
    let left = state.amount.checked_sub(state.authorized()).unwrap_or_else(|_| Money::zero(state.currency()));
    let amount = new.amount.unwrap_or(left);
    same_currency(state, amount)?;
    if new.amount.is_some_and(|amount| amount.is_zero()) || state.amount.is_zero() {
        return Err(Refusal::AmountNotPositive { what: "Session" });
    }
    open(state)?;
    if amount.minor_units() > left.minor_units() || left.is_zero() {
        return Err(Refusal::ExceedsCollection { asked: new.amount.unwrap_or(state.amount), left });
    }
    if new.is_sole {
        sole::make_way(draft)?;
    }
    let state = &draft.state;
    if state.live_sessions().count() >= SESSIONS_MAX {
        return Err(Refusal::TooMany { what: "sessions", limit: SESSIONS_MAX });
    }
    let session = Session {
        id: new.session.clone(),
        provider: new.provider.clone(),
        amount,
        status: SessionStatus::Pending,
        data: Json::empty(),
        client_data: None,
        provider_reference: None,
        next_action: None,
        decline: None,
        context: new.context.clone(),
        metadata: new.metadata.clone(),
        authorized_at: None,
        deleted_at: None,
        created_at: draft.at,
        updated_at: draft.at,
    };
    draft.push(Change::SessionCreated(Box::new(session.clone())));
    let operation = on_session(draft, lease, OperationKind::Initiate, &session);
    let product = payment_product(products);
    draft.push(Change::OperationBegun(Box::new(Operation { product, amount: Some(amount), ..operation })));
    Ok(())
}

struct SessionChange<'a> {
    session: &'a SessionId,
    amount: Option<Money>,
    notes: Notes<'a>,
}

/// Payer and notes are the host's own to know: they change with the request, whatever the provider says to it.
struct Notes<'a> {
    context: Option<&'a Json>,
    metadata: Option<&'a Json>,
}

fn update_session(
    draft: &mut Draft,
    lease: Lease<'_>,
    change: SessionChange<'_>,
    products: &AuthorizationIds,
    abilities: Abilities,
) -> Result<(), Refusal> {
    let state = &draft.state;
    let session = live_session(state, change.session)?.clone();
    let amount = change.amount.unwrap_or(session.amount);
    same_currency(state, amount)?;
    if amount.is_zero() {
        return Err(Refusal::AmountNotPositive { what: "Session" });
    }
    open(state)?;
    changeable(&session)?;
    was_opened(state, &session)?;
    if amount != session.amount && !abilities.update_amount {
        return Err(Refusal::NotCapable { ability: "update-amount" });
    }
    nothing_open_on_session(state, &session.id)?;
    let left = state.amount.checked_sub(state.authorized()).unwrap_or_else(|_| Money::zero(state.currency()));
    if amount.minor_units() > left.minor_units() {
        return Err(Refusal::ExceedsCollection { asked: amount, left });
    }
    let (context, metadata) = (change.notes.context.cloned(), change.notes.metadata.cloned());
    if context.is_some() || metadata.is_some() {
        draft.push(Change::SessionNoted { session: session.id.clone(), context, metadata });
    }
    let operation = on_session(draft, lease, OperationKind::Update, &session);
    let product = payment_product(products);
    draft.push(Change::OperationBegun(Box::new(Operation { product, amount: Some(amount), ..operation })));
    Ok(())
}

/// Deleting is also how an uncertain authorization is made harmless, so an open question does not forbid it; a call that is
/// being carried out right now does.
fn delete_session(draft: &mut Draft, lease: Lease<'_>, session: &SessionId) -> Result<(), Refusal> {
    let session = live_session(&draft.state, session)?.clone();
    if let Some(payment) = draft.state.payment_of(&session.id)
        && (payment.canceled_at.is_none() || !draft.state.captured_of(&payment.id).is_zero())
    {
        return Err(Refusal::SessionClosed { status: session.status.as_str() });
    }
    not_running(&draft.state, |operation| operation.session == session.id)?;
    if was_opened(&draft.state, &session).is_err() {
        // Its provider provably knows nothing of it, and could only say so.
        draft.push(Change::SessionDeleted { session: session.id });
        return Ok(());
    }
    let operation = on_session(draft, lease, OperationKind::Delete, &session);
    draft.push(Change::OperationBegun(Box::new(operation)));
    Ok(())
}

fn authorize(
    draft: &mut Draft,
    lease: Lease<'_>,
    session: &SessionId,
    products: &AuthorizationIds,
) -> Result<(), Refusal> {
    let state = &draft.state;
    let session = live_session(state, session)?;
    if let Some(payment) = state.payment_of(&session.id) {
        // Asking twice for what is already authorized is no error and no second call.
        return match payment.canceled_at {
            None => Ok(()),
            Some(_) => Err(Refusal::SessionClosed { status: SessionStatus::Canceled.as_str() }),
        };
    }
    open(state)?;
    if session.status == SessionStatus::Canceled {
        return Err(Refusal::SessionClosed { status: session.status.as_str() });
    }
    was_opened(state, session)?;
    nothing_open_on_session(state, &session.id)?;
    no_uncertain_charge(state)?;
    let left = state.authorizable();
    if session.amount.minor_units() > left.minor_units() {
        return Err(Refusal::ExceedsCollection { asked: session.amount, left });
    }
    let operation = on_session(draft, lease, OperationKind::Authorize, &session.clone());
    let product = payment_product(products);
    draft.push(Change::OperationBegun(Box::new(Operation { product, ..operation })));
    Ok(())
}

/// What to capture, or nothing when the payment is captured in full already.
fn capture_terms(
    state: &Collection,
    payment: &PaymentId,
    amount: Option<Money>,
    abilities: Abilities,
) -> Result<Option<(Payment, Money)>, Refusal> {
    let payment = known_payment(state, payment)?;
    if let Some(amount) = amount {
        same_currency(state, amount)?;
    }
    if amount.is_some_and(|amount| amount.is_zero()) {
        return Err(Refusal::AmountNotPositive { what: "Capture" });
    }
    if payment.canceled_at.is_some() {
        return Err(Refusal::PaymentCanceled { id: payment.id.to_string() });
    }
    if payment.captured_at.is_some() {
        return Ok(None);
    }
    let left = state.capturable(payment);
    let asked = amount.unwrap_or(left);
    if asked != payment.amount && !abilities.partial_capture {
        return Err(Refusal::NotCapable { ability: "partial-capture" });
    }
    if left != payment.amount && !abilities.multiple_captures {
        return Err(Refusal::NotCapable { ability: "multiple-captures" });
    }
    not_running(state, |operation| operation.session == payment.session)?;
    no_open_void(state, payment)?;
    if left.is_zero() || asked.minor_units() > left.minor_units() {
        return Err(Refusal::ExceedsAuthorized { asked: amount.unwrap_or(payment.amount), left });
    }
    Ok(Some((payment.clone(), asked)))
}

fn refund_terms(
    state: &Collection,
    payment: &PaymentId,
    amount: Option<Money>,
    abilities: Abilities,
) -> Result<(Payment, Money), Refusal> {
    let payment = known_payment(state, payment)?;
    if let Some(amount) = amount {
        same_currency(state, amount)?;
    }
    if amount.is_some_and(|amount| amount.is_zero()) {
        return Err(Refusal::AmountNotPositive { what: "Refund" });
    }
    let (captured, left) = (state.captured_of(&payment.id), state.refundable(&payment.id));
    let asked = amount.unwrap_or(left);
    let whole = asked == captured || captured.is_zero();
    if !whole && !abilities.partial_refund {
        return Err(Refusal::NotCapable { ability: "partial-refund" });
    }
    if left != captured && !abilities.multiple_refunds {
        return Err(Refusal::NotCapable { ability: "multiple-refunds" });
    }
    not_running(state, |operation| operation.session == payment.session)?;
    if left.is_zero() || asked.minor_units() > left.minor_units() {
        return Err(Refusal::ExceedsCaptured { asked: amount.unwrap_or(captured), left });
    }
    Ok((payment.clone(), asked))
}

fn cancel_terms(state: &Collection, payment: &PaymentId, abilities: Abilities) -> Result<Payment, Refusal> {
    let payment = known_payment(state, payment)?;
    if payment.canceled_at.is_some() {
        return Err(Refusal::PaymentCanceled { id: payment.id.to_string() });
    }
    if !state.captured_of(&payment.id).is_zero() || !state.reserved_captures_of(&payment.id).is_zero() {
        return Err(Refusal::PaymentCaptured { id: payment.id.to_string() });
    }
    if !abilities.cancel_authorized {
        return Err(Refusal::NotCapable { ability: "cancel-authorized" });
    }
    not_running(state, |operation| operation.session == payment.session)?;
    no_open_void(state, payment)?;
    Ok(payment.clone())
}

/// What was deleted is not found, whatever is asked of it.
pub(super) fn living(state: &Collection) -> Result<(), Refusal> {
    match state.deleted_at {
        None => Ok(()),
        Some(_) => Err(Refusal::NotFound { entity: "PaymentCollection", id: state.id.to_string() }),
    }
}

fn open(state: &Collection) -> Result<(), Refusal> {
    if state.canceled_at.is_some() || state.status == CollectionStatus::Completed {
        return Err(Refusal::CollectionClosed { status: state.status.as_str() });
    }
    Ok(())
}

fn same_currency(state: &Collection, amount: Money) -> Result<(), Refusal> {
    let (expected, got) = (state.currency(), amount.currency());
    if expected == got { Ok(()) } else { Err(Refusal::CurrencyMismatch { expected, got }) }
}

/// Authorized, and what may still become so.
fn committed(state: &Collection) -> Money {
    state.amount.checked_sub(state.authorizable()).unwrap_or(state.amount)
}

fn changeable(session: &Session) -> Result<(), Refusal> {
    match session.status {
        SessionStatus::Pending | SessionStatus::RequiresMore | SessionStatus::Error => Ok(()),
        SessionStatus::PendingAuthorization
        | SessionStatus::Authorized
        | SessionStatus::Captured
        | SessionStatus::Canceled => Err(Refusal::SessionClosed { status: session.status.as_str() }),
    }
}

pub(super) fn live_session<'a>(state: &'a Collection, id: &SessionId) -> Result<&'a Session, Refusal> {
    let session = state.session(id).filter(|session| session.deleted_at.is_none());
    session.ok_or_else(|| Refusal::NotFound { entity: "PaymentSession", id: id.to_string() })
}

pub(super) fn known_payment<'a>(state: &'a Collection, id: &PaymentId) -> Result<&'a Payment, Refusal> {
    state.payment(id).ok_or_else(|| Refusal::NotFound { entity: "Payment", id: id.to_string() })
}

pub(super) fn known_operation<'a>(state: &'a Collection, id: &OperationId) -> Result<&'a Operation, Refusal> {
    state.operation(id).ok_or_else(|| Refusal::NotFound { entity: "Operation", id: id.to_string() })
}

/// A provider's state is handed over as a whole, so two calls at once on one subject would lose one of the answers.
pub(super) fn not_running(state: &Collection, concerns: impl Fn(&Operation) -> bool) -> Result<(), Refusal> {
    let running = |operation: &&Operation| operation.state == OperationState::Running && concerns(operation);
    match state.operations.iter().find(running) {
        Some(operation) => Err(Refusal::InFlight { operation: operation.id.clone() }),
        None => Ok(()),
    }
}

/// While a void is a question, taking money and voiding again are both wrong. A deletion begun before the authorization was
/// heard of is a void too.
fn no_open_void(state: &Collection, payment: &Payment) -> Result<(), Refusal> {
    let voids = |operation: &&Operation| {
        let kind = operation.kind == OperationKind::Cancel || operation.kind == OperationKind::Delete;
        kind && operation.session == payment.session && operation.state.reserves()
    };
    match state.operations.iter().find(voids) {
        Some(operation) => Err(Refusal::InFlight { operation: operation.id.clone() }),
        None => Ok(()),
    }
}

fn nothing_open_on_session(state: &Collection, session: &SessionId) -> Result<(), Refusal> {
    not_running(state, |operation| operation.session == *session)?;
    let open = |operation: &&Operation| operation.session == *session && operation.state.reserves();
    match state.operations.iter().find(open) {
        Some(operation) if operation.state == OperationState::Pending => {
            Err(Refusal::InFlight { operation: operation.id.clone() })
        }
        Some(operation) => Err(Refusal::UncertainCharge { operation: operation.id.clone() }),
        None => Ok(()),
    }
}

/// Rule R3: while an earlier charge is a question, another session might charge the payer twice.
fn no_uncertain_charge(state: &Collection) -> Result<(), Refusal> {
    let charge = |operation: &&Operation| operation.kind == OperationKind::Authorize && operation.state.is_uncertain();
    match state.operations.iter().find(charge) {
        Some(operation) if operation.state == OperationState::Running => {
            Err(Refusal::InFlight { operation: operation.id.clone() })
        }
        Some(operation) => Err(Refusal::UncertainCharge { operation: operation.id.clone() }),
        None => Ok(()),
    }
}
