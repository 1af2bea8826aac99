//! Queries with conditions. The words are ours, every value is bound, and the number of different texts is bounded: lists of
//! values are filled up to a power of two with their last one, so that databases can keep what they have prepared. Free
//! conditions come in any shape, so what holds one is prepared for one use and not kept.

use super::Value;
use super::pattern::{glob, like};
use crate::store::{Condition, Operand, Page, Range, Test};

/// Where the two databases have different words for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Dialect {
    Sqlite,
    Postgres,
}

/// A query for a part of a list, and one for the length of the whole.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct Find {
    pub(in crate::store) table: &'static str,
    pub(in crate::store) list: String,
    pub(in crate::store) list_values: Vec<Value>,
    pub(in crate::store) count: String,
    pub(in crate::store) count_values: Vec<Value>,
    /// Whether the texts are few enough in kind to be kept prepared.
    pub(in crate::store) is_kept: bool,
}

/// Conditions that all have to be met.
#[derive(Debug)]
pub(in crate::store) struct Conditions {
    text: String,
    values: Vec<Value>,
    is_kept: bool,
}

impl Conditions {
    /// Begins with one of ours.
    pub(in crate::store) fn new(first: &'static str) -> Self {
        Self { text: first.to_owned(), values: Vec::new(), is_kept: true }
    }

    /// The column holds one of the values; no values means any.
    pub(in crate::store) fn among<T: Into<Value>>(
        &mut self,
        column: &'static str,
        values: impl IntoIterator<Item = T>,
    ) {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        if !values.is_empty() {
            let places = self.places(values);
            self.and(&format!("{column} in ({places})"));
        }
    }

    /// What else is wanted, with the columns of the fields it speaks of.
    pub(in crate::store) fn meets<F: Copy>(
        &mut self,
        condition: &Condition<F>,
        dialect: Dialect,
        column: impl Fn(F) -> &'static str,
    ) {
        if condition.is_none() {
            return;
        }
        self.is_kept = self.is_kept && is_plain(condition);
        let text = self.joined(condition, dialect, &column);
        self.and(&text);
    }

    fn joined<F: Copy>(
        &mut self,
        condition: &Condition<F>,
        dialect: Dialect,
        column: &impl Fn(F) -> &'static str,
    ) -> String {
        let (parts, word, none) = match condition {
            Condition::Is(field, test) => return self.compared(column(*field), test, dialect),
            Condition::All(parts) => (parts, " and ", "1 = 1"),
            Condition::Any(parts) => (parts, " or ", "1 = 0"),
        };
        let parts: Vec<String> = parts.iter().map(|part| self.joined(part, dialect, column)).collect();
        if parts.is_empty() { none.to_owned() } else { format!("({})", parts.join(word)) }
    }

    fn compared(&mut self, column: &'static str, test: &Test, dialect: Dialect) -> String {
        let values = |operands: &[Operand]| operands.iter().map(value).collect::<Vec<_>>();
        match test {
            Test::Among(operands) if operands.is_empty() => "1 = 0".to_owned(),
            Test::NotAmong(operands) if operands.is_empty() => format!("{column} is not null"),
            Test::Among(operands) => format!("{column} in ({})", self.places(values(operands))),
            Test::NotAmong(operands) => format!("{column} not in ({})", self.places(values(operands))),
            Test::Above(operand) => format!("{column} > {}", self.place(value(operand))),
            Test::AtLeast(operand) => format!("{column} >= {}", self.place(value(operand))),
            Test::Below(operand) => format!("{column} < {}", self.place(value(operand))),
            Test::AtMost(operand) => format!("{column} <= {}", self.place(value(operand))),
            Test::Like { pattern, any_case: true } => {
                let place = self.place(like(&pattern.to_ascii_lowercase()).into());
                format!("lower({column}) like {place} escape '!'")
            }
            // The word `like` of SQLite takes no notice of case.
            Test::Like { pattern, any_case: false } => match dialect {
                Dialect::Sqlite => format!("{column} glob {}", self.place(glob(pattern).into())),
                Dialect::Postgres => format!("{column} like {} escape '!'", self.place(like(pattern).into())),
            },
            Test::Empty(true) => format!("{column} is null"),
            Test::Empty(false) => format!("{column} is not null"),
        }
    }

    /// Filled up to a power of two with the last one. There is at least one.
    fn places(&mut self, mut values: Vec<Value>) -> String {
        if let Some(last) = values.last().cloned() {
            values.resize(values.len().next_power_of_two(), last);
        }
        let places: Vec<String> = values.into_iter().map(|value| self.place(value)).collect();
        places.join(", ")
    }

    pub(in crate::store) fn within(&mut self, column: &'static str, range: Range) {
        for (sign, end) in [(">=", range.from), ("<=", range.to)] {
            if let Some(end) = end {
                let place = self.place(end.0.into());
                self.and(&format!("{column} {sign} {place}"));
            }
        }
    }

    /// The column holds something, or nothing.
    pub(in crate::store) fn present(&mut self, column: &'static str, wanted: Option<bool>) {
        match wanted {
            Some(true) => self.and(&format!("{column} is not null")),
            Some(false) => self.and(&format!("{column} is null")),
            None => {}
        }
    }

    /// One of the columns contains the text, whatever the case of ASCII letters. `%` and `_` are letters like any other.
    pub(in crate::store) fn contains(&mut self, columns: &[&'static str], text: Option<&str>) {
        let Some(text) = text else { return };
        let mut pattern = String::from("%");
        for letter in text.to_ascii_lowercase().chars() {
            if matches!(letter, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        let place = self.place(pattern.into());
        let any: Vec<String> =
            columns.iter().map(|column| format!("lower({column}) like {place} escape '!'")).collect();
        self.and(&format!("({})", any.join(" or ")));
    }

    /// The two queries. `id` orders what `by` leaves equal.
    pub(in crate::store) fn find(
        self,
        table: &'static str,
        select: &'static str,
        from: &'static str,
        order: (&'static str, &'static str, bool),
        page: Page,
    ) -> Find {
        let (by, id, descending) = order;
        let direction = if descending { "desc" } else { "asc" };
        let order = if by == id { format!("{id} {direction}") } else { format!("{by} {direction}, {id} {direction}") };
        let Self { text, values, is_kept } = self;
        let (limit, offset) = (values.len() + 1, values.len() + 2);
        let mut list_values = values.clone();
        list_values.extend([i64::from(page.limit.min(Page::LIMIT_MAX)).into(), i64::from(page.offset).into()]);
        Find {
            table,
            list: format!("select {select} from {from} where {text} order by {order} limit ${limit} offset ${offset}"),
            list_values,
            count: format!("select count(*) from {from} where {text}"),
            count_values: values,
            is_kept,
        }
    }

    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn and(&mut self, condition: &str) {
        self.text.push_str(" and ");
        self.text.push_str(condition);
    }
}

/// Comparisons with single values and lists, all of which are met: as few kinds of text as fixed filters make.
fn is_plain<F>(condition: &Condition<F>) -> bool {
    let simple = |part: &Condition<F>| matches!(part, Condition::Is(_, Test::Among(_) | Test::Empty(_)));
    match condition {
        Condition::All(parts) => parts.iter().all(simple),
        Condition::Any(_) => false,
        Condition::Is(..) => simple(condition),
    }
}

fn value(operand: &Operand) -> Value {
    match operand {
        Operand::Text(text) => text.as_str().into(),
        Operand::Number(number) => (*number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_joined_and_every_value_is_bound() {
        let text = |text: &str| Operand::Text(text.to_owned());
        let is = |field: char, test: Test| Condition::Is(field, test);
        let condition = Condition::All(vec![
            is('a', Test::Among(vec![text("1' or '1"), text("2"), text("3")])),
            Condition::Any(vec![
                is('b', Test::Above(Operand::Number(7))),
                Condition::All(vec![is('b', Test::Empty(true)), Condition::Any(Vec::new())]),
            ]),
            is('a', Test::Like { pattern: "50\\%_%".to_owned(), any_case: false }),
            is('a', Test::Like { pattern: "X!".to_owned(), any_case: true }),
            is('a', Test::NotAmong(Vec::new())),
        ]);
        for (dialect, word, pattern) in
            [(Dialect::Sqlite, "glob $6", "50%?*"), (Dialect::Postgres, "like $6 escape '!'", "50!%_%")]
        {
            let mut conditions = Conditions::new("x is null");
            conditions.meets(&condition, dialect, |field| if field == 'a' { "a" } else { "b" });
            let find = conditions.find("t", "id", "t", ("id", "id", true), Page { offset: 0, limit: 1 });
            let text = format!(
                "select count(*) from t where x is null and (a in ($1, $2, $3, $4) and (b > $5 or (b is null and 1 = 0)) \
                 and a {word} and lower(a) like $7 escape '!' and a is not null)"
            );
            assert_eq!(find.count, text);
            assert_eq!(find.count_values[5..], [pattern.into(), "x!!".into()]);
            assert!(!find.is_kept);
        }
        let mut plain = Conditions::new("x is null");
        plain.meets(&Condition::All(vec![is('a', Test::Among(vec![text("1")]))]), Dialect::Sqlite, |_| "a");
        let mut none = Conditions::new("x is null");
        none.meets(&Condition::<char>::default(), Dialect::Sqlite, |_| "a");
        for (conditions, text) in [(plain, "x is null and (a in ($1))"), (none, "x is null")] {
            let find = conditions.find("t", "id", "t", ("id", "id", true), Page { offset: 0, limit: 1 });
            assert_eq!((find.count, find.is_kept), (format!("select count(*) from t where {text}"), true));
        }
    }

    #[test]
    fn values_are_bound_and_never_written_into_the_text() {
        let mut conditions = Conditions::new("a is null");
        conditions.among("b", ["x'; drop table payment; --", "y", "z"]);
        conditions.among("c", Vec::<&str>::new());
        conditions.contains(&["d", "e"], Some("50%_Off!"));
        conditions.present("f", Some(true));
        let find = conditions.find("t", "id", "t", ("b", "id", true), Page { offset: 7, limit: 9_999 });
        let text = "from t where a is null and b in ($1, $2, $3, $4) and \
                    (lower(d) like $5 escape '!' or lower(e) like $5 escape '!') and f is not null";
        assert_eq!(find.list, format!("select id {text} order by b desc, id desc limit $6 offset $7"));
        assert_eq!(find.count, format!("select count(*) {text}"));
        assert_eq!(find.count_values.len(), 5);
        assert_eq!(find.count_values[4], Value::from("%50!%!_off!!%"));
        assert_eq!(find.list_values[5..], [Value::Int(i64::from(Page::LIMIT_MAX)), Value::Int(7)]);
    }
}
