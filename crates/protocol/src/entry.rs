//! Lines of the journal, which is written as things happen.

use adjourn_session::Ending;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Decided, Note, Turn};

/// One line of the journal. On disk: `{"kind": …, "at": …, "mono_ms": …, "body": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", from = "Written")]
pub struct Entry {
    /// Wall clock.
    pub at: DateTime<Utc>,
    /// Monotonic milliseconds since this run of the client began.
    pub mono_ms: u64,
    /// What it says.
    pub line: Line,
}

/// What a line of the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A finished turn, as the agent's session reports it.
    Said(Turn),
    /// A finished caption: what was spoken. Stands in where the agent reported no turn.
    Caption(Turn),
    /// Something on the timeline.
    Timeline(Note),
    /// The decision.
    Ending(Decided),
    /// Something that can't be read (any more), or not by this version. Never lost: it is kept as it is, and counted.
    Unreadable(Unreadable),
}

/// A line as it is on disk, of which this version makes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What it says it is; empty where not even that can be read.
    pub kind: String,
    /// Its content.
    pub body: Value,
}

/// How a line is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Written {
    kind: String,
    at: DateTime<Utc>,
    mono_ms: u64,
    body: Value,
}

const SAID: &str = "said";
const CAPTION: &str = "caption";
const TIMELINE: &str = "timeline";
const ENDING: &str = "ending";

impl Entry {
    /// In the place of a line of which nothing can be read.
    pub fn lost() -> Self {
        let nothing = Unreadable { kind: String::new(), body: Value::Null };
        Self { at: DateTime::UNIX_EPOCH, mono_ms: 0, line: Line::Unreadable(nothing) }
    }

    /// The line of a decision.
    pub fn ending(at: DateTime<Utc>, decided: Decided) -> Self {
        let mono_ms = decided.ending.as_ref().map_or(0, |ending: &Ending| ending.decided_at.0);
        Self { at, mono_ms, line: Line::Ending(decided) }
    }
}

impl Line {
    /// The turn that it reports.
    pub fn said(&self) -> Option<&Turn> {
        if let Self::Said(turn) = self { Some(turn) } else { None }
    }

    /// What it notes.
    pub fn note(&self) -> Option<&Note> {
        if let Self::Timeline(note) = self { Some(note) } else { None }
    }

    /// The decision that it is.
    pub fn decided(&self) -> Option<&Decided> {
        if let Self::Ending(decided) = self { Some(decided) } else { None }
    }
}

impl From<Written> for Entry {
    fn from(Written { kind, at, mono_ms, body }: Written) -> Self {
        // Cloned, because what can't be read is kept.
        let read = match kind.as_str() {
            SAID => serde_json::from_value(body.clone()).map(Line::Said).ok(),
            CAPTION => serde_json::from_value(body.clone()).map(Line::Caption).ok(),
            TIMELINE => serde_json::from_value(body.clone()).map(Line::Timeline).ok(),
            ENDING => serde_json::from_value(body.clone()).map(Line::Ending).ok(),
            _ => None,
        };
        let line = read.unwrap_or(Line::Unreadable(Unreadable { kind, body }));
        Self { at, mono_ms, line }
    }
}

impl From<Entry> for Written {
    fn from(Entry { at, mono_ms, line }: Entry) -> Self {
        // By way of a value, whose fields are in alphabetical order: so they were always written.
        let value = |value: serde_json::Result<Value>| value.unwrap_or_default();
        let (kind, body) = match line {
            Line::Said(turn) => (SAID.to_owned(), value(serde_json::to_value(turn))),
            Line::Caption(turn) => (CAPTION.to_owned(), value(serde_json::to_value(turn))),
            Line::Timeline(note) => {
                let mut body = value(serde_json::to_value(note));
                if let Value::Object(fields) = &mut body {
                    fields.entry("detail").or_insert(Value::Null);
                }
                (TIMELINE.to_owned(), body)
            }
            Line::Ending(decided) => (ENDING.to_owned(), value(serde_json::to_value(decided))),
            Line::Unreadable(Unreadable { kind, body }) => (kind, body),
        };
        Self { kind, at, mono_ms, body }
    }
}
