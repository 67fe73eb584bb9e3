//! Inputs with their times, so that a field trace replays.

use serde::{Deserialize, Serialize};

use crate::{Input, Output, Policy, Session, Time};

/// One line of a trace: an input, or the mere passing of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Line")]
pub struct Entry {
    /// When.
    pub at: Time,
    /// What; `None` for a timeout.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
}

/// A line as it is read. An input that nobody understands is an error: left out, it would tell another story (serde takes a
/// flattened `Option` that it can't read for one that is not there).
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Input {
        at: Time,
        #[serde(flatten)]
        input: Input,
        #[serde(flatten)]
        _name: Name,
    },
    Timeout(Timeout),
}

/// An input is named by a word. (Serde takes a number for the number of a variant, which is another one in the next version.)
#[derive(Deserialize)]
struct Name {
    #[serde(rename = "input")]
    _word: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timeout {
    at: Time,
}

impl From<Line> for Entry {
    fn from(line: Line) -> Self {
        match line {
            Line::Input { at, input, _name: _ } => Self { at, input: Some(input) },
            Line::Timeout(Timeout { at }) => Self { at, input: None },
        }
    }
}

/// Plays a trace from the start and gives every output in order.
pub fn replay(policy: Policy, entries: &[Entry]) -> (Session, Vec<Output>) {
    let start = entries.first().map_or(Time::ZERO, |entry| entry.at);
    let mut session = Session::new(policy, start);
    let mut outputs = Vec::new();
    for entry in entries {
        match &entry.input {
            Some(input) => session.handle(input.clone(), entry.at),
            None => session.handle_timeout(entry.at),
        }
        while let Some(output) = session.poll_output() {
            outputs.push(output);
        }
    }
    (session, outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_understood_is_no_passing_of_time() {
        let read = |line: &str| serde_json::from_str::<Entry>(line);
        assert_eq!(read(r#"{"at":5}"#).unwrap().input, None);
        for line in [
            r#"{"at":1,"input":"tool_finished"}"#,
            r#"{"at":1,"input":"disconnected"}"#,
            r#"{"at":2,"input":0}"#,
            r#"{"at":2,"input":5}"#,
            r#"{"at":3,"input":"tool_ended","sid":7}"#,
            r#"{"at":3,"inptu":"join_pressed"}"#,
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        let pressed = Entry { at: Time(7), input: Some(Input::JoinPressed) };
        assert_eq!(read(&serde_json::to_string(&pressed).unwrap()).unwrap(), pressed);
    }
}
