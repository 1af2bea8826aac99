//! The four kinds of value our columns hold, and rows of them, read without trusting what is there.

use super::columns::Place;
use crate::store::fault::StoreError;

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

/// PostgreSQL's text cannot hold U+0000. A provider's words may, and an answer about money must not be lost over it, so the
/// character is replaced, on every database alike. JSON escapes it and so is never touched.
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value })
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row as a database gave it, with the name of its table for errors.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct Row {
    pub(in crate::store) table: &'static str,
    pub(in crate::store) values: Vec<Value>,
}

impl Row {
    /// Names the row in errors: its table and, by convention of our queries, the id in its first column.
    pub(in crate::store) fn place(&self) -> Place<'_> {
        let id = match self.values.first() {
            Some(Value::Text(id)) => id.as_str(),
            Some(Value::Null | Value::Int(_) | Value::Bytes(_)) | None => "?",
        };
        Place { table: self.table, id }
    }

    pub(in crate::store) fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.optional_text(column)?.ok_or_else(|| self.wrong(column, "null"))
    }

    pub(in crate::store) fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.values.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            Some(Value::Int(_)) => Err(self.wrong(column, "an integer")),
            Some(Value::Bytes(_)) => Err(self.wrong(column, "bytes")),
            None => Err(self.wrong(column, "nothing")),
        }
    }

    pub(in crate::store) fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.optional_int(column)?.ok_or_else(|| self.wrong(column, "null"))
    }

    pub(in crate::store) fn optional_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.values.get(column) {
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Null) => Ok(None),
            Some(Value::Text(_)) => Err(self.wrong(column, "text")),
            Some(Value::Bytes(_)) => Err(self.wrong(column, "bytes")),
            None => Err(self.wrong(column, "nothing")),
        }
    }

    pub(in crate::store) fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.values.get(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            Some(Value::Null | Value::Int(_) | Value::Text(_)) | None => Err(self.wrong(column, "no bytes")),
        }
    }

    fn wrong(&self, column: usize, found: &str) -> StoreError {
        self.place().corrupt(format!("column {} holds {found}", column + 1))
    }
}
