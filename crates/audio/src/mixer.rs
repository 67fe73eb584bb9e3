//! What is played: a queue for each voice, mixed where the device takes it, at its pace.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::convert::to_i16;
use crate::device::AudioError;
use crate::drift::DriftControl;
use crate::limiter::Limiter;
use crate::pace::Pace;
use crate::processor::OnFrame;
use crate::stream::PlaybackShared;
use crate::voice::Voice;
use crate::{FRAME, SAMPLE_RATE};

/// Most that waits to be played of one voice: 400 ms. Past that the newest is dropped and counted.
const RING: usize = FRAME * 40;
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

/// The two ends of a playback; `on_played` gets what the device takes, in the moment in which it takes it.
///
/// # Errors
/// The resampler can't be made.
pub(crate) fn mixer(
    shared: &Arc<PlaybackShared>,
    on_played: Option<OnFrame>,
) -> Result<(PlaybackHandle, Source), AudioError> {
    let (joining, joins) = RingBuffer::new(VOICES);
    // Whatever the device's side lets go of goes back to be freed; there are never more than it can hold.
    let (leaves, left) = RingBuffer::new(VOICES * 2);
    let speaker = PlaybackHandle { joining, left, shared: Arc::clone(shared) };
    let mixer = Mixer {
        joins,
        leaves,
        voices: std::array::from_fn(|_| None),
        given: 0,
        shared: Arc::clone(shared),
        control: DriftControl::default(),
        limiter: Limiter::default(),
    };
    let source = Source {
        mixer,
        pace: Pace::new(SAMPLE_RATE)?,
        ours: true,
        seen: on_played.map(Seen::new),
        part: [0.0; FRAME],
    };
    Ok((speaker, source))
}

impl PlaybackHandle {
    /// Another voice; `None` while there are as many as can be mixed.
    pub fn voice(&mut self) -> Option<VoiceQueue> {
        // Freed here, on a thread that may take its time.
        while self.left.pop().is_ok() {}
        let (producer, consumer) = RingBuffer::new(RING);
        self.joining.push(Voice::new(consumer)).ok()?;
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

/// Mixes voices at our own pace.
struct Mixer {
    joins: Consumer<Voice>,
    leaves: Producer<Voice>,
    voices: [Option<Voice>; VOICES],
    /// Voices that were handed in and not given back.
    given: usize,
    shared: Arc<PlaybackShared>,
    control: DriftControl,
    limiter: Limiter,
}

impl Mixer {
    /// Fills `out` with what waits of every voice, and silence for what is missing.
    fn mix(&mut self, out: &mut [f32]) {
        out.fill(0.0);
        let mut longest = 0;
        let mut least: Option<usize> = None;
        for slot in &mut self.voices {
            if slot.is_none() && self.given < VOICES {
                *slot = self.joins.pop().ok();
                self.given += usize::from(slot.is_some());
            }
            let Some(voice) = slot else { continue };
            let (played, waited) = voice.add(out, &self.shared, &mut self.control);
            longest = longest.max(played);
            least = least.into_iter().chain(waited).min();
            if voice.is_over()
                && !self.leaves.is_full()
                && let Some(ended) = slot.take()
            {
                self.given -= 1;
                // There is room: we are the only writer.
                let _ = self.leaves.push(ended);
            }
        }
        self.limiter.limit(out);
        self.control.played(longest);
        if let Some(least) = least {
            self.control.waited(least);
            self.shared.drift_ppm.store((self.control.drift_ppm() as f32).to_bits(), Ordering::Relaxed);
        }
        self.shared.played.fetch_add(longest as u64, Ordering::Relaxed);
    }
}

/// Where the device's side takes its samples from. Locks nothing, allocates nothing, frees nothing.
pub(crate) struct Source {
    mixer: Mixer,
    pace: Pace,
    /// The device's rate is ours: what is seen of it is exactly what it takes.
    ours: bool,
    seen: Option<Seen>,
    part: [f32; FRAME],
}

/// Shows what is played to who wants to see it, a frame at a time.
struct Seen {
    on_played: OnFrame,
    frame: [i16; FRAME],
    filled: usize,
}

impl Seen {
    fn new(on_played: OnFrame) -> Self {
        Self { on_played, frame: [0; FRAME], filled: 0 }
    }

    fn see(&mut self, samples: &[f32]) {
        for sample in samples {
            self.frame[self.filled] = to_i16(*sample);
            self.filled += 1;
            if self.filled == FRAME {
                self.filled = 0;
                (self.on_played)(&self.frame);
            }
        }
    }
}

impl Source {
    /// The device takes so many samples a second.
    ///
    /// # Errors
    /// The resampler can't make that rate.
    pub(crate) fn set_rate(&mut self, rate: u32) -> Result<(), AudioError> {
        self.pace = Pace::new(rate)?;
        self.ours = rate == SAMPLE_RATE;
        Ok(())
    }

    /// Fills `out` with what is to be played, at the device's rate, full scale ±1.
    pub(crate) fn fill(&mut self, out: &mut [f32]) {
        let Self { mixer, pace, ours, seen, .. } = self;
        pace.correct(mixer.control.correction());
        pace.fill(out, |input| {
            mixer.mix(input);
            if let Some(seen) = seen.as_mut().filter(|_| !*ours) {
                seen.see(input);
            }
        });
        if let Some(seen) = seen.as_mut().filter(|_| *ours) {
            seen.see(out);
        }
    }

    /// The same in 16 bits.
    pub(crate) fn fill_i16(&mut self, out: &mut [i16]) {
        let mut part = self.part;
        for out in out.chunks_mut(FRAME) {
            let part = &mut part[..out.len()];
            self.fill(part);
            for (out, sample) in out.iter_mut().zip(part) {
                *out = to_i16(*sample);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::from_i16;
    use crate::drift::MARGIN;

    fn pair() -> (PlaybackHandle, VoiceQueue, Source, Arc<PlaybackShared>) {
        let shared = Arc::new(PlaybackShared::default());
        let (mut speaker, source) = mixer(&shared, None).unwrap();
        let voice = speaker.voice().unwrap();
        (speaker, voice, source, shared)
    }

    fn mixed(source: &mut Source) -> [f32; FRAME] {
        let mut out = [0.0; FRAME];
        source.mixer.mix(&mut out);
        out
    }

    /// Whether all of it is this loud, but for the fade at its beginning.
    fn steady(frame: &[f32], sample: i16) -> bool {
        frame[FRAME / 2..].iter().all(|s| (s - from_i16(sample)).abs() < 1e-4)
    }

    #[test]
    fn what_is_pushed_comes_out_in_order() {
        let (_speaker, mut voice, mut source, _) = pair();
        (1..=3).for_each(|n| voice.push(&[n * 1_000; FRAME]));
        let first = mixed(&mut source);
        assert!(first[0].abs() < 1e-6 && first[60] < first[119], "it begins without a click");
        assert!(steady(&first, 1_000));
        assert_eq!(mixed(&mut source), [from_i16(2_000); FRAME]);
    }

    #[test]
    fn a_late_listener_skips_to_now_without_a_click() {
        let (_speaker, mut voice, mut source, shared) = pair();
        for n in 0..30 {
            voice.push(&[n * 10; FRAME]);
        }
        let out = mixed(&mut source);
        assert!((out[FRAME - 1] - from_i16(290)).abs() < 1e-6, "{out:?}");
        let largest = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(largest < from_i16(11), "{largest}");
        assert_eq!(shared.skipped.load(Ordering::Relaxed), 30 * FRAME as u64 - FRAME as u64 - MARGIN as u64);
    }

    /// A listener who is 150 ms late, and what comes then; gives what was skipped in each 100 ms.
    fn late(comes: impl Fn(usize) -> i16) -> (Vec<u64>, Vec<f32>) {
        let (_speaker, mut voice, mut source, shared) = pair();
        (0..15).for_each(|n| voice.push(&[comes(n); FRAME]));
        let (mut skipped, mut heard) = (Vec::new(), Vec::new());
        for n in 15..1_000 {
            heard.extend(mixed(&mut source));
            voice.push(&[comes(n); FRAME]);
            if n % 10 == 0 {
                skipped.push(shared.skipped.load(Ordering::Relaxed) / 48);
            }
        }
        (skipped, heard)
    }

    #[test]
    fn a_word_is_worth_more_than_a_moment_s_delay() {
        // Half a second of a word, a pause of 60 ms, and again.
        let word = |n: usize| n % 56 < 50;
        let (skipped, heard) = late(|n| if word(n) { 9_000 } else { 0 });
        assert_eq!(skipped[3], 0, "nothing of the first word: {skipped:?}");
        assert!((100..=140).contains(&skipped[20]), "most of it in the pauses of two seconds: {skipped:?}");
        let last = skipped.len() - 1;
        assert!(skipped[last] <= 150, "and no more than was late: {skipped:?}");
        // Each word is there to its last sample, but for its fades.
        let loud = heard.iter().filter(|sample| sample.abs() > 0.2).count();
        let said = (0..1_000 - 16).filter(|n| word(*n)).count() * FRAME;
        assert!(loud + 20 * 2 * 240 > said, "{loud} of {said}");
    }

    #[test]
    fn what_is_never_quiet_is_shortened_some_time() {
        let (skipped, _) = late(|_| 9_000);
        assert_eq!(skipped[15], 0, "{skipped:?}");
        assert!(skipped[60] > 100, "{skipped:?}");
    }

    #[test]
    fn running_out_fades_and_is_counted_once() {
        let (_speaker, mut voice, mut source, shared) = pair();
        voice.push(&[10_000; FRAME + MARGIN]);
        mixed(&mut source);
        let out = mixed(&mut source);
        assert_eq!(out[MARGIN - 1], from_i16(10_000));
        let largest = out.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(largest < 0.003 && out[FRAME - 1] == 0.0, "{largest}");
        assert_eq!(mixed(&mut source), [0.0; FRAME]);
        assert_eq!(shared.underruns.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn two_voices_are_heard_at_once_and_neither_skips() {
        let (mut speaker, mut one, mut source, shared) = pair();
        let mut two = speaker.voice().unwrap();
        for voice in [&mut one, &mut two] {
            voice.push(&[0; MARGIN]);
        }
        for n in 0..500 {
            one.push(&[n; FRAME]);
            two.push(&[1_000; FRAME]);
            let out = mixed(&mut source);
            assert!(n == 0 || steady(&out, 1_000 + n), "{n}: {:?}", &out[FRAME - 9..]);
        }
        assert_eq!(shared.skipped.load(Ordering::Relaxed), 0);
        assert_eq!(shared.played.load(Ordering::Relaxed), 500 * FRAME as u64);
        // Too loud together: turned down, nothing wraps around.
        one.push(&[i16::MAX; FRAME]);
        two.push(&[i16::MAX; FRAME]);
        assert!(mixed(&mut source).iter().all(|s| (0.0..=1.0).contains(s)));
    }

    #[test]
    fn what_is_played_is_seen_in_whole_frames_whatever_the_device_takes_at_once() {
        for rate in [48_000, 44_100] {
            let (sees, seen) = std::sync::mpsc::channel();
            let shared = Arc::new(PlaybackShared::default());
            let on_played: OnFrame = Box::new(move |frame| sees.send(frame.to_vec()).unwrap());
            let (mut speaker, mut source) = mixer(&shared, Some(on_played)).unwrap();
            source.set_rate(rate).unwrap();
            let mut voice = speaker.voice().unwrap();
            (0..7).for_each(|_| voice.push(&[8_000; FRAME]));
            let mut heard = Vec::new();
            for part in [1, FRAME / 2, FRAME, FRAME + 7, FRAME] {
                let mut out = vec![0.0; part];
                source.fill(&mut out);
                heard.extend(out);
            }
            let seen: Vec<i16> = seen.try_iter().flatten().collect();
            assert!(seen.len() >= heard.len() / FRAME * FRAME, "{rate}: {}", seen.len());
            assert!(seen[1_000..].iter().all(|s| (s - 8_000).abs() < 40), "{rate}: {:?}", &seen[1_000..]);
            if rate == SAMPLE_RATE {
                let heard: Vec<i16> = heard.into_iter().map(to_i16).collect();
                assert_eq!(seen, heard[..seen.len()]);
            }
        }
    }

    #[test]
    fn a_voice_that_ends_is_played_to_its_end_and_makes_room() {
        let (mut speaker, voice, mut source, shared) = pair();
        drop(voice);
        mixed(&mut source);
        // More than can be mixed at once come and go, one after another; each short rest is heard.
        for n in 0..100 {
            let mut voice = speaker.voice().unwrap();
            voice.push(&[n + 1_000; FRAME / 2]);
            drop(voice);
            let out = mixed(&mut source);
            assert!(out[FRAME / 4..FRAME / 2].iter().all(|s| (s - from_i16(n + 1_000)).abs() < 1e-4));
        }
        assert_eq!(shared.played.load(Ordering::Relaxed), 100 * FRAME as u64 / 2);
        assert_eq!(shared.underruns.load(Ordering::Relaxed), 0, "an end is no gap");
        // And not more than that at once.
        let held: Vec<_> = (0..VOICES).map_while(|_| speaker.voice()).collect();
        mixed(&mut source);
        assert_eq!(held.len(), VOICES);
        let waiting: Vec<_> = (0..VOICES).map_while(|_| speaker.voice()).collect();
        mixed(&mut source);
        assert!(speaker.voice().is_none());
        drop((held, waiting));
    }

    /// Plays for `seconds` on a device whose clock is off by `ppm`; what waits at least and at most in the second half, in samples.
    fn drifts(ppm: f64, seconds: u32) -> (usize, usize, u64, u64) {
        let (_speaker, mut voice, mut source, shared) = pair();
        let mut device = 0.0_f64;
        let (mut low, mut high) = (usize::MAX, 0);
        let mut out = [0.0; FRAME / 2];
        for tick in 0..seconds * 100 {
            let now = f64::from(tick) * 0.010;
            voice.push(&[1_000; FRAME]);
            // The device takes 5 ms at a time, by its own clock.
            while device < now + 0.010 {
                device += 0.005 * (1.0 - ppm * 1e-6);
                source.fill(&mut out);
                if tick > seconds * 50 {
                    let waits = RING - voice.ring.slots();
                    (low, high) = (low.min(waits), high.max(waits));
                }
            }
        }
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        (low, high, count(&shared.underruns), count(&shared.skipped))
    }

    #[test]
    fn clocks_that_differ_cost_no_gap_no_skip_and_no_delay() {
        for ppm in [-300.0, -50.0, 0.0, 50.0, 300.0] {
            let (low, high, underruns, skipped) = drifts(ppm, 120);
            assert_eq!((underruns, skipped), (0, 0), "{ppm} ppm: {low} to {high} samples wait");
            // 10 ms come at once; the rest is the loop's.
            assert!(high < FRAME + MARGIN + 480, "{ppm} ppm: {low} to {high} samples wait");
        }
    }
}
