//! From any rate and channel count to 48 kHz mono frames, and back to a device's rate.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::device::AudioError;

/// How samples are interpolated: 128 taps delay by 1.3 ms at 48 kHz and keep aliases below -100 dB, cubic interpolation between 512
/// points keeps what it adds below -120 dB (`tests::resampling_is_clean`).
pub(crate) fn sinc() -> SincInterpolationParameters {
    SincInterpolationParameters {
        sinc_len: 128,
        f_cutoff: None,
        interpolation: SincInterpolationType::Cubic,
        oversampling_factor: 512,
        window: WindowFunction::BlackmanHarris2,
    }
}

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
        let ratio = f64::from(to) / f64::from(from);
        let resampler = Async::new_sinc(ratio, 1.01, &sinc(), CHUNK, 1, FixedAsync::Input)
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

/// ±1 to 16 bit, clipped.
pub(crate) fn to_i16(sample: f32) -> i16 {
    // `as` clips, and what is no number becomes 0.
    (sample * 32_768.0).round() as i16
}

/// 16 bit to ±1.
pub(crate) fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
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

    /// Samples of a sine of amplitude 0.5 at `from` Hz, made to `to` Hz; without the beginning.
    fn converted(from: u32, to: u32, hertz: f64) -> Vec<f64> {
        let input: Vec<f32> = (0..from * 2)
            .map(|n| (0.5 * (f64::from(n) / f64::from(from) * hertz * std::f64::consts::TAU).sin()) as f32)
            .collect();
        let mut output = Vec::new();
        Rate::new(from, to).unwrap().process(&input, |s| output.extend(s.iter().map(|s| f64::from(*s))));
        output.split_off(to as usize / 2)
    }

    /// Power of what a sine of `hertz` explains of `samples`, and of the rest (least squares).
    fn explained(samples: &[f64], rate: f64, hertz: f64) -> (f64, f64) {
        let (mut ss, mut sc, mut cc, mut ys, mut yc) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let wave = |n: usize| (n as f64 / rate * hertz * std::f64::consts::TAU).sin_cos();
        for (n, y) in samples.iter().enumerate() {
            let (s, c) = wave(n);
            (ss, sc, cc, ys, yc) = (ss + s * s, sc + s * c, cc + c * c, ys + y * s, yc + y * c);
        }
        let det = ss * cc - sc * sc;
        let (a, b) = ((ys * cc - yc * sc) / det, (yc * ss - ys * sc) / det);
        let (mut signal, mut rest) = (0.0, 0.0);
        for (n, y) in samples.iter().enumerate() {
            let (s, c) = wave(n);
            let fit = a * s + b * c;
            (signal, rest) = (signal + fit * fit, rest + (y - fit) * (y - fit));
        }
        let len = samples.len() as f64;
        (signal / len, rest / len)
    }

    #[test]
    fn resampling_is_clean() {
        let db = |ratio: f64| 10.0 * ratio.log10();
        for (from, to) in [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000)] {
            let samples = converted(from, to, 1_000.0);
            let (signal, rest) = explained(&samples, f64::from(to), 1_000.0);
            assert!(
                db(rest / signal) <= -120.0,
                "{from} to {to}: distortion and noise {} dB",
                db(rest / signal)
            );
            let samples = converted(from, to, 15_000.0);
            let (signal, _) = explained(&samples, f64::from(to), 15_000.0);
            assert!(db(signal / 0.125).abs() <= 0.1, "{from} to {to}: {} dB at 15 kHz", db(signal / 0.125));
        }
        // What is above half of the new rate must not come back as something else.
        let samples = converted(96_000, 48_000, 30_000.0);
        let power = samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64;
        assert!(db(power / 0.125) <= -100.0, "{} dB of an alias", db(power / 0.125));
    }
}
