//! What each answer does: provider status by operation kind, error kind by bytes sent, faults, findings, late news.

mod scene;

use scene::{Scene, error, eur, fault, jpy, outcome, plain_outcome, snapshot};
use tillbox_core::command::{Answer, Finding, Sent};
use tillbox_core::event::Change;
use tillbox_core::id::{OperationId, SessionId};
use tillbox_core::operation::{OperationKind, OperationState, Origin};
use tillbox_core::outcome::{ErrorKind, EvidenceAction, ProviderStatus};

/// A scene with an operation of the kind running, for three cents.
fn running(kind: OperationKind) -> (Scene, OperationId) {
    let (scene, operation) = match kind {
        OperationKind::Initiate => {
            let mut scene = Scene::new(3);
            let operation = scene.create_session(None).unwrap();
            (scene, operation)
        }
        OperationKind::Update => {
            let (mut scene, session) = Scene::with_session(3);
            let operation = scene.update_session(&session, eur(3)).unwrap();
            (scene, operation)
        }
        OperationKind::Authorize => {
            let (mut scene, session) = Scene::with_session(3);
            let operation = scene.authorize(&session).unwrap();
            (scene, operation)
        }
        OperationKind::Delete => {
            let (mut scene, session) = Scene::with_session(3);
            let operation = scene.delete_session(&session).unwrap();
            (scene, operation)
        }
        OperationKind::Capture | OperationKind::Cancel => {
            let (mut scene, payment) = Scene::with_payment(3);
            let operation =
                if kind == OperationKind::Capture { scene.capture(&payment, None) } else { scene.cancel(&payment) };
            (scene, operation.unwrap())
        }
        OperationKind::Refund => {
            let (mut scene, payment) = Scene::with_captured(3);
            let operation = scene.refund(&payment, None).unwrap();
            (scene, operation)
        }
    };
    assert_eq!((scene.op(&operation).state, scene.op(&operation).attempts), (OperationState::Running, 1));
    (scene, operation)
}

/// Operation state, its reason or `-`, session status, collection status.
fn standing(scene: &Scene, operation: &OperationId) -> String {
    let found = scene.op(operation);
    let reason = found.reason.as_deref().unwrap_or("-");
    let session = scene.session(&found.session).status;
    format!("{} {reason} {} {}", found.state.as_str(), session.as_str(), scene.state.status.as_str())
}

// Long because it is a table: every status of every kind, one line each.
#[test]
fn every_status_for_every_kind() {
    use OperationKind::{Authorize, Cancel, Capture, Delete, Initiate, Refund, Update};
    use ProviderStatus::{
        Authorized, Canceled, Captured, Declined, Error, Pending, PendingAuthorization, RequiresMore,
    };
    let table = [
        (Initiate, Pending, "succeeded - pending awaiting"),
        (Initiate, RequiresMore, "succeeded - requires_more awaiting"),
        (Initiate, PendingAuthorization, "pending - pending_authorization awaiting"),
        (Initiate, Authorized, "succeeded - authorized authorized"),
        (Initiate, Captured, "succeeded - captured completed"),
        (Initiate, Canceled, "rejected canceled canceled awaiting"),
        (Initiate, Declined, "declined - error failed"),
        (Initiate, Error, "rejected provider_error error failed"),
        (Update, Pending, "succeeded - pending awaiting"),
        (Update, RequiresMore, "succeeded - requires_more awaiting"),
        (Update, PendingAuthorization, "pending - pending_authorization awaiting"),
        (Update, Authorized, "succeeded - authorized authorized"),
        (Update, Captured, "succeeded - captured completed"),
        (Update, Canceled, "rejected canceled canceled awaiting"),
        (Update, Declined, "declined - error failed"),
        (Update, Error, "rejected provider_error error failed"),
        (Authorize, Pending, "pending - pending awaiting"),
        (Authorize, RequiresMore, "needs_action - requires_more awaiting"),
        (Authorize, PendingAuthorization, "pending - pending_authorization awaiting"),
        (Authorize, Authorized, "succeeded - authorized authorized"),
        (Authorize, Captured, "succeeded - captured completed"),
        (Authorize, Canceled, "rejected canceled canceled awaiting"),
        (Authorize, Declined, "declined - error failed"),
        (Authorize, Error, "rejected provider_error error failed"),
        (Capture, Pending, "pending - authorized authorized"),
        (Capture, RequiresMore, "needs_review contradiction authorized authorized"),
        (Capture, PendingAuthorization, "needs_review contradiction authorized authorized"),
        (Capture, Authorized, "needs_review contradiction authorized authorized"),
        (Capture, Captured, "succeeded - authorized completed"),
        (Capture, Canceled, "needs_review contradiction authorized authorized"),
        (Capture, Declined, "declined - authorized authorized"),
        (Capture, Error, "rejected provider_error authorized authorized"),
        (Refund, Pending, "pending - authorized completed"),
        (Refund, RequiresMore, "needs_review contradiction authorized completed"),
        (Refund, PendingAuthorization, "needs_review contradiction authorized completed"),
        (Refund, Authorized, "needs_review contradiction authorized completed"),
        (Refund, Captured, "succeeded - authorized completed"),
        (Refund, Canceled, "needs_review contradiction authorized completed"),
        (Refund, Declined, "declined - authorized completed"),
        (Refund, Error, "rejected provider_error authorized completed"),
        (Cancel, Pending, "pending - authorized authorized"),
        (Cancel, RequiresMore, "needs_review contradiction authorized authorized"),
        (Cancel, PendingAuthorization, "needs_review contradiction authorized authorized"),
        (Cancel, Authorized, "needs_review contradiction authorized authorized"),
        (Cancel, Captured, "needs_review contradiction authorized authorized"),
        (Cancel, Canceled, "succeeded - canceled awaiting"),
        (Cancel, Declined, "declined - authorized authorized"),
        (Cancel, Error, "rejected provider_error authorized authorized"),
        (Delete, Pending, "pending - pending awaiting"),
        (Delete, RequiresMore, "needs_review contradiction pending awaiting"),
        (Delete, PendingAuthorization, "needs_review contradiction pending awaiting"),
        (Delete, Authorized, "needs_review contradiction pending awaiting"),
        (Delete, Captured, "needs_review contradiction pending awaiting"),
        (Delete, Canceled, "succeeded - canceled not_paid"),
        (Delete, Declined, "declined - pending awaiting"),
        (Delete, Error, "rejected provider_error pending awaiting"),
    ];
    assert_eq!(table.len(), OperationKind::ALL.len() * ProviderStatus::ALL.len(), "the table is whole");
    for (kind, status, want) in table {
        let (mut scene, operation) = running(kind);
        scene.settle(&operation, outcome(status, Some(eur(3)))).unwrap();
        assert_eq!(standing(&scene, &operation), want, "{kind:?} answered {status:?}");
        let session = scene.session(&scene.op(&operation).session);
        assert_eq!(session.next_action.is_some(), status == RequiresMore && session.status.as_str() == "requires_more");
        assert_eq!(scene.op(&operation).decline.is_some(), status == Declined);
    }
}

#[test]
fn an_error_counts_as_far_as_the_bytes_allow() {
    let proofs = [
        (ErrorKind::InvalidRequest, "invalid_request"),
        (ErrorKind::Authentication, "authentication"),
        (ErrorKind::NotFound, "not_found"),
        (ErrorKind::Conflict, "conflict"),
        (ErrorKind::RateLimited { retry_after_ms: 5 }, "rate_limited"),
        (ErrorKind::Unavailable, "unavailable"),
        (ErrorKind::NotSupported, "not_supported"),
    ];
    let no_proofs = [(ErrorKind::OutcomeUnknown, "outcome_unknown"), (ErrorKind::Other("x".into()), "other")];
    for kind in OperationKind::ALL {
        for (proof, list) in [(true, &proofs[..]), (false, &no_proofs[..])] {
            for (error_kind, reason) in list {
                let cases = [
                    (Sent::Nothing, OperationState::Rejected),
                    (Sent::Answered, if proof { OperationState::Rejected } else { OperationState::Unknown }),
                    (Sent::Maybe, OperationState::Unknown),
                ];
                for (sent, want) in cases {
                    let (mut scene, operation) = running(*kind);
                    scene.settle(&operation, error(error_kind.clone(), sent)).unwrap();
                    let reason = if want == OperationState::Rejected { reason } else { "outcome_unknown" };
                    let label = format!("{kind:?} {error_kind:?} {sent:?}");
                    assert_eq!(scene.state_of(&operation), (want, Some(reason)), "{label}");
                    assert_eq!(scene.op(&operation).detail.as_deref(), Some("code: message"));
                    assert_eq!(scene.state.uncertain(|_| true).is_some(), want == OperationState::Unknown, "{label}");
                }
            }
        }
    }
}

#[test]
fn a_fault_is_absence_only_when_nothing_left() {
    for kind in OperationKind::ALL {
        for (sent, want) in [
            (Sent::Nothing, OperationState::Absent),
            (Sent::Maybe, OperationState::Unknown),
            (Sent::Answered, OperationState::Unknown),
        ] {
            let (mut scene, operation) = running(*kind);
            scene.settle(&operation, fault(sent)).unwrap();
            assert_eq!(scene.state_of(&operation), (want, Some("deadline")), "{kind:?} {sent:?}");
            let broken = *kind == OperationKind::Initiate && sent == Sent::Nothing;
            assert_eq!(scene.session(&scene.op(&operation).session).status.as_str() == "error", broken);
        }
    }
}

#[test]
fn what_the_hosts_own_record_contradicts_waits_for_a_person() {
    for kind in OperationKind::ALL {
        let (mut scene, operation) = running(*kind);
        let answer = Answer::Contradicted("captured, it says, and not a byte left".into());
        scene.settle(&operation, answer.clone()).unwrap();
        assert_eq!(scene.state_of(&operation), (OperationState::NeedsReview, Some("integrity")), "{kind:?}");
        assert_ne!(scene.session(&scene.op(&operation).session).status.as_str(), "error", "{kind:?}");
        // Said once more, it is no news.
        assert_eq!(scene.settle(&operation, answer).unwrap_err().code(), "already_settled", "{kind:?}");
    }
}

#[test]
fn a_later_attempt_proves_nothing_of_an_earlier_one() {
    for kind in OperationKind::ALL {
        for answer in [
            fault(Sent::Nothing),
            error(ErrorKind::Unavailable, Sent::Nothing),
            error(ErrorKind::Conflict, Sent::Answered),
            error(ErrorKind::InvalidRequest, Sent::Answered),
        ] {
            let (mut scene, operation) = running(*kind);
            scene.lose_reply(&operation);
            scene.retry(&operation).unwrap();
            scene.settle(&operation, answer.clone()).unwrap();
            assert_eq!(scene.op(&operation).state, OperationState::Unknown, "{kind:?} {answer:?}");
        }
        // A takeover of a dead holder's operation is a second attempt, too.
        let (mut scene, operation) = running(*kind);
        scene.retry(&operation).unwrap();
        scene.settle(&operation, fault(Sent::Nothing)).unwrap();
        assert_eq!(scene.op(&operation).state, OperationState::Unknown, "{kind:?}");
        // An outcome is an answer to the key, whichever attempt carried it.
        scene.retry(&operation).unwrap();
        scene.settle(&operation, outcome(scene::done(*kind), Some(eur(3)))).unwrap();
        assert_eq!(scene.op(&operation).state, OperationState::Succeeded, "{kind:?}");
        assert_eq!(scene.op(&operation).attempts, 3);
    }
}

#[test]
fn an_error_may_carry_new_private_state() {
    for kind in OperationKind::ALL {
        let (mut scene, operation) = running(*kind);
        let Answer::Error { error, sent } = error(ErrorKind::Conflict, Sent::Answered) else { unreachable!() };
        let data = tillbox_core::text::Json::from_checked(r#"{"new":true}"#);
        let error = tillbox_core::outcome::ProviderError { data: Some(data.clone()), ..error };
        scene.settle(&operation, Answer::Error { error, sent }).unwrap();
        let found = scene.op(&operation);
        let kept = match &found.payment {
            Some(payment) => &scene.payment(payment).data,
            None => &scene.session(&found.session).data,
        };
        assert_eq!(*kept, data, "{kind:?}");
    }
}

#[test]
fn a_wrong_echo_never_touches_the_books() {
    for (kind, status) in [
        (OperationKind::Initiate, ProviderStatus::Authorized),
        (OperationKind::Update, ProviderStatus::Captured),
        (OperationKind::Authorize, ProviderStatus::Authorized),
        (OperationKind::Authorize, ProviderStatus::Captured),
        (OperationKind::Authorize, ProviderStatus::Pending),
        (OperationKind::Capture, ProviderStatus::Captured),
        (OperationKind::Refund, ProviderStatus::Captured),
        (OperationKind::Cancel, ProviderStatus::Canceled),
    ] {
        let moved = matches!(status, ProviderStatus::Authorized | ProviderStatus::Captured);
        for echo in [Some(eur(2)), Some(eur(4)), Some(eur(0)), Some(jpy(3)), None] {
            if echo.is_none() && !moved {
                continue;
            }
            for lost_first in [false, true] {
                let (mut scene, operation) = running(kind);
                let before = scene.state.clone();
                if lost_first {
                    scene.lose_reply(&operation);
                    scene.resolve(&operation, snapshot(status, Some(plain_outcome(status, echo)))).unwrap();
                } else {
                    scene.settle(&operation, outcome(status, echo)).unwrap();
                }
                let label = format!("{kind:?} {status:?} {echo:?} lost first: {lost_first}");
                assert_eq!(scene.state_of(&operation), (OperationState::NeedsReview, Some("integrity")), "{label}");
                assert_eq!(scene.state.sessions, before.sessions, "{label}");
                assert_eq!(scene.state.payments, before.payments, "{label}");
                assert_eq!(scene.state.status, before.status, "{label}");
            }
        }
    }
}

#[test]
fn findings() {
    use Finding::{Absent, Exhausted, MarkedAbsent, MarkedSucceeded};
    for kind in OperationKind::ALL {
        for open in [OperationState::Unknown, OperationState::NeedsReview, OperationState::Pending] {
            let find = |finding: Finding| {
                let (mut scene, operation) = running(*kind);
                scene.leave(&operation, open);
                scene.resolve(&operation, finding).unwrap();
                (standing(&scene, &operation), scene.op(&operation).detail.clone())
            };
            let label = format!("{kind:?} {open:?}");
            let (standing, detail) = find(Absent("proof".into()));
            assert!(standing.starts_with("absent proven_absent"), "{label}: {standing}");
            assert_eq!(detail.as_deref(), Some("proof"));
            assert!(find(MarkedAbsent("looked".into())).0.starts_with("absent marked_absent"), "{label}");
            assert!(find(Exhausted("x".into())).0.starts_with("needs_review recovery_exhausted"), "{label}");
            assert!(find(MarkedSucceeded("looked".into())).0.starts_with("succeeded"), "{label}");
            let known = plain_outcome(scene::done(*kind), Some(eur(3)));
            let (by_operation, _) = find(snapshot(ProviderStatus::Pending, Some(known)));
            assert!(by_operation.starts_with("succeeded -"), "{label}: {by_operation}");
        }
    }
}

#[test]
fn a_snapshot_without_the_operation_tells_only_of_the_payment_itself() {
    for kind in OperationKind::ALL {
        let (mut scene, operation) = running(*kind);
        scene.lose_reply(&operation);
        let events = scene.resolve(&operation, snapshot(ProviderStatus::RequiresMore, None)).unwrap();
        let about_the_payment =
            matches!(kind, OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize);
        assert_eq!(!events.is_empty(), about_the_payment, "{kind:?}");
        assert_eq!(scene.op(&operation).state == OperationState::Unknown, !about_the_payment, "{kind:?}");
    }
}

#[test]
fn marked_succeeded_does_what_success_does() {
    let end = |kind| {
        let (mut scene, operation) = running(kind);
        scene.lose_reply(&operation);
        scene.resolve(&operation, Finding::MarkedSucceeded("seen at the dashboard".into())).unwrap();
        standing(&scene, &operation)
    };
    assert_eq!(end(OperationKind::Authorize), "succeeded - authorized authorized");
    assert_eq!(end(OperationKind::Capture), "succeeded marked_succeeded authorized completed");
    assert_eq!(end(OperationKind::Refund), "succeeded marked_succeeded authorized completed");
    assert_eq!(end(OperationKind::Cancel), "succeeded marked_succeeded canceled awaiting");
    assert_eq!(end(OperationKind::Delete), "succeeded - canceled not_paid");
    assert_eq!(end(OperationKind::Initiate), "succeeded marked_succeeded pending awaiting");
}

/// A session whose authorization a webhook called failed while the call was still on its way.
fn declined_by_webhook() -> (Scene, SessionId, OperationId) {
    let (mut scene, session) = Scene::with_session(3);
    let operation = scene.authorize(&session).unwrap();
    scene.observe(&session, scene::claim(&session, EvidenceAction::Failed, None)).unwrap();
    assert_eq!(scene.op(&operation).state, OperationState::Declined);
    (scene, session, operation)
}

#[test]
fn a_late_success_undoes_a_no_and_is_told() {
    let (mut scene, session, operation) = declined_by_webhook();
    let events = scene.settle(&operation, outcome(ProviderStatus::Captured, Some(eur(3)))).unwrap();
    assert_eq!(events[0].change, Change::LateSuccess { operation: operation.clone() });
    assert_eq!(standing(&scene, &operation), "succeeded - captured completed");
    let automatic = scene.state.operations.iter().find(|operation| operation.kind == OperationKind::Capture).unwrap();
    assert_eq!(automatic.origin, Origin::AutomaticCapture);
    assert_eq!(scene.state.payment_of(&session).unwrap().amount, eur(3));
    // With another amount it is told, and a person looks.
    let (mut scene, _, operation) = declined_by_webhook();
    scene.settle(&operation, outcome(ProviderStatus::Authorized, Some(eur(2)))).unwrap();
    assert_eq!(scene.state_of(&operation), (OperationState::NeedsReview, Some("integrity")));
    // A late "no" is old news.
    let (mut scene, _, operation) = declined_by_webhook();
    let refused = scene.settle(&operation, outcome(ProviderStatus::Declined, None)).unwrap_err();
    assert_eq!(refused.code(), "already_settled");
}

#[test]
fn a_late_success_beyond_the_headroom_is_told_and_not_booked() {
    let (mut scene, payment) = Scene::with_payment(3);
    let session = scene.payment(&payment).session.clone();
    let first = scene.capture(&payment, None).unwrap();
    let failed = tillbox_core::outcome::Evidence {
        operation: Some(first.clone()),
        ..scene::claim(&session, EvidenceAction::Failed, None)
    };
    scene.observe(&session, failed).unwrap();
    scene.captured(&payment, 3);
    let events = scene.settle(&first, outcome(ProviderStatus::Captured, Some(eur(3)))).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].change, Change::LateSuccess { operation: first.clone() });
    assert_eq!(scene.figures(&payment), [3, 0, 0, 0]);
}

#[test]
fn an_answer_after_a_claim_of_pending_still_counts() {
    let (mut scene, session) = Scene::with_session(3);
    let operation = scene.authorize(&session).unwrap();
    scene.lose_reply(&operation);
    scene.observe(&session, scene::claim(&session, EvidenceAction::Pending, None)).unwrap();
    assert_eq!(standing(&scene, &operation), "pending observed pending_authorization awaiting");
    scene.settle(&operation, outcome(ProviderStatus::Authorized, Some(eur(3)))).unwrap();
    assert_eq!(standing(&scene, &operation), "succeeded - authorized authorized");
}
