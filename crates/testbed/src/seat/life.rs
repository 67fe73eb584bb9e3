//! One candidate's life of a seat: the supervisor, started by the testbed in systemd's place, or by systemd itself.

use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use tokio::process::Command;

use super::SeatFolders;
use super::computer::{ACCOUNT, ENDS, LOG, SeatComputer};
use crate::process::{Child, look, said_since};
use crate::reader::WITH_ACCESSIBILITY;
use crate::window::on_screen;
use crate::{Pulse, Tools};

/// The supervisor's name, as a process has it.
const SUPERVISOR: &str = "adjourn-seat";
/// systemd starts the next life within this (`RestartSec=1`, and what a stop takes).
const BEGINS: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) enum Life {
    /// The supervisor, and nobody who starts it again.
    Alone(Child),
    /// systemd's unit.
    Unit(Unit),
}

#[derive(Debug)]
pub(super) struct Unit {
    computer: SeatComputer,
    /// The supervisor, as this machine numbers it.
    supervisor: i32,
    /// Where its life begins in the unit's log, in bytes.
    begins: u64,
    /// Lives that had ended when this one began.
    ended: usize,
}

impl Life {
    pub(super) fn alone(
        tools: &Tools,
        folders: &SeatFolders,
        display: &str,
        pulse: Option<&Pulse>,
    ) -> anyhow::Result<Self> {
        begin(tools, folders, display, pulse).map(Self::Alone)
    }

    /// Switches a computer on.
    pub(super) async fn unit(mut computer: SeatComputer) -> anyhow::Result<Self> {
        computer.switch_on().await?;
        let mut unit = Unit { computer, supervisor: 0, begins: 0, ended: 0 };
        unit.next().await?;
        Ok(Self::Unit(unit))
    }

    pub(super) fn computer(&self) -> Option<&SeatComputer> {
        match self {
            Self::Alone(_) => None,
            Self::Unit(unit) => Some(&unit.computer),
        }
    }

    pub(super) fn supervisor(&self) -> i32 {
        match self {
            Self::Alone(child) => child.pid(),
            Self::Unit(unit) => unit.supervisor,
        }
    }

    /// What it and its programs said.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Alone(child) => child.said(),
            Self::Unit(unit) => said_since(&unit.computer.on_disk(LOG), unit.begins),
        }
    }

    pub(super) fn running(&mut self) -> bool {
        match self {
            Self::Alone(child) => child.running(),
            Self::Unit(unit) => unit.running(),
        }
    }

    pub(super) async fn ended(&mut self, limit: Duration) -> anyhow::Result<Option<i32>> {
        match self {
            Self::Alone(child) => Ok(child.ended(limit).await?.code()),
            Self::Unit(unit) => {
                // systemd writes it down when nothing of it is left.
                let over = || unit.ends().get(unit.ended).cloned();
                let line = look(limit, over).await;
                let line = line.with_context(|| format!("the unit's life does not end within {limit:?}"))?;
                Ok(line.split_whitespace().nth(1).and_then(|code| code.parse().ok()))
            }
        }
    }

    pub(super) async fn again(
        &mut self,
        tools: &Tools,
        folders: &SeatFolders,
        display: &str,
        pulse: Option<&Pulse>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Alone(child) => {
                *child = begin(tools, folders, display, pulse)?;
                Ok(())
            }
            Self::Unit(unit) => {
                if !unit.computer.is_on() {
                    unit.computer.switch_on().await?;
                }
                unit.next().await
            }
        }
    }

    pub(super) async fn cut_power(&mut self, processes: &[(String, i32)]) {
        match self {
            Self::Alone(child) => {
                for (_, pid) in processes {
                    // Gone already, perhaps.
                    let _ = Child::signal_pid(*pid, Signal::KILL);
                }
                child.kill().await;
            }
            Self::Unit(unit) => unit.computer.cut_power().await,
        }
    }

    /// A program that runs as whoever the seat's programs run as, and sees what they see.
    pub(super) fn somebody_s(&self, program: &str) -> Command {
        match self {
            Self::Alone(_) => for_somebody(program),
            Self::Unit(unit) => {
                let mut command = Command::new("nsenter");
                command.args(["-t", &unit.supervisor.to_string(), "-a", "--", "setpriv"]);
                command.args([format!("--reuid={ACCOUNT}"), format!("--regid={ACCOUNT}")]);
                command.args(["--clear-groups", "--", program]);
                command
            }
        }
    }
}

impl Unit {
    fn running(&self) -> bool {
        let comm = std::fs::read_to_string(format!("/proc/{}/comm", self.supervisor)).unwrap_or_default();
        comm.trim_end() == SUPERVISOR
    }

    /// How each life of it ended.
    fn ends(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.computer.on_disk(ENDS)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits for a supervisor that is another one than the last.
    async fn next(&mut self) -> anyhow::Result<()> {
        let (was, computer) = (self.supervisor, &self.computer);
        let there = || {
            let all = computer.processes().into_iter();
            all.filter(|(name, _)| name == SUPERVISOR).map(|(_, pid)| pid).find(|pid| *pid != was)
        };
        // Nothing of the next life is in the log yet, or its first line: what is looked for in it comes later.
        let begins = std::fs::metadata(computer.on_disk(LOG)).map_or(0, |metadata| metadata.len());
        let Some(supervisor) = look(BEGINS, there).await else {
            let state =
                computer.ask(&["systemctl", "status", "--no-pager", "-n", "20", "adjourn-kiosk"]).await;
            anyhow::bail!("systemd does not start the seat:\n{}", state.unwrap_or_else(|e| e.to_string()));
        };
        (self.supervisor, self.begins, self.ended) = (supervisor, begins, self.ends().len());
        Ok(())
    }
}

/// cage runs for no administrator: for one it is somebody else's program, whose files are the same ones. What talks with it is started
/// in the same way.
pub(super) fn for_somebody(program: &str) -> Command {
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
    command.arg(Tools::binary(SUPERVISOR)?);
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
    Child::start(SUPERVISOR, &mut command, &folders.logs.join("seat.log"))
}
