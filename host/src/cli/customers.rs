//! How customers' tokens are checked by `serve`: with a key from a file, so that a secret is in no list of processes.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failure::Failure;
use crate::http::{CustomerTokens, JwtTokens};

/// Bytes of the file at most: keys of these kinds have a few hundred.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// What tells a public key from a secret.
const PEM: &str = "-----BEGIN ";

/// What was said about tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CustomerTokenSettings {
    pub(super) key_file: Option<PathBuf>,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) claim: String,
}

impl CustomerTokenSettings {
    /// Whoever checks them; nobody when no key was named.
    pub(super) fn verifier(&self) -> Result<Option<Arc<dyn CustomerTokens>>, Failure> {
        let Some(path) = &self.key_file else {
            if self.issuer.is_some() || self.audience.is_some() {
                let what =
                    "customers' tokens are to have an issuer or an audience, and there is no key to check them with";
                return Err(Failure::new(what).next("name it with --customer-token-key-file FILE"));
            }
            return Ok(None);
        };
        let mut tokens = read(path)?.customer_claim(&self.claim);
        if let Some(issuer) = &self.issuer {
            tokens = tokens.issuer(issuer);
        }
        if let Some(audience) = &self.audience {
            tokens = tokens.audience(audience);
        }
        Ok(Some(Arc::new(tokens)))
    }
}

/// A line's end behind a secret is an editor's, not the secret's.
fn read(path: &Path) -> Result<JwtTokens, Failure> {
    let shown = path.display();
    let mut text = String::new();
    std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text)).map_err(
        |error| Failure::because(format!("the key of customers' tokens cannot be read from {shown}"), &error),
    )?;
    let text = text.trim();
    let tokens =
        if text.starts_with(PEM) { JwtTokens::public_key(text.as_bytes()) } else { JwtTokens::hs256(text.as_bytes()) };
    tokens.map_err(|what| {
        Failure::new(format!("{shown}: {what}"))
            .next("`openssl rand -hex 32` makes a secret, `openssl genpkey -algorithm ed25519` a pair of keys")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_a_secret_or_a_public_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let with = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let claim = "sub".to_owned();
            CustomerTokenSettings { key_file: Some(path.clone()), issuer: None, audience: None, claim }
        };
        assert!(with(&"a".repeat(64)).verifier().unwrap().is_some());
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        assert!(with(public).verifier().unwrap().is_some());
        for wrong in ["short", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ""] {
            assert!(with(wrong).verifier().unwrap_err().to_string().contains("openssl"));
        }
        let nowhere = CustomerTokenSettings { key_file: None, issuer: Some("shop".to_owned()), ..with("") };
        assert!(nowhere.verifier().unwrap_err().to_string().contains("--customer-token-key-file"));
        let nothing = CustomerTokenSettings { issuer: None, ..nowhere };
        assert!(nothing.verifier().unwrap().is_none());
    }
}
