//! Reasons for refunds: the merchant's own list, with a label for people and a code for programs.

use serde_json::{Value, json};
use tillbox_core::id::RefundReasonId;
use tillbox_core::operation::GivenReason;

use super::idempotency::{Guard, Plain, object_of};
use super::input::{NOTE_BYTES_MAX, optional_object, text};
use super::list::{bounded, few, short};
use super::{Error, Host};
use crate::clock::new_tail;
use crate::store::{Listed, RefundReason, RefundReasonFilter, SideChange, Wanted};

/// Bytes of a label: one line in any back office.
pub const LABEL_BYTES_MAX: usize = 255;

/// Bytes of a code: providers are told it, and the strictest gateways take a hundred and some.
pub const CODE_BYTES_MAX: usize = 100;

/// Reasons that one request may make or delete. A shop has a dozen.
pub const REASONS_AT_ONCE_MAX: usize = 100;

const ENTITY: &str = "RefundReason";

/// The reasons every new database begins with, those of the reference module.
const SEEDS: [(&str, &str); 3] = [
    ("Shipping Issue", "shipping_issue"),
    ("Customer Care Adjustment", "customer_care_adjustment"),
    ("Pricing Error", "pricing_error"),
];

/// A reason to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRefundReason {
    /// For people, at most [`LABEL_BYTES_MAX`] bytes.
    pub label: String,
    /// For programs and providers, at most [`CODE_BYTES_MAX`] bytes; absent: the label in snake case.
    pub code: Option<String>,
    /// More for people, at most [`NOTE_BYTES_MAX`] bytes.
    pub description: Option<String>,
    /// Your own notes: a JSON object.
    pub metadata: Option<String>,
}

/// A reason to be changed. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefundReasonUpdate {
    /// The new label.
    pub label: Option<String>,
    /// The new code. Refunds that were made keep the code they were made with.
    pub code: Option<String>,
    /// The new description; an empty one takes it away.
    pub description: Option<String>,
    /// New notes, replacing the old: a JSON object.
    pub metadata: Option<String>,
}

impl Host {
    /// Makes a reason.
    ///
    /// # Errors
    /// As [`Host::create_refund_reasons`].
    pub async fn create_refund_reason(&self, new: NewRefundReason) -> Result<RefundReason, Error> {
        let guard = self.guard("create_refund_reason", "", |print| {
            let print = print.text("label", Some(&new.label)).text("code", new.code.as_deref());
            print.text("description", new.description.as_deref()).json("metadata", new.metadata.as_deref())
        });
        let mut made = self.once_plain(&guard, self.make_reasons(vec![new], &guard)).await?;
        Ok(made.pop().expect("one for one"))
    }

    /// Makes reasons, all or none.
    ///
    /// # Errors
    /// [`Error::Invalid`]; [`Error::Duplicate`] when another reason has the code; [`Error::Store`].
    pub async fn create_refund_reasons(&self, new: Vec<NewRefundReason>) -> Result<Vec<RefundReason>, Error> {
        at_once(new.len())?;
        let guard = self.guard("create_refund_reasons", "", |print| {
            let told = |new: &NewRefundReason| {
                let metadata = object_of(new.metadata.as_deref());
                json!({ "label": new.label, "code": new.code, "description": new.description, "metadata": metadata })
            };
            print.json("refund_reasons", Some(&new.iter().map(told).collect::<Value>().to_string()))
        });
        self.once_plain(&guard, self.make_reasons(new, &guard)).await
    }

    async fn make_reasons(&self, new: Vec<NewRefundReason>, guard: &Guard) -> Result<Vec<RefundReason>, Error> {
        let made: Vec<RefundReason> = new.into_iter().map(|new| self.new_reason(new)).collect::<Result<_, _>>()?;
        self.keep(&made, guard, &made).await?;
        Ok(made)
    }

    /// A reason that was not deleted.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn refund_reason(&self, id: &RefundReasonId) -> Result<RefundReason, Error> {
        let found = self.inner.store.refund_reasons(vec![id.clone()]).await?.pop();
        found.filter(|reason| reason.deleted_at.is_none()).ok_or_else(|| not_found(id))
    }

    /// Reasons, deleted ones too: for what old refunds name.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn refund_reasons_ever(&self, ids: &[RefundReasonId]) -> Result<Vec<RefundReason>, Error> {
        few("id", ids)?;
        Ok(self.inner.store.refund_reasons(ids.to_vec()).await?)
    }

    /// Reasons.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Store`].
    pub async fn refund_reasons(
        &self,
        wanted: impl Into<Wanted<RefundReasonFilter>>,
    ) -> Result<Listed<RefundReason>, Error> {
        let wanted = wanted.into();
        few("id", &wanted.filter.ids)?;
        few("code", &wanted.filter.codes)?;
        bounded(&wanted.filter.condition)?;
        short(wanted.filter.text.as_deref())?;
        Ok(self.inner.store.find_refund_reasons(wanted).await?)
    }

    /// Changes a reason.
    ///
    /// # Errors
    /// As [`Host::create_refund_reasons`], and [`Error::NotFound`].
    pub async fn update_refund_reason(
        &self,
        id: &RefundReasonId,
        update: RefundReasonUpdate,
    ) -> Result<RefundReason, Error> {
        let guard = self.guard("update_refund_reason", id.as_str(), |print| {
            let print = print.text("label", update.label.as_deref()).text("code", update.code.as_deref());
            print.text("description", update.description.as_deref()).json("metadata", update.metadata.as_deref())
        });
        let mut changed = self.once_plain(&guard, self.change_reason(id, update, &guard)).await?;
        Ok(changed.pop().expect("one for one"))
    }

    async fn change_reason(
        &self,
        id: &RefundReasonId,
        update: RefundReasonUpdate,
        guard: &Guard,
    ) -> Result<Vec<RefundReason>, Error> {
        let mut reason = self.refund_reason(id).await?;
        if let Some(label) = update.label {
            reason.label = line("label", label, LABEL_BYTES_MAX)?;
        }
        if let Some(code) = update.code {
            reason.code = line("code", code, CODE_BYTES_MAX)?;
        }
        if let Some(description) = text("description", update.description, NOTE_BYTES_MAX)? {
            reason.description = Some(description).filter(|description| !description.is_empty());
        }
        if let Some(metadata) = optional_object("metadata", update.metadata.as_deref())? {
            reason.metadata = Some(metadata);
        }
        reason.updated_at = self.now();
        let changed = vec![reason];
        self.keep(&changed, guard, &changed).await?;
        Ok(changed)
    }

    /// Deletes reasons, all or none. They stay readable where they were given, and their codes are free again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn delete_refund_reasons(&self, ids: &[RefundReasonId]) -> Result<(), Error> {
        at_once(ids.len())?;
        let named = ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ");
        let guard = self.guard("delete_refund_reasons", &named, |print| print);
        let work = async {
            let mut reasons = Vec::with_capacity(ids.len());
            for id in ids {
                let now = self.now();
                reasons.push(RefundReason { updated_at: now, deleted_at: Some(now), ..self.refund_reason(id).await? });
            }
            self.keep(&reasons, &guard, &()).await
        };
        self.once_plain(&guard, work).await
    }

    /// The reason as a refund keeps it.
    pub(super) async fn given_reason(&self, id: Option<&RefundReasonId>) -> Result<Option<GivenReason>, Error> {
        let Some(id) = id else { return Ok(None) };
        let reason = self.refund_reason(id).await?;
        Ok(Some(GivenReason { id: reason.id, code: reason.code, label: Some(reason.label) }))
    }

    /// Gives a new database its first reasons.
    pub(super) async fn seed(&self) -> Result<(), Error> {
        let seed = |(label, code): (&str, &str)| {
            self.new_reason(NewRefundReason {
                label: label.to_owned(),
                code: Some(code.to_owned()),
                ..NewRefundReason::default()
            })
        };
        let seeds = SEEDS.into_iter().map(seed).collect::<Result<_, _>>()?;
        Ok(self.inner.store.seed_refund_reasons(seeds).await?)
    }

    fn new_reason(&self, new: NewRefundReason) -> Result<RefundReason, Error> {
        let label = line("label", new.label, LABEL_BYTES_MAX)?;
        let code = new.code.unwrap_or_else(|| snake_case(&label));
        let now = self.now();
        Ok(RefundReason {
            id: RefundReasonId::from_tail(&new_tail()),
            code: line("code", code, CODE_BYTES_MAX)?,
            label,
            description: text("description", new.description, NOTE_BYTES_MAX)?.filter(|text| !text.is_empty()),
            metadata: optional_object("metadata", new.metadata.as_deref())?,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        })
    }

    /// Writes reasons, and says what stood in the way: one that is gone, or a code that is taken.
    async fn keep<T: Plain>(&self, reasons: &[RefundReason], guard: &Guard, answer: &T) -> Result<(), Error> {
        if self.write_side(SideChange::KeepReasons(reasons.to_vec()), guard, answer).await? {
            return Ok(());
        }
        let ids = reasons.iter().map(|reason| reason.id.clone()).collect();
        let present = self.inner.store.refund_reasons(ids).await?;
        if let Some(gone) = present.iter().find(|reason| reason.deleted_at.is_some()) {
            return Err(not_found(&gone.id));
        }
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        Err(Error::Duplicate { entity: ENTITY, field: "code", value: codes.join(", ") })
    }
}

fn not_found(id: &RefundReasonId) -> Error {
    Error::NotFound { entity: ENTITY, id: id.to_string() }
}

fn at_once(count: usize) -> Result<(), Error> {
    match count {
        0..=REASONS_AT_ONCE_MAX => Ok(()),
        more => {
            let what = format!("{more} at once, at most {REASONS_AT_ONCE_MAX} are allowed");
            Err(Error::invalid("refund_reasons", what))
        }
    }
}

/// A text of one line that says something.
fn line(field: &str, value: String, bytes_max: usize) -> Result<String, Error> {
    if value.trim().is_empty() {
        return Err(Error::invalid(field, "is empty; give a text that says something"));
    }
    if value.chars().any(char::is_control) {
        return Err(Error::invalid(field, "holds a control character; give one line of text"));
    }
    Ok(text(field, Some(value), bytes_max)?.expect("given above"))
}

/// `Customer Care Adjustment` becomes `customer_care_adjustment`.
fn snake_case(label: &str) -> String {
    let words = label.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_codes() {
        for (label, code) in SEEDS {
            assert_eq!(snake_case(label), code);
        }
        assert_eq!(snake_case("  Größe -- falsch (2)"), "größe_falsch_2");
        assert_eq!(snake_case("!?"), "");
    }

    #[test]
    fn a_line_says_something_and_is_one_line() {
        for (text, right) in [("a", true), (" ", false), ("", false), ("a\nb", false), (&*"x".repeat(101), false)] {
            assert_eq!(line("code", text.to_owned(), CODE_BYTES_MAX).is_ok(), right, "{text}");
        }
    }
}
