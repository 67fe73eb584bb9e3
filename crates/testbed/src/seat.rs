//! A test center's seat: the supervisor with cage and the window in it, on a screen that nobody sees.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use adjourn_kiosk::{PolicyKey, SeatPolicy};
use anyhow::Context as _;
use rustix::process::Signal;
use tokio::process::Command;

use super::process::{Child, look};
use super::reader::{AccessibleNode, PYTHON, Reader, WITH_ACCESSIBILITY};
use super::window::{on_screen, picture_of, screen};
use super::{Pulse, Tools};

/// The name of the center and of the seat.
const CENTER: &str = "berlin-mitte";
const NAME: &str = "B-07";
/// As large as what cage opens on another screen.
const SCREEN: &str = "1024x768x24";
/// A window in cage shows something after some 2 s.
const OPENS: Duration = Duration::from_secs(20);

/// What a seat has on disk, and what outlives a candidate of it.
#[derive(Debug)]
pub struct SeatFolders {
    /// Home of the candidate, which is wiped between two.
    pub home: PathBuf,
    /// Where the journal is.
    pub data: PathBuf,
    /// Settings, policy and keys.
    pub settings: PathBuf,
    /// What the programs say.
    pub logs: PathBuf,
    key: PolicyKey,
}

impl SeatFolders {
    /// Makes them in that folder. `sound`: as in the settings (`"own"`, or a table).
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn make(folder: &Path, policy: &SeatPolicy, sound: &str) -> anyhow::Result<Self> {
        let [home, data, settings, logs] = ["home", "data", "settings", "logs"].map(|name| folder.join(name));
        for folder in [&data, &settings, &logs] {
            std::fs::create_dir_all(folder)?;
        }
        let key = PolicyKey::generate()?;
        let folders = Self { home, data, settings, logs, key };
        let (policy_file, keys) = (folders.settings.join("policy.jws"), folders.settings.join("keys.json"));
        std::fs::write(&keys, folders.key.public().as_json())?;
        let text = format!(
            "center = {CENTER:?}\nseat = {NAME:?}\npolicy = {policy_file:?}\nkeys = {keys:?}\nsound = {sound}\n"
        );
        std::fs::write(folders.settings.join("seat.toml"), text)?;
        folders.use_policy(policy)?;
        Ok(folders)
    }

    /// Signs another policy, and puts it there.
    ///
    /// # Errors
    /// It makes no sense, or the disk takes nothing.
    pub fn use_policy(&self, policy: &SeatPolicy) -> anyhow::Result<()> {
        Ok(std::fs::write(self.settings.join("policy.jws"), policy.sign(&self.key)?)?)
    }

    /// A policy of this seat, for a backend.
    ///
    /// # Errors
    /// The address is none that links may lead to.
    pub fn policy(backend: &str) -> anyhow::Result<SeatPolicy> {
        let text = format!(
            "version = 1\nserial = 1\ncenter = {CENTER:?}\nseats = [{NAME:?}]\nbackend = {backend:?}\nlanguages = [\"en\", \"de\"]\n\
             valid_from = \"2026-01-01T00:00:00Z\"\nvalid_until = \"2036-01-01T00:00:00Z\"\n\
             # This machine is one within another.\nlock = \"unsupported\"\n\
             [reset]\ndone_after_s = 60\nabandoned_after_s = 600\n[escapes]\nunusable_minutes = 60\n"
        );
        Ok(SeatPolicy::from_toml(&text)?)
    }

    /// Wipes what a candidate left, as systemd does with a `RuntimeDirectory=`.
    fn wipe(&self) -> anyhow::Result<()> {
        match std::fs::remove_dir_all(&self.home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)?,
            Ok(()) | Err(_) => {}
        }
        Ok(std::fs::create_dir_all(&self.home)?)
    }
}

/// A seat's screen, and whoever sits there.
#[derive(Debug)]
pub struct Seat {
    reader: Option<Reader>,
    supervisor: Child,
    display: String,
    screen: Option<Child>,
}

impl Seat {
    /// Switches it on: a screen, and the first candidate's life of it.
    ///
    /// # Errors
    /// Something does not start.
    pub async fn start(tools: &Tools, folders: &SeatFolders, pulse: Option<&Pulse>) -> anyhow::Result<Self> {
        let (display, screen) = screen(&folders.logs, SCREEN).await?;
        let supervisor = begin(tools, folders, &display, pulse)?;
        Ok(Self { reader: None, supervisor, display, screen: Some(screen) })
    }

    /// Wipes what a candidate left, and starts the next one's life, as systemd does.
    ///
    /// # Errors
    /// Something does not start.
    pub fn again(
        &mut self,
        tools: &Tools,
        folders: &SeatFolders,
        pulse: Option<&Pulse>,
    ) -> anyhow::Result<()> {
        self.reader = None;
        self.supervisor = begin(tools, folders, &self.display, pulse)?;
        Ok(())
    }

    /// What is on the screen, as a screen reader is told.
    ///
    /// # Errors
    /// Nothing is told.
    pub async fn tree(
        &mut self,
        tools: &Tools,
        folders: &SeatFolders,
    ) -> anyhow::Result<Option<AccessibleNode>> {
        let bus = folders.home.join("session-bus");
        if self.reader.is_none() {
            // By then it is told of: the bus of accessibility is there, which the window has looked for.
            let listens = || self.supervisor.said().contains("the page listens").then_some(());
            if look(OPENS, listens).await.is_none() {
                anyhow::bail!("the seat's window does not open:\n{}", self.supervisor.said());
            }
            self.reader =
                Some(Reader::start(tools, &folders.logs, &self.display, &bus, for_somebody(PYTHON))?);
        }
        self.reader.as_mut().context("no reader")?.tree().await
    }

    /// Waits until what is told is so.
    ///
    /// # Errors
    /// It is not in time; says what there is.
    pub async fn wait(
        &mut self,
        tools: &Tools,
        folders: &SeatFolders,
        what: &str,
        limit: Duration,
        so: impl Fn(&AccessibleNode) -> bool,
    ) -> anyhow::Result<AccessibleNode> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let told = self.tree(tools, folders).await?;
            if let Some(tree) = told.as_ref().filter(|tree| so(tree)) {
                return Ok(tree.clone());
            }
            if tokio::time::Instant::now() >= deadline {
                let told = told.map_or_else(|| "nothing".to_owned(), |tree| tree.outline());
                anyhow::bail!("{what} was not seen within {limit:?}, but {told}\n{}", self.supervisor.said());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Presses a button by its name.
    ///
    /// # Errors
    /// There is none.
    pub async fn press(&mut self, button: &str) -> anyhow::Result<()> {
        let reader = self.reader.as_mut().context("nothing was read yet")?;
        anyhow::ensure!(reader.press(button).await?, "there is no button {button:?}");
        Ok(())
    }

    /// Presses keys, as xdotool names them (`Alt+F4`).
    ///
    /// # Errors
    /// xdotool is not there.
    pub async fn keys(&self, chord: &str) -> anyhow::Result<()> {
        self.xdotool(&["key", "--clearmodifiers", chord]).await
    }

    /// Types a text.
    ///
    /// # Errors
    /// xdotool is not there.
    pub async fn type_text(&self, text: &str) -> anyhow::Result<()> {
        self.xdotool(&["type", "--delay", "40", text]).await
    }

    /// Presses a button of the mouse at that place of the screen.
    ///
    /// # Errors
    /// xdotool is not there.
    pub async fn click(&self, x: u32, y: u32, button: u32) -> anyhow::Result<()> {
        let (x, y, button) = (x.to_string(), y.to_string(), button.to_string());
        self.xdotool(&["mousemove", &x, &y, "click", &button]).await
    }

    async fn xdotool(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("xdotool");
        let ended = command.args(arguments).env("DISPLAY", &self.display).output().await;
        let ended = ended.context("xdotool is needed for the keys of a seat")?;
        anyhow::ensure!(ended.status.success(), "xdotool: {}", String::from_utf8_lossy(&ended.stderr));
        Ok(())
    }

    /// A picture of the screen.
    ///
    /// # Errors
    /// It can't be taken.
    pub async fn picture(&self, path: &Path) -> anyhow::Result<()> {
        picture_of(&self.display, path, None).await
    }

    /// Waits until the supervisor ended; gives what with.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn ended(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.supervisor.ended(limit).await
    }

    /// Whether the supervisor runs.
    pub fn running(&mut self) -> bool {
        self.supervisor.running()
    }

    /// What it and its programs said.
    pub fn log(&self) -> String {
        self.supervisor.said()
    }

    /// Signals the first of the seat's processes of that name (`/proc/PID/comm`).
    ///
    /// # Errors
    /// There is none.
    pub fn signal(&self, comm: &str, signal: Signal) -> anyhow::Result<()> {
        let pid = self.processes().into_iter().find(|(name, _)| name == comm);
        Child::signal_pid(
            pid.with_context(|| format!("there is no {comm} in {:?}", self.processes()))?.1,
            signal,
        )
    }

    /// Name and id of all that the supervisor started, and of itself.
    pub fn processes(&self) -> Vec<(String, i32)> {
        let mut found = vec![self.supervisor.pid()];
        let all: Vec<(i32, i32, String)> = std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let comm = std::fs::read_to_string(entry.path().join("comm")).ok()?;
                Some((pid, super::parent(pid)?, comm.trim_end().to_owned()))
            })
            .collect();
        // Children of children, however deep.
        loop {
            let more: Vec<i32> = all
                .iter()
                .filter(|(pid, parent, _)| found.contains(parent) && !found.contains(pid))
                .map(|(pid, ..)| *pid)
                .collect();
            if more.is_empty() {
                break;
            }
            found.extend(more);
        }
        all.into_iter().filter(|(pid, ..)| found.contains(pid)).map(|(pid, _, comm)| (comm, pid)).collect()
    }

    /// Switches it off: the power is gone.
    pub async fn cut(mut self) {
        self.cut_power().await;
        self.screen = None;
    }

    /// Everything that runs there is killed at once.
    pub async fn cut_power(&mut self) {
        for (_, pid) in self.processes() {
            // Gone already, perhaps.
            let _ = Child::signal_pid(pid, Signal::KILL);
        }
        self.supervisor.kill().await;
        self.reader = None;
    }
}

/// cage runs for no administrator: for one it is somebody else's program, whose files are the same ones. What talks with it is started
/// in the same way.
fn for_somebody(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1000", "--map-group=1000", "--", program]);
    command
}

fn begin(
    tools: &Tools,
    folders: &SeatFolders,
    display: &str,
    pulse: Option<&Pulse>,
) -> anyhow::Result<Child> {
    folders.wipe()?;
    let mut command = for_somebody("dbus-run-session");
    command.args(["--", "sh", "-c", WITH_ACCESSIBILITY]);
    command.arg(Tools::binary("adjourn-seat")?);
    command.arg("--settings").arg(folders.settings.join("seat.toml"));
    command.arg("--window").arg(Tools::binary("adjourn")?).arg("--home").arg(&folders.home).arg("--nested");
    on_screen(&mut command, display, &folders.home);
    // cage in a window of the screen that nobody sees, drawn without a graphics card.
    command.env("WLR_BACKENDS", "x11").env("WLR_RENDERER", "pixman");
    command.env_remove("NO_AT_BRIDGE").env("SESSION_BUS", folders.home.join("session-bus"));
    command.env("ADJOURN_DATA", &folders.data).env("ADJOURN_LIVEKIT_LIBRARY", &tools.library);
    if let Some(pulse) = pulse {
        pulse.give(&mut command);
    }
    Child::start("adjourn-seat", &mut command, &folders.logs.join("seat.log"))
}
