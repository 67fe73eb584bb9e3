//! What the runs of one scenario gave.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::run::baseline::BaselineReport;
use crate::run::{RunReport, Subject};
use crate::scenario::Scenario;
use adjourn_testbed::{Tools, Wine};

/// One scenario with its runs.
#[derive(Clone, Debug)]
pub struct ScenarioResult {
    /// Scenario.
    pub id: String,
    /// Section.
    pub section: String,
    /// What happens, in words.
    pub cause: String,
    /// Expected outcome.
    pub outcome: String,
    /// Bound for the end screen in seconds.
    pub bound: Option<f64>,
    /// Why it can't run here.
    pub missing: Option<String>,
    /// Folder and line of each run.
    pub runs: Vec<(PathBuf, RunReport)>,
    /// What LiveKit's own web client did, if it was asked.
    pub baseline: Vec<BaselineReport>,
}

/// Figures of several runs, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Half of the runs were not slower.
    pub p50: f64,
    /// 95 of 100 were not slower.
    pub p95: f64,
    /// The slowest.
    pub max: f64,
}

impl Figures {
    /// Of some measurements (nearest rank); `None` of none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let index = (share * values.len() as f64).ceil() as usize;
            values.get(index.max(1) - 1).copied()
        };
        Some(Self { p50: rank(0.50)?, p95: rank(0.95)?, max: *values.last()? })
    }
}

impl ScenarioResult {
    pub(crate) fn new(scenario: &Scenario, missing: Option<String>) -> Self {
        Self {
            id: scenario.id.clone(),
            section: scenario.section.clone(),
            cause: scenario.cause.clone(),
            outcome: scenario.expect.outcome.clone(),
            bound: scenario.expect.bound,
            missing,
            runs: Vec::new(),
            baseline: Vec::new(),
        }
    }

    /// Whether it could run and every run passed.
    pub fn passed(&self) -> bool {
        self.missing.is_none()
            && !self.runs.is_empty()
            && self.runs.iter().all(|(_, line)| line.verdict == "pass")
            && self.baseline.iter().all(|line| line.broken.is_none())
    }

    /// What the baseline did, in a few words; empty if it was not asked.
    pub fn baseline_text(&self) -> String {
        let Some(line) = self.baseline.last() else { return String::new() };
        if let Some(broken) = &line.broken {
            return format!("no figure: {broken}");
        }
        let ended: Vec<f64> = self.baseline.iter().filter_map(|line| line.ended_s).collect();
        let never = self.baseline.len() - ended.len();
        let figure = Figures::of(ended).map(|f| format!("{:.2} s (p95 {:.2})", f.p50, f.p95));
        let never = match (never, self.baseline.len()) {
            (0, _) => None,
            (n, all) if n == all => Some(format!("never ({:.0} s)", line.watched_s)),
            (n, all) => Some(format!("never in {n} of {all}")),
        };
        let times: Vec<String> = figure.into_iter().chain(never).collect();
        format!("{}: {}", times.join(", "), line.shows)
    }

    /// Figures of one measurement over all runs.
    pub fn figures(&self, of: impl Fn(&RunReport) -> Option<f64>) -> Option<Figures> {
        Figures::of(self.runs.iter().filter_map(|(_, line)| of(line)).collect())
    }
}

/// Everything that a run is made of besides its scenario: our programs, the interviewers' scripts, the versions of what was
/// fetched. As text, one part a line.
pub(super) fn parts(subject: Subject) -> anyhow::Result<String> {
    let tools = Tools::find()?;
    let mut text = String::new();
    if subject == Subject::Windows {
        let program = std::fs::read(Wine::find()?.client())?;
        text += &format!("the client for Windows {}\n", adjourn_protocol::sha256(&program));
    }
    for name in ["adjourn-qa", "adjourn-backend"] {
        let program = std::fs::read(Tools::binary(name)?)?;
        text += &format!("{name} {}\n", adjourn_protocol::sha256(&program));
    }
    let mut folders = vec![tools.interviewers(), tools.root.join("agents/python/src")];
    let mut scripts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let made = path.file_name().is_some_and(|name| name == "node_modules" || name == "__pycache__");
            match (path.is_dir(), made) {
                (_, true) => {}
                (true, false) => folders.push(path),
                (false, false) => scripts.push(path),
            }
        }
    }
    scripts.sort();
    for path in scripts {
        text += &format!("{} {}\n", path.display(), adjourn_protocol::sha256(&std::fs::read(&path)?));
    }
    // Their folders' names are versions and hashes.
    let fetched = [&tools.livekit_server, &tools.agent_python, &tools.old_agent_python, &tools.library];
    text += &fetched.map(|path| format!("{}\n", path.display())).concat();
    // Those that only some scenarios need are not on every machine.
    let some = [Tools::node_modules(), Tools::toxiproxy()].into_iter().flatten();
    text.extend(some.map(|path| format!("{}\n", path.display())));
    Ok(text)
}

/// The key of a run's results: whatever of scenario and parts differs, the runs are different ones.
pub(super) fn key(scenario: &Scenario, parts: &str) -> String {
    // Where it stands in its file is no part of it.
    let scenario = Scenario { place: String::new(), ..scenario.clone() };
    // A script that can't be read fails the run.
    let own = scenario.interviewers().filter_map(|i| std::fs::read(i.script.as_ref()?).ok());
    let own: String = own.map(|script| adjourn_protocol::sha256(&script)).collect();
    adjourn_protocol::sha256(format!("{scenario:?}\n{own}\n{parts}").as_bytes())
}

/// File with the key of what was run.
const KEY: &str = "key.txt";

/// Marks a folder as that of a run with this key.
pub(super) fn mark(folder: &Path, key: &str) -> anyhow::Result<()> {
    Ok(std::fs::write(folder.join(KEY), key)?)
}

/// What a run with this key left in a file; `None` if it left nothing, or if the run was of something else.
pub(super) fn left<T: DeserializeOwned>(folder: &Path, file: &str, key: &str) -> Option<T> {
    let same = std::fs::read_to_string(folder.join(KEY)).is_ok_and(|known| known == key);
    if same { read(folder, file) } else { None }
}

/// What is in a file of a run's folder; `None` if there is nothing.
pub(super) fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> Option<T> {
    serde_json::from_slice(&std::fs::read(folder.join(file)).ok()?).ok()
}

/// Seconds for a person, or a dash.
pub(super) fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_that_was_changed_is_another_run() {
        let scenario = crate::scenario::find("zombie").unwrap();
        let known = key(&scenario, "parts");
        assert_eq!(key(&Scenario { place: "elsewhere".to_owned(), ..scenario.clone() }, "parts"), known);
        let mut other = scenario.clone();
        other.expect.outcome = "connection lost".to_owned();
        assert_ne!(key(&other, "parts"), known);
        assert_ne!(key(&scenario, "other parts"), known);
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("mine.py");
        std::fs::write(&script, "one").unwrap();
        let mut own = scenario.clone();
        own.interviewer.as_mut().unwrap().script = Some(script.clone());
        let before = key(&own, "parts");
        std::fs::write(&script, "two").unwrap();
        assert_ne!(key(&own, "parts"), before);
        let line = RunReport::broken("zombie", 1, None, "it failed".to_owned());
        line.write(folder.path()).unwrap();
        assert!(left::<RunReport>(folder.path(), "line.json", &known).is_none(), "nobody says of what it is");
        mark(folder.path(), &known).unwrap();
        assert!(left::<RunReport>(folder.path(), "line.json", &known).is_some());
        assert!(left::<RunReport>(folder.path(), "line.json", &key(&other, "parts")).is_none());
    }

    #[test]
    fn figures_are_nearest_ranks() {
        let figures = Figures::of((1..=20).rev().map(f64::from).collect()).unwrap();
        assert_eq!(figures, Figures { p50: 10.0, p95: 19.0, max: 20.0 });
        assert_eq!(Figures::of(vec![7.0]).unwrap(), Figures { p50: 7.0, p95: 7.0, max: 7.0 });
        assert_eq!(Figures::of(Vec::new()), None);
    }
}
