//! Plays the steps of a row.

use std::time::Duration;

use adjourn_client::{Command, Message};
use adjourn_outbox::Outbox;
use adjourn_protocol::{Line, Note};
use anyhow::Context as _;
use serde_json::json;

use super::lab::Lab;
use super::seen::Seen;
use super::{mishaps, noise};
use crate::scenario::{Act, Button, Call, Names, SIGNALS, Scenario, Side, Step, Target};
use adjourn_testbed::{Actor, ActorKind, Cgroup, Child, Limit, Worker, look, unix_now};
use fastrand::Rng;

/// Longest time from the start to the interview.
const BEGIN: Duration = Duration::from_secs(45);
/// A process that ends by itself is gone within this.
const GONE: Duration = Duration::from_secs(10);
/// The candidate's identity.
pub(super) const CANDIDATE: &str = "candidate";

/// What the steps measured.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Seconds since 1970 when the clock started.
    pub(super) clock: f64,
    pub(super) audio_back_s: Option<f64>,
    /// Seconds since 1970 when a part of the client failed.
    pub(super) panicked: Option<f64>,
    /// What did not hold on the way.
    pub(super) failures: Vec<String>,
}

pub(super) async fn play(scenario: &Scenario, lab: &mut Lab) -> anyhow::Result<Played> {
    let mut played = Played::default();
    go(&scenario.steps, lab, &mut played).await?;
    Ok(played)
}

/// Plays some steps.
pub(super) async fn go(steps: &[Step], lab: &mut Lab, played: &mut Played) -> anyhow::Result<()> {
    for (number, step) in steps.iter().enumerate() {
        let what = words(step);
        lab.mark(what.clone());
        one(step, lab, played).await.with_context(|| format!("step {} ({what})", number + 1))?;
    }
    Ok(())
}

fn words(step: &Step) -> String {
    let text = format!("{step:?}");
    text.replace(" { ", " ").replace(" }", "").replace('"', "").to_lowercase()
}

async fn one(step: &Step, lab: &mut Lab, played: &mut Played) -> anyhow::Result<()> {
    let seconds = Duration::from_secs_f64;
    match step {
        Step::Waiting => lab.wait(BEGIN, "the waiting room", |seen| seen.now.waiting).await,
        Step::Interview => lab.wait(seconds(90.0), "the interview", |seen| seen.now.interview).await,
        Step::Speech => lab.wait(BEGIN, "speech", |seen| seen.now.speech).await,
        Step::Connected => lab.wait(seconds(60.0), "our connection", |seen| seen.now.connected).await,
        Step::Agent { event, times, within } => {
            lab.event(event, *times, seconds(*within), |e| e.event == *event).await.map(|_| ())
        }
        Step::Gone => gone(lab).await,
        Step::Vacant { within } => vacant(lab, seconds(*within)).await,
        Step::AgentState { is, times, within } => {
            lab.event(is, *times, seconds(*within), |e| e.state.as_deref() == Some(is)).await.map(|_| ())
        }
        Step::Answer => answer(lab).await,
        Step::Say => lab.say(),
        Step::Noise(length) => {
            let file = lab.folder.join("noise.wav");
            noise::write(&file, *length, lab.seed)?;
            lab.voices.push(lab.pulse.speak(&file)?);
            Ok(())
        }
        Step::Said => {
            let voice = lab.voices.last_mut().context("the candidate said nothing")?;
            voice.finished(seconds(60.0)).await
        }
        Step::Churn(length) => churn(lab, seconds(*length), &mut played.failures).await,
        Step::Clock(start) => {
            played.clock = match start.strip_prefix("agent:") {
                Some(event) => lab.event(event, 1, seconds(120.0), |e| e.event == event).await?,
                None if start == "now" => unix_now(),
                // Set by the step before, to the very moment.
                None if start == "panic" => played.panicked.context("nothing has failed so far")?,
                None if start == "limit" => limit(lab).await?,
                None => anyhow::bail!(
                    "a clock starts `now`, at the time `limit`, at a `panic`, or at `agent:EVENT`, not at {start:?}"
                ),
            };
            Ok(())
        }
        Step::Signal { to, signal } => signal_to(lab, *to, signal).await,
        Step::Limit { to, memory_mib, cpu_percent } => {
            let pid = pid_of(lab, *to).await?;
            let memory = memory_mib.map(|mib| Limit::Memory(mib << 20));
            for limit in memory.into_iter().chain(cpu_percent.map(Limit::Cpu)) {
                lab.limits.push(Cgroup::limit(pid, limit)?);
            }
            Ok(())
        }
        Step::Busy(cores) => {
            for core in 0..*cores {
                let mut command = tokio::process::Command::new("sh");
                command.args(["-c", "while :; do :; done"]);
                lab.busy.push(Child::start(
                    "a busy core",
                    &mut command,
                    &lab.folder.join(format!("busy-{core}.log")),
                )?);
            }
            Ok(())
        }
        Step::Pause(length) => {
            tokio::time::sleep(seconds(*length)).await;
            Ok(())
        }
        Step::Stays(length) => {
            stays(lab, seconds(*length), &mut played.failures).await;
            Ok(())
        }
        Step::Cable(side) => lab.network.set_link(*side == Side::In).await,
        Step::Relay(impairment) => lab.relays.as_mut().context("no relays")?.impairment(impairment).await,
        Step::Signalling(how) => {
            lab.relays.as_mut().context("no relays")?.signalling(&lab.network, *how).await
        }
        Step::Worker(script) => {
            let worker = Worker::start(&lab.tools, &lab.folder, &lab.livekit, &lab.network, script).await?;
            lab.workers.push(worker);
            Ok(())
        }
        Step::Dispatch => {
            let body = json!({"room": lab.invitation.id, "agent_name": "interviewer"});
            lab.livekit.call(&lab.network, "AgentDispatchService/CreateDispatch", &body).await.map(drop)
        }
        Step::Back { within } => back(lab, seconds(*within)).await,
        Step::Kill(member) => {
            lab.fleet.as_mut().context("no fleet")?.kill(*member).await;
            Ok(())
        }
        Step::Again(member) => lab.fleet.as_mut().context("no fleet")?.again(*member).await,
        Step::RestartServer => lab.livekit.restart(&lab.tools, &lab.network).await,
        Step::Press(Button::End) => lab.order(&Command::End).await,
        Step::Press(Button::Join) => lab.order(&Command::Join).await,
        Step::Press(Button::Mute) => lab.order(&Command::SetMuted { muted: true }).await,
        Step::Press(Button::Microphone) => lab.order(&Command::ChooseInput { id: None }).await,
        Step::Press(Button::SaveCopy) => {
            lab.order(&Command::SaveCopy).await?;
            lab.wait(seconds(5.0), "the copy", |seen| {
                matches!(seen.said.last(), Some(Message::Copied { .. }))
            })
            .await
        }
        Step::Press(Button::GoOn) => lab.order(&Command::GoOn).await,
        Step::Api(call) => api(lab, *call).await,
        Step::Question { within } => lab.wait(seconds(*within), "the question", |seen| seen.now.asking).await,
        Step::Unasked { within } => {
            let asked = |seen: &Seen| !seen.now.asking || seen.completed_at.is_some();
            lab.wait(seconds(*within), "the question to go by itself", asked).await?;
            if lab.seen.borrow().completed_at.is_some() {
                played.failures.push("it ended although the interview goes on".to_owned());
            }
            Ok(())
        }
        Step::ToolEnded { within } => {
            let ended = |line: &Line| matches!(line, Line::Timeline(Note::ToolEnded(_)));
            journaled(lab, 1, seconds(*within), ended).await
        }
        Step::Journaled { turns, within } => {
            journaled(lab, *turns, seconds(*within), |line| line.said().is_some()).await
        }
        Step::Heard { within } => {
            let since = unix_now();
            match lab.heard.after(since, seconds(*within)).await {
                Ok(at) => played.audio_back_s = Some(at - since),
                Err(error) => played.failures.push(format!("{error:#}")),
            }
            Ok(())
        }
        Step::Unbroken(length) => {
            unbroken(lab, seconds(*length), &mut played.failures).await;
            Ok(())
        }
        Step::Actor { name, act } => actor(lab, name, *act).await,
        Step::Fault(faults) => lab.proxy.as_mut().context("no proxy")?.faults(faults.clone()).await,
        Step::Certificate(which) => lab.proxy.as_mut().context("no proxy")?.show(which).await,
        Step::Names(names) => lab.network.names(*names == Names::Alive),
        Step::WallClock(time) => lab.launch.clock.as_ref().context("no clock of its own")?.set(time),
        Step::Dismiss(how) => {
            lab.stub.as_ref().context("no stub before the server")?.dismiss(*how);
            Ok(())
        }
        Step::Roam => lab.network.roam().await,
        Step::Disk(state) => mishaps::disk(lab, *state),
        Step::FillDisk => lab.mount.as_ref().context("no small disk")?.fill(),
        Step::Damage(damage) => mishaps::damaged(lab, *damage).await,
        Step::ForeignRecord => mishaps::foreign_record(lab).await,
        Step::ForgedWebhook => mishaps::forged_webhook(lab, played).await,
        Step::RotateKey => lab.backend.command(&["rotate-key"]).await.map(drop),
        Step::CrashDatabase => lab.postgres.as_mut().context("no Postgres")?.crash().await,
        Step::RestartBackend { days } => lab.backend.restart_ahead(*days).await,
        Step::Passed { part, times } => mishaps::passed(lab, *part, *times).await,
        Step::Panicked { within } => mishaps::panicked(lab, played, seconds(*within)).await,
        Step::ClientGone => lab.client.ended(GONE).await.map(drop),
        Step::RestartClient { days, link } => mishaps::restart_client(lab, *days, *link).await,
        Step::Told { turns, within } => told(lab, *turns, seconds(*within)).await,
        Step::Saved { within } => {
            lab.wait(seconds(*within), "\"saved\"", |seen| seen.saved_at.is_some()).await
        }
    }
}

/// Waits until the interviewer or our connection is lost, and both are there again: a fault that did nothing is none.
async fn back(lab: &mut Lab, within: Duration) -> anyhow::Result<()> {
    use adjourn_client::InterviewerState as Is;
    let here = |interviewer| matches!(interviewer, Is::Listening | Is::Thinking | Is::Speaking);
    let back = |seen: &Seen| seen.last.as_ref().is_some_and(|s| s.connected && here(s.interviewer));
    lab.wait(within, "the loss of the interviewer or of our connection", |seen| !back(seen)).await?;
    lab.wait(within, "the interviewer and our connection", back).await
}

/// Waits until the client has written down so many lines of this kind: what it knows is not what it remembers.
async fn journaled(
    lab: &Lab,
    lines: usize,
    within: Duration,
    kind: impl Fn(&Line) -> bool,
) -> anyhow::Result<()> {
    let written = async || {
        // While the client makes it, it can't be read.
        let Ok(outbox) = Outbox::look(&lab.launch.data).await else { return Ok(0) };
        let mut found = 0;
        for join in outbox.unfinished().await.unwrap_or_default() {
            let journal = outbox.journal(&join.join_id).await.unwrap_or_default();
            found += journal.iter().filter(|entry| kind(&entry.line)).count();
        }
        outbox.close().await;
        Ok(found)
    };
    let found = counted(within, written, |found| found >= lines).await?;
    anyhow::ensure!(found >= lines, "the client wrote down {found} such lines, not {lines}");
    Ok(())
}

/// Waits until the interview's longest time is over: it counts from the join.
async fn limit(lab: &Lab) -> anyhow::Result<f64> {
    let seen =
        lab.seen.borrow().marks.iter().find(|mark| mark.text.starts_with("joining")).map(|mark| mark.at);
    let at = seen.context("nobody joined")? + f64::from(lab.minutes) * 60.0;
    tokio::time::sleep(Duration::from_secs_f64((at - unix_now()).max(0.0))).await;
    Ok(at)
}

/// Waits until the newest job's process has ended, within a minute.
async fn gone(lab: &Lab) -> anyhow::Result<()> {
    let job = lab.job()?;
    // A zombie process is gone as well: its parent has not asked yet.
    let alive = || {
        std::fs::read_to_string(format!("/proc/{job}/stat"))
            .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
    };
    look(Duration::from_secs(60), || (!alive()).then_some(())).await.context("the job is still there")
}

/// Waits until nobody is in the interview's room.
async fn vacant(lab: &Lab, within: Duration) -> anyhow::Result<()> {
    let body = json!({"room": lab.invitation.id});
    let inside = async || {
        // Of a room that is not there LiveKit says that nobody is in it.
        let answer = lab.livekit.call(&lab.network, "RoomService/ListParticipants", &body).await?;
        Ok(answer["participants"].as_array().map_or(0, Vec::len))
    };
    let inside = counted(within, inside, |inside| inside == 0).await?;
    anyhow::ensure!(inside == 0, "{inside} participants are still in the room");
    Ok(())
}

/// Waits until the backend holds so many turns.
async fn told(lab: &Lab, turns: usize, within: Duration) -> anyhow::Result<()> {
    let held = async || Ok(lab.backend.transcript(&lab.invitation.id).await?.items.len());
    let held = counted(within, held, |held| held >= turns).await?;
    anyhow::ensure!(held >= turns, "the backend holds {held} turns, not {turns}");
    Ok(())
}

/// Asks every 50 ms for a number until it is as wanted, or the time is over; gives the last one.
async fn counted(
    within: Duration,
    ask: impl AsyncFn() -> anyhow::Result<usize>,
    wanted: impl Fn(usize) -> bool,
) -> anyhow::Result<usize> {
    let deadline = tokio::time::Instant::now() + within;
    loop {
        let count = ask().await?;
        if wanted(count) || tokio::time::Instant::now() >= deadline {
            return Ok(count);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Answers one question aloud, once it was asked.
async fn answer(lab: &mut Lab) -> anyhow::Result<()> {
    let state =
        |wanted: &'static str| move |e: &adjourn_testbed::AgentEvent| e.state.as_deref() == Some(wanted);
    lab.event("speaking", 1, BEGIN, state("speaking")).await?;
    // Asked when it listens after it last spoke.
    let last = || lab.events().into_iter().rev().find_map(|e| e.state);
    let asked = || last().filter(|state| state == "listening");
    look(Duration::from_secs(60), asked).await.context("the interviewer asks nothing")?;
    lab.say()
}

/// The interview must stay: no end, no question.
async fn stays(lab: &mut Lab, length: Duration, failures: &mut Vec<String>) {
    let asked = |lab: &Lab| lab.seen.borrow().questions.len();
    let before = asked(lab);
    if lab.seen.borrow().now.asking {
        failures.push("the candidate is being asked whether it goes on although it does".to_owned());
    }
    let ended = lab.wait(length, "an end", |seen| seen.completed_at.is_some()).await;
    if ended.is_ok() {
        let outcome = lab.seen.borrow().completed.as_ref().map_or_else(String::new, |c| c.outcome.clone());
        failures.push(format!("it ended ({outcome}) although the interview goes on"));
    }
    if !lab.client.running() {
        failures.push("the client is gone although the interview goes on".to_owned());
    }
    if asked(lab) > before {
        failures.push("the candidate was asked whether it goes on although it does".to_owned());
    }
}

/// The recorded questions pause for 0.45 s between two sentences at most (measured below -50 dBFS): half a second more is a gap.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);

/// The interviewer must be heard all the time.
async fn unbroken(lab: &Lab, length: Duration, failures: &mut Vec<String>) {
    let end = unix_now() + length.as_secs_f64();
    let mut last = unix_now();
    while last < end {
        match lab.heard.after(last, LONGEST_SILENCE).await {
            Ok(at) => last = at,
            Err(_) => {
                let after = length.as_secs_f64() - (end - last);
                failures.push(format!(
                    "after {after:.1} s the interviewer was not heard for {LONGEST_SILENCE:?}"
                ));
                return;
            }
        }
    }
}

/// Pulls and plugs the cable at random.
async fn churn(lab: &mut Lab, length: Duration, failures: &mut Vec<String>) -> anyhow::Result<()> {
    let mut chance = Rng::with_seed(lab.seed);
    let end = tokio::time::Instant::now() + length;
    let mut blips = 0;
    while tokio::time::Instant::now() < end && failures.is_empty() {
        lab.network.set_link(false).await?;
        tokio::time::sleep(Duration::from_secs_f64(0.5 + 5.5 * chance.f64())).await;
        lab.network.set_link(true).await?;
        blips += 1;
        stays(lab, Duration::from_secs_f64(5.0 + 20.0 * chance.f64()), failures).await;
    }
    lab.mark(format!("{blips} blips"));
    Ok(())
}

async fn signal_to(lab: &Lab, to: Target, signal: &str) -> anyhow::Result<()> {
    let known = SIGNALS.iter().find(|(name, _)| *name == signal);
    let (_, signal) = known.with_context(|| format!("the lab sends no signal {signal:?}"))?;
    Child::signal_pid(pid_of(lab, to).await?, *signal)
}

async fn pid_of(lab: &Lab, to: Target) -> anyhow::Result<i32> {
    Ok(match to {
        Target::Client => lab.client.pid(),
        Target::Job => lab.job()?,
        Target::Worker => lab.workers.last().context("no worker runs")?.process.pid(),
        Target::Server => lab.livekit.process.pid(),
        Target::RoomNode | Target::OtherNode => {
            let fleet = lab.fleet.as_ref().context("no fleet")?;
            let second = fleet.is_in_second(&lab.invitation.id, &lab.livekit).await?;
            let node = if second == (to == Target::RoomNode) { &fleet.node } else { &lab.livekit };
            node.process.pid()
        }
        Target::Backend => lab.backend.process.pid(),
        Target::Sound => lab.pulse.process.pid(),
    })
}

async fn api(lab: &Lab, call: Call) -> anyhow::Result<()> {
    let room = &lab.invitation.id;
    match call {
        Call::RemoveCandidate => {
            let body = json!({"room": room, "identity": CANDIDATE});
            lab.livekit.call(&lab.network, "RoomService/RemoveParticipant", &body).await.map(drop)
        }
        Call::DeleteRoom => {
            lab.livekit.call(&lab.network, "RoomService/DeleteRoom", &json!({"room": room})).await.map(drop)
        }
        Call::EndInterview => lab.backend.end(room).await,
    }
}

async fn actor(lab: &mut Lab, name: &str, act: Act) -> anyhow::Result<()> {
    // Whom an avatar speaks for is in its token: it is never anything else, not even for a moment.
    let agent = if act == Act::JoinAsAvatar { lab.agent().await? } else { None };
    let lends = format!("lend-voice {}", agent.as_deref().unwrap_or_default());
    let orders: &[&str] = match act {
        Act::Join | Act::JoinAsCandidate => &["join"],
        Act::JoinAsGuest => &["join", "speak"],
        Act::JoinAsListener => &["join", "listen"],
        Act::JoinAndSpeak => &["join lk.agent.state=listening", "speak"],
        Act::JoinAsAvatar if agent.is_some() => &["join", &lends],
        Act::JoinAsAvatar => &["join"],
        Act::Leave | Act::Forge => {
            let actor = lab.actors.get_mut(name).with_context(|| format!("no actor {name:?} joined"))?;
            if act == Act::Leave {
                return actor.order("leave").await.map(drop);
            }
            let told = actor.order(&format!("forge {CANDIDATE}")).await?;
            let refused = told.iter().any(|line| line.contains("marker_refused") && line.contains("403"));
            anyhow::ensure!(refused, "the client did not refuse the forged end marker: {told:?}");
            return Ok(());
        }
    };
    let kind = match act {
        Act::JoinAsCandidate | Act::JoinAsGuest | Act::JoinAsListener => ActorKind::Person,
        Act::JoinAsAvatar => ActorKind::AvatarOf(agent.unwrap_or_else(|| "interviewer".to_owned())),
        Act::Join | Act::JoinAndSpeak | Act::Leave | Act::Forge => ActorKind::Agent,
    };
    let mut actor = Actor::start(
        &lab.tools,
        &lab.folder,
        &lab.livekit,
        &lab.network,
        &lab.invitation.id,
        if act == Act::JoinAsCandidate { CANDIDATE } else { name },
        &kind,
    )?;
    for order in orders {
        actor.order(order).await?;
    }
    // One of the same name is gone by now: the server put the new one in its place.
    lab.actors.insert(name.to_owned(), actor);
    Ok(())
}
