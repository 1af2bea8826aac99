//! What there is to choose from in answers: the names of their fields and of the parts they hold, and what is shown where
//! nothing is chosen.
//!
//! A name that is not here cannot be asked for, so a storefront's shapes are also what keeps the rest from it. Tests hold
//! them against the answers.

/// The fields of one kind of thing.
#[derive(Debug)]
pub(in crate::http) struct Shape {
    /// What it is called in errors.
    pub(super) what: &'static str,
    /// Fields without parts.
    pub(super) names: &'static [&'static str],
    /// What belongs to it, by the name of its field.
    pub(super) parts: &'static [(&'static str, &'static Shape)],
}

impl Shape {
    /// The names of its fields and of its parts.
    pub(super) fn words(&self) -> Vec<&'static str> {
        self.names.iter().copied().chain(self.parts.iter().map(|(name, _)| *name)).collect()
    }
}

const fn flat(what: &'static str, names: &'static [&'static str]) -> Shape {
    Shape { what, names, parts: &[] }
}

/// The field that is always there.
pub(super) const ID: &str = "id";

pub(super) const PROVIDER: Shape = flat("payment provider", &["id", "is_enabled"]);

pub(super) const REASON: Shape = flat(
    "refund reason",
    &["id", "label", "code", "description", "metadata", "created_at", "updated_at", "deleted_at"],
);

pub(super) const GIVEN_REASON: Shape = flat("refund reason", &["id", "label", "code"]);

pub(super) const CAPTURE: Shape = flat(
    "capture",
    &[
        "id",
        "payment_id",
        "operation_id",
        "amount",
        "raw_amount",
        "currency_code",
        "created_by",
        "metadata",
        "created_at",
        "updated_at",
    ],
);

pub(super) const REFUND: Shape = Shape {
    what: "refund",
    names: &[
        "id",
        "payment_id",
        "operation_id",
        "amount",
        "raw_amount",
        "currency_code",
        "refund_reason_id",
        "refund_reason_code",
        "note",
        "created_by",
        "metadata",
        "created_at",
        "updated_at",
    ],
    parts: &[("refund_reason", &GIVEN_REASON)],
};

pub(super) const SESSION: Shape = flat(
    "payment session",
    &[
        "id",
        "payment_collection_id",
        "provider_id",
        "currency_code",
        "amount",
        "raw_amount",
        "status",
        "uncertain",
        "data",
        "client_data",
        "context",
        "provider_reference",
        "next_action",
        "decline",
        "metadata",
        "authorized_at",
        "created_at",
        "updated_at",
        "deleted_at",
    ],
);

/// A collection without what is in it.
pub(super) const SUMMARY: Shape = flat(
    "payment collection",
    &[
        "id",
        "currency_code",
        "amount",
        "raw_amount",
        "status",
        "authorized_amount",
        "captured_amount",
        "refunded_amount",
        "cart_id",
        "order_id",
        "customer_id",
        "client_secret",
        "metadata",
        "uncertain",
        "completed_at",
        "canceled_at",
        "created_at",
        "updated_at",
        "deleted_at",
    ],
);

const PAYMENT_NAMES: &[&str] = &[
    "id",
    "payment_collection_id",
    "payment_session_id",
    "provider_id",
    "currency_code",
    "amount",
    "raw_amount",
    "captured_amount",
    "refunded_amount",
    "reserved_capture_amount",
    "reserved_refund_amount",
    "disputed_amount",
    "uncertain",
    "data",
    "provider_reference",
    "metadata",
    "captured_at",
    "canceled_at",
    "created_at",
    "updated_at",
    "deleted_at",
];

/// A payment in its collection.
pub(super) const PAYMENT_PART: Shape =
    Shape { what: "payment", names: PAYMENT_NAMES, parts: &[("captures", &CAPTURE), ("refunds", &REFUND)] };

pub(super) const PAYMENT: Shape = Shape {
    what: "payment",
    names: PAYMENT_NAMES,
    parts: &[("captures", &CAPTURE), ("refunds", &REFUND), (PAYMENT_COLLECTION, &SUMMARY), (PAYMENT_SESSION, &SESSION)],
};

pub(super) const COLLECTION: Shape = Shape {
    what: "payment collection",
    names: SUMMARY.names,
    parts: &[("payment_sessions", &SESSION), ("payments", &PAYMENT_PART)],
};

/// The parts of a payment that are put together only where they are asked for.
pub(in crate::http) const PAYMENT_COLLECTION: &str = "payment_collection";
pub(in crate::http) const PAYMENT_SESSION: &str = "payment_session";

/// A session, for storefronts: without payer, notes and a provider's private state.
pub(super) const STORE_SESSION: Shape = flat(
    "payment session",
    &[
        "id",
        "payment_collection_id",
        "provider_id",
        "currency_code",
        "amount",
        "raw_amount",
        "status",
        "data",
        "next_action",
        "decline",
        "authorized_at",
        "created_at",
        "updated_at",
        "deleted_at",
    ],
);

pub(super) const STORE_COLLECTION: Shape = Shape {
    what: "payment collection",
    names: &[
        "id",
        "currency_code",
        "amount",
        "raw_amount",
        "status",
        "authorized_amount",
        "captured_amount",
        "refunded_amount",
        "completed_at",
        "created_at",
        "updated_at",
        "deleted_at",
        "client_secret",
    ],
    parts: &[("payment_sessions", &STORE_SESSION)],
};

/// What the reference shows of a payment, and what only this host has: sums, and what is a question.
pub(super) const PAYMENT_DEFAULT: &str = "id,currency_code,amount,captured_at,payment_collection_id,payment_session_id,\
     captures.id,captures.amount,refunds.id,refunds.amount,refunds.note,refunds.payment_id,refunds.refund_reason.label,\
     refunds.refund_reason.code,captured_amount,refunded_amount,reserved_capture_amount,reserved_refund_amount,\
     disputed_amount,uncertain,captures.operation_id,refunds.operation_id";

/// All of a payment, on routes that the reference does not have.
pub(super) const PAYMENT_WHOLE: &str = "*,captures.*,refunds.*,refunds.refund_reason.*";

/// What the reference shows of a collection, and what only this host takes and has.
pub(super) const COLLECTION_DEFAULT: &str = "id,currency_code,amount,status,authorized_amount,captured_amount,refunded_amount,\
     *payment_sessions,*payments,cart_id,order_id,customer_id,client_secret,metadata,uncertain";

/// All of a collection, on routes that the reference does not have.
pub(super) const COLLECTION_WHOLE: &str =
    "*,*payment_sessions,*payments,*payments.captures,*payments.refunds,*payments.refunds.refund_reason";

pub(super) const STORE_COLLECTION_DEFAULT: &str = "id,currency_code,amount,status,client_secret,*payment_sessions";

pub(super) const REFUND_WHOLE: &str = "*,*refund_reason";

/// For kinds of things that are always shown whole where nothing is chosen.
pub(super) const WHOLE: &str = "*";
