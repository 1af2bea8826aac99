//! Webhook endpoints and what is on its way to them. No answer but the one that makes a secret has a field for it.

use schemars::JsonSchema;
use serde::Serialize;
use tillbox_core::id::{CollectionId, EventId};

use crate::http::wire::parts::{IdOf, Name, Time, optional_time, time};
use crate::service::WebhookEndpoint;
use crate::store::{Dispatch, DispatchState, SubscriberId};

/// A webhook endpoint.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct WebhookEndpointAnswer {
    id: IdOf<SubscriberId>,
    url: String,
    description: Option<String>,
    events: Vec<String>,
    is_enabled: bool,
    disabled_reason: Option<String>,
    previous_secret_until: Option<Time>,
    created_at: Time,
    updated_at: Time,
}

impl From<WebhookEndpoint> for WebhookEndpointAnswer {
    fn from(endpoint: WebhookEndpoint) -> Self {
        Self {
            id: (&endpoint.id).into(),
            url: endpoint.url,
            description: endpoint.description,
            events: endpoint.events,
            is_enabled: endpoint.is_enabled,
            disabled_reason: endpoint.disabled_reason,
            previous_secret_until: optional_time(endpoint.previous_secret_until),
            created_at: time(endpoint.created_at),
            updated_at: time(endpoint.updated_at),
        }
    }
}

/// A webhook endpoint with a secret that was just made.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct SecretAnswer {
    pub(in crate::http) webhook_endpoint: WebhookEndpointAnswer,
    pub(in crate::http) secret: String,
}

/// Without the secret.
impl std::fmt::Debug for SecretAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretAnswer").field("webhook_endpoint", &self.webhook_endpoint).finish_non_exhaustive()
    }
}

/// Events of one collection on their way to an endpoint, or one that was given up.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct DeliveryAnswer {
    webhook_endpoint_id: IdOf<SubscriberId>,
    payment_collection_id: IdOf<CollectionId>,
    event_id: Option<IdOf<EventId>>,
    state: Name<DispatchState>,
    after_sequence: i64,
    until_sequence: i64,
    attempts: u32,
    next_attempt_at: Option<Time>,
    last_error: Option<String>,
    created_at: Time,
    updated_at: Time,
}

impl From<&Dispatch> for DeliveryAnswer {
    fn from(dispatch: &Dispatch) -> Self {
        Self {
            webhook_endpoint_id: (&dispatch.subscriber).into(),
            payment_collection_id: (&dispatch.collection).into(),
            event_id: dispatch.event.as_ref().map(Into::into),
            state: dispatch.state.into(),
            after_sequence: dispatch.after,
            until_sequence: dispatch.until,
            attempts: dispatch.attempts,
            next_attempt_at: optional_time(dispatch.next_action_at),
            last_error: dispatch.last_error.clone(),
            created_at: time(dispatch.created_at),
            updated_at: time(dispatch.updated_at),
        }
    }
}

/// What is told again.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http) struct RedeliveryAnswer {
    pub(in crate::http) id: IdOf<SubscriberId>,
    pub(in crate::http) object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::http) event_id: Option<IdOf<EventId>>,
}
