//! Every function of every interface through a component that answers with all it was asked: nothing is lost or mixed up
//! on the way in or out, by the host's conversions or by the SDK's.
//!
//! Each value of a request occurs once, so that two fields that change places are seen.

use serde_json::{Value, json as value};
use tillbox_artifacts::WHOLE;
use tillbox_core::id::{CaptureId, CollectionId, OperationId, PaymentId, RefundId, SessionId};
use tillbox_core::operation::OperationKind;
use tillbox_core::outcome::{
    ErrorKind, EvidenceAction, EvidenceSubject, OperationReference, ProviderError, ProviderStatus,
};
use tillbox_core::text::Json;
use tillbox_core::{Currency, Money, Timestamp};
use tillbox_runtime::journal::Keeping;
use tillbox_runtime::request::{
    AccountHolder, Address, AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, Customer, DeleteRequest,
    Delivery, DeliveryHeader, Environment, InitiateRequest, PaymentState, RefundRequest, Rejection, RetrieveRequest,
    UpdateRequest,
};
use tillbox_runtime::{Failure, Provider};

use crate::support::{context, euro, json, package, provider};

/// Every field filled.
fn full(external_id: &str) -> CallContext {
    CallContext {
        operation: OperationId::from_tail("01"),
        idempotency_key: "key-1".into(),
        attempt: 3,
        deadline_ms: 9_876,
        collection: Some(CollectionId::from_tail("02")),
        session: Some(SessionId::from_tail("03")),
        payment: Some(PaymentId::from_tail("04")),
        environment: Environment::Live,
        locale: Some("de-AT".into()),
        customer: Some(Customer {
            id: "cus_1".into(),
            email: Some("a@example.com".into()),
            name: Some("Ädä".into()),
            phone: Some("+431234".into()),
            billing_address: Some(Address {
                line1: Some("l1".into()),
                line2: Some("l2".into()),
                city: Some("c".into()),
                region: Some("r".into()),
                postal_code: Some("p".into()),
                country_code: Some("AT".into()),
            }),
        }),
        account_holder: Some(AccountHolder { external_id: external_id.into(), data: json(r#"{"kept":5}"#) }),
        extensions: json(r#"{"later":6}"#),
        keeping: Keeping::default(),
    }
}

fn told_context(external_id: &str) -> Value {
    let id = |id: &str| id.to_owned();
    value!({
        "operation_id": id(OperationId::from_tail("01").as_str()),
        "idempotency_key": "key-1",
        "attempt": 3,
        "deadline_ms": 9_876,
        "collection_id": id(CollectionId::from_tail("02").as_str()),
        "session_id": id(SessionId::from_tail("03").as_str()),
        "payment_id": id(PaymentId::from_tail("04").as_str()),
        "environment": "live",
        "locale": "de-AT",
        "customer": {
            "id": "cus_1", "email": "a@example.com", "name": "Ädä", "phone": "+431234",
            "billing_address": ["l1", "l2", "c", "r", "p", "AT"],
        },
        "account_holder": { "external_id": external_id, "data": { "kept": 5 } },
        "extensions": { "later": 6 },
    })
}

#[track_caller]
fn assert_told(data: &Json, context: &Value, request: &Value) {
    let got: Value = serde_json::from_str(data.as_str()).unwrap();
    assert_eq!(&got["context"], context);
    assert_eq!(&got["request"], request);
}

fn money(amount: Money) -> Value {
    let currency = amount.currency();
    value!({ "minor_units": amount.minor_units(), "exponent": currency.exponent(), "currency": currency.code() })
}

fn yen(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("JPY", 0).unwrap()).unwrap()
}

fn payment() -> PaymentState {
    PaymentState {
        data: json(r#"{"state":7}"#),
        provider_reference: Some("ref-1".into()),
        amount: yen(1050),
        captured: yen(400),
        refunded: yen(250),
    }
}

fn told_payment() -> Value {
    value!({
        "data": { "state": 7 },
        "provider_reference": "ref-1",
        "amount": money(yen(1050)),
        "captured": money(yen(400)),
        "refunded": money(yen(250)),
    })
}

#[tokio::test]
async fn it_exports_what_it_declares() {
    let whole = package(WHOLE).await;
    let of = &whole.info().capabilities;
    assert!(of.webhooks && of.account_holders && of.payment_methods, "{of:?}");
    assert_eq!(whole.report().warnings, Vec::<String>::new());
}

#[tokio::test]
async fn payments_are_told_and_tell_everything() {
    let whole = provider(WHOLE).await;
    let (input, amount) = (json(r#"{"sent":8}"#), yen(9));
    let (told_context, payment_told) = (told_context("ah_1"), told_payment());
    let (capture, refund) = (CaptureId::from_tail("05"), RefundId::from_tail("06"));
    let (reason, note) = (Some("reason".to_owned()), Some("note".to_owned()));
    let full = || full("ah_1");

    let initiate = InitiateRequest { amount, input: input.clone() };
    let update = UpdateRequest { payment: payment(), amount, input: input.clone() };
    let authorize = AuthorizeRequest { payment: payment(), input: input.clone() };
    let take = CaptureRequest { payment: payment(), amount, capture: capture.clone(), is_final: true };
    let give = RefundRequest {
        payment: payment(),
        amount,
        refund: refund.clone(),
        reason: reason.clone(),
        note: note.clone(),
    };
    let cancel = CancelRequest { payment: payment(), reason };
    let delete = DeleteRequest { payment: payment() };
    let sent = value!({ "sent": 8 });
    let amount_told = money(amount);
    let cases = [
        (
            whole.initiate(full(), initiate).await,
            ProviderStatus::Pending,
            value!({ "amount": amount_told, "input": sent }),
        ),
        (
            whole.update(full(), update).await,
            ProviderStatus::Pending,
            value!({ "payment": payment_told, "amount": amount_told, "input": sent }),
        ),
        (
            whole.authorize(full(), authorize).await,
            ProviderStatus::Authorized,
            value!({ "payment": payment_told, "input": sent }),
        ),
        (
            whole.capture(full(), take).await,
            ProviderStatus::Captured,
            value!({
                "payment": payment_told, "amount": amount_told, "capture_id": capture.as_str(), "is_final": true,
            }),
        ),
        (
            whole.refund(full(), give).await,
            ProviderStatus::Captured,
            value!({
                "payment": payment_told, "amount": amount_told, "refund_id": refund.as_str(), "reason": "reason",
                "note": "note",
            }),
        ),
        (
            whole.cancel(full(), cancel).await,
            ProviderStatus::Canceled,
            value!({ "payment": payment_told, "reason": "reason" }),
        ),
        (whole.delete(full(), delete).await, ProviderStatus::Canceled, value!({ "payment": payment_told })),
        (whole.status(full(), payment()).await, ProviderStatus::Authorized, value!({ "payment": payment_told })),
    ];
    for (call, status, request) in cases {
        let outcome = call.answer.unwrap();
        assert_eq!(outcome.status, status, "{request}");
        assert_told(&outcome.data, &told_context, &request);
    }
}

#[tokio::test]
async fn retrieve_is_told_of_every_kind_and_tells_of_both() {
    let whole = provider(WHOLE).await;
    for (kind, name) in [
        (OperationKind::Initiate, "initiate"),
        (OperationKind::Update, "update"),
        (OperationKind::Authorize, "authorize"),
        (OperationKind::Capture, "capture"),
        (OperationKind::Refund, "refund"),
        (OperationKind::Cancel, "cancel"),
        (OperationKind::Delete, "delete"),
    ] {
        let operation = OperationId::from_tail("07");
        let asked = OperationReference {
            operation: operation.clone(),
            idempotency_key: "key-7".into(),
            kind,
            amount: Some(yen(11)),
        };
        let request = RetrieveRequest { payment: payment(), operation: Some(asked) };
        let snapshot = whole.retrieve(full("ah_1"), request).await.answer.unwrap();
        let told = value!({
            "operation_id": operation.as_str(), "idempotency_key": "key-7", "kind": name, "amount": money(yen(11)),
        });
        let request = value!({ "payment": told_payment(), "operation": told });
        assert_told(&snapshot.outcome.data, &told_context("ah_1"), &request);
        assert_eq!((snapshot.captured, snapshot.refunded, snapshot.disputed), (yen(400), yen(250), yen(1050)));
        let of_operation = snapshot.operation.unwrap();
        assert_eq!((of_operation.status, of_operation.amount), (ProviderStatus::Captured, Some(yen(11))));
        assert_eq!(of_operation.provider_reference.as_deref(), Some(operation.as_str()));
    }
}

#[tokio::test]
async fn account_holders_are_told_and_tell_everything() {
    let whole = provider(WHOLE).await;
    let input = || json(r#"{"sent":8}"#);
    let context_told = told_context("ah_1");

    let made = whole.create_account_holder(full("ah_1"), input()).await.answer.unwrap();
    assert_eq!(made.external_id, format!("made-{}", OperationId::from_tail("01").as_str()));
    assert_told(&made.data, &context_told, &value!({ "function": "create", "input": { "sent": 8 } }));

    let changed = whole.update_account_holder(full("ah_1"), input()).await.answer.unwrap();
    assert_eq!(changed.external_id, "ah_1");
    assert_told(&changed.data, &context_told, &value!({ "function": "update", "input": { "sent": 8 } }));

    let read = whole.retrieve_account_holder(full("ah_1")).await.answer.unwrap();
    assert_eq!(read.external_id, "ah_1");
    assert_told(&read.data, &context_told, &value!({ "function": "retrieve" }));

    assert_eq!(whole.delete_account_holder(full("ah_1")).await.answer, Ok(()));
    let told = told_in_error(whole.delete_account_holder(full("tell")).await.answer, &ErrorKind::Conflict);
    assert_told(&told, &told_context("tell"), &value!({ "function": "delete-holder" }));

    // What is absent stays absent.
    let Err(Failure::Error(error)) = whole.retrieve_account_holder(context(5_000)).await.answer else {
        panic!("an error was due")
    };
    assert_eq!(error.kind, ErrorKind::NotFound);
    let bare = whole.create_account_holder(context(5_000), input()).await.answer.unwrap();
    let bare: Value = serde_json::from_str(bare.data.as_str()).unwrap();
    for absent in ["collection_id", "session_id", "payment_id", "locale", "customer", "account_holder"] {
        assert_eq!(bare["context"][absent], Value::Null, "{absent}");
    }
    assert_eq!(bare["context"]["environment"], "test");
}

#[tokio::test]
async fn payment_methods_are_told_and_tell_everything() {
    let whole = provider(WHOLE).await;
    let context_told = told_context("ah_1");

    let saved = whole.save_payment_method(full("ah_1"), json(r#"{"sent":8}"#)).await.answer.unwrap();
    assert_eq!((saved.id.as_str(), saved.display.as_str()), ("pm-key-1", r#"{"sent":8}"#));
    assert_told(&saved.data, &context_told, &value!({ "function": "save", "input": { "sent": 8 } }));

    let listed = whole.list_payment_methods(full("ah_1")).await.answer.unwrap();
    let ids: Vec<_> = listed.iter().map(|method| method.id.as_str()).collect();
    assert_eq!(ids, ["pm_2", "pm_1"], "the provider's order: newest first");
    for method in &listed {
        let display: Value = serde_json::from_str(method.display.as_str()).unwrap();
        assert_eq!(display, value!({ "brand": "visa", "of": method.id }));
        assert_told(&method.data, &context_told, &value!({ "function": "list", "id": method.id }));
    }

    assert_eq!(whole.delete_payment_method(full("ah_1"), "pm_1".into()).await.answer, Ok(()));
    let deleted = whole.delete_payment_method(full("ah_1"), "tell".into()).await.answer;
    let told = told_in_error(deleted, &ErrorKind::RateLimited { retry_after_ms: 1_500 });
    assert_told(&told, &context_told, &value!({ "function": "delete-method", "id": "tell" }));
}

fn told_in_error(answer: Result<(), Failure>, kind: &ErrorKind) -> Json {
    let Err(Failure::Error(ProviderError { kind: found, code, message, data: Some(data) })) = answer else {
        panic!("an error with data was due: {answer:?}")
    };
    assert_eq!((&found, code.as_str(), message.as_str()), (kind, "told", "as it was told"));
    data
}

fn delivery(headers: &[(&str, &[u8])], query: &str, body: &[u8]) -> Delivery {
    let header = |(name, value): &(&str, &[u8])| DeliveryHeader { name: (*name).to_owned(), value: value.to_vec() };
    Delivery {
        headers: headers.iter().map(header).collect(),
        query: query.to_owned(),
        body: body.to_vec(),
        received_at: Timestamp(1_763_683_896_123),
        deadline_ms: 5_000,
    }
}

#[tokio::test]
async fn webhooks_are_told_and_tell_everything() {
    let whole = provider(WHOLE).await;
    let (session, operation) = (SessionId::from_tail("03"), OperationId::from_tail("01"));
    let headers: &[(&str, &[u8])] = &[("B", b"2"), ("a", b"\xe4\xff"), ("B", b"1")];
    let actions = [
        (EvidenceAction::Authorized, "Authorized"),
        (EvidenceAction::Captured, "Captured"),
        (EvidenceAction::Refunded, "Refunded"),
        (EvidenceAction::Failed, "Failed"),
        (EvidenceAction::Pending, "Pending"),
        (EvidenceAction::RequiresMore, "RequiresMore"),
        (EvidenceAction::Canceled, "Canceled"),
        (EvidenceAction::Disputed, "Disputed"),
        (EvidenceAction::NotSupported, "NotSupported"),
    ];
    let of_session = EvidenceSubject::Session(session.clone());
    let of_reference = EvidenceSubject::ProviderReference("ref-1".into());
    for (query, subject) in [(session.as_str(), of_session), ("", of_reference)] {
        let body = operation.as_str().as_bytes();
        let claims = whole.receive_webhook(delivery(headers, query, body)).await.answer.unwrap().unwrap();
        assert_eq!(claims.len(), actions.len());
        for (claim, (action, name)) in claims.into_iter().zip(actions) {
            assert_eq!((claim.action, claim.reason.as_deref()), (action, Some(name)));
            // Header values are bytes: one character each.
            assert_eq!(claim.event_id, "B=2&a=äÿ&B=1");
            assert_eq!(claim.occurred_at, Some(Timestamp(1_763_683_896_123)));
            let speaks = action != EvidenceAction::NotSupported;
            assert_eq!(claim.subject, speaks.then(|| subject.clone()));
            assert_eq!(claim.amount, Some(euro(i64::try_from(body.len()).unwrap())));
            assert_eq!(claim.operation.as_ref(), Some(&operation));
        }
    }
}

#[tokio::test]
async fn webhooks_are_rejected_in_every_way() {
    let whole = provider(WHOLE).await;
    let reject = async |how: &'static [u8]| {
        whole.receive_webhook(delivery(&[("Reject", how)], "", b"")).await.answer.unwrap().unwrap_err()
    };
    assert_eq!(reject(b"bad-signature").await, Rejection::BadSignature("not signed".into()));
    assert_eq!(reject(b"malformed").await, Rejection::Malformed("not understood".into()));
    let failed =
        ProviderError { kind: ErrorKind::Authentication, code: "told".into(), message: "no key".into(), data: None };
    assert_eq!(reject(b"no key").await, Rejection::Failed(failed));
}
