//! The published routes that a payment provider needs: payment intents, refunds, customers, payment methods, setup intents,
//! events. Each takes parameters and the books, and answers; none knows HTTP.

mod currency;
mod customers;
mod expand;
mod intents;
mod methods;
mod refunds;
mod search;
mod setup;

pub(crate) use intents::{authenticated, intent_at_the_counter};
pub(crate) use refunds::{finished, refund_at_the_counter};

use serde_json::{Value, json};

use crate::ledger::{Books, Reply};
use crate::params::Params;
use crate::problem::Problem;

/// Objects in one page at most, and when nothing is said: the published numbers.
const PAGE_MAX: i64 = 100;
const PAGE_DEFAULT: i64 = 10;

/// How the gateway is set up: what differs between accounts.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where the gateway itself is reached, for challenge pages: `http://127.0.0.1:12111`.
    pub base: String,
    /// Milliseconds by which searches lag behind.
    pub search_lag_ms: i64,
}

/// Answers a request to the API.
///
/// # Errors
/// What is turned down before anything was done.
pub fn answer(
    account: &Account,
    books: &Books<'_>,
    method: &str,
    path: &[&str],
    mut params: Params,
) -> Result<Reply, Problem> {
    let expanded = params.texts("expand")?.unwrap_or_default();
    let reply = routed(account, books, method, path, params)?;
    expand::expanded(books, reply, &expanded)
}

fn routed(account: &Account, books: &Books<'_>, method: &str, path: &[&str], params: Params) -> Result<Reply, Problem> {
    let body = match (method, path) {
        ("POST", ["payment_intents"]) => return intents::create(account, books, params),
        ("GET", ["payment_intents"]) => intents::list(books, params)?,
        ("GET", ["payment_intents", "search"]) => search::search(account, books, params)?,
        ("GET", ["payment_intents", id]) => intents::show(books, id, params)?,
        ("POST", ["payment_intents", id]) => intents::update(books, id, params)?,
        ("POST", ["payment_intents", id, "confirm"]) => return intents::confirm(account, books, id, params),
        ("POST", ["payment_intents", id, "capture"]) => intents::capture(books, id, params)?,
        ("POST", ["payment_intents", id, "cancel"]) => intents::cancel(books, id, params)?,
        ("POST", ["refunds"]) => refunds::create(books, params)?,
        ("GET", ["refunds"]) => refunds::list(books, params)?,
        ("GET", ["refunds", id]) => shown(books, "refund", id, params)?,
        ("POST", ["refunds", id]) => refunds::update(books, id, params)?,
        ("POST", ["customers"]) => customers::create(books, params)?,
        ("GET", ["disputes"]) => intents::disputes(books, params)?,
        ("GET", ["disputes", id]) => shown(books, "dispute", id, params)?,
        ("GET", ["customers"]) => customers::list(books, params)?,
        ("GET", ["customers", id]) => shown(books, "customer", id, params)?,
        ("POST", ["customers", id]) => customers::update(books, id, params)?,
        ("DELETE", ["customers", id]) => customers::delete(books, id, params)?,
        ("GET", ["customers", id, "payment_methods"]) => methods::of_customer(books, id, params)?,
        ("POST", ["payment_methods"]) => methods::create(books, params)?,
        ("GET", ["payment_methods"]) => methods::list(books, params)?,
        ("GET", ["payment_methods", id]) => shown(books, "payment_method", id, params)?,
        ("POST", ["payment_methods", id, "attach"]) => methods::attach(books, id, params)?,
        ("POST", ["payment_methods", id, "detach"]) => methods::detach(books, id, params)?,
        ("POST", ["test_helpers", "confirmation_tokens"]) => methods::collected(books, params)?,
        ("POST", ["setup_intents"]) => setup::create(account, books, params)?,
        ("GET", ["setup_intents", id]) => shown(books, "setup_intent", id, params)?,
        ("POST", ["setup_intents", id, "confirm"]) => setup::confirm(account, books, id, params)?,
        ("GET", ["events"]) => page(books.list("event", None, 0)?, params, "/v1/events")?,
        ("GET", ["events", id]) => shown(books, "event", id, params)?,
        ("GET", ["charges", id]) => shown(books, "charge", id, params)?,
        _ => {
            let message = format!("Unrecognized request URL ({method}: /v1/{}).", path.join("/"));
            return Err(Problem { status: 404, ..Problem::invalid(None, None, message) });
        }
    };
    Ok(Reply::ok(body))
}

fn shown(books: &Books<'_>, kind: &str, id: &str, params: Params) -> Result<Value, Problem> {
    params.end()?;
    books.get(kind, id)
}

/// A page of a list, with the published cursors.
fn page(all: Vec<Value>, mut params: Params, url: &str) -> Result<Value, Problem> {
    let limit = params.integer("limit")?.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(
            Some("parameter_invalid_integer"),
            Some("limit"),
            format!("Limit must be 1 to {PAGE_MAX}"),
        ));
    }
    let limit = usize::try_from(limit).unwrap_or(1);
    let after = params.text("starting_after")?;
    params.ignore(&["created", "type"]);
    params.end()?;
    let start = match &after {
        Some(id) => all.iter().position(|object| object["id"] == **id).map_or(all.len(), |place| place + 1),
        None => 0,
    };
    let has_more = all.len() > start + limit;
    let data: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
}
