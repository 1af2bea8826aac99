//! How the demonstration is told: every step is done, compared with what is claimed, counted, and only then printed.
//!
//! It refuses to know the plot; that is in `scenes`. A claim that does not hold ends the story with an error.

use std::fmt::Debug;

use tillbox_core::Money;
use tillbox_core::id::{CollectionId, PaymentId, ProviderId, SessionId};
use tillbox_core::outcome::DeclineClass;
use tillbox_core::state::Session;
use tillbox_core::status::{CollectionStatus, SessionStatus};
use tillbox_runtime::CallReport;

use crate::Host;
use crate::cli::failure::Failure;
use crate::cli::screen::{Screen, Style};
use crate::currency;
use crate::service::{Authorization, Done, Error, NewCollection, NewRefund, NewSession, PaymentView};

/// The story so far.
pub(super) struct Story {
    pub(super) host: Host,
    screen: Screen,
    scene: String,
    /// Collections whose figures were checked.
    pub(super) rows: Vec<Row>,
    /// Steps that were told, each under its scene.
    pub(super) steps: Vec<Step>,
    /// Microseconds of every call of a provider.
    pub(super) call_micros: Vec<u128>,
    /// The most memory one call had.
    pub(super) memory_bytes_peak: u64,
    /// Claims that were checked.
    pub(super) checks: u32,
}

/// One line of the story.
pub(super) struct Step {
    pub(super) scene: String,
    pub(super) text: String,
}

/// What came of one collection.
pub(super) struct Row {
    pub(super) id: CollectionId,
    pub(super) sentence: &'static str,
    pub(super) figures: Figures,
}

/// Where a collection stands, to the minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) status: CollectionStatus,
    pub(super) amount: Money,
    pub(super) authorized: Money,
    pub(super) captured: Money,
    pub(super) refunded: Money,
}

/// An amount in decimal notation: `money("10.50 EUR")`.
pub(super) fn money(text: &str) -> Result<Money, Failure> {
    let (amount, code) = text.split_once(' ').unwrap_or((text, ""));
    Ok(currency::money(amount, code)?)
}

impl Figures {
    /// Where a collection in a host stands.
    pub(super) async fn of(host: &Host, id: &CollectionId) -> Result<Self, Failure> {
        let collection = host.collection(id).await?;
        Ok(Self {
            status: collection.status,
            amount: collection.amount,
            authorized: collection.authorized(),
            captured: collection.captured(),
            refunded: collection.refunded(),
        })
    }
}

impl Story {
    pub(super) fn new(host: Host, screen: Screen) -> Self {
        Self {
            host,
            screen,
            scene: String::new(),
            rows: Vec::new(),
            steps: Vec::new(),
            call_micros: Vec::new(),
            memory_bytes_peak: 0,
            checks: 0,
        }
    }

    /// Begins a scene.
    pub(super) fn scene(&mut self, title: &str) -> Result<(), Failure> {
        self.scene = title.to_owned();
        self.screen.line("")?;
        Ok(self.screen.line(self.screen.paint(Style::Bold, title))?)
    }

    /// Tells a step that was checked.
    pub(super) fn tell(&mut self, text: String) -> Result<(), Failure> {
        let mark = self.screen.paint(Style::Good, "ok");
        self.screen.line(format!("  {mark} {text}"))?;
        self.steps.push(Step { scene: self.scene.clone(), text });
        Ok(())
    }

    /// Compares what is claimed with what is.
    pub(super) fn check<T: PartialEq + Debug>(&mut self, what: &str, got: T, want: T) -> Result<(), Failure> {
        self.checks += 1;
        if got == want {
            return Ok(());
        }
        Err(self.broken(format!("{what} should be {want:?} and is {got:?}")))
    }

    /// The claim that did not hold.
    pub(super) fn broken(&self, what: impl std::fmt::Display) -> Failure {
        let next = "this is a bug of the host or of a provider: the demonstration claims only what must hold";
        Failure::new(format!("the demonstration failed in \"{}\": {what}", self.scene)).next(next)
    }

    /// Opens a collection.
    pub(super) async fn open(&mut self, amount: Money) -> Result<CollectionId, Failure> {
        let collection = self.host.create_collection(NewCollection::new(amount)).await?;
        self.check("the new collection", collection.status, CollectionStatus::NotPaid)?;
        Ok(collection.id)
    }

    /// Opens a session over a share, or over all that is left.
    pub(super) async fn session(
        &mut self,
        collection: &CollectionId,
        provider: &ProviderId,
        share: Option<Money>,
    ) -> Result<SessionId, Failure> {
        let new = NewSession { amount: share, ..NewSession::new(provider.clone()) };
        let done = self.host.create_session(collection, new).await;
        let session = self.done("opening a session", done)?;
        self.check("the new session", session.status, SessionStatus::Pending)?;
        Ok(session.id)
    }

    /// Authorizes, whatever comes of it.
    async fn attempt(&mut self, session: &SessionId, data: &str) -> Result<Authorization, Failure> {
        let done = self.host.authorize_session(session, Some(data)).await;
        self.done("authorizing", done)
    }

    /// Authorizes, and claims that it worked.
    pub(super) async fn authorize(&mut self, session: &SessionId, data: &str) -> Result<PaymentView, Failure> {
        let authorization = self.attempt(session, data).await?;
        self.check("the session", authorization.session.status, SessionStatus::Authorized)?;
        let payment = authorization.payment.ok_or_else(|| self.broken("an authorization made no payment"))?;
        self.check("the authorized amount", payment.payment.amount, authorization.session.amount)?;
        self.check("what is captured of it", payment.captured.minor_units(), 0)?;
        Ok(payment)
    }

    /// Authorizes, and claims that it is captured at once.
    pub(super) async fn authorize_captured(&mut self, session: &SessionId, data: &str) -> Result<PaymentView, Failure> {
        let authorization = self.attempt(session, data).await?;
        self.check("the session", authorization.session.status, SessionStatus::Captured)?;
        let payment = authorization.payment.ok_or_else(|| self.broken("an automatic capture made no payment"))?;
        self.check("the captured amount", payment.captured, authorization.session.amount)?;
        Ok(payment)
    }

    /// Authorizes, and claims that it is declined in this class with this code.
    pub(super) async fn declined(
        &mut self,
        session: &SessionId,
        data: &str,
        class: DeclineClass,
        code: &str,
    ) -> Result<(), Failure> {
        let Authorization { session, payment } = self.attempt(session, data).await?;
        self.check("the session", session.status, SessionStatus::Error)?;
        self.check("a payment of a declined session", payment.map(|payment| payment.payment.id), None)?;
        let decline = session.decline.map(|decline| (decline.class, decline.code));
        self.check("the decline", decline, Some((class, code.to_owned())))
    }

    /// Authorizes, and claims that the payer has to act first. Answers the session with its next action.
    pub(super) async fn challenged(&mut self, session: &SessionId, data: &str) -> Result<Session, Failure> {
        let Authorization { session, payment } = self.attempt(session, data).await?;
        self.check("the session", session.status, SessionStatus::RequiresMore)?;
        self.check("a payment before the challenge", payment.map(|payment| payment.payment.id), None)?;
        Ok(session)
    }

    /// Captures, and claims what is captured in all.
    pub(super) async fn capture(&mut self, payment: &PaymentId, amount: Money, total: Money) -> Result<(), Failure> {
        let done = self.host.capture(payment, Some(amount)).await;
        let view = self.done("capturing", done)?;
        self.check("what is captured in all", view.captured, total)?;
        self.check("what is in doubt", view.reserved_captures.minor_units(), 0)
    }

    /// Refunds, and claims what is refunded in all.
    pub(super) async fn refund(&mut self, payment: &PaymentId, amount: Money, total: Money) -> Result<(), Failure> {
        let refund = NewRefund { amount: Some(amount), note: Some("demonstration".to_owned()), ..NewRefund::default() };
        let done = self.host.refund(payment, refund).await;
        let view = self.done("refunding", done)?;
        self.check("what is refunded in all", view.refunded, total)?;
        self.check("what is in doubt", view.reserved_refunds.minor_units(), 0)
    }

    /// Claims that a request was turned down with this code, before any provider was asked. Answers why.
    pub(super) fn refused<T: Debug>(&mut self, result: Result<Done<T>, Error>, code: &str) -> Result<String, Failure> {
        match result {
            Err(Error::Refused(refusal)) => {
                self.check("the refusal", refusal.code(), code)?;
                Ok(refusal.to_string())
            }
            Err(other) => Err(self.broken(format!("a refusal `{code}` was due, and there came: {other}"))),
            Ok(_) => Err(self.broken(format!("a refusal `{code}` was due, and the request went through"))),
        }
    }

    /// Claims where a collection stands in the end, and keeps it for the table.
    pub(super) async fn settled(
        &mut self,
        id: &CollectionId,
        sentence: &'static str,
        want: Figures,
    ) -> Result<(), Failure> {
        let figures = Figures::of(&self.host, id).await?;
        self.check("the collection", figures, want)?;
        self.rows.push(Row { id: id.clone(), sentence, figures });
        Ok(())
    }

    /// The result of a step that must go through; its call is counted.
    pub(super) fn done<T>(&mut self, what: &str, result: Result<Done<T>, Error>) -> Result<T, Failure> {
        match result {
            Ok(done) => {
                self.count(done.report.as_ref());
                Ok(done.value)
            }
            Err(error) => Err(self.broken(format!("{what}: {error}"))),
        }
    }

    fn count(&mut self, report: Option<&CallReport>) {
        if let Some(report) = report {
            self.call_micros.push(report.duration.as_micros());
            self.memory_bytes_peak = self.memory_bytes_peak.max(report.memory_bytes_peak);
        }
    }

    /// The call in the middle, microseconds; nothing when there was none.
    pub(super) fn median_call_micros(&self) -> Option<u128> {
        let mut sorted = self.call_micros.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}
