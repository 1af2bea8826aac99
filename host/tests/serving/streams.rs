//! `/admin/events/stream`: what happens is heard, filters, going on after a break, limits, and the end.

use serde_json::Value;
use tillbox::Host;
use tillbox::currency::money;
use tillbox::http::Limits;
use tillbox::service::NewCollection;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::scene::{Answer, Scene, soon, until};

const STREAM: &str = "GET /admin/events/stream";

async fn made(host: &Host) -> String {
    host.create_collection(NewCollection::new(money("1", "EUR").unwrap())).await.unwrap().id.to_string()
}

/// A stream, and everything it has told.
struct Heard {
    stream: TcpStream,
    told: String,
}

impl Heard {
    /// Everything up to now, once this is part of it, as the end of an event.
    async fn until(&mut self, last: &str) -> &str {
        while !self.told.rfind("\n\n").is_some_and(|end| self.told[..end].contains(last)) {
            self.told.push_str(&until(&mut self.stream, "\n").await);
        }
        &self.told
    }
}

/// Opens a stream, and waits until it is open.
async fn open(scene: &Scene, query: &str, headers: &str) -> Heard {
    let mut stream = scene.connect().await;
    let head = scene.head(&format!("{STREAM}{query}"));
    stream.write_all(format!("{head}{headers}\r\n").as_bytes()).await.unwrap();
    let told = until(&mut stream, "\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 200") && told.contains("text/event-stream"), "{told}");
    Heard { stream, told }
}

/// The events in a piece of a stream: id, kind, data.
fn events(told: &str) -> Vec<(String, String, Value)> {
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    let block = |block: &str| {
        let (kind, data) = (field(block, "event:")?, field(block, "data:")?);
        Some((field(block, "id:").unwrap_or_default(), kind, serde_json::from_str(&data).ok()?))
    };
    told.split("\n\n").filter_map(block).collect()
}

#[tokio::test]
async fn what_happens_is_heard_at_once_and_after_a_break_nothing_is_missing() {
    let scene = Scene::new().await;
    made(&scene.host).await;
    let mut stream = open(&scene, "", "").await;
    let second = made(&scene.host).await;
    let heard = events(stream.until(&second).await);
    assert_eq!(heard.len(), 1, "what was before is not told: {heard:?}");
    let (id, kind, data) = &heard[0];
    assert_eq!((kind.as_str(), data["payment_collection_id"].as_str()), ("payment_collection.created", Some(&*second)));
    assert_eq!(data["sequence"].to_string(), *id);
    drop(stream);

    let third = made(&scene.host).await;
    let mut stream = open(&scene, "?after=0", &format!("last-event-id: {id}\r\n")).await;
    let told = stream.until(&third).await;
    assert!(!told.contains(&second), "the header counts, not the query: {told}");
    drop(stream);
    let mut stream = open(&scene, "?after=0", "").await;
    assert!(stream.until(&third).await.contains(&second), "from the beginning");
}

#[tokio::test]
async fn filters_let_through_what_fits() {
    let scene = Scene::new().await;
    let (first, second) = (made(&scene.host).await, made(&scene.host).await);
    let id = tillbox::core::id::CollectionId::parse(&first).unwrap();
    scene.host.cancel_collection(&id).await.unwrap();
    let mut stream = open(&scene, &format!("?after=0&payment_collection_id={second}"), "").await;
    assert!(!stream.until(&second).await.contains(&first));
    let mut stream = open(&scene, "?after=0&type=payment_collection.canceled,payment.*", "").await;
    let told = stream.until("payment_collection.canceled").await;
    assert!(!told.contains("payment_collection.created"), "{told}");
    for (query, field) in [
        ("?after=-1", "after"),
        ("?type=Payment", "type"),
        ("?payment_collection_id=pay_1", "payment_collection_id"),
        ("?limit=1", "limit"),
    ] {
        let answer = scene.ask(&format!("{STREAM}{query}"), &[]).await;
        assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some(field)), "{}", answer.text);
    }
    let answer = scene.ask(STREAM, &["last-event-id: x"]).await;
    assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some("Last-Event-ID")));
}

#[tokio::test]
async fn streams_have_a_number_and_take_no_place_of_requests() {
    let scene = Scene::with(Limits { streams: 1, requests: 1, ..Limits::default() }).await;
    let stream = open(&scene, "", "").await;
    let refused = scene.ask(STREAM, &[]).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("too_many_streams")));
    assert_eq!(scene.ask("GET /admin/events", &[]).await.status, 200);
    scene.until_counted("tillbox_event_streams 1").await;
    drop(stream);
    scene.until_counted("tillbox_event_streams 0").await;
    drop(open(&scene, "", "").await);
}

#[tokio::test]
async fn a_storefront_hears_nothing() {
    let scene = Scene::new().await;
    let head = format!("{STREAM} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", scene.address);
    let key = format!("x-publishable-api-key: {}\r\n\r\n", scene.publishable);
    assert_eq!(scene.send(&format!("{head}{key}")).await.status, 401);
}

#[tokio::test]
async fn a_stop_ends_streams_at_once_and_says_where_to_go_on() {
    let mut scene = Scene::with(Limits { drain_ms: 60_000, ..Limits::default() }).await;
    let mut stream = open(&scene, "", "").await;
    made(&scene.host).await;
    stream.until("payment_collection.created").await;
    scene.stop();
    let told = stream.until("\"last_event_id\":1").await;
    assert!(told.contains("event: end") && told.contains("\"stopping\""), "{told}");
    soon(scene.stopped()).await;
}

/// Another host of the same database: nobody wakes this one, and it hears all the same.
#[tokio::test]
async fn events_of_another_host_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let books = folder.path().join("till.db");
    let scene = Scene::of(Host::builder().database(&books), Limits::default(), |server| server).await;
    let other = Host::builder().database(&books).build().await.unwrap();
    let mut stream = open(&scene, "", "").await;
    let id = made(&other).await;
    stream.until(&id).await;
    let answer: Answer = scene.ask("GET /admin/events", &[]).await;
    assert!(answer.text.contains(&id));
}
