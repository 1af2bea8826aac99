//! Every scene at every step.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tillbox::store;
use tillbox_store_tests::place::{Database, Place as _};
use tokio::sync::{Mutex, Semaphore};

use crate::cases::{Stage, case};
use crate::scene::{Act, Behaviour, Hooks, Scene};

/// Scenes played at once: processes that start and sync wait more than they compute.
const AT_ONCE: usize = 4;

/// Steps of one scene at which something is wrong with the scene itself.
const STEPS_MAX: i64 = 100;

/// Violations that are printed: one of them is usually the cause of all.
const SHOWN_MAX: usize = 10;

/// What the matrix has to have, for its name.
const CASES_MIN: u32 = 1_000;

/// Steps of an exchange: somebody has to have been killed at each of them.
const STEPS: [&str; 13] = [
    "decided",
    "before_call",
    "before_intent",
    "before_commit",
    "committed",
    "intent_kept",
    "before_first_byte",
    "request_sent",
    "answer_read",
    "answer_kept",
    "before_guest",
    "answered",
    "before_answer",
];

#[derive(Debug, Default)]
struct Tally {
    cases: u32,
    kills: u32,
    steps: BTreeSet<String>,
    violations: Vec<String>,
}

fn scenes(acts: &[Act], behaviours: &[Behaviour]) -> Vec<Scene> {
    acts.iter().flat_map(|act| behaviours.iter().map(|behaviour| Scene { act: *act, behaviour: *behaviour })).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_every_behaviour_every_step() {
    let scenes = scenes(&Act::ALL, &Behaviour::ALL);
    let cases = play("The network", vec![Stage::File; AT_ONCE], scenes, Hooks::None).await;
    assert!(cases >= CASES_MIN, "{cases} cases are too few");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_twice_backwards_and_late() {
    let behaviours = [Behaviour::Answers, Behaviour::LosesReply];
    let scenes = scenes(&Act::MONEY, &behaviours);
    play("Webhooks twice, backwards and late", vec![Stage::File; AT_ONCE], scenes, Hooks::TwiceBackwardsAndLate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_after_everything_else() {
    let scenes = scenes(&[Act::Authorize, Act::CapturePart], &[Behaviour::LosesReply]);
    play("Webhooks after recovery", vec![Stage::File; AT_ONCE], scenes, Hooks::Late).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    let mut stages = Vec::new();
    for _ in 0..2 {
        let database = Arc::new(Database::new().await);
        let store = store::open(&database.url()).await.expect("the store opens");
        stages.push(Stage::Server { database, store, event: Arc::default() });
    }
    let scenes = scenes(&[Act::Authorize, Act::CapturePart], &[Behaviour::Answers, Behaviour::LosesReply]);
    play("The network on PostgreSQL", stages, scenes, Hooks::None).await;
}

/// Plays every scene on the stages that are free, and answers how many cases there were.
async fn play(title: &str, stages: Vec<Stage>, scenes: Vec<Scene>, hooks: Hooks) -> u32 {
    let since = Instant::now();
    let cache = Arc::new(tempfile::tempdir().expect("a temporary directory"));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let free = Arc::new(Semaphore::new(stages.len()));
    let stages = Arc::new(Mutex::new(stages));
    let number = scenes.len();
    let mut playing = tokio::task::JoinSet::new();
    for scene in scenes {
        let (tally, free, stages) = (Arc::clone(&tally), Arc::clone(&free), Arc::clone(&stages));
        let cache = Arc::clone(&cache);
        playing.spawn(async move {
            let _permit = free.acquire_owned().await.expect("it is never closed");
            let stage = stages.lock().await.pop().expect("as many as permits");
            for step in 1..=STEPS_MAX {
                let case = case(&stage, scene, hooks, step, cache.path()).await;
                let mut tally = tally.lock().await;
                tally.cases += 1;
                tally.kills += u32::from(case.struck.is_some());
                tally.violations.extend(case.violations);
                let survived = case.struck.is_none();
                tally.steps.extend(case.struck);
                drop(tally);
                if survived {
                    break;
                }
                assert!(step < STEPS_MAX, "{}: the host never came to the end", scene.name());
            }
            stages.lock().await.push(stage);
        });
    }
    while let Some(played) = playing.join_next().await {
        played.expect("a scene is played to its end");
    }
    let tally = tally.lock().await;
    println!(
        "{title}: {number} scenes, {} cases, {} kills, {} violations, in {:.0?}",
        tally.cases,
        tally.kills,
        tally.violations.len(),
        since.elapsed()
    );
    println!("  killed at: {}", tally.steps.iter().cloned().collect::<Vec<_>>().join(" "));
    let shown: Vec<&str> = tally.violations.iter().take(SHOWN_MAX).map(String::as_str).collect();
    assert!(
        tally.violations.is_empty(),
        "{} violations, the first of them:\n{}",
        tally.violations.len(),
        shown.join("\n")
    );
    for step in STEPS {
        assert!(tally.steps.contains(step), "nobody was killed at `{step}`");
    }
    tally.cases
}
