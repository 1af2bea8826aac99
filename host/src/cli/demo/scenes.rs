//! The plot of the demonstration: a card that is declined and another that pays, 3-D Secure passed and failed, automatic
//! capture, payment by hand, a cancellation, and one collection over three sessions.
//!
//! Amounts are chosen so that no two figures of a scene are the same by accident, in currencies of 0, 2 and 3 decimals.

use tillbox_core::Money;
use tillbox_core::id::ProviderId;
use tillbox_core::outcome::{DeclineClass, NextAction};
use tillbox_core::status::CollectionStatus;

use super::story::{Figures, Story, money};
use crate::cli::failure::Failure;
use crate::service::{NewRefund, NewSession};

const NO_FUNDS: &str = r#"{"payment_method":"pm_card_chargeDeclinedInsufficientFunds"}"#;
const VISA: &str = r#"{"payment_method":"pm_card_visa"}"#;
const CHALLENGE: &str = r#"{"payment_method":"pm_card_authenticationRequired"}"#;
const PASSED: &str = r#"{"three_d_secure":"complete"}"#;
const NOT_PASSED: &str = r#"{"three_d_secure":"fail"}"#;
const NOTHING: &str = "{}";

/// Who takes part.
pub(super) struct Cast {
    /// A person.
    manual: ProviderId,
    /// Cards, captured later.
    card: ProviderId,
    /// Cards, captured at once.
    automatic: ProviderId,
}

impl Cast {
    /// The providers as `load::bundled` installs them.
    pub(super) fn new() -> Self {
        let id = ProviderId::from_tail;
        Self { manual: id("manual_default"), card: id("stripe-mock_default"), automatic: id("stripe-mock_automatic") }
    }
}

/// The whole story.
///
/// # Errors
/// The first claim that does not hold.
pub(super) async fn play(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    decline_then_parts(story, cast).await?;
    challenge_passed(story, cast).await?;
    challenge_failed(story, cast).await?;
    captured_at_once(story, cast).await?;
    by_hand(story, cast).await?;
    canceled(story, cast).await?;
    installments(story, cast).await?;
    books_agree(story).await
}

async fn decline_then_parts(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    story.scene("1. A card is declined, another one pays, in parts (stripe-mock.wasm)")?;
    let ids: Vec<String> = story.host.providers().iter().map(|provider| provider.id.to_string()).collect();
    for provider in [&cast.manual, &cast.card, &cast.automatic] {
        story.check("a listed provider", ids.iter().any(|id| id == provider.as_str()), true)?;
    }
    let amount = money("120.00 EUR")?;
    let collection = story.open(amount).await?;
    story.tell(format!("collection of {amount}; providers to choose from: {}", ids.join(", ")))?;
    let session = story.session(&collection, &cast.card, None).await?;
    story.declined(&session, NO_FUNDS, DeclineClass::UseAnotherMethod, "insufficient_funds").await?;
    story
        .tell("first card declined: insufficient_funds, class use_another_method; nothing is authorized".to_owned())?;
    let payment = story.authorize(&session, VISA).await?.payment.id;
    story.tell(format!("another card in the same session: authorized, {amount} reserved"))?;

    story.capture(&payment, money("50.00 EUR")?, money("50.00 EUR")?).await?;
    story.capture(&payment, money("40.00 EUR")?, money("90.00 EUR")?).await?;
    story.tell("captured 50.00 EUR, then 40.00 EUR: 90.00 EUR in all".to_owned())?;
    let over = story.host.capture(&payment, Some(money("30.01 EUR")?)).await;
    let why = story.refused(over, "exceeds_authorized")?;
    story.tell(format!("capture of 30.01 EUR more refused: {why}"))?;
    story.refund(&payment, money("20.00 EUR")?, money("20.00 EUR")?).await?;
    story.refund(&payment, money("12.50 EUR")?, money("32.50 EUR")?).await?;
    story.tell("refunded 20.00 EUR, then 12.50 EUR: 32.50 EUR in all".to_owned())?;
    let over = NewRefund { amount: Some(money("57.51 EUR")?), note: None, ..NewRefund::default() };
    let over = story.host.refund(&payment, over).await;
    let why = story.refused(over, "exceeds_captured")?;
    story.tell(format!("refund of 57.51 EUR more refused: {why}"))?;
    let want = Figures {
        status: CollectionStatus::PartiallyCaptured,
        amount,
        authorized: amount,
        captured: money("90.00 EUR")?,
        refunded: money("32.50 EUR")?,
    };
    story.settled(&collection, "a decline, another card, captured and refunded in parts", want).await
}

async fn challenge_passed(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    story.scene("2. 3-D Secure: the payer passes the challenge")?;
    let amount = money("35.90 EUR")?;
    let collection = story.open(amount).await?;
    let session = story.session(&collection, &cast.card, None).await?;
    challenge(story, &session).await?;
    let payment = story.authorize(&session, PASSED).await?.payment.id;
    story.tell("the payer passed: authorized".to_owned())?;
    story.capture(&payment, amount, amount).await?;
    story.tell(format!("captured {amount}: the collection is completed"))?;
    let want = figures(CollectionStatus::Completed, amount, amount, amount);
    story.settled(&collection, "3-D Secure passed, captured in full", want).await
}

async fn challenge_failed(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    story.scene("3. 3-D Secure: the payer does not pass")?;
    let amount = money("18.25 EUR")?;
    let collection = story.open(amount).await?;
    let session = story.session(&collection, &cast.card, None).await?;
    challenge(story, &session).await?;
    let code = "payment_intent_authentication_failure";
    story.declined(&session, NOT_PASSED, DeclineClass::AuthenticationFailed, code).await?;
    story.tell(format!("the payer did not pass: declined, {code}; no money was touched"))?;
    let nothing = Money::zero(amount.currency());
    let want = figures(CollectionStatus::Failed, amount, nothing, nothing);
    story.settled(&collection, "3-D Secure failed, nothing taken", want).await
}

/// Authorizes with a card that wants a challenge, and claims that there is one.
async fn challenge(story: &mut Story, session: &tillbox_core::id::SessionId) -> Result<(), Failure> {
    let session = story.challenged(session, CHALLENGE).await?;
    match session.next_action {
        Some(NextAction::ThreeDSecure { url, .. }) if url.starts_with("https://") => {
            story.tell(format!("requires_more: send the payer to {url}"))
        }
        other => Err(story.broken(format!("a 3-D Secure challenge was due, and there came {other:?}"))),
    }
}

async fn captured_at_once(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    story
        .scene("4. Automatic capture, in a currency without decimals (stripe-mock.wasm, capture_method = automatic)")?;
    let (amount, back) = (money("5000 JPY")?, money("1200 JPY")?);
    let collection = story.open(amount).await?;
    let session = story.session(&collection, &cast.automatic, None).await?;
    let payment = story.authorize_captured(&session, VISA).await?.payment.id;
    story.tell(format!("authorized and captured in one step: {amount}"))?;
    story.refund(&payment, back, back).await?;
    story.tell(format!("refunded {back}"))?;
    let want = Figures { refunded: back, ..figures(CollectionStatus::Completed, amount, amount, amount) };
    story.settled(&collection, "captured at once, partly refunded", want).await
}

async fn by_hand(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    story.scene("5. A person takes the money, in a currency with three decimals (manual.wasm)")?;
    let amount = money("12.345 KWD")?;
    let collection = story.open(amount).await?;
    let session = story.session(&collection, &cast.manual, None).await?;
    let payment = story.authorize(&session, NOTHING).await?.payment.id;
    story.tell(format!("the order is accepted: {amount} authorized"))?;
    story.capture(&payment, money("10.000 KWD")?, money("10.000 KWD")?).await?;
    story.capture(&payment, money("2.345 KWD")?, amount).await?;
    story.tell("10.000 KWD arrived, then 2.345 KWD".to_owned())?;
    let back = money("0.005 KWD")?;
    story.refund(&payment, back, back).await?;
    story.tell(format!("{back} too much was paid back"))?;
    let want = Figures { refunded: back, ..figures(CollectionStatus::Completed, amount, amount, amount) };
    story.settled(&collection, "paid by hand in two parts, a little of it back", want).await
}

async fn canceled(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    story.scene("6. An authorization is canceled")?;
    let amount = money("60.00 EUR")?;
    let collection = story.open(amount).await?;
    let session = story.session(&collection, &cast.card, None).await?;
    let payment = story.authorize(&session, VISA).await?.payment.id;
    let done = story.host.cancel_payment(&payment, Some("out of stock".to_owned())).await;
    let view = story.done("canceling", done)?;
    story.check("the payment is canceled", view.payment.canceled_at.is_some(), true)?;
    story.tell(format!("{amount} authorized, then released"))?;
    let late = story.host.capture(&payment, Some(amount)).await;
    let why = story.refused(late, "payment_canceled")?;
    story.tell(format!("a capture after it refused: {why}"))?;
    let nothing = Money::zero(amount.currency());
    let want = figures(CollectionStatus::Awaiting, amount, nothing, nothing);
    story.settled(&collection, "authorized, then canceled", want).await
}

async fn installments(story: &mut Story, cast: &Cast) -> Result<(), Failure> {
    story.scene("7. One collection, three installments, both components")?;
    let amount = money("300.00 EUR")?;
    let (by_card, by_hand, at_once) = (money("100.00 EUR")?, money("120.00 EUR")?, money("80.00 EUR")?);
    let collection = story.open(amount).await?;
    let session = story.session(&collection, &cast.card, Some(by_card)).await?;
    let card = story.authorize(&session, VISA).await?.payment.id;
    let session = story.session(&collection, &cast.manual, Some(by_hand)).await?;
    let manual = story.authorize(&session, NOTHING).await?.payment.id;
    let status = Figures::of(&story.host, &collection).await?.status;
    story.check("the collection after two installments", status, CollectionStatus::PartiallyAuthorized)?;
    story.tell(format!("{by_card} by card and {by_hand} by hand are authorized: partially_authorized"))?;
    let over = NewSession::new(cast.automatic.clone()).amount(money("80.01 EUR")?);
    let over = story.host.create_session(&collection, over).await;
    let why = story.refused(over, "exceeds_collection")?;
    story.tell(format!("a session over 80.01 EUR refused: {why}"))?;
    let session = story.session(&collection, &cast.automatic, Some(at_once)).await?;
    story.authorize_captured(&session, VISA).await?;
    story.tell(format!("{at_once} captured at once by the second card provider"))?;
    story.capture(&card, by_card, by_card).await?;
    story.capture(&manual, by_hand, by_hand).await?;
    let back = money("33.33 EUR")?;
    story.refund(&manual, back, back).await?;
    story.tell(format!("the other two captured: completed; {back} refunded by hand"))?;
    let want = Figures { refunded: back, ..figures(CollectionStatus::Completed, amount, amount, amount) };
    story.settled(&collection, "three installments over both components", want).await
}

/// Asks the providers what they know of every payment: their own books must say what ours say.
async fn books_agree(story: &mut Story) -> Result<(), Failure> {
    story.scene("8. Do the providers' own books agree?")?;
    let mut asked = 0;
    for index in 0..story.rows.len() {
        let collection = story.host.collection(&story.rows[index].id).await?;
        for payment in &collection.payments {
            let done = story.host.retrieve_from_provider(&payment.id).await;
            let known = story.done("asking a provider", done)?;
            story.check("captured by the provider's books", known.captured, collection.captured_of(&payment.id))?;
            story.check("refunded by the provider's books", known.refunded, collection.refunded_of(&payment.id))?;
            asked += 1;
        }
    }
    story.check("payments that were made", asked, 8)?;
    story.tell(format!("asked about {asked} payments: captured and refunded are the same on both sides"))
}

fn figures(status: CollectionStatus, amount: Money, authorized: Money, captured: Money) -> Figures {
    Figures { status, amount, authorized, captured, refunded: Money::zero(amount.currency()) }
}
