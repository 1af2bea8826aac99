//! What no provider hears of: notes, who asked, completed, deleted; and each status of a collection with what leads to it.

mod scene;

use scene::{Scene, claim, eur, outcome};
use tillbox_core::command::{Asked, Command, Request, Subject};
use tillbox_core::event::Change;
use tillbox_core::id::{CaptureId, RefundId, RefundReasonId};
use tillbox_core::operation::{GivenReason, OperationKind, OperationState, Product};
use tillbox_core::outcome::{EvidenceAction, ProviderStatus};
use tillbox_core::refusal::Refusal;
use tillbox_core::status::{CollectionStatus, SessionStatus};
use tillbox_core::text::Json;

fn json(text: &str) -> Json {
    Json::from_checked(text)
}

fn annotate(scene: &mut Scene, subject: Subject, metadata: &str) -> Result<usize, Refusal> {
    let events = scene.run(&Command::Annotate { subject, metadata: json(metadata) })?;
    Ok(events.len())
}

/// The rows of the reference's table, and the statuses it names and never computes.
#[test]
fn each_status_follows_from_what_was_done() {
    let status = |scene: &Scene| scene.state.status;
    let mut scene = Scene::new(10);
    assert_eq!(status(&scene), CollectionStatus::NotPaid, "no sessions");
    let (first, second) = (scene.open_session(4), scene.open_session(6));
    assert_eq!(status(&scene), CollectionStatus::Awaiting, "sessions, none authorized");
    let first = scene.authorized(&first);
    assert_eq!(status(&scene), CollectionStatus::PartiallyAuthorized);
    let second = scene.authorized(&second);
    assert_eq!(status(&scene), CollectionStatus::Authorized);
    scene.captured(&first, 4);
    assert_eq!(status(&scene), CollectionStatus::PartiallyCaptured);
    scene.captured(&second, 6);
    assert_eq!(status(&scene), CollectionStatus::Completed);
    assert!(scene.state.completed_at.is_some());
    scene.refunded(&first, 4);
    scene.refunded(&second, 6);
    assert_eq!(status(&scene), CollectionStatus::Completed, "a refund never lowers the status");
    assert_eq!([scene.state.authorized(), scene.state.captured(), scene.state.refunded()], [eur(10); 3]);
}

#[test]
fn failed_and_canceled_are_computed_too() {
    let (mut scene, session) = Scene::with_session(10);
    let operation = scene.authorize(&session).unwrap();
    scene.settle(&operation, outcome(ProviderStatus::Declined, None)).unwrap();
    assert_eq!(scene.state.status, CollectionStatus::Failed);
    scene.authorized(&session);
    assert_eq!(scene.state.status, CollectionStatus::Authorized, "another try is allowed");

    let (mut scene, payment) = Scene::with_payment(10);
    let void = scene.cancel(&payment).unwrap();
    scene.settle(&void, outcome(ProviderStatus::Canceled, Some(eur(10)))).unwrap();
    scene.run(&Command::CancelCollection).unwrap();
    assert_eq!(scene.state.status, CollectionStatus::Canceled);
    let again = scene.run(&Command::CancelCollection).unwrap_err();
    assert_eq!(again.to_string(), "Payment collection is already canceled");

    let (mut scene, _) = Scene::with_captured(10);
    let refused = scene.run(&Command::CancelCollection).unwrap_err();
    assert_eq!(refused.to_string(), "Cannot cancel a completed payment collection");
}

#[test]
fn a_collection_over_nothing_takes_no_session_and_is_never_completed_by_itself() {
    let mut scene = Scene::new(0);
    assert_eq!(scene.create_session(None).unwrap_err(), Refusal::AmountNotPositive { what: "Session" });
    assert_eq!((scene.state.status, scene.state.completed_at), (CollectionStatus::NotPaid, None));
}

#[test]
fn complete_says_when_and_changes_no_status() {
    let mut scene = Scene::new(10);
    scene.run(&Command::CompleteCollection).unwrap();
    let first = scene.state.completed_at;
    assert!(first.is_some());
    assert_eq!(scene.state.status, CollectionStatus::NotPaid);
    assert!(scene.run(&Command::CompleteCollection).unwrap().is_empty(), "the first time is when it was");
    // It closes nothing: what was paid decides.
    let session = scene.open_session(10);
    let payment = scene.authorized(&session);
    scene.captured(&payment, 10);
    assert_eq!((scene.state.status, scene.state.completed_at), (CollectionStatus::Completed, first));
}

#[test]
fn a_collection_with_money_is_not_deleted() {
    let delete = Command::DeleteCollection;
    let (mut scene, payment) = Scene::with_payment(10);
    assert_eq!(scene.run(&delete).unwrap_err(), Refusal::HoldsMoney);
    let void = scene.cancel(&payment).unwrap();
    assert_eq!(scene.run(&delete).unwrap_err(), Refusal::HoldsMoney, "while the void is under way");
    scene.settle(&void, outcome(ProviderStatus::Canceled, Some(eur(10)))).unwrap();
    assert_eq!(scene.run(&delete).unwrap_err(), Refusal::LiveSessions);
    let session = scene.state.sessions[0].id.clone();
    let deletion = scene.delete_session(&session).unwrap();
    scene.settle(&deletion, outcome(ProviderStatus::Canceled, None)).unwrap();
    scene.run(&delete).unwrap();
    assert!(scene.state.deleted_at.is_some());
    assert_eq!(scene.state.operations.len(), 4, "nothing leaves the books");

    let (mut captured, _) = Scene::with_captured(10);
    assert_eq!(captured.run(&delete).unwrap_err(), Refusal::HoldsMoney);
    let (mut unknown, session) = Scene::with_session(10);
    let lost = unknown.authorize(&session).unwrap();
    unknown.lose_reply(&lost);
    assert_eq!(unknown.run(&delete).unwrap_err(), Refusal::HoldsMoney);
}

#[test]
fn what_was_deleted_is_not_found_and_money_brings_it_back() {
    let (mut scene, session) = Scene::with_session(10);
    let deletion = scene.delete_session(&session).unwrap();
    scene.settle(&deletion, outcome(ProviderStatus::Canceled, None)).unwrap();
    scene.run(&Command::DeleteCollection).unwrap();
    let gone = Refusal::NotFound { entity: "PaymentCollection", id: scene.state.id.to_string() };
    for command in [
        Command::DeleteCollection,
        Command::CompleteCollection,
        Command::CancelCollection,
        Command::UpdateCollection { amount: Some(eur(11)), metadata: None },
    ] {
        assert_eq!(scene.run(&command).unwrap_err(), gone, "{command:?}");
    }
    assert_eq!(scene.create_session(None).unwrap_err(), gone);
    assert_eq!(annotate(&mut scene, Subject::Session(session.clone()), "{}").unwrap_err(), gone);
    let events = scene.observe(&session, claim(&session, EvidenceAction::Captured, Some(eur(10)))).unwrap();
    let told = |wanted: fn(&Change) -> bool| events.iter().filter(|event| wanted(&event.change)).count();
    assert_eq!(told(|change| matches!(change, Change::CollectionRestored)), 1);
    assert_eq!(told(|change| matches!(change, Change::LateSuccess { .. })), 1, "somebody has to look");
    assert_eq!((scene.state.deleted_at, scene.state.captured()), (None, eur(10)));
    let payment = scene.state.payments[0].id.clone();
    scene.refunded(&payment, 10);
}

#[test]
fn everything_carries_notes() {
    let (mut scene, payment) = Scene::with_payment(10);
    let session = scene.state.sessions[0].id.clone();
    let asked = Asked { created_by: Some("user_1".into()), metadata: Some(json(r#"{"a":1}"#)) };
    let (capture, refund) = (CaptureId::from_tail("c"), RefundId::from_tail("r"));
    let operation = scene
        .begin(Request::Capture {
            payment: payment.clone(),
            capture: capture.clone(),
            amount: None,
            asked: asked.clone(),
        })
        .unwrap();
    let early = annotate(&mut scene, Subject::Capture(capture.clone()), "{}").unwrap_err();
    assert_eq!(early.code(), "not_found", "a capture exists once it is done");
    scene.settle(&operation, outcome(ProviderStatus::Captured, Some(eur(10)))).unwrap();
    let done = scene.op(&operation);
    assert_eq!((&done.created_by, &done.metadata), (&asked.created_by, &asked.metadata));
    let reason = GivenReason {
        id: RefundReasonId::from_tail("1"),
        code: "shipping_issue".into(),
        label: Some("Shipping Issue".into()),
    };
    let operation = scene
        .begin(Request::Refund {
            payment: payment.clone(),
            refund: refund.clone(),
            amount: Some(eur(3)),
            reason: Some(reason.clone()),
            note: Some("late".into()),
            asked,
        })
        .unwrap();
    scene.settle(&operation, outcome(ProviderStatus::Captured, Some(eur(3)))).unwrap();
    assert_eq!(scene.op(&operation).refund_reason, Some(reason));

    for subject in [
        Subject::Session(session.clone()),
        Subject::Payment(payment.clone()),
        Subject::Capture(capture.clone()),
        Subject::Refund(refund.clone()),
    ] {
        let status = scene.state.status;
        assert_eq!(annotate(&mut scene, subject.clone(), r#"{"b":2}"#), Ok(1), "{subject:?}");
        assert_eq!(annotate(&mut scene, subject, r#"{"b":2}"#), Ok(0), "the same again is nothing new");
        assert_eq!(scene.state.status, status);
    }
    let new = Some(json(r#"{"b":2}"#));
    assert_eq!((&scene.session(&session).metadata, &scene.payment(&payment).metadata), (&new, &new));
    let of = |kind| scene.state.operations.iter().find(|operation| operation.kind == kind).unwrap();
    assert_eq!(of(OperationKind::Capture).metadata, new);
    assert_eq!(
        (&of(OperationKind::Refund).metadata, of(OperationKind::Refund).state),
        (&new, OperationState::Succeeded)
    );
    assert_eq!(of(OperationKind::Refund).product, Product::Refund(refund));
    for subject in [Subject::Capture(CaptureId::from_tail("x")), Subject::Refund(RefundId::from_tail("x"))] {
        assert_eq!(annotate(&mut scene, subject, "{}").unwrap_err().code(), "not_found");
    }
}

#[test]
fn the_payer_and_the_notes_change_with_an_update_whatever_the_provider_says() {
    let (mut scene, session) = Scene::with_session(10);
    let products = scene.authorization_ids();
    let operation = scene
        .begin(Request::UpdateSession {
            session: session.clone(),
            amount: Some(eur(9)),
            context: Some(json(r#"{"locale":"de"}"#)),
            metadata: Some(json(r#"{"n":1}"#)),
            products,
        })
        .unwrap();
    scene.settle(&operation, outcome(ProviderStatus::Declined, None)).unwrap();
    let after = scene.session(&session);
    assert_eq!((after.amount, after.status), (eur(10), SessionStatus::Error));
    assert_eq!(
        (after.context.as_str(), after.metadata.as_ref().unwrap().as_str()),
        (r#"{"locale":"de"}"#, r#"{"n":1}"#)
    );
}
