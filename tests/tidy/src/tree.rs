//! The files of the tree, as paths and text.
//!
//! It refuses to follow links and to look at what `.gitignore` leaves out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One file.
#[derive(Debug)]
pub struct File {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    /// Its text; empty when it is not UTF-8.
    pub text: String,
}

/// The tree as it lies on disk, committed or not.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    /// Every file, sorted by path.
    pub files: Vec<File>,
    /// The names at the top, sorted, directories and links included.
    pub top: Vec<String>,
}

impl Tree {
    /// Reads the tree this crate belongs to.
    ///
    /// # Errors
    ///
    /// When a directory or a file cannot be read.
    pub fn read() -> io::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
        let mut files = Vec::new();
        let mut top = Vec::new();
        visit(&root, &root, &ignored, &mut files, &mut top)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        top.sort();
        Ok(Self { root, files, top })
    }

    /// The files whose path ends so.
    pub fn ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.ends_with(ending))
    }

    /// Whether a path relative to the root leads to something.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }
}

fn visit(root: &Path, at: &Path, ignored: &str, files: &mut Vec<File>, top: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(at)? {
        let entry = entry?;
        let path = entry.path();
        let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if relative == ".git" || is_ignored(&relative, ignored) {
            continue;
        }
        if at == root {
            top.push(relative.clone());
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            visit(root, &path, ignored, files, top)?;
        } else if kind.is_file() {
            let text = String::from_utf8(fs::read(&path)?).unwrap_or_default();
            files.push(File { path: relative, text });
        }
    }
    Ok(())
}

/// The patterns of `.gitignore` that this project uses: `/name`, `name`, `name/` and `*.ending`.
fn is_ignored(path: &str, ignored: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ignored.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).any(|pattern| {
        let pattern = pattern.trim_end_matches('/');
        if let Some(anchored) = pattern.strip_prefix('/') {
            path == anchored
        } else if let Some(ending) = pattern.strip_prefix('*') {
            name.ends_with(ending)
        } else {
            name == pattern
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_files_stay_out() {
        let patterns = "/target\n*.db\n# a note\nnode_modules/\n";
        for path in ["target", "a/b.db", "x/node_modules"] {
            assert!(is_ignored(path, patterns), "{path}");
        }
        for path in ["host/target", "a/b.dbx", "a note"] {
            assert!(!is_ignored(path, patterns), "{path}");
        }
    }

    #[test]
    fn the_tree_is_this_one() {
        let tree = Tree::read().unwrap();
        assert!(tree.files.iter().any(|file| file.path == "tests/tidy/src/tree.rs"));
        assert!(tree.has("wit/payments.wit") && !tree.has("wit/nothing.wit"));
    }
}
