//! The real room.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use adjourn_protocol::RoomMetadata;
use adjourn_session::{Input, Participant, ProbeKind, Role};
use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::agent_session::{self, Decoder};
use crate::link_check::{self, LinkCheck};
use crate::refusal::ConnectError;
use crate::room_event::{
    Caption, EventSender, LinkNumbers, ReceivedTotals, RoomEvent, Sound, WAITING_EVENTS,
};
use crate::sdk;
use crate::sdk::data_stream::api::{
    ByteStreamReader, SendByteOptions, SendTextOptions, StreamReader as _, TextStreamReader,
};
use crate::sdk::options::TrackPublishOptions;
use crate::sdk::participant::ParticipantKind;
use crate::sdk::prelude::{
    LocalAudioTrack, LocalTrack, PerformRpcData, RemoteAudioTrack, RemoteParticipant, Room, RoomOptions,
    RpcError, TrackSource,
};
use crate::sdk::webrtc::audio_frame::AudioFrame;
use crate::sdk::webrtc::audio_source::native::NativeAudioSource;
use crate::sdk::webrtc::audio_source::{AudioSourceOptions, RtcAudioSource};
use crate::sdk::webrtc::audio_stream::native::NativeAudioStream;
use crate::stats;
use crate::translate::{self, Heard, SdkEvent};
use crate::transport::{Joined, Microphone, RoomHandle, Transport};

/// Hertz, to and from the SDK.
pub(crate) const SAMPLE_RATE: u32 = 48_000;
/// Text-stream topic of captions (livekit-agents `TOPIC_TRANSCRIPTION`).
const TRANSCRIPTION: &str = "lk.transcription";
/// Text-stream topic of what a participant types (livekit-agents `TOPIC_CHAT`): each text is a turn of theirs.
const CHAT: &str = "lk.chat";
/// RPC that nobody registers: any answer proves that the process behind it lives.
const NOBODYS_METHOD: &str = "adjourn.alive";
/// The way there and back may take this long before the SDK gives up on a process probe: as long as the machine waits
/// for an answer (`Policy::process_lost`). A full buffer on the way takes seconds.
const PROBE_ROUND_TRIP: Duration = Duration::from_secs(8);
/// A stream of the session host that stays unfinished this long is given up, for the next one's sake. The conversation
/// of four hours is 400 kB, which takes 50 s at 64 kbit/s; streams of one sender come in order all the same.
const MESSAGE_LIMIT: Duration = Duration::from_secs(60);
/// Nothing of such a stream for so long, and it is given up: its sender is gone, or wants to hold us up.
const CHUNK_LIMIT: Duration = Duration::from_secs(4);
/// Largest message of a session host that is read: a conversation of hours is a few hundred kB.
const MESSAGE_MOST: usize = 4 << 20;
/// Longest caption in bytes: an hour of speech without a pause.
const CAPTION_MOST: usize = 64 << 10;
/// Streams of one sender that wait to be read in order. Past that they are dropped and said.
const WAITING_STREAMS: usize = 256;

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Enters real rooms.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveKitTransport;

/// A real room that was entered.
pub struct LiveKitRoom {
    shared: Arc<Shared>,
    source: NativeAudioSource,
    track: LocalAudioTrack,
}

impl std::fmt::Debug for LiveKitRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveKitRoom").finish_non_exhaustive()
    }
}

/// A sound track that can be heard.
#[derive(Clone)]
struct HeardTrack {
    /// Its publisher's presence.
    sid: String,
    track: RemoteAudioTrack,
    /// Dropped with the last copy of this: ends its sound, which does not end by itself (the library sends no end of
    /// stream for a track that was unsubscribed).
    _sounds: Arc<oneshot::Sender<()>>,
}

struct Shared {
    room: Room,
    told: EventSender,
    /// Marks our requests on a topic where everybody hears all answers.
    nonce: String,
    /// The interviewer's presence.
    pinned: Mutex<Option<String>>,
    /// Every sound track that can be heard, by its id.
    tracks: Mutex<BTreeMap<String, HeardTrack>>,
    tasks: Mutex<tokio::task::JoinSet<()>>,
}

impl Transport for LiveKitTransport {
    type Room = LiveKitRoom;

    async fn connect(&self, url: &str, token: &str) -> Result<Joined<LiveKitRoom>, ConnectError> {
        let (told, receiver) = mpsc::channel(WAITING_EVENTS);
        let Entered { room, events, source, track } = enter(url, token).await?;
        // Pids and times are not secret; the nonce only has to differ between connections.
        let nonce = format!("{:x}{:x}", std::process::id(), CONNECTIONS.fetch_add(1, Ordering::Relaxed));
        let shared = Arc::new(Shared {
            room,
            told,
            nonce,
            pinned: Mutex::default(),
            tracks: Mutex::default(),
            tasks: Mutex::default(),
        });
        shared.register_end_marker();
        let joined = Joined {
            room_sid: shared.room_sid(),
            roster: shared.roster(),
            room: LiveKitRoom { shared: Arc::clone(&shared), source, track },
            events: receiver,
        };
        let ended = RoomMetadata::says_ended(&shared.room.metadata());
        Shared::spawn(&shared, |shared| follow(shared, events, ended));
        Ok(joined)
    }

    async fn try_link(&self, url: &str, token: &str) -> Result<LinkCheck, ConnectError> {
        // What happens there is nobody's to hear: its end, if it ends, shows in the numbers.
        let Entered { room, events: _, source, track: _track } = enter(url, token).await?;
        let microphone = into_encoder(source);
        let silence = [0; SAMPLE_RATE as usize / 100];
        let mut frames = tokio::time::interval(link_check::FRAME);
        for _ in 0..link_check::FRAMES {
            frames.tick().await;
            microphone.push(&silence);
        }
        let mut found = LinkCheck::default();
        if let Ok(stats) = room.get_stats().await {
            let both = || stats.publisher_stats.iter().chain(&stats.subscriber_stats);
            let lost = stats::sent_lost_packets(stats.publisher_stats.iter());
            let packets = f64::from(link_check::FRAMES / link_check::FRAMES_IN_A_PACKET);
            found = LinkCheck {
                way: stats::way(both()),
                round_trip: stats::round_trip(both()),
                sent_lost: lost.map(|lost| lost as f64 / packets),
            };
        }
        if let Err(error) = room.close().await {
            tracing::debug!(%error, "leaving the room of a check failed");
        }
        Ok(found)
    }
}

/// A room that was entered, with the microphone's track in it.
struct Entered {
    room: Room,
    events: mpsc::UnboundedReceiver<sdk::prelude::RoomEvent>,
    source: NativeAudioSource,
    track: LocalAudioTrack,
}

async fn enter(url: &str, token: &str) -> Result<Entered, ConnectError> {
    let (room, events) = Room::connect(url, token, RoomOptions::default()).await.map_err(readable)?;
    let source = NativeAudioSource::new(AudioSourceOptions::default(), SAMPLE_RATE, 1, 0);
    let track = LocalAudioTrack::create_audio_track("microphone", RtcAudioSource::Native(source.clone()));
    // Measured: without redundancy and discontinuous transmission 5 to 15 ms less delay; a steady
    // stream also keeps the agent's voice detection fed in silence.
    let options =
        TrackPublishOptions { source: TrackSource::Microphone, dtx: false, red: false, ..Default::default() };
    room.local_participant()
        .publish_track(LocalTrack::Audio(track.clone()), options)
        .await
        .map_err(readable)?;
    Ok(Entered { room, events, source, track })
}

/// Where frames go that are to be sent.
fn into_encoder(source: NativeAudioSource) -> Microphone {
    Microphone(Arc::new(move |samples| {
        let frame = AudioFrame {
            data: samples.into(),
            sample_rate: SAMPLE_RATE,
            num_channels: 1,
            samples_per_channel: u32::try_from(samples.len()).unwrap_or_default(),
        };
        // Without a queue the frame is taken during this one poll.
        if let Some(Err(error)) = source.capture_frame(&frame).now_or_never() {
            tracing::debug!(%error, "a microphone frame was refused");
        }
    }))
}

fn readable(error: crate::sdk::RoomError) -> ConnectError {
    ConnectError::of(error.to_string())
}

impl RoomHandle for LiveKitRoom {
    fn roster(&self) -> Vec<Participant> {
        self.shared.roster()
    }

    fn probe(&self, sid: &str, probe: ProbeKind, id: u64) {
        let Some(to) = self.shared.by_sid(sid).map(|p| p.identity()) else { return };
        let sid = sid.to_owned();
        Shared::spawn(&self.shared, move |shared| async move {
            match probe {
                ProbeKind::Session => {
                    let ping = agent_session::ping(&shared.nonce, id);
                    let options = SendByteOptions::new_with_topic(agent_session::TOPIC)
                        .with_destination_identities(vec![to]);
                    if let Err(error) = shared.room.local_participant().send_bytes(ping, options).await {
                        tracing::debug!(%error, "a session ping could not be sent");
                    }
                }
                ProbeKind::Process => {
                    let call = PerformRpcData::new(to, NOBODYS_METHOD)
                        .with_response_timeout(PROBE_ROUND_TRIP * 2)
                        .with_max_round_trip_latency(PROBE_ROUND_TRIP);
                    let answer = shared.room.local_participant().perform_rpc(call).await;
                    if answered(&answer) {
                        shared.say(RoomEvent::Input(Input::ProbeAnswered { sid, probe, id })).await;
                    }
                }
            }
        });
    }

    fn pin(&self, sid: &str) {
        *self.shared.pinned.lock() = Some(sid.to_owned());
    }

    fn ask_history(&self, sid: &str) {
        let Some(to) = self.shared.by_sid(sid).map(|p| p.identity()) else { return };
        Shared::spawn(&self.shared, move |shared| async move {
            let options =
                SendByteOptions::new_with_topic(agent_session::TOPIC).with_destination_identities(vec![to]);
            let request = agent_session::history(&shared.nonce);
            if let Err(error) = shared.room.local_participant().send_bytes(request, options).await {
                tracing::debug!(%error, "the conversation so far could not be asked for");
            }
        });
    }

    fn type_to(&self, sid: &str, text: String) {
        let to = self.shared.by_sid(sid).map(|p| p.identity());
        Shared::spawn(&self.shared, move |shared| async move {
            let sent = match to {
                Some(to) => {
                    let options = SendTextOptions::new_with_topic(CHAT).with_destination_identities(vec![to]);
                    shared.room.local_participant().send_text(&text, options).await.map_err(|e| e.to_string())
                }
                None => Err("the interviewer is not in the room".to_owned()),
            };
            if let Err(error) = &sent {
                tracing::warn!(error, "what was typed could not be sent");
            }
            shared.say(RoomEvent::Typed { sent: sent.is_ok() }).await;
        });
    }

    fn request_stats(&self) {
        Shared::spawn(&self.shared, |shared| async move {
            let Ok(stats) = shared.room.get_stats().await else { return };
            let both = || stats.publisher_stats.iter().chain(&stats.subscriber_stats);
            shared.say(RoomEvent::Input(Input::LinkStats { received: stats::received(both()) })).await;
            let mut numbers = LinkNumbers {
                round_trip: stats::round_trip(both()),
                sent_lost: stats::sent_lost(stats.publisher_stats.iter()),
                received: ReceivedTotals::default(),
            };
            let tracks = shared.tracks.lock().clone();
            for (id, HeardTrack { sid, track, .. }) in tracks {
                let Ok(stats) = track.get_stats().await else {
                    shared.tracks.lock().remove(&id);
                    continue;
                };
                if let Some(totals) = stats::of_track(stats.iter()) {
                    numbers.received += totals;
                    let packets = totals.packets;
                    shared.say(RoomEvent::Input(Input::RtpPackets { sid, track: id, packets })).await;
                }
            }
            shared.say(RoomEvent::Link(numbers)).await;
        });
    }

    fn microphone(&self) -> Microphone {
        into_encoder(self.source.clone())
    }

    fn set_muted(&self, muted: bool) {
        if muted { self.track.mute() } else { self.track.unmute() }
    }

    async fn leave(&self) {
        if let Err(error) = self.shared.room.close().await {
            tracing::debug!(%error, "leaving the room failed");
        }
        self.shared.tasks.lock().abort_all();
    }
}

impl Drop for LiveKitRoom {
    fn drop(&mut self) {
        // Tasks hold the room; without this it would outlive us.
        self.shared.tasks.lock().abort_all();
    }
}

/// Whether an RPC's result proves that the destination's process answered. Of the codes that LiveKit keeps for itself
/// (1001 to 1999), the destination's SDK gives three: no such method, a handler that failed, an answer that is too
/// large. The others are made up on our side, or by the server.
fn answered(answer: &Result<String, RpcError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(error) => matches!(error.code, 1400 | 1500 | 1504) || !(1001..=1999).contains(&error.code),
    }
}

impl Shared {
    fn spawn<F>(this: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = work(Arc::clone(this));
        let mut tasks = this.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    async fn say(&self, event: RoomEvent) {
        // Nobody listens any more: the room is being left.
        let _ = self.told.send(event).await;
    }

    fn room_sid(&self) -> String {
        self.room.maybe_sid().map(String::from).unwrap_or_default()
    }

    fn roster(&self) -> Vec<Participant> {
        self.room.remote_participants().values().map(translate::participant).collect()
    }

    fn by_sid(&self, sid: &str) -> Option<RemoteParticipant> {
        self.room.remote_participants().into_values().find(|p| p.sid().as_str() == sid)
    }

    fn sid_of(&self, identity: &str) -> Option<String> {
        self.room.remote_participants().get(&identity.to_owned().into()).map(|p| p.sid().into())
    }

    /// Whether captions under this name are the interviewer's: its own, its avatar's, and those that it gives in the
    /// candidate's name. Nobody else puts words into its mouth.
    fn tells_what_is_said(&self, identity: &str) -> bool {
        if self.room.local_participant().identity().as_str() == identity {
            return true;
        }
        let Some(teller) = self.room.remote_participants().remove(&identity.to_owned().into()) else {
            return false;
        };
        let pinned = self.pinned.lock().clone();
        teller.kind() == ParticipantKind::Agent
            && pinned.is_none_or(|pinned| {
                let stands_for = teller.attributes().get(translate::ON_BEHALF).cloned();
                teller.sid().as_str() == pinned
                    || stands_for.is_some_and(|whom| self.sid_of(&whom) == Some(pinned))
            })
    }

    /// Only the interviewer's call is taken.
    fn register_end_marker(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        self.room.local_participant().register_rpc_method(translate::END_MARKER.to_owned(), move |call| {
            let shared = weak.upgrade();
            Box::pin(async move {
                let identity = String::from(call.caller_identity);
                let caller = shared.and_then(|s| s.sid_of(&identity).map(|sid| (s, sid)));
                let pinned = caller.filter(|(shared, sid)| shared.pinned.lock().as_ref() == Some(sid));
                let Some((shared, sid)) = pinned else {
                    let refusal = "only the interviewer may end the interview".to_owned();
                    return Err(RpcError::new(translate::NOT_THE_INTERVIEWER, refusal, None));
                };
                shared.say(RoomEvent::Input(Input::EndMarker { sid })).await;
                Ok("{}".to_owned())
            })
        });
    }
}

/// Passes the SDK's events on, in order.
async fn follow(
    shared: Arc<Shared>,
    mut events: mpsc::UnboundedReceiver<sdk::prelude::RoomEvent>,
    ended: bool,
) {
    // Each sender's messages are read in order, and by a reader of their own: nobody can hold up the interviewer's.
    let mut senders: BTreeMap<String, mpsc::Sender<ByteStreamReader>> = BTreeMap::new();
    if ended {
        shared.say(RoomEvent::Input(Input::RoomEnded)).await;
    }
    while let Some(event) = events.recv().await {
        fail::fail_point!("room");
        match translate::translate(event) {
            SdkEvent::Input(input) => {
                if let Input::ParticipantLeft { sid, .. } = &input {
                    senders.remove(sid);
                    shared.tracks.lock().retain(|_, heard| heard.sid != *sid);
                }
                shared.say(RoomEvent::Input(input)).await;
            }
            SdkEvent::Restored => {
                let input = Input::Reconnected { room_sid: shared.room_sid(), roster: shared.roster() };
                shared.say(RoomEvent::Input(input)).await;
            }
            SdkEvent::Metadata(metadata) => {
                if RoomMetadata::says_ended(&metadata) {
                    shared.say(RoomEvent::Input(Input::RoomEnded)).await;
                }
            }
            SdkEvent::Track(Heard { track, sid, speaks_for, kind }) => {
                let id = String::from(track.sid());
                let (sounds, silenced) = oneshot::channel();
                let heard = HeardTrack { sid: sid.clone(), track: track.clone(), _sounds: Arc::new(sounds) };
                shared.tracks.lock().insert(id.clone(), heard);
                let rate = i32::try_from(SAMPLE_RATE).unwrap_or(i32::MAX);
                let frames =
                    NativeAudioStream::new(track.rtc_track(), rate, 1).map(|frame| frame.data.into_owned());
                let frames = frames.take_until(silenced);
                let sound = Sound { sid, speaks_for, track: id, kind, frames: frames.boxed() };
                shared.say(RoomEvent::Sound(sound)).await;
            }
            SdkEvent::Token(token) => shared.say(RoomEvent::Token(token)).await,
            SdkEvent::TrackGone(id) => {
                shared.tracks.lock().remove(&id);
            }
            SdkEvent::Bytes(reader, identity) => {
                // The sender is resolved now: a leave may overtake the reading.
                let sender = shared.sid_of(&identity).filter(|_| reader.info().topic == agent_session::TOPIC);
                // Once there is an interviewer, nobody else has anything to say here.
                let heard = |sid: &String| shared.pinned.lock().as_ref().is_none_or(|pinned| pinned == sid);
                if let Some(sid) = sender.filter(heard) {
                    let messages = senders.entry(sid.clone()).or_insert_with(|| {
                        let (messages, waiting) = mpsc::channel(WAITING_STREAMS);
                        Shared::spawn(&shared, |shared| read_session(shared, sid, waiting));
                        messages
                    });
                    if messages.try_send(reader).is_err() {
                        tracing::warn!("a message of an agent's session is dropped: too many wait");
                    }
                }
            }
            SdkEvent::Text(reader, identity) => {
                if reader.info().topic == TRANSCRIPTION && shared.tells_what_is_said(&identity) {
                    Shared::spawn(&shared, |shared| read_caption(shared, reader, identity));
                }
            }
            SdkEvent::Nothing => {}
        }
    }
}

/// Reads messages of one sender one after the other, so that they stay in order.
async fn read_session(shared: Arc<Shared>, sid: String, mut messages: mpsc::Receiver<ByteStreamReader>) {
    let mut decoder = Decoder::new(shared.nonce.clone());
    while let Some(reader) = messages.recv().await {
        let Ok(Some(bytes)) = tokio::time::timeout(MESSAGE_LIMIT, whole(reader)).await else {
            tracing::debug!("a message of an agent's session did not arrive whole");
            continue;
        };
        for event in decoder.decode(&sid, &bytes) {
            shared.say(event).await;
        }
    }
}

/// A message, unless it is too large, breaks off, or does not go on.
async fn whole(mut reader: ByteStreamReader) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = tokio::time::timeout(CHUNK_LIMIT, reader.next()).await.ok()? {
        bytes.extend_from_slice(&chunk.ok()?);
        if bytes.len() > MESSAGE_MOST {
            return None;
        }
    }
    Some(bytes)
}

/// Shows a line while it is spoken. The agent's own lines grow chunk by chunk; the candidate's
/// come anew with every update.
async fn read_caption(shared: Arc<Shared>, mut reader: TextStreamReader, identity: String) {
    let own = shared.room.local_participant().identity();
    let role = if own.as_str() == identity { Role::Candidate } else { Role::Interviewer };
    let segment = |reader: &TextStreamReader| {
        let info = reader.info();
        info.attributes().get("lk.segment_id").cloned().unwrap_or_else(|| info.id.clone())
    };
    let mut text = String::new();
    while let Some(Ok(part)) = reader.next().await {
        text.push_str(&part);
        if text.len() > CAPTION_MOST {
            tracing::warn!("a caption is longer than anybody speaks; the rest of it is left out");
            break;
        }
        if role == Role::Interviewer
            && let Some(sid) = shared.sid_of(&identity)
        {
            shared.say(RoomEvent::Input(Input::Transcribed { sid })).await;
        }
        let caption = Caption { segment: segment(&reader), role, text: text.clone(), done: false };
        shared.say(RoomEvent::Caption(caption)).await;
    }
    // The agent's line ends with its stream, also when it is cut; the candidate's is replaced until final.
    let last = reader.info().attributes().get("lk.transcription_final").is_some_and(|v| v == "true");
    let done = last || role == Role::Interviewer;
    let caption = Caption { segment: segment(&reader), role, text, done };
    shared.say(RoomEvent::Caption(caption)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_destination_says_is_a_sign_of_life() {
        let by = |code| answered(&Err(RpcError::new(code, String::new(), None)));
        for code in [1400, 1500, 1504, translate::NOT_THE_INTERVIEWER, 1_000, 2_000] {
            assert!(by(code), "{code}");
        }
        for code in [1401, 1402, 1403, 1404, 1501, 1502, 1503, 1505, 1001, 1999] {
            assert!(!by(code), "{code}");
        }
        assert!(answered(&Ok(String::new())));
    }
}
