//! A gateway, a component that asks it what it is told to, and hosts on one database whose clock a test moves.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tillbox::core::Timestamp;
use tillbox::core::id::{OperationId, ProviderId};
use tillbox::core::operation::Operation;
use tillbox::currency::money;
use tillbox::runtime::{ComponentProvider, Grants, Package, Runtime, RuntimeConfig};
use tillbox::service::{HostBuilder, NewCollection, NewSession, Step};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{Page, Store};
use tillbox::{Error, Host};
use tillbox_artifacts::SENDS;
use tillbox_gateway::{Gateway, Options};
use tillbox_store_tests::place::Place;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// The key that the gateway takes.
pub(crate) const KEY: &str = "sk_test_canary_4711";

/// Longer than any lease.
const DOWN_MS: i64 = 15 * 60 * 1_000;

/// A clock that a test moves.
#[derive(Debug, Default)]
pub(crate) struct Hands(AtomicI64);

impl tillbox::clock::Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + self.0.load(Ordering::SeqCst))
    }
}

pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) gateway: Gateway,
    pub(crate) clock: Arc<Hands>,
}

/// Checked once for each spelling of its bytes.
async fn package(bytes: &[u8]) -> Package {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    static PACKAGES: Mutex<Vec<(Vec<u8>, Package)>> = Mutex::const_new(Vec::new());
    let mut packages = PACKAGES.lock().await;
    if let Some((_, package)) = packages.iter().find(|(known, _)| known == bytes) {
        return package.clone();
    }
    let runtime = RUNTIME.get_or_init(|| Runtime::new(RuntimeConfig::default()).unwrap());
    let package = runtime.check(bytes).await.unwrap();
    packages.push((bytes.to_vec(), package.clone()));
    package
}

/// The same component with another digest: an empty custom section behind it.
pub(crate) fn next_version() -> Vec<u8> {
    [SENDS, &[0, 5, 4, b'n', b'e', b'x', b't']].concat()
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), KEY).unwrap();
        let options = Options {
            ledger: folder.path().join("gateway.db"),
            secret_keys: vec![KEY.to_owned()],
            webhook: None,
            webhook_secrets: Vec::new(),
            search_lag_ms: 0,
        };
        let gateway = Gateway::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), options).unwrap();
        Self { folder, gateway, clock: Arc::default() }
    }

    pub(crate) fn pass(&self) {
        self.clock.0.fetch_add(DOWN_MS, Ordering::SeqCst);
    }

    pub(crate) async fn provider_of(&self, bytes: &[u8], settings: Value) -> Arc<ComponentProvider> {
        let port: u16 = self.gateway.base().rsplit(':').next().unwrap().parse().unwrap();
        let host = json!({ "host": "127.0.0.1", "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] });
        let secret = json!({ "name": "api_key", "file": self.folder.path().join("key"), "reveal": false });
        let interfaces = ["secrets", "crypto", "http"];
        let grants = json!({ "interfaces": interfaces, "hosts": [host], "secrets": [secret], "settings": settings });
        let grants: Grants = serde_json::from_value(grants).unwrap();
        package(bytes).await.grant(grants).unwrap()
    }

    pub(crate) async fn builder(&self, settings: Value) -> HostBuilder {
        let provider = self.provider_of(SENDS, settings).await;
        let clock: Arc<dyn tillbox::clock::Clock> = Arc::clone(&self.clock) as Arc<_>;
        Host::builder().clock(clock).without_background_work().provider("x", provider)
    }

    pub(crate) async fn host(&self, place: &dyn Place) -> Host {
        self.builder(json!({})).await.database_url(place.url()).build().await.unwrap()
    }

    /// A host that stops for good at this step. Whatever it was doing, nobody hears of it again.
    pub(crate) async fn open_until(&self, place: &dyn Place, order: &Value, step: Step) -> bool {
        let (told, mut reached) = tokio::sync::mpsc::unbounded_channel();
        let builder = self.builder(json!({})).await.database_url(place.url()).on_step(Arc::new(move |at| {
            if at == step {
                let _ = told.send(());
                loop {
                    std::thread::park();
                }
            }
        }));
        let order = order.clone();
        // Its threads are never joined: that is what being killed looks like from outside.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let opened = runtime.spawn(async move {
            let host = builder.build().await.unwrap();
            open(&host, &order).await.map(|_| ())
        });
        let stopped = tokio::select! {
            _ = reached.recv() => true,
            opened = opened => {
                opened.unwrap().unwrap();
                false
            }
        };
        runtime.shutdown_background();
        stopped
    }

    /// One payment intent that is authorized at once.
    pub(crate) fn post(&self) -> Value {
        json!({
            "method": "POST", "url": format!("{}/v1/payment_intents", self.gateway.base()),
            "headers": [["content-type", "application/x-www-form-urlencoded"]],
            "secrets": [["authorization", "Bearer ", "api_key"]],
            "body": "amount=1050&currency=eur&payment_method=pm_card_visa&confirm=true&capture_method=manual",
        })
    }

    /// How many requests the gateway has heard.
    pub(crate) fn requests(&self) -> usize {
        self.gateway.requests().len()
    }

    /// The keys under which something was done there.
    pub(crate) fn effects(&self) -> Vec<String> {
        let effects = self.gateway.effects().unwrap();
        effects.into_iter().map(|effect| effect.key.unwrap_or_default()).collect()
    }
}

/// Opens a session with this order for the component.
pub(crate) async fn open(host: &Host, order: &Value) -> Result<Operation, Error> {
    let collection = host.create_collection(NewCollection::new(money("10.50", "EUR").unwrap())).await.unwrap();
    let mut new = NewSession::new(ProviderId::parse("pp_sends_x").unwrap());
    new.data = Some(order.to_string());
    Ok(host.create_session(&collection.id, new).await?.operation.unwrap())
}

/// The only operation there is; nothing when there is none.
pub(crate) async fn only(host: &Host) -> Option<Operation> {
    let entries = host.operations(&[], Page { offset: 0, limit: 9 }).await.unwrap().items;
    assert!(entries.len() <= 1, "{entries:?}");
    match entries.first() {
        Some(entry) => Some(host.operation(&entry.id).await.unwrap()),
        None => None,
    }
}

pub(crate) fn id(error: &Error) -> OperationId {
    error.operation().unwrap_or_else(|| panic!("{error}")).clone()
}

/// A store whose commits are counted.
pub(crate) fn counted() -> Arc<SqliteStore> {
    Arc::new(SqliteStore::in_memory().unwrap())
}

pub(crate) fn shared(store: &Arc<SqliteStore>) -> Arc<dyn Store> {
    Arc::clone(store) as Arc<dyn Store>
}
