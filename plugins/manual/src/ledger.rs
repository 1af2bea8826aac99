//! The payment's ledger: every operation that took effect, in order. It is this provider's `data`, and nothing else is
//! its state.
//!
//! The rules of what may follow what are here and only here. It refuses to know settings, logs and outcomes. Money that
//! is captured and refunded is summed from the entries each time: a total kept beside its parts can disagree with them.

use serde::{Deserialize, Serialize};
use tillbox_provider::{Error, Json, Money, OperationKind, OperationReference, Result, Status};

/// Updates of one payment: more than a cart changes between two tries to pay. What is over is refused, and the storefront
/// opens a new session; authorizing and deleting this one stays possible.
pub(crate) const UPDATES_MAX: usize = 32;

/// Captures of one payment: more shipments than an order is split into. What is over is refused.
pub(crate) const CAPTURES_MAX: usize = 32;

/// Refunds of one payment: more than an order has returns. What is over is refused.
pub(crate) const REFUNDS_MAX: usize = 32;

// At these limits an entry may take 600 bytes until `data` reaches the contract's 65,536. One takes about 300.

/// The ledger of one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Our own id of the payment.
    reference: String,
    /// What is to be paid.
    amount: Money,
    /// What happened, oldest first.
    entries: Vec<Entry>,
}

/// One operation that took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Which function it was.
    #[serde(with = "kind_by_name")]
    pub(crate) kind: OperationKind,
    /// The host's id of the operation: by it, a lost reply is found again.
    operation_id: String,
    /// The host's key: by it, a replay is known.
    idempotency_key: String,
    /// How much.
    pub(crate) amount: Money,
    /// Our own id of what was done.
    pub(crate) reference: String,
}

/// One operation that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Which function.
    pub(crate) kind: OperationKind,
    /// How much.
    pub(crate) amount: Money,
    /// The host's id of the capture or refund, which is good enough to be ours.
    reference: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// One that concerns the payment as a whole.
    pub(crate) fn plain(kind: OperationKind, amount: Money) -> Self {
        Self { kind, amount, reference: None }
    }

    /// One that makes something with an id of its own.
    pub(crate) fn named(kind: OperationKind, amount: Money, reference: &'a str) -> Self {
        Self { kind, amount, reference: Some(reference) }
    }
}

impl Ledger {
    /// A ledger with nothing in it.
    pub(crate) fn open(reference: String, amount: Money) -> Self {
        Self { reference, amount, entries: Vec::new() }
    }

    /// Our own id of the payment.
    pub(crate) fn reference(&self) -> &str {
        &self.reference
    }

    /// What is to be paid.
    pub(crate) fn amount(&self) -> Money {
        self.amount
    }

    /// Captured so far.
    pub(crate) fn captured(&self) -> Result<Money> {
        self.sum(OperationKind::Capture)
    }

    /// Refunded so far.
    pub(crate) fn refunded(&self) -> Result<Money> {
        self.sum(OperationKind::Refund)
    }

    /// Where the payment stands. A refund does not change it: what was captured stays captured.
    pub(crate) fn status(&self) -> Result<Status> {
        if self.is_closed() {
            return Ok(Status::Canceled);
        }
        if !self.captured()?.is_zero() {
            return Ok(Status::Captured);
        }
        Ok(if self.has(OperationKind::Authorize) { Status::Authorized } else { Status::Pending })
    }

    /// The amount that goes with [`Ledger::status`]: what was captured, or else the whole.
    pub(crate) fn present_amount(&self) -> Result<Money> {
        let captured = self.captured()?;
        Ok(if captured.is_zero() { self.amount } else { captured })
    }

    /// The entry that the host lost the reply to.
    pub(crate) fn find(&self, operation: &OperationReference) -> Option<&Entry> {
        let same = |entry: &&Entry| entry.kind == operation.kind && entry.operation_id == operation.operation_id;
        self.entries.iter().find(same)
    }

    /// As `data`. Nothing that does not fit has happened, because nothing but `data` is kept; so the error may say so.
    pub(crate) fn to_json(&self) -> Result<Json> {
        Json::of(self).map_err(|error| Error::conflict(error.message).code("ledger-full"))
    }

    /// Writes the operation down and gives its entry; gives the earlier entry when it was written down before.
    ///
    /// # Errors
    /// A conflict or an invalid request, both of which prove that nothing changed.
    pub(crate) fn record(&mut self, operation_id: &str, key: &str, request: Request<'_>) -> Result<Entry> {
        if let Some(entry) = self.entries.iter().find(|entry| entry.idempotency_key == key) {
            return replayed(entry, &request);
        }
        request.amount.same_currency(self.amount).map_err(Error::invalid_request)?;
        let entry = Entry {
            kind: request.kind,
            operation_id: operation_id.to_owned(),
            idempotency_key: key.to_owned(),
            amount: request.amount,
            reference: request.reference.unwrap_or(&self.reference).to_owned(),
        };
        if self.is_repeated(request.kind) {
            // Done before by another operation, and to be answered alike. Nothing new happens, so nothing is written.
            return Ok(entry);
        }
        self.allow(&request)?;
        if request.kind == OperationKind::Update {
            self.amount = request.amount;
        }
        self.entries.push(entry.clone());
        Ok(entry)
    }

    /// Whether the payment is where this operation would bring it.
    fn is_repeated(&self, kind: OperationKind) -> bool {
        match kind {
            OperationKind::Authorize => self.has(OperationKind::Authorize) && !self.is_closed(),
            OperationKind::Cancel | OperationKind::Delete => self.has(kind),
            OperationKind::Initiate | OperationKind::Update | OperationKind::Capture | OperationKind::Refund => false,
        }
    }

    /// Refuses what may not follow. From here on every refusal proves that nothing happened.
    fn allow(&self, request: &Request<'_>) -> Result<()> {
        if self.is_closed() {
            return refuse("canceled", "the payment is canceled");
        }
        match request.kind {
            // A second authorization is a repetition and does not come here.
            OperationKind::Initiate | OperationKind::Authorize => Ok(()),
            OperationKind::Update => self.allow_update(),
            OperationKind::Delete => {
                if self.has(OperationKind::Authorize) {
                    return refuse("authorized", "the payment is authorized: cancel or refund it");
                }
                Ok(())
            }
            OperationKind::Cancel => {
                if !self.has(OperationKind::Authorize) {
                    return refuse("not-authorized", "nothing is authorized: delete the session");
                }
                if !self.captured()?.is_zero() {
                    return refuse("captured", "money was captured: refund it");
                }
                Ok(())
            }
            OperationKind::Capture => self.allow_capture(request.amount),
            OperationKind::Refund => self.allow_refund(request.amount),
        }
    }

    fn allow_update(&self) -> Result<()> {
        if self.has(OperationKind::Authorize) {
            return refuse("authorized", "the payment is authorized and cannot change any more");
        }
        self.allow_room(OperationKind::Update, UPDATES_MAX, "updates: open a new session")
    }

    fn allow_capture(&self, amount: Money) -> Result<()> {
        if !self.has(OperationKind::Authorize) {
            return refuse("not-authorized", "the payment is not authorized");
        }
        allow_part("capture", amount, self.amount.checked_sub(self.captured()?)?)?;
        self.allow_room(OperationKind::Capture, CAPTURES_MAX, "captures: take the rest by another payment")
    }

    fn allow_refund(&self, amount: Money) -> Result<()> {
        allow_part("refund", amount, self.captured()?.checked_sub(self.refunded()?)?)?;
        self.allow_room(OperationKind::Refund, REFUNDS_MAX, "refunds: pay the rest back without it")
    }

    fn allow_room(&self, kind: OperationKind, count_max: usize, what: &str) -> Result<()> {
        if self.count(kind) < count_max {
            return Ok(());
        }
        Err(Error::conflict(format_args!("a ledger holds {count_max} {what}")).code("ledger-full"))
    }

    fn is_closed(&self) -> bool {
        self.has(OperationKind::Cancel) || self.has(OperationKind::Delete)
    }

    fn has(&self, kind: OperationKind) -> bool {
        self.count(kind) > 0
    }

    fn count(&self, kind: OperationKind) -> usize {
        self.entries.iter().filter(|entry| entry.kind == kind).count()
    }

    fn sum(&self, kind: OperationKind) -> Result<Money> {
        let amounts = self.entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.amount);
        let mut sum = self.amount.zeroed();
        for amount in amounts {
            sum = sum.checked_add(amount)?;
        }
        Ok(sum)
    }
}

/// One key belongs to one request. Another request under it is a fault of the sender, and answering it with the earlier
/// entry would hide that.
fn replayed(entry: &Entry, request: &Request<'_>) -> Result<Entry> {
    let asks_amount = match request.kind {
        OperationKind::Initiate | OperationKind::Update | OperationKind::Capture | OperationKind::Refund => true,
        // Theirs was read from the ledger, and not asked for.
        OperationKind::Authorize | OperationKind::Cancel | OperationKind::Delete => false,
    };
    let differs = if entry.kind != request.kind {
        "kind of operation"
    } else if asks_amount && entry.amount != request.amount {
        "amount"
    } else if request.reference.is_some_and(|reference| reference != entry.reference) {
        "id"
    } else {
        return Ok(entry.clone());
    };
    Err(Error::invalid_request(format_args!("the idempotency key was used with another {differs}")).code("key-reused"))
}

/// Refuses to move nothing, and to move more than is left.
fn allow_part(what: &str, amount: Money, left: Money) -> Result<()> {
    if amount.is_zero() {
        return Err(Error::invalid_request(format_args!("a {what} of nothing")));
    }
    if amount.exceeds(left)? {
        return Err(Error::conflict(format_args!("{amount} to {what}, {left} left")).code("exceeds"));
    }
    Ok(())
}

fn refuse(code: &str, message: &str) -> Result<()> {
    Err(Error::conflict(message).code(code))
}

/// The status that each kind of operation answers with.
pub(crate) fn status_after(kind: OperationKind) -> Status {
    match kind {
        OperationKind::Initiate | OperationKind::Update => Status::Pending,
        OperationKind::Authorize => Status::Authorized,
        OperationKind::Capture | OperationKind::Refund => Status::Captured,
        OperationKind::Cancel | OperationKind::Delete => Status::Canceled,
    }
}

/// The name of a kind, in `data` and in logs.
pub(crate) fn name(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Initiate => "initiate",
        OperationKind::Update => "update",
        OperationKind::Authorize => "authorize",
        OperationKind::Capture => "capture",
        OperationKind::Refund => "refund",
        OperationKind::Cancel => "cancel",
        OperationKind::Delete => "delete",
    }
}

/// The SDK's kinds have no form in JSON: what is stored must not change with the SDK's version.
mod kind_by_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use tillbox_provider::OperationKind;

    pub(super) fn serialize<S: Serializer>(kind: &OperationKind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(super::name(*kind))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OperationKind, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = OperationKind::ALL.into_iter().find(|kind| super::name(*kind) == text);
        found.ok_or_else(|| D::Error::custom(format_args!("`{text}` is no kind of operation")))
    }
}
