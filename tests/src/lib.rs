//! What the end-to-end tests share: running a row of the list of endings and saying what did not hold.

use adjourn_qa::{run, scenario};

/// Runs a row on real parts.
///
/// # Panics
/// With everything that did not hold.
#[expect(clippy::expect_used, reason = "a test stops where its lab does not work")]
pub async fn row(id: &str) {
    let scenario = scenario::find(id).expect("a row of the list");
    let line = run::run(&scenario, 1, None).await.expect("the lab works");
    let text = serde_json::to_string(&line).expect("a line is JSON");
    assert!(line.failures.is_empty(), "{}\n{text}", line.failures.join("\n"));
    // The figures belong to the test's output.
    #[expect(clippy::print_stdout, reason = "figures are part of the result")]
    {
        println!("{text}");
    }
}
