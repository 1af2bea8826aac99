//! Everything a judge has to know, read from where it lies: the host's books behind its back, the gateway's own book, what
//! clients were told, and every byte that was written.

use std::collections::BTreeSet;
use std::path::Path;

use tillbox::core::id::CollectionId;
use tillbox::store::{Key, OutboxEvent, Page, Store, Stored};
use tillbox_store_tests::place::{Database, Place as _};

use crate::HEARD;
use crate::hearing::{Heard, heard};
use crate::ledger::{Effect, Ledger};
use crate::orders::Ack;

/// Events in one read.
const EVENTS_AT_ONCE: u32 = 1_000;

/// What is the case.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The host's books.
    pub collections: Vec<Stored>,
    /// What the outside was told, in order.
    pub events: Vec<OutboxEvent>,
    /// The gateway's book.
    pub effects: Vec<Effect>,
    /// What clients were told.
    pub acks: Vec<Ack>,
    /// Everything written that must hold no secret, with where it is.
    pub texts: Vec<(String, Vec<u8>)>,
    /// What must not be in them, beside [`SECRETS`](crate::SECRETS).
    pub secrets: Vec<String>,
    /// What the subscriber heard, in order.
    pub heard: Vec<Heard>,
    /// Whether all was told, so that there may be nothing that the subscriber has not heard.
    pub told: bool,
    /// Whether recovery has come to its end, so that nothing may be open that could be known.
    pub settled: bool,
}

impl Facts {
    /// Reads both books, from this event on; with 0 everything. What was written is added by whoever knows.
    ///
    /// # Panics
    /// When one of them cannot be read: then there is nothing to judge.
    pub async fn read(store: &dyn Store, ledger: &Path, after: i64, acks: Vec<Ack>) -> Self {
        let mut facts = Self { acks, settled: true, ..Self::default() };
        facts.events = events_after(store, after).await;
        let mut ids = facts.concerned();
        if after == 0 {
            ids.extend(every_collection(store).await);
        }
        for id in ids {
            // One that is told of and not there is for the judge to find.
            facts.collections.extend(store.load(Key::Collection(id)).await.expect("a collection is read"));
        }
        facts.heard = heard(&ledger.with_file_name(HEARD));
        facts.effects = Ledger::open(ledger).and_then(|ledger| ledger.all()).expect("the gateway's book is read");
        facts
    }

    /// The collections that events or acknowledgements speak of.
    fn concerned(&self) -> BTreeSet<CollectionId> {
        let told = self.events.iter().map(|event| event.collection.clone());
        let acknowledged = self.acks.iter().filter_map(|ack| CollectionId::parse(ack.collection.as_ref()?).ok());
        told.chain(acknowledged).collect()
    }

    /// Adds everything that a directory holds, the gateway's own book aside: payers' cards are its business.
    ///
    /// # Panics
    /// When the directory cannot be read.
    pub fn add_files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("the directory is read") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.starts_with("gateway.db") {
                self.texts.push((name, std::fs::read(&path).unwrap_or_default()));
            }
        }
    }
}

/// Every row of every table, as text; bytes are in hexadecimal there.
pub async fn rows(database: &Database) -> Vec<(String, Vec<u8>)> {
    let tables = "select table_name::text from information_schema.tables where table_schema = current_schema()";
    let mut texts = Vec::new();
    for table in database.texts(tables).await {
        let rows = database.texts(&format!("select one::text from {table} as one")).await;
        texts.push((format!("table {table}"), rows.join("\n").into_bytes()));
    }
    texts
}

/// The number of the last event there is.
///
/// # Panics
/// When the store cannot be read.
pub async fn last_event(store: &dyn Store, mut after: i64) -> i64 {
    while let Some(last) = store.events_after(after, EVENTS_AT_ONCE).await.expect("events are read").last() {
        after = last.sequence;
    }
    after
}

async fn events_after(store: &dyn Store, mut after: i64) -> Vec<OutboxEvent> {
    let mut events = Vec::new();
    loop {
        let more = store.events_after(after, EVENTS_AT_ONCE).await.expect("events are read");
        let Some(last) = more.last() else {
            return events;
        };
        after = last.sequence;
        events.extend(more);
    }
}

async fn every_collection(store: &dyn Store) -> BTreeSet<CollectionId> {
    let mut all = BTreeSet::new();
    let mut offset = 0;
    loop {
        let page = Page { offset, limit: Page::LIMIT_MAX };
        let listed = store.find_collections(page.into()).await.expect("collections are listed").items;
        let last = listed.len() < Page::LIMIT_MAX as usize;
        offset += Page::LIMIT_MAX;
        all.extend(listed);
        if last {
            return all;
        }
    }
}
