//! The provider without WebAssembly and without a network: every currency through encode and decode, what is sent word for
//! word, and what each answer proves.

use std::collections::BTreeMap;

use iso_currency::Currency;
use serde_json::{Value, json};
use tillbox_provider::http::{HttpError, Response};
use tillbox_provider::testing::{
    answer_requests, context, json as input, money, payment, sent_requests, set_secret, set_setting,
};
use tillbox_provider::{
    AuthorizeRequest, CancelRequest, CaptureRequest, Context, Customer, DeclineClass, DeleteRequest, Environment,
    ErrorKind, InitiateRequest, Money, NextAction, OperationKind, OperationReference, PaymentState, Provider,
    RefundRequest, RetrieveRequest, Status, UpdateRequest,
};

use crate::Stripe;

/// Stripe's amounts of interest: the smallest, around a power of ten, the largest charge of most currencies and of IDR, and the
/// contract's most.
const BOUNDARIES: &[i64] =
    &[1, 2, 9, 10, 49, 50, 99, 100, 101, 999, 1_000, 9_990, 99_999_999, 100_000_000, 999_999_999_999, (1 << 53) - 1];

fn ready() {
    set_secret("api_key", "sk_test_canary");
}

/// An intent as Stripe tells it.
fn intent(changes: Value) -> Value {
    let mut intent = json!({
        "id": "pi_1", "object": "payment_intent", "status": "requires_confirmation", "amount": 1050,
        "amount_capturable": 0, "amount_received": 0, "currency": "eur", "capture_method": "manual",
        "client_secret": "pi_1_secret_1", "last_payment_error": null, "latest_charge": null, "livemode": false,
        "metadata": { "tillbox_session": "payses_1", "tillbox_operation": "payop_1" }, "next_action": null,
        "payment_method": null,
    });
    intent.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    intent
}

fn answer(status: u16, body: &Value) -> Result<Response, HttpError> {
    Ok(Response::new(status, body.to_string()))
}

/// What was sent as a form, by name.
fn form(body: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| text.replace("%5B", "[").replace("%5D", "]").replace('+', " ");
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value))).collect()
}

/// A payment in this state, authorized over 10.50 EUR when nothing else is said.
fn state(changes: Value) -> PaymentState {
    let kept = json!({ "id": "pi_1", "status": "requires_capture", "received": 0, "multicapture": true });
    let mut kept = kept;
    kept.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let amount = money(1050, 2, "EUR");
    PaymentState {
        data: input(&kept.to_string()),
        provider_reference: Some("pi_1".to_owned()),
        amount,
        captured: amount.zeroed(),
        refunded: amount.zeroed(),
    }
}

/// Every three letters that ISO 4217 gives a meaning, with its exponent.
fn every_iso_currency() -> Vec<(String, u8)> {
    let letters = || b'A'..=b'Z';
    let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
    codes
        .filter_map(|code| Currency::from_code(std::str::from_utf8(&code).ok()?))
        .filter_map(|currency| Some((currency.code().to_owned(), u8::try_from(currency.exponent()?).ok()?)))
        .collect()
}

#[test]
fn every_currency_and_boundary_amount_comes_back_as_it_went_or_is_refused() {
    ready();
    // Stripe, as far as amounts go: it tells back what it was told.
    answer_requests(|request| {
        let form = form(request.body.as_deref().unwrap());
        let amount: i64 = form["amount"].parse().unwrap();
        let metadata = json!({ "tillbox_operation": form["metadata[tillbox_operation]"] });
        answer(200, &intent(json!({ "amount": amount, "currency": form["currency"], "metadata": metadata })))
    });
    let listed: Vec<String> = Stripe::describe().currencies;
    let (mut exact, mut refused) = (0, 0);
    for (code, exponent) in every_iso_currency() {
        for minor_units in BOUNDARIES {
            let amount = Money::new(*minor_units, exponent, &code).unwrap();
            let request = InitiateRequest { amount, input: input("{}") };
            let told = Stripe::initiate(&context("payop_1"), &request);
            let sent = sent_requests();
            match told {
                Ok(outcome) => {
                    assert_eq!(outcome.amount, Some(amount), "{code} {minor_units}");
                    assert!(listed.contains(&code), "{code}");
                    exact += 1;
                }
                Err(error) => {
                    assert_eq!((error.kind, sent.len()), (ErrorKind::InvalidRequest, 0), "{code} {minor_units}");
                    let special = ["MGA", "BHD", "JOD", "KWD", "OMR", "TND", "ISK", "UGX"].contains(&code.as_str());
                    assert!(special || !listed.contains(&code), "{code} {minor_units}: {}", error.message);
                    refused += 1;
                }
            }
        }
    }
    assert!(exact > 2_000 && refused > 200, "{exact} {refused}");
}

#[test]
fn what_stripe_is_told_in_special_currencies() {
    ready();
    answer_requests(|_| Err(HttpError::NotConnected("enough was said".into())));
    let told = |minor_units, exponent, code: &str| {
        let request = InitiateRequest { amount: money(minor_units, exponent, code), input: input("{}") };
        drop(Stripe::initiate(&context("payop_1"), &request));
        sent_requests().pop().map(|sent| form(&sent.body.unwrap())["amount"].clone())
    };
    assert_eq!(told(500, 0, "JPY").as_deref(), Some("500"), "no decimals");
    assert_eq!(told(5, 0, "ISK").as_deref(), Some("500"), "two decimals that are 0");
    assert_eq!(told(5, 0, "UGX").as_deref(), Some("500"));
    assert_eq!(told(1_045, 2, "HUF").as_deref(), Some("1045"), "two decimals for charges");
    assert_eq!(told(80_045, 2, "TWD").as_deref(), Some("80045"));
    assert_eq!(told(5_120, 3, "KWD").as_deref(), Some("5120"), "three decimals, the last of which is 0");
    assert_eq!(told(5_124, 3, "KWD"), None);
    assert_eq!(told(500, 2, "MGA").as_deref(), Some("5"));
    assert_eq!(told(550, 2, "MGA"), None);
}

#[test]
fn initiate_says_everything_and_no_secret() {
    ready();
    set_setting("statement_descriptor_suffix", "ORDER 7");
    set_setting("account", "acct_1");
    answer_requests(|_| answer(200, &intent(json!({}))));
    let request = InitiateRequest {
        amount: money(1050, 2, "EUR"),
        input: input(r#"{"payment_method":"pm_card_visa","save_payment_method":true}"#),
    };
    let outcome = Stripe::initiate(&context("payop_1"), &request).unwrap();
    assert_eq!((outcome.status, outcome.provider_reference.as_deref()), (Status::Pending, Some("pi_1")));
    let client = outcome.client_data.unwrap();
    assert!(client.as_str().contains("pi_1_secret_1") && !outcome.data.as_str().contains("secret"));
    let sent = sent_requests().pop().unwrap();
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "https://api.stripe.com/v1/payment_intents"));
    assert_eq!(sent.idempotency_key.as_deref(), Some("key-of-payop_1"));
    assert_eq!(sent.secret_headers, [("authorization".into(), "Bearer ".into(), "api_key".into())]);
    assert_eq!(
        (sent.header("stripe-version"), sent.header("stripe-account")),
        (Some(crate::API_VERSION), Some("acct_1"))
    );
    let form = form(sent.body.as_deref().unwrap());
    for (name, value) in [
        ("amount", "1050"),
        ("currency", "eur"),
        ("capture_method", "manual"),
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
        ("payment_method_options[card][request_multicapture]", "if_available"),
        ("payment_method", "pm_card_visa"),
        ("setup_future_usage", "off_session"),
        ("statement_descriptor_suffix", "ORDER 7"),
        ("metadata[tillbox_session]", "payses_1"),
        ("metadata[tillbox_collection]", "pay_col_1"),
        ("metadata[tillbox_operation]", "payop_1"),
    ] {
        assert_eq!(form.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn a_key_of_the_other_mode_and_an_answer_about_another_operation_are_refused() {
    ready();
    let request = InitiateRequest { amount: money(1050, 2, "EUR"), input: input("{}") };
    answer_requests(|_| answer(200, &intent(json!({ "livemode": true }))));
    assert_eq!(Stripe::initiate(&context("payop_1"), &request).unwrap_err().code, "livemode_mismatch");
    let live = Context { environment: Environment::Live, ..context("payop_1") };
    assert!(Stripe::initiate(&live, &request).is_ok());
    answer_requests(|_| answer(200, &intent(json!({}))));
    assert_eq!(Stripe::initiate(&context("payop_2"), &request).unwrap_err().kind, ErrorKind::OutcomeUnknown);
}

#[test]
fn what_was_not_sent_and_what_was_lost_are_told_apart() {
    ready();
    let request = CaptureRequest {
        payment: state(json!({})),
        amount: money(400, 2, "EUR"),
        capture_id: "capt_1".to_owned(),
        is_final: false,
    };
    type Answer = fn() -> Result<Response, HttpError>;
    let rows: [(Answer, ErrorKind); 9] = [
        (|| Err(HttpError::Denied("hosts = []".into())), ErrorKind::Authentication),
        (|| Err(HttpError::Invalid("url".into())), ErrorKind::InvalidRequest),
        (|| Err(HttpError::NotConnected("refused".into())), ErrorKind::Unavailable),
        (|| Err(HttpError::Lost("reset".into())), ErrorKind::OutcomeUnknown),
        (|| Err(HttpError::TooLarge(200)), ErrorKind::OutcomeUnknown),
        (|| Ok(Response::new(200, "<html>")), ErrorKind::OutcomeUnknown),
        (|| Ok(Response::new(200, r#"{"id":"pi_1"}"#)), ErrorKind::OutcomeUnknown),
        (|| Ok(Response::new(502, "<html>")), ErrorKind::OutcomeUnknown),
        (|| Ok(Response::new(429, "<html>")), ErrorKind::OutcomeUnknown),
    ];
    for (place, (said, kind)) in rows.into_iter().enumerate() {
        answer_requests(move |_| said());
        assert_eq!(Stripe::capture(&context("payop_1"), &request).unwrap_err().kind, kind, "{place}");
    }
    answer_requests(|_| answer(200, &intent(json!({ "id": "pi_2", "amount_received": 400 }))));
    assert_eq!(Stripe::capture(&context("payop_1"), &request).unwrap_err().code, "another_payment");
}

#[test]
fn a_capture_echoes_what_stripe_has_received_and_not_what_was_asked() {
    ready();
    let amount = money(400, 2, "EUR");
    let request =
        CaptureRequest { payment: state(json!({})), amount, capture_id: "capt_1".to_owned(), is_final: false };
    answer_requests(|_| {
        answer(200, &intent(json!({ "status": "requires_capture", "amount_received": 300, "amount_capturable": 750 })))
    });
    let outcome = Stripe::capture(&context("payop_1"), &request).unwrap();
    assert_eq!(outcome.amount, Some(money(300, 2, "EUR")));
    let sent = form(sent_requests()[0].body.as_deref().unwrap());
    assert_eq!((sent["amount_to_capture"].as_str(), sent["final_capture"].as_str()), ("400", "false"));
    assert_eq!(sent["metadata[payop_1]"], "400");
    // A second one: what was received before is not this capture's.
    let payment = PaymentState { captured: money(300, 2, "EUR"), ..payment(&outcome, money(1050, 2, "EUR")) };
    let request = CaptureRequest { payment, is_final: true, ..request };
    answer_requests(|_| answer(200, &intent(json!({ "status": "succeeded", "amount_received": 1050 }))));
    assert_eq!(Stripe::capture(&context("payop_2"), &request).unwrap().amount, Some(money(750, 2, "EUR")));
}

#[test]
fn a_card_that_takes_one_capture_is_not_told_of_more() {
    ready();
    let request = CaptureRequest {
        payment: state(json!({ "multicapture": false })),
        amount: money(400, 2, "EUR"),
        capture_id: "capt_1".to_owned(),
        is_final: false,
    };
    answer_requests(|_| answer(200, &intent(json!({ "status": "succeeded", "amount_received": 400 }))));
    Stripe::capture(&context("payop_1"), &request).unwrap();
    assert!(!sent_requests()[0].body.as_deref().unwrap().contains("final_capture"));
    let lines = tillbox_provider::testing::log_lines();
    assert!(lines.iter().any(|line| line.message.contains("released")), "the operator is told: {lines:?}");
}

#[test]
fn a_decline_is_an_answer_with_the_intent_as_it_is_now() {
    ready();
    let error = json!({ "code": "card_declined", "decline_code": "lost_card", "message": "no", "charge": "ch_1" });
    let after = intent(json!({ "status": "requires_payment_method", "last_payment_error": error }));
    let said = json!({ "error": {
        "type": "card_error", "code": "card_declined", "decline_code": "lost_card", "message": "no", "payment_intent": after,
    } });
    answer_requests(move |_| answer(402, &said));
    let request = AuthorizeRequest { payment: state(json!({ "status": "requires_confirmation" })), input: input("{}") };
    let outcome = Stripe::authorize(&context("payop_2"), &request).unwrap();
    let decline = outcome.decline.clone().unwrap();
    assert_eq!((decline.class, decline.code.as_str()), (DeclineClass::SuspectedFraud, "lost_card"));
    // A look that finds the same failure says nothing of a later attempt; one that finds another does.
    let state = payment(&outcome, money(1050, 2, "EUR"));
    let look = |charge: &'static str| {
        answer_requests(move |_| {
            let error = json!({ "code": "card_declined", "decline_code": "lost_card", "charge": charge });
            answer(200, &intent(json!({ "status": "requires_payment_method", "last_payment_error": error })))
        });
        let operation = reference(OperationKind::Authorize, None);
        let request = RetrieveRequest { payment: state.clone(), operation: Some(operation) };
        Stripe::retrieve(&context("payop_9"), &request).unwrap().operation
    };
    assert_eq!(look("ch_1"), None);
    assert_eq!(look("ch_2").unwrap().status, Status::Declined);
}

fn reference(kind: OperationKind, amount: Option<Money>) -> OperationReference {
    OperationReference {
        operation_id: "payop_7".to_owned(),
        idempotency_key: "key-of-payop_7".to_owned(),
        kind,
        amount,
    }
}

#[test]
fn next_actions_keep_their_kind() {
    ready();
    let authorize = |action: Value, kind: &str| {
        let method = json!({ "id": "pm_1", "type": kind, "card": { "brand": "visa", "last4": "3184" } });
        let after = intent(json!({ "status": "requires_action", "next_action": action, "payment_method": method }));
        answer_requests(move |_| answer(200, &after));
        let payment = state(json!({ "status": "requires_confirmation" }));
        Stripe::authorize(&context("payop_2"), &AuthorizeRequest { payment, input: input("{}") }).unwrap().next_action
    };
    let url = "https://hooks.stripe.com/3d_secure_2/1".to_owned();
    let redirect = json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": null } });
    let challenge = NextAction::ThreeDSecure { url: url.clone(), expires_in_ms: None };
    assert_eq!(authorize(redirect.clone(), "card"), Some(challenge));
    assert_eq!(authorize(redirect, "ideal"), Some(NextAction::Redirect { url: url.clone() }));
    let sdk = authorize(json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "private": 1 } }), "card");
    assert!(matches!(sdk, Some(NextAction::Other { payload }) if payload.as_str().contains("pi_1_secret_1")));
    let voucher = json!({ "type": "oxxo_display_details", "oxxo_display_details": { "number": "1" } });
    assert!(matches!(authorize(voucher, "oxxo"), Some(NextAction::Display { .. })));
    let wallet = json!({ "type": "cashapp_handle_redirect_or_display_qr_code",
        "cashapp_handle_redirect_or_display_qr_code": { "hosted_instructions_url": url } });
    assert!(matches!(authorize(wallet, "cashapp"), Some(NextAction::Redirect { .. })));
}

#[test]
fn looking_sends_nothing_but_get() {
    ready();
    let kinds = OperationKind::ALL.map(Some).into_iter().chain([None]);
    for kind in kinds {
        answer_requests(|request| match request.url.contains("/v1/refunds") {
            true => answer(200, &json!({ "data": [], "has_more": false })),
            false => answer(200, &intent(json!({ "status": "requires_capture", "amount_capturable": 1050 }))),
        });
        let operation = kind.map(|kind| reference(kind, Some(money(1050, 2, "EUR"))));
        Stripe::retrieve(&context("payop_9"), &RetrieveRequest { payment: state(json!({})), operation }).unwrap();
        Stripe::status(&context("payop_9"), &state(json!({}))).unwrap();
        assert!(sent_requests().iter().all(|request| request.method == "GET"), "{kind:?}");
    }
}

#[test]
fn an_intent_that_the_account_does_not_know_proves_nothing() {
    ready();
    let missing =
        json!({ "error": { "type": "invalid_request_error", "code": "resource_missing", "message": "No such" } });
    answer_requests(move |_| answer(404, &missing));
    let request =
        RetrieveRequest { payment: state(json!({})), operation: Some(reference(OperationKind::Capture, None)) };
    assert_eq!(Stripe::retrieve(&context("payop_9"), &request).unwrap_err().code, "another_account");
    answer_requests(|_| answer(200, &json!({ "data": [], "has_more": false })));
    let lost = PaymentState { data: input("{}"), provider_reference: None, ..state(json!({})) };
    let request = RetrieveRequest { payment: lost, operation: Some(reference(OperationKind::Initiate, None)) };
    let error = Stripe::retrieve(&context("payop_9"), &request).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "a search that finds nothing is for the host to weigh");
    let sent = sent_requests().pop().unwrap();
    assert!(sent.url.contains("/search?query=metadata%5B%22tillbox_operation%22%5D%3A%22payop_7%22"), "{}", sent.url);
}

#[test]
fn another_sessions_intent_is_no_answer() {
    ready();
    answer_requests(|_| answer(200, &intent(json!({ "metadata": { "tillbox_session": "payses_2" } }))));
    assert_eq!(Stripe::status(&context("payop_9"), &state(json!({}))).unwrap_err().code, "another_payment");
    answer_requests(|_| answer(200, &intent(json!({ "currency": "usd", "status": "requires_capture" }))));
    assert_eq!(Stripe::status(&context("payop_9"), &state(json!({}))).unwrap_err().code, "currency_mismatch");
}

#[test]
fn an_abandoned_session_was_never_authorized() {
    ready();
    answer_requests(|_| answer(200, &intent(json!({ "status": "requires_capture", "amount_capturable": 1050 }))));
    let request = DeleteRequest { payment: state(json!({ "status": "requires_action" })) };
    assert_eq!(Stripe::delete(&context("payop_9"), &request).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(sent_requests().len(), 1, "it was looked at, and not canceled");
    answer_requests(|request| {
        let status = if request.method == "GET" { "requires_action" } else { "canceled" };
        answer(200, &intent(json!({ "status": status })))
    });
    assert_eq!(Stripe::delete(&context("payop_9"), &request).unwrap().status, Status::Canceled);
}

#[test]
fn a_void_tells_what_was_released_also_the_second_time() {
    ready();
    answer_requests(|_| answer(200, &intent(json!({ "status": "canceled" }))));
    let request = CancelRequest { payment: state(json!({})), reason: Some("duplicate".to_owned()) };
    assert_eq!(Stripe::cancel(&context("payop_9"), &request).unwrap().amount, Some(money(1050, 2, "EUR")));
    assert!(sent_requests()[0].body.as_deref().unwrap().contains("cancellation_reason=duplicate"));
    answer_requests(|request| match request.method.as_str() {
        "GET" => answer(200, &intent(json!({ "status": "canceled" }))),
        _ => {
            let code = "payment_intent_unexpected_state";
            answer(400, &json!({ "error": { "type": "invalid_request_error", "code": code, "message": "no" } }))
        }
    });
    assert_eq!(Stripe::cancel(&context("payop_9"), &request).unwrap().status, Status::Canceled);
}

#[test]
fn a_refund_is_told_as_it_stands() {
    ready();
    let refund = |status: &'static str| {
        answer_requests(move |_| {
            let metadata = json!({ "tillbox_operation": "payop_3" });
            answer(
                200,
                &json!({ "id": "re_1", "amount": 250, "currency": "eur", "status": status, "metadata": metadata }),
            )
        });
        let request = RefundRequest {
            payment: state(json!({ "received": 1050 })),
            amount: money(250, 2, "EUR"),
            refund_id: "ref_1".to_owned(),
            reason: Some("wrong_size".to_owned()),
            note: Some("x".repeat(1_000)),
        };
        Stripe::refund(&context("payop_3"), &request)
    };
    let done = refund("succeeded").unwrap();
    assert_eq!((done.status, done.amount), (Status::Captured, Some(money(250, 2, "EUR"))));
    let sent = form(sent_requests()[0].body.as_deref().unwrap());
    assert_eq!((sent.get("reason"), sent["metadata[tillbox_note]"].len()), (None, 500));
    assert_eq!(refund("pending").unwrap().status, Status::Pending);
    assert_eq!(refund("failed").unwrap().status, Status::Declined);
    assert_eq!(refund("of_next_year").unwrap_err().kind, ErrorKind::OutcomeUnknown);
}

#[test]
fn an_update_carries_its_operation() {
    ready();
    answer_requests(|_| answer(200, &intent(json!({ "amount": 1200 }))));
    let request = UpdateRequest {
        payment: state(json!({ "status": "requires_confirmation" })),
        amount: money(1200, 2, "EUR"),
        input: input("{}"),
    };
    let outcome = Stripe::update(&context("payop_4"), &request).unwrap();
    assert_eq!((outcome.status, outcome.amount), (Status::Pending, Some(money(1200, 2, "EUR"))));
    let sent = sent_requests().pop().unwrap();
    assert_eq!(sent.url, "https://api.stripe.com/v1/payment_intents/pi_1");
    assert_eq!(form(sent.body.as_deref().unwrap())["metadata[tillbox_operation]"], "payop_4");
}

#[test]
fn a_customer_that_stripe_would_not_take_is_refused_before_it_is_sent() {
    ready();
    answer_requests(|_| answer(200, &json!({ "id": "cus_1", "livemode": false })));
    let create = |name: usize, phone: usize, email: usize| {
        let customer = Customer {
            id: "cust_1".to_owned(),
            name: Some("é".repeat(name)),
            phone: Some("1".repeat(phone)),
            email: Some("e".repeat(email)),
            ..Customer::default()
        };
        let context = Context { customer: Some(customer), ..context("payop_1") };
        Stripe::create_account_holder(&context, &input("{}")).map_err(|error| error.code)
    };
    assert_eq!(create(256, 20, 512).unwrap().external_id, "cus_1");
    assert_eq!(sent_requests().len(), 1);
    for (name, phone, email) in [(257, 20, 512), (256, 21, 512), (256, 20, 513)] {
        assert_eq!(create(name, phone, email).unwrap_err(), "customer_too_long");
    }
    assert!(sent_requests().is_empty());
}
