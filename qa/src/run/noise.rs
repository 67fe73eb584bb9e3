//! What a microphone hears in a room in which nobody speaks.

use std::path::Path;

use fastrand::Rng;

/// Hertz.
const RATE: u32 = 48_000;
/// Loudest sample of the hum: -60 dBFS, a quiet office.
const HUM: f64 = 33.0;
/// Loudest sample of a chair or a cough: -20 dBFS.
const BANG: f64 = 3_300.0;
/// How long one lasts, in seconds.
const BANG_S: f64 = 0.4;
/// Seconds from one to the next: between these.
const PAUSES: (f64, f64) = (8.0, 20.0);

/// Writes so many seconds of it to a file (16 bits, mono), by the seed of the run.
pub(super) fn write(file: &Path, seconds: f64, seed: u64) -> anyhow::Result<()> {
    let mut chance = Rng::with_seed(seed);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(file, spec)?;
    let length = |s: f64| (s * f64::from(RATE)) as u64;
    let mut next = length(PAUSES.0);
    for at in 0..length(seconds) {
        if at > next + length(BANG_S) {
            next = at + length(PAUSES.0 + (PAUSES.1 - PAUSES.0) * chance.f64());
        }
        let loudness = if at >= next { BANG } else { HUM };
        wav.write_sample((loudness * (2.0 * chance.f64() - 1.0)) as i16)?;
    }
    Ok(wav.finalize()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_quiet_with_bangs_that_our_own_detector_takes_for_speech() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("noise.wav");
        write(&file, 30.0, 1).unwrap();
        let samples: Vec<i16> =
            hound::WavReader::open(&file).unwrap().samples().map(Result::unwrap).collect();
        let mut detector = adjourn_audio::SpeechDetector::default();
        let spoke = samples
            .chunks_exact(adjourn_audio::FRAME)
            .filter(|frame| detector.speech(<&[i16; adjourn_audio::FRAME]>::try_from(*frame).unwrap()))
            .count();
        assert!((1..=200).contains(&spoke), "{spoke} of 3000 frames");
    }
}
