//! What must not stay behind in a file: stubs, notes to self, traces of one machine, lazy matches.
//!
//! The words are put together from halves, so that this file does not find itself.

use crate::Complaint;
use crate::source::code_only;

/// A word, and what to do about it.
type Word = (&'static str, &'static str);

const STUBS: &[Word] = &[
    (concat!("to", "do!"), "finish it, or leave the function out"),
    (concat!("unimpl", "emented!"), "finish it, or leave the function out"),
    (concat!("#[ig", "nore"), "make the test pass, or remove it: `cargo test` is the whole ritual"),
    (concat!("TO", "DO"), "do it, or open an issue"),
    (concat!("FIX", "ME"), "do it, or open an issue"),
    (concat!("XX", "X:"), "do it, or open an issue"),
];

/// Where packages come from is the business of each tool's configuration.
const REGISTRIES: &[Word] = &[
    (concat!("crates", ".io"), "say `the package registry`"),
    (concat!("npm", "js."), "say `the package registry`"),
    (concat!("pypi", ".org"), "say `the package registry`"),
    (concat!("pythonhosted", ".org"), "say `the package registry`"),
    (concat!("proxy.golang", ".org"), "say `the package registry`"),
];

/// Directories of one machine. What follows has to look like a name for it to be a path.
const MACHINE_PATHS: &[Word] = &[
    (concat!("/ro", "ot/"), "make it relative, or take it from the environment"),
    (concat!("/ho", "me/"), "make it relative, or take it from the environment"),
    (concat!("/Us", "ers/"), "make it relative, or take it from the environment"),
    (concat!("/wo", "rk/"), "make it relative, or take it from the environment"),
    (concat!("/t", "mp/"), "use mktemp, tempfile or std::env::temp_dir"),
];

/// Endings of files that hold no sentences of ours.
const NOT_OURS: &[&str] = &[".lock", "package-lock.json", "LICENSE"];

/// Checks any text file.
#[must_use]
pub fn check(path: &str, text: &str) -> Vec<Complaint> {
    if NOT_OURS.iter().any(|ending| path.ends_with(ending)) {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words = STUBS.iter().filter(|(word, _)| line.contains(word));
        let words = words.chain(REGISTRIES.iter().filter(|(word, _)| line.contains(word)));
        let words = words.chain(MACHINE_PATHS.iter().filter(|(word, _)| holds_path(line, word)));
        complaints.extend(
            words.map(|(word, instead)| Complaint::new(path, index + 1, format!("`{word}` must not stay: {instead}"))),
        );
    }
    complaints
}

/// A path that starts with `directory` and goes on; `…/directory/` in the middle of a longer path does not count.
fn holds_path(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(at, _)| {
        let inside = line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "_-.}/".contains(c));
        let goes_on = line[at + directory.len()..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
        !inside && goes_on
    })
}

/// Where the life of a payment is decided, every case has to be spelled out.
const DECIDES: &str = "host/core/src/machine";

/// Checks the state machine for `_ =>`.
#[must_use]
pub fn check_lazy_match(path: &str, text: &str) -> Vec<Complaint> {
    if !path.starts_with(DECIDES) {
        return Vec::new();
    }
    let code = code_only(text);
    let lazy = code.lines().enumerate().filter(|(_, line)| {
        let arm = line.trim_start();
        arm.starts_with("_ =>") || arm.starts_with("_ if ") || line.contains("{ _ =>") || line.contains(", _ =>")
    });
    lazy.map(|(index, _)| {
        Complaint::new(path, index + 1, "`_ =>` hides the case that is added next year: spell the cases out")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found() {
        for (word, _) in STUBS.iter().chain(REGISTRIES) {
            assert_eq!(check("a.rs", &format!("x\n// see {word} y")).len(), 1, "{word}");
        }
        for (directory, _) in MACHINE_PATHS {
            assert_eq!(check("a.md", &format!("in `{directory}name`")).len(), 1, "{directory}");
        }
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let text =
            format!("src{}x and ${{dir}}{}x and {} alone", MACHINE_PATHS[3].0, MACHINE_PATHS[4].0, MACHINE_PATHS[0].0);
        assert_eq!(check("a.md", &text), []);
        assert_eq!(check("Cargo.lock", REGISTRIES[0].0), []);
    }

    #[test]
    fn a_lazy_match_is_found() {
        for text in ["    _ => Refusal::X,", "match x { A => 1, _ => 2 }", "  _ if y => 3,"] {
            assert_eq!(check_lazy_match("host/core/src/machine/apply.rs", text).len(), 1, "{text}");
        }
        assert_eq!(check_lazy_match("host/core/src/machine.rs", "// no _ => here\nlet _ = x;\n(_, A) => 1,"), []);
        assert_eq!(check_lazy_match("host/src/http/wire.rs", "_ => 1,"), []);
    }
}
