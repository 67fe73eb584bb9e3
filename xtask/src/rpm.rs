//! The same packages for systems with RPM (Fedora, openSUSE, …), made of what was staged for Debian's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::deb::Package;
use crate::staging::{files_in, make, write};
use crate::step::{Result, output, quietly, root, run};

/// What Debian alone wants.
const DEBIANS: [&str; 2] = ["DEBIAN", "usr/share/lintian"];

/// Packs what is staged in `folder`; gives the package's file.
pub(crate) fn pack(package: &Package, folder: &Path, version: &str, out: &Path) -> Result<PathBuf> {
    let work = root().join("target/staging-rpm").join(package.name);
    // What an earlier run left; absent the first time.
    let _ = fs::remove_dir_all(&work);
    make(&work)?;
    let spec = work.join(format!("{}.spec", package.name));
    write(&spec, &specification(package, folder, version)?, 0o644)?;
    let mut build = Command::new("rpmbuild");
    build.args(["-bb", "--quiet", "--define"]).arg(format!("_topdir {}", work.display()));
    build.arg("--define").arg(format!("_rpmdir {}", out.display()));
    build.args(["--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"]).arg(&spec);
    quietly(&format!("packing {} as RPM", package.name), &mut build)?;
    Ok(out.join(format!("{}-{version}-1.{}.rpm", package.name, std::env::consts::ARCH)))
}

/// What rpmbuild is told.
fn specification(package: &Package, folder: &Path, version: &str) -> Result<String> {
    let mut lines = package.description.lines().map(str::trim);
    let summary = lines.next().unwrap_or_default();
    let description: Vec<&str> = lines.collect();
    let files = files_in(folder)?.into_iter().filter(|file| !DEBIANS.iter().any(|own| file.starts_with(own)));
    let listed: String = files
        .map(|file| {
            let name = format!("/{}", file.display());
            let kind = match name.as_str() {
                _ if folder.join(&file).is_dir() => "%dir ",
                _ if package.settings.contains(&name.as_str()) => "%config(noreplace) ",
                name if name.starts_with("/usr/share/doc/") => "%doc ",
                _ => "",
            };
            format!("{kind}{name}\n")
        })
        .collect();
    let reload = if package.scripts.is_empty() { "" } else { RELOAD };
    Ok(format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: {summary}\n\
         License: Apache-2.0 AND BSD-3-Clause AND OFL-1.1\nURL: https://adjourn.example\nRequires: ca-certificates\n\
         Recommends: {recommends}\n{AS_IT_IS}\n%description\n{description}\n\n%install\ncp -a '{folder}/.' '%{{buildroot}}'\n\
         cd '%{{buildroot}}'\nrm -rf {debians}\n\n%files\n%defattr(-,root,root,-)\n{listed}\n{reload}",
        name = package.name,
        recommends = package.recommends_rpm.unwrap_or_default(),
        debians = DEBIANS.join(" "),
        description = description.join("\n"),
        folder = folder.display(),
    ))
}

/// Nothing is changed after it was staged: the program loads one very library, by its hash. That library is its own affair.
const AS_IT_IS: &str = "%global debug_package %{nil}\n%global __os_install_post %{nil}\n%global _build_id_links none\n\
    %global __provides_exclude_from ^/usr/lib/adjourn\n";

/// What systemd is told of a changed unit.
const RELOAD: &str = "%post\nif [ -d /run/systemd/system ]; then systemctl daemon-reload; \
    if [ \"$1\" -gt 1 ]; then systemctl try-restart adjourn-backend.service; fi; fi || :\n\
    %preun\nif [ \"$1\" -eq 0 ] && [ -d /run/systemd/system ]; then systemctl disable --now adjourn-backend.service || :; fi\n\
    %postun\nif [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi\n";

/// Installs it into an empty system, compares every file with what the package says of it, and removes it again.
pub(crate) fn try_out(file: &Path) -> Result<()> {
    let system = root().join("target/empty-rpm");
    // What an earlier run left; absent the first time.
    let _ = fs::remove_dir_all(&system);
    make(&system)?;
    let rpm = |words: &[&str]| {
        let mut command = Command::new("rpm");
        command.arg("--root").arg(&system).args(["--dbpath", "/var/lib/rpm"]).args(words);
        command
    };
    quietly("making an empty system", &mut rpm(&["--initdb"]))?;
    // Nothing else is in it: what it needs is listed, and not there.
    run(&format!("installing {}", file.display()), rpm(&["-i", "--nodeps", "--noscripts"]).arg(file))?;
    let name =
        output(Command::new("rpm").args(["-qp", "--qf", "%{NAME}"]).arg(file)).ok_or("rpm gives no name")?;
    run("comparing its files", &mut rpm(&["-V", "--nodeps", &name]))?;
    run("removing it", &mut rpm(&["-e", "--nodeps", "--noscripts", &name]))?;
    let left = files_in(&system)?;
    let left: Vec<&PathBuf> = left.iter().filter(|file| !file.starts_with("var/lib/rpm")).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("{name} leaves {left:?}")) }
}
