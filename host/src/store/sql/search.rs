//! The queries behind lists of collections and what is in them.

use super::{Conditions, Find};
use crate::store::{By, CaptureFilter, CollectionFilter, PaymentFilter, RefundFilter, SessionFilter, Wanted};

/// What sessions and payments are joined with: a deleted collection takes all of its own out of sight.
const IN_SIGHT: &str = "c.deleted_at is null";

fn column(by: By, columns: [&'static str; 4]) -> &'static str {
    let [id, created_at, updated_at, amount] = columns;
    match by {
        By::Id => id,
        By::CreatedAt => created_at,
        By::UpdatedAt => updated_at,
        By::Amount => amount,
    }
}

pub(in crate::store) fn collections(wanted: &Wanted<CollectionFilter>) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new("deleted_at is null");
    conditions.among("id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("cart_id", filter.cart_ids.iter().map(String::as_str));
    conditions.among("status", filter.statuses.iter().map(|status| status.as_str()));
    conditions.among("currency", filter.currencies.iter().map(String::as_str));
    conditions.within("created_at", filter.created);
    conditions.within("updated_at", filter.updated);
    conditions.contains(&["id", "cart_id"], filter.text.as_deref());
    let by = column(order.by, ["id", "created_at", "updated_at", "amount_minor"]);
    conditions.find("collection", "id", "collection", (by, "id", order.descending), *page)
}

pub(in crate::store) fn sessions(wanted: &Wanted<SessionFilter>) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new(IN_SIGHT);
    conditions.present("s.deleted_at", Some(false));
    conditions.among("s.id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("s.collection_id", filter.collections.iter().map(|id| id.as_str()));
    conditions.among("s.provider_id", filter.providers.iter().map(|id| id.as_str()));
    conditions.among("s.status", filter.statuses.iter().map(|status| status.as_str()));
    conditions.within("s.created_at", filter.created);
    conditions.within("s.updated_at", filter.updated);
    let by = column(order.by, ["s.id", "s.created_at", "s.updated_at", "s.amount_minor"]);
    let from = "session s join collection c on c.id = s.collection_id";
    conditions.find("session", "s.id, s.collection_id", from, (by, "s.id", order.descending), *page)
}

pub(in crate::store) fn payments(wanted: &Wanted<PaymentFilter>) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new(IN_SIGHT);
    conditions.among("p.id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("p.collection_id", filter.collections.iter().map(|id| id.as_str()));
    conditions.among("p.session_id", filter.sessions.iter().map(|id| id.as_str()));
    conditions.among("p.provider_id", filter.providers.iter().map(|id| id.as_str()));
    conditions.among("c.currency", filter.currencies.iter().map(String::as_str));
    conditions.present("p.captured_at", filter.captured);
    conditions.present("p.canceled_at", filter.canceled);
    conditions.within("p.created_at", filter.created);
    conditions.within("p.updated_at", filter.updated);
    conditions.contains(&["p.id", "p.session_id", "p.provider_reference"], filter.text.as_deref());
    let by = column(order.by, ["p.id", "p.created_at", "p.updated_at", "p.amount_minor"]);
    let from = "payment p join collection c on c.id = p.collection_id";
    conditions.find("payment", "p.id, p.collection_id", from, (by, "p.id", order.descending), *page)
}

pub(in crate::store) fn captures(wanted: &Wanted<CaptureFilter>) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new("o.kind = 'capture' and o.state = 'succeeded'");
    conditions.among("o.product_capture_id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("o.payment_id", filter.payments.iter().map(|id| id.as_str()));
    conditions.among("o.created_by", filter.created_by.iter().map(String::as_str));
    conditions.within("o.created_at", filter.created);
    done(conditions, "o.product_capture_id, o.collection_id", "o.product_capture_id", wanted_by(order), *page)
}

pub(in crate::store) fn refunds(wanted: &Wanted<RefundFilter>) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new("o.kind = 'refund' and o.state = 'succeeded'");
    conditions.among("o.product_refund_id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("o.payment_id", filter.payments.iter().map(|id| id.as_str()));
    conditions.among("o.refund_reason_id", filter.reasons.iter().map(|id| id.as_str()));
    conditions.among("o.created_by", filter.created_by.iter().map(String::as_str));
    conditions.within("o.created_at", filter.created);
    done(conditions, "o.product_refund_id, o.collection_id", "o.product_refund_id", wanted_by(order), *page)
}

fn wanted_by(order: &crate::store::Order) -> (By, bool) {
    (order.by, order.descending)
}

/// A collection with money is never deleted, so captures and refunds need not look at theirs.
fn done(
    conditions: Conditions,
    select: &'static str,
    id: &'static str,
    order: (By, bool),
    page: crate::store::Page,
) -> Find {
    let by = column(order.0, [id, "o.created_at", "o.updated_at", "o.amount_minor"]);
    conditions.find("operation", select, "operation o", (by, id, order.1), page)
}
