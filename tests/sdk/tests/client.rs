//! The published client against a server that listens: `flow.mjs` drives every method of it.
//!
//! Node.js runs the client; where it is not installed there is nothing to run, and the test says so. The client is installed
//! from its registry by `npm ci`, once for each lock file, beside what cargo builds.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use async_trait::async_trait;
use tillbox::Host;
use tillbox::core::{Currency, Money};
use tillbox::currency::{lookup, money};
use tillbox::http::{JwtTokens, Server};
use tillbox::runtime::{Grants, Runtime, RuntimeConfig};
use tillbox::service::{CartFailure, CartSource, NewApiKey};
use tillbox::store::Scope;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// What the shop signs its visitors' tokens with.
const TOKEN_SECRET: &str = "the secret of the shop behind the storefront";

/// What `npm ci` reads.
const LOCKED: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The shop behind the storefront: one cart, and orders in dollars.
struct Shop;

#[async_trait]
impl CartSource for Shop {
    async fn cart(&self, id: &str) -> Result<Option<Money>, CartFailure> {
        Ok((id == "cart_1").then(|| money("25.50", "EUR").expect("an amount")))
    }

    async fn order_currency(&self, id: &str) -> Result<Option<Currency>, CartFailure> {
        Ok(id.starts_with("order_").then(|| lookup("usd").expect("a currency")))
    }
}

#[test]
fn the_published_client_works_unchanged() {
    let Some(version) = node() else {
        println!(
            "skipped: Node.js is not installed, and the client runs on nothing else (`apt-get install nodejs npm`)"
        );
        return;
    };
    let client = installed();
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("flow.mjs");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let host = host(&directory.path().join("books.db")).await;
        let secret = host.create_api_key(NewApiKey::secret([Scope::Operate, Scope::Administer])).await.unwrap();
        let publishable = host.create_api_key(NewApiKey::publishable()).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let tokens = Arc::new(JwtTokens::hs256(TOKEN_SECRET.as_bytes()).unwrap());
        let server = Server::new(host).customer_tokens(tokens).serve(listener, async { drop(stopped.await) });
        let server = tokio::spawn(server);
        let mut command = Command::new("node");
        command
            .arg(flow)
            .env("TILLBOX_URL", format!("http://{address}"))
            .env("SECRET_KEY", secret.1.reveal())
            .env("PUBLISHABLE_KEY", publishable.1.reveal())
            .env("TOKEN_SECRET", TOKEN_SECRET)
            .env("SDK_FROM", client.join("package.json"));
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        check(&output, &format!("the client on Node.js {version}"));
        println!("{}", String::from_utf8_lossy(&output.stdout));
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    });
}

/// A host with the bundled providers, and a shop to ask about carts.
async fn host(database: &Path) -> Host {
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let mut builder = Host::builder().database(database).cart_source(Shop);
    for component in [tillbox::bundled::MANUAL, tillbox::bundled::STRIPE_MOCK] {
        let provider = runtime.check(component).await.unwrap().grant(Grants::default()).unwrap();
        builder = builder.provider("default", provider);
    }
    builder.build().await.unwrap()
}

/// Its version; nothing where it is not installed.
fn node() -> Option<String> {
    match Command::new("node").arg("--version").output() {
        Ok(output) => {
            check(&output, "node --version");
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("node cannot be run: {error}"),
    }
}

/// Where the client is, installed as the lock file says.
fn installed() -> PathBuf {
    let (own, place) = (Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")).join("client"));
    let done = place.join("installed");
    let lock = std::fs::read_to_string(own.join("package-lock.json")).unwrap();
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return place;
    }
    std::fs::create_dir_all(&place).unwrap();
    for name in LOCKED {
        std::fs::copy(own.join(name), place.join(name)).unwrap();
    }
    let output = Command::new("npm").arg("ci").current_dir(&place).output();
    let output =
        output.unwrap_or_else(|error| panic!("npm cannot be run: {error}; it comes with Node.js, or as `npm`"));
    check(&output, "npm ci");
    std::fs::write(done, lock).unwrap();
    place
}

fn check(output: &Output, what: &str) {
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what} ended with {}:\n{said}\n{wrong}", output.status);
}
