//! `adjourn-cli`: an interview without a window, traces and receipts explained.

#![allow(clippy::print_stderr, reason = "an entry point says here why it failed")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use adjourn_cli::replay::Trace;
use adjourn_cli::{devices, explain, headless, logging, policy, verify};
use clap::Parser;

/// Adjourn in a terminal.
#[derive(Parser)]
#[command(version)]
enum Program {
    /// Runs the client without a window: snapshots as JSON lines, commands as JSON lines.
    Headless(headless::Options),
    /// Says why an interview ended: the decision, step by step.
    Explain {
        /// The trace.
        trace: PathBuf,
    },
    /// Plays a trace again.
    Replay {
        /// The trace.
        trace: PathBuf,
    },
    /// Checks a receipt offline.
    Verify {
        /// The receipt (compact JWS), or a file with it: the backend's answer, a copy of a report, the page of a receipt.
        receipt: String,
        /// The record's file.
        record: Option<PathBuf>,
        /// File with the keys (a JWK set).
        #[arg(long)]
        keys: PathBuf,
    },
    /// Lists microphones and loudspeakers.
    Devices,
    /// Policies of a test center's seats: checked, signed.
    Policy {
        #[command(subcommand)]
        action: policy::Action,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    logging::to_stderr();
    match run(Program::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adjourn-cli: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(program: Program) -> anyhow::Result<()> {
    let answer = match program {
        Program::Headless(options) => {
            let ended = headless::run(options).await?;
            // At once: a slow disk that is still closing must not hold the process.
            std::process::exit(i32::from(ended.failed))
        }
        Program::Explain { trace } => explain::text(&Trace::read(&trace)?).trim_end().to_owned(),
        Program::Replay { trace } => Trace::read(&trace)?.replayed()?,
        Program::Verify { receipt, record, keys } => {
            serde_json::to_string(&verify::verify(&receipt, &keys, record.as_deref())?)?
        }
        Program::Devices => devices::text()?.trim_end().to_owned(),
        Program::Policy { action } => policy::run(&action, chrono::Utc::now())?,
    };
    match writeln!(std::io::stdout(), "{answer}") {
        // The reader had enough (`| head`).
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
