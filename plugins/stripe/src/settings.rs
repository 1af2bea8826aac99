//! The operator's settings, read once a call. The host has checked them against `settings.schema.json`; what slipped through is
//! refused by name and never guessed.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tillbox_provider::{Result, settings};

/// JSON Schema (draft 2020-12) of the settings.
pub(crate) const SCHEMA: &str = include_str!("../settings.schema.json");

/// Where Stripe is.
pub(crate) const API_BASE: &str = "https://api.stripe.com";

/// Seconds a signature may be old, as in Stripe's own libraries.
const WEBHOOK_TOLERANCE_SECONDS: u64 = 300;

/// When money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CaptureMethod {
    /// By a later capture.
    Manual,
    /// When it is authorized.
    Automatic,
}

impl CaptureMethod {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Automatic => "automatic",
        }
    }
}

/// Whether payers may be sent to other pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Redirects {
    /// They may.
    Always,
    /// They may not: methods that need it are not offered.
    Never,
}

impl Redirects {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// For which kind of use a payment method is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FutureUsage {
    /// While the payer is there.
    OnSession,
    /// Without them, too.
    OffSession,
}

impl FutureUsage {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OnSession => "on_session",
            Self::OffSession => "off_session",
        }
    }
}

/// What the operator set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) api_base: String,
    pub(crate) capture_method: CaptureMethod,
    pub(crate) multicapture: bool,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) allow_redirects: Redirects,
    pub(crate) payment_method_configuration: Option<String>,
    pub(crate) setup_future_usage: Option<FutureUsage>,
    pub(crate) receipt_email: bool,
    pub(crate) account: Option<String>,
    pub(crate) publishable_key: Option<String>,
    pub(crate) webhook_tolerance_seconds: u64,
}

impl Settings {
    /// Reads all of them.
    ///
    /// # Errors
    /// `authentication`, naming the setting.
    pub(crate) fn read() -> Result<Self> {
        Ok(Self {
            api_base: or("api_base", API_BASE.to_owned())?,
            capture_method: or("capture_method", CaptureMethod::Manual)?,
            multicapture: or("multicapture", true)?,
            statement_descriptor_suffix: settings::get("statement_descriptor_suffix"),
            statement_descriptor: settings::get("statement_descriptor"),
            description: settings::get("description"),
            allow_redirects: or("allow_redirects", Redirects::Never)?,
            payment_method_configuration: settings::get("payment_method_configuration"),
            setup_future_usage: settings::get_as("setup_future_usage")?,
            receipt_email: or("receipt_email", false)?,
            account: settings::get("account"),
            publishable_key: settings::get("publishable_key"),
            webhook_tolerance_seconds: or("webhook_tolerance_seconds", WEBHOOK_TOLERANCE_SECONDS)?,
        })
    }
}

fn or<T: DeserializeOwned>(name: &str, default: T) -> Result<T> {
    Ok(settings::get_as(name)?.unwrap_or(default))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillbox_provider::testing::set_setting;

    #[test]
    fn defaults_are_those_of_the_schema() {
        let settings = Settings::read().unwrap();
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let default = |name: &str| schema["properties"][name]["default"].clone();
        assert_eq!(default("api_base"), settings.api_base.as_str());
        assert_eq!(default("capture_method"), settings.capture_method.as_str());
        assert_eq!(default("multicapture"), settings.multicapture);
        assert_eq!(default("allow_redirects"), settings.allow_redirects.as_str());
        assert_eq!(default("receipt_email"), settings.receipt_email);
        assert_eq!(default("webhook_tolerance_seconds"), settings.webhook_tolerance_seconds);
        let mut names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names.len(), 13, "a setting that is not read: {names:?}");
    }

    #[test]
    fn a_value_that_does_not_fit_is_named() {
        set_setting("capture_method", "later");
        assert!(Settings::read().unwrap_err().message.contains("capture_method"));
        set_setting("capture_method", "automatic");
        set_setting("setup_future_usage", "on_session");
        let settings = Settings::read().unwrap();
        assert_eq!(settings.capture_method, CaptureMethod::Automatic);
        assert_eq!(settings.setup_future_usage.map(FutureUsage::as_str), Some("on_session"));
    }
}
