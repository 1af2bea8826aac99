//! A payment with its captures and refunds.

use serde::Serialize;

use crate::http::wire::parts::{Raw, currency_code, number, optional_time, raw, time};
use crate::service::PaymentView;

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

#[derive(Debug, Serialize)]
struct CaptureAnswer {
    id: String,
    payment_id: String,
    amount: Raw,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct RefundAnswer {
    id: String,
    payment_id: String,
    amount: Raw,
    note: Option<String>,
    created_at: String,
}

impl From<&PaymentView> for PaymentAnswer {
    fn from(view: &PaymentView) -> Self {
        let payment = &view.payment;
        let captures = view.captures.iter().map(|capture| CaptureAnswer {
            id: capture.id.to_string(),
            payment_id: payment.id.to_string(),
            amount: number(capture.amount),
            created_at: time(capture.created_at),
        });
        let refunds = view.refunds.iter().map(|refund| RefundAnswer {
            id: refund.id.to_string(),
            payment_id: payment.id.to_string(),
            amount: number(refund.amount),
            note: refund.note.clone(),
            created_at: time(refund.created_at),
        });
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
            captures: captures.collect(),
            refunds: refunds.collect(),
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
