//! What is seen and heard of the client from outside, with the testbed's own clock.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adjourn_client::{Completed, InterviewerState, Message, RecordState, Screen, Snapshot};
use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

use super::timeline::{Lane, Mark};
use adjourn_testbed::{Child, LineReader, Pulse, look, unix_now};

/// What was seen of the client, with times in seconds since 1970.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// What the steps of a scenario wait for.
    pub(super) now: Now,
    pub(super) last: Option<Snapshot>,
    /// The newest end screen.
    pub(super) completed: Option<Completed>,
    /// What the client said of an earlier interview's receipt after it was started again.
    pub(super) earlier_receipt: Option<String>,
    /// The question about the host was asked. A client without a window answers it at once: it is no state to be waited for.
    pub(super) host_asked: bool,
    /// Every notice and problem so far, in order.
    pub(super) said: Vec<Message>,
    /// Where the record was when the end screen came.
    pub(super) at_first: Option<RecordState>,
    /// When the newest "saved" was first seen.
    pub(super) saved_at: Option<f64>,
    /// When "not accepted" was first seen.
    pub(super) parked_at: Option<f64>,
    /// How often the candidate was warned that the time is nearly over.
    pub(super) warnings: usize,
    pub(super) suspects: Vec<f64>,
    pub(super) questions: Vec<f64>,
    pub(super) completed_at: Option<f64>,
    pub(super) received_at: Option<f64>,
    pub(super) long_wait_at: Option<f64>,
    pub(super) terminal_screens: u32,
    pub(super) marks: Vec<Mark>,
    /// What the client wrote that is no screen: then nothing that was not seen proves anything.
    pub(super) unreadable: Vec<String>,
}

/// What a candidate sees now, whichever client they use.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Now {
    pub(super) waiting: bool,
    pub(super) interview: bool,
    pub(super) speech: bool,
    pub(super) asking: bool,
    /// The client says that its own connection delivers.
    pub(super) connected: bool,
}

impl Seen {
    /// What remains when the client is started again.
    pub(super) fn again(&self) -> Self {
        Self { now: Now::default(), last: None, ..self.clone() }
    }

    /// The receipt's number, wherever it was shown.
    pub(super) fn receipt(&self) -> Option<String> {
        self.completed.as_ref().and_then(|c| c.receipt.clone()).or_else(|| self.earlier_receipt.clone())
    }

    /// Takes the next snapshot; a line of the timeline for what a person would notice.
    fn take(&mut self, snapshot: Snapshot, now: f64) {
        let noticed = notice(&snapshot);
        if self.last.as_ref().map(notice).as_ref() != Some(&noticed) {
            self.marks.push(Mark { at: now, lane: Lane::Screen, text: noticed });
        }
        let before = self.last.as_ref();
        self.host_asked |= snapshot.screen == Screen::ConfirmHost;
        if snapshot.interviewer == InterviewerState::Checking
            && before.is_none_or(|b| b.interviewer != InterviewerState::Checking)
        {
            self.suspects.push(now);
        }
        if snapshot.asking.is_some() && before.is_none_or(|b| b.asking != snapshot.asking) {
            self.questions.push(now);
        }
        if snapshot.screen == Screen::Waiting && line(&snapshot) == Some(&Message::LongWait) {
            self.long_wait_at.get_or_insert(now);
        }
        if snapshot.screen == Screen::Completed {
            if before.is_none_or(|b| b.screen != Screen::Completed) {
                self.terminal_screens += 1;
            }
            self.completed_at.get_or_insert(now);
        }
        if let Some(completed) = &snapshot.completed {
            if snapshot.screen == Screen::Completed {
                self.at_first.get_or_insert(completed.delivery);
            }
            if completed.receipt.is_some() {
                self.received_at.get_or_insert(now);
            }
            if completed.delivery == RecordState::Saved {
                self.saved_at.get_or_insert(now);
            }
            if completed.delivery == RecordState::Parked {
                self.parked_at.get_or_insert(now);
            }
            self.completed = Some(completed.clone());
        }
        for message in snapshot.notices.iter().chain(&snapshot.problem) {
            if let Message::EarlierReceived { receipt } = message {
                self.earlier_receipt = Some(receipt.clone());
                self.received_at.get_or_insert(now);
            }
            if self.said.last() != Some(message) {
                self.said.push(message.clone());
            }
        }
        if snapshot.minutes_left.is_some() && before.is_none_or(|b| b.minutes_left != snapshot.minutes_left) {
            self.warnings += 1;
        }
        self.now = Now {
            waiting: snapshot.screen == Screen::Waiting,
            interview: snapshot.screen == Screen::Interview,
            speech: snapshot.interviewer == InterviewerState::Speaking && !snapshot.captions.is_empty(),
            asking: snapshot.asking.is_some(),
            connected: snapshot.connected,
        };
        self.last = Some(snapshot);
    }
}

/// The line on what goes on.
fn line(snapshot: &Snapshot) -> Option<&Message> {
    snapshot.presence.as_ref().and_then(|presence| presence.line.as_ref())
}

/// What a person would notice of a screen, in a few words.
pub(super) fn notice(snapshot: &Snapshot) -> String {
    if let Some(completed) = &snapshot.completed {
        return format!("end: {} ({})", completed.outcome, completed.delivery.as_str());
    }
    let mut text = format!("{:?}", snapshot.screen).to_lowercase();
    if matches!(snapshot.screen, Screen::Waiting | Screen::Interview) {
        let said = snapshot.presence.as_ref();
        text += &said.map(|said| format!(": {}", said.heading.id())).unwrap_or_default();
        text += &line(snapshot).map(|line| format!(", {}", line.id())).unwrap_or_default();
        if snapshot.asking.is_some() {
            text += " (asks the candidate)";
        }
    }
    text
}

/// Reads the client's screen and stamps it with our own clock.
pub(super) async fn observe(mut lines: LineReader, seen: watch::Sender<Seen>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let now = unix_now();
        match serde_json::from_str::<Snapshot>(&line) {
            Ok(snapshot) => seen.send_modify(|seen| seen.take(snapshot, now)),
            Err(error) => {
                seen.send_modify(|seen| seen.unreadable.push(format!("the client's screen: {error}: {line}")))
            }
        }
    }
}

/// Listens at the candidate's loudspeaker.
#[derive(Debug)]
pub(super) struct Heard {
    /// Every audible moment, in seconds since 1970.
    moments: Arc<Mutex<Vec<f64>>>,
    _process: Child,
}

impl Heard {
    /// Listens from now on: a null sink that nobody used posts its next block after up to 2 s, and nothing that is said
    /// before is recorded. So this waits for the first.
    pub(super) async fn listen(pulse: &Pulse, folder: &Path) -> anyhow::Result<Self> {
        let mut command = tokio::process::Command::new("parec");
        command
            .args([
                "--raw",
                "--format=s16le",
                "--rate=48000",
                "--channels=1",
                "--latency-msec=20",
                "--device=candidate_speaker.monitor",
            ])
            .stdout(std::process::Stdio::piped());
        pulse.give(&mut command);
        let (process, _, lines) = Child::start_talking("parec", &mut command, &folder.join("parec.log"))?;
        let moments = Arc::new(Mutex::new(Vec::new()));
        let kept_moments = Arc::clone(&moments);
        let mut stream = lines.into_inner();
        let mut kept = std::io::BufWriter::new(std::fs::File::create(folder.join("heard.raw"))?);
        let mut bytes = vec![0_u8; 4_800]; // 50 ms
        tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut bytes))
            .await
            .context("parec recorded nothing within 10 s; see parec.log")??;
        tokio::spawn(async move {
            while stream.read_exact(&mut bytes).await.is_ok() {
                if kept.write_all(&bytes).and_then(|()| kept.flush()).is_err() {
                    tracing::warn!("what is heard can't be kept");
                }
                let samples: Vec<i16> =
                    bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
                if adjourn_audio::dbfs(&samples) > -45.0 {
                    kept_moments.lock().push(unix_now());
                }
            }
        });
        Ok(Self { moments, _process: process })
    }

    /// Whether something was audible between these two.
    pub(super) fn between(&self, from: f64, to: f64) -> bool {
        self.moments.lock().iter().any(|at| (from..=to).contains(at))
    }

    /// The first audible moment seen after `since`.
    pub(super) async fn after(&self, since: f64, limit: Duration) -> anyhow::Result<f64> {
        let newest = || self.moments.lock().last().copied().filter(|at| *at > since);
        look(limit, newest).await.with_context(|| format!("nothing was heard within {limit:?}"))
    }
}
