//! Every answer of the backend to a join.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_client::{Command, Message, Screen, Snapshot};
use adjourn_outbox::BackendError;
use adjourn_session::Policy;

use testbed::{LINK, MOMENT, Testbed};

fn host() -> String {
    "127.0.0.1:9".to_owned()
}

/// Joins are answered so; gives the screen that comes of it.
async fn refused(stage: &mut Testbed, refusals: &[BackendError]) -> Snapshot {
    stage.backend.set(|backend| backend.joins.extend(refusals.iter().cloned()));
    stage.order(Command::Join).await;
    stage.within(Duration::from_secs(12), "the problem", |s| s.problem.is_some()).await
}

/// Back at the device check, with the reason and, where that can help, a way to try again.
async fn told(refusal: BackendError, retry: bool) {
    let mut stage = Testbed::checking().await;
    let shown = refused(&mut stage, &[refusal.clone(), refusal.clone()]).await;
    assert_eq!((shown.screen, shown.can_retry), (Screen::Checking, retry), "{refusal}");
    assert_eq!(shown.problem, Some(Message::from(&refusal)));
    // Whatever it was: pressing again tries again.
    stage.backend.set(|backend| backend.joins.clear());
    stage.enter().await;
    assert_eq!(stage.now().problem, None);
}

macro_rules! answers {
    ($($name:ident: $refusal:expr, retry $retry:expr;)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            told($refusal, $retry).await;
        })*
    };
}

answers! {
    a_host_that_cant_be_reached: BackendError::Unreachable { host: host() }, retry true;
    a_host_that_is_not_the_right_one: BackendError::Untrusted { host: host() }, retry true;
    a_host_that_answers_nonsense:
        BackendError::Unusable { host: host(), detail: "502 Bad Gateway".into(), retry_after: None }, retry true;
    a_host_that_asks_for_a_pause:
        BackendError::Unusable { host: host(), detail: "503".into(), retry_after: Some(Duration::from_secs(60)) },
        retry true;
    a_code_that_is_not_known: BackendError::UnknownCode { host: host() }, retry false;
    a_code_that_was_used_elsewhere: BackendError::CodeUsed, retry false;
    an_interview_that_is_not_open: BackendError::NotOpen, retry false;
    too_many_wrong_codes: BackendError::TooMany { retry_after: Some(Duration::from_secs(60)) }, retry true;
    a_server_that_knows_nothing_of_it: BackendError::NoSuch { host: host() }, retry true;
    a_session_that_is_no_longer_accepted: BackendError::Unauthorised, retry true;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_once_more_by_itself() {
    let mut stage = Testbed::checking().await;
    let lost = BackendError::Unusable { host: host(), detail: "it took too long".into(), retry_after: None };
    stage.backend.set(|backend| backend.joins.push_back(lost));
    stage.order(Command::Join).await;
    stage.within(Duration::from_secs(2), "the waiting room", |s| s.screen == Screen::Waiting).await;
    assert_eq!(stage.backend.set(|backend| backend.asked_joins), 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_for_a_long_pause_is_not_asked_again_meanwhile() {
    let mut stage = Testbed::checking().await;
    let busy = BackendError::TooMany { retry_after: Some(Duration::from_secs(60)) };
    refused(&mut stage, &[busy]).await;
    stage.passes(Duration::from_secs(30)).await;
    assert_eq!(stage.backend.set(|backend| backend.asked_joins), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_given_up() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.latency = Duration::from_secs(3_600));
    stage.order(Command::Join).await;
    stage.within(MOMENT, "that it is tried", |s| s.screen == Screen::Joining).await;
    let limit = Duration::from_millis(Policy::default().join_limit) + MOMENT;
    let shown = stage.within(limit, "the problem", |s| s.problem.is_some()).await;
    assert_eq!((shown.screen, shown.can_retry), (Screen::Checking, true));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_after_it_was_given_up_is_nobodys() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.latency = Duration::from_secs(15));
    stage.order(Command::Join).await;
    stage.within(Duration::from_secs(12), "the problem", |s| s.problem.is_some()).await;
    stage.stays(Duration::from_secs(30), "the device check", |s| s.screen == Screen::Checking).await;
}

#[tokio::test(start_paused = true)]
async fn who_presses_end_while_it_is_tried_is_back_at_the_device_check() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.latency = Duration::from_secs(5));
    stage.order(Command::Join).await;
    stage.within(MOMENT, "that it is tried", |s| s.screen == Screen::Joining).await;
    stage.order(Command::End).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
    stage.stays(Duration::from_secs(10), "the device check", |s| s.screen == Screen::Checking).await;
}

#[tokio::test(start_paused = true)]
async fn an_interview_that_is_over_is_said_to_be() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.over = true);
    stage.order(Command::Join).await;
    let shown = stage.within(MOMENT, "the problem", |s| s.problem.is_some()).await;
    assert_eq!((shown.problem, shown.can_retry), (Some(Message::AlreadyEnded), false));
}

#[tokio::test(start_paused = true)]
async fn an_interview_that_ended_on_this_computer_is_not_begun_again() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    // Another window, the same disk; the backend does not know yet.
    let set = testbed::Set::with_link(LINK);
    let mut again = testbed::Set { disk: stage.disk.clone(), backend: stage.backend.clone(), ..set }.start();
    again.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    again.order(Command::Join).await;
    let shown = again.within(MOMENT, "the problem", |s| s.problem.is_some()).await;
    assert_eq!(shown.problem, Some(Message::EndedHere));
    assert_eq!(stage.backend.records().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn settings_that_cant_be_used_are_the_organisers_mistake() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.policy.process_lost = 1);
    stage.order(Command::Join).await;
    let shown = stage.within(MOMENT, "the problem", |s| s.problem.is_some()).await;
    let detail = "process_lost is 1 ms, allowed are 3000 to 60000 ms".to_owned();
    assert_eq!(shown.problem, Some(Message::SettingsUnusable { detail }));
}
