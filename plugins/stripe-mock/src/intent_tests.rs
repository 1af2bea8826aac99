//! Every transition of the intent, allowed and forbidden ones, and every test payment method.

use super::*;
use crate::methods::METHODS;
use tillbox_provider::ErrorKind;

const NOW: u64 = 1_700_000_000_000;

const STATES: [State; 7] = [
    State::RequiresPaymentMethod,
    State::RequiresConfirmation,
    State::RequiresAction,
    State::Processing,
    State::RequiresCapture,
    State::Succeeded,
    State::Canceled,
];

fn fresh(currency: &str, capture_method: CaptureMethod) -> Intent {
    Intent {
        id: "pi_1".to_owned(),
        status: State::RequiresPaymentMethod,
        amount: 1_050,
        amount_capturable: 0,
        amount_received: 0,
        amount_refunded: 0,
        currency: currency.to_owned(),
        exponent: 2,
        capture_method,
        multicapture: true,
        client_secret: "pi_1_secret_1".to_owned(),
        payment_method: None,
        last_payment_error: None,
        settles_at_ms: None,
        statement_descriptor: None,
        metadata: Metadata::default(),
    }
}

fn confirmed(method: &str, capture_method: CaptureMethod) -> Intent {
    let method = methods::find(method).unwrap();
    let currency = method.kind.currency().unwrap_or("EUR").to_ascii_lowercase();
    let mut intent = fresh(&currency, capture_method);
    intent.choose(method).unwrap();
    intent.confirm(NOW, 0).unwrap();
    intent
}

/// An intent that came into this state the honest way.
fn in_state(state: State) -> Intent {
    let mut intent = match state {
        State::RequiresPaymentMethod => fresh("eur", CaptureMethod::Manual),
        State::RequiresConfirmation => {
            let mut intent = fresh("eur", CaptureMethod::Manual);
            intent.choose(methods::find("pm_card_visa").unwrap()).unwrap();
            intent
        }
        State::RequiresAction => confirmed("pm_card_authenticationRequired", CaptureMethod::Manual),
        State::Processing => confirmed("pm_sepaDebit_success_de", CaptureMethod::Manual),
        State::RequiresCapture => confirmed("pm_card_visa", CaptureMethod::Manual),
        State::Succeeded => confirmed("pm_card_visa", CaptureMethod::Automatic),
        State::Canceled => fresh("eur", CaptureMethod::Manual),
    };
    if state == State::Canceled {
        intent.cancel().unwrap();
    }
    assert_eq!(intent.status, state);
    intent
}

/// Does `act` in every state: allowed states lead to the state named, all others refuse and change nothing.
fn check(act: impl Fn(&mut Intent) -> Result<()>, allowed: &[(State, State)]) {
    for state in STATES {
        let before = in_state(state);
        let mut intent = before.clone();
        let result = act(&mut intent);
        match allowed.iter().find(|(from, _)| *from == state) {
            Some((_, to)) => {
                result.unwrap_or_else(|error| panic!("{state:?}: {error}"));
                assert_eq!(intent.status, *to, "{state:?}");
            }
            None => {
                let error = result.expect_err(state.name());
                assert!(matches!(error.kind, ErrorKind::Conflict | ErrorKind::InvalidRequest), "{state:?}: {error}");
                assert_eq!(intent, before, "{state:?}");
            }
        }
    }
}

#[test]
fn choosing_and_changing() {
    let open = [State::RequiresPaymentMethod, State::RequiresConfirmation, State::RequiresAction];
    let chosen = open.map(|state| (state, State::RequiresConfirmation));
    check(|intent| intent.choose(methods::find("pm_card_visa").unwrap()), &chosen);
    check(
        |intent| intent.change_amount(2_000),
        &[
            (State::RequiresPaymentMethod, State::RequiresPaymentMethod),
            (State::RequiresConfirmation, State::RequiresConfirmation),
            (State::RequiresAction, State::RequiresConfirmation),
        ],
    );
}

#[test]
fn confirming_and_challenges() {
    check(|intent| intent.confirm(NOW, 0), &[(State::RequiresConfirmation, State::RequiresCapture)]);
    check(|intent| intent.finish_challenge(ChallengeEnd::Complete), &[(State::RequiresAction, State::RequiresCapture)]);
    check(
        |intent| intent.finish_challenge(ChallengeEnd::Fail),
        &[(State::RequiresAction, State::RequiresPaymentMethod)],
    );
}

#[test]
fn capturing_refunding_canceling() {
    check(|intent| intent.capture(1_050, true), &[(State::RequiresCapture, State::Succeeded)]);
    check(|intent| intent.capture(50, false), &[(State::RequiresCapture, State::RequiresCapture)]);
    check(|intent| intent.capture(50, true), &[(State::RequiresCapture, State::Succeeded)]);
    check(|intent| intent.refund(50), &[(State::Succeeded, State::Succeeded)]);
    let cancelable = [
        State::RequiresPaymentMethod,
        State::RequiresConfirmation,
        State::RequiresAction,
        State::Processing,
        State::RequiresCapture,
    ];
    check(|intent| intent.cancel().map(drop), &cancelable.map(|state| (state, State::Canceled)));
}

#[test]
fn time_moves_processing_only() {
    for state in STATES {
        let mut intent = in_state(state);
        assert_eq!(intent.settle(u64::MAX), state == State::Processing, "{state:?}");
        let after = if state == State::Processing { State::Succeeded } else { state };
        assert_eq!(intent.status, after);
    }
}

#[test]
fn every_method_does_what_it_is_published_for() {
    for method in METHODS {
        let mut intent = confirmed(method.id, CaptureMethod::Manual);
        match method.behaviour {
            Behaviour::Approve => {
                assert_eq!((intent.status, intent.amount_capturable), (State::RequiresCapture, 1_050), "{}", method.id);
            }
            Behaviour::Decline(reason) => failed(&intent, reason, method.id),
            Behaviour::Challenge(then) => {
                assert_eq!(intent.status, State::RequiresAction);
                let mut other = intent.clone();
                other.finish_challenge(ChallengeEnd::Fail).unwrap();
                failed(&other, Reason::AuthenticationFailure, method.id);
                intent.finish_challenge(ChallengeEnd::Complete).unwrap();
                match then {
                    Some(reason) => failed(&intent, reason, method.id),
                    None => assert_eq!(intent.status, State::RequiresCapture),
                }
            }
            Behaviour::Delayed { end, least_ms } => {
                assert_eq!((intent.status, intent.amount_capturable), (State::Processing, 0));
                assert!(least_ms == 0 || !intent.settle(NOW + least_ms - 1), "{}", method.id);
                assert_eq!(intent.settle(NOW + least_ms), end.is_some());
                match end {
                    None => assert_eq!(intent.status, State::Processing),
                    Some(Ok(())) => assert_eq!((intent.status, intent.amount_received), (State::Succeeded, 1_050)),
                    Some(Err(reason)) => failed(&intent, reason, method.id),
                }
            }
        }
        if method.disputes {
            if intent.status == State::RequiresCapture {
                assert_eq!(intent.amount_disputed(), 0, "nothing captured yet");
                intent.capture(1_000, true).unwrap();
            }
            assert_eq!(intent.amount_disputed(), intent.amount_received);
            assert_eq!(intent.refund(1).unwrap_err().code, "charge_disputed");
        }
    }
}

fn failed(intent: &Intent, reason: Reason, method: &str) {
    assert_eq!(intent.status, State::RequiresPaymentMethod, "{method}");
    assert_eq!(intent.last_payment_error, Some(reason), "{method}");
    assert_eq!((intent.payment_method.as_ref(), intent.amount_capturable, intent.amount_received), (None, 0, 0));
}

#[test]
fn automatic_capture_takes_at_once() {
    let intent = confirmed("pm_card_visa", CaptureMethod::Automatic);
    assert_eq!((intent.status, intent.amount_received, intent.amount_capturable), (State::Succeeded, 1_050, 0));
    let mut intent = confirmed("pm_card_threeDSecure2Required", CaptureMethod::Automatic);
    intent.finish_challenge(ChallengeEnd::Complete).unwrap();
    assert_eq!((intent.status, intent.amount_received), (State::Succeeded, 1_050));
}

#[test]
fn several_captures_and_refunds_never_exceed_what_is_there() {
    let mut intent = confirmed("pm_card_visa", CaptureMethod::Manual);
    intent.capture(400, false).unwrap();
    intent.refund(100).unwrap();
    assert_eq!(intent.capture(651, false).unwrap_err().code, "amount_too_large");
    intent.capture(650, false).unwrap();
    assert_eq!(intent.status, State::Succeeded, "nothing is left to capture");
    assert_eq!(intent.capture(1, true).unwrap_err().code, "charge_already_captured");
    assert_eq!(intent.refund(951).unwrap_err().code, "amount_too_large");
    intent.refund(950).unwrap();
    assert_eq!(intent.refund(1).unwrap_err().code, "charge_already_refunded");
    assert_eq!((intent.amount_received, intent.amount_refunded), (1_050, 1_050));
}

#[test]
fn without_multicapture_the_first_capture_releases_the_rest() {
    let mut intent = confirmed("pm_card_visa", CaptureMethod::Manual);
    intent.multicapture = false;
    intent.capture(400, false).unwrap();
    assert_eq!((intent.status, intent.amount_capturable), (State::Succeeded, 0));
    assert_eq!(intent.capture(1, true).unwrap_err().kind, ErrorKind::Conflict);
}

#[test]
fn canceling_after_a_capture_keeps_the_money_taken() {
    let mut intent = confirmed("pm_card_visa", CaptureMethod::Manual);
    intent.capture(400, false).unwrap();
    assert_eq!(intent.cancel().unwrap(), 650);
    assert_eq!((intent.status, intent.amount_received, intent.amount_capturable), (State::Succeeded, 400, 0));
}

#[test]
fn bank_debits_have_one_currency() {
    let mut intent = fresh("eur", CaptureMethod::Manual);
    let error = intent.choose(methods::find("pm_usBankAccount_success").unwrap()).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::InvalidRequest, "payment_method_unsupported_currency"));
    let mut intent = fresh("eur", CaptureMethod::Manual);
    assert_eq!(intent.confirm(NOW, 0).unwrap_err().code, "parameter_missing");
}
