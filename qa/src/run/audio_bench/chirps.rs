//! Chirps that are said into a microphone, and how late each comes out of a loudspeaker.

use std::path::Path;

use fastrand::Rng;

/// Hertz.
pub(super) const RATE: usize = 48_000;
/// Samples of a chirp: 50 ms. Longer than a packet, so that a lost one costs no chirp; shorter than a syllable.
const CHIRP: usize = RATE / 20;
/// Hertz at its beginning and end: where every voice codec listens.
const SWEEP: (f64, f64) = (1_000.0, 8_000.0);
/// Its samples at most.
const LOUD: f64 = 8_000.0;
/// Samples between two chirps, at least and at most: not in step with a codec's packets, and further apart than any way back
/// that can be borne.
const PAUSE: (usize, usize) = (RATE * 3 / 2, RATE * 2);
/// Silence before the first one.
const BEFORE: usize = RATE;
/// A chirp may begin so many samples beside where it was planned: what played it began when it liked.
const BESIDE: usize = RATE / 10;
/// What is less alike than this is no chirp (1: the same).
const ALIKE: f64 = 0.25;
/// What is at least so alike is one that was just said: nothing changed it on its way.
const SAME: f64 = 0.8;
/// Quieter than this, in the mean square of 16-bit samples, is silence, which is alike to anything.
const SILENCE: f64 = 100.0;

/// One chirp.
fn chirp() -> Vec<f32> {
    let (from, to) = SWEEP;
    let (length, ratio) = (CHIRP as f64 / RATE as f64, (to / from).ln());
    (0..CHIRP)
        .map(|n| {
            let share = n as f64 / CHIRP as f64;
            let phase = std::f64::consts::TAU * from * length / ratio * ((ratio * share).exp() - 1.0);
            let fade = (std::f64::consts::PI * share).sin().powi(2);
            (phase.sin() * fade * LOUD) as f32
        })
        .collect()
}

/// When chirps are said, in samples.
pub(super) fn plan(count: usize, seed: u64) -> Vec<usize> {
    let mut random = Rng::with_seed(seed);
    let mut at = BEFORE;
    (0..count)
        .map(|_| {
            let now = at;
            at += random.usize(PAUSE.0..PAUSE.1);
            now
        })
        .collect()
}

/// Writes them as a recording; gives its length in seconds.
///
/// # Errors
/// The file can't be written.
pub(super) fn write(plan: &[usize], path: &Path) -> anyhow::Result<f64> {
    let length = plan.last().copied().unwrap_or_default() + PAUSE.1;
    let mut samples = vec![0_i16; length];
    for at in plan {
        for (sample, chirp) in samples[*at..].iter_mut().zip(chirp()) {
            *sample = chirp as i16;
        }
    }
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec)?;
    samples.into_iter().try_for_each(|sample| file.write_sample(sample))?;
    file.finalize()?;
    Ok(length as f64 / RATE as f64)
}

/// A recording, with its energy up to each sample.
struct Recorded<'a> {
    samples: &'a [f32],
    energy: Vec<f64>,
}

impl<'a> Recorded<'a> {
    fn new(samples: &'a [f32]) -> Self {
        let mut sum = 0.0;
        let squares = samples.iter().map(|sample| {
            sum += f64::from(*sample) * f64::from(*sample);
            sum
        });
        Self { samples, energy: std::iter::once(0.0).chain(squares).collect() }
    }

    /// How alike it is from `at` on to a chirp (1: the same); nothing of silence.
    fn alike(&self, at: usize, chirp: &Self) -> Option<f64> {
        let length = chirp.samples.len();
        let window = self.samples.get(at..at + length)?;
        let (there, own) = (self.energy[at + length] - self.energy[at], chirp.energy[length]);
        if there < SILENCE * length as f64 {
            return None;
        }
        let dot: f32 = window.iter().zip(chirp.samples).map(|(a, b)| a * b).sum();
        Some(f64::from(dot) / (own * there).sqrt())
    }

    /// Where in `range` a chirp begins, if one does: where it is most alike.
    fn find(&self, range: std::ops::Range<usize>, chirp: &Self) -> Option<usize> {
        range
            .filter_map(|at| Some((self.alike(at, chirp)?, at)))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(alike, _)| *alike >= ALIKE)
            .map(|(_, at)| at)
    }

    /// Where the first one begins, of those that nothing changed.
    fn find_first(&self, most: usize, chirp: &Self) -> Option<usize> {
        let near = (0..most).find(|at| self.alike(*at, chirp).is_some_and(|alike| alike >= SAME))?;
        self.find(near..near + chirp.samples.len() / 4, chirp)
    }
}

/// One chirp, as it was said and heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chirp {
    /// Seconds into the recording at which it was said.
    pub(super) said_s: f64,
    /// Milliseconds until it was heard; nothing, if it was not.
    pub(super) late_ms: Option<f64>,
}

/// How late each planned chirp of what was `said` was `heard`. Both are recorded together, sample by sample.
///
/// # Errors
/// The chirps were not said.
pub(super) fn lateness(plan: &[usize], said: &[f32], heard: &[f32]) -> anyhow::Result<Vec<Chirp>> {
    let chirp = chirp();
    let (chirp, said, heard) = (Recorded::new(&chirp), Recorded::new(said), Recorded::new(heard));
    let first = *plan.first().ok_or_else(|| anyhow::anyhow!("no chirp was planned"))?;
    // Whatever plays them begins some time after the recording.
    let begun = said
        .find_first(first + RATE * 10, &chirp)
        .ok_or_else(|| anyhow::anyhow!("no chirp was said into the microphone"))?;
    let mut chirps = Vec::with_capacity(plan.len());
    // What plays them may pause: each is looked for where the one before it was.
    let (mut planned, mut was) = (first, begun);
    for at in plan {
        let expected = was + (at - planned);
        let around = expected.saturating_sub(BESIDE)..expected + BESIDE;
        let said_at = said
            .find(around, &chirp)
            .ok_or_else(|| anyhow::anyhow!("only {} of {} chirps were said", chirps.len(), plan.len()))?;
        (planned, was) = (*at, said_at);
        let heard_at = heard.find(said_at..said_at + PAUSE.0, &chirp);
        chirps.push(Chirp {
            said_s: said_at as f64 / RATE as f64,
            late_ms: heard_at.map(|at| (at - said_at) as f64 * 1_000.0 / RATE as f64),
        });
    }
    Ok(chirps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_found_to_the_sample_and_what_is_lost_is_not_found() {
        let plan = plan(4, 1);
        let length = plan[3] + RATE * 2;
        let (mut said, mut heard) = (vec![0.0_f32; length], vec![0.0_f32; length]);
        let mut random = Rng::with_seed(2);
        heard.iter_mut().for_each(|sample| *sample = (random.f32() - 0.5) * 20.0);
        let begins = 1_234;
        for (n, at) in plan.iter().enumerate() {
            for (m, sample) in chirp().into_iter().enumerate() {
                said[begins + at + m] = sample;
                // The third is lost; each of the others later than the one before, and softer.
                if n != 2 {
                    heard[begins + at + 4_800 + n * 480 + m] += sample * 0.3;
                }
            }
        }
        let found = lateness(&plan, &said, &heard).unwrap();
        let late: Vec<_> = found.iter().map(|chirp| chirp.late_ms).collect();
        assert_eq!(late, [Some(100.0), Some(110.0), None, Some(130.0)]);
        assert!(lateness(&plan, &heard[..100], &heard).is_err(), "nothing was said");
    }
}
