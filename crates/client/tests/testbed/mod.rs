//! The whole client in virtual time: a fake room, fake devices, a fake backend and a disk in memory. Nothing here takes real
//! time, and the same happens each time.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_in_result,
    reason = "not every test file needs all of it"
)]

pub mod backend;
pub mod disk;
pub mod seat;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adjourn_audio::{DeviceChoice, FRAME};
use adjourn_client::{
    AudioInput, AudioOutput, Client, Clock, Command, Completed, Diagnostics, Environment, Jitter, Message,
    Meters, Processing, Screen, SeatSetup, Setup, Shell, Snapshot, VoiceModule,
};
use adjourn_protocol::{ClientInfo, Record, Role};
use adjourn_room::{RoomEvent, Stages};
use adjourn_session::{Input, Time};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::backend::FakeBackend;
use self::disk::FakeDisk;

/// A link to this very machine: its host needs no confirmation.
pub const LINK: &str = "adjourn://join?server=http%3A%2F%2F127.0.0.1%3A9&code=K7QF-9M2X";
/// Another interview's.
pub const OTHER_LINK: &str = "adjourn://join?server=http%3A%2F%2F127.0.0.1%3A9&code=BBBB-2222";
/// A link to a host that was not used before.
pub const NEW_HOST: &str = "adjourn://join?server=https%3A%2F%2Finterviews.example.com&code=K7QF-9M2X";

/// What a client does within a moment, if nothing holds it up.
pub const MOMENT: Duration = Duration::from_millis(500);

/// Virtual time, and a calendar that somebody may set.
#[derive(Debug)]
pub struct FakeClock {
    started: Instant,
    /// Milliseconds by which the calendar is set ahead.
    ahead: AtomicI64,
}

impl FakeClock {
    fn start() -> Self {
        Self { started: Instant::now(), ahead: AtomicI64::new(0) }
    }

    /// Somebody sets the calendar.
    pub fn set_ahead(&self, by: TimeDelta) {
        self.ahead.store(by.num_milliseconds(), Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Time {
        Time(u64::try_from(self.started.elapsed().as_millis()).unwrap())
    }

    fn wall(&self) -> DateTime<Utc> {
        let ms = i64::try_from(self.now().0).unwrap() + self.ahead.load(Ordering::Relaxed);
        DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap()
    }
}

/// Does nothing to a voice.
struct Untouched;

impl VoiceModule for Untouched {
    fn played(&mut self, _: &mut [i16; FRAME]) {}
    fn captured(&mut self, _: &mut [i16; FRAME]) {}
}

struct Screenwatcher(watch::Sender<Snapshot>, watch::Sender<Option<Meters>>, watch::Sender<Diagnostics>);

impl Shell for Screenwatcher {
    fn show(&mut self, snapshot: &Snapshot) {
        self.0.send_replace(snapshot.clone());
    }

    fn meters(&mut self, meters: Meters) {
        self.1.send_replace(Some(meters));
    }

    fn diagnostics(&mut self, diagnostics: &Diagnostics) {
        self.2.send_replace(diagnostics.clone());
    }
}

/// Everything that a client stands on, and the client.
pub struct Testbed {
    pub room: adjourn_room::fake::Fake,
    pub audio: adjourn_audio::fake::Fake,
    pub backend: FakeBackend,
    pub disk: FakeDisk,
    pub clock: Arc<FakeClock>,
    pub commands: mpsc::Sender<Command>,
    pub screen: watch::Receiver<Snapshot>,
    pub meters: watch::Receiver<Option<Meters>>,
    pub diagnostics: watch::Receiver<Diagnostics>,
    /// Every processing that was made so far.
    pub stages: Arc<Mutex<Vec<Stages>>>,
    pub running: JoinHandle<Snapshot>,
    pub folder: PathBuf,
    _folder: tempfile::TempDir,
}

/// Before a client is started.
pub struct Set {
    pub room: adjourn_room::fake::Fake,
    pub audio: adjourn_audio::fake::Fake,
    pub backend: FakeBackend,
    pub disk: FakeDisk,
    pub clock: Arc<FakeClock>,
    pub link: Option<String>,
    pub preferences: Option<PathBuf>,
    pub trace: Option<PathBuf>,
    pub jitter: Jitter,
    pub seat: Option<SeatSetup>,
}

impl Set {
    pub fn new() -> Self {
        let clock = Arc::new(FakeClock::start());
        let backend = FakeBackend::new(Arc::clone(&clock));
        Self {
            room: adjourn_room::fake::Fake::default(),
            audio: adjourn_audio::fake::Fake::usual(),
            disk: FakeDisk::new(backend.clone()),
            backend,
            clock,
            link: None,
            preferences: None,
            trace: None,
            jitter: Jitter::of(|| 0.5),
            seat: None,
        }
    }

    pub fn with_link(link: &str) -> Self {
        Self { link: Some(link.to_owned()), ..Self::new() }
    }

    pub fn start(self) -> Testbed {
        let Self { room, audio, backend, disk, clock, link, preferences, trace, jitter, seat } = self;
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            data: folder.path().to_owned(),
            info: info(),
            audio_input: AudioInput::Device(DeviceChoice::SystemDefault),
            audio_output: AudioOutput::Device(DeviceChoice::SystemDefault),
            preferences: Some(preferences.unwrap_or_else(|| folder.path().join("preferences.json"))),
            language: None,
            trace,
            link,
            copies: folder.path().join("copies"),
            panics: None,
            seat,
        };
        let stages: Arc<Mutex<Vec<Stages>>> = Arc::default();
        let made = Arc::clone(&stages);
        let environment = Environment {
            storage: Arc::new(disk.clone()),
            backend: Arc::new(backend.clone()),
            audio: Arc::new(audio.clone()),
            processing: Processing::of(move |stages| {
                made.lock().unwrap().push(stages);
                Box::new(Untouched)
            }),
            clock: Arc::<FakeClock>::clone(&clock),
            jitter,
        };
        let (shown, screen) = watch::channel(Snapshot::default());
        let (measured, meters) = watch::channel(None);
        let (looked, diagnostics) = watch::channel(Diagnostics::default());
        let (commands, received) = mpsc::channel(16);
        let watcher = Screenwatcher(shown, measured, looked);
        let client = Client::within(environment, room.clone(), watcher, setup, None);
        let running = tokio::spawn(client.run(received));
        let path = folder.path().to_owned();
        Testbed {
            room,
            audio,
            backend,
            disk,
            clock,
            commands,
            screen,
            meters,
            diagnostics,
            stages,
            running,
            folder: path,
            _folder: folder,
        }
    }
}

pub fn info() -> ClientInfo {
    ClientInfo { version: "0".to_owned(), platform: "test".to_owned(), kiosk: false }
}

impl Testbed {
    /// At the device check.
    pub async fn checking() -> Self {
        let mut stage = Set::with_link(LINK).start();
        stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
        stage
    }

    /// In the waiting room.
    pub async fn waiting() -> Self {
        let mut stage = Self::checking().await;
        stage.enter().await;
        stage
    }

    /// In the interview, with an interviewer that answers.
    pub async fn interview() -> Self {
        let mut stage = Self::waiting().await;
        stage.begin().await;
        stage
    }

    /// In an interview in which the candidate may type.
    pub async fn typing() -> Self {
        let mut stage = Self::checking().await;
        stage.backend.set(|backend| backend.policy.typing = true);
        stage.enter().await;
        stage.begin().await;
        stage
    }

    /// From the device check into the waiting room.
    pub async fn enter(&mut self) {
        self.order(Command::Join).await;
        self.within(MOMENT, "the waiting room", |s| s.screen == Screen::Waiting).await;
    }

    /// The interviewer comes.
    pub async fn begin(&mut self) {
        self.room.interviewer_joins("PA_1").await;
        self.within(Duration::from_secs(3), "the interview", |s| s.screen == Screen::Interview).await;
        // A greeting, as short as can be.
        self.hear(Input::Item { sid: "PA_1".to_owned(), role: Role::Interviewer }).await;
        // Both probes were answered once: their silence means something from now on.
        self.passes(Duration::from_secs(2)).await;
    }

    pub async fn order(&self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    /// The client becomes so, in virtual time.
    pub async fn within(
        &mut self,
        limit: Duration,
        what: &str,
        when: impl Fn(&Snapshot) -> bool,
    ) -> Snapshot {
        let found = tokio::time::timeout(limit, self.screen.wait_for(|s| when(s))).await;
        match found.map(|shown| shown.map(|shown| shown.clone())) {
            Ok(shown) => shown.unwrap(),
            Err(_) => panic!("{what} was not seen within {limit:?}: {:?}", *self.screen.borrow()),
        }
    }

    /// It stays so for all of that time.
    pub async fn stays(&mut self, length: Duration, what: &str, so: impl Fn(&Snapshot) -> bool) {
        let ends = tokio::time::timeout(length, self.screen.wait_for(|s| !so(s))).await;
        assert!(ends.is_err(), "{what} did not stay: {:?}", ends.map(|s| s.unwrap().clone()));
    }

    /// Virtual time passes, and everybody does what is due.
    pub async fn passes(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }

    /// The microphone gives this for so long.
    pub async fn speaks(&self, frame: &[i16; FRAME], length: Duration) {
        for _ in 0..length.as_millis() / 10 {
            self.audio.speak(frame);
            self.passes(Duration::from_millis(10)).await;
        }
    }

    pub fn now(&self) -> Snapshot {
        self.screen.borrow().clone()
    }

    /// The interviewer's end tool succeeds.
    pub async fn ends(&self) {
        self.tool("end_interview").await;
    }

    pub async fn tool(&self, name: &str) {
        let (sid, call_id) = ("PA_1".to_owned(), "c".to_owned());
        self.hear(Input::ToolEnded { sid, name: name.to_owned(), ok: true, call_id }).await;
    }

    pub async fn hear(&self, input: Input) {
        self.room.say(RoomEvent::Input(input)).await;
    }

    /// The end, and how it is called.
    pub async fn completed(&mut self, limit: Duration) -> Completed {
        self.within(limit, "the end", |s| s.completed.is_some()).await.completed.unwrap()
    }

    /// The end with a receipt.
    pub async fn received(&mut self, limit: Duration) -> Completed {
        let received = |s: &Snapshot| s.completed.as_ref().is_some_and(|c| c.receipt.is_some());
        self.within(limit, "the receipt", received).await.completed.unwrap()
    }

    /// The one record that the backend has.
    pub fn record(&self) -> Record {
        let records = self.backend.records();
        assert_eq!(records.len(), 1, "the backend has {} records", records.len());
        serde_json::from_slice(&records[0]).unwrap()
    }
}

/// What is said of what goes on, and of sound.
pub fn said(snapshot: &Snapshot) -> impl Iterator<Item = &Message> {
    snapshot.presence.iter().filter_map(|presence| presence.line.as_ref()).chain(&snapshot.sound)
}

/// Whether that is said.
pub fn says(snapshot: &Snapshot, message: &Message) -> bool {
    said(snapshot).any(|said| said == message)
}

/// Texts of a record's transcript.
pub fn texts(record: &Record) -> Vec<&str> {
    record.transcript.iter().map(|turn| turn.text.as_str()).collect()
}
