//! Reads which fault is wanted, and where.
//!
//! It refuses to parse JSON: two keys with plain strings are found by their text.

/// What a test asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order<'a> {
    /// The fault's name.
    pub(crate) fault: &'a str,
    /// The function to misbehave in.
    pub(crate) function: &'a str,
}

impl<'a> Order<'a> {
    /// The order in this JSON text, where there is one.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let fault = string_after(text, "\"misbehave\"")?;
        Some(Self { fault, function: string_after(text, "\"in\"").unwrap_or("initiate") })
    }
}

fn string_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(key)?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(value, _)| value)
}
