//! The record: the candidate's side of an interview, made out of the journal.

use adjourn_session::{Ending, InterruptedWhy, Outcome, Role};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Entry, Line, Note, Source};

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

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
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
    /// Whose word this is: always the client's.
    pub source: Source,
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
    #[serde(with = "crate::outcome")]
    pub outcome: Outcome,
    /// The decision with its evidence and times; `None` when it was made from the journal of a
    /// client that died.
    pub ending: Option<Ending>,
    /// What was said, in order.
    pub transcript: Vec<Turn>,
    /// What happened, in order; and lines that could not be read, as they are.
    pub timeline: Vec<Entry>,
    /// When the record was made.
    pub made_at: DateTime<Utc>,
    /// Lines of the journal that could not be read: so much may be missing here.
    #[serde(default, skip_serializing_if = "none")]
    pub damaged: u64,
}

/// The decision, as it is in the journal's last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The decision with its evidence and times; `None` of a client that died.
    pub ending: Option<Ending>,
    /// The one word for it.
    #[serde(with = "crate::outcome")]
    pub outcome: Outcome,
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
        let failed = Outcome::Interrupted(InterruptedWhy::ClientFailed);
        let outcome = ending.as_ref().map_or(failed, |ending| ending.outcome);
        let mut transcript: Vec<Turn> = Vec::new();
        let mut captions: Vec<Turn> = Vec::new();
        let mut timeline = Vec::new();
        let mut damaged = 0;
        for entry in entries {
            match &entry.line {
                Line::Said(turn) => {
                    // The same turn comes again with a history; what came last is most complete.
                    let same = |known: &&mut Turn| known.id == turn.id && !turn.id.is_empty();
                    match transcript.iter_mut().find(same) {
                        Some(known) => known.text.clone_from(&turn.text),
                        None => transcript.push(turn.clone()),
                    }
                }
                Line::Caption(caption) => {
                    captions.retain(|known| known.id != caption.id);
                    captions.push(caption.clone());
                }
                Line::Unreadable(unreadable) => {
                    damaged += 1;
                    if !unreadable.body.is_null() {
                        timeline.push(entry);
                    }
                }
                Line::Timeline(_) => timeline.push(entry),
                Line::Ending(_) => {}
            }
        }
        // livekit-agents closes a draining session before it reports the goodbye (seen with 1.8.9): what
        // was heard and is in no item is kept from the captions.
        let reported = transcript.clone();
        let mut used = vec![false; reported.len()];
        let near = |item: &Turn, caption: &Turn| {
            item.role == caption.role && (item.at - caption.at).abs() <= SAME_LINE
        };
        let mut left = Vec::new();
        for caption in captions {
            if is_typed(&caption.id) {
                // What was typed is exact: it is a turn as it is, or one of its own.
                let same = |item: &Turn| near(item, &caption) && item.text.trim() == caption.text;
                match reported.iter().zip(&used).position(|(item, used)| !used && same(item)) {
                    Some(index) => used[index] = true,
                    None => transcript.push(caption),
                }
                continue;
            }
            let heard = letters(&caption.text);
            let item = reported.iter().zip(&used).position(|(item, used)| {
                !used && near(item, &caption) && letters(&item.text).contains(&heard)
            });
            match item {
                // "Yes." twice is two answers: an item stands for one caption of the same words.
                Some(index) => used[index] = letters(&reported[index].text) == heard,
                None => left.push((caption, heard)),
            }
        }
        // What is nobody's word for word may be the rest of a line whose item ends too soon.
        for (caption, heard) in left {
            let items = reported.iter().enumerate().filter(|(index, item)| {
                !used[*index] && near(item, &caption) && cut_off(item.role, &letters(&item.text), &heard)
            });
            match items.min_by_key(|(_, item)| (item.at - caption.at).abs()) {
                // What was heard to its end counts.
                Some((index, _)) => {
                    used[index] = true;
                    transcript[index].text.clone_from(&caption.text);
                }
                None if !heard.is_empty() => transcript.push(caption),
                None => {}
            }
        }
        transcript.sort_by_key(|item| item.at);
        Self {
            format: 1,
            source: Source::Client,
            head,
            room_sids: once_each(&timeline, Note::room_sid),
            interviewers: once_each(&timeline, Note::interviewer),
            outcome,
            ending,
            transcript,
            timeline,
            made_at,
            damaged,
        }
    }
}

/// What notes say, in order, each value once.
fn once_each<'a>(timeline: &'a [Entry], of: impl Fn(&'a Note) -> Option<&'a String>) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for entry in timeline {
        if let Some(note) = entry.line.note()
            && let Some(value) = of(note).filter(|value| !value.is_empty())
            && !values.contains(value)
        {
            values.push(value.clone());
        }
    }
    values
}

/// Longest word of what a candidate needs ([`crate::Note::AdjustmentAsked`]), in characters.
pub const LONGEST_ADJUSTMENT: usize = 1_000;

/// How the names of captions begin that the candidate typed.
pub const TYPED: &str = "typed-";

/// Whether a caption has a name that only typed text has.
pub fn is_typed(caption: &str) -> bool {
    caption.starts_with(TYPED)
}

/// A caption and its item arrive within this of each other.
const SAME_LINE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// So many letters of the interviewer's begin no other line of its by chance.
const OF_ONE_LINE: usize = 12;

/// Whether an item's words are those of a caption without its last ones: livekit-agents drops a word now and then, and an item of an
/// interviewer that was interrupted ends where its voice did, its caption some words later.
fn cut_off(role: Role, told: &str, heard: &str) -> bool {
    let (own, whole) = (told.chars().count(), heard.chars().count());
    let enough = role == Role::Interviewer && own >= OF_ONE_LINE;
    own < whole && heard.starts_with(told) && (own * 10 >= whole * 8 || enough)
}

/// A text without what differs between a caption and its item: spaces, punctuation, case.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Unreadable;

    fn head() -> RecordHead {
        RecordHead {
            interview_id: "i".into(),
            attempt: 1,
            room: "i".into(),
            build: "0".into(),
            policy_sha256: String::new(),
        }
    }

    type Kind = fn(Turn) -> Line;

    fn entry(kind: Kind, id: &str, text: &str, second: i64) -> Entry {
        let at = DateTime::from_timestamp(second, 0).unwrap();
        let turn = Turn { id: id.to_owned(), role: Role::Interviewer, text: text.to_owned(), at };
        Entry { at, mono_ms: 0, line: kind(turn) }
    }

    fn texts(journal: Vec<Entry>) -> Vec<String> {
        let record = Record::from_journal(head(), journal, None, Utc::now());
        record.transcript.into_iter().map(|turn| turn.text).collect()
    }

    #[test]
    fn a_goodbye_that_was_only_heard_is_in_the_transcript() {
        let journal = vec![
            entry(Line::Caption, "SG_1", "Hello, and  welcome", 1),
            entry(Line::Said, "item_1", "Hello, and welcome.", 2),
            entry(Line::Caption, "SG_2", "Good", 3),
            entry(Line::Caption, "SG_2", "Goodbye!", 4),
            entry(Line::Caption, "SG_3", "Hello", 90),
        ];
        assert_eq!(texts(journal), ["Hello, and welcome.", "Goodbye!", "Hello"]);
    }

    #[test]
    fn an_item_that_lost_its_last_word_is_the_caption_that_has_it() {
        let journal = vec![
            entry(Line::Said, "item_1", "Please tell me about a project you are proud", 2),
            entry(Line::Caption, "SG_1", "Please tell me about a project you are proud of.", 2),
            // Two answers, of which one begins with the other.
            entry(Line::Said, "item_2", "Yes.", 10),
            entry(Line::Caption, "SG_2", "Yes.", 10),
            entry(Line::Caption, "SG_3", "Yes, I did that with three others for a year.", 12),
            // Interrupted: its item ends sooner than what was shown of it.
            entry(Line::Said, "item_3", "And what did you le", 15),
            entry(Line::Caption, "SG_4", "And what did you learn from it, in the end?", 15),
            // Interrupted, and asked once more: each caption has its own item.
            entry(Line::Said, "item_5", "How large was the te", 30),
            entry(Line::Caption, "SG_5", "How large was the", 30),
            entry(Line::Said, "item_6", "How large was the team?", 40),
            entry(Line::Caption, "SG_6", "How large was the team?", 40),
            // Of an agent that gives no ids.
            entry(Line::Said, "", "One.", 50),
            entry(Line::Said, "", "Two.", 51),
        ];
        assert_eq!(
            texts(journal),
            [
                "Please tell me about a project you are proud of.",
                "Yes.",
                "Yes, I did that with three others for a year.",
                "And what did you learn from it, in the end?",
                "How large was the te",
                "How large was the team?",
                "One.",
                "Two."
            ]
        );
    }

    #[test]
    fn a_line_that_can_t_be_read_is_counted_and_kept() {
        let body = json!({"id": "item_1", "rôle": "interviewer", "text": "a secret wish"});
        let wrong = json!({"kind": "said", "at": "2026-11-01T10:00:00Z", "mono_ms": 1, "body": body});
        let wrong: Entry = serde_json::from_value(wrong).unwrap();
        assert_eq!(wrong.line, Line::Unreadable(Unreadable { kind: "said".to_owned(), body }));
        let journal = vec![entry(Line::Said, "item_2", "Hello", 2), wrong, Entry::lost()];
        let record = Record::from_journal(head(), journal, None, Utc::now());
        assert_eq!((record.transcript.len(), record.damaged), (1, 2));
        assert!(serde_json::to_string(&record).unwrap().contains("a secret wish"));
        // A record without damage is written as it always was.
        let record = Record::from_journal(head(), vec![], None, Utc::now());
        assert!(!serde_json::to_string(&record).unwrap().contains("damaged"));
    }

    #[test]
    fn the_lives_of_the_room_and_its_interviewers_are_named_once_each() {
        let note = |note: Note| Entry { at: DateTime::UNIX_EPOCH, mono_ms: 0, line: Line::Timeline(note) };
        let (first, second) = ("RM_1".to_owned(), "RM_2".to_owned());
        let pinned = |sid: &str, identity: Option<&str>| {
            note(Note::InterviewerPinned { sid: sid.to_owned(), identity: identity.map(str::to_owned) })
        };
        let journal = vec![
            note(Note::Connected { room_sid: first.clone() }),
            pinned("PA_1", Some("agent-1")),
            note(Note::Reconnected { room_sid: first.clone() }),
            note(Note::Connected { room_sid: second.clone() }),
            pinned("PA_2", None),
        ];
        let record = Record::from_journal(head(), journal, None, Utc::now());
        assert_eq!(
            (record.room_sids, record.interviewers),
            (vec![first, second], vec!["agent-1".to_owned()])
        );
    }
}
