//! Which tables there are, in the order in which rows may refer to each other, and what identifies their rows.

use sha2::{Digest as _, Sha256};

use super::{Row, StoreError, Value};

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its key: rows are read in this order.
    pub(super) key: &'static [&'static str],
    /// Columns that mean something in one database only, and are made anew in another.
    pub(super) local: &'static [&'static str],
}

/// All of them. A database with a table that is not here is not moved: it would be left behind in silence.
pub(super) const TABLES: &[Table] = &[
    table("collection", &["id"]),
    table("session", &["id"]),
    table("payment", &["id"]),
    table("operation", &["id"]),
    Table { local: &["ordinal"], ..table("outbox", &["sequence"]) },
    table("delivery", &["id"]),
    table("cart_collection", &["cart_id"]),
    table("evidence", &["provider_id", "event_id"]),
    table("refund_reason", &["id"]),
    table("provider", &["id"]),
    table("region_payment_provider", &["region_id", "provider_id"]),
    table("component", &["digest", "part"]),
    table("provider_version", &["provider_id", "number"]),
    table("account_holder", &["id"]),
    table("subscriber", &["id"]),
    table("dispatch", &["id"]),
    table("idempotency", &["caller", "key"]),
    table("api_key", &["id"]),
    table("collection_access", &["collection_id"]),
    table("audit", &["id"]),
    table("exchange", &["operation_id", "lease_token", "sequence"]),
    table("meta", &["name"]),
];

const fn table(name: &'static str, key: &'static [&'static str]) -> Table {
    Table { name, key, local: &[] }
}

impl Table {
    pub(super) fn count(&self) -> String {
        format!("select count(*) from {}", self.name)
    }

    /// The query of a batch; its values are the last key, unless it is the first batch, and the number of rows.
    pub(super) fn select(&self, columns: &[String], further: bool) -> String {
        let (columns, key) = (columns.join(", "), self.key.join(", "));
        let name = self.name;
        let places: Vec<String> = (1..=self.key.len()).map(|place| format!("${place}")).collect();
        if further {
            let limit = self.key.len() + 1;
            format!(
                "select {columns} from {name} where ({key}) > ({}) order by {key} limit ${limit}",
                places.join(", ")
            )
        } else {
            format!("select {columns} from {name} order by {key} limit $1")
        }
    }
}

/// Refuses to move a database with tables that this program does not know how to move, or without some that it does.
pub(super) fn check_known(found: &[String]) -> Result<(), StoreError> {
    let unknown = found.iter().find(|name| TABLES.iter().all(|table| table.name != **name));
    let missing = TABLES.iter().map(|table| table.name).find(|name| !found.iter().any(|found| found == name));
    match (unknown.map(String::as_str), missing) {
        (None, None) => Ok(()),
        (Some(name), _) => Err(StoreError::Foreign(format!("table {name} is not known and would be left behind"))),
        (None, Some(name)) => Err(StoreError::Foreign(format!("table {name} is missing"))),
    }
}

/// What a table comes to: equal only when every value of every row is.
#[derive(Debug)]
pub(super) struct Digest {
    pub(super) rows: u64,
    pub(super) amount_minor: i128,
    amount: Option<usize>,
    hash: Sha256,
}

impl Digest {
    pub(super) fn new(columns: &[String]) -> Self {
        let amount = columns.iter().position(|column| column == "amount_minor");
        Self { rows: 0, amount_minor: 0, amount, hash: Sha256::new() }
    }

    pub(super) fn add(&mut self, row: &Row) {
        self.rows += 1;
        if let Some(Value::Int(amount)) = self.amount.and_then(|index| row.values.get(index)) {
            self.amount_minor += i128::from(*amount);
        }
        for value in &row.values {
            match value {
                Value::Null => self.part(b'n', &[]),
                Value::Int(value) => self.part(b'i', &value.to_be_bytes()),
                Value::Text(text) => self.part(b't', text.as_bytes()),
                Value::Bytes(bytes) => self.part(b'b', bytes),
            }
        }
    }

    /// Kind and length first, so that no two rows come to the same bytes.
    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.hash.update([kind]);
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value]]) -> ([u8; 32], i128) {
        let mut digest = Digest::new(&["amount_minor".to_owned(), "id".to_owned()]);
        for values in rows {
            digest.add(&Row { table: "payment", values: values.to_vec() });
        }
        let amount = digest.amount_minor;
        (digest.finish(), amount)
    }

    #[test]
    fn any_difference_shows() {
        let rows: [&[Value]; 6] = [
            &[Value::Int(1), Value::Text("ab".into())],
            &[Value::Int(1), Value::Text("a".into())],
            &[Value::Int(2), Value::Text("ab".into())],
            &[Value::Int(1), Value::Bytes(b"ab".to_vec())],
            &[Value::Int(1), Value::Null],
            &[Value::Text("1".into()), Value::Text("ab".into())],
        ];
        for (index, row) in rows.iter().enumerate() {
            for (other, others) in rows.iter().enumerate() {
                assert_eq!(digest(&[row]) == digest(&[others]), index == other, "{row:?} {others:?}");
            }
        }
        assert_eq!(digest(&[rows[0], rows[2]]).1, 3);
        assert_ne!(digest(&[rows[0], rows[2]]).0, digest(&[rows[2], rows[0]]).0);
    }

    #[test]
    fn a_table_that_nobody_moves_is_found() {
        let mut names: Vec<String> = TABLES.iter().map(|table| table.name.to_owned()).collect();
        check_known(&names).unwrap();
        names.push("ledger".to_owned());
        assert!(check_known(&names).unwrap_err().to_string().contains("ledger"));
        assert!(check_known(&names[1..names.len() - 1]).unwrap_err().to_string().contains("collection"));
    }
}
