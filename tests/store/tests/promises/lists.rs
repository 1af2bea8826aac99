//! What every store promises of lists, of several changes at once, and of reasons for refunds.

use std::fmt::Debug;

use tillbox::core::Timestamp;
use tillbox::core::event::{Change as What, Event};
use tillbox::core::id::{CaptureId, CollectionId, ProviderId, RefundId, SessionId};
use tillbox::core::machine;
use tillbox::core::status::{CollectionStatus, SessionStatus};
use tillbox::store::{
    AccountHolderFilter, By, CaptureFilter, Change, CollectionField, CollectionFilter, Condition, KeptHolder,
    KeptProvider, Key, Operand, Order, Page, PaymentFilter, Range, ReasonField, RefundFilter, RefundReason,
    RefundReasonFilter, SessionFilter, Store, StoreError, Stored, Test, Wanted,
};
use tillbox_store_tests::place::Place;
use tillbox_store_tests::sample::{created, holder, id, noted, payment_id, provider, reason, rich, tail};

const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

/// When samples were made: the time of `created` and of everything in `rich`.
const MADE: i64 = 1_700_000_000_000;

async fn collections(store: &dyn Store, filter: CollectionFilter) -> Vec<CollectionId> {
    let found = store.find_collections(Wanted::of(filter, ALL)).await.unwrap();
    assert_eq!(found.count, found.items.len() as u64, "the count is of the whole, and this is the whole");
    found.items
}

fn are<T: PartialEq + Debug>(found: &[T], wanted: impl IntoIterator<Item = T>) {
    assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
}

pub(crate) async fn collections_are_found_by_what_they_are(place: &dyn Place) {
    let store = place.open().await;
    for number in 1..=3 {
        store.commit(rich(number)).await.unwrap();
    }
    store.commit(created(4)).await.unwrap();
    let store = store.as_ref();
    let of = CollectionFilter::default;
    are(&collections(store, of()).await, [4, 3, 2, 1].map(id));
    are(&collections(store, CollectionFilter { ids: vec![id(3), id(1), id(9)], ..of() }).await, [3, 1].map(id));
    let carts = vec!["cart_2".to_owned(), "cart_4".to_owned(), "cart_".to_owned()];
    are(&collections(store, CollectionFilter { cart_ids: carts, ..of() }).await, [4, 2].map(id));
    let status = store.load(Key::Collection(id(1))).await.unwrap().unwrap().collection.status;
    assert_eq!(status, CollectionStatus::NotPaid, "samples are written as they are, not decided");
    are(&collections(store, CollectionFilter { statuses: vec![CollectionStatus::Failed], ..of() }).await, []);
    let statuses = vec![CollectionStatus::Failed, CollectionStatus::NotPaid];
    are(&collections(store, CollectionFilter { statuses, ..of() }).await, [4, 3, 2, 1].map(id));
    are(&collections(store, CollectionFilter { currencies: vec!["USD".into()], ..of() }).await, []);
    assert_eq!(collections(store, CollectionFilter { currencies: vec!["EUR".into()], ..of() }).await.len(), 4);
}

pub(crate) async fn lists_have_spans_orders_and_pages(place: &dyn Place) {
    let store = place.open().await;
    for number in 1..=4 {
        store.commit(if number % 2 == 0 { rich(number) } else { created(number) }).await.unwrap();
    }
    let filter = |updated: Range| CollectionFilter { updated, ..CollectionFilter::default() };
    let store = store.as_ref();
    // The last event of `rich` is of 9 ms after the samples' time, that of `created` of 1 ms.
    let late = Range { from: Some(Timestamp(MADE + 9)), to: None };
    are(&collections(store, filter(late)).await, [4, 2].map(id));
    are(&collections(store, filter(Range { to: Some(Timestamp(MADE + 8)), ..late })).await, []);
    are(&collections(store, filter(Range { from: None, to: Some(Timestamp(MADE + 8)) })).await, [3, 1].map(id));
    for (by, descending, wanted) in [
        (By::UpdatedAt, true, [4, 2, 3, 1]),
        (By::UpdatedAt, false, [1, 3, 2, 4]),
        (By::Amount, false, [1, 2, 3, 4]),
        (By::CreatedAt, true, [4, 3, 2, 1]),
        (By::Id, false, [1, 2, 3, 4]),
    ] {
        let order = Order { by, descending };
        let mut found = Vec::new();
        for offset in 0..4 {
            let wanted = Wanted { order, ..Wanted::from(Page { offset, limit: 1 }) };
            let page = store.find_collections(wanted).await.unwrap();
            assert_eq!(page.count, 4);
            found.extend(page.items);
        }
        are(&found, wanted.map(id));
    }
    let past = store.find_collections(Page { offset: 9, limit: 1 }.into()).await.unwrap();
    assert_eq!((past.items.len(), past.count), (0, 4));
}

/// A text is searched for as it is: what means something to a database means nothing here.
pub(crate) async fn a_search_takes_text_for_text(place: &dyn Place) {
    let store = place.open().await;
    for number in 1..=2 {
        store.commit(rich(number)).await.unwrap();
    }
    let find = async |text: &str| {
        let filter = PaymentFilter { text: Some(text.to_owned()), ..PaymentFilter::default() };
        let found = store.find_payments(Wanted::of(filter, ALL)).await.unwrap();
        found.items.into_iter().map(|(_, payment)| payment).collect::<Vec<_>>()
    };
    are(&find("ch_1").await, [payment_id(2), payment_id(1)]);
    assert_eq!(find("CH_").await.len(), 2);
    are(&find(&tail(1)[20..]).await, [payment_id(1)]);
    for text in ["ch%1", "%", "!", "'", "' or 1=1 --", "\\", "ch-1", "x".repeat(9_999).as_str()] {
        are(&find(text).await, []);
    }
    let carts = CollectionFilter { cart_ids: vec!["x'; drop table payment; --".into()], ..CollectionFilter::default() };
    are(&collections(store.as_ref(), carts).await, []);
    assert_eq!(find("_1").await.len(), 2);
}

pub(crate) async fn what_is_in_collections_is_found(place: &dyn Place) {
    let store = place.open().await;
    for number in 1..=3 {
        store.commit(rich(number)).await.unwrap();
    }
    let session = |number| SessionId::from_tail(&tail(number));
    let found = store.find_sessions(ALL.into()).await.unwrap();
    are(&found.items, [3, 2, 1].map(|number| (id(number), session(number))));
    let of = SessionFilter {
        collections: vec![id(2)],
        statuses: vec![SessionStatus::Authorized],
        providers: vec![provider()],
        ..SessionFilter::default()
    };
    are(&store.find_sessions(Wanted::of(of.clone(), ALL)).await.unwrap().items, [(id(2), session(2))]);
    let none = SessionFilter { statuses: vec![SessionStatus::Error], ..of };
    are(&store.find_sessions(Wanted::of(none, ALL)).await.unwrap().items, []);

    let payments = async |filter: PaymentFilter| {
        store
            .find_payments(Wanted::of(filter, ALL))
            .await
            .unwrap()
            .items
            .into_iter()
            .map(|(_, id)| id)
            .collect::<Vec<_>>()
    };
    let of = PaymentFilter::default;
    are(&payments(PaymentFilter { sessions: vec![session(3)], ..of() }).await, [payment_id(3)]);
    assert_eq!(payments(PaymentFilter { captured: Some(true), canceled: Some(false), ..of() }).await.len(), 3);
    are(&payments(PaymentFilter { captured: Some(false), ..of() }).await, []);
    are(&payments(PaymentFilter { canceled: Some(true), ..of() }).await, []);
    are(&payments(PaymentFilter { currencies: vec!["JPY".into()], ..of() }).await, []);

    let capture = |number| CaptureId::from_tail(&tail(number));
    let captures = async |filter: CaptureFilter| store.find_captures(Wanted::of(filter, ALL)).await.unwrap().items;
    are(&captures(CaptureFilter::default()).await, [3, 2, 1].map(|number| (id(number), capture(number))));
    let by = CaptureFilter {
        payments: vec![payment_id(1)],
        created_by: vec!["user_1".into()],
        ids: vec![capture(1), capture(2)],
        created: Range { from: Some(Timestamp(MADE + 5)), to: Some(Timestamp(MADE + 5)) },
        ..CaptureFilter::default()
    };
    are(&captures(by.clone()).await, [(id(1), capture(1))]);
    are(&captures(CaptureFilter { created_by: vec!["user_2".into()], ..by }).await, []);
    for key in [Key::Capture(capture(2)), Key::Refund(RefundId::from_tail(&tail(2)))] {
        assert_eq!(store.load(key.clone()).await.unwrap().unwrap().collection.id, id(2), "{key:?}");
    }
    // The samples' refunds were declined: there is nothing to list.
    are(&store.find_refunds(Wanted::of(RefundFilter::default(), ALL)).await.unwrap().items, []);
}

/// Free conditions mean the same everywhere, also where databases have different words.
pub(crate) async fn conditions_are_joined_and_mean_the_same(place: &dyn Place) {
    let store = place.open().await;
    for number in 1..=3 {
        store.commit(rich(number)).await.unwrap();
    }
    store.commit(created(4)).await.unwrap();
    let text = |text: &str| Operand::Text(text.to_owned());
    let is = Condition::Is;
    let like = |pattern: &str, any_case: bool| Test::Like { pattern: pattern.to_owned(), any_case };
    let found = async |condition: Condition<CollectionField>| {
        let filter = CollectionFilter { condition, ..CollectionFilter::default() };
        collections(store.as_ref(), filter).await
    };
    let at = |milliseconds: i64| Operand::Number(MADE + milliseconds);
    for (condition, wanted) in [
        (Condition::default(), vec![4, 3, 2, 1]),
        (Condition::Any(Vec::new()), vec![]),
        (is(CollectionField::Order, Test::Among(vec![text("order_1"), text("order_3"), text("x")])), vec![3, 1]),
        (is(CollectionField::Cart, Test::NotAmong(vec![text("cart_1")])), vec![4, 3, 2]),
        (is(CollectionField::Order, Test::Empty(true)), vec![]),
        (is(CollectionField::Order, Test::Empty(false)), vec![4, 3, 2, 1]),
        (is(CollectionField::CompletedAt, Test::NotAmong(vec![at(0)])), vec![]),
        (is(CollectionField::Order, Test::NotAmong(vec![text("order_1")])), vec![4, 3, 2]),
        (is(CollectionField::Cart, Test::Above(text("cart_2"))), vec![4, 3]),
        (is(CollectionField::Cart, Test::AtMost(text("cart_2"))), vec![2, 1]),
        (is(CollectionField::UpdatedAt, Test::AtLeast(at(9))), vec![3, 2, 1]),
        (is(CollectionField::UpdatedAt, Test::Below(at(9))), vec![4]),
        (is(CollectionField::Cart, like("cart\\__", false)), vec![4, 3, 2, 1]),
        (is(CollectionField::Cart, like("CART%", false)), vec![]),
        (is(CollectionField::Cart, like("CART%2", true)), vec![2]),
        (is(CollectionField::Cart, like("cart\\%%", true)), vec![]),
        (is(CollectionField::Cart, like("*", false)), vec![]),
        (is(CollectionField::Cart, like("[c]art_1", false)), vec![]),
        (is(CollectionField::Cart, like("' or 1=1 --%", true)), vec![]),
        (
            Condition::Any(vec![
                is(CollectionField::Cart, Test::Among(vec![text("cart_1")])),
                Condition::All(vec![
                    is(CollectionField::Currency, Test::Among(vec![text("EUR")])),
                    is(CollectionField::UpdatedAt, Test::Below(at(9))),
                ]),
            ]),
            vec![4, 1],
        ),
    ] {
        are(&found(condition).await, wanted.into_iter().map(id));
    }
    // As many values as the service lets through.
    let many: Vec<Operand> = (0..1_000).map(|number| text(&format!("cart_{number}"))).collect();
    are(&found(is(CollectionField::Cart, Test::Among(many))).await, [4, 3, 2, 1].map(id));
}

pub(crate) async fn what_was_deleted_is_found_by_those_who_ask(place: &dyn Place) {
    let store = place.open().await;
    store.commit(rich(1)).await.unwrap();
    let before = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    store.commit(deleted(&before)).await.unwrap();
    let gone = Condition::Is(CollectionField::DeletedAt, Test::Empty(false));
    for (with_deleted, count) in [(false, 0), (true, 1)] {
        let filter = CollectionFilter { with_deleted, condition: gone.clone(), ..CollectionFilter::default() };
        assert_eq!(collections(store.as_ref(), filter).await.len(), count);
        let filter = PaymentFilter { with_deleted, ..PaymentFilter::default() };
        assert_eq!(store.find_payments(Wanted::of(filter, ALL)).await.unwrap().items.len(), count);
    }
    let old = RefundReason { deleted_at: Some(Timestamp(MADE)), ..reason(1, "late") };
    store.keep_refund_reasons(vec![old]).await.unwrap();
    for (with_deleted, count) in [(false, 0), (true, 1)] {
        let condition = Condition::Is(ReasonField::Code, Test::Among(vec![Operand::Text("late".into())]));
        let filter = RefundReasonFilter { with_deleted, condition, ..RefundReasonFilter::default() };
        let order = Order { by: By::Label, descending: false };
        let wanted = Wanted { order, ..Wanted::of(filter, ALL) };
        assert_eq!(store.find_refund_reasons(wanted).await.unwrap().items.len(), count);
    }
}

fn deleted(before: &Stored) -> Change {
    let event = Event { at: Timestamp(MADE + 3), change: What::CollectionDeleted };
    let after = machine::apply(Some(before.collection.clone()), &event).expect("the event fits");
    Change::new(Some(before.clone()), after, &[event])
}

pub(crate) async fn what_was_deleted_is_kept_and_not_found(place: &dyn Place) {
    let store = place.open().await;
    store.commit(rich(1)).await.unwrap();
    store.commit(created(2)).await.unwrap();
    let read = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    store.commit(deleted(&read)).await.unwrap();
    are(&collections(store.as_ref(), CollectionFilter::default()).await, [id(2)]);
    assert_eq!(store.find_payments(ALL.into()).await.unwrap().count, 0);
    assert_eq!(store.find_sessions(ALL.into()).await.unwrap().count, 0);
    let kept = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    assert_eq!((kept.collection.deleted_at, kept.collection.operations.len()), (Some(Timestamp(MADE + 3)), 3));
}

pub(crate) async fn several_changes_are_kept_together_or_not_at_all(place: &dyn Place) {
    let store = place.open().await;
    store.commit_all(vec![created(1), created(2)]).await.unwrap();
    let first = store.load(Key::Collection(id(1))).await.unwrap().unwrap();
    let second = store.load(Key::Collection(id(2))).await.unwrap().unwrap();
    store.commit(noted(&second, "faster")).await.unwrap();
    let late = store.commit_all(vec![noted(&first, "late"), noted(&second, "late"), created(3)]).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    assert_eq!(store.load(Key::Collection(id(1))).await.unwrap().unwrap(), first);
    assert_eq!(store.load(Key::Collection(id(3))).await.unwrap(), None);
    assert_eq!(store.events_after(0, 10).await.unwrap().len(), 3);
    store.commit_all(vec![noted(&first, "on time"), created(3)]).await.unwrap();
    assert_eq!(store.events_after(0, 10).await.unwrap().len(), 5);
    store.commit_all(Vec::new()).await.unwrap();
}

async fn reasons(store: &dyn Store, filter: RefundReasonFilter) -> Vec<RefundReason> {
    let order = Order { by: By::CreatedAt, descending: false };
    store.find_refund_reasons(Wanted { order, ..Wanted::of(filter, ALL) }).await.unwrap().items
}

pub(crate) async fn refund_reasons_are_kept_and_each_code_is_given_once(place: &dyn Place) {
    let store = place.open().await;
    let (first, second) = (reason(1, "late"), reason(2, "broken"));
    store.keep_refund_reasons(vec![first.clone(), second.clone()]).await.unwrap();
    let taken = store.keep_refund_reasons(vec![reason(3, "new"), reason(4, "late")]).await;
    assert!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
    let of = RefundReasonFilter::default;
    are(&reasons(store.as_ref(), of()).await, [first.clone(), second.clone()]);
    are(&reasons(store.as_ref(), RefundReasonFilter { codes: vec!["broken".into()], ..of() }).await, [second.clone()]);
    are(
        &reasons(store.as_ref(), RefundReasonFilter { text: Some("REASON \"1".into()), ..of() }).await,
        [first.clone()],
    );
    assert_eq!(reasons(store.as_ref(), RefundReasonFilter { text: Some("50%".into()), ..of() }).await.len(), 2);
    are(&reasons(store.as_ref(), RefundReasonFilter { text: Some("50_".into()), ..of() }).await, []);

    let changed = RefundReason { label: "Late".into(), updated_at: Timestamp(MADE + 9), ..first.clone() };
    store.keep_refund_reasons(vec![changed.clone()]).await.unwrap();
    let gone = RefundReason { deleted_at: Some(Timestamp(MADE + 10)), ..changed.clone() };
    store.keep_refund_reasons(vec![gone.clone()]).await.unwrap();
    are(&reasons(store.as_ref(), of()).await, [second]);
    are(&store.refund_reasons(vec![first.id.clone()]).await.unwrap(), [gone]);
    // Who still has the old one in hand does not bring it back.
    let late = store.keep_refund_reasons(vec![changed]).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    store.keep_refund_reasons(vec![reason(5, "late")]).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(reasons(store.as_ref(), of()).await.len(), 2);
    are(&store.refund_reasons(Vec::new()).await.unwrap(), []);
}

pub(crate) async fn a_database_is_given_its_first_reasons_once(place: &dyn Place) {
    let (store, other) = (place.open().await, place.open().await);
    let seeds = |from: u32| vec![reason(from, "a"), reason(from + 1, "b")];
    let (one, two) = tokio::join!(store.seed_refund_reasons(seeds(1)), other.seed_refund_reasons(seeds(11)));
    one.unwrap();
    two.unwrap();
    let found = reasons(store.as_ref(), RefundReasonFilter::default()).await;
    assert_eq!(found.len(), 2, "{found:?}");
    let gone = found.into_iter().map(|reason| RefundReason { deleted_at: Some(Timestamp(MADE)), ..reason });
    store.keep_refund_reasons(gone.collect()).await.unwrap();
    store.seed_refund_reasons(seeds(21)).await.unwrap();
    are(&reasons(store.as_ref(), RefundReasonFilter::default()).await, []);
}

pub(crate) async fn providers_are_registered_once_and_switched(place: &dyn Place) {
    let (store, other) = (place.open().await, place.open().await);
    let id = |name: &str| ProviderId::from_tail(name);
    let (at, later) = (Timestamp(MADE), Timestamp(MADE + 5));
    let (one, two) = tokio::join!(
        store.register_providers(vec![id("a_x"), id("b_x")], at),
        other.register_providers(vec![id("b_x"), id("c_x")], at)
    );
    one.unwrap();
    two.unwrap();
    assert!(store.switch_provider(id("b_x"), false, later).await.unwrap());
    assert!(!store.switch_provider(id("z_x"), false, later).await.unwrap());
    store.register_providers(vec![id("b_x")], Timestamp(MADE + 9)).await.unwrap();
    let kept = |name: &str, is_enabled: bool, updated_at| KeptProvider {
        id: id(name),
        is_enabled,
        created_at: at,
        updated_at,
    };
    let all = [kept("a_x", true, at), kept("b_x", false, later), kept("c_x", true, at)];
    assert_eq!(other.kept_providers().await.unwrap(), all);

    let region = |name: &str| Some(name.to_owned());
    store.set_region_providers("eu".into(), vec![id("c_x"), id("a_x"), id("a_x")]).await.unwrap();
    assert_eq!(store.region_providers("eu".into()).await.unwrap(), [id("a_x"), id("c_x")]);
    for (name, region, wanted) in [
        ("a_x", None, Some((true, true))),
        ("a_x", region("eu"), Some((true, true))),
        ("b_x", region("eu"), Some((false, false))),
        ("b_x", region("us"), Some((false, true))),
        ("z_x", region("eu"), None),
    ] {
        let found = store.admission(id(name), region.clone()).await.unwrap();
        assert_eq!(found.map(|found| (found.is_enabled, found.serves_region)), wanted, "{name} {region:?}");
    }
    assert!(store.set_region_providers("eu".into(), vec![id("b_x"), id("z_x")]).await.is_err());
    assert_eq!(store.region_providers("eu".into()).await.unwrap(), [id("a_x"), id("c_x")], "all or none");
    store.set_region_providers("eu".into(), Vec::new()).await.unwrap();
    assert!(store.region_providers("eu".into()).await.unwrap().is_empty());
}

pub(crate) async fn a_customer_has_one_living_account_with_a_provider(place: &dyn Place) {
    let store = place.open().await;
    let first = holder(1, "cus_1", Some("ext_1"));
    store.keep_account_holder(first.clone()).await.unwrap();
    for taken in [holder(2, "cus_1", None), holder(3, "cus_3", Some("ext_1"))] {
        let error = store.keep_account_holder(taken).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict), "{error}");
    }
    let elsewhere = KeptHolder { provider: ProviderId::from_tail("other_x"), ..holder(4, "cus_1", Some("ext_1")) };
    store.keep_account_holder(elsewhere.clone()).await.unwrap();
    // Several may wait for their provider: having no id yet is not having the same.
    let (open, also) = (holder(5, "cus_5", None), holder(6, "cus_6", None));
    store.keep_account_holder(open.clone()).await.unwrap();
    store.keep_account_holder(also).await.unwrap();
    assert_eq!(store.account_holder_of(provider(), "cus_5".into()).await.unwrap(), Some(open.clone()));
    let find =
        async |filter: AccountHolderFilter| store.find_account_holders(Wanted::of(filter, ALL)).await.unwrap().items;
    assert_eq!(find(AccountHolderFilter::default()).await, [elsewhere.clone(), first.clone()]);
    let of = AccountHolderFilter { providers: vec![provider()], text: Some("CUS_1@".into()), ..Default::default() };
    assert_eq!(find(of).await, std::slice::from_ref(&first));
    let of = AccountHolderFilter {
        customers: vec!["cus_1".into()],
        external_ids: vec!["ext_2".into()],
        ..Default::default()
    };
    assert_eq!(find(of).await, []);

    let gone = KeptHolder { deleted_at: Some(Timestamp(MADE + 3)), ..first.clone() };
    store.keep_account_holder(gone.clone()).await.unwrap();
    let late = store.keep_account_holder(first.clone()).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict), "{late}");
    assert_eq!(store.account_holder(first.id.clone()).await.unwrap(), Some(gone));
    assert_eq!(store.account_holder_of(provider(), "cus_1".into()).await.unwrap(), None);
    store.keep_account_holder(holder(7, "cus_1", Some("ext_1"))).await.unwrap();
    let made = KeptHolder { external_id: Some("ext_5".into()), request: None, attempts: 2, ..open.clone() };
    store.keep_account_holder(made.clone()).await.unwrap();
    // Who was slower neither makes it a question again nor takes it away.
    for slower in [open.clone(), KeptHolder { deleted_at: Some(Timestamp(MADE + 4)), ..open }] {
        let error = store.keep_account_holder(slower).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict), "{error}");
    }
    drop(store);
    assert_eq!(place.open().await.account_holder(made.id.clone()).await.unwrap(), Some(made));
}
