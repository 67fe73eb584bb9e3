//! The relays between a candidate's client and the server: our own for UDP, toxiproxy for TCP.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::process::ChildStdin;

use super::process::{Child, LineReader, curl, tell, until};
use super::{Impairment, LiveKitServer, Network, Tools};
use serde::Deserialize;

/// Where toxiproxy takes orders, within the relays' namespace.
const ORDERS: &str = "127.0.0.1:8474";

/// The candidate's signalling connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signalling {
    /// Nothing passes, and no connection is closed.
    Dead,
    /// Open connections are reset, new ones refused.
    Refused,
    /// Everything passes again.
    Alive,
}

/// Running relays.
#[derive(Debug)]
pub struct Relays {
    _udp: Child,
    udp_orders: ChildStdin,
    _udp_lines: LineReader,
    tcp: Child,
}

impl Relays {
    /// Starts relays on every port of the server.
    ///
    /// # Errors
    /// One of them does not start.
    pub async fn start(
        folder: &Path,
        livekit: &LiveKitServer,
        network: &Network,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let (public, server) = (network.public_address(), network.server_address());
        let [http, tcp, udp] = livekit.ports;
        let mut command = network.relay_command(&Tools::binary("adjourn-testbed")?);
        command
            .args(["relay", "--listen", &format!("{public}:{udp}"), "--forward", &format!("{server}:{udp}")])
            .args(["--client", network.client_address(), "--seed", &seed.to_string()]);
        let (udp, udp_orders, lines) =
            Child::start_talking("the UDP relay", &mut command, &folder.join("relay.log"))?;
        let proxies: Vec<_> = [("signalling", http), ("media", tcp)]
            .map(|(name, port)| {
                json!({
                    "name": name, "listen": format!("{public}:{port}"),
                    "upstream": format!("{server}:{port}"), "enabled": true,
                })
            })
            .into();
        let config: PathBuf = folder.join("toxiproxy.json");
        std::fs::write(&config, serde_json::to_vec(&proxies)?)?;
        let mut command = network.relay_command(&Tools::toxiproxy()?);
        command.arg("-config").arg(&config).stdout(std::process::Stdio::null());
        let tcp = Child::start("toxiproxy", &mut command, &folder.join("toxiproxy.log"))?;
        let mut relays = Self { _udp: udp, udp_orders, _udp_lines: lines, tcp };
        until(&mut relays.tcp, Duration::from_secs(10), "toxiproxy's start", || async {
            order(network, "GET", "proxies", None).await.is_ok()
        })
        .await?;
        Ok(relays)
    }

    /// Changes what the client's UDP suffers.
    ///
    /// # Errors
    /// The relay is gone.
    pub async fn impairment(&mut self, impairment: &Impairment) -> anyhow::Result<()> {
        tell(&mut self.udp_orders, &serde_json::to_string(impairment)?).await.context("the UDP relay is gone")
    }

    /// Changes what happens to the client's TCP.
    ///
    /// # Errors
    /// toxiproxy does not answer.
    pub async fn signalling(&mut self, network: &Network, how: Signalling) -> anyhow::Result<()> {
        let proxy = "proxies/signalling";
        match how {
            Signalling::Dead => {
                // A timeout of 0 holds everything back and closes nothing (toxiproxy's README).
                for stream in ["upstream", "downstream"] {
                    let toxic = json!({
                        "name": stream, "type": "timeout", "stream": stream, "attributes": {"timeout": 0},
                    });
                    order(network, "POST", &format!("{proxy}/toxics"), Some(&toxic)).await?;
                }
            }
            Signalling::Refused => {
                order(network, "POST", proxy, Some(&json!({"enabled": false}))).await?;
            }
            Signalling::Alive => {
                order(network, "POST", proxy, Some(&json!({"enabled": true}))).await?;
                for stream in ["upstream", "downstream"] {
                    // Absent unless it was dead.
                    let _ = order(network, "DELETE", &format!("{proxy}/toxics/{stream}"), None).await;
                }
            }
        }
        Ok(())
    }
}

async fn order(
    network: &Network,
    method: &str,
    path: &str,
    body: Option<&serde_json::Value>,
) -> anyhow::Result<()> {
    let mut command = network.relay_command(Path::new("curl"));
    command.args(["--max-time", "5", "-X", method]);
    if let Some(body) = body {
        command.args(["-H", "Content-Type: application/json", "-d", &body.to_string()]);
    }
    let answer = curl(command.arg(format!("http://{ORDERS}/{path}"))).await;
    answer.map(|_| ()).with_context(|| format!("toxiproxy did not {method} {path}"))
}
