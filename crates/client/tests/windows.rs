//! The window's X, and the end of the process.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_client::{Command, Screen};
use tokio::time::Instant;

use testbed::{LINK, MOMENT, Set, Testbed};

/// The process ends by itself within this; gives after how long.
async fn ends(stage: Testbed, limit: Duration) -> (adjourn_client::Snapshot, Duration) {
    let began = Instant::now();
    let last = tokio::time::timeout(limit, stage.running).await.expect("it goes on").unwrap();
    (last, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn before_an_interview_it_closes_at_once() {
    for stage in [Set::new().start(), Testbed::checking().await] {
        stage.order(Command::Close).await;
        ends(stage, Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_interview_it_is_asked_back() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::Close).await;
    stage.within(MOMENT, "the question", |s| s.closing).await;
    stage.order(Command::Stay).await;
    stage.within(MOMENT, "the interview", |s| !s.closing).await;
    stage.stays(Duration::from_secs(20), "the interview", |s| s.screen == Screen::Interview).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_whether_to_close_goes_when_what_was_said_is_safe() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.down = true);
    stage.order(Command::End).await;
    stage.completed(Duration::from_secs(12)).await;
    stage.order(Command::Close).await;
    stage.within(MOMENT, "the question", |s| s.closing).await;
    stage.backend.set(|backend| backend.down = false);
    stage.received(Duration::from_secs(60)).await;
    stage.within(MOMENT, "no question any more", |s| !s.closing).await;
}

#[tokio::test(start_paused = true)]
async fn a_double_click_is_one_press_and_a_second_press_is_the_answer_to_what_was_seen() {
    for seen in [true, false] {
        let mut stage = Testbed::interview().await;
        stage.order(Command::Close).await;
        stage.order(Command::Close).await;
        if seen {
            stage.order(Command::CloseAsked).await;
        }
        stage.stays(Duration::from_secs(2), "the interview", |s| s.completed.is_none()).await;
        stage.order(Command::Close).await;
        let (disk, backend) = (stage.disk.clone(), stage.backend.clone());
        let (last, _) = ends(stage, Duration::from_secs(5)).await;
        // A page that is dead asks nobody.
        let outcome = if seen { "ended by candidate" } else { "ended(by the system)" };
        assert_eq!(last.completed.unwrap().outcome.to_string(), outcome);
        assert!(disk.committed(LINK).is_some());
        assert!(backend.records().len() <= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_ends_the_interview_is_asked_nothing_more() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::Close).await;
    stage.within(MOMENT, "the question", |s| s.closing).await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(3)).await;
    assert!(!stage.now().closing);
    stage.order(Command::Close).await;
    ends(stage, Duration::from_secs(4)).await;
}

#[tokio::test(start_paused = true)]
async fn a_window_that_holds_the_only_copy_asks_before_it_closes() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.down = true);
    stage.order(Command::End).await;
    stage.completed(Duration::from_secs(3)).await;
    stage.passes(Duration::from_secs(20)).await;
    stage.order(Command::Close).await;
    stage.within(MOMENT, "the question", |s| s.closing).await;
}

#[tokio::test(start_paused = true)]
async fn a_system_that_shuts_down_ends_commits_and_leaves() {
    let stage = Testbed::interview().await;
    let (disk, room) = (stage.disk.clone(), stage.room.clone());
    stage.order(Command::Quit).await;
    let (last, took) = ends(stage, Duration::from_secs(5)).await;
    assert_eq!(last.completed.unwrap().outcome.to_string(), "ended(by the system)");
    assert!(room.is_left() && disk.committed(LINK).is_some() && disk.set(|disk| disk.closed));
    assert!(took < Duration::from_secs(4), "{took:?}");
}

/// A person closes the window in the middle of the interview: asked back, they press X once more.
async fn closes(stage: &mut Testbed) {
    stage.order(Command::Close).await;
    stage.within(MOMENT, "the question", |s| s.closing).await;
    stage.order(Command::CloseAsked).await;
    stage.passes(Duration::from_secs(2)).await;
    stage.order(Command::Close).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_backend_gets_the_record_of_a_window_that_is_closed() {
    let mut stage = Testbed::interview().await;
    let backend = stage.backend.clone();
    backend.set(|backend| backend.latency = Duration::from_secs(7));
    closes(&mut stage).await;
    let (last, took) = ends(stage, Duration::from_secs(12)).await;
    assert_eq!(backend.records().len(), 1, "who closes it may never open it again");
    assert!(last.completed.unwrap().receipt.is_some());
    assert!(took < Duration::from_secs(9), "and no longer than it takes: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_can_not_be_reached_holds_no_window() {
    let mut stage = Testbed::interview().await;
    stage.backend.set(|backend| backend.down = true);
    let disk = stage.disk.clone();
    closes(&mut stage).await;
    let (_, took) = ends(stage, Duration::from_secs(20)).await;
    assert!(disk.committed(LINK).is_some() && took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_holds_a_window_only_so_long_and_the_system_less() {
    for person in [true, false] {
        let mut stage = Testbed::interview().await;
        stage.backend.set(|backend| backend.latency = Duration::from_secs(3_600));
        let disk = stage.disk.clone();
        if person {
            closes(&mut stage).await;
        } else {
            stage.order(Command::Quit).await;
        }
        let (_, took) = ends(stage, Duration::from_secs(30)).await;
        let wanted = if person { 10..=13 } else { 2..=5 };
        assert!(disk.committed(LINK).is_some() && wanted.contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_holds_the_exit_only_so_long() {
    let stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.latency = Duration::from_secs(3_600));
    let backend = stage.backend.clone();
    stage.order(Command::Quit).await;
    ends(stage, Duration::from_secs(17)).await;
    assert_eq!(backend.records().len(), 1, "it was sent from memory");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_safe_and_the_exit_comes_all_the_same() {
    let stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.latency = Duration::from_secs(3_600));
    stage.backend.set(|backend| backend.down = true);
    stage.order(Command::Quit).await;
    let (_, took) = ends(stage, Duration::from_secs(20)).await;
    assert!(took > Duration::from_secs(10), "what was said is worth waiting for: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_shell_that_is_gone_ends_it() {
    let stage = Testbed::interview().await;
    let disk = stage.disk.clone();
    let Testbed { commands, running, .. } = stage;
    drop(commands);
    tokio::time::timeout(Duration::from_secs(5), running).await.expect("it goes on").unwrap();
    assert!(disk.committed(LINK).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_interview_that_is_being_joined_is_left_without_a_record() {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.latency = Duration::from_secs(5));
    stage.order(Command::Join).await;
    stage.within(MOMENT, "that it is tried", |s| s.screen == Screen::Joining).await;
    let (disk, backend) = (stage.disk.clone(), stage.backend.clone());
    stage.order(Command::Quit).await;
    ends(stage, Duration::from_secs(5)).await;
    assert!(disk.committed(LINK).is_none() && backend.records().is_empty());
}
