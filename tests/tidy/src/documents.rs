//! Documents lead to what is there, and the top of the tree holds what a newcomer should see first.
//!
//! It refuses to follow links out of the tree.

use crate::Complaint;

/// What may lie at the top: the tree's five parts, and the files that tools and readers expect there.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "host",
    "plugins",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests",
    "wit",
];

/// Checks the names at the top.
#[must_use]
pub fn check_top(names: &[String]) -> Vec<Complaint> {
    let strangers = names.iter().filter(|name| !TOP.contains(&name.as_str()));
    strangers
        .map(|name| {
            let message = "does not belong at the top: put it into host, plugins, tests or wit, or let .gitignore name it \
                           (the list is in tests/tidy/src/documents.rs)";
            Complaint::new(name, 0, message)
        })
        .collect()
}

/// Checks that each relative link of a Markdown document leads somewhere. `exists` is asked with paths from the root.
pub fn check_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for target in link_targets(line) {
            let file = target.split('#').next().unwrap_or(target);
            if file.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !exists(&resolve(path, file)) {
                complaints.push(Complaint::new(
                    path,
                    index + 1,
                    format!("the link to {target} leads nowhere: correct it"),
                ));
            }
        }
    }
    complaints
}

fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, mark)| {
        let rest = &line[at + mark.len()..];
        rest[..rest.find(')')?].split_whitespace().next()
    })
}

fn resolve(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_at_the_top_is_found() {
        assert_eq!(check_top(&["host".into(), "README.md".into()]), []);
        assert_eq!(check_top(&["host".into(), "notes.txt".into()]).len(), 1);
    }

    #[test]
    fn a_dead_link_is_found() {
        let exists = |path: &str| ["wit/payments.wit", "host", "plugins/manual/README.md"].contains(&path);
        let good = "[a](wit/payments.wit) [b](./host/) [c](https://x.example/y) [d](#there)\n```\n[e](no)\n```\n";
        assert_eq!(check_links("README.md", good, exists), []);
        assert_eq!(check_links("plugins/sdk/README.md", "[a](../manual/README.md#start)", exists), []);
        assert_eq!(check_links("README.md", "see [a](wit/none.wit) and [b](host)", exists).len(), 1);
        assert_eq!(check_links("wit/CHANGELOG.md", "[a](wit/payments.wit)", exists).len(), 1);
    }
}
