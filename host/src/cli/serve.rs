//! `tillbox serve`: the HTTP server on the embedded database, from its options to its graceful end.
//!
//! It puts the parts together and starts them. What a request does is the business of the HTTP door and the service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tillbox_runtime::{EngineError, Runtime, RuntimeConfig};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::database::Database;
use super::encryption;
use super::failure::Failure;
use super::link;
use super::load::{self, Loaded, Wanted};
use super::logging;
use super::screen::{Screen, Style, table};
use super::settings::{self, Flags, LOG_FILTER_DEFAULT, Said, Settings, TlsFiles};
use super::{shop, walk};
use crate::Host;
use crate::http::{CustomerTokens, Server, Tls};
use crate::store::Page;

/// The database file when none is named.
pub(super) const DATABASE_DEFAULT: &str = "tillbox.db";

/// Serve the payment flow over HTTP, with both bundled providers, on an embedded database.
///
/// Callers show a key that `tillbox keys create` makes. So that keys do not travel in the clear, the server listens on
/// loopback addresses only, unless it has a certificate or a proxy in front. SIGINT or SIGTERM stops it after the requests
/// under way; a second one stops it at once. SIGHUP has the certificate read again.
///
/// Everything below can also be said in the environment and in a file (--config), there with `_` for `-`. A flag wins over the
/// environment, the environment over the file, the file over the default.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox serve --demo
  tillbox serve --listen 127.0.0.1:8080 --database shop.db
  tillbox serve --provider acme.wasm=eu --log-format json
  tillbox serve --config tillbox.toml --check
  TILLBOX_DATABASE_URL=postgres://till:secret@localhost/till tillbox serve

A configuration file:
  listen = \"127.0.0.1:9000\"
  database = \"shop.db\"
  [[providers]]
  path = \"acme.wasm\"
  id = \"eu\"
  [providers.grants.settings]
  account = \"acct_1\"")]
pub(super) struct ServeArguments {
    /// A configuration file
    #[arg(long, value_name = "FILE.toml", env = "TILLBOX_CONFIG")]
    config: Option<PathBuf>,
    /// Say what counts and where it was said, look at every file that is named, and end
    #[arg(long, conflicts_with = "demo")]
    check: bool,
    /// Walk real payments through the running server first, and say what happened
    #[arg(long)]
    demo: bool,
    /// A component to install beside the bundled ones, as pp_{identifier}_{ID}; may be given several times
    #[arg(long, value_name = "FILE.wasm[=ID]")]
    provider: Vec<Wanted>,
    #[command(flatten)]
    flags: Flags,
}

pub(super) async fn run(arguments: ServeArguments) -> Result<(), Failure> {
    let said = Said::gather(&arguments.flags, arguments.config.as_deref())?;
    let rows = said.rows();
    let (settings, from_file) = said.settings()?;
    // The story of the demonstration is told on the terminal; the calls in it need not be logged beside it.
    let quiet = arguments.demo && settings.log_filter == LOG_FILTER_DEFAULT;
    let volume = logging::start(settings.log_format, if quiet { logging::QUIET } else { &settings.log_filter })?;
    for (variable, meant) in settings::mistaken_variables() {
        tracing::warn!(variable, "this variable is not known; did you mean {meant}?");
    }
    let mut wanted = if settings.has_bundled { load::bundled() } else { Vec::new() };
    wanted.extend(from_file);
    wanted.extend(arguments.provider);
    if arguments.check {
        return check(&settings, &rows, wanted).await;
    }

    let tokens = settings.tokens.verifier()?;
    let tls = settings.tls.as_ref().map(read_tls).transpose()?;
    if arguments.demo && tls.is_some() {
        let what = "the demonstration speaks plain HTTP, and the server would speak TLS";
        return Err(Failure::new(what).next("leave out --demo, or the certificate"));
    }
    let listener = bind(settings.listen, "--listen").await?;
    let metrics = match settings.metrics_listen {
        Some(address) => Some(bind(address, "--metrics-listen").await?),
        None => None,
    };
    let runtime = start_sandbox(&settings)?;
    let loaded = load::load(&runtime, wanted).await?;
    let database = settings.database();
    let builder = encryption::given(database.builder(), settings.encryption_key_file.as_deref())?;
    let builder = shop::given(builder, &settings)?.deadline_ms(settings.deadline_ms).environment(settings.environment);
    let host = load::install(builder, &loaded).runtime(runtime).build().await?;

    let address = listener.local_addr()?;
    let counted = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
    let place = Place { address, is_tls: tls.is_some(), metrics: counted };
    let server = chosen(Server::new(host.clone()).limits(settings.limits), &settings, metrics, tls.as_ref(), tokens);
    let drain = Duration::from_millis(settings.limits.drain_ms);
    let running = Running::start(listener, server, tls, host.clone(), drain)?;
    let screen = Screen::standard();
    let told = tell(screen, &host, &place, &database, &loaded, arguments.demo).await;
    if told.is_err() {
        running.stop();
    }
    volume.set(&settings.log_filter)?;
    running.ended().await?;
    told
}

/// The server as it was chosen.
fn chosen(
    mut server: Server,
    settings: &Settings,
    metrics: Option<TcpListener>,
    tls: Option<&Tls>,
    tokens: Option<Arc<dyn CustomerTokens>>,
) -> Server {
    if let Some(listener) = metrics {
        server = server.metrics(listener);
    }
    server = server.origins(settings.store_origins.clone(), settings.admin_origins.clone());
    if settings.is_behind_proxy {
        server = server.behind_proxy();
    }
    if let Some(tls) = tls {
        server = server.tls(tls.clone());
    }
    if let Some(tokens) = tokens {
        server = server.customer_tokens(tokens);
    }
    server
}

/// Says what counts. Every file is looked at that a start would need; no port and no database is opened.
async fn check(settings: &Settings, rows: &[Vec<String>], wanted: Vec<Wanted>) -> Result<(), Failure> {
    encryption::given(Host::builder(), settings.encryption_key_file.as_deref())?;
    settings.tls.as_ref().map(read_tls).transpose()?;
    shop::given(Host::builder(), settings)?;
    settings.tokens.verifier()?;
    let loaded = load::load(&start_sandbox(settings)?, wanted).await?;
    let screen = Screen::standard();
    for line in table(rows, &[]) {
        screen.line(line)?;
    }
    for line in table(&loaded.iter().map(installed).collect::<Vec<_>>(), &[]) {
        screen.line(format!("provider {line}"))?;
    }
    Ok(screen.flush()?)
}

/// Where the server is.
struct Place {
    address: SocketAddr,
    is_tls: bool,
    metrics: Option<SocketAddr>,
}

impl Place {
    fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.address)
    }
}

fn read_tls(files: &TlsFiles) -> Result<Tls, Failure> {
    Tls::from_files(&files.certificate, &files.key).map_err(|error| {
        Failure::because("the certificate and its key cannot be used", &error)
            .next("give PEM files: --tls-cert with the certificate and its chain, --tls-key with its private key")
    })
}

/// Says where the server is, walks the demonstration when asked for, and how to go on.
async fn tell(
    screen: Screen,
    host: &Host,
    place: &Place,
    database: &Database,
    loaded: &[Loaded],
    demo: bool,
) -> Result<(), Failure> {
    let title = format!("Tillbox listens on {}", place.url());
    screen.line(format!("{}, database {}", screen.paint(Style::Bold, title), database.shown()))?;
    let rows: Vec<Vec<String>> = loaded.iter().map(installed).collect();
    for line in table(&rows, &[]) {
        screen.line(format!("  {line}"))?;
    }
    if let Some(metrics) = place.metrics {
        screen.line(format!("  metrics at http://{metrics}/metrics"))?;
    }
    screen.flush()?;
    if demo {
        walk::run(screen, host, place.address).await?;
        screen.line("")?;
        screen.line(screen.paint(Style::Bold, "Pay 42.00 EUR on the checkout page, in a browser:"))?;
        screen.line(format!("  {}", link::to_try(host, &place.url()).await?))?;
    }
    let api = place.url();
    let json = "-H 'content-type: application/json'";
    screen.line("")?;
    if host.api_keys(Page { offset: 0, limit: 1 }).await?.count == 0 {
        screen.line("There is no API key yet, so every call is refused. The first two lines make one of each kind.")?;
    }
    let here = database.argument();
    screen.line(screen.paint(Style::Bold, "Try it from another terminal:"))?;
    screen.line(format!("  SK=$(tillbox keys create --secret --scope operate{here})"))?;
    screen.line(format!("  PK=$(tillbox keys create --publishable{here})"))?;
    screen
        .line(format!("  curl -s '{api}/store/payment-providers?region_id=reg_1' -H \"x-publishable-api-key: $PK\""))?;
    screen.line(format!(
        "  curl -s -u \"$SK:\" {api}/admin/payment-collections {json} -d '{{\"currency_code\":\"eur\",\"amount\":10.50}}'"
    ))?;
    screen.line(format!("  curl -s -u \"$SK:\" '{api}/admin/payments?limit=1'"))?;
    screen.line("Ctrl-C stops the server; requests under way are finished first.")?;
    Ok(screen.flush()?)
}

/// What is installed, in a row.
fn installed(one: &Loaded) -> Vec<String> {
    let report = &one.report;
    let speed = if report.from_cache { "from the cache" } else { "compiled" };
    vec![
        format!("pp_{}_{}", report.identifier, one.id),
        format!("{} {}", report.display_name, report.version),
        format!("{speed} in {} ms", report.compile_ms),
    ]
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let busy = error.kind() == std::io::ErrorKind::AddrInUse;
        let next = if busy {
            "another program listens there: stop it, or choose another port"
        } else {
            "choose another address"
        };
        let next = format!("{next} with {flag} 127.0.0.1:PORT (0 takes a free port)");
        Failure::because(format!("the server cannot listen on {address}"), &error).next(next)
    })
}

/// Starts the sandbox as it was chosen.
fn start_sandbox(settings: &Settings) -> Result<Runtime, Failure> {
    let config = RuntimeConfig { calls_max: settings.calls_max, ..RuntimeConfig::default() };
    start_cached(config, settings.cache_dir.clone())
}

/// Starts the sandbox. A cache directory that was asked for must be usable; the default one is a convenience.
pub(super) fn start_cached(config: RuntimeConfig, asked: Option<PathBuf>) -> Result<Runtime, Failure> {
    let Some(directory) = cache_directory().filter(|_| asked.is_none()) else {
        return load::start_runtime(RuntimeConfig { cache_directory: asked, ..config });
    };
    match Runtime::new(RuntimeConfig { cache_directory: Some(directory), ..config.clone() }) {
        Ok(runtime) => Ok(runtime),
        Err(error @ EngineError::Cache { .. }) => {
            tracing::warn!(%error, "components are compiled at every start; --cache-dir names another directory");
            load::start_runtime(config)
        }
        Err(error @ (EngineError::Engine(_) | EngineError::Ticker(_))) => Err(Failure::of(&error)),
    }
}

/// Where this user's programs keep what can be made again (XDG Base Directory Specification, `XDG_CACHE_HOME`).
fn cache_directory() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    caches.map(|caches| caches.join("tillbox"))
}

/// A server and what goes on beside it.
struct Running {
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    host: Host,
    drain: Duration,
}

impl Running {
    /// Starts to answer. Signals are heard from here on.
    fn start(
        listener: TcpListener,
        server: Server,
        tls: Option<Tls>,
        host: Host,
        drain: Duration,
    ) -> Result<Self, Failure> {
        let (stop, stopped) = watch::channel(false);
        listen_for_signals(stop.clone(), tls)?;
        let server = tokio::spawn(server.serve(listener, until(stopped)));
        Ok(Self { stop, server, host, drain })
    }

    fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the requests under way are finished, and the work in the background, for as long as a stop may take.
    async fn ended(self) -> Result<(), Failure> {
        let served = self.server.await;
        if tokio::time::timeout(self.drain, self.host.stop_background_work()).await.is_err() {
            tracing::warn!("work in the background was still under way at the stop; the next start takes it up");
        }
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::because("the server cannot go on", &error)),
            Err(error) => Err(Failure::because("the server broke", &error)),
        }
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // The sender is gone only when the server is.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// The first SIGINT or SIGTERM lets the server finish, the second does not. SIGHUP has the certificate read again.
fn listen_for_signals(stop: watch::Sender<bool>, tls: Option<Tls>) -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::because("signals cannot be heard", &error))?;
    tokio::spawn(async move {
        while signals.next().await == Heard::ReadAgain {
            match tls.as_ref().map(Tls::reload) {
                Some(Ok(())) => tracing::info!("the certificate was read again"),
                Some(Err(error)) => tracing::error!(%error, "the certificate cannot be used; the old one goes on"),
                None => tracing::info!("there is nothing to read again without TLS"),
            }
        }
        tracing::info!("stopping: requests under way are finished; another signal stops at once");
        stop.send_replace(true);
        while signals.next().await == Heard::ReadAgain {}
        std::process::exit(1);
    });
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Stop,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal"))]
    ReadAgain,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.interrupt.recv() => Heard::Stop,
            _ = self.terminate.recv() => Heard::Stop,
            _ = self.hangup.recv() => Heard::ReadAgain,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the same shape as where there are signals to register")]
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Heard {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Heard::Stop
    }
}
