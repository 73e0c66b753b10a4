//! TLS over real sockets, with certificates that change.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::{Tls, TlsReloader};
use super::{HELLO, Stage, ask, rest, stage};
use crate::config::{ConnectionLimits, TlsFiles};

struct Certificates {
    folder: TempDir,
    files: TlsFiles,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        Self { folder, files }
    }

    /// Writes a new pair, and gives what clients must trust.
    fn renew(&self) -> CertificateDer<'static> {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&self.files.cert, pem("CERTIFICATE", pair.cert.der())).unwrap();
        fs::write(&self.files.key, pem("PRIVATE KEY", &pair.signing_key.serialize_der())).unwrap();
        pair.cert.der().clone()
    }

    fn read(&self) -> (Arc<Tls>, TlsReloader) {
        Tls::read(&self.files).unwrap()
    }

    fn problem(&self) -> String {
        let text = Tls::read(&self.files).unwrap_err().to_string();
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

async fn connect(stage: &Stage, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stage.connect().await).await
}

#[tokio::test]
async fn certificates_change_while_connections_live() {
    let certificates = Certificates::new();
    let first = certificates.renew();
    let (tls, mut reloader) = certificates.read();
    let stage = stage(&ConnectionLimits::default(), Some(tls));
    let mut old = connect(&stage, &first).await.unwrap();
    assert_eq!(old.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(ask(&mut old, HELLO).await.unwrap().ends_with("true true"));
    assert!(reloader.look().is_none());

    let second = certificates.renew();
    assert!(reloader.look().is_none(), "it may be half a file");
    assert!(connect(&stage, &first).await.is_ok());
    reloader.look().unwrap().unwrap();
    assert!(reloader.look().is_none());
    assert!(ask(&mut old, HELLO).await.unwrap().ends_with("true true"), "who is there stays");
    assert!(connect(&stage, &first).await.is_err());
    let mut new = connect(&stage, &second).await.unwrap();
    assert!(ask(&mut new, HELLO).await.unwrap().ends_with("true true"));

    // A pair that does not go together: only half of it has been replaced.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&certificates.files.key, pem("PRIVATE KEY", &other.signing_key.serialize_der())).unwrap();
    assert!(reloader.look().is_none());
    let error = reloader.look().unwrap().unwrap_err();
    assert!(error.to_string().contains("does not go with the certificate"), "{error}");
    assert!(reloader.look().is_none(), "it is told once");
    assert!(connect(&stage, &second).await.is_ok(), "the old pair stays");
    fs::write(&certificates.files.cert, pem("CERTIFICATE", other.cert.der())).unwrap();
    assert!(reloader.look().is_none());
    reloader.look().unwrap().unwrap();
    assert!(connect(&stage, other.cert.der()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_files_are_looked_at_all_the_time() {
    let certificates = Certificates::new();
    certificates.renew();
    let (tls, reloader) = certificates.read();
    tokio::spawn(reloader.run());
    for _ in 0..2 {
        let before = tls.current();
        certificates.renew();
        let is_renewed = async {
            while Arc::ptr_eq(&before, &tls.current()) {
                sleep(Duration::from_secs(1)).await;
            }
        };
        timeout(Duration::from_secs(10), is_renewed).await.expect("nobody has looked");
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_end_and_plain_requests_are_none() {
    let certificates = Certificates::new();
    certificates.renew();
    let stage = stage(&ConnectionLimits::default(), Some(certificates.read().0));
    let mut silent = stage.connect().await;
    let began = Instant::now();
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(stage.counters.tls_failed(), 1);

    let mut plain = stage.connect().await;
    plain.write_all(HELLO).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    assert_eq!(stage.counters.tls_failed(), 2);
}

#[test]
fn what_is_wrong_with_the_files_is_told_without_their_content() {
    let certificates = Certificates::new();
    let write = |path: &Path, text: &str| fs::write(path, text).unwrap();
    let (cert, key) = (&certificates.files.cert, &certificates.files.key);
    assert!(certificates.problem().starts_with("cannot read cert.pem: "), "{}", certificates.problem());

    certificates.renew();
    let (good_cert, good_key) = (fs::read_to_string(cert).unwrap(), fs::read_to_string(key).unwrap());
    let begin = "-----BEGIN PRIVATE KEY-----\n";
    #[rustfmt::skip]
    let table: [(&str, &str, &str); 7] = [
        ("", &good_key, "cert.pem has no certificate to show: there is none in it; it should hold the chain as PEM, the server's own first"),
        (&good_key, &good_key, "cert.pem has no certificate to show: there is none in it; it should hold the chain as PEM, the server's own first"),
        (&good_cert[..200], &good_key, "cert.pem has no certificate to show: its last line is missing; it should hold the chain as PEM, the server's own first"),
        (&good_cert, "", "key.pem has no private key: there is none in it; it should hold the key of the certificate as PEM, without a passphrase"),
        (&good_cert, &good_cert, "key.pem has no private key: there is none in it; it should hold the key of the certificate as PEM, without a passphrase"),
        (&good_cert, &format!("{begin}SECRET!\n-----END PRIVATE KEY-----\n"), "key.pem has no private key: what stands between its first and last line is not base64; it should hold the key of the certificate as PEM, without a passphrase"),
        (&good_cert, &format!("{begin}U0VDUkVU\n-----END PRIVATE KEY-----\n"), "the key in key.pem does not go with the certificate in cert.pem: "),
    ];
    for (cert_text, key_text, expected) in table {
        write(cert, cert_text);
        write(key, key_text);
        let problem = certificates.problem();
        assert!(problem.starts_with(expected), "{problem}");
        assert!(!problem.contains("SECRET") && !problem.contains("U0VDUkVU"), "{problem}");
    }
    write(cert, &"x".repeat((1 << 20) + 1));
    assert_eq!(certificates.problem(), "cert.pem is larger than 1024 KiB; it should hold PEM, nothing else");
}
