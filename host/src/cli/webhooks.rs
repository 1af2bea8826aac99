//! `tillbox webhooks`: who hears of events, what is on its way to them, and telling again what was given up.
//!
//! It changes what the database says; a server that works on it does the telling.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tillbox_core::id::EventId;

use super::by_hand::by_hand;
use super::failure::Failure;
use super::operations::{DatabaseArguments, moment, open};
use super::screen::{Screen, Style, table};
use crate::Host;
use crate::service::{IssuedSecret, NewWebhookEndpoint, WebhookEndpoint};
use crate::store::{Dispatch, DispatchState, Page, SubscriberId};

/// Rows of a list when nothing is said.
const LIST_LIMIT_DEFAULT: u32 = 50;

#[derive(Debug, Subcommand)]
pub(super) enum WebhooksCommand {
    List(ListArguments),
    Add(AddArguments),
    Remove(EndpointArguments),
    Rotate(RotateArguments),
    Deliveries(DeliveriesArguments),
    Redeliver(RedeliverArguments),
}

/// List webhook endpoints. Secrets are not shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox webhooks list --database tillbox.db")]
pub(super) struct ListArguments {
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Add a webhook endpoint, and print its secret, this once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox webhooks add https://shop.example/hooks
  tillbox webhooks add https://shop.example/hooks --event 'payment.*' --event operation.needs_review
  tillbox webhooks add http://127.0.0.1:8000/ --description 'on this machine'")]
pub(super) struct AddArguments {
    /// Where to: https, or a loopback address.
    #[arg(value_name = "URL")]
    url: String,
    /// A kind of event, or a family of them; may be given several times. None means all.
    #[arg(long, value_name = "KIND")]
    event: Vec<String>,
    /// Your own words.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Remove a webhook endpoint and everything on its way to it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox webhooks remove whep_01JD3V9K6R2M4N8P0Q1S5T7W9X")]
pub(super) struct EndpointArguments {
    /// The endpoint.
    #[arg(value_name = "ID", value_parser = endpoint)]
    id: SubscriberId,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Replace the secret of a webhook endpoint, and print the new one, this once. The old one signs as well for a day.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox webhooks rotate whep_01JD3V9K6R2M4N8P0Q1S5T7W9X")]
pub(super) struct RotateArguments {
    /// The endpoint.
    #[arg(value_name = "ID", value_parser = endpoint)]
    id: SubscriberId,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// List what is on its way to a webhook endpoint, and what was given up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox webhooks deliveries whep_01JD3V9K6R2M4N8P0Q1S5T7W9X
  tillbox webhooks deliveries whep_01JD3V9K6R2M4N8P0Q1S5T7W9X --state failed --json")]
pub(super) struct DeliveriesArguments {
    /// The endpoint.
    #[arg(value_name = "ID", value_parser = endpoint)]
    id: SubscriberId,
    /// Only `open` or `failed` ones.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<DispatchState>,
    /// Rows to print.
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(Page::LIMIT_MAX)))]
    limit: u32,
    /// Rows to pass over.
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Tell a webhook endpoint an event once more, or everything that was given up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox webhooks redeliver whep_01JD3V9K6R2M4N8P0Q1S5T7W9X evt_01JD3V9K6R2M4N8P0Q1S5T7W9X
  tillbox webhooks redeliver whep_01JD3V9K6R2M4N8P0Q1S5T7W9X --failed")]
pub(super) struct RedeliverArguments {
    /// The endpoint.
    #[arg(value_name = "ID", value_parser = endpoint)]
    id: SubscriberId,
    /// The event.
    #[arg(value_name = "EVENT", value_parser = event, required_unless_present = "failed")]
    event: Option<EventId>,
    /// Everything that was given up.
    #[arg(long, conflicts_with = "event")]
    failed: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

fn endpoint(text: &str) -> Result<SubscriberId, String> {
    let webhook = |_: &SubscriberId| text.starts_with(SubscriberId::WEBHOOK);
    SubscriberId::parse(text).filter(webhook).ok_or_else(|| "an endpoint's id begins with `whep_`".to_owned())
}

fn event(text: &str) -> Result<EventId, String> {
    EventId::parse(text).map_err(|error| error.to_string())
}

fn state(text: &str) -> Result<DispatchState, String> {
    DispatchState::parse(text).ok_or_else(|| "the states are open, failed".to_owned())
}

pub(super) async fn run(command: WebhooksCommand) -> Result<(), Failure> {
    let screen = Screen::standard();
    match command {
        WebhooksCommand::List(arguments) => list(screen, arguments).await,
        WebhooksCommand::Add(arguments) => {
            let host = open(&arguments.database, &[]).await?;
            let new =
                NewWebhookEndpoint { url: arguments.url, description: arguments.description, events: arguments.event };
            let made = host.create_webhook_endpoint(new);
            let (endpoint, secret) = by_hand(&host, "webhooks add", None, made).await?;
            issued(screen, arguments.database.json, &endpoint, &secret)
        }
        WebhooksCommand::Remove(arguments) => {
            let host = open(&arguments.database, &[]).await?;
            let id = arguments.id.as_str();
            by_hand(&host, "webhooks remove", Some(id), host.delete_webhook_endpoint(&arguments.id)).await?;
            said(screen, arguments.database.json, &json!({ "id": id, "deleted": true }), &format!("{id} is removed."))
        }
        WebhooksCommand::Rotate(arguments) => {
            let host = open(&arguments.database, &[]).await?;
            let rotated = host.rotate_webhook_secret(&arguments.id);
            let rotated = by_hand(&host, "webhooks rotate", Some(arguments.id.as_str()), rotated).await?;
            let (endpoint, secret) = rotated;
            issued(screen, arguments.database.json, &endpoint, &secret)
        }
        WebhooksCommand::Deliveries(arguments) => deliveries(screen, arguments).await,
        WebhooksCommand::Redeliver(arguments) => redeliver(screen, arguments).await,
    }
}

async fn list(screen: Screen, arguments: ListArguments) -> Result<(), Failure> {
    let host = open(&arguments.database, &[]).await?;
    let endpoints = host.webhook_endpoints().await?;
    if arguments.database.json {
        let rows: Vec<Value> = endpoints.iter().map(as_json).collect();
        return Ok(screen.json(&json!({ "webhook_endpoints": rows, "count": endpoints.len() }))?);
    }
    let mut rows = vec![["endpoint", "enabled", "events", "url", "description"].map(str::to_owned).to_vec()];
    rows.extend(endpoints.iter().map(|endpoint| {
        vec![
            endpoint.id.to_string(),
            if endpoint.is_enabled { "yes" } else { "no" }.to_owned(),
            if endpoint.events.is_empty() { "all".to_owned() } else { endpoint.events.join(",") },
            endpoint.url.clone(),
            endpoint.description.clone().unwrap_or_default(),
        ]
    }));
    lines(screen, &rows)
}

async fn deliveries(screen: Screen, arguments: DeliveriesArguments) -> Result<(), Failure> {
    let host: Host = open(&arguments.database, &[]).await?;
    let page = Page { offset: arguments.offset, limit: arguments.limit };
    let listed = host.webhook_deliveries(&arguments.id, arguments.state, page).await?;
    if arguments.database.json {
        let rows: Vec<Value> = listed.items.iter().map(delivery_json).collect();
        return Ok(screen.json(&json!({ "deliveries": rows, "count": listed.count }))?);
    }
    let heading = ["collection", "event", "state", "attempts", "next attempt", "last error"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(listed.items.iter().map(|dispatch| {
        vec![
            dispatch.collection.to_string(),
            dispatch.event.as_ref().map(ToString::to_string).unwrap_or_default(),
            dispatch.state.as_str().to_owned(),
            dispatch.attempts.to_string(),
            dispatch.next_action_at.map(moment).unwrap_or_default(),
            dispatch.last_error.clone().unwrap_or_default(),
        ]
    }));
    lines(screen, &rows)?;
    let shown = listed.items.len();
    Ok(screen.line(screen.paint(Style::Dim, format!("{shown} of {} deliveries", listed.count)))?)
}

async fn redeliver(screen: Screen, arguments: RedeliverArguments) -> Result<(), Failure> {
    let host = open(&arguments.database, &[]).await?;
    let id = arguments.id.as_str();
    let asked = async {
        match &arguments.event {
            Some(event) => host.redeliver(&arguments.id, event).await.map(drop),
            None => host.redeliver_failed(&arguments.id).await.map(drop),
        }
    };
    by_hand(&host, "webhooks redeliver", Some(id), asked).await?;
    let what = arguments.event.as_ref().map_or("what was given up", |event| event.as_str());
    let sentence = format!("{id} is told {what} again by the server that works on this database.");
    let event = arguments.event.as_ref().map(|event| event.as_str());
    said(screen, arguments.database.json, &json!({ "id": id, "event_id": event }), &sentence)
}

fn issued(screen: Screen, json: bool, endpoint: &WebhookEndpoint, secret: &IssuedSecret) -> Result<(), Failure> {
    let mut value = as_json(endpoint);
    value["secret"] = secret.reveal().into();
    let sentence = format!(
        "{} hears of events at {}.\nIts secret, shown this once: {}",
        endpoint.id,
        endpoint.url,
        screen.paint(Style::Bold, secret.reveal())
    );
    said(screen, json, &value, &sentence)
}

fn said(screen: Screen, json: bool, value: &Value, sentence: &str) -> Result<(), Failure> {
    if json {
        screen.json(value)?
    } else {
        screen.line(sentence)?
    }
    Ok(())
}

fn lines(screen: Screen, rows: &[Vec<String>]) -> Result<(), Failure> {
    for (index, line) in table(rows, &[]).into_iter().enumerate() {
        screen.line(if index == 0 { screen.paint(Style::Bold, line) } else { line })?;
    }
    Ok(())
}

fn as_json(endpoint: &WebhookEndpoint) -> Value {
    json!({
        "id": endpoint.id.as_str(),
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "is_enabled": endpoint.is_enabled,
        "disabled_reason": endpoint.disabled_reason,
        "previous_secret_until": endpoint.previous_secret_until.map(moment),
        "created_at": moment(endpoint.created_at),
        "updated_at": moment(endpoint.updated_at),
    })
}

fn delivery_json(dispatch: &Dispatch) -> Value {
    json!({
        "payment_collection_id": dispatch.collection.as_str(),
        "event_id": dispatch.event.as_ref().map(|event| event.as_str()),
        "state": dispatch.state.as_str(),
        "attempts": dispatch.attempts,
        "next_attempt_at": dispatch.next_action_at.map(moment),
        "last_error": dispatch.last_error,
    })
}
