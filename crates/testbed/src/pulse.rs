//! A real PulseAudio daemon of the testbed's own, with null sinks as sound cards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::process::Command;

use super::process::{Child, until};

/// Plays into this to speak into the candidate's microphone.
const MOUTH: &str = "candidate_mouth";
/// Both of the candidate's devices, as channels of one.
pub const DESK: &str = "desk";
/// The candidate's microphone: a source of its own, as a real one is.
pub const MICROPHONE: &str = "candidate_microphone";
/// The candidate's loudspeaker.
pub const SPEAKER: &str = "candidate_speaker";
/// The microphone of a headset, that hears the same mouth.
pub const HEADSET_MICROPHONE: &str = "headset_microphone";
/// Its loudspeaker. What it plays is measured where the other one's is.
pub const HEADSET_SPEAKER: &str = "headset_speaker";

/// What a microphone does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Samples a second.
    pub rate: u32,
    /// Channels, of which the first hears the mouth.
    pub channels: u8,
}

impl Default for Profile {
    fn default() -> Self {
        Self { rate: 48_000, channels: 1 }
    }
}

/// One microphone and one loudspeaker.
fn cards() -> String {
    format!(
        "load-module module-null-sink sink_name={MOUTH} rate=48000 channels=1\n\
         load-module module-null-sink sink_name={SPEAKER} rate=48000 channels=2 sink_properties=device.description=Headphones\n\
         load-module module-remap-source source_name={MICROPHONE} master={MOUTH}.monitor source_properties=device.description=Microphone\n\
         set-default-sink {SPEAKER}\nset-default-source {MICROPHONE}\n"
    )
}

fn served_at(socket: &Path, cards: &str) -> String {
    format!("load-module module-native-protocol-unix auth-anonymous=1 socket={}\n{cards}", socket.display())
}

/// The script of a daemon with one microphone and one loudspeaker that somebody else starts.
pub(super) fn two_cards(socket: &Path) -> String {
    served_at(socket, &cards())
}

/// Speaks a WAV file into the microphone of the daemon at that socket, in the background.
pub(super) fn speak(socket: &Path, wav: &Path, log: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new("paplay");
    command.arg(format!("--device={MOUTH}")).arg(wav);
    command.env("PULSE_SERVER", format!("unix:{}", socket.display()));
    Child::start("paplay", &mut command, log)
}

/// A running daemon.
#[derive(Debug)]
pub struct Pulse {
    /// The process.
    pub process: Child,
    /// `unix:…`, for `PULSE_SERVER`.
    pub server: String,
    folder: PathBuf,
    /// Modules of the headset, while it is plugged in.
    headset: Vec<String>,
    /// Where its socket is.
    _place: tempfile::TempDir,
}

impl Pulse {
    /// Starts a daemon with one microphone and one loudspeaker.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        Self::launch(folder, &cards(), MICROPHONE).await
    }

    /// Starts a daemon with a loudspeaker and no microphone.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_without_microphone(folder: &Path) -> anyhow::Result<Self> {
        let cards = format!("load-module module-null-sink sink_name={SPEAKER} rate=48000 channels=2\n");
        Self::launch(folder, &cards, SPEAKER).await
    }

    /// Starts a daemon whose microphone and loudspeaker are two channels of one device ([`DESK`]): what goes into the one and out
    /// of the other is recorded in step.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_desk(folder: &Path) -> anyhow::Result<Self> {
        let one = "channels=1 channel_map=mono remix=no";
        let cards = format!(
            "load-module module-null-sink sink_name={DESK} rate=48000 channels=2 channel_map=front-left,front-right\n\
             load-module module-remap-sink sink_name={MOUTH} master={DESK} master_channel_map=front-left {one}\n\
             load-module module-remap-sink sink_name={SPEAKER} master={DESK} master_channel_map=front-right {one}\n\
             load-module module-remap-source source_name={MICROPHONE} master={DESK}.monitor master_channel_map=front-left {one}\n\
             set-default-sink {SPEAKER}\nset-default-source {MICROPHONE}\n"
        );
        Self::launch(folder, &cards, MICROPHONE).await
    }

    async fn launch(folder: &Path, cards: &str, ready: &'static str) -> anyhow::Result<Self> {
        // Not in the run's folder: an address of PulseAudio's ends at a space, and a socket's path is short.
        let place = tempfile::Builder::new().prefix("adjourn-sound-").tempdir()?;
        let socket = place.path().join("pulse.sock");
        let script = folder.join("pulse.pa");
        std::fs::write(&script, served_at(&socket, cards))?;
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
        Ok(Self { process, server, folder: folder.to_owned(), headset: Vec::new(), _place: place })
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
        speak(Path::new(self.server.trim_start_matches("unix:")), wav, &self.folder.join("paplay.log"))
    }

    /// A headset is plugged in. The system's defaults stay what they are.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn plug_headset(&mut self, profile: Profile) -> anyhow::Result<()> {
        anyhow::ensure!(self.headset.is_empty(), "the headset is plugged in already");
        let loudspeaker = [
            "load-module",
            "module-remap-sink",
            &format!("sink_name={HEADSET_SPEAKER}"),
            &format!("master={SPEAKER}"),
            "sink_properties=\"device.description=Headset device.form_factor=headset\"",
        ];
        let microphone = self.load_headset_microphone(profile).await?;
        let loudspeaker = self.control(&loudspeaker).await?;
        self.headset = vec![microphone, loudspeaker.trim().to_owned()];
        Ok(())
    }

    /// The headset's microphone becomes another one in the middle of a call, as a Bluetooth headset's does.
    ///
    /// # Errors
    /// The daemon does not answer, or there is no headset.
    pub async fn change_profile(&mut self, profile: Profile) -> anyhow::Result<()> {
        let microphone = self.headset.first().context("no headset is plugged in")?;
        self.control(&["unload-module", microphone]).await?;
        self.headset[0] = self.load_headset_microphone(profile).await?;
        Ok(())
    }

    /// Its first channel hears the mouth; the others hear nothing.
    async fn load_headset_microphone(&self, Profile { rate, channels }: Profile) -> anyhow::Result<String> {
        let others: String = (1..channels).map(|n| format!(",aux{}", n - 1)).collect();
        let module = [
            "load-module",
            "module-remap-source",
            &format!("source_name={HEADSET_MICROPHONE}"),
            &format!("master={MOUTH}.monitor"),
            &format!("rate={rate}"),
            &format!("channels={channels}"),
            &format!("channel_map=mono{others}"),
            "source_properties=device.description=Headset",
        ];
        Ok(self.control(&module).await?.trim().to_owned())
    }

    /// The headset is pulled.
    ///
    /// # Errors
    /// The daemon does not answer, or there is none.
    pub async fn unplug_headset(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.headset.is_empty(), "no headset is plugged in");
        for module in std::mem::take(&mut self.headset) {
            self.control(&["unload-module", &module]).await?;
        }
        Ok(())
    }

    /// The system's default devices are these from now on.
    ///
    /// # Errors
    /// The daemon does not answer, or has no such device.
    pub async fn set_default(&self, source: &str, sink: &str) -> anyhow::Result<()> {
        self.control(&["set-default-source", source]).await?;
        self.control(&["set-default-sink", sink]).await.map(drop)
    }

    /// The built-in microphone is muted in the system's settings, or not any more.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn mute_microphone(&self, muted: bool) -> anyhow::Result<()> {
        self.control(&["set-source-mute", MICROPHONE, if muted { "1" } else { "0" }]).await.map(drop)
    }

    /// The built-in loudspeaker is.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn mute_loudspeaker(&self, muted: bool) -> anyhow::Result<()> {
        self.control(&["set-sink-mute", SPEAKER, if muted { "1" } else { "0" }]).await.map(drop)
    }

    /// Microphones give zeros, as one does that is switched off with a key of its own: no setting of theirs says so.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn flatten_microphone(&self, flat: bool) -> anyhow::Result<()> {
        let monitor = format!("{MOUTH}.monitor");
        self.control(&["set-source-mute", &monitor, if flat { "1" } else { "0" }]).await.map(drop)
    }

    /// What the loudspeaker plays is heard at the microphone from now on: `db` of it, after `ms`.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn echo(&self, db: f64, ms: u32) -> anyhow::Result<()> {
        let module = [
            "load-module",
            "module-loopback",
            &format!("source={SPEAKER}.monitor"),
            &format!("sink={MOUTH}"),
            &format!("latency_msec={ms}"),
            "adjust_time=0",
        ];
        let number = self.control(&module).await?;
        let inputs = list(&self.server, "sink-inputs").await?;
        let ours = self.control(&["list", "sink-inputs"]).await?;
        // The module's own stream: the one whose owner it is.
        let owner = format!("Owner Module: {}", number.trim());
        let part = ours.split("Sink Input #").find(|part| part.contains(&owner));
        let input = part.and_then(|part| part.split_whitespace().next()).map(str::to_owned);
        let input = input
            .filter(|input| inputs.iter().any(|columns| columns.first() == Some(input)))
            .context("the echo has no stream")?;
        self.control(&["set-sink-input-volume", &input, &format!("{db}dB")]).await.map(drop)
    }

    async fn control(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("pactl")
            .args(arguments)
            .env("PULSE_SERVER", &self.server)
            .env("LC_ALL", "C")
            .output()
            .await
            .context("`pactl` is not installed")?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "pactl {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Names of the sources that programs record from; what the testbed hears is not among them.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn records_from(&self) -> anyhow::Result<Vec<String>> {
        let names = by_number(&list(&self.server, "sources").await?);
        let outputs = list(&self.server, "source-outputs").await?;
        // A module's own recording has no client ("-").
        let programs = outputs.iter().filter(|columns| columns.get(2).is_none_or(|client| client != "-"));
        let sources = programs.filter_map(|columns| names.get(columns.get(1)?).cloned());
        Ok(sources.filter(|name| *name != format!("{SPEAKER}.monitor")).collect())
    }

    /// Names of the sinks that programs play to; what speaks into the microphone is not among them.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub async fn plays_to(&self) -> anyhow::Result<Vec<String>> {
        let names = by_number(&list(&self.server, "sinks").await?);
        let inputs = list(&self.server, "sink-inputs").await?;
        let programs = inputs.iter().filter(|columns| columns.get(2).is_none_or(|client| client != "-"));
        let sinks = programs.filter_map(|columns| names.get(columns.get(1)?).cloned());
        Ok(sinks.filter(|name| name != MOUTH).collect())
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

/// Names of devices by their numbers.
fn by_number(devices: &[Vec<String>]) -> BTreeMap<String, String> {
    devices.iter().filter_map(|columns| Some((columns.first()?.clone(), columns.get(1)?.clone()))).collect()
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
