//! The scenario catalogue, as data.
//!
//! A scenario is a table in a TOML file (`qa/scenarios/`, one file per section; format: `docs/scenarios/format.md`).
//! It says what the interviewer does, the steps up to and after the fault, and what must come of it.

pub mod catalogue;
mod check;
mod needs;
mod sound;
mod step;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use adjourn_client::RecordState;
use adjourn_protocol::{Arrival, TranscriptSource};
use adjourn_session::SoundProcessing;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

pub use adjourn_testbed::{Dismissal, Interviewer, Signalling};
pub use needs::Needs;
pub use sound::{Card, Open, Sound};
pub(crate) use step::SIGNALS;
pub use step::{Act, Button, Call, Choice, Damage, Disk, Machine, Names, Side, Step, Target, clock_of_agent};

use self::words::Mistake;
use adjourn_testbed::fault_proxy::Fault;

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Its id in the catalogue.
    pub id: String,
    /// What happens, in words.
    pub cause: String,
    /// Section, from the file's name.
    #[serde(skip)]
    pub section: String,
    /// File and line at which it begins, for messages.
    #[serde(skip)]
    pub place: String,
    /// Where client and servers live.
    #[serde(default)]
    pub network: Place,
    /// The worker that runs from the start; without it there is none.
    pub interviewer: Option<Interviewer>,
    /// Whether the server makes rooms by itself.
    #[serde(default)]
    pub auto_create: bool,
    /// Most participants of a room that the server allows.
    pub max_participants: Option<u32>,
    /// Minutes that the interview may take at most, if not thirty.
    pub minutes: Option<u32>,
    /// So many interviewers may be replaced if they are lost.
    #[serde(default)]
    pub replacements: u8,
    /// Minutes after the end until the backend counts the agent's report as missing, if not ten.
    pub agent_deadline: Option<f64>,
    /// The backend's database is a Postgres server.
    #[serde(default)]
    pub postgres: bool,
    /// Servers as an organiser with many interviews runs them: two livekit-servers on one Redis, two backends on one Postgres,
    /// haproxy before both.
    #[serde(default)]
    pub fleet: bool,
    /// The client reaches the backend by TLS, under a name.
    #[serde(default)]
    pub tls: bool,
    /// What goes wrong between client and backend from the start (and lets a proxy stand there).
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// LiveKit's webhooks pass the proxy too.
    #[serde(default)]
    pub webhooks_by_proxy: bool,
    /// LiveKit's signalling passes a relay that can dismiss the client.
    #[serde(default)]
    pub dismissible: bool,
    /// Where the client's journal is.
    #[serde(default)]
    pub disk: Disk,
    /// The client's wall clock, as libfaketime takes it: `-1h`, `@1970-01-01 00:10:00`.
    pub wall_clock: Option<String>,
    /// The client is killed at the first point of that kind: `posted`, after the record was sent and before the
    /// receipt is known.
    pub kill_on: Option<String>,
    /// Points of the client's code that fail, as the crate `fail` takes them: `deliverer=1*panic`.
    pub fail_points: Option<String>,
    /// The client is killed at its n-th point at which something is written to disk (from 1), and started again;
    /// nothing else is done.
    pub kill_at: Option<usize>,
    /// Microphone and loudspeaker are two channels of one device, so that both are recorded in step.
    #[serde(default)]
    pub desk: bool,
    /// The system has rtkit, as a desktop has: threads that carry sound come before others.
    #[serde(default)]
    pub rtkit: bool,
    /// What is done to the candidate's voice, if not what the policy does by itself.
    pub sound_processing: Option<SoundProcessing>,
    /// Nothing else of a matrix runs beside it: it takes the machine's cores.
    #[serde(default)]
    pub alone: bool,
    /// What is done, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What is done after the end screen, once the record is where the scenario expects it: how the fault is
    /// mended. Without it, and with `delivery = "later"`, the backend is started again.
    #[serde(default)]
    pub after: Vec<Step>,
    /// What must come of it.
    pub expect: Expect,
    /// Part of the suite that every change is tested with.
    #[serde(default)]
    pub suite: bool,
}

/// Where the parts of a run live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Everything on the loopback interface.
    #[default]
    Loopback,
    /// Client and servers in a namespace each, with a cable between them.
    Cable,
    /// As with a cable, and everything between them passes relays that can be made to fail.
    Relay,
    /// As with a cable, with the interviewer's worker at its other end instead of the client.
    InterviewersCable,
}

fn one() -> usize {
    1
}

/// What must come of a scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// The one word of the end screen.
    pub outcome: String,
    /// Seconds from the clock to the end screen; none where the interview goes on.
    pub bound: Option<f64>,
    /// Seconds from the clock to "checking on the interviewer".
    pub suspect: Option<f64>,
    /// Seconds from the clock to the question to the candidate.
    pub question: Option<f64>,
    /// Seconds from the clock to "this takes longer than usual": earliest and latest.
    pub long_wait: Option<(f64, f64)>,
    /// Seconds until sound is back after `heard`.
    pub audio_back: Option<f64>,
    /// Seconds from the clock to the verified receipt, or to "saved" where it is delivered later.
    pub delivered: Option<f64>,
    /// There is no end: the client says this (a message's name in `ui/locales/en/client.ftl`), and stays at the device check.
    pub problem: Option<String>,
    /// Whether it offers to try again.
    #[serde(default)]
    pub retry: bool,
    /// The screen says this at some time (a message's name).
    pub notice: Option<String>,
    /// The end screen's reason (a message's name).
    pub reason: Option<String>,
    /// The goodbye is heard at the loudspeaker, whole.
    #[serde(default)]
    pub goodbye: bool,
    /// How often the candidate is warned that the time is nearly over.
    pub warnings: Option<usize>,
    /// Where the record is when the run ends: on its way to the backend and there, or kept and
    /// delivered once the backend is reachable again.
    #[serde(default)]
    pub delivery: Delivered,
    /// What the backend holds at last.
    pub held: Option<Held>,
    /// Who is told that it is over, and that the report is there.
    pub told: Option<Told>,
    /// So many of the interviewer's processes were heard at the loudspeaker: of one that was sent in vain, no word may be.
    pub speakers: Option<usize>,
    /// So many participants were the interviewer, one after another, as the record says.
    pub interviewers: Option<usize>,
    /// Seconds from the loss of an interviewer to the first word of the one in its place, each time.
    pub replaced: Option<f64>,
    /// So often the interviewer understood the candidate to have said something, as far as it says so.
    pub turns: Option<usize>,
    /// Where the record is when the end screen comes: `saving`, `sending`, …
    pub at_first: Option<RecordState>,
    /// The client's log may have errors of which each has one of these in it; no others.
    #[serde(default)]
    pub errors: Vec<String>,
}

/// What the backend holds at last.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Held {
    /// What became of the agent's report.
    pub agent_report: Arrival,
    /// By whose word it knows what was said.
    pub transcript: TranscriptSource,
    /// Whether the agent's report confirms that the interview was finished.
    #[serde(default)]
    pub confirmed: bool,
    /// Of so many interviewers, if not of one.
    pub reports: Option<i64>,
    /// Seconds from the end screen.
    pub within: f64,
}

/// By which ways word comes that the interview is over.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Told {
    /// By these and no others.
    pub by: BTreeSet<Way>,
    /// Seconds from the clock.
    pub within: f64,
}

/// A way by which an organiser may learn that an interview is over, or get its report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// `session.on("close")` in the job.
    Close,
    /// `on_session_end` in the job.
    SessionEnd,
    /// LiveKit's webhook `participant_left`, of the interviewer.
    LivekitLeft,
    /// LiveKit's webhook `room_finished`.
    LivekitFinished,
    /// Our webhook `interview.ended`.
    WebhookEnded,
    /// Our webhook `report.received`, of the interviewer's report.
    WebhookReport,
    /// `interview.ended` in our feed.
    FeedEnded,
    /// `report.received` in our feed, of the interviewer's report.
    FeedReport,
}

/// How the record arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivered {
    /// At once.
    #[default]
    AtOnce,
    /// Saved on disk, and delivered after what hindered it is mended.
    Later,
    /// Saved on disk by a client that ends by itself, and delivered when it is started again.
    NextStart,
    /// The disk does not take it: sent from memory.
    FromMemory,
    /// Refused for good by the backend, shown so, and kept on disk.
    Parked,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// `row` is what they were called before; it goes with version 0.2.
    #[serde(alias = "row")]
    scenario: Vec<Scenario>,
}

/// How an interviewer may end.
const ENDINGS: [&str; 4] = ["zombie", "leave", "delete-room", "long"];

/// Longest bound, pause or limit that a scenario may name, in seconds.
const LONGEST_S: f64 = 3_600.0;

/// Reads one file of scenarios.
///
/// # Errors
/// What is wrong, with file and line.
pub fn read(path: &Path) -> anyhow::Result<Vec<Scenario>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> anyhow::Result<Vec<Scenario>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        anyhow::anyhow!("{}, line {line}: {}", path.display(), error.message())
    })?;
    let section = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut scenarios = file.scenario;
    let mut from = 0;
    for scenario in &mut scenarios {
        scenario.section.clone_from(&section);
        // They are in the order of the file: of two with one id each is found.
        let begins = begins(text, from, &scenario.id);
        from = begins + 1;
        scenario.place = format!("{}, line {}", path.display(), line_of(text, begins));
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        for interviewer in scenario.interviewers_mut() {
            if let Some(script) = &mut interviewer.script {
                *script = folder.join(&script);
            }
        }
        if let Err(Mistake { word, text: problem }) = scenario.check() {
            let at = word.and_then(|word| text[begins..].find(&word)).map_or(begins, |at| begins + at);
            anyhow::bail!(
                "{}, line {}: scenario {:?}: {problem}",
                path.display(),
                line_of(text, at),
                scenario.id
            );
        }
    }
    Ok(scenarios)
}

/// Where the scenario with this id begins: the line that names it.
fn begins(text: &str, from: usize, id: &str) -> usize {
    let quoted = format!("\"{id}\"");
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix("id").map(str::trim_start);
        rest.and_then(|rest| rest.strip_prefix('='))
            .is_some_and(|rest| rest.trim_start().starts_with(&quoted))
    };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at >= from && names(line) {
            return at;
        }
        at += line.len();
    }
    0
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

impl Scenario {
    /// Every interviewer that the scenario starts.
    fn interviewers_mut(&mut self) -> impl Iterator<Item = &mut Interviewer> {
        let later =
            self.steps.iter_mut().chain(&mut self.after).filter_map(|step| {
                if let Step::Worker(interviewer) = step { Some(interviewer) } else { None }
            });
        self.interviewer.iter_mut().chain(later)
    }

    /// Every interviewer that the scenario starts.
    pub(crate) fn interviewers(&self) -> impl Iterator<Item = &Interviewer> {
        let later =
            self.steps.iter().chain(&self.after).filter_map(|step| {
                if let Step::Worker(interviewer) = step { Some(interviewer) } else { None }
            });
        self.interviewer.iter().chain(later)
    }

    /// Whether the interviewer's sessions tell their conversation: livekit-agents for Python since 1.8, with a host, over
    /// a token that lets it; and whether there is only one of them at a time.
    pub fn tells(&self) -> bool {
        let silent = ["no-host", "restarts-session"];
        let hosted = |i: &Interviewer| {
            !i.old && !i.node && i.script.is_none() && !silent.iter().any(|name| i.with.contains_key(*name))
        };
        // What an agent says while we are out, and takes along when it leaves, nobody can tell us.
        let out = self.steps.iter().any(|step| matches!(step, Step::Cable(Side::Out)));
        let taken_along = out && self.interviewers().any(|i| i.ending == "leave");
        let twice = self.steps.iter().filter(|step| matches!(step, Step::Dispatch)).count() > 0;
        self.interviewers().all(hosted)
            && !twice
            && !taken_along
            && self.faults.is_empty()
            && self.kill_on.is_none()
            && !self.steps.iter().any(|step| matches!(step, Step::RestartClient { .. } | Step::Damage(_)))
    }

    /// Whether the interviewer's first question must be heard whole: one was asked, and nothing was done to network,
    /// processes or machine that would excuse a gap.
    pub fn is_heard(&self) -> bool {
        let disturbs = |step: &Step| {
            matches!(
                step,
                Step::Signal { .. }
                    | Step::Limit { .. }
                    | Step::Busy(_)
                    | Step::RestartServer
                    | Step::RestartClient { .. }
                    | Step::Dismiss(_)
            )
        };
        let asks = |i: &Interviewer| i.ending != "long" && i.script.is_none() && !i.node;
        self.network == Place::Loopback
            && self.steps.iter().any(|step| matches!(step, Step::Answer))
            && self.interviewers().all(asks)
            && !self.steps.iter().any(disturbs)
            && self.fail_points.is_none()
            && self.kill_on.is_none()
    }

    /// Whether a proxy stands between client and backend.
    pub fn proxied(&self) -> bool {
        let step = |step: &Step| matches!(step, Step::Fault(_) | Step::Passed { .. });
        self.tls || self.webhooks_by_proxy || !self.faults.is_empty() || self.steps.iter().any(step)
    }

    /// Every fault between client and backend, in order.
    pub fn every_fault(&self) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        for step in self.steps.iter().chain(&self.after) {
            if let Step::Fault(more) = step {
                faults.extend(more.iter().cloned());
            }
        }
        faults
    }

    /// Why this scenario can't run on this machine, if so: what is missing, and which line asks for it.
    pub fn missing(&self) -> Option<String> {
        let missing = self.needs().into_iter().find_map(Needs::missing)?;
        Some(format!("{missing}; {} asks for it", self.place))
    }

    /// What this scenario needs of the machine.
    fn needs(&self) -> Vec<Needs> {
        let steps = || self.steps.iter().chain(&self.after);
        let mut needs: Vec<Needs> = steps().filter_map(Step::needs).collect();
        if self.network != Place::Loopback {
            needs.push(Needs::Namespaces);
        }
        if self.fleet {
            needs.extend([Needs::Fleet, Needs::Postgres]);
        }
        if self.network == Place::Relay {
            needs.push(Needs::Toxiproxy);
        }
        if self.disk == Disk::Small || self.disk == Disk::ReadOnly {
            needs.push(Needs::Mounts);
        }
        if self.interviewer.as_ref().is_some_and(|i| i.node) {
            needs.push(Needs::NodeInterviewer);
        }
        if self.wall_clock.is_some() {
            needs.push(Needs::Faketime);
        }
        if self.postgres {
            needs.push(Needs::Postgres);
        }
        needs.dedup();
        needs
    }
}

/// Every scenario of this checkout, in the order of the catalogue.
///
/// # Errors
/// A file can't be read, or two scenarios have the same id.
pub fn all(extra: Option<&Path>) -> anyhow::Result<Vec<Scenario>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> =
        ["agent", "reported", "room", "network", "devices", "process", "backend", "fleet", "guarantees"]
            .iter()
            .map(|s| folder.join(format!("{s}.toml")))
            .collect();
    files.extend(extra.map(Path::to_owned));
    let mut scenarios: Vec<Scenario> = Vec::new();
    for file in files {
        for scenario in read(&file)? {
            if let Some(other) = scenarios.iter().find(|other| other.id == scenario.id) {
                anyhow::bail!("{}: {:?} is there already ({})", scenario.place, scenario.id, other.place);
            }
            scenarios.push(scenario);
        }
    }
    Ok(scenarios)
}

/// The scenario with this id, of this checkout or of a further file.
///
/// # Errors
/// There is none; names the nearest.
pub fn find_in(id: &str, extra: Option<&Path>) -> anyhow::Result<Scenario> {
    let scenarios = all(extra)?;
    named(&scenarios, id).with_context(|| unknown(&scenarios, id))
}

/// That there is none, and which one may be meant.
pub fn unknown(scenarios: &[Scenario], id: &str) -> String {
    let nearest = words::nearest(id, scenarios.iter().map(|scenario| scenario.id.as_str()));
    format!(
        "there is no scenario {id:?}; the nearest is {nearest:?}, and `adjourn-qa scenarios` lists them all"
    )
}

/// The scenario with this id, of this checkout.
///
/// # Errors
/// There is none; names the nearest.
pub fn find(id: &str) -> anyhow::Result<Scenario> {
    find_in(id, None)
}

/// One of these scenarios by its id. `client-kill:N` is one for every N: it is like those that are there.
pub fn named(scenarios: &[Scenario], id: &str) -> Option<Scenario> {
    if let Some(scenario) = scenarios.iter().find(|scenario| scenario.id == id) {
        return Some(scenario.clone());
    }
    let point = id.strip_prefix("client-kill:")?.parse().ok().filter(|point| *point > 0)?;
    let like = scenarios.iter().find(|scenario| scenario.kill_at.is_some())?;
    let cause = like.cause.replace("the first point", &format!("point {point}"));
    Some(Scenario { id: id.to_owned(), cause, kill_at: Some(point), ..like.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse(text, Path::new("mine.toml")).unwrap_err().to_string()
    }

    const GOOD: &str = "[[scenario]]\nid = \"x\"\ncause = \"c\"\nsteps = [\"answer\", { clock = \"now\" }]\n";

    #[test]
    fn the_rows_of_this_checkout_are_good() {
        let scenarios = all(None).unwrap();
        assert!(scenarios.len() >= 30, "{}", scenarios.len());
        assert!(scenarios.iter().any(|scenario| scenario.id == "zombie" && scenario.section == "agent"));
    }

    #[test]
    fn a_scenario_knows_its_line_and_every_point_of_death_is_one() {
        let scenarios =
            parse(&format!("{GOOD}expect = {{ outcome = \"finished\" }}\n"), Path::new("mine.toml")).unwrap();
        assert_eq!(scenarios[0].place, "mine.toml, line 2");
        assert_eq!(find("client-kill:17").unwrap().kill_at, Some(17));
        assert!(find("client-kill:0").is_err() && find("client-kill:x").is_err());
        let text = format!("{GOOD}kill-at = 3\nexpect = {{ outcome = \"finished\" }}\n");
        assert!(message(&text).contains("with `kill-at`, a number from 1, there are no steps"));
    }

    #[test]
    fn unknown_fields_are_named_with_their_line() {
        let text = format!("{GOOD}expect = {{ outcome = \"finished\", bond = 3.5 }}\n");
        let said = message(&text);
        assert!(said.starts_with("mine.toml, line 5: unknown field `bond`"), "{said}");
        let said = message("[[scenario]]\nid = \"x\"\ncause = \"c\"\nsteps = [{ pull = \"cable\" }]\n");
        assert!(said.starts_with("mine.toml, line 4: unknown variant `pull`"), "{said}");
    }

    #[test]
    fn impossible_times_are_refused() {
        let said = message(&format!("{GOOD}expect = {{ outcome = \"finished\", bound = -1.0 }}\n"));
        assert!(said.starts_with("mine.toml, line 2: scenario \"x\": bound is -1 s;"), "{said}");
        let said =
            message(&format!("{GOOD}expect = {{ outcome = \"finished\", bound = 1.0, suspect = 2.0 }}\n"));
        assert!(said.contains("it is suspected after 2 s but over after 1 s"), "{said}");
        let text = GOOD.replace("\"answer\"", "{ pause = 99999.0 }");
        let said = message(&format!("{text}expect = {{ outcome = \"finished\" }}\n"));
        assert!(said.contains("pause is 99999 s"), "{said}");
    }

    #[test]
    fn words_that_the_testbed_does_not_know_are_refused() {
        for (wrong, said) in [
            ("{ clock = \"noon\" }", "there is no clock \"noon\"; there are now, panic, limit"),
            (
                "{ signal = { to = \"job\", signal = \"HUP\" } }",
                "there is no signal \"HUP\"; there are KILL, STOP",
            ),
        ] {
            let text = GOOD.replace("\"answer\"", wrong);
            let message = message(&format!("{text}expect = {{ outcome = \"finished\" }}\n"));
            assert!(message.starts_with(&format!("mine.toml, line 2: scenario \"x\": {said}")), "{message}");
        }
        let text =
            format!("{GOOD}interviewer = {{ ending = \"sulks\" }}\nexpect = {{ outcome = \"finished\" }}\n");
        assert!(message(&text).contains("there is no ending \"sulks\"; the nearest is"));
        let text = format!(
            "{GOOD}expect = {{ outcome = \"finished\", held = {{ agent-report = \"missing\", transcript = \"client\", within = -1.0 }} }}\n"
        );
        assert!(message(&text).contains("held.within is -1 s"));
    }

    #[test]
    fn a_fault_that_would_never_happen_and_a_number_that_makes_no_sense_are_refused() {
        let refused = |scenario: &str, expect: &str, wanted: &str| {
            let said = message(&format!("{scenario}expect = {{ outcome = \"finished\"{expect} }}\n"));
            assert!(said.contains(wanted), "{scenario}{expect}: {said}");
        };
        for (line, said) in [
            ("kill-on = \"nonsense\"", "there is no kill-on \"nonsense\"; the nearest is"),
            ("kill-on = \"posted\"", "with `kill-on` the client is killed"),
            ("fail-points = \"lop=panic\"", "there is no point \"lop\"; the nearest is \"loop\""),
            ("fail-points = \"loop=3*off->1*panik\"", "there is no action of a point \"panik\""),
            ("wall-clock = \"yesterday\"", "wall-clock \"yesterday\": it is"),
            ("minutes = 0", "minutes: an interview takes 1 to 480 minutes"),
        ] {
            refused(&format!("{GOOD}{line}\n"), "", said);
        }
        for (expect, said) in [
            (
                "held = { agent-report = \"recieved\", transcript = \"agent\", within = 1.0 }",
                "expected one of `none`",
            ),
            (
                "held = { agent-report = \"received\", transcript = \"agnet\", within = 1.0 }",
                "expected one of `agent`",
            ),
            ("long-wait = [20.0, 10.0]", "the earliest comes before the latest"),
        ] {
            refused(GOOD, &format!(", {expect}"), said);
        }
        for (step, said) in [
            ("{ limit = { to = \"job\", memory-mib = 0 } }", "nothing runs with 0 MiB"),
            ("{ relay = { loss = 500.0 } }", "are shares, 0 to 1"),
            ("{ agent = { event = \"close\", times = 0 } }", "it is counted from 1"),
        ] {
            refused(&GOOD.replace("\"answer\"", step), "", said);
        }
    }

    #[test]
    fn an_id_is_a_name_and_no_path() {
        for id in ["", "../../escape", "/etc/foo", "a b", "a\\nb", "A", "-x", "a_b", &"x".repeat(61)] {
            let text = GOOD.replacen("id = \"x\"", &format!("id = \"{id}\""), 1);
            let said = message(&format!("{text}expect = {{ outcome = \"finished\" }}\n"));
            assert!(said.contains("an id is lower-case letters"), "{id:?}: {said}");
        }
    }

    #[test]
    fn words_that_nobody_understands_are_refused_with_line_and_nearest_name() {
        let scenario = |interviewer: &str, outcome: &str, event: &str| {
            message(&format!(
                "[[scenario]]\nid = \"x\"\ncause = \"c\"\ninterviewer = {{ ending = \"zombie\", with = {{ {interviewer} }} }}\nsteps = [\"answer\", {{ clock = \"agent:{event}\" }}]\nexpect = {{ outcome = \"{outcome}\" }}\n"
            ))
        };
        let said = scenario("slow-tol = \"3600\"", "finished", "close");
        assert!(
            said.starts_with(
                "mine.toml, line 4: scenario \"x\": there is no `with` \"slow-tol\"; the nearest is \"slow-tool\""
            ),
            "{said}"
        );
        let said = scenario("slow-tool = \"soon\"", "finished", "close");
        assert!(said.contains("slow-tool = \"soon\": it takes a number of seconds"), "{said}");
        let said = scenario("", "finnished", "close");
        assert!(
            said.starts_with("mine.toml, line 6") && said.contains("the nearest is \"finished\""),
            "{said}"
        );
        let said = scenario("", "finished", "closed");
        assert!(
            said.starts_with("mine.toml, line 5") && said.contains("there is no event \"closed\""),
            "{said}"
        );
        let own = "[[scenario]]\nid = \"x\"\ncause = \"c\"\ninterviewer = { ending = \"zombie\", script = \"mine.py\" }\nsteps = [{ clock = \"agent:mine\" }]\nexpect = { outcome = \"finished\" }\n";
        assert!(
            message(own).contains("line 4: scenario \"x\": there is no script mine.py"),
            "{}",
            message(own)
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.py"), "").unwrap();
        std::fs::write(folder.path().join("mine.toml"), own).unwrap();
        let scenarios = read(&folder.path().join("mine.toml")).unwrap();
        assert_eq!(scenarios[0].interviewer.as_ref().unwrap().script, Some(folder.path().join("mine.py")));
    }

    #[test]
    fn a_scenario_has_one_clock_and_a_cable_to_pull() {
        let text = GOOD.replace(", { clock = \"now\" }", "");
        assert!(
            message(&format!("{text}expect = {{ outcome = \"finished\" }}\n")).contains("one `clock` step")
        );
        let text = GOOD.replace("\"answer\"", "{ cable = \"out\" }");
        assert!(
            message(&format!("{text}expect = {{ outcome = \"finished\" }}\n"))
                .contains("no `network = \"cable\"`")
        );
    }

    #[test]
    fn what_a_step_is_about_has_to_be_there_before_anything_is_started() {
        for (step, missing) in [
            ("\"fill-disk\"", "no `disk = \"small\"`"),
            ("\"crash-database\"", "no `postgres = true`"),
            ("{ names = \"dead\" }", "no `network = \"cable\"`"),
            ("{ certificate = \"evil\" }", "no `tls = true`"),
            ("{ busy = 100000 }", "1 to 64"),
            ("{ limit = { to = \"job\" } }", "limits something"),
            ("{ dismiss = \"resume\" }", "not `dismissible`"),
        ] {
            let text = GOOD.replace("\"answer\"", step);
            let said = message(&format!("{text}expect = {{ outcome = \"finished\" }}\n"));
            assert!(said.contains(missing), "{step}: {said}");
            // After the end likewise.
            let said = message(&format!("{GOOD}after = [{step}]\nexpect = {{ outcome = \"finished\" }}\n"));
            assert!(said.contains(missing), "{step}: {said}");
        }
    }
}
