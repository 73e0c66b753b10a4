//! TLS from PEM files, which may be replaced while the server runs.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hangar_runtime::Stamp;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use crate::config::TlsFiles;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Bytes of one of the files; beyond it it is refused.
const FILE_BYTES: u64 = 1 << 20;

/// The certificate that new connections are shown.
#[derive(Debug)]
pub struct Tls {
    config: ArcSwap<ServerConfig>,
}

/// Sees to it that a [`Tls`] has what lies in the files.
#[derive(Debug)]
pub struct TlsReloader {
    tls: Arc<Tls>,
    files: TlsFiles,
    /// What the files looked like when they were read last, and at the last look.
    read: Stamps,
    seen: Stamps,
}

type Stamps = (Option<Stamp>, Option<Stamp>);

/// What is wrong with the files. Nothing of their content is in it.
#[derive(Debug, Error)]
pub enum TlsError {
    /// One of them cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// One of them is too large to be what it should be.
    #[error("{} is larger than {} KiB; it should hold PEM, nothing else", path.display(), FILE_BYTES >> 10)]
    Large {
        /// Which.
        path: PathBuf,
    },
    /// There is no certificate, or one that is not PEM.
    #[error("{} has no certificate to show: {why}; it should hold the chain as PEM, the server's own first", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// There is no private key, or one that is not PEM.
    #[error("{} has no private key: {why}; it should hold the key of the certificate as PEM, without a passphrase", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// Each may be good, but they do not go together.
    #[error("the key in {} does not go with the certificate in {}: {error}", key.display(), cert.display())]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        error: rustls::Error,
    },
}

impl Tls {
    /// Reads the files for the first time.
    pub fn read(files: &TlsFiles) -> Result<(Arc<Self>, TlsReloader), TlsError> {
        let stamps = stamps(files);
        let tls = Arc::new(Self { config: ArcSwap::from_pointee(load(files)?) });
        let reloader = TlsReloader { tls: Arc::clone(&tls), files: files.clone(), read: stamps, seen: stamps };
        Ok((tls, reloader))
    }

    /// What a connection that comes now is shown.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }
}

impl TlsReloader {
    /// Reads the files again if they have changed since; none if not. A pair that is just being written is left alone until
    /// two looks after each other show the same. Where the new pair is broken, the old one goes on, and what is wrong is
    /// told once.
    pub fn look(&mut self) -> Option<Result<(), TlsError>> {
        let now = stamps(&self.files);
        let is_still = std::mem::replace(&mut self.seen, now) == now;
        if now == self.read || !is_still {
            return None;
        }
        self.read = now;
        Some(load(&self.files).map(|config| self.tls.config.store(Arc::new(config))))
    }

    /// Looks for as long as it is polled, and says what comes of it.
    pub async fn run(mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            // Certificates may lie on a slow disk.
            let looked = tokio::task::spawn_blocking(move || {
                let looked = self.look();
                (self, looked)
            });
            let Ok((reloader, looked)) = looked.await else {
                return;
            };
            self = reloader;
            match looked {
                Some(Ok(())) => {
                    info!(cert = %self.files.cert.display(), "new connections are shown the new certificate");
                }
                Some(Err(error)) => error!(%error, "the new certificate is no good, so the old one stays"),
                None => {}
            }
        }
    }
}

fn stamps(files: &TlsFiles) -> Stamps {
    (Stamp::at(&files.cert), Stamp::at(&files.key))
}

fn load(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let (cert, key) = (files.cert.clone(), files.key.clone());
    let chain = chain(&files.cert)?;
    let secret = secret(&files.key)?;
    let pair = |error| TlsError::Pair { cert, key, error };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret));
    let mut config = config.map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let no = |why| TlsError::Certificate { path: path.to_owned(), why };
    let text = text(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| no(fault_of(&error)))?;
    if chain.is_empty() { Err(no(fault_of(&pem::Error::NoItemsFound))) } else { Ok(chain) }
}

fn secret(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = text(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| TlsError::Key { path: path.to_owned(), why: fault_of(&error) })
}

/// The texts of the library quote the line that it stumbled over, which may be a line of a key.
fn fault_of(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::NoItemsFound => "there is none in it",
        pem::Error::MissingSectionEnd { .. } => "its last line is missing",
        pem::Error::IllegalSectionStart { .. } => "its first line is broken",
        pem::Error::Base64Decode(_) => "what stands between its first and last line is not base64",
        _ => "it is not PEM",
    }
}

fn text(path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = |error| TlsError::Read { path: path.to_owned(), error };
    let mut text = Vec::new();
    File::open(path).map_err(read)?.take(FILE_BYTES + 1).read_to_end(&mut text).map_err(read)?;
    if text.len() as u64 > FILE_BYTES { Err(TlsError::Large { path: path.to_owned() }) } else { Ok(text) }
}
