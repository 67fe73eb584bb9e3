//! A test center's seat: the supervisor with cage and the window in it, on a screen that nobody sees.

mod computer;
mod life;
mod memory;

use std::path::{Path, PathBuf};
use std::time::Duration;

use adjourn_kiosk::{PolicyKey, SeatPolicy};
use anyhow::Context as _;
use rustix::process::Signal;
use tokio::process::Command;

use self::life::Life;
use super::process::{Child, look};
use super::pulse::{Pulse, two_cards};
use super::reader::{AccessibleNode, PYTHON, Reader};
use super::tools::Tools;
use super::window::{picture_of, screen};

pub use self::computer::SeatComputer;

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
        let journal_key = folders.settings.join("journal-key");
        std::fs::write(&journal_key, "5ea1".repeat(16))?;
        let text = format!(
            "center = {CENTER:?}\nseat = {NAME:?}\npolicy = {policy_file:?}\nkeys = {keys:?}\njournal_key = {journal_key:?}\nsound = {sound}\n"
        );
        std::fs::write(folders.settings.join("seat.toml"), text)?;
        folders.use_policy(policy)?;
        Ok(folders)
    }

    /// Makes them on the disk of a computer that is a seat: its sound server is each candidate's own. `folder`: for what the programs
    /// around it say.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn of_computer(computer: &SeatComputer, folder: &Path, policy: &SeatPolicy) -> anyhow::Result<Self> {
        let (settings, data) =
            (computer.on_disk("/etc/adjourn-kiosk"), computer.on_disk("/var/lib/adjourn-kiosk"));
        std::fs::create_dir_all(&settings)?;
        std::fs::create_dir_all(folder)?;
        let home = PathBuf::from("/run/adjourn-kiosk");
        let folders = Self { home, data, settings, logs: folder.to_owned(), key: PolicyKey::generate()? };
        std::fs::write(folders.settings.join("policy-keys.json"), folders.key.public().as_json())?;
        std::fs::write(
            folders.settings.join("seat.toml"),
            format!(
                "center = {CENTER:?}\nseat = {NAME:?}\njournal_key = {:?}\nsound = {{ script = {:?} }}\n",
                computer::JOURNAL_KEY,
                computer::SOUND
            ),
        )?;
        std::fs::write(computer.on_disk(computer::SOUND), two_cards(&folders.home.join("pulse/native")))?;
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
    life: Life,
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
        let life = Life::alone(tools, folders, &display, pulse)?;
        Ok(Self { reader: None, life, display, screen: Some(screen) })
    }

    /// Switches on a computer that is a seat, with a screen.
    ///
    /// # Errors
    /// It does not come up, or its unit does not run.
    pub async fn switch_on(computer: SeatComputer, folders: &SeatFolders) -> anyhow::Result<Self> {
        let (display, screen) = screen(&folders.logs, SCREEN).await?;
        computer.connect(&display)?;
        let life = Life::unit(computer).await?;
        Ok(Self { reader: None, life, display, screen: Some(screen) })
    }

    /// The computer, if it is one by itself.
    pub fn computer(&self) -> Option<&SeatComputer> {
        self.life.computer()
    }

    /// The next candidate's life of it. The testbed wipes what the last one left and starts it, as systemd does; where there is a systemd,
    /// that is waited for, and a computer that is off is switched on.
    ///
    /// # Errors
    /// Something does not start.
    pub async fn again(
        &mut self,
        tools: &Tools,
        folders: &SeatFolders,
        pulse: Option<&Pulse>,
    ) -> anyhow::Result<()> {
        self.reader = None;
        self.life.again(tools, folders, &self.display, pulse).await
    }

    /// The home of the candidate who is there.
    pub fn home(&self, folders: &SeatFolders) -> PathBuf {
        match self.life.computer() {
            Some(computer) => computer.file(&folders.home.to_string_lossy()),
            None => folders.home.clone(),
        }
    }

    /// Where something of a candidate could be left: of a computer, everything that was written since it was installed, and what is in
    /// memory alone.
    pub fn places(&self, folders: &SeatFolders) -> Vec<PathBuf> {
        match self.life.computer() {
            Some(computer) => {
                let memory = ["/run", "/dev/shm", "/tmp"].map(|path| computer.file(path));
                std::iter::once(computer.on_disk("/")).chain(memory).collect()
            }
            None => vec![folders.home.clone(), folders.data.clone()],
        }
    }

    /// Processes of the computer that live on between two candidates, and have one of the words in their memory.
    pub fn remembered_by(&self, words: &[&str]) -> Vec<String> {
        let Some(computer) = self.life.computer() else { return Vec::new() };
        let own = self.processes();
        let mut others = computer.processes();
        others.retain(|process| !own.contains(process));
        others.retain(|(_, pid)| memory::has(*pid, words));
        others.into_iter().map(|(name, pid)| format!("{name} ({pid})")).collect()
    }

    /// Speaks a WAV file into the microphone of the seat's own sound server.
    ///
    /// # Errors
    /// Nothing plays it.
    pub fn speak(&self, folders: &SeatFolders, wav: &Path) -> anyhow::Result<Child> {
        super::pulse::speak(&self.home(folders).join("pulse/native"), wav, &folders.logs.join("paplay.log"))
    }

    /// What is on the screen, as a screen reader is told.
    ///
    /// # Errors
    /// Nothing is told.
    pub async fn tree(&mut self, folders: &SeatFolders) -> anyhow::Result<Option<AccessibleNode>> {
        if self.reader.is_none() {
            // By then it is told of: the bus of accessibility is there, which the window has looked for.
            let listens = || self.life.said().contains("the page listens").then_some(());
            if look(OPENS, listens).await.is_none() {
                anyhow::bail!("the seat's window does not open:\n{}", self.life.said());
            }
            let bus = self.home(folders).join("session-bus");
            let command = self.life.somebody_s(PYTHON);
            self.reader = Some(Reader::start(&folders.logs, &self.display, &bus, command)?);
        }
        self.reader.as_mut().context("no reader")?.tree().await
    }

    /// Waits until what is told is so.
    ///
    /// # Errors
    /// It is not in time; says what there is.
    pub async fn wait(
        &mut self,
        folders: &SeatFolders,
        what: &str,
        limit: Duration,
        so: impl Fn(&AccessibleNode) -> bool,
    ) -> anyhow::Result<AccessibleNode> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let told = self.tree(folders).await?;
            if let Some(tree) = told.as_ref().filter(|tree| so(tree)) {
                return Ok(tree.clone());
            }
            if tokio::time::Instant::now() >= deadline {
                let told = told.map_or_else(|| "nothing".to_owned(), |tree| tree.outline());
                anyhow::bail!("{what} was not seen within {limit:?}, but {told}\n{}", self.life.said());
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

    /// Waits until the supervisor ended; gives its exit code, nothing after a signal.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn ended(&mut self, limit: Duration) -> anyhow::Result<Option<i32>> {
        self.life.ended(limit).await
    }

    /// Whether the supervisor runs.
    pub fn running(&mut self) -> bool {
        self.life.running()
    }

    /// What it and its programs said.
    pub fn log(&self) -> String {
        self.life.said()
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
        let mut found = vec![self.life.supervisor()];
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
        self.reader = None;
        let processes = self.processes();
        self.life.cut_power(&processes).await;
    }
}
