//! What was written before still opens, and what is written now is the same byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use adjourn_protocol::{
    AudioStatistics, CheckAnswer, Decided, DeviceCheck, DispatchMetadata, Entry, Line, LockLevel, Note,
    Outcome, ProblemCode, Record, Role, RoomMetadata, SeatNote, Secret, Source, ToolEnded, Turn, Weakness,
};
use adjourn_session::{AgentState, InterruptedWhy, LeaveReason};
use chrono::DateTime;
use proptest::prelude::*;

#[test]
fn the_journals_lines_are_read_and_written_as_ever() {
    let lines: Vec<&str> = include_str!("golden/journal.jsonl").lines().collect();
    for line in &lines {
        let entry: Entry = serde_json::from_str(line).unwrap();
        assert!(!matches!(entry.line, Line::Unreadable(_)), "{line}");
        assert_eq!(serde_json::to_string(&entry).unwrap(), *line);
    }
    // Each kind of note, and each kind of line, is among them.
    for kind in ["said", "caption", "timeline", "ending"] {
        assert!(lines.iter().any(|line| line.contains(&format!("\"kind\":\"{kind}\""))), "{kind}");
    }
    for note in notes() {
        let written = serde_json::to_value(note).unwrap();
        let what = format!("\"what\":{}", written["what"]);
        assert!(lines.iter().any(|line| line.contains(&what)), "{what}");
    }
}

/// What programs in other languages know of the codes they find here (`agents/python/tests/test_delivery.py`,
/// `agents/node/test/delivery.test.ts`).
#[test]
fn codes_of_refusals_are_as_others_know_them() {
    let words = |codes: &mut dyn Iterator<Item = &ProblemCode>| {
        codes.map(|code| format!("    \"{}\"", code.as_str())).collect::<Vec<_>>().join(",\n")
    };
    let all = words(&mut ProblemCode::ALL.iter());
    let settled = words(&mut ProblemCode::ALL.iter().filter(|code| code.refuses_a_record()));
    let made = format!("{{\n  \"codes\": [\n{all}\n  ],\n  \"refuses_a_record\": [\n{settled}\n  ]\n}}\n");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/problem-codes.json");
    if std::env::var_os("ADJOURN_SNAPSHOT").is_some_and(|wish| wish == "write") {
        std::fs::write(&path, &made).unwrap();
    }
    let document =
        std::fs::read_to_string(path.ancestors().nth(5).unwrap().join("docs/backend-api.md")).unwrap();
    for code in ProblemCode::ALL {
        assert!(
            document.contains(&format!("| `{}` |", code.as_str())),
            "{code:?} is in no row of docs/backend-api.md"
        );
    }
    let known = std::fs::read_to_string(&path).unwrap();
    assert!(made == known, "another list of codes (ADJOURN_SNAPSHOT=write takes it over): {made}");
}

#[test]
fn records_are_read_and_written_as_ever() {
    for line in include_str!("golden/records.jsonl").lines() {
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!((record.damaged, &record.source), (0, &Source::Client));
        assert!(!record.timeline.is_empty());
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
}

#[test]
fn what_goes_through_livekit_is_written_as_ever() {
    let metadata = DispatchMetadata {
        attempt: 2,
        interview_id: "i".to_owned(),
        report_token: Secret::new("t"),
        report_url: "https://example.com/adjourn/".parse().unwrap(),
        replaces: None,
        history_url: None,
    };
    let written =
        r#"{"attempt":2,"interview_id":"i","report_token":"t","report_url":"https://example.com/adjourn/"}"#;
    assert_eq!(serde_json::to_string(&metadata).unwrap(), written);
    let successor = DispatchMetadata {
        replaces: Some("agent-AJ_1".to_owned()),
        history_url: Some("https://example.com/adjourn/h".parse().unwrap()),
        ..metadata
    };
    let more = r#","replaces":"agent-AJ_1","history_url":"https://example.com/adjourn/h"}"#;
    let written = format!("{}{more}", written.strip_suffix('}').unwrap());
    assert_eq!(serde_json::to_string(&successor).unwrap(), written);
    let ended = r#"{"adjourn.ended":{"at":"2026-11-28T12:03:03Z","reason":"organiser"}}"#;
    let read: RoomMetadata = serde_json::from_str(ended).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), ended);
}

#[test]
fn what_a_code_invites_to_is_written_as_ever_and_a_backend_that_says_nothing_of_it_is_understood() {
    let old = r#"{"livekit":{"url":"wss://a","token":"t","room":"check-i","agent_name":null}}"#;
    let read: CheckAnswer = serde_json::from_str(old).unwrap();
    assert_eq!((read.invited.clone(), serde_json::to_string(&read).unwrap().as_str()), (None, old));
    let invited = r#"{"title":"A talk","organiser":"Example Ltd.","contact":null,"language":"en","max_minutes":30,"begun":false}"#;
    let new = format!("{},\"invited\":{invited}}}", old.strip_suffix('}').unwrap());
    let read: CheckAnswer = serde_json::from_str(&new).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), new);
}

/// One note of each kind; a kind that is added is added here, or this does not compile.
fn notes() -> Vec<Note> {
    let text = || "x".to_owned();
    let all = vec![
        Note::Joined,
        Note::Connected { room_sid: text() },
        Note::Reconnecting,
        Note::Reconnected { room_sid: text() },
        Note::Disconnected { reason: LeaveReason::RoomDeleted },
        Note::InterviewerPinned { sid: text(), identity: None },
        Note::InterviewerLost {
            sid: text(),
            identity: text(),
            otherwise: Outcome::Interrupted(InterruptedWhy::InterviewerLost),
        },
        Note::Live,
        Note::Interviewer { state: AgentState::Listening },
        Note::ToolEnded(ToolEnded { sid: text(), name: text(), ok: true, call_id: text() }),
        Note::ParticipantLeft { reason: LeaveReason::Unknown },
        Note::Muted,
        Note::Unmuted,
        Note::Audio(AudioStatistics::default()),
        Note::DeviceCheck(DeviceCheck::default()),
        Note::AdjustmentAsked { text: text() },
        Note::Seat(seat()),
        Note::NotesLeftOut { count: 1 },
    ];
    for note in &all {
        match note {
            Note::Joined
            | Note::Connected { .. }
            | Note::Reconnecting
            | Note::Reconnected { .. }
            | Note::Disconnected { .. }
            | Note::InterviewerPinned { .. }
            | Note::InterviewerLost { .. }
            | Note::Live
            | Note::Interviewer { .. }
            | Note::ToolEnded(_)
            | Note::ParticipantLeft { .. }
            | Note::Muted
            | Note::Unmuted
            | Note::Audio(_)
            | Note::DeviceCheck(_)
            | Note::AdjustmentAsked { .. }
            | Note::Seat(_)
            | Note::NotesLeftOut { .. } => {}
        }
    }
    all
}

fn seat() -> SeatNote {
    SeatNote {
        center: "berlin-mitte".to_owned(),
        seat: "B-07".to_owned(),
        policy: "0".repeat(64),
        lock: LockLevel::Detected,
        weak: vec![Weakness::SecondScreen],
    }
}

prop_compose! {
    fn turn()(id in ".*", candidate: bool, text in ".*", ms in 0_i64..4_000_000_000_000) -> Turn {
        let role = if candidate { Role::Candidate } else { Role::Interviewer };
        Turn { id, role, text, at: DateTime::from_timestamp_millis(ms).unwrap() }
    }
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        turn().prop_map(Line::Said),
        turn().prop_map(Line::Caption),
        proptest::sample::select(notes()).prop_map(Line::Timeline),
        (".*", ".*", any::<bool>(), ".*").prop_map(|(sid, name, ok, call_id)| {
            Line::Timeline(Note::ToolEnded(ToolEnded { sid, name, ok, call_id }))
        }),
        proptest::sample::select(Outcome::ALL.to_vec())
            .prop_map(|outcome| Line::Ending(Decided { ending: None, outcome })),
    ]
}

proptest! {
    #[test]
    fn everything_that_is_written_parses_back(line in line(), mono_ms: u64, ms in 0_i64..4_000_000_000_000) {
        let entry = Entry { at: DateTime::from_timestamp_millis(ms).unwrap(), mono_ms, line };
        let written = serde_json::to_string(&entry).unwrap();
        prop_assert_eq!(serde_json::from_str::<Entry>(&written).unwrap(), entry);
    }

    /// What is damaged or of a later version is kept as it is.
    #[test]
    fn what_can_t_be_read_is_written_back_as_it_is(kind in "[a-z_]{0,12}", field in "[a-z]{1,8}", text in ".*") {
        let written = serde_json::json!({"kind": kind, "at": "2026-11-28T12:03:03Z", "mono_ms": 1, "body": {field: text}});
        let entry: Entry = serde_json::from_value(written.clone()).unwrap();
        prop_assert!(matches!(entry.line, Line::Unreadable(_)));
        prop_assert_eq!(serde_json::to_value(&entry).unwrap(), written);
    }
}
