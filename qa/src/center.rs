//! Many seats of one center: how soon whoever watches it sees a change, and what that costs the server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use adjourn_outbox::Backend;
use adjourn_protocol::{SeatSeen, SeatStage, SeatState, SeatTold, Secret};
use adjourn_testbed::{BackendOptions, Testbed, cpu_s};
use anyhow::Context as _;
use fastrand::Rng;
use serde::Serialize;

use crate::run::audio_bench::Spread;

const CENTER: &str = "berlin";
/// As a seat does by itself.
const TELLS: Duration = Duration::from_secs(5);
/// One change so often, of a seat by chance.
const CHANGES: Duration = Duration::from_millis(500);
/// What was not seen by then is lost.
const LATE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct CenterReport {
    /// Seats that tell how they are.
    pub seats: usize,
    /// Changes that were made.
    pub changes: usize,
    /// Of which nothing was seen.
    pub lost: usize,
    /// Milliseconds from the seat's word to whoever watches: half are not more.
    pub p50_ms: f64,
    /// 95 of 100 are not more.
    pub p95_ms: f64,
    /// The most.
    pub max_ms: f64,
    /// The server's time, in percent of one core.
    pub cpu_percent: f64,
    /// Words of seats that were not answered.
    pub refused: u64,
}

fn state(help: bool) -> SeatTold {
    let state = SeatState {
        help,
        microphone: Some("Headset Microphone".to_owned()),
        loudspeaker: Some("Headset".to_owned()),
        round_trip_ms: Some(20),
        ..SeatState::at(SeatStage::Idle, "0123456789abcdef")
    };
    SeatTold { state, token: None }
}

/// Runs it.
///
/// # Errors
/// A part does not start, or the center can't be watched.
pub async fn run(
    program: Option<PathBuf>,
    seats: usize,
    seconds: u64,
    seed: u64,
) -> anyhow::Result<CenterReport> {
    anyhow::ensure!(seats > 0, "--seats 0 measures nothing");
    let options = BackendOptions { program, ..BackendOptions::default() };
    let testbed = Testbed::builder().backend(options).start().await?;
    let key = async |name: &str, scope: &str| {
        let arguments = ["key", "add", name, "--scopes", scope, "--center", CENTER];
        anyhow::Ok(Secret::new(testbed.backend.command(&arguments).await?.trim()))
    };
    let (seat_key, staff) = (key("seats", "seat").await?, key("staff", "center").await?);
    let backend = Backend::new(&testbed.backend.url.parse()?)?;
    let mut chance = Rng::with_seed(seed);
    let refused = Arc::new(AtomicU64::new(0));
    let calls: Arc<Vec<AtomicBool>> = Arc::new((0..seats).map(|_| AtomicBool::new(false)).collect());
    let mut telling = tokio::task::JoinSet::new();
    for n in 0..seats {
        // Each has a connection of its own, as seats have.
        let backend = Backend::new(&testbed.backend.url.parse()?)?;
        let (key, refused) = (seat_key.clone(), Arc::clone(&refused));
        let calls = Arc::clone(&calls);
        let first = Duration::from_millis(chance.u64(0..TELLS.as_millis() as u64));
        telling.spawn(async move {
            let name = name_of(n);
            tokio::time::sleep(first).await;
            let mut pace = tokio::time::interval(TELLS);
            loop {
                pace.tick().await;
                let now = state(calls[n].load(Ordering::Relaxed));
                if backend.tell_seat(CENTER, &name, &key, &now).await.is_err() {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    let mut watch = Watched::open(&testbed.backend.url, &staff).await?;
    watch.until(TELLS * 3, |seen| seen.len() >= seats).await.context("not every seat is seen")?;
    let (began, cpu) = (Instant::now(), cpu_s(testbed.backend.process.pid()));
    let (mut late, mut lost, mut changes) = (Vec::new(), 0, 0);
    while began.elapsed() < Duration::from_secs(seconds) {
        let n = chance.usize(..seats);
        let seat = name_of(n);
        changes += 1;
        calls[n].store(true, Ordering::Relaxed);
        let told = Instant::now();
        backend.tell_seat(CENTER, &seat, &seat_key, &state(true)).await?;
        let seen = watch.until(LATE, |seen| seen.get(&seat).is_some_and(|seen| seen.state.help)).await;
        match seen {
            Ok(()) => late.push(told.elapsed().as_secs_f64() * 1_000.0),
            Err(_) => lost += 1,
        }
        // As it was.
        calls[n].store(false, Ordering::Relaxed);
        backend.tell_seat(CENTER, &seat, &seat_key, &state(false)).await?;
        tokio::time::sleep(CHANGES).await;
    }
    let cpu_percent = (cpu_s(testbed.backend.process.pid()) - cpu) / began.elapsed().as_secs_f64() * 100.0;
    let Spread { p50, p95, max } = Spread::of(late)?;
    let refused = refused.load(Ordering::Relaxed);
    Ok(CenterReport { seats, changes, lost, p50_ms: p50, p95_ms: p95, max_ms: max, cpu_percent, refused })
}

fn name_of(n: usize) -> String {
    format!("S-{n:04}")
}

/// Somebody who watches the center.
struct Watched {
    stream: reqwest::Response,
    text: String,
    seen: BTreeMap<String, SeatSeen>,
}

impl Watched {
    async fn open(url: &str, key: &Secret) -> anyhow::Result<Self> {
        let request = reqwest::Client::new().get(format!("{url}/v1/centers/{CENTER}/watch"));
        let response = request.bearer_auth(key.expose()).send().await?.error_for_status()?;
        Ok(Self { stream: response, text: String::new(), seen: BTreeMap::new() })
    }

    /// Reads until what was seen is so.
    async fn until(
        &mut self,
        limit: Duration,
        so: impl Fn(&BTreeMap<String, SeatSeen>) -> bool,
    ) -> anyhow::Result<()> {
        let read = async {
            while !so(&self.seen) {
                let block = self.stream.chunk().await?.context("the stream ended")?;
                self.text.push_str(&String::from_utf8_lossy(&block));
                while let Some((event, rest)) = self.text.split_once("\n\n") {
                    let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                    if let Some(seen) = data.and_then(|data| serde_json::from_str::<SeatSeen>(data).ok()) {
                        self.seen.insert(seen.seat.clone(), seen);
                    }
                    self.text = rest.to_owned();
                }
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(limit, read).await?
    }
}
