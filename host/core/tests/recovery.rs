//! When open operations are looked at, and what a reply that comes after a webhook still adds.

mod scene;

use scene::{LEASE_MS, Scene, claim, eur, fault, outcome, plain_outcome, snapshot};
use tillbox_core::Timestamp;
use tillbox_core::command::{Answer, Finding, Sent};
use tillbox_core::event::Change;
use tillbox_core::id::{OperationId, SessionId};
use tillbox_core::operation::OperationState;
use tillbox_core::outcome::{EvidenceAction, ProviderStatus};
use tillbox_core::schedule::{CHECK_AFTER_MS, CHECK_DAILY_MS, JITTER_PERCENT};
use tillbox_core::state::Collection;
use tillbox_core::text::Json;

/// How long until the next look, milliseconds.
fn wait(scene: &Scene, id: &OperationId) -> i64 {
    scene.op(id).next_action_at.unwrap().0 - scene.now().0
}

fn about(waited: i64, table: i64) -> bool {
    (waited - table).abs() * 100 <= table * JITTER_PERCENT
}

#[test]
fn a_running_operation_is_looked_at_when_its_lease_ends() {
    let (mut scene, session) = Scene::with_session(10);
    let id = scene.authorize(&session).unwrap();
    assert!((LEASE_MS - 9..=LEASE_MS).contains(&wait(&scene, &id)), "{}", wait(&scene, &id));
    scene.lose_reply(&id);
    assert!(about(wait(&scene, &id), CHECK_AFTER_MS[0]));
    // Asking again counts as a look, so that the waits grow.
    scene.wait(2_200);
    scene.retry(&id).unwrap();
    assert_eq!((scene.op(&id).checks, scene.op(&id).attempts), (1, 2));
    scene.settle(&id, fault(Sent::Maybe)).unwrap();
    assert!(about(wait(&scene, &id), CHECK_AFTER_MS[1]));
}

#[test]
fn looks_that_find_nothing_follow_the_table_and_tell_nobody() {
    for state in [OperationState::Unknown, OperationState::Pending] {
        let (mut scene, payment) = Scene::with_payment(10);
        let id = scene.capture(&payment, None).unwrap();
        scene.leave(&id, state);
        let changed = (scene.op(&id).updated_at, scene.state.updated_at);
        let table = CHECK_AFTER_MS.into_iter().chain([CHECK_DAILY_MS; 3]);
        for (checks, table) in (0..).zip(table) {
            assert!(about(wait(&scene, &id), table), "{state:?} {checks}: {}", wait(&scene, &id));
            assert_eq!(scene.op(&id).checks, checks);
            let next = scene.op(&id).next_action_at;
            // Out of turn: no more than a look.
            assert!(scene.resolve(&id, Finding::Nothing).unwrap().is_empty());
            scene.wait(next.unwrap().0 - scene.now().0);
            let events = scene.resolve(&id, Finding::Nothing).unwrap();
            assert!(matches!(events[..], [ref event] if matches!(event.change, Change::OperationPostponed { .. })));
            assert_eq!((scene.op(&id).updated_at, scene.state.updated_at), changed, "proofs count from here");
        }
    }
}

#[test]
fn the_same_answer_again_is_a_look_and_no_event() {
    let (mut scene, session) = Scene::with_session(10);
    let id = scene.authorize(&session).unwrap();
    scene.settle(&id, outcome(ProviderStatus::PendingAuthorization, None)).unwrap();
    scene.wait(3_000);
    let events = scene.resolve(&id, snapshot(ProviderStatus::PendingAuthorization, None)).unwrap();
    assert!(matches!(events[..], [ref event] if matches!(event.change, Change::OperationPostponed { checks: 1, .. })));
    // News of the same state is told, and counts as a look, too.
    scene.wait(12_000);
    let mut news = plain_outcome(ProviderStatus::PendingAuthorization, None);
    news.data = Json::from_checked(r#"{"bank":"has it"}"#);
    let events = scene.resolve(&id, snapshot(ProviderStatus::Pending, Some(news))).unwrap();
    assert!(matches!(events[..], [ref told, ref postponed]
        if matches!(told.change, Change::SessionProgressed(_))
        && matches!(postponed.change, Change::OperationPostponed { checks: 2, .. })));
}

#[test]
fn a_question_of_another_kind_is_counted_anew_and_a_persons_is_not_scheduled() {
    let (mut scene, payment) = Scene::with_payment(10);
    let id = scene.capture(&payment, None).unwrap();
    scene.lose_reply(&id);
    for _ in 0..3 {
        scene.wait(100_000);
        scene.resolve(&id, Finding::Nothing).unwrap();
    }
    assert_eq!(scene.op(&id).checks, 3);
    let accepted = plain_outcome(ProviderStatus::Pending, None);
    scene.resolve(&id, snapshot(ProviderStatus::Authorized, Some(accepted))).unwrap();
    assert_eq!((scene.op(&id).state, scene.op(&id).checks), (OperationState::Pending, 0));
    scene.resolve(&id, Finding::Exhausted("nothing left".into())).unwrap();
    assert_eq!(scene.op(&id).next_action_at, None);
    let uncertain = scene.state.uncertain(|_| true).unwrap();
    assert_eq!((uncertain.since, uncertain.next_check_at), (scene.op(&id).updated_at, None));
    scene.resolve(&id, Finding::MarkedAbsent("looked at the dashboard".into())).unwrap();
    assert_eq!(scene.state.uncertain(|_| true), None);
}

/// Without points in time, and without the name of who told first.
fn timeless(mut state: Collection) -> Collection {
    let now = Timestamp(0);
    for operation in &mut state.operations {
        (operation.created_at, operation.updated_at) = (now, now);
    }
    for session in &mut state.sessions {
        (session.created_at, session.updated_at, session.authorized_at) =
            (now, now, session.authorized_at.map(|_| now));
    }
    for payment in &mut state.payments {
        (payment.created_at, payment.updated_at) = (now, now);
        payment.captured_at = payment.captured_at.map(|_| now);
        payment.canceled_at = payment.canceled_at.map(|_| now);
    }
    (state.created_at, state.updated_at, state.completed_at) = (now, now, state.completed_at.map(|_| now));
    state
}

/// The reply, then the claim; the claim, then the reply.
fn both_orders(
    begin: impl Fn() -> (Scene, SessionId, OperationId),
    reply: &Answer,
    action: EvidenceAction,
    amount: Option<i64>,
) -> Collection {
    let (mut first, session, id) = begin();
    first.settle(&id, reply.clone()).unwrap();
    first.observe(&session, claim(&session, action, amount.map(eur))).unwrap();
    let (mut second, session, id) = begin();
    second.observe(&session, claim(&session, action, amount.map(eur))).unwrap();
    second.settle(&id, reply.clone()).unwrap();
    let (first, second) = (timeless(first.state), timeless(second.state));
    assert_eq!(first, second, "{action:?}");
    second
}

#[test]
fn a_reply_after_a_webhook_leaves_what_the_webhook_after_the_reply_leaves() {
    let authorization = || {
        let (mut scene, session) = Scene::with_session(10);
        let id = scene.authorize(&session).unwrap();
        (scene, session, id)
    };
    let mut answer = plain_outcome(ProviderStatus::Authorized, Some(eur(10)));
    answer.client_data = Some(Json::from_checked(r#"{"shown":true}"#));
    answer.provider_reference = Some("pi_of_the_reply".into());
    let reply = Answer::Outcome(answer.clone());
    let end = both_orders(authorization, &reply, EvidenceAction::Authorized, None);
    let payment = &end.payments[0];
    assert_eq!(payment.provider_reference.as_deref(), Some("pi_of_the_reply"));
    assert_eq!((&payment.data, &end.sessions[0].data), (&answer.data, &answer.data));
    assert_eq!(end.sessions[0].client_data, answer.client_data);

    answer.status = ProviderStatus::Captured;
    let end = both_orders(authorization, &Answer::Outcome(answer), EvidenceAction::Authorized, Some(10));
    assert_eq!(end.captured(), eur(10));

    let opening = || {
        let mut scene = Scene::new(10);
        let id = scene.create_session(None).unwrap();
        let session = scene.op(&id).session.clone();
        (scene, session, id)
    };
    let end = both_orders(opening, &outcome(ProviderStatus::Pending, None), EvidenceAction::Authorized, None);
    assert_eq!(end.payments[0].provider_reference.as_deref(), Some("pi_1"));

    let capture = || {
        let (mut scene, payment) = Scene::with_payment(10);
        let id = scene.capture(&payment, Some(eur(4))).unwrap();
        let session = scene.payment(&payment).session.clone();
        (scene, session, id)
    };
    let refund = || {
        let (mut scene, payment) = Scene::with_captured(10);
        let id = scene.refund(&payment, Some(eur(4))).unwrap();
        let session = scene.payment(&payment).session.clone();
        (scene, session, id)
    };
    let reply = outcome(ProviderStatus::Captured, Some(eur(4)));
    let end = both_orders(capture, &reply, EvidenceAction::Captured, Some(4));
    let last = end.operations.last().unwrap();
    assert_eq!((last.provider_reference.as_deref(), last.reason.as_deref()), (Some("pi_1"), None));
    both_orders(refund, &reply, EvidenceAction::Refunded, Some(4));
}

#[test]
fn a_late_reply_does_not_bring_back_old_state_and_contradicts_nothing() {
    let (mut scene, session) = Scene::with_session(10);
    let id = scene.authorize(&session).unwrap();
    scene.observe(&session, claim(&session, EvidenceAction::Authorized, None)).unwrap();
    let payment = scene.state.payments[0].id.clone();
    scene.captured(&payment, 4);
    let newer = scene.payment(&payment).data.clone();
    scene.settle(&id, outcome(ProviderStatus::Authorized, Some(eur(10)))).unwrap();
    assert_eq!(scene.payment(&payment).data, newer, "the capture's answer is newer");
    assert_eq!(scene.op(&id).provider_reference.as_deref(), Some("pi_1"));
    // Merged once; a second time, and a contradiction, are refused.
    for status in [ProviderStatus::Authorized, ProviderStatus::Declined] {
        assert_eq!(scene.settle(&id, outcome(status, Some(eur(10)))).unwrap_err().code(), "already_settled");
    }
}
