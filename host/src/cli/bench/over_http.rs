//! A flow over HTTP, on one connection that is kept: a client as small as it can be, so that little of the cost is its own.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Failure;
use super::door::{AMOUNT, CURRENCY, REFUND, provider_id};
use super::steps::{Laps, Step};
use crate::service::IssuedApiKey;

/// Bytes of an answer at most: a collection with one payment has a few thousand.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A connection to the server.
pub(super) struct Connection {
    address: String,
    authorization: String,
    sender: SendRequest<Body>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr, key: &IssuedApiKey) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(|error| lost(&error))?;
        stream.set_nodelay(true).map_err(|error| lost(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
        // It ends with the sender; what goes wrong in it, the sender is told.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { address: address.to_string(), authorization: format!("Bearer {}", key.reveal()), sender })
    }

    pub(super) async fn flow(&mut self) -> Result<Laps, Failure> {
        let mut laps = Laps::start();
        let body = format!(r#"{{"currency_code":"{}","amount":{AMOUNT}}}"#, CURRENCY.to_ascii_lowercase());
        let answer = self.post("/admin/payment-collections", body).await?;
        laps.done(Step::CreateCollection);
        let collection = id(&answer, "payment_collection")?;
        let body = json!({ "provider_id": provider_id().as_str() }).to_string();
        let answer = self.post(&format!("/admin/payment-collections/{collection}/payment-sessions"), body).await?;
        laps.done(Step::CreateSession);
        let session = id(&answer, "payment_session")?;
        let answer = self.post(&format!("/admin/payment-sessions/{session}/authorize"), "{}".to_owned()).await?;
        laps.done(Step::Authorize);
        let payment = id(&answer, "payment")?;
        let captured = self.post(&format!("/admin/payments/{payment}/capture"), "{}".to_owned()).await?;
        laps.done(Step::Capture);
        let body = format!(r#"{{"amount":{REFUND}}}"#);
        let refunded = self.post(&format!("/admin/payments/{payment}/refund"), body).await?;
        laps.done(Step::Refund);
        let figure = |answer: &Value, name: &str| answer["payment"][name].to_string();
        let figures = (figure(&captured, "captured_amount"), figure(&refunded, "refunded_amount"));
        if (figures.0.as_str(), figures.1.as_str()) != (AMOUNT, REFUND) {
            return Err(Failure::new(format!("payment {payment} says captured, refunded {figures:?}")));
        }
        Ok(laps)
    }

    async fn post(&mut self, path: &str, body: String) -> Result<Value, Failure> {
        let request = Request::post(path)
            .header(header::HOST, &self.address)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| lost(&error))?;
        self.sender.ready().await.map_err(|error| lost(&error))?;
        let answer = self.sender.send_request(request).await.map_err(|error| lost(&error))?;
        let status = answer.status();
        let bytes = to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await.map_err(|error| lost(&error))?;
        if !status.is_success() {
            return Err(Failure::new(format!("{path} answered {status}: {}", String::from_utf8_lossy(&bytes))));
        }
        serde_json::from_slice(&bytes).map_err(|error| lost(&error))
    }
}

fn id(answer: &Value, of: &str) -> Result<String, Failure> {
    let id = answer[of]["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| Failure::new(format!("the server answered no {of}: {answer}")))
}

fn lost(error: &dyn std::error::Error) -> Failure {
    Failure::because("the server of this process was lost", error)
}
