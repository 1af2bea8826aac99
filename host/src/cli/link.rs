//! A payment to try the checkout page with: what `serve --demo` ends with. It makes what a shop's server would make, by the
//! embedding API, and puts the keys where no server and no log sees them.

use tillbox_core::Timestamp;

use super::failure::Failure;
use crate::Host;
use crate::clock::{Clock, SystemClock};
use crate::currency::money;
use crate::http::checkout_path;
use crate::service::{NewApiKey, NewCollection};

/// Milliseconds after which the link's key ends: an afternoon of trying things.
const KEY_MS: i64 = 12 * 60 * 60 * 1_000;

/// Opens a payment of 42.00 EUR and makes the link on which it is paid, at the server of this address (`http://…`).
///
/// # Errors
/// When the database does not take it.
pub(super) async fn to_try(host: &Host, server: &str) -> Result<String, Failure> {
    let amount = money("42.00", "EUR")?;
    let collection = host.create_collection(NewCollection::new(amount)).await?.id;
    let title = Some("the checkout page of `serve --demo`".to_owned());
    let expires_at = Some(Timestamp(SystemClock.now().0 + KEY_MS));
    let (_, key) = host.create_api_key(NewApiKey { title, expires_at, ..NewApiKey::publishable() }).await?;
    let secret = host.client_secret(&collection).await?;
    Ok(format!("{server}{}", checkout_path(&collection, key.reveal(), secret.reveal())))
}
