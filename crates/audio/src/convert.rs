//! From any rate and channel count to 48 kHz mono frames, and back to a device's rate.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::device::AudioError;

/// Changes the rate of a mono stream by sinc interpolation. Keeps no more than one chunk.
pub(crate) struct Rate {
    resampler: Option<Async<f32>>,
    input: Vec<f32>,
    output: Vec<f32>,
}

/// Input frames of one step: 5 ms at 48 kHz.
const CHUNK: usize = 240;

impl Rate {
    /// From `from` Hz to `to` Hz.
    ///
    /// # Errors
    /// The rates are out of range for the resampler.
    pub(crate) fn new(from: u32, to: u32) -> Result<Self, AudioError> {
        if from == to {
            return Ok(Self { resampler: None, input: Vec::new(), output: Vec::new() });
        }
        // Short sinc, linear interpolation: 64 taps keep the delay at 0.7 ms and aliases below -80 dB.
        let parameters = SincInterpolationParameters {
            sinc_len: 64,
            f_cutoff: None,
            interpolation: SincInterpolationType::Linear,
            oversampling_factor: 128,
            window: WindowFunction::BlackmanHarris2,
        };
        let ratio = f64::from(to) / f64::from(from);
        let resampler = Async::new_sinc(ratio, 1.01, &parameters, CHUNK, 1, FixedAsync::Input)
            .map_err(|error| AudioError::System(format!("cannot change {from} Hz to {to} Hz: {error}")))?;
        let output = vec![0.0; resampler.output_frames_max()];
        Ok(Self { resampler: Some(resampler), input: Vec::with_capacity(CHUNK * 4), output })
    }

    /// Takes samples in full scale ±1 and gives converted ones to `out`.
    pub(crate) fn process(&mut self, samples: &[f32], mut out: impl FnMut(&[f32])) {
        let Some(resampler) = &mut self.resampler else { return out(samples) };
        self.input.extend_from_slice(samples);
        while self.input.len() >= CHUNK {
            let capacity = self.output.len();
            let written = {
                let (Ok(input), Ok(mut output)) = (
                    InterleavedSlice::new(&self.input[..CHUNK], 1, CHUNK),
                    InterleavedSlice::new_mut(&mut self.output, 1, capacity),
                ) else {
                    return;
                };
                resampler
                    .process_into_buffer(&input, &mut output, Some(&Indexing::new()))
                    .map(|(_, written)| written)
            };
            self.input.drain(..CHUNK);
            if let Ok(written) = written {
                out(&self.output[..written]);
            }
        }
    }
}

/// Mixes interleaved channels to one.
pub(crate) fn mono(interleaved: &[f32], channels: usize, out: &mut Vec<f32>) {
    out.clear();
    let channels = channels.max(1);
    out.extend(interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32));
}

/// ±1 to 16 bit, clipped.
pub(crate) fn to_i16(sample: f32) -> i16 {
    (sample * f32::from(i16::MAX)).clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frequency of a sine by its zero crossings, and its amplitude.
    fn measure(samples: &[f32], rate: f32) -> (f32, f32) {
        let tail = &samples[samples.len() / 4..];
        let crossings = tail.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        let peak = tail.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        (crossings as f32 * rate / tail.len() as f32, peak)
    }

    #[test]
    fn pitch_and_level_survive_every_rate() {
        for from in [8_000_u32, 16_000, 44_100, 48_000, 96_000] {
            let input: Vec<f32> = (0..from)
                .map(|n| (n as f32 / from as f32 * 440.0 * std::f32::consts::TAU).sin() * 0.5)
                .collect();
            let mut output = Vec::new();
            let mut rate = Rate::new(from, 48_000).unwrap();
            for part in input.chunks(333) {
                rate.process(part, |s| output.extend_from_slice(s));
            }
            let (hertz, peak) = measure(&output, 48_000.0);
            assert!((hertz - 440.0).abs() < 5.0, "{from} Hz: {hertz}");
            assert!((peak - 0.5).abs() < 0.02, "{from} Hz: {peak}");
            assert!(output.len() > 47_000, "{from} Hz: {} samples", output.len());
        }
    }

    #[test]
    fn channels_are_averaged() {
        let mut out = Vec::new();
        mono(&[0.2, 0.4, -0.2, -0.4], 2, &mut out);
        assert!((out[0] - 0.3).abs() < 1e-6 && (out[1] + 0.3).abs() < 1e-6);
    }
}
