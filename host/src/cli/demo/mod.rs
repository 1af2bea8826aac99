//! `tillbox demo`: the whole payment flow in the terminal, on an embedded database, through both bundled components.
//!
//! It has no knowledge of providers beyond their names: it asks the service what any program would ask.

#[cfg(all(test, feature = "bundled"))]
mod liars;
mod scenes;
mod story;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::failure::Failure;
use super::inspect::abilities;
use super::load::{self, Loaded};
use super::screen::{Screen, Style, grouped, table};
use crate::Host;
use scenes::Cast;
use story::{Figures, Story};

/// Walk through the whole payment flow in this terminal, with both bundled providers.
///
/// A decline, 3-D Secure, partial captures and refunds, automatic capture, a cancellation and installments: every line says
/// what happened and was checked before it was printed. No money moves and nothing leaves this machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox demo
  tillbox demo --database demo.db && tillbox operations list --database demo.db
  tillbox demo --json | jq .collections")]
pub(super) struct DemoArguments {
    /// Keep the database in this file, instead of a temporary one.
    #[arg(long, value_name = "PATH")]
    database: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: DemoArguments) -> Result<(), Failure> {
    let screen = if arguments.json { Screen::only_json() } else { Screen::standard() };
    super::logging::start_quietly()?;
    let temporary = tempfile::tempdir()
        .map_err(|error| Failure::because("no temporary directory", &error).next("name a file with --database PATH"))?;
    let (database, where_it_is) = match &arguments.database {
        Some(path) => (path.clone(), path.display().to_string()),
        None => (temporary.path().join("demo.db"), "a temporary file".to_owned()),
    };
    let runtime = load::plain_runtime()?;
    let loaded = load::load(&runtime, load::bundled()).await?;
    if loaded.is_empty() {
        return Err(Failure::new("this program was built without its bundled providers")
            .next("build it with the feature `bundled`"));
    }
    let title = screen.paint(Style::Bold, "Payments through sandboxed components");
    screen.line(format!("{title}, on an embedded database in {where_it_is}"))?;
    introduce(screen, &loaded)?;

    let host = load::install(Host::builder().database(&database), &loaded).without_background_work().build().await?;
    let mut story = Story::new(host, screen);
    scenes::play(&mut story, &Cast::new()).await?;
    survive(&mut story, &database).await?;
    if arguments.json {
        return Ok(screen.json(&as_json(&story, &loaded))?);
    }
    conclude(screen, &story)?;
    if let Some(path) = &arguments.database {
        screen.line(format!("Look closer: tillbox operations list --database {}", path.display()))?;
    }
    Ok(screen.line("Go on with a server: tillbox serve")?)
}

/// What was loaded, and what it can do.
fn introduce(screen: Screen, loaded: &[Loaded]) -> Result<(), Failure> {
    for (index, one) in loaded.iter().enumerate() {
        let report = &one.report;
        let id = screen.paint(Style::Bold, format!("pp_{}_{}", report.identifier, one.id));
        if loaded[..index].iter().any(|earlier| earlier.report.digest_sha256 == report.digest_sha256) {
            screen.line(format!("  {id}: the same component, with the settings {}", one.settings))?;
            continue;
        }
        let size = grouped(report.size_bytes);
        screen.line(format!(
            "  {id}: {} {}, {size} bytes, contract {}, checked and compiled in {} ms",
            report.display_name, report.version, report.contract_version, report.compile_ms
        ))?;
        let (can, _) = abilities(report);
        screen.line(screen.paint(Style::Dim, format!("    can: {}", can.join(", "))))?;
    }
    Ok(())
}

/// Opens the same file again: what was told must be there, to the minor unit.
async fn survive(story: &mut Story, database: &Path) -> Result<(), Failure> {
    story.scene("9. Is it durable?")?;
    let second = Host::builder().database(database).without_background_work().build().await?;
    let mut kept = Vec::new();
    for row in &story.rows {
        kept.push((Figures::of(&second, &row.id).await?, row.figures));
    }
    let count = kept.len();
    for (got, want) in kept {
        story.check("a collection read from the file again", got, want)?;
    }
    story.tell(format!("the file opened a second time: all {count} collections are as they were"))
}

fn conclude(screen: Screen, story: &Story) -> Result<(), Failure> {
    screen.line("")?;
    screen.line(screen.paint(Style::Bold, "What happened"))?;
    let heading = ["status", "amount", "authorized", "captured", "refunded", ""].map(str::to_owned);
    let mut rows = vec![heading.to_vec()];
    rows.extend(story.rows.iter().map(|row| {
        let Figures { status, amount, authorized, captured, refunded } = row.figures;
        vec![
            status.as_str().to_owned(),
            amount.to_string(),
            authorized.to_decimal(),
            captured.to_decimal(),
            refunded.to_decimal(),
            row.sentence.to_owned(),
        ]
    }));
    for (index, line) in table(&rows, &[1, 2, 3, 4]).into_iter().enumerate() {
        screen.line(format!("  {}", if index == 0 { screen.paint(Style::Dim, line) } else { line }))?;
    }
    screen.line("")?;
    let calls = story.call_micros.len();
    let median = story.median_call_micros().map(milliseconds).unwrap_or_default();
    let peak = grouped(usize::try_from(story.memory_bytes_peak / 1_024).unwrap_or(usize::MAX));
    screen.line(format!(
        "{calls} calls into sandboxes, each in a fresh instance: median {median} ms, at most {peak} KiB of memory."
    ))?;
    let verdict = format!("{} claims were checked, and all of them hold.", story.checks);
    Ok(screen.line(screen.paint(Style::Good, verdict))?)
}

fn as_json(story: &Story, loaded: &[Loaded]) -> Value {
    let providers = loaded
        .iter()
        .map(|one| json!({ "id": format!("pp_{}_{}", one.report.identifier, one.id), "report": one.report }));
    let collections = story.rows.iter().map(|row| {
        let Figures { status, amount, authorized, captured, refunded } = row.figures;
        json!({
            "id": row.id.as_str(),
            "sentence": row.sentence,
            "status": status.as_str(),
            "currency_code": amount.currency().code().to_ascii_lowercase(),
            "amount_minor": amount.minor_units(),
            "authorized_minor": authorized.minor_units(),
            "captured_minor": captured.minor_units(),
            "refunded_minor": refunded.minor_units(),
        })
    });
    let steps = story.steps.iter().map(|step| json!({ "scene": step.scene, "text": step.text }));
    json!({
        "providers": providers.collect::<Vec<_>>(),
        "steps": steps.collect::<Vec<_>>(),
        "collections": collections.collect::<Vec<_>>(),
        "calls": story.call_micros.len(),
        "call_micros_median": story.median_call_micros().and_then(|micros| u64::try_from(micros).ok()),
        "memory_bytes_peak": story.memory_bytes_peak,
        "claims_checked": story.checks,
    })
}

/// Microseconds as milliseconds with three decimals.
fn milliseconds(micros: u128) -> String {
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        assert_eq!([0, 7, 1_234, 20_000].map(milliseconds), ["0.000", "0.007", "1.234", "20.000"]);
    }
}
