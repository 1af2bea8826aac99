//! What the merchant does with their own things: collections, notes, reasons, lists. And what is refused, in the words of the
//! reference module.

mod scripted;

use std::sync::Arc;

use scripted::{Scripted, error, lost, shared};
use tillbox::core::Money;
use tillbox::core::id::{CollectionId, PaymentId, ProviderId, RefundReasonId};
use tillbox::core::operation::OperationKind;
use tillbox::core::outcome::ErrorKind;
use tillbox::core::state::Collection;
use tillbox::core::status::CollectionStatus;
use tillbox::currency::money;
use tillbox::runtime::Reach;
use tillbox::runtime::request::Customer;
use tillbox::service::{
    COLLECTIONS_AT_ONCE_MAX, CollectionUpdate, CollectionUpsert, NewCapture, NewCollection, NewRefund, NewRefundReason,
    NewSession, Payer, RefundReasonUpdate, SessionUpdate,
};
use tillbox::store::{
    CaptureFilter, CollectionFilter, Page, PaymentFilter, RefundFilter, RefundReasonFilter, SessionFilter, Wanted,
};
use tillbox::{Error, Host};

const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

fn euro(text: &str) -> Money {
    money(text, "EUR").unwrap()
}

fn scripted_id() -> ProviderId {
    ProviderId::parse("pp_scripted_default").unwrap()
}

async fn host() -> (Host, Arc<Scripted>) {
    let (provider, installed) = shared(Scripted::new(Reach::Network));
    (Host::builder().in_memory().provider("default", installed).build().await.unwrap(), provider)
}

async fn collection(host: &Host) -> CollectionId {
    host.create_collection(NewCollection::new(euro("10.00"))).await.unwrap().id
}

async fn payment(host: &Host) -> PaymentId {
    let session = host.create_session(&collection(host).await, NewSession::new(scripted_id())).await.unwrap().value;
    host.authorize_session(&session.id, None).await.unwrap().value.payment.unwrap().payment.id
}

fn noted(metadata: &str) -> CollectionUpdate {
    CollectionUpdate { metadata: Some(metadata.to_owned()), ..CollectionUpdate::default() }
}

#[tokio::test]
async fn collections_are_made_changed_and_upserted_together_or_not_at_all() {
    let (host, _) = host().await;
    let new = |cart: &str| NewCollection { cart_id: Some(cart.to_owned()), ..NewCollection::new(euro("5.00")) };
    let made = host.create_collections(vec![new("a"), new("b"), new("a")]).await.unwrap();
    assert_eq!(made.iter().map(|made| made.cart_id.as_deref().unwrap()).collect::<Vec<_>>(), ["a", "b", "a"]);
    let broken =
        host.create_collections(vec![new("c"), NewCollection { metadata: Some("[]".into()), ..new("d") }]).await;
    assert_eq!(broken.unwrap_err().code(), "invalid_data");
    assert_eq!(host.collections(ALL).await.unwrap().count, 3, "all or none");

    let cart = CollectionFilter { cart_ids: vec!["a".into()], ..CollectionFilter::default() };
    let changed = host.update_collections(cart.clone(), noted(r#"{"n":1}"#)).await.unwrap();
    let ids = |list: &[Collection]| {
        let mut ids: Vec<CollectionId> = list.iter().map(|one| one.id.clone()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&changed), ids(&[made[0].clone(), made[2].clone()]), "all that fit");
    assert!(changed.iter().all(|one| one.metadata.as_ref().unwrap().as_str() == r#"{"n":1}"#));
    assert_eq!(host.collection(&made[1].id).await.unwrap().metadata, None);
    // One of them cannot be changed so: none is.
    let session = host.create_session(&made[0].id, NewSession::new(scripted_id())).await.unwrap().value;
    host.authorize_session(&session.id, None).await.unwrap();
    let less = CollectionUpdate { amount: Some(euro("1.00")), ..CollectionUpdate::default() };
    assert_eq!(host.update_collections(cart, less).await.unwrap_err().code(), "below_committed");
    assert_eq!(host.collection(&made[2].id).await.unwrap().amount, euro("5.00"));
    let none = CollectionFilter { cart_ids: vec!["nobody's".into()], ..CollectionFilter::default() };
    assert!(host.update_collections(none, noted("{}")).await.unwrap().is_empty());

    let upserts = vec![
        CollectionUpsert { amount: Some(euro("7.00")), cart_id: Some("new".into()), ..CollectionUpsert::default() },
        CollectionUpsert { id: Some(made[1].id.clone()), amount: Some(euro("6.00")), ..CollectionUpsert::default() },
    ];
    let after = host.upsert_collections(upserts).await.unwrap();
    assert_eq!(after.iter().map(|one| one.amount).collect::<Vec<_>>(), [euro("7.00"), euro("6.00")]);
    assert_eq!(after[1].id, made[1].id);
    let unknown = CollectionUpsert { id: Some(CollectionId::from_tail("x")), ..CollectionUpsert::default() };
    let new = CollectionUpsert { amount: Some(euro("1.00")), ..CollectionUpsert::default() };
    let error = host.upsert_collections(vec![new, unknown]).await.unwrap_err();
    assert_eq!(error.to_string(), "PaymentCollection with id: pay_col_x was not found");
    for wrong in [
        vec![CollectionUpsert::default()],
        vec![CollectionUpsert {
            id: Some(made[1].id.clone()),
            cart_id: Some("b".into()),
            ..CollectionUpsert::default()
        }],
        vec![CollectionUpsert { id: Some(made[1].id.clone()), ..CollectionUpsert::default() }; 2],
        vec![CollectionUpsert::default(); COLLECTIONS_AT_ONCE_MAX + 1],
    ] {
        assert_eq!(host.upsert_collections(wrong).await.unwrap_err().code(), "invalid_data");
    }
    assert_eq!(host.collections(ALL).await.unwrap().count, 4);
}

#[tokio::test]
async fn a_selector_that_fits_too_many_changes_none() {
    let (host, _) = host().await;
    for _ in 0..2 {
        let new = vec![NewCollection::new(euro("1.00")); COLLECTIONS_AT_ONCE_MAX / 2 + 1];
        host.create_collections(new).await.unwrap();
    }
    let error = host.update_collections(CollectionFilter::default(), noted("{}")).await.unwrap_err();
    assert!(error.to_string().starts_with("payment_collections: 102 at once"), "{error}");
    let many = vec![NewCollection::new(euro("1.00")); COLLECTIONS_AT_ONCE_MAX + 1];
    assert_eq!(host.create_collections(many).await.unwrap_err().code(), "invalid_data");
}

#[tokio::test]
async fn a_deleted_collection_is_not_found_and_its_sessions_are_abandoned_first() {
    let (host, provider) = host().await;
    let id = collection(&host).await;
    let session = host.create_session(&id, NewSession::new(scripted_id())).await.unwrap().value.id;
    // A provider that cannot be reached keeps the collection where it is.
    provider.will(OperationKind::Delete, Err(error(ErrorKind::Unavailable)));
    assert_eq!(host.delete_collection(&id).await.unwrap_err().code(), "provider_rejected");
    assert!(host.session(&session).await.is_ok());
    host.delete_collection(&id).await.unwrap();
    let deletions = provider.seen().iter().filter(|seen| seen.kind == OperationKind::Delete).count();
    assert_eq!(deletions, 2);
    for gone in [
        host.collection(&id).await.map(drop),
        host.update_collection(&id, noted("{}")).await.map(drop),
        host.complete_collection(&id).await.map(drop),
        host.cancel_collection(&id).await.map(drop),
        host.delete_collection(&id).await,
        host.create_session(&id, NewSession::new(scripted_id())).await.map(drop),
    ] {
        assert_eq!(gone.unwrap_err().to_string(), format!("PaymentCollection with id: {id} was not found"));
    }
    let gone = host.session(&session).await.unwrap_err();
    assert_eq!(gone.to_string(), format!("PaymentSession with id: {session} was not found"));
    assert_eq!(host.collections(ALL).await.unwrap().count, 0);
    assert_eq!(host.sessions(ALL).await.unwrap().count, 0);
    let operations = host.operations(&[], ALL).await.unwrap();
    assert_eq!(operations.count, 3, "the books keep everything");
    host.operation(&operations.items[0].id).await.unwrap();
}

#[tokio::test]
async fn collections_with_money_are_not_deleted_and_neither_are_those_beside_them() {
    let (host, provider) = host().await;
    let empty = collection(&host).await;
    let session = host.create_session(&empty, NewSession::new(scripted_id())).await.unwrap().value.id;
    let payment = payment(&host).await;
    let held = host.payment(&payment).await.unwrap().collection;
    let refused = host.delete_collections(&[empty.clone(), held.clone()]).await.unwrap_err();
    assert_eq!(refused.code(), "holds_money");
    assert!(host.session(&session).await.is_ok(), "looked at before anything was abandoned");
    provider.will(OperationKind::Capture, Err(lost()));
    host.capture(&payment, None).await.unwrap_err();
    assert_eq!(host.delete_collection(&held).await.unwrap_err().code(), "holds_money");
    host.delete_collections(&[empty]).await.unwrap();
}

#[tokio::test]
async fn complete_notes_when_and_forbids_nothing() {
    let (host, _) = host().await;
    let (one, two) = (collection(&host).await, collection(&host).await);
    let done = host.complete_collections(&[one.clone(), two, one.clone()]).await.unwrap();
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|done| done.completed_at.is_some() && done.status == CollectionStatus::NotPaid));
    assert_eq!(host.complete_collection(&one).await.unwrap().completed_at, done[0].completed_at);
    let canceled = host.cancel_collection(&one).await.unwrap();
    assert_eq!(canceled.status, CollectionStatus::Canceled);
    let again = host.cancel_collection(&one).await.unwrap_err();
    assert_eq!(again.to_string(), "Payment collection is already canceled");
    let unknown = CollectionId::from_tail("x");
    assert_eq!(host.complete_collections(&[one, unknown]).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn captures_and_refunds_say_who_why_and_what_else() {
    let (host, provider) = host().await;
    let payment = payment(&host).await;
    let new = NewCapture {
        amount: Some(euro("6.00")),
        created_by: Some("user_1".into()),
        metadata: Some(r#"{"till":1}"#.into()),
    };
    let capture = host.capture(&payment, new).await.unwrap().value.captures.remove(0);
    assert_eq!((capture.created_by.as_deref(), &capture.payment), (Some("user_1"), &payment));
    assert_eq!(host.retrieve_capture(&capture.id).await.unwrap(), capture);
    let reason =
        host.create_refund_reason(NewRefundReason { label: "Arrived Late".into(), ..NewRefundReason::default() });
    let reason = reason.await.unwrap();
    assert_eq!(reason.code, "arrived_late");
    let new = NewRefund {
        amount: Some(euro("1.00")),
        reason: Some(reason.id.clone()),
        note: Some("two days".into()),
        created_by: Some("user_2".into()),
        metadata: Some(r#"{"a":1}"#.into()),
    };
    // What becomes of the reason later changes nothing about the refund that was made for it.
    let refund = host.refund(&payment, new).await.unwrap().value.refunds.remove(0);
    assert_eq!(provider.reasons(), [Some("arrived_late".to_owned())]);
    let update = RefundReasonUpdate { code: Some("late".into()), ..RefundReasonUpdate::default() };
    host.update_refund_reason(&reason.id, update).await.unwrap();
    host.delete_refund_reasons(std::slice::from_ref(&reason.id)).await.unwrap();
    let kept = host.retrieve_refund(&refund.id).await.unwrap();
    assert_eq!(kept, refund);
    let given = kept.reason.unwrap();
    assert_eq!((&given.id, given.code.as_str()), (&reason.id, "arrived_late"));
    assert_eq!(host.refund_reasons_ever(std::slice::from_ref(&reason.id)).await.unwrap()[0].label, "Arrived Late");
    let gone = NewRefund { reason: Some(reason.id.clone()), ..NewRefund::default() };
    let error = host.refund(&payment, gone).await.unwrap_err();
    assert_eq!(error.to_string(), format!("RefundReason with id: {} was not found", reason.id));

    let by = |name: &str| CaptureFilter { created_by: vec![name.to_owned()], ..CaptureFilter::default() };
    assert_eq!(host.captures(Wanted::of(by("user_1"), ALL)).await.unwrap().items, std::slice::from_ref(&capture));
    assert_eq!(host.captures(Wanted::of(by("user_2"), ALL)).await.unwrap().count, 0);
    let of = RefundFilter { payments: vec![payment.clone()], reasons: vec![reason.id], ..RefundFilter::default() };
    assert_eq!(host.refunds(Wanted::of(of, ALL)).await.unwrap().items, std::slice::from_ref(&refund));
    let changed = host.update_capture(&capture.id, r#"{"b":2}"#).await.unwrap();
    assert_eq!(changed.metadata.unwrap().as_str(), r#"{"b":2}"#);
    let changed = host.update_refund(&refund.id, "{}").await.unwrap();
    assert_eq!(changed.metadata.unwrap().as_str(), "{}");
    let changed = host.update_payment(&payment, r#"{"c":3}"#).await.unwrap();
    assert_eq!((changed.payment.metadata.unwrap().as_str(), changed.captured), (r#"{"c":3}"#, euro("6.00")));
}

#[tokio::test]
async fn what_is_not_known_to_have_happened_is_no_capture() {
    let (host, provider) = host().await;
    let payment = payment(&host).await;
    provider.will(OperationKind::Capture, Err(lost()));
    host.capture(&payment, None).await.unwrap_err();
    assert_eq!(host.captures(ALL).await.unwrap().count, 0);
    assert_eq!(host.payment(&payment).await.unwrap().reserved_captures, euro("10.00"));
}

#[tokio::test]
async fn refunds_and_captures_are_refused_in_the_reference_s_words() {
    let (host, _) = host().await;
    let payment = payment(&host).await;
    let zero = euro("0.00");
    let told = |error: Error| (error.code().to_owned(), error.to_string());
    let (code, text) = told(host.capture(&payment, Some(zero)).await.unwrap_err());
    assert_eq!((code.as_str(), text.as_str()), ("amount_not_positive", "Capture amount must be greater than 0."));
    let (_, text) = told(host.capture(&payment, Some(euro("10.01"))).await.unwrap_err());
    let words = "You cannot capture more than the authorized amount substracted by what is already captured.";
    assert!(text.starts_with(words), "{text}");
    host.capture(&payment, None).await.unwrap();
    let refund = |amount| NewRefund { amount: Some(amount), ..NewRefund::default() };
    let (_, text) = told(host.refund(&payment, refund(zero)).await.unwrap_err());
    assert_eq!(text, "Refund amount must be greater than 0.");
    let (_, text) = told(host.refund(&payment, refund(euro("10.01"))).await.unwrap_err());
    assert!(text.starts_with("You cannot refund more than what is captured on the payment."), "{text}");
    let other = self::payment(&host).await;
    host.cancel_payment(&other, None).await.unwrap();
    let (code, text) = told(host.capture(&other, None).await.unwrap_err());
    assert_eq!((code.as_str(), text), ("payment_canceled", format!("The payment: {other} has been canceled.")));
    let unknown = PaymentId::from_tail("x");
    let (_, text) = told(host.capture(&unknown, None).await.unwrap_err());
    assert_eq!(text, "Payment with id: pay_x was not found");
}

#[tokio::test]
async fn refund_reasons_are_the_merchants_own() {
    let (host, _) = host().await;
    let seeds = host.refund_reasons(ALL).await.unwrap();
    let mut codes: Vec<&str> = seeds.items.iter().map(|reason| reason.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["customer_care_adjustment", "pricing_error", "shipping_issue"]);
    let new = |label: &str| NewRefundReason { label: label.to_owned(), ..NewRefundReason::default() };
    let taken = host.create_refund_reasons(vec![new("Broken"), new("Pricing error")]).await.unwrap_err();
    assert_eq!(taken.code(), "duplicate_error");
    assert_eq!(host.refund_reasons(ALL).await.unwrap().count, 3, "all or none");
    let made = host.create_refund_reason(NewRefundReason { description: Some("in transit".into()), ..new("Broken") });
    let made = made.await.unwrap();
    let find = |text: &str| RefundReasonFilter { text: Some(text.to_owned()), ..RefundReasonFilter::default() };
    assert_eq!(host.refund_reasons(Wanted::of(find("TRANSIT"), ALL)).await.unwrap().items, std::slice::from_ref(&made));
    let update =
        RefundReasonUpdate { description: Some(String::new()), label: Some("Smashed".into()), ..Default::default() };
    let changed = host.update_refund_reason(&made.id, update).await.unwrap();
    assert_eq!((changed.label.as_str(), changed.code.as_str(), &changed.description), ("Smashed", "broken", &None));
    let update = RefundReasonUpdate { code: Some("pricing_error".into()), ..RefundReasonUpdate::default() };
    assert_eq!(host.update_refund_reason(&made.id, update).await.unwrap_err().code(), "duplicate_error");
    let unknown = RefundReasonId::from_tail("x");
    let both = host.delete_refund_reasons(&[made.id.clone(), unknown]).await.unwrap_err();
    assert_eq!(both.code(), "not_found");
    host.refund_reason(&made.id).await.unwrap();
    host.delete_refund_reasons(std::slice::from_ref(&made.id)).await.unwrap();
    assert_eq!(host.refund_reason(&made.id).await.unwrap_err().code(), "not_found");
    host.create_refund_reason(new("Broken")).await.unwrap();
}

#[tokio::test]
async fn sessions_are_listed_and_changed() {
    let (host, provider) = host().await;
    let (one, two) = (collection(&host).await, collection(&host).await);
    let first = host.create_session(&one, NewSession::new(scripted_id())).await.unwrap().value.id;
    let second = host.create_session(&two, NewSession::new(scripted_id())).await.unwrap().value.id;
    let of = SessionFilter { collections: vec![one.clone()], ..SessionFilter::default() };
    let found = host.sessions(Wanted::of(of, ALL)).await.unwrap();
    assert_eq!(
        (found.items[0].collection.clone(), found.items[0].session.id.clone(), found.count),
        (one, first.clone(), 1)
    );
    let calls = provider.seen().len();
    let notes = SessionUpdate { metadata: Some(r#"{"n":1}"#.into()), ..SessionUpdate::default() };
    host.authorize_session(&second, None).await.unwrap();
    let noted = host.update_session(&second, notes.clone()).await.unwrap();
    assert_eq!(noted.value.metadata.unwrap().as_str(), r#"{"n":1}"#);
    assert_eq!(provider.seen().len(), calls + 1, "notes alone ask nobody");
    let customer = Customer { id: "cus_1".into(), ..Customer::default() };
    let payer = Payer { customer: Some(customer), locale: Some("de".into()) };
    let update = SessionUpdate { amount: Some(euro("9.00")), payer: Some(payer), ..notes };
    let changed = host.update_session(&first, update).await.unwrap().value;
    assert_eq!((changed.amount, changed.metadata.unwrap().as_str()), (euro("9.00"), r#"{"n":1}"#));
    assert!(changed.context.as_str().contains("cus_1"));
    let paid = PaymentFilter { sessions: vec![second], captured: Some(false), ..PaymentFilter::default() };
    assert_eq!(host.payments(Wanted::of(paid, ALL)).await.unwrap().count, 1);
}
