//! The gateway as a program: `cargo run -p tillbox-gateway`. It prints where it is, and answers until it is ended.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use tillbox_gateway::{Gateway, Options};
use tokio::net::TcpListener;

/// A payment gateway to try things against, shaped like Stripe's API. No money moves, and no card is real.
#[derive(Debug, Parser)]
#[command(after_help = "\
Examples:
  tillbox-gateway
  curl -u sk_test_tillbox: http://127.0.0.1:12111/v1/payment_intents -d amount=1050 -d currency=eur \\
    -d payment_method=pm_card_visa -d confirm=true
  tillbox-gateway --webhook http://127.0.0.1:9000/hooks/payment/stripe_default --webhook-secret whsec_test

A lost reply for the next capture:
  curl http://127.0.0.1:12111/_gateway/faults -d '{\"ends\":\"/capture\",\"times\":1,\"action\":\"lose_reply\"}'

What really happened:
  curl http://127.0.0.1:12111/_gateway/ledger")]
struct Arguments {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:12111")]
    listen: SocketAddr,
    /// The ledger, a SQLite file; it outlives the process
    #[arg(long, value_name = "PATH", default_value = "gateway.db")]
    ledger: PathBuf,
    /// The secret keys that are accepted
    #[arg(long, value_name = "KEY", default_value = "sk_test_tillbox")]
    secret_key: Vec<String>,
    /// Where events go
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// The secret that signs events; two while one is being replaced
    #[arg(long, value_name = "SECRET", default_value = "whsec_test")]
    webhook_secret: Vec<String>,
    /// Milliseconds by which searches lag behind
    #[arg(long, value_name = "MS", default_value_t = 0)]
    search_lag_ms: i64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    anyhow::ensure!(
        arguments.listen.ip().is_loopback(),
        "it moves no real money and guards nothing: listen on a loopback address"
    );
    let listener = TcpListener::bind(arguments.listen).await?;
    let gateway = Gateway::start(
        listener,
        Options {
            ledger: arguments.ledger,
            secret_keys: arguments.secret_key,
            webhook: arguments.webhook,
            webhook_secrets: arguments.webhook_secret,
            search_lag_ms: arguments.search_lag_ms,
        },
    )?;
    println!("listening on {}", gateway.base());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
