//! One delivery: settings, signature, translation, in this order.

use tillbox_provider::{Delivery, Error, Evidence, Rejection};

use crate::settings::Settings;
use crate::{events, signature};

/// Verifies a delivery and says what it claims.
///
/// # Errors
/// [`Rejection::Failed`] without a secret to verify with, [`Rejection::BadSignature`] without a signature that holds,
/// [`Rejection::Malformed`] when the signed body is no event.
pub(crate) fn receive(settings: &Settings, delivery: &Delivery) -> Result<Vec<Evidence>, Rejection> {
    if settings.webhook_secrets.is_empty() {
        let error = Error::authentication("the setting webhook_secrets holds no signing secret to verify with");
        return Err(Rejection::Failed(error.code("webhook_secret_missing")));
    }
    let mut headers = delivery.header_values("stripe-signature");
    let header = headers.next().ok_or_else(|| Rejection::BadSignature("there is no Stripe-Signature header".into()))?;
    if headers.next().is_some() {
        return Err(Rejection::BadSignature("there are several Stripe-Signature headers".into()));
    }
    signature::verify(
        header,
        &delivery.body,
        &settings.webhook_secrets,
        delivery.received_at_ms,
        settings.webhook_tolerance_seconds,
    )
    .map_err(Rejection::BadSignature)?;
    Ok(vec![events::translate(&delivery.body)?])
}
