//! Random commands against a second ledger: plain sums in plain integers, written without looking at the machine. The two
//! must agree on what is taken and on every figure, at each step. Seeded: each run plays the same lives.

mod scene;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use scene::{Scene, done, eur, fault, outcome};
use tillbox_core::command::{Finding, Sent};
use tillbox_core::id::{OperationId, PaymentId, SessionId};
use tillbox_core::operation::OperationKind;
use tillbox_core::outcome::ProviderStatus;
use tillbox_core::refusal::Refusal;

/// What the collection of every life is about, minor units.
const AMOUNT: i64 = 12;

/// Lives to play: enough that each kind of move meets each kind of open question, in a second or two.
const CASES: u32 = 3_000;

#[derive(Debug, Clone, Copy)]
enum Reply {
    Done,
    Declined,
    NothingLeft,
    Lost,
    Pending,
}

#[derive(Debug, Clone)]
enum Move {
    Open { amount: i64 },
    Authorize { session: usize, reply: Reply },
    Capture { account: usize, amount: Option<i64>, reply: Reply },
    Refund { account: usize, amount: Option<i64>, reply: Reply },
    Void { account: usize, reply: Reply },
    FindOut { open: usize, happened: bool },
}

/// The second ledger.
#[derive(Debug, Default)]
struct Ledger {
    shares: Vec<Share>,
    accounts: Vec<Account>,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Share {
    session: SessionId,
    amount: i64,
    account: Option<usize>,
}

#[derive(Debug)]
struct Account {
    payment: PaymentId,
    amount: i64,
    captured: i64,
    refunded: i64,
    capturing: i64,
    refunding: i64,
    voiding: bool,
    void: bool,
}

#[derive(Debug, Clone)]
struct Open {
    operation: OperationId,
    kind: OperationKind,
    /// Index of the share for an authorization, of the account for the rest.
    subject: usize,
    amount: i64,
    /// No answer came, as against "accepted, decided later".
    unknown: bool,
}

impl Ledger {
    fn authorized(&self) -> i64 {
        self.accounts.iter().filter(|account| !account.void).map(|account| account.amount).sum()
    }

    fn authorizing(&self) -> i64 {
        self.open.iter().filter(|open| open.kind == OperationKind::Authorize).map(|open| open.amount).sum()
    }

    fn complete(&self) -> bool {
        self.accounts.iter().map(|account| account.captured).sum::<i64>() >= AMOUNT
    }

    fn may_authorize(&self, share: usize) -> bool {
        let uncertain = self.open.iter().any(|open| open.kind == OperationKind::Authorize && open.unknown);
        let own = self.open.iter().any(|open| open.kind == OperationKind::Authorize && open.subject == share);
        let fits = self.shares[share].amount + self.authorized() + self.authorizing() <= AMOUNT;
        !self.complete() && !uncertain && !own && fits
    }

    fn capture_terms(&self, account: usize, amount: Option<i64>) -> Option<i64> {
        let account = &self.accounts[account];
        let left = account.amount - account.captured - account.capturing;
        let asked = amount.unwrap_or(left);
        (!account.void && !account.voiding && asked > 0 && asked <= left).then_some(asked)
    }

    fn refund_terms(&self, account: usize, amount: Option<i64>) -> Option<i64> {
        let account = &self.accounts[account];
        let left = account.captured - account.refunded - account.refunding;
        let asked = amount.unwrap_or(left);
        (asked > 0 && asked <= left).then_some(asked)
    }

    fn may_void(&self, account: usize) -> bool {
        let account = &self.accounts[account];
        !account.void && !account.voiding && account.captured == 0 && account.capturing == 0
    }

    /// Takes an amount in, or back, or off the open ones.
    fn hold(&mut self, open: &Open, sign: i64) {
        match open.kind {
            OperationKind::Capture => self.accounts[open.subject].capturing += sign * open.amount,
            OperationKind::Refund => self.accounts[open.subject].refunding += sign * open.amount,
            OperationKind::Cancel => self.accounts[open.subject].voiding = sign > 0,
            OperationKind::Authorize | OperationKind::Initiate | OperationKind::Update | OperationKind::Delete => {}
        }
    }

    fn happened(&mut self, open: &Open, payment: Option<PaymentId>) {
        match open.kind {
            OperationKind::Capture => self.accounts[open.subject].captured += open.amount,
            OperationKind::Refund => self.accounts[open.subject].refunded += open.amount,
            OperationKind::Cancel => self.accounts[open.subject].void = true,
            OperationKind::Authorize => {
                self.shares[open.subject].account = Some(self.accounts.len());
                self.accounts.push(Account {
                    payment: payment.expect("an authorization makes a payment"),
                    amount: open.amount,
                    captured: 0,
                    refunded: 0,
                    capturing: 0,
                    refunding: 0,
                    voiding: false,
                    void: false,
                });
            }
            OperationKind::Initiate | OperationKind::Update | OperationKind::Delete => {}
        }
    }
}

/// Both ledgers, side by side.
struct Life {
    scene: Scene,
    ledger: Ledger,
}

impl Life {
    fn play(&mut self, step: &Move) {
        match step {
            Move::Open { amount } => self.open(*amount),
            Move::Authorize { session, reply } => self.authorize(*session, *reply),
            Move::Capture { account, amount, reply } => self.capture(*account, *amount, *reply),
            Move::Refund { account, amount, reply } => self.refund(*account, *amount, *reply),
            Move::Void { account, reply } => self.void(*account, *reply),
            Move::FindOut { open, happened } => self.find_out(*open, *happened),
        }
        self.compare();
    }

    fn open(&mut self, amount: i64) {
        let fits = amount + self.ledger.authorized() <= AMOUNT && !self.ledger.complete();
        let begun = self.scene.create_session(Some(eur(amount)));
        assert_eq!(begun.is_ok(), fits, "opening {amount}: {begun:?}");
        if let Ok(operation) = begun {
            self.scene.settle(&operation, outcome(ProviderStatus::Pending, None)).unwrap();
            let session = self.scene.op(&operation).session.clone();
            self.ledger.shares.push(Share { session, amount, account: None });
        }
    }

    fn authorize(&mut self, session: usize, reply: Reply) {
        let Some(subject) = pick(session, self.ledger.shares.len()) else { return };
        let (id, amount) = (self.ledger.shares[subject].session.clone(), self.ledger.shares[subject].amount);
        if self.ledger.shares[subject].account.is_some() {
            return;
        }
        let allowed = self.ledger.may_authorize(subject).then_some(amount);
        let begun = self.scene.authorize(&id);
        self.answer(begun, OperationKind::Authorize, subject, allowed, reply);
    }

    fn capture(&mut self, account: usize, amount: Option<i64>, reply: Reply) {
        let Some(subject) = pick(account, self.ledger.accounts.len()) else { return };
        let found = &self.ledger.accounts[subject];
        if found.captured == found.amount {
            return;
        }
        let (payment, allowed) = (found.payment.clone(), self.ledger.capture_terms(subject, amount));
        let begun = self.scene.capture(&payment, amount.map(eur));
        self.answer(begun, OperationKind::Capture, subject, allowed, reply);
    }

    fn refund(&mut self, account: usize, amount: Option<i64>, reply: Reply) {
        let Some(subject) = pick(account, self.ledger.accounts.len()) else { return };
        let (payment, allowed) =
            (self.ledger.accounts[subject].payment.clone(), self.ledger.refund_terms(subject, amount));
        let begun = self.scene.refund(&payment, amount.map(eur));
        self.answer(begun, OperationKind::Refund, subject, allowed, reply);
    }

    fn void(&mut self, account: usize, reply: Reply) {
        let Some(subject) = pick(account, self.ledger.accounts.len()) else { return };
        let found = &self.ledger.accounts[subject];
        let (payment, allowed) = (found.payment.clone(), self.ledger.may_void(subject).then_some(found.amount));
        let begun = self.scene.cancel(&payment);
        self.answer(begun, OperationKind::Cancel, subject, allowed, reply);
    }

    /// Both ledgers allow or refuse alike; then both hear the same reply.
    fn answer(
        &mut self,
        begun: Result<OperationId, Refusal>,
        kind: OperationKind,
        subject: usize,
        allowed: Option<i64>,
        reply: Reply,
    ) {
        assert_eq!(begun.is_ok(), allowed.is_some(), "{kind:?} of {subject}: {begun:?}, {:#?}", self.ledger);
        let (Ok(operation), Some(amount)) = (begun, allowed) else { return };
        assert_eq!(self.scene.op(&operation).amount, Some(eur(amount)));
        let unknown = matches!(reply, Reply::Lost);
        let open = Open { operation, kind, subject, amount, unknown };
        let answer = match reply {
            Reply::Done => outcome(done(kind), Some(eur(amount))),
            Reply::Declined => outcome(ProviderStatus::Declined, None),
            Reply::NothingLeft => fault(Sent::Nothing),
            Reply::Lost => fault(Sent::Maybe),
            Reply::Pending => outcome(ProviderStatus::Pending, None),
        };
        self.scene.settle(&open.operation, answer).unwrap();
        match reply {
            Reply::Done => self.happened(&open),
            Reply::Declined | Reply::NothingLeft => {}
            Reply::Lost | Reply::Pending => {
                self.ledger.hold(&open, 1);
                self.ledger.open.push(open);
            }
        }
    }

    fn find_out(&mut self, open: usize, happened: bool) {
        let Some(index) = pick(open, self.ledger.open.len()) else { return };
        let open = self.ledger.open.remove(index);
        self.ledger.hold(&open, -1);
        let finding = match happened {
            true => Finding::MarkedSucceeded("seen".into()),
            false => Finding::Absent("proof".into()),
        };
        self.scene.resolve(&open.operation, finding).unwrap();
        if happened {
            self.happened(&open);
        }
    }

    fn happened(&mut self, open: &Open) {
        let session = &self.scene.op(&open.operation).session;
        let payment = self.scene.state.payment_of(session).map(|payment| payment.id.clone());
        self.ledger.happened(open, payment);
    }

    fn compare(&self) {
        for account in &self.ledger.accounts {
            let want = [account.captured, account.refunded, account.capturing, account.refunding];
            assert_eq!(self.scene.figures(&account.payment), want, "{account:?}");
            assert_eq!(self.scene.payment(&account.payment).canceled_at.is_some(), account.void);
        }
        let state = &self.scene.state;
        let total = |figure: fn(&Account) -> i64| self.ledger.accounts.iter().map(figure).sum::<i64>();
        assert_eq!(state.captured().minor_units(), total(|account| account.captured));
        assert_eq!(state.refunded().minor_units(), total(|account| account.refunded));
        assert_eq!(state.authorized().minor_units(), self.ledger.authorized());
        let left = AMOUNT - self.ledger.authorized() - self.ledger.authorizing();
        assert_eq!(state.authorizable().minor_units(), left);
        assert!(total(|account| account.captured) <= AMOUNT && left >= 0);
    }
}

fn pick(index: usize, of: usize) -> Option<usize> {
    (of > 0).then(|| index % of)
}

fn replies() -> impl Strategy<Value = Reply> {
    prop_oneof![
        4 => Just(Reply::Done),
        1 => Just(Reply::Declined),
        1 => Just(Reply::NothingLeft),
        2 => Just(Reply::Lost),
        1 => Just(Reply::Pending),
    ]
}

fn moves() -> impl Strategy<Value = Move> {
    let amounts =
        || prop_oneof![1 => Just(None), 3 => (1..=AMOUNT / 2).prop_map(Some), 1 => (1..=AMOUNT + 1).prop_map(Some)];
    let index = 0..8_usize;
    prop_oneof![
        2 => (1..=AMOUNT + 1).prop_map(|amount| Move::Open { amount }),
        3 => (index.clone(), replies()).prop_map(|(session, reply)| Move::Authorize { session, reply }),
        4 => (index.clone(), amounts(), replies())
            .prop_map(|(account, amount, reply)| Move::Capture { account, amount, reply }),
        4 => (index.clone(), amounts(), replies())
            .prop_map(|(account, amount, reply)| Move::Refund { account, amount, reply }),
        1 => (index.clone(), replies()).prop_map(|(account, reply)| Move::Void { account, reply }),
        3 => (index, any::<bool>()).prop_map(|(open, happened)| Move::FindOut { open, happened }),
    ]
}

proptest! {
    #![proptest_config(Config {
        cases: CASES,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x7111_b0c5),
        ..Config::default()
    })]

    #[test]
    fn two_ledgers_agree(steps in prop::collection::vec(moves(), 1..40)) {
        let mut life = Life { scene: Scene::new(AMOUNT), ledger: Ledger::default() };
        for step in &steps {
            life.play(step);
        }
        let replayed = tillbox_core::machine::replay(&life.scene.log);
        prop_assert_eq!(replayed.as_ref(), Some(&life.scene.state));
    }
}
