//! The same scenario with LiveKit's own web client in the candidate's place: livekit-client with `useSession`
//! and `useAgent`, as their documentation says, in Debian's Chromium (`qa/baseline/`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::process::Command;
use tokio::sync::watch;

use super::bed::ScenarioBed;
use super::seen::Seen;
use super::subject::Subject;
use super::timeline::{Lane, Mark};
use crate::scenario::{Place, Scenario};
use adjourn_testbed::{LineReader, LiveKitServer, Network, Tools, token};

/// How long a page that says nothing is watched.
const WATCHED: Duration = Duration::from_secs(75);

/// What the baseline's page showed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BaselineReport {
    /// Scenario.
    pub id: String,
    /// Seed.
    pub seed: u64,
    /// Seconds since 1970 when the clock started.
    pub fault_at: f64,
    /// Seconds until the page says that it is over; `None`: never, in the time it was watched.
    pub ended_s: Option<f64>,
    /// Seconds that the page was watched at most.
    pub watched_s: f64,
    /// What the page shows at the end.
    pub shows: String,
    /// Why the run gave no figure.
    pub broken: Option<String>,
}

/// One line of the page.
#[derive(Clone, Debug, Deserialize)]
struct Shown {
    at: f64,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    agent: String,
    #[serde(default)]
    failures: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    hears: bool,
}

/// Runs a scenario with the baseline.
///
/// # Errors
/// The scenario has a cable: the baseline's browser lives on the loopback interface.
pub async fn run(scenario: &Scenario, seed: u64, folder: &Path) -> anyhow::Result<BaselineReport> {
    anyhow::ensure!(scenario.network == Place::Loopback, "{}: the baseline has no cable", scenario.id);
    std::fs::create_dir_all(folder)?;
    let line = match watched(scenario, seed, folder).await {
        Ok(line) => line,
        Err(error) => BaselineReport {
            id: scenario.id.clone(),
            seed,
            fault_at: 0.0,
            ended_s: None,
            watched_s: 0.0,
            shows: String::new(),
            broken: Some(format!("{error:#}")),
        },
    };
    std::fs::write(folder.join("baseline.json"), serde_json::to_vec(&line)?)?;
    Ok(line)
}

async fn watched(scenario: &Scenario, seed: u64, folder: &Path) -> anyhow::Result<BaselineReport> {
    let mut bed = ScenarioBed::start(scenario, folder, seed, Subject::Baseline).await?;
    let played = super::steps::play(scenario, &mut bed).await?;
    // A page that says nothing is a result, not a mistake.
    let _ = bed.wait(WATCHED, "the end", |seen| seen.completed_at.is_some()).await;
    let seen = bed.seen.borrow().clone();
    bed.write_timeline(Vec::new())?;
    Ok(BaselineReport {
        id: scenario.id.clone(),
        seed,
        fault_at: played.clock,
        ended_s: seen.completed_at.map(|at| at - played.clock),
        watched_s: WATCHED.as_secs_f64(),
        shows: seen.marks.last().map(|mark| mark.text.clone()).unwrap_or_default(),
        broken: None,
    })
}

/// The command that opens the page in `room`, made with an interviewer sent there; `processing`: the browser works on the voice,
/// as it does by itself.
pub(super) async fn command(
    livekit: &LiveKitServer,
    room: &str,
    processing: bool,
) -> anyhow::Result<Command> {
    let body = json!({"name": room, "room": room, "agents": [{"agent_name": "interviewer"}]});
    livekit.call(&Network::Loopback, "RoomService/CreateRoom", &body).await?;
    let mut command = page(livekit, room, super::steps::CANDIDATE)?;
    command.env("ADJOURN_PROCESSING", if processing { "on" } else { "off" });
    Ok(command)
}

/// The command that opens the page in a room as somebody who only listens.
pub(super) fn listener(livekit: &LiveKitServer, room: &str, identity: &str) -> anyhow::Result<Command> {
    let mut command = page(livekit, room, identity)?;
    command.env("ADJOURN_LISTENS", "yes");
    Ok(command)
}

/// Whether that line of a page that listens says that somebody is heard.
pub(super) fn hears(line: &str) -> bool {
    serde_json::from_str::<Shown>(line).is_ok_and(|shown| shown.hears)
}

fn page(livekit: &LiveKitServer, room: &str, identity: &str) -> anyhow::Result<Command> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline");
    anyhow::ensure!(
        page.join("dist/page.js").exists(),
        "the baseline's page is not built; run `cargo xtask qa matrix --baseline …`"
    );
    let mut command = Command::new("node");
    command
        .arg(page.join("driver.mjs"))
        .env("ADJOURN_CHROMIUM", chromium()?)
        .env("LIVEKIT_URL", &livekit.url)
        .env("ADJOURN_TOKEN", token(room, identity)?);
    Ok(command)
}

/// How long the page in Chromium's window takes to open, in milliseconds, on a screen that nobody sees.
pub(super) async fn opening_ms(folder: &Path) -> anyhow::Result<f64> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline/opens.mjs");
    let mut command = Command::new("node");
    command.arg(page).arg(folder.join("profile")).env("ADJOURN_CHROMIUM", chromium()?);
    let line = adjourn_testbed::line_on_a_screen(command, folder).await?;
    let opened: Opened = serde_json::from_str(&line).with_context(|| format!("{line:?}"))?;
    Ok(opened.opened_ms)
}

#[derive(Debug, Deserialize)]
struct Opened {
    opened_ms: f64,
}

fn chromium() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("ADJOURN_CHROMIUM")
        .map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    anyhow::ensure!(
        path.exists(),
        "{} does not exist; install chromium or set ADJOURN_CHROMIUM",
        path.display()
    );
    Ok(path)
}

/// Reads the page's lines.
pub(super) async fn observe(mut lines: LineReader, seen: watch::Sender<Seen>) {
    let mut was_there = false;
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(shown) = serde_json::from_str::<Shown>(&line) else { continue };
        seen.send_modify(|seen| take(seen, &shown, was_there));
        was_there |= shown.connection == "connected";
    }
}

/// `was_there`: the page was in the room before this line.
fn take(seen: &mut Seen, shown: &Shown, was_there: bool) {
    let talks = matches!(shown.agent.as_str(), "listening" | "thinking" | "speaking");
    seen.now.waiting = shown.connection == "connected" && !talks;
    seen.now.speech = shown.agent == "speaking";
    seen.now.interview = talks;
    let over =
        matches!(shown.agent.as_str(), "failed" | "disconnected") || shown.connection == "disconnected";
    if over && was_there {
        seen.completed_at.get_or_insert(shown.at);
    }
    let failures = if shown.failures.is_empty() { String::new() } else { format!(": {}", shown.failures) };
    let text = if shown.error.is_empty() {
        format!("agent {}, connection {}{failures}", shown.agent, shown.connection)
    } else {
        shown.error.clone()
    };
    seen.marks.push(Mark { at: shown.at, lane: Lane::Screen, text });
}

/// What the baseline needs beside the tools of every scenario.
///
/// # Errors
/// What is missing, in one sentence.
pub fn check() -> anyhow::Result<()> {
    chromium().map(|_| ()).context("the baseline's browser")?;
    Tools::find().map(|_| ())
}
