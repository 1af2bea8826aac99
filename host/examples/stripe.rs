//! A whole payment through `stripe.wasm`, against a gateway shaped like Stripe's that this program starts: 3-D Secure, partial
//! capture, refunds, a lost reply, signed webhooks. No account is needed.
//!
//! `cargo run -p tillbox --example stripe`
//!
//! What the host claims is compared with the gateway's own ledger at each step; the first difference ends it with an error.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tillbox::Host;
use tillbox::core::id::{PaymentId, ProviderId};
use tillbox::core::operation::OperationState;
use tillbox::core::outcome::NextAction;
use tillbox::currency::money;
use tillbox::http::Server;
use tillbox::runtime::secrets::SecretSource;
use tillbox::runtime::{Grants, Runtime, RuntimeConfig};
use tillbox::service::{NewCollection, NewRefund, NewSession};
use tillbox_gateway::{Action, Fault, Gateway, Options};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

type Tried<T> = Result<T, Box<dyn Error>>;

/// What the gateway takes as its key, and what it signs its events with.
const API_KEY: &str = "sk_test_tillbox";
const WEBHOOK_SECRET: &str = "whsec_of_the_example";

/// Where a payer comes back to from their bank.
const RETURN_URL: &str = "https://shop.example/thanks";

/// For all events to be taken: many times what it takes.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Where the operator's secrets are. The provider uses them and never reads one.
#[derive(Debug)]
struct Vault;

impl SecretSource for Vault {
    fn secret(&self, provider: &str, name: &str) -> Option<Vec<u8>> {
        let value = match name {
            "api_key" => API_KEY,
            "webhook_secret" => WEBHOOK_SECRET,
            _ => return None,
        };
        (provider == "stripe").then(|| value.as_bytes().to_vec())
    }
}

/// The host, the gateway, and where the host listens.
struct Scene {
    host: Host,
    gateway: Gateway,
    hooks: String,
}

#[tokio::main]
async fn main() -> Tried<()> {
    let folder = tempfile::tempdir()?;
    // The host's address is known before it listens, so that the gateway can be told where its events go.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let hooks = format!("http://{}/hooks/payment/stripe_default", listener.local_addr()?);
    let gateway = gateway(&folder.path().join("gateway.db"), &hooks).await?;
    let host = host(&folder.path().join("till.db"), &gateway).await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(Server::new(host.clone()).serve(listener, async { drop(stopped.await) }));

    let scene = Scene { host, gateway, hooks };
    let payment = scene.three_d_secure().await?;
    scene.part_by_part(&payment).await?;
    scene.lost_reply().await?;
    scene.heard_by_webhook().await?;
    println!("Everything that the host says is in the gateway's ledger, and nothing else is.");

    drop(stop);
    server.await??;
    scene.host.stop_background_work().await;
    Ok(())
}

/// The gateway, as `cargo run -p tillbox-gateway` starts it.
async fn gateway(ledger: &Path, hooks: &str) -> Tried<Gateway> {
    let options = Options {
        ledger: ledger.to_owned(),
        secret_keys: vec![API_KEY.to_owned()],
        webhook: Some(hooks.to_owned()),
        webhook_secrets: vec![WEBHOOK_SECRET.to_owned()],
        search_lag_ms: 0,
    };
    Ok(Gateway::start(TcpListener::bind("127.0.0.1:0").await?, options)?)
}

/// A host with `stripe.wasm`, which may talk to the gateway and to nobody else.
async fn host(database: &Path, gateway: &Gateway) -> Tried<Host> {
    let port = gateway.base().rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let grants: Grants = serde_json::from_value(json!({
        "interfaces": ["secrets", "crypto", "http"],
        "hosts": [{ "host": "127.0.0.1", "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] }],
        "secrets": ["api_key", "webhook_secret"],
        "settings": { "api_base": gateway.base() },
    }))?;
    let config = RuntimeConfig { secret_source: Some(Arc::new(Vault)), ..RuntimeConfig::default() };
    let stripe = Runtime::new(config)?.check(tillbox::bundled::STRIPE).await?.grant(grants)?;
    Ok(Host::builder().database(database).provider("default", stripe).build().await?)
}

impl Scene {
    /// Opens a session, has the payer challenged by their bank, and authorizes.
    async fn three_d_secure(&self) -> Tried<PaymentId> {
        let input = json!({ "payment_method": "pm_card_authenticationRequired" }).to_string();
        let session = self.session("42.00", &input).await?;
        self.claim("a session of 42.00 EUR is an intent, and nothing is charged", &[])?;

        let input = json!({ "return_url": RETURN_URL }).to_string();
        let asked = self.host.authorize_session(&session, Some(&input)).await?.value;
        let Some(NextAction::ThreeDSecure { url, .. }) = asked.session.next_action else {
            return Err("the bank was to ask for 3-D Secure".into());
        };
        self.claim("the bank wants to see the payer first: 3-D Secure", &[])?;

        // What the payer's browser does at the bank.
        let answer = said(&url, "outcome=pass", &[("content-type", "application/x-www-form-urlencoded")]).await?;
        ensure(answer == 303, "the bank sends the payer back to the shop")?;
        self.claim("the payer agrees, and the bank reserves the amount", &[("authorize", 4_200)])?;

        let authorized = self.host.authorize_session(&session, None).await?.value;
        let payment = authorized.payment.ok_or("the session was not authorized")?.payment;
        ensure(payment.amount == money("42.00", "EUR")?, "the payment is authorized over 42.00 EUR")?;
        Ok(payment.id)
    }

    /// Takes a part, gives back twice, takes the rest.
    async fn part_by_part(&self, payment: &PaymentId) -> Tried<()> {
        let mut ledger = vec![("authorize", 4_200), ("capture", 3_000)];
        let captured = self.host.capture(payment, Some(money("30.00", "EUR")?)).await?.value;
        ensure(captured.captured == money("30.00", "EUR")?, "30.00 EUR of it are captured")?;
        self.claim("30.00 EUR are taken, and 12.00 EUR stay reserved", &ledger)?;

        for (amount, minor_units) in [("10.00", 1_000), ("2.50", 250)] {
            let refund = NewRefund { amount: Some(money(amount, "EUR")?), ..NewRefund::default() };
            self.host.refund(payment, refund).await?;
            ledger.push(("refund", minor_units));
            self.claim(&format!("{amount} EUR are given back"), &ledger)?;
        }
        let refunded = self.host.payment(payment).await?.refunded;
        ensure(refunded == money("12.50", "EUR")?, "12.50 EUR are given back in all")?;

        let captured = self.host.capture(payment, None).await?.value;
        ensure(captured.captured == money("42.00", "EUR")?, "a second capture takes what was left")?;
        ledger.push(("capture", 1_200));
        self.claim("42.00 EUR are taken in all", &ledger)
    }

    /// The gateway takes the money and its answer is lost: the host asks until it knows, and takes nothing twice.
    async fn lost_reply(&self) -> Tried<()> {
        let session = self.session("7.00", &json!({ "payment_method": "pm_card_visa" }).to_string()).await?;
        let payment = self.host.authorize_session(&session, None).await?.value.payment.ok_or("not authorized")?.payment;
        self.gateway.fault(Fault::once("POST", "/capture", Action::LoseReply));
        let lost = self.host.capture(&payment.id, None).await;
        ensure(
            matches!(lost, Err(tillbox::Error::Unknown { .. })),
            "the reply to a capture is lost: nobody knows yet",
        )?;
        let Err(tillbox::Error::Unknown { operation, .. }) = lost else { return Err("unreachable".into()) };
        let found = self.host.recheck(&operation).await?;
        ensure(found.state == OperationState::Succeeded, "the host asks, and knows: captured")?;
        self.ends_with("7.00 EUR were taken, once", &[("authorize", 700), ("capture", 700)])
    }

    /// Somebody captures at the gateway's own dashboard. The host hears of it by a signed event, and believes no other.
    async fn heard_by_webhook(&self) -> Tried<()> {
        let session = self.session("9.00", &json!({ "payment_method": "pm_card_visa" }).to_string()).await?;
        let payment = self.host.authorize_session(&session, None).await?.value.payment.ok_or("not authorized")?.payment;
        let intent = payment.provider_reference.clone().ok_or("the payment has no reference")?;
        self.gateway.at_the_counter(&json!({ "do": "capture", "id": intent }))?;
        self.all_events_taken().await?;
        let heard = self.host.payment(&payment.id).await?;
        ensure(heard.captured == payment.amount, "a capture at the dashboard is heard of by webhook")?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let forged = format!("t={now},v1={}", "0".repeat(64));
        let answer = said(&self.hooks, r#"{"id":"evt_1"}"#, &[("stripe-signature", &forged)]).await?;
        ensure(answer == 400, "an event that nobody signed is refused")?;
        self.ends_with("9.00 EUR were taken, once", &[("authorize", 900), ("capture", 900)])
    }

    async fn session(&self, amount: &str, input: &str) -> Tried<tillbox::core::id::SessionId> {
        let collection = self.host.create_collection(NewCollection::new(money(amount, "EUR")?)).await?;
        let new = NewSession::new(ProviderId::parse("pp_stripe_default")?).data(input);
        Ok(self.host.create_session(&collection.id, new).await?.value.id)
    }

    async fn all_events_taken(&self) -> Tried<()> {
        let start = Instant::now();
        while self.gateway.events_waiting()? > 0 {
            ensure_quietly(start.elapsed() < WAIT_MAX, "the host takes the gateway's events")?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("  ok  every event of the gateway was taken by the host's webhook route");
        Ok(())
    }

    fn ledger(&self) -> Tried<Vec<(String, i64)>> {
        Ok(self.gateway.effects()?.into_iter().map(|effect| (effect.kind, effect.amount)).collect())
    }

    /// The gateway's ledger is exactly this.
    fn claim(&self, what: &str, expected: &[(&str, i64)]) -> Tried<()> {
        let ledger = self.ledger()?;
        let same = ledger.iter().map(|(kind, amount)| (kind.as_str(), *amount)).eq(expected.iter().copied());
        ensure(same, &format!("{what}; the gateway's ledger: {}", shown(&ledger)))
    }

    /// The gateway's ledger ends like this.
    fn ends_with(&self, what: &str, expected: &[(&str, i64)]) -> Tried<()> {
        let ledger = self.ledger()?;
        let tail = &ledger[ledger.len().saturating_sub(expected.len())..];
        let same = tail.iter().map(|(kind, amount)| (kind.as_str(), *amount)).eq(expected.iter().copied());
        ensure(same, &format!("{what}; the gateway's ledger ends: {}", shown(tail)))
    }
}

fn shown(ledger: &[(String, i64)]) -> String {
    let entries: Vec<String> = ledger.iter().map(|(kind, amount)| format!("{kind} {amount}")).collect();
    if entries.is_empty() { "empty".to_owned() } else { entries.join(", ") }
}

fn ensure(holds: bool, what: &str) -> Tried<()> {
    ensure_quietly(holds, what)?;
    println!("  ok  {what}");
    Ok(())
}

fn ensure_quietly(holds: bool, what: &str) -> Tried<()> {
    if holds { Ok(()) } else { Err(format!("this does not hold: {what}").into()) }
}

/// One POST; answers the status.
async fn said(url: &str, body: &str, headers: &[(&str, &str)]) -> Tried<u16> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned())))?;
    Ok(client.request(request).await?.status().as_u16())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::main().unwrap();
    }
}
