//! A host that listens, with what a merchant's server and a storefront can ask of it, and two checks: what was answered, and
//! that a refused request left no trace.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tillbox::Host;
use tillbox::http::{JwtTokens, Server};
use tillbox::runtime::{ComponentProvider, Grants, Runtime, RuntimeConfig};
use tillbox::service::{ApiKey, NewApiKey};
use tillbox::store::Scope;
use tillbox_artifacts::{HOSTILE, MANUAL, STRIPE_MOCK, WHOLE};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, oneshot};

use crate::client::{Answer, Door, Request};

/// A person takes the money.
pub(crate) const MANUAL_ID: &str = "pp_manual_default";
/// Cards; captures when told to.
pub(crate) const CARDS: &str = "pp_stripe-mock_default";
/// Cards; captures at once.
pub(crate) const CARDS_AT_ONCE: &str = "pp_stripe-mock_at-once";
/// Cards and bank debits; takes webhooks signed with [`WEBHOOK_SECRET`].
pub(crate) const HOOKED: &str = "pp_stripe-mock_hooked";
/// What webhooks to [`HOOKED`] are signed with.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_of_the_integration_tests";
/// What customers' tokens are signed with.
pub(crate) const TOKEN_SECRET: &[u8] = b"the secret of the shop in the integration tests";
/// Misbehaves as its input says.
pub(crate) const ROGUE: &str = "pp_hostile_default";

/// Has every optional interface.
pub(crate) const WHOLE_ID: &str = "pp_whole_default";

/// Threads a host of a test has: two, so that requests really meet.
const THREADS: usize = 2;

struct Installed {
    id: &'static str,
    provider: Arc<ComponentProvider>,
}

/// Compiled once for all tests: compiling is most of their time.
async fn installed() -> &'static [Installed] {
    static INSTALLED: OnceCell<Vec<Installed>> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            let runtime = Runtime::new(RuntimeConfig::default()).expect("the engine starts");
            let mut installed = Vec::new();
            let automatic = Map::from_iter([("capture_method".to_owned(), json!("automatic"))]);
            let hooked = Map::from_iter([("webhook_secrets".to_owned(), json!([WEBHOOK_SECRET]))]);
            for (id, component, settings) in [
                ("default", MANUAL, Map::new()),
                ("default", STRIPE_MOCK, Map::new()),
                ("at-once", STRIPE_MOCK, automatic),
                ("hooked", STRIPE_MOCK, hooked),
                ("default", HOSTILE, Map::new()),
                ("default", WHOLE, Map::new()),
            ] {
                let package = runtime.check(component).await.expect("a good component");
                let provider = package.grant(Grants::with_settings(settings)).expect("it asks for nothing special");
                installed.push(Installed { id, provider });
            }
            installed
        })
        .await
}

/// The keys of a test: one that may do everything there is, and one for its storefront.
async fn keys(host: &Host) -> (String, String) {
    let secret = host.create_api_key(NewApiKey::secret([Scope::Operate, Scope::Administer])).await.expect("a key");
    let publishable = host.create_api_key(NewApiKey::publishable()).await.expect("a key");
    (secret.1.reveal().to_owned(), publishable.1.reveal().to_owned())
}

/// A host that listens.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    pub(crate) door: Door,
    directory: TempDir,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Shop {
    /// A new host with an empty database.
    pub(crate) fn open() -> Self {
        Self::open_in(tempfile::tempdir().expect("a place for files"))
    }

    fn open_in(directory: TempDir) -> Self {
        let database = directory.path().join("books.db");
        let (told, started) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(THREADS).enable_all().build().expect("threads");
            runtime.block_on(async {
                let mut host = Host::builder().database(database);
                for Installed { id, provider } in installed().await {
                    host = host.provider(id, Arc::clone(provider) as Arc<_>);
                }
                let host = host.build().await.expect("the database opens");
                let keys = keys(&host).await;
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
                let address = listener.local_addr().expect("an address");
                let (secret, publishable) = keys;
                let door = Door { address, secret, publishable, host: host.clone(), threads: Handle::current() };
                told.send(door).expect("the test waits for it");
                let shutdown = async { drop(stopped.await) };
                let server =
                    Server::new(host).customer_tokens(Arc::new(JwtTokens::hs256(TOKEN_SECRET).expect("long enough")));
                server.serve(listener, shutdown).await.expect("it serves until it is stopped");
            });
        });
        let door = started.recv().expect("the host starts");
        Self { address: door.address, door, directory, stop, server }
    }

    /// Where its files are.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// A new key of the host.
    pub(crate) fn new_key(&self, new: NewApiKey) -> (ApiKey, String) {
        let (key, issued) = self.ask_host(async |host| host.create_api_key(new).await).expect("a good key");
        (key, issued.reveal().to_owned())
    }

    /// What the host itself says, asked on its own threads.
    pub(crate) fn ask_host<T>(&self, question: impl AsyncFnOnce(&Host) -> T) -> T {
        self.door.threads.block_on(question(&self.door.host))
    }

    /// Stops the host and starts another one on the same database.
    pub(crate) fn restart(self) -> Self {
        // The old host lets go of its file before the new one opens it.
        drop(self.door);
        self.stop.send(()).expect("it still runs");
        self.server.join().expect("it stops in order");
        Self::open_in(self.directory)
    }

    pub(crate) fn get(&self, target: &str) -> Value {
        ok(Request::new("GET", target).send(&self.door))
    }

    pub(crate) fn delete(&self, target: &str) -> Value {
        ok(Request::new("DELETE", target).send(&self.door))
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> Value {
        ok(self.ask(target, body))
    }

    /// A POST whatever comes back.
    pub(crate) fn ask(&self, target: &str, body: &Value) -> Answer {
        Request::post(target, body.to_string()).send(&self.door)
    }

    /// A new collection's id. The amount is JSON text, so that its digits are the test's own.
    pub(crate) fn collection(&self, amount: &str, currency_code: &str) -> String {
        let body = format!(r#"{{"amount":{amount},"currency_code":"{currency_code}"}}"#);
        let answer = ok(Request::post("/admin/payment-collections", body).send(&self.door));
        id(&answer["payment_collection"])
    }

    /// A new session's id, made by a storefront.
    pub(crate) fn session(&self, collection: &str, provider: &str) -> String {
        let target = format!("/store/payment-collections/{collection}/payment-sessions");
        id(&self.post(&target, &json!({ "provider_id": provider }))["payment_session"])
    }

    /// A new session's id over a share, made by the merchant's server. The share is JSON text.
    pub(crate) fn share(&self, collection: &str, provider: &str, amount: &str) -> String {
        let target = format!("/admin/payment-collections/{collection}/payment-sessions");
        let body = format!(r#"{{"provider_id":"{provider}","amount":{amount}}}"#);
        id(&ok(Request::post(&target, body).send(&self.door))["payment_session"])
    }

    /// What a storefront is answered when it authorizes.
    pub(crate) fn authorize(&self, session: &str, data: &Value) -> Value {
        self.post(&format!("/store/payment-sessions/{session}/authorize"), &json!({ "data": data }))
    }

    /// A new payment's id: a collection, one session with this provider, authorized.
    pub(crate) fn payment(&self, provider: &str, amount: &str, currency_code: &str) -> String {
        let session = self.session(&self.collection(amount, currency_code), provider);
        let data = if provider == MANUAL_ID { json!({}) } else { json!({ "payment_method": "pm_card_visa" }) };
        id(&self.authorize(&session, &data)["payment"])
    }

    pub(crate) fn capture(&self, payment: &str, body: &str) -> Answer {
        Request::post(&format!("/admin/payments/{payment}/capture"), body).send(&self.door)
    }

    pub(crate) fn refund(&self, payment: &str, body: &str) -> Answer {
        Request::post(&format!("/admin/payments/{payment}/refund"), body).send(&self.door)
    }

    /// Everything that was ever stored leaves an event: the number of the last one.
    pub(crate) fn trace(&self) -> Trace {
        let count = |target: &str| self.get(target)["count"].as_u64().expect("a count");
        let mut last = 0;
        loop {
            let page = self.get(&format!("/admin/events?after={last}&limit=1000"));
            match page["events"].as_array().expect("a list").last() {
                Some(event) => last = event["sequence"].as_u64().expect("a number"),
                None => break,
            }
        }
        Trace {
            collections: count("/admin/payment-collections?limit=1"),
            payments: count("/admin/payments?limit=1"),
            operations: count("/admin/operations?limit=1"),
            last_event: last,
        }
    }

    /// Sends what the host must turn down, and checks the answer and that nothing was stored.
    pub(crate) fn refuses(&self, request: &Request, want: Refused) -> Answer {
        let before = self.trace();
        let answer = request.send(&self.door);
        want.check(&answer, request);
        assert_eq!(self.trace(), before, "{} {} left a trace", request.method, request.target);
        answer
    }
}

/// What is stored, as far as the outside can count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) collections: u64,
    pub(crate) payments: u64,
    pub(crate) operations: u64,
    pub(crate) last_event: u64,
}

/// How a request is turned down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) code: &'static str,
    /// The field that is named, where it is about one.
    pub(crate) field: Option<&'static str>,
}

impl Refused {
    /// 400 for a field that can never be right.
    pub(crate) const fn field(field: &'static str) -> Self {
        Self { status: 400, kind: "invalid_data", code: "invalid_data", field: Some(field) }
    }

    /// 400 for the whole request.
    pub(crate) const WHOLE: Self = Self { status: 400, kind: "invalid_data", code: "invalid_data", field: None };

    pub(crate) const NOT_FOUND: Self = Self { status: 404, kind: "not_found", code: "not_found", field: None };

    pub(crate) const fn new(status: u16, kind: &'static str, code: &'static str) -> Self {
        Self { status, kind, code, field: None }
    }

    pub(crate) fn check(self, answer: &Answer, request: &Request) {
        let (body, what) = (&answer.body, format!("{} {}: {}", request.method, request.target, answer.body));
        assert_eq!(answer.status, self.status, "{what}");
        assert_eq!(body["type"], self.kind, "{what}");
        assert_eq!(body["code"], self.code, "{what}");
        let message = body["message"].as_str().unwrap_or("");
        assert!(!message.is_empty(), "{what}");
        assert_eq!(body.get("field").and_then(Value::as_str), self.field, "{what}");
        assert!(self.field.is_none_or(|field| message.starts_with(field)), "{what}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    }
}

/// The body of an answer that has to be 200.
pub(crate) fn ok(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}")).to_owned()
}

/// An amount's digits as they were sent.
pub(crate) fn digits(value: &Value) -> String {
    assert!(value.is_number(), "not a number: {value}");
    value.to_string()
}
