//! The gateway's own book: a SQLite file beside the host's database, written before the gateway answers and never by the
//! host. It survives every kill of the host, and so it is what the host's books are judged by.
//!
//! It takes whatever it is asked for, more than was authorized too: refusing is the host's business here.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

const TABLES: &str = "
    create table if not exists effect (
        number integer primary key autoincrement,
        provider text not null,
        key text not null,
        operation text,
        kind text not null,
        session text not null,
        status text not null,
        amount_minor integer not null
    ) strict;
    create index if not exists effect_by_key on effect (provider, key);
    create index if not exists effect_by_session on effect (session);
    create index if not exists effect_by_operation on effect (operation);
    create table if not exists request (number integer primary key autoincrement, operation text not null) strict;
";

const COLUMNS: &str = "provider, key, operation, kind, session, status, amount_minor";

/// Something that was done at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The provider it was done through.
    pub provider: String,
    /// The idempotency key it was asked for with.
    pub key: String,
    /// The host's operation; absent for what was done at the gateway's own counter.
    pub operation: Option<String>,
    /// What was asked, by the host's name of it.
    pub kind: String,
    /// The host's session.
    pub session: String,
    /// How the gateway answered, by the contract's name of it.
    pub status: String,
    /// How much.
    pub amount_minor: i64,
}

/// The open book.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
}

impl Ledger {
    /// Opens the book or begins it. Several processes may have it open.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection })
    }

    /// Does something once for a key, durably, and answers what was done. With `remembers` unset it does it again each time,
    /// as a gateway without idempotency keys would. Nothing when its turn comes too late.
    ///
    /// # Errors
    /// What SQLite says; then nothing was done.
    pub fn act(
        &mut self,
        effect: &Effect,
        remembers: bool,
        in_time: impl Fn() -> bool,
    ) -> rusqlite::Result<Option<Effect>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !in_time() {
            return Ok(None);
        }
        transaction.execute("insert into request (operation) values ($1)", [&effect.operation])?;
        let sql = format!("select {COLUMNS} from effect where provider = $1 and key = $2");
        let known = transaction.query_row(&sql, [&effect.provider, &effect.key], read).optional()?;
        let answer = match known.filter(|_| remembers) {
            Some(known) => known,
            None => {
                insert(&transaction, effect)?;
                effect.clone()
            }
        };
        transaction.commit()?;
        Ok(Some(answer))
    }

    /// Does something that no host asked for.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn at_the_counter(&mut self, effect: &Effect) -> rusqlite::Result<()> {
        insert(&self.connection, effect)
    }

    /// Everything done for a session, in order.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn of_session(&self, session: &str) -> rusqlite::Result<Vec<Effect>> {
        self.list(&format!("select {COLUMNS} from effect where session = $1 order by number"), &[&session])
    }

    /// Everything ever done, in order.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn all(&self) -> rusqlite::Result<Vec<Effect>> {
        self.list(&format!("select {COLUMNS} from effect order by number"), &[])
    }

    fn list(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<Vec<Effect>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map(values, read)?.collect()
    }
}

fn insert(connection: &Connection, effect: &Effect) -> rusqlite::Result<()> {
    let sql = format!("insert into effect ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)");
    let Effect { provider, key, operation, kind, session, status, amount_minor } = effect;
    connection.execute(&sql, params![provider, key, operation, kind, session, status, amount_minor]).map(|_| ())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Effect> {
    Ok(Effect {
        provider: row.get(0)?,
        key: row.get(1)?,
        operation: row.get(2)?,
        kind: row.get(3)?,
        session: row.get(4)?,
        status: row.get(5)?,
        amount_minor: row.get(6)?,
    })
}
