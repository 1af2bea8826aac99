//! The host that is killed: put together from a few arguments, told what to do line by line.
//!
//! Its clock can run fast and start late, so that leases end and schedules come round without anybody waiting.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tillbox::core::id::{CollectionId, OperationId, PaymentId, ProviderId, SessionId};
use tillbox::core::operation::OperationState;
use tillbox::core::{Money, Timestamp};
use tillbox::runtime::Provider as _;
use tillbox::service::{
    CollectionUpdate, DEADLINE_MS_MAX, IdempotencyKey, IncomingWebhook, NewApiKey, NewCollection, NewRefund,
    NewSession, SessionUpdate,
};
use tillbox::store::{Page, Scope};
use tillbox::{Error, Host};

use crate::fate::Fate;
use crate::gateway::{Gateway, Mood};
use crate::hearing::Ears;
use crate::orders::{Ack, Order, Trouble};
use crate::{DOWN_MS, HEARD, SECRETS, network};

/// Rounds of recovery after which what is still open stays open: more than the daily looks of a month.
const ROUNDS_MAX: u32 = 60;

/// How far the clock goes on between two rounds: the longest pause there is between two looks at an operation.
const ROUND_MS: i64 = 26 * 60 * 60 * 1_000;

/// What a host is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The URL of its database.
    pub database: String,
    /// The file of the gateway's book.
    pub ledger: PathBuf,
    /// How far its clock is ahead, milliseconds.
    pub ahead_ms: i64,
    /// How many milliseconds pass by its clock in one, since [`Setup::since_ms`].
    pub speed: i64,
    /// When the fast clock was right, milliseconds since 1970.
    pub since_ms: i64,
    /// Whether it does in the background what is due, as it does in production; else recovery is an order.
    pub works_by_itself: bool,
    /// The provider that is not installed; empty: all are.
    pub without: String,
}

/// A clock that can be ahead and fast. Hosts with the same settings agree on the time.
#[derive(Debug)]
struct Shifted {
    ahead_ms: AtomicI64,
    speed: i64,
    since_ms: i64,
    fate: Arc<Fate>,
}

impl tillbox::clock::Clock for Shifted {
    fn now(&self) -> Timestamp {
        let real = real_ms();
        let fast = self.since_ms + (real - self.since_ms) * self.speed;
        Timestamp(fast + self.ahead_ms.load(Ordering::SeqCst) + self.fate.slept_ms())
    }
}

/// Milliseconds since 1970 by the machine's clock.
#[must_use]
pub fn real_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A host that takes orders.
#[derive(Debug, Clone)]
pub struct Till {
    host: Host,
    clock: Arc<Shifted>,
    /// When it dies.
    pub fate: Arc<Fate>,
    mood: Arc<Mood>,
}

impl Till {
    /// Opens the database and starts.
    ///
    /// # Errors
    /// What the host says.
    pub async fn open(setup: &Setup) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (fate, mood) = (Arc::new(Fate::default()), Arc::new(Mood::default()));
        let ahead_ms = AtomicI64::new(setup.ahead_ms);
        let asleep = Arc::clone(&fate);
        let clock = Arc::new(Shifted { ahead_ms, speed: setup.speed, since_ms: setup.since_ms, fate: asleep });
        let listener = Arc::clone(&fate);
        let mut builder = Host::builder()
            // A lease is longer than a call, and clocks run fast here.
            .deadline_ms(DEADLINE_MS_MAX)
            .database_url(&setup.database)
            .clock(Arc::<Shifted>::clone(&clock))
            .subscriber("ears", Arc::new(Ears::open(&setup.ledger.with_file_name(HEARD))?))
            .on_step(Arc::new(move |step| listener.step(step.as_str())));
        let shared: Arc<dyn tillbox::clock::Clock> = Arc::<Shifted>::clone(&clock);
        for gateway in Gateway::all(&setup.ledger, &fate, &mood, &shared)? {
            if gateway.info().identifier != setup.without {
                builder = builder.provider("x", Arc::new(gateway));
            }
        }
        if let Some(stripe) = network::provider().await? {
            builder = builder.provider("x", stripe);
        }
        // Where rounds are asked for: a host that is killed at its next step must know which one that is.
        if !setup.works_by_itself {
            builder = builder.without_background_work();
        }
        let till = Self { host: builder.build().await?, clock, fate, mood };
        Ok(till)
    }

    /// The host itself, for tests that need no second process.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Carries out an order.
    ///
    /// # Errors
    /// What the host answered instead.
    pub async fn obey(&self, order: Order) -> Result<Ack, Trouble> {
        self.carry_out_boxed(&self.host, order).await.map_err(|error| Trouble {
            code: error.code().to_owned(),
            text: error.to_string(),
            operation: error.operation().map(OperationId::to_string),
        })
    }

    /// On the heap: what waits for any of all use cases is large, and a caller that gives many orders holds many of them.
    fn carry_out_boxed<'a>(
        &'a self,
        host: &'a Host,
        order: Order,
    ) -> Pin<Box<dyn Future<Output = Result<Ack, Error>> + Send + 'a>> {
        let doing = self.carry_out(host, order);
        Box::pin(doing)
    }

    // Long because it is one table: an order, the use case it means, and what that acknowledges.
    async fn carry_out(&self, host: &Host, order: Order) -> Result<Ack, Error> {
        Ok(match order {
            Order::Collect { amount } => {
                let made = host.create_collection(NewCollection::new(euros(amount)?)).await?;
                Ack { collection: Some(made.id.to_string()), amount_minor: Some(amount), ..Ack::default() }
            }
            Order::CollectMany { amount, count } => {
                let new = vec![NewCollection::new(euros(amount)?); count];
                let made = host.create_collections(new).await?;
                Ack { collection: made.last().map(|last| last.id.to_string()), ..Ack::default() }
            }
            Order::Complete { collection } => {
                host.complete_collection(&CollectionId::parse(&collection)?).await?;
                Ack { collection: Some(collection), ..Ack::default() }
            }
            Order::Forget { collection } => {
                host.delete_collection(&CollectionId::parse(&collection)?).await?;
                Ack { collection: Some(collection), ..Ack::default() }
            }
            Order::Recollect { collection, amount } => {
                let id = CollectionId::parse(&collection)?;
                let update = CollectionUpdate { amount: Some(euros(amount)?), ..CollectionUpdate::default() };
                host.update_collection(&id, update).await?;
                Ack { collection: Some(collection), amount_minor: Some(amount), ..Ack::default() }
            }
            Order::Abandon { collection } => {
                host.cancel_collection(&CollectionId::parse(&collection)?).await?;
                Ack { collection: Some(collection), ..Ack::default() }
            }
            Order::Open { collection, provider, amount } => {
                let mut new = NewSession::new(ProviderId::parse(&provider)?);
                new.amount = amount.map(euros).transpose()?;
                if provider == network::STRIPE {
                    new.data = Some(network::typed_in());
                }
                let done = host.create_session(&CollectionId::parse(&collection)?, new).await?;
                let session = Some(done.value.id.to_string());
                Ack { collection: Some(collection), session, ..of(done.operation.as_ref()) }
            }
            Order::Update { session, amount } => {
                let update = SessionUpdate { amount: Some(euros(amount)?), ..SessionUpdate::default() };
                let done = host.update_session(&SessionId::parse(&session)?, update).await?;
                Ack { session: Some(session), ..of(done.operation.as_ref()) }
            }
            Order::Delete { session } => {
                let done = host.delete_session(&SessionId::parse(&session)?).await?;
                Ack { session: Some(session), ..of(done.operation.as_ref()) }
            }
            Order::Authorize { session } => {
                let id = SessionId::parse(&session)?;
                let card = match host.session(&id).await?.provider.as_str() {
                    network::STRIPE => network::typed_in(),
                    _ => format!(r#"{{"number":"{}","cvc":"{}"}}"#, SECRETS[0], SECRETS[1]),
                };
                let done = host.authorize_session(&id, Some(&card)).await?;
                let payment = done.value.payment.map(|view| view.payment.id.to_string());
                Ack { session: Some(session), payment, ..of(done.operation.as_ref()) }
            }
            Order::Capture { payment, amount } => {
                let amount = amount.map(euros).transpose()?;
                let done = host.capture(&PaymentId::parse(&payment)?, amount).await?;
                Ack { payment: Some(payment), ..of(done.operation.as_ref()) }
            }
            Order::Refund { payment, amount } => {
                let refund = NewRefund { amount: amount.map(euros).transpose()?, ..NewRefund::default() };
                let done = host.refund(&PaymentId::parse(&payment)?, refund).await?;
                Ack { payment: Some(payment), ..of(done.operation.as_ref()) }
            }
            Order::Cancel { payment } => {
                let done = host.cancel_payment(&PaymentId::parse(&payment)?, None).await?;
                Ack { payment: Some(payment), ..of(done.operation.as_ref()) }
            }
            Order::Webhook { provider, body } => {
                let headers = match provider.as_str() {
                    network::STRIPE => network::signed(&body, tillbox::clock::Clock::now(&*self.clock).0),
                    _ => Vec::new(),
                };
                let webhook = IncomingWebhook { headers, query: String::new(), body: body.into_bytes() };
                host.receive_webhook(&ProviderId::parse(&provider)?, webhook).await?;
                Ack::default()
            }
            Order::Recheck { operation } => of(Some(&host.recheck(&OperationId::parse(&operation)?).await?)),
            Order::Recover => {
                self.recover().await?;
                Ack::default()
            }
            Order::Tell => {
                self.tell_all().await?;
                Ack::default()
            }
            Order::Arm { at, end } => {
                self.fate.arm(at, end);
                Ack::default()
            }
            Order::Behave { manner, delay_ms } => {
                self.mood.set(manner);
                self.mood.delay(delay_ms);
                Ack::default()
            }
            Order::Once { key, order } => {
                let host = host.with_key(IdempotencyKey::new("clerk", key)?);
                return self.carry_out_boxed(&host, *order).await;
            }
            Order::Listen => {
                let (_, key) = self.host.create_api_key(NewApiKey::secret([Scope::Operate])).await?;
                Ack { port: Some(self.listen().await), key: Some(key.reveal().to_owned()), ..Ack::default() }
            }
            Order::Ping => Ack::default(),
        })
    }

    async fn listen(&self) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        tokio::spawn(tillbox::http::serve(listener, self.host.clone(), std::future::pending()));
        port
    }

    /// Tells subscribers what there is, and, the clock going on, what a host that died had claimed.
    async fn tell_all(&self) -> Result<(), Error> {
        for _ in 0..ROUNDS_MAX {
            if self.host.dispatch_due().await? == 0 {
                break;
            }
            self.clock.ahead_ms.fetch_add(DOWN_MS, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Rounds of recovery, the clock going on between them, until nothing is open that the host could still find out.
    async fn recover(&self) -> Result<(), Error> {
        let open = [OperationState::Running, OperationState::Unknown, OperationState::Pending];
        for _ in 0..ROUNDS_MAX {
            self.host.reconcile_all().await?;
            if self.host.operations(&open, Page { offset: 0, limit: 1 }).await?.count == 0 {
                break;
            }
            self.clock.ahead_ms.fetch_add(ROUND_MS, Ordering::SeqCst);
        }
        Ok(())
    }
}

fn of(operation: Option<&tillbox::core::operation::Operation>) -> Ack {
    Ack {
        operation: operation.map(|operation| operation.id.to_string()),
        state: operation.map(|operation| operation.state.as_str().to_owned()),
        ..Ack::default()
    }
}

fn euros(minor: i64) -> Result<Money, Error> {
    let currency = tillbox::currency::lookup("EUR").expect("it is in the standard");
    Ok(Money::new(minor, currency)?)
}
