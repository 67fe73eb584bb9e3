//! `cargo xtask demo | test | fetch | …`: everything that is not compiled from this repository is
//! installed, fetched or built here, kept per user, and found again by version and hash.
//!
//! It has no dependencies, so that it starts at once on a fresh machine.

/// Tells the person who runs it something. Nobody has to read it.
macro_rules! tell {
    ($($arguments:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($arguments)*);
    }};
}

/// Answers what was asked for, likewise (`| head`).
macro_rules! answer {
    ($($arguments:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($arguments)*);
    }};
}

mod deb;
mod demo;
mod disk;
mod fetch;
mod fuzz;
mod licenses;
mod nsis;
mod packages;
mod programs;
mod proof;
mod rpm;
mod staging;
mod step;
mod test;
mod windows;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask demo [--headless] [--server PATH] [--backend PATH] [--keep FOLDER]
    A whole interview with a real server and a real interviewer: in a window, or
    without one (a file is the microphone; prints one JSON line).
    --server PATH      a livekit-server program to use instead of building one
    --backend PATH     an adjourn-backend program to use instead of building one
cargo xtask test [PART...]
    The whole test suite, end to end.
    Parts: style supply core proof sdk page agent endings window windows
cargo xtask advisories
    Known weaknesses of dependencies; needs the advisory databases' hosts.
cargo xtask fetch
    Installs, fetches and builds what the other two need, and says where it is.
cargo xtask build
    Every program that end-to-end tests run, up to date. (One `cargo build --workspace`
    would give the window the points at which the testbed's client fails.)
cargo xtask search
    The states of the machine, every world whole (the suite leaves the largest one out).
cargo xtask fuzz [--seconds N] [TARGET...]
    What strangers' bytes are read by, under libFuzzer, 600 s each; needs nightly Rust.
    Targets: agent_session link journal record webhook trace
cargo xtask bench audio [--peer] [--chirps N] [--one-way N] [--loaded N] [--rounds N] [--processing] [--out FOLDER]
    How late a candidate hears what was said, there and back, and somebody else one way, and what
    it costs, by release builds; --peer: beside LiveKit's own web client. On a machine that does nothing else.
cargo xtask bench app [--baseline] [--openings N] [--rounds N] [--seconds N] [--out FOLDER]
    What the window costs, by release builds: opening it, and a call in which nobody speaks;
    --baseline: beside LiveKit's own web client in Chromium.
cargo xtask package [--windows] [--out FOLDER] [--try]
    Packages of window, terminal client and backend for Debian and for systems with RPM, as
    released; --windows: an installer of the window for Windows 10 and later. With components,
    checksums (signed, where ADJOURN_SIGNING_KEY names a key of SSH's) and sizes, into target/packages.
    --try: installs them into a clean Debian (as root), holds an interview with them there, opens the
    window, upgrades and removes them; RPMs into an empty system; the installer under Wine.
cargo xtask qa ...
    Runs adjourn-qa with everything that it needs, for example `qa run zombie --json`.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let asks = |of: &[String]| of.iter().any(|word| word == "--help" || word == "-h");
    let result = match arguments.first().map(String::as_str) {
        // `qa` has a help of its own.
        Some(
            "demo" | "test" | "advisories" | "fetch" | "build" | "search" | "fuzz" | "bench" | "package",
        ) if asks(rest) => {
            answer!("{HELP}");
            Ok(())
        }
        Some("demo") => demo::run(rest),
        Some("test") => test::run(rest),
        Some("advisories") => test::advisories(),
        Some("fetch") => fetch::everything(None).map(|tools| answer!("{}", tools.text())),
        Some("build") => demo::everything(),
        Some("search") => proof::search(),
        Some("fuzz") => fuzz::all(rest),
        Some("bench") => demo::bench(rest),
        Some("package") => deb::run_with(rest),
        Some("qa") => demo::qa(rest),
        Some("--help" | "-h" | "help") | None => {
            answer!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no `cargo xtask {other}`\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            tell!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
