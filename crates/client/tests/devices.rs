//! Microphones and loudspeakers: every event of a device.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_audio::{AudioError, DeviceChoice, DeviceKind, FRAME};
use adjourn_client::{Command, Diagnostics, Message, SampleState, Screen, Snapshot, SoundSide, VoiceStage};
use adjourn_protocol::{Checked, DeviceUsed, Line, Note};
use adjourn_room::LinkNumbers;

use testbed::{LINK, MOMENT, Set, Testbed, said, says};

const VOICE: [i16; FRAME] = [6_000; FRAME];

fn named(id: &str) -> DeviceChoice {
    DeviceChoice::Named(id.to_owned())
}

/// 10 ms after 10 ms of a voice at the microphone.
async fn speaks(stage: &Testbed, length: Duration) {
    stage.speaks(&VOICE, length).await;
}

#[tokio::test(start_paused = true)]
async fn devices_are_listed_with_the_systems_default() {
    let set = Set::with_link(LINK);
    set.audio.plug(&["Built-in Microphone", "Headset"], &["Headset"]);
    let mut stage = set.start();
    let shown = stage.within(MOMENT, "the devices", |s| !s.input.devices.is_empty()).await;
    let headset = ("headset".to_owned(), "Headset".to_owned());
    assert_eq!(shown.input.devices.last(), Some(&headset));
    assert_eq!(shown.input.default_name.as_deref(), Some("Built-in Microphone"));
    assert_eq!(shown.output.devices, [headset]);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_plugged_in_is_seen_without_being_looked_for() {
    let mut stage = Testbed::checking().await;
    stage.audio.plug(&["Built-in Microphone", "Headset"], &["Built-in Speakers"]);
    stage.within(MOMENT, "the headset", |s| s.input.devices.len() == 2).await;
    stage.audio.plug(&["Headset"], &["Built-in Speakers"]);
    let default = Some("Headset".to_owned());
    stage.within(MOMENT, "the new default", |s| s.input.default_name == default).await;
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_is_plugged_in_late_is_used_without_a_button() {
    let set = Set::with_link(LINK);
    set.audio.plug(&[], &["Built-in Speakers"]);
    let mut stage = set.start();
    let shown = stage.within(MOMENT, "the problem", |s| s.input.problem.is_some()).await;
    assert_eq!((shown.input.problem, shown.microphone_open), (Some(Message::NoMicrophone), false));
    stage.audio.plug(&["Headset"], &["Built-in Speakers"]);
    let shown = stage.within(MOMENT, "the microphone", |s| s.microphone_open).await;
    assert_eq!((shown.input.problem, shown.input.devices.len()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn the_device_that_is_shown_as_open_is_the_one_that_is_open() {
    let mut stage = Testbed::interview().await;
    let open = |id: &str| Some(id.to_owned());
    let now = stage.within(MOMENT, "both", |s| s.input.open.is_some() && s.output.open.is_some()).await;
    assert_eq!((now.input.open, now.output.open), (open("built-in-microphone"), open("built-in-speakers")));
    // The system moves both streams, as when a dock is taken away.
    stage.audio.move_to("dock");
    stage.within(MOMENT, "the dock", |s| s.input.open == open("dock") && s.output.open == open("dock")).await;
    // What a stream says that was closed meanwhile is not believed.
    stage.audio.plug(&[], &["Built-in Speakers"]);
    stage.order(Command::RefreshDevices).await;
    stage.audio.move_to("camera");
    stage.within(MOMENT, "that it is not there", |s| s.input.problem.is_some()).await;
    stage.stays(MOMENT, "no microphone", |s| s.input.open.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_microphone_nobody_joins() {
    let mut stage = Testbed::checking().await;
    stage.audio.plug(&[], &["Built-in Speakers"]);
    stage.order(Command::Join).await;
    let shown = stage.within(MOMENT, "the problem", |s| s.problem.is_some()).await;
    assert_eq!(shown.problem, Some(Message::NoMicrophone));
    assert_eq!((shown.screen, shown.can_retry), (Screen::Checking, true));
    // It is connected, and pressing again goes on.
    stage.audio.plug(&["Headset"], &["Headset"]);
    stage.enter().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_loudspeaker_nobody_joins() {
    let mut stage = Testbed::checking().await;
    stage.audio.plug(&["Built-in Microphone"], &[]);
    stage.order(Command::Join).await;
    let shown = stage.within(MOMENT, "the problem", |s| s.problem.is_some()).await;
    assert_eq!(shown.problem, Some(Message::NoLoudspeaker));
}

#[tokio::test(start_paused = true)]
async fn a_chosen_device_is_opened_in_the_place_of_the_first() {
    let mut stage = Testbed::checking().await;
    stage.audio.plug(&["Built-in Microphone", "Headset"], &["Built-in Speakers"]);
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: Some("headset".to_owned()) }).await;
    let shown = stage.within(MOMENT, "the choice", |s| s.input.chosen.is_some()).await;
    assert_eq!(shown.input.chosen.as_deref(), Some("headset"));
    stage.passes(MOMENT).await;
    assert_eq!(stage.audio.open().0, [named("headset")]);
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: None }).await;
    stage.passes(MOMENT).await;
    assert_eq!(stage.audio.open().0, [DeviceChoice::SystemDefault]);
}

#[tokio::test(start_paused = true)]
async fn a_chosen_device_that_is_not_there_is_named_and_another_one_stands_in() {
    let mut stage = Testbed::checking().await;
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: Some("headset".to_owned()) }).await;
    let shown = stage.within(MOMENT, "another one", |s| s.input.away.is_some() && s.microphone_open).await;
    assert_eq!(shown.input.away, Some(Message::DeviceAway { device: "headset".to_owned() }));
    assert_eq!((shown.input.problem, shown.input.chosen.as_deref()), (None, Some("headset")));
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: None }).await;
    stage.within(MOMENT, "nothing wrong", |s| s.input.away.is_none() && s.microphone_open).await;
}

#[tokio::test(start_paused = true)]
async fn a_chosen_headset_that_is_pulled_is_told_of_and_taken_again_when_it_is_back() {
    let both = (&["Built-in Microphone", "Headset"], &["Built-in Speakers", "Headset"]);
    let alone = (&["Built-in Microphone"], &["Built-in Speakers"]);
    let mut stage = Testbed::checking().await;
    stage.audio.plug(both.0, both.1);
    stage.within(MOMENT, "the headset", |s| s.output.devices.len() == 2).await;
    let headset = || Some("headset".to_owned());
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: headset() }).await;
    stage.order(Command::ChooseDevice { side: SoundSide::Loudspeaker, id: headset() }).await;
    stage.enter().await;
    for _ in 0..3 {
        stage.audio.plug(alone.0, alone.1);
        stage.audio.fail();
        let away = Message::DeviceAway { device: "Headset".to_owned() };
        let built_in = |open: &Option<String>| open.as_deref().is_some_and(|id| id.starts_with("built-in"));
        let shown =
            stage.within(MOMENT, "others", |s| built_in(&s.input.open) && built_in(&s.output.open)).await;
        assert_eq!(shown.notices, [away], "both halves of it are one headset");
        assert_eq!(shown.input.chosen, headset(), "it stays the chosen one");
        stage.audio.plug(both.0, both.1);
        let back = |s: &Snapshot| s.input.open == headset() && s.output.open == headset();
        let shown = stage.within(MOMENT, "the headset", back).await;
        assert!(shown.notices.is_empty(), "{:?}", shown.notices);
        assert_eq!(stage.audio.open(), (vec![named("headset")], vec![named("headset")]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_chosen_is_chosen_at_the_next_start() {
    let mut stage = Testbed::checking().await;
    stage.audio.plug(&["Built-in Microphone", "Headset"], &["Built-in Speakers"]);
    stage.within(MOMENT, "the headset", |s| s.input.devices.len() == 2).await;
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: Some("headset".to_owned()) }).await;
    let path = stage.folder.join("preferences.json");
    let written =
        |path: &std::path::Path| std::fs::read_to_string(path).is_ok_and(|t| t.contains("\"Headset\""));
    while !written(&path) {
        // Written on a thread of its own, in real time.
        stage.passes(Duration::from_millis(10)).await;
        std::thread::yield_now();
    }
    let set = Set { preferences: Some(path), ..Set::with_link(LINK) };
    // Another day, without it: its name is known all the same.
    let mut later = set.start();
    let shown = later.within(MOMENT, "another one", |s| s.input.away.is_some() && s.microphone_open).await;
    assert_eq!(shown.input.away, Some(Message::DeviceAway { device: "Headset".to_owned() }));
    later.audio.plug(&["Built-in Microphone", "Headset"], &["Built-in Speakers"]);
    later.within(MOMENT, "the headset", |s| s.input.open.as_deref() == Some("headset")).await;
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_is_muted_is_closed() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::SetMuted { muted: true }).await;
    stage.within(MOMENT, "that it is muted", |s| s.muted && !s.microphone_open).await;
    stage.passes(MOMENT).await;
    assert!(stage.audio.open().0.is_empty(), "nobody listens");
    // Whatever is plugged in meanwhile.
    stage.audio.plug(&["Headset"], &["Built-in Speakers"]);
    stage.passes(Duration::from_secs(5)).await;
    assert!(stage.audio.open().0.is_empty(), "nobody listens");
    stage.order(Command::SetMuted { muted: false }).await;
    stage.within(MOMENT, "that it listens", |s| !s.muted && s.microphone_open).await;
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_is_muted_in_the_system_is_told_of_and_unmuted() {
    let mut stage = Testbed::interview().await;
    stage.audio.mute(DeviceKind::Microphone, "built-in-microphone");
    let shown = stage.within(MOMENT, "that it is muted", |s| s.input.muted.is_some()).await;
    assert!(says(&shown, &Message::MutedInSystem));
    stage.order(Command::UnmuteInSystem { side: SoundSide::Microphone }).await;
    stage.within(MOMENT, "that it is not", |s| s.input.muted.is_none()).await;
    stage.audio.mute(DeviceKind::Microphone, "built-in-microphone");
    stage.within(MOMENT, "that it is muted", |s| s.input.muted.is_some()).await;
    let reason = AudioError::Unusable("it does not unmute it".to_owned());
    stage.audio.refuse_unmuting(Some(reason));
    stage.order(Command::UnmuteInSystem { side: SoundSide::Microphone }).await;
    stage.within(MOMENT, "why not", |s| says(s, &Message::StaysMuted)).await;
}

#[tokio::test(start_paused = true)]
async fn what_sound_does_can_be_looked_up_and_is_in_the_record() {
    let mut stage = Testbed::checking().await;
    stage.within(MOMENT, "the microphone", |s| s.microphone_open).await;
    let seen = |shown: &Diagnostics| shown.findings.iter().map(|f| f.text.clone()).collect::<Vec<_>>();
    stage.passes(Duration::from_secs(1)).await;
    let device = "Built-in Microphone".to_owned();
    let microphone = Message::FigureMicrophone { device, rate: 44_100, channels: 2, buffer: 10 };
    assert!(seen(&stage.diagnostics.borrow()).contains(&microphone));
    stage.room.set_link_numbers(LinkNumbers { round_trip: Some(0.12), ..LinkNumbers::default() });
    // What the check found is kept, whatever happens on the way into the room.
    for _ in 0..60 {
        stage.audio.speak(&[20; FRAME]);
        stage.passes(Duration::from_millis(10)).await;
    }
    speaks(&stage, Duration::from_secs(1)).await;
    stage.within(MOMENT, "a voice", |s| s.check.microphone.text == Message::HearYou).await;
    stage.order(Command::PlayTestSound).await;
    stage.within(Duration::from_secs(3), "the question", |s| s.check.asking).await;
    stage.order(Command::ChimeHeard { heard: true }).await;
    stage.within(MOMENT, "that it was heard", |s| s.check.loudspeaker.text == Message::ChimeHeard).await;
    stage.enter().await;
    stage.begin().await;
    assert!(seen(&stage.diagnostics.borrow()).contains(&Message::FigureRoundTrip { ms: 120 }));
    stage.audio.plug(&["Built-in Microphone", "Headset"], &["Built-in Speakers"]);
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: Some("headset".to_owned()) }).await;
    stage.within(MOMENT, "the headset", |s| s.input.open.as_deref() == Some("headset")).await;
    stage.order(Command::End).await;
    stage.within(MOMENT, "the end", |s| s.completed.is_some()).await;
    stage.received(Duration::from_secs(5)).await;
    let timeline = stage.record().timeline;
    let audio = timeline.iter().find_map(|entry| {
        if let Line::Timeline(Note::Audio(audio)) = &entry.line { Some(audio) } else { None }
    });
    let audio = audio.expect("counters in the record");
    assert_eq!(audio.link.map(|link| link.round_trip_ms), Some(120));
    let used =
        |name: &str| Some(DeviceUsed { name: name.to_owned(), rate: 44_100, channels: 2, buffer_ms: 10 });
    assert_eq!(audio.microphone, used("Headset"), "the one that was open last");
    assert_eq!(audio.loudspeaker, used("Built-in Speakers"));
    let check = |line: &Line| {
        let Line::Timeline(Note::DeviceCheck(check)) = line else { return false };
        (check.microphone, check.loudspeaker) == (Checked::Good, Checked::Good)
    };
    assert!(timeline.iter().any(|entry| check(&entry.line)));
}

#[tokio::test(start_paused = true)]
async fn who_pushes_to_talk_is_heard_only_meanwhile() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::SetPushToTalk { on: true }).await;
    let shown = stage.within(MOMENT, "that it is on", |s| s.voice.push_to_talk).await;
    assert!(says(&shown, &Message::HoldToTalk) && !shown.muted);
    assert!(shown.microphone_open && stage.room.is_muted());
    speaks(&stage, Duration::from_secs(1)).await;
    let before = stage.room.frames();
    speaks(&stage, Duration::from_secs(1)).await;
    assert_eq!(stage.room.frames(), before, "nothing leaves the computer");
    stage.order(Command::Talk { talking: true }).await;
    stage.within(MOMENT, "that it is held", |s| s.voice.talking && !says(s, &Message::HoldToTalk)).await;
    assert!(!stage.room.is_muted());
    speaks(&stage, Duration::from_secs(1)).await;
    assert!(stage.room.frames() >= before + 99);
    // Muted is muted, whatever is held.
    stage.order(Command::SetMuted { muted: true }).await;
    stage.within(MOMENT, "that it is muted", |s| s.muted && says(s, &Message::Muted)).await;
    assert!(stage.room.is_muted());
    stage.order(Command::SetMuted { muted: false }).await;
    stage.order(Command::Talk { talking: false }).await;
    stage.within(MOMENT, "that it is let go", |s| !s.voice.talking && !s.muted).await;
    assert!(stage.room.is_muted());
    stage.order(Command::SetPushToTalk { on: false }).await;
    stage.within(MOMENT, "that it is off", |s| !s.voice.push_to_talk).await;
    assert!(!stage.room.is_muted());
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_the_candidate_does_not_want_is_left_out() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::SetStage { stage: VoiceStage::Noise, on: false }).await;
    let off =
        |s: &Snapshot| s.voice.stages.iter().any(|o| o.stage == VoiceStage::Noise && !o.on && o.possible);
    stage.within(MOMENT, "that it is off", off).await;
    speaks(&stage, Duration::from_millis(50)).await;
    let newest = stage.stages.lock().unwrap().last().copied().unwrap();
    assert!(newest.echo && !newest.noise && newest.gain, "{newest:?}");
    stage.order(Command::SetStage { stage: VoiceStage::Noise, on: true }).await;
    stage.within(MOMENT, "that it is on", |s| s.voice.stages.iter().all(|o| o.on)).await;
    speaks(&stage, Duration::from_millis(50)).await;
    assert!(stage.stages.lock().unwrap().last().copied().unwrap().noise);
}

#[tokio::test(start_paused = true)]
async fn who_records_a_sample_hears_it_without_a_test_sound_before() {
    let mut stage = Testbed::checking().await;
    stage.order(Command::RecordSample).await;
    stage.within(MOMENT, "the recording", |s| s.check.sample == SampleState::Recording).await;
    assert_eq!(stage.now().output.open.as_deref(), Some("built-in-speakers"));
    speaks(&stage, Duration::from_millis(3_100)).await;
    stage.within(MOMENT, "the playing", |s| s.check.sample == SampleState::Playing).await;
    let mut loudest = 0;
    for _ in 0..100 {
        stage.passes(Duration::from_millis(10)).await;
        loudest = loudest.max(stage.audio.hear().iter().map(|s| s.unsigned_abs()).max().unwrap());
    }
    assert!(loudest > 5_000, "{loudest}");
    // A microphone that gives nothing ends a recording, too.
    stage.within(Duration::from_secs(4), "its end", |s| s.check.sample == SampleState::None).await;
    stage.order(Command::RecordSample).await;
    stage.within(MOMENT, "the recording", |s| s.check.sample == SampleState::Recording).await;
    stage.within(Duration::from_secs(7), "its end", |s| s.check.sample == SampleState::None).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_to_speak_without_a_microphone_or_to_listen_without_a_loudspeaker() {
    let mut stage = Testbed::interview().await;
    stage.audio.plug(&[], &["Built-in Speakers"]);
    stage.within(MOMENT, "that there is none", |s| says(s, &Message::NoMicrophone)).await;
    stage.audio.plug(&["Built-in Microphone"], &[]);
    stage.within(MOMENT, "no loudspeaker", |s| says(s, &Message::NoLoudspeaker)).await;
    stage.audio.plug(&[], &[]);
    let both = |s: &Snapshot| says(s, &Message::NoMicrophone) && says(s, &Message::NoLoudspeaker);
    stage.within(MOMENT, "neither", both).await;
    stage.audio.plug(&["Built-in Microphone"], &["Built-in Speakers"]);
    let fine = |s: &Snapshot| says(s, &Message::Listening) && s.sound.is_empty();
    stage.within(MOMENT, "both", fine).await;
    // A microphone that takes its time is told of.
    stage.audio.hang(true);
    stage.order(Command::RefreshDevices).await;
    stage.within(Duration::from_secs(2), "that it is opened", |s| says(s, &Message::OpeningDevices)).await;
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_failed_while_the_sound_system_hung_is_opened_once_it_does_not() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::SetMuted { muted: true }).await;
    stage.within(MOMENT, "that it is muted", |s| s.muted && !s.microphone_open).await;
    stage.audio.refuse(Some(AudioError::Hangs));
    stage.order(Command::SetMuted { muted: false }).await;
    let silent = |m: &Message| matches!(m, Message::SoundSystemHangs);
    let why = |s: &Snapshot| said(s).any(silent);
    stage.within(MOMENT, "why nobody hears them", why).await;
    stage.audio.refuse(None);
    stage.within(Duration::from_secs(4), "the microphone", |s| s.microphone_open).await;
}

#[tokio::test(start_paused = true)]
async fn a_loudspeaker_that_is_muted_in_the_system_is_told_of_and_unmuted() {
    let mut stage = Testbed::checking().await;
    stage.audio.mute(DeviceKind::Loudspeaker, "built-in-speakers");
    let shown = stage.within(MOMENT, "that it is muted", |s| s.output.muted.is_some()).await;
    assert_eq!(shown.input.muted, None);
    stage.within(MOMENT, "it in the check", |s| s.check.loudspeaker.text == Message::LoudspeakerMuted).await;
    stage.enter().await;
    stage.within(MOMENT, "it while waiting", |s| says(s, &Message::LoudspeakerMuted)).await;
    stage.begin().await;
    stage.within(MOMENT, "it in the interview", |s| says(s, &Message::LoudspeakerMuted)).await;
    stage.order(Command::UnmuteInSystem { side: SoundSide::Loudspeaker }).await;
    let heard = |s: &Snapshot| s.output.muted.is_none() && !says(s, &Message::LoudspeakerMuted);
    stage.within(MOMENT, "that it is not", heard).await;
}

#[tokio::test(start_paused = true)]
async fn a_sound_system_that_hangs_is_given_up_and_nothing_else_waits_for_it() {
    let mut stage = Testbed::checking().await;
    stage.audio.hang(true);
    stage.order(Command::Join).await;
    stage.within(MOMENT, "that it is tried", |s| s.screen == Screen::Joining).await;
    let shown = stage.within(Duration::from_secs(8), "the problem", |s| s.problem.is_some()).await;
    assert!(matches!(shown.problem, Some(Message::SoundSystemHangs)), "{:?}", shown.problem);
    assert_eq!(shown.screen, Screen::Checking);
    stage.audio.hang(false);
    stage.enter().await;
}

#[tokio::test(start_paused = true)]
async fn who_presses_end_while_devices_hang_is_back_at_once() {
    let mut stage = Testbed::checking().await;
    stage.audio.hang(true);
    stage.order(Command::Join).await;
    stage.within(MOMENT, "that it is tried", |s| s.screen == Screen::Joining).await;
    stage.order(Command::End).await;
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking).await;
    stage.stays(Duration::from_secs(20), "the device check", |s| s.screen == Screen::Checking).await;
}

#[tokio::test(start_paused = true)]
async fn a_chooser_that_is_clicked_through_opens_the_last_choice() {
    let mut stage = Testbed::checking().await;
    stage.audio.plug(&["Built-in Microphone", "Headset", "Camera"], &["Built-in Speakers"]);
    for id in ["headset", "camera", "headset", "camera"] {
        stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: Some(id.to_owned()) }).await;
    }
    stage.within(MOMENT, "the choice", |s| s.input.chosen.as_deref() == Some("camera")).await;
    stage.passes(MOMENT).await;
    assert_eq!(stage.audio.open().0, [named("camera")]);
}

#[tokio::test(start_paused = true)]
async fn devices_that_fail_in_an_interview_are_opened_again_until_that_works() {
    let mut stage = Testbed::interview().await;
    stage.audio.refuse(Some(AudioError::NoMicrophone));
    stage.audio.fail();
    let shown = stage.within(Duration::from_secs(3), "the problem", |s| s.input.problem.is_some()).await;
    assert_eq!(shown.screen, Screen::Interview, "it goes on");
    stage.audio.refuse(None);
    stage
        .within(Duration::from_secs(3), "both devices", |s| {
            s.input.problem.is_none() && s.output.problem.is_none() && s.microphone_open
        })
        .await;
    let both = vec![DeviceChoice::SystemDefault];
    assert_eq!(stage.audio.open(), (both.clone(), both));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_goes_into_the_room_and_nowhere_after_the_end() {
    let mut stage = Testbed::interview().await;
    let before = stage.room.frames();
    speaks(&stage, Duration::from_secs(1)).await;
    assert_eq!(stage.room.frames() - before, 100);
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    let after = stage.room.frames();
    assert_eq!(stage.audio.open(), (Vec::new(), Vec::new()), "both devices are closed");
    speaks(&stage, Duration::from_secs(1)).await;
    assert_eq!(stage.room.frames(), after);
}

#[tokio::test(start_paused = true)]
async fn no_device_is_opened_after_the_end() {
    let mut stage = Testbed::interview().await;
    stage.order(Command::End).await;
    stage.received(Duration::from_secs(5)).await;
    stage.order(Command::ChooseDevice { side: SoundSide::Microphone, id: None }).await;
    stage.order(Command::RefreshDevices).await;
    stage.order(Command::PlayTestSound).await;
    stage.passes(Duration::from_secs(10)).await;
    assert_eq!(stage.audio.open(), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_gives_nothing_is_told_of() {
    let mut stage = Testbed::interview().await;
    stage.speaks(&[0; FRAME], Duration::from_secs(4)).await;
    let shown = stage.within(MOMENT, "the hint", |s| says(s, &Message::MicrophoneSilent)).await;
    assert!(says(&shown, &Message::MicrophoneSilent));
    speaks(&stage, MOMENT).await;
    assert!(!says(&stage.now(), &Message::MicrophoneSilent));
}

#[tokio::test(start_paused = true)]
async fn the_meters_follow_the_microphone() {
    let stage = Testbed::checking().await;
    speaks(&stage, Duration::from_millis(200)).await;
    let meters = stage.meters.borrow().unwrap();
    assert!((-20.0..-10.0).contains(&meters.input), "{meters:?}");
    assert!(meters.output < -100.0, "{meters:?}");
}

#[tokio::test(start_paused = true)]
async fn the_test_sound_is_heard() {
    let stage = Testbed::checking().await;
    stage.order(Command::PlayTestSound).await;
    let mut loudest = 0;
    for _ in 0..30 {
        stage.passes(Duration::from_millis(10)).await;
        loudest = loudest.max(stage.audio.hear().iter().map(|sample| sample.unsigned_abs()).max().unwrap());
    }
    assert!(loudest > 1_000, "{loudest}");
}

#[tokio::test(start_paused = true)]
async fn a_sound_system_that_cant_list_its_devices_says_so() {
    let set = Set::with_link(LINK);
    set.audio.refuse(Some(AudioError::System("connection refused".to_owned())));
    let mut stage = set.start();
    let shown = stage.within(MOMENT, "the problem", |s| s.input.problem.is_some()).await;
    assert!(matches!(shown.input.problem, Some(Message::SoundSystemSilent { .. })));
}
