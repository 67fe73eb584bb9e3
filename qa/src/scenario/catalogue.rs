//! The catalogue as a document: every scenario with what it must come to.

use std::fmt::Write as _;

use super::{Delivered, Scenario};

/// What stands above the tables.
const HEAD: &str = include_str!("catalogue.md");

/// Sections in the order in which a reader looks for them.
const SECTIONS: [(&str, &str); 9] = [
    ("agent", "What the interviewer does"),
    ("room", "What happens to the room, its server and its people"),
    ("network", "What the line does"),
    ("devices", "What happens to microphones and loudspeakers"),
    ("process", "What happens to our own process and computer"),
    ("backend", "What the backend and the disk do"),
    ("fleet", "What happens to a fleet of servers"),
    ("guarantees", "Who is told of the end"),
    ("reported", "What people reported in public"),
];

/// The document, in Markdown.
pub fn markdown(scenarios: &[Scenario]) -> String {
    let mut text = HEAD.to_owned();
    for (section, title) in SECTIONS {
        text += &format!(
            "\n## {section}: {title}\n\n| id | cause | it comes to | seconds |\n| --- | --- | --- | --- |\n"
        );
        for scenario in scenarios.iter().filter(|scenario| scenario.section == section) {
            // Nothing can go wrong in a string.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                scenario.id,
                cell(&scenario.cause),
                cell(&outcome(scenario)),
                seconds(scenario)
            );
        }
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn outcome(scenario: &Scenario) -> String {
    let expect = &scenario.expect;
    let mut outcome = match (&expect.problem, expect.outcome.as_str()) {
        (Some(problem), _) => format!("not in: `{problem}`"),
        (None, "none") => "goes on".to_owned(),
        (None, outcome) => outcome.to_owned(),
    };
    outcome += match expect.delivery {
        Delivered::AtOnce => "",
        Delivered::Later => "; delivered later",
        Delivered::NextStart => "; delivered at the next start",
        Delivered::FromMemory => "; delivered from memory",
        Delivered::Parked => "; kept, not accepted",
    };
    outcome
}

fn seconds(scenario: &Scenario) -> String {
    let expect = &scenario.expect;
    let parts = [
        ("suspected", expect.suspect),
        ("asked", expect.question),
        ("sound back", expect.audio_back),
        ("end", expect.bound),
        ("delivered", expect.delivered),
    ];
    let known = parts.iter().filter_map(|(what, s)| s.map(|s| format!("{what} {s}")));
    known.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_the_scenarios_say() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios/catalogue.md");
        let text = markdown(&super::super::all(None).unwrap());
        if std::env::var("ADJOURN_SNAPSHOT").is_ok_and(|wish| wish == "write") {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(
            kept == text,
            "docs/scenarios/catalogue.md is not what qa/scenarios says; write it anew with ADJOURN_SNAPSHOT=write"
        );
    }

    #[test]
    fn every_scenario_is_in_it() {
        let scenarios = super::super::all(None).unwrap();
        for scenario in &scenarios {
            let known = SECTIONS.iter().any(|(section, _)| *section == scenario.section);
            assert!(
                known,
                "{} is in the section {:?}, which the catalogue does not have",
                scenario.id, scenario.section
            );
        }
    }
}
