//! Runs many scenarios, keeps what they gave per commit, and writes it down: table, JUnit, a page with timelines.

mod junit;
mod page;
mod results;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;

pub use self::results::{Figures, ScenarioResult};
use crate::run::baseline::BaselineReport;
use crate::run::{self, RunReport, Subject};
use crate::scenario::{self, Place, Scenario};

/// Which scenarios, how often, and where the results go.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Only this section: a file of `qa/scenarios` by its name, or the name of --file.
    #[arg(long)]
    pub section: Option<String>,
    /// Only these scenarios.
    #[arg(long = "scenarios", alias = "rows", value_delimiter = ',', value_parser = trimmed)]
    pub scenarios: Vec<String>,
    /// Only the scenarios that every change is tested with.
    #[arg(long)]
    pub suite: bool,
    /// Runs per scenario.
    #[arg(long, default_value_t = 1)]
    pub repeat: usize,
    /// Seed of the first run of a scenario; the next ones count up from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A further file of scenarios.
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Folder of the results.
    #[arg(long, default_value = "target/matrix")]
    pub out: PathBuf,
    /// Run each scenario with LiveKit's own web client too, in the same conditions.
    #[arg(long, alias = "peer")]
    pub baseline: bool,
    /// With the client for Windows, under Wine (`cargo xtask qa` makes it).
    #[arg(long)]
    pub windows: bool,
    /// Runs at once. More than one makes every figure worse, never better.
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
}

/// A name in a list, which may have blanks around it.
#[expect(clippy::unnecessary_wraps, reason = "as clap's parsers of values are")]
fn trimmed(text: &str) -> Result<String, std::convert::Infallible> {
    Ok(text.trim().to_owned())
}

/// What became of the scenarios.
#[derive(Debug)]
pub struct Matrix {
    /// One per scenario, in the order of the list.
    pub scenarios: Vec<ScenarioResult>,
    /// Folder with `table.txt`, `junit.xml`, `index.html` and every run's files.
    pub folder: PathBuf,
}

impl Matrix {
    /// Whether every scenario was run as often as wanted and passed.
    pub fn passed(&self) -> bool {
        self.scenarios.iter().all(ScenarioResult::passed)
    }

    /// The table for a terminal.
    pub fn table(&self) -> String {
        table::table(&self.scenarios)
    }
}

/// Runs what is wanted and is not there yet. `progress` hears of each run.
///
/// # Errors
/// A scenario does not exist, or the results can't be written. What fails in a run is in its line.
pub async fn run(options: &Options, progress: impl Fn(&str)) -> anyhow::Result<Matrix> {
    let scenarios = select(options)?;
    if options.baseline {
        run::baseline::check()?;
        if let Some(scenario) = scenarios.iter().find(|scenario| scenario.network != Place::Loopback) {
            anyhow::bail!("the baseline's browser has no cable: leave out {}", scenario.id);
        }
    }
    let commit = commit();
    let subject = Subject::of(options.windows);
    let parts = results::parts(subject)?;
    let folder = std::path::absolute(options.out.join(format!("{commit}{}", subject.suffix())))?;
    std::fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
    let _lock = lock(&folder)?;
    let mut results: Vec<ScenarioResult> =
        scenarios.iter().map(|scenario| ScenarioResult::new(scenario, subject.missing(scenario))).collect();
    let total = scenarios.len() * options.repeat;
    let mut runs = Vec::new();
    for (nth, (scenario, result)) in scenarios.iter().zip(&results).enumerate() {
        if let Some(missing) = &result.missing {
            progress(&format!("{} can't run here: {missing}", scenario.id));
            continue;
        }
        for n in 0..options.repeat {
            let seed = options.seed + n as u64;
            // An id has no `_` and no `/`.
            let keep = folder.join(format!("{}-{seed}", scenario.id.replace(':', "_")));
            let title = format!("{}/{total} {} (seed {seed})", nth * options.repeat + n + 1, scenario.id);
            let key = results::key(scenario, &parts);
            runs.push((nth, keep, Run { scenario, subject, seed, title, key }));
        }
    }
    // Where nothing can run, that is what there is to read.
    write(&folder, &commit, &results)?;
    let progress = &progress;
    let (alone, beside): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, _, run)| run.scenario.alone);
    for (runs, jobs) in [(beside, options.jobs.max(1)), (alone, 1)] {
        let mut running = futures_util::stream::iter(runs.into_iter().map(|(nth, keep, run)| async move {
            let line = run.ours(&keep, progress).await?;
            let baseline = if options.baseline {
                Some(run.baseline(&run::beside(&keep, "baseline"), progress).await?)
            } else {
                None
            };
            anyhow::Ok((nth, keep, line, baseline))
        }))
        .buffer_unordered(jobs);
        while let Some(done) = running.try_next().await? {
            let (nth, keep, line, baseline) = done;
            results[nth].runs.push((keep, line));
            results[nth].baseline.extend(baseline);
            // After each: a matrix that is broken off leaves what it has.
            write(&folder, &commit, &results)?;
        }
    }
    Ok(Matrix { scenarios: results, folder })
}

/// One run of a scenario.
struct Run<'a> {
    scenario: &'a Scenario,
    subject: Subject,
    seed: u64,
    title: String,
    /// Of what is run: an earlier run counts only if it was of the same.
    key: String,
}

impl Run<'_> {
    async fn ours(&self, keep: &Path, progress: &impl Fn(&str)) -> anyhow::Result<RunReport> {
        if let Some(line) = self.known::<RunReport>(keep, "line.json") {
            progress(&format!("{}: {} in an earlier run of the same", self.title, line.verdict));
            return Ok(line);
        }
        progress(&self.title);
        let line = run::judged(self.scenario, self.subject, self.seed, keep, progress).await?;
        // Where the testbed did not start, there is no result: the next matrix runs it again.
        if !line.not_begun {
            results::mark(keep, &self.key)?;
        }
        for failure in &line.failures {
            progress(&format!("  {}: {failure}", self.scenario.id));
        }
        Ok(line)
    }

    async fn baseline(&self, keep: &Path, progress: &impl Fn(&str)) -> anyhow::Result<BaselineReport> {
        if let Some(line) = self.known(keep, "baseline.json") {
            return Ok(line);
        }
        progress(&format!("{}, the baseline", self.title));
        let line = run::baseline::run(self.scenario, self.seed, keep).await?;
        if line.broken.is_none() {
            results::mark(keep, &self.key)?;
        }
        if let Some(broken) = &line.broken {
            progress(&format!("  {}, the baseline: {broken}", self.scenario.id));
        }
        Ok(line)
    }

    /// What an earlier run of the same left in a file; else its folder is made empty.
    fn known<T: DeserializeOwned>(&self, keep: &Path, file: &str) -> Option<T> {
        let known = results::left(keep, file, &self.key);
        if known.is_none() {
            // What an earlier run left that was broken off, or was of something else; absent the first time.
            let _ = std::fs::remove_dir_all(keep);
        }
        known
    }
}

/// Most runs of one scenario.
const MOST_REPEATS: usize = 10_000;

/// Nobody else writes there as long as it is held: two that do delete each other's files.
fn lock(folder: &Path) -> anyhow::Result<std::fs::File> {
    let path = folder.join("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("{} can't be made", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            anyhow::bail!("another matrix writes to {}; give --out another folder", folder.display())
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} can't be locked", path.display()))
        }
    }
}

fn select(options: &Options) -> anyhow::Result<Vec<Scenario>> {
    let mut all = scenario::all(options.file.as_deref())?;
    for id in &options.scenarios {
        let scenario = scenario::named(&all, id).with_context(|| scenario::unknown(&all, id))?;
        if !all.iter().any(|other| other.id == scenario.id) {
            all.push(scenario);
        }
    }
    if let Some(section) = &options.section {
        anyhow::ensure!(
            all.iter().any(|scenario| scenario.section == *section),
            "there is no section {section:?}; `adjourn-qa scenarios` lists them"
        );
    }
    anyhow::ensure!(options.repeat > 0, "--repeat 0 runs nothing; leave it out for once");
    anyhow::ensure!(options.repeat <= MOST_REPEATS, "--repeat is {MOST_REPEATS} at most");
    anyhow::ensure!(
        options.seed.checked_add(MOST_REPEATS as u64).is_some(),
        "--seed is {} at most",
        u64::MAX - MOST_REPEATS as u64
    );
    let selected: Vec<Scenario> = all
        .into_iter()
        .filter(|scenario| options.scenarios.is_empty() || options.scenarios.contains(&scenario.id))
        .filter(|scenario| options.section.as_ref().is_none_or(|s| *s == scenario.section))
        .filter(|scenario| !options.suite || scenario.suite)
        .collect();
    anyhow::ensure!(
        !selected.is_empty(),
        "no scenario is in all of what was asked for; `adjourn-qa scenarios` lists them"
    );
    Ok(selected)
}

fn write(folder: &Path, commit: &str, scenarios: &[ScenarioResult]) -> anyhow::Result<()> {
    std::fs::write(folder.join("table.txt"), table::table(scenarios))?;
    std::fs::write(folder.join("junit.xml"), junit::junit(scenarios)?)?;
    std::fs::write(folder.join("index.html"), page::page(commit, scenarios))?;
    Ok(())
}

/// The commit that is tested, as the name of its results' folder.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "no-commit".to_owned();
    };
    let clean = git(&["status", "--porcelain"]).is_some_and(|changes| changes.is_empty());
    if clean { head } else { format!("{head}-changed") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(id: &str, failures: &[&str]) -> ScenarioResult {
        let scenario = scenario::find(id).unwrap();
        let mut result = ScenarioResult::new(&scenario, None);
        let mut line = RunReport::broken(id, 1, scenario.expect.bound, String::new());
        line.failures = failures.iter().map(ToString::to_string).collect();
        line.verdict = if failures.is_empty() { "pass" } else { "fail" }.to_owned();
        line.completed_s = Some(1.7);
        result.runs.push((PathBuf::from("nowhere"), line));
        result
    }

    #[test]
    fn what_failed_is_in_the_table_in_junit_and_on_the_page() {
        let mut gone =
            ScenarioResult::new(&scenario::find("link-2").unwrap(), Some("no namespaces".to_owned()));
        gone.runs.clear();
        let scenarios = [result("zombie", &[]), result("leave", &["the outcome is <none>"]), gone];
        let table = table::table(&scenarios);
        assert!(
            table.contains("FAIL (0 of 1 passed)") && table.contains("not run: no namespaces"),
            "{table}"
        );
        assert!(table.ends_with("3 scenarios, 2 not passed\n"), "{table}");
        let junit = junit::junit(&scenarios).unwrap();
        assert!(junit.contains("tests=\"3\" failures=\"1\" errors=\"1\""), "{junit}");
        assert!(junit.contains("the outcome is &lt;none&gt;"), "{junit}");
        let page = page::page("abc", &scenarios);
        assert!(page.contains("1 of 3 scenarios passed") && page.contains("Not run: no namespaces"));
        assert!(!page.contains("http"), "the page needs nothing from outside");
    }

    #[test]
    fn scenarios_and_sections_that_do_not_exist_are_refused() {
        let options = |scenarios: &[&str], section: Option<&str>| Options {
            scenarios: scenarios.iter().map(ToString::to_string).collect(),
            section: section.map(ToOwned::to_owned),
            repeat: 1,
            ..Options::default()
        };
        let said = select(&options(&["zombi"], None)).unwrap_err().to_string();
        assert_eq!(
            said,
            "there is no scenario \"zombi\"; the nearest is \"zombie\", and `adjourn-qa scenarios` lists them all"
        );
        let said = select(&options(&[], Some("agents"))).unwrap_err().to_string();
        assert!(said.starts_with("there is no section \"agents\""), "{said}");
        assert_eq!(select(&options(&["zombie", "leave"], None)).unwrap().len(), 2);
        let said = select(&options(&["zombie"], Some("network"))).unwrap_err().to_string();
        assert!(said.starts_with("no scenario is in all of"), "{said}");
        let said = select(&Options { repeat: 0, ..options(&[], None) }).unwrap_err().to_string();
        assert!(said.starts_with("--repeat 0 runs nothing"), "{said}");
    }
}
