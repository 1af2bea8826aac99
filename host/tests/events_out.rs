//! Events out: to webhook receivers on a real socket and to subscribers in the process. What fails is told again, in order;
//! what is signed is checked here with nothing but HMAC and Base64.
//!
//! Long because every way in which telling can fail has a test, and all of them share one receiver and one clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::body::Frame;
use serde_json::Value;
use sha2::Sha256;
use tillbox::clock::Clock;
use tillbox::core::Timestamp;
use tillbox::core::id::{CollectionId, EventId};
use tillbox::currency::money;
use tillbox::outgoing::ANSWER_BYTES_MAX;
use tillbox::service::{
    CollectionUpdate, FILTER_KINDS_MAX, LANES_MAX, NewCollection, NewWebhookEndpoint, NotHeard, ROTATION_MS,
    SUBSCRIBERS_MAX, Subscriber, WebhookEndpointUpdate,
};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{DispatchState, OutboxEvent, Page, Store, SubscriberId};
use tillbox::{Host, HostBuilder};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// A clock that goes on when it is told to.
#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// What a receiver got.
#[derive(Debug, Clone)]
struct Got {
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    fn collection(&self) -> String {
        self.json()["data"]["payment_collection_id"].as_str().unwrap().to_owned()
    }

    /// As a receiver would check it.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let wanted = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|signature| signature == wanted)
    }
}

type Answering = dyn Fn(&Got) -> Response + Send + Sync;

/// A server that keeps what it gets and answers as it is told.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

#[derive(Clone)]
struct Ears {
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Answering>,
}

async fn hear(State(ears): State<Ears>, headers: HeaderMap, body: Bytes) -> Response {
    let got = Got { headers, body };
    let answer = (ears.answer)(&got);
    ears.got.lock().unwrap().push(got);
    answer
}

impl Receiver {
    async fn that(answer: impl Fn(&Got) -> Response + Send + Sync + 'static) -> Self {
        let got = Arc::default();
        let ears = Ears { got: Arc::clone(&got), answer: Arc::new(answer) };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/hooks?shop=1", listener.local_addr().unwrap());
        let routes = Router::new().route("/hooks", axum::routing::post(hear)).with_state(ears);
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, got }
    }

    async fn obliging() -> Self {
        Self::that(|_| StatusCode::NO_CONTENT.into_response()).await
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.got().iter().map(Got::kind).collect()
    }
}

struct Scene {
    host: Host,
    store: Arc<dyn Store>,
    clock: Arc<Hands>,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(change: impl FnOnce(HostBuilder) -> HostBuilder) -> Self {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
        let clock = Arc::new(Hands(AtomicI64::new(1_700_000_000_000)));
        let host = change(builder(&store, &clock)).build().await.unwrap();
        Self { host, store, clock }
    }

    /// A collection with three events.
    async fn collection(&self) -> CollectionId {
        let id = self.host.create_collection(NewCollection::new(money("10.50", "EUR").unwrap())).await.unwrap().id;
        for note in ["a", "b"] {
            self.update(&id, note).await;
        }
        id
    }

    async fn update(&self, id: &CollectionId, note: &str) {
        let metadata = Some(format!("{{\"note\":\"{note}\"}}"));
        let update = CollectionUpdate { metadata, ..CollectionUpdate::default() };
        self.host.update_collection(id, update).await.unwrap();
    }

    async fn endpoint(&self, url: &str) -> (SubscriberId, String) {
        let new = NewWebhookEndpoint { url: url.to_owned(), ..NewWebhookEndpoint::default() };
        let (endpoint, secret) = self.host.create_webhook_endpoint(new).await.unwrap();
        (endpoint.id, secret.reveal().to_owned())
    }

    async fn dispatch(&self) {
        self.host.dispatch_due().await.unwrap();
    }

    fn pass(&self, milliseconds: i64) {
        self.clock.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    async fn waiting(&self, id: &SubscriberId) -> u64 {
        self.host.webhook_deliveries(id, Some(DispatchState::Open), ALL).await.unwrap().count
    }
}

fn builder(store: &Arc<dyn Store>, clock: &Arc<Hands>) -> HostBuilder {
    Host::builder().store(Arc::clone(store)).clock(Arc::clone(clock) as Arc<dyn Clock>).without_background_work()
}

fn status(code: u16) -> Response {
    StatusCode::from_u16(code).unwrap().into_response()
}

/// Ids in the order in which they came, each once.
fn told(got: &[Got]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    got.iter().map(|got| got.header("webhook-id").to_owned()).filter(|id| seen.insert(id.clone())).collect()
}

#[tokio::test]
async fn a_webhook_is_signed_and_says_what_happened() {
    let (scene, receiver) = (Scene::new().await, Receiver::obliging().await);
    scene.collection().await;
    let (id, secret) = scene.endpoint(&receiver.url).await;
    // What was before is not told; it can be read as events.
    scene.dispatch().await;
    assert_eq!(receiver.got().len(), 0);

    let collection = scene.collection().await;
    scene.dispatch().await;
    let got = receiver.got();
    assert_eq!(
        receiver.kinds(),
        ["payment_collection.created", "payment_collection.updated", "payment_collection.updated"]
    );
    let events = scene.host.events_after(3, 10).await.unwrap();
    for (got, event) in got.iter().zip(&events) {
        assert_eq!(got.header("webhook-id"), event.id.as_str());
        assert_eq!(got.header("webhook-timestamp"), "1700000000");
        assert_eq!(got.header("content-type"), "application/json");
        assert!(got.is_signed_with(&secret));
        assert!(!got.is_signed_with("whsec_AAAA"));
        assert_eq!(got.json()["timestamp"], "2023-11-14T22:13:20Z");
    }
    let data = &got[0].json()["data"];
    assert_eq!((&data["payment_collection_id"], &data["currency_code"]), (&collection.as_str().into(), &"eur".into()));
    assert_eq!((data["amount_minor"].to_string(), data["amount"].to_string()), ("1050".into(), "10.50".into()));
    // Told is told, and nothing of it stays behind.
    scene.dispatch().await;
    assert_eq!((receiver.got().len(), scene.waiting(&id).await), (3, 0));
}

#[tokio::test]
async fn what_fails_is_told_again_and_holds_up_its_own_collection_alone() {
    let failures = Arc::new(Mutex::new(BTreeMap::<String, u16>::new()));
    let plan = Arc::clone(&failures);
    let receiver =
        Receiver::that(move |got| plan.lock().unwrap().remove(&got.collection()).map_or(status(200), status)).await;
    let scene = Scene::new().await;
    let (id, _) = scene.endpoint(&receiver.url).await;
    let (first, second) = (scene.collection().await, scene.collection().await);
    failures.lock().unwrap().insert(first.to_string(), 500);
    scene.dispatch().await;
    let of = |collection: &CollectionId| {
        receiver.got().into_iter().filter(|got| got.collection() == collection.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((of(&first).len(), of(&second).len()), (1, 3));
    let open = scene.host.webhook_deliveries(&id, None, ALL).await.unwrap();
    assert_eq!((open.count, open.items[0].attempts, &open.items[0].collection), (1, 1, &first));
    assert_eq!(open.items[0].last_error.as_deref(), Some("answered 500 Internal Server Error"));
    // Too early; and what happens meanwhile waits behind it.
    scene.update(&first, "c").await;
    scene.pass(4_000);
    scene.dispatch().await;
    assert_eq!(of(&first).len(), 1);
    scene.pass(2_000);
    scene.dispatch().await;
    let got = of(&first);
    assert_eq!(got.len(), 5);
    assert_eq!((got[0].header("webhook-id"), &got[0].body), (got[1].header("webhook-id"), &got[1].body));
    assert_eq!(got[1].header("webhook-timestamp"), "1700000006");
    let wanted: Vec<String> = scene
        .host
        .events_after(0, 100)
        .await
        .unwrap()
        .into_iter()
        .filter(|event| event.collection == first)
        .map(|event| event.id.to_string())
        .collect();
    assert_eq!(told(&got), wanted);
    assert_eq!(scene.waiting(&id).await, 0);
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_has_not_heard() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let scene = Scene::with(|builder| builder.webhook_ms(50)).await;
    let (slow, _) = scene.endpoint(&url).await;
    let receiver = Receiver::obliging().await;
    scene.endpoint(&receiver.url).await;
    // Nobody listens there any more.
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let (down, _) = scene.endpoint(&format!("http://{gone}/")).await;
    scene.collection().await;
    scene.dispatch().await;
    // Two endpoints are in trouble; the third one heard everything.
    assert_eq!(receiver.got().len(), 3);
    for (id, why) in [(&slow, "no answer within 50 ms"), (&down, "connect")] {
        let open = scene.host.webhook_deliveries(id, Some(DispatchState::Open), ALL).await.unwrap();
        let error = open.items[0].last_error.clone().unwrap();
        assert!(error.to_lowercase().contains(why) && open.items[0].attempts == 1, "{error}");
    }
}

#[tokio::test]
async fn only_success_counts_and_redirects_are_not_followed() {
    let receiver = Receiver::obliging().await;
    let target = receiver.url.clone();
    let redirecting =
        Receiver::that(move |_| (StatusCode::TEMPORARY_REDIRECT, [("location", target.clone())]).into_response()).await;
    let scene = Scene::new().await;
    let (id, _) = scene.endpoint(&redirecting.url).await;
    scene.collection().await;
    scene.dispatch().await;
    assert_eq!((receiver.got().len(), redirecting.got().len()), (0, 1));
    let open = scene.host.webhook_deliveries(&id, None, ALL).await.unwrap().items;
    assert!(open[0].last_error.as_ref().unwrap().contains("redirects are not followed"), "{open:?}");
}

#[tokio::test]
async fn an_answer_without_end_costs_its_connection_and_nothing_else() {
    let endless = Receiver::that(|_| Response::new(Body::new(Repeat(Bytes::from(vec![b'x'; ANSWER_BYTES_MAX]))))).await;
    let scene = Scene::new().await;
    let (id, _) = scene.endpoint(&endless.url).await;
    scene.collection().await;
    tokio::time::timeout(Duration::from_secs(60), scene.dispatch()).await.expect("it does not read for ever");
    assert_eq!((endless.got().len(), scene.waiting(&id).await), (3, 0));
}

#[tokio::test]
async fn what_nobody_takes_for_three_days_is_given_up_and_can_be_told_again() {
    let closed = Arc::new(AtomicUsize::new(1));
    let door = Arc::clone(&closed);
    let receiver = Receiver::that(move |_| status(if door.load(Ordering::SeqCst) == 1 { 503 } else { 200 })).await;
    let scene = Scene::new().await;
    let (id, _) = scene.endpoint(&receiver.url).await;
    scene.collection().await;
    for _ in 0..13 {
        assert_eq!(scene.host.webhook_deliveries(&id, Some(DispatchState::Failed), ALL).await.unwrap().count, 0);
        scene.dispatch().await;
        scene.pass(DAY);
    }
    let failed = scene.host.webhook_deliveries(&id, Some(DispatchState::Failed), ALL).await.unwrap();
    assert_eq!((failed.count, failed.items[0].attempts), (1, 13));
    let first = failed.items[0].event.clone().unwrap();
    assert_eq!(first.as_str(), receiver.got()[0].header("webhook-id"));
    // The next one of the collection has its turn.
    closed.store(0, Ordering::SeqCst);
    scene.pass(DAY);
    scene.dispatch().await;
    assert_eq!((told(&receiver.got()).len(), scene.waiting(&id).await), (3, 0));
    assert_eq!(scene.host.webhook_deliveries(&id, None, ALL).await.unwrap().count, 1);

    let before = receiver.got().len();
    scene.host.redeliver(&id, &first).await.unwrap();
    scene.dispatch().await;
    assert_eq!(
        receiver.got()[before..].iter().map(|got| got.header("webhook-id")).collect::<Vec<_>>(),
        [first.as_str()]
    );
    assert_eq!(scene.host.webhook_deliveries(&id, None, ALL).await.unwrap().count, 0);
    // One that was taken can be told again, too.
    scene.host.redeliver(&id, &first).await.unwrap();
    scene.dispatch().await;
    assert_eq!(receiver.got().len(), before + 2);
    let unknown = scene.host.redeliver(&id, &EventId::from_tail("none")).await.unwrap_err();
    assert_eq!(unknown.code(), "not_found");
}

#[tokio::test]
async fn everything_that_was_given_up_is_told_again_at_once() {
    let closed = Arc::new(AtomicUsize::new(1));
    let door = Arc::clone(&closed);
    let receiver = Receiver::that(move |_| status(if door.load(Ordering::SeqCst) == 1 { 500 } else { 200 })).await;
    let scene = Scene::new().await;
    let (id, _) = scene.endpoint(&receiver.url).await;
    scene.host.create_collection(NewCollection::new(money("1", "EUR").unwrap())).await.unwrap();
    scene.host.create_collection(NewCollection::new(money("2", "EUR").unwrap())).await.unwrap();
    for _ in 0..13 {
        scene.dispatch().await;
        scene.pass(DAY);
    }
    assert_eq!(scene.host.webhook_deliveries(&id, Some(DispatchState::Failed), ALL).await.unwrap().count, 2);
    closed.store(0, Ordering::SeqCst);
    let before = receiver.got().len();
    scene.host.redeliver_failed(&id).await.unwrap();
    scene.dispatch().await;
    assert_eq!(receiver.got().len(), before + 2);
    assert_eq!(scene.host.webhook_deliveries(&id, None, ALL).await.unwrap().count, 0);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_asked_until_its_owner_says_so() {
    let gone = Arc::new(AtomicUsize::new(1));
    let state = Arc::clone(&gone);
    let receiver = Receiver::that(move |_| status(if state.load(Ordering::SeqCst) == 1 { 410 } else { 200 })).await;
    let scene = Scene::new().await;
    let (id, _) = scene.endpoint(&receiver.url).await;
    scene.collection().await;
    scene.dispatch().await;
    let endpoint = scene.host.webhook_endpoint(&id).await.unwrap();
    assert!(!endpoint.is_enabled && endpoint.disabled_reason.unwrap().contains("410"));
    scene.collection().await;
    scene.pass(DAY);
    scene.dispatch().await;
    assert_eq!(receiver.got().len(), 1);
    // Nothing is lost: what waited is told, and what happened meanwhile.
    gone.store(0, Ordering::SeqCst);
    let enable = WebhookEndpointUpdate { is_enabled: Some(true), ..WebhookEndpointUpdate::default() };
    assert_eq!(scene.host.update_webhook_endpoint(&id, enable).await.unwrap().disabled_reason, None);
    scene.dispatch().await;
    assert_eq!((told(&receiver.got()).len(), scene.waiting(&id).await), (6, 0));
}

#[tokio::test]
async fn a_filter_lets_through_what_it_names() {
    let scene = Scene::new().await;
    let (updates, all) = (Receiver::obliging().await, Receiver::obliging().await);
    let events = vec!["payment_collection.updated".to_owned(), "payment.*".to_owned()];
    let new = NewWebhookEndpoint { url: updates.url.clone(), events, description: None };
    let (filtered, _) = scene.host.create_webhook_endpoint(new).await.unwrap();
    scene.endpoint(&all.url).await;
    scene.collection().await;
    scene.dispatch().await;
    assert_eq!(updates.kinds(), ["payment_collection.updated"; 2]);
    assert_eq!(all.got().len(), 3);
    // By its id, an operator gets anything told.
    let created = scene.host.events_after(0, 1).await.unwrap()[0].id.clone();
    scene.host.redeliver(&filtered.id, &created).await.unwrap();
    scene.dispatch().await;
    assert_eq!(updates.kinds()[2], "payment_collection.created");
}

#[tokio::test]
async fn two_secrets_sign_while_one_is_being_replaced() {
    let (scene, receiver) = (Scene::new().await, Receiver::obliging().await);
    let (id, old) = scene.endpoint(&receiver.url).await;
    let (endpoint, issued) = scene.host.rotate_webhook_secret(&id).await.unwrap();
    let new = issued.reveal().to_owned();
    assert_eq!(endpoint.previous_secret_until, Some(Timestamp(1_700_000_000_000 + ROTATION_MS)));
    scene.collection().await;
    scene.dispatch().await;
    let got = receiver.got();
    assert_eq!(got[0].header("webhook-signature").split(' ').count(), 2);
    assert!(got.iter().all(|got| got.is_signed_with(&old) && got.is_signed_with(&new)));
    scene.pass(ROTATION_MS);
    scene.collection().await;
    scene.dispatch().await;
    let last = receiver.got().pop().unwrap();
    assert!(last.is_signed_with(&new) && !last.is_signed_with(&old));
    // Whoever looks at the host sees neither.
    let shown = format!(
        "{issued:?} {endpoint:?} {:?} {:?}",
        scene.host.webhook_endpoints().await.unwrap(),
        scene.store.subscribers().await.unwrap()
    );
    for secret in [&old, &new] {
        let bytes = format!("{:?}", STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap());
        assert!(!shown.contains(secret.as_str()) && !shown.contains(&bytes), "{shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_by_name() {
    let scene = Scene::new().await;
    let refused = async |url: &str, events: &[&str]| {
        let events = events.iter().map(|kind| (*kind).to_owned()).collect();
        let new = NewWebhookEndpoint { url: url.to_owned(), events, description: None };
        scene.host.create_webhook_endpoint(new).await.unwrap_err().to_string()
    };
    let good = "https://shop.example/hooks";
    assert!(refused("http://shop.example/hooks", &[]).await.starts_with("url: must be https"));
    assert!(refused("nowhere", &[]).await.starts_with("url: "));
    for kind in ["", "*", "payment*", "Payment.captured", "payment..x", "payment.captured\n", &"a".repeat(65)] {
        assert!(refused(good, &[kind]).await.starts_with("events: "), "{kind}");
    }
    assert!(refused(good, &["a"; FILTER_KINDS_MAX + 1]).await.contains("at most 32"));
    for _ in 0..SUBSCRIBERS_MAX {
        scene.endpoint(good).await;
    }
    assert!(refused(good, &[]).await.contains("remove one first"));
    let endpoints = scene.host.webhook_endpoints().await.unwrap();
    scene.host.delete_webhook_endpoint(&endpoints[0].id).await.unwrap();
    assert_eq!(scene.host.delete_webhook_endpoint(&endpoints[0].id).await.unwrap_err().code(), "not_found");
    scene.endpoint(good).await;
    let nobody = SubscriberId::parse("sub_ledger").unwrap();
    assert_eq!(scene.host.webhook_endpoint(&nobody).await.unwrap_err().code(), "not_found");
    // In a network of one's own the operator may say otherwise.
    let open = Scene::with(HostBuilder::plain_http_webhooks).await;
    open.endpoint("http://shop.example/hooks").await;
}

type Heard = Arc<Mutex<Vec<OutboxEvent>>>;

/// A subscriber in the process that does as its function says.
struct Ledger<F>(F);

#[async_trait]
impl<F, R> Subscriber for Ledger<F>
where
    F: Fn(OutboxEvent) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), NotHeard>> + Send,
{
    async fn hear(&self, event: &OutboxEvent) -> Result<(), NotHeard> {
        (self.0)(event.clone()).await
    }
}

fn ledger<R>(hear: impl Fn(OutboxEvent) -> R + Send + Sync + 'static) -> Arc<dyn Subscriber>
where
    R: Future<Output = Result<(), NotHeard>> + Send + 'static,
{
    Arc::new(Ledger(hear))
}

fn writing_to(heard: &Heard) -> Arc<dyn Subscriber> {
    let heard = Arc::clone(heard);
    ledger(move |event| {
        heard.lock().unwrap().push(event);
        async { Ok(()) }
    })
}

fn ids(heard: &Heard) -> Vec<EventId> {
    heard.lock().unwrap().iter().map(|event| event.id.clone()).collect()
}

#[tokio::test]
async fn a_subscriber_in_the_process_goes_on_where_it_ended() {
    let heard = Heard::default();
    let scene = Scene::with(|builder| builder.subscriber("ledger", writing_to(&heard))).await;
    scene.collection().await;
    scene.dispatch().await;
    assert_eq!(heard.lock().unwrap().len(), 3);
    // A host that does not have it cannot tell it, and does not take its work away.
    let other = builder(&scene.store, &scene.clock).build().await.unwrap();
    let collection = scene.collection().await;
    assert_eq!(other.dispatch_due().await.unwrap(), 0);
    // The next start hears what happened in between.
    let later = Heard::default();
    let next = builder(&scene.store, &scene.clock).subscriber("ledger", writing_to(&later)).build().await.unwrap();
    next.dispatch_due().await.unwrap();
    assert_eq!(ids(&later), next.events_after(3, 9).await.unwrap().iter().map(|e| e.id.clone()).collect::<Vec<_>>());
    assert!(later.lock().unwrap().iter().all(|event| event.collection == collection));
    for name in ["", "a b", "led/ger"] {
        let named = Host::builder().in_memory().subscriber(name, writing_to(&later)).build().await;
        assert_eq!(named.unwrap_err().code(), "invalid_data");
    }
    let twice = Host::builder().in_memory().subscriber("a", writing_to(&later)).subscriber("a", writing_to(&later));
    assert!(twice.build().await.unwrap_err().to_string().contains("twice"));
    for late in [0, 15_001] {
        assert!(Host::builder().in_memory().webhook_ms(late).build().await.is_err());
    }
    for late in [0, 30_001] {
        assert!(Host::builder().in_memory().subscriber_ms(late).build().await.is_err());
    }
}

#[tokio::test]
async fn an_error_a_panic_and_silence_are_not_hearing() {
    let times = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&times);
    let heard = Heard::default();
    let ears = Arc::clone(&heard);
    let moody = ledger(move |event| {
        let (time, ears) = (count.fetch_add(1, Ordering::SeqCst), Arc::clone(&ears));
        async move {
            match time {
                0 => Err("not now".into()),
                1 => panic!("a bug of the subscriber"),
                2 => std::future::pending().await,
                _ => {
                    ears.lock().unwrap().push(event);
                    Ok(())
                }
            }
        }
    });
    let scene = Scene::with(|builder| builder.subscriber("moody", moody).subscriber_ms(20)).await;
    scene.collection().await;
    let id = SubscriberId::parse("sub_moody").unwrap();
    for (attempts, why) in [(1, "not now"), (2, "a bug of the subscriber"), (3, "no answer within 20 ms")] {
        scene.dispatch().await;
        let open = scene.store.list_dispatches(id.clone(), None, ALL).await.unwrap().items;
        let error = open[0].last_error.clone().unwrap();
        assert!(open[0].attempts == attempts && error.contains(why), "{error}");
        scene.pass(DAY);
    }
    scene.dispatch().await;
    let events = scene.host.events_after(0, 9).await.unwrap();
    assert_eq!(ids(&heard), events.iter().map(|event| event.id.clone()).collect::<Vec<_>>());
    assert_eq!(times.load(Ordering::SeqCst), 6);
}

/// The process dies after the subscriber heard and before that is written down.
#[tokio::test]
async fn a_crash_between_hearing_and_writing_it_down_repeats_the_event() {
    let (heard, reached) = (Heard::default(), Arc::new(Notify::new()));
    let (ears, tell) = (Arc::clone(&heard), Arc::clone(&reached));
    let dies = ledger(move |event| {
        ears.lock().unwrap().push(event);
        tell.notify_one();
        std::future::pending()
    });
    let scene = Scene::with(|builder| builder.subscriber("ledger", dies)).await;
    scene.collection().await;
    let dying = scene.host.clone();
    let dead = tokio::spawn(async move { dying.dispatch_due().await });
    reached.notified().await;
    dead.abort();
    let _ = dead.await;
    let again = Heard::default();
    let next = builder(&scene.store, &scene.clock).subscriber("ledger", writing_to(&again)).build().await.unwrap();
    // While the claim may still be somebody's, nobody else tells it.
    next.dispatch_due().await.unwrap();
    assert!(again.lock().unwrap().is_empty());
    scene.pass(120_000);
    next.dispatch_due().await.unwrap();
    let events: Vec<EventId> = next.events_after(0, 9).await.unwrap().into_iter().map(|event| event.id).collect();
    assert_eq!((ids(&heard), ids(&again)), (vec![events[0].clone()], events));
}

/// Nobody is asked more often at once than there are lanes, and one who hangs keeps nobody waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_once_are_limited_for_each_subscriber() {
    let (inside, most, door) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, top, latch) = (Arc::clone(&inside), Arc::clone(&most), Arc::clone(&door));
    let slow = ledger(move |_| {
        let (count, top, latch) = (Arc::clone(&count), Arc::clone(&top), Arc::clone(&latch));
        async move {
            top.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            latch.acquire().await?.forget();
            count.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let (heard, all) = (Heard::default(), Arc::new(Notify::new()));
    let (ears, bell) = (Arc::clone(&heard), Arc::clone(&all));
    let quick = ledger(move |event| {
        let mut heard = ears.lock().unwrap();
        heard.push(event);
        if heard.len() == 3 * LANES_MAX {
            bell.notify_one();
        }
        async { Ok(()) }
    });
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    let host = Host::builder().store(store).subscriber("slow", slow).subscriber("quick", quick).build().await.unwrap();
    for _ in 0..3 * LANES_MAX {
        host.create_collection(NewCollection::new(money("1", "EUR").unwrap())).await.unwrap();
    }
    // By itself, while the slow one has heard nothing to the end.
    tokio::time::timeout(Duration::from_secs(60), all.notified()).await.expect("the quick one hears everything");
    while inside.load(Ordering::SeqCst) < LANES_MAX {
        tokio::task::yield_now().await;
    }
    door.add_permits(3 * LANES_MAX);
    while door.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    host.stop_background_work().await;
    assert_eq!(most.load(Ordering::SeqCst), LANES_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_tells_by_itself_and_stops_when_it_is_told_to() {
    let (receiver, folder) = (Receiver::obliging().await, tempfile::tempdir().unwrap());
    let host = Host::builder().database(folder.path().join("till.db")).build().await.unwrap();
    let new = NewWebhookEndpoint { url: receiver.url.clone(), ..NewWebhookEndpoint::default() };
    host.create_webhook_endpoint(new).await.unwrap();
    host.create_collection(NewCollection::new(money("1", "EUR").unwrap())).await.unwrap();
    let heard = async {
        while receiver.got().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), heard).await.expect("it is told");
    tokio::time::timeout(Duration::from_secs(60), host.stop_background_work()).await.expect("it stops");
    host.create_collection(NewCollection::new(money("1", "EUR").unwrap())).await.unwrap();
    assert_eq!(receiver.got().len(), 1);
    host.dispatch_due().await.unwrap();
    assert_eq!(receiver.got().len(), 2);
}

/// The same chunk for ever.
struct Repeat(Bytes);

impl HttpBody for Repeat {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(self.0.clone()))))
    }
}
