//! Requests of providers that came to nothing, for operators: in the log with the operation, in the operation's own words, and
//! in the provider's health. Each with whose fault it is.

use tillbox_core::Timestamp;
use tillbox_core::operation::Operation;
use tillbox_runtime::{CallReport, Culprit, ExchangeFault, ExchangeReport};

use super::ProviderHealth;
use crate::store::ExchangeState;

/// Requests that an operation's words name: the first ones tell what the provider is about.
const NAMED_MAX: usize = 2;

/// A request that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// Which function was called.
    pub call: &'static str,
    /// What became of the request.
    pub fault: ExchangeFault,
    /// The host that was asked for; empty where what was asked for is no URL.
    pub host: String,
    /// When the call ended.
    pub at: Timestamp,
}

impl ProviderHealth {
    /// Counts the requests of a call that came to nothing.
    pub(super) fn note(&mut self, call: &'static str, report: &CallReport, at: Timestamp) {
        for (exchange, fault) in faulty(report) {
            self.requests_failed += 1;
            let count = match fault.culprit() {
                Culprit::Guest => &mut self.requests_refused,
                Culprit::Gateway | Culprit::Host | Culprit::Operator => continue,
            };
            *count += 1;
            self.last_refused = Some(TurnedAway { call, fault, host: exchange.host.clone(), at });
        }
    }
}

fn faulty(report: &CallReport) -> impl Iterator<Item = (&ExchangeReport, ExchangeFault)> {
    report.exchanges.iter().filter_map(|exchange| Some((exchange, exchange.fault?)))
}

/// What is said of an operation, and what its provider asked for and may not have.
pub(super) fn with_refused(said: String, report: &CallReport) -> String {
    let refused = || faulty(report).filter(|(_, fault)| fault.culprit() == Culprit::Guest);
    let named: Vec<String> = refused()
        .take(NAMED_MAX)
        .map(|(exchange, fault)| format!("{} {}{} ({})", exchange.method, exchange.host, exchange.path, fault.as_str()))
        .collect();
    match refused().count() {
        0 => said,
        count => format!("{said}; the host refused {count} of its requests: {}", named.join(", ")),
    }
}

/// Tells the log.
pub(super) fn log(operation: &Operation, report: &CallReport) {
    for (exchange, fault) in faulty(report) {
        tracing::warn!(
            operation = operation.id.as_str(),
            provider = operation.provider.as_str(),
            culprit = fault.culprit().as_str(),
            fault = fault.as_str(),
            method = exchange.method,
            host = exchange.host,
            path = exchange.path,
            left = exchange.left.as_str(),
            why = exchange.error.as_deref(),
            "a request of the provider came to nothing"
        );
    }
}

/// Whose fault an operation's state is, by its reason; nothing where nobody's.
#[must_use]
pub fn culprit_of(reason: &str) -> Option<Culprit> {
    match reason {
        "integrity" | "contradiction" | "answer_unreadable" => Some(Culprit::Guest),
        "denied" | "operator_settings" => Some(Culprit::Operator),
        _ if ["guest_", "limit_", "deadline_"].iter().any(|start| reason.starts_with(start)) => Some(Culprit::Guest),
        _ if reason.starts_with("host_") => Some(Culprit::Host),
        _ => None,
    }
}

/// Whose fault it is that an exchange has no answer.
#[must_use]
pub fn culprit_of_exchange(state: ExchangeState) -> Option<Culprit> {
    match state {
        ExchangeState::AboutToSend | ExchangeState::Answered => None,
        ExchangeState::Denied | ExchangeState::Invalid => Some(Culprit::Guest),
        ExchangeState::TooLarge | ExchangeState::Lost | ExchangeState::NotConnected | ExchangeState::Astray => {
            Some(Culprit::Gateway)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillbox_runtime::Fault;
    use tillbox_runtime::fault::{DeadlineAt, LimitKind};

    #[test]
    fn the_reason_of_a_fault_names_the_culprit_of_the_fault() {
        let faults = [
            Fault::Contract { field: "x".into(), rule: "y".into() },
            Fault::Trap { message: "x".into(), frames: Vec::new(), stderr: String::new() },
            Fault::Limit { which: LimitKind::Memory, used: None, allowed: 1 },
            Fault::Deadline { at: DeadlineAt::HostWait, deadline_ms: 1, frames: Vec::new() },
            Fault::Denied { what: "x".into(), grant: "y".into() },
            Fault::Operator { setting: "x".into(), message: "y".into() },
            Fault::Host(tillbox_runtime::fault::HostFault::Late),
        ];
        for fault in faults {
            assert_eq!(culprit_of(fault.code()), Some(fault.culprit()), "{}", fault.code());
        }
        assert_eq!(culprit_of("guest_unproven"), Some(Culprit::Guest));
        assert_eq!(culprit_of("outcome_unknown"), None);
    }
}
