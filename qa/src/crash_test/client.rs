//! SIGKILL of the whole client in a real interview, at the n-th point at which it writes to disk; then its
//! link is opened again, as a candidate would.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adjourn_client::{Command, Message, Screen, Snapshot};
use adjourn_outbox::Outbox;
use adjourn_protocol::{InviteLink, Record};
use anyhow::Context as _;

use super::CrashReport;
use crate::run::{NotBegun, RunReport};
use crate::scenario::Scenario;
use adjourn_testbed::{
    Child, Interviewer, Invitation, Network, Pulse, Testbed, Tools, Worker, tell, unix_now,
};
use fastrand::Rng;

/// A client that is not killed is done after this.
const DONE: Duration = Duration::from_secs(90);
/// An interview that is over when the killed client is started again is delivered after so many seconds
/// (docs/scenarios/catalogue.md, `client-kill:N`).
pub(crate) const AFTER_START_S: f64 = 10.0;

/// A candidate who is back and hears nothing more ends the interview after this.
const PATIENCE: Duration = Duration::from_secs(6);

/// Everything but the client.
struct ClientBed {
    worker: Worker,
    pulse: Pulse,
    testbed: Testbed,
}

/// How a client's life ended.
struct ClientLife {
    status: std::process::ExitStatus,
    last: Option<Snapshot>,
    /// Seconds from its start to the receipt.
    received_s: Option<f64>,
    receipt: Option<String>,
    /// The interview was on its screen.
    was_live: bool,
}

impl ClientBed {
    async fn set() -> anyhow::Result<Self> {
        let testbed = Testbed::builder().start().await?;
        let pulse = Pulse::start(testbed.folder()).await?;
        let worker = testbed.worker(&Interviewer::plain("zombie", 1)).await?;
        Ok(Self { worker, pulse, testbed })
    }

    /// Starts the client on `data` and lets it live: the candidate answers once they are asked. It ends by
    /// itself when everything is delivered, or is killed at its n-th point.
    async fn live(&self, link: &str, data: &Path, kill_at: Option<usize>) -> anyhow::Result<ClientLife> {
        let mut command = Network::Loopback.client_command(&Tools::binary("adjourn-qa")?);
        command.args(["headless", "--join", "--link", link, "--until-delivered", "--data"]).arg(data);
        command
            .env("ADJOURN_LIVEKIT_LIBRARY", &self.testbed.tools.library)
            .env("PULSE_SERVER", &self.pulse.server);
        // Its log is read.
        command.env("NO_COLOR", "1");
        if let Some(point) = kill_at {
            command.env("ADJOURN_KILL_AT", point.to_string());
        }
        let (began, since) = (Instant::now(), unix_now());
        let log = data.with_extension("log");
        let (mut process, mut input, mut lines) = Child::start_talking("the client", &mut command, &log)?;
        let mut life = ClientLife {
            status: std::process::ExitStatus::default(),
            last: None,
            received_s: None,
            receipt: None,
            was_live: false,
        };
        let mut voice = None;
        let mut live_since: Option<Instant> = None;
        let mut pressed = false;
        let read = async {
            let mut ear = tokio::time::interval(Duration::from_millis(100));
            loop {
                tokio::select! {
                    line = lines.next_line() => {
                        let Some(line) = line? else { return anyhow::Ok(()) };
                        let snapshot: Snapshot = serde_json::from_str(&line)?;
                        life.see(&snapshot, began);
                        if snapshot.screen == Screen::Interview {
                            live_since.get_or_insert_with(Instant::now);
                        }
                        life.last = Some(snapshot);
                    }
                    _ = ear.tick() => {
                        let back = kill_at.is_none() && live_since.is_some_and(|at| at.elapsed() > PATIENCE);
                        if back && !pressed {
                            // They were asked before their client died; nobody asks again.
                            pressed = true;
                            tell(&mut input, &serde_json::to_string(&Command::End)?).await?;
                        }
                        let asked = |e: &&adjourn_testbed::AgentEvent| e.at > since && e.state.as_deref() == Some("listening");
                        if voice.is_none() && self.worker.events().iter().filter(asked).count() >= 2 {
                            voice = Some(self.pulse.speak(&self.testbed.tools.interviewers().join("speech/answer.wav"))?);
                        }
                    }
                }
            }
        };
        tokio::time::timeout(DONE, read)
            .await
            .with_context(|| format!("a client is not done; see {}", log.display()))??;
        life.status = process.ended(Duration::from_secs(15)).await?;
        Ok(life)
    }
}

impl ClientLife {
    fn see(&mut self, snapshot: &Snapshot, began: Instant) {
        self.was_live |= snapshot.screen == Screen::Interview;
        let earlier = snapshot.notices.iter().find_map(|notice| {
            if let Message::EarlierReceived { receipt } = notice { Some(receipt.clone()) } else { None }
        });
        let receipt = snapshot.completed.as_ref().and_then(|c| c.receipt.clone()).or(earlier);
        if receipt.is_some() && self.receipt.is_none() {
            self.receipt = receipt;
            self.received_s = Some(began.elapsed().as_secs_f64());
        }
    }
}

/// What was on the disk of a client when it died: ids of what was said.
async fn written(data: &Path, link: &str) -> anyhow::Result<BTreeSet<String>> {
    let (outbox, quarantined) = Outbox::open(data).await?;
    anyhow::ensure!(quarantined.is_empty(), "a SIGKILL left damage: {quarantined:?}");
    let join = outbox.join_for(&InviteLink::parse(link)?).await?;
    let journal = outbox.journal(&join.join_id).await;
    outbox.close().await;
    Ok(journal?.iter().filter_map(|entry| entry.line.said()).map(|turn| turn.id.clone()).collect())
}

/// One interview whose client dies at its n-th point.
struct Killed {
    invitation: Invitation,
    again: ClientLife,
    failures: Vec<String>,
    lost: usize,
    records: i64,
}

async fn at(bed: &ClientBed, point: usize) -> anyhow::Result<Option<Killed>> {
    let invitation = bed.testbed.backend.invite("{}").await?;
    let data: PathBuf = bed.testbed.folder().join(&invitation.id);
    let life = bed.live(&invitation.link, &data, Some(point)).await?;
    if life.status.success() {
        return Ok(None); // it had fewer points this time
    }
    let before = written(&data, &invitation.link).await?;
    let again = bed.live(&invitation.link, &data, None).await?;
    let mut failures = Vec::new();
    let record = bed.testbed.backend.record(&invitation.id, 1).await.unwrap_or_default();
    let mut lost = 0;
    match serde_json::from_slice::<Record>(&record) {
        Ok(record) => {
            let there: BTreeSet<&str> = record.transcript.iter().map(|item| item.id.as_str()).collect();
            lost = before.iter().filter(|id| !there.contains(id.as_str())).count();
            if lost > 0 {
                failures.push(format!("{lost} turns that were on disk are not in the record"));
            }
        }
        Err(_) => failures.push("there is no record at the backend".to_owned()),
    }
    let records = bed.testbed.backend.status(&invitation.id).await?.records;
    if records != 1 {
        failures.push(format!("the backend has {records} records"));
    }
    match again.received_s {
        None => failures.push("no receipt was shown after the client was started again".to_owned()),
        Some(seconds) if seconds > AFTER_START_S && !again.was_live => {
            failures
                .push(format!("delivered {seconds:.1} s after the start, the bound is {AFTER_START_S} s"));
        }
        Some(_) => {}
    }
    if !bed.pulse.recordings().await.is_ok_and(|n| n == 0) {
        failures.push("the microphone is open after the client ended".to_owned());
    }
    Ok(Some(Killed { invitation, again, failures, lost, records }))
}

/// Points of an interview that nobody disturbs.
async fn points(bed: &ClientBed) -> anyhow::Result<usize> {
    let invitation = bed.testbed.backend.invite("{}").await?;
    let data = bed.testbed.folder().join(&invitation.id);
    let life = bed.live(&invitation.link, &data, None).await?;
    anyhow::ensure!(life.receipt.is_some(), "an undisturbed interview gave no receipt: {:?}", life.last);
    let log = std::fs::read_to_string(data.with_extension("log"))?;
    let counted = log.lines().rev().find_map(|line| line.split("points=").nth(1));
    let digits: String =
        counted.context("no points were counted")?.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

/// CrashReport `count` clients, each at a point of its own.
///
/// # Errors
/// A part of the testbed does not start.
pub(super) async fn run(
    count: usize,
    seed: u64,
    progress: impl Fn(&CrashReport),
) -> anyhow::Result<CrashReport> {
    let bed = ClientBed::set().await?;
    let began = Instant::now();
    let mut kills = CrashReport { points: points(&bed).await?, ..CrashReport::default() };
    kills.life_ms = began.elapsed().as_secs_f64() * 1000.0;
    let mut chance = Rng::with_seed(seed);
    while kills.kills < count {
        let point = 1 + (chance.f64() * kills.points as f64) as usize;
        let Some(killed) = at(&bed, point).await? else { continue };
        kills.kills += 1;
        kills.interviews += 1;
        kills.lost += killed.lost;
        kills.missing += usize::from(killed.records == 0);
        kills.double += usize::from(killed.records > 1);
        for failure in &killed.failures {
            tracing::error!(point, interview = killed.invitation.id, "{failure}");
        }
        kills.failed += usize::from(!killed.failures.is_empty());
        kills.took_s = began.elapsed().as_secs_f64();
        progress(&kills);
    }
    Ok(kills)
}

/// A scenario that kills the client at one point.
///
/// # Errors
/// A part of the testbed does not start, or there is no such point.
pub(crate) async fn scenario(scenario: &Scenario, point: usize, seed: u64) -> anyhow::Result<RunReport> {
    let bed = ClientBed::set().await.context(NotBegun)?;
    let killed = at(&bed, point).await?;
    let killed = killed
        .with_context(|| format!("an interview has fewer than {point} points; try a smaller number"))?;
    let completed = killed.again.last.as_ref().and_then(|s| s.completed.clone());
    let held = bed.testbed.backend.status(&killed.invitation.id).await?.outcome;
    let id = &scenario.id;
    // Where the last point before the death was the candidate's answer, the interviewer ended it before they came back.
    let ended = bed.worker.events().iter().any(|event| event.event == "end_tool");
    let expected = if ended { "finished" } else { scenario.expect.outcome.as_str() };
    let mut line = RunReport::broken(id, seed, Some(AFTER_START_S), String::new());
    line.delivered_s = killed.again.received_s;
    line.outcome = completed
        .map(|c| c.outcome)
        .or(held)
        .map_or_else(|| "none".to_owned(), |outcome| outcome.to_string());
    line.delivery = if killed.again.receipt.is_some() { "delivered" } else { "" }.to_owned();
    line.receipt = killed.again.receipt;
    let mut failures = killed.failures;
    if line.outcome != expected {
        failures.push(format!("the outcome is {}, expected is {expected}", line.outcome));
    }
    line.judge(failures);
    Ok(line)
}
