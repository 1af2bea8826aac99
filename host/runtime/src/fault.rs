//! Faults: how a call breaks, whose fault it is, and what that means for the money.
//!
//! A fault is neither a decline (an answer) nor a provider's error (a refusal to answer). It is closed: every variant is
//! something an operator or the service acts upon. None of them ever means "failed": money may have moved unless
//! [`Fault::implies`] says otherwise, or the provider could reach nothing in the first place.

use std::fmt;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Culprit {
    /// The provider's code.
    Guest,
    /// This host, or the machine it runs on.
    Host,
    /// Whoever configured it.
    Operator,
    /// The gateway, or what is between it and this host.
    Gateway,
}

impl Culprit {
    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Host => "host",
            Self::Operator => "operator",
            Self::Gateway => "gateway",
        }
    }
}

/// What a fault says of the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoneyImplication {
    /// The provider's code never ran: nothing can have been sent. Proof.
    NothingSent,
    /// It ran. Whether it sent anything is a question for [`crate::Reach`] and, after it, for the provider.
    MayHaveBeenSent,
    /// It came to an end and answered, but the answer cannot be used. Whatever it was going to send was sent.
    Answered,
}

/// Which limit was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// Linear memory, bytes.
    Memory,
    /// Entries of one table.
    TableEntries,
    /// WebAssembly stack, bytes.
    Stack,
    /// Data handed to the host in one call, bytes.
    Transfer,
    /// Core instances, memories or tables.
    Instances,
    /// Handles held at once.
    Handles,
}

impl LimitKind {
    /// A stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::TableEntries => "table_entries",
            Self::Stack => "stack",
            Self::Transfer => "transfer",
            Self::Instances => "instances",
            Self::Handles => "handles",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Memory | Self::Stack | Self::Transfer => "bytes",
            Self::TableEntries => "entries",
            Self::Instances => "core instances, memories or tables",
            Self::Handles => "handles",
        }
    }
}

/// Where a call was when its deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeadlineAt {
    /// In the provider's code: a loop, or just slow.
    GuestCode,
    /// Waiting for the host on the provider's behalf: a sleep, later a network.
    HostWait,
}

/// What went wrong in the host itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostFault {
    /// No free slot before the deadline. The provider's code never ran.
    Busy {
        /// `host` or `provider`: which of the two limits on concurrent calls was full.
        scope: &'static str,
    },
    /// The host was held up between the intent and the call for so long that the operation no longer belongs to it. The
    /// provider's code never ran.
    Late,
    /// The operation came to belong to somebody else in the middle of the call. What the provider wanted to send from then on
    /// was not sent.
    Outrun,
    /// What the provider was about to send, or what it was answered, could not be written down.
    NotKept(String),
    /// The provider broke so often in a row that it is not called for a while. Its code never ran.
    Tripped {
        /// Milliseconds until it is tried again.
        retry_after_ms: u64,
    },
    /// The instance could not be made, for no reason of the guest's. The provider's code never answered.
    Instantiation(String),
    /// A bug of the host: a panic, caught at the edge of the call.
    Panic(String),
}

/// How a call broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The provider's code trapped: a panic, an abort, an uncaught exception, an impossible instruction.
    Trap {
        /// What trapped, in the engine's words.
        message: String,
        /// Where, innermost first: function names of the provider.
        frames: Vec<String>,
        /// The end of what it wrote to its standard error, cleaned; a panic message for one.
        stderr: String,
    },
    /// The provider answered, and the answer breaks the contract.
    Contract {
        /// The field, with dots: `outcome.data`.
        field: String,
        /// The rule that was broken.
        rule: String,
    },
    /// The provider crossed a limit.
    Limit {
        /// Which.
        which: LimitKind,
        /// What it asked for, where that is known.
        used: Option<u64>,
        /// What it may have.
        allowed: u64,
    },
    /// The call's deadline passed.
    Deadline {
        /// Where it was at that moment.
        at: DeadlineAt,
        /// The deadline it had, milliseconds.
        deadline_ms: u32,
        /// Where in the provider's code, innermost first, where known.
        frames: Vec<String>,
    },
    /// The provider asked for something it was not granted.
    Denied {
        /// What.
        what: String,
        /// The line the operator would have to add.
        grant: String,
    },
    /// The provider was run again from the journal, and asked for something else than it had asked for before.
    Diverged {
        /// What is written down.
        recorded: String,
        /// What it asked for now.
        asked: String,
    },
    /// The host broke.
    Host(HostFault),
    /// The operator's settings do not fit.
    Operator {
        /// Which setting.
        setting: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Fault {
    /// Whose fault it is.
    #[must_use]
    pub fn culprit(&self) -> Culprit {
        match self {
            Self::Trap { .. }
            | Self::Contract { .. }
            | Self::Limit { .. }
            | Self::Deadline { .. }
            | Self::Diverged { .. } => Culprit::Guest,
            // Its own calls before this one are what keeps it from being called.
            Self::Host(HostFault::Tripped { .. }) => Culprit::Guest,
            Self::Host(
                HostFault::Busy { .. }
                | HostFault::Late
                | HostFault::Outrun
                | HostFault::NotKept(_)
                | HostFault::Instantiation(_)
                | HostFault::Panic(_),
            ) => Culprit::Host,
            Self::Denied { .. } | Self::Operator { .. } => Culprit::Operator,
        }
    }

    /// A stable code, part of the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "guest_trap",
            Self::Contract { .. } => "guest_contract",
            Self::Limit { which, .. } => match which {
                LimitKind::Memory => "limit_memory",
                LimitKind::TableEntries => "limit_table_entries",
                LimitKind::Stack => "limit_stack",
                LimitKind::Transfer => "limit_transfer",
                LimitKind::Instances => "limit_instances",
                LimitKind::Handles => "limit_handles",
            },
            Self::Deadline { at: DeadlineAt::GuestCode, .. } => "deadline_guest_code",
            Self::Deadline { at: DeadlineAt::HostWait, .. } => "deadline_host_wait",
            Self::Denied { .. } => "denied",
            Self::Diverged { .. } => "guest_diverged",
            Self::Host(HostFault::Busy { .. }) => "host_busy",
            Self::Host(HostFault::Late) => "host_late",
            Self::Host(HostFault::Outrun) => "host_outrun",
            Self::Host(HostFault::NotKept(_)) => "host_journal",
            Self::Host(HostFault::Tripped { .. }) => "provider_tripped",
            Self::Host(HostFault::Instantiation(_)) => "host_instantiation",
            Self::Host(HostFault::Panic(_)) => "host_panic",
            Self::Operator { .. } => "operator_settings",
        }
    }

    /// What it says of the money.
    #[must_use]
    pub fn implies(&self) -> MoneyImplication {
        match self {
            Self::Host(
                HostFault::Busy { .. } | HostFault::Late | HostFault::Tripped { .. } | HostFault::Instantiation(_),
            )
            | Self::Operator { .. } => MoneyImplication::NothingSent,
            Self::Contract { .. } => MoneyImplication::Answered,
            // A denied request was not sent, but another one may have been sent before it.
            Self::Trap { .. }
            | Self::Limit { .. }
            | Self::Deadline { .. }
            | Self::Denied { .. }
            | Self::Diverged { .. }
            | Self::Host(HostFault::Outrun | HostFault::NotKept(_) | HostFault::Panic(_)) => {
                MoneyImplication::MayHaveBeenSent
            }
        }
    }

    /// Whether a request may have left. Only proof makes it `false`.
    #[must_use]
    pub fn request_may_have_been_sent(&self) -> bool {
        match self.implies() {
            MoneyImplication::NothingSent => false,
            MoneyImplication::MayHaveBeenSent | MoneyImplication::Answered => true,
        }
    }

    pub(crate) fn contract(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::Contract { field: field.into(), rule: rule.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap { message, frames, stderr } => {
                write!(f, "the provider trapped: {message}")?;
                if let Some(frame) = frames.first() {
                    write!(f, " in {frame}")?;
                }
                if !stderr.is_empty() {
                    write!(f, "; it said: {}", stderr.trim_end())?;
                }
                Ok(())
            }
            Self::Contract { field, rule } => write!(f, "the provider broke the contract: {field}: {rule}"),
            Self::Limit { which, used, allowed } => {
                write!(f, "the provider crossed its {} limit: ", which.as_str())?;
                if let Some(used) = used {
                    write!(f, "asked for {used}, ")?;
                }
                write!(f, "allowed are {allowed} {}", which.unit())
            }
            Self::Deadline { at, deadline_ms, frames } => {
                let place = match at {
                    DeadlineAt::GuestCode => "its own code",
                    DeadlineAt::HostWait => "a wait it asked the host for",
                };
                write!(f, "the provider did not answer within {deadline_ms} ms; it was in {place}")?;
                match frames.first() {
                    Some(frame) => write!(f, ": {frame}"),
                    None => Ok(()),
                }
            }
            Self::Denied { what, grant } => write!(f, "the provider wanted {what}; to grant it, add: {grant}"),
            Self::Host(HostFault::Busy { scope }) => {
                write!(f, "no free slot before the deadline ({scope} limit on concurrent calls); nothing was sent")
            }
            Self::Host(HostFault::Late) => f.write_str(
                "the host was held up for longer than the operation belongs to it; nothing was sent, try again",
            ),
            Self::Diverged { recorded, asked } => write!(
                f,
                "the provider was run again from the journal and asked for {asked}, where {recorded} is written down"
            ),
            Self::Host(HostFault::Outrun) => {
                f.write_str("the operation came to belong to another host in the middle of the call; no more was sent")
            }
            Self::Host(HostFault::NotKept(why)) => write!(f, "the journal of the call could not be written: {why}"),
            Self::Host(HostFault::Tripped { retry_after_ms }) => write!(
                f,
                "the provider broke in call after call and is not called for another {retry_after_ms} ms; nothing was sent"
            ),
            Self::Host(HostFault::Instantiation(why)) => write!(f, "the host could not start the provider: {why}"),
            Self::Host(HostFault::Panic(why)) => write!(f, "the host panicked during the call: {why}"),
            Self::Operator { setting, message } => write!(f, "setting `{setting}`: {message}"),
        }
    }
}

impl std::error::Error for Fault {}
