//! What an earlier run of the client saw and wrote down, and what still counts of it.

use adjourn_protocol::{Entry, Line, Note, Role, ToolEnded};
use chrono::{DateTime, TimeDelta, Utc};

use crate::told::Told;

/// A tool that ended longer before this run of the client was started says nothing of what goes on now: the talk went on
/// without us. From then on it may take as long as a person needs to join.
const STILL_COUNTS: TimeDelta = TimeDelta::seconds(15);

/// What counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    /// The last thing that was seen, if it was a tool of the interviewer.
    pub(crate) tool: Option<ToolEnded>,
    /// What was said.
    pub(crate) told: Told,
    /// The interview went on already.
    pub(crate) live: bool,
    /// What the candidate needs, as it was noted last; empty: nothing.
    pub(crate) adjustment: String,
    /// The last thing that was seen, however long ago: in a room that is empty now it is still the last thing.
    pub(crate) last_tool: Option<ToolEnded>,
}

impl Before {
    /// `started`: when this run of the client began.
    pub(crate) fn read(journal: &[Entry], started: DateTime<Utc>) -> Self {
        let last = last_tool(journal);
        let counts = |at: DateTime<Utc>| (TimeDelta::zero()..=STILL_COUNTS).contains(&(started - at));
        Self {
            tool: last.as_ref().filter(|(_, at)| counts(*at)).map(|(tool, _)| tool.clone()),
            told: Told::of(journal),
            live: journal.iter().any(|entry| entry.line == Line::Timeline(Note::Live)),
            adjustment: journal.iter().rev().find_map(adjustment).unwrap_or_default(),
            last_tool: last.map(|(tool, _)| tool),
        }
    }
}

fn adjustment(entry: &Entry) -> Option<String> {
    if let Line::Timeline(Note::AdjustmentAsked { text }) = &entry.line { Some(text.clone()) } else { None }
}

/// The last thing that the interviewer did, if it was a tool, and the candidate said nothing since; and when. Who was
/// closed in the middle of a goodbye, and opened again, does not hear of it a second time.
fn last_tool(journal: &[Entry]) -> Option<(ToolEnded, DateTime<Utc>)> {
    let mut last = None;
    // What the candidate said before it: the caption of the same words may be finished later.
    let mut words: Vec<&str> = Vec::new();
    for entry in journal {
        match &entry.line {
            Line::Timeline(Note::ToolEnded(tool)) => last = Some((tool.clone(), entry.at)),
            // Another one ended after it, and can't be read.
            Line::Unreadable(line) if line.body["what"] == "tool_ended" => last = None,
            Line::Said(turn) | Line::Caption(turn) if turn.role == Role::Candidate => {
                let text = turn.text.trim();
                let of_before = |said: &&str| begins(said, text);
                let late = matches!(entry.line, Line::Caption(_)) && words.last().is_some_and(of_before);
                if !late {
                    last = None;
                }
                words.push(text);
            }
            Line::Timeline(_) | Line::Said(_) | Line::Caption(_) | Line::Ending(_) | Line::Unreadable(_) => {}
        }
    }
    last
}

/// Whether what was said begins with these words.
fn begins(said: &str, with: &str) -> bool {
    fn words(text: &str) -> Vec<String> {
        let apart = |c: char| !c.is_alphanumeric();
        text.split(apart).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    }
    words(said).starts_with(&words(with))
}

#[cfg(test)]
mod tests {
    use adjourn_protocol::{Turn, Unreadable};

    use super::*;

    #[test]
    fn a_tool_counts_as_long_as_it_is_the_last_word() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let entry = |second, line| Entry { at: at(second), mono_ms: 0, line };
        let tool = ToolEnded { sid: "PA_1".into(), name: "end".into(), ok: true, call_id: "c".into() };
        let ended = || entry(10, Line::Timeline(Note::ToolEnded(tool.clone())));
        let turn = |role, text: &str| Turn { id: String::new(), role, text: text.to_owned(), at: at(12) };
        let said = |role| entry(12, Line::Said(turn(role, "Goodbye")));
        let last = |journal: &[Entry], second| Before::read(journal, at(second)).tool;
        assert_eq!(last(&[ended()], 13), Some(tool.clone()));
        assert_eq!(last(&[ended(), said(Role::Interviewer)], 25), Some(tool.clone()), "its goodbye");
        assert_eq!(last(&[ended(), said(Role::Candidate)], 13), None, "perhaps a question");
        assert_eq!(last(&[said(Role::Candidate), ended()], 13), Some(tool.clone()));
        let caption = |text: &str| entry(12, Line::Caption(turn(Role::Candidate, text)));
        let late = [said(Role::Candidate), ended(), caption("goodbye.")];
        assert_eq!(last(&late, 13), Some(tool.clone()), "of words that were said before");
        assert_eq!(last(&[said(Role::Candidate), ended(), caption("Good")], 13), None, "another word");
        assert_eq!(last(&[said(Role::Candidate), ended(), caption("But wait")], 13), None);
        assert_eq!(last(&[ended()], 26), None, "long ago");
        // In a room that is empty it is the last thing all the same.
        let before = Before::read(&[entry(1, Line::Timeline(Note::Live)), ended()], at(26));
        assert_eq!((before.live, before.last_tool), (true, Some(tool.clone())));
        assert!(!Before::read(&[ended()], at(26)).live);
        assert_eq!(last(&[ended()], 9), None, "the clock was taken back");
        let body = serde_json::json!({"what": "tool_ended", "detail": {"name": 7}});
        let strange = entry(11, Line::Unreadable(Unreadable { kind: "timeline".to_owned(), body }));
        assert_eq!(last(&[ended(), strange], 13), None, "another one came after it, and can't be read");
        assert_eq!(last(&[ended(), Entry::lost()], 13), Some(tool.clone()), "a line that was damaged");
    }
}
