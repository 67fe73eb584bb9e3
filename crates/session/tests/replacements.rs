//! An interview that outlives its interviewer: another one comes in its place, or it ends as it would have.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "a test stops where it finds something")]

mod support;

use adjourn_session::{
    Agent, Input, LeaveReason, OrganiserWord, Output, Participant, ParticipantKind, Phase, Role,
};
use support::{SID, Stage, interviewer};

/// The one in its place.
fn second() -> Participant {
    Participant { sid: "PA_2".into(), identity: "agent-2".into(), ..interviewer() }
}

/// Identities in whose place another interviewer was asked for.
fn asked_for(stage: &Stage) -> Vec<&str> {
    let of = |output: &'_ Output| matches!(output, Output::Replace { .. });
    let asked = stage.outputs.iter().filter(|output| of(output));
    asked
        .map(|output| if let Output::Replace { identity, .. } = output { identity.as_str() } else { "" })
        .collect()
}

/// An interview whose interviewer was killed, at the moment in which another one is asked for.
fn killed(replacements: u8) -> Stage {
    let mut stage = Stage::live_with(replacements);
    stage.answers(false);
    let began = stage.now;
    while asked_for(&stage).is_empty() && stage.now < began + 20_000 {
        stage.run(100);
    }
    assert!((7_500..=9_000).contains(&(stage.now - began)), "{} ms", stage.now - began);
    stage
}

/// The second one comes and is ready.
fn comes(stage: &mut Stage) {
    stage.answers(true);
    stage.give(Input::ParticipantJoined(second()));
    stage.run(1_000);
}

#[test]
fn another_interviewer_goes_on_and_the_one_that_was_lost_counts_for_nothing_any_more() {
    let mut stage = killed(1);
    assert_eq!((asked_for(&stage), stage.commits), (vec!["agent-1"], 0));
    let view = stage.session.view();
    assert!(view.replacing && view.phase == Phase::Live && view.agent == Agent::Gone, "{view:?}");
    assert_eq!(view.ends_at.map(|at| (24_000..=25_000).contains(&(at.0 - stage.now))), Some(true));
    // The first one thaws, and its server tells of it once more, in the same presence and in another.
    stage.give(Input::ParticipantChanged(interviewer()));
    stage.give(Input::ParticipantJoined(Participant { sid: "PA_1b".into(), ..interviewer() }));
    stage.give(Input::Item { sid: SID.into(), role: Role::Interviewer });
    stage.give(Input::EndMarker { sid: SID.into() });
    stage.end_tool();
    stage.give(Input::Organiser { word: OrganiserWord::Reported { finished: true } });
    assert_eq!(stage.outcome(), "none");
    assert!(stage.session.view().replacing);
    assert_eq!(stage.session.heard_identity(), None);
    assert_eq!(stage.session.unheard().collect::<Vec<_>>(), ["agent-1"]);
    comes(&mut stage);
    let view = stage.session.view();
    assert!(!view.replacing && view.agent == Agent::Present && !view.greeted, "{view:?}");
    assert_eq!(stage.session.heard_identity(), Some("agent-2"));
    assert_eq!(stage.session.unheard().collect::<Vec<_>>(), ["agent-1"]);
    // Whatever the first one does now.
    stage.give(Input::ParticipantChanged(interviewer()));
    stage.give(Input::EndMarker { sid: SID.into() });
    stage.left(LeaveReason::ParticipantRemoved);
    stage.answers(true);
    stage.run(60_000);
    assert_eq!(stage.outcome(), "none");
    stage.give(Input::EndMarker { sid: "PA_2".into() });
    stage.give(Input::ParticipantLeft { sid: "PA_2".into(), reason: LeaveReason::ClientInitiated });
    assert_eq!(stage.outcome(), "finished");
}

#[test]
fn one_that_chose_its_name_itself_may_give_it_to_the_next_one() {
    let named = |sid: &str| Participant { sid: sid.into(), identity: "Ada".into(), ..interviewer() };
    let mut stage = Stage::waiting_with(1);
    stage.answers(true);
    stage.give(Input::ParticipantJoined(named("PA_1")));
    stage.run(5_000);
    stage.answers(false);
    stage.run(9_000);
    assert_eq!(asked_for(&stage), ["Ada"]);
    stage.give(Input::ParticipantChanged(named("PA_1")));
    assert_eq!((stage.session.heard_identity(), stage.session.view().replacing), (None, true));
    stage.answers(true);
    stage.give(Input::ParticipantJoined(named("PA_2")));
    stage.run(20_000);
    assert_eq!((stage.session.heard_identity(), stage.session.view().replacing), (Some("Ada"), false));
    assert_eq!((stage.session.unheard().count(), stage.outcome().as_str()), (0, "none"));
}

#[test]
fn if_nobody_comes_it_ends_as_it_would_have() {
    let mut stage = killed(3);
    let took = stage.until_completed(60_000).unwrap();
    assert!((24_800..=25_200).contains(&took), "{took} ms");
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
    assert_eq!((asked_for(&stage).len(), stage.commits), (1, 1));
    assert_eq!(stage.session.ending().unwrap().decided_by.as_str(), "process_lost");
}

#[test]
fn if_the_backend_sends_nobody_it_ends_at_once() {
    let mut stage = killed(1);
    stage.give(Input::ReplacementRefused);
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn without_replacements_it_ends_as_before() {
    let mut stage = Stage::live();
    stage.answers(false);
    let took = stage.until_completed(60_000).unwrap();
    assert!((7_500..=9_500).contains(&took), "{took} ms");
    assert!(asked_for(&stage).is_empty());
}

#[test]
fn each_loss_uses_up_one_and_the_last_ends_it() {
    let mut stage = killed(2);
    comes(&mut stage);
    stage.run(5_000);
    stage.answers(false);
    stage.run(10_000);
    assert_eq!(asked_for(&stage), ["agent-1", "agent-2"]);
    stage.answers(true);
    stage.give(Input::ParticipantJoined(Participant {
        sid: "PA_3".into(),
        identity: "agent-3".into(),
        ..interviewer()
    }));
    stage.run(5_000);
    stage.answers(false);
    let took = stage.until_completed(60_000).unwrap();
    assert!((7_500..=9_500).contains(&took), "{took} ms");
    assert_eq!((stage.outcome().as_str(), asked_for(&stage).len()), ("interrupted(interviewer lost)", 2));
}

#[test]
fn one_that_comes_and_is_not_ready_in_time_replaces_nobody() {
    let mut stage = killed(1);
    stage.run(10_000);
    let silent = Participant { state: None, audio: false, ..second() };
    stage.give(Input::ParticipantJoined(silent));
    let took = stage.until_completed(60_000).unwrap();
    assert!((14_800..=15_200).contains(&took), "{took} ms after it came, 25 s after the loss");
    assert_eq!(stage.outcome(), "interrupted(interviewer lost)");
}

#[test]
fn one_that_leaves_before_it_is_ready_is_replaced_in_its_turn_or_it_is_over() {
    for (replacements, asked) in [(1, 1), (2, 2)] {
        let mut stage = killed(replacements);
        let silent = Participant { state: None, audio: false, ..second() };
        stage.give(Input::ParticipantJoined(silent));
        stage.give(Input::ParticipantLeft { sid: "PA_2".into(), reason: LeaveReason::ClientInitiated });
        stage.run(5_000);
        assert_eq!(asked_for(&stage).len(), asked);
        let expected = if asked == 1 { "interrupted(interviewer lost)" } else { "none" };
        assert_eq!(stage.outcome(), expected);
    }
}

#[test]
fn the_candidate_may_end_it_meanwhile() {
    let mut stage = killed(1);
    stage.give(Input::EndConfirmed);
    assert_eq!((stage.outcome().as_str(), stage.commits), ("ended by candidate", 1));
    stage.run(1_000);
    assert_eq!(stage.session.phase(), Phase::Completed);
}

#[test]
fn an_interviewer_that_failed_or_stopped_responding_is_replaced_and_one_that_ended_or_left_is_not() {
    // Its event loop is blocked, in the middle of an answer.
    let mut stage = Stage::live_with(1);
    stage.give(Input::Item { sid: SID.into(), role: Role::Candidate });
    stage.session_open = false;
    stage.run(25_000);
    assert_eq!((asked_for(&stage), stage.outcome().as_str()), (vec!["agent-1"], "none"));
    // Its loop goes on, and its tool says that it is over: too late.
    stage.session_open = true;
    stage.end_tool();
    stage.give(Input::Organiser { word: OrganiserWord::Reported { finished: true } });
    assert_eq!(stage.outcome(), "none");
    // It failed, and left.
    let mut stage = Stage::live_with(1);
    stage.give(Input::SessionFailed { sid: SID.into() });
    stage.left(LeaveReason::ClientInitiated);
    stage.run(5_000);
    assert_eq!((asked_for(&stage), stage.outcome().as_str()), (vec!["agent-1"], "none"));
    // It left by itself: that may be how it ends.
    let mut stage = Stage::live_with(1);
    stage.left(LeaveReason::ClientInitiated);
    stage.run(5_000);
    assert_eq!((asked_for(&stage).len(), stage.outcome().as_str()), (0, "ended(interviewer left)"));
    // It had ended it.
    let mut stage = Stage::live_with(1);
    stage.end_tool();
    stage.answers(false);
    stage.run(10_000);
    assert_eq!((asked_for(&stage).len(), stage.outcome().as_str()), (0, "finished"));
}

#[test]
fn while_another_one_is_awaited_our_own_dead_link_is_a_lost_connection_and_the_time_limit_finishes_nothing() {
    let mut stage = killed(1);
    stage.link_up = false;
    stage.until_completed(60_000).unwrap();
    assert_eq!(stage.outcome(), "connection lost");
    let mut stage = Stage::waiting_with(1);
    stage.answers(true);
    stage.give(Input::ParticipantJoined(interviewer()));
    stage.run(3_600_000 - 20_000);
    stage.answers(false);
    stage.until_completed(60_000).unwrap();
    assert_eq!(stage.outcome(), "ended(time limit)");
}

#[test]
fn a_person_who_is_there_goes_on_and_nobody_is_asked_for() {
    let mut stage = Stage::live_with(1);
    let person = Participant {
        sid: "PA_P".into(),
        identity: "anna".into(),
        kind: ParticipantKind::Person,
        agent_name: None,
        state: None,
        ..interviewer()
    };
    stage.give(Input::ParticipantJoined(person));
    stage.answers(false);
    stage.run(20_000);
    assert_eq!((asked_for(&stage).len(), stage.outcome().as_str()), (0, "none"));
    assert!(stage.session.floor_is_a_person());
}

#[test]
fn a_job_that_is_known_to_have_ended_is_given_up_as_soon_as_we_see_the_same() {
    for replacements in [0, 1] {
        let mut stage = Stage::live_with(replacements);
        stage.answers(false);
        let began = stage.now;
        let reports = |stage: &Stage| stage.outputs.iter().filter(|o| **o == Output::AskReport).count();
        while reports(&stage) == 0 && stage.now < began + 5_000 {
            stage.run(100);
        }
        assert!(stage.now - began <= 1_300, "asked after {} ms", stage.now - began);
        stage.give(Input::InterviewerDied { identity: "agent-1".into() });
        assert_eq!(asked_for(&stage).len(), usize::from(replacements));
        let expected = if replacements == 0 { "interrupted(interviewer lost)" } else { "none" };
        assert_eq!(stage.outcome(), expected);
    }
    // Of one that answers it is not believed, and of another one it says nothing.
    for identity in ["agent-1", "agent-0"] {
        let mut stage = Stage::live_with(1);
        stage.give(Input::InterviewerDied { identity: identity.into() });
        stage.run(20_000);
        assert_eq!((asked_for(&stage).len(), stage.outcome().as_str()), (0, "none"));
    }
}
