//! A flow by calls of the embedding API.

use super::Failure;
use super::door::{AMOUNT, CURRENCY, REFUND, provider_id};
use super::steps::{Laps, Step};
use crate::Host;
use crate::currency::money;
use crate::service::{NewCollection, NewRefund, NewSession};

pub(super) async fn flow(host: &Host) -> Result<Laps, Failure> {
    let amount = |text| money(text, CURRENCY).map_err(|error| Failure::of(&error));
    let (owed, back) = (amount(AMOUNT)?, amount(REFUND)?);
    let mut laps = Laps::start();
    let collection = host.create_collection(NewCollection::new(owed)).await?;
    laps.done(Step::CreateCollection);
    let session = host.create_session(&collection.id, NewSession::new(provider_id())).await?.value;
    laps.done(Step::CreateSession);
    let authorization = host.authorize_session(&session.id, None).await?.value;
    laps.done(Step::Authorize);
    let Some(payment) = authorization.payment else {
        return Err(Failure::new("the provider `manual` did not authorize a payment"));
    };
    let id = payment.payment.id;
    let captured = host.capture(&id, None).await?.value.captured;
    laps.done(Step::Capture);
    let refund = NewRefund { amount: Some(back), ..NewRefund::default() };
    let refunded = host.refund(&id, refund).await?.value.refunded;
    laps.done(Step::Refund);
    if (captured, refunded) != (owed, back) {
        return Err(Failure::new(format!("payment {id} says captured {captured}, refunded {refunded}")));
    }
    Ok(laps)
}
