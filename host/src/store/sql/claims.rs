//! The statements that claim due work. The databases differ in one thing: where several hosts write at once, rows that
//! another claim holds at this moment are passed over instead of waited for.

use tillbox_core::Timestamp;
use tillbox_core::id::{OperationId, ProviderId};

use super::decode::delivery_columns;
use super::{Row, Value};
use crate::store::{Claimed, StoreError, Whose};

/// Passes over rows that another transaction holds. The only words that one of the databases does not understand.
pub(in crate::store) const SKIP_LOCKED: &str = " for update skip locked";

/// Claims operations and returns them; the rows come in no order. Places are numbered as they appear, which both need.
///
/// The rows are chosen once, in a materialized list: as a part of the update they might be chosen again for each row. A row
/// that another host has changed between the choice and its lock is looked at again by the database and left out.
pub(in crate::store) fn operations(
    whose: &Whose,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    lock: &str,
) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = vec![now.0.into()];
    let among = match whose {
        Whose::Everybodys => String::new(),
        Whose::Of(provider) => {
            values.push(provider.as_str().into());
            "and provider_id = $2 ".to_owned()
        }
        Whose::NotOf(providers) if providers.is_empty() => String::new(),
        Whose::NotOf(providers) => {
            values.extend(providers.iter().map(|provider| Value::from(provider.as_str())));
            let places: Vec<String> = (2..=values.len()).map(|place| format!("${place}")).collect();
            format!("and provider_id not in ({}) ", places.join(", "))
        }
    };
    values.extend([i64::from(limit).into(), until.0.into()]);
    let (limit, until) = (values.len() - 1, values.len());
    let sql = format!(
        "with due as materialized ( \
           select id from operation where next_action_at <= $1 and (claimed_until is null or claimed_until <= $1) {among}\
           order by next_action_at limit ${limit}{lock} \
         ) update operation set claimed_until = ${until} from due where operation.id = due.id \
         returning operation.id, operation.provider_id, operation.next_action_at"
    );
    (sql, values)
}

/// Claims deliveries and returns them; the rows come in no order.
pub(in crate::store) fn deliveries(now: Timestamp, until: Timestamp, limit: u32, lock: &str) -> (String, Vec<Value>) {
    let columns = delivery_columns!();
    let sql = format!(
        "with due as materialized ( \
           select id as due_id from delivery \
           where next_action_at <= $1 and (claimed_until is null or claimed_until <= $1) \
           order by next_action_at limit $2{lock} \
         ) update delivery set claimed_until = $3 from due where delivery.id = due.due_id returning {columns}"
    );
    (sql, vec![now.0.into(), i64::from(limit).into(), until.0.into()])
}

/// Whether anything is due at all, for a database where a look is much cheaper than a claim.
pub(in crate::store) const ANY_OPERATION: &str = "select id from operation where next_action_at <= $1 limit 1";

/// The same for deliveries.
pub(in crate::store) const ANY_DELIVERY: &str = "select id from delivery where next_action_at <= $1 limit 1";

/// Claimed operations, those that have waited longest first.
pub(in crate::store) fn claimed(rows: &[Row]) -> Result<Vec<Claimed>, StoreError> {
    let mut claimed = rows.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    claimed.sort_by(|one, other| (one.due_at, &one.id).cmp(&(other.due_at, &other.id)));
    Ok(claimed)
}

fn one(row: &Row) -> Result<Claimed, StoreError> {
    let place = row.place();
    Ok(Claimed {
        id: place.id(OperationId::parse(row.text(0)?))?,
        provider: place.id(ProviderId::parse(row.text(1)?))?,
        due_at: Timestamp(row.int(2)?),
    })
}
