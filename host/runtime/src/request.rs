//! What a provider is asked, in checked types: the contract's requests as the rest of the host speaks them.
//!
//! Field by field the records of `wit/types.wit`, `wit/payments.wit` and the optional interfaces. Whoever fills them has
//! checked the JSON texts with [`crate::json::check_object`].

use tillbox_core::id::{CaptureId, CollectionId, OperationId, PaymentId, RefundId, SessionId};
use tillbox_core::outcome::{OperationReference, ProviderError};
use tillbox_core::text::Json;
use tillbox_core::{Money, Timestamp};

use crate::journal::Keeping;

/// Whether real money moves (`types.environment`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Sandbox credentials; no real money.
    Test,
    /// Live credentials; real money.
    Live,
}

/// A postal address (`types.address`); at most 512 bytes a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Street and number.
    pub line1: Option<String>,
    /// Flat, floor, building.
    pub line2: Option<String>,
    /// Town or city.
    pub city: Option<String>,
    /// State, province or county.
    pub region: Option<String>,
    /// Postal code as written in that country.
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 code, upper case.
    pub country_code: Option<String>,
}

/// The payer, as far as the host knows them (`types.customer`); at most 512 bytes a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Customer {
    /// The host's id of the customer.
    pub id: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Name, or company name.
    pub name: Option<String>,
    /// Telephone number in E.164 form where known.
    pub phone: Option<String>,
    /// Billing address.
    pub billing_address: Option<Address>,
}

/// A customer as the provider knows them (`types.account-holder`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountHolder {
    /// The provider's id.
    pub external_id: String,
    /// The provider's private state of it.
    pub data: Json,
}

/// What the payer keeps at the provider (`payment-methods.payment-method`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    /// The provider's token.
    pub id: String,
    /// What a payer may see.
    pub display: Json,
    /// The provider's private state of it.
    pub data: Json,
}

/// What every call carries beside its request (`types.context`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// The operation.
    pub operation: OperationId,
    /// Made by the host, constant across all attempts of one operation.
    pub idempotency_key: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Milliseconds until the call is abandoned. It counts from the moment the call is made, so waiting for a free slot
    /// is part of it. 0 is taken as 1.
    pub deadline_ms: u32,
    /// The collection.
    pub collection: Option<CollectionId>,
    /// The session.
    pub session: Option<SessionId>,
    /// The payment, once one exists.
    pub payment: Option<PaymentId>,
    /// Test or live.
    pub environment: Environment,
    /// BCP 47 language tag of the payer.
    pub locale: Option<String>,
    /// The payer.
    pub customer: Option<Customer>,
    /// The payer's record at this provider.
    pub account_holder: Option<AccountHolder>,
    /// Room to grow.
    pub extensions: Json,
    /// Where the host writes down what is exchanged; the provider is not told of it.
    pub keeping: Keeping,
}

impl CallContext {
    /// A first attempt in the test environment with a deadline of [`crate::limits::DEADLINE_MS_DEFAULT`], knowing nobody.
    #[must_use]
    pub fn new(operation: OperationId, idempotency_key: impl Into<String>) -> Self {
        Self {
            operation,
            idempotency_key: idempotency_key.into(),
            attempt: 1,
            deadline_ms: crate::limits::DEADLINE_MS_DEFAULT,
            collection: None,
            session: None,
            payment: None,
            environment: Environment::Test,
            locale: None,
            customer: None,
            account_holder: None,
            extensions: Json::empty(),
            keeping: Keeping::default(),
        }
    }
}

/// The payment as the host's books have it (`payments.payment-state`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentState {
    /// The `data` of the latest outcome, untouched.
    pub data: Json,
    /// The latest provider reference of the payment.
    pub provider_reference: Option<String>,
    /// The amount of the session.
    pub amount: Money,
    /// Captured so far, by the books.
    pub captured: Money,
    /// Refunded so far, by the books.
    pub refunded: Money,
}

/// Asks for a new payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitiateRequest {
    /// What will be authorized.
    pub amount: Money,
    /// What the storefront sent along.
    pub input: Json,
}

/// Asks for a change before authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRequest {
    /// The payment.
    pub payment: PaymentState,
    /// The new amount, same currency.
    pub amount: Money,
    /// What the storefront sent along.
    pub input: Json,
}

/// Asks for authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The payment.
    pub payment: PaymentState,
    /// What the storefront sent along.
    pub input: Json,
}

/// Asks to take money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRequest {
    /// The payment.
    pub payment: PaymentState,
    /// How much. Always given.
    pub amount: Money,
    /// The capture's id.
    pub capture: CaptureId,
    /// True when this takes all that is left.
    pub is_final: bool,
}

/// Asks to give money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// The payment.
    pub payment: PaymentState,
    /// How much. Always given.
    pub amount: Money,
    /// The refund's id.
    pub refund: RefundId,
    /// The merchant's reason code.
    pub reason: Option<String>,
    /// The merchant's note.
    pub note: Option<String>,
}

/// Asks to release what is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// The payment.
    pub payment: PaymentState,
    /// The merchant's reason code.
    pub reason: Option<String>,
}

/// Asks to forget a session that was never authorized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRequest {
    /// The payment.
    pub payment: PaymentState,
}

/// Asks what the provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrieveRequest {
    /// The payment; its provider reference may be absent after a lost `initiate`.
    pub payment: PaymentState,
    /// The operation to look for.
    pub operation: Option<OperationReference>,
}

/// One header field of a delivery, as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryHeader {
    /// The name.
    pub name: String,
    /// The value's bytes (RFC 9110 section 5.5 allows any but control characters).
    pub value: Vec<u8>,
}

/// A webhook request as it arrived (`webhooks.delivery`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Headers in order, repeated ones included.
    pub headers: Vec<DeliveryHeader>,
    /// The query string without `?`, or empty.
    pub query: String,
    /// The raw body.
    pub body: Vec<u8>,
    /// When the host received it.
    pub received_at: Timestamp,
    /// Milliseconds the verification may take. Not part of what the provider sees.
    pub deadline_ms: u32,
}

/// Why a delivery was not taken (`webhooks.rejection`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// No signature, a wrong one, or one outside the time window. The text is for operators.
    BadSignature(String),
    /// Signed, but not understood. The text is for operators.
    Malformed(String),
    /// Could not verify for another reason.
    Failed(ProviderError),
}
