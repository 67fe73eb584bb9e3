//! What a run came to, as a line of JSON (docs/scenarios/catalogue.md).

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::scenario::Way;

/// What a run measured, and whether it is as the scenario expects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// Scenario.
    pub id: String,
    /// Seed.
    pub seed: u64,
    /// Seconds since 1970 when the clock started.
    pub fault_at: f64,
    /// Seconds until "checking on the interviewer".
    pub suspect_s: Option<f64>,
    /// Seconds until the candidate was asked whether the interview goes on.
    pub question_s: Option<f64>,
    /// Seconds until the end screen.
    pub completed_s: Option<f64>,
    /// Seconds until "saved" was on the screen, where it was not delivered at once.
    #[serde(default)]
    pub saved_s: Option<f64>,
    /// Seconds until the record was at the backend with a receipt that verifies.
    pub delivered_s: Option<f64>,
    /// Bound for `completed_s`.
    pub bound_s: Option<f64>,
    /// Seconds from the interviewer's last word to the end screen.
    pub after_last_word_s: Option<f64>,
    /// Seconds until sound was back after the fault was mended.
    pub audio_back_s: Option<f64>,
    /// Seconds from the loss of an interviewer to the first word of the one in its place; of several, the longest.
    #[serde(default)]
    pub replaced_s: Option<f64>,
    /// By which ways word of the end, or the interviewer's report, came to the organiser, each with seconds from the clock; none
    /// where nobody looked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<Way, f64>,
    /// Of the interviewer's first question, the share that was heard at the loudspeaker; none where it was not asked, or
    /// the network was made to fail.
    #[serde(default)]
    pub heard: Option<f64>,
    /// What the end screen says.
    pub outcome: String,
    /// Where the record is.
    pub delivery: String,
    /// Receipt's number.
    pub receipt: Option<String>,
    /// How late a thread woke up at worst that only wanted to sleep for 10 ms, in milliseconds.
    #[serde(default)]
    pub starved_ms: u64,
    /// Seconds of holes in the interviewer's own voice, where there were many: its process got no time.
    #[serde(default)]
    pub stuttered_s: f64,
    /// Runs before this one that failed on a starved machine; their folders are beside this one's.
    #[serde(default)]
    pub again: u32,
    /// `pass` or `fail`.
    pub verdict: String,
    /// SHA-256 of the recorded trace.
    pub trace_sha256: Option<String>,
    /// What did not hold.
    pub failures: Vec<String>,
    /// The testbed did not start: nothing was found out.
    #[serde(skip)]
    pub(crate) not_begun: bool,
}

/// The testbed did not start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotBegun;

impl std::fmt::Display for NotBegun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the testbed did not start")
    }
}

impl RunReport {
    /// The verdict: passed if nothing is to be said against it.
    pub(crate) fn judge(&mut self, failures: Vec<String>) {
        self.verdict = if failures.is_empty() { "pass" } else { "fail" }.to_owned();
        self.failures = failures;
    }

    /// Leaves it in the run's folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        Ok(std::fs::write(folder.join("line.json"), serde_json::to_vec(self)?)?)
    }

    /// Of a run that was broken off: the testbed did not start, or a step did not come to its end.
    pub(crate) fn broken(id: &str, seed: u64, bound_s: Option<f64>, failure: String) -> Self {
        Self {
            not_begun: false,
            id: id.to_owned(),
            seed,
            fault_at: 0.0,
            suspect_s: None,
            question_s: None,
            completed_s: None,
            saved_s: None,
            delivered_s: None,
            bound_s,
            after_last_word_s: None,
            audio_back_s: None,
            replaced_s: None,
            told: BTreeMap::new(),
            heard: None,
            outcome: "none".to_owned(),
            delivery: String::new(),
            receipt: None,
            starved_ms: 0,
            stuttered_s: 0.0,
            again: 0,
            verdict: "fail".to_owned(),
            trace_sha256: None,
            failures: vec![failure],
        }
    }
}
