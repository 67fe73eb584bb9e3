//! A page that died is loaded again: the client, which is no part of it, goes on meanwhile, sound included.

use tauri::WebviewWindow;

/// Loads the page of this window again when its process is gone. It then listens, and is given the snapshot of now.
///
/// # Errors
/// The window is gone.
#[cfg(target_os = "linux")]
pub(crate) fn watch(window: &WebviewWindow) -> tauri::Result<()> {
    use adjourn_client::Command;
    use tauri::Manager as _;
    use webkit2gtk::WebViewExt as _;

    use crate::commands::WindowShell;

    let shell = window.state::<WindowShell>().inner().clone();
    window.with_webview(move |webview| {
        webview.inner().connect_web_process_terminated(move |view, reason| {
            tracing::error!(?reason, "the page died, and is loaded again");
            // Whoever held a key, holds it no longer as far as anybody knows.
            if let Err(error) = shell.order(Command::Talk { talking: false }) {
                tracing::debug!(error, "nobody talks");
            }
            view.reload();
        });
    })
}

/// WebView2 and WKWebView say it elsewhere; nobody listens there yet.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}
