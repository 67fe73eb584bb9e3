//! What tells a program to end: Ctrl-C, a shutdown, a terminal that is closed.

/// Until the program is to end: Ctrl-C, SIGTERM, or SIGHUP of a terminal that was closed, unless whoever started the program wants that
/// ignored (`nohup`). A process that a signal kills says nothing, writes nothing down, and leaves behind what it started.
///
/// # Errors
/// The system gives no word of signals.
#[cfg(unix)]
pub async fn told_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // Asked before: a handler takes the place of being ignored.
    let mut hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
    let mut terminate = signal(SignalKind::terminate())?;
    let hung_up = async {
        match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
        _ = hung_up => Ok(()),
    }
}

/// Until the program is to end: Ctrl-C or Ctrl-Break, a terminal that is closed, somebody who logs off, a shutdown.
///
/// # Errors
/// The system gives no word of it.
#[cfg(windows)]
pub async fn told_to_end() -> std::io::Result<()> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
    let (mut interrupted, mut broken, mut closed) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    let (mut logged_off, mut shut_down) = (ctrl_logoff()?, ctrl_shutdown()?);
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = broken.recv() => {}
        _ = closed.recv() => {}
        _ = logged_off.recv() => {}
        _ = shut_down.recv() => {}
    }
    Ok(())
}

/// Whether this process was started with SIGHUP ignored, where the system says so (Linux: `SigIgn` of `proc_pid_status(5)`, a bit for
/// each signal, the first for 1, which is SIGHUP).
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
