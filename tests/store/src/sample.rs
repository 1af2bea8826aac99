//! Collections to keep: a small one, and one in which every column of every table holds something.

use tillbox::core::event::{Change as What, Event, SessionProgress, Settlement};
use tillbox::core::id::{
    AccountHolderId, CaptureId, CollectionId, OperationId, PaymentId, ProviderId, RefundId, RefundReasonId, SessionId,
};
use tillbox::core::operation::{GivenReason, Input, Operation, OperationKind, OperationState, Origin, Product};
use tillbox::core::outcome::{Decline, DeclineClass, NextAction};
use tillbox::core::state::{Collection, Payment, Session};
use tillbox::core::status::SessionStatus;
use tillbox::core::text::{Json, Sealed};
use tillbox::core::{ComponentDigest, Money, Timestamp, machine};
use tillbox::currency::money;
use tillbox::store::{
    ApiKeyId, ApiKeyKind, AuditEntry, Change, Channel, ExchangeEnd, ExchangeState, KeptApiKey, KeptDelivery,
    KeptExchange, KeptHolder, KeptSubscriber, KeptVersion, KeyRow, KeyWrite, MergedClaim, RefundReason, Scope, Secret,
    Store, StoreError, Stored, SubscriberId, VersionState,
};

/// A webhook request, with everything in it that may be lost on the way.
#[must_use]
pub fn delivery(number: u32) -> KeptDelivery {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    KeptDelivery {
        id: format!("whin_{}", tail(number)),
        provider: provider(),
        headers: vec![header("b", "2"), header("a", "\u{0}\u{ff}"), header("b", "1")],
        query: "x=%00&y=é".to_owned(),
        body: (0..=255).collect(),
        received_at: Timestamp(1_700_000_000_000),
        attempts: 0,
        next_action_at: Timestamp(1_700_000_002_000),
    }
}

/// A webhook endpoint with everything that may be lost on the way. It is disabled, and says why.
///
/// # Panics
/// When its id is none.
#[must_use]
pub fn subscriber(number: u32) -> KeptSubscriber {
    let at = Timestamp(1_700_000_000_000 + i64::from(number));
    let (secret, previous) = (Secret(vec![1; 32]), Secret((0..=255).collect()));
    KeptSubscriber {
        id: SubscriberId::parse(&format!("whep_{}", tail(number))).expect("an id"),
        version: 1,
        channel: Channel::Webhook {
            url: "https://shop.example/hooks?a=é".to_owned(),
            secret,
            previous: Some((previous, Timestamp(at.0 + 1))),
        },
        description: Some("the shop's".to_owned()),
        filter: vec!["payment.*".to_owned(), "operation.needs_review".to_owned()],
        is_enabled: false,
        disabled_reason: Some("answered 410 Gone".to_owned()),
        cursor: 0,
        created_at: at,
        updated_at: at,
    }
}

/// The claim that a delivery carried.
#[must_use]
pub fn claim(number: u32, event_id: &str) -> MergedClaim {
    let delivery = delivery(number);
    let at = Timestamp(1_700_000_000_001);
    MergedClaim { provider: delivery.provider, event_id: event_id.to_owned(), delivery: delivery.id, at }
}

/// A key that is taken by this holder, unless somebody else has it, and expires at this time.
#[must_use]
pub fn key(key: &str, holder: &str, expires_at: i64) -> KeyWrite {
    let row = KeyRow {
        fingerprint: r#"{"amount":"00ff"}"#.to_owned(),
        operation: None,
        holder: holder.to_owned(),
        answer: Some(format!("{{\"by\":\"{holder} \u{1F980}\"}}")),
        expires_at: Timestamp(expires_at),
    };
    KeyWrite { caller: "till".to_owned(), key: key.to_owned(), before: None, row, at: Timestamp(1_700_000_000_000) }
}

/// A secret API key with everything in it.
///
/// # Panics
/// When its id is none.
#[must_use]
pub fn api_key(number: u32) -> KeptApiKey {
    let id = |number| ApiKeyId::parse(&format!("apk_{}", tail(number))).expect("an id");
    KeptApiKey {
        id: id(number),
        kind: ApiKeyKind::Secret,
        title: Some("the order service's, é".to_owned()),
        scopes: vec![Scope::Read, Scope::Administer],
        digest: std::array::from_fn(|index| u8::try_from(index * 7).expect("below 256")),
        replaced_by: Some(id(number + 1)),
        created_at: Timestamp(1_700_000_000_000),
        expires_at: Some(Timestamp(1_700_000_000_001)),
        revoked_at: Some(Timestamp(1_700_000_000_002)),
        last_used_at: Some(Timestamp(1_700_000_000_003)),
    }
}

/// A call that is under way, with everything in it.
#[must_use]
pub fn audit(number: u32) -> AuditEntry {
    AuditEntry {
        id: format!("aud_{}", tail(number)),
        api_key: Some(api_key(1).id),
        kind: Some(ApiKeyKind::Secret),
        customer: Some("cus_é".to_owned()),
        method: "POST".to_owned(),
        route: "/admin/payments/{id}/capture".to_owned(),
        subject: Some(format!("pay_{}", tail(number))),
        request_id: format!("req_{number}"),
        idempotency_key: Some("key".to_owned()),
        created_at: Timestamp(1_700_000_000_000 + i64::from(number)),
        end: None,
    }
}

/// A request of a sample's refund that is about to be sent, with everything in it.
#[must_use]
pub fn exchange(number: u32, lease_token: u64, sequence: u32) -> KeptExchange {
    KeptExchange {
        operation: refund_id(number),
        lease_token,
        sequence,
        provider: provider(),
        component: Some("ab".repeat(32)),
        method: "POST".to_owned(),
        host: "api.gateway.example".to_owned(),
        path: "/v1/é".to_owned(),
        digest: "cd".repeat(32),
        provider_key: Some(format!("key-{sequence}")),
        sent_bytes: 7,
        asked: (0..=255).collect(),
        created_at: Timestamp(1_700_000_000_000 + i64::from(sequence)),
        end: None,
    }
}

/// Its answer.
#[must_use]
pub fn exchange_end(sequence: u32) -> ExchangeEnd {
    ExchangeEnd {
        state: ExchangeState::Answered,
        sent: "answered".to_owned(),
        status: Some(402),
        error: Some("é".to_owned()),
        received_bytes: 9,
        answered: Some(vec![0, 255]),
        at: Timestamp(1_700_000_000_100 + i64::from(sequence)),
    }
}

/// A version of [`provider`] with everything in it, made of [`component`].
#[must_use]
pub fn version(number: u32, state: VersionState) -> KeptVersion {
    let at = |ms: i64| Timestamp(1_700_000_000_000 + i64::from(number) + ms);
    KeptVersion {
        provider: provider(),
        number,
        digest: ComponentDigest::from_bytes([0xa5; 32]),
        identifier: "sample".to_owned(),
        version: format!("1.{number}.0"),
        minimum_version: Some("1.0.0".to_owned()),
        grants: r#"{"hosts":["api.example.com"],"settings":{"é":1.50}}"#.to_owned(),
        state,
        proposed_by: "ada é".to_owned(),
        approved_by: Some("grace".to_owned()),
        created_at: at(0),
        approved_at: Some(at(1)),
        served_from: Some(at(2)),
        served_until: Some(at(3)),
    }
}

/// Bytes of a component: several parts, and a rest.
///
/// # Panics
/// Never: a remainder fits.
#[must_use]
pub fn component() -> Vec<u8> {
    (0..3 * 64 * 1024 + 7_u32).map(|byte| u8::try_from(byte * 31 % 251).expect("below 251")).collect()
}

/// The provider of all samples.
#[must_use]
pub fn provider() -> ProviderId {
    ProviderId::from_tail("sample_default")
}

/// Ids that end in this, so that they are easy to tell.
#[must_use]
pub fn tail(number: u32) -> String {
    format!("{number:026}")
}

/// A reason for refunds.
#[must_use]
pub fn reason(number: u32, code: &str) -> RefundReason {
    RefundReason {
        id: RefundReasonId::from_tail(&tail(number)),
        label: format!("Reason \"{number}\""),
        code: code.to_owned(),
        description: Some("50% off, it's late".to_owned()),
        metadata: Some(Json::from_checked(r#"{"shop":1}"#)),
        created_at: Timestamp(1_700_000_000_000 + i64::from(number)),
        updated_at: Timestamp(1_700_000_000_000 + i64::from(number)),
        deleted_at: None,
    }
}

/// A customer's account with [`provider`], with everything in it.
#[must_use]
pub fn holder(number: u32, customer: &str, external_id: Option<&str>) -> KeptHolder {
    KeptHolder {
        id: AccountHolderId::from_tail(&tail(number)),
        provider: provider(),
        customer: customer.to_owned(),
        external_id: external_id.map(str::to_owned),
        email: Some(format!("{customer}@example.com")),
        data: Json::from_checked(r#"{"state":[1.50,"é"]}"#),
        metadata: Some(Json::from_checked(r#"{"vip":true}"#)),
        request: external_id.is_none().then(|| Json::from_checked(r#"{"payer":{},"input":{}}"#)),
        attempts: 1,
        created_at: Timestamp(1_700_000_000_000),
        updated_at: Timestamp(1_700_000_000_001),
        deleted_at: None,
    }
}

/// A change that makes a small collection.
///
/// # Panics
/// When the core does not take its own events.
#[must_use]
pub fn created(number: u32) -> Change {
    let events = vec![made(number)];
    let collection = machine::replay(&events).expect("the events are in order");
    Change::new(None, collection, &events)
}

/// A change of a collection's notes.
///
/// # Panics
/// When the core does not take its own events.
#[must_use]
pub fn noted(before: &Stored, note: &str) -> Change {
    let metadata = Some(Json::from_checked(&format!("{{\"note\":\"{note}\"}}")));
    let event = at(2, What::CollectionUpdated { amount: None, metadata });
    let after = machine::apply(Some(before.collection.clone()), &event).expect("the event fits");
    Change::new(Some(before.clone()), after, &[event])
}

/// The id that [`created`] gives.
#[must_use]
pub fn id(number: u32) -> CollectionId {
    CollectionId::from_tail(&tail(number))
}

/// Makes a small collection and reads it.
///
/// # Errors
/// What the store says.
///
/// # Panics
/// When the store has forgotten it.
pub async fn stored(store: &dyn Store, number: u32) -> Result<Stored, StoreError> {
    store.commit(created(number)).await?;
    let found = store.load(tillbox::store::Key::Collection(id(number))).await?;
    Ok(found.expect("it was stored"))
}

/// A change that makes a collection with everything in it, some of it under the worst of names.
///
/// # Panics
/// When the core does not take its own events.
#[must_use]
pub fn rich(number: u32) -> Change {
    let events = history(number);
    let collection = machine::replay(&events).expect("the events are in order");
    Change::new(None, collection, &events)
}

fn made(number: u32) -> Event {
    at(
        1,
        What::CollectionCreated {
            id: id(number),
            amount: euros("10.50"),
            cart_id: Some(format!("cart_{number}")),
            order_id: Some(format!("order_{number}")),
            metadata: Some(Json::from_checked(r#"{"order":"№ 7","nothing":null,"nul":"\u0000"}"#)),
        },
    )
}

fn history(number: u32) -> Vec<Event> {
    let session = SessionId::from_tail(&tail(number));
    let progress = SessionProgress {
        session: session.clone(),
        status: SessionStatus::Authorized,
        amount: None,
        data: Some(Json::from_checked(r#"{"intent":"pi_1","deep":[1,2.50,{"a":null}]}"#)),
        client_data: Some(Json::from_checked(r#"{"client_secret":"cs_1"}"#)),
        provider_reference: Some("pi_'; drop table session; --".to_owned()),
        next_action: Some(NextAction::ThreeDSecure { url: "https://acs.example/".to_owned(), expires_in_ms: Some(9) }),
        decline: Some(decline()),
    };
    vec![
        made(number),
        at(2, What::SessionCreated(Box::new(new_session(&session)))),
        at(3, What::OperationBegun(Box::new(authorization(number)))),
        at(4, settled(OperationId::from_tail(&tail(number)), OperationState::Succeeded)),
        at(4, What::SessionProgressed(Box::new(progress))),
        at(4, What::PaymentCreated(Box::new(payment(number)))),
        at(5, What::OperationBegun(Box::new(capture(number)))),
        at(
            6,
            What::OperationRetried {
                operation: capture_id(number),
                lease_token: 8,
                attempts: 2,
                checks: 4,
                lease_until: Timestamp(1_700_000_070_000),
            },
        ),
        at(7, settled(capture_id(number), OperationState::Succeeded)),
        at(7, What::PaymentCaptured { payment: payment_id(number) }),
        at(8, What::OperationBegun(Box::new(refund(number)))),
        at(9, settled(refund_id(number), OperationState::Declined)),
        at(9, What::PaymentDisputed { payment: payment_id(number), amount: euros("1.00") }),
    ]
}

fn at(at: i64, change: What) -> Event {
    Event { at: Timestamp(1_700_000_000_000 + at), change }
}

fn euros(amount: &str) -> Money {
    money(amount, "EUR").expect("an amount")
}

/// The payment of [`rich`].
#[must_use]
pub fn payment_id(number: u32) -> PaymentId {
    PaymentId::from_tail(&tail(number))
}

/// The refund operation of [`rich`].
#[must_use]
pub fn refund_id(number: u32) -> OperationId {
    OperationId::from_tail(&format!("R{}", &tail(number)[1..]))
}

fn capture_id(number: u32) -> OperationId {
    OperationId::from_tail(&format!("C{}", &tail(number)[1..]))
}

fn decline() -> Decline {
    Decline {
        class: DeclineClass::SuspectedFraud,
        code: "stolen_card".to_owned(),
        message: "a \"quoted\" word, a line\nand a 🦀".to_owned(),
    }
}

fn new_session(id: &SessionId) -> Session {
    Session {
        id: id.clone(),
        provider: provider(),
        amount: euros("10.50"),
        status: SessionStatus::Pending,
        data: Json::empty(),
        client_data: None,
        provider_reference: None,
        next_action: None,
        decline: None,
        context: Json::from_checked(r#"{"customer":"cus_1"}"#),
        metadata: Some(Json::from_checked(r#"{"till":3}"#)),
        authorized_at: None,
        deleted_at: None,
        created_at: Timestamp(1_700_000_000_002),
        updated_at: Timestamp(1_700_000_000_002),
    }
}

fn payment(number: u32) -> Payment {
    Payment {
        id: payment_id(number),
        session: SessionId::from_tail(&tail(number)),
        provider: provider(),
        amount: euros("10.50"),
        data: Json::from_checked(r#"{"charge":"ch_1"}"#),
        provider_reference: Some("ch_1".to_owned()),
        disputed: euros("0"),
        metadata: Some(Json::empty()),
        captured_at: None,
        canceled_at: None,
        created_at: Timestamp(1_700_000_000_004),
        updated_at: Timestamp(1_700_000_000_004),
    }
}

fn authorization(number: u32) -> Operation {
    let product = Product::Payment {
        payment: payment_id(number),
        capture: CaptureId::from_tail(&tail(number)),
        capture_operation: capture_id(number),
    };
    Operation {
        id: OperationId::from_tail(&tail(number)),
        kind: OperationKind::Authorize,
        provider: provider(),
        component: Some(ComponentDigest::from_bytes([0xa5; 32])),
        session: SessionId::from_tail(&tail(number)),
        payment: None,
        product,
        amount: Some(euros("10.50")),
        state: OperationState::Running,
        origin: Origin::Command,
        attempts: 1,
        lease_token: 1,
        provider_reference: None,
        decline: None,
        reason: None,
        detail: None,
        note: None,
        refund_reason: None,
        created_by: Some("user_1".to_owned()),
        metadata: Some(Json::from_checked(r#"{"a":1.50}"#)),
        input: Input::Sealed(Sealed::from_sealed("c2VhbGVk")),
        checks: 3,
        next_action_at: Some(Timestamp(1_700_000_060_000)),
        created_at: Timestamp(1_700_000_000_003),
        updated_at: Timestamp(1_700_000_000_003),
    }
}

fn capture(number: u32) -> Operation {
    Operation {
        id: capture_id(number),
        kind: OperationKind::Capture,
        payment: Some(payment_id(number)),
        product: Product::Capture(CaptureId::from_tail(&tail(number))),
        lease_token: 7,
        created_at: Timestamp(1_700_000_000_005),
        ..authorization(number)
    }
}

fn refund(number: u32) -> Operation {
    Operation {
        id: refund_id(number),
        kind: OperationKind::Refund,
        product: Product::Refund(RefundId::from_tail(&tail(number))),
        amount: Some(euros("0.01")),
        note: Some("returned".to_owned()),
        refund_reason: Some(GivenReason {
            id: RefundReasonId::from_tail(&tail(number)),
            code: "shipping_issue".to_owned(),
            label: Some("Shipping Issue".to_owned()),
        }),
        created_at: Timestamp(1_700_000_000_008),
        ..capture(number)
    }
}

fn settled(operation: OperationId, state: OperationState) -> What {
    let declined = state == OperationState::Declined;
    What::OperationSettled(Box::new(Settlement {
        operation,
        state,
        // A character that PostgreSQL's text cannot hold.
        provider_reference: Some("re_\0_1".to_owned()),
        decline: declined.then(decline),
        reason: declined.then(|| "provider_declined".to_owned()),
        detail: declined.then(|| "The bank said no.".to_owned()),
        checks: 5,
        next_action_at: declined.then_some(Timestamp(1_700_000_080_000)),
    }))
}

/// The collection as a store gives it back: U+0000 outside of JSON is replaced.
#[must_use]
pub fn as_stored(mut collection: Collection) -> Collection {
    for operation in &mut collection.operations {
        operation.provider_reference =
            operation.provider_reference.take().map(|reference| reference.replace('\0', "\u{fffd}"));
    }
    collection
}
