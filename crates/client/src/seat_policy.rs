//! What a seat has on disk: its settings, the policy, and what it remembers from one candidate to the next (nothing of theirs).

use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_kiosk::{Escapes, Pin, PolicyKeys, SeatSettings, SignedPolicy, Tries};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a seat's files are.
#[derive(Clone, Debug)]
pub(crate) struct SeatFiles {
    pub(crate) settings: PathBuf,
    pub(crate) memory: PathBuf,
}

/// What outlives a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    /// Serial of the newest policy that was used.
    used: u64,
    tries: Tries,
}

/// What was found on disk.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) settings: Option<SeatSettings>,
    /// Good now, or why not, for whoever looks after the seat.
    pub(crate) policy: Result<SignedPolicy, String>,
    /// Ways out: of the policy, and if that is over, all the same.
    pub(crate) escapes: Escapes,
}

/// What came of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    Opens,
    Wrong,
    /// Nothing is tried for so long.
    NotYet(Duration),
    /// What was tried can't be kept: then nothing is, or the plug would be a way to guess on.
    NotKept,
}

impl SeatFiles {
    /// Looks at everything anew. Reads files: not for the loop itself.
    pub(crate) fn look(&self, now: DateTime<Utc>) -> Looked {
        let mut looked = Looked { settings: None, policy: Err(String::new()), escapes: Escapes::default() };
        looked.policy = self.policy(now, &mut looked);
        looked
    }

    fn policy(&self, now: DateTime<Utc>, looked: &mut Looked) -> Result<SignedPolicy, String> {
        let settings = SeatSettings::from_toml(&read(&self.settings)?).map_err(|error| error.to_string())?;
        let settings = looked.settings.insert(settings).clone();
        let keys = PolicyKeys::parse(&read(&settings.keys)?).map_err(|error| error.to_string())?;
        let text = read(&settings.policy)?;
        // A policy that is over, or too old, still says who may let the seat go; another center's says nothing here.
        if let Ok(SignedPolicy { policy, .. }) = SignedPolicy::read(&text, &keys)
            && policy.center == settings.center
            && policy.is_for(&settings.seat)
        {
            looked.escapes = policy.escapes;
        }
        let mut memory = self.remembered();
        let seat = adjourn_kiosk::Seat { center: &settings.center, name: &settings.seat, used: memory.used };
        let signed = SignedPolicy::open(&text, &keys, seat, now).map_err(|error| error.to_string())?;
        if signed.policy.serial > memory.used {
            memory.used = signed.policy.serial;
            // A disk that is full keeps nobody from an interview; an older policy could come back until it takes something.
            if let Err(error) = self.remember(&memory) {
                tracing::error!(%error, "that this policy was used can't be kept");
            }
        }
        Ok(signed)
    }

    fn remembered(&self) -> Memory {
        match std::fs::read(&self.memory) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::error!(%error, "what the seat remembers is damaged");
                Memory { used: 0, tries: Tries::unknown() }
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Memory::default(),
            Err(error) => {
                tracing::error!(%error, "what the seat remembers can't be read");
                Memory { used: 0, tries: Tries::unknown() }
            }
        }
    }

    /// On the disk before this is over, or the old one.
    fn remember(&self, memory: &Memory) -> std::io::Result<()> {
        let part = self.memory.with_extension("part");
        let file = std::fs::File::create(&part)?;
        serde_json::to_writer(&file, memory)?;
        file.sync_all()?;
        std::fs::rename(&part, &self.memory)
    }

    /// Tries a PIN; `since`: time since the last try, or since the seat began. Takes some tens of milliseconds: not for the loop itself.
    pub(crate) fn try_pin(&self, pin: &Pin, digits: &str, since: Duration) -> Tried {
        let mut memory = self.remembered();
        memory.tries.passes(since);
        let begun = match memory.tries.begin() {
            Ok(begun) => begun,
            Err(pause) => return Tried::NotYet(pause),
        };
        if let Err(error) = self.remember(&memory) {
            tracing::error!(%error, "that a PIN was tried can't be kept");
            return Tried::NotKept;
        }
        let opens = memory.tries.settle(begun, pin, digits);
        if let Err(error) = self.remember(&memory) {
            tracing::error!(%error, "what came of a PIN can't be kept");
        }
        match (opens, memory.tries.pause()) {
            (true, _) => Tried::Opens,
            (false, Some(pause)) => Tried::NotYet(pause),
            (false, None) => Tried::Wrong,
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}
