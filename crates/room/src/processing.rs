//! WebRTC's processing of the candidate's voice: echo cancellation, noise suppression, gain and a high-pass filter.

use std::fmt;

use crate::live::SAMPLE_RATE;
use crate::sdk::webrtc::native::apm::AudioProcessingModule;

/// What is done to a voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// What the loudspeaker plays is taken out of what the microphone hears.
    pub echo: bool,
    /// Steady noise is turned down.
    pub noise: bool,
    /// A quiet voice is turned up.
    pub gain: bool,
    /// Rumble is taken away.
    pub high_pass: bool,
}

impl Stages {
    /// Whether anything is done at all.
    pub fn any(self) -> bool {
        self.echo || self.noise || self.gain || self.high_pass
    }
}

/// One voice's processing, of frames of 10 ms (48 kHz, mono). 66 µs each; adds 7 to 15 ms of delay, by its stages.
pub struct Processing {
    module: AudioProcessingModule,
    refused: bool,
}

impl fmt::Debug for Processing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Processing")
    }
}

impl Processing {
    /// With these stages.
    pub fn new(stages: Stages) -> Self {
        let Stages { echo, noise, gain, high_pass } = stages;
        Self { module: AudioProcessingModule::new(echo, gain, high_pass, noise), refused: false }
    }

    /// What the loudspeaker plays; before what the microphone hears of it. Its delay is found by itself.
    pub fn played(&mut self, frame: &mut [i16]) {
        let done = self.module.process_reverse_stream(frame, RATE, 1);
        self.check(done);
    }

    /// What the microphone heard, in place. Left as it is where it can't be processed.
    pub fn captured(&mut self, frame: &mut [i16]) {
        let done = self.module.process_stream(frame, RATE, 1);
        self.check(done);
    }

    fn check<E: fmt::Display>(&mut self, done: Result<(), E>) {
        if let Err(error) = done
            && !std::mem::replace(&mut self.refused, true)
        {
            tracing::warn!(%error, "the candidate's voice is not processed");
        }
    }
}

const RATE: i32 = SAMPLE_RATE as i32;
