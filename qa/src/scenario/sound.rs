//! What happens to the candidate's microphones and loudspeakers.

use adjourn_testbed::Profile;
use serde::Deserialize;

/// A microphone and a loudspeaker that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Card {
    /// Those that are always there.
    BuiltIn,
    /// Those that come and go.
    Headset,
}

/// What happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Sound {
    /// The headset is plugged in.
    Plug,
    /// A headset is plugged in whose microphone does this.
    PlugAs(Profile),
    /// The headset's microphone does something else from now on, as a Bluetooth headset's does in a call.
    Profile(Profile),
    /// It is pulled.
    Unplug,
    /// The system's default microphone and loudspeaker are these.
    Default(Card),
    /// The built-in microphone is muted in the system's settings, or not any more.
    Mute(bool),
    /// The built-in loudspeaker is.
    MuteLoudspeaker(bool),
    /// The built-in microphone gives zeros and nothing else, or a room again.
    Flat(bool),
    /// The loudspeaker is heard at the microphone: so many dB of it, so many milliseconds later.
    Echo {
        /// Gain.
        db: f64,
        /// Delay.
        ms: u32,
    },
}

/// What the client has open, by the sound server's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Open {
    /// It records here.
    pub microphone: Option<Card>,
    /// It plays here.
    pub loudspeaker: Option<Card>,
}
