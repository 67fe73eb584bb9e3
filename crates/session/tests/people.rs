//! What people and agents do that no script foresees: words at the goodbye, tools that hang, loops that stall,
//! sessions that start again, persons who take over.

mod support;

use adjourn_session::{
    AgentState, CloseReason, EvidenceKind, Input, LeaveReason, OrganiserWord, Output, Participant,
    ParticipantKind, Phase, ProbeKind, Question, Role,
};
use support::{SID, Stage, interviewer};

fn began(name: &str, call: &str) -> Input {
    Input::ToolStarted { sid: SID.into(), name: name.into(), call_id: call.into() }
}

fn ended(name: &str, ok: bool, call: &str) -> Input {
    Input::ToolEnded { sid: SID.into(), name: name.into(), ok, call_id: call.into() }
}

/// Words that are told so much later were said to it.
const LATER: u64 = 600;

fn said(role: Role) -> Input {
    Input::Item { sid: SID.into(), role }
}

fn state(state: AgentState) -> Input {
    Input::AgentStateChanged { sid: SID.into(), state }
}

fn audible(stage: &mut Stage, ms: u64) {
    stage.give(Input::InterviewerLevel { audible: true });
    stage.run(ms);
    stage.give(Input::InterviewerLevel { audible: false });
}

/// What a candidate may do around the goodbye.
fn words() -> Vec<(&'static str, Vec<Input>)> {
    vec![
        ("a noise", vec![Input::CandidateSpoke]),
        ("interim captions", vec![Input::CandidateHeard { sid: SID.into() }; 3]),
        ("thank you", vec![Input::CandidateHeard { sid: SID.into() }, said(Role::Candidate)]),
        ("thank you, thank you", vec![said(Role::Candidate), said(Role::Candidate)]),
        ("typed words", vec![Input::CandidateTyped]),
        ("a late transcript", vec![said(Role::Candidate), Input::CandidateSpoke]),
    ]
}

#[test]
fn whatever_the_candidate_says_at_the_goodbye_the_end_is_finished() {
    type End = fn(&mut Stage);
    let ends: [(&str, End, u64); 4] = [
        ("zombie", |s| s.session_open = false, 10_500),
        ("leave", |s| s.left(LeaveReason::ClientInitiated), 100),
        ("delete-room", |s| s.give(Input::Disconnected { reason: LeaveReason::RoomDeleted }), 100),
        ("kill", |s| s.answers(false), 10_500),
    ];
    for (what, words) in words() {
        for (end, how, bound) in ends {
            for before in [true, false] {
                let mut stage = Stage::live();
                if before {
                    words.iter().for_each(|word| stage.give(word.clone()));
                }
                stage.end_tool();
                audible(&mut stage, 1_500);
                stage.give(said(Role::Interviewer));
                if !before {
                    words.iter().for_each(|word| stage.give(word.clone()));
                }
                stage.run(500);
                how(&mut stage);
                let ms = stage.until_completed(30_000).unwrap();
                let outcome = stage.outcome();
                assert_eq!(outcome, "finished", "{end} with {what}, before: {before}");
                assert!(ms <= bound, "{end} with {what}, before: {before}: {ms} ms");
            }
        }
    }
}

#[test]
fn the_second_word_about_the_end_tool_settles_what_the_candidate_said_before_it() {
    let mut stage = Stage::live();
    stage.give(began("end_interview", "c"));
    stage.give(ended("end_interview", true, "c"));
    stage.give(said(Role::Candidate));
    stage.give(ended("end_interview", true, "c"));
    stage.session_open = false;
    let ms = stage.until_completed(10_000).unwrap();
    assert!(ms <= 3_500, "{ms}");
    assert_eq!(stage.outcome(), "finished");
}

/// Seen on a loaded machine: the candidate's words to the goodbye are told 17 ms after the turn in which the tool succeeded, not before it.
#[test]
fn words_that_are_told_right_after_an_end_were_said_before_it() {
    for (between, bound) in [(0, 3_500), (17, 3_500), (400, 3_500), (LATER, 10_500)] {
        let mut stage = Stage::live();
        stage.give(began("end_interview", "c"));
        stage.give(ended("end_interview", true, "c"));
        audible(&mut stage, 1_500);
        stage.run(3_000);
        stage.give(said(Role::Interviewer));
        stage.give(ended("end_interview", true, "c"));
        stage.run(between);
        stage.give(said(Role::Candidate));
        stage.run(2_000);
        stage.session_open = false;
        let ms = stage.until_completed(20_000).unwrap();
        assert_eq!(stage.outcome(), "finished");
        assert!(ms <= bound, "{between} ms after it: {ms} ms");
        assert!(bound < 10_000 || ms > 5_000, "an answer to it waits longer: {ms} ms");
    }
}

/// Seen on a loaded machine: what the candidate said before the tool is told after it, and the goodbye looks like an answer.
#[test]
fn a_goodbye_after_words_that_are_told_late_takes_nothing_back() {
    let told_late = || {
        let mut stage = Stage::live();
        stage.give(began("end_interview", "c"));
        stage.give(ended("end_interview", true, "c"));
        stage.run(LATER);
        stage.give(said(Role::Candidate));
        stage.give(state(AgentState::Speaking));
        audible(&mut stage, 1_000);
        stage.give(said(Role::Interviewer));
        stage
    };
    let mut stage = told_late();
    stage.give(ended("end_interview", true, "c"));
    stage.give(state(AgentState::Listening));
    stage.session_open = false;
    let ms = stage.until_completed(10_000).unwrap();
    assert!(ms <= 3_500, "{ms}");
    assert_eq!(stage.outcome(), "finished");
    // What comes between says that it was an answer.
    for between in [said(Role::Candidate), said(Role::Interviewer), began("look_up", "other")] {
        let mut stage = told_late();
        stage.give(between);
        stage.give(ended("end_interview", true, "c"));
        stage.session_open = false;
        stage.until_completed(30_000).unwrap();
        assert!(stage.outcome() != "finished", "{}", stage.outcome());
    }
}

#[test]
fn only_the_interviewer_takes_its_end_back() {
    let contested = || {
        let mut stage = Stage::live();
        stage.end_tool();
        stage.run(LATER);
        stage.give(said(Role::Candidate));
        stage
    };
    // It thinks and says something: the talk goes on.
    let mut stage = contested();
    stage.give(state(AgentState::Thinking));
    stage.give(state(AgentState::Speaking));
    audible(&mut stage, 1_000);
    stage.give(said(Role::Interviewer));
    stage.give(state(AgentState::Listening));
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
    // It runs another tool.
    let mut stage = contested();
    stage.give(began("look_up", "other"));
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
    // It thinks about it, and blocks: it may come back for twenty seconds.
    let mut stage = contested();
    stage.give(state(AgentState::Thinking));
    stage.session_open = false;
    stage.run(12_500);
    assert_eq!(stage.outcome(), "none");
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "finished");
    // The goodbye that it was speaking meanwhile is no turn of its own.
    let mut stage = Stage::live();
    stage.give(state(AgentState::Speaking));
    stage.end_tool();
    stage.give(said(Role::Candidate));
    stage.give(said(Role::Interviewer));
    stage.left(LeaveReason::ClientInitiated);
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn an_end_tool_that_began_counts_with_what_follows() {
    let begun = || {
        let mut stage = Stage::live();
        stage.give(began("end_interview", "c"));
        audible(&mut stage, 1_000);
        stage.give(said(Role::Interviewer));
        stage
    };
    let mut stage = begun();
    stage.left(LeaveReason::ClientInitiated);
    assert_eq!(stage.outcome(), "finished");
    assert_eq!(
        stage.session.ending().unwrap().evidence.as_ref().map(|e| e.kind.clone()),
        Some(EvidenceKind::EndToolBegan("end_interview".into()))
    );
    let mut stage = begun();
    stage.give(Input::Disconnected { reason: LeaveReason::RoomDeleted });
    assert_eq!(stage.outcome(), "finished");
    // A tool that runs may block: its session counts as closed after twenty seconds.
    let mut stage = begun();
    stage.session_open = false;
    let ms = stage.until_completed(30_000).unwrap();
    assert!((18_000..=22_500).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "finished");
    // A process that dies in it ended nothing by itself.
    let mut stage = begun();
    stage.answers(false);
    stage.until_completed(30_000).unwrap();
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
    assert!(stage.session.ending().unwrap().evidence.is_none());
    let mut stage = begun();
    stage.left(LeaveReason::ConnectionTimeout);
    stage.until_completed(30_000).unwrap();
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn an_end_tool_that_raised_after_it_shut_the_session_down_is_an_end_and_otherwise_a_reason_to_ask() {
    let raised = || {
        let mut stage = Stage::live();
        stage.give(began("end_interview", "c"));
        stage.give(ended("end_interview", false, "c"));
        audible(&mut stage, 1_000);
        stage.give(said(Role::Interviewer));
        stage
    };
    let mut stage = raised();
    stage.session_open = false;
    let ms = stage.until_completed(10_000).unwrap();
    assert!(ms <= 5_000, "{ms}");
    assert_eq!(stage.outcome(), "finished");

    // The session stays: it is no evidence any more after a while, and the candidate is asked.
    let mut stage = raised();
    stage.run(44_000);
    assert_eq!(stage.session.view().asking, None);
    stage.run(2_000);
    assert_eq!(stage.session.view().asking, Some(Question::Silent));
    stage.run(600_000);
    assert_eq!(stage.outcome(), "none", "a question ends no interviewer that lives");
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");

    // The model says something to the failure, and then the session closes all the same.
    let mut stage = raised();
    audible(&mut stage, 1_000);
    stage.give(said(Role::Interviewer));
    stage.run(2_000);
    stage.session_open = false;
    let ms = stage.until_completed(10_000).unwrap();
    assert!(ms <= 5_000, "{ms}");
    assert_eq!(stage.outcome(), "finished");

    // It was the next question: what failed is no sign any more.
    let mut stage = raised();
    audible(&mut stage, 1_000);
    stage.give(said(Role::Interviewer));
    stage.run(10_000);
    stage.session_open = false;
    stage.run(15_000);
    assert_eq!(stage.outcome(), "none");

    // The talk goes on: nothing is left of it.
    let mut stage = raised();
    for role in [Role::Interviewer, Role::Candidate] {
        audible(&mut stage, 1_000);
        stage.give(said(role));
    }
    stage.give(state(AgentState::Speaking));
    audible(&mut stage, 1_000);
    stage.give(said(Role::Interviewer));
    stage.give(state(AgentState::Listening));
    stage.run(120_000);
    assert_eq!((stage.outcome().as_str(), stage.session.view().asking), ("none", None));
}

#[test]
fn evidence_without_consequence_is_asked_about_and_then_believed() {
    let mut stage = Stage::live();
    stage.end_tool();
    audible(&mut stage, 3_000);
    stage.run(14_000);
    assert_eq!(stage.session.view().asking, None);
    stage.run(1_500);
    assert_eq!(stage.session.view().asking, Some(Question::Over));
    let ms = stage.until_completed(60_000).unwrap();
    assert!(ms <= 31_000, "{ms}");
    assert_eq!(stage.outcome(), "finished");

    // "Keep waiting": it is no evidence any more, but they are asked again.
    let mut stage = Stage::live();
    stage.end_tool();
    stage.run(16_000);
    stage.give(Input::GoOnPressed);
    stage.run(44_000);
    assert_eq!(stage.session.view().asking, None);
    stage.run(2_000);
    assert_eq!(stage.session.view().asking, Some(Question::Silent));
    stage.run(300_000);
    assert_eq!(stage.outcome(), "none");
    // The interviewer speaks: it goes on.
    audible(&mut stage, 2_000);
    stage.give(said(Role::Interviewer));
    stage.run(120_000);
    assert_eq!((stage.outcome().as_str(), stage.session.view().asking), ("none", None));

    // Words answer it as well, and it is asked again later.
    let mut stage = Stage::live();
    stage.end_tool();
    stage.run(16_000);
    stage.give(Input::CandidateHeard { sid: SID.into() });
    stage.run(40_000);
    assert_eq!((stage.outcome().as_str(), stage.session.view().asking), ("none", None));
    stage.until_completed(60_000).unwrap();
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn who_says_that_it_is_over_after_the_interviewer_ended_it_breaks_nothing_off() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.give(Input::EndConfirmed);
    assert_eq!(stage.outcome(), "finished");
    let mut stage = Stage::live();
    stage.give(began("end_interview", "c"));
    stage.give(Input::EndConfirmed);
    assert_eq!(stage.outcome(), "ended by candidate");
}

#[test]
fn an_interviewer_that_thinks_or_speaks_without_a_sound_is_asked_about() {
    // Thinks for good, with and without a "hello?".
    for hello in [false, true] {
        let mut stage = Stage::live();
        stage.give(said(Role::Candidate));
        stage.give(state(AgentState::Thinking));
        for _ in 0..4 {
            stage.run(11_000);
            if hello {
                stage.give(Input::CandidateSpoke);
            }
        }
        stage.run(if hello { 7_000 } else { 2_000 });
        assert_eq!(stage.session.view().asking, Some(Question::Silent), "hello: {hello}");
        stage.run(600_000);
        assert_eq!(stage.outcome(), "none");
    }
    // Its avatar died: it speaks on, and nobody hears it.
    let mut stage = Stage::live();
    stage.give(state(AgentState::Speaking));
    audible(&mut stage, 2_000);
    stage.run(44_000);
    assert_eq!(stage.session.view().asking, None);
    stage.run(2_000);
    assert_eq!(stage.session.view().asking, Some(Question::Silent));
    // An end tool that hangs.
    let mut stage = Stage::live();
    stage.give(began("end_interview", "c"));
    stage.run(46_000);
    assert_eq!(stage.session.view().asking, Some(Question::Silent));
}

#[test]
fn a_candidate_whose_turn_it_is_is_left_alone_whatever_noise_there_is() {
    let mut stage = Stage::live();
    stage.give(Input::CandidateHeard { sid: SID.into() });
    stage.give(said(Role::Candidate));
    stage.give(state(AgentState::Thinking));
    stage.give(state(AgentState::Speaking));
    audible(&mut stage, 2_000);
    stage.give(said(Role::Interviewer));
    stage.give(state(AgentState::Listening));
    // A chair, a car: our detector hears speech, the interviewer's does not.
    for _ in 0..30 {
        stage.run(6_000);
        stage.give(Input::CandidateSpoke);
    }
    assert_eq!((stage.outcome().as_str(), stage.session.view().asking), ("none", None));
}

#[test]
fn unbroken_speech_is_no_silence() {
    for hosted in [true, false] {
        let mut stage = Stage::live();
        if !hosted {
            // Without session ping from the start.
            stage = Stage::waiting();
            stage.process_alive = true;
            stage.give(Input::ParticipantJoined(interviewer()));
        }
        for _ in 0..120 {
            stage.give(Input::CandidateSpoke);
            stage.run(5_000);
        }
        assert_eq!(stage.outcome(), "none", "hosted: {hosted}");
    }
}

#[test]
fn a_question_that_nobody_answers_ends_an_interviewer_without_session_ping_only() {
    let mut stage = Stage::waiting();
    stage.process_alive = true;
    stage.give(Input::ParticipantJoined(interviewer()));
    let ms = stage.until_completed(200_000).unwrap();
    assert!((160_000..=170_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended(no answer)");
}

#[test]
fn a_stalled_loop_is_offered_as_an_end_and_may_come_back() {
    let mut stage = Stage::live();
    stage.session_open = false;
    stage.run(7_500);
    assert_eq!(stage.session.view().asking, None);
    assert!(stage.outputs.contains(&Output::AskReport));
    stage.run(2_000);
    assert_eq!(stage.session.view().asking, Some(Question::Closed));
    stage.session_open = true;
    stage.run(1_000);
    assert_eq!(stage.session.view().asking, None);
    stage.run(60_000);
    assert_eq!(stage.outcome(), "none");

    // It does not come back.
    stage.session_open = false;
    let ms = stage.until_completed(40_000).unwrap();
    assert!((19_000..=22_500).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended");

    // The candidate waits: they are asked again, and it ends when they do not answer.
    let mut stage = Stage::live();
    stage.session_open = false;
    stage.run(10_000);
    stage.give(Input::GoOnPressed);
    stage.run(44_000);
    assert_eq!((stage.outcome().as_str(), stage.session.view().asking), ("none", None));
    stage.run(2_000);
    assert_eq!(stage.session.view().asking, Some(Question::Closed));
    stage.until_completed(14_000).unwrap();
    assert_eq!(stage.outcome(), "ended");
}

#[test]
fn the_agents_report_says_that_a_silent_session_is_over() {
    let silent = |finished| {
        let mut stage = Stage::live();
        stage.session_open = false;
        stage.run(3_300);
        assert!(stage.outputs.contains(&Output::AskReport));
        stage.give(Input::Organiser { word: OrganiserWord::Reported { finished } });
        stage
    };
    assert_eq!(silent(true).outcome(), "finished");
    // It may be of an agent before this one, or of a session before this one.
    let mut stage = silent(false);
    stage.session_open = true;
    stage.run(10_000);
    assert_eq!(stage.outcome(), "none");
    // Of a session that answers it says nothing.
    let mut stage = Stage::live();
    stage.give(Input::Organiser { word: OrganiserWord::Reported { finished: true } });
    assert_eq!(stage.outcome(), "none");
    // And it is no answer to the question why a room is gone.
    let mut stage = Stage::live();
    stage.give(Input::Disconnected { reason: LeaveReason::RoomDeleted });
    stage.give(Input::Organiser { word: OrganiserWord::Reported { finished: false } });
    stage.give(Input::Organiser { word: OrganiserWord::Ended });
    assert_eq!(stage.outcome(), "ended(closed by the organiser)");
}

fn listener() -> Participant {
    Participant {
        sid: "PA_listener".into(),
        identity: "paul".into(),
        kind: ParticipantKind::Person,
        agent_name: None,
        state: None,
        audio: true,
        name: None,
        marked: false,
    }
}

#[test]
fn a_listener_in_the_room_keeps_nobody_from_an_end() {
    // A session that closed, and a process that died, are handed over to the person who is there: they are asked about.
    for session_only in [true, false] {
        let mut stage = Stage::live();
        stage.give(Input::ParticipantJoined(listener()));
        stage.session_open = false;
        stage.process_alive = session_only;
        stage.run(75_000);
        assert_eq!(stage.session.view().asking, Some(Question::Person));
        stage.until_completed(130_000).unwrap();
        // What it is called is what it was.
        let outcome = if session_only { "ended" } else { "interrupted(interviewer lost)" };
        assert_eq!(stage.outcome(), outcome);
    }
    // A hum is no speech.
    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(listener()));
    stage.left(LeaveReason::ClientInitiated);
    stage.give(Input::InterviewerLevel { audible: true });
    stage.run(65_000);
    assert_eq!(stage.session.view().asking, Some(Question::Person));
    stage.until_completed(130_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
    // An interviewer that began to end it hands over to nobody.
    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(listener()));
    stage.give(began("end_interview", "c"));
    stage.give(Input::SessionClosed { sid: SID.into(), reason: CloseReason::UserInitiated });
    stage.until_completed(5_000).unwrap();
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn an_end_tool_that_failed_is_no_sign_once_the_next_question_was_asked() {
    let mut stage = Stage::live();
    stage.give(began("end_interview", "c"));
    stage.give(ended("end_interview", false, "c"));
    audible(&mut stage, 5_000);
    stage.give(said(Role::Interviewer));
    stage.run(6_000);
    stage.session_open = false;
    stage.run(7_000);
    assert_eq!(stage.outcome(), "none");
    stage.session_open = true;
    stage.run(10_000);
    assert_eq!(stage.outcome(), "none");
}

/// Seen on a busy machine: the session closed two seconds after the goodbye, and what says that it lives was a second and a half old when
/// the failed tool was given up.
#[test]
fn an_end_tool_that_failed_is_a_sign_until_a_pong_says_that_the_session_outlived_it() {
    for closes_after in [500, 1_500, 2_000, 2_500, 3_000, 3_500] {
        let mut stage = Stage::live();
        stage.give(began("end_interview", "c"));
        stage.give(ended("end_interview", false, "c"));
        audible(&mut stage, 3_000);
        stage.give(said(Role::Interviewer));
        stage.run(closes_after);
        stage.session_open = false;
        stage.until_completed(8_000).unwrap();
        assert_eq!(stage.outcome(), "finished", "closed {closes_after} ms after the goodbye");
    }
}

#[test]
fn a_marker_that_was_taken_back_stays_taken_back() {
    let marked = || Participant { marked: true, ..interviewer() };
    let mut stage = Stage::live();
    stage.give(Input::ParticipantChanged(marked()));
    stage.run(LATER);
    stage.give(said(Role::Candidate));
    stage.give(state(AgentState::Thinking));
    stage.give(said(Role::Interviewer));
    stage.give(Input::ParticipantChanged(Participant { state: Some(AgentState::Speaking), ..marked() }));
    stage.give(Input::ParticipantChanged(marked()));
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
}

#[test]
fn noise_answers_no_question_of_one_that_hears() {
    let mut stage = Stage::live();
    stage.give(Input::CandidateHeard { sid: SID.into() });
    stage.end_tool();
    stage.run(16_000);
    assert_eq!(stage.session.view().asking, Some(Question::Over));
    for _ in 0..3 {
        stage.run(8_000);
        stage.give(Input::CandidateSpoke);
    }
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn who_speaks_on_and_is_not_heard_is_asked_and_a_chair_is_not() {
    let asked = |burst_ms: u64| {
        let mut stage = Stage::live();
        for _ in 0..8 {
            for _ in 0..burst_ms / 100 {
                stage.give(Input::CandidateSpoke);
                stage.run(100);
            }
            stage.run(10_000);
        }
        stage.session.view().asking
    };
    assert_eq!(asked(700), None);
    assert_eq!(asked(3_000), Some(Question::Silent));
}

#[test]
fn who_says_hello_again_and_again_is_asked() {
    let mut stage = Stage::live();
    for _ in 0..3 {
        stage.give(Input::CandidateHeard { sid: SID.into() });
        stage.run(19_000);
    }
    assert_eq!(stage.session.view().asking, Some(Question::Silent));
}

#[test]
fn the_organisers_end_is_the_organisers_even_after_somebody_left() {
    let mut stage = Stage::live();
    stage.left(LeaveReason::ClientInitiated);
    stage.run(1_000);
    stage.give(Input::RoomEnded);
    assert_eq!(stage.outcome(), "ended(closed by the organiser)");
}

#[test]
fn a_session_that_says_it_closed_may_be_followed_by_another() {
    let mut stage = Stage::live();
    stage.give(Input::SessionClosed { sid: SID.into(), reason: CloseReason::UserInitiated });
    stage.session_open = false;
    stage.run(3_000);
    stage.give(state(AgentState::Speaking));
    audible(&mut stage, 2_000);
    stage.give(state(AgentState::Listening));
    stage.run(20_000);
    assert_eq!(stage.outcome(), "none");
}

#[test]
fn a_running_tool_is_busy() {
    let mut stage = Stage::live();
    stage.give(began("look_up", "c"));
    stage.session_open = false;
    stage.run(12_000);
    assert_eq!((stage.outcome().as_str(), stage.session.view().asking), ("none", None));
    stage.session_open = true;
    stage.run(3_000);
    assert_eq!(stage.outcome(), "none");
}

#[test]
fn any_sign_of_a_session_makes_it_one_without_ping() {
    let signs: [(&str, Vec<Input>); 4] = [
        (
            "speech",
            vec![Input::InterviewerLevel { audible: true }, Input::InterviewerLevel { audible: false }],
        ),
        ("state", vec![state(AgentState::Speaking), state(AgentState::Listening)]),
        (
            "attribute",
            vec![
                Input::ParticipantChanged(Participant { state: Some(AgentState::Speaking), ..interviewer() }),
                Input::ParticipantChanged(interviewer()),
            ],
        ),
        ("transcription", vec![Input::Transcribed { sid: SID.into() }]),
    ];
    for (what, inputs) in signs {
        let mut stage = Stage::live();
        stage.session_open = false;
        stage.run(6_000);
        inputs.into_iter().for_each(|input| stage.give(input));
        stage.run(30_000);
        assert_eq!(stage.outcome(), "none", "{what}");
        assert_eq!(stage.session.view().agent, adjourn_session::Agent::Present, "{what}");
        // Pongs return: the next silence counts again.
        stage.session_open = true;
        stage.run(12_000);
        stage.session_open = false;
        stage.until_completed(25_000).unwrap();
        assert_eq!(stage.outcome(), "ended", "{what}");
    }
    // Sound that is still on its way when the session closes keeps no finished interview open.
    let mut stage = Stage::live();
    stage.end_tool();
    stage.session_open = false;
    stage.give(Input::InterviewerLevel { audible: true });
    stage.run(2_500);
    stage.give(Input::InterviewerLevel { audible: false });
    let ms = 2_500 + stage.until_completed(10_000).unwrap();
    assert!(ms <= 4_000, "{ms}");
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_pong_proves_the_process() {
    let mut stage = Stage::live();
    stage.process_alive = false;
    stage.run(60_000);
    assert_eq!(stage.outcome(), "none");
    assert_eq!(stage.session.view().agent, adjourn_session::Agent::Present);
}

#[test]
fn the_interview_s_own_agent_takes_over_from_one_without_a_name() {
    let stranger = Participant {
        sid: "PA_stranger".into(),
        identity: "stranger".into(),
        agent_name: None,
        ..interviewer()
    };
    let mut stage = Stage::waiting();
    stage.answers(true);
    stage.give(Input::ParticipantJoined(stranger.clone()));
    stage.run(3_000);
    assert_eq!(stage.session.interviewer_sid(), Some("PA_stranger"));
    let silent = Participant { state: None, audio: false, ..interviewer() };
    stage.give(Input::ParticipantJoined(silent));
    assert_eq!(stage.session.interviewer_sid(), Some("PA_stranger"), "it shows nothing yet");
    stage.give(Input::ParticipantChanged(interviewer()));
    assert_eq!(stage.session.interviewer_sid(), Some(SID));
    stage.run(3_000);
    stage.end_tool();
    stage.left(LeaveReason::ClientInitiated);
    assert_eq!(stage.outcome(), "finished");
    // The stranger does not take it back.
    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(stranger));
    assert_eq!(stage.session.interviewer_sid(), Some(SID));
}

#[test]
fn a_person_who_goes_on_with_the_candidate_is_said_and_waited_for() {
    let person = Participant {
        sid: "PA_person".into(),
        identity: "maria".into(),
        kind: ParticipantKind::Person,
        agent_name: None,
        state: None,
        audio: true,
        name: Some("Maria".into()),
        marked: false,
    };
    let handed_over = || {
        let mut stage = Stage::live();
        stage.give(Input::ParticipantJoined(person.clone()));
        assert_eq!(stage.session.view().person, None, "the interviewer has the floor");
        stage.left(LeaveReason::ClientInitiated);
        stage
    };
    let mut stage = handed_over();
    assert_eq!(stage.session.view().person.as_deref(), Some("Maria"));
    for _ in 0..20 {
        stage.run(10_000);
        stage.give(Input::CandidateSpoke);
        audible(&mut stage, 3_000);
    }
    assert_eq!((stage.outcome().as_str(), stage.session.view().asking), ("none", None));
    stage.give(Input::ParticipantLeft { sid: "PA_person".into(), reason: LeaveReason::ClientInitiated });
    assert_eq!(stage.outcome(), "none");
    let ms = stage.until_completed(10_000).unwrap();
    assert!((4_000..=6_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended(interviewer left)");
    // Somebody who says nothing: the candidate is asked, and need not wait for the end of the time.
    let mut stage = handed_over();
    stage.run(46_000);
    assert_eq!(stage.session.view().asking, Some(Question::Person));
    stage.until_completed(130_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
    // With evidence it is over.
    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(person.clone()));
    stage.end_tool();
    stage.left(LeaveReason::ClientInitiated);
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_session_that_says_that_it_closed_is_believed() {
    let cases = [
        (CloseReason::UserInitiated, false, "ended"),
        (CloseReason::UserInitiated, true, "finished"),
        (CloseReason::Completed, false, "finished"),
        (CloseReason::Error, false, "interrupted(interviewer failed)"),
        (CloseReason::JobShutdown, false, "ended"),
        (CloseReason::Unknown, false, "ended"),
    ];
    for (reason, tool, outcome) in cases {
        let mut stage = Stage::live();
        if tool {
            stage.give(began("end_interview", "c"));
        }
        stage.give(Input::InterviewerLevel { audible: true });
        stage.give(Input::SessionClosed { sid: SID.into(), reason });
        stage.run(1_000);
        assert_eq!(stage.outcome(), "none", "the goodbye is heard to its end");
        stage.give(Input::InterviewerLevel { audible: false });
        let ms = stage.until_completed(5_000).unwrap();
        let at_once = tool || matches!(reason, CloseReason::Completed | CloseReason::Error);
        assert!(ms <= if at_once { 900 } else { 3_500 }, "{reason:?}: {ms}");
        assert_eq!(stage.outcome(), outcome, "{reason:?}");
    }
    let mut stage = Stage::live();
    stage.give(Input::SessionClosed { sid: "PA_stranger".into(), reason: CloseReason::Completed });
    stage.run(30_000);
    assert_eq!(stage.outcome(), "none");
}

#[test]
fn an_attribute_that_was_set_before_we_came_is_read_from_the_roster() {
    let mut stage = Stage::waiting();
    stage.answers(true);
    stage.give(Input::ParticipantJoined(Participant { marked: true, ..interviewer() }));
    stage.run(1_000);
    stage.left(LeaveReason::ClientInitiated);
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn the_end_of_the_time_finishes_nothing_while_the_candidate_waits() {
    let at_the_limit = |inputs: Vec<Input>| {
        let mut stage = Stage::live();
        stage.run(3_600_000 - 30_000 - stage.now);
        inputs.into_iter().for_each(|input| stage.give(input));
        stage.until_completed(40_000).unwrap();
        stage.outcome()
    };
    assert_eq!(at_the_limit(vec![]), "finished");
    assert_eq!(at_the_limit(vec![said(Role::Candidate)]), "ended(time limit)");
    assert_eq!(at_the_limit(vec![state(AgentState::Thinking)]), "ended(time limit)");
    assert_eq!(at_the_limit(vec![said(Role::Candidate), said(Role::Interviewer)]), "finished");
    let raised = vec![began("end_interview", "c"), ended("end_interview", false, "c")];
    assert_eq!(at_the_limit(raised), "ended(time limit)");
}

#[test]
fn who_is_not_the_interviewer_changes_nothing_of_all_this() {
    let mut stage = Stage::live();
    let other = || "PA_stranger".to_owned();
    for input in [
        Input::CandidateHeard { sid: other() },
        Input::Transcribed { sid: other() },
        Input::ToolStarted { sid: other(), name: "end_interview".into(), call_id: "c".into() },
        Input::ProbeAnswered { sid: other(), probe: ProbeKind::Session, id: 1 },
    ] {
        stage.give(input);
    }
    stage.run(120_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    assert_eq!(stage.session.view().asking, None);
}

#[test]
fn a_button_takes_no_proof_away() {
    // Nobody was asked any more when it was pressed.
    let mut stage = Stage::live();
    stage.end_tool();
    stage.give(Input::GoOnPressed);
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(5_000).unwrap();
    assert_eq!(stage.outcome(), "finished");
    // Asked whether it is over, the candidate says no; then it was after all.
    for closes in [true, false] {
        let mut stage = Stage::live();
        stage.end_tool();
        stage.run(16_000);
        assert_eq!(stage.session.view().asking, Some(Question::Over));
        stage.give(Input::GoOnPressed);
        if closes {
            stage.session_open = false;
        } else {
            stage.left(LeaveReason::ClientInitiated);
        }
        stage.until_completed(10_000).unwrap();
        assert_eq!(stage.outcome(), "finished");
    }
    // The interviewer goes on: only that takes it back.
    let mut stage = Stage::live();
    stage.end_tool();
    stage.run(16_000);
    stage.give(Input::GoOnPressed);
    stage.give(said(Role::Interviewer));
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(5_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
}

#[test]
fn who_talks_on_after_the_end_tool_has_not_ended() {
    // A session that tells nothing of what it hears: only its own turns show that the talk goes on.
    for (turns, outcome) in [(3, "finished"), (4, "ended(interviewer left)")] {
        let mut stage = Stage::live();
        stage.end_tool();
        for _ in 0..turns {
            audible(&mut stage, 1_000);
            stage.give(said(Role::Interviewer));
        }
        stage.left(LeaveReason::ClientInitiated);
        stage.until_completed(5_000).unwrap();
        assert_eq!(stage.outcome(), outcome, "{turns}");
    }
}

#[test]
fn a_goodbye_after_another_tool_is_an_end_all_the_same() {
    // "End the interview, save the notes, say goodbye": the agent leaves, or the candidate says thank you and it stays.
    for stays in [false, true] {
        let mut stage = Stage::live();
        stage.give(began("end_interview", "c1"));
        stage.give(ended("end_interview", true, "c1"));
        stage.give(began("save_notes", "c2"));
        stage.give(ended("save_notes", true, "c2"));
        audible(&mut stage, 2_000);
        stage.give(said(Role::Interviewer));
        if stays {
            stage.give(said(Role::Candidate));
            stage.session_open = false;
        } else {
            stage.left(LeaveReason::ClientInitiated);
        }
        stage.until_completed(22_500).unwrap();
        // A session that is silent after another tool may have failed in a talk that went on: nobody says that it finished.
        assert_eq!(stage.outcome(), if stays { "ended" } else { "finished" });
    }
}

#[test]
fn an_interview_that_a_run_before_was_in_did_start() {
    for (resumed, outcome, within) in [
        (None, "never started", 60_500),
        (Some(false), "ended(interviewer left)", 60_500),
        (Some(true), "finished", 4_500),
    ] {
        let mut stage = Stage::new();
        stage.give(Input::JoinPressed);
        if let Some(ended) = resumed {
            stage.give(Input::Resumed { ended });
        }
        stage.give(Input::JoinGranted(adjourn_session::JoinGrant {
            agent_name: None,
            remaining: 3_600_000,
            replacements: 0,
        }));
        stage.give(Input::Connected { room_sid: "RM_1".into(), roster: Vec::new() });
        stage.until_completed(within).unwrap();
        assert_eq!(stage.outcome(), outcome);
    }
}
