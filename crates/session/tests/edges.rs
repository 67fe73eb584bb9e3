//! What happens seldom: settings, refused joins, replaced rooms, failing interviewers, the last minute.

mod support;

use adjourn_session::rules::Rule;
use adjourn_session::{
    AgentState, ConnectionState, Delivery, Input, JoinGrant, LeaveReason, OrganiserWord, Output, Participant,
    Phase, Policy, Role, Session, Time, Trouble,
};
use support::{SID, Stage, interviewer};

fn second() -> Participant {
    Participant { sid: "PA_second".into(), identity: "agent-2".into(), ..interviewer() }
}

fn tool(name: &str, ok: bool, call: &str) -> Input {
    Input::ToolEnded { sid: SID.into(), name: name.into(), ok, call_id: call.into() }
}

#[test]
fn the_policy_is_taken_before_the_interview_only() {
    let mut stage = Stage::new();
    stage.session.set_policy(Policy { never_started: 20_000, ..Policy::default() });
    stage.give(Input::JoinPressed);
    stage.give(Input::JoinGranted(JoinGrant { agent_name: None, remaining: 3_600_000, replacements: 0 }));
    stage.give(Input::Connected { room_sid: "RM_1".into(), roster: vec![] });
    stage.session.set_policy(Policy { never_started: 600_000, ..Policy::default() });
    stage.until_completed(21_000).unwrap();
    assert_eq!(stage.outcome(), "never started");
}

#[test]
fn every_constant_has_a_name() {
    let constants = Policy::default().constants();
    assert!(constants.contains(&("process_lost", 8_000)));
    let broken = Policy { link_lost: 1, ..Policy::default() };
    assert!(broken.check().unwrap_err().to_string().contains("link_lost is 1 ms"));
}

#[test]
fn a_join_can_be_refused_fail_or_be_given_up() {
    let mut stage = Stage::new();
    stage.give(Input::JoinPressed);
    stage.give(Input::JoinFailed { message: "This code was used already.".into(), retry: false });
    assert_eq!(stage.session.phase(), Phase::Checking);
    assert!(!stage.session.view().problem.unwrap().retry);

    stage.give(Input::JoinPressed);
    stage.give(Input::JoinGranted(JoinGrant { agent_name: None, remaining: 1, replacements: 0 }));
    stage.give(Input::ConnectFailed { message: "refused".into() });
    assert_eq!(stage.session.view().problem.unwrap().trouble, Trouble::ConnectFailed);

    stage.give(Input::JoinPressed);
    stage.give(Input::EndConfirmed);
    assert_eq!(stage.session.phase(), Phase::Checking);
    assert!(stage.outputs.contains(&Output::CancelConnect));
    assert_eq!(stage.commits, 0);

    for granted in [false, true] {
        stage.give(Input::JoinPressed);
        if granted {
            stage.give(Input::JoinGranted(JoinGrant {
                agent_name: None,
                remaining: 3_600_000,
                replacements: 0,
            }));
        }
        stage.run(10_100);
        assert_eq!(stage.session.phase(), Phase::Checking);
        assert!(stage.session.view().problem.unwrap().retry);
    }
}

#[test]
fn the_system_and_a_failing_part_end_it_at_once() {
    let mut stage = Stage::live();
    stage.give(Input::SystemEnds);
    assert_eq!(stage.outcome(), "ended(by the system)");
    let mut stage = Stage::live();
    stage.give(Input::ClientFailed);
    assert_eq!(stage.outcome(), "interrupted(client failed)");
}

#[test]
fn a_part_that_fails_while_joining_leads_back_to_the_device_check() {
    let mut stage = Stage::new();
    stage.give(Input::JoinPressed);
    stage.give(Input::ClientFailed);
    assert_eq!(stage.session.phase(), Phase::Checking);
    let problem = stage.session.view().problem.unwrap();
    assert_eq!((problem.retry, problem.trouble), (true, Trouble::PartFailed));
}

#[test]
fn a_session_that_owes_an_answer_may_be_busy_whatever_its_state_says() {
    let mut stage = Stage::live();
    stage.give(Input::Item { sid: SID.into(), role: Role::Candidate });
    stage.session_open = false;
    stage.run(12_500);
    assert_eq!(stage.session.phase(), Phase::Live, "a tool that blocks for 12 s ends nothing");
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "interrupted(interviewer stopped responding)");

    // After its own last word, silence is the end.
    let mut stage = Stage::live();
    stage.give(Input::Item { sid: SID.into(), role: Role::Candidate });
    stage.give(Input::Item { sid: SID.into(), role: Role::Interviewer });
    stage.session_open = false;
    stage.until_completed(22_500).unwrap();
    assert_eq!(stage.outcome(), "ended");
}

#[test]
fn a_session_that_failed_is_a_failed_interviewer() {
    let mut stage = Stage::live();
    stage.give(Input::SessionFailed { sid: SID.into() });
    stage.session_open = false;
    // A model's error may be one that it recovers from, and a stalled loop is no closed session.
    stage.run(12_000);
    assert_eq!(stage.outcome(), "none");
    stage.until_completed(10_500).unwrap();
    assert_eq!(stage.outcome(), "interrupted(interviewer failed)");

    let mut stage = Stage::live();
    stage.give(Input::SessionFailed { sid: SID.into() });
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(10_500).unwrap();
    assert_eq!(stage.outcome(), "interrupted(interviewer failed)");
}

#[test]
fn a_blocked_interviewer_is_given_twenty_seconds() {
    for (seconds, outcome) in [(12, "none"), (60, "interrupted(interviewer stopped responding)")] {
        let mut stage = Stage::live();
        stage.give(Input::AgentStateChanged { sid: SID.into(), state: AgentState::Thinking });
        stage.session_open = false;
        stage.run(seconds * 1_000);
        stage.session_open = true;
        stage.run(5_000);
        assert_eq!(stage.outcome(), outcome);
    }
}

#[test]
fn an_agent_that_never_gets_ready_is_no_interviewer() {
    let mut stage = Stage::waiting();
    let silent = Participant { state: None, audio: false, ..interviewer() };
    stage.give(Input::ParticipantJoined(silent.clone()));
    let ms = stage.until_completed(30_000).unwrap();
    assert!((18_400..=18_700).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "never started");

    let mut stage = Stage::waiting();
    stage.give(Input::ParticipantJoined(silent));
    stage.run(5_000);
    stage.left(LeaveReason::ClientInitiated);
    let ms = stage.until_completed(9_000).unwrap();
    assert!(ms <= 5_000, "{ms}");
    assert_eq!(stage.outcome(), "never started");
}

#[test]
fn a_successor_that_never_gets_ready_is_a_lost_interviewer() {
    let mut stage = Stage::live();
    stage.left(LeaveReason::ClientInitiated);
    let silent = Participant { state: None, audio: false, ..second() };
    stage.give(Input::ParticipantJoined(silent));
    stage.until_completed(30_000).unwrap();
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn a_handoff_to_a_second_agent_and_the_same_identity_anew_end_nothing() {
    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(second()));
    assert_eq!(stage.session.interviewer_sid(), Some(SID), "the first stays pinned");
    stage.give(Input::ParticipantLeft { sid: SID.into(), reason: LeaveReason::ClientInitiated });
    assert_eq!(stage.session.interviewer_sid(), Some("PA_second"));
    stage.run(30_000);
    assert_eq!(stage.session.phase(), Phase::Live);

    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(Participant { sid: "PA_anew".into(), ..interviewer() }));
    assert_eq!(stage.session.interviewer_sid(), Some("PA_anew"));
    stage.run(30_000);
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn three_losses_without_a_word_are_a_crash_loop_and_a_word_forgives_them() {
    for talk in [false, true] {
        let mut stage = Stage::live();
        for round in 0..3 {
            let sid = stage.session.interviewer_sid().unwrap().to_owned();
            if talk {
                stage.give(Input::Item { sid: sid.clone(), role: adjourn_session::Role::Interviewer });
            }
            stage.give(Input::ParticipantLeft { sid, reason: LeaveReason::ClientInitiated });
            stage.run(1_500);
            if round < 2 {
                let next = Participant {
                    sid: format!("PA_{round}"),
                    identity: format!("a{round}"),
                    ..interviewer()
                };
                stage.give(Input::ParticipantJoined(next));
                stage.run(1_000);
            }
        }
        assert_eq!(stage.outcome(), if talk { "none" } else { "interrupted(interviewer lost)" });
    }
}

#[test]
fn what_strangers_say_forgives_nothing() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.give(Input::Item { sid: "PA_stranger".into(), role: adjourn_session::Role::Candidate });
    stage.session_open = false;
    stage.until_completed(3_500).unwrap();
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn evidence_falls_away_by_another_tool_and_counts_once_per_call() {
    let mut stage = Stage::live();
    stage.give(Input::ToolStarted { sid: SID.into(), name: "end_interview".into(), call_id: "c1".into() });
    stage.give(tool("end_interview", true, "c1"));
    stage.give(Input::ToolStarted { sid: SID.into(), name: "look_up".into(), call_id: "c2".into() });
    stage.give(tool("look_up", true, "c2"));
    stage.give(tool("end_interview", true, "c1")); // the second message about the same call
    stage.session_open = false;
    stage.until_completed(22_500).unwrap();
    assert_eq!(stage.outcome(), "ended");

    let mut stage = Stage::live();
    stage.give(tool("end_interview", true, "c1"));
    stage.give(tool("look_up", true, "c2"));
    stage.session_open = false;
    stage.until_completed(22_500).unwrap();
    assert_eq!(stage.outcome(), "ended");
}

#[test]
fn a_replaced_room_needs_the_same_interviewer() {
    let replace = |roster| {
        let mut stage = Stage::live();
        stage.give(Input::Reconnecting);
        stage.give(Input::Reconnected { room_sid: "RM_2".into(), roster });
        assert!(stage.outputs.contains(&Output::AskOrganiser));
        stage
    };
    let mut stage = replace(vec![second()]);
    let ms = stage.until_completed(10_000).unwrap();
    assert!((7_500..=8_500).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "connection lost");

    let mut stage = replace(vec![second()]);
    stage.give(Input::Organiser { word: OrganiserWord::Ended });
    assert_eq!(stage.outcome(), "ended(closed by the organiser)");

    let mut stage = replace(vec![interviewer()]);
    stage.give(Input::Organiser { word: OrganiserWord::Running });
    stage.run(20_000);
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn who_is_missing_after_a_reconnect_comes_back_or_left_as_the_backend_knows() {
    // The same room, opened anew on another server: we are the first in it.
    let opened_anew = || {
        let mut stage = Stage::live();
        stage.give(Input::Reconnecting);
        stage.give(Input::Reconnected { room_sid: "RM_1".into(), roster: vec![] });
        assert!(stage.outputs.contains(&Output::AskOrganiser));
        stage
    };
    let back = || Participant { sid: "PA_anew".into(), ..interviewer() };
    let expected = Input::Organiser { word: OrganiserWord::InterviewerExpected };

    // The interviewer finds out later than we did. One that is sent meanwhile takes nothing over.
    let mut stage = opened_anew();
    stage.give(expected.clone());
    stage.run(1_000);
    stage.give(Input::ParticipantJoined(second()));
    stage.run(500);
    stage.give(Input::ParticipantLeft { sid: second().sid, reason: LeaveReason::ParticipantRemoved });
    stage.run(8_000);
    assert_eq!(stage.session.interviewer_sid(), Some(SID));
    stage.give(Input::ParticipantJoined(back()));
    assert_eq!(stage.session.interviewer_sid(), Some("PA_anew"));
    stage.run(30_000);
    assert_eq!(stage.outcome(), "none");

    // It does not come back: lost, unless a successor is sent.
    let mut stage = opened_anew();
    stage.give(expected.clone());
    let ms = stage.until_completed(30_000).unwrap();
    assert!((15_000..=20_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
    let mut stage = opened_anew();
    stage.give(expected);
    stage.run(16_000);
    stage.give(Input::ParticipantJoined(second()));
    assert_eq!(stage.session.interviewer_sid(), Some(second().sid.as_str()));

    // The backend knows that it left, or nothing: it left.
    let mut stage = opened_anew();
    stage.give(Input::Organiser { word: OrganiserWord::Running });
    let ms = stage.until_completed(20_000).unwrap();
    assert!((4_000..=5_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended(interviewer left)");
    // It can't be asked, or does not answer: the same, a moment later.
    for word in [Some(OrganiserWord::Unreachable), None] {
        let mut stage = opened_anew();
        if let Some(word) = word {
            stage.give(Input::Organiser { word });
        }
        let ms = stage.until_completed(20_000).unwrap();
        assert!((8_000..=9_500).contains(&ms), "{ms}");
        assert_eq!(stage.outcome(), "ended(interviewer left)");
    }
}

#[test]
fn a_closed_room_is_explained_by_the_organiser_or_by_nobody() {
    for (word, outcome) in [
        (OrganiserWord::Ended, "ended(closed by the organiser)"),
        (OrganiserWord::Running, "ended(room closed)"),
        (OrganiserWord::RoomGone, "ended(room closed)"),
        (OrganiserWord::Unreachable, "ended(room closed)"),
    ] {
        let mut stage = Stage::live();
        stage.give(Input::Disconnected { reason: LeaveReason::RoomDeleted });
        stage.give(Input::Organiser { word });
        assert_eq!(stage.outcome(), outcome);
    }
    let mut stage = Stage::live();
    stage.give(Input::Organiser { word: OrganiserWord::Ended }); // nobody asked
    assert_eq!(stage.session.phase(), Phase::Live);
    stage.give(Input::RoomEnded);
    assert_eq!(stage.outcome(), "ended(closed by the organiser)");
    assert!(stage.session.ending().unwrap().evidence.is_some());
}

#[test]
fn the_last_minute_finishes_an_interview_and_not_a_waiting_room() {
    let short = |roster| {
        let mut stage = Stage::new();
        stage.answers(true);
        stage.give(Input::JoinPressed);
        stage.give(Input::JoinGranted(JoinGrant { agent_name: None, remaining: 15_000, replacements: 0 }));
        stage.give(Input::Connected { room_sid: "RM_1".into(), roster });
        stage.until_completed(16_000).unwrap();
        stage.outcome()
    };
    assert_eq!(short(vec![interviewer()]), "finished");
    assert_eq!(short(vec![]), "never started");
}

#[test]
fn out_of_the_room_for_thirty_seconds_is_lost_even_if_bytes_arrive() {
    let mut stage = Stage::live();
    stage.give(Input::Reconnecting);
    let ms = stage.until_completed(40_000).unwrap();
    assert!((29_000..=31_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "connection lost");
}

#[test]
fn we_dial_again_ourselves_and_come_back() {
    let mut stage = Stage::live();
    stage.outputs.clear();
    stage.give(Input::Disconnected { reason: LeaveReason::SignalClose });
    assert_eq!(stage.outputs, [Output::Connect]);
    stage.give(Input::ConnectFailed { message: "refused".into() });
    stage.run(2_100);
    assert_eq!(stage.outputs.iter().filter(|o| **o == Output::Connect).count(), 2);
    stage.give(Input::Connected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
    stage.run(30_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    assert_eq!(stage.session.view().link, ConnectionState::Up);
}

#[test]
fn a_record_that_is_slow_unsaved_or_refused_is_said() {
    let ended = || {
        let mut session = Session::new(Policy::default(), Time::ZERO);
        session.handle(Input::JoinPressed, Time::ZERO);
        session.handle(
            Input::JoinGranted(JoinGrant { agent_name: None, remaining: 1_000_000, replacements: 0 }),
            Time::ZERO,
        );
        session.handle(Input::Connected { room_sid: "RM".into(), roster: vec![] }, Time::ZERO);
        assert!(session.pending().iter().any(|(_, rule)| *rule == Rule::NeverStarted));
        session.handle(Input::EndConfirmed, Time::ZERO);
        session
    };
    let mut session = ended();
    session.handle_timeout(Time(2_000));
    assert_eq!((session.phase(), session.view().delivery), (Phase::Completed, Delivery::Saving));
    session.handle(Input::RecordCommitted, Time(2_100));
    session.handle(Input::DeliveryParked, Time(2_200));
    assert_eq!(session.view().delivery, Delivery::Parked);

    let mut session = ended();
    session.handle(Input::RecordNotSaved, Time(10));
    assert_eq!((session.phase(), session.view().delivery), (Phase::Completed, Delivery::Unsaved));
    let mut refused = session.clone();
    session.handle(Input::Delivered { receipt: "R".into() }, Time(20));
    assert_eq!(session.view().delivery, Delivery::Received { receipt: "R".into() });
    assert!(session.poll_timeout().is_none());

    // Neither disk nor backend: the screen must not wait for what won't come.
    refused.handle(Input::DeliveryParked, Time(20));
    assert_eq!(refused.view().delivery, Delivery::Refused);
    refused.handle(Input::Delivered { receipt: "R".into() }, Time(30));
    assert_eq!(refused.view().delivery, Delivery::Received { receipt: "R".into() });
}

#[test]
fn a_lost_process_that_the_server_confirms_keeps_its_eight_seconds() {
    let mut stage = Stage::live();
    stage.answers(false);
    stage.run(5_000);
    stage.give(Input::ParticipantLeft { sid: SID.into(), reason: LeaveReason::ConnectionTimeout });
    let ms = 5_000 + stage.until_completed(10_000).unwrap();
    assert!((7_400..=8_600).contains(&ms), "{ms}");
}

#[test]
fn a_successor_takes_over_from_a_dead_interviewer_that_the_server_still_lists() {
    let mut stage = Stage::live();
    stage.answers(false);
    stage.run(4_000);
    stage.give(Input::ParticipantJoined(second()));
    assert_eq!(stage.session.interviewer_sid(), Some(SID), "the first may come back");
    stage.run(3_900);
    stage.answers(true);
    stage.run(500);
    assert_eq!(stage.session.phase(), Phase::Live);
    // The stage answers for both: the first came back in time and stays.
    let mut stage = Stage::live();
    stage.answers(false);
    stage.give(Input::ParticipantJoined(second()));
    stage.run(8_600);
    assert_eq!(stage.session.interviewer_sid(), Some("PA_second"));
    stage.answers(true);
    stage.run(20_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    // What the server says of the dead one later changes nothing.
    stage.give(Input::ParticipantLeft { sid: SID.into(), reason: LeaveReason::ConnectionTimeout });
    stage.run(20_000);
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn one_that_merely_stands_there_takes_nothing_over() {
    let mut stage = Stage::live();
    let observer = Participant { state: None, audio: false, ..second() };
    stage.give(Input::ParticipantJoined(observer));
    stage.answers(false);
    let ms = stage.until_completed(20_000).unwrap();
    assert!(ms <= 10_500, "{ms}");
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn a_departure_with_a_silent_observer_in_the_room_has_ended_after_settling() {
    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(Participant { state: None, audio: false, ..second() }));
    stage.left(LeaveReason::ClientInitiated);
    let ms = stage.until_completed(20_000).unwrap();
    assert!((4_000..=6_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended(interviewer left)");
}

#[test]
fn a_stranger_in_a_replaced_room_is_no_interviewer_and_forgives_nothing() {
    let replaced = || {
        let mut stage = Stage::live();
        stage.give(Input::Reconnecting);
        stage.give(Input::Reconnected { room_sid: "RM_2".into(), roster: vec![] });
        stage.run(1_000);
        stage.give(Input::ParticipantJoined(second()));
        stage.give(Input::ParticipantChanged(Participant { state: Some(AgentState::Speaking), ..second() }));
        stage
    };
    let mut stage = replaced();
    assert_eq!(stage.session.interviewer_sid(), Some(SID));
    let ms = 1_000 + stage.until_completed(20_000).unwrap();
    assert!((7_500..=8_500).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "connection lost");

    let mut stage = replaced();
    stage.give(Input::Organiser { word: OrganiserWord::Ended });
    assert_eq!(stage.outcome(), "ended(closed by the organiser)");

    let mut stage = replaced();
    stage.give(Input::ParticipantJoined(Participant { sid: "PA_anew".into(), ..interviewer() }));
    stage.run(60_000);
    assert_eq!(stage.outcome(), "none");
}

#[test]
fn a_waiting_room_that_is_replaced_goes_on_waiting() {
    let mut stage = Stage::waiting();
    stage.give(Input::Reconnecting);
    stage.give(Input::Reconnected { room_sid: "RM_2".into(), roster: vec![] });
    stage.give(Input::Organiser { word: OrganiserWord::Running });
    stage.run(30_000);
    assert_eq!(stage.session.phase(), Phase::Waiting);
    stage.answers(true);
    stage.give(Input::ParticipantJoined(interviewer()));
    stage.run(20_000);
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn calls_side_by_side_neither_drop_evidence_nor_bring_it_back() {
    let begins = |name: &str, call: &str| Input::ToolStarted {
        sid: SID.into(),
        name: name.into(),
        call_id: call.into(),
    };
    let closed = |stage: &mut Stage| {
        stage.session_open = false;
        stage.until_completed(22_500).unwrap();
        stage.outcome()
    };
    // Both begin, the end tool ends first.
    let mut stage = Stage::live();
    for input in [
        begins("look_up", "c1"),
        begins("end_interview", "c2"),
        tool("end_interview", true, "c2"),
        tool("look_up", true, "c1"),
        tool("look_up", true, "c1"),
        begins("look_up", "c1"),
    ] {
        stage.give(input);
    }
    assert_eq!(closed(&mut stage), "finished");
    // The talk went on; a second message about the old call brings nothing back, whatever came between.
    let mut stage = Stage::live();
    for input in [
        tool("end_interview", true, "c1"),
        tool("look_up", true, "c2"),
        tool("look_up", true, "c3"),
        tool("end_interview", true, "c1"),
    ] {
        stage.give(input);
    }
    assert_eq!(closed(&mut stage), "ended");
}

#[test]
fn an_interviewer_lost_before_its_first_word_can_be_tried_again() {
    let unready = Participant { state: None, audio: false, ..interviewer() };
    let mut stage = Stage::waiting();
    stage.process_alive = true;
    stage.give(Input::ParticipantJoined(unready.clone()));
    stage.run(3_000);
    stage.process_alive = false;
    let ms = stage.until_completed(20_000).unwrap();
    assert!(ms <= 10_500, "{ms}");
    assert_eq!(stage.outcome(), "never started");

    let mut stage = Stage::waiting();
    stage.process_alive = true;
    stage.give(Input::ParticipantJoined(unready));
    stage.run(1_000);
    stage.left(LeaveReason::ConnectionTimeout);
    stage.until_completed(20_000).unwrap();
    assert_eq!(stage.outcome(), "never started");
}

#[test]
fn one_presence_is_lost_once_and_its_departure_settles_once() {
    let mut stage = Stage::live();
    for _ in 0..4 {
        stage.give(Input::Roster { roster: vec![] });
        stage.run(500);
        stage.give(Input::Roster { roster: vec![interviewer()] });
        stage.run(500);
    }
    assert_eq!(stage.outcome(), "none");
    stage.left(LeaveReason::ClientInitiated);
    for _ in 0..3 {
        stage.run(1_000);
        stage.left(LeaveReason::ClientInitiated);
        stage.give(Input::Roster { roster: vec![] });
    }
    let ms = 3_000 + stage.until_completed(20_000).unwrap();
    assert!((4_000..=4_200).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended(interviewer left)");
}

#[test]
fn the_same_interviewer_in_a_new_presence_keeps_what_it_said() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.give(Input::ParticipantJoined(Participant { sid: "PA_anew".into(), ..interviewer() }));
    stage.give(Input::ParticipantLeft { sid: SID.into(), reason: LeaveReason::DuplicateIdentity });
    assert_eq!(stage.outcome(), "none");
    stage.give(Input::ParticipantLeft { sid: "PA_anew".into(), reason: LeaveReason::ClientInitiated });
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_failure_that_was_overcome_is_forgotten() {
    let mut stage = Stage::live();
    stage.give(Input::SessionFailed { sid: SID.into() });
    stage.give(Input::Item { sid: SID.into(), role: adjourn_session::Role::Interviewer });
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(10_500).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
}

#[test]
fn one_that_stood_there_before_takes_nothing_over_and_a_newcomer_may() {
    let silent = Participant { state: None, audio: false, ..second() };
    // It is seen again after the departure: it was there before.
    let mut stage = Stage::live();
    stage.give(Input::ParticipantJoined(silent.clone()));
    stage.left(LeaveReason::ClientInitiated);
    stage.give(Input::ParticipantChanged(silent.clone()));
    stage.give(Input::Roster { roster: vec![silent.clone()] });
    stage.until_completed(20_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
    // It comes after the departure: it may take a moment until it talks.
    let mut stage = Stage::live();
    stage.left(LeaveReason::ClientInitiated);
    stage.run(2_000);
    stage.give(Input::ParticipantJoined(silent));
    stage.run(4_000);
    assert_eq!(stage.outcome(), "none");
    stage.answers(true);
    stage.give(Input::ParticipantChanged(second()));
    stage.run(60_000);
    assert_eq!(stage.outcome(), "none");
}

#[test]
fn constants_out_of_order_are_one_sentence() {
    let broken = Policy { process_lost: 3_000, ..Policy::default() };
    assert_eq!(
        broken.check().unwrap_err().to_string(),
        "process_lost is 3000 ms, but noticing our own dead link first needs 4000 ms at least"
    );
}
