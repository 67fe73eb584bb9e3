//! Hostile candidates against the real backend, with well-behaved ones beside them: what those notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use adjourn_outbox::{Backend, pause};
use anyhow::Context as _;
use clap::ValueEnum as _;
use rustix::process::Signal;
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::loadtest::{self, Candidate};
use adjourn_testbed::Testbed;
use fastrand::Rng;

/// Bytes of a well-behaved candidate's record.
const RECORD: usize = 50_000;
/// Well-behaved candidates that deliver, a second.
const RATE: f64 = 10.0;
/// Uploads that trickle: each by a candidate of its own, with a right token.
const TRICKLES: usize = 64;
/// Bytes of such an upload, as it is announced: the largest record.
const LARGEST: usize = 8 << 20;
/// Connections that send half a head, and connections that send nothing.
const HALF_HEADS: usize = 500;
const SILENT: usize = 3_000;
/// Connections on which nothing is read, and how often something is asked on each.
const UNREAD: usize = 300;
const ASKED: usize = 400;
/// What is asked for there: some 20 KB of answer, which no buffer takes in.
const LONG: &str = "/openapi.json";
/// What else anybody may ask for; each connection asks for one of them.
const PUBLIC: [&str; 5] = ["/metrics", "/.well-known/jwks.json", "/readyz", "/healthz", "/nothing"];
/// Who asks without a pause.
const LOOPS: usize = 16;
/// The attack has begun when this has passed: its connections are made.
const BEGUN: Duration = Duration::from_secs(1);
/// A server must stop within this, even while clients hold on to it.
const STOPS: Duration = Duration::from_secs(25);

/// What a well-behaved candidate may notice of them, and what they may cost: on 2 cores, in a debug build, with the attackers on the
/// same computer (measured: 172 ms, 103 MiB).
const NOTICED_MS: f64 = 1_000.0;
const COST_MIB: u64 = 512;

/// What hostile candidates do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    /// Nobody is hostile: what the others are compared with.
    Nobody,
    /// The largest records, announced and then sent at 100 bytes a second.
    Trickle,
    /// Half a head, and then nothing.
    HalfHeads,
    /// Connections on which nothing is said.
    Silent,
    /// 8 MiB to where nobody takes so much, without a pause.
    Bodies,
    /// Codes are guessed without a pause.
    Codes,
    /// The same record again without a pause, with a right token.
    Again,
    /// The longest answer is asked for, many times on each connection, and not read.
    Unread,
    /// Everything that anybody may ask for is asked for, many times on each connection.
    Public,
}

/// What well-behaved candidates noticed of an attack.
#[derive(Clone, Debug, Serialize)]
pub struct Noticed {
    /// The attack.
    pub attack: Attack,
    /// Requests, or connections, of the attackers that were made.
    pub made: u64,
    /// Records that were delivered meanwhile, each with a verified receipt.
    pub delivered: usize,
    /// Requests of well-behaved candidates that had to be made again.
    pub again: u64,
    /// Milliseconds from the first try to the receipt: p50, p99, worst.
    pub latency_ms: [f64; 3],
}

/// What came of all of them.
#[derive(Clone, Debug, Serialize)]
pub struct Hostile {
    /// `sqlite` or `postgres`.
    pub database: String,
    /// One after the other.
    pub attacks: Vec<Noticed>,
    /// Most memory that the backend had, MiB.
    pub memory_mib: u64,
    /// Seconds from SIGTERM to its end, with attackers that hold on to it.
    pub stopped_s: f64,
}

/// Lets each kind loose for so many seconds; `only` those, or all if it names none.
///
/// # Errors
/// A part does not start, or a well-behaved candidate's record was not delivered.
pub async fn run(
    postgres: bool,
    seconds: u32,
    only: &[Attack],
    say: impl Fn(Attack),
) -> anyhow::Result<Hostile> {
    let mut testbed = Testbed::builder().postgres(postgres).start().await?;
    let database = if postgres { "postgres" } else { "sqlite" }.to_owned();
    let mut attacks = Vec::new();
    let count = (RATE * f64::from(seconds)) as usize;
    let chosen = if only.is_empty() { Attack::value_variants() } else { only };
    for &attack in chosen {
        say(attack);
        // Before the attack: they are in their interviews.
        let good = loadtest::candidates(count, RECORD, &testbed.backend).await?;
        let bad = loadtest::candidates(TRICKLES, RECORD, &testbed.backend).await?;
        let hostile = Attackers::begin(attack, &testbed.backend.url, bad);
        tokio::time::sleep(BEGUN).await;
        attacks.push(delivered(&testbed.backend.url, good, attack, &hostile).await?);
    }
    let memory_mib = most_memory(testbed.backend.process.pid())?;
    // Those who hold on are still there when it is told to stop.
    let bad = loadtest::candidates(TRICKLES, RECORD, &testbed.backend).await?;
    let holding = [Attack::HalfHeads, Attack::Silent, Attack::Trickle];
    let attackers = holding.map(|attack| Attackers::begin(attack, &testbed.backend.url, bad.clone()));
    tokio::time::sleep(BEGUN).await;
    let began = Instant::now();
    testbed.backend.process.signal(Signal::TERM)?;
    testbed.backend.process.ended(STOPS).await.context("it does not stop while somebody holds on to it")?;
    let stopped_s = began.elapsed().as_secs_f64();
    drop(attackers);
    let hostile = Hostile { database, attacks, memory_mib, stopped_s };
    hostile.check()?;
    Ok(hostile)
}

impl Hostile {
    /// Whether the attacks were made, and well-behaved candidates were served all the same.
    fn check(&self) -> anyhow::Result<()> {
        for Noticed { attack, made, latency_ms, .. } in &self.attacks {
            anyhow::ensure!(
                (*made > 0) == (*attack != Attack::Nobody),
                "{attack:?}: {made} attacks were made"
            );
            let worst = latency_ms[2];
            anyhow::ensure!(
                worst <= NOTICED_MS,
                "{attack:?}: a well-behaved candidate waited for {worst:.0} ms, more than {NOTICED_MS}"
            );
        }
        let most = self.memory_mib;
        anyhow::ensure!(most <= COST_MIB, "the backend had {most} MiB, more than {COST_MIB}");
        Ok(())
    }
}

/// Well-behaved candidates deliver, one after the other as they fall due; each until it has its receipt.
async fn delivered(
    url: &str,
    good: Vec<Arc<Candidate>>,
    attack: Attack,
    hostile: &Attackers,
) -> anyhow::Result<Noticed> {
    let (began, again) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for (n, candidate) in good.into_iter().enumerate() {
        let due = began + Duration::from_secs_f64(n as f64 / RATE);
        // Each on a connection of its own, as each is on a computer of its own.
        let (backend, again) = (Backend::new(&url.parse()?)?, Arc::clone(&again));
        tasks.spawn(async move {
            tokio::time::sleep_until(due.into()).await;
            let (mut chance, mut tries) = (Rng::with_seed(n as u64), 0);
            let Candidate { joined, record } = &*candidate;
            let (id, attempt) = (&joined.interview.id, joined.interview.attempt);
            loop {
                match backend.deliver(id, attempt, &joined.client_token, record.clone()).await {
                    Ok(jws) => return candidate.is_proved(&jws).map(|()| due.elapsed()),
                    Err(error) if error.retryable() => {
                        again.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(pause(tries, error.retry_after(), chance.f64())).await;
                        tries += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        });
    }
    let mut took = Vec::new();
    while let Some(done) = tasks.join_next().await {
        took.push(done??.as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Ok(Noticed {
        attack,
        made: hostile.made.load(Ordering::Relaxed),
        delivered: took.len(),
        again: again.load(Ordering::Relaxed),
        latency_ms: [at(0.5), at(0.99), at(1.0)],
    })
}

/// Attackers at work; they stop when this is dropped.
struct Attackers {
    made: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Attackers {
    fn begin(attack: Attack, url: &str, candidates: Vec<Arc<Candidate>>) -> Self {
        let made = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        let host = url.trim_start_matches("http://").to_owned();
        let mut spawn = |one: Hostility| {
            let (host, made) = (host.clone(), Arc::clone(&made));
            tasks.spawn(async move {
                loop {
                    // What fails is tried again: an attacker does not give up.
                    let _ = one.attack(&host, &made).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
        };
        match attack {
            Attack::Nobody => {}
            Attack::Trickle => candidates.into_iter().map(Hostility::Trickle).for_each(&mut spawn),
            Attack::HalfHeads => (0..HALF_HEADS).map(|_| Hostility::HalfHead).for_each(&mut spawn),
            Attack::Silent => (0..SILENT).map(|_| Hostility::Silent).for_each(&mut spawn),
            Attack::Bodies => (0..LOOPS).map(|_| Hostility::Body).for_each(&mut spawn),
            Attack::Unread => (0..UNREAD).map(|_| Hostility::Unread(LONG)).for_each(&mut spawn),
            Attack::Public => {
                (0..UNREAD).map(|n| Hostility::Unread(PUBLIC[n % PUBLIC.len()])).for_each(&mut spawn);
            }
            Attack::Codes => (0..LOOPS).map(|_| Hostility::Code).for_each(&mut spawn),
            Attack::Again => {
                candidates.into_iter().take(LOOPS).map(Hostility::Again).for_each(&mut spawn);
            }
        }
        Self { made, _tasks: tasks }
    }
}

/// What one attacker does, once.
enum Hostility {
    Trickle(Arc<Candidate>),
    HalfHead,
    Silent,
    Body,
    Code,
    Again(Arc<Candidate>),
    Unread(&'static str),
}

impl Hostility {
    async fn attack(&self, host: &str, made: &AtomicU64) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(host).await?;
        made.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::Silent => {}
            Self::Unread(path) => {
                let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
                for _ in 0..ASKED {
                    stream.write_all(request.as_bytes()).await?;
                }
                // Until it is hung up on.
                while stream.write_all(b"\r\n").await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                return Ok(());
            }
            Self::HalfHead => stream.write_all(b"POST /v1/join HTTP/1.1\r\nhost: x\r\nx-half: ").await?,
            Self::Code => {
                let body = r#"{"code":"BBBB-BBBB","join_id":"0123456789abcdef0123456789abcdef","client":{"version":"1","platform":"x","kiosk":false}}"#;
                let head = join(host, body.len());
                stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await?;
            }
            Self::Body => {
                let head = join(host, LARGEST);
                stream.write_all(head.as_bytes()).await?;
                // It may hang up before the end: that is its right.
                stream.write_all(&vec![b'x'; LARGEST]).await?;
            }
            Self::Trickle(candidate) => {
                stream.write_all(put(candidate, host, LARGEST).as_bytes()).await?;
                loop {
                    stream.write_all(b"xxxxxxxxxx").await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            Self::Again(candidate) => {
                let head = put(candidate, host, candidate.record.len());
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&candidate.record).await?;
            }
        }
        // Until it answers or hangs up.
        let mut answer = [0_u8; 4_096];
        let _ = stream.read(&mut answer).await?;
        Ok(())
    }
}

fn join(host: &str, length: usize) -> String {
    format!(
        "POST /v1/join HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
}

fn put(candidate: &Candidate, host: &str, length: usize) -> String {
    use base64::Engine as _;
    let digest = hex::decode(adjourn_protocol::sha256(&candidate.record)).unwrap_or_default();
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    let (id, token) = (&candidate.joined.interview.id, candidate.joined.client_token.expose());
    format!(
        "PUT /v1/interviews/{id}/attempts/1/records/client HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-digest: sha-256=:{digest}:\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
}

/// Most memory that a process ever had, MiB.
fn most_memory(pid: i32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1024)
}
