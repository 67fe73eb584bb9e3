//! The table for a terminal.

use super::results::seconds;
use super::{Figures, ScenarioResult};

pub(super) fn table(scenarios: &[ScenarioResult]) -> String {
    let mut text = format!(
        "{:8} {:24} {:42} {:>5} {:>7} {:>7} {:>7} {:>7} {:>9}  verdict\n",
        "section", "scenario", "outcome", "runs", "p50 s", "p95 s", "max s", "bound", "suspect s"
    );
    let with_baseline = scenarios.iter().any(|scenario| !scenario.baseline.is_empty());
    for scenario in scenarios {
        let completed = scenario.figures(|line| line.completed_s);
        let suspect = scenario.figures(|line| line.suspect_s);
        let verdict = match &scenario.missing {
            Some(missing) => format!("not run: {missing}"),
            None => {
                let passed = scenario.runs.iter().filter(|(_, line)| line.verdict == "pass").count();
                if scenario.passed() {
                    "pass".to_owned()
                } else {
                    format!("FAIL ({passed} of {} passed)", scenario.runs.len())
                }
            }
        };
        text += &format!(
            "{:8} {:24} {:42} {:>5} {:>7} {:>7} {:>7} {:>7} {:>9}  {verdict}\n",
            scenario.section,
            scenario.id,
            scenario.outcome,
            scenario.runs.len(),
            seconds(completed.map(|f| f.p50)),
            seconds(completed.map(|f| f.p95)),
            seconds(completed.map(|f| f.max)),
            seconds(scenario.bound),
            seconds(suspect.map(|f| f.p95)),
        );
        if with_baseline {
            text += &format!("{:8} {:24} {}\n", "", "  LiveKit's web client", scenario.baseline_text());
        }
    }
    if let Some(receipts) = receipts(scenarios) {
        let Figures { p50, p95, max } = receipts;
        text += &format!(
            "from the end screen to the verified receipt, where nothing hindered it: p50 {p50:.3} s, p95 {p95:.3} s, max {max:.3} s\n"
        );
    }
    let again: u32 = scenarios.iter().flat_map(|scenario| &scenario.runs).map(|(_, line)| line.again).sum();
    if again > 0 {
        text += &format!(
            "{again} runs failed on a starved machine and were made again (`starved_ms` and `again` in line.json)\n"
        );
    }
    let failed = scenarios.iter().filter(|scenario| !scenario.passed()).count();
    text + &format!("{} scenarios, {} not passed\n", scenarios.len(), failed)
}

/// Seconds from the end screen to the receipt, of the runs of all sections but *backend*, where that is what
/// fails. What was saved first was hindered.
fn receipts(scenarios: &[ScenarioResult]) -> Option<Figures> {
    let free =
        scenarios.iter().filter(|scenario| scenario.section != "backend").flat_map(|scenario| &scenario.runs);
    let free = free.filter(|(_, line)| line.saved_s.is_none() && line.verdict == "pass");
    Figures::of(free.filter_map(|(_, line)| Some(line.delivered_s? - line.completed_s?)).collect())
}
