//! Certificates of the testbed's own.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// The name under which a backend with TLS is known in the testbed.
pub(crate) const NAME: &str = "interviews.test";

fn authority_params() -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Testbed authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(params)
}

/// Makes `authority.pem` with its key in `folder`; gives the certificate's path.
///
/// # Errors
/// The files can't be written.
pub fn authority(folder: &Path) -> anyhow::Result<PathBuf> {
    let key = KeyPair::generate()?;
    let certificate = authority_params()?.self_signed(&key)?;
    std::fs::write(folder.join("authority.key"), key.serialize_pem())?;
    let path = folder.join("authority.pem");
    std::fs::write(&path, certificate.pem())?;
    Ok(path)
}

/// Makes `NAME.pem` with its key in `folder`, for the testbed's backend; signed by the authority in `by`, or by itself.
///
/// # Errors
/// There is no authority in `by`, or the files can't be written.
pub fn certificate(folder: &Path, name: &str, by: Option<&Path>) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![NAME.to_owned(), "127.0.0.1".to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    let certificate = match by {
        Some(by) => {
            let authority = KeyPair::from_pem(&std::fs::read_to_string(by.join("authority.key"))?)?;
            params.signed_by(&key, &Issuer::new(authority_params()?, authority))?
        }
        None => params.self_signed(&key)?,
    };
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
    Ok(std::fs::write(folder.join(format!("{name}.pem")), certificate.pem())?)
}
