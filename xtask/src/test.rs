//! `cargo xtask test`: the whole suite, in the order in which it fails fastest.

use crate::fetch;
use crate::step::{Result, cargo, run};

/// Crates without a window.
const CORE: &[&str] = &[
    "-p", "adjourn-session", "-p", "adjourn-outbox", "-p", "adjourn-audio", "-p", "livekit-dylib", "-p", "adjourn-room", "-p",
    "adjourn-client", "-p", "adjourn-backend", "-p", "adjourn-qa", "-p", "xtask", "-p", "adjourn-tests",
];

/// Runs the named parts, or all.
pub(crate) fn run_parts(parts: &[String]) -> Result<()> {
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let tools = fetch::everything(None)?;
    if wanted("style") {
        run("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
        let mut clippy = cargo(&["clippy", "--quiet", "--all-targets"]);
        run("lints", clippy.args(CORE).args(["--", "-D", "warnings"]))?;
    }
    if wanted("core") {
        let mut test = cargo(&["test", "--quiet"]);
        test.args(CORE).args(["--lib", "--bins", "--test", "*"]);
        test.args(["--exclude", "adjourn-tests"]);
        tools.give(&mut test);
        run("unit tests", &mut cargo_test(&tools, &["--lib", "--bins"]))?;
    }
    if wanted("endings") {
        run("building the binaries", &mut cargo(&["build", "--quiet", "-p", "adjourn-backend", "-p", "adjourn-qa"]))?;
        let mut test = cargo(&["test", "--quiet", "-p", "adjourn-tests", "--", "--test-threads=1", "--nocapture"]);
        tools.give(&mut test);
        run("endings on real parts", &mut test)?;
    }
    Ok(())
}
