//! Runs one row on real parts and observes it from outside.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use adjourn_client::{Command, InterviewerState, Screen, Snapshot};
use adjourn_outbox::verify;
use anyhow::Context as _;
use rustix::process::Signal;
use serde::Serialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStdin;
use tokio::sync::watch;

use crate::lab::{
    BackendServer, Child, Invitation, LineReader, LiveKitServer, Network, Pulse, Tools, Worker, unix_now,
};
use crate::replay::replay_file;
use crate::scenario::{Fault, Scenario, Start};

/// Longest time from the start to the interview.
const BEGIN: Duration = Duration::from_secs(45);
/// How much longer than its bound a row is watched.
const WATCH: Duration = Duration::from_secs(20);

/// The line of a run (endings.md).
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Row.
    pub id: String,
    /// Seed.
    pub seed: u64,
    /// Seconds since 1970 when the clock started.
    pub fault_at: f64,
    /// Seconds until "checking on the interviewer".
    pub suspect_s: Option<f64>,
    /// Seconds until the end screen.
    pub completed_s: Option<f64>,
    /// Seconds until the record was at the backend with a receipt that verifies.
    pub delivered_s: Option<f64>,
    /// Bound for `completed_s`.
    pub bound_s: Option<f64>,
    /// Seconds until sound was back after the cable was plugged in again.
    pub audio_back_s: Option<f64>,
    /// What the end screen says.
    pub outcome: String,
    /// Where the record is.
    pub delivery: String,
    /// Receipt's number.
    pub receipt: Option<String>,
    /// `pass` or `fail`.
    pub verdict: String,
    /// SHA-256 of the recorded trace.
    pub trace_sha256: Option<String>,
    /// What did not hold.
    pub failures: Vec<String>,
}

/// What was seen of the client, with times.
#[derive(Clone, Debug, Default)]
struct Seen {
    last: Option<Snapshot>,
    suspects: Vec<f64>,
    completed_at: Option<f64>,
    received_at: Option<f64>,
    long_wait_at: Option<f64>,
    terminal_screens: u32,
}

/// Everything that runs.
struct Lab {
    client: Child,
    input: ChildStdin,
    seen: watch::Receiver<Seen>,
    pulse: Pulse,
    worker: Option<Worker>,
    backend: BackendServer,
    livekit: LiveKitServer,
    network: Network,
    invitation: Invitation,
    trace: PathBuf,
}

/// Runs a row. Files of the run are left in `keep`, if given.
///
/// # Errors
/// The lab itself fails; what the product does wrong is in the line.
pub async fn run(scenario: &Scenario, seed: u64, keep: Option<&Path>) -> anyhow::Result<Line> {
    let temporary = tempfile::tempdir()?;
    let folder = keep.unwrap_or(temporary.path()).to_owned();
    std::fs::create_dir_all(&folder)?;
    let tools = Tools::find()?;
    let mut lab = start(scenario, &tools, &folder).await?;
    let mut failures = Vec::new();
    let (fault_at, audio_back_s) = drive(scenario, &mut lab, &tools, &mut failures).await?;
    let line = finish(scenario, lab, seed, fault_at, audio_back_s, failures).await?;
    Ok(line)
}

async fn start(scenario: &Scenario, tools: &Tools, folder: &Path) -> anyhow::Result<Lab> {
    let network = if scenario.fault == Fault::Link2 { Network::cable().await? } else { Network::Loopback };
    let pulse = Pulse::start(folder).await?;
    let livekit = LiveKitServer::start(tools, folder, &network).await?;
    let backend = BackendServer::start(folder, &livekit, &network).await?;
    let worker = match scenario.fault {
        Fault::NoWorker => None,
        Fault::None
        | Fault::KillSpeaking
        | Fault::Freeze
        | Fault::CandidateEnds
        | Fault::KillServer
        | Fault::Link2 => {
            Some(Worker::start(tools, folder, &livekit, &network, scenario.ending, scenario.questions).await?)
        }
    };
    let invitation = backend.invite("{}").await?;
    let trace = folder.join("trace.jsonl");
    let mut command = network.client_command(&Tools::binary("adjourn-qa")?);
    command
        .args(["headless", "--join", "--link", &invitation.link])
        .arg("--data")
        .arg(folder.join("client"))
        .arg("--trace")
        .arg(&trace)
        .env("ADJOURN_LIVEKIT_LIBRARY", &tools.library);
    pulse.give(&mut command);
    let (client, input, lines) =
        Child::start_talking("the client", &mut command, &folder.join("client.log"))?;
    let (seen, watcher) = watch::channel(Seen::default());
    tokio::spawn(observe(lines, seen));
    Ok(Lab { client, input, seen: watcher, pulse, worker, backend, livekit, network, invitation, trace })
}

/// Reads the client's screen and stamps it with our own clock.
async fn observe(mut lines: LineReader, seen: watch::Sender<Seen>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let now = unix_now();
        let Ok(snapshot) = serde_json::from_str::<Snapshot>(&line) else { continue };
        seen.send_modify(|seen| {
            if snapshot.interviewer == InterviewerState::Checking {
                seen.suspects.push(now);
            }
            if snapshot.screen == Screen::Waiting && snapshot.status.starts_with("This takes longer") {
                seen.long_wait_at.get_or_insert(now);
            }
            if snapshot.screen == Screen::Completed {
                if seen.completed_at.is_none() {
                    seen.terminal_screens += 1;
                }
                seen.completed_at.get_or_insert(now);
            }
            if snapshot.completed.as_ref().is_some_and(|c| c.receipt.is_some()) {
                seen.received_at.get_or_insert(now);
            }
            seen.last = Some(snapshot);
        });
    }
}

impl Lab {
    async fn wait(
        &mut self,
        limit: Duration,
        what: &str,
        when: impl Fn(&Seen) -> bool,
    ) -> anyhow::Result<()> {
        let result =
            tokio::time::timeout(limit, self.seen.wait_for(|seen| when(seen))).await.map(|r| r.map(|_| ()));
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => anyhow::bail!("the client ended before {what}"),
            Err(_) => {
                let last = self.seen.borrow().last.clone();
                anyhow::bail!("{what} was not seen within {limit:?}; the last screen was {last:?}")
            }
        }
    }

    async fn order(&mut self, command: &Command) -> anyhow::Result<()> {
        let line = serde_json::to_string(command)?;
        tokio::io::AsyncWriteExt::write_all(&mut self.input, format!("{line}\n").as_bytes()).await?;
        tokio::io::AsyncWriteExt::flush(&mut self.input).await?;
        Ok(())
    }

    /// Waits for the `nth` (from 1) time that the interviewer reports `state`.
    async fn agent_state(&self, state: &str, nth: usize, limit: Duration) -> anyhow::Result<()> {
        let worker = self.worker.as_ref().context("no interviewer")?;
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let times = worker.events().iter().filter(|e| e.state.as_deref() == Some(state)).count();
            if times >= nth {
                return Ok(());
            }
            anyhow::ensure!(
                tokio::time::Instant::now() < deadline,
                "the interviewer was not {state} within {limit:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn job(&self) -> anyhow::Result<i32> {
        let worker = self.worker.as_ref().context("no interviewer")?;
        Ok(worker.first("job_started").context("no job was started")?.pid)
    }

    /// Answers one question with a real voice into the microphone, once the question was asked.
    async fn answer(&self, tools: &Tools) -> anyhow::Result<Child> {
        self.agent_state("speaking", 1, BEGIN).await?;
        let asked = self
            .worker
            .as_ref()
            .map(|w| w.events().iter().filter(|e| e.state.as_deref() == Some("listening")).count());
        self.agent_state("listening", asked.unwrap_or(0) + 1, Duration::from_secs(60)).await?;
        self.pulse.speak(&tools.interviewers().join("speech/answer.wav"))
    }
}

/// Plays the scenario up to its fault; gives the clock's start and the time that sound needed to come back.
async fn drive(
    scenario: &Scenario,
    lab: &mut Lab,
    tools: &Tools,
    failures: &mut Vec<String>,
) -> anyhow::Result<(f64, Option<f64>)> {
    let live = |seen: &Seen| seen.last.as_ref().is_some_and(|s| s.screen == Screen::Interview);
    let mut audio_back = None;
    let fault_at = match scenario.fault {
        Fault::NoWorker => {
            lab.wait(BEGIN, "the waiting room", |seen| {
                seen.last.as_ref().is_some_and(|s| s.screen == Screen::Waiting)
            })
            .await?;
            unix_now()
        }
        Fault::None => {
            lab.wait(BEGIN, "the interview", live).await?;
            let _voice = lab.answer(tools).await?;
            let Start::Agent(event) = scenario.start else {
                anyhow::bail!("a row without a fault starts at the agent")
            };
            wait_for_event(lab, event, Duration::from_secs(60)).await?
        }
        Fault::KillSpeaking => {
            lab.wait(BEGIN, "the interview", live).await?;
            lab.agent_state("speaking", 1, BEGIN).await?;
            lab.wait(BEGIN, "speech", |seen| {
                seen.last
                    .as_ref()
                    .is_some_and(|s| s.interviewer == InterviewerState::Speaking && !s.captions.is_empty())
            })
            .await?;
            Child::signal_pid(lab.job()?, Signal::KILL)?;
            unix_now()
        }
        Fault::Freeze => {
            lab.wait(BEGIN, "the interview", live).await?;
            lab.agent_state("speaking", 1, BEGIN).await?;
            lab.agent_state("listening", 2, Duration::from_secs(60)).await?;
            Child::signal_pid(lab.job()?, Signal::STOP)?;
            unix_now()
        }
        Fault::CandidateEnds => {
            lab.wait(BEGIN, "the interview", live).await?;
            lab.agent_state("speaking", 1, BEGIN).await?;
            let at = unix_now();
            lab.order(&Command::End).await?;
            at
        }
        Fault::KillServer => {
            lab.wait(BEGIN, "the interview", live).await?;
            lab.agent_state("speaking", 1, BEGIN).await?;
            lab.livekit.process.signal(Signal::KILL)?;
            unix_now()
        }
        Fault::Link2 => {
            lab.wait(BEGIN, "the interview", live).await?;
            lab.agent_state("speaking", 1, BEGIN).await?;
            let heard = Heard::listen(&lab.pulse)?;
            heard
                .after(unix_now(), Duration::from_secs(10))
                .await
                .context("the interviewer was not heard before the fault")?;
            lab.network.set_link(false).await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            lab.network.set_link(true).await?;
            let up = unix_now();
            match heard.after(up, Duration::from_secs(10)).await {
                Ok(at) => audio_back = Some(at - up),
                Err(error) => failures.push(format!("{error:#}")),
            }
            if audio_back.is_some_and(|s| s > 2.0) {
                failures.push("sound was back later than 2 s after the link".to_owned());
            }
            let _voice = lab.answer(tools).await?;
            wait_for_event(lab, "close", Duration::from_secs(90)).await?
        }
    };
    Ok((fault_at, audio_back))
}

async fn wait_for_event(lab: &Lab, event: &str, limit: Duration) -> anyhow::Result<f64> {
    let worker = lab.worker.as_ref().context("no interviewer")?;
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(found) = worker.first(event) {
            return Ok(found.at);
        }
        anyhow::ensure!(
            tokio::time::Instant::now() < deadline,
            "the interviewer's `{event}` did not come within {limit:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn finish(
    scenario: &Scenario,
    mut lab: Lab,
    seed: u64,
    fault_at: f64,
    audio_back_s: Option<f64>,
    mut failures: Vec<String>,
) -> anyhow::Result<Line> {
    let limit = Duration::from_secs_f64(scenario.bound_s.unwrap_or(30.0)) + WATCH;
    if let Err(error) = lab.wait(limit, "the end screen", |seen| seen.completed_at.is_some()).await {
        failures.push(format!("{error:#}"));
    }
    let released = released(&lab.pulse).await?;
    if !released {
        failures.push("the microphone is still open one second after the end screen".to_owned());
    }
    let delivered_at = delivered(&mut lab, &mut failures).await;
    let seen = lab.seen.borrow().clone();
    let shown = seen.last.as_ref().and_then(|s| s.completed.clone());
    let outcome = shown.as_ref().map_or_else(|| "none".to_owned(), |c| c.outcome.clone());
    let completed_s = seen.completed_at.map(|at| at - fault_at);
    let suspect_s = seen.suspects.iter().find(|at| **at >= fault_at).map(|at| at - fault_at);
    if outcome != scenario.outcome {
        failures.push(format!("the outcome is {outcome}, expected is {}", scenario.outcome));
    }
    if let Some(bound) = scenario.bound_s
        && completed_s.is_none_or(|s| s > bound)
    {
        failures.push(format!("the end screen came after {completed_s:?} s, the bound is {bound} s"));
    }
    if let Some(bound) = scenario.suspect_bound_s
        && suspect_s.is_none_or(|s| s > bound)
    {
        failures.push(format!("\"checking\" came after {suspect_s:?} s, the bound is {bound} s"));
    }
    if completed_s.is_some_and(|s| s < 0.0) {
        failures.push("the interview ended before its cause".to_owned());
    }
    if scenario.fault == Fault::NoWorker
        && seen.long_wait_at.is_none_or(|at| !(19.0..21.5).contains(&(at - fault_at)))
    {
        failures.push("the waiting room did not say at 20 s that it takes longer".to_owned());
    }
    if seen.terminal_screens != 1 {
        failures.push(format!("{} terminal states were seen", seen.terminal_screens));
    }
    let trace_sha256 = end_and_replay(&mut lab, &outcome, &mut failures).await;
    let records = lab.backend.status(&lab.invitation.id).await?.records;
    if records != 1 {
        failures.push(format!("the backend has {records} records of this attempt, expected is 1"));
    }
    Ok(Line {
        id: scenario.id.to_owned(),
        seed,
        fault_at,
        suspect_s,
        completed_s,
        delivered_s: delivered_at.map(|at| at - fault_at),
        bound_s: scenario.bound_s,
        audio_back_s,
        outcome,
        delivery: shown.as_ref().map_or_else(String::new, |c| {
            if c.delivery == "received" { "delivered".to_owned() } else { c.delivery.clone() }
        }),
        receipt: shown.and_then(|c| c.receipt),
        verdict: if failures.is_empty() { "pass" } else { "fail" }.to_owned(),
        trace_sha256,
        failures,
    })
}

async fn released(pulse: &Pulse) -> anyhow::Result<bool> {
    for _ in 0..20 {
        if pulse.recordings().await? == 0 {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(false)
}

/// Waits for the receipt on the screen, then checks the row at the backend and the receipt ourselves.
async fn delivered(lab: &mut Lab, failures: &mut Vec<String>) -> Option<f64> {
    if let Err(error) = lab.wait(WATCH, "the receipt", |seen| seen.received_at.is_some()).await {
        failures.push(format!("{error:#}"));
        return None;
    }
    let checked = check_receipt(lab).await;
    if let Err(error) = checked {
        failures.push(format!("{error:#}"));
    }
    lab.seen.borrow().received_at
}

async fn check_receipt(lab: &Lab) -> anyhow::Result<()> {
    let shown = lab.seen.borrow().last.as_ref().and_then(|s| s.completed.clone()).and_then(|c| c.receipt);
    let shown = shown.context("no receipt on the screen")?;
    let record =
        lab.backend.record(&lab.invitation.id, 1).await.context("the record is not at the backend")?;
    let keys = lab.backend.keys().await?;
    // The receipt as stored by the client, on its own disk.
    let folder = lab.trace.parent().context("no folder")?.join("client");
    let (outbox, _) = adjourn_outbox::Outbox::open(&folder).await?;
    let link = adjourn_outbox::JoinLink::parse(&lab.invitation.link)?;
    let stored = outbox.record_of(&link).await?;
    outbox.close().await;
    let (own, jws) = stored.context("the client's outbox has no record")?;
    anyhow::ensure!(own == record, "the backend's record differs from the client's");
    let receipt = verify(&jws.context("the client's outbox has no receipt")?, &keys)?;
    receipt.matches(&lab.invitation.id, 1, "client", &record)?;
    anyhow::ensure!(receipt.claims.receipt_id == shown, "another receipt number is shown");
    Ok(())
}

async fn end_and_replay(lab: &mut Lab, outcome: &str, failures: &mut Vec<String>) -> Option<String> {
    if lab.order(&Command::Quit).await.is_err() {
        failures.push("the client was gone before it was told to quit".to_owned());
    }
    if let Err(error) = lab.client.finished(Duration::from_secs(5)).await {
        failures.push(format!("{error:#}"));
    }
    if lab.client.group_alive() {
        failures.push("the client left a process behind".to_owned());
    }
    match replay_file(&lab.trace) {
        Ok((session, sha256)) => {
            let replayed = session.ending().map_or_else(|| "none".to_owned(), |e| e.outcome.to_string());
            if replayed != outcome {
                failures.push(format!("the trace replays to {replayed}"));
            }
            Some(sha256)
        }
        Err(error) => {
            failures.push(format!("{error:#}"));
            None
        }
    }
}

/// Listens at the candidate's loudspeaker.
struct Heard {
    /// Milliseconds since 1970 of the newest audible moment.
    last: Arc<AtomicU64>,
    _process: Child,
}

impl Heard {
    fn listen(pulse: &Pulse) -> anyhow::Result<Self> {
        let mut command = tokio::process::Command::new("parec");
        command
            .args([
                "--raw",
                "--format=s16le",
                "--rate=48000",
                "--channels=1",
                "--latency-msec=20",
                "--device=candidate_speaker.monitor",
            ])
            .stdout(std::process::Stdio::piped());
        pulse.give(&mut command);
        let log = std::env::temp_dir().join("adjourn-parec.log");
        let (process, _, lines) = Child::start_talking("parec", &mut command, &log)?;
        let last = Arc::new(AtomicU64::new(0));
        let newest = Arc::clone(&last);
        let mut stream = lines.into_inner();
        tokio::spawn(async move {
            let mut bytes = vec![0_u8; 4_800]; // 50 ms
            while stream.read_exact(&mut bytes).await.is_ok() {
                let samples: Vec<i16> =
                    bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
                if adjourn_audio::dbfs(&samples) > -45.0 {
                    newest.store((unix_now() * 1000.0) as u64, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { last, _process: process })
    }

    /// The first audible moment seen after `since`.
    async fn after(&self, since: f64, limit: Duration) -> anyhow::Result<f64> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let at = self.last.load(Ordering::Relaxed) as f64 / 1000.0;
            if at > since {
                return Ok(at);
            }
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "nothing was heard within {limit:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
