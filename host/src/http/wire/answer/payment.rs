//! A payment with its captures and refunds.

use serde::Serialize;

use super::UncertainAnswer;
use crate::http::wire::parts::{Raw, currency_code, number, optional_time, raw, time};
use crate::service::{Capture, PaymentView, Refund};

/// A payment with its captures and refunds, for operators.
#[derive(Debug, Serialize)]
pub(in crate::http) struct PaymentAnswer {
    id: String,
    payment_collection_id: String,
    payment_session_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    captured_amount: Raw,
    refunded_amount: Raw,
    /// Held by captures of which nobody knows yet whether they happened.
    reserved_capture_amount: Raw,
    /// The same for refunds.
    reserved_refund_amount: Raw,
    disputed_amount: Raw,
    uncertain: Option<UncertainAnswer>,
    captures: Vec<CaptureAnswer>,
    refunds: Vec<RefundAnswer>,
    data: Raw,
    provider_reference: Option<String>,
    metadata: Option<Raw>,
    captured_at: Option<String>,
    canceled_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// A capture.
#[derive(Debug, Serialize)]
pub(in crate::http) struct CaptureAnswer {
    id: String,
    payment_id: String,
    operation_id: String,
    amount: Raw,
    currency_code: String,
    created_by: Option<String>,
    metadata: Option<Raw>,
    created_at: String,
    updated_at: String,
}

impl From<&Capture> for CaptureAnswer {
    fn from(capture: &Capture) -> Self {
        Self {
            id: capture.id.to_string(),
            payment_id: capture.payment.to_string(),
            operation_id: capture.operation.to_string(),
            amount: number(capture.amount),
            currency_code: currency_code(capture.amount),
            created_by: capture.created_by.clone(),
            metadata: capture.metadata.as_ref().map(raw),
            created_at: time(capture.created_at),
            updated_at: time(capture.updated_at),
        }
    }
}

/// A refund.
#[derive(Debug, Serialize)]
pub(in crate::http) struct RefundAnswer {
    id: String,
    payment_id: String,
    operation_id: String,
    amount: Raw,
    currency_code: String,
    refund_reason_id: Option<String>,
    /// The code the reason had when the refund was made.
    refund_reason_code: Option<String>,
    note: Option<String>,
    created_by: Option<String>,
    metadata: Option<Raw>,
    created_at: String,
    updated_at: String,
}

impl From<&Refund> for RefundAnswer {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id.to_string(),
            payment_id: refund.payment.to_string(),
            operation_id: refund.operation.to_string(),
            amount: number(refund.amount),
            currency_code: currency_code(refund.amount),
            refund_reason_id: refund.reason.as_ref().map(|reason| reason.id.to_string()),
            refund_reason_code: refund.reason.as_ref().map(|reason| reason.code.clone()),
            note: refund.note.clone(),
            created_by: refund.created_by.clone(),
            metadata: refund.metadata.as_ref().map(raw),
            created_at: time(refund.created_at),
            updated_at: time(refund.updated_at),
        }
    }
}

impl From<&PaymentView> for PaymentAnswer {
    fn from(view: &PaymentView) -> Self {
        let payment = &view.payment;
        Self {
            id: payment.id.to_string(),
            payment_collection_id: view.collection.to_string(),
            payment_session_id: payment.session.to_string(),
            provider_id: payment.provider.to_string(),
            currency_code: currency_code(payment.amount),
            amount: number(payment.amount),
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
        }
    }
}

/// A payment, for storefronts.
#[derive(Debug, Serialize)]
pub(in crate::http) struct StorePaymentAnswer {
    id: String,
    payment_collection_id: String,
    payment_session_id: String,
    provider_id: String,
    currency_code: String,
    amount: Raw,
    captured_at: Option<String>,
    canceled_at: Option<String>,
    created_at: String,
}

impl From<&PaymentView> for StorePaymentAnswer {
    fn from(view: &PaymentView) -> Self {
        let payment = &view.payment;
        Self {
            id: payment.id.to_string(),
            payment_collection_id: view.collection.to_string(),
            payment_session_id: payment.session.to_string(),
            provider_id: payment.provider.to_string(),
            currency_code: currency_code(payment.amount),
            amount: number(payment.amount),
            captured_at: optional_time(payment.captured_at),
            canceled_at: optional_time(payment.canceled_at),
            created_at: time(payment.created_at),
        }
    }
}
