//! `/_gateway/…`: what no real gateway has. Faults on and off, the ledger for a judge, the clock, what somebody does at the
//! dashboard, and the issuer's page of a 3-D Secure challenge.

use std::time::Duration;

use hyper::{Response, header};
use serde_json::{Value, json};

use super::body::{Reading, SentBody, whole};
use super::{Gateway, held, sent};
use crate::api;
use crate::faults::Fault;
use crate::ledger::Reply;
use crate::params::Params;
use crate::problem::Problem;
use crate::webhooks::Manner;

impl Gateway {
    pub(super) fn at_the_desk(&self, rest: &str, reading: &Reading) -> Response<SentBody> {
        if let Some(id) = rest.strip_prefix("3ds/") {
            return self.challenge(id, reading).unwrap_or_else(|problem| sent(&problem.into(), None));
        }
        let reply = self.desk(rest, reading).map_or_else(Reply::from, Reply::ok);
        sent(&reply, None)
    }

    fn desk(&self, rest: &str, reading: &Reading) -> Result<Value, Problem> {
        let wrong = |error: serde_json::Error| Problem::invalid(None, None, error.to_string());
        match (reading.method.as_str(), rest) {
            ("GET", "ledger") => {
                let effects = held(&self.inner.ledger).effects()?;
                Ok(json!({ "effects": effects }))
            }
            ("GET", "requests") => Ok(json!({ "requests": *held(&self.inner.requests) })),
            ("GET", "faults") => Ok(json!({ "faults": held(&self.inner.faults).left() })),
            ("POST", "faults") => {
                let fault: Fault = serde_json::from_slice(&reading.body).map_err(wrong)?;
                let added = held(&self.inner.faults).add(fault);
                added
                    .then(|| json!({ "added": true }))
                    .ok_or_else(|| Problem::invalid(None, None, "too many faults wait"))
            }
            ("DELETE", "faults") => {
                held(&self.inner.faults).clear();
                Ok(json!({ "faults": [] }))
            }
            ("POST", "webhooks") => {
                let manner: Manner = serde_json::from_slice(&reading.body).map_err(wrong)?;
                self.send_events_like(manner);
                Ok(json!({ "webhooks": manner }))
            }
            ("POST", "clock") => {
                let seconds =
                    serde_json::from_slice::<Value>(&reading.body).map_err(wrong)?["advance_seconds"].as_u64();
                let missing =
                    || Problem::invalid(None, Some("advance_seconds"), "advance_seconds: a whole number of seconds");
                self.pass(Duration::from_secs(seconds.ok_or_else(missing)?));
                Ok(json!({ "now": self.now().seconds() }))
            }
            ("POST", "counter") => self.counter(&serde_json::from_slice(&reading.body).map_err(wrong)?),
            _ => {
                let known = "GET ledger, GET requests, GET|POST|DELETE faults, POST webhooks, POST clock, POST counter, GET|POST 3ds/{id}";
                Err(Problem { status: 404, ..Problem::invalid(None, None, format!("known are {known}")) })
            }
        }
    }

    /// `{"do": "capture" | "cancel" | "dispute" | "refund" | "refund_succeeds" | "refund_fails" | "3ds_pass" | "3ds_fail", "id": …,
    /// "amount"?: …}`
    pub(super) fn counter(&self, order: &Value) -> Result<Value, Problem> {
        let text = |key: &str| order[key].as_str().unwrap_or_default().to_owned();
        let (what, id, amount) = (text("do"), text("id"), order["amount"].as_i64());
        let now = self.now();
        held(&self.inner.ledger).change(now, |books| match what.as_str() {
            "3ds_pass" => api::authenticated(books, &id, true),
            "3ds_fail" => api::authenticated(books, &id, false),
            "refund" => api::refund_at_the_counter(books, &id, amount),
            "refund_succeeds" => api::finished(books, &id, true),
            "refund_fails" => api::finished(books, &id, false),
            other => api::intent_at_the_counter(books, &id, other, amount),
        })
    }

    /// The issuer's page: GET shows it, POST `outcome=pass` or `outcome=fail` is the payer's answer.
    fn challenge(&self, id: &str, reading: &Reading) -> Result<Response<SentBody>, Problem> {
        let now = self.now();
        if reading.method != "POST" {
            let kind = if id.starts_with("seti_") { "setup_intent" } else { "payment_intent" };
            let intent = held(&self.inner.ledger).change(now, |books| books.get(kind, id))?;
            return Ok(page(&intent));
        }
        let mut params = Params::parse(reading.parameters()?)?;
        let passed = params.one_of("outcome", &["pass", "fail"])?.as_deref() == Some("pass");
        let (before, after) = held(&self.inner.ledger).change(now, |books| {
            let kind = if id.starts_with("seti_") { "setup_intent" } else { "payment_intent" };
            Ok((books.get(kind, id)?, api::authenticated(books, id, passed)?))
        })?;
        let Some(back) = before["next_action"]["redirect_to_url"]["return_url"].as_str() else {
            return Ok(sent(&Reply::ok(json!({ "status": after["status"] })), None));
        };
        let mark = if back.contains('?') { '&' } else { '?' };
        let secret = after["client_secret"].as_str().unwrap_or_default();
        let outcome = if passed { "succeeded" } else { "failed" };
        let name = after["object"].as_str().unwrap_or("payment_intent");
        let location = format!("{back}{mark}{name}={id}&{name}_client_secret={secret}&redirect_status={outcome}");
        let mut response = sent(&Reply { status: 303, body: json!({}), is_replayed: false }, None);
        let location = location.parse().map_err(|_| Problem::invalid(None, Some("return_url"), "Invalid URL"))?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response)
    }
}

fn page(intent: &Value) -> Response<SentBody> {
    let amount = intent["amount"].as_i64().unwrap_or_default();
    let currency = intent["currency"].as_str().unwrap_or_default();
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Test issuer</title><h1>Test issuer</h1>\
         <p>A shop asks for {amount} minor units of {currency}. Is it you?</p><form method=post>\
         <button name=outcome value=pass>Yes, it is me</button> <button name=outcome value=fail>No</button></form></html>"
    );
    let mut response = Response::new(whole(html));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
