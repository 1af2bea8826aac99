//! Conditions on the rows of a list: comparisons of fields, joined by "and" and "or".
//!
//! It knows neither columns nor queries: each list says which fields it has, and the databases what they are called.

use std::cmp::Ordering;

use super::sql::pattern::{Piece, pieces};

/// Which rows are wanted. The default is met by every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition<F> {
    /// All of them are met.
    All(Vec<Self>),
    /// One of them is met; where there is none, no row is wanted.
    Any(Vec<Self>),
    /// The field compares so.
    Is(F, Test),
}

/// How a field compares. What holds nothing meets no comparison but [`Test::Empty`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is one of these.
    Among(Vec<Operand>),
    /// It is none of these.
    NotAmong(Vec<Operand>),
    /// It is greater.
    Above(Operand),
    /// It is greater or the same.
    AtLeast(Operand),
    /// It is less.
    Below(Operand),
    /// It is less or the same.
    AtMost(Operand),
    /// It is like the pattern of SQL: `%` stands for any text, `_` for one character, and `\` takes either for itself.
    Like {
        /// The pattern.
        pattern: String,
        /// Whether ASCII letters are the same in either case.
        any_case: bool,
    },
    /// It holds nothing, or something.
    Empty(bool),
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// An id, a name, a text.
    Text(String),
    /// A time in milliseconds since 1970, or an amount in minor units.
    Number(i64),
}

impl<F> Default for Condition<F> {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl<F> Condition<F> {
    /// Whether every row meets it.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Comparisons in it, and values they are made with.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(Self::size).fold((0, 0), |(tests, values), part| (tests + part.0, values + part.1))
            }
            Self::Is(_, Test::Among(values) | Test::NotAmong(values)) => (1, values.len()),
            Self::Is(..) => (1, 1),
        }
    }
}

impl<F: Copy> Condition<F> {
    /// Whether what is not in a database meets it. `value` tells what a field holds.
    pub fn is_met(&self, value: &impl Fn(F) -> Option<Operand>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.is_met(value)),
            Self::Any(parts) => parts.iter().any(|part| part.is_met(value)),
            Self::Is(field, test) => test.is_met(value(*field).as_ref()),
        }
    }
}

impl Test {
    fn is_met(&self, value: Option<&Operand>) -> bool {
        let compared = |operand: &Operand, is: fn(Ordering) -> bool| match (value, operand) {
            (Some(Operand::Text(value)), Operand::Text(operand)) => is(value.cmp(operand)),
            (Some(Operand::Number(value)), Operand::Number(operand)) => is(value.cmp(operand)),
            (Some(Operand::Text(_) | Operand::Number(_)) | None, _) => false,
        };
        match self {
            Self::Among(operands) => operands.iter().any(|operand| value == Some(operand)),
            Self::NotAmong(operands) => value.is_some() && operands.iter().all(|operand| value != Some(operand)),
            Self::Above(operand) => compared(operand, Ordering::is_gt),
            Self::AtLeast(operand) => compared(operand, Ordering::is_ge),
            Self::Below(operand) => compared(operand, Ordering::is_lt),
            Self::AtMost(operand) => compared(operand, Ordering::is_le),
            Self::Like { pattern, any_case } => match value {
                Some(Operand::Text(text)) if *any_case => {
                    is_like(&text.to_ascii_lowercase(), &pattern.to_ascii_lowercase())
                }
                Some(Operand::Text(text)) => is_like(text, pattern),
                Some(Operand::Number(_)) | None => false,
            },
            Self::Empty(wanted) => value.is_none() == *wanted,
        }
    }
}

/// Whether a text is like a pattern. A `%` that was met is gone back to at most once for each letter behind it, so a hostile
/// pattern costs no more than its length times that of the text.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<Piece>) = (text.chars().collect(), pieces(pattern));
    let (mut at, mut piece, mut back) = (0, 0, None);
    while at < text.len() {
        match pattern.get(piece) {
            Some(Piece::Any) => {
                back = Some((at, piece));
                piece += 1;
            }
            Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
            Some(Piece::Letter(letter)) if *letter == text[at] => (at, piece) = (at + 1, piece + 1),
            Some(Piece::Letter(_)) | None => {
                let Some((from, any)) = back else { return false };
                back = Some((from + 1, any));
                (at, piece) = (from + 1, any + 1);
            }
        }
    }
    pattern[piece..].iter().all(|piece| *piece == Piece::Any)
}

/// What payments are filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentField {
    /// Its own id.
    Id,
    /// Its collection's id.
    Collection,
    /// Its session's id.
    Session,
    /// Its provider's id.
    Provider,
    /// Its currency: an ISO 4217 code, upper case.
    Currency,
    /// When it was captured in full.
    CapturedAt,
    /// When it was voided.
    CanceledAt,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// When its collection was deleted.
    DeletedAt,
}

/// What collections are filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectionField {
    /// Its own id.
    Id,
    /// Its cart's id.
    Cart,
    /// Its order's id.
    Order,
    /// Its status.
    Status,
    /// Its currency: an ISO 4217 code, upper case.
    Currency,
    /// When its amount was captured in full.
    CompletedAt,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// When it was deleted.
    DeletedAt,
}

/// What sessions are filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionField {
    /// Its own id.
    Id,
    /// Its collection's id.
    Collection,
    /// Its provider's id.
    Provider,
    /// Its status.
    Status,
    /// Its currency: an ISO 4217 code, upper case.
    Currency,
    /// When it was authorized.
    AuthorizedAt,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
}

/// What reasons for refunds are filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonField {
    /// Its own id.
    Id,
    /// Its code.
    Code,
    /// Its label.
    Label,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// When it was deleted.
    DeletedAt,
}

/// What captures and refunds are filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementField {
    /// Its own id.
    Id,
    /// Its payment's id.
    Payment,
    /// The id of the reason it was given for.
    Reason,
    /// Who asked for it.
    CreatedBy,
    /// When it was made.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_like_its_pattern() {
        for (text, pattern, wanted) in [
            ("pp_manual_default", "pp\\_%", true),
            ("pp_manual_default", "%manual%", true),
            ("pp_manual_default", "%Manual%", false),
            ("abcab", "%ab", true),
            ("abcabd", "%ab", false),
            ("aé", "a_", true),
            ("a", "a_", false),
            ("", "%%", true),
            ("50%", "50\\%", true),
            ("500", "50\\%", false),
            (&"a".repeat(200), &"%a".repeat(100), true),
            (&"a".repeat(200), &format!("{}b", "%a".repeat(100)), false),
        ] {
            assert_eq!(is_like(text, pattern), wanted, "{text} {pattern}");
        }
    }

    #[test]
    fn what_holds_nothing_meets_no_comparison() {
        let text = |text: &str| Operand::Text(text.to_owned());
        let met = |test: Test, value: Option<Operand>| Condition::Is((), test).is_met(&|()| value.clone());
        assert!(met(Test::Among(vec![text("a"), text("b")]), Some(text("b"))));
        assert!(met(Test::NotAmong(vec![text("a")]), Some(text("b"))));
        assert!(!met(Test::NotAmong(vec![text("a")]), None));
        assert!(met(Test::Above(text("a")), Some(text("b"))) && !met(Test::Above(text("a")), Some(text("a"))));
        assert!(met(Test::AtLeast(text("a")), Some(text("a"))) && met(Test::AtMost(text("a")), Some(text("a"))));
        assert!(met(Test::Below(text("b")), Some(text("a"))) && !met(Test::Below(text("b")), None));
        assert!(met(Test::Empty(true), None) && !met(Test::Empty(false), None));
        let any = Condition::Any(vec![Condition::Is((), Test::Empty(true)), Condition::default()]);
        assert!(any.is_met(&|()| Some(text("x"))));
        assert!(!Condition::<()>::Any(Vec::new()).is_met(&|()| None));
    }
}
