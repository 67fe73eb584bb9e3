//! Streams with explicit buffer sizes: one thread each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Instant;

use libpulse_binding as pulse;
use pulse::context;
use pulse::def::BufferAttr;
use pulse::proplist::{Proplist, properties};
use pulse::sample::{Format, Spec};
use pulse::stream::{self, PeekResult, SeekMode, Stream};

use super::devices;
use super::server::{OPEN_LIMIT, Server, failed, rest};
use crate::channels::Channels;
use crate::convert::from_i16;
use crate::device::{AudioError, DeviceChoice, DeviceKind};
use crate::frame_work::FrameSink;
use crate::mixer::Source;
use crate::realtime::without_allocation;
use crate::status::{Flow, StreamState};
use crate::stream::{CaptureShared, PlaybackShared};
use crate::urgent::Urgent;
use crate::{FRAME, SAMPLE_RATE};

/// A sample in bytes.
const SAMPLE_BYTES: usize = 2;

/// Measured best on null sinks: tlength 20 ms, minreq 5 ms, fragsize 10 ms (facts: 75 to 80 ms mouth
/// to ear at 6 to 9 % of a core).
fn attributes(channels: u8) -> BufferAttr {
    let ms = |ms: u32| SAMPLE_RATE / 1000 * 2 * u32::from(channels) * ms;
    BufferAttr { maxlength: u32::MAX, tlength: ms(20), prebuf: u32::MAX, minreq: ms(5), fragsize: ms(10) }
}

/// An open stream.
struct Open {
    // Dropped in this order: the stream uses the connection.
    stream: Stream,
    server: Server,
    kind: DeviceKind,
    channels: u8,
    /// Where the server has put it. It may be moved at any time, by a person or because a device left.
    device: Option<String>,
    /// It was moved since it was opened.
    moved: bool,
}

impl Open {
    /// Opens a stream, as long as it is wanted.
    fn new(
        kind: DeviceKind,
        choice: &DeviceChoice,
        what: &str,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, AudioError> {
        let deadline = Instant::now() + OPEN_LIMIT;
        let mut server = Server::connect(context::FlagSet::NOFLAGS, deadline, wanted)?;
        let device = match kind {
            DeviceKind::Microphone => microphone(&mut server, choice, wanted)?,
            DeviceKind::Loudspeaker => choice.name().map(str::to_owned),
        };
        let mut open = Self::on(server, kind, choice, device, what, (deadline, wanted))?;
        // Without a name, the server decides by the stream's role and by what it remembers: that may be another microphone than the
        // default one, with other channels. Once: what it says then is its last word.
        if let Some(landed) = open.device.clone().filter(|_| matches!(kind, DeviceKind::Microphone)) {
            let there = devices::channels(&mut open.server, Some(&landed), wanted);
            if there.is_some_and(|map| map.len() != open.channels) {
                let Self { stream, server, .. } = open;
                drop(stream);
                open = Self::on(server, kind, choice, Some(landed), what, (deadline, wanted))?;
            }
        }
        open.nothing().map_or(Ok(open), Err)
    }

    /// Opens one on this device.
    fn on(
        mut server: Server,
        kind: DeviceKind,
        choice: &DeviceChoice,
        device: Option<String>,
        what: &str,
        (deadline, wanted): (Instant, &dyn Fn() -> bool),
    ) -> Result<Self, AudioError> {
        // The source's own: of another one, the server would mix before we can look for the channel with the voice, and more than
        // six have no usual one.
        let map = match kind {
            DeviceKind::Microphone => devices::channels(&mut server, device.as_deref(), wanted),
            DeviceKind::Loudspeaker => None,
        };
        let channels = map.map_or(1, |map| map.len());
        let spec = Spec { format: Format::S16le, channels, rate: SAMPLE_RATE };
        let stream = match call() {
            Some(mut call) => {
                Stream::new_with_proplist(&mut server.context, what, &spec, map.as_ref(), &mut call)
            }
            None => Stream::new(&mut server.context, what, &spec, map.as_ref()),
        };
        let mut stream = stream.ok_or_else(|| failed(server.context.errno()))?;
        let mut flags = stream::FlagSet::ADJUST_LATENCY;
        // A chosen one that leaves is told of, and chosen again when it is back: the server must not put another one in its place.
        if choice.name().is_some() {
            flags |= stream::FlagSet::DONT_MOVE;
        }
        let attributes = attributes(channels);
        match kind {
            DeviceKind::Microphone => stream.connect_record(device.as_deref(), Some(&attributes), flags),
            DeviceKind::Loudspeaker => {
                stream.connect_playback(device.as_deref(), Some(&attributes), flags, None, None)
            }
        }
        .map_err(failed)?;
        server.until(deadline, wanted, |context| match stream.get_state() {
            stream::State::Ready => Some(Ok(())),
            stream::State::Failed | stream::State::Terminated => {
                let error = context.errno();
                let missing = error.0.abs() == pulse::error::Code::NoEntity as i32;
                Some(Err(match choice.name().filter(|_| missing) {
                    Some(id) => AudioError::Missing(id.to_owned()),
                    None => failed(error),
                }))
            }
            stream::State::Unconnected | stream::State::Creating => None,
        })?;
        let device = stream.get_device_name().map(Into::into);
        Ok(Self { stream, server, kind, channels, device, moved: false })
    }

    /// What is missing if it is open on nothing: PulseAudio puts a stream on a loudspeaker's monitor when the last microphone is
    /// gone, and on a dummy when the last loudspeaker is.
    fn nothing(&self) -> Option<AudioError> {
        let name = self.device.as_deref()?;
        match self.kind {
            DeviceKind::Microphone => name.ends_with(".monitor").then_some(AudioError::NoMicrophone),
            DeviceKind::Loudspeaker => (name == devices::DUMMY).then_some(AudioError::NoSpeaker),
        }
    }

    /// Whether the device that it was moved to has other channels: then it has to be opened again to hear all of them.
    fn has_other_channels(&self, state: &StreamState) -> bool {
        let now = state.format.get().map(|format| format.channels);
        let other = now.is_some_and(|now| now != u16::from(self.channels));
        self.moved && other && matches!(self.kind, DeviceKind::Microphone)
    }

    /// Tells which device it is, and finds out what it does.
    fn tell(&mut self, state: &Arc<StreamState>) {
        state.opened(self.device.as_deref());
        state.format.forget();
        let bytes = self.stream.get_buffer_attr().map_or(0, |buffer| match self.kind {
            DeviceKind::Microphone => buffer.fragsize,
            DeviceKind::Loudspeaker => buffer.tlength,
        });
        let bytes_per_ms = SAMPLE_RATE / 1_000 * SAMPLE_BYTES as u32 * u32::from(self.channels);
        let buffer_ms = u16::try_from(bytes / bytes_per_ms).unwrap_or(u16::MAX);
        if let Some(device) = &self.device {
            devices::tell_format(&self.server, self.kind, device, buffer_ms, state);
        }
    }

    /// Waits up to [`super::server::TURN`]; an error when the stream is over.
    fn turn(&mut self, state: &Arc<StreamState>) -> Result<(), AudioError> {
        self.server.turn().map_err(failed)?;
        let device = self.stream.get_device_name();
        if device.as_deref() != self.device.as_deref() {
            self.device = device.map(Into::into);
            self.moved = true;
            if self.nothing().is_none() {
                self.tell(state);
            }
        }
        match self.stream.get_state() {
            stream::State::Ready if self.has_other_channels(state) => {
                Err(AudioError::Unusable("it has other channels now".to_owned()))
            }
            stream::State::Ready => self.nothing().map_or(Ok(()), Err),
            stream::State::Failed
            | stream::State::Terminated
            | stream::State::Unconnected
            | stream::State::Creating => Err(failed(self.server.context.errno())),
        }
    }

    /// Hands on what was recorded since, holes as zeros, as one channel.
    fn read(&mut self, channels: &mut Channels, mut take: impl FnMut(f32)) -> Result<Read, AudioError> {
        let mut read = Read::default();
        loop {
            match self.stream.peek().map_err(failed)? {
                PeekResult::Empty => return Ok(read),
                PeekResult::Hole(bytes) => {
                    let samples = bytes / SAMPLE_BYTES / usize::from(self.channels);
                    read.lost += samples;
                    (0..samples).for_each(|_| take(0.0));
                }
                PeekResult::Data(bytes) => {
                    read.any = true;
                    let sample = |pair: &[u8]| from_i16(i16::from_le_bytes([pair[0], pair[1]]));
                    bytes
                        .chunks_exact(SAMPLE_BYTES * usize::from(self.channels))
                        .for_each(|frame| take(channels.mix(frame.chunks_exact(SAMPLE_BYTES).map(sample))));
                }
            }
            self.stream.discard().map_err(failed)?;
            self.server.rests.look();
        }
    }
}

/// What a server may know of our streams: a Bluetooth headset switches to its microphone for a call, and other players get quieter.
fn call() -> Option<Proplist> {
    let mut list = Proplist::new()?;
    list.set_str(properties::MEDIA_ROLE, "phone").ok()?;
    Some(list)
}

/// Which microphone to ask for: the default one by no name, so that the server may move us when it changes. Some systems have a
/// loudspeaker's monitor for a default: then the first microphone there is.
fn microphone(
    server: &mut Server,
    choice: &DeviceChoice,
    wanted: &dyn Fn() -> bool,
) -> Result<Option<String>, AudioError> {
    if let Some(id) = choice.name() {
        return Ok(Some(id.to_owned()));
    }
    let inputs = devices::list(server, wanted)?.inputs;
    if inputs.iter().any(|device| device.default) {
        return Ok(None);
    }
    inputs.into_iter().next().map(|device| Some(device.id)).ok_or(AudioError::NoMicrophone)
}

/// What came of a look at a recording.
#[derive(Default)]
struct Read {
    any: bool,
    /// Samples that were lost.
    lost: usize,
}

/// Runs `run` on a thread once the stream is open there; gives the first opening's error here.
/// `run` says whether the stream was stopped (`true`) or broke.
fn start(
    name: &str,
    kind: DeviceKind,
    choice: DeviceChoice,
    state: Arc<StreamState>,
    mut run: impl FnMut(Open) -> bool + Send + 'static,
) -> Result<(), AudioError> {
    let (opened, first) = mpsc::channel();
    let what = name.to_owned();
    let work = move || {
        let _urgent = Urgent::ask();
        let mut opened = Some(opened);
        let wanted = || !state.stopped();
        while wanted() {
            let stream = Open::new(kind, &choice, &what, &wanted);
            match (stream, opened.take()) {
                (Ok(mut stream), first) => {
                    let again = first.is_none();
                    stream.tell(&state);
                    // The opener gave up waiting: nobody would ever close this stream.
                    if first.is_some_and(|opened| opened.send(Ok(())).is_err()) {
                        return;
                    }
                    if again {
                        state.reopened();
                    }
                    if run(stream) {
                        return;
                    }
                    state.lost();
                }
                (Err(error), Some(opened)) => return drop(opened.send(Err(error))),
                // It was there and is gone: whoever chose it decides what comes instead.
                (Err(AudioError::Missing(_)), None) => {
                    state.fail();
                    return state.tell_failure();
                }
                (Err(_), None) => {}
            }
            rest(&wanted);
        }
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| AudioError::System(e.to_string()))?;
    first.recv_timeout(OPEN_LIMIT).unwrap_or(Err(AudioError::Hangs))
}

/// Captures on a thread until stopped.
///
/// # Errors
/// The stream can't be opened.
pub(crate) fn capture(
    choice: &DeviceChoice,
    shared: Arc<CaptureShared>,
    mut sink: FrameSink,
) -> Result<(), AudioError> {
    let state = Arc::clone(&shared.state);
    let run = move |mut open: Open| {
        let mut channels = Channels::new(usize::from(open.channels));
        let mut flow = Flow::new(Instant::now());
        while !shared.state.stopped() {
            let read = open
                .turn(&shared.state)
                .and_then(|()| without_allocation(|| open.read(&mut channels, |sample| sink.take(sample))));
            match read {
                Ok(Read { any, lost }) => {
                    shared.lost_samples.fetch_add(lost as u64, Ordering::Relaxed);
                    flow.look(any, Instant::now(), &shared.state);
                }
                Err(_) => {
                    shared.level.reset();
                    return false;
                }
            }
        }
        true
    };
    start("Microphone", DeviceKind::Microphone, choice.clone(), state, run)
}

/// Plays on a thread until stopped.
///
/// # Errors
/// The stream can't be opened.
pub(crate) fn playback(
    choice: &DeviceChoice,
    shared: Arc<PlaybackShared>,
    mut source: Source,
) -> Result<(), AudioError> {
    let state = Arc::clone(&shared.state);
    let run = move |mut open: Open| {
        let mut frame = [0_i16; FRAME];
        let mut bytes = [0_u8; FRAME * SAMPLE_BYTES];
        let mut flow = Flow::new(Instant::now());
        while !shared.state.stopped() {
            let mut any = false;
            // Exactly what the server asks for: taken from the ring not before it is needed.
            while let Some(wanted @ SAMPLE_BYTES..) = open.stream.writable_size() {
                any = true;
                let written = without_allocation(|| {
                    let samples = &mut frame[..(wanted / SAMPLE_BYTES).min(FRAME)];
                    source.fill_i16(samples);
                    let bytes = &mut bytes[..samples.len() * SAMPLE_BYTES];
                    for (pair, sample) in bytes.chunks_exact_mut(SAMPLE_BYTES).zip(samples) {
                        pair.copy_from_slice(&sample.to_le_bytes());
                    }
                    open.stream.write_copy(bytes, 0, SeekMode::Relative)
                });
                if written.is_err() {
                    return false;
                }
                open.server.rests.look();
            }
            flow.look(any, Instant::now(), &shared.state);
            if open.turn(&shared.state).is_err() {
                return false;
            }
        }
        true
    };
    start("Loudspeaker", DeviceKind::Loudspeaker, choice.clone(), state, run)
}
