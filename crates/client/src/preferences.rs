//! What is remembered on this computer from one start to the next: the devices that were chosen, what is done to the voice, how the window
//! looks.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::appearance;
use crate::lenient::lenient;
use crate::voice_options::VoiceStage;

/// A chosen device, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) id: String,
    /// Its name, for when it is not there to be asked.
    pub(crate) name: String,
}

/// What is remembered. A file that is none of these is nothing remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Preferences {
    /// `None`: the system's default.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub(crate) microphone: Option<Chosen>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient")]
    pub(crate) loudspeaker: Option<Chosen>,
    /// The voice is heard only while a key is held.
    #[serde(skip_serializing_if = "std::ops::Not::not", deserialize_with = "lenient")]
    pub(crate) push_to_talk: bool,
    /// What is not to be done to it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient")]
    pub(crate) without: Vec<VoiceStage>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) appearance: appearance::Chosen,
}

impl Preferences {
    /// Reads them. Who can't read them has none: nothing is worth keeping an interview from beginning.
    fn read(path: &Path) -> Self {
        let read =
            std::fs::read(path).and_then(|text| serde_json::from_slice(&text).map_err(io::Error::other));
        match read {
            Ok(preferences) => preferences,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "what was chosen before is not remembered");
                Self::default()
            }
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        let beside = path.with_extension("new");
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, path)
    }
}

/// Keeps preferences, and writes them down beside the loop: the newest counts. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct PreferencesFile(watch::Sender<Preferences>);

impl PreferencesFile {
    /// Opens the file, if there is to be one.
    pub(crate) fn open(path: Option<PathBuf>) -> Self {
        let sender = watch::Sender::new(path.as_deref().map(Preferences::read).unwrap_or_default());
        if let Some(path) = path {
            let mut changed = sender.subscribe();
            tokio::spawn(async move {
                while changed.changed().await.is_ok() {
                    let (preferences, path) = (changed.borrow_and_update().clone(), path.clone());
                    let shown = path.display().to_string();
                    let written = tokio::task::spawn_blocking(move || preferences.write(&path)).await;
                    if let Err(error) = written.map_err(io::Error::other).and_then(|written| written) {
                        tracing::warn!(path = shown, %error, "what was chosen could not be remembered");
                    }
                }
            });
        }
        Self(sender)
    }

    pub(crate) fn get(&self) -> Preferences {
        self.0.borrow().clone()
    }

    /// What they say of something. It is asked at each turn of the loop: nothing is copied.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Preferences) -> T) -> T {
        read(&self.0.borrow())
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Preferences)) {
        self.0.send_modify(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, Theme};

    #[test]
    fn what_was_chosen_is_read_again_and_nonsense_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preferences.json");
        assert_eq!(Preferences::read(&path), Preferences::default());
        let headset = Chosen { id: "usb".to_owned(), name: "Headset".to_owned() };
        let preferences = Preferences {
            microphone: Some(headset),
            loudspeaker: None,
            push_to_talk: true,
            without: vec![VoiceStage::Gain],
            appearance: appearance::Chosen {
                language: Some(Language::Arabic),
                ..appearance::Chosen::default()
            },
        };
        preferences.write(&path).unwrap();
        assert_eq!(Preferences::read(&path), preferences);
        // Who talks only while a key is held does so, whatever else a later version has written.
        let later = r#"{"microphone": 7, "push_to_talk": true, "without": ["magic"],
            "appearance": {"language": "tlh", "theme": "dark", "text_size": 9}}"#;
        std::fs::write(&path, later).unwrap();
        let read = Preferences::read(&path);
        assert!(read.push_to_talk);
        assert_eq!((read.appearance.theme, read.appearance.language), (Theme::Dark, None));
        for nonsense in ["", "{", "[]", r#"{"microphone": 7}"#, "\u{0}"] {
            std::fs::write(&path, nonsense).unwrap();
            assert_eq!(Preferences::read(&path), Preferences::default(), "{nonsense:?}");
        }
        std::fs::write(&path, r#"{"of_a_later_version": true}"#).unwrap();
        assert_eq!(Preferences::read(&path), Preferences::default());
    }
}
