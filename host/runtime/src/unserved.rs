//! Imports of the contract that this version of the host does not serve: `secrets`, `reveal`, `crypto`, `http`.
//!
//! They are linked for `describe` alone, so that a component which wants them can still say who it is and what it wants.
//! Calling one ends the call; no grant ever links them. Whoever serves one of them moves it out of here.

use wasmtime::component::{HasSelf, Linker, Resource};

use crate::bindings::tillbox::provider as wit;
use crate::fault::Fault;
use crate::guest::{GuestState, Raised};

/// Adds them to a linker for `describe`.
pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    type Own = HasSelf<GuestState>;
    wit::secrets::add_to_linker::<GuestState, Own>(linker, |state| state)?;
    wit::reveal::add_to_linker::<GuestState, Own>(linker, |state| state)?;
    wit::crypto::add_to_linker::<GuestState, Own>(linker, |state| state)?;
    wit::http::add_to_linker::<GuestState, Own>(linker, |state| state)
}

impl GuestState {
    fn unserved<T>(&mut self, function: &str) -> wasmtime::Result<T> {
        self.host_call(function)?;
        let interface = function.split('.').next().unwrap_or(function);
        let grant = format!("interfaces = [\"{interface}\"], on a host that serves it");
        Err(Raised(Fault::Denied { what: format!("`{function}`"), grant }).into())
    }
}

impl wit::secrets::Host for GuestState {
    fn open(
        &mut self,
        _name: String,
    ) -> wasmtime::Result<Result<Resource<wit::secrets::Secret>, wit::secrets::SecretError>> {
        self.unserved("secrets.open")
    }
}

impl wit::secrets::HostSecret for GuestState {
    /// No handle was ever given out, so there is none to drop.
    fn drop(&mut self, _secret: Resource<wit::secrets::Secret>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl wit::reveal::Host for GuestState {
    fn reveal(
        &mut self,
        _secret: Resource<wit::secrets::Secret>,
    ) -> wasmtime::Result<Result<Vec<u8>, wit::secrets::SecretError>> {
        self.unserved("reveal.reveal")
    }
}

impl wit::crypto::Host for GuestState {
    fn sha256(&mut self, _message: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        self.unserved("crypto.sha256")
    }

    fn hmac_sha256(&mut self, _key: Resource<wit::secrets::Secret>, _message: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        self.unserved("crypto.hmac-sha256")
    }

    fn constant_time_equal(&mut self, _a: Vec<u8>, _b: Vec<u8>) -> wasmtime::Result<bool> {
        self.unserved("crypto.constant-time-equal")
    }

    fn random_bytes(&mut self, _length: u32) -> wasmtime::Result<Vec<u8>> {
        self.unserved("crypto.random-bytes")
    }
}

impl wit::http::Host for GuestState {
    fn send(
        &mut self,
        _request: wit::http::Request,
    ) -> wasmtime::Result<Result<wit::http::Response, wit::http::HttpError>> {
        self.unserved("http.send")
    }
}
