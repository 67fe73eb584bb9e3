//! What a terminal program logs, and where.

use tracing_subscriber::EnvFilter;

/// Logs to standard error, as `RUST_LOG` says; by default warnings, and what Adjourn itself has to tell.
pub fn to_stderr() {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn,adjourn=info".into()))
        .with_writer(std::io::stderr)
        // In a file colours are noise that `grep` trips over.
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .log_internal_errors(false)
        .init();
}
