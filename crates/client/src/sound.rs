//! Between the room's tracks and the sound card.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adjourn_audio::{FRAME, PlaybackHandle, SILENCE_DBFS, VoiceQueue};
use adjourn_room::{Microphone, Sound, SoundKind};
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Above this the interviewer counts as audible (design: -50 dBFS).
const AUDIBLE_DBFS: f32 = -50.0;
/// Without a frame for this long there is no sound, whatever the last frame was.
const SOUND_GAP: Duration = Duration::from_millis(200);

/// Where captured frames go: the room that is entered now, if any. Written by the loop, read by the
/// capture's own thread.
#[derive(Clone, Default)]
pub(crate) struct MicrophoneRoute {
    room: Arc<Mutex<Option<Microphone>>>,
    /// Nothing goes anywhere.
    held: Arc<AtomicBool>,
}

impl MicrophoneRoute {
    pub(crate) fn set(&self, microphone: Option<Microphone>) {
        *self.room.lock() = microphone;
    }

    /// Whether frames are held back from now on.
    pub(crate) fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    pub(crate) fn push(&self, frame: &[i16; FRAME]) {
        fail::fail_point!("capture");
        if self.is_held() {
            return;
        }
        let microphone = self.room.lock().clone();
        if let Some(microphone) = microphone {
            microphone.push(frame);
        }
    }
}

/// Who is heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floor {
    /// Identity of the interviewer; its avatar speaks for it. Their voice is what counts as audible.
    pub(crate) identity: Option<String>,
    /// Identities of interviewers that were lost, in whose place another one comes: they are not heard, whoever else is.
    pub(crate) unheard: Vec<String>,
    /// Others are heard as well.
    pub(crate) guests: bool,
    /// The interviewer left, and the persons in the room go on: their voices count.
    pub(crate) persons: bool,
}

/// Where received frames go: the loudspeaker that is open now, if any, one queue for each track.
#[derive(Clone, Default)]
pub(crate) struct SpeakerRoute(Arc<Mutex<Route>>);

#[derive(Default)]
struct Route {
    speaker: Option<PlaybackHandle>,
    floor: Floor,
    /// By a number of their own: a track may come again under its id before its end is noticed.
    tracks: HashMap<u64, Track>,
    next: u64,
}

/// One track that is received.
struct Track {
    speaks_for: String,
    kind: SoundKind,
    queue: Option<VoiceQueue>,
    last: Option<(Instant, f32)>,
}

impl Track {
    fn level(&self) -> f32 {
        match self.last {
            Some((at, level)) if at.elapsed() < SOUND_GAP => level,
            Some(_) | None => SILENCE_DBFS,
        }
    }
}

impl Floor {
    fn has(&self, track: &Track) -> bool {
        (self.persons || self.identity.as_ref() == Some(&track.speaks_for)) && !self.shuts_out(track)
    }

    fn hears(&self, track: &Track) -> bool {
        self.has(track) || self.guests && !self.shuts_out(track)
    }

    fn shuts_out(&self, track: &Track) -> bool {
        self.unheard.contains(&track.speaks_for)
    }
}

impl SpeakerRoute {
    pub(crate) fn set(&self, speaker: Option<PlaybackHandle>) {
        let mut route = self.0.lock();
        route.speaker = speaker;
        route.tracks.values_mut().for_each(|track| track.queue = None);
    }

    /// Says who is heard from now on.
    pub(crate) fn give_floor(&self, floor: Floor) {
        self.0.lock().floor = floor;
    }

    fn begin(&self, sound: &Sound) -> u64 {
        let track = Track { speaks_for: sound.speaks_for.clone(), kind: sound.kind, queue: None, last: None };
        let mut route = self.0.lock();
        route.next += 1;
        let id = route.next;
        route.tracks.insert(id, track);
        id
    }

    fn end(&self, track: u64) {
        self.0.lock().tracks.remove(&track);
    }

    /// A frame of a track. Nobody hears it unless its publisher has the floor, or guests are heard.
    fn push(&self, id: u64, frame: &[i16]) {
        let mut route = self.0.lock();
        let Route { speaker, floor, tracks, .. } = &mut *route;
        let Some(track) = tracks.get_mut(&id) else { return };
        track.last = Some((Instant::now(), adjourn_audio::dbfs(frame)));
        if !floor.hears(track) {
            track.queue = None;
            return;
        }
        if track.queue.as_ref().is_none_or(VoiceQueue::is_closed) {
            track.queue = speaker.as_mut().and_then(PlaybackHandle::voice);
        }
        if let Some(queue) = &mut track.queue {
            queue.push(frame);
        }
    }

    /// A sound of our own.
    pub(crate) fn own_voice(&self) -> Option<VoiceQueue> {
        self.0.lock().speaker.as_mut().and_then(PlaybackHandle::voice)
    }

    /// Level of what is played now, dBFS: of the loudest.
    pub(crate) fn level(&self) -> f32 {
        let route = self.0.lock();
        let heard = route.tracks.values().filter(|track| route.floor.hears(track));
        heard.map(Track::level).fold(SILENCE_DBFS, f32::max)
    }

    /// Whether the voice that has the floor is heard. Music beside it is no word of theirs.
    pub(crate) fn audible(&self) -> bool {
        let route = self.0.lock();
        let mut voices = route.tracks.values().filter(|t| t.kind == SoundKind::Voice && route.floor.has(t));
        voices.any(|track| track.level() > AUDIBLE_DBFS)
    }

    pub(crate) fn buffered(&self) -> Duration {
        let route = self.0.lock();
        let queues = route.tracks.values().filter_map(|track| track.queue.as_ref());
        Duration::from_millis(queues.map(VoiceQueue::buffered_ms).max().unwrap_or(0))
    }
}

/// Plays a sound of our own, beside the loop.
pub(crate) fn play_frames(mut speaker: VoiceQueue, frames: Vec<[i16; FRAME]>) {
    tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        for frame in frames {
            pace.tick().await;
            speaker.push(&frame);
        }
    });
}

/// Plays one track to its end.
pub(crate) async fn play(mut sound: Sound, route: SpeakerRoute) {
    let id = route.begin(&sound);
    while let Some(frame) = sound.frames.next().await {
        fail::fail_point!("sound");
        route.push(id, &frame);
    }
    route.end(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(track: &str, speaks_for: &str, kind: SoundKind, frames: Vec<Vec<i16>>) -> Sound {
        Sound {
            sid: format!("PA_{track}"),
            speaks_for: speaks_for.to_owned(),
            track: track.to_owned(),
            kind,
            frames: futures_util::stream::iter(frames).boxed(),
        }
    }

    #[test]
    fn only_the_voice_that_has_the_floor_is_audible() {
        let route = SpeakerRoute::default();
        let loud = vec![10_000_i16; FRAME];
        let tracks = [
            ("voice", "agent", SoundKind::Voice),
            ("music", "agent", SoundKind::Background),
            ("guest", "maria", SoundKind::Voice),
        ];
        let [voice, music, guest] =
            tracks.map(|(track, who, kind)| route.begin(&sound(track, who, kind, Vec::new())));
        route.give_floor(Floor { identity: Some("agent".into()), ..Floor::default() });
        route.push(guest, &loud);
        assert!(!route.audible() && route.level() < -100.0, "a guest is not heard");
        route.push(music, &loud);
        assert!(!route.audible() && route.level() > -20.0, "music is heard, and is no word");
        route.push(voice, &loud);
        assert!(route.audible());
        // The interviewer left, and a person goes on.
        route.end(voice);
        assert!(!route.audible());
        route.give_floor(Floor { identity: Some("agent".into()), persons: true, ..Floor::default() });
        assert!(route.audible());
        route.end(guest);
        assert!(!route.audible());
    }

    #[test]
    fn one_that_was_lost_is_heard_no_more_whoever_else_is() {
        let route = SpeakerRoute::default();
        let [lost, next] =
            ["agent-1", "agent-2"].map(|who| route.begin(&sound(who, who, SoundKind::Voice, Vec::new())));
        let unheard = vec!["agent-1".to_owned()];
        for (guests, persons) in [(false, false), (true, false), (false, true), (true, true)] {
            let identity = Some("agent-2".to_owned());
            route.give_floor(Floor { identity, unheard: unheard.clone(), guests, persons });
            route.push(lost, &vec![10_000_i16; FRAME]);
            assert!(!route.audible() && route.level() < -100.0, "{guests} {persons}");
        }
        route.push(next, &vec![10_000_i16; FRAME]);
        assert!(route.audible());
    }

    #[tokio::test]
    async fn a_track_that_ended_is_forgotten() {
        let route = SpeakerRoute::default();
        route.give_floor(Floor { identity: Some("agent".into()), ..Floor::default() });
        let frames = vec![vec![10_000_i16; FRAME]; 3];
        play(sound("voice", "agent", SoundKind::Voice, frames), route.clone()).await;
        assert!(!route.audible() && route.0.lock().tracks.is_empty());
    }
}
