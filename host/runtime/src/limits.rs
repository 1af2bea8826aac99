//! Every limit of the runtime, by name, with its unit and the reason for the number.
//!
//! One function sets those of a call: `instance::fresh_store`. A limit that has no test which fails when it is not
//! enforced is no limit; see `tests/runtime`.

/// Bytes of component taken in: the largest guest seen in any language is 18.5 MB (Python); three times that.
pub const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Milliseconds a compilation may take before it is given up: the largest guests take 24 s on a loaded machine.
pub const COMPILE_MS_MAX: u64 = 180_000;

/// Compilations at once. Each takes as many cores as it finds and up to 450 MB; more at once only swap.
pub const COMPILES_MAX: usize = 1;

/// Bytes of linear memory of an ordinary guest (`standard` profile). Rust and C guests use 1 to 2 MiB.
pub const MEMORY_BYTES_STANDARD: usize = 64 * 1024 * 1024;

/// Bytes of linear memory of a guest that brings a language engine (`scripted` profile).
pub const MEMORY_BYTES_SCRIPTED: usize = 256 * 1024 * 1024;

/// Bytes of linear memory while `describe` is asked: the contract's own limit.
pub const MEMORY_BYTES_DESCRIBE: usize = 16 * 1024 * 1024;

/// Core memories of one component: its own, and one for an adapter.
pub const MEMORIES_MAX: usize = 4;

/// Core tables of one component: one per linked module, and the shims of the toolchain.
pub const TABLES_MAX: usize = 16;

/// Entries of one table. A table holds function pointers; the largest language engine has about 15,000.
pub const TABLE_ENTRIES_MAX: usize = 20_000;

/// Core instances of one component: Rust has four, Python's dynamic linking about twenty.
pub const INSTANCES_MAX: usize = 48;

/// Bytes of the engine's own record of one core instance: 1 MiB is its default, and every guest seen fits.
pub const INSTANCE_RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of WebAssembly stack: the engine's default; deep enough for parsers, shallow enough to be cheap.
pub const STACK_BYTES: usize = 512 * 1024;

/// Bytes of the fiber a call runs on. What is over [`STACK_BYTES`] belongs to host functions.
pub const FIBER_BYTES: usize = 2 * 1024 * 1024;

/// Bytes the host copies out of a guest for one call or one host function. The engine's default is 128 MiB; an honest
/// answer (64 claims of a webhook, or a hundred saved methods) stays below 2 MiB. Twice that, so that a log line which is
/// far too long is cut like any other and does not end the call.
pub const TRANSFER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Handles (streams, pollables, files that do not exist) a guest holds at once. Honest guests hold fewer than ten.
pub const HANDLES_MAX: usize = 1_000;

/// Random bytes in one request. The engine's default of 64 MiB would be the host's memory, not the guest's.
pub const RANDOM_BYTES_MAX: u64 = 64 * 1024;

/// Milliseconds between two looks at the deadline while a guest computes.
pub const TICK_MS: u64 = 5;

/// Ticks that a computing guest is given past its deadline before the outer time-out ends it without a backtrace.
pub const TICKS_GRACE: u32 = 4;

/// Milliseconds a call may take when the caller does not say: gateways answer within ten seconds or not at all.
pub const DEADLINE_MS_DEFAULT: u32 = 10_000;

/// Milliseconds `describe` may take: the contract's own limit.
pub const DEADLINE_MS_DESCRIBE: u32 = 1_000;

/// Calls at once in the whole process. 64 calls of 64 MiB are 4 GiB in the worst case.
pub const CALLS_MAX_DEFAULT: u32 = 64;

/// Calls at once of one provider: half of all, so that a slow one cannot take every slot.
pub const CALLS_PER_PROVIDER_DEFAULT: u32 = 32;

/// Bytes of linear memory that stay mapped in a free slot, cleared, for the next call (with the pagemap scan).
pub const KEEP_RESIDENT_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of a JSON text: the contract's limit.
pub const JSON_BYTES_MAX: usize = 65_536;

/// Levels of a JSON text: the contract's limit.
pub const JSON_DEPTH_MAX: usize = 32;

/// Bytes of client data: the contract's limit.
pub const CLIENT_DATA_BYTES_MAX: usize = 16_384;

/// Bytes of a settings value: the contract's limit.
pub const SETTING_BYTES_MAX: usize = 16_384;

/// Bytes of a name (of a setting, a secret, a log field): the contract's limit.
pub const NAME_BYTES_MAX: usize = 64;

/// Bytes of a provider's identifier: the contract's limit.
pub const IDENTIFIER_BYTES_MAX: usize = 48;

/// Bytes of a display name: the contract's limit.
pub const DISPLAY_NAME_BYTES_MAX: usize = 128;

/// Bytes of a version: no honest one is longer.
pub const VERSION_BYTES_MAX: usize = 64;

/// Bytes of a code (of a decline, an error, a reason): the contract's limit.
pub const CODE_BYTES_MAX: usize = 64;

/// Bytes of a message for operators: the contract's limit.
pub const MESSAGE_BYTES_MAX: usize = 1_024;

/// Bytes of an id the gateway made: the contract's limit.
pub const REFERENCE_BYTES_MAX: usize = 255;

/// Bytes of a URL: RFC 9110 section 4.1 recommends that 8,000 be supported; hosted payment pages use far fewer.
pub const URL_BYTES_MAX: usize = 8_000;

/// Bytes of a host name: RFC 1035 section 2.3.4.
pub const HOST_NAME_BYTES_MAX: usize = 253;

/// Hosts, secrets or currencies one provider may want or take. ISO 4217 has fewer than 200 codes.
pub const WANTED_MAX: usize = 256;

/// Bytes of all of `describe`: the contract's limit.
pub const DESCRIBE_BYTES_MAX: usize = 65_536;

/// Claims in one webhook delivery: the contract's limit.
pub const CLAIMS_MAX: usize = 64;

/// Saved payment methods in one answer: the contract's limit.
pub const PAYMENT_METHODS_MAX: usize = 100;

/// Log lines of one call: the contract's limit.
pub const LOG_LINES_MAX: usize = 100;

/// Bytes of a log line, and of a field's value: the contract's limit.
pub const LOG_LINE_BYTES_MAX: usize = 1_024;

/// Fields of a log line. A line with more is a dump, not a line.
pub const LOG_FIELDS_MAX: usize = 16;

/// Bytes kept of what a guest prints: the end, where a panic message stands.
pub const PRINTED_BYTES_MAX: usize = 4_096;

/// Bytes a guest may hand over in one write to its standard output or error.
pub const PRINT_CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Frames kept of a trap's backtrace: enough to find the place, too few to flood a log.
pub const FRAMES_MAX: usize = 20;

/// Bytes kept of a frame's name. Names of generic functions grow without end.
pub const FRAME_BYTES_MAX: usize = 256;

/// How much a guest is given: the choice an operator has beside single numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// [`MEMORY_BYTES_STANDARD`]: Rust, C, Go.
    #[default]
    Standard,
    /// [`MEMORY_BYTES_SCRIPTED`]: JavaScript, Python and other guests that bring an engine.
    Scripted,
}

/// The limits of one call, as `instance::fresh_store` sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Bytes of linear memory.
    pub memory_bytes: usize,
    /// Entries of one table.
    pub table_entries: usize,
    /// Core instances.
    pub instances: usize,
    /// Core memories.
    pub memories: usize,
    /// Core tables.
    pub tables: usize,
    /// Bytes the host copies out of the guest.
    pub transfer_bytes: usize,
    /// Handles held at once.
    pub handles: usize,
}

impl CallLimits {
    /// The limits of an ordinary call.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        let memory_bytes = match profile {
            Profile::Standard => MEMORY_BYTES_STANDARD,
            Profile::Scripted => MEMORY_BYTES_SCRIPTED,
        };
        Self {
            memory_bytes,
            table_entries: TABLE_ENTRIES_MAX,
            instances: INSTANCES_MAX,
            memories: MEMORIES_MAX,
            tables: TABLES_MAX,
            transfer_bytes: TRANSFER_BYTES_MAX,
            handles: HANDLES_MAX,
        }
    }

    /// The tiny limits under which `describe` is asked.
    #[must_use]
    pub fn describe() -> Self {
        Self {
            memory_bytes: MEMORY_BYTES_DESCRIBE,
            // Twice the answer: strings are copied as text, lists with their length words.
            transfer_bytes: 2 * DESCRIBE_BYTES_MAX,
            ..Self::of(Profile::Standard)
        }
    }
}
