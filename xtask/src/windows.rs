//! The client for Windows: built here, and run under Wine against the real server, backend and interviewer.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{self, Result, cargo, output, quietly};
use crate::{demo, fetch, packages};

/// Rust's name of 64-bit Windows with MinGW: what can be linked on Debian.
pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";
/// Crates of the client that have unit tests of their own; the testbed is Linux's.
const CRATES: [&str; 8] = [
    "adjourn-session",
    "adjourn-protocol",
    "adjourn-outbox",
    "adjourn-audio",
    "livekit-dylib",
    "adjourn-room",
    "adjourn-client",
    "adjourn-kiosk",
];
/// Where Debian's packages of Wine have it: the script `wine` wants the 32-bit part, too.
const WINE: &str = "/usr/lib/wine/wine64";
const WINE_SERVER: &str = "/usr/lib/wine/wineserver64";

/// What runs the client.
pub(crate) struct Windows {
    prefix: PathBuf,
    library: PathBuf,
}

impl Windows {
    /// Installs, fetches and makes what the client for Windows needs, and starts Wine.
    pub(crate) fn ready() -> Result<Self> {
        packages::ensure(packages::WINDOWS)?;
        add_target()?;
        let windows = Self { prefix: own(&prefix()?)?, library: fetch::library_of_windows()? };
        // One that stays, and with it what belongs to a desktop: else that belongs to whoever comes first.
        let mut stay = windows.wine(WINE_SERVER);
        // It runs already: nothing to do.
        let _ = output(stay.arg("-p"));
        quietly("starting Wine", windows.wine(WINE).args(["cmd", "/c", "exit"]))?;
        Ok(windows)
    }

    /// A program of Wine's, in our prefix.
    fn wine(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        in_prefix(&mut command, &self.prefix);
        command
    }

    /// A program for Windows.
    pub(crate) fn program(&self, file: &Path) -> Command {
        let mut command = self.wine(WINE);
        command.arg(file);
        command
    }

    /// A folder of the person who uses this Windows, as Linux finds it.
    pub(crate) fn folder(&self, of: &str) -> Result<PathBuf> {
        let home = output(self.wine(WINE).args(["cmd", "/c", "echo %USERPROFILE%"]));
        let home = home
            .filter(|home| home.starts_with(r"C:\"))
            .ok_or("Wine does not say where its person's folder is")?;
        let unix = format!("{}\\{of}", &home[3..]).replace('\\', "/");
        Ok(self.prefix.join("drive_c").join(unix))
    }

    /// A value of the registry; an empty name is the key's own.
    pub(crate) fn registry(&self, key: &str, name: &str) -> Result<String> {
        let mut ask = self.wine(WINE);
        ask.args(["reg", "query", key]);
        if name.is_empty() {
            ask.arg("/ve");
        } else {
            ask.args(["/v", name]);
        }
        let said = output(&mut ask).ok_or_else(|| format!("the registry has no {key} {name}"))?;
        let value = said.lines().find_map(|line| line.split_once("REG_SZ"));
        Ok(value.ok_or_else(|| format!("{key} {name} is no text: {said}"))?.1.trim().to_owned())
    }

    /// Gives a command what the testbed looks for.
    pub(crate) fn give(&self, command: &mut Command) {
        in_prefix(command, &self.prefix);
        command
            .env("ADJOURN_WINE", WINE)
            .env("ADJOURN_WINDOWS_CLIENT", client())
            .env("ADJOURN_WINDOWS_LIBRARY", &self.library);
    }

    /// Unit tests of the crates of which the client is made.
    fn unit_tests(&self) -> Result<()> {
        let mut test = cargo(&["test", "--quiet", "--target", TARGET, "--lib"]);
        for name in CRATES {
            test.args(["-p", name]);
        }
        // The search of the machine's states is the same everywhere.
        test.args(["--", "--skip", "search::"]);
        in_prefix(&mut test, &self.prefix);
        test.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", WINE);
        test.env("ADJOURN_LIVEKIT_LIBRARY", path(&self.library));
        step::run("unit tests of the client for Windows", &mut test)
    }
}

/// Ends Wine when it is no longer needed.
impl Drop for Windows {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = output(self.wine(WINE_SERVER).arg("-k"));
    }
}

/// Rust's standard library for Windows.
pub(crate) fn add_target() -> Result<()> {
    let mut add = Command::new("rustup");
    quietly("adding Windows to Rust", add.args(["target", "add", TARGET]))
}

/// The client's program.
fn client() -> PathBuf {
    step::target().join(TARGET).join("debug/adjourn-cli.exe")
}

/// Builds it.
pub(crate) fn build() -> Result<()> {
    let build = ["build", "--quiet", "--target", TARGET, "-p", "adjourn-cli"];
    quietly("building the client for Windows", &mut cargo(&build))
}

/// Unit tests, and whole interviews by the client for Windows.
pub(crate) fn test(tools: &fetch::Tools) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        step::say("the client for Windows is tested on 64-bit Linux for Intel's processors only: not here");
        return Ok(());
    }
    fetch::page()?;
    let windows = Windows::ready()?;
    step::run("building the binaries", &mut demo::parts())?;
    // The window, too: nothing else compiles what only Windows has.
    let lints = ["clippy", "--quiet", "--target", TARGET, "-p", "adjourn-desktop", "-p", "adjourn-cli"];
    step::run("lints of what Windows has", cargo(&lints).args(["--", "-D", "warnings"]))?;
    build()?;
    windows.unit_tests()?;
    let mut test = cargo(&["test", "-p", "adjourn-tests", "--no-fail-fast", "--test", "windows"]);
    test.args(["--", "--test-threads=1", "--nocapture"]);
    tools.give(&mut test);
    windows.give(&mut test);
    step::run("interviews by the client for Windows", &mut test)
}

fn in_prefix(command: &mut Command, prefix: &Path) {
    command
        .env("WINEPREFIX", prefix)
        .env("WINEARCH", "win64")
        .env("WINEDEBUG", "-all")
        // Neither .NET nor a browser is needed; asked for, Wine wants to fetch them.
        .env("WINEDLLOVERRIDES", "mscoree=;mshtml=");
}

/// A path of ours as a program under Wine finds it.
pub(crate) fn path(path: &Path) -> String {
    format!("Z:{}", path.to_string_lossy().replace('/', "\\"))
}

/// A Windows of this checkout's own, with the system's files of the other: Wine has one server for each, and two test runs would end each
/// other's.
fn own(whole: &Path) -> Result<PathBuf> {
    const COPY: &str = "rm -rf \"$2\" && mkdir -p \"$2/drive_c\" && cp -P \"$1\"/*.reg \"$1\"/.update-timestamp \"$2\" \
        && cp -rP \"$1/dosdevices\" \"$2\" && cp -rP \"$1/drive_c/users\" \"$2/drive_c\" \
        && for folder in \"$1\"/drive_c/*; do [ -e \"$2/drive_c/${folder##*/}\" ] || ln -s \"$folder\" \"$2/drive_c\"; done";
    let folder = step::target().join("wine");
    if folder.exists() {
        // Of an interrupted run: it would go on with what is removed here. Mostly there is none.
        let mut end = Command::new(WINE_SERVER);
        in_prefix(&mut end, &folder);
        let _ = output(end.arg("-k"));
    }
    let mut copy = Command::new("sh");
    copy.args(["-ec", COPY, "sh"]).arg(whole).arg(&folder);
    quietly("giving this checkout a Windows of its own", &mut copy)?;
    Ok(folder)
}

/// A Windows of Wine's with what Wine lacks, once per version of both.
fn prefix() -> Result<PathBuf> {
    let version = output(Command::new(WINE).arg("--version")).ok_or("Wine says no version")?;
    let source = step::root().join("qa/wine/bcryptprimitives.c");
    let text = std::fs::read(&source).map_err(|e| format!("{}: {e}", source.display()))?;
    let folder = fetch::cache()?.join(format!("{version}-{:016x}", fetch::fnv(&text)));
    // Wine writes down where it is: it is made in place, with a mark when it is complete.
    let mark = folder.join("complete");
    if !mark.exists() {
        // Of an interrupted run; absent the first time.
        let _ = std::fs::remove_dir_all(&folder);
        let mut boot = Command::new(WINE);
        in_prefix(&mut boot, &folder);
        quietly("making a Windows of Wine's (once)", boot.args(["wineboot", "-i"]))?;
        let mut wait = Command::new(WINE_SERVER);
        in_prefix(&mut wait, &folder);
        quietly("waiting for it", wait.arg("-w"))?;
        let mut compile = Command::new("x86_64-w64-mingw32-gcc");
        compile.args(["-shared", "-O1", "-o"]);
        compile
            .arg(folder.join("drive_c/windows/system32/bcryptprimitives.dll"))
            .arg(&source)
            .arg("-ladvapi32");
        quietly("building what Wine lacks", &mut compile)?;
        std::fs::write(&mark, "").map_err(|e| format!("{} can't be written: {e}", mark.display()))?;
    }
    Ok(folder)
}
