//! `/metrics`: who may read it, what is in it, and what callers cannot bring into it.

use tillbox::Host;
use tillbox::core::id::ProviderId;
use tillbox::core::operation::OperationKind;
use tillbox::currency::money;
use tillbox::http::Limits;
use tillbox::runtime::Reach;
use tillbox::service::{NewCollection, NewSession};

use crate::scene::Scene;
use crate::scripted::{Scripted, lost, shared};

#[tokio::test]
async fn only_a_secret_key_reads_them_at_the_first_address() {
    let scene = Scene::new().await;
    let answer = scene.ask("GET /metrics", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"), "{:?}", answer.headers);
    assert!(answer.text.ends_with("# EOF\n") && answer.text.contains("tillbox_build_info{version="), "{}", answer.text);
    let head = format!("GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", scene.address);
    assert_eq!(scene.send(&format!("{head}\r\n")).await.status, 401);
    let key = format!("x-publishable-api-key: {}\r\n\r\n", scene.publishable);
    assert_eq!(scene.send(&format!("{head}{key}")).await.status, 401);
    // At its own address nobody is asked, and there is nothing else.
    assert!(scene.figures().await.contains("tillbox_database_up 1"));
}

#[tokio::test]
async fn what_happens_is_counted() {
    let (scripted, provider) = shared(Scripted::new(Reach::Network));
    let builder = Host::builder().in_memory().provider("default", provider);
    let scene = Scene::of(builder, Limits::default(), |server| server).await;
    let id = ProviderId::parse("pp_scripted_default").unwrap();
    let collection = scene.host.create_collection(NewCollection::new(money("10", "EUR").unwrap())).await.unwrap();
    let session = scene.host.create_session(&collection.id, NewSession::new(id)).await.unwrap();
    scripted.will(OperationKind::Authorize, Err(lost()));
    scripted.will_know(Err(lost()));
    scene.host.authorize_session(&session.value.id, None).await.unwrap_err();
    assert_eq!(scene.ask("GET /admin/operations", &[]).await.status, 200);
    let told = scene.figures().await;
    for line in [
        "tillbox_http_requests_total{method=\"GET\",route=\"/admin/operations\",status=\"200\"} 1",
        "tillbox_http_request_seconds_count{method=\"GET\",route=\"/admin/operations\"} 1",
        "tillbox_operations_total{provider=\"pp_scripted_default\",kind=\"authorize\",outcome=\"unknown\"} 1",
        "tillbox_operations_open{provider=\"pp_scripted_default\",state=\"unknown\"} 1",
        "tillbox_operations_open_oldest_seconds{provider=\"pp_scripted_default\",state=\"unknown\"} ",
        "tillbox_provider_calls_total{provider=\"pp_scripted_default\",call=\"initiate\",outcome=\"answered\"} 1",
        "tillbox_provider_calls_total{provider=\"pp_scripted_default\",call=\"authorize\",outcome=\"deadline_host_wait\"} 1",
        "tillbox_provider_call_seconds_count{provider=\"pp_scripted_default\",call=\"authorize\"} 1",
        "tillbox_commit_changes_sum ",
        "tillbox_commit_seconds_bucket{le=\"0.0005\"}",
        "tillbox_database_connections{state=\"most\"} ",
        "tillbox_start_time_seconds ",
    ] {
        assert!(told.lines().any(|known| known.starts_with(line)), "{line}\n{told}");
    }
}

/// Paths, methods and ids are the caller's; none of them becomes a label.
#[tokio::test]
async fn nothing_that_a_caller_sends_becomes_a_label() {
    let scene = Scene::new().await;
    for number in 0..5 {
        scene.ask(&format!("GET /nowhere/{number}"), &[]).await;
        scene.ask(&format!("GET /admin/payments/pay_{number}"), &[]).await;
        scene.ask(&format!("BREW{number} /admin/payments"), &[]).await;
    }
    let told = scene.figures().await;
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("tillbox_http_requests_total")).collect();
    let line = |method: &str, route: &str, status: u16| {
        format!("tillbox_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} 5")
    };
    for wanted in
        [line("GET", "none", 404), line("GET", "/admin/payments/{id}", 404), line("other", "/admin/payments", 405)]
    {
        assert!(lines.contains(&wanted.as_str()), "{wanted}\n{}", lines.join("\n"));
    }
    assert_eq!(lines.len(), 3, "{}", lines.join("\n"));
}
