//! What a seat does: written by a person as TOML, kept and sent signed.

use chrono::{DateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::LockLevel;
use crate::pin::Pin;

/// The schema of today.
pub(crate) const VERSION: u32 = 1;
/// Longest name of a center or a seat, in characters.
const LONGEST_NAME: usize = 64;
/// Most seats that one policy names; without any it is for all of its center.
const MOST_SEATS: usize = 2_000;

/// A policy that makes no sense, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is no TOML, has an unknown field, or lacks one.
    #[error("the policy can't be read: {0}")]
    Form(String),
    /// A value is none that can be.
    #[error("{field} in the policy {why}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
}

/// What a seat does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatPolicy {
    /// Of this form: 1.
    pub version: u32,
    /// Whose seats.
    pub center: String,
    /// Which; every one of the center, if none is named.
    #[serde(default)]
    pub seats: Vec<String>,
    /// Where codes are exchanged. Links to other servers open nothing.
    pub backend: Url,
    /// Languages that can be chosen, the first one is shown until somebody does.
    pub languages: Vec<String>,
    /// It is good from then on.
    pub valid_from: DateTime<Utc>,
    /// And until then.
    pub valid_until: DateTime<Utc>,
    /// A seat that is locked less than this does not begin an interview.
    pub lock: LockLevel,
    /// Which devices are used.
    #[serde(default)]
    pub devices: Devices,
    /// What happens between two candidates.
    #[serde(default)]
    pub reset: Reset,
    /// Ways out.
    #[serde(default)]
    pub escapes: Escapes,
    /// When a seat that nobody uses may be restarted.
    #[serde(default)]
    pub maintenance: Option<Maintenance>,
}

/// Devices by their ids, as `adjourn-cli devices` lists them; the system's own choice where none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Devices {
    /// The microphone.
    pub microphone: Option<String>,
    /// The loudspeaker.
    pub loudspeaker: Option<String>,
}

/// Times between two candidates, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reset {
    /// How long the end screen stays, if nobody presses *Done*. Nothing is reset while a report is not safe.
    pub done_after_s: u32,
    /// How long a device check that nobody goes on with stays.
    pub abandoned_after_s: u32,
}

impl Default for Reset {
    fn default() -> Self {
        Self { done_after_s: 60, abandoned_after_s: 600 }
    }
}

/// Ways out of a seat. There is always one: without a PIN and without remote release, a timed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Escapes {
    /// The supervisor's PIN, as `adjourn-cli policy pin` writes it (Argon2id, a PHC string).
    pub pin: Option<Pin>,
    /// The center's monitor may release it.
    pub remote: bool,
    /// It lets go by itself after so many minutes in which its backend could not be reached.
    pub unreachable_minutes: Option<u32>,
}

impl Default for Escapes {
    fn default() -> Self {
        Self { pin: None, remote: true, unreachable_minutes: Some(240) }
    }
}

/// A time of day, in the seat's own time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// From, as `02:00`.
    #[serde(with = "time_of_day")]
    pub from: NaiveTime,
    /// Until; before `from`, it is over midnight.
    #[serde(with = "time_of_day")]
    pub until: NaiveTime,
}

impl Maintenance {
    /// Whether that time of day is in it.
    pub fn has(&self, at: NaiveTime) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&at)
        } else {
            at >= self.from || at < self.until
        }
    }
}

impl SeatPolicy {
    /// Reads what a person wrote.
    ///
    /// # Errors
    /// What is wrong, where.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text).map_err(|error| PolicyError::Form(error.to_string()))?;
        policy.check()?;
        Ok(policy)
    }

    /// Whether every value is one that can be.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), PolicyError> {
        let value = |field, holds: bool, why: &str| {
            if holds { Ok(()) } else { Err(PolicyError::Value { field, why: why.to_owned() }) }
        };
        value("version", self.version == VERSION, "is another than 1: this program knows version 1")?;
        value("center", is_name(&self.center), "is no name: 1 to 64 letters, digits, - and _")?;
        value("seats", self.seats.len() <= MOST_SEATS, "has more than 2,000: make one for the whole center")?;
        value(
            "seats",
            self.seats.iter().all(|seat| is_name(seat)),
            "has what is no name: 1 to 64 letters, digits, - and _",
        )?;
        let local =
            self.backend.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        let safe = self.backend.scheme() == "https" || self.backend.scheme() == "http" && local;
        value("backend", safe, "is no address of a backend: it begins with https://")?;
        value("languages", !self.languages.is_empty(), "is empty: name one at least, as \"en\"")?;
        value("valid_until", self.valid_from < self.valid_until, "is not after valid_from")?;
        let Reset { done_after_s, abandoned_after_s } = self.reset;
        value("reset.done_after_s", (5..=3_600).contains(&done_after_s), "must be 5 to 3600 seconds")?;
        value(
            "reset.abandoned_after_s",
            (60..=7_200).contains(&abandoned_after_s),
            "must be 60 to 7200 seconds",
        )?;
        let Escapes { pin, remote, unreachable_minutes } = &self.escapes;
        value(
            "escapes.unreachable_minutes",
            unreachable_minutes.is_none_or(|minutes| (10..=1_440).contains(&minutes)),
            "must be 10 to 1440 minutes",
        )?;
        let out = pin.is_some() || unreachable_minutes.is_some();
        value(
            "escapes",
            out,
            if *remote {
                "leaves no way out of a seat whose backend can't be reached: give a pin, or unreachable_minutes"
            } else {
                "leaves no way out: give a pin, or unreachable_minutes"
            },
        )?;
        let never = self.maintenance.is_some_and(|maintenance| maintenance.from == maintenance.until);
        value("maintenance", !never, "begins when it ends")
    }

    /// Whether it is for that seat.
    pub fn is_for(&self, seat: &str) -> bool {
        self.seats.is_empty() || self.seats.iter().any(|one| one == seat)
    }
}

/// A name of a center or a seat: it stands in lists, logs and file names.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().count() <= LONGEST_NAME && text.chars().all(plain)
}

mod time_of_day {
    use chrono::NaiveTime;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    const FORM: &str = "%H:%M";

    pub(super) fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format(FORM))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, FORM)
            .map_err(|_| de::Error::custom(format!("{text:?} is no time of day, as \"02:00\"")))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const USUAL: &str = r#"
        version = 1
        center = "berlin-mitte"
        seats = ["B-07", "B-08"]
        backend = "https://interviews.example.com"
        languages = ["de", "en"]
        valid_from = "2026-11-01T00:00:00Z"
        valid_until = "2027-11-01T00:00:00Z"
        lock = "enforced"

        [maintenance]
        from = "22:30"
        until = "05:00"
    "#;

    #[test]
    fn what_a_person_writes_is_read_and_what_is_missing_is_usual() {
        let policy = SeatPolicy::from_toml(USUAL).unwrap();
        assert_eq!((policy.reset.done_after_s, policy.escapes.remote), (60, true));
        assert!(policy.is_for("B-07") && !policy.is_for("B-09"));
        let all = SeatPolicy { seats: Vec::new(), ..policy.clone() };
        assert!(all.is_for("B-09"));
        let night = policy.maintenance.unwrap();
        let at = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        assert!(
            night.has(at(23, 0)) && night.has(at(4, 59)) && !night.has(at(5, 0)) && !night.has(at(12, 0))
        );
    }

    #[test]
    fn what_makes_no_sense_is_said_in_a_sentence_that_names_the_place() {
        for (there, instead, said) in [
            ("version = 1", "version = 2", "version in the policy is another than 1"),
            ("berlin-mitte", "", "center in the policy is no name"),
            ("B-08", "../etc", "seats in the policy has what is no name"),
            (
                "https://interviews.example.com",
                "http://interviews.example.com",
                "backend in the policy is no address",
            ),
            (r#"["de", "en"]"#, "[]", "languages in the policy is empty"),
            ("2027-11-01", "2026-10-01", "valid_until in the policy is not after valid_from"),
            ("22:30", "05:00", "maintenance in the policy begins when it ends"),
            ("22:30", "half past ten", "is no time of day"),
            ("\"enforced\"", "\"tight\"", "unknown variant"),
            ("[maintenance]", "pins = 3\n[maintenance]", "unknown field `pins`"),
            ("center = \"berlin-mitte\"", "", "missing field `center`"),
            (
                "[maintenance]",
                "[reset]\ndone_after_s = 0\n[maintenance]",
                "reset.done_after_s in the policy must be",
            ),
            (
                "[maintenance]",
                "[escapes]\nunreachable_minutes = 5\n[maintenance]",
                "escapes.unreachable_minutes",
            ),
            ("[maintenance]", "[escapes]\npin = \"1234\"\n[maintenance]", "no PIN as it is kept"),
        ] {
            let text = USUAL.replacen(there, instead, 1);
            let error = SeatPolicy::from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{instead}: {error}");
        }
    }

    #[test]
    fn nobody_is_locked_in() {
        let mut policy = SeatPolicy::from_toml(USUAL).unwrap();
        policy.escapes = Escapes { pin: None, remote: true, unreachable_minutes: None };
        assert!(policy.check().unwrap_err().to_string().contains("leaves no way out"));
        policy.escapes.remote = false;
        assert!(policy.check().unwrap_err().to_string().contains("leaves no way out"));
        policy.escapes.unreachable_minutes = Some(60);
        assert_eq!(policy.check(), Ok(()));
    }
}
