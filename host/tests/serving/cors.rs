//! What a browser is told about pages of other origins.

use tillbox::Host;
use tillbox::http::{Limits, Origins};

use crate::scene::Scene;

const SHOP: &str = "origin: https://shop.example";
const DESK: &str = "origin: https://desk.example";
const STORE: &str = "/store/payment-providers?region_id=eu";

async fn scene() -> Scene {
    let named = |text| Origins::parse(text).unwrap();
    let (store, admin) = (named("https://shop.example,http://localhost:8000"), named("https://desk.example"));
    Scene::of(
        Host::builder().in_memory(),
        Limits { rate_per_second: 1, rate_burst: 8, ..Limits::default() },
        |server| server.origins(store, admin),
    )
    .await
}

fn allowed(answer: &crate::scene::Answer) -> &str {
    answer.header("access-control-allow-origin")
}

#[tokio::test]
async fn nobody_is_named_unless_somebody_is() {
    let scene = Scene::new().await;
    let preflight = ["access-control-request-method: POST", SHOP];
    let answer = scene.ask(&format!("OPTIONS {STORE}"), &preflight).await;
    assert_eq!((answer.status, allowed(&answer)), (405, ""), "{}", answer.text);
    assert_eq!(allowed(&scene.ask(&format!("GET {STORE}"), &[SHOP]).await), "");
}

#[tokio::test]
async fn a_page_may_call_the_door_it_is_named_for() {
    let scene = scene().await;
    let asked =
        ["access-control-request-method: POST", "access-control-request-headers: x-publishable-api-key,content-type"];
    let preflight =
        async |path: &str, origin: &str| scene.ask(&format!("OPTIONS {path}"), &[origin, asked[0], asked[1]]).await;

    let answer = preflight("/store/payment-collections", SHOP).await;
    assert_eq!((answer.status, allowed(&answer)), (200, "https://shop.example"));
    assert_eq!(answer.header("access-control-allow-headers"), "x-publishable-api-key,content-type");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let methods = answer.header("access-control-allow-methods");
    assert!(["GET", "POST", "DELETE"].iter().all(|method| methods.contains(method)), "{methods}");
    assert_eq!(answer.header("access-control-max-age"), "7200");
    assert!(answer.header("vary").contains("origin"), "{:?}", answer.headers);

    for (path, origin) in [
        ("/store/payment-collections", "origin: https://shop.example.evil.example"),
        ("/store/payment-collections", "origin: http://shop.example"),
        ("/store/payment-collections", "origin: null"),
        ("/store/payment-collections", DESK),
        ("/admin/payments", SHOP),
        ("/hooks/payment/x", SHOP),
        ("/storefront", SHOP),
    ] {
        assert_eq!(allowed(&preflight(path, origin).await), "", "{path} {origin}");
    }
    assert_eq!(allowed(&preflight("/admin/payments", DESK).await), "https://desk.example");
    // A method that no route takes is still that.
    assert_eq!(scene.ask("OPTIONS /admin/payments", &[DESK]).await.status, 405);
}

/// A page that cannot read a refusal cannot tell the payer what is wrong.
#[tokio::test]
async fn refusals_can_be_read_too() {
    let scene = scene().await;
    let mut seen = Vec::new();
    for _ in 0..12 {
        let answer = scene.ask("GET /admin/payments?limit=none", &[DESK]).await;
        assert_eq!(allowed(&answer), "https://desk.example", "{}", answer.status);
        assert!(answer.header("access-control-expose-headers").contains("retry-after"), "{:?}", answer.headers);
        seen.push(answer.status);
    }
    assert!(seen.contains(&400) && seen.contains(&429), "{seen:?}");
}

#[tokio::test]
async fn any_page_gets_nothing_that_the_browser_adds() {
    let server = |server: tillbox::http::Server| server.origins(Origins::Any, Origins::Own);
    let scene = Scene::of(Host::builder().in_memory(), Limits::default(), server).await;
    let answer = scene.ask(&format!("GET {STORE}"), &["origin: https://anybody.example"]).await;
    assert_eq!(allowed(&answer), "https://anybody.example");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert_eq!(allowed(&scene.ask("GET /admin/payments", &["origin: https://anybody.example"]).await), "");
}
