//! The query of a URL, taken key by key like a body. A filter that is not known is refused: ignoring it would answer a
//! question nobody asked.

use tillbox_core::operation::OperationState;

use super::fields::Invalid;
use crate::http::limits::{ECHO_CHARS_MAX, EVENTS_LIMIT_DEFAULT, LIST_LIMIT_DEFAULT};
use crate::service::EVENTS_MAX;
use crate::store::Page;

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

    /// `state`: names of operation states with commas between them; none means all.
    pub(in crate::http) fn states(&mut self) -> Result<Vec<OperationState>, Invalid> {
        let Some(text) = self.take("state")? else { return Ok(Vec::new()) };
        let unknown = || {
            let names: Vec<&str> = OperationState::ALL.iter().map(|state| state.as_str()).collect();
            Invalid::field("state", format!("must be one or several of {}, with commas", names.join(", ")))
        };
        text.split(',').map(|name| OperationState::parse(name).ok_or_else(unknown)).collect()
    }

    /// `region_id`: every provider serves every region, so any one is right.
    pub(in crate::http) fn region(&mut self) -> Result<(), Invalid> {
        self.take("region_id").map(drop)
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
