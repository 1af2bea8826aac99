//! What a host is doing when it is killed: one scene per kind of operation and per kind of gateway.

use tillbox_crash::gateway::{Habit, Manner};
use tillbox_crash::ledger::{Effect, Ledger};
use tillbox_crash::orders::{Ack, Order};
use tillbox_crash::process::{Process, Told};

/// What is asked for.
pub(crate) const WHOLE: i64 = 1_000;

/// Collections that are made in one go.
pub(crate) const MANY: usize = 3;

/// A part of it.
pub(crate) const PART: i64 = 400;

/// The order during which the host dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Collect,
    CollectMany,
    Recollect,
    Abandon,
    Complete,
    Forget,
    Open,
    Update,
    Delete,
    Authorize,
    Capture,
    CapturePart,
    Refund,
    Cancel,
    /// A capture at the gateway's own counter is reported.
    Webhook,
    /// The capture whose reply was lost is reported before anybody asked.
    WebhookFirst,
    /// The capture whose reply was lost is asked about.
    Recheck,
    /// A subscriber hears of a payment and its capture.
    Tell,
}

/// One scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) act: Act,
    pub(crate) habit: Habit,
    pub(crate) manner: Manner,
}

/// What there is before the act.
#[derive(Debug, Clone, Default)]
pub(crate) struct Props {
    /// What makes the keys of this case its own.
    own: String,
    collection: String,
    session: String,
    payment: String,
    operation: String,
}

/// Everything a gateway can be asked.
const ASKED: [Act; 8] =
    [Act::Open, Act::Update, Act::Delete, Act::Authorize, Act::Capture, Act::CapturePart, Act::Refund, Act::Cancel];

impl Scene {
    const fn new(act: Act, habit: Habit, manner: Manner) -> Self {
        Self { act, habit, manner }
    }

    pub(crate) fn name(&self) -> String {
        format!("{:?} with {} ({:?})", self.act, self.habit.name(), self.manner)
    }

    /// Every scene: with the best of gateways everything, with the others what is different there.
    pub(crate) fn all() -> Vec<Self> {
        let mut scenes = Self::heart();
        for act in ASKED {
            scenes.push(Self::new(act, Habit::Keyed, Manner::LosesReplies));
            scenes.push(Self::new(act, Habit::Keyed, Manner::LosesRequests));
            scenes.push(Self::new(act, Habit::Inner, Manner::Answers));
        }
        for act in [Act::Authorize, Act::Capture, Act::Refund, Act::Cancel] {
            for habit in [Habit::Plain, Habit::Resend, Habit::Mute] {
                scenes.push(Self::new(act, habit, Manner::Answers));
            }
        }
        for act in [Act::Authorize, Act::Capture, Act::Refund] {
            scenes.push(Self::new(act, Habit::Keyed, Manner::Declines));
        }
        scenes.push(Self::new(Act::Authorize, Habit::Automatic, Manner::LosesReplies));
        scenes.push(Self::new(Act::Tell, Habit::Keyed, Manner::Answers));
        scenes
    }

    /// One of each kind.
    pub(crate) fn heart() -> Vec<Self> {
        let others = [
            Act::Collect,
            Act::CollectMany,
            Act::Recollect,
            Act::Abandon,
            Act::Complete,
            Act::Forget,
            Act::Webhook,
            Act::WebhookFirst,
            Act::Recheck,
        ];
        let mut scenes: Vec<Self> =
            ASKED.into_iter().chain(others).map(|act| Self::new(act, Habit::Keyed, Manner::Answers)).collect();
        scenes.push(Self::new(Act::Authorize, Habit::Automatic, Manner::Answers));
        scenes.push(Self::new(Act::Refund, Habit::Automatic, Manner::Answers));
        scenes
    }

    /// Those in which money moves.
    pub(crate) fn money() -> Vec<Self> {
        let moves = [Act::Authorize, Act::Capture, Act::Refund, Act::Cancel, Act::Webhook, Act::Recheck];
        moves.into_iter().map(|act| Self::new(act, Habit::Keyed, Manner::Answers)).collect()
    }

    /// Those in which a host that comes back late can do harm.
    pub(crate) fn awake() -> Vec<Self> {
        let scene = |act: Act, habit: Habit| Self::new(act, habit, Manner::Answers);
        let acts = [Act::Authorize, Act::Capture, Act::Refund, Act::Cancel];
        let others = [Act::Webhook, Act::WebhookFirst, Act::Recheck, Act::Tell];
        let mut scenes: Vec<Self> = acts.into_iter().chain(others).map(|act| scene(act, Habit::Keyed)).collect();
        scenes.extend([Act::Authorize, Act::Capture, Act::Refund].into_iter().map(|act| scene(act, Habit::Plain)));
        scenes.extend([Act::Authorize, Act::Capture].into_iter().map(|act| scene(act, Habit::Inner)));
        scenes
    }

    /// Brings everything about that the act needs, and says what was acknowledged meanwhile.
    pub(crate) async fn prepare(&self, host: &Process, ledger: &std::path::Path) -> (Props, Vec<Ack>) {
        let mut props = Props { own: ulid::Ulid::generate().to_string(), ..Props::default() };
        let mut acks = Vec::new();
        if matches!(self.act, Act::Collect | Act::CollectMany) {
            return (props, acks);
        }
        let ack = host.tell(&Order::Collect { amount: WHOLE }).await.ack();
        props.collection = ack.collection.clone().expect("a collection");
        acks.push(ack);
        if matches!(self.act, Act::Open | Act::Recollect | Act::Complete) {
            return (props, acks);
        }
        let open = Order::Open { collection: props.collection.clone(), provider: self.habit.id(), amount: None };
        let ack = host.tell(&open).await.ack();
        props.session = ack.session.clone().expect("a session");
        acks.push(ack);
        if matches!(self.act, Act::Update | Act::Delete | Act::Authorize | Act::Forget) {
            return (props, acks);
        }
        let ack = host.tell(&Order::Authorize { session: props.session.clone() }).await.ack();
        props.payment = ack.payment.clone().expect("a payment");
        acks.push(ack);
        match self.act {
            Act::Refund | Act::Tell if self.habit != Habit::Automatic => {
                acks.push(host.tell(&Order::Capture { payment: props.payment.clone(), amount: None }).await.ack());
            }
            Act::Webhook => counter(ledger, &props.session),
            Act::WebhookFirst | Act::Recheck => props.operation = lost_capture(host, &props.payment).await,
            Act::Collect
            | Act::CollectMany
            | Act::Recollect
            | Act::Abandon
            | Act::Complete
            | Act::Forget
            | Act::Open
            | Act::Update
            | Act::Delete
            | Act::Authorize
            | Act::Capture
            | Act::CapturePart
            | Act::Refund
            | Act::Cancel
            | Act::Tell => {}
        }
        (props, acks)
    }

    /// The act.
    pub(crate) fn order(&self, props: &Props) -> Order {
        let Props { collection, session, payment, operation, .. } = props.clone();
        let webhook = |body: String| Order::Webhook { provider: self.habit.id(), body };
        match self.act {
            Act::Collect => Order::Collect { amount: WHOLE },
            Act::CollectMany => Order::CollectMany { amount: WHOLE, count: MANY },
            Act::Complete => Order::Complete { collection },
            Act::Forget => Order::Forget { collection },
            Act::Recollect => Order::Recollect { collection, amount: WHOLE + PART },
            Act::Abandon => Order::Abandon { collection },
            Act::Open => Order::Open { collection, provider: self.habit.id(), amount: None },
            Act::Update => Order::Update { session, amount: PART },
            Act::Delete => Order::Delete { session },
            Act::Authorize => Order::Authorize { session },
            Act::Capture => Order::Capture { payment, amount: None },
            Act::CapturePart => Order::Capture { payment, amount: Some(PART) },
            Act::Refund => Order::Refund { payment, amount: Some(PART) },
            Act::Cancel => Order::Cancel { payment },
            Act::Webhook => webhook(format!("evt-counter-{session} captured {session} {PART} -")),
            Act::WebhookFirst => webhook(format!("evt-first-{session} captured {session} {PART} {operation}")),
            Act::Recheck => Order::Recheck { operation },
            Act::Tell => Order::Tell,
        }
    }

    /// The act as its client sends it, and again after the host is back: what a client asks for is asked under one key.
    pub(crate) fn sent(&self, props: &Props) -> Order {
        let order = self.order(props);
        match self.act {
            // Many at once take no key: asked for again, they are made again.
            Act::CollectMany | Act::Webhook | Act::WebhookFirst | Act::Recheck | Act::Tell => order,
            Act::Collect
            | Act::Recollect
            | Act::Abandon
            | Act::Complete
            | Act::Forget
            | Act::Open
            | Act::Update
            | Act::Delete
            | Act::Authorize
            | Act::Capture
            | Act::CapturePart
            | Act::Refund
            | Act::Cancel => order.once(format!("{}-{}", self.name().replace(' ', "-"), props.own)),
        }
    }

    /// What there must be one of after the client has sent its order as often as it took: an effect of this kind at the
    /// gateway, or a collection. Where a person has to look first there may be none; two are the judge's to find.
    pub(crate) fn one_of(&self) -> Option<&'static str> {
        let is_for_a_person = self.habit == Habit::Resend && self.act == Act::Authorize;
        let is_known = self.habit.has_gateway() && self.habit.can_be_known() && !is_for_a_person;
        if !is_known || self.manner == Manner::Declines {
            return None;
        }
        match self.act {
            Act::Collect => Some("collection"),
            Act::Abandon | Act::Cancel => Some("cancel"),
            Act::Forget | Act::Delete => Some("delete"),
            Act::Open => Some("initiate"),
            Act::Update => Some("update"),
            Act::Authorize => Some("authorize"),
            Act::Capture | Act::CapturePart | Act::Webhook | Act::WebhookFirst | Act::Recheck | Act::Tell => {
                Some("capture")
            }
            Act::Refund => Some("refund"),
            Act::CollectMany | Act::Recollect | Act::Complete => None,
        }
    }
}

/// Somebody captures at the gateway's own counter; the host will hear of it.
fn counter(ledger: &std::path::Path, session: &str) {
    let effect = Effect {
        provider: Habit::Keyed.id(),
        key: format!("counter-{session}"),
        operation: None,
        kind: "capture".to_owned(),
        session: session.to_owned(),
        status: "captured".to_owned(),
        amount_minor: PART,
    };
    Ledger::open(ledger).and_then(|mut ledger| ledger.at_the_counter(&effect)).expect("the gateway writes");
}

/// A capture that happened, and of which the host does not know that it did.
async fn lost_capture(host: &Process, payment: &str) -> String {
    host.tell(&Order::Behave { manner: Manner::LosesReplies, delay_ms: 0 }).await.ack();
    let told = host.tell(&Order::Capture { payment: payment.to_owned(), amount: Some(PART) }).await;
    let Told::Trouble(trouble) = told else { panic!("the reply was not lost: {told:?}") };
    host.tell(&Order::Behave { manner: Manner::Answers, delay_ms: 0 }).await.ack();
    trouble.operation.expect("it is in the books")
}
