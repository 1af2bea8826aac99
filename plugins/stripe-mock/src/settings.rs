//! The operator's settings: their schema, and one reading of them.
//!
//! It does not know where settings come from: a function that gives a setting's text by its name is enough.

use tillbox_provider::Error;

/// Characters of a statement descriptor, as Stripe has it.
const STATEMENT_DESCRIPTOR_LENGTH_MAX: usize = 22;

/// Signing secrets at a time: one in use, one coming, one going, and one to spare.
pub(crate) const WEBHOOK_SECRETS_MAX: usize = 4;

/// Characters of a signing secret at least; below that it can be guessed.
const WEBHOOK_SECRET_LENGTH_MIN: usize = 16;

/// Seconds a signature may be old, as in Stripe's own libraries.
const WEBHOOK_TOLERANCE_SECONDS: u64 = 300;

/// Seconds a tolerance may be at most: a day. More would let a stolen delivery live on.
const WEBHOOK_TOLERANCE_SECONDS_MAX: u64 = 86_400;

/// Milliseconds an asynchronous method may take at most: 30 days.
const ASYNC_SETTLE_MS_MAX: u64 = 2_592_000_000;

/// JSON Schema (draft 2020-12) of the settings. The limits are the constants above; a test compares them.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "stripe-mock",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "capture_method": {
      "description": "Whether a card is charged by a later capture or at once. Bank debits are always taken when they settle.",
      "enum": ["manual", "automatic"],
      "default": "manual"
    },
    "multicapture": {
      "description": "Whether one payment can be captured several times. Without it a partial capture releases the rest.",
      "type": "boolean",
      "default": true
    },
    "statement_descriptor": {
      "description": "What the payer reads on the statement.",
      "type": "string",
      "minLength": 5,
      "maxLength": 22,
      "pattern": "^[A-Za-z0-9 .,-]*[A-Za-z][A-Za-z0-9 .,-]*$"
    },
    "async_settle_ms": {
      "description": "Milliseconds until an asynchronous payment method settles.",
      "type": "integer",
      "minimum": 0,
      "maximum": 2592000000,
      "default": 0
    },
    "webhook_secrets": {
      "description": "Signing secrets of the webhook endpoint; several while they are rotated. For tests only: settings can be read by operators.",
      "type": "array",
      "items": { "type": "string", "minLength": 16, "maxLength": 255 },
      "maxItems": 4
    },
    "webhook_tolerance_seconds": {
      "description": "Seconds a webhook's signature may be away from the time it was received.",
      "type": "integer",
      "minimum": 1,
      "maximum": 86400,
      "default": 300
    }
  }
}"#;

/// When a card is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CaptureMethod {
    /// By a later capture.
    Manual,
    /// At once.
    Automatic,
}

/// What the operator set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// When a card is charged.
    pub(crate) capture_method: CaptureMethod,
    /// Whether one payment can be captured several times.
    pub(crate) multicapture: bool,
    /// What the payer reads on the statement.
    pub(crate) statement_descriptor: Option<String>,
    /// Milliseconds until an asynchronous payment method settles.
    pub(crate) async_settle_ms: u64,
    /// Signing secrets of the webhook endpoint.
    pub(crate) webhook_secrets: Vec<String>,
    /// Seconds a signature may be off.
    pub(crate) webhook_tolerance_seconds: u64,
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    /// `authentication`, naming the setting: the host checks settings against the schema, so this is a host that did not.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let capture_method = match get("capture_method").as_deref() {
            None | Some("manual") => CaptureMethod::Manual,
            Some("automatic") => CaptureMethod::Automatic,
            Some(_) => return Err(wrong("capture_method", "\"manual\" or \"automatic\"")),
        };
        let multicapture = match get("multicapture").as_deref() {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => return Err(wrong("multicapture", "true or false")),
        };
        let statement_descriptor = get("statement_descriptor");
        if statement_descriptor.as_ref().is_some_and(|text| text.chars().count() > STATEMENT_DESCRIPTOR_LENGTH_MAX) {
            return Err(wrong("statement_descriptor", "at most 22 characters"));
        }
        Ok(Self {
            capture_method,
            multicapture,
            statement_descriptor,
            async_settle_ms: number(&get, "async_settle_ms", 0, ASYNC_SETTLE_MS_MAX)?,
            webhook_secrets: secrets(get("webhook_secrets"))?,
            webhook_tolerance_seconds: number(
                &get,
                "webhook_tolerance_seconds",
                WEBHOOK_TOLERANCE_SECONDS,
                WEBHOOK_TOLERANCE_SECONDS_MAX,
            )?,
        })
    }
}

fn number(get: &impl Fn(&str) -> Option<String>, name: &str, default: u64, most: u64) -> Result<u64, Error> {
    let Some(text) = get(name) else { return Ok(default) };
    let value: u64 = text.parse().map_err(|_| wrong(name, "a whole number"))?;
    if value > most {
        return Err(wrong(name, &format!("at most {most}")));
    }
    Ok(value)
}

fn secrets(text: Option<String>) -> Result<Vec<String>, Error> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let shape = "a list of at most 4 secrets of at least 16 characters";
    let list: Vec<String> = serde_json::from_str(&text).map_err(|_| wrong("webhook_secrets", shape))?;
    let fits = list.len() <= WEBHOOK_SECRETS_MAX && list.iter().all(|one| one.len() >= WEBHOOK_SECRET_LENGTH_MIN);
    if fits { Ok(list) } else { Err(wrong("webhook_secrets", shape)) }
}

/// The setting's value stays out of the message: it may be a secret.
fn wrong(name: &str, shape: &str) -> Error {
    Error::authentication(format_args!("the setting {name} must be {shape}")).code("settings_invalid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.capture_method, CaptureMethod::Manual);
        assert!(settings.multicapture);
        assert_eq!(settings.async_settle_ms, 0);
        assert_eq!(settings.webhook_tolerance_seconds, 300);
        assert!(settings.webhook_secrets.is_empty());
    }

    #[test]
    fn values() {
        let settings = read(&[
            ("capture_method", "automatic"),
            ("multicapture", "false"),
            ("statement_descriptor", "TILLBOX DEMO"),
            ("async_settle_ms", "1500"),
            ("webhook_secrets", r#"["whsec_0123456789abcdef","whsec_fedcba9876543210"]"#),
            ("webhook_tolerance_seconds", "60"),
        ])
        .unwrap();
        assert_eq!(settings.capture_method, CaptureMethod::Automatic);
        assert!(!settings.multicapture);
        assert_eq!(settings.webhook_secrets.len(), 2);
        assert_eq!((settings.async_settle_ms, settings.webhook_tolerance_seconds), (1_500, 60));
    }

    #[test]
    fn wrong_values_name_the_setting_and_not_the_value() {
        for (name, value) in [
            ("capture_method", "later"),
            ("multicapture", "perhaps"),
            ("statement_descriptor", "a descriptor that is far too long"),
            ("async_settle_ms", "-1"),
            ("async_settle_ms", "2592000001"),
            ("webhook_secrets", "whsec_0123456789abcdef"),
            ("webhook_secrets", r#"["short"]"#),
            ("webhook_tolerance_seconds", "1e3"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert_eq!(error.kind, tillbox_provider::ErrorKind::Authentication);
            assert!(error.message.contains(name) && !error.message.contains(value), "{}", error.message);
        }
    }

    #[test]
    fn the_schema_says_the_same_as_the_code() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        let maximum = |name: &str, key: &str| schema["properties"][name][key].as_u64().unwrap();
        assert_eq!(maximum("async_settle_ms", "maximum"), ASYNC_SETTLE_MS_MAX);
        assert_eq!(maximum("webhook_tolerance_seconds", "maximum"), WEBHOOK_TOLERANCE_SECONDS_MAX);
        assert_eq!(maximum("webhook_tolerance_seconds", "default"), WEBHOOK_TOLERANCE_SECONDS);
        assert_eq!(maximum("statement_descriptor", "maxLength"), STATEMENT_DESCRIPTOR_LENGTH_MAX as u64);
        assert_eq!(maximum("webhook_secrets", "maxItems"), WEBHOOK_SECRETS_MAX as u64);
        assert_eq!(schema["properties"]["webhook_secrets"]["items"]["minLength"], WEBHOOK_SECRET_LENGTH_MIN as u64);
    }
}
