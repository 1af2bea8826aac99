//! Where the server's programs are, and who may run them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

/// Where Debian and its kin keep a directory per version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The two programs that are needed.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) initdb: PathBuf,
    pub(super) postgres: PathBuf,
}

impl Binaries {
    /// Those that are there, or those of Debian's package, which is installed where we may.
    pub(super) fn find_or_install() -> Option<Self> {
        static INSTALL: Once = Once::new();
        Self::find().or_else(|| {
            INSTALL.call_once(|| {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install-postgres.sh");
                // What it says goes to the test's output; whether it worked is seen below.
                drop(Command::new("bash").arg(script).stdin(Stdio::null()).status());
            });
            Self::find()
        })
    }

    /// Those in the search path, or the newest of Debian's.
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(VERSIONS)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
            })
            .collect();
        versions.sort_unstable_by_key(|version| std::cmp::Reverse(version.0));
        std::env::split_paths(&path).chain(versions.into_iter().map(|(_, path)| path)).find_map(|folder| {
            // The programs find their data beside their real place, not beside a link.
            let real = |name: &str| folder.join(name).canonicalize().ok().filter(|path| path.is_file());
            Some(Self { initdb: real("initdb")?, postgres: real("postgres")? })
        })
    }
}

/// A user without rights.
#[derive(Debug, Clone, Copy)]
pub(super) struct User {
    pub(super) id: u32,
    pub(super) group: u32,
}

impl User {
    /// Whom to run the server as; nobody in particular when we are not root.
    pub(super) fn fit() -> Option<Self> {
        // What we make belongs to us, and so tells who we are.
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        if fs::metadata(file.path()).expect("it was just made").uid() != 0 {
            return None;
        }
        let users = fs::read_to_string(Path::new("/etc/passwd")).expect("the list of users can be read");
        let found = ["postgres", "nobody"].iter().find_map(|name| Self::named(&users, name));
        Some(found.expect("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`"))
    }

    fn named(users: &str, name: &str) -> Option<Self> {
        let mut fields =
            users.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(name))?;
        Some(Self { id: fields.nth(2)?.parse().ok()?, group: fields.next()?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let users = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n";
        let user = User::named(users, "nobody").unwrap();
        assert_eq!((user.id, user.group), (65_534, 65_533));
        assert!(User::named(users, "postgres").is_none());
    }
}
