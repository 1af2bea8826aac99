//! An answer without the secrets that its call could use: what a provider says goes into the books, to the storefront and
//! before operators, and none of them may have them.
//!
//! Only texts change. A secret in the place of an id or a number's name is no honest answer, and stays recognisable as one.

use crate::bindings::exports::tillbox::provider::{payment_methods, payments, webhooks};
use crate::bindings::tillbox::provider::types;
use crate::redact::Redactor;

/// What a provider answers, field by field.
pub(crate) trait Hidden {
    /// Takes secrets out of every text.
    fn hide(&mut self, secrets: &Redactor);
}

fn text(text: &mut String, secrets: &Redactor) {
    *text = secrets.text(std::mem::take(text));
}

impl Hidden for String {
    fn hide(&mut self, secrets: &Redactor) {
        text(self, secrets);
    }
}

impl Hidden for () {
    fn hide(&mut self, _: &Redactor) {}
}

impl<T: Hidden> Hidden for Option<T> {
    fn hide(&mut self, secrets: &Redactor) {
        if let Some(inner) = self {
            inner.hide(secrets);
        }
    }
}

impl<T: Hidden> Hidden for Vec<T> {
    fn hide(&mut self, secrets: &Redactor) {
        self.iter_mut().for_each(|inner| inner.hide(secrets));
    }
}

impl<T: Hidden, E: Hidden> Hidden for Result<T, E> {
    fn hide(&mut self, secrets: &Redactor) {
        match self {
            Ok(answer) => answer.hide(secrets),
            Err(error) => error.hide(secrets),
        }
    }
}

impl Hidden for types::Outcome {
    fn hide(&mut self, secrets: &Redactor) {
        self.data.hide(secrets);
        self.client_data.hide(secrets);
        self.provider_reference.hide(secrets);
        self.extensions.hide(secrets);
        if let Some(decline) = &mut self.decline {
            decline.code.hide(secrets);
            decline.message.hide(secrets);
        }
        match &mut self.next_action {
            Some(types::NextAction::ThreeDSecure(challenge)) => challenge.url.hide(secrets),
            Some(
                types::NextAction::Redirect(said) | types::NextAction::Display(said) | types::NextAction::Other(said),
            ) => said.hide(secrets),
            None => {}
        }
    }
}

impl Hidden for types::Error {
    fn hide(&mut self, secrets: &Redactor) {
        self.code.hide(secrets);
        self.message.hide(secrets);
        self.data.hide(secrets);
        if let types::ErrorKind::Other(kind) = &mut self.kind {
            kind.hide(secrets);
        }
    }
}

impl Hidden for payments::Snapshot {
    fn hide(&mut self, secrets: &Redactor) {
        self.outcome.hide(secrets);
        self.operation.hide(secrets);
    }
}

impl Hidden for types::AccountHolder {
    fn hide(&mut self, secrets: &Redactor) {
        self.external_id.hide(secrets);
        self.data.hide(secrets);
    }
}

impl Hidden for payment_methods::PaymentMethod {
    fn hide(&mut self, secrets: &Redactor) {
        self.id.hide(secrets);
        self.display.hide(secrets);
        self.data.hide(secrets);
    }
}

impl Hidden for webhooks::Evidence {
    fn hide(&mut self, secrets: &Redactor) {
        self.event_id.hide(secrets);
        self.reason.hide(secrets);
        self.extensions.hide(secrets);
        match &mut self.subject {
            Some(webhooks::Subject::Session(id) | webhooks::Subject::ProviderReference(id)) => id.hide(secrets),
            None => {}
        }
    }
}

impl Hidden for webhooks::Rejection {
    fn hide(&mut self, secrets: &Redactor) {
        match self {
            Self::BadSignature(why) | Self::Malformed(why) => why.hide(secrets),
            Self::Failed(error) => error.hide(secrets),
        }
    }
}
