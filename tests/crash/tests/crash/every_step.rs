//! Killed at every step of every scene, and at every step of the recovery after each of those.
//!
//! Steps are not listed here: a scene is played until the host survives it, so a step that is added to the host is killed
//! at from then on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tillbox::store::{self, Store};
use tillbox_crash::DOWN_MS;
use tillbox_crash::facts::{Facts, last_event, rows};
use tillbox_crash::fate::End;
use tillbox_crash::judge::judge;
use tillbox_crash::orders::{Ack, Order};
use tillbox_crash::process::{Place, Process, Told};
use tillbox_crash::till::Setup;
use tillbox_store_tests::place::{Database, Place as _};
use tillbox_store_tests::server::PASSWORD;
use tokio::sync::{Mutex, Semaphore};

use crate::PROGRAM;
use crate::scenes::{Act, MANY, Scene};

/// Scenes played at once: processes that start and sync wait more than they compute.
const AT_ONCE: usize = 4;

/// Steps of one scene, recovery included, at which something is wrong with the scene itself.
const STEPS_MAX: i64 = 200;

/// Violations that are printed: one of them is usually the cause of all.
const SHOWN_MAX: usize = 10;

/// How often the host is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kills {
    Once,
    Twice,
    /// Not killed: stopped for longer than its lease, while another host takes over, and let go on.
    Asleep,
}

/// What came of all cases.
#[derive(Debug, Default)]
struct Tally {
    cases: u32,
    kills: u32,
    steps: BTreeSet<String>,
    steps_of_recovery: BTreeSet<String>,
    violations: Vec<String>,
}

/// Where scenes are played: a new file each time, or one database of a server in turns.
#[derive(Clone)]
enum Stage {
    File,
    Server { database: Arc<Database>, store: Arc<dyn Store>, event: Arc<Mutex<i64>> },
}

impl Stage {
    fn setup(&self, place: &Place) -> Setup {
        match self {
            Self::File => place.setup(),
            Self::Server { database, .. } => Setup { database: database.url(), ..place.setup() },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_once_on_sqlite() {
    play("SQLite, killed once", vec![Stage::File; AT_ONCE], Scene::all(), Kills::Once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twice_on_sqlite() {
    play("SQLite, killed twice", vec![Stage::File; AT_ONCE], Scene::heart(), Kills::Twice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_once_on_postgres() {
    play("PostgreSQL, killed once", servers().await, Scene::all(), Kills::Once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twice_on_postgres() {
    play("PostgreSQL, killed twice", servers().await, Scene::money(), Kills::Twice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asleep_on_sqlite() {
    play("SQLite, stopped for longer than a lease", vec![Stage::File; AT_ONCE], Scene::awake(), Kills::Asleep).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asleep_on_postgres() {
    play("PostgreSQL, stopped for longer than a lease", servers().await, Scene::awake(), Kills::Asleep).await;
}

async fn servers() -> Vec<Stage> {
    let mut stages = Vec::new();
    for _ in 0..AT_ONCE {
        let database = Arc::new(Database::new().await);
        let store = store::open(&database.url()).await.expect("the store opens");
        stages.push(Stage::Server { database, store, event: Arc::default() });
    }
    stages
}

/// Plays every scene on the stages that are free, and tells what came of it.
async fn play(title: &str, stages: Vec<Stage>, scenes: Vec<Scene>, kills: Kills) {
    let since = Instant::now();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let free = Arc::new(Semaphore::new(stages.len()));
    let stages = Arc::new(Mutex::new(stages));
    let number = scenes.len();
    let mut playing = tokio::task::JoinSet::new();
    for scene in scenes {
        let (tally, free, stages) = (Arc::clone(&tally), Arc::clone(&free), Arc::clone(&stages));
        playing.spawn(async move {
            let _permit = free.acquire_owned().await.expect("it is never closed");
            let stage = stages.lock().await.pop().expect("as many as permits");
            at_every_step(&stage, scene, kills, &tally).await;
            stages.lock().await.push(stage);
        });
    }
    while let Some(played) = playing.join_next().await {
        played.expect("a scene is played to its end");
    }
    let mut tally = tally.lock().await;
    for stage in stages.lock().await.iter() {
        tally.violations.extend(secrets_in(stage).await);
    }
    println!(
        "{title}: {number} scenes, {} cases, {} kills, {} violations, in {:.0?}",
        tally.cases,
        tally.kills,
        tally.violations.len(),
        since.elapsed()
    );
    println!("  killed at: {}", tally.steps.iter().cloned().collect::<Vec<_>>().join(" "));
    println!("  in recovery at: {}", tally.steps_of_recovery.iter().cloned().collect::<Vec<_>>().join(" "));
    let shown: Vec<&str> = tally.violations.iter().take(SHOWN_MAX).map(String::as_str).collect();
    assert!(
        tally.violations.is_empty(),
        "{} violations, the first of them:\n{}",
        tally.violations.len(),
        shown.join("\n")
    );
    let always =
        ["decided", "before_commit", "committed", "before_effect", "after_effect", "answered", "before_answer"];
    let told = ["before_delivery", "delivered", "delivery_kept"];
    for step in always.into_iter().chain(told.into_iter().filter(|_| kills != Kills::Twice)) {
        assert!(tally.steps.contains(step), "nobody was killed at `{step}`");
    }
    if kills == Kills::Twice {
        for step in ["before_lookup", "looked_up", "before_commit", "committed"] {
            assert!(tally.steps_of_recovery.contains(step), "nobody was killed at `{step}` of a recovery");
        }
    }
}

async fn at_every_step(stage: &Stage, scene: Scene, kills: Kills, tally: &Mutex<Tally>) {
    for first in 1..=STEPS_MAX {
        let mut second = match kills {
            Kills::Once | Kills::Asleep => None,
            Kills::Twice => Some(1),
        };
        loop {
            let case = match kills {
                Kills::Once | Kills::Twice => case(stage, scene, first, second).await,
                Kills::Asleep => asleep(stage, scene, first).await,
            };
            let mut tally = tally.lock().await;
            tally.cases += 1;
            tally.kills += u32::from(case.first.is_some()) + u32::from(case.second.is_some());
            tally.violations.extend(case.violations);
            let (died, died_again) = (case.first.is_some(), case.second.is_some());
            tally.steps.extend(case.first);
            tally.steps_of_recovery.extend(case.second);
            drop(tally);
            match second {
                Some(step) if died && died_again && step < STEPS_MAX => second = Some(step + 1),
                _ if !died => return,
                _ => break,
            }
        }
    }
    panic!("{}: the host never came to the end", scene.name());
}

/// One case: where the host died, and what is wrong.
#[derive(Debug, Default)]
struct Case {
    first: Option<String>,
    second: Option<String>,
    violations: Vec<String>,
}

/// A host is stopped in the middle of its work. Meanwhile its clients ask another one, which finds out what it can; then the
/// first one goes on as if nothing had happened.
async fn asleep(stage: &Stage, scene: Scene, step: i64) -> Case {
    let place = Place::new();
    let mut setup = stage.setup(&place);
    let mut case = Case::default();
    let host = Process::start(PROGRAM, &setup, &place.log()).await;
    let (props, mut acks) = scene.prepare(&host, &place.ledger()).await;
    host.tell(&Order::Arm { at: step, end: End::Sleep }).await.ack();
    let order = scene.sent(&props);
    let mut telling = std::pin::pin!(host.tell(&order));
    let told = tokio::select! {
        told = &mut telling => told,
        step = host.asleep() => {
            case.first = Some(step);
            setup.ahead_ms += DOWN_MS;
            let other = Process::start(PROGRAM, &setup, &place.log()).await;
            other.tell(&Order::Recover).await.ack();
            if let Told::Done(ack) = other.tell(&scene.sent(&props)).await {
                acks.push(ack);
            }
            other.kill().await;
            host.wake();
            telling.await
        }
    };
    if let Told::Done(ack) = told {
        acks.push(ack);
    }
    host.kill().await;
    setup.ahead_ms += DOWN_MS;
    let host = Process::start(PROGRAM, &setup, &place.log()).await;
    host.tell(&Order::Recover).await.ack();
    host.tell(&Order::Tell).await.ack();
    host.kill().await;
    let name = format!("{}, asleep at {:?}", scene.name(), case.first);
    let found = verdict(stage, scene, &place, &setup, acks).await;
    case.violations = found.into_iter().map(|what| format!("{name}: {what}")).collect();
    case
}

async fn case(stage: &Stage, scene: Scene, first: i64, second: Option<i64>) -> Case {
    let place = Place::new();
    let mut setup = stage.setup(&place);
    let mut case = Case::default();
    let host = Process::start(PROGRAM, &setup, &place.log()).await;
    let (props, mut acks) = scene.prepare(&host, &place.ledger()).await;
    host.tell(&Order::Behave { manner: scene.manner, delay_ms: 0 }).await.ack();
    host.tell(&Order::Arm { at: first, end: End::Death }).await.ack();
    match host.tell(&scene.sent(&props)).await {
        Told::Done(ack) => acks.push(ack),
        Told::Trouble(_) => {}
        Told::Died => case.first = Some(host.struck().expect("it was struck by its own hand")),
    }
    host.kill().await;
    if case.first.is_some()
        && let Some(second) = second
    {
        setup.ahead_ms += DOWN_MS;
        let host = Process::start(PROGRAM, &setup, &place.log()).await;
        host.tell(&Order::Arm { at: second, end: End::Death }).await.ack();
        if host.tell(&Order::Recover).await == Told::Died {
            case.second = Some(host.struck().expect("it was struck by its own hand"));
        }
        host.kill().await;
    }
    setup.ahead_ms += DOWN_MS;
    let host = Process::start(PROGRAM, &setup, &place.log()).await;
    let name = format!("{}, killed at {:?} and {:?}", scene.name(), case.first, case.second);
    let died = |at: &str| {
        let log = std::fs::read_to_string(place.log()).unwrap_or_default();
        panic!("{name}: the host that was to recover did not live through {at}; its log:\n{log}")
    };
    if !matches!(host.tell(&Order::Recover).await, Told::Done(_)) {
        died("the recovery");
    }
    match host.tell(&scene.sent(&props)).await {
        Told::Done(ack) => acks.push(ack),
        Told::Trouble(_) => {}
        Told::Died => died("the same request"),
    }
    if !matches!(host.tell(&Order::Tell).await, Told::Done(_)) {
        died("the events");
    }
    host.kill().await;
    case.violations =
        verdict(stage, scene, &place, &setup, acks).await.into_iter().map(|what| format!("{name}: {what}")).collect();
    case
}

/// What a database of a server must not hold, after all that was done with it.
async fn secrets_in(stage: &Stage) -> Vec<String> {
    let Stage::Server { database, .. } = stage else {
        return Vec::new();
    };
    let facts = Facts { texts: rows(database).await, ..Facts::default() };
    judge(&facts).into_iter().map(|violation| format!("{}: {}", violation.invariant, violation.what)).collect()
}

async fn verdict(stage: &Stage, scene: Scene, place: &Place, setup: &Setup, acks: Vec<Ack>) -> Vec<String> {
    let ledger: PathBuf = place.ledger();
    let mut facts = match stage {
        Stage::File => {
            let store = store::open(&setup.database).await.expect("the database opens");
            Facts::read(store.as_ref(), &ledger, 0, acks).await
        }
        Stage::Server { store, event, .. } => {
            let mut event = event.lock().await;
            let facts = Facts::read(store.as_ref(), &ledger, *event, acks).await;
            *event = last_event(store.as_ref(), *event).await;
            facts
        }
    };
    facts.told = true;
    facts.add_files(place.folder.path());
    facts.secrets.push(PASSWORD.to_owned());
    let violations = judge(&facts).into_iter();
    let mut violations: Vec<String> = violations.map(|found| format!("{}: {}", found.invariant, found.what)).collect();
    if scene.act == Act::CollectMany && !facts.collections.len().is_multiple_of(MANY) {
        violations.push(format!("{} of {MANY} collections were made in one go", facts.collections.len()));
    }
    let made = match scene.one_of() {
        None => 1,
        Some("collection") => facts.collections.len(),
        Some(kind) => facts.effects.iter().filter(|effect| effect.kind == kind).count(),
    };
    if made != 1 {
        violations.push(format!("the client asked for one {:?}, and there are {made}", scene.one_of()));
    }
    violations
}
