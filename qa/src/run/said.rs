//! What was said, by the interviewers' own logs, against what is kept of it: in the client's record, and at the backend.

use adjourn_protocol::{TranscriptSource, letters};
use adjourn_testbed::AgentEvent;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::bed::ScenarioBed;
use super::report::RunReport;
use super::seen::Seen;
use crate::scenario::{Delivered, Scenario, Step};

/// The end screen comes so many seconds after the decision at most (`Policy::commit_limit` and a little).
const SLOWEST_END_S: f64 = 3.0;
/// Of the last half second, the word may come too late for us.
const UNDERWAY_S: f64 = 0.5;

/// Nothing that was said may be missing. Where the client could not know of it any more (its own link was lost, the interviewer's
/// process died), or the session tells nothing, there is nothing to compare.
pub(super) async fn look(
    scenario: &Scenario,
    bed: &ScenarioBed,
    line: &RunReport,
    seen: &Seen,
    failures: &mut Vec<String>,
) -> anyhow::Result<()> {
    let known = ["finished", "ended by candidate"].contains(&line.outcome.as_str());
    let Some(shown) = line.completed_s.filter(|_| scenario.tells() && known).map(|s| s + line.fault_at)
    else {
        return Ok(());
    };
    // What is said once the end is decided, while the disk takes its time, is in no record. A client whose clock is wrong
    // can't say when that was.
    let decided = seen.completed.as_ref().and_then(|c| c.ended_at.parse::<DateTime<Utc>>().ok());
    let decided = decided.map(|at| at.timestamp_millis() as f64 / 1_000.0);
    let ended = decided.filter(|at| (0.0..SLOWEST_END_S).contains(&(shown - at))).unwrap_or(shown);
    if scenario.expect.delivery == Delivered::Parked {
        return Ok(());
    }
    let events = bed.events();
    let said = turns(&events, ended);
    // An interviewer that asked something said something.
    if said.is_empty() && scenario.steps.iter().any(|step| matches!(step, Step::Answer)) {
        failures.push("the interviewer's log has no turn to compare the record with".to_owned());
    }
    let record: Value = serde_json::from_slice(&bed.backend.record(&bed.invitation.id, 1).await?)?;
    let items = record["transcript"].as_array().map_or(&[][..], Vec::as_slice);
    let told = said.iter().copied().filter(|turn| !stopped_before_it_was_told(&events, turn));
    failures.extend(missing(told, items, "the client's record"));
    // The interviewers' own word holds those as well that its job had no time to tell anybody.
    let by_the_interviewers = |held: &crate::scenario::Held| held.transcript == TranscriptSource::Agent;
    if scenario.expect.held.as_ref().is_some_and(by_the_interviewers) {
        let items = bed.backend.transcript(&bed.invitation.id).await?.items;
        failures.extend(missing(said.iter().copied(), &items, "the transcript"));
    }
    Ok(())
}

/// What interviewers that served said and heard until shortly before the end.
fn turns(events: &[AgentEvent], ended: f64) -> Vec<&AgentEvent> {
    // What one says after another one took its place nobody hears.
    let took_over: Vec<(f64, i32)> =
        events.iter().filter(|e| e.event == "history").map(|e| (e.at, e.pid)).collect();
    let serves = |e: &AgentEvent| {
        took_over.iter().rev().find(|(at, _)| *at < e.at).is_none_or(|(_, pid)| *pid == e.pid)
    };
    let said =
        |e: &&AgentEvent| e.event == "item" && e.role.is_some() && e.at < ended - UNDERWAY_S && serves(e);
    events.iter().filter(said).collect()
}

/// A job whose event loop stands still for good tells nobody what it had just understood; its journal on the disk has it.
fn stopped_before_it_was_told(events: &[AgentEvent], turn: &AgentEvent) -> bool {
    let of_its_job = || events.iter().filter(|e| e.pid == turn.pid);
    let stopped = |e: &AgentEvent| e.event == "blocked" && (0.0..UNDERWAY_S).contains(&(e.at - turn.at));
    of_its_job().any(stopped) && !of_its_job().any(|e| e.event == "unblocked")
}

/// A sentence for each turn that `items`, kept in `place`, have not.
fn missing<'a>(said: impl Iterator<Item = &'a AgentEvent>, items: &[Value], place: &str) -> Vec<String> {
    said.filter_map(|turn| {
        let (Some(id), Some(role), Some(text)) = (&turn.id, &turn.role, &turn.text) else {
            return Some("the interviewer's log has a turn without its id or its words".to_owned());
        };
        match items.iter().find(|item| item["id"] == **id) {
            // livekit-agents drops the last word of an item now and then; what was heard to its end is in the record.
            Some(item) => {
                let whole =
                    item["text"].as_str().is_some_and(|told| letters(told).starts_with(&letters(text)));
                (!whole)
                    .then(|| format!("a turn of the {role} is {:?} in {place}, not {text:?}", item["text"]))
            }
            None => Some(format!("a turn of the {role} ({id}) is not in {place}")),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: f64, pid: i32, event: &str, id: &str) -> AgentEvent {
        let line =
            serde_json::json!({"at": at, "pid": pid, "event": event, "role": "user", "id": id, "text": id});
        serde_json::from_value(line).unwrap()
    }

    fn kept(ids: &[&str]) -> Vec<Value> {
        ids.iter().map(|id| serde_json::json!({"id": id, "text": id})).collect()
    }

    #[test]
    fn a_turn_that_is_not_kept_or_kept_with_other_words_is_found() {
        let events = [event(1.0, 1, "item", "a"), event(2.0, 1, "item", "b")];
        let said = turns(&events, 9.0);
        assert!(missing(said.iter().copied(), &kept(&["a", "b"]), "it").is_empty());
        assert_eq!(
            missing(said.iter().copied(), &kept(&["b"]), "it"),
            ["a turn of the user (a) is not in it"]
        );
        let other =
            [serde_json::json!({"id": "a", "text": "other"}), serde_json::json!({"id": "b", "text": "b"})];
        assert_eq!(missing(said.iter().copied(), &other, "it").len(), 1);
    }

    #[test]
    fn only_what_a_stopped_loop_could_not_tell_may_be_unknown_to_the_client() {
        let mut events =
            vec![event(1.0, 1, "item", "a"), event(4.8, 1, "item", "b"), event(5.0, 1, "blocked", "")];
        let told = |events: &[AgentEvent]| {
            let told = |turn: &&AgentEvent| !stopped_before_it_was_told(events, turn);
            turns(events, 9.0).into_iter().filter(told).filter_map(|e| e.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told(&events), ["a"]);
        events.push(event(7.0, 1, "unblocked", ""));
        assert_eq!(told(&events), ["a", "b"]);
    }

    #[test]
    fn what_is_said_after_another_one_took_over_nobody_hears() {
        let events = [
            event(1.0, 1, "item", "a"),
            event(2.0, 2, "history", ""),
            event(3.0, 1, "item", "b"),
            event(4.0, 2, "item", "c"),
        ];
        let ids: Vec<_> = turns(&events, 9.0).iter().filter_map(|e| e.id.as_deref()).collect();
        assert_eq!(ids, ["a", "c"]);
    }
}
