//! The SDK library gives back everything that it was asked for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::time::Duration;

use adjourn_room::{Processing, Stages};
use adjourn_testbed::{LiveKitServer, Network, ServerOptions, Tools};
use livekit_dylib::options::TrackPublishOptions;
use livekit_dylib::prelude::{LocalAudioTrack, LocalTrack, Room, RoomOptions, TrackSource};
use livekit_dylib::webrtc::audio_frame::AudioFrame;
use livekit_dylib::webrtc::audio_source::native::NativeAudioSource;
use livekit_dylib::webrtc::audio_source::{AudioSourceOptions, RtcAudioSource};

/// Cycles of connecting, publishing, sending and leaving; `ADJOURN_CYCLES` asks for more.
fn cycles() -> usize {
    std::env::var("ADJOURN_CYCLES").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
}

fn threads_and_files() -> (usize, usize) {
    let count = |path: &str| std::fs::read_dir(path).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Threads and files once they stayed the same for a second: those of the rooms before are gone.
async fn settled() -> (usize, usize) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let mut last = (threads_and_files(), tokio::time::Instant::now());
    while last.1.elapsed() < Duration::from_secs(1) {
        assert!(tokio::time::Instant::now() < deadline, "threads and files never settle: {:?}", last.0);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = threads_and_files();
        if now != last.0 {
            last = (now, tokio::time::Instant::now());
        }
    }
    last.0
}

async fn cycle(url: &str, room: &str) {
    let token = adjourn_testbed::token(room, "tester").unwrap();
    let (room, mut events) = Room::connect(url, &token, RoomOptions::default()).await.unwrap();
    let source = NativeAudioSource::new(AudioSourceOptions::default(), 48_000, 1, 0);
    let track = LocalAudioTrack::create_audio_track("microphone", RtcAudioSource::Native(source.clone()));
    let options = TrackPublishOptions { source: TrackSource::Microphone, ..Default::default() };
    room.local_participant().publish_track(LocalTrack::Audio(track), options).await.unwrap();
    let frame = AudioFrame {
        data: vec![0; 480].into(),
        sample_rate: 48_000,
        num_channels: 1,
        samples_per_channel: 480,
    };
    source.capture_frame(&frame).await.unwrap();
    room.get_stats().await.unwrap();
    room.close().await.unwrap();
    drop(room);
    // The events' sender is gone with the room.
    while tokio::time::timeout(Duration::from_secs(5), events.recv()).await.unwrap().is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_threads_and_files_are_back_at_the_start() {
    let tools = Tools::find().unwrap();
    let folder = tempfile::tempdir().unwrap();
    livekit_dylib::library::load_from(std::slice::from_ref(&tools.library)).unwrap();
    let by_itself = ServerOptions { auto_create: true, ..ServerOptions::default() };
    let server = LiveKitServer::start(&tools, folder.path(), &Network::Loopback, by_itself).await.unwrap();
    // The first cycles start the library's own worker threads, which stay.
    for _ in 0..3 {
        cycle(&server.url, "warm-up").await;
    }
    let before = settled().await;
    let handles = livekit_dylib::handle::outstanding();
    for _ in 0..cycles() {
        cycle(&server.url, "cycles").await;
    }
    assert_eq!(livekit_dylib::handle::outstanding(), handles, "handles");
    assert_eq!(handles, 0, "handles before");
    // Threads of the last rooms end shortly after them.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let after = threads_and_files();
        if after.0 <= before.0 && after.1 <= before.1 {
            println!(
                "{} cycles: threads {} -> {}, files {} -> {}",
                cycles(),
                before.0,
                after.0,
                before.1,
                after.1
            );
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "threads and files: {before:?} before, {after:?} after"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[test]
fn audio_processing_takes_ten_milliseconds_and_refuses_what_would_abort_it() {
    let tools = Tools::find().unwrap();
    livekit_dylib::library::load_from(std::slice::from_ref(&tools.library)).unwrap();
    let mut processing =
        livekit_dylib::webrtc::native::apm::AudioProcessingModule::new(true, true, true, true);
    let mut frame = [0_i16; 480];
    processing.process_reverse_stream(&mut frame, 48_000, 1).unwrap();
    processing.set_stream_delay_ms(20).unwrap();
    processing.process_stream(&mut frame, 48_000, 1).unwrap();
    let refused = processing.process_stream(&mut frame[..100], 48_000, 1).unwrap_err();
    assert_eq!(refused.to_string(), "audio processing takes a multiple of 10 ms");
    // A steady 440 Hz at 10 % is noise to the suppressor: what comes out is quieter than what went in.
    let mut quiet = f32::MAX;
    for n in 0..200_i32 {
        let mut frame: Vec<i16> = (0..480)
            .map(|i| ((n * 480 + i) as f32 * 440.0 / 48_000.0 * std::f32::consts::TAU).sin())
            .map(|sample| (sample * 3_276.0) as i16)
            .collect();
        processing.process_reverse_stream(&mut frame.clone(), 48_000, 1).unwrap();
        processing.process_stream(&mut frame, 48_000, 1).unwrap();
        let rms = (frame.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / 480.0).sqrt();
        quiet = quiet.min(rms);
    }
    assert!(quiet < 500.0, "an echo of {quiet} (of 2316) is left");
}

/// 3 times a second a loud noise, and a pause.
fn syllables(frames: i32) -> impl Iterator<Item = [i16; 480]> {
    let mut next: u32 = 7;
    (0..frames).map(move |n| {
        let mut frame = [0_i16; 480];
        for sample in &mut frame {
            next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = if n / 16 % 2 == 0 { (next >> 16) as i16 / 4 } else { 0 };
        }
        frame
    })
}

#[test]
fn who_says_nothing_is_heard_to_say_nothing_from_the_interviewers_first_word_on() {
    let tools = Tools::find().unwrap();
    livekit_dylib::library::load_from(std::slice::from_ref(&tools.library)).unwrap();
    let all = Stages { echo: true, noise: true, gain: true, high_pass: true };
    for stages in [all, Stages { echo: true, ..Stages::default() }, Stages { echo: false, ..all }] {
        let mut processing = Processing::new(stages);
        let loudest = syllables(300).map(|mut played| {
            processing.played(&mut played);
            let mut heard = [0; 480];
            processing.captured(&mut heard);
            heard.iter().map(|sample| sample.unsigned_abs()).max().unwrap()
        });
        // By a canceller that begins with this: 575 with all stages, 106 with none but itself.
        let loudest = loudest.max().unwrap();
        println!("a silent microphone beside a loud interviewer, {stages:?}: {loudest} of 32768");
        assert!(loudest <= 40, "{stages:?}: {loudest}");
    }
}
