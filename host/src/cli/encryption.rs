//! The operator's encryption key: read from a file, so that it is in no list of processes and no configuration.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::failure::Failure;
use crate::HostBuilder;
use crate::service::ENCRYPTION_KEY_BYTES;

/// Bytes that are read of the file: a key in base64 has 44, and some editors add a line end or a mark.
const FILE_BYTES_MAX: u64 = 256;

/// Taken by every command that may have to send a request again.
#[derive(Debug, Clone, Args)]
pub(super) struct EncryptionKeyArgument {
    /// A file with 32 random bytes in base64 (`openssl rand -base64 32`), the same for all hosts of a database. Seals what
    /// payers type in, beside the database's own key, for as long as a request with it may have to be sent again
    #[arg(long, value_name = "FILE", env = "TILLBOX_ENCRYPTION_KEY_FILE")]
    pub(super) encryption_key_file: Option<PathBuf>,
}

/// Gives a host the key that a file holds; none when no file is named.
pub(super) fn given(builder: HostBuilder, file: Option<&Path>) -> Result<HostBuilder, Failure> {
    match file {
        Some(path) => Ok(builder.encryption_key(read(path)?)),
        None => Ok(builder),
    }
}

fn read(path: &Path) -> Result<[u8; ENCRYPTION_KEY_BYTES], Failure> {
    let shown = path.display();
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| Failure::because(format!("the encryption key cannot be read from {shown}"), &error))?;
    let key = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    key.ok_or_else(|| {
        Failure::new(format!("{shown} holds no key of {ENCRYPTION_KEY_BYTES} bytes in base64"))
            .next(format!("make one with `openssl rand -base64 {ENCRYPTION_KEY_BYTES} > {shown}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_32_bytes_in_base64() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let holding = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path)
        };
        assert_eq!(holding(&format!("{}\n", STANDARD.encode([7; 32]))).unwrap(), [7; 32]);
        for text in ["", "secret", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33])] {
            let failure = holding(text).unwrap_err();
            assert!(format!("{failure:?}").contains("openssl rand -base64 32"), "{failure:?}");
        }
        assert!(read(&directory.path().join("none")).is_err());
    }
}
