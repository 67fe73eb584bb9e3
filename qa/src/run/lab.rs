//! Everything that runs for one row.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_client::Command;
use anyhow::Context as _;
use tokio::process::ChildStdin;
use tokio::sync::watch;

use super::peer;
use super::seen::{Heard, Seen, observe};
use super::timeline::{self, Lane, Mark};
use crate::lab::{
    Actor, BackendOptions, BackendServer, Cgroup, Child, Invitation, LiveKitServer, Network, Pulse, Relays,
    Tools, Worker, look, tell, unix_now,
};
use crate::scenario::{Place, Scenario};

/// Whose client the candidate uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Ours.
    Adjourn,
    /// LiveKit's own, in a browser.
    Peer,
}

pub(super) struct Lab {
    // Dropped in this order: those that talk before those that they talk to.
    pub(super) client: Child,
    input: ChildStdin,
    pub(super) seen: watch::Receiver<Seen>,
    pub(super) heard: Heard,
    pub(super) actors: BTreeMap<String, Actor>,
    pub(super) voices: Vec<Child>,
    pub(super) limits: Vec<Cgroup>,
    pub(super) pulse: Pulse,
    pub(super) workers: Vec<Worker>,
    pub(super) backend: BackendServer,
    pub(super) relays: Option<Relays>,
    pub(super) livekit: LiveKitServer,
    pub(super) network: Network,
    pub(super) invitation: Invitation,
    pub(super) folder: PathBuf,
    pub(super) trace: PathBuf,
    pub(super) tools: Tools,
    pub(super) seed: u64,
    pub(super) marks: Vec<Mark>,
}

impl Lab {
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
            Place::Loopback => Network::Loopback,
        };
        let pulse = Pulse::start(folder).await?;
        let listen = BackendServer::address()?;
        // On a cable, the backend lives on the candidate's side: the server can't tell it anything.
        let webhooks = network.is_loopback().then(|| format!("http://{listen}"));
        let livekit =
            LiveKitServer::start_with(&tools, folder, &network, scenario.auto_create, webhooks.as_deref())
                .await?;
        let relays = match scenario.network {
            Place::Relay => Some(Relays::start(folder, &livekit, &network, seed).await?),
            Place::Cable | Place::Loopback => None,
        };
        let deadline = scenario.agent_deadline.map(|minutes| minutes.to_string());
        let arguments =
            deadline.into_iter().flat_map(|m| ["--agent-deadline-minutes".to_owned(), m]).collect();
        let options = BackendOptions { listen: Some(listen), arguments, ..BackendOptions::default() };
        let backend = BackendServer::start_with(folder, &livekit, &network, options).await?;
        let mut workers = Vec::new();
        if let Some(script) = &scenario.interviewer {
            workers.push(Worker::start(&tools, folder, &livekit, &network, script).await?);
        }
        let invitation = backend.invite("{}").await?;
        let trace = folder.join("trace.jsonl");
        let mut command = match subject {
            Subject::Peer => peer::command(&livekit, &invitation.id).await?,
            Subject::Adjourn => {
                let mut command = network.client_command(&Tools::binary("adjourn-qa")?);
                command
                    .args(["headless", "--join", "--link", &invitation.link])
                    .arg("--data")
                    .arg(folder.join("client"))
                    .arg("--trace")
                    .arg(&trace)
                    .env("ADJOURN_LIVEKIT_LIBRARY", &tools.library);
                command
            }
        };
        pulse.give(&mut command);
        let heard = Heard::listen(&pulse, folder)?;
        let (client, input, lines) =
            Child::start_talking("the client", &mut command, &folder.join("client.log"))?;
        let (seen, watcher) = watch::channel(Seen::default());
        match subject {
            Subject::Adjourn => tokio::spawn(observe(lines, seen)),
            Subject::Peer => tokio::spawn(peer::observe(lines, seen)),
        };
        Ok(Self {
            client,
            input,
            seen: watcher,
            heard,
            actors: BTreeMap::new(),
            voices: Vec::new(),
            limits: Vec::new(),
            pulse,
            workers,
            backend,
            relays,
            livekit,
            network,
            invitation,
            folder: folder.to_owned(),
            trace,
            tools,
            seed,
            marks: Vec::new(),
        })
    }

    pub(super) fn mark(&mut self, text: impl Into<String>) {
        self.marks.push(Mark { at: unix_now(), lane: Lane::Lab, text: text.into() });
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
            Ok(Err(_)) => anyhow::bail!("the client ended before {what}"),
            Err(_) => {
                let last = self.seen.borrow().last.clone();
                anyhow::bail!("{what} was not seen within {limit:?}; the last screen was {last:?}")
            }
        }
    }

    pub(super) async fn order(&mut self, command: &Command) -> anyhow::Result<()> {
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
    pub(super) fn events(&self) -> Vec<crate::lab::AgentEvent> {
        self.workers.first().map(Worker::events).unwrap_or_default()
    }

    /// Waits until the n-th of the interviewer's events that `wanted` takes; gives its time.
    pub(super) async fn event(
        &self,
        what: &str,
        times: usize,
        limit: Duration,
        wanted: impl Fn(&crate::lab::AgentEvent) -> bool,
    ) -> anyhow::Result<f64> {
        let nth = || self.events().into_iter().filter(|e| wanted(e)).nth(times.saturating_sub(1));
        let event = look(limit, nth).await.with_context(|| {
            format!("the interviewer's {what} did not come {times} times within {limit:?}")
        })?;
        Ok(event.at)
    }

    /// Process id of the newest job.
    pub(super) fn job(&self) -> anyhow::Result<i32> {
        let started = self.events().into_iter().rfind(|e| e.event == "job_started");
        Ok(started.context("no job was started")?.pid)
    }

    /// Says something into the candidate's microphone.
    pub(super) fn say(&mut self) -> anyhow::Result<()> {
        self.voices.push(self.pulse.speak(&self.tools.interviewers().join("speech/answer.wav"))?);
        Ok(())
    }
}
