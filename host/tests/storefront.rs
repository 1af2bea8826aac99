//! What a storefront is answered, whatever a provider says: every answer of every route is searched for words that were planted
//! in everything that is not for it.

mod scripted;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use scripted::{Scripted, lost, outcome, shared, snapshot};
use serde_json::{Value, json};
use tillbox::Host;
use tillbox::core::Money;
use tillbox::core::operation::OperationKind;
use tillbox::core::outcome::{Decline, DeclineClass, ErrorKind, Outcome, ProviderError, ProviderStatus};
use tillbox::core::text::Json;
use tillbox::currency::money;
use tillbox::http::{CLIENT_SECRET_HEADER, PUBLISHABLE_KEY_HEADER};
use tillbox::runtime::request::{Address, Customer};
use tillbox::runtime::{Failure, Reach};
use tillbox::service::{NewApiKey, NewCollection, NewSession, Payer};
use tillbox::store::Scope;

/// Stands in everything that is private, and in nothing else.
const PLANTED: &str = "PLANTED";

fn ten() -> Money {
    money("10.00", "EUR").unwrap()
}

fn planted(what: &str) -> String {
    format!("{PLANTED}-{what}")
}

fn private(what: &str) -> Json {
    Json::from_checked(&json!({ "secret": planted(what), "deep": [{ planted("key"): 1 }] }).to_string())
}

/// An outcome with a planted word wherever the contract keeps something from payers.
fn tainted(status: ProviderStatus) -> Outcome {
    let decline = (status == ProviderStatus::Declined).then(|| Decline {
        class: DeclineClass::SuspectedFraud,
        code: planted("decline-code"),
        message: planted("decline-message"),
    });
    Outcome {
        data: private("data"),
        client_data: Some(Json::from_checked(r#"{"public":"yes"}"#)),
        provider_reference: Some(planted("reference")),
        decline,
        extensions: private("extensions"),
        ..outcome(status, Some(ten()))
    }
}

fn error(kind: ErrorKind) -> Failure {
    Failure::Error(ProviderError {
        kind,
        code: planted("code"),
        message: planted("message"),
        data: Some(private("error")),
    })
}

fn payer() -> Payer {
    let address = Address { line1: Some(planted("line1")), city: Some(planted("city")), ..Address::default() };
    let customer = Customer {
        id: planted("customer"),
        email: Some(planted("email")),
        name: Some(planted("name")),
        phone: Some(planted("phone")),
        billing_address: Some(address),
    };
    Payer { customer: Some(customer), locale: Some(planted("locale")) }
}

struct Store {
    routes: Router,
    publishable: String,
    secret: String,
}

impl Store {
    /// Asks as a storefront, and searches the answer, headers and all.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> u16 {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(PUBLISHABLE_KEY_HEADER, &self.publishable)
            .header(CLIENT_SECRET_HEADER, &self.secret);
        let request = match method {
            "POST" => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            _ => request.body(Body::empty()),
        };
        let response = TowerToHyperService::new(self.routes.clone()).call(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1_048_576).await.unwrap();
        let text = format!("{:?} {}", parts.headers, String::from_utf8(bytes.to_vec()).unwrap());
        for hidden in [PLANTED, "context", "idempotency_key", &self.secret, "sk_"] {
            assert!(!text.contains(hidden), "`{hidden}` in the answer to {method} {path}: {text}");
        }
        parts.status.as_u16()
    }

    /// Every route that names the collection or the session.
    async fn ask_all(&self, collection: &str, session: &str) -> Vec<u16> {
        let (collection, session) =
            (format!("/store/payment-collections/{collection}"), format!("/store/payment-sessions/{session}"));
        let mut statuses = Vec::new();
        for (method, path, body) in [
            ("GET", collection.clone(), json!({})),
            ("GET", session.clone(), json!({})),
            ("GET", format!("{session}/status"), json!({})),
            ("POST", format!("{session}/authorize"), json!({ "data": { "card": "x" } })),
            ("GET", collection.clone(), json!({})),
            ("GET", session.clone(), json!({})),
            ("POST", session.clone(), json!({ "data": {} })),
            ("POST", format!("{collection}/payment-sessions"), json!({ "provider_id": "pp_scripted_default" })),
            ("GET", "/store/payment-providers?region_id=eu".to_owned(), json!({})),
            ("DELETE", session.clone(), json!({})),
        ] {
            statuses.push(self.ask(method, &path, &body).await);
        }
        statuses
    }
}

#[tokio::test]
async fn nothing_private_reaches_a_storefront_whatever_the_provider_says() {
    let errors = [
        ErrorKind::InvalidRequest,
        ErrorKind::Authentication,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::RateLimited { retry_after_ms: 1_000 },
        ErrorKind::Unavailable,
        ErrorKind::NotSupported,
        ErrorKind::OutcomeUnknown,
        ErrorKind::Other(planted("kind")),
    ];
    let mut answers: Vec<Result<Outcome, Failure>> = errors.into_iter().map(|kind| Err(error(kind))).collect();
    answers.push(Err(lost()));
    let statuses = [
        ProviderStatus::Authorized,
        ProviderStatus::Captured,
        ProviderStatus::Declined,
        ProviderStatus::Pending,
        ProviderStatus::RequiresMore,
    ];
    answers.extend(statuses.into_iter().map(|status| Ok(tainted(status))));
    // An answer about another amount contradicts what was asked.
    answers.push(Ok(Outcome { amount: Some(money("11.00", "EUR").unwrap()), ..tainted(ProviderStatus::Authorized) }));
    for reach in [Reach::Nowhere, Reach::Network] {
        for answer in &answers {
            let (provider, installed) = shared(Scripted::new(reach));
            let host = Host::builder().in_memory().without_background_work().provider("default", installed);
            let host = host.build().await.unwrap();
            let (_, publishable) = host.create_api_key(NewApiKey::publishable()).await.unwrap();
            host.create_api_key(NewApiKey::secret([Scope::Operate])).await.unwrap();
            let metadata = Some(json!({ "note": planted("metadata") }).to_string());
            let new = NewCollection {
                cart_id: Some(planted("cart")),
                customer: Some(planted("customer")),
                metadata: metadata.clone(),
                ..NewCollection::new(ten())
            };
            let collection = host.create_collection(new).await.unwrap().id;
            provider.will(OperationKind::Initiate, Ok(tainted(ProviderStatus::Pending)));
            let id = tillbox::core::id::ProviderId::parse("pp_scripted_default").unwrap();
            let new = NewSession { payer: payer(), metadata, ..NewSession::new(id) };
            let session = host.create_session(&collection, new).await.unwrap().value.id;
            // What was planted is really there, for those it is for.
            let kept = host.collection(&collection).await.unwrap();
            assert!(kept.sessions[0].data.as_str().contains(PLANTED), "{answer:?}");
            for kind in
                [OperationKind::Authorize, OperationKind::Update, OperationKind::Initiate, OperationKind::Delete]
            {
                provider.will(kind, answer.clone());
            }
            let now = tainted(ProviderStatus::Pending);
            provider.will_know(answer.clone().map(|answer| snapshot(answer, Some(now), money("0", "EUR").unwrap())));
            let secret = host.client_secret(&collection).await.unwrap().reveal().to_owned();
            let routes = tillbox::http::router(host.clone());
            let store = Store { routes, publishable: publishable.reveal().to_owned(), secret };
            let statuses = store.ask_all(collection.as_str(), session.as_str()).await;
            assert_eq!(statuses[0], 200, "{answer:?}");
            assert!(
                statuses.iter().all(|status| *status < 500 || [500, 502, 503, 504].contains(status)),
                "{statuses:?}"
            );
        }
    }
}
