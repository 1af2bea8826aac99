//! The process that is killed: `tillbox-crash DATABASE LEDGER AHEAD_MS SPEED SINCE_MS WORKS_BY_ITSELF WITHOUT`, then orders
//! on the standard input. It ends when the input does, or when its fate says so.

use std::io::Write;
use std::path::PathBuf;

use tillbox_crash::orders::{Line, Order};
use tillbox_crash::till::{Setup, Till};
use tokio::io::{AsyncBufReadExt, BufReader};

/// Half of what threads have by default: whatever is done here without optimization leaves the other half to an embedder.
const STACK_BYTES: usize = 1_048_576;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).thread_stack_size(STACK_BYTES).enable_all();
    let runtime = runtime.build()?;
    runtime.block_on(async { runtime.spawn(obey()).await? }).map_err(|error| error as Box<dyn std::error::Error>)
}

async fn obey() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, ledger, ahead, speed, since, works, without] = arguments.as_slice() else {
        return Err("seven arguments: database, ledger, ahead_ms, speed, since_ms, works_by_itself, without".into());
    };
    let setup = Setup {
        database: database.clone(),
        ledger: PathBuf::from(ledger),
        ahead_ms: ahead.parse()?,
        speed: speed.parse()?,
        since_ms: since.parse()?,
        works_by_itself: works.parse()?,
        without: without.clone(),
    };
    let till = Till::open(&setup).await?;
    say(&Line::Done(0, tillbox_crash::orders::Ack::default()));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let (number, order): (u64, Order) = serde_json::from_str(&line)?;
        let till = till.clone();
        tokio::spawn(async move {
            let of_the_test = matches!(order, Order::Arm { .. } | Order::Behave { .. } | Order::Listen | Order::Ping);
            let answer = till.obey(order).await;
            if !of_the_test {
                // Done and durable, and nobody has heard of it.
                till.fate.step("before_answer");
            }
            say(&match answer {
                Ok(ack) => Line::Done(number, ack),
                Err(trouble) => Line::Trouble(number, trouble),
            });
        });
    }
    // Nobody is left to hear of what is still under way.
    std::process::exit(0);
}

/// One line, at once.
fn say(line: &Line) {
    let text = serde_json::to_string(line).expect("plain data");
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
