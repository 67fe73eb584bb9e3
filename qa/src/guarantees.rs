//! Who is told of an interview's end, whatever fails: as a table.

use std::fmt::Write as _;

use crate::matrix::{Figures, ScenarioResult};
use crate::scenario::Way;

/// The scenarios that are about it.
pub const SECTION: &str = "guarantees";

/// Each way, as the table calls it.
const WAYS: [(Way, &str); 8] = [
    (Way::Close, "`close`"),
    (Way::SessionEnd, "`on_session_end`"),
    (Way::LivekitLeft, "LiveKit: `participant_left`"),
    (Way::LivekitFinished, "LiveKit: `room_finished`"),
    (Way::WebhookEnded, "our webhook: ended"),
    (Way::FeedEnded, "our feed: ended"),
    (Way::WebhookReport, "our webhook: the report"),
    (Way::FeedReport, "our feed: the report"),
];

/// In Markdown: a line for each scenario, and of each way in how many runs it told, and after how many seconds (the median).
pub fn table(results: &[ScenarioResult]) -> String {
    let heads = WAYS.map(|(_, head)| head).join(" | ");
    let mut text = format!("| what happens | {heads} |\n| --- |{}\n", " --- |".repeat(WAYS.len()));
    for result in results {
        let cells = WAYS.map(|(way, _)| cell(result, way)).join(" | ");
        // Nothing can go wrong in a string.
        let _ = writeln!(text, "| {} | {cells} |", result.cause);
    }
    text
}

fn cell(result: &ScenarioResult, way: Way) -> String {
    // By some way word comes in each: a run without any was broken off.
    let measured = result.runs.iter().map(|(_, line)| &line.told).filter(|told| !told.is_empty());
    let told: Vec<f64> = measured.clone().filter_map(|told| told.get(&way).copied()).collect();
    let (times, runs) = (told.len(), measured.count());
    match Figures::of(told) {
        None if runs == 0 => "not measured".to_owned(),
        None => "never".to_owned(),
        // It came before the word by which seconds are counted, on its way.
        Some(Figures { p50, .. }) if times == runs => format!("{:.1} s", p50.max(0.0)),
        Some(Figures { p50, .. }) => format!("{times} of {runs}, {:.1} s", p50.max(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunReport;

    #[test]
    fn a_way_that_told_now_and_then_is_no_guarantee() {
        let scenario =
            crate::scenario::all(None).unwrap().into_iter().find(|s| s.section == SECTION).unwrap();
        let mut result = ScenarioResult::new(&scenario, None);
        for (seed, told) in
            [(1, vec![(Way::Close, 0.25), (Way::FeedEnded, 2.0)]), (2, vec![(Way::FeedEnded, 4.0)])]
        {
            let mut line = RunReport::broken(&scenario.id, seed, None, String::new());
            line.told = told.into_iter().collect();
            result.runs.push((std::path::PathBuf::from("nowhere"), line));
        }
        let table = super::table(&[result]);
        let line: Vec<&str> = table.lines().nth(2).unwrap().split(" | ").skip(1).collect();
        assert_eq!(line[..2], ["1 of 2, 0.2 s", "never"], "{table}");
        assert_eq!(line[5], "2.0 s", "{table}");
        // Of what could not be measured, nobody says that it never comes.
        let mut broken = ScenarioResult::new(&scenario, None);
        let line = RunReport::broken(&scenario.id, 1, None, String::new());
        broken.runs.push((std::path::PathBuf::from("nowhere"), line));
        assert!(!super::table(&[broken]).contains("never"));
    }
}
