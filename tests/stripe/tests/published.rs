//! Every request that the provider can make, recorded and held to the published description of Stripe's API.
//!
//! The description is taken from Stripe's own client, whose types are generated from it: the version that is pinned, and the
//! latest one, installed from their registry by `npm ci`. Node.js runs it; where it is not installed, the test says so. What is
//! recorded has to be everything: each route, and each parameter that the sources name.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};
use tillbox::core::id::{OperationId, ProviderId};
use tillbox::core::text::Json;
use tillbox::currency::money;
use tillbox::runtime::Provider;
use tillbox::runtime::request::{
    AccountHolder, Address, CallContext, CancelRequest, Customer, PaymentState, RetrieveRequest,
};
use tillbox::service::{
    AccountHolderUpdate, IncomingWebhook, NewAccountHolder, NewPaymentMethod, NewRefund, NewRefundReason, Payer,
    Received, SessionUpdate,
};
use tillbox_gateway::webhooks::signature;
use tillbox_gateway::{Action, Fault};
use tillbox_stripe_tests::{PROVIDER, RETURN_URL, Scene, Setting, WEBHOOK_SECRET};

/// What `npm ci` reads.
const LOCKED: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// Refunds in one page of Stripe's lists, and one more: the next page is asked for.
const REFUNDS: usize = 101;

/// Every route that the provider uses; ids are `:id`.
const ROUTES: &[&str] = &[
    "DELETE /v1/customers/:id",
    "GET /v1/customers/:id",
    "GET /v1/customers/:id/payment_methods",
    "GET /v1/disputes",
    "GET /v1/payment_intents/:id",
    "GET /v1/payment_intents/search",
    "GET /v1/payment_methods/:id",
    "GET /v1/refunds",
    "GET /v1/setup_intents/:id",
    "POST /v1/customers",
    "POST /v1/customers/:id",
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/:id",
    "POST /v1/payment_intents/:id/cancel",
    "POST /v1/payment_intents/:id/capture",
    "POST /v1/payment_intents/:id/confirm",
    "POST /v1/payment_methods/:id/attach",
    "POST /v1/payment_methods/:id/detach",
    "POST /v1/refunds",
    "POST /v1/setup_intents",
];

/// The sources that build requests.
const SOURCES: &[&str] = &[
    include_str!("../../../plugins/stripe/src/customers.rs"),
    include_str!("../../../plugins/stripe/src/lookup.rs"),
    include_str!("../../../plugins/stripe/src/methods.rs"),
    include_str!("../../../plugins/stripe/src/payments.rs"),
    include_str!("../../../plugins/stripe/src/refunds.rs"),
];

fn euros(amount: &str) -> tillbox::core::Money {
    money(amount, "EUR").unwrap()
}

fn customer() -> Customer {
    let text = |text: &str| Some(text.to_owned());
    let address = Address {
        line1: text("1 High Street"),
        line2: text("Flat B"),
        city: text("Town"),
        region: text("Shire"),
        postal_code: text("SW1A 1AA"),
        country_code: text("GB"),
    };
    Customer {
        id: "cust_1".to_owned(),
        email: text("a@example.com"),
        name: text("A. Payer"),
        phone: text("+4930123456"),
        billing_address: Some(address),
    }
}

fn payer() -> Payer {
    Payer { customer: Some(customer()), locale: Some("en-GB".to_owned()) }
}

fn method(data: Value) -> NewPaymentMethod {
    NewPaymentMethod { data: Some(data.to_string()), ..NewPaymentMethod::default() }
}

/// A context of a call that no host makes.
fn context(holder: Option<&str>) -> CallContext {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let number = CALLS.fetch_add(1, Ordering::SeqCst);
    let operation = OperationId::from_tail(&format!("01JD{number:022}"));
    let holder = holder.map(|id| AccountHolder { external_id: id.to_owned(), data: Json::empty() });
    CallContext {
        account_holder: holder,
        customer: Some(customer()),
        ..CallContext::new(operation, format!("{number:064x}"))
    }
}

/// Customers and what they keep.
async fn customers(scene: &Scene) {
    let new = NewAccountHolder::new(ProviderId::parse(PROVIDER).unwrap(), customer());
    let holder = scene.host.create_account_holder(new).await.unwrap();
    let update = AccountHolderUpdate { customer: Some(customer()), ..AccountHolderUpdate::default() };
    scene.host.update_account_holder(&holder.id, update).await.unwrap();
    let spoken = CallContext { locale: Some("en-GB".to_owned()), ..context(Some(&holder.external_id)) };
    scene.provider.update_account_holder(spoken, Json::empty()).await.answer.unwrap();
    let read = scene.provider.retrieve_account_holder(context(Some(&holder.external_id))).await;
    assert_eq!(read.answer.unwrap().external_id, holder.external_id);
    let mut kept = Vec::new();
    for data in [
        json!({ "payment_method": "pm_card_visa" }),
        json!({ "payment_method": "pm_card_visa", "return_url": RETURN_URL }),
        json!({ "payment_method": "pm_card_mastercard", "attach": true }),
        json!({ "begin": true }),
    ] {
        kept.push(scene.host.save_payment_method(&holder.id, method(data)).await.unwrap());
    }
    let setup: Value = serde_json::from_str(kept[0].data.as_str()).unwrap();
    let finished = json!({ "setup_intent": setup["setup_intent"] });
    scene.host.save_payment_method(&holder.id, method(finished)).await.unwrap();
    assert_eq!(scene.host.payment_methods(&holder.id).await.unwrap().len(), 3);

    // A payment of the customer's, and one whose method is kept.
    let session = scene.session_of("5.00", "EUR", json!({ "payment_method": kept[1].id }), payer()).await.unwrap();
    scene.authorize(&session.id, json!({ "return_url": RETURN_URL })).await.unwrap().payment.unwrap();
    let keeps = json!({ "payment_method": "pm_card_visa", "save_payment_method": true, "return_url": RETURN_URL });
    let session = scene.session_of("5.00", "EUR", keeps.clone(), payer()).await.unwrap();
    scene.authorize(&session.id, keeps).await.unwrap().payment.unwrap();

    scene.host.delete_payment_methods(&holder.id, &[kept[2].id.clone()]).await.unwrap();
    scene.host.delete_account_holder(&holder.id).await.unwrap();
}

/// A payment with everything that can be said of it.
async fn payments(scene: &Scene) {
    let session = scene.session_of("10.00", "EUR", json!({}), payer()).await.unwrap();
    let update = SessionUpdate {
        amount: Some(euros("9.00")),
        data: Some(json!({ "payment_method": "pm_card_visa" }).to_string()),
        ..SessionUpdate::default()
    };
    scene.host.update_session(&session.id, update).await.unwrap();
    let input = json!({ "payment_method": "pm_card_visa", "return_url": RETURN_URL });
    let authorized = scene.authorize(&session.id, input).await.unwrap();
    let payment = authorized.payment.unwrap().payment;
    if scene.host.payment(&payment.id).await.unwrap().captured.is_zero() {
        scene.host.capture(&payment.id, Some(euros("4.00"))).await.unwrap();
        scene.gateway.fault(Fault::once("POST", "/capture", Action::LoseReply));
        if scene.host.capture(&payment.id, None).await.is_err() {
            let snapshot = scene.host.retrieve_from_provider(&payment.id).await.unwrap();
            assert!(!snapshot.value.captured.is_zero());
        }
    }
    let reason = NewRefundReason {
        label: format!("Twice {}", payment.id),
        code: Some("duplicate".to_owned()),
        ..NewRefundReason::default()
    };
    let reason = scene.host.create_refund_reason(reason).await.unwrap();
    let refund = NewRefund {
        amount: Some(euros("1.00")),
        reason: Some(reason.id),
        note: Some("it came twice".to_owned()),
        ..NewRefund::default()
    };
    scene.gateway.fault(Fault::once("POST", "/v1/refunds", Action::LoseReply));
    let tillbox::Error::Unknown { operation, .. } = scene.host.refund(&payment.id, refund).await.unwrap_err() else {
        panic!("its answer was lost")
    };
    scene.host.recheck(&operation).await.unwrap();
    let intent = payment.provider_reference.unwrap();
    scene.gateway.at_the_counter(&json!({ "do": "dispute", "id": intent })).unwrap();
    scene.host.retrieve_from_provider(&payment.id).await.unwrap();

    let other = scene.session("3.00", "EUR", json!({})).await.unwrap();
    scene.host.delete_session(&other.id).await.unwrap();
}

/// What only goes wrong or hardly ever happens.
async fn rarities(scene: &Scene) {
    // An intent whose id was lost is searched by its operation, or by its session.
    scene.gateway.fault(Fault::once("POST", "/v1/payment_intents", Action::LoseReply));
    let opened = scene.session("5.00", "EUR", json!({ "payment_method": "pm_card_visa" })).await;
    let Err(tillbox::Error::Unknown { operation, .. }) = opened else { panic!("its answer was lost") };
    let found = scene.host.recheck(&operation).await.unwrap();
    let nothing = euros("0.00");
    let lost = PaymentState {
        data: Json::empty(),
        provider_reference: None,
        amount: euros("5.00"),
        captured: nothing,
        refunded: nothing,
    };
    let context_of = CallContext { session: Some(found.session.clone()), ..context(None) };
    let request = RetrieveRequest { payment: lost, operation: None };
    scene.provider.retrieve(context_of, request).await.answer.unwrap();

    // What the payer's browser collected, a 3-D Secure challenge, a void, and what several captures leave.
    let token = scene.gateway.request("POST", "/v1/test_helpers/confirmation_tokens", "payment_method=pm_card_visa");
    let session = scene.session("5.00", "EUR", json!({})).await.unwrap();
    let input = json!({ "confirmation_token": token["id"] });
    let payment = scene.authorize(&session.id, input).await.unwrap().payment.unwrap().payment;
    scene.host.cancel_payment(&payment.id, Some("duplicate".to_owned())).await.unwrap();

    let payment = scene.authorized("6.00").await;
    let captured = scene.host.capture(&payment, Some(euros("2.00"))).await.unwrap().value.payment;
    let state = PaymentState {
        data: captured.data.clone(),
        provider_reference: captured.provider_reference.clone(),
        amount: euros("6.00"),
        captured: euros("2.00"),
        refunded: nothing,
    };
    let released = scene.provider.cancel(context(None), CancelRequest { payment: state, reason: None }).await;
    assert_eq!(released.answer.unwrap().amount, Some(euros("4.00")));
    assert_eq!(scene.ledger().last().unwrap(), &("void".to_owned(), 400));

    // More refunds than fit into a page.
    let payment = scene.authorized("20.00").await;
    let captured = scene.host.capture(&payment, None).await.unwrap().value.payment;
    for _ in 0..REFUNDS {
        let order = json!({ "do": "refund", "id": captured.provider_reference, "amount": 1 });
        scene.gateway.at_the_counter(&order).unwrap();
    }
    let snapshot = scene.host.retrieve_from_provider(&payment).await.unwrap().value;
    assert_eq!(snapshot.refunded, euros("1.01"));
}

/// Every setting, each at least once in every value.
fn settings() -> Vec<Map<String, Value>> {
    let all = [
        json!({}),
        json!({
            "capture_method": "automatic", "multicapture": false, "statement_descriptor_suffix": "ORDER",
            "description": "An order", "allow_redirects": "always", "payment_method_configuration": "pmc_1234",
            "setup_future_usage": "on_session", "receipt_email": true, "account": "acct_1234",
            "publishable_key": "pk_test_1234",
        }),
        json!({
            "capture_method": "manual", "multicapture": true, "statement_descriptor": "TILLBOX SHOP",
            "allow_redirects": "never", "setup_future_usage": "off_session", "receipt_email": false,
        }),
    ];
    all.into_iter().map(|settings| settings.as_object().unwrap().clone()).collect()
}

/// The requests of everything that the provider can be asked, under every setting.
async fn recorded() -> Vec<Value> {
    let mut requests = Vec::new();
    for settings in settings() {
        let is_plain = settings.is_empty();
        let scene = Scene::with(Setting { settings, ..Setting::default() }).await;
        payments(&scene).await;
        customers(&scene).await;
        if is_plain {
            rarities(&scene).await;
        }
        let ours = |request: &Value| !request["path"].as_str().unwrap().starts_with("/v1/test_helpers/");
        requests.extend(scene.gateway.requests().into_iter().filter(ours));
    }
    requests
}

/// `POST /v1/payment_intents/:id/capture`
fn route(request: &Value) -> String {
    let path = request["path"].as_str().unwrap();
    let parts =
        path.split('/').enumerate().map(|(place, part)| if place == 3 && part != "search" { ":id" } else { part });
    format!("{} {}", request["method"].as_str().unwrap(), parts.collect::<Vec<_>>().join("/"))
}

/// The names of a request's parameters, metadata by their word alone.
fn names(request: &Value) -> Vec<String> {
    let text = request["body"].as_str().filter(|body| !body.is_empty()).or_else(|| request["query"].as_str());
    let plain = |name: &str| name.replace("%5B", "[").replace("%5D", "]");
    let names = text.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    names.map(|(name, _)| plain(name).split("metadata[").next().map_or_else(String::new, str::to_owned)).collect()
}

/// The parameters that the sources name: `.pair("…"` and `.maybe("…"`.
fn named_in_sources() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in SOURCES {
        for call in ["pair(", "maybe("] {
            for rest in source.split(call).skip(1) {
                if let Some(name) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    names.insert(name.to_owned());
                }
            }
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_valid_by_the_published_description() {
    let Some(version) = node() else {
        println!("skipped: Node.js is not installed, and the description is read by it (`apt-get install nodejs npm`)");
        return;
    };
    let requests = recorded().await;
    let routes: BTreeSet<String> = requests.iter().map(route).collect();
    assert_eq!(routes.iter().map(String::as_str).collect::<Vec<_>>(), ROUTES, "every route, and no other");
    let sent: BTreeSet<String> = requests.iter().flat_map(names).collect();
    let missing: Vec<String> = named_in_sources().into_iter().filter(|name| !sent.contains(name)).collect();
    assert!(missing.is_empty(), "parameters that were never recorded: {missing:?}");

    // One of each kind: the same route with the same parameters says nothing new.
    let mut kinds = BTreeSet::new();
    let distinct: Vec<Value> =
        requests.into_iter().filter(|request| kinds.insert((route(request), names(request)))).collect();
    let wrong = spoiled(&distinct);
    let count = distinct.len();
    let all: Vec<Value> = distinct.into_iter().chain(wrong.iter().map(|(_, request)| request.clone())).collect();
    let complaints = tokio::task::spawn_blocking(move || complaints(&all)).await.unwrap();
    let about =
        |place: i64| complaints.iter().filter(move |(at, _)| *at == place).map(|(_, what)| what).collect::<Vec<_>>();
    for place in -1..i64::try_from(count).unwrap() {
        assert!(about(place).is_empty(), "{:#?}", about(place));
    }
    for (place, (how, request)) in wrong.iter().enumerate() {
        let found = about(i64::try_from(count + place).unwrap());
        assert!(found.len() >= 2, "{how} was not noticed by both versions: {request}: {found:?}");
    }
    println!("{count} kinds of request are valid, and {} wrong ones are noticed (Node.js {version})", wrong.len());
}

/// What Stripe's own client signs, the provider takes; what the gateway signs, Stripe's own client takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_are_those_of_the_published_client() {
    if node().is_none() {
        println!(
            "skipped: Node.js is not installed, and the client runs on nothing else (`apt-get install nodejs npm`)"
        );
        return;
    }
    let scene = Scene::new().await;
    let event = json!({
        "id": "evt_1", "object": "event", "type": "customer.created", "created": 1, "data": { "object": { "name": "Zoë" } },
    });
    let body = event.to_string();
    let sign = "console.log(client.webhooks.generateTestHeaderString({ payload: process.env.BODY, secret: process.env.SECRET }))";
    for version in ["pinned", "latest"] {
        let header = ask_client(version, sign, &[("BODY", &body), ("SECRET", WEBHOOK_SECRET)]);
        let delivery = IncomingWebhook {
            headers: vec![("stripe-signature".to_owned(), header.trim().as_bytes().to_vec())],
            query: String::new(),
            body: body.clone().into_bytes(),
        };
        let taken = scene.host.receive_webhook(&ProviderId::parse(PROVIDER).unwrap(), delivery).await.unwrap();
        assert_eq!(taken, Received::Applied, "{version}: {header}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let ours = signature(&[WEBHOOK_SECRET.to_owned()], i64::try_from(now).unwrap(), &body);
        let read =
            "console.log(client.webhooks.constructEvent(process.env.BODY, process.env.HEADER, process.env.SECRET).id)";
        let read = ask_client(version, read, &[("BODY", &body), ("SECRET", WEBHOOK_SECRET), ("HEADER", &ours)]);
        assert_eq!(read.trim(), "evt_1", "{version}");
    }
}

/// Runs a line of JavaScript with the client of a version at hand.
fn ask_client(version: &str, line: &str, environment: &[(&str, &str)]) -> String {
    let start = format!(
        "const found = require('{version}'); const Stripe = found.default ?? found.Stripe ?? found; \
         const client = new Stripe('sk_test_1'); {line}"
    );
    let mut command = Command::new("node");
    command.arg("-e").arg(start).current_dir(installed()).envs(environment.iter().copied());
    let output = command.output().unwrap();
    check(&output, "the client");
    String::from_utf8(output.stdout).unwrap()
}

/// Requests with one fault each, which the check has to notice.
fn spoiled(requests: &[Value]) -> Vec<(&'static str, Value)> {
    let of = |wanted: &str, parameter: &str| {
        let has = |request: &&Value| route(request) == wanted && request["body"].as_str().unwrap().contains(parameter);
        requests.iter().find(has).unwrap_or_else(|| panic!("{wanted} with {parameter}")).clone()
    };
    let changed = |mut request: Value, from: &str, to: &str| {
        let body = request["body"].as_str().unwrap();
        assert!(body.contains(from), "{body}");
        request["body"] = body.replacen(from, to, 1).into();
        request
    };
    let create = of("POST /v1/payment_intents", "request_multicapture");
    let refund = of("POST /v1/refunds", "reason=");
    let capture = of("POST /v1/payment_intents/:id/capture", "final_capture");
    let mut elsewhere = capture.clone();
    elsewhere["path"] = elsewhere["path"].as_str().unwrap().replace("/capture", "/take").into();
    let mut put = capture.clone();
    put["method"] = "PUT".into();
    let mut versionless = capture.clone();
    versionless["version"] = "2020-01-01".into();
    vec![
        ("a parameter that there is not", changed(create.clone(), "amount=", "amonut=")),
        ("a nested parameter that there is not", changed(create.clone(), "allow_redirects", "allow_redirect")),
        ("a missing parameter", changed(create.clone(), "&currency=eur", "")),
        ("a number that is none", changed(create.clone(), "amount=", "amount=1.")),
        ("a value that is not on the list", changed(create.clone(), "capture_method=manual", "capture_method=later")),
        ("a nested value that is not on the list", changed(create, "=if_available", "=perhaps")),
        ("a reason that is not on the list", changed(refund, "reason=duplicate", "reason=wrong_size")),
        ("a truth that is none", changed(capture, "final_capture=false", "final_capture=perhaps")),
        ("a path that there is not", elsewhere),
        ("a method that there is not", put),
        ("another version", versionless),
    ]
}

/// What the description has against these requests: the place of each, and what.
fn complaints(requests: &[Value]) -> Vec<(i64, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.json");
    std::fs::write(&file, serde_json::to_string(requests).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("published.mjs");
    let output = Command::new("node").arg(script).arg(file).env("INSTALLED", installed().join("package.json")).output();
    let output = output.unwrap();
    check(&output, "published.mjs");
    let complaints: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let told = |complaint: &Value| {
        let what = complaint["what"].as_str().unwrap().to_owned();
        (complaint["place"].as_i64().unwrap(), what)
    };
    complaints.iter().map(told).collect()
}

/// Its version; nothing where it is not installed.
fn node() -> Option<String> {
    match Command::new("node").arg("--version").output() {
        Ok(output) => {
            check(&output, "node --version");
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("node cannot be run: {error}"),
    }
}

/// Where the description is, installed as the lock file says; by whichever test is first.
fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(install)
}

fn install() -> PathBuf {
    let (own, place) =
        (Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")).join("published"));
    let done = place.join("installed");
    let lock = std::fs::read_to_string(own.join("package-lock.json")).unwrap();
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return place;
    }
    std::fs::create_dir_all(&place).unwrap();
    for name in LOCKED {
        std::fs::copy(own.join(name), place.join(name)).unwrap();
    }
    let output = Command::new("npm").arg("ci").current_dir(&place).output();
    let output =
        output.unwrap_or_else(|error| panic!("npm cannot be run: {error}; it comes with Node.js, or as `npm`"));
    check(&output, "npm ci");
    std::fs::write(done, lock).unwrap();
    place
}

fn check(output: &Output, what: &str) {
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what} ended with {}:\n{said}\n{wrong}", output.status);
}
