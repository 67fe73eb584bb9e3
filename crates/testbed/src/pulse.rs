//! A real PulseAudio daemon of the testbed's own, with null sinks as sound cards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::process::{Child, until};

/// Plays into this to speak into the candidate's microphone.
const MOUTH: &str = "candidate_mouth";
/// The candidate's microphone: a source of its own, as a real one is.
pub(super) const MICROPHONE: &str = "candidate_microphone";
/// The candidate's loudspeaker.
pub(super) const SPEAKER: &str = "candidate_speaker";

/// A running daemon.
#[derive(Debug)]
pub struct Pulse {
    /// The process.
    pub process: Child,
    /// `unix:…`, for `PULSE_SERVER`.
    pub server: String,
    folder: PathBuf,
    /// Where its socket is.
    _place: tempfile::TempDir,
}

impl Pulse {
    /// Starts a daemon with one microphone and one loudspeaker.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let cards = format!(
            "load-module module-null-sink sink_name={MOUTH} rate=48000 channels=1\n\
             load-module module-null-sink sink_name={SPEAKER} rate=48000 channels=2 sink_properties=device.description=Headphones\n\
             load-module module-remap-source source_name={MICROPHONE} master={MOUTH}.monitor source_properties=device.description=Microphone\n\
             set-default-sink {SPEAKER}\nset-default-source {MICROPHONE}\n"
        );
        Self::launch(folder, &cards, MICROPHONE).await
    }

    /// Starts a daemon with a loudspeaker and no microphone.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_without_microphone(folder: &Path) -> anyhow::Result<Self> {
        let cards = format!("load-module module-null-sink sink_name={SPEAKER} rate=48000 channels=2\n");
        Self::launch(folder, &cards, SPEAKER).await
    }

    async fn launch(folder: &Path, cards: &str, ready: &'static str) -> anyhow::Result<Self> {
        // Not in the run's folder: an address of PulseAudio's ends at a space, and a socket's path is short.
        let place = tempfile::Builder::new().prefix("adjourn-sound-").tempdir()?;
        let socket = place.path().join("pulse.sock");
        let script = folder.join("pulse.pa");
        std::fs::write(
            &script,
            format!(
                "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n{cards}",
                socket.display()
            ),
        )?;
        let mut command = Command::new("pulseaudio");
        command
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--disable-shm",
                "--use-pid-file=no",
                "--realtime=no",
                "-F",
            ])
            .arg(&script)
            .env("XDG_RUNTIME_DIR", folder)
            .env("HOME", folder)
            .stdout(std::process::Stdio::null());
        let mut process = Child::start("pulseaudio", &mut command, &folder.join("pulse.log"))
            .context("PulseAudio is needed for the testbed's sound cards")?;
        let server = format!("unix:{}", socket.display());
        until(&mut process, Duration::from_secs(10), "PulseAudio's start", || sources(&server, ready))
            .await?;
        Ok(Self { process, server, folder: folder.to_owned(), _place: place })
    }

    /// Gives a process this daemon and no other.
    pub fn give(&self, command: &mut Command) {
        command.env("PULSE_SERVER", &self.server);
    }

    /// Speaks a WAV file into the microphone, in the background.
    ///
    /// # Errors
    /// `paplay` can't be started.
    pub fn speak(&self, wav: &Path) -> anyhow::Result<Child> {
        let mut command = Command::new("paplay");
        command.arg(format!("--device={MOUTH}")).arg(wav).env("PULSE_SERVER", &self.server);
        Child::start("paplay", &mut command, &self.folder.join("paplay.log"))
    }

    /// Number of programs that record from any microphone now.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn recordings(&self) -> anyhow::Result<usize> {
        let sources = list(&self.server, "sources").await?;
        // Listening at the loudspeaker, as the testbed does, is no recording of a microphone.
        let speaker = sources
            .iter()
            .find(|columns| columns.get(1).is_some_and(|name| *name == format!("{SPEAKER}.monitor")))
            .and_then(|columns| columns.first().cloned());
        let outputs = list(&self.server, "source-outputs").await?;
        let recording = |columns: &&Vec<String>| {
            // The remapped microphone itself is a recording of the module's (its client column is "-").
            columns.get(1) != speaker.as_ref() && columns.get(2).is_none_or(|client| client != "-")
        };
        Ok(outputs.iter().filter(recording).count())
    }
}

/// A short list of the daemon's, as columns.
async fn list(server: &str, what: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let output = Command::new("pactl")
        .args(["list", "short", what])
        .env("PULSE_SERVER", server)
        .output()
        .await
        .context("`pactl` is not installed")?;
    anyhow::ensure!(output.status.success(), "the sound server does not answer");
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

async fn sources(server: &str, wanted: &str) -> bool {
    list(server, "sources").await.is_ok_and(|list| list.iter().flatten().any(|name| name.contains(wanted)))
}
