//! Amounts over the life of a collection: headroom with reservations, captures and refunds without an amount, automatic
//! capture, installments, several providers, voids.

mod scene;

use scene::{Scene, eur, fault, outcome};
use tillbox_core::command::{Command, Finding, Sent};
use tillbox_core::operation::{OperationKind, OperationState, Origin};
use tillbox_core::outcome::ProviderStatus;
use tillbox_core::refusal::Refusal;

const OPEN: [OperationState; 3] = [OperationState::Pending, OperationState::Unknown, OperationState::NeedsReview];
const CAPTURED: ProviderStatus = ProviderStatus::Captured;

fn status(scene: &Scene) -> &'static str {
    scene.state.status.as_str()
}

#[test]
fn an_open_capture_holds_its_amount() {
    for state in OPEN {
        let (mut scene, payment) = Scene::with_payment(10);
        let open = scene.capture(&payment, Some(eur(4))).unwrap();
        assert_eq!(scene.figures(&payment), [0, 0, 4, 0], "from the moment it runs");
        scene.leave(&open, state);
        let refused = scene.capture(&payment, Some(eur(7))).unwrap_err();
        assert_eq!(refused, Refusal::ExceedsAuthorized { asked: eur(7), left: eur(6) }, "{state:?}");
        scene.captured(&payment, 6);
        let refused = scene.capture(&payment, None).unwrap_err();
        assert_eq!(refused, Refusal::ExceedsAuthorized { asked: eur(10), left: eur(0) }, "{state:?}");
        scene.resolve(&open, Finding::Absent("gone".into())).unwrap();
        assert_eq!(scene.figures(&payment), [6, 0, 0, 0]);
        scene.captured(&payment, 4);
        assert_eq!(status(&scene), "completed");
    }
}

#[test]
fn an_open_refund_holds_its_amount() {
    for state in OPEN {
        let (mut scene, payment) = Scene::with_captured(10);
        let open = scene.refund(&payment, Some(eur(4))).unwrap();
        scene.leave(&open, state);
        let refused = scene.refund(&payment, Some(eur(7))).unwrap_err();
        assert_eq!(refused, Refusal::ExceedsCaptured { asked: eur(7), left: eur(6) }, "{state:?}");
        scene.refunded(&payment, 6);
        assert_eq!(scene.figures(&payment), [10, 6, 0, 4]);
        let refused = scene.refund(&payment, None).unwrap_err();
        assert_eq!(refused, Refusal::ExceedsCaptured { asked: eur(10), left: eur(0) }, "{state:?}");
        scene.resolve(&open, Finding::MarkedSucceeded("seen".into())).unwrap();
        assert_eq!(scene.figures(&payment), [10, 10, 0, 0]);
        assert_eq!(status(&scene), "completed", "a refund never lowers the status");
    }
}

#[test]
fn what_did_not_happen_holds_nothing() {
    for answer in [outcome(ProviderStatus::Declined, None), outcome(ProviderStatus::Error, None), fault(Sent::Nothing)]
    {
        let (mut scene, payment) = Scene::with_payment(10);
        let capture = scene.capture(&payment, None).unwrap();
        scene.settle(&capture, answer.clone()).unwrap();
        assert_eq!(scene.figures(&payment), [0; 4], "{answer:?}");
        scene.captured(&payment, 10);
        let refund = scene.refund(&payment, None).unwrap();
        scene.settle(&refund, answer).unwrap();
        scene.refunded(&payment, 10);
    }
}

#[test]
fn without_an_amount_the_remainder_is_meant() {
    let (mut scene, payment) = Scene::with_payment(10);
    scene.captured(&payment, 3);
    assert_eq!(status(&scene), "partially_captured");
    let capture = scene.capture(&payment, None).unwrap();
    assert_eq!(scene.op(&capture).amount, Some(eur(7)));
    scene.settle(&capture, outcome(CAPTURED, Some(eur(7)))).unwrap();
    assert_eq!((status(&scene), scene.payment(&payment).captured_at.is_some()), ("completed", true));

    scene.refunded(&payment, 1);
    let refund = scene.refund(&payment, None).unwrap();
    assert_eq!(scene.op(&refund).amount, Some(eur(9)));
    scene.settle(&refund, outcome(CAPTURED, Some(eur(9)))).unwrap();
    assert_eq!(scene.figures(&payment), [10, 10, 0, 0]);
}

#[test]
fn capturing_what_is_captured_in_full_is_nothing_to_do() {
    let (mut scene, payment) = Scene::with_captured(10);
    let before = scene.state.clone();
    for amount in [None, Some(eur(1)), Some(eur(99))] {
        scene.capture(&payment, amount).unwrap();
    }
    assert_eq!(scene.state, before);
}

#[test]
fn nothing_is_refunded_before_it_is_captured() {
    let (mut scene, payment) = Scene::with_payment(10);
    let refused = scene.refund(&payment, None).unwrap_err();
    assert_eq!(refused, Refusal::ExceedsCaptured { asked: eur(0), left: eur(0) });
    let capture = scene.capture(&payment, None).unwrap();
    scene.lose_reply(&capture);
    assert!(scene.refund(&payment, Some(eur(1))).is_err(), "an unknown capture is not money to give back");
}

#[test]
fn automatic_capture_is_an_operation_of_its_own() {
    let (mut scene, session) = Scene::with_session(10);
    let authorize = scene.authorize(&session).unwrap();
    scene.settle(&authorize, outcome(CAPTURED, Some(eur(10)))).unwrap();
    let payment = scene.state.payment_of(&session).unwrap().clone();
    assert_eq!((scene.session(&session).status.as_str(), status(&scene)), ("captured", "completed"));
    assert!(payment.captured_at.is_some() && scene.state.completed_at.is_some());
    let captures: Vec<_> =
        scene.state.operations.iter().filter(|operation| operation.kind == OperationKind::Capture).collect();
    assert_eq!(captures.len(), 1);
    assert_eq!((captures[0].origin, captures[0].attempts), (Origin::AutomaticCapture, 0));
    scene.refunded(&payment.id, 10);
    assert_eq!(scene.figures(&payment.id), [10, 10, 0, 0]);
}

#[test]
fn authorizing_what_is_authorized_is_nothing_to_do() {
    let (mut scene, payment) = Scene::with_payment(10);
    let session = scene.payment(&payment).session.clone();
    let before = scene.state.clone();
    scene.authorize(&session).unwrap();
    assert_eq!(scene.state, before);
}

#[test]
fn an_action_of_the_payer_leads_to_a_second_operation() {
    let (mut scene, session) = Scene::with_session(10);
    let first = scene.authorize(&session).unwrap();
    scene.settle(&first, outcome(ProviderStatus::RequiresMore, None)).unwrap();
    assert!(scene.session(&session).next_action.is_some());
    let second = scene.authorize(&session).unwrap();
    assert_ne!(first, second);
    scene.settle(&second, outcome(ProviderStatus::Declined, None)).unwrap();
    let found = scene.session(&session);
    assert!(found.next_action.is_none() && found.decline.is_some());
    assert_eq!(status(&scene), "failed");
    scene.authorized(&session);
    assert_eq!((status(&scene), scene.session(&session).decline.is_none()), ("authorized", true));
}

#[test]
fn installments_and_several_providers_in_one_collection() {
    let mut scene = Scene::new(10);
    let sessions = [scene.open_session(5), scene.open_session(3), scene.open_session(2)];
    let a = scene.authorized(&sessions[0]);
    assert_eq!(status(&scene), "partially_authorized");
    scene.captured(&a, 5);
    assert_eq!(status(&scene), "partially_captured");
    // The second provider declines; the other installments go on.
    let declined = scene.authorize(&sessions[1]).unwrap();
    scene.settle(&declined, outcome(ProviderStatus::Declined, None)).unwrap();
    let c = scene.authorized(&sessions[2]);
    let b = scene.authorized(&sessions[1]);
    assert_eq!(scene.state.authorized(), eur(10));
    scene.captured(&b, 3);
    scene.refunded(&a, 5);
    assert_eq!(status(&scene), "partially_captured");
    scene.captured(&c, 2);
    assert_eq!(status(&scene), "completed");
    assert_eq!((scene.state.captured(), scene.state.refunded()), (eur(10), eur(5)));
    assert_eq!(
        scene.refund(&a, Some(eur(1))).unwrap_err().code(),
        "exceeds_captured",
        "each payment has its own books"
    );
}

#[test]
fn one_provider_abandoned_for_another() {
    let mut scene = Scene::new(10);
    let (a, b) = (scene.open_session(10), scene.open_session(10));
    let lost = scene.authorize(&a).unwrap();
    scene.lose_reply(&lost);
    assert_eq!(scene.authorize(&b).unwrap_err(), Refusal::UncertainCharge { operation: lost.clone() });
    let deletion = scene.delete_session(&a).unwrap();
    assert!(scene.authorize(&b).is_err(), "not before the provider vouches for it");
    scene.settle(&deletion, outcome(ProviderStatus::Canceled, None)).unwrap();
    assert_eq!(scene.state_of(&lost), (OperationState::Absent, Some("session_deleted")));
    scene.authorized(&b);
    assert_eq!(status(&scene), "authorized");
}

#[test]
fn a_void_frees_the_amount_for_another_session() {
    let (mut scene, payment) = Scene::with_payment(10);
    let cancel = scene.cancel(&payment).unwrap();
    assert_eq!(scene.capture(&payment, None).unwrap_err().code(), "operation_in_flight");
    scene.lose_reply(&cancel);
    assert_eq!(scene.capture(&payment, None).unwrap_err().code(), "operation_in_flight", "it may be void");
    assert_eq!(scene.cancel(&payment).unwrap_err().code(), "operation_in_flight");
    assert_eq!(scene.create_session(None).unwrap_err().code(), "exceeds_collection", "it may be not");
    scene.retry(&cancel).unwrap();
    scene.settle(&cancel, outcome(ProviderStatus::Canceled, Some(eur(10)))).unwrap();
    assert_eq!((status(&scene), scene.state.authorized()), ("awaiting", eur(0)));
    let session = scene.open_session(10);
    scene.authorized(&session);
    assert_eq!(status(&scene), "authorized");
}

#[test]
fn nothing_captured_or_possibly_captured_is_voided() {
    for state in [OperationState::Running].iter().chain(&OPEN) {
        let (mut scene, payment) = Scene::with_payment(10);
        let capture = scene.capture(&payment, Some(eur(1))).unwrap();
        scene.leave(&capture, *state);
        assert_eq!(scene.cancel(&payment).unwrap_err().code(), "payment_captured", "{state:?}");
    }
    let (mut scene, payment) = Scene::with_payment(10);
    let capture = scene.capture(&payment, None).unwrap();
    scene.settle(&capture, outcome(ProviderStatus::Declined, None)).unwrap();
    assert!(scene.cancel(&payment).is_ok(), "a declined capture took nothing");
}

#[test]
fn a_collection_is_canceled_when_nothing_is_held() {
    let (mut scene, payment) = Scene::with_payment(10);
    assert_eq!(scene.run(&Command::CancelCollection).unwrap_err().code(), "open_payments");
    let cancel = scene.cancel(&payment).unwrap();
    scene.settle(&cancel, outcome(ProviderStatus::Canceled, Some(eur(10)))).unwrap();
    scene.run(&Command::CancelCollection).unwrap();
    assert_eq!(status(&scene), "canceled");

    let (mut scene, payment) = Scene::with_payment(10);
    scene.captured(&payment, 4);
    scene.run(&Command::CancelCollection).unwrap();
    assert_eq!(status(&scene), "partially_captured", "money taken stays visible");
}

#[test]
fn a_zero_collection_is_never_complete() {
    let scene = Scene::new(0);
    assert_eq!((status(&scene), scene.state.completed_at), ("not_paid", None));
}

#[test]
fn an_update_changes_the_share_only_when_the_provider_took_it() {
    for (answer, want) in [
        (outcome(ProviderStatus::Pending, Some(eur(4))), 4),
        (outcome(ProviderStatus::RequiresMore, None), 4),
        (outcome(ProviderStatus::Declined, None), 10),
        (fault(Sent::Nothing), 10),
        (fault(Sent::Maybe), 10),
    ] {
        let (mut scene, session) = Scene::with_session(10);
        let update = scene.update_session(&session, eur(4)).unwrap();
        scene.settle(&update, answer.clone()).unwrap();
        assert_eq!(scene.session(&session).amount, eur(want), "{answer:?}");
    }
}
