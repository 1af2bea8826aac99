//! `tillbox keys`: who may call the HTTP server. A key is printed when it is made and at no other time.
//!
//! It changes what the database says; a server that works on it follows with the next request.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};
use tillbox_core::Timestamp;

use super::by_hand::by_hand;
use super::failure::Failure;
use super::operations::{DatabaseArguments, moment, open};
use super::screen::{Screen, Style, table};
use super::span;
use crate::clock::{Clock, SystemClock};
use crate::service::{ApiKey, IssuedApiKey, NewApiKey};
use crate::store::{ApiKeyId, ApiKeyKind, Page, Scope};

/// Rows of a list when nothing is said.
const LIST_LIMIT_DEFAULT: u32 = 50;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    Create(CreateArguments),
    List(ListArguments),
    Rotate(RotateArguments),
    Revoke(RevokeArguments),
}

/// Make an API key, and print it, this once.
///
/// A publishable key opens `/store` and may stand in a shop's pages. A secret key opens `/admin`, as far as its scopes go:
/// `read` looks at everything, `operate` moves money, `administer` says how the host works (providers, regions, webhook
/// endpoints, verdicts about operations). The last two may read as well, and neither includes the other. Standard output is
/// the key alone, so that a script can take it.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("kind").required(true), after_help = "\
Examples:
  tillbox keys create --publishable --title 'web shop'
  SK=$(tillbox keys create --secret --scope operate --title 'order service')
  tillbox keys create --secret --scope operate --scope administer --expires 90d
  tillbox keys create --secret --scope read --json --database shop.db")]
pub(super) struct CreateArguments {
    /// For storefronts.
    #[arg(long, group = "kind", conflicts_with = "scope")]
    publishable: bool,
    /// For the merchant's server and for operators.
    #[arg(long, group = "kind", requires = "scope")]
    secret: bool,
    /// What a secret key may do: read, operate, administer; may be given several times.
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Vec<Scope>,
    /// Your own words.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// For how long it counts, for example 12h or 90d [default: until it is revoked].
    #[arg(long, value_name = "SPAN", value_parser = span::milliseconds)]
    expires: Option<i64>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// List API keys, newest first, those that have ended too. The keys themselves are not kept and cannot be shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox keys list
  tillbox keys list --json --database shop.db")]
pub(super) struct ListArguments {
    /// Rows to print.
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(Page::LIMIT_MAX)))]
    limit: u32,
    /// Rows to pass over.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Make a new key of the same kind, title, scopes and end in the place of another, and print it, this once.
///
/// The old one goes on for a day, so that every caller can change over; --grace says otherwise.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox keys rotate apk_01JD3V9K6R2M4N8P0Q1S5T7W9X
  tillbox keys rotate apk_01JD3V9K6R2M4N8P0Q1S5T7W9X --grace 0      it leaked: the old one ends now")]
pub(super) struct RotateArguments {
    /// The key's id.
    #[arg(value_name = "ID", value_parser = id)]
    id: ApiKeyId,
    /// For how long the old key goes on: 0, 30m, 24h, at most 31d.
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span::milliseconds)]
    grace: i64,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Take a key back: from the next request on it opens nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox keys revoke apk_01JD3V9K6R2M4N8P0Q1S5T7W9X")]
pub(super) struct RevokeArguments {
    /// The key's id.
    #[arg(value_name = "ID", value_parser = id)]
    id: ApiKeyId,
    #[command(flatten)]
    database: DatabaseArguments,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| "the scopes are read, operate, administer".to_owned())
}

fn id(text: &str) -> Result<ApiKeyId, String> {
    let what = "a key's id begins with `apk_`; `tillbox keys list` shows it. The key itself is never needed here";
    ApiKeyId::parse(text).ok_or_else(|| what.to_owned())
}

pub(super) async fn run(command: KeysCommand) -> Result<(), Failure> {
    let screen = Screen::standard();
    match command {
        KeysCommand::Create(arguments) => create(screen, arguments).await,
        KeysCommand::List(arguments) => list(screen, arguments).await,
        KeysCommand::Rotate(arguments) => {
            let host = open(&arguments.database, &[]).await?;
            let rotated = async { host.rotate_api_key(&arguments.id, arguments.grace).await.map_err(failed) };
            let (key, issued) = by_hand(&host, "keys rotate", Some(arguments.id.as_str()), rotated).await?;
            let until = host.api_key(&arguments.id).await.map_err(failed)?.expires_at;
            let until = until.map(moment).unwrap_or_default();
            let sentence = format!("{} takes the place of {}, which ends at {until}", key.id, arguments.id);
            told(screen, arguments.database.json, &key, &issued, &sentence)
        }
        KeysCommand::Revoke(arguments) => {
            let host = open(&arguments.database, &[]).await?;
            let revoked = async { host.revoke_api_key(&arguments.id).await.map_err(failed) };
            let key = by_hand(&host, "keys revoke", Some(arguments.id.as_str()), revoked).await?;
            if arguments.database.json {
                return Ok(screen.json(&as_json(&key))?);
            }
            Ok(screen.line(format!("{} is revoked: it opens nothing any more.", key.id))?)
        }
    }
}

async fn create(screen: Screen, arguments: CreateArguments) -> Result<(), Failure> {
    let host = open(&arguments.database, &[]).await?;
    let kind = if arguments.publishable { ApiKeyKind::Publishable } else { ApiKeyKind::Secret };
    let expires_at = arguments.expires.map(|span| Timestamp(SystemClock.now().0.saturating_add(span)));
    let new = NewApiKey { kind, title: arguments.title, scopes: arguments.scope, expires_at };
    let created = async { host.create_api_key(new).await.map_err(failed) };
    let (key, issued) = by_hand(&host, "keys create", None, created).await?;
    let may = match key.kind {
        ApiKeyKind::Publishable => "opens /store".to_owned(),
        ApiKeyKind::Secret => format!("opens /admin, with the scope {}", scopes(&key)),
    };
    told(screen, arguments.database.json, &key, &issued, &format!("{} {may}", key.id))
}

/// The key to standard output and nothing beside it; what it is to a person, on standard error.
fn told(screen: Screen, json: bool, key: &ApiKey, issued: &IssuedApiKey, sentence: &str) -> Result<(), Failure> {
    if json {
        let mut value = as_json(key);
        value["key"] = issued.reveal().into();
        return Ok(screen.json(&value)?);
    }
    eprintln!("{sentence}. The key is shown this once:");
    Ok(screen.line(issued.reveal())?)
}

async fn list(screen: Screen, arguments: ListArguments) -> Result<(), Failure> {
    let host = open(&arguments.database, &[]).await?;
    let listed = host.api_keys(Page { offset: arguments.offset, limit: arguments.limit }).await?;
    if arguments.database.json {
        let rows: Vec<Value> = listed.items.iter().map(as_json).collect();
        return Ok(screen.json(&json!({ "api_keys": rows, "count": listed.count }))?);
    }
    let heading = ["key", "kind", "scopes", "state", "ends", "last used", "title"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(listed.items.iter().map(|key| {
        vec![
            key.id.to_string(),
            key.kind.as_str().to_owned(),
            scopes(key),
            key.state(SystemClock.now()).as_str().to_owned(),
            key.revoked_at.or(key.expires_at).map(moment).unwrap_or_default(),
            key.last_used_at.map(moment).unwrap_or_default(),
            key.title.clone().unwrap_or_default(),
        ]
    }));
    for (index, line) in table(&rows, &[]).into_iter().enumerate() {
        screen.line(if index == 0 { screen.paint(Style::Bold, line) } else { line })?;
    }
    let shown = listed.items.len();
    Ok(screen.line(screen.paint(Style::Dim, format!("{shown} of {} keys", listed.count)))?)
}

fn failed(error: crate::Error) -> Failure {
    if matches!(error, crate::Error::NotFound { .. }) {
        return Failure::of(&error).next("`tillbox keys list` lists what is there");
    }
    error.into()
}

fn scopes(key: &ApiKey) -> String {
    let names: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    names.join(",")
}

fn as_json(key: &ApiKey) -> Value {
    let names: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    json!({
        "id": key.id.as_str(),
        "kind": key.kind.as_str(),
        "scopes": names,
        "title": key.title,
        "state": key.state(SystemClock.now()).as_str(),
        "replaced_by": key.replaced_by.as_ref().map(ApiKeyId::as_str),
        "created_at": moment(key.created_at),
        "expires_at": key.expires_at.map(moment),
        "revoked_at": key.revoked_at.map(moment),
        "last_used_at": key.last_used_at.map(moment),
    })
}
