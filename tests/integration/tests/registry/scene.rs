//! Hosts on one database, one sandbox for all of them, and payments by the teller.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tillbox::core::id::{CollectionId, PaymentId, ProviderId};
use tillbox::core::operation::Operation;
use tillbox::core::{ComponentDigest, Timestamp};
use tillbox::currency::money;
use tillbox::runtime::{Runtime, RuntimeConfig};
use tillbox::service::{
    ComponentSource, NewCapture, NewCollection, NewRefund, NewSession, NewVersion, ProviderVersion, VersionRefusal,
};
use tillbox::store::{Key, Page, Store};
use tillbox::{Error, Host, HostBuilder};
use tillbox_store_tests::place::Place;
use tokio::sync::OnceCell;

/// Who asks for everything in these tests.
pub(crate) const OPERATOR: &str = "operator of the tests";

/// The teller as it is installed here.
pub(crate) fn teller() -> ProviderId {
    ProviderId::parse("pp_teller_main").expect("an id")
}

/// One sandbox for all tests: compiling is most of their time, and a cache on the disk does it once.
pub(crate) async fn runtime() -> Runtime {
    static RUNTIME: OnceCell<(Runtime, tempfile::TempDir)> = OnceCell::const_new();
    let start = || async {
        let cache = tempfile::tempdir().expect("a place for files");
        let config = RuntimeConfig { cache_directory: Some(cache.path().to_owned()), ..RuntimeConfig::default() };
        (Runtime::new(config).expect("the engine starts"), cache)
    };
    RUNTIME.get_or_init(start).await.0.clone()
}

/// What a host on this database is made of.
pub(crate) async fn builder(place: &dyn Place) -> HostBuilder {
    Host::builder().database_url(place.url()).runtime(runtime().await)
}

/// A host on this database.
pub(crate) async fn host(place: &dyn Place) -> Host {
    builder(place).await.build().await.expect("it starts")
}

/// A version to be, of these bytes, approved.
pub(crate) fn version(component: &[u8]) -> NewVersion {
    NewVersion::new(ComponentSource::Bytes(component.to_vec()), OPERATOR).approved()
}

/// The same, not approved.
pub(crate) fn proposal(component: &[u8]) -> NewVersion {
    NewVersion { approve: false, ..version(component) }
}

pub(crate) fn digest(component: &[u8]) -> ComponentDigest {
    ComponentDigest::from_bytes(Sha256::digest(component).into())
}

pub(crate) async fn install(host: &Host, component: &[u8]) -> ProviderVersion {
    host.install_provider("main", version(component)).await.expect("it is installed")
}

pub(crate) fn refusal(result: Result<ProviderVersion, Error>) -> VersionRefusal {
    match result {
        Err(Error::Version(refusal)) => refusal,
        other => panic!("it should be refused: {other:?}"),
    }
}

/// A session of the teller, and nothing more.
pub(crate) async fn session(host: &Host) -> Result<CollectionId, Error> {
    let collection = host.create_collection(NewCollection::new(money("1.00", "EUR")?)).await?;
    host.create_session(&collection.id, NewSession::new(teller())).await?;
    Ok(collection.id)
}

/// A payment that is authorized by the teller.
pub(crate) async fn authorized(host: &Host, amount: &str) -> Result<(CollectionId, PaymentId), Error> {
    let collection = host.create_collection(NewCollection::new(money(amount, "EUR")?)).await?;
    let session = host.create_session(&collection.id, NewSession::new(teller())).await?;
    let authorization = host.authorize_session(&session.value.id, None).await?;
    let payment = authorization.value.payment.expect("the teller authorizes everything");
    Ok((collection.id, payment.payment.id))
}

/// A whole payment: authorized, captured, a part refunded.
pub(crate) async fn paid(host: &Host) -> Result<CollectionId, Error> {
    let (collection, payment) = authorized(host, "10.50").await?;
    host.capture(&payment, NewCapture::default()).await?;
    let part = NewRefund { amount: Some(money("2.25", "EUR")?), ..NewRefund::default() };
    host.refund(&payment, part).await?;
    Ok(collection)
}

/// Every operation of a collection, by the books.
pub(crate) async fn operations(store: &dyn Store, collection: &CollectionId) -> Vec<Operation> {
    let stored = store.load(Key::Collection(collection.clone())).await.expect("the store answers");
    stored.expect("the collection is there").collection.operations
}

/// Every operation there is.
pub(crate) async fn all_operations(host: &Host) -> Vec<Operation> {
    let mut found = Vec::new();
    loop {
        let offset = u32::try_from(found.len()).expect("a few hundred");
        let entries = host.operations(&[], Page { offset, limit: Page::LIMIT_MAX }).await.expect("a list").items;
        if entries.is_empty() {
            return found;
        }
        for entry in entries {
            found.push(host.operation(&entry.id).await.expect("it is there"));
        }
    }
}

/// Waits for something that comes by itself; a broken host would make it endless.
pub(crate) async fn soon<T>(limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = tokio::time::Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < until, "it did not come within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A clock that a test moves.
#[derive(Debug, Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_800_000_000_000)))
    }

    pub(crate) fn forward(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl tillbox::clock::Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}
