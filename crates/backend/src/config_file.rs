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
    // Who asks for help gets it, whatever the file says.
    let asks = |word: &OsString| ["--help", "-h", "help", "--version", "-V"].iter().any(|one| word == one);
    if arguments.iter().skip(1).any(asks) {
        return Ok(arguments);
    }
    let named = named(&arguments)?;
    // An empty variable is none.
    let by_environment = || environment(VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from);
    let Some(file) = named.or_else(by_environment) else { return Ok(arguments) };
    let settings = read(&file, program)?;
    // What is named before is no command: only the file is.
    let found = arguments.iter().enumerate().skip(1).find_map(|(n, word)| {
        Some((n, program.get_subcommands().find(|command| *word == *command.get_name())?))
    });
    let Some((place, command)) = found else { return Ok(arguments) };
    let (before, after) = arguments.split_at(place + 1);
    let mut with = before.to_vec();
    for argument in command.get_arguments() {
        let Some(value) = argument.get_long().and_then(|name| settings.get(name)) else { continue };
        let by_environment = argument.get_env().and_then(OsStr::to_str).and_then(&environment).is_some();
        if by_environment || says(after, argument) {
            continue;
        }
        with.extend(value.read(&file)?.as_arguments(argument)?);
    }
    with.extend_from_slice(after);
    Ok(with)
}

/// The file that the arguments name.
fn named(arguments: &[OsString]) -> anyhow::Result<Option<PathBuf>> {
    let mut arguments = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    let mut file = None;
    while let Some(argument) = arguments.next() {
        // What is no text is no option of ours.
        let text = argument.to_str().unwrap_or_default();
        let Some(rest) = text.strip_prefix("--").and_then(|text| text.strip_prefix(OPTION)) else { continue };
        let path = match rest.strip_prefix('=') {
            Some(path) => Some(PathBuf::from(path)),
            None if rest.is_empty() => arguments.next().map(PathBuf::from),
            None => continue,
        };
        anyhow::ensure!(file.is_none(), "--config is given twice: one file has all settings");
        file = path;
    }
    Ok(file)
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
#[derive(Clone, PartialEq)]
enum Setting {
    Switch(bool),
    Values(Vec<String>),
    /// The value is in that file, alone.
    InAFile(PathBuf),
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

    /// With its value, if that is in a file: named from where the configuration is, and read only by a command that wants it.
    fn read(&self, configuration: &Path) -> anyhow::Result<Self> {
        let Self::InAFile(file) = self else { return Ok(self.clone()) };
        let file = configuration.parent().map_or_else(|| file.clone(), |folder| folder.join(file));
        let value = std::fs::read_to_string(&file)
            .with_context(|| format!("{}, which the configuration names, can't be read", file.display()))?;
        Ok(Self::Values(vec![value.trim().to_owned()]))
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
            Self::Values(_) | Self::InAFile(_) => {
                anyhow::bail!("{name} in the configuration wants true or false")
            }
        }
    }
}

/// Settings by the names of their options.
fn read(file: &Path, program: &Command) -> anyhow::Result<BTreeMap<String, Setting>> {
    let within = || format!("the configuration {}", file.display());
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can't be read", within()))?;
    // The library's own text repeats the line, in which a secret may stand.
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        anyhow::anyhow!("{} can't be read, line {line}: {}", within(), error.message())
    })?;
    let options = || program.get_subcommands().flat_map(Command::get_arguments);
    let named =
        |option: &Arg, name: &str| option.get_long() == Some(name) && name != OPTION && name != "help";
    let is_known = |name: &str| options().any(|option| named(option, name));
    // Others are no secrets, and some of them are files themselves.
    let is_secret =
        |name: &str| options().any(|option| named(option, name) && option.is_hide_env_values_set());
    let mut settings = BTreeMap::new();
    for (name, value) in table {
        let (name, setting) = match name.strip_suffix(IN_A_FILE).filter(|own| is_secret(own)) {
            Some(own) => {
                let path = value.as_str().with_context(|| format!("{name} in {} is no path", within()))?;
                (own.to_owned(), Setting::InAFile(path.into()))
            }
            None => {
                anyhow::ensure!(
                    is_known(&name),
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
        // From where the configuration is; and only who wants it reads it.
        std::fs::write(set.file(), "livekit-secret-file = \"secret\"").unwrap();
        let all = set.says(&["serve", "--config", "FILE"], &[]).unwrap();
        assert!(all.contains(&"--livekit-secret=whisper".to_owned()));
        std::fs::remove_file(secret).unwrap();
        assert!(set.says(&["audit", "--config", "FILE"], &[]).is_ok());
    }

    #[test]
    fn what_is_no_setting_is_said_with_its_place() {
        for (text, said) in [
            ("lisen = \"x\"", "says \"lisen\", which is no setting"),
            ("listen = {a = 1}", "listen in the configuration"),
            ("log-json = \"yes\"", "log-json in the configuration wants true or false"),
            ("listen = true", "listen in the configuration is true or false"),
            (
                "livekit-secret-file = \"/nowhere/at/all\"",
                "/nowhere/at/all, which the configuration names, can't be read",
            ),
            // A key as a path would be printed.
            ("tls-key-file = \"k.pem\"", "says \"tls-key-file\", which is no setting"),
            ("keep-days = 1\norganiser-key = \"unclosed-s3cr3t", "line 2"),
            ("organiser-key = unquoted-s3cr3t", "line 1"),
            ("organiser-key = \"s3cr3t\"\norganiser-key = \"s3cr3t\"", "line 2"),
            ("livekit-secret = \"a\"\nlivekit-secret-file = \"FILE\"", "twice"),
            ("listen = ", "the configuration"),
        ] {
            let set = Set::with(text);
            let text = text.replace("FILE", &set.file());
            std::fs::write(set.file(), text).unwrap();
            let error = format!("{:#}", set.says(&["serve", "--config", "FILE"], &[]).unwrap_err());
            assert!(error.contains(said) && !error.contains("s3cr3t"), "{error}");
            // Who asks for help gets it, and a command that wants nothing of that is left alone.
            assert_eq!(set.says(&["serve", "--config", "FILE", "--help"], &[]).unwrap().len(), 5);
        }
        let set = Set::with("");
        assert!(set.says(&["--config", "FILE", "serve", "--config=FILE"], &[]).is_err(), "which of them?");
        assert_eq!(set.says(&["audit"], &[(VARIABLE, "")]).unwrap().len(), 2);
        assert!(set.says(&["serve", "--config", "/nowhere.toml"], &[]).is_err());
    }
}
