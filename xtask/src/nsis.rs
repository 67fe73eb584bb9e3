//! `cargo xtask package --windows`: an installer for Windows, made and tried on Debian.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::licenses::licenses;
use crate::staging::{checksums, components, forget, put, size, tell_size, write};
use crate::step::{Result, cargo, output, quietly, root, run, target};
use crate::windows::{self, TARGET, Windows};
use crate::{fetch, packages};

/// Makes installers.
const TOOLS: &[&str] = &["nsis"];
/// Of the uninstaller's own place in the registry.
const APP: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Adjourn";
/// Of links.
const LINK: &str = r"HKCU\Software\Classes\adjourn\shell\open\command";

/// Builds the window for Windows as it is released, and packs it.
pub(crate) fn pack(out: &Path, tried: bool) -> Result<()> {
    packages::ensure(packages::WINDOWS)?;
    packages::ensure(TOOLS)?;
    windows::add_target()?;
    let library = fetch::library_of_windows()?;
    fetch::page()?;
    let build = ["build", "--quiet", "--release", "--target", TARGET, "-p", "adjourn-desktop"];
    quietly("building the window for Windows as it is released (some minutes)", &mut cargo(&build))?;
    let built = target().join(TARGET).join("release");
    let staging = root().join("target/staging-windows");
    // What an earlier run left; absent the first time.
    let _ = fs::remove_dir_all(&staging);
    let program = staging.join("adjourn.exe");
    put(&built.join("adjourn.exe"), &program, 0o644)?;
    quietly("stripping", Command::new("x86_64-w64-mingw32-strip").arg(&program))?;
    put(&library, &staging.join("livekit_ffi.dll"), 0o644)?;
    put(&built.join("WebView2Loader.dll"), &staging.join("WebView2Loader.dll"), 0o644)?;
    put(&root().join("icons/icon.ico"), &staging.join("icon.ico"), 0o644)?;
    put(&root().join("packaging/windows/webview2.ps1"), &staging.join("webview2.ps1"), 0o644)?;
    for (from, to) in [
        ("LICENSE", "Apache-2.0.txt"),
        ("packaging/copyright", "copyright.txt"),
        ("ui/src/fonts/OFL.txt", "OFL-atkinson-hyperlegible-next.txt"),
        ("ui/src/fonts/OFL-vazirmatn.txt", "OFL-vazirmatn.txt"),
    ] {
        put(&root().join(from), &staging.join("licenses").join(to), 0o644)?;
    }
    let components = components("adjourn", Some(TARGET))?;
    write(&staging.join("licenses/components.txt"), &components, 0o644)?;
    write(&staging.join("licenses/licenses.txt"), &licenses("adjourn", Some(TARGET))?, 0o644)?;
    forget(out, &["exe"])?;
    let version = env!("CARGO_PKG_VERSION");
    let file = out.join(format!("adjourn-{version}-setup.exe"));
    let kib = size(&staging)?.div_ceil(1024);
    let mut nsis = Command::new("makensis");
    nsis.args(["-V2", "-WX", "-INPUTCHARSET", "UTF8"]);
    for (name, value) in [
        ("VERSION", version.to_owned()),
        ("STAGING", staging.display().to_string()),
        ("OUT", file.display().to_string()),
        ("KIB", kib.to_string()),
    ] {
        nsis.arg(format!("-D{name}={value}"));
    }
    quietly(&format!("packing {}", file.display()), nsis.arg(root().join("packaging/windows/adjourn.nsi")))?;
    checksums(out)?;
    tell_size(&file)?;
    if tried { try_out(&file) } else { Ok(()) }
}

/// Installs it under Wine as an administrator would without asking anybody, twice, and removes it.
fn try_out(installer: &Path) -> Result<()> {
    let windows = Windows::ready()?;
    let installed = windows.folder(r"AppData\Local\Programs\Adjourn")?;
    let data = windows.folder(r"AppData\Roaming\org.adjourn.client")?;
    let files = [
        "adjourn.exe",
        "livekit_ffi.dll",
        "WebView2Loader.dll",
        "icon.ico",
        "uninstall.exe",
        "licenses/copyright.txt",
        "licenses/licenses.txt",
    ];
    for what in ["installing it", "installing it once more, over itself"] {
        run(what, windows.program(installer).arg("/S"))?;
        for name in files {
            is(installed.join(name).is_file(), &format!("{name} is installed"))?;
        }
    }
    let link = windows.registry(LINK, "")?;
    is(
        link.ends_with(r#"\AppData\Local\Programs\Adjourn\adjourn.exe" -- "%1""#),
        &format!("links are opened by {link}"),
    )?;
    let version = windows.registry(APP, "DisplayVersion")?;
    is(version == env!("CARGO_PKG_VERSION"), &format!("Windows lists version {version}"))?;
    let said = output(windows.program(&installed.join("adjourn.exe")).arg("--version")).unwrap_or_default();
    is(said == format!("adjourn {}", env!("CARGO_PKG_VERSION")), &format!("the program says: {said}"))?;
    // What was not delivered is nobody's to remove.
    write(&data.join("outbox.db"), "a journal", 0o644)?;
    let folder = windows.registry(APP, "InstallLocation")?;
    let uninstall = installed.join("uninstall.exe");
    run("removing it", windows.program(&uninstall).arg("/S").arg(format!("_?={folder}")))?;
    let left: Vec<PathBuf> =
        fs::read_dir(&installed).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    // Told where it is (`_?=`), so that it is waited for, the uninstaller can't remove itself.
    is(left.iter().all(|path| path.ends_with("uninstall.exe")), &format!("nothing else is left: {left:?}"))?;
    is(
        windows.registry(LINK, "").is_err() && windows.registry(APP, "DisplayVersion").is_err(),
        "the registry has nothing of it",
    )?;
    is(data.join("outbox.db").is_file(), "what was said in interviews is kept")
}

fn is(holds: bool, what: &str) -> Result<()> {
    if !holds {
        return Err(format!("this does not hold: {what}"));
    }
    tell!("  {what}");
    Ok(())
}
