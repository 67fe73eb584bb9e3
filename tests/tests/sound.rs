//! Sound devices are let go of at once, whatever they do, and come back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::process::Command;
use std::time::{Duration, Instant};

use adjourn_audio::{
    AudioError, Capture, DeviceChoice, Devices, Host as _, StreamStatus, System, open_loudspeaker,
    open_microphone,
};
use adjourn_testbed::{Pulse, SystemBus};

/// The sound server's process id, for the process that plays the candidate's part.
const SERVER: &str = "ADJOURN_TEST_SOUND_SERVER";
/// Well above the threads' longest wait of 20 ms, well below the second in which a microphone must be released.
const AT_ONCE: Duration = Duration::from_millis(200);

/// The system bus is the testbed's, and this says so to the process that asks for priority.
const BUS: &str = "ADJOURN_TEST_SYSTEM_BUS";
/// Round robin in real time, as `/proc` numbers it (`sched(7)`).
const ROUND_ROBIN: &str = "2";

/// Names of this process's threads, each with how it is scheduled.
fn threads() -> Vec<(String, String)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let stat = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    stat.map(|stat| {
        let (head, rest) = stat.rsplit_once(") ").unwrap();
        // The 41st field; the third is the first of these.
        (head.split_once(" (").unwrap().1.to_owned(), rest.split(' ').nth(38).unwrap().to_owned())
    })
    .collect()
}

/// Names of this process's threads that hold a device.
fn holding() -> Vec<String> {
    let names = threads().into_iter().map(|(name, _)| name);
    names.filter(|name| ["Microphone", "Loudspeaker"].contains(&name.as_str())).collect()
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

/// Devices are told of as they come and go, and streams say where they are.
fn comes_and_goes() {
    let runtime = tokio::runtime::Handle::current();
    let mut watch = System.watch();
    let mut told = |what: &str, right: &dyn Fn(&Devices) -> bool| {
        let limit = Duration::from_secs(1);
        let came = async {
            loop {
                match watch.next().await {
                    Ok(devices) if right(&devices) => return,
                    Ok(_) => {}
                    Err(error) => panic!("{what}: {error}"),
                }
            }
        };
        let came = runtime.block_on(async { tokio::time::timeout(limit, came).await });
        assert!(came.is_ok(), "{what}: not told within {limit:?}");
    };
    told("what there is", &|devices| devices.inputs.len() == 1 && devices.outputs.len() == 2);
    let headset = pactl("load-module module-null-sink sink_name=headset");
    told("a headset", &|devices| devices.outputs.iter().any(|device| device.id == "headset"));
    let default = |devices: &Devices| devices.outputs.iter().any(|d| d.id == "headset" && d.default);
    pactl("set-default-sink headset");
    told("the new default", &default);
    let chosen = DeviceChoice::Named("headset".to_owned());
    let (held, _speaker) = open_loudspeaker(&chosen, None).unwrap();
    let fixed = held.status();
    let (playback, _other) = open_loudspeaker(&DeviceChoice::SystemDefault, None).unwrap();
    let mut status = playback.status();
    let mut is = |wanted: &StreamStatus, what: &str| {
        until(Duration::from_secs(2), what, || *status.borrow_and_update() == *wanted);
    };
    let open = |device: &str| StreamStatus::Open { device: Some(device.to_owned()) };
    is(&open("headset"), "it is open on the headset");
    let streams = pactl("list short sink-inputs");
    let stream = streams.lines().last().unwrap().split('\t').next().unwrap();
    pactl(&format!("move-sink-input {stream} candidate_speaker"));
    is(&open("candidate_speaker"), "somebody moves it");
    pactl(&format!("move-sink-input {stream} headset"));
    is(&open("headset"), "and back");
    pactl("set-default-sink candidate_speaker");
    pactl(&format!("unload-module {}", headset.trim()));
    told("that it left", &|devices| devices.outputs.len() == 2);
    is(&open("candidate_speaker"), "what there is, is used");
    // Whoever chose it decides what comes instead: the server must not put another one in its place.
    until(Duration::from_secs(2), "a chosen one that left", || *fixed.borrow() == StreamStatus::Failed);
    assert!(matches!(open_loudspeaker(&chosen, None), Err(AudioError::Missing(_))));
    pactl("suspend-sink candidate_speaker 1");
    is(&StreamStatus::Starved { device: Some("candidate_speaker".to_owned()) }, "it is starved");
    pactl("suspend-sink candidate_speaker 0");
    is(&open("candidate_speaker"), "it goes on");
}

/// What happens in the process whose sound server is the testbed's.
fn candidate(server: &str) {
    comes_and_goes();
    let_go("a loudspeaker that was moved");
    let default = DeviceChoice::SystemDefault;
    // The first read of a null sink's monitor takes up to 2 s: nothing has come from it yet.
    let microphone = open_microphone(&default, None, Box::new(|_| {})).unwrap();
    assert_eq!(holding(), ["Microphone"]);
    drop(microphone);
    let_go("a microphone that gave nothing yet");

    // The microphone is pulled out: PulseAudio would let us record what the loudspeaker plays instead.
    let chosen = DeviceChoice::Named("candidate_microphone".to_owned());
    let fixed = open_microphone(&chosen, None, Box::new(|_| {})).unwrap();
    let microphone = open_microphone(&default, None, Box::new(|_| {})).unwrap();
    gives(&fixed, 10);
    gives(&microphone, 10);
    pactl("unload-module module-remap-source");
    until(Duration::from_secs(1), "nobody records", || pactl("list short source-outputs").is_empty());
    let before = microphone.stats();
    // Four times as long as it takes to open a stream again.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(microphone.stats(), before, "it records something else than a microphone");
    assert_eq!(open_microphone(&chosen, None, Box::new(|_| {})).unwrap_err(), AudioError::NoMicrophone);
    pactl("load-module module-remap-source source_name=candidate_microphone master=candidate_mouth.monitor");
    gives(&microphone, 10);
    assert_eq!(microphone.stats().reopened, 1);
    assert_eq!(*fixed.status().borrow(), StreamStatus::Failed, "who chose it opens it again");
    drop(fixed);
    gives(&open_microphone(&chosen, None, Box::new(|_| {})).unwrap(), 10);

    let (speaker, _frames) = open_loudspeaker(&default, None).unwrap();
    assert!(Command::new("kill").args(["-STOP", server]).status().unwrap().success());
    drop((microphone, speaker));
    let_go("a sound server that hangs");
    // Not taken for a computer without one.
    assert_eq!(open_microphone(&default, None, Box::new(|_| {})).unwrap_err(), AudioError::Hangs);
}

/// This test once more, in a process of its own: what it asks for is set before it starts.
async fn in_another_process(test: &str, set: impl FnOnce(&mut tokio::process::Command)) -> String {
    let mut itself = tokio::process::Command::new(std::env::current_exe().unwrap());
    itself.args(["--exact", test, "--nocapture"]).kill_on_drop(true);
    set(&mut itself);
    let output = tokio::time::timeout(Duration::from_secs(90), itself.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_let_go_of_at_once_and_only_a_microphone_is_recorded() {
    if let Ok(server) = std::env::var(SERVER) {
        return tokio::task::spawn_blocking(move || candidate(&server)).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let pulse = Pulse::start(folder.path()).await.unwrap();
    in_another_process("devices_are_let_go_of_at_once_and_only_a_microphone_is_recorded", |itself| {
        itself.env(SERVER, pulse.process.pid().to_string());
        pulse.give(itself);
    })
    .await;
}

/// Both devices are open; what the system gave the threads that carry sound is told of on standard output.
fn carries_sound(bus: &str) {
    tracing_subscriber::fmt().with_writer(std::io::stdout).with_ansi(false).init();
    let default = DeviceChoice::SystemDefault;
    let (speaker, _frames) = open_loudspeaker(&default, None).unwrap();
    let microphone = open_microphone(&default, None, Box::new(|_| {})).unwrap();
    gives(&microphone, 10);
    let carrying = ["Microphone", "Loudspeaker", "microphone-work"];
    let first = |wanted: &str| {
        let all = threads();
        carrying.iter().all(|carries| all.iter().any(|(name, how)| name == carries && how == wanted))
    };
    match bus {
        "there" => until(Duration::from_secs(10), "priority", || first(ROUND_ROBIN)),
        _ => assert!(first("0"), "{:?}", threads()),
    }
    gives(&microphone, 100);
    drop((microphone, speaker));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_that_carry_sound_come_before_others_where_the_system_grants_it() {
    if let Ok(bus) = std::env::var(BUS) {
        return tokio::task::spawn_blocking(move || carries_sound(&bus)).await.unwrap();
    }
    let test = "threads_that_carry_sound_come_before_others_where_the_system_grants_it";
    let folder = tempfile::tempdir().unwrap();
    let pulse = Pulse::start(folder.path()).await.unwrap();
    let bus = SystemBus::start(folder.path()).await.unwrap();
    let granted = in_another_process(test, |itself| {
        pulse.give(itself.env(BUS, "there"));
        bus.give(itself);
    })
    .await;
    assert!(!granted.contains("gives sound no priority"), "{granted}");
    drop(bus);
    let refused = in_another_process(test, |itself| {
        let nowhere = format!("unix:path={}", folder.path().join("nobody").display());
        pulse.give(itself.env(BUS, "missing").env("DBUS_SYSTEM_BUS_ADDRESS", nowhere));
    })
    .await;
    assert_eq!(refused.matches("gives sound no priority").count(), 1, "{refused}");
}
