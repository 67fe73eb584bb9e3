//! Sound devices are let go of at once, whatever they do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::process::Command;
use std::time::{Duration, Instant};

use adjourn_audio::{Capture, DeviceChoice, Playback};
use adjourn_qa::lab::Pulse;

/// The sound server's process id, for the process that plays the candidate's part.
const SERVER: &str = "ADJOURN_TEST_SOUND_SERVER";
/// Well above the threads' longest wait of 20 ms, well below the second in which a microphone must be released.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Names of this process's threads that hold a device.
fn holding() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| ["Microphone", "Loudspeaker"].contains(&name.as_str()))
        .collect()
}

fn let_go(what: &str) {
    let began = Instant::now();
    while !holding().is_empty() {
        assert!(began.elapsed() < AT_ONCE, "{what}: {:?} still hold a device", holding());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What happens in the process whose sound server is the lab's.
fn candidate(server: &str) {
    let default = DeviceChoice::SystemDefault;
    // The first read of a null sink's monitor takes up to 2 s: nothing has come from it yet.
    let microphone = Capture::open(&default, |_| {}).unwrap();
    assert_eq!(holding(), ["Microphone"]);
    drop(microphone);
    let_go("a microphone that gave nothing yet");

    let microphone = Capture::open(&default, |_| {}).unwrap();
    let (speaker, _frames) = Playback::open(&default).unwrap();
    let began = Instant::now();
    while microphone.stats().frames < 10 {
        assert!(began.elapsed() < Duration::from_secs(5), "the microphone gives nothing");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-STOP", server]).status().unwrap().success());
    drop((microphone, speaker));
    let_go("a sound server that hangs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_let_go_of_at_once_even_if_they_give_nothing_or_hang() {
    if let Ok(server) = std::env::var(SERVER) {
        return tokio::task::spawn_blocking(move || candidate(&server)).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let pulse = Pulse::start(folder.path()).await.unwrap();
    // This test once more, in a process of its own: its sound server is set before it starts.
    let mut itself = tokio::process::Command::new(std::env::current_exe().unwrap());
    itself.args([
        "--exact",
        "devices_are_let_go_of_at_once_even_if_they_give_nothing_or_hang",
        "--nocapture",
    ]);
    itself.env(SERVER, pulse.process.pid().to_string());
    pulse.give(&mut itself);
    let output = itself.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
