//! Interviewers that were lost, and those in their place: how long that took, and whether they go on with the conversation.

use std::collections::BTreeSet;

use adjourn_protocol::{Note, Record};
use adjourn_session::AgentState;
use chrono::{DateTime, Utc};

use super::bed::ScenarioBed;
use super::report::RunReport;
use crate::scenario::Scenario;

pub(super) async fn look(
    scenario: &Scenario,
    bed: &ScenarioBed,
    line: &mut RunReport,
    failures: &mut Vec<String>,
) -> anyhow::Result<()> {
    if scenario.replacements == 0 {
        return Ok(());
    }
    let record: Record = serde_json::from_slice(&bed.backend.record(&bed.invitation.id, 1).await?)?;
    line.replaced_s = took(&record).into_iter().reduce(f64::max);
    if let Some(bound) = scenario.expect.replaced
        && line.replaced_s.is_none_or(|took| took > bound)
    {
        failures.push(format!(
            "the first word of the interviewer in the lost one's place came after {:?} s, the bound is {bound} s",
            line.replaced_s
        ));
    }
    know_what_was_said(bed, failures);
    Ok(())
}

/// Of each interviewer in another's place: seconds from the loss to its first word.
fn took(record: &Record) -> Vec<f64> {
    let mut took = Vec::new();
    let (mut lost, mut came): (Option<DateTime<Utc>>, bool) = (None, false);
    for (at, note) in record.timeline.iter().filter_map(|entry| Some((entry.at, entry.line.note()?))) {
        if matches!(note, Note::InterviewerLost { .. }) {
            (lost, came) = (Some(at), false);
        } else if matches!(note, Note::InterviewerPinned { .. }) {
            came = lost.is_some();
        } else if came && matches!(note, Note::Interviewer { state: AgentState::Speaking }) {
            took.extend(lost.take().map(|lost| (at - lost).as_seconds_f64()));
            came = false;
        }
    }
    took
}

/// Each one that came in another's place knows every turn that was said before it.
fn know_what_was_said(bed: &ScenarioBed, failures: &mut Vec<String>) {
    let events = bed.events();
    for came in events.iter().filter(|event| event.event == "history") {
        let turns = |event: &&adjourn_testbed::AgentEvent| {
            event.event == "item"
                && event.at < came.at
                && event.role.as_deref().is_some_and(|r| r != "system")
        };
        let before: BTreeSet<&str> =
            events.iter().filter(turns).filter_map(|event| event.id.as_deref()).collect();
        if came.turns != Some(before.len()) {
            failures.push(format!(
                "an interviewer that took another's place knows {:?} turns, {} were said",
                came.turns,
                before.len()
            ));
        }
    }
}
