//! Who may call: keys that are missing, wrong, of the other kind, too weak, taken back or replaced.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tillbox::core::Timestamp;
use tillbox::service::NewApiKey;
use tillbox::store::Scope;

use crate::client::{Answer, Request, send_raw};
use crate::scene::{MANUAL_ID, Refused, Shop, ok};

const MISSING: Refused = Refused::new(401, "unauthorized", "secret_key_missing");
const WRONG: Refused = Refused::new(401, "unauthorized", "secret_key_invalid");
const STORE_MISSING: Refused = Refused::new(400, "not_allowed", "publishable_key_missing");
const STORE_WRONG: Refused = Refused::new(400, "not_allowed", "publishable_key_invalid");
const TOO_WEAK: Refused = Refused::new(403, "forbidden", "scope_missing");

const PAYMENTS: &str = "/admin/payments";
const PROVIDERS: &str = "/store/payment-providers";

fn with(request: &Request, authorization: &str) -> Request {
    request.clone().header("authorization", authorization)
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[test]
fn a_secret_key_opens_admin_in_both_schemes() {
    let shop = Shop::open();
    let (request, key) = (Request::new("GET", PAYMENTS), &shop.door.secret);
    for authorization in [bearer(key), format!("bearer {key}"), basic(key, "")] {
        ok(with(&request, &authorization).send(&shop.door));
    }
}

#[test]
fn without_a_key_that_counts_nothing_is_answered_and_nothing_stored() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let (key, publishable) = (shop.door.secret.clone(), shop.door.publishable.clone());
    let guessed = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    let capture = Request::post(&format!("{PAYMENTS}/{payment}/capture"), "{}");
    for request in [capture, Request::new("GET", PAYMENTS), Request::post("/admin/payment-collections", "{")] {
        let answer = shop.refuses(&request.clone().anonymous(), MISSING);
        let challenges: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "www-authenticate")
            .map(|(_, value)| value.as_str())
            .collect();
        assert!(challenges.iter().any(|one| one.starts_with("Basic ")) && challenges.len() == 2, "{challenges:?}");
        for wrong in [
            bearer(&guessed),
            bearer(&publishable),
            bearer(""),
            bearer("sk_"),
            bearer(&"s".repeat(20_000)),
            basic(&key, "password"),
            basic(&guessed, ""),
            "Basic ???".to_owned(),
            format!("Digest {key}"),
            key.clone(),
        ] {
            let answer = shop.refuses(&with(&request, &wrong), WRONG);
            assert!(!answer.text.contains(&key[..40]), "{}", answer.text);
        }
        // A publishable key opens nothing here, wherever it stands.
        shop.refuses(&request.clone().anonymous().header("x-publishable-api-key", &publishable), MISSING);
    }
}

#[test]
fn a_storefront_shows_its_key() {
    let shop = Shop::open();
    let collection = shop.collection("10", "eur");
    let sessions = format!("/store/payment-collections/{collection}/payment-sessions");
    let open = Request::post(&sessions, json!({ "provider_id": MANUAL_ID }).to_string());
    for request in [open, Request::new("GET", PROVIDERS)] {
        shop.refuses(&request.clone().anonymous(), STORE_MISSING);
        shop.refuses(&request.clone().anonymous().header("authorization", &bearer(&shop.door.secret)), STORE_MISSING);
        for wrong in ["pk_1", &shop.door.secret, "x"] {
            shop.refuses(&request.clone().header("x-publishable-api-key", wrong), STORE_WRONG);
        }
    }
}

#[test]
fn headers_that_cannot_be_a_key_are_named() {
    let shop = Shop::open();
    let key = &shop.door.secret;
    let twice = with(&with(&Request::new("GET", PAYMENTS), &bearer(key)), &bearer(key));
    shop.refuses(&twice, Refused::field("authorization"));
    let twice =
        Request::new("GET", PROVIDERS).header("x-publishable-api-key", "a").header("x-publishable-api-key", "b");
    shop.refuses(&twice, Refused::field("x-publishable-api-key"));
    for (target, name) in [(PAYMENTS, "authorization"), (PROVIDERS, "x-publishable-api-key")] {
        let request =
            format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{name}: Bearer é\r\n\r\n");
        let answer = send_raw(shop.address, request.as_bytes());
        assert_eq!((answer.status, answer.body["field"].as_str()), (400, Some(name)), "{}", answer.text);
    }
}

#[test]
fn a_key_does_what_its_scopes_say_and_no_more() {
    let shop = Shop::open();
    let payment = shop.payment(MANUAL_ID, "10", "eur");
    let capture = Request::post(&format!("{PAYMENTS}/{payment}/capture"), r#"{"amount":1}"#);
    let switch = Request::post(&format!("/admin/payment-providers/{MANUAL_ID}"), r#"{"is_enabled":true}"#);
    let look = Request::new("GET", PAYMENTS);
    let key = |scope| bearer(&shop.new_key(NewApiKey::secret([scope])).1);
    let asked = |request: &Request, key: &str, needed: Option<&str>| {
        let request = with(request, key);
        let Some(needed) = needed else {
            ok(request.send(&shop.door));
            return;
        };
        let answer: Answer = shop.refuses(&request, TOO_WEAK);
        assert!(answer.body["message"].as_str().unwrap().contains(&format!("`{needed}`")), "{}", answer.body);
    };
    let (reads, operates, administers) = (key(Scope::Read), key(Scope::Operate), key(Scope::Administer));
    for (request, needed, allowed) in [
        (&look, "read", [&reads, &operates, &administers].as_slice()),
        (&capture, "operate", &[&operates]),
        (&switch, "administer", &[&administers]),
    ] {
        for key in [&reads, &operates, &administers] {
            asked(request, key, (!allowed.contains(&key)).then_some(needed));
        }
    }
}

#[test]
fn a_key_ends_when_it_is_taken_back_replaced_or_over() {
    let shop = Shop::open();
    let look = |key: &str| with(&Request::new("GET", PAYMENTS), &bearer(key));
    let (key, text) = shop.new_key(NewApiKey::secret([Scope::Read]));
    ok(look(&text).send(&shop.door));
    let (_, kept) = shop.ask_host(async |host| host.rotate_api_key(&key.id, 60_000).await).unwrap();
    for still in [&text, kept.reveal()] {
        ok(look(still).send(&shop.door));
    }
    shop.ask_host(async |host| host.revoke_api_key(&key.id).await).unwrap();
    let answer = shop.refuses(&look(&text), WRONG);
    assert!(answer.body["message"].as_str().unwrap().contains("revoked"), "{}", answer.body);
    ok(look(kept.reveal()).send(&shop.door));

    let (short, text) = shop.new_key(NewApiKey::publishable());
    shop.ask_host(async |host| host.rotate_api_key(&short.id, 0).await).unwrap();
    let request = Request::new("GET", PROVIDERS).header("x-publishable-api-key", &text);
    let answer = shop.refuses(&request, STORE_WRONG);
    assert!(answer.body["message"].as_str().unwrap().contains("expired"), "{}", answer.body);
    let over = NewApiKey { expires_at: Some(Timestamp(1)), ..NewApiKey::publishable() };
    assert!(shop.ask_host(async |host| host.create_api_key(over).await).is_err());
}

#[test]
fn nothing_of_a_key_is_in_the_database() {
    let shop = Shop::open();
    let (key, text) = shop.new_key(NewApiKey::secret([Scope::Read]));
    let secret = text.rsplit('_').next().unwrap().to_owned();
    for file in std::fs::read_dir(shop.directory()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(&secret) && !holds(&text), "the key is on the disk");
    }
    let listed = shop.ask_host(async |host| host.api_keys(tillbox::store::Page { offset: 0, limit: 9 }).await).unwrap();
    assert!(listed.count == 3 && listed.items.iter().any(|listed| listed.id == key.id), "{listed:?}");
}
