//! What the tests of faults look at: a host in a process of its own, asked by orders and over HTTP, and judged at the end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tillbox_crash::facts::Facts;
use tillbox_crash::gateway::{Habit, Manner};
use tillbox_crash::judge::judge;
use tillbox_crash::ledger::{Effect, Ledger};
use tillbox_crash::orders::{Ack, Order, Trouble};
use tillbox_crash::process::{Place, Process, Told};
use tillbox_crash::till::Setup;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::PROGRAM;

/// A host, everything that it acknowledged, and what it is started with.
pub(crate) struct Desk {
    pub(crate) place: Place,
    pub(crate) setup: Setup,
    pub(crate) host: Arc<Process>,
    port: u16,
    key: String,
    acks: Vec<Ack>,
    disk: Option<PathBuf>,
}

impl Desk {
    /// A host on a file.
    pub(crate) async fn on_a_file() -> Self {
        let place = Place::new();
        let setup = place.setup();
        Self::open(place, setup, None).await
    }

    /// A host on a file of a disk that fails when it is told to.
    pub(crate) async fn on_a_failing_disk() -> Self {
        let place = Place::new();
        let setup = place.setup();
        let library = failing_disk(place.folder.path());
        Self::open(place, setup, Some(library)).await
    }

    /// A host on a server.
    pub(crate) async fn on_a_server(url: String) -> Self {
        let place = Place::new();
        let setup = Setup { database: url, ..place.setup() };
        Self::open(place, setup, None).await
    }

    async fn open(place: Place, setup: Setup, disk: Option<PathBuf>) -> Self {
        let host = Arc::new(start(&place, &setup, disk.as_deref()).await);
        let (port, key) = listening(&host).await;
        Self { place, setup, host, port, key, acks: Vec::new(), disk }
    }

    /// Kills the host and starts another one, as this setup says.
    pub(crate) async fn restart(&mut self, setup: Setup) {
        self.host.kill().await;
        self.setup = setup;
        self.host = Arc::new(start(&self.place, &self.setup, self.disk.as_deref()).await);
        (self.port, self.key) = listening(&self.host).await;
    }

    /// Tells the disk how to fail; with nothing it works.
    pub(crate) fn disk(&self, how: &str) {
        std::fs::write(told(self.place.folder.path()), how).expect("the test's own file is on a disk that works");
    }

    pub(crate) async fn tell(&mut self, order: Order) -> Ack {
        let ack = self.host.tell(&order).await.ack();
        self.acks.push(ack.clone());
        ack
    }

    /// Gives all orders before the first is answered, and counts the answers.
    pub(crate) async fn all_at_once(&self, orders: Vec<Order>, answered: &AtomicUsize) -> Vec<Told> {
        let mut telling = tokio::task::JoinSet::new();
        for order in orders {
            let host = Arc::clone(&self.host);
            telling.spawn(async move { host.tell(&order).await });
        }
        let mut told = Vec::new();
        while let Some(one) = telling.join_next().await {
            told.push(one.expect("nobody gives up"));
            answered.fetch_add(1, Ordering::SeqCst);
        }
        told
    }

    /// Notes what must be there at the end.
    pub(crate) fn acknowledged(&mut self, ack: Ack) {
        self.acks.push(ack);
    }

    pub(crate) async fn refused(&self, order: Order) -> Trouble {
        match self.host.tell(&order).await {
            Told::Trouble(trouble) => trouble,
            told @ (Told::Done(_) | Told::Died) => panic!("{order:?}: {told:?}"),
        }
    }

    /// A payment of 1000.
    pub(crate) async fn payment(&mut self, habit: Habit) -> String {
        let collection = self.tell(Order::Collect { amount: 1_000 }).await.collection.unwrap();
        let open = Order::Open { collection, provider: habit.id(), amount: None };
        let session = self.tell(open).await.session.unwrap();
        self.tell(Order::Authorize { session }).await.payment.unwrap()
    }

    /// A capture of 400 whose reply is lost; the operation.
    pub(crate) async fn lost_capture(&mut self, payment: &str) -> String {
        self.tell(Order::Behave { manner: Manner::LosesReplies, delay_ms: 0 }).await;
        let trouble = self.refused(capture(payment)).await;
        assert_eq!(trouble.code, "outcome_unknown");
        self.tell(Order::Behave { manner: Manner::Answers, delay_ms: 0 }).await;
        trouble.operation.expect("it is in the books")
    }

    /// Asks over HTTP: the status and the body.
    pub(crate) async fn get(&self, target: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("it listens");
        let head = format!("host: localhost\r\nconnection: close\r\nauthorization: Bearer {}", self.key);
        let request = format!("GET {target} HTTP/1.1\r\n{head}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// What `/health/ready` says: the status, and the code of what is wrong.
    pub(crate) async fn ready(&self) -> (u16, String) {
        let (status, body) = self.get("/health/ready").await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until so many operations are in this state.
    pub(crate) async fn until(&self, state: &str, count: u64) {
        loop {
            let (status, body) = self.get(&format!("/admin/operations?state={state}")).await;
            assert_eq!(status, 200, "{body}");
            if body["count"] == count {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn effects(&self) -> Vec<Effect> {
        Ledger::open(&self.place.ledger()).and_then(|ledger| ledger.all()).expect("the gateway's book is read")
    }

    /// Recovery by a host that starts later, and then I1 to I8.
    pub(crate) async fn judged(mut self) {
        let later = Setup { ahead_ms: self.setup.ahead_ms + 3_600_000, without: String::new(), ..self.setup.clone() };
        self.disk("");
        self.restart(later).await;
        self.tell(Order::Recover).await;
        self.tell(Order::Tell).await;
        self.host.kill().await;
        let store = tillbox::store::open(&self.setup.database).await.expect("the database opens");
        let mut facts = Facts::read(store.as_ref(), &self.place.ledger(), 0, self.acks).await;
        facts.told = true;
        facts.texts.push(("host.log".to_owned(), std::fs::read(self.place.log()).expect("the log is read")));
        assert_eq!(judge(&facts), []);
    }
}

pub(crate) fn capture(payment: &str) -> Order {
    Order::Capture { payment: payment.to_owned(), amount: Some(400) }
}

fn told(folder: &Path) -> PathBuf {
    folder.join("disk")
}

/// The port that a host listens on, and a key that opens it.
async fn listening(host: &Process) -> (u16, String) {
    let ack = host.tell(&Order::Listen).await.ack();
    (ack.port.expect("it listens"), ack.key.expect("it makes a key"))
}

async fn start(place: &Place, setup: &Setup, disk: Option<&Path>) -> Process {
    let told = told(place.folder.path());
    let environment: Vec<(&str, &Path)> =
        disk.map_or_else(Vec::new, |library| vec![("LD_PRELOAD", library), ("TILLBOX_DISK", told.as_path())]);
    Process::start_in(PROGRAM, setup, &place.log(), &environment).await
}

/// The disk as a library, made by the C compiler that the build needs anyway.
fn failing_disk(folder: &Path) -> PathBuf {
    let library = folder.join("failing_disk.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/failing_disk.c");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    assert!(made.expect("there is a C compiler").success(), "the library of the failing disk is made");
    library
}
