//! What is written down: journal entries as they happen, and the record at the end.

use adjourn_session::{Ending, Outcome, Role};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Kind of a journal entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The interview's head: see [`RecordHead`].
    Head,
    /// A finished piece of conversation, as the agent reports it.
    Said,
    /// A finished caption: what was spoken. Stands in where the agent reported no item.
    Caption,
    /// Something on the timeline: link, interviewer, devices.
    Timeline,
    /// The decision.
    Ending,
    /// A line that can't be read (any more). Never written: read in the place of one.
    Damaged,
}

impl Entry {
    /// In the place of a line that can't be read.
    pub(crate) fn damaged() -> Self {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        Self { kind: EntryKind::Damaged, at, mono_ms: 0, body: serde_json::Value::Null }
    }
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Wall clock.
    pub at: DateTime<Utc>,
    /// Monotonic milliseconds since this run of the client began.
    pub mono_ms: u64,
    /// Content.
    pub body: serde_json::Value,
}

/// Timeline: the room was entered; `detail.room_sid` is the id of this life of it.
pub const CONNECTED: &str = "connected";
/// Timeline: the connection to the room was restored; `detail` as with [`CONNECTED`].
pub const RECONNECTED: &str = "reconnected";
/// Timeline: this participant is the interviewer from now on; `detail` has its `sid` and `identity`.
pub const INTERVIEWER: &str = "interviewer_pinned";

/// Who and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordHead {
    /// The interview.
    pub interview_id: String,
    /// The attempt.
    pub attempt: i64,
    /// Name of the room.
    pub room: String,
    /// Version of the client.
    pub build: String,
    /// SHA-256 of the policy in force.
    pub policy_sha256: String,
}

#[cfg(test)]
impl RecordHead {
    /// Any interview's.
    pub(crate) fn example() -> Self {
        Self {
            interview_id: "i".into(),
            attempt: 1,
            room: "i".into(),
            build: "0".into(),
            policy_sha256: String::new(),
        }
    }
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptItem {
    /// The agent's id of the item.
    pub id: String,
    /// Who.
    pub role: Role,
    /// What.
    pub text: String,
    /// When it arrived here.
    pub at: DateTime<Utc>,
}

/// The candidate's side of an interview, as delivered. It is the candidate's word and marked so: where
/// the agent's own report exists, its transcript wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this format.
    pub format: u32,
    /// Whose word this is: always `client`.
    pub source: String,
    /// Who and where.
    #[serde(flatten)]
    pub head: RecordHead,
    /// Ids of the room's lives that the candidate was in, in order.
    #[serde(default)]
    pub room_sids: Vec<String>,
    /// Identities of the participants that were the interviewer, in order.
    #[serde(default)]
    pub interviewers: Vec<String>,
    /// The one word for how it ended.
    pub outcome: String,
    /// The decision with its evidence and times; `None` when it was made from the journal of a
    /// client that died.
    pub ending: Option<Ending>,
    /// What was said, in order.
    pub transcript: Vec<TranscriptItem>,
    /// What happened, in order.
    pub timeline: Vec<Entry>,
    /// When the record was made.
    pub made_at: DateTime<Utc>,
    /// Lines of the journal that could not be read: so much may be missing here.
    #[serde(default, skip_serializing_if = "none")]
    pub damaged: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn none(count: &u64) -> bool {
    *count == 0
}

impl Record {
    /// Makes the record out of the journal.
    pub fn from_journal(
        head: RecordHead,
        entries: Vec<Entry>,
        ending: Option<Ending>,
        made_at: DateTime<Utc>,
    ) -> Self {
        let outcome = ending
            .as_ref()
            .map_or(Outcome::Interrupted(adjourn_session::InterruptedWhy::ClientFailed), |ending| {
                ending.outcome
            });
        let mut transcript: Vec<TranscriptItem> = Vec::new();
        let mut captions: Vec<TranscriptItem> = Vec::new();
        let mut timeline = Vec::new();
        let mut damaged = 0;
        let mut read = |body| {
            let item = serde_json::from_value::<TranscriptItem>(body);
            damaged += u64::from(item.is_err());
            item.ok()
        };
        let mut unreadable = 0;
        for entry in entries {
            match entry.kind {
                EntryKind::Said => {
                    if let Some(item) = read(entry.body) {
                        // The same item comes again with a history; what came last is most complete.
                        let same = |known: &&mut TranscriptItem| known.id == item.id && !item.id.is_empty();
                        match transcript.iter_mut().find(same) {
                            Some(known) => known.text = item.text,
                            None => transcript.push(item),
                        }
                    }
                }
                EntryKind::Caption => {
                    if let Some(item) = read(entry.body) {
                        captions.retain(|known| known.id != item.id);
                        captions.push(item);
                    }
                }
                EntryKind::Damaged => unreadable += 1,
                EntryKind::Timeline => timeline.push(entry),
                EntryKind::Head | EntryKind::Ending => {}
            }
        }
        // livekit-agents closes a draining session before it reports the goodbye (seen with 1.8.9): what
        // was heard and is in no item is kept from the captions.
        let reported = transcript.clone();
        let mut used = vec![false; reported.len()];
        for caption in captions {
            let heard = letters(&caption.text);
            let near = |item: &TranscriptItem| (item.at - caption.at).abs() <= SAME_LINE;
            let item = reported.iter().zip(&used).position(|(item, used)| {
                let told = letters(&item.text);
                !used
                    && item.role == caption.role
                    && near(item)
                    && (told.contains(&heard) || cut_off(&told, &heard))
            });
            match item {
                // "Yes." twice is two answers: an item stands for one caption of the same words.
                Some(index) => {
                    let told = letters(&reported[index].text);
                    used[index] = told == heard || cut_off(&told, &heard);
                    if let Some(item) = transcript.get_mut(index).filter(|_| cut_off(&told, &heard)) {
                        // What was heard to its end counts.
                        item.text.clone_from(&caption.text);
                    }
                }
                None if !heard.is_empty() => transcript.push(caption),
                None => {}
            }
        }
        transcript.sort_by_key(|item| item.at);
        Self {
            format: 1,
            source: "client".to_owned(),
            head,
            room_sids: noted(&timeline, &[CONNECTED, RECONNECTED], "room_sid"),
            interviewers: noted(&timeline, &[INTERVIEWER], "identity"),
            outcome: outcome.to_string(),
            ending,
            transcript,
            timeline,
            made_at,
            damaged: damaged + unreadable,
        }
    }
}

/// What notes of these kinds say under `field`, in order, each value once.
fn noted(timeline: &[Entry], kinds: &[&str], field: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for entry in timeline {
        let (what, value) = (entry.body["what"].as_str(), entry.body["detail"][field].as_str());
        if let (Some(what), Some(value)) = (what, value)
            && kinds.contains(&what)
            && !value.is_empty()
            && !values.iter().any(|known| known == value)
        {
            values.push(value.to_owned());
        }
    }
    values
}

/// A caption and its item arrive within this of each other.
const SAME_LINE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// Whether an item's words are those of a caption without its last ones: livekit-agents drops a word now and then.
fn cut_off(told: &str, heard: &str) -> bool {
    told.len() < heard.len() && told.len() * 10 >= heard.len() * 8 && heard.starts_with(told)
}

/// A text without what differs between a caption and its item: spaces, punctuation, case.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind, id: &str, text: &str, second: i64) -> Entry {
        let at = DateTime::from_timestamp(second, 0).unwrap();
        let body = serde_json::json!({"id": id, "role": "interviewer", "text": text, "at": at});
        Entry { kind, at, mono_ms: 0, body }
    }

    #[test]
    fn a_goodbye_that_was_only_heard_is_in_the_transcript() {
        let head = RecordHead::example();
        let journal = vec![
            entry(EntryKind::Caption, "SG_1", "Hello, and  welcome", 1),
            entry(EntryKind::Said, "item_1", "Hello, and welcome.", 2),
            entry(EntryKind::Caption, "SG_2", "Good", 3),
            entry(EntryKind::Caption, "SG_2", "Goodbye!", 4),
            entry(EntryKind::Caption, "SG_3", "Hello", 90),
        ];
        let record = Record::from_journal(head, journal, None, Utc::now());
        let texts: Vec<_> = record.transcript.iter().map(|item| item.text.as_str()).collect();
        assert_eq!(texts, ["Hello, and welcome.", "Goodbye!", "Hello"]);
    }

    #[test]
    fn an_item_that_lost_its_last_word_is_the_caption_that_has_it() {
        let journal = vec![
            entry(EntryKind::Said, "item_1", "Please tell me about a project you are proud", 2),
            entry(EntryKind::Caption, "SG_1", "Please tell me about a project you are proud of.", 2),
            // Two answers, of which one begins with the other.
            entry(EntryKind::Said, "item_2", "Yes.", 10),
            entry(EntryKind::Caption, "SG_2", "Yes.", 10),
            entry(EntryKind::Caption, "SG_3", "Yes, I did that with three others for a year.", 12),
            // Of an agent that gives no ids.
            entry(EntryKind::Said, "", "One.", 20),
            entry(EntryKind::Said, "", "Two.", 21),
        ];
        let record = Record::from_journal(RecordHead::example(), journal, None, Utc::now());
        let texts: Vec<_> = record.transcript.iter().map(|item| item.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Please tell me about a project you are proud of.",
                "Yes.",
                "Yes, I did that with three others for a year.",
                "One.",
                "Two."
            ]
        );
    }

    #[test]
    fn a_line_that_can_t_be_read_is_counted() {
        let mut wrong = entry(EntryKind::Said, "item_1", "", 1);
        wrong.body = serde_json::json!({"id": "item_1", "rôle": "interviewer"});
        let journal = vec![entry(EntryKind::Said, "item_2", "Hello", 2), wrong, Entry::damaged()];
        let record = Record::from_journal(RecordHead::example(), journal, None, Utc::now());
        assert_eq!((record.transcript.len(), record.damaged), (1, 2));
        // A record without damage is written as it always was.
        let record = Record::from_journal(RecordHead::example(), vec![], None, Utc::now());
        assert!(!serde_json::to_string(&record).unwrap().contains("damaged"));
    }

    #[test]
    fn the_lives_of_the_room_and_its_interviewers_are_named_once_each() {
        let head = RecordHead::example();
        let note = |what: &str, detail: serde_json::Value| Entry {
            kind: EntryKind::Timeline,
            at: DateTime::from_timestamp(0, 0).unwrap(),
            mono_ms: 0,
            body: serde_json::json!({ "what": what, "detail": detail }),
        };
        let journal = vec![
            note(CONNECTED, serde_json::json!({ "room_sid": "RM_1" })),
            note(INTERVIEWER, serde_json::json!({ "sid": "PA_1", "identity": "agent-1" })),
            note(RECONNECTED, serde_json::json!({ "room_sid": "RM_1" })),
            note(CONNECTED, serde_json::json!({ "room_sid": "RM_2" })),
            note(INTERVIEWER, serde_json::json!({ "sid": "PA_2", "identity": null })),
        ];
        let record = Record::from_journal(head, journal, None, Utc::now());
        assert_eq!(
            (record.room_sids, record.interviewers),
            (vec!["RM_1".to_owned(), "RM_2".to_owned()], vec!["agent-1".to_owned()])
        );
    }
}
