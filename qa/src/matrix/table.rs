//! The table for a terminal.

use super::results::seconds;
use super::{Figures, RowResult};

pub(super) fn table(rows: &[RowResult]) -> String {
    let mut text = format!(
        "{:8} {:24} {:42} {:>5} {:>7} {:>7} {:>7} {:>7} {:>9}  verdict\n",
        "section", "scenario", "outcome", "runs", "p50 s", "p95 s", "max s", "bound", "suspect s"
    );
    let with_baseline = rows.iter().any(|row| !row.baseline.is_empty());
    for row in rows {
        let completed = row.figures(|line| line.completed_s);
        let suspect = row.figures(|line| line.suspect_s);
        let verdict = match &row.missing {
            Some(missing) => format!("not run: {missing}"),
            None => {
                let passed = row.runs.iter().filter(|(_, line)| line.verdict == "pass").count();
                if row.passed() {
                    "pass".to_owned()
                } else {
                    format!("FAIL ({passed} of {} passed)", row.runs.len())
                }
            }
        };
        text += &format!(
            "{:8} {:24} {:42} {:>5} {:>7} {:>7} {:>7} {:>7} {:>9}  {verdict}\n",
            row.section,
            row.id,
            row.outcome,
            row.runs.len(),
            seconds(completed.map(|f| f.p50)),
            seconds(completed.map(|f| f.p95)),
            seconds(completed.map(|f| f.max)),
            seconds(row.bound),
            seconds(suspect.map(|f| f.p95)),
        );
        if with_baseline {
            text += &format!("{:8} {:24} {}\n", "", "  LiveKit's web client", row.baseline_text());
        }
    }
    if let Some(receipts) = receipts(rows) {
        let Figures { p50, p95, max } = receipts;
        text += &format!(
            "from the end screen to the verified receipt, where nothing hindered it: p50 {p50:.3} s, p95 {p95:.3} s, max {max:.3} s\n"
        );
    }
    let again: u32 = rows.iter().flat_map(|row| &row.runs).map(|(_, line)| line.again).sum();
    if again > 0 {
        text += &format!(
            "{again} runs failed on a starved machine and were made again (`starved_ms` and `again` in line.json)\n"
        );
    }
    let failed = rows.iter().filter(|row| !row.passed()).count();
    text + &format!("{} scenarios, {} not passed\n", rows.len(), failed)
}

/// Seconds from the end screen to the receipt, of the runs of all sections but *backend*, where that is what
/// fails. What was saved first was hindered.
fn receipts(rows: &[RowResult]) -> Option<Figures> {
    let free = rows.iter().filter(|row| row.section != "backend").flat_map(|row| &row.runs);
    let free = free.filter(|(_, line)| line.saved_s.is_none() && line.verdict == "pass");
    Figures::of(free.filter_map(|(_, line)| Some(line.delivered_s? - line.completed_s?)).collect())
}
