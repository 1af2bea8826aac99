//! A payment with its captures and refunds.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::{
    CaptureId, CollectionId, OperationId, PaymentId, ProviderId, RefundId, RefundReasonId, SessionId,
};
use tillbox_core::operation::GivenReason;

use super::{SessionAnswer, SummaryAnswer, UncertainAnswer};
use crate::http::wire::parts::{
    CurrencyCode, Decimal, IdOf, Object, RawAmount, Time, chosen, currency_code, number, optional_time, raw,
    raw_amount, time,
};
use crate::http::wire::select::Chosen;
use crate::http::wire::shape::{PAYMENT_COLLECTION, PAYMENT_SESSION};
use crate::service::{Capture, PaymentView, Refund};

/// A payment with its captures and refunds, for operators.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct PaymentAnswer {
    id: IdOf<PaymentId>,
    payment_collection_id: IdOf<CollectionId>,
    payment_session_id: IdOf<SessionId>,
    provider_id: IdOf<ProviderId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    raw_amount: RawAmount,
    captured_amount: Decimal,
    refunded_amount: Decimal,
    /// Held by captures of which nobody knows yet whether they happened.
    reserved_capture_amount: Decimal,
    /// The same for refunds.
    reserved_refund_amount: Decimal,
    disputed_amount: Decimal,
    uncertain: Option<UncertainAnswer>,
    captures: Vec<CaptureAnswer>,
    refunds: Vec<RefundAnswer>,
    data: Object,
    provider_reference: Option<String>,
    metadata: Option<Object>,
    captured_at: Option<Time>,
    canceled_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_collection: Option<SummaryAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_session: Option<SessionAnswer>,
}

/// A capture.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct CaptureAnswer {
    id: IdOf<CaptureId>,
    payment_id: IdOf<PaymentId>,
    operation_id: IdOf<OperationId>,
    amount: Decimal,
    raw_amount: RawAmount,
    currency_code: CurrencyCode,
    created_by: Option<String>,
    metadata: Option<Object>,
    created_at: Time,
    updated_at: Time,
}

impl From<&Capture> for CaptureAnswer {
    fn from(capture: &Capture) -> Self {
        Self {
            id: (&capture.id).into(),
            payment_id: (&capture.payment).into(),
            operation_id: (&capture.operation).into(),
            amount: number(capture.amount),
            raw_amount: raw_amount(capture.amount),
            currency_code: currency_code(capture.amount),
            created_by: capture.created_by.clone(),
            metadata: capture.metadata.as_ref().map(raw),
            created_at: time(capture.created_at),
            updated_at: time(capture.updated_at),
        }
    }
}

/// A refund.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct RefundAnswer {
    id: IdOf<RefundId>,
    payment_id: IdOf<PaymentId>,
    operation_id: IdOf<OperationId>,
    amount: Decimal,
    raw_amount: RawAmount,
    currency_code: CurrencyCode,
    refund_reason_id: Option<IdOf<RefundReasonId>>,
    /// The code the reason had when the refund was made.
    refund_reason_code: Option<String>,
    refund_reason: Option<GivenReasonAnswer>,
    note: Option<String>,
    created_by: Option<String>,
    metadata: Option<Object>,
    created_at: Time,
    updated_at: Time,
}

/// The reason of a refund as it was when it was given.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = chosen)]
pub(in crate::http) struct GivenReasonAnswer {
    id: IdOf<RefundReasonId>,
    label: String,
    code: String,
}

impl From<&GivenReason> for GivenReasonAnswer {
    fn from(reason: &GivenReason) -> Self {
        let label = reason.label.as_ref().unwrap_or(&reason.code).clone();
        Self { id: (&reason.id).into(), label, code: reason.code.clone() }
    }
}

impl From<&Refund> for RefundAnswer {
    fn from(refund: &Refund) -> Self {
        Self {
            id: (&refund.id).into(),
            payment_id: (&refund.payment).into(),
            operation_id: (&refund.operation).into(),
            amount: number(refund.amount),
            raw_amount: raw_amount(refund.amount),
            currency_code: currency_code(refund.amount),
            refund_reason_id: refund.reason.as_ref().map(|reason| (&reason.id).into()),
            refund_reason_code: refund.reason.as_ref().map(|reason| reason.code.clone()),
            refund_reason: refund.reason.as_ref().map(GivenReasonAnswer::from),
            note: refund.note.clone(),
            created_by: refund.created_by.clone(),
            metadata: refund.metadata.as_ref().map(raw),
            created_at: time(refund.created_at),
            updated_at: time(refund.updated_at),
        }
    }
}

impl PaymentAnswer {
    /// With the parts that are put together only where they are wanted.
    pub(in crate::http) fn chosen(view: &PaymentView, chosen: &Chosen) -> Self {
        Self {
            payment_collection: chosen.wants(PAYMENT_COLLECTION).then(|| SummaryAnswer::from(&view.summary)),
            payment_session: chosen.wants(PAYMENT_SESSION).then(|| SessionAnswer::listed(&view.session)),
            ..Self::from(view)
        }
    }
}

impl From<&PaymentView> for PaymentAnswer {
    fn from(view: &PaymentView) -> Self {
        let payment = &view.payment;
        Self {
            id: (&payment.id).into(),
            payment_collection_id: (&view.collection).into(),
            payment_session_id: (&payment.session).into(),
            provider_id: (&payment.provider).into(),
            currency_code: currency_code(payment.amount),
            amount: number(payment.amount),
            raw_amount: raw_amount(payment.amount),
            captured_amount: number(view.captured),
            refunded_amount: number(view.refunded),
            reserved_capture_amount: number(view.reserved_captures),
            reserved_refund_amount: number(view.reserved_refunds),
            disputed_amount: number(payment.disputed),
            uncertain: view.uncertain.map(Into::into),
            captures: view.captures.iter().map(CaptureAnswer::from).collect(),
            refunds: view.refunds.iter().map(RefundAnswer::from).collect(),
            data: raw(&payment.data),
            provider_reference: payment.provider_reference.clone(),
            metadata: payment.metadata.as_ref().map(raw),
            captured_at: optional_time(payment.captured_at),
            canceled_at: optional_time(payment.canceled_at),
            created_at: time(payment.created_at),
            updated_at: time(payment.updated_at),
            deleted_at: optional_time(view.summary.deleted_at),
            payment_collection: None,
            payment_session: None,
        }
    }
}

/// A payment, for storefronts.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct StorePaymentAnswer {
    id: IdOf<PaymentId>,
    payment_collection_id: IdOf<CollectionId>,
    payment_session_id: IdOf<SessionId>,
    provider_id: IdOf<ProviderId>,
    currency_code: CurrencyCode,
    amount: Decimal,
    captured_at: Option<Time>,
    canceled_at: Option<Time>,
    created_at: Time,
}

impl From<&PaymentView> for StorePaymentAnswer {
    fn from(view: &PaymentView) -> Self {
        let payment = &view.payment;
        Self {
            id: (&payment.id).into(),
            payment_collection_id: (&view.collection).into(),
            payment_session_id: (&payment.session).into(),
            provider_id: (&payment.provider).into(),
            currency_code: currency_code(payment.amount),
            amount: number(payment.amount),
            captured_at: optional_time(payment.captured_at),
            canceled_at: optional_time(payment.canceled_at),
            created_at: time(payment.created_at),
        }
    }
}
