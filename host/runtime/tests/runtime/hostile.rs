//! Every hostile guest is contained and classified: the exact code, the right culprit, and what it means for the money.

use tillbox_artifacts::{HOSTILE, WANTS_FILES};
use tillbox_core::outcome::ErrorKind;
use tillbox_runtime::fault::{DeadlineAt, LimitKind};
use tillbox_runtime::limits::{
    HANDLES_MAX, LOG_LINE_BYTES_MAX, LOG_LINES_MAX, MEMORY_BYTES_SCRIPTED, MEMORY_BYTES_STANDARD, NAME_BYTES_MAX,
    PRINTED_BYTES_MAX, Profile, RANDOM_BYTES_MAX, STACK_BYTES, TABLE_ENTRIES_MAX, TRANSFER_BYTES_MAX,
};
use tillbox_runtime::{Call, Culprit, Failure, Fault, Grants, MoneyImplication};

use crate::support::{call, fault, initiate, package, provider, retrieve};

type Outcome = tillbox_core::outcome::Outcome;

const DEADLINE_MS: u32 = 300;

async fn misbehave(name: &str) -> Call<Outcome> {
    let hostile = provider(HOSTILE).await;
    initiate(&*hostile, &format!("{{\"misbehave\":\"{name}\"}}"), DEADLINE_MS * 20).await
}

#[tokio::test]
async fn an_endless_loop_meets_its_deadline_in_guest_code() {
    let hostile = provider(HOSTILE).await;
    let call = initiate(&*hostile, r#"{"misbehave":"infinite-loop"}"#, DEADLINE_MS).await;
    assert!(call.report.duration.as_millis() < u128::from(DEADLINE_MS) * 10, "{:?}", call.report.duration);
    let fault = fault(call);
    assert_eq!(fault.code(), "deadline_guest_code");
    assert_eq!((fault.culprit(), fault.implies()), (Culprit::Guest, MoneyImplication::MayHaveBeenSent));
    let Fault::Deadline { at: DeadlineAt::GuestCode, deadline_ms: DEADLINE_MS, frames } = fault else {
        panic!("{fault:?}");
    };
    assert!(frames.iter().any(|frame| frame.contains("infinite_loop")), "{frames:?}");
}

#[tokio::test]
async fn a_sleep_meets_its_deadline_in_a_host_wait() {
    let hostile = provider(HOSTILE).await;
    let call = initiate(&*hostile, r#"{"misbehave":"sleep"}"#, DEADLINE_MS).await;
    assert!(call.report.duration.as_millis() < u128::from(DEADLINE_MS) * 10, "{:?}", call.report.duration);
    let fault = fault(call);
    assert_eq!(fault.code(), "deadline_host_wait");
    assert!(fault.request_may_have_been_sent());
}

#[tokio::test]
async fn limits_are_enforced_and_named() {
    let cases = [
        ("memory-growth", LimitKind::Memory, MEMORY_BYTES_STANDARD, "limit_memory"),
        ("table-growth", LimitKind::TableEntries, TABLE_ENTRIES_MAX, "limit_table_entries"),
        ("handle-flood", LimitKind::Handles, HANDLES_MAX, "limit_handles"),
        ("deep-recursion", LimitKind::Stack, STACK_BYTES, "limit_stack"),
        ("oversized-result", LimitKind::Transfer, TRANSFER_BYTES_MAX, "limit_transfer"),
    ];
    for (name, kind, limit, code) in cases {
        let call = misbehave(name).await;
        let peak = call.report.memory_bytes_peak;
        assert!(peak > 0 && peak <= MEMORY_BYTES_STANDARD as u64, "{name}: {peak} bytes");
        let fault = fault(call);
        assert_eq!((fault.code(), fault.culprit()), (code, Culprit::Guest), "{name}: {fault}");
        let Fault::Limit { which, used, allowed } = fault else { panic!("{name}: {fault:?}") };
        assert_eq!((which, allowed), (kind, limit as u64), "{name}");
        assert!(used.is_none_or(|used| used > allowed), "{name}: {used:?}");
    }
}

#[tokio::test]
async fn a_profile_is_a_limit_of_its_own() {
    let grants = Grants { profile: Profile::Scripted, ..Grants::default() };
    let hostile = package(HOSTILE).await.grant(grants).unwrap();
    let call = initiate(&*hostile, r#"{"misbehave":"memory-growth"}"#, 10_000).await;
    assert!(call.report.memory_bytes_peak > MEMORY_BYTES_STANDARD as u64);
    let Fault::Limit { allowed, .. } = fault(call) else { panic!("a limit was due") };
    assert_eq!(allowed, MEMORY_BYTES_SCRIPTED as u64);
}

#[tokio::test]
async fn traps_are_told_with_place_and_last_words() {
    for (name, words) in [("trap", "unreachable"), ("panic", "unreachable"), ("exit", "ended its process")] {
        let Fault::Trap { message, frames, stderr } = fault(misbehave(name).await) else { panic!("{name}") };
        assert!(message.contains(words), "{name}: {message}");
        assert!(!frames.is_empty(), "{name} has no frames");
        assert_eq!(stderr.contains("panicked at"), name == "panic", "{name}: {stderr}");
        assert!(!stderr.contains('\n') && !stderr.contains('\u{1b}'), "{name}: {stderr}");
    }
    assert_eq!(fault(misbehave("text-not-utf8").await).code(), "guest_trap");
}

/// The bytes would be the host's memory; the guest is told nothing but no.
#[tokio::test]
async fn random_bytes_are_limited_in_one_request() {
    let most = misbehave("random-most").await.answer.unwrap();
    assert_eq!(most.data.as_str(), format!("{{\"random_bytes\":{RANDOM_BYTES_MAX}}}"));
    let Fault::Trap { message, frames, .. } = fault(misbehave("random-flood").await) else { panic!("a trap was due") };
    assert!(message.contains(&format!("exceeds limit {RANDOM_BYTES_MAX}")), "{message}");
    assert!(frames.iter().any(|frame| frame.contains("random")), "{frames:?}");
}

#[tokio::test]
async fn lies_are_found_and_named() {
    let cases = [
        ("data-not-json", "outcome.data"),
        ("data-not-object", "outcome.data"),
        ("data-too-large", "outcome.data"),
        ("data-too-deep", "outcome.data"),
        ("data-duplicate-keys", "outcome.data"),
        ("client-data-too-large", "outcome.client-data"),
        ("extensions-not-object", "outcome.extensions"),
        ("amount-negative", "outcome.amount"),
        ("amount-too-large", "outcome.amount"),
        ("currency-unknown", "outcome.amount"),
        ("decline-without-declined", "outcome.decline"),
        ("declined-without-decline", "outcome.decline"),
        ("decline-code-malformed", "outcome.decline.code"),
        ("requires-more-without-action", "outcome.next-action"),
        ("action-without-requires-more", "outcome.next-action"),
        ("action-script-url", "outcome.next-action"),
        ("action-plain-http", "outcome.next-action"),
        ("action-url-with-password", "outcome.next-action"),
        ("reference-too-long", "outcome.provider-reference"),
    ];
    for (name, want) in cases {
        let fault = fault(misbehave(name).await);
        assert_eq!((fault.code(), fault.implies()), ("guest_contract", MoneyImplication::Answered), "{name}: {fault}");
        let Fault::Contract { field, rule } = fault else { panic!("{name}") };
        assert_eq!(field, want, "{name}: {rule}");
    }
}

/// A wrong amount is no broken rule of the border: whoever knows what was asked compares.
#[tokio::test]
async fn wrong_but_possible_amounts_pass_the_border() {
    for name in ["amount-other", "currency-other", "exponent-other"] {
        assert!(misbehave(name).await.answer.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn every_function_is_contained() {
    let hostile = provider(HOSTILE).await;
    for function in ["update", "authorize", "capture", "refund", "cancel", "delete", "status"] {
        let data = format!("{{\"misbehave\":\"trap\",\"in\":\"{function}\"}}");
        assert_eq!(fault(call(&*hostile, function, &data).await).code(), "guest_trap", "{function}");
        assert!(call(&*hostile, function, "{}").await.answer.is_ok(), "{function}");
    }
    let data = "{\"misbehave\":\"trap\",\"in\":\"retrieve\"}";
    assert_eq!(fault(retrieve(&*hostile, data).await).code(), "guest_trap");
    assert!(retrieve(&*hostile, "{}").await.answer.is_ok());
}

#[tokio::test]
async fn a_log_flood_is_cut_cleaned_and_counted() {
    let call = misbehave("log-flood").await;
    assert!(call.answer.is_ok());
    assert_eq!(call.report.log.len(), LOG_LINES_MAX);
    assert_eq!(call.report.log_lines_dropped as usize, 10_000 - LOG_LINES_MAX);
    assert_eq!(call.report.host_calls, 10_000);
    for line in &call.report.log {
        assert!(!line.message.chars().any(|c| c.is_control() || c == '\u{202e}'), "{:?}", line.message);
    }
}

#[tokio::test]
async fn long_lines_are_cut_and_card_numbers_redacted() {
    let call = misbehave("log-huge").await;
    assert!(call.answer.is_ok(), "{:?}", call.answer);
    let line = &call.report.log[0];
    assert_eq!(line.message.len(), LOG_LINE_BYTES_MAX);
    assert_eq!((line.fields[0].0.len(), line.fields[0].1.len()), (NAME_BYTES_MAX, LOG_LINE_BYTES_MAX));

    let call = misbehave("log-secrets").await;
    let line = &call.report.log[0];
    assert_eq!(line.message, "card [redacted] was charged");
    assert_eq!(line.fields[0].1, "[redacted]");
}

#[tokio::test]
async fn a_flood_of_output_costs_nothing() {
    let call = misbehave("stdout-flood").await;
    assert!(call.answer.is_ok());
    assert!(!call.report.printed.is_empty() && call.report.printed.len() <= PRINTED_BYTES_MAX);
}

#[tokio::test]
async fn an_error_with_escapes_is_an_error_without_them() {
    let Err(Failure::Error(error)) = misbehave("error-with-escapes").await.answer else { panic!("an error was due") };
    assert_eq!(error.kind, ErrorKind::Other("[31m".into()));
    assert_eq!(error.code, "code ");
    assert_eq!(error.message, "[2Jcard [redacted] was refused  INFO forged line");
}

#[tokio::test]
async fn nothing_outlives_a_call_and_nothing_is_there_to_see() {
    let first = misbehave("count-calls").await.answer.unwrap();
    let second = misbehave("count-calls").await.answer.unwrap();
    assert_eq!(first.data, second.data, "{} and {}", first.data.as_str(), second.data.as_str());

    let seen = misbehave("read-environment").await.answer.unwrap();
    assert!(!seen.data.as_str().contains("PATH"), "{}", seen.data.as_str());

    let files = provider(WANTS_FILES).await;
    let seen = initiate(&*files, "{}", 5_000).await.answer.unwrap();
    assert_eq!(seen.data.as_str(), r#"{"root":0,"here":0}"#);
}
