//! What the optional interfaces may answer at most: each limit met exactly and passed, and one more refused by name.
//!
//! The guest answers as much as it is told to. It refuses to look at what an honest answer means; `whole.rs` does.

use std::fmt::Debug;

use tillbox_artifacts::OVERDOES;
use tillbox_core::Timestamp;
use tillbox_runtime::limits::{
    CLAIMS_MAX, CLIENT_DATA_BYTES_MAX, CODE_BYTES_MAX, JSON_BYTES_MAX, PAYMENT_METHODS_MAX, REFERENCE_BYTES_MAX,
};
use tillbox_runtime::request::{AccountHolder, CallContext, Delivery};
use tillbox_runtime::{Call, ComponentProvider, Failure, Fault, MoneyImplication, Provider};

use crate::support::{context, fault, json, provider};

fn told(what: &str, count: usize) -> CallContext {
    let holder = AccountHolder { external_id: format!("{what}={count}"), data: json("{}") };
    CallContext { account_holder: Some(holder), ..context(10_000) }
}

/// The field that a contract fault names; none when there is an answer, or an error that keeps the contract.
fn field<T: Debug>(call: Call<T>) -> Option<String> {
    if matches!(call.answer, Ok(_) | Err(Failure::Error(_))) {
        return None;
    }
    let fault = fault(call);
    assert_eq!((fault.code(), fault.implies()), ("guest_contract", MoneyImplication::Answered), "{fault}");
    let Fault::Contract { field, .. } = fault else { panic!("{fault:?}") };
    Some(field)
}

async fn overdone_by(provider: &ComponentProvider, function: &str, what: &str, count: usize) -> Option<String> {
    let context = told(what, count);
    match function {
        "create" => field(provider.create_account_holder(context, json("{}")).await),
        "update" => field(provider.update_account_holder(context, json("{}")).await),
        "retrieve" => field(provider.retrieve_account_holder(context).await),
        "delete-holder" => field(provider.delete_account_holder(context).await),
        "list" => field(provider.list_payment_methods(context).await),
        "save" => field(provider.save_payment_method(context, json("{}")).await),
        "delete-method" => field(provider.delete_payment_method(context, "pm_1".into()).await),
        other => panic!("no function {other}"),
    }
}

#[tokio::test]
async fn account_holders_and_payment_methods_keep_their_limits() {
    let overdoes = provider(OVERDOES).await;
    const HOLDERS: &[&str] = &["create", "update", "retrieve"];
    const METHODS: &[&str] = &["list", "save"];
    const ALL: &[&str] = &["create", "update", "retrieve", "delete-holder", "save", "list", "delete-method"];
    let cases = [
        (HOLDERS, "id", REFERENCE_BYTES_MAX, "account-holder.external-id"),
        (HOLDERS, "data", JSON_BYTES_MAX, "account-holder.data"),
        (METHODS, "id", REFERENCE_BYTES_MAX, "payment-method.id"),
        (METHODS, "display", CLIENT_DATA_BYTES_MAX, "payment-method.display"),
        (METHODS, "data", JSON_BYTES_MAX, "payment-method.data"),
        (&["list"], "methods", PAYMENT_METHODS_MAX, "list-methods"),
        (ALL, "error-code", CODE_BYTES_MAX, "error.code"),
    ];
    for (functions, what, most, want) in cases {
        for function in functions {
            assert_eq!(overdone_by(&overdoes, function, what, most).await, None, "{function} {what}={most}");
            let named = overdone_by(&overdoes, function, what, most + 1).await;
            assert_eq!(named.as_deref(), Some(want), "{function} {what}={}", most + 1);
        }
    }
    for (function, want) in [("create", "account-holder.external-id"), ("save", "payment-method.id")] {
        assert_eq!(overdone_by(&overdoes, function, "id", 0).await.as_deref(), Some(want), "no id");
    }
}

#[tokio::test]
async fn claims_keep_their_limits() {
    let overdoes = provider(OVERDOES).await;
    let receive = async |what: &str, count: usize| {
        let delivery = Delivery {
            headers: Vec::new(),
            query: format!("{what}={count}"),
            body: Vec::new(),
            received_at: Timestamp(1_763_683_896_000),
            deadline_ms: 10_000,
        };
        field(overdoes.receive_webhook(delivery).await)
    };
    for (what, most, want) in [
        ("claims", CLAIMS_MAX, "receive"),
        ("event-id", REFERENCE_BYTES_MAX, "evidence.event-id"),
        ("reference", REFERENCE_BYTES_MAX, "evidence.subject.provider-reference"),
        ("reason", CODE_BYTES_MAX, "evidence.reason"),
        ("extensions", JSON_BYTES_MAX, "evidence.extensions"),
        ("error-code", CODE_BYTES_MAX, "error.code"),
    ] {
        assert_eq!(receive(what, most).await, None, "{what}={most}");
        assert_eq!(receive(what, most + 1).await.as_deref(), Some(want), "{what}={}", most + 1);
    }
    assert_eq!(receive("exponent", 5).await.as_deref(), Some("evidence.amount"));
    assert_eq!(receive("session", 10).await.as_deref(), Some("evidence.subject.session"));
    assert_eq!(receive("operation-id", 10).await.as_deref(), Some("evidence.operation-id"));
}
