//! The provider from outside, as a host calls it, on the SDK's native doubles.

use tillbox_provider::testing::{context, json, log_lines, money, payment, set_setting};
use tillbox_provider::{
    AuthorizeRequest, CancelRequest, CaptureRequest, DeleteRequest, Error, ErrorKind, InitiateRequest, Json, Money,
    OperationKind, OperationReference, Outcome, PaymentState, Provider, RefundRequest, Result, RetrieveRequest, Status,
    UpdateRequest,
};

use crate::Manual;
use crate::ledger::{CAPTURES_MAX, REFUNDS_MAX, UPDATES_MAX};

/// One call of a host.
type Step = fn(&mut Host) -> Result<Outcome>;

/// A host in small: keeps `data` between calls and gives each operation its own id and key.
struct Host {
    state: PaymentState,
    operations: u32,
}

impl Host {
    /// Opens a payment.
    fn open(amount: Money) -> Self {
        let request = InitiateRequest { amount, input: Json::empty() };
        let outcome = Manual::initiate(&context("payop_0"), &request).unwrap();
        assert_eq!(outcome.status, Status::Pending);
        Self { state: payment(&outcome, amount), operations: 0 }
    }

    /// Opens and authorizes a payment.
    fn authorized(amount: Money) -> Self {
        let mut host = Self::open(amount);
        assert_eq!(host.authorize().unwrap().status, Status::Authorized);
        host
    }

    /// Calls once under a new operation, and keeps the new state as a host would.
    fn call(&mut self, call: impl FnOnce(&str, PaymentState) -> Result<Outcome>) -> Result<Outcome> {
        self.operations += 1;
        let outcome = call(&format!("payop_{}", self.operations), self.state.clone())?;
        outcome.check()?;
        self.state.data = outcome.data.clone();
        Ok(outcome)
    }

    fn update(&mut self, amount: Money) -> Result<Outcome> {
        let outcome = self.call(|id, payment| {
            Manual::update(&context(id), &UpdateRequest { payment, amount, input: Json::empty() })
        })?;
        self.state.amount = amount;
        Ok(outcome)
    }

    fn authorize(&mut self) -> Result<Outcome> {
        self.call(|id, payment| Manual::authorize(&context(id), &AuthorizeRequest { payment, input: Json::empty() }))
    }

    fn capture(&mut self, amount: Money) -> Result<Outcome> {
        self.call(|id, payment| capture_as(id, payment, amount))
    }

    fn refund(&mut self, amount: Money) -> Result<Outcome> {
        self.call(|id, payment| refund_as(id, payment, amount))
    }

    fn cancel(&mut self) -> Result<Outcome> {
        self.call(|id, payment| Manual::cancel(&context(id), &CancelRequest { payment, reason: None }))
    }

    fn delete(&mut self) -> Result<Outcome> {
        self.call(|id, payment| Manual::delete(&context(id), &DeleteRequest { payment }))
    }

    /// Status, captured and refunded, by `retrieve`; `status` must agree.
    fn stands(&self) -> (Status, i64, i64) {
        let request = RetrieveRequest { payment: self.state.clone(), operation: None };
        let snapshot = Manual::retrieve(&context("payop_r"), &request).unwrap();
        assert_eq!(Manual::status(&context("payop_s"), &self.state).unwrap(), snapshot.outcome);
        assert_eq!(snapshot.outcome.data, self.state.data, "reading changes nothing");
        assert!(snapshot.disputed.is_zero() && snapshot.operation.is_none());
        (snapshot.outcome.status, snapshot.captured.minor_units(), snapshot.refunded.minor_units())
    }

    /// What `retrieve` says of an operation.
    fn find(&self, operation_id: &str, kind: OperationKind) -> Option<Outcome> {
        let operation = OperationReference {
            operation_id: operation_id.to_owned(),
            idempotency_key: context(operation_id).idempotency_key,
            kind,
            amount: None,
        };
        let request = RetrieveRequest { payment: self.state.clone(), operation: Some(operation) };
        Manual::retrieve(&context("payop_r"), &request).unwrap().operation
    }
}

fn capture_as(id: &str, payment: PaymentState, amount: Money) -> Result<Outcome> {
    let request = CaptureRequest { payment, amount, capture_id: format!("capt_of_{id}"), is_final: false };
    Manual::capture(&context(id), &request)
}

fn refund_as(id: &str, payment: PaymentState, amount: Money) -> Result<Outcome> {
    let refund_id = format!("ref_of_{id}");
    Manual::refund(&context(id), &RefundRequest { payment, amount, refund_id, reason: None, note: None })
}

fn eur(minor_units: i64) -> Money {
    money(minor_units, 2, "EUR")
}

/// Asserts that the call was refused with this code, by a kind that proves that nothing happened.
#[track_caller]
fn refused(result: Result<Outcome>, kind: ErrorKind, code: &str) {
    let error: Error = result.expect_err("an answer instead of a refusal");
    assert_eq!((error.kind, error.code.as_str()), (kind, code), "{}", error.message);
}

#[test]
fn a_payment_lives_its_life_in_every_currency() {
    for (exponent, currency) in [(0, "JPY"), (2, "EUR"), (3, "KWD"), (4, "CLF")] {
        let amount = |minor_units| money(minor_units, exponent, currency);
        let mut host = Host::open(amount(1_200));
        let updated = host.update(amount(1_050)).unwrap();
        assert_eq!((updated.status, updated.amount), (Status::Pending, Some(amount(1_050))));
        let authorized = host.authorize().unwrap();
        assert_eq!((authorized.status, authorized.amount), (Status::Authorized, Some(amount(1_050))));
        assert_eq!(authorized.provider_reference.as_deref(), Some("manual_payop_0"));
        assert_eq!(host.stands(), (Status::Authorized, 0, 0));
        for (part, captured) in [(400, 400), (650, 1_050)] {
            let outcome = host.capture(amount(part)).unwrap();
            assert_eq!((outcome.status, outcome.amount), (Status::Captured, Some(amount(part))));
            assert!(outcome.provider_reference.unwrap().starts_with("capt_of_payop_"));
            assert_eq!(host.stands(), (Status::Captured, captured, 0));
        }
        for (part, refunded) in [(1, 1), (1_049, 1_050)] {
            let outcome = host.refund(amount(part)).unwrap();
            assert_eq!((outcome.status, outcome.amount), (Status::Captured, Some(amount(part))));
            assert_eq!(host.stands(), (Status::Captured, 1_050, refunded));
        }
    }
}

#[test]
fn no_more_is_captured_than_authorized() {
    let mut host = Host::authorized(eur(1_050));
    refused(host.capture(eur(1_051)), ErrorKind::Conflict, "exceeds");
    host.capture(eur(1_000)).unwrap();
    refused(host.capture(eur(51)), ErrorKind::Conflict, "exceeds");
    refused(host.capture(eur(0)), ErrorKind::InvalidRequest, "invalid-request");
    host.capture(eur(50)).unwrap();
    refused(host.capture(eur(1)), ErrorKind::Conflict, "exceeds");
    assert_eq!(host.stands(), (Status::Captured, 1_050, 0));
}

#[test]
fn no_more_is_refunded_than_captured() {
    let mut host = Host::authorized(eur(1_050));
    refused(host.refund(eur(1)), ErrorKind::Conflict, "exceeds");
    host.capture(eur(500)).unwrap();
    refused(host.refund(eur(501)), ErrorKind::Conflict, "exceeds");
    host.refund(eur(300)).unwrap();
    refused(host.refund(eur(201)), ErrorKind::Conflict, "exceeds");
    refused(host.refund(eur(0)), ErrorKind::InvalidRequest, "invalid-request");
    host.refund(eur(200)).unwrap();
    assert_eq!(host.stands(), (Status::Captured, 500, 500));
}

#[test]
fn another_currency_is_refused_everywhere() {
    for foreign in [money(100, 2, "USD"), money(100, 0, "JPY"), money(100, 3, "EUR")] {
        let mut host = Host::open(eur(1_050));
        refused(host.update(foreign), ErrorKind::InvalidRequest, "invalid-request");
        host.authorize().unwrap();
        refused(host.capture(foreign), ErrorKind::InvalidRequest, "invalid-request");
        host.capture(eur(1_050)).unwrap();
        refused(host.refund(foreign), ErrorKind::InvalidRequest, "invalid-request");
        assert_eq!(host.stands(), (Status::Captured, 1_050, 0));
    }
}

#[test]
fn a_canceled_payment_is_closed() {
    let mut host = Host::authorized(eur(1_050));
    let canceled = host.cancel().unwrap();
    assert_eq!((canceled.status, canceled.amount), (Status::Canceled, Some(eur(1_050))));
    assert_eq!(host.cancel().unwrap().status, Status::Canceled, "again, by another operation");
    assert_eq!(host.stands(), (Status::Canceled, 0, 0));
    refused(host.capture(eur(1)), ErrorKind::Conflict, "canceled");
    refused(host.refund(eur(1)), ErrorKind::Conflict, "canceled");
    refused(host.update(eur(1)), ErrorKind::Conflict, "canceled");
    refused(host.authorize(), ErrorKind::Conflict, "canceled");
    refused(host.delete(), ErrorKind::Conflict, "canceled");
}

#[test]
fn a_deleted_session_is_closed() {
    let mut host = Host::open(eur(1_050));
    assert_eq!(host.delete().unwrap().status, Status::Canceled);
    assert_eq!(host.delete().unwrap().status, Status::Canceled, "again, by another operation");
    assert_eq!(host.stands(), (Status::Canceled, 0, 0));
    refused(host.authorize(), ErrorKind::Conflict, "canceled");
    refused(host.update(eur(1)), ErrorKind::Conflict, "canceled");
}

#[test]
fn each_step_waits_for_the_one_before() {
    let mut host = Host::open(eur(1_050));
    refused(host.capture(eur(1)), ErrorKind::Conflict, "not-authorized");
    refused(host.cancel(), ErrorKind::Conflict, "not-authorized");
    host.authorize().unwrap();
    assert_eq!(host.authorize().unwrap().status, Status::Authorized, "again, by another operation");
    refused(host.update(eur(1_051)), ErrorKind::Conflict, "authorized");
    refused(host.delete(), ErrorKind::Conflict, "authorized");
    host.capture(eur(1)).unwrap();
    refused(host.cancel(), ErrorKind::Conflict, "captured");
    assert_eq!(host.stands(), (Status::Captured, 1, 0));
}

#[test]
fn a_replay_answers_the_same_and_does_nothing() {
    let mut host = Host::open(eur(1_200));
    for replays in 0..3 {
        let again =
            Manual::initiate(&context("payop_0"), &InitiateRequest { amount: eur(1_200), input: Json::empty() });
        assert_eq!(again.unwrap().data, host.state.data, "replay {replays}");
    }
    let steps: [(&str, Step); 5] = [
        ("update", |host| host.update(eur(1_050))),
        ("authorize", Host::authorize),
        ("capture", |host| host.capture(eur(400))),
        ("capture", |host| host.capture(eur(650))),
        ("refund", |host| host.refund(eur(250))),
    ];
    for (name, step) in steps {
        let before = host.operations;
        let first = step(&mut host).unwrap();
        host.operations = before;
        assert_eq!(step(&mut host).unwrap(), first, "{name}");
    }
    assert_eq!(host.stands(), (Status::Captured, 1_050, 250));

    // An old one, long after: its own answer, beside the state as it is now.
    let late = capture_as("payop_3", host.state.clone(), eur(400)).unwrap();
    assert_eq!((late.amount, late.provider_reference.as_deref()), (Some(eur(400)), Some("capt_of_payop_3")));
    assert_eq!(late.data, host.state.data);
}

#[test]
fn a_replayed_cancel_and_delete_answer_the_same() {
    let steps: [(Host, Step); 2] = [(Host::authorized(eur(5)), Host::cancel), (Host::open(eur(5)), Host::delete)];
    for (mut host, step) in steps {
        let before = host.operations;
        let first = step(&mut host).unwrap();
        host.operations = before;
        assert_eq!(step(&mut host).unwrap(), first);
    }
}

#[test]
fn a_key_belongs_to_one_request() {
    let mut host = Host::open(eur(1_200));
    host.update(eur(1_050)).unwrap();
    host.operations -= 1;
    refused(host.update(eur(1_051)), ErrorKind::InvalidRequest, "key-reused");
    host.operations -= 1;
    refused(host.authorize(), ErrorKind::InvalidRequest, "key-reused");
    host.authorize().unwrap();
    host.capture(eur(400)).unwrap();
    let id = format!("payop_{}", host.operations);
    refused(capture_as(&id, host.state.clone(), eur(401)), ErrorKind::InvalidRequest, "key-reused");
    refused(refund_as(&id, host.state.clone(), eur(400)), ErrorKind::InvalidRequest, "key-reused");
    let (payment, capture_id) = (host.state.clone(), "capt_other".to_owned());
    let request = CaptureRequest { payment, amount: eur(400), capture_id, is_final: false };
    refused(Manual::capture(&context(&id), &request), ErrorKind::InvalidRequest, "key-reused");
    assert_eq!(host.stands(), (Status::Captured, 400, 0));
}

#[test]
fn a_lost_operation_is_found_or_did_not_happen() {
    let mut host = Host::open(eur(1_200));
    host.authorize().unwrap();
    let capture = host.capture(eur(400)).unwrap();
    let found = host.find("payop_2", OperationKind::Capture).expect("recorded");
    assert_eq!(found, capture);
    assert_eq!(host.find("payop_0", OperationKind::Initiate).unwrap().status, Status::Pending);
    assert_eq!(host.find("payop_1", OperationKind::Authorize).unwrap().status, Status::Authorized);
    assert_eq!(host.find("payop_2", OperationKind::Refund), None, "another kind");
    assert_eq!(host.find("payop_9", OperationKind::Capture), None, "never recorded");
}

#[test]
fn a_lost_initiate_left_nothing() {
    let mut host = Host::open(eur(1_200));
    host.state.data = Json::empty();
    host.state.provider_reference = None;
    let request = RetrieveRequest { payment: host.state.clone(), operation: None };
    assert_eq!(Manual::retrieve(&context("payop_r"), &request).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(Manual::status(&context("payop_r"), &host.state).unwrap_err().kind, ErrorKind::NotFound);
    refused(host.authorize(), ErrorKind::NotFound, "not-found");
}

#[test]
fn data_of_another_make_is_an_error_that_proves_nothing() {
    let mut host = Host::open(eur(1_200));
    for text in [r#"{"reference":1}"#, r#"{"id":"pi_1"}"#] {
        host.state.data = json(text);
        refused(host.authorize(), ErrorKind::Other("data".to_owned()), "data");
    }
}

#[test]
fn a_ledger_is_full_before_the_contract_says_so() {
    let mut host = Host::open(eur(1_200));
    // Ids and keys as long as a host's: 26 characters behind the prefix, 64 hexadecimal digits.
    let id = |number: usize| format!("payop_{number:026}");
    let mut call = |number: usize, call: &dyn Fn(&tillbox_provider::Context, PaymentState) -> Result<Outcome>| {
        let mut context = context(&id(number));
        context.idempotency_key = format!("{number:064x}");
        let outcome = call(&context, host.state.clone())?;
        host.state.data = outcome.data.clone();
        Ok::<_, Error>(outcome)
    };
    let update = |context: &tillbox_provider::Context, payment| {
        Manual::update(context, &UpdateRequest { payment, amount: eur(9_007_199_254_740_991), input: Json::empty() })
    };
    let authorize = |context: &tillbox_provider::Context, payment| {
        Manual::authorize(context, &AuthorizeRequest { payment, input: Json::empty() })
    };
    let capture = |context: &tillbox_provider::Context, payment| {
        let capture_id = context.operation_id.replace("payop", "capt");
        Manual::capture(context, &CaptureRequest { payment, amount: eur(2_000_000), capture_id, is_final: false })
    };
    let refund = |context: &tillbox_provider::Context, payment| {
        let refund_id = context.operation_id.replace("payop", "ref");
        Manual::refund(context, &RefundRequest { payment, amount: eur(1_000_000), refund_id, reason: None, note: None })
    };
    for number in 0..UPDATES_MAX {
        call(number, &update).unwrap();
    }
    refused(call(99, &update), ErrorKind::Conflict, "ledger-full");
    call(100, &authorize).unwrap();
    for number in 0..CAPTURES_MAX {
        call(200 + number, &capture).unwrap();
    }
    refused(call(300, &capture), ErrorKind::Conflict, "ledger-full");
    let mut size = 0;
    for number in 0..REFUNDS_MAX {
        size = call(400 + number, &refund).unwrap().data.as_str().len();
    }
    refused(call(500, &refund), ErrorKind::Conflict, "ledger-full");
    assert!((20_000..40_000).contains(&size), "{size} bytes when full");
}

#[test]
fn a_session_that_changes_for_ever_is_refused() {
    let mut host = Host::open(eur(1_200));
    for number in 0..UPDATES_MAX {
        host.update(eur(i64::try_from(number).unwrap())).unwrap();
    }
    refused(host.update(eur(1)), ErrorKind::Conflict, "ledger-full");
    assert_eq!(host.authorize().unwrap().status, Status::Authorized, "paying is always possible");
}

#[test]
fn the_payer_sees_the_instructions_until_the_money_is_there() {
    let read = |outcome: Outcome| outcome.client_data.map(|data| data.read::<serde_json::Value>().unwrap());
    let mut host = Host::open(eur(1_050));
    let shown = read(host.update(eur(5)).unwrap()).unwrap();
    assert_eq!((&shown["reference"], shown.get("payee")), (&"manual_payop_0".into(), None));
    assert_eq!(shown["checkout"]["details"], serde_json::json!([{ "label": "Reference", "value": "manual_payop_0" }]));
    assert_eq!(shown["checkout"]["submit"], "Confirm");
    set_setting("instructions", "Pay at the counter.");
    set_setting("payee", "The Shop");
    let shown = read(host.authorize().unwrap()).unwrap();
    assert_eq!((&shown["instructions"], &shown["payee"]), (&"Pay at the counter.".into(), &"The Shop".into()));
    assert_eq!(shown["checkout"]["details"][0], serde_json::json!({ "label": "Pay to", "value": "The Shop" }));
    assert_eq!(shown["checkout"].get("submit"), None, "there is nothing to confirm any more");
    assert_eq!(read(host.capture(eur(5)).unwrap()), None);
    assert!(!host.state.data.as_str().contains("counter"), "settings are not the payment's state");
}

#[test]
fn what_is_recorded_is_logged() {
    let mut host = Host::authorized(eur(1_050));
    let _ = log_lines();
    host.capture(eur(400)).unwrap();
    host.capture(eur(4_000)).unwrap_err();
    let lines = log_lines();
    assert_eq!(lines.len(), 1, "a refusal is the host's to log");
    assert_eq!(lines[0].fields, [("kind".into(), "capture".into()), ("amount".into(), "4.00 EUR".into())]);
}

#[test]
fn it_describes_itself_and_its_manifest_agrees() {
    let info = Manual::describe();
    assert_eq!(info, Manual::describe());
    assert!(log_lines().is_empty(), "describe calls no import");
    assert_eq!(info.recovery.len(), OperationKind::ALL.len());
    assert!(info.hosts.is_empty() && info.secrets.is_empty());

    let manifest: toml::Table = include_str!("../provider.toml").parse().unwrap();
    assert_eq!(manifest["provider"]["identifier"].as_str(), Some(info.identifier.as_str()));
    assert_eq!(manifest["provider"]["version"].as_str(), Some(info.version.as_str()));
    let schema: serde_json::Value = info.settings_schema.read().unwrap();
    let properties = schema["properties"].as_object().unwrap();
    for (name, value) in manifest["settings"].as_table().unwrap() {
        let length_max = properties[name]["maxLength"].as_u64().unwrap();
        assert!(value.as_str().unwrap().len() as u64 <= length_max, "{name}");
    }
}
