//! Everything the host ever asked of this payment and what was answered: the ledger of charges, captures and refunds,
//! and the memory of idempotency keys, in one list. A capture *is* the operation that made it.
//!
//! It never forgets, because a forgotten key could move money twice. Instead it is full one day, and says so.

use serde::{Deserialize, Serialize};
use tillbox_provider::{Context, Error, OperationKind, OperationReference, Result};

use crate::decline::Reason;
use crate::identifier::characters;

/// Attempts (`initiate`, `update`, `authorize`) of one payment: far more than a payer has cards.
pub(crate) const ATTEMPTS_MAX: usize = 60;

/// Captures of one payment, as many as Stripe allows with multicapture.
pub(crate) const CAPTURES_MAX: usize = 50;

/// Refunds of one payment. Together with the other limits the ledger stays within 64 KiB of `data`.
pub(crate) const REFUNDS_MAX: usize = 100;

/// `cancel` and `delete` of one payment: the first one does it, the rest ask again under other keys.
pub(crate) const CLOSINGS_MAX: usize = 10;

/// Bytes of an operation id that the ledger has room for, twice what the host's ids have.
pub(crate) const OPERATION_ID_BYTES_MAX: usize = 64;

/// What was answered, without the payment's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// Nothing decided yet.
    Pending,
    /// A challenge waits.
    RequiresMore,
    /// The bank decides later.
    PendingAuthorization,
    /// Reserved.
    Authorized,
    /// Taken; for a refund, given back.
    Captured,
    /// Given up.
    Canceled,
    /// Refused.
    Declined(Reason),
}

/// The kinds of operation, in the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Initiate,
    Update,
    Authorize,
    Capture,
    Refund,
    Cancel,
    Delete,
}

impl From<OperationKind> for Kind {
    fn from(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Initiate => Self::Initiate,
            OperationKind::Update => Self::Update,
            OperationKind::Authorize => Self::Authorize,
            OperationKind::Capture => Self::Capture,
            OperationKind::Refund => Self::Refund,
            OperationKind::Cancel => Self::Cancel,
            OperationKind::Delete => Self::Delete,
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The idempotency key, digested; ids of what was done end in it.
    pub(crate) key: String,
    /// What was asked.
    pub(crate) kind: Kind,
    /// The host's id of the operation.
    pub(crate) operation: String,
    /// The rest of the request, digested.
    pub(crate) request: String,
    /// What it asked for, in Stripe's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<i64>,
    /// What happened, in Stripe's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<i64>,
    /// What was answered. A replay gets it again.
    pub(crate) answer: Answer,
    /// What became of a pending answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) became: Option<Answer>,
}

/// A request, as far as two of them have to be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    key: String,
    operation: String,
    kind: Kind,
    amount: Option<i64>,
    request: String,
}

impl Asked {
    /// `rest` holds the fields of the request beside its amount.
    ///
    /// # Errors
    /// An invalid request when the operation id is longer than [`OPERATION_ID_BYTES_MAX`].
    pub(crate) fn new(context: &Context, kind: Kind, amount: Option<i64>, rest: &[&str]) -> Result<Self> {
        if context.operation_id.len() > OPERATION_ID_BYTES_MAX {
            return Err(Error::invalid_request("the operation id is longer than 64 bytes").code("metadata_too_long"));
        }
        Ok(Self {
            key: characters(&[&context.idempotency_key]),
            operation: context.operation_id.clone(),
            kind,
            amount,
            request: characters(rest),
        })
    }

    /// What ids of things made by this request end in.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// What is asked.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The record of it.
    pub(crate) fn record(self, answer: Answer, amount: Option<i64>) -> Record {
        Record {
            key: self.key,
            kind: self.kind,
            operation: self.operation,
            request: self.request,
            asked: self.amount,
            amount,
            answer,
            became: None,
        }
    }
}

/// All operations, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Ledger(Vec<Record>);

impl Ledger {
    /// The record of an earlier call with the same key, if there was one.
    ///
    /// # Errors
    /// A conflict that names the first difference when the key came with another request.
    pub(crate) fn replayed(&self, asked: &Asked) -> Result<Option<Record>> {
        let Some(record) = self.0.iter().find(|record| record.key == asked.key) else { return Ok(None) };
        let difference = if record.kind != asked.kind {
            "for another operation"
        } else if record.asked != asked.amount {
            "with another amount"
        } else if record.request != asked.request {
            "with other details"
        } else {
            return Ok(Some(record.clone()));
        };
        Err(Error::conflict(format_args!("this idempotency key was used before {difference}"))
            .code("idempotency_error"))
    }

    /// Refuses what there is no room for.
    ///
    /// # Errors
    /// A conflict that names the limit.
    pub(crate) fn check_room(&self, kind: Kind) -> Result<()> {
        let (group, most, what): (&[Kind], usize, &str) = match kind {
            Kind::Initiate | Kind::Update | Kind::Authorize => {
                (&[Kind::Initiate, Kind::Update, Kind::Authorize], ATTEMPTS_MAX, "attempts")
            }
            Kind::Capture => (&[Kind::Capture], CAPTURES_MAX, "captures"),
            Kind::Refund => (&[Kind::Refund], REFUNDS_MAX, "refunds"),
            Kind::Cancel | Kind::Delete => (&[Kind::Cancel, Kind::Delete], CLOSINGS_MAX, "cancellations"),
        };
        if self.0.iter().filter(|record| group.contains(&record.kind)).count() < most {
            return Ok(());
        }
        Err(Error::conflict(format_args!("a payment has room for {most} {what}, and all are used"))
            .code("too_many_operations"))
    }

    /// Adds an operation.
    pub(crate) fn push(&mut self, record: Record) {
        self.0.push(record);
    }

    /// Notes what became of the attempt the bank had still to decide.
    pub(crate) fn settle(&mut self, became: Answer) {
        let pending = |record: &&mut Record| record.answer == Answer::PendingAuthorization && record.became.is_none();
        if let Some(record) = self.0.iter_mut().rev().find(pending) {
            record.became = Some(became);
        }
    }

    /// Finds the operation the host lost the reply to.
    pub(crate) fn find(&self, reference: &OperationReference) -> Option<&Record> {
        let key = characters(&[&reference.idempotency_key]);
        let kind = Kind::from(reference.kind);
        self.0
            .iter()
            .find(|record| record.kind == kind && (record.key == key || record.operation == reference.operation_id))
    }

    /// What the first of the cancellations released.
    pub(crate) fn released(&self) -> Option<i64> {
        self.0.iter().find(|record| record.kind == Kind::Cancel).and_then(|record| record.amount)
    }

    /// The latest refund.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn latest_refund(&self) -> Option<&Record> {
        self.0.iter().rev().find(|record| record.kind == Kind::Refund)
    }
}
