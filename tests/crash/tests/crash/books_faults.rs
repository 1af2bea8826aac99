//! Something is wrong with the books or with what is installed: a row that cannot be read, a provider that is gone. It is
//! named, the others are not touched by it, and recovery goes on without it.

use tillbox_crash::gateway::Habit;
use tillbox_crash::orders::Order;
use tillbox_crash::till::Setup;
use tillbox_store_tests::place::{Database, File, Place};

use crate::desk::{Desk, capture};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrupt_row_harms_nobody_else_on_sqlite() {
    a_corrupt_row_harms_nobody_else(&File::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrupt_row_harms_nobody_else_on_postgres() {
    a_corrupt_row_harms_nobody_else(&Database::new().await).await;
}

async fn a_corrupt_row_harms_nobody_else(place: &dyn Place) {
    let mut desk = Desk::on_a_server(place.url()).await;
    let good = desk.payment(Habit::Keyed).await;
    let bad = desk.payment(Habit::Keyed).await;
    // Both wait for recovery, the bad one in front of the good one, whichever way they are taken.
    let before = desk.lost_capture(&good).await;
    let unreadable = desk.lost_capture(&bad).await;
    let other = desk.payment(Habit::Keyed).await;
    let after = desk.lost_capture(&other).await;
    place.run(&format!("update payment set data = 'no object' where id = '{bad}'")).await.unwrap();
    place.run(&format!("update operation set origin = 'nobody' where id = '{unreadable}'")).await.unwrap();

    let later = Setup { ahead_ms: 3_600_000, ..desk.setup.clone() };
    desk.restart(later).await;
    let trouble = desk.refused(capture(&bad)).await;
    assert_eq!(trouble.code, "store_unusable");
    assert!(trouble.text.contains(&unreadable) || trouble.text.contains(&bad), "{}", trouble.text);
    assert_eq!(desk.ready().await, (200, String::new()));
    // A list that cannot be whole says because of what.
    let (status, list) = desk.get("/admin/payments").await;
    let text = list["message"].as_str().unwrap_or_default().to_owned();
    assert!(status == 200 || text.contains(&unreadable) || text.contains(&bad), "{status} {list}");
    // What it says of the rest is not our matter here; the others have to be found out about.
    let _ = desk.host.tell(&Order::Recover).await;
    for operation in [before, after] {
        let (status, found) = desk.get(&format!("/admin/operations/{operation}")).await;
        assert_eq!((status, found["operation"]["state"].as_str()), (200, Some("succeeded")), "{found}");
    }
    place.run(&format!("update operation set origin = 'command' where id = '{unreadable}'")).await.unwrap();
    place.run(&format!("update payment set data = '{{}}' where id = '{bad}'")).await.unwrap();
    desk.judged().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_of_a_provider_that_is_gone_can_be_read_and_wait_for_it() {
    let mut desk = Desk::on_a_file().await;
    let payment = desk.payment(Habit::Keyed).await;
    let other = desk.payment(Habit::Plain).await;
    let open = desk.lost_capture(&payment).await;
    let without = Setup { without: Habit::Keyed.name().to_owned(), ahead_ms: 3_600_000, ..desk.setup.clone() };
    desk.restart(without.clone()).await;
    assert_eq!(desk.ready().await, (200, String::new()));
    for target in [format!("/admin/payments/{payment}"), "/admin/payments".to_owned(), "/admin/operations".to_owned()] {
        let (status, body) = desk.get(&target).await;
        assert_eq!(status, 200, "{target}: {body}");
    }
    for order in [
        capture(&payment),
        Order::Refund { payment: payment.clone(), amount: None },
        Order::Cancel { payment: payment.clone() },
        Order::Recheck { operation: open.clone() },
    ] {
        let trouble = desk.refused(order).await;
        assert_eq!(trouble.code, "unknown_provider");
        assert!(
            trouble.text.contains(&Habit::Keyed.id()) && trouble.text.contains("install it again"),
            "{}",
            trouble.text
        );
    }
    desk.tell(Order::Recover).await;
    let (_, found) = desk.get(&format!("/admin/operations/{open}")).await;
    assert_eq!(found["operation"]["state"], "unknown", "nobody can tell, so it stays a question: {found}");
    desk.tell(capture(&other)).await;

    desk.restart(Setup { without: String::new(), ..without }).await;
    desk.tell(Order::Recover).await;
    let (_, found) = desk.get(&format!("/admin/operations/{open}")).await;
    assert_eq!(found["operation"]["state"], "succeeded", "{found}");
    desk.judged().await;
}
