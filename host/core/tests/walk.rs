//! Every sequence of commands and answers, to a fixed depth, from a handful of places in the life of a collection of three
//! cents. Every law is checked on every edge, and at every state the log is replayed from its beginning.
//!
//! Ids are named by position and time stands still, so that two ways to one state meet and are walked on once.

mod scene;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

use scene::{Scene, claim, done, error, eur, fault, laws, outcome, plain_outcome, snapshot};
use tillbox_core::Timestamp;
use tillbox_core::command::{Abilities, Answer, Asked, AuthorizationIds, Command, Finding, ObservedIds, Request, Sent};
use tillbox_core::event::Event;
use tillbox_core::id::{CaptureId, OperationId, PaymentId, ProviderId, RefundId, SessionId};
use tillbox_core::machine;
use tillbox_core::operation::{Input, Operation, OperationKind, OperationState};
use tillbox_core::outcome::{ErrorKind, EvidenceAction, ProviderStatus};
use tillbox_core::state::Collection;
use tillbox_core::text::Json;

/// Sessions a walk may open: two are enough for every rule between sessions.
const SESSIONS: usize = 2;

/// Time stands still, so no lease ever ends.
const LEASE: Timestamp = Timestamp(15_000);

/// A state and how it came about: the newest events, and those before them.
struct Node {
    state: Collection,
    events: Vec<Event>,
    before: Option<Rc<Node>>,
    told: bool,
}

impl Node {
    fn root(scene: &Scene) -> Self {
        Self { state: scene.state.clone(), events: scene.log.clone(), before: None, told: false }
    }

    fn replayed(&self) -> Option<Collection> {
        let before = self.before.as_ref().and_then(|node| node.replayed());
        self.events.iter().fold(before, machine::apply)
    }
}

/// What makes two states the same: everything but the time. Written through `Debug`, which shows every field.
fn key(state: &Collection, told: bool) -> u64 {
    struct Sink(DefaultHasher);
    impl std::fmt::Write for Sink {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut sink = Sink(DefaultHasher::new());
    write!(sink, "{state:?}{told}").unwrap();
    sink.0.finish()
}

/// What a walk has seen.
#[derive(Default)]
struct Seen {
    states: HashSet<u64>,
    edges: usize,
    refusals: HashSet<&'static str>,
    /// Operation kind and state, wherever they met.
    standings: HashSet<(OperationKind, OperationState)>,
}

fn walk(root: &Scene, depth: usize, seen: &mut Seen) {
    let mut frontier = vec![Rc::new(Node::root(root))];
    for _ in 0..depth {
        let mut next = Vec::new();
        for node in &frontier {
            for command in moves(&node.state) {
                next.extend(tread(node, &command, seen));
            }
        }
        frontier = next;
    }
}

/// One edge: the decision twice, the laws, and the replay when the state is new.
fn tread(node: &Rc<Node>, command: &Command, seen: &mut Seen) -> Option<Rc<Node>> {
    seen.edges += 1;
    let events = match machine::decide(Some(&node.state), command, Timestamp(0)) {
        Ok(events) => events,
        Err(refusal) => {
            seen.refusals.insert(refusal.code());
            return None;
        }
    };
    let state = events.iter().fold(Some(node.state.clone()), machine::apply).unwrap();
    laws::state(&state);
    laws::step(&node.state, &state, &events, command);
    let told = node.told || laws::tells_of_late_success(&events);
    laws::authorized_within(&state, told);
    if !seen.states.insert(key(&state, told)) {
        return None;
    }
    let again = machine::decide(Some(&node.state), command, Timestamp(0));
    assert_eq!(again.as_ref(), Ok(&events), "a decision is deterministic");
    seen.standings.extend(state.operations.iter().map(|operation| (operation.kind, operation.state)));
    let new = Rc::new(Node { state, events, before: Some(Rc::clone(node)), told });
    assert_eq!(new.replayed().as_ref(), Some(&new.state), "the log says what the state says");
    Some(new)
}

fn moves(state: &Collection) -> Vec<Command> {
    let mut moves = vec![
        Command::CancelCollection,
        Command::DeleteCollection,
        Command::UpdateCollection { amount: Some(eur(2)), metadata: None },
    ];
    // Told apart from the root's own ids.
    let tail = format!("w{}", state.operations.len());
    let products = AuthorizationIds {
        payment: PaymentId::from_tail(&tail),
        capture: CaptureId::from_tail(&tail),
        capture_operation: OperationId::from_tail(&format!("auto-{tail}")),
    };
    let mut requests = Vec::new();
    if state.sessions.len() < SESSIONS {
        requests.push(Request::CreateSession {
            session: SessionId::from_tail(&format!("w{}", state.sessions.len())),
            provider: ProviderId::from_tail("manual_default"),
            amount: None,
            context: Json::empty(),
            metadata: None,
            is_sole: false,
            products: products.clone(),
        });
    }
    for session in &state.sessions {
        let session = session.id.clone();
        requests.extend([
            Request::UpdateSession {
                session: session.clone(),
                amount: Some(eur(2)),
                context: None,
                metadata: None,
                products: products.clone(),
            },
            Request::DeleteSession { session: session.clone() },
            Request::Authorize { session: session.clone(), products: products.clone() },
        ]);
        moves.extend(claims(&session, &tail));
    }
    for payment in &state.payments {
        let payment = payment.id.clone();
        for amount in [Some(eur(1)), None] {
            let (capture, refund) = (CaptureId::from_tail(&tail), RefundId::from_tail(&tail));
            requests.push(Request::Capture { payment: payment.clone(), capture, amount, asked: Asked::default() });
            requests.push(Request::Refund {
                payment: payment.clone(),
                refund,
                amount,
                reason: None,
                note: None,
                asked: Asked::default(),
            });
        }
        requests.push(Request::Cancel { payment, note: None });
    }
    let operation = OperationId::from_tail(&tail);
    let begin = |request| Command::Begin {
        operation: operation.clone(),
        request,
        abilities: Abilities::ALL,
        input: Input::None,
        lease_until: LEASE,
        component: None,
    };
    moves.extend(requests.into_iter().map(begin));
    moves.extend(state.operations.iter().flat_map(answers));
    moves
}

/// What may come back about an operation that is open.
fn answers(operation: &Operation) -> Vec<Command> {
    let id = operation.id.clone();
    match operation.state {
        OperationState::Running => {
            let mut commands: Vec<Command> = replies(operation)
                .into_iter()
                .map(|answer| Command::Settle { operation: id.clone(), lease_token: operation.lease_token, answer })
                .collect();
            commands.push(Command::Retry { operation: id, lease_until: LEASE });
            commands
        }
        OperationState::Unknown | OperationState::Pending | OperationState::NeedsReview => {
            let known = plain_outcome(done(operation.kind), operation.amount);
            let find = |finding| Command::Resolve { operation: id.clone(), finding };
            vec![
                find(Finding::Nothing),
                find(Finding::Absent("proof".into())),
                find(Finding::Exhausted("no way left".into())),
                find(Finding::MarkedSucceeded("seen".into())),
                find(snapshot(ProviderStatus::Pending, Some(known))),
                Command::Retry { operation: id.clone(), lease_until: LEASE },
            ]
        }
        // The reply to a call that a webhook overtook.
        OperationState::Succeeded | OperationState::Declined | OperationState::Absent
            if operation.reason.as_deref() == Some("observed") =>
        {
            let answer = outcome(done(operation.kind), operation.amount);
            vec![Command::Settle { operation: id, lease_token: operation.lease_token, answer }]
        }
        OperationState::Succeeded
        | OperationState::Declined
        | OperationState::NeedsAction
        | OperationState::Rejected
        | OperationState::Absent => Vec::new(),
    }
}

fn replies(operation: &Operation) -> Vec<Answer> {
    let amount = operation.amount;
    let mut replies = vec![
        outcome(done(operation.kind), amount),
        outcome(ProviderStatus::Captured, Some(eur(9))),
        outcome(ProviderStatus::Pending, None),
        outcome(ProviderStatus::Declined, None),
        error(ErrorKind::Unavailable, Sent::Answered),
        fault(Sent::Nothing),
        fault(Sent::Maybe),
    ];
    if matches!(operation.kind, OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize) {
        replies.extend([
            outcome(ProviderStatus::Captured, amount),
            outcome(ProviderStatus::RequiresMore, None),
            outcome(ProviderStatus::Canceled, None),
        ]);
    }
    replies
}

fn claims(session: &SessionId, tail: &str) -> Vec<Command> {
    let ids = ObservedIds {
        operation: OperationId::from_tail(tail),
        capture: CaptureId::from_tail(tail),
        refund: RefundId::from_tail(tail),
    };
    [
        (EvidenceAction::Authorized, None),
        (EvidenceAction::Captured, Some(eur(1))),
        (EvidenceAction::Captured, Some(eur(3))),
        (EvidenceAction::Refunded, Some(eur(1))),
        (EvidenceAction::Failed, None),
        (EvidenceAction::Canceled, None),
    ]
    .into_iter()
    .map(|(action, amount)| Command::Observe {
        session: session.clone(),
        evidence: claim(session, action, amount),
        ids: ids.clone(),
    })
    .collect()
}

/// The walk must not shrink unseen: each has a floor under the states it met.
fn met(seen: &Seen, states_min: usize, refusals: &[&str], standings_min: usize) {
    let (states, edges, standings) = (seen.states.len(), seen.edges, seen.standings.len());
    println!("{states} states, {edges} edges, {standings} pairs of operation kind and state");
    assert!(states >= states_min, "{states} states");
    assert!(standings >= standings_min, "{standings} pairs of operation kind and state");
    for refusal in refusals {
        assert!(seen.refusals.contains(refusal), "{refusal} was never met");
    }
}

const REFUSALS: [&str; 13] = [
    "already_settled",
    "below_committed",
    "collection_closed",
    "exceeds_authorized",
    "exceeds_captured",
    "exceeds_collection",
    "holds_money",
    "open_payments",
    "operation_in_flight",
    "payment_canceled",
    "payment_captured",
    "session_closed",
    "uncertain_charge",
];

#[test]
fn every_walk_from_an_empty_collection() {
    let mut seen = Seen::default();
    walk(&Scene::new(3), 5, &mut seen);
    met(&seen, 10_000, &REFUSALS, 55);
}

#[test]
fn every_walk_from_an_authorization_beside_another_session() {
    let (mut scene, session) = Scene::with_session(3);
    scene.open_session(3);
    scene.authorized(&session);
    let mut seen = Seen::default();
    walk(&scene, 4, &mut seen);
    met(&seen, 10_000, &REFUSALS, 49);
}

#[test]
fn every_walk_from_a_partial_capture() {
    let (mut scene, payment) = Scene::with_payment(3);
    scene.captured(&payment, 1);
    let mut seen = Seen::default();
    walk(&scene, 5, &mut seen);
    met(&seen, 10_000, &REFUSALS, 55);
}
