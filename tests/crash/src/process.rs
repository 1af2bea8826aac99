//! The other end of a host in a process of its own: started, told what to do, killed, started again.
//!
//! It knows processes and lines, nothing of payments.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex as AsyncMutex, oneshot, watch};

use crate::orders::{Ack, Line, Order, Trouble};
use crate::till::Setup;

/// How long a host may take to start or to answer before the test is stopped: many times what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was acknowledged.
    Done(Ack),
    /// It was answered with an error.
    Trouble(Trouble),
    /// The host died before it answered.
    Died,
}

impl Told {
    /// What was acknowledged.
    ///
    /// # Panics
    /// When nothing was.
    #[allow(clippy::must_use_candidate, reason = "often only that it was acknowledged matters")]
    pub fn ack(self) -> Ack {
        match self {
            Self::Done(ack) => ack,
            Self::Trouble(trouble) => panic!("not acknowledged: {trouble:?}"),
            Self::Died => panic!("the host died"),
        }
    }
}

#[derive(Debug, Default)]
struct Heard {
    waiting: HashMap<u64, oneshot::Sender<Told>>,
    gone: bool,
}

/// A running host.
#[derive(Debug)]
pub struct Process {
    input: AsyncMutex<ChildStdin>,
    heard: Arc<Mutex<Heard>>,
    pid: Pid,
    number: AtomicU64,
    struck: watch::Receiver<Option<String>>,
    gone: watch::Receiver<bool>,
}

impl Process {
    /// Starts the program and waits until its host is open. What it logs is added to the file.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(program: &str, setup: &Setup, log: &Path) -> Self {
        Self::start_in(program, setup, log, &[]).await
    }

    /// The same, with something more in its environment.
    ///
    /// # Panics
    /// As [`Process::start`].
    pub async fn start_in(program: &str, setup: &Setup, log: &Path, environment: &[(&str, &Path)]) -> Self {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
        let mut child = Command::new(program)
            .arg(&setup.database)
            .arg(&setup.ledger)
            .args([setup.ahead_ms, setup.speed, setup.since_ms].map(|number| number.to_string()))
            .arg(setup.works_by_itself.to_string())
            .arg(&setup.without)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .expect("the program can be started");
        let input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).expect("it runs");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (ready, started) = oneshot::channel();
        heard.lock().expect("no holder panics").waiting.insert(0, ready);
        let (over, gone) = watch::channel(false);
        let (strike, struck) = watch::channel(None);
        tokio::spawn(listen(child, BufReader::new(output), Arc::clone(&heard), strike, over));
        let process = Self { input: AsyncMutex::new(input), heard, pid, number: AtomicU64::new(1), struck, gone };
        let told = tokio::time::timeout(PATIENCE, started).await.expect("the host starts in time");
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(matches!(told, Ok(Told::Done(_))), "the host did not start:\n{}", log());
        process
    }

    /// Gives an order and waits for what comes of it.
    ///
    /// # Panics
    /// When the host lives and does not answer.
    pub async fn tell(&self, order: &Order) -> Told {
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let (reply, told) = oneshot::channel();
        {
            let mut heard = self.heard.lock().expect("no holder panics");
            if heard.gone {
                return Told::Died;
            }
            heard.waiting.insert(number, reply);
        }
        let line = format!("{}\n", serde_json::to_string(&(number, order)).expect("plain data"));
        // A host that has died takes no order; its listener says so.
        let _ = self.input.lock().await.write_all(line.as_bytes()).await;
        let told = tokio::time::timeout(PATIENCE, told).await;
        told.unwrap_or_else(|_| panic!("no answer to {order:?} in {PATIENCE:?}")).unwrap_or(Told::Died)
    }

    /// The step at which it died or fell asleep.
    #[must_use]
    pub fn struck(&self) -> Option<String> {
        self.struck.borrow().clone()
    }

    /// Waits until it has fallen asleep, and answers at which step. It may never do so.
    pub async fn asleep(&self) -> String {
        let mut struck = self.struck.clone();
        let step = struck.wait_for(Option::is_some).await.ok().and_then(|step| step.clone());
        match step {
            Some(step) => step,
            None => std::future::pending().await,
        }
    }

    /// Wakes it up.
    ///
    /// # Panics
    /// When it is gone.
    pub fn wake(&self) {
        kill_process(self.pid, Signal::CONT).expect("it sleeps");
    }

    /// Kills it, wherever it is, and waits until it is gone. Its number is not given to another process before that.
    ///
    /// # Panics
    /// When it lives on.
    pub async fn kill(&self) {
        if !*self.gone.borrow() {
            // It may have gone by its own hand in this moment; then there is nobody to kill.
            let _ = kill_process(self.pid, Signal::KILL);
        }
        let mut gone = self.gone.clone();
        let over = tokio::time::timeout(PATIENCE, gone.wait_for(|gone| *gone)).await;
        assert!(over.is_ok(), "the host outlives SIGKILL");
    }
}

/// Where the program is that cargo built for the tests, and the files of one run.
#[derive(Debug)]
pub struct Place {
    /// The directory; it is removed at the end.
    pub folder: tempfile::TempDir,
}

impl Place {
    /// An empty one.
    ///
    /// # Panics
    /// When there is no room for a temporary directory.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary directory") }
    }

    /// The file of the gateway's book.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.folder.path().join("gateway.db")
    }

    /// The file that hosts log to.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("host.log")
    }

    /// The host's database, where that is a file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("till.db")
    }

    /// A host with its database in a file, whose clock runs as usual.
    #[must_use]
    pub fn setup(&self) -> Setup {
        Setup {
            database: format!("sqlite:{}", self.database().display()),
            ledger: self.ledger(),
            ahead_ms: 0,
            speed: 1,
            since_ms: 0,
            works_by_itself: false,
            without: String::new(),
        }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads what the host says until it is gone, then tells everybody who still waits.
async fn listen(
    mut child: Child,
    output: BufReader<tokio::process::ChildStdout>,
    heard: Arc<Mutex<Heard>>,
    strike: watch::Sender<Option<String>>,
    over: watch::Sender<bool>,
) {
    let mut lines = output.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // The last line of a killed process may be half a line.
        let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
        let mut heard = heard.lock().expect("no holder panics");
        let (number, told) = match line {
            Line::Done(number, ack) => (number, Told::Done(ack)),
            Line::Trouble(number, trouble) => (number, Told::Trouble(trouble)),
            Line::Struck(step) => {
                let _ = strike.send(Some(step));
                continue;
            }
        };
        if let Some(reply) = heard.waiting.remove(&number) {
            let _ = reply.send(told);
        }
    }
    {
        let mut heard = heard.lock().expect("no holder panics");
        heard.gone = true;
        // Dropping the senders is the news.
        heard.waiting.clear();
    }
    let _ = child.wait().await;
    let _ = over.send(true);
}
