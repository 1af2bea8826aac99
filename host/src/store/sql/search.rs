//! The queries behind lists of collections and what is in them.

use super::{Conditions, Dialect, Find};
use crate::store::{
    By, CaptureFilter, CollectionField, CollectionFilter, MovementField, PaymentField, PaymentFilter, RefundFilter,
    SessionField, SessionFilter, Wanted,
};

/// What sessions and payments are joined with: a deleted collection takes all of its own out of sight.
const IN_SIGHT: &str = "c.deleted_at is null";

/// The same for those who want to see them.
const ANY: &str = "c.id is not null";

fn column(by: By, columns: [&'static str; 4]) -> &'static str {
    let [id, created_at, updated_at, amount] = columns;
    match by {
        By::Id | By::Label | By::Code => id,
        By::CreatedAt => created_at,
        By::UpdatedAt => updated_at,
        By::Amount => amount,
    }
}

pub(in crate::store) fn collections(wanted: &Wanted<CollectionFilter>, dialect: Dialect) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new(if filter.with_deleted { "id is not null" } else { "deleted_at is null" });
    conditions.among("id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("cart_id", filter.cart_ids.iter().map(String::as_str));
    conditions.among("status", filter.statuses.iter().map(|status| status.as_str()));
    conditions.among("currency", filter.currencies.iter().map(String::as_str));
    conditions.within("created_at", filter.created);
    conditions.within("updated_at", filter.updated);
    conditions.contains(&["id", "cart_id", "order_id"], filter.text.as_deref());
    conditions.meets(&filter.condition, dialect, |field| match field {
        CollectionField::Id => "id",
        CollectionField::Cart => "cart_id",
        CollectionField::Order => "order_id",
        CollectionField::Status => "status",
        CollectionField::Currency => "currency",
        CollectionField::CompletedAt => "completed_at",
        CollectionField::CreatedAt => "created_at",
        CollectionField::UpdatedAt => "updated_at",
        CollectionField::DeletedAt => "deleted_at",
    });
    let by = column(order.by, ["id", "created_at", "updated_at", "amount_minor"]);
    conditions.find("collection", "id", "collection", (by, "id", order.descending), *page)
}

pub(in crate::store) fn sessions(wanted: &Wanted<SessionFilter>, dialect: Dialect) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new(IN_SIGHT);
    conditions.present("s.deleted_at", Some(false));
    conditions.among("s.id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("s.collection_id", filter.collections.iter().map(|id| id.as_str()));
    conditions.among("s.provider_id", filter.providers.iter().map(|id| id.as_str()));
    conditions.among("s.status", filter.statuses.iter().map(|status| status.as_str()));
    conditions.within("s.created_at", filter.created);
    conditions.within("s.updated_at", filter.updated);
    conditions.meets(&filter.condition, dialect, |field| match field {
        SessionField::Id => "s.id",
        SessionField::Collection => "s.collection_id",
        SessionField::Provider => "s.provider_id",
        SessionField::Status => "s.status",
        SessionField::Currency => "c.currency",
        SessionField::AuthorizedAt => "s.authorized_at",
        SessionField::CreatedAt => "s.created_at",
        SessionField::UpdatedAt => "s.updated_at",
    });
    let by = column(order.by, ["s.id", "s.created_at", "s.updated_at", "s.amount_minor"]);
    let from = "session s join collection c on c.id = s.collection_id";
    conditions.find("session", "s.id, s.collection_id", from, (by, "s.id", order.descending), *page)
}

pub(in crate::store) fn payments(wanted: &Wanted<PaymentFilter>, dialect: Dialect) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new(if filter.with_deleted { ANY } else { IN_SIGHT });
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
    conditions.meets(&filter.condition, dialect, |field| match field {
        PaymentField::Id => "p.id",
        PaymentField::Collection => "p.collection_id",
        PaymentField::Session => "p.session_id",
        PaymentField::Provider => "p.provider_id",
        PaymentField::Currency => "c.currency",
        PaymentField::CapturedAt => "p.captured_at",
        PaymentField::CanceledAt => "p.canceled_at",
        PaymentField::CreatedAt => "p.created_at",
        PaymentField::UpdatedAt => "p.updated_at",
        PaymentField::DeletedAt => "c.deleted_at",
    });
    let by = column(order.by, ["p.id", "p.created_at", "p.updated_at", "p.amount_minor"]);
    let from = "payment p join collection c on c.id = p.collection_id";
    conditions.find("payment", "p.id, p.collection_id", from, (by, "p.id", order.descending), *page)
}

pub(in crate::store) fn captures(wanted: &Wanted<CaptureFilter>, dialect: Dialect) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new("o.kind = 'capture' and o.state = 'succeeded'");
    conditions.among("o.product_capture_id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("o.payment_id", filter.payments.iter().map(|id| id.as_str()));
    conditions.among("o.created_by", filter.created_by.iter().map(String::as_str));
    conditions.within("o.created_at", filter.created);
    conditions.meets(&filter.condition, dialect, |field| movement(field, "o.product_capture_id"));
    done(conditions, "o.product_capture_id, o.collection_id", "o.product_capture_id", wanted_by(order), *page)
}

pub(in crate::store) fn refunds(wanted: &Wanted<RefundFilter>, dialect: Dialect) -> Find {
    let Wanted { filter, order, page } = wanted;
    let mut conditions = Conditions::new("o.kind = 'refund' and o.state = 'succeeded'");
    conditions.among("o.product_refund_id", filter.ids.iter().map(|id| id.as_str()));
    conditions.among("o.payment_id", filter.payments.iter().map(|id| id.as_str()));
    conditions.among("o.refund_reason_id", filter.reasons.iter().map(|id| id.as_str()));
    conditions.among("o.created_by", filter.created_by.iter().map(String::as_str));
    conditions.within("o.created_at", filter.created);
    conditions.meets(&filter.condition, dialect, |field| movement(field, "o.product_refund_id"));
    done(conditions, "o.product_refund_id, o.collection_id", "o.product_refund_id", wanted_by(order), *page)
}

fn movement(field: MovementField, id: &'static str) -> &'static str {
    match field {
        MovementField::Id => id,
        MovementField::Payment => "o.payment_id",
        MovementField::Reason => "o.refund_reason_id",
        MovementField::CreatedBy => "o.created_by",
        MovementField::CreatedAt => "o.created_at",
        MovementField::UpdatedAt => "o.updated_at",
    }
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
