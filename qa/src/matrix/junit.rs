//! JUnit, for whatever shows test results.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::ScenarioResult;

/// The report as XML.
///
/// # Errors
/// Something in it can't be written as XML.
pub(super) fn junit(scenarios: &[ScenarioResult]) -> anyhow::Result<String> {
    let mut suite = TestSuite::new("endings");
    for scenario in scenarios {
        let mut add = |name: &str, seconds: f64, status| {
            let mut case = TestCase::new(name, status);
            case.set_classname(format!("endings.{}", scenario.section));
            case.set_time(Duration::try_from_secs_f64(seconds).unwrap_or_default());
            suite.add_test_case(case);
        };
        if let Some(missing) = &scenario.missing {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(missing.as_str());
            add(&scenario.id, 0.0, status);
        }
        for (_, line) in &scenario.runs {
            let status = if line.failures.is_empty() {
                TestCaseStatus::success()
            } else {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(line.failures.join("; "));
                status
            };
            add(&format!("{} seed {}", line.id, line.seed), line.completed_s.unwrap_or_default(), status);
        }
    }
    let mut report = Report::new("endings");
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}
