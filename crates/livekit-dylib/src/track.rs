//! Tracks and their publications.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::audio::{RtcAudioSource, RtcAudioTrack};
use crate::handle::FfiHandle;
use crate::proto;
use crate::proto::ffi_event::Message as Event;
use crate::proto::ffi_request::Message as Request;
use crate::proto::ffi_response::Message as Response;
use crate::redact::redact;
use crate::room::{EngineError, RoomResult};
use crate::server;
use crate::stats::RtcStats;

/// Id of a published track; a republished one has a new one.
#[derive(Clone, Debug, Eq, Hash, PartialEq, PartialOrd, Ord)]
pub struct TrackSid(pub(crate) String);

impl TrackSid {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl From<TrackSid> for String {
    fn from(value: TrackSid) -> Self {
        value.0
    }
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum TrackKind {
    Audio,
    Video,
}

/// What a track is.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum TrackSource {
    Unknown,
    Camera,
    Microphone,
    Screenshare,
    ScreenshareAudio,
}

impl From<TrackSource> for proto::TrackSource {
    fn from(source: TrackSource) -> Self {
        match source {
            TrackSource::Unknown => Self::SourceUnknown,
            TrackSource::Camera => Self::SourceCamera,
            TrackSource::Microphone => Self::SourceMicrophone,
            TrackSource::Screenshare => Self::SourceScreenshare,
            TrackSource::ScreenshareAudio => Self::SourceScreenshareAudio,
        }
    }
}
impl From<proto::TrackSource> for TrackSource {
    fn from(source: proto::TrackSource) -> Self {
        match source {
            proto::TrackSource::SourceUnknown => Self::Unknown,
            proto::TrackSource::SourceCamera => Self::Camera,
            proto::TrackSource::SourceMicrophone => Self::Microphone,
            proto::TrackSource::SourceScreenshare => Self::Screenshare,
            proto::TrackSource::SourceScreenshareAudio => Self::ScreenshareAudio,
        }
    }
}

fn kind(kind: proto::TrackKind) -> TrackKind {
    match kind {
        proto::TrackKind::KindVideo => TrackKind::Video,
        // The SDK never gives a track without a kind; audio is all we would do with one.
        proto::TrackKind::KindAudio | proto::TrackKind::KindUnknown => TrackKind::Audio,
    }
}

/// A microphone track of ours.
#[derive(Clone)]
pub struct LocalAudioTrack {
    handle: Arc<FfiHandle>,
    /// Keeps the source alive as long as the track.
    source: RtcAudioSource,
}

impl fmt::Debug for LocalAudioTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAudioTrack").finish_non_exhaustive()
    }
}

impl LocalAudioTrack {
    /// Makes a track that carries what `source` is fed. Without a loaded library the track is
    /// dead: publishing it fails.
    pub fn create_audio_track(name: &str, source: RtcAudioSource) -> Self {
        let request = Request::CreateAudioTrack(proto::CreateAudioTrackRequest {
            name: name.to_owned(),
            source_handle: source.handle_id(),
        });
        let handle = match server::request("create_audio_track", request) {
            Ok(Response::CreateAudioTrack(r)) => r.track.handle.id,
            Ok(_) | Err(_) => 0,
        };
        Self { handle: Arc::new(FfiHandle::new(handle)), source }
    }

    /// What feeds it.
    pub fn rtc_source(&self) -> RtcAudioSource {
        self.source.clone()
    }
    /// Stops sending sound; others see it within 2 ms on the server's side.
    pub fn mute(&self) {
        self.set_muted(true);
    }
    /// Sends sound again.
    pub fn unmute(&self) {
        self.set_muted(false);
    }
    fn set_muted(&self, mute: bool) {
        let request =
            Request::LocalTrackMute(proto::LocalTrackMuteRequest { track_handle: self.handle.id(), mute });
        if let Err(error) = server::request("local_track_mute", request) {
            tracing::warn!(%error, "the microphone track could not be muted or unmuted");
        }
    }
}

/// A track of ours.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LocalTrack {
    /// Sound.
    Audio(LocalAudioTrack),
}

impl LocalTrack {
    pub(crate) fn handle_id(&self) -> u64 {
        match self {
            Self::Audio(track) => track.handle.id(),
        }
    }
}

/// A track of ours as the server knows it.
#[derive(Clone)]
pub struct LocalTrackPublication {
    shared: Arc<LocalPublicationShared>,
}

struct LocalPublicationShared {
    sid: TrackSid,
    _handle: FfiHandle,
    _track: LocalTrack,
}

impl fmt::Debug for LocalTrackPublication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTrackPublication").field("sid", &self.sid()).finish()
    }
}

impl LocalTrackPublication {
    pub(crate) fn new(owned: proto::OwnedTrackPublication, track: LocalTrack) -> Self {
        Self {
            shared: Arc::new(LocalPublicationShared {
                sid: TrackSid(owned.info.sid),
                _handle: FfiHandle::new(owned.handle.id),
                _track: track,
            }),
        }
    }
    /// Id of the published track.
    pub fn sid(&self) -> TrackSid {
        self.shared.sid.clone()
    }
}

/// A track of somebody else as the server knows it.
#[derive(Clone)]
pub struct RemoteTrackPublication {
    shared: Arc<RemotePublicationShared>,
}

struct RemotePublicationShared {
    sid: TrackSid,
    name: String,
    kind: TrackKind,
    source: TrackSource,
    muted: RwLock<bool>,
    _handle: FfiHandle,
}

impl fmt::Debug for RemoteTrackPublication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteTrackPublication").field("sid", &self.sid()).finish()
    }
}

impl RemoteTrackPublication {
    pub(crate) fn new(owned: proto::OwnedTrackPublication) -> Self {
        Self {
            shared: Arc::new(RemotePublicationShared {
                kind: kind(owned.info.kind()),
                source: owned.info.source().into(),
                muted: RwLock::new(owned.info.muted),
                name: owned.info.name,
                sid: TrackSid(owned.info.sid),
                _handle: FfiHandle::new(owned.handle.id),
            }),
        }
    }
    pub(crate) fn set_muted(&self, muted: bool) {
        *self.shared.muted.write() = muted;
    }
    /// Id of the published track.
    pub fn sid(&self) -> TrackSid {
        self.shared.sid.clone()
    }
    /// The name that its publisher gave it.
    pub fn name(&self) -> String {
        self.shared.name.clone()
    }
    /// Sound or picture.
    pub fn kind(&self) -> TrackKind {
        self.shared.kind
    }
    /// What it is.
    pub fn source(&self) -> TrackSource {
        self.shared.source
    }
    /// Whether its publisher muted it.
    pub fn is_muted(&self) -> bool {
        *self.shared.muted.read()
    }
}

/// A published track, ours or another participant's.
#[derive(Debug, Clone)]
pub enum TrackPublication {
    /// Ours.
    Local(LocalTrackPublication),
    /// Somebody else's.
    Remote(RemoteTrackPublication),
}

impl TrackPublication {
    /// Id of the published track.
    pub fn sid(&self) -> TrackSid {
        match self {
            Self::Local(p) => p.sid(),
            Self::Remote(p) => p.sid(),
        }
    }
}

/// Somebody else's sound.
#[derive(Clone)]
pub struct RemoteAudioTrack {
    sid: TrackSid,
    rtc: RtcAudioTrack,
}

impl fmt::Debug for RemoteAudioTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteAudioTrack").field("sid", &self.sid).finish()
    }
}

impl RemoteAudioTrack {
    /// Id of the published track.
    pub fn sid(&self) -> TrackSid {
        self.sid.clone()
    }
    /// What [`crate::webrtc::audio_stream::native::NativeAudioStream`] reads.
    pub fn rtc_track(&self) -> RtcAudioTrack {
        self.rtc.clone()
    }
    /// Statistics of this track's reception.
    ///
    /// # Errors
    /// The library's text.
    pub async fn get_stats(&self) -> RoomResult<Vec<RtcStats>> {
        let pending = server::request_async("get_stats", |id| {
            Request::GetStats(proto::GetStatsRequest {
                track_handle: self.rtc.id(),
                request_async_id: Some(id),
            })
        })?;
        match pending.wait().await {
            Some(Event::GetStats(proto::GetStatsCallback { error: None, stats, .. })) => {
                Ok(stats.into_iter().map(Into::into).collect())
            }
            Some(Event::GetStats(proto::GetStatsCallback { error: Some(e), .. })) => {
                Err(EngineError::Internal(redact(&e)).into())
            }
            _ => Err(EngineError::Internal("the room is closed".to_owned()).into()),
        }
    }
}

/// Somebody else's picture; it is not decoded.
#[derive(Debug, Clone)]
pub struct RemoteVideoTrack {
    sid: TrackSid,
    _rtc: RtcAudioTrack,
}

/// Somebody else's track.
#[derive(Debug, Clone)]
pub enum RemoteTrack {
    /// Sound.
    Audio(RemoteAudioTrack),
    /// Picture.
    Video(RemoteVideoTrack),
}

impl RemoteTrack {
    pub(crate) fn new(owned: proto::OwnedTrack) -> Self {
        let kind = kind(owned.info.kind());
        let sid = TrackSid(owned.info.sid);
        let rtc = RtcAudioTrack::new(owned.handle.id);
        match kind {
            TrackKind::Audio => Self::Audio(RemoteAudioTrack { sid, rtc }),
            TrackKind::Video => Self::Video(RemoteVideoTrack { sid, _rtc: rtc }),
        }
    }
    /// Id of the published track.
    pub fn sid(&self) -> TrackSid {
        match self {
            Self::Audio(t) => t.sid.clone(),
            Self::Video(t) => t.sid.clone(),
        }
    }
}
