//! Keeps a mix of voices below full scale without cutting its peaks off.

/// What comes out at most: full scale of 16 bits.
const CEILING: f32 = 32_767.0 / 32_768.0;
/// The gain comes back by this share for each sample: some 200 ms at 48 kHz, slow enough to leave a voice's waves round.
const RELEASE: f32 = 1.0 / 9_600.0;

/// A peak limiter without delay: a sample above the ceiling turns the gain down at once, and it comes back slowly. One voice
/// alone never reaches it.
#[derive(Debug)]
pub(crate) struct Limiter {
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl Limiter {
    /// Limits samples in place, full scale ±1. What is no number is silence.
    pub(crate) fn limit(&mut self, samples: &mut [f32]) {
        for sample in samples {
            if !sample.is_finite() {
                *sample = 0.0;
            }
            let peak = sample.abs() * self.gain;
            if peak > CEILING {
                self.gain *= CEILING / peak;
            }
            *sample *= self.gain;
            self.gain += (1.0 - self.gain) * RELEASE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(amplitude: f32) -> Vec<f32> {
        (0..4_800).map(|n| amplitude * (n as f32 / 48_000.0 * 440.0 * std::f32::consts::TAU).sin()).collect()
    }

    #[test]
    fn two_loud_voices_stay_below_full_scale_and_one_is_left_alone() {
        let mut loud = sine(1.9);
        Limiter::default().limit(&mut loud);
        assert!(loud.iter().all(|s| s.abs() <= 1.0));
        // Its peaks are round, not cut: no two neighbours stand at the ceiling.
        let flat = loud[480..].windows(3).filter(|w| w.iter().all(|s| s.abs() > 0.9999)).count();
        assert!(flat < 60, "{flat}");
        let mut alone = sine(0.99);
        Limiter::default().limit(&mut alone);
        assert_eq!(alone, sine(0.99));
    }

    #[test]
    fn what_is_no_number_is_silence_and_spoils_nothing_after_it() {
        let mut samples = [f32::NAN, f32::INFINITY, 0.5, 1_000.0, 0.5];
        let mut limiter = Limiter::default();
        limiter.limit(&mut samples);
        assert_eq!(samples[..3], [0.0, 0.0, 0.5]);
        assert!(samples[3] <= 1.0);
        let mut later = [0.5; 48_000];
        limiter.limit(&mut later);
        assert!((later[47_999] - 0.5).abs() < 0.01);
    }
}
