//! What a seat has on disk: its settings, the policy, and what it remembers from one candidate to the next (nothing of theirs).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adjourn_kiosk::{Escapes, Pin, PolicyKeys, SeatSettings, SignedPolicy, Tries};
use adjourn_outbox::Seal;
use adjourn_protocol::Secret;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use url::Url;

/// A seat's files.
#[derive(Clone, Debug)]
pub(crate) struct SeatFiles {
    settings: PathBuf,
    memory: PathBuf,
    /// Read and written by one at a time; and what the disk does not take, as long as this program runs.
    unkept: Arc<Mutex<Option<Tries>>>,
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
    /// The organiser's server: of the policy, and if that is over, all the same.
    pub(crate) server: Option<Url>,
    /// Bytes that the seat's disk takes, where that is known.
    pub(crate) room: Option<u64>,
    /// What it tells its center with, if it is to; or why that can't be read.
    pub(crate) key: Result<Option<Secret>, String>,
}

/// What came of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    Opens,
    Wrong,
    /// Nothing is tried for so long.
    NotYet(Duration),
}

impl SeatFiles {
    pub(crate) fn new(settings: PathBuf, memory: PathBuf) -> Self {
        Self { settings, memory, unkept: Arc::default() }
    }

    /// Looks at everything anew. Reads files: not for the loop itself.
    pub(crate) fn look(&self, now: DateTime<Utc>) -> Looked {
        let mut looked = Looked {
            settings: None,
            policy: Err(String::new()),
            escapes: Escapes::default(),
            server: None,
            room: self.memory.parent().and_then(room),
            key: Ok(None),
        };
        looked.policy = self.policy(now, &mut looked);
        let file = looked.settings.as_ref().and_then(|settings| settings.key.as_ref());
        looked.key = file.map(|file| read(file).map(|key| Secret::new(key.trim()))).transpose();
        looked
    }

    fn policy(&self, now: DateTime<Utc>, looked: &mut Looked) -> Result<SignedPolicy, String> {
        let settings = SeatSettings::from_toml(&read(&self.settings)?).map_err(|error| error.to_string())?;
        let settings = looked.settings.insert(settings).clone();
        let keys = PolicyKeys::parse(&read(&settings.keys)?).map_err(|error| error.to_string())?;
        let text = read(&settings.policy)?;
        let _one = self.unkept.lock();
        let mut memory = self.remembered();
        // A policy that is over still says who may let the seat go. Another center's says nothing here, nor one that is older than what was
        // used: the PIN that everybody knew by then would open.
        if let Ok(SignedPolicy { policy, .. }) = SignedPolicy::read(&text, &keys)
            && policy.center == settings.center
            && policy.is_for(&settings.seat)
            && policy.serial >= memory.used
        {
            (looked.escapes, looked.server) = (policy.escapes, Some(policy.backend));
        }
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

    /// On the disk before this is over, with its name, or the old one.
    fn remember(&self, memory: &Memory) -> std::io::Result<()> {
        let part = self.memory.with_extension("part");
        let file = std::fs::File::create(&part)?;
        serde_json::to_writer(&file, memory)?;
        file.sync_all()?;
        std::fs::rename(&part, &self.memory)?;
        match self.memory.parent() {
            Some(folder) if cfg!(unix) => std::fs::File::open(folder)?.sync_all(),
            Some(_) | None => Ok(()),
        }
    }

    /// Tries a PIN; `since`: time since the last try, or since the seat began. Takes some tens of milliseconds: not for the loop itself.
    /// Where the disk takes nothing, what was tried is kept while this program runs: a dead disk locks nobody in.
    pub(crate) fn try_pin(&self, pin: &Pin, digits: &str, since: Duration) -> Tried {
        let mut unkept = self.unkept.lock();
        let mut memory = self.remembered();
        if let Some(tries) = *unkept {
            memory.tries = tries;
        }
        memory.tries.passes(since);
        let begun = memory.tries.begin();
        self.keep(&mut unkept, &memory);
        let begun = match begun {
            Ok(begun) => begun,
            Err(pause) => return Tried::NotYet(pause),
        };
        let opens = memory.tries.settle(begun, pin, digits);
        self.keep(&mut unkept, &memory);
        match (opens, memory.tries.pause()) {
            (true, _) => Tried::Opens,
            (false, Some(pause)) => Tried::NotYet(pause),
            (false, None) => Tried::Wrong,
        }
    }

    fn keep(&self, unkept: &mut Option<Tries>, memory: &Memory) {
        *unkept = self.remember(memory).err().map(|error| {
            tracing::error!(%error, "what was tried of PINs can't be kept");
            memory.tries
        });
    }
}

/// Bytes that the disk of a folder takes from who is no administrator.
#[cfg(unix)]
fn room(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<u64> {
    None
}

/// What a seat's journal is sealed with, as its settings say.
///
/// # Errors
/// Settings or key can't be read, or are none: then nothing may be written down, since it may have to be sealed.
pub(crate) fn journal_seal(settings: &Path) -> Result<Seal, String> {
    let settings = SeatSettings::from_toml(&read(settings)?).map_err(|error| error.to_string())?;
    let key = settings.journal_key.as_deref().map(|file| read(file).map(Secret::new)).transpose()?;
    key.map_or(Ok(Seal::default()), |key| Seal::of(&key))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} can't be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_can_not_be_read_leaves_nothing_to_be_written_in_the_open() {
        let folder = tempfile::tempdir().unwrap();
        let (settings, key) = (folder.path().join("seat.toml"), folder.path().join("key"));
        let seal = |text: &str| {
            std::fs::write(&settings, text).unwrap();
            journal_seal(&settings)
        };
        let plain = "center = \"c\"\nseat = \"s\"\n";
        assert_eq!(format!("{:?}", seal(plain).unwrap()), "Seal(none)");
        let sealed = format!("{plain}journal_key = {key:?}\n");
        assert!(seal(&sealed).unwrap_err().contains("key can't be read"));
        std::fs::write(&key, "short").unwrap();
        assert!(seal(&sealed).unwrap_err().contains("64 hexadecimal digits"));
        std::fs::write(&key, "ab".repeat(32)).unwrap();
        assert_eq!(format!("{:?}", seal(&sealed).unwrap()), "Seal(***)");
        assert!(seal("center = \"c\"\n").is_err());
        assert!(seal(&format!("{plain}journal_key = \"key\"\n")).unwrap_err().contains("whole path"));
    }
}
