//! The bodies of requests about webhook endpoints.

use tillbox_core::id::EventId;

use super::fields::{Fields, Input, Invalid};
use super::kind::{EVENT_KIND, WEBHOOK_URL};
use crate::outgoing::URL_CHARS_MAX;
use crate::service::{FILTER_KIND_BYTES_MAX, FILTER_KINDS_MAX, NOTE_BYTES_MAX};

/// POST /admin/webhook-endpoints
#[derive(Debug)]
pub(in crate::http) struct CreateWebhookEndpoint {
    pub(in crate::http) url: String,
    pub(in crate::http) description: Option<String>,
    pub(in crate::http) events: Vec<String>,
}

impl Input for CreateWebhookEndpoint {
    const EXAMPLE: &'static str = r#"{"url":"https://shop.example/hooks","events":["payment.*"]}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            url: fields.required_text_like("url", WEBHOOK_URL, 1..=URL_CHARS_MAX)?,
            description: fields.text("description", 0..=NOTE_BYTES_MAX)?,
            events: fields
                .texts_like("events", EVENT_KIND, FILTER_KIND_BYTES_MAX, FILTER_KINDS_MAX)?
                .unwrap_or_default(),
        })
    }
}

/// POST /admin/webhook-endpoints/{id}
#[derive(Debug)]
pub(in crate::http) struct UpdateWebhookEndpoint {
    pub(in crate::http) url: Option<String>,
    pub(in crate::http) description: Option<String>,
    pub(in crate::http) events: Option<Vec<String>>,
    pub(in crate::http) is_enabled: Option<bool>,
}

impl Input for UpdateWebhookEndpoint {
    const EXAMPLE: &'static str = r#"{"is_enabled":false}"#;

    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            url: fields.text_like("url", WEBHOOK_URL, 1..=URL_CHARS_MAX)?,
            description: fields.text("description", 0..=NOTE_BYTES_MAX)?,
            events: fields.texts_like("events", EVENT_KIND, FILTER_KIND_BYTES_MAX, FILTER_KINDS_MAX)?,
            is_enabled: fields.truth("is_enabled")?,
        })
    }
}

/// POST /admin/webhook-endpoints/{id}/redeliver: one event, or what was given up.
#[derive(Debug)]
pub(in crate::http) struct Redeliver {
    pub(in crate::http) event_id: Option<EventId>,
}

impl Input for Redeliver {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { event_id: fields.id("event_id", EventId::parse)? })
    }
}
