//! Whatever happens in whatever order: it ends, what was said is kept once, and the same seed gives the same trace.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

mod testbed;

use std::path::Path;
use std::time::Duration;

use adjourn_client::{Command, Jitter, Screen};
use adjourn_protocol::Role;
use adjourn_room::{RoomEvent, Said};
use adjourn_session::{Input, LeaveReason};

use testbed::{LINK, MOMENT, Set, Testbed};

/// Something that may happen in an interview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happens {
    Turn,
    EndTool,
    SessionCloses,
    Leaves,
    Dies,
    Disconnects,
    Reconnects,
    Stalls,
    RoomClosed,
    End,
    DiskFull,
    DiskSlow,
    BackendDown,
    DeviceFails,
}

const ALL: [Happens; 14] = [
    Happens::Turn,
    Happens::EndTool,
    Happens::SessionCloses,
    Happens::Leaves,
    Happens::Dies,
    Happens::Disconnects,
    Happens::Reconnects,
    Happens::Stalls,
    Happens::RoomClosed,
    Happens::End,
    Happens::DiskFull,
    Happens::DiskSlow,
    Happens::BackendDown,
    Happens::DeviceFails,
];

async fn happens(stage: &Testbed, what: Happens, turns: &mut usize) {
    match what {
        Happens::Turn => {
            let (id, text) = (format!("item_{turns}"), format!("turn {turns}"));
            let said = Said { id, role: Role::Interviewer, text, interrupted: false };
            // Only while it is in the room somebody hears it.
            if stage.now().screen == Screen::Interview && stage.now().connected {
                *turns += 1;
            }
            stage.room.say(RoomEvent::Said { sid: "PA_1".to_owned(), said }).await;
        }
        Happens::EndTool => stage.ends().await,
        Happens::SessionCloses => stage.room.session_closes(),
        Happens::Leaves => stage.room.interviewer_leaves("PA_1", LeaveReason::ClientInitiated).await,
        Happens::Dies => stage.room.process_dies(),
        Happens::Disconnects => stage.hear(Input::Disconnected { reason: LeaveReason::StateMismatch }).await,
        Happens::Reconnects => stage.room.full_reconnect().await,
        Happens::Stalls => stage.room.resume_without_data().await,
        Happens::RoomClosed => stage.hear(Input::Disconnected { reason: LeaveReason::RoomDeleted }).await,
        Happens::End => stage.order(Command::End).await,
        Happens::DiskFull => stage.disk.set(|disk| disk.full = true),
        Happens::DiskSlow => stage.disk.set(|disk| disk.latency = Duration::from_secs(3)),
        Happens::BackendDown => stage.backend.set(|backend| backend.down = true),
        Happens::DeviceFails => stage.audio.fail(),
    }
}

/// One interview by chance. Gives how it ended.
async fn interview(seed: u64, trace: Option<&Path>) -> String {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut own = fastrand::Rng::with_seed(seed);
    let jitter = parking_lot::Mutex::new(own.fork());
    let set = Set {
        trace: trace.map(Path::to_owned),
        jitter: Jitter::of(move || jitter.lock().f64()),
        ..Set::with_link(LINK)
    };
    let mut stage = set.start();
    stage.within(MOMENT, "the device check", |s| s.screen == Screen::Checking && s.microphone_open).await;
    stage.enter().await;
    stage.begin().await;
    let (mut turns, mut done) = (0, Vec::new());
    for _ in 0..chance.usize(2..8) {
        let what = ALL[chance.usize(..ALL.len())];
        done.push(what);
        happens(&stage, what, &mut turns).await;
        stage.passes(Duration::from_millis(chance.u64(0..4_000))).await;
    }
    // What is broken is mended; then the candidate ends it, if nobody did.
    stage.disk.set(|disk| (disk.full, disk.latency) = (false, Duration::ZERO));
    stage.backend.set(|backend| backend.down = false);
    stage.order(Command::End).await;
    let end = stage.received(Duration::from_secs(180)).await;
    assert_eq!(stage.backend.records().len(), 1, "{seed}: {done:?}");
    let record = stage.record();
    let texts = testbed::texts(&record);
    for turn in 0..turns {
        let times = texts.iter().filter(|text| **text == format!("turn {turn}")).count();
        assert_eq!(times, 1, "{seed}: {done:?}: turn {turn} is there {times} times");
    }
    let committed = stage.disk.committed(LINK).map(|(record, _)| record);
    assert!(committed.is_none_or(|committed| committed == record), "{seed}: two records");
    assert_eq!(stage.audio.open(), (Vec::new(), Vec::new()), "{seed}: {done:?}: a device is open");
    assert!(stage.room.is_left(), "{seed}: {done:?}");
    end.outcome.to_string()
}

#[tokio::test(start_paused = true)]
async fn it_ends_and_is_kept_once_in_whatever_order() {
    let mut outcomes = std::collections::BTreeMap::<String, usize>::new();
    for seed in 0..60 {
        *outcomes.entry(interview(seed, None).await).or_default() += 1;
    }
    assert!(outcomes.len() >= 4, "chance does little: {outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace() {
    let folder = tempfile::tempdir().unwrap();
    let mut traces = Vec::new();
    for (n, seed) in [7, 7, 8].into_iter().enumerate() {
        let path = folder.path().join(n.to_string());
        interview(seed, Some(&path)).await;
        traces.push(std::fs::read(&path).unwrap());
    }
    assert!(traces[0].len() > 1_000);
    assert!(traces[0] == traces[1], "the same seed");
    assert!(traces[0] != traces[2], "another seed");
}
