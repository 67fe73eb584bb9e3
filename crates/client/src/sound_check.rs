//! The device check: what is found of microphone and loudspeaker before the interviewer finds it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use adjourn_audio::{Ear, FRAME, Heard, SAMPLE_RATE, SILENCE_DBFS};
use adjourn_protocol::{Checked, DeviceCheck};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use ts_rs::TS;

use crate::Message;

/// A voice that was heard for so long is one.
const VOICE_FRAMES: u64 = 30;
/// So many frames with samples that were cut off are no accident.
const CUT_OFF_FRAMES: u64 = 5;
/// A room that is louder than this drowns quiet words (a voice into a laptop's microphone is at -40 to -20).
const LOUD_ROOM_DBFS: f32 = -42.0;
/// Where the microphone hears the chime so much above its own noise, it hears the interviewer, too.
const ECHO_DB: f32 = 12.0;
/// The chime, and what a Bluetooth loudspeaker is late by.
const CHIME: Duration = Duration::from_millis(1_200);
/// What a room still echoes of a sound, and a device still plays of it.
const ROOM: Duration = Duration::from_millis(300);
/// What was cut off longer ago is forgotten: whoever turned the microphone down has said a sentence since.
const LATELY: Duration = Duration::from_secs(6);
/// A recording of three seconds that takes longer comes to nothing.
const SAMPLE_LIMIT: Duration = Duration::from_secs(6);
/// What is recorded to be listened to.
const SAMPLE: usize = SAMPLE_RATE as usize * 3;

/// How something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "Verdict.ts")]
pub enum Verdict {
    /// Not known yet.
    #[default]
    Open,
    /// It works.
    Good,
    /// It works, and could be better.
    Warning,
    /// It does not work.
    Bad,
}

impl From<Verdict> for Checked {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Open => Self::NotTried,
            Verdict::Good => Self::Good,
            Verdict::Warning => Self::Warning,
            Verdict::Bad => Self::Bad,
        }
    }
}

/// What was found, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "Finding.ts")]
pub struct Finding {
    /// How it is.
    pub verdict: Verdict,
    /// In words.
    pub text: Message,
}

/// The candidate's own voice, to be listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export, export_to = "SampleState.ts")]
pub enum SampleState {
    /// Nothing was recorded.
    #[default]
    None,
    /// It is being recorded.
    Recording,
    /// It is being played.
    Playing,
}

/// What the device check shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "SoundFindings.ts")]
pub struct SoundFindings {
    /// Of the microphone.
    pub microphone: Finding,
    /// Of the loudspeaker.
    pub loudspeaker: Finding,
    /// The candidate is asked whether the chime was heard.
    pub asking: bool,
    /// The candidate's own voice.
    pub sample: SampleState,
}

impl Default for SoundFindings {
    fn default() -> Self {
        let open = |text| Finding { verdict: Verdict::Open, text };
        Self {
            microphone: open(Message::SayAFewWords),
            loudspeaker: open(Message::PlayTheChime),
            asking: false,
            sample: SampleState::None,
        }
    }
}

/// The candidate's own voice, as it would be sent; filled by the thread that works on frames. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Arc<Mutex<Option<Vec<i16>>>>);

impl Sample {
    fn begin(&self) {
        *self.0.lock() = Some(Vec::with_capacity(SAMPLE));
    }

    pub(crate) fn push(&self, frame: &[i16; FRAME]) {
        if let Some(sample) = self.0.lock().as_mut().filter(|sample| sample.len() < SAMPLE) {
            sample.extend_from_slice(frame);
        }
    }

    fn take_whole(&self) -> Option<Vec<i16>> {
        self.0.lock().take_if(|sample| sample.len() >= SAMPLE)
    }

    fn forget(&self) {
        *self.0.lock() = None;
    }
}

/// What is known of the devices, besides what is heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Why nobody hears the candidate.
    pub(crate) not_heard: Option<Message>,
    /// Why they hear nobody.
    pub(crate) hears_nothing: Option<Message>,
    /// What the loudspeaker plays is taken out of what the microphone hears.
    pub(crate) echo_is_cancelled: bool,
}

/// While a sound of ours is played, what the microphone hears is no voice.
#[derive(Debug)]
struct Deaf {
    speech_before: u64,
    until: Instant,
}

/// The check, as it goes.
#[derive(Debug, Default)]
pub(crate) struct SoundCheck {
    pub(crate) ear: Ear,
    pub(crate) sample: Sample,
    /// Counters when the microphone that is open now was opened.
    since: Option<Heard>,
    /// How loud the chime's notes were before it was played, and until when it is listened to.
    chime: Option<(f32, Instant)>,
    /// The loudest that it was heard at the microphone, above that.
    echo: f32,
    played: bool,
    heard: Option<bool>,
    sample_until: Option<Instant>,
    /// When the recording began.
    recording: Option<Instant>,
    state: SampleState,
    deaf: Option<Deaf>,
    /// Frames that were taken for a voice and were our own.
    ours: u64,
    /// Frames that were cut off, as counted at each look of the last seconds.
    lately: VecDeque<(Instant, u64)>,
    shown: SoundFindings,
    kept: DeviceCheck,
}

impl SoundCheck {
    /// Another microphone is opened: what was found of the last one says nothing of it.
    pub(crate) fn another_microphone(&mut self) {
        let heard = self.ear.heard();
        if let Some(deaf) = &mut self.deaf {
            // What was ours until now belongs to the last one.
            self.ours += heard.speech.saturating_sub(deaf.speech_before);
            deaf.speech_before = heard.speech;
        }
        self.since = Some(Heard { speech: heard.speech.saturating_sub(self.ours), ..heard });
        self.lately.clear();
        self.sample.forget();
        self.state = SampleState::None;
    }

    /// Another loudspeaker is opened.
    pub(crate) fn another_loudspeaker(&mut self) {
        (self.chime, self.echo, self.played, self.heard) = (None, 0.0, false, None);
    }

    /// The chime is played now.
    pub(crate) fn chimes(&mut self, now: Instant) {
        self.chime = Some((self.ear.heard().chime.max(SILENCE_DBFS), now + CHIME));
        (self.echo, self.played, self.heard) = (0.0, true, None);
        self.plays(now + CHIME);
    }

    /// A sound of ours is played until then.
    fn plays(&mut self, until: Instant) {
        let until = until + ROOM;
        let speech = self.ear.heard().speech;
        let deaf = self.deaf.get_or_insert(Deaf { speech_before: speech, until });
        deaf.until = deaf.until.max(until);
    }

    /// Whether the microphone hears the loudspeaker.
    pub(crate) fn hears_itself(&self) -> bool {
        self.echo >= ECHO_DB
    }

    /// The candidate's answer to whether it was heard.
    pub(crate) fn chime_was_heard(&mut self, heard: bool) {
        if self.played {
            self.heard = Some(heard);
        }
    }

    /// The candidate's voice is recorded from now on.
    pub(crate) fn record(&mut self, now: Instant) {
        self.sample.begin();
        (self.recording, self.state) = (Some(now), SampleState::Recording);
    }

    /// What was recorded, once it is whole: it is played now.
    pub(crate) fn play(&mut self, now: Instant) -> Option<Vec<i16>> {
        if self.sample_until.is_some_and(|until| now >= until) {
            (self.sample_until, self.state) = (None, SampleState::None);
        }
        if self.state != SampleState::Recording {
            return None;
        }
        if self.recording.is_some_and(|began| now.duration_since(began) > SAMPLE_LIMIT) {
            // The microphone gives nothing (any more), which is said elsewhere.
            self.sample.forget();
            self.state = SampleState::None;
            return None;
        }
        let sample = self.sample.take_whole()?;
        let length = Duration::from_millis((sample.len() / (SAMPLE_RATE as usize / 1_000)) as u64);
        (self.sample_until, self.state) = (Some(now + length), SampleState::Playing);
        self.plays(now + length);
        Some(sample)
    }

    /// Looks at what was found.
    pub(crate) fn look(&mut self, known: Known, now: Instant) {
        self.shown = self.findings(known, now);
    }

    /// What is shown.
    pub(crate) fn shown(&self) -> &SoundFindings {
        &self.shown
    }

    /// The candidate goes on: what was found is kept for the record.
    pub(crate) fn keep(&mut self) {
        let SoundFindings { microphone, loudspeaker, .. } = &self.shown;
        let (microphone, loudspeaker) = (microphone.verdict.into(), loudspeaker.verdict.into());
        self.kept = DeviceCheck { microphone, loudspeaker, ..DeviceCheck::default() };
    }

    /// What had been found.
    pub(crate) fn kept(&self) -> DeviceCheck {
        self.kept
    }

    /// What is to be shown now.
    fn findings(&mut self, known: Known, now: Instant) -> SoundFindings {
        let mut heard = self.ear.heard();
        // Our own sounds are nobody's voice.
        if let Some(deaf) = &mut self.deaf {
            let ours = heard.speech.saturating_sub(deaf.speech_before);
            if now >= deaf.until {
                self.ours += ours;
                self.deaf = None;
            } else {
                heard.speech -= ours;
            }
        }
        heard.speech = heard.speech.saturating_sub(self.ours);
        self.lately.push_back((now, heard.clipped));
        while self.lately.front().is_some_and(|(at, _)| now.duration_since(*at) > LATELY) {
            self.lately.pop_front();
        }
        if let Some((before, until)) = self.chime {
            self.echo = self.echo.max(heard.chime - before.max(heard.noise - ECHO_DB));
            if now >= until {
                self.chime = None;
            }
        }
        SoundFindings {
            microphone: self.of_microphone(known.not_heard, heard),
            loudspeaker: self.of_loudspeaker(known.hears_nothing, known.echo_is_cancelled),
            asking: self.played && self.heard.is_none() && self.chime.is_none(),
            sample: self.state,
        }
    }

    fn of_microphone(&self, not_heard: Option<Message>, heard: Heard) -> Finding {
        let of = |counter: fn(&Heard) -> u64| {
            counter(&heard).saturating_sub(self.since.as_ref().map_or(0, counter))
        };
        // What was turned down since is not cut off any more.
        let cut_off = self.lately.front().map_or(0, |(_, before)| heard.clipped.saturating_sub(*before));
        let (verdict, text) = if let Some(reason) = not_heard {
            (Verdict::Bad, reason)
        } else if cut_off >= CUT_OFF_FRAMES {
            (Verdict::Warning, Message::VoiceCutOff)
        } else if heard.noise > LOUD_ROOM_DBFS {
            (Verdict::Warning, Message::RoomIsLoud)
        } else if of(|heard| heard.speech) >= VOICE_FRAMES {
            (Verdict::Good, Message::HearYou)
        } else {
            (Verdict::Open, Message::SayAFewWords)
        };
        Finding { verdict, text }
    }

    fn of_loudspeaker(&self, hears_nothing: Option<Message>, echo_is_cancelled: bool) -> Finding {
        if let Some(text) = hears_nothing {
            return Finding { verdict: Verdict::Bad, text };
        }
        let (verdict, text) = match self.heard {
            Some(false) => (Verdict::Bad, Message::ChimeNotHeard),
            Some(true) if self.hears_itself() && echo_is_cancelled => (Verdict::Warning, Message::EchoHeard),
            Some(true) if self.hears_itself() => (Verdict::Warning, Message::EchoStays),
            Some(true) => (Verdict::Good, Message::ChimeHeard),
            None if self.played => (Verdict::Open, Message::DidYouHearIt),
            None => (Verdict::Open, Message::PlayTheChime),
        };
        Finding { verdict, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: [i16; FRAME] = [6_000; FRAME];
    const ROOM: [i16; FRAME] = [20; FRAME];

    fn microphone(check: &mut SoundCheck) -> Message {
        check.findings(Known::default(), Instant::now()).microphone.text
    }

    #[test]
    fn a_voice_is_heard_and_another_microphone_has_to_hear_it_too() {
        let mut check = SoundCheck::default();
        let mut listener = check.ear.listener();
        check.another_microphone();
        assert_eq!(microphone(&mut check), Message::SayAFewWords);
        (0..50).for_each(|_| listener.take(&ROOM));
        (0..100).for_each(|_| listener.take(&VOICE));
        assert_eq!(microphone(&mut check), Message::HearYou);
        check.another_microphone();
        assert_eq!(microphone(&mut check), Message::SayAFewWords);
        (0..10).for_each(|_| listener.take(&[i16::MAX; FRAME]));
        assert_eq!(microphone(&mut check), Message::VoiceCutOff);
        let muted = check.findings(
            Known {
                not_heard: Some(Message::MutedInSystem),
                hears_nothing: Some(Message::LoudspeakerMuted),
                ..Known::default()
            },
            Instant::now(),
        );
        assert_eq!(muted.microphone.text, Message::MutedInSystem);
        assert_eq!(
            (muted.loudspeaker.verdict, muted.loudspeaker.text),
            (Verdict::Bad, Message::LoudspeakerMuted)
        );
    }

    #[test]
    fn the_chime_is_asked_about_and_its_echo_is_found() {
        let mut check = SoundCheck::default();
        let mut listener = check.ear.listener();
        (0..50).for_each(|_| listener.take(&ROOM));
        let start = Instant::now();
        check.chime_was_heard(true);
        assert!(!check.findings(Known::default(), start).asking, "nothing was played");
        for (quieter, verdict) in [(1_000_000, Verdict::Good), (4, Verdict::Warning)] {
            check.chimes(start);
            for frame in adjourn_audio::chime() {
                listener.take(&frame.map(|sample| (i32::from(sample) / quieter) as i16));
                check.findings(Known::default(), start);
            }
            check.findings(Known::default(), start + CHIME);
            assert!(check.findings(Known::default(), start + CHIME).asking);
            check.chime_was_heard(true);
            let found = check.findings(Known::default(), start + CHIME);
            assert_eq!((found.loudspeaker.verdict, found.asking), (verdict, false));
        }
        check.chime_was_heard(false);
        assert_eq!(check.findings(Known::default(), start).loudspeaker.text, Message::ChimeNotHeard);
        check.another_loudspeaker();
        assert_eq!(check.findings(Known::default(), start).loudspeaker.text, Message::PlayTheChime);
    }

    #[test]
    fn our_own_chime_is_nobodys_voice() {
        let mut check = SoundCheck::default();
        let mut listener = check.ear.listener();
        check.another_microphone();
        let start = Instant::now();
        (0..50).for_each(|_| listener.take(&ROOM));
        check.chimes(start);
        for frame in adjourn_audio::chime() {
            listener.take(&frame);
        }
        let at = |check: &mut SoundCheck, ms| {
            check.findings(Known::default(), start + Duration::from_millis(ms)).microphone.text
        };
        assert!(check.ear.heard().speech >= VOICE_FRAMES, "it would be taken for one");
        assert_eq!(at(&mut check, 700), Message::SayAFewWords);
        assert_eq!(at(&mut check, 1_600), Message::SayAFewWords);
        (0..60).for_each(|_| listener.take(&ROOM));
        (0..100).for_each(|_| listener.take(&VOICE));
        assert_eq!(at(&mut check, 3_000), Message::HearYou);
    }

    #[test]
    fn another_microphone_while_our_own_sound_is_played_has_heard_nobody() {
        let mut check = SoundCheck::default();
        let mut listener = check.ear.listener();
        check.another_microphone();
        let start = Instant::now();
        (0..50).for_each(|_| listener.take(&ROOM));
        check.chimes(start);
        for frame in adjourn_audio::chime() {
            listener.take(&frame);
        }
        // A sample is played for longer than the chime.
        check.plays(start + Duration::from_secs(3));
        check.another_microphone();
        let at = |check: &mut SoundCheck, ms| {
            check.findings(Known::default(), start + Duration::from_millis(ms)).microphone.text
        };
        for ms in [800, 1_600, 2_900, 3_400, 5_000] {
            assert_eq!(at(&mut check, ms), Message::SayAFewWords, "{ms}");
        }
    }

    #[test]
    fn who_turns_the_microphone_down_is_told_that_it_is_right_now() {
        let mut check = SoundCheck::default();
        let mut listener = check.ear.listener();
        check.another_microphone();
        let start = Instant::now();
        let at = |check: &mut SoundCheck, s| {
            check.findings(Known::default(), start + Duration::from_secs(s)).microphone.text
        };
        at(&mut check, 0);
        (0..50).for_each(|_| listener.take(&ROOM));
        (0..100).for_each(|_| listener.take(&[i16::MAX; FRAME]));
        assert_eq!(at(&mut check, 1), Message::VoiceCutOff);
        (0..100).for_each(|_| listener.take(&VOICE));
        assert_eq!(at(&mut check, 5), Message::VoiceCutOff, "it was just now");
        assert_eq!(at(&mut check, 12), Message::HearYou);
    }

    #[test]
    fn three_seconds_are_recorded_and_played() {
        let mut check = SoundCheck::default();
        let start = Instant::now();
        check.sample.push(&VOICE);
        assert!(check.play(start).is_none());
        check.record(start);
        (0..299).for_each(|_| check.sample.push(&VOICE));
        assert!(check.play(start).is_none());
        (0..50).for_each(|_| check.sample.push(&VOICE));
        assert_eq!(check.play(start).map(|sample| sample.len()), Some(SAMPLE));
        assert_eq!(check.findings(Known::default(), start).sample, SampleState::Playing);
        assert!(check.play(start + Duration::from_secs(3)).is_none());
        assert_eq!(check.findings(Known::default(), start).sample, SampleState::None);
    }
}
