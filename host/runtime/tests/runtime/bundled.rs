//! The providers that come with the host, through the sandbox: every function of every interface they export.

use tillbox_artifacts::{ECHO, MANUAL, STRIPE_MOCK};
use tillbox_core::Timestamp;
use tillbox_core::id::{OperationId, SessionId};
use tillbox_core::outcome::{ErrorKind, NextAction, ProviderStatus};
use tillbox_runtime::request::{CallContext, Customer, Delivery, DeliveryHeader, Rejection};
use tillbox_runtime::{Failure, Provider, Reach};

use crate::support::{call, context, euro, initiate, json, provider, retrieve};

/// A context of its own for every operation, as the service makes them.
fn operation(tail: &str) -> CallContext {
    CallContext {
        session: Some(SessionId::from_tail("01")),
        locale: Some("de-AT".into()),
        customer: Some(Customer {
            id: "cus_1".into(),
            email: Some("a@example.com".into()),
            name: Some("Ada".into()),
            ..Customer::default()
        }),
        ..CallContext::new(OperationId::from_tail(tail), format!("key-{tail}"))
    }
}

#[tokio::test]
async fn manual_answers_every_function() {
    let manual = provider(MANUAL).await;
    assert_eq!((manual.info().identifier.as_str(), manual.reach()), ("manual", Reach::Nowhere));
    let opened = initiate(&*manual, "{}", 5_000).await.answer.unwrap();
    for function in ["update", "delete", "status"] {
        let outcome = call(&*manual, function, opened.data.as_str()).await.answer;
        assert!(outcome.is_ok(), "{function}: {outcome:?}");
    }
    let authorized = call(&*manual, "authorize", opened.data.as_str()).await.answer.unwrap();
    assert_eq!((authorized.status, authorized.amount), (ProviderStatus::Authorized, Some(euro(1050))));
    let canceled = call(&*manual, "cancel", authorized.data.as_str()).await.answer.unwrap();
    assert_eq!(canceled.status, ProviderStatus::Canceled);
    let captured = call(&*manual, "capture", authorized.data.as_str()).await.answer.unwrap();
    assert_eq!((captured.status, captured.amount), (ProviderStatus::Captured, Some(euro(400))));
    let refunded = call(&*manual, "refund", captured.data.as_str()).await.answer.unwrap();
    assert_eq!(refunded.amount, Some(euro(250)));
    let snapshot = retrieve(&*manual, refunded.data.as_str()).await.answer.unwrap();
    assert_eq!((snapshot.captured, snapshot.refunded), (euro(400), euro(250)));
}

#[tokio::test]
async fn stripe_mock_takes_a_payment() {
    let mock = provider(STRIPE_MOCK).await;
    let opened = initiate(&*mock, r#"{"payment_method":"pm_card_visa"}"#, 5_000).await.answer.unwrap();
    assert!(opened.client_data.is_some() && opened.provider_reference.is_some());
    let authorized = call(&*mock, "authorize", opened.data.as_str()).await.answer.unwrap();
    assert_eq!(authorized.status, ProviderStatus::Authorized);
    let captured = call(&*mock, "capture", authorized.data.as_str()).await.answer.unwrap();
    assert_eq!(captured.status, ProviderStatus::Captured);
    assert_eq!(captured.amount.unwrap().minor_units(), 400);
    let snapshot = retrieve(&*mock, captured.data.as_str()).await.answer.unwrap();
    assert_eq!(snapshot.captured.minor_units(), 400);
}

#[tokio::test]
async fn stripe_mock_declines_and_challenges() {
    let mock = provider(STRIPE_MOCK).await;
    let opened = initiate(&*mock, r#"{"payment_method":"pm_card_chargeDeclined"}"#, 5_000).await.answer.unwrap();
    let declined = call(&*mock, "authorize", opened.data.as_str()).await.answer.unwrap();
    assert_eq!(declined.status, ProviderStatus::Declined);
    assert!(!declined.decline.unwrap().code.is_empty());

    let input = r#"{"payment_method":"pm_card_authenticationRequired"}"#;
    let opened = initiate(&*mock, input, 5_000).await.answer.unwrap();
    let asked = call(&*mock, "authorize", opened.data.as_str()).await.answer.unwrap();
    assert_eq!(asked.status, ProviderStatus::RequiresMore);
    assert!(
        matches!(asked.next_action, Some(NextAction::ThreeDSecure { .. } | NextAction::Redirect { .. })),
        "{asked:?}"
    );
}

#[tokio::test]
async fn optional_interfaces_are_called_where_they_are_and_absent_where_not() {
    let mock = provider(STRIPE_MOCK).await;
    let delivery = || Delivery {
        headers: vec![DeliveryHeader { name: "stripe-signature".into(), value: b"t=1,v1=\xff".to_vec() }],
        query: String::new(),
        body: b"{}".to_vec(),
        received_at: Timestamp(1_763_683_896_000),
        deadline_ms: 5_000,
    };
    let rejected = mock.receive_webhook(delivery()).await.answer.unwrap();
    assert!(matches!(rejected, Err(Rejection::BadSignature(_) | Rejection::Failed(_))), "{rejected:?}");

    let holder = mock.create_account_holder(operation("h1"), json("{}")).await.answer.unwrap();
    let with_holder = |tail: &str| CallContext { account_holder: Some(holder.clone()), ..operation(tail) };
    assert!(mock.retrieve_account_holder(with_holder("h2")).await.answer.is_ok());
    assert!(mock.update_account_holder(with_holder("h3"), json("{}")).await.answer.is_ok());
    assert!(mock.delete_account_holder(with_holder("h7")).await.answer.is_ok());

    let echo = provider(ECHO).await;
    let absent = [
        echo.receive_webhook(delivery()).await.answer.map(drop),
        echo.create_account_holder(context(1_000), json("{}")).await.answer.map(drop),
        echo.delete_account_holder(context(1_000)).await.answer,
        echo.list_payment_methods(context(1_000)).await.answer.map(drop),
        echo.save_payment_method(context(1_000), json("{}")).await.answer.map(drop),
        echo.delete_payment_method(context(1_000), "pm_1".into()).await.answer,
    ];
    for answer in absent {
        let Err(Failure::Error(error)) = answer else { panic!("{answer:?}") };
        assert_eq!(error.kind, ErrorKind::NotSupported);
    }
}

#[tokio::test]
async fn the_report_of_a_call_tells_its_cost() {
    let call = initiate(&*provider(STRIPE_MOCK).await, r#"{"payment_method":"pm_card_visa"}"#, 5_000).await;
    assert!(call.report.memory_bytes_peak >= 64 * 1024);
    assert!(call.report.duration >= call.report.instantiation && !call.report.instantiation.is_zero());
    assert_eq!((call.report.log_lines_dropped, call.report.printed.as_str()), (0, ""));
}
