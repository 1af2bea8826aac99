//! Which answers can be chosen from, in which member, and what they show where nothing is chosen.
//!
//! Routes that the reference has show what it shows, and what only this host has; routes of our own show all.

use super::{
    Captures, ChangedPayment, Collections, NewCollectionAnswer, NewSessionAnswer, NewStoreSessionAnswer, OneCapture,
    OneCollection, OnePayment, OneProvider, OneRefund, OneRefundReason, OneSession, OneStoreCollection,
    OneStoreSession, Payments, ProvidersAnswer, RefundReasons, Refunds, Sessions,
};
use crate::http::wire::select::Choosable;
use crate::http::wire::shape::{
    CAPTURE, COLLECTION, COLLECTION_DEFAULT, COLLECTION_WHOLE, PAYMENT, PAYMENT_DEFAULT, PAYMENT_WHOLE, PROVIDER,
    REASON, REFUND, REFUND_WHOLE, SESSION, STORE_COLLECTION, STORE_COLLECTION_DEFAULT, STORE_SESSION, Shape, WHOLE,
};

macro_rules! choosable {
    ($($answer:ident . $member:literal: $shape:ident, $default:ident;)+) => {
        $(impl Choosable for $answer {
            const MEMBER: &'static str = $member;
            const SHAPE: &'static Shape = &$shape;
            const DEFAULT: &'static str = $default;
        })+
    };
}

choosable! {
    NewCollectionAnswer."payment_collection": COLLECTION, COLLECTION_DEFAULT;
    NewSessionAnswer."payment_collection": COLLECTION, COLLECTION_DEFAULT;
    OneCollection."payment_collection": COLLECTION, COLLECTION_WHOLE;
    Collections."payment_collections": COLLECTION, COLLECTION_WHOLE;
    OneStoreCollection."payment_collection": STORE_COLLECTION, STORE_COLLECTION_DEFAULT;
    NewStoreSessionAnswer."payment_collection": STORE_COLLECTION, STORE_COLLECTION_DEFAULT;
    OneSession."payment_session": SESSION, WHOLE;
    Sessions."payment_sessions": SESSION, WHOLE;
    OneStoreSession."payment_session": STORE_SESSION, WHOLE;
    OnePayment."payment": PAYMENT, PAYMENT_DEFAULT;
    Payments."payments": PAYMENT, PAYMENT_DEFAULT;
    ChangedPayment."payment": PAYMENT, PAYMENT_WHOLE;
    OneCapture."capture": CAPTURE, WHOLE;
    Captures."captures": CAPTURE, WHOLE;
    OneRefund."refund": REFUND, REFUND_WHOLE;
    Refunds."refunds": REFUND, REFUND_WHOLE;
    OneRefundReason."refund_reason": REASON, WHOLE;
    RefundReasons."refund_reasons": REASON, WHOLE;
    OneProvider."payment_provider": PROVIDER, WHOLE;
    ProvidersAnswer."payment_providers": PROVIDER, WHOLE;
}
