//! `tillbox bench`: whole payments through the component `manual`, against both doors and on real databases, with every
//! answer on the disk before it counts.
//!
//! It measures and prints. It knows no SQL and no rule about payments, and it never touches a database that holds anything.

mod bare;
mod book;
mod cell;
mod door;
mod embedded;
mod fill;
mod over_http;
mod place;
mod recovery;
mod report;
mod resources;
mod routes;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::failure::Failure;
use super::load::{self, ID_DEFAULT, Source, Wanted};
use super::logging;
use super::screen::{Screen, Style};
use crate::Host;
use bare::Bare;
use cell::{Cell, Load};
use door::Door;
use place::Place;
use report::Report;
use tillbox_runtime::{Grants, Provider};

/// Seconds for one figure at most: past ten minutes a figure does not get better.
const SECONDS_MAX: u64 = 600;

/// Clients at once at most: the HTTP server takes no more requests than this at once.
const CONCURRENCY_MAX: u32 = crate::http::REQUESTS_MAX as u32;

/// Payments to fill a database with at most: about a hundred gigabytes.
const PAYMENTS_MAX: u64 = 10_000_000;

/// Payments for each half of a route at most: their ids are held in memory.
const ROUTE_PAYMENTS_MAX: u64 = 1_000_000;

/// Measure whole payments: flows per second, times of each step, what a durable change costs.
///
/// A flow is: create a collection, open a session, authorize it, capture all, refund a part. The provider is the bundled
/// component `manual`, in its sandbox. An answer counts when it is on the disk (SQLite with synchronous=FULL, PostgreSQL
/// with synchronous_commit=on). Everything is measured in this one process, the clients included.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox bench
  tillbox bench --seconds 2 --concurrency 32 --via embedded
  tillbox bench --payments 1000000 --concurrency 32      empty, and with a million payments
  tillbox bench --recovery 100000
  tillbox bench --routes 5000 --concurrency 32           each route under wrk, beside the embedding API
  tillbox bench --postgres postgres://till:secret@localhost/postgres --json | jq .cells")]
pub(super) struct BenchArguments {
    /// Seconds for each figure, after a fifth of it to warm up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    seconds: u64,
    /// Clients at once
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,8,32",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(CONCURRENCY_MAX)))]
    concurrency: Vec<u32>,
    /// Which doors
    #[arg(long, value_enum, value_name = "DOOR,…", value_delimiter = ',', default_value = "embedded,http")]
    via: Vec<Via>,
    /// Make the SQLite database in this file, which must not hold anything, and leave it there [default: a temporary file]
    #[arg(long, value_name = "PATH")]
    database: Option<PathBuf>,
    /// Measure PostgreSQL too, in a database of its own that is made for it on this server and dropped at the end:
    /// postgres://USER:PASSWORD@HOST/NAME. The user has to be allowed to create databases
    #[arg(long, value_name = "URL", env = "TILLBOX_BENCH_POSTGRES_URL", hide_env_values = true)]
    postgres: Option<String>,
    /// Measure a second database too, filled with this many payments, in turns with the empty one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=PAYMENTS_MAX))]
    payments: Option<u64>,
    /// Measure only how a host finds out about this many operations whose fate is unknown
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=PAYMENTS_MAX), conflicts_with = "payments")]
    recovery: Option<u64>,
    /// Measure only each HTTP route, under the load generator wrk, beside the same calls of the embedding API on this many
    /// payments each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=ROUTE_PAYMENTS_MAX), conflicts_with_all = ["payments", "recovery"])]
    routes: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A door of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Via {
    /// Methods of `Host`, in this process.
    Embedded,
    /// The HTTP server, over loopback, one kept connection for each client.
    Http,
}

impl Via {
    fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Http => "http",
        }
    }
}

pub(super) async fn run(arguments: BenchArguments) -> Result<(), Failure> {
    let screen = if arguments.json { Screen::only_json() } else { Screen::standard() };
    logging::start_quietly()?;
    if cfg!(debug_assertions) {
        tracing::warn!("this is a debug build: its figures mean nothing. Use cargo run --release -- bench");
    }
    let provider = manual().await?;
    let mut report = Report::new(screen);
    report.begin(&arguments)?;
    let sqlite = Place::sqlite(arguments.database.clone()).await?;
    report.place(&sqlite)?;
    report.bare(Bare::run(sqlite.directory(), Duration::from_secs(arguments.seconds)).await?)?;
    let full = match arguments.payments {
        Some(payments) => Some((Place::sqlite_beside(&sqlite).await?, payments)),
        None => None,
    };
    measure(sqlite, full, &provider, &arguments, &mut report).await?;
    if let Some(url) = &arguments.postgres {
        let postgres = Place::postgres(url).await?;
        report.place(&postgres)?;
        let full = match arguments.payments {
            Some(payments) => Some((Place::postgres(url).await?, payments)),
            None => None,
        };
        measure(postgres, full, &provider, &arguments, &mut report).await?;
    }
    report.end()
}

/// All cells of a database, each followed by the same on a full one where that is wanted: what else goes on in the machine then
/// hits both alike. Nothing is left behind, also when something fails.
async fn measure(
    empty: Place,
    full: Option<(Place, u64)>,
    provider: &Arc<dyn Provider>,
    arguments: &BenchArguments,
    report: &mut Report,
) -> Result<(), Failure> {
    if let Some(operations) = arguments.recovery {
        let time = Duration::from_secs(arguments.seconds);
        let recovered = recovery::measure(&empty, provider, operations, time).await;
        empty.clean_up().await?;
        return report.recovered(recovered?);
    }
    if let Some(payments) = arguments.routes {
        let measured = routed(&empty, provider, payments, arguments, report).await;
        empty.clean_up().await?;
        return measured;
    }
    let (full, payments) = full.unzip();
    let mut measured = Ok(());
    if let (Some(full), Some(payments)) = (&full, payments) {
        measured = fill::fill(full, provider, payments).await.and_then(|filled| report.filled(filled));
    }
    if measured.is_ok() {
        measured = cells(&empty, full.as_ref(), provider, arguments, report).await;
    }
    if let Some(full) = full {
        full.clean_up().await?;
    }
    empty.clean_up().await?;
    measured
}

/// Every route, for each number of callers.
async fn routed(
    place: &Place,
    provider: &Arc<dyn Provider>,
    payments: u64,
    arguments: &BenchArguments,
    report: &mut Report,
) -> Result<(), Failure> {
    let host = Host::builder().store(place.store()).provider(ID_DEFAULT, Arc::clone(provider)).build().await?;
    let payments = usize::try_from(payments).map_err(|error| Failure::of(&error))?;
    for callers in &arguments.concurrency {
        let told = |route| report.progress(format!("  {route}, {callers} at once"));
        let measured = routes::measure(&host, *callers, payments, Duration::from_secs(arguments.seconds), told).await?;
        report.routed(place.name(), measured)?;
    }
    Ok(())
}

async fn cells(
    empty: &Place,
    full: Option<&Place>,
    provider: &Arc<dyn Provider>,
    arguments: &BenchArguments,
    report: &mut Report,
) -> Result<(), Failure> {
    let places = [Some(empty), full].into_iter().flatten();
    let mut hosts = Vec::new();
    for (place, full) in places.zip([false, true]) {
        let host = Host::builder().store(place.store()).provider(ID_DEFAULT, Arc::clone(provider)).build().await?;
        hosts.push((place, host, full));
    }
    for via in &arguments.via {
        for clients in &arguments.concurrency {
            for (place, host, full) in &hosts {
                let door = Door::open(*via, host).await?;
                let load = Load { clients: *clients, time: Duration::from_secs(arguments.seconds), full: *full };
                report.cell(Cell::measure(place, &door, load).await?)?;
                door.close().await?;
            }
        }
    }
    Ok(())
}

/// The provider that all payments go through, in its sandbox.
async fn manual() -> Result<Arc<dyn Provider>, Failure> {
    let runtime = load::plain_runtime()?;
    let source = Source::Bundled("manual".to_owned());
    let wanted = Wanted { source, id: ID_DEFAULT.to_owned(), grants: Grants::default() };
    let mut loaded = load::load(&runtime, vec![wanted]).await?;
    Ok(loaded.remove(0).provider)
}

/// What the log and the report call this build.
fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "optimised" }
}

/// A line that is no figure.
fn aside(screen: Screen, text: impl std::fmt::Display) -> Result<(), Failure> {
    screen.line(screen.paint(Style::Dim, text))?;
    Ok(screen.flush()?)
}
