//! SIGKILL, again and again, at any moment: nothing that was written down is lost, nothing is delivered twice.

pub mod client;
mod life;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use adjourn_protocol::{Record, sha256};
use anyhow::Context as _;
use rustix::process::Signal;
use serde::Serialize;

use self::life::VictimRun;
pub use self::life::live;
use adjourn_testbed::Testbed;
use fastrand::Rng;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Victim {
    /// The process that journals and delivers, at any moment.
    Outbox,
    /// The same at every point at which it writes to disk, one after the other.
    Points,
    /// The whole client in a real interview, at points at which it writes to disk.
    Client,
    /// The backend, while records come in.
    Backend,
    /// Postgres under the backend, while records come in.
    Postgres,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CrashReport {
    /// SIGKILLs of a victim that ran.
    pub kills: usize,
    /// Points at which a victim writes to disk in its life.
    pub points: usize,
    /// Milliseconds that a victim needs if nobody kills it: the moments are within.
    pub life_ms: f64,
    /// Interviews.
    pub interviews: usize,
    /// Lines of the journal that were acknowledged to the one who wrote them.
    pub acknowledged: usize,
    /// Of those, that are not in the record at the backend.
    pub lost: usize,
    /// Interviews without a record at the backend, or with other bytes than on disk.
    pub missing: usize,
    /// Interviews with more than one.
    pub double: usize,
    /// Clients that did something wrong besides: a late receipt, an open microphone.
    pub failed: usize,
    /// Seconds that it took.
    pub took_s: f64,
}

/// Waits for a moment in so many milliseconds.
async fn moment(chance: &mut Rng, within_ms: f64) {
    tokio::time::sleep(Duration::from_secs_f64(chance.f64() * within_ms / 1000.0)).await;
}

/// Lives of one interview's process that end by SIGKILL; the next one may finish.
const LIVES: usize = 6;
/// A process that was not killed must be done after this.
const DONE: Duration = Duration::from_secs(30);

/// CrashReport `count` times and compares what is there with what was acknowledged.
///
/// # Errors
/// A part does not start, or an interview is not done although nobody kills any more.
pub async fn run(
    victim: Victim,
    count: usize,
    seed: u64,
    progress: impl Fn(&CrashReport),
) -> anyhow::Result<CrashReport> {
    anyhow::ensure!(count > 0, "--count 0 kills nobody");
    if victim == Victim::Client {
        return client::run(count, seed, progress).await;
    }
    let mut testbed = Testbed::builder().postgres(victim == Victim::Postgres).start().await?;
    let (mut chance, mut kills) = (Rng::with_seed(seed), CrashReport::default());
    (kills.life_ms, kills.points) = undisturbed(&mut testbed, lines(victim)).await?;
    let began = std::time::Instant::now();
    while kills.kills < count {
        match victim {
            Victim::Outbox => one_interview(&mut testbed, &mut chance, count, &mut kills).await?,
            Victim::Points => {
                let point = kills.kills + 1;
                if point > kills.points {
                    break;
                }
                at_point(&mut testbed, point, &mut kills).await?;
            }
            Victim::Client => anyhow::bail!("the whole client is killed elsewhere"),
            Victim::Backend | Victim::Postgres => {
                under_load(&mut testbed, victim, &mut chance, &mut kills).await?
            }
        }
        kills.took_s = began.elapsed().as_secs_f64();
        progress(&kills);
    }
    Ok(kills)
}

/// What lives of one interview said, against what the backend has.
async fn compare(
    testbed: &Testbed,
    id: &str,
    said: &[String],
    kills: &mut CrashReport,
) -> anyhow::Result<()> {
    kills.interviews += 1;
    let acknowledged: BTreeSet<&str> = said.iter().filter_map(|line| line.strip_prefix("said ")).collect();
    kills.acknowledged += acknowledged.len();
    let committed: BTreeSet<&str> = said.iter().filter_map(|line| line.strip_prefix("committed ")).collect();
    let held = testbed.backend.record(id, 1).await.unwrap_or_default();
    let digest = sha256(&held);
    if held.is_empty() || committed.iter().any(|committed| *committed != digest) {
        kills.missing += 1;
        return Ok(());
    }
    let record: Record = serde_json::from_slice(&held)?;
    let there: BTreeSet<&str> =
        record.transcript.iter().filter_map(|item| item.id.strip_prefix("item_")).collect();
    kills.lost += acknowledged.difference(&there).count();
    kills.double += usize::from(testbed.backend.status(id).await?.records != 1)
        + usize::from(there.len() != record.transcript.len());
    Ok(())
}

async fn one_interview(
    testbed: &mut Testbed,
    chance: &mut Rng,
    count: usize,
    kills: &mut CrashReport,
) -> anyhow::Result<()> {
    let invitation = testbed.backend.invite("{}").await?;
    let (data, log) = (testbed.folder().join(&invitation.id), testbed.folder().join("life.log"));
    let mut said = Vec::new();
    for _ in 0..LIVES {
        if kills.kills >= count {
            break;
        }
        let mut life = VictimRun::begin(&invitation.link, &data, &log, life::LINES, None)?;
        moment(chance, kills.life_ms).await;
        let running = life.process.running();
        life.process.kill().await;
        said.extend(life.said.await?);
        if !running {
            break;
        }
        kills.kills += 1;
    }
    finish(&invitation.link, &data, &log, life::LINES, &mut said).await?;
    compare(testbed, &invitation.id, &said, kills).await?;
    std::fs::remove_dir_all(&data)?;
    Ok(())
}

/// The last life, which nobody ends.
async fn finish(
    link: &str,
    data: &Path,
    log: &Path,
    lines: usize,
    said: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut life = VictimRun::begin(link, data, log, lines, None)?;
    life.process.finished(DONE).await.with_context(|| format!("see {}", log.display()))?;
    said.extend(life.said.await?);
    anyhow::ensure!(said.last().is_some_and(|line| line == "done"), "an interview is not done: {said:?}");
    Ok(())
}

/// Lines that a victim writes: enough for two hundred points, where each is tried.
fn lines(victim: Victim) -> usize {
    if victim == Victim::Points { 100 } else { life::LINES }
}

/// How long a life takes that nobody ends, and at how many points it writes to disk.
async fn undisturbed(testbed: &mut Testbed, lines: usize) -> anyhow::Result<(f64, usize)> {
    let invitation = testbed.backend.invite("{}").await?;
    let (data, log) = (testbed.folder().join("undisturbed"), testbed.folder().join("life.log"));
    let began = std::time::Instant::now();
    let mut said = Vec::new();
    finish(&invitation.link, &data, &log, lines, &mut said).await?;
    let points =
        said.iter().find_map(|line| line.strip_prefix("points ")).context("no points were counted")?;
    Ok((began.elapsed().as_secs_f64() * 1000.0, points.parse()?))
}

/// An interview whose process is killed at its n-th point, and then started again.
async fn at_point(testbed: &mut Testbed, point: usize, kills: &mut CrashReport) -> anyhow::Result<()> {
    let invitation = testbed.backend.invite("{}").await?;
    let (data, log) = (testbed.folder().join(&invitation.id), testbed.folder().join("life.log"));
    let lines = lines(Victim::Points);
    let mut life = VictimRun::begin(&invitation.link, &data, &log, lines, Some(point))?;
    let status = life.process.ended(DONE).await?;
    anyhow::ensure!(!status.success(), "nobody died at point {point}");
    let mut said = life.said.await?;
    kills.kills += 1;
    finish(&invitation.link, &data, &log, lines, &mut said).await?;
    compare(testbed, &invitation.id, &said, kills).await?;
    std::fs::remove_dir_all(&data)?;
    Ok(())
}

/// Interviews that are under way at once while the backend or its database is killed.
const LOAD: usize = 4;

async fn under_load(
    testbed: &mut Testbed,
    victim: Victim,
    chance: &mut Rng,
    kills: &mut CrashReport,
) -> anyhow::Result<()> {
    let mut lives = Vec::new();
    for _ in 0..LOAD {
        let invitation = testbed.backend.invite("{}").await?;
        let data = testbed.folder().join(&invitation.id);
        let log = testbed.folder().join(format!("life-{}.log", invitation.id));
        let life = VictimRun::begin(&invitation.link, &data, &log, life::LINES, None)?;
        lives.push((invitation, data, log, life));
    }
    moment(chance, kills.life_ms * 1.5).await;
    match victim {
        Victim::Backend => {
            testbed.backend.process.signal(Signal::KILL)?;
            testbed.backend.restart().await?;
        }
        Victim::Postgres | Victim::Outbox | Victim::Points | Victim::Client => {
            if let Some(postgres) = &mut testbed.postgres {
                postgres.crash().await?;
            }
        }
    }
    kills.kills += 1;
    for (invitation, data, log, mut life) in lives {
        life.process.finished(DONE).await.with_context(|| format!("see {}", log.display()))?;
        let said = life.said.await?;
        compare(testbed, &invitation.id, &said, kills).await?;
        std::fs::remove_dir_all(&data)?;
    }
    Ok(())
}
