//! How a server stops: not ready first, what is under way finished, what cannot be finished left for the next start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tillbox::clock::{Clock, SystemClock};
use tillbox::core::Timestamp;
use tillbox::core::id::ProviderId;
use tillbox::core::operation::{OperationKind, OperationState};
use tillbox::core::outcome::ProviderStatus;
use tillbox::currency::money;
use tillbox::http::Limits;
use tillbox::runtime::{Provider, Reach};
use tillbox::service::{NewCollection, NewSession};
use tillbox::store::Page;
use tillbox::{Host, HostBuilder};
use tokio::io::AsyncWriteExt;

use crate::scene::{Scene, soon, until};
use crate::scripted::{Scripted, outcome, shared, snapshot};

const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

fn on(path: &Path, provider: Arc<dyn Provider>) -> HostBuilder {
    Host::builder().database(path).provider("default", provider)
}

/// A session that can be authorized.
async fn session(host: &Host) -> tillbox::core::id::SessionId {
    let collection = host.create_collection(NewCollection::new(money("10", "EUR").unwrap())).await.unwrap();
    let provider = ProviderId::parse("pp_scripted_default").unwrap();
    host.create_session(&collection.id, NewSession::new(provider)).await.unwrap().value.id
}

#[tokio::test]
async fn it_is_not_ready_first_and_goes_on_answering() {
    let limits = Limits { drain_delay_ms: 60_000, ..Limits::default() };
    let mut scene = Scene::with(limits).await;
    assert_eq!(scene.ask("GET /health/ready", &[]).await.status, 200);
    scene.stop();
    soon(async {
        loop {
            let answer = scene.ask("GET /health/ready", &[]).await;
            if answer.status == 503 {
                assert_eq!(answer.json()["code"], "draining");
                break;
            }
        }
    })
    .await;
    assert_eq!(scene.ask("GET /health/live", &[]).await.status, 200);
    assert_eq!(scene.ask("GET /admin/payments", &[]).await.status, 200);
}

#[tokio::test]
async fn a_request_under_way_is_answered() {
    let mut scene = Scene::new().await;
    let body = r#"{"currency_code":"eur","amount":10}"#;
    let head = scene.head("POST /admin/payment-collections");
    let head = format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut stream = scene.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    scene.until_counted("tillbox_http_requests_under_way 1").await;
    scene.stop();
    soon(async {
        // It listens no more, and still waits for what was begun.
        while tokio::net::TcpStream::connect(scene.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stream.write_all(body.as_bytes()).await.unwrap();
    let told = until(&mut stream, "payment_collection").await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    scene.stopped().await;
}

/// Ten minutes ahead: leases of before are over.
#[derive(Debug)]
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + 600_000)
    }
}

/// The provider takes the money and is slow to say so. The server does not wait longer than it was told; the operation stays
/// open, and the next start asks the provider what became of it.
#[tokio::test]
async fn what_does_not_finish_in_time_is_parked_and_the_books_are_right_after_the_restart() {
    let folder = tempfile::tempdir().unwrap();
    let books = folder.path().join("till.db");
    let (scripted, provider) = shared(Scripted::new(Reach::Network));
    let limits = Limits { drain_ms: 100, ..Limits::default() };
    let mut scene = Scene::of(on(&books, provider), limits, |server| server).await;
    let session = session(&scene.host).await;
    let payment = scene.host.authorize_session(&session, None).await.unwrap().value.payment.unwrap().payment.id;
    scripted.hang_once();
    let head = scene.head(&format!("POST /admin/payments/{payment}/capture"));
    let mut stream = scene.connect().await;
    let request = format!("{head}content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let id = ProviderId::parse("pp_scripted_default").unwrap();
    soon(async {
        while scene.host.provider_health(&id).unwrap().under_way == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    scene.stop();
    let stopped = tokio::time::timeout(Duration::from_secs(30), scene.stopped());
    let host = stopped.await.expect("it does not wait for the call");
    let open = host.operations(&[OperationState::Running], ALL).await.unwrap();
    assert_eq!(open.count, 1, "the intent is in the books");
    drop((host, stream));

    // The next start: the lease is over by the clock, and the provider knows the capture.
    let (knowing, provider) = shared(Scripted::new(Reach::Network));
    let amount = money("10", "EUR").unwrap();
    let done = outcome(ProviderStatus::Captured, Some(amount));
    knowing.will_know(Ok(snapshot(done.clone(), Some(done), money("0", "EUR").unwrap())));
    let host = on(&books, provider).clock(Arc::new(Later)).without_background_work().build().await.unwrap();
    host.reconcile().await.unwrap();
    assert_eq!(host.payment(&payment).await.unwrap().captured, amount, "captured once");
    assert_eq!(host.operations(&[OperationState::Running, OperationState::Unknown], ALL).await.unwrap().count, 0);
    assert!(knowing.seen().iter().all(|seen| seen.kind != OperationKind::Capture), "and asked for again by nobody");
}
