//! Servers as an organiser with many interviews runs them: two livekit-servers on one Redis, two backends on one Postgres,
//! haproxy before both. Everything on the loopback interface.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::backend::{BackendOptions, BackendServer};
use super::livekit::{LiveKitServer, ServerOptions};
use super::process::{Child, until};
use super::{Network, Postgres, Tools, free_port};

/// What stands behind one address.
#[derive(Debug)]
pub struct Fleet {
    proxy: Child,
    proxy_config: PathBuf,
    redis: Child,
    redis_port: u16,
    /// The second livekit-server; the first one is the testbed's own.
    pub node: LiveKitServer,
    /// The second backend.
    pub backend: BackendServer,
    folder: PathBuf,
}

/// A part of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// haproxy.
    Proxy,
    /// Redis.
    Redis,
}

/// The parts that were started, with the testbed's own among them: their addresses are the fleet's.
pub struct Started {
    /// The fleet.
    pub fleet: Fleet,
    /// The first livekit-server.
    pub livekit: LiveKitServer,
    /// The first backend.
    pub backend: BackendServer,
    /// Their database.
    pub postgres: Postgres,
}

impl Fleet {
    /// Starts one.
    ///
    /// # Errors
    /// A part does not start.
    pub async fn start(tools: &Tools, folder: &Path, arguments: &[String]) -> anyhow::Result<Started> {
        let (front, api, redis_port) = (free_port()?, free_port()?, free_port()?);
        let redis = redis(folder, redis_port).await?;
        let api_url = format!("http://127.0.0.1:{api}");
        let options = || ServerOptions {
            redis: Some(format!("127.0.0.1:{redis_port}")),
            webhooks: vec![BackendServer::webhook_at(&api_url)],
            public: Some(front),
            ..ServerOptions::default()
        };
        let (first, second) = (folder.to_owned(), folder.join("node-2"));
        std::fs::create_dir_all(&second)?;
        let livekit = LiveKitServer::start(tools, &first, &Network::Loopback, options()).await?;
        let node = LiveKitServer::start(tools, &second, &Network::Loopback, options()).await?;
        let postgres = Postgres::start(folder).await?;
        let listen = [BackendServer::address()?, BackendServer::address()?];
        let mut backends = Vec::new();
        for listen in &listen {
            let options = BackendOptions {
                database: Some(postgres.url()),
                listen: Some(listen.clone()),
                public_url: Some(api_url.clone()),
                arguments: [&["--trusted-proxy".to_owned(), "127.0.0.1".to_owned()], arguments].concat(),
                ..BackendOptions::default()
            };
            backends.push(BackendServer::start(folder, &livekit, &Network::Loopback, options).await?);
        }
        let (Some(other), Some(backend)) = (backends.pop(), backends.pop()) else {
            anyhow::bail!("no backends");
        };
        let proxy_config = folder.join("haproxy.cfg");
        let config = config(front, &[livekit.ports[0], node.ports[0]], api, &listen);
        std::fs::write(&proxy_config, config)?;
        let proxy = haproxy(folder, &proxy_config, front).await?;
        let fleet =
            Self { proxy, proxy_config, redis, redis_port, node, backend: other, folder: folder.to_owned() };
        Ok(Started { fleet, livekit, backend, postgres })
    }

    /// Kills a part.
    pub async fn kill(&mut self, member: Member) {
        match member {
            Member::Proxy => self.proxy.kill().await,
            Member::Redis => self.redis.kill().await,
        }
    }

    /// Starts a part again on its address; a Redis has what it wrote down.
    ///
    /// # Errors
    /// It does not start.
    pub async fn again(&mut self, member: Member) -> anyhow::Result<()> {
        match member {
            Member::Proxy => {
                let port = self.node.public_port()?;
                self.proxy = haproxy(&self.folder, &self.proxy_config, port).await?;
            }
            Member::Redis => self.redis = redis(&self.folder, self.redis_port).await?,
        }
        Ok(())
    }

    /// Whether the second server holds a room, as Redis knows it.
    ///
    /// # Errors
    /// Redis does not answer, or no server holds the room.
    pub async fn is_in_second(&self, room: &str, first: &LiveKitServer) -> anyhow::Result<bool> {
        let output = Command::new("redis-cli")
            .args(["-p", &self.redis_port.to_string(), "hget", "room_node_map", room])
            .output()
            .await
            .context("redis-cli can't be run")?;
        let node = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let holds = |server: &LiveKitServer| server.node_id().map(|id| !node.is_empty() && id == node);
        match (holds(first)?, holds(&self.node)?) {
            (true, false) => Ok(false),
            (false, true) => Ok(true),
            _ => anyhow::bail!("no server holds the room {room} (Redis says {node:?})"),
        }
    }
}

/// haproxy's configuration: who is marked as down loses its connections, who can't be reached is passed over.
fn config(front: u16, nodes: &[u16], api: u16, backends: &[String]) -> String {
    let servers = |addresses: Vec<String>| -> String {
        let lines = addresses.iter().enumerate();
        lines.map(|(n, address)| format!("    server s{n} {address}\n")).collect()
    };
    let nodes = servers(nodes.iter().map(|port| format!("127.0.0.1:{port}")).collect());
    let backends = servers(backends.to_vec());
    format!(
        "global\n    maxconn 2000\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 1h\n    timeout server 1h\n    \
         timeout tunnel 1h\n    option redispatch\n    retries 3\n    \
         default-server check inter 500ms fastinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions\n\
         frontend livekit\n    bind 127.0.0.1:{front}\n    default_backend nodes\n\
         backend nodes\n    balance roundrobin\n    option httpchk GET /\n    timeout check 1s\n{nodes}\
         frontend api\n    bind 127.0.0.1:{api}\n    option forwardfor\n    default_backend backends\n\
         backend backends\n    balance roundrobin\n    option httpchk GET /readyz\n    timeout check 1s\n    \
         retry-on conn-failure\n{backends}"
    )
}

async fn haproxy(folder: &Path, config: &Path, port: u16) -> anyhow::Result<Child> {
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(config).stdout(std::process::Stdio::null());
    let mut process = Child::start("haproxy", &mut command, &folder.join("haproxy.log"))?;
    until(&mut process, Duration::from_secs(10), "haproxy's start", || listens(port)).await?;
    Ok(process)
}

async fn redis(folder: &Path, port: u16) -> anyhow::Result<Child> {
    let mut command = Command::new("redis-server");
    // Each change is on disk: one that is killed comes back with what it knew.
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--appendonly", "yes"])
        // A title would be written over its environment, where it says whose it is.
        .args(["--set-proc-title", "no"])
        .args(["--appendfsync", "always", "--dir"])
        .arg(folder)
        .stdout(std::process::Stdio::null());
    let mut process = Child::start("redis-server", &mut command, &folder.join("redis.log"))?;
    until(&mut process, Duration::from_secs(10), "redis-server's start", || listens(port)).await?;
    Ok(process)
}

async fn listens(port: u16) -> bool {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}
