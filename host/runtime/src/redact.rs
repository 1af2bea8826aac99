//! Takes secrets out of text and bytes that are on their way to somebody who may not have them: an operator's log, the books,
//! another host, and the guest itself where a gateway sends a secret back.
//!
//! It finds a value as it is and as programs write it without meaning harm: JSON, percent, hexadecimal, base64 in both
//! alphabets and at any place in a longer text. A guest that was given a value to read (`reveal`) can always take it to
//! pieces, turn it round or encrypt it; nothing here can see that, which is why `reveal` is granted by itself.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;

use crate::text::{REDACTED, clean, cut};

/// Bytes a secret must have to be searched for: shorter ones would black out ordinary words.
pub const REDACTED_BYTES_MIN: usize = 6;

/// How much more of a line is searched than is shown, so that what is cut off was searched as well.
const SEARCHED_TIMES: usize = 4;

/// What to look for. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    needles: Arc<Vec<Finder<'static>>>,
}

/// Nothing of what it looks for.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} needles)", self.needles.len())
    }
}

impl Redactor {
    /// One for these values. Those that are too short are not looked for.
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for value in values.into_iter().filter(|value| value.len() >= REDACTED_BYTES_MIN) {
            needles.extend(spellings(value));
        }
        // Longest first: what holds a shorter one goes as a whole.
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles: Arc::new(needles.iter().map(|needle| Finder::new(needle).into_owned()).collect()) }
    }

    /// Whether any of it is in there.
    pub(crate) fn finds(&self, bytes: &[u8]) -> bool {
        self.needles.iter().any(|needle| needle.find(bytes).is_some())
    }

    /// The text without it.
    pub(crate) fn text(&self, text: String) -> String {
        if !self.finds(text.as_bytes()) {
            return text;
        }
        String::from_utf8(self.replaced(text.into_bytes()))
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The bytes without it.
    pub(crate) fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.finds(&bytes) { self.replaced(bytes) } else { bytes }
    }

    /// One clean line of at most `bytes_max` bytes. Looked through before it is cut, and after control characters are gone:
    /// neither half a secret at the end nor one with a bell in it gets through.
    pub(crate) fn line(&self, text: &str, bytes_max: usize) -> String {
        let head = cut(text, bytes_max.saturating_mul(SEARCHED_TIMES));
        let mut found = self.text(head.to_owned());
        if head.len() < text.len() {
            let whole = found.len() - self.begun(found.as_bytes());
            found.truncate(cut(&found, whole).len());
        }
        self.text(clean(&found, bytes_max))
    }

    /// A text whose beginning was thrown away before anybody looked.
    pub(crate) fn tail(&self, text: String) -> String {
        let text = self.text(text);
        let ended = self.ended(text.as_bytes());
        if ended == 0 { text } else { format!("{REDACTED}{}", String::from_utf8_lossy(&text.as_bytes()[ended..])) }
    }

    fn replaced(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for needle in self.needles.iter() {
            let (mut out, mut copied) = (Vec::new(), 0);
            for at in needle.find_iter(&bytes) {
                out.extend_from_slice(&bytes[copied..at]);
                out.extend_from_slice(REDACTED.as_bytes());
                copied = at + needle.needle().len();
            }
            if copied > 0 {
                out.extend_from_slice(&bytes[copied..]);
                bytes = out;
            }
        }
        bytes
    }

    /// Bytes at the end that one of them begins with.
    fn begun(&self, bytes: &[u8]) -> usize {
        let longest = |needle: &[u8]| {
            (REDACTED_BYTES_MIN..needle.len()).rev().find(|length| bytes.ends_with(&needle[..*length])).unwrap_or(0)
        };
        self.needles.iter().map(|needle| longest(needle.needle())).max().unwrap_or(0)
    }

    /// Bytes at the beginning that one of them ends with.
    fn ended(&self, bytes: &[u8]) -> usize {
        let longest = |needle: &[u8]| {
            let rest = |length: &usize| bytes.starts_with(&needle[needle.len() - length..]);
            (REDACTED_BYTES_MIN..needle.len()).rev().find(rest).unwrap_or(0)
        };
        self.needles.iter().map(|needle| longest(needle.needle())).max().unwrap_or(0)
    }
}

/// The value as programs write it.
fn spellings(value: &[u8]) -> Vec<Vec<u8>> {
    let each = |form: fn(u8) -> String| value.iter().map(|byte| form(*byte)).collect::<String>().into_bytes();
    let reserved: String = value
        .iter()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let mut all = vec![
        value.to_vec(),
        reserved.to_lowercase().into_bytes(),
        reserved.into_bytes(),
        each(|byte| format!("{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("%{byte:02X}")),
    ];
    if let Some(escaped) = std::str::from_utf8(value).ok().and_then(|text| serde_json::to_string(text).ok()) {
        all.push(escaped.trim_matches('"').as_bytes().to_vec());
    }
    all.extend((0..3).flat_map(|before| in_base64(value, before)));
    all.retain(|spelling| spelling.len() >= REDACTED_BYTES_MIN);
    all
}

/// The characters of base64 that depend on the value alone, with so many bytes of something else before it.
fn in_base64(value: &[u8], before: usize) -> [Vec<u8>; 2] {
    let padded = [&[0; 3][..before], value].concat();
    let first = (before * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
        .map(|text| text.as_bytes().get(first..end).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk_live_canary+4711/\"x\"";

    fn redactor() -> Redactor {
        Redactor::new([KEY.as_bytes()])
    }

    #[test]
    fn a_value_is_found_however_a_program_writes_it() {
        let bytes = KEY.as_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        let mut spelled = vec![KEY.to_owned(), hex.to_uppercase(), hex, percent.to_lowercase(), percent];
        spelled.push(serde_json::json!({ "k": KEY }).to_string());
        spelled.push("sk_live_canary%2B4711%2F%22x%22".to_owned());
        for before in ["", "a", "ab", "abc", "Bearer "] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}{KEY}{after}");
                spelled.push(STANDARD_NO_PAD.encode(&text));
                spelled.push(URL_SAFE_NO_PAD.encode(&text));
            }
        }
        for text in spelled {
            let line = format!("the key is {text}!");
            assert!(redactor().finds(line.as_bytes()), "{line}");
            let clean = redactor().text(line);
            assert!(clean.starts_with("the key is ") && clean.contains(REDACTED), "{clean}");
            assert!(!redactor().finds(clean.as_bytes()) && !clean.contains("canary"), "{clean}");
        }
        assert_eq!(redactor().text("nothing here".to_owned()), "nothing here");
        assert!(!Redactor::new([b"short".as_slice()]).finds(b"short"), "an ordinary word stays");
    }

    #[test]
    fn half_a_value_at_an_end_that_was_cut_is_no_leak() {
        for length in 60..80 {
            let line = redactor().line(&format!("{}{KEY}{}", "x".repeat(length), "y".repeat(500)), 80);
            assert!(!line.contains("sk_li") && line.len() <= 80, "{line}");
        }
        let cut_off = format!("{}{KEY}", "x".repeat(80 * SEARCHED_TIMES - 10));
        assert!(!redactor().line(&cut_off, 80 * SEARCHED_TIMES).contains("sk_live_ca"));
        assert_eq!(redactor().line("sk_live_\u{7}canary+4711/\"x\"", 80), REDACTED);
        let tail = redactor().tail(format!("{} and so on", &KEY[8..]));
        assert_eq!(tail, format!("{REDACTED} and so on"));
    }

    #[test]
    fn bytes_are_no_text_and_are_searched_all_the_same() {
        let bytes = [&[0xff, 0xfe][..], KEY.as_bytes(), &[0xff]].concat();
        assert_eq!(redactor().bytes(bytes), [&[0xff, 0xfe][..], REDACTED.as_bytes(), &[0xff]].concat());
    }
}
