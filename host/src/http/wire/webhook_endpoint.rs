//! The bodies of requests about webhook endpoints.

use super::fields::{Fields, Input, Invalid};

/// POST /admin/webhook-endpoints
#[derive(Debug)]
pub(in crate::http) struct CreateWebhookEndpoint {
    pub(in crate::http) url: String,
    pub(in crate::http) description: Option<String>,
    pub(in crate::http) events: Vec<String>,
}

impl Input for CreateWebhookEndpoint {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            url: fields.required_text("url")?,
            description: fields.text("description")?,
            events: fields.texts("events")?.unwrap_or_default(),
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
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self {
            url: fields.text("url")?,
            description: fields.text("description")?,
            events: fields.texts("events")?,
            is_enabled: fields.truth("is_enabled")?,
        })
    }
}

/// POST /admin/webhook-endpoints/{id}/redeliver: one event, or what was given up.
#[derive(Debug)]
pub(in crate::http) struct Redeliver {
    pub(in crate::http) event_id: Option<String>,
}

impl Input for Redeliver {
    fn read(fields: &mut Fields) -> Result<Self, Invalid> {
        Ok(Self { event_id: fields.text("event_id")? })
    }
}
