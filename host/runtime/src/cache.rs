//! Compiled components on disk, authenticated before the engine sees them.
//!
//! Compiled code is machine code: whoever writes the file runs as the host. So the directory belongs to one user, each
//! file carries a MAC over everything that must agree (component digest, engine, host version, the bytes), and a file
//! that does not verify is ignored and compiled again, with a warning. A cache can therefore be lost, never trusted.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of the key, and of the MAC (HMAC-SHA-256, RFC 2104).
const KEY_BYTES: usize = 32;
const MAC_BYTES: usize = 32;

/// Bytes of a cache file that are read at most; 18 MB of Python become 31 MiB of machine code.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The key's file name inside the directory.
const KEY_FILE: &str = "key";

/// Compiled components on disk.
#[derive(Clone)]
pub(crate) struct Cache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Cache {
    /// Opens the directory, makes it (mode 0700) and its key (mode 0600) when they are not there.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        make_directory(directory)?;
        let path = directory.join(KEY_FILE);
        let key = match read_key(&path) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; KEY_BYTES];
                getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
                // Another process may have been first: then its key counts.
                match write_new(directory, &path, &key) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(&path)?,
                    written => written.map(|()| key)?,
                }
            }
            Err(error) => return Err(error),
        };
        Ok(Self { directory: directory.to_owned(), key })
    }

    /// The compiled component, when there is one that verifies.
    pub(crate) fn load(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Component> {
        let path = self.path(engine, digest);
        let file = match read_bounded(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cache file not readable; compiling again");
                return None;
            }
        };
        let Some(code) = self.verified(engine, digest, &file) else {
            tracing::warn!(path = %path.display(), "cache file does not verify; compiling again");
            return None;
        };
        match deserialize(engine, code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cache file not usable; compiling again");
                None
            }
        }
    }

    /// Keeps a compiled component. A failure is a warning: the next start compiles again.
    pub(crate) fn store(&self, engine: &Engine, digest: &[u8; 32], component: &Component) {
        let path = self.path(engine, digest);
        let written = component.serialize().map_err(|error| io::Error::other(error.to_string())).and_then(|code| {
            let mut file = self.mac(engine, digest, &code).finalize().into_bytes().to_vec();
            file.extend_from_slice(&code);
            write_over(&self.directory, &path, &file)
        });
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "compiled component not kept");
        }
    }

    fn path(&self, engine: &Engine, digest: &[u8; 32]) -> PathBuf {
        let engine = hexadecimal(&compatibility(engine)[..8]);
        self.directory.join(format!("{}-{engine}.aot", hexadecimal(digest)))
    }

    /// The code behind a MAC that is right.
    fn verified<'a>(&self, engine: &Engine, digest: &[u8; 32], file: &'a [u8]) -> Option<&'a [u8]> {
        let (mac, code) = file.split_at_checked(MAC_BYTES)?;
        self.mac(engine, digest, code).verify_slice(mac).ok()?;
        Some(code)
    }

    /// Every part has a fixed length but the last two, whose lengths are part of the message.
    fn mac(&self, engine: &Engine, digest: &[u8; 32], code: &[u8]) -> Hmac<Sha256> {
        const HOST_VERSION: &str = env!("CARGO_PKG_VERSION");
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(b"tillbox compiled component 1");
        mac.update(digest);
        mac.update(&compatibility(engine));
        mac.update(&(HOST_VERSION.len() as u64).to_le_bytes());
        mac.update(HOST_VERSION.as_bytes());
        mac.update(&(code.len() as u64).to_le_bytes());
        mac.update(code);
        mac
    }
}

/// SHA-256 of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The engine's own answer to "may I run this code", through a hash that is the same in every process.
fn compatibility(engine: &Engine) -> [u8; 32] {
    struct Wide(Sha256);
    impl Hasher for Wide {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("only the wide digest is used")
        }
    }
    let mut wide = Wide(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut wide);
    wide.0.finalize().into()
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the engine trusts these bytes to be its own. The MAC was just verified over exactly these bytes, under a
    // key that only this host's user can read, together with the engine's compatibility hash and the host's version.
    unsafe { Component::deserialize(engine, code) }
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A directory that was there before may be open to others; take that away rather than trust it.
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn read_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let bytes = read_bounded(path)?;
    bytes.try_into().map_err(|_| io::Error::other(format!("{} is not a key of {KEY_BYTES} bytes", path.display())))
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("{bytes} bytes, allowed are {FILE_BYTES_MAX}")));
    }
    fs::read(path)
}

/// Writes a file that appears whole or not at all; refuses when it is there already.
fn write_new(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(directory, bytes)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    linked?;
    sync(directory)
}

/// Writes a file that appears whole or not at all, in place of an older one.
fn write_over(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(directory, bytes)?;
    if let Err(error) = fs::rename(&temporary, path) {
        fs::remove_file(&temporary)?;
        return Err(error);
    }
    sync(directory)
}

fn write_temporary(directory: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(|error| io::Error::other(error.to_string()))?;
    let path = directory.join(format!("{}.tmp", hexadecimal(&name)));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(path)
}

/// A rename is durable once the directory is.
fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component: nothing in it.
    const EMPTY: &[u8] = &[0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    fn engine(epochs: bool) -> Engine {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(epochs);
        Engine::new(&config).unwrap()
    }

    fn only_file(directory: &Path) -> PathBuf {
        let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut aot: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "aot")).collect();
        assert_eq!(aot.len(), 1, "one compiled file and no temporary ones: {aot:?}");
        aot.pop().unwrap()
    }

    #[test]
    fn what_was_stored_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let engine = engine(false);
        let cache = Cache::open(directory.path()).unwrap();
        assert!(cache.load(&engine, &digest(EMPTY)).is_none());
        cache.store(&engine, &digest(EMPTY), &Component::new(&engine, EMPTY).unwrap());
        assert!(cache.load(&engine, &digest(EMPTY)).is_some());
        // The key survives the process.
        assert!(Cache::open(directory.path()).unwrap().load(&engine, &digest(EMPTY)).is_some());
    }

    #[test]
    fn a_file_that_was_touched_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let engine = engine(false);
        let cache = Cache::open(directory.path()).unwrap();
        cache.store(&engine, &digest(EMPTY), &Component::new(&engine, EMPTY).unwrap());
        let path = only_file(directory.path());
        let whole = fs::read(&path).unwrap();
        let flipped = |index: usize| {
            let mut bytes = whole.clone();
            bytes[index] ^= 1;
            bytes
        };
        let mut longer = whole.clone();
        longer.push(0);
        let tampered = [
            flipped(0),
            flipped(MAC_BYTES),
            flipped(whole.len() - 1),
            whole[..whole.len() - 1].to_vec(),
            whole[..MAC_BYTES].to_vec(),
            whole[..5].to_vec(),
            Vec::new(),
            whole[MAC_BYTES..].to_vec(),
            longer,
        ];
        for bytes in tampered {
            fs::write(&path, &bytes).unwrap();
            assert!(cache.load(&engine, &digest(EMPTY)).is_none(), "{} bytes", bytes.len());
        }
        fs::write(&path, &whole).unwrap();
        assert!(cache.load(&engine, &digest(EMPTY)).is_some());
    }

    #[test]
    fn code_of_another_component_engine_or_key_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let (ours, other) = (engine(false), engine(true));
        let cache = Cache::open(directory.path()).unwrap();
        cache.store(&ours, &digest(EMPTY), &Component::new(&ours, EMPTY).unwrap());
        let whole = fs::read(only_file(directory.path())).unwrap();

        // The right file under the wrong name: a swapped artifact, a downgraded engine.
        fs::write(cache.path(&ours, &digest(b"other")), &whole).unwrap();
        assert!(cache.load(&ours, &digest(b"other")).is_none());
        fs::write(cache.path(&other, &digest(EMPTY)), &whole).unwrap();
        assert!(cache.load(&other, &digest(EMPTY)).is_none());

        fs::write(directory.path().join(KEY_FILE), [7; KEY_BYTES]).unwrap();
        assert!(Cache::open(directory.path()).unwrap().load(&ours, &digest(EMPTY)).is_none());
        fs::write(directory.path().join(KEY_FILE), [7; 3]).unwrap();
        assert!(Cache::open(directory.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_or_write() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("cache");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        Cache::open(&directory).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join(KEY_FILE)), 0o600);
    }
}
