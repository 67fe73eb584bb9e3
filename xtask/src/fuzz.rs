//! `cargo xtask fuzz`: what strangers' bytes are read by, under libFuzzer.

use crate::fetch;
use crate::step::{Result, program, root, run};

/// The targets of `fuzz/`.
const TARGETS: [&str; 6] = ["agent_session", "link", "journal", "record", "webhook", "trace"];

/// Seconds for each target, if none are given.
const SECONDS: u64 = 600;

/// Runs every target, or the named ones, for so many seconds each. What it found is in `fuzz/artifacts`.
pub(crate) fn all(arguments: &[String]) -> Result<()> {
    let (mut seconds, mut targets) = (SECONDS, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => {
                let given = rest.next().and_then(|seconds| seconds.parse().ok());
                seconds = given.ok_or("--seconds needs a number")?;
            }
            target if TARGETS.contains(&target) => targets.push(target),
            other => {
                return Err(format!("there is no target {other}; there are {}", TARGETS.join(" ")));
            }
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS);
    }
    let fuzz = fetch::cargo_fuzz()?.to_string_lossy().into_owned();
    for target in targets {
        let limit = format!("-max_total_time={seconds}");
        // An allocation of a record's size a thousand times over, or ten seconds for one input, is a finding.
        let run_it =
            ["run", target, "--", &limit, "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1"];
        let mut command = program(&fuzz, &run_it, &root());
        command.env("RUSTUP_TOOLCHAIN", "nightly");
        run(&format!("{target}, {seconds} s"), &mut command)?;
    }
    Ok(())
}
