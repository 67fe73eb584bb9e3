//! PCM in and out, and WebRTC's audio processing.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;

use crate::ffi::Processing;
use crate::handle::FfiHandle;
use crate::proto;
use crate::proto::ffi_event::Message as Event;
use crate::proto::ffi_request::Message as Request;
use crate::proto::ffi_response::Message as Response;
use crate::server::{self, AudioRoute};

/// An audio call that the library refused, or that would have made it abort.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct RtcError {
    /// What was wrong.
    pub message: String,
}

fn refused(message: impl Into<String>) -> RtcError {
    RtcError { message: message.into() }
}

/// Interleaved 16-bit PCM.
#[derive(Debug, Clone)]
pub struct AudioFrame<'a> {
    /// `num_channels * samples_per_channel` samples.
    pub data: Cow<'a, [i16]>,
    /// Hertz.
    pub sample_rate: u32,
    /// Channels.
    pub num_channels: u32,
    /// Samples of one channel.
    pub samples_per_channel: u32,
}

/// Processing that the SDK applies to a source; all off by default.
#[derive(Default, Debug, Clone)]
pub struct AudioSourceOptions {
    /// Needs the render stream, which a native source does not have: leave off.
    pub echo_cancellation: bool,
    /// Noise suppression.
    pub noise_suppression: bool,
    /// Automatic gain.
    pub auto_gain_control: bool,
}

/// A source that the caller feeds with frames.
#[derive(Clone)]
pub struct NativeAudioSource {
    shared: Arc<SourceShared>,
}

struct SourceShared {
    handle: FfiHandle,
    sample_rate: u32,
    num_channels: u32,
    queued: bool,
}

impl fmt::Debug for NativeAudioSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeAudioSource").field("sample_rate", &self.shared.sample_rate).finish()
    }
}

impl NativeAudioSource {
    /// A source of `sample_rate` Hz and `num_channels`. `queue_size_ms` is a multiple of 10; 0 means
    /// that frames of exactly 10 ms go straight to the encoder (any queue adds 10 to 40 ms, because
    /// it drains on a timer and never catches up). Another number is rounded down to a multiple of
    /// 10, because the library would abort on it.
    pub fn new(options: AudioSourceOptions, sample_rate: u32, num_channels: u32, queue_size_ms: u32) -> Self {
        let queue_size_ms = queue_size_ms / 10 * 10;
        let request = Request::NewAudioSource(proto::NewAudioSourceRequest {
            r#type: proto::AudioSourceType::AudioSourceNative.into(),
            options: Some(proto::AudioSourceOptions {
                echo_cancellation: options.echo_cancellation,
                noise_suppression: options.noise_suppression,
                auto_gain_control: options.auto_gain_control,
            }),
            sample_rate: Some(sample_rate),
            num_channels: Some(num_channels),
            queue_size_ms: Some(queue_size_ms),
        });
        let handle = match server::request("new_audio_source", request) {
            Ok(Response::NewAudioSource(r)) => r.source.handle.id,
            Ok(_) | Err(_) => 0,
        };
        let queued = queue_size_ms > 0;
        Self {
            shared: Arc::new(SourceShared {
                handle: FfiHandle::new(handle),
                sample_rate,
                num_channels,
                queued,
            }),
        }
    }

    /// Gives one frame to the encoder. Without a queue the frame is taken during the first poll (45
    /// to 90 µs) and the future is ready at once, so that a capture thread may poll it just once.
    ///
    /// # Errors
    /// Another rate or channel count than the source's, or not exactly 10 ms without a queue.
    pub async fn capture_frame(&self, frame: &AudioFrame<'_>) -> Result<(), RtcError> {
        let shared = &self.shared;
        let samples = frame.num_channels as usize * frame.samples_per_channel as usize;
        if frame.sample_rate != shared.sample_rate || frame.num_channels != shared.num_channels {
            return Err(refused("the frame's rate or channels differ from the source's"));
        }
        if frame.data.len() != samples || samples == 0 {
            return Err(refused("the frame's length differs from what it says"));
        }
        if !shared.queued && frame.samples_per_channel * 100 != frame.sample_rate {
            return Err(refused("a source without a queue takes frames of exactly 10 ms"));
        }
        let build = |id| proto::CaptureAudioFrameRequest {
            source_handle: shared.handle.id(),
            buffer: proto::AudioFrameBufferInfo {
                // Filled in where the samples are given.
                data_ptr: 0,
                num_channels: frame.num_channels,
                sample_rate: frame.sample_rate,
                samples_per_channel: frame.samples_per_channel,
            },
            request_async_id: Some(id),
        };
        if !shared.queued {
            return server::capture_unwatched(&frame.data, build).map_err(|e| refused(e.to_string()));
        }
        let pending = server::capture(&frame.data, build).map_err(|e| refused(e.to_string()))?;
        match pending.wait().await {
            Some(Event::CaptureAudioFrame(proto::CaptureAudioFrameCallback { error: Some(e), .. })) => {
                Err(refused(e))
            }
            _ => Ok(()),
        }
    }

    /// Forgets what is queued.
    pub fn clear_buffer(&self) {
        let request = Request::ClearAudioBuffer(proto::ClearAudioBufferRequest {
            source_handle: self.shared.handle.id(),
        });
        if let Err(error) = server::request("clear_audio_buffer", request) {
            tracing::debug!(%error, "an audio source could not be cleared");
        }
    }
    /// Hertz.
    pub fn sample_rate(&self) -> u32 {
        self.shared.sample_rate
    }
    /// Channels.
    pub fn num_channels(&self) -> u32 {
        self.shared.num_channels
    }
}

/// What a track takes its sound from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RtcAudioSource {
    /// Frames that the caller gives.
    Native(NativeAudioSource),
}

impl RtcAudioSource {
    pub(crate) fn handle_id(&self) -> u64 {
        match self {
            Self::Native(source) => source.shared.handle.id(),
        }
    }
}

/// A received audio track, to be read as a stream.
#[derive(Clone)]
pub struct RtcAudioTrack {
    handle: Arc<FfiHandle>,
}

impl fmt::Debug for RtcAudioTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtcAudioTrack").finish_non_exhaustive()
    }
}

impl RtcAudioTrack {
    pub(crate) fn new(handle: u64) -> Self {
        Self { handle: Arc::new(FfiHandle::new(handle)) }
    }
    pub(crate) fn id(&self) -> u64 {
        self.handle.id()
    }
}

/// How a stream is read.
#[derive(Clone, Debug, Default)]
pub struct NativeAudioStreamOptions {
    /// Frames of 10 ms that wait for a late reader: 10 when `None`. Past that the newest is
    /// dropped and counted.
    pub queue_size_frames: Option<usize>,
}

/// Decoded sound of a received track, one frame every 10 ms by the SDK's timer.
pub struct NativeAudioStream {
    frames: mpsc::Receiver<AudioFrame<'static>>,
    handle: Option<FfiHandle>,
    track: RtcAudioTrack,
    dropped: Arc<AtomicU64>,
}

impl fmt::Debug for NativeAudioStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeAudioStream").finish_non_exhaustive()
    }
}

/// Upstream's default bound of waiting frames.
const DEFAULT_QUEUE_FRAMES: usize = 10;

impl NativeAudioStream {
    /// Reads `track` as `num_channels` at `sample_rate` Hz.
    pub fn new(track: RtcAudioTrack, sample_rate: i32, num_channels: i32) -> Self {
        Self::with_options(track, sample_rate, num_channels, NativeAudioStreamOptions::default())
    }

    /// As [`Self::new`], with options.
    pub fn with_options(
        track: RtcAudioTrack,
        sample_rate: i32,
        num_channels: i32,
        options: NativeAudioStreamOptions,
    ) -> Self {
        let queue = options.queue_size_frames.unwrap_or(DEFAULT_QUEUE_FRAMES).max(1);
        let (sender, frames) = mpsc::channel(queue);
        let dropped = Arc::new(AtomicU64::new(0));
        let request = Request::NewAudioStream(proto::NewAudioStreamRequest {
            track_handle: track.handle.id(),
            r#type: proto::AudioStreamType::AudioStreamNative.into(),
            sample_rate: u32::try_from(sample_rate).ok(),
            num_channels: u32::try_from(num_channels).ok(),
            frame_size_ms: None,
            queue_size_frames: u32::try_from(queue).ok(),
        });
        let handle = match server::request("new_audio_stream", request) {
            Ok(Response::NewAudioStream(r)) => {
                server::add_audio(
                    r.stream.handle.id,
                    AudioRoute { frames: sender, dropped: Arc::clone(&dropped) },
                );
                Some(FfiHandle::new(r.stream.handle.id))
            }
            Ok(_) | Err(_) => None,
        };
        Self { frames, handle, track, dropped }
    }

    /// The track that is read.
    pub fn track(&self) -> RtcAudioTrack {
        self.track.clone()
    }

    /// Frames dropped because the reader was late.
    pub fn dropped_frames(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Ends the stream.
    pub fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            server::remove_audio(handle.id());
        }
        self.frames.close();
    }
}

impl Drop for NativeAudioStream {
    fn drop(&mut self) {
        self.close();
    }
}

impl Stream for NativeAudioStream {
    type Item = AudioFrame<'static>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.frames.poll_recv(cx)
    }
}

/// WebRTC's echo canceller, gain control, high-pass filter and noise suppression.
#[derive(Debug)]
pub struct AudioProcessingModule {
    handle: FfiHandle,
}

impl AudioProcessingModule {
    /// Makes a module with the given stages.
    pub fn new(
        echo_canceller_enabled: bool,
        gain_controller_enabled: bool,
        high_pass_filter_enabled: bool,
        noise_suppression_enabled: bool,
    ) -> Self {
        let request = Request::NewApm(proto::NewApmRequest {
            echo_canceller_enabled,
            gain_controller_enabled,
            high_pass_filter_enabled,
            noise_suppression_enabled,
        });
        let handle = match server::request("new_apm", request) {
            Ok(Response::NewApm(r)) => r.apm.handle.id,
            Ok(_) | Err(_) => 0,
        };
        Self { handle: FfiHandle::new(handle) }
    }

    /// Processes captured sound in place: interleaved, a multiple of 10 ms.
    ///
    /// # Errors
    /// Another length (the library would abort on it), or the module's own error.
    pub fn process_stream(
        &mut self,
        data: &mut [i16],
        sample_rate: i32,
        num_channels: i32,
    ) -> Result<(), RtcError> {
        let (sample_rate, num_channels) = checked(data, sample_rate, num_channels)?;
        let processing =
            Processing { apm_handle: self.handle.id(), sample_rate, num_channels, reverse: false };
        match server::process(data, processing) {
            Ok(Response::ApmProcessStream(r)) => r.error.map_or(Ok(()), |e| Err(refused(e))),
            Ok(_) => Err(refused("unexpected answer")),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Shows the module what the loudspeaker plays, as [`Self::process_stream`].
    ///
    /// # Errors
    /// As [`Self::process_stream`].
    pub fn process_reverse_stream(
        &mut self,
        data: &mut [i16],
        sample_rate: i32,
        num_channels: i32,
    ) -> Result<(), RtcError> {
        let (sample_rate, num_channels) = checked(data, sample_rate, num_channels)?;
        let processing =
            Processing { apm_handle: self.handle.id(), sample_rate, num_channels, reverse: true };
        match server::process(data, processing) {
            Ok(Response::ApmProcessReverseStream(r)) => r.error.map_or(Ok(()), |e| Err(refused(e))),
            Ok(_) => Err(refused("unexpected answer")),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Milliseconds between a sample's playback and its echo's capture.
    ///
    /// # Errors
    /// The module's own.
    pub fn set_stream_delay_ms(&mut self, delay_ms: i32) -> Result<(), RtcError> {
        let request = Request::ApmSetStreamDelay(proto::ApmSetStreamDelayRequest {
            apm_handle: self.handle.id(),
            delay_ms,
        });
        match server::request("apm_set_stream_delay", request) {
            Ok(Response::ApmSetStreamDelay(r)) => r.error.map_or(Ok(()), |e| Err(refused(e))),
            Ok(_) => Err(refused("unexpected answer")),
            Err(error) => Err(refused(error.to_string())),
        }
    }
}

/// Rate and channels of a buffer that the module can take.
fn checked(data: &[i16], sample_rate: i32, num_channels: i32) -> Result<(u32, u32), RtcError> {
    let rate = u32::try_from(sample_rate).map_err(|_| refused("the sample rate is negative"))?;
    let channels = u32::try_from(num_channels).map_err(|_| refused("the channel count is negative"))?;
    let ten_ms = rate as usize / 100 * channels as usize;
    if ten_ms == 0 || data.is_empty() || !data.len().is_multiple_of(ten_ms) {
        return Err(refused("audio processing takes a multiple of 10 ms"));
    }
    Ok((rate, channels))
}
