//! The window and the client behind it.

use std::path::PathBuf;

use adjourn_audio::DeviceChoice;
use adjourn_client::{Client, Command, Ears, Mouth, Panics, Setup, Shell as _, Snapshot};
use adjourn_outbox::wire::ClientInfo;
use adjourn_room::Live;
use tauri::{AppHandle, Manager as _, WindowEvent};
use tokio::sync::mpsc;

use crate::commands::Stage;

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
                Err(error) => {
                    // Said in the window: a person who opened a link sees no terminal. There is nothing to order.
                    tracing::error!(%error, "the client can't start");
                    stage.clone().show(&Snapshot::cannot_start(&error));
                    stage.disconnect();
                    return Ok(());
                }
            };
            let handle = app.handle().clone();
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
