//! What leads from one phase to another, as the search finds it: kept in files, so that a change of it is seen in review.
//! `ADJOURN_SNAPSHOT=write cargo xtask search` writes them anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::Session;

/// From one phase to another, and who decided what, if that was an end: one line each.
pub(super) type Transitions = BTreeSet<String>;

/// Notes a step that changed the phase.
pub(super) fn note(transitions: &mut Transitions, before: &Session, after: &Session) {
    if before.phase() == after.phase() {
        return;
    }
    let mut line = format!("{:?} -> {:?}", before.phase(), after.phase());
    if let Some(ending) = after.ending().filter(|_| before.ending().is_none()) {
        // Nothing can go wrong in a string.
        let _ = write!(line, ": {}, by {}", ending.outcome, ending.decided_by);
    }
    transitions.insert(line);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/search/transitions")
}

/// Compares with the file of that name.
pub(super) fn compare(world: &str, transitions: &Transitions) {
    let text: String = transitions.iter().map(|line| format!("{line}\n")).collect();
    same(&folder().join(format!("{}.txt", world.replace(' ', "-"))), &text);
}

fn same(path: &Path, text: &str) {
    if std::env::var("ADJOURN_SNAPSHOT").is_ok_and(|wish| wish == "write") {
        std::fs::write(path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == text,
        "{} is not what the machine does any more; look at the difference, and write it anew with ADJOURN_SNAPSHOT=write:\n{text}",
        path.display()
    );
}

#[test]
fn the_graph_shows_what_the_worlds_do() {
    let mut all = Transitions::new();
    for file in std::fs::read_dir(folder()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        all.extend(text.lines().map(str::to_owned));
    }
    assert!(all.len() > 20, "the worlds' own tests write them");
    let mut graph = "// Phases of an interview, and what decides its end. Made by the search (crates/session/src/search).\n\
        digraph interview {\n  rankdir=LR;\n  node [shape=box];\n"
        .to_owned();
    for line in &all {
        let (phases, label) = line.split_once(": ").unwrap_or((line, ""));
        let _ = writeln!(graph, "  {phases} [label=\"{}\"];", label.replace(", by ", "\\n"));
    }
    graph += "}\n";
    same(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transitions.dot"), &graph);
}
