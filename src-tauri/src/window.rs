//! The window and the client behind it.

use std::path::PathBuf;
use std::time::Duration;

use adjourn_audio::DeviceChoice;
use adjourn_client::{
    AudioInput, AudioOutput, Client, Command, Panics, Setup, Shell as _, Snapshot, StartError,
};
use adjourn_outbox::OutboxError;
use adjourn_protocol::ClientInfo;
use adjourn_room::LiveKitTransport;
use tauri::{AppHandle, Manager as _, WindowEvent};
use tokio::sync::mpsc;

use crate::commands::WindowShell;
use crate::hand_over::{self, Given};

/// Commands that wait: a person is slower than that.
const WAITING_COMMANDS: usize = 64;

/// Pause until it is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Shows the window until the client is done.
///
/// # Errors
/// The window, the library or the journal can't be opened, in one sentence.
pub(crate) fn run(link: Option<String>, data: Option<PathBuf>, trace: Option<PathBuf>) -> Result<(), String> {
    let shell = WindowShell::default();
    let app = tauri::Builder::default()
        .manage(shell.clone())
        .invoke_handler(tauri::generate_handler![crate::commands::subscribe, crate::commands::order])
        .setup(move |app| {
            let resources = app.path().resource_dir().ok();
            adjourn_room::load_sdk(resources.as_deref())?;
            let data = match data {
                Some(data) => data,
                None => app.path().app_data_dir()?,
            };
            let copies = app.path().download_dir().unwrap_or_else(|_| data.clone());
            let preferences = data.join("preferences.json");
            let setup = Setup {
                data,
                info: ClientInfo {
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
                    kiosk: false,
                },
                audio_input: AudioInput::Device(DeviceChoice::SystemDefault),
                audio_output: AudioOutput::Device(DeviceChoice::SystemDefault),
                preferences: Some(preferences),
                trace,
                link,
                copies,
                panics: Some(Panics::watch()),
            };
            tauri::async_runtime::spawn(be_the_only_one(app.handle().clone(), setup));
            Ok(())
        })
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
    app.run(|_, _| {});
    Ok(())
}

/// Gives the link to the instance that has the folder, or waits until that has ended and takes its place.
async fn be_the_only_one(app: AppHandle, mut setup: Setup) {
    let shell = app.state::<WindowShell>().inner().clone();
    let (commands, mut received) = mpsc::channel(WAITING_COMMANDS);
    stop_on_signal(commands.clone());
    shell.connect(commands);
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
            Ok(Some(Command::OpenLink { link })) => setup.link = Some(link),
            // Nothing else can be done yet.
            Ok(Some(_)) | Err(_) => {}
        }
    }
    let folder = setup.data.clone();
    let client = match Client::new(LiveKitTransport, shell.clone(), setup).await {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "the client can't start");
            shell.clone().show(&Snapshot::cannot_start(&error));
            return;
        }
    };
    tauri::async_runtime::spawn(take_links(app.clone(), folder));
    client.run(received).await;
    app.exit(0);
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

/// A logout or a shutdown (SIGTERM) ends the interview properly: decided, written down, left.
fn stop_on_signal(commands: mpsc::Sender<Command>) {
    #[cfg(unix)]
    tauri::async_runtime::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
                // The client is gone already.
                let _ = commands.send(Command::Quit).await;
            }
            Err(error) => tracing::warn!(%error, "a shutdown will end the interview without a word"),
        }
    });
    #[cfg(not(unix))]
    drop(commands);
}

/// Asks the client to close; false when there is none.
fn close(app: &AppHandle) -> bool {
    app.state::<WindowShell>().order(Command::Close).is_ok()
}
