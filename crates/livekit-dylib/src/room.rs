//! A room: joining, leaving, and keeping what is known of it current.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

use crate::events::RoomEvent;
use crate::handle::FfiHandle;
use crate::options::RoomOptions;
use crate::participant::{LocalParticipant, Participant, ParticipantIdentity, RemoteParticipant};
use crate::proto;
use crate::proto::ffi_event::Message as Event;
use crate::proto::ffi_request::Message as Request;
use crate::redact::redact;
use crate::server;
use crate::stats::RtcStats;
use crate::stream::{ByteStreamReader, TakeCell, TextStreamReader};
use crate::track::{RemoteTrack, RemoteTrackPublication, TrackPublication, TrackSid};
use crate::{ffi, participant::DisconnectReason};

/// Result of an operation on a room.
pub type RoomResult<T> = Result<T, RoomError>;
/// Result of an operation on the connection.
pub type EngineResult<T> = Result<T, EngineError>;

/// A failed operation on a room. Texts never contain a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// The connection failed.
    #[error("engine: {0}")]
    Engine(#[from] EngineError),
    /// Anything else that the library says.
    #[error("room failure: {0}")]
    Internal(String),
    /// The room is closed.
    #[error("already closed")]
    AlreadyClosed,
}

/// A failed operation on the connection. Texts never contain a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No connection could be made.
    #[error("connection error: {0}")]
    Connection(String),
    /// Anything else.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<server::RequestError> for RoomError {
    fn from(error: server::RequestError) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Id of one life of a room; a room that was deleted and made again has a new one.
#[derive(Clone, Default, Debug, Eq, Hash, PartialEq, PartialOrd, Ord)]
pub struct RoomSid(pub(crate) String);

impl RoomSid {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl From<RoomSid> for String {
    fn from(value: RoomSid) -> Self {
        value.0
    }
}

/// State of our connection.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum ConnectionState {
    Disconnected,
    Connected,
    Reconnecting,
}

impl From<proto::ConnectionState> for ConnectionState {
    fn from(state: proto::ConnectionState) -> Self {
        match state {
            proto::ConnectionState::ConnDisconnected => Self::Disconnected,
            proto::ConnectionState::ConnConnected => Self::Connected,
            proto::ConnectionState::ConnReconnecting => Self::Reconnecting,
        }
    }
}

/// How a data packet travelled.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum DataPacketKind {
    Lossy,
    Reliable,
}

/// Statistics of both peer connections. With one peer connection for both directions the
/// publisher's holds everything.
#[derive(Debug, Clone)]
pub struct SessionStats {
    /// Of what we send.
    pub publisher_stats: Vec<RtcStats>,
    /// Of what we receive.
    pub subscriber_stats: Vec<RtcStats>,
}

/// Scenarios that the SDK plays against itself.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum SimulateScenario {
    SignalReconnect,
    NodeFailure,
    ServerLeave,
    FullReconnect,
}

/// A joined room. Dropping it leaves the room.
pub struct Room {
    shared: Arc<RoomShared>,
}

pub(crate) struct RoomShared {
    handle: FfiHandle,
    local: LocalParticipant,
    info: RwLock<Info>,
    remotes: RwLock<HashMap<ParticipantIdentity, RemoteParticipant>>,
    tracks: Mutex<HashMap<(ParticipantIdentity, TrackSid), RemoteTrack>>,
    events: mpsc::UnboundedSender<RoomEvent>,
}

#[derive(Clone)]
struct Info {
    sid: Option<RoomSid>,
    name: String,
    metadata: String,
    state: ConnectionState,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("sid", &self.maybe_sid()).field("name", &self.name()).finish()
    }
}

impl Drop for RoomShared {
    fn drop(&mut self) {
        server::remove_room(self.handle.id());
        // Dropping the handle alone would leave us in the room. Harmless when we left already.
        let leave = proto::DisconnectRequest {
            room_handle: self.handle.id(),
            request_async_id: Some(server::unwatched_id()),
            reason: None,
        };
        if server::request("disconnect", Request::Disconnect(leave)).is_err() {
            tracing::debug!("a dropped room could not be left");
        }
    }
}

impl Room {
    /// Joins the room that `token` names, at `url` (`ws://` or `wss://`). A server that accepts but
    /// never answers holds this for up to 32 s: wrap it in a timeout; a join that completes after
    /// its future was dropped is left again at once.
    ///
    /// # Errors
    /// The library's text, without the token.
    pub async fn connect(
        url: &str,
        token: &str,
        options: RoomOptions,
    ) -> RoomResult<(Self, mpsc::UnboundedReceiver<RoomEvent>)> {
        let pending = server::request_async("connect", |id| {
            Request::Connect(proto::ConnectRequest {
                url: url.to_owned(),
                token: token.to_owned(),
                options: proto::RoomOptions {
                    auto_subscribe: Some(options.auto_subscribe),
                    adaptive_stream: Some(options.adaptive_stream),
                    dynacast: Some(options.dynacast),
                    join_retries: Some(options.join_retries),
                    single_peer_connection: Some(options.single_peer_connection),
                    connect_timeout_ms: u64::try_from(options.connect_timeout.as_millis()).ok(),
                },
                request_async_id: Some(id),
            })
        })?;
        use proto::connect_callback::Message as M;
        let result = match pending.wait().await {
            Some(Event::Connect(proto::ConnectCallback { message: Some(M::Result(result)), .. })) => result,
            Some(Event::Connect(proto::ConnectCallback { message: Some(M::Error(error)), .. })) => {
                return Err(EngineError::Connection(redact(&error)).into());
            }
            _ => return Err(RoomError::AlreadyClosed),
        };
        let (events, receiver) = mpsc::unbounded_channel();
        let info = result.room.info;
        let shared = Arc::new(RoomShared {
            handle: FfiHandle::new(result.room.handle.id),
            local: LocalParticipant::new(result.local_participant, tokio::runtime::Handle::current()),
            info: RwLock::new(Info {
                sid: info.sid.filter(|sid| !sid.is_empty()).map(RoomSid),
                name: info.name,
                metadata: info.metadata,
                state: ConnectionState::Connected,
            }),
            remotes: RwLock::default(),
            tracks: Mutex::default(),
            events,
        });
        let mut present = Vec::new();
        for found in result.participants {
            let participant = RemoteParticipant::new(found.participant);
            let publications: Vec<_> =
                found.publications.into_iter().map(RemoteTrackPublication::new).collect();
            for publication in &publications {
                participant.shared.publications.write().insert(publication.sid(), publication.clone());
            }
            shared.remotes.write().insert(participant.identity(), participant.clone());
            present.push((participant, publications));
        }
        shared.emit(RoomEvent::Connected { participants_with_tracks: present });
        server::add_room(shared.handle.id(), &shared);
        // Without this the library sends no event and closes the room after 15 s.
        let ready = proto::ReadyForRoomEventRequest { room_handle: shared.handle.id() };
        server::request("ready_for_room_event", Request::ReadyForRoomEvent(ready))?;
        Ok((Self { shared }, receiver))
    }

    /// Leaves the room; 1 to 9 ms whatever the state of the connection.
    ///
    /// # Errors
    /// The library is not loaded.
    pub async fn close(&self) -> RoomResult<()> {
        let pending = server::request_async("disconnect", |id| {
            Request::Disconnect(proto::DisconnectRequest {
                room_handle: self.shared.handle.id(),
                request_async_id: Some(id),
                reason: None,
            })
        })?;
        pending.wait().await;
        Ok(())
    }

    /// Statistics of both peer connections; takes 1 to 3 ms.
    ///
    /// # Errors
    /// The library's text.
    pub async fn get_stats(&self) -> EngineResult<SessionStats> {
        let pending = server::request_async("get_session_stats", |id| {
            Request::GetSessionStats(proto::GetSessionStatsRequest {
                room_handle: self.shared.handle.id(),
                request_async_id: Some(id),
            })
        })
        .map_err(|e| EngineError::Internal(e.to_string()))?;
        use proto::get_session_stats_callback::Message as M;
        match pending.wait().await {
            Some(Event::GetSessionStats(proto::GetSessionStatsCallback {
                message: Some(M::Result(r)),
                ..
            })) => Ok(SessionStats {
                publisher_stats: r.publisher_stats.into_iter().map(Into::into).collect(),
                subscriber_stats: r.subscriber_stats.into_iter().map(Into::into).collect(),
            }),
            Some(Event::GetSessionStats(proto::GetSessionStatsCallback {
                message: Some(M::Error(e)),
                ..
            })) => Err(EngineError::Internal(redact(&e))),
            _ => Err(EngineError::Internal("the room is closed".to_owned())),
        }
    }

    /// Lets the SDK play a scenario against itself, for tests.
    ///
    /// # Errors
    /// The library's text.
    pub async fn simulate_scenario(&self, scenario: SimulateScenario) -> EngineResult<()> {
        use proto::SimulateScenarioKind as K;
        let kind = match scenario {
            SimulateScenario::SignalReconnect => K::SimulateSignalReconnect,
            SimulateScenario::NodeFailure => K::SimulateNodeFailure,
            SimulateScenario::ServerLeave => K::SimulateServerLeave,
            SimulateScenario::FullReconnect => K::SimulateFullReconnect,
        };
        let pending = server::request_async("simulate_scenario", |id| {
            Request::SimulateScenario(proto::SimulateScenarioRequest {
                room_handle: self.shared.handle.id(),
                scenario: kind.into(),
                request_async_id: Some(id),
            })
        })
        .map_err(|e| EngineError::Internal(e.to_string()))?;
        match pending.wait().await {
            Some(Event::SimulateScenario(proto::SimulateScenarioCallback { error: Some(e), .. })) => {
                Err(EngineError::Internal(redact(&e)))
            }
            _ => Ok(()),
        }
    }

    /// Id of this life of the room, once the server said it.
    pub fn maybe_sid(&self) -> Option<RoomSid> {
        self.shared.info.read().sid.clone()
    }
    /// Name of the room.
    pub fn name(&self) -> String {
        self.shared.info.read().name.clone()
    }
    /// Metadata of the room.
    pub fn metadata(&self) -> String {
        self.shared.info.read().metadata.clone()
    }
    /// State of our connection, as the SDK sees it.
    pub fn connection_state(&self) -> ConnectionState {
        self.shared.info.read().state
    }
    /// Ourselves.
    pub fn local_participant(&self) -> LocalParticipant {
        self.shared.local.clone()
    }
    /// Everybody else.
    pub fn remote_participants(&self) -> HashMap<ParticipantIdentity, RemoteParticipant> {
        self.shared.remotes.read().clone()
    }
}

impl RoomShared {
    fn emit(&self, event: RoomEvent) {
        // Nobody listens any more: the room is being dropped.
        let _ = self.events.send(event);
    }

    fn remote(&self, identity: &str) -> Option<RemoteParticipant> {
        self.remotes.read().get(&ParticipantIdentity::from(identity)).cloned()
    }

    fn anybody(&self, identity: &str) -> Option<Participant> {
        if self.local.identity().as_str() == identity {
            return Some(Participant::Local(self.local.clone()));
        }
        self.remote(identity).map(Participant::Remote)
    }

    fn publication(&self, identity: &str, sid: &str) -> Option<(RemoteParticipant, RemoteTrackPublication)> {
        let participant = self.remote(identity)?;
        let publication = participant.shared.publications.read().get(&TrackSid(sid.to_owned())).cloned()?;
        Some((participant, publication))
    }

    /// Applies one event of the library and passes it on. Called in order, on its threads.
    pub(crate) fn handle(&self, event: proto::RoomEvent) {
        use proto::room_event::Message as M;
        let Some(message) = event.message else { return };
        match message {
            M::ParticipantConnected(m) => {
                let participant = RemoteParticipant::new(m.info);
                self.remotes.write().insert(participant.identity(), participant.clone());
                self.emit(RoomEvent::ParticipantConnected(participant));
            }
            M::ParticipantActive(m) => {
                if let Some(participant) = self.remote(&m.participant_identity) {
                    self.emit(RoomEvent::ParticipantActive(participant));
                }
            }
            M::ParticipantDisconnected(m) => {
                let identity = ParticipantIdentity::from(m.participant_identity.as_str());
                let removed = self.remotes.write().remove(&identity);
                self.tracks.lock().retain(|(owner, _), _| *owner != identity);
                if let Some(participant) = removed {
                    participant.shared.state.write().disconnect_reason = m.disconnect_reason().into();
                    self.emit(RoomEvent::ParticipantDisconnected(participant));
                }
            }
            M::TrackPublished(m) => {
                let publication = RemoteTrackPublication::new(m.publication);
                if let Some(participant) = self.remote(&m.participant_identity) {
                    participant.shared.publications.write().insert(publication.sid(), publication.clone());
                    self.emit(RoomEvent::TrackPublished { publication, participant });
                }
            }
            M::TrackUnpublished(m) => {
                if let Some((participant, publication)) =
                    self.publication(&m.participant_identity, &m.publication_sid)
                {
                    participant.shared.publications.write().remove(&publication.sid());
                    self.emit(RoomEvent::TrackUnpublished { publication, participant });
                }
            }
            M::TrackSubscribed(m) => {
                let track = RemoteTrack::new(m.track);
                if let Some((participant, publication)) =
                    self.publication(&m.participant_identity, track.sid().as_str())
                {
                    self.tracks.lock().insert((participant.identity(), track.sid()), track.clone());
                    self.emit(RoomEvent::TrackSubscribed { track, publication, participant });
                }
            }
            M::TrackUnsubscribed(m) => {
                let key = (
                    ParticipantIdentity::from(m.participant_identity.as_str()),
                    TrackSid(m.track_sid.clone()),
                );
                let track = self.tracks.lock().remove(&key);
                if let (Some(track), Some((participant, publication))) =
                    (track, self.publication(&m.participant_identity, &m.track_sid))
                {
                    self.emit(RoomEvent::TrackUnsubscribed { track, publication, participant });
                }
            }
            M::TrackMuted(m) => self.mute_changed(&m.participant_identity, &m.track_sid, true),
            M::TrackUnmuted(m) => self.mute_changed(&m.participant_identity, &m.track_sid, false),
            M::RoomMetadataChanged(m) => {
                let old_metadata = std::mem::replace(&mut self.info.write().metadata, m.metadata.clone());
                self.emit(RoomEvent::RoomMetadataChanged { old_metadata, metadata: m.metadata });
            }
            M::RoomSidChanged(m) => self.set_sid(Some(m.sid)),
            M::RoomUpdated(m) | M::Moved(m) => self.set_sid(m.sid),
            M::ParticipantMetadataChanged(m) => {
                if let Some(p) = self.remote(&m.participant_identity) {
                    p.shared.state.write().metadata = m.metadata;
                }
            }
            M::ParticipantNameChanged(m) => {
                if let Some(p) = self.remote(&m.participant_identity) {
                    p.shared.state.write().name = m.name;
                }
            }
            M::ParticipantAttributesChanged(m) => {
                let all: HashMap<_, _> = m.attributes.into_iter().map(|a| (a.key, a.value)).collect();
                let changed_attributes = m.changed_attributes.into_iter().map(|a| (a.key, a.value)).collect();
                if let Some(participant) = self.anybody(&m.participant_identity) {
                    match &participant {
                        Participant::Local(p) => p.shared.state.write().attributes = all,
                        Participant::Remote(p) => p.shared.state.write().attributes = all,
                    }
                    self.emit(RoomEvent::ParticipantAttributesChanged { participant, changed_attributes });
                }
            }
            M::ConnectionQualityChanged(m) => {
                let quality = m.quality().into();
                if let Some(participant) = self.anybody(&m.participant_identity) {
                    match &participant {
                        Participant::Local(p) => p.shared.state.write().quality = quality,
                        Participant::Remote(p) => p.shared.state.write().quality = quality,
                    }
                    self.emit(RoomEvent::ConnectionQualityChanged { quality, participant });
                }
            }
            M::ConnectionStateChanged(m) => {
                let state = m.state().into();
                self.info.write().state = state;
                self.emit(RoomEvent::ConnectionStateChanged(state));
            }
            M::Disconnected(m) => {
                self.info.write().state = ConnectionState::Disconnected;
                self.tracks.lock().clear();
                let reason: DisconnectReason = m.reason().into();
                self.emit(RoomEvent::Disconnected { reason });
            }
            M::Reconnecting(_) => {
                self.info.write().state = ConnectionState::Reconnecting;
                self.emit(RoomEvent::Reconnecting);
            }
            M::Reconnected(_) => {
                self.info.write().state = ConnectionState::Connected;
                self.emit(RoomEvent::Reconnected);
            }
            M::DataPacketReceived(m) => self.data_received(m),
            M::ByteStreamOpened(m) => {
                let reader = ByteStreamReader::new(m.reader);
                let topic = crate::stream::StreamReader::info(&reader).topic.clone();
                self.emit(RoomEvent::ByteStreamOpened {
                    reader: TakeCell::new(reader),
                    topic,
                    participant_identity: m.participant_identity.into(),
                });
            }
            M::TextStreamOpened(m) => {
                let reader = TextStreamReader::new(m.reader);
                let topic = crate::stream::StreamReader::info(&reader).topic.clone();
                self.emit(RoomEvent::TextStreamOpened {
                    reader: TakeCell::new(reader),
                    topic,
                    participant_identity: m.participant_identity.into(),
                });
            }
            M::ParticipantsUpdated(m) => {
                for info in m.participants {
                    if let Some(p) = self.remote(&info.identity) {
                        p.update(info);
                    }
                }
            }
            M::TokenRefreshed(m) => self.emit(RoomEvent::TokenRefreshed { token: m.token }),
            // A republished track of ours comes with a handle that we own.
            M::LocalTrackRepublished(m) => drop(FfiHandle::new(m.publication_handle)),
            M::TrackSubscriptionFailed(m) => {
                tracing::warn!(track = %m.track_sid, error = %redact(&m.error), "a track could not be subscribed to");
            }
            // Facts about ourselves that the caller of the operation knows already.
            M::LocalTrackPublished(_)
            | M::LocalTrackUnpublished(_)
            | M::LocalTrackSubscribed(_)
            | M::Eos(_) => {}
        }
    }

    fn set_sid(&self, sid: Option<String>) {
        if let Some(sid) = sid.filter(|sid| !sid.is_empty()) {
            self.info.write().sid = Some(RoomSid(sid));
        }
    }

    fn mute_changed(&self, identity: &str, sid: &str, muted: bool) {
        if let Some((participant, publication)) = self.publication(identity, sid) {
            publication.set_muted(muted);
            let (participant, publication) =
                (Participant::Remote(participant), TrackPublication::Remote(publication));
            self.emit(if muted {
                RoomEvent::TrackMuted { participant, publication }
            } else {
                RoomEvent::TrackUnmuted { participant, publication }
            });
        }
    }

    fn data_received(&self, packet: proto::DataPacketReceived) {
        let kind = match packet.kind() {
            proto::DataPacketKind::KindLossy => DataPacketKind::Lossy,
            proto::DataPacketKind::KindReliable => DataPacketKind::Reliable,
        };
        let participant = self.remote(&packet.participant_identity);
        let Some(proto::data_packet_received::Value::User(user)) = packet.value else { return };
        let handle = FfiHandle::new(user.data.handle.id);
        let payload = Arc::new(ffi::copy_bytes(&user.data.data));
        drop(handle);
        self.emit(RoomEvent::DataReceived { payload, topic: user.topic, kind, participant });
    }
}
