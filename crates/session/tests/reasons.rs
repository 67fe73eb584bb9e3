//! LiveKit's reasons for a departure, one by one: the interviewer's and our own.

mod support;

use adjourn_session::{Input, LeaveReason as R, Phase};
use support::Stage;

/// Reason, and what comes of it when the interviewer leaves in mid-interview without evidence.
const INTERVIEWER: &[(R, &str)] = &[
    (R::Unknown, "none"), // means nothing until a roster is read
    (R::ClientInitiated, "ended(interviewer left)"),
    (R::DuplicateIdentity, "ended(interviewer left)"),
    (R::ServerShutdown, "interrupted(interviewer lost)"),
    (R::ParticipantRemoved, "ended(interviewer left)"),
    (R::RoomDeleted, "ended(interviewer left)"),
    (R::StateMismatch, "interrupted(interviewer lost)"),
    (R::JoinFailure, "interrupted(interviewer lost)"),
    (R::Migration, "interrupted(interviewer lost)"),
    (R::SignalClose, "interrupted(interviewer lost)"),
    (R::RoomClosed, "ended(interviewer left)"),
    (R::UserUnavailable, "ended(interviewer left)"),
    (R::UserRejected, "ended(interviewer left)"),
    (R::SipTrunkFailure, "ended(interviewer left)"),
    (R::ConnectionTimeout, "interrupted(interviewer lost)"),
    (R::MediaFailure, "interrupted(interviewer lost)"),
    (R::AgentError, "interrupted(interviewer failed)"),
];

/// Reason, and what comes of it when we are out of the room: without evidence, and with.
const OURSELVES: &[(R, &str, &str)] = &[
    (R::Unknown, "connection lost", "finished"),
    (R::ClientInitiated, "connection lost", "finished"),
    (R::DuplicateIdentity, "ended(continued elsewhere)", "ended(continued elsewhere)"),
    (R::ServerShutdown, "connection lost", "finished"),
    (R::ParticipantRemoved, "interrupted(removed)", "finished"),
    (R::RoomDeleted, "ended(room closed)", "finished"),
    (R::StateMismatch, "connection lost", "finished"),
    (R::JoinFailure, "connection lost", "finished"),
    (R::Migration, "connection lost", "finished"),
    (R::SignalClose, "connection lost", "finished"),
    (R::RoomClosed, "ended(room closed)", "finished"),
    (R::UserUnavailable, "connection lost", "finished"),
    (R::UserRejected, "connection lost", "finished"),
    (R::SipTrunkFailure, "connection lost", "finished"),
    (R::ConnectionTimeout, "connection lost", "finished"),
    (R::MediaFailure, "connection lost", "finished"),
    (R::AgentError, "connection lost", "finished"),
];

#[test]
fn the_interviewer_leaves_for_each_reason() {
    for (reason, outcome) in INTERVIEWER {
        let mut stage = Stage::live();
        stage.left(*reason);
        stage.run(10_000);
        assert_eq!(stage.outcome(), *outcome, "{reason:?}");

        let mut stage = Stage::live();
        stage.end_tool();
        stage.left(*reason);
        stage.run(500);
        let at_once = if *reason == R::Unknown { "none" } else { "finished" };
        assert_eq!(stage.outcome(), at_once, "{reason:?}");
    }
}

#[test]
fn an_unknown_departure_is_settled_by_the_roster() {
    let mut stage = Stage::live();
    stage.left(R::Unknown);
    stage.run(5_000);
    assert_eq!(stage.session.phase(), Phase::Live);
    stage.give(Input::Roster { roster: vec![] });
    let ms = stage.until_completed(10_000).unwrap();
    assert!((4_000..=5_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "ended(interviewer left)");

    let mut stage = Stage::live();
    stage.give(Input::ParticipantLeft { sid: support::SID.into(), reason: R::Unknown });
    stage.give(Input::Roster { roster: vec![support::interviewer()] });
    stage.run(60_000);
    assert_eq!(stage.session.phase(), Phase::Live);
}

#[test]
fn a_departure_without_reason_that_no_roster_settles_is_lost_in_the_end() {
    let mut stage = Stage::live();
    stage.left(R::Unknown);
    let ms = stage.until_completed(70_000).unwrap();
    assert!((59_000..=61_000).contains(&ms), "{ms}");
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn we_are_out_for_each_reason() {
    for (reason, without, with) in OURSELVES {
        for (evidence, outcome) in [(false, without), (true, with)] {
            let mut stage = Stage::live();
            if evidence {
                stage.end_tool();
            }
            stage.link_up = false;
            stage.give(Input::Disconnected { reason: *reason });
            let ms = stage.until_completed(40_000).unwrap();
            assert_eq!(stage.outcome(), *outcome, "{reason:?}");
            // Only a lost connection takes time: it may come back.
            let limit = if *without == "connection lost" { 32_000 } else { 1_500 };
            assert!(ms <= limit, "{reason:?}: {ms} ms");
        }
    }
}
