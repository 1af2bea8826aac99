//! What is asked for when the host dies, and what the gateway makes of the request.

use std::path::Path;

use serde_json::json;
use tillbox_crash::network::STRIPE;
use tillbox_crash::orders::{Ack, Order};
use tillbox_crash::process::Process;
use tillbox_gateway::{Action, Fault, Gateway};

/// What is asked for.
pub(crate) const WHOLE: i64 = 1_000;

/// A part of it.
pub(crate) const PART: i64 = 400;

/// Bytes that a small body unpacks to: more than the limit.
const BOMB_BYTES: usize = 8 * 1024 * 1024;

/// The order during which the host dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Open,
    Update,
    Delete,
    Authorize,
    Capture,
    CapturePart,
    Refund,
    Cancel,
}

impl Act {
    pub(crate) const ALL: [Self; 8] = [
        Self::Open,
        Self::Update,
        Self::Delete,
        Self::Authorize,
        Self::Capture,
        Self::CapturePart,
        Self::Refund,
        Self::Cancel,
    ];

    /// Those in which money moves.
    pub(crate) const MONEY: [Self; 4] = [Self::Authorize, Self::CapturePart, Self::Refund, Self::Cancel];
}

/// What happens to the first request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Answers,
    /// Closes the connection, having done nothing.
    Refuses,
    /// Does it and closes the connection.
    LosesReply,
    /// Breaks down, having done nothing.
    Breaks,
    /// Does it and breaks down.
    BreaksAfter,
    /// Has too much to do.
    IsBusy,
    /// Does it and shows a web page.
    Page,
    /// Does it and answers half.
    Half,
    /// Does it and answers with what unpacks to more than the limit.
    Bomb,
    /// Sends the client elsewhere.
    Redirects,
    /// Does it and says another amount.
    Lies,
}

impl Behaviour {
    pub(crate) const ALL: [Self; 11] = [
        Self::Answers,
        Self::Refuses,
        Self::LosesReply,
        Self::Breaks,
        Self::BreaksAfter,
        Self::IsBusy,
        Self::Page,
        Self::Half,
        Self::Bomb,
        Self::Redirects,
        Self::Lies,
    ];

    /// What the gateway is told to do, once.
    fn action(self, act: Act) -> Option<Action> {
        let answer = |status, retry_after| Action::Answer { status, retry_after };
        let lie = |pointer: &str| Action::Lie { pointer: pointer.to_owned(), value: json!(WHOLE - 1) };
        Some(match self {
            Self::Answers => return None,
            Self::Refuses => Action::Refuse,
            Self::LosesReply => Action::LoseReply,
            Self::Breaks => answer(500, None),
            Self::BreaksAfter => Action::AnswerAfter(500),
            Self::IsBusy => answer(429, Some(1)),
            Self::Page => Action::Html,
            Self::Half => Action::Short,
            Self::Bomb => Action::GzipBomb(BOMB_BYTES),
            Self::Redirects => Action::Redirect("http://127.0.0.1:1/".to_owned()),
            Self::Lies => match act {
                Act::Open | Act::Update | Act::Delete | Act::Authorize | Act::Cancel | Act::Refund => lie("/amount"),
                Act::Capture | Act::CapturePart => lie("/amount_received"),
            },
        })
    }

    /// Whether what it leads to may be for a person: the gateway contradicts itself.
    pub(crate) fn is_for_a_person(self) -> bool {
        self == Self::Lies
    }
}

/// One scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) act: Act,
    pub(crate) behaviour: Behaviour,
}

/// What there is before the act.
#[derive(Debug, Clone, Default)]
pub(crate) struct Props {
    own: String,
    collection: String,
    session: String,
    payment: String,
}

impl Scene {
    pub(crate) fn name(&self) -> String {
        format!("{:?} with a gateway that {:?}", self.act, self.behaviour)
    }

    /// Brings everything about that the act needs, and says what was acknowledged meanwhile.
    pub(crate) async fn prepare(&self, host: &Process, gateway: &Gateway) -> (Props, Vec<Ack>) {
        let mut props = Props { own: ulid::Ulid::generate().to_string(), ..Props::default() };
        let mut acks = Vec::new();
        let ack = host.tell(&Order::Collect { amount: WHOLE }).await.ack();
        props.collection = ack.collection.clone().expect("a collection");
        acks.push(ack);
        if self.act != Act::Open {
            let ack = host.tell(&open(&props)).await.ack();
            props.session = ack.session.clone().expect("a session");
            acks.push(ack);
        }
        if matches!(self.act, Act::Capture | Act::CapturePart | Act::Refund | Act::Cancel) {
            let ack = host.tell(&Order::Authorize { session: props.session.clone() }).await.ack();
            props.payment = ack.payment.clone().expect("a payment");
            acks.push(ack);
        }
        if self.act == Act::Refund {
            acks.push(host.tell(&Order::Capture { payment: props.payment.clone(), amount: None }).await.ack());
        }
        if let Some(action) = self.behaviour.action(self.act) {
            gateway.fault(Fault { ends: None, ..Fault::once("POST", "", action) });
        }
        (props, acks)
    }

    /// The act as its client sends it, and again after the host is back: under one key.
    pub(crate) fn sent(&self, props: &Props) -> Order {
        let Props { session, payment, own, .. } = props.clone();
        let order = match self.act {
            Act::Open => open(props),
            Act::Update => Order::Update { session, amount: PART },
            Act::Delete => Order::Delete { session },
            Act::Authorize => Order::Authorize { session },
            Act::Capture => Order::Capture { payment, amount: None },
            Act::CapturePart => Order::Capture { payment, amount: Some(PART) },
            Act::Refund => Order::Refund { payment, amount: Some(PART) },
            Act::Cancel => Order::Cancel { payment },
        };
        order.once(own)
    }

    /// What there must be one of at the gateway once the client has its answer.
    pub(crate) fn one_of(&self) -> Option<&'static str> {
        match self.act {
            Act::Open | Act::Update | Act::Delete => None,
            Act::Authorize => Some("authorize"),
            Act::Capture | Act::CapturePart => Some("capture"),
            Act::Refund => Some("refund"),
            Act::Cancel => Some("cancel"),
        }
    }
}

fn open(props: &Props) -> Order {
    Order::Open { collection: props.collection.clone(), provider: STRIPE.to_owned(), amount: None }
}

/// How events reach the host that recovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hooks {
    /// Not at all.
    None,
    /// Each twice and the newest first before it recovers; all once more, in order, after it.
    TwiceBackwardsAndLate,
    /// Only after it has recovered.
    Late,
}

/// Hands the events of the gateway's book to the host.
pub(crate) async fn deliver(host: &Process, ledger: &Path, backwards_twice: bool) {
    let mut events = tillbox_crash::network::events(ledger);
    if backwards_twice {
        events.reverse();
        events = events.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    }
    for body in events {
        // What cannot be merged yet waits; what was merged is no news.
        drop(host.tell(&Order::Webhook { provider: STRIPE.to_owned(), body }).await);
    }
}
