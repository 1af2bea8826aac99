//! `expand[]`: objects in place of their ids, as the published API gives them to who asks.

use serde_json::Value;

use crate::ledger::{Books, Reply};
use crate::problem::Problem;

/// What can be expanded, and the kind of object behind it.
const EXPANDABLE: &[(&str, &str)] = &[
    ("latest_charge", "charge"),
    ("payment_method", "payment_method"),
    ("customer", "customer"),
    ("charge", "charge"),
    ("payment_intent", "payment_intent"),
];

/// Levels of a path: the published limit.
const DEPTH_MAX: usize = 4;

/// The answer with these paths expanded. An error has none.
///
/// # Errors
/// 400 for a path that leads to nothing that can be expanded.
pub(super) fn expanded(books: &Books<'_>, mut reply: Reply, paths: &[String]) -> Result<Reply, Problem> {
    if reply.status == 200 {
        for path in paths {
            let parts: Vec<&str> = path.split('.').collect();
            let fits = parts.len() <= DEPTH_MAX && put(books, &mut reply.body, &parts)?;
            if !fits {
                let message = format!("This property cannot be expanded ({path}).");
                return Err(Problem::invalid(None, Some("expand"), message));
            }
        }
    }
    Ok(reply)
}

fn put(books: &Books<'_>, body: &mut Value, parts: &[&str]) -> Result<bool, Problem> {
    let Some((first, rest)) = parts.split_first() else { return Ok(true) };
    if let ("data", Some(objects)) = (*first, body["data"].as_array_mut()) {
        for object in objects {
            if rest.is_empty() || !put(books, object, rest)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let Some((_, kind)) = EXPANDABLE.iter().find(|(name, _)| name == first) else { return Ok(false) };
    let Some(place) = body.get_mut(*first) else { return Ok(false) };
    if let Some(id) = place.as_str() {
        *place = books.get(kind, id)?;
    }
    if rest.is_empty() || place.is_null() { Ok(true) } else { put(books, place, rest) }
}
