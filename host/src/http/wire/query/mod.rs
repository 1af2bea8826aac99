//! The query of a URL, taken key by key like a body. A filter that is not known is refused: ignoring it would answer a
//! question nobody asked.

mod filter;
mod nest;

use std::ops::RangeInclusive;

use tillbox_core::Timestamp;
use tillbox_core::id::IdError;

use super::fields::Invalid;
use super::kind::{Count, EVENT_KIND, Kind, Known, Names};
use super::select::{Choosable, Chosen};
use crate::http::limits::{EVENTS_LIMIT_DEFAULT, FIELDS_MAX, LIST_LIMIT_DEFAULT};
use crate::service::{EVENTS_MAX, FIELD_BYTES_MAX, FILTER_KIND_BYTES_MAX, FILTER_VALUES_MAX};
use crate::store::{By, Order, Page, Range, Wanted};
use filter::{moment, not_a_time};
use nest::{Node, shown};

pub(super) use filter::{CREATED_AT, Filter, Holds, UPDATED_AT};

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
    left: Vec<(String, Node)>,
    known: Vec<Known>,
    /// Nothing was sent: what is required is made up, and only the keys count.
    describes: bool,
}

/// What a list can be ordered by, in the words of the query.
type Orders = fn() -> Vec<(&'static str, By)>;

impl Query {
    /// Reads all pairs into `T`, and refuses what `T` does not know.
    pub(in crate::http) fn read<T: QueryInput>(pairs: Vec<(String, String)>) -> Result<T, Invalid> {
        let mut query = Self { left: nest::read(pairs)?, known: Vec::new(), describes: false };
        let value = T::read(&mut query)?;
        query.end()?;
        Ok(value)
    }

    /// The keys that are read into `T`.
    pub(in crate::http) fn describe<T: QueryInput>() -> Vec<Known> {
        let mut query = Self { left: Vec::new(), known: Vec::new(), describes: true };
        let read = T::read(&mut query).map(drop);
        debug_assert!(read.is_ok(), "a `QueryInput` takes its keys and decides nothing: {read:?}");
        query.known
    }

    /// `limit` and `offset`.
    pub(in crate::http) fn page(&mut self) -> Result<Page, Invalid> {
        self.page_of(LIST_LIMIT_DEFAULT)
    }

    /// The same with another limit where none is said.
    pub(super) fn page_of(&mut self, otherwise: u32) -> Result<Page, Invalid> {
        let limit = self.number("limit", 1, Page::LIMIT_MAX, otherwise)?;
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

    /// `order`: one of the names, with `-` in front for the greatest first. `words` are those names, as the document lists
    /// them.
    pub(super) fn order(&mut self, orders: Orders, words: fn() -> Vec<&'static str>) -> Result<Order, Invalid> {
        Ok(self.said_order(orders, words)?.unwrap_or_default())
    }

    /// The same, where it is said.
    pub(super) fn said_order(
        &mut self,
        orders: Orders,
        words: fn() -> Vec<&'static str>,
    ) -> Result<Option<Order>, Invalid> {
        let Some(text) = self.one("order", Kind::Word(words))? else { return Ok(None) };
        let (name, descending) = text.strip_prefix('-').map_or((text.as_str(), false), |name| (name, true));
        let by = orders().into_iter().find(|(known, _)| *known == name).map(|(_, by)| by);
        let by = by.ok_or_else(|| {
            let known: Vec<&str> = orders().into_iter().map(|(name, _)| name).collect();
            let known = known.join(", ");
            Invalid::field("order", format!("must be one of {known}, with `-` in front for the greatest first"))
        })?;
        Ok(Some(Order { by, descending }))
    }

    /// What of a list is wanted: its filter, `order`, `limit` and `offset`.
    pub(in crate::http) fn wanted<F>(&mut self, filter: F) -> Result<Wanted<F>, Invalid> {
        Ok(Wanted { filter, order: self.order(orders, order_words)?, page: self.page()? })
    }

    /// `fields`: what of the answer is wanted.
    pub(in crate::http) fn fields<E: Choosable>(&mut self) -> Result<Chosen, Invalid> {
        let (kind, count) = (Kind::Word(words::<E>), Count::Commas(FIELDS_MAX));
        let asked = self.text_of(Known { key: "fields", kind, count, required: false })?;
        Chosen::read::<E>(asked.as_deref())
    }

    /// `with_deleted`: whether what was deleted is wanted too.
    pub(super) fn with_deleted(&mut self) -> Result<bool, Invalid> {
        Ok(self.truth("with_deleted")?.unwrap_or(false))
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
        let wrong = || Invalid::field(key, format!("must be one or several {what}, with commas"));
        let texts: Vec<String> = match self.take(Known { key, kind, count, required: false }) {
            None => return Ok(Vec::new()),
            Some(node) => node.texts().ok_or_else(wrong)?,
        };
        let values = texts.len();
        if values > FILTER_VALUES_MAX {
            return Err(Invalid::field(key, format!("{values} values, at most {FILTER_VALUES_MAX} are allowed")));
        }
        texts.iter().map(|part| parse(part).ok_or_else(wrong)).collect()
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

    /// The same, which must be there.
    pub(super) fn required_text(&mut self, key: &'static str, bytes: RangeInclusive<usize>) -> Result<String, Invalid> {
        let text = self.text(key, bytes)?;
        if let Some(known) = self.known.last_mut() {
            known.required = true;
        }
        match text {
            Some(text) => Ok(text),
            None if self.describes => Ok(String::new()),
            None => Err(Invalid::field(key, "is missing")),
        }
    }

    /// `created_at[$gte]` and its like.
    pub(in crate::http) fn created(&mut self) -> Result<Range, Invalid> {
        self.range("created_at", filter::CREATED_AT)
    }

    /// `updated_at[$gte]` and its like.
    pub(in crate::http) fn updated(&mut self) -> Result<Range, Invalid> {
        self.range("updated_at", filter::UPDATED_AT)
    }

    /// Times are whole milliseconds, so what is after one is not before the next.
    fn range(&mut self, key: &'static str, keys: &[&'static str]) -> Result<Range, Invalid> {
        self.note_times(keys);
        let ends = match self.found(key) {
            None => return Ok(Range::default()),
            Some(Node::Map(ends)) => ends,
            Some(Node::Text(_) | Node::List(_)) => {
                return Err(Invalid::field(key, "takes $gte, $gt, $lte and $lt in brackets"));
            }
        };
        let mut range = Range::default();
        for (end, node) in ends {
            let path = format!("{key}[{end}]");
            let Node::Text(text) = node else { return Err(not_a_time(&path)) };
            let at = moment(&text).ok_or_else(|| not_a_time(&path))?;
            let later = |at: Timestamp| range.from.map_or(at, |from| from.max(at));
            let earlier = |at: Timestamp| range.to.map_or(at, |to| to.min(at));
            match end.as_str() {
                "$gte" => range.from = Some(later(at)),
                "$gt" => range.from = Some(later(Timestamp(at.0.saturating_add(1)))),
                "$lte" => range.to = Some(earlier(at)),
                "$lt" => range.to = Some(earlier(Timestamp(at.0.saturating_sub(1)))),
                _ => return Err(Invalid::field(shown(&path), "is none of $gte, $gt, $lte and $lt")),
            }
        }
        Ok(range)
    }

    /// A time is taken with operators behind its name; the document lists those that most ask for.
    fn note_times(&mut self, keys: &[&'static str]) {
        let known = |key: &&'static str| Known { key, kind: Kind::Time, count: Count::One, required: false };
        self.known.extend(keys.iter().map(known));
    }

    /// Refuses what nobody has taken.
    fn end(self) -> Result<(), Invalid> {
        let Some((key, _)) = self.left.first() else { return Ok(()) };
        let known: Vec<&str> = self.known.iter().map(|known| known.key).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Invalid::field(shown(key), format!("is not a query parameter of this route; known are: {known}")))
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
        self.text_of(Known { key, kind, count: Count::One, required: false })
    }

    fn text_of(&mut self, known: Known) -> Result<Option<String>, Invalid> {
        let key = known.key;
        match self.take(known) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(Node::List(_)) => Err(Invalid::field(key, "stands twice in the query")),
            Some(Node::Map(_)) => Err(Invalid::field(key, "is one value; it takes no names in brackets")),
        }
    }

    fn take(&mut self, known: Known) -> Option<Node> {
        self.known.push(known);
        self.found(known.key)
    }

    fn found(&mut self, key: &str) -> Option<Node> {
        let at = self.left.iter().position(|(name, _)| name == key)?;
        Some(self.left.remove(at).1)
    }
}

/// Digits alone.
pub(in crate::http) fn sequence(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What `fields` may name, as the document lists it: signs before names and parts of parts it has no words for.
fn words<E: Choosable>() -> Vec<&'static str> {
    E::SHAPE.words()
}

/// What most lists can be ordered by.
fn orders() -> Vec<(&'static str, By)> {
    vec![("id", By::Id), ("created_at", By::CreatedAt), ("updated_at", By::UpdatedAt), ("amount", By::Amount)]
}

/// The same as the document lists it.
fn order_words() -> Vec<&'static str> {
    vec!["id", "-id", "created_at", "-created_at", "updated_at", "-updated_at", "amount", "-amount"]
}

#[cfg(test)]
mod tests {
    use tillbox_core::operation::OperationState;

    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Query { left: nest::read(pairs).unwrap(), known: Vec::new(), describes: false }
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
        for (key, value) in [
            ("order", "price"),
            ("order", ""),
            ("created_at[$lte]", "yesterday"),
            ("created_at[$ne]", "2030-01-01"),
            ("captured", "yes"),
        ] {
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
