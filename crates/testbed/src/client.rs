//! The product's client as a process of its own: its screen read, its buttons pressed.

use std::path::Path;
use std::time::Duration;

use adjourn_client::{Command, Snapshot};
use anyhow::Context as _;
use tokio::process::ChildStdin;

use super::process::{Child, LineReader, tell};
use super::{Network, Tools};

/// A running headless client.
#[derive(Debug)]
pub struct ClientProcess {
    /// The process.
    pub process: Child,
    input: ChildStdin,
    lines: LineReader,
    /// What it showed last.
    pub last: Option<Snapshot>,
}

impl ClientProcess {
    /// Starts a client with its outbox in `data`; `pulse_server` is the sound server's address.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn start(tools: &Tools, data: &Path, link: Option<&str>, pulse_server: &str) -> anyhow::Result<Self> {
        Self::start_with(data, link, pulse_server, &tools.library)
    }

    /// As [`Self::start`], with the SDK library at another place.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn start_with(
        data: &Path,
        link: Option<&str>,
        pulse_server: &str,
        library: &Path,
    ) -> anyhow::Result<Self> {
        let mut command = Network::Loopback.client_command(&Tools::binary("adjourn-qa")?);
        command.arg("headless").arg("--data").arg(data).arg("--trace").arg(data.with_extension("trace"));
        if let Some(link) = link {
            command.args(["--link", link]);
        }
        command.env("ADJOURN_LIVEKIT_LIBRARY", library).env("PULSE_SERVER", pulse_server);
        let log = data.with_extension("log");
        let (process, input, lines) = Child::start_talking("the client", &mut command, &log)?;
        Ok(Self { process, input, lines, last: None })
    }

    /// Reads the screen until `when` holds.
    ///
    /// # Errors
    /// It does not in time, or the client ended; says what it showed last.
    pub async fn wait(
        &mut self,
        what: &str,
        limit: Duration,
        when: impl Fn(&Snapshot) -> bool,
    ) -> anyhow::Result<Snapshot> {
        let read = async {
            if let Some(last) = self.last.clone().filter(&when) {
                return Ok(last);
            }
            while let Some(line) = self.lines.next_line().await? {
                let snapshot: Snapshot = serde_json::from_str(&line)?;
                self.last = Some(snapshot.clone());
                if when(&snapshot) {
                    return Ok(snapshot);
                }
            }
            anyhow::bail!("the client ended")
        };
        match tokio::time::timeout(limit, read).await {
            Ok(result) => result.with_context(|| format!("before {what}")),
            Err(_) => {
                anyhow::bail!("{what} was not seen within {limit:?}; the last screen was {:?}", self.last)
            }
        }
    }

    /// Presses a button.
    ///
    /// # Errors
    /// The client is gone.
    pub async fn order(&mut self, command: &Command) -> anyhow::Result<()> {
        tell(&mut self.input, &serde_json::to_string(command)?).await
    }
}
