//! Account holders, payment methods, and which providers may be used: what is asked of a provider, under which key, and what
//! stays in the books when it does not answer.

mod scripted;

use std::sync::Arc;

use scripted::{Scripted, error, lost, shared};
use tillbox::Host;
use tillbox::core::id::{AccountHolderId, ProviderId};
use tillbox::core::outcome::ErrorKind;
use tillbox::currency::money;
use tillbox::runtime::Reach;
use tillbox::runtime::request::Customer;
use tillbox::service::{
    AccountHolderUpdate, IdempotencyKey, NewAccountHolder, NewCollection, NewPaymentMethod, NewSession, Payer,
    ProviderFilter,
};
use tillbox::store::sqlite::SqliteStore;
use tillbox::store::{AccountHolderFilter, Holders, Page, Store, Wanted};

const ALL: Page = Page { offset: 0, limit: Page::LIMIT_MAX };

fn provider_id(id: &str) -> ProviderId {
    ProviderId::from_tail(&format!("scripted_{id}"))
}

fn customer(id: &str) -> Customer {
    Customer { id: id.to_owned(), email: Some(format!("{id}@example.com")), ..Customer::default() }
}

fn new(id: &str) -> NewAccountHolder {
    NewAccountHolder::new(provider_id("default"), customer(id))
}

fn holding(reach: Reach) -> Scripted {
    Scripted::new(reach).with_info(|info| {
        info.capabilities.account_holders = true;
        info.capabilities.payment_methods = true;
    })
}

async fn host(provider: Scripted) -> (Host, Arc<Scripted>) {
    let (provider, installed) = shared(provider);
    (Host::builder().in_memory().provider("default", installed).build().await.unwrap(), provider)
}

fn keys(provider: &Scripted, what: &str) -> Vec<String> {
    provider.asked().into_iter().filter(|asked| asked.what == what).map(|asked| asked.key).collect()
}

#[tokio::test]
async fn a_customer_has_one_account_with_a_provider() {
    for reach in [Reach::Nowhere, Reach::Network] {
        let (host, provider) = host(holding(reach)).await;
        let made = host.create_account_holder(NewAccountHolder { metadata: Some(r#"{"n":1}"#.into()), ..new("cus_1") });
        let made = made.await.unwrap();
        assert_eq!((made.external_id.as_str(), made.email.as_deref()), ("ext-cus_1", Some("cus_1@example.com")));
        assert_eq!(host.create_account_holder(new("cus_1")).await.unwrap(), made, "the one there is");
        let existing = NewAccountHolder { existing: Some(made.id.clone()), customer: None, ..new("cus_1") };
        assert_eq!(host.create_account_holder(existing).await.unwrap(), made);
        assert_eq!(provider.asked().len(), 1);
        assert_eq!(host.account_holder(&made.id).await.unwrap(), made);
        let other = host.create_account_holder(new("cus_2")).await.unwrap();
        let find = AccountHolderFilter { emails: vec!["cus_2@example.com".into()], ..AccountHolderFilter::default() };
        assert_eq!(host.account_holders(Wanted::of(find, ALL)).await.unwrap().items, [other]);
        let keys = keys(&provider, "create");
        assert_ne!(keys[0], keys[1]);
        let nobody = host.create_account_holder(NewAccountHolder { customer: None, ..new("x") }).await.unwrap_err();
        assert!(nobody.to_string().starts_with("customer: is missing"), "{nobody}");
    }
}

/// The reply to a creation is lost: there is never a second record, whatever is said the second time, in whichever process.
#[tokio::test]
async fn a_creation_that_was_not_answered_is_repeated_word_for_word() {
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let (provider, installed) = shared(holding(Reach::Network));
    let built =
        || Host::builder().store(Arc::clone(&store) as Arc<dyn Store>).provider("default", Arc::clone(&installed));
    let host = built().build().await.unwrap();
    provider.will_fail(lost());
    let first = NewAccountHolder { data: Some(r#"{"a":1.50}"#.into()), ..new("cus_1") };
    let error = host.create_account_holder(first).await.unwrap_err();
    assert_eq!((error.code(), error.request_may_have_been_sent()), ("outcome_unknown", true));
    assert_eq!(host.account_holders(ALL).await.unwrap().count, 0, "not before the provider has confirmed it");

    let host = built().build().await.unwrap();
    // "I did not take it" says nothing of the attempt before.
    provider.will_fail(scripted::error(ErrorKind::Unavailable));
    assert_eq!(host.create_account_holder(new("cus_1")).await.unwrap_err().code(), "outcome_unknown");
    let moved = NewAccountHolder { data: Some(r#"{"b":2}"#.into()), ..new("cus_1") };
    let made = host.create_account_holder(moved).await.unwrap();
    assert_eq!(made.external_id, "ext-cus_1");
    let asked = provider.asked();
    assert_eq!(asked.iter().map(|asked| asked.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    for again in &asked[1..] {
        assert_eq!((&again.key, &again.customer, &again.input), (&asked[0].key, &asked[0].customer, &asked[0].input));
    }
    assert_eq!(asked[0].input, r#"{"a":1.50}"#);
}

#[tokio::test]
async fn a_creation_that_was_turned_down_leaves_nothing_in_the_way() {
    let (host, provider) = host(holding(Reach::Network)).await;
    provider.will_fail(error(ErrorKind::InvalidRequest));
    assert_eq!(host.create_account_holder(new("cus_1")).await.unwrap_err().code(), "provider_rejected");
    host.create_account_holder(new("cus_1")).await.unwrap();
    let keys = keys(&provider, "create");
    assert_ne!(keys[0], keys[1], "another question, another key");
}

#[tokio::test]
async fn many_at_once_make_one_account() {
    let (host, provider) = host(holding(Reach::Network)).await;
    let asking: Vec<_> = (0..16)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { host.create_account_holder(new("cus_1")).await })
        })
        .collect();
    let mut ids = Vec::new();
    for one in asking {
        ids.push(one.await.unwrap().unwrap().id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let mut keys = keys(&provider, "create");
    keys.dedup();
    assert_eq!(keys.len(), 1, "however often it was asked");
}

#[tokio::test]
async fn accounts_are_changed_and_removed_at_the_provider() {
    let (host, provider) = host(holding(Reach::Network)).await;
    let made = host.create_account_holder(new("cus_1")).await.unwrap();
    let notes = AccountHolderUpdate { metadata: Some(r#"{"vip":true}"#.into()), ..AccountHolderUpdate::default() };
    let noted = host.update_account_holder(&made.id, notes).await.unwrap();
    assert_eq!((noted.metadata.unwrap().as_str(), provider.asked().len()), (r#"{"vip":true}"#, 1));
    let moved = Customer { email: Some("new@example.com".into()), ..customer("cus_1") };
    let update = AccountHolderUpdate { customer: Some(moved), ..AccountHolderUpdate::default() };
    let changed = host.update_account_holder(&made.id, update).await.unwrap();
    assert_eq!((changed.email.as_deref(), changed.data.as_str()), (Some("new@example.com"), r#"{"changed":true}"#));
    assert_eq!(provider.asked()[1].holder.as_deref(), Some("ext-cus_1"));
    let other = AccountHolderUpdate { customer: Some(customer("cus_2")), ..AccountHolderUpdate::default() };
    assert_eq!(host.update_account_holder(&made.id, other).await.unwrap_err().code(), "invalid_data");

    provider.will_fail(lost());
    assert_eq!(host.delete_account_holder(&made.id).await.unwrap_err().code(), "outcome_unknown");
    host.account_holder(&made.id).await.unwrap();
    host.delete_account_holder(&made.id).await.unwrap();
    let deletions = keys(&provider, "delete");
    assert_eq!((deletions.len(), &deletions[0]), (2, &deletions[1]));
    assert_eq!(host.account_holder(&made.id).await.unwrap_err().code(), "not_found");
    assert_eq!(host.delete_account_holder(&made.id).await.unwrap_err().code(), "not_found");
    // A customer who comes back is a new record under a new key.
    let again = host.create_account_holder(new("cus_1")).await.unwrap();
    let creations = keys(&provider, "create");
    assert!(again.id != made.id && creations[0] != creations[1]);
}

#[tokio::test]
async fn an_account_that_is_not_confirmed_cannot_be_changed() {
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let (provider, installed) = shared(holding(Reach::Network));
    let host = Host::builder().store(Arc::clone(&store) as Arc<dyn Store>).provider("default", installed);
    let host = host.build().await.unwrap();
    provider.will_fail(lost());
    host.create_account_holder(new("cus_1")).await.unwrap_err();
    let open = store.account_holder_of(provider_id("default"), "cus_1".into()).await.unwrap().unwrap();
    let error = host.update_account_holder(&open.id, AccountHolderUpdate::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("Missing account holder data while updating account holder."), "{error}");
    assert_eq!(host.account_holder(&open.id).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn a_provider_without_the_interface_says_so() {
    let (host, provider) = host(Scripted::new(Reach::Network)).await;
    let error = host.create_account_holder(new("cus_1")).await.unwrap_err();
    assert_eq!((error.code(), error.request_may_have_been_sent()), ("not_supported", false));
    assert!(error.to_string().contains("account-holders"), "{error}");
    assert!(provider.asked().is_empty());
    let unknown = AccountHolderId::from_tail("x");
    assert_eq!(
        host.payment_methods(&unknown).await.unwrap_err().to_string(),
        "AccountHolder with id: acchld_x was not found"
    );
}

#[tokio::test]
async fn sessions_tell_the_provider_who_it_knows() {
    let (host, provider) = host(holding(Reach::Network)).await;
    let collection = host.create_collection(NewCollection::new(money("10.00", "EUR").unwrap())).await.unwrap().id;
    let payer = Payer { customer: Some(customer("cus_1")), locale: None };
    let session = NewSession { payer: payer.clone(), ..NewSession::new(provider_id("default")) };
    host.create_session(&collection, session.clone()).await.unwrap();
    host.create_account_holder(new("cus_1")).await.unwrap();
    let id = host.create_session(&collection, session).await.unwrap().value.id;
    host.authorize_session(&id, None).await.unwrap();
    let told: Vec<_> = provider.seen().into_iter().map(|seen| seen.holder).collect();
    assert_eq!(told, [None, Some("ext-cus_1".to_owned()), Some("ext-cus_1".to_owned())]);
}

#[tokio::test]
async fn payment_methods_are_the_providers_own() {
    let (host, provider) = host(holding(Reach::Network)).await;
    let holder = host.create_account_holder(new("cus_1")).await.unwrap().id;
    assert_eq!(host.payment_methods(&holder).await.unwrap()[0].id, "pm_1");
    let save = |key: Option<&str>| NewPaymentMethod { data: Some("{}".into()), key: key.map(str::to_owned) };
    provider.will_fail(lost());
    assert_eq!(host.save_payment_method(&holder, save(Some("k"))).await.unwrap_err().code(), "outcome_unknown");
    let saved = host.save_payment_methods(&holder, vec![save(Some("k")), save(Some("k2")), save(None)]).await.unwrap();
    assert_eq!(saved.len(), 3);
    let keys = keys(&provider, "save");
    assert_eq!(keys[0], keys[1], "asked again under the caller's key, it is saved once");
    assert!(keys[1] != keys[2] && keys[2] != keys[3]);
    host.delete_payment_methods(&holder, &["pm_1".into(), "pm_2".into()]).await.unwrap();
    let removed: Vec<String> =
        provider.asked().into_iter().filter(|asked| asked.what == "remove").map(|asked| asked.input).collect();
    assert_eq!(removed, ["pm_1", "pm_2"]);
    for wrong in [String::new(), "x".repeat(256)] {
        assert_eq!(host.delete_payment_methods(&holder, &[wrong]).await.unwrap_err().code(), "invalid_data");
    }
}

fn keyed(host: &Host, key: &str) -> Host {
    host.with_key(IdempotencyKey::new("till", key).unwrap())
}

/// Many clients with one key: the provider hears one key of its own, and everybody has the same answer, later too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_under_a_key_are_carried_out_once() {
    for reach in [Reach::Nowhere, Reach::Network] {
        let (host, provider) = host(holding(reach)).await;
        let crowd = (0..16).map(|_| {
            let host = keyed(&host, "make");
            tokio::spawn(async move { host.create_account_holder(new("cus_1")).await.unwrap() })
        });
        let mut answers = Vec::new();
        for client in crowd.collect::<Vec<_>>() {
            answers.push(client.await.unwrap());
        }
        let made = answers[0].clone();
        assert!(answers.iter().all(|answer| *answer == made), "{answers:?}");
        let heard: std::collections::BTreeSet<_> = keys(&provider, "create").into_iter().collect();
        // What can send nothing may be asked once more by whoever loses the race.
        assert!(reach == Reach::Nowhere || heard.len() == 1, "{heard:?}");

        let stranger = keyed(&host, "make").create_account_holder(new("cus_2")).await.unwrap_err();
        assert!(stranger.to_string().starts_with("customer.email: "), "{stranger}");

        let vip = || AccountHolderUpdate { data: Some(r#"{"vip":true}"#.into()), ..AccountHolderUpdate::default() };
        let changed = keyed(&host, "change").update_account_holder(&made.id, vip()).await.unwrap();
        let other = AccountHolderUpdate { metadata: Some(r#"{"later":1}"#.into()), ..AccountHolderUpdate::default() };
        host.update_account_holder(&made.id, other.clone()).await.unwrap();
        let again = keyed(&host, "change");
        assert_eq!(again.update_account_holder(&made.id, vip()).await.unwrap(), changed, "as it was then");
        assert!(again.replayed());
        let wrong = keyed(&host, "change").update_account_holder(&made.id, other).await.unwrap_err();
        assert_eq!(wrong.code(), "idempotency_key_reused");

        let card = || NewPaymentMethod { data: Some(r#"{"n":1}"#.into()), key: None };
        let saved = keyed(&host, "save").save_payment_method(&made.id, card()).await.unwrap();
        assert_eq!(keyed(&host, "save").save_payment_method(&made.id, card()).await.unwrap(), saved);
        assert_eq!(keys(&provider, "save").len(), 1);
        for _ in 0..2 {
            keyed(&host, "remove").delete_payment_methods(&made.id, std::slice::from_ref(&saved.id)).await.unwrap();
            keyed(&host, "gone").delete_account_holder(&made.id).await.map_err(|error| error.to_string()).unwrap();
        }
        assert_eq!(keys(&provider, "delete").len(), 1);
    }
}

/// A lost reply is no answer: the same request goes on under the same key of the provider.
#[tokio::test]
async fn a_lost_reply_under_a_key_is_asked_for_again() {
    let (host, provider) = host(holding(Reach::Network)).await;
    let made = host.create_account_holder(new("cus_1")).await.unwrap();
    let card = || NewPaymentMethod { data: Some(r#"{"n":1}"#.into()), key: None };
    provider.will_fail(lost());
    let lost = keyed(&host, "save").save_payment_method(&made.id, card()).await.unwrap_err();
    assert!(lost.request_may_have_been_sent(), "{lost}");
    keyed(&host, "save").save_payment_method(&made.id, card()).await.unwrap();
    let heard = keys(&provider, "save");
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0], heard[1], "the provider recognises it");
}

#[tokio::test]
async fn a_provider_that_is_switched_off_or_gone_takes_no_new_sessions_and_keeps_its_payments() {
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let (_, installed) = shared(Scripted::new(Reach::Network));
    let built = || Host::builder().store(Arc::clone(&store) as Arc<dyn Store>);
    let host = built().provider("default", Arc::clone(&installed)).build().await.unwrap();
    let id = provider_id("default");
    let collection = host.create_collection(NewCollection::new(money("10.00", "EUR").unwrap())).await.unwrap().id;
    let session = host.create_session(&collection, NewSession::new(id.clone())).await.unwrap().value.id;
    let payment = host.authorize_session(&session, None).await.unwrap().value.payment.unwrap().payment.id;

    let off = host.switch_provider(&id, false).await.unwrap();
    assert!(!off.is_enabled && off.is_installed);
    let other = host.create_collection(NewCollection::new(money("1.00", "EUR").unwrap())).await.unwrap().id;
    let error = host.create_session(&other, NewSession::new(id.clone())).await.unwrap_err();
    assert_eq!(error.to_string(), format!("Payment provider {id} is not enabled"));
    host.capture(&payment, None).await.unwrap();
    let host = built().provider("default", installed).build().await.unwrap();
    assert!(
        !host.payment_providers(&ProviderFilter::default(), ALL).await.unwrap().items[0].is_enabled,
        "it stays off"
    );
    host.switch_provider(&id, true).await.unwrap();
    host.create_session(&other, NewSession::new(id.clone())).await.unwrap();

    let host = built().build().await.unwrap();
    let gone = host.payment_providers(&ProviderFilter::default(), ALL).await.unwrap().items;
    assert_eq!((gone[0].id.clone(), gone[0].is_enabled, gone[0].is_installed), (id.clone(), false, false));
    assert_eq!(host.payment(&payment).await.unwrap().captured, money("10.00", "EUR").unwrap());
    assert_eq!(host.create_session(&other, NewSession::new(id)).await.unwrap_err().code(), "unknown_provider");
    let never = host.switch_provider(&provider_id("never"), true).await.unwrap_err();
    assert_eq!(never.to_string(), "PaymentProvider with id: pp_scripted_never was not found");
}

#[tokio::test]
async fn regions_have_providers() {
    let (_, one) = shared(Scripted::new(Reach::Network));
    let (_, two) = shared(Scripted::new(Reach::Network));
    let host = Host::builder().in_memory().provider("one", one).provider("two", two).build().await.unwrap();
    let (one, two) = (provider_id("one"), provider_id("two"));
    let collection = host.create_collection(NewCollection::new(money("10.00", "EUR").unwrap())).await.unwrap().id;
    let session =
        |id: &ProviderId, region: &str| NewSession { region: Some(region.into()), ..NewSession::new(id.clone()) };
    host.set_region_providers("reg_eu", std::slice::from_ref(&two)).await.unwrap();
    let error = host.create_session(&collection, session(&one, "reg_eu")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("Payment provider {one} is not enabled in the region reg_eu"));
    host.create_session(&collection, session(&two, "reg_eu")).await.unwrap();
    host.create_session(&collection, session(&one, "reg_us")).await.unwrap();
    let serving = async |region: &str| {
        let filter = ProviderFilter { region: Some(region.to_owned()), ..ProviderFilter::default() };
        let found = host.payment_providers(&filter, ALL).await.unwrap();
        found.items.into_iter().map(|provider| provider.id).collect::<Vec<_>>()
    };
    assert_eq!(serving("reg_eu").await, std::slice::from_ref(&two));
    assert_eq!(serving("reg_us").await, [one.clone(), two.clone()], "no list, no limit");
    let never = host.set_region_providers("reg_eu", &[provider_id("never")]).await.unwrap_err();
    assert_eq!(never.code(), "not_found");
    assert_eq!(host.region_providers("reg_eu").await.unwrap(), [two]);
    host.set_region_providers("reg_eu", &[]).await.unwrap();
    host.create_session(&collection, session(&one, "reg_eu")).await.unwrap();
    assert_eq!(host.region_providers("").await.unwrap_err().code(), "invalid_data");
}
