//! What is played: a queue for each voice, mixed where the device takes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::FRAME;
use crate::processor::FrameProcessor;
use crate::stream::PlaybackShared;

/// Most that waits to be played of one voice: 200 ms. Past that the newest is dropped and counted.
const RING: usize = FRAME * 20;
/// More than this waiting means that we are late for good (the sender's clock is faster, or the
/// device paused): skip to [`TARGET`].
const TOO_MUCH: usize = FRAME * 8;
/// What is left waiting after a skip, and what is gathered before playing after a gap.
const TARGET: usize = FRAME;
/// Voices that can be mixed at once. A room has two or three: an interviewer, its background, a person.
const VOICES: usize = 8;

/// Adds voices to a playback. One per playback.
#[derive(Debug)]
pub struct PlaybackHandle {
    joining: Producer<Voice>,
    left: Consumer<Voice>,
    shared: Arc<PlaybackShared>,
}

/// Takes frames of one voice. Voices are mixed: each has a queue of its own, and none is played faster because another
/// one speaks. Dropping it ends the voice once what waits was played.
#[derive(Debug)]
pub struct VoiceQueue {
    ring: Producer<i16>,
    shared: Arc<PlaybackShared>,
}

/// The two ends of a playback.
pub(crate) fn mixer(
    shared: &Arc<PlaybackShared>,
    processor: Option<Box<dyn FrameProcessor>>,
) -> (PlaybackHandle, Source) {
    let (joining, joins) = RingBuffer::new(VOICES);
    // Whatever the device's side lets go of goes back to be freed; there are never more than it can hold.
    let (leaves, left) = RingBuffer::new(VOICES * 2);
    let speaker = PlaybackHandle { joining, left, shared: Arc::clone(shared) };
    let source = Source {
        joins,
        leaves,
        voices: std::array::from_fn(|_| None),
        shared: Arc::clone(shared),
        given: 0,
        processed: processor.map(Processed::new),
    };
    (speaker, source)
}

impl PlaybackHandle {
    /// Another voice; `None` while there are as many as can be mixed.
    pub fn voice(&mut self) -> Option<VoiceQueue> {
        // Freed here, on a thread that may take its time.
        while self.left.pop().is_ok() {}
        let (producer, consumer) = RingBuffer::new(RING);
        self.joining.push(Voice { ring: consumer, playing: false }).ok()?;
        Some(VoiceQueue { ring: producer, shared: Arc::clone(&self.shared) })
    }
}

impl VoiceQueue {
    /// Queues samples; what does not fit is dropped and counted.
    pub fn push(&mut self, samples: &[i16]) {
        let fit = self.ring.slots().min(samples.len());
        if fit < samples.len() {
            self.shared.skipped.fetch_add((samples.len() - fit) as u64, Ordering::Relaxed);
        }
        for sample in &samples[..fit] {
            // There is room: we are the only writer.
            let _ = self.ring.push(*sample);
        }
    }

    /// Milliseconds that wait to be played.
    pub fn buffered_ms(&self) -> u64 {
        ((RING - self.ring.slots()) * 10 / FRAME) as u64
    }

    /// Whether the loudspeaker is gone that played it.
    pub fn is_closed(&self) -> bool {
        self.ring.is_abandoned()
    }
}

/// One voice on the device's side.
#[derive(Debug)]
struct Voice {
    ring: Consumer<i16>,
    playing: bool,
}

impl Voice {
    /// Adds what waits to `out`; gives how many samples that were.
    fn add(&mut self, out: &mut [i16], shared: &PlaybackShared) -> usize {
        let waiting = self.ring.slots();
        if waiting > TOO_MUCH.max(out.len() * 3) {
            let skip = waiting - TARGET.max(out.len());
            if let Ok(chunk) = self.ring.read_chunk(skip) {
                chunk.commit_all();
                shared.skipped.fetch_add(skip as u64, Ordering::Relaxed);
            }
        }
        let waiting = self.ring.slots();
        if !self.playing && waiting < TARGET && !self.ring.is_abandoned() {
            return 0;
        }
        let take = waiting.min(out.len());
        for sample in &mut out[..take] {
            *sample = sample.saturating_add(self.ring.pop().unwrap_or(0));
        }
        let ran_out = self.playing && take < out.len();
        self.playing = take == out.len();
        if ran_out || take > 0 && !self.playing {
            shared.underruns.fetch_add(1, Ordering::Relaxed);
        }
        take
    }
}

/// Where the device's side takes its samples from. Locks nothing, allocates nothing, frees nothing.
pub(crate) struct Source {
    joins: Consumer<Voice>,
    leaves: Producer<Voice>,
    voices: [Option<Voice>; VOICES],
    shared: Arc<PlaybackShared>,
    /// Voices that were handed in and not given back.
    given: usize,
    processed: Option<Processed>,
}

/// What is mixed a frame at a time, because something works on frames.
struct Processed {
    processor: Box<dyn FrameProcessor>,
    frame: [i16; FRAME],
    /// Samples of `frame` that were taken.
    taken: usize,
}

impl Processed {
    fn new(processor: Box<dyn FrameProcessor>) -> Self {
        Self { processor, frame: [0; FRAME], taken: FRAME }
    }
}

impl Source {
    /// Fills `out` with what waits of every voice, mixed with saturation, and silence for what is missing; processed, if
    /// something works on it.
    pub(crate) fn fill(&mut self, out: &mut [i16]) {
        let Some(mut processed) = self.processed.take() else { return self.mix(out) };
        let mut filled = 0;
        while filled < out.len() {
            if processed.taken == FRAME {
                self.mix(&mut processed.frame);
                processed.processor.process(&mut processed.frame);
                processed.taken = 0;
            }
            let part = (out.len() - filled).min(FRAME - processed.taken);
            let ready = &processed.frame[processed.taken..processed.taken + part];
            out[filled..filled + part].copy_from_slice(ready);
            (filled, processed.taken) = (filled + part, processed.taken + part);
        }
        self.processed = Some(processed);
    }

    fn mix(&mut self, out: &mut [i16]) {
        out.fill(0);
        let mut longest = 0;
        for slot in &mut self.voices {
            if slot.is_none() && self.given < VOICES {
                *slot = self.joins.pop().ok();
                self.given += usize::from(slot.is_some());
            }
            let Some(voice) = slot else { continue };
            longest = longest.max(voice.add(out, &self.shared));
            if voice.ring.is_abandoned()
                && voice.ring.is_empty()
                && !self.leaves.is_full()
                && let Some(ended) = slot.take()
            {
                self.given -= 1;
                // There is room: we are the only writer.
                let _ = self.leaves.push(ended);
            }
        }
        self.shared.played.fetch_add(longest as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (PlaybackHandle, VoiceQueue, Source, Arc<PlaybackShared>) {
        let shared = Arc::new(PlaybackShared::default());
        let (mut speaker, source) = mixer(&shared, None);
        let voice = speaker.voice().unwrap();
        (speaker, voice, source, shared)
    }

    #[test]
    fn what_is_pushed_comes_out_in_order() {
        let (_speaker, mut voice, mut source, _) = pair();
        voice.push(&[1; FRAME]);
        voice.push(&[2; FRAME]);
        let mut out = [0; FRAME];
        source.fill(&mut out);
        assert_eq!(out, [1; FRAME]);
        source.fill(&mut out);
        assert_eq!(out, [2; FRAME]);
    }

    #[test]
    fn a_late_listener_skips_to_now() {
        let (_speaker, mut voice, mut source, shared) = pair();
        for n in 0..15 {
            voice.push(&[n; FRAME]);
        }
        let mut out = [0; FRAME];
        source.fill(&mut out);
        assert_eq!(out, [14; FRAME]);
        assert_eq!(shared.skipped.load(Ordering::Relaxed), 14 * FRAME as u64);
    }

    #[test]
    fn running_out_is_silence_and_counted_once() {
        let (_speaker, mut voice, mut source, shared) = pair();
        voice.push(&[1; FRAME]);
        let mut out = [9; FRAME];
        source.fill(&mut out);
        source.fill(&mut out);
        source.fill(&mut out);
        assert_eq!(out, [0; FRAME]);
        assert_eq!(shared.underruns.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn two_voices_are_heard_at_once_and_neither_skips() {
        let (mut speaker, mut one, mut source, shared) = pair();
        let mut two = speaker.voice().unwrap();
        let mut out = [0; FRAME];
        for n in 0..500 {
            one.push(&[n; FRAME]);
            two.push(&[1_000; FRAME]);
            source.fill(&mut out);
            assert_eq!(out, [1_000 + n; FRAME]);
        }
        assert_eq!(shared.skipped.load(Ordering::Relaxed), 0);
        assert_eq!(shared.played.load(Ordering::Relaxed), 500 * FRAME as u64);
        // Too loud together: the peak is cut, nothing wraps around.
        one.push(&[i16::MAX; FRAME]);
        two.push(&[i16::MAX; FRAME]);
        source.fill(&mut out);
        assert_eq!(out, [i16::MAX; FRAME]);
    }

    /// Gives how loud each frame was, and plays it half as loud.
    struct Halves(std::sync::mpsc::Sender<i16>);

    impl FrameProcessor for Halves {
        fn process(&mut self, frame: &mut [i16; FRAME]) {
            self.0.send(frame[0]).unwrap();
            frame.iter_mut().for_each(|sample| *sample /= 2);
        }
    }

    #[test]
    fn what_is_played_is_processed_in_whole_frames_whatever_the_device_takes_at_once() {
        let (seen, sees) = std::sync::mpsc::channel();
        let shared = Arc::new(PlaybackShared::default());
        let (mut speaker, mut source) = mixer(&shared, Some(Box::new(Halves(seen))));
        let mut voice = speaker.voice().unwrap();
        (1..=4).for_each(|n| voice.push(&[n * 100; FRAME]));
        let mut heard = Vec::new();
        for part in [1, FRAME / 2, FRAME, FRAME + 7] {
            let mut out = vec![0; part];
            source.fill(&mut out);
            heard.extend(out);
        }
        let expected: Vec<i16> = (1..=4).flat_map(|n| [n * 50; FRAME]).collect();
        assert_eq!(heard, expected[..heard.len()]);
        assert_eq!(sees.try_iter().collect::<Vec<_>>(), [100, 200, 300]);
    }

    #[test]
    fn a_voice_that_ends_is_played_to_its_end_and_makes_room() {
        let (mut speaker, voice, mut source, shared) = pair();
        drop(voice);
        let mut out = [0; FRAME];
        source.fill(&mut out);
        // More than can be mixed at once come and go, one after another; each short rest is heard.
        for n in 0..100 {
            let mut voice = speaker.voice().unwrap();
            voice.push(&[n + 1; FRAME / 2]);
            drop(voice);
            source.fill(&mut out);
            assert_eq!(out[..FRAME / 2], [n + 1; FRAME / 2]);
        }
        assert_eq!(shared.played.load(Ordering::Relaxed), 100 * FRAME as u64 / 2);
        // And not more than that at once.
        let held: Vec<_> = (0..VOICES).map_while(|_| speaker.voice()).collect();
        source.fill(&mut out);
        assert_eq!(held.len(), VOICES);
        let waiting: Vec<_> = (0..VOICES).map_while(|_| speaker.voice()).collect();
        source.fill(&mut out);
        assert!(speaker.voice().is_none());
        drop((held, waiting));
    }
}
