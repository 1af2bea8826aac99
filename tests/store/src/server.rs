//! A PostgreSQL server: the one that `TILLBOX_TEST_POSTGRES_URL` names, or one that is started here and gone with this
//! process, however the process ends.

mod binaries;
mod certificate;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use binaries::{Binaries, User};

/// A server to use instead of one of our own. Its user must be allowed to create databases.
const URL_VARIABLE: &str = "TILLBOX_TEST_POSTGRES_URL";

/// How long a server may take to accept connections: it has a cluster of some tens of megabytes to open.
const START: Duration = Duration::from_secs(60);

/// Ports that are tried: between finding one free and the server taking it, somebody else may.
const PORTS_MAX: u32 = 20;

/// The superuser's password, and one that a URL must never show.
pub const PASSWORD: &str = "not-to-be-shown";

/// Keeps the server as long as somebody holds its standard input open, which is this process and nobody else. Then it ends
/// the server at once and removes its files; nothing in them is worth an orderly end.
const KEEPER: &str = r#"
"$1" -D "$2/data" >"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$2"
"#;

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: String,
    query: String,
    certificates: Option<PathBuf>,
    keeper: Option<Child>,
    program: Option<Program>,
}

/// What it takes to start one of our own once more.
#[derive(Debug)]
struct Program {
    binaries: Binaries,
    user: Option<User>,
    folder: PathBuf,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// The server that all tests of this process share.
///
/// # Panics
/// When there is none and none can be started; the text says what to install.
#[must_use]
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var(URL_VARIABLE) {
        Ok(url) => Server::given(&url),
        Err(_) => Server::start(),
    })
}

impl Server {
    fn given(url: &str) -> Self {
        let (before, query) = url.split_once('?').unwrap_or((url, ""));
        let (address, _) =
            before.rsplit_once('/').filter(|(address, _)| !address.ends_with('/')).unwrap_or((before, ""));
        let (address, query) = (address.to_owned(), query.to_owned());
        Self { address, query, certificates: None, keeper: None, program: None }
    }

    /// Starts a server in a directory of its own, on a port of its own.
    ///
    /// # Panics
    /// When there are no binaries, or they do not work; the text says what to do.
    #[must_use]
    pub fn start() -> Self {
        let binaries = Binaries::find_or_install().unwrap_or_else(|| {
            panic!(
                "no PostgreSQL server to test with: install the Debian package `postgresql`, or name a server with \
                 {URL_VARIABLE}=postgres://user:password@host:port/database"
            )
        });
        let user = User::fit();
        let folder = tempfile::Builder::new().prefix("tillbox-postgres-").tempdir().expect("a temporary directory");
        // From here on the keeper removes it.
        let folder = folder.keep();
        initialize(&binaries, user, &folder);
        for _ in 0..PORTS_MAX {
            let port = free_port();
            configure(&folder, port);
            if let Some(keeper) = run(&binaries, user, &folder, port) {
                let address = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}");
                let certificates = Some(folder.clone());
                let program = Some(Program { binaries, user, folder, port });
                return Self { address, query: String::new(), certificates, keeper: Some(keeper), program };
            }
        }
        panic!("the PostgreSQL server found no free port in {PORTS_MAX} attempts");
    }

    /// Ends it as a crash would: connections are cut, nothing is put in order. Only one of our own can be ended.
    ///
    /// # Panics
    /// When it was given, or does not end.
    pub fn stop(&mut self) {
        let program = self.program.as_ref().expect("a server that was given is not ours to end");
        let pid = fs::read_to_string(program.folder.join("data/postmaster.pid")).expect("it runs");
        let pid = pid.lines().next().expect("its first line is the process");
        let ended = Command::new("/bin/sh").args(["-c", "kill -QUIT \"$1\"", "stop", pid]).status();
        assert!(ended.expect("a shell can be started").success(), "the server can be told to end");
        let since = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", program.port)).is_ok() {
            assert!(since.elapsed() < START, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        // Its keeper would clean up; the files are needed once more.
        if let Some(mut keeper) = self.keeper.take() {
            keeper.kill().expect("the keeper can be ended");
            let _ = keeper.wait();
        }
    }

    /// Starts it again where it was, with what it had made durable.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        let Program { binaries, user, folder, port } = self.program.as_ref().expect("it is one of ours");
        let _ = fs::remove_file(folder.join("log"));
        let _ = fs::remove_file(folder.join("data/postmaster.pid"));
        self.keeper = Some(run(binaries, *user, folder, *port).expect("its port is still free"));
    }

    /// The URL of a database on it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_with(database, "")
    }

    /// The URL of a database on it, with more parameters.
    #[must_use]
    pub fn url_with(&self, database: &str, parameters: &str) -> String {
        let parameters: Vec<&str> =
            [self.query.as_str(), parameters].into_iter().filter(|part| !part.is_empty()).collect();
        let mark = if parameters.is_empty() { "" } else { "?" };
        format!("{}/{database}{mark}{}", self.address, parameters.join("&"))
    }

    /// The file of the root certificate that signed this server's, when it is one of ours.
    #[must_use]
    pub fn root_certificate(&self) -> Option<PathBuf> {
        self.certificates.as_ref().map(|folder| folder.join(certificate::ROOT))
    }

    /// Its host and port.
    ///
    /// # Panics
    /// When the URL that was given holds none.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        let host = self.address.rsplit(['@', '/']).next().expect("a URL has a host");
        if host.contains(':') { host.to_owned() } else { format!("{host}:5432") }
    }

    /// The URL of a database reached through another port of this machine.
    #[must_use]
    pub fn url_through(&self, port: u16, database: &str) -> String {
        let credentials = self.address.rsplit_once('@').map_or("postgres://postgres", |(credentials, _)| credentials);
        format!("{credentials}@127.0.0.1:{port}/{database}?sslmode=disable")
    }
}

fn initialize(binaries: &Binaries, user: Option<User>, folder: &Path) {
    let password = folder.join("password");
    fs::write(&password, PASSWORD).expect("the password can be written");
    certificate::write(folder);
    if let Some(user) = user {
        let entries = fs::read_dir(folder).expect("the directory can be read");
        for path in entries.map(|entry| entry.expect("an entry").path()).chain([folder.to_owned()]) {
            chown(path, Some(user.id), Some(user.group)).expect("root may give files away");
        }
    }
    // `--no-sync` is for this step alone: the server itself syncs.
    let mut initdb = as_user(&binaries.initdb, user, folder);
    initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
    initdb.arg("--pwfile").arg(&password).arg("-D").arg(folder.join("data"));
    let output = initdb.output().expect("initdb can be started");
    assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
}

fn configure(folder: &Path, port: u16) {
    let folder = folder.display();
    // No socket file: its path would have to be short. `fsync` stays on: what is tested is what is run.
    let settings = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 500\n\
         ssl = on\nssl_cert_file = '{folder}/{}'\nssl_key_file = '{folder}/{}'\n\
         fsync = on\nlog_min_messages = warning\n",
        certificate::CERTIFICATE,
        certificate::KEY,
    );
    // Read last, so it counts; rewritten for each port.
    fs::write(format!("{folder}/data/postgresql.auto.conf"), settings).expect("the settings can be written");
}

/// The keeper of a server that came up on this port; nothing when somebody else has the port.
fn run(binaries: &Binaries, user: Option<User>, folder: &Path, port: u16) -> Option<Child> {
    let mut keeper = as_user(Path::new("/bin/sh"), user, folder);
    keeper.args(["-c", KEEPER, "keeper"]).arg(&binaries.postgres).arg(folder);
    // Out of reach of a Ctrl-C, which is for the tests: the keeper has to outlive them by a moment.
    keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut keeper = keeper.spawn().expect("a shell can be started");
    let since = Instant::now();
    while since.elapsed() < START {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("could not bind") || log.contains("Address already in use") {
            // Its files are needed once more, so the keeper goes without cleaning up. The server has ended by itself.
            keeper.kill().expect("the keeper can be ended");
            let _ = keeper.wait();
            fs::remove_file(folder.join("log")).expect("the log can be removed");
            return None;
        }
        assert!(!log.contains("FATAL"), "the PostgreSQL server did not start:\n{log}");
        let ready = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if ready.lines().any(|line| line.trim() == "ready") {
            return Some(keeper);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    drop(keeper.stdin.take());
    let _ = keeper.wait();
    panic!("the PostgreSQL server on port {port} was not ready in {START:?}:\n{log}");
}

/// PostgreSQL refuses to run as root.
fn as_user(program: &Path, user: Option<User>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C.UTF-8");
    if let Some(user) = user {
        command.uid(user.id).gid(user.group);
    }
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a listener has an address").port()
}
