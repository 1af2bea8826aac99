//! The contract's `http`, `secrets`, `reveal` and `crypto`, as a guest sees them. Each is linked only where it was granted.
//!
//! It translates and counts. What may be asked is `egress`'s business, what a secret is `secrets`'.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::component::{HasSelf, Linker, Resource};

use crate::bindings::tillbox::provider as wit;
use crate::egress::{Asked, Egress, ExchangeReport, Received, Refusal};
use crate::fault::Fault;
use crate::guest::{GuestState, Raised};
use crate::held::{Bound, NotOpened};
use crate::secrets::{NoSecret, Opened, SECRETS_OPEN_MAX, Secrets};

/// Exchanges in one call: the contract's limit.
pub const EXCHANGES_MAX: usize = 8;

/// Bytes of `crypto.random-bytes` in one request: the contract's limit.
pub const RANDOM_REQUEST_BYTES_MAX: u32 = 1_024;

/// What a provider was granted of the world outside.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) egress: Egress,
    pub(crate) secrets: Secrets,
}

/// Links the granted ones; all of them for `describe`, which may call none.
pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>, granted: &dyn Fn(&str) -> bool) -> wasmtime::Result<()> {
    type Own = HasSelf<GuestState>;
    if granted("secrets") || granted("reveal") || granted("crypto") || granted("http") {
        // The others name its resource; to have it linked gives nothing, since each name is granted by itself.
        wit::secrets::add_to_linker::<GuestState, Own>(linker, |state| state)?;
    }
    if granted("reveal") {
        wit::reveal::add_to_linker::<GuestState, Own>(linker, |state| state)?;
    }
    if granted("crypto") {
        wit::crypto::add_to_linker::<GuestState, Own>(linker, |state| state)?;
    }
    if granted("http") {
        wit::http::add_to_linker::<GuestState, Own>(linker, |state| state)?;
        crate::door::add_to_linker(linker)?;
    }
    Ok(())
}

fn contract<T>(field: &str, rule: String) -> wasmtime::Result<T> {
    Err(Raised(Fault::contract(field, rule)).into())
}

impl GuestState {
    fn opened(&self, secret: &Resource<wit::secrets::Secret>) -> wasmtime::Result<Opened> {
        let place = usize::try_from(secret.rep()).unwrap_or(usize::MAX);
        match self.held.at(place) {
            Some(opened) => Ok(opened),
            None => contract("secrets.secret", "it is no handle of this call".to_owned()),
        }
    }

    fn asked(&self, request: &wit::http::Request) -> wasmtime::Result<Result<Asked, Refusal>> {
        let mut headers: Vec<(String, Vec<u8>, bool)> = Vec::new();
        for header in &request.headers {
            headers.push((header.name.clone(), header.value.clone().into_bytes(), false));
        }
        let mut bound = Vec::new();
        for header in &request.secret_headers {
            let secret = self.opened(&header.secret)?;
            headers.push((header.name.clone(), [header.prefix.as_bytes(), &secret.value].concat(), true));
            bound.push(Bound { header: header.name.clone(), secret });
        }
        let body = request.body.as_ref().map(|body| match body {
            wit::http::Body::Text(text) => text.clone().into_bytes(),
            wit::http::Body::Bytes(bytes) => bytes.clone(),
        });
        let asked = match Asked::new(&request.method, &request.url, &headers, body) {
            Ok(asked) => asked,
            Err(rule) => return Ok(Err(Refusal::Invalid(rule))),
        };
        let key = request.idempotency_key.as_deref().unwrap_or_default();
        let mut parts = vec![request.url.as_bytes(), key.as_bytes()];
        parts.extend(request.headers.iter().flat_map(|header| [header.name.as_bytes(), header.value.as_bytes()]));
        parts.extend(request.secret_headers.iter().map(|header| header.prefix.as_bytes()));
        Ok(self.held.let_pass(asked, &parts, &bound))
    }

    /// Answers a request that came no further than this, and remembers it like any other.
    fn turned_away(&mut self, request: &wit::http::Request, refusal: Refusal) -> wit::http::HttpError {
        let secrets = self.held.redactor();
        self.pipe.turned_away(ExchangeReport::turned_away(&request.method, &request.url, &refusal, &secrets));
        error(refusal)
    }
}

impl wit::secrets::Host for GuestState {
    fn open(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<wit::secrets::Secret>, wit::secrets::SecretError>> {
        self.host_call("secrets.open")?;
        Ok(match self.held.open(&name) {
            Ok(place) => Ok(Resource::new_own(u32::try_from(place).unwrap_or(u32::MAX))),
            Err(NotOpened::TooMany) => {
                return contract("secrets.open", format!("more than {SECRETS_OPEN_MAX} in one call"));
            }
            Err(NotOpened::No(NoSecret::NotGranted)) => Err(wit::secrets::SecretError::NotGranted),
            Err(NotOpened::No(NoSecret::Missing)) => Err(wit::secrets::SecretError::Missing),
        })
    }
}

impl wit::secrets::HostSecret for GuestState {
    /// The value stays until the call's end: another handle of the same name has to be the same.
    fn drop(&mut self, _secret: Resource<wit::secrets::Secret>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl wit::reveal::Host for GuestState {
    fn reveal(
        &mut self,
        secret: Resource<wit::secrets::Secret>,
    ) -> wasmtime::Result<Result<Vec<u8>, wit::secrets::SecretError>> {
        self.host_call("reveal.reveal")?;
        let opened = self.opened(&secret)?;
        if opened.rule.reveal {
            tracing::info!(secret = opened.rule.name, "a provider reads a secret");
            Ok(Ok(opened.value.to_vec()))
        } else {
            Ok(Err(wit::secrets::SecretError::NotGranted))
        }
    }
}

impl wit::crypto::Host for GuestState {
    fn sha256(&mut self, message: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        self.host_call("crypto.sha256")?;
        Ok(Sha256::digest(&message).to_vec())
    }

    fn hmac_sha256(&mut self, key: Resource<wit::secrets::Secret>, message: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        self.host_call("crypto.hmac-sha256")?;
        let opened = self.opened(&key)?;
        if !opened.rule.hmac {
            let what = format!("the secret `{}` as an HMAC key", opened.rule.name);
            let grant = format!("secrets = [{{ name = \"{}\", hmac = true }}]", opened.rule.name);
            return Err(Raised(Fault::Denied { what, grant }).into());
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&opened.value).expect("HMAC takes keys of any length");
        mac.update(&message);
        Ok(mac.finalize().into_bytes().to_vec())
    }

    fn constant_time_equal(&mut self, a: Vec<u8>, b: Vec<u8>) -> wasmtime::Result<bool> {
        self.host_call("crypto.constant-time-equal")?;
        Ok(subtle::ConstantTimeEq::ct_eq(a.as_slice(), b.as_slice()).into())
    }

    fn random_bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        self.host_call("crypto.random-bytes")?;
        if length > RANDOM_REQUEST_BYTES_MAX {
            return contract("crypto.random-bytes", format!("{length} bytes, allowed are {RANDOM_REQUEST_BYTES_MAX}"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.pipe.told.fill(&mut bytes);
        Ok(bytes)
    }
}

impl wit::http::Host for GuestState {
    async fn send(
        &mut self,
        request: wit::http::Request,
    ) -> wasmtime::Result<Result<wit::http::Response, wit::http::HttpError>> {
        self.host_call("http.send")?;
        self.pipe.room().map_err(Raised)?;
        let asked = match self.asked(&request)? {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Err(self.turned_away(&request, refusal))),
        };
        let answer = Arc::clone(&self.pipe).exchange(asked).await.map_err(Raised)?;
        Ok(answer.map(response).map_err(error))
    }
}

fn response(received: Received) -> wit::http::Response {
    let Received { status, headers, body } = received;
    let headers = headers.into_iter().map(|(name, value)| wit::http::Header { name, value }).collect();
    let body = match String::from_utf8(body) {
        Ok(text) => wit::http::Body::Text(text),
        Err(error) => wit::http::Body::Bytes(error.into_bytes()),
    };
    wit::http::Response { status, headers, body }
}

fn error(refusal: Refusal) -> wit::http::HttpError {
    match refusal {
        Refusal::Denied(line) | Refusal::Secret(line) | Refusal::Astray(line) => wit::http::HttpError::Denied(line),
        Refusal::Invalid(rule) => wit::http::HttpError::Invalid(rule),
        Refusal::NotConnected(why) => wit::http::HttpError::NotConnected(why),
        Refusal::Lost(why) => wit::http::HttpError::Lost(why),
        Refusal::TooLarge(status) => wit::http::HttpError::TooLarge(status),
    }
}

/// Shared by the calls of one provider.
pub(crate) type SharedNetwork = Option<Arc<Network>>;
