//! A customer's token: who the visitor of a storefront is, as somebody else vouches. Signed JSON Web Tokens (RFC 7519) out of
//! the box, anything an embedder likes behind [`CustomerTokens`].
//!
//! It does not know what a customer may do. The cryptography is `ring`'s; what stands here is the form of a token, read more
//! strictly than it has to be: one algorithm, no extensions, no key said twice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Map, Value};
use tillbox_runtime::json::{JsonLimits, check_object};

use super::limits::{BODY_DEPTH_MAX, HEADER_BYTES_MAX};
use crate::clock::{Clock, SystemClock};

/// Seconds by which clocks may differ: machines that keep time by NTP differ by less than one, and a token that is good for
/// half a minute more harms nobody.
pub const CLOCK_SKEW_SECONDS: i64 = 30;

/// Bytes of a secret at least: as many as the hash has (RFC 7518 section 3.2).
pub const TOKEN_SECRET_BYTES_MIN: usize = 32;

/// What a SubjectPublicKeyInfo (RFC 5280 section 4.1) of an Ed25519 key begins with (RFC 8410 section 4); 32 bytes follow.
const ED25519_KEY: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What one of a P-256 key begins with (RFC 5480 section 2); the uncompressed point follows, 65 bytes.
const P256_KEY: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// What a token says of its bearer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenClaims {
    /// The customer, by the merchant's own id. Opens the collections that are theirs.
    pub customer: Option<String>,
    /// A cart. Opens the collection of that cart: for visitors who have no account.
    pub cart_id: Option<String>,
    /// A payment collection. Opens that one.
    pub payment_collection_id: Option<String>,
}

/// Whoever can tell whose token it is.
pub trait CustomerTokens: std::fmt::Debug + Send + Sync + 'static {
    /// What a token says, when it is good now.
    ///
    /// # Errors
    /// Why it is not, in words for whoever made it. They must not hold the token.
    fn check(&self, token: &str) -> Result<TokenClaims, String>;
}

/// JSON Web Tokens in compact form (RFC 7515 section 3.1), signed with HS256, EdDSA (Ed25519) or ES256. The key decides which
/// of them, never the token (RFC 8725 section 3.1). `exp` is required, `nbf` heeded.
#[derive(Clone)]
pub struct JwtTokens {
    key: Key,
    issuer: Option<String>,
    audience: Option<String>,
    customer_claim: String,
}

#[derive(Clone)]
enum Key {
    Secret(hmac::Key),
    Public { name: &'static str, algorithm: &'static dyn VerificationAlgorithm, key: Vec<u8> },
}

impl std::fmt::Debug for JwtTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtTokens").field("algorithm", &self.key.algorithm()).finish_non_exhaustive()
    }
}

impl JwtTokens {
    /// Tokens that are signed with a secret, HS256.
    ///
    /// # Errors
    /// A secret that is shorter than [`TOKEN_SECRET_BYTES_MIN`].
    pub fn hs256(secret: &[u8]) -> Result<Self, String> {
        if secret.len() < TOKEN_SECRET_BYTES_MIN {
            return Err(format!("the secret has {} bytes; {TOKEN_SECRET_BYTES_MIN} or more are needed", secret.len()));
        }
        Ok(Self::new(Key::Secret(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    /// Tokens that are signed with the private key of this public one, in PEM: Ed25519 (EdDSA) or P-256 (ES256).
    ///
    /// # Errors
    /// Anything else.
    pub fn public_key(pem: &[u8]) -> Result<Self, String> {
        let wrong = || "this is no public key in PEM, Ed25519 or P-256 (`BEGIN PUBLIC KEY`)".to_owned();
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| wrong())?;
        let known: [(&[u8], usize, &str, &'static dyn VerificationAlgorithm); 2] =
            [(ED25519_KEY, 32, "EdDSA", &ED25519), (P256_KEY, 65, "ES256", &ECDSA_P256_SHA256_FIXED)];
        for (prefix, length, name, algorithm) in known {
            if let Some(key) = der.strip_prefix(prefix).filter(|key| key.len() == length) {
                return Ok(Self::new(Key::Public { name, algorithm, key: key.to_vec() }));
            }
        }
        Err(wrong())
    }

    fn new(key: Key) -> Self {
        Self { key, issuer: None, audience: None, customer_claim: "sub".to_owned() }
    }

    /// Only tokens of this issuer, `iss`.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    /// Only tokens for this audience, `aud`.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.audience = Some(audience.to_owned());
        self
    }

    /// The claim that names the customer, `sub` unless this says otherwise.
    #[must_use]
    pub fn customer_claim(mut self, claim: &str) -> Self {
        claim.clone_into(&mut self.customer_claim);
        self
    }

    /// The claims of a token that this key has signed.
    fn signed(&self, token: &str) -> Result<Map<String, Value>, &'static str> {
        let no_token = "it is no JSON Web Token";
        let (signed, signature) = token.rsplit_once('.').ok_or(no_token)?;
        let (header, claims) = signed.split_once('.').filter(|(_, claims)| !claims.contains('.')).ok_or(no_token)?;
        let header = object(header).ok_or(no_token)?;
        if header.get("alg").and_then(Value::as_str) != Some(self.key.algorithm()) {
            return Err("it is signed with another algorithm than this server's key is for");
        }
        // What is critical has to be understood (RFC 7515 section 4.1.11), and nothing is.
        if header.contains_key("crit") {
            return Err("it wants an extension that this server does not know");
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| no_token)?;
        if !self.key.has_signed(signed.as_bytes(), &signature) {
            return Err("its signature is not that of this server's key");
        }
        object(claims).ok_or(no_token)
    }

    fn in_time(claims: &Map<String, Value>, now_seconds: i64) -> Result<(), &'static str> {
        let seconds = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or("a time in it is no whole number of seconds"),
        };
        let ends = seconds("exp")?.ok_or("its claim `exp` is missing")?;
        if ends.saturating_add(CLOCK_SKEW_SECONDS) <= now_seconds {
            return Err("it has expired");
        }
        if seconds("nbf")?.is_some_and(|begins| begins.saturating_sub(CLOCK_SKEW_SECONDS) > now_seconds) {
            return Err("it is not good yet");
        }
        Ok(())
    }

    fn for_us(&self, claims: &Map<String, Value>) -> Result<(), &'static str> {
        let said = |name: &str| claims.get(name).and_then(Value::as_str);
        if self.issuer.is_some() && said("iss") != self.issuer.as_deref() {
            return Err("it is of another issuer");
        }
        let Some(audience) = self.audience.as_deref() else { return Ok(()) };
        let among =
            claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == audience));
        if said("aud") == Some(audience) || among { Ok(()) } else { Err("it is for another audience") }
    }
}

impl Key {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Public { name, .. } => name,
        }
    }

    /// In constant time.
    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Public { algorithm, key, .. } => {
                UnparsedPublicKey::new(*algorithm, key).verify(message, signature).is_ok()
            }
        }
    }
}

impl CustomerTokens for JwtTokens {
    fn check(&self, token: &str) -> Result<TokenClaims, String> {
        let claims = self.signed(token)?;
        Self::in_time(&claims, SystemClock.now().0 / 1_000)?;
        self.for_us(&claims)?;
        let text = |name: &str| match claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(format!("its claim `{name}` is no text")),
        };
        Ok(TokenClaims {
            customer: text(&self.customer_claim)?,
            cart_id: text("cart_id")?,
            payment_collection_id: text("payment_collection_id")?,
        })
    }
}

/// A part of a token: base64url of a JSON object in which no key stands twice.
fn object(part: &str) -> Option<Map<String, Value>> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    check_object(&text, JsonLimits { bytes_max: HEADER_BYTES_MAX, depth_max: BODY_DEPTH_MAX }).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"a secret of the tests, 32 bytes and more";

    /// The beginning of a SubjectPublicKeyInfo (RFC 5280, RFC 8410, RFC 5480) with the key behind it.
    fn pem(prefix: &[u8], key: &[u8]) -> String {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode([prefix, key].concat()))
    }

    fn token(algorithm: &str, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": algorithm, "typ": "JWT" })), part(claims));
        let signature = sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn hs256(secret: &[u8], claims: &Value) -> String {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        token("HS256", claims, |bytes| ring::hmac::sign(&key, bytes).as_ref().to_vec())
    }

    fn now() -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap()
    }

    #[test]
    fn a_good_token_says_who_its_bearer_is() {
        let tokens = JwtTokens::hs256(SECRET).unwrap();
        let claims = json!({ "sub": "cus_1", "cart_id": "cart_1", "exp": now() + 60, "nbf": now() - 1, "more": [1] });
        let said = tokens.check(&hs256(SECRET, &claims)).unwrap();
        assert_eq!((said.customer.as_deref(), said.cart_id.as_deref()), (Some("cus_1"), Some("cart_1")));
        assert_eq!(said.payment_collection_id, None);
        let other = tokens.clone().customer_claim("actor_id");
        let said = other.check(&hs256(SECRET, &json!({ "actor_id": "cus_2", "sub": "x", "exp": now() + 60 }))).unwrap();
        assert_eq!(said.customer.as_deref(), Some("cus_2"));
    }

    #[test]
    fn a_token_that_is_not_good_says_why() {
        let tokens = JwtTokens::hs256(SECRET).unwrap();
        let good = json!({ "sub": "cus_1", "exp": now() + 60 });
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            hs256(SECRET, &claims)
        };
        let forged = hs256(b"another secret of 32 bytes and more....", &good);
        let unsigned = token("none", &good, |_| Vec::new());
        let mut altered = hs256(SECRET, &good);
        let at = altered.find('.').unwrap() + 9;
        altered.replace_range(at..=at, if &altered[at..=at] == "A" { "B" } else { "A" });
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let raw = |header: &str, claims: &str| {
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
            format!("{signed}.{signature}")
        };
        let twice = format!(r#"{{"sub":"cus_1","sub":"cus_2","exp":{}}}"#, now() + 60);
        let doubled = raw(r#"{"alg":"HS256"}"#, &twice);
        let extended = raw(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, &good.to_string());
        for (token, why) in [
            (with("exp", json!(now() - 3_600)), "expired"),
            (with("nbf", json!(now() + 3_600)), "not good yet"),
            (hs256(SECRET, &json!({ "sub": "cus_1" })), "missing"),
            (with("sub", json!(7)), "`sub` is no text"),
            (with("exp", json!("soon")), "whole number"),
            (with("nbf", json!("9999999999999")), "whole number"),
            (forged, "signature"),
            (unsigned, "algorithm"),
            (altered, "signature"),
            (token("HS512", &good, |_| vec![0; 64]), "algorithm"),
            (doubled, "no JSON Web Token"),
            (extended, "extension"),
            ("a.b".to_owned(), "no JSON Web Token"),
            (format!("{}.x", hs256(SECRET, &good)), "no JSON Web Token"),
            (String::new(), "no JSON Web Token"),
        ] {
            let told = tokens.check(&token).unwrap_err();
            assert!(told.contains(why), "{why}: {told}");
        }
        let only = tokens.issuer("shop").audience("tillbox");
        let claims = |iss: &str, aud: &str| hs256(SECRET, &json!({ "exp": now() + 60, "iss": iss, "aud": aud }));
        assert!(only.check(&claims("shop", "tillbox")).is_ok());
        assert!(only.check(&claims("else", "tillbox")).unwrap_err().contains("issuer"));
        assert!(only.check(&claims("shop", "else")).unwrap_err().contains("audience"));
        assert!(only.check(&hs256(SECRET, &good)).is_err());
    }

    #[test]
    fn public_keys_verify_and_never_serve_as_secrets() {
        let random = SystemRandom::new();
        let good = json!({ "sub": "cus_1", "exp": now() + 60 });
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ed = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let ed_pem = pem(ED25519_KEY, ed.public_key().as_ref());
        let tokens = JwtTokens::public_key(ed_pem.as_bytes()).unwrap();
        assert!(tokens.check(&token("EdDSA", &good, |bytes| ed.sign(bytes).as_ref().to_vec())).is_ok());
        // Who knows the public key must not be able to sign with it.
        assert!(tokens.check(&hs256(ed_pem.as_bytes(), &good)).unwrap_err().contains("algorithm"));
        assert!(tokens.check(&hs256(ed.public_key().as_ref(), &good)).is_err());

        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let tokens = JwtTokens::public_key(pem(P256_KEY, ec.public_key().as_ref()).as_bytes()).unwrap();
        let signed = token("ES256", &good, |bytes| ec.sign(&random, bytes).unwrap().as_ref().to_vec());
        assert!(tokens.check(&signed).is_ok());
        assert!(tokens.check(&token("ES256", &good, |_| vec![0; 64])).unwrap_err().contains("signature"));
        for wrong in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "secret"] {
            assert!(JwtTokens::public_key(wrong.as_bytes()).is_err());
        }
        assert!(JwtTokens::hs256(b"short").is_err());
    }
}
