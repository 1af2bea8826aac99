//! The demonstration of `serve --demo`: payments through the HTTP API of the running server itself, as a shop's own server
//! and a storefront would make them.
//!
//! Every line claims something and is checked before it is printed: an answer that is not what the line says ends the walk.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tillbox_core::Timestamp;
use tokio::net::TcpStream;

use super::failure::Failure;
use super::screen::{Screen, Style};
use crate::Host;
use crate::clock::{Clock, SystemClock};
use crate::http::{CLIENT_SECRET_HEADER, PUBLISHABLE_KEY_HEADER};
use crate::service::{IssuedApiKey, NewApiKey};
use crate::store::Scope;

/// Bytes of an answer that are read: a collection of a dozen operations has some ten thousand.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Milliseconds for one request: several times what a call to a bundled provider may take.
const REQUEST_MS_MAX: u64 = 60_000;

/// Milliseconds after which the keys of a walk end, should nobody be left to take them back.
const KEYS_MS: i64 = 10 * 60 * 1_000;

const COLLECTIONS: &str = "/admin/payment-collections";

/// Walks two payments through the server at this address.
///
/// # Errors
/// The first answer that is not what it should be.
pub(super) async fn run(screen: Screen, host: &Host, address: SocketAddr) -> Result<(), Failure> {
    let title = Some("the demonstration of `serve --demo`".to_owned());
    let expires_at = Some(Timestamp(SystemClock.now().0 + KEYS_MS));
    let secret = NewApiKey { title: title.clone(), expires_at, ..NewApiKey::secret([Scope::Operate]) };
    let (secret, secret_key) = host.create_api_key(secret).await?;
    let publishable = NewApiKey { title, expires_at, ..NewApiKey::publishable() };
    let (publishable, publishable_key) = host.create_api_key(publishable).await?;
    let walk = Walk { screen, address, secret_key, publishable_key, client_secret: Mutex::default() };
    let walked = async {
        walk.providers().await?;
        walk.card().await?;
        walk.by_hand().await
    };
    let walked = walked.await;
    for key in [secret, publishable] {
        host.revoke_api_key(&key.id).await?;
    }
    walked?;
    let verdict = "Both payments went through the sandboxed components; every answer above was checked.";
    Ok(screen.line(screen.paint(Style::Good, verdict))?)
}

struct Walk {
    screen: Screen,
    address: SocketAddr,
    secret_key: IssuedApiKey,
    publishable_key: IssuedApiKey,
    /// Of the collection at hand: the shop's server hands it to its storefront.
    client_secret: Mutex<String>,
}

/// An answer of the server.
struct Answer {
    request: String,
    status: u16,
    body: Value,
}

impl Walk {
    async fn providers(&self) -> Result<(), Failure> {
        self.heading("Which providers are there?")?;
        let answer = self.get("/store/payment-providers?region_id=demo").await?;
        let listed = answer.body["payment_providers"].as_array().cloned().unwrap_or_default();
        for id in ["pp_manual_default", "pp_stripe-mock_default"] {
            if !listed.iter().any(|provider| provider["id"] == id) {
                return Err(Failure::new(format!("the demonstration needs the provider {id}, which is not installed"))
                    .next("let `bundled` be true in the configuration, or leave out --demo"));
            }
        }
        self.told(&answer, &format!("{} are installed, manual.wasm and stripe-mock.wasm among them", listed.len()))
    }

    /// A card: declined, challenged, authorized; captured and refunded in parts; never more than there is.
    async fn card(&self) -> Result<(), Failure> {
        self.heading("A card pays 42.00 EUR, through stripe-mock.wasm")?;
        let collection = self.collection("42.00", "eur").await?;
        let session = self.session(&collection, "pp_stripe-mock_default").await?;
        let authorize = format!("/store/payment-sessions/{session}/authorize");

        let declined = r#"{"data":{"payment_method":"pm_card_chargeDeclinedInsufficientFunds"}}"#;
        let answer = self.post(&authorize, declined).await?;
        answer.expect(200, &[("/payment_session/status", "error"), ("/payment", "null")])?;
        answer.expect(200, &[("/payment_session/decline/code", "use_another_method")])?;
        self.told(&answer, "the first card has no money: declined, use another method")?;

        let answer = self.post(&authorize, r#"{"data":{"payment_method":"pm_card_authenticationRequired"}}"#).await?;
        answer.expect(200, &[("/payment_session/status", "requires_more")])?;
        answer.expect(200, &[("/payment_session/next_action/type", "three_d_secure")])?;
        self.told(&answer, "another card wants 3-D Secure: requires_more, with the challenge's address")?;

        let answer = self.post(&authorize, r#"{"data":{"three_d_secure":"complete"}}"#).await?;
        answer.expect(200, &[("/payment_session/status", "authorized")])?;
        let payment = answer.text("/payment/id")?;
        self.told(&answer, "the payer passed the challenge: authorized, 42.00 EUR reserved")?;

        let (capture, refund) = money_paths(&payment);
        self.moved(&capture, "30.00", "/payment/captured_amount", "30.00").await?;
        self.refused(&capture, "12.01", "exceeds_authorized").await?;
        self.moved(&capture, "12.00", "/payment/captured_amount", "42.00").await?;
        self.moved(&refund, "2.25", "/payment/refunded_amount", "2.25").await?;
        self.moved(&refund, "10.00", "/payment/refunded_amount", "12.25").await?;
        self.refused(&refund, "29.76", "exceeds_captured").await?;
        self.settled(&collection, "42.00", "12.25").await
    }

    /// A person takes the money. Yen have no decimals.
    async fn by_hand(&self) -> Result<(), Failure> {
        self.heading("Cash pays 5000 JPY, through manual.wasm")?;
        let collection = self.collection("5000", "jpy").await?;
        let session = self.session(&collection, "pp_manual_default").await?;
        let answer = self.post(&format!("/admin/payment-sessions/{session}/authorize"), "{}").await?;
        answer.expect(200, &[("/payment_session/status", "authorized")])?;
        let payment = answer.text("/payment/id")?;
        self.told(&answer, "a person said that it will be paid: authorized")?;
        let (capture, refund) = money_paths(&payment);
        self.moved(&capture, "5000", "/payment/captured_amount", "5000").await?;
        self.moved(&refund, "1200", "/payment/refunded_amount", "1200").await?;
        self.settled(&collection, "5000", "1200").await
    }

    async fn collection(&self, amount: &str, currency: &str) -> Result<String, Failure> {
        let body = format!(r#"{{"currency_code":"{currency}","amount":{amount}}}"#);
        let answer = self.post(COLLECTIONS, &body).await?;
        answer.expect(200, &[("/payment_collection/status", "not_paid"), ("/payment_collection/amount", amount)])?;
        self.told(&answer, "the shop's server opens a payment collection: not_paid")?;
        *self.client_secret.lock().expect("no holder panics") = answer.text("/payment_collection/client_secret")?;
        answer.text("/payment_collection/id")
    }

    async fn session(&self, collection: &str, provider: &str) -> Result<String, Failure> {
        let body = format!(r#"{{"provider_id":"{provider}"}}"#);
        let answer = self.post(&format!("/store/payment-collections/{collection}/payment-sessions"), &body).await?;
        answer.expect(200, &[("/payment_session/status", "pending"), ("/payment_session/provider_id", provider)])?;
        self.told(&answer, &format!("the storefront opens a session with {provider}: pending"))?;
        answer.text("/payment_session/id")
    }

    async fn moved(&self, path: &str, amount: &str, total: &str, want: &str) -> Result<(), Failure> {
        let answer = self.post(path, &format!(r#"{{"amount":{amount}}}"#)).await?;
        answer.expect(200, &[(total, want)])?;
        self.told(&answer, &format!("{amount}, which makes {want} in all"))
    }

    async fn refused(&self, path: &str, amount: &str, code: &str) -> Result<(), Failure> {
        let answer = self.post(path, &format!(r#"{{"amount":{amount}}}"#)).await?;
        answer.expect(400, &[("/code", code)])?;
        self.told(&answer, &format!("{amount} is refused with 400 {code}; nothing moved"))
    }

    async fn settled(&self, collection: &str, captured: &str, refunded: &str) -> Result<(), Failure> {
        let answer = self.get(&format!("{COLLECTIONS}/{collection}")).await?;
        let figures = [
            ("/payment_collection/status", "completed"),
            ("/payment_collection/authorized_amount", captured),
            ("/payment_collection/captured_amount", captured),
            ("/payment_collection/refunded_amount", refunded),
        ];
        answer.expect(200, &figures)?;
        self.told(&answer, &format!("completed: captured {captured}, refunded {refunded}"))
    }

    fn heading(&self, text: &str) -> Result<(), Failure> {
        self.screen.line("")?;
        Ok(self.screen.line(self.screen.paint(Style::Bold, text))?)
    }

    /// Prints a line whose claim was checked. Ids are left out of the path: the sentence is what matters.
    fn told(&self, answer: &Answer, sentence: &str) -> Result<(), Failure> {
        let mark = self.screen.paint(Style::Good, "ok");
        let request = self.screen.paint(Style::Dim, format!("{:<53}", answer.request));
        Ok(self.screen.line(format!("  {mark} {request} {sentence}"))?)
    }

    async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(Method::GET, path, "").await
    }

    async fn post(&self, path: &str, body: &str) -> Result<Answer, Failure> {
        self.ask(Method::POST, path, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> Result<Answer, Failure> {
        let request = format!("{method} {}", without_ids(path));
        let asked = tokio::time::timeout(Duration::from_millis(REQUEST_MS_MAX), self.exchange(method, path, body));
        match asked.await {
            Ok(Ok((status, body))) => Ok(Answer { request, status, body }),
            Ok(Err(error)) => Err(Failure::because(format!("{request} got no answer"), error.as_ref())),
            Err(_) => Err(Failure::new(format!("{request} was not answered within {REQUEST_MS_MAX} ms"))),
        }
    }

    /// One request on a connection of its own.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<(u16, Value), Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(&method).uri(path).header(header::HOST, self.address.to_string());
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request = if path.starts_with("/store/") {
            let secret = self.client_secret.lock().expect("no holder panics").clone();
            request.header(PUBLISHABLE_KEY_HEADER, self.publishable_key.reveal()).header(CLIENT_SECRET_HEADER, secret)
        } else {
            request.header(header::AUTHORIZATION, format!("Bearer {}", self.secret_key.reveal()))
        };
        let answer = sender.send_request(request.body(Body::from(body.to_owned()))?).await?;
        let status = answer.status().as_u16();
        let bytes = axum::body::to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await?;
        drop(sender);
        connection.await??;
        Ok((status, serde_json::from_slice(&bytes)?))
    }
}

impl Answer {
    /// Checks status and fields; a number is compared by its own digits.
    fn expect(&self, status: u16, fields: &[(&str, &str)]) -> Result<(), Failure> {
        if self.status != status {
            return Err(self.differs("the status", &self.status.to_string(), &status.to_string()));
        }
        for (pointer, want) in fields {
            let got = self.shown(pointer);
            if got != *want {
                return Err(self.differs(pointer, &got, want));
            }
        }
        Ok(())
    }

    fn text(&self, pointer: &str) -> Result<String, Failure> {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| self.differs(pointer, &self.shown(pointer), "a text"))
    }

    fn shown(&self, pointer: &str) -> String {
        match self.body.pointer(pointer) {
            None => "null".to_owned(),
            Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        }
    }

    fn differs(&self, what: &str, got: &str, want: &str) -> Failure {
        let what = format!("the demonstration failed: {}: {what} should be {want} and is {got}", self.request);
        Failure::new(what).next(format!("the whole answer was {}", self.body))
    }
}

fn money_paths(payment: &str) -> (String, String) {
    (format!("/admin/payments/{payment}/capture"), format!("/admin/payments/{payment}/refund"))
}

/// The path with `{id}` for every id in it.
fn without_ids(path: &str) -> String {
    let is_id = |part: &str| ["pay_", "payses_"].iter().any(|prefix| part.starts_with(prefix));
    path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { request: "POST /x".to_owned(), status, body: serde_json::from_str(body).unwrap() }
    }

    #[test]
    fn an_answer_that_is_not_as_claimed_ends_the_walk() {
        let good = answer(200, r#"{"payment":{"captured_amount":30.00,"id":"pay_1"}}"#);
        assert!(good.expect(200, &[("/payment/captured_amount", "30.00"), ("/none", "null")]).is_ok());
        assert_eq!(good.text("/payment/id").unwrap(), "pay_1");
        for (status, pointer, want) in [
            (201, "/payment/captured_amount", "30.00"),
            (200, "/payment/captured_amount", "30.0"),
            (200, "/payment/captured_amount", "30.01"),
            (200, "/payment/refunded_amount", "0.00"),
        ] {
            let error = good.expect(status, &[(pointer, want)]).unwrap_err().to_string();
            assert!(error.contains("POST /x") && error.contains("captured_amount"), "{error}");
        }
        assert!(good.text("/payment/captured_amount").is_err());
    }

    #[test]
    fn ids_are_left_out_of_paths() {
        assert_eq!(without_ids("/admin/payments/pay_01A/capture"), "/admin/payments/{id}/capture");
        assert_eq!(without_ids("/store/payment-sessions/payses_1/authorize"), "/store/payment-sessions/{id}/authorize");
        assert_eq!(without_ids("/admin/payment-collections/pay_col_1"), "/admin/payment-collections/{id}");
    }
}
