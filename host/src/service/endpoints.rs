//! Webhook endpoints: made, changed, given a new secret, looked into, told again. A secret is shown when it is made and at no
//! other time.

use serde_json::{Value, json};
use tillbox_core::Timestamp;
use tillbox_core::id::EventId;

use super::idempotency::{Guard, Plain};
use super::input::text;
use super::keys::digest;
use super::{Error, Host, NOTE_BYTES_MAX};
use crate::clock::new_tail;
use crate::outgoing;
use crate::store::{
    Channel, Dispatch, DispatchState, KeptSubscriber, Listed, Page, Secret, SideChange, StoreError, SubscriberId,
};

/// Subscribers a database may have, endpoints and those in processes together: each costs a look at every change, and the
/// calls to all of them at once have to fit.
pub const SUBSCRIBERS_MAX: usize = 32;

/// Milliseconds a subscriber in the process may take for an event.
pub const SUBSCRIBER_MS_MAX: u64 = 30_000;

/// Kinds in a filter: more than there are families of events.
pub const FILTER_KINDS_MAX: usize = 32;

/// Bytes of a kind in a filter: twice the longest there is.
pub const FILTER_KIND_BYTES_MAX: usize = 64;

/// Milliseconds a replaced secret still signs beside the new one: a day to tell every receiver.
pub const ROTATION_MS: i64 = 24 * 60 * 60 * 1_000;

/// Bytes of a secret; the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// How often a change is tried anew because somebody else was faster.
const ATTEMPTS: usize = 8;

/// A webhook endpoint to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewWebhookEndpoint {
    /// Where to: `https`, or a loopback address.
    pub url: String,
    /// Your own words, at most [`NOTE_BYTES_MAX`] bytes.
    pub description: Option<String>,
    /// Kinds of events it hears of, `payment.captured`, or families of them, `payment.*`; none means all.
    pub events: Vec<String>,
}

/// What is to change about a webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookEndpointUpdate {
    /// Another URL.
    pub url: Option<String>,
    /// Other words.
    pub description: Option<String>,
    /// Another filter.
    pub events: Option<Vec<String>>,
    /// Whether it is told. What happens while it is not is told once it is again.
    pub is_enabled: Option<bool>,
}

/// A webhook endpoint, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// `whep_…`
    pub id: SubscriberId,
    /// Where to.
    pub url: String,
    /// Its owner's words.
    pub description: Option<String>,
    /// What it hears of; none means all.
    pub events: Vec<String>,
    /// Whether it is told.
    pub is_enabled: bool,
    /// Why it is not, when the host decided so.
    pub disabled_reason: Option<String>,
    /// Until when the secret before the present one signs as well.
    pub previous_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// A secret at the one time it is shown: `whsec_…`. Printing it takes a decision.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedSecret(String);

impl IssuedSecret {
    /// The secret, for whoever is to verify with it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for IssuedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IssuedSecret(..)")
    }
}

/// The answer that shows a secret, without it: kept is which one it was, and the endpoint's row alone holds it.
#[derive(Debug)]
struct Issued {
    endpoint: WebhookEndpoint,
    /// What tells the secret from others.
    mark: String,
}

impl Issued {
    fn new(endpoint: WebhookEndpoint, secret: &Secret) -> Self {
        Self { endpoint, mark: mark(secret) }
    }
}

impl Plain for Issued {
    fn to_kept(&self) -> Value {
        json!({ "endpoint": self.endpoint.to_kept(), "mark": self.mark })
    }

    fn from_kept(kept: &Value) -> Option<Self> {
        let endpoint = WebhookEndpoint::from_kept(&kept["endpoint"])?;
        Some(Self { endpoint, mark: kept["mark"].as_str()?.to_owned() })
    }
}

impl Host {
    /// Makes a webhook endpoint that hears of every change from now on, and the secret that its receiver verifies with.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Store`]. Made again with its key, it shows the secret as long as the
    /// endpoint has it: the answer is kept without it, so [`Error::NotFound`] once the endpoint is gone and
    /// [`Error::Invalid`] once the secret was replaced by two others.
    pub async fn create_webhook_endpoint(
        &self,
        new: NewWebhookEndpoint,
    ) -> Result<(WebhookEndpoint, IssuedSecret), Error> {
        let guard = self.guard("create_webhook_endpoint", "", |print| {
            let print = print.text("url", Some(&new.url)).text("description", new.description.as_deref());
            print.json("events", Some(&json!(new.events).to_string()))
        });
        let secret = fresh_secret()?;
        let issued = self.once_plain(&guard, self.add_endpoint(new, &secret, &guard)).await?;
        self.shown(issued, &secret).await
    }

    async fn add_endpoint(&self, new: NewWebhookEndpoint, secret: &Secret, guard: &Guard) -> Result<Issued, Error> {
        let now = self.now();
        let id = format!("{}_{}", SubscriberId::WEBHOOK, new_tail());
        let subscriber = KeptSubscriber {
            id: SubscriberId::parse(&id).expect("made of a prefix and a ULID"),
            version: 1,
            channel: Channel::Webhook { url: self.checked_url(new.url)?, secret: secret.clone(), previous: None },
            description: text("description", new.description, NOTE_BYTES_MAX)?,
            filter: checked_filter(new.events)?,
            is_enabled: true,
            disabled_reason: None,
            cursor: 0,
            created_at: now,
            updated_at: now,
        };
        if self.inner.store.subscribers().await?.len() >= SUBSCRIBERS_MAX {
            let what = format!("there are {SUBSCRIBERS_MAX} subscribers, more are not possible; remove one first");
            return Err(Error::invalid("webhook_endpoint", what));
        }
        let issued = Issued::new(view(subscriber.clone()).expect("made just now"), secret);
        if !self.write_side(SideChange::AddSubscriber(Box::new(subscriber)), guard, &issued).await? {
            return Err(StoreError::Conflict.into());
        }
        self.inner.wake.now();
        Ok(issued)
    }

    /// The answer with its secret: the one that was made just now, or the one that the endpoint still has.
    async fn shown(&self, issued: Issued, fresh: &Secret) -> Result<(WebhookEndpoint, IssuedSecret), Error> {
        let text = |secret: &Secret| IssuedSecret(outgoing::secret_text(secret));
        if mark(fresh) == issued.mark {
            return Ok((issued.endpoint, text(fresh)));
        }
        let id = issued.endpoint.id.clone();
        let Channel::Webhook { secret, previous, .. } = self.endpoint(&id).await?.channel else {
            return Err(missing(&id));
        };
        let mut had = std::iter::once(secret).chain(previous.map(|(secret, _)| secret));
        let found = had.find(|secret| mark(secret) == issued.mark);
        let replaced = || {
            let what = format!("the secret that this request made was replaced since; rotate that of {id} for another");
            Error::invalid("Idempotency-Key", what)
        };
        Ok((issued.endpoint, text(&found.ok_or_else(replaced)?)))
    }

    /// All webhook endpoints, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn webhook_endpoints(&self) -> Result<Vec<WebhookEndpoint>, Error> {
        Ok(self.inner.store.subscribers().await?.into_iter().filter_map(view).collect())
    }

    /// One webhook endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn webhook_endpoint(&self, id: &SubscriberId) -> Result<WebhookEndpoint, Error> {
        view(self.endpoint(id).await?).ok_or_else(|| missing(id))
    }

    /// Changes a webhook endpoint. One that is enabled again hears what it missed.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::NotFound`], [`Error::Store`].
    pub async fn update_webhook_endpoint(
        &self,
        id: &SubscriberId,
        update: WebhookEndpointUpdate,
    ) -> Result<WebhookEndpoint, Error> {
        let guard = self.guard("update_webhook_endpoint", id.as_str(), |print| {
            let print = print.text("url", update.url.as_deref()).text("description", update.description.as_deref());
            let events = update.events.as_ref().map(|events| json!(events).to_string());
            let is_enabled = update.is_enabled.map(|is_enabled| if is_enabled { "true" } else { "false" });
            print.json("events", events.as_deref()).text("is_enabled", is_enabled)
        });
        let new_url = update.url.map(|url| self.checked_url(url)).transpose()?;
        let description = text("description", update.description, NOTE_BYTES_MAX)?;
        let filter = update.events.map(checked_filter).transpose()?;
        let change = |kept: &mut KeptSubscriber| {
            if let (Channel::Webhook { url, .. }, Some(new)) = (&mut kept.channel, &new_url) {
                url.clone_from(new);
            }
            if description.is_some() {
                kept.description.clone_from(&description);
            }
            if let Some(filter) = &filter {
                kept.filter.clone_from(filter);
            }
            if let Some(is_enabled) = update.is_enabled {
                kept.is_enabled = is_enabled;
                kept.disabled_reason = None;
            }
        };
        let work = self.change_endpoint(id, change, &guard, |endpoint| endpoint);
        self.once_plain(&guard, work).await
    }

    /// Replaces the secret of a webhook endpoint. The old one signs beside the new one for [`ROTATION_MS`], so that
    /// receivers can change over in between.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`]. Made again with its key, as [`Host::create_webhook_endpoint`].
    pub async fn rotate_webhook_secret(&self, id: &SubscriberId) -> Result<(WebhookEndpoint, IssuedSecret), Error> {
        let guard = self.guard("rotate_webhook_secret", id.as_str(), |print| print);
        let (fresh, until) = (fresh_secret()?, Timestamp(self.now().0.saturating_add(ROTATION_MS)));
        let change = |kept: &mut KeptSubscriber| {
            if let Channel::Webhook { secret, previous, .. } = &mut kept.channel {
                *previous = Some((std::mem::replace(secret, fresh.clone()), until));
            }
        };
        let work = self.change_endpoint(id, change, &guard, |endpoint| Issued::new(endpoint, &fresh));
        let issued = self.once_plain(&guard, work).await?;
        self.shown(issued, &fresh).await
    }

    /// Removes a webhook endpoint and everything on its way to it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn delete_webhook_endpoint(&self, id: &SubscriberId) -> Result<(), Error> {
        let guard = self.guard("delete_webhook_endpoint", id.as_str(), |print| print);
        let work = async {
            self.endpoint(id).await?;
            match self.write_side(SideChange::RemoveSubscriber(id.clone()), &guard, &()).await? {
                true => Ok(()),
                false => Err(missing(id)),
            }
        };
        self.once_plain(&guard, work).await
    }

    /// What is on its way to a webhook endpoint, and what was given up; no state means both.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn webhook_deliveries(
        &self,
        id: &SubscriberId,
        state: Option<DispatchState>,
        page: Page,
    ) -> Result<Listed<Dispatch>, Error> {
        self.endpoint(id).await?;
        Ok(self.inner.store.list_dispatches(id.clone(), state, page).await?)
    }

    /// Has an event told to a webhook endpoint once more, given up or not, whatever its filter says.
    ///
    /// # Errors
    /// [`Error::NotFound`] of either, [`Error::Store`].
    pub async fn redeliver(&self, id: &SubscriberId, event: &EventId) -> Result<(), Error> {
        let guard = self.guard("redeliver", id.as_str(), |print| print.text("event_id", Some(event.as_str())));
        let work = async {
            self.endpoint(id).await?;
            let found = self.inner.store.event(event.clone()).await?;
            let found = found.ok_or_else(|| Error::NotFound { entity: "Event", id: event.to_string() })?;
            let change = SideChange::TellAgain { id: id.clone(), event: Box::new(found), at: self.now() };
            self.tell_once_more(change, &guard).await
        };
        self.once_plain(&guard, work).await
    }

    /// Has everything told once more that was given up for a webhook endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn redeliver_failed(&self, id: &SubscriberId) -> Result<(), Error> {
        let guard = self.guard("redeliver", id.as_str(), |print| print);
        let work = async {
            self.endpoint(id).await?;
            self.tell_once_more(SideChange::TellFailedAgain { id: id.clone(), at: self.now() }, &guard).await
        };
        self.once_plain(&guard, work).await
    }

    async fn tell_once_more(&self, change: SideChange, guard: &Guard) -> Result<(), Error> {
        if !self.write_side(change, guard, &()).await? {
            return Err(StoreError::Conflict.into());
        }
        self.inner.wake.now();
        Ok(())
    }

    async fn endpoint(&self, id: &SubscriberId) -> Result<KeptSubscriber, Error> {
        let found = self.inner.store.subscribers().await?.into_iter();
        let webhook = |kept: &KeptSubscriber| matches!(kept.channel, Channel::Webhook { .. });
        found.filter(webhook).find(|kept| kept.id == *id).ok_or_else(|| missing(id))
    }

    async fn change_endpoint<T: Plain>(
        &self,
        id: &SubscriberId,
        change: impl Fn(&mut KeptSubscriber),
        guard: &Guard,
        answer: impl Fn(WebhookEndpoint) -> T,
    ) -> Result<T, Error> {
        for _ in 0..ATTEMPTS {
            let mut kept = self.endpoint(id).await?;
            change(&mut kept);
            kept.updated_at = self.now();
            let answer = answer(view(kept.clone()).ok_or_else(|| missing(id))?);
            if self.write_side(SideChange::UpdateSubscriber(Box::new(kept)), guard, &answer).await? {
                self.inner.wake.now();
                return Ok(answer);
            }
        }
        Err(Error::Contended)
    }

    fn checked_url(&self, url: String) -> Result<String, Error> {
        match outgoing::check(&url, self.inner.plain_http) {
            Ok(()) => Ok(url),
            Err(why) => Err(Error::invalid("url", why)),
        }
    }
}

fn missing(id: &SubscriberId) -> Error {
    Error::NotFound { entity: "WebhookEndpoint", id: id.to_string() }
}

fn mark(secret: &Secret) -> String {
    digest(&outgoing::secret_text(secret))
}

fn view(kept: KeptSubscriber) -> Option<WebhookEndpoint> {
    let Channel::Webhook { url, previous, .. } = kept.channel else { return None };
    Some(WebhookEndpoint {
        id: kept.id,
        url,
        description: kept.description,
        events: kept.filter,
        is_enabled: kept.is_enabled,
        disabled_reason: kept.disabled_reason,
        previous_secret_until: previous.map(|(_, until)| until),
        created_at: kept.created_at,
        updated_at: kept.updated_at,
    })
}

fn fresh_secret() -> Result<Secret, Error> {
    let mut bytes = vec![0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    Ok(Secret(bytes))
}

fn checked_filter(events: Vec<String>) -> Result<Vec<String>, Error> {
    if events.len() > FILTER_KINDS_MAX {
        return Err(Error::invalid(
            "events",
            format!("{} kinds, at most {FILTER_KINDS_MAX} are allowed", events.len()),
        ));
    }
    for kind in &events {
        let name = kind.strip_suffix(".*").unwrap_or(kind);
        let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if kind.len() > FILTER_KIND_BYTES_MAX || !name.split('.').all(word) {
            let shown: String = kind.chars().take(FILTER_KIND_BYTES_MAX).collect();
            let what =
                format!("`{shown}` is no kind of event: one looks like `payment.captured`, a family like `payment.*`");
            return Err(Error::invalid("events", what));
        }
    }
    Ok(events)
}
