//! A sound file in place of a microphone, for demonstrations without a sound card.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::channels::Channels;
use crate::convert::{Rate, to_i16};
use crate::device::AudioError;
use crate::{FRAME, SAMPLE_RATE};

/// Reads a WAV file of any rate and channel count as 48 kHz mono.
///
/// # Errors
/// One sentence that says what is wrong with the file.
pub fn load_wav(path: &Path) -> Result<Vec<i16>, AudioError> {
    let bad = |what: String| AudioError::File(format!("{} cannot be used: {what}", path.display()));
    let mut reader = hound::WavReader::open(path).map_err(|e| bad(e.to_string()))?;
    let spec = reader.spec();
    let scale = 1.0 / (1_u64 << (spec.bits_per_sample - 1)) as f32;
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect(),
        hound::SampleFormat::Int => reader.samples::<i32>().map(|s| s.map(|s| s as f32 * scale)).collect(),
    };
    let samples = samples.map_err(|e| bad(e.to_string()))?;
    let count = usize::from(spec.channels).max(1);
    let mut channels = Channels::new(count);
    let single: Vec<f32> =
        samples.chunks_exact(count).map(|frame| channels.mix(frame.iter().copied())).collect();
    let mut out = Vec::new();
    Rate::new(spec.sample_rate, SAMPLE_RATE)?
        .process(&single, |part| out.extend(part.iter().map(|s| to_i16(*s))));
    Ok(out)
}

/// Plays a recording as if it were spoken into a microphone: once each time it is asked to, silence
/// in between.
#[derive(Debug)]
pub struct FileMicrophone {
    stop: Arc<AtomicBool>,
    speak: Arc<AtomicBool>,
}

impl FileMicrophone {
    /// Starts with silence.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(
        samples: Vec<i16>,
        mut on_frame: impl FnMut(&[i16; FRAME]) + Send + 'static,
    ) -> Result<Self, AudioError> {
        let (stop, speak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stopped, asked) = (Arc::clone(&stop), Arc::clone(&speak));
        let run = move || {
            let mut position = samples.len();
            let mut next = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                if asked.swap(false, Ordering::Relaxed) {
                    position = 0;
                }
                let mut frame = [0; FRAME];
                let part = &samples[position..(position + FRAME).min(samples.len())];
                frame[..part.len()].copy_from_slice(part);
                position += part.len();
                on_frame(&frame);
                // Paced by the clock, as a sound card would be.
                next += Duration::from_millis(10);
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        };
        std::thread::Builder::new()
            .name("file-microphone".to_owned())
            .spawn(run)
            .map_err(|e| AudioError::System(e.to_string()))?;
        Ok(Self { stop, speak })
    }

    /// Speaks the recording from its beginning.
    pub fn speak(&self) {
        self.speak.store(true, Ordering::Relaxed);
    }
}

impl Drop for FileMicrophone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
