//! The query of a URL, taken key by key like a body. A filter that is not known is refused: ignoring it would answer a
//! question nobody asked.

use std::ops::RangeInclusive;

use tillbox_core::Timestamp;
use tillbox_core::id::IdError;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::fields::Invalid;
use super::kind::{Count, EVENT_KIND, Kind, Known, Names};
use crate::currency::lookup;
use crate::http::limits::{ECHO_CHARS_MAX, EVENTS_LIMIT_DEFAULT, LIST_LIMIT_DEFAULT};
use crate::service::{EVENTS_MAX, FIELD_BYTES_MAX, FILTER_KIND_BYTES_MAX, FILTER_VALUES_MAX};
use crate::store::{By, Order, Page, Range, Wanted};

/// A text without commas: several of them stand in one value.
const NO_COMMA: &str = "^[^,]*$";

/// What a query is read into.
pub(in crate::http) trait QueryInput: Sized {
    /// Takes the keys it knows.
    fn read(query: &mut Query) -> Result<Self, Invalid>;
}

/// Pairs that nobody has taken yet.
#[derive(Debug)]
pub(in crate::http) struct Query {
    left: Vec<(String, String)>,
    known: Vec<Known>,
}

impl Query {
    /// Reads all pairs into `T`, and refuses what `T` does not know.
    pub(in crate::http) fn read<T: QueryInput>(pairs: Vec<(String, String)>) -> Result<T, Invalid> {
        let mut query = Self { left: pairs, known: Vec::new() };
        let value = T::read(&mut query)?;
        query.end()?;
        Ok(value)
    }

    /// The keys that are read into `T`. Every one of them may be left out, so reading nothing reads them all.
    pub(in crate::http) fn describe<T: QueryInput>() -> Vec<Known> {
        let mut query = Self { left: Vec::new(), known: Vec::new() };
        let read = T::read(&mut query).map(drop);
        debug_assert!(read.is_ok(), "every key of a query may be left out: {read:?}");
        query.known
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

    /// A place among the events.
    pub(in crate::http) fn sequence(&mut self, key: &'static str) -> Result<Option<i64>, Invalid> {
        let kind = Kind::Whole { least: 0, most: i64::MAX as u64, otherwise: 0 };
        let Some(text) = self.one(key, kind)? else { return Ok(None) };
        sequence(&text)
            .map(Some)
            .ok_or_else(|| Invalid::field(key, format!("must be a whole number up to {}", i64::MAX)))
    }

    /// Kinds of events, or their beginnings (`payment.*`), with commas between them; none means any.
    pub(in crate::http) fn event_kinds(&mut self, key: &'static str) -> Result<Vec<String>, Invalid> {
        let kind = Kind::Like { pattern: EVENT_KIND, least: 1, most: FILTER_KIND_BYTES_MAX };
        let fits = |text: &str| {
            let name = text.strip_suffix(".*").unwrap_or(text);
            let word =
                |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            (text.len() <= FILTER_KIND_BYTES_MAX && name.split('.').all(word)).then(|| text.to_owned())
        };
        self.among(key, kind, "kinds of events, such as payment.captured or payment.*", fits)
    }

    /// `order`: `id`, `created_at`, `updated_at` or `amount`, with `-` in front for the greatest first.
    fn order(&mut self) -> Result<Order, Invalid> {
        let Some(text) = self.one("order", Kind::Word(orders))? else { return Ok(Order::default()) };
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

    /// Ids of a kind with commas between them; none means any.
    pub(in crate::http) fn ids<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, IdError>,
    ) -> Result<Vec<T>, Invalid> {
        let prefix = parse("").err().map_or("", |error| error.prefix);
        self.among(key, Kind::Id(prefix), &format!("ids, which begin with `{prefix}_`"), |text| parse(text).ok())
    }

    /// Names with commas between them; none means any.
    pub(in crate::http) fn names<T: Names>(&mut self, key: &'static str) -> Result<Vec<T>, Invalid> {
        self.among(key, Kind::Word(T::all), &format!("of {}", T::all().join(", ")), T::parse)
    }

    /// Currencies with commas between them, as the store writes them; none means any.
    pub(in crate::http) fn currencies(&mut self, key: &'static str) -> Result<Vec<String>, Invalid> {
        let known = |code: &str| lookup(code).ok().map(|currency| currency.code().to_owned());
        self.among(key, Kind::Currency, "ISO 4217 codes", known)
    }

    /// Texts with commas between them; none means any.
    pub(in crate::http) fn texts(&mut self, key: &'static str) -> Result<Vec<String>, Invalid> {
        let kind = Kind::Like { pattern: NO_COMMA, least: 0, most: FIELD_BYTES_MAX };
        let short = |text: &str| (text.len() <= FIELD_BYTES_MAX).then(|| text.to_owned());
        self.among(key, kind, &format!("texts of at most {FIELD_BYTES_MAX} bytes"), short)
    }

    fn among<T>(
        &mut self,
        key: &'static str,
        kind: Kind,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Invalid> {
        let count = Count::Commas(FILTER_VALUES_MAX);
        let Some(text) = self.take(Known { key, kind, count, required: false })? else { return Ok(Vec::new()) };
        let values = text.split(',').count();
        if values > FILTER_VALUES_MAX {
            return Err(Invalid::field(key, format!("{values} values, at most {FILTER_VALUES_MAX} are allowed")));
        }
        let wrong = || Invalid::field(key, format!("must be one or several {what}, with commas"));
        text.split(',').map(|part| parse(part).ok_or_else(wrong)).collect()
    }

    /// One name.
    pub(in crate::http) fn name<T: Names>(&mut self, key: &'static str) -> Result<Option<T>, Invalid> {
        let Some(text) = self.one(key, Kind::Word(T::all))? else { return Ok(None) };
        let unknown = || Invalid::field(key, format!("must be one of {}", T::all().join(", ")));
        T::parse(&text).map(Some).ok_or_else(unknown)
    }

    /// `true` or `false`.
    pub(in crate::http) fn truth(&mut self, key: &'static str) -> Result<Option<bool>, Invalid> {
        match self.one(key, Kind::Truth)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Invalid::field(key, "must be true or false")),
        }
    }

    /// A text of so many bytes.
    pub(in crate::http) fn text(
        &mut self,
        key: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Result<Option<String>, Invalid> {
        let (least, most) = (*bytes.start(), *bytes.end());
        let Some(text) = self.one(key, Kind::Text { least, most })? else { return Ok(None) };
        if bytes.contains(&text.len()) {
            return Ok(Some(text));
        }
        Err(Invalid::field(key, format!("{} bytes, {least} to {most} are allowed", text.len())))
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
        let Some(text) = self.one(key, Kind::Time)? else { return Ok(None) };
        let parsed = OffsetDateTime::parse(&text, &Rfc3339).ok();
        let at = parsed.and_then(|at| i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok());
        let wrong = || Invalid::field(key, "must be a time of RFC 3339, such as 2030-01-31T09:30:00Z");
        at.map(|at| Some(Timestamp(at))).ok_or_else(wrong)
    }

    /// Refuses what nobody has taken.
    fn end(self) -> Result<(), Invalid> {
        let Some((key, _)) = self.left.first() else { return Ok(()) };
        let shown: String = key.chars().take(ECHO_CHARS_MAX).collect();
        let known: Vec<&str> = self.known.iter().map(|known| known.key).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Invalid::field(shown, format!("is not a query parameter of this route; known are: {known}")))
    }

    fn number<T>(&mut self, key: &'static str, min: T, max: T, otherwise: T) -> Result<T, Invalid>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy + TryInto<u64>,
    {
        let whole = |number: T| number.try_into().unwrap_or(u64::MAX);
        let kind = Kind::Whole { least: whole(min), most: whole(max), otherwise: whole(otherwise) };
        let Some(text) = self.one(key, kind)? else { return Ok(otherwise) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten().filter(|number| *number >= min && *number <= max);
        number.ok_or_else(|| Invalid::field(key, format!("must be a whole number from {min} to {max}")))
    }

    fn one(&mut self, key: &'static str, kind: Kind) -> Result<Option<String>, Invalid> {
        self.take(Known { key, kind, count: Count::One, required: false })
    }

    fn take(&mut self, known: Known) -> Result<Option<String>, Invalid> {
        self.known.push(known);
        let Some(at) = self.left.iter().position(|(name, _)| name == known.key) else { return Ok(None) };
        let (_, value) = self.left.remove(at);
        if self.left.iter().any(|(name, _)| name == known.key) {
            return Err(Invalid::field(known.key, "stands twice in the query"));
        }
        Ok(Some(value))
    }
}

/// Digits alone.
pub(in crate::http) fn sequence(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What `order` may be.
fn orders() -> Vec<&'static str> {
    vec!["id", "-id", "created_at", "-created_at", "updated_at", "-updated_at", "amount", "-amount"]
}

#[cfg(test)]
mod tests {
    use tillbox_core::operation::OperationState;

    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        let left = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Query { left, known: Vec::new() }
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
        assert_eq!(asked.texts("id").unwrap(), ["a", "b"]);
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
    fn filters_have_bounds() {
        let many = vec!["a"; FILTER_VALUES_MAX].join(",");
        assert_eq!(query(&[("code", &many)]).texts("code").unwrap().len(), FILTER_VALUES_MAX);
        let refused = query(&[("code", &format!("{many},a"))]).texts("code").unwrap_err();
        assert_eq!(refused.message, "code: 101 values, at most 100 are allowed");
        let text = |text: &str| query(&[("q", text)]).text("q", 1..=3);
        assert_eq!(text("abc").unwrap().as_deref(), Some("abc"));
        assert!(text("").is_err() && text("abcd").is_err());
        let codes = |text: &str| query(&[("currency_code", text)]).currencies("currency_code");
        assert_eq!(codes("eur,USD").unwrap(), ["EUR", "USD"]);
        assert!(codes("eur,nix").is_err());
    }

    #[test]
    fn states_are_names_and_strangers_are_named() {
        let states = |text: &str| query(&[("state", text)]).names::<OperationState>("state");
        assert_eq!(states("unknown,needs_review").unwrap(), [OperationState::Unknown, OperationState::NeedsReview]);
        assert!(query(&[]).names::<OperationState>("state").unwrap().is_empty());
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
