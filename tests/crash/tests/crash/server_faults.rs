//! The server fails: it goes away and comes back, or the connection is lost around a commit. Nothing is sent that could not be
//! written down first, nothing that was answered is lost, and readiness tells the truth.

use tillbox_crash::gateway::{Habit, Manner};
use tillbox_crash::orders::Order;
use tillbox_crash::process::Told;
use tillbox_crash::till::Setup;
use tillbox_store_tests::place::{Database, Place as _};
use tillbox_store_tests::server::Server;
use tillbox_store_tests::wire::{Cut, Wire};

use crate::desk::{Desk, capture};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back() {
    let mut server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let mut desk = Desk::on_a_server(server.url("postgres")).await;
    let payment = desk.payment(Habit::Keyed).await;
    desk.tell(capture(&payment)).await;
    let before = desk.effects();

    // It goes while the gateway is being asked.
    desk.tell(Order::Behave { manner: Manner::Answers, delay_ms: 1_500 }).await;
    let asked = capture(&payment);
    let (told, mut server) = tokio::join!(desk.host.tell(&asked), async {
        desk.until("running", 1).await;
        tokio::task::spawn_blocking(move || {
            server.stop();
            server
        })
        .await
        .unwrap()
    });
    let Told::Trouble(trouble) = told else { panic!("{told:?}") };
    assert_eq!(trouble.code, "outcome_unknown", "{}", trouble.text);
    let after = desk.effects();
    assert_eq!(after.len(), before.len() + 1);

    assert_eq!(desk.ready().await, (503, "store_unavailable".to_owned()));
    let trouble = desk.refused(capture(&payment)).await;
    assert_eq!(trouble.code, "store_unavailable", "{}", trouble.text);
    assert_eq!(desk.effects(), after, "nothing is sent that could not be written down first");
    assert_eq!(desk.get("/health/live").await.0, 200);

    let server = tokio::task::spawn_blocking(move || {
        server.start_again();
        server
    });
    let _server = server.await.unwrap();
    assert_eq!(desk.ready().await, (200, String::new()));
    let second = desk.payment(Habit::Keyed).await;
    desk.tell(capture(&second)).await;
    desk.judged().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_lost_around_a_commit() {
    for cut in [Cut::Answer, Cut::Request, Cut::AnswerAndRoad] {
        for outcome in [false, true] {
            lost_around_a_commit(cut, outcome).await;
        }
    }
}

/// The commit of the intent, or that of the outcome, meets the cut.
async fn lost_around_a_commit(cut: Cut, outcome: bool) {
    let database = Database::new().await;
    let wire = Wire::to(database.server().host_and_port()).await;
    let url = database.server().url_through(wire.port(), database.name());
    let mut desk = Desk::on_a_server(url).await;
    let payment = desk.payment(Habit::Keyed).await;
    let before = desk.effects();
    let asked = capture(&payment);
    let told = if outcome {
        desk.tell(Order::Behave { manner: Manner::Answers, delay_ms: 500 }).await;
        let (told, ()) = tokio::join!(desk.host.tell(&asked), async {
            desk.until("running", 1).await;
            wire.cut(cut, 1);
        });
        told
    } else {
        wire.cut(cut, 1);
        desk.host.tell(&asked).await
    };
    assert_eq!(wire.left(), 0, "{cut:?} {outcome}: the commit was cut");
    let sent = desk.effects().len() - before.len();
    match (told, cut) {
        // With the road closed, a connection that was there before may still tell what became of the commit.
        (Told::Done(ack), _) => {
            assert_eq!((ack.state.as_deref(), sent), (Some("succeeded"), 1), "{cut:?} {outcome}");
        }
        // Nobody can be asked what became of the commit: of an intent, then nothing is sent; of an outcome, it is a question.
        (Told::Trouble(trouble), Cut::AnswerAndRoad) => {
            let expected = if outcome { ("outcome_unknown", 1) } else { ("store_unavailable", 0) };
            assert_eq!((trouble.code.as_str(), sent), expected, "{}", trouble.text);
            assert_eq!(desk.ready().await.0, 503);
        }
        (told, _) => panic!("{cut:?} {outcome}: {told:?}"),
    }
    // Back by the straight road.
    desk.setup = Setup { database: database.url(), ..desk.setup };
    desk.judged().await;
}
