//! A server on this machine that answers every POST alike, at once or when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is sent: as much as a gateway's form.
pub(crate) const BODY: &str = "amount=1050&currency=eur&capture_method=manual&confirm=true&payment_method=pm_card_visa&\
    metadata[tillbox_operation]=payop_01M7ZYB0EM9G4P3GVA9PQM3YH5&statement_descriptor_suffix=SHOP";

/// Bytes that are answered: a small payment of a gateway in JSON.
const ANSWER_BYTES: usize = 1_000;

pub(crate) struct Server {
    port: u16,
    waiting: Arc<AtomicUsize>,
    go: watch::Sender<bool>,
}

impl Server {
    /// One that answers at once, or holds each answer for so long unless it is let go.
    pub(crate) async fn start(held: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (go, told) = watch::channel(held.is_zero());
        let counted = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, held, Arc::clone(&counted), told.clone()));
            }
        });
        Self { port, waiting, go }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1/x", self.port)
    }

    /// Waits until so many requests wait for their answers.
    pub(crate) async fn holds(&self, count: usize) {
        while self.waiting.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn let_go(&self) {
        self.go.send_replace(true);
    }
}

async fn talk(mut stream: TcpStream, held: Duration, waiting: Arc<AtomicUsize>, mut go: watch::Receiver<bool>) {
    stream.set_nodelay(true).unwrap();
    let filling = "x".repeat(ANSWER_BYTES - 11);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {ANSWER_BYTES}\r\n\r\n{{\"note\":\"{filling}\"}}"
    );
    let mut kept: Vec<u8> = Vec::new();
    loop {
        let end = loop {
            let head = kept.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
            if let Some(end) = head.map(|head| head + BODY.len()).filter(|end| kept.len() >= *end) {
                break end;
            }
            if stream.read_buf(&mut kept).await.unwrap_or(0) == 0 {
                return;
            }
        };
        kept.drain(..end);
        waiting.fetch_add(1, Ordering::SeqCst);
        if !*go.borrow() {
            drop(tokio::time::timeout(held, go.wait_for(|go| *go)).await);
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
