//! Customers, and what they keep.

use serde_json::{Value, json};
use tillbox::core::id::ProviderId;
use tillbox::runtime::request::{Address, Customer};
use tillbox::service::{AccountHolderUpdate, NewAccountHolder, NewPaymentMethod, Payer};
use tillbox_gateway::{Action, Fault};
use tillbox_stripe_tests::{PROVIDER, Scene, Setting};

fn customer(email: &str) -> Customer {
    let address = Address {
        line1: Some("1 High Street".to_owned()),
        city: Some("Town".to_owned()),
        postal_code: Some("SW1A 1AA".to_owned()),
        country_code: Some("GB".to_owned()),
        ..Address::default()
    };
    Customer {
        id: "cust_1".to_owned(),
        email: Some(email.to_owned()),
        name: Some("A. Payer".to_owned()),
        phone: Some("+4930123456".to_owned()),
        billing_address: Some(address),
    }
}

fn new() -> NewAccountHolder {
    NewAccountHolder::new(ProviderId::parse(PROVIDER).unwrap(), customer("a@example.com"))
}

fn method(data: Value) -> NewPaymentMethod {
    NewPaymentMethod { data: Some(data.to_string()), ..NewPaymentMethod::default() }
}

#[tokio::test]
async fn a_customer_is_made_once_changed_and_removed() {
    let scene = Scene::new().await;
    scene.gateway.fault(Fault::once("POST", "/v1/customers", Action::LoseReply));
    assert!(scene.host.create_account_holder(new()).await.is_err(), "the answer is lost");
    let holder = scene.host.create_account_holder(new()).await.unwrap();
    assert!(holder.external_id.starts_with("cus_"));
    let made = |request: &&Value| request["method"] == "POST" && request["path"] == "/v1/customers";
    let requests = scene.gateway.requests();
    let keys: Vec<&Value> = requests.iter().filter(made).map(|request| &request["idempotency_key"]).collect();
    assert_eq!((keys.len(), keys[0] == keys[1]), (2, true), "the same key, so the same customer");
    let update = AccountHolderUpdate { customer: Some(customer("b@example.com")), ..AccountHolderUpdate::default() };
    let updated = scene.host.update_account_holder(&holder.id, update).await.unwrap();
    assert_eq!((updated.external_id, updated.email.as_deref()), (holder.external_id, Some("b@example.com")));
    scene.host.delete_account_holder(&holder.id).await.unwrap();
    let last = scene.gateway.requests().pop().unwrap();
    assert_eq!(last["method"], "DELETE");
    assert!(last["idempotency_key"].is_string());
}

#[tokio::test]
async fn methods_are_set_up_listed_charged_and_removed() {
    let scene = Scene::new().await;
    let holder = scene.host.create_account_holder(new()).await.unwrap();
    let saved =
        scene.host.save_payment_method(&holder.id, method(json!({ "payment_method": "pm_card_visa" }))).await.unwrap();
    let display: Value = serde_json::from_str(saved.display.as_str()).unwrap();
    assert_eq!((display["brand"].as_str(), display["last4"].as_str()), (Some("visa"), Some("4242")));
    let attached = json!({ "payment_method": "pm_card_mastercard", "attach": true });
    scene.host.save_payment_method(&holder.id, method(attached)).await.unwrap();
    let listed = scene.host.payment_methods(&holder.id).await.unwrap();
    assert_eq!(listed.len(), 2);

    let payer = Payer { customer: Some(customer("a@example.com")), ..Payer::default() };
    let input = json!({ "payment_method": saved.id });
    let session = scene.session_of("5.00", "EUR", input, payer).await.unwrap();
    assert!(scene.authorize(&session.id, json!({})).await.unwrap().payment.is_some());
    let created =
        scene.gateway.requests().into_iter().rfind(|request| request["path"] == "/v1/payment_intents").unwrap();
    assert!(created["body"].as_str().unwrap().contains(&format!("customer={}", holder.external_id)), "{created}");

    let ids: Vec<String> = listed.iter().map(|method| method.id.clone()).collect();
    scene.host.delete_payment_methods(&holder.id, &ids).await.unwrap();
    scene.host.delete_payment_methods(&holder.id, &ids).await.unwrap();
    assert!(scene.host.payment_methods(&holder.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_setup_that_the_bank_asks_about_is_finished_later() {
    let scene = Scene::with(Setting::of(json!({ "setup_future_usage": "on_session" }))).await;
    let holder = scene.host.create_account_holder(new()).await.unwrap();
    let asked =
        json!({ "payment_method": "pm_card_authenticationRequired", "return_url": "https://shop.example/kept" });
    let asked = scene.host.save_payment_method(&holder.id, method(asked)).await.unwrap();
    let display: Value = serde_json::from_str(asked.display.as_str()).unwrap();
    assert_eq!(
        (display["status"].as_str(), display["next_action"]["type"].as_str()),
        (Some("requires_action"), Some("three_d_secure"))
    );
    assert!(scene.host.payment_methods(&holder.id).await.unwrap().is_empty());
    let setup = display["setup_intent"].as_str().unwrap();
    scene.gateway.at_the_counter(&json!({ "do": "3ds_pass", "id": setup })).unwrap();
    let kept = scene.host.save_payment_method(&holder.id, method(json!({ "setup_intent": setup }))).await.unwrap();
    assert_eq!(kept.id, asked.id);
    assert_eq!(scene.host.payment_methods(&holder.id).await.unwrap().len(), 1);
    let begun = scene.host.save_payment_method(&holder.id, method(json!({ "begin": true }))).await.unwrap();
    assert!(begun.id.starts_with("seti_") && begun.display.as_str().contains("client_secret"));
}

#[tokio::test]
async fn another_customers_method_is_out_of_reach() {
    let scene = Scene::new().await;
    let one = scene.host.create_account_holder(new()).await.unwrap();
    let other = Customer { id: "cust_2".to_owned(), ..customer("c@example.com") };
    let other = NewAccountHolder::new(ProviderId::parse(PROVIDER).unwrap(), other);
    let other = scene.host.create_account_holder(other).await.unwrap();
    let saved =
        scene.host.save_payment_method(&one.id, method(json!({ "payment_method": "pm_card_visa" }))).await.unwrap();
    assert!(scene.host.delete_payment_methods(&other.id, &[saved.id]).await.is_err());
    assert_eq!(scene.host.payment_methods(&one.id).await.unwrap().len(), 1);
    let declined = json!({ "payment_method": "pm_card_visa_chargeDeclined" });
    assert!(scene.host.save_payment_method(&one.id, method(declined)).await.is_err(), "its bank says no");
}
