//! One candidate's life of a seat.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use adjourn_kiosk::{LONGEST_WORD, SETTINGS, SOCKET, SeatEnd, SeatSettings, SeatWord, SoundServer, Watch};
use sd_notify::NotifyState;
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior};

use crate::children::{Group, adopt, appears, end_what_is_left};

/// So often it is looked whether the window lives, and the system told (`WatchdogSec=` is three times as long).
const BEAT: Duration = Duration::from_secs(2);
/// A sound server is there within this, or the seat goes on without one: the window's check says what is missing.
const SOUND: Duration = Duration::from_secs(5);
/// A sound server that dies more often stays dead: the window says so.
const MOST_SOUNDS: u32 = 5;
/// A window that said why it closes has so long for it.
const CLOSES: Duration = Duration::from_secs(5);
/// A window that is to end in the middle of an interview writes down what was said, leaves and tries to deliver: within this.
const WRITES: Duration = Duration::from_secs(15);

/// What is started.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The seat's settings.
    pub settings: PathBuf,
    /// The compositor, which takes what it shows after `--`: cage.
    pub compositor: PathBuf,
    /// The window.
    pub window: PathBuf,
    /// The sound server: PulseAudio.
    pub sound: PathBuf,
    /// A folder of this candidate's alone, which the system wipes: home, sockets, caches.
    pub home: PathBuf,
    /// The compositor is shown within another screen, if there is one: for trying it out. The seat is then seen to be on a desktop.
    pub nested: bool,
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervised {
    /// The window said so.
    Ended(SeatEnd),
    /// The system wants it.
    Stopped,
    /// The window, or the compositor, died.
    Died,
    /// The window does not answer.
    Silent,
}

impl Supervised {
    /// What the program ends with: all but a release is started again.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ended(why) => why.exit_code(),
            Self::Stopped => 0,
            Self::Died => 1,
            Self::Silent => 2,
        }
    }
}

/// Starts everything, and stays until it is over.
///
/// # Errors
/// The home or its socket can't be made, or the compositor can't be started.
pub async fn supervise(programs: &Programs) -> io::Result<Supervised> {
    adopt()?;
    let mut stops = signal(SignalKind::terminate())?;
    let path = programs.home.join("seat.sock");
    let socket = UnixDatagram::bind(&path)?;
    let mut sound = Sound::start(programs).await;
    let mut window = Group::start("the window", &mut shown(programs, &path, sound.address.as_deref()))?;
    let began = Instant::now();
    let mut watch = Watch::default();
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tell(&[NotifyState::Ready]);
    let mut buffer = [0_u8; LONGEST_WORD];
    let over = loop {
        tokio::select! {
            // What was said before something ended is heard before.
            biased;
            word = socket.recv(&mut buffer) => {
                match word.ok().and_then(|n| SeatWord::parse(buffer.get(..n)?)) {
                    Some(SeatWord::Beat { page }) => {
                        if watch.heard(began.elapsed(), page) {
                            tracing::info!("the window lives");
                        }
                    }
                    Some(SeatWord::Ends { why }) => {
                        // From here on the system does not ask whether we live.
                        tell(&[NotifyState::Stopping]);
                        // It closes by itself: what it writes last is on disk, and its screen goes without a trace of it.
                        if tokio::time::timeout(CLOSES, window.ended()).await.is_err() {
                            tracing::warn!("the window said that it ends, and does not");
                        }
                        break Supervised::Ended(why);
                    }
                    None => tracing::warn!("somebody told what nobody knows"),
                }
            }
            _ = stops.recv() => {
                tell(&[NotifyState::Stopping]);
                // The compositor would take the screen from it in the middle of its last words.
                window.ask_to_end(&programs.window);
                if tokio::time::timeout(WRITES, window.ended()).await.is_err() {
                    tracing::warn!("the window was asked to end, and does not");
                }
                break Supervised::Stopped;
            }
            ended = window.ended() => {
                tracing::error!(?ended, "the window is gone without a word");
                break Supervised::Died;
            }
            () = sound.ended() => sound.again(programs).await,
            _ = beats.tick() => {
                if !watch.lives(began.elapsed()) {
                    tracing::error!("the window does not answer");
                    break Supervised::Silent;
                }
                tell(&[NotifyState::Watchdog]);
            }
        }
    };
    tell(&[NotifyState::Stopping]);
    window.end().await;
    if let Some(server) = sound.server.take() {
        server.end().await;
    }
    end_what_is_left().await;
    Ok(over)
}

/// Tells the system; nobody, where nobody listens.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, state) {
        tracing::warn!(%error, "the system can't be told that the seat lives");
    }
}

/// The compositor with the window in it.
fn shown(programs: &Programs, socket: &Path, sound: Option<&str>) -> Command {
    let mut command = Command::new(&programs.compositor);
    // No decorations. (`-m last`, one screen of several, lets cage 0.1.4 crash at its start, six times of eight: in `handle_new_output`.
    // A second screen is seen by the window, and told.)
    command.args(["-d", "--"]).arg(&programs.window);
    if !programs.nested {
        // With one of these it would open as a window on somebody's desktop.
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "WLR_BACKENDS", "WLR_RENDERER"] {
            command.env_remove(name);
        }
    }
    command.env(SETTINGS, &programs.settings).env(SOCKET, socket).current_dir(&programs.home);
    // Everything that a program keeps between two starts is kept in what is wiped.
    command.env("HOME", &programs.home).env("XDG_RUNTIME_DIR", &programs.home);
    for (name, folder) in
        [("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")]
    {
        command.env(name, programs.home.join(folder));
    }
    command.env("GDK_BACKEND", "wayland").env("GSETTINGS_BACKEND", "memory");
    if let Some(sound) = sound {
        command.env("PULSE_SERVER", sound);
    }
    command
}

/// What carries the sound of one candidate.
struct Sound {
    wanted: SoundServer,
    server: Option<Group>,
    address: Option<String>,
    starts: u32,
}

impl Sound {
    async fn start(programs: &Programs) -> Self {
        let mut sound = Self { wanted: wanted(programs), server: None, address: None, starts: 0 };
        match &sound.wanted {
            SoundServer::Shared(address) => sound.address = Some(address.clone()),
            SoundServer::Script(_) | SoundServer::Own => sound.again(programs).await,
        }
        sound
    }

    /// Waits until a server that was started ends.
    async fn ended(&mut self) {
        match &mut self.server {
            Some(server) => {
                let ended = server.ended().await;
                tracing::error!(?ended, "the sound server is gone");
            }
            None => std::future::pending().await,
        }
    }

    /// Starts one, in place of the last.
    async fn again(&mut self, programs: &Programs) {
        if let Some(server) = self.server.take() {
            server.end().await;
        }
        self.starts += 1;
        if self.starts > MOST_SOUNDS {
            tracing::error!("the sound server died too often");
            return;
        }
        let folder = programs.home.join("pulse");
        let socket = folder.join("native");
        match Group::start("the sound server", &mut server(programs, &self.wanted, &folder)) {
            Ok(server) => self.server = Some(server),
            Err(error) => {
                tracing::error!(%error, program = %programs.sound.display(), "there is no sound");
                return;
            }
        }
        if !appears(&socket, SOUND).await {
            tracing::error!("the sound server does not come");
        }
        self.address = Some(format!("unix:{}", socket.display()));
    }
}

fn wanted(programs: &Programs) -> SoundServer {
    let settings = std::fs::read_to_string(&programs.settings).map_err(|error| error.to_string());
    let settings =
        settings.and_then(|text| SeatSettings::from_toml(&text).map_err(|error| error.to_string()));
    match settings {
        Ok(settings) => settings.sound,
        Err(error) => {
            // The window says the same, where somebody reads it.
            tracing::error!(%error, "the seat does not know what carries its sound");
            SoundServer::Own
        }
    }
}

fn server(programs: &Programs, wanted: &SoundServer, folder: &Path) -> Command {
    let mut command = Command::new(&programs.sound);
    command.args(["--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no"]);
    command.arg("--log-target=stderr");
    if let SoundServer::Script(script) = wanted {
        command.args(["-n", "-F"]).arg(script);
    }
    command.env("HOME", &programs.home).env("XDG_RUNTIME_DIR", &programs.home);
    command.env("PULSE_RUNTIME_PATH", folder).env("PULSE_STATE_PATH", folder.join("state"));
    command.env("XDG_CONFIG_HOME", programs.home.join("config")).stdin(Stdio::null());
    command
}
