//! Header fields as a guest writes and reads them. Which of them may be sent is decided where the request is.

use hyper::header::{HeaderName, HeaderValue};
use wasmtime::component::Resource;

use super::bindings::wasi::http::types::{self as wit, HeaderError};
use crate::egress::SENT_HEADER_BYTES_MAX;
use crate::fault::Fault;
use crate::guest::{GuestState, Raised};

/// Bytes of one set of fields: what may be sent, and as much again. What was received is bounded where it is received.
const FIELDS_BYTES_MAX: usize = 2 * SENT_HEADER_BYTES_MAX;

/// Bytes that a field takes beside its name and value.
const FIELD_BYTES: usize = 32;

/// Names in lower case with their values, in order.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    list: Vec<(String, Vec<u8>)>,
    bytes: usize,
    is_fixed: bool,
}

impl Fields {
    /// Fields that nobody changes.
    pub(super) fn fixed(list: Vec<(String, Vec<u8>)>) -> Self {
        Self { list, bytes: 0, is_fixed: true }
    }

    pub(super) fn fix(self) -> Self {
        Self { is_fixed: true, ..self }
    }

    pub(super) fn list(&self) -> &[(String, Vec<u8>)] {
        &self.list
    }

    fn values(&self, name: &str) -> Vec<Vec<u8>> {
        self.list.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    fn change(&self) -> Result<(), HeaderError> {
        if self.is_fixed { Err(HeaderError::Immutable) } else { Ok(()) }
    }

    fn push(&mut self, name: String, value: Vec<u8>) -> wasmtime::Result<()> {
        self.bytes += name.len() + value.len() + FIELD_BYTES;
        if self.bytes > FIELDS_BYTES_MAX {
            let rule = format!("fields of more than {FIELDS_BYTES_MAX} bytes");
            return Err(Raised(Fault::contract("wasi:http/types.fields", rule)).into());
        }
        self.list.push((name, value));
        Ok(())
    }

    fn remove(&mut self, name: &str) {
        self.list.retain(|(known, _)| known != name);
        self.bytes = self.list.iter().map(|(name, value)| name.len() + value.len() + FIELD_BYTES).sum();
    }
}

fn plain_name(name: &str) -> Result<String, HeaderError> {
    HeaderName::from_bytes(name.as_bytes()).map(|name| name.as_str().to_owned()).map_err(|_| HeaderError::InvalidSyntax)
}

fn check(value: &[u8]) -> Result<(), HeaderError> {
    HeaderValue::from_bytes(value).map(|_| ()).map_err(|_| HeaderError::InvalidSyntax)
}

type Handle = Resource<Fields>;

impl wit::HostFields for GuestState {
    fn new(&mut self) -> wasmtime::Result<Handle> {
        Ok(self.handles().push(Fields::default())?)
    }

    fn from_list(&mut self, entries: Vec<(String, Vec<u8>)>) -> wasmtime::Result<Result<Handle, HeaderError>> {
        let mut fields = Fields::default();
        for (name, value) in entries {
            match plain_name(&name).and_then(|name| check(&value).map(|()| name)) {
                Ok(name) => fields.push(name, value)?,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(self.handles().push(fields)?))
    }

    fn get(&mut self, fields: Handle, name: String) -> wasmtime::Result<Vec<Vec<u8>>> {
        Ok(self.handles().get(&fields)?.values(&name.to_ascii_lowercase()))
    }

    fn has(&mut self, fields: Handle, name: String) -> wasmtime::Result<bool> {
        Ok(!self.handles().get(&fields)?.values(&name.to_ascii_lowercase()).is_empty())
    }

    fn set(&mut self, fields: Handle, name: String, values: Vec<Vec<u8>>) -> wasmtime::Result<Result<(), HeaderError>> {
        let fields = self.handles().get_mut(&fields)?;
        let checked = fields.change().and_then(|()| values.iter().try_for_each(|value| check(value)));
        let name = match checked.and_then(|()| plain_name(&name)) {
            Ok(name) => name,
            Err(error) => return Ok(Err(error)),
        };
        fields.remove(&name);
        for value in values {
            fields.push(name.clone(), value)?;
        }
        Ok(Ok(()))
    }

    fn delete(&mut self, fields: Handle, name: String) -> wasmtime::Result<Result<(), HeaderError>> {
        let fields = self.handles().get_mut(&fields)?;
        Ok(fields.change().and_then(|()| plain_name(&name)).map(|name| fields.remove(&name)))
    }

    fn append(&mut self, fields: Handle, name: String, value: Vec<u8>) -> wasmtime::Result<Result<(), HeaderError>> {
        let fields = self.handles().get_mut(&fields)?;
        match fields.change().and_then(|()| check(&value)).and_then(|()| plain_name(&name)) {
            Ok(name) => Ok(Ok(fields.push(name, value)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn entries(&mut self, fields: Handle) -> wasmtime::Result<Vec<(String, Vec<u8>)>> {
        Ok(self.handles().get(&fields)?.list.clone())
    }

    fn clone(&mut self, fields: Handle) -> wasmtime::Result<Handle> {
        let copy = Fields { is_fixed: false, ..Clone::clone(self.handles().get(&fields)?) };
        Ok(self.handles().push(copy)?)
    }

    fn drop(&mut self, fields: Handle) -> wasmtime::Result<()> {
        self.handles().delete(fields)?;
        Ok(())
    }
}
