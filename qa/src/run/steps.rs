//! Plays the steps of a scenario.

use std::time::Duration;

use adjourn_client::{Command, Message, SoundSide};
use adjourn_outbox::Outbox;
use adjourn_protocol::{Line, Note};
use anyhow::Context as _;
use serde_json::json;

use super::bed::ScenarioBed;
use super::seen::Seen;
use super::{mishaps, noise, sound};
use crate::scenario::{
    Act, Button, Call, Machine, Names, SIGNALS, Scenario, Side, Step, Target, clock_of_agent,
};
use adjourn_testbed::{Actor, ActorKind, Cgroup, Child, Limit, Member, Worker, look, unix_now};
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

pub(super) async fn play(scenario: &Scenario, bed: &mut ScenarioBed) -> anyhow::Result<Played> {
    let mut played = Played::default();
    go(&scenario.steps, bed, &mut played).await?;
    Ok(played)
}

/// Plays some steps.
pub(super) async fn go(steps: &[Step], bed: &mut ScenarioBed, played: &mut Played) -> anyhow::Result<()> {
    for (number, step) in steps.iter().enumerate() {
        let what = words(step);
        bed.mark(what.clone());
        one(step, bed, played).await.with_context(|| format!("step {} ({what})", number + 1))?;
    }
    Ok(())
}

fn words(step: &Step) -> String {
    let text = format!("{step:?}");
    text.replace(" { ", " ").replace(" }", "").replace('"', "").to_lowercase()
}

async fn one(step: &Step, bed: &mut ScenarioBed, played: &mut Played) -> anyhow::Result<()> {
    let seconds = Duration::from_secs_f64;
    match step {
        Step::Waiting => bed.wait(BEGIN, "the waiting room", |seen| seen.now.waiting).await,
        Step::Interview => bed.wait(seconds(90.0), "the interview", |seen| seen.now.interview).await,
        Step::Speech => bed.wait(BEGIN, "speech", |seen| seen.now.speech).await,
        Step::Connected => bed.wait(seconds(60.0), "our connection", |seen| seen.now.connected).await,
        Step::Agent { event, times, within } => {
            bed.event(event, *times, seconds(*within), |e| e.event == *event).await.map(|_| ())
        }
        Step::Gone => gone(bed).await,
        Step::Vacant { within } => vacant(bed, seconds(*within)).await,
        Step::Agents { are, within } => agents(bed, *are, seconds(*within)).await,
        Step::AgentState { is, times, within } => {
            bed.event(is, *times, seconds(*within), |e| e.state.as_deref() == Some(is)).await.map(|_| ())
        }
        Step::Answer => answer(bed).await,
        Step::Say => bed.say(),
        Step::Noise(length) => {
            let file = bed.folder.join("noise.wav");
            noise::write(&file, *length, bed.seed)?;
            bed.voices.push(bed.pulse.speak(&file)?);
            Ok(())
        }
        Step::Said => {
            let voice = bed.voices.last_mut().context("the candidate said nothing")?;
            voice.finished(seconds(60.0)).await
        }
        Step::Churn(length) => churn(bed, seconds(*length), &mut played.failures).await,
        Step::Clock(start) => {
            played.clock = match clock_of_agent(start) {
                Some((event, times)) => bed.event(event, times, seconds(120.0), |e| e.event == event).await?,
                None if start == "now" => unix_now(),
                // Set by the step before, to the very moment.
                None if start == "panic" => played.panicked.context("nothing has failed so far")?,
                None if start == "limit" => limit(bed).await?,
                None => anyhow::bail!(
                    "a clock starts `now`, at the time `limit`, at a `panic`, or at `agent:EVENT`, not at {start:?}"
                ),
            };
            Ok(())
        }
        Step::Signal { to, signal } => signal_to(bed, *to, signal).await,
        Step::Limit { to, memory_mib, cpu_percent } => {
            let pid = pid_of(bed, *to).await?;
            let memory = memory_mib.map(|mib| Limit::Memory(mib << 20));
            for limit in memory.into_iter().chain(cpu_percent.map(Limit::Cpu)) {
                bed.limits.push(Cgroup::limit(pid, limit)?);
            }
            Ok(())
        }
        Step::Busy(cores) => {
            bed.busy.extend(adjourn_testbed::busy_cores(*cores, &bed.folder)?);
            Ok(())
        }
        Step::Pause(length) => {
            tokio::time::sleep(seconds(*length)).await;
            Ok(())
        }
        Step::Stays(length) => {
            stays(bed, seconds(*length), &mut played.failures).await;
            Ok(())
        }
        Step::Cable(side) => bed.network.set_link(*side == Side::In).await,
        Step::Relay(impairment) => bed.relays.as_mut().context("no relays")?.impairment(impairment).await,
        Step::Signalling(how) => {
            bed.relays.as_mut().context("no relays")?.signalling(&bed.network, *how).await
        }
        Step::Sound(change) => sound::change(bed, *change).await,
        Step::Choose(choice) => sound::choose(bed, choice.card()).await,
        Step::Open { open, within } => sound::open(bed, *open, seconds(*within)).await,
        Step::Closed { within } => sound::closed(bed, seconds(*within)).await,
        Step::Says { what, within } => sound::says(bed, what, true, seconds(*within)).await,
        Step::Unsays { what, within } => sound::says(bed, what, false, seconds(*within)).await,
        Step::Worker(script) => {
            let worker = Worker::start(&bed.tools, &bed.folder, &bed.livekit, &bed.network, script).await?;
            bed.workers.push(worker);
            Ok(())
        }
        Step::FlushSpool => Worker::flush(&bed.tools, &bed.folder, &bed.network).await,
        Step::Dispatch => {
            let body = json!({"room": bed.invitation.id, "agent_name": "interviewer"});
            bed.livekit.call(&bed.network, "AgentDispatchService/CreateDispatch", &body).await.map(drop)
        }
        Step::Back { within } => back(bed, seconds(*within)).await,
        Step::Kill(part) => kill(bed, *part).await,
        Step::Again(part) => again(bed, *part).await,
        Step::RestartServer => bed.livekit.restart(&bed.tools, &bed.network).await,
        Step::Press(Button::End) => bed.order(&Command::End).await,
        Step::Press(Button::Join) => bed.order(&Command::Join).await,
        Step::Press(Button::Mute) => bed.order(&Command::SetMuted { muted: true }).await,
        Step::Press(Button::Unmute) => bed.order(&Command::SetMuted { muted: false }).await,
        Step::Press(Button::UnmuteInSystem) => {
            bed.order(&Command::UnmuteInSystem { side: SoundSide::Microphone }).await
        }
        Step::Press(Button::UnmuteLoudspeaker) => {
            bed.order(&Command::UnmuteInSystem { side: SoundSide::Loudspeaker }).await
        }
        Step::Press(Button::Microphone) => {
            bed.order(&Command::ChooseDevice { side: SoundSide::Microphone, id: None }).await
        }
        Step::Press(Button::SaveCopy) => {
            bed.order(&Command::SaveCopy).await?;
            bed.wait(seconds(5.0), "the copy", |seen| {
                matches!(seen.said.last(), Some(Message::Copied { .. }))
            })
            .await
        }
        Step::Press(Button::GoOn) => bed.order(&Command::GoOn).await,
        Step::Api(call) => api(bed, *call).await,
        Step::Question { within } => bed.wait(seconds(*within), "the question", |seen| seen.now.asking).await,
        Step::Unasked { within } => {
            let asked = |seen: &Seen| !seen.now.asking || seen.completed_at.is_some();
            bed.wait(seconds(*within), "the question to go by itself", asked).await?;
            if bed.seen.borrow().completed_at.is_some() {
                played.failures.push("it ended although the interview goes on".to_owned());
            }
            Ok(())
        }
        Step::ToolEnded { within } => {
            let ended = |line: &Line| matches!(line, Line::Timeline(Note::ToolEnded(_)));
            journaled(bed, 1, seconds(*within), ended).await
        }
        Step::Journaled { turns, within } => {
            journaled(bed, *turns, seconds(*within), |line| line.said().is_some()).await
        }
        Step::Heard { within } => {
            let since = unix_now();
            match bed.loudspeaker.after(since, seconds(*within)).await {
                Ok(at) => played.audio_back_s = Some(at - since),
                Err(error) => played.failures.push(format!("{error:#}")),
            }
            Ok(())
        }
        Step::Unbroken(length) => {
            unbroken(bed, seconds(*length), &mut played.failures).await;
            Ok(())
        }
        Step::Actor { name, act } => actor(bed, name, *act).await,
        Step::Fault(faults) => bed.proxy.as_mut().context("no proxy")?.faults(faults.clone()).await,
        Step::Certificate(which) => bed.proxy.as_mut().context("no proxy")?.show(which).await,
        Step::Names(names) => bed.network.names(*names == Names::Alive),
        Step::WallClock(time) => bed.launch.clock.as_ref().context("no clock of its own")?.set(time),
        Step::Dismiss(how) => {
            bed.stub.as_ref().context("no stub before the server")?.dismiss(*how);
            Ok(())
        }
        Step::Roam => bed.network.roam().await,
        Step::Disk(state) => mishaps::disk(bed, *state),
        Step::FillDisk => bed.mount.as_ref().context("no small disk")?.fill(),
        Step::Damage(damage) => mishaps::damaged(bed, *damage).await,
        Step::ForeignRecord => mishaps::foreign_record(bed).await,
        Step::ForgedWebhook => mishaps::forged_webhook(bed, played).await,
        Step::RotateKey => bed.backend.command(&["rotate-key"]).await.map(drop),
        Step::CrashDatabase => bed.postgres.as_mut().context("no Postgres")?.crash().await,
        Step::RestartBackend { days } => bed.backend.restart_ahead(*days).await,
        Step::Passed { part, times } => mishaps::passed(bed, *part, *times).await,
        Step::Panicked { within } => mishaps::panicked(bed, played, seconds(*within)).await,
        Step::ClientGone => bed.client.ended(GONE).await.map(drop),
        Step::RestartClient { days, link } => mishaps::restart_client(bed, *days, *link).await,
        Step::Told { turns, within } => told(bed, *turns, seconds(*within)).await,
        Step::Saved { within } => {
            bed.wait(seconds(*within), "\"saved\"", |seen| seen.saved_at.is_some()).await
        }
    }
}

/// Waits until the interviewer or our connection is lost, and both are there again: a fault that did nothing is none.
async fn back(bed: &mut ScenarioBed, within: Duration) -> anyhow::Result<()> {
    use adjourn_client::InterviewerState as Is;
    let here = |interviewer| matches!(interviewer, Is::Listening | Is::Thinking | Is::Speaking);
    let back = |seen: &Seen| seen.last.as_ref().is_some_and(|s| s.connected && here(s.interviewer));
    bed.wait(within, "the loss of the interviewer or of our connection", |seen| !back(seen)).await?;
    bed.wait(within, "the interviewer and our connection", back).await
}

/// Waits until the client has written down so many lines of this kind: what it knows is not what it remembers.
async fn journaled(
    bed: &ScenarioBed,
    lines: usize,
    within: Duration,
    kind: impl Fn(&Line) -> bool,
) -> anyhow::Result<()> {
    let written = async || {
        // While the client makes it, it can't be read.
        let Ok(outbox) = Outbox::look(&bed.launch.data).await else { return Ok(0) };
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
async fn limit(bed: &ScenarioBed) -> anyhow::Result<f64> {
    let seen =
        bed.seen.borrow().marks.iter().find(|mark| mark.text.starts_with("joining")).map(|mark| mark.at);
    let at = seen.context("nobody joined")? + f64::from(bed.minutes) * 60.0;
    tokio::time::sleep(Duration::from_secs_f64((at - unix_now()).max(0.0))).await;
    Ok(at)
}

/// Waits until the newest job's process has ended, within a minute.
async fn gone(bed: &ScenarioBed) -> anyhow::Result<()> {
    let job = bed.job()?;
    // A zombie process is gone as well: its parent has not asked yet.
    let alive = || {
        std::fs::read_to_string(format!("/proc/{job}/stat"))
            .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
    };
    look(Duration::from_secs(60), || (!alive()).then_some(())).await.context("the job is still there")
}

/// Waits until nobody is in the interview's room.
async fn vacant(bed: &ScenarioBed, within: Duration) -> anyhow::Result<()> {
    let inside = async || Ok(inside(bed).await?.len());
    let inside = counted(within, inside, |inside| inside == 0).await?;
    anyhow::ensure!(inside == 0, "{inside} participants are still in the room");
    Ok(())
}

/// Waits until so many agents are in the room.
async fn agents(bed: &ScenarioBed, are: usize, within: Duration) -> anyhow::Result<()> {
    let agents = async || Ok(inside(bed).await?.iter().filter(|who| who["kind"] == "AGENT").count());
    let found = counted(within, agents, |found| found == are).await?;
    anyhow::ensure!(found == are, "{found} agents are in the room, expected are {are}");
    Ok(())
}

/// Who is in the room. Of a room that is not there LiveKit says that nobody is in it.
async fn inside(bed: &ScenarioBed) -> anyhow::Result<Vec<serde_json::Value>> {
    let body = json!({"room": bed.invitation.id});
    let answer = bed.livekit.call(&bed.network, "RoomService/ListParticipants", &body).await?;
    Ok(answer["participants"].as_array().cloned().unwrap_or_default())
}

/// Waits until the backend holds so many turns.
async fn told(bed: &ScenarioBed, turns: usize, within: Duration) -> anyhow::Result<()> {
    let held = async || Ok(bed.backend.transcript(&bed.invitation.id).await?.items.len());
    let held = counted(within, held, |held| held >= turns).await?;
    anyhow::ensure!(held >= turns, "the backend holds {held} turns, not {turns}");
    Ok(())
}

/// Asks every 50 ms for a number until it is as wanted, or the time is over; gives the last one.
pub(super) async fn counted(
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
async fn answer(bed: &mut ScenarioBed) -> anyhow::Result<()> {
    let state =
        |wanted: &'static str| move |e: &adjourn_testbed::AgentEvent| e.state.as_deref() == Some(wanted);
    // It may still listen to the last answer: only once it has spoken after that one has it asked again.
    bed.event("speaking", bed.answered + 1, BEGIN, state("speaking")).await?;
    // Asked when it listens after it last spoke.
    let last = || bed.events().into_iter().rev().find_map(|e| e.state);
    let asked = || last().filter(|state| state == "listening");
    look(Duration::from_secs(60), asked).await.context("the interviewer asks nothing")?;
    bed.answered = bed.counted(state("speaking")).len();
    bed.say()
}

/// The interview must stay: no end, no question.
async fn stays(bed: &mut ScenarioBed, length: Duration, failures: &mut Vec<String>) {
    let asked = |bed: &ScenarioBed| bed.seen.borrow().questions.len();
    let before = asked(bed);
    if bed.seen.borrow().now.asking {
        failures.push("the candidate is being asked whether it goes on although it does".to_owned());
    }
    let ended = bed.wait(length, "an end", |seen| seen.completed_at.is_some()).await;
    if ended.is_ok() {
        let outcome =
            bed.seen.borrow().completed.as_ref().map_or_else(String::new, |c| c.outcome.to_string());
        failures.push(format!("it ended ({outcome}) although the interview goes on"));
    }
    if !bed.client.running() {
        failures.push("the client is gone although the interview goes on".to_owned());
    }
    if asked(bed) > before {
        failures.push("the candidate was asked whether it goes on although it does".to_owned());
    }
}

/// The recorded questions pause for 0.45 s between two sentences at most (measured below -50 dBFS): half a second more is a gap.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);

/// The interviewer must be heard all the time.
async fn unbroken(bed: &ScenarioBed, length: Duration, failures: &mut Vec<String>) {
    let end = unix_now() + length.as_secs_f64();
    let mut last = unix_now();
    while last < end {
        match bed.loudspeaker.after(last, LONGEST_SILENCE).await {
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
async fn churn(bed: &mut ScenarioBed, length: Duration, failures: &mut Vec<String>) -> anyhow::Result<()> {
    let mut chance = Rng::with_seed(bed.seed);
    let end = tokio::time::Instant::now() + length;
    let mut blips = 0;
    while tokio::time::Instant::now() < end && failures.is_empty() {
        bed.network.set_link(false).await?;
        tokio::time::sleep(Duration::from_secs_f64(0.5 + 5.5 * chance.f64())).await;
        bed.network.set_link(true).await?;
        blips += 1;
        stays(bed, Duration::from_secs_f64(5.0 + 20.0 * chance.f64()), failures).await;
    }
    bed.mark(format!("{blips} blips"));
    Ok(())
}

async fn signal_to(bed: &ScenarioBed, to: Target, signal: &str) -> anyhow::Result<()> {
    let known = SIGNALS.iter().find(|(name, _)| *name == signal);
    let (_, signal) = known.with_context(|| format!("the testbed sends no signal {signal:?}"))?;
    Child::signal_pid(pid_of(bed, to).await?, *signal)
}

async fn kill(bed: &mut ScenarioBed, part: Machine) -> anyhow::Result<()> {
    match part {
        Machine::Redis => bed.fleet.as_mut().context("no fleet")?.kill(Member::Redis).await,
        Machine::Proxy => bed.fleet.as_mut().context("no fleet")?.kill(Member::Proxy).await,
        Machine::Organiser => bed.organiser.as_mut().context("no organiser's server")?.kill().await,
        Machine::WorkersComputer => bed.workers.last().context("no worker runs")?.kill_all(),
    }
    Ok(())
}

async fn again(bed: &mut ScenarioBed, part: Machine) -> anyhow::Result<()> {
    match part {
        Machine::Redis => bed.fleet.as_mut().context("no fleet")?.again(Member::Redis).await,
        Machine::Proxy => bed.fleet.as_mut().context("no fleet")?.again(Member::Proxy).await,
        Machine::Organiser => {
            bed.organiser.as_mut().context("no organiser's server")?.again(&bed.network).await
        }
        Machine::WorkersComputer => anyhow::bail!("a worker's computer does not come back"),
    }
}

async fn pid_of(bed: &ScenarioBed, to: Target) -> anyhow::Result<i32> {
    Ok(match to {
        Target::Client => bed.client.pid(),
        Target::Job => bed.job()?,
        Target::FirstJob => bed.first_job()?,
        Target::Worker => bed.workers.last().context("no worker runs")?.process.pid(),
        Target::Server => bed.livekit.process.pid(),
        Target::RoomNode | Target::OtherNode => {
            let fleet = bed.fleet.as_ref().context("no fleet")?;
            let second = fleet.is_in_second(&bed.invitation.id, &bed.livekit).await?;
            let node = if second == (to == Target::RoomNode) { &fleet.node } else { &bed.livekit };
            node.process.pid()
        }
        Target::Backend => bed.backend.process.pid(),
        Target::Sound => bed.pulse.process.pid(),
    })
}

async fn api(bed: &ScenarioBed, call: Call) -> anyhow::Result<()> {
    let room = &bed.invitation.id;
    match call {
        Call::RemoveCandidate => {
            let body = json!({"room": room, "identity": CANDIDATE});
            bed.livekit.call(&bed.network, "RoomService/RemoveParticipant", &body).await.map(drop)
        }
        Call::DeleteRoom => {
            bed.livekit.call(&bed.network, "RoomService/DeleteRoom", &json!({"room": room})).await.map(drop)
        }
        Call::EndInterview => bed.backend.end(room).await,
    }
}

async fn actor(bed: &mut ScenarioBed, name: &str, act: Act) -> anyhow::Result<()> {
    // Whom an avatar speaks for is in its token: it is never anything else, not even for a moment.
    let agent = if act == Act::JoinAsAvatar { bed.agent().await? } else { None };
    let lends = format!("lend-voice {}", agent.as_deref().unwrap_or_default());
    let orders: &[&str] = match act {
        Act::Join | Act::JoinAsCandidate => &["join"],
        Act::JoinAsGuest => &["join", "speak"],
        Act::JoinAsListener => &["join", "listen"],
        Act::JoinAndSpeak => &["join lk.agent.state=listening", "speak"],
        Act::JoinAsAvatar if agent.is_some() => &["join", &lends],
        Act::JoinAsAvatar => &["join"],
        Act::Leave | Act::Forge => {
            let actor = bed.actors.get_mut(name).with_context(|| format!("no actor {name:?} joined"))?;
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
        &bed.tools,
        &bed.folder,
        &bed.livekit,
        &bed.network,
        &bed.invitation.id,
        if act == Act::JoinAsCandidate { CANDIDATE } else { name },
        &kind,
    )?;
    for order in orders {
        actor.order(order).await?;
    }
    // One of the same name is gone by now: the server put the new one in its place.
    bed.actors.insert(name.to_owned(), actor);
    Ok(())
}
