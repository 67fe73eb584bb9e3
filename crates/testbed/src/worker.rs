//! The stock interviewer: worker, dispatch, `AgentSession`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use serde::Deserialize;

use super::leftovers;
use super::process::{Child, text_of, until, whole_lines};
use super::{Interviewer, LiveKitServer, Network, Tools};

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
    pub state: Option<String>,
    /// Who said it, for `item`; absent of what nobody said.
    pub role: Option<String>,
    /// Id of the item, for `item`.
    pub id: Option<String>,
    /// What was said, for `item`.
    pub text: Option<String>,
    /// The recording, for `stutter`.
    pub line: Option<String>,
    /// Seconds into the recording, for `stutter`.
    pub from_s: Option<f64>,
    /// Seconds, for `stutter`.
    pub lasts_s: Option<f64>,
    /// Turns that were said before it came, for `history`.
    pub turns: Option<usize>,
    /// The loudest sample, 0 to 1, for `detected`: of silence, the detector was mistaken.
    pub peak: Option<f64>,
}

/// Where the agent package keeps what has no receipt, in a run's folder.
const SPOOL: &str = "spool";

/// The interviewer for Node, with its modules beside it: they are found from where it lies.
fn node(tools: &Tools, folder: &Path) -> anyhow::Result<PathBuf> {
    let here = folder.join("node");
    if !here.exists() {
        std::fs::create_dir(&here)?;
        std::fs::copy(tools.interviewers().join("node/interviewer.mjs"), here.join("interviewer.mjs"))?;
        std::os::unix::fs::symlink(Tools::node_modules()?, here.join("node_modules"))?;
        // Here, so that it finds the same livekit-agents as the interviewer.
        let package = here.join("adjourn-agent");
        std::fs::create_dir(&package)?;
        std::fs::write(package.join("package.json"), r#"{"type": "module"}"#)?;
        let made = tools.root.join("agents/node/dist");
        for file in std::fs::read_dir(&made).with_context(|| format!("{} is not made", made.display()))? {
            let file = file?;
            std::fs::copy(file.path(), package.join(file.file_name()))?;
        }
        let start = format!("#!/bin/sh\nexec node {} \"$@\"\n", here.join("interviewer.mjs").display());
        std::fs::write(here.join("interviewer"), start)?;
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(here.join("interviewer"), std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(here.join("interviewer"))
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    /// The process.
    pub process: Child,
    events: PathBuf,
    /// For its own temporary files.
    temporary: tempfile::TempDir,
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
        script: &Interviewer,
    ) -> anyhow::Result<Self> {
        // Every worker of a run writes into one list of events.
        let events = folder.join("agent.jsonl");
        // Not in the run's folder: sockets are made in it, whose names are short.
        let temporary = tempfile::Builder::new().prefix("adjourn-worker-").tempdir()?;
        let number = (1..).find(|n| !folder.join(format!("agent-{n}.log")).exists()).unwrap_or(1);
        let log = folder.join(format!("agent-{number}.log"));
        // livekit-agents logs to standard output.
        let out = folder.join(format!("agent-{number}-out.log"));
        let mut command = if script.node {
            network.worker_command(&node(tools, folder)?)
        } else {
            network.worker_command(if script.old { &tools.old_agent_python } else { &tools.agent_python })
        };
        if script.package {
            command.env("PYTHONPATH", tools.root.join("agents/python/src"));
        }
        if script.node {
            command.env("NODE_ENV", "production");
            if script.package {
                command.env("ADJOURN_PACKAGE", "./adjourn-agent/index.js");
            }
        } else if let Some(own) = &script.script {
            command.arg(std::path::absolute(own)?);
        } else {
            let program = if script.package { "reporting.py" } else { "stock.py" };
            command.arg(tools.interviewers().join(program));
        }
        command
            .arg("start")
            .env("ADJOURN_ENDING", &script.ending)
            .env("ADJOURN_QUESTIONS", script.questions.to_string())
            .env("ADJOURN_WITH", serde_json::to_string(&script.with)?)
            .env("ADJOURN_AGENT_LOG", &events)
            .env("ADJOURN_SPOOL", folder.join(SPOOL))
            // Killed, it leaves its own there.
            .env("TMPDIR", temporary.path())
            .env_remove("PULSE_SERVER")
            .stdin(std::process::Stdio::null())
            .stdout(std::fs::File::create(&out)?);
        livekit.give(&mut command);
        let mut process = Child::start("interviewer", &mut command, &log)?;
        until(&mut process, Duration::from_secs(60), "the interviewer's registration", || {
            let text = text_of(&out);
            // The one for Node says nothing of its processes.
            let warm = script.node || text.contains("process initialized");
            std::future::ready(text.contains("registered worker") && warm)
        })
        .await
        .with_context(|| format!("see {}", log.display()))?;
        Ok(Self { process, events, temporary })
    }

    /// Everything that the interviewer wrote down so far.
    pub fn events(&self) -> Vec<AgentEvent> {
        whole_lines(&self.events).0
    }

    /// Delivers what jobs of earlier workers of this run left on disk: `adjourn-agent flush`.
    ///
    /// # Errors
    /// It fails, or something still waits.
    pub async fn flush(tools: &Tools, folder: &Path, network: &Network) -> anyhow::Result<()> {
        let mut command = network.worker_command(&tools.agent_python);
        command
            .args(["-m", "adjourn_agent", "flush", "--spool"])
            .arg(folder.join(SPOOL))
            .env("PYTHONPATH", tools.root.join("agents/python/src"));
        let output = command.output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success(),
            "`adjourn-agent flush` ended with {}: {said}",
            output.status
        );
        Ok(())
    }

    /// Kills its whole computer: the worker, its jobs, and what its jobs started.
    pub fn kill_all(&self) {
        let folder = self.temporary.path().to_string_lossy();
        for pid in leftovers::with("TMPDIR", |folder_of| folder_of == folder) {
            // It may have ended meanwhile.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }

    /// What it wrote down that is no event.
    pub fn unreadable(&self) -> Vec<String> {
        whole_lines::<AgentEvent>(&self.events).1
    }

    /// When `event` happened first.
    pub fn first(&self, event: &str) -> Option<AgentEvent> {
        self.events().into_iter().find(|e| e.event == event)
    }
}
