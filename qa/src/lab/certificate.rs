//! Certificates of the lab's own, made by openssl.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;

/// The name under which a backend with TLS is known in the lab.
pub(crate) const NAME: &str = "interviews.test";

/// Makes `authority.pem` with its key in `folder`; gives the certificate's path.
pub(crate) fn authority(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut command = request(folder, "authority");
    run(command.args(["-subj", "/CN=Lab authority", "-addext", "basicConstraints=critical,CA:TRUE"]))?;
    Ok(folder.join("authority.pem"))
}

/// Makes `NAME.pem` with its key in `folder`, for the lab's backend; signed by the authority in `by`, or
/// by itself.
pub(crate) fn certificate(folder: &Path, name: &str, by: Option<&Path>) -> anyhow::Result<()> {
    let mut command = request(folder, name);
    command.args(["-subj", &format!("/CN={NAME}"), "-addext", "basicConstraints=CA:FALSE"]);
    command.args(["-addext", &format!("subjectAltName=DNS:{NAME},IP:127.0.0.1")]);
    if let Some(by) = by {
        command.arg("-CA").arg(by.join("authority.pem")).arg("-CAkey").arg(by.join("authority.key"));
    }
    run(&mut command)
}

fn request(folder: &Path, name: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    command.arg("-out").arg(folder.join(format!("{name}.pem")));
    command.arg("-keyout").arg(folder.join(format!("{name}.key")));
    command
}
