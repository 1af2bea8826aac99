//! A wire to the server that can be cut at the worst moment: around `commit`.
//!
//! It understands one message of the protocol, the plain-text query, and passes everything else on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// `commit` as a plain-text query: a letter, the length of the rest, the text, a zero.
const COMMIT: &[u8] = b"Q\0\0\0\x0bcommit\0";

/// What to do with `commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server gets it and answers; the answer is lost with the connection.
    Answer,
    /// The server never gets it, and sees the connection end.
    Request,
    /// The server never gets it, and does not notice either that the connection is gone.
    Silence,
    /// As [`Cut::Answer`], and nobody can connect any more.
    AnswerAndRoad,
}

/// A listener that passes connections on to a server.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Which cut, by its place in [`CUTS`] and one more; 0 for none.
    cut: AtomicU32,
    /// How many more commits to cut.
    left: AtomicU32,
    /// 1 when nobody gets through any more.
    closed: AtomicU32,
}

const CUTS: [Cut; 4] = [Cut::Answer, Cut::Request, Cut::Silence, Cut::AnswerAndRoad];

impl Wire {
    /// Starts to pass connections on.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.closed.load(Ordering::SeqCst) == 1 {
                    continue;
                }
                let server = TcpStream::connect(&server).await.expect("the server answers");
                tokio::spawn(pass(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    /// Where it listens on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the next so many commits.
    ///
    /// # Panics
    /// Never: every cut has its place.
    pub fn cut(&self, cut: Cut, commits: u32) {
        let place = CUTS.iter().position(|known| *known == cut).expect("every cut is listed");
        self.state.cut.store(u32::try_from(place).expect("there are four"), Ordering::SeqCst);
        self.state.left.store(commits, Ordering::SeqCst);
    }

    /// How many commits are still to be cut.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.state.left.load(Ordering::SeqCst)
    }
}

impl State {
    fn take(&self) -> Option<Cut> {
        let take = |left: u32| left.checked_sub(1);
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).ok()?;
        let cut = CUTS[self.cut.load(Ordering::SeqCst) as usize];
        if cut == Cut::AnswerAndRoad {
            self.closed.store(1, Ordering::SeqCst);
        }
        Some(cut)
    }
}

async fn pass(client: TcpStream, server: TcpStream, state: Arc<State>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        let found = buffer[..read].windows(COMMIT.len()).any(|window| window == COMMIT);
        match if found { state.take() } else { None } {
            None => {
                if to_server.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
            Some(Cut::Answer | Cut::AnswerAndRoad) => {
                // From here on nothing goes back, while the server is told.
                answers.abort();
                let _ = answers.await;
                let _ = to_server.write_all(&buffer[..read]).await;
                return;
            }
            Some(Cut::Request) => break,
            Some(Cut::Silence) => {
                answers.abort();
                drop(from_client);
                // The end towards the server stays open.
                return std::future::pending().await;
            }
        }
    }
    let _ = to_server.shutdown().await;
    answers.abort();
}
