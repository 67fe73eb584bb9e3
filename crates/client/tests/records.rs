//! The record, its delivery, and what the end screen says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_client::{Command, Completed, Message, RecordState, Snapshot};
use adjourn_outbox::BackendError;
use adjourn_protocol::{Line, Note};
use adjourn_session::{Outcome, Policy};

use testbed::{LINK, MOMENT, Testbed};

fn delivery(of: RecordState) -> impl Fn(&Snapshot) -> bool {
    move |s| s.completed.as_ref().is_some_and(|c| c.delivery == of)
}

async fn ended(stage: &mut Testbed) -> Completed {
    stage.order(Command::End).await;
    stage.completed(Duration::from_secs(2)).await
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_shown_once_it_is_written_down() {
    let mut stage = Testbed::interview().await;
    ended(&mut stage).await;
    let end = stage.received(Duration::from_secs(2)).await;
    assert_eq!(end.delivery, RecordState::Received);
    let (record, receipt) = stage.disk.committed(LINK).unwrap();
    assert!(receipt);
    assert_eq!(record, stage.record());
    assert_eq!(end.next, Some(Message::NextNothing));
}

#[tokio::test(start_paused = true)]
async fn without_the_backend_it_is_saved_and_sent_when_that_is_back() {
    let mut stage = Testbed::interview().await;
    stage.backend.set(|backend| backend.down = true);
    let end = ended(&mut stage).await;
    assert!(matches!(end.delivery, RecordState::Saving | RecordState::Sending), "{:?}", end.delivery);
    let limit = Duration::from_millis(Policy::default().delivery_limit) + MOMENT;
    let shown = stage.within(limit, "that it is saved", delivery(RecordState::Saved)).await;
    assert_eq!(shown.completed.unwrap().fate, Message::FateSaved);
    stage.passes(Duration::from_secs(600)).await;
    stage.backend.set(|backend| backend.down = false);
    stage.received(Duration::from_secs(60)).await;
    assert_eq!(stage.backend.records().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_gives_the_same_receipt_later() {
    let mut stage = Testbed::interview().await;
    stage.backend.set(|backend| backend.loses_answer = true);
    ended(&mut stage).await;
    stage.received(Duration::from_secs(10)).await;
    assert_eq!((stage.backend.records().len(), stage.backend.set(|b| b.asked_deliveries)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_refused_stays_and_is_told() {
    let mut stage = Testbed::interview().await;
    let refused = BackendError::Refused("The record is not a JSON object.".to_owned());
    stage.backend.set(|backend| backend.deliveries.push_back(refused));
    ended(&mut stage).await;
    let shown = stage.within(Duration::from_secs(2), "that it is kept", delivery(RecordState::Parked)).await;
    assert_eq!(shown.completed.unwrap().fate, Message::FateParked);
    assert!(matches!(&shown.notices[..], [Message::RecordRefused { .. }]), "{:?}", shown.notices);
    let (_, receipt) = stage.disk.committed(LINK).unwrap();
    assert!(!receipt);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_told_at_once_and_the_record_is_sent_from_memory() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.full = true);
    stage.order(Command::SetMuted { muted: true }).await;
    let shown = stage.within(Duration::from_secs(2), "the notice", |s| !s.notices.is_empty()).await;
    assert_eq!(shown.notices, [Message::NotJournaled]);
    ended(&mut stage).await;
    stage.received(Duration::from_secs(5)).await;
    // What the disk did not take is in the record all the same.
    let muted = |entry: &adjourn_protocol::Entry| entry.line == Line::Timeline(Note::Muted);
    assert!(stage.record().timeline.iter().any(muted));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_once_is_made_again_and_not_told() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.fails_once = true);
    stage.order(Command::SetMuted { muted: true }).await;
    stage.stays(Duration::from_secs(5), "that nothing is told", |s| s.notices.is_empty()).await;
    assert!(!stage.disk.set(|disk| disk.fails_once), "it was asked");
    let muted = |entry: &adjourn_protocol::Entry| entry.line == Line::Timeline(Note::Muted);
    assert!(stage.disk.lines(LINK).iter().any(muted));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_and_no_backend_ask_for_the_window_to_stay_open() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.down = true);
    ended(&mut stage).await;
    let shown =
        stage.within(Duration::from_secs(12), "that it is nowhere", delivery(RecordState::Unsaved)).await;
    assert_eq!(shown.completed.unwrap().fate, Message::FateUnsaved);
    stage.backend.set(|backend| backend.down = false);
    stage.received(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_and_a_refusal_leave_the_only_copy_in_the_window() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.full = true);
    let refused = BackendError::Refused("no".to_owned());
    stage.backend.set(|backend| backend.deliveries.push_back(refused));
    ended(&mut stage).await;
    let shown = stage.within(Duration::from_secs(5), "the refusal", delivery(RecordState::Refused)).await;
    assert_eq!(shown.completed.unwrap().fate, Message::FateRefused);
    // A copy is made of memory.
    stage.order(Command::SaveCopy).await;
    let copied = |s: &Snapshot| matches!(s.notices.first(), Some(Message::Copied { .. }));
    stage.within(MOMENT, "the copy", copied).await;
}

#[tokio::test(start_paused = true)]
async fn a_receipt_can_be_kept_as_a_page() {
    let mut stage = Testbed::interview().await;
    ended(&mut stage).await;
    let number = stage.received(Duration::from_secs(2)).await.receipt.unwrap();
    stage.order(Command::SaveReceipt).await;
    let saved = |s: &Snapshot| matches!(s.notices.first(), Some(Message::ReceiptSaved { .. }));
    let shown = stage.within(MOMENT, "where it is", saved).await;
    let Some(Message::ReceiptSaved { path }) = shown.notices.first() else { panic!("{:?}", shown.notices) };
    assert!(std::fs::read_to_string(path).unwrap().contains(&number));
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_problem_holds_states_and_nothing_of_anybody() {
    let mut stage = Testbed::typing().await;
    let (segment, text) = ("s".to_owned(), "CANARY words".to_owned());
    let caption =
        adjourn_room::Caption { segment, role: adjourn_protocol::Role::Interviewer, text, done: true };
    stage.room.say(adjourn_room::RoomEvent::Caption(caption)).await;
    stage.order(Command::Type { text: "CANARY answer".to_owned() }).await;
    stage.passes(Duration::from_secs(5)).await;
    stage.audio.plug(&["CANARY headset"], &["CANARY headset"]);
    stage.passes(Duration::from_secs(3)).await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.down = true);
    ended(&mut stage).await;
    stage.passes(Duration::from_secs(20)).await;
    stage.order(Command::SaveCopy).await;
    let copied = |s: &Snapshot| matches!(s.notices.first(), Some(Message::Copied { .. }));
    stage.within(MOMENT, "the copy", copied).await;

    stage.order(Command::WriteProblemReport).await;
    let shown = stage.within(MOMENT, "the report", |s| s.problem_report.is_some()).await;
    let report = shown.problem_report.unwrap();
    for part in [
        "interview, presence listening",
        "outcome ended by candidate",
        "record unsaved",
        "notice copied",
        "attempt 1",
    ] {
        assert!(report.contains(part), "{part} is missing:\n{report}");
    }
    let title = shown.title.unwrap();
    let folder = stage.folder.display().to_string();
    for secret in ["CANARY", "K7QF-9M2X", "code=", &title, &folder, "eyJ", "token"] {
        assert!(!report.contains(secret), "{secret} is in it:\n{report}");
    }
    stage.order(Command::SaveProblemReport).await;
    let saved = |s: &Snapshot| matches!(s.notices.first(), Some(Message::ProblemReportSaved { .. }));
    let after = stage.within(MOMENT, "where it is", saved).await;
    let Some(Message::ProblemReportSaved { path }) = after.notices.first() else {
        panic!("{:?}", after.notices)
    };
    assert_eq!(std::fs::read_to_string(path).unwrap(), report, "exactly what was read");
    stage.within(MOMENT, "the way back", |s| s.problem_report.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_disk_is_not_waited_for() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.latency = Duration::from_secs(30));
    ended(&mut stage).await;
    stage.received(Duration::from_secs(5)).await;
    assert_eq!(stage.disk.committed(LINK), None);
    stage.passes(Duration::from_secs(120)).await;
    assert!(stage.disk.committed(LINK).is_some(), "the disk gets it all the same");
    assert_eq!(stage.backend.records().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn memory_is_no_disk() {
    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.volatile = true);
    stage.backend.set(|backend| backend.down = true);
    ended(&mut stage).await;
    stage.within(Duration::from_secs(12), "that it is not saved", delivery(RecordState::Unsaved)).await;
    stage.backend.set(|backend| backend.down = false);
    stage.received(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn the_agents_report_may_know_more_than_we_did() {
    let mut stage = Testbed::interview().await;
    ended(&mut stage).await;
    assert_eq!(stage.received(Duration::from_secs(2)).await.confirmed, None);
    stage.passes(Duration::from_secs(120)).await;
    stage.backend.set(|backend| backend.confirmed = true);
    let confirmed = |s: &Snapshot| s.completed.as_ref().is_some_and(|c| c.confirmed.is_some());
    stage.within(Duration::from_secs(60), "the confirmation", confirmed).await;
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_is_not_asked_for_for_ever() {
    let mut stage = Testbed::interview().await;
    ended(&mut stage).await;
    stage.received(Duration::from_secs(2)).await;
    stage.passes(Duration::from_secs(900)).await;
    let asked = stage.backend.set(|backend| backend.asked_status);
    stage.passes(Duration::from_secs(900)).await;
    assert_eq!(stage.backend.set(|backend| backend.asked_status), asked);
    assert!(asked < 60, "{asked} questions");
}

#[tokio::test(start_paused = true)]
async fn before_there_is_a_report_there_is_nothing_to_copy() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::SaveCopy).await;
    let shown = stage.within(MOMENT, "the notice", |s| !s.notices.is_empty()).await;
    assert_eq!(shown.notices, [Message::NothingToCopy]);
    ended(&mut stage).await;
    stage.received(Duration::from_secs(2)).await;
    stage.within(MOMENT, "nothing more to know", |s| s.notices.is_empty()).await;
    stage.order(Command::SaveCopy).await;
    let shown = stage.within(MOMENT, "the copy", |s| !s.notices.is_empty()).await;
    let path = stage.folder.join("copies/adjourn-report-X2M9-FQ7K-1.json");
    assert_eq!(shown.notices, [Message::Copied { path: path.display().to_string() }]);
    let copy = std::fs::read(path).unwrap();
    let copy: serde_json::Value = serde_json::from_slice(&copy).unwrap();
    assert_eq!(copy["report"].as_str().unwrap().as_bytes(), &stage.backend.records()[0][..]);
}

#[tokio::test(start_paused = true)]
async fn the_folder_is_let_go_of_once_everything_is_delivered() {
    let mut stage = Testbed::interview().await;
    stage.backend.set(|backend| backend.down = true);
    ended(&mut stage).await;
    stage.passes(Duration::from_secs(60)).await;
    assert!(!stage.disk.set(|disk| disk.closed), "a record waits");
    stage.backend.set(|backend| backend.down = false);
    stage.received(Duration::from_secs(60)).await;
    stage.passes(MOMENT).await;
    assert!(stage.disk.set(|disk| disk.closed));
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_by_the_wall_clock_and_what_it_rests_on() {
    let mut stage = Testbed::interview().await;
    stage.ends().await;
    stage.room.session_closes();
    let end = stage.completed(Duration::from_secs(4)).await;
    assert!(end.ended_at.starts_with("2027-01-15T08:00:"), "{}", end.ended_at);
    let tool = end.signs.iter().find(|sign| matches!(sign.what, Message::SignEndTool)).unwrap();
    assert!(tool.at < end.ended_at, "{tool:?}");
    assert!(end.signs.windows(2).all(|pair| pair[0].at >= pair[1].at), "latest first: {:?}", end.signs);
}

#[tokio::test(start_paused = true)]
async fn somebody_who_sets_the_calendar_changes_no_end() {
    let mut stage = Testbed::interview().await;
    stage.clock.set_ahead(chrono::TimeDelta::days(-400));
    stage.stays(Duration::from_secs(30), "the interview", |s| s.completed.is_none()).await;
    stage.ends().await;
    stage.room.session_closes();
    assert_eq!(stage.received(Duration::from_secs(4)).await.outcome, Outcome::Finished);
}
