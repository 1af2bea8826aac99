//! Keys with brackets, as JavaScript's `qs` writes them: `id[]=a`, `id[0]=a`, `created_at[$gte]=…`, `$or[0][id][$in][1]=…`.
//!
//! It knows no key. Depth, length and places in lists are bounded before anything is built from them.

use std::collections::BTreeMap;

use super::super::fields::Invalid;
use crate::http::limits::{ECHO_CHARS_MAX, QUERY_DEPTH_MAX, QUERY_INDEX_MAX, QUERY_PAIRS_MAX};

/// A value of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    /// Several, in the order of their places.
    List(Vec<Node>),
    /// By name.
    Map(BTreeMap<String, Node>),
}

impl Node {
    /// A list of values, or a text with commas between them.
    pub(super) fn texts(self) -> Option<Vec<String>> {
        match self {
            Self::Text(text) => Some(text.split(',').map(str::to_owned).collect()),
            Self::List(items) => items
                .into_iter()
                .map(|item| match item {
                    Self::Text(text) => Some(text),
                    Self::List(_) | Self::Map(_) => None,
                })
                .collect(),
            Self::Map(_) => None,
        }
    }
}

/// A value in the making.
#[derive(Debug, Default)]
struct Draft {
    texts: Vec<String>,
    /// Whether `[]` said that it is a list.
    is_list: bool,
    children: Vec<(String, Draft)>,
}

/// The values of a query by their first keys, in the order in which those came.
pub(super) fn read(pairs: Vec<(String, String)>) -> Result<Vec<(String, Node)>, Invalid> {
    if pairs.len() > QUERY_PAIRS_MAX {
        return Err(Invalid::whole(format!(
            "the query has {} parameters, at most {QUERY_PAIRS_MAX} are allowed",
            pairs.len()
        )));
    }
    let mut root = Draft::default();
    for (key, value) in pairs {
        let path = segments(&key)?;
        let mut place = &mut root;
        for (depth, segment) in path.iter().enumerate() {
            let last = depth + 1 == path.len();
            if segment.is_empty() && depth > 0 {
                place.is_list = true;
                if last {
                    break;
                }
                let index = place.children.len().to_string();
                place = place.child(&index);
            } else {
                place = place.child(segment);
            }
        }
        place.texts.push(value);
    }
    root.children.into_iter().map(|(key, draft)| Ok((key.clone(), draft.finish(&key)?))).collect()
}

/// The parts of a key. What is not in brackets, or in brackets that do not end, is part of the name.
fn segments(key: &str) -> Result<Vec<&str>, Invalid> {
    let Some((name, rest)) = key.split_once('[').filter(|(name, _)| !name.is_empty() && key.ends_with(']')) else {
        return Ok(vec![key]);
    };
    let inner = &rest[..rest.len() - 1];
    let path: Vec<&str> = std::iter::once(name).chain(inner.split("][")).collect();
    if path.len() > QUERY_DEPTH_MAX + 1 {
        let what = format!("is nested more than {QUERY_DEPTH_MAX} deep");
        return Err(Invalid::field(shown(key), what));
    }
    Ok(path)
}

impl Draft {
    fn child(&mut self, name: &str) -> &mut Self {
        let at = self.children.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.children.push((name.to_owned(), Self::default()));
            self.children.len() - 1
        });
        &mut self.children[at].1
    }

    fn finish(mut self, path: &str) -> Result<Node, Invalid> {
        let mixed = || Invalid::field(shown(path), "is given in two ways: as one value, as a list, or by names");
        if self.children.is_empty() {
            return match self.texts.len() {
                1 if !self.is_list => Ok(Node::Text(self.texts.remove(0))),
                _ => Ok(Node::List(self.texts.into_iter().map(Node::Text).collect())),
            };
        }
        if !self.texts.is_empty() {
            return Err(mixed());
        }
        let numbers = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let numbered = self.children.iter().filter(|(name, _)| numbers(name)).count();
        if numbered == self.children.len() {
            let mut items = BTreeMap::new();
            for (name, draft) in self.children {
                let index = name.parse().ok().filter(|index: &usize| *index <= QUERY_INDEX_MAX);
                let path = format!("{path}[{name}]");
                let index = index.ok_or_else(|| {
                    Invalid::field(shown(&path), format!("is a place beyond {QUERY_INDEX_MAX} in a list"))
                })?;
                items.insert(index, draft.finish(&path)?);
            }
            return Ok(Node::List(items.into_values().collect()));
        }
        if numbered > 0 || self.is_list {
            return Err(mixed());
        }
        let member = |(name, draft): (String, Self)| {
            let path = format!("{path}[{name}]");
            Ok((name, draft.finish(&path)?))
        };
        Ok(Node::Map(self.children.into_iter().map(member).collect::<Result<_, _>>()?))
    }
}

/// A key of the caller's own in an error.
pub(super) fn shown(key: &str) -> String {
    key.chars().take(ECHO_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nest(pairs: &[(&str, &str)]) -> Result<Vec<(String, Node)>, Invalid> {
        read(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    #[test]
    fn brackets_make_lists_and_maps() {
        let list = Node::List(vec![text("a"), text("b")]);
        for pairs in
            [&[("id[]", "a"), ("id[]", "b")][..], &[("id[1]", "b"), ("id[0]", "a")], &[("id", "a"), ("id", "b")]]
        {
            assert_eq!(nest(pairs).unwrap(), [("id".to_owned(), list.clone())], "{pairs:?}");
        }
        assert_eq!(nest(&[("id[]", "a")]).unwrap()[0].1, Node::List(vec![text("a")]));
        let map = |pairs: Vec<(&str, Node)>| {
            Node::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        };
        let found =
            nest(&[("$or[0][id][$in][0]", "a"), ("$or[0][id][$in][1]", "b"), ("$or[1][q]", ""), ("limit", "1")]);
        let first = map(vec![("id", map(vec![("$in", list.clone())]))]);
        let wanted =
            [("$or".to_owned(), Node::List(vec![first, map(vec![("q", text(""))])])), ("limit".to_owned(), text("1"))];
        assert_eq!(found.unwrap(), wanted);
        assert_eq!(
            nest(&[("a[][b]", "1"), ("a[][b]", "2")]).unwrap()[0].1,
            Node::List(vec![map(vec![("b", text("1"))]), map(vec![("b", text("2"))])])
        );
        // Brackets that do not pair are letters.
        for key in ["a[b", "a]b", "[a]", "]["] {
            assert_eq!(nest(&[(key, "x")]).unwrap(), [(key.to_owned(), text("x"))]);
        }
    }

    #[test]
    fn what_is_too_deep_too_long_or_mixed_is_named() {
        let field = |pairs: &[(&str, &str)]| nest(pairs).unwrap_err().field;
        for pairs in
            [&[("id", "a"), ("id[0]", "b")][..], &[("id[0]", "a"), ("id[x]", "b")], &[("id[]", "a"), ("id[x]", "b")]]
        {
            assert_eq!(field(pairs).as_deref(), Some("id"), "{pairs:?}");
        }
        let deep = |depth: usize| format!("a{}", "[x]".repeat(depth));
        assert!(nest(&[(&deep(QUERY_DEPTH_MAX), "1")]).is_ok());
        assert!(field(&[(&deep(QUERY_DEPTH_MAX + 1), "1")]).unwrap().starts_with("a[x]"));
        assert!(nest(&[(&format!("a[{QUERY_INDEX_MAX}]"), "1")]).is_ok());
        for index in [(QUERY_INDEX_MAX + 1).to_string(), "9".repeat(40)] {
            assert!(field(&[(&format!("a[{index}]"), "1")]).unwrap().starts_with("a[9") || index == "1000");
        }
        let many = vec![("a", "1"); QUERY_PAIRS_MAX];
        assert!(nest(&many).is_ok());
        assert!(nest(&[many, vec![("a", "1")]].concat()).unwrap_err().message.contains("parameters"));
    }
}
