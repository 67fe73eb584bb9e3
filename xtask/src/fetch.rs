//! The SDK library, livekit-server and the interviewers' Python: fetched or built once per user and
//! version.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Result, cargo, program, quietly, root};
use crate::{packages, programs};

/// The wheel that the SDK library is taken from, with the SHA-256 of its file for this platform. Source:
/// the Python package index; `crates/livekit-dylib` checks the library inside once more when loading.
const WHEEL: &str = "livekit==1.2.1";
const WHEEL_SHA256: &[(&str, &str, &str)] = &[
    ("linux", "x86_64", "c9a0269cc23a889e20f716405a59fbae375a0248ea3d2d043da103cfb0b71711"),
    ("linux", "aarch64", "8a3dd36574d5df73dba5baa8fbed97401e25b51ab38822fe2c4769fef994f09d"),
    ("macos", "aarch64", "571d25d107b70e70b6b435e803554b0124272cc3d85a45998ea75a4eb09b5ab8"),
    ("macos", "x86_64", "7c3a09623b059f7d93c0c487ff4ba8b5bdebdfa7f0bd424cccbe655ea70c85f3"),
    ("windows", "x86_64", "a7892d9b7bd2f683c8789026519e84d6931b67dd19507450343e147dff789c2f"),
    ("windows", "aarch64", "110518d41f242af77a6c1e1bff1c4111dc50bdd9f4d14972ef2155876758582e"),
];
/// The Go module of the server, the newest whose dependencies the module proxy has.
const SERVER: &str = "github.com/livekit/livekit-server";
const SERVER_VERSION: &str = "v1.13.5";
/// The Go module of the proxy that makes TCP fail in the testbed.
const TOXIPROXY: &str = "github.com/Shopify/toxiproxy/v2";
const TOXIPROXY_VERSION: &str = "v2.12.0";

/// Where everything is.
pub(crate) struct Tools {
    pub(crate) server: PathBuf,
    pub(crate) python: PathBuf,
    /// Python with the oldest livekit-agents that the agent package supports.
    pub(crate) old_python: PathBuf,
    pub(crate) library: PathBuf,
    pub(crate) toxiproxy: PathBuf,
    /// LiveKit's own mock server, which misbehaves as it is told.
    pub(crate) mock_server: PathBuf,
}

impl Tools {
    /// As environment lines.
    pub(crate) fn text(&self) -> String {
        self.pairs().iter().map(|(name, path)| format!("{name}={}\n", path.display())).collect()
    }

    fn pairs(&self) -> [(&'static str, &Path); 6] {
        [
            ("ADJOURN_LIVEKIT_SERVER", &self.server),
            ("ADJOURN_AGENT_PYTHON", &self.python),
            ("ADJOURN_OLD_AGENT_PYTHON", &self.old_python),
            ("ADJOURN_LIVEKIT_LIBRARY", &self.library),
            ("ADJOURN_TOXIPROXY", &self.toxiproxy),
            ("ADJOURN_LIVEKIT_MOCK", &self.mock_server),
        ]
    }

    /// Gives a command the paths.
    pub(crate) fn give(&self, command: &mut Command) {
        command.envs(self.pairs());
    }
}

/// The folder for what is kept between checkouts.
pub(crate) fn cache() -> Result<PathBuf> {
    let path = if let Some(path) = std::env::var_os("ADJOURN_CACHE") {
        PathBuf::from(path)
    } else {
        let home = std::env::var_os("HOME").ok_or("HOME is not set; set ADJOURN_CACHE to a folder")?;
        std::env::var_os("XDG_CACHE_HOME")
            .map_or_else(|| PathBuf::from(home).join(".cache"), PathBuf::from)
            .join("adjourn")
    };
    std::fs::create_dir_all(&path).map_err(|e| format!("{} can't be made: {e}", path.display()))?;
    Ok(path)
}

/// A Rust program, built once per version.
fn installed(cache: &Path, name: &str, version: &str) -> Result<PathBuf> {
    let folder = cache.join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let root = folder.to_string_lossy().into_owned();
        let install = ["install", name, "--version", version, "--locked", "--root", &root];
        let mut command = cargo(&install);
        // Run for seconds: what its own profile takes minutes for would never be won back.
        command.env("CARGO_PROFILE_RELEASE_LTO", "false").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        quietly(&format!("building {name} (a few minutes, once)"), &mut command)?;
    }
    Ok(program)
}

/// Drives the window in tests. Never a 3.0 alpha.
pub(crate) fn driver() -> Result<PathBuf> {
    installed(&cache()?, "tauri-driver", "2.1.0")
}

/// Checks licences, advisories and the directions of dependencies.
pub(crate) fn deny() -> Result<PathBuf> {
    installed(&cache()?, "cargo-deny", "0.20.2")
}

/// Runs the fuzz targets.
pub(crate) fn cargo_fuzz() -> Result<PathBuf> {
    installed(&cache()?, "cargo-fuzz", "0.13.1")
}

/// Python with schemathesis, for `adjourn-qa fuzz` alone.
pub(crate) fn fuzz() -> Result<PathBuf> {
    environment(&cache()?, "requirements-fuzz.txt")
}

/// The modules of the agent package for Node, once per version of its lock file. They lie beside it, too, as a link.
fn node_modules() -> Result<PathBuf> {
    let from = root().join("agents/node");
    let read = |name: &str| {
        std::fs::read_to_string(from.join(name)).map_err(|e| format!("{}: {e}", from.join(name).display()))
    };
    let (package, lock) = (read("package.json")?, read("package-lock.json")?);
    programs::ensure(&[programs::NODE, programs::NPM])?;
    let folder = cache()?.join(format!("node-agent-{:016x}", fnv(lock.as_bytes())));
    once(&folder, |part| {
        write(&part.join("package.json"), &package)?;
        write(&part.join("package-lock.json"), &lock)?;
        let install = ["ci", "--no-audit", "--no-fund"];
        quietly("fetching livekit-agents for Node (300 MB, once)", &mut program("npm", &install, part))
    })?;
    let (modules, link) = (folder.join("node_modules"), from.join("node_modules"));
    if std::fs::read_link(&link).is_ok_and(|to| to != modules) {
        std::fs::remove_file(&link).map_err(|e| format!("{}: {e}", link.display()))?;
    }
    if !link.exists() {
        std::os::unix::fs::symlink(&modules, &link).map_err(|e| format!("{}: {e}", link.display()))?;
    }
    Ok(modules)
}

/// The agent package for Node, made: gives its modules.
pub(crate) fn node_package() -> Result<PathBuf> {
    let modules = node_modules()?;
    let compiler = modules.join(".bin/tsc");
    let mut build = program(&compiler.to_string_lossy(), &[], &root().join("agents/node"));
    quietly("the agent package for Node", &mut build)?;
    Ok(modules)
}

/// The SDK's library alone.
pub(crate) fn sdk() -> Result<PathBuf> {
    with_pip()?;
    library(&cache()?)
}

/// Where Python has no pip of its own, Debian's.
fn install_pip() -> Result<()> {
    if programs::PIP.missing().is_some() { packages::ensure(packages::PIP) } else { Ok(()) }
}

fn with_pip() -> Result<()> {
    install_pip()?;
    programs::ensure(&[programs::PYTHON, programs::PIP])
}

/// The window's page: dependencies as locked, then the build.
pub(crate) fn page() -> Result<()> {
    built(&root().join("ui"), "the page")
}

/// The page with LiveKit's own web client, for comparison.
pub(crate) fn baseline() -> Result<()> {
    built(&root().join("qa/baseline"), "the baseline's page")
}

fn built(ui: &Path, name: &str) -> Result<()> {
    programs::ensure(&[programs::NODE, programs::NPM])?;
    // What was fetched is marked by what asked for it: times of files say little after a checkout or a copy.
    let (lock, mark) = (ui.join("package-lock.json"), ui.join("node_modules/.fetched-for.json"));
    let wanted =
        std::fs::read(&lock).map_err(|error| format!("{} can't be read: {error}", lock.display()))?;
    if std::fs::read(&mark).ok().as_ref() != Some(&wanted) {
        quietly(
            &format!("fetching the dependencies of {name}"),
            &mut program("npm", &["ci", "--no-audit", "--no-fund"], ui),
        )?;
        write(&mark, &String::from_utf8_lossy(&wanted))?;
    }
    quietly(&format!("building {name}"), &mut program("npm", &["run", "--silent", "build"], ui))
}

/// Everything; `server` is a livekit-server that is given.
pub(crate) fn everything(server: Option<&Path>) -> Result<Tools> {
    packages::ensure(packages::SOUND)?;
    install_pip()?;
    programs::ensure(&[programs::PYTHON, programs::PIP, programs::GO])?;
    let cache = cache()?;
    let given =
        server.map(Path::to_owned).or_else(|| std::env::var_os("ADJOURN_LIVEKIT_SERVER").map(PathBuf::from));
    let tools = Tools {
        library: library(&cache)?,
        server: match given {
            Some(path) if path.exists() => path,
            Some(path) => return Err(format!("{} does not exist", path.display())),
            None => go_program(&cache, "livekit-server", SERVER, "cmd/server", SERVER_VERSION)?,
        },
        python: environment(&cache, "requirements.txt")?,
        old_python: environment(&cache, "requirements-1.5.1.txt")?,
        mock_server: go_program(&cache, "livekit-test-server", SERVER, "cmd/test-server", SERVER_VERSION)?,
        toxiproxy: go_program(&cache, "toxiproxy-server", TOXIPROXY, "cmd/server", TOXIPROXY_VERSION)?,
    };
    write(&cache.join("tools.env"), &tools.text())?;
    Ok(tools)
}

/// Makes `folder` by `make` in a folder beside it, and renames it when it is complete.
fn once(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let part = folder.with_extension(format!("part{}", std::process::id()));
    // Left over from an interrupted run of the same process id.
    let _ = std::fs::remove_dir_all(&part);
    std::fs::create_dir_all(&part).map_err(|e| format!("{} can't be made: {e}", part.display()))?;
    make(&part)?;
    std::fs::rename(&part, folder).map_err(|e| format!("{} can't be renamed: {e}", part.display()))
}

/// A Debian with systemd and what a seat's packages need, for a computer that is one in a container.
pub(crate) fn seat_system() -> Result<PathBuf> {
    packages::ensure(packages::CONTAINER)?;
    let inside = packages::SEAT_SYSTEM.join(",");
    let folder = cache()?.join(format!("seat-system-{:016x}", fnv(inside.as_bytes())));
    once(&folder, |part| {
        let mut make = Command::new("mmdebstrap");
        make.args(["--variant=minbase", &format!("--include={inside}"), "bookworm"]).arg(part.join("system"));
        make.args(packages::sources());
        quietly("making a Debian that can be a seat (some minutes, once)", &mut make)
    })?;
    Ok(folder.join("system"))
}

/// The SDK's library for 64-bit Windows.
pub(crate) fn library_of_windows() -> Result<PathBuf> {
    with_pip()?;
    library_for(&cache()?, "windows", "x86_64", &["--platform", "win_amd64"])
}

fn library(cache: &Path) -> Result<PathBuf> {
    library_for(cache, std::env::consts::OS, std::env::consts::ARCH, &[])
}

/// The library for some system; `asks` is what pip is told where that is not this one.
fn library_for(cache: &Path, os: &str, arch: &str, asks: &[&str]) -> Result<PathBuf> {
    let hash = WHEEL_SHA256
        .iter()
        .find(|(o, a, _)| *o == os && *a == arch)
        .map(|(_, _, hash)| *hash)
        .ok_or_else(|| format!("LiveKit ships no library for {os} on {arch}"))?;
    let folder = cache.join(format!("sdk-{}", &hash[..16]));
    once(&folder, |part| {
        write(&part.join("requirements.txt"), &format!("{WHEEL} --hash=sha256:{hash}\n"))?;
        let pip: &[&str] = &[
            "-m",
            "pip",
            "download",
            "-q",
            "--require-hashes",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
            "wheel",
            "-r",
            "requirements.txt",
        ];
        let pip = [pip, asks].concat();
        quietly("fetching the LiveKit SDK library (25 MB, once)", &mut program("python3", &pip, part))?;
        let wheel = std::fs::read_dir(part.join("wheel"))
            .ok()
            .and_then(|mut entries| entries.next())
            .and_then(std::result::Result::ok)
            .ok_or("pip fetched nothing")?
            .path();
        let wheel = wheel.to_string_lossy().into_owned();
        quietly("unpacking it", &mut program("python3", &["-m", "zipfile", "-e", &wheel, "."], part))
    })?;
    let name = match os {
        "windows" => "livekit_ffi.dll",
        "macos" => "liblivekit_ffi.dylib",
        _ => "liblivekit_ffi.so",
    };
    Ok(folder.join("livekit/rtc/resources").join(name))
}

/// A Go program, built once per version from the module proxy.
fn go_program(cache: &Path, name: &str, module: &str, package: &str, version: &str) -> Result<PathBuf> {
    let folder = cache.join(format!("{name}-{version}"));
    once(&folder, |part| {
        quietly(
            &format!("preparing {name}"),
            &mut program("go", &["mod", "init", "adjourn.example/tool"], part),
        )?;
        let package = format!("{module}/{package}");
        let get = ["get", "-tool", &format!("{package}@{version}")];
        quietly(&format!("fetching the modules of {name} (once)"), &mut program("go", &get, part))?;
        let build = ["build", "-trimpath", "-o", name, &package];
        quietly(&format!("building {name} (up to five minutes, once)"), &mut program("go", &build, part))
    })?;
    Ok(folder.join(name))
}

/// A Python environment with what a file under `agents/` lists.
fn environment(cache: &Path, requirements: &str) -> Result<PathBuf> {
    let requirements = root().join("agents").join(requirements);
    let text =
        std::fs::read_to_string(&requirements).map_err(|e| format!("{}: {e}", requirements.display()))?;
    let folder = cache.join(format!("interviewers-{:016x}", fnv(text.as_bytes())));
    // A virtual environment knows its own path: it is made in place, with a mark when it is complete.
    let mark = folder.join("complete");
    if !mark.exists() {
        let _ = std::fs::remove_dir_all(&folder);
        let path = folder.to_string_lossy().into_owned();
        quietly("making a Python environment", &mut program("python3", &["-m", "venv", &path], &root()))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]).arg(&requirements);
        quietly("installing livekit-agents (once)", &mut pip)?;
        write(&mark, "")?;
    }
    Ok(folder.join("bin/python"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| format!("{} can't be written: {e}", path.display()))
}

/// FNV-1a, 64 bit: names a cache folder, protects nothing.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
