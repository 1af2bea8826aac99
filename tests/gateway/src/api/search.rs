//! Searches of payment intents, which show what has not changed for the account's lag.

use serde_json::{Value, json};

use super::Account;
use crate::ledger::Books;
use crate::params::Params;
use crate::problem::Problem;

/// `status:"…"`, `customer:"…"` and `metadata["…"]:"…"`, joined by `AND`, over what has not changed for the lag.
pub(super) fn search(account: &Account, books: &Books<'_>, mut params: Params) -> Result<Value, Problem> {
    let query = params.required("query")?;
    params.ignore(&["limit", "page"]);
    params.end()?;
    let clauses = query.split(" AND ").map(clause).collect::<Option<Vec<_>>>();
    let wrong = || Problem::invalid(None, Some("query"), format!("We were unable to parse your search query: {query}"));
    let clauses = clauses.ok_or_else(wrong)?;
    let fits = |intent: &Value| {
        clauses.iter().all(|(field, key, value)| match key {
            Some(key) => intent[field.as_str()][key.as_str()] == **value,
            None => intent[field.as_str()] == **value,
        })
    };
    let all = books.list("payment_intent", None, account.search_lag_ms)?;
    let data: Vec<Value> = all.into_iter().filter(fits).collect();
    Ok(
        json!({ "object": "search_result", "url": "/v1/payment_intents/search", "has_more": false, "next_page": null, "data": data }),
    )
}

/// Field, key in brackets, value.
fn clause(text: &str) -> Option<(String, Option<String>, String)> {
    let (left, value) = text.trim().split_once(':')?;
    let (field, key) = match left.split_once('[') {
        Some((field, key)) => (field, Some(unquoted(key.strip_suffix(']')?)?)),
        None => (left, None),
    };
    let known = ["status", "customer", "metadata", "currency"].contains(&field);
    (known && key.is_some() == (field == "metadata")).then_some(())?;
    Some((field.to_owned(), key, unquoted(value)?))
}

fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inner.replace(&format!("\\{quote}"), &quote.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_of_a_search_are_read() {
        let read = clause(r#"metadata["tillbox_operation"]:"payop_1""#).unwrap();
        assert_eq!(read, ("metadata".into(), Some("tillbox_operation".into()), "payop_1".into()));
        assert_eq!(clause("status:'succeeded'").unwrap().2, "succeeded");
        for wrong in ["status", "metadata:'x'", "status['a']:'x'", "amount:'1'", "status:succeeded"] {
            assert_eq!(clause(wrong), None, "{wrong}");
        }
    }
}
