//! The real backend.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use adjourn_outbox::{Backend, BackendError};
use adjourn_protocol::{
    Event, EventPage, InterviewStatus, InviteLink, JoinAnswer, JoinRequest, Secret, TranscriptSource,
};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::network::command;
use super::process::{Child, curl};
use super::{Faketime, LiveKitServer, Network, Tools};
use crate::client_info;

/// Organiser's key of the testbed's backends.
pub const ORGANISER: &str = "testbed-organiser";

/// A running backend with its database.
#[derive(Debug)]
pub struct BackendServer {
    /// The process.
    pub process: Child,
    /// `http://…`
    pub url: String,
    command: Serve,
    log: PathBuf,
    /// For the organiser's questions; one, because each has its own certificates to load and connections to make.
    http: reqwest::Client,
}

/// Joins an interview by its link, as a client with that `join_id` would.
///
/// # Errors
/// The link can't be read, or the backend refuses.
pub async fn join(link: &str, join_id: &str) -> Result<JoinAnswer, BackendError> {
    let link = InviteLink::parse(link).map_err(|error| BackendError::Refused(error.to_string()))?;
    let request = JoinRequest::new(&link.code, &Secret::new(join_id), &client_info());
    Backend::new(&link.server)?.join(&request).await
}

/// How a backend is started, if not as usual.
#[derive(Clone, Debug, Default)]
pub struct BackendOptions {
    /// Another program than the one built here.
    pub program: Option<PathBuf>,
    /// Another database than a fresh SQLite file.
    pub database: Option<String>,
    /// Its address, if it must be known before (see [`BackendServer::address`]).
    pub listen: Option<String>,
    /// Everybody reaches it by another program.
    pub public_url: Option<String>,
    /// Another way to LiveKit than the direct one.
    pub livekit: Option<String>,
    /// Further arguments of `serve`.
    pub arguments: Vec<String>,
}

/// How it is started, each time.
#[derive(Debug)]
struct Serve {
    program: PathBuf,
    prefix: Vec<String>,
    listen: String,
    public_url: String,
    database: String,
    livekit: String,
    arguments: Vec<String>,
    clock: Option<Faketime>,
}

/// What was said in an interview.
#[derive(Clone, Debug, Deserialize)]
pub struct Transcript {
    /// By whose word.
    pub source: TranscriptSource,
    /// Turns.
    pub items: Vec<serde_json::Value>,
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
    /// Starts a backend, with a fresh database in `folder` unless told otherwise.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(
        folder: &Path,
        livekit: &LiveKitServer,
        network: &Network,
        options: BackendOptions,
    ) -> anyhow::Result<Self> {
        let program = options.program.map_or_else(|| Tools::binary("adjourn-backend"), Ok)?;
        let listen = match options.listen {
            Some(listen) => listen,
            None => Self::address()?,
        };
        let log = folder.join(format!("backend-{}.log", listen.rsplit(':').next().unwrap_or_default()));
        let file = || folder.join("backend.db").to_string_lossy().into_owned();
        let url = options.public_url.unwrap_or_else(|| format!("http://{listen}"));
        let command = Serve {
            program,
            prefix: network.client_prefix(),
            listen,
            public_url: url.clone(),
            database: options.database.unwrap_or_else(file),
            livekit: options.livekit.unwrap_or_else(|| livekit.public_url.clone()),
            arguments: options.arguments,
            clock: None,
        };
        let process = command.spawn(&log).await?;
        // The client takes plain http only from its own loopback: the backend lives on its side.
        Ok(Self { process, url, command, log, http: reqwest::Client::new() })
    }

    /// A free address for a backend.
    ///
    /// # Errors
    /// The system has no free port.
    pub fn address() -> anyhow::Result<String> {
        Ok(format!("127.0.0.1:{}", super::free_port()?))
    }

    /// Where a backend at this address is told what LiveKit's server did.
    pub fn webhook_at(url: &str) -> String {
        format!("{url}/v1/livekit/webhook")
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Kills it, as a crash would.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Starts it again on the same address and database.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill().await;
        self.process = self.command.spawn(&self.log).await?;
        Ok(())
    }

    /// As [`Self::restart`], with its clock so many days ahead.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart_ahead(&mut self, days: u32) -> anyhow::Result<()> {
        if days > 0 {
            let folder = self.log.parent().context("no folder")?;
            self.command.clock = Some(Faketime::new(folder, "backend", &format!("+{days}d"))?);
        }
        self.restart().await
    }

    /// Creates an interview, as an organiser would on the command line.
    ///
    /// # Errors
    /// The command fails.
    pub async fn invite(&self, policy: &str) -> anyhow::Result<Invitation> {
        self.invite_for(30, policy, 0).await
    }

    /// As [`Self::invite`], with the most minutes that it may take, and how many interviewers may be replaced.
    ///
    /// # Errors
    /// The command fails.
    pub async fn invite_for(
        &self,
        minutes: u32,
        policy: &str,
        replacements: u8,
    ) -> anyhow::Result<Invitation> {
        let (title, candidate, minutes) = ("Embedded engineer, first talk", "Sam", minutes.to_string());
        let replacements = replacements.to_string();
        let about = ["--title", title, "--candidate", candidate, "--minutes", &minutes, "--policy", policy];
        let about = [&about[..], &["--replacements", &replacements]].concat();
        let created = self.command(&[&["invite", "--json"], &about[..]].concat()).await?;
        Ok(serde_json::from_str(&created)?)
    }

    /// Runs another command of the backend's program on its database; gives what it prints.
    ///
    /// # Errors
    /// The command fails.
    pub async fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = command(&self.command.program, &[])
            .args(arguments)
            .env("ADJOURN_DATABASE", &self.command.database)
            .env("ADJOURN_PUBLIC_URL", &self.url)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{arguments:?} failed: {said}");
        Ok(String::from_utf8(output.stdout)?)
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

    /// What was said in an interview, and by whose word.
    ///
    /// # Errors
    /// The backend does not answer.
    pub async fn transcript(&self, id: &str) -> anyhow::Result<Transcript> {
        Ok(serde_json::from_slice(&self.get(&format!("v1/interviews/{id}/transcript")).await?)?)
    }

    /// A stored record of the client.
    ///
    /// # Errors
    /// There is none.
    pub async fn record(&self, id: &str, attempt: i64) -> anyhow::Result<Vec<u8>> {
        self.get(&format!("v1/interviews/{id}/attempts/{attempt}/records/client")).await
    }

    /// The feed from its beginning: the first thousand events.
    ///
    /// # Errors
    /// The backend does not answer.
    pub async fn events(&self) -> anyhow::Result<Vec<Event>> {
        let page: EventPage = serde_json::from_slice(&self.get("v1/events?limit=1000").await?)?;
        Ok(page.events)
    }

    /// The keys that receipts are signed with.
    ///
    /// # Errors
    /// The backend does not answer.
    pub async fn keys(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.get(".well-known/jwks.json").await?)?)
    }

    /// Sends a webhook that nobody signed; gives the answer's status.
    ///
    /// # Errors
    /// The backend does not answer.
    pub async fn forged_webhook(&self, room: &str) -> anyhow::Result<u16> {
        let body = serde_json::json!({"event": "room_finished", "id": "EV_forged", "room": {"name": room}});
        let request = self.http.post(Self::webhook_at(&self.url));
        Ok(request.json(&body).send().await?.status().as_u16())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/{path}", self.url);
        if self.command.prefix.is_empty() {
            let response = self.http.get(&url).bearer_auth(ORGANISER).send().await?.error_for_status()?;
            return Ok(response.bytes().await?.to_vec());
        }
        curl(self.asking().arg(&url)).await
    }

    /// curl on the backend's side of the network, with the organiser's key.
    fn asking(&self) -> Command {
        let mut command = command(Path::new("curl"), &self.command.prefix);
        command.args(["-H", &format!("Authorization: Bearer {ORGANISER}")]);
        command
    }
}

impl Serve {
    async fn spawn(&self, log: &Path) -> anyhow::Result<Child> {
        let mut command = command(&self.program, &self.prefix);
        command
            .args(["serve", "--listen", &self.listen, "--livekit-url", &self.livekit])
            .args(["--public-url", &self.public_url])
            .args(["--database", &self.database, "--livekit-key", super::livekit::KEY])
            .args(&self.arguments)
            .env("LIVEKIT_API_SECRET", super::livekit::SECRET)
            .env("ADJOURN_ORGANISER_KEY", ORGANISER)
            .stdout(std::process::Stdio::null());
        if let Some(clock) = &self.clock {
            clock.give(&mut command);
        }
        let mut process = Child::start("adjourn-backend", &mut command, log)?;
        process.until_it_says("serving", Duration::from_secs(10), "the backend's start").await?;
        Ok(process)
    }
}
