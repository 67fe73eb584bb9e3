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
        let module = AudioProcessingModule::new(echo, gain, high_pass, noise);
        let mut processing = Self { module, refused: false };
        if echo {
            processing.warm_up();
        }
        processing
    }

    /// The canceller fills what it takes away with noise as loud as the room's, which it believes to be loud until it has heard it:
    /// from the first sound of the loudspeaker on, a silent microphone gives 0.3 s of noise, 1.7 % of full scale with the gain, which an
    /// interviewer's detector now and then takes for a word. So it hears some silence before anybody else does. Takes 5 ms.
    fn warm_up(&mut self) {
        let mut next: u32 = 1;
        for _ in 0..WARM {
            // Something must be played for it to listen: noise at 3 % of full scale (Numerical Recipes' generator).
            let mut played = [0_i16; FRAME];
            for sample in &mut played {
                next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = (next >> 16) as i16 / 32;
            }
            self.played(&mut played);
            self.captured(&mut [0; FRAME]);
        }
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
/// Samples in 10 ms.
const FRAME: usize = SAMPLE_RATE as usize / 100;
/// Frames that a canceller hears first: with 30 nothing is left of the noise (measured), 50 are on the safe side.
const WARM: usize = 50;
