//! The operator's plain configuration: the contract's import `settings`.
//!
//! The host checks it against the provider's schema before it loads the provider. Not for secrets. On native targets the
//! values come from [`testing::set_setting`](crate::testing).

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::error::{Error, Result};

/// The setting's value; absent when it is not set. A string comes without quotes; any other JSON value as JSON text.
#[must_use]
pub fn get(name: &str) -> Option<String> {
    source(name)
}

/// The setting's value as a type, a string first: a `String` or an enum of names reads the text as it is, anything else
/// reads it as JSON.
///
/// # Errors
/// Kind [`ErrorKind::Authentication`](crate::ErrorKind::Authentication), naming the setting, when the value does not fit
/// the type.
pub fn get_as<T: DeserializeOwned>(name: &str) -> Result<Option<T>> {
    let Some(text) = get(name) else {
        return Ok(None);
    };
    let plain: StrDeserializer<'_, serde::de::value::Error> = text.as_str().into_deserializer();
    if let Ok(value) = T::deserialize(plain) {
        return Ok(Some(value));
    }
    match serde_json::from_str(&text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Error::authentication(format_args!("the setting `{name}`: {error}")).code("setting")),
    }
}

#[cfg(target_family = "wasm")]
fn source(name: &str) -> Option<String> {
    crate::bindings::provider::tillbox::provider::settings::get(name)
}

#[cfg(not(target_family = "wasm"))]
use crate::testing::setting as source;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::testing::{set_setting, unset_setting};

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Automatic,
        ByHand,
    }

    #[test]
    fn a_value_is_a_string_first_and_json_then() {
        assert_eq!(get_as::<String>("absent").unwrap(), None);
        set_setting("value", "by_hand");
        assert_eq!(get("value").as_deref(), Some("by_hand"));
        assert_eq!(get_as("value").unwrap(), Some(Mode::ByHand));
        assert_eq!(get_as("value").unwrap(), Some("by_hand".to_owned()));
        let refused = get_as::<u32>("value").unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Authentication);
        assert!(refused.message.contains("`value`"));
        set_setting("value", "42");
        assert_eq!(get_as("value").unwrap(), Some("42".to_owned()), "a string of digits stays a string");
        assert_eq!(get_as("value").unwrap(), Some(42_u32));
        set_setting("value", r#"["automatic"]"#);
        assert_eq!(get_as("value").unwrap(), Some(vec![Mode::Automatic]));
        unset_setting("value");
        assert_eq!(get("value"), None);
    }
}
