//! `adjourn-testbed`: the parts of the testbed that run as processes of their own.

#![allow(
    clippy::print_stdout,
    reason = "an entry point's answer goes to standard output, and why it failed to standard error"
)]

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use adjourn_testbed::{Testbed, fault_proxy, relay};
use anyhow::Context as _;
use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Real parts for tests.
#[derive(Parser)]
#[command(version)]
enum Program {
    /// Starts livekit-server and a backend, says where they are (a line of JSON), takes orders (lines of JSON) and ends with
    /// its standard input.
    Up {
        /// Folder for everything that they leave behind.
        #[arg(long)]
        folder: PathBuf,
    },
    /// Relays a client's UDP and makes it suffer; orders are lines of JSON.
    #[command(hide = true)]
    Relay {
        /// Where the client sends to.
        #[arg(long)]
        listen: SocketAddr,
        /// Where it goes.
        #[arg(long)]
        forward: SocketAddr,
        /// Whose packets suffer.
        #[arg(long)]
        client: IpAddr,
        /// Seed of chance.
        #[arg(long)]
        seed: u64,
    },
    /// Stands between a client and the backend, and loses, delays and forges; orders are lines of JSON.
    #[command(hide = true)]
    Proxy {
        /// Where the client comes to.
        #[arg(long)]
        listen: SocketAddr,
        /// The backend.
        #[arg(long)]
        forward: SocketAddr,
        /// Folder with certificates: it speaks TLS.
        #[arg(long)]
        tls: Option<PathBuf>,
    },
}

/// An order to a testbed that is up; each is answered with the line of [`Up`].
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum UpCommand {
    /// Kills the backend, as a crash would.
    KillBackend,
    /// Starts it again, on the same address and database.
    StartBackend,
}

/// What is up.
#[derive(Serialize)]
struct Up<'a> {
    /// `ws://…`
    livekit: &'a str,
    /// Key and secret of its API.
    livekit_key: &'static str,
    livekit_secret: &'static str,
    /// `http://…`
    backend: &'a str,
    /// Process id of the backend.
    backend_pid: i32,
    /// The backend's database file.
    database: PathBuf,
    /// The organiser's key at the backend.
    organiser: &'static str,
}

#[tokio::main]
async fn main() {
    let code = match run(Program::parse()).await {
        Ok(()) => 0,
        Err(error) => {
            adjourn_testbed::tell!("adjourn-testbed: {error:#}");
            1
        }
    };
    // At once: a thread that reads standard input would hold the process until that ends.
    std::process::exit(code)
}

async fn run(program: Program) -> anyhow::Result<()> {
    match program {
        // A signal drops the work, and with it every process that it started.
        Program::Up { folder } => tokio::select! {
            result = up(folder) => result,
            told = adjourn_client::told_to_end() => told.context("no signals"),
        },
        Program::Relay { listen, forward, client, seed } => relay::serve(listen, forward, client, seed).await,
        Program::Proxy { listen, forward, tls } => {
            fault_proxy::serve(fault_proxy::Options { listen, forward, tls }).await
        }
    }
}

async fn up(folder: PathBuf) -> anyhow::Result<()> {
    // Whoever reads where the database is may be somewhere else.
    let folder = std::path::absolute(folder)?;
    std::fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
    let mut testbed = Testbed::builder().folder(&folder).start().await?;
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    loop {
        let up = Up {
            livekit: &testbed.livekit.url,
            livekit_key: adjourn_testbed::KEY,
            livekit_secret: adjourn_testbed::SECRET,
            backend: &testbed.backend.url,
            backend_pid: testbed.backend.process.pid(),
            database: folder.join("backend.db"),
            organiser: adjourn_testbed::ORGANISER,
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&up)?)?;
        out.flush()?;
        drop(out);
        let Some(line) = orders.next_line().await? else { return Ok(()) };
        match serde_json::from_str(&line) {
            Ok(UpCommand::KillBackend) => testbed.backend.kill().await,
            Ok(UpCommand::StartBackend) => testbed.backend.restart().await?,
            // Whoever waits for an answer gets it: nothing has changed.
            Err(error) => adjourn_testbed::tell!("adjourn-testbed: no order: {error}"),
        }
    }
}
