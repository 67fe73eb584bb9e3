//! `adjourn-seat`: one candidate's life of a test center's seat.
#![allow(clippy::print_stderr, reason = "where the journal takes nothing, standard error is all there is")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Looks after a seat: sound, compositor and window, ended together. Run by systemd (adjourn-kiosk.service), which starts it again for
/// the next candidate; ends with 77 when a supervisor let the seat go.
#[derive(Parser)]
#[command(name = "adjourn-seat", version)]
struct Arguments {
    /// The seat's settings.
    #[arg(long, default_value = "/etc/adjourn-kiosk/seat.toml", env = "ADJOURN_SEAT")]
    settings: PathBuf,
    /// The compositor.
    #[arg(long, default_value = "/usr/bin/cage")]
    compositor: PathBuf,
    /// The window.
    #[arg(long, default_value = "/usr/bin/adjourn")]
    window: PathBuf,
    /// The sound server.
    #[arg(long, default_value = "/usr/bin/pulseaudio")]
    sound: PathBuf,
    /// A folder of this candidate's alone, which is wiped by whoever starts this.
    #[arg(long, env = "XDG_RUNTIME_DIR")]
    home: PathBuf,
    /// Within another screen, for trying it out: the seat is then seen to be on a desktop.
    #[arg(long)]
    nested: bool,
}

#[cfg(unix)]
fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "warn,adjourn_seat=info".into()),
        )
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false)
        .init();
    let Arguments { settings, compositor, window, sound, home, nested } = Arguments::parse();
    let programs = adjourn_seat::Programs { settings, compositor, window, sound, home, nested };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let over = runtime.and_then(|runtime| runtime.block_on(adjourn_seat::supervise(&programs)));
    match over {
        Ok(over) => {
            tracing::info!(?over, "the seat ends");
            ExitCode::from(over.exit_code())
        }
        Err(error) => {
            eprintln!(
                "adjourn-seat: the seat can't begin in {} with {}: {error}",
                programs.home.display(),
                programs.compositor.display()
            );
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    // Its options mean nothing here.
    let _ = Arguments::parse();
    eprintln!("adjourn-seat: seats are looked after on Linux; under Windows Assigned Access does that");
    ExitCode::FAILURE
}
