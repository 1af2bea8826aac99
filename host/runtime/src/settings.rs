//! The operator's settings of one provider, checked against the schema the provider declared.
//!
//! The schema comes from code nobody trusts: it fetches nothing, its patterns run in linear time, and what it does not
//! name is refused, so that a mistyped setting is never silently ignored.

use std::collections::BTreeMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};
use tillbox_core::text::Json;

use crate::limits::{JSON_BYTES_MAX, NAME_BYTES_MAX, SETTING_BYTES_MAX};

/// Bytes a compiled pattern of the schema may take; patterns of settings are short.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Why settings do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting `{setting}`: {message}")]
pub struct SettingsError {
    /// The setting's name.
    pub setting: String,
    /// What is wrong with it.
    pub message: String,
}

/// Settings as the guest reads them.
pub(crate) type Settings = BTreeMap<String, String>;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct SettingsSchema {
    /// `None` for `{}`: takes no setting at all.
    validator: Option<Validator>,
    /// Names in `properties`.
    names: Vec<String>,
}

impl SettingsSchema {
    /// Compiles the schema text, which is known to be a JSON object.
    ///
    /// # Errors
    /// One sentence saying why it is no usable schema.
    pub(crate) fn compile(schema: &Json) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(schema.as_str()).map_err(|error| error.to_string())?;
        if schema.as_object().is_some_and(Map::is_empty) {
            return Ok(Self { validator: None, names: Vec::new() });
        }
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err("the schema must have `\"type\": \"object\"`, or be `{}`".to_owned());
        }
        let names = match schema.get("properties") {
            None => Vec::new(),
            Some(properties) => {
                let properties = properties.as_object().ok_or("`properties` must be an object")?;
                properties.keys().cloned().collect()
            }
        };
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .offline()
            .with_pattern_options(patterns)
            .build(&schema)
            .map_err(|error| error.to_string())?;
        Ok(Self { validator: Some(validator), names })
    }

    /// Checks the operator's settings and makes them readable for the guest.
    ///
    /// # Errors
    /// [`SettingsError`] naming the setting. It never repeats a value: settings may hold what logs should not.
    pub(crate) fn check(&self, settings: &Map<String, Value>) -> Result<Settings, SettingsError> {
        let bytes: usize = settings.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
        if bytes > JSON_BYTES_MAX {
            return Err(refusal("settings", format!("{bytes} bytes in all, allowed are {JSON_BYTES_MAX}")));
        }
        if let Some(name) = settings.keys().find(|name| !self.names.contains(name)) {
            let known = if self.names.is_empty() { "none".to_owned() } else { self.names.join(", ") };
            return Err(refusal(name, format!("this provider has no such setting; it has: {known}")));
        }
        if let Some(validator) = &self.validator {
            let whole = Value::Object(settings.clone());
            if let Err(error) = validator.validate(&whole) {
                return Err(refusal(&setting_of(&error), error.masked().to_string()));
            }
        }
        settings.iter().map(|(name, value)| readable(name, value)).collect()
    }
}

/// A string without quotes, anything else as JSON text.
fn readable(name: &str, value: &Value) -> Result<(String, String), SettingsError> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if name.len() > NAME_BYTES_MAX {
        return Err(refusal(name, format!("the name is longer than {NAME_BYTES_MAX} bytes")));
    }
    if text.len() > SETTING_BYTES_MAX {
        return Err(refusal(name, format!("{} bytes, allowed are {SETTING_BYTES_MAX}", text.len())));
    }
    Ok((name.to_owned(), text))
}

/// The setting a schema error speaks of: the missing one, or the first step of its path.
fn setting_of(error: &jsonschema::ValidationError<'_>) -> String {
    if let jsonschema::error::ValidationErrorKind::Required { property } = error.kind()
        && let Some(name) = property.as_str()
    {
        return name.to_owned();
    }
    let path = error.instance_path().to_string();
    let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
    if first.is_empty() { "settings".to_owned() } else { first.to_owned() }
}

fn refusal(setting: &str, message: String) -> SettingsError {
    SettingsError { setting: crate::text::clean(setting, NAME_BYTES_MAX), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &str, settings: &str) -> Result<Settings, String> {
        let schema =
            SettingsSchema::compile(&Json::from_checked(schema)).map_err(|error| format!("schema: {error}"))?;
        schema.check(&serde_json::from_str(settings).unwrap()).map_err(|error| error.to_string())
    }

    const SCHEMA: &str = r#"{"type":"object","required":["account"],"additionalProperties":false,"properties":{
        "account":{"type":"string","minLength":3,"pattern":"^acct_[a-z0-9]+$"},
        "capture":{"enum":["manual","automatic"]},"retries":{"type":"integer","maximum":3}}}"#;

    #[test]
    fn settings_are_checked_against_the_schema() {
        let good = check(SCHEMA, r#"{"account":"acct_1","retries":2}"#).unwrap();
        assert_eq!(good.get("account").map(String::as_str), Some("acct_1"));
        assert_eq!(good.get("retries").map(String::as_str), Some("2"));

        let cases = [
            ("{}", "setting `account`"),
            (r#"{"account":"x"}"#, "setting `account`"),
            (r#"{"account":1}"#, "setting `account`"),
            (r#"{"account":"acct_1","capture":"later"}"#, "setting `capture`"),
            (r#"{"account":"acct_1","retries":4}"#, "setting `retries`"),
            (r#"{"account":"acct_1","acount":"x"}"#, "setting `acount`: this provider has no such setting"),
        ];
        for (settings, want) in cases {
            let got = check(SCHEMA, settings).unwrap_err();
            assert!(got.starts_with(want), "{settings}: {got}");
        }
    }

    #[test]
    fn an_error_does_not_repeat_the_value() {
        let error = check(SCHEMA, r#"{"account":"hunter2-very-secret"}"#).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn the_empty_schema_takes_nothing() {
        assert_eq!(check("{}", "{}"), Ok(Settings::new()));
        assert!(check("{}", r#"{"a":1}"#).unwrap_err().contains("it has: none"));
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        for schema in [
            r#"{"type":"string"}"#,
            r#"{"properties":{}}"#,
            r#"{"type":"object","properties":[]}"#,
            r#"{"type":"object","properties":{"a":{"type":"nonsense"}}}"#,
            r#"{"type":"object","properties":{"a":{"$ref":"https://example.com/x.json"}}}"#,
            r#"{"type":"object","properties":{"a":{"pattern":"(a+)+\\1"}}}"#,
        ] {
            assert!(check(schema, "{}").unwrap_err().starts_with("schema: "), "{schema}");
        }
    }

    #[test]
    fn sizes_are_limits() {
        let schema = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
        let of = |bytes: usize| check(schema, &format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes)));
        assert!(of(SETTING_BYTES_MAX).is_ok());
        assert!(of(SETTING_BYTES_MAX + 1).unwrap_err().starts_with("setting `a`"));
        assert!(of(JSON_BYTES_MAX + 1).unwrap_err().starts_with("setting `settings`"));
    }
}
