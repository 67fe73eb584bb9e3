//! PulseAudio (and PipeWire's Pulse server) with explicit buffer sizes, on threads of ours.
//!
//! The blocking "simple" interface does what is needed: one stream with given buffer attributes and
//! `ADJUST_LATENCY`. A thread blocks in it; when the server dies the call fails and the thread opens
//! the stream again; when the server hangs only that thread waits.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use libpulse_binding as pulse;
use libpulse_simple_binding::Simple;
use pulse::callbacks::ListResult;
use pulse::context::{Context, FlagSet, State};
use pulse::def::BufferAttr;
use pulse::mainloop::standard::{IterateResult, Mainloop};
use pulse::sample::{Format, Spec};
use pulse::stream::Direction;

use crate::capture::{CaptureShared, OnFrame};
use crate::playback::{PlaybackShared, Source};
use crate::{AudioError, Device, DeviceChoice, Devices, FRAME, SAMPLE_RATE};

const NAME: &str = "Adjourn";
/// A frame in bytes.
const FRAME_BYTES: usize = FRAME * 2;
/// How long the server may take to list its devices or open a stream.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// Pause before a stream is opened again.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

const SPEC: Spec = Spec { format: Format::S16le, channels: 1, rate: SAMPLE_RATE };

/// Measured best on null sinks: tlength 20 ms, minreq 5 ms, fragsize 10 ms (facts: 75 to 80 ms mouth
/// to ear at 6 to 9 % of a core).
fn attributes() -> BufferAttr {
    let ms = |ms: u32| SAMPLE_RATE / 1000 * 2 * ms;
    BufferAttr { maxlength: u32::MAX, tlength: ms(20), prebuf: u32::MAX, minreq: ms(5), fragsize: ms(10) }
}

/// Lists devices; `None` when there is no Pulse server. Sources that only repeat what a sink plays are
/// left out.
pub(crate) fn devices() -> Option<Devices> {
    let mut mainloop = Mainloop::new()?;
    let mut context = Context::new(&mainloop, NAME)?;
    context.connect(None, FlagSet::NOAUTOSPAWN, None).ok()?;
    let deadline = Instant::now() + ANSWER_LIMIT;
    wait(&mut mainloop, deadline, || match context.get_state() {
        State::Ready => Some(true),
        State::Failed | State::Terminated => Some(false),
        State::Unconnected | State::Connecting | State::Authorizing | State::SettingName => None,
    })
    .filter(|ready| *ready)?;
    let found = Rc::new(RefCell::new((Devices::default(), None, None, 0_u8)));
    let introspect = context.introspect();
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
    let complete = wait(&mut mainloop, deadline, || (found.borrow().3 >= 3).then_some(true));
    context.disconnect();
    complete?;
    let found = found.borrow();
    let mut devices = found.0.clone();
    for device in &mut devices.inputs {
        device.default = found.1.as_ref() == Some(&device.id);
    }
    for device in &mut devices.outputs {
        device.default = found.2.as_ref() == Some(&device.id);
    }
    Some(devices)
}

fn device(id: Option<&str>, name: Option<&str>) -> Option<Device> {
    let id = id?;
    // Pulse's placeholder when there is no sound card at all.
    if id == "auto_null" {
        return None;
    }
    Some(Device { id: id.to_owned(), name: name.unwrap_or(id).to_owned(), default: false })
}

/// Runs the main loop until `done` gives something or the deadline passes.
fn wait<T>(mainloop: &mut Mainloop, deadline: Instant, done: impl Fn() -> Option<T>) -> Option<T> {
    while Instant::now() < deadline {
        match mainloop.iterate(false) {
            IterateResult::Success(0) => std::thread::sleep(Duration::from_millis(1)),
            IterateResult::Success(_) => {}
            IterateResult::Quit(_) | IterateResult::Err(_) => return None,
        }
        if let Some(result) = done() {
            return Some(result);
        }
    }
    None
}

fn open(direction: Direction, choice: &DeviceChoice, what: &str) -> Result<Simple, AudioError> {
    Simple::new(None, NAME, direction, choice.name(), what, &SPEC, None, Some(&attributes())).map_err(
        |error| AudioError::System(error.to_string().unwrap_or_else(|| "no reason given".to_owned())),
    )
}

/// Runs `run` on a thread once the stream is open there; gives the first opening's error here.
fn start(
    name: &str,
    direction: Direction,
    choice: DeviceChoice,
    mut run: impl FnMut(Simple) -> bool + Send + 'static,
    reopened: impl Fn() + Send + 'static,
    stopped: impl Fn() -> bool + Send + 'static,
) -> Result<(), AudioError> {
    let (opened, first) = mpsc::channel();
    let what = name.to_owned();
    let work = move || {
        let mut opened = Some(opened);
        let mut choice = choice;
        while !stopped() {
            match open(direction, &choice, &what) {
                Ok(stream) => {
                    match opened.take() {
                        // The opener gave up waiting: nobody would ever close this stream.
                        Some(opened) => {
                            if opened.send(Ok(())).is_err() {
                                return;
                            }
                        }
                        None => reopened(),
                    }
                    if run(stream) {
                        return;
                    }
                }
                Err(error) => {
                    if let Some(opened) = opened.take() {
                        drop(opened.send(Err(error)));
                        return;
                    }
                    // The chosen device may be gone: any is better than none.
                    choice = DeviceChoice::SystemDefault;
                }
            }
            std::thread::sleep(REOPEN_PAUSE);
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
    let run = move |stream: Simple| {
        let mut bytes = [0_u8; FRAME_BYTES];
        let mut frame = [0_i16; FRAME];
        while !shared.stopped() {
            if stream.read(&mut bytes).is_err() {
                shared.level.reset();
                return false;
            }
            for (sample, pair) in frame.iter_mut().zip(bytes.chunks_exact(2)) {
                *sample = i16::from_le_bytes([pair[0], pair[1]]);
            }
            if shared.stopped() {
                break;
            }
            shared.level.measure(&frame);
            shared.frames.fetch_add(1, Ordering::Relaxed);
            on_frame(&frame);
        }
        true
    };
    let reopened = move || {
        again.reopened.fetch_add(1, Ordering::Relaxed);
    };
    start("Microphone", Direction::Record, choice.clone(), run, reopened, move || stop.stopped())
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
    let run = move |stream: Simple| {
        let mut frame = [0_i16; FRAME];
        let mut bytes = [0_u8; FRAME_BYTES];
        while !shared.stopped() {
            source.fill(&mut frame);
            for (pair, sample) in bytes.chunks_exact_mut(2).zip(&frame) {
                pair.copy_from_slice(&sample.to_le_bytes());
            }
            if stream.write(&bytes).is_err() {
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
