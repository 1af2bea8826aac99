//! What each list can be filtered by: the names of the query, and how their values are read.

use tillbox_core::id::{CaptureId, CollectionId, PaymentId, ProviderId, RefundId, RefundReasonId, SessionId};
use tillbox_core::status::{CollectionStatus, SessionStatus};

use super::kind::{Kind, Names};
use super::query::{CREATED_AT, Filter, Holds, UPDATED_AT};
use crate::currency::lookup;
use crate::service::{FIELD_BYTES_MAX, ProviderField};
use crate::store::{CollectionField, MovementField, PaymentField, ReasonField, SessionField};

/// Ids of a kind.
macro_rules! ids {
    ($id:ty) => {
        Holds::Text(Kind::Id(<$id>::PREFIX), |text| <$id>::parse(text).is_ok().then(|| text.to_owned()))
    };
}

/// Names of a kind.
macro_rules! names {
    ($kind:ty) => {
        Holds::Text(Kind::Word(<$kind as Names>::all), |text| <$kind>::parse(text).map(|_| text.to_owned()))
    };
}

/// Texts of the caller's own.
const TEXTS: Holds = Holds::Text(Kind::Like { pattern: NO_COMMA, least: 0, most: FIELD_BYTES_MAX }, |text| {
    (text.len() <= FIELD_BYTES_MAX).then(|| text.to_owned())
});

/// Kept in upper case, written in lower.
const CURRENCIES: Holds =
    Holds::Text(Kind::Currency, |code| lookup(code).ok().map(|currency| currency.code().to_owned()));

const fn filter<F: Copy>(name: &'static str, field: F, holds: Holds) -> Filter<F> {
    Filter { name, field, holds }
}

/// A text without commas: several of them stand in one value.
const NO_COMMA: &str = "^[^,]*$";

pub(super) const PAYMENTS: &[Filter<PaymentField>] = &[
    filter("id", PaymentField::Id, ids!(PaymentId)),
    filter("payment_collection_id", PaymentField::Collection, ids!(CollectionId)),
    filter("payment_session_id", PaymentField::Session, ids!(SessionId)),
    filter("provider_id", PaymentField::Provider, ids!(ProviderId)),
    filter("currency_code", PaymentField::Currency, CURRENCIES),
    filter("captured", PaymentField::CapturedAt, Holds::Anything),
    filter("canceled", PaymentField::CanceledAt, Holds::Anything),
    filter("captured_at", PaymentField::CapturedAt, Holds::Time(&["captured_at[$gte]", "captured_at[$lte]"])),
    filter("canceled_at", PaymentField::CanceledAt, Holds::Time(&["canceled_at[$gte]", "canceled_at[$lte]"])),
    filter("created_at", PaymentField::CreatedAt, Holds::Time(CREATED_AT)),
    filter("updated_at", PaymentField::UpdatedAt, Holds::Time(UPDATED_AT)),
    filter("deleted_at", PaymentField::DeletedAt, Holds::Time(&["deleted_at[$gte]", "deleted_at[$lte]"])),
];

pub(super) const COLLECTIONS: &[Filter<CollectionField>] = &[
    filter("id", CollectionField::Id, ids!(CollectionId)),
    filter("cart_id", CollectionField::Cart, TEXTS),
    filter("order_id", CollectionField::Order, TEXTS),
    filter("status", CollectionField::Status, names!(CollectionStatus)),
    filter("currency_code", CollectionField::Currency, CURRENCIES),
    filter("completed_at", CollectionField::CompletedAt, Holds::Time(&["completed_at[$gte]", "completed_at[$lte]"])),
    filter("created_at", CollectionField::CreatedAt, Holds::Time(CREATED_AT)),
    filter("updated_at", CollectionField::UpdatedAt, Holds::Time(UPDATED_AT)),
    filter("deleted_at", CollectionField::DeletedAt, Holds::Time(&["deleted_at[$gte]", "deleted_at[$lte]"])),
];

pub(super) const SESSIONS: &[Filter<SessionField>] = &[
    filter("id", SessionField::Id, ids!(SessionId)),
    filter("payment_collection_id", SessionField::Collection, ids!(CollectionId)),
    filter("provider_id", SessionField::Provider, ids!(ProviderId)),
    filter("status", SessionField::Status, names!(SessionStatus)),
    filter("currency_code", SessionField::Currency, CURRENCIES),
    filter("authorized_at", SessionField::AuthorizedAt, Holds::Time(&["authorized_at[$gte]", "authorized_at[$lte]"])),
    filter("created_at", SessionField::CreatedAt, Holds::Time(CREATED_AT)),
    filter("updated_at", SessionField::UpdatedAt, Holds::Time(UPDATED_AT)),
];

pub(super) const REASONS: &[Filter<ReasonField>] = &[
    filter("id", ReasonField::Id, ids!(RefundReasonId)),
    filter("code", ReasonField::Code, TEXTS),
    filter("label", ReasonField::Label, TEXTS),
    filter("created_at", ReasonField::CreatedAt, Holds::Time(CREATED_AT)),
    filter("updated_at", ReasonField::UpdatedAt, Holds::Time(UPDATED_AT)),
    filter("deleted_at", ReasonField::DeletedAt, Holds::Time(&["deleted_at[$gte]", "deleted_at[$lte]"])),
];

pub(super) const CAPTURES: &[Filter<MovementField>] = &[
    filter("id", MovementField::Id, ids!(CaptureId)),
    filter("payment_id", MovementField::Payment, ids!(PaymentId)),
    filter("created_by", MovementField::CreatedBy, TEXTS),
    filter("created_at", MovementField::CreatedAt, Holds::Time(CREATED_AT)),
    filter("updated_at", MovementField::UpdatedAt, Holds::Time(UPDATED_AT)),
];

pub(super) const REFUNDS: &[Filter<MovementField>] = &[
    filter("id", MovementField::Id, ids!(RefundId)),
    filter("payment_id", MovementField::Payment, ids!(PaymentId)),
    filter("refund_reason_id", MovementField::Reason, ids!(RefundReasonId)),
    filter("created_by", MovementField::CreatedBy, TEXTS),
    filter("created_at", MovementField::CreatedAt, Holds::Time(CREATED_AT)),
    filter("updated_at", MovementField::UpdatedAt, Holds::Time(UPDATED_AT)),
];

pub(super) const PROVIDERS: &[Filter<ProviderField>] = &[
    filter("id", ProviderField::Id, ids!(ProviderId)),
    filter("is_enabled", ProviderField::IsEnabled, Holds::Anything),
];

/// A storefront is shown only those that are.
pub(super) const STORE_PROVIDERS: &[Filter<ProviderField>] = &[filter("id", ProviderField::Id, ids!(ProviderId))];
