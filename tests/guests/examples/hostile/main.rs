//! A provider that misbehaves as it is told.
//!
//! `{"misbehave":"trap"}` as the input of `initiate` misbehaves there. With `"in":"capture"` (or any other function but
//! `describe`) `initiate` is honest, keeps the order in `data`, and the fault comes in that function. A fault that is
//! not known is an `invalid-request`, so that a test with a typing error fails. The list of faults is [`FAULTS`].
//!
//! It refuses to have faults of `describe`: those are components of their own.

use tillbox_guests::payments::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, PaymentState, ProviderInfo,
    RefundRequest, RetrieveRequest, Snapshot, UpdateRequest,
};
use tillbox_guests::types::{Context, Error, ErrorKind, Money, Outcome, Status};
use tillbox_guests::{Answer, Provider, honest_info, honest_outcome};

mod endless;
mod greedy;
mod lies;
mod loud;
mod order;
mod traps;

use order::Order;

/// Takes an honest answer and spoils it, or never comes back.
type Fault = fn(Outcome) -> Answer;

/// Every fault by name.
const FAULTS: &[(&str, Fault)] = &[
    // Never comes back.
    ("infinite-loop", endless::infinite_loop),
    ("sleep", endless::sleep),
    // Takes more than its share.
    ("memory-growth", greedy::memory_growth),
    ("table-growth", greedy::table_growth),
    ("handle-flood", greedy::handle_flood),
    ("random-flood", greedy::random_flood),
    ("deep-recursion", greedy::deep_recursion),
    ("oversized-result", greedy::oversized_result),
    // Ends without an answer.
    ("trap", traps::unreachable),
    ("panic", traps::panic),
    ("exit", traps::exit),
    ("text-not-utf8", traps::text_not_utf8),
    // Says too much.
    ("log-flood", loud::log_flood),
    ("log-huge", loud::log_huge),
    ("log-secrets", loud::log_secrets),
    ("stdout-flood", loud::stdout_flood),
    // Breaks the contract.
    ("data-not-json", lies::data_not_json),
    ("data-not-object", lies::data_not_object),
    ("data-too-large", lies::data_too_large),
    ("data-too-deep", lies::data_too_deep),
    ("data-duplicate-keys", lies::data_duplicate_keys),
    ("client-data-too-large", lies::client_data_too_large),
    ("extensions-not-object", lies::extensions_not_object),
    ("amount-negative", lies::amount_negative),
    ("amount-too-large", lies::amount_too_large),
    ("amount-other", lies::amount_other),
    ("currency-other", lies::currency_other),
    ("currency-unknown", lies::currency_unknown),
    ("exponent-other", lies::exponent_other),
    ("decline-without-declined", lies::decline_without_declined),
    ("declined-without-decline", lies::declined_without_decline),
    ("decline-code-malformed", lies::decline_code_malformed),
    ("requires-more-without-action", lies::requires_more_without_action),
    ("action-without-requires-more", lies::action_without_requires_more),
    ("action-script-url", lies::action_script_url),
    ("action-plain-http", lies::action_plain_http),
    ("action-url-with-password", lies::action_url_with_password),
    ("reference-too-long", lies::reference_too_long),
    ("error-with-escapes", lies::error_with_escapes),
    // Keeps the contract, and tells what it saw.
    ("random-most", greedy::random_most),
    ("count-calls", traps::count_calls),
    ("read-environment", traps::read_environment),
];

/// Does as it is told.
#[derive(Debug)]
pub struct Hostile;

impl Hostile {
    fn answer(function: &str, told: &str, status: Status, amount: Money) -> Answer {
        let honest = honest_outcome(status, told.into(), amount);
        let Some(order) = Order::read(told).filter(|order| order.function == function) else { return Ok(honest) };
        let Some((_, fault)) = FAULTS.iter().find(|(name, _)| *name == order.fault) else {
            let message = format!("{:?} is none of the known faults", order.fault);
            return Err(Error { kind: ErrorKind::InvalidRequest, code: "unknown-fault".into(), message, data: None });
        };
        fault(honest)
    }
}

impl Provider for Hostile {
    fn describe() -> ProviderInfo {
        honest_info("hostile")
    }

    fn initiate(_context: Context, request: InitiateRequest) -> Answer {
        Self::answer("initiate", &request.input, Status::Pending, request.amount)
    }

    fn update(_context: Context, request: UpdateRequest) -> Answer {
        Self::answer("update", &request.payment.data, Status::Pending, request.amount)
    }

    fn authorize(_context: Context, request: AuthorizeRequest) -> Answer {
        Self::answer("authorize", &request.payment.data, Status::Authorized, request.payment.amount)
    }

    fn capture(_context: Context, request: CaptureRequest) -> Answer {
        Self::answer("capture", &request.payment.data, Status::Captured, request.amount)
    }

    fn refund(_context: Context, request: RefundRequest) -> Answer {
        Self::answer("refund", &request.payment.data, Status::Captured, request.amount)
    }

    fn cancel(_context: Context, request: CancelRequest) -> Answer {
        Self::answer("cancel", &request.payment.data, Status::Canceled, request.payment.amount)
    }

    fn delete(_context: Context, request: DeleteRequest) -> Answer {
        Self::answer("delete", &request.payment.data, Status::Canceled, request.payment.amount)
    }

    fn retrieve(_context: Context, request: RetrieveRequest) -> Result<Snapshot, Error> {
        let PaymentState { data, amount, captured, refunded, .. } = request.payment;
        let disputed = Money { minor_units: 0, ..amount.clone() };
        let outcome = Self::answer("retrieve", &data, Status::Authorized, amount)?;
        Ok(Snapshot { outcome, captured, refunded, disputed, operation: None })
    }

    fn status(_context: Context, payment: PaymentState) -> Answer {
        Self::answer("status", &payment.data, Status::Authorized, payment.amount)
    }
}

tillbox_guests::export!(Hostile);
