//! What a microphone gives, before anything is done to it: whether there is a voice, how loud the room is, whether it is cut off,
//! and whether it hears our own chime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::level::{SILENCE_DBFS, SpeechDetector, dbfs};
use crate::tone::NOTES;
use crate::{FRAME, SAMPLE_RATE};

/// Frames over which the room's noise is looked for: the quietest 10 ms of 5 s, told every 200 ms.
const QUIET_FRAMES: usize = 20;
const PARTS: usize = 25;
/// A sample this near to full scale was cut off, if its neighbours are, too.
const FULL: i16 = 32_700;
const NEIGHBOURS: usize = 3;
/// A voice stands out of the room by this.
const STANDS_OUT_DB: f32 = 10.0;

/// What was found so far. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Ear(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    frames: AtomicU64,
    speech: AtomicU64,
    clipped: AtomicU64,
    /// `f32` bits, dBFS.
    noise: AtomicU32,
    chime: AtomicU32,
}

impl Default for Shared {
    fn default() -> Self {
        let silence = || AtomicU32::new(SILENCE_DBFS.to_bits());
        Self {
            frames: AtomicU64::new(0),
            speech: AtomicU64::new(0),
            clipped: AtomicU64::new(0),
            noise: silence(),
            chime: silence(),
        }
    }
}

/// Counters, and what is so now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Frames of 10 ms.
    pub frames: u64,
    /// Of them, in which somebody spoke, louder than the room.
    pub speech: u64,
    /// Of them, in which samples were cut off at full scale.
    pub clipped: u64,
    /// How loud the room is when nobody speaks, dBFS; [`SILENCE_DBFS`] before that is known.
    pub noise: f32,
    /// The loudest that our chime's notes were in the last 100 ms, dBFS.
    pub chime: f32,
}

impl Ear {
    /// What was found so far.
    pub fn heard(&self) -> Heard {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let level = |level: &AtomicU32| f32::from_bits(level.load(Ordering::Relaxed));
        let Shared { frames, speech, clipped, noise, chime } = &*self.0;
        Heard {
            frames: count(frames),
            speech: count(speech),
            clipped: count(clipped),
            noise: level(noise),
            chime: level(chime),
        }
    }

    /// Its side of the microphone.
    pub fn listener(&self) -> Listener {
        Listener {
            shared: Arc::clone(&self.0),
            detector: SpeechDetector::default(),
            part: [SILENCE_DBFS; QUIET_FRAMES],
            at: 0,
            parts: [None; PARTS],
            part_at: 0,
            tones: [0.0; 10],
        }
    }
}

/// Takes frames of a microphone.
#[derive(Debug)]
pub struct Listener {
    shared: Arc<Shared>,
    detector: SpeechDetector,
    part: [f32; QUIET_FRAMES],
    at: usize,
    parts: [Option<f32>; PARTS],
    part_at: usize,
    tones: [f32; 10],
}

impl Listener {
    /// The next frame.
    pub fn take(&mut self, frame: &[i16; FRAME]) {
        let level = dbfs(frame);
        let noise = self.noise(level);
        let speaks = self.detector.speech(frame) && noise.is_none_or(|noise| level > noise + STANDS_OUT_DB);
        let cut =
            frame.windows(NEIGHBOURS).any(|samples| samples.iter().all(|s| s.unsigned_abs() >= FULL as u16));
        self.tones.rotate_left(1);
        if let Some(last) = self.tones.last_mut() {
            *last = NOTES.iter().map(|hertz| tone(frame, *hertz)).fold(SILENCE_DBFS, f32::max);
        }
        let chime = self.tones.iter().copied().fold(SILENCE_DBFS, f32::max);
        let add = |counter: &AtomicU64, yes: bool| counter.fetch_add(u64::from(yes), Ordering::Relaxed);
        add(&self.shared.frames, true);
        add(&self.shared.speech, speaks);
        add(&self.shared.clipped, cut);
        self.shared.chime.store(chime.to_bits(), Ordering::Relaxed);
        if let Some(noise) = noise {
            self.shared.noise.store(noise.to_bits(), Ordering::Relaxed);
        }
    }

    /// The room's noise, once 200 ms were heard.
    fn noise(&mut self, level: f32) -> Option<f32> {
        self.part[self.at] = level;
        self.at += 1;
        if self.at == QUIET_FRAMES {
            self.at = 0;
            // The quietest frame: whoever speaks from the first moment on still pauses between two words.
            let quietest = self.part.iter().copied().fold(0.0, f32::min);
            self.parts[self.part_at] = Some(quietest);
            self.part_at = (self.part_at + 1) % PARTS;
        }
        self.parts.iter().flatten().copied().reduce(f32::min)
    }
}

/// How loud a tone is in a frame, dBFS (G. Goertzel, "An Algorithm for the Evaluation of Finite Trigonometric Series", 1958).
fn tone(frame: &[i16; FRAME], hertz: f32) -> f32 {
    let coefficient = 2.0 * (hertz / SAMPLE_RATE as f32 * std::f32::consts::TAU).cos();
    let (mut before, mut last) = (0.0_f32, 0.0_f32);
    for sample in frame {
        (before, last) = (last, f32::from(*sample) / 32_768.0 + coefficient * last - before);
    }
    let power = before * before + last * last - coefficient * before * last;
    let amplitude = power.max(0.0).sqrt() * 2.0 / FRAME as f32;
    if amplitude <= 0.0 { SILENCE_DBFS } else { (20.0 * amplitude.log10()).max(SILENCE_DBFS) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::chime;

    fn hears(frames: impl IntoIterator<Item = [i16; FRAME]>) -> Heard {
        let ear = Ear::default();
        let mut listener = ear.listener();
        frames.into_iter().for_each(|frame| listener.take(&frame));
        ear.heard()
    }

    fn noise(amplitude: i16, frames: usize) -> Vec<[i16; FRAME]> {
        let mut random = 1_u32;
        let mut next = move || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f32::from((random >> 16) as u16) / 32_768.0 - 1.0) * f32::from(amplitude)
        };
        (0..frames).map(|_| std::array::from_fn(|_| next() as i16)).collect()
    }

    #[test]
    fn a_quiet_room_a_voice_and_a_loud_room_are_told_apart() {
        let quiet = hears(noise(30, 300));
        assert_eq!((quiet.speech, quiet.clipped), (0, 0));
        assert!(quiet.noise < -60.0, "{quiet:?}");
        let mut spoken = noise(30, 100);
        spoken.extend(noise(6_000, 100));
        spoken.extend(noise(30, 100));
        let spoken = hears(spoken);
        assert!(spoken.speech > 50 && spoken.noise < -60.0, "{spoken:?}");
        let loud = hears(noise(3_000, 300));
        assert!(
            loud.noise > -30.0 && loud.speech < 40,
            "a room that is loud all the time says nothing: {loud:?}"
        );
    }

    /// A sound server that slept gives its first frame with the first word.
    #[test]
    fn who_speaks_from_the_first_moment_on_is_heard() {
        let mut words = noise(6_000, 120);
        // Four words a second, 30 ms between them.
        for (n, frame) in words.iter_mut().enumerate() {
            if n % 25 >= 22 {
                *frame = noise(30, 1)[0];
            }
        }
        let heard = hears(words);
        assert!(heard.speech > 40 && heard.noise < -55.0, "{heard:?}");
    }

    #[test]
    fn what_is_cut_off_is_noticed_and_what_is_only_loud_is_not() {
        let square = [i16::MAX; FRAME];
        assert_eq!(hears([square; 10]).clipped, 10);
        assert_eq!(hears(noise(i16::MAX, 100)).clipped, 0);
        assert_eq!(hears([[i16::MIN; FRAME]; 2]).clipped, 2);
    }

    #[test]
    fn our_chime_is_heard_in_a_room_and_nothing_else_is_taken_for_it() {
        let quieter = |frame: &[i16; FRAME]| frame.map(|sample| sample / 10);
        let echo = hears(chime().iter().map(quieter));
        assert!(echo.chime > -50.0, "{echo:?}");
        let room = hears(noise(300, 100));
        // Steady noise has a tone in it, too: 12 dB below itself, or less.
        assert!(room.chime < room.noise - 12.0, "{room:?}");
    }
}
