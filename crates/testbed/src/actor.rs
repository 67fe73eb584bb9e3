//! A further participant of the room, played by `agents/interviewers/actor.py`.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::ChildStdin;

use super::process::{Child, LineReader, tell};
use super::{ActorKind, LiveKitServer, Network, Tools};

/// Longest time for one order.
const LIMIT: Duration = Duration::from_secs(20);

/// A running actor.
#[derive(Debug)]
pub struct Actor {
    _process: Child,
    input: ChildStdin,
    lines: LineReader,
}

impl Actor {
    /// Starts an actor who is about to join `room` as `identity`.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn start(
        tools: &Tools,
        folder: &Path,
        livekit: &LiveKitServer,
        network: &Network,
        room: &str,
        identity: &str,
        kind: &ActorKind,
    ) -> anyhow::Result<Self> {
        let mut command = network.server_command(&tools.agent_python);
        command
            .arg(tools.interviewers().join("actor.py"))
            .env("ADJOURN_TOKEN", super::livekit::actor_token(room, identity, kind)?)
            .env_remove("PULSE_SERVER");
        livekit.give(&mut command);
        let log = folder.join(format!("actor-{identity}.log"));
        let (process, input, lines) = Child::start_talking("an actor", &mut command, &log)?;
        Ok(Self { _process: process, input, lines })
    }

    /// Gives an order and waits until it is done; gives what the actor told meanwhile, line by line.
    ///
    /// # Errors
    /// The actor is gone or does not answer.
    pub async fn order(&mut self, order: &str) -> anyhow::Result<Vec<String>> {
        tell(&mut self.input, order).await?;
        let word = order.split(' ').next().unwrap_or_default();
        let answered = format!("\"event\": \"{word}\"");
        let mut told = Vec::new();
        let read = async {
            while let Some(line) = self.lines.next_line().await? {
                if line.contains(&answered) {
                    return Ok(told);
                }
                told.push(line);
            }
            anyhow::bail!("the actor ended")
        };
        tokio::time::timeout(LIMIT, read).await.with_context(|| format!("the actor did not {word}"))?
    }
}
