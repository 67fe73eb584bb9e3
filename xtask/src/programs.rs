//! Programs that must be there before anything can be fetched or built, and how to get them.

use std::process::Command;

use crate::step::{Result, output};

/// A program that is called, and the first version that will do.
pub(crate) struct Program {
    name: &'static str,
    /// What makes it tell its version.
    asks: &'static [&'static str],
    least: (u32, u32),
    /// How to get it.
    get: &'static str,
}

/// Makes the interviewers' environments.
pub(crate) const PYTHON: Program = Program {
    name: "python3",
    asks: &["--version"],
    least: (3, 10),
    get: "apt-get install python3 python3-venv python3-pip",
};
/// Fetches the SDK library.
pub(crate) const PIP: Program = Program {
    name: "python3 -m pip",
    asks: &["--version"],
    least: (0, 0),
    get: "apt-get install python3-pip",
};
/// Builds livekit-server; from 1.21 on it fetches the newer Go that this needs by itself.
pub(crate) const GO: Program = Program {
    name: "go",
    asks: &["version"],
    least: (1, 21),
    get: "Debian's is too old: unpack the archive of https://go.dev/dl into /usr/local and add /usr/local/go/bin to PATH",
};
/// Builds the page.
pub(crate) const NODE: Program = Program {
    name: "node",
    asks: &["--version"],
    least: (20, 19),
    get: "Debian's is too old: unpack the archive of https://nodejs.org/en/download into /usr/local",
};

/// Fetches the page's parts.
pub(crate) const NPM: Program =
    Program { name: "npm", asks: &["--version"], least: (0, 0), get: "it comes with node" };

/// Makes sure that all of them are there and new enough.
///
/// All that is missing is said at once: nobody should come back five times.
pub(crate) fn ensure(programs: &[Program]) -> Result<()> {
    let missing: Vec<String> = programs.iter().filter_map(Program::missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("some programs are missing here; get them and start again:\n    {}", missing.join("\n    ")))
}

impl Program {
    /// What is wrong with it here, if so.
    pub(crate) fn missing(&self) -> Option<String> {
        let mut words = self.name.split(' ');
        let mut command = Command::new(words.next().unwrap_or_default());
        self.lacks(output(command.args(words).args(self.asks)).as_deref())
    }

    /// What is wrong with a program that says this of its version; `None`: it says nothing.
    fn lacks(&self, said: Option<&str>) -> Option<String> {
        let Self { name, least, get, .. } = self;
        let Some(said) = said else { return Some(format!("{name} is not installed: {get}")) };
        let (major, minor) = version(said)?;
        let old = (major, minor) < *least;
        old.then(|| {
            format!("{name} is {major}.{minor}, but {}.{} or later is needed: {get}", least.0, least.1)
        })
    }
}

/// The first number with a point in a program's answer.
fn version(said: &str) -> Option<(u32, u32)> {
    let words = said.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.filter_map(|word| word.split_once('.')).find_map(|(major, rest)| {
        let minor = rest.split('.').next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_say_them() {
        for (said, wanted) in [
            ("go version go1.26.8 linux/amd64", (1, 26)),
            ("v20.20.2", (20, 20)),
            ("Python 3.11.7", (3, 11)),
            ("cc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022", (12, 2)),
            ("pip 23.0.1 from /usr/lib/python3/dist-packages/pip (python 3.11)", (23, 0)),
        ] {
            assert_eq!(version(said), Some(wanted), "{said}");
        }
        assert_eq!(version("no number"), None);
    }

    #[test]
    fn what_is_missing_or_too_old_is_said_with_the_way_to_get_it() {
        let said = GO.lacks(None).unwrap();
        assert!(said.starts_with("go is not installed: ") && said.contains("go.dev"), "{said}");
        let said = GO.lacks(Some("go version go1.19.8 linux/amd64")).unwrap();
        assert!(said.starts_with("go is 1.19, but 1.21 or later is needed: "), "{said}");
        assert_eq!(GO.lacks(Some("go version go1.21.0 linux/amd64")), None);
        assert_eq!(NODE.lacks(Some("v24.1.0")), None);
        // A version that can't be read is left to the program itself.
        assert_eq!(NODE.lacks(Some("nightly")), None);
    }
}
