//! A computer that is a test center's seat: Debian as its package makes it one, with systemd as its first process, in a container.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use crate::process::{Child, look};

/// The seat's unit.
const UNIT: &str = "adjourn-kiosk.service";
/// The account that its package makes.
pub(super) const ACCOUNT: &str = "adjourn-kiosk";
/// systemd is up within this.
const BOOTS: Duration = Duration::from_secs(60);
/// A command in it answers within this.
const ANSWERS: Duration = Duration::from_secs(30);

/// What the computer has that a seat in a center has not: a screen that is a window elsewhere, a bus of accessibility for whoever drives it,
/// and a log that is read from outside. Nothing of the unit's own limits is taken away.
fn drop_in(display: &str) -> String {
    let with_accessibility =
        crate::reader::WITH_ACCESSIBILITY.replace('\n', "; ").replace("&;", "&").replace('$', "$$");
    format!(
        "[Service]\n\
         NotifyAccess=all\n\
         LoadCredentialEncrypted=journal-key:/etc/adjourn-kiosk/journal-key.cred\n\
         ExecStart=\n\
         ExecStart=/usr/bin/dbus-run-session -- /bin/sh -c '{with_accessibility}' /usr/bin/adjourn-seat --home %t/adjourn-kiosk --nested\n\
         ExecStopPost=+/bin/sh -c 'echo \"$$SERVICE_RESULT $$EXIT_STATUS\" >> {ENDS}'\n\
         Environment=DISPLAY={display} WLR_BACKENDS=x11 WLR_RENDERER=pixman LIBGL_ALWAYS_SOFTWARE=1 WEBKIT_DISABLE_DMABUF_RENDERER=1\n\
         Environment=SESSION_BUS=%t/adjourn-kiosk/session-bus HOME=%t/adjourn-kiosk XDG_RUNTIME_DIR=%t/adjourn-kiosk\n\
         TTYPath=\n\
         StandardInput=null\n\
         StandardOutput=append:{LOG}\n\
         StandardError=append:{LOG}\n"
    )
}

/// What the unit says.
pub(super) const LOG: &str = "/var/log/adjourn-seat.log";
/// How each life of it ended: a line of systemd's result and the exit code.
pub(super) const ENDS: &str = "/var/log/adjourn-seat.ends";

/// Where systemd puts the key of the seat's journal, as `docs/kiosk.md` has it.
pub(super) const JOURNAL_KEY: &str = "/run/credentials/adjourn-kiosk.service/journal-key";

/// The sound of each candidate: as the testbed's own, but started by the seat and gone with the candidate.
pub(super) const SOUND: &str = "/etc/adjourn-kiosk/sound.pa";

/// A container that can be switched on and off; its disk stays.
#[derive(Debug)]
pub struct SeatComputer {
    system: PathBuf,
    folder: PathBuf,
    container: Option<Child>,
    /// Its first process, as this machine numbers it.
    first: i32,
}

impl SeatComputer {
    /// A computer whose disk is `system` and what was changed since, in `folder`; the packages of that folder are installed.
    ///
    /// # Errors
    /// A package can't be installed.
    pub async fn set_up(system: &Path, folder: &Path, packages: &Path) -> anyhow::Result<Self> {
        for name in ["upper", "work", "merged"] {
            std::fs::create_dir_all(folder.join(name))?;
        }
        let computer =
            Self { system: system.to_owned(), folder: folder.to_owned(), container: None, first: 0 };
        let script = format!(
            "{}; mkdir \"$M/packages\"; mount --bind '{}' \"$M/packages\"; mount -t proc proc \"$M/proc\"; \
             chroot \"$M\" sh -ec 'dpkg -i /packages/adjourn_*.deb /packages/adjourn-kiosk_*.deb; systemctl enable adjourn-kiosk; \
             od -An -tx1 -N32 /dev/urandom | tr -d \" \\n\" | \
             systemd-creds encrypt --with-key=host --name=journal-key - /etc/adjourn-kiosk/journal-key.cred'; \
             umount \"$M/packages\" \"$M/proc\"; rmdir \"$M/packages\"",
            computer.disk(),
            packages.display()
        );
        let mut install = Command::new("unshare");
        install.args(["--mount", "--propagation", "private", "sh", "-ec", &script]);
        install.stdout(std::process::Stdio::null());
        let log = folder.join("install.log");
        let mut install = Child::start("dpkg", &mut install, &log)?;
        install.finished(Duration::from_secs(120)).await.with_context(|| format!("see {}", log.display()))?;
        Ok(computer)
    }

    /// Puts the disk together, in `$M`.
    fn disk(&self) -> String {
        format!(
            "M='{folder}/merged'; mount -t overlay overlay -o 'lowerdir={system},upperdir={folder}/upper,workdir={folder}/work' \"$M\"",
            folder = self.folder.display(),
            system = self.system.display()
        )
    }

    /// The screen that its unit is shown on.
    ///
    /// # Errors
    /// The disk takes nothing.
    pub fn connect(&self, display: &str) -> anyhow::Result<()> {
        let file = self.on_disk(&format!("/etc/systemd/system/{UNIT}.d/testbed.conf"));
        std::fs::create_dir_all(file.parent().context("no folder")?)?;
        Ok(std::fs::write(file, drop_in(display))?)
    }

    /// A file of its own disk that is not of the system as it was installed.
    pub fn on_disk(&self, path: &str) -> PathBuf {
        self.folder.join("upper").join(path.trim_start_matches('/'))
    }

    /// Any file of it, while it runs: what is in memory alone, too.
    pub fn file(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.first)).join(path.trim_start_matches('/'))
    }

    /// Switches it on, and waits until systemd is up.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn switch_on(&mut self) -> anyhow::Result<()> {
        // The host's hierarchy of groups may be the old one; systemd wants the other.
        let script = format!(
            "{}; umount -l /sys/fs/cgroup 2>/dev/null || :; mount -t cgroup2 cgroup2 /sys/fs/cgroup; \
             exec systemd-nspawn --quiet --register=no --keep-unit --console=pipe -D \"$M\" -b systemd.show_status=no",
            self.disk()
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec", &script]);
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        let container = Child::start("systemd-nspawn", &mut command, &self.folder.join("nspawn.log"))?;
        let nspawn = container.pid();
        self.container = Some(container);
        let first = look(BOOTS, || first_of(nspawn)).await;
        self.first = first.context("the seat's computer does not start; see nspawn.log")?;
        let deadline = tokio::time::Instant::now() + BOOTS;
        loop {
            // `starting`, before it is up; a unit that failed is for whoever looks at it.
            let state = self.ask(&["systemctl", "is-system-running"]).await.unwrap_or_default();
            if ["running", "degraded"].contains(&state.trim()) {
                return Ok(());
            }
            anyhow::ensure!(
                tokio::time::Instant::now() < deadline,
                "the seat's computer is not up within {BOOTS:?}: {state:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether its power is on.
    pub(super) fn is_on(&self) -> bool {
        self.container.is_some()
    }

    /// Its power is gone.
    pub async fn cut_power(&mut self) {
        // With its first process everything in it is gone.
        let _ = Child::signal_pid(self.first, rustix::process::Signal::KILL);
        if let Some(mut container) = self.container.take() {
            container.kill().await;
        }
        self.first = 0;
    }

    /// A command that runs in it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.first.to_string(), "-a", "--", program]);
        command
    }

    /// What a command in it prints, whatever it ends with.
    ///
    /// # Errors
    /// It does not end.
    pub async fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        let (program, arguments) = words.split_first().context("no program")?;
        let mut command = self.command(program);
        let output = tokio::time::timeout(ANSWERS, command.args(arguments).output()).await;
        let output = output.with_context(|| format!("{program} does not answer in the container"))??;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What systemd knows of the seat's unit.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn unit(&self, property: &str) -> anyhow::Result<String> {
        let text = self.ask(&["systemctl", "show", "--value", "-p", property, UNIT]).await?;
        Ok(text.trim().to_owned())
    }

    /// Tells systemd something about the seat's unit (`stop`, `start`).
    ///
    /// # Errors
    /// It refuses.
    pub async fn systemctl(&self, verb: &str) -> anyhow::Result<()> {
        let output = self.command("systemctl").args([verb, UNIT]).output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(output.status.success(), "systemctl {verb}: {said}");
        Ok(())
    }

    /// Every process in it: id as this machine numbers it, and name.
    pub fn processes(&self) -> Vec<(String, i32)> {
        let space = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let Some(own) = space(self.first) else { return Vec::new() };
        let names = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
        let pids = names.filter_map(|name| name.to_str()?.parse::<i32>().ok());
        let inside = pids.filter(|pid| space(*pid).is_some_and(|space| space == own));
        inside
            .filter_map(|pid| {
                let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
                Some((comm.trim_end().to_owned(), pid))
            })
            .collect()
    }
}

impl Drop for SeatComputer {
    fn drop(&mut self) {
        if self.container.is_some() {
            // Gone already, perhaps.
            let _ = Child::signal_pid(self.first, rustix::process::Signal::KILL);
        }
    }
}

/// The container's first process, once there is one: a child of nspawn in a namespace of its own.
fn first_of(nspawn: i32) -> Option<i32> {
    let space = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let ours = space(nspawn)?;
    let names = std::fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.file_name());
    let pids = names.filter_map(|name| name.to_str()?.parse::<i32>().ok());
    let mut children = pids.filter(|pid| crate::parent(*pid) == Some(nspawn));
    children.find(|pid| {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        comm.trim_end() == "systemd" && space(*pid).is_some_and(|space| space != ours)
    })
}
