//! The files that the configuration names: TLS, keys, metadata of devices.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::findings::Findings;
use crate::config::{Config, DeviceMetadata, MetadataError, NamedKey, Scope, TlsFiles, read_keys, readable_by_others};

/// Reads each as the server would.
pub fn check(config: &Config, findings: &mut Findings) {
    if let Some(files) = &config.server.tls {
        match tls(files) {
            Ok(found) => findings.ok("tls", found),
            Err((what, fix)) => findings.bad("tls", what, fix),
        }
        if let Some(told) = readable_by_others(&files.key) {
            let (what, fix) = told.split_once("; ").unwrap_or((&told, ""));
            findings.warn("tls", what, fix);
        }
    }
    if let Some(path) = &config.keys.file {
        match read_keys(path) {
            Ok(keys) => {
                findings.ok("keys", format!("{} has {}", path.display(), count(keys.len(), "key")));
                if !keys.iter().any(|key| opens(key, Scope::Device)) {
                    findings.warn("keys", "no key lets a device in", "give one of them the scope `device`");
                }
            }
            Err(error) => findings.bad("keys", error.to_string(), "mend it there; docs/configuration.md shows one"),
        }
    }
    if let Some(path) = &config.devices.metadata {
        match DeviceMetadata::read(path) {
            Ok(metadata) => {
                let secrets = count(metadata.injections().len(), "injected secret");
                let devices = count(metadata.len(), "device");
                findings.ok("metadata", format!("{} has {devices} and {secrets}", path.display()));
            }
            Err(MetadataError::File(error)) => {
                findings.bad(
                    "metadata",
                    error.to_string(),
                    "name another file with --device-metadata, or leave it out",
                );
            }
            Err(error) => findings.bad("metadata", error.to_string(), "mend it there; docs/configuration.md shows one"),
        }
    }
}

fn opens(key: &NamedKey, scope: Scope) -> bool {
    key.scopes.contains(&scope)
}

/// Whether both files can be read and belong together.
fn tls(files: &TlsFiles) -> Result<String, (String, String)> {
    let TlsFiles { cert, key } = files;
    let pem = |path: &std::path::Path, what: &str, why: String| {
        let told = format!("{} has no {what}: {why}", path.display());
        (told, format!("name a PEM file with the {what}"))
    };
    let certificates = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| pem(cert, "certificate", error.to_string()))?;
    if certificates.is_empty() {
        return Err(pem(cert, "certificate", "there is none in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| pem(key, "private key", error.to_string()))?;
    let chain = count(certificates.len(), "certificate");
    match CertifiedKey::from_der(certificates, private, &rustls::crypto::ring::default_provider()) {
        Ok(_) => Ok(format!("{} and {} belong together, {chain}", cert.display(), key.display())),
        Err(error) => Err((
            format!("{} and {} do not belong together: {error}", cert.display(), key.display()),
            "name the certificate and the private key that it was made for".to_owned(),
        )),
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
