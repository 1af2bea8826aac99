//! The border between the generated types and this crate's own: one function for each type and direction.
//!
//! Every match is exhaustive, so that a change of the contract stops the compiler here. What comes in was checked by the
//! host; only money can still be refused, because its type cannot hold a wrong amount. What goes out is checked and cut.

use crate::bindings::payment_methods::exports::tillbox::provider::payment_methods as wit_methods;
use crate::bindings::provider::exports::tillbox::provider::payments as wit;
use crate::bindings::provider::tillbox::provider::types as wit_types;
use crate::bindings::webhooks::exports::tillbox::provider::webhooks as wit_webhooks;
use crate::context::{AccountHolder, Address, Context, Customer, Environment};
use crate::error::{Error, ErrorKind, Result};
use crate::info::{Capabilities, KeyAlphabet, KeyMemory, Lookup, ProviderInfo, Recovery};
use crate::json::Json;
use crate::limits::{CODE_BYTES_MAX, MESSAGE_BYTES_MAX, REFERENCE_BYTES_MAX, shorten};
use crate::money::Money;
use crate::outcome::{Decline, DeclineClass, NextAction, Outcome, Status};
use crate::payment_method::PaymentMethod;
use crate::request::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, OperationKind, OperationReference,
    PaymentState, RefundRequest, RetrieveRequest, Snapshot, UpdateRequest,
};
use crate::webhook::{Action, Delivery, Evidence, Header, Rejection, Subject};

/// The optional interfaces that `register!` exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interfaces {
    /// `webhooks`
    pub webhooks: bool,
    /// `account-holders`
    pub account_holders: bool,
    /// `payment-methods`
    pub payment_methods: bool,
}

// Inward.

fn money_in(money: wit_types::Money) -> Result<Money> {
    Money::new(money.minor_units, money.exponent, &money.currency).map_err(Error::invalid_request)
}

fn address_in(address: wit_types::Address) -> Address {
    let wit_types::Address { line1, line2, city, region, postal_code, country_code } = address;
    Address { line1, line2, city, region, postal_code, country_code }
}

fn customer_in(customer: wit_types::Customer) -> Customer {
    let wit_types::Customer { id, email, name, phone, billing_address } = customer;
    Customer { id, email, name, phone, billing_address: billing_address.map(address_in) }
}

fn account_holder_in(holder: wit_types::AccountHolder) -> AccountHolder {
    AccountHolder { external_id: holder.external_id, data: Json::from_host(holder.data) }
}

pub(crate) fn context_in(context: wit_types::Context) -> Context {
    Context {
        operation_id: context.operation_id,
        idempotency_key: context.idempotency_key,
        attempt: context.attempt,
        deadline_ms: context.deadline_ms,
        collection_id: context.collection_id,
        session_id: context.session_id,
        payment_id: context.payment_id,
        environment: match context.environment {
            wit_types::Environment::Test => Environment::Test,
            wit_types::Environment::Live => Environment::Live,
        },
        locale: context.locale,
        customer: context.customer.map(customer_in),
        account_holder: context.account_holder.map(account_holder_in),
        extensions: Json::from_host(context.extensions),
    }
}

pub(crate) fn json_in(text: String) -> Json {
    Json::from_host(text)
}

pub(crate) fn payment_in(payment: wit::PaymentState) -> Result<PaymentState> {
    Ok(PaymentState {
        data: Json::from_host(payment.data),
        provider_reference: payment.provider_reference,
        amount: money_in(payment.amount)?,
        captured: money_in(payment.captured)?,
        refunded: money_in(payment.refunded)?,
    })
}

pub(crate) fn initiate_in(request: wit::InitiateRequest) -> Result<InitiateRequest> {
    Ok(InitiateRequest { amount: money_in(request.amount)?, input: Json::from_host(request.input) })
}

pub(crate) fn update_in(request: wit::UpdateRequest) -> Result<UpdateRequest> {
    let (payment, amount) = (payment_in(request.payment)?, money_in(request.amount)?);
    Ok(UpdateRequest { payment, amount, input: Json::from_host(request.input) })
}

pub(crate) fn authorize_in(request: wit::AuthorizeRequest) -> Result<AuthorizeRequest> {
    Ok(AuthorizeRequest { payment: payment_in(request.payment)?, input: Json::from_host(request.input) })
}

pub(crate) fn capture_in(request: wit::CaptureRequest) -> Result<CaptureRequest> {
    let (payment, amount) = (payment_in(request.payment)?, money_in(request.amount)?);
    Ok(CaptureRequest { payment, amount, capture_id: request.capture_id, is_final: request.is_final })
}

pub(crate) fn refund_in(request: wit::RefundRequest) -> Result<RefundRequest> {
    let wit::RefundRequest { payment, amount, refund_id, reason, note } = request;
    Ok(RefundRequest { payment: payment_in(payment)?, amount: money_in(amount)?, refund_id, reason, note })
}

pub(crate) fn cancel_in(request: wit::CancelRequest) -> Result<CancelRequest> {
    Ok(CancelRequest { payment: payment_in(request.payment)?, reason: request.reason })
}

pub(crate) fn delete_in(request: wit::DeleteRequest) -> Result<DeleteRequest> {
    Ok(DeleteRequest { payment: payment_in(request.payment)? })
}

pub(crate) fn retrieve_in(request: wit::RetrieveRequest) -> Result<RetrieveRequest> {
    let operation = request.operation.map(reference_in).transpose()?;
    Ok(RetrieveRequest { payment: payment_in(request.payment)?, operation })
}

fn reference_in(operation: wit::OperationReference) -> Result<OperationReference> {
    Ok(OperationReference {
        operation_id: operation.operation_id,
        idempotency_key: operation.idempotency_key,
        kind: match operation.kind {
            wit_types::OperationKind::Initiate => OperationKind::Initiate,
            wit_types::OperationKind::Update => OperationKind::Update,
            wit_types::OperationKind::Authorize => OperationKind::Authorize,
            wit_types::OperationKind::Capture => OperationKind::Capture,
            wit_types::OperationKind::Refund => OperationKind::Refund,
            wit_types::OperationKind::Cancel => OperationKind::Cancel,
            wit_types::OperationKind::Delete => OperationKind::Delete,
        },
        amount: operation.amount.map(money_in).transpose()?,
    })
}

pub(crate) fn delivery_in(delivery: wit_webhooks::Delivery) -> Delivery {
    let headers = delivery.headers.into_iter().map(|wit_webhooks::Header { name, value }| Header { name, value });
    Delivery {
        headers: headers.collect(),
        query: delivery.query,
        body: delivery.body,
        received_at_ms: delivery.received_at_ms,
    }
}

// Outward.

fn money_out(money: Money) -> wit_types::Money {
    let (minor_units, exponent) = (money.minor_units(), money.exponent());
    wit_types::Money { minor_units, exponent, currency: money.currency().to_owned() }
}

fn message_out(message: &str) -> String {
    shorten(message, MESSAGE_BYTES_MAX).to_owned()
}

fn code_out(code: &str) -> String {
    shorten(code, CODE_BYTES_MAX).to_owned()
}

/// The alphabet of decline codes; see [`Decline::code`] for why a code is bent instead of refused.
fn decline_code_out(code: &str) -> String {
    let bend = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9' | '_' | '-' | '.') => kept,
        _ => '_',
    };
    code.chars().take(CODE_BYTES_MAX).map(bend).collect()
}

fn status_out(status: Status) -> wit_types::Status {
    match status {
        Status::Pending => wit_types::Status::Pending,
        Status::RequiresMore => wit_types::Status::RequiresMore,
        Status::PendingAuthorization => wit_types::Status::PendingAuthorization,
        Status::Authorized => wit_types::Status::Authorized,
        Status::Captured => wit_types::Status::Captured,
        Status::Canceled => wit_types::Status::Canceled,
        Status::Declined => wit_types::Status::Declined,
        Status::Error => wit_types::Status::Error,
    }
}

fn decline_out(decline: Decline) -> wit_types::Decline {
    let class = match decline.class {
        DeclineClass::TryAgainLater => wit_types::DeclineClass::TryAgainLater,
        DeclineClass::CorrectDetails => wit_types::DeclineClass::CorrectDetails,
        DeclineClass::UseAnotherMethod => wit_types::DeclineClass::UseAnotherMethod,
        DeclineClass::AuthenticationRequired => wit_types::DeclineClass::AuthenticationRequired,
        DeclineClass::AuthenticationFailed => wit_types::DeclineClass::AuthenticationFailed,
        DeclineClass::SuspectedFraud => wit_types::DeclineClass::SuspectedFraud,
        DeclineClass::Unspecified => wit_types::DeclineClass::Unspecified,
    };
    wit_types::Decline { class, code: decline_code_out(&decline.code), message: message_out(&decline.message) }
}

fn next_action_out(action: NextAction) -> wit_types::NextAction {
    match action {
        NextAction::Redirect { url } => wit_types::NextAction::Redirect(url),
        NextAction::ThreeDSecure { url, expires_in_ms } => {
            wit_types::NextAction::ThreeDSecure(wit_types::ThreeDSecureChallenge { url, expires_in_ms })
        }
        NextAction::Display { instructions } => wit_types::NextAction::Display(instructions.into_string()),
        NextAction::Other { payload } => wit_types::NextAction::Other(payload.into_string()),
    }
}

pub(crate) fn outcome_out(outcome: Outcome) -> Result<wit_types::Outcome> {
    outcome.check()?;
    Ok(wit_types::Outcome {
        status: status_out(outcome.status),
        data: outcome.data.into_string(),
        client_data: outcome.client_data.map(Json::into_string),
        provider_reference: outcome.provider_reference,
        amount: outcome.amount.map(money_out),
        decline: outcome.decline.map(decline_out),
        next_action: outcome.next_action.map(next_action_out),
        extensions: outcome.extensions.into_string(),
    })
}

pub(crate) fn snapshot_out(snapshot: Snapshot) -> Result<wit::Snapshot> {
    Ok(wit::Snapshot {
        outcome: outcome_out(snapshot.outcome)?,
        captured: money_out(snapshot.captured),
        refunded: money_out(snapshot.refunded),
        disputed: money_out(snapshot.disputed),
        operation: snapshot.operation.map(outcome_out).transpose()?,
    })
}

pub(crate) fn error_out(error: Error) -> wit_types::Error {
    let kind = match error.kind {
        ErrorKind::InvalidRequest => wit_types::ErrorKind::InvalidRequest,
        ErrorKind::Authentication => wit_types::ErrorKind::Authentication,
        ErrorKind::NotFound => wit_types::ErrorKind::NotFound,
        ErrorKind::Conflict => wit_types::ErrorKind::Conflict,
        ErrorKind::RateLimited { retry_after_ms } => wit_types::ErrorKind::RateLimited(retry_after_ms),
        ErrorKind::Unavailable => wit_types::ErrorKind::Unavailable,
        ErrorKind::NotSupported => wit_types::ErrorKind::NotSupported,
        ErrorKind::OutcomeUnknown => wit_types::ErrorKind::OutcomeUnknown,
        ErrorKind::Other(code) => wit_types::ErrorKind::Other(code_out(&code)),
    };
    let (code, message) = (code_out(&error.code), message_out(&error.message));
    wit_types::Error { kind, code, message, data: error.data.map(Json::into_string) }
}

/// Tokens and ids are compared with what comes back later, so a long one is refused and never cut.
fn reference_out(what: &str, text: String) -> Result<String> {
    if text.is_empty() || text.len() > REFERENCE_BYTES_MAX {
        return Err(Error::other(
            "reference",
            format_args!("{what} is empty or longer than {REFERENCE_BYTES_MAX} bytes"),
        ));
    }
    Ok(text)
}

pub(crate) fn account_holder_out(holder: AccountHolder) -> Result<wit_types::AccountHolder> {
    let external_id = reference_out("the account holder's id", holder.external_id)?;
    Ok(wit_types::AccountHolder { external_id, data: holder.data.into_string() })
}

pub(crate) fn payment_method_out(method: PaymentMethod) -> Result<wit_methods::PaymentMethod> {
    let id = reference_out("the payment method's id", method.id)?;
    Ok(wit_methods::PaymentMethod { id, display: method.display.into_string(), data: method.data.into_string() })
}

pub(crate) fn evidence_out(evidence: Evidence) -> Result<wit_webhooks::Evidence> {
    Ok(wit_webhooks::Evidence {
        event_id: reference_out("the event id", evidence.event_id)?,
        occurred_at_ms: evidence.occurred_at_ms,
        subject: evidence.subject.map(|subject| match subject {
            Subject::Session(id) => wit_webhooks::Subject::Session(id),
            Subject::ProviderReference(text) => wit_webhooks::Subject::ProviderReference(text),
        }),
        action: match evidence.action {
            Action::Authorized => wit_webhooks::Action::Authorized,
            Action::Captured => wit_webhooks::Action::Captured,
            Action::Refunded => wit_webhooks::Action::Refunded,
            Action::Failed => wit_webhooks::Action::Failed,
            Action::Pending => wit_webhooks::Action::Pending,
            Action::RequiresMore => wit_webhooks::Action::RequiresMore,
            Action::Canceled => wit_webhooks::Action::Canceled,
            Action::Disputed => wit_webhooks::Action::Disputed,
            Action::NotSupported => wit_webhooks::Action::NotSupported,
        },
        amount: evidence.amount.map(money_out),
        operation_id: evidence.operation_id,
        reason: evidence.reason.as_deref().map(code_out),
        extensions: evidence.extensions.into_string(),
    })
}

pub(crate) fn rejection_out(rejection: Rejection) -> wit_webhooks::Rejection {
    match rejection {
        Rejection::BadSignature(message) => wit_webhooks::Rejection::BadSignature(message_out(&message)),
        Rejection::Malformed(message) => wit_webhooks::Rejection::Malformed(message_out(&message)),
        Rejection::Failed(error) => wit_webhooks::Rejection::Failed(error_out(error)),
    }
}

pub(crate) fn info_out(info: ProviderInfo, interfaces: Interfaces) -> wit::ProviderInfo {
    let hosts = info.hosts.into_iter().map(|wanted| wit::HostWanted { host: wanted.host, purpose: wanted.purpose });
    let secrets = info.secrets.into_iter().map(|wanted| wit::SecretWanted {
        name: wanted.name,
        purpose: wanted.purpose,
        reveal: wanted.reveal,
    });
    wit::ProviderInfo {
        identifier: info.identifier,
        display_name: info.display_name,
        version: info.version,
        capabilities: capabilities_out(info.capabilities, interfaces),
        currencies: info.currencies,
        settings_schema: info.settings_schema.into_string(),
        hosts: hosts.collect(),
        secrets: secrets.collect(),
        recovery: info.recovery.into_iter().map(recovery_out).collect(),
        key_format: wit::KeyFormat {
            length_max: info.key_format.length_max,
            alphabet: match info.key_format.alphabet {
                KeyAlphabet::Hexadecimal => wit::KeyAlphabet::Hexadecimal,
                KeyAlphabet::Alphanumeric => wit::KeyAlphabet::Alphanumeric,
            },
        },
        docs_url: info.docs_url,
        extensions: info.extensions.into_string(),
    }
}

fn capabilities_out(capabilities: Capabilities, interfaces: Interfaces) -> wit::Capabilities {
    // Taken apart, so that a new ability cannot be forgotten here.
    let Capabilities {
        partial_capture,
        multiple_captures,
        partial_refund,
        multiple_refunds,
        automatic_capture,
        cancel_authorized,
        update_amount,
    } = capabilities;
    let Interfaces { webhooks, account_holders, payment_methods } = interfaces;
    let flags = [
        (partial_capture, wit::Capabilities::PARTIAL_CAPTURE),
        (multiple_captures, wit::Capabilities::MULTIPLE_CAPTURES),
        (partial_refund, wit::Capabilities::PARTIAL_REFUND),
        (multiple_refunds, wit::Capabilities::MULTIPLE_REFUNDS),
        (automatic_capture, wit::Capabilities::AUTOMATIC_CAPTURE),
        (cancel_authorized, wit::Capabilities::CANCEL_AUTHORIZED),
        (update_amount, wit::Capabilities::UPDATE_AMOUNT),
        (webhooks, wit::Capabilities::WEBHOOKS),
        (account_holders, wit::Capabilities::ACCOUNT_HOLDERS),
        (payment_methods, wit::Capabilities::PAYMENT_METHODS),
    ];
    flags.into_iter().filter(|(set, _)| *set).fold(wit::Capabilities::empty(), |all, (_, flag)| all | flag)
}

fn recovery_out(recovery: Recovery) -> wit::Recovery {
    wit::Recovery {
        operation: match recovery.operation {
            OperationKind::Initiate => wit_types::OperationKind::Initiate,
            OperationKind::Update => wit_types::OperationKind::Update,
            OperationKind::Authorize => wit_types::OperationKind::Authorize,
            OperationKind::Capture => wit_types::OperationKind::Capture,
            OperationKind::Refund => wit_types::OperationKind::Refund,
            OperationKind::Cancel => wit_types::OperationKind::Cancel,
            OperationKind::Delete => wit_types::OperationKind::Delete,
        },
        keys: match recovery.keys {
            KeyMemory::None => wit::KeyMemory::None,
            KeyMemory::WindowSeconds(seconds) => wit::KeyMemory::WindowSeconds(seconds),
            KeyMemory::Forever => wit::KeyMemory::Forever,
        },
        lookup: match recovery.lookup {
            Lookup::None => wit::Lookup::None,
            Lookup::EventualSeconds(seconds) => wit::Lookup::EventualSeconds(seconds),
            Lookup::Strong => wit::Lookup::Strong,
        },
    }
}
