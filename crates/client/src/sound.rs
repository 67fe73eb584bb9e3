//! Between the room's tracks and the sound card.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adjourn_audio::{FRAME, Speaker};
use adjourn_room::{Microphone, Sound};
use futures_util::StreamExt as _;
use parking_lot::Mutex;

/// Above this the interviewer counts as audible (design: -50 dBFS).
const AUDIBLE_DBFS: f32 = -50.0;
/// Without a frame for this long there is no sound, whatever the last frame was.
const SOUND_GAP: Duration = Duration::from_millis(200);

/// Where captured frames go: the room that is entered now, if any. Written by the loop, read by the
/// capture's own thread.
#[derive(Clone, Default)]
pub(crate) struct MicrophoneRoute(Arc<Mutex<Option<Microphone>>>);

impl MicrophoneRoute {
    pub(crate) fn set(&self, microphone: Option<Microphone>) {
        *self.0.lock() = microphone;
    }
    pub(crate) fn push(&self, frame: &[i16; FRAME]) {
        fail::fail_point!("capture");
        let microphone = self.0.lock().clone();
        if let Some(microphone) = microphone {
            microphone.push(frame);
        }
    }
}

/// Where received frames go: the loudspeaker that is open now, if any.
#[derive(Clone, Default)]
pub(crate) struct SpeakerRoute(Arc<Mutex<Route>>);

#[derive(Default)]
struct Route {
    speaker: Option<Speaker>,
    last: Option<(Instant, f32)>,
}

impl SpeakerRoute {
    pub(crate) fn set(&self, speaker: Option<Speaker>) {
        self.0.lock().speaker = speaker;
    }

    pub(crate) fn push(&self, frame: &[i16]) {
        let mut route = self.0.lock();
        route.last = Some((Instant::now(), adjourn_audio::dbfs(frame)));
        if let Some(speaker) = &mut route.speaker {
            speaker.push(frame);
        }
    }

    /// Level of what is played now, dBFS.
    pub(crate) fn level(&self) -> f32 {
        match self.0.lock().last {
            Some((at, level)) if at.elapsed() < SOUND_GAP => level,
            Some(_) | None => -120.0,
        }
    }

    pub(crate) fn audible(&self) -> bool {
        self.level() > AUDIBLE_DBFS
    }

    pub(crate) fn buffered(&self) -> Duration {
        Duration::from_millis(self.0.lock().speaker.as_ref().map_or(0, Speaker::buffered_ms))
    }
}

/// Plays one track to its end.
pub(crate) async fn play(mut sound: Sound, route: SpeakerRoute) {
    while let Some(frame) = sound.frames.next().await {
        fail::fail_point!("sound");
        route.push(&frame);
    }
}
