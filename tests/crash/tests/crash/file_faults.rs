//! The file fails: the disk is full, a sync fails, the file system turns read only, somebody holds the lock, the user may not
//! write. Each time the error says so, nothing is lost, the process stays up, and readiness tells the truth.
//!
//! The failing disk is a library under the database (`src/failing_disk.c`) that answers as the kernel would; everything above
//! it is what runs in production.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use tillbox_crash::gateway::{Habit, Manner};
use tillbox_crash::orders::Order;
use tillbox_crash::process::{Place, Told};

use crate::PROGRAM;
use crate::desk::{Desk, capture};

/// A user without rights (`nobody`), for tests that are run as root, which may write everything.
const NOBODY: u32 = 65_534;

/// How often the disk fills up or is emptied under load.
const TURNS: usize = 30;

/// Orders that are under way meanwhile: they share a few commits.
const ORDERS: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_nothing_is_sent_and_what_is_open_is_resolved_later() {
    let mut desk = Desk::on_a_failing_disk().await;
    let payment = desk.payment(Habit::Keyed).await;
    assert_eq!(desk.ready().await, (200, String::new()));
    let before = desk.effects();

    desk.disk("full");
    let trouble = desk.refused(capture(&payment)).await;
    assert_eq!(trouble.code, "store_unavailable");
    assert!(trouble.text.contains("disk is full") && trouble.text.contains("make room"), "{}", trouble.text);
    assert_eq!(desk.effects(), before, "nothing is sent that could not be written down first");
    assert_eq!(desk.ready().await, (503, "store_unavailable".to_owned()));
    assert_eq!(desk.get(&format!("/admin/payments/{payment}")).await.0, 200, "what is there can be read");

    desk.disk("");
    assert_eq!(desk.ready().await, (200, String::new()));
    desk.tell(capture(&payment)).await;

    // The disk fills up while the gateway is being asked: the answer comes and cannot be written down.
    desk.tell(Order::Behave { manner: Manner::Answers, delay_ms: 500 }).await;
    let asked = capture(&payment);
    let (told, ()) = tokio::join!(desk.host.tell(&asked), async {
        desk.until("running", 1).await;
        desk.disk("full");
    });
    let Told::Trouble(trouble) = told else { panic!("{told:?}") };
    assert_eq!(trouble.code, "outcome_unknown", "{}", trouble.text);
    assert!(trouble.operation.is_some(), "{trouble:?}");
    desk.judged().await;
}

/// Changes share commits; what a full disk takes from one of them must not be acknowledged to another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_under_load_takes_nothing_that_was_acknowledged() {
    let mut desk = Desk::on_a_failing_disk().await;
    let (mut kept, mut refused) = (0, 0);
    for turn in 0..TURNS {
        // The first answer is given in one state, and the disk is in the other one for those behind it.
        let (first, then) = if turn % 2 == 0 { ("", "full") } else { ("full", "") };
        desk.disk(first);
        let answered = AtomicUsize::new(0);
        let orders = vec![Order::Collect { amount: 1_000 }; ORDERS];
        let (told, ()) = tokio::join!(desk.all_at_once(orders, &answered), async {
            while answered.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            desk.disk(then);
        });
        for told in told {
            match told {
                Told::Done(ack) => {
                    kept += 1;
                    desk.acknowledged(ack);
                }
                Told::Trouble(trouble) => {
                    refused += 1;
                    assert_eq!(trouble.code, "store_unavailable", "{}", trouble.text);
                }
                Told::Died => panic!("the host died"),
            }
        }
    }
    println!("a disk that fills up and is emptied: {kept} kept, {refused} refused");
    assert!(kept > 0 && refused > 0);
    desk.judged().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_write_or_sync_nothing_more_is_written() {
    for how in ["sync", "readonly"] {
        let mut desk = Desk::on_a_failing_disk().await;
        let payment = desk.payment(Habit::Keyed).await;
        let before = desk.effects();
        desk.disk(how);
        for round in 0..3 {
            let trouble = desk.refused(capture(&payment)).await;
            assert_eq!(trouble.code, "store_disk_failed", "{how}, round {round}: {}", trouble.text);
            assert!(trouble.text.contains("until the host is started again"), "{}", trouble.text);
            // A second sync would say that all is well, and be wrong about the first.
            desk.disk("");
        }
        assert_eq!(desk.effects(), before);
        assert_eq!(desk.ready().await, (503, "store_disk_failed".to_owned()));
        assert_eq!(desk.get("/health/live").await.0, 200);
        assert_eq!(desk.get(&format!("/admin/payments/{payment}")).await.0, 200, "what is there can be read");

        let later = tillbox_crash::till::Setup { ahead_ms: 3_600_000, ..desk.setup.clone() };
        desk.restart(later).await;
        assert_eq!(desk.ready().await, (200, String::new()));
        desk.tell(Order::Recover).await;
        desk.tell(capture(&payment)).await;
        desk.judged().await;
    }
}

/// The power goes while the log is written to: its last frames are torn, or never were frames.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_end_of_the_log_takes_nothing_that_was_acknowledged() {
    for torn in [vec![0; 3_000], vec![0xa5; 3_000], (0..9_000).map(|byte: u32| byte.to_le_bytes()[0]).collect()] {
        let mut desk = Desk::on_a_file().await;
        let payment = desk.payment(Habit::Keyed).await;
        desk.tell(capture(&payment)).await;
        desk.host.kill().await;
        let log = desk.place.folder.path().join("till.db-wal");
        let mut log = std::fs::OpenOptions::new().append(true).open(log).expect("the log of a killed host is there");
        std::io::Write::write_all(&mut log, &torn).unwrap();
        drop(log);
        let setup = desk.setup.clone();
        desk.restart(setup).await;
        desk.tell(capture(&payment)).await;
        desk.judged().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_somebody_else_holds_is_waited_for_and_then_named() {
    let mut desk = Desk::on_a_file().await;
    let payment = desk.payment(Habit::Keyed).await;
    let before = desk.effects();
    let mut other = rusqlite::Connection::open(desk.place.database()).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
    let asked = capture(&payment);
    let (told, ready) = tokio::join!(desk.host.tell(&asked), desk.ready());
    let Told::Trouble(trouble) = told else { panic!("{told:?}") };
    assert_eq!(trouble.code, "store_unavailable");
    assert!(trouble.text.contains("another program holds"), "{}", trouble.text);
    assert_eq!(ready, (503, "store_unavailable".to_owned()));
    assert_eq!(desk.effects(), before);
    assert_eq!(desk.get(&format!("/admin/payments/{payment}")).await.0, 200, "what is there can be read");
    drop(lock);
    drop(other);
    assert_eq!(desk.ready().await, (200, String::new()));
    desk.tell(capture(&payment)).await;
    desk.judged().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_may_not_be_written_is_named_and_left_alone() {
    let place = Place::new();
    let path = place.database();
    drop(tillbox::store::open(&place.setup().database).await.unwrap());
    let before = std::fs::read(&path).unwrap();
    let allow = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(&path, 0o444);
    allow(place.folder.path(), 0o555);
    // Where the program itself is out of reach for others, a copy is not.
    let open_to_all = tempfile::tempdir().unwrap();
    allow(open_to_all.path(), 0o777);
    let copy = open_to_all.path().join("program");
    std::fs::copy(PROGRAM, &copy).unwrap();
    let mut command = std::process::Command::new(&copy);
    command.arg(&place.setup().database).arg(open_to_all.path().join("gateway.db"));
    command.args(["0", "1", "0", "false", ""]).stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    allow(place.folder.path(), 0o755);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("till.db") && text.contains("cannot be written"), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
