//! One case: the host dies at its n-th step, another one recovers, the client asks again, and the books are compared.

use std::path::Path;
use std::sync::Arc;

use tillbox::store::{self, Store};
use tillbox_crash::DOWN_MS;
use tillbox_crash::facts::{Facts, last_event};
use tillbox_crash::fate::End;
use tillbox_crash::judge::{Violation, judge};
use tillbox_crash::network::{self, API_KEY, CACHE, GATEWAY, WEBHOOK_SECRET};
use tillbox_crash::orders::{Ack, Order};
use tillbox_crash::process::{Place, Process, Told};
use tillbox_crash::till::Setup;
use tillbox_gateway::{Gateway, Options};
use tillbox_store_tests::place::{Database, Place as _};
use tillbox_store_tests::server::PASSWORD;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::PROGRAM;
use crate::scene::{Hooks, Scene, deliver};

/// Where cases are played: a new file each time, or one database of a server in turns.
#[derive(Clone)]
pub(crate) enum Stage {
    File,
    Server { database: Arc<Database>, store: Arc<dyn Store>, event: Arc<Mutex<i64>> },
}

/// How often a client asks again.
const ASKED_MAX: u32 = 2;

/// Where the host died, if it did, and what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) struck: Option<String>,
    pub(crate) violations: Vec<String>,
}

/// The gateway outlives every host; its book is beside theirs, and is none of theirs.
async fn gateway(place: &Place) -> Gateway {
    let options = Options {
        ledger: book(place),
        secret_keys: vec![API_KEY.to_owned()],
        webhook: None,
        webhook_secrets: vec![WEBHOOK_SECRET.to_owned()],
        search_lag_ms: 0,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    Gateway::start(listener, options).expect("the gateway starts")
}

/// In memory where there is such a place: a killed process leaves every page it has written to the kernel, and what a power
/// cut would take is the other tests' business. Waiting for a disk is most of what a case takes.
fn place() -> Place {
    let memory = Path::new("/dev/shm");
    match memory.is_dir().then(|| tempfile::tempdir_in(memory)) {
        Some(Ok(folder)) => Place { folder },
        Some(Err(_)) | None => Place::new(),
    }
}

fn book(place: &Place) -> std::path::PathBuf {
    place.folder.path().join("gateway.db.stripe")
}

pub(crate) async fn case(stage: &Stage, scene: Scene, hooks: Hooks, step: i64, cache: &Path) -> Case {
    let place = place();
    let gateway = gateway(&place).await;
    let mut setup = match stage {
        Stage::File => place.setup(),
        Stage::Server { database, .. } => Setup { database: database.url(), ..place.setup() },
    };
    let mut case = Case::default();
    let environment = [(GATEWAY, Path::new(gateway.base())), (CACHE, cache)];
    let host = Process::start_in(PROGRAM, &setup, &place.log(), &environment).await;
    let (props, mut acks) = scene.prepare(&host, &gateway).await;
    host.tell(&Order::Arm { at: step, end: End::Death }).await.ack();
    match host.tell(&scene.sent(&props)).await {
        Told::Done(ack) => acks.push(ack),
        Told::Trouble(_) => {}
        Told::Died => case.struck = Some(host.struck().expect("it was struck by its own hand")),
    }
    host.kill().await;

    setup.ahead_ms += DOWN_MS;
    let host = Process::start_in(PROGRAM, &setup, &place.log(), &environment).await;
    let name = format!("{}, killed at {:?}", scene.name(), case.struck);
    let lives = |told: Told, at: &str| match told {
        Told::Done(ack) => Some(ack),
        Told::Trouble(trouble) if at == "the same request" => {
            drop(trouble);
            None
        }
        Told::Trouble(_) | Told::Died => {
            let log = std::fs::read_to_string(place.log()).unwrap_or_default();
            panic!("{name}: the host did not live through {at}: {told:?}; its log:\n{log}")
        }
    };
    if hooks == Hooks::TwiceBackwardsAndLate {
        deliver(&host, &book(&place), true).await;
    }
    // The client asks until it is told something: a gateway that is busy at its second request refuses that one.
    for _ in 0..ASKED_MAX {
        lives(host.tell(&Order::Recover).await, "the recovery");
        if let Some(ack) = lives(host.tell(&scene.sent(&props)).await, "the same request") {
            acks.push(ack);
            break;
        }
    }
    if hooks != Hooks::None {
        deliver(&host, &book(&place), false).await;
    }
    // The second request may have left a question of its own.
    lives(host.tell(&Order::Recover).await, "the recovery");
    lives(host.tell(&Order::Tell).await, "the events");
    host.kill().await;
    let found = verdict(stage, scene, &place, &setup, acks).await;
    case.violations = found.into_iter().map(|what| format!("{name}: {what}")).collect();
    case
}

async fn verdict(stage: &Stage, scene: Scene, place: &Place, setup: &Setup, acks: Vec<Ack>) -> Vec<String> {
    let (mut facts, store) = match stage {
        Stage::File => {
            let store = store::open(&setup.database).await.expect("the database opens");
            (Facts::read(store.as_ref(), &place.ledger(), 0, acks).await, store)
        }
        Stage::Server { store, event, .. } => {
            let mut event = event.lock().await;
            let facts = Facts::read(store.as_ref(), &place.ledger(), *event, acks).await;
            *event = last_event(store.as_ref(), *event).await;
            (facts, Arc::clone(store))
        }
    };
    let (effects, mut found) = network::effects(store.as_ref(), &facts, &book(place)).await;
    facts.effects = effects;
    facts.told = true;
    facts.add_files(place.folder.path());
    facts.secrets.extend([API_KEY, WEBHOOK_SECRET, PASSWORD].map(str::to_owned));
    found.extend(judge(&facts));
    found.extend(network::judge(&facts, scene.behaviour.is_for_a_person()));
    if let Some(kind) = scene.one_of() {
        let made = facts.effects.iter().filter(|effect| effect.kind == kind).count();
        if made != 1 {
            let what = format!("the client asked for one {kind}, and there are {made}");
            found.push(Violation { invariant: "I2", what });
        }
    }
    found.into_iter().map(|violation| format!("{}: {}", violation.invariant, violation.what)).collect()
}
