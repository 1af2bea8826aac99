//! Every refusal: its code, its kind, when it comes, and which one comes first where several apply.

mod scene;

use scene::{Scene, done, eur, fault, jpy, outcome};
use tillbox_core::command::{Abilities, Command, Finding, Sent};
use tillbox_core::id::{CollectionId, OperationId, PaymentId, SessionId};
use tillbox_core::machine;
use tillbox_core::operation::{OperationKind, OperationState};
use tillbox_core::outcome::ProviderStatus;
use tillbox_core::refusal::{Refusal, RefusalKind};
use tillbox_core::state::{OPERATIONS_MAX, SESSIONS_MAX};
use tillbox_core::{Money, Timestamp};

const NONE: Abilities = Abilities {
    partial_capture: false,
    multiple_captures: false,
    partial_refund: false,
    multiple_refunds: false,
    update_amount: false,
    cancel_authorized: false,
};

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> &'static str {
    result.expect_err("it should have been refused").code()
}

fn update(scene: &mut Scene, amount: Money) -> Result<Vec<tillbox_core::event::Event>, Refusal> {
    scene.run(&Command::UpdateCollection { amount: Some(amount), metadata: None })
}

/// A collection with a payment that is void.
fn voided() -> (Scene, SessionId, PaymentId) {
    let (mut scene, payment) = Scene::with_payment(3);
    let operation = scene.cancel(&payment).unwrap();
    scene.settle(&operation, outcome(ProviderStatus::Canceled, Some(eur(3)))).unwrap();
    let session = scene.payment(&payment).session.clone();
    (scene, session, payment)
}

#[test]
fn unknown_subjects_come_before_everything() {
    let (no_session, no_payment) = (SessionId::from_tail("none"), PaymentId::from_tail("none"));
    let no_operation = OperationId::from_tail("none");
    let mut scene = Scene::new(0);
    scene.abilities = NONE;
    assert_eq!(code(scene.update_session(&no_session, jpy(0))), "not_found");
    assert_eq!(code(scene.delete_session(&no_session)), "not_found");
    assert_eq!(code(scene.authorize(&no_session)), "not_found");
    assert_eq!(code(scene.capture(&no_payment, Some(jpy(0)))), "not_found");
    assert_eq!(code(scene.refund(&no_payment, Some(jpy(0)))), "not_found");
    assert_eq!(code(scene.cancel(&no_payment)), "not_found");
    assert_eq!(code(scene.retry(&no_operation)), "not_found");
    assert_eq!(code(scene.resolve(&no_operation, Finding::Absent(String::new()))), "not_found");
    let settle = Command::Settle { operation: no_operation, lease_token: 1, answer: fault(Sent::Maybe) };
    assert_eq!(code(scene.run(&settle)), "not_found");
    let evidence = scene::claim(&no_session, tillbox_core::outcome::EvidenceAction::Captured, Some(jpy(1)));
    assert_eq!(code(scene.observe(&no_session, evidence)), "not_found");
}

#[test]
fn a_deleted_session_is_not_found_and_stays_in_the_books() {
    let (mut scene, session) = Scene::with_session(3);
    let deletion = scene.delete_session(&session).unwrap();
    scene.settle(&deletion, outcome(ProviderStatus::Canceled, None)).unwrap();
    assert_eq!(code(scene.authorize(&session)), "not_found");
    assert_eq!(code(scene.update_session(&session, eur(1))), "not_found");
    assert_eq!(code(scene.delete_session(&session)), "not_found");
    assert!(scene.session(&session).deleted_at.is_some());
}

#[test]
fn the_wrong_currency_comes_before_the_amount_and_the_closed_subject() {
    let (mut scene, session, payment) = voided();
    scene.abilities = NONE;
    assert_eq!(code(scene.capture(&payment, Some(jpy(0)))), "currency_mismatch");
    assert_eq!(code(scene.refund(&payment, Some(jpy(0)))), "currency_mismatch");
    assert_eq!(code(scene.update_session(&session, jpy(0))), "currency_mismatch");
    assert_eq!(code(scene.create_session(Some(jpy(0)))), "currency_mismatch");
    assert_eq!(code(update(&mut scene, jpy(9))), "currency_mismatch");
}

#[test]
fn an_amount_of_nothing_comes_before_the_closed_subject() {
    let (mut scene, session, payment) = voided();
    scene.abilities = NONE;
    assert_eq!(code(scene.capture(&payment, Some(eur(0)))), "amount_not_positive");
    assert_eq!(code(scene.refund(&payment, Some(eur(0)))), "amount_not_positive");
    assert_eq!(code(scene.update_session(&session, eur(0))), "amount_not_positive");
    assert_eq!(code(scene.create_session(Some(eur(0)))), "amount_not_positive");
    assert_eq!(code(Scene::new(0).create_session(None)), "amount_not_positive", "nothing is payable");
}

#[test]
fn a_closed_subject_comes_before_the_missing_ability() {
    let (mut scene, session, payment) = voided();
    scene.abilities = NONE;
    assert_eq!(code(scene.capture(&payment, Some(eur(1)))), "payment_canceled");
    assert_eq!(code(scene.cancel(&payment)), "payment_canceled");
    assert_eq!(code(scene.update_session(&session, eur(1))), "session_closed");
    assert_eq!(code(scene.authorize(&session)), "session_closed");

    let (mut scene, payment) = Scene::with_payment(3);
    let session = scene.payment(&payment).session.clone();
    assert_eq!(code(scene.delete_session(&session)), "session_closed", "its payment holds money");
    scene.captured(&payment, 1);
    scene.abilities = NONE;
    assert_eq!(code(scene.cancel(&payment)), "payment_captured");

    let (mut scene, payment) = Scene::with_captured(3);
    let session = scene.payment(&payment).session.clone();
    scene.abilities = NONE;
    assert_eq!(code(scene.create_session(Some(eur(1)))), "collection_closed");
    assert_eq!(
        code(scene.update_session(&session, eur(1))),
        "collection_closed",
        "the collection comes before the session"
    );
    assert_eq!(code(scene.run(&Command::CancelCollection)), "collection_closed");
    assert_eq!(code(update(&mut scene, eur(1))), "collection_closed");
}

#[test]
fn a_canceled_collection_is_closed() {
    let (mut scene, session) = Scene::with_session(3);
    scene.run(&Command::CancelCollection).unwrap();
    assert_eq!(scene.state.status.as_str(), "canceled");
    assert_eq!(code(scene.authorize(&session)), "collection_closed");
    assert_eq!(code(scene.create_session(None)), "collection_closed");
    assert_eq!(code(scene.update_session(&session, eur(1))), "collection_closed");
    assert_eq!(code(update(&mut scene, eur(9))), "collection_closed");
    assert_eq!(code(scene.run(&Command::CancelCollection)), "collection_closed");
    assert!(scene.run(&Command::UpdateCollection { amount: None, metadata: None }).unwrap().is_empty());
    // Giving back what the collection no longer wants is always allowed.
    assert!(scene.delete_session(&session).is_ok());
}

#[test]
fn each_session_status_allows_a_change_or_closes() {
    let cases = [
        (ProviderStatus::Pending, OperationKind::Initiate, "ok"),
        (ProviderStatus::RequiresMore, OperationKind::Authorize, "ok"),
        (ProviderStatus::Declined, OperationKind::Authorize, "ok"),
        (ProviderStatus::Error, OperationKind::Authorize, "ok"),
        (ProviderStatus::Pending, OperationKind::Authorize, "operation_in_flight"),
        (ProviderStatus::PendingAuthorization, OperationKind::Authorize, "session_closed"),
        (ProviderStatus::Authorized, OperationKind::Authorize, "session_closed"),
        (ProviderStatus::Canceled, OperationKind::Authorize, "session_closed"),
    ];
    for (status, kind, want) in cases {
        let (mut scene, session) = Scene::with_session(3);
        if kind == OperationKind::Authorize {
            let operation = scene.authorize(&session).unwrap();
            scene.settle(&operation, outcome(status, Some(eur(3)))).unwrap();
        }
        let got = scene.update_session(&session, eur(2)).map_or_else(|refusal| refusal.code(), |_| "ok");
        assert_eq!(got, want, "{status:?} by {kind:?}");
    }
}

#[test]
fn a_missing_ability_comes_before_the_open_question_and_the_headroom() {
    let (mut scene, payment) = Scene::with_payment(5);
    scene.capture(&payment, Some(eur(2))).unwrap();
    scene.abilities = NONE;
    let ability = |result: Result<OperationId, Refusal>| match result {
        Err(Refusal::NotCapable { ability }) => ability,
        other => panic!("{other:?}"),
    };
    assert_eq!(ability(scene.capture(&payment, Some(eur(9)))), "partial-capture");
    scene.abilities.partial_capture = true;
    assert_eq!(ability(scene.capture(&payment, Some(eur(9)))), "multiple-captures");
    scene.abilities.multiple_captures = true;
    assert_eq!(code(scene.capture(&payment, Some(eur(9)))), "operation_in_flight");

    let (mut scene, payment) = Scene::with_captured(5);
    let refund = scene.refund(&payment, Some(eur(2))).unwrap();
    scene.abilities = NONE;
    assert_eq!(ability(scene.refund(&payment, Some(eur(9)))), "partial-refund");
    scene.abilities.partial_refund = true;
    assert_eq!(ability(scene.refund(&payment, Some(eur(9)))), "multiple-refunds");
    scene.abilities.multiple_refunds = true;
    assert_eq!(code(scene.refund(&payment, Some(eur(9)))), "operation_in_flight");
    scene.lose_reply(&refund);
    assert_eq!(code(scene.refund(&payment, Some(eur(9)))), "exceeds_captured");

    let (mut scene, payment) = Scene::with_payment(5);
    scene.run(&Command::UpdateCollection { amount: Some(eur(6)), metadata: None }).unwrap();
    let session = scene.open_session(1);
    scene.abilities = NONE;
    assert_eq!(ability(scene.cancel(&payment)), "cancel-authorized");
    assert_eq!(ability(scene.update_session(&session, eur(9))), "update-amount");
    assert!(scene.update_session(&session, eur(1)).is_ok(), "the same amount is no change of it");
}

#[test]
fn a_sole_session_waits_until_no_other_can_be_paid() {
    let (mut scene, first) = Scene::with_session(5);
    assert_eq!(scene.new_session(None, true).unwrap_err(), Refusal::LiveSessions);
    // What speaks against a session for ever is said first.
    assert_eq!(code(scene.new_session(Some(eur(6)), true)), "exceeds_collection");
    let gone = scene.delete_session(&first).unwrap();
    scene.settle(&gone, outcome(ProviderStatus::Canceled, None)).unwrap();
    let opening = scene.new_session(None, true).unwrap();
    let never = scene.op(&opening).session.clone();
    scene.settle(&opening, fault(Sent::Nothing)).unwrap();
    // One that was provably never opened is unknown at its provider: it goes by itself.
    let opened = scene.new_session(None, true).unwrap();
    let last = scene.op(&opened).session.clone();
    let live: Vec<_> = scene.state.live_sessions().map(|session| session.id.clone()).collect();
    assert!(live == [last.clone()] && !live.contains(&never), "{live:?}");
    assert_eq!(scene.new_session(None, true).unwrap_err(), Refusal::LiveSessions, "it is being opened");
    // What is paid stands in nobody's way: the next is over what is left.
    let (mut scene, _) = Scene::with_payment(5);
    scene.run(&Command::UpdateCollection { amount: Some(eur(8)), metadata: None }).unwrap();
    let rest = scene.new_session(None, true).unwrap();
    assert_eq!(scene.op(&rest).amount, Some(eur(3)));
}

#[test]
fn a_session_that_was_never_opened_goes_without_its_provider() {
    let never = |answer| {
        let mut scene = Scene::new(5);
        let opening = scene.new_session(None, false).unwrap();
        let session = scene.op(&opening).session.clone();
        scene.settle(&opening, answer).unwrap();
        (scene, session)
    };
    let (mut scene, session) = never(fault(Sent::Nothing));
    let asked = scene.delete_session(&session).unwrap();
    assert!(scene.state.operation(&asked).is_none() && scene.state.live_sessions().next().is_none());
    scene.run(&Command::DeleteCollection).unwrap();
    // Without the proof, the provider is asked.
    let (mut scene, session) = never(fault(Sent::Maybe));
    let asked = scene.delete_session(&session).unwrap();
    assert!(scene.state.operation(&asked).is_some() && scene.state.live_sessions().next().is_some());
}

#[test]
fn without_partial_abilities_the_whole_is_still_possible() {
    let (mut scene, payment) = Scene::with_payment(5);
    scene.abilities = NONE;
    let capture = scene.capture(&payment, None).unwrap();
    scene.settle(&capture, outcome(ProviderStatus::Captured, Some(eur(5)))).unwrap();
    let refund = scene.refund(&payment, Some(eur(5))).unwrap();
    scene.settle(&refund, outcome(ProviderStatus::Captured, Some(eur(5)))).unwrap();
    assert_eq!(scene.figures(&payment), [5, 5, 0, 0]);
}

#[test]
fn an_open_question_comes_before_the_headroom() {
    for state in
        [OperationState::Running, OperationState::Pending, OperationState::Unknown, OperationState::NeedsReview]
    {
        let (mut scene, session) = Scene::with_session(3);
        let other = scene.open_session(3);
        let authorization = scene.authorize(&session).unwrap();
        scene.leave(&authorization, state);
        let (own, others) = match state {
            OperationState::Running => ("operation_in_flight", "operation_in_flight"),
            // A pending one is accepted and counted, so it cannot become a second charge: the headroom decides.
            OperationState::Pending => ("operation_in_flight", "exceeds_collection"),
            OperationState::Unknown | OperationState::NeedsReview => ("uncertain_charge", "uncertain_charge"),
            OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Rejected
            | OperationState::Absent => panic!("{state:?} is no open question"),
        };
        assert_eq!(code(scene.authorize(&session)), own, "{state:?}, same session");
        assert_eq!(code(scene.authorize(&other)), others, "{state:?}, other session (R3)");
        assert_eq!(code(scene.update_session(&session, eur(9))), own, "{state:?}, update");
        let deletable = scene.delete_session(&session).map_or_else(|refusal| refusal.code(), |_| "ok");
        let want = if state == OperationState::Running { "operation_in_flight" } else { "ok" };
        assert_eq!(deletable, want, "{state:?}, delete");
        assert_eq!(code(scene.run(&Command::CancelCollection)), "open_payments");
    }
}

#[test]
fn the_headroom_of_a_collection() {
    let mut scene = Scene::new(5);
    assert_eq!(code(scene.create_session(Some(eur(6)))), "exceeds_collection");
    let (a, b) = (scene.open_session(3), scene.open_session(3));
    scene.authorized(&a);
    assert_eq!(code(scene.authorize(&b)), "exceeds_collection");
    assert_eq!(code(scene.update_session(&b, eur(3))), "exceeds_collection");
    assert_eq!(code(scene.create_session(Some(eur(3)))), "exceeds_collection");
    assert_eq!(code(update(&mut scene, eur(2))), "below_committed");
    let update_b = scene.update_session(&b, eur(2)).unwrap();
    scene.settle(&update_b, outcome(ProviderStatus::Pending, Some(eur(2)))).unwrap();
    let authorization = scene.authorize(&b).unwrap();
    scene.lose_reply(&authorization);
    assert_eq!(code(update(&mut scene, eur(4))), "below_committed", "what may be authorized counts");
    assert!(update(&mut scene, eur(5)).is_ok());
    assert_eq!(code(scene.run(&Command::CancelCollection)), "open_payments");
    assert_eq!(code(scene.create_session(Some(eur(3)))), "exceeds_collection");
}

#[test]
fn limits_come_last() {
    let mut scene = Scene::new(1);
    for _ in 0..SESSIONS_MAX {
        scene.create_session(None).unwrap();
    }
    assert_eq!(code(scene.create_session(Some(eur(2)))), "exceeds_collection");
    assert_eq!(code(scene.create_session(None)), "too_many");

    let (mut scene, payment) = Scene::with_payment(2_000);
    while scene.state.operations.len() < OPERATIONS_MAX {
        let operation = scene.state.operations[0].clone();
        let id = OperationId::from_tail(&format!("filler-{}", scene.state.operations.len()));
        scene.state.operations.push(tillbox_core::operation::Operation { id, ..operation });
    }
    assert_eq!(code(scene.capture(&payment, Some(eur(2_001)))), "exceeds_authorized");
    assert_eq!(code(scene.capture(&PaymentId::from_tail("none"), None)), "not_found");
    let got = scene.capture(&payment, None);
    assert_eq!(got, Err(Refusal::TooMany { what: "operations", limit: OPERATIONS_MAX }));
}

#[test]
fn a_result_counts_only_under_the_present_lease() {
    let (mut scene, payment) = Scene::with_payment(3);
    let capture = scene.capture(&payment, None).unwrap();
    scene.retry(&capture).unwrap();
    assert_eq!((scene.op(&capture).lease_token, scene.op(&capture).attempts), (2, 2));
    for lease_token in [0, 1, 3] {
        let answer = outcome(done(OperationKind::Capture), Some(eur(3)));
        let late = Command::Settle { operation: capture.clone(), lease_token, answer };
        assert_eq!(code(scene.run(&late)), "stale_lease", "token {lease_token}");
    }
    scene.settle(&capture, outcome(ProviderStatus::Captured, Some(eur(3)))).unwrap();
    let again = Command::Settle { operation: capture.clone(), lease_token: 1, answer: fault(Sent::Maybe) };
    assert_eq!(code(scene.run(&again)), "stale_lease", "fencing comes before the state");
    assert_eq!(code(scene.settle(&capture, fault(Sent::Maybe))), "already_settled");
    assert_eq!(code(scene.settle(&capture, outcome(ProviderStatus::Declined, None))), "already_settled");
    assert_eq!(code(scene.retry(&capture)), "already_settled");
    assert_eq!(code(scene.resolve(&capture, Finding::MarkedAbsent(String::new()))), "already_settled");
}

#[test]
fn a_collection_is_made_once_and_first() {
    let create = Command::CreateCollection {
        id: CollectionId::from_tail("1"),
        amount: eur(1),
        cart_id: None,
        order_id: None,
        metadata: None,
    };
    assert_eq!(code(Scene::new(1).run(&create)), "wrong_collection");
    assert_eq!(code(machine::decide(None, &Command::CancelCollection, Timestamp(0))), "wrong_collection");
}

#[test]
fn codes_and_kinds_are_part_of_the_api() {
    use RefusalKind::{Conflict, InvalidData, NotAllowed, NotFound};
    let operation = OperationId::from_tail("1");
    let (asked, left) = (eur(2), eur(1));
    let table = [
        (Refusal::NotFound { entity: "Payment", id: "pay_1".into() }, "not_found", NotFound),
        (
            Refusal::CurrencyMismatch { expected: left.currency(), got: jpy(1).currency() },
            "currency_mismatch",
            InvalidData,
        ),
        (Refusal::AmountNotPositive { what: "Capture" }, "amount_not_positive", InvalidData),
        (Refusal::CollectionClosed { status: "completed" }, "collection_closed", NotAllowed),
        (Refusal::SessionClosed { status: "authorized" }, "session_closed", NotAllowed),
        (Refusal::PaymentCanceled { id: "pay_1".into() }, "payment_canceled", InvalidData),
        (Refusal::PaymentCaptured { id: "pay_1".into() }, "payment_captured", NotAllowed),
        (Refusal::NotCapable { ability: "partial-capture" }, "provider_not_capable", NotAllowed),
        (Refusal::InFlight { operation: operation.clone() }, "operation_in_flight", Conflict),
        (Refusal::UncertainCharge { operation }, "uncertain_charge", Conflict),
        (Refusal::ExceedsCollection { asked, left }, "exceeds_collection", InvalidData),
        (Refusal::ExceedsAuthorized { asked, left }, "exceeds_authorized", InvalidData),
        (Refusal::ExceedsCaptured { asked, left }, "exceeds_captured", InvalidData),
        (Refusal::BelowCommitted { asked, committed: left }, "below_committed", InvalidData),
        (Refusal::NotCancelable { status: "canceled" }, "collection_closed", NotAllowed),
        (Refusal::OpenPayments, "open_payments", NotAllowed),
        (Refusal::HoldsMoney, "holds_money", NotAllowed),
        (Refusal::LiveSessions, "live_sessions", NotAllowed),
        (Refusal::TooMany { what: "sessions", limit: 1 }, "too_many", NotAllowed),
        (Refusal::StaleLease, "stale_lease", Conflict),
        (Refusal::AlreadySettled { state: "declined" }, "already_settled", Conflict),
        (Refusal::WrongCollection, "wrong_collection", Conflict),
    ];
    for (refusal, code, kind) in table {
        assert_eq!((refusal.code(), refusal.kind()), (code, kind));
        assert!(!refusal.to_string().is_empty());
    }
}
