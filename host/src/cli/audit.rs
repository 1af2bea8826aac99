//! `tillbox audit`: who changed something over HTTP, and how it ended.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::operations::{DatabaseArguments, moment, open};
use super::screen::{Screen, Style, table};
use crate::store::{ApiKeyId, ApiKeyKind, AuditEntry, AuditFilter, Page};

/// Rows of a list when nothing is said.
const LIST_LIMIT_DEFAULT: u32 = 50;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    List(ListArguments),
}

/// List calls that may have changed something, newest first.
///
/// A call without a status is one that nobody knows the end of: it is under way, or the host ended before it did. What became
/// of the money is in `tillbox operations`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox audit list
  tillbox audit list --key apk_01JD3V9K6R2M4N8P0Q1S5T7W9X --json
  tillbox audit list --subject pay_01JD3V9K6R2M4N8P0Q1S5T7W9X")]
pub(super) struct ListArguments {
    /// Only calls with this key; may be given several times.
    #[arg(long, value_name = "ID")]
    key: Vec<String>,
    /// Only calls about this; may be given several times.
    #[arg(long, value_name = "ID")]
    subject: Vec<String>,
    /// Only calls of this request; may be given several times.
    #[arg(long, value_name = "ID")]
    request: Vec<String>,
    /// Rows to print.
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(Page::LIMIT_MAX)))]
    limit: u32,
    /// Rows to pass over.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub(super) async fn run(command: AuditCommand) -> Result<(), Failure> {
    let AuditCommand::List(arguments) = command;
    let screen = Screen::standard();
    let host = open(&arguments.database, &[]).await?;
    let filter = AuditFilter {
        api_keys: arguments.key,
        subjects: arguments.subject,
        request_ids: arguments.request,
        ..AuditFilter::default()
    };
    let listed = host.audit(filter, Page { offset: arguments.offset, limit: arguments.limit }).await?;
    if arguments.database.json {
        let rows: Vec<Value> = listed.items.iter().map(as_json).collect();
        return Ok(screen.json(&json!({ "audit": rows, "count": listed.count }))?);
    }
    let heading = ["when", "key", "method", "route", "subject", "status", "code", "request"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(listed.items.iter().map(|entry| {
        vec![
            moment(entry.created_at),
            entry.api_key.as_ref().map(ToString::to_string).unwrap_or_default(),
            entry.method.clone(),
            entry.route.clone(),
            entry.subject.clone().unwrap_or_default(),
            entry.end.as_ref().map(|end| end.status.to_string()).unwrap_or_default(),
            entry.end.as_ref().and_then(|end| end.code.clone()).unwrap_or_default(),
            entry.request_id.clone(),
        ]
    }));
    for (index, line) in table(&rows, &[]).into_iter().enumerate() {
        screen.line(if index == 0 { screen.paint(Style::Bold, line) } else { line })?;
    }
    let shown = listed.items.len();
    Ok(screen.line(screen.paint(Style::Dim, format!("{shown} of {} calls", listed.count)))?)
}

fn as_json(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "api_key_id": entry.api_key.as_ref().map(ApiKeyId::as_str),
        "kind": entry.kind.map(ApiKeyKind::as_str),
        "customer_id": entry.customer,
        "method": entry.method,
        "route": entry.route,
        "subject_id": entry.subject,
        "request_id": entry.request_id,
        "idempotency_key": entry.idempotency_key,
        "status": entry.end.as_ref().map(|end| end.status),
        "code": entry.end.as_ref().and_then(|end| end.code.clone()),
        "created_at": moment(entry.created_at),
        "ended_at": entry.end.as_ref().map(|end| moment(end.at)),
    })
}
