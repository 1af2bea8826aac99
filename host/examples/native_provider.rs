//! A provider in native Rust beside a component, in one host. The host is not told which is which.
//!
//! `cargo run -p tillbox --example native_provider`
//!
//! The native one is a gift card with a fixed balance. It keeps its own books under the host's idempotency keys, so that a
//! request that is sent again has no second effect: the rule of every provider.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tillbox::Host;
use tillbox::core::Money;
use tillbox::core::id::ProviderId;
use tillbox::core::outcome::{Decline, DeclineClass, Outcome, ProviderStatus, Snapshot};
use tillbox::core::text::Json;
use tillbox::currency::money;
use tillbox::runtime::request::{
    AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, PaymentState,
    RefundRequest, RetrieveRequest, UpdateRequest,
};
use tillbox::runtime::{Call, Grants, Provider, ProviderInfo, Reach, Runtime, RuntimeConfig};
use tillbox::service::{Authorization, NewCollection, NewSession};

/// One gift card, and what every idempotency key was answered.
struct GiftCard {
    info: ProviderInfo,
    books: Mutex<Books>,
}

struct Books {
    left: Money,
    answered: BTreeMap<String, ProviderStatus>,
}

impl GiftCard {
    fn new(balance: Money) -> Self {
        let mut info = ProviderInfo::new("gift-card", "1.0.0");
        info.capabilities.cancel_authorized = true;
        info.currencies = vec![balance.currency().code().to_owned()];
        Self { info, books: Mutex::new(Books { left: balance, answered: BTreeMap::new() }) }
    }

    fn left(&self) -> Money {
        self.books.lock().expect("no holder panics").left
    }

    /// Changes the balance once for a key; a second time it only answers again.
    fn once(
        &self,
        context: &CallContext,
        amount: Money,
        change: impl FnOnce(Money) -> (Money, ProviderStatus),
    ) -> Call<Outcome> {
        let mut books = self.books.lock().expect("no holder panics");
        let status = match books.answered.get(&context.idempotency_key) {
            Some(status) => *status,
            None => {
                let (left, status) = change(books.left);
                books.left = left;
                books.answered.insert(context.idempotency_key.clone(), status);
                status
            }
        };
        Call::answered(outcome(status, amount))
    }
}

fn outcome(status: ProviderStatus, amount: Money) -> Outcome {
    let empty = || Decline {
        class: DeclineClass::UseAnotherMethod,
        code: "card_empty".to_owned(),
        message: "There is not enough left on the gift card.".to_owned(),
    };
    Outcome {
        status,
        data: Json::empty(),
        client_data: None,
        provider_reference: None,
        amount: Some(amount),
        decline: (status == ProviderStatus::Declined).then(empty),
        next_action: None,
        extensions: Json::empty(),
    }
}

#[async_trait]
impl Provider for GiftCard {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    /// Its books are in this process: no byte leaves it.
    fn reach(&self) -> Reach {
        Reach::Nowhere
    }

    async fn initiate(&self, _: CallContext, request: InitiateRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Pending, request.amount))
    }

    async fn update(&self, _: CallContext, request: UpdateRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Pending, request.amount))
    }

    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
        let amount = request.payment.amount;
        self.once(&context, amount, |left| match left.checked_sub(amount) {
            Ok(rest) => (rest, ProviderStatus::Authorized),
            Err(_) => (left, ProviderStatus::Declined),
        })
    }

    async fn capture(&self, _: CallContext, request: CaptureRequest) -> Call<Outcome> {
        // The balance was taken down when it was reserved.
        Call::answered(outcome(ProviderStatus::Captured, request.amount))
    }

    async fn refund(&self, context: CallContext, request: RefundRequest) -> Call<Outcome> {
        let amount = request.amount;
        self.once(&context, amount, |left| (left.checked_add(amount).unwrap_or(left), ProviderStatus::Captured))
    }

    async fn cancel(&self, context: CallContext, request: CancelRequest) -> Call<Outcome> {
        let amount = request.payment.amount;
        self.once(&context, amount, |left| (left.checked_add(amount).unwrap_or(left), ProviderStatus::Canceled))
    }

    async fn delete(&self, _: CallContext, request: DeleteRequest) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Canceled, request.payment.amount))
    }

    async fn retrieve(&self, _: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
        let PaymentState { amount, captured, refunded, .. } = request.payment;
        let disputed = Money::zero(amount.currency());
        let present = outcome(ProviderStatus::Authorized, amount);
        Call::answered(Snapshot { outcome: present, captured, refunded, disputed, operation: None })
    }

    async fn status(&self, _: CallContext, payment: PaymentState) -> Call<Outcome> {
        Call::answered(outcome(ProviderStatus::Authorized, payment.amount))
    }
}

/// Asks a provider for a share of a collection; a decline comes back as the session's status.
async fn pay(
    host: &Host,
    collection: &tillbox::core::id::CollectionId,
    provider: &str,
    share: Money,
) -> Result<Authorization, tillbox::Error> {
    let new = NewSession::new(ProviderId::parse(provider)?).amount(share);
    let session = host.create_session(collection, new).await?.value;
    Ok(host.authorize_session(&session.id, None).await?.value)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::new(RuntimeConfig::default())?;
    let manual = runtime.check(tillbox::bundled::MANUAL).await?.grant(Grants::default())?;
    let gift_card = Arc::new(GiftCard::new(money("25.00", "EUR")?));
    let native: Arc<dyn Provider> = gift_card.clone();
    let host = Host::builder().in_memory().provider("default", manual).provider("birthday", native).build().await?;

    let collection = host.create_collection(NewCollection::new(money("40.00", "EUR")?)).await?.id;
    let too_much = pay(&host, &collection, "pp_gift-card_birthday", money("25.01", "EUR")?).await?;
    assert_eq!(too_much.session.decline.map(|decline| decline.class), Some(DeclineClass::UseAnotherMethod));
    assert_eq!(gift_card.left(), money("25.00", "EUR")?);

    for (provider, share) in [("pp_gift-card_birthday", "25.00"), ("pp_manual_default", "15.00")] {
        let payment = pay(&host, &collection, provider, money(share, "EUR")?).await?.payment;
        let payment = payment.ok_or("the session was not authorized")?.payment.id;
        let captured = host.capture(&payment, None).await?.value.captured;
        assert_eq!(captured, money(share, "EUR")?);
        println!("{provider} paid {captured}");
    }
    let collection = host.collection(&collection).await?;
    assert_eq!((collection.captured(), collection.status.as_str()), (money("40.00", "EUR")?, "completed"));
    assert_eq!(gift_card.left(), money("0.00", "EUR")?);
    println!("{} in all: {}", collection.captured(), collection.status.as_str());
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::main().unwrap();
    }
}
