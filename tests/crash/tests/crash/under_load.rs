//! Killed at random while sixteen clients pay, capture, refund and void, on payments that they share.
//!
//! What is drawn is drawn from a seed that is printed; when the kill comes in between is up to the machine. Longer or shorter:
//! `TILLBOX_CRASH_SECONDS`; the same draws again: `TILLBOX_CRASH_SEED`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tillbox::core::operation::OperationState;
use tillbox::store;
use tillbox_crash::facts::{Facts, rows};
use tillbox_crash::gateway::{Habit, Manner};
use tillbox_crash::judge::judge;
use tillbox_crash::orders::{Ack, Order};
use tillbox_crash::process::{Place, Process, Told};
use tillbox_crash::till::{Setup, real_ms};
use tillbox_store_tests::place::{Database, Place as _};
use tillbox_store_tests::server::PASSWORD;
use tokio::sync::{Mutex, RwLock};

use crate::PROGRAM;

/// Clients that press the hosts.
const CLIENTS: u64 = 16;

/// Seconds of one test at least.
const SECONDS: u64 = 120;

/// Seconds of one test at most: what a slow machine may take longer to come to its kills.
const SECONDS_MAX: u64 = 300;

/// Kills that a test of [`SECONDS`] must have had, and goes on until it has; shorter ones in proportion.
const KILLS_MIN: u64 = 200;

/// A host is killed this long after the last one was, milliseconds, at most; half of it on average.
const PAUSE_MS_MAX: u64 = 300;

/// How fast the hosts' clocks run: a lease of minutes ends in seconds, and is still longer than any call takes here.
const SPEED: i64 = 30;

/// How far the clock has gone on when it is over, milliseconds.
const LATER_MS: i64 = 24 * 60 * 60 * 1_000;

/// Violations that are printed: one of them is usually the cause of all.
const SHOWN_MAX: usize = 10;

/// Payments that clients share; older ones are left alone.
const SHARED_MAX: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_host_on_sqlite() {
    let place = Place::new();
    let setup = place.setup();
    run("SQLite, one host", place, setup, 1, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hosts_on_postgres() {
    let place = Place::new();
    let database = Database::new().await;
    let setup = Setup { database: database.url(), ..place.setup() };
    run("PostgreSQL, three hosts", place, setup, 3, Some(&database)).await;
}

/// Numbers that look drawn (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn amount(&mut self, most: u64) -> i64 {
        i64::try_from(1 + self.below(most)).expect("a small number")
    }
}

fn from_environment(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var(name).ok().map_or_else(otherwise, |text| text.parse().expect("a number in the environment"))
}

/// Hosts, each of which may be another process the next moment.
struct Fleet {
    hosts: Vec<RwLock<Arc<Process>>>,
    place: Place,
    setup: Setup,
}

impl Fleet {
    async fn start(place: Place, setup: Setup, number: usize) -> Self {
        let mut hosts = Vec::new();
        for _ in 0..number {
            hosts.push(RwLock::new(Arc::new(start(&place, &setup).await)));
        }
        Self { hosts, place, setup }
    }

    async fn tell(&self, draw: &mut Draw, order: &Order) -> Told {
        let host = self.hosts[usize::try_from(draw.below(self.hosts.len() as u64)).expect("few")].read().await.clone();
        host.tell(order).await
    }

    /// Kills one and starts another in its place. Meanwhile its clients wait.
    async fn kill_one(&self, draw: &mut Draw) {
        let mut host = self.hosts[usize::try_from(draw.below(self.hosts.len() as u64)).expect("few")].write().await;
        host.kill().await;
        *host = Arc::new(start(&self.place, &self.setup).await);
    }
}

async fn start(place: &Place, setup: &Setup) -> Process {
    let host = Process::start(PROGRAM, setup, &place.log()).await;
    host.tell(&Order::Behave { manner: Manner::Capricious, delay_ms: 0 }).await.ack();
    host
}

/// What clients know together.
#[derive(Default)]
struct Common {
    payments: Mutex<Vec<String>>,
    acks: Mutex<Vec<Ack>>,
    told: Mutex<BTreeMap<String, u64>>,
    kills: AtomicU64,
    over: AtomicBool,
}

async fn run(title: &str, place: Place, setup: Setup, hosts: usize, database: Option<&Database>) {
    let seed = from_environment("TILLBOX_CRASH_SEED", || u64::try_from(real_ms()).unwrap_or(1));
    let seconds = from_environment("TILLBOX_CRASH_SECONDS", || SECONDS);
    println!("{title}: TILLBOX_CRASH_SEED={seed} TILLBOX_CRASH_SECONDS={seconds}");
    let setup = Setup { speed: SPEED, since_ms: real_ms(), works_by_itself: true, ..setup };
    let fleet = Arc::new(Fleet::start(place, setup, hosts).await);
    let common = Arc::new(Common::default());
    let (since, kills_min) = (Instant::now(), KILLS_MIN * seconds / SECONDS);
    let (enough, at_most) = (Duration::from_secs(seconds), Duration::from_secs(SECONDS_MAX * seconds / SECONDS));
    let mut working = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let (fleet, common) = (Arc::clone(&fleet), Arc::clone(&common));
        working.spawn(async move {
            let mut draw = Draw(seed ^ (client << 32));
            while !common.over.load(Ordering::SeqCst) {
                step(&fleet, &common, &mut draw).await;
            }
        });
    }
    let (killed, counted) = (Arc::clone(&fleet), Arc::clone(&common));
    working.spawn(async move {
        let mut draw = Draw(!seed);
        let mut kills = 0;
        while since.elapsed() < enough || (kills < kills_min && since.elapsed() < at_most) {
            tokio::time::sleep(Duration::from_millis(draw.below(PAUSE_MS_MAX))).await;
            killed.kill_one(&mut draw).await;
            kills = counted.kills.fetch_add(1, Ordering::SeqCst) + 1;
        }
        counted.over.store(true, Ordering::SeqCst);
    });
    while let Some(done) = working.join_next().await {
        done.expect("nobody gives up");
    }
    let took = since.elapsed();
    println!("{title}: pressed for {took:.0?}");
    verdict(title, &fleet, &common, kills_min, database).await;
}

/// One thing a client does.
async fn step(fleet: &Fleet, common: &Common, draw: &mut Draw) {
    let payment = {
        let payments = common.payments.lock().await;
        let number = payments.len() as u64;
        (number > 0).then(|| payments[usize::try_from(draw.below(number)).expect("few")].clone())
    };
    let order = match (draw.below(100), payment) {
        (35..=69, Some(payment)) => Order::Capture { payment, amount: Some(draw.amount(400)) },
        (70..=89, Some(payment)) => Order::Refund { payment, amount: Some(draw.amount(200)) },
        (90..=94, Some(payment)) => Order::Cancel { payment },
        _ => return pay(fleet, common, draw).await,
    };
    note(common, fleet.tell(draw, &order).await).await;
}

/// A payer pays; the payment is everybody's from then on.
async fn pay(fleet: &Fleet, common: &Common, draw: &mut Draw) {
    let habits = [Habit::Keyed, Habit::Keyed, Habit::Automatic, Habit::Plain, Habit::Resend, Habit::Inner];
    let habit = habits[usize::try_from(draw.below(6)).expect("few")];
    let collect = fleet.tell(draw, &Order::Collect { amount: 1_000 }).await;
    let Some(collection) = note(common, collect).await.and_then(|ack| ack.collection) else { return };
    let open = Order::Open { collection, provider: habit.id(), amount: None };
    let opened = fleet.tell(draw, &open).await;
    let Some(session) = note(common, opened).await.and_then(|ack| ack.session) else { return };
    if draw.below(5) == 0 {
        let updated = fleet.tell(draw, &Order::Update { session: session.clone(), amount: 900 }).await;
        note(common, updated).await;
    }
    let authorized = fleet.tell(draw, &Order::Authorize { session }).await;
    let Some(payment) = note(common, authorized).await.and_then(|ack| ack.payment) else { return };
    let mut payments = common.payments.lock().await;
    if payments.len() == SHARED_MAX {
        payments.remove(0);
    }
    payments.push(payment);
}

async fn note(common: &Common, told: Told) -> Option<Ack> {
    let (what, ack) = match told {
        Told::Done(ack) => (format!("done {}", ack.state.as_deref().unwrap_or("")), Some(ack)),
        Told::Trouble(trouble) => (trouble.code, None),
        Told::Died => ("host died".to_owned(), None),
    };
    *common.told.lock().await.entry(what).or_default() += 1;
    common.acks.lock().await.extend(ack.clone());
    ack
}

async fn verdict(title: &str, fleet: &Fleet, common: &Common, kills_min: u64, database: Option<&Database>) {
    for host in &fleet.hosts {
        host.read().await.kill().await;
    }
    let later = Setup { ahead_ms: LATER_MS, works_by_itself: false, ..fleet.setup.clone() };
    let last = Process::start(PROGRAM, &later, &fleet.place.log()).await;
    last.tell(&Order::Recover).await.ack();
    last.tell(&Order::Tell).await.ack();
    last.kill().await;
    let store = store::open(&fleet.setup.database).await.expect("the database opens");
    let acks = std::mem::take(&mut *common.acks.lock().await);
    let mut facts = Facts::read(store.as_ref(), &fleet.place.ledger(), 0, acks).await;
    facts.told = true;
    facts.add_files(fleet.place.folder.path());
    if let Some(database) = database {
        facts.texts.extend(rows(database).await);
        facts.secrets.push(PASSWORD.to_owned());
    }
    let operations: usize = facts.collections.iter().map(|stored| stored.collection.operations.len()).sum();
    let violations = judge(&facts);
    let kills = common.kills.load(Ordering::SeqCst);
    println!(
        "{title}: {kills} kills, {} collections, {operations} operations, {} effects at the gateway, {} acknowledgements, \
         {} events heard {} times, {} violations",
        facts.collections.len(),
        facts.effects.len(),
        facts.acks.len(),
        facts.events.len(),
        facts.heard.len(),
        violations.len()
    );
    println!("  left to a person: {:?}", left_to_a_person(&facts));
    println!("  clients were told: {:?}", common.told.lock().await);
    assert!(violations.is_empty(), "the first ones: {:#?}", &violations[..violations.len().min(SHOWN_MAX)]);
    assert!(
        kills >= kills_min,
        "{kills} kills in {SECONDS_MAX} seconds are fewer than {kills_min}: hosts start too slowly"
    );
}

/// What recovery could not find out, by provider and kind.
fn left_to_a_person(facts: &Facts) -> BTreeMap<String, u64> {
    let mut left = BTreeMap::new();
    for operation in facts.collections.iter().flat_map(|stored| &stored.collection.operations) {
        if operation.state == OperationState::NeedsReview {
            let what = format!("{} with {}", operation.kind.as_str(), operation.provider);
            *left.entry(what).or_default() += 1;
        }
    }
    left
}
