//! The proxy between a candidate's client and the backend, as a process of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::{ChildStdin, Command};

use super::certificate::NAME;
use super::process::{Child, tell, text_of, whole_lines};
use super::{Network, Tools, authority, certificate, free_port, look};
use crate::fault_proxy::{Fault, Passed, ProxyCommand};

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    _process: Child,
    orders: ChildStdin,
    log: PathBuf,
    /// Its address for the client.
    pub url: String,
    /// The certificate that a client must trust to come in, if it speaks TLS.
    pub authority: Option<PathBuf>,
    done: usize,
}

impl Proxy {
    /// Starts a proxy before `backend` (`host:port`); with `tls` it is `https://interviews.test:…`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(folder: &Path, network: &Network, backend: &str, tls: bool) -> anyhow::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let command = network.client_command(&Tools::binary("adjourn-testbed")?);
        Self::start_with(folder, command, &address, backend, tls).await
    }

    /// Starts one on the client's side and one on the interviewer's, both at `address`, so that the backend is on the loopback of both.
    ///
    /// # Errors
    /// One does not start.
    pub async fn on_both_sides(
        folder: &Path,
        network: &Network,
        address: &str,
        backend: &str,
    ) -> anyhow::Result<(Self, Self)> {
        let program = Tools::binary("adjourn-testbed")?;
        let far = folder.join("interviewer");
        std::fs::create_dir_all(&far)?;
        let client =
            Self::start_with(folder, network.client_command(&program), address, backend, false).await?;
        let worker =
            Self::start_with(&far, network.worker_command(&program), address, backend, false).await?;
        Ok((client, worker))
    }

    async fn start_with(
        folder: &Path,
        mut command: Command,
        address: &str,
        backend: &str,
        tls: bool,
    ) -> anyhow::Result<Self> {
        command.args(["proxy", "--listen", address, "--forward", backend]);
        let authority = if tls {
            let keys = folder.join("tls");
            std::fs::create_dir_all(&keys)?;
            let authority = authority(&keys)?;
            certificate(&keys, "good", Some(&keys))?;
            certificate(&keys, "evil", None)?;
            command.arg("--tls").arg(&keys);
            Some(authority)
        } else {
            None
        };
        let log = folder.join("proxy.jsonl");
        command.stdin(std::process::Stdio::piped()).stdout(std::fs::File::create(&log)?);
        let (process, orders) = Child::start_ordered("the proxy", &mut command, &folder.join("proxy.log"))?;
        let port = address.rsplit(':').next().unwrap_or_default();
        let url = if tls { format!("https://{NAME}:{port}") } else { format!("http://{address}") };
        let mut proxy = Self { _process: process, orders, log, url, authority, done: 0 };
        proxy.said("ready", 1).await?;
        Ok(proxy)
    }

    /// From now on these faults and no others.
    ///
    /// # Errors
    /// The proxy is gone.
    pub async fn faults(&mut self, faults: Vec<Fault>) -> anyhow::Result<()> {
        self.order(&ProxyCommand::Faults(faults)).await
    }

    /// Shows another certificate: `good` or `evil`.
    ///
    /// # Errors
    /// The proxy is gone.
    pub async fn show(&mut self, certificate: &str) -> anyhow::Result<()> {
        self.order(&ProxyCommand::Certificate(certificate.to_owned())).await
    }

    async fn order(&mut self, order: &ProxyCommand) -> anyhow::Result<()> {
        tell(&mut self.orders, &serde_json::to_string(order)?).await.context("the proxy is gone")?;
        self.done += 1;
        self.said("done", self.done).await
    }

    async fn said(&mut self, word: &str, times: usize) -> anyhow::Result<()> {
        let text = || text_of(&self.log);
        let there = || (text().lines().filter(|line| *line == word).count() >= times).then_some(());
        look(Duration::from_secs(10), there).await.with_context(|| format!("the proxy is not {word}"))
    }

    /// Every request that came through so far.
    pub fn passed(&self) -> Vec<Passed> {
        whole_lines(&self.log).0
    }

    /// What it wrote that is neither a request nor an answer to an order.
    pub fn unreadable(&self) -> Vec<String> {
        let (_, others) = whole_lines::<Passed>(&self.log);
        others.into_iter().filter(|line| !["ready", "done"].contains(&line.as_str())).collect()
    }
}
