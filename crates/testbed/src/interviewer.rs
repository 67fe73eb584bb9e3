//! What the scripted interviewer does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// The scripted interviewer (`agents/interviewers/stock.py`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Interviewer {
    /// How it ends: `zombie`, `leave`, `delete-room`; `long`: as `zombie`, after one long question.
    pub ending: String,
    /// Questions asked before the goodbye.
    #[serde(default = "one")]
    pub questions: usize,
    /// What else it does, by name, with a value (`slow-tool = "4"`).
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// It uses our agent package (`reporting.py`).
    #[serde(default)]
    pub package: bool,
    /// It runs on livekit-agents 1.5.1.
    #[serde(default)]
    pub old: bool,
    /// It runs on livekit-agents 1.9.0 for Node (`node/interviewer.mjs`), and can only be a zombie.
    #[serde(default)]
    pub node: bool,
    /// A script of one's own instead, beside the file of the scenario: what else it does and what it tells is its own
    /// affair. It is started as `python SCRIPT start`, as the scripted one is, with the same environment.
    pub script: Option<PathBuf>,
}

impl Interviewer {
    /// One that asks and ends, and does nothing else.
    pub fn plain(ending: &str, questions: usize) -> Self {
        Self {
            ending: ending.to_owned(),
            questions,
            with: BTreeMap::new(),
            package: false,
            old: false,
            node: false,
            script: None,
        }
    }
}

fn one() -> usize {
    1
}
