//! Webhooks to a receiver that fails and dies, from a server that dies: nothing lost, each interview in its order.

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_protocol::EventPage;
use adjourn_testbed::{BackendOptions, Child, ORGANISER, Signal, Testbed, Tools, free_port};
use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use fastrand::Rng;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;

/// Interviews that are made and ended at a time.
const AT_ONCE: usize = 32;
/// What is still on its way when nobody dies any more must have arrived after this.
const ARRIVED: Duration = Duration::from_secs(600);

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WebhookReport {
    /// Interviews.
    pub interviews: usize,
    /// Events in the feed.
    pub events: usize,
    /// Events that never arrived.
    pub lost: usize,
    /// Interviews with an event that came before an earlier one.
    pub disordered: usize,
    /// Deliveries beyond the first of an event: with the same id.
    pub again: usize,
    /// SIGKILLs of the server.
    pub server_kills: usize,
    /// SIGKILLs of the receiver.
    pub receiver_kills: usize,
    /// Seconds that it took.
    pub took_s: f64,
}

/// Runs it.
///
/// # Errors
/// A part does not start, or not everything arrives although nobody dies any more.
pub async fn run(
    interviews: usize,
    kills: usize,
    postgres: bool,
    seed: u64,
    progress: impl Fn(&str),
) -> anyhow::Result<WebhookReport> {
    let options = BackendOptions {
        arguments: ["--allow-hook-host", "127.0.0.1"].map(str::to_owned).into(),
        ..BackendOptions::default()
    };
    let mut testbed = Testbed::builder().postgres(postgres).backend(options).start().await?;
    let began = Instant::now();
    let (port, file, log) =
        (free_port()?, testbed.folder().join("received.txt"), testbed.folder().join("receiver.log"));
    std::fs::write(&file, "")?;
    let mut life = 0;
    let mut begin = || {
        life += 1;
        receiver(port, &file, &log, seed + life)
    };
    let mut receiver = begin()?;
    let allow = ["hook", "add", "--allow-hook-host", "127.0.0.1"];
    let url = format!("http://127.0.0.1:{port}/hook");
    testbed.backend.command(&[&allow[..], &[url.as_str()]].concat()).await?;

    let (mut report, mut chance) =
        (WebhookReport { interviews, ..WebhookReport::default() }, Rng::with_seed(seed));
    let api = testbed.backend.url.clone();
    let writing = tokio::spawn(write(api.clone(), interviews));
    for n in 0..2 * kills {
        tokio::time::sleep(Duration::from_millis(chance.u64(200..6_000))).await;
        if n % 2 == 0 {
            testbed.backend.process.signal(Signal::KILL)?;
            testbed.backend.restart().await?;
            report.server_kills += 1;
        } else {
            receiver.kill().await;
            receiver = begin()?;
            report.receiver_kills += 1;
        }
        progress(&format!("{} of {}", n + 1, 2 * kills));
    }
    writing.await??;
    let events = feed(&api).await?;
    report.events = events.len();
    let quiet = Instant::now();
    let received = loop {
        let received = std::fs::read_to_string(&file)?;
        let there: BTreeSet<&str> = received.lines().collect();
        report.lost = events.iter().filter(|id| !there.contains(id.as_str())).count();
        if report.lost == 0 || quiet.elapsed() > ARRIVED {
            break received;
        }
        progress(&format!("{} of {} events have arrived", events.len() - report.lost, events.len()));
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    drop(receiver);
    let (mut seen, mut last): (BTreeSet<&str>, HashMap<&str, i64>) = (BTreeSet::new(), HashMap::new());
    let mut disordered = BTreeSet::new();
    for id in received.lines() {
        if !seen.insert(id) {
            report.again += 1;
            continue;
        }
        let parts: Vec<&str> = id.split('.').collect();
        let [interview, revision, _] = parts[..] else { anyhow::bail!("{id:?} is no event's id") };
        let revision: i64 = revision.parse()?;
        if last.insert(interview, revision).is_some_and(|before| before > revision) {
            disordered.insert(interview);
        }
    }
    report.disordered = disordered.len();
    report.took_s = began.elapsed().as_secs_f64();
    Ok(report)
}

/// Makes interviews and ends each. A server that dies over it is asked again.
async fn write(api: String, interviews: usize) -> anyhow::Result<()> {
    let (http, permits) = (reqwest::Client::new(), Arc::new(tokio::sync::Semaphore::new(AT_ONCE)));
    let mut writers = Vec::new();
    for _ in 0..interviews {
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let (http, api) = (http.clone(), api.clone());
        writers.push(tokio::spawn(async move {
            let _permit = permit;
            let new = json!({"title": "t", "max_minutes": 30});
            let made = answered(|| http.post(format!("{api}/v1/interviews")).json(&new)).await?;
            let id = made["id"].as_str().context("an interview has no id")?.to_owned();
            answered(|| http.post(format!("{api}/v1/interviews/{id}/end"))).await.map(drop)
        }));
    }
    for writer in writers {
        writer.await??;
    }
    Ok(())
}

async fn answered(request: impl Fn() -> reqwest::RequestBuilder) -> anyhow::Result<serde_json::Value> {
    let began = Instant::now();
    loop {
        match request().bearer_auth(ORGANISER).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(answer.json().await.unwrap_or_default()),
            Ok(answer) if answer.status().is_client_error() => anyhow::bail!("refused: {}", answer.status()),
            Ok(_) | Err(_) => {}
        }
        anyhow::ensure!(began.elapsed() < ARRIVED, "the server does not answer any more");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The ids of the whole feed.
async fn feed(api: &str) -> anyhow::Result<Vec<String>> {
    let http = reqwest::Client::new();
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let after = cursor.map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let url = format!("{api}/v1/events?limit=1000&wait=2{after}");
        let page: EventPage = serde_json::from_value(answered(|| http.get(&url)).await?)?;
        if page.events.is_empty() {
            return Ok(ids);
        }
        ids.extend(page.events.into_iter().map(|event| event.id));
        cursor = Some(page.cursor);
    }
}

fn receiver(port: u16, file: &Path, log: &Path, seed: u64) -> anyhow::Result<Child> {
    let mut command = tokio::process::Command::new(Tools::binary("adjourn-qa")?);
    command.args(["webhook-receiver", &port.to_string(), &seed.to_string()]).arg(file);
    Child::start("webhook-receiver", &mut command, log)
}

struct Receiver {
    file: Mutex<std::fs::File>,
    chance: Mutex<Rng>,
}

/// A receiver: writes down the id of what comes, and of ten requests fails three: before it took the event, or after.
///
/// # Errors
/// The address is taken, or the file can't be written.
pub async fn receive(port: u16, seed: u64, file: &Path) -> anyhow::Result<()> {
    let file = std::fs::File::options().append(true).open(file)?;
    let receiver = Arc::new(Receiver { file: Mutex::new(file), chance: Mutex::new(Rng::with_seed(seed)) });
    let router = Router::new().route("/hook", post(take)).with_state(receiver);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    // What died a moment ago may hold it still.
    let listener = loop {
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    axum::serve(listener, router).await.map_err(Into::into)
}

async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap) -> StatusCode {
    let luck = receiver.chance.lock().f64();
    if luck < 0.2 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let Some(id) = headers.get("webhook-id").and_then(|id| id.to_str().ok()) else {
        return StatusCode::BAD_REQUEST;
    };
    // One write: what a process that is killed had begun is there or not.
    if receiver.file.lock().write_all(format!("{id}\n").as_bytes()).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    if luck < 0.3 { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::OK }
}
