//! What is shown about the `session` crate beyond its tests: that it runs without anything from outside,
//! and that its tests reach what there is.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Result, cargo, output, program, quietly, root, run, say};

/// A target whose standard library has no files, no network, no clock and no threads.
const BARE: &str = "wasm32-unknown-unknown";
/// Test programs that need nothing either.
const BARE_TESTS: &[&str] = &["endings", "edges", "reasons"];
/// Smallest share of the crate's regions that its tests reach, in percent.
const REGIONS: f64 = 95.0;

/// The search, the bare target, the coverage.
pub(crate) fn all() -> Result<()> {
    let search =
        ["test", "--quiet", "-p", "adjourn-session", "--lib", "--test", "speed", "--", "--nocapture"];
    run("the states of the machine, searched", &mut cargo(&search))?;
    without_a_world()?;
    coverage()
}

/// Every world of the machine, those too that are too large for the suite.
pub(crate) fn search() -> Result<()> {
    let whole =
        ["test", "-p", "adjourn-session", "--lib", "search::", "--", "--include-ignored", "--nocapture"];
    run("the states of the machine, searched whole (some five minutes)", &mut cargo(&whole))
}

/// Builds the machine and its tests for a target without IO, shows that they import nothing, and runs them.
fn without_a_world() -> Result<()> {
    quietly("the bare target (once)", Command::new("rustup").args(["target", "add", BARE]))?;
    let build = ["test", "-p", "adjourn-session", "--target", BARE, "--no-run", "--lib"];
    let mut command = cargo(&build);
    command.args(BARE_TESTS.iter().flat_map(|name| ["--test", name]));
    let executables = executables(&mut command)?;
    let expected = 1 + BARE_TESTS.len();
    if executables.len() != expected {
        return Err(format!(
            "{} test programs were built for {BARE}, expected are {expected}",
            executables.len()
        ));
    }
    for path in executables {
        let script = root().join("xtask/bare.mjs").to_string_lossy().into_owned();
        let path = path.to_string_lossy().into_owned();
        run(
            "the machine's tests with nothing around them",
            &mut program("node", &[&script, &path], &root()),
        )?;
    }
    Ok(())
}

/// Measures which regions the tests reach, and refuses less than [`REGIONS`].
fn coverage() -> Result<()> {
    quietly("the coverage tools (once)", Command::new("rustup").args(["component", "add", "llvm-tools"]))?;
    let tools = llvm_tools()?;
    let folder = root().join("target/coverage");
    // Of an earlier measurement; absent the first time.
    let _ = std::fs::remove_dir_all(folder.join("profiles"));
    let mut build = cargo(&["test", "-p", "adjourn-session", "--no-run", "--lib", "--tests"]);
    build
        .env("RUSTFLAGS", "-C instrument-coverage")
        .env("CARGO_TARGET_DIR", &folder)
        .env("LLVM_PROFILE_FILE", folder.join("build-%p.profraw"));
    let executables = executables(&mut build)?;
    say("the machine's tests, measured");
    for path in &executables {
        // The search visits millions of states and reaches nothing that the tests don't.
        let mut test = Command::new(path);
        test.args(["--quiet", "--skip", "search::", "--skip", "replays_at_a_million"])
            .env("LLVM_PROFILE_FILE", folder.join("profiles/%p-%m.profraw"))
            .env("CARGO_MANIFEST_DIR", root().join("crates/session"))
            .current_dir(root().join("crates/session"))
            .stdout(std::process::Stdio::null());
        let status = test.status().map_err(|e| e.to_string())?;
        if !status.success() {
            return Err(format!("{} ended with {status}", path.display()));
        }
    }
    let merged = folder.join("session.profdata");
    let mut merge = Command::new(tools.join("llvm-profdata"));
    merge.arg("merge").arg("--sparse").arg(folder.join("profiles")).arg("-o").arg(&merged);
    quietly("merging", &mut merge)?;
    let mut report = Command::new(tools.join("llvm-cov"));
    report.arg("report").arg(format!("--instr-profile={}", merged.display()));
    report.arg("--ignore-filename-regex=(/rustc/|registry|/tests/|/search/)");
    for (n, path) in executables.iter().enumerate() {
        if n > 0 {
            report.arg("--object");
        }
        report.arg(path);
    }
    let table = output(&mut report).ok_or("llvm-cov gives no report")?;
    let reached = regions(&table).ok_or_else(|| format!("llvm-cov's report has no total:\n{table}"))?;
    if reached < REGIONS {
        return Err(format!(
            "{table}\nthe tests of `session` reach {reached} % of its regions, {REGIONS} % are wanted"
        ));
    }
    tell!("  {reached} % of the regions of `session` are reached ({REGIONS} % are wanted)");
    Ok(())
}

/// The third column of figures of the last line: regions, missed, share.
fn regions(table: &str) -> Option<f64> {
    let total = table.lines().find(|line| line.starts_with("TOTAL"))?;
    total.split_whitespace().nth(3)?.strip_suffix('%')?.parse().ok()
}

fn llvm_tools() -> Result<PathBuf> {
    let sysroot =
        output(Command::new("rustc").args(["--print", "sysroot"])).ok_or("rustc does not answer")?;
    let host =
        output(Command::new("rustc").args(["--print", "host-tuple"])).ok_or("rustc does not answer")?;
    Ok(Path::new(&sysroot).join("lib/rustlib").join(host).join("bin"))
}

/// Builds test programs and gives their paths.
fn executables(command: &mut Command) -> Result<Vec<PathBuf>> {
    say("building the machine's tests");
    let built = command
        .args(["--quiet", "--message-format=json"])
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| e.to_string())?;
    if !built.status.success() {
        return Err(format!("the build ended with {}", built.status));
    }
    let text = String::from_utf8_lossy(&built.stdout);
    let mark = "\"executable\":\"";
    let paths = text.lines().filter_map(|line| {
        let rest = &line[line.find(mark)? + mark.len()..];
        Some(PathBuf::from(&rest[..rest.find('"')?]))
    });
    Ok(paths.collect())
}

#[cfg(test)]
mod tests {
    use super::regions;

    #[test]
    fn the_total_is_read_from_the_report() {
        let table = "Filename  Regions  Missed Regions  Cover\nTOTAL  1000  40  96.00%  10 1 90.00%\n";
        assert_eq!(regions(table), Some(96.0));
        assert_eq!(regions("nothing"), None);
    }
}
