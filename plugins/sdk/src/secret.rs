//! Secrets that can be used and not read: the contract's import `secrets`.
//!
//! A handle goes into a header ([`Request::secret_header`](crate::http::Request::secret_header)) or is the key of an HMAC
//! ([`crypto::hmac_sha256`](crate::crypto::hmac_sha256)); its value stays with the host. On native targets the values come
//! from [`testing::set_secret`](crate::testing).

use std::fmt;

use crate::error::Error;

/// A secret that the operator granted, by name (`secrets.secret`). Worth nothing outside of the call that opened it.
pub struct Secret {
    name: String,
    handle: Handle,
}

/// Why a secret was not given (`secrets.secret-error`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretError {
    /// The operator did not grant this name.
    NotGranted(String),
    /// Granted, but its source has no value.
    Missing(String),
}

impl Secret {
    /// Opens a granted secret.
    ///
    /// # Errors
    /// [`SecretError`] naming it.
    pub fn open(name: &str) -> Result<Self, SecretError> {
        let handle = open(name)?;
        Ok(Self { name: name.to_owned(), handle })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.name)
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(name) => write!(f, "the secret `{name}` is not granted; add: secrets = [\"{name}\"]"),
            Self::Missing(name) => write!(f, "the secret `{name}` is granted, and its source has no value"),
        }
    }
}

impl std::error::Error for SecretError {}

/// The operator's to repair, and nothing was sent.
impl From<SecretError> for Error {
    fn from(error: SecretError) -> Self {
        let code = match error {
            SecretError::NotGranted(_) => "secret_not_granted",
            SecretError::Missing(_) => "secret_missing",
        };
        Self::authentication(error).code(code)
    }
}

#[cfg(target_family = "wasm")]
pub(crate) type Handle = crate::bindings::provider::tillbox::provider::secrets::Secret;

#[cfg(target_family = "wasm")]
fn open(name: &str) -> Result<Handle, SecretError> {
    use crate::bindings::provider::tillbox::provider::secrets as import;

    import::open(name).map_err(|error| match error {
        import::SecretError::NotGranted => SecretError::NotGranted(name.to_owned()),
        import::SecretError::Missing => SecretError::Missing(name.to_owned()),
    })
}

/// The value itself: natively there is no host to keep it.
#[cfg(not(target_family = "wasm"))]
pub(crate) type Handle = Vec<u8>;

#[cfg(not(target_family = "wasm"))]
fn open(name: &str) -> Result<Handle, SecretError> {
    match crate::testing::secret(name) {
        None => Err(SecretError::NotGranted(name.to_owned())),
        Some(value) if value.is_empty() => Err(SecretError::Missing(name.to_owned())),
        Some(value) => Ok(value.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::testing::set_secret;

    #[test]
    fn a_secret_is_opened_by_name_and_shows_nothing_else() {
        let refused = Secret::open("api_key").unwrap_err();
        assert_eq!(refused, SecretError::NotGranted("api_key".to_owned()));
        assert_eq!(Error::from(refused).kind, ErrorKind::Authentication);
        set_secret("api_key", "");
        assert_eq!(Secret::open("api_key").unwrap_err(), SecretError::Missing("api_key".to_owned()));
        set_secret("api_key", "sk_test_canary");
        assert_eq!(format!("{:?}", Secret::open("api_key").unwrap()), "Secret(api_key)");
    }
}
