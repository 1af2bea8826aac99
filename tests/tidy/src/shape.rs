//! The shape of source files: heads, lengths of files and functions, names.
//!
//! It refuses to have exceptions by list. A file or function that has to be long says `Long because …` itself.

use crate::Complaint;
use crate::source::code_only;

/// Lines of a file. Longer ones are rarely about one idea.
const FILE_LINES_MAX: usize = 500;

/// Lines of code in a function's body, blank lines and comments left out. More do not fit on a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// How far from the top a file may give its reason, in lines.
const REASON_WITHIN_LINES: usize = 20;

/// What a reason begins with.
const REASON: &str = "Long because";

/// Names that say nothing about what is inside.
const BANNED_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "stuff", "shared"];

/// Every Rust file opens with what it is for.
#[must_use]
pub fn check_head(path: &str, text: &str) -> Vec<Complaint> {
    if text.starts_with("//! ") {
        return Vec::new();
    }
    vec![Complaint::new(path, 1, "begin with `//!`: what the file is for, and what it refuses to know")]
}

/// No file is long without a reason.
#[must_use]
pub fn check_file_length(path: &str, text: &str) -> Vec<Complaint> {
    let lines = text.lines().count();
    let has_reason = text.lines().take(REASON_WITHIN_LINES).any(|line| line.contains(REASON));
    if lines <= FILE_LINES_MAX || has_reason {
        return Vec::new();
    }
    let message =
        format!("{lines} lines, more than {FILE_LINES_MAX}: split it by ideas, or say `//! {REASON} …` at its top");
    vec![Complaint::new(path, 0, message)]
}

/// No function is long without a reason in a comment right above it.
#[must_use]
pub fn check_function_lengths(path: &str, text: &str) -> Vec<Complaint> {
    let code = code_only(text);
    let code_lines: Vec<&str> = code.lines().collect();
    let lines: Vec<&str> = text.lines().collect();
    let mut complaints = Vec::new();
    for (index, line) in code_lines.iter().enumerate() {
        let Some(column) = function_start(line) else { continue };
        let Some(length) = body_lines(&code_lines[index..], column) else { continue };
        if length > FUNCTION_LINES_MAX && !has_reason_above(&lines[..index]) {
            let message = format!(
                "a function of {length} lines, more than {FUNCTION_LINES_MAX}: keep the decisions and move straight-line \
                 work out, or say `// {REASON} …` right above it"
            );
            complaints.push(Complaint::new(path, index + 1, message));
        }
    }
    complaints
}

fn function_start(line: &str) -> Option<usize> {
    let at = if line.trim_start().starts_with("fn ") { line.find("fn ")? } else { line.find(" fn ")? + 1 };
    let name = line[at + 3..].chars().next()?;
    (name.is_alphabetic() || name == '_').then_some(at)
}

/// Lines that are not blank between the body's braces. Absent for a declaration without a body.
fn body_lines(lines: &[&str], column: usize) -> Option<usize> {
    let (mut depth, mut brackets, mut count) = (0_u32, 0_u32, 0);
    for (index, line) in lines.iter().enumerate() {
        let text = if index == 0 { &line[column..] } else { line };
        let inside = depth > 0;
        for c in text.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => return Some(count),
                '}' => depth = depth.checked_sub(1)?,
                '(' | '[' if depth == 0 => brackets += 1,
                ')' | ']' if depth == 0 => brackets = brackets.checked_sub(1)?,
                ';' if depth == 0 && brackets == 0 => return None,
                _ => {}
            }
        }
        count += usize::from(inside && !text.trim().is_empty());
    }
    None
}

fn has_reason_above(lines: &[&str]) -> bool {
    lines
        .iter()
        .rev()
        .map(|line| line.trim())
        .take_while(|line| line.starts_with("//") || line.starts_with("#["))
        .any(|line| line.contains(REASON))
}

/// No file, directory or module has a name that would take anything in.
#[must_use]
pub fn check_names(path: &str, text: &str) -> Vec<Complaint> {
    let parts = path.split('/').map(|part| part.split('.').next().unwrap_or(part)).map(|part| (0, part.to_string()));
    let modules = code_only(text);
    let modules = modules.lines().enumerate().filter_map(|(index, line)| {
        let (before, rest) = line.split_once("mod ")?;
        let declares = before.is_empty() || before.ends_with(' ');
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        declares.then_some((index + 1, name))
    });
    let modules: Vec<_> = if path.ends_with(".rs") { modules.collect() } else { Vec::new() };
    parts
        .chain(modules)
        .filter(|(_, name)| BANNED_NAMES.contains(&name.as_str()))
        .map(|(line, name)| {
            Complaint::new(path, line, format!("`{name}` says nothing: name it after what it holds, or move it there"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_head_is_found() {
        assert_eq!(check_head("a.rs", "//! For nothing.\n"), []);
        for text in ["use std::fmt;\n", "// No head.\n", "", "\n//! Late.\n", "#!/bin/x\n"] {
            assert_eq!(check_head("a.rs", text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_long_file_is_found_unless_it_says_why() {
        let long = "x\n".repeat(FILE_LINES_MAX + 1);
        assert_eq!(check_file_length("a.rs", &long).len(), 1);
        assert_eq!(check_file_length("a.rs", &format!("//! {REASON} it is a table.\n{long}")), []);
        assert_eq!(check_file_length("a.rs", &"x\n".repeat(FILE_LINES_MAX)), []);
    }

    fn function(lines: usize) -> String {
        format!(
            "impl X {{\n    pub(crate) async fn f(\n        x: [u8; 3],\n    ) -> Y {{\n{}    }}\n}}\n",
            "        g();\n".repeat(lines)
        )
    }

    #[test]
    fn a_long_function_is_found_unless_it_says_why() {
        assert_eq!(check_function_lengths("a.rs", &function(FUNCTION_LINES_MAX)), []);
        let long = function(FUNCTION_LINES_MAX + 1);
        let complaints = check_function_lengths("a.rs", &long);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert_eq!(complaints[0].line, 2);
        let reason = format!("// {REASON} it is one table.\n#[rustfmt::skip]\nfn f() {{\n{}}}\n", "g();\n".repeat(100));
        assert_eq!(check_function_lengths("a.rs", &reason), []);
    }

    #[test]
    fn comments_blank_lines_and_declarations_do_not_count() {
        let mostly_comment = format!("fn f() {{\n{}}}\n", "// why {\n\n".repeat(100));
        assert_eq!(check_function_lengths("a.rs", &mostly_comment), []);
        let declared = format!("trait T {{\n    fn f(x: [u8; 3]) -> u8;\n{}}}\n", "    const X: u8;\n".repeat(100));
        assert_eq!(check_function_lengths("a.rs", &declared), []);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        for (path, text) in [
            ("host/src/utils.rs", ""),
            ("host/src/common/mod.rs", ""),
            ("host/src/lib.rs", "mod helpers;"),
            ("host/src/lib.rs", "pub(crate) mod misc {"),
        ] {
            assert_eq!(check_names(path, text).len(), 1, "{path}: {text}");
        }
        assert_eq!(check_names("host/src/lib.rs", "mod money; // not utils\nlet modulus = helpers;"), []);
    }
}
