//! Every state that a candidate can meet, as the client makes it, for the page's tests and its gallery
//! (`ui/src/generated/states.json`; `ADJOURN_SNAPSHOT=write` writes it anew).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::path::Path;
use std::time::Duration;

use adjourn_audio::{DeviceKind, FRAME};
use adjourn_client::{
    Command, Completed, Message, PresenceState, RecordState, Screen, Snapshot, SoundSide, Verdict,
};
use adjourn_kiosk::SeatPolicy;
use adjourn_outbox::BackendError;
use adjourn_protocol::{Invited, Role, SeatOrder, Secret};
use adjourn_room::{Caption, LinkCheck, RoomEvent, Way};
use adjourn_session::{AgentState, Input, LeaveReason, Participant, ParticipantKind};

use testbed::seat::{Seat, policy};
use testbed::{MOMENT, NEW_HOST, Set, Testbed, says};

const VOICE: [i16; FRAME] = [6_000; FRAME];
const LONG: Duration = Duration::from_secs(1_800);
/// A word without an end, and marks that turn a line around.
const HOSTILE: &str = "\u{202e}<b>Pneumonoultramicroscopicsilicovolcanoconiosis\
    Pneumonoultramicroscopicsilicovolcanoconiosis</b>\u{2066}\u{2069}\u{2069}";

/// The states so far.
#[derive(Default)]
struct Gallery(Vec<(&'static str, Snapshot)>);

impl Gallery {
    fn hang(&mut self, name: &'static str, snapshot: Snapshot) {
        assert!(self.0.iter().all(|(known, _)| *known != name), "{name} hangs twice");
        self.0.push((name, snapshot));
    }

    /// Hangs what is shown as soon as it is so.
    async fn see(&mut self, name: &'static str, stage: &mut Testbed, so: impl Fn(&Snapshot) -> bool) {
        let shown = stage.within(LONG, name, so).await;
        self.hang(name, shown);
    }

    /// Whose turn it is.
    async fn presence(&mut self, name: &'static str, stage: &mut Testbed, state: PresenceState) {
        self.see(name, stage, |s| is(s, state)).await;
    }

    /// How it ended, and where the record is.
    async fn end(&mut self, name: &'static str, stage: &mut Testbed, outcome: &str, state: RecordState) {
        let so = |s: &Snapshot| s.screen == Screen::Completed && end(s).is_some_and(|e| e.delivery == state);
        self.see(name, stage, so).await;
        let ended = self.0.last().and_then(|(_, s)| end(s)).map(|end| end.outcome.to_string());
        assert_eq!(ended.as_deref(), Some(outcome), "{name}");
    }
}

fn is(snapshot: &Snapshot, state: PresenceState) -> bool {
    snapshot.presence.as_ref().is_some_and(|presence| presence.state == state)
}

fn end(snapshot: &Snapshot) -> Option<&Completed> {
    snapshot.completed.as_ref()
}

async fn agent(stage: &Testbed, state: AgentState) {
    stage.room.say(RoomEvent::Input(Input::AgentStateChanged { sid: "PA_1".to_owned(), state })).await;
}

async fn caption(stage: &Testbed, id: &str, role: Role, text: &str, done: bool) {
    let caption = Caption { segment: id.to_owned(), role, text: text.to_owned(), done };
    stage.room.say(RoomEvent::Caption(caption)).await;
}

/// Two turns of a conversation.
async fn talk(stage: &Testbed) {
    let said = [
        ("1", Role::Interviewer, "Hello, and welcome. Please tell me about a project that you are proud of."),
        ("2", Role::Candidate, "I built a small sensor network that watches the water level of our river."),
        ("3", Role::Interviewer, "What was the hardest part of it, and how did you solve it?"),
    ];
    for (id, role, text) in said {
        caption(stage, id, role, text, true).await;
    }
    caption(stage, "4", Role::Candidate, "The hardest part was the power budget", false).await;
    stage.passes(MOMENT).await;
}

async fn start(gallery: &mut Gallery) {
    let mut stage = Set::new().start();
    gallery.see("start", &mut stage, |s| s.screen == Screen::Start && s.seq > 0).await;
    stage.order(Command::OpenLink { link: "https://example.com".to_owned() }).await;
    gallery.see("start-not-a-link", &mut stage, |s| s.problem.is_some()).await;
    gallery.hang("start-another-ends", Snapshot { seq: 1, ..Snapshot::waits_for_another() });
    let mut stage = Set::with_link(NEW_HOST).start();
    gallery.see("confirm", &mut stage, |s| s.screen == Screen::ConfirmHost).await;
}

/// An invitation of somebody with a name.
fn invited(organiser: &str, contact: Option<&str>) -> Invited {
    Invited {
        title: "Embedded engineer".to_owned(),
        organiser: Some(organiser.to_owned()),
        contact: contact.map(str::to_owned),
        language: "en".to_owned(),
        max_minutes: 30,
        begun: false,
    }
}

async fn invitation(gallery: &mut Gallery) {
    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.invited = Some(invited("Example Ltd.", Some("jobs@example.com"))));
    gallery.see("check-invited", &mut stage, |s| s.invitation.is_some()).await;
    let of = stage.now().adjustment.unwrap().of;
    stage.order(Command::AskAdjustment { of, text: "More time to answer, please.".to_owned() }).await;
    let kept = |s: &Snapshot| s.adjustment.as_ref().is_some_and(|adjustment| adjustment.kept);
    gallery.see("check-adjustment", &mut stage, kept).await;

    let mut stage = Testbed::checking().await;
    stage
        .backend
        .set(|backend| backend.invited = Some(invited(&HOSTILE.repeat(3), Some(&HOSTILE.repeat(3)))));
    // What an organiser could not say, but another server may.
    let of = stage.now().adjustment.unwrap().of;
    stage.order(Command::AskAdjustment { of, text: HOSTILE.repeat(3) }).await;
    gallery.see("hostile-invitation", &mut stage, |s| s.invitation.is_some()).await;
}

async fn check(gallery: &mut Gallery) {
    let mut stage = Testbed::checking().await;
    stage.room.set_link_check(LinkCheck {
        way: Some(Way::Udp),
        round_trip: Some(0.04),
        sent_lost: Some(0.0),
    });
    gallery.see("check", &mut stage, |s| s.connection.is_some()).await;
    gallery
        .see("check-connected", &mut stage, |s| {
            s.connection.as_ref().is_some_and(|c| c.verdict == Verdict::Good)
        })
        .await;
    stage.speaks(&VOICE, Duration::from_secs(2)).await;
    gallery.see("check-heard", &mut stage, |s| s.check.microphone.verdict != Verdict::Open).await;
    stage.order(Command::PlayTestSound).await;
    for _ in 0..300 {
        stage.audio.hear();
        stage.passes(Duration::from_millis(10)).await;
    }
    gallery.see("check-asking", &mut stage, |s| s.check.asking).await;
    stage.order(Command::ChimeHeard { heard: false }).await;
    gallery.see("check-not-heard", &mut stage, |s| !s.check.asking).await;
    stage.audio.mute(DeviceKind::Microphone, "built-in-microphone");
    gallery.see("check-muted-in-system", &mut stage, |s| s.input.muted.is_some()).await;
    stage.audio.plug(&[], &[]);
    gallery
        .see("check-no-devices", &mut stage, |s| {
            s.check.microphone.text == Message::NoMicrophone
                && s.check.loudspeaker.text == Message::NoLoudspeaker
        })
        .await;

    let mut stage = Testbed::checking().await;
    stage.audio.plug(&["Built-in Microphone", HOSTILE], &["Built-in Speakers", HOSTILE]);
    stage.within(LONG, "the headset", |s| s.input.devices.len() == 2).await;
    let id = stage.now().input.devices[1].0.clone();
    for side in [SoundSide::Microphone, SoundSide::Loudspeaker] {
        stage.order(Command::ChooseDevice { side, id: Some(id.clone()) }).await;
    }
    stage.passes(MOMENT).await;
    stage.audio.plug(&["Built-in Microphone"], &["Built-in Speakers"]);
    gallery.see("check-device-away", &mut stage, |s| s.input.away.is_some()).await;

    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.joins.push_back(BackendError::CodeUsed));
    stage.order(Command::Join).await;
    gallery.see("check-code-used", &mut stage, |s| s.screen == Screen::Checking && s.problem.is_some()).await;

    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.down = true);
    stage.order(Command::Join).await;
    gallery
        .see("check-unreachable", &mut stage, |s| s.screen == Screen::Checking && s.problem.is_some())
        .await;
}

async fn waiting(gallery: &mut Gallery) {
    let mut stage = Testbed::checking().await;
    stage.room.entering_takes(Duration::from_secs(2));
    stage.order(Command::Join).await;
    gallery.presence("joining", &mut stage, PresenceState::Joining).await;
    gallery.presence("waiting", &mut stage, PresenceState::Waiting).await;
    gallery.see("waiting-long", &mut stage, |s| says(s, &Message::LongWait)).await;
    gallery.end("end-never-started", &mut stage, "never started", RecordState::Received).await;
}

async fn interview(gallery: &mut Gallery) {
    let mut stage = Testbed::waiting().await;
    stage.room.interviewer_joins("PA_1").await;
    gallery.presence("greeting", &mut stage, PresenceState::Greeting).await;
    agent(&stage, AgentState::Speaking).await;
    stage.hear(Input::InterviewerLevel { audible: true }).await;
    gallery.presence("speaking-first", &mut stage, PresenceState::Speaking).await;
    talk(&stage).await;
    gallery.presence("speaking", &mut stage, PresenceState::Speaking).await;
    stage.hear(Input::InterviewerLevel { audible: false }).await;
    agent(&stage, AgentState::Thinking).await;
    gallery.presence("thinking", &mut stage, PresenceState::Thinking).await;
    agent(&stage, AgentState::Listening).await;
    gallery.presence("listening", &mut stage, PresenceState::Listening).await;
    stage.order(Command::SetPushToTalk { on: true }).await;
    gallery.see("push-to-talk", &mut stage, |s| says(s, &Message::HoldToTalk)).await;
    stage.order(Command::Talk { talking: true }).await;
    gallery.see("talking", &mut stage, |s| s.voice.talking).await;
    stage.order(Command::Talk { talking: false }).await;
    stage.order(Command::SetPushToTalk { on: false }).await;
    stage.order(Command::SetMuted { muted: true }).await;
    gallery.presence("muted", &mut stage, PresenceState::Muted).await;
    stage.order(Command::SetMuted { muted: false }).await;
    stage.within(MOMENT, "the microphone", |s| s.microphone_open).await;
    stage.speaks(&[0; FRAME], Duration::from_secs(4)).await;
    gallery.presence("not-heard", &mut stage, PresenceState::NotHeard).await;
    stage.speaks(&VOICE, Duration::from_secs(1)).await;
    stage.audio.plug(&["Built-in Microphone"], &[]);
    gallery.presence("hears-nothing", &mut stage, PresenceState::HearsNothing).await;
    stage.audio.plug(&["Built-in Microphone"], &["Built-in Speakers"]);
    stage.audio.mute(DeviceKind::Loudspeaker, "built-in-speakers");
    gallery.see("loudspeaker-muted", &mut stage, |s| says(s, &Message::LoudspeakerMuted)).await;
    stage.order(Command::Close).await;
    gallery.see("closing", &mut stage, |s| s.closing).await;
    stage.order(Command::Stay).await;
    stage.order(Command::OpenLink { link: testbed::OTHER_LINK.to_owned() }).await;
    gallery.see("another-link", &mut stage, |s| !s.notices.is_empty()).await;
    for n in 0..40 {
        let text = format!("{n}: {HOSTILE} and then some more words, as many as fit into two lines of it");
        caption(&stage, &format!("long{n}"), Role::Interviewer, &text, true).await;
    }
    gallery.see("hostile-captions", &mut stage, |s| s.captions.len() > 40).await;
    gallery.see("five-minutes", &mut stage, |s| s.minutes_left == Some(5) && s.asking.is_none()).await;
    let mut hostile = stage.now();
    hostile.title = Some(HOSTILE.repeat(3));
    gallery.hang("hostile-title", hostile);

    let mut stage = Testbed::typing().await;
    talk(&stage).await;
    let answer = "I wrote the scheduler, and looked after it for two years.".to_owned();
    stage.order(Command::Type { text: answer.clone() }).await;
    let typed = |s: &Snapshot| s.captions.iter().any(|caption| caption.text == answer);
    gallery.see("typing", &mut stage, |s| s.typing.is_some() && typed(s)).await;
    stage.order(Command::WriteProblemReport).await;
    gallery.see("problem-report", &mut stage, |s| s.problem_report.is_some()).await;
}

/// At a test center.
async fn at_a_seat(gallery: &mut Gallery) {
    let ready = |s: &Snapshot| s.seat.as_ref().is_some_and(|seat| seat.ready);
    let over = SeatPolicy { valid_until: "2027-01-02T00:00:00Z".parse().unwrap(), ..policy() };
    let (_seat, set) = Seat::with(&over);
    gallery.see("seat-refused", &mut set.start(), |s| ready(s) && s.problem.is_none()).await;

    let (_seat, mut stage) = Seat::started().await;
    gallery.hang("seat", stage.now());
    stage.order(Command::EnterCode { code: Secret::new("??") }).await;
    gallery.see("seat-wrong-code", &mut stage, |s| s.problem.is_some()).await;
    stage.order(Command::EnterCode { code: Secret::new("K7QF-9M2X") }).await;
    stage.within(MOMENT, "the microphone", |s| s.microphone_open).await;
    gallery.see("seat-checking", &mut stage, |s| s.screen == Screen::Checking).await;
    let held = |s: &Snapshot| s.seat.as_ref().is_some_and(|seat| seat.on_hold);
    stage.stays(MOMENT * 4, "the device check", |s| s.screen == Screen::Checking).await;
    stage.backend.set(|backend| backend.hold = true);
    gallery.see("seat-on-hold", &mut stage, held).await;
    stage.backend.set(|backend| backend.hold = false);
    stage.within(LONG, "that it goes on", |s| !held(s)).await;
    let counted = |s: &Snapshot| s.seat.as_ref().is_some_and(|seat| seat.seconds_left.is_some());
    gallery.see("seat-abandoned", &mut stage, counted).await;
    stage.enter().await;
    stage.begin().await;
    talk(&stage).await;
    stage.order(Command::CallHelp { on: true }).await;
    gallery.see("seat-help", &mut stage, |s| s.seat.as_ref().is_some_and(|seat| seat.help)).await;
    // Twice as long as a center's sentence usually is.
    let text = "Please wait for us at your seat: we are on our way. ".repeat(3).trim().to_owned();
    stage.within(LONG, "that the center knows", |s| s.screen == Screen::Interview).await;
    stage.stays(MOMENT * 4, "the interview", |s| s.screen == Screen::Interview).await;
    stage.backend.wants(1, SeatOrder::Message { text });
    let message = |s: &Snapshot| s.seat.as_ref().is_some_and(|seat| seat.message.is_some());
    gallery.see("seat-message", &mut stage, message).await;
    stage.backend.wants(2, SeatOrder::Message { text: String::new() });
    stage.within(LONG, "that it is gone", |s| !message(s)).await;
    stage.ends().await;
    stage.room.session_closes();
    stage.received(LONG).await;
    gallery.see("seat-end", &mut stage, counted).await;
}

async fn trouble(gallery: &mut Gallery) {
    let mut stage = Testbed::interview().await;
    talk(&stage).await;
    stage.room.refuse("no way in");
    stage.hear(Input::Disconnected { reason: LeaveReason::StateMismatch }).await;
    gallery.presence("reconnecting", &mut stage, PresenceState::Reconnecting).await;
    gallery.end("end-connection-lost", &mut stage, "connection lost", RecordState::Received).await;

    let mut stage = Testbed::interview().await;
    talk(&stage).await;
    stage.room.process_dies();
    gallery.presence("checking", &mut stage, PresenceState::Checking).await;
    gallery.end("end-interrupted", &mut stage, "interrupted(interviewer lost)", RecordState::Received).await;

    let mut stage = Testbed::checking().await;
    stage.backend.set(|backend| backend.replacements = 1);
    stage.enter().await;
    stage.begin().await;
    talk(&stage).await;
    stage.room.process_dies();
    gallery.see("replacing", &mut stage, |s| says(s, &Message::InterviewerReplaced)).await;

    let mut stage = Testbed::interview().await;
    talk(&stage).await;
    stage.room.interviewer_leaves("PA_1", LeaveReason::ClientInitiated).await;
    gallery.presence("gone", &mut stage, PresenceState::Gone).await;
    let person = Participant {
        sid: "PA_9".to_owned(),
        identity: "recruiter".to_owned(),
        kind: ParticipantKind::Person,
        agent_name: None,
        state: None,
        audio: true,
        name: Some("Alex Meyer".to_owned()),
        marked: false,
    };
    stage.hear(Input::ParticipantJoined(person)).await;
    gallery.presence("person", &mut stage, PresenceState::Person).await;
    gallery.see("asking-person", &mut stage, |s| s.asking.is_some()).await;

    let mut stage = Testbed::interview().await;
    talk(&stage).await;
    stage.room.session_closes();
    gallery.see("asking-closed", &mut stage, |s| s.asking.is_some()).await;

    let mut stage = Testbed::interview().await;
    talk(&stage).await;
    agent(&stage, AgentState::Thinking).await;
    gallery.see("asking-silent", &mut stage, |s| s.asking.is_some()).await;
}

async fn endings(gallery: &mut Gallery) {
    let mut stage = Testbed::interview().await;
    talk(&stage).await;
    stage.disk.set(|disk| disk.latency = Duration::from_secs(1));
    stage.ends().await;
    gallery.presence("goodbye", &mut stage, PresenceState::Goodbye).await;
    stage.room.session_closes();
    gallery.see("wrapping-up", &mut stage, |s| s.screen == Screen::WrappingUp).await;
    gallery.end("end-finished", &mut stage, "finished", RecordState::Received).await;

    let mut stage = Testbed::interview().await;
    stage.backend.set(|backend| backend.down = true);
    stage.order(Command::End).await;
    gallery.end("end-sending", &mut stage, "ended by candidate", RecordState::Sending).await;
    gallery.end("end-saved", &mut stage, "ended by candidate", RecordState::Saved).await;

    let mut stage = Testbed::interview().await;
    let refused = BackendError::Refused("The record is not a JSON object.".to_owned());
    stage.backend.set(|backend| backend.deliveries.push_back(refused.clone()));
    stage.order(Command::End).await;
    gallery.end("end-parked", &mut stage, "ended by candidate", RecordState::Parked).await;

    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.down = true);
    stage.order(Command::End).await;
    gallery.end("end-unsaved", &mut stage, "ended by candidate", RecordState::Unsaved).await;
    stage.order(Command::Close).await;
    gallery.see("end-closing", &mut stage, |s| s.closing).await;

    let mut stage = Testbed::interview().await;
    stage.disk.set(|disk| disk.full = true);
    stage.backend.set(|backend| backend.deliveries.push_back(refused));
    stage.order(Command::End).await;
    gallery.end("end-refused", &mut stage, "ended by candidate", RecordState::Refused).await;

    let mut stage = Testbed::waiting().await;
    stage.backend.set(|backend| backend.down = true);
    gallery.end("end-never-saved", &mut stage, "never started", RecordState::Saved).await;

    let mut stage = Testbed::interview().await;
    stage.hear(Input::Disconnected { reason: LeaveReason::DuplicateIdentity }).await;
    gallery.end("end-elsewhere", &mut stage, "ended(continued elsewhere)", RecordState::Received).await;
}

#[tokio::test(start_paused = true)]
async fn the_states_of_the_screen_are_those_in_the_file() {
    let mut gallery = Gallery::default();
    start(&mut gallery).await;
    check(&mut gallery).await;
    invitation(&mut gallery).await;
    waiting(&mut gallery).await;
    interview(&mut gallery).await;
    trouble(&mut gallery).await;
    at_a_seat(&mut gallery).await;
    endings(&mut gallery).await;
    let lines: Vec<String> = gallery
        .0
        .into_iter()
        .map(|(name, snapshot)| {
            // How often the screen changed before is of no matter, nor where a copy of a file went.
            let snapshot = serde_json::to_string(&Snapshot { seq: 1, ..snapshot }).unwrap();
            format!("  {{ \"name\": \"{name}\", \"snapshot\": {snapshot} }}")
        })
        .collect();
    let made = format!("[\n{}\n]\n", lines.join(",\n"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/generated/states.json");
    if std::env::var_os("ADJOURN_SNAPSHOT").is_some_and(|wish| wish == "write") {
        std::fs::write(&file, &made).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    let other = made.lines().zip(known.lines()).find(|(made, known)| made != known);
    assert!(made == known, "a state is another one (ADJOURN_SNAPSHOT=write takes it over): {other:?}");
}
