//! Microphones and loudspeakers: every event of a device.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::time::Duration;

use adjourn_audio::{AudioError, DeviceChoice, FRAME};
use adjourn_client::{Command, Message, Screen};

use testbed::{LINK, MOMENT, Set, Testbed};

const VOICE: [i16; FRAME] = [6_000; FRAME];

fn named(id: &str) -> DeviceChoice {
    DeviceChoice::Named(id.to_owned())
}

/// 10 ms after 10 ms of a voice at the microphone.
async fn speaks(stage: &Testbed, length: Duration) {
    for _ in 0..length.as_millis() / 10 {
        stage.audio.speak(&VOICE);
        stage.passes(Duration::from_millis(10)).await;
    }
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
    stage.order(Command::ChooseInput { id: Some("nowhere".to_owned()) }).await;
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
    stage.order(Command::ChooseInput { id: Some("headset".to_owned()) }).await;
    let shown = stage.within(MOMENT, "the choice", |s| s.input.chosen.is_some()).await;
    assert_eq!(shown.input.chosen.as_deref(), Some("headset"));
    stage.passes(MOMENT).await;
    assert_eq!(stage.audio.open().0, [named("headset")]);
    stage.order(Command::ChooseInput { id: None }).await;
    stage.passes(MOMENT).await;
    assert_eq!(stage.audio.open().0, [DeviceChoice::SystemDefault]);
}

#[tokio::test(start_paused = true)]
async fn a_chosen_device_that_is_not_there_is_named() {
    let mut stage = Testbed::checking().await;
    stage.order(Command::ChooseInput { id: Some("headset".to_owned()) }).await;
    let shown = stage.within(MOMENT, "the problem", |s| s.input.problem.is_some()).await;
    assert_eq!(shown.input.problem, Some(Message::DeviceMissing { device: "headset".to_owned() }));
    stage.order(Command::ChooseInput { id: None }).await;
    stage.within(MOMENT, "nothing wrong", |s| s.input.problem.is_none() && s.microphone_open).await;
}

#[tokio::test(start_paused = true)]
async fn a_sound_system_that_hangs_is_given_up_and_nothing_else_waits_for_it() {
    let mut stage = Testbed::checking().await;
    stage.audio.hang(true);
    stage.order(Command::Join).await;
    stage.within(MOMENT, "that it is tried", |s| s.screen == Screen::Joining).await;
    let shown = stage.within(Duration::from_secs(7), "the problem", |s| s.problem.is_some()).await;
    assert!(matches!(shown.problem, Some(Message::SoundSystemSilent { .. })), "{:?}", shown.problem);
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
        stage.order(Command::ChooseInput { id: Some(id.to_owned()) }).await;
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
    stage.order(Command::ChooseInput { id: None }).await;
    stage.order(Command::RefreshDevices).await;
    stage.order(Command::PlayTestSound).await;
    stage.passes(Duration::from_secs(10)).await;
    assert_eq!(stage.audio.open(), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_gives_nothing_is_told_of() {
    let mut stage = Testbed::interview().await;
    for _ in 0..400 {
        stage.audio.speak(&[0; FRAME]);
        stage.passes(Duration::from_millis(10)).await;
    }
    let shown = stage.within(MOMENT, "the hint", |s| s.microphone_silent).await;
    assert_eq!(shown.status, Some(Message::MicrophoneSilent));
    speaks(&stage, MOMENT).await;
    assert!(!stage.now().microphone_silent);
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
