//! `tillbox provider` beside a server that runs: an operator installs, approves, upgrades, rolls back and removes, and the server
//! follows without a restart.
//!
//! It knows nothing of the library: everything goes through arguments, pipes and sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tillbox_artifacts::{TELLER, TELLER_OLDER, TELLER_SECOND, TELLER_WIDER};

/// A look each second, the loading of a small component, and a machine that does something else, too.
const FOLLOWS: Duration = Duration::from_secs(30);

struct Shop {
    directory: TempDir,
}

impl Shop {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("teller.wasm", TELLER),
            ("teller-2.wasm", TELLER_SECOND),
            ("older.wasm", TELLER_OLDER),
            ("wider.wasm", TELLER_WIDER),
            ("broken.wasm", &b"no component"[..]),
        ] {
            std::fs::write(directory.path().join(name), bytes).unwrap();
        }
        let shop = Self { directory };
        shop.good(&["demo", "--json", "--database", "till.db"]);
        shop
    }

    fn tillbox(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillbox"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        command
            .env("NO_COLOR", "1")
            .env("USER", "ada")
            .env("XDG_CACHE_HOME", self.directory.path())
            .env_remove("RUST_LOG");
        command
    }

    fn good(&self, arguments: &[&str]) -> String {
        let output = self.tillbox(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn provider(&self, arguments: &[&str]) -> String {
        self.good(&[&["provider"], arguments, &["--database", "till.db"]].concat())
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let arguments = [&["provider"], arguments, &["--database", "till.db"]].concat();
        let output = self.tillbox(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

struct Server {
    process: Child,
    /// Held open, or it would have nobody to tell where it is.
    _told: BufReader<std::process::ChildStdout>,
    address: String,
    secret: String,
}

impl Server {
    fn start(shop: &Shop) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", "till.db"];
        let mut serve = shop.tillbox(&arguments);
        let mut process = serve.env("TILLBOX_BUNDLED", "false").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(process.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next()).unwrap().trim().to_owned();
        let secret = shop.good(&["keys", "create", "--secret", "--scope", "read", "--database", "till.db"]);
        Self { process, _told: told, address, secret: secret.trim().to_owned() }
    }

    fn get(&self, path: &str) -> Value {
        let Self { address, secret, .. } = self;
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("host: {address}\r\nauthorization: Bearer {secret}\r\nconnection: close");
        stream.write_all(format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Waits until the server runs this version; nothing is that it runs none.
    fn follows(&self, number: Option<u64>) {
        let until = Instant::now() + FOLLOWS;
        loop {
            let provider = self.get("/admin/payment-providers/pp_teller_eu")["payment_provider"].take();
            if provider["version"].as_u64() == number && provider["is_installed"] == number.is_some() {
                return;
            }
            assert!(Instant::now() < until, "it does not follow to {number:?}: {provider}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn digest_of(path: &Path) -> String {
    let told = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(told.stdout).unwrap()[..64].to_owned()
}

#[test]
fn an_operator_changes_providers_beside_a_server_that_runs() {
    let shop = Shop::new();
    assert!(shop.provider(&["list"]).contains("Nothing is installed"));
    let server = Server::start(&shop);
    let told = shop.provider(&["install", "teller.wasm", "--id", "eu"]);
    assert!(told.contains("pp_teller_eu version 1 (1.0.0) serves"), "{told}");
    server.follows(Some(1));

    let told = shop.provider(&["upgrade", "pp_teller_eu", "wider.wasm"]);
    for words in
        ["waits for approval", "+ it gets the host https://api.gateway.example:443", "provider approve pp_teller_eu"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    server.follows(Some(1));
    assert!(shop.provider(&["list"]).contains("waits for approval"));
    let told = shop.provider(&["approve", "pp_teller_eu", "--number", "2", "--by", "grace"]);
    assert!(told.contains("version 2 (1.2.0) serves"), "{told}");
    server.follows(Some(2));
    let listed: Value = serde_json::from_str(&shop.provider(&["list", "--json"])).unwrap();
    assert_eq!(listed["provider_versions"][1]["approved_by"], "grace", "{listed}");
    assert_eq!(listed["provider_versions"][1]["proposed_by"], "ada", "{listed}");

    let told = shop.provider(&["rollback", "pp_teller_eu"]);
    assert!(told.contains("version 1 (1.0.0) serves"), "{told}");
    server.follows(Some(1));
    for (arguments, words) in [
        (&["upgrade", "pp_teller_eu", "broken.wasm"][..], "not a WebAssembly component"),
        (&["upgrade", "pp_teller_eu", "older.wasm"], "below 1.0.0"),
        (&["upgrade", "pp_teller_eu", "bundled:manual"], "the component is `manual`"),
        (&["upgrade", "pp_nobody_eu", "teller.wasm"], "provider list"),
        (&["install", "teller.wasm", "--id", "eu"], "provider upgrade"),
        (&["rollback", "pp_teller_eu"], "no earlier version"),
        (&["approve", "pp_teller_eu"], "waits for approval"),
        (&["upgrade", "pp_teller_eu", "teller-2.wasm", "--digest", &"0".repeat(64)], "is not the one that was meant"),
    ] {
        let error = shop.refused(arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    let digest = digest_of(&shop.directory.path().join("teller-2.wasm"));
    let told = shop.provider(&["upgrade", "pp_teller_eu", "teller-2.wasm", "--digest", &digest]);
    assert!(told.contains("version 3 (1.1.0) serves"), "{told}");
    server.follows(Some(3));

    assert!(shop.provider(&["disable", "pp_teller_eu"]).contains("its payments go on"));
    assert_eq!(server.get("/admin/payment-providers/pp_teller_eu")["payment_provider"]["is_enabled"], false);
    shop.provider(&["enable", "pp_teller_eu"]);
    assert!(shop.provider(&["remove", "pp_teller_eu"]).contains("is removed"));
    server.follows(None);
    // All of it is in the audit, what failed as well.
    let audit = shop.good(&["audit", "list", "--json", "--database", "till.db"]);
    for words in ["install", "upgrade", "approve", "rollback", "disable", "enable", "remove"] {
        assert!(audit.contains(&format!("tillbox provider {words}")), "{words}: {audit}");
    }
}
