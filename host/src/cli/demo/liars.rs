//! Providers that lie in one way each. A demonstration that tells its story with one of them would tell anything.

use std::sync::Arc;

use async_trait::async_trait;
use tillbox_core::Money;
use tillbox_core::outcome::{Decline, DeclineClass, Outcome, ProviderStatus, Snapshot};
use tillbox_runtime::request::{
    AuthorizeRequest, CallContext, CancelRequest, CaptureRequest, DeleteRequest, InitiateRequest, PaymentState,
    RefundRequest, RetrieveRequest, UpdateRequest,
};
use tillbox_runtime::{Call, Provider, ProviderInfo, Reach};

use super::scenes::{Cast, play};
use super::story::Story;
use crate::Host;
use crate::cli::failure::Failure;
use crate::cli::load;
use crate::cli::screen::Screen;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// None: the story must go through.
    None,
    /// Every card is good.
    DeclinesNothing,
    /// No card is good.
    DeclinesAll,
    /// Nobody is challenged.
    SkipsTheChallenge,
    /// What should be captured at once is only authorized.
    ForgetsToCapture,
    /// Takes less than it was asked to.
    CapturesLess,
    /// Gives back less than it was asked to.
    RefundsLess,
    /// Says that it gave back what it did not.
    KeepsOtherBooks,
    /// Does not let go of what it reserved.
    KeepsTheReservation,
}

/// A provider that answers as another one does, save for one lie.
struct Liar {
    inner: Arc<dyn Provider>,
    lie: Lie,
}

impl Liar {
    /// Turns the outcome of `authorize`.
    fn authorized(&self, outcome: Outcome, amount: Money) -> Outcome {
        let good = |outcome: Outcome| Outcome {
            status: ProviderStatus::Authorized,
            amount: Some(amount),
            decline: None,
            next_action: None,
            ..outcome
        };
        let no = Decline { class: DeclineClass::Unspecified, code: "no".to_owned(), message: "No.".to_owned() };
        let lies = |lie: Lie, status: ProviderStatus| self.lie == lie && outcome.status == status;
        if lies(Lie::DeclinesNothing, ProviderStatus::Declined)
            || lies(Lie::SkipsTheChallenge, ProviderStatus::RequiresMore)
            || lies(Lie::ForgetsToCapture, ProviderStatus::Captured)
        {
            return good(outcome);
        }
        if lies(Lie::DeclinesAll, ProviderStatus::Authorized) {
            return Outcome { status: ProviderStatus::Declined, amount: None, decline: Some(no), ..outcome };
        }
        outcome
    }

    fn less(&self, outcome: Outcome, lie: Lie) -> Outcome {
        let less = |amount: Money| Money::new(amount.minor_units() - 1, amount.currency()).unwrap_or(amount);
        match self.lie == lie {
            true => Outcome { amount: outcome.amount.map(less), ..outcome },
            false => outcome,
        }
    }
}

fn turned<T>(call: Call<T>, turn: impl FnOnce(T) -> T) -> Call<T> {
    Call { answer: call.answer.map(turn), report: call.report }
}

#[async_trait]
impl Provider for Liar {
    fn info(&self) -> &ProviderInfo {
        self.inner.info()
    }

    fn reach(&self) -> Reach {
        self.inner.reach()
    }

    async fn initiate(&self, context: CallContext, request: InitiateRequest) -> Call<Outcome> {
        self.inner.initiate(context, request).await
    }

    async fn update(&self, context: CallContext, request: UpdateRequest) -> Call<Outcome> {
        self.inner.update(context, request).await
    }

    async fn authorize(&self, context: CallContext, request: AuthorizeRequest) -> Call<Outcome> {
        let amount = request.payment.amount;
        turned(self.inner.authorize(context, request).await, |outcome| self.authorized(outcome, amount))
    }

    async fn capture(&self, context: CallContext, request: CaptureRequest) -> Call<Outcome> {
        turned(self.inner.capture(context, request).await, |outcome| self.less(outcome, Lie::CapturesLess))
    }

    async fn refund(&self, context: CallContext, request: RefundRequest) -> Call<Outcome> {
        turned(self.inner.refund(context, request).await, |outcome| self.less(outcome, Lie::RefundsLess))
    }

    async fn cancel(&self, context: CallContext, request: CancelRequest) -> Call<Outcome> {
        let keeps = self.lie == Lie::KeepsTheReservation;
        turned(self.inner.cancel(context, request).await, |outcome| match keeps {
            true => Outcome { status: ProviderStatus::Authorized, ..outcome },
            false => outcome,
        })
    }

    async fn delete(&self, context: CallContext, request: DeleteRequest) -> Call<Outcome> {
        self.inner.delete(context, request).await
    }

    async fn retrieve(&self, context: CallContext, request: RetrieveRequest) -> Call<Snapshot> {
        let lies = self.lie == Lie::KeepsOtherBooks;
        turned(self.inner.retrieve(context, request).await, |snapshot| match lies {
            true => Snapshot { refunded: snapshot.captured, ..snapshot },
            false => snapshot,
        })
    }

    async fn status(&self, context: CallContext, payment: PaymentState) -> Call<Outcome> {
        self.inner.status(context, payment).await
    }
}

/// The story, with one lie told by every provider.
async fn told_by(loaded: &[load::Loaded], lie: Lie) -> Result<(), Failure> {
    let liars = loaded.iter().fold(Host::builder().in_memory().without_background_work(), |builder, one| {
        builder.provider(&one.id, Arc::new(Liar { inner: Arc::clone(&one.provider), lie }))
    });
    let mut story = Story::new(liars.build().await?, Screen::only_json());
    play(&mut story, &Cast::new()).await
}

#[tokio::test]
async fn no_lie_passes() {
    let runtime = load::plain_runtime().unwrap();
    let loaded = load::load(&runtime, load::bundled()).await.unwrap();
    told_by(&loaded, Lie::None).await.unwrap();
    for lie in [
        Lie::DeclinesNothing,
        Lie::DeclinesAll,
        Lie::SkipsTheChallenge,
        Lie::ForgetsToCapture,
        Lie::CapturesLess,
        Lie::RefundsLess,
        Lie::KeepsOtherBooks,
        Lie::KeepsTheReservation,
    ] {
        let caught = told_by(&loaded, lie).await;
        let told = caught.expect_err(&format!("{lie:?} was not noticed")).to_string();
        assert!(told.contains("the demonstration failed in"), "{lie:?}: {told}");
    }
}
