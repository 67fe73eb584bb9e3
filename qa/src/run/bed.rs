//! Everything that runs for one scenario.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_client::Command as ClientCommand;
use adjourn_protocol::InviteLink;
use adjourn_session::SoundProcessing;
use anyhow::Context as _;
use serde::Serialize;
use tokio::process::{ChildStdin, Command};
use tokio::sync::watch;

use super::baseline;
use super::organiser::Organiser;
use super::seen::{Heard, Seen, observe};
use super::subject::Subject;
use super::timeline::{self, Lane, Mark};
use crate::scenario::{Disk, Place, Scenario, Step};
use adjourn_testbed::{
    Actor, BackendOptions, BackendServer, Cgroup, Child, DiskFaults, Faketime, Fleet, Invitation,
    LiveKitServer, Mount, Network, Postgres, Proxy, Pulse, Relays, ServerOptions, SignallingStub, Started,
    SystemBus, Tools, Wine, Worker, free_port, look, tell, unix_now,
};

/// The organiser's own server is on this computer.
const HOOKS_TO_LOOPBACK: [&str; 2] = ["--allow-hook-host", "127.0.0.1"];

pub(super) struct ScenarioBed {
    // Dropped in this order: those that talk before those that they talk to.
    pub(super) client: Child,
    input: ChildStdin,
    pub(super) seen: watch::Receiver<Seen>,
    pub(super) loudspeaker: Heard,
    pub(super) actors: BTreeMap<String, Actor>,
    pub(super) voices: Vec<Child>,
    /// How often the interviewer had begun to speak when the candidate last answered.
    pub(super) answered: usize,
    pub(super) limits: Vec<Cgroup>,
    /// Processes that only compute.
    pub(super) busy: Vec<Child>,
    /// The system's bus, if it has one.
    bus: Option<SystemBus>,
    pub(super) pulse: Pulse,
    pub(super) workers: Vec<Worker>,
    pub(super) proxy: Option<Proxy>,
    pub(super) backend: BackendServer,
    /// If the scenario asks who is told.
    pub(super) organiser: Option<Organiser>,
    /// The interviewer's way to the backend, if its own is a cable.
    _interviewers_proxy: Option<Proxy>,
    pub(super) postgres: Option<Postgres>,
    pub(super) relays: Option<Relays>,
    pub(super) stub: Option<SignallingStub>,
    pub(super) fleet: Option<Fleet>,
    pub(super) livekit: LiveKitServer,
    pub(super) network: Network,
    pub(super) mount: Option<Mount>,
    pub(super) invitation: Invitation,
    pub(super) launch: Launch,
    pub(super) folder: PathBuf,
    /// Traces of the client, one for each time that it was started.
    pub(super) traces: Vec<PathBuf>,
    pub(super) tools: Tools,
    pub(super) seed: u64,
    /// The longest time of the interview.
    pub(super) minutes: u32,
    pub(super) marks: Vec<Mark>,
}

/// What a scenario wants of an interview's policy.
#[derive(Serialize)]
struct Wanted {
    #[serde(skip_serializing_if = "Option::is_none")]
    sound_processing: Option<SoundProcessing>,
}

/// How the client is started, each time.
pub(super) struct Launch {
    subject: Subject,
    pub(super) data: PathBuf,
    pub(super) link: String,
    pub(super) clock: Option<Faketime>,
    pub(super) disk: Option<DiskFaults>,
    fail_points: Option<String>,
    kill_on: Option<String>,
    authority: Option<PathBuf>,
}

impl Launch {
    fn new(scenario: &Scenario, folder: &Path, subject: Subject) -> anyhow::Result<Self> {
        let data = folder.join("client");
        let jumps = scenario.steps.iter().chain(&scenario.after).any(|s| matches!(s, Step::WallClock(_)));
        let ahead = scenario.after.iter().any(|s| matches!(s, Step::RestartClient { days: 1.., .. }));
        let clock = match &scenario.wall_clock {
            Some(time) => Some(Faketime::new(folder, "client", time)?),
            None if jumps || ahead => Some(Faketime::new(folder, "client", "+0")?),
            None => None,
        };
        let faults = scenario.steps.iter().any(|step| matches!(step, Step::Disk(_)));
        let disk = if faults { Some(DiskFaults::new(folder, &data)?) } else { None };
        let (fail_points, kill_on) = (scenario.fail_points.clone(), scenario.kill_on.clone());
        Ok(Self { subject, data, link: String::new(), clock, disk, fail_points, kill_on, authority: None })
    }

    /// The command of ours; with `link`, it joins by itself.
    fn command(&self, network: &Network, tools: &Tools, trace: &Path, link: bool) -> anyhow::Result<Command> {
        let windows = self.subject == Subject::Windows;
        let path = |path: &Path| if windows { Wine::path(path) } else { path.as_os_str().to_owned() };
        let mut command = if windows {
            Wine::find()?.command()
        } else {
            let mut command = network.client_command(&Tools::binary("adjourn-qa")?);
            command.env("ADJOURN_LIVEKIT_LIBRARY", &tools.library);
            command
        };
        command.arg("headless").arg("--data").arg(path(&self.data)).arg("--trace").arg(path(trace));
        if link {
            command.args(["--join", "--link", &self.link]);
        }
        if let Some(clock) = &self.clock {
            clock.give(&mut command);
        }
        if let Some(disk) = &self.disk {
            disk.give(&mut command);
        }
        if let Some(points) = &self.fail_points {
            command.env("FAILPOINTS", points);
        }
        // Once: the next life goes on.
        if let Some(point) = self.kill_on.as_ref().filter(|_| link) {
            command.env("ADJOURN_KILL_ON", point);
        }
        if let Some(authority) = &self.authority {
            command.env("SSL_CERT_FILE", authority);
        }
        Ok(command)
    }
}

impl ScenarioBed {
    pub(super) async fn start(
        scenario: &Scenario,
        folder: &Path,
        seed: u64,
        subject: Subject,
    ) -> anyhow::Result<Self> {
        let tools = Tools::find()?;
        let network = match scenario.network {
            Place::Cable => Network::cable(false).await?,
            Place::Relay => Network::cable(true).await?,
            Place::InterviewersCable => Network::interviewers_cable().await?,
            Place::Loopback => Network::Loopback,
        };
        let mut launch = Launch::new(scenario, folder, subject)?;
        let mount = match scenario.disk {
            Disk::Small => Some(Mount::new(&launch.data, true)?),
            Disk::ReadOnly => Some(Mount::new(&launch.data, false)?),
            Disk::Fine | Disk::Eio | Disk::Slow => None,
        };
        let pulse =
            if scenario.desk { Pulse::start_desk(folder).await? } else { Pulse::start(folder).await? };
        let port = free_port()?;
        // Whoever is at the cable's other end has it on its own loopback all the same: nobody takes plain http from anywhere else.
        let near = format!("127.0.0.1:{port}");
        let far = scenario.network == Place::InterviewersCable;
        let listen = if far { format!("{}:{port}", network.server_address()) } else { near.clone() };
        let (proxy, interviewers_proxy) = if far {
            let (client, worker) = Proxy::on_both_sides(folder, &network, &near, &listen).await?;
            (Some(client), Some(worker))
        } else if scenario.proxied() {
            (Some(Proxy::start(folder, &network, &listen, scenario.tls).await?), None)
        } else {
            (None, None)
        };
        let organiser = match &scenario.expect.told {
            Some(_) => Some(Organiser::start(folder, &network).await?),
            None => None,
        };
        let by_proxy = proxy.as_ref().filter(|_| scenario.webhooks_by_proxy).map(|p| p.url.clone());
        // On a cable, the backend lives on the candidate's side: the server can't tell it anything.
        let reached = by_proxy.or_else(|| (network.is_loopback() || far).then(|| format!("http://{listen}")));
        let webhooks = reached.iter().map(|url| BackendServer::webhook_at(url));
        let webhooks = webhooks.chain(organiser.as_ref().map(Organiser::livekit_url)).collect();
        let options = ServerOptions {
            auto_create: scenario.auto_create,
            webhooks,
            max_participants: scenario.max_participants.unwrap_or(0),
            ..ServerOptions::default()
        };
        let deadline = scenario.agent_deadline.map(|minutes| minutes.to_string());
        let mut arguments: Vec<String> =
            deadline.into_iter().flat_map(|m| ["--agent-deadline-minutes".to_owned(), m]).collect();
        if organiser.is_some() {
            arguments.extend(HOOKS_TO_LOOPBACK.map(str::to_owned));
        }
        let fleet = if scenario.fleet { Some(Fleet::start(&tools, folder, &arguments).await?) } else { None };
        let (fleet, livekit, of_fleet) = match fleet {
            Some(Started { fleet, livekit, backend, postgres }) => {
                (Some(fleet), livekit, Some((backend, postgres)))
            }
            None => (None, LiveKitServer::start(&tools, folder, &network, options).await?, None),
        };
        let relays = match scenario.network {
            Place::Relay => Some(Relays::start(folder, &livekit, &network, seed).await?),
            Place::Cable | Place::InterviewersCable | Place::Loopback => None,
        };
        let stub = if scenario.dismissible { Some(SignallingStub::start(&livekit.url).await?) } else { None };
        let postgres = if scenario.postgres { Some(Postgres::start(folder).await?) } else { None };
        let options = BackendOptions {
            listen: Some(listen),
            public_url: far.then(|| format!("http://{near}")),
            database: postgres.as_ref().map(Postgres::url),
            livekit: stub.as_ref().map(|stub| stub.url.clone()),
            arguments,
            ..BackendOptions::default()
        };
        let (backend, postgres) = match of_fleet {
            Some((backend, postgres)) => (backend, Some(postgres)),
            None => (BackendServer::start(folder, &livekit, &network, options).await?, postgres),
        };
        if let Some(organiser) = &organiser {
            let url = organiser.hook_url();
            let add = [&["hook", "add"], &HOOKS_TO_LOOPBACK[..], &[&url]].concat();
            backend.command(&add).await?;
        }
        let mut workers = Vec::new();
        if let Some(script) = &scenario.interviewer {
            workers.push(Worker::start(&tools, folder, &livekit, &network, script).await?);
        }
        let minutes = scenario.minutes.unwrap_or(30);
        let policy = serde_json::to_string(&Wanted { sound_processing: scenario.sound_processing })?;
        let invitation = backend.invite_for(minutes, &policy, scenario.replacements).await?;
        launch.link.clone_from(&invitation.link);
        let mut proxy = proxy;
        if let Some(proxy) = &mut proxy {
            let code = InviteLink::parse(&invitation.link)?.code;
            launch.link = format!("adjourn://join?server={}&code={}", proxy.url, code.expose());
            launch.authority.clone_from(&proxy.authority);
            proxy.faults(scenario.faults.clone()).await?;
        }
        let loudspeaker = Heard::listen(&pulse, folder).await?;
        let trace = folder.join("trace.jsonl");
        let mut command = match subject {
            Subject::Baseline => {
                let processing = scenario.sound_processing != Some(SoundProcessing::Off);
                baseline::command(&livekit, &invitation.id, processing).await?
            }
            Subject::Adjourn | Subject::Windows => launch.command(&network, &tools, &trace, true)?,
        };
        let bus = if scenario.rtkit { Some(SystemBus::start(folder).await?) } else { None };
        if let Some(bus) = &bus {
            bus.give(&mut command);
        }
        pulse.give(&mut command);
        let (client, input, lines) =
            Child::start_talking("the client", &mut command, &folder.join("client.log"))?;
        let (seen, watcher) = watch::channel(Seen::default());
        match subject {
            Subject::Adjourn | Subject::Windows => tokio::spawn(observe(lines, seen)),
            Subject::Baseline => tokio::spawn(baseline::observe(lines, seen)),
        };
        let mut bed = Self {
            client,
            input,
            seen: watcher,
            loudspeaker,
            actors: BTreeMap::new(),
            voices: Vec::new(),
            answered: 0,
            limits: Vec::new(),
            busy: Vec::new(),
            bus,
            pulse,
            workers,
            proxy,
            backend,
            organiser,
            _interviewers_proxy: interviewers_proxy,
            postgres,
            relays,
            stub,
            fleet,
            livekit,
            network,
            mount,
            invitation,
            launch,
            folder: folder.to_owned(),
            traces: vec![trace],
            tools,
            seed,
            minutes,
            marks: Vec::new(),
        };
        if scenario.tls {
            // A host that was not used before is asked about.
            bed.wait(Duration::from_secs(15), "the question about the host", |seen| seen.host_asked).await?;
        }
        Ok(bed)
    }

    /// Starts the client again, on the same disk.
    pub(super) async fn restart_client(&mut self, link: bool) -> anyhow::Result<()> {
        anyhow::ensure!(self.launch.subject != Subject::Baseline, "the baseline is not started again");
        self.client.kill().await;
        let number = self.traces.len() + 1;
        let trace = self.folder.join(format!("trace-{number}.jsonl"));
        let mut command = self.launch.command(&self.network, &self.tools, &trace, link)?;
        if let Some(bus) = &self.bus {
            bus.give(&mut command);
        }
        self.pulse.give(&mut command);
        let log = self.folder.join(format!("client-{number}.log"));
        let (client, input, lines) = Child::start_talking("the client", &mut command, &log)?;
        let (seen, watcher) = watch::channel(self.seen.borrow().again());
        tokio::spawn(observe(lines, seen));
        (self.client, self.input, self.seen) = (client, input, watcher);
        self.traces.push(trace);
        Ok(())
    }

    pub(super) fn mark(&mut self, text: impl Into<String>) {
        self.marks.push(Mark { at: unix_now(), lane: Lane::Testbed, text: text.into() });
    }

    /// Waits for something on the candidate's screen.
    pub(super) async fn wait(
        &mut self,
        limit: Duration,
        what: &str,
        when: impl Fn(&Seen) -> bool,
    ) -> anyhow::Result<()> {
        match tokio::time::timeout(limit, self.seen.wait_for(|seen| when(seen))).await.map(|r| r.map(|_| ()))
        {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => {
                anyhow::bail!("the client ended before {what}; {}", self.folder.join("client.log").display())
            }
            Err(_) => {
                let seen = self.seen.borrow();
                let last = seen.last.as_ref().map_or_else(|| "nothing".to_owned(), super::seen::notice);
                anyhow::bail!("{what} was not seen within {limit:?}; the last screen was \"{last}\"")
            }
        }
    }

    pub(super) async fn order(&mut self, command: &ClientCommand) -> anyhow::Result<()> {
        tell(&mut self.input, &serde_json::to_string(command)?).await
    }

    /// Leaves what happened beside the run's other files: from every side, and what is given here.
    pub(super) fn write_timeline(&self, mut marks: Vec<Mark>) -> anyhow::Result<()> {
        marks.extend(self.marks.iter().cloned());
        marks.extend(self.seen.borrow().marks.iter().cloned());
        marks.extend(timeline::of_interviewer(&self.events()));
        marks.sort_by(|a, b| a.at.total_cmp(&b.at));
        Ok(std::fs::write(self.folder.join("timeline.json"), serde_json::to_vec(&marks)?)?)
    }

    /// What the interviewers of this run wrote down.
    pub(super) fn events(&self) -> Vec<adjourn_testbed::AgentEvent> {
        self.workers.first().map(Worker::events).unwrap_or_default()
    }

    /// Those of the interviewer's events that `wanted` takes. In a fleet a second interviewer may be sent in vain: what one
    /// writes down that never spoke is not what is waited for.
    pub(super) fn counted(
        &self,
        wanted: impl Fn(&adjourn_testbed::AgentEvent) -> bool,
    ) -> Vec<adjourn_testbed::AgentEvent> {
        let events = self.events();
        let first = events.iter().find(|e| e.event == "job_started").map(|e| e.pid);
        let in_vain =
            |pid| self.fleet.is_some() && first.is_some_and(|it| it != pid) && !self.heard(&events, pid);
        events.iter().filter(|e| wanted(e) && !in_vain(e.pid)).cloned().collect()
    }

    /// Whether an interviewer's process was heard at the loudspeaker: one that is put out of the room as it begins to speak is not.
    pub(super) fn heard(&self, events: &[adjourn_testbed::AgentEvent], pid: i32) -> bool {
        spoke(events, pid).into_iter().any(|(from, to)| self.loudspeaker.between(from, to + UNDERWAY_S))
    }

    /// Waits until the n-th of the interviewer's events that `wanted` takes; gives its time.
    pub(super) async fn event(
        &self,
        what: &str,
        times: usize,
        limit: Duration,
        wanted: impl Fn(&adjourn_testbed::AgentEvent) -> bool,
    ) -> anyhow::Result<f64> {
        let nth = || self.counted(&wanted).into_iter().nth(times.saturating_sub(1));
        let event = look(limit, nth).await.with_context(|| {
            format!("the interviewer's {what} did not come {times} times within {limit:?}")
        })?;
        Ok(event.at)
    }

    /// Identity of the agent that is in the room, if there is one.
    pub(super) async fn agent(&self) -> anyhow::Result<Option<String>> {
        let body = serde_json::json!({"room": self.invitation.id});
        let answer = self.livekit.call(&self.network, "RoomService/ListParticipants", &body).await?;
        let agents = answer["participants"].as_array().into_iter().flatten();
        let mut names = agents.filter(|p| p["kind"] == "AGENT").filter_map(|p| p["identity"].as_str());
        Ok(names.next().map(str::to_owned))
    }

    /// Process id of the newest job.
    pub(super) fn job(&self) -> anyhow::Result<i32> {
        let started = self.events().into_iter().rfind(|e| e.event == "job_started");
        Ok(started.context("no job was started")?.pid)
    }

    /// The first job.
    pub(super) fn first_job(&self) -> anyhow::Result<i32> {
        let started = self.events().into_iter().find(|e| e.event == "job_started");
        Ok(started.context("no job was started")?.pid)
    }

    /// Says something into the candidate's microphone.
    pub(super) fn say(&mut self) -> anyhow::Result<()> {
        self.voices.push(self.pulse.speak(&self.tools.interviewers().join("speech/answer.wav"))?);
        Ok(())
    }
}

/// From an interviewer's mouth to the candidate's loudspeaker, in seconds, at most: what was said then is heard until then.
const UNDERWAY_S: f64 = 0.4;

/// When an interviewer's process spoke in the room, each time from and to, in seconds since 1970. What it says after it was put out of it
/// nobody hears.
fn spoke(events: &[adjourn_testbed::AgentEvent], pid: i32) -> Vec<(f64, f64)> {
    let its = events.iter().filter(|event| event.pid == pid);
    let (mut times, mut since) = (Vec::new(), None);
    for event in its {
        let out = event.event == "room_disconnected";
        if out || event.state.is_some() {
            times.extend(since.take().map(|since| (since, event.at)));
        }
        if out {
            return times;
        }
        if event.state.as_deref() == Some("speaking") {
            since = Some(event.at);
        }
    }
    times.extend(since.map(|since| (since, f64::INFINITY)));
    times
}
