//! Form parameters with brackets, as Stripe's API takes them, read key by key. What nobody took is refused, as there.

use serde_json::{Map, Value};

use crate::problem::Problem;

/// Bytes of a form: several times what the largest valid request has.
pub const FORM_BYTES_MAX: usize = 256 * 1024;

/// Levels of brackets; the API's own parameters have at most four.
pub const FORM_DEPTH_MAX: usize = 6;

/// Metadata: the published limits of keys, and of characters of a key and of a value.
pub const METADATA_KEYS_MAX: usize = 50;
/// See [`METADATA_KEYS_MAX`].
pub const METADATA_KEY_CHARS_MAX: usize = 40;
/// See [`METADATA_KEYS_MAX`].
pub const METADATA_VALUE_CHARS_MAX: usize = 500;

/// The parameters that nobody has taken yet.
#[derive(Debug, Clone)]
pub struct Params {
    left: Map<String, Value>,
}

impl Params {
    /// Reads a query or a form body.
    ///
    /// # Errors
    /// When it is not made of `key=value` pairs.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Ok(Self { left: Map::new() });
        }
        let config = serde_qs::Config::new().max_depth(FORM_DEPTH_MAX).use_form_encoding(true);
        let value: Value = config
            .deserialize_str(text)
            .map_err(|error| Problem::invalid(None, None, format!("Invalid request: {error}")))?;
        match value {
            Value::Object(left) => Ok(Self { left }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Problem::invalid(None, None, "Invalid request: not a form"))
            }
        }
    }

    /// What identifies a request under an idempotency key: the same parameters in any order give the same text.
    #[must_use]
    pub fn canonical(&self) -> String {
        let sorted: std::collections::BTreeMap<&String, &Value> = self.left.iter().collect();
        serde_json::to_string(&sorted).unwrap_or_default()
    }

    /// A text.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&mut self, key: &str) -> Result<Option<String>, Problem> {
        match self.left.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::invalid(None, Some(key), format!("Invalid string: {key}"))),
        }
    }

    /// A text that must be there and not be empty.
    ///
    /// # Errors
    /// When it is not.
    pub fn required(&mut self, key: &str) -> Result<String, Problem> {
        let missing =
            || Problem::invalid(Some("parameter_missing"), Some(key), format!("Missing required param: {key}."));
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(missing)
    }

    /// One of several texts.
    ///
    /// # Errors
    /// When it is another.
    pub fn one_of(&mut self, key: &str, known: &[&str]) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        if known.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let message = format!("Invalid {key}: must be one of {}", known.join(", "));
        Err(Problem::invalid(None, Some(key), message))
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is none.
    pub fn integer(&mut self, key: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let wrong =
            |_| Problem::invalid(Some("parameter_invalid_integer"), Some(key), format!("Invalid integer: {text}"));
        text.parse().map(Some).map_err(wrong)
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn truth(&mut self, key: &str) -> Result<Option<bool>, Problem> {
        Ok(self.one_of(key, &["true", "false"])?.map(|text| text == "true"))
    }

    /// What stands in brackets behind a key.
    ///
    /// # Errors
    /// When it is no such thing.
    pub fn nested(&mut self, key: &str) -> Result<Option<Self>, Problem> {
        match self.left.remove(key) {
            None => Ok(None),
            Some(Value::Object(left)) => Ok(Some(Self { left })),
            Some(_) => Err(Problem::invalid(None, Some(key), format!("Invalid object: {key}"))),
        }
    }

    /// A list of texts.
    ///
    /// # Errors
    /// When it is none.
    pub fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, Problem> {
        let wrong = || Problem::invalid(None, Some(key), format!("Invalid array: {key}"));
        match self.left.remove(key) {
            None => Ok(None),
            Some(Value::Array(values)) => {
                let texts = values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
                texts.map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Metadata, merged over what there is: an empty value takes the key away.
    ///
    /// # Errors
    /// When a published limit is passed.
    pub fn metadata(&mut self, present: &Value) -> Result<Value, Problem> {
        let mut merged = present.as_object().cloned().unwrap_or_default();
        let Some(given) = self.nested("metadata")? else { return Ok(Value::Object(merged)) };
        for (key, value) in given.left {
            let Value::String(text) = value else {
                return Err(Problem::invalid(None, Some("metadata"), format!("Invalid metadata: {key} is no text")));
            };
            if key.chars().count() > METADATA_KEY_CHARS_MAX || text.chars().count() > METADATA_VALUE_CHARS_MAX {
                let message = format!(
                    "Metadata keys have at most {METADATA_KEY_CHARS_MAX} characters, values {METADATA_VALUE_CHARS_MAX}"
                );
                return Err(Problem::invalid(None, Some("metadata"), message));
            }
            if text.is_empty() {
                merged.remove(&key);
            } else {
                merged.insert(key, text.into());
            }
        }
        if merged.len() > METADATA_KEYS_MAX {
            let message = format!("Metadata has at most {METADATA_KEYS_MAX} keys");
            return Err(Problem::invalid(None, Some("metadata"), message));
        }
        Ok(Value::Object(merged))
    }

    /// Passes over what every request may say and nothing here depends on.
    pub fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            self.left.remove(*key);
        }
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// Naming the first of them.
    pub fn end(self) -> Result<(), Problem> {
        let Some(key) = self.left.keys().next() else { return Ok(()) };
        Err(Problem::invalid(Some("parameter_unknown"), Some(key), format!("Received unknown parameter: {key}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_lists_and_metadata_are_read_and_the_rest_is_named() {
        let mut params = Params::parse(
            "amount=1050&metadata[order]=7&metadata[gone]=&payment_method_types[]=card&payment_method_types[]=link&nmae=x",
        )
        .unwrap();
        assert_eq!(params.integer("amount").unwrap(), Some(1050));
        assert_eq!(
            params.metadata(&serde_json::json!({ "gone": "1", "kept": "2" })).unwrap(),
            serde_json::json!({ "kept": "2", "order": "7" })
        );
        assert_eq!(params.texts("payment_method_types").unwrap().unwrap(), ["card", "link"]);
        let problem = params.end().unwrap_err();
        assert_eq!(
            (problem.error["code"].as_str(), problem.error["param"].as_str()),
            (Some("parameter_unknown"), Some("nmae"))
        );
    }

    #[test]
    fn limits_of_metadata_are_kept() {
        let long = "v".repeat(METADATA_VALUE_CHARS_MAX + 1);
        for wrong in [format!("metadata[a]={long}"), format!("metadata[{}]=v", &long[..METADATA_KEY_CHARS_MAX + 1])] {
            assert!(Params::parse(&wrong).unwrap().metadata(&Value::Null).is_err());
        }
        let many: Vec<String> = (0..=METADATA_KEYS_MAX).map(|n| format!("metadata[k{n}]=v")).collect();
        assert!(Params::parse(&many.join("&")).unwrap().metadata(&Value::Null).is_err());
    }

    #[test]
    fn the_order_of_parameters_makes_no_other_request() {
        let canonical = |text: &str| Params::parse(text).unwrap().canonical();
        assert_eq!(canonical("a=1&b=2"), canonical("b=2&a=1"));
        assert_ne!(canonical("a=1"), canonical("a=2"));
    }
}
