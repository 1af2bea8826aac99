//! Junk for every route there is: each is turned down with a body that names the fault, in no time, and nothing is stored.
//! The routes are those of the document, so a new one is swept without anybody listing it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, Request, send_raw};
use crate::scene::{CARDS, Refused, Shop, id};

/// Seconds that no answer may take: the slowest of them waits for a body that does not come.
const SECONDS_MAX: u64 = 20;

/// Method and path of every route that asks for a key; ids in braces.
fn routes(shop: &Shop) -> Vec<(String, String)> {
    let document = shop.get("/openapi.json");
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("an object") {
        if path.starts_with("/admin") || path.starts_with("/store") {
            routes.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
        }
    }
    assert!(routes.len() > 60, "the document has {} routes", routes.len());
    routes
}

/// The path with junk in the place of each id.
fn filled(path: &str, id: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn check_named(answer: &Answer, request: &Request) {
    let what = format!("{} {}: {} {}", request.method, request.target, answer.status, answer.body);
    assert!((400..500).contains(&answer.status), "{what}");
    assert!(answer.body["type"].is_string() && answer.body["code"].is_string(), "{what}");
    assert!(answer.body["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
}

#[test]
fn no_route_takes_junk() {
    let shop = Shop::open();
    let payment = shop.payment(CARDS, "10", "eur");
    let collection = shop.collection("10", "eur");
    let session = shop.session(&collection, CARDS);
    let reason = id(&shop.get("/admin/refund-reasons?limit=1")["refund_reasons"][0]);
    // What is there gets to read the body.
    let there = |path: &str| {
        let known = [
            ("/payment-collections/", &collection),
            ("/payment-sessions/", &session),
            ("/payments/", &payment),
            ("/refund-reasons/", &reason),
        ];
        let own = known.iter().find(|(part, _)| path.contains(&format!("{part}{{")));
        filled(path, own.map_or("x", |(_, id)| id.as_str()))
    };
    let before = shop.trace();
    let long = "p".repeat(4_000);
    let deep = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let bodies =
        ["{", "[]", "7", "\"x\"", "{\"x\":1,\"x\":2}", "{\"\\ud800\":1}", "{\"no_such_key\":1e2}", "\u{feff}{}", &deep];
    let ids = ["..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%0d%0aset-cookie:x", "a;b=c", "%F0%9F%92%B8", "{id}", &long];
    let started = Instant::now();
    for (method, path) in routes(&shop) {
        for id in ids.iter().filter(|_| path.contains('{')) {
            let request = Request::new(&method, &filled(&path, id)).header("content-type", "application/json");
            let answer = request.send(&shop.door);
            // A region's name is the shop's own, whatever it is made of: one that nobody made is served by all.
            if method == "GET" && path.contains("/regions/") {
                assert!(answer.status < 500, "{}: {}", request.target, answer.body);
            } else {
                check_named(&answer, &request);
            }
        }
        let target = there(&path);
        if method == "POST" {
            for body in bodies {
                let request = Request::post(&target, body);
                check_named(&request.send(&shop.door), &request);
            }
            let request = Request::new("POST", &target).header("content-type", "text/plain").body("{}");
            check_named(&request.send(&shop.door), &request);
        }
        for query in ["no_such_key=1", "a[b][c]=1", "x%5B%5D=%FF", "=", "&&&=&", "%"] {
            let request =
                Request::new(&method, &format!("{target}?{query}")).header("content-type", "application/json");
            check_named(&request.send(&shop.door), &request);
        }
        let request = Request::new("TRACE", &target);
        check_named(&request.send(&shop.door), &request);
    }
    assert_eq!(shop.trace(), before, "junk left a trace");
    assert!(started.elapsed() < Duration::from_secs(10 * SECONDS_MAX), "{:?}", started.elapsed());
}

#[test]
fn queries_that_cannot_be_right_name_what_is_wrong() {
    let shop = Shop::open();
    let list = "/admin/payments";
    let nested = format!("{}=1", "a".to_owned() + &"[x]".repeat(100));
    let joined = format!("$or{}[id]=pay_1", "[0][$or]".repeat(49));
    let answers = |query: &str| shop.refuses_any(&Request::new("GET", &format!("{list}?{query}")));
    for (query, field) in [
        (nested.as_str(), "a[x][x]"),
        (joined.as_str(), "$or[0]"),
        ("id[$regex]=x", "id[$regex]"),
        ("id[$re]=x", "id[$re]"),
        ("created_at[$contains]=x", "created_at[$contains]"),
        ("created_at[$gte]=", "created_at[$gte]"),
        ("created_at[$gte]=2020-13-01", "created_at[$gte]"),
        ("created_at[$gte][]=2020-01-01", "created_at[$gte]"),
        ("id[0]=pay_1&id[x]=pay_2", "id"),
        ("id=pay_1&id[$ne]=pay_2", "id"),
        ("id[1001]=pay_1", "id[1001]"),
        ("id[99999999999999999999999999]=pay_1", "id[9"),
        ("$or=1", "$or"),
        ("$or[x]=1", "$or"),
        ("$and[0][colour]=red", "$and[0][colour]"),
        ("$and[0][$or][0][$and]=1", "$and[0][$or][0][$and]"),
        ("fields=id,secret", "fields"),
        ("fields=payment_collection.payments.id", "fields"),
        ("fields=*", "-"),
        ("fields=,,,", "-"),
        ("limit[$gt]=1", "limit"),
        ("order=-secret", "order"),
        ("order[]=id", "order"),
        ("q[$like]=x", "q"),
        ("with_deleted=1", "with_deleted"),
        ("offset=18446744073709551616", "offset"),
    ] {
        let answer = answers(query);
        if field == "-" {
            assert_eq!(answer.status, 200, "{query}");
            continue;
        }
        let named = answer.body["field"].as_str().unwrap_or("");
        assert!(answer.status == 400 && named.starts_with(field), "{query}: {}", answer.body);
    }
    let many = (0..300).map(|index| format!("id[{index}]=pay_1")).collect::<Vec<_>>().join("&");
    assert_eq!(answers(&many).status, 400);
    let names = vec!["id"; 101].join(",");
    assert_eq!(answers(&format!("fields={names}")).body["field"], "fields");
    let values = vec!["pay_1"; 101].join(",");
    assert_eq!(answers(&format!("id={values}")).body["field"], "id");
}

impl Shop {
    /// Whatever is answered, nothing is stored by it.
    fn refuses_any(&self, request: &Request) -> Answer {
        let before = self.trace();
        let answer = request.send(&self.door);
        assert!(answer.status < 500, "{}: {}", request.target, answer.body);
        assert_eq!(self.trace(), before, "{} left a trace", request.target);
        answer
    }
}

#[test]
fn heads_that_contradict_themselves_are_refused() {
    let shop = Shop::open();
    let before = shop.trace();
    let key = shop.door.key("/admin").expect("a key");
    let head = |lines: &str| {
        format!(
            "POST /admin/payment-collections HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}: {}\r\n\
             content-type: application/json\r\n{lines}\r\n\r\n",
            key.0, key.1
        )
    };
    let body = json!({ "currency_code": "eur", "amount": 1 }).to_string();
    for lines in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: -1",
        "content-length: 5x",
        "content-length: 99999999999999999999",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked\r\ncontent-length: 5x",
        "bad header: x",
        "x-\u{0}: y",
    ] {
        let answer = send_raw(shop.address, format!("{}{body}", head(lines)).as_bytes());
        assert!((400..500).contains(&answer.status), "{lines:?}: {}", answer.status);
    }
    // Chunks that are none, and a body that ends before it should.
    let broken = format!("{}zz\r\n{body}\r\n0\r\n\r\n", head("transfer-encoding: chunked"));
    assert!((400..500).contains(&send_raw(shop.address, broken.as_bytes()).status));
    assert_eq!(shop.trace(), before);
}

/// Sends bytes with pauses until the host has had enough, or everything was sent. What was answered, and after how long.
fn dripped(address: SocketAddr, head: &str, drops: &[u8]) -> (String, Duration) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).expect("the host listens");
    stream.set_read_timeout(Some(Duration::from_secs(SECONDS_MAX))).expect("a duration");
    stream.write_all(head.as_bytes()).expect("the host reads");
    let mut reader = stream.try_clone().expect("a second handle");
    let answered = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = reader.read_to_end(&mut text);
        (String::from_utf8_lossy(&text).into_owned(), started.elapsed())
    });
    for byte in drops {
        if answered.is_finished() || stream.write_all(&[*byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let answer = answered.join().expect("a text");
    let _ = stream.shutdown(Shutdown::Both);
    answer
}

#[test]
fn a_client_that_drips_is_not_waited_for() {
    let shop = Shop::open();
    let before = shop.trace();
    let key = shop.door.key("/admin").expect("a key");
    // Each drop comes in time; the whole never does.
    let drops = vec![b'x'; 400];
    let (in_headers, in_body) = std::thread::scope(|scope| {
        let headers = scope
            .spawn(|| dripped(shop.address, "GET /admin/payments HTTP/1.1\r\nhost: localhost\r\nx-slow: ", &drops));
        let head = format!(
            "POST /admin/payment-collections HTTP/1.1\r\nhost: localhost\r\n{}: {}\r\ncontent-type: application/json\r\n\
             content-length: 1000\r\n\r\n",
            key.0, key.1
        );
        let body = scope.spawn(move || dripped(shop.address, &head, &vec![b' '; 400]));
        (headers.join().unwrap(), body.join().unwrap())
    });
    let limit = Duration::from_secs(SECONDS_MAX);
    assert!(in_headers.1 < limit && !in_headers.0.starts_with("HTTP/1.1 2"), "{in_headers:?}");
    assert!(in_body.0.starts_with("HTTP/1.1 408") && in_body.1 < limit, "{in_body:?}");
    let told: Value = in_body.0.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body).unwrap()).unwrap();
    assert_eq!(told["code"], "body_incomplete");
    let shop = &shop;
    assert_eq!(shop.trace(), before);
    shop.refuses(&Request::new("GET", "/admin/payments?limit=0"), Refused::field("limit"));
}
