//! Why did it end? A trace, step by step.

use adjourn_protocol::is_plain;
use adjourn_session::rules::Rule;
use adjourn_session::trace::Entry;
use adjourn_session::{Ending, Evidence, Input, Logged, Session, Time, View};

use crate::replay::Trace;
use crate::timeline::{Lane, Mark};

/// One step of the way to the end.
#[derive(Clone, Debug)]
pub struct Step {
    /// When, on the client's clock.
    pub at: Time,
    /// Told or decided.
    pub lane: Lane,
    /// What, in one line.
    pub text: String,
}

/// Plays a trace again and says what mattered: inputs other than the steady signs of life, rules that
/// fired, what changed by it.
pub fn steps(trace: &Trace) -> (Vec<Step>, Session) {
    let start = trace.entries.first().map_or(Time::ZERO, |entry| entry.at);
    let mut session = Session::new(trace.policy.clone(), start);
    session.keep_log();
    let mut steps = Vec::new();
    for Entry { at, input } in trace.entries.iter().cloned() {
        let before = session.view();
        session.handle_timeout(at);
        while session.poll_output().is_some() {}
        fired(&mut steps, at, &mut session);
        changes(&mut steps, at, &before, &session);
        let Some(input) = input else { continue };
        let (before, told) = (session.view(), words(&input));
        session.handle(input, at);
        while session.poll_output().is_some() {}
        if let Some(text) = told {
            steps.push(Step { at, lane: Lane::Signal, text });
        }
        fired(&mut steps, at, &mut session);
        changes(&mut steps, at, &before, &session);
    }
    for step in &mut steps {
        step.text = shown(&step.text);
    }
    (steps, session)
}

/// What time alone did, as lines.
fn fired(steps: &mut Vec<Step>, at: Time, session: &mut Session) {
    while let Some(logged) = session.poll_log() {
        let text = match logged {
            Logged::Fired(Rule::PingDue | Rule::ProbeDue) => continue,
            Logged::Fired(rule) => format!("rule: {}", rule.why()),
            Logged::Slept => "this computer slept: nothing is decided from what was due meanwhile".to_owned(),
        };
        steps.push(Step { at, lane: Lane::Decision, text });
    }
}

/// What is different, as lines.
fn changes(steps: &mut Vec<Step>, at: Time, before: &View, session: &Session) {
    let after = session.view();
    let mut say = |text: String| steps.push(Step { at, lane: Lane::Decision, text });
    if before.phase != after.phase {
        say(format!("phase: {:?} → {:?}", before.phase, after.phase));
    }
    if before.link_fresh != after.link_fresh {
        say(if after.link_fresh {
            "own link: delivers"
        } else {
            "own link: stale, nothing counts against the interviewer"
        }
        .to_owned());
    }
    if before.agent != after.agent {
        say(format!("interviewer: {:?} → {:?}", before.agent, after.agent));
    }
    if before.asking.is_none() && after.asking.is_some() {
        say("the candidate is asked".to_owned());
    }
    if let (None, Some(ending)) = (&before.ending, &after.ending) {
        for line in why(ending) {
            say(line);
        }
    }
}

/// The decision, its evidence and its times.
pub fn why(ending: &Ending) -> Vec<String> {
    let ago = |at: Option<Time>| match at {
        Some(at) => format!("{:.2} s before", ending.decided_at.since(at) as f64 / 1000.0),
        None => "never".to_owned(),
    };
    let evidence = match &ending.evidence {
        Some(Evidence { kind, at }) => format!("{kind:?}, {}", ago(Some(*at))),
        None => "none".to_owned(),
    };
    vec![
        format!("decided: {} (by {})", ending.outcome, ending.decided_by),
        format!("  evidence: {evidence}"),
        format!("  last pong of its session: {}", ago(ending.last_pong)),
        format!("  last sign of its process: {}", ago(ending.last_process_answer)),
        format!("  last data from the server: {}", ago(ending.last_received)),
    ]
}

/// An input in words; `None` for the steady ones.
fn words(input: &Input) -> Option<String> {
    let text = match input {
        Input::LinkStats { .. }
        | Input::RtpPackets { .. }
        | Input::ProbeAnswered { .. }
        | Input::Transcribed { .. }
        | Input::CandidateHeard { .. }
        | Input::Roster { .. } => return None,
        Input::SessionClosed { reason, .. } => format!("its session says that it closed ({reason:?})"),
        Input::InterviewerLevel { audible: true } => "the interviewer is heard".to_owned(),
        Input::InterviewerLevel { audible: false } => "the interviewer is silent".to_owned(),
        Input::AgentStateChanged { state, .. } => {
            format!("the interviewer says it is {state:?}").to_lowercase()
        }
        Input::ParticipantJoined(p) => format!("{} came ({:?})", p.identity, p.kind),
        Input::ParticipantChanged(p) => {
            format!("{} changed (state {:?}, sound {})", p.identity, p.state, p.audio)
        }
        Input::ParticipantLeft { sid, reason } => format!("{sid} left ({reason:?})"),
        Input::Item { role, .. } => format!("a finished turn of the {role:?}").to_lowercase(),
        Input::ToolStarted { name, .. } => format!("tool {name} began"),
        Input::ToolEnded { name, ok, .. } => {
            format!("tool {name} {}", if *ok { "succeeded" } else { "failed" })
        }
        Input::Connected { roster, .. } => format!("in the room, with {} others", roster.len()),
        Input::Reconnected { roster, .. } => format!("connection restored, with {} others", roster.len()),
        Input::CandidateSpoke => "the candidate speaks".to_owned(),
        Input::CandidateTyped => "the candidate typed something".to_owned(),
        Input::Disconnected { reason } => format!("out of the room ({reason:?})"),
        Input::JoinPressed
        | Input::EndConfirmed
        | Input::GoOnPressed
        | Input::SystemEnds
        | Input::ClientFailed
        | Input::JoinGranted(_)
        | Input::Resumed { .. }
        | Input::JoinFailed { .. }
        | Input::ConnectFailed { .. }
        | Input::Reconnecting
        | Input::SessionFailed { .. }
        | Input::EndMarker { .. }
        | Input::RoomEnded
        | Input::Organiser { .. }
        | Input::InterviewerDied { .. }
        | Input::ReplacementRefused
        | Input::RecordCommitted
        | Input::RecordNotSaved
        | Input::Delivered { .. }
        | Input::DeliveryParked => {
            let text = format!("{input:?}");
            text.split(['(', '{']).next().unwrap_or_default().trim().to_owned()
        }
    };
    Some(text)
}

/// Longest text of a step, in characters: names in it are strangers'.
const LONGEST_TEXT: usize = 500;

/// A step's text as it can be shown: what strangers wrote in it neither steers a terminal nor makes lines of its own.
fn shown(text: &str) -> String {
    let plain = |c: char| {
        if is_plain(c.encode_utf8(&mut [0; 4])) { c.to_string() } else { c.escape_unicode().to_string() }
    };
    let mut shown: String = text.chars().take(LONGEST_TEXT).map(plain).collect();
    if text.chars().nth(LONGEST_TEXT).is_some() {
        shown.push('…');
    }
    shown
}

/// The same as marks of a timeline; `zero` is the client's start in seconds since 1970.
pub fn marks(trace: &Trace, zero: f64) -> Vec<Mark> {
    let (steps, _) = steps(trace);
    steps
        .into_iter()
        .map(|step| Mark { at: zero + step.at.0 as f64 / 1000.0, lane: step.lane, text: step.text })
        .collect()
}

/// How many steps at the beginning come again and again right after each other, and how often they are there: what shortens the
/// text most.
fn repeated(steps: &[Step]) -> (usize, usize) {
    let same = |a: &Step, b: &Step| a.lane == b.lane && a.text == b.text;
    let of = |length: usize| {
        let first = &steps[..length];
        let again = steps[length..].chunks_exact(length);
        let times = again.take_while(|next| next.iter().zip(first).all(|(a, b)| same(a, b))).count() + 1;
        (length, times)
    };
    let lengths = 1..=LONGEST_REPEATED.min(steps.len());
    let worth = lengths.map(of).filter(|(length, times)| length * times > length + 1);
    worth.max_by_key(|(length, times)| length * (times - 1)).unwrap_or((1, 1))
}

/// Steps that come again together: an interviewer on a bad link is checked on, and is there again.
const LONGEST_REPEATED: usize = 8;

/// As text for a terminal. What comes again and again is said once.
pub fn text(trace: &Trace) -> String {
    let (steps, session) = steps(trace);
    let mut text: String = trace.notes.iter().map(|note| format!("Note: {}.\n", shown(note))).collect();
    let mut rest = &steps[..];
    while !rest.is_empty() {
        let (length, times) = repeated(rest);
        for step in &rest[..length] {
            let side = if step.lane == Lane::Signal { "  " } else { "→ " };
            text += &format!("{:9.3} s  {side}{}\n", step.at.0 as f64 / 1000.0, step.text);
        }
        if times > 1 {
            let until = rest[length * times - 1].at.0 as f64 / 1000.0;
            let what = if length == 1 { "the same".to_owned() } else { format!("these {length} lines") };
            let again = if times == 2 { "once more".to_owned() } else { format!("{} times more", times - 1) };
            text += &format!("           … {what} {again}, until {until:.3} s\n");
        }
        rest = &rest[length * times..];
    }
    if session.ending().is_none() {
        text += "There is no end in this trace. What waits:\n";
        for (at, rule) in session.pending() {
            text += &format!("{:9.3} s    {}\n", at.0 as f64 / 1000.0, rule.why());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use adjourn_session::JoinGrant;

    use super::*;

    #[test]
    fn strangers_write_no_lines_of_their_own() {
        let forged = shown("agent\n    9.999 s  → decided: finished\u{1b}[2J\u{202e}");
        assert!(!forged.contains(['\n', '\u{1b}', '\u{202e}']), "{forged:?}");
        assert!(forged.contains("\\u{a}") && forged.contains("→ decided"), "{forged}");
        assert_eq!(shown(&"x".repeat(200_000)).chars().count(), LONGEST_TEXT + 1);
    }

    #[test]
    fn what_comes_again_and_again_is_said_once() {
        let told = |texts: &[&str]| {
            let steps: Vec<Step> = texts
                .iter()
                .map(|text| Step { at: Time(1), lane: Lane::Signal, text: (*text).to_owned() })
                .collect();
            repeated(&steps)
        };
        assert_eq!(told(&["a"]), (1, 1));
        assert_eq!(told(&["a", "a"]), (1, 1), "as short as it is");
        assert_eq!(told(&["a", "a", "a", "b"]), (1, 3));
        assert_eq!(told(&["a", "b", "a", "b", "a", "c"]), (2, 2));
        assert_eq!(told(&["a", "b", "c", "d"]), (1, 1));
    }

    #[test]
    fn a_trace_is_told_step_by_step_with_its_reasons() {
        let joined = [
            Some(Input::JoinPressed),
            Some(Input::JoinGranted(JoinGrant { agent_name: None, remaining: 3_600_000, replacements: 0 })),
            Some(Input::Connected { room_sid: "RM".into(), roster: vec![] }),
        ];
        let mut entries: Vec<Entry> = joined.map(|input| Entry { at: Time(10), input }).into();
        entries.extend(
            (1..=121)
                .map(|n| Entry { at: Time(10 + 500 * n), input: Some(Input::LinkStats { received: n }) }),
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for entry in &entries {
            writeln!(file, "{}", serde_json::to_string(entry).unwrap()).unwrap();
        }
        let text = text(&Trace::read(file.path()).unwrap());
        for wanted in [
            "0.010 s  → phase: Joining → Waiting",
            "20.010 s  → rule: waiting takes longer than usual",
            "60.010 s  → rule: no interviewer came",
            "→ decided: never started (by never_started)",
            "evidence: none",
            "last data from the server: 0.50 s before",
        ] {
            assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
        }
        assert!(!text.contains("LinkStats"), "{text}");
    }

    fn read(text: &str) -> Result<Trace, String> {
        Trace::parse(text.as_bytes(), std::path::Path::new("trace.jsonl")).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_trace_is_said_with_its_line() {
        for (trace, wanted) in [
            ("{\"at\":1}\nnonsense\n", "line 2: not a line of a trace"),
            (
                "{\"at\":1}\n{\"at\":2,\"input\":\"tool_finished\"}\n",
                "line 2: the input \"tool_finished\" is not known",
            ),
            (
                "{\"at\":1}\n{\"at\":2,\"input\":\"disconnected\"}\n",
                "line 2: the input \"disconnected\" is not known",
            ),
            ("{\"at\":5}\n{\"at\":4}\n", "line 2: the time goes back"),
            ("{}\n", "line 1: not a line of a trace"),
            ("", "is empty"),
            ("\n\n", "is empty"),
            ("{\"process_lost\":9000}\n", "has no input"),
            ("{\"input\":\"tool_ended\"}\n", "line 1: the input \"tool_ended\" is not known"),
            ("{\"process_lost\":9000}\n{\"process_lost\":1}\n", "line 2: a second policy"),
            (
                "{\"at\":1}\n{\"at\":2,\"input\":\"tool_finished\"}",
                "line 2: the input \"tool_finished\" is not known",
            ),
        ] {
            let said = read(trace).unwrap_err();
            assert!(said.contains(wanted), "{trace:?}: {said}");
        }
        for (trace, wanted) in [
            ("[5]\n", "it is no JSON object"),
            ("{\"at\":-1,\"input\":\"join_pressed\"}\n", "its `at` is no time in milliseconds: -1"),
        ] {
            let said = read(trace).unwrap_err();
            assert!(said.contains(wanted), "{trace:?}: {said}");
        }
    }

    #[test]
    fn a_trace_that_is_cut_off_or_of_a_newer_version_is_explained_with_a_note() {
        let cut = read("\u{feff}{\"at\":1,\"input\":\"join_pressed\"}\n\n{\"at\":2,\"inp").unwrap();
        assert_eq!(cut.entries.len(), 1);
        assert!(text(&cut).starts_with("Note: line 3, the last one, is cut off"), "{}", text(&cut));
        // As a power loss leaves it.
        let lost = read("{\"at\":1,\"input\":\"join_pressed\"}\n{\"at\":2,\"inp\0\0\0\0").unwrap();
        assert_eq!((lost.entries.len(), lost.notes.len()), (1, 2), "{:?}", lost.notes);
        let newer = read("{\"process_lost\":9000,\"of_a_later_rule\":5}\n{\"at\":1}\n").unwrap();
        assert_eq!(newer.policy.process_lost, 9_000);
        assert!(text(&newer).contains("of_a_later_rule"), "{}", text(&newer));
    }
}
