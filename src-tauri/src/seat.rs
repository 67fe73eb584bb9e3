//! A window that is a test center's seat: what it closes, what is seen around it, what its supervisor is told.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use adjourn_client::Command;
use adjourn_kiosk::{Around, SOCKET, SeatEnd, SeatWord};
use tauri::{AppHandle, Manager as _, WebviewWindow};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use webkit2gtk::{FileChooserRequestExt as _, WebViewExt as _};

use crate::page_guard::PageGuard;
use crate::surroundings::Surroundings;
use crate::window_shell::WindowShell;

/// So often the surroundings are looked at, and the supervisor hears of the page.
const LOOK: Duration = Duration::from_secs(2);

/// So many words that nobody hears in a row: the supervisor is gone. (One that is busy hears late, and is not full so soon.)
const UNHEARD: u32 = 5;

/// Closes what leads out of the page: menus, printing, choosing a file.
pub(crate) fn close(window: &WebviewWindow) -> tauri::Result<()> {
    let app = window.app_handle().clone();
    window.with_webview(move |webview| {
        let view = webview.inner();
        view.connect_context_menu(|_, _, _, _| true);
        view.connect_print(|_, _| true);
        view.connect_run_file_chooser(|_, request| {
            request.cancel();
            true
        });
        app.state::<Closed>().0.store(true, Ordering::Relaxed);
    })
}

/// Whether the ways out of the page are closed.
#[derive(Debug, Default)]
pub(crate) struct Closed(AtomicBool);

/// Looks around the window from now on, and tells the supervisor that the page lives while it does.
///
/// `turns`: of the client's loop. A page that answers shows nothing of an interview whose client stands still, or never began.
pub(crate) fn look(app: AppHandle, seen: watch::Sender<Around>, turns: Arc<AtomicU64>) {
    tauri::async_runtime::spawn(async move {
        let surroundings = Surroundings::now();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut answers, mut done, mut unheard) = (0, 0, 0);
        loop {
            looks.tick().await;
            let now = (app.state::<PageGuard>().answers(), turns.load(Ordering::Relaxed));
            let page = std::mem::replace(&mut answers, now.0) != now.0;
            if std::mem::replace(&mut done, now.1) != now.1 {
                unheard = if tell(SeatWord::Beat { page }) { 0 } else { unheard + 1 };
            }
            if unheard >= UNHEARD {
                // Nobody would make the seat anew after this candidate.
                tracing::error!("the seat has lost its supervisor, and ends");
                if let Err(error) = app.state::<WindowShell>().order(Command::Quit) {
                    tracing::warn!(error, "it can't end");
                }
            }
            // The window is asked on its own thread, which is waited for.
            let (system, window) = (surroundings.clone(), app.clone());
            let look = move || with_window(&window, system.look());
            let around = tokio::task::spawn_blocking(look).await.unwrap_or_default();
            seen.send_if_modified(|before| std::mem::replace(before, around) != around);
        }
    });
}

fn with_window(app: &AppHandle, system: Around) -> Around {
    let window = app.get_webview_window("main");
    let window = window.as_ref();
    let monitors = window.and_then(|window| window.available_monitors().ok());
    // What is asked for is no sign of what there is: the window is as large as a screen.
    let covers = window.zip(monitors.as_ref()).and_then(|(window, monitors)| {
        let size = window.inner_size().ok()?;
        let asked = window.is_fullscreen().ok()?;
        Some(asked && monitors.iter().any(|monitor| *monitor.size() == size))
    });
    Around {
        fullscreen: covers,
        monitors: monitors.map(|monitors| u32::try_from(monitors.len()).unwrap_or(u32::MAX)),
        page_guarded: Some(app.state::<Closed>().0.load(Ordering::Relaxed)),
        // They are not made for a seat's window, whatever was built.
        devtools: Some(false),
        ..system
    }
}

/// Tells the supervisor why the window closes. Gives what the program ends with.
pub(crate) fn ends(why: SeatEnd) -> u8 {
    // One that does not hear has noticed that before.
    let _ = tell(SeatWord::Ends { why });
    why.exit_code()
}

/// Tells the supervisor; nobody, where there never was one. Gives whether nobody misses it.
fn tell(word: SeatWord) -> bool {
    let Some(path) = std::env::var_os(SOCKET).map(PathBuf::from) else { return true };
    let sent = UnixDatagram::unbound().and_then(|socket| {
        // One that hangs is not waited for.
        socket.set_nonblocking(true)?;
        socket.send_to(&word.to_bytes(), path)
    });
    if let Err(error) = &sent {
        tracing::warn!(%error, "the seat's supervisor does not hear");
    }
    sent.is_ok()
}
