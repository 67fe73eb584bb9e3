//! Interviewers that were lost, and those in their place: how long that took, and whether they go on with the conversation.

use std::collections::{BTreeMap, BTreeSet};

use adjourn_cli::replay::Trace;
use adjourn_protocol::{Note, Record};
use adjourn_session::{AgentState, Input};
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
    for path in &bed.traces {
        // A client that was only started to deliver has none.
        let Ok(trace) = Trace::read(path) else { continue };
        let at_once = heard_at_once(&trace);
        if !at_once.is_empty() {
            failures.push(format!("two interviewers were heard at once: {at_once:?}"));
        }
    }
    Ok(())
}

/// Interviewers whose sound still arrived when another one's had begun to, each with when, in milliseconds of the trace.
fn heard_at_once(trace: &Trace) -> Vec<(String, u64)> {
    // Of each: the packets of its tracks, when the first one came, and the last.
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut heard: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for entry in &trace.entries {
        let Some(Input::RtpPackets { sid, track, packets }) = &entry.input else { continue };
        let before = counts.insert((sid, track), *packets).unwrap_or(0);
        if *packets > before {
            let at = entry.at.0;
            heard.entry(sid).and_modify(|(_, last)| *last = at).or_insert((at, at));
        }
    }
    let later = |sid: &str, began: u64, until: u64| {
        heard.iter().any(|(other, (first, _))| *other != sid && began < *first && *first < until)
    };
    heard
        .iter()
        .filter(|(sid, (first, last))| later(sid, *first, *last))
        .map(|(sid, (_, last))| ((*sid).to_owned(), *last))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(of: &[(u64, &str, u64)]) -> Vec<(String, u64)> {
        let entries = of.iter().map(|(at, sid, packets)| {
            format!(
                r#"{{"at":{at},"input":"rtp_packets","sid":"{sid}","track":"TR_{sid}","packets":{packets}}}"#
            )
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        std::fs::write(&path, entries.collect::<Vec<_>>().join("\n")).unwrap();
        heard_at_once(&Trace::read(&path).unwrap())
    }

    #[test]
    fn two_that_are_heard_at_once_are_found() {
        let one_after_the_other = [
            (500, "A", 5),
            (1_000, "A", 9),
            (1_500, "A", 9),
            (2_000, "B", 4),
            (2_500, "A", 9),
            (2_500, "B", 8),
        ];
        assert!(heard(&one_after_the_other).is_empty());
        let at_once = [(500, "A", 5), (1_000, "B", 4), (1_500, "A", 6), (1_500, "B", 8)];
        assert_eq!(heard(&at_once), [("A".to_owned(), 1_500)]);
    }
}
