//! `/admin` account holders, and the payment methods they keep at their provider.

use axum::Json as Answer;
use axum::extract::State;
use tillbox_core::id::AccountHolderId;

use super::sessions::provider_id;
use crate::Host;
use crate::http::extract::{Asked, Id, IdAnd, Json, NoBody, NoQuery};
use crate::http::idempotency::Keyed;
use crate::http::problem::ForOperator;
use crate::http::wire::{
    AccountHolderAnswer, AccountHolders, CreateAccountHolder, DeletedAnswer, OneAccountHolder, OnePaymentMethod,
    PaymentMethodAnswer, PaymentMethods,
};
use crate::service::{AccountHolderUpdate, HeldAccount, NewAccountHolder, NewPaymentMethod};
use crate::store::{AccountHolderFilter, Page, Wanted};

type Result<T> = std::result::Result<Answer<T>, ForOperator>;

pub(super) async fn list(
    State(host): State<Host>,
    Asked(wanted): Asked<Wanted<AccountHolderFilter>>,
) -> Result<AccountHolders> {
    let Page { offset, limit } = wanted.page;
    let listed = host.account_holders(wanted).await?;
    let account_holders = listed.items.iter().map(AccountHolderAnswer::from).collect();
    Ok(Answer(AccountHolders { account_holders, count: listed.count, offset, limit }))
}

pub(super) async fn create(
    Keyed(host): Keyed,
    _: NoQuery,
    Json(body): Json<CreateAccountHolder>,
) -> Result<OneAccountHolder> {
    let new = NewAccountHolder {
        provider: provider_id(&host, &body.provider_id)?,
        existing: body.account_holder_id,
        customer: body.customer,
        data: body.data,
        metadata: body.metadata,
    };
    Ok(answer(&host.create_account_holder(new).await?))
}

pub(super) async fn show(
    State(host): State<Host>,
    Id(id): Id<AccountHolderId>,
    _: NoQuery,
) -> Result<OneAccountHolder> {
    Ok(answer(&host.account_holder(&id).await?))
}

pub(super) async fn update(
    Keyed(host): Keyed,
    Id(id): Id<AccountHolderId>,
    _: NoQuery,
    Json(body): Json<AccountHolderUpdate>,
) -> Result<OneAccountHolder> {
    Ok(answer(&host.update_account_holder(&id, body).await?))
}

pub(super) async fn delete(
    Keyed(host): Keyed,
    Id(id): Id<AccountHolderId>,
    _: NoQuery,
    _: NoBody,
) -> Result<DeletedAnswer> {
    host.delete_account_holder(&id).await?;
    Ok(Answer(DeletedAnswer { id: id.to_string(), object: "account_holder", deleted: true }))
}

pub(super) async fn list_methods(
    State(host): State<Host>,
    Id(id): Id<AccountHolderId>,
    _: NoQuery,
) -> Result<PaymentMethods> {
    let methods = host.payment_methods(&id).await?;
    let count = methods.len() as u64;
    Ok(Answer(PaymentMethods { payment_methods: methods.iter().map(PaymentMethodAnswer::from).collect(), count }))
}

pub(super) async fn save_method(
    Keyed(host): Keyed,
    Id(id): Id<AccountHolderId>,
    _: NoQuery,
    Json(body): Json<NewPaymentMethod>,
) -> Result<OnePaymentMethod> {
    let method = host.save_payment_method(&id, body).await?;
    Ok(Answer(OnePaymentMethod { payment_method: (&method).into() }))
}

/// The second part of the path is the provider's token.
pub(super) async fn delete_method(
    Keyed(host): Keyed,
    IdAnd(holder, method): IdAnd<AccountHolderId>,
    _: NoQuery,
    _: NoBody,
) -> Result<DeletedAnswer> {
    host.delete_payment_methods(&holder, std::slice::from_ref(&method)).await?;
    Ok(Answer(DeletedAnswer { id: method, object: "payment_method", deleted: true }))
}

fn answer(holder: &HeldAccount) -> Answer<OneAccountHolder> {
    Answer(OneAccountHolder { account_holder: holder.into() })
}
