//! Filters of a list: fields with values, lists of values or operators, joined by `$and` and `$or`.
//!
//! Each list declares its fields in a table. What is not in it is left over and refused by whoever reads the query.

use tillbox_core::Timestamp;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use super::super::fields::Invalid;
use super::super::kind::{Count, Kind, Known};
use super::Query;
use super::nest::{Node, shown};
use crate::service::{FILTER_VALUES_MAX, SEARCH_BYTES_MAX};
use crate::store::{Condition, Operand, Test};

/// A field of a list.
#[derive(Debug)]
pub(in crate::http::wire) struct Filter<F> {
    pub(in crate::http::wire) name: &'static str,
    pub(in crate::http::wire) field: F,
    pub(in crate::http::wire) holds: Holds,
}

/// What a field holds.
#[derive(Debug)]
pub(in crate::http::wire) enum Holds {
    /// Ids, names, codes: what they are, and how one is read as it is kept.
    Text(Kind, fn(&str) -> Option<String>),
    /// A time, and its name with the operators that most ask for.
    Time(&'static [&'static str]),
    /// Asked for as `true` and `false`: whether it holds anything.
    Anything,
}

pub(in crate::http::wire) const CREATED_AT: &[&str] =
    &["created_at[$gte]", "created_at[$gt]", "created_at[$lte]", "created_at[$lt]"];

pub(in crate::http::wire) const UPDATED_AT: &[&str] =
    &["updated_at[$gte]", "updated_at[$gt]", "updated_at[$lte]", "updated_at[$lt]"];

/// Operators, as errors list them.
const OPERATORS: &str = "$eq, $ne, $in, $nin, $gt, $gte, $lt, $lte, $like, $ilike";

impl Query {
    /// What the fields of the table are wanted to be, `$and` and `$or` included.
    pub(in crate::http::wire) fn condition<F: Copy>(&mut self, filters: &[Filter<F>]) -> Result<Condition<F>, Invalid> {
        let mut parts = Vec::new();
        for filter in filters {
            self.note(filter);
            if let Some(node) = self.found(filter.name) {
                parts.push(filter.read(filter.name, node)?);
            }
        }
        for word in ["$and", "$or"] {
            if let Some(node) = self.found(word) {
                parts.push(joined(filters, word, word, node)?);
            }
        }
        Ok(Condition::All(parts))
    }

    /// For the document. What is joined by `$and` and `$or` it has no words for.
    fn note<F>(&mut self, filter: &Filter<F>) {
        let key = filter.name;
        match filter.holds {
            Holds::Text(kind, _) => {
                self.known.push(Known { key, kind, count: Count::Commas(FILTER_VALUES_MAX), required: false });
            }
            Holds::Time(keys) => self.note_times(keys),
            Holds::Anything => self.known.push(Known { key, kind: Kind::Truth, count: Count::One, required: false }),
        }
    }
}

/// `$and` and `$or`: a list of objects with fields of the table.
fn joined<F: Copy>(filters: &[Filter<F>], word: &str, path: &str, node: Node) -> Result<Condition<F>, Invalid> {
    let Node::List(items) = node else {
        return Err(Invalid::field(shown(path), format!("must be a list of filters, such as {word}[0][id]=…")));
    };
    let mut parts = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Node::Map(members) = item else {
            return Err(Invalid::field(shown(&path), "must hold filters by name"));
        };
        let mut met = Vec::with_capacity(members.len());
        for (name, node) in members {
            let path = format!("{path}[{name}]");
            met.push(match filters.iter().find(|filter| filter.name == name) {
                Some(filter) => filter.read(&path, node)?,
                None if name == "$and" || name == "$or" => joined(filters, &name, &path, node)?,
                None => {
                    let known: Vec<&str> = filters.iter().map(|filter| filter.name).chain(["$and", "$or"]).collect();
                    let message = format!("is not a filter of this route; known are: {}", known.join(", "));
                    return Err(Invalid::field(shown(&path), message));
                }
            });
        }
        parts.push(Condition::All(met));
    }
    Ok(if word == "$or" { Condition::Any(parts) } else { Condition::All(parts) })
}

impl<F: Copy> Filter<F> {
    fn read(&self, path: &str, node: Node) -> Result<Condition<F>, Invalid> {
        let is = |test: Test| Condition::Is(self.field, test);
        match node {
            Node::Map(operators) if !matches!(self.holds, Holds::Anything) => {
                let tests = operators.into_iter().map(|(operator, node)| {
                    let path = format!("{path}[{operator}]");
                    self.operated(&path, &operator, node).map(is)
                });
                Ok(Condition::All(tests.collect::<Result<_, _>>()?))
            }
            Node::Map(_) => Err(Invalid::field(shown(path), "must be true or false; it takes no operators")),
            Node::Text(text) if matches!(self.holds, Holds::Anything) => match text.as_str() {
                "true" => Ok(is(Test::Empty(false))),
                "false" => Ok(is(Test::Empty(true))),
                _ => Err(Invalid::field(shown(path), "must be true or false")),
            },
            Node::List(_) if matches!(self.holds, Holds::Anything) => {
                Err(Invalid::field(shown(path), "must be true or false, once"))
            }
            Node::Text(_) | Node::List(_) => Ok(is(Test::Among(self.values(path, node)?))),
        }
    }

    fn operated(&self, path: &str, operator: &str, node: Node) -> Result<Test, Invalid> {
        let like = |node: Node, any_case: bool| match (&self.holds, node) {
            (Holds::Text(..), Node::Text(pattern)) if (1..=SEARCH_BYTES_MAX).contains(&pattern.len()) => {
                Ok(Test::Like { pattern, any_case })
            }
            (Holds::Text(..), _) => {
                Err(Invalid::field(shown(path), format!("must be one pattern of 1 to {SEARCH_BYTES_MAX} bytes")))
            }
            (Holds::Time(_) | Holds::Anything, _) => {
                Err(Invalid::field(shown(path), "is for texts; this field holds none"))
            }
        };
        match operator {
            "$eq" => Ok(Test::Among(vec![self.one(path, node)?])),
            "$ne" => Ok(Test::NotAmong(vec![self.one(path, node)?])),
            "$in" => Ok(Test::Among(self.values(path, node)?)),
            "$nin" => Ok(Test::NotAmong(self.values(path, node)?)),
            "$gt" => Ok(Test::Above(self.one(path, node)?)),
            "$gte" => Ok(Test::AtLeast(self.one(path, node)?)),
            "$lt" => Ok(Test::Below(self.one(path, node)?)),
            "$lte" => Ok(Test::AtMost(self.one(path, node)?)),
            "$like" => like(node, false),
            "$ilike" => like(node, true),
            _ => Err(Invalid::field(shown(path), format!("is not an operator of this route; known are: {OPERATORS}"))),
        }
    }

    fn one(&self, path: &str, node: Node) -> Result<Operand, Invalid> {
        match node {
            Node::Text(text) => self.operand(path, &text),
            Node::List(_) | Node::Map(_) => Err(Invalid::field(shown(path), "must be one value")),
        }
    }

    /// A list of values, or a text with commas between them.
    fn values(&self, path: &str, node: Node) -> Result<Vec<Operand>, Invalid> {
        let texts = node.texts().ok_or_else(|| Invalid::field(shown(path), "must be a list of values"))?;
        if texts.len() > FILTER_VALUES_MAX {
            let message = format!("{} values, at most {FILTER_VALUES_MAX} are allowed", texts.len());
            return Err(Invalid::field(shown(path), message));
        }
        texts.iter().map(|text| self.operand(path, text)).collect()
    }

    fn operand(&self, path: &str, text: &str) -> Result<Operand, Invalid> {
        match self.holds {
            Holds::Text(kind, read) => read(text).map(Operand::Text).ok_or_else(|| {
                Invalid::field(shown(path), format!("must be one or several {}, with commas", kind.says()))
            }),
            Holds::Time(_) => moment(text).map(|at| Operand::Number(at.0)).ok_or_else(|| not_a_time(path)),
            Holds::Anything => Err(Invalid::field(shown(path), "must be true or false")),
        }
    }
}

/// A time of RFC 3339, or a date, which stands for its beginning in UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let date = || {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        (digits(year, 4) && digits(month, 2) && digits(day, 2)).then_some(())?;
        let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
        Some(PrimitiveDateTime::new(date, time::Time::MIDNIGHT).assume_utc())
    };
    let at = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(date)?;
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Timestamp)
}

pub(super) fn not_a_time(path: &str) -> Invalid {
    Invalid::field(shown(path), "must be a time of RFC 3339, such as 2030-01-31T09:30:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERS: &[Filter<char>] = &[
        Filter {
            name: "id",
            field: 'i',
            holds: Holds::Text(Kind::Id("x"), |text| text.starts_with("x").then(|| text.to_owned())),
        },
        Filter { name: "created_at", field: 'c', holds: Holds::Time(CREATED_AT) },
        Filter { name: "captured", field: 'd', holds: Holds::Anything },
    ];

    fn condition(pairs: &[(&str, &str)]) -> Result<Condition<char>, Invalid> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut query = Query { left: super::super::nest::read(pairs)?, known: Vec::new(), describes: false };
        let condition = query.condition(FILTERS)?;
        query.end()?;
        Ok(condition)
    }

    fn texts(texts: &[&str]) -> Vec<Operand> {
        texts.iter().map(|text| Operand::Text((*text).to_owned())).collect()
    }

    #[test]
    fn values_lists_and_operators_are_read() {
        let ids = Condition::Is('i', Test::Among(texts(&["xa", "xb"])));
        for pairs in [&[("id", "xa,xb")][..], &[("id[]", "xa"), ("id[]", "xb")], &[("id[0]", "xa"), ("id[1]", "xb")]] {
            assert_eq!(condition(pairs).unwrap(), Condition::All(vec![ids.clone()]), "{pairs:?}");
        }
        let at = |milliseconds: i64| Operand::Number(milliseconds);
        let pairs = [
            ("created_at[$gte]", "1970-01-01T00:00:01Z"),
            ("created_at[$lt]", "1970-01-02"),
            ("id[$nin][0]", "xa"),
            ("id[$ilike]", "%X%"),
            ("captured", "false"),
        ];
        let wanted = Condition::All(vec![
            Condition::All(vec![
                Condition::Is('i', Test::Like { pattern: "%X%".into(), any_case: true }),
                Condition::Is('i', Test::NotAmong(texts(&["xa"]))),
            ]),
            Condition::All(vec![
                Condition::Is('c', Test::AtLeast(at(1_000))),
                Condition::Is('c', Test::Below(at(86_400_000))),
            ]),
            Condition::Is('d', Test::Empty(true)),
        ]);
        assert_eq!(condition(&pairs).unwrap(), wanted);
    }

    #[test]
    fn conditions_are_joined() {
        let pairs = [("$or[0][id]", "xa"), ("$or[1][$and][0][id][$ne]", "xb"), ("$or[1][$and][1][captured]", "true")];
        let inner = Condition::All(vec![
            Condition::All(vec![Condition::All(vec![Condition::Is('i', Test::NotAmong(texts(&["xb"])))])]),
            Condition::All(vec![Condition::Is('d', Test::Empty(false))]),
        ]);
        let wanted = Condition::Any(vec![
            Condition::All(vec![Condition::Is('i', Test::Among(texts(&["xa"])))]),
            Condition::All(vec![inner]),
        ]);
        assert_eq!(condition(&pairs).unwrap(), Condition::All(vec![wanted]));
    }

    #[test]
    fn what_is_wrong_is_named_where_it_stands() {
        let long = "%".repeat(SEARCH_BYTES_MAX + 1);
        for (key, value, field) in [
            ("id", "y", "id"),
            ("id[]", "y", "id"),
            ("id", "", "id"),
            ("id[$re]", "x", "id[$re]"),
            ("id[$gt][]", "x", "id[$gt]"),
            ("id[$in][x]", "x", "id[$in]"),
            ("id[0][x]", "x", "id"),
            ("id[$like]", &long, "id[$like]"),
            ("created_at", "soon", "created_at"),
            ("created_at[$gte]", "2030-1-1", "created_at[$gte]"),
            ("created_at[$like]", "2030%", "created_at[$like]"),
            ("captured", "maybe", "captured"),
            ("captured[$eq]", "true", "captured"),
            ("captured[]", "true", "captured"),
            ("$or", "x", "$or"),
            ("$or[id]", "xa", "$or"),
            ("$or[0]", "xa", "$or[0]"),
            ("$or[0][colour]", "red", "$or[0][colour]"),
            ("$and[0][$or][0][id]", "y", "$and[0][$or][0][id]"),
            ("colour", "red", "colour"),
            ("colour[$eq]", "red", "colour"),
        ] {
            let invalid = condition(&[(key, value)]).unwrap_err();
            assert_eq!(invalid.field.as_deref(), Some(field), "{key}={value}: {}", invalid.message);
        }
        let many = vec!["x"; FILTER_VALUES_MAX].join(",");
        assert!(condition(&[("id", &many)]).is_ok());
        assert!(condition(&[("id", &format!("{many},x"))]).unwrap_err().message.contains("101 values"));
    }
}
