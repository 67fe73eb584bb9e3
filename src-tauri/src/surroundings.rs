//! What is around a seat's window, as far as it can be found out: never taken for the best.

use std::path::Path;

use adjourn_kiosk::{Around, Compositor};

/// What cage's program is called.
const CAGE: &str = "cage";
/// Programs that give a console, or a session from elsewhere, as `/proc` calls them (15 letters at most).
const CONSOLES: &[&str] = &["agetty", "getty", "mgetty", "login"];
const REMOTE: &[&str] = &["sshd", "sshd-session", "xrdp", "xrdp-sesman", "Xvnc"];
/// And those that show this screen to somebody else.
const MIRRORS: &[&str] = &["x11vnc", "wayvnc", "weston-rdp"];
/// What a keyboard's events are (`EV=` in `/proc/bus/input/devices`): SYN, KEY, MSC, LED and REP, which power buttons and mice lack.
const KEYBOARD: u32 = 0x12_0013;

/// Disks that were there when the seat began.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    disks: Option<Vec<String>>,
}

impl Surroundings {
    pub(crate) fn now() -> Self {
        Self { disks: disks() }
    }

    /// What can be read of the system. Some milliseconds of reading files.
    pub(crate) fn look(&self) -> Around {
        let programs = programs();
        let any = |names: &[&str]| {
            programs.as_ref().map(|programs| programs.iter().any(|name| names.contains(&name.as_str())))
        };
        let new =
            |now: Vec<String>, then: &Vec<String>| now.iter().filter(|disk| !then.contains(disk)).count();
        Around {
            compositor: compositor(),
            consoles: any(CONSOLES),
            virtual_machine: virtual_machine(),
            remote_session: any(MIRRORS).map(|mirrored| mirrored || is_from_elsewhere()),
            keyboards: keyboards(),
            new_storage: disks().zip(self.disks.as_ref()).map(|(now, then)| count(new(now, then))),
            ..Around::default()
        }
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// Names of all programs that run; nothing, where others' are hidden from us.
fn programs() -> Option<Vec<String>> {
    // The first program is somebody else's: whoever sees it, sees all.
    std::fs::read_to_string("/proc/1/comm").ok()?;
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    let numbers =
        entries.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()));
    let names = numbers.filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok());
    Some(names.map(|name| name.trim_end().to_owned()).collect())
}

/// The one behind the display's socket: what it calls itself says nothing, what it is does.
fn compositor() -> Option<Compositor> {
    let Some(display) = std::env::var_os("WAYLAND_DISPLAY") else {
        // X11: other programs could be there.
        return std::env::var_os("DISPLAY").map(|_| Compositor::Desktop);
    };
    let folder = std::env::var_os("XDG_RUNTIME_DIR")?;
    let stream = std::os::unix::net::UnixStream::connect(Path::new(&folder).join(display)).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    let program = std::fs::read_link(format!("/proc/{}/exe", peer.pid.as_raw_nonzero())).ok()?;
    let cage = program.file_name().is_some_and(|name| name == CAGE);
    Some(if cage { Compositor::Cage } else { Compositor::Desktop })
}

/// The processor says so itself on x86; elsewhere the device tree does.
fn virtual_machine() -> Option<bool> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    if let Some(flags) = text.lines().find(|line| line.starts_with("flags")) {
        return Some(flags.split_whitespace().any(|flag| flag == "hypervisor"));
    }
    Path::new("/proc/device-tree").exists().then(|| Path::new("/proc/device-tree/hypervisor").exists())
}

/// Whether this program was started by one that serves somebody elsewhere, or may have been.
fn is_from_elsewhere() -> bool {
    let mut pid = std::process::id();
    while pid > 1 {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        let (Ok(comm), Ok(stat)) = (comm, stat) else { return true };
        if REMOTE.contains(&comm.trim_end()) {
            return true;
        }
        // The name may have spaces and brackets in it: what follows the last one is fixed.
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        let Some(parent) = parent else { return true };
        pid = parent;
    }
    false
}

fn keyboards() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/bus/input/devices").ok()?;
    let events =
        text.lines().filter_map(|line| u32::from_str_radix(line.trim().strip_prefix("B: EV=")?, 16).ok());
    Some(count(events.filter(|events| events & KEYBOARD == KEYBOARD).count()))
}

/// Names of all disks, but those that the system makes itself.
fn disks() -> Option<Vec<String>> {
    let made = ["loop", "ram", "zram", "dm-", "md"];
    let names =
        std::fs::read_dir("/sys/block").ok()?.flatten().map(|e| e.file_name().to_string_lossy().into_owned());
    Some(names.filter(|name| !made.iter().any(|kind| name.starts_with(kind))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_of_this_machine_is_known_or_said_not_to_be() {
        let around = Surroundings::now().look();
        assert_eq!(around.new_storage, disks().map(|_| 0));
        assert!(around.fullscreen.is_none() && around.page_guarded.is_none(), "the window's own to say");
        let stranger = Surroundings { disks: Some(Vec::new()) };
        assert_eq!(stranger.look().new_storage, disks().map(|disks| count(disks.len())));
    }
}
