//! The organiser's own server beside an interview, as a process of its own: LiveKit's webhooks and the backend's come to it, and it
//! writes down when. And by which ways it was told of the end, in a run.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adjourn_protocol::{Event, EventData, EventKind, Reporter};
use adjourn_testbed::{Child, Network, Tools, free_port, unix_now};
use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::bed::ScenarioBed;
use crate::scenario::Way;

/// Where LiveKit's webhooks go.
const LIVEKIT: &str = "/livekit";
/// Where the backend's go.
const HOOK: &str = "/hook";
/// Jobs of livekit-agents are called so in their room.
const OF_A_JOB: &str = "agent-";

/// What came, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Received {
    /// Seconds since 1970.
    at: f64,
    what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Livekit(LiveKitEvent),
    Backend(Box<Event>),
}

/// The part of LiveKit's event that matters here.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LiveKitEvent {
    event: String,
    participant: Option<Participant>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Participant {
    identity: String,
}

/// It, as it runs.
pub(super) struct Organiser {
    /// None while it is down.
    process: Option<Child>,
    address: SocketAddr,
    file: PathBuf,
    log: PathBuf,
}

impl Organiser {
    /// Starts it where the backend is.
    pub(super) async fn start(folder: &Path, network: &Network) -> anyhow::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let (file, log) = (folder.join("organiser.jsonl"), folder.join("organiser.log"));
        std::fs::write(&file, "")?;
        let mut organiser = Self { process: None, address, file, log };
        organiser.again(network).await?;
        Ok(organiser)
    }

    /// Starts it again, on the same address.
    pub(super) async fn again(&mut self, network: &Network) -> anyhow::Result<()> {
        let mut command = network.client_command(&Tools::binary("adjourn-qa")?);
        command.args(["organiser", &self.address.to_string()]).arg(&self.file);
        let (process, _, mut lines) =
            Child::start_talking("the organiser's server", &mut command, &self.log)?;
        lines.next_line().await?.context("the organiser's server does not begin")?;
        self.process = Some(process);
        Ok(())
    }

    /// Kills it.
    pub(super) async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Where LiveKit's webhooks go.
    pub(super) fn livekit_url(&self) -> String {
        format!("http://{}{LIVEKIT}", self.address)
    }

    /// Where the backend's go.
    pub(super) fn hook_url(&self) -> String {
        format!("http://{}{HOOK}", self.address)
    }

    fn received(&self) -> anyhow::Result<Vec<Received>> {
        let text = std::fs::read_to_string(&self.file)?;
        text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }
}

/// By which ways word came after the clock, each with how many seconds after it.
pub(super) async fn told(bed: &ScenarioBed, clock: f64) -> anyhow::Result<BTreeMap<Way, f64>> {
    let Some(organiser) = &bed.organiser else { return Ok(BTreeMap::new()) };
    let mut told: Vec<(Way, f64)> = bed
        .events()
        .iter()
        .filter_map(|event| match event.event.as_str() {
            "close" => Some((Way::Close, event.at)),
            "session_end" => Some((Way::SessionEnd, event.at)),
            _ => None,
        })
        .collect();
    for Received { at, what } in organiser.received()? {
        let way = match &what {
            What::Livekit(event) => of_livekit(event),
            What::Backend(event) => of_ours(event).map(|ours| match ours {
                Ours::Ended => Way::WebhookEnded,
                Ours::Report => Way::WebhookReport,
            }),
        };
        told.extend(way.map(|way| (way, at)));
    }
    for event in bed.backend.events().await? {
        let way = of_ours(&event).map(|ours| match ours {
            Ours::Ended => Way::FeedEnded,
            Ours::Report => Way::FeedReport,
        });
        told.extend(way.map(|way| (way, event.timestamp.timestamp_millis() as f64 / 1_000.0)));
    }
    let mut first = BTreeMap::new();
    for (way, at) in told {
        let after = at - clock;
        first.entry(way).and_modify(|before: &mut f64| *before = before.min(after)).or_insert(after);
    }
    Ok(first)
}

fn of_livekit(event: &LiveKitEvent) -> Option<Way> {
    let of_a_job = event.participant.as_ref().is_some_and(|who| who.identity.starts_with(OF_A_JOB));
    match event.event.as_str() {
        "participant_left" | "participant_connection_aborted" if of_a_job => Some(Way::LivekitLeft),
        "room_finished" => Some(Way::LivekitFinished),
        _ => None,
    }
}

enum Ours {
    Ended,
    Report,
}

fn of_ours(event: &Event) -> Option<Ours> {
    let of_the_agent = match &event.data {
        EventData::Interview(about) => about.report_of == Some(Reporter::Agent),
        EventData::Erased { .. } | EventData::Hook { .. } => false,
    };
    match event.kind {
        EventKind::InterviewEnded => Some(Ours::Ended),
        EventKind::ReportReceived | EventKind::ReportLate if of_the_agent => Some(Ours::Report),
        EventKind::InterviewStarted
        | EventKind::InterviewerReplaced
        | EventKind::InterviewComplete
        | EventKind::InterviewErased
        | EventKind::ReportReceived
        | EventKind::ReportMissing
        | EventKind::ReportLate
        | EventKind::JudgementReceived
        | EventKind::HookTest => None,
    }
}

/// The server itself: takes what comes, and writes it down.
///
/// # Errors
/// The file can't be written.
pub async fn serve(listener: TcpListener, file: &Path) -> anyhow::Result<()> {
    let file = std::fs::File::options().append(true).open(file)?;
    let router = Router::new()
        .route(LIVEKIT, post(livekit_told))
        .route(HOOK, post(backend_told))
        .with_state(Arc::new(Mutex::new(file)));
    axum::serve(listener, router).await.map_err(Into::into)
}

type Written = State<Arc<Mutex<std::fs::File>>>;

async fn livekit_told(State(file): Written, body: Bytes) -> StatusCode {
    take(&file, serde_json::from_slice(&body).map(What::Livekit))
}

async fn backend_told(State(file): Written, body: Bytes) -> StatusCode {
    take(&file, serde_json::from_slice(&body).map(What::Backend))
}

fn take(file: &Mutex<std::fs::File>, what: serde_json::Result<What>) -> StatusCode {
    let Ok(what) = what else { return StatusCode::BAD_REQUEST };
    let Ok(line) = serde_json::to_string(&Received { at: unix_now(), what }) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    // One write: what a process that is killed had begun is there or not.
    match file.lock().write_all(format!("{line}\n").as_bytes()) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
