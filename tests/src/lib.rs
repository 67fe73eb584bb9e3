//! What the end-to-end tests share: running a scenario and saying what did not hold.

use adjourn_qa::run::Subject;
use adjourn_qa::{run, scenario};

/// Runs a scenario on real parts.
///
/// # Panics
/// With everything that did not hold.
pub async fn scenario(id: &str) {
    scenario_with(Subject::Adjourn, id).await;
}

/// Runs a scenario on real parts, with one client or another.
///
/// # Panics
/// With everything that did not hold.
#[expect(clippy::expect_used, reason = "a test stops where its testbed does not work")]
pub async fn scenario_with(subject: Subject, id: &str) {
    let scenario = scenario::find(id).expect("a scenario of the catalogue");
    // Of a scenario that fails, everything is kept.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/scenarios");
    let keep = root.join(id.replace(':', "_") + subject.suffix());
    // Of an earlier run; absent the first time.
    let _ = std::fs::remove_dir_all(&keep);
    #[expect(clippy::print_stdout, reason = "why a test takes twice as long belongs to its output")]
    let says = |text: &str| println!("{text}");
    let line = match run::judged(&scenario, subject, 1, &keep, says).await {
        Ok(line) => line,
        Err(error) => panic!("the testbed: {error:#}\nits files: {}", keep.display()),
    };
    let text = serde_json::to_string(&line).expect("a line is JSON");
    let failures = line.failures.join("\n");
    assert!(line.failures.is_empty(), "{failures}\n{text}\nits files: {}", keep.display());
    // What passed needs no files; if they can't be removed, the next run does.
    let _ = std::fs::remove_dir_all(&keep);
    // The figures belong to the test's output.
    #[expect(clippy::print_stdout, reason = "figures are part of the result")]
    {
        println!("{text}");
    }
}

/// Where the picture of that name is kept: `target/pictures`.
///
/// # Panics
/// The disk takes no folder.
#[expect(clippy::expect_used, reason = "a test stops where the disk takes nothing")]
pub fn picture(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/pictures");
    std::fs::create_dir_all(&folder).expect("a folder for pictures");
    folder.join(format!("{name}.png"))
}
