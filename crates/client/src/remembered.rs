//! What an earlier run of the client saw and wrote down, and what still counts of it.

use adjourn_outbox::{Entry, EntryKind};
use adjourn_session::{Input, Role};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::told::Told;

/// On the timeline: the interview began.
pub(crate) const LIVE: &str = "live";
/// On the timeline: a tool of the interviewer ended.
pub const TOOL_ENDED: &str = "tool_ended";

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
    /// The last thing that was seen, however long ago: in a room that is empty now it is still the last thing.
    pub(crate) last_tool: Option<ToolEnded>,
}

impl Before {
    /// `started`: when this run of the client began.
    pub(crate) fn read(journal: &[Entry], started: DateTime<Utc>) -> Self {
        let last = ToolEnded::last(journal);
        let counts = |at: DateTime<Utc>| (TimeDelta::zero()..=STILL_COUNTS).contains(&(started - at));
        Self {
            tool: last.as_ref().filter(|(_, at)| counts(*at)).map(|(tool, _)| tool.clone()),
            told: Told::of(journal),
            live: journal.iter().any(|entry| entry.kind == EntryKind::Timeline && entry.body["what"] == LIVE),
            last_tool: last.map(|(tool, _)| tool),
        }
    }
}

/// Detail of [`TOOL_ENDED`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToolEnded {
    /// The interviewer's presence.
    pub(crate) sid: String,
    /// The tool.
    pub(crate) name: String,
    /// Whether it succeeded.
    pub(crate) ok: bool,
    /// The call.
    pub(crate) call_id: String,
}

impl ToolEnded {
    /// The tool of which this tells, if it does.
    pub(crate) fn of(input: &Input) -> Option<Self> {
        let Input::ToolEnded { sid, name, ok, call_id } = input else { return None };
        Some(Self { sid: sid.clone(), name: name.clone(), ok: *ok, call_id: call_id.clone() })
    }

    /// The last thing that the interviewer did, if it was a tool, and the candidate said nothing since; and when. Who was
    /// closed in the middle of a goodbye, and opened again, does not hear of it a second time.
    fn last(journal: &[Entry]) -> Option<(Self, DateTime<Utc>)> {
        let mut last = None;
        // What the candidate said before it: the caption of the same words may be finished later.
        let mut words: Vec<&str> = Vec::new();
        for entry in journal {
            match entry.kind {
                EntryKind::Timeline if entry.body["what"] == TOOL_ENDED => {
                    last = serde_json::from_value(entry.body["detail"].clone())
                        .ok()
                        .map(|tool| (tool, entry.at));
                }
                EntryKind::Said | EntryKind::Caption
                    if serde_json::from_value(entry.body["role"].clone()).ok() == Some(Role::Candidate) =>
                {
                    let text = entry.body["text"].as_str().unwrap_or_default().trim();
                    let late = entry.kind == EntryKind::Caption
                        && words.last().is_some_and(|said| begins(said, text));
                    if !late {
                        last = None;
                    }
                    words.push(text);
                }
                EntryKind::Timeline
                | EntryKind::Said
                | EntryKind::Caption
                | EntryKind::Head
                | EntryKind::Ending
                | EntryKind::Damaged => {}
            }
        }
        last
    }

    pub(crate) fn input(self) -> Input {
        Input::ToolEnded { sid: self.sid, name: self.name, ok: self.ok, call_id: self.call_id }
    }
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
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tool_counts_as_long_as_it_is_the_last_word() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let entry = |kind, second, body| Entry { kind, at: at(second), mono_ms: 0, body };
        let tool = ToolEnded { sid: "PA_1".into(), name: "end".into(), ok: true, call_id: "c".into() };
        let ended = || entry(EntryKind::Timeline, 10, json!({ "what": TOOL_ENDED, "detail": tool.clone() }));
        let said = |role: &str| entry(EntryKind::Said, 12, json!({ "role": role, "text": "Goodbye" }));
        let last = |journal: &[Entry], second| Before::read(journal, at(second)).tool;
        assert_eq!(last(&[ended()], 13), Some(tool.clone()));
        assert_eq!(last(&[ended(), said("interviewer")], 25), Some(tool.clone()), "its goodbye");
        assert_eq!(last(&[ended(), said("candidate")], 13), None, "perhaps a question");
        assert_eq!(last(&[said("candidate"), ended()], 13), Some(tool.clone()));
        let caption =
            |text: &str| entry(EntryKind::Caption, 12, json!({ "role": "candidate", "text": text }));
        let late = [said("candidate"), ended(), caption("goodbye.")];
        assert_eq!(last(&late, 13), Some(tool.clone()), "of words that were said before");
        assert_eq!(last(&[said("candidate"), ended(), caption("Good")], 13), None, "another word");
        assert_eq!(last(&[said("candidate"), ended(), caption("But wait")], 13), None);
        assert_eq!(last(&[ended()], 26), None, "long ago");
        // In a room that is empty it is the last thing all the same.
        let live = entry(EntryKind::Timeline, 1, json!({ "what": LIVE, "detail": null }));
        let before = Before::read(&[live, ended()], at(26));
        assert_eq!((before.live, before.last_tool), (true, Some(tool.clone())));
        assert!(!Before::read(&[ended()], at(26)).live);
        assert_eq!(last(&[ended()], 9), None, "the clock was taken back");
        let strange = entry(EntryKind::Timeline, 11, json!({ "what": TOOL_ENDED, "detail": { "name": 7 } }));
        assert_eq!(last(&[ended(), strange], 13), None, "something came after it that can't be read");
    }
}
