//! The whole client on the fake room, which keeps the SDK's quirks: what a real server shows rarely or late.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::time::Duration;

use adjourn_client::{
    Client, Command, Ears, InterviewerState, Meters, Mouth, Screen, Setup, Shell, Snapshot,
};
use adjourn_qa::headless::info;
use adjourn_qa::lab::{BackendServer, LiveKitServer, Network, Tools};
use adjourn_room::{Fact, fake::Fake};
use adjourn_session::{Input, LeaveReason};
use tokio::sync::{mpsc, watch};

const SOON: Duration = Duration::from_secs(15);

struct Screenwatcher(watch::Sender<Option<Snapshot>>);

impl Shell for Screenwatcher {
    fn show(&mut self, snapshot: &Snapshot) {
        self.0.send_replace(Some(snapshot.clone()));
    }
    fn meters(&mut self, _: Meters) {}
}

struct Stage {
    fake: Fake,
    commands: mpsc::Sender<Command>,
    screen: watch::Receiver<Option<Snapshot>>,
    backend: BackendServer,
    id: String,
    _livekit: LiveKitServer,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// In the interview: real backend, real join, fake room.
    async fn interview() -> Self {
        let tools = Tools::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let livekit = LiveKitServer::start(&tools, folder.path(), &Network::Loopback).await.unwrap();
        let backend = BackendServer::start(folder.path(), &livekit, &Network::Loopback).await.unwrap();
        let invitation = backend.invite("{}").await.unwrap();
        let fake = Fake::default();
        let (shown, screen) = watch::channel(None);
        let (commands, received) = mpsc::channel(16);
        let setup = Setup {
            data: folder.path().join("client"),
            info: info(),
            mouth: Mouth::Recording(vec![0; 48_000]),
            ears: Ears::None,
            trace: None,
            link: Some(invitation.link.clone()),
            copies: folder.path().to_owned(),
            panics: None,
        };
        let client = Client::new(fake.clone(), Screenwatcher(shown), setup).await.unwrap();
        tokio::spawn(client.run(received));
        let mut stage =
            Self { fake, commands, screen, backend, id: invitation.id, _livekit: livekit, _folder: folder };
        stage.wait("the device check", |s| s.microphone_open).await;
        stage.commands.send(Command::Join).await.unwrap();
        stage.wait("the waiting room", |s| s.screen == Screen::Waiting).await;
        stage.fake.interviewer_joins("PA_1").await;
        stage.wait("the interview", |s| s.screen == Screen::Interview).await;
        stage
    }

    async fn wait(&mut self, what: &str, when: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let found = tokio::time::timeout(SOON, self.screen.wait_for(|s| s.as_ref().is_some_and(&when))).await;
        found.unwrap_or_else(|_| panic!("{what} was not seen")).unwrap().clone().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_reconnect_in_the_sdks_order_ends_nothing_and_a_zombie_then_does() {
    let mut stage = Stage::interview().await;
    stage.fake.full_reconnect().await;
    stage
        .wait("the interviewer again", |s| s.connected && s.interviewer == InterviewerState::Listening)
        .await;
    let deadline = tokio::time::Instant::now() + SOON;
    while stage.fake.frames() == 0 {
        assert!(tokio::time::Instant::now() < deadline, "no microphone frame reaches the room");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended =
        Input::ToolEnded { sid: "PA_1".into(), name: "end_interview".into(), ok: true, call_id: "c".into() };
    stage.fake.say(Fact::Input(ended)).await;
    stage.fake.session_closes();
    let end = stage.wait("the receipt", |s| s.completed.as_ref().is_some_and(|c| c.receipt.is_some())).await;
    assert_eq!(end.completed.unwrap().outcome, "finished");
    assert!(!end.microphone_open);
    assert!(stage.fake.is_left());
    assert_eq!(stage.backend.status(&stage.id).await.unwrap().records, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_process_is_told_from_a_closed_session() {
    let mut stage = Stage::interview().await;
    // Both probes have to be answered once before their silence means something.
    let deadline = tokio::time::Instant::now() + SOON;
    while stage.fake.answered().0 == 0 || stage.fake.answered().1 == 0 {
        assert!(tokio::time::Instant::now() < deadline, "no probe was sent");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stage.fake.process_dies();
    stage.wait("the suspicion", |s| s.interviewer == InterviewerState::Checking).await;
    let end = stage.wait("the end", |s| s.completed.is_some()).await;
    assert_eq!(end.completed.unwrap().outcome, "interrupted(interviewer lost)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leave_is_settled_before_it_is_called_an_end() {
    let mut stage = Stage::interview().await;
    stage.fake.interviewer_leaves("PA_1", LeaveReason::ClientInitiated).await;
    stage.wait("the departure", |s| s.interviewer == InterviewerState::Gone).await;
    let end = stage.wait("the end", |s| s.completed.is_some()).await;
    assert_eq!(end.completed.unwrap().outcome, "ended(interviewer left)");
}
