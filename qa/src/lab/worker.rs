//! The stock interviewer: worker, dispatch, `AgentSession`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use super::process::{Child, until};
use super::{LiveKitServer, Network, Tools};

/// One line of the interviewer's own log.
#[derive(Clone, Debug, Deserialize)]
pub struct AgentEvent {
    /// Seconds since 1970.
    pub at: f64,
    /// What happened.
    pub event: String,
    /// The job's process.
    pub pid: i32,
    /// New state, for `state`.
    #[serde(default)]
    pub state: Option<String>,
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    /// The process.
    pub process: Child,
    events: PathBuf,
}

impl Worker {
    /// Starts a worker; ready when it is registered and has a process waiting.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(
        tools: &Tools,
        folder: &Path,
        livekit: &LiveKitServer,
        network: &Network,
        ending: &str,
        questions: usize,
    ) -> anyhow::Result<Self> {
        let (events, log) = (folder.join("agent.jsonl"), folder.join("agent.log"));
        // livekit-agents logs to standard output.
        let out = folder.join("agent-out.log");
        let mut command = network.server_command(&tools.agent_python);
        command
            .arg(tools.interviewers().join("stock.py"))
            .arg("start")
            .env("ADJOURN_ENDING", ending)
            .env("ADJOURN_QUESTIONS", questions.to_string())
            .env("ADJOURN_AGENT_LOG", &events)
            .env_remove("PULSE_SERVER")
            .stdin(std::process::Stdio::null())
            .stdout(std::fs::File::create(folder.join("agent-out.log"))?);
        livekit.give(&mut command);
        let mut process = Child::start("interviewer", &mut command, &log)?;
        until(&mut process, Duration::from_secs(60), "the interviewer's registration", || {
            let text = std::fs::read_to_string(&out).unwrap_or_default();
            std::future::ready(text.contains("registered worker") && text.contains("process initialized"))
        })
        .await
        .context("see agent.log")?;
        Ok(Self { process, events })
    }

    /// Everything that the interviewer wrote down so far.
    pub fn events(&self) -> Vec<AgentEvent> {
        let text = std::fs::read_to_string(&self.events).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// When `event` happened first.
    pub fn first(&self, event: &str) -> Option<AgentEvent> {
        self.events().into_iter().find(|e| e.event == event)
    }
}
