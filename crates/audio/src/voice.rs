//! One voice on the device's side: what waits of it, without a click where it begins, ends, runs out or is shortened.

use std::sync::atomic::Ordering;

use rtrb::Consumer;

use crate::FRAME;
use crate::convert::from_i16;
use crate::drift::{DriftControl, Gauge};
use crate::stream::PlaybackShared;

/// More than this waiting means that the device paused: what is late is skipped at once, word or not. Below it a word is worth more than
/// a moment's delay: a computer that was busy has 100 ms to make up for again and again, and words have pauses.
const TOO_MUCH: usize = FRAME * 25;
/// More than the margin by this, for a second: what is too much is skipped where it is quiet. The loop alone would need 20 s for it.
const SURPLUS_QUIET: usize = FRAME;
/// By this, at any moment: the same, without waiting for that second.
const SURPLUS_NOW: usize = FRAME * 4;
/// By this, in so many looks in a row (four a second): in the middle of a word. What is never quiet has no better place.
const SURPLUS_LOUD: usize = FRAME * 2;
const LOUD_LOOKS: u32 = 12;
/// Nobody hears a piece left out of this, ±1: -50 dBFS.
const QUIET: f32 = 0.003;
/// How long a fade takes: 2.5 ms, shorter than a consonant and longer than a click.
const FADE: usize = 120;

/// One voice.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) ring: Consumer<i16>,
    playing: bool,
    gauge: Gauge,
    /// Looks in a row in which too much waited.
    late: u32,
    /// Samples since it began.
    begun: usize,
    /// Where it went on before something was skipped, and how much of that was faded out.
    old: [f32; FADE],
    old_at: usize,
    /// The last sample before it ran out, and how much of its end is still to be heard.
    last: f32,
    ending: usize,
}

impl Voice {
    pub(crate) fn new(ring: Consumer<i16>) -> Self {
        Self {
            ring,
            playing: false,
            gauge: Gauge::default(),
            late: 0,
            begun: 0,
            old: [0.0; FADE],
            old_at: FADE,
            last: 0.0,
            ending: 0,
        }
    }

    /// Whether nobody adds to it any more, and all of it was heard.
    pub(crate) fn is_over(&self) -> bool {
        self.ring.is_abandoned() && self.ring.is_empty() && self.ending == 0
    }

    /// Adds what waits to `out`; gives how many samples that were, and at times the least that waited over a second.
    pub(crate) fn add(
        &mut self,
        out: &mut [f32],
        shared: &PlaybackShared,
        control: &mut DriftControl,
    ) -> (usize, Option<usize>) {
        let over = self.ring.is_abandoned();
        let enough = FRAME + control.margin();
        if !self.playing {
            let waiting = self.ring.slots();
            if waiting == 0 || waiting < enough && !over {
                self.fade_out(out);
                return (0, None);
            }
            (self.playing, self.begun) = (true, 0);
            self.gauge.reset();
        }
        let waiting = self.ring.slots();
        if waiting > TOO_MUCH.max(out.len() * 3) {
            self.skip(waiting - enough.max(out.len()), shared);
        }
        let take = self.ring.slots().min(out.len());
        self.mix(&mut out[..take]);
        let left = self.ring.slots();
        if take < out.len() {
            self.playing = false;
            self.ending = FADE;
            self.fade_out(&mut out[take..]);
            if !over {
                shared.underruns.fetch_add(1, Ordering::Relaxed);
                control.ran_out();
            }
            return (take, None);
        }
        let least = self.gauge.look(left, take);
        let now = left.saturating_sub(control.margin() + out.len());
        let surplus = least.map(|least| least.saturating_sub(control.margin()));
        self.late = match surplus {
            Some(surplus) if surplus > SURPLUS_LOUD => self.late + 1,
            Some(_) => 0,
            None => self.late,
        };
        let quiet = match surplus {
            _ if now > SURPLUS_NOW => self.quiet(now),
            Some(surplus) if surplus > SURPLUS_QUIET => self.quiet(surplus),
            Some(_) | None => 0,
        };
        if quiet > 0 {
            self.skip(quiet, shared);
            return (take, None);
        }
        if let Some(surplus) = surplus.filter(|_| self.late >= LOUD_LOOKS) {
            self.late = 0;
            self.skip(surplus, shared);
            return (take, None);
        }
        (take, least)
    }

    /// Adds as many samples as `out` has; so many wait.
    fn mix(&mut self, out: &mut [f32]) {
        let Ok(chunk) = self.ring.read_chunk(out.len()) else { return };
        let (first, second) = chunk.as_slices();
        for (out, sample) in out.iter_mut().zip(first.iter().chain(second)) {
            let mut sample = from_i16(*sample);
            if self.begun < FADE {
                sample *= self.begun as f32 / FADE as f32;
                self.begun += 1;
            }
            if self.old_at < FADE {
                let share = self.old_at as f32 / FADE as f32;
                sample = self.old[self.old_at] * (1.0 - share) + sample * share;
                self.old_at += 1;
            }
            // What it ended on before may still be fading.
            if self.ending > 0 {
                sample += self.last * self.ending as f32 / FADE as f32;
                self.ending -= 1;
            }
            *out += sample;
        }
        if self.ending == 0
            && let Some(last) = second.last().or(first.last())
        {
            self.last = from_i16(*last);
        }
        chunk.commit_all();
    }

    /// The end of what was played: its last sample, ever quieter, instead of a click.
    fn fade_out(&mut self, out: &mut [f32]) {
        for out in out {
            if self.ending == 0 {
                return;
            }
            *out += self.last * self.ending as f32 / FADE as f32;
            self.ending -= 1;
        }
    }

    /// Leaves out so many samples; from what would have been heard one fades into what is.
    fn skip(&mut self, samples: usize, shared: &PlaybackShared) {
        let Ok(chunk) = self.ring.read_chunk(samples) else { return };
        if samples >= FADE {
            let (first, second) = chunk.as_slices();
            for (old, sample) in self.old.iter_mut().zip(first.iter().chain(second)) {
                *old = from_i16(*sample);
            }
            self.old_at = 0;
        }
        chunk.commit_all();
        self.gauge.reset();
        shared.skipped.fetch_add(samples as u64, Ordering::Relaxed);
    }

    /// How many of the next samples, `most` at most, are next to silence; none, if they are too few for a fade.
    fn quiet(&mut self, most: usize) -> usize {
        let Ok(chunk) = self.ring.read_chunk(most.min(self.ring.slots())) else { return 0 };
        let (first, second) = chunk.as_slices();
        let quiet = first.iter().chain(second).take_while(|sample| from_i16(**sample).abs() < QUIET).count();
        if quiet < FADE { 0 } else { quiet }
    }
}
