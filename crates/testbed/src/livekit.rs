//! A real livekit-server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use anyhow::Context as _;

use super::process::{Child, curl};
use super::{Network, Tools};

/// API key of the testbed's servers.
pub const KEY: &str = "testbed-key";
/// API secret of the testbed's servers; they listen on loopback or in a namespace of the testbed.
pub const SECRET: &str = "testbed-secret-testbed-secret-000";

/// How a server is started, if not as usual.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// It makes rooms by itself as they are joined.
    pub auto_create: bool,
    /// The addresses that it tells what happens.
    pub webhooks: Vec<String>,
    /// Most participants of a room; 0: any number.
    pub max_participants: u32,
    /// The Redis that it shares with others.
    pub redis: Option<String>,
    /// Everybody reaches it by this port of another program.
    pub public: Option<u16>,
}

/// A running server.
#[derive(Debug)]
pub struct LiveKitServer {
    /// The process.
    pub process: Child,
    /// `ws://…`
    pub url: String,
    /// The same for the candidate's client, through the relays if there are any.
    pub public_url: String,
    /// Ports: HTTP, ICE over TCP, ICE over UDP.
    pub(super) ports: [u16; 3],
    config: PathBuf,
    log: PathBuf,
}

impl LiveKitServer {
    /// Starts a server on free ports; ready when it answers.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(
        tools: &Tools,
        folder: &Path,
        network: &Network,
        options: ServerOptions,
    ) -> anyhow::Result<Self> {
        let ServerOptions { auto_create, webhooks, max_participants, redis, public } = options;
        let (http, tcp, udp) = (super::free_port()?, super::free_port()?, super::free_port()?);
        let address = network.server_address();
        let interface = network.server_interface();
        let webhooks = if webhooks.is_empty() {
            String::new()
        } else {
            format!("webhook: {{api_key: {KEY}, urls: [\"{}\"]}}\n", webhooks.join("\", \""))
        };
        let redis = redis.map_or_else(String::new, |address| format!("redis: {{address: \"{address}\"}}\n"));
        let config = format!(
            "port: {http}\nbind_addresses: [{address}]\nrtc:\n  tcp_port: {tcp}\n  udp_port: {udp}\n  node_ip: {node_ip}\n  \
             use_external_ip: false\n  enable_loopback_candidate: {loopback}\n  interfaces: {{includes: [{interface}]}}\n  \
             ips: {{includes: [{address}/32]}}\nroom: {{auto_create: {auto_create}, max_participants: {max_participants}}}\nkeys: {{{KEY}: {SECRET}}}\nlogging: {{level: info}}\n{webhooks}{redis}",
            loopback = network.is_loopback(),
            node_ip = network.public_address(),
        );
        let path = folder.join("livekit.yaml");
        std::fs::write(&path, config)?;
        let log = folder.join("livekit.log");
        let process = spawn(tools, network, &path, &log).await?;
        let public = public.unwrap_or(http);
        let public_url = format!("ws://{}:{public}", network.public_address());
        let url = format!("ws://{address}:{public}");
        Ok(Self { process, url, public_url, ports: [http, tcp, udp], config: path, log })
    }

    /// Its name among the servers that share a Redis.
    ///
    /// # Errors
    /// It did not say it.
    pub fn node_id(&self) -> anyhow::Result<String> {
        let said = self.process.said();
        // The first is its own; later lines tell of others.
        let (_, rest) = said.split_once("\"nodeID\": \"").context("livekit-server did not say its id")?;
        Ok(rest.chars().take_while(|letter| *letter != '"').collect())
    }

    /// The port by which everybody reaches it.
    pub(super) fn public_port(&self) -> anyhow::Result<u16> {
        let port = self.url.rsplit(':').next().and_then(|port| port.parse().ok());
        port.context("a server without a port")
    }

    /// Starts it again on the same address; its rooms are forgotten.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self, tools: &Tools, network: &Network) -> anyhow::Result<()> {
        self.process.kill().await;
        self.process = spawn(tools, network, &self.config, &self.log).await?;
        Ok(())
    }

    /// A call of the server's API (Twirp): service and method, and the request as JSON.
    ///
    /// # Errors
    /// The server refuses or does not answer.
    pub async fn call(
        &self,
        network: &Network,
        method: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        let url = format!("{}/twirp/livekit.{method}", self.url.replacen("ws", "http", 1));
        let room = body["room"].as_str().unwrap_or_default();
        let video =
            serde_json::json!({"roomCreate": true, "roomAdmin": true, "roomList": true, "room": room});
        let token = signed("testbed", 60, &video, None, None)?;
        let mut command = network.server_command(Path::new("curl"));
        command
            .args(["--max-time", "5", "-H", "Content-Type: application/json", "-H"])
            .arg(format!("Authorization: Bearer {token}"))
            .args(["-d", &body.to_string(), &url]);
        let answer = curl(&mut command).await;
        let answer = answer.with_context(|| format!("livekit-server refused {method}"))?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Gives a process the server's address and keys.
    pub fn give(&self, command: &mut Command) {
        command.env("LIVEKIT_URL", &self.url).env("LIVEKIT_API_KEY", KEY).env("LIVEKIT_API_SECRET", SECRET);
    }
}

/// An access token for a room of the testbed's servers.
///
/// # Errors
/// Signing failed.
pub fn token(room: &str, identity: &str) -> anyhow::Result<String> {
    token_valid_until(room, identity, 3_600)
}

/// As [`token`], valid until `seconds` from now (negative: expired).
///
/// # Errors
/// Signing failed.
pub fn token_valid_until(room: &str, identity: &str, seconds: i64) -> anyhow::Result<String> {
    signed(identity, seconds, &joining(room), None, None)
}

/// What livekit-server puts into the header of a webhook with this body.
///
/// # Errors
/// Signing failed.
pub fn webhook_token(body: &str) -> anyhow::Result<String> {
    use base64::Engine as _;
    let digest = base64::engine::general_purpose::STANDARD
        .encode(hex::decode(adjourn_protocol::sha256(body.as_bytes()))?);
    let now = super::unix_now() as i64;
    let claims = serde_json::json!({"iss": KEY, "nbf": now - 10, "exp": now + 300, "sha256": digest});
    signature(&claims)
}

/// What an actor joins as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A person.
    Person,
    /// An agent.
    Agent,
    /// The avatar of an agent, by that one's identity.
    AvatarOf(String),
}

/// A token for a participant that the testbed plays, as an agent if wanted.
pub(super) fn actor_token(room: &str, identity: &str, kind: &ActorKind) -> anyhow::Result<String> {
    let mut video = joining(room);
    video["canUpdateOwnMetadata"] = true.into();
    let (kind, attributes) = match kind {
        ActorKind::Person => (None, None),
        ActorKind::Agent => (Some("agent"), None),
        ActorKind::AvatarOf(whom) => {
            (Some("agent"), Some(serde_json::json!({ "lk.publish_on_behalf": whom })))
        }
    };
    signed(identity, 3_600, &video, kind, attributes)
}

fn joining(room: &str) -> serde_json::Value {
    serde_json::json!({
        "roomJoin": true, "room": room, "canPublish": true, "canSubscribe": true, "canPublishData": true,
    })
}

pub(super) fn signed(
    identity: &str,
    seconds: i64,
    video: &serde_json::Value,
    kind: Option<&str>,
    attributes: Option<serde_json::Value>,
) -> anyhow::Result<String> {
    let now = super::unix_now() as i64;
    let mut claims = serde_json::json!({
        "iss": KEY, "sub": identity, "nbf": now - 7_200, "exp": now + seconds, "video": video,
    });
    if let Some(kind) = kind {
        claims["kind"] = kind.into();
    }
    if let Some(attributes) = attributes {
        claims["attributes"] = attributes;
    }
    signature(&claims)
}

fn signature(claims: &serde_json::Value) -> anyhow::Result<String> {
    signature_by(SECRET, claims)
}

fn signature_by(secret: &str, claims: &serde_json::Value) -> anyhow::Result<String> {
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key)?)
}

/// A token of the testbed's servers with other claims, or signed with another secret.
pub fn resigned(
    token: &str,
    secret: Option<&str>,
    change: &dyn Fn(&mut serde_json::Value),
) -> anyhow::Result<String> {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).context("no token")?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload)?;
    let mut claims = serde_json::from_slice(&payload)?;
    change(&mut claims);
    signature_by(secret.unwrap_or(SECRET), &claims)
}

async fn spawn(tools: &Tools, network: &Network, config: &Path, log: &Path) -> anyhow::Result<Child> {
    let mut command = network.server_command(&tools.livekit_server);
    command.arg("--config").arg(config).stdout(std::process::Stdio::null());
    let mut process = Child::start("livekit-server", &mut command, log)?;
    let started = "starting LiveKit server";
    process.until_it_says(started, Duration::from_secs(15), "livekit-server's start").await?;
    Ok(process)
}
