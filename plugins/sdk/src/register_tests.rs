//! The shims natively: what a host would send goes in, what it would get comes out.

use super::*;
use crate::{
    AccountHolder, Action, AuthorizeRequest, CancelRequest, Capabilities, CaptureRequest, Context, Decline,
    DeclineClass, DeleteRequest, Delivery, Evidence, InitiateRequest, Json, NextAction, PaymentMethod, PaymentState,
    ProviderInfo, RefundRequest, Rejection, RetrieveRequest, Snapshot, Subject, UpdateRequest,
};

/// Answers each function with something that only this function answers.
struct Probe;

// Both forms, which on native targets are checked and export nothing.
crate::register!(Probe);
crate::register!(Probe, webhooks, account_holders, payment_methods);

impl Provider for Probe {
    fn describe() -> ProviderInfo {
        let capabilities = Capabilities { partial_refund: true, ..Capabilities::default() };
        ProviderInfo::new("probe", "Probe", "1.2.3").capabilities(capabilities)
    }

    fn initiate(context: &Context, request: &InitiateRequest) -> Result<Outcome> {
        let text = request.input.as_str();
        Ok(Outcome::pending(Json::parse(text)?).amount(request.amount).reference(&context.operation_id))
    }

    fn update(_: &Context, _: &UpdateRequest) -> Result<Outcome> {
        Err(Error::rate_limited(7, "m".repeat(2_000)).code("c".repeat(100)))
    }

    fn authorize(_: &Context, request: &AuthorizeRequest) -> Result<Outcome> {
        let decline = Decline::new(DeclineClass::SuspectedFraud, "Übler Code/1", "No.");
        Ok(Outcome::declined(request.payment.data.clone(), decline))
    }

    fn capture(_: &Context, request: &CaptureRequest) -> Result<Outcome> {
        let action = NextAction::ThreeDSecure { url: "https://example.com/".to_owned(), expires_in_ms: Some(5) };
        Ok(Outcome::requires_more(Json::empty(), action).reference(&request.capture_id))
    }

    fn refund(_: &Context, _: &RefundRequest) -> Result<Outcome> {
        Ok(Outcome::new(crate::Status::Declined, Json::empty()))
    }

    fn cancel(_: &Context, _: &CancelRequest) -> Result<Outcome> {
        Err(serde_json::from_str::<u32>("x").unwrap_err().into())
    }

    fn delete(_: &Context, _: &DeleteRequest) -> Result<Outcome> {
        Err(crate::MoneyError::Negative.into())
    }

    fn retrieve(_: &Context, request: &RetrieveRequest) -> Result<Snapshot> {
        let payment = &request.payment;
        let operation = request.operation.as_ref().map(|operation| {
            assert_eq!(operation.kind, crate::OperationKind::Refund);
            Outcome::captured(Json::empty()).reference(&operation.operation_id)
        });
        let outcome = Outcome::authorized(Json::empty());
        Ok(Snapshot {
            outcome,
            captured: payment.captured,
            refunded: payment.refunded,
            disputed: payment.amount,
            operation,
        })
    }

    fn status(_: &Context, payment: &PaymentState) -> Result<Outcome> {
        Ok(Outcome::canceled(payment.data.clone()))
    }

    fn receive_webhook(delivery: &Delivery) -> Result<Vec<Evidence>, Rejection> {
        let Some(count) = delivery.header("X-Count") else {
            return Err(Rejection::BadSignature("no header".to_owned()));
        };
        let count: usize = count.parse().unwrap();
        let subject = || Subject::Session("payses_1".to_owned());
        Ok((0..count).map(|event| Evidence::new(format!("evt_{event}"), Action::Disputed, subject())).collect())
    }

    fn create_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        let customer = context.customer.as_ref().ok_or_else(|| Error::invalid_request("no customer"))?;
        Ok(AccountHolder { external_id: customer.id.clone(), data: input.clone() })
    }

    fn save_payment_method(_: &Context, input: &Json) -> Result<PaymentMethod> {
        Ok(PaymentMethod { id: String::new(), display: input.clone(), data: Json::empty() })
    }
}

type Shim = Payments<Probe, true, false, true>;

fn money(minor_units: i64) -> wit_types::Money {
    wit_types::Money { minor_units, exponent: 2, currency: "EUR".to_owned() }
}

fn context() -> wit_types::Context {
    wit_types::Context {
        operation_id: "payop_1".to_owned(),
        idempotency_key: "key".to_owned(),
        attempt: 1,
        deadline_ms: 1_000,
        collection_id: None,
        session_id: None,
        payment_id: None,
        environment: wit_types::Environment::Live,
        locale: None,
        customer: None,
        account_holder: None,
        extensions: "{}".to_owned(),
    }
}

fn payment() -> wit::PaymentState {
    wit::PaymentState {
        data: r#"{"kept":1}"#.to_owned(),
        provider_reference: None,
        amount: money(3),
        captured: money(2),
        refunded: money(1),
    }
}

#[test]
fn describe_declares_what_is_registered() {
    let info = <Shim as wit::Guest>::describe();
    let want = wit::Capabilities::PARTIAL_REFUND | wit::Capabilities::WEBHOOKS | wit::Capabilities::PAYMENT_METHODS;
    assert_eq!(info.capabilities.bits(), want.bits());
    assert_eq!((info.identifier.as_str(), info.version.as_str()), ("probe", "1.2.3"));
    assert!(named(&["webhooks"], "webhooks") && !named(&["webhooks"], "webhook") && !named(&[], ""));
}

#[test]
fn outcomes_pass_the_border() {
    let request = wit::InitiateRequest { amount: money(1_050), input: r#"{"in":1}"#.to_owned() };
    let opened = <Shim as wit::Guest>::initiate(context(), request).unwrap();
    assert_eq!((opened.data.as_str(), opened.extensions.as_str()), (r#"{"in":1}"#, "{}"));
    assert_eq!(opened.provider_reference.as_deref(), Some("payop_1"));
    assert_eq!(
        opened.amount.map(|money| (money.minor_units, money.exponent, money.currency)),
        Some((1_050, 2, "EUR".into()))
    );

    let request = wit::AuthorizeRequest { payment: payment(), input: "{}".to_owned() };
    let declined = <Shim as wit::Guest>::authorize(context(), request).unwrap();
    assert_eq!(declined.data, r#"{"kept":1}"#);
    assert_eq!(declined.decline.unwrap().code, "_bler_code_1");

    let request =
        wit::CaptureRequest { payment: payment(), amount: money(1), capture_id: "capt_1".to_owned(), is_final: true };
    let challenge = <Shim as wit::Guest>::capture(context(), request).unwrap();
    assert!(
        matches!(challenge.next_action, Some(wit_types::NextAction::ThreeDSecure(c)) if c.expires_in_ms == Some(5))
    );
}

#[test]
fn errors_pass_the_border_and_are_cut() {
    let request = wit::UpdateRequest { payment: payment(), amount: money(1), input: "{}".to_owned() };
    let error = <Shim as wit::Guest>::update(context(), request).unwrap_err();
    assert!(matches!(error.kind, wit_types::ErrorKind::RateLimited(7)));
    assert_eq!((error.code.len(), error.message.len()), (64, 1_024));

    let refund = wit::RefundRequest {
        payment: payment(),
        amount: money(1),
        refund_id: "ref_1".to_owned(),
        reason: None,
        note: None,
    };
    let broken = <Shim as wit::Guest>::refund(context(), refund).unwrap_err();
    assert!(
        matches!(broken.kind, wit_types::ErrorKind::Other(code) if code == "outcome"),
        "declined without a decline"
    );

    let request = wit::CancelRequest { payment: payment(), reason: None };
    let json = <Shim as wit::Guest>::cancel(context(), request).unwrap_err();
    assert!(matches!(json.kind, wit_types::ErrorKind::Other(code) if code == "json"), "a `?` proves nothing");
    let money = <Shim as wit::Guest>::delete(context(), wit::DeleteRequest { payment: payment() }).unwrap_err();
    assert!(matches!(money.kind, wit_types::ErrorKind::Other(code) if code == "money"));
}

#[test]
fn an_amount_that_cannot_be_is_refused_before_the_call() {
    let request = wit::InitiateRequest { amount: money(-1), input: "{}".to_owned() };
    let error = <Shim as wit::Guest>::initiate(context(), request).unwrap_err();
    assert!(matches!(error.kind, wit_types::ErrorKind::InvalidRequest));
}

#[test]
fn retrieve_hands_the_reference_over() {
    let operation = wit::OperationReference {
        operation_id: "payop_lost".to_owned(),
        idempotency_key: "key".to_owned(),
        kind: wit_types::OperationKind::Refund,
        amount: Some(money(1)),
    };
    let request = wit::RetrieveRequest { payment: payment(), operation: Some(operation) };
    let snapshot = <Shim as wit::Guest>::retrieve(context(), request).unwrap();
    assert_eq!(snapshot.operation.unwrap().provider_reference.as_deref(), Some("payop_lost"));
    let totals = [snapshot.captured, snapshot.refunded, snapshot.disputed].map(|money| money.minor_units);
    assert_eq!(totals, [2, 1, 3]);
}

#[test]
fn webhooks_pass_the_border_within_their_limit() {
    let receive = |name: &str, value: &str| {
        let header = wit_webhooks::Header { name: name.to_owned(), value: value.to_owned() };
        let (query, body) = (String::new(), Vec::new());
        let delivery = wit_webhooks::Delivery { headers: vec![header], query, body, received_at_ms: 0 };
        <Webhooks<Probe> as wit_webhooks::Guest>::receive(delivery)
    };
    let claims = receive("x-count", "64").unwrap();
    assert_eq!((claims.len(), claims[63].event_id.as_str()), (64, "evt_63"));
    assert!(
        matches!(receive("x-count", "65"), Err(wit_webhooks::Rejection::Failed(error)) if error.code == "too-many")
    );
    assert!(matches!(receive("other", "1"), Err(wit_webhooks::Rejection::BadSignature(_))));
}

#[test]
fn what_is_not_written_is_not_supported() {
    let customer =
        wit_types::Customer { id: "cus_1".to_owned(), email: None, name: None, phone: None, billing_address: None };
    let context_of_customer = wit_types::Context { customer: Some(customer), ..context() };
    let input = r#"{"a":1}"#.to_owned();
    let holder = <AccountHolders<Probe> as wit_holders::Guest>::create(context_of_customer, input.clone()).unwrap();
    assert_eq!((holder.external_id.as_str(), holder.data), ("cus_1", input));
    let absent = <AccountHolders<Probe> as wit_holders::Guest>::retrieve(context()).unwrap_err();
    assert!(matches!(absent.kind, wit_types::ErrorKind::NotSupported));
    let methods = <PaymentMethods<Probe> as wit_methods::Guest>::list_methods(context()).unwrap_err();
    assert!(matches!(methods.kind, wit_types::ErrorKind::NotSupported));
    let unnamed = <PaymentMethods<Probe> as wit_methods::Guest>::save(context(), "{}".to_owned()).unwrap_err();
    assert_eq!(unnamed.code, "reference");
}
