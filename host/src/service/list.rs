//! What all lists share: bounds on filters, and reading what was found with its collection. And notes, which everything in a
//! collection can carry.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tillbox_core::command::{Command, Subject};
use tillbox_core::id::CollectionId;
use tillbox_core::state::Collection;
use tillbox_core::text::Json;

use super::idempotency::Guard;
use super::{Error, Host};
use crate::store::{Condition, Key, Listed};

/// Values of one filter: a screenful of ids many times over, and still one short statement.
pub const FILTER_VALUES_MAX: usize = 100;

/// Comparisons of one filter: more than any back office offers, and still one statement.
pub const FILTER_TESTS_MAX: usize = 100;

/// Values of all comparisons of one filter together: databases number them, and the smallest limit is thirty times this.
pub const FILTER_OPERANDS_MAX: usize = 1_000;

/// Bytes of a text that is searched for: longer than any id or label.
pub const SEARCH_BYTES_MAX: usize = 255;

/// Refuses a filter of too many values.
pub(super) fn few<T>(field: &str, values: &[T]) -> Result<(), Error> {
    match values.len() {
        0..=FILTER_VALUES_MAX => Ok(()),
        more => Err(Error::invalid(field, format!("{more} values, at most {FILTER_VALUES_MAX} are allowed"))),
    }
}

/// Refuses a condition of too many comparisons, or with too many values.
pub(super) fn bounded<F>(condition: &Condition<F>) -> Result<(), Error> {
    let (tests, values) = condition.size();
    if tests > FILTER_TESTS_MAX || values > FILTER_OPERANDS_MAX {
        let allowed = format!("at most {FILTER_TESTS_MAX} with {FILTER_OPERANDS_MAX} are allowed");
        return Err(Error::invalid("filter", format!("{tests} comparisons with {values} values, {allowed}")));
    }
    Ok(())
}

/// Refuses a text that is too long to be searched for, and one that every row would fit.
pub(super) fn short(text: Option<&str>) -> Result<(), Error> {
    match text.map(str::len) {
        None | Some(1..=SEARCH_BYTES_MAX) => Ok(()),
        Some(bytes) => Err(Error::invalid("q", format!("{bytes} bytes, 1 to {SEARCH_BYTES_MAX} are allowed"))),
    }
}

impl Host {
    /// What was found, read with its collection, each collection once. What is gone meanwhile is left out.
    pub(super) async fn parts<I, T>(
        &self,
        listed: Listed<(CollectionId, I)>,
        view: impl Fn(&Collection, &I) -> Option<T>,
    ) -> Result<Listed<T>, Error> {
        let mut loaded = BTreeMap::new();
        let mut items = Vec::with_capacity(listed.items.len());
        for (collection, id) in &listed.items {
            let collection = match loaded.entry(collection.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => match self.inner.store.load(Key::Collection(collection.clone())).await? {
                    Some(stored) => place.insert(stored.collection),
                    None => continue,
                },
            };
            items.extend(view(collection, id));
        }
        Ok(Listed { items, count: listed.count })
    }

    /// Replaces somebody's notes.
    pub(super) async fn annotate(&self, subject: Subject, metadata: Json, guard: &Guard) -> Result<Collection, Error> {
        let key = match &subject {
            Subject::Session(id) => Key::Session(id.clone()),
            Subject::Payment(id) => Key::Payment(id.clone()),
            Subject::Capture(id) => Key::Capture(id.clone()),
            Subject::Refund(id) => Key::Refund(id.clone()),
        };
        let command = Command::Annotate { subject, metadata };
        Ok(self.once(guard, self.change_as(&key, |_| Ok(command.clone()), guard)).await?.collection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Operand, Test};

    #[test]
    fn filters_have_bounds() {
        assert!(few("id", &[(); FILTER_VALUES_MAX]).is_ok());
        assert!(few("id", &[(); FILTER_VALUES_MAX + 1]).unwrap_err().to_string().starts_with("id: 101 values"));
        let test = |values: usize| Condition::Is((), Test::Among(vec![Operand::Number(1); values]));
        let tests = |count: usize, values: usize| Condition::Any(vec![test(values); count]);
        let most = FILTER_OPERANDS_MAX / FILTER_TESTS_MAX;
        assert!(bounded(&tests(FILTER_TESTS_MAX, most)).is_ok());
        assert!(
            bounded(&tests(FILTER_TESTS_MAX + 1, 1)).unwrap_err().to_string().starts_with("filter: 101 comparisons")
        );
        assert!(bounded(&tests(FILTER_TESTS_MAX, most + 1)).is_err());
        assert!(short(Some(&"x".repeat(SEARCH_BYTES_MAX))).is_ok() && short(None).is_ok());
        assert!(short(Some(&"x".repeat(SEARCH_BYTES_MAX + 1))).is_err() && short(Some("")).is_err());
    }
}
