//! Debian packages: as root they are installed, otherwise the exact line is printed.

use std::path::Path;
use std::process::Command;

use crate::step::{Result, output, quietly};

/// For the client and the testbed: sound, namespaces, HTTP from a namespace, the backend's other database, other
/// clocks, other disks.
pub(crate) const SOUND: &[&str] = &[
    "libpulse-dev",
    "libasound2-dev",
    "pkg-config",
    "pulseaudio",
    "pulseaudio-utils",
    "libdbus-1-dev",
    "dbus",
    "rtkit",
    "polkitd",
    "iproute2",
    "curl",
    "python3-venv",
    "postgresql",
    "redis-server",
    "haproxy",
    "libfaketime",
    "gcc",
    "libc6-dev",
];
/// What stands before a backend: `docs/organisers.md` says how, and a test holds it to that.
pub(crate) const PROXIES: &[&str] = &["nginx-light", "caddy"];
/// Fetches the SDK library, where Python has no pip of its own.
pub(crate) const PIP: &[&str] = &["python3-pip"];
/// For building and showing the window.
pub(crate) const APP: &[&str] = &["libwebkit2gtk-4.1-dev", "librsvg2-dev"];
/// For the client for Windows: compiler and assembler, and what runs it.
pub(crate) const WINDOWS: &[&str] = &["gcc-mingw-w64-x86-64", "nasm", "wine64"];
/// For comparing with LiveKit's own web client.
pub(crate) const BASELINE: &[&str] = &["chromium"];
/// For driving the window without a screen, and for pictures of it.
pub(crate) const SCREEN: &[&str] = &[
    "webkit2gtk-driver",
    "xvfb",
    "dbus",
    "imagemagick",
    "fonts-dejavu-core",
    // What a screen reader is told.
    "at-spi2-core",
    "gir1.2-atspi-2.0",
    "python3-gi",
];

/// A test center's seat: its compositor, and whoever presses keys at it.
pub(crate) const SEAT: &[&str] = &["cage", "xwayland", "xdotool"];

/// For a container that boots.
pub(crate) const CONTAINER: &[&str] = &["mmdebstrap", "systemd-container"];

/// What is in it: what `adjourn` and `adjourn-kiosk` depend on, systemd as a computer has it, and what a screen reader is told by.
pub(crate) const SEAT_SYSTEM: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "ca-certificates",
    "libwebkit2gtk-4.1-0",
    "libasound2",
    "libpulse0",
    "cage",
    "xwayland",
    "seatd",
    "pulseaudio",
    "fonts-dejavu-core",
    "at-spi2-core",
    "gir1.2-atspi-2.0",
    "python3-gi",
];

/// Where this system's packages come from, if it says so in the new way.
pub(crate) fn sources() -> Option<&'static Path> {
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    Some(sources).filter(|file| file.exists())
}

/// Makes sure that packages are there. On other systems than Debian nothing is checked.
pub(crate) fn ensure(packages: &[&str]) -> Result<()> {
    if output(Command::new("dpkg-query").arg("--version")).is_none() {
        return Ok(());
    }
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    let root = output(Command::new("id").arg("-u")).is_some_and(|id| id == "0");
    if !root {
        return Err(format!("some packages are missing; run this line and start again:\n    sudo {line}"));
    }
    let mut update = Command::new("apt-get");
    quietly("refreshing the package lists", update.args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive");
    quietly(&format!("installing {}", missing.join(", ")), &mut install)
}

fn installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    output(query.args(["-W", "-f=${Status}", package])).is_some_and(|status| status == "install ok installed")
}
