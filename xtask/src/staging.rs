//! Files of packages, and what says that they arrived whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Result, cargo, output, program, quietly, say};

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

/// The crates that are in a program, with version and licence: its bill of materials.
pub(crate) fn components(program: &str, target: Option<&str>) -> Result<String> {
    let name = if program == "adjourn" { "adjourn-desktop" } else { program };
    let mut tree =
        cargo(&["tree", "--package", name, "--edges", "normal", "--prefix", "none", "--no-dedupe"]);
    tree.args(["--format", "{p} {l}"]);
    tree.args(target.map(|target| format!("--target={target}")));
    let text = output(&mut tree).ok_or("cargo tree gives no components")?;
    // A crate of our own is named with its place.
    let plain = |line: &str| match line.split_once(" (/") {
        Some((before, rest)) => format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after)),
        None => line.replace(" (proc-macro)", ""),
    };
    let mut lines: Vec<String> = text.lines().map(plain).collect();
    lines.sort();
    lines.dedup();
    Ok(lines.join("\n") + "\n")
}

/// Files in a folder and in those within it, and the folders that are named after us, from there.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let ours = [".", "-type", "f", "-printf", "%P\\n", "-o", "-name", "adjourn*", "-printf", "%P\\n"];
    let list = output(&mut program("find", &ours, folder));
    let list = list.ok_or_else(|| format!("{} can't be listed", folder.display()))?;
    Ok(list.lines().map(PathBuf::from).collect())
}

/// Bytes in a folder.
pub(crate) fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let told = |e: std::io::Error| format!("{}: {e}", folder.display());
    for entry in fs::read_dir(folder).map_err(told)? {
        let entry = entry.map_err(told)?;
        let kind = entry.metadata().map_err(told)?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}

/// Says how large a package is.
pub(crate) fn tell_size(file: &Path) -> Result<()> {
    let bytes = fs::metadata(file).map_err(|e| format!("{}: {e}", file.display()))?.len();
    answer!("{} {}.{} MB", file.display(), bytes / 1_000_000, bytes / 100_000 % 10);
    Ok(())
}
