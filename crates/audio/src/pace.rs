//! From 48 kHz to a device's rate, by a ratio that follows the device's clock.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable as _, Async, FixedAsync, Indexing, Resampler as _};

use crate::SAMPLE_RATE;
use crate::convert::sinc;
use crate::device::AudioError;
use crate::drift::CORRECTION;

/// Samples that are made at once: 2.5 ms at 48 kHz.
const CHUNK: usize = 120;

/// Makes samples at a device's pace out of samples at ours. Allocates nothing once it is made.
pub(crate) struct Pace {
    resampler: Async<f32>,
    base: f64,
    correction: f64,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Of `output`: what was made, and what of it was taken.
    made: usize,
    taken: usize,
}

impl Pace {
    /// For a device of `rate` Hz.
    ///
    /// # Errors
    /// The resampler can't make that rate.
    pub(crate) fn new(rate: u32) -> Result<Self, AudioError> {
        let base = f64::from(rate) / f64::from(SAMPLE_RATE);
        let resampler = Async::new_sinc(base, 1.0 + 2.0 * CORRECTION, &sinc(), CHUNK, 1, FixedAsync::Output)
            .map_err(|error| {
                AudioError::System(format!("cannot change {SAMPLE_RATE} Hz to {rate} Hz: {error}"))
            })?;
        Ok(Self {
            input: vec![0.0; resampler.input_frames_max()],
            output: vec![0.0; resampler.output_frames_max()],
            resampler,
            base,
            correction: 0.0,
            made: 0,
            taken: 0,
        })
    }

    /// Takes this share more than it gives from now on.
    pub(crate) fn correct(&mut self, correction: f64) {
        if (correction - self.correction).abs() < 1e-7 {
            return;
        }
        self.correction = correction;
        // Within its bounds: it can't fail.
        let _ = self.resampler.set_resample_ratio(self.base / (1.0 + correction), true);
    }

    /// Fills `out`; `take` fills what it is given with the next samples at 48 kHz.
    pub(crate) fn fill(&mut self, out: &mut [f32], mut take: impl FnMut(&mut [f32])) {
        let mut filled = 0;
        while filled < out.len() {
            if self.taken == self.made {
                self.make(&mut take);
            }
            let part = (out.len() - filled).min(self.made - self.taken);
            out[filled..filled + part].copy_from_slice(&self.output[self.taken..self.taken + part]);
            (filled, self.taken) = (filled + part, self.taken + part);
        }
    }

    fn make(&mut self, take: &mut impl FnMut(&mut [f32])) {
        let wanted = self.resampler.input_frames_next().min(self.input.len());
        take(&mut self.input[..wanted]);
        let capacity = self.output.len();
        let written = match (
            InterleavedSlice::new(&self.input[..wanted], 1, wanted),
            InterleavedSlice::new_mut(&mut self.output, 1, capacity),
        ) {
            (Ok(input), Ok(mut output)) => self
                .resampler
                .process_into_buffer(&input, &mut output, Some(&Indexing::new()))
                .map_or(0, |(_, written)| written),
            (Err(_), _) | (_, Err(_)) => 0,
        };
        self.taken = 0;
        self.made = written;
        if written == 0 {
            // The sizes are its own; were they not, silence would still be better than standing still.
            self.output[..CHUNK].fill(0.0);
            self.made = CHUNK;
        }
    }
}
