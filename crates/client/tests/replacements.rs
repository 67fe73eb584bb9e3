//! An interviewer is lost, and another one comes in its place.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_client::{Command, Message, Screen, Snapshot};
use adjourn_outbox::BackendError;
use adjourn_protocol::{Note, ReplacementAsked, Role};
use adjourn_room::{RoomEvent, Said};
use adjourn_session::{InterruptedWhy, Outcome, Policy};

use testbed::{LINK, MOMENT, Set, Testbed, says, texts};

/// A killed interviewer counts as lost within this, and a little.
fn lost() -> Duration {
    Duration::from_millis(Policy::default().process_lost) + MOMENT
}

const LIMIT: Duration = Duration::from_secs(25);

fn is_replacing(s: &Snapshot) -> bool {
    s.screen == Screen::Interview && says(s, &Message::InterviewerReplaced)
}

/// In the middle of an interview whose interviewer is killed.
async fn killed(replacements: u8) -> Testbed {
    let set = Set::with_link(LINK);
    set.backend.set(|backend| backend.replacements = replacements);
    let mut stage = set.start();
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.enter().await;
    stage.begin().await;
    stage.room.say(told("PA_1", "1", "Tell me about yourself.")).await;
    stage.room.process_dies();
    stage
}

/// What an interviewer's session tells.
fn told(sid: &str, id: &str, text: &str) -> RoomEvent {
    let said = Said { id: id.to_owned(), role: Role::Interviewer, text: text.to_owned(), interrupted: false };
    RoomEvent::Said { sid: sid.to_owned(), said }
}

fn asked_for(stage: &Testbed) -> Vec<ReplacementAsked> {
    stage.backend.set(|backend| backend.replaced.clone())
}

#[tokio::test(start_paused = true)]
async fn the_interview_goes_on_with_another_one_and_one_record_has_both() {
    let mut stage = killed(1).await;
    let shown = stage.within(lost(), "that another one comes", is_replacing).await;
    let seconds = shown.presence.unwrap().seconds_left.unwrap();
    assert!((24..=25).contains(&seconds), "{seconds} s");
    let otherwise = Outcome::Interrupted(InterruptedWhy::InterviewerLost);
    let (sid, identity) = ("PA_1".to_owned(), "agent-PA_1".to_owned());
    stage.passes(MOMENT).await;
    assert_eq!(asked_for(&stage), [ReplacementAsked { sid, identity, otherwise }]);
    assert!(stage.now().microphone_open, "who speaks meanwhile is heard by the next one");
    stage.passes(Duration::from_secs(10)).await;
    stage.room.interviewer_joins("PA_2").await;
    stage.within(Duration::from_secs(3), "the other one", |s| !is_replacing(s)).await;
    stage.room.say(told("PA_2", "2", "We were at your last project.")).await;
    stage.passes(Duration::from_secs(60)).await;
    assert_eq!(stage.now().screen, Screen::Interview);
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    let record = stage.record();
    assert_eq!(texts(&record), ["Tell me about yourself.", "We were at your last project."]);
    let notes = record.timeline.iter().filter_map(|entry| entry.line.note()).filter_map(|note| {
        if let Note::InterviewerPinned { sid, .. } = note {
            Some(format!("pinned {sid}"))
        } else if let Note::InterviewerLost { sid, otherwise, .. } = note {
            Some(format!("lost {sid}: {otherwise}"))
        } else {
            None
        }
    });
    let expected = ["pinned PA_1", "lost PA_1: interrupted(interviewer lost)", "pinned PA_2"];
    assert_eq!(notes.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_and_it_is_interrupted_as_ever() {
    let mut stage = killed(1).await;
    stage.within(lost(), "that another one comes", is_replacing).await;
    stage.stays(LIMIT - MOMENT, "waiting for another one", is_replacing).await;
    let end = stage.completed(2 * MOMENT).await;
    assert_eq!(end.outcome.to_string(), "interrupted(interviewer lost)");
    stage.received(Duration::from_secs(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_sends_nobody_ends_it_at_once_and_one_that_is_away_is_asked_again() {
    let mut stage = killed(1).await;
    let refused = BackendError::NoReplacement("None is left.".to_owned());
    stage.backend.set(|backend| backend.refuses_another.push_back(refused));
    let end = stage.completed(lost() + MOMENT).await;
    assert_eq!(end.outcome.to_string(), "interrupted(interviewer lost)");

    let mut stage = killed(1).await;
    stage.backend.set(|backend| backend.down = true);
    stage.within(lost(), "that another one comes", is_replacing).await;
    stage.passes(Duration::from_secs(15)).await;
    assert!(asked_for(&stage).is_empty());
    stage.backend.set(|backend| backend.down = false);
    stage.passes(Duration::from_secs(2)).await;
    assert_eq!(asked_for(&stage).len(), 1);
    // It never comes back: as ever, and the record waits.
    let mut stage = killed(1).await;
    stage.backend.set(|backend| backend.down = true);
    stage.within(lost(), "that another one comes", is_replacing).await;
    let end = stage.completed(LIMIT + MOMENT).await;
    assert_eq!(end.outcome.to_string(), "interrupted(interviewer lost)");
}

#[tokio::test(start_paused = true)]
async fn the_candidate_may_end_it_while_another_one_is_on_its_way() {
    let mut stage = killed(1).await;
    stage.within(lost(), "that another one comes", is_replacing).await;
    stage.order(Command::End).await;
    let end = stage.received(Duration::from_secs(2)).await;
    assert_eq!(end.outcome.to_string(), "ended by candidate");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_known_to_have_died_is_replaced_within_seconds() {
    let mut stage = killed(1).await;
    stage.backend.set(|backend| backend.died = Some("agent-PA_1".to_owned()));
    stage.within(Duration::from_millis(2_500), "that another one comes", is_replacing).await;
    // Nobody is to be called: then it is over as soon.
    let mut stage = killed(0).await;
    stage.backend.set(|backend| backend.died = Some("agent-PA_1".to_owned()));
    let end = stage.completed(Duration::from_millis(2_500)).await;
    assert_eq!(end.outcome.to_string(), "interrupted(interviewer lost)");
}
