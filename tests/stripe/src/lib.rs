//! `stripe.wasm` in a host, with the gateway behind it: what its tests share. Nothing here judges; the gateway's ledger does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tillbox::clock::{Clock, SystemClock};
use tillbox::core::Timestamp;
use tillbox::core::id::{OperationId, PaymentId, ProviderId, SessionId};
use tillbox::core::operation::Operation;
use tillbox::core::state::Session;
use tillbox::currency::money;
use tillbox::http::Server;
use tillbox::runtime::component::Package;
use tillbox::runtime::secrets::SecretSource;
use tillbox::runtime::{ComponentProvider, Grants, Runtime, RuntimeConfig};
use tillbox::service::{Authorization, NewCollection, NewSession, Payer};
use tillbox::{Error, Host};
use tillbox_gateway::{Gateway, Options};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, oneshot};

/// The provider's id in the host.
pub const PROVIDER: &str = "pp_stripe_default";

/// What the gateway takes as its key.
pub const API_KEY: &str = "sk_test_canary_of_the_stripe_tests";

/// What the gateway signs with when nothing else is said.
pub const WEBHOOK_SECRET: &str = "whsec_canary_of_the_stripe_tests";

/// Where payers come back to.
pub const RETURN_URL: &str = "https://shop.example/thanks";

/// The operator's secrets.
#[derive(Debug)]
struct Vault;

impl SecretSource for Vault {
    fn secret(&self, _: &str, name: &str) -> Option<Vec<u8>> {
        match name {
            "api_key" => Some(API_KEY.as_bytes().to_vec()),
            "webhook_secret" => Some(WEBHOOK_SECRET.as_bytes().to_vec()),
            _ => None,
        }
    }
}

/// A clock that a test moves on, and that goes on by itself.
#[derive(Debug, Default)]
pub struct Dial {
    ahead_ms: AtomicI64,
}

impl Dial {
    /// Moves it on.
    pub fn pass(&self, seconds: i64) {
        self.ahead_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for Dial {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.ahead_ms.load(Ordering::SeqCst))
    }
}

/// What a scene begins with.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// The provider's settings, `api_base` apart.
    pub settings: Map<String, Value>,
    /// Milliseconds by which the gateway's searches lag.
    pub search_lag_ms: i64,
    /// Whether the gateway sends its events to the host.
    pub with_webhooks: bool,
    /// The secrets as they are granted; by name when absent.
    pub secrets: Option<Value>,
    /// Another port of this machine that the provider may talk to.
    pub also_granted: Option<u16>,
}

impl Setting {
    /// With these settings of the provider.
    #[must_use]
    pub fn of(settings: Value) -> Self {
        Self { settings: settings.as_object().cloned().unwrap_or_default(), ..Self::default() }
    }
}

/// A host that listens, its provider, and the gateway behind it.
#[derive(Debug)]
pub struct Scene {
    /// The host.
    pub host: Host,
    /// The gateway.
    pub gateway: Gateway,
    /// The provider, without its host.
    pub provider: Arc<ComponentProvider>,
    /// Where the host takes the gateway's events.
    pub hooks: String,
    /// Where both keep their books.
    pub folder: TempDir,
    /// The host's clock.
    pub dial: Arc<Dial>,
    stop: Option<oneshot::Sender<()>>,
}

/// Compiled once for all tests of a process: compiling is most of their time.
async fn package() -> &'static Package {
    static PACKAGE: OnceCell<Package> = OnceCell::const_new();
    PACKAGE
        .get_or_init(|| async {
            let config = RuntimeConfig { secret_source: Some(Arc::new(Vault)), ..RuntimeConfig::default() };
            let runtime = Runtime::new(config).expect("the engine starts");
            runtime.check(tillbox::bundled::STRIPE).await.expect("a good component")
        })
        .await
}

impl Scene {
    /// With the provider's own defaults.
    pub async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    /// As it is said.
    ///
    /// # Panics
    /// When anything does not start.
    pub async fn with(setting: Setting) -> Self {
        let folder = tempfile::tempdir().expect("a place for files");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let hooks = format!("http://{address}/hooks/payment/stripe_default");
        let options = Options {
            ledger: folder.path().join("gateway.db"),
            secret_keys: vec![API_KEY.to_owned()],
            webhook: setting.with_webhooks.then(|| hooks.clone()),
            webhook_secrets: vec![WEBHOOK_SECRET.to_owned()],
            search_lag_ms: setting.search_lag_ms,
        };
        let gateway = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let gateway = Gateway::start(gateway, options).expect("the ledger opens");
        let stripe = package().await.grant(grants(&gateway, &setting)).expect("these are its grants");
        let host = Host::builder().database(folder.path().join("till.db"));
        let host = host.provider("default", Arc::clone(&stripe) as Arc<_>);
        // Recovery is looked at by hand: a test says when.
        let dial = Arc::new(Dial::default());
        let host = host
            .without_background_work()
            .clock(Arc::clone(&dial) as Arc<_>)
            .deadline_ms(5_000)
            .build()
            .await
            .expect("the database opens");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new(host.clone());
        tokio::spawn(async move { server.serve(listener, async { drop(stopped.await) }).await });
        Self { host, gateway, provider: stripe, hooks, folder, dial, stop: Some(stop) }
    }

    /// A session over this amount with this input.
    ///
    /// # Errors
    /// As the host's.
    pub async fn session(&self, amount: &str, currency: &str, input: Value) -> Result<Session, Error> {
        self.session_of(amount, currency, input, Payer::default()).await
    }

    /// The same for a payer.
    ///
    /// # Errors
    /// As the host's.
    ///
    /// # Panics
    /// When the amount is none.
    pub async fn session_of(&self, amount: &str, currency: &str, input: Value, payer: Payer) -> Result<Session, Error> {
        let amount = money(amount, currency).expect("an amount");
        let collection = self.host.create_collection(NewCollection::new(amount)).await?;
        let provider = ProviderId::parse(PROVIDER).expect("an id");
        let new = NewSession { payer, ..NewSession::new(provider).data(input.to_string()) };
        Ok(self.host.create_session(&collection.id, new).await?.value)
    }

    /// Authorizes with this input.
    ///
    /// # Errors
    /// As the host's.
    pub async fn authorize(&self, session: &SessionId, input: Value) -> Result<Authorization, Error> {
        Ok(self.host.authorize_session(session, Some(&input.to_string())).await?.value)
    }

    /// A payment that is authorized by an ordinary card.
    ///
    /// # Panics
    /// When it is not.
    pub async fn authorized(&self, amount: &str) -> PaymentId {
        let session = self.session(amount, "EUR", json!({ "payment_method": "pm_card_visa" })).await.expect("opened");
        let authorized = self.authorize(&session.id, json!({})).await.expect("authorized");
        authorized.payment.expect("a payment").payment.id
    }

    /// An operation as the host has it now.
    ///
    /// # Panics
    /// When there is none.
    pub async fn operation(&self, id: &OperationId) -> Operation {
        self.host.operation(id).await.expect("an operation")
    }

    /// What the gateway did, in order.
    ///
    /// # Panics
    /// When its ledger cannot be read.
    #[must_use]
    pub fn ledger(&self) -> Vec<(String, i64)> {
        let effects = self.gateway.effects().expect("a ledger");
        effects.into_iter().map(|effect| (effect.kind, effect.amount)).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// What the operator grants: the gateway, and the secrets by name.
#[must_use]
pub fn grants(gateway: &Gateway, setting: &Setting) -> Grants {
    let port: u16 = gateway.base().rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let mut settings = setting.settings.clone();
    settings.entry("api_base").or_insert_with(|| gateway.base().into());
    let local =
        |port: u16| json!({ "host": "127.0.0.1", "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] });
    let hosts: Vec<Value> = [Some(port), setting.also_granted].into_iter().flatten().map(local).collect();
    let grants = json!({
        "interfaces": ["secrets", "crypto", "http"],
        "hosts": hosts,
        "secrets": setting.secrets.clone().unwrap_or_else(|| json!(["api_key", "webhook_secret"])),
        "settings": settings,
    });
    serde_json::from_value(grants).expect("grants")
}

/// A ledger written short.
#[must_use]
pub fn movements(list: &[(&str, i64)]) -> Vec<(String, i64)> {
    list.iter().map(|(kind, amount)| ((*kind).to_owned(), *amount)).collect()
}
