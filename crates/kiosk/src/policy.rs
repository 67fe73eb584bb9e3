//! What a seat does: written by a person as TOML, kept and sent signed.

use adjourn_protocol::InviteLink;
use chrono::{DateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::LockLevel;
use crate::pin::Pin;

/// The schema of today.
pub(crate) const VERSION: u32 = 1;
/// Longest name of a center or a seat, in characters.
const LONGEST_NAME: usize = 64;
/// Most seats that one policy names.
const MOST_SEATS: usize = 2_000;
/// Most languages.
const MOST_LANGUAGES: usize = 32;
/// Largest serial: ten digits, a date and a number of that day. With a larger one no other policy could follow.
const LARGEST_SERIAL: u64 = 9_999_999_999;

/// A policy that makes no sense, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is no TOML, has an unknown field, or lacks one.
    #[error("the policy can't be read, {place}: {why}")]
    Form {
        /// Where: `line 3`.
        place: String,
        /// What is wrong, without the values that stand there.
        why: String,
    },
    /// This program is too old for it.
    #[error(
        "the policy is of version {version}, and this program knows version {VERSION}: bring it up to date"
    )]
    Newer {
        /// Its version.
        version: u32,
    },
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
    /// Counts up with each policy of a center: a seat takes none that is older than the one that it has used.
    pub serial: u64,
    /// Whose seats.
    pub center: String,
    /// Which.
    pub seats: Seats,
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

/// Which seats of a center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Seats {
    /// `"all"`: whoever has removed the last name of a list did not mean that.
    All(All),
    /// These.
    Named(Vec<String>),
}

/// The word for every seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// Every one.
    All,
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

/// Ways out of a seat. One of them works whatever the network does: a PIN, or a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escapes {
    /// The supervisor's PIN, as `adjourn-cli policy pin` writes it (Argon2id, a PHC string).
    #[serde(default)]
    pub pin: Option<Pin>,
    /// The center's monitor may release it.
    #[serde(default = "yes")]
    pub remote: bool,
    /// It lets go by itself after so many minutes in which it could not begin an interview and none went on: whatever was in the way. Not at
    /// all, if it is not said.
    #[serde(default)]
    pub unusable_minutes: Option<u32>,
}

fn yes() -> bool {
    true
}

impl Default for Escapes {
    fn default() -> Self {
        Self { pin: None, remote: true, unusable_minutes: Some(60) }
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
        // First: a newer one has fields that are unknown here.
        if let Ok(Version { version }) = toml::from_str(text)
            && version > VERSION
        {
            return Err(PolicyError::Newer { version });
        }
        let form = |error: toml::de::Error| {
            let (place, why) = place(text, &error);
            PolicyError::Form { place, why }
        };
        let policy: Self = toml::from_str(text).map_err(form)?;
        policy.check()?;
        Ok(policy)
    }

    /// Whether every value is one that can be.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), PolicyError> {
        let name = format!("is no name: {NAME_FORM}");
        let value = |field, holds: bool, why: &str| {
            if holds { Ok(()) } else { Err(PolicyError::Value { field, why: why.to_owned() }) }
        };
        if self.version > VERSION {
            return Err(PolicyError::Newer { version: self.version });
        }
        value("version", self.version == VERSION, "is 0: versions begin with 1")?;
        value(
            "serial",
            self.serial <= LARGEST_SERIAL,
            "has more than ten digits: no other policy could follow",
        )?;
        value("center", is_name(&self.center), &name)?;
        if let Seats::Named(seats) = &self.seats {
            value("seats", !seats.is_empty(), "is empty: name one at least, or say \"all\"")?;
            value("seats", seats.len() <= MOST_SEATS, "has more than 2,000: make one for \"all\"")?;
            value("seats", seats.iter().all(|seat| is_name(seat)), &name)?;
            let all = seats.iter().any(|seat| seat.eq_ignore_ascii_case("all"));
            value("seats", !all, "names a seat \"all\": for every seat say seats = \"all\", without a list")?;
        }
        value(
            "backend",
            InviteLink::may_lead_to(&self.backend),
            "is no address of a backend: https://, a host, and a path at most",
        )?;
        value("languages", !self.languages.is_empty(), "is empty: name one at least, as \"en\"")?;
        let tags = self.languages.len() <= MOST_LANGUAGES && self.languages.iter().all(|tag| is_tag(tag));
        value("languages", tags, "has what is no language, as \"en\" or \"pt-BR\"")?;
        value("valid_until", self.valid_from < self.valid_until, "is not after valid_from")?;
        let named =
            |device: &Option<String>| device.as_ref().is_none_or(|id| !id.is_empty() && id.len() <= 300);
        let Devices { microphone, loudspeaker } = &self.devices;
        value(
            "devices",
            named(microphone) && named(loudspeaker),
            "has an empty name: leave it out for the system's choice",
        )?;
        let Reset { done_after_s, abandoned_after_s } = self.reset;
        value("reset.done_after_s", (5..=3_600).contains(&done_after_s), "must be 5 to 3600 seconds")?;
        value(
            "reset.abandoned_after_s",
            (60..=7_200).contains(&abandoned_after_s),
            "must be 60 to 7200 seconds",
        )?;
        let Escapes { pin, remote: _, unusable_minutes } = &self.escapes;
        value(
            "escapes.unusable_minutes",
            unusable_minutes.is_none_or(|minutes| (10..=240).contains(&minutes)),
            "must be 10 to 240 minutes",
        )?;
        // Its monitor can't be reached where the network is what broke.
        let out = pin.is_some() || unusable_minutes.is_some();
        value(
            "escapes",
            out,
            "leaves no way out that works without the network: give a pin, or unusable_minutes",
        )?;
        let never = self.maintenance.is_some_and(|maintenance| maintenance.from == maintenance.until);
        value("maintenance", !never, "begins when it ends")
    }

    /// Whether it is for that seat of its center.
    pub fn is_for(&self, seat: &str) -> bool {
        match &self.seats {
            Seats::All(All::All) => true,
            Seats::Named(seats) => seats.iter().any(|one| one == seat),
        }
    }
}

/// Where an error is, and what it is. The library's own text repeats the line, in which a PIN may stand.
pub(crate) fn place(text: &str, error: &toml::de::Error) -> (String, String) {
    let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let place = line.map_or_else(|| "as a whole".to_owned(), |line| format!("line {line}"));
    (place, error.message().lines().collect::<Vec<_>>().join(" "))
}

/// What a policy of any version has.
#[derive(Deserialize)]
pub(crate) struct Version {
    pub(crate) version: u32,
}

/// What [`is_name`] wants, for whoever has to write one.
pub const NAME_FORM: &str = "a letter or digit, and up to 63 more, with . - and _ between them";

/// A name of a center or a seat: it stands in lists, logs and file names, and looks like no other one.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= LONGEST_NAME
        && text.chars().all(plain)
}

fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let plain =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(plain)
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
        serial = 3
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
        assert_eq!((policy.reset.done_after_s, policy.escapes.unusable_minutes), (60, Some(60)));
        assert!(policy.is_for("B-07") && !policy.is_for("B-09"));
        let all = SeatPolicy::from_toml(&USUAL.replace(r#"["B-07", "B-08"]"#, "\"all\"")).unwrap();
        assert!(all.is_for("B-09"));
        // A way out that is not in a table of ways out is none.
        let pin = Pin::keep("48291573", &[7; 16]).unwrap();
        let own = format!("[escapes]\npin = \"{}\"\n[maintenance]", pin.as_str());
        let own = SeatPolicy::from_toml(&USUAL.replace("[maintenance]", &own)).unwrap();
        assert_eq!((own.escapes.unusable_minutes, own.escapes.remote), (None, true));
        let night = policy.maintenance.unwrap();
        let at = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        assert!(
            night.has(at(23, 0)) && night.has(at(4, 59)) && !night.has(at(5, 0)) && !night.has(at(12, 0))
        );
    }

    #[test]
    fn what_makes_no_sense_is_said_in_a_sentence_that_names_the_place() {
        for (there, instead, said) in [
            ("version = 1", "version = 2\n        what = \"nobody knows yet\"", "the policy is of version 2"),
            ("version = 1", "version = 0", "version in the policy is 0"),
            ("berlin-mitte", "", "center in the policy is no name"),
            ("berlin-mitte", "..", "center in the policy is no name"),
            ("B-08", "../etc", "seats in the policy is no name"),
            ("B-08", "Б-08", "seats in the policy is no name"),
            (r#"["B-07", "B-08"]"#, "[]", "seats in the policy is empty"),
            (r#"["B-07", "B-08"]"#, "\"every\"", "line 5"),
            (r#"["B-07", "B-08"]"#, "[\"All\"]", "names a seat \"all\""),
            ("serial = 3", "serial = 92233720368547", "serial in the policy has more than ten digits"),
            (
                "https://interviews.example.com",
                "http://interviews.example.com",
                "backend in the policy is no address",
            ),
            ("https://interviews", "https://me:secret@interviews", "backend in the policy is no address"),
            (r#"["de", "en"]"#, "[]", "languages in the policy is empty"),
            (r#"["de", "en"]"#, "[\"german\"]", "languages in the policy has what is no language"),
            ("2027-11-01", "2026-10-01", "valid_until in the policy is not after valid_from"),
            ("22:30", "05:00", "maintenance in the policy begins when it ends"),
            ("22:30", "half past ten", "is no time of day"),
            ("\"enforced\"", "\"tight\"", "line 10: unknown variant"),
            ("[maintenance]", "pins = 3\n[maintenance]", "line 12: unknown field `pins`"),
            ("center = \"berlin-mitte\"", "", "missing field `center`"),
            (
                "[maintenance]",
                "[reset]\ndone_after_s = 0\n[maintenance]",
                "reset.done_after_s in the policy must be",
            ),
            ("[maintenance]", "[escapes]\nunusable_minutes = 5\n[maintenance]", "escapes.unusable_minutes"),
            ("[maintenance]", "[devices]\nmicrophone = \"\"\n[maintenance]", "devices in the policy"),
        ] {
            let text = USUAL.replacen(there, instead, 1);
            let error = SeatPolicy::from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(said) && error.lines().count() == 1, "{instead}: {error}");
        }
    }

    #[test]
    fn a_pin_that_stands_where_it_does_not_belong_is_repeated_nowhere() {
        for pin in ["\"48291573\"", "48291573", "48291573.5", "[48291573]", "true"] {
            let text = USUAL.replace("[maintenance]", &format!("[escapes]\npin = {pin}\n[maintenance]"));
            let error = SeatPolicy::from_toml(&text).unwrap_err().to_string();
            assert!(!error.contains("4829") && error.contains("line 13"), "{pin}: {error}");
        }
    }

    #[test]
    fn nobody_is_locked_in() {
        for remote in [true, false] {
            let alone = format!("[escapes]\nremote = {remote}\n[maintenance]");
            let error = SeatPolicy::from_toml(&USUAL.replace("[maintenance]", &alone)).unwrap_err();
            assert!(
                error.to_string().contains("leaves no way out that works without the network"),
                "{error}"
            );
        }
    }
}
