//! Where sound comes from and goes to, as a client is started.

use adjourn_audio::DeviceChoice;

/// Where the candidate's voice comes from.
#[derive(Clone, Debug)]
pub enum AudioInput {
    /// A microphone.
    Device(DeviceChoice),
    /// A recording (48 kHz mono), spoken each time the interviewer listens.
    Recording(Vec<i16>),
}

/// Where the interviewer's voice goes.
#[derive(Clone, Debug)]
pub enum AudioOutput {
    /// A loudspeaker.
    Device(DeviceChoice),
    /// Nowhere; levels are measured all the same.
    None,
}
