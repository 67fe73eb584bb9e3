//! What somebody who helps needs to know of this client, as text that the candidate reads before it is saved: states, names of
//! sentences, figures. No name of a person or of a device, no path, nothing that was said or typed, no token and no code.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use adjourn_protocol::ClientInfo;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::new_file::new_file;
use crate::{Diagnostics, Message, Snapshot};

/// Changes of the screen that are remembered: an interview has some hundred.
const REMEMBERED: usize = 300;

/// What the screen showed, and when.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<(DateTime<Utc>, String)>);

impl History {
    /// This is shown now.
    pub(crate) fn shows(&mut self, snapshot: &Snapshot, now: DateTime<Utc>) {
        let line = line(snapshot);
        if self.0.back().is_some_and(|(_, last)| *last == line) {
            return;
        }
        self.0.push_back((now, line));
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }
}

/// Everything that is told.
pub(crate) struct ProblemReport<'a> {
    pub(crate) info: &'a ClientInfo,
    pub(crate) shown: &'a Snapshot,
    /// Id and attempt, once it was joined.
    pub(crate) interview: Option<(&'a str, i64)>,
    pub(crate) figures: &'a Diagnostics,
    pub(crate) history: &'a History,
    pub(crate) now: DateTime<Utc>,
}

impl ProblemReport<'_> {
    /// As text, in English: it is read by whoever helps.
    pub(crate) fn text(&self) -> String {
        let Self { info, shown, .. } = self;
        let mut text =
            format!("Adjourn {} on {}\nwritten {}\n", info.version, info.platform, moment(self.now));
        let mut add = |what: &str, value: &str| {
            // Into memory: it can't fail.
            let _ = writeln!(text, "{what}: {value}");
        };
        if let Some(host) = &shown.host {
            add("server", host);
        }
        if let Some((id, attempt)) = self.interview {
            add("interview", &format!("{id}, attempt {attempt}"));
        }
        if let Some(receipt) = shown.completed.as_ref().and_then(|end| end.receipt.as_deref()) {
            add("receipt", receipt);
        }
        add("shown", &line(shown));
        add("language", shown.appearance.language.tag());
        for (side, list) in [("microphones", &shown.input), ("loudspeakers", &shown.output)] {
            let open = if list.open.is_some() { "one is open" } else { "none is known to be open" };
            let chosen = if list.chosen.is_some() { "chosen" } else { "the system's default" };
            let trouble: Vec<String> =
                [&list.problem, &list.away, &list.muted].into_iter().flatten().map(Message::id).collect();
            add(side, &format!("{}, {open}, {chosen} {}", list.devices.len(), trouble.join(" ")));
        }
        for finding in &self.figures.findings {
            add(&finding.text.id(), &format!("{} {}", numbers(&finding.text), word(finding.verdict)));
        }
        text.push_str("\nWhat the screen showed:\n");
        for (at, line) in &self.history.0 {
            // Likewise.
            let _ = writeln!(text, "{} {line}", moment(*at));
        }
        text
    }

    /// Writes it into `folder`. Gives its path.
    ///
    /// # Errors
    /// It can't be written, as it is told.
    pub(crate) fn write(text: &str, folder: &Path, now: DateTime<Utc>) -> Result<PathBuf, Message> {
        let stem = format!("adjourn-problem-{}", now.format("%Y%m%d-%H%M%S"));
        new_file(folder, &stem, "txt", text.as_bytes())
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What a person sees of a snapshot, in names of states and sentences.
fn line(snapshot: &Snapshot) -> String {
    let mut line = word(snapshot.screen);
    let mut add = |what: &str, value: String| {
        // Into memory: it can't fail.
        let _ = write!(line, ", {what} {value}");
    };
    if let Some(presence) = &snapshot.presence {
        add("presence", word(presence.state));
        if let Some(said) = &presence.line {
            add("says", said.id());
        }
    }
    if let Some(asking) = &snapshot.asking {
        add("asks", asking.question.id());
    }
    if snapshot.closing {
        add("asks", "whether to close".to_owned());
    }
    if let Some(problem) = &snapshot.problem {
        add("problem", problem.id());
    }
    for notice in &snapshot.notices {
        add("notice", notice.id());
    }
    for sound in &snapshot.sound {
        add("sound", sound.id());
    }
    if let Some(end) = &snapshot.completed {
        add("outcome", end.outcome.to_string());
        add("record", end.delivery.as_str().to_owned());
    }
    line
}

/// The word for a value that is one.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// The figures in a sentence.
fn numbers(message: &Message) -> String {
    let value = serde_json::to_value(message).unwrap_or_default();
    let numbers = value["args"].as_object().into_iter().flatten().filter(|(_, value)| value.is_number());
    numbers.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}
