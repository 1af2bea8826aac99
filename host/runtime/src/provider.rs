//! The one view the rest of the host has of any provider, be it a component, native Rust or a test double.
//!
//! It refuses to know which of them it is. Every call ends in an answer, in the provider's own error, or in a fault that
//! names its culprit; beside it comes a report of what the call cost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tillbox_core::outcome::{ErrorKind, Evidence, Outcome, ProviderError, Snapshot};
use tillbox_core::text::Json;

use crate::egress::{ExchangeReport, Left};
use crate::fault::Fault;
use crate::grant::Grants;
use crate::info::ProviderInfo;
use crate::limits::CallLimits;
use crate::report::InspectReport;
use crate::request::{
    AccountHolder, AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, Delivery,
    InitiateRequest, PaymentMethod, PaymentState, RefundRequest, Rejection, RetrieveRequest, UpdateRequest,
};

/// How far a provider's effects can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Nothing it was granted leaves the process: whatever became of a call, no byte was sent.
    Nowhere,
    /// It can talk to a network. A call without an answer may have moved money.
    Network,
}

/// How a call ended, and what it cost.
#[derive(Debug)]
pub struct Call<T> {
    /// The answer, or why there is none.
    pub answer: Result<T, Failure>,
    /// What it cost and what was logged.
    pub report: CallReport,
}

impl<T> Call<T> {
    /// An answer with an empty report, as native providers and doubles give it.
    #[must_use]
    pub fn answered(answer: T) -> Self {
        Self { answer: Ok(answer), report: CallReport::default() }
    }

    /// The provider's own error, with an empty report.
    #[must_use]
    pub fn error(error: ProviderError) -> Self {
        Self { answer: Err(Failure::Error(error)), report: CallReport::default() }
    }

    /// A fault, with an empty report.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self { answer: Err(Failure::Fault(fault)), report: CallReport::default() }
    }
}

impl<T> Call<T> {
    /// Whether a request may have left the process. `false` is proof: the host saw every byte, or the provider's code never ran.
    #[must_use]
    pub fn request_may_have_been_sent(&self) -> bool {
        match (self.report.left, &self.answer) {
            (Some(left), _) => left != Left::Nothing,
            (None, Err(Failure::Fault(fault))) => fault.request_may_have_been_sent(),
            (None, Ok(_) | Err(Failure::Error(_))) => true,
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The provider said so itself.
    Error(ProviderError),
    /// The call broke.
    Fault(Fault),
}

/// How loud a log line is (`log.level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogLevel {
    /// Only while developing.
    Debug,
    /// Normal life.
    Info,
    /// Worth a look.
    Warn,
    /// Somebody has to act.
    Error,
}

/// One line a provider wrote, cleaned: no control characters, card-number-like digits redacted, lengths capped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How loud.
    pub level: LogLevel,
    /// The line.
    pub message: String,
    /// Named values.
    pub fields: Vec<(String, String)>,
}

/// What a call cost and what was logged. A native provider may leave it empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallReport {
    /// The whole call, from the request to the answer.
    pub duration: Duration,
    /// Of it: waiting for a free slot.
    pub queued: Duration,
    /// Of it: making the store and the instance.
    pub instantiation: Duration,
    /// The most linear memory the guest held.
    pub memory_bytes_peak: u64,
    /// How often the guest called one of the host's own interfaces (WASI not counted).
    pub host_calls: u32,
    /// The lines it wrote, at most [`crate::limits::LOG_LINES_MAX`].
    pub log: Vec<LogLine>,
    /// Lines over the limit, which were dropped.
    pub log_lines_dropped: u32,
    /// The end of what it printed, cleaned; empty when it printed nothing.
    pub printed: String,
    /// What left the process, as the host saw it; nothing where the host could not see it, as with native providers.
    pub left: Option<Left>,
    /// The HTTP exchanges, at most eight.
    pub exchanges: Vec<ExchangeReport>,
}

/// What an operator may know of a component that is installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// What the check found.
    pub report: Arc<InspectReport>,
    /// What it was granted. Settings are the operator's, and some of them are secrets: see who reads this.
    pub grants: Arc<Grants>,
    /// The limits of its calls.
    pub limits: CallLimits,
}

/// A payment provider.
///
/// Rules for every function are those of `wit/payments.wit`: a second call with the same idempotency key and the same
/// request has no second effect and answers what the first one answered; a decline is an answer, not an error.
///
/// A native provider implements the mandatory functions and overrides what else it declares in its
/// [`ProviderInfo::capabilities`]:
///
/// ```
/// use async_trait::async_trait;
/// use tillbox_core::outcome::{Outcome, ProviderStatus, Snapshot};
/// use tillbox_core::text::Json;
/// use tillbox_runtime::request::*;
/// use tillbox_runtime::{Call, Provider, ProviderInfo, Reach};
///
/// struct Cash(ProviderInfo);
///
/// fn done(status: ProviderStatus, amount: tillbox_core::Money) -> Call<Outcome> {
///     Call::answered(Outcome {
///         status,
///         data: Json::empty(),
///         client_data: None,
///         provider_reference: None,
///         amount: Some(amount),
///         decline: None,
///         next_action: None,
///         extensions: Json::empty(),
///     })
/// }
///
/// #[async_trait]
/// impl Provider for Cash {
///     fn info(&self) -> &ProviderInfo { &self.0 }
///     fn reach(&self) -> Reach { Reach::Nowhere }
///     async fn initiate(&self, _: CallContext, request: InitiateRequest) -> Call<Outcome> {
///         done(ProviderStatus::Pending, request.amount)
///     }
///     async fn update(&self, _: CallContext, request: UpdateRequest) -> Call<Outcome> {
///         done(ProviderStatus::Pending, request.amount)
///     }
///     async fn authorize(&self, _: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
///         done(ProviderStatus::Authorized, request.payment.amount)
///     }
///     async fn capture(&self, _: CallContext, request: CaptureRequest) -> Call<Outcome> {
///         done(ProviderStatus::Captured, request.amount)
///     }
///     async fn refund(&self, _: CallContext, request: RefundRequest) -> Call<Outcome> {
///         done(ProviderStatus::Captured, request.amount)
///     }
///     async fn cancel(&self, _: CallContext, request: CancelRequest) -> Call<Outcome> {
///         done(ProviderStatus::Canceled, request.payment.amount)
///     }
///     async fn delete(&self, _: CallContext, request: DeleteRequest) -> Call<Outcome> {
///         done(ProviderStatus::Canceled, request.payment.amount)
///     }
///     async fn retrieve(&self, context: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
///         let captured = request.payment.captured;
///         let refunded = request.payment.refunded;
///         let outcome = self.status(context, request.payment).await.answer.expect("it always answers");
///         let disputed = tillbox_core::Money::zero(captured.currency());
///         Call::answered(Snapshot { outcome, captured, refunded, disputed, operation: None })
///     }
///     async fn status(&self, _: CallContext, payment: PaymentState) -> Call<Outcome> {
///         done(ProviderStatus::Authorized, payment.amount)
///     }
/// }
/// ```
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What it says of itself.
    fn info(&self) -> &ProviderInfo;

    /// How far its effects can go. Unless it says otherwise, a network is in reach: the most careful reading.
    fn reach(&self) -> Reach {
        Reach::Network
    }

    /// Whether every byte it sends goes through the host and into the journal that its context brings along. Not so for native
    /// Rust, which sends by means of its own.
    fn is_watched(&self) -> bool {
        false
    }

    /// What the check of its component found, and what it was granted; nothing for a native provider.
    fn inspection(&self) -> Option<Inspection> {
        None
    }

    /// Opens a payment.
    async fn initiate(&self, context: CallContext, request: InitiateRequest) -> Call<Outcome>;

    /// Changes it before authorization.
    async fn update(&self, context: CallContext, request: UpdateRequest) -> Call<Outcome>;

    /// Reserves the amount, or tells what became of the reservation.
    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome>;

    /// Takes exactly the amount.
    async fn capture(&self, context: CallContext, request: CaptureRequest) -> Call<Outcome>;

    /// Gives exactly the amount back.
    async fn refund(&self, context: CallContext, request: RefundRequest) -> Call<Outcome>;

    /// Releases what is reserved and not captured.
    async fn cancel(&self, context: CallContext, request: CancelRequest) -> Call<Outcome>;

    /// Abandons a session that was never authorized.
    async fn delete(&self, context: CallContext, request: DeleteRequest) -> Call<Outcome>;

    /// Tells what the provider knows of a payment and of one operation. Never moves money.
    async fn retrieve(&self, context: CallContext, request: RetrieveRequest) -> Call<Snapshot>;

    /// Tells where the payment stands. Never moves money.
    async fn status(&self, context: CallContext, payment: PaymentState) -> Call<Outcome>;

    /// Verifies one webhook delivery and says what it claims.
    async fn receive_webhook(&self, _delivery: Delivery) -> Call<Result<Vec<Evidence>, Rejection>> {
        Call::error(not_supported("webhooks"))
    }

    /// Makes the payer's record at the provider for `context.customer`.
    async fn create_account_holder(&self, _context: CallContext, _input: Json) -> Call<AccountHolder> {
        Call::error(not_supported("account-holders"))
    }

    /// Brings the payer's record up to date.
    async fn update_account_holder(&self, _context: CallContext, _input: Json) -> Call<AccountHolder> {
        Call::error(not_supported("account-holders"))
    }

    /// Reads the payer's record.
    async fn retrieve_account_holder(&self, _context: CallContext) -> Call<AccountHolder> {
        Call::error(not_supported("account-holders"))
    }

    /// Removes the payer's record.
    async fn delete_account_holder(&self, _context: CallContext) -> Call<()> {
        Call::error(not_supported("account-holders"))
    }

    /// Lists what the payer has saved.
    async fn list_payment_methods(&self, _context: CallContext) -> Call<Vec<PaymentMethod>> {
        Call::error(not_supported("payment-methods"))
    }

    /// Saves a payment method.
    async fn save_payment_method(&self, _context: CallContext, _input: Json) -> Call<PaymentMethod> {
        Call::error(not_supported("payment-methods"))
    }

    /// Removes a saved payment method by the provider's token.
    async fn delete_payment_method(&self, _context: CallContext, _id: String) -> Call<()> {
        Call::error(not_supported("payment-methods"))
    }
}

/// The error of a function whose interface the provider does not have.
pub(crate) fn not_supported(interface: &str) -> ProviderError {
    ProviderError {
        kind: ErrorKind::NotSupported,
        code: "interface_absent".to_owned(),
        message: format!("this provider has no `{interface}` interface"),
        data: None,
    }
}
