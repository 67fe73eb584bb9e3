//! Each ending of the list that the machine must get right, in virtual time.

mod support;

use adjourn_session::{AgentState, Delivery, Input, LeaveReason, Output, Phase, Question};
use support::{SID, Stage, interviewer};

#[test]
fn a_session_that_closes_after_the_end_tool_is_finished_within_three_and_a_half_seconds() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.run(1_300);
    stage.session_open = false;
    let ms = stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "finished");
    assert!(ms <= 3_500, "{ms}");
    assert!(ms >= 1_000, "{ms}: no goodbye may be cut by a late pong");
}

#[test]
fn nothing_is_confirmed_while_the_interviewer_is_audible() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.give(Input::InterviewerLevel { audible: true });
    stage.session_open = false;
    stage.run(6_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    stage.give(Input::InterviewerLevel { audible: false });
    let ms = stage.until_completed(10_000).unwrap();
    assert!((700..=900).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_session_that_closes_without_evidence_is_offered_as_an_end_and_has_ended_after_twenty_seconds() {
    let mut stage = Stage::live();
    stage.session_open = false;
    stage.run(10_500);
    assert_eq!(stage.session.view().asking, Some(Question::Closed));
    let ms = 10_500 + stage.until_completed(20_000).unwrap();
    assert_eq!(stage.outcome(), "ended");
    assert!((19_000..=22_500).contains(&ms), "{ms}");
}

#[test]
fn a_blocked_tool_may_come_back_for_twenty_seconds() {
    let mut stage = Stage::live();
    stage.give(Input::AgentStateChanged { sid: SID.into(), state: AgentState::Thinking });
    stage.session_open = false;
    stage.run(12_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    stage.session_open = true;
    stage.run(5_000);
    assert!(stage.session.view().ending.is_none());
    stage.session_open = false;
    let ms = stage.until_completed(30_000).unwrap();
    assert!(ms <= 23_000, "{ms}");
    assert_eq!(stage.outcome(), "interrupted(interviewer stopped responding)");
}

#[test]
fn a_dead_process_is_suspected_within_1_6_seconds_and_lost_within_10_5() {
    let mut stage = Stage::live();
    stage.answers(false);
    stage.run(1_600);
    assert_eq!(stage.session.view().agent, adjourn_session::Agent::Quiet);
    let ms = 1_600 + stage.until_completed(20_000).unwrap();
    assert!(ms <= 10_500, "{ms}");
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn a_process_frozen_for_three_seconds_is_forgiven() {
    let mut stage = Stage::live();
    stage.answers(false);
    stage.run(3_000);
    stage.answers(true);
    stage.run(120_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    assert_eq!(stage.session.view().agent, adjourn_session::Agent::Present);
}

#[test]
fn a_leave_with_evidence_is_finished_at_once_and_one_without_has_ended_after_settling() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.left(LeaveReason::ClientInitiated);
    assert_eq!(stage.session.phase(), Phase::Completed);
    assert_eq!(stage.outcome(), "finished");

    let mut stage = Stage::live();
    stage.left(LeaveReason::ClientInitiated);
    let ms = stage.until_completed(10_000).unwrap();
    assert!((4_000..=6_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended(interviewer left)");
}

#[test]
fn the_sdks_own_full_reconnect_ends_nothing() {
    let mut stage = Stage::live();
    stage.give(Input::ParticipantLeft { sid: SID.into(), reason: LeaveReason::Unknown });
    stage.give(Input::Reconnecting);
    stage.link_up = false;
    stage.run(9_000);
    stage.link_up = true;
    stage.give(Input::Reconnected { room_sid: "RM_1".into(), roster: vec![interviewer()] });
    stage.run(60_000);
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn our_own_dead_link_never_counts_against_the_interviewer() {
    let mut stage = Stage::live();
    stage.link_up = false;
    stage.run(15_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    assert!(!stage.session.view().link_fresh);
    stage.link_up = true;
    stage.run(60_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    assert_eq!(stage.session.view().agent, adjourn_session::Agent::Present);
}

#[test]
fn a_link_dead_for_thirty_seconds_is_lost() {
    let mut stage = Stage::live();
    stage.link_up = false;
    let ms = stage.until_completed(60_000).unwrap();
    assert!((29_000..=31_500).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "connection lost");
}

#[test]
fn a_link_that_comes_back_after_evidence_hears_the_pong_before_it_decides() {
    // Both probes travel over one ordered channel: a process answer alone, to a probe that was sent
    // before the ping, proves nothing about the ping.
    let mut stage = Stage::live();
    stage.end_tool();
    stage.link_up = false;
    stage.run(2_600);
    stage.link_up = true;
    stage.run(30_000);
    // The talk goes on: after 15 s without speech the evidence falls away.
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn without_an_interviewer_it_is_said_at_twenty_seconds_and_over_at_sixty() {
    let mut stage = Stage::waiting();
    stage.run(19_900);
    assert!(!stage.session.view().waiting_long);
    stage.run(200);
    assert!(stage.session.view().waiting_long);
    let ms = 20_100 + stage.until_completed(60_000).unwrap();
    assert!(ms <= 62_000, "{ms}");
    assert_eq!(stage.outcome(), "never started");
}

#[test]
fn the_candidate_ends_it_at_once_and_the_microphone_is_released_first() {
    let mut stage = Stage::live();
    stage.outputs.clear();
    stage.give(Input::EndConfirmed);
    assert_eq!(stage.session.phase(), Phase::Completed);
    assert_eq!(stage.outcome(), "ended by candidate");
    assert_eq!(stage.outputs[0], Output::ReleaseMicrophone);
}

#[test]
fn an_end_tool_that_failed_is_no_evidence_once_the_talk_went_on_and_strangers_have_none() {
    let mut stage = Stage::live();
    stage.give(Input::ToolEnded {
        sid: SID.into(),
        name: "end_interview".into(),
        ok: false,
        call_id: "c".into(),
    });
    stage.give(Input::ToolEnded {
        sid: "PA_stranger".into(),
        name: "end_interview".into(),
        ok: true,
        call_id: "d".into(),
    });
    stage.give(Input::EndMarker { sid: "PA_stranger".into() });
    stage.give(Input::ToolStarted { sid: SID.into(), name: "look_up".into(), call_id: "e".into() });
    stage.left(LeaveReason::ClientInitiated);
    stage.until_completed(10_000).unwrap();
    assert_eq!(stage.outcome(), "ended(interviewer left)");
}

#[test]
fn a_deleted_room_is_finished_with_evidence_and_asks_the_organiser_without() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.give(Input::Disconnected { reason: LeaveReason::RoomDeleted });
    assert_eq!(stage.outcome(), "finished");

    let mut stage = Stage::live();
    stage.give(Input::Disconnected { reason: LeaveReason::RoomDeleted });
    assert!(stage.outputs.contains(&Output::AskOrganiser));
    let ms = stage.until_completed(5_000).unwrap();
    assert!(ms <= 2_000, "{ms}");
    assert_eq!(stage.outcome(), "ended(room closed)");
}

#[test]
fn a_mute_interviewer_makes_us_ask_and_no_question_ends_it() {
    let mut stage = Stage::live();
    stage.give(Input::CandidateHeard { sid: SID.into() });
    stage.run(45_100);
    assert_eq!(stage.session.view().asking, Some(Question::Silent));
    stage.give(Input::GoOnPressed);
    assert_eq!(stage.session.view().asking, None);
    stage.run(200_000);
    assert_eq!(stage.session.phase(), Phase::Live, "a candidate who thinks is left alone");
    stage.give(Input::CandidateHeard { sid: SID.into() });
    stage.run(45_100);
    assert_eq!(stage.session.view().asking, Some(Question::Silent));
    // Its pongs go on: the question stands as long as it takes.
    stage.run(600_000);
    assert_eq!(stage.outcome(), "none");
    stage.give(Input::EndConfirmed);
    assert_eq!(stage.outcome(), "ended by candidate");
}

#[test]
fn delivery_is_separate_and_the_outcome_never_changes() {
    let mut stage = Stage::live();
    stage.give(Input::EndConfirmed);
    assert_eq!(stage.session.view().delivery, Delivery::Sending);
    stage.run(11_000);
    assert_eq!(stage.session.view().delivery, Delivery::Saved);
    stage.give(Input::Disconnected { reason: LeaveReason::RoomDeleted });
    stage.give(Input::JoinPressed);
    stage.give(Input::Delivered { receipt: "R-1".into() });
    assert_eq!(stage.session.view().delivery, Delivery::Received { receipt: "R-1".into() });
    assert_eq!(stage.outcome(), "ended by candidate");
    assert_eq!(stage.commits, 1);
}

#[test]
fn a_silent_agent_that_came_first_does_not_keep_the_interviewer_out() {
    let mut stage = Stage::waiting();
    let mut observer = interviewer();
    observer.sid = "PA_observer".into();
    observer.identity = "observer".into();
    observer.agent_name = None;
    observer.state = None;
    observer.audio = false;
    stage.give(Input::ParticipantJoined(observer));
    stage.answers(true);
    stage.give(Input::ParticipantJoined(interviewer()));
    assert_eq!(stage.session.interviewer_sid(), Some(SID));
    stage.run(60_000);
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn evidence_that_a_leave_overtook_still_finishes() {
    let mut stage = Stage::live();
    stage.left(LeaveReason::ClientInitiated);
    stage.run(200);
    stage.end_tool();
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_sound_that_never_stops_does_not_keep_a_finished_interview_open() {
    let mut stage = Stage::live();
    stage.end_tool();
    stage.give(Input::InterviewerLevel { audible: true });
    stage.session_open = false;
    let ms = stage.until_completed(30_000).unwrap();
    assert!(ms <= 21_000, "{ms}");
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn a_late_failure_of_an_earlier_attempt_says_nothing_about_the_connection() {
    let mut stage = Stage::live();
    stage.give(Input::ConnectFailed { message: "an attempt that was given up".into() });
    assert!(stage.session.view().link_fresh);
    assert_eq!(stage.session.view().link, adjourn_session::ConnectionState::Up);
}
