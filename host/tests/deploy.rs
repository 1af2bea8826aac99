//! The files of `host/deploy`, and the program as they run it: what they say is what the program understands, and what
//! supervisors rely on (health, logs, signals) is so. A container cannot be started here; its parts are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program without anything of whoever runs the tests.
fn tillbox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillbox"));
    command.args(arguments).env("NO_COLOR", "1").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn told(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The instructions of the container file, continued lines as one.
fn instructions() -> Vec<(String, String)> {
    let text = read(&deploy("Dockerfile")).replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let split = |line: &str| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()));
    lines.filter_map(split).collect()
}

fn only(instruction: &str) -> String {
    let found: Vec<String> =
        instructions().into_iter().filter(|(word, _)| word == instruction).map(|(_, rest)| rest).collect();
    assert_eq!(found.len(), 1, "{instruction}: {found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn the_container_runs_the_program_that_the_workspace_builds() {
    let toolchain = read(&deploy("../../rust-toolchain.toml"));
    let version = toolchain.split("channel = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let images: Vec<String> =
        instructions().into_iter().filter(|(word, _)| word == "FROM").map(|(_, rest)| rest).collect();
    assert!(images[0].starts_with(&format!("rust:{version}-")), "{images:?}");
    let builds =
        instructions().into_iter().any(|(word, rest)| word == "RUN" && rest.contains("cargo build --locked --release"));
    assert!(builds);
    let copied = instructions().into_iter().any(|(word, rest)| {
        word == "COPY"
            && rest.starts_with("--from=build /build/target/release/tillbox ")
            && rest.ends_with("/usr/local/bin/tillbox")
    });
    assert!(copied, "the program is where ENTRYPOINT looks for it");
    assert_eq!(only("ENTRYPOINT"), r#"["/usr/local/bin/tillbox"]"#);
    assert!(only("USER").starts_with("10001"), "not root");
    assert_eq!(only("STOPSIGNAL"), "SIGTERM");
    let volumes: Vec<String> = serde_json::from_str(&only("VOLUME")).unwrap();
    for (name, value) in environment() {
        let is_path = value.starts_with('/');
        assert!(
            !is_path || volumes.iter().any(|volume| value.starts_with(volume)),
            "{name} is outside of every volume"
        );
    }
}

/// What the container's environment says.
fn environment() -> Vec<(String, String)> {
    let said = only("ENV");
    said.split_whitespace().map(|one| one.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap()).collect()
}

/// Every variable is a setting, CMD and HEALTHCHECK are commands.
#[test]
fn the_container_says_what_the_program_understands() {
    let folder = tempfile::tempdir().unwrap();
    let command: Vec<String> = serde_json::from_str(&only("CMD")).unwrap();
    let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--check"]).collect();
    let mut check = tillbox(&arguments);
    for (name, value) in environment() {
        let inside = value.strip_prefix('/').map(|path| folder.path().join(path).display().to_string());
        let value = inside.unwrap_or(value);
        check.env(name, value);
    }
    let output = check.output().unwrap();
    let (rows, log) = told(&output);
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(!log.contains("not known"), "{log}");
    for (name, _) in environment() {
        assert!(rows.lines().any(|row| row.ends_with(&name)), "{name} counts for nothing:\n{rows}");
    }
    let health = only("HEALTHCHECK");
    let health: Vec<String> = serde_json::from_str(health.split("CMD ").nth(1).unwrap()).unwrap();
    assert_eq!(health[0], "/usr/local/bin/tillbox");
    let mut help: Vec<&str> = health[1..].iter().map(String::as_str).collect();
    help.push("--help");
    assert_eq!(tillbox(&help).output().unwrap().status.code(), Some(0), "{health:?}");
}

#[test]
fn the_configuration_is_understood() {
    let cache = tempfile::tempdir().unwrap();
    let mut check = tillbox(&["serve", "--check", "--config"]);
    let output = check.arg(deploy("tillbox.toml")).env("TILLBOX_CACHE_DIR", cache.path()).output().unwrap();
    let (rows, log) = told(&output);
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(rows.contains("pp_manual_default") && rows.contains("live"), "{rows}");
}

#[test]
fn the_configurations_for_stripe_are_understood() {
    let cache = tempfile::tempdir().unwrap();
    for (name, environment) in [("stripe.toml", "live"), ("stripe-gateway.toml", "test")] {
        let mut check = tillbox(&["serve", "--check", "--config"]);
        let output = check.arg(deploy(name)).env("TILLBOX_CACHE_DIR", cache.path()).output().unwrap();
        let (rows, log) = told(&output);
        assert_eq!(output.status.code(), Some(0), "{log}");
        assert!(rows.contains("pp_stripe_default") && rows.contains(environment), "{rows}");
    }
}

/// systemd's own word on the unit: that it is understood, and how much a broken service could reach.
#[test]
fn the_unit_is_understood_and_hardened() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/install-systemd-analyze.sh");
    let installed = Command::new("bash").arg(script).status().unwrap();
    assert!(
        installed.success(),
        "systemd-analyze is missing: install Debian's package systemd, or run the tests as root"
    );
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("tillbox.service");
    let program = env!("CARGO_BIN_EXE_tillbox");
    let text = read(&deploy("tillbox.service"));
    let start = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let mut words = start.split_whitespace();
    assert_eq!(words.next(), Some("/usr/local/bin/tillbox"));
    assert_eq!(words.collect::<Vec<_>>(), ["serve", "--config", "${CREDENTIALS_DIRECTORY}/tillbox.toml"]);
    std::fs::write(&unit, text.replace("/usr/local/bin/tillbox", program)).unwrap();
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&unit).output().unwrap();
        let (said, complaint) = told(&output);
        assert!(output.status.success() && !complaint.contains("tillbox.service:"), "{arguments:?}: {said}{complaint}");
        said
    };
    analyze(&["verify", "--man=no"]);
    // In tenths of a point: 10.0 is a service that may do everything, and nginx as Debian starts it has 9.6.
    analyze(&["security", "--no-pager", "--offline=yes", "--threshold=20"]);
}

/// A server that is killed when the test fails.
struct Server {
    child: Child,
    /// Held open: a server that nobody listens to any more ends.
    _told: BufReader<ChildStdout>,
    address: String,
    folder: TempDir,
}

impl Server {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = tillbox(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        command.args(more).arg("--database").arg(folder.path().join("till.db"));
        command.arg("--cache-dir").arg(folder.path().join("cache"));
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        let address = line.split("://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.unwrap_or_else(|| panic!("no address in: {line}")).trim().to_owned();
        Self { child, _told: told, address, folder }
    }

    fn ask(&self, line: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn health(&self) -> Output {
        tillbox(&["health"]).env("TILLBOX_LISTEN", &self.address).output().unwrap()
    }

    /// Lines of the log, each of which has to be JSON.
    fn log(&self) -> Vec<Value> {
        let text = read(&self.folder.path().join("log"));
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    fn signal(&self, name: &str) {
        let told = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    fn ended(&mut self) -> Option<i32> {
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
fn a_line_for_each_request_with_its_id_and_without_secrets() {
    let mut server = Server::start(&[]);
    server.ask("GET /health/ready", "");
    let answer = server.ask(
        "GET /admin/payments/4242424242424242",
        "x-request-id: shop-7\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
         authorization: Bearer sk_this_is_no_key_but_looks_like_one\r\n",
    );
    assert!(answer.contains("x-request-id: shop-7"), "{answer}");
    server.signal("-TERM");
    assert_eq!(server.ended(), Some(0), "an ordered stop is no failure");
    let log = server.log();
    let lines: Vec<&Value> = log.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(lines.len(), 1, "one for each request, and none for good health: {log:#?}");
    let line = lines[0];
    assert_eq!((line["request_id"].as_str(), line["method"].as_str()), (Some("shop-7"), Some("GET")));
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_ne!(line["span_id"], "00f067aa0ba902b7");
    assert_eq!((line["route"].as_str(), line["status"].as_u64()), (Some("/admin/payments/{id}"), Some(401)));
    assert!(line["micros"].is_u64() && line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    let text = read(&server.folder.path().join("log"));
    assert!(!text.contains("4242424242424242") && text.contains("[redacted]"), "{text}");
    assert!(!text.contains("this_is_no_key"), "{text}");
}

#[test]
fn health_is_asked_without_a_client_and_a_certificate_can_be_read_again() {
    let server = Server::start(&[]);
    let (said, log) = told(&server.health());
    assert_eq!(said.trim(), "ready", "{log}");
    // Nothing to read again without TLS, and no reason to end.
    server.signal("-HUP");
    assert!(server.health().status.success());
    let mut server = server;
    server.signal("-INT");
    assert_eq!(server.ended(), Some(0));
    let output = server.health();
    let (_, log) = told(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(log.contains(&server.address), "{log}");
}

#[test]
fn tls_is_served_from_files_and_health_knows_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let pair = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()]).unwrap();
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let mut server = Server::start(&["--tls-cert", certificate, "--tls-key", key]);
    let with_tls = |server: &Server| {
        let mut health = tillbox(&["health"]);
        health.env("TILLBOX_LISTEN", &server.address).env("TILLBOX_TLS_CERT", certificate).env("TILLBOX_TLS_KEY", key);
        health.output().unwrap()
    };
    let (said, log) = told(&with_tls(&server));
    assert_eq!(said.trim(), "ready", "{log}");
    assert!(!server.health().status.success(), "there is no answer in the clear");
    server.signal("-HUP");
    server.signal("-TERM");
    assert_eq!(server.ended(), Some(0));

    let output = tillbox(&["serve", "--check", "--tls-cert", key, "--tls-key", key]).output().unwrap();
    let (_, log) = told(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(log.contains("--tls-cert"), "{log}");
}

/// A request that never ends holds the stop up for as long as it was told; a second signal does not wait.
#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(&["--drain-ms", "600000", "--header-ms", "600000", "--body-ms", "600000"]);
    let key = tillbox(&["keys", "create", "--secret", "--scope", "operate", "--database"])
        .arg(server.folder.path().join("till.db"))
        .output()
        .unwrap();
    let (key, log) = told(&key);
    let key = key.trim();
    assert!(!key.is_empty(), "{log}");
    let mut stuck = TcpStream::connect(&server.address).unwrap();
    let head = format!(
        "POST /admin/payment-collections HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\ncontent-type: \
         application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n",
        server.address
    );
    stuck.write_all(head.as_bytes()).unwrap();
    // The server asks for the body: the request is under way.
    let mut told = [0; 12];
    stuck.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100");
    server.signal("-TERM");
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::yield_now();
    }
    assert!(server.child.try_wait().unwrap().is_none(), "it waits for what is under way");
    server.signal("-TERM");
    assert_eq!(server.ended(), Some(1));
}
