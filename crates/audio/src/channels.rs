//! One channel out of many: the ones that carry the voice.
//!
//! An interface with eight inputs has a microphone at one of them: averaged, its voice is 18 dB quieter.

/// Channels that are looked at; more are left out.
pub(crate) const MOST: usize = 32;
/// How often it is decided anew, in samples: 10 ms.
const DECIDE: u32 = 480;
/// What was loud counts for some seconds: this much of it is left after 10 ms.
const KEEPS: f32 = 0.997;
/// A channel that carries this share of the loudest one's energy belongs to it: -9 dB. A second microphone of a laptop does.
const BELONGS: f32 = 0.126;
/// Below this mean square (-70 dBFS) nobody speaks, and nothing is decided.
const NOTHING: f32 = 1e-7;
/// Where channels come to less than this share of the loudest one's energy together, they cancel each other out: one of them is
/// wired the other way round. (Independent ones of up to 32 come to a 32nd part.)
const CANCELS: f32 = 0.03;
/// So many times in a row, and it is no chance: 100 ms of a voice.
const CERTAIN: u32 = 10;
/// A change is faded in over this many samples: 10 ms.
const FADE: f32 = 480.0;

/// Mixes interleaved channels to one.
#[derive(Debug)]
pub(crate) struct Channels {
    count: usize,
    loud: [f32; MOST],
    now: [f32; MOST],
    weights: [f32; MOST],
    targets: [f32; MOST],
    seen: u32,
    /// Energy of what came of them.
    mixed: f32,
    cancelled: u32,
    /// The only one that is used, once they cancelled each other out.
    alone: Option<usize>,
}

impl Channels {
    pub(crate) fn new(count: usize) -> Self {
        let count = count.clamp(1, MOST);
        let mut weights = [0.0; MOST];
        weights[..count].fill(1.0 / count as f32);
        Self {
            count,
            loud: [0.0; MOST],
            now: [0.0; MOST],
            weights,
            targets: weights,
            seen: 0,
            mixed: 0.0,
            cancelled: 0,
            alone: None,
        }
    }

    /// One sample of each channel to one sample. What is no number is silence.
    pub(crate) fn mix(&mut self, frame: impl Iterator<Item = f32>) -> f32 {
        let mut mixed = 0.0;
        for (n, sample) in frame.take(self.count).enumerate() {
            let sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            self.now[n] += sample * sample;
            self.weights[n] += (self.targets[n] - self.weights[n]) / FADE;
            mixed += sample * self.weights[n];
        }
        self.mixed += mixed * mixed;
        self.seen += 1;
        if self.seen == DECIDE {
            self.decide();
        }
        mixed
    }

    fn decide(&mut self) {
        self.seen = 0;
        let mixed = std::mem::take(&mut self.mixed);
        let loudest_now = self.now[..self.count].iter().copied().fold(0.0, f32::max);
        let speaks = self.now[..self.count].iter().any(|energy| *energy > NOTHING * DECIDE as f32);
        for n in 0..self.count {
            let now = std::mem::take(&mut self.now[n]);
            if speaks {
                self.loud[n] = self.loud[n] * KEEPS + now;
            }
        }
        if !speaks {
            return;
        }
        self.cancelled = if mixed < loudest_now * CANCELS { self.cancelled + 1 } else { 0 };
        let loudest = self.loud[..self.count].iter().copied().fold(0.0, f32::max);
        let belongs = |energy: &f32| *energy >= loudest * BELONGS;
        if self.cancelled >= CERTAIN || self.alone.is_some_and(|alone| !belongs(&self.loud[alone])) {
            let by_energy = |a: &usize, b: &usize| self.loud[*a].total_cmp(&self.loud[*b]);
            self.alone = (0..self.count).max_by(by_energy);
            self.cancelled = 0;
        }
        if let Some(alone) = self.alone {
            self.targets = [0.0; MOST];
            self.targets[alone] = 1.0;
            return;
        }
        let many = self.loud[..self.count].iter().filter(|energy| belongs(energy)).count().max(1);
        for n in 0..self.count {
            self.targets[n] = if belongs(&self.loud[n]) { 1.0 / many as f32 } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Amplitude of what comes of a second of a tone of amplitude 0.4 in the channels `speaking` of `count`.
    fn amplitude(count: usize, speaking: &[usize]) -> f32 {
        let mut channels = Channels::new(count);
        let mut peak = 0.0_f32;
        for n in 0..48_000 {
            let tone = 0.4 * (n as f32 / 48_000.0 * 300.0 * std::f32::consts::TAU).sin();
            let frame = (0..count).map(|c| if speaking.contains(&c) { tone } else { 0.001 });
            let mixed = channels.mix(frame);
            if n > 24_000 {
                peak = peak.max(mixed.abs());
            }
        }
        peak
    }

    #[test]
    fn a_voice_in_one_of_eight_channels_is_as_loud_as_it_is() {
        for (count, speaking) in [(1, vec![0]), (2, vec![0, 1]), (2, vec![1]), (8, vec![3]), (32, vec![31])] {
            let peak = amplitude(count, &speaking);
            assert!((peak - 0.4).abs() < 0.01, "{count} channels, voice in {speaking:?}: {peak}");
        }
    }

    #[test]
    fn a_channel_that_is_wired_the_other_way_round_silences_nobody() {
        let mut channels = Channels::new(2);
        let mut peak = 0.0_f32;
        for n in 0..48_000 {
            let tone = 0.4 * (n as f32 / 48_000.0 * 300.0 * std::f32::consts::TAU).sin();
            let mixed = channels.mix([tone, -tone].into_iter());
            if n > 24_000 {
                peak = peak.max(mixed.abs());
            }
        }
        assert!((peak - 0.4).abs() < 0.01, "{peak}");
    }

    #[test]
    fn a_channel_of_nonsense_spoils_nothing_for_long() {
        let mut channels = Channels::new(2);
        for n in 0..4_800 {
            let mixed = channels.mix([f32::NAN, if n % 2 == 0 { 0.2 } else { -0.2 }].into_iter());
            assert!(mixed.is_finite() && mixed.abs() <= 0.2);
        }
        assert!((channels.mix([f32::INFINITY, 0.2].into_iter()) - 0.2).abs() < 0.01);
    }

    #[test]
    fn more_channels_than_anybody_has_are_no_panic() {
        let mut channels = Channels::new(200);
        assert!(channels.mix((0..200).map(|_| 0.5)).abs() <= 0.5);
        assert!(Channels::new(0).mix([0.5].into_iter()) > 0.4);
    }
}
