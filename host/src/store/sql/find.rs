//! Queries with conditions. The words are ours, every value is bound, and the number of different texts is bounded: lists of
//! values are filled up to a power of two with their last one, so that databases can keep what they have prepared.

use super::Value;
use crate::store::{Page, Range};

/// A query for a part of a list, and one for the length of the whole.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct Find {
    pub(in crate::store) table: &'static str,
    pub(in crate::store) list: String,
    pub(in crate::store) list_values: Vec<Value>,
    pub(in crate::store) count: String,
    pub(in crate::store) count_values: Vec<Value>,
}

/// Conditions that all have to be met.
#[derive(Debug)]
pub(in crate::store) struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Begins with one of ours.
    pub(in crate::store) fn new(first: &'static str) -> Self {
        Self { text: first.to_owned(), values: Vec::new() }
    }

    /// The column holds one of the values; no values means any.
    pub(in crate::store) fn among<T: Into<Value>>(
        &mut self,
        column: &'static str,
        values: impl IntoIterator<Item = T>,
    ) {
        let mut values: Vec<Value> = values.into_iter().map(Into::into).collect();
        let Some(last) = values.last().cloned() else { return };
        values.resize(values.len().next_power_of_two(), last);
        let places: Vec<String> = values.into_iter().map(|value| self.place(value)).collect();
        self.and(&format!("{column} in ({})", places.join(", ")));
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
        let Self { text, values } = self;
        let (limit, offset) = (values.len() + 1, values.len() + 2);
        let mut list_values = values.clone();
        list_values.extend([i64::from(page.limit.min(Page::LIMIT_MAX)).into(), i64::from(page.offset).into()]);
        Find {
            table,
            list: format!("select {select} from {from} where {text} order by {order} limit ${limit} offset ${offset}"),
            list_values,
            count: format!("select count(*) from {from} where {text}"),
            count_values: values,
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

#[cfg(test)]
mod tests {
    use super::*;

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
