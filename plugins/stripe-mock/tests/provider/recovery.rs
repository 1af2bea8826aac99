//! Lost replies: what `retrieve` finds, and what it proves by not finding it.

use stripe_mock::{StripeMock, testing::set_time_ms};
use tillbox_provider::testing::{context, json};
use tillbox_provider::{
    ErrorKind, Json, OperationKind, OperationReference, Provider, RetrieveRequest, Snapshot, Status,
};

use crate::shop::{NOW_MS, Shop, with_method};

fn ask(shop: &Shop, number: u32, kind: OperationKind) -> Snapshot {
    let context = context(&format!("payop_{number}"));
    let operation = OperationReference {
        operation_id: context.operation_id.clone(),
        idempotency_key: context.idempotency_key.clone(),
        kind,
        amount: None,
    };
    let request = RetrieveRequest { payment: shop.payment.clone(), operation: Some(operation) };
    StripeMock::retrieve(&context, &request).unwrap()
}

#[test]
fn finds_every_operation_that_happened_and_no_other() {
    let mut shop = Shop::authorized("EUR", "pm_card_visa");
    let capture = shop.capture(400, false).unwrap();
    let refund = shop.refund(100).unwrap();
    assert_eq!(ask(&shop, 0, OperationKind::Initiate).operation.unwrap().status, Status::Pending);
    assert_eq!(ask(&shop, 1, OperationKind::Authorize).operation.unwrap().status, Status::Authorized);
    let found = ask(&shop, 2, OperationKind::Capture).operation.unwrap();
    assert_eq!((found.provider_reference, found.amount), (capture.provider_reference, capture.amount));
    let found = ask(&shop, 3, OperationKind::Refund).operation.unwrap();
    assert_eq!((found.provider_reference, found.amount), (refund.provider_reference, refund.amount));
    assert!(ask(&shop, 4, OperationKind::Refund).operation.is_none());
    assert!(ask(&shop, 2, OperationKind::Refund).operation.is_none(), "another kind");
}

#[test]
fn tells_what_became_of_a_debit() {
    let shop = Shop::authorized("USD", "pm_usBankAccount_success");
    set_time_ms(NOW_MS + 1);
    let snapshot = ask(&shop, 1, OperationKind::Authorize);
    assert_eq!(snapshot.operation.unwrap().status, Status::Captured);
    assert_eq!(snapshot.outcome.status, Status::Captured);
    let mut shop = Shop::authorized("USD", "pm_usBankAccount_noAccount");
    assert_eq!(ask(&shop, 1, OperationKind::Authorize).operation.unwrap().status, Status::Declined);
    shop.authorize(&with_method("pm_card_visa")).unwrap();
    assert_eq!(ask(&shop, 1, OperationKind::Authorize).operation.unwrap().status, Status::Declined);
    assert_eq!(ask(&shop, 2, OperationKind::Authorize).operation.unwrap().status, Status::Authorized);
}

#[test]
fn a_lost_initiate_did_not_happen() {
    let mut shop = Shop::open("EUR", "{}");
    let reference = shop.payment.provider_reference.take();
    let data = std::mem::replace(&mut shop.payment.data, Json::empty());
    assert_eq!(shop.status().unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(shop.authorize("{}").unwrap_err().kind, ErrorKind::NotFound);
    shop.payment.data = data;
    assert!(shop.status().is_ok(), "found by its data without a reference");
    shop.payment.provider_reference = reference;
    assert!(shop.status().is_ok());
    shop.payment.provider_reference = Some("pi_ofAnotherPayment".to_owned());
    assert_eq!(shop.status().unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn damaged_data_are_refused() {
    let mut shop = Shop::open("EUR", "{}");
    shop.payment.data = json(r#"{"intent":{}}"#);
    let error = shop.status().unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::InvalidRequest, "data_invalid"));
}
