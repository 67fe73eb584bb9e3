//! The words of a scenario that only other programs understand: what the scripted interviewer can do and tells, and how an
//! interview can end. A word that nobody knows would test nothing.

use std::collections::BTreeMap;

use adjourn_session::Outcome;
use serde::Deserialize;

/// What the scripted interviewer knows; it reads the same file.
const OPTIONS: &str = include_str!("../../../agents/interviewers/options.json");

/// `agents/interviewers/options.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    /// What else it does, by name.
    pub(super) with: BTreeMap<String, Deviation>,
    /// What it writes into its log, by name.
    pub(super) events: BTreeMap<String, String>,
}

/// One thing that it can do besides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deviation {
    /// What its value is: `seconds`, `text`, or nothing.
    value: String,
    /// What it does.
    #[serde(rename = "is")]
    _is: String,
}

pub(super) fn known() -> Result<Known, String> {
    serde_json::from_str(OPTIONS).map_err(|e| format!("agents/interviewers/options.json: {e}"))
}

/// A mistake in a scenario, with the word that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) word: Option<String>,
    pub(super) text: String,
}

impl From<String> for Mistake {
    fn from(text: String) -> Self {
        Self { word: None, text }
    }
}

/// Refuses a word that is not among those that are known, and names the nearest of these.
pub(super) fn check<'a>(
    what: &str,
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Mistake> {
    if known.clone().any(|k| k == word) {
        return Ok(());
    }
    let nearest = nearest(word, known);
    Err(Mistake {
        word: Some(word.to_owned()),
        text: format!("there is no {what} {word:?}; the nearest is {nearest:?}"),
    })
}

/// Checks one thing that an interviewer does besides, and its value.
pub(super) fn check_with(known: &Known, name: &str, value: &str) -> Result<(), Mistake> {
    check("`with`", name, known.with.keys().map(String::as_str))?;
    let wanted = known.with.get(name).map_or("", |deviation| deviation.value.as_str());
    let fits = match wanted {
        "seconds" => value.parse::<f64>().is_ok_and(|seconds| seconds >= 0.0),
        "text" => !value.is_empty(),
        _ => value.is_empty(),
    };
    if fits {
        return Ok(());
    }
    let wanted = match wanted {
        "seconds" => "a number of seconds",
        "text" => "a text",
        _ => "no value, which is \"\"",
    };
    Err(Mistake { word: Some(name.to_owned()), text: format!("{name} = {value:?}: it takes {wanted}") })
}

/// Every word for how an interview can end, and `none` for one that goes on.
pub(super) fn outcomes() -> Vec<String> {
    Outcome::ALL.iter().map(ToString::to_string).chain(["none".to_owned()]).collect()
}

/// Levenshtein's distance: letters that differ between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut costs: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = costs[0];
        costs[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = corner + usize::from(from != *to);
            corner = costs[j + 1];
            costs[j + 1] = changed.min(costs[j] + 1).min(corner + 1);
        }
    }
    costs[b.len()]
}

/// The known word that is nearest to another one.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> &'a str {
    known.min_by_key(|known| distance(word, known)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_named() {
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("same", "same")), (3, 3, 0));
        let known = ["slow-tool", "slow-report", "mute"];
        let mistake = check("`with`", "slow-tol", known.into_iter()).unwrap_err();
        assert_eq!(mistake.text, "there is no `with` \"slow-tol\"; the nearest is \"slow-tool\"");
        assert!(check("`with`", "mute", known.into_iter()).is_ok());
    }

    #[test]
    fn the_documents_list_every_event_and_every_outcome() {
        let docs = include_str!("../../../docs/scenarios/format.md");
        let known = known().unwrap();
        for word in known.events.keys().chain(known.with.keys()).cloned().chain(outcomes()) {
            assert!(docs.contains(&format!("`{word}`")), "docs/scenarios/format.md does not list `{word}`");
        }
    }
}
