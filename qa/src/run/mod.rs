//! Runs one scenario on real parts and observes it from outside.

pub mod app_bench;
pub mod audio_bench;
pub mod baseline;
mod bed;
mod canary;
mod delivery;
mod goodbye;
mod mishaps;
mod noise;
pub mod organiser;
mod problem;
mod replaced;
mod report;
mod said;
mod seen;
mod sound;
mod steps;
mod subject;
pub mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_client::Command;
use adjourn_session::Input;
use anyhow::Context as _;

use self::bed::ScenarioBed;
use self::canary::{Canary, STARVED, STUTTERED_S, stuttered_s};
pub(crate) use self::report::NotBegun;
pub use self::report::RunReport;
use self::seen::Seen;
use self::steps::Played;
pub use self::subject::Subject;
use crate::crash_test;
use crate::scenario::{Delivered, Held, Scenario, Step, Told, Way};
use adjourn_cli::explain;
use adjourn_cli::replay::Trace;
use adjourn_testbed::{AgentEvent, Proxy, Pulse, Worker, look, unix_now};

/// A scenario that fails on a starved machine is run so often again.
const AGAIN: u32 = 2;
/// How much longer than its bound a scenario is watched.
const WATCH: Duration = Duration::from_secs(20);
/// In so many seconds of speech, packets are read at least twice (every 0.5 s).
const COUNTED_S: f64 = 2.0;
/// "sending" becomes "saved" within this (docs/scenarios/catalogue.md, section backend).
const SAVED: Duration = Duration::from_secs(13);
/// What was saved is delivered within this once the backend is back.
const DELIVERED_LATER: Duration = Duration::from_secs(60);

/// Runs a scenario; once more, at most twice, if it failed on a machine that was starved meanwhile. The line says so, and what the runs
/// before left is kept beside `keep`. What the testbed itself fails at is in the line, too.
///
/// # Errors
/// The results can't be written.
pub async fn judged(
    scenario: &Scenario,
    subject: Subject,
    seed: u64,
    keep: &Path,
    says: impl Fn(&str),
) -> anyhow::Result<RunReport> {
    let mut again = 0;
    loop {
        let canary = Canary::start()?;
        let mut line = run(scenario, subject, seed, Some(keep)).await.unwrap_or_else(|error| RunReport {
            not_begun: error.downcast_ref::<NotBegun>().is_some(),
            ..RunReport::broken(&scenario.id, seed, scenario.expect.bound, format!("{error:#}"))
        });
        let worst = canary.worst();
        line.starved_ms = u64::try_from(worst.as_millis()).unwrap_or(u64::MAX);
        line.again = again;
        line.write(keep)?;
        let starved = worst >= STARVED || line.stuttered_s >= STUTTERED_S;
        if line.verdict == "pass" || !starved || again == AGAIN {
            return Ok(line);
        }
        again += 1;
        let failed = line.failures.first().map_or("", String::as_str);
        says(&format!(
            "  {}: the machine was starved for {} ms, and the interviewer's voice lacks {:.1} s; once more ({failed})",
            scenario.id, line.starved_ms, line.stuttered_s
        ));
        let aside = beside(keep, &format!("starved-{again}"));
        // Of an earlier matrix; absent the first time.
        let _ = std::fs::remove_dir_all(&aside);
        std::fs::rename(keep, aside)?;
    }
}

/// A folder that somebody named may hold what is theirs: nothing is removed from it.
///
/// # Errors
/// It holds something, or is no folder.
pub fn new_or_empty(folder: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(folder.is_dir() || !folder.exists(), "{} is no folder", folder.display());
    let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    anyhow::ensure!(
        empty || !folder.exists(),
        "{} holds something already; give a new or empty folder",
        folder.display()
    );
    Ok(())
}

/// A folder beside another one. (An id may have a dot, and what comes after it is no extension.)
pub fn beside(folder: &Path, what: &str) -> std::path::PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!("{name}.{what}"))
}

/// Runs a scenario. Files of the run are left in `keep`, if given.
///
/// # Errors
/// The testbed itself fails; what the product does wrong is in the line.
pub async fn run(
    scenario: &Scenario,
    subject: Subject,
    seed: u64,
    keep: Option<&Path>,
) -> anyhow::Result<RunReport> {
    if let Some(missing) = subject.missing(scenario) {
        anyhow::bail!("{} can't run here: {missing}", scenario.id);
    }
    let temporary = tempfile::tempdir()?;
    // The sound server takes no relative path.
    let folder = std::path::absolute(keep.unwrap_or(temporary.path()))?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} can't be made", folder.display()))?;
    if let Some(point) = scenario.kill_at {
        let line = crash_test::client::scenario(scenario, point, seed).await?;
        line.write(&folder)?;
        return Ok(line);
    }
    let mut bed = ScenarioBed::start(scenario, &folder, seed, subject).await.context(NotBegun)?;
    let played = steps::play(scenario, &mut bed).await?;
    finish(scenario, bed, seed, played).await
}

async fn finish(
    scenario: &Scenario,
    mut bed: ScenarioBed,
    seed: u64,
    played: Played,
) -> anyhow::Result<RunReport> {
    let mut played = played;
    let mut failures = std::mem::take(&mut played.failures);
    let clock = played.clock;
    let limit = Duration::from_secs_f64(scenario.expect.bound.unwrap_or(30.0)) + WATCH;
    let delivered_at = if scenario.expect.problem.is_some() {
        problem::check(scenario, &mut bed, clock, limit, &mut failures).await;
        None
    } else {
        if let Err(error) = bed.wait(limit, "the end screen", |seen| seen.completed_at.is_some()).await {
            failures.push(format!("{error:#}"));
        }
        if bed.client.running() && !released(&bed.pulse).await? {
            failures.push("the microphone is still open one second after the end screen".to_owned());
        }
        delivery::follow(scenario, &mut bed, &mut played, &mut failures).await
    };
    failures.append(&mut played.failures);
    let seen = bed.seen.borrow().clone();
    let shown = seen.completed.clone();
    let outcome = shown.as_ref().map_or_else(|| "none".to_owned(), |c| c.outcome.to_string());
    let after = |at: f64| at - clock;
    let first_after = |times: &[f64]| times.iter().find(|at| **at >= clock).copied().map(after);
    let events = bed.events();
    let last_word = last_word(&events);
    let mut line = RunReport {
        not_begun: false,
        id: scenario.id.clone(),
        seed,
        fault_at: clock,
        suspect_s: first_after(&seen.suspects),
        question_s: first_after(&seen.questions),
        completed_s: seen.completed_at.map(after),
        saved_s: seen.saved_at.map(after),
        delivered_s: delivered_at.map(after),
        bound_s: scenario.expect.bound,
        after_last_word_s: seen.completed_at.zip(last_word).map(|(end, word)| end - word),
        audio_back_s: played.audio_back_s,
        replaced_s: None,
        told: BTreeMap::new(),
        heard: None,
        outcome: outcome.clone(),
        delivery: if seen.received_at.is_some() {
            "delivered".to_owned()
        } else {
            shown.map_or_else(String::new, |c| c.delivery.as_str().to_owned())
        },
        receipt: seen.receipt(),
        starved_ms: 0,
        stuttered_s: stuttered_s(&events),
        again: 0,
        verdict: String::new(),
        trace_sha256: None,
        failures: Vec::new(),
    };
    compare(scenario, &line, &seen, &mut failures);
    if scenario.expect.goodbye {
        goodbye::compare(&bed, &mut failures).await?;
    }
    if scenario.is_heard() && ["finished", "ended by candidate"].contains(&outcome.as_str()) {
        line.heard = Some(goodbye::listen(&bed, &mut failures).await?);
    }
    if let Some(expect) = &scenario.expect.told
        && let Err(error) = told(expect, &bed, &mut line, &mut failures).await
    {
        failures.push(format!("{error:#}"));
    }
    end(&mut bed, &mut failures).await;
    logged(scenario, &bed, &mut failures)?;
    let marks = traced(&bed, &mut line, &seen, &mut failures);
    if scenario.expect.problem.is_none() {
        held(scenario, &bed, &mut failures).await?;
        replaced::look(scenario, &bed, &mut line, &mut failures).await?;
        said::look(scenario, &bed, &line, &seen, &mut failures).await?;
    }
    proxied(scenario, &bed, &mut failures);
    let workers = bed.workers.iter().flat_map(Worker::unreadable);
    let proxy = bed.proxy.iter().flat_map(Proxy::unreadable);
    let written = workers.chain(proxy).map(|line| format!("a line that nobody here can read: {line}"));
    failures.extend(seen.unreadable.iter().cloned().chain(written));
    line.judge(failures);
    bed.write_timeline(marks)?;
    line.write(&bed.folder)?;
    Ok(line)
}

/// Who was told of the end, against what is expected.
async fn told(
    expect: &Told,
    bed: &ScenarioBed,
    line: &mut RunReport,
    failures: &mut Vec<String>,
) -> anyhow::Result<()> {
    // All of the time: that somebody is never told is known only then.
    let passed = unix_now() - line.fault_at;
    tokio::time::sleep(Duration::from_secs_f64((expect.within - passed).max(0.0))).await;
    line.told = organiser::told(bed, line.fault_at).await?;
    let by: BTreeSet<Way> = line.told.keys().copied().collect();
    if by != expect.by {
        failures.push(format!("word came by {:?}, expected is {:?}", line.told, expect.by));
    }
    Ok(())
}

/// The traces against what was seen; lines of the timeline from the first one.
fn traced(
    bed: &ScenarioBed,
    line: &mut RunReport,
    seen: &Seen,
    failures: &mut Vec<String>,
) -> Vec<timeline::Mark> {
    let mut marks = Vec::new();
    let mut replayed = "none".to_owned();
    for (number, path) in bed.traces.iter().enumerate() {
        // A client that was only started to deliver has nothing to replay.
        let trace = match Trace::read(path) {
            Ok(trace) => trace,
            Err(_) if number > 0 => continue,
            Err(error) => {
                failures.push(format!("{error:#}"));
                continue;
            }
        };
        if let Some(ending) = trace.replay().ending() {
            replayed = ending.outcome.to_string();
        }
        if number == 0 {
            if spoke_for(&bed.events(), line.fault_at) >= COUNTED_S && !packets_counted(&trace) {
                failures.push(
                    "the interviewer spoke, and its packets were not counted as a sign of life".to_owned(),
                );
            }
            if let Some(zero) = trace_zero(&trace, seen) {
                marks = explain::marks(&trace, zero);
            }
            line.trace_sha256 = Some(trace.sha256);
        }
    }
    if replayed != line.outcome {
        failures.push(format!("the trace replays to {replayed}"));
    }
    marks
}

/// What came through the proxy: each fault of the scenario must have happened, or the scenario shows nothing.
fn proxied(scenario: &Scenario, bed: &ScenarioBed, failures: &mut Vec<String>) {
    let Some(proxy) = &bed.proxy else { return };
    let passed = proxy.passed();
    if passed.iter().any(|passed| passed.too_soon) {
        failures.push("the client came back sooner than it was asked to (Retry-After)".to_owned());
    }
    for fault in scenario.every_fault() {
        let times =
            passed.iter().filter(|p| p.part == fault.on && p.act.as_ref() == Some(&fault.act)).count();
        if times < fault.times.unwrap_or(1) as usize {
            failures.push(format!("{fault:?} happened {times} times"));
        }
    }
}

/// What the backend holds at last: one record of the client, and what else the scenario expects.
async fn held(scenario: &Scenario, bed: &ScenarioBed, failures: &mut Vec<String>) -> anyhow::Result<()> {
    let id = &bed.invitation.id;
    let expect = scenario.expect.held.as_ref();
    if let Some(expect) = expect {
        let deadline = tokio::time::Instant::now() + Duration::from_secs_f64(expect.within);
        loop {
            let status = bed.backend.status(id).await?;
            let transcript = bed.backend.transcript(id).await?;
            let held = (status.agent_report, transcript.source, status.confirmed);
            if held == (expect.agent_report, expect.transcript, expect.confirmed)
                && !transcript.items.is_empty()
            {
                break;
            }
            if tokio::time::Instant::now() > deadline {
                failures.push(format!(
                    "the backend holds {held:?} with {} turns, expected is {expect:?}",
                    transcript.items.len()
                ));
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    if let Some(expected) = scenario.expect.speakers {
        let events = bed.events();
        let processes: BTreeSet<i32> = events.iter().map(|e| e.pid).collect();
        let speakers: Vec<i32> = processes.into_iter().filter(|pid| bed.heard(&events, *pid)).collect();
        if speakers.len() != expected {
            let count = speakers.len();
            failures.push(format!("{count} interviewers' processes were heard, expected are {expected}"));
        }
    }
    if let Some(expected) = scenario.expect.turns {
        let turns = bed.events().iter().filter(|event| event.event == "candidate_said").count();
        if turns != expected {
            failures.push(format!(
                "the interviewer heard {turns} turns of the candidate, expected are {expected}"
            ));
        }
    }
    if let Some(expected) = scenario.expect.interviewers {
        let record: serde_json::Value = serde_json::from_slice(&bed.backend.record(id, 1).await?)?;
        let pinned = record["interviewers"].as_array().map_or(0, Vec::len);
        if pinned != expected {
            failures.push(format!("{pinned} participants were the interviewer, expected are {expected}"));
        }
    }
    let one = |expect: &Held| i64::from(expect.agent_report.is_here());
    let reports = expect.map_or(0, |expect| expect.reports.unwrap_or_else(|| one(expect)));
    let records = bed.backend.status(id).await?.records;
    let foreign = scenario.after.iter().any(|step| matches!(step, Step::ForeignRecord));
    let ours = i64::from(scenario.expect.delivery != Delivered::Parked || foreign);
    if records != ours + reports {
        let expected = ours + reports;
        failures.push(format!("the backend has {records} records of this attempt, expected are {expected}"));
    }
    Ok(())
}

/// What the scenario expects, against what was seen.
fn compare(scenario: &Scenario, line: &RunReport, seen: &Seen, failures: &mut Vec<String>) {
    let expect = &scenario.expect;
    if expect.at_first.is_some() && seen.at_first != expect.at_first {
        failures.push(format!(
            "the end screen said {:?} at first, expected is {:?}",
            seen.at_first, expect.at_first
        ));
    }
    if line.outcome != expect.outcome {
        failures.push(format!("the outcome is {}, expected is {}", line.outcome, expect.outcome));
    }
    let end = if expect.problem.is_none() { expect.bound } else { None };
    let bounds = [
        ("the end screen", end, line.completed_s),
        ("\"checking\"", expect.suspect, line.suspect_s),
        ("the question", expect.question, line.question_s),
        ("sound", expect.audio_back, line.audio_back_s),
        match expect.delivery {
            Delivered::Later | Delivered::NextStart => ("\"saved\"", expect.delivered, line.saved_s),
            Delivered::AtOnce | Delivered::FromMemory => ("the receipt", expect.delivered, line.delivered_s),
            Delivered::Parked => {
                ("\"not accepted\"", expect.delivered, seen.parked_at.map(|at| at - line.fault_at))
            }
        },
    ];
    for (what, bound, measured) in bounds {
        if let Some(bound) = bound
            && measured.is_none_or(|s| s > bound)
        {
            failures.push(format!("{what} came after {measured:?} s, the bound is {bound} s"));
        }
    }
    if line.completed_s.is_some_and(|s| s < 0.0) {
        failures.push("the interview ended before its cause".to_owned());
    }
    if let Some((earliest, latest)) = expect.long_wait {
        let said = seen.long_wait_at.map(|at| at - line.fault_at);
        if said.is_none_or(|s| s < earliest || s > latest) {
            failures.push(format!(
                "that it takes longer was said after {said:?} s, expected is {earliest} to {latest}"
            ));
        }
    }
    let ends = u32::from(expect.problem.is_none());
    if seen.terminal_screens != ends {
        failures.push(format!("{} terminal states were seen, expected are {ends}", seen.terminal_screens));
    }
    let reason = seen.completed.as_ref().map(|completed| completed.reason.id()).unwrap_or_default();
    if let Some(expected) = &expect.reason
        && reason != *expected
    {
        failures.push(format!("the end screen says {reason:?}, expected is {expected:?}"));
    }
    if let Some(notice) = &expect.notice
        && !seen.said.iter().any(|said| said.id() == *notice)
    {
        failures.push(format!("{notice:?} was not said, only {:?}", seen.said));
    }
    if let Some(warnings) = expect.warnings
        && seen.warnings != warnings
    {
        failures.push(format!("the candidate was warned of the time {} times", seen.warnings));
    }
}

/// When the interviewer stopped speaking for the last time.
fn last_word(events: &[AgentEvent]) -> Option<f64> {
    let states: Vec<_> = events.iter().filter(|e| e.state.is_some()).collect();
    let spoke = |e: &AgentEvent| e.state.as_deref() == Some("speaking");
    states.windows(2).rev().find(|pair| spoke(pair[0]) && !spoke(pair[1])).map(|pair| pair[1].at)
}

/// Longest stretch of speech before the clock, in seconds.
fn spoke_for(events: &[AgentEvent], clock: f64) -> f64 {
    let states: Vec<_> = events.iter().filter(|e| e.state.is_some()).collect();
    let ends = states.iter().skip(1).map(|e| e.at).chain([f64::INFINITY]);
    states
        .iter()
        .zip(ends)
        .filter(|(e, _)| e.state.as_deref() == Some("speaking"))
        .map(|(e, end)| end.min(clock) - e.at)
        .fold(0.0, f64::max)
}

async fn released(pulse: &Pulse) -> anyhow::Result<bool> {
    for _ in 0..20 {
        if pulse.recordings().await? == 0 {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(false)
}

/// Ends the client, which must leave nothing behind.
async fn end(bed: &mut ScenarioBed, failures: &mut Vec<String>) {
    if bed.order(&Command::Quit).await.is_err() {
        failures.push("the client was gone before it was told to quit".to_owned());
    }
    if let Err(error) = bed.client.finished(Duration::from_secs(5)).await {
        failures.push(format!("{error:#}"));
    }
    // The SDK asks `lsb_release` for the system's name when it connects; cut off by our end, that ends by itself.
    let alone = || left(bed).is_empty().then_some(());
    // What is there all the same is said below.
    let _ = look(Duration::from_secs(1), alone).await;
    for (process, command) in left(bed) {
        failures.push(format!("the client left a process behind: {process} {command}"));
    }
}

/// What of the client's processes still runs, by process id, with its command. Wine's desktop belongs to whoever came first.
fn left(bed: &ScenarioBed) -> Vec<(i32, String)> {
    let command = |process| std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let all = bed.client.group().into_iter().map(|process| (process, command(process).replace('\0', " ")));
    all.filter(|(_, command)| !command.starts_with(r"C:\windows\system32\")).collect()
}

/// Errors in the client's logs that the scenario did not ask for.
fn logged(scenario: &Scenario, bed: &ScenarioBed, failures: &mut Vec<String>) -> anyhow::Result<()> {
    let logs = std::fs::read_dir(&bed.folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let ours = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("client"))
            && path.extension().is_some_and(|kind| kind == "log")
    };
    for log in logs.filter(ours) {
        let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
        for line in text.lines().filter(|line| line.contains("ERROR")) {
            if !scenario.expect.errors.iter().any(|known| line.contains(known)) {
                failures.push(format!("the client's log has an error: {line}"));
            }
        }
    }
    Ok(())
}

/// Whether the packets of somebody's track grew in a trace.
fn packets_counted(trace: &Trace) -> bool {
    let mut counts = trace.entries.iter().filter_map(|entry| match &entry.input {
        Some(Input::RtpPackets { packets, .. }) => Some(*packets),
        Some(_) | None => None,
    });
    let first = counts.next();
    first.is_some_and(|first| counts.any(|packets| packets > first))
}

/// The zero of the trace's clock in seconds since 1970, by something that both the trace and the screen
/// show: the join. The client starts its clock some time after its process was started.
fn trace_zero(trace: &Trace, seen: &Seen) -> Option<f64> {
    let pressed = trace.entries.iter().find(|e| e.input == Some(Input::JoinPressed))?;
    let joining = seen.marks.iter().find(|mark| mark.text.starts_with("joining"))?;
    Some(joining.at - pressed.at.0 as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_has_in_a_folder_stays_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let (new, empty) = (folder.path().join("a/new/one"), folder.path().join("empty"));
        std::fs::create_dir(&empty).unwrap();
        assert!(new_or_empty(&new).is_ok() && new_or_empty(&empty).is_ok());
        let theirs = folder.path().join("theirs");
        std::fs::write(&theirs, "work").unwrap();
        let refused = |path: &Path| new_or_empty(path).unwrap_err().to_string();
        assert!(refused(folder.path()).ends_with("holds something already; give a new or empty folder"));
        assert!(refused(&theirs).ends_with("theirs is no folder"));
        assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "work");
    }
}
