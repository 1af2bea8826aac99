//! The query of a URL, taken key by key like a body. A filter that is not known is refused: ignoring it would answer a
//! question nobody asked.

use tillbox_core::Timestamp;
use tillbox_core::operation::OperationState;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fields::Invalid;
use crate::http::limits::{ECHO_CHARS_MAX, EVENTS_LIMIT_DEFAULT, LIST_LIMIT_DEFAULT};
use crate::service::EVENTS_MAX;
use crate::store::{By, DispatchState, Order, Page, Range, Wanted};

/// Pairs that nobody has taken yet.
#[derive(Debug)]
pub(in crate::http) struct Query {
    left: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Query {
    pub(in crate::http) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { left: pairs, known: Vec::new() }
    }

    /// `limit` and `offset`.
    pub(in crate::http) fn page(&mut self) -> Result<Page, Invalid> {
        let limit = self.number("limit", 1, Page::LIMIT_MAX, LIST_LIMIT_DEFAULT)?;
        Ok(Page { limit, offset: self.number("offset", 0, u32::MAX, 0)? })
    }

    /// `after` and `limit` of events.
    pub(in crate::http) fn events(&mut self) -> Result<(i64, u32), Invalid> {
        let after = self.number("after", 0, i64::MAX, 0)?;
        Ok((after, self.number("limit", 1, EVENTS_MAX, EVENTS_LIMIT_DEFAULT)?))
    }

    /// `order`: `id`, `created_at`, `updated_at` or `amount`, with `-` in front for the greatest first.
    fn order(&mut self) -> Result<Order, Invalid> {
        let Some(text) = self.take("order")? else { return Ok(Order::default()) };
        let (name, descending) = text.strip_prefix('-').map_or((text.as_str(), false), |name| (name, true));
        let by = match name {
            "id" => By::Id,
            "created_at" => By::CreatedAt,
            "updated_at" => By::UpdatedAt,
            "amount" => By::Amount,
            _ => {
                let what = "must be id, created_at, updated_at or amount, with `-` in front for the greatest first";
                return Err(Invalid::field("order", what));
            }
        };
        Ok(Order { by, descending })
    }

    /// What of a list is wanted: its filter, `order`, `limit` and `offset`.
    pub(in crate::http) fn wanted<F>(&mut self, filter: F) -> Result<Wanted<F>, Invalid> {
        Ok(Wanted { filter, order: self.order()?, page: self.page()? })
    }

    /// Ids or names with commas between them; none means any.
    pub(in crate::http) fn among<T>(
        &mut self,
        key: &'static str,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Invalid> {
        let Some(text) = self.take(key)? else { return Ok(Vec::new()) };
        let wrong = || Invalid::field(key, format!("must be one or several {what}, with commas"));
        text.split(',').map(|part| parse(part).ok_or_else(wrong)).collect()
    }

    /// `true` or `false`.
    pub(in crate::http) fn truth(&mut self, key: &'static str) -> Result<Option<bool>, Invalid> {
        match self.take(key)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Invalid::field(key, "must be true or false")),
        }
    }

    /// `q`: a text that is searched for.
    pub(in crate::http) fn text(&mut self, key: &'static str) -> Result<Option<String>, Invalid> {
        self.take(key)
    }

    /// `created_at[$gte]` and its like.
    pub(in crate::http) fn created(&mut self) -> Result<Range, Invalid> {
        self.range(["created_at[$gte]", "created_at[$gt]", "created_at[$lte]", "created_at[$lt]"])
    }

    /// `updated_at[$gte]` and its like.
    pub(in crate::http) fn updated(&mut self) -> Result<Range, Invalid> {
        self.range(["updated_at[$gte]", "updated_at[$gt]", "updated_at[$lte]", "updated_at[$lt]"])
    }

    /// Times are whole milliseconds, so what is after one is not before the next.
    fn range(&mut self, keys: [&'static str; 4]) -> Result<Range, Invalid> {
        let [from, after, to, before] = keys;
        let (from, after, to, before) = (self.time(from)?, self.time(after)?, self.time(to)?, self.time(before)?);
        let after = after.map(|at| Timestamp(at.0.saturating_add(1)));
        let before = before.map(|at| Timestamp(at.0.saturating_sub(1)));
        let latest = [from, after].into_iter().flatten().max();
        let earliest = [to, before].into_iter().flatten().min();
        Ok(Range { from: latest, to: earliest })
    }

    fn time(&mut self, key: &'static str) -> Result<Option<Timestamp>, Invalid> {
        let Some(text) = self.take(key)? else { return Ok(None) };
        let parsed = OffsetDateTime::parse(&text, &Rfc3339).ok();
        let at = parsed.and_then(|at| i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok());
        let wrong = || Invalid::field(key, "must be a time of RFC 3339, such as 2030-01-31T09:30:00Z");
        at.map(|at| Some(Timestamp(at))).ok_or_else(wrong)
    }

    /// `state`: names of operation states with commas between them; none means all.
    pub(in crate::http) fn states(&mut self) -> Result<Vec<OperationState>, Invalid> {
        let Some(text) = self.take("state")? else { return Ok(Vec::new()) };
        let unknown = || {
            let names: Vec<&str> = OperationState::ALL.iter().map(|state| state.as_str()).collect();
            Invalid::field("state", format!("must be one or several of {}, with commas", names.join(", ")))
        };
        text.split(',').map(|name| OperationState::parse(name).ok_or_else(unknown)).collect()
    }

    /// `state` of what is on its way: `open` or `failed`; none means both.
    pub(in crate::http) fn dispatch_state(&mut self) -> Result<Option<DispatchState>, Invalid> {
        let Some(text) = self.take("state")? else { return Ok(None) };
        let unknown = || Invalid::field("state", "must be open or failed");
        DispatchState::parse(&text).map(Some).ok_or_else(unknown)
    }

    /// Refuses what nobody has taken.
    pub(in crate::http) fn end(self) -> Result<(), Invalid> {
        let Some((key, _)) = self.left.first() else { return Ok(()) };
        let shown: String = key.chars().take(ECHO_CHARS_MAX).collect();
        let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
        Err(Invalid::field(shown, format!("is not a query parameter of this route; known are: {known}")))
    }

    fn number<T>(&mut self, key: &'static str, min: T, max: T, otherwise: T) -> Result<T, Invalid>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.take(key)? else { return Ok(otherwise) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten().filter(|number| *number >= min && *number <= max);
        number.ok_or_else(|| Invalid::field(key, format!("must be a whole number from {min} to {max}")))
    }

    fn take(&mut self, key: &'static str) -> Result<Option<String>, Invalid> {
        self.known.push(key);
        let Some(at) = self.left.iter().position(|(name, _)| name == key) else { return Ok(None) };
        let (_, value) = self.left.remove(at);
        if self.left.iter().any(|(name, _)| name == key) {
            return Err(Invalid::field(key, "stands twice in the query"));
        }
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query::new(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_page_is_bounded() {
        let page = |pairs: &[(&str, &str)]| query(pairs).page();
        assert_eq!(page(&[]).unwrap(), Page { offset: 0, limit: LIST_LIMIT_DEFAULT });
        assert_eq!(page(&[("limit", "200"), ("offset", "7")]).unwrap(), Page { offset: 7, limit: 200 });
        for (key, value) in [("limit", "0"), ("limit", "201"), ("limit", ""), ("limit", "1.0"), ("offset", "-1")] {
            assert_eq!(page(&[(key, value)]).unwrap_err().field.as_deref(), Some(key), "{value}");
        }
        assert!(page(&[("limit", "1"), ("limit", "2")]).unwrap_err().message.contains("twice"));
    }

    #[test]
    fn spans_orders_and_lists_are_read() {
        let mut asked = query(&[
            ("created_at[$gte]", "1970-01-01T00:00:01Z"),
            ("created_at[$gt]", "1970-01-01T01:00:02+01:00"),
            ("created_at[$lt]", "1970-01-01T00:00:09Z"),
            ("order", "-amount"),
            ("id", "a,b"),
            ("captured", "false"),
        ]);
        assert_eq!(asked.created().unwrap(), Range { from: Some(Timestamp(2_001)), to: Some(Timestamp(8_999)) });
        assert_eq!(asked.among("id", "ids", |id| Some(id.to_owned())).unwrap(), ["a", "b"]);
        assert_eq!(asked.truth("captured").unwrap(), Some(false));
        assert_eq!(asked.wanted(()).unwrap().order, Order { by: By::Amount, descending: true });
        asked.end().unwrap();
        for (key, value) in [("order", "price"), ("order", ""), ("created_at[$lte]", "yesterday"), ("captured", "yes")]
        {
            let mut asked = query(&[(key, value)]);
            let wrong = [asked.created().err(), asked.truth("captured").err(), asked.wanted(()).err()];
            assert!(wrong.iter().flatten().any(|wrong| wrong.field.as_deref() == Some(key)), "{key}={value}");
        }
    }

    #[test]
    fn states_are_names_and_strangers_are_named() {
        let states = |text: &str| query(&[("state", text)]).states();
        assert_eq!(states("unknown,needs_review").unwrap(), [OperationState::Unknown, OperationState::NeedsReview]);
        assert!(query(&[]).states().unwrap().is_empty());
        for text in ["", "unknown,", "done", "Unknown"] {
            assert!(states(text).unwrap_err().message.contains("needs_review"), "{text}");
        }
        let mut strange = query(&[("q", "x")]);
        strange.page().unwrap();
        assert_eq!(
            strange.end().unwrap_err().message,
            "q: is not a query parameter of this route; known are: limit, offset"
        );
    }
}
