//! The whole client on the fake room, which keeps the SDK's quirks: what a real server shows rarely or late.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::time::Duration;

use adjourn_client::{
    AudioInput, AudioOutput, Client, Command, Diagnostics, InterviewerState, Meters, Screen, Setup, Shell,
    Snapshot,
};
use adjourn_room::{RoomEvent, Token, fake::Fake};
use adjourn_session::{Input, LeaveReason};
use adjourn_testbed::{Testbed, client_info};
use tokio::sync::{mpsc, watch};

const SOON: Duration = Duration::from_secs(15);

struct Screenwatcher(watch::Sender<Option<Snapshot>>);

impl Shell for Screenwatcher {
    fn show(&mut self, snapshot: &Snapshot) {
        self.0.send_replace(Some(snapshot.clone()));
    }
    fn meters(&mut self, _: Meters) {}
    fn diagnostics(&mut self, _: &Diagnostics) {}
}

struct Fixture {
    fake: Fake,
    commands: mpsc::Sender<Command>,
    screen: watch::Receiver<Option<Snapshot>>,
    testbed: Testbed,
    id: String,
    running: tokio::task::JoinHandle<Snapshot>,
}

impl Fixture {
    /// At the device check: real backend, fake room.
    async fn checked() -> Self {
        let testbed = Testbed::builder().start().await.unwrap();
        let invitation = testbed.backend.invite("{}").await.unwrap();
        let fake = Fake::default();
        let (shown, screen) = watch::channel(None);
        let (commands, received) = mpsc::channel(16);
        let setup = Setup {
            data: testbed.folder().join("client"),
            info: client_info(),
            audio_input: AudioInput::Recording(vec![0; 48_000]),
            audio_output: AudioOutput::None,
            preferences: None,
            language: None,
            trace: None,
            link: Some(invitation.link.clone()),
            copies: testbed.folder().to_owned(),
            panics: None,
            seat: None,
        };
        let client = Client::new(fake.clone(), Screenwatcher(shown), setup).await.unwrap();
        let running = tokio::spawn(client.run(received));
        let mut fixture = Self { fake, commands, screen, testbed, id: invitation.id, running };
        fixture.wait("the device check", |s| s.microphone_open).await;
        fixture
    }

    /// In the interview: real join.
    async fn interview() -> Self {
        let mut fixture = Self::checked().await;
        fixture.commands.send(Command::Join).await.unwrap();
        fixture.wait("the waiting room", |s| s.screen == Screen::Waiting).await;
        fixture.fake.interviewer_joins("PA_1").await;
        fixture.wait("the interview", |s| s.screen == Screen::Interview).await;
        fixture.probed().await;
        fixture
    }

    /// Both probes were answered over the connection of now: their silence means something from here on. An answer
    /// that was under way when the link went is lost, and an interviewer that never answered is waited for much longer.
    async fn probed(&self) {
        let answered = async {
            while self.fake.answered().0 == 0 || self.fake.answered().1 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, answered).await.expect("no probe was answered");
    }

    async fn wait(&mut self, what: &str, when: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let found = tokio::time::timeout(SOON, self.screen.wait_for(|s| s.as_ref().is_some_and(&when))).await;
        found.unwrap_or_else(|_| panic!("{what} was not seen")).unwrap().clone().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_reconnect_in_the_sdks_order_ends_nothing_and_a_zombie_then_does() {
    let mut fixture = Fixture::interview().await;
    fixture.fake.full_reconnect().await;
    fixture
        .wait("the interviewer again", |s| s.connected && s.interviewer == InterviewerState::Listening)
        .await;
    fixture.probed().await;
    let deadline = tokio::time::Instant::now() + SOON;
    while fixture.fake.frames() == 0 {
        assert!(tokio::time::Instant::now() < deadline, "no microphone frame reaches the room");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended =
        Input::ToolEnded { sid: "PA_1".into(), name: "end_interview".into(), ok: true, call_id: "c".into() };
    fixture.fake.say(RoomEvent::Input(ended)).await;
    fixture.fake.session_closes();
    let end =
        fixture.wait("the receipt", |s| s.completed.as_ref().is_some_and(|c| c.receipt.is_some())).await;
    assert_eq!(end.completed.unwrap().outcome.to_string(), "finished");
    assert!(!end.microphone_open);
    assert!(fixture.fake.is_left());
    assert_eq!(fixture.testbed.backend.status(&fixture.id).await.unwrap().records, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_process_is_told_from_a_closed_session() {
    let mut fixture = Fixture::interview().await;
    fixture.fake.process_dies();
    fixture.wait("the suspicion", |s| s.interviewer == InterviewerState::Checking).await;
    let end = fixture.wait("the end", |s| s.completed.is_some()).await;
    assert_eq!(end.completed.unwrap().outcome.to_string(), "interrupted(interviewer lost)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leave_is_settled_before_it_is_called_an_end() {
    let mut fixture = Fixture::interview().await;
    fixture.fake.interviewer_leaves("PA_1", LeaveReason::ClientInitiated).await;
    fixture.wait("the departure", |s| s.interviewer == InterviewerState::Gone).await;
    let end = fixture.wait("the end", |s| s.completed.is_some()).await;
    assert_eq!(end.completed.unwrap().outcome.to_string(), "ended(interviewer left)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_windows_x_asks_in_an_interview_and_closes_at_the_second_press() {
    let mut fixture = Fixture::interview().await;
    // A double click is one press.
    for _ in 0..2 {
        fixture.commands.send(Command::Close).await.unwrap();
    }
    fixture.wait("the question", |s| s.closing).await;
    fixture.commands.send(Command::Stay).await.unwrap();
    fixture.wait("the interview", |s| !s.closing && s.screen == Screen::Interview).await;
    // The page is dead and answers nothing.
    let mut presses = tokio::time::interval(Duration::from_millis(1_200));
    let closed = async {
        while !fixture.running.is_finished() {
            presses.tick().await;
            // The client is gone: it was closed.
            let _ = fixture.commands.send(Command::Close).await;
        }
    };
    tokio::time::timeout(SOON, closed).await.expect("the window closes");
    let last = fixture.running.await.unwrap();
    assert_eq!(last.completed.unwrap().outcome.to_string(), "ended(by the system)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ending_by_the_windows_x_leaves_no_question_behind_and_the_folder_is_free() {
    let mut fixture = Fixture::interview().await;
    fixture.commands.send(Command::Close).await.unwrap();
    fixture.wait("the question", |s| s.closing).await;
    fixture.commands.send(Command::End).await.unwrap();
    let end =
        fixture.wait("the receipt", |s| s.completed.as_ref().is_some_and(|c| c.receipt.is_some())).await;
    assert!(!end.closing, "it is over: nothing is left to ask");
    // The same link must open again although this window still shows the end.
    let folder = fixture.testbed.folder().join("client");
    let opened = async {
        loop {
            match adjourn_outbox::Outbox::open(&folder).await {
                Ok(_) => return,
                Err(adjourn_outbox::OutboxError::InUse(_)) => {
                    tokio::time::sleep(Duration::from_millis(20)).await
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(SOON, opened).await.expect("the folder is let go of");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_conversation_is_asked_for_after_every_reconnect_until_it_is_told() {
    let mut fixture = Fixture::interview().await;
    let asked = |fixture: &Fixture, wanted: u64| {
        let fake = fixture.fake.clone();
        async move {
            while fake.histories() < wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(SOON, asked(&fixture, 1)).await.expect("it is asked for at first");
    fixture.fake.full_reconnect().await;
    tokio::time::timeout(SOON, asked(&fixture, 2)).await.expect("it is asked for again");
    // A session that tells nothing is asked again, after longer and longer pauses.
    fixture.fake.session_closes();
    fixture.fake.full_reconnect().await;
    tokio::time::timeout(SOON, asked(&fixture, 4)).await.expect("until it is told");
    fixture.wait("the interview", |s| s.screen == Screen::Interview).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_that_is_told_later_takes_no_proof_away() {
    for (tool, marker, outcome) in [
        ("save_score", true, "finished"),
        ("save_score", false, "ended"),
        ("end_interview", false, "finished"),
    ] {
        let mut fixture = Fixture::interview().await;
        let sid = || "PA_1".to_owned();
        if marker {
            fixture.fake.say(RoomEvent::Input(Input::EndMarker { sid: sid() })).await;
        }
        let ended = Input::ToolEnded { sid: sid(), name: tool.to_owned(), ok: true, call_id: "c".to_owned() };
        fixture.fake.say(RoomEvent::History { sid: sid(), said: Vec::new(), last_tool: Some(ended) }).await;
        fixture.fake.session_closes();
        let end = tokio::time::timeout(
            Duration::from_secs(30),
            fixture.screen.wait_for(|s| s.as_ref().is_some_and(|s| s.completed.is_some())),
        );
        let end = end.await.expect("no end").unwrap().clone().unwrap();
        assert_eq!(end.completed.unwrap().outcome.to_string(), outcome, "{tool}, marker {marker}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_is_entered_again_with_the_newest_token() {
    let mut fixture = Fixture::interview().await;
    let first = fixture.fake.token();
    fixture.fake.say(RoomEvent::Token(Token("fresh".to_owned()))).await;
    fixture.fake.say(RoomEvent::Input(Input::Disconnected { reason: LeaveReason::StateMismatch })).await;
    let entered = async {
        while fixture.fake.token() == first {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, entered).await.expect("the room is not entered again");
    assert_eq!(fixture.fake.token(), "fresh");
    fixture.wait("the interview", |s| s.screen == Screen::Interview && s.connected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_before_we_know_that_we_are_in_is_not_lost() {
    let mut fixture = Fixture::checked().await;
    fixture.fake.overtakes(Input::RoomEnded);
    fixture.commands.send(Command::Join).await.unwrap();
    let end = fixture.wait("the end", |s| s.completed.is_some()).await;
    assert_eq!(end.completed.unwrap().outcome.to_string(), "ended(closed by the organiser)");
}
