//! A file with settings: what may be said on the command line, by the same names. What is said there, or in the environment, counts more.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Arg, ArgAction, Command};

/// Names the file, before and after a command.
pub(crate) const OPTION: &str = "config";
/// The same in the environment.
pub(crate) const VARIABLE: &str = "ADJOURN_CONFIG";
/// After a name: the value is in a file, alone. For secrets.
const IN_A_FILE: &str = "-file";

/// The arguments with what the file says, if one is named.
///
/// # Errors
/// It can't be read, or says what is no setting.
pub(crate) fn with_file(
    arguments: Vec<OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
    program: &Command,
) -> anyhow::Result<Vec<OsString>> {
    let Some(file) = named(&arguments).or_else(|| environment(VARIABLE).map(PathBuf::from)) else {
        return Ok(arguments);
    };
    let settings = read(&file, program)?;
    let commands = || program.get_subcommands();
    // What is named before is no command: only the file is.
    let place = (1..arguments.len()).find(|n| commands().any(|command| arguments[*n] == *command.get_name()));
    let Some((place, command)) =
        place.and_then(|n| Some((n, commands().find(|command| arguments[n] == *command.get_name())?)))
    else {
        return Ok(arguments);
    };
    let (before, after) = arguments.split_at(place + 1);
    let mut with = before.to_vec();
    for argument in command.get_arguments() {
        let Some(value) = argument.get_long().and_then(|name| settings.get(name)) else { continue };
        let by_environment = argument.get_env().and_then(OsStr::to_str).and_then(&environment).is_some();
        if by_environment || says(after, argument) {
            continue;
        }
        with.extend(value.as_arguments(argument)?);
    }
    with.extend_from_slice(after);
    Ok(with)
}

/// The file that the arguments name.
fn named(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        let text = argument.to_str()?;
        let Some(rest) = text.strip_prefix("--").and_then(|text| text.strip_prefix(OPTION)) else { continue };
        match rest.strip_prefix('=') {
            Some(path) => return Some(path.into()),
            None if rest.is_empty() => return arguments.next().map(PathBuf::from),
            None => {}
        }
    }
    None
}

/// Whether an option is among these arguments.
fn says(arguments: &[OsString], option: &Arg) -> bool {
    let name = option.get_long().unwrap_or_default();
    let before = arguments.iter().take_while(|argument| *argument != "--");
    before
        .filter_map(|argument| argument.to_str()?.strip_prefix("--"))
        .any(|text| text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
}

/// What a setting is.
#[derive(Clone, Debug, PartialEq)]
enum Setting {
    Switch(bool),
    Values(Vec<String>),
}

impl Setting {
    fn of(value: toml::Value) -> Option<Self> {
        let text = |value: &toml::Value| match value {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Float(number) => Some(number.to_string()),
            toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_)
            | toml::Value::Table(_) => None,
        };
        if let Some(on) = value.as_bool() {
            return Some(Self::Switch(on));
        }
        let values = value.as_array().map_or_else(|| std::slice::from_ref(&value), Vec::as_slice);
        values.iter().map(text).collect::<Option<_>>().map(Self::Values)
    }

    fn as_arguments(&self, option: &Arg) -> anyhow::Result<Vec<OsString>> {
        let name = option.get_long().unwrap_or_default();
        let switch = matches!(option.get_action(), ArgAction::SetTrue);
        match self {
            Self::Switch(on) if switch => Ok(on.then(|| format!("--{name}").into()).into_iter().collect()),
            Self::Values(values) if !switch => {
                Ok(values.iter().map(|value| format!("--{name}={value}").into()).collect())
            }
            Self::Switch(_) => {
                anyhow::bail!("{name} in the configuration is true or false, and wants a value")
            }
            Self::Values(_) => anyhow::bail!("{name} in the configuration wants true or false"),
        }
    }
}

/// Settings by the names of their options.
fn read(file: &Path, program: &Command) -> anyhow::Result<BTreeMap<String, Setting>> {
    let within = || format!("the configuration {}", file.display());
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can't be read", within()))?;
    let table: toml::Table = toml::from_str(&text).with_context(within)?;
    let known: Vec<&str> = program
        .get_subcommands()
        .flat_map(Command::get_arguments)
        .filter_map(Arg::get_long)
        .filter(|name| *name != OPTION && *name != "help")
        .collect();
    let mut settings = BTreeMap::new();
    for (name, value) in table {
        let (name, setting) = match name.strip_suffix(IN_A_FILE).filter(|own| known.contains(own)) {
            Some(own) => {
                let path = value.as_str().with_context(|| format!("{name} in {} is no path", within()))?;
                let secret = std::fs::read_to_string(path)
                    .with_context(|| format!("{name} in {}: {path} can't be read", within()))?;
                (own.to_owned(), Setting::Values(vec![secret.trim().to_owned()]))
            }
            None => {
                anyhow::ensure!(
                    known.contains(&name.as_str()),
                    "{} says {name:?}, which is no setting: settings are named as on the command line (`adjourn-backend serve --help`), \
                     without the dashes before them",
                    within()
                );
                let setting = Setting::of(value)
                    .with_context(|| format!("{name} in {} is no text, number, list or switch", within()))?;
                (name, setting)
            }
        };
        anyhow::ensure!(settings.insert(name.clone(), setting).is_none(), "{} says {name} twice", within());
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::Arguments;

    struct Set {
        folder: tempfile::TempDir,
    }

    impl Set {
        fn with(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("c.toml"), text).unwrap();
            Self { folder }
        }

        fn file(&self) -> String {
            self.folder.path().join("c.toml").display().to_string()
        }

        fn says(&self, words: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
            let file = self.file();
            let words = std::iter::once("adjourn-backend").chain(words.iter().copied());
            let words = words.map(|word| word.replace("FILE", &file).into()).collect();
            let variable = |name: &str| {
                environment
                    .iter()
                    .find(|(one, _)| *one == name)
                    .map(|(_, value)| value.replace("FILE", &file).into())
            };
            let all = with_file(words, variable, &Arguments::command())?;
            Ok(all.into_iter().map(|word| word.into_string().unwrap()).collect())
        }
    }

    #[test]
    fn what_the_file_says_counts_less_than_environment_and_command_line() {
        let set = Set::with(
            "listen = \"127.0.0.1:1\"\ntrusted-proxy = [\"10.0.0.1\", \"10.0.0.2\"]\nkeep-days = 3\nlog-json = true\n\
             livekit-url = \"ws://a\"\ndatabase = \"d.db\"",
        );
        let all = set.says(&["serve", "--config", "FILE"], &[]).unwrap();
        for wanted in [
            "--listen=127.0.0.1:1",
            "--trusted-proxy=10.0.0.2",
            "--keep-days=3",
            "--log-json",
            "--livekit-url=ws://a",
        ] {
            assert!(all.iter().any(|word| word == wanted), "{wanted}: {all:?}");
        }
        assert_eq!(&all[..2], ["adjourn-backend", "serve"]);
        let all = set
            .says(
                &["--config=FILE", "serve", "--listen=127.0.0.1:2", "--keep-days", "9"],
                &[("LIVEKIT_URL", "ws://b")],
            )
            .unwrap();
        assert!(!all.iter().any(|word| word == "--listen=127.0.0.1:1"
            || word == "--keep-days=3"
            || word.contains("livekit")));
        // A command that has no such setting is not given it; one without any file is left alone.
        let all = set.says(&["audit"], &[(VARIABLE, "FILE")]).unwrap();
        assert_eq!(all, ["adjourn-backend", "audit", "--database=d.db"]);
        assert_eq!(set.says(&["audit", "--about", "x"], &[]).unwrap().len(), 4);
    }

    #[test]
    fn a_secret_may_be_in_a_file_of_its_own() {
        let set = Set::with("");
        let secret = set.folder.path().join("secret");
        std::fs::write(&secret, "whisper\n").unwrap();
        std::fs::write(set.file(), format!("livekit-secret-file = {:?}", secret.display().to_string()))
            .unwrap();
        let all = set.says(&["serve", "--config", "FILE"], &[]).unwrap();
        assert!(all.contains(&"--livekit-secret=whisper".to_owned()));
    }

    #[test]
    fn what_is_no_setting_is_said_with_its_place() {
        for (text, said) in [
            ("lisen = \"x\"", "says \"lisen\", which is no setting"),
            ("listen = {a = 1}", "listen in the configuration"),
            ("log-json = \"yes\"", "log-json in the configuration wants true or false"),
            ("listen = true", "listen in the configuration is true or false"),
            ("livekit-secret-file = \"/nowhere/at/all\"", "/nowhere/at/all can't be read"),
            ("livekit-secret = \"a\"\nlivekit-secret-file = \"FILE\"", "twice"),
            ("listen = ", "the configuration"),
        ] {
            let set = Set::with(text);
            let text = text.replace("FILE", &set.file());
            std::fs::write(set.file(), text).unwrap();
            let error = format!("{:#}", set.says(&["serve", "--config", "FILE"], &[]).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
        let set = Set::with("");
        assert!(set.says(&["serve", "--config", "/nowhere.toml"], &[]).is_err());
    }
}
