//! A schema fuzzer (schemathesis) reads the document that the program answers, makes requests that fit it and requests that do
//! not, and holds every answer against it: no 5xx, no status, header or body that is not documented, nothing wrong accepted.
//!
//! Everything is real: the built program, components, keys, a database file, HTTP on loopback. What the fuzzer must know of
//! Tillbox stands in `hooks.py`. Where Python is missing the test says so and passes; with `CI` in the environment it fails.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tillbox_artifacts::{STRIPE_MOCK, WHOLE};

/// Requests of each kind and route that are drawn where nothing is said, beside those at the bounds, which are always made.
/// A number and no time, so that a busy machine draws the same.
const DRAWN: &str = "5";

/// What is drawn where nothing is said, so that a failure can be seen again.
const SEED: &str = "20260131";

/// What webhooks to `pp_stripe-mock_hooked` are signed with. `hooks.py` signs with it.
const WEBHOOK_SECRET: &str = "whsec_of_the_schema_fuzzer";

fn said(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

/// The environment with the fuzzer in it; nothing where there can be none.
fn python() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi/install.sh");
    let status = Command::new("bash").arg(script).arg(&place).stdin(Stdio::null()).status();
    status.is_ok_and(|status| status.success()).then(|| place.join("bin"))
}

fn tillbox(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillbox"));
    command.args(arguments).current_dir(directory).env("NO_COLOR", "1").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn printed(mut command: Command) -> String {
    let output = command.output().expect("the program was built");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A server with its keys. Its log is in a file beside its database.
struct Server {
    process: Child,
    directory: TempDir,
    url: String,
    secret: String,
    publishable: String,
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a place for files");
        let place = directory.path();
        for (name, bytes) in [("whole.wasm", WHOLE), ("stripe-mock.wasm", STRIPE_MOCK)] {
            std::fs::write(place.join(name), bytes).expect("a new file");
        }
        let config = format!(
            "listen = \"127.0.0.1:0\"\ndatabase = \"books.db\"\n\
             [[providers]]\npath = \"whole.wasm\"\nid = \"default\"\n\
             [[providers]]\npath = \"stripe-mock.wasm\"\nid = \"hooked\"\n\
             [providers.grants.settings]\nwebhook_secrets = [\"{WEBHOOK_SECRET}\"]\n"
        );
        std::fs::write(place.join("tillbox.toml"), config).expect("a new file");
        // Books that something happened in.
        printed(tillbox(place, &["demo", "--json", "--database", "books.db"]));
        let log = std::fs::File::create(place.join("server.log")).expect("a new file");
        let mut serve = tillbox(place, &["serve", "--config", "tillbox.toml"]);
        let mut process = serve.stdout(Stdio::piped()).stderr(log).spawn().expect("the program was built");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let found = lines.find_map(|line| {
            let line = line.ok()?;
            let start = line.find("http://127.0.0.1:")?;
            Some(line[start..].split([',', ' ', '/']).take(3).collect::<Vec<_>>().join("/"))
        });
        // What it says later goes nowhere, but somebody has to take it.
        std::thread::spawn(move || lines.for_each(drop));
        let url = found.unwrap_or_else(|| panic!("it does not listen: {}", log_of(place)));
        let key =
            |kind: &[&str]| printed(tillbox(place, &[&["keys", "create", "--database", "books.db"], kind].concat()));
        let secret = key(&["--secret", "--scope", "read", "--scope", "operate", "--scope", "administer"]);
        let publishable = key(&["--publishable"]);
        Self { process, directory, url, secret, publishable }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn log_of(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("server.log")).unwrap_or_default()
}

#[test]
fn the_server_answers_as_its_document_says() {
    let Some(bin) = python() else {
        assert!(std::env::var_os("CI").is_none(), "the schema fuzzer could not be installed: see above");
        eprintln!("skipped: there is no Python to run the schema fuzzer with; install python3 and python3-venv");
        return;
    };
    let server = Server::start();
    let place = server.directory.path();
    let document = place.join("openapi.json");
    std::fs::write(&document, printed(tillbox(place, &["openapi"]))).expect("a new file");
    let valid = Command::new(bin.join("openapi-spec-validator")).arg(&document).output().expect("it was installed");
    assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stdout));

    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
    let (seed, seconds) = (said("TILLBOX_FUZZ_SEED", SEED), std::env::var("TILLBOX_FUZZ_SECONDS").ok());
    let length = match &seconds {
        Some(seconds) => ["--max-time", seconds],
        None => ["--max-examples", DRAWN],
    };
    let mut fuzzer = Command::new(bin.join("st"));
    fuzzer.arg("--config-file").arg(here.join("schemathesis.toml"));
    fuzzer.args(["run", &format!("{}/openapi.json", server.url), "--seed", &seed]).args(length);
    // A stream has no end, and so no answer to compare: `tests/serving` holds it to what it says.
    fuzzer.args(["--exclude-path", "/admin/events/stream"]);
    // Bytes that fit no schema: `tests/integration` brings components, good ones and damaged ones.
    fuzzer.args(["--exclude-path", "/admin/provider-components"]);
    fuzzer.args(["--report", "junit", "--report-dir", "report"]).current_dir(place).stdin(Stdio::null());
    fuzzer.env("PYTHONPATH", &here).env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
    fuzzer.env("TILLBOX_SECRET_KEY", &server.secret).env("TILLBOX_PUBLISHABLE_KEY", &server.publishable);
    fuzzer.env("TILLBOX_WEBHOOK_SECRET", WEBHOOK_SECRET).env("TILLBOX_URL", &server.url);
    let output = fuzzer.output().expect("it was installed");
    let told = String::from_utf8_lossy(&output.stdout);
    let log = log_of(place);
    assert!(
        output.status.success(),
        "{told}\n{}\nTILLBOX_FUZZ_SEED={seed}, {length:?} shows it again",
        String::from_utf8_lossy(&output.stderr)
    );
    let broken: Vec<&str> = log.lines().filter(|line| line.contains("ERROR") || line.contains("panicked")).collect();
    assert!(broken.is_empty(), "the server's log:\n{}", broken.join("\n"));
    for line in
        told.lines().filter(|line| line.contains("generated") || line.contains("Tested") || line.contains("Filtered"))
    {
        println!("{}", line.trim());
    }
}
