//! The window and the client behind it.

use std::path::PathBuf;

use adjourn_audio::DeviceChoice;
use adjourn_client::{Client, Command, Ears, Mouth, Panics, Setup, Shell as _, Snapshot, StartError};
use adjourn_outbox::OutboxError;
use adjourn_outbox::wire::ClientInfo;
use adjourn_room::Live;
use tauri::{AppHandle, Manager as _, WindowEvent};
use tokio::sync::mpsc;

use crate::commands::Stage;
use crate::hand_over;

/// Commands that wait: a person is slower than that.
const WAITING_COMMANDS: usize = 64;

/// Shows the window until the client is done.
///
/// # Errors
/// The window, the library or the journal can't be opened, in one sentence.
pub(crate) fn run(link: Option<String>, data: Option<PathBuf>, trace: Option<PathBuf>) -> Result<(), String> {
    let stage = Stage::default();
    let app = tauri::Builder::default()
        .manage(stage.clone())
        .invoke_handler(tauri::generate_handler![crate::commands::subscribe, crate::commands::order])
        .setup(move |app| {
            let resources = app.path().resource_dir().ok();
            adjourn_room::load_sdk(resources.as_deref())?;
            let data = match data {
                Some(data) => data,
                None => app.path().app_data_dir()?,
            };
            let copies = app.path().download_dir().unwrap_or_else(|_| data.clone());
            let (folder, wanted) = (data.clone(), link.clone());
            let setup = Setup {
                data,
                info: ClientInfo {
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
                    kiosk: false,
                },
                mouth: Mouth::Device(DeviceChoice::SystemDefault),
                ears: Ears::Device(DeviceChoice::SystemDefault),
                trace,
                link,
                copies,
                panics: Some(Panics::watch()),
            };
            let (commands, received) = mpsc::channel(WAITING_COMMANDS);
            stop_on_signal(commands.clone());
            stage.connect(commands);
            let client = match tauri::async_runtime::block_on(Client::new(Live, stage.clone(), setup)) {
                Ok(client) => client,
                Err(StartError::Outbox(OutboxError::InUse(_)))
                    if tauri::async_runtime::block_on(hand_over::give(&folder, wanted)) =>
                {
                    tracing::info!("Adjourn is running already; its window has the link now");
                    app.handle().exit(0);
                    return Ok(());
                }
                Err(error) => {
                    // Said in the window: a person who opened a link sees no terminal. There is nothing to order.
                    tracing::error!(%error, "the client can't start");
                    stage.clone().show(&Snapshot::cannot_start(&error));
                    stage.disconnect();
                    return Ok(());
                }
            };
            let handle = app.handle().clone();
            tauri::async_runtime::spawn(take_links(app.handle().clone(), folder));
            tauri::async_runtime::spawn(async move {
                client.run(received).await;
                handle.exit(0);
            });
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

/// Whoever starts Adjourn again gets this window, with the link.
async fn take_links(app: AppHandle, folder: PathBuf) {
    let take = |link: Option<String>| {
        let taken = link.is_none_or(|link| app.state::<Stage>().order(Command::OpenLink { link }).is_ok());
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
    app.state::<Stage>().order(Command::Close).is_ok()
}
