//! Routes answers and events of the library to who waits for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;
use proto::ffi_event::Message as Event;
use proto::ffi_request::Message as Request;
use proto::ffi_response::Message as Response;
use tokio::sync::{mpsc, oneshot};

use crate::audio::AudioFrame;
use crate::handle::FfiHandle;
use crate::participant::LocalShared;
use crate::redact::redact;
use crate::room::RoomShared;
use crate::{ffi, proto, rpc};

/// One part of an incoming data stream.
pub(crate) enum Chunk {
    Data(bytes::Bytes),
    End { error: Option<String>, attributes: Vec<(String, String)> },
}

/// Where decoded audio of one stream goes: bounded, newest frame dropped when the reader is late.
pub(crate) struct AudioRoute {
    pub(crate) frames: mpsc::Sender<AudioFrame<'static>>,
    pub(crate) dropped: Arc<AtomicU64>,
}

#[derive(Default)]
struct Routes {
    answers: HashMap<u64, oneshot::Sender<Event>>,
    rooms: HashMap<u64, Weak<RoomShared>>,
    locals: HashMap<u64, Weak<LocalShared>>,
    audio: HashMap<u64, AudioRoute>,
    readers: HashMap<u64, mpsc::UnboundedSender<Chunk>>,
}

static ROUTES: LazyLock<Mutex<Routes>> = LazyLock::new(Mutex::default);
// Chosen by us, so that the route exists before the answer can come. Begins high: the library
// numbers its own requests from 1.
static NEXT_ID: AtomicU64 = AtomicU64::new(1 << 32);

/// The library is not loaded, or it refused a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("the LiveKit library is not loaded")]
    NotLoaded,
    #[error("the LiveKit library refused the request `{0}`")]
    Refused(&'static str),
}

/// A request that is answered at once.
pub(crate) fn request(name: &'static str, message: Request) -> Result<Response, RequestError> {
    let library = ffi::loaded().ok_or(RequestError::NotLoaded)?;
    library.request(message).ok_or(RequestError::Refused(name))
}

/// Gives captured samples to a source; the answer comes later, and dropping it forgets it.
pub(crate) fn capture(
    samples: &[i16],
    build: impl FnOnce(u64) -> proto::CaptureAudioFrameRequest,
) -> Result<Pending, RequestError> {
    let library = ffi::loaded().ok_or(RequestError::NotLoaded)?;
    let pending = Pending::new();
    library.capture(samples, build(pending.id)).ok_or(RequestError::Refused("capture_audio_frame"))?;
    Ok(pending)
}

/// The same, when nobody waits for the answer.
pub(crate) fn capture_unwatched(
    samples: &[i16],
    build: impl FnOnce(u64) -> proto::CaptureAudioFrameRequest,
) -> Result<(), RequestError> {
    let library = ffi::loaded().ok_or(RequestError::NotLoaded)?;
    let answer = library.capture(samples, build(unwatched_id()));
    answer.map(drop).ok_or(RequestError::Refused("capture_audio_frame"))
}

/// Lets an audio processing module work on samples in place.
pub(crate) fn process(samples: &mut [i16], processing: ffi::Processing) -> Result<Response, RequestError> {
    let library = ffi::loaded().ok_or(RequestError::NotLoaded)?;
    let name = if processing.reverse { "apm_process_reverse_stream" } else { "apm_process_stream" };
    library.process(samples, processing).ok_or(RequestError::Refused(name))
}

/// An answer that comes later, as an event. Dropping it forgets the answer (and frees what it
/// carries when it comes).
pub(crate) struct Pending {
    id: u64,
    answer: oneshot::Receiver<Event>,
}

impl Pending {
    /// One that waits from now on, under an id of its own: the answer may come before the request has returned.
    fn new() -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        ROUTES.lock().answers.insert(id, sender);
        Self { id, answer }
    }

    pub(crate) async fn wait(mut self) -> Option<Event> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        ROUTES.lock().answers.remove(&self.id);
        // The answer may have come between the last look and now: what it carries is nobody's.
        if let Ok(event) = self.answer.try_recv() {
            free_unclaimed(event);
        }
    }
}

/// Sends a request whose answer comes as an event; `build` puts the given id into the request.
pub(crate) fn request_async(
    name: &'static str,
    build: impl FnOnce(u64) -> Request,
) -> Result<Pending, RequestError> {
    let pending = Pending::new();
    request(name, build(pending.id))?;
    Ok(pending)
}

/// An id for a request whose answer nobody waits for.
pub(crate) fn unwatched_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn add_room(handle: u64, room: &Arc<RoomShared>) {
    ROUTES.lock().rooms.insert(handle, Arc::downgrade(room));
}
pub(crate) fn remove_room(handle: u64) {
    ROUTES.lock().rooms.remove(&handle);
}
pub(crate) fn add_local(handle: u64, local: &Arc<LocalShared>) {
    ROUTES.lock().locals.insert(handle, Arc::downgrade(local));
}
pub(crate) fn remove_local(handle: u64) {
    ROUTES.lock().locals.remove(&handle);
}
pub(crate) fn add_audio(handle: u64, route: AudioRoute) {
    ROUTES.lock().audio.insert(handle, route);
}
pub(crate) fn remove_audio(handle: u64) {
    ROUTES.lock().audio.remove(&handle);
}
pub(crate) fn add_reader(handle: u64, chunks: mpsc::UnboundedSender<Chunk>) {
    ROUTES.lock().readers.insert(handle, chunks);
}
pub(crate) fn remove_reader(handle: u64) {
    ROUTES.lock().readers.remove(&handle);
}

/// Takes one event of the library to its place. Runs on the library's threads.
pub(crate) fn dispatch(event: proto::FfiEvent) {
    let Some(event) = event.message else { return };
    let answered = match &event {
        Event::Connect(m) => Some(m.async_id),
        Event::Disconnect(m) => Some(m.async_id),
        Event::PublishTrack(m) => Some(m.async_id),
        Event::UnpublishTrack(m) => Some(m.async_id),
        Event::CaptureAudioFrame(m) => Some(m.async_id),
        Event::SetLocalAttributes(m) => Some(m.async_id),
        Event::GetSessionStats(m) => Some(m.async_id),
        Event::GetStats(m) => Some(m.async_id),
        Event::PerformRpc(m) => Some(m.async_id),
        Event::SendText(m) => Some(m.async_id),
        Event::SendBytes(m) => Some(m.async_id),
        Event::SimulateScenario(m) => Some(m.async_id),
        Event::RoomEvent(_)
        | Event::AudioStreamEvent(_)
        | Event::Logs(_)
        | Event::Panic(_)
        | Event::RpcMethodInvocation(_)
        | Event::ByteStreamReaderEvent(_)
        | Event::TextStreamReaderEvent(_) => None,
    };
    if let Some(id) = answered {
        let waiter = ROUTES.lock().answers.remove(&id);
        let unclaimed = match waiter {
            Some(waiter) => waiter.send(event).err(),
            None => Some(event),
        };
        if let Some(event) = unclaimed {
            free_unclaimed(event);
        }
        return;
    }
    match event {
        Event::RoomEvent(m) => {
            let room = ROUTES.lock().rooms.get(&m.room_handle).and_then(Weak::upgrade);
            match room {
                Some(room) => room.handle(m),
                None => free_unrouted(m),
            }
        }
        Event::AudioStreamEvent(m) => route_audio(m),
        Event::Logs(m) => m.records.iter().for_each(log),
        Event::Panic(m) => tracing::error!(message = %redact(&m.message), "the LiveKit library panicked"),
        Event::RpcMethodInvocation(m) => {
            let local = ROUTES.lock().locals.get(&m.local_participant_handle).and_then(Weak::upgrade);
            if let Some(local) = local {
                rpc::invoke(&local, m);
            }
        }
        Event::ByteStreamReaderEvent(m) => {
            use proto::byte_stream_reader_event::Detail;
            let chunk = match m.detail {
                Some(Detail::ChunkReceived(c)) => Chunk::Data(c.content.into()),
                Some(Detail::Eos(e)) => Chunk::End {
                    error: e.error.map(|e| e.description),
                    attributes: e
                        .attributes
                        .into_iter()
                        .map(|a| (a.key.unwrap_or_default(), a.value.unwrap_or_default()))
                        .collect(),
                },
                None => return,
            };
            route_chunk(m.reader_handle, chunk);
        }
        Event::TextStreamReaderEvent(m) => {
            use proto::text_stream_reader_event::Detail;
            let chunk = match m.detail {
                Some(Detail::ChunkReceived(c)) => Chunk::Data(c.content.into()),
                Some(Detail::Eos(e)) => Chunk::End {
                    error: e.error.map(|e| e.description),
                    attributes: e
                        .attributes
                        .into_iter()
                        .map(|a| (a.key.unwrap_or_default(), a.value.unwrap_or_default()))
                        .collect(),
                },
                None => return,
            };
            route_chunk(m.reader_handle, chunk);
        }
        Event::Connect(_)
        | Event::Disconnect(_)
        | Event::PublishTrack(_)
        | Event::UnpublishTrack(_)
        | Event::CaptureAudioFrame(_)
        | Event::SetLocalAttributes(_)
        | Event::GetSessionStats(_)
        | Event::GetStats(_)
        | Event::PerformRpc(_)
        | Event::SendText(_)
        | Event::SendBytes(_)
        | Event::SimulateScenario(_) => {}
    }
}

fn route_chunk(reader: u64, chunk: Chunk) {
    let end = matches!(chunk, Chunk::End { .. });
    let mut routes = ROUTES.lock();
    if let Some(chunks) = routes.readers.get(&reader) {
        // A reader that was dropped no longer wants the rest.
        let _ = chunks.send(chunk);
    }
    if end {
        routes.readers.remove(&reader);
    }
}

fn route_audio(event: proto::AudioStreamEvent) {
    use proto::audio_stream_event::Message;
    match event.message {
        Some(Message::FrameReceived(received)) => {
            let handle = FfiHandle::new(received.frame.handle.id);
            let info = received.frame.info;
            let routes = ROUTES.lock();
            if let Some(route) = routes.audio.get(&event.stream_handle) {
                let frame = AudioFrame {
                    data: ffi::copy_samples(&info).into(),
                    sample_rate: info.sample_rate,
                    num_channels: info.num_channels,
                    samples_per_channel: info.samples_per_channel,
                };
                if route.frames.try_send(frame).is_err() {
                    route.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            drop(routes);
            drop(handle);
        }
        Some(Message::Eos(_)) => remove_audio(event.stream_handle),
        None => {}
    }
}

/// Frees what an answer carries when nobody waits for it any more. A room that connected after
/// its caller gave up is left again.
fn free_unclaimed(event: Event) {
    if let Event::Connect(m) = event {
        if let Some(proto::connect_callback::Message::Result(result)) = m.message {
            let room = FfiHandle::new(result.room.handle.id);
            drop(FfiHandle::new(result.local_participant.handle.id));
            for participant in result.participants {
                drop(FfiHandle::new(participant.participant.handle.id));
                for publication in participant.publications {
                    drop(FfiHandle::new(publication.handle.id));
                }
            }
            let leave = proto::DisconnectRequest {
                room_handle: room.id(),
                request_async_id: Some(unwatched_id()),
                reason: None,
            };
            if request("disconnect", Request::Disconnect(leave)).is_err() {
                tracing::debug!("a late room could not be left");
            }
        }
    } else if let Event::PublishTrack(m) = event
        && let Some(proto::publish_track_callback::Message::Publication(publication)) = m.message
    {
        drop(FfiHandle::new(publication.handle.id));
    }
}

/// Frees what a room's event carries when the room is gone already.
pub(crate) fn free_unrouted(event: proto::RoomEvent) {
    use proto::room_event::Message as M;
    let Some(message) = event.message else { return };
    let id = if let M::ParticipantConnected(m) = message {
        m.info.handle.id
    } else if let M::TrackPublished(m) = message {
        m.publication.handle.id
    } else if let M::TrackSubscribed(m) = message {
        m.track.handle.id
    } else if let M::DataPacketReceived(m) = message {
        match m.value {
            Some(proto::data_packet_received::Value::User(user)) => user.data.handle.id,
            None => return,
        }
    } else if let M::ByteStreamOpened(m) = message {
        m.reader.handle.id
    } else if let M::TextStreamOpened(m) = message {
        m.reader.handle.id
    } else if let M::LocalTrackRepublished(m) = message {
        m.publication_handle
    } else {
        return;
    };
    drop(FfiHandle::new(id));
}

fn log(record: &proto::LogRecord) {
    let message = redact(&record.message);
    match record.level() {
        // The library's own errors are ours to report where they matter; its log is a trace.
        proto::LogLevel::LogError | proto::LogLevel::LogWarn => {
            tracing::debug!(target: "livekit", library_target = %record.target, "{message}");
        }
        proto::LogLevel::LogInfo | proto::LogLevel::LogDebug | proto::LogLevel::LogTrace => {
            tracing::trace!(target: "livekit", library_target = %record.target, "{message}");
        }
    }
}
