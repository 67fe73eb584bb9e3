//! The window and the client behind it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adjourn_audio::DeviceChoice;
use adjourn_client::{
    AudioInput, AudioOutput, Client, Command, Language, Panics, SeatSetup, Setup, Shell as _, Snapshot,
    StartError, told_to_end,
};
use adjourn_kiosk::Around;
use adjourn_outbox::OutboxError;
use adjourn_protocol::ClientInfo;
use adjourn_room::LiveKitTransport;
use tauri::webview::NewWindowResponse;
use tauri::{App, AppHandle, Manager as _, RunEvent, Url, WebviewWindowBuilder, WindowEvent};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use crate::hand_over::{self, Given};
use crate::page_guard::PageGuard;
use crate::window_shell::WindowShell;

/// Commands that wait: a person is slower than that.
const WAITING_COMMANDS: usize = 64;

/// Pause until it is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// So often it is looked whether the client has ended, once the program has to: four seconds in all. Windows ends a program that takes
/// five (`HungAppTimeout`).
const LAST_LOOKS: usize = 200;
/// Pause between two looks.
const LAST_LOOK: Duration = Duration::from_millis(20);

/// What the window is started with.
#[derive(Debug)]
pub(crate) struct Options {
    /// Interview link.
    pub(crate) link: Option<String>,
    /// Folder of the journal.
    pub(crate) data: Option<PathBuf>,
    /// Where to write the session's inputs.
    pub(crate) trace: Option<PathBuf>,
    /// A seat's settings.
    pub(crate) seat: Option<PathBuf>,
}

/// Shows the window until the client is done.
///
/// # Errors
/// The window, the library or the journal can't be opened, in one sentence.
pub(crate) fn run(options: Options) -> Result<(), String> {
    let Options { link, data, trace, seat } = options;
    if cfg!(not(target_os = "linux")) && seat.is_some() {
        return Err("a seat needs Linux; under Windows Assigned Access shows one program alone".to_owned());
    }
    #[cfg(target_os = "linux")]
    if gtk::init().is_err() {
        return Err(
            "there is no screen here (DISPLAY or WAYLAND_DISPLAY names one); without a window there is \
                    `adjourn-cli headless`"
                .to_owned(),
        );
    }
    let builder = tauri::Builder::default().manage(WindowShell::default()).manage(PageGuard::default());
    #[cfg(target_os = "linux")]
    let builder = builder.manage(crate::seat::Closed::default());
    let app = builder
        .invoke_handler(tauri::generate_handler![crate::commands::subscribe, crate::commands::order])
        .on_window_event(|window, event| {
            if let WindowEvent::CloseRequested { api, .. } = event {
                // The client decides: it may have to ask, and it has to write first.
                if close(window.app_handle()) {
                    api.prevent_close();
                }
            }
        })
        .build(tauri::generate_context!())
        .map_err(|e| e.to_string())?;
    // What the webview keeps is of this computer, and of no use on another one.
    let own =
        data.clone().or_else(|| app.path().app_local_data_dir().ok()).map(|folder| folder.join("webview"));
    let data = data.or_else(|| app.path().app_data_dir().ok());
    let _temporary = open_window(&app, data.as_deref(), own, seat.is_some())
        .map_err(|e| format!("the window can't be opened: {e}"))?;
    let Some(data) = data else {
        app.state::<WindowShell>().inner().clone().show(&Snapshot::cannot_start(&StartError::NoFolder));
        app.run(|_, _| {});
        return Ok(());
    };
    let setup = Setup {
        info: ClientInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            kiosk: seat.is_some(),
        },
        audio_input: AudioInput::Device(DeviceChoice::SystemDefault),
        audio_output: AudioOutput::Device(DeviceChoice::SystemDefault),
        // What one candidate chose is not chosen for the next.
        preferences: seat.is_none().then(|| data.join("preferences.json")),
        language: sys_locale::get_locale().and_then(|tag| Language::of(&tag)),
        trace,
        link,
        copies: app.path().download_dir().unwrap_or_else(|_| data.clone()),
        seat: seat.map(|settings| seat_of(&app, settings, &data)),
        data,
        panics: Some(Panics::watch()),
    };
    tauri::async_runtime::spawn(start(app.handle().clone(), setup));
    app.run(|app, event| {
        if matches!(event, RunEvent::Exit) {
            let_it_write(app);
        }
    });
    Ok(())
}

/// What the client needs of a seat.
fn seat_of(app: &App, settings: PathBuf, data: &Path) -> SeatSetup {
    // Before anything is seen, nothing is known.
    let (seen, around) = watch::channel(Around::default());
    let turns = Arc::default();
    #[cfg(target_os = "linux")]
    crate::seat::look(app.handle().clone(), seen, Arc::clone(&turns));
    // Elsewhere a seat was refused before.
    #[cfg(not(target_os = "linux"))]
    let _ = (app, seen);
    SeatSetup { settings, memory: data.join("seat-memory.json"), around, turns }
}

/// The system ends the program (on Windows, who logs off or shuts down): what was said is written down first.
fn let_it_write(app: &AppHandle) {
    let shell = app.state::<WindowShell>();
    let mut told = false;
    for _ in 0..LAST_LOOKS {
        // Mostly the client has ended, and this is why.
        if !shell.connected() && !shell.is_ending() {
            return;
        }
        // One that is busy takes it later.
        told = told || shell.order(Command::Quit).is_ok();
        std::thread::sleep(LAST_LOOK);
    }
    tracing::warn!("the program ends while something is still being written");
}

/// The window, before anything else that can fail: what fails then is said in it. What the webview itself writes lies with our own data,
/// or, where that can't be written, in a folder that goes with what this gives: a window that can't start says nothing.
fn open_window(
    app: &App,
    data: Option<&Path>,
    own: Option<PathBuf>,
    seat: bool,
) -> Result<Option<TempDir>, Box<dyn std::error::Error>> {
    // Closed to others before anything is put into it.
    let made = data.is_some_and(|data| adjourn_outbox::private_folder(data).is_ok());
    let own = own.filter(|own| made && std::fs::create_dir_all(own).is_ok());
    let temporary = if own.is_some() { None } else { Some(tempfile::tempdir()?) };
    let folder =
        own.or_else(|| temporary.as_ref().map(|folder| folder.path().to_owned())).unwrap_or_default();
    // No larger than what there is of the screen.
    let screen = app.primary_monitor().ok().flatten();
    let screen = screen.map(|screen| screen.work_area().size.to_logical::<f64>(screen.scale_factor()));
    for window in &app.config().app.windows {
        let (width, height) = screen.map_or((window.width, window.height), |screen| {
            (window.width.min(screen.width), window.height.min(screen.height))
        });
        let builder = WebviewWindowBuilder::from_config(app, window)?
            .inner_size(width, height)
            .data_directory(folder.clone())
            .on_navigation(is_ours)
            .on_download(|_, _| false)
            .on_new_window(|_, _| NewWindowResponse::Deny);
        // A seat's keeps nothing, covers the screen and can't be looked into.
        let builder = if seat {
            builder.incognito(true).fullscreen(true).decorations(false).devtools(false)
        } else {
            builder
        };
        let window = builder.build()?;
        #[cfg(target_os = "linux")]
        if seat {
            crate::seat::close(&window)?;
        }
        app.state::<PageGuard>().watch(&window)?;
    }
    Ok(temporary)
}

/// Whether this is the page of this program: it leads to no other one, whatever is written in it.
fn is_ours(url: &Url) -> bool {
    // As Tauri serves it: `tauri://localhost`, and under Windows `http://tauri.localhost`.
    let ours = if cfg!(windows) {
        url.scheme() == "http" && url.host_str() == Some("tauri.localhost") && url.port().is_none()
    } else {
        url.scheme() == "tauri"
    };
    if !ours {
        tracing::warn!(scheme = url.scheme(), "the page wanted to go elsewhere");
    }
    ours
}

/// Loads the SDK, and goes on as the only one.
async fn start(app: AppHandle, setup: Setup) {
    let resources = app.path().resource_dir().ok();
    let loaded = tokio::task::spawn_blocking(move || adjourn_room::load_sdk(resources.as_deref())).await;
    let failed = match loaded {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(detail) = failed {
        let error = StartError::Incomplete(detail);
        tracing::error!(%error, "the client can't start");
        app.state::<WindowShell>().inner().clone().show(&Snapshot::cannot_start(&error));
        return;
    }
    be_the_only_one(app, setup).await;
}

/// However the client ends, the program may: from then on nothing is waited for.
struct Ended(WindowShell);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Gives the link to the instance that has the folder, or waits until that has ended and takes its place.
async fn be_the_only_one(app: AppHandle, mut setup: Setup) {
    let shell = app.state::<WindowShell>().inner().clone();
    let (commands, mut received) = mpsc::channel(WAITING_COMMANDS);
    stop_on_signal(commands.clone());
    shell.connect(commands);
    let ended = Ended(shell.clone());
    let mut said = false;
    while adjourn_outbox::in_use(&setup.data) {
        match hand_over::give(&setup.data, setup.link.clone()).await {
            Given::Taken => {
                tracing::info!("Adjourn is running already; its window has the link now");
                app.exit(0);
                return;
            }
            // It is writing down what was said; then the folder is ours.
            Given::Refused => shell.clone().show(&Snapshot::waits_for_another()),
            // It hangs, perhaps: said in the window, where a person who opened a link looks. It may end all the same.
            Given::NoAnswer => {
                if !std::mem::replace(&mut said, true) {
                    let error = StartError::from(OutboxError::InUse(setup.data.clone()));
                    tracing::warn!(%error, "another instance does not answer");
                    shell.clone().show(&Snapshot::cannot_start(&error));
                }
            }
        }
        match tokio::time::timeout(LOOK_AGAIN, received.recv()).await {
            Ok(Some(Command::Close | Command::Quit) | None) => {
                app.exit(0);
                return;
            }
            // A seat opens no links.
            Ok(Some(Command::OpenLink { link })) if setup.seat.is_none() => setup.link = Some(link),
            // Nothing else can be done yet.
            Ok(Some(_)) | Err(_) => {}
        }
    }
    let (folder, is_seat) = (setup.data.clone(), setup.seat.is_some());
    let client = match Client::new(LiveKitTransport, shell.clone(), setup).await {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "the client can't start");
            shell.clone().show(&Snapshot::cannot_start(&error));
            return;
        }
    };
    if !is_seat {
        tauri::async_runtime::spawn(take_links(app.clone(), folder));
    }
    let last = client.run(received).await;
    drop(ended);
    app.exit(tell_supervisor(&last).into());
}

/// Why a seat's window closes is its supervisor's to know. Gives what the program ends with.
#[cfg(target_os = "linux")]
fn tell_supervisor(last: &Snapshot) -> u8 {
    last.seat.as_ref().and_then(|seat| seat.ends).map_or(0, crate::seat::ends)
}

#[cfg(not(target_os = "linux"))]
fn tell_supervisor(_: &Snapshot) -> u8 {
    0
}

/// A second start of Adjourn brings this window to the front, with its link.
async fn take_links(app: AppHandle, folder: PathBuf) {
    let take = move |link: Option<String>| {
        let shell = app.state::<WindowShell>();
        let taken = match link {
            Some(link) => shell.order(Command::OpenLink { link }).is_ok(),
            None => shell.connected(),
        };
        if let Some(window) = app.get_webview_window("main").filter(|_| taken) {
            let raised = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
            if let Err(error) = raised {
                tracing::warn!(%error, "the window could not be brought to the front");
            }
        }
        taken
    };
    if let Err(error) = hand_over::listen(&folder, take).await {
        tracing::warn!(%error, "a second start can't hand over its link; it says that Adjourn is running");
    }
}

/// A logout or a shutdown, Ctrl-C, or a terminal that is closed ends the interview properly: decided, written down, left.
fn stop_on_signal(commands: mpsc::Sender<Command>) {
    tauri::async_runtime::spawn(async move {
        match told_to_end().await {
            // The client is gone already.
            Ok(()) => drop(commands.send(Command::Quit).await),
            Err(error) => tracing::warn!(%error, "a shutdown will end the interview without a word"),
        }
    });
}

/// Asks the client to close; false when there is none.
fn close(app: &AppHandle) -> bool {
    let shell = app.state::<WindowShell>();
    if shell.is_ending() {
        // Asked for already: what is left to do needs no window, and takes some seconds at most.
        if let Some(window) = app.get_webview_window("main")
            && let Err(error) = window.hide()
        {
            tracing::warn!(%error, "the window stays while the last is written");
        }
        return true;
    }
    // What is nowhere safe takes two presses in any case.
    if app.state::<PageGuard>().shows() || shell.holds_the_only_copy() {
        return shell.order(Command::Close).is_ok();
    }
    // Nothing can be asked; what stands in the window says what closing it means.
    shell.order(Command::End).and_then(|()| shell.order(Command::Quit)).is_ok()
}
