//! The whole contract, kept: every function of every interface answers with all that it was asked.
//!
//! Written with the SDK, so that what a host reads went through the SDK's conversions, both ways. It refuses to keep
//! anything and to decide anything: a test compares what it sent with what comes back.

use serde_json::{Value, json};
use tillbox_provider::{
    AccountHolder, Action, Address, AuthorizeRequest, CancelRequest, CaptureRequest, Context, Customer, DeleteRequest,
    Delivery, Environment, Error, Evidence, InitiateRequest, Json, Money, OperationKind, OperationReference, Outcome,
    PaymentMethod, PaymentState, Provider, ProviderInfo, RefundRequest, Rejection, Result, RetrieveRequest, Snapshot,
    Subject, UpdateRequest,
};

/// Every action a claim can have.
const ACTIONS: [Action; 9] = [
    Action::Authorized,
    Action::Captured,
    Action::Refunded,
    Action::Failed,
    Action::Pending,
    Action::RequiresMore,
    Action::Canceled,
    Action::Disputed,
    Action::NotSupported,
];

/// Keeps the whole contract.
#[derive(Debug)]
pub struct Whole;

tillbox_provider::register!(Whole, webhooks, account_holders, payment_methods);

impl Provider for Whole {
    fn describe() -> ProviderInfo {
        ProviderInfo::new("whole", "The whole contract", env!("CARGO_PKG_VERSION"))
    }

    fn initiate(context: &Context, request: &InitiateRequest) -> Result<Outcome> {
        let InitiateRequest { amount, input } = request;
        Ok(Outcome::pending(told(context, json!({ "amount": amount, "input": read(input)? }))?).amount(*amount))
    }

    fn update(context: &Context, request: &UpdateRequest) -> Result<Outcome> {
        let UpdateRequest { payment, amount, input } = request;
        let request = json!({ "payment": state(payment)?, "amount": amount, "input": read(input)? });
        Ok(Outcome::pending(told(context, request)?).amount(*amount))
    }

    fn authorize(context: &Context, request: &AuthorizeRequest) -> Result<Outcome> {
        let AuthorizeRequest { payment, input } = request;
        let request = json!({ "payment": state(payment)?, "input": read(input)? });
        Ok(Outcome::authorized(told(context, request)?).amount(payment.amount))
    }

    fn capture(context: &Context, request: &CaptureRequest) -> Result<Outcome> {
        let CaptureRequest { payment, amount, capture_id, is_final } = request;
        let request = json!({
            "payment": state(payment)?, "amount": amount, "capture_id": capture_id, "is_final": is_final,
        });
        Ok(Outcome::captured(told(context, request)?).amount(*amount).reference(capture_id))
    }

    fn refund(context: &Context, request: &RefundRequest) -> Result<Outcome> {
        let RefundRequest { payment, amount, refund_id, reason, note } = request;
        let request = json!({
            "payment": state(payment)?, "amount": amount, "refund_id": refund_id, "reason": reason, "note": note,
        });
        Ok(Outcome::captured(told(context, request)?).amount(*amount).reference(refund_id))
    }

    fn cancel(context: &Context, request: &CancelRequest) -> Result<Outcome> {
        let CancelRequest { payment, reason } = request;
        Ok(Outcome::canceled(told(context, json!({ "payment": state(payment)?, "reason": reason }))?))
    }

    fn delete(context: &Context, request: &DeleteRequest) -> Result<Outcome> {
        let DeleteRequest { payment } = request;
        Ok(Outcome::canceled(told(context, json!({ "payment": state(payment)? }))?))
    }

    fn retrieve(context: &Context, request: &RetrieveRequest) -> Result<Snapshot> {
        let RetrieveRequest { payment, operation } = request;
        let asked = operation.as_ref().map(reference);
        let outcome = Outcome::authorized(told(context, json!({ "payment": state(payment)?, "operation": asked }))?);
        let of_operation = operation.as_ref().map(|operation| {
            let outcome = Outcome::captured(Json::empty()).reference(&operation.operation_id);
            operation.amount.map_or(outcome.clone(), |amount| outcome.amount(amount))
        });
        let PaymentState { amount, captured, refunded, .. } = *payment;
        Ok(Snapshot { outcome, captured, refunded, disputed: amount, operation: of_operation })
    }

    fn status(context: &Context, payment: &PaymentState) -> Result<Outcome> {
        Ok(Outcome::authorized(told(context, json!({ "payment": state(payment)? }))?))
    }

    /// A delivery with a query speaks of that session, any other one of a reference; the body is an operation's id. A
    /// header `reject` says how to refuse it.
    fn receive_webhook(delivery: &Delivery) -> Result<Vec<Evidence>, Rejection> {
        let Delivery { headers, query, body, received_at_ms } = delivery;
        if let Some(how) = delivery.header("reject") {
            return Err(rejection(how));
        }
        let as_received: Vec<String> =
            headers.iter().map(|header| format!("{}={}", header.name, header.value)).collect();
        let operation_id = String::from_utf8_lossy(body);
        let claim = |action| {
            let event_id = as_received.join("&");
            let subject = if query.is_empty() {
                Subject::ProviderReference("ref-1".into())
            } else {
                Subject::Session(query.clone())
            };
            let claim = if action == Action::NotSupported {
                Evidence::not_supported(event_id)
            } else {
                Evidence::new(event_id, action, subject)
            };
            let amount =
                Money::new(i64::try_from(body.len()).unwrap_or(0), 2, "EUR").map_err(Error::invalid_request)?;
            let claim = claim.occurred_at_ms(*received_at_ms).amount(amount);
            Ok(claim.operation_id(operation_id.as_ref()).reason(format!("{action:?}")))
        };
        ACTIONS.into_iter().map(claim).collect()
    }

    fn create_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        let data = told(context, json!({ "function": "create", "input": read(input)? }))?;
        Ok(AccountHolder { external_id: format!("made-{}", context.operation_id), data })
    }

    fn update_account_holder(context: &Context, input: &Json) -> Result<AccountHolder> {
        let data = told(context, json!({ "function": "update", "input": read(input)? }))?;
        Ok(AccountHolder { external_id: kept(context)?.external_id.clone(), data })
    }

    fn retrieve_account_holder(context: &Context) -> Result<AccountHolder> {
        let data = told(context, json!({ "function": "retrieve" }))?;
        Ok(AccountHolder { external_id: kept(context)?.external_id.clone(), data })
    }

    /// Nothing can be told in an answer that is nothing, so a holder by the name of `tell` is told in an error.
    fn delete_account_holder(context: &Context) -> Result<()> {
        if kept(context)?.external_id != "tell" {
            return Ok(());
        }
        let told = told(context, json!({ "function": "delete-holder" }))?;
        Err(Error { data: Some(told), ..Error::conflict("as it was told").code("told") })
    }

    fn list_payment_methods(context: &Context) -> Result<Vec<PaymentMethod>> {
        let method = |id: &str| {
            let data = told(context, json!({ "function": "list", "id": id }))?;
            Ok(PaymentMethod { id: id.to_owned(), display: Json::of(&json!({ "brand": "visa", "of": id }))?, data })
        };
        ["pm_2", "pm_1"].into_iter().map(method).collect()
    }

    fn save_payment_method(context: &Context, input: &Json) -> Result<PaymentMethod> {
        let data = told(context, json!({ "function": "save", "input": read(input)? }))?;
        Ok(PaymentMethod { id: format!("pm-{}", context.idempotency_key), display: input.clone(), data })
    }

    /// As [`Whole::delete_account_holder`].
    fn delete_payment_method(context: &Context, id: &str) -> Result<()> {
        if id != "tell" {
            return Ok(());
        }
        let told = told(context, json!({ "function": "delete-method", "id": id }))?;
        Err(Error { data: Some(told), ..Error::rate_limited(1_500, "as it was told").code("told") })
    }
}

fn kept(context: &Context) -> Result<&AccountHolder> {
    context.account_holder.as_ref().ok_or_else(|| Error::not_found("no account holder in the context"))
}

fn rejection(how: &str) -> Rejection {
    match how {
        "bad-signature" => Rejection::BadSignature("not signed".into()),
        "malformed" => Rejection::Malformed("not understood".into()),
        other => Rejection::Failed(Error::authentication(other).code("told")),
    }
}

/// All that a call was told. The types are taken apart, so that a new field cannot be forgotten here.
fn told(context: &Context, request: Value) -> Result<Json> {
    let Context {
        operation_id,
        idempotency_key,
        attempt,
        deadline_ms,
        collection_id,
        session_id,
        payment_id,
        environment,
        locale,
        customer,
        account_holder,
        extensions,
    } = context;
    let told = json!({
        "context": {
            "operation_id": operation_id,
            "idempotency_key": idempotency_key,
            "attempt": attempt,
            "deadline_ms": deadline_ms,
            "collection_id": collection_id,
            "session_id": session_id,
            "payment_id": payment_id,
            "environment": match environment { Environment::Test => "test", Environment::Live => "live" },
            "locale": locale,
            "customer": customer.as_ref().map(person),
            "account_holder": match account_holder {
                Some(AccountHolder { external_id, data }) => json!({ "external_id": external_id, "data": read(data)? }),
                None => Value::Null,
            },
            "extensions": read(extensions)?,
        },
        "request": request,
    });
    // What is nested as deep as the contract allows cannot be told again inside of something.
    Json::of(&told).or_else(|_| Json::of(&json!({ "told": "more than an answer can hold" })))
}

fn person(customer: &Customer) -> Value {
    let Customer { id, email, name, phone, billing_address } = customer;
    let address = billing_address.as_ref().map(|address| {
        let Address { line1, line2, city, region, postal_code, country_code } = address;
        json!([line1, line2, city, region, postal_code, country_code])
    });
    json!({ "id": id, "email": email, "name": name, "phone": phone, "billing_address": address })
}

fn state(payment: &PaymentState) -> Result<Value> {
    let PaymentState { data, provider_reference, amount, captured, refunded } = payment;
    Ok(json!({
        "data": read(data)?,
        "provider_reference": provider_reference,
        "amount": amount,
        "captured": captured,
        "refunded": refunded,
    }))
}

fn reference(operation: &OperationReference) -> Value {
    let OperationReference { operation_id, idempotency_key, kind, amount } = operation;
    let kind = match kind {
        OperationKind::Initiate => "initiate",
        OperationKind::Update => "update",
        OperationKind::Authorize => "authorize",
        OperationKind::Capture => "capture",
        OperationKind::Refund => "refund",
        OperationKind::Cancel => "cancel",
        OperationKind::Delete => "delete",
    };
    json!({ "operation_id": operation_id, "idempotency_key": idempotency_key, "kind": kind, "amount": amount })
}

fn read(json: &Json) -> Result<Value> {
    json.read()
}
