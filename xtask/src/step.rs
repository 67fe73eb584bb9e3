//! Running commands, with a line on what goes on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A message for the person who runs this.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// The checkout's root.
pub(crate) fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Says what begins.
pub(crate) fn say(what: &str) {
    tell!("▸ {what}");
}

/// Runs a command to its end; its output is shown.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<()> {
    say(what);
    let began = Instant::now();
    let status =
        command.status().map_err(|e| format!("{what}: {} could not be started ({e})", name(command)))?;
    if !status.success() {
        return Err(format!("{what}: {} ended with {status}", name(command)));
    }
    let seconds = began.elapsed().as_secs();
    if seconds >= 2 {
        tell!("  {seconds} s");
    }
    Ok(())
}

/// Runs a command to its end; its output is shown only if it fails. A line every ten seconds says that it
/// still runs.
pub(crate) fn quietly(what: &str, command: &mut Command) -> Result<()> {
    say(what);
    let began = Instant::now();
    let log = std::env::temp_dir().join(format!("adjourn-xtask-{}.log", std::process::id()));
    let file = std::fs::File::create(&log).map_err(|e| format!("{} can't be written: {e}", log.display()))?;
    let second = file.try_clone().map_err(|e| e.to_string())?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(second)
        .spawn()
        .map_err(|e| format!("{what}: {} could not be started ({e})", name(command)))?;
    let mut told = 0;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            break status;
        }
        let seconds = began.elapsed().as_secs();
        if seconds >= told + 10 {
            told = seconds;
            tell!("  … {seconds} s");
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    if !status.success() {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        tell!("{text}");
        return Err(format!("{what}: {} ended with {status}", name(command)));
    }
    // Of no use after a success.
    let _ = std::fs::remove_file(&log);
    Ok(())
}

/// Standard output of a command, or `None` if it fails or does not exist.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `cargo` in the checkout.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // A test says in one line why it failed; `RUST_BACKTRACE=full` gives the way there.
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|wish| wish != "full") {
        command.env("RUST_BACKTRACE", "0");
    }
    command
}

/// A program in a folder.
pub(crate) fn program(name: &str, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(folder);
    command
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
