//! TLS by the server itself, where no proxy stands before it. The certificate is read anew when its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::RwLock;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How often the files are looked at: who renews certificates does so days before the old one ends.
const LOOK: Duration = Duration::from_secs(30);

/// A certificate with its key, as they stand in their files. Clones are cheap.
#[derive(Clone)]
pub struct Tls(Arc<Files>);

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// What is used, and the bytes that it was read from.
    used: RwLock<(Arc<ServerConfig>, Read)>,
}

/// What was read of both files.
#[derive(Clone, PartialEq, Eq)]
struct Read {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.0.certificate).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads both files (PEM; the certificate with those that vouch for it).
    ///
    /// # Errors
    /// One can't be read, or they don't belong together.
    pub fn read(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let bytes =
            |path: &Path| std::fs::read(path).with_context(|| format!("{} can't be read", path.display()));
        let read = Read { certificate: bytes(&certificate)?, key: bytes(&key)? };
        let config = read.config().with_context(|| {
            format!("{} and {} are no certificate with its key", certificate.display(), key.display())
        })?;
        let used = RwLock::new((Arc::new(config), read));
        Ok(Self(Arc::new(Files { certificate, key, used })))
    }

    /// For the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.used.read().0))
    }

    /// Looks at the files for ever.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look().await;
        }
    }

    /// Takes what is in the files, if it is new and good. Half of a renewal (one file is there already, the other one not) is taken
    /// when the other half is there.
    async fn look(&self) {
        let Files { certificate, key, used } = self.0.as_ref();
        let bytes = async |path: &Path| tokio::fs::read(path).await;
        let read = match (bytes(certificate).await, bytes(key).await) {
            (Ok(certificate), Ok(key)) => Read { certificate, key },
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, path = %certificate.display(), "the certificate can't be read; the one from before is used");
                return;
            }
        };
        if used.read().1 == read {
            return;
        }
        match read.config() {
            Ok(config) => {
                *used.write() = (Arc::new(config), read);
                tracing::info!(path = %certificate.display(), "a new certificate is used");
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), path = %certificate.display(), "the new certificate is of no use yet; the one from before is used");
            }
        }
    }
}

impl Read {
    fn config(&self) -> anyhow::Result<ServerConfig> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .context("the certificate is no PEM")?;
        anyhow::ensure!(!chain.is_empty(), "there is no certificate in the file");
        let key = PrivateKeyDer::from_pem_slice(&self.key).context("the key is no PEM")?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;
    use crate::server::{Limits, serve};

    /// A certificate that vouches for itself, and its key.
    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// What a client that trusts that certificate alone is answered.
    async fn ask(address: SocketAddr, trusted: &str) -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await?;
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_used_and_half_of_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let (first, first_key) = pair();
        std::fs::write(&certificate, &first).unwrap();
        std::fs::write(&key, &first_key).unwrap();
        let tls = Tls::read(&certificate, &key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "hello" }));
        let limits = Limits { head: Duration::from_millis(300), ..Limits::for_this_process() };
        let served = serve(listener, router, limits, Some(tls.clone()), |_| true, std::future::pending());
        tokio::spawn(served);
        assert!(ask(address, &first).await.unwrap().ends_with("hello"));
        // Who says nothing, or no TLS, is hung up on.
        for said in ["", "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
            let mut plain = TcpStream::connect(address).await.unwrap();
            plain.write_all(said.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let ended = tokio::time::timeout(Duration::from_secs(5), plain.read_to_end(&mut answer)).await;
            assert!(ended.is_ok() && !answer.starts_with(b"HTTP"), "{said:?}");
        }

        let (second, second_key) = pair();
        std::fs::write(&certificate, &second).unwrap();
        tls.look().await;
        assert!(ask(address, &first).await.is_ok(), "its key is not there yet");
        std::fs::write(&key, &second_key).unwrap();
        tls.look().await;
        assert!(ask(address, &second).await.is_ok() && ask(address, &first).await.is_err());
        std::fs::remove_file(&key).unwrap();
        tls.look().await;
        assert!(ask(address, &second).await.is_ok());
    }

    #[test]
    fn what_is_no_certificate_with_its_key_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let said = |c: &str, k: &str| {
            std::fs::write(&certificate, c).unwrap();
            std::fs::write(&key, k).unwrap();
            format!("{:#}", Tls::read(&certificate, &key).unwrap_err())
        };
        let ((own, own_key), (_, other_key)) = (pair(), pair());
        assert!(said("", &own_key).contains("there is no certificate in the file"));
        assert!(said(&own, "").contains("the key is no PEM"));
        let mixed = said(&own, &other_key);
        assert!(mixed.contains("are no certificate with its key"), "{mixed}");
        std::fs::remove_file(&key).unwrap();
        let missing = format!("{:#}", Tls::read(&certificate, &key).unwrap_err());
        assert!(missing.contains("k.pem can't be read"), "{missing}");
    }
}
