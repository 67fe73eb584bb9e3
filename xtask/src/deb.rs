//! `cargo xtask package`: packages of what people install for Debian and for systems with RPM, with their sizes, components and
//! checksums.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::licenses::licenses;
use crate::staging::{checksums, components, forget, is_package, make, put, size, tell_size, write};
use crate::step::{Result, cargo, output, program, quietly, root, run, say};
use crate::{fetch, nsis, packages, rpm};

/// Makes packages.
const TOOLS: &[&str] = &["dpkg-dev", "binutils", "lintian", "rpm"];

/// What a package is made of.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// Its program, as it is built.
    program: &'static str,
    section: &'static str,
    /// One line, and what else is to be said, each line of it after a space.
    pub(crate) description: &'static str,
    /// Program of the release build, and section of its manual page.
    manual: char,
    /// It needs the SDK's library.
    sdk: bool,
    /// What `dpkg-shlibdeps` can't see.
    depends: &'static [&'static str],
    recommends: &'static str,
    /// As Fedora names it; `None`: it is not made for systems with RPM.
    pub(crate) recommends_rpm: Option<&'static str>,
    /// From the checkout into the system, with their rights.
    files: &'static [(&'static str, &'static str, u32)],
    /// Files that an administrator changes.
    pub(crate) settings: &'static [&'static str],
    /// Run by dpkg, by name.
    pub(crate) scripts: &'static [(&'static str, &'static str)],
    /// What is explained instead of mended, for lintian: its tag, and why.
    explained: &'static [(&'static str, &'static str)],
}

const PACKAGES: [Package; 4] = [
    Package {
        name: "adjourn",
        program: "adjourn",
        section: "video",
        description: "take part in a job interview\n \
            The window for interviews that are held by a voice agent on LiveKit. It\n \
            knows when an interview is over, and keeps what was said until the\n \
            organiser's server has given a receipt for it.",
        manual: '1',
        sdk: true,
        depends: &["ca-certificates"],
        recommends: "pulseaudio | pipewire-pulse, rtkit",
        recommends_rpm: Some("pipewire-pulseaudio, rtkit"),
        files: &[
            ("packaging/adjourn.desktop", "usr/share/applications/adjourn.desktop", 0o644),
            ("icons/32x32.png", "usr/share/icons/hicolor/32x32/apps/adjourn.png", 0o644),
            ("icons/128x128.png", "usr/share/icons/hicolor/128x128/apps/adjourn.png", 0o644),
            ("icons/256x256.png", "usr/share/icons/hicolor/256x256/apps/adjourn.png", 0o644),
            ("icons/512x512.png", "usr/share/icons/hicolor/512x512/apps/adjourn.png", 0o644),
            ("icons/adjourn.svg", "usr/share/icons/hicolor/scalable/apps/adjourn.svg", 0o644),
            ("ui/src/fonts/OFL.txt", "usr/share/doc/adjourn/OFL-atkinson-hyperlegible-next.txt", 0o644),
            ("ui/src/fonts/OFL-vazirmatn.txt", "usr/share/doc/adjourn/OFL-vazirmatn.txt", 0o644),
        ],
        settings: &[],
        scripts: &[],
        explained: SDK,
    },
    Package {
        name: "adjourn-cli",
        program: "adjourn-cli",
        section: "video",
        description: "interviews without a window, and what became of them\n \
            Holds an interview without a window, explains and replays traces, and\n \
            checks receipts.",
        manual: '1',
        sdk: true,
        depends: &["ca-certificates"],
        recommends: "pulseaudio | pipewire-pulse, rtkit",
        recommends_rpm: Some("pipewire-pulseaudio, rtkit"),
        files: &[],
        settings: &[],
        scripts: &[],
        explained: SDK,
    },
    Package {
        name: "adjourn-backend",
        program: "adjourn-backend",
        section: "net",
        description: "join codes, records and receipts of interviews\n \
            The organiser's server: it invites candidates, lets them into LiveKit\n \
            rooms, takes records and reports, and gives signed receipts. It keeps its\n \
            data in SQLite or in PostgreSQL.",
        manual: '8',
        sdk: false,
        depends: &["ca-certificates"],
        recommends: "postgresql",
        recommends_rpm: Some("postgresql-server"),
        files: &[
            ("packaging/adjourn-backend.service", "usr/lib/systemd/system/adjourn-backend.service", 0o644),
            ("packaging/backend.env", "etc/adjourn/backend.env", 0o600),
        ],
        settings: &["/etc/adjourn/backend.env"],
        scripts: &[("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)],
        explained: &[("non-standard-file-perm", "secrets are readable by root alone")],
    },
    Package {
        name: "adjourn-kiosk",
        program: "adjourn-seat",
        section: "video",
        description: "a test center's seat for job interviews\n \
            The computer shows one window and nothing else, asks for a code, holds the\n \
            interview, and forgets the candidate. It is made a seat with\n \
            systemctl enable --now adjourn-kiosk.",
        manual: '8',
        sdk: false,
        depends: &["adjourn", "cage", "xwayland", "seatd", "pulseaudio"],
        recommends: "dbus",
        recommends_rpm: None,
        files: &[
            ("packaging/kiosk/adjourn-kiosk.service", "usr/lib/systemd/system/adjourn-kiosk.service", 0o644),
            ("packaging/kiosk/sysusers.conf", "usr/lib/sysusers.d/adjourn-kiosk.conf", 0o644),
            ("packaging/kiosk/seat.toml", "etc/adjourn-kiosk/seat.toml", 0o644),
            ("docs/kiosk.md", "usr/share/doc/adjourn-kiosk/kiosk.md", 0o644),
            ("examples/seat-policy.toml", "usr/share/doc/adjourn-kiosk/seat-policy.toml", 0o644),
        ],
        settings: &["/etc/adjourn-kiosk/seat.toml"],
        scripts: &[("postinst", SEAT_POSTINST), ("prerm", SEAT_PRERM), ("postrm", SEAT_POSTRM)],
        explained: &[],
    },
];

/// Its account; what is running goes on with the candidate who is there, and the next one begins with the new program.
const SEAT_POSTINST: &str = "#!/bin/sh\nset -e\n\
    if [ \"$1\" = configure ]; then systemd-sysusers adjourn-kiosk.conf; fi\n\
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n";
const SEAT_PRERM: &str = "#!/bin/sh\nset -e\n\
    if [ \"$1\" = remove ] && [ -d /run/systemd/system ]; then systemctl stop adjourn-kiosk.service; fi\n";
const SEAT_POSTRM: &str = "#!/bin/sh\nset -e\n\
    if [ \"$1\" = remove ]; then rm -f /etc/systemd/system/multi-user.target.wants/adjourn-kiosk.service; fi\n\
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n";

/// It is not started by itself: without its settings it can't run.
const POSTINST: &str = "#!/bin/sh\nset -e\n\
    if [ \"$1\" = configure ] && [ -d /run/systemd/system ]; then\n\
    \tsystemctl daemon-reload\n\
    \tif [ -n \"$2\" ]; then systemctl try-restart adjourn-backend.service; fi\n\
    fi\n";
const PRERM: &str = "#!/bin/sh\nset -e\n\
    if [ \"$1\" = remove ] && [ -d /run/systemd/system ]; then systemctl stop adjourn-backend.service; fi\n";
/// An administrator's `systemctl enable` made that link.
const POSTRM: &str = "#!/bin/sh\nset -e\n\
    if [ \"$1\" = remove ]; then rm -f /etc/systemd/system/multi-user.target.wants/adjourn-backend.service; fi\n\
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n";

/// Of the two that bring LiveKit's library.
const SDK: &[(&str, &str)] = &[(
    "embedded-library",
    "WebRTC brings its own libraries within the LiveKit library, which is used as LiveKit built it",
)];

/// Builds every program as it is released, and packs it.
pub(crate) fn run_with(arguments: &[String]) -> Result<()> {
    let (mut out, mut tried, mut windows) = (root().join("target/packages"), false, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--out" => out = rest.next().map(PathBuf::from).ok_or("--out needs a folder")?,
            "--try" => tried = true,
            "--windows" => windows = true,
            other => return Err(format!("package knows no {other}")),
        }
    }
    // Other programs start elsewhere.
    let out = std::path::absolute(&out).map_err(|e| format!("--out {}: {e}", out.display()))?;
    make(&out)?;
    if windows {
        return nsis::pack(&out, tried);
    }
    packages::ensure(packages::APP)?;
    packages::ensure(TOOLS)?;
    let library = fetch::sdk()?;
    fetch::page()?;
    let build = |crates: &[&str]| {
        let mut all = vec!["build", "--quiet", "--release"];
        all.extend(crates.iter().flat_map(|name| ["-p", name]));
        quietly("building Adjourn as it is released (some minutes)", &mut cargo(&all))
    };
    build(&["adjourn-desktop", "adjourn-cli", "adjourn-seat"])?;
    build(&["adjourn-backend"])?;
    let version = env!("CARGO_PKG_VERSION");
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))
        .ok_or("dpkg does not say which architecture this is")?;
    let staging = root().join("target/staging");
    // What an earlier run left; absent the first time.
    let _ = fs::remove_dir_all(&staging);
    forget(&out, &["deb", "rpm"])?;
    let mut made = Vec::new();
    for package in &PACKAGES {
        say(&format!("packing {}", package.name));
        let folder = staging.join(package.name);
        stage(package, &folder, &library)?;
        let depends = libraries(package, &staging)?;
        control(package, &folder, version, &architecture, &depends)?;
        // Whatever this user's umask is.
        let mut open = program("find", &[".", "-type", "d", "-exec", "chmod", "0755", "{}", "+"], &folder);
        quietly("opening its folders", &mut open)?;
        let file = out.join(format!("{}_{version}_{architecture}.deb", package.name));
        let mut pack = Command::new("dpkg-deb");
        pack.args(["--root-owner-group", "-Zxz", "-z9", "--build"]).arg(&folder).arg(&file);
        quietly(&format!("packing {}", file.display()), &mut pack)?;
        made.push(file);
    }
    // A fault of a package fails; so does a warning that nobody explained.
    let mut lint = Command::new("lintian");
    lint.args(["--fail-on", "error", "--fail-on", "warning", "--allow-root"]).args(&made);
    run("lintian", &mut lint)?;
    for package in PACKAGES.iter().filter(|package| package.recommends_rpm.is_some()) {
        made.push(rpm::pack(package, &staging.join(package.name), version, &out)?);
    }
    checksums(&out)?;
    made.iter().try_for_each(|file| tell_size(file))?;
    if !tried {
        return Ok(());
    }
    for file in made.iter().filter(|file| is_package(file, &["rpm"])) {
        rpm::try_out(file)?;
    }
    try_out(&out)
}

/// Installs them into a clean Debian, and does there what people do (`packaging/try.sh`).
fn try_out(out: &Path) -> Result<()> {
    packages::ensure(&["mmdebstrap"])?;
    let tools = fetch::everything(None)?;
    quietly("building what the interview runs on", &mut crate::demo::parts())?;
    let system = root().join("target/clean-debian");
    // What an earlier run left; absent the first time.
    let _ = fs::remove_dir_all(&system);
    let mut clean = Command::new("mmdebstrap");
    clean.args(["--variant=minbase", "bookworm"]).arg(&system);
    clean.args(packages::sources());
    quietly("making a clean Debian (a minute)", &mut clean)?;
    let mut attempt = Command::new("unshare");
    attempt.args(["--mount", "--propagation", "private", "sh"]).arg(root().join("packaging/try.sh"));
    attempt.arg(&system).arg(out).arg(root()).arg(root().join("target/debug/adjourn-qa"));
    tools.give(&mut attempt);
    run("trying the packages in a clean Debian", &mut attempt)
}

/// Everything that the package puts into a system.
fn stage(package: &Package, folder: &Path, library: &Path) -> Result<()> {
    let built = root().join("target/release").join(package.program);
    let program_file = folder.join("usr/bin").join(package.program);
    put(&built, &program_file, 0o755)?;
    quietly("stripping", Command::new("strip").arg("--strip-unneeded").arg(&program_file))?;
    if package.sdk {
        // Only this very file is loaded: it is not touched.
        let name = library.file_name().ok_or("the library has no name")?;
        put(library, &folder.join("usr/lib").join(package.name).join(name), 0o644)?;
    }
    for (from, to, rights) in package.files {
        put(&root().join(from), &folder.join(to), *rights)?;
    }
    let documents = folder.join("usr/share/doc").join(package.name);
    put(&root().join("packaging/copyright"), &documents.join("copyright"), 0o644)?;
    let changes = format!(
        "{} ({}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the sources.\n\n -- The Adjourn authors \
         <maintainers@adjourn.example>  {}\n",
        package.name,
        env!("CARGO_PKG_VERSION"),
        released()?
    );
    write(&documents.join("changelog"), &changes, 0o644)?;
    pack_up(&documents.join("changelog"))?;
    write(&documents.join("components"), &components(package.name, None)?, 0o644)?;
    write(&documents.join("licenses"), &licenses(package.name, None)?, 0o644)?;
    pack_up(&documents.join("licenses"))?;
    let page = format!("{}.{}", package.program, package.manual);
    let manual = folder.join("usr/share/man").join(format!("man{}", package.manual)).join(&page);
    put(&root().join("packaging").join(&page), &manual, 0o644)?;
    pack_up(&manual)?;
    let explained: Vec<String> =
        package.explained.iter().map(|(tag, why)| format!("# {why}\n{}: {tag}\n", package.name)).collect();
    write(&folder.join("usr/share/lintian/overrides").join(package.name), &explained.concat(), 0o644)
}

/// When what is packed was committed, as Debian writes it.
fn released() -> Result<String> {
    let date = output(&mut program("git", &["log", "-1", "--format=%cD"], &root()));
    date.ok_or_else(|| "git does not say of which day this is; packages are made in a checkout".to_owned())
}

/// Packages of Debian that bring the libraries which a program is linked with.
fn libraries(package: &Package, staging: &Path) -> Result<String> {
    // It wants to be in a source package.
    write(
        &staging.join("debian/control"),
        "Source: adjourn\n\nPackage: adjourn\nArchitecture: any\n",
        0o644,
    )?;
    let mut ask = program("dpkg-shlibdeps", &["-O", "--ignore-missing-info"], staging);
    ask.arg(format!("-e{}/usr/bin/{}", package.name, package.program));
    if package.sdk {
        ask.arg(format!("-l{}/usr/lib/{}", package.name, package.name));
        ask.arg(format!("-e{}/usr/lib/{}/liblivekit_ffi.so", package.name, package.name));
    }
    let text = output(&mut ask).ok_or("dpkg-shlibdeps does not know the libraries")?;
    let found = text.lines().find_map(|line| line.strip_prefix("shlibs:Depends=")).unwrap_or_default();
    let all = package.depends.iter().copied().chain(Some(found).filter(|it| !it.is_empty()));
    Ok(all.collect::<Vec<_>>().join(", "))
}

fn control(package: &Package, folder: &Path, version: &str, architecture: &str, depends: &str) -> Result<()> {
    let text = format!(
        "Package: {}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: The Adjourn authors \
         <maintainers@adjourn.example>\nInstalled-Size: {}\nDepends: {depends}\nRecommends: {}\nSection: {}\n\
         Priority: optional\nHomepage: https://adjourn.example\nDescription: {}\n",
        package.name,
        size(folder)?.div_ceil(1024),
        package.recommends,
        package.section,
        package.description
    );
    write(&folder.join("DEBIAN/control"), &text, 0o644)?;
    if !package.settings.is_empty() {
        write(&folder.join("DEBIAN/conffiles"), &(package.settings.join("\n") + "\n"), 0o644)?;
    }
    for (name, script) in package.scripts {
        write(&folder.join("DEBIAN").join(name), script, 0o755)?;
    }
    // Settings are an administrator's, and not among them.
    let sums = "find usr -type f | LC_ALL=C sort | xargs md5sum";
    let sums = output(&mut program("sh", &["-c", sums], folder)).ok_or("md5sum failed")?;
    write(&folder.join("DEBIAN/md5sums"), &(sums + "\n"), 0o644)
}

/// As Debian wants documents.
fn pack_up(file: &Path) -> Result<()> {
    quietly("packing a document", Command::new("gzip").args(["-9", "-n", "-f"]).arg(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_pages_are_of_this_version() {
        for package in &PACKAGES {
            let page = root().join("packaging").join(format!("{}.{}", package.program, package.manual));
            let text = fs::read_to_string(&page).unwrap();
            let head = text.lines().next().unwrap();
            let version = format!("\"Adjourn {}\"", env!("CARGO_PKG_VERSION"));
            assert!(head.contains(&version), "{}: {head}", page.display());
        }
    }
}
