//! The real backend.

use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_outbox::wire::InterviewStatus;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::process::{Child, curl, until};
use super::{LiveKitServer, Network, Tools};

const ORGANISER: &str = "lab-organiser";

/// A running backend with its database.
#[derive(Debug)]
pub struct BackendServer {
    /// The process.
    pub process: Child,
    /// `http://…`
    pub url: String,
    database: PathBuf,
    program: PathBuf,
    log: PathBuf,
    listen: String,
    livekit: String,
    network_prefix: Vec<String>,
}

/// An interview that was created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// Interview id.
    pub id: String,
    /// The candidate's link.
    pub link: String,
}

impl BackendServer {
    /// Starts a backend with a fresh database.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(folder: &Path, livekit: &LiveKitServer, network: &Network) -> anyhow::Result<Self> {
        Self::start_program(None, folder, livekit, network).await
    }

    /// As [`Self::start`], with another program than the one built here.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_program(
        program: Option<PathBuf>,
        folder: &Path,
        livekit: &LiveKitServer,
        network: &Network,
    ) -> anyhow::Result<Self> {
        let program = program.map_or_else(|| Tools::binary("adjourn-backend"), Ok)?;
        let listen = format!("127.0.0.1:{}", super::free_port()?);
        let network_prefix = match network {
            Network::Loopback => Vec::new(),
            Network::Cable { tag, .. } => vec!["ip".into(), "netns".into(), "exec".into(), format!("{tag}c")],
        };
        let (database, log) = (folder.join("backend.db"), folder.join("backend.log"));
        // The client takes plain http only from its own loopback: the backend lives on its side.
        let url = format!("http://{listen}");
        let process =
            Self::spawn(&program, &network_prefix, &listen, &database, &livekit.public_url, &log).await?;
        Ok(Self {
            process,
            url,
            database,
            program,
            log,
            listen,
            livekit: livekit.public_url.clone(),
            network_prefix,
        })
    }

    async fn spawn(
        program: &Path,
        prefix: &[String],
        listen: &str,
        database: &Path,
        livekit: &str,
        log: &Path,
    ) -> anyhow::Result<Child> {
        let mut command = command(program, prefix);
        command
            .args(["serve", "--listen", listen, "--livekit-url", livekit])
            .arg("--database")
            .arg(database)
            .args(["--livekit-key", super::livekit::KEY])
            .env("LIVEKIT_API_SECRET", super::livekit::SECRET)
            .env("ADJOURN_ORGANISER_KEY", ORGANISER)
            .stdout(std::process::Stdio::null());
        let mut process = Child::start("adjourn-backend", &mut command, log)?;
        until(&mut process, Duration::from_secs(10), "the backend's start", || {
            std::future::ready(std::fs::read_to_string(log).is_ok_and(|text| text.contains("serving")))
        })
        .await?;
        Ok(process)
    }

    /// Starts it again on the same address and database.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill().await;
        self.process = Self::spawn(
            &self.program,
            &self.network_prefix,
            &self.listen,
            &self.database,
            &self.livekit,
            &self.log,
        )
        .await?;
        Ok(())
    }

    /// Creates an interview, as an organiser would on the command line.
    ///
    /// # Errors
    /// The command fails.
    pub async fn invite(&self, policy: &str) -> anyhow::Result<Invitation> {
        let output = command(&self.program, &[])
            .args([
                "invite",
                "--json",
                "--title",
                "Embedded engineer, first talk",
                "--candidate",
                "Sam",
                "--policy",
                policy,
            ])
            .args(["--public-url", &self.url])
            .arg("--database")
            .arg(&self.database)
            .output()
            .await?;
        anyhow::ensure!(
            output.status.success(),
            "invite failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Where an interview stands, as the organiser sees it.
    ///
    /// # Errors
    /// The backend does not answer.
    pub async fn status(&self, id: &str) -> anyhow::Result<InterviewStatus> {
        let text = self.get(&format!("v1/interviews/{id}")).await?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// The organiser ends an interview, which closes its room.
    ///
    /// # Errors
    /// The backend does not answer.
    pub async fn end(&self, id: &str) -> anyhow::Result<()> {
        let url = format!("{}/v1/interviews/{id}/end", self.url);
        curl(self.asking().args(["-X", "POST", &url])).await.map(|_| ())
    }

    /// A stored record of the client.
    ///
    /// # Errors
    /// There is none.
    pub async fn record(&self, id: &str, attempt: i64) -> anyhow::Result<Vec<u8>> {
        self.get(&format!("v1/interviews/{id}/attempts/{attempt}/records/client")).await
    }

    /// The keys that receipts are signed with.
    ///
    /// # Errors
    /// The backend does not answer.
    pub async fn keys(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.get(".well-known/jwks.json").await?)?)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/{path}", self.url);
        if self.network_prefix.is_empty() {
            let response =
                reqwest::Client::new().get(&url).bearer_auth(ORGANISER).send().await?.error_for_status()?;
            return Ok(response.bytes().await?.to_vec());
        }
        curl(self.asking().arg(&url)).await
    }

    /// curl on the backend's side of the network, with the organiser's key.
    fn asking(&self) -> Command {
        let mut command = command(Path::new("curl"), &self.network_prefix);
        command.args(["-H", &format!("Authorization: Bearer {ORGANISER}")]);
        command
    }
}

fn command(program: &Path, prefix: &[String]) -> Command {
    match prefix.split_first() {
        None => Command::new(program),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}
