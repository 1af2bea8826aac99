//! Which fields of an answer are wanted: the query's `fields`, in the words of the reference.
//!
//! Names with commas between them. A plain name stands for itself and puts all defaults aside; `+name` (also with the space
//! that a `+` is decoded to) adds, `-name` takes away, `*part` and `part.*` add all of a part, and `part.name` goes into it. The
//! id is always there. A name that names nothing is an error that repeats it. Answers are pruned as text, so digits stay.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::fields::Invalid;
use super::shape::{ID, Shape};
use crate::http::limits::{ECHO_CHARS_MAX, FIELDS_MAX};

/// An answer with something to choose from.
pub(in crate::http) trait Choosable: Serialize {
    /// The member that is pruned; others are sent as they are.
    const MEMBER: &'static str;
    /// What there is to choose from.
    const SHAPE: &'static Shape;
    /// What is shown where nothing is chosen.
    const DEFAULT: &'static str;
}

/// What is wanted of one kind of thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::http) struct Chosen {
    names: BTreeSet<&'static str>,
    parts: BTreeMap<&'static str, Chosen>,
}

/// An answer on its way out, with what is wanted of it.
#[derive(Debug)]
pub(in crate::http) struct Selected<E> {
    answer: E,
    chosen: Chosen,
}

impl Chosen {
    /// What of this kind of answer is wanted.
    pub(in crate::http) fn read<E: Choosable>(asked: Option<&str>) -> Result<Self, Invalid> {
        Self::parse(E::SHAPE, E::DEFAULT, asked)
    }

    fn parse(shape: &'static Shape, default: &str, asked: Option<&str>) -> Result<Self, Invalid> {
        let asked: Option<Vec<&str>> = asked.map(|asked| asked.split(',').filter(|name| !name.is_empty()).collect());
        if asked.as_ref().is_some_and(|names| names.len() > FIELDS_MAX) {
            return Err(Invalid::field("fields", format!("names more than {FIELDS_MAX} fields")));
        }
        let mut chosen = Self::default();
        if asked.as_ref().is_none_or(|names| !names.is_empty() && !names.iter().any(|name| is_plain(name))) {
            for name in default.split(',') {
                chosen.add(shape, name.trim_start_matches('*'), name.starts_with('*')).expect("defaults are known");
            }
        }
        for name in asked.iter().flatten() {
            let unknown = || unknown(shape, name);
            match name.strip_prefix('-') {
                Some(gone) => chosen.remove(shape, gone.trim()).ok_or_else(unknown)?,
                None => {
                    let bare = name.trim_start_matches(['+', ' ', '\t']).trim_end();
                    let path = bare.strip_prefix('*').unwrap_or(bare);
                    chosen.add(shape, path, path != bare).ok_or_else(unknown)?;
                }
            }
        }
        chosen.name_ids(shape);
        Ok(chosen)
    }

    /// Adds a field by its path. A part alone, or with a star, is all its own fields. Nothing when it names nothing.
    fn add(&mut self, shape: &'static Shape, path: &str, starred: bool) -> Option<()> {
        if path.is_empty() || path == "*" {
            // `*` alone.
            (starred || path == "*").then_some(())?;
            self.names.extend(shape.names);
            return Some(());
        }
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        if let Some((name, part)) = shape.parts.iter().find(|(name, _)| *name == first) {
            return self.parts.entry(name).or_default().add(part, rest.unwrap_or("*"), starred);
        }
        let name = shape.names.iter().find(|name| **name == first && rest.is_none() && !starred)?;
        self.names.insert(name);
        Some(())
    }

    /// Takes a field away, or a part with everything in it. Nothing when it names nothing.
    fn remove(&mut self, shape: &'static Shape, path: &str) -> Option<()> {
        let path = path.trim_start_matches('*');
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        if let Some((name, part)) = shape.parts.iter().find(|(name, _)| *name == first) {
            return match rest {
                None | Some("*") => {
                    self.parts.remove(name);
                    Some(())
                }
                Some(rest) => self.parts.get_mut(name).unwrap_or(&mut Self::default()).remove(part, rest),
            };
        }
        let name = shape.names.iter().find(|name| **name == first && rest.is_none())?;
        self.names.remove(name);
        Some(())
    }

    fn name_ids(&mut self, shape: &'static Shape) {
        if shape.names.contains(&ID) {
            self.names.insert(ID);
        }
        for (name, part) in shape.parts {
            if let Some(chosen) = self.parts.get_mut(name) {
                chosen.name_ids(part);
            }
        }
    }

    /// Whether a part is wanted at all.
    pub(in crate::http) fn wants(&self, part: &str) -> bool {
        self.parts.contains_key(part)
    }

    /// The answer with what is wanted of it.
    pub(in crate::http) fn of<E: Choosable>(self, answer: E) -> Selected<E> {
        Selected { answer, chosen: self }
    }

    fn prune(&self, value: &RawValue, out: &mut String) -> serde_json::Result<()> {
        match value.get().as_bytes().first() {
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(value.get())?;
                out.push('[');
                for (index, item) in items.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.prune(item, out)?;
                }
                out.push(']');
            }
            Some(b'{') => {
                let members: Members<'_> = serde_json::from_str(value.get())?;
                members.write(out, |name, value, out| match self.parts.get(name) {
                    Some(part) => part.prune(value, out).map(|()| true),
                    None if self.names.contains(name) => {
                        out.push_str(value.get());
                        Ok(true)
                    }
                    None => Ok(false),
                })?;
            }
            // `null`, for a part that is not there.
            _ => out.push_str(value.get()),
        }
        Ok(())
    }
}

impl<E: Choosable> Selected<E> {
    fn text(&self) -> serde_json::Result<String> {
        let whole = serde_json::to_string(&self.answer)?;
        let members: Members<'_> = serde_json::from_str(&whole)?;
        let mut out = String::with_capacity(whole.len());
        members.write(&mut out, |name, value, out| {
            if name == E::MEMBER {
                self.chosen.prune(value, out)?;
            } else {
                out.push_str(value.get());
            }
            Ok(true)
        })?;
        Ok(out)
    }
}

impl<E: Choosable> IntoResponse for Selected<E> {
    fn into_response(self) -> Response {
        let text = self.text().expect("answers are JSON with names of ours");
        ([(header::CONTENT_TYPE, "application/json")], text).into_response()
    }
}

/// The members of an object in their order, each value as it is written.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl Members<'_> {
    /// Writes those that `member` writes a value for.
    fn write(
        &self,
        out: &mut String,
        mut member: impl FnMut(&str, &RawValue, &mut String) -> serde_json::Result<bool>,
    ) -> serde_json::Result<()> {
        out.push('{');
        let mut any = false;
        for (name, value) in &self.0 {
            let before = out.len();
            if any {
                out.push(',');
            }
            out.push_str(&serde_json::to_string(name)?);
            out.push(':');
            if member(name, value, out)? {
                any = true;
            } else {
                out.truncate(before);
            }
        }
        out.push('}');
        Ok(())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    members.push((Cow::Owned(name), map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// One that stands for itself.
fn is_plain(name: &str) -> bool {
    !name.starts_with(['-', '+', ' ', '\t', '*']) && !name.ends_with(".*")
}

fn unknown(shape: &Shape, name: &str) -> Invalid {
    let shown: String = name.chars().take(ECHO_CHARS_MAX).collect();
    let parts = shape.parts.iter().map(|(name, _)| format!("*{name}"));
    let known: Vec<String> = shape.names.iter().map(|name| (*name).to_owned()).chain(parts).collect();
    let known = known.join(", ");
    Invalid::field("fields", format!("`{shown}` names nothing in a {}; it has {known}", shape.what))
}

#[cfg(test)]
mod tests {
    use super::super::shape::*;
    use super::*;

    fn pruned(shape: &'static Shape, default: &str, asked: Option<&str>, text: &str) -> String {
        let chosen = Chosen::parse(shape, default, asked).unwrap();
        let mut out = String::new();
        chosen.prune(serde_json::from_str(text).unwrap(), &mut out).unwrap();
        out
    }

    const TEXT: &str = r#"{"id":"ref_1","amount":10.50,"note":null,"metadata":{"z":1.50,"a":[]},"refund_reason":{"id":"r","label":"L","code":"c"}}"#;

    fn refund(asked: Option<&str>) -> String {
        pruned(&REFUND, "amount,refund_reason.label", asked, TEXT)
    }

    #[test]
    fn fields_are_replaced_added_and_taken_away() {
        let (id, amount) = (r#""id":"ref_1""#, r#""amount":10.50"#);
        let reason = r#""refund_reason":{"id":"r","label":"L"}"#;
        for (asked, wanted) in [
            (None, format!("{{{id},{amount},{reason}}}")),
            (Some(""), format!("{{{id}}}")),
            (Some("id"), format!("{{{id}}}")),
            (Some("note,metadata"), format!(r#"{{{id},"note":null,"metadata":{{"z":1.50,"a":[]}}}}"#)),
            (Some("+note"), format!(r#"{{{id},{amount},"note":null,{reason}}}"#)),
            (Some(" note"), format!(r#"{{{id},{amount},"note":null,{reason}}}"#)),
            (Some("-amount"), format!("{{{id},{reason}}}")),
            (Some("-refund_reason"), format!("{{{id},{amount}}}")),
            (Some("-refund_reason.label"), format!(r#"{{{id},{amount},"refund_reason":{{"id":"r"}}}}"#)),
            (Some("+note,-amount,-refund_reason"), format!(r#"{{{id},"note":null}}"#)),
            (
                Some("*refund_reason"),
                format!(r#"{{{id},{amount},"refund_reason":{{"id":"r","label":"L","code":"c"}}}}"#),
            ),
            (Some("id,refund_reason.code"), format!(r#"{{{id},"refund_reason":{{"id":"r","code":"c"}}}}"#)),
            (Some("id,refund_reason.*"), format!(r#"{{{id},"refund_reason":{{"id":"r","label":"L","code":"c"}}}}"#)),
            (Some("id,refund_reason"), format!(r#"{{{id},"refund_reason":{{"id":"r","label":"L","code":"c"}}}}"#)),
            (Some("note,-note"), format!("{{{id}}}")),
            (Some("id,*"), format!(r#"{{{id},{amount},"note":null,"metadata":{{"z":1.50,"a":[]}}}}"#)),
        ] {
            assert_eq!(refund(asked), wanted, "{asked:?}");
        }
        let many = pruned(&REFUND, "id", None, &format!("[{TEXT},{TEXT}]"));
        assert_eq!(many, format!("[{{{id}}},{{{id}}}]"));
        assert_eq!(
            pruned(&REFUND, "id,*refund_reason", None, r#"{"id":"x","refund_reason":null}"#),
            r#"{"id":"x","refund_reason":null}"#
        );
    }

    #[test]
    fn a_name_that_names_nothing_is_repeated() {
        for asked in [
            "colour",
            "id,colour",
            "+colour",
            "-colour",
            "*colour",
            "*amount",
            "amount.*",
            "refund_reason.colour",
            "refund_reason.label.x",
            "refund_reason.",
            ".id",
            "*refund_reason.label",
            "-refund_reason.colour",
            "+",
        ] {
            let invalid = Chosen::parse(&REFUND, "id", Some(asked)).unwrap_err();
            assert_eq!(invalid.field.as_deref(), Some("fields"), "{asked}");
            let last = asked.rsplit(',').next().unwrap();
            assert!(invalid.message.contains(&format!("`{last}`")), "{}", invalid.message);
        }
        let many = vec!["id"; FIELDS_MAX].join(",");
        assert!(Chosen::parse(&REFUND, "id", Some(&many)).is_ok());
        assert!(Chosen::parse(&REFUND, "id", Some(&format!("{many},id"))).is_err());
        // The storefront's shapes hold nothing private.
        for private in ["metadata", "payments", "payment_sessions.context", "payment_sessions.metadata", "*payments"] {
            assert!(Chosen::parse(&STORE_COLLECTION, STORE_COLLECTION_DEFAULT, Some(private)).is_err(), "{private}");
        }
    }

    #[test]
    fn all_defaults_are_known() {
        for (shape, default) in [
            (&PAYMENT, PAYMENT_DEFAULT),
            (&PAYMENT, PAYMENT_WHOLE),
            (&COLLECTION, COLLECTION_DEFAULT),
            (&COLLECTION, COLLECTION_WHOLE),
            (&STORE_COLLECTION, STORE_COLLECTION_DEFAULT),
            (&REFUND, REFUND_WHOLE),
            (&CAPTURE, WHOLE),
        ] {
            assert!(Chosen::parse(shape, default, None).unwrap().names.contains(ID));
        }
    }
}
