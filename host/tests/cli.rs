//! The built program as a stranger runs it: exit codes, what is printed, what is left on the disk.
//!
//! It knows nothing of the library: everything goes through arguments, pipes, sockets and signals. Long because it is one
//! program: each command is tried with what it takes and what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// An empty core module: the preamble of version 1 and nothing else.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn tillbox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillbox"));
    // Colours, log levels and caches of whoever runs the tests stay out of it.
    command.args(arguments).env("NO_COLOR", "1").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    tillbox(arguments).output().expect("the program was built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program speaks UTF-8")
}

/// Runs a command that must work and gives what it printed.
fn good(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that must fail with this code and gives its error: one, with nothing printed as a result.
fn bad(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert_eq!(error.matches("error:").count(), 1, "{arguments:?}: {error}");
    error
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

fn written(directory: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_demo_goes_through_and_its_figures_are_exact() {
    let told = good(&["demo"]);
    for row in [
        ["partially_captured", "120.00 EUR", "120.00", "90.00", "32.50"],
        ["completed", "35.90 EUR", "35.90", "35.90", "0.00"],
        ["failed", "18.25 EUR", "0.00", "0.00", "0.00"],
        ["completed", "5000 JPY", "5000", "5000", "1200"],
        ["completed", "12.345 KWD", "12.345", "12.345", "0.005"],
        ["awaiting", "60.00 EUR", "0.00", "0.00", "0.00"],
        ["completed", "300.00 EUR", "300.00", "300.00", "33.33"],
    ] {
        let row = row.join(" ");
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.lines().any(|line| words(line).starts_with(&row)), "{row}\n{told}");
    }
    for phrase in ["insufficient_funds", "requires_more", "refused", "all of them hold", "median"] {
        assert!(told.contains(phrase), "{phrase}\n{told}");
    }
    assert!(told.lines().count() < 120, "a newcomer reads this");
    assert!(!told.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn webhook_endpoints_are_added_looked_at_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("demo.db");
    let database = path_text(&database);
    good(&["demo", "--json", "--database", database]);
    let run = |arguments: &[&str]| good(&[&["webhooks"], arguments, &["--database", database]].concat());
    let json = |arguments: &[&str]| serde_json::from_str::<Value>(&run(&[arguments, &["--json"]].concat())).unwrap();
    let url = "https://shop.example/hooks";
    let added = json(&["add", url, "--event", "payment.*", "--description", "the shop"]);
    let (id, secret) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
    assert!(id.starts_with("whep_") && secret.starts_with("whsec_"), "{added}");
    let listed = run(&["list"]);
    assert!(listed.contains(id) && listed.contains("payment.*") && !listed.contains("whsec_"), "{listed}");
    assert_eq!(json(&["list"])["webhook_endpoints"][0]["url"], url);
    let rotated = run(&["rotate", id]);
    assert!(rotated.contains("whsec_") && !rotated.contains(secret), "{rotated}");
    assert!(run(&["deliveries", id]).contains("0 of 0 deliveries"));
    run(&["redeliver", id, "--failed"]);
    let error = bad(&["webhooks", "redeliver", id, "evt_nobody", "--database", database], 1);
    assert!(error.contains("evt_nobody"), "{error}");
    let error = bad(&["webhooks", "add", "http://shop.example/", "--database", database], 1);
    assert!(error.contains("must be https"), "{error}");
    bad(&["webhooks", "redeliver", id, "--database", database], 2);
    bad(&["webhooks", "rotate", "sub_ledger", "--database", database], 2);
    run(&["remove", id]);
    assert_eq!(json(&["list"])["count"], 0);
}

#[test]
fn the_demo_as_json_leaves_a_database_to_look_at() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("demo.db");
    let whole: Value = serde_json::from_str(&good(&["demo", "--json", "--database", path_text(&database)])).unwrap();
    let figures = |index: usize, name: &str| whole["collections"][index][name].as_i64().unwrap();
    assert_eq!((figures(0, "captured_minor"), figures(0, "refunded_minor")), (9_000, 3_250));
    assert_eq!((figures(4, "captured_minor"), figures(4, "refunded_minor")), (12_345, 5));
    assert_eq!(whole["providers"].as_array().unwrap().len(), 3);

    let database = path_text(&database);
    let listed: Value =
        serde_json::from_str(&good(&["operations", "list", "--json", "--database", database, "--state", "declined"]))
            .unwrap();
    assert_eq!(listed["count"], 2, "{listed:#}");
    let id = listed["operations"][0]["id"].as_str().unwrap();
    let shown = good(&["operations", "show", id, "--database", database]);
    assert!(shown.contains("payment_intent_authentication_failure"), "{shown}");
    let rechecked: Value =
        serde_json::from_str(&good(&["operations", "recheck", id, "--database", database, "--json"])).unwrap();
    assert_eq!((rechecked["id"].as_str(), rechecked["state"].as_str()), (Some(id), Some("declined")));
    let settled = ["operations", "resolve", id, "--as", "absent", "--note", "seen", "--database", database];
    assert!(bad(&settled, 1).contains("already"));
    assert!(bad(&["operations", "void", id, "--database", database], 1).contains("already"));
    let error = bad(&["operations", "show", "payop_nobody", "--database", database], 1);
    assert!(error.contains("payop_nobody"), "{error}");
}

#[test]
fn bundled_components_are_inspected() {
    let told = good(&["provider", "inspect", "bundled:manual"]);
    for phrase in ["Payment by hand", "tillbox:provider/payments@0.1.0", "payee", "loads with no grants"] {
        assert!(told.contains(phrase), "{phrase}\n{told}");
    }
    let whole: Value = serde_json::from_str(&good(&["provider", "inspect", "bundled:stripe-mock", "--json"])).unwrap();
    assert_eq!(whole["report"]["identifier"], "stripe-mock");
    assert_eq!(whole["report"]["capabilities"]["automatic_capture"], true);
    assert_eq!(whole["loads_without_grants"], true);
    assert_eq!(whole["report"]["digest_sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn a_component_that_wants_more_is_shown_and_not_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let file = written(&directory, "guest.wasm", tillbox_artifacts::WANTS_HTTP);
    let told = good(&["provider", "inspect", path_text(&file)]);
    assert!(told.contains("interfaces = [\"http\"]") && told.contains("does not load"), "{told}");
    let whole: Value = serde_json::from_str(&good(&["provider", "inspect", path_text(&file), "--json"])).unwrap();
    assert_eq!(whole["loads_without_grants"], false);
    let wanted = whole["report"]["interfaces_wanted"].to_string();
    assert!(wanted.contains("\"http\""), "{wanted}");

    let (cache, database) = (directory.path().join("cache"), directory.path().join("never.db"));
    let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--provider", path_text(&file)];
    arguments.extend(["--cache-dir", path_text(&cache), "--database", path_text(&database)]);
    let error = bad(&arguments, 1);
    assert!(error.contains("import_not_granted") && error.contains("provider inspect"), "{error}");
    assert!(!database.exists());
}

#[test]
fn what_is_no_provider_is_named_for_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let cases: &[(&str, &[u8], &str)] = &[
        ("garbage.wasm", b"hello, world", "component_not_wasm"),
        ("empty.wasm", b"", "component_not_wasm"),
        ("module.wasm", CORE_MODULE, "component_core_module"),
        ("version.wasm", tillbox_artifacts::WRONG_VERSION, "9.9.0"),
        ("sockets.wasm", tillbox_artifacts::WANTS_SOCKETS, "wasi:sockets"),
        ("differs.wasm", tillbox_artifacts::DESCRIBE_DIFFERS, "describe_differs"),
        ("cut.wasm", &tillbox_artifacts::MANUAL[..1_000], "component_invalid"),
    ];
    for (name, bytes, sign) in cases {
        let file = written(&directory, name, bytes);
        let error = bad(&["provider", "inspect", path_text(&file)], 1);
        assert!(error.contains(sign) && error.contains(name), "{name}: {error}");
    }
    let missing = directory.path().join("missing.wasm");
    let error = bad(&["provider", "inspect", path_text(&missing)], 1);
    assert!(error.contains("missing.wasm") && error.contains("because"), "{error}");
    bad(&["provider", "inspect", path_text(directory.path())], 1);
    assert!(bad(&["provider", "inspect", "bundled:nobody"], 1).contains("bundled:manual"));
}

#[test]
fn every_command_has_help() {
    let all: &[&[&str]] = &[
        &[],
        &["demo"],
        &["serve"],
        &["provider"],
        &["provider", "inspect"],
        &["operations"],
        &["operations", "list"],
        &["operations", "show"],
        &["operations", "recheck"],
        &["operations", "resolve"],
        &["operations", "void"],
        &["keys", "create"],
        &["keys", "list"],
        &["keys", "rotate"],
        &["audit", "list"],
        &["completions"],
    ];
    for command in all {
        let told = good(&[command, &["--help"][..]].concat());
        assert!(told.contains("Usage: tillbox"), "{told}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(good(&["completions", shell]).contains("tillbox"), "{shell}");
    }
    assert!(good(&["--version"]).starts_with("tillbox "));
}

#[test]
fn what_is_not_understood_exits_with_2() {
    let all: &[&[&str]] = &[
        &["pay"],
        &["demo", "--fast"],
        &["serve", "--listen", "everywhere"],
        &["serve", "--deadline-ms", "0"],
        &["serve", "--provider", "a.wasm=not an id"],
        &["provider", "inspect"],
        &["operations", "show", "pay_1"],
        &["operations", "list", "--state", "lost"],
        &["operations", "list", "--limit", "0"],
        &["operations", "resolve", "payop_1", "--as", "maybe", "--note", "x"],
        &["operations", "resolve", "payop_1", "--as", "absent"],
        &["keys", "create"],
        &["keys", "create", "--secret"],
        &["keys", "create", "--secret", "--publishable"],
        &["keys", "create", "--secret", "--scope", "all"],
        &["keys", "create", "--publishable", "--scope", "read"],
        &["keys", "create", "--publishable", "--expires", "soon"],
        &["keys", "revoke", "sk_1"],
        &["completions", "abacus"],
    ];
    for arguments in all {
        bad(arguments, 2);
    }
}

#[test]
fn a_strangers_database_is_refused_and_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection
        .execute_batch("create table accounts (id integer primary key); insert into accounts values (1);")
        .unwrap();
    drop(connection);
    let notes = written(&directory, "notes.db", b"these are notes, and no database at all");
    for path in [&other, &notes] {
        let before = std::fs::read(path).unwrap();
        let files = std::fs::read_dir(directory.path()).unwrap().count();
        let arguments: &[&[&str]] = &[&["demo"], &["operations", "list"]];
        for command in arguments {
            let error = bad(&[command, &["--database", path_text(path)][..]].concat(), 1);
            assert!(error.contains("not touched") && error.contains("--database"), "{error}");
        }
        assert_eq!(std::fs::read(path).unwrap(), before);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), files, "nothing is left beside it");
    }
    let nowhere = directory.path().join("no/such/directory.db");
    assert!(bad(&["demo", "--database", path_text(&nowhere)], 1).contains("next:"));
    assert!(bad(&["operations", "list", "--database", path_text(&nowhere)], 1).contains("no database"));
}

#[test]
fn a_configuration_that_is_wrong_names_the_field() {
    let directory = tempfile::tempdir().unwrap();
    let cases = [
        ("databse = \"a.db\"", "did you mean `database`?"),
        ("[[providers]]\npath = \"missing.wasm\"\n[providers.grants]\nhost = []", "host"),
        ("listen = \"127.0.0.1:0\"\n[[providers]]\npath = \"missing.wasm\"", "missing.wasm"),
        (
            "listen = \"127.0.0.1:0\"\n[[providers]]\npath = \"bundled:stripe-mock\"\nid = \"x\"\n\
             [providers.grants.settings]\ncapture_method = \"later\"",
            "capture_method",
        ),
    ];
    for (config, field) in cases {
        let file = written(&directory, "tillbox.toml", config.as_bytes());
        let cache = directory.path().join("cache");
        let error = bad(&["serve", "--config", path_text(&file), "--cache-dir", path_text(&cache)], 1);
        assert!(error.contains(field), "{config}: {error}");
    }
    assert!(bad(&["serve", "--listen", "0.0.0.0:0"], 1).contains("loopback"));
}

#[test]
fn what_counts_is_said_with_where_it_was_said() {
    let directory = tempfile::tempdir().unwrap();
    let file = written(&directory, "tillbox.toml", b"deadline_ms = 5000\nrequests_max = 9\ndatabase = \"shop.db\"");
    let cache = directory.path().join("cache");
    let mut command = tillbox(&["serve", "--check", "--config", path_text(&file), "--requests-max", "7"]);
    command.arg("--cache-dir").arg(&cache).env("TILLBOX_DATABASE_URL", "postgres://till:hunter2@db.example/till");
    command.env("TILLBOX_BODY_BYTES_MX", "1");
    let output = command.output().unwrap();
    let (told, log) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{log}");
    let rows: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        vec!["deadline_ms", "5000", path_text(&file)],
        vec!["requests_max", "7", "--requests-max"],
        vec!["database_url", "at", "db.example/till", "TILLBOX_DATABASE_URL"],
        vec!["listen", "127.0.0.1:9000", "default"],
    ] {
        assert!(rows.contains(&row), "{row:?}\n{told}");
    }
    assert!(!told.contains("hunter2") && told.contains("pp_manual_default"), "{told}");
    assert!(log.contains("TILLBOX_BODY_BYTES_MX") && log.contains("did you mean TILLBOX_BODY_BYTES_MAX"), "{log}");
    assert!(!directory.path().join("shop.db").exists(), "nothing is opened");

    let mut command = tillbox(&["serve", "--check"]);
    let output = command.env("TILLBOX_DEADLINE_MS", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("TILLBOX_DEADLINE_MS: must be a whole number from 1"));
}

/// A server that is killed when the test fails.
struct Server {
    child: Child,
    told: BufReader<std::process::ChildStdout>,
    address: String,
    secret: String,
    publishable: String,
}

impl Server {
    /// Starts on a free port and waits for the line that names it.
    fn start(directory: &TempDir, more: &[&str]) -> Self {
        let (database, cache) = (directory.path().join("till.db"), directory.path().join("cache"));
        let common = ["serve", "--listen", "127.0.0.1:0"];
        let mut command = tillbox(&[&common[..], more].concat());
        command.arg("--database").arg(database).arg("--cache-dir").arg(cache);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.unwrap_or_else(|| panic!("no address in: {line}")).trim().to_owned();
        let database = directory.path().join("till.db");
        let key = |kind: &[&str]| {
            let create = [&["keys", "create", "--database", path_text(&database)], kind].concat();
            good(&create).trim().to_owned()
        };
        let (secret, publishable) = (key(&["--secret", "--scope", "read"]), key(&["--publishable"]));
        Self { child, told, address, secret, publishable }
    }

    /// With a key of each kind, as an operator makes them beside the running server.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let keys = format!("authorization: Bearer {}\r\nx-publishable-api-key: {}", self.secret, self.publishable);
        let head = format!("host: {}\r\nconnection: close\r\n{keys}", self.address);
        let request = format!("{request} HTTP/1.1\r\n{head}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn told_until(&mut self, last: &str) -> String {
        let mut told = String::new();
        while !told.contains(last) {
            let read = self.told.read_line(&mut told).unwrap();
            assert!(read > 0, "the server ended before it said `{last}`: {told}");
        }
        told
    }

    /// Ends it as an operator does, and gives its exit code.
    fn terminate(mut self) -> Option<i32> {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already when the test was good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn keys_are_made_listed_replaced_and_taken_back() {
    fn with<'a>(database: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["keys"], arguments, &["--database", database]].concat()
    }
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("till.db");
    let database = path_text(&database);
    assert!(bad(&with(database, &["create", "--publishable"]), 1).contains("no database"));
    good(&["demo", "--database", database]);
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&good(&[&with(database, arguments)[..], &["--json"]].concat())).unwrap()
    };
    let printed = good(&with(database, &["create", "--publishable"]));
    assert!(printed.starts_with("pk_") && printed.trim().lines().count() == 1, "{printed}");
    let made =
        json(&["create", "--secret", "--scope", "operate", "--scope", "read", "--title", "orders", "--expires", "1h"]);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(key.starts_with("sk_") && made["scopes"] == serde_json::json!(["read", "operate"]), "{made}");
    assert!(made["expires_at"].is_string(), "{made}");
    let listed = good(&with(database, &["list"]));
    assert!(listed.contains(id) && listed.contains("orders") && listed.contains("2 of 2"), "{listed}");
    assert!(!listed.contains("sk_") && !json(&["list"]).to_string().contains(key), "a key is shown once");
    let next = json(&["rotate", id, "--grace", "0"]);
    assert_ne!(next["key"], made["key"]);
    assert_eq!((&next["scopes"], &next["expires_at"]), (&made["scopes"], &made["expires_at"]));
    let state = |id: &str| {
        let listed = json(&["list"]);
        let found = listed["api_keys"].as_array().unwrap().iter().find(|key| key["id"] == id).cloned().unwrap();
        found["state"].as_str().unwrap().to_owned()
    };
    let next = next["id"].as_str().unwrap();
    assert_eq!((state(id).as_str(), state(next).as_str()), ("expired", "active"));
    assert!(good(&with(database, &["revoke", next])).contains("opens nothing"));
    assert_eq!(state(next), "revoked");
    assert!(bad(&with(database, &["rotate", next]), 1).contains("revoked"));
    let error = bad(&with(database, &["revoke", "apk_01JD3V9K6R2M4N8P0Q1S5T7W9X"]), 1);
    assert!(error.contains("keys list"), "{error}");
    bad(&with(database, &["rotate", id, "--grace", "32d"]), 1);

    // Each of them is in the audit, with how it ended and who did it; looking is not.
    let audit = |more: &[&str]| -> Value {
        let arguments = [&["audit", "list", "--json", "--database", database], more].concat();
        serde_json::from_str::<Value>(&good(&arguments)).unwrap()["audit"].take()
    };
    let rows = audit(&[]);
    assert_eq!(rows.as_array().unwrap().len(), 7, "{rows}");
    let about = audit(&["--subject", next]);
    let about: Vec<(&str, i64)> = about
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["route"].as_str().unwrap(), row["status"].as_i64().unwrap()))
        .collect();
    assert_eq!(about, [("tillbox keys rotate", 1), ("tillbox keys revoke", 0)]);
    for row in rows.as_array().unwrap() {
        assert!(row["method"] == "CLI" && row["request_id"].as_str().unwrap().starts_with("cli_"), "{row}");
    }
}

#[test]
fn a_server_is_ready_serves_and_ends_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(&directory, &["--provider", "bundled:manual=second"]);
    let told = server.told_until("Ctrl-C");
    assert!(
        told.contains("pp_manual_second")
            && told.contains("keys create --secret")
            && told.matches("curl -s").count() == 3,
        "{told}"
    );
    assert!(server.ask("GET /health/ready").starts_with("HTTP/1.1 200"), "not ready");
    assert!(server.ask("GET /store/payment-providers?region_id=reg_1").contains("pp_stripe-mock_automatic"));

    let busy = server.address.clone();
    let cache = directory.path().join("cache");
    let error = bad(&["serve", "--listen", &busy, "--cache-dir", path_text(&cache)], 1);
    assert!(error.contains(&busy) && error.contains("another port"), "{error}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_readmes_first_command_pays_over_http_and_keeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start(&directory, &["--demo"]);
    let told = server.told_until("Ctrl-C");
    for phrase in [
        "declined",
        "requires_more",
        "captured 42.00, refunded 12.25",
        "captured 5000, refunded 1200",
        "went through the sandboxed components",
    ] {
        assert!(told.contains(phrase), "{phrase}\n{told}");
    }
    let link = told.split_once("/checkout/pay_col_").and_then(|(_, rest)| rest.split_once("#key=pk_"));
    assert!(server.ask(&format!("GET /checkout/pay_col_{}", link.unwrap().0)).contains("<title>Checkout</title>"));
    assert_eq!(server.terminate(), Some(0));

    let server = Server::start(&directory, &[]);
    let kept = server.ask("GET /admin/payment-collections");
    assert!(kept.contains("\"refunded_amount\":12.25") && kept.contains("\"refunded_amount\":1200"), "{kept}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_database_moves_and_is_the_same_there() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
    good(&["demo", "--database", path_text(&from)]);
    let (source, target) = (format!("sqlite:{}", path_text(&from)), format!("sqlite:{}", path_text(&to)));
    let told: Value = serde_json::from_str(&good(&["migrate", "--from", &source, "--to", &target, "--json"])).unwrap();
    let tables = told["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table["table"] == "operation" && table["rows"].as_u64() > Some(20)), "{told}");
    let list = |database: &[&str]| good(&[&["operations", "list", "--json"], database].concat());
    assert_eq!(list(&["--database-url", &target]), list(&["--database", path_text(&from)]));
    // A second time there is something in the way, and it stays as it is.
    let error = bad(&["migrate", "--from", &source, "--to", &target], 1);
    assert!(error.contains("empty"), "{error}");
    assert!(!bad(&["operations", "list", "--database-url", "mysql://till:hunter2@h/d"], 1).contains("hunter2"));
    bad(&["operations", "list", "--database", path_text(&from), "--database-url", &target], 2);
}
