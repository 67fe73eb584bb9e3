//! Which devices the server has, now and whenever that changes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libpulse_binding as pulse;
use pulse::callbacks::ListResult;
use pulse::channelmap::Map;
use pulse::context::subscribe::InterestMaskSet;
use pulse::context::{self, introspect::Introspector};
use pulse::proplist::{Proplist, properties};
use pulse::sample::Spec;
use pulse::volume::{ChannelVolumes, Volume};

use super::server::{ANSWER_LIMIT, Server, Unreached, failed};
use crate::device::{AudioError, Device, DeviceKind, Devices, tell_apart};
use crate::format::StreamFormat;
use crate::status::StreamState;
use crate::watch::Watcher;

/// A headset that is plugged in is a handful of events: card, sinks, sources, two new defaults. They are looked at
/// together, so long after the first one.
const SETTLED: Duration = Duration::from_millis(50);

/// Lists devices; `None` when there is no Pulse server. Sources that only repeat what a sink plays are
/// left out.
///
/// # Errors
/// There is a server, but it does not answer: nobody else can have the devices then.
pub(crate) fn devices() -> Result<Option<Devices>, AudioError> {
    let deadline = Instant::now() + ANSWER_LIMIT;
    Ok(match connect(&|| true)? {
        Some(mut server) => Some(list_until(&mut server, deadline, &|| true)?),
        None => None,
    })
}

/// Never starts a server: who asks what there is wants no side effects.
fn connect(wanted: &dyn Fn() -> bool) -> Result<Option<Server>, AudioError> {
    match Server::connect(context::FlagSet::NOAUTOSPAWN, Instant::now() + ANSWER_LIMIT, wanted) {
        Ok(server) => Ok(Some(server)),
        Err(Unreached::NoServer(_)) => Ok(None),
        Err(Unreached::Broken(error)) => Err(error),
    }
}

/// Tells `watcher` what the server has, whenever that changes, until the server is gone or nobody wants to know.
/// Gives whether there was a server.
///
/// # Errors
/// There is a server, but it does not answer.
pub(crate) fn watch(watcher: &Watcher) -> Result<bool, AudioError> {
    let Some(mut server) = connect(&|| watcher.wanted())? else { return Ok(false) };
    match serve(&mut server, watcher) {
        Err(error) if server.is_there() => Err(error),
        // One that is restarted is no problem of the devices'.
        Ok(()) | Err(_) => Ok(true),
    }
}

fn serve(server: &mut Server, watcher: &Watcher) -> Result<(), AudioError> {
    let wanted = || watcher.wanted();
    let changed = Rc::new(Cell::new(None));
    let told = Rc::clone(&changed);
    let tell = move || told.set(told.get().or_else(|| Some(Instant::now())));
    server.context.set_subscribe_callback(Some(Box::new(move |_, _, _| tell())));
    let interests = InterestMaskSet::SINK | InterestMaskSet::SOURCE | InterestMaskSet::SERVER;
    let _subscribed = server.context.subscribe(interests, |_| {});
    watcher.found(Ok(list(server, &wanted)?));
    while wanted() && server.is_there() {
        server.turn().map_err(failed)?;
        if changed.get().is_some_and(|at: Instant| at.elapsed() >= SETTLED) {
            // Cleared first: what changes while it is listed is looked at again.
            changed.set(None);
            watcher.found(Ok(list(server, &wanted)?));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Answers {
    devices: Devices,
    default_input: Option<String>,
    default_output: Option<String>,
    complete: u8,
}

/// Asks a server for its devices.
pub(super) fn list(server: &mut Server, wanted: &dyn Fn() -> bool) -> Result<Devices, AudioError> {
    list_until(server, Instant::now() + ANSWER_LIMIT, wanted)
}

fn list_until(
    server: &mut Server,
    deadline: Instant,
    wanted: &dyn Fn() -> bool,
) -> Result<Devices, AudioError> {
    let answers = Rc::new(RefCell::new(Answers::default()));
    ask(&server.context.introspect(), &answers);
    server.until(deadline, wanted, |_| (answers.borrow().complete >= 3).then_some(Ok(())))?;
    let Answers { mut devices, default_input, default_output, .. } = answers.take();
    tell_apart(&mut devices.inputs);
    tell_apart(&mut devices.outputs);
    for device in &mut devices.inputs {
        device.default = default_input.as_ref() == Some(&device.id);
    }
    for device in &mut devices.outputs {
        device.default = default_output.as_ref() == Some(&device.id);
    }
    Ok(devices)
}

fn ask(introspect: &Introspector, answers: &Rc<RefCell<Answers>>) {
    let into = Rc::clone(answers);
    introspect.get_server_info(move |info| {
        let mut answers = into.borrow_mut();
        answers.default_input = info.default_source_name.as_ref().map(ToString::to_string);
        answers.default_output = info.default_sink_name.as_ref().map(ToString::to_string);
        answers.complete += 1;
    });
    let into = Rc::clone(answers);
    introspect.get_source_info_list(move |item| match item {
        ListResult::Item(source) if source.monitor_of_sink.is_none() => {
            let found = device(source.name.as_deref(), source.description.as_deref(), &source.proplist);
            let muted = source.mute || source.volume.is_muted();
            into.borrow_mut().devices.inputs.extend(found.map(|device| Device { muted, ..device }));
        }
        ListResult::Item(_) => {}
        ListResult::End | ListResult::Error => into.borrow_mut().complete += 1,
    });
    let into = Rc::clone(answers);
    introspect.get_sink_info_list(move |item| match item {
        ListResult::Item(sink) => {
            let found = device(sink.name.as_deref(), sink.description.as_deref(), &sink.proplist);
            let port = sink.active_port.as_ref().and_then(|port| port.name.as_deref());
            let alone = port.is_some_and(|name| WORN.iter().any(|worn| name.contains(worn)));
            let muted = sink.mute || sink.volume.is_muted();
            let headphones = |device: &Device| device.headphones || alone;
            let known = |device: Device| Device { headphones: headphones(&device), muted, ..device };
            into.borrow_mut().devices.outputs.extend(found.map(known));
        }
        ListResult::End | ListResult::Error => into.borrow_mut().complete += 1,
    });
}

/// Pulse's placeholder when there is no loudspeaker at all.
pub(super) const DUMMY: &str = "auto_null";

/// Words for what is worn on the ears, in form factors ("headphone", "headset") and names of ports ("analog-output-headphones").
const WORN: [&str; 2] = ["headphone", "headset"];

fn device(id: Option<&str>, name: Option<&str>, properties: &Proplist) -> Option<Device> {
    let id = id?;
    if id == DUMMY {
        return None;
    }
    let form = properties.get_str(properties::DEVICE_FORM_FACTOR).unwrap_or_default();
    Some(Device {
        id: id.to_owned(),
        name: name.unwrap_or(id).to_owned(),
        headphones: WORN.iter().any(|worn| form.contains(worn)),
        ..Device::default()
    })
}

/// Which channels a source has; its default one's without a name.
pub(super) fn channels(server: &mut Server, source: Option<&str>, wanted: &dyn Fn() -> bool) -> Option<Map> {
    let found = Rc::new(Cell::new(None));
    let told = Rc::clone(&found);
    let name = source.unwrap_or("@DEFAULT_SOURCE@");
    let asked = server.context.introspect().get_source_info_by_name(name, move |item| match item {
        ListResult::Item(source) => told.set(Some(Some(source.channel_map))),
        ListResult::End | ListResult::Error => told.set(told.get().or(Some(None))),
    });
    let deadline = Instant::now() + ANSWER_LIMIT;
    server.until(deadline, wanted, |_| found.get().is_some().then_some(Ok(()))).ok()?;
    drop(asked);
    found.get().flatten()
}

/// Finds out what a device really does, for an open stream that keeps `buffer_ms`; the answer comes while the stream is served.
pub(super) fn tell_format(
    server: &Server,
    kind: DeviceKind,
    device: &str,
    buffer_ms: u16,
    state: &Arc<StreamState>,
) {
    let state = Arc::clone(state);
    let tell = move |spec: &Spec| {
        let format = StreamFormat { rate: spec.rate, channels: u16::from(spec.channels), buffer_ms };
        state.format.set(format);
    };
    let introspect = server.context.introspect();
    match kind {
        DeviceKind::Microphone => drop(introspect.get_source_info_by_name(device, move |item| {
            if let ListResult::Item(source) = item {
                tell(&source.sample_spec);
            }
        })),
        DeviceKind::Loudspeaker => drop(introspect.get_sink_info_by_name(device, move |item| {
            if let ListResult::Item(sink) = item {
                tell(&sink.sample_spec);
            }
        })),
    }
}

/// Makes a device heard again; gives whether there is a server that has it.
///
/// # Errors
/// There is a server, and it does not do it.
pub(crate) fn unmute(kind: DeviceKind, id: &str) -> Result<bool, AudioError> {
    let Some(mut server) = connect(&|| true)? else { return Ok(false) };
    let mut introspect = server.context.introspect();
    let done = Rc::new(RefCell::new(Vec::new()));
    let told = || {
        let done = Rc::clone(&done);
        Some(Box::new(move |worked: bool| done.borrow_mut().push(worked)) as Box<dyn FnMut(bool)>)
    };
    // Channels of one that is turned down to nothing.
    let silent = Rc::new(Cell::new(None));
    let saw = Rc::clone(&silent);
    let look = move |volume: &ChannelVolumes| saw.set(Some(volume.len()).filter(|_| volume.is_muted()));
    match kind {
        DeviceKind::Microphone => {
            introspect.get_source_info_by_name(id, move |item| {
                if let ListResult::Item(source) = item {
                    look(&source.volume);
                }
            });
            introspect.set_source_mute_by_name(id, false, told());
        }
        DeviceKind::Loudspeaker => {
            introspect.get_sink_info_by_name(id, move |item| {
                if let ListResult::Item(sink) = item {
                    look(&sink.volume);
                }
            });
            introspect.set_sink_mute_by_name(id, false, told());
        }
    }
    let deadline = Instant::now() + ANSWER_LIMIT;
    server.until(deadline, &|| true, |_| (!done.borrow().is_empty()).then_some(Ok(())))?;
    if let Some(channels) = silent.get() {
        let mut volume = ChannelVolumes::default();
        match kind {
            DeviceKind::Microphone => volume.set(channels, Volume::NORMAL),
            // Into somebody's ears.
            DeviceKind::Loudspeaker => volume.set(channels, Volume(Volume::NORMAL.0 * 2 / 5)),
        };
        match kind {
            DeviceKind::Microphone => introspect.set_source_volume_by_name(id, &volume, told()),
            DeviceKind::Loudspeaker => introspect.set_sink_volume_by_name(id, &volume, told()),
        };
        server.until(deadline, &|| true, |_| (done.borrow().len() > 1).then_some(Ok(())))?;
    }
    let worked = done.borrow().iter().all(|worked| *worked);
    if worked { Ok(true) } else { Err(AudioError::Unusable("it does not unmute it".to_owned())) }
}
