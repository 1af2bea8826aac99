//! `tillbox operations`: what was asked of providers, and asking about what is open.
//!
//! It opens the embedded database itself and never makes a new one.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tillbox_core::Timestamp;
use tillbox_core::id::OperationId;
use tillbox_core::operation::{Operation, OperationState};
use tillbox_runtime::Culprit;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::by_hand::by_hand;
use super::database::{Database, UrlArgument};
use super::encryption::{self, EncryptionKeyArgument};
use super::failure::Failure;
use super::load::{self, Wanted};
use super::screen::{Screen, Style, table};
use super::settings::{Flags, Said};
use crate::service::{Exchange, ShownMessage, Verdict, culprit_of, culprit_of_exchange};
use crate::store::Page;
use crate::{Host, HostBuilder};

/// Rows of a list when nothing is said.
const LIST_LIMIT_DEFAULT: u32 = 50;

#[derive(Debug, Subcommand)]
pub(super) enum OperationsCommand {
    List(ListArguments),
    Show(ShowArguments),
    Recheck(RecheckArguments),
    Resolve(ResolveArguments),
    Void(VoidArguments),
}

/// List operations, newest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox operations list --database tillbox.db
  tillbox operations list --state unknown --state needs_review --json")]
pub(super) struct ListArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// Only operations in this state; may be given several times.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Vec<OperationState>,
    /// Rows to print.
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(Page::LIMIT_MAX)))]
    limit: u32,
    /// Rows to pass over.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
}

/// Show one operation.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox operations show payop_01JD3V9K6R2M4N8P0Q1S5T7W9X --database tillbox.db")]
pub(super) struct ShowArguments {
    /// Its id.
    #[arg(value_name = "ID", value_parser = id)]
    id: OperationId,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Ask the provider what became of an operation, and put the answer into the books.
///
/// An operation that is settled is shown as it is. The provider is found among the bundled ones, those given with
/// --provider and those of --config.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox operations recheck payop_01JD3V9K6R2M4N8P0Q1S5T7W9X --database tillbox.db
  tillbox operations recheck payop_01JD3V9K6R2M4N8P0Q1S5T7W9X --provider acme.wasm=eu")]
pub(super) struct RecheckArguments {
    /// Its id.
    #[arg(value_name = "ID", value_parser = id)]
    id: OperationId,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    providers: ProviderArguments,
}

/// Say what became of an operation that only a person can find out about.
///
/// It is closed on your word, and the note stays with it: `succeeded` puts it into the books as it was asked for, `absent`
/// frees its amount. Look at the provider's own dashboard first; nothing checks it afterwards.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox operations resolve payop_01JD3V9K6R2M4N8P0Q1S5T7W9X --as succeeded --note 'captured, seen at the dashboard'
  tillbox operations resolve payop_01JD3V9K6R2M4N8P0Q1S5T7W9X --as absent --note 'support ticket 4711: never arrived'")]
pub(super) struct ResolveArguments {
    /// Its id.
    #[arg(value_name = "ID", value_parser = id)]
    id: OperationId,
    /// What became of it: succeeded or absent.
    #[arg(long = "as", value_name = "WHAT", value_parser = verdict)]
    verdict: Verdict,
    /// What was seen, and where.
    #[arg(long, value_name = "TEXT")]
    note: String,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Have the session of an uncertain charge abandoned at its provider, so that it can never be paid.
///
/// Only for operations that open, change or authorize a session. When the provider says that the session is authorized
/// already, the question is answered: recheck it, or resolve it as succeeded, and cancel the payment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox operations void payop_01JD3V9K6R2M4N8P0Q1S5T7W9X --database tillbox.db
  tillbox operations void payop_01JD3V9K6R2M4N8P0Q1S5T7W9X --config tillbox.toml --json")]
pub(super) struct VoidArguments {
    /// Its id.
    #[arg(value_name = "ID", value_parser = id)]
    id: OperationId,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    providers: ProviderArguments,
}

#[derive(Debug, Args)]
struct ProviderArguments {
    /// A component to load beside the bundled ones.
    #[arg(long, value_name = "FILE.wasm[=ID]")]
    provider: Vec<Wanted>,
    /// The configuration that `serve` uses.
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DatabaseArguments {
    /// The database file of the server.
    #[arg(long, value_name = "PATH", default_value = super::serve::DATABASE_DEFAULT)]
    database: PathBuf,
    #[command(flatten)]
    url: UrlArgument,
    #[command(flatten)]
    encryption: EncryptionKeyArgument,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

fn id(text: &str) -> Result<OperationId, String> {
    OperationId::parse(text).map_err(|error| error.to_string())
}

fn verdict(text: &str) -> Result<Verdict, String> {
    Verdict::parse(text).ok_or_else(|| "say succeeded or absent".to_owned())
}

fn state(text: &str) -> Result<OperationState, String> {
    OperationState::parse(text).ok_or_else(|| {
        let names: Vec<&str> = OperationState::ALL.iter().map(|state| state.as_str()).collect();
        format!("the states are {}", names.join(", "))
    })
}

pub(super) async fn run(command: OperationsCommand) -> Result<(), Failure> {
    match command {
        OperationsCommand::List(arguments) => list(arguments).await,
        OperationsCommand::Show(arguments) => {
            let host = open(&arguments.database, &[]).await?;
            show(&host, &host.operation(&arguments.id).await?, arguments.database.json).await
        }
        OperationsCommand::Recheck(arguments) => {
            let host = with_providers(&arguments.database, arguments.providers).await?;
            let asked = host.recheck(&arguments.id);
            let asked = by_hand(&host, "operations recheck", Some(arguments.id.as_str()), asked).await?;
            show(&host, &asked, arguments.database.json).await
        }
        OperationsCommand::Resolve(arguments) => {
            let host = open(&arguments.database, &[]).await?;
            let resolved = host.resolve_operation(&arguments.id, arguments.verdict, &arguments.note);
            let resolved = by_hand(&host, "operations resolve", Some(arguments.id.as_str()), resolved).await?;
            show(&host, &resolved, arguments.database.json).await
        }
        OperationsCommand::Void(arguments) => {
            let host = with_providers(&arguments.database, arguments.providers).await?;
            let voided = host.void_operation(&arguments.id);
            let voided = by_hand(&host, "operations void", Some(arguments.id.as_str()), voided).await?;
            show(&host, &voided.operation, arguments.database.json).await
        }
    }
}

async fn list(arguments: ListArguments) -> Result<(), Failure> {
    let host = open(&arguments.database, &[]).await?;
    let page = Page { offset: arguments.offset, limit: arguments.limit };
    let listed = host.operations(&arguments.state, page).await?;
    let mut operations = Vec::with_capacity(listed.items.len());
    for entry in &listed.items {
        operations.push((entry, host.operation(&entry.id).await?));
    }
    let screen = Screen::standard();
    if arguments.database.json {
        let rows: Vec<Value> = operations.iter().map(|(_, operation)| as_json(operation)).collect();
        let limits = (arguments.offset, arguments.limit);
        let whole = json!({ "operations": rows, "count": listed.count, "offset": limits.0, "limit": limits.1 });
        return Ok(screen.json(&whole)?);
    }
    let heading = ["operation", "kind", "state", "amount", "provider", "collection", "changed"].map(str::to_owned);
    let mut rows = vec![heading.to_vec()];
    rows.extend(operations.iter().map(|(entry, operation)| {
        vec![
            operation.id.to_string(),
            operation.kind.as_str().to_owned(),
            operation.state.as_str().to_owned(),
            operation.amount.map(|amount| amount.to_string()).unwrap_or_default(),
            operation.provider.to_string(),
            entry.collection.to_string(),
            moment(operation.updated_at),
        ]
    }));
    for (index, line) in table(&rows, &[3]).into_iter().enumerate() {
        screen.line(if index == 0 { screen.paint(Style::Bold, line) } else { line })?;
    }
    let shown = operations.len();
    Ok(screen.line(screen.paint(Style::Dim, format!("{shown} of {} operations", listed.count)))?)
}

/// Opens a database that is there, with the providers that its operations may need.
async fn with_providers(database: &DatabaseArguments, providers: ProviderArguments) -> Result<Host, Failure> {
    let (settings, from_file) = Said::gather(&Flags::default(), providers.config.as_deref())?.settings()?;
    let mut wanted = if settings.has_bundled { load::bundled() } else { Vec::new() };
    wanted.extend(from_file);
    wanted.extend(providers.provider);
    let runtime = load::plain_runtime()?;
    let loaded = load::load(&runtime, wanted).await?;
    let builder = builder_of(database, settings.encryption_key_file)?;
    Ok(load::install(builder, &loaded).runtime(runtime).build().await?)
}

/// Opens a database that is there.
pub(super) async fn open(named: &DatabaseArguments, loaded: &[load::Loaded]) -> Result<Host, Failure> {
    Ok(load::install(builder_of(named, None)?, loaded).build().await?)
}

/// A host on a database that is there, which does nothing by itself.
pub(super) fn builder_of(named: &DatabaseArguments, key_file: Option<PathBuf>) -> Result<HostBuilder, Failure> {
    let database = Database::of(named.url.database_url.clone(), named.database.clone());
    database.must_exist()?;
    // A look at the books must not begin work of its own beside the server's.
    let key_file = named.encryption.encryption_key_file.clone().or(key_file);
    let builder = encryption::given(database.builder(), key_file.as_deref())?;
    Ok(builder.without_background_work())
}

async fn show(host: &Host, operation: &Operation, json: bool) -> Result<(), Failure> {
    let screen = Screen::standard();
    let exchanges = host.exchanges(&operation.id).await?;
    let mut value = as_json(operation);
    if json {
        value["exchanges"] = exchanges.iter().map(exchange_as_json).collect();
        return Ok(screen.json(&value)?);
    }
    let fields = value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<Vec<String>> = fields.map(|(name, value)| vec![name.replace('_', " "), text(value)]).collect();
    for line in table(&rows, &[]) {
        screen.line(line)?;
    }
    print_exchanges(&screen, &exchanges)?;
    if operation.state.reserves() {
        screen.line(screen.paint(Style::Bold, what_next(operation)))?;
    }
    Ok(())
}

/// Each exchange in a line, and below it what was asked and answered, where it is kept.
fn print_exchanges(screen: &Screen, exchanges: &[Exchange]) -> Result<(), Failure> {
    for exchange in exchanges {
        let Exchange { run, sequence, method, host, path, .. } = exchange;
        let status = exchange.status.map(|status| format!(" {status}")).unwrap_or_default();
        let sent = if exchange.request_may_have_been_sent { "" } else { ", nothing was sent" };
        let line = format!("{run}.{sequence} {method} {host}{path}: {}{status}{sent}", exchange.state.as_str());
        screen.line(screen.paint(Style::Bold, line))?;
        if let Some(error) = &exchange.error {
            let culprit = culprit_of_exchange(exchange.state).map_or("nobody", Culprit::as_str);
            screen.line(format!("    {error} (culprit: {culprit})"))?;
        }
        for (arrow, message) in [(">", &exchange.request), ("<", &exchange.response)] {
            let Some(message) = message else { continue };
            for (name, value) in &message.headers {
                screen.line(format!("  {arrow} {name}: {value}"))?;
            }
            screen.line(format!("  {arrow} {}", message.body))?;
        }
    }
    Ok(())
}

fn exchange_as_json(exchange: &Exchange) -> Value {
    let message = |message: &ShownMessage| {
        let headers: Vec<Value> =
            message.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        json!({ "headers": headers, "body": message.body })
    };
    json!({
        "run": exchange.run,
        "sequence": exchange.sequence,
        "state": exchange.state.as_str(),
        "component": exchange.component,
        "method": exchange.method,
        "host": exchange.host,
        "path": exchange.path,
        "idempotency_key": exchange.idempotency_key,
        "request_may_have_been_sent": exchange.request_may_have_been_sent,
        "status": exchange.status,
        "error": exchange.error,
        "culprit": culprit_of_exchange(exchange.state).map(Culprit::as_str),
        "sent_bytes": exchange.sent_bytes,
        "received_bytes": exchange.received_bytes,
        "request": exchange.request.as_ref().map(message),
        "response": exchange.response.as_ref().map(message),
        "created_at": moment(exchange.created_at),
        "ended_at": exchange.ended_at.map(moment),
    })
}

/// What goes on by itself, and what a person can do.
fn what_next(operation: &Operation) -> String {
    let id = &operation.id;
    match operation.next_action_at {
        Some(at) => format!(
            "Its amount stays reserved. The server looks again at {}; `tillbox operations recheck {id}` asks now.",
            moment(at)
        ),
        None => format!(
            "Its amount stays reserved until a person decides: `tillbox operations recheck {id}` asks the provider once \
             more, `tillbox operations resolve {id}` says what became of it."
        ),
    }
}

fn as_json(operation: &Operation) -> Value {
    json!({
        "id": operation.id.as_str(),
        "kind": operation.kind.as_str(),
        "state": operation.state.as_str(),
        "provider_id": operation.provider.as_str(),
        "component": operation.component.map(|digest| digest.to_string()),
        "payment_session_id": operation.session.as_str(),
        "payment_id": operation.payment.as_ref().map(|payment| payment.as_str()),
        "amount": operation.amount.map(|amount| amount.to_decimal()),
        "currency_code": operation.amount.map(|amount| amount.currency().code().to_ascii_lowercase()),
        "origin": operation.origin.as_str(),
        "attempts": operation.attempts,
        "provider_reference": operation.provider_reference,
        "decline_class": operation.decline.as_ref().map(|decline| decline.class.as_str()),
        "decline_code": operation.decline.as_ref().map(|decline| decline.code.as_str()),
        "reason": operation.reason,
        "culprit": operation.reason.as_deref().and_then(culprit_of).map(Culprit::as_str),
        "detail": operation.detail,
        "note": operation.note,
        "uncertain_since": operation.state.is_uncertain().then(|| moment(operation.uncertain_since())),
        "checks": operation.checks,
        "next_action_at": operation.next_action_at.map(moment),
        "created_at": moment(operation.created_at),
        "updated_at": moment(operation.updated_at),
    })
}

/// RFC 3339 in UTC, whole seconds; the number of milliseconds where the year has no name.
pub(super) fn moment(at: Timestamp) -> String {
    let known = OffsetDateTime::from_unix_timestamp(at.milliseconds().div_euclid(1_000)).ok();
    let text = known.and_then(|at| at.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("{} ms", at.milliseconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_by_people() {
        assert_eq!(moment(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(moment(Timestamp(1_700_000_000_999)), "2023-11-14T22:13:20Z");
        assert_eq!(moment(Timestamp(i64::MAX)), format!("{} ms", i64::MAX));
    }

    #[test]
    fn an_unknown_state_names_those_there_are() {
        assert_eq!(state("unknown"), Ok(OperationState::Unknown));
        assert!(state("lost").unwrap_err().contains("needs_review"));
    }
}
