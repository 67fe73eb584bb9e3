//! The product's client without a window: snapshots out as JSON lines, commands in as JSON lines.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use adjourn_audio::DeviceChoice;
use adjourn_client::{
    AudioInput, AudioOutput, Client, Command, Diagnostics, Meters, Panics, Screen, Setup, Shell, Snapshot,
    told_to_end,
};
use adjourn_protocol::ClientInfo;
use adjourn_room::LiveKitTransport;
use tokio::sync::mpsc;

/// How the headless client is run.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Join link.
    #[arg(long)]
    pub link: Option<String>,
    /// Folder of the outbox.
    #[arg(long)]
    pub data: PathBuf,
    /// WAV file that is spoken each time the interviewer listens, in place of a microphone.
    #[arg(long)]
    pub microphone: Option<PathBuf>,
    /// Where to write the trace of what the session was given.
    #[arg(long)]
    pub trace: Option<PathBuf>,
    /// Join without waiting for a command. The link's server is taken for the right one: whoever gives both knows it.
    #[arg(long, requires = "link")]
    pub join: bool,
    /// End when the receipt is there (or nothing more will come).
    #[arg(long)]
    pub until_delivered: bool,
}

/// The terminal as a shell: one JSON line per snapshot.
struct Terminal {
    commands: mpsc::Sender<Command>,
    options: Options,
    confirmed: bool,
    pressed: bool,
    /// Nothing came of it: what was wrong may be off the screen by the time that everything is closed.
    gave_up: Arc<AtomicBool>,
    quitting: bool,
}

impl Shell for Terminal {
    fn show(&mut self, snapshot: &Snapshot) {
        let line = serde_json::to_string(snapshot).unwrap_or_default();
        let mut out = std::io::stdout().lock();
        // Nobody reads the lines any more: go on without.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        if self.options.join && snapshot.screen == Screen::ConfirmHost && !self.confirmed {
            self.confirmed = true;
            self.send(Command::ConfirmHost);
        }
        if self.options.join
            && !self.pressed
            && snapshot.screen == Screen::Checking
            && snapshot.microphone_open
        {
            self.pressed = true;
            self.send(Command::Join);
        }
        let done = snapshot.completed.as_ref().is_some_and(|completed| completed.delivery.is_settled())
            && snapshot.screen == Screen::Completed;
        // Without a link nothing begins; with `--join` nobody is there to mend what is wrong.
        let before = matches!(snapshot.screen, Screen::Start | Screen::Checking);
        let failed = before && self::problem(snapshot) && (self.pressed || self.options.join);
        if self.options.until_delivered && (done || failed) && !self.quitting {
            self.quitting = true;
            self.gave_up.store(failed, Ordering::Relaxed);
            self.send(Command::Quit);
        }
    }

    fn meters(&mut self, _: Meters) {}

    fn diagnostics(&mut self, _: &Diagnostics) {}
}

impl Terminal {
    fn send(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            tracing::warn!("a command was lost");
        }
    }
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What was shown last.
    pub last: Snapshot,
    /// It came to nothing: something was wrong, and there was no interview.
    pub failed: bool,
}

/// Whether something is wrong with the link, the server or a device.
fn problem(snapshot: &Snapshot) -> bool {
    snapshot.problem.is_some() || snapshot.input.problem.is_some() || snapshot.output.problem.is_some()
}

/// Who we are, for the backend.
pub fn info() -> ClientInfo {
    ClientInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{}-{} headless", std::env::consts::OS, std::env::consts::ARCH),
        kiosk: false,
    }
}

/// Runs the client until it is told to quit, or it is done. That its input ends, ends nothing.
///
/// # Errors
/// The library, the outbox or the sound file can't be used.
pub async fn run(options: Options) -> anyhow::Result<Ended> {
    anyhow::ensure!(
        options.link.is_some() || !options.until_delivered,
        "without --link there is nothing to deliver; leave out --until-delivered to give commands by standard input"
    );
    adjourn_room::load_sdk(None)?;
    let (audio_input, audio_output) = match &options.microphone {
        Some(file) => (AudioInput::Recording(adjourn_audio::load_wav(file)?), AudioOutput::None),
        None => (
            AudioInput::Device(DeviceChoice::SystemDefault),
            AudioOutput::Device(DeviceChoice::SystemDefault),
        ),
    };
    let setup = Setup {
        data: options.data.clone(),
        info: info(),
        audio_input,
        audio_output,
        // A person's choice of another day is none of a program's.
        preferences: None,
        language: None,
        trace: options.trace.clone(),
        link: options.link.clone(),
        copies: options.data.clone(),
        panics: Some(Panics::watch()),
        seat: None,
    };
    let (commands, received) = mpsc::channel(64);
    let gave_up = Arc::new(AtomicBool::new(false));
    let shell = Terminal {
        commands: commands.clone(),
        options,
        confirmed: false,
        pressed: false,
        gave_up: Arc::clone(&gave_up),
        quitting: false,
    };
    let client = Client::new(LiveKitTransport, shell, setup).await?;
    read_commands(commands.clone());
    tokio::spawn(async move {
        if told_to_end().await.is_ok() {
            // The client is gone already.
            let _ = commands.send(Command::Quit).await;
        }
    });
    let last = client.run(received).await;
    let failed = last.completed.is_none() && (gave_up.load(Ordering::Relaxed) || problem(&last));
    Ok(Ended { last, failed })
}

/// Commands from standard input, until it ends. On a thread of its own: a blocked read must not hold
/// the process when the interview is over.
fn read_commands(commands: mpsc::Sender<Command>) {
    std::thread::spawn(move || {
        for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
            // As bytes: one line of another encoding is no reason to hear nothing any more.
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    tracing::warn!(%error, "no more commands can be read");
                    return;
                }
            };
            let line = if number == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(command) => {
                    if commands.blocking_send(command).is_err() {
                        return;
                    }
                }
                Err(error) => tracing::warn!(%error, "not a command"),
            }
        }
    });
}
