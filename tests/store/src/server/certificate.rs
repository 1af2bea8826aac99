//! A root, and a certificate of the name `localhost` that it signed, both made for one server and gone with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

pub(super) const ROOT: &str = "root.crt";
pub(super) const CERTIFICATE: &str = "server.crt";
pub(super) const KEY: &str = "server.key";

/// Writes the three files.
pub(super) fn write(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are fine");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Tillbox tests");
    let root = CertifiedIssuer::self_signed(params, key()).expect("a root can be made");
    let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name is fine");
    let server_key = key();
    let certificate = server.signed_by(&server_key, &root).expect("a certificate can be made");
    fs::write(folder.join(ROOT), root.pem()).expect("the root can be written");
    fs::write(folder.join(CERTIFICATE), certificate.pem()).expect("the certificate can be written");
    let path = folder.join(KEY);
    fs::write(&path, server_key.serialize_pem()).expect("the key can be written");
    // The server refuses a key that others may read.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("the key can be hidden");
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}
