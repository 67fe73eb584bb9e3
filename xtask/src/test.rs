//! `cargo xtask test`: the whole suite, in the order in which it fails fastest.

use crate::step::{self, Result, cargo};
use crate::{demo, disk, fetch, packages, programs, proof, windows};

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
    "adjourn-kiosk",
    "-p",
    "adjourn-seat",
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
const PARTS: &[&str] =
    &["style", "supply", "core", "proof", "page", "agent", "endings", "window", "windows", "sdk"];

/// Runs the named parts, or all.
pub(crate) fn run(parts: &[String]) -> Result<()> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("there is no part {unknown}; there are {}", PARTS.join(" ")));
    }
    if parts.is_empty() {
        disk::ensure(disk::whole_suite())?;
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|p| p == part);
    let window = wanted("window") || wanted("style");
    if window {
        packages::ensure(packages::APP)?;
        packages::ensure(packages::SCREEN)?;
        packages::ensure(packages::SEAT)?;
    }
    if wanted("endings") {
        packages::ensure(packages::PROXIES)?;
    }
    if wanted("page") || window {
        // Said before anything is built.
        programs::ensure(&[programs::NODE, programs::NPM])?;
    }
    let tools = fetch::everything(None)?;
    if wanted("page") || window {
        fetch::page()?;
    }
    let mut failed = Vec::new();
    for part in PARTS.iter().copied().filter(|part| wanted(part)) {
        let result = match part {
            "style" => style(),
            "supply" => supply(),
            "core" => core(&tools),
            "proof" => proof::all(),
            "page" => page(),
            "agent" => agent_package(&tools),
            "endings" => endings(&tools),
            "window" => the_window(&tools),
            "windows" => windows::test(&tools),
            _ => upstream(),
        };
        // One that fails does not skip the rest.
        failed.extend(result.err().map(|error| format!("{part}: {error}")));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn style() -> Result<()> {
    step::run("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
    let lints = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    step::run("lints", &mut cargo(&lints))?;
    files_stay_small()
}

fn supply() -> Result<()> {
    let deny = fetch::deny()?.to_string_lossy().into_owned();
    let check = ["--log-level", "error", "check", "bans", "licenses", "sources"];
    step::run("licences, sources, directions", &mut step::program(&deny, &check, &step::root()))
}

fn core(tools: &fetch::Tools) -> Result<()> {
    let mut test = cargo(&["test", "--quiet"]);
    test.args(CORE);
    // The search of the machine's states belongs to `proof`.
    test.args(["--", "--skip", "search::"]);
    tools.give(&mut test);
    step::run("unit tests", &mut test)?;
    let same = ["diff", "--exit-code", "--stat", "--", "ui/src/generated"];
    step::run("the page's types are those of the program", &mut step::program("git", &same, &step::root()))
}

fn page() -> Result<()> {
    let ui = step::root().join("ui");
    step::run("the page's types", &mut step::program("npm", &["run", "--silent", "check"], &ui))?;
    step::run("the page's tests", &mut step::program("npm", &["run", "--silent", "test"], &ui))
}

fn endings(tools: &fetch::Tools) -> Result<()> {
    step::run("building the binaries", &mut demo::parts())?;
    let tests = [
        "stock",
        "protocol",
        "backend",
        "lifecycle",
        "feed",
        "setup_check",
        "organisers",
        "fake_room",
        "bad_input",
        "joining",
        "connection_check",
        "recovery",
        "restore",
        "sound",
        "typing",
        "library",
        "crash_test",
    ];
    let parts = step::run("endings, on real parts", &mut on_real_parts(tools, &tests, 1));
    // Each has servers and a sound server of its own, as in the matrix; a row during which the machine was too busy is run again.
    let rows = step::run("the suite's scenarios, two at a time", &mut on_real_parts(tools, &["endings"], 2));
    parts.and(rows)
}

fn the_window(tools: &fetch::Tools) -> Result<()> {
    step::run("building the binaries", &mut demo::parts())?;
    step::run("building what people get", &mut demo::product())?;
    // By itself, as it is built for people.
    step::run("the window's unit tests", &mut cargo(&["test", "--quiet", "-p", "adjourn-desktop"]))?;
    let driver = fetch::driver()?;
    // Every state looked at, each on a screen of its own: nothing of it is timed.
    let mut looks = on_real_parts(tools, &["docs", "gallery"], 2);
    let looks = step::run("every state of the window", looks.env("ADJOURN_TAURI_DRIVER", &driver));
    let mut test = on_real_parts(tools, &["center", "window", "seat"], 1);
    let window = step::run("window, on real parts", test.env("ADJOURN_TAURI_DRIVER", &driver));
    looks.and(window)
}

/// End-to-end tests, so many at a time: bounds are measured.
fn on_real_parts(tools: &fetch::Tools, tests: &[&str], at_a_time: usize) -> std::process::Command {
    let mut test = cargo(&["test", "-p", "adjourn-tests", "--no-fail-fast"]);
    for name in tests {
        test.args(["--test", name]);
    }
    test.args(["--", "--nocapture", &format!("--test-threads={at_a_time}")]);
    tools.give(&mut test);
    test
}

fn upstream() -> Result<()> {
    let mut check = cargo(&["check", "--quiet", "-p", "adjourn-room", "--features", "static-sdk"]);
    // The crate's build script then skips its download; nothing is linked.
    step::run("the same code against the upstream SDK crate", check.env("DOCS_RS", "1"))
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
    for name in ["examples/interviewer.py", "examples/receiver.py"] {
        let example = step::root().join(name);
        step::run(
            &format!("the types of {name}"),
            &mut python(
                &tools.python,
                &["-m", "mypy", "--strict", "--cache-dir", "/dev/null", &example.to_string_lossy()],
            ),
        )?;
    }
    step::run(
        "backend and testbed, for the agent package",
        &mut cargo(&["build", "--quiet", "-p", "adjourn-backend", "-p", "adjourn-testbed"]),
    )?;
    // On the newest and on the oldest livekit-agents at once: each has servers of its own.
    let tested = |version: &str, path: &std::path::Path| {
        let mut test = python(path, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]);
        test.env("ADJOURN_BACKEND", demo::binary("adjourn-backend"));
        tools.give(test.env("ADJOURN_TESTBED", demo::binary("adjourn-testbed")));
        step::run(&format!("the agent package's tests, with real server and backend, {version}"), &mut test)
    };
    let (newest, oldest) = std::thread::scope(|scope| {
        let oldest = scope.spawn(|| tested("oldest livekit-agents", &tools.old_python));
        let newest = tested("newest livekit-agents", &tools.python);
        (newest, oldest.join().unwrap_or_else(|_| Err("the tests could not be started".to_owned())))
    });
    newest.and(oldest)?;
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
    step::quietly("the agent package's wheel", &mut python(&tools.python, &wheel))?;
    fetch::node_package()?;
    let node = step::root().join("agents/node");
    step::run("the agent package's tests, for Node", &mut step::program("npm", &["test", "--silent"], &node))
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
        &["ls-files", "*.rs", "*.ts", "*.js", "*.mjs", "*.svelte", "*.py"],
        &step::root(),
    ))
    .ok_or("git does not list the files")?;
    for path in list.lines().filter(|path| !path.contains("/tests/") && !path.contains("generated")) {
        let text =
            std::fs::read_to_string(step::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        // A helper of tests further up is no end.
        let own = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default().lines().count();
        if own > LINES {
            return Err(format!("{path} has {own} lines; one concept per file, at most {LINES}"));
        }
    }
    Ok(())
}
