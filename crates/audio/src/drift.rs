//! Two clocks: frames come by the computer's clock, and a device takes them by its own. Neither is exact, so that what waits
//! between them grows or runs out: 300 ppm are 18 ms a minute.
//!
//! A delay-locked loop (F. Adriaensen, "Using a DLL to filter time", 2005; here around a resampler) keeps the least that
//! waits, over a second, at a small margin: by up to 0.1 % faster or slower, which nobody hears.

/// Samples of a part of the time over which the least is looked for: 250 ms at 48 kHz.
const PART: usize = 12_000;
/// Parts that are looked at together: 1 s.
const PARTS: usize = 4;
/// What shall wait at least, in samples, before anything ran out: 6 ms. A device takes 5 ms at a time; where its turn drifts past
/// ours, that is missing at once.
pub(crate) const MARGIN: usize = 288;
/// The margin grows by so much each time something ran out: 5 ms.
const MORE: usize = 240;
/// And is no larger than this: 40 ms.
const MOST: usize = 1_920;
/// A larger margin shrinks by a millisecond in each so many samples without one: 10 s.
const CALM: usize = 480_000;
/// The correction at most: 0.1 %.
pub(crate) const CORRECTION: f64 = 0.001;
/// The loop's frequency in rad/s, critically damped: a step of 300 ppm shifts what waits by 1.1 ms at most.
const OMEGA: f64 = 0.1;
const RATE: f64 = 48_000.0;

/// The least that waited for a voice.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    parts: [Option<usize>; PARTS],
    at: usize,
    least: Option<usize>,
    elapsed: usize,
}

impl Gauge {
    /// So much waits after `taken` samples were taken. At the end of each part of a second: the least over a whole one.
    pub(crate) fn look(&mut self, waits: usize, taken: usize) -> Option<usize> {
        self.least = Some(self.least.map_or(waits, |least| least.min(waits)));
        self.elapsed += taken;
        if self.elapsed < PART {
            return None;
        }
        self.elapsed = 0;
        self.parts[self.at] = self.least.take();
        self.at = (self.at + 1) % PARTS;
        self.parts.iter().copied().try_fold(usize::MAX, |least, part| Some(least.min(part?)))
    }

    /// What was seen counts no more: something was skipped, or began.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// How much faster or slower to play.
#[derive(Debug)]
pub(crate) struct DriftControl {
    margin: usize,
    integral: f64,
    correction: f64,
    calm: usize,
}

impl Default for DriftControl {
    fn default() -> Self {
        Self { margin: MARGIN, integral: 0.0, correction: 0.0, calm: 0 }
    }
}

impl DriftControl {
    /// What shall wait at least, in samples.
    pub(crate) fn margin(&self) -> usize {
        self.margin
    }

    /// Share by which more is taken than is played: -0.001 to 0.001.
    pub(crate) fn correction(&self) -> f64 {
        self.correction
    }

    /// What the clocks were found to differ by, in parts per million: positive where frames come faster than the device
    /// takes them.
    pub(crate) fn drift_ppm(&self) -> f64 {
        self.integral * 1e6
    }

    /// A voice ran out: from now on more shall wait.
    pub(crate) fn ran_out(&mut self) {
        self.margin = (self.margin + MORE).min(MOST);
        self.calm = 0;
    }

    /// So many samples were played.
    pub(crate) fn played(&mut self, samples: usize) {
        self.calm += samples;
        if self.calm >= CALM {
            self.calm = 0;
            self.margin = self.margin.saturating_sub(48).max(MARGIN);
        }
    }

    /// The least that waited over the last second, for the voice that is nearest to running out.
    pub(crate) fn waited(&mut self, least: usize) {
        let error = least as f64 - self.margin as f64;
        let seconds = PART as f64 / RATE;
        self.integral =
            (self.integral + OMEGA * OMEGA / RATE * error * seconds).clamp(-CORRECTION, CORRECTION);
        self.correction = (2.0 * OMEGA / RATE * error + self.integral).clamp(-CORRECTION, CORRECTION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_over_a_second_is_known_after_a_second_and_forgets_what_is_older() {
        let mut gauge = Gauge::default();
        let mut told = Vec::new();
        for n in 0..100 {
            // 2.5 s in steps of 25 ms; once, at 0.5 s, next to nothing waits.
            told.extend(gauge.look(if n == 20 { 7 } else { 500 }, 1_200));
        }
        assert_eq!(told, [7, 7, 7, 500, 500, 500, 500]);
        gauge.reset();
        assert_eq!(gauge.look(1, PART), None);
    }

    #[test]
    fn the_margin_grows_where_something_ran_out_and_shrinks_again() {
        let mut control = DriftControl::default();
        for _ in 0..100 {
            control.ran_out();
        }
        assert_eq!(control.margin(), MOST);
        for _ in 0..60 * 48_000 {
            control.played(480);
        }
        assert_eq!(control.margin(), MARGIN);
    }

    #[test]
    fn the_correction_has_a_bound() {
        let mut control = DriftControl::default();
        for _ in 0..1_000 {
            control.waited(100_000);
        }
        assert!((control.correction() - CORRECTION).abs() < 1e-9);
        assert!((control.drift_ppm() - 1_000.0).abs() < 1e-6);
    }
}
