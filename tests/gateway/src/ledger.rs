//! The gateway's own book: a SQLite file. A request is one transaction: what it did, its events and the answer kept under its
//! key are durable together, before anybody is answered.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::Problem;

/// Seconds for which a key is remembered: the published 24 hours.
pub const KEY_SECONDS: i64 = 24 * 60 * 60;

/// The API version whose shapes these are.
pub const API_VERSION: &str = "2025-03-31.basil";

const TABLES: &str = "
create table if not exists object (
    id text primary key, kind text not null, parent text, created integer not null, changed_ms integer not null, body text not null
) strict;
create index if not exists object_by_parent on object (kind, parent);
create table if not exists effect (
    sequence integer primary key autoincrement, kind text not null, intent text not null, refund text, amount integer not null,
    currency text not null, key text, metadata text not null, at_ms integer not null
) strict;
create table if not exists idempotency (
    key text primary key, fingerprint text not null, status integer, body text, created integer not null
) strict;
create table if not exists event (
    sequence integer primary key autoincrement, id text not null unique, kind text not null, body text not null,
    delivered integer not null default 0
) strict;
";

/// A movement of money, or the reservation of it: what a judge compares with other books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The order in which things happened.
    pub sequence: i64,
    /// `authorize`, `capture`, `refund` or `void`.
    pub kind: String,
    /// The payment intent.
    pub intent: String,
    /// The refund, where it is one.
    pub refund: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// Lower case, as the API writes it.
    pub currency: String,
    /// The idempotency key of the request; none for what happened at the dashboard.
    pub key: Option<String>,
    /// The metadata of the request's object, as JSON.
    pub metadata: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
    /// Whether it was given before, under the same key.
    pub is_replayed: bool,
}

impl Reply {
    /// 200.
    #[must_use]
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body, is_replayed: false }
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self { status: problem.status, body: problem.body(), is_replayed: false }
    }
}

/// The file.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
}

/// What a key says about a request.
enum Remembered {
    New,
    Answered(Reply),
}

impl Ledger {
    /// Opens the file, which is made when it does not exist.
    ///
    /// # Errors
    /// When it cannot be opened or is no ledger.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection
            .execute_batch("pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 10000;")?;
        connection.execute_batch(TABLES)?;
        // What was under way when an earlier process died has no answer, so its key is free again.
        connection.execute("delete from idempotency where status is null", [])?;
        Ok(Self { connection })
    }

    /// Does something in one transaction. A problem undoes it.
    ///
    /// # Errors
    /// The problem.
    pub fn change<T>(&mut self, now: Now, work: impl FnOnce(&Books<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let transaction = self.connection.transaction()?;
        let done = work(&Books { transaction: &transaction, now, key: None })?;
        transaction.commit()?;
        Ok(done)
    }

    /// The same under an idempotency key: the second time the first answer is given.
    pub fn keyed(
        &mut self,
        now: Now,
        key: Option<&str>,
        fingerprint: &str,
        work: impl FnOnce(&Books<'_>) -> Result<Reply, Problem>,
    ) -> Reply {
        self.try_keyed(now, key, fingerprint, work).unwrap_or_else(Reply::from)
    }

    fn try_keyed(
        &mut self,
        now: Now,
        key: Option<&str>,
        fingerprint: &str,
        work: impl FnOnce(&Books<'_>) -> Result<Reply, Problem>,
    ) -> Result<Reply, Problem> {
        let transaction = self.connection.transaction()?;
        if let Some(key) = key
            && let Remembered::Answered(reply) = remembered(&transaction, now, key, fingerprint)?
        {
            return Ok(reply);
        }
        // A problem is thrown before anything is executed, so no key is kept with it, as in the published rules.
        let reply = work(&Books { transaction: &transaction, now, key })?;
        if let Some(key) = key {
            transaction.execute(
                "insert into idempotency (key, fingerprint, status, body, created) values (?1, ?2, ?3, ?4, ?5)",
                params![key, fingerprint, reply.status, reply.body.to_string(), now.seconds()],
            )?;
        }
        transaction.commit()?;
        Ok(reply)
    }

    /// All movements of money, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn effects(&self) -> rusqlite::Result<Vec<Effect>> {
        let mut statement = self.connection.prepare(
            "select sequence, kind, intent, refund, amount, currency, key, metadata from effect order by sequence",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Effect {
                sequence: row.get(0)?,
                kind: row.get(1)?,
                intent: row.get(2)?,
                refund: row.get(3)?,
                amount: row.get(4)?,
                currency: row.get(5)?,
                key: row.get(6)?,
                metadata: row.get(7)?,
            })
        })?;
        rows.collect()
    }

    /// Events that nobody has taken yet, oldest first: sequence and body.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn undelivered(&self) -> rusqlite::Result<Vec<(i64, String)>> {
        let mut statement =
            self.connection.prepare("select sequence, body from event where delivered = 0 order by sequence")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Notes that an event was taken.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn delivered(&self, sequence: i64) -> rusqlite::Result<()> {
        self.connection.execute("update event set delivered = 1 where sequence = ?1", [sequence]).map(drop)
    }
}

fn remembered(transaction: &Transaction<'_>, now: Now, key: &str, fingerprint: &str) -> Result<Remembered, Problem> {
    transaction.execute("delete from idempotency where created <= ?1", [now.seconds() - KEY_SECONDS])?;
    let row: Option<(String, Option<u16>, Option<String>)> = transaction
        .query_row("select fingerprint, status, body from idempotency where key = ?1", [key], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    match row {
        None => Ok(Remembered::New),
        Some((print, _, _)) if print != fingerprint => Err(Problem::other_parameters(key)),
        Some((_, Some(status), Some(body))) => {
            let body = serde_json::from_str(&body).map_err(|error| Problem::broken(error.to_string()))?;
            Ok(Remembered::Answered(Reply { status, body, is_replayed: true }))
        }
        Some(_) => Err(Problem::in_flight(key)),
    }
}

/// The time, moved by whoever tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now(pub i64);

impl Now {
    /// Whole seconds since 1970, as the API writes times.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0 / 1_000
    }
}

/// The ledger inside of one transaction.
#[derive(Debug)]
pub struct Books<'a> {
    transaction: &'a Transaction<'a>,
    now: Now,
    key: Option<&'a str>,
}

impl Books<'_> {
    /// The time of the request.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// An object of a kind.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn get(&self, kind: &str, id: &str) -> Result<Value, Problem> {
        let body: Option<String> = self
            .transaction
            .query_row("select body from object where id = ?1 and kind = ?2", [id, kind], |row| row.get(0))
            .optional()?;
        let body = body.ok_or_else(|| Problem::missing(kind, id))?;
        serde_json::from_str(&body).map_err(|error| Problem::broken(error.to_string()))
    }

    /// Keeps an object as it is now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, object: &Value, parent: Option<&str>) -> Result<(), Problem> {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        self.transaction.execute(
            "insert into object (id, kind, parent, created, changed_ms, body) values (?1, ?2, ?3, ?4, ?5, ?6) \
             on conflict (id) do update set changed_ms = excluded.changed_ms, body = excluded.body",
            params![
                text("id"),
                text("object"),
                parent,
                object["created"].as_i64().unwrap_or(0),
                self.now.0,
                object.to_string()
            ],
        )?;
        Ok(())
    }

    /// Objects of a kind, newest first; of a parent where one is named, and unchanged for so many milliseconds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self, kind: &str, parent: Option<&str>, unchanged_ms: i64) -> Result<Vec<Value>, Problem> {
        let mut statement = self.transaction.prepare(
            "select body from object where kind = ?1 and (?2 is null or parent = ?2) and changed_ms <= ?3 \
             order by created desc, rowid desc",
        )?;
        let bodies =
            statement.query_map(params![kind, parent, self.now.0 - unchanged_ms], |row| row.get::<_, String>(0))?;
        bodies.map(|body| serde_json::from_str(&body?).map_err(|error| Problem::broken(error.to_string()))).collect()
    }

    /// Writes a movement of money down.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn moved(&self, kind: &str, intent: &Value, refund: Option<&Value>, amount: i64) -> Result<(), Problem> {
        let metadata = refund.map_or(&intent["metadata"], |refund| &refund["metadata"]);
        self.transaction.execute(
            "insert into effect (kind, intent, refund, amount, currency, key, metadata, at_ms) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                kind,
                intent["id"].as_str(),
                refund.and_then(|refund| refund["id"].as_str()),
                amount,
                intent["currency"].as_str(),
                self.key,
                metadata.to_string(),
                self.now.0
            ],
        )?;
        Ok(())
    }

    /// Tells the outside, once somebody listens.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn tell(&self, kind: &str, object: &Value) -> Result<(), Problem> {
        let id = new_id("evt");
        let body = json!({
            "id": id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now.seconds(),
            "data": { "object": object },
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": new_id("req"), "idempotency_key": self.key },
            "type": kind,
        });
        self.put(&body, None)?;
        self.transaction
            .execute("insert into event (id, kind, body) values (?1, ?2, ?3)", params![id, kind, body.to_string()])?;
        Ok(())
    }
}

/// A new id, such as `pi_01jd…`.
#[must_use]
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", ulid::Ulid::generate().to_string().to_ascii_lowercase())
}
