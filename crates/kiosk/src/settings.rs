//! What a seat knows of itself before it has a policy: a file that the package's owner writes, once.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::policy::{NAME_FORM, is_name};

/// Where the package puts them.
const FOLDER: &str = "/etc/adjourn-kiosk";

/// A seat's own settings, from TOML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatSettings {
    /// Its center.
    pub center: String,
    /// Its name there.
    pub seat: String,
    /// The signed policy.
    #[serde(default = "policy")]
    pub policy: PathBuf,
    /// Keys that may sign one (a JWK set).
    #[serde(default = "keys")]
    pub keys: PathBuf,
    /// The file with the key that lets it tell its center how it is, and take orders from there (`adjourn-backend key add … --scopes seat
    /// --center …`). Without one nobody sees it from afar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The file with the key that its journal is sealed with: 64 hexadecimal digits, where nobody who has the disk finds them (a
    /// credential of systemd). Without one what was said and has not arrived yet can be read by whoever has the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_key: Option<PathBuf>,
    /// What carries its sound.
    #[serde(default)]
    pub sound: SoundServer,
}

/// What carries a seat's sound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundServer {
    /// A server of its own for each candidate, as PulseAudio sets itself up: what one turned down is not turned down for the next.
    #[default]
    Own,
    /// The same, set up by this script of PulseAudio's.
    Script(PathBuf),
    /// One that runs anyway, by its address: its volumes outlive a candidate.
    Shared(String),
}

/// Why a seat does not know who it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is no TOML, has an unknown field, or lacks one.
    #[error("the seat's settings can't be read, {place}: {why}")]
    Form {
        /// Where: `line 3`.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A name is none.
    #[error("{0} in the seat's settings is no name: {NAME_FORM}")]
    Name(&'static str),
    /// A path is none that means the same for every program.
    #[error("{0} in the seat's settings is no whole path: it begins with /")]
    Path(&'static str),
}

fn policy() -> PathBuf {
    PathBuf::from(FOLDER).join("policy.jws")
}

fn keys() -> PathBuf {
    PathBuf::from(FOLDER).join("policy-keys.json")
}

impl SeatSettings {
    /// Reads what a person wrote.
    ///
    /// # Errors
    /// What is wrong, where.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text).map_err(|error| {
            let (place, why) = crate::policy::place(text, &error);
            SettingsError::Form { place, why }
        })?;
        for (field, name) in [("center", &settings.center), ("seat", &settings.seat)] {
            if !is_name(name) {
                return Err(SettingsError::Name(field));
            }
        }
        let script = match &settings.sound {
            SoundServer::Script(path) => Some(path),
            SoundServer::Own | SoundServer::Shared(_) => None,
        };
        let paths = [
            ("policy", Some(&settings.policy)),
            ("keys", Some(&settings.keys)),
            ("key", settings.key.as_ref()),
            ("journal_key", settings.journal_key.as_ref()),
            ("sound", script),
        ];
        let part = |path: Option<&PathBuf>| path.is_some_and(|path| !path.has_root());
        let wrong = paths.into_iter().find(|(_, path)| part(*path)).map(|(field, _)| field);
        wrong.map_or(Ok(settings), |field| Err(SettingsError::Path(field)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_says_who_it_is_and_the_rest_has_its_place() {
        let settings = SeatSettings::from_toml("center = \"berlin-mitte\"\nseat = \"B-07\"\n").unwrap();
        assert_eq!(settings.policy, PathBuf::from("/etc/adjourn-kiosk/policy.jws"));
        assert_eq!(settings.sound, SoundServer::Own);
        let other = "center = \"c\"\nseat = \"s\"\npolicy = \"/p\"\nkeys = \"/k\"\nsound = { shared = \"unix:/run/pulse\" }\n";
        let settings = SeatSettings::from_toml(other).unwrap();
        assert_eq!(settings.sound, SoundServer::Shared("unix:/run/pulse".to_owned()));
        assert_eq!(SeatSettings::from_toml(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let said = |text: &str| SeatSettings::from_toml(text).unwrap_err().to_string();
        assert!(said("center = \"c\"\nsaet = \"s\"\n").contains("line 2: unknown field `saet`"));
        assert!(said("center = \"c\"\n").contains("missing field `seat`"));
        assert!(
            said("center = \"a b\"\nseat = \"s\"\n").starts_with("center in the seat's settings is no name")
        );
        assert!(
            said("center = \"c\"\nseat = \"s\"\nkeys = \"k\"\n").starts_with("keys in the seat's settings")
        );
    }
}
