//! What happened in a run, from every side, in one order.

pub use adjourn_cli::timeline::{Lane, Mark};
use adjourn_testbed::AgentEvent;

/// The interviewer's own log.
pub(super) fn of_interviewer(events: &[AgentEvent]) -> Vec<Mark> {
    events
        .iter()
        .map(|event| {
            let state = event.state.as_ref().map_or_else(String::new, |state| format!(" {state}"));
            Mark { at: event.at, lane: Lane::Interviewer, text: format!("{}{state}", event.event) }
        })
        .collect()
}
