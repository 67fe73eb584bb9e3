//! SIGKILL, again and again, at any moment: nothing that was written down is lost, nothing is delivered twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use adjourn_outbox::{
    Attempt, Backend, Entry, EntryKind, JoinLink, Outbox, Record, RecordHead, sha256, wire,
};
use adjourn_session::Role;
use anyhow::Context as _;
use chrono::Utc;
use rustix::process::Signal;
use serde::Serialize;

use crate::headless::info;
use crate::lab::relay::Chance;
use crate::lab::{BackendOptions, BackendServer, Child, LiveKitServer, Network, Postgres, Tools};

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Victim {
    /// The process that journals and delivers.
    Outbox,
    /// The backend, while records come in.
    Backend,
    /// Postgres under the backend, while records come in.
    Postgres,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Kills {
    /// SIGKILLs of a victim that ran.
    pub kills: usize,
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
    /// Seconds that it took.
    pub took_s: f64,
}

/// Waits for a moment in so many milliseconds.
async fn moment(chance: &mut Chance, within_ms: f64) {
    tokio::time::sleep(Duration::from_secs_f64(chance.draw() * within_ms / 1000.0)).await;
}

/// Lines that the victim writes into the journal of one interview.
const LINES: usize = 20;
/// Lives of one interview's process that end by SIGKILL; the next one may finish.
const LIVES: usize = 6;
/// A process that was not killed must be done after this.
const DONE: Duration = Duration::from_secs(30);

/// The life of a victim: joins (or goes on), writes what is missing of [`LINES`] lines, commits the record, delivers.
/// Says each step on standard output once it holds.
///
/// # Errors
/// The outbox or the join failed.
#[allow(clippy::print_stdout, reason = "this is a program's answer")]
pub async fn live(link: &str, data: &Path) -> anyhow::Result<()> {
    let link = JoinLink::parse(link)?;
    let (outbox, quarantined) = Outbox::open(data).await?;
    anyhow::ensure!(quarantined.is_empty(), "something was quarantined: {quarantined:?}");
    let join = outbox.join_for(&link).await?;
    println!("joining");
    let granted = match &join.granted {
        Some(granted) => granted.clone(),
        None => {
            let backend = Backend::new(&link.server)?;
            let request =
                wire::JoinRequest { code: link.code.clone(), join_id: join.join_id.clone(), client: info() };
            let answer = loop {
                match backend.join(&request).await {
                    Ok(answer) => break answer,
                    Err(error) if error.retryable() => tokio::time::sleep(Duration::from_millis(100)).await,
                    Err(error) => return Err(error.into()),
                }
            };
            let head = RecordHead {
                interview_id: answer.interview.id.clone(),
                attempt: answer.interview.attempt,
                room: answer.interview.id.clone(),
                build: "kills".to_owned(),
                policy_sha256: String::new(),
            };
            outbox.granted(&join, &answer, &head).await?;
            outbox.join_for(&link).await?.granted.context("a granted join is not stored")?
        }
    };
    println!("granted");
    let head = granted.head.clone().context("a granted join has no head")?;
    let mut journal = outbox.journal(&join.join_id).await?;
    let written = journal.iter().filter(|entry| entry.kind == EntryKind::Said).count();
    for n in written..LINES {
        let now = Utc::now();
        let item = serde_json::json!({"id": format!("item_{n}"), "role": Role::Candidate, "text": format!("line {n}"), "at": now});
        let entry = Entry { kind: EntryKind::Said, at: now, mono_ms: 0, body: item };
        outbox.append(&join.join_id, &entry).await?;
        println!("said {n}");
        journal.push(entry);
    }
    let record = Record::from_journal(head, journal, None, Utc::now());
    let body = outbox.commit(&join.join_id, &record).await?;
    println!("committed {}", sha256(&body));
    loop {
        for event in outbox.deliver_due(&info(), Utc::now(), 0.1).await? {
            match event.attempt {
                Attempt::Delivered { receipt_id } => println!("delivered {receipt_id}"),
                Attempt::Later { .. } => {}
                Attempt::Parked { reason } => anyhow::bail!("parked: {reason}"),
            }
        }
        if outbox.next_due().await?.is_none() {
            println!("done");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Yard {
    backend: BackendServer,
    postgres: Option<Postgres>,
    _livekit: LiveKitServer,
    folder: tempfile::TempDir,
}

/// Kills `count` times and compares what is there with what was acknowledged.
///
/// # Errors
/// A part does not start, or an interview is not done although nobody kills any more.
pub async fn run(
    victim: Victim,
    count: usize,
    seed: u64,
    progress: impl Fn(&Kills),
) -> anyhow::Result<Kills> {
    anyhow::ensure!(count > 0, "--count 0 kills nobody");
    let tools = Tools::find()?;
    let folder = tempfile::tempdir()?;
    let livekit = LiveKitServer::start(&tools, folder.path(), &Network::Loopback).await?;
    let postgres =
        if victim == Victim::Postgres { Some(Postgres::start(folder.path()).await?) } else { None };
    let options =
        BackendOptions { database: postgres.as_ref().map(Postgres::url), ..BackendOptions::default() };
    let backend = BackendServer::start_with(folder.path(), &livekit, &Network::Loopback, options).await?;
    let mut yard = Yard { backend, postgres, _livekit: livekit, folder };
    let (mut chance, mut kills) = (Chance::new(seed), Kills::default());
    kills.life_ms = undisturbed(&mut yard).await?;
    let began = std::time::Instant::now();
    while kills.kills < count {
        match victim {
            Victim::Outbox => one_interview(&mut yard, &mut chance, count, &mut kills).await?,
            Victim::Backend | Victim::Postgres => {
                under_load(&mut yard, victim, &mut chance, &mut kills).await?
            }
        }
        kills.took_s = began.elapsed().as_secs_f64();
        progress(&kills);
    }
    Ok(kills)
}

/// One interview's process, started again after each kill.
struct Life {
    process: Child,
    said: tokio::task::JoinHandle<Vec<String>>,
}

impl Life {
    fn begin(link: &str, data: &Path, log: &Path) -> anyhow::Result<Self> {
        let mut command = tokio::process::Command::new(Tools::binary("adjourn-qa")?);
        command.args(["live", "--link", link, "--data"]).arg(data).stdin(Stdio::null());
        let (process, _, mut lines) = Child::start_talking("a delivering process", &mut command, log)?;
        let said = tokio::spawn(async move {
            let mut said = Vec::new();
            while let Ok(Some(line)) = lines.next_line().await {
                said.push(line);
            }
            said
        });
        Ok(Self { process, said })
    }
}

/// What lives of one interview said, against what the backend has.
async fn compare(yard: &Yard, id: &str, said: &[String], kills: &mut Kills) -> anyhow::Result<()> {
    kills.interviews += 1;
    let acknowledged: BTreeSet<&str> = said.iter().filter_map(|line| line.strip_prefix("said ")).collect();
    kills.acknowledged += acknowledged.len();
    let committed: BTreeSet<&str> = said.iter().filter_map(|line| line.strip_prefix("committed ")).collect();
    let held = yard.backend.record(id, 1).await.unwrap_or_default();
    let digest = sha256(&held);
    if held.is_empty() || committed.iter().any(|committed| *committed != digest) {
        kills.missing += 1;
        return Ok(());
    }
    let record: Record = serde_json::from_slice(&held)?;
    let there: BTreeSet<&str> =
        record.transcript.iter().filter_map(|item| item.id.strip_prefix("item_")).collect();
    kills.lost += acknowledged.difference(&there).count();
    kills.double += usize::from(yard.backend.status(id).await?.records != 1)
        + usize::from(there.len() != record.transcript.len());
    Ok(())
}

async fn one_interview(
    yard: &mut Yard,
    chance: &mut Chance,
    count: usize,
    kills: &mut Kills,
) -> anyhow::Result<()> {
    let invitation = yard.backend.invite("{}").await?;
    let (data, log) = (yard.folder.path().join(&invitation.id), yard.folder.path().join("life.log"));
    let mut said = Vec::new();
    for _ in 0..LIVES {
        if kills.kills >= count {
            break;
        }
        let mut life = Life::begin(&invitation.link, &data, &log)?;
        moment(chance, kills.life_ms).await;
        let running = life.process.running();
        life.process.kill().await;
        said.extend(life.said.await?);
        if !running {
            break;
        }
        kills.kills += 1;
    }
    finish(&invitation.link, &data, &log, &mut said).await?;
    compare(yard, &invitation.id, &said, kills).await?;
    std::fs::remove_dir_all(&data)?;
    Ok(())
}

/// The last life, which nobody ends.
async fn finish(link: &str, data: &Path, log: &Path, said: &mut Vec<String>) -> anyhow::Result<()> {
    let mut life = Life::begin(link, data, log)?;
    life.process.finished(DONE).await.with_context(|| format!("see {}", log.display()))?;
    said.extend(life.said.await?);
    anyhow::ensure!(said.last().is_some_and(|line| line == "done"), "an interview is not done: {said:?}");
    Ok(())
}

/// How long a life takes that nobody ends.
async fn undisturbed(yard: &mut Yard) -> anyhow::Result<f64> {
    let invitation = yard.backend.invite("{}").await?;
    let (data, log) = (yard.folder.path().join("undisturbed"), yard.folder.path().join("life.log"));
    let began = std::time::Instant::now();
    finish(&invitation.link, &data, &log, &mut Vec::new()).await?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

/// Interviews that are under way at once while the backend or its database is killed.
const LOAD: usize = 4;

async fn under_load(
    yard: &mut Yard,
    victim: Victim,
    chance: &mut Chance,
    kills: &mut Kills,
) -> anyhow::Result<()> {
    let mut lives = Vec::new();
    for _ in 0..LOAD {
        let invitation = yard.backend.invite("{}").await?;
        let data = yard.folder.path().join(&invitation.id);
        let log = yard.folder.path().join(format!("life-{}.log", invitation.id));
        let life = Life::begin(&invitation.link, &data, &log)?;
        lives.push((invitation, data, log, life));
    }
    moment(chance, kills.life_ms * 1.5).await;
    match victim {
        Victim::Backend => {
            yard.backend.process.signal(Signal::KILL)?;
            yard.backend.restart().await?;
        }
        Victim::Postgres | Victim::Outbox => {
            if let Some(postgres) = &mut yard.postgres {
                postgres.crash().await?;
            }
        }
    }
    kills.kills += 1;
    for (invitation, data, log, mut life) in lives {
        life.process.finished(DONE).await.with_context(|| format!("see {}", log.display()))?;
        let said = life.said.await?;
        compare(yard, &invitation.id, &said, kills).await?;
        std::fs::remove_dir_all(&data)?;
    }
    Ok(())
}
