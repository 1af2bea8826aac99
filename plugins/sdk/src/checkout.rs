//! What a provider tells the host's own checkout page (`/checkout/{collection}`): what to ask the payer, what to show
//! them, and how a challenge can be walked through without leaving the page.
//!
//! It travels inside of client data, as the member [`Checkout::MEMBER`]. Storefronts with pages of their own may ignore
//! it. All texts are shown as texts, never as markup. It refuses to know card numbers: what is typed into a field passes
//! the host and is kept in the payer's browser until it is answered, so a gateway that takes cards takes them on its own
//! page, by [`crate::NextAction::Redirect`].

use serde::Serialize;

use crate::json::Json;

/// What the checkout page asks and shows while a session is where it is. Replaced with the client data it is part of.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Checkout {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<Challenge>,
}

impl Checkout {
    /// The member of client data that holds it.
    pub const MEMBER: &'static str = "checkout";

    /// Nothing to ask and nothing to show.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The heading, instead of the provider's name; where the payment is authorized, instead of `Payment approved`.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// A sentence below the heading.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Asks for one more thing. Answers come to `authorize` as members of its input.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Shows one more line: a reference, an account, a deadline.
    #[must_use]
    pub fn detail(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.push(Detail { label: label.into(), value: value.into() });
        self
    }

    /// What the button says, instead of `Pay` and the amount.
    #[must_use]
    pub fn submit(mut self, label: impl Into<String>) -> Self {
        self.submit = Some(label.into());
        self
    }

    /// The member of the input of `authorize` that takes the page's own address, for a gateway that sends payers back.
    #[must_use]
    pub fn return_url(mut self, member: impl Into<String>) -> Self {
        self.return_url = Some(member.into());
        self
    }

    /// Lets the payer answer the session's next action on the page. Without it the page sends the browser to the next
    /// action's address.
    #[must_use]
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = Some(challenge);
        self
    }
}

/// One thing the payer is asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    name: String,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    autocomplete: Option<String>,
    optional: bool,
}

impl Field {
    /// A line of text.
    #[must_use]
    pub fn line(name: impl Into<String>, label: impl Into<String>) -> Self {
        let (name, label) = (name.into(), label.into());
        Self { name, label, hint: None, options: Vec::new(), autocomplete: None, optional: false }
    }

    /// One of several.
    #[must_use]
    pub fn choice(
        name: impl Into<String>,
        label: impl Into<String>,
        options: impl IntoIterator<Item = Choice>,
    ) -> Self {
        Self { options: options.into_iter().collect(), ..Self::line(name, label) }
    }

    /// A sentence below the label.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What browsers fill in by themselves (HTML, "Autofill": `email`, `name`, `postal-code` …).
    #[must_use]
    pub fn autocomplete(mut self, token: impl Into<String>) -> Self {
        self.autocomplete = Some(token.into());
        self
    }

    /// May be left empty; then it is not sent.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// One of the things to choose from.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Choice {
    /// What `authorize` reads, and what the payer reads.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: None }
    }

    /// A few words beside the label.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[derive(Debug, Clone, Serialize)]
struct Detail {
    label: String,
    value: String,
}

/// A next action that is answered on the page itself: a question and buttons.
#[derive(Debug, Clone, Serialize)]
pub struct Challenge {
    title: String,
    text: String,
    answers: Vec<Answer>,
}

#[derive(Debug, Clone, Serialize)]
struct Answer {
    label: String,
    data: serde_json::Value,
}

impl Challenge {
    /// What is asked.
    #[must_use]
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), answers: Vec::new() }
    }

    /// One more button, and the input of `authorize` when it is pressed. The first one is the one to press.
    #[must_use]
    pub fn answer(mut self, label: impl Into<String>, input: &Json) -> Self {
        let data = serde_json::from_str(input.as_str()).expect("`Json` holds an object");
        self.answers.push(Answer { label: label.into(), data });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_not_there() {
        let json = |value: &Checkout| serde_json::to_string(value).unwrap();
        assert_eq!(json(&Checkout::new()), "{}");
        let method = Field::choice("method", "Card", [Choice::new("v", "Visa").hint("works")]);
        let checkout = Checkout::new().title("Card").field(method).field(Field::line("note", "Note").optional());
        assert_eq!(
            json(&checkout),
            r#"{"title":"Card","fields":[{"name":"method","label":"Card","options":[{"value":"v","label":"Visa","hint":"works"}],"optional":false},{"name":"note","label":"Note","optional":true}]}"#
        );
        let yes = Json::parse(r#"{"answer":"yes"}"#).unwrap();
        let challenge = Checkout::new().challenge(Challenge::new("Bank", "Is it you?").answer("Yes", &yes));
        assert_eq!(
            json(&challenge),
            r#"{"challenge":{"title":"Bank","text":"Is it you?","answers":[{"label":"Yes","data":{"answer":"yes"}}]}}"#
        );
    }
}
