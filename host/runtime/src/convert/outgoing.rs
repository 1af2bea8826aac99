//! From the host to a provider. Nothing is checked here: whoever made these types did.

use tillbox_core::Money;
use tillbox_core::operation::OperationKind;
use tillbox_core::outcome::OperationReference;

use crate::bindings::exports::tillbox::provider::{payments, webhooks};
use crate::bindings::tillbox::provider::types;
use crate::request::{
    AccountHolder, Address, AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, Customer, DeleteRequest,
    Delivery, Environment, InitiateRequest, PaymentState, RefundRequest, RetrieveRequest, UpdateRequest,
};

fn money(money: Money) -> types::Money {
    let currency = money.currency();
    types::Money {
        minor_units: money.minor_units(),
        exponent: currency.exponent(),
        currency: currency.code().to_owned(),
    }
}

pub(crate) fn context(context: CallContext) -> types::Context {
    types::Context {
        operation_id: context.operation.as_str().to_owned(),
        idempotency_key: context.idempotency_key,
        attempt: context.attempt,
        deadline_ms: context.deadline_ms,
        collection_id: context.collection.map(|id| id.as_str().to_owned()),
        session_id: context.session.map(|id| id.as_str().to_owned()),
        payment_id: context.payment.map(|id| id.as_str().to_owned()),
        environment: match context.environment {
            Environment::Test => types::Environment::Test,
            Environment::Live => types::Environment::Live,
        },
        locale: context.locale,
        customer: context.customer.map(customer),
        account_holder: context.account_holder.map(account_holder),
        extensions: context.extensions.as_str().to_owned(),
    }
}

fn customer(customer: Customer) -> types::Customer {
    types::Customer {
        id: customer.id,
        email: customer.email,
        name: customer.name,
        phone: customer.phone,
        billing_address: customer.billing_address.map(address),
    }
}

fn address(address: Address) -> types::Address {
    types::Address {
        line1: address.line1,
        line2: address.line2,
        city: address.city,
        region: address.region,
        postal_code: address.postal_code,
        country_code: address.country_code,
    }
}

fn account_holder(holder: AccountHolder) -> types::AccountHolder {
    types::AccountHolder { external_id: holder.external_id, data: holder.data.as_str().to_owned() }
}

pub(crate) fn payment_state(payment: PaymentState) -> payments::PaymentState {
    payments::PaymentState {
        data: payment.data.as_str().to_owned(),
        provider_reference: payment.provider_reference,
        amount: money(payment.amount),
        captured: money(payment.captured),
        refunded: money(payment.refunded),
    }
}

pub(crate) fn initiate(request: InitiateRequest) -> payments::InitiateRequest {
    payments::InitiateRequest { amount: money(request.amount), input: request.input.as_str().to_owned() }
}

pub(crate) fn update(request: UpdateRequest) -> payments::UpdateRequest {
    payments::UpdateRequest {
        payment: payment_state(request.payment),
        amount: money(request.amount),
        input: request.input.as_str().to_owned(),
    }
}

pub(crate) fn authorize(request: AuthorizeRequest) -> payments::AuthorizeRequest {
    payments::AuthorizeRequest { payment: payment_state(request.payment), input: request.input.as_str().to_owned() }
}

pub(crate) fn capture(request: CaptureRequest) -> payments::CaptureRequest {
    payments::CaptureRequest {
        payment: payment_state(request.payment),
        amount: money(request.amount),
        capture_id: request.capture.as_str().to_owned(),
        is_final: request.is_final,
    }
}

pub(crate) fn refund(request: RefundRequest) -> payments::RefundRequest {
    payments::RefundRequest {
        payment: payment_state(request.payment),
        amount: money(request.amount),
        refund_id: request.refund.as_str().to_owned(),
        reason: request.reason,
        note: request.note,
    }
}

pub(crate) fn cancel(request: CancelRequest) -> payments::CancelRequest {
    payments::CancelRequest { payment: payment_state(request.payment), reason: request.reason }
}

pub(crate) fn delete(request: DeleteRequest) -> payments::DeleteRequest {
    payments::DeleteRequest { payment: payment_state(request.payment) }
}

pub(crate) fn retrieve(request: RetrieveRequest) -> payments::RetrieveRequest {
    payments::RetrieveRequest {
        payment: payment_state(request.payment),
        operation: request.operation.map(operation_reference),
    }
}

fn operation_reference(reference: OperationReference) -> payments::OperationReference {
    payments::OperationReference {
        operation_id: reference.operation.as_str().to_owned(),
        idempotency_key: reference.idempotency_key,
        kind: match reference.kind {
            OperationKind::Initiate => types::OperationKind::Initiate,
            OperationKind::Update => types::OperationKind::Update,
            OperationKind::Authorize => types::OperationKind::Authorize,
            OperationKind::Capture => types::OperationKind::Capture,
            OperationKind::Refund => types::OperationKind::Refund,
            OperationKind::Cancel => types::OperationKind::Cancel,
            OperationKind::Delete => types::OperationKind::Delete,
        },
        amount: reference.amount.map(money),
    }
}

/// Header values become text one byte a character (ISO 8859-1), so that nothing is lost.
pub(crate) fn delivery(delivery: Delivery) -> webhooks::Delivery {
    let header = |header: crate::request::DeliveryHeader| webhooks::Header {
        name: header.name,
        value: header.value.iter().copied().map(char::from).collect(),
    };
    webhooks::Delivery {
        headers: delivery.headers.into_iter().map(header).collect(),
        query: delivery.query,
        body: delivery.body,
        // Nothing is received before 1970.
        received_at_ms: u64::try_from(delivery.received_at.milliseconds()).unwrap_or(0),
    }
}
