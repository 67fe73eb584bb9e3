//! `cargo xtask test`: the whole suite, in the order in which it fails fastest.

use crate::fetch;
use crate::step::{self, Result, cargo};

/// Crates without a window.
const CORE: &[&str] = &[
    "-p",
    "adjourn-session",
    "-p",
    "adjourn-outbox",
    "-p",
    "adjourn-audio",
    "-p",
    "livekit-dylib",
    "-p",
    "adjourn-room",
    "-p",
    "adjourn-client",
    "-p",
    "adjourn-backend",
    "-p",
    "adjourn-qa",
    "-p",
    "xtask",
];

/// The whole suite, or the named parts.
const PARTS: &[&str] = &["style", "core", "sdk", "endings"];

/// Runs the named parts, or all.
pub(crate) fn run(parts: &[String]) -> Result<()> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("there is no part {unknown}; there are {}", PARTS.join(" ")));
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let tools = fetch::everything(None)?;
    if wanted("style") {
        step::run("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
        step::run(
            "lints",
            cargo(&["clippy", "--quiet", "--all-targets"]).args(CORE).args(["--", "-D", "warnings"]),
        )?;
    }
    if wanted("core") {
        let mut test = cargo(&["test", "--quiet"]);
        test.args(CORE);
        tools.give(&mut test);
        step::run("unit tests", &mut test)?;
    }
    if wanted("sdk") {
        let mut check = cargo(&["check", "--quiet", "-p", "adjourn-room", "--features", "static-sdk"]);
        // The crate's build script then skips its download; nothing is linked.
        step::run("the same code against the upstream SDK crate", check.env("DOCS_RS", "1"))?;
    }
    if wanted("endings") {
        step::run(
            "building the binaries",
            &mut cargo(&["build", "--quiet", "-p", "adjourn-backend", "-p", "adjourn-qa"]),
        )?;
        let mut test = cargo(&["test", "-p", "adjourn-tests", "--", "--test-threads=1", "--nocapture"]);
        tools.give(&mut test);
        step::run("end to end on real parts", &mut test)?;
    }
    Ok(())
}
