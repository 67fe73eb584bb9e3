//! The device check: what is found of microphone and loudspeaker before the interviewer finds it.

use std::sync::Arc;
use std::time::Duration;

use adjourn_audio::{Ear, FRAME, Heard, SAMPLE_RATE, SILENCE_DBFS};
use adjourn_protocol::Checked;
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
    state: SampleState,
}

impl SoundCheck {
    /// Another microphone is opened: what was found of the last one says nothing of it.
    pub(crate) fn another_microphone(&mut self) {
        self.since = Some(self.ear.heard());
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
    }

    /// The candidate's answer to whether it was heard.
    pub(crate) fn chime_was_heard(&mut self, heard: bool) {
        if self.played {
            self.heard = Some(heard);
        }
    }

    /// The candidate's voice is recorded from now on.
    pub(crate) fn record(&mut self) {
        self.sample.begin();
        self.state = SampleState::Recording;
    }

    /// What was recorded, once it is whole: it is played now.
    pub(crate) fn play(&mut self, now: Instant) -> Option<Vec<i16>> {
        if self.sample_until.is_some_and(|until| now >= until) {
            (self.sample_until, self.state) = (None, SampleState::None);
        }
        if self.state != SampleState::Recording {
            return None;
        }
        let sample = self.sample.take_whole()?;
        let length = Duration::from_millis((sample.len() / (SAMPLE_RATE as usize / 1_000)) as u64);
        (self.sample_until, self.state) = (Some(now + length), SampleState::Playing);
        Some(sample)
    }

    /// What is shown now. `not_heard`, `hears_nothing`: what is known to be wrong with microphone and loudspeaker.
    pub(crate) fn findings(
        &mut self,
        not_heard: Option<Message>,
        hears_nothing: Option<Message>,
        now: Instant,
    ) -> SoundFindings {
        let heard = self.ear.heard();
        if let Some((before, until)) = self.chime {
            self.echo = self.echo.max(heard.chime - before.max(heard.noise - ECHO_DB));
            if now >= until {
                self.chime = None;
            }
        }
        SoundFindings {
            microphone: self.of_microphone(not_heard, heard),
            loudspeaker: self.of_loudspeaker(hears_nothing),
            asking: self.played && self.heard.is_none() && self.chime.is_none(),
            sample: self.state,
        }
    }

    fn of_microphone(&self, not_heard: Option<Message>, heard: Heard) -> Finding {
        let of = |counter: fn(&Heard) -> u64| counter(&heard) - self.since.as_ref().map_or(0, counter);
        let (verdict, text) = if let Some(reason) = not_heard {
            (Verdict::Bad, reason)
        } else if of(|heard| heard.clipped) >= CUT_OFF_FRAMES {
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

    fn of_loudspeaker(&self, hears_nothing: Option<Message>) -> Finding {
        if let Some(text) = hears_nothing {
            return Finding { verdict: Verdict::Bad, text };
        }
        let (verdict, text) = match self.heard {
            Some(false) => (Verdict::Bad, Message::ChimeNotHeard),
            Some(true) if self.echo >= ECHO_DB => (Verdict::Warning, Message::EchoHeard),
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
        check.findings(None, None, Instant::now()).microphone.text
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
        let muted =
            check.findings(Some(Message::MutedInSystem), Some(Message::LoudspeakerMuted), Instant::now());
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
        assert!(!check.findings(None, None, start).asking, "nothing was played");
        for (quieter, verdict) in [(1_000_000, Verdict::Good), (4, Verdict::Warning)] {
            check.chimes(start);
            for frame in adjourn_audio::chime() {
                listener.take(&frame.map(|sample| (i32::from(sample) / quieter) as i16));
                check.findings(None, None, start);
            }
            check.findings(None, None, start + CHIME);
            assert!(check.findings(None, None, start + CHIME).asking);
            check.chime_was_heard(true);
            let found = check.findings(None, None, start + CHIME);
            assert_eq!((found.loudspeaker.verdict, found.asking), (verdict, false));
        }
        check.chime_was_heard(false);
        assert_eq!(check.findings(None, None, start).loudspeaker.text, Message::ChimeNotHeard);
        check.another_loudspeaker();
        assert_eq!(check.findings(None, None, start).loudspeaker.text, Message::PlayTheChime);
    }

    #[test]
    fn three_seconds_are_recorded_and_played() {
        let mut check = SoundCheck::default();
        let start = Instant::now();
        check.sample.push(&VOICE);
        assert!(check.play(start).is_none());
        check.record();
        (0..299).for_each(|_| check.sample.push(&VOICE));
        assert!(check.play(start).is_none());
        (0..50).for_each(|_| check.sample.push(&VOICE));
        assert_eq!(check.play(start).map(|sample| sample.len()), Some(SAMPLE));
        assert_eq!(check.findings(None, None, start).sample, SampleState::Playing);
        assert!(check.play(start + Duration::from_secs(3)).is_none());
        assert_eq!(check.findings(None, None, start).sample, SampleState::None);
    }
}
