//! `cargo xtask demo` and `cargo xtask qa`.

use std::path::{Path, PathBuf};

use crate::step::{Result, cargo, quietly, root, say, target};
use crate::windows::{self, Windows};
use crate::{deb, fetch, packages};

/// Runs the demo.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut headless = false;
    let (mut server, mut keep): (Option<PathBuf>, Option<PathBuf>) = (None, None);
    let mut backend: Option<String> = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (argument, given) =
            argument.split_once('=').map_or((argument.as_str(), None), |(name, value)| (name, Some(value)));
        let mut value = || {
            let value = given.or_else(|| rest.next().map(String::as_str));
            value.map(PathBuf::from).ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument {
            "--headless" if given.is_none() => headless = true,
            "--server" => server = Some(value()?),
            "--keep" => keep = Some(value()?),
            "--backend" => backend = Some(value()?.to_string_lossy().into_owned()),
            other => return Err(format!("demo knows no {other}")),
        }
    }
    if let Some(folder) = &keep {
        make_empty(folder)?;
    }
    if !headless {
        let screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        if cfg!(target_os = "linux") && !screen {
            return Err("there is no screen here; run `cargo xtask demo --headless`".to_owned());
        }
        packages::ensure(packages::APP)?;
    }
    let tools = fetch::everything(server.as_deref())?;
    quietly("building Adjourn (some minutes the first time)", &mut parts())?;
    if headless {
        quietly("building the client", &mut cargo(&["build", "--quiet", "-p", "adjourn-cli"]))?;
    } else {
        fetch::page()?;
        quietly("building the window", &mut product())?;
    }
    let folder = match keep {
        Some(folder) => folder,
        None => {
            let own = root().join("target/demo");
            // What an earlier demo left; absent the first time.
            let _ = std::fs::remove_dir_all(&own);
            own
        }
    };
    say("the demo begins");
    let mut command = std::process::Command::new(binary("adjourn-qa"));
    command.arg("demo").arg("--folder").arg(&folder);
    if !headless {
        command.arg("--window");
    }
    if let Some(backend) = &backend {
        command.args(["--backend", backend]);
    }
    tools.give(&mut command);
    finish(&mut command)
}

/// Makes the folder that a demo is kept in. What another one left there would be taken for this one's.
fn make_empty(folder: &Path) -> Result<()> {
    let told = |error| format!("--keep {}: the folder can't be made: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(told)?;
    if std::fs::read_dir(folder).map_err(told)?.next().is_some() {
        return Err(format!("--keep {}: there is something in it; name a new folder", folder.display()));
    }
    Ok(())
}

/// Builds the programs that people get, by themselves: what is built together shares its features, and the testbed's client has
/// points at which it fails.
pub(crate) fn product() -> std::process::Command {
    cargo(&["build", "--quiet", "-p", "adjourn-desktop", "-p", "adjourn-cli", "-p", "adjourn-seat"])
}

/// Builds every program.
pub(crate) fn everything() -> Result<()> {
    packages::ensure(packages::APP)?;
    fetch::page()?;
    quietly("building what the scenarios run on", &mut parts())?;
    quietly("building what people get", &mut product())
}

/// Builds what the scenarios run on.
pub(crate) fn parts() -> std::process::Command {
    cargo(&["build", "--quiet", "-p", "adjourn-backend", "-p", "adjourn-testbed", "-p", "adjourn-qa"])
}

/// Runs adjourn-qa.
pub(crate) fn qa(arguments: &[String]) -> Result<()> {
    let tools = fetch::everything(None)?;
    if arguments.iter().any(|argument| argument == "--baseline" || argument == "--peer") {
        packages::ensure(packages::BASELINE)?;
        fetch::baseline()?;
    }
    if arguments.iter().any(|argument| argument == "kiosk") {
        packages::ensure(packages::SCREEN)?;
        packages::ensure(packages::SEAT)?;
        everything()?;
    } else {
        quietly("building Adjourn", &mut parts())?;
    }
    let mut command = std::process::Command::new(binary("adjourn-qa"));
    if arguments.iter().any(|argument| argument == "--unit") {
        // What people install, on what they install it on.
        deb::run_with(&[])?;
        command.env("ADJOURN_PACKAGES", root().join("target/packages"));
        command.env("ADJOURN_SEAT_SYSTEM", fetch::seat_system()?);
    }
    let windows = if arguments.iter().any(|argument| argument == "--windows") {
        let windows = Windows::ready()?;
        windows::build()?;
        windows.give(&mut command);
        Some(windows)
    } else {
        None
    };
    command.args(arguments.iter().skip_while(|a| *a == "--"));
    let asks = |word: &str| arguments.iter().any(|argument| argument.split('=').next() == Some(word));
    if (asks("loadtest") || asks("herd") || asks("center")) && !asks("--backend") && !asks("--help") {
        // Figures of a debug build say nothing about what an organiser runs.
        let release = ["build", "--quiet", "--release", "-p", "adjourn-backend"];
        quietly("building the backend as it is released", &mut cargo(&release))?;
        command.arg("--backend").arg(binary_of("release", "adjourn-backend"));
    }
    tools.give(&mut command);
    if node_is_needed(arguments) {
        command.env("ADJOURN_NODE_MODULES", fetch::node_package()?);
    }
    if arguments.iter().any(|argument| argument == "fuzz") {
        command.env("ADJOURN_FUZZ_PYTHON", fetch::fuzz()?);
    }
    let done = finish(&mut command);
    drop(windows);
    done
}

/// Measures release builds: figures of a debug build say nothing about what a candidate runs.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let Some((what, options)) = arguments.split_first() else {
        return Err("what is to be measured? There are `cargo xtask bench audio` and `bench app`".to_owned());
    };
    let window = match what.as_str() {
        "audio" => false,
        "app" => true,
        other => return Err(format!("there is no `cargo xtask bench {other}`, but `audio` and `app`")),
    };
    let tools = fetch::everything(None)?;
    if options.iter().any(|option| option == "--peer" || option == "--baseline") {
        packages::ensure(packages::BASELINE)?;
        fetch::baseline()?;
    }
    let build = |crates: &[&str]| {
        let all: Vec<&str> =
            ["build", "--quiet", "--release"].into_iter().chain(crates.iter().copied()).collect();
        quietly("building Adjourn as it is released", &mut cargo(&all))
    };
    build(&["-p", "adjourn-backend", "-p", "adjourn-qa"])?;
    let mut command = std::process::Command::new(binary_of("release", "adjourn-qa"));
    if window {
        packages::ensure(packages::APP)?;
        packages::ensure(packages::SCREEN)?;
        fetch::page()?;
        // By itself: what is built together shares its features.
        build(&["-p", "adjourn-desktop"])?;
        command.arg("bench-app").env("ADJOURN_TAURI_DRIVER", fetch::driver()?);
    } else {
        command.arg("bench-audio");
    }
    command.args(options);
    tools.give(&mut command);
    finish(&mut command)
}

/// Whether a scenario is among those asked for whose interviewer runs on Node: its modules are large.
fn node_is_needed(arguments: &[String]) -> bool {
    let has = |word: &str| arguments.iter().any(|argument| argument.split('=').next() == Some(word));
    let words = |argument: &String| argument.split([',', '=']).any(|word| word.contains("-node"));
    let named = arguments.iter().any(words);
    named || (has("matrix") && !has("--rows") && !has("--scenarios") && !has("--suite"))
}

fn finish(command: &mut std::process::Command) -> Result<()> {
    let status = command.status().map_err(|e| e.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("adjourn-qa ended with {status}")) }
}

/// A binary of this workspace.
pub(crate) fn binary(name: &str) -> PathBuf {
    binary_of("debug", name)
}

fn binary_of(profile: &str, name: &str) -> PathBuf {
    target().join(profile).join(name)
}
