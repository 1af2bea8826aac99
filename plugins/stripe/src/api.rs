//! One request to Stripe's API: where it goes, what it carries, and what its answer is before anybody knows what it means.
//!
//! Every request names the API version, so that an upgrade of the account changes no shape here. It refuses to know what is
//! asked for.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tillbox_provider::http::{Form, Request, Response};
use tillbox_provider::{Context, Error, Result, Secret, log};

use crate::intent::Intent;
use crate::settings::Settings;

/// The API version whose requests and answers these are.
pub const API_VERSION: &str = "2025-03-31.basil";

/// The secret key.
pub(crate) const API_KEY: &str = "api_key";

/// Milliseconds in a second of `Retry-After`.
const SECOND_MS: u64 = 1_000;

/// What a call has beside its request.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) context: &'a Context,
    pub(crate) settings: Settings,
    key: Secret,
}

/// Stripe said no, and why; or there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What it said.
    Problem(Box<Problem>),
    /// There is nothing that can be read.
    Error(Error),
}

/// Stripe's error object, as far as it is acted on.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    pub(crate) status: u16,
    #[serde(skip)]
    pub(crate) retry_after_ms: u64,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) code: Option<String>,
    #[serde(default)]
    pub(crate) decline_code: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// The intent as it is after a decline, or in the state that forbids what was asked.
    #[serde(default)]
    pub(crate) payment_intent: Option<Intent>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Problem,
}

/// A list, or the result of a search.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) has_more: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(context: &'a Context) -> Result<Self> {
        Ok(Self { context, settings: Settings::read()?, key: Secret::open(API_KEY)? })
    }

    /// Reads. It changes nothing, so whatever goes wrong with it proves that nothing was done.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str, query: &Form) -> Result<T> {
        let response = self.sent(Request::get(self.url(path)).query(query));
        let unread = |error: Error| Error::unavailable(error.message).code(error.code);
        let response = match response {
            Ok(response) => response,
            Err(Failure::Problem(problem)) => return Err(problem.while_reading()),
            Err(Failure::Error(error)) => return Err(unread(error)),
        };
        response.json().map_err(unread)
    }

    /// Changes something, under the key of the call. A call sends one such request and no more, so the key is the call's own.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, form: &Form) -> Result<T, Failure> {
        let request = Request::post(self.url(path), &self.context.idempotency_key).form(form);
        self.sent(request)?.json().map_err(Failure::Error)
    }

    /// Deletes something, under the key of the call.
    pub(crate) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.sent(Request::delete(self.url(path), &self.context.idempotency_key))?.json().map_err(Failure::Error)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.api_base)
    }

    fn sent(&self, request: Request<'_>) -> Result<Response, Failure> {
        let key = &self.key;
        let mut request = request.header("accept", "application/json").header("stripe-version", API_VERSION);
        if let Some(account) = &self.settings.account {
            request = request.header("stripe-account", account);
        }
        let response = with_key(request, key).send().map_err(|error| Failure::Error(error.into()))?;
        if response.is_success() {
            return Ok(response);
        }
        if let Some(id) = response.header("request-id") {
            log::info("Stripe refused a request", &[("request_id", &id), ("status", &response.status)]);
        }
        Err(refusal(&response))
    }
}

fn with_key<'a>(request: Request<'a>, key: &'a Secret) -> Request<'a> {
    request.secret_header("authorization", "Bearer ", key)
}

fn refusal(response: &Response) -> Failure {
    let status = response.status;
    let Ok(Refusal { error }) = serde_json::from_slice(&response.body) else {
        // Not Stripe's own words: a proxy on the way, or a page of maintenance. Nobody knows what stood behind it.
        let error = Error::outcome_unknown(format_args!("an answer with status {status} that is not Stripe's"));
        return Failure::Error(error.code("answer_unreadable"));
    };
    let seconds = response.header("retry-after").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let retry_after_ms = seconds.saturating_mul(SECOND_MS);
    Failure::Problem(Box::new(Problem { status, retry_after_ms, ..error }))
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Problem(problem) => problem.after_sending(),
            Failure::Error(error) => error,
        }
    }
}
