//! `cargo xtask test`: the whole suite, in the order in which it fails fastest.

use crate::step::{self, Result, cargo};
use crate::{demo, fetch, packages, proof};

/// Crates without a window.
const CORE: &[&str] = &[
    "-p",
    "adjourn-session",
    "-p",
    "adjourn-protocol",
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
    "adjourn-cli",
    "-p",
    "adjourn-testbed",
    "-p",
    "adjourn-qa",
    "-p",
    "xtask",
];

/// The whole suite, or the named parts.
const PARTS: &[&str] = &["style", "supply", "core", "proof", "sdk", "page", "agent", "endings", "window"];

/// Runs the named parts, or all.
pub(crate) fn run(parts: &[String]) -> Result<()> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("there is no part {unknown}; there are {}", PARTS.join(" ")));
    }
    let mut failed = Vec::new();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let window = wanted("window") || wanted("style");
    if window {
        packages::ensure(packages::APP)?;
        packages::ensure(packages::SCREEN)?;
    }
    let tools = fetch::everything(None)?;
    if wanted("page") || window {
        fetch::page()?;
    }
    if wanted("style") {
        step::run("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
        step::run(
            "lints",
            &mut cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        )?;
        files_stay_small()?;
    }
    if wanted("supply") {
        let deny = fetch::deny()?.to_string_lossy().into_owned();
        let check = ["--log-level", "error", "check", "bans", "licenses", "sources"];
        step::run("licences, sources, directions", &mut step::program(&deny, &check, &step::root()))?;
    }
    if wanted("core") {
        let mut test = cargo(&["test", "--quiet"]);
        test.args(CORE);
        // The search of the machine's states belongs to `proof`.
        test.args(["--", "--skip", "search::"]);
        tools.give(&mut test);
        step::run("unit tests", &mut test)?;
        step::run(
            "the page's types are those of the program",
            &mut step::program(
                "git",
                &["diff", "--exit-code", "--stat", "--", "ui/src/generated"],
                &step::root(),
            ),
        )?;
    }
    if wanted("proof") {
        proof::all()?;
    }
    if wanted("page") {
        let ui = step::root().join("ui");
        step::run("the page's types", &mut step::program("npm", &["run", "--silent", "check"], &ui))?;
        step::run("the page's tests", &mut step::program("npm", &["run", "--silent", "test"], &ui))?;
    }
    if wanted("agent") {
        agent_package(&tools)?;
    }
    if wanted("endings") || wanted("window") {
        step::run("building the binaries", &mut demo::lab())?;
        if wanted("window") {
            step::run("building what people get", &mut demo::product())?;
        }
    }
    for (part, tests) in [
        (
            "endings",
            &[
                "stock",
                "protocol",
                "backend",
                "lifecycle",
                "fake_room",
                "bad_input",
                "joining",
                "recovery",
                "restore",
                "sound",
                "library",
                "crash_test",
                "endings",
            ][..],
        ),
        // The last part: every program is built.
        ("window", &["docs", "window"][..]),
    ] {
        if wanted(part) {
            // One that fails does not skip the rest.
            let mut test = cargo(&["test", "-p", "adjourn-tests", "--no-fail-fast"]);
            for name in tests {
                test.args(["--test", name]);
            }
            // One after the other: bounds are measured.
            test.args(["--", "--test-threads=1", "--nocapture"]);
            tools.give(&mut test);
            if part == "window" {
                test.env("ADJOURN_TAURI_DRIVER", fetch::driver()?);
            }
            // One part that fails does not skip the next.
            failed.extend(step::run(&format!("{part}, on real parts"), &mut test).err());
        }
    }
    if wanted("sdk") {
        let mut check = cargo(&["check", "--quiet", "-p", "adjourn-room", "--features", "static-sdk"]);
        // The crate's build script then skips its download; nothing is linked.
        let what = "the same code against the upstream SDK crate";
        failed.extend(step::run(what, check.env("DOCS_RS", "1")).err());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// The agent package: types, tests on both versions of livekit-agents, the wheel.
fn agent_package(tools: &fetch::Tools) -> Result<()> {
    let folder = step::root().join("agents/python");
    let python = |path: &std::path::Path, arguments: &[&str]| {
        let mut command = step::program(&path.to_string_lossy(), arguments, &folder);
        command.env("PYTHONPATH", folder.join("src")).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    step::run(
        "the agent package's types",
        &mut python(&tools.python, &["-m", "mypy", "--cache-dir", "/dev/null"]),
    )?;
    let example = step::root().join("examples/interviewer.py");
    step::run(
        "the example's types",
        &mut python(
            &tools.python,
            &["-m", "mypy", "--strict", "--cache-dir", "/dev/null", &example.to_string_lossy()],
        ),
    )?;
    step::run(
        "backend and testbed, for the agent package",
        &mut cargo(&["build", "--quiet", "-p", "adjourn-backend", "-p", "adjourn-testbed"]),
    )?;
    for path in [&tools.python, &tools.old_python] {
        let tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"];
        let mut test = python(path, &tests);
        test.env("ADJOURN_BACKEND", demo::binary("adjourn-backend"));
        tools.give(test.env("ADJOURN_TESTBED", demo::binary("adjourn-testbed")));
        step::run("the agent package's tests, with the real server and backend", &mut test)?;
    }
    let out = step::root().join("target/wheel");
    let wheel = [
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--disable-pip-version-check",
        ".",
        "-w",
        &out.to_string_lossy(),
    ];
    step::quietly("the agent package's wheel", &mut python(&tools.python, &wheel))
}

/// Known weaknesses of what we depend on. Apart from the suite: the databases are not package registries,
/// and a machine without them must not pass silently.
pub(crate) fn advisories() -> Result<()> {
    let deny = fetch::deny()?.to_string_lossy().into_owned();
    let check = ["--log-level", "error", "check", "advisories"];
    step::run("advisories for crates", &mut step::program(&deny, &check, &step::root()))?;
    step::run(
        "advisories for the page",
        &mut step::program("npm", &["audit", "--omit=dev"], &step::root().join("ui")),
    )
}

/// Most lines of a file of our own, tests aside.
const LINES: usize = 600;

fn files_stay_small() -> Result<()> {
    let list = step::output(&mut step::program(
        "git",
        &["ls-files", "*.rs", "*.ts", "*.svelte", "*.py"],
        &step::root(),
    ))
    .ok_or("git does not list the files")?;
    for path in list.lines().filter(|path| !path.contains("/tests/") && !path.contains("generated")) {
        let text = std::fs::read_to_string(step::root().join(path)).unwrap_or_default();
        let own = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        if own > LINES {
            return Err(format!("{path} has {own} lines; one concept per file, at most {LINES}"));
        }
    }
    Ok(())
}
