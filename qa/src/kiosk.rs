//! One seat of a test center and many candidates, one after the other: how their interviews end is chance, and after each the seat waits
//! for the next one with nothing of them left.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adjourn_protocol::{InviteLink, Secret};
use adjourn_testbed::{
    AccessibleNode, AgentEvent, Interviewer, Invitation, Pulse, Seat, SeatComputer, SeatFolders, Signal,
    Testbed, Worker, look,
};
use anyhow::Context as _;
use fastrand::Rng;
use serde::Serialize;

/// What is shown next, is shown within this.
const SOON: Duration = Duration::from_secs(20);
/// An interviewer comes, asks and listens within this.
const TALK: Duration = Duration::from_secs(60);
/// The seat waits for the next candidate this long after the last one was done, at most.
pub const RESET: Duration = Duration::from_secs(8);
/// Words of what the candidate and the interviewer say (`agents/interviewers/speech`): found nowhere afterwards.
const SPOKEN: [&str; 3] = ["sensor network", "water level", "thank you for your time"];

/// What becomes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visit {
    /// The interviewer ends the interview.
    Finishes,
    /// The candidate does.
    EndsIt,
    /// The page's process dies in the middle.
    PageDies,
    /// The page hangs.
    PageHangs,
    /// The window dies, and they go on.
    WindowDies,
    /// The power is gone, and they go on.
    PowerFails,
    /// The power is gone, and they go.
    PowerFailsAndTheyGo,
    /// The first code is none.
    WrongCode,
    /// They look at the device check and go back.
    GoesBack,
}

impl Visit {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::Finishes,
        Self::EndsIt,
        Self::PageDies,
        Self::PageHangs,
        Self::WindowDies,
        Self::PowerFails,
        Self::PowerFailsAndTheyGo,
        Self::WrongCode,
        Self::GoesBack,
    ];
}

/// A seat that is a computer of its own, in a container.
#[derive(Clone, Copy, Debug)]
pub struct Computer<'a> {
    /// A Debian with systemd and what the packages need.
    pub system: &'a Path,
    /// Folder of the packages.
    pub packages: &'a Path,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KioskReport {
    /// Candidates.
    pub candidates: usize,
    /// How often a seat was not waiting for the next one in time.
    pub stuck: usize,
    /// Files, and processes that live on, in which something of a candidate was found.
    pub leftover: usize,
    /// Interviews without a record.
    pub lost: usize,
    /// Seconds from *I am done* to the next candidate's screen, the longest.
    pub longest_reset_s: f64,
    /// What went wrong, in order.
    pub failures: Vec<String>,
    /// Seconds that it took.
    pub took_s: f64,
}

/// A seat with servers and interviewers around it.
#[derive(Debug)]
pub struct SeatBed {
    /// The sound server of a seat that is no computer by itself.
    pulse: Option<Pulse>,
    /// Servers.
    pub testbed: Testbed,
    /// What the seat has on disk.
    pub folders: SeatFolders,
    /// The seat.
    pub seat: Seat,
}

impl SeatBed {
    /// Sets it up.
    ///
    /// # Errors
    /// A part does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let testbed = Testbed::builder().start().await?;
        let pulse = Pulse::start(testbed.folder()).await?;
        let policy = SeatFolders::policy(&testbed.backend.url)?;
        let sound = format!("{{ shared = {:?} }}", pulse.server);
        let folders = SeatFolders::make(&testbed.folder().join("seat"), &policy, &sound)?;
        let seat = Seat::start(&testbed.tools, &folders, Some(&pulse)).await?;
        Ok(Self { pulse: Some(pulse), testbed, folders, seat })
    }

    /// Sets it up as a computer of its own, with the packages of that folder on that system: systemd does what the testbed does otherwise.
    ///
    /// # Errors
    /// A part does not start.
    pub async fn switch_on(system: &Path, packages: &Path) -> anyhow::Result<Self> {
        let testbed = Testbed::builder().start().await?;
        let folder = testbed.folder().join("computer");
        let computer = SeatComputer::set_up(system, &folder, packages).await?;
        let policy = SeatFolders::policy(&testbed.backend.url)?;
        let folders = SeatFolders::of_computer(&computer, &testbed.folder().join("seat"), &policy)?;
        let seat = Seat::switch_on(computer, &folders).await?;
        Ok(Self { pulse: None, testbed, folders, seat })
    }

    /// Waits until what a screen reader is told is so.
    ///
    /// # Errors
    /// It is not in time.
    pub async fn sees(
        &mut self,
        what: &str,
        limit: Duration,
        so: impl Fn(&AccessibleNode) -> bool,
    ) -> anyhow::Result<AccessibleNode> {
        self.seat.wait(&self.folders, what, limit, so).await
    }

    /// Waits until a code can be typed.
    ///
    /// # Errors
    /// It can't in time.
    pub async fn idle(&mut self, limit: Duration) -> anyhow::Result<AccessibleNode> {
        self.sees("the seat, waiting for a code", limit, is_typed_into).await
    }

    /// Types a code, and waits for the device check.
    ///
    /// # Errors
    /// It does not come.
    pub async fn enter(&mut self, code: &Secret) -> anyhow::Result<()> {
        self.idle(SOON).await?;
        self.seat.type_text(code.expose()).await?;
        self.seat.keys("Return").await?;
        self.sees("the device check", SOON, |tree| has(tree, "Join the interview")).await?;
        Ok(())
    }

    /// From the device check into the interview.
    ///
    /// # Errors
    /// It does not begin.
    pub async fn join(&mut self) -> anyhow::Result<()> {
        self.seat.press("Join the interview").await?;
        self.sees("the interview", TALK, |tree| has(tree, "End interview")).await?;
        Ok(())
    }

    /// The candidate answers.
    ///
    /// # Errors
    /// Nothing plays it.
    pub fn answer(&self) -> anyhow::Result<adjourn_testbed::Child> {
        let wav = self.testbed.tools.interviewers().join("speech/answer.wav");
        match &self.pulse {
            Some(pulse) => pulse.speak(&wav),
            None => self.seat.speak(&self.folders, &wav),
        }
    }

    /// Takes up the next candidate's life, as systemd does.
    ///
    /// # Errors
    /// It does not start.
    pub async fn again(&mut self) -> anyhow::Result<()> {
        self.seat.again(&self.testbed.tools, &self.folders, self.pulse.as_ref()).await
    }

    /// Files in which one of the words stands. The journal is one of them: what has not arrived yet is sealed.
    pub fn leftovers(&self, words: &[&str]) -> Vec<PathBuf> {
        self.seat.places(&self.folders).iter().flat_map(|folder| found(folder, words)).collect()
    }

    /// Somebody goes back from the check: the next one begins with another program.
    ///
    /// # Errors
    /// The seat does not end, or does not come back.
    pub async fn back(&mut self) -> anyhow::Result<()> {
        // It comes a moment after the check itself.
        self.sees("the way back", SOON, |tree| has(tree, "Back")).await?;
        self.leaves_by("Back").await
    }

    /// The candidate leaves by that button, and the next one's life begins.
    async fn leaves_by(&mut self, button: &str) -> anyhow::Result<()> {
        self.seat.press(button).await?;
        let ended = self.seat.ended(RESET).await?;
        anyhow::ensure!(ended == Some(0), "the seat ended with {ended:?}:\n{}", self.seat.log());
        self.again().await
    }

    /// Somebody is done with the end screen; gives how long it took until the next one could begin.
    ///
    /// # Errors
    /// The seat does not end, or does not come back.
    pub async fn done(&mut self) -> anyhow::Result<f64> {
        let began = Instant::now();
        self.leaves_by("I am done").await?;
        self.idle(SOON).await?;
        Ok(began.elapsed().as_secs_f64())
    }
}

/// Whether a code is asked for.
pub fn asks_for_a_code(tree: &AccessibleNode) -> bool {
    tree.all().iter().any(|node| node.name == "Your code")
}

/// Whether one can be typed.
pub fn is_typed_into(tree: &AccessibleNode) -> bool {
    tree.all().iter().any(|node| node.name == "Your code" && node.is("focused"))
}

/// Whether something is called so.
pub fn has(tree: &AccessibleNode, name: &str) -> bool {
    // Marks around a name that may be written from right to left: nobody hears them.
    let plain = |text: &str| text.replace(['\u{2068}', '\u{2069}'], "");
    tree.all().iter().any(|node| plain(&node.name).trim() == name)
}

/// The code of an invitation.
///
/// # Errors
/// Its link is none.
pub fn code_of(invitation: &Invitation) -> anyhow::Result<Secret> {
    Ok(InviteLink::parse(&invitation.link)?.code)
}

/// Waits until the interviewer's events are so.
///
/// # Errors
/// They are not in time.
pub async fn until(worker: &Worker, what: &str, so: impl Fn(&[AgentEvent]) -> bool) -> anyhow::Result<()> {
    let there = || so(&worker.events()).then_some(());
    look(TALK, there).await.with_context(|| format!("the interviewer tells nothing of: {what}"))
}

fn found(folder: &Path, words: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if folder {
            files.extend(found(&path, words));
        } else if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).to_lowercase();
            if words.iter().any(|word| text.contains(&word.to_lowercase())) {
                files.push(path);
            }
        }
    }
    files
}

/// Runs it: so many candidates, by chance.
///
/// # Errors
/// A part does not start. What goes wrong with a candidate is in the report.
pub async fn run(
    computer: Option<Computer<'_>>,
    candidates: usize,
    seed: u64,
    progress: impl Fn(&str),
) -> anyhow::Result<KioskReport> {
    let began = Instant::now();
    let mut bed = match computer {
        Some(Computer { system, packages }) => SeatBed::switch_on(system, packages).await?,
        None => SeatBed::start().await?,
    };
    let worker = bed.testbed.worker(&Interviewer::plain("zombie", 1)).await?;
    let mut chance = Rng::with_seed(seed);
    let mut report = KioskReport { candidates, ..KioskReport::default() };
    for number in 1..=candidates {
        let visit = Visit::ALL[chance.usize(..Visit::ALL.len())];
        let invitation = bed.testbed.backend.invite("{}").await?;
        let code = code_of(&invitation)?;
        progress(&format!("{number} of {candidates}: {visit:?}"));
        let came = candidate(&mut bed, &worker, visit, &code, &mut report).await;
        if let Err(error) = came {
            report.failures.push(format!("{number}, {visit:?}: {error:#}"));
        }
        // However it went, the next one finds a seat.
        if !bed.seat.running() {
            bed.again().await?;
        }
        if let Err(error) = bed.idle(SOON).await {
            report.stuck += 1;
            report.failures.push(format!("{number}, {visit:?}: the seat is stuck: {error:#}"));
            bed.seat.cut_power().await;
            bed.again().await?;
        }
        let words = [&SPOKEN[..], &[code.expose()]].concat();
        let left = bed.leftovers(&words);
        if !left.is_empty() {
            report.leftover += left.len();
            report.failures.push(format!("{number}, {visit:?}: something of them is in {left:?}"));
        }
        let remembered = bed.seat.remembered_by(&words);
        if !remembered.is_empty() {
            report.leftover += remembered.len();
            report
                .failures
                .push(format!("{number}, {visit:?}: something of them is remembered by {remembered:?}"));
        }
        if !matches!(visit, Visit::GoesBack | Visit::PowerFailsAndTheyGo) {
            let records = bed.testbed.backend.status(&invitation.id).await?.records;
            if records == 0 {
                report.lost += 1;
                report.failures.push(format!("{number}, {visit:?}: there is no record of it"));
            }
        }
    }
    bed.seat.cut().await;
    report.took_s = began.elapsed().as_secs_f64();
    Ok(report)
}

/// One candidate, from a code to the seat that waits for the next.
async fn candidate(
    bed: &mut SeatBed,
    worker: &Worker,
    visit: Visit,
    code: &Secret,
    report: &mut KioskReport,
) -> anyhow::Result<()> {
    let before = worker.events().len();
    if visit == Visit::WrongCode {
        bed.idle(SOON).await?;
        bed.seat.type_text("AAAA-2222").await?;
        bed.seat.keys("Return").await?;
        bed.sees("that it is checked", SOON, |tree| has(tree, "Back")).await?;
        bed.back().await?;
    }
    bed.enter(code).await?;
    if visit == Visit::GoesBack {
        bed.back().await?;
        return Ok(());
    }
    bed.join().await?;
    let listens = |events: &[AgentEvent]| {
        events[before..].iter().filter(|event| event.state.as_deref() == Some("listening")).count() >= 2
    };
    until(worker, "its question", listens).await?;
    match visit {
        Visit::PageDies => bed.seat.signal("WebKitWebProces", Signal::KILL)?,
        Visit::PageHangs => bed.seat.signal("WebKitWebProces", Signal::STOP)?,
        Visit::WindowDies => {
            bed.seat.signal("adjourn", Signal::KILL)?;
            bed.seat.ended(RESET).await?;
        }
        Visit::PowerFails | Visit::PowerFailsAndTheyGo => bed.seat.cut_power().await,
        Visit::Finishes | Visit::EndsIt | Visit::WrongCode | Visit::GoesBack => {}
    }
    if matches!(visit, Visit::WindowDies | Visit::PowerFails | Visit::PowerFailsAndTheyGo) {
        bed.again().await?;
        let tree = bed.idle(SOON).await?;
        let said = tree.all().iter().any(|node| node.text.contains("An interview broke off here."));
        anyhow::ensure!(said, "nobody is told that an interview broke off here:\n{}", tree.outline());
        if visit == Visit::PowerFailsAndTheyGo {
            return Ok(());
        }
        bed.enter(code).await?;
        bed.join().await?;
    }
    if visit == Visit::EndsIt {
        bed.seat.press("End interview").await?;
        bed.sees("the question", SOON, |tree| has(tree, "End it")).await?;
        bed.seat.press("End it").await?;
    } else {
        bed.sees("the interview", SOON, |tree| has(tree, "End interview")).await?;
        let mut voice = bed.answer()?;
        voice.finished(TALK).await?;
    }
    bed.sees("the end", TALK, |tree| has(tree, "I am done")).await?;
    let reset = bed.done().await?;
    report.longest_reset_s = report.longest_reset_s.max(reset);
    anyhow::ensure!(reset <= RESET.as_secs_f64(), "the next one could begin after {reset:.1} s");
    Ok(())
}
