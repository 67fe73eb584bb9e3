//! Plays a recorded trace again.

use std::path::Path;

use adjourn_protocol::{policy_constants, policy_with_known};
use adjourn_session::trace::{Entry, replay};
use adjourn_session::{Ending, Policy, Session};
use anyhow::Context as _;
use serde::Serialize;
use serde_json::{Map, Value};

/// A recorded trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The policy that came with the join.
    pub policy: Policy,
    /// What the session was given.
    pub entries: Vec<Entry>,
    /// SHA-256 of the file.
    pub sha256: String,
    /// What is to be known of how it was read.
    pub notes: Vec<String>,
    /// Its policy was read.
    has_policy: bool,
}

/// Constants of rules that came later than the first traces, in milliseconds.
const LATER: [&str; 2] = ["data_stall", "death_interval"];
/// Longer than any interview, in milliseconds.
const NEVER: u64 = 1_000_000_000;

/// What is wrong with a line that is no entry.
fn mistake(line: &str, error: &serde_json::Error) -> String {
    let read = serde_json::from_str::<Value>(line).ok();
    let field = |name: &str| read.as_ref().and_then(|line| line.get(name));
    let short = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.chars().take(60).collect::<String>()
    };
    if let Some(at) = field("at").filter(|at| !at.is_u64()) {
        return format!("its `at` is no time in milliseconds: {}", short(at));
    }
    match field("input").map(short) {
        Some(name) => format!(
            "the input {name:?} is not known with these fields; the trace may be of another version of Adjourn"
        ),
        None => format!("not a line of a trace: {error}"),
    }
}

/// What a trace comes to.
#[derive(Serialize)]
struct Replayed<'a> {
    ending: Option<&'a Ending>,
    trace_sha256: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
}

impl Trace {
    /// Reads a trace file.
    ///
    /// # Errors
    /// The file can't be read or is no trace.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        Self::parse(&bytes, path)
    }

    /// Reads a trace; `path` is where it came from, for messages.
    ///
    /// # Errors
    /// It is no trace.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> anyhow::Result<Self> {
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let (whole, (bytes, nothing)) = (bytes, bytes.split_at(end));
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // Cut off within a letter.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(error) => return Err(error).with_context(|| format!("{} is no trace", path.display())),
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut trace = Self {
            policy: Policy::default(),
            entries: Vec::new(),
            sha256: adjourn_protocol::sha256(whole),
            notes: Vec::new(),
            has_policy: false,
        };
        if !nothing.is_empty() {
            trace
                .notes
                .push(format!("{} bytes at its end are empty, as a power loss leaves them", nothing.len()));
        }
        let known = policy_constants(&trace.policy);
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
        anyhow::ensure!(lines.peek().is_some(), "{} is empty: no trace was written", path.display());
        while let Some((number, line)) = lines.next() {
            let number = number + 1;
            let read = trace.take(line, &known);
            // Who wrote it was killed, or its disk was full.
            let torn = || serde_json::from_str::<Value>(line).is_err_and(|error| error.is_eof());
            if lines.peek().is_none() && !text.ends_with('\n') && torn() {
                trace.notes.push(format!("line {number}, the last one, is cut off and left out"));
                continue;
            }
            read.map_err(|problem| anyhow::anyhow!("{}, line {number}: {problem}", path.display()))?;
        }
        anyhow::ensure!(
            !trace.entries.is_empty(),
            "{} has no input: the client ended before anything happened",
            path.display()
        );
        Ok(trace)
    }

    /// Takes the next line; `known`: the constants of a policy that this version knows.
    fn take(&mut self, line: &str, known: &Map<String, Value>) -> Result<(), String> {
        // The policy comes with the join; a trace that never got that far has none.
        let is_policy = |line: &Map<String, Value>| {
            !line.contains_key("at") && line.keys().any(|name| known.contains_key(name))
        };
        if let Some(mut given) = serde_json::from_str::<Map<String, Value>>(line).ok().filter(is_policy) {
            if std::mem::replace(&mut self.has_policy, true) {
                return Err("a second policy: a trace has one".to_owned());
            }
            let strange: Vec<&str> =
                given.keys().filter(|name| !known.contains_key(*name)).map(String::as_str).collect();
            if !strange.is_empty() {
                self.notes.push(format!(
                    "the policy has what this version does not know ({}): the trace is of a newer one",
                    strange.join(", ")
                ));
            }
            // What it lacks is of a rule that its version did not have, which never fired.
            for later in LATER {
                given.entry(later).or_insert_with(|| NEVER.into());
            }
            self.policy = policy_with_known(given).map_err(|error| format!("not a policy: {error}"))?;
            return Ok(());
        }
        // Serde takes a list for an object, its values by their places.
        if !line.trim_start().starts_with('{') {
            return Err("not a line of a trace: it is no JSON object".to_owned());
        }
        let entry: Entry = serde_json::from_str(line).map_err(|error| mistake(line, &error))?;
        if self.entries.last().is_some_and(|last| last.at > entry.at) {
            return Err(format!("the time goes back to {} ms; are its lines in order?", entry.at.0));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// How it ended and the trace's digest, as a line of JSON.
    ///
    /// # Errors
    /// Not reached: an ending is always a line.
    pub fn replayed(&self) -> anyhow::Result<String> {
        let session = self.replay();
        Ok(serde_json::to_string(&Replayed {
            ending: session.ending(),
            trace_sha256: &self.sha256,
            notes: &self.notes,
        })?)
    }

    /// The session at the trace's end.
    pub fn replay(&self) -> Session {
        replay(self.policy.clone(), &self.entries).0
    }
}
