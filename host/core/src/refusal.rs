//! Refusals: commands the core turns down before any provider is asked.
//!
//! Precedence, where several apply: unknown subject, wrong currency, amount not positive, closed subject, missing ability,
//! open question (in flight, uncertain charge), amount over headroom, limit. The order is that of the checks in `machine`.

use std::fmt;

use crate::currency::Currency;
use crate::id::OperationId;
use crate::money::Money;

/// Which family a refusal belongs to: what a caller does next depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// There is no such thing.
    NotFound,
    /// The input can never be right.
    InvalidData,
    /// The state forbids it.
    NotAllowed,
    /// It may be right later.
    Conflict,
}

/// A command turned down. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The collection holds nothing of that id.
    NotFound {
        /// `PaymentSession`, `Payment` …
        entity: &'static str,
        /// The id asked for.
        id: String,
    },
    /// The amount is in another currency than the collection.
    CurrencyMismatch {
        /// The collection's.
        expected: Currency,
        /// The amount's.
        got: Currency,
    },
    /// An amount of nothing.
    AmountNotPositive {
        /// `Session`, `Capture` or `Refund`.
        what: &'static str,
    },
    /// The collection was canceled or is completed.
    CollectionClosed {
        /// Its status.
        status: &'static str,
    },
    /// The collection cannot be canceled any more: it is completed, or canceled already.
    NotCancelable {
        /// Its status.
        status: &'static str,
    },
    /// The session is past the point where this could be done.
    SessionClosed {
        /// Its status.
        status: &'static str,
    },
    /// The payment was voided.
    PaymentCanceled {
        /// The payment.
        id: String,
    },
    /// Something of the payment is captured, or may be.
    PaymentCaptured {
        /// The payment.
        id: String,
    },
    /// The provider does not declare the ability.
    NotCapable {
        /// The ability's name in the contract.
        ability: &'static str,
    },
    /// Another operation on the same session or payment is being carried out.
    InFlight {
        /// The other one.
        operation: OperationId,
    },
    /// An earlier charge of the collection is a question; another one might charge twice.
    UncertainCharge {
        /// The earlier one.
        operation: OperationId,
    },
    /// More than what may still be authorized.
    ExceedsCollection {
        /// Asked for.
        asked: Money,
        /// What is left.
        left: Money,
    },
    /// More than what may still be captured.
    ExceedsAuthorized {
        /// Asked for.
        asked: Money,
        /// What is left.
        left: Money,
    },
    /// More than what may still be refunded.
    ExceedsCaptured {
        /// Asked for.
        asked: Money,
        /// What is left.
        left: Money,
    },
    /// The new amount is less than what is authorized or may be.
    BelowCommitted {
        /// Asked for.
        asked: Money,
        /// What is committed.
        committed: Money,
    },
    /// Payments of the collection are still authorized or uncertain.
    OpenPayments,
    /// The collection holds money, or may: what was captured or is authorized stays in sight.
    HoldsMoney,
    /// The collection has sessions that can still be paid.
    LiveSessions,
    /// A limit of the core.
    TooMany {
        /// `sessions` or `operations`.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// The result came from a holder of an older lease.
    StaleLease,
    /// The operation is already settled.
    AlreadySettled {
        /// Its state.
        state: &'static str,
    },
    /// The command is for a collection that does not exist yet, or already does.
    WrongCollection,
}

impl Refusal {
    /// A stable code, part of the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::AmountNotPositive { .. } => "amount_not_positive",
            Self::CollectionClosed { .. } | Self::NotCancelable { .. } => "collection_closed",
            Self::SessionClosed { .. } => "session_closed",
            Self::PaymentCanceled { .. } => "payment_canceled",
            Self::PaymentCaptured { .. } => "payment_captured",
            Self::NotCapable { .. } => "provider_not_capable",
            Self::InFlight { .. } => "operation_in_flight",
            Self::UncertainCharge { .. } => "uncertain_charge",
            Self::ExceedsCollection { .. } => "exceeds_collection",
            Self::ExceedsAuthorized { .. } => "exceeds_authorized",
            Self::ExceedsCaptured { .. } => "exceeds_captured",
            Self::BelowCommitted { .. } => "below_committed",
            Self::OpenPayments => "open_payments",
            Self::HoldsMoney => "holds_money",
            Self::LiveSessions => "live_sessions",
            Self::TooMany { .. } => "too_many",
            Self::StaleLease => "stale_lease",
            Self::AlreadySettled { .. } => "already_settled",
            Self::WrongCollection => "wrong_collection",
        }
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound { .. } => RefusalKind::NotFound,
            Self::CurrencyMismatch { .. }
            | Self::AmountNotPositive { .. }
            | Self::PaymentCanceled { .. }
            | Self::ExceedsCollection { .. }
            | Self::ExceedsAuthorized { .. }
            | Self::ExceedsCaptured { .. }
            | Self::BelowCommitted { .. } => RefusalKind::InvalidData,
            Self::CollectionClosed { .. }
            | Self::NotCancelable { .. }
            | Self::SessionClosed { .. }
            | Self::PaymentCaptured { .. }
            | Self::NotCapable { .. }
            | Self::OpenPayments
            | Self::HoldsMoney
            | Self::LiveSessions
            | Self::TooMany { .. } => RefusalKind::NotAllowed,
            Self::InFlight { .. }
            | Self::UncertainCharge { .. }
            | Self::StaleLease
            | Self::AlreadySettled { .. }
            | Self::WrongCollection => RefusalKind::Conflict,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { entity, id } => write!(f, "{entity} with id: {id} was not found"),
            Self::CurrencyMismatch { expected, got } => {
                write!(f, "currency_code: the collection is in {expected}, the amount in {got}")
            }
            Self::AmountNotPositive { what } => write!(f, "{what} amount must be greater than 0."),
            Self::CollectionClosed { status } => write!(f, "The payment collection is {status}; make a new one."),
            Self::NotCancelable { status: "completed" } => f.write_str("Cannot cancel a completed payment collection"),
            Self::NotCancelable { status } => write!(f, "Payment collection is already {status}"),
            Self::SessionClosed { status } => write!(f, "The payment session is {status}; create a new one."),
            Self::PaymentCanceled { id } => write!(f, "The payment: {id} has been canceled."),
            Self::PaymentCaptured { id } => {
                write!(f, "The payment: {id} is captured, in whole or in part; refund it instead of canceling it.")
            }
            Self::NotCapable { ability } => write!(f, "The provider does not offer `{ability}`."),
            Self::InFlight { operation } => {
                write!(f, "Operation {operation} on the same subject is being carried out; try again in a moment.")
            }
            Self::UncertainCharge { operation } => write!(
                f,
                "Operation {operation} may have charged the payer; nothing else is authorized until that is known. \
                 See it with `tillbox operations show {operation}`."
            ),
            Self::ExceedsCollection { asked, left } => {
                write!(f, "amount: {asked} is more than the {left} that may still be authorized in this collection.")
            }
            Self::ExceedsAuthorized { asked, left } => write!(
                f,
                "You cannot capture more than the authorized amount substracted by what is already captured. \
                 {asked} asked, {left} left."
            ),
            Self::ExceedsCaptured { asked, left } => {
                write!(f, "You cannot refund more than what is captured on the payment. {asked} asked, {left} left.")
            }
            Self::BelowCommitted { asked, committed } => {
                write!(f, "amount: {asked} is less than the {committed} that is authorized or may be.")
            }
            Self::OpenPayments => {
                f.write_str("Payments of the collection are authorized or uncertain; cancel them first.")
            }
            Self::HoldsMoney => f.write_str(
                "Money of the payment collection is authorized, captured or uncertain; a collection with money is not \
                 deleted. Void what is only authorized, then try again.",
            ),
            Self::LiveSessions => f.write_str("The payment collection has sessions; delete them first."),
            Self::TooMany { what, limit } => write!(f, "A collection has at most {limit} {what}."),
            Self::StaleLease => f.write_str("The operation was taken over by another holder."),
            Self::AlreadySettled { state } => write!(f, "The operation is already {state}."),
            Self::WrongCollection => f.write_str("The command does not fit the collection it was given to."),
        }
    }
}

impl std::error::Error for Refusal {}
