//! Participants of a room, with the names of `livekit::participant`.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::handle::FfiHandle;
use crate::options::TrackPublishOptions;
use crate::proto;
use crate::proto::ffi_event::Message as Event;
use crate::proto::ffi_request::Message as Request;
use crate::redact::redact;
use crate::room::{RoomError, RoomResult};
use crate::rpc::{self, PerformRpcData, RpcError, RpcErrorCode, RpcInvocationData};
use crate::server;
use crate::stream::{
    self, ByteStreamInfo, SendByteOptions, SendTextOptions, StreamError, StreamResult, TextStreamInfo,
};
use crate::track::{LocalTrack, LocalTrackPublication, RemoteTrackPublication, TrackSid};

/// A participant's name within its room, unique at any time.
#[derive(Clone, Default, Debug, Eq, Hash, PartialEq, PartialOrd, Ord)]
pub struct ParticipantIdentity(pub String);

impl ParticipantIdentity {
    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl From<String> for ParticipantIdentity {
    fn from(value: String) -> Self {
        Self(value)
    }
}
impl From<&str> for ParticipantIdentity {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}
impl From<ParticipantIdentity> for String {
    fn from(value: ParticipantIdentity) -> Self {
        value.0
    }
}
impl fmt::Display for ParticipantIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One presence of a participant; a participant that comes back has a new one.
#[derive(Clone, Debug, Eq, Hash, PartialEq, PartialOrd, Ord)]
pub struct ParticipantSid(pub(crate) String);

impl ParticipantSid {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl From<ParticipantSid> for String {
    fn from(value: ParticipantSid) -> Self {
        value.0
    }
}

/// What a participant is.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum ParticipantKind {
    Standard,
    Ingress,
    Egress,
    Sip,
    Agent,
    Connector,
    Bridge,
}

impl From<proto::ParticipantKind> for ParticipantKind {
    fn from(kind: proto::ParticipantKind) -> Self {
        match kind {
            proto::ParticipantKind::Standard => Self::Standard,
            proto::ParticipantKind::Ingress => Self::Ingress,
            proto::ParticipantKind::Egress => Self::Egress,
            proto::ParticipantKind::Sip => Self::Sip,
            proto::ParticipantKind::Agent => Self::Agent,
            proto::ParticipantKind::Connector => Self::Connector,
            proto::ParticipantKind::Bridge => Self::Bridge,
        }
    }
}

/// The server's estimate of somebody's connection.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum ConnectionQuality {
    Excellent,
    Good,
    Poor,
    Lost,
}

impl From<proto::ConnectionQuality> for ConnectionQuality {
    fn from(quality: proto::ConnectionQuality) -> Self {
        match quality {
            proto::ConnectionQuality::QualityExcellent => Self::Excellent,
            proto::ConnectionQuality::QualityGood => Self::Good,
            proto::ConnectionQuality::QualityPoor => Self::Poor,
            proto::ConnectionQuality::QualityLost => Self::Lost,
        }
    }
}

/// Why somebody left, or why we did. `UnknownReason` is what the SDK says of departures that it
/// made up itself during a reconnect.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum DisconnectReason {
    UnknownReason,
    ClientInitiated,
    DuplicateIdentity,
    ServerShutdown,
    ParticipantRemoved,
    RoomDeleted,
    StateMismatch,
    JoinFailure,
    Migration,
    SignalClose,
    RoomClosed,
    UserUnavailable,
    UserRejected,
    SipTrunkFailure,
    ConnectionTimeout,
    MediaFailure,
    AgentError,
}

impl From<proto::DisconnectReason> for DisconnectReason {
    fn from(reason: proto::DisconnectReason) -> Self {
        use proto::DisconnectReason as R;
        match reason {
            R::UnknownReason => Self::UnknownReason,
            R::ClientInitiated => Self::ClientInitiated,
            R::DuplicateIdentity => Self::DuplicateIdentity,
            R::ServerShutdown => Self::ServerShutdown,
            R::ParticipantRemoved => Self::ParticipantRemoved,
            R::RoomDeleted => Self::RoomDeleted,
            R::StateMismatch => Self::StateMismatch,
            R::JoinFailure => Self::JoinFailure,
            R::Migration => Self::Migration,
            R::SignalClose => Self::SignalClose,
            R::RoomClosed => Self::RoomClosed,
            R::UserUnavailable => Self::UserUnavailable,
            R::UserRejected => Self::UserRejected,
            R::SipTrunkFailure => Self::SipTrunkFailure,
            R::ConnectionTimeout => Self::ConnectionTimeout,
            R::MediaFailure => Self::MediaFailure,
            R::AgentError => Self::AgentError,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ParticipantState {
    pub(crate) sid: ParticipantSid,
    pub(crate) identity: ParticipantIdentity,
    pub(crate) name: String,
    pub(crate) metadata: String,
    pub(crate) attributes: HashMap<String, String>,
    pub(crate) kind: ParticipantKind,
    pub(crate) disconnect_reason: DisconnectReason,
    pub(crate) quality: ConnectionQuality,
    pub(crate) joined_at: i64,
}

impl ParticipantState {
    fn new(info: proto::ParticipantInfo) -> Self {
        Self {
            kind: info.kind().into(),
            disconnect_reason: info.disconnect_reason().into(),
            sid: ParticipantSid(info.sid),
            identity: ParticipantIdentity(info.identity),
            name: info.name,
            metadata: info.metadata,
            attributes: info
                .attributes
                .into_iter()
                .map(|a| (a.key.unwrap_or_default(), a.value.unwrap_or_default()))
                .collect(),
            quality: ConnectionQuality::Good,
            joined_at: info.joined_at,
        }
    }
}

/// Somebody else in the room. Clones share one state, kept current by the room.
#[derive(Clone)]
pub struct RemoteParticipant {
    pub(crate) shared: Arc<RemoteShared>,
}

pub(crate) struct RemoteShared {
    pub(crate) state: RwLock<ParticipantState>,
    pub(crate) publications: RwLock<HashMap<TrackSid, RemoteTrackPublication>>,
    _handle: FfiHandle,
}

impl fmt::Debug for RemoteParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteParticipant")
            .field("identity", &self.identity())
            .field("sid", &self.sid())
            .finish()
    }
}

impl RemoteParticipant {
    pub(crate) fn new(owned: proto::OwnedParticipant) -> Self {
        Self {
            shared: Arc::new(RemoteShared {
                state: RwLock::new(ParticipantState::new(owned.info)),
                publications: RwLock::default(),
                _handle: FfiHandle::new(owned.handle.id),
            }),
        }
    }

    pub(crate) fn update(&self, info: proto::ParticipantInfo) {
        let mut state = self.shared.state.write();
        let quality = state.quality;
        *state = ParticipantState { quality, ..ParticipantState::new(info) };
    }

    /// Id of this presence.
    pub fn sid(&self) -> ParticipantSid {
        self.shared.state.read().sid.clone()
    }
    /// Unique name within the room.
    pub fn identity(&self) -> ParticipantIdentity {
        self.shared.state.read().identity.clone()
    }
    /// Name to show.
    pub fn name(&self) -> String {
        self.shared.state.read().name.clone()
    }
    /// Free text that the participant or its token set.
    pub fn metadata(&self) -> String {
        self.shared.state.read().metadata.clone()
    }
    /// Keys and values that the participant or its token set.
    pub fn attributes(&self) -> HashMap<String, String> {
        self.shared.state.read().attributes.clone()
    }
    /// What the participant is.
    pub fn kind(&self) -> ParticipantKind {
        self.shared.state.read().kind
    }
    /// Why it left; meaningful once it did.
    pub fn disconnect_reason(&self) -> DisconnectReason {
        self.shared.state.read().disconnect_reason
    }
    /// The server's estimate of its connection.
    pub fn connection_quality(&self) -> ConnectionQuality {
        self.shared.state.read().quality
    }
    /// When it joined, milliseconds since 1970.
    pub fn joined_at(&self) -> i64 {
        self.shared.state.read().joined_at
    }
    /// What it publishes now.
    pub fn track_publications(&self) -> HashMap<TrackSid, RemoteTrackPublication> {
        self.shared.publications.read().clone()
    }
}

type RpcHandler =
    dyn Fn(RpcInvocationData) -> Pin<Box<dyn Future<Output = Result<String, RpcError>> + Send>> + Send + Sync;

/// Ourselves in the room. Clones share one state.
#[derive(Clone)]
pub struct LocalParticipant {
    pub(crate) shared: Arc<LocalShared>,
}

pub(crate) struct LocalShared {
    pub(crate) state: RwLock<ParticipantState>,
    pub(crate) handle: FfiHandle,
    pub(crate) rpc_handlers: Mutex<HashMap<String, Arc<RpcHandler>>>,
    pub(crate) runtime: tokio::runtime::Handle,
}

impl Drop for LocalShared {
    fn drop(&mut self) {
        server::remove_local(self.handle.id());
    }
}

impl fmt::Debug for LocalParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalParticipant").field("identity", &self.identity()).finish()
    }
}

impl LocalParticipant {
    pub(crate) fn new(owned: proto::OwnedParticipant, runtime: tokio::runtime::Handle) -> Self {
        let shared = Arc::new(LocalShared {
            state: RwLock::new(ParticipantState::new(owned.info)),
            handle: FfiHandle::new(owned.handle.id),
            rpc_handlers: Mutex::default(),
            runtime,
        });
        server::add_local(shared.handle.id(), &shared);
        Self { shared }
    }

    /// Id of this presence.
    pub fn sid(&self) -> ParticipantSid {
        self.shared.state.read().sid.clone()
    }
    /// Unique name within the room.
    pub fn identity(&self) -> ParticipantIdentity {
        self.shared.state.read().identity.clone()
    }
    /// Keys and values that we or our token set.
    pub fn attributes(&self) -> HashMap<String, String> {
        self.shared.state.read().attributes.clone()
    }
    /// The server's estimate of our connection.
    pub fn connection_quality(&self) -> ConnectionQuality {
        self.shared.state.read().quality
    }

    fn id(&self) -> u64 {
        self.shared.handle.id()
    }

    /// Publishes a track; ends when the server accepted it.
    ///
    /// # Errors
    /// The library's text, without tokens.
    pub async fn publish_track(
        &self,
        track: LocalTrack,
        options: TrackPublishOptions,
    ) -> RoomResult<LocalTrackPublication> {
        let pending = server::request_async("publish_track", |id| {
            Request::PublishTrack(proto::PublishTrackRequest {
                local_participant_handle: self.id(),
                track_handle: track.handle_id(),
                options: proto::TrackPublishOptions {
                    audio_encoding: options
                        .audio_encoding
                        .as_ref()
                        .map(|e| proto::AudioEncoding { max_bitrate: e.max_bitrate }),
                    dtx: Some(options.dtx),
                    red: Some(options.red),
                    source: Some(proto::TrackSource::from(options.source).into()),
                },
                request_async_id: Some(id),
            })
        })?;
        use proto::publish_track_callback::Message as M;
        match pending.wait().await {
            Some(Event::PublishTrack(proto::PublishTrackCallback {
                message: Some(M::Publication(p)),
                ..
            })) => Ok(LocalTrackPublication::new(p, track)),
            Some(Event::PublishTrack(proto::PublishTrackCallback { message: Some(M::Error(e)), .. })) => {
                Err(RoomError::Internal(redact(&e)))
            }
            _ => Err(RoomError::AlreadyClosed),
        }
    }

    /// Takes back a published track.
    ///
    /// # Errors
    /// The library's text.
    pub async fn unpublish_track(&self, sid: &TrackSid) -> RoomResult<()> {
        let pending = server::request_async("unpublish_track", |id| {
            Request::UnpublishTrack(proto::UnpublishTrackRequest {
                local_participant_handle: self.id(),
                track_sid: sid.as_str().to_owned(),
                stop_on_unpublish: true,
                request_async_id: Some(id),
            })
        })?;
        match pending.wait().await {
            Some(Event::UnpublishTrack(proto::UnpublishTrackCallback { error: None, .. })) => Ok(()),
            Some(Event::UnpublishTrack(proto::UnpublishTrackCallback { error: Some(e), .. })) => {
                Err(RoomError::Internal(redact(&e)))
            }
            _ => Err(RoomError::AlreadyClosed),
        }
    }

    /// Replaces our attributes; needs the grant to update own metadata.
    ///
    /// # Errors
    /// The library's text.
    pub async fn set_attributes(&self, attributes: HashMap<String, String>) -> RoomResult<()> {
        let pending = server::request_async("set_attributes", |id| {
            Request::SetLocalAttributes(proto::SetLocalAttributesRequest {
                local_participant_handle: self.id(),
                attributes: attributes
                    .iter()
                    .map(|(key, value)| proto::AttributesEntry { key: key.clone(), value: value.clone() })
                    .collect(),
                request_async_id: Some(id),
            })
        })?;
        match pending.wait().await {
            Some(Event::SetLocalAttributes(proto::SetLocalAttributesCallback { error: None, .. })) => Ok(()),
            Some(Event::SetLocalAttributes(proto::SetLocalAttributesCallback { error: Some(e), .. })) => {
                Err(RoomError::Internal(redact(&e)))
            }
            _ => Err(RoomError::AlreadyClosed),
        }
    }

    /// Calls a method of another participant and waits for its answer.
    ///
    /// # Errors
    /// The callee's error, or a built-in one (`RpcErrorCode`).
    pub async fn perform_rpc(&self, data: PerformRpcData) -> Result<String, RpcError> {
        rpc::perform(self.id(), data).await
    }

    /// Answers calls of `method` with `handler`, which runs on the runtime that joined the room.
    pub fn register_rpc_method(
        &self,
        method: String,
        handler: impl Fn(RpcInvocationData) -> Pin<Box<dyn Future<Output = Result<String, RpcError>> + Send>>
        + Send
        + Sync
        + 'static,
    ) {
        self.shared.rpc_handlers.lock().insert(method.clone(), Arc::new(handler));
        let request = Request::RegisterRpcMethod(proto::RegisterRpcMethodRequest {
            local_participant_handle: self.id(),
            method,
        });
        if let Err(error) = server::request("register_rpc_method", request) {
            tracing::warn!(%error, "an RPC method could not be registered");
        }
    }

    /// Stops answering calls of `method`.
    pub fn unregister_rpc_method(&self, method: String) {
        self.shared.rpc_handlers.lock().remove(&method);
        let request = Request::UnregisterRpcMethod(proto::UnregisterRpcMethodRequest {
            local_participant_handle: self.id(),
            method,
        });
        if let Err(error) = server::request("unregister_rpc_method", request) {
            tracing::debug!(%error, "an RPC method could not be unregistered");
        }
    }

    /// Sends a text as one stream.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn send_text(&self, text: &str, options: SendTextOptions) -> StreamResult<TextStreamInfo> {
        stream::send_text(self.id(), text, options).await
    }

    /// Sends bytes as one stream.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn send_bytes(
        &self,
        data: impl AsRef<[u8]>,
        options: SendByteOptions,
    ) -> StreamResult<ByteStreamInfo> {
        stream::send_bytes(self.id(), data.as_ref(), options).await
    }
}

impl From<server::RequestError> for StreamError {
    fn from(_: server::RequestError) -> Self {
        Self::SendFailed
    }
}

impl From<server::RequestError> for RpcError {
    fn from(error: server::RequestError) -> Self {
        Self::built_in(RpcErrorCode::SendFailed, Some(error.to_string()))
    }
}

/// Anybody in the room.
#[derive(Debug, Clone)]
pub enum Participant {
    /// Ourselves.
    Local(LocalParticipant),
    /// Somebody else.
    Remote(RemoteParticipant),
}

impl Participant {
    /// Unique name within the room.
    pub fn identity(&self) -> ParticipantIdentity {
        match self {
            Self::Local(p) => p.identity(),
            Self::Remote(p) => p.identity(),
        }
    }
    /// Id of this presence.
    pub fn sid(&self) -> ParticipantSid {
        match self {
            Self::Local(p) => p.sid(),
            Self::Remote(p) => p.sid(),
        }
    }
    /// Keys and values that the participant or its token set.
    pub fn attributes(&self) -> HashMap<String, String> {
        match self {
            Self::Local(p) => p.attributes(),
            Self::Remote(p) => p.attributes(),
        }
    }
}
