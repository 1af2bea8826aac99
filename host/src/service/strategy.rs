//! What may be done about an open operation: derived from the provider's own recovery declaration and from nothing else.
//!
//! A pure table. It asks nobody and writes nothing; whoever acts on it brings the time along. A charge is voided
//! last: by the contract only a session that was never authorized can be abandoned, so voiding takes nothing away that a
//! payer has paid for, and it is what card networks do with a charge that timed out (the reversal of ISO 8583).

use tillbox_core::Timestamp;
use tillbox_core::operation::{Operation, OperationKind, OperationState};
use tillbox_runtime::ProviderInfo;
use tillbox_runtime::info::{KeyMemory, Lookup, Recovery};

/// Milliseconds added wherever a provider's declared time decides: clocks differ, queues stall. To the lag before "not
/// found" is proof, and off the window in which a key is still recognised.
pub const MARGIN_MS: i64 = 60_000;

/// Milliseconds that a question without any way of asking stays open at least, before a person is called: what a gateway
/// tells by itself within minutes need not wake anybody.
pub const HORIZON_MS_MIN: i64 = 10 * 60 * 1_000;

/// Milliseconds for which gateways redeliver their webhooks, about: as long as one may come, it may be the answer.
pub const WEBHOOKS_MS: i64 = 3 * 24 * 60 * 60 * 1_000;

/// How one look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether the provider is asked what it knows. That never moves money.
    pub(super) look_up: bool,
    /// What follows when it knows nothing, or is not asked.
    pub(super) silence: Silence,
}

/// What follows from silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// It did not happen: the lookup can tell.
    Proves,
    /// The same is asked again with the same key: the gateway still recognises it, so there is no second effect.
    Resend,
    /// Nothing. It is looked at again later.
    Wait,
    /// No way of asking is left, and it is a charge: its session is abandoned, once.
    Void,
    /// No way of asking is left. A person has to look.
    Exhausted,
}

impl Silence {
    /// Whether no way of asking is left.
    pub(super) fn is_the_end(self) -> bool {
        match self {
            Self::Void | Self::Exhausted => true,
            Self::Proves | Self::Resend | Self::Wait => false,
        }
    }
}

/// What matters of an operation and its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) kind: OperationKind,
    pub(super) state: OperationState,
    pub(super) recovery: Recovery,
    pub(super) takes_webhooks: bool,
    pub(super) is_repeatable: bool,
    pub(super) checks: u32,
    /// When the first request may have been sent: windows count from there.
    pub(super) created_at: Timestamp,
    /// When the last one may have been: lags count from there.
    pub(super) updated_at: Timestamp,
    pub(super) deadline_ms: u32,
}

impl Question {
    /// `is_repeatable`: whether all that the provider was handed is at hand.
    pub(super) fn of(operation: &Operation, info: &ProviderInfo, deadline_ms: u32, is_repeatable: bool) -> Self {
        Self {
            kind: operation.kind,
            state: operation.state,
            recovery: info.recovery(operation.kind),
            takes_webhooks: info.capabilities.webhooks,
            is_repeatable,
            checks: operation.checks,
            created_at: operation.created_at,
            updated_at: operation.updated_at,
            deadline_ms,
        }
    }

    /// The plan at this time.
    pub(super) fn plan(self, now: Timestamp) -> Plan {
        let ask = |silence| Plan { look_up: true, silence };
        match self.state {
            // Accepted: that the provider does not know it cannot be, and what it decides takes its time.
            OperationState::Pending => ask(Silence::Wait),
            // The answer contradicted the books, or there is no way left. Asking again with the same key would answer the same.
            OperationState::NeedsReview => ask(if self.silence_proves(now) { Silence::Proves } else { Silence::Wait }),
            OperationState::Unknown => self.unknown(now),
            OperationState::Running
            | OperationState::Succeeded
            | OperationState::Declined
            | OperationState::NeedsAction
            | OperationState::Rejected
            | OperationState::Absent => Plan { look_up: false, silence: Silence::Wait },
        }
    }

    fn unknown(self, now: Timestamp) -> Plan {
        let declared = self.recovery.lookup != Lookup::None;
        if self.silence_proves(now) {
            return Plan { look_up: true, silence: Silence::Proves };
        }
        if self.key_is_remembered(now) {
            return Plan { look_up: declared, silence: Silence::Resend };
        }
        // `retrieve` is mandatory and harmless: where there is nothing else to do, it is tried whatever was declared.
        let silence = if declared || !self.horizon_passed(now) { Silence::Wait } else { self.last_resort() };
        Plan { look_up: true, silence }
    }

    fn last_resort(self) -> Silence {
        match self.kind {
            OperationKind::Initiate | OperationKind::Update | OperationKind::Authorize => Silence::Void,
            OperationKind::Capture | OperationKind::Refund | OperationKind::Cancel | OperationKind::Delete => {
                Silence::Exhausted
            }
        }
    }

    /// Whether "I do not know it" is proof by now. An eventual lookup has to say it once more past its lag.
    fn silence_proves(self, now: Timestamp) -> bool {
        match self.recovery.lookup {
            Lookup::Strong => true,
            Lookup::None => false,
            Lookup::EventualSeconds(seconds) => {
                let lag_ms =
                    milliseconds(seconds).saturating_add(i64::from(self.deadline_ms)).saturating_add(MARGIN_MS);
                self.checks > 0 && since(self.updated_at, now) > lag_ms
            }
        }
    }

    /// Whether the gateway recognises the key of the first request until the answer to another one is in.
    fn key_is_remembered(self, now: Timestamp) -> bool {
        let window_ms = match self.recovery.keys {
            KeyMemory::None => return false,
            KeyMemory::Forever => i64::MAX,
            KeyMemory::WindowSeconds(seconds) => milliseconds(seconds),
        };
        let reserve_ms = i64::from(self.deadline_ms).saturating_add(MARGIN_MS);
        self.is_repeatable && since(self.created_at, now) < window_ms.saturating_sub(reserve_ms)
    }

    /// Whether whatever could still have told has had its time.
    fn horizon_passed(self, now: Timestamp) -> bool {
        let webhooks_ms = if self.takes_webhooks { WEBHOOKS_MS } else { 0 };
        since(self.created_at, now) > HORIZON_MS_MIN.max(webhooks_ms)
    }
}

fn since(then: Timestamp, now: Timestamp) -> i64 {
    now.0.saturating_sub(then.0)
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE_MS: u32 = 10_000;
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn unknown(keys: KeyMemory, lookup: Lookup) -> Question {
        Question {
            kind: OperationKind::Capture,
            state: OperationState::Unknown,
            recovery: Recovery { keys, lookup },
            takes_webhooks: false,
            is_repeatable: true,
            checks: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            deadline_ms: DEADLINE_MS,
        }
    }

    /// What is declared, at which time, and the plan.
    #[test]
    fn the_declaration_decides() {
        use KeyMemory::{Forever, WindowSeconds};
        use Silence::{Exhausted, Proves, Resend, Wait};
        let (day, minute) = (WindowSeconds(86_400), Lookup::EventualSeconds(60));
        let none = (KeyMemory::None, Lookup::None);
        // The window, less the deadline and the margin; the lag, with both.
        let (closes, proves) = (DAY - 70_000, 60_000 + 70_000);
        let rows = [
            (KeyMemory::None, Lookup::Strong, 0, true, Proves),
            (Forever, Lookup::Strong, 0, true, Proves),
            (day, Lookup::Strong, 30 * DAY, true, Proves),
            (KeyMemory::None, minute, 0, true, Wait),
            (KeyMemory::None, minute, proves, true, Wait),
            (KeyMemory::None, minute, proves + 1, true, Proves),
            (day, minute, proves, true, Resend),
            (day, minute, proves + 1, true, Proves),
            (WindowSeconds(80), minute, 9_999, true, Resend),
            (WindowSeconds(80), minute, 10_000, true, Wait),
            (day, Lookup::None, 0, false, Resend),
            (day, Lookup::None, closes - 1, false, Resend),
            (day, Lookup::None, closes, true, Exhausted),
            (WindowSeconds(60), Lookup::None, 0, true, Wait),
            (Forever, Lookup::None, 1_000 * DAY, false, Resend),
            (none.0, none.1, 0, true, Wait),
            (none.0, none.1, HORIZON_MS_MIN, true, Wait),
            (none.0, none.1, HORIZON_MS_MIN + 1, true, Exhausted),
        ];
        for (keys, lookup, now, look_up, silence) in rows {
            let plan = unknown(keys, lookup).plan(Timestamp(now));
            assert_eq!(plan, Plan { look_up, silence }, "{keys:?} {lookup:?} after {now} ms");
        }
    }

    #[test]
    fn an_eventual_lookup_proves_nothing_the_first_time_and_counts_from_the_last_request() {
        let lookup = Lookup::EventualSeconds(60);
        let first = Question { checks: 0, ..unknown(KeyMemory::None, lookup) };
        assert_eq!(first.plan(Timestamp(DAY)).silence, Silence::Wait);
        let resent = Question { updated_at: Timestamp(DAY), ..unknown(KeyMemory::None, lookup) };
        assert_eq!(resent.plan(Timestamp(DAY + 130_000)).silence, Silence::Wait);
        assert_eq!(resent.plan(Timestamp(DAY + 130_001)).silence, Silence::Proves);
    }

    #[test]
    fn what_the_books_do_not_hold_is_never_sent_again() {
        let question = Question { is_repeatable: false, ..unknown(KeyMemory::Forever, Lookup::None) };
        assert_eq!(question.plan(Timestamp(0)).silence, Silence::Wait);
        assert_eq!(question.plan(Timestamp(HORIZON_MS_MIN + 1)).silence, Silence::Exhausted);
    }

    #[test]
    fn a_charge_is_voided_where_everything_else_needs_a_person() {
        for kind in OperationKind::ALL {
            let question = Question { kind: *kind, ..unknown(KeyMemory::None, Lookup::None) };
            let charges = [OperationKind::Initiate, OperationKind::Update, OperationKind::Authorize].contains(kind);
            let last = if charges { Silence::Void } else { Silence::Exhausted };
            assert_eq!(question.plan(Timestamp(HORIZON_MS_MIN)).silence, Silence::Wait, "{kind:?}");
            assert_eq!(question.plan(Timestamp(HORIZON_MS_MIN + 1)).silence, last, "{kind:?}");
        }
    }

    #[test]
    fn nobody_is_called_while_a_webhook_may_still_tell() {
        let question = Question { takes_webhooks: true, ..unknown(KeyMemory::None, Lookup::None) };
        assert_eq!(question.plan(Timestamp(WEBHOOKS_MS)).silence, Silence::Wait);
        assert_eq!(question.plan(Timestamp(WEBHOOKS_MS + 1)).silence, Silence::Exhausted);
    }

    /// Running out of retries is never proof (R1), and silence about what was accepted or contradicts proves only what a
    /// lookup can.
    #[test]
    fn absence_is_only_ever_proven_by_a_lookup() {
        for state in [OperationState::Unknown, OperationState::Pending, OperationState::NeedsReview] {
            for keys in [KeyMemory::None, KeyMemory::WindowSeconds(3_600), KeyMemory::Forever] {
                for at in [0, HOUR, DAY, 1_000 * DAY] {
                    let question = Question { state, ..unknown(keys, Lookup::None) };
                    assert_ne!(question.plan(Timestamp(at)).silence, Silence::Proves, "{state:?} {keys:?} {at}");
                }
                let question = Question { state, ..unknown(keys, Lookup::Strong) };
                let silence = question.plan(Timestamp(0)).silence;
                assert_eq!(silence == Silence::Proves, state != OperationState::Pending, "{state:?}");
                assert!(silence != Silence::Resend || state == OperationState::Unknown);
            }
        }
    }
}
