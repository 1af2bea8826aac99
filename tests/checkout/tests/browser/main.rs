//! The checkout page, paid on in a real Chromium by the scenes of `browser/`: a host that listens on loopback, the bundled
//! components, a native gateway (`bank`) whose own book says at the end how often somebody was charged, and the gateway of
//! `tests/gateway` behind `stripe.wasm`.
//!
//! Chromium and Node.js come from Debian's packages where they are missing, and the scenes' two packages from the package
//! registry. It knows no page: what is clicked and what must be seen is the scenes' business.

mod bank;
mod tools;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::{Map, Value, json};
use tillbox::Host;
use tillbox::http::{Origins, Server};
use tillbox::runtime::{Grants, Provider, Runtime, RuntimeConfig};
use tillbox::service::NewApiKey;
use tillbox::store::Scope;
use tillbox_artifacts::{MANUAL, STRIPE_MOCK};
use tillbox_gateway::{Gateway, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use bank::Bank;

/// Milliseconds of a provider call: held ones go on for as long as a scene takes.
const DEADLINE_MS: u32 = 60_000;

/// A page of a shop on a server of its own.
const PAGE: &str = "<!doctype html><html lang=\"en\"><title>Shop</title>";

/// The host under test.
struct Shop {
    address: SocketAddr,
    /// The origins of two shops' pages: one that the host was told of, and one that it was not.
    pages: [String; 2],
    /// Where the gateway of Stripe's shape is.
    gateway: String,
    secret_key: String,
    publishable_key: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Shop {
    fn open(bank: Arc<Bank>) -> Self {
        let (told, opened) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("threads").block_on(async {
                let directory = tempfile::tempdir().expect("a place for files");
                let mut host = Host::builder().database(directory.path().join("books.db")).deadline_ms(DEADLINE_MS);
                for (id, provider) in components().await {
                    host = host.provider(id, provider);
                }
                let (stripe, gateway) = stripe(directory.path()).await;
                let host = host
                    .provider("default", stripe)
                    .provider("default", bank)
                    .build()
                    .await
                    .expect("the database opens");
                let scopes = [Scope::Read, Scope::Operate, Scope::Administer];
                let (_, secret) = host.create_api_key(NewApiKey::secret(scopes)).await.expect("a key");
                let (_, publishable) = host.create_api_key(NewApiKey::publishable()).await.expect("a key");
                let pages = [page().await, page().await];
                let named = Origins::parse(&pages[0]).expect("an origin");
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
                let address = listener.local_addr().expect("an address");
                let keys = (secret.reveal().to_owned(), publishable.reveal().to_owned());
                told.send((address, pages, gateway, keys)).expect("the test waits for it");
                let shutdown = async { drop(stopped.await) };
                let server = Server::new(host.clone()).origins(named, Origins::Own);
                server.serve(listener, shutdown).await.expect("it serves until it is stopped");
                host.stop_background_work().await;
            });
        });
        let (address, pages, gateway, (secret_key, publishable_key)) = opened.recv().expect("the host starts");
        Self { address, pages, gateway, secret_key, publishable_key, stop, server }
    }

    fn close(self) {
        self.stop.send(()).expect("it still runs");
        self.server.join().expect("it stops in order");
    }
}

/// A page on a free port, and its origin.
async fn page() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a browser");
            tokio::spawn(async move {
                let mut asked = [0; 4_096];
                let length = PAGE.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{PAGE}"
                );
                // A browser also opens connections that it then does not use.
                if stream.read(&mut asked).await.is_ok_and(|read| read > 0) {
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            });
        }
    });
    format!("http://{address}")
}

/// `stripe.wasm` and the gateway that it is granted, whose ledger is in the folder.
async fn stripe(folder: &Path) -> (Arc<dyn Provider>, String) {
    let key = "sk_test_of_the_browser";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let options = Options {
        ledger: folder.join("gateway.db"),
        secret_keys: vec![key.to_owned()],
        webhook: None,
        webhook_secrets: Vec::new(),
        search_lag_ms: 0,
    };
    let gateway = Gateway::start(listener, options).expect("the ledger opens");
    let file = folder.join("key");
    std::fs::write(&file, key).expect("the key is written");
    let grants = serde_json::from_value(json!({
        "interfaces": ["secrets", "crypto", "http"],
        "hosts": [{ "host": "127.0.0.1", "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] }],
        "secrets": [{ "name": "api_key", "file": file }],
        "settings": { "api_base": gateway.base() },
    }));
    let runtime = Runtime::new(RuntimeConfig::default()).expect("the engine starts");
    let package = runtime.check(tillbox::bundled::STRIPE).await.expect("a good component");
    let provider = package.grant(grants.expect("grants")).expect("these are its grants");
    (provider, gateway.base().to_owned())
}

/// The bundled providers, as an operator would set them up.
async fn components() -> Vec<(&'static str, Arc<dyn Provider>)> {
    let runtime = Runtime::new(RuntimeConfig::default()).expect("the engine starts");
    let object = |value: Value| -> Map<String, Value> { value.as_object().cloned().unwrap_or_default() };
    let instructions = json!({
        "payee": "Bookshop Example, IBAN DE02 1203 0000 0000 2020 51",
        "instructions": "Please transfer the amount within 14 days and state the reference.",
    });
    let mut components: Vec<(&'static str, Arc<dyn Provider>)> = Vec::new();
    for (id, component, settings) in [
        ("default", MANUAL, instructions),
        ("default", STRIPE_MOCK, json!({})),
        ("automatic", STRIPE_MOCK, json!({ "capture_method": "automatic" })),
    ] {
        let package = runtime.check(component).await.expect("a good component");
        let provider = package.grant(Grants::with_settings(object(settings))).expect("it asks for nothing special");
        components.push((id, provider));
    }
    components
}

#[test]
fn payers_pay_in_a_browser() {
    let tools = tools::Tools::find_or_install();
    let bank = Arc::new(Bank::new());
    let shop = Shop::open(Arc::clone(&bank));
    let passed = tools
        .node()
        .arg("scenes.mjs")
        .env("TILLBOX_URL", format!("http://{}", shop.address))
        .env("TILLBOX_GATEWAY", &shop.gateway)
        .env("TILLBOX_SHOP_PAGE", &shop.pages[0])
        .env("TILLBOX_STRANGE_PAGE", &shop.pages[1])
        .env("TILLBOX_SECRET_KEY", &shop.secret_key)
        .env("TILLBOX_PUBLISHABLE_KEY", &shop.publishable_key)
        .status()
        .expect("node runs");
    shop.close();
    assert!(passed.success(), "a scene failed: its output is above, and screenshots are in {}", tools.shown());
    let charges = bank.charges();
    assert!(charges.len() > 10, "the gateway was asked by many scenes");
    for (session, count) in charges {
        assert!(count <= 1, "the gateway charged session {session} {count} times");
    }
}
