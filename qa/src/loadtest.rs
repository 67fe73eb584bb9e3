//! Many clients at once against the real backend: how many records it takes a second, durably, and what an outage
//! does to them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use adjourn_outbox::{Backend, BackendError, pause, verify};
use adjourn_protocol::{InterviewInfo, InviteLink, JoinAnswer, JoinRequest, Secret, Source};
use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::Client;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use adjourn_testbed::client_info as info;
use adjourn_testbed::{BackendOptions, BackendServer, Postgres, Testbed};
use fastrand::Rng;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Options {
    /// Interviews, each with one record.
    pub interviews: usize,
    /// Bytes of a record.
    pub size: usize,
    /// Requests under way at most.
    pub clients: usize,
    /// Backends on Postgres; 0: one on SQLite.
    pub replicas: usize,
    /// Seconds for which every backend is gone, after the first ten.
    pub outage: f64,
    /// Records a second that become due; 0: all at once.
    pub offered: f64,
    /// A backend that was built for speed.
    pub program: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadTest {
    /// `sqlite` or `postgres`.
    pub database: String,
    /// Processes of the backend.
    pub backends: usize,
    /// Interviews that were joined, a second.
    pub joins_per_s: f64,
    /// Records with a verified receipt.
    pub records: usize,
    /// The same a second, from the first that was due to the last receipt.
    pub records_per_s: f64,
    /// Milliseconds from due to receipt: p50, p99, worst.
    pub latency_ms: [f64; 3],
    /// Seconds of a core that the backends used, per record, in milliseconds.
    pub backend_cpu_ms_per_record: f64,
    /// The same of Postgres.
    pub postgres_cpu_ms_per_record: f64,
    /// Times that the disk was told to flush, per record (Postgres: of its log; SQLite: commits).
    pub flushes_per_record: f64,
    /// Requests that were sent, by what they got.
    pub answers: BTreeMap<String, u64>,
    /// Requests after the outage, until the last record that had waited was there, over the records that were
    /// delivered meanwhile: what the retries cost on top.
    pub catching_up: f64,
    /// Most requests in any second of that, over what is offered a second.
    pub peak: f64,
    /// Seconds from the backends' return until nothing waited longer than without an outage.
    pub caught_up_s: f64,
    /// Records that the backend has not, or has with other bytes.
    pub lost: usize,
    /// Records that it has more than once.
    pub double: usize,
    /// What the disk does beside it: writes of that size, each synced, a second.
    pub disk_syncs_per_s: f64,
}

/// A record that took longer than this waited for the outage.
const WAITED: Duration = Duration::from_secs(1);

impl LoadTest {
    /// What happened from the backends' return until the last record that had waited was there. All times since the
    /// start: when each request was sent; when each record was there, and how long after it was due.
    fn catch_up(
        &mut self,
        back: Duration,
        offered: f64,
        sent: &[Duration],
        receipts: &[(Duration, Duration)],
    ) {
        let waited = receipts.iter().filter(|(at, took)| *at > back && *took > WAITED).map(|(at, _)| *at);
        let caught_up = waited.max().unwrap_or(back);
        let between = back..=caught_up;
        let delivered = receipts.iter().filter(|(at, _)| between.contains(at)).count();
        let mut seconds = BTreeMap::<u64, u64>::new();
        for at in sent.iter().filter(|at| between.contains(*at)) {
            *seconds.entry((*at - back).as_secs()).or_default() += 1;
        }
        self.catching_up = seconds.values().sum::<u64>() as f64 / delivered.max(1) as f64;
        self.peak = seconds.values().max().copied().unwrap_or(0) as f64 / offered;
        self.caught_up_s = (caught_up - back).as_secs_f64();
    }
}

/// The backends work for so long before they are gone.
const BEFORE_OUTAGE: Duration = Duration::from_secs(10);

/// Tries of a join that may still be granted; more, and the machine can't do it.
const JOIN_TRIES: u32 = 10;

/// Questions to the backend at a time, when everything is over.
const COMPARED_AT_A_TIME: usize = 8;

/// A candidate who is in their interview, with the record that they will deliver.
pub(crate) struct Candidate {
    pub(crate) joined: JoinAnswer,
    pub(crate) record: Vec<u8>,
}

impl Candidate {
    /// Whether a receipt proves that this very record arrived.
    pub(crate) fn is_proved(&self, jws: &str) -> anyhow::Result<()> {
        let interview = &self.joined.interview;
        let receipt = verify(jws, &self.joined.receipt_keys)?;
        Ok(receipt.matches(&interview.id, interview.attempt, &Source::Client, &self.record)?)
    }
}

struct Shared {
    backends: Vec<Backend>,
    answers: Mutex<BTreeMap<String, u64>>,
    /// When each request was sent, since the start.
    sent: Mutex<Vec<Duration>>,
    began: Instant,
    turn: AtomicUsize,
}

impl Shared {
    /// One request, to the next backend in turn.
    async fn put(&self, client: &Candidate) -> Result<String, BackendError> {
        self.sent.lock().await.push(self.began.elapsed());
        let backend = &self.backends[self.turn.fetch_add(1, Ordering::Relaxed) % self.backends.len()];
        let Candidate { joined, record } = client;
        let (id, attempt) = (&joined.interview.id, joined.interview.attempt);
        let answer = backend.deliver(id, attempt, &joined.client_token, record.clone()).await;
        let word = match &answer {
            Ok(_) => "receipt".to_owned(),
            Err(BackendError::Unusable { detail, .. }) => detail.clone(),
            Err(error) => error.to_string(),
        };
        *self.answers.lock().await.entry(word).or_default() += 1;
        answer
    }

    /// Until there is a receipt that is verified.
    async fn deliver(&self, client: &Candidate, mut chance: Rng) -> anyhow::Result<()> {
        let mut tries = 0;
        loop {
            match self.put(client).await {
                Ok(jws) => return client.is_proved(&jws),
                Err(error) => {
                    tokio::time::sleep(pause(tries, error.retry_after(), chance.f64())).await;
                    tries += 1;
                }
            }
        }
    }
}

/// A record as a client makes it, padded to its size by what was said.
fn record(size: usize, n: usize) -> Vec<u8> {
    let said = "I would measure first, then change one thing, then measure again. ";
    let mut record = serde_json::json!({
        "format": 1, "source": "client", "outcome": "finished", "number": n, "transcript": [{"id": "item", "role": "candidate", "text": ""}],
    });
    let rest = size.saturating_sub(record.to_string().len());
    record["transcript"][0]["text"] = said.repeat(rest / said.len() + 1)[..rest].into();
    record.to_string().into_bytes()
}

/// Starts everything, lets the candidates loose, and counts.
///
/// # Errors
/// A part does not start, or an interview can't be joined.
pub async fn run(options: &Options) -> anyhow::Result<LoadTest> {
    anyhow::ensure!(
        options.interviews > 0 && options.clients > 0,
        "a load test needs interviews and clients"
    );
    let first = BackendOptions { program: options.program.clone(), ..BackendOptions::default() };
    let testbed = Testbed::builder().postgres(options.replicas > 0).backend(first).start().await?;
    let mut others = Vec::new();
    for _ in 1..options.replicas {
        others.push(testbed.another_backend(options.program.clone()).await?);
    }
    let disk_syncs_per_s = disk(testbed.folder(), options.size)?;
    let Testbed { backend, postgres, .. } = testbed;
    // Dropped in this order: the backends before their database.
    let mut backends = vec![backend];
    backends.append(&mut others);
    let mut found = LoadTest {
        database: if postgres.is_some() { "postgres" } else { "sqlite" }.to_owned(),
        backends: backends.len(),
        disk_syncs_per_s,
        ..LoadTest::default()
    };
    let ways: anyhow::Result<Vec<Backend>> =
        backends.iter().map(|backend| Ok(Backend::new(&backend.url.parse()?)?)).collect();
    let ways = ways?;
    let began = Instant::now();
    let candidates_of = joined(options.interviews, options.size, &backends, &ways).await?;
    found.joins_per_s = options.interviews as f64 / began.elapsed().as_secs_f64();

    let shared = Arc::new(Shared {
        backends: ways,
        answers: Mutex::default(),
        sent: Mutex::default(),
        began: Instant::now(),
        turn: AtomicUsize::new(0),
    });
    let (cpu, database_cpu, flushes) = (
        cpu(&backends),
        postgres.as_ref().map_or(0.0, Postgres::cpu_s),
        flushed(&backends, postgres.as_ref()).await,
    );
    let gate = Arc::new(tokio::sync::Semaphore::new(options.clients));
    let mut tasks = JoinSet::new();
    for (n, client) in candidates_of.iter().enumerate() {
        let (shared, gate, client) = (Arc::clone(&shared), Arc::clone(&gate), Arc::clone(client));
        let due = if options.offered > 0.0 {
            Duration::from_secs_f64(n as f64 / options.offered)
        } else {
            Duration::ZERO
        };
        let offered = options.offered > 0.0;
        tasks.spawn(async move {
            tokio::time::sleep_until((shared.began + due).into()).await;
            // All at once: so many at a time. As they fall due: as many as there are.
            let permit = if offered { None } else { gate.acquire_owned().await.ok() };
            let due = if offered { shared.began + due } else { Instant::now() };
            shared.deliver(&client, Rng::with_seed(n as u64)).await?;
            drop(permit);
            anyhow::Ok((shared.began.elapsed(), due.elapsed()))
        });
    }
    let mut back_at = None;
    if options.outage > 0.0 {
        tokio::time::sleep(BEFORE_OUTAGE).await;
        for backend in &mut backends {
            backend.kill().await;
        }
        tokio::time::sleep(Duration::from_secs_f64(options.outage)).await;
        for backend in &mut backends {
            backend.restart().await?;
        }
        back_at = Some(shared.began.elapsed());
    }
    let mut latencies = Vec::with_capacity(options.interviews);
    // When each was delivered, and how long that took.
    let mut receipts = Vec::with_capacity(options.interviews);
    while let Some(done) = tasks.join_next().await {
        let (at, took) = done??;
        receipts.push((at, took));
        latencies.push(took.as_secs_f64() * 1000.0);
    }
    let took = shared.began.elapsed().as_secs_f64();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    found.records = latencies.len();
    found.records_per_s = latencies.len() as f64 / took;
    found.latency_ms = [at(0.5), at(0.99), at(1.0)];
    let per_record = 1000.0 / latencies.len() as f64;
    if options.outage == 0.0 {
        // A backend that was started again counts from nothing.
        found.backend_cpu_ms_per_record = (self::cpu(&backends) - cpu) * per_record;
        found.postgres_cpu_ms_per_record =
            (postgres.as_ref().map_or(0.0, Postgres::cpu_s) - database_cpu) * per_record;
        found.flushes_per_record =
            (flushed(&backends, postgres.as_ref()).await - flushes) / latencies.len() as f64;
    }
    found.answers = shared.answers.lock().await.clone();
    if let Some(back_at) = back_at {
        found.catch_up(back_at, options.offered, &shared.sent.lock().await, &receipts);
    }
    (found.lost, found.double) = compare(&backends[0], &candidates_of).await?;
    Ok(found)
}

/// So many candidates of one backend, with records of that size.
pub(crate) async fn candidates(
    count: usize,
    size: usize,
    backend: &BackendServer,
) -> anyhow::Result<Vec<Arc<Candidate>>> {
    let way = Backend::new(&backend.url.parse()?)?;
    joined(count, size, std::slice::from_ref(backend), &[way]).await
}

/// Creates and joins the interviews.
async fn joined(
    interviews: usize,
    size: usize,
    backends: &[BackendServer],
    ways: &[Backend],
) -> anyhow::Result<Vec<Arc<Candidate>>> {
    let gate = Arc::new(tokio::sync::Semaphore::new(16));
    let http = Client::new();
    let mut tasks = JoinSet::new();
    for n in 0..interviews {
        let (gate, http, way) = (Arc::clone(&gate), http.clone(), ways[n % ways.len()].clone());
        let backend = backends[n % backends.len()].url.clone();
        tasks.spawn(async move {
            let _permit = gate.acquire_owned().await?;
            let new = serde_json::json!({"title": "Load test", "max_minutes": 30});
            let created: serde_json::Value = http
                .post(format!("{backend}/v1/interviews"))
                .bearer_auth(adjourn_testbed::ORGANISER)
                .json(&new)
                .send()
                .await?
                .error_for_status()?
                .json()
                .await?;
            let link = InviteLink::parse(created["link"].as_str().context("no link")?)?;
            let mut random = [0_u8; 16];
            getrandom::fill(&mut random).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
            let request = JoinRequest::new(&link.code, &Secret::new(hex::encode(random)), &info());
            let mut chance = Rng::with_seed(n as u64);
            let mut tries = 0;
            // As a client does: the same join again, until it is granted or refused for good.
            let joined = loop {
                match way.join(&request).await {
                    Ok(joined) => break joined,
                    Err(error) if tries < JOIN_TRIES && error.retryable() => {
                        tokio::time::sleep(pause(tries, error.retry_after(), chance.f64())).await;
                        tries += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            };
            anyhow::Ok(Arc::new(Candidate { joined, record: record(size, n) }))
        });
    }
    let mut clients = Vec::with_capacity(interviews);
    while let Some(client) = tasks.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

/// What the backend holds against what was delivered: lost, and double.
async fn compare(backend: &BackendServer, candidates: &[Arc<Candidate>]) -> anyhow::Result<(usize, usize)> {
    let found = futures_util::stream::iter(candidates)
        .map(async |client| {
            let InterviewInfo { id, attempt, .. } = &client.joined.interview;
            // No record is what is looked for.
            let held = backend.record(id, *attempt).await.unwrap_or_default();
            anyhow::Ok((held != client.record, backend.status(id).await?.records > 1))
        })
        .buffer_unordered(COMPARED_AT_A_TIME);
    found
        .try_fold((0, 0), async |(lost, double), (is_lost, is_double)| {
            Ok((lost + usize::from(is_lost), double + usize::from(is_double)))
        })
        .await
}

fn cpu(backends: &[BackendServer]) -> f64 {
    backends.iter().map(|backend| backend.process.cpu_s()).sum()
}

/// Flushes so far: of Postgres's log, or commits of SQLite.
async fn flushed(backends: &[BackendServer], postgres: Option<&Postgres>) -> f64 {
    if let Some(postgres) = postgres {
        return postgres.log_flushes().await.unwrap_or(f64::NAN);
    }
    let mut commits = 0.0;
    for backend in backends {
        let Ok(answer) = reqwest::get(format!("{}/metrics", backend.url)).await else { return f64::NAN };
        let text = answer.text().await.unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("adjourn_changes_per_commit_count "));
        commits += line.and_then(|count| count.parse::<f64>().ok()).unwrap_or(0.0);
    }
    commits
}

/// Writes of that size, each synced, that the disk does in a second.
fn disk(folder: &std::path::Path, size: usize) -> anyhow::Result<f64> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("disk"))?;
    let bytes = vec![7_u8; size];
    let began = Instant::now();
    let mut syncs = 0;
    while began.elapsed() < Duration::from_secs(2) {
        file.write_all(&bytes)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(f64::from(syncs) / began.elapsed().as_secs_f64())
}
