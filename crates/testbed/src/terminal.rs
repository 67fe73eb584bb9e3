//! The person at the terminal: what they are told, and how they end it.

/// Tells the person something. Nobody has to read it: work that goes on for an hour is not lost to a pipe that was closed.
#[macro_export]
macro_rules! tell {
    ($($arguments:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($arguments)*);
    }};
}

/// Until it is to end: Ctrl-C, SIGTERM, or SIGHUP of a terminal that was closed. What is running is ended then, too; a process that
/// is killed by a signal leaves servers behind.
pub async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
        (Ok(mut terminate), Ok(mut hangup)) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        },
        _ => std::future::pending().await,
    }
}
