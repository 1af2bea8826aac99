//! The way of one call's exchanges, whichever door they come in by: counted, bound to the host's key, written down before and
//! after, and answered from what was written down where the call was made before.
//!
//! One at a time, in the order in which the guest asked. It knows no database; what has to be durable when is in `journal`,
//! what may be asked of whom in `egress`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::egress::{Asked, ExchangeFault, ExchangeReport, Left, Method, Received, Refusal};
use crate::fault::{Fault, HostFault};
use crate::inputs::Told;
use crate::journal::{Effect, Ended, Intent, Journal, Keeping, Message, Moment, NotKept, Recorded};
use crate::network::{EXCHANGES_MAX, SharedNetwork};
use crate::text::{REDACTED, clean};

/// Bytes of a path that are kept.
const PATH_BYTES_MAX: usize = 512;

/// What a call is allowed and given, beside its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Conduct {
    pub(crate) effect: Effect,
    /// The operation's key.
    pub(crate) key: String,
    pub(crate) keeping: Keeping,
}

impl Conduct {
    /// A call that changes nothing.
    pub(crate) fn reads() -> Self {
        Self { effect: Effect::Reads, key: String::new(), keeping: Keeping::default() }
    }
}

/// The exchanges of one call.
pub(crate) struct Pipe {
    network: SharedNetwork,
    effect: Effect,
    key: String,
    journal: Option<Arc<dyn Journal>>,
    deadline: Instant,
    pub(crate) told: Told,
    /// Exchanges wait for each other here.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reports: Vec<ExchangeReport>,
    /// A request is on its way, and nobody knows yet how far it came.
    sending: Option<ExchangeReport>,
    /// The guest is gone: nothing more begins.
    is_closed: bool,
    /// Requests so far that may change something.
    changes: u32,
    recorded: VecDeque<Recorded>,
    /// What ended the call, however the guest went on after it.
    broken: Option<Fault>,
}

impl Pipe {
    pub(crate) fn new(network: SharedNetwork, conduct: Conduct, deadline: Instant) -> Self {
        let Conduct { effect, key, keeping } = conduct;
        let Keeping { journal, recorded } = keeping;
        Self {
            network,
            effect,
            key,
            told: Told::new(journal.is_some(), &recorded),
            journal,
            deadline,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(State { recorded: recorded.iter().cloned().collect(), ..State::default() }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    /// What left the process in the whole call.
    pub(crate) fn left(&self) -> Left {
        let state = self.state();
        let lefts = || state.reports.iter().map(|exchange| exchange.left);
        if state.sending.is_some() || lefts().any(|left| left == Left::Something) {
            return Left::Something;
        }
        if lefts().any(|left| left == Left::Answered) { Left::Answered } else { Left::Nothing }
    }

    /// The guest has ended. An exchange that it did not wait for is on its way as far as anybody knows.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
    }

    pub(crate) fn take_reports(&self) -> Vec<ExchangeReport> {
        let mut state = self.state();
        let unheard = state.sending.clone().map(unheard);
        let mut reports = std::mem::take(&mut state.reports);
        reports.extend(unheard);
        reports
    }

    /// What must end the call although its guest came to an end of its own: something that was not kept, or another course
    /// than the one that is written down.
    pub(crate) fn broken(&self) -> Option<Fault> {
        let state = self.state();
        let left_over = || {
            let missed = state.recorded.front()?;
            let asked = format!("{} {}{}", missed.method, missed.host, missed.path);
            Some(Fault::Diverged { recorded: asked, asked: "nothing more".to_owned() })
        };
        state.broken.clone().or_else(left_over)
    }

    /// Whether the call may have one more.
    ///
    /// # Errors
    /// The fault that ends it otherwise.
    pub(crate) fn room(&self) -> Result<(), Fault> {
        if self.state().reports.len() < EXCHANGES_MAX {
            return Ok(());
        }
        Err(Fault::contract("http.send", format!("more than {EXCHANGES_MAX} exchanges in one call")))
    }

    /// A request that came no further than the door. It counts like any other.
    pub(crate) fn turned_away(&self, report: ExchangeReport) {
        self.state().reports.push(report);
    }

    /// Performs one exchange, by whichever door it came in.
    ///
    /// # Errors
    /// A fault that ends the call: it has to be raised.
    pub(crate) async fn exchange(&self, mut asked: Asked) -> Result<Result<Received, Refusal>, Fault> {
        let _turn = self.turn.lock().await;
        if let Some(broken) = self.state().broken.clone() {
            return Err(broken);
        }
        self.room()?;
        let sequence = u32::try_from(self.state().reports.len()).unwrap_or(u32::MAX).saturating_add(1);
        let key = match self.bind(&mut asked) {
            Ok(key) => key,
            Err(refusal) => return Ok(Err(self.refused(&asked, refusal))),
        };
        let Some(network) = self.network.clone() else {
            let refusal = Refusal::Denied("interfaces = [\"http\"]".to_owned());
            return Ok(Err(self.refused(&asked, refusal)));
        };
        // What is not granted is not on its way, and so nothing to write down.
        if let Err(refusal) = network.egress.allows(&asked) {
            return Ok(Err(self.refused(&asked, refusal)));
        }
        let again = self.state().recorded.pop_front();
        if let Some(recorded) = again {
            return self.answered_before(&asked, recorded);
        }
        if let Some(journal) = self.journal.as_deref().filter(|_| self.effect == Effect::Changes) {
            let intent = self.intent(&asked, sequence, key);
            journal.about_to_send(intent).await.map_err(|why| self.breaks(why))?;
        }
        {
            let mut state = self.state();
            if state.is_closed {
                return Ok(Err(Refusal::NotConnected("the call is over".to_owned())));
            }
            // Should the call end in the middle of it, this is what is known.
            state.sending = Some(ExchangeReport::of(&asked));
        }
        let given_up = GivenUp(self);
        let pass = |moment| self.pass(moment);
        let (answer, report) = network.egress.send(asked, self.deadline, &pass).await;
        let left = report.left;
        given_up.heard(report);
        if let Some(journal) = self.journal.as_deref().filter(|_| self.effect == Effect::Changes) {
            self.pass(Moment::AnswerRead);
            let ended = Ended { sequence, left, answer: answer.clone() };
            journal.ended(ended).await.map_err(|why| self.breaks(why))?;
            self.pass(Moment::BeforeGuest);
        }
        Ok(answer)
    }

    fn pass(&self, moment: Moment) {
        if let Some(journal) = &self.journal {
            journal.passed(moment);
        }
    }

    fn breaks(&self, why: NotKept) -> Fault {
        let fault = Fault::Host(match why {
            NotKept::Lost => HostFault::Outrun,
            NotKept::Failed(why) => HostFault::NotKept(clean(&why, crate::limits::MESSAGE_BYTES_MAX)),
        });
        self.state().broken = Some(fault.clone());
        fault
    }

    fn refused(&self, asked: &Asked, refusal: Refusal) -> Refusal {
        self.state().reports.push(ExchangeReport::of(asked).refused(&refusal, &asked.secrets));
        refusal
    }

    /// Puts the host's own key on a request that may change something, whatever the guest has put there; a call that only
    /// reads has none.
    fn bind(&self, asked: &mut Asked) -> Result<Option<String>, Refusal> {
        let name = HeaderName::from_static("idempotency-key");
        asked.headers.retain(|(known, _)| *known != name);
        if asked.method == Method::Get {
            return Ok(None);
        }
        if self.effect == Effect::Reads {
            return Err(Refusal::Invalid(format!(
                "{} in a call that only reads: it may send GET and nothing else",
                asked.method.as_str()
            )));
        }
        let step = {
            let mut state = self.state();
            state.changes = state.changes.saturating_add(1);
            state.changes
        };
        let key = match (step, &self.journal) {
            (1, _) => self.key.clone(),
            (_, Some(journal)) => journal.key(step),
            (_, None) => derived(&self.key, step),
        };
        let value = key.parse().map_err(|_| Refusal::Invalid("the operation's key is no header".to_owned()))?;
        asked.headers.push((name, value));
        Ok(Some(key))
    }

    fn intent(&self, asked: &Asked, sequence: u32, idempotency_key: Option<String>) -> Intent {
        Intent {
            sequence,
            method: asked.method.as_str().to_owned(),
            host: asked.target.host.clone(),
            path: asked.secrets.line(asked.target.path(), PATH_BYTES_MAX),
            digest: digest(asked),
            idempotency_key,
            message: message(asked),
            inputs: self.told.since_kept(),
            sent_bytes: asked.body.len() as u64,
            left_of_call: self.deadline.saturating_duration_since(Instant::now()),
        }
    }

    /// The answer that was kept, when the guest asks the same.
    fn answered_before(&self, asked: &Asked, recorded: Recorded) -> Result<Result<Received, Refusal>, Fault> {
        // They were told from the journal.
        drop(self.told.since_kept());
        if recorded.digest != digest(asked) {
            let fault = Fault::Diverged {
                recorded: format!("{} {}{}", recorded.method, recorded.host, recorded.path),
                asked: asked.secrets.line(&format!("{asked:?}"), PATH_BYTES_MAX),
            };
            let mut state = self.state();
            // It was sent and answered, whatever the guest does now.
            state.reports.push(again(asked, &recorded));
            state.broken = Some(fault.clone());
            return Err(fault);
        }
        self.state().reports.push(again(asked, &recorded));
        Ok(recorded.answer)
    }
}

/// An exchange that is under way. A guest may give one up that has begun: then it counts as sent, whatever comes after it.
struct GivenUp<'a>(&'a Pipe);

impl GivenUp<'_> {
    fn heard(self, report: ExchangeReport) {
        let mut state = self.0.state();
        state.sending = None;
        state.reports.push(report);
    }
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            let unheard = state.sending.take().map(unheard);
            state.reports.extend(unheard);
        }
    }
}

/// What is known of an exchange that nobody waited for.
fn unheard(report: ExchangeReport) -> ExchangeReport {
    ExchangeReport {
        left: Left::Something,
        fault: Some(ExchangeFault::Lost),
        error: Some("nobody waited for the answer".to_owned()),
        ..report
    }
}

/// The report of an exchange that was not made again.
fn again(asked: &Asked, recorded: &Recorded) -> ExchangeReport {
    let report = ExchangeReport { left: recorded.left, duration: Duration::ZERO, ..ExchangeReport::of(asked) };
    match &recorded.answer {
        Ok(received) => {
            ExchangeReport { status: Some(received.status), received_bytes: received.body.len() as u64, ..report }
        }
        Err(refusal) => report.refused(refusal, &asked.secrets),
    }
}

/// A key for a further request where nobody keeps a journal: from the operation's own, as long as that one.
fn derived(key: &str, step: u32) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let mut derived: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    derived.truncate(key.len());
    derived
}

/// Everything that is asked, with lengths first so that no two requests give the same bytes. A secret is a placeholder.
fn digest(asked: &Asked) -> String {
    let mut sha = Sha256::new();
    let mut part = |bytes: &[u8]| {
        sha.update((bytes.len() as u64).to_be_bytes());
        sha.update(bytes);
    };
    let target = &asked.target;
    for text in [asked.method.as_str(), target.scheme.as_str(), &target.authority(), &target.path_and_query] {
        part(text.as_bytes());
    }
    for (name, value) in &asked.headers {
        part(name.as_str().as_bytes());
        part(if value.is_sensitive() { REDACTED.as_bytes() } else { value.as_bytes() });
    }
    part(&asked.body);
    crate::cache::hexadecimal(&sha.finalize())
}

/// What is asked, without secrets.
fn message(asked: &Asked) -> Message {
    let header = |(name, value): &(HeaderName, HeaderValue)| {
        let value = match value.is_sensitive() {
            true => REDACTED.to_owned(),
            false => asked.secrets.text(String::from_utf8_lossy(value.as_bytes()).into_owned()),
        };
        (name.as_str().to_owned(), value)
    };
    let query = asked.target.path_and_query.split_once('?').map_or("", |(_, query)| query);
    Message {
        query: asked.secrets.text(query.to_owned()),
        headers: asked.headers.iter().map(header).collect(),
        body: asked.secrets.bytes(asked.body.to_vec()),
    }
}
