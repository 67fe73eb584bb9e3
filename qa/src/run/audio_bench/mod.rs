//! How late a candidate hears what was said, there and back, beside LiveKit's own web client: the same server, the same sound
//! server, the same chirps, in turn.
//!
//! Microphone and loudspeaker are two channels of one null sink, so that a recording of it has what was said and what was heard
//! in step, sample by sample: the sound server's own delay is in neither. Not in the figures: converters, air, a real network.

mod chirps;
mod ear;
mod figures;
mod plot;
pub(super) mod usage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_session::SoundProcessing;
use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;

use self::chirps::Chirp;
pub use self::ear::listen;
pub use self::figures::{AudioBench, OneWay, RoundTrip, Shares, Sides, Spread};
use self::figures::{Phase, Run};
use super::bed::ScenarioBed;
use super::canary::Canary;
use super::subject::Subject;
use crate::scenario::{self, Scenario};
use adjourn_testbed::{Child, DESK, busy_cores};

/// The interview is to have begun within this.
const BEGINS: Duration = Duration::from_secs(60);
/// A jitter buffer begins at 80 ms and finds its own measure within this.
const SETTLES: Duration = Duration::from_secs(10);
/// What was said last is heard within this.
const LAST: Duration = Duration::from_secs(2);

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Chirps of each run, on an idle machine.
    pub chirps: usize,
    /// Chirps of each run to somebody else's ear.
    pub one_way: usize,
    /// Chirps of each run under load, and after it.
    pub loaded: usize,
    /// Rounds of ours, peer's, peer's, ours.
    pub rounds: usize,
    /// The peer as well.
    pub peer: bool,
    /// What is done to the voice, on both sides: everything, or nothing.
    pub processing: bool,
    /// Seed of the pauses between chirps.
    pub seed: u64,
    /// Folder of the results.
    pub out: PathBuf,
}

/// Measures, and writes `audio.json` and its plots.
///
/// # Errors
/// The testbed fails, or too little was heard to say anything.
pub async fn run(options: &Options) -> anyhow::Result<AudioBench> {
    std::fs::create_dir_all(&options.out)?;
    let order: &[Subject] = if options.peer {
        &[Subject::Adjourn, Subject::Baseline, Subject::Baseline, Subject::Adjourn]
    } else {
        &[Subject::Adjourn]
    };
    let mut runs = Vec::new();
    for round in 0..options.rounds {
        for (n, subject) in order.iter().enumerate() {
            let seed = options.seed + (round * order.len() + n) as u64;
            tracing::info!(?subject, round, "measuring");
            let folder = std::path::absolute(options.out.join(format!("run-{}", runs.len() + 1)))?;
            std::fs::create_dir_all(&folder)?;
            let run = measured(options, *subject, seed, &folder).await;
            runs.push(run.with_context(|| format!("{subject:?}, round {round}"))?);
        }
    }
    let bench = AudioBench::of(options, &runs)?;
    std::fs::write(options.out.join("audio.json"), serde_json::to_vec_pretty(&bench)?)?;
    plot::late(&runs, &options.out.join("audio-late.svg"))?;
    plot::shares(&runs, &options.out.join("audio-shares.svg"))?;
    Ok(bench)
}

pub(super) fn scenario(id: &str, processing: bool) -> anyhow::Result<Scenario> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/audio.toml");
    let mut scenario =
        scenario::read(&file)?.into_iter().find(|one| one.id == id).context("no such scenario")?;
    scenario.sound_processing = Some(if processing { SoundProcessing::Full } else { SoundProcessing::Off });
    Ok(scenario)
}

/// One call, idle, under load, and after it.
async fn measured(options: &Options, subject: Subject, seed: u64, folder: &Path) -> anyhow::Result<Run> {
    let mut bed =
        ScenarioBed::start(&scenario("audio-bench", options.processing)?, folder, seed, subject).await?;
    bed.wait(BEGINS, "the interview", |seen| seen.now.interview).await?;
    tokio::time::sleep(SETTLES).await;
    let roots = match subject {
        Subject::Adjourn | Subject::Windows => vec![bed.client.pid()],
        // What drives the browser is ours.
        Subject::Baseline => usage::running(bed.client.pid(), "chromium"),
    };
    anyhow::ensure!(!roots.is_empty(), "no process of the client was found");
    let sound = [bed.pulse.process.pid()];
    let (began, cpu, sound_cpu) = (std::time::Instant::now(), usage::cpu_s(&roots), usage::cpu_s(&sound));
    let canary = Canary::start()?;
    let idle = said_and_heard(&bed, options.chirps, seed).await?;
    let seconds = began.elapsed().as_secs_f64();
    let worst = canary.worst();
    let (cpu, sound_cpu) = (usage::cpu_s(&roots) - cpu, usage::cpu_s(&sound) - sound_cpu);
    let footprint_mib = usage::footprint_mib(&roots);
    let busy = busy_cores(std::thread::available_parallelism()?.get(), folder)?;
    let loaded = said_and_heard(&bed, options.loaded, seed + 1_000).await?;
    drop(busy);
    let after = said_and_heard(&bed, options.loaded, seed + 2_000).await?;
    drop(bed);
    let one_way = one_way(options, subject, seed + 3_000, &folder.join("one-way")).await?;
    Ok(Run {
        ours: subject == Subject::Adjourn,
        phases: vec![
            (Phase::Idle, idle),
            (Phase::Loaded, loaded),
            (Phase::After, after),
            (Phase::OneWay, one_way),
        ],
        cpu_percent: cpu / seconds * 100.0,
        sound_server_cpu_percent: sound_cpu / seconds * 100.0,
        footprint_mib,
        late_wakeup_ms: worst.as_secs_f64() * 1_000.0,
    })
}

/// One call in which somebody else hears the candidate.
async fn one_way(
    options: &Options,
    subject: Subject,
    seed: u64,
    folder: &Path,
) -> anyhow::Result<Vec<Chirp>> {
    if options.one_way == 0 {
        return Ok(Vec::new());
    }
    std::fs::create_dir_all(folder)?;
    let mut bed =
        ScenarioBed::start(&scenario("audio-one-way", options.processing)?, folder, seed, subject).await?;
    bed.wait(BEGINS, "the interview", |seen| seen.now.interview).await?;
    let _ear = ear::start(&bed, subject).await?;
    tokio::time::sleep(SETTLES).await;
    said_and_heard(&bed, options.one_way, seed).await
}

/// Says so many chirps, and finds each at the loudspeaker.
async fn said_and_heard(bed: &ScenarioBed, count: usize, seed: u64) -> anyhow::Result<Vec<Chirp>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let plan = chirps::plan(count, seed);
    let wav = bed.folder.join(format!("chirps-{seed}.wav"));
    let length = chirps::write(&plan, &wav)?;
    let recording = Recording::start(bed).await?;
    let mut voice = bed.pulse.speak(&wav)?;
    let limit = Duration::from_secs_f64(length + 10.0);
    voice.finished(limit).await.context("the chirps were not said")?;
    tokio::time::sleep(LAST).await;
    let (said, heard) = recording.end().await?;
    tokio::task::spawn_blocking(move || chirps::lateness(&plan, &said, &heard)).await?
}

/// A recording of both channels.
struct Recording {
    process: Child,
    samples: tokio::task::JoinHandle<Vec<u8>>,
}

impl Recording {
    /// Records from the first block on that comes.
    async fn start(bed: &ScenarioBed) -> anyhow::Result<Self> {
        let mut command = tokio::process::Command::new("parec");
        command
            .args(["--raw", "--format=s16le", "--rate=48000", "--channels=2", "--latency-msec=5"])
            .arg("--channel-map=front-left,front-right")
            .arg(format!("--device={DESK}.monitor"))
            .stdout(std::process::Stdio::piped());
        bed.pulse.give(&mut command);
        let log = bed.folder.join("parec-desk.log");
        let (process, _, lines) = Child::start_talking("parec", &mut command, &log)?;
        let mut stream = lines.into_inner();
        let mut samples = vec![0; 4];
        tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut samples))
            .await
            .context("parec recorded nothing within 10 s; see parec-desk.log")??;
        let samples = tokio::spawn(async move {
            // It ends with its process; what is left is whole enough.
            let _ = stream.read_to_end(&mut samples).await;
            samples
        });
        Ok(Self { process, samples })
    }

    /// What was said, and what was heard.
    async fn end(mut self) -> anyhow::Result<(Vec<f32>, Vec<f32>)> {
        self.process.kill().await;
        let bytes = self.samples.await?;
        let (frames, _) = bytes.as_chunks::<4>();
        let sample = |a: u8, b: u8| f32::from(i16::from_le_bytes([a, b]));
        Ok(frames.iter().map(|[a, b, c, d]| (sample(*a, *b), sample(*c, *d))).unzip())
    }
}
