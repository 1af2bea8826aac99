//! What of `wasi:http` belongs to servers. A provider is none, so nobody ever holds one of these.

use wasmtime::component::Resource;

use super::bindings::wasi::http::types as wit;
use super::fields::Fields;
use super::types::{IncomingBody, OutgoingBody};
use crate::fault::Fault;
use crate::guest::{GuestState, Raised};

/// Never made.
#[derive(Debug)]
pub struct Absent;

fn absent<T>() -> wasmtime::Result<T> {
    let rule = "a provider serves no HTTP: the host takes its webhooks and hands them over";
    Err(Raised(Fault::contract("wasi:http/types", rule)).into())
}

type Handle = Resource<Absent>;

impl wit::HostIncomingRequest for GuestState {
    fn method(&mut self, _: Handle) -> wasmtime::Result<wit::Method> {
        absent()
    }
    fn path_with_query(&mut self, _: Handle) -> wasmtime::Result<Option<String>> {
        absent()
    }
    fn scheme(&mut self, _: Handle) -> wasmtime::Result<Option<wit::Scheme>> {
        absent()
    }
    fn authority(&mut self, _: Handle) -> wasmtime::Result<Option<String>> {
        absent()
    }
    fn headers(&mut self, _: Handle) -> wasmtime::Result<Resource<Fields>> {
        absent()
    }
    fn consume(&mut self, _: Handle) -> wasmtime::Result<Result<Resource<IncomingBody>, ()>> {
        absent()
    }
    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        absent()
    }
}

impl wit::HostOutgoingResponse for GuestState {
    fn new(&mut self, _: Resource<Fields>) -> wasmtime::Result<Handle> {
        absent()
    }
    fn status_code(&mut self, _: Handle) -> wasmtime::Result<u16> {
        absent()
    }
    fn set_status_code(&mut self, _: Handle, _: u16) -> wasmtime::Result<Result<(), ()>> {
        absent()
    }
    fn headers(&mut self, _: Handle) -> wasmtime::Result<Resource<Fields>> {
        absent()
    }
    fn body(&mut self, _: Handle) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
        absent()
    }
    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        absent()
    }
}

impl wit::HostResponseOutparam for GuestState {
    fn set(&mut self, _: Handle, _: Result<Handle, wit::ErrorCode>) -> wasmtime::Result<()> {
        absent()
    }
    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        absent()
    }
}
