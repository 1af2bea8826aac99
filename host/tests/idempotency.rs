//! A request made again with the same key has one effect and the first answer, whatever happened in between: a lost reply, a
//! holder that died, a state that changed. The provider is scripted, the store real.
//!
//! Long because every family of requests has its turn against one scene.

mod scripted;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use scripted::{Scripted, error, lost, outcome, shared, snapshot};
use tillbox::clock::Clock;
use tillbox::core::id::{CollectionId, PaymentId, ProviderId, SessionId};
use tillbox::core::operation::{OperationKind, OperationState};
use tillbox::core::outcome::{Decline, DeclineClass, ErrorKind, ProviderStatus};
use tillbox::core::status::{CollectionStatus, SessionStatus};
use tillbox::core::{Money, Timestamp};
use tillbox::currency::money;
use tillbox::runtime::{Failure, Fault, Reach};
use tillbox::service::{
    Authorization, CollectionUpdate, CollectionUpsert, Done, IDEMPOTENCY_KEY_MS, IdempotencyKey, NewCollection,
    NewRefund, NewRefundReason, NewSession, NewWebhookEndpoint, PaymentView, RefundReasonUpdate, SessionUpdate,
    Verdict, WebhookEndpointUpdate,
};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{CollectionFilter, Page, Store};
use tillbox::{Error, Host};

/// Clients at once.
const CLIENTS: usize = 32;

const HOUR_MS: i64 = 60 * 60 * 1_000;

#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct Scene {
    host: Host,
    provider: Arc<Scripted>,
    clock: Arc<Hands>,
}

fn euro(text: &str) -> Money {
    money(text, "EUR").unwrap()
}

fn provider_id() -> ProviderId {
    ProviderId::parse("pp_scripted_default").unwrap()
}

impl Scene {
    async fn new(reach: Reach) -> Self {
        let (provider, installed) = shared(Scripted::new(reach));
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
        let clock = Arc::new(Hands(AtomicI64::new(1_800_000_000_000)));
        let host =
            Host::builder().store(store).provider("default", installed).clock(Arc::clone(&clock) as Arc<dyn Clock>);
        Self { host: host.build().await.unwrap(), provider, clock }
    }

    /// A handle for one request.
    fn keyed(&self, key: &str) -> Host {
        self.host.with_key(IdempotencyKey::new("till", key).unwrap())
    }

    fn later(&self, milliseconds: i64) {
        self.clock.0.fetch_add(milliseconds, Ordering::SeqCst);
    }

    async fn collection(&self) -> CollectionId {
        self.host.create_collection(NewCollection::new(euro("100.00"))).await.unwrap().id
    }

    async fn session(&self) -> SessionId {
        let collection = self.collection().await;
        self.host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value.id
    }

    /// A payment of 100.00 EUR, authorized.
    async fn payment(&self) -> PaymentId {
        let session = self.session().await;
        self.host.authorize_session(&session, None).await.unwrap().value.payment.unwrap().payment.id
    }

    async fn captured(&self, payment: &PaymentId) -> (Money, usize) {
        let view = self.host.payment(payment).await.unwrap();
        (view.captured, view.captures.len())
    }

    fn asked(&self, kind: OperationKind) -> usize {
        self.provider.seen().iter().filter(|seen| seen.kind == kind).count()
    }
}

#[tokio::test]
async fn the_first_answer_is_given_again_whatever_became_of_the_payment() {
    for reach in [Reach::Network, Reach::Nowhere] {
        let scene = Scene::new(reach).await;
        let payment = scene.payment().await;
        let keyed = scene.keyed("a");
        let first = keyed.capture(&payment, Some(euro("40.00"))).await.unwrap();
        assert!(!keyed.replayed());
        scene.host.capture(&payment, Some(euro("25.00"))).await.unwrap();
        scene.host.refund(&payment, NewRefund { amount: Some(euro("5.00")), ..NewRefund::default() }).await.unwrap();
        let again = scene.keyed("a");
        let second = again.capture(&payment, Some(euro("40.0"))).await.unwrap();
        assert!(again.replayed());
        assert_eq!((&second.value, second.operation), (&first.value, first.operation));
        assert_eq!(second.value.captured, euro("40.00"));
        assert_eq!(scene.asked(OperationKind::Capture), 2);
        assert_eq!(scene.captured(&payment).await, (euro("65.00"), 2));
    }
}

#[tokio::test]
async fn a_key_used_for_something_else_names_what_differs() {
    let scene = Scene::new(Reach::Network).await;
    let (payment, other) = (scene.payment().await, scene.payment().await);
    scene.keyed("a").capture(&payment, Some(euro("40.00"))).await.unwrap();
    let field = |error: Error| {
        let Error::KeyReused { field } = error else { panic!("{error}") };
        field
    };
    let keyed = scene.keyed("a");
    assert_eq!(field(keyed.capture(&payment, Some(euro("41.00"))).await.unwrap_err()), "amount");
    assert_eq!(field(keyed.capture(&payment, None).await.unwrap_err()), "amount");
    assert_eq!(field(keyed.capture(&other, Some(euro("40.00"))).await.unwrap_err()), "id");
    assert_eq!(field(keyed.refund(&payment, NewRefund::default()).await.unwrap_err()), "route");
    let new = NewCollection::new(euro("40.00"));
    assert_eq!(field(keyed.create_collection(new).await.unwrap_err()), "route");
    assert_eq!((scene.captured(&payment).await.1, scene.captured(&other).await.1), (1, 0));
    // Another caller's key of the same name is another key.
    let stranger = scene.host.with_key(IdempotencyKey::new("stranger", "a").unwrap());
    stranger.capture(&other, None).await.unwrap();
}

/// Runs one request with one key from many clients; what they were answered, those told to come back left out.
async fn crowd<T, F>(scene: &Scene, key: &str, ask: impl Fn(Host) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(ask(scene.keyed(key)))).collect();
    let mut answers = Vec::new();
    for client in clients {
        match client.await.unwrap() {
            Ok(answer) => answers.push(answer),
            Err(Error::KeyInUse { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    // Whoever comes back gets the answer.
    answers.push(ask(scene.keyed(key)).await.unwrap());
    answers
}

fn all_equal<T: PartialEq + std::fmt::Debug>(answers: &[T]) {
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_clients_with_one_key_have_one_effect_and_one_answer() {
    for reach in [Reach::Network, Reach::Nowhere] {
        let scene = Scene::new(reach).await;
        let made = crowd(&scene, "collection", |host| async move {
            host.create_collection(NewCollection::new(euro("100.00"))).await
        });
        let made = made.await;
        all_equal(&made);
        let collection = made[0].id.clone();
        assert_eq!(scene.host.collections(tillbox::store::Page { offset: 0, limit: 9 }).await.unwrap().count, 1);

        let id = collection.clone();
        let opened = crowd(&scene, "session", move |host| {
            let id = id.clone();
            async move { host.create_session(&id, NewSession::new(provider_id())).await.map(|done| done.value) }
        });
        let opened = opened.await;
        all_equal(&opened);
        let session = opened[0].id.clone();
        assert_eq!(scene.host.collection(&collection).await.unwrap().sessions.len(), 1);

        let authorized = crowd(&scene, "authorize", move |host| {
            let id = session.clone();
            async move { host.authorize_session(&id, None).await.map(|done: Done<Authorization>| done.value) }
        });
        let authorized = authorized.await;
        all_equal(&authorized);
        let payment = authorized[0].payment.as_ref().unwrap().payment.id.clone();
        assert_eq!(scene.host.collection(&collection).await.unwrap().payments.len(), 1);

        let id = payment.clone();
        let captured = crowd(&scene, "capture", move |host| {
            let id = id.clone();
            async move { host.capture(&id, Some(euro("30.00"))).await.map(|done: Done<PaymentView>| done.value) }
        });
        all_equal(&captured.await);
        assert_eq!(scene.captured(&payment).await, (euro("30.00"), 1));

        let id = payment.clone();
        let refunded = crowd(&scene, "refund", move |host| {
            let (id, refund) = (
                id.clone(),
                NewRefund { amount: Some(euro("10.00")), note: Some("late".into()), ..NewRefund::default() },
            );
            async move { host.refund(&id, refund).await.map(|done| done.value) }
        });
        all_equal(&refunded.await);
        assert_eq!(scene.host.payment(&payment).await.unwrap().refunds.len(), 1);
        if reach == Reach::Network {
            for kind in
                [OperationKind::Initiate, OperationKind::Authorize, OperationKind::Capture, OperationKind::Refund]
            {
                assert_eq!(scene.asked(kind), 1, "{kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_holder_that_dies_is_followed_once_its_lease_has_ended() {
    let scene = Scene::new(Reach::Network).await;
    let payment = scene.payment().await;
    scene.provider.hang_once();
    let holder = tokio::spawn({
        let (host, payment) = (scene.keyed("a"), payment.clone());
        async move { host.capture(&payment, Some(euro("40.00"))).await.map(|_| ()) }
    });
    while scene.host.payment(&payment).await.unwrap().reserved_captures.is_zero() {
        tokio::task::yield_now().await;
    }
    let under_way = scene.keyed("a").capture(&payment, Some(euro("40.00"))).await.unwrap_err();
    assert_eq!(under_way.code(), "idempotency_key_in_use");
    assert!(under_way.operation().is_some() && under_way.request_may_have_been_sent());
    holder.abort();
    assert!(holder.await.unwrap_err().is_cancelled());
    let still = scene.keyed("a").capture(&payment, Some(euro("40.00"))).await.unwrap_err();
    assert_eq!(still.code(), "idempotency_key_in_use", "nobody can tell that it died");

    scene.later(HOUR_MS);
    let happened = outcome(ProviderStatus::Captured, Some(euro("40.00")));
    scene.provider.will_know(Ok(snapshot(happened.clone(), Some(happened), euro("40.00"))));
    let resumed = scene.keyed("a").capture(&payment, Some(euro("40.00"))).await.unwrap();
    assert_eq!(resumed.operation.unwrap().id, *under_way.operation().unwrap());
    let again = scene.keyed("a");
    assert_eq!(again.capture(&payment, Some(euro("40.00"))).await.unwrap().value, resumed.value);
    assert!(again.replayed());
    assert_eq!(scene.captured(&payment).await, (euro("40.00"), 1));
    assert_eq!(scene.asked(OperationKind::Capture), 0, "the only call never came to its answer");
}

#[tokio::test]
async fn an_unknown_end_is_not_kept_and_a_retry_asks() {
    let scene = Scene::new(Reach::Network).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Err(lost()));
    let open = scene.keyed("a").capture(&payment, None).await.unwrap_err();
    assert_eq!(open.code(), "outcome_unknown");
    scene.provider.will_know(Err(lost()));
    let still = scene.keyed("a").capture(&payment, None).await.unwrap_err();
    assert_eq!((still.code(), still.operation()), ("outcome_unknown", open.operation()));
    let happened = outcome(ProviderStatus::Captured, Some(euro("100.00")));
    scene.provider.will_know(Ok(snapshot(happened.clone(), Some(happened), euro("100.00"))));
    scene.later(HOUR_MS);
    let known = scene.keyed("a").capture(&payment, None).await.unwrap();
    assert_eq!(known.value.captured, euro("100.00"));
    assert_eq!(known.operation.map(|operation| operation.id).as_ref(), open.operation());
    assert_eq!(scene.asked(OperationKind::Capture), 1);
}

#[tokio::test]
async fn what_was_settled_meanwhile_is_the_answer() {
    let scene = Scene::new(Reach::Network).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Err(lost()));
    let open = scene.keyed("a").capture(&payment, None).await.unwrap_err();
    let happened = outcome(ProviderStatus::Captured, Some(euro("100.00")));
    scene.provider.will_know(Ok(snapshot(happened.clone(), Some(happened), euro("100.00"))));
    scene.later(HOUR_MS);
    let settled = scene.host.recheck(open.operation().unwrap()).await.unwrap();
    assert_eq!(settled.state, OperationState::Succeeded);
    assert_eq!(scene.keyed("a").capture(&payment, None).await.unwrap().value.captured, euro("100.00"));
    assert_eq!(scene.asked(OperationKind::Capture), 1);
}

#[tokio::test]
async fn a_proof_that_nothing_happened_makes_room_for_another_attempt() {
    let trap = || Fault::Trap { message: "unreachable".to_owned(), frames: Vec::new(), stderr: String::new() };
    let first = [
        (Reach::Network, lost()),
        (Reach::Network, error(ErrorKind::RateLimited { retry_after_ms: 500 })),
        (Reach::Network, error(ErrorKind::Unavailable)),
        (Reach::Nowhere, Failure::Fault(trap())),
    ];
    for (reach, failure) in first {
        let scene = Scene::new(reach).await;
        let payment = scene.payment().await;
        scene.provider.will(OperationKind::Capture, Err(failure));
        let failed = scene.keyed("a").capture(&payment, Some(euro("40.00"))).await.unwrap_err();
        // It is bound to its request all the same.
        let other = scene.keyed("a").capture(&payment, Some(euro("41.00"))).await.unwrap_err();
        assert_eq!(other.code(), "idempotency_key_reused");
        scene.later(HOUR_MS);
        let done = scene.keyed("a").capture(&payment, Some(euro("40.00"))).await.unwrap();
        assert_ne!(done.operation.as_ref().map(|operation| &operation.id), failed.operation());
        let again = scene.keyed("a");
        assert_eq!(again.capture(&payment, Some(euro("40.00"))).await.unwrap().value, done.value);
        assert!(again.replayed());
        assert_eq!(scene.captured(&payment).await, (euro("40.00"), 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_retries_of_a_failed_request_have_one_effect() {
    for reach in [Reach::Network, Reach::Nowhere] {
        let scene = Scene::new(reach).await;
        let payment = scene.payment().await;
        scene.provider.will(OperationKind::Capture, Err(error(ErrorKind::Unavailable)));
        scene.keyed("a").capture(&payment, Some(euro("10.00"))).await.unwrap_err();
        let id = payment.clone();
        let answers = crowd(&scene, "a", move |host| {
            let id = id.clone();
            async move { host.capture(&id, Some(euro("10.00"))).await.map(|done| done.value) }
        });
        all_equal(&answers.await);
        assert_eq!(scene.captured(&payment).await, (euro("10.00"), 1));
    }
}

#[tokio::test]
async fn a_no_stays_a_no() {
    for reach in [Reach::Network, Reach::Nowhere] {
        let scene = Scene::new(reach).await;
        let payment = scene.payment().await;
        scene.provider.will(OperationKind::Capture, Err(error(ErrorKind::InvalidRequest)));
        let first = scene.keyed("a").capture(&payment, None).await.unwrap_err();
        let again = scene.keyed("a");
        let second = again.capture(&payment, None).await.unwrap_err();
        assert!(again.replayed() && matches!(first, Error::Rejected { .. }), "{first}");
        assert_eq!((first.to_string(), first.operation()), (second.to_string(), second.operation()));
        assert_eq!(scene.asked(OperationKind::Capture), 1);

        let session = scene.session().await;
        let mut declined = outcome(ProviderStatus::Declined, None);
        let decline = Decline { class: DeclineClass::Unspecified, code: "no\0".into(), message: "No.\0".into() };
        declined.decline = Some(decline);
        scene.provider.will(OperationKind::Authorize, Ok(declined));
        let first = scene.keyed("b").authorize_session(&session, None).await.unwrap();
        assert_eq!((first.value.session.status, &first.value.payment), (SessionStatus::Error, &None));
        // Without the key the payer tries again, and it passes; the key's answer is still the decline.
        assert!(scene.host.authorize_session(&session, None).await.unwrap().value.payment.is_some());
        let second = scene.keyed("b").authorize_session(&session, None).await.unwrap();
        assert_eq!(second.value, first.value);
    }
}

#[tokio::test]
async fn a_refusal_before_anything_was_asked_is_not_kept() {
    let scene = Scene::new(Reach::Network).await;
    let payment = scene.payment().await;
    let refused = scene.keyed("a").capture(&payment, Some(euro("100.01"))).await.unwrap_err();
    assert_eq!(refused.code(), "exceeds_authorized");
    assert_eq!(scene.keyed("a").capture(&payment, None).await.unwrap().value.captured, euro("100.00"));
}

#[tokio::test]
async fn an_answer_without_an_effect_is_given_again_too() {
    let scene = Scene::new(Reach::Network).await;
    let payment = scene.payment().await;
    scene.host.capture(&payment, None).await.unwrap();
    let first = scene.keyed("a").capture(&payment, None).await.unwrap();
    assert!(first.operation.is_none());
    scene.host.refund(&payment, NewRefund::default()).await.unwrap();
    let again = scene.keyed("a");
    assert_eq!(again.capture(&payment, None).await.unwrap().value, first.value);
    assert!(again.replayed());
}

#[tokio::test]
async fn sessions_and_collections_are_changed_once() {
    let scene = Scene::new(Reach::Network).await;
    let session = scene.session().await;
    let update = || SessionUpdate {
        amount: Some(euro("50.00")),
        data: Some(r#"{"card":1}"#.to_owned()),
        ..SessionUpdate::default()
    };
    let first = scene.keyed("update").update_session(&session, update()).await.unwrap();
    scene.host.update_session(&session, SessionUpdate::default()).await.unwrap();
    assert_eq!(scene.keyed("update").update_session(&session, update()).await.unwrap().value, first.value);
    scene.keyed("delete").delete_session(&session).await.unwrap();
    scene.keyed("delete").delete_session(&session).await.unwrap();
    assert_eq!(scene.host.delete_session(&session).await.unwrap_err().code(), "not_found");
    assert_eq!(scene.keyed("update").update_session(&session, update()).await.unwrap().value, first.value);
    assert_eq!((scene.asked(OperationKind::Update), scene.asked(OperationKind::Delete)), (2, 1));

    let collection = scene.collection().await;
    let notes = |text: &str| CollectionUpdate { amount: None, metadata: Some(text.to_owned()) };
    let first = scene.keyed("notes").update_collection(&collection, notes(r#"{"a":1}"#)).await.unwrap();
    let less = CollectionUpdate { amount: Some(euro("70.00")), metadata: None };
    scene.host.update_collection(&collection, less).await.unwrap();
    assert_eq!(scene.keyed("notes").update_collection(&collection, notes(r#"{"a":1}"#)).await.unwrap(), first);
    let other = scene.keyed("notes").update_collection(&collection, notes(r#"{"a":2}"#)).await.unwrap_err();
    assert!(other.to_string().starts_with("metadata.a: "), "{other}");
    let completed = scene.keyed("complete").complete_collection(&collection).await.unwrap();
    scene.keyed("gone").delete_collection(&collection).await.unwrap();
    scene.keyed("gone").delete_collection(&collection).await.unwrap();
    assert_eq!(scene.host.delete_collection(&collection).await.unwrap_err().code(), "not_found");
    assert_eq!(scene.keyed("complete").complete_collection(&collection).await.unwrap(), completed);
    assert_eq!(scene.keyed("notes").update_collection(&collection, notes(r#"{"a":1}"#)).await.unwrap(), first);
    // Of several, those that are gone already are passed over when the request is made again under its key.
    let left = scene.host.create_collection(NewCollection::new(euro("1.00"))).await.unwrap().id;
    let several = [collection, left.clone()];
    assert_eq!(scene.host.delete_collections(&several).await.unwrap_err().code(), "not_found");
    for _ in 0..2 {
        scene.keyed("many").delete_collections(&several).await.unwrap();
    }
    assert_eq!(scene.host.collection(&left).await.unwrap_err().code(), "not_found");
    let other = scene.keyed("many").delete_collections(&several[1..]).await.unwrap_err();
    assert_eq!(other.code(), "idempotency_key_reused");
}

#[tokio::test]
async fn canceling_goes_on_where_it_stopped() {
    let scene = Scene::new(Reach::Network).await;
    let collection = scene.collection().await;
    for _ in 0..2 {
        let new = NewSession::new(provider_id()).amount(euro("50.00"));
        let session = scene.host.create_session(&collection, new).await.unwrap().value.id;
        scene.host.authorize_session(&session, None).await.unwrap();
    }
    scene.provider.will(OperationKind::Cancel, Ok(outcome(ProviderStatus::Canceled, None)));
    scene.provider.will(OperationKind::Cancel, Err(error(ErrorKind::Unavailable)));
    let stopped = scene.keyed("a").cancel_collection(&collection).await.unwrap_err();
    assert!(matches!(stopped, Error::Rejected { .. }), "{stopped}");
    let done = scene.keyed("a").cancel_collection(&collection).await.unwrap();
    assert_eq!(done.status, CollectionStatus::Canceled);
    assert_eq!(scene.asked(OperationKind::Cancel), 3);
    assert_eq!(scene.keyed("a").cancel_collection(&collection).await.unwrap(), done);
    assert_eq!(scene.host.cancel_collection(&collection).await.unwrap_err().code(), "collection_closed");
}

#[tokio::test]
async fn a_key_expires_and_its_operation_does_not() {
    let scene = Scene::new(Reach::Network).await;
    let payment = scene.payment().await;
    let first = scene.keyed("a").capture(&payment, Some(euro("40.00"))).await.unwrap();
    scene.later(IDEMPOTENCY_KEY_MS - 1);
    let again = scene.keyed("a");
    again.capture(&payment, Some(euro("40.00"))).await.unwrap();
    assert!(again.replayed());
    assert_eq!(scene.host.purge_expired_keys().await.unwrap(), 0);
    scene.later(1);
    // Expired, deleted or not: the key is a new one.
    let second = scene.keyed("a").capture(&payment, Some(euro("41.00"))).await.unwrap();
    assert_ne!(second.operation.unwrap().id, first.operation.as_ref().unwrap().id);
    assert_eq!(scene.captured(&payment).await, (euro("81.00"), 2));
    assert_eq!(scene.host.operation(&first.operation.unwrap().id).await.unwrap().state, OperationState::Succeeded);
    scene.later(IDEMPOTENCY_KEY_MS);
    assert_eq!(scene.host.purge_expired_keys().await.unwrap(), 1);
    assert_eq!(scene.host.purge_expired_keys().await.unwrap(), 0);
}

/// Everything, for counting.
const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

fn named(label: &str) -> NewRefundReason {
    let metadata = Some(r#"{"a":1.50}"#.to_owned());
    NewRefundReason { label: label.to_owned(), metadata, ..NewRefundReason::default() }
}

fn differs(error: &Error) -> &str {
    let Error::KeyReused { field } = error else { panic!("{error}") };
    field
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reasons_are_made_changed_and_deleted_once() {
    let scene = Scene::new(Reach::Network).await;
    let seeded = scene.host.refund_reasons(ALL).await.unwrap().count;
    let made = crowd(&scene, "make", |host| async move { host.create_refund_reason(named("Late")).await }).await;
    all_equal(&made);
    let id = made[0].id.clone();
    let update = || RefundReasonUpdate { label: Some("Too late".into()), ..RefundReasonUpdate::default() };
    let changed = scene.keyed("change").update_refund_reason(&id, update()).await.unwrap();
    let again = RefundReasonUpdate { description: Some("more".into()), ..RefundReasonUpdate::default() };
    scene.host.update_refund_reason(&id, again.clone()).await.unwrap();
    let keyed = scene.keyed("change");
    assert_eq!(keyed.update_refund_reason(&id, update()).await.unwrap(), changed);
    assert!(keyed.replayed());
    assert_eq!(differs(&keyed.update_refund_reason(&id, again).await.unwrap_err()), "description");
    assert_eq!(differs(&scene.keyed("make").create_refund_reason(named("Early")).await.unwrap_err()), "label");

    let many = || vec![named("One"), named("Two")];
    let first = scene.keyed("many").create_refund_reasons(many()).await.unwrap();
    assert_eq!(scene.keyed("many").create_refund_reasons(many()).await.unwrap(), first);
    // A refusal is not kept, and nothing of it is: the key is still free.
    let taken = scene.keyed("taken").create_refund_reason(named("One")).await.unwrap_err();
    assert_eq!(taken.code(), "duplicate_error");
    let free = scene.keyed("taken").create_refund_reason(named("Three")).await.unwrap();
    assert_eq!(scene.host.refund_reasons(ALL).await.unwrap().count, seeded + 4);
    for _ in 0..2 {
        scene.keyed("gone").delete_refund_reasons(std::slice::from_ref(&free.id)).await.unwrap();
    }
    assert_eq!(scene.host.delete_refund_reasons(&[free.id]).await.unwrap_err().code(), "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn providers_and_regions_answer_as_they_did_first() {
    let scene = Scene::new(Reach::Network).await;
    let off = scene.keyed("off").switch_provider(&provider_id(), false).await.unwrap();
    scene.later(1);
    scene.host.switch_provider(&provider_id(), true).await.unwrap();
    assert_eq!(scene.keyed("off").switch_provider(&provider_id(), false).await.unwrap(), off);
    let found = scene.host.payment_providers(&tillbox::service::ProviderFilter::default(), ALL).await.unwrap();
    assert!(found.items[0].is_enabled && !off.is_enabled, "a replay switches nothing");
    assert_eq!(differs(&scene.keyed("off").switch_provider(&provider_id(), true).await.unwrap_err()), "is_enabled");

    let one = [provider_id()];
    let set = scene.keyed("region").set_region_providers("eu", &one).await.unwrap();
    scene.host.set_region_providers("eu", &[]).await.unwrap();
    assert_eq!(scene.keyed("region").set_region_providers("eu", &one).await.unwrap(), set);
    assert_eq!(scene.host.region_providers("eu").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_secret_is_shown_again_as_long_as_the_endpoint_has_it() {
    let scene = Scene::new(Reach::Network).await;
    let new = || NewWebhookEndpoint { url: "https://shop.example/hooks".into(), ..NewWebhookEndpoint::default() };
    let made = crowd(&scene, "make", move |host| async move { host.create_webhook_endpoint(new()).await }).await;
    all_equal(&made);
    let (endpoint, _) = &made[0];
    assert_eq!(scene.host.webhook_endpoints().await.unwrap().len(), 1);

    let id = endpoint.id.clone();
    let rotated = scene.keyed("rotate").rotate_webhook_secret(&id).await.unwrap();
    assert_eq!(scene.keyed("rotate").rotate_webhook_secret(&id).await.unwrap(), rotated);
    assert_ne!(rotated.1, made[0].1);
    assert_eq!(scene.keyed("make").create_webhook_endpoint(new()).await.unwrap(), made[0], "it signs as the old one");
    let off = || WebhookEndpointUpdate { is_enabled: Some(false), ..WebhookEndpointUpdate::default() };
    let changed = scene.keyed("off").update_webhook_endpoint(&id, off()).await.unwrap();
    scene.host.rotate_webhook_secret(&id).await.unwrap();
    assert_eq!(scene.keyed("off").update_webhook_endpoint(&id, off()).await.unwrap(), changed);
    assert_eq!(scene.keyed("rotate").rotate_webhook_secret(&id).await.unwrap(), rotated);
    let replaced = scene.keyed("make").create_webhook_endpoint(new()).await.unwrap_err();
    assert!(replaced.to_string().contains("replaced since"), "{replaced}");

    scene.keyed("again").redeliver_failed(&id).await.unwrap();
    scene.keyed("again").redeliver_failed(&id).await.unwrap();
    for _ in 0..2 {
        scene.keyed("gone").delete_webhook_endpoint(&id).await.unwrap();
    }
    assert_eq!(scene.host.delete_webhook_endpoint(&id).await.unwrap_err().code(), "not_found");
    assert_eq!(scene.keyed("make").create_webhook_endpoint(new()).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn no_secret_is_kept_with_a_key() {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
    let host = Host::builder().store(Arc::clone(&store)).build().await.unwrap();
    let new = NewWebhookEndpoint { url: "https://shop.example/hooks".into(), ..NewWebhookEndpoint::default() };
    let keyed = host.with_key(IdempotencyKey::new("till", "a").unwrap());
    let (_, secret) = keyed.create_webhook_endpoint(new).await.unwrap();
    let row = store.key("till".into(), "a".into()).await.unwrap().unwrap();
    let bare = secret.reveal().trim_start_matches("whsec_");
    assert!(row.answer.is_some() && !format!("{row:?}").contains(bare));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_collections_at_once_are_made_and_changed_once() {
    let scene = Scene::new(Reach::Network).await;
    let new = || vec![NewCollection::new(euro("1.00")), NewCollection::new(euro("2.00"))];
    let made = crowd(&scene, "make", move |host| async move { host.create_collections(new()).await }).await;
    all_equal(&made);
    assert_eq!(scene.host.collections(ALL).await.unwrap().count, 2);
    let other = scene.keyed("make").create_collections(vec![NewCollection::new(euro("1.00"))]).await.unwrap_err();
    assert_eq!(differs(&other), "payment_collections");

    let ids: Vec<CollectionId> = made[0].iter().map(|collection| collection.id.clone()).collect();
    let upserts = || {
        let changed = CollectionUpsert { id: Some(ids[1].clone()), amount: Some(euro("3.00")), ..Default::default() };
        vec![CollectionUpsert { amount: Some(euro("4.00")), ..Default::default() }, changed]
    };
    let first = scene.keyed("upsert").upsert_collections(upserts()).await.unwrap();
    let less = CollectionUpdate { amount: Some(euro("0.50")), metadata: None };
    let filter = || CollectionFilter { ids: ids.clone(), ..CollectionFilter::default() };
    let changed = scene.keyed("all").update_collections(filter(), less.clone()).await.unwrap();
    assert_eq!(scene.keyed("upsert").upsert_collections(upserts()).await.unwrap(), first);
    assert_eq!(scene.host.collections(ALL).await.unwrap().count, 3);
    let completed = scene.keyed("complete").complete_collections(&ids).await.unwrap();
    assert_eq!(scene.keyed("complete").complete_collections(&ids).await.unwrap(), completed);
    assert_eq!(scene.keyed("all").update_collections(filter(), less).await.unwrap(), changed);
    // Nothing fits, nothing changes, and that is the answer from now on.
    let nothing = || CollectionFilter { cart_ids: vec!["cart_1".into()], ..CollectionFilter::default() };
    let update = || CollectionUpdate { amount: Some(euro("1.00")), metadata: None };
    assert_eq!(scene.keyed("none").update_collections(nothing(), update()).await.unwrap(), []);
    let keyed = scene.keyed("none");
    assert_eq!(keyed.update_collections(nothing(), update()).await.unwrap(), []);
    assert!(keyed.replayed());
}

#[tokio::test]
async fn what_a_person_decides_is_decided_once() {
    let scene = Scene::new(Reach::Network).await;
    let payment = scene.payment().await;
    scene.provider.will(OperationKind::Capture, Err(lost()));
    let open = scene.host.capture(&payment, None).await.unwrap_err().operation().unwrap().clone();
    let said = "seen in the dashboard";
    let settled = scene.keyed("say").resolve_operation(&open, Verdict::Absent, said).await.unwrap();
    let keyed = scene.keyed("say");
    assert_eq!(keyed.resolve_operation(&open, Verdict::Absent, said).await.unwrap(), settled);
    assert!(keyed.replayed());
    let other = keyed.resolve_operation(&open, Verdict::Succeeded, said).await.unwrap_err();
    assert_eq!(differs(&other), "verdict");
    assert!(scene.host.resolve_operation(&open, Verdict::Absent, said).await.is_err(), "it is settled");

    let session = scene.session().await;
    scene.provider.will(OperationKind::Authorize, Err(lost()));
    let open = scene.host.authorize_session(&session, None).await.unwrap_err().operation().unwrap().clone();
    let voided = scene.keyed("void").void_operation(&open).await.unwrap();
    assert_eq!(scene.keyed("void").void_operation(&open).await.unwrap(), voided);
    assert!(voided.operation.state.is_terminal(), "{voided:?}");
    assert_eq!(scene.asked(OperationKind::Delete), 1);
}
