//! Where the parts run: all on loopback, or client and servers in two namespaces of the lab.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

/// Where the parts of a run live.
#[derive(Debug)]
pub enum Network {
    /// Everything on the loopback interface.
    Loopback,
    /// Client and servers in a namespace each, joined by a cable that can be pulled.
    Cable {
        /// Part of the names; unique per run.
        tag: String,
        /// The server is reached through relays that can be made to fail.
        relayed: bool,
    },
}

const SERVER: &str = "10.90.0.1";
const CLIENT: &str = "10.90.0.2";
/// Where the relays listen, at the server's end.
const RELAY: &str = "10.90.0.9";

impl Network {
    /// Makes two namespaces and the cable between them. Needs root.
    ///
    /// # Errors
    /// A namespace or interface can't be made.
    pub async fn cable(relayed: bool) -> anyhow::Result<Self> {
        let tag = format!("adj{}", std::process::id());
        let network = Self::Cable { tag: tag.clone(), relayed };
        let (s, c) = (format!("{tag}s"), format!("{tag}c"));
        for line in [
            format!("netns add {s}"),
            format!("netns add {c}"),
            format!("link add {s} netns {s} type veth peer name {c} netns {c}"),
            format!("-n {s} addr add {SERVER}/24 dev {s}"),
            format!("-n {s} addr add {RELAY}/24 dev {s}"),
            format!("-n {c} addr add {CLIENT}/24 dev {c}"),
            format!("-n {s} link set {s} up"),
            format!("-n {c} link set {c} up"),
            format!("-n {s} link set lo up"),
            format!("-n {c} link set lo up"),
        ] {
            ip(&line).await?;
        }
        if relayed {
            // The server would find its own way past the relays, by checks to the client's address.
            ip(&format!("-n {s} rule add blackhole from {SERVER} to {CLIENT} priority 1")).await?;
        }
        Ok(network)
    }

    /// Pulls or plugs the cable at the server's end.
    ///
    /// # Errors
    /// There is no cable.
    pub async fn set_link(&self, up: bool) -> anyhow::Result<()> {
        let Self::Cable { tag, .. } = self else { anyhow::bail!("loopback has no cable") };
        ip(&format!("-n {tag}s link set {tag}s {}", if up { "up" } else { "down" })).await
    }

    pub(crate) fn is_loopback(&self) -> bool {
        matches!(self, Self::Loopback)
    }

    pub(crate) fn server_address(&self) -> &'static str {
        if self.is_loopback() { "127.0.0.1" } else { SERVER }
    }

    pub(crate) fn server_interface(&self) -> String {
        match self {
            Self::Loopback => "lo".to_owned(),
            Self::Cable { tag, .. } => format!("{tag}s"),
        }
    }

    /// The address under which the candidate's client reaches the server.
    pub(crate) fn public_address(&self) -> &'static str {
        if self.is_relayed() { RELAY } else { self.server_address() }
    }

    pub(crate) fn is_relayed(&self) -> bool {
        matches!(self, Self::Cable { relayed: true, .. })
    }

    pub(crate) fn client_address(&self) -> &'static str {
        if self.is_loopback() { "127.0.0.1" } else { CLIENT }
    }

    /// A command that runs with the servers.
    pub fn server_command(&self, program: &Path) -> Command {
        self.command("s", program)
    }

    /// A command that runs with the client.
    pub fn client_command(&self, program: &Path) -> Command {
        self.command("c", program)
    }

    fn command(&self, end: &str, program: &Path) -> Command {
        match self {
            Self::Loopback => Command::new(program),
            Self::Cable { tag, .. } => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", &format!("{tag}{end}")]).arg(program);
                command
            }
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Self::Cable { tag, .. } = self {
            for end in ["s", "c"] {
                // Gone already after a failed start.
                let _ = std::process::Command::new("ip")
                    .args(["netns", "del", &format!("{tag}{end}")])
                    .stderr(Stdio::null())
                    .status();
            }
        }
    }
}

async fn ip(line: &str) -> anyhow::Result<()> {
    let output = Command::new("ip")
        .args(line.split(' '))
        .output()
        .await
        .context("`ip` (iproute2) is not installed")?;
    anyhow::ensure!(
        output.status.success(),
        "`ip {line}` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
