//! A shop that is asked over HTTP: one signed POST, and a signed answer that is bound to it.
//!
//! Both directions are signed by the Standard Webhooks specification with one secret. The answer carries the id of the
//! question, so that an old answer, or one to another question, counts for nothing; and it repeats the id that was asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tillbox_core::{Currency, Money};

use super::{CartFailure, CartSource};
use crate::clock::new_tail;
use crate::currency::lookup;
use crate::outgoing::{self, Asked, Courier, Letter, Said};
use crate::service::Error;
use crate::store::Secret;

/// Milliseconds a shop may take to answer: a payer waits, and a cart is one row of a database.
pub const CART_CALL_MS_MAX: u64 = 5_000;

/// Bytes of an answer: three short members fit many times over.
pub const CART_ANSWER_BYTES_MAX: usize = 4 * 1_024;

/// Seconds that the clocks of host and shop may differ, as the specification's own libraries have it.
pub const CART_ANSWER_SECONDS_MAX: i64 = 300;

/// Bytes that a secret has at least: the specification asks for 24.
const SECRET_BYTES_MIN: usize = 24;

/// A shop's URL and the secret shared with it.
pub struct CartCallback {
    url: String,
    secret: Secret,
    courier: Courier,
}

impl CartCallback {
    /// A shop that answers at this URL: `https`, or `http` on a loopback address. The secret is `whsec_` and at least 24 bytes
    /// in Base64.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `cart_source_url` or `cart_source_secret`.
    pub fn new(url: impl Into<String>, secret: &str) -> Result<Self, Error> {
        let url = url.into();
        outgoing::check(&url, false).map_err(|why| Error::invalid("cart_source_url", why))?;
        let secret = outgoing::read_secret(secret).filter(|secret| secret.0.len() >= SECRET_BYTES_MIN);
        let wrong = || {
            let rule = format!("must be `whsec_` and at least {SECRET_BYTES_MIN} bytes in Base64");
            Error::invalid("cart_source_secret", rule)
        };
        Ok(Self { url, secret: secret.ok_or_else(wrong)?, courier: Courier::new(CART_CALL_MS_MAX) })
    }

    /// Asks, and gives the answer once it is known to be the shop's own, to this question. Nothing when there is no such thing.
    async fn ask(&self, asked: Asked, id: &str) -> Result<Option<Said>, CartFailure> {
        let question = format!("msg_{}", new_tail());
        let (body, timestamp) = (outgoing::question(asked, id), seconds_now());
        let signatures = outgoing::signatures([&self.secret], &question, timestamp, &body);
        let letter = Letter { url: &self.url, id: &question, timestamp, signatures: &signatures, body, trace: None };
        let reply = self.courier.ask(letter, CART_ANSWER_BYTES_MAX).await;
        let reply = reply.map_err(|undelivered| CartFailure::Unavailable(undelivered.why))?;
        match reply.status {
            200..=299 => {}
            404 | 410 => return Ok(None),
            408 | 429 | 500..=599 => return Err(CartFailure::Unavailable(format!("it answered {}", reply.status))),
            status => return Err(CartFailure::Wrong(format!("it answered {status}"))),
        }
        let wrong = |what: &str| CartFailure::Wrong(what.to_owned());
        if reply.id != question {
            return Err(wrong("`webhook-id` is not that of the question"));
        }
        let skew = reply.timestamp.map(|at| (seconds_now() - at).abs());
        if skew.is_none_or(|skew| skew > CART_ANSWER_SECONDS_MAX) {
            return Err(wrong("`webhook-timestamp` is missing, or more than five minutes from now"));
        }
        let at = reply.timestamp.unwrap_or_default();
        if !outgoing::is_signed(&self.secret, &reply.id, at, &reply.body, &reply.signatures) {
            return Err(wrong("`webhook-signature` does not fit the answer"));
        }
        outgoing::read_answer(asked, id, &reply.body).map(Some).map_err(CartFailure::Wrong)
    }
}

fn currency(said: &Said) -> Result<Currency, CartFailure> {
    lookup(&said.currency_code).map_err(|error| CartFailure::Wrong(format!("currency_code: {error}")))
}

#[async_trait]
impl CartSource for CartCallback {
    async fn cart(&self, id: &str) -> Result<Option<Money>, CartFailure> {
        let Some(said) = self.ask(Asked::Cart, id).await? else { return Ok(None) };
        let digits = said.amount.as_deref().unwrap_or_default();
        let amount = Money::parse_decimal(digits, currency(&said)?);
        amount.map(Some).map_err(|error| CartFailure::Wrong(format!("amount: {error}")))
    }

    async fn order_currency(&self, id: &str) -> Result<Option<Currency>, CartFailure> {
        let Some(said) = self.ask(Asked::Order, id).await? else { return Ok(None) };
        currency(&said).map(Some)
    }
}

impl std::fmt::Debug for CartCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CartCallback").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The shop's clock is a real one, so this is too: the host's own may be a test's.
fn seconds_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
