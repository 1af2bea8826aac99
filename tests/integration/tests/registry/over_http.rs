//! The same over HTTP, by an operator with a key: bring, install, approve, roll back, remove, and the audit of it.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tillbox::http::Server;
use tillbox::service::NewApiKey;
use tillbox::store::Scope;
use tillbox_artifacts::{TELLER, TELLER_BROKEN, TELLER_WIDER};
use tillbox_store_tests::place::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::scene::{digest, host, paid, teller};

struct Door {
    address: std::net::SocketAddr,
    secret: String,
}

struct Answer {
    status: u16,
    head: String,
    json: Value,
}

impl Door {
    async fn ask(&self, line: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let Self { address, secret } = self;
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {secret}\r\nconnection: close\r\n{headers}\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), json: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(&format!("GET {path}"), "", b"").await.json
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(&format!("POST {path}"), "content-type: application/json\r\n", body.to_string().as_bytes()).await
    }

    async fn bring(&self, component: &[u8]) -> Answer {
        self.ask("POST /admin/provider-components", "content-type: application/wasm\r\n", component).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
// Long because one operator's day is one story.
async fn an_operator_does_it_all_over_http() {
    let place = File::new().await;
    let host = host(&place).await;
    let key = host.create_api_key(NewApiKey::secret([Scope::Administer])).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let door = Door { address: listener.local_addr().unwrap(), secret: key.1.reveal().to_owned() };
    tokio::spawn(Server::new(host.clone()).serve(listener, std::future::pending()));

    let brought = door.bring(TELLER).await;
    assert_eq!(brought.status, 200, "{}", brought.json);
    let component = brought.json["provider_component"]["component"].as_str().unwrap().to_owned();
    assert_eq!(component, digest(TELLER).to_string());
    let refused = door.bring(b"no component").await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (422, Some("component_not_wasm")), "{}", refused.json);
    let form = door.ask("POST /admin/provider-components", "content-type: text/plain\r\n", TELLER).await;
    assert_eq!(form.status, 415);

    let install = json!({ "id": "main", "component": component });
    let keyed = "content-type: application/json\r\nidempotency-key: install-1\r\n";
    let first = door.ask("POST /admin/payment-providers", keyed, install.to_string().as_bytes()).await;
    assert_eq!((first.status, &first.json["provider_version"]["state"]), (200, &json!("serving")), "{}", first.json);
    let again = door.ask("POST /admin/payment-providers", keyed, install.to_string().as_bytes()).await;
    assert!(again.head.contains("idempotent-replayed: true"), "{}", again.head);
    assert_eq!(again.json, first.json);
    let twice = door.post("/admin/payment-providers", &install).await;
    assert_eq!((twice.status, twice.json["code"].as_str()), (422, Some("provider_installed")));
    paid(&host).await.unwrap();

    let wider = door.bring(TELLER_WIDER).await.json["provider_component"].clone();
    assert_eq!(wider["wants"]["hosts"], json!(["https://api.gateway.example:443, every method, every path"]));
    let path = format!("/admin/payment-providers/{}", teller());
    let typo = json!({ "component": wider["component"], "grants": { "host": ["api.gateway.example"] } });
    let typo = door.post(&format!("{path}/upgrade"), &typo).await;
    assert_eq!((typo.status, typo.json["field"].as_str()), (400, Some("grants")), "{}", typo.json);
    let waits = door.post(&format!("{path}/upgrade"), &json!({ "component": wider["component"] })).await;
    assert_eq!(waits.json["provider_version"]["state"], "proposed", "{}", waits.json);
    assert!(waits.json["provider_version"]["changes"].as_array().unwrap().len() >= 3);
    assert_eq!(door.get(&path).await["payment_provider"]["version"], 1);
    let approved = door.post(&format!("{path}/approve"), &json!({ "version": 2 })).await;
    assert_eq!(approved.json["provider_version"]["state"], "serving", "{}", approved.json);
    assert_eq!(approved.json["provider_version"]["approved_by"], key.0.id.as_str());
    assert_eq!(door.get(&path).await["payment_provider"]["version"], 2);
    let nothing = door.post(&format!("{path}/approve"), &json!({})).await;
    assert_eq!((nothing.status, nothing.json["code"].as_str()), (400, Some("nothing_proposed")));

    let back = door.post(&format!("{path}/rollback"), &json!({})).await;
    assert_eq!(back.json["provider_version"]["number"], 1, "{}", back.json);
    let listed = door.get(&format!("{path}/versions")).await;
    assert_eq!(listed["count"], 2);
    assert_eq!(door.ask(&format!("DELETE {path}/versions/2"), "", b"").await.status, 200);
    assert_eq!(door.ask(&format!("DELETE {path}/versions/9"), "", b"").await.status, 404);

    // Tripped, it is refused with a time to come back, and everybody can see it.
    let broken = door.bring(TELLER_BROKEN).await.json["provider_component"]["component"].clone();
    let upgraded = door.post(&format!("{path}/upgrade"), &json!({ "component": broken })).await;
    assert_eq!(upgraded.json["provider_version"]["state"], "serving", "{}", upgraded.json);
    for _ in 0..tillbox::service::BREAKER_FAULTS {
        paid(&host).await.unwrap_err();
    }
    let details = door.get(&path).await;
    assert_eq!(details["payment_provider"]["health"]["breaker"]["state"], "open", "{details}");
    assert_eq!(door.get("/health/ready").await, json!({ "status": "ok", "tripped": [teller().as_str()] }));
    let operator = host.create_api_key(NewApiKey::secret([Scope::Operate])).await.unwrap().1.reveal().to_owned();
    let till = Door { secret: operator, ..door };
    let made = till.post("/admin/payment-collections", &json!({ "currency_code": "eur", "amount": 1 })).await;
    let collection = made.json["payment_collection"]["id"].as_str().unwrap();
    let path_of = format!("/admin/payment-collections/{collection}/payment-sessions");
    let refused = till.post(&path_of, &json!({ "provider_id": teller().as_str() })).await;
    assert_eq!((refused.status, refused.json["code"].as_str()), (503, Some("provider_tripped")), "{}", refused.json);
    assert_eq!(refused.json["request_may_have_been_sent"], false);
    let seconds = refused.head.lines().find_map(|line| line.strip_prefix("retry-after: ")).unwrap().to_owned();
    assert!((1..=5).contains(&seconds.parse::<u32>().unwrap()), "{seconds}");
    // Who may move money may not say which code moves it.
    let denied = till.post(&format!("{path}/rollback"), &json!({})).await;
    assert_eq!((denied.status, denied.json["code"].as_str()), (403, Some("scope_missing")));

    let door = Door { secret: key.1.reveal().to_owned(), address: till.address };
    let gone = door.ask(&format!("DELETE {path}"), "", b"").await;
    assert_eq!((gone.status, &gone.json["provider_version"]["state"]), (200, &json!("removed")), "{}", gone.json);
    let audited = door.get("/admin/audit?limit=100").await.to_string();
    for route in ["/upgrade", "/approve", "/rollback", "/admin/provider-components"] {
        assert!(audited.contains(route), "{route} is not in the audit");
    }
}
