//! Which devices there are, and which one is wanted.

use serde::{Deserialize, Serialize};

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// In: the candidate's voice.
    Microphone,
    /// Out: the interviewer's voice.
    Loudspeaker,
}

/// A microphone or loudspeaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Stable name for choosing it again.
    pub id: String,
    /// Name to show.
    pub name: String,
    /// Whether the system uses it by default.
    pub default: bool,
    /// Whether it is muted, or turned down to nothing, in the system's settings.
    #[serde(default)]
    pub muted: bool,
    /// Whether the system says that only one person hears it: no microphone hears it.
    #[serde(default)]
    pub headphones: bool,
}

/// Every usable device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// Microphones.
    pub inputs: Vec<Device>,
    /// Loudspeakers.
    pub outputs: Vec<Device>,
}

/// Whether two ids are of one device. A Bluetooth headset has an id for each profile that it is used in
/// (`bluez_sink.ADDRESS.a2dp_sink`), and changes it when a call begins.
pub fn is_same_device(one: &str, other: &str) -> bool {
    fn without_profile(id: &str) -> &str {
        match id.strip_prefix("bluez_").and_then(|rest| rest.match_indices('.').nth(1)) {
            Some((at, _)) => &id[.."bluez_".len() + at],
            None => id,
        }
    }
    without_profile(one) == without_profile(other)
}

/// What the candidate chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// Whatever the system uses.
    #[default]
    SystemDefault,
    /// One device, by its id.
    Named(String),
}

impl Devices {
    /// Those of one kind.
    pub fn of(&self, kind: DeviceKind) -> &[Device] {
        match kind {
            DeviceKind::Microphone => &self.inputs,
            DeviceKind::Loudspeaker => &self.outputs,
        }
    }
}

impl DeviceChoice {
    /// `None` and the empty id mean the system's default.
    pub fn from_id(id: Option<String>) -> Self {
        id.filter(|id| !id.is_empty()).map_or(Self::SystemDefault, Self::Named)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::SystemDefault => None,
            Self::Named(id) => Some(id),
        }
    }

    /// Whether it can be met by what there is; `none` if there is nothing at all.
    pub(crate) fn check(&self, found: &[Device], none: AudioError) -> Result<(), AudioError> {
        if found.is_empty() {
            return Err(none);
        }
        match self.name() {
            Some(id) if !found.iter().any(|device| device.id == id) => {
                Err(AudioError::Missing(id.to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Equal names get a number, in the order of the devices' ids, so that a person can tell them apart.
pub(crate) fn tell_apart(devices: &mut [Device]) {
    let mut order: Vec<usize> = (0..devices.len()).collect();
    order.sort_by(|a, b| devices[*a].id.cmp(&devices[*b].id));
    let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
    for (n, at) in order.iter().enumerate() {
        let before = order[..n].iter().filter(|other| names[**other] == names[*at]).count();
        if before > 0 {
            devices[*at].name = format!("{} ({})", names[*at], before + 1);
        }
    }
}

/// Sound that can't be had. Each message says what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// No microphone at all.
    #[error("no microphone was found; connect one, then choose it in the list")]
    NoMicrophone,
    /// No loudspeaker at all.
    #[error("no loudspeaker or headphones were found; connect some, then choose them in the list")]
    NoSpeaker,
    /// The chosen device is not there.
    #[error("the device \"{0}\" is not connected; connect it or choose another one")]
    Missing(String),
    /// The system's sound service does not work.
    #[error("the computer's sound system does not answer ({0}); restart the computer or ask for help")]
    System(String),
    /// The system's sound service does not answer, or ends at once.
    #[error("the computer's sound system does not answer; restart the computer or ask for help")]
    Hangs,
    /// The system keeps us from it.
    #[error("the computer does not let Adjourn use the device; allow it in its privacy settings")]
    Denied,
    /// The device can't be used by us.
    #[error("the device can't be used ({0}); choose another one")]
    Unusable(String),
    /// A sound file can't be used.
    #[error("the sound file {0}")]
    File(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_of_one_headset_are_one_device() {
        assert!(is_same_device("bluez_sink.AA_BB.a2dp_sink", "bluez_sink.AA_BB.handsfree_head_unit"));
        assert!(is_same_device("bluez_output.AA_BB.1", "bluez_output.AA_BB.2"));
        assert!(!is_same_device("bluez_sink.AA_BB.a2dp_sink", "bluez_sink.CC_DD.a2dp_sink"));
        assert!(!is_same_device("bluez_sink.AA_BB.a2dp_sink", "bluez_source.AA_BB.a2dp_sink"));
        assert!(!is_same_device("alsa_output.usb-1.analog", "alsa_output.usb-1.iec958"));
        assert!(is_same_device("same", "same"));
    }

    #[test]
    fn equal_names_are_told_apart_the_same_way_each_time() {
        let device = |id: &str, name: &str| Device { id: id.into(), name: name.into(), ..Device::default() };
        let mut devices = [device("usb-2", "Headset"), device("pci", "Built-in"), device("usb-1", "Headset")];
        tell_apart(&mut devices);
        assert_eq!(devices.map(|device| device.name), ["Headset (2)", "Built-in", "Headset"]);
    }
}
