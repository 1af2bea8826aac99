//! The payment API mounted in a server of somebody else's, beside its own routes.
//!
//! `cargo run -p tillbox --example mounted`

use axum::Router;
use axum::routing::get;
use tillbox::Host;
use tillbox::runtime::{Grants, Runtime, RuntimeConfig};
use tillbox::service::NewApiKey;
use tillbox::store::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::new(RuntimeConfig::default())?;
    let manual = runtime.check(tillbox::bundled::MANUAL).await?.grant(Grants::default())?;
    let host = Host::builder().in_memory().provider("default", manual).build().await?;
    let (_, secret) = host.create_api_key(NewApiKey::secret([Scope::Operate])).await?;

    // The shop's own server. Tillbox brings its limits, keys, log lines and metrics along; TLS and ports are the shop's.
    let shop = Router::new().route("/", get(async || "the shop")).nest("/pay", tillbox::http::router(host.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, shop).await });

    // Somebody asks: the shop for its page, and the payment API for a collection.
    let page = asked(address, "GET / HTTP/1.1", "", "").await?;
    assert!(page.ends_with("the shop"), "{page}");
    let key = format!("authorization: Bearer {}\r\ncontent-type: application/json\r\n", secret.reveal());
    let body = r#"{"currency_code":"eur","amount":10.50}"#;
    let made = asked(address, "POST /pay/admin/payment-collections HTTP/1.1", &key, body).await?;
    assert!(made.starts_with("HTTP/1.1 200") && made.contains("\"amount\":10.50"), "{made}");
    println!("{}", made.lines().last().unwrap_or_default());

    server.abort();
    host.stop_background_work().await;
    Ok(())
}

/// One request on a connection of its own.
async fn asked(
    address: std::net::SocketAddr,
    line: &str,
    headers: &str,
    body: &str,
) -> Result<String, Box<dyn std::error::Error>> {
    let length = body.len();
    let request =
        format!("{line}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::main().unwrap();
    }
}
