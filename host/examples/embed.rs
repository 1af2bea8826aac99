//! A host in five lines, and the first payment through a sandboxed component.
//!
//! `cargo run -p tillbox --example embed`

use tillbox::Host;
use tillbox::core::id::ProviderId;
use tillbox::currency::money;
use tillbox::runtime::{Grants, Runtime, RuntimeConfig};
use tillbox::service::{NewCollection, NewRefund, NewSession};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The host. In memory here; `.database("till.db")` keeps everything in a file.
    let runtime = Runtime::new(RuntimeConfig::default())?;
    let manual = runtime.check(tillbox::bundled::MANUAL).await?.grant(Grants::default())?;
    let host = Host::builder().in_memory().provider("default", manual).build().await?;
    let collection = host.create_collection(NewCollection::new(money("10.50", "EUR")?)).await?;
    let session = host.create_session(&collection.id, NewSession::new(ProviderId::parse("pp_manual_default")?)).await?;

    // The payment: authorized, taken in two parts, a little of it given back.
    let authorized = host.authorize_session(&session.value.id, None).await?.value;
    let payment = authorized.payment.ok_or("the session was not authorized")?.payment.id;
    host.capture(&payment, Some(money("6.00", "EUR")?)).await?;
    let captured = host.capture(&payment, None).await?.value;
    let refund = NewRefund {
        amount: Some(money("2.25", "EUR")?),
        note: Some("one item came back".to_owned()),
        ..NewRefund::default()
    };
    let refunded = host.refund(&payment, refund).await?;

    assert_eq!(captured.captured, money("10.50", "EUR")?);
    assert_eq!(refunded.value.refunded, money("2.25", "EUR")?);
    assert_eq!(host.collection(&collection.id).await?.status.as_str(), "completed");
    println!("captured {}, refunded {}", refunded.value.captured, refunded.value.refunded);
    if let Some(report) = refunded.report {
        println!("the last call took {:?} in a fresh instance", report.duration);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::main().unwrap();
    }
}
