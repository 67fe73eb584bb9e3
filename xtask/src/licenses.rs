//! The licenses of what is in a program, in one file: each text once, with who has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::staging::components;
use crate::step::{Result, root};

/// What of the page is not ours, and is in the window.
const OF_THE_PAGE: [&str; 3] = ["svelte", "@fluent/bundle", "@tauri-apps/api"];
/// How such files are named, by their beginning.
const NAMES: [&str; 6] = ["license", "licence", "copying", "copyright", "unlicense", "notice"];

/// Every license text of a program's components. One that brings none is listed with the license that it names.
pub(crate) fn licenses(name: &str, target: Option<&str>) -> Result<String> {
    let sources = sources()?;
    let (mut texts, mut without) = (Texts::default(), Vec::new());
    for line in components(name, target)?.lines() {
        let Some((crate_name, version, license)) = component(line) else {
            return Err(format!("{line:?} is no component"));
        };
        // Ours is under LICENSE.
        if crate_name.starts_with("adjourn") || crate_name == "livekit-dylib" {
            continue;
        }
        let folder = sources.iter().map(|registry| registry.join(format!("{crate_name}-{version}")));
        let folder = folder.into_iter().find(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| format!("the sources of {crate_name} {version} are not here"))?;
        if !texts.add(&folder, &format!("{crate_name} {version}"))? {
            without.push(format!("{crate_name} {version}: {license}"));
        }
    }
    if name == "adjourn" {
        for package in OF_THE_PAGE {
            let folder = root().join("ui/node_modules").join(package);
            if !texts.add(&folder, package)? {
                without.push(package.to_owned());
            }
        }
    }
    Ok(texts.written(&without))
}

/// `name v1.2.3 MIT OR Apache-2.0`.
fn component(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once(" v")?;
    let (version, license) = rest.split_once(' ').unwrap_or((rest, "none named"));
    Some((name, version, license))
}

/// Where cargo keeps what it fetched.
fn sources() -> Result<Vec<PathBuf>> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).ok_or("no home folder")?;
    let folder = home.join("registry/src");
    let registries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(registries.flatten().map(|registry| registry.path()).collect())
}

/// Texts, with who has each.
#[derive(Debug, Default)]
struct Texts(BTreeMap<String, (String, Vec<String>)>);

impl Texts {
    /// Adds the texts in a folder. Gives whether there is one.
    fn add(&mut self, folder: &Path, whose: &str) -> Result<bool> {
        let told = |e: std::io::Error| format!("{}: {e}", folder.display());
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).map_err(told)?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let mut found = false;
        for file in files.iter().filter(|file| file.is_file() && is_license(file)) {
            let text = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
            let text = String::from_utf8_lossy(&text).into_owned();
            // The same words, however their lines are broken.
            let key = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if key.is_empty() {
                continue;
            }
            found = true;
            let (_, owners) = self.0.entry(key).or_insert_with(|| (text, Vec::new()));
            if owners.last().is_none_or(|last| last != whose) {
                owners.push(whose.to_owned());
            }
        }
        Ok(found)
    }

    /// As one file.
    fn written(&self, without: &[String]) -> String {
        let mut all: Vec<_> = self.0.values().collect();
        all.sort_by(|(_, a), (_, b)| a.cmp(b));
        let mut written = String::new();
        for (text, owners) in all {
            // Nothing can go wrong in a string.
            let _ = write!(written, "{}\n\n{}\n\n{}\n", owners.join(", "), text.trim(), "=".repeat(72));
        }
        if !without.is_empty() {
            let _ = write!(written, "Without a text of their own:\n\n{}\n", without.join("\n"));
        }
        written
    }
}

fn is_license(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    NAMES.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_there_once_with_all_who_have_it() {
        assert_eq!(
            component("serde v1.0.2 MIT OR Apache-2.0"),
            Some(("serde", "1.0.2", "MIT OR Apache-2.0"))
        );
        assert_eq!(component("odd v2.0.0"), Some(("odd", "2.0.0", "none named")));
        let folder = std::env::temp_dir().join(format!("adjourn-licenses-{}", std::process::id()));
        let mut texts = Texts::default();
        for (name, file, text) in [
            ("a", "LICENSE-MIT", "Do as\nyou like."),
            ("b", "licence.md", "Do as you like.\n"),
            ("c", "COPYING", "Ask first."),
            ("d", "README.md", "MIT"),
        ] {
            let own = folder.join(name);
            fs::create_dir_all(&own).unwrap();
            fs::write(own.join(file), text).unwrap();
            assert_eq!(texts.add(&own, name).unwrap(), name != "d");
        }
        fs::remove_dir_all(&folder).unwrap();
        let written = texts.written(&["d 1.0.0: MIT".to_owned()]);
        let owners: Vec<&str> = written.lines().filter(|line| ["a, b", "c"].contains(line)).collect();
        assert_eq!(owners, ["a, b", "c"], "{written}");
        assert_eq!(written.matches("Do as").count(), 1);
        assert!(written.ends_with("Without a text of their own:\n\nd 1.0.0: MIT\n"));
    }
}
