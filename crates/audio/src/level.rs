//! How loud it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What silence reads, in dBFS.
pub const SILENCE_DBFS: f32 = -120.0;

/// Root mean square of samples in dB below full scale; -120 for silence.
pub fn dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBFS;
    }
    let sum: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    let rms = (sum / samples.len() as f64).sqrt() / f64::from(i16::MAX);
    if rms <= 0.0 { SILENCE_DBFS } else { ((20.0 * rms.log10()) as f32).max(SILENCE_DBFS) }
}

/// The level of the newest frame, shared between threads.
#[derive(Clone, Debug)]
pub struct Level(Arc<AtomicU32>);

impl Default for Level {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(SILENCE_DBFS.to_bits())))
    }
}

impl Level {
    /// dBFS.
    pub fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn measure(&self, samples: &[i16]) {
        self.0.store(dbfs(samples).to_bits(), Ordering::Relaxed);
    }

    /// Nothing is heard: of a stream that is opened anew beneath (Pulse).
    #[cfg(target_os = "linux")]
    pub(crate) fn reset(&self) {
        self.0.store(SILENCE_DBFS.to_bits(), Ordering::Relaxed);
    }
}

/// Tells speech from noise by level and length alone: enough for "the candidate said something".
#[derive(Clone, Debug, Default)]
pub struct SpeechDetector {
    loud: u32,
}

/// Quiet speech into a laptop microphone; room noise stays below.
const SPEECH_DBFS: f32 = -40.0;
/// Frames of 10 ms: a cough is shorter.
const SPEECH_FRAMES: u32 = 30;

impl SpeechDetector {
    /// Takes one frame; true while speech goes on.
    pub fn speech(&mut self, frame: &[i16]) -> bool {
        self.loud = if dbfs(frame) > SPEECH_DBFS {
            (self.loud + 2).min(SPEECH_FRAMES * 3)
        } else {
            self.loud.saturating_sub(1)
        };
        self.loud >= SPEECH_FRAMES * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_square_is_zero_and_silence_is_the_floor() {
        assert!(dbfs(&[i16::MAX; 480]).abs() < 0.01);
        assert_eq!(dbfs(&[0; 480]), SILENCE_DBFS);
        assert!((dbfs(&[3277; 480]) + 20.0).abs() < 0.01);
    }

    #[test]
    fn a_click_is_not_speech() {
        let mut detector = SpeechDetector::default();
        assert!((0..10).all(|_| !detector.speech(&[8000; 480])));
        assert!((0..100).all(|_| !detector.speech(&[0; 480])));
        assert!((0..40).any(|_| detector.speech(&[8000; 480])));
    }
}
