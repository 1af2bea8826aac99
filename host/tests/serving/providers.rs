//! Providers as an operator sees them over HTTP: the list, what each is and was granted, how it does.

use serde_json::{Map, json};
use tillbox::Host;
use tillbox::core::id::ProviderId;
use tillbox::core::operation::OperationKind;
use tillbox::currency::money;
use tillbox::http::Limits;
use tillbox::runtime::{Grants, Reach, Runtime, RuntimeConfig};
use tillbox::service::{NewCollection, NewSession};

use crate::scene::Scene;
use crate::scripted::{Scripted, lost, shared};

#[tokio::test]
async fn what_a_provider_is_and_how_it_does() {
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    let settings = Map::from_iter([("webhook_secrets".to_owned(), json!(["whsec_never_shown_to_anybody"]))]);
    let cards = runtime.check(tillbox_artifacts::STRIPE_MOCK).await.unwrap();
    let cards = cards.grant(Grants::with_settings(settings)).unwrap();
    let (scripted, native) = shared(Scripted::new(Reach::Network));
    let builder = Host::builder().in_memory().provider("default", cards).provider("default", native).deadline_ms(7_000);
    let scene = Scene::of(builder, Limits::default(), |server| server).await;

    let listed = scene.ask("GET /admin/payment-providers", &[]).await.json();
    assert_eq!(
        (listed["count"].as_u64(), listed["payment_providers"][0]["is_installed"].as_bool()),
        (Some(2), Some(true))
    );

    let answer = scene.ask("GET /admin/payment-providers/pp_stripe-mock_default", &[]).await;
    assert!(!answer.text.contains("never_shown"), "settings may be secrets: {}", answer.text);
    let shown = &answer.json()["payment_provider"];
    assert_eq!(shown["environment"], "test");
    assert_eq!(shown["deadline_ms"], 7_000);
    assert_eq!(shown["inspection"]["identifier"], "stripe-mock");
    assert_eq!(shown["inspection"]["digest_sha256"].as_str().map(str::len), Some(64));
    assert!(shown["inspection"]["contract_version"].is_string() && shown["inspection"]["capabilities"].is_object());
    assert!(shown["inspection"]["recovery"].is_array());
    assert_eq!(shown["grants"]["settings"], json!(["webhook_secrets"]));
    assert_eq!(shown["limits"]["memory_bytes"], 64 * 1024 * 1024);
    assert_eq!(shown["health"]["calls"], 0);

    // A native provider has no component; its calls are counted like any other's.
    let id = ProviderId::parse("pp_scripted_default").unwrap();
    let collection = scene.host.create_collection(NewCollection::new(money("10", "EUR").unwrap())).await.unwrap();
    let session = scene.host.create_session(&collection.id, NewSession::new(id)).await.unwrap();
    scripted.will(OperationKind::Authorize, Err(lost()));
    scene.host.authorize_session(&session.value.id, None).await.unwrap_err();
    let shown = &scene.ask("GET /admin/payment-providers/pp_scripted_default", &[]).await.json()["payment_provider"];
    assert!(shown["inspection"].is_null() && shown["grants"].is_null());
    let health = &shown["health"];
    assert_eq!((health["calls"].as_u64(), health["faults"].as_u64()), (Some(2), Some(1)), "{health}");
    assert_eq!(health["last_failure"]["call"], "authorize");
    assert_eq!(health["last_failure"]["code"], "deadline_host_wait");
    assert!(health["last_answer_at"].is_string());

    assert_eq!(scene.ask("GET /admin/payment-providers/pp_nobody_x", &[]).await.status, 404);
    let operations = scene.ask("GET /admin/operations?limit=1", &[]).await.json();
    let id = operations["operations"][0]["id"].as_str().unwrap().to_owned();
    let shown = scene.ask(&format!("GET /admin/operations/{id}"), &[]).await.json();
    assert_eq!(shown["operation"]["exchanges"], json!([]));
}

#[tokio::test]
async fn a_region_has_a_list_to_read() {
    let (_, one) = shared(Scripted::new(Reach::Nowhere));
    let (_, two) = shared(Scripted::new(Reach::Nowhere));
    let builder = Host::builder().in_memory().provider("one", one).provider("two", two);
    let scene = Scene::of(builder, Limits::default(), |server| server).await;
    let path = "/admin/regions/reg_eu/payment-providers";
    let ids = |answer: &serde_json::Value| {
        let listed = answer["payment_providers"].as_array().unwrap().iter();
        listed.map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let read = scene.ask(&format!("GET {path}"), &[]).await.json();
    assert_eq!(ids(&read).len(), 2, "without a list all serve");
    let set = scene.post(path, r#"{"payment_providers":["pp_scripted_two"]}"#, &[]).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let read = scene.ask(&format!("GET {path}"), &[]).await.json();
    assert_eq!(ids(&read), ["pp_scripted_two"]);
}
