//! `tillbox migrate`: a whole database moved to another place, and compared before it counts.

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::screen::{Screen, Style};
use crate::store;

/// Move a database from one place to another, empty one: SQLite to PostgreSQL, or back.
///
/// The source is locked against writing while it is copied, and stays as it is. Everything that was written is read back and
/// compared; until then the target is empty. Stop the server first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox migrate --from sqlite:tillbox.db --to postgres://till@localhost/till
  tillbox migrate --from postgres://till@localhost/till --to sqlite:copy.db")]
pub(super) struct MigrateArguments {
    /// The database to read: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, value_name = "URL", env = "TILLBOX_MIGRATE_FROM", hide_env_values = true)]
    from: String,
    /// The database to fill; it has to be empty
    #[arg(long, value_name = "URL", env = "TILLBOX_MIGRATE_TO", hide_env_values = true)]
    to: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: MigrateArguments) -> Result<(), Failure> {
    let screen = if arguments.json { Screen::only_json() } else { Screen::standard() };
    let moved = store::migrate(&arguments.from, &arguments.to, |progress| {
        // Progress is a courtesy: whoever stopped reading still gets the move.
        drop(screen.line(format!("  {:<12} {:>10} of {}", progress.table, progress.rows, progress.of)));
    })
    .await
    .map_err(crate::Error::from)?;
    if arguments.json {
        let tables = moved.iter().map(|table| json!({ "table": table.table, "rows": table.rows }));
        screen.json(&json!({ "tables": tables.collect::<Vec<_>>() }))?;
    }
    let rows: u64 = moved.iter().map(|table| table.rows).sum();
    let done = format!("moved and compared: {rows} rows of {} tables", moved.len());
    screen.line(screen.paint(Style::Good, done))?;
    Ok(screen.flush()?)
}
