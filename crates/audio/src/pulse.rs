//! PulseAudio (and PipeWire's Pulse server) with explicit buffer sizes, on threads of ours.
//!
//! Each stream has a thread with a main loop of its own, which never waits longer than [`TURN`]:
//! a device that gives or takes nothing, or a server that hangs, is let go of as soon as it is
//! closed. When the server dies the thread opens the stream again.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use libpulse_binding as pulse;
use pulse::callbacks::ListResult;
use pulse::context::{self, Context};
use pulse::def::BufferAttr;
use pulse::error::PAErr;
use pulse::mainloop::standard::Mainloop;
use pulse::sample::{Format, Spec};
use pulse::stream::{self, PeekResult, SeekMode, Stream};
use pulse::time::MicroSeconds;

use crate::device::{AudioError, Device, DeviceChoice, Devices};
use crate::host::OnFrame;
use crate::mixer::Source;
use crate::stream::{CaptureShared, PlaybackShared};
use crate::{FRAME, SAMPLE_RATE};

const NAME: &str = "Adjourn";
/// A sample in bytes.
const SAMPLE_BYTES: usize = 2;
/// How long the server may take to list its devices or open a stream.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// Pause before a stream is opened again.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);
/// Longest wait for the server before we look whether the stream is still wanted: two frames.
const TURN: Duration = Duration::from_millis(20);

const SPEC: Spec = Spec { format: Format::S16le, channels: 1, rate: SAMPLE_RATE };

/// Measured best on null sinks: tlength 20 ms, minreq 5 ms, fragsize 10 ms (facts: 75 to 80 ms mouth
/// to ear at 6 to 9 % of a core).
fn attributes() -> BufferAttr {
    let ms = |ms: u32| SAMPLE_RATE / 1000 * 2 * ms;
    BufferAttr { maxlength: u32::MAX, tlength: ms(20), prebuf: u32::MAX, minreq: ms(5), fragsize: ms(10) }
}

/// Lists devices; `None` when there is no Pulse server. Sources that only repeat what a sink plays are
/// left out.
///
/// # Errors
/// There is a server, but it does not answer: nobody else can have the devices then.
pub(crate) fn devices() -> Result<Option<Devices>, AudioError> {
    let deadline = Instant::now() + ANSWER_LIMIT;
    let mut server = match Server::connect(context::FlagSet::NOAUTOSPAWN, deadline, &|| true) {
        Ok(server) => server,
        Err(Unreached::NoServer(_)) => return Ok(None),
        Err(Unreached::Broken(error)) => return Err(error),
    };
    let found = Rc::new(RefCell::new((Devices::default(), None, None, 0_u8)));
    let introspect = server.context.introspect();
    let into = Rc::clone(&found);
    introspect.get_server_info(move |info| {
        let mut found = into.borrow_mut();
        found.1 = info.default_source_name.as_ref().map(ToString::to_string);
        found.2 = info.default_sink_name.as_ref().map(ToString::to_string);
        found.3 += 1;
    });
    let into = Rc::clone(&found);
    introspect.get_source_info_list(move |item| match item {
        ListResult::Item(source) if source.monitor_of_sink.is_none() => {
            into.borrow_mut().0.inputs.extend(device(source.name.as_deref(), source.description.as_deref()));
        }
        ListResult::Item(_) => {}
        ListResult::End | ListResult::Error => into.borrow_mut().3 += 1,
    });
    let into = Rc::clone(&found);
    introspect.get_sink_info_list(move |item| match item {
        ListResult::Item(sink) => {
            into.borrow_mut().0.outputs.extend(device(sink.name.as_deref(), sink.description.as_deref()));
        }
        ListResult::End | ListResult::Error => into.borrow_mut().3 += 1,
    });
    server.until(deadline, &|| true, |_| (found.borrow().3 >= 3).then_some(Ok(())))?;
    let found = found.borrow();
    let mut devices = found.0.clone();
    for device in &mut devices.inputs {
        device.default = found.1.as_ref() == Some(&device.id);
    }
    for device in &mut devices.outputs {
        device.default = found.2.as_ref() == Some(&device.id);
    }
    Ok(Some(devices))
}

fn device(id: Option<&str>, name: Option<&str>) -> Option<Device> {
    let id = id?;
    // Pulse's placeholder when there is no sound card at all.
    if id == "auto_null" {
        return None;
    }
    Some(Device { id: id.to_owned(), name: name.unwrap_or(id).to_owned(), default: false })
}

/// Why there is no connection.
enum Unreached {
    /// Nobody listens.
    NoServer(AudioError),
    /// Somebody does, and does not answer.
    Broken(AudioError),
}

impl From<Unreached> for AudioError {
    fn from(unreached: Unreached) -> Self {
        match unreached {
            Unreached::NoServer(error) | Unreached::Broken(error) => error,
        }
    }
}

/// A connection to the server and the main loop that serves it. Dropping it waits for nothing.
struct Server {
    // Dropped in this order: the context uses the main loop.
    context: Context,
    mainloop: Mainloop,
}

impl Server {
    /// Connects, as long as it is wanted.
    fn connect(
        flags: context::FlagSet,
        deadline: Instant,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, Unreached> {
        let unavailable = || Unreached::Broken(AudioError::System("no memory for it".to_owned()));
        let mainloop = Mainloop::new().ok_or_else(unavailable)?;
        let context = Context::new(&mainloop, NAME).ok_or_else(unavailable)?;
        let mut server = Self { context, mainloop };
        if server.context.connect(None, flags, None).is_err() {
            // The call itself gives no reason.
            return Err(Unreached::NoServer(failed(server.context.errno())));
        }
        let ready = |context: &Context| (context.get_state() == context::State::Ready).then_some(Ok(()));
        match server.until(deadline, wanted, ready) {
            Ok(()) => Ok(server),
            Err(error) if server.context.get_state().is_good() => Err(Unreached::Broken(error)),
            Err(error) => Err(Unreached::NoServer(error)),
        }
    }

    /// Waits up to [`TURN`] for the server and does what it says.
    fn turn(&mut self) -> Result<(), PAErr> {
        self.mainloop.prepare(Some(MicroSeconds(TURN.as_micros() as u64)))?;
        self.mainloop.poll()?;
        self.mainloop.dispatch().map(drop)
    }

    /// Turns until `done` says how it went; an error when the deadline passes, the connection is lost, or
    /// nobody wants it any more.
    fn until(
        &mut self,
        deadline: Instant,
        wanted: &dyn Fn() -> bool,
        done: impl Fn(&Context) -> Option<Result<(), AudioError>>,
    ) -> Result<(), AudioError> {
        while wanted() && Instant::now() < deadline {
            self.turn().map_err(failed)?;
            if let Some(result) = done(&self.context) {
                return result;
            }
            if !self.context.get_state().is_good() {
                return Err(failed(self.context.errno()));
            }
        }
        Err(AudioError::System("it hangs".to_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.context.disconnect();
    }
}

fn failed(error: PAErr) -> AudioError {
    AudioError::System(error.to_string().unwrap_or_else(|| "no reason given".to_owned()))
}

/// Which way sound goes.
#[derive(Clone, Copy)]
enum Direction {
    Capture,
    Playback,
}

/// An open stream.
struct Open {
    // Dropped in this order: the stream uses the connection.
    stream: Stream,
    server: Server,
    direction: Direction,
}

impl Open {
    /// Opens a stream, as long as it is wanted.
    fn new(
        direction: Direction,
        choice: &DeviceChoice,
        what: &str,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, AudioError> {
        let deadline = Instant::now() + ANSWER_LIMIT;
        let mut server = Server::connect(context::FlagSet::NOFLAGS, deadline, wanted)?;
        let stream = Stream::new(&mut server.context, what, &SPEC, None);
        let mut stream = stream.ok_or_else(|| failed(server.context.errno()))?;
        let flags = stream::FlagSet::ADJUST_LATENCY;
        match direction {
            Direction::Capture => stream.connect_record(choice.name(), Some(&attributes()), flags),
            Direction::Playback => {
                stream.connect_playback(choice.name(), Some(&attributes()), flags, None, None)
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
        let open = Self { stream, server, direction };
        if open.hears_a_sink() { Err(AudioError::NoMicrophone) } else { Ok(open) }
    }

    /// Whether it records what a loudspeaker plays: PulseAudio puts us there when the last microphone is gone.
    fn hears_a_sink(&self) -> bool {
        let source = self.stream.get_device_name();
        matches!(self.direction, Direction::Capture) && source.is_some_and(|name| name.ends_with(".monitor"))
    }

    /// Waits up to [`TURN`]; an error when the stream is over.
    fn turn(&mut self) -> Result<(), AudioError> {
        self.server.turn().map_err(failed)?;
        match self.stream.get_state() {
            stream::State::Ready if self.hears_a_sink() => Err(AudioError::NoMicrophone),
            stream::State::Ready => Ok(()),
            stream::State::Failed
            | stream::State::Terminated
            | stream::State::Unconnected
            | stream::State::Creating => Err(failed(self.server.context.errno())),
        }
    }

    /// Hands on what was recorded since, holes as zeros; gives how many samples were lost.
    fn read(&mut self, mut take: impl FnMut(i16)) -> Result<usize, AudioError> {
        let mut lost = 0;
        loop {
            match self.stream.peek().map_err(failed)? {
                PeekResult::Empty => return Ok(lost),
                PeekResult::Hole(bytes) => {
                    lost += bytes / SAMPLE_BYTES;
                    (0..bytes / SAMPLE_BYTES).for_each(|_| take(0));
                }
                PeekResult::Data(bytes) => {
                    bytes
                        .chunks_exact(SAMPLE_BYTES)
                        .for_each(|pair| take(i16::from_le_bytes([pair[0], pair[1]])));
                }
            }
            self.stream.discard().map_err(failed)?;
        }
    }
}

/// Runs `run` on a thread once the stream is open there; gives the first opening's error here.
/// `run` says whether the stream was stopped (`true`) or broke.
fn start(
    name: &str,
    direction: Direction,
    choice: DeviceChoice,
    mut run: impl FnMut(Open) -> bool + Send + 'static,
    reopened: impl Fn() + Send + 'static,
    stopped: impl Fn() -> bool + Send + 'static,
) -> Result<(), AudioError> {
    let (opened, first) = mpsc::channel();
    let what = name.to_owned();
    let work = move || {
        let mut opened = Some(opened);
        let wanted = || !stopped();
        while wanted() {
            let stream = match Open::new(direction, &choice, &what, &wanted) {
                // It was there and is gone: any is better than none. Each time it is looked for first.
                Err(AudioError::Missing(_)) if opened.is_none() => {
                    Open::new(direction, &DeviceChoice::SystemDefault, &what, &wanted)
                }
                stream => stream,
            };
            match (stream, opened.take()) {
                // The opener gave up waiting: nobody would ever close this stream.
                (Ok(_), Some(opened)) if opened.send(Ok(())).is_err() => return,
                (Ok(stream), first) => {
                    if first.is_none() {
                        reopened();
                    }
                    if run(stream) {
                        return;
                    }
                }
                (Err(error), Some(opened)) => return drop(opened.send(Err(error))),
                (Err(_), None) => {}
            }
            let rested = Instant::now() + REOPEN_PAUSE;
            while wanted() && Instant::now() < rested {
                std::thread::sleep(TURN);
            }
        }
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| AudioError::System(e.to_string()))?;
    first.recv_timeout(ANSWER_LIMIT).unwrap_or_else(|_| Err(AudioError::System("it hangs".to_owned())))
}

/// Captures on a thread until stopped.
///
/// # Errors
/// The stream can't be opened.
pub(crate) fn capture(
    choice: &DeviceChoice,
    shared: Arc<CaptureShared>,
    mut on_frame: OnFrame,
) -> Result<(), AudioError> {
    let (again, stop) = (Arc::clone(&shared), Arc::clone(&shared));
    let run = move |mut open: Open| {
        let mut frame = [0_i16; FRAME];
        let mut filled = 0;
        while !shared.stopped() {
            let read = open.turn().and_then(|()| {
                open.read(|sample| {
                    frame[filled] = sample;
                    filled += 1;
                    if filled == FRAME {
                        filled = 0;
                        if !shared.stopped() {
                            shared.count(&frame);
                            on_frame(&frame);
                        }
                    }
                })
            });
            match read {
                Ok(0) => {}
                Ok(lost) => drop(shared.lost_samples.fetch_add(lost as u64, Ordering::Relaxed)),
                Err(_) => {
                    shared.level.reset();
                    return false;
                }
            }
        }
        true
    };
    let reopened = move || {
        again.reopened.fetch_add(1, Ordering::Relaxed);
    };
    start("Microphone", Direction::Capture, choice.clone(), run, reopened, move || stop.stopped())
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
    let (again, stop) = (Arc::clone(&shared), Arc::clone(&shared));
    let run = move |mut open: Open| {
        let mut frame = [0_i16; FRAME];
        let mut bytes = [0_u8; FRAME * SAMPLE_BYTES];
        while !shared.stopped() {
            // Exactly what the server asks for: taken from the ring not before it is needed.
            while let Some(wanted @ SAMPLE_BYTES..) = open.stream.writable_size() {
                let samples = &mut frame[..(wanted / SAMPLE_BYTES).min(FRAME)];
                source.fill(samples);
                let bytes = &mut bytes[..samples.len() * SAMPLE_BYTES];
                for (pair, sample) in bytes.chunks_exact_mut(SAMPLE_BYTES).zip(samples) {
                    pair.copy_from_slice(&sample.to_le_bytes());
                }
                if open.stream.write_copy(bytes, 0, SeekMode::Relative).is_err() {
                    return false;
                }
            }
            if open.turn().is_err() {
                return false;
            }
        }
        true
    };
    let reopened = move || {
        again.reopened.fetch_add(1, Ordering::Relaxed);
    };
    start("Loudspeaker", Direction::Playback, choice.clone(), run, reopened, move || stop.stopped())
}
