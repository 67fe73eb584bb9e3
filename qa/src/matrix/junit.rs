//! JUnit, for whatever shows test results.

use super::RowResult;
use super::page::escape;

pub(super) fn junit(rows: &[RowResult]) -> String {
    let mut cases = String::new();
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for row in rows {
        let head = |name: &str, seconds: f64| {
            format!(
                "  <testcase classname=\"endings.{}\" name=\"{}\" time=\"{seconds:.3}\"",
                escape(&row.section),
                escape(name)
            )
        };
        if let Some(missing) = &row.missing {
            tests += 1;
            errors += 1;
            cases += &format!("{}><error message=\"{}\"/></testcase>\n", head(&row.id, 0.0), escape(missing));
        }
        for (_, line) in &row.runs {
            tests += 1;
            let head =
                head(&format!("{} seed {}", line.id, line.seed), line.completed_s.unwrap_or(0.0).max(0.0));
            if line.failures.is_empty() {
                cases += &format!("{head}/>\n");
            } else {
                failures += 1;
                let text = escape(&line.failures.join("; "));
                cases += &format!("{head}><failure message=\"{text}\"/></testcase>\n");
            }
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"endings\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n{cases}</testsuite>\n"
    )
}
