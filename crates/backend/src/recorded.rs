//! What is read out of stored records: turns, and a few words. A record is somebody else's, of up to 8 MiB: what is read is
//! borrowed from it, what is not asked for costs nothing, and what can't be read is counted, not left out.

use std::fmt;

use adjourn_protocol::{Entry, LONGEST_ADJUSTMENT, Note};
use adjourn_session::Role;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Turns of one record that are kept and read at most: eight hours have a few thousand.
pub(crate) const MOST: usize = 20_000;
/// Longest turn in characters.
const LONGEST: usize = 64 * 1024;

/// One turn of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Its id in the agent's session.
    #[schema(max_length = 128)]
    pub id: String,
    /// Who said it.
    pub role: ChatRole,
    /// What was said.
    pub text: String,
    /// Seconds since 1970.
    #[serde(default)]
    pub created_at: f64,
    /// Whether it was cut short.
    #[serde(default)]
    pub interrupted: bool,
    /// Who says so: `client` or `agent:<job id>`. Told in transcripts; what a sender says of it is nobody's word.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub told_by: Option<String>,
}

/// Who said something, as livekit-agents calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// The candidate.
    User,
    /// The interviewer.
    Assistant,
}

/// The turns of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Turns {
    pub(crate) items: Vec<Item>,
    /// Something in it is no turn, or there are more than are read; or the record itself says that something was lost on its way into
    /// it.
    pub(crate) unreadable: usize,
}

impl Turns {
    /// Of a record that can't be read at all.
    fn none() -> Self {
        Self { items: Vec::new(), unreadable: 1 }
    }
}

/// The messages of livekit-agents' `SessionReport.to_dict()`; instructions and tools are left out.
pub(crate) fn of_agent(body: &str) -> Turns {
    #[derive(Deserialize)]
    struct Report<'a> {
        #[serde(borrow)]
        chat_history: Option<&'a RawValue>,
        /// Of a report that was made of what a dead job had left on its disk: lines of it that nobody can read.
        #[serde(borrow)]
        unreadable: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct History<'a> {
        #[serde(borrow)]
        items: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
        #[serde(borrow)]
        role: Option<&'a RawValue>,
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        content: Option<&'a RawValue>,
        #[serde(borrow)]
        created_at: Option<&'a RawValue>,
        #[serde(borrow)]
        interrupted: Option<&'a RawValue>,
    }
    let Ok(Report { chat_history, unreadable }) = serde_json::from_str(body) else { return Turns::none() };
    let mut turns = Turns { items: Vec::new(), unreadable: lost(unreadable) };
    let Some(history) = chat_history else { return turns };
    let Ok(History { items }) = serde_json::from_str(history.get()) else { return Turns::none() };
    let Some(items) = items else { return turns };
    let Ok(items) = serde_json::from_str::<Elements<'_>>(items.get()) else { return Turns::none() };
    turns.unreadable += items.count - items.first.len();
    for raw in items.first {
        let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else {
            turns.unreadable += 1;
            continue;
        };
        if text(message.kind).as_deref() != Some("message") {
            continue;
        }
        let role = match text(message.role).as_deref() {
            Some("user") => ChatRole::User,
            Some("assistant") => ChatRole::Assistant,
            // What the model was told.
            Some("system" | "developer") => continue,
            _ => {
                turns.unreadable += 1;
                continue;
            }
        };
        let Some(content) = value::<Elements<'_>>(message.content) else {
            turns.unreadable += 1;
            continue;
        };
        let said: Vec<String> = content.first.into_iter().filter_map(|raw| text(Some(raw))).collect();
        let at = value(message.created_at).unwrap_or_else(|| time_of_the_last(&turns.items));
        turns.items.push(item(
            &text(message.id).unwrap_or_default(),
            role,
            said.join(" "),
            at,
            value(message.interrupted).unwrap_or(false),
        ));
    }
    turns
}

/// Where a turn does not say when it was, it comes after the one before it.
fn time_of_the_last(items: &[Item]) -> f64 {
    items.last().map_or(0.0, |item| item.created_at)
}

/// A count of what was lost. What can't be read as one lost something, too.
fn lost(count: Option<&RawValue>) -> usize {
    count.map_or(0, |raw| value(Some(raw)).unwrap_or(1))
}

/// The transcript of a client's record. What has no text, or does not say who said it, is no turn.
pub(crate) fn of_client(body: &str) -> Turns {
    #[derive(Deserialize)]
    struct Record<'a> {
        #[serde(borrow)]
        transcript: Option<&'a RawValue>,
        /// Lines of its journal that nobody could read.
        #[serde(borrow)]
        damaged: Option<&'a RawValue>,
    }
    let Ok(Record { transcript, damaged }) = serde_json::from_str(body) else { return Turns::none() };
    let mut turns = Turns { items: Vec::new(), unreadable: lost(damaged) };
    let Some(transcript) = transcript else { return turns };
    let Ok(elements) = serde_json::from_str::<Elements<'_>>(transcript.get()) else { return Turns::none() };
    turns.unreadable += elements.count - elements.first.len();
    for raw in elements.first {
        let read = turn(raw).and_then(|(turn, said)| Some((value::<Role>(turn.role)?, turn, said)));
        let Some((role, turn, said)) = read else {
            turns.unreadable += 1;
            continue;
        };
        let role = match role {
            Role::Candidate => ChatRole::User,
            Role::Interviewer => ChatRole::Assistant,
        };
        let at = text(turn.at).and_then(|at| seconds(&at)).unwrap_or_else(|| time_of_the_last(&turns.items));
        turns.items.push(item(&text(turn.id).unwrap_or_default(), role, said, at, false));
    }
    turns
}

/// What the candidate needs, by a client's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// As they wrote it last.
    Of(String),
    /// Nothing, or nothing any more.
    Nothing,
    /// Where it would stand can't be read.
    Unreadable,
}

/// What is said of a need that can't be read.
const UNREADABLE_NEED: &str = "What happened in the candidate's client can't be read here: whether they asked for something is in the record itself, as it was sent.";

impl Need {
    /// What stands in a report and on a page, if anything does.
    pub(crate) fn said(self) -> Option<String> {
        match self {
            Self::Of(text) => Some(text),
            Self::Nothing => None,
            Self::Unreadable => Some(UNREADABLE_NEED.to_owned()),
        }
    }
}

/// What the candidate needs, by a client's record.
pub(crate) fn need(body: &str) -> Need {
    #[derive(Deserialize)]
    struct Record<'a> {
        #[serde(borrow)]
        timeline: Option<&'a RawValue>,
    }
    let Ok(Record { timeline }) = serde_json::from_str(body) else { return Need::Unreadable };
    let Some(timeline) = timeline else { return Need::Nothing };
    let Ok(elements) = serde_json::from_str::<Elements<'_>>(timeline.get()) else { return Need::Unreadable };
    let mut unreadable = elements.count > elements.first.len();
    for raw in elements.first.into_iter().rev() {
        let Ok(entry) = serde_json::from_str::<Entry>(raw.get()) else {
            unreadable = true;
            continue;
        };
        let Some(Note::AdjustmentAsked { text }) = entry.line.note() else { continue };
        // Whatever came after it and can't be read, this much they said.
        return match text.trim() {
            "" if unreadable => Need::Unreadable,
            "" => Need::Nothing,
            _ => Need::Of(text.chars().take(LONGEST_ADJUSTMENT).collect()),
        };
    }
    if unreadable { Need::Unreadable } else { Need::Nothing }
}

/// Whether a client's transcript (the JSON of it) is one: a list of turns that each have a text, and not too many. Gives how
/// many there are.
pub(crate) fn turns_of(transcript: &RawValue) -> Option<usize> {
    let elements: Elements<'_> = serde_json::from_str(transcript.get()).ok()?;
    let fits = elements.count <= MOST && elements.first.iter().all(|raw| turn(raw).is_some());
    fits.then_some(elements.count)
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow)]
    text: &'a RawValue,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    role: Option<&'a RawValue>,
    #[serde(borrow)]
    at: Option<&'a RawValue>,
}

fn turn(raw: &RawValue) -> Option<(Turn<'_>, String)> {
    let turn: Turn<'_> = serde_json::from_str(raw.get()).ok()?;
    let said = text(Some(turn.text))?;
    Some((turn, said))
}

/// The first elements of a list, and how many there are: a list of four million zeros costs nothing.
#[derive(Debug, Default)]
struct Elements<'a> {
    first: Vec<&'a RawValue>,
    count: usize,
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = Elements<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Elements::default();
                while elements.first.len() < MOST
                    && let Some(raw) = list.next_element()?
                {
                    elements.first.push(raw);
                }
                elements.count = elements.first.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    elements.count += 1;
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_seq(First)
    }
}

fn value<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// A text. Half an emoji, as JavaScript writes one that was cut in two, is a question mark in a box, and the rest is read.
pub(crate) fn text(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw?.get();
    serde_json::from_str(raw).ok().or_else(|| serde_json::from_str(&whole(raw)?).ok())
}

/// A JSON text with every half of a surrogate pair that stands alone replaced; `None`: there is none.
fn whole(json: &str) -> Option<String> {
    let bytes = json.as_bytes();
    // The unit of UTF-16 that is escaped there.
    let unit = |at: usize| {
        let escape = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(at) {
            Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                out.push_str(&json[copied..at]);
                out.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&json[copied..]);
    Some(out)
}

/// Levels of lists and objects in each other that every reader of JSON takes: Python's gives up at a thousand, jq's at 256.
const DEEPEST: usize = 128;

/// A record as a part of a larger JSON text that others read. Half an emoji is a question mark in a box, which every reader takes; `None`: it is
/// nested so deep that some would refuse all of the text for it.
pub(crate) fn for_others(body: String) -> Option<Box<RawValue>> {
    if depth(&body) > DEEPEST {
        return None;
    }
    let body = whole(&body).unwrap_or(body);
    // What is stored was read as JSON when it came.
    RawValue::from_string(body).ok()
}

/// How deep lists and objects are in each other.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = text,
            b'"' => text = !text,
            b'[' | b'{' if !text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A turn as it is shown: of a sane size, whatever a record says.
fn item(id: &str, role: ChatRole, text: String, created_at: f64, interrupted: bool) -> Item {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let text = if text.len() > LONGEST { cut(&text, LONGEST) } else { text };
    let created_at = if created_at.is_finite() { created_at } else { 0.0 };
    Item { id: cut(id, 128), role, text, created_at, interrupted, told_by: None }
}

fn seconds(at: &str) -> Option<f64> {
    let at = chrono::DateTime::parse_from_rfc3339(at).ok()?;
    Some(at.timestamp_millis() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use adjourn_protocol::Line;

    #[test]
    fn what_the_candidate_needs_is_what_they_wrote_last_in_any_record() {
        let note = |note: Note| {
            let at = chrono::DateTime::UNIX_EPOCH;
            serde_json::to_string(&Entry { at, mono_ms: 1, line: Line::Timeline(note) }).unwrap()
        };
        let asked = |text: &str| note(Note::AdjustmentAsked { text: text.to_owned() });
        let record = |entries: &[String]| format!("{{\"timeline\": [{}]}}", entries.join(","));
        let (one, other) = (asked("More time"), note(Note::Muted));
        assert_eq!(
            need(&record(&[one.clone(), "7".to_owned(), other.clone()])),
            Need::Of("More time".to_owned())
        );
        assert_eq!(
            need(&record(&[one.clone(), asked("Twice the time")])),
            Need::Of("Twice the time".to_owned())
        );
        assert_eq!(need(&record(&[one.clone(), asked("")])), Need::Nothing, "nothing any more");
        assert_eq!(need(&record(&[asked(&"x".repeat(5_000))])), Need::Of("x".repeat(1_000)));
        for nothing in ["{}", r#"{"timeline": null}"#, &record(std::slice::from_ref(&other))] {
            assert_eq!(need(nothing), Need::Nothing, "{nothing}");
        }
        let long = record(&vec![other.clone(); MOST + 1]);
        for unreadable in ["", "7", r#"{"timeline": 7}"#, &record(&["7".to_owned(), other]), &long] {
            assert_eq!(need(unreadable), Need::Unreadable);
        }
    }

    #[test]
    fn what_is_no_turn_is_counted_and_costs_nothing() {
        let zeros = format!(r#"{{"transcript": [{}0]}}"#, "0,".repeat(4_000_000 - 1));
        assert_eq!(of_client(&zeros), Turns { items: Vec::new(), unreadable: 4_000_000 });
        let long = serde_json::json!({ "transcript": [{ "id": "x".repeat(1_000), "role": "candidate", "text": "y".repeat(1_000_000), "at": "?" }] });
        let [long] = &of_client(&long.to_string()).items[..] else { panic!("one turn") };
        assert_eq!((long.id.len(), long.text.len(), long.created_at), (128, LONGEST, 0.0));
        // What nobody asks for is not read, however much and however deep it is.
        let deep = format!(
            r#"{{"x": {}{}, "transcript": [{{"role": "interviewer", "text": "Hello"}}]}}"#,
            "[".repeat(60_000),
            "]".repeat(60_000)
        );
        assert_eq!(of_client(&deep).items.len(), 1);
        assert_eq!(
            of_client(r#"{"x": 1e999, "transcript": [{"role": "candidate", "text": "Hello", "at": 1e999}]}"#)
                .items
                .len(),
            1
        );
        assert_eq!(of_agent("[]").unreadable, 1);
        assert_eq!(of_agent("{}"), Turns::default());
    }

    #[test]
    fn words_are_nobodys_who_is_not_named() {
        let turns = of_client(
            r#"{"damaged": 2, "transcript": [
                {"role": "candidate", "text": "mine", "at": "2026-12-01T10:00:00Z"}, {"role": "interviewer", "text": "theirs", "at": "?"},
                {"role": "observer", "text": "whose?"}, {"text": "whose?"}, {"role": 7, "text": "whose?"}]}"#,
        );
        let said: Vec<_> = turns.items.iter().map(|item| (item.role, item.text.as_str())).collect();
        assert_eq!(said, [(ChatRole::User, "mine"), (ChatRole::Assistant, "theirs")]);
        assert_eq!(turns.items[0].created_at, turns.items[1].created_at, "it comes after the one before it");
        assert_eq!(turns.unreadable, 5, "three turns, and what the record itself lost");
        assert_eq!(of_client(r#"{"damaged": "some", "transcript": []}"#).unreadable, 1);
        assert_eq!(of_agent(r#"{"unreadable": 3, "chat_history": {"items": []}}"#).unreadable, 3);
    }

    #[test]
    fn what_others_read_too_is_what_every_reader_takes() {
        let nested = |levels: usize| format!(r#"{{"x": {}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(for_others(nested(DEEPEST - 1)).is_some());
        assert!(for_others(nested(DEEPEST)).is_none());
        assert_eq!(depth(r#"{"a": "[[[\"[[", "b": ["\\", {}]}"#), 3);
        let half = for_others(r#"{"text": "cut \ud83d", "whole": "\ud83d\ude00"}"#.to_owned()).unwrap();
        assert_eq!(half.get(), r#"{"text": "cut \ufffd", "whole": "\ud83d\ude00"}"#);
    }

    #[test]
    fn half_an_emoji_takes_no_turn_with_it() {
        let half = r#"{"transcript": [{"role": "candidate", "text": "cut \ud83d"}, {"role": "candidate", "text": "whole \ud83d\ude00"},
            {"role": "interviewer", "text": "\ude00 \\ud83d"}]}"#;
        let turns = of_client(half);
        let texts: Vec<&str> = turns.items.iter().map(|item| item.text.as_str()).collect();
        assert_eq!((texts, turns.unreadable), (vec!["cut \u{fffd}", "whole 😀", "\u{fffd} \\ud83d"], 0));
        let report = r#"{"chat_history": {"items": [
            {"type": "message", "role": "assistant", "id": "1", "content": ["Hello \ud83d", {"image": 1}, "there"], "created_at": 1.5},
            {"type": "message", "role": "system", "id": "0", "content": ["You are an interviewer."]},
            {"type": "function_call", "id": "2", "name": "end"},
            {"type": "message", "role": "user", "id": "3", "content": "no list", "created_at": 1e999, "interrupted": true},
            {"type": "message", "role": "user", "id": "4", "content": ["a list"], "created_at": 1e999, "interrupted": true},
            {"type": "message", "role": "guest", "id": "5", "content": ["Who am I?"]},
            7
        ]}, "big": 1e999}"#;
        let turns = of_agent(report);
        assert_eq!(
            turns.unreadable, 3,
            "7 is no message, content is a list, and no role of livekit-agents' is a guest"
        );
        assert_eq!(turns.items[0].text, "Hello \u{fffd} there");
        assert_eq!(
            (turns.items[1].created_at, turns.items[1].interrupted, turns.items.len()),
            (1.5, true, 2)
        );
    }
}
