//! What a provider says of a call, held against what the host itself saw of its bytes.
//!
//! A component that can reach its gateway moves money by asking that gateway and by nothing else. So an answer about money is
//! believed when the gateway was heard: a request left, and after the last one whose answer was lost another was answered.
//! What the gateway said only the provider can read; that it was asked, the host knows. It judges components alone: of a
//! native provider's bytes nothing is known here.

use tillbox_core::command::{Answer, Fault, Sent};
use tillbox_core::id::OperationId;
use tillbox_core::operation::{Operation, OperationKind};
use tillbox_core::outcome::{Outcome, ProviderStatus, Snapshot};
use tillbox_core::state::Collection;
use tillbox_runtime::{Call, CallReport, Culprit, ExchangeReport, Left, Provider, Reach};

use super::execute::answer_of;
use super::{Error, Host};

/// The code of an answer that the host's own record does not bear out.
pub(super) const UNPROVEN: &str = "guest_unproven";

impl Host {
    /// What a call says, as far as it can be believed.
    pub(super) async fn believed(
        &self,
        provider: &dyn Provider,
        started: &Collection,
        id: &OperationId,
        call: &Call<Outcome>,
    ) -> Result<Answer, Error> {
        let operation = started.operation(id).expect("begun just now");
        let answer = answer_of(call, provider.reach());
        let Answer::Outcome(outcome) = &answer else {
            return Ok(answer);
        };
        if provider.reach() == Reach::Nowhere || call.report.left.is_none() {
            return Ok(answer);
        }
        let doubt = match doubt(operation, is_known_there(started, operation), outcome, &call.report) {
            Some(doubt) => Some(doubt),
            None => self.borrowed(operation, outcome).await?.map(Doubt::Contradicted),
        };
        Ok(match doubt {
            None => answer,
            Some(Doubt::Contradicted(detail)) => {
                accuse(operation, "integrity", &detail);
                Answer::Contradicted(detail)
            }
            Some(Doubt::Unproven(detail)) => {
                accuse(operation, UNPROVEN, &detail);
                Answer::Fault(Fault { code: UNPROVEN.to_owned(), detail, sent: Sent::Maybe })
            }
        })
    }

    /// Whether what a lookup tells is evidence: whoever did not ask the gateway knows no more than the books do.
    pub(super) async fn is_evidence(
        &self,
        provider: &dyn Provider,
        operation: &Operation,
        call: &Call<Snapshot>,
    ) -> Result<Result<(), String>, Error> {
        if provider.reach() == Reach::Nowhere || call.report.left.is_none() {
            return Ok(Ok(()));
        }
        let knows_it = call.answer.is_ok();
        let heard = if knows_it { heard(&call.report) } else { heard_no(&call.report) };
        if !heard {
            let detail = "the provider says what its gateway knows, and its gateway did not say it";
            accuse(operation, UNPROVEN, detail);
            return Ok(Err(detail.to_owned()));
        }
        let Ok(snapshot) = &call.answer else {
            return Ok(Ok(()));
        };
        for outcome in snapshot.operation.iter().chain([&snapshot.outcome]) {
            if let Some(detail) = self.borrowed(operation, outcome).await? {
                accuse(operation, "integrity", &detail);
                return Ok(Err(detail));
            }
        }
        Ok(Ok(()))
    }

    /// Another payment's reference: it would make one payment of the gateway count for two here.
    async fn borrowed(&self, operation: &Operation, outcome: &Outcome) -> Result<Option<String>, Error> {
        let Some(reference) = outcome.provider_reference.clone() else {
            return Ok(None);
        };
        let owner = self.inner.store.session_by_reference(operation.provider.clone(), reference.clone()).await?;
        Ok(owner
            .filter(|owner| *owner != operation.session)
            .map(|owner| format!("the provider names `{reference}`, which is the reference of session {owner}")))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Doubt {
    /// The host's own record says otherwise: for a person.
    Contradicted(String),
    /// Nothing says so: a question.
    Unproven(String),
}

/// Why an outcome is not believed.
fn doubt(operation: &Operation, is_known_there: bool, outcome: &Outcome, report: &CallReport) -> Option<Doubt> {
    let nothing_left = report.left == Some(Left::Nothing);
    let says_no = match (operation.kind, outcome.status) {
        (_, ProviderStatus::Declined | ProviderStatus::Error) => true,
        (OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize, ProviderStatus::Canceled) => true,
        // A session that the gateway never heard of can be given up without asking it.
        (OperationKind::Delete, ProviderStatus::Canceled) if !is_known_there => return None,
        (_, ProviderStatus::Authorized | ProviderStatus::Captured | ProviderStatus::Canceled) => false,
        (_, ProviderStatus::Pending | ProviderStatus::RequiresMore | ProviderStatus::PendingAuthorization) => {
            return None;
        }
    };
    let said = format!("{:?}", outcome.status).to_lowercase();
    match (nothing_left, says_no) {
        // Nothing was sent, and it says that nothing happened: so it is, unless an earlier attempt was sent.
        (true, true) if operation.attempts <= 1 => None,
        (true, false) => Some(Doubt::Contradicted(format!(
            "the provider says {said}, and not a byte left for its gateway: it cannot know"
        ))),
        _ if heard(report) => None,
        _ => Some(Doubt::Unproven(format!("the provider says {said}, and its gateway was not heard to say so"))),
    }
}

/// Whether the gateway may have a record of what the operation is about.
fn is_known_there(collection: &Collection, operation: &Operation) -> bool {
    collection.session(&operation.session).is_some_and(|session| session.provider_reference.is_some())
}

/// Whether the gateway answered after everything whose answer was lost.
pub(super) fn heard(report: &CallReport) -> bool {
    report.exchanges.iter().rev().find(|exchange| exchange.left != Left::Nothing).is_some_and(is_answered)
}

/// The same, with an answer that "no such thing" can be read from: not a refusal to serve, not a breakdown.
fn heard_no(report: &CallReport) -> bool {
    let tells = |status: u16| matches!(status, 200..=299 | 404 | 410);
    let answered = || report.exchanges.iter().filter(|exchange| is_answered(exchange));
    heard(report) && answered().all(|exchange| exchange.status.is_some_and(tells))
}

fn is_answered(exchange: &ExchangeReport) -> bool {
    exchange.left == Left::Answered
}

/// How far the bytes bear out a provider that says of a request that nothing happened. Its gateway said no to everything that
/// may change something; else the error is no proof, whatever its kind.
pub(super) fn vouched(report: &CallReport) -> Sent {
    let reads = |exchange: &ExchangeReport| exchange.method == "GET";
    // 409: another request with the same key is under way, and what becomes of that one is open.
    let said_no = |exchange: &ExchangeReport| {
        is_answered(exchange) && exchange.status.is_some_and(|status| (400..500).contains(&status) && status != 409)
    };
    let left = report.exchanges.iter().filter(|exchange| exchange.left != Left::Nothing);
    match report.left {
        Some(Left::Nothing) => Sent::Nothing,
        None => Sent::Answered,
        Some(Left::Something | Left::Answered) => {
            if left.filter(|exchange| !reads(exchange)).all(said_no) {
                Sent::Answered
            } else {
                Sent::Maybe
            }
        }
    }
}

/// Tells the operator, with the culprit by name.
fn accuse(operation: &Operation, code: &str, detail: &str) {
    tracing::error!(
        operation = operation.id.as_str(),
        kind = operation.kind.as_str(),
        provider = operation.provider.as_str(),
        culprit = Culprit::Guest.as_str(),
        code,
        detail,
        "a provider says what the host did not see"
    );
}
