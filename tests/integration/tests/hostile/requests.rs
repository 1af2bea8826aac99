//! What a guest may not ask for: other hosts in every spelling, addresses that are nobody's business, headers and paths that two
//! programs read differently, too much, too often, too late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tillbox::runtime::egress::{SENT_BODY_BYTES_MAX, SENT_HEADER_BYTES_MAX, SENT_HEADERS_MAX};
use tillbox::runtime::{Culprit, EXCHANGES_MAX, ExchangeFault, Failure, Fault, Left};

use crate::scene::{CANARY, DOORS, GRANTED, Manner, Names, Peer, WASI, contained, granted, ok, one, order, runtime};

/// URLs, and whether they are well formed and not granted, or not even that.
fn astray(port: u16) -> Vec<(String, &'static str, ExchangeFault)> {
    let (denied, invalid) = (("denied", ExchangeFault::Denied), ("invalid", ExchangeFault::Invalid));
    let hosts = [
        ("evil.example", denied),
        ("other.gateway.example", denied),
        ("x.api.gateway.example", denied),
        ("gateway.example", denied),
        ("api.gateway.example.evil.example", denied),
        ("evil-api.gateway.example", denied),
        ("api.gateway.example.", denied),
        ("localhost", denied),
        ("127.0.0.1", denied),
        ("127.0.0.1.", denied),
        ("127.1", denied),
        ("127.0.1", denied),
        ("2130706433", denied),
        ("0177.0.0.1", denied),
        ("017700000001", denied),
        ("0x7f.0.0.1", denied),
        ("0x7f000001", denied),
        ("0x7f.1", denied),
        ("00000127.0.0.1", denied),
        ("10.0.0.1", denied),
        ("169.254.169.254", denied),
        ("2852039166", denied),
        ("0xa9fea9fe", denied),
        ("metadata.google.internal", denied),
        ("[::1]", invalid),
        ("[::ffff:127.0.0.1]", invalid),
        ("[::ffff:7f00:1]", invalid),
        ("[64:ff9b::7f00:1]", invalid),
        ("[2002:7f00:1::]", invalid),
        ("[2001:0:1:2:3:4:80ff:fffe]", invalid),
        ("[fe80::1%25eth0]", invalid),
        ("[fd00:ec2::254]", invalid),
        ("fe80::1", invalid),
        ("\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}", invalid),
        ("127\u{3002}0\u{3002}0\u{3002}1", invalid),
        ("\u{430}pi.gateway.example", invalid),
        ("xn--pi-7kc.gateway.example", denied),
        ("api%2egateway%2eexample", invalid),
        ("api.gateway.example%00.evil.example", invalid),
        ("api.gateway.example@127.0.0.1", invalid),
        ("api.gateway.example:443@127.0.0.1", invalid),
        ("127.0.0.1\\@api.gateway.example", invalid),
        ("api.gateway.example,127.0.0.1", invalid),
        ("api.gateway.example\r\nhost: 127.0.0.1", invalid),
        ("", invalid),
    ];
    let http = hosts.iter().map(|(host, (told, fault))| (format!("http://{host}:{port}/"), *told, *fault));
    let https = hosts.iter().map(|(host, (told, fault))| (format!("https://{host}:{port}/"), *told, *fault));
    http.chain(https).collect()
}

#[tokio::test]
async fn what_was_not_granted_gets_no_question_and_no_socket_in_any_spelling() {
    let peer = Peer::start(ok("secrets of the network")).await;
    let names = Names::leading(GRANTED, &[&["127.0.0.1"]]);
    let runtime = runtime(&names);
    for (door, component) in DOORS {
        let provider = granted(&runtime, component, vec![json!(GRANTED)], json!([])).await;
        let mut cases = astray(peer.port());
        for url in [
            "http://api.gateway.example/",
            "https://api.gateway.example:8443/",
            "https://api.gateway.example:0/",
            "https://api.gateway.example:/",
            "https://api.gateway.example:99999/",
            "ftp://api.gateway.example/",
            "file:///etc/passwd",
            "//api.gateway.example/",
            "/v1/x",
            "api.gateway.example",
            "https:api.gateway.example",
            "https://api.gateway.example/../x",
            "https://api.gateway.example/v1/%2e%2e/x",
            "https://api.gateway.example/v1/..%2fx",
            "https://api.gateway.example/v1/..;/x",
            "https://api.gateway.example/v1/%252e%252e/x",
            "https://api.gateway.example//evil.example/",
            "https://api.gateway.example/http://evil.example/%0d%0a",
            "https://api.gateway.example/x#fragment",
            "https://api.gateway.example/x%00",
            "https://api.gateway.example/\r\nhost: evil.example",
            "https://api.gateway.example/\u{0}",
            "https://api.gateway.example/\u{7f}",
            "https://api.gateway.example/a b",
            "https://api.gateway.example/%",
        ] {
            let denied = url.starts_with("http://") || url.ends_with(":8443/");
            let (told, fault) =
                if denied { ("denied", ExchangeFault::Denied) } else { ("invalid", ExchangeFault::Invalid) };
            cases.push((url.to_owned(), told, fault));
        }
        for (url, error, fault) in &cases {
            let (told, report) = one(provider.as_ref(), json!({ "url": url })).await;
            contained(&format!("{door} {url}"), &told, &report, error, *fault);
            assert_eq!(fault.culprit(), Culprit::Guest);
            let shown = &report.exchanges[0];
            assert!(!shown.path.contains(['\r', '\n', '\0']) && shown.path.len() <= 256, "{shown:?}");
        }
        assert!(cases.len() > 100, "{} cases", cases.len());
    }
    assert_eq!((names.asked(), peer.connections()), (0, 0), "not even a name was asked for");
}

#[tokio::test]
async fn a_door_that_was_not_granted_is_not_there() {
    let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
    for (door, component) in DOORS {
        let package = runtime.check(component).await.unwrap();
        assert!(package.report().interfaces_wanted.iter().filter(|name| *name == "http").count() == 1, "{door}");
        let grants = serde_json::from_value(json!({ "interfaces": ["secrets", "reveal", "crypto"] })).unwrap();
        let refused = package.grant(grants).map(drop).unwrap_err();
        assert_eq!(refused.code(), "import_not_granted", "{door}");
        assert!(refused.to_string().contains("interfaces = [\"http\"]"), "{door}: {refused}");
    }
}

#[tokio::test]
async fn a_granted_name_that_leads_to_nobodys_business_is_not_followed() {
    let names = Names::leading(GRANTED, &[&["127.0.0.1"]]);
    let runtime = runtime(&names);
    for (door, component) in DOORS {
        let provider = granted(&runtime, component, vec![json!(GRANTED)], json!([])).await;
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:0:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::",
            "2001:0:1:2:3:4:80ff:fffe",
            "2a00::5efe:10.0.0.1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            names.lead(GRANTED, address);
            let (told, report) = one(provider.as_ref(), json!({ "url": format!("https://{GRANTED}/") })).await;
            contained(&format!("{door} {address}"), &told, &report, "denied", ExchangeFault::Astray);
            assert_eq!(ExchangeFault::Astray.culprit(), Culprit::Gateway);
        }
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_checked_at_each_connection_and_at_each_use_of_one() {
    for (door, component) in DOORS {
        // A new connection for each request: the second answer leads elsewhere.
        let closes = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok".to_vec();
        let peer = Peer::start(Manner::Says(closes)).await;
        let names = Names::leading(GRANTED, &[&["127.0.0.1"], &["169.254.169.254"]]);
        let (host, port) = (GRANTED, peer.port());
        let line = json!({ "host": host, "scheme": "http", "port": port, "addresses": ["127.0.0.1/32"] });
        let provider = granted(&runtime(&names), component, vec![line], json!([])).await;
        let url = format!("http://{GRANTED}:{port}/");
        assert_eq!(one(provider.as_ref(), json!({ "url": url })).await.0["status"], 200, "{door}");
        let (told, report) = one(provider.as_ref(), json!({ "url": url })).await;
        contained(door, &told, &report, "denied", ExchangeFault::Astray);
        // One that leads to both goes to the open one alone.
        let names = Names::leading(GRANTED, &[&["169.254.169.254", "127.0.0.1", "10.0.0.1"]]);
        let peer = Peer::start(ok("ok")).await;
        let line = |methods: &str, range: &str| json!({ "host": host, "scheme": "http", "port": peer.port(), "methods": [methods], "addresses": [range] });
        let lines = vec![line("POST", "127.0.0.1/32"), line("GET", "10.9.9.9/32")];
        let provider = granted(&runtime(&names), component, lines, json!([])).await;
        let url = format!("http://{GRANTED}:{}/", peer.port());
        let post = json!({ "method": "POST", "url": url, "key": "k", "body": "x" });
        assert_eq!(one(provider.as_ref(), post).await.0["status"], 200, "{door}");
        // The connection is kept; what may read may not go where what writes may.
        let (told, report) = one(provider.as_ref(), json!({ "url": url })).await;
        contained(door, &told, &report, "denied", ExchangeFault::Astray);
        assert_eq!((peer.connections(), peer.heard().len()), (1, 1), "{door}");
    }
}

#[tokio::test]
async fn headers_that_make_two_readers_disagree_are_refused() {
    let peer = Peer::start(ok("ok")).await;
    let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
    let many: Vec<Value> = (0..=SENT_HEADERS_MAX).map(|number| json!([format!("x-{number}"), "v"])).collect();
    let wide = "v".repeat(SENT_HEADER_BYTES_MAX);
    let sets = [
        json!([["host", "evil.example"]]),
        json!([["content-length", "5"]]),
        json!([["content_length", "0"]]),
        json!([["transfer-encoding", "chunked"]]),
        json!([["transfer-encoding ", "chunked"]]),
        json!([["transfer_encoding", "chunked"]]),
        json!([["connection", "x-a"]]),
        json!([["keep-alive", "1"]]),
        json!([["proxy-connection", "close"]]),
        json!([["proxy-authorization", "Basic eA=="]]),
        json!([["te", "trailers"]]),
        json!([["trailer", "x-a"]]),
        json!([["upgrade", "h2c"]]),
        json!([["http2-settings", "AAMAAABk"]]),
        json!([["expect", "100-continue"]]),
        json!([["via", "1.1 x"]]),
        json!([["accept-encoding", "br"]]),
        json!([["x-forwarded-host", "evil.example"]]),
        json!([["forwarded", "host=evil.example"]]),
        json!([["x-original-url", "/v1/refunds"]]),
        json!([["x-rewrite-url", "/v1/refunds"]]),
        json!([["x-http-method-override", "DELETE"]]),
        json!([[":authority", "evil.example"]]),
        json!([["x-a", "1\r\nhost: evil.example"]]),
        json!([["x-a\r\nhost", "evil.example"]]),
        json!([["x-a", "1\n\nGET /v1/refunds HTTP/1.1"]]),
        json!([["x-a", "1\u{0}"]]),
        json!([["x-a", "1\u{7f}"]]),
        json!([["x-a", " 1"]]),
        json!([["x-a", "1"], ["x-a", "2"]]),
        json!([["", "1"]]),
        json!([["x a", "1"]]),
        json!([["x-a", wide]]),
        json!(many),
    ];
    for (door, component) in DOORS {
        let provider = granted(&runtime, component, vec![peer.grant()], json!([])).await;
        for headers in &sets {
            // Libraries that speak wasi:http set it by habit; the host has its own.
            if *door == WASI && headers[0][0] == "accept-encoding" {
                continue;
            }
            let (told, report) = one(provider.as_ref(), json!({ "url": peer.url("/"), "headers": headers })).await;
            let what: String = format!("{door} {headers}").chars().take(80).collect();
            contained(&what, &told, &report, "invalid", ExchangeFault::Invalid);
        }
        for call in [
            json!({ "method": "GET", "url": peer.url("/"), "body": "x" }),
            json!({ "method": "CONNECT", "url": peer.url("/") }),
            json!({ "method": "TRACE", "url": peer.url("/") }),
            json!({ "method": "HEAD", "url": peer.url("/") }),
            json!({ "method": "PURGE", "url": peer.url("/") }),
            json!({ "method": "POST", "key": "k", "url": peer.url("/"), "body_bytes": SENT_BODY_BYTES_MAX + 1 }),
        ] {
            let (told, report) = one(provider.as_ref(), call.clone()).await;
            contained(&format!("{door} {call}"), &told, &report, "invalid", ExchangeFault::Invalid);
        }
        assert_eq!(peer.connections(), 0, "{door}");
    }
}

#[tokio::test]
async fn more_requests_than_allowed_end_the_call_whatever_became_of_them() {
    let peer = Peer::start(ok("ok")).await;
    let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
    for (door, component) in DOORS {
        let provider = granted(&runtime, component, vec![peer.grant()], json!([])).await;
        for url in [peer.url("/"), "https://evil.example/".to_owned(), "no url".to_owned()] {
            let heard = peer.heard().len();
            let calls = json!({ "calls": [{ "url": url, "times": EXCHANGES_MAX + 1 }] });
            let (told, report) = order(provider.as_ref(), &calls, 5_000).await;
            let Err(Failure::Fault(fault @ Fault::Contract { .. })) = told else { panic!("{door} {url}: {told:?}") };
            assert_eq!((fault.code(), fault.culprit()), ("guest_contract", Culprit::Guest));
            assert!(fault.to_string().contains(&EXCHANGES_MAX.to_string()), "{fault}");
            assert_eq!(report.exchanges.len(), EXCHANGES_MAX, "{door} {url}");
            let sent = if url == peer.url("/") { EXCHANGES_MAX } else { 0 };
            assert_eq!(peer.heard().len() - heard, sent, "{door} {url}");
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_once_the_time_of_the_call_is_over() {
    let (stalls, waits) = (Peer::start(Manner::Stalls).await, Peer::start(ok("late")).await);
    let runtime = runtime(&Names::leading(GRANTED, &[&["127.0.0.1"]]));
    for (door, component) in DOORS {
        let provider = granted(&runtime, component, vec![stalls.grant(), waits.grant()], json!([])).await;
        let start = Instant::now();
        let post = |url: String| json!({ "method": "POST", "url": url, "key": "k", "body": "x" });
        let calls = json!({ "calls": [post(stalls.url("/")), post(waits.url("/"))] });
        let (told, report) = order(provider.as_ref(), &calls, 600).await;
        assert!(start.elapsed() < Duration::from_secs(5), "{door}");
        let told = told.unwrap_or_else(|failure| panic!("{door}: {failure:?}"));
        assert_eq!((&told["calls"][0]["error"], &told["calls"][1]["error"]), (&json!("lost"), &json!("not-connected")));
        let faults: Vec<_> = report.exchanges.iter().map(|exchange| (exchange.fault, exchange.left)).collect();
        let (lost, late) = (Some(ExchangeFault::Lost), Some(ExchangeFault::NotConnected));
        assert_eq!(faults, [(lost, Left::Something), (late, Left::Nothing)], "{door}");
        assert_eq!(waits.heard().len(), 0, "{door}: sent after the deadline");
    }
}

/// A variable of the environment that names a proxy changes nothing: the case runs once more in a process that has them all.
#[tokio::test]
async fn proxies_of_the_environment_are_nobodys_business() {
    const HERE: &str = "TILLBOX_TEST_PROXY_SET";
    if std::env::var_os(HERE).is_some() {
        let peer = Peer::start(ok("direct")).await;
        for (door, component) in DOORS {
            let names = Names::leading(GRANTED, &[&["127.0.0.1"]]);
            let provider = granted(&runtime(&names), component, vec![peer.grant()], json!([])).await;
            assert_eq!(one(provider.as_ref(), json!({ "url": peer.url("/") })).await.0["body"], "direct", "{door}");
        }
        return;
    }
    let proxy = Arc::new(Peer::start(ok("proxied")).await);
    let url = proxy.url("");
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "requests::proxies_of_the_environment_are_nobodys_business"]).env(HERE, CANARY);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        again.env(name, &url);
    }
    let done = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!(proxy.connections(), 0);
}
