//! Files of packages, and what says that they arrived whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Result, output, program, quietly, say};

/// How the names of packages end.
pub(crate) const KINDS: [&str; 3] = ["deb", "rpm", "exe"];

/// Whether a file is a package of this kind.
pub(crate) fn is_package(file: &Path, kinds: &[&str]) -> bool {
    file.extension().is_some_and(|kind| kinds.iter().any(|one| kind == *one))
}

/// Removes packages of these kinds: those of another version would be taken for what is made now.
pub(crate) fn forget(out: &Path, kinds: &[&str]) -> Result<()> {
    for file in listed(out)?.iter().filter(|file| is_package(file, kinds)) {
        fs::remove_file(file).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

fn listed(out: &Path) -> Result<Vec<PathBuf>> {
    let told = |e: std::io::Error| format!("{}: {e}", out.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(out).map_err(told)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

/// `SHA256SUMS` of every package in the folder; signed, where `ADJOURN_SIGNING_KEY` names a key of SSH's
/// (`ssh-keygen -Y verify -n adjourn-packages`).
pub(crate) fn checksums(out: &Path) -> Result<()> {
    let files = listed(out)?;
    let packages = files.iter().filter(|file| is_package(file, &KINDS));
    let names: Vec<&str> = packages.filter_map(|file| file.file_name()?.to_str()).collect();
    let text = output(&mut program("sha256sum", &names, out)).ok_or("sha256sum failed")?;
    let file = out.join("SHA256SUMS");
    write(&file, &(text + "\n"), 0o644)?;
    // Of an earlier run, it would be of other sums.
    let _ = fs::remove_file(out.join("SHA256SUMS.sig"));
    let Some(key) = std::env::var_os("ADJOURN_SIGNING_KEY") else {
        say("SHA256SUMS is not signed: ADJOURN_SIGNING_KEY names no key");
        return Ok(());
    };
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-Y", "sign", "-n", "adjourn-packages", "-f"]).arg(key).arg(&file);
    quietly("signing the checksums", &mut sign)
}

/// Makes a folder.
pub(crate) fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| format!("{} can't be made: {e}", folder.display()))
}

/// Copies a file of ours, with rights.
pub(crate) fn put(from: &Path, to: &Path, rights: u32) -> Result<()> {
    make(to.parent().unwrap_or(to))?;
    fs::copy(from, to).map_err(|e| format!("{} can't be copied to {}: {e}", from.display(), to.display()))?;
    allow(to, rights)
}

/// Writes a file, with rights.
pub(crate) fn write(file: &Path, text: &str, rights: u32) -> Result<()> {
    make(file.parent().unwrap_or(file))?;
    fs::write(file, text).map_err(|e| format!("{} can't be written: {e}", file.display()))?;
    allow(file, rights)
}

fn allow(file: &Path, rights: u32) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let rights = fs::Permissions::from_mode(rights);
        fs::set_permissions(file, rights).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let _ = rights;
    Ok(())
}
