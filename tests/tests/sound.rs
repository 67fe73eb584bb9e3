//! Sound devices are let go of at once, whatever they do, and come back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::process::Command;
use std::time::{Duration, Instant};

use adjourn_audio::{AudioError, Capture, DeviceChoice, open_loudspeaker, open_microphone};
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

/// Waits for something, and says what the devices' threads are if it does not come.
fn until(limit: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}; {:?} hold a device", holding());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn let_go(what: &str) {
    until(AT_ONCE, what, || holding().is_empty());
}

/// Waits until so many more frames came.
fn gives(microphone: &Capture, frames: u64) {
    let before = microphone.stats().frames;
    let limit = Duration::from_secs(20);
    until(limit, "the microphone's sound", || microphone.stats().frames >= before + frames);
}

fn pactl(arguments: &str) -> String {
    let output = Command::new("pactl").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "pactl {arguments} ended with {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// What happens in the process whose sound server is the lab's.
fn candidate(server: &str) {
    let default = DeviceChoice::SystemDefault;
    // The first read of a null sink's monitor takes up to 2 s: nothing has come from it yet.
    let microphone = open_microphone(&default, Box::new(|_| {})).unwrap();
    assert_eq!(holding(), ["Microphone"]);
    drop(microphone);
    let_go("a microphone that gave nothing yet");

    // The microphone is pulled out: PulseAudio would let us record what the loudspeaker plays instead.
    let chosen = DeviceChoice::Named("candidate_microphone".to_owned());
    let microphone = open_microphone(&chosen, Box::new(|_| {})).unwrap();
    gives(&microphone, 10);
    pactl("unload-module module-remap-source");
    until(Duration::from_secs(1), "nobody records", || pactl("list short source-outputs").is_empty());
    let before = microphone.stats();
    // Four times as long as it takes to open a stream again.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(microphone.stats(), before, "it records something else than a microphone");
    assert_eq!(open_microphone(&chosen, Box::new(|_| {})).unwrap_err(), AudioError::NoMicrophone);
    pactl("load-module module-remap-source source_name=candidate_microphone master=candidate_mouth.monitor");
    gives(&microphone, 10);
    assert_eq!(microphone.stats().reopened, 1);

    let (speaker, _frames) = open_loudspeaker(&default).unwrap();
    assert!(Command::new("kill").args(["-STOP", server]).status().unwrap().success());
    drop((microphone, speaker));
    let_go("a sound server that hangs");
    // Not taken for a computer without one.
    assert_eq!(
        open_microphone(&default, Box::new(|_| {})).unwrap_err(),
        AudioError::System("it hangs".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_let_go_of_at_once_and_only_a_microphone_is_recorded() {
    if let Ok(server) = std::env::var(SERVER) {
        return tokio::task::spawn_blocking(move || candidate(&server)).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let pulse = Pulse::start(folder.path()).await.unwrap();
    // This test once more, in a process of its own: its sound server is set before it starts.
    let mut itself = tokio::process::Command::new(std::env::current_exe().unwrap());
    itself.args([
        "--exact",
        "devices_are_let_go_of_at_once_and_only_a_microphone_is_recorded",
        "--nocapture",
    ]);
    itself.env(SERVER, pulse.process.pid().to_string()).kill_on_drop(true);
    pulse.give(&mut itself);
    let output = tokio::time::timeout(Duration::from_secs(90), itself.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
