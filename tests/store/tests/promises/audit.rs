//! The audit: a call is there no later than what it changed, and its end comes after.

use tillbox::core::Timestamp;
use tillbox::store::{AuditDurability, AuditEnd, AuditEntry, AuditFilter, Key, Page, Range, Store};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{api_key, audit, created, id};

const ALL: Page = Page { offset: 0, limit: 50 };

async fn all(store: &dyn Store) -> Vec<AuditEntry> {
    store.audits(AuditFilter::default(), ALL).await.unwrap().items
}

pub(crate) async fn a_call_is_kept_with_the_next_change_and_ends_later(place: &dyn Place) {
    let store = place.open().await;
    for number in [1, 2] {
        store.begin_audit(audit(number), AuditDurability::WithTheNext).await.unwrap();
    }
    // One of two that want the same is refused, and takes nothing with it.
    let (first, second) = tokio::join!(store.commit(created(1)), store.commit(created(1)));
    assert!(first.is_ok() != second.is_ok());
    // Another host sees both: they are no longer this one's alone.
    let other = place.open().await;
    assert!(other.load(Key::Collection(id(1))).await.unwrap().is_some());
    assert_eq!(all(other.as_ref()).await, [audit(2), audit(1)]);
    let end = AuditEnd { status: 409, code: Some("contended".to_owned()), at: Timestamp(1_700_000_000_009) };
    let good = AuditEnd { status: 200, code: None, ..end.clone() };
    store.end_audits(vec![(audit(1).id, good.clone()), (audit(2).id, end.clone())]).await.unwrap();
    let ended = [AuditEntry { end: Some(end), ..audit(2) }, AuditEntry { end: Some(good), ..audit(1) }];
    assert_eq!(all(other.as_ref()).await, ended);
    // The last one waits for nobody's commit when the store is closed.
    store.begin_audit(audit(3), AuditDurability::WithTheNext).await.unwrap();
    drop((store, other));
    assert_eq!(all(place.open().await.as_ref()).await.len(), 3);
}

pub(crate) async fn a_call_that_is_wanted_now_is_there_alone(place: &dyn Place) {
    let (store, other) = (place.open().await, place.open().await);
    let nobodys = AuditEntry { api_key: None, kind: None, subject: None, ..audit(1) };
    store.begin_audit(nobodys.clone(), AuditDurability::Now).await.unwrap();
    assert_eq!(all(other.as_ref()).await, [nobodys]);
    for number in 2..=4 {
        store.begin_audit(audit(number), AuditDurability::Now).await.unwrap();
    }
    // A second attempt to write the same is no second call.
    store.begin_audit(audit(4), AuditDurability::Now).await.unwrap();
    let find = async |filter: AuditFilter| store.audits(filter, ALL).await.unwrap().items;
    let of = AuditFilter::default;
    let subject = |number| audit(number).subject.unwrap();
    assert_eq!(find(AuditFilter { subjects: vec![subject(3)], ..of() }).await, [audit(3)]);
    assert_eq!(find(AuditFilter { request_ids: vec!["req_1".into(), "req_2".into()], ..of() }).await.len(), 2);
    assert_eq!(find(AuditFilter { api_keys: vec![api_key(1).id.to_string()], ..of() }).await.len(), 3);
    let created = Range { from: Some(Timestamp(1_700_000_000_004)), to: None };
    assert_eq!(find(AuditFilter { created, ..of() }).await, [audit(4)]);
    let page = store.audits(of(), Page { offset: 1, limit: 2 }).await.unwrap();
    assert_eq!((page.count, page.items), (4, vec![audit(3), audit(2)]));
}
