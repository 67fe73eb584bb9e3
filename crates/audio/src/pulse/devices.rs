//! Which devices the server has, now and whenever that changes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use libpulse_binding as pulse;
use pulse::callbacks::ListResult;
use pulse::context::subscribe::InterestMaskSet;
use pulse::context::{self, introspect::Introspector};

use super::server::{ANSWER_LIMIT, Server, Unreached, failed};
use crate::device::{AudioError, Device, Devices};
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
    Ok(match connect(&|| true)? {
        Some(mut server) => Some(list(&mut server, &|| true)?),
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
fn list(server: &mut Server, wanted: &dyn Fn() -> bool) -> Result<Devices, AudioError> {
    let answers = Rc::new(RefCell::new(Answers::default()));
    ask(&server.context.introspect(), &answers);
    let deadline = Instant::now() + ANSWER_LIMIT;
    server.until(deadline, wanted, |_| (answers.borrow().complete >= 3).then_some(Ok(())))?;
    let Answers { mut devices, default_input, default_output, .. } = answers.take();
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
            let found = device(source.name.as_deref(), source.description.as_deref());
            into.borrow_mut().devices.inputs.extend(found);
        }
        ListResult::Item(_) => {}
        ListResult::End | ListResult::Error => into.borrow_mut().complete += 1,
    });
    let into = Rc::clone(answers);
    introspect.get_sink_info_list(move |item| match item {
        ListResult::Item(sink) => {
            let found = device(sink.name.as_deref(), sink.description.as_deref());
            into.borrow_mut().devices.outputs.extend(found);
        }
        ListResult::End | ListResult::Error => into.borrow_mut().complete += 1,
    });
}

fn device(id: Option<&str>, name: Option<&str>) -> Option<Device> {
    let id = id?;
    // Pulse's placeholder when there is no sound card at all.
    if id == "auto_null" {
        return None;
    }
    Some(Device { id: id.to_owned(), name: name.unwrap_or(id).to_owned(), default: false })
}
