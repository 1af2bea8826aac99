//! Webhook claims one by one, and what happens when they meet commands. Their order is the matter of `claim_order`.

mod scene;

use scene::{Scene, claim, eur, jpy, outcome};
use tillbox_core::event::{Change, Event, SetAside};
use tillbox_core::id::OperationId;
use tillbox_core::operation::{OperationKind, OperationState, Origin};
use tillbox_core::outcome::{Evidence, EvidenceAction, ProviderStatus};

fn set_aside(events: &[Event]) -> Option<SetAside> {
    events.iter().find_map(
        |event| {
            if let Change::EvidenceSetAside { why, .. } = &event.change { Some(*why) } else { None }
        },
    )
}

fn late(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.change, Change::LateSuccess { .. }))
}

#[test]
fn each_claim_before_there_is_a_payment() {
    use EvidenceAction::{
        Authorized, Canceled, Captured, Disputed, Failed, NotSupported, Pending, Refunded, RequiresMore,
    };
    let table = [
        (Authorized, Some(eur(3)), None, "succeeded authorized authorized"),
        (Authorized, None, None, "succeeded authorized authorized"),
        (Authorized, Some(eur(2)), Some(SetAside::Unmatched), "unknown pending awaiting"),
        (Captured, Some(eur(3)), None, "succeeded authorized completed"),
        (Captured, Some(eur(1)), None, "succeeded authorized partially_captured"),
        (Captured, Some(eur(9)), Some(SetAside::Unmatched), "succeeded authorized authorized"),
        (Captured, Some(jpy(3)), Some(SetAside::Currency), "unknown pending awaiting"),
        (Refunded, Some(eur(1)), Some(SetAside::Unmatched), "unknown pending awaiting"),
        (Failed, None, None, "declined error failed"),
        (Pending, None, None, "pending pending_authorization awaiting"),
        (RequiresMore, None, None, "needs_action requires_more awaiting"),
        (Canceled, None, None, "absent canceled awaiting"),
        (Disputed, Some(eur(3)), Some(SetAside::Unmatched), "unknown pending awaiting"),
        (NotSupported, None, None, "unknown pending awaiting"),
    ];
    for (action, amount, aside, want) in table {
        let (mut scene, session) = Scene::with_session(3);
        let authorize = scene.authorize(&session).unwrap();
        scene.lose_reply(&authorize);
        let events = scene.observe(&session, claim(&session, action, amount)).unwrap();
        assert_eq!(set_aside(&events), aside, "{action:?} {amount:?}");
        let (state, status) = (scene.op(&authorize).state, scene.session(&session).status);
        let got = format!("{} {} {}", state.as_str(), status.as_str(), scene.state.status.as_str());
        assert_eq!(got, want, "{action:?} {amount:?}");
    }
}

#[test]
fn each_claim_about_an_authorized_payment() {
    use EvidenceAction::{
        Authorized, Canceled, Captured, Disputed, Failed, NotSupported, Pending, Refunded, RequiresMore,
    };
    let table = [
        (Authorized, Some(eur(3)), Some(SetAside::Known), [0, 0, 0, 0]),
        (Pending, None, Some(SetAside::Known), [0, 0, 0, 0]),
        (RequiresMore, None, Some(SetAside::Known), [0, 0, 0, 0]),
        (Failed, None, Some(SetAside::Known), [0, 0, 0, 0]),
        (NotSupported, None, None, [0, 0, 0, 0]),
        (Captured, Some(eur(2)), None, [2, 0, 0, 0]),
        (Captured, Some(eur(4)), Some(SetAside::Unmatched), [0, 0, 0, 0]),
        (Captured, Some(eur(0)), Some(SetAside::Known), [0, 0, 0, 0]),
        (Captured, None, Some(SetAside::Unmatched), [0, 0, 0, 0]),
        (Refunded, Some(eur(1)), Some(SetAside::Unmatched), [0, 0, 0, 0]),
        (Disputed, Some(eur(2)), None, [0, 0, 0, 2]),
        (Disputed, None, None, [0, 0, 0, 3]),
        (Canceled, None, None, [0, 0, 1, 0]),
    ];
    for (action, amount, aside, want) in table {
        let (mut scene, payment) = Scene::with_payment(3);
        let session = scene.payment(&payment).session.clone();
        let events = scene.observe(&session, claim(&session, action, amount)).unwrap();
        assert_eq!(set_aside(&events), aside, "{action:?} {amount:?}");
        let found = scene.payment(&payment);
        let [captured, refunded, ..] = scene.figures(&payment);
        let got = [captured, refunded, i64::from(found.canceled_at.is_some()), found.disputed.minor_units()];
        assert_eq!(got, want, "{action:?} {amount:?}");
    }
}

#[test]
fn claims_of_money_settle_what_they_account_for() {
    // Open captures before the claim, the claim's total, which of them are settled, what is observed beside them.
    type Case<'a> = (&'a [i64], i64, Option<&'a [usize]>, i64);
    let table: [Case<'_>; 9] = [
        (&[], 4, Some(&[]), 4),
        (&[4], 4, Some(&[0]), 0),
        (&[4], 6, Some(&[0]), 2),
        (&[4, 3], 7, Some(&[0, 1]), 0),
        (&[4, 3], 3, None, 0),
        (&[4, 3], 9, Some(&[0, 1]), 2),
        (&[4, 3], 5, None, 0),
        (&[4], 3, None, 0),
        (&[3, 3], 3, None, 0),
    ];
    for refunds in [false, true] {
        for (open, total, settled, observed) in table {
            let (mut scene, payment) = if refunds { Scene::with_captured(10) } else { Scene::with_payment(10) };
            let session = scene.payment(&payment).session.clone();
            let mut begin = |amount: &i64| {
                let amount = Some(eur(*amount));
                let begun = if refunds { scene.refund(&payment, amount) } else { scene.capture(&payment, amount) };
                scene.lose_reply(begun.as_ref().unwrap());
                begun.unwrap()
            };
            let ids: Vec<OperationId> = open.iter().map(&mut begin).collect();
            let action = if refunds { EvidenceAction::Refunded } else { EvidenceAction::Captured };
            let events = scene.observe(&session, claim(&session, action, Some(eur(total)))).unwrap();
            let label = format!("{open:?}, claimed {total}, refunds: {refunds}");
            assert_eq!(set_aside(&events).is_some(), settled.is_none(), "{label}");
            for (index, id) in ids.iter().enumerate() {
                let want = settled.is_some_and(|settled| settled.contains(&index));
                assert_eq!(scene.op(id).state == OperationState::Succeeded, want, "{label}");
            }
            let unasked = scene.state.operations.iter().filter(|operation| operation.origin == Origin::Observed);
            assert_eq!(
                unasked.map(|operation| operation.amount.unwrap().minor_units()).sum::<i64>(),
                observed,
                "{label}"
            );
        }
    }
}

#[test]
fn a_named_operation_is_told_apart_from_its_equal() {
    let (mut scene, payment) = Scene::with_payment(10);
    let session = scene.payment(&payment).session.clone();
    let ids = [(); 2].map(|()| {
        let id = scene.capture(&payment, Some(eur(3))).unwrap();
        scene.lose_reply(&id);
        id
    });
    let named =
        |id: &OperationId, action, amount| Evidence { operation: Some(id.clone()), ..claim(&session, action, amount) };
    scene.observe(&session, named(&ids[1], EvidenceAction::Captured, Some(eur(3)))).unwrap();
    assert_eq!(scene.op(&ids[0]).state, OperationState::Unknown);
    assert_eq!(scene.op(&ids[1]).state, OperationState::Succeeded);
    scene.observe(&session, named(&ids[0], EvidenceAction::Failed, None)).unwrap();
    assert_eq!(scene.op(&ids[0]).state, OperationState::Declined);
    assert_eq!(scene.figures(&payment), [3, 0, 0, 0]);
}

#[test]
fn a_late_success_is_a_case_and_is_booked() {
    // A declined authorization that went through after all.
    let (mut scene, session) = Scene::with_session(3);
    let authorize = scene.authorize(&session).unwrap();
    scene.settle(&authorize, outcome(ProviderStatus::Declined, None)).unwrap();
    let events = scene.observe(&session, claim(&session, EvidenceAction::Authorized, Some(eur(3)))).unwrap();
    assert!(late(&events));
    assert_eq!(scene.op(&authorize).state, OperationState::Succeeded);
    // A declined capture, too.
    let payment = scene.state.payment_of(&session).unwrap().id.clone();
    let capture = scene.capture(&payment, Some(eur(2))).unwrap();
    scene.settle(&capture, outcome(ProviderStatus::Declined, None)).unwrap();
    let events = scene.observe(&session, claim(&session, EvidenceAction::Captured, Some(eur(2)))).unwrap();
    assert!(late(&events));
    assert_eq!(scene.figures(&payment), [2, 0, 0, 0]);
    assert_eq!(scene.op(&capture).state, OperationState::Succeeded);
    // What was never closed is no late success.
    let capture = scene.capture(&payment, None).unwrap();
    scene.lose_reply(&capture);
    let events = scene.observe(&session, claim(&session, EvidenceAction::Captured, Some(eur(3)))).unwrap();
    assert!(!late(&events) && scene.state.status.as_str() == "completed");
}

#[test]
fn an_authorization_heard_of_after_the_deletion_is_born_void_and_told() {
    let (mut scene, session) = Scene::with_session(3);
    let lost = scene.authorize(&session).unwrap();
    scene.lose_reply(&lost);
    let deletion = scene.delete_session(&session).unwrap();
    scene.settle(&deletion, outcome(ProviderStatus::Canceled, None)).unwrap();
    let events = scene.observe(&session, claim(&session, EvidenceAction::Authorized, Some(eur(3)))).unwrap();
    assert!(late(&events));
    let payment = scene.state.payment_of(&session).unwrap();
    assert!(payment.canceled_at.is_some());
    assert_eq!(scene.state.authorized(), eur(0));
}

#[test]
fn a_deletion_that_succeeds_voids_a_payment_heard_of_meanwhile() {
    let (mut scene, session) = Scene::with_session(3);
    let lost = scene.authorize(&session).unwrap();
    scene.lose_reply(&lost);
    let deletion = scene.delete_session(&session).unwrap();
    scene.observe(&session, claim(&session, EvidenceAction::Authorized, Some(eur(3)))).unwrap();
    let payment = scene.state.payment_of(&session).unwrap().id.clone();
    assert_eq!(scene.capture(&payment, None).unwrap_err().code(), "operation_in_flight");
    scene.lose_reply(&deletion);
    assert_eq!(scene.capture(&payment, None).unwrap_err().code(), "operation_in_flight", "it may be void");
    let mut captured = scene.clone();
    scene
        .resolve(
            &deletion,
            scene::snapshot(ProviderStatus::Canceled, Some(scene::plain_outcome(ProviderStatus::Canceled, None))),
        )
        .unwrap();
    assert!(scene.payment(&payment).canceled_at.is_some());
    // Had money been taken, "deleted" would be a contradiction.
    captured.observe(&session, claim(&session, EvidenceAction::Captured, Some(eur(1)))).unwrap();
    captured.retry(&deletion).unwrap();
    captured.settle(&deletion, outcome(ProviderStatus::Canceled, None)).unwrap();
    assert_eq!(captured.state_of(&deletion), (OperationState::NeedsReview, Some("contradiction")));
}

#[test]
fn a_claim_of_a_void_closes_no_open_capture() {
    let (mut scene, payment) = Scene::with_payment(3);
    let session = scene.payment(&payment).session.clone();
    let capture = scene.capture(&payment, Some(eur(2))).unwrap();
    scene.lose_reply(&capture);
    scene.observe(&session, claim(&session, EvidenceAction::Canceled, None)).unwrap();
    assert_eq!(scene.op(&capture).state, OperationState::Unknown, "the rest may have been voided after it");
    scene.observe(&session, claim(&session, EvidenceAction::Captured, Some(eur(2)))).unwrap();
    assert_eq!(scene.figures(&payment), [2, 0, 0, 0]);
    assert_eq!((scene.session(&session).status.as_str(), scene.state.authorized()), ("authorized", eur(2)));
    assert_eq!(scene.capture(&payment, None).unwrap_err().code(), "payment_canceled", "the rest is gone");
    scene.refunded(&payment, 2);
}

#[test]
fn a_claim_of_a_void_settles_our_void() {
    let (mut scene, payment) = Scene::with_payment(3);
    let session = scene.payment(&payment).session.clone();
    let cancel = scene.cancel(&payment).unwrap();
    scene.observe(&session, claim(&session, EvidenceAction::Canceled, None)).unwrap();
    assert_eq!((scene.op(&cancel).kind, scene.op(&cancel).state), (OperationKind::Cancel, OperationState::Succeeded));
    // The reply comes late and agrees: its reference is kept, once.
    let reply = || outcome(ProviderStatus::Canceled, Some(eur(3)));
    scene.settle(&cancel, reply()).unwrap();
    assert_eq!(scene.op(&cancel).provider_reference.as_deref(), Some("pi_1"));
    assert_eq!(scene.settle(&cancel, reply()).unwrap_err().code(), "already_settled");
}
