//! The desktop app: a window onto the client. A Shell and nothing else: it decides nothing.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![allow(clippy::print_stderr, reason = "before there is a window, standard error is all there is")]

mod commands;
mod hand_over;
mod page_guard;
#[cfg(target_os = "linux")]
mod seat;
#[cfg(target_os = "linux")]
mod surroundings;
mod window;
mod window_shell;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Adjourn: interviews that know when they are over.
#[derive(Parser)]
#[command(name = "adjourn", version)]
struct Arguments {
    /// Interview link (adjourn://join?…).
    link: Option<String>,
    /// Interview link, as an option.
    #[arg(long, conflicts_with = "link")]
    join: Option<String>,
    /// Folder of the journal; the system's place for application data if not given.
    #[arg(long, env = "ADJOURN_DATA")]
    data: Option<PathBuf>,
    /// Write the session's inputs here, for finding out what happened.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Be a test center's seat, with these settings. (Started by adjourn-seat.)
    #[arg(long, env = adjourn_kiosk::SETTINGS, conflicts_with_all = ["link", "join"])]
    seat: Option<PathBuf>,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "warn,adjourn=info".into()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .log_internal_errors(false)
        .init();
    let arguments = Arguments::parse();
    #[cfg(target_os = "linux")]
    if let Some(code) = without_dmabuf() {
        return code;
    }
    #[cfg(windows)]
    if let Some(code) = without_webview() {
        return code;
    }
    let Arguments { link, join, data, trace, seat } = arguments;
    match window::run(window::Options { link: join.or(link), data, trace, seat }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adjourn: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Windows 10 may lack WebView2, in which the window is drawn; without a word a program that was opened by a link would do nothing.
#[cfg(windows)]
fn without_webview() -> Option<ExitCode> {
    let error = tauri::webview_version().err()?;
    tracing::error!(%error, "there is no WebView2");
    let language =
        sys_locale::get_locale().and_then(|tag| adjourn_client::Language::of(&tag)).unwrap_or_default();
    let text = adjourn_client::Catalogue::of(language).text(&adjourn_client::Message::NoWebview);
    rfd::MessageDialog::new()
        .set_level(rfd::MessageLevel::Error)
        .set_title("Adjourn")
        .set_description(text)
        .show();
    Some(ExitCode::FAILURE)
}

/// WebKitGTK's DMABUF renderer leaves the window blank on many systems (tauri#9304). The variable must be
/// set before GTK starts, and setting it in a running program is not safe: start once more with it.
#[cfg(target_os = "linux")]
fn without_dmabuf() -> Option<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(VARIABLE).is_some() {
        return None;
    }
    let program = std::env::current_exe().ok()?;
    let error =
        std::process::Command::new(program).args(std::env::args_os().skip(1)).env(VARIABLE, "1").exec();
    tracing::warn!(%error, "could not start again without the DMABUF renderer");
    None
}
