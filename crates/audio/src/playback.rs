//! The loudspeaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::capture::check;
use crate::{AudioError, DeviceChoice, FRAME, Level};

/// Most that waits to be played: 200 ms. Past that the newest is dropped and counted.
const RING: usize = FRAME * 20;
/// More than this waiting means that we are late for good (the sender's clock is faster, or the
/// device paused): skip to [`TARGET`].
const TOO_MUCH: usize = FRAME * 8;
/// What is left waiting after a skip, and what is gathered before playing after a gap.
const TARGET: usize = FRAME;

/// Counters of a playback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaybackStats {
    /// Samples played.
    pub played: u64,
    /// How often sound ran out in the middle.
    pub underruns: u64,
    /// Samples skipped or dropped to stay close to now.
    pub skipped: u64,
    /// How often the device was opened again.
    pub reopened: u64,
}

impl std::ops::AddAssign for PlaybackStats {
    fn add_assign(&mut self, other: Self) {
        self.played += other.played;
        self.underruns += other.underruns;
        self.skipped += other.skipped;
        self.reopened += other.reopened;
    }
}

#[derive(Debug, Default)]
pub(crate) struct PlaybackShared {
    pub(crate) stop: AtomicBool,
    pub(crate) played: AtomicU64,
    pub(crate) underruns: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) reopened: AtomicU64,
}

impl PlaybackShared {
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// An open loudspeaker. Dropping it closes the device within 20 ms.
#[derive(Debug)]
pub struct Playback {
    shared: Arc<PlaybackShared>,
    _stream: Option<crate::cpal_host::Held>,
}

/// Takes frames to play. One per playback.
#[derive(Debug)]
pub struct Speaker {
    ring: Producer<i16>,
    shared: Arc<PlaybackShared>,
    level: Level,
}

impl Playback {
    /// Opens a loudspeaker.
    ///
    /// # Errors
    /// One sentence that says what is wrong and what to do.
    pub fn open(choice: &DeviceChoice) -> Result<(Self, Speaker), AudioError> {
        let shared = Arc::new(PlaybackShared::default());
        let (producer, consumer) = RingBuffer::new(RING);
        let source = Source { ring: consumer, shared: Arc::clone(&shared), playing: false };
        let speaker = Speaker { ring: producer, shared: Arc::clone(&shared), level: Level::default() };
        #[cfg(target_os = "linux")]
        if let Some(found) = crate::pulse::devices()? {
            check(choice, &found.outputs, AudioError::NoSpeaker)?;
            // Made first: if the opening fails, dropping it ends a thread that may still be at it.
            let playback = Self { shared: Arc::clone(&shared), _stream: None };
            crate::pulse::playback(choice, shared, source)?;
            return Ok((playback, speaker));
        }
        let held = crate::cpal_host::playback(choice, Arc::clone(&shared), source)?;
        Ok((Self { shared, _stream: Some(held) }, speaker))
    }

    /// Counters so far.
    pub fn stats(&self) -> PlaybackStats {
        PlaybackStats {
            played: self.shared.played.load(Ordering::Relaxed),
            underruns: self.shared.underruns.load(Ordering::Relaxed),
            skipped: self.shared.skipped.load(Ordering::Relaxed),
            reopened: self.shared.reopened.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Speaker {
    /// Queues samples; what does not fit is dropped and counted.
    pub fn push(&mut self, samples: &[i16]) {
        self.level.measure(samples);
        let fit = self.ring.slots().min(samples.len());
        if fit < samples.len() {
            self.shared.skipped.fetch_add((samples.len() - fit) as u64, Ordering::Relaxed);
        }
        for sample in &samples[..fit] {
            // There is room: we are the only writer.
            let _ = self.ring.push(*sample);
        }
    }

    /// Level of the newest frame.
    pub fn level(&self) -> Level {
        self.level.clone()
    }

    /// No more sound comes for now.
    pub fn quiet(&self) {
        self.level.reset();
    }

    /// Milliseconds that wait to be played.
    pub fn buffered_ms(&self) -> u64 {
        ((RING - self.ring.slots()) * 10 / FRAME) as u64
    }
}

/// Where the device's side takes its samples from. Locks nothing, allocates nothing.
pub(crate) struct Source {
    ring: Consumer<i16>,
    shared: Arc<PlaybackShared>,
    playing: bool,
}

impl Source {
    /// Fills `out` with what waits, and silence for what is missing.
    pub(crate) fn fill(&mut self, out: &mut [i16]) {
        let waiting = self.ring.slots();
        if waiting > TOO_MUCH.max(out.len() * 3) {
            let skip = waiting - TARGET.max(out.len());
            if let Ok(chunk) = self.ring.read_chunk(skip) {
                chunk.commit_all();
                self.shared.skipped.fetch_add(skip as u64, Ordering::Relaxed);
            }
        }
        let waiting = self.ring.slots();
        if !self.playing && waiting < TARGET {
            out.fill(0);
            return;
        }
        let take = waiting.min(out.len());
        for sample in &mut out[..take] {
            *sample = self.ring.pop().unwrap_or(0);
        }
        out[take..].fill(0);
        self.shared.played.fetch_add(take as u64, Ordering::Relaxed);
        self.playing = take == out.len();
        if !self.playing {
            self.shared.underruns.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Speaker, Source, Arc<PlaybackShared>) {
        let shared = Arc::new(PlaybackShared::default());
        let (producer, consumer) = RingBuffer::new(RING);
        (
            Speaker { ring: producer, shared: Arc::clone(&shared), level: Level::default() },
            Source { ring: consumer, shared: Arc::clone(&shared), playing: false },
            shared,
        )
    }

    #[test]
    fn what_is_pushed_comes_out_in_order() {
        let (mut speaker, mut source, _) = pair();
        speaker.push(&[1; FRAME]);
        speaker.push(&[2; FRAME]);
        let mut out = [0; FRAME];
        source.fill(&mut out);
        assert_eq!(out, [1; FRAME]);
        source.fill(&mut out);
        assert_eq!(out, [2; FRAME]);
    }

    #[test]
    fn a_late_listener_skips_to_now() {
        let (mut speaker, mut source, shared) = pair();
        for n in 0..15 {
            speaker.push(&[n; FRAME]);
        }
        let mut out = [0; FRAME];
        source.fill(&mut out);
        assert_eq!(out, [14; FRAME]);
        assert_eq!(shared.skipped.load(Ordering::Relaxed), 14 * FRAME as u64);
    }

    #[test]
    fn running_out_is_silence_and_counted_once() {
        let (mut speaker, mut source, shared) = pair();
        speaker.push(&[1; FRAME]);
        let mut out = [9; FRAME];
        source.fill(&mut out);
        source.fill(&mut out);
        source.fill(&mut out);
        assert_eq!(out, [0; FRAME]);
        assert_eq!(shared.underruns.load(Ordering::Relaxed), 1);
    }
}
