//! The journal of a call: what is kept before anything leaves, what before the guest sees it, and the same call again without
//! a network.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use tillbox_artifacts::{CALLS_WASI, SENDS};
use tillbox_core::outcome::Outcome;
use tillbox_runtime::fault::HostFault;
use tillbox_runtime::journal::{Ended, Intent, Journal, Keeping, Moment, NotKept, Recorded};
use tillbox_runtime::request::{CallContext, InitiateRequest, RetrieveRequest};
use tillbox_runtime::{Call, ComponentProvider, Failure, Fault, Left, Provider};

use crate::egress::{Manner, Server, answer};
use crate::support::{context, euro, fault, json as checked, package, payment};

/// Keeps in memory, and tells in which order it was asked to.
#[derive(Default)]
struct Memory {
    heard: Mutex<Vec<String>>,
    intents: Mutex<Vec<Intent>>,
    ended: Mutex<Vec<Ended>>,
    /// What it refuses to keep: `intent 2`, `end 1`.
    refuses: Option<(&'static str, NotKept)>,
}

impl Memory {
    fn hear(&self, what: String) -> Result<(), NotKept> {
        let refused = self.refuses.as_ref().filter(|(refused, _)| *refused == what);
        self.heard.lock().unwrap().push(what);
        refused.map_or(Ok(()), |(_, why)| Err(why.clone()))
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn recorded(&self) -> Vec<Recorded> {
        let (intents, ended) = (self.intents.lock().unwrap(), self.ended.lock().unwrap());
        let pairs = intents.iter().zip(ended.iter());
        let recorded = |(intent, ended): (&Intent, &Ended)| Recorded {
            method: intent.method.clone(),
            host: intent.host.clone(),
            path: intent.path.clone(),
            digest: intent.digest.clone(),
            idempotency_key: intent.idempotency_key.clone(),
            inputs: intent.inputs.clone(),
            left: ended.left,
            answer: ended.answer.clone(),
        };
        pairs.map(recorded).collect()
    }
}

#[async_trait]
impl Journal for Memory {
    async fn about_to_send(&self, intent: Intent) -> Result<(), NotKept> {
        self.hear(format!("intent {}", intent.sequence))?;
        self.intents.lock().unwrap().push(intent);
        Ok(())
    }

    async fn ended(&self, ended: Ended) -> Result<(), NotKept> {
        self.hear(format!("end {}", ended.sequence))?;
        self.ended.lock().unwrap().push(ended);
        Ok(())
    }

    fn key(&self, step: u32) -> String {
        format!("step-{step}")
    }

    fn passed(&self, moment: Moment) {
        drop(self.hear(format!("{moment:?}")));
    }
}

async fn provider(server: &Server, settings: Value) -> Arc<ComponentProvider> {
    let interfaces = ["secrets", "crypto", "http"];
    let grants = json!({ "interfaces": interfaces, "hosts": [server.grant()], "settings": settings });
    package(SENDS).await.grant(serde_json::from_value(grants).unwrap()).unwrap()
}

async fn call(provider: &ComponentProvider, order: &Value, keeping: Keeping) -> Call<Outcome> {
    let context = CallContext { idempotency_key: "host-key".to_owned(), keeping, ..context(5_000) };
    provider.initiate(context, InitiateRequest { amount: euro(1050), input: checked(&order.to_string()) }).await
}

fn told(call: &Call<Outcome>) -> Value {
    let outcome = call.answer.as_ref().unwrap_or_else(|failure| panic!("{failure:?}"));
    serde_json::from_str(outcome.data.as_str()).unwrap()
}

fn keeping(memory: &Arc<Memory>) -> Keeping {
    Keeping::new(Arc::clone(memory) as Arc<dyn Journal>)
}

fn again(memory: &Arc<Memory>, recorded: Vec<Recorded>) -> Keeping {
    Keeping::again(Arc::clone(memory) as Arc<dyn Journal>, recorded)
}

fn post(server: &Server) -> Value {
    json!({ "method": "POST", "url": server.url("/v1/x?a=b"), "key": "the guest's own", "stamp": true })
}

async fn answering() -> Server {
    Server::start(Manner::Answers(answer("200 OK", b"{\"id\":\"pi_1\"}"))).await
}

#[tokio::test]
async fn everything_is_kept_before_it_counts_and_carries_the_hosts_own_key() {
    let server = answering().await;
    let provider = provider(&server, json!({})).await;
    let memory = Arc::new(Memory::default());
    let get = json!({ "url": server.url("/v1/y"), "key": "the guest's own" });
    let order = json!({ "calls": [post(&server), get, post(&server)] });
    let called = call(&provider, &order, keeping(&memory)).await;
    assert_eq!(told(&called)["calls"][2]["status"], 200);
    let one = |n: u32| {
        let moments = ["BeforeFirstByte", "RequestSent", "AnswerRead"].map(str::to_owned);
        [vec![format!("intent {n}")], moments.into(), vec![format!("end {n}"), "BeforeGuest".to_owned()]].concat()
    };
    assert_eq!(memory.heard(), [one(1), one(2), one(3)].concat());
    let keys: Vec<_> = memory.intents.lock().unwrap().iter().map(|intent| intent.idempotency_key.clone()).collect();
    assert_eq!(keys, [Some("host-key".to_owned()), None, Some("step-2".to_owned())]);
    let heard = server.heard();
    assert!(heard[0].contains("idempotency-key: host-key\r\n") && heard[2].contains("idempotency-key: step-2\r\n"));
    assert!(!heard[1].contains("idempotency-key") && !heard.concat().contains("the guest's own"), "{heard:?}");
    let intent = memory.intents.lock().unwrap()[0].clone();
    assert_eq!((intent.path.as_str(), intent.message.query.as_str(), intent.may_change()), ("/v1/x", "a=b", true));
    assert!(!intent.inputs.wall.is_empty() && !intent.inputs.monotonic.is_empty() && intent.digest.len() == 64);
}

#[tokio::test]
async fn the_same_call_again_says_the_same_without_a_network() {
    let server = answering().await;
    let memory = Arc::new(Memory::default());
    let order = json!({ "calls": [post(&server), post(&server)], "then": "trap" });
    let first = call(provider(&server, json!({})).await.as_ref(), &order, keeping(&memory)).await;
    assert!(matches!(fault(first), Fault::Trap { .. }));
    let (recorded, heard) = (memory.recorded(), server.heard());
    assert_eq!(recorded.len(), 2);
    assert_ne!(recorded[0].digest, recorded[1].digest, "clocks and randomness are in what was sent");
    // It traps again, over the same answers; a version that does not, reads them.
    let second = Arc::new(Memory::default());
    let trapped = call(provider(&server, json!({})).await.as_ref(), &order, again(&second, recorded.clone())).await;
    assert_eq!(trapped.report.left, Some(Left::Answered));
    assert!(matches!(fault(trapped), Fault::Trap { .. }));
    let calm = provider(&server, json!({ "calm": true })).await;
    let read = call(&calm, &order, again(&second, recorded.clone())).await;
    assert_eq!(told(&read)["calls"][1]["body"], "{\"id\":\"pi_1\"}");
    assert_eq!(read.report.exchanges.len(), 2);
    assert_eq!((server.heard(), second.heard()), (heard.clone(), Vec::new()), "not a byte, and nothing kept anew");
    // What was cut off goes on where it was: the first is told again, the second is sent.
    let third = Arc::new(Memory::default());
    let cut = call(&calm, &order, again(&third, recorded[..1].to_vec())).await;
    assert_eq!(told(&cut)["calls"].as_array().unwrap().len(), 2);
    assert_eq!((server.heard().len(), third.heard()[0].as_str()), (heard.len() + 1, "intent 2"));
    assert!(server.heard()[2].contains("idempotency-key: step-2\r\n"));
}

#[tokio::test]
async fn another_course_is_named_and_sends_nothing() {
    let server = answering().await;
    let memory = Arc::new(Memory::default());
    let plain = provider(&server, json!({})).await;
    let order = json!({ "calls": [post(&server), post(&server)] });
    call(&plain, &order, keeping(&memory)).await.answer.unwrap();
    let heard = server.heard();
    let bent = provider(&server, json!({ "bent": true })).await;
    let diverged = call(&bent, &order, again(&memory, memory.recorded())).await;
    assert_eq!(diverged.report.left, Some(Left::Answered));
    let fault_of = fault(diverged);
    let Fault::Diverged { recorded, asked } = &fault_of else { panic!("{fault_of:?}") };
    assert_eq!(recorded, "POST 127.0.0.1/v1/x");
    assert!(asked.starts_with("POST 127.0.0.1/v1/x"), "{asked}");
    assert_eq!((fault_of.code(), fault_of.request_may_have_been_sent()), ("guest_diverged", true));
    // It asks for less than it did.
    let less = json!({ "calls": [post(&server)] });
    let diverged = call(&plain, &less, again(&memory, memory.recorded())).await;
    assert!(matches!(fault(diverged), Fault::Diverged { asked, .. } if asked == "nothing more"));
    assert_eq!(server.heard(), heard);
}

#[tokio::test]
async fn what_is_not_kept_is_not_sent_and_what_is_not_kept_is_not_seen() {
    let server = answering().await;
    let provider = provider(&server, json!({})).await;
    let order = json!({ "calls": [post(&server), post(&server)] });
    for (refused, why, left, requests) in [
        ("intent 1", NotKept::Lost, Left::Nothing, 0),
        ("intent 2", NotKept::Failed("the disk is full".to_owned()), Left::Answered, 1),
        ("end 2", NotKept::Lost, Left::Answered, 2),
    ] {
        let before = server.heard().len();
        let memory = Arc::new(Memory { refuses: Some((refused, why.clone())), ..Memory::default() });
        let called = call(&provider, &order, keeping(&memory)).await;
        assert_eq!(called.report.left, Some(left), "{refused}");
        assert_eq!(called.request_may_have_been_sent(), left != Left::Nothing);
        assert!(!format!("{:?}", called.answer).contains("pi_1"));
        match (why, fault(called)) {
            (NotKept::Lost, Fault::Host(HostFault::Outrun)) => {}
            (NotKept::Failed(why), Fault::Host(HostFault::NotKept(said))) => assert_eq!(why, said),
            (_, other) => panic!("{refused}: {other:?}"),
        }
        assert_eq!(server.heard().len() - before, requests, "{refused}");
    }
}

#[tokio::test]
async fn a_call_that_reads_sends_nothing_but_get_and_keeps_nothing() {
    let server = answering().await;
    let provider = provider(&server, json!({})).await;
    let memory = Arc::new(Memory::default());
    let data = json!({ "calls": [{ "url": server.url("/v1/y") }, post(&server)] }).to_string();
    let context = CallContext { keeping: keeping(&memory), ..context(5_000) };
    let call = provider.retrieve(context, RetrieveRequest { payment: payment(&data), operation: None }).await;
    let data = match &call.answer {
        Ok(snapshot) => snapshot.outcome.data.as_str().to_owned(),
        Err(Failure::Error(error)) => panic!("{error:?}"),
        Err(Failure::Fault(fault)) => panic!("{fault:?}"),
    };
    let told: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((told["calls"][0]["status"].as_u64(), told["calls"][1]["error"].as_str()), (Some(200), Some("invalid")));
    assert!(server.heard().len() == 1 && memory.intents.lock().unwrap().is_empty());
}

/// What comes in by `wasi:http` is kept, keyed and told again like what comes in by the contract's own door.
#[tokio::test]
async fn the_second_door_has_the_same_journal() {
    let server = answering().await;
    let provider = async || {
        let interfaces = ["secrets", "reveal", "crypto", "http"];
        let grants = json!({ "interfaces": interfaces, "hosts": [server.grant()] });
        package(CALLS_WASI).await.grant(serde_json::from_value(grants).unwrap()).unwrap()
    };
    let post = |late: bool| json!({ "method": "POST", "url": server.url("/v1/x"), "body": "amount=1", "late": late });
    let own =
        json!({ "method": "POST", "url": server.url("/v1/x"), "headers": [["idempotency-key", "the guest's own"]] });
    let order = json!({ "calls": [post(false), post(true), own] });
    let memory = Arc::new(Memory::default());
    let first = call(provider().await.as_ref(), &order, keeping(&memory)).await;
    assert_eq!(told(&first)["calls"][1]["status"], 200);
    let kept: Vec<String> = memory.heard().into_iter().filter(|what| what.contains(' ')).collect();
    assert_eq!(kept, ["intent 1", "end 1", "intent 2", "end 2", "intent 3", "end 3"]);
    let heard = server.heard();
    for (request, key) in heard.iter().zip(["host-key", "step-2", "step-3"]) {
        assert!(request.contains(&format!("idempotency-key: {key}\r\n")), "{request}");
    }
    let other = Arc::new(Memory::default());
    let second = call(provider().await.as_ref(), &order, again(&other, memory.recorded())).await;
    assert_eq!((told(&second), server.heard().len()), (told(&first), 3), "nothing was sent again");
    assert_eq!(second.report.left, Some(Left::Answered));
    // Another course than the one that is written down ends it, by this door as by the other.
    let order = json!({ "calls": [post(false), { "url": server.url("/v1/other") }] });
    let diverged = call(provider().await.as_ref(), &order, again(&other, memory.recorded())).await;
    assert!(matches!(fault(diverged), Fault::Diverged { .. }));
    assert_eq!(server.heard().len(), 3);
}
