//! Text and byte streams.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

use crate::handle::FfiHandle;
use crate::participant::ParticipantIdentity;
use crate::proto;
use crate::proto::ffi_event::Message as Event;
use crate::proto::ffi_request::Message as Request;
use crate::server::{self, Chunk};

/// A stream that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Its sender left or gave up before its end.
    #[error("stream closed abnormally: {0}")]
    AbnormalEnd(String),
    /// It is not text.
    #[error("UTF-8 decoding error: {0}")]
    Utf8(#[from] std::string::FromUtf8Error),
    /// It could not be sent.
    #[error("unable to send packet")]
    SendFailed,
}

/// Result of an operation on a stream.
pub type StreamResult<T> = Result<T, StreamError>;

type Attributes = Arc<RwLock<HashMap<String, String>>>;

/// What is known of a byte stream from its header, and its attributes.
#[derive(Debug, Clone)]
pub struct ByteStreamInfo {
    /// Unique id.
    pub id: String,
    /// Topic.
    pub topic: String,
    /// Bytes, if known.
    pub total_length: Option<u64>,
    /// MIME type.
    pub mime_type: String,
    /// Name.
    pub name: String,
    attributes_map: Attributes,
}

impl ByteStreamInfo {
    /// Header's attributes; the trailer's are merged in at its end.
    pub fn attributes(&self) -> HashMap<String, String> {
        self.attributes_map.read().clone()
    }
}

/// What is known of a text stream from its header, and its attributes.
#[derive(Debug, Clone)]
pub struct TextStreamInfo {
    /// Unique id.
    pub id: String,
    /// Topic.
    pub topic: String,
    /// Bytes, if known.
    pub total_length: Option<u64>,
    /// MIME type.
    pub mime_type: String,
    attributes_map: Attributes,
}

impl TextStreamInfo {
    /// Header's attributes; the trailer's are merged in at its end.
    pub fn attributes(&self) -> HashMap<String, String> {
        self.attributes_map.read().clone()
    }
}

macro_rules! attributes {
    ($list:expr) => {
        Arc::new(RwLock::new(
            $list.into_iter().map(|a| (a.key.unwrap_or_default(), a.value.unwrap_or_default())).collect(),
        ))
    };
}

impl From<proto::ByteStreamInfo> for ByteStreamInfo {
    fn from(info: proto::ByteStreamInfo) -> Self {
        Self {
            id: info.stream_id,
            topic: info.topic,
            total_length: info.total_length,
            mime_type: info.mime_type,
            name: info.name,
            attributes_map: attributes!(info.attributes),
        }
    }
}

impl From<proto::TextStreamInfo> for TextStreamInfo {
    fn from(info: proto::TextStreamInfo) -> Self {
        Self {
            id: info.stream_id,
            topic: info.topic,
            total_length: info.total_length,
            mime_type: info.mime_type,
            attributes_map: attributes!(info.attributes),
        }
    }
}

/// A value that can be taken once, by whichever clone of an event comes first.
pub struct TakeCell<T> {
    value: Arc<Mutex<Option<T>>>,
}

impl<T> TakeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Arc::new(Mutex::new(Some(value))) }
    }
    /// Takes the value; `None` if it is taken already.
    pub fn take(&self) -> Option<T> {
        self.value.lock().take()
    }
}
impl<T> Clone for TakeCell<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value) }
    }
}
impl<T> fmt::Debug for TakeCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeCell").finish_non_exhaustive()
    }
}

/// Reads an incoming stream, whole or part by part.
pub trait StreamReader: Stream<Item = StreamResult<Self::Output>> {
    /// Type of a part and of the whole.
    type Output;
    /// What is known from the header.
    type Info;
    /// What is known from the header.
    fn info(&self) -> &Self::Info;
    /// Reads to the end.
    fn read_all(self) -> impl Future<Output = StreamResult<Self::Output>> + Send;
}

/// Parts of one stream as the library gives them; reading begins with the first poll.
struct Incoming {
    /// Present until reading begins: an unread reader must be given back, a read one is consumed.
    handle: Option<FfiHandle>,
    id: u64,
    chunks: Option<mpsc::UnboundedReceiver<Chunk>>,
    queued: VecDeque<Bytes>,
    attributes: Attributes,
    ended: bool,
}

impl Incoming {
    fn new(handle: u64, attributes: Attributes) -> Self {
        Self {
            handle: Some(FfiHandle::new(handle)),
            id: handle,
            chunks: None,
            queued: VecDeque::new(),
            attributes,
            ended: false,
        }
    }

    fn poll_next(
        &mut self,
        begin: fn(u64) -> Request,
        cx: &mut Context<'_>,
    ) -> Poll<Option<StreamResult<Bytes>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Some(handle) = self.handle.take() {
            let (sender, receiver) = mpsc::unbounded_channel();
            server::add_reader(self.id, sender);
            self.chunks = Some(receiver);
            if server::request("read_incremental", begin(self.id)).is_err() {
                self.ended = true;
                return Poll::Ready(Some(Err(StreamError::AbnormalEnd("cannot be read".to_owned()))));
            }
            handle.consumed();
        }
        if let Some(part) = self.queued.pop_front() {
            return Poll::Ready(Some(Ok(part)));
        }
        let Some(chunks) = self.chunks.as_mut() else { return Poll::Ready(None) };
        match chunks.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Ready(Some(Err(StreamError::AbnormalEnd("the room was closed".to_owned()))))
            }
            Poll::Ready(Some(Chunk::Data(data))) => Poll::Ready(Some(Ok(data))),
            Poll::Ready(Some(Chunk::End { error, attributes })) => {
                self.ended = true;
                self.attributes.write().extend(attributes);
                match error {
                    Some(text) => Poll::Ready(Some(Err(StreamError::AbnormalEnd(text)))),
                    None => Poll::Ready(None),
                }
            }
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.handle.is_none() && !self.ended {
            server::remove_reader(self.id);
        }
    }
}

/// Reads an incoming byte stream.
pub struct ByteStreamReader {
    info: ByteStreamInfo,
    incoming: Incoming,
}

impl fmt::Debug for ByteStreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStreamReader").field("topic", &self.info.topic).finish()
    }
}

impl ByteStreamReader {
    pub(crate) fn new(owned: proto::OwnedByteStreamReader) -> Self {
        let info = ByteStreamInfo::from(owned.info);
        let incoming = Incoming::new(owned.handle.id, Arc::clone(&info.attributes_map));
        Self { info, incoming }
    }
}

impl Stream for ByteStreamReader {
    type Item = StreamResult<Bytes>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_next(
            |reader_handle| {
                Request::ByteReadIncremental(proto::ByteStreamReaderReadIncrementalRequest { reader_handle })
            },
            cx,
        )
    }
}

impl StreamReader for ByteStreamReader {
    type Output = Bytes;
    type Info = ByteStreamInfo;
    fn info(&self) -> &ByteStreamInfo {
        &self.info
    }
    async fn read_all(mut self) -> StreamResult<Bytes> {
        let mut whole = BytesMut::new();
        while let Some(part) = self.next().await {
            whole.extend_from_slice(&part?);
        }
        Ok(whole.freeze())
    }
}

/// Reads an incoming text stream.
pub struct TextStreamReader {
    info: TextStreamInfo,
    incoming: Incoming,
}

impl fmt::Debug for TextStreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextStreamReader").field("topic", &self.info.topic).finish()
    }
}

impl TextStreamReader {
    pub(crate) fn new(owned: proto::OwnedTextStreamReader) -> Self {
        let info = TextStreamInfo::from(owned.info);
        let incoming = Incoming::new(owned.handle.id, Arc::clone(&info.attributes_map));
        Self { info, incoming }
    }
}

impl Stream for TextStreamReader {
    type Item = StreamResult<String>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = self.incoming.poll_next(
            |reader_handle| {
                Request::TextReadIncremental(proto::TextStreamReaderReadIncrementalRequest { reader_handle })
            },
            cx,
        );
        part.map(|part| part.map(|part| Ok(String::from_utf8(part?.into())?)))
    }
}

impl StreamReader for TextStreamReader {
    type Output = String;
    type Info = TextStreamInfo;
    fn info(&self) -> &TextStreamInfo {
        &self.info
    }
    async fn read_all(mut self) -> StreamResult<String> {
        let mut whole = String::new();
        while let Some(part) = self.next().await {
            whole.push_str(&part?);
        }
        Ok(whole)
    }
}

macro_rules! send_options {
    ($name:ident, $what:literal) => {
        #[doc = concat!("How to send ", $what, " as one stream.")]
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name {
            /// Topic.
            pub topic: String,
            /// Attributes of the header.
            pub attributes: HashMap<String, String>,
            /// Recipients; everybody when empty.
            pub destination_identities: Vec<ParticipantIdentity>,
        }
        impl $name {
            /// To everybody, without attributes.
            pub fn new_with_topic(topic: impl Into<String>) -> Self {
                Self { topic: topic.into(), attributes: HashMap::new(), destination_identities: Vec::new() }
            }
            /// Sets the recipients.
            pub fn with_destination_identities(mut self, identities: Vec<ParticipantIdentity>) -> Self {
                self.destination_identities = identities;
                self
            }
            /// Sets the attributes.
            pub fn with_attributes(mut self, attributes: HashMap<String, String>) -> Self {
                self.attributes = attributes;
                self
            }
        }
    };
}
send_options!(SendByteOptions, "bytes");
send_options!(SendTextOptions, "text");

pub(crate) async fn send_bytes(
    local: u64,
    data: &[u8],
    options: SendByteOptions,
) -> StreamResult<ByteStreamInfo> {
    use proto::stream_byte_options::AttributesEntry;
    let pending = server::request_async("send_bytes", |id| {
        Request::SendBytes(proto::StreamSendBytesRequest {
            local_participant_handle: local,
            options: proto::StreamByteOptions {
                topic: options.topic,
                attributes: options
                    .attributes
                    .into_iter()
                    .map(|(k, v)| AttributesEntry { key: Some(k), value: Some(v) })
                    .collect(),
                destination_identities: options
                    .destination_identities
                    .into_iter()
                    .map(String::from)
                    .collect(),
                id: None,
                name: None,
                mime_type: None,
                total_length: None,
                compress: None,
            },
            bytes: data.to_vec(),
            request_async_id: Some(id),
        })
    })?;
    use proto::stream_send_bytes_callback::Result as R;
    match pending.wait().await {
        Some(Event::SendBytes(proto::StreamSendBytesCallback { result: Some(R::Info(info)), .. })) => {
            Ok(info.into())
        }
        _ => Err(StreamError::SendFailed),
    }
}

pub(crate) async fn send_text(
    local: u64,
    text: &str,
    options: SendTextOptions,
) -> StreamResult<TextStreamInfo> {
    use proto::stream_text_options::AttributesEntry;
    let pending = server::request_async("send_text", |id| {
        Request::SendText(proto::StreamSendTextRequest {
            local_participant_handle: local,
            options: proto::StreamTextOptions {
                topic: options.topic,
                attributes: options
                    .attributes
                    .into_iter()
                    .map(|(k, v)| AttributesEntry { key: Some(k), value: Some(v) })
                    .collect(),
                destination_identities: options
                    .destination_identities
                    .into_iter()
                    .map(String::from)
                    .collect(),
                id: None,
            },
            text: text.to_owned(),
            request_async_id: Some(id),
        })
    })?;
    use proto::stream_send_text_callback::Result as R;
    match pending.wait().await {
        Some(Event::SendText(proto::StreamSendTextCallback { result: Some(R::Info(info)), .. })) => {
            Ok(info.into())
        }
        _ => Err(StreamError::SendFailed),
    }
}
