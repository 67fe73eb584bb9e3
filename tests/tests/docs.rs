//! What README and the documents name exists: every path, every command, every flag. Commands that only say something are run.
//! And what people get has nothing of the testbed in it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use adjourn_testbed::Tools;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The documents that describe what is, each with its text. Decisions and the changelog describe what was.
fn documents() -> Vec<(String, String)> {
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "git does not list the files");
    let was = |path: &&str| path.starts_with("docs/decisions/") || path.ends_with("CHANGELOG.md");
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<PathBuf> =
        listed.lines().filter(|path| !was(path)).map(|path| root().join(path)).collect();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().display().to_string();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// What stands in backquotes, and the lines of blocks of `sh`.
fn code(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut inline, mut lines) = (Vec::new(), Vec::new());
    let mut block: Option<bool> = None;
    let mut prose = String::new();
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(language == "sh") };
        } else if block == Some(true) {
            lines.push(line.split(" # ").next().unwrap().trim().to_owned());
        } else if block.is_none() {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    inline.extend(prose.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")));
    (inline, lines)
}

/// Whether a word is meant as a path of this repository.
fn path_of(word: &str) -> Option<&str> {
    const FOLDERS: &[&str] = &[
        "agents/",
        "crates/",
        "docs/",
        "examples/",
        "fuzz/",
        "icons/",
        "packaging/",
        "qa/",
        "src-tauri/",
        "tests/",
        "ui/",
        "xtask/",
    ];
    let word = word.trim_end_matches(['.', ',', ':', ';']);
    // A test's file by its short name, and files that a person makes.
    let ours = FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains(['…', '$', '<', '=']);
    ours.then_some(word)
}

fn exists(word: &str) -> bool {
    if root().join(word).exists() {
        return true;
    }
    // `docs/decisions/0009` and `tests/backend.rs` are read by people who know where they are.
    let (folder, name) = word.rsplit_once('/').unwrap();
    let short =
        word.strip_prefix("tests/").is_some_and(|name| root().join("tests/tests").join(name).exists());
    let (before, after) = name.split_once('*').unwrap_or((name, ""));
    let found = std::fs::read_dir(root().join(folder)).into_iter().flatten().any(|entry| {
        let found = entry.unwrap().file_name().to_string_lossy().into_owned();
        found.starts_with(before)
            && found.ends_with(after)
            && (name.contains('*') || folder.ends_with("decisions"))
    });
    short || found
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    let mut checked = 0;
    for (document, text) in documents() {
        let (inline, lines) = code(&text);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned);
        for code in inline.iter().chain(&lines).cloned().chain(links) {
            for word in code.split_whitespace().filter_map(path_of) {
                checked += 1;
                // Paths in braces are several.
                let several: Vec<String> = match word.split_once('{').zip(word.split_once('}')) {
                    Some(((before, _), (inside, after))) => {
                        let inside = inside.split_once('{').unwrap().1;
                        inside.split(',').map(|part| format!("{before}{part}{after}")).collect()
                    }
                    None => vec![word.to_owned()],
                };
                missing.extend(
                    several.iter().filter(|word| !exists(word)).map(|word| format!("{document}: {word}")),
                );
            }
        }
    }
    assert!(checked > 60, "only {checked} paths were found");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A program of ours as documents call it, with the rest of the line.
fn ours(line: &str) -> Option<(&'static str, &str)> {
    let line = line.split_once("=… ").map_or(line, |(_, rest)| rest);
    [
        ("cargo xtask qa ", "adjourn-qa"),
        ("cargo xtask ", "xtask"),
        ("adjourn-qa ", "adjourn-qa"),
        ("adjourn-cli ", "adjourn-cli"),
        ("adjourn-testbed ", "adjourn-testbed"),
        ("adjourn-backend ", "adjourn-backend"),
        ("adjourn ", "adjourn"),
    ]
    .into_iter()
    .find_map(|(begins, program)| line.strip_prefix(begins).map(|rest| (program, rest)))
}

struct Helps(BTreeMap<Vec<String>, Option<String>>);

impl Helps {
    /// What a program says of a command of its; `None`: there is no such command.
    fn of(&mut self, command: &[String]) -> Option<String> {
        let asked = || {
            let program = Tools::binary(&command[0]).unwrap();
            let output = Command::new(program).args(&command[1..]).arg("--help").output().unwrap();
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        self.0.entry(command.to_vec()).or_insert_with(asked).clone()
    }
}

#[test]
fn every_command_and_flag_that_a_document_names_exists() {
    let mut helps = Helps(BTreeMap::new());
    let xtask = std::fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for (document, text) in documents() {
        let (inline, lines) = code(&text);
        for line in inline.iter().chain(&lines) {
            let Some((program, rest)) = ours(line) else { continue };
            let words: Vec<&str> = rest.split_whitespace().collect();
            let mut say = |what: String| wrong.push(format!("{document}: `{line}`: {what}"));
            seen.insert(format!("{program} {}", words.first().unwrap_or(&"")));
            if program == "xtask" {
                let command = words.first().map_or("", |word| word.trim_end_matches('…'));
                if !xtask.contains(&format!("\ncargo xtask {command}")) {
                    say(format!("xtask's help has no `{command}`"));
                }
                for flag in words.iter().filter(|word| word.starts_with("--")) {
                    if !xtask.contains(flag) {
                        say(format!("xtask's help has no {flag}"));
                    }
                }
                continue;
            }
            // Subcommands are the words before the first that is none.
            let mut command = vec![program.to_owned()];
            for word in &words {
                // `key add|remove|list` are three.
                let word = word.split('|').next().unwrap_or_default();
                let next: Vec<String> = command.iter().cloned().chain([word.to_owned()]).collect();
                let has_more = helps.of(&command).is_some_and(|help| help.contains("\nCommands:\n"));
                if !has_more || word.starts_with("--") {
                    break;
                }
                if helps.of(&next).is_none() {
                    say(format!("{} has no `{word}`", command.join(" ")));
                    break;
                }
                command = next;
            }
            let help = helps.of(&command).unwrap_or_default();
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                let flag = flag.split(['=', '|', ']', ',']).next().unwrap_or_default();
                if !help.contains(flag) {
                    say(format!("`{} --help` has no {flag}", command.join(" ")));
                }
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_only_says_something_is_run() {
    for (program, arguments) in [
        ("adjourn-qa", &["scenarios"][..]),
        ("adjourn-backend", &["openapi"]),
        ("adjourn", &["--version"]),
        ("adjourn-cli", &["--version"]),
    ] {
        let output = Command::new(Tools::binary(program).unwrap()).args(arguments).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 10, "{program} {arguments:?}: {output:?}");
    }
}

/// What is in the testbed's client alone: points at which it fails or is killed, and an allocator that ends it.
#[test]
fn what_people_get_can_not_be_made_to_fail() {
    let marks = ["FAILPOINTS", "ADJOURN_KILL_AT", "assert_no_alloc"];
    let has = |program: &str| {
        let binary = std::fs::read(Tools::binary(program).unwrap()).unwrap();
        let text = String::from_utf8_lossy(&binary);
        marks.map(|mark| text.contains(mark))
    };
    assert_eq!(has("adjourn-qa"), [true; 3], "what is looked for");
    for program in ["adjourn", "adjourn-cli", "adjourn-seat", "adjourn-backend"] {
        assert_eq!(has(program), [false; 3], "{program}");
    }
}
