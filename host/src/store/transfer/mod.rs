//! Moving a whole database to another place: every table, every row, the host key included, so that the keys under which
//! providers know our operations stay the same.
//!
//! The source is locked against writing and the target filled in one transaction, which is kept only when every table reads
//! back as it was. It knows rows, not payments.

mod postgres;
mod side;
mod sqlite;
mod tables;

use super::StoreError;
use super::open::Place;
use super::sql::{Row, Value};
use side::Side;
use tables::{Digest, TABLES, Table};

/// Rows that are held in memory at once: some megabytes when all of them are large, and few enough round trips.
const BATCH_ROWS: i64 = 1_000;

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The table that is being copied.
    pub table: &'static str,
    /// Rows of it that were copied.
    pub rows: u64,
    /// Rows it has.
    pub of: u64,
}

/// What was moved of a table, and found to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// The sum of its amounts, in minor units of whatever currencies: a figure to compare, not one to spend.
    pub amount_minor: i128,
}

/// Copies everything from one database to an empty one, both given as URLs (see [`super::open`]), and reads it back to
/// compare. Nothing can write to the source meanwhile. Progress is told after every batch.
///
/// # Errors
/// [`StoreError::Foreign`] when one of the two is no database of ours or the target is not empty,
/// [`StoreError::Unavailable`] when one cannot be used or a host is writing to the source, [`StoreError::Corrupt`] when what
/// was written reads differently. The target is as empty as before in each of these cases, the source never changed.
pub async fn migrate(
    from: &str,
    to: &str,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Vec<Moved>, StoreError> {
    let (from, to) = (Place::parse(from)?, Place::parse(to)?);
    let mut source = open(from, Role::Source).await?;
    let mut target = open(to, Role::Target).await?;
    source.begin().await?;
    target.begin().await?;
    for side in [&mut source, &mut target] {
        tables::check_known(&side.tables().await?)?;
    }
    refuse_unless_empty(target.as_mut()).await?;
    let mut moved = Vec::new();
    for table in TABLES {
        moved.push(copy(source.as_mut(), target.as_mut(), table, &mut progress).await?);
    }
    target.commit().await?;
    source.commit().await?;
    Ok(moved)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Source,
    Target,
}

async fn open(place: Place, role: Role) -> Result<Box<dyn Side>, StoreError> {
    Ok(match place {
        Place::Server(url) => Box::new(postgres::PostgresSide::open(&url, role).await?),
        Place::File(path) => {
            // A source that is not there must not be made.
            if role == Role::Source && !path.exists() {
                return Err(StoreError::Foreign(format!("{} does not exist", path.display())));
            }
            Box::new(sqlite::SqliteSide::open(path).await?)
        }
    })
}

/// A host that looked at the target has left the mark of its check, which means nothing; anything else does.
async fn refuse_unless_empty(target: &mut dyn Side) -> Result<(), StoreError> {
    target.forget_checks().await?;
    for table in TABLES {
        if rows_of(target, table).await? > 0 {
            return Err(StoreError::Foreign(format!(
                "{} is not empty: table {} holds rows. Name a database that nobody has used",
                target.name(),
                table.name
            )));
        }
    }
    Ok(())
}

async fn rows_of(side: &mut dyn Side, table: &Table) -> Result<u64, StoreError> {
    let found = side.read(table.name, &table.count(), Vec::new()).await?;
    match found.first().and_then(|row| row.values.first()) {
        Some(Value::Int(count)) => Ok(u64::try_from(*count).unwrap_or(0)),
        Some(Value::Null | Value::Text(_) | Value::Bytes(_)) | None => Err(differs(table, "it cannot be counted")),
    }
}

async fn copy(
    source: &mut dyn Side,
    target: &mut dyn Side,
    table: &'static Table,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<Moved, StoreError> {
    let columns = columns(source, table).await?;
    if columns != self::columns(target, table).await? {
        return Err(differs(table, "its columns are not the same in both databases"));
    }
    let of = rows_of(source, table).await?;
    let mut read = Digest::new(&columns);
    let mut after = None;
    progress(Progress { table: table.name, rows: 0, of });
    while let Some(rows) = batch(source, table, &columns, &mut after).await? {
        rows.iter().for_each(|row| read.add(row));
        target.write(table.name, &columns, rows).await?;
        progress(Progress { table: table.name, rows: read.rows, of });
    }
    let mut written = Digest::new(&columns);
    let mut after = None;
    while let Some(rows) = batch(target, table, &columns, &mut after).await? {
        rows.iter().for_each(|row| written.add(row));
    }
    let (rows, amount_minor) = (read.rows, read.amount_minor);
    if rows != of || written.rows != rows || written.amount_minor != amount_minor {
        let what = format!(
            "{of} rows were counted, {rows} read with amounts of {amount_minor}, {} found with amounts of {}",
            written.rows, written.amount_minor
        );
        return Err(differs(table, &what));
    }
    if read.finish() != written.finish() {
        return Err(differs(table, "what was written reads differently"));
    }
    Ok(Moved { table: table.name, rows, amount_minor })
}

/// The columns of a table, in an order that is the same everywhere.
async fn columns(side: &mut dyn Side, table: &Table) -> Result<Vec<String>, StoreError> {
    let mut columns = side.columns(table.name).await?;
    columns.retain(|column| !table.local.contains(&column.as_str()));
    columns.sort_unstable();
    Ok(columns)
}

/// The rows behind the key `after`, which is moved on; nothing at the end.
async fn batch(
    side: &mut dyn Side,
    table: &'static Table,
    columns: &[String],
    after: &mut Option<Vec<Value>>,
) -> Result<Option<Vec<Row>>, StoreError> {
    let mut values = after.take().unwrap_or_default();
    let sql = table.select(columns, !values.is_empty());
    values.push(BATCH_ROWS.into());
    let rows = side.read(table.name, &sql, values).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let key = table.key.iter().map(|name| {
        let index = columns.iter().position(|column| column == name);
        index.and_then(|index| last.values.get(index)).cloned()
    });
    *after = Some(key.collect::<Option<_>>().ok_or_else(|| differs(table, "it has no key"))?);
    Ok(Some(rows))
}

fn differs(table: &Table, what: &str) -> StoreError {
    StoreError::Corrupt { table: table.name, id: "(all)".to_owned(), what: what.to_owned() }
}
