//! Webhooks in: early, late, twice, forged, in any order. Whatever the order, the books end the same.

mod scripted;

use std::sync::Arc;

use scripted::{Scripted, lost, outcome, shared};
use tillbox::core::Money;
use tillbox::core::id::{OperationId, PaymentId, ProviderId, SessionId};
use tillbox::core::operation::{OperationKind, OperationState};
use tillbox::core::outcome::{Evidence, EvidenceAction, EvidenceSubject, ProviderStatus};
use tillbox::core::status::{CollectionStatus, SessionStatus};
use tillbox::currency::money;
use tillbox::runtime::Reach;
use tillbox::runtime::request::Rejection;
use tillbox::service::{IncomingWebhook, NewCollection, NewSession, Received};
use tillbox::{Error, Host};

fn euro(text: &str) -> Money {
    money(text, "EUR").unwrap()
}

fn provider_id() -> ProviderId {
    ProviderId::parse("pp_scripted_default").unwrap()
}

fn webhook() -> IncomingWebhook {
    IncomingWebhook {
        headers: vec![("signature".to_owned(), b"v1=\xff".to_vec())],
        query: String::new(),
        body: b"{}".to_vec(),
    }
}

fn claim(event_id: &str, session: &SessionId, action: EvidenceAction, amount: Option<Money>) -> Evidence {
    Evidence {
        event_id: event_id.to_owned(),
        occurred_at: None,
        subject: Some(EvidenceSubject::Session(session.clone())),
        action,
        amount,
        operation: None,
        reason: None,
    }
}

struct Scene {
    host: Host,
    provider: Arc<Scripted>,
    session: SessionId,
}

impl Scene {
    async fn new() -> Self {
        let (provider, installed) = shared(Scripted::new(Reach::Network));
        let host =
            Host::builder().without_background_work().in_memory().provider("default", installed).build().await.unwrap();
        let collection = host.create_collection(NewCollection::new(euro("100.00"))).await.unwrap().id;
        let session = host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value.id;
        Self { host, provider, session }
    }

    async fn tell(&self, claims: Vec<Evidence>) -> Received {
        self.provider.will_claim(Ok(claims));
        self.host.receive_webhook(&provider_id(), webhook()).await.unwrap()
    }

    async fn authorized(&self) -> PaymentId {
        self.host.authorize_session(&self.session, None).await.unwrap().value.payment.unwrap().payment.id
    }

    async fn status(&self) -> (SessionStatus, CollectionStatus) {
        let collection = self.host.collection_of_session(&self.session).await.unwrap();
        (collection.session(&self.session).unwrap().status, collection.status)
    }
}

#[tokio::test]
async fn a_claim_answers_the_question_a_lost_reply_left() {
    let scene = Scene::new().await;
    let payment = scene.authorized().await;
    scene.provider.will(OperationKind::Capture, Err(lost()));
    let id = scene.host.capture(&payment, None).await.unwrap_err().operation().unwrap().clone();
    let captured = claim("evt-1", &scene.session, EvidenceAction::Captured, Some(euro("100.00")));
    assert_eq!(scene.tell(vec![captured.clone()]).await, Received::Applied);
    assert_eq!(scene.host.operation(&id).await.unwrap().state, OperationState::Succeeded);
    let events = scene.host.events_after(0, 1_000).await.unwrap().len();
    // Redelivered a hundred times: once is what counts.
    for _ in 0..100 {
        assert_eq!(scene.tell(vec![captured.clone()]).await, Received::Applied);
    }
    assert_eq!(scene.host.events_after(0, 1_000).await.unwrap().len(), events);
    assert_eq!(scene.host.payment(&payment).await.unwrap().captures.len(), 1);
}

#[tokio::test]
async fn an_event_may_arrive_before_the_reply_that_makes_it_known() {
    let scene = Scene::new().await;
    let early = Evidence {
        subject: Some(EvidenceSubject::ProviderReference("ref-1".to_owned())),
        ..claim("evt-1", &scene.session, EvidenceAction::Captured, Some(euro("40.00")))
    };
    let stranger = Evidence {
        subject: Some(EvidenceSubject::ProviderReference("ref-9".to_owned())),
        ..claim("evt-9", &scene.session, EvidenceAction::Captured, Some(euro("40.00")))
    };
    assert_eq!(scene.tell(vec![stranger.clone()]).await, Received::Waiting);
    let payment = scene.authorized().await;
    assert_eq!(scene.tell(vec![early]).await, Received::Applied);
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euro("40.00"));
    // The stranger still waits, and is looked at again and again without effect.
    scene.provider.will_claim(Ok(vec![stranger]));
    assert_eq!(scene.host.process_open_deliveries().await.unwrap(), 0);
}

#[tokio::test]
async fn what_does_not_verify_proves_nothing_and_what_cannot_be_verified_now_is_kept() {
    let scene = Scene::new().await;
    let payment = scene.authorized().await;
    scene.provider.will_claim(Err(Rejection::BadSignature("no v1".to_owned())));
    let rejected = scene.host.receive_webhook(&provider_id(), webhook()).await.unwrap();
    assert_eq!(rejected, Received::Rejected("no v1".to_owned()));
    // The provider breaks while it verifies.
    let error = scene.host.receive_webhook(&provider_id(), webhook()).await.unwrap_err();
    assert!(matches!(error, Error::NotAsked(_)), "{error}");
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euro("0"));
    // Later it works: only the kept one is left to do.
    let captured = claim("evt-1", &scene.session, EvidenceAction::Captured, Some(euro("100.00")));
    scene.provider.will_claim(Ok(vec![captured]));
    assert_eq!(scene.host.process_open_deliveries().await.unwrap(), 1);
    assert_eq!(scene.host.payment(&payment).await.unwrap().captured, euro("100.00"));
    let nobody = ProviderId::parse("pp_nobody_default").unwrap();
    assert_eq!(scene.host.receive_webhook(&nobody, webhook()).await.unwrap_err().code(), "unknown_provider");
    let huge = IncomingWebhook { body: vec![b' '; 256 * 1024 + 1], ..webhook() };
    assert_eq!(scene.host.receive_webhook(&provider_id(), huge).await.unwrap_err().code(), "invalid_data");
}

#[tokio::test]
async fn canceled_failed_refunded_disputed_and_pending_have_an_effect() {
    let scene = Scene::new().await;
    scene.provider.will(OperationKind::Authorize, Err(lost()));
    scene.host.authorize_session(&scene.session, None).await.unwrap_err();
    scene.tell(vec![claim("evt-1", &scene.session, EvidenceAction::Pending, None)]).await;
    assert_eq!(scene.status().await.0, SessionStatus::PendingAuthorization);
    scene.tell(vec![claim("evt-2", &scene.session, EvidenceAction::Failed, None)]).await;
    assert_eq!(scene.status().await, (SessionStatus::Error, CollectionStatus::Failed));
    // Late, and all the more true: the money is reserved, and somebody is told.
    scene.tell(vec![claim("evt-3", &scene.session, EvidenceAction::Authorized, Some(euro("100.00")))]).await;
    assert_eq!(scene.status().await, (SessionStatus::Authorized, CollectionStatus::Authorized));
    let kinds: Vec<String> =
        scene.host.events_after(0, 1_000).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert!(kinds.iter().any(|kind| kind == "operation.late_success"), "{kinds:?}");

    scene.tell(vec![claim("evt-4", &scene.session, EvidenceAction::Captured, Some(euro("100.00")))]).await;
    scene.tell(vec![claim("evt-5", &scene.session, EvidenceAction::Refunded, Some(euro("30.00")))]).await;
    scene.tell(vec![claim("evt-6", &scene.session, EvidenceAction::Disputed, Some(euro("70.00")))]).await;
    let collection = scene.host.collection_of_session(&scene.session).await.unwrap();
    assert_eq!((collection.captured(), collection.refunded()), (euro("100.00"), euro("30.00")));
    assert_eq!(collection.payments[0].disputed, euro("70.00"));

    let other = Scene::new().await;
    let payment = other.authorized().await;
    other.tell(vec![claim("evt-1", &other.session, EvidenceAction::Canceled, None)]).await;
    assert_eq!(other.status().await.0, SessionStatus::Canceled);
    assert_eq!(other.host.capture(&payment, None).await.unwrap_err().code(), "payment_canceled");
}

#[tokio::test]
async fn a_provider_cannot_speak_of_another_providers_session() {
    let scene = Scene::new().await;
    let (second, installed) = shared(Scripted::new(Reach::Network));
    let (_, first) = shared(Scripted::new(Reach::Network));
    let host = Host::builder()
        .without_background_work()
        .in_memory()
        .provider("default", first)
        .provider("other", installed)
        .build()
        .await
        .unwrap();
    let collection = host.create_collection(NewCollection::new(euro("100.00"))).await.unwrap().id;
    let session = host.create_session(&collection, NewSession::new(provider_id())).await.unwrap().value.id;
    second.will_claim(Ok(vec![claim("evt-1", &session, EvidenceAction::Authorized, Some(euro("100.00")))]));
    let other = ProviderId::parse("pp_scripted_other").unwrap();
    assert_eq!(host.receive_webhook(&other, webhook()).await.unwrap(), Received::Waiting);
    assert_eq!(host.session(&session).await.unwrap().status, SessionStatus::Pending);
    drop(scene);
}

/// Every order of five claims, each delivered twice, ends in the same books.
#[tokio::test]
async fn the_order_of_claims_does_not_matter() {
    let actions = [
        (EvidenceAction::Authorized, Some(euro("100.00"))),
        (EvidenceAction::Captured, Some(euro("60.00"))),
        (EvidenceAction::Captured, Some(euro("100.00"))),
        (EvidenceAction::Failed, None),
        (EvidenceAction::Pending, None),
    ];
    let mut orders = vec![vec![]];
    for _ in 0..actions.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let free = (0..actions.len()).filter(|index| !order.contains(index)).collect::<Vec<_>>();
                free.into_iter().map(move |index| [order.clone(), vec![index]].concat())
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        let scene = Scene::new().await;
        scene.provider.will(OperationKind::Authorize, Ok(outcome(ProviderStatus::PendingAuthorization, None)));
        scene.host.authorize_session(&scene.session, None).await.unwrap();
        for index in order.iter().chain(&order) {
            let (action, amount) = actions[*index];
            scene.tell(vec![claim(&format!("evt-{index}"), &scene.session, action, amount)]).await;
        }
        let collection = scene.host.collection_of_session(&scene.session).await.unwrap();
        let end = (collection.status, collection.captured(), collection.session(&scene.session).unwrap().status);
        assert_eq!(end, (CollectionStatus::Completed, euro("100.00"), SessionStatus::Authorized), "{order:?}");
    }
}

/// Named so that an id of the operation in a claim counts.
#[tokio::test]
async fn a_claim_that_names_its_operation_settles_that_one() {
    let scene = Scene::new().await;
    let payment = scene.authorized().await;
    scene.provider.will(OperationKind::Capture, Ok(outcome(ProviderStatus::Pending, Some(euro("100.00")))));
    let done = scene.host.capture(&payment, None).await.unwrap();
    let id: OperationId = done.operation.unwrap().id;
    let failed =
        Evidence { operation: Some(id.clone()), ..claim("evt-1", &scene.session, EvidenceAction::Failed, None) };
    scene.tell(vec![failed]).await;
    assert_eq!(scene.host.operation(&id).await.unwrap().state, OperationState::Declined);
    assert_eq!(scene.host.payment(&payment).await.unwrap().reserved_captures, euro("0"));
}
