//! What is around a seat's window, as far as it can be found out: never taken for the best.

use std::path::Path;

use adjourn_kiosk::{Around, Compositor};

/// What cage's program is called.
const CAGE: &str = "cage";
/// What makes a compositor open as a window on another one.
const NESTED: [&str; 2] = ["DISPLAY=", "WAYLAND_DISPLAY="];
/// Programs that give a console, as `/proc` calls them (15 letters at most).
const CONSOLES: &[&str] = &["agetty", "getty", "mgetty", "login"];
/// Programs that serve somebody elsewhere; of each, one listens, and its children are the sessions.
const REMOTE: &[&str] = &["sshd", "sshd-session", "xrdp", "xrdp-sesman", "Xvnc"];
/// And those that show this screen to somebody else.
const MIRRORS: &[&str] = &["x11vnc", "wayvnc", "weston-rdp"];
/// Keys of a keyboard that letters can be typed on (`linux/input-event-codes.h`): Q, A, Z and the space bar. All are in the first word.
const LETTERS: u64 = 1 << 16 | 1 << 30 | 1 << 44 | 1 << 57;

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
        let any = |wanted: fn(&Program, &[Program]) -> bool| {
            programs.as_ref().map(|all| all.iter().any(|program| wanted(program, all)))
        };
        let new = |now: Vec<String>, then: &Vec<String>| {
            now.iter().filter(|disk| !then.contains(disk) || is_removable(disk)).count()
        };
        Around {
            compositor: compositor(),
            consoles: any(|program, _| CONSOLES.contains(&program.name.as_str())),
            virtual_machine: virtual_machine(),
            remote_session: any(is_remote),
            keyboards: keyboards(),
            new_storage: disks().zip(self.disks.as_ref()).map(|(now, then)| count(new(now, then))),
            ..Around::default()
        }
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// A program that runs.
struct Program {
    pid: u32,
    parent: u32,
    name: String,
}

/// All programs that run; nothing, where others' are hidden from us.
fn programs() -> Option<Vec<Program>> {
    // The first program is somebody else's: whoever sees it, sees all.
    std::fs::read_to_string("/proc/1/comm").ok()?;
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    let found = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name may have spaces and brackets in it: what follows the last one is fixed.
        let (before, after) = stat.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        Some(Program { pid, parent: after.split_whitespace().nth(1)?.parse().ok()?, name })
    });
    Some(found.collect())
}

/// Whether it shows that somebody sits elsewhere: a session of one of these is a child of it, or is this program's own beginning.
fn is_remote(program: &Program, all: &[Program]) -> bool {
    let serves = |program: &Program| REMOTE.contains(&program.name.as_str());
    let of_session = || all.iter().any(|parent| parent.pid == program.parent && serves(parent));
    MIRRORS.contains(&program.name.as_str())
        || (serves(program) || program.pid == std::process::id()) && of_session()
}

/// The one behind the display's socket: what it calls itself says nothing, what it is does, and where it shows itself.
fn compositor() -> Option<Compositor> {
    let Some(display) = std::env::var_os("WAYLAND_DISPLAY") else {
        // X11: other programs could be there.
        return std::env::var_os("DISPLAY").map(|_| Compositor::Desktop);
    };
    let folder = std::env::var_os("XDG_RUNTIME_DIR")?;
    let stream = std::os::unix::net::UnixStream::connect(Path::new(&folder).join(display)).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    let process = format!("/proc/{}", peer.pid.as_raw_nonzero());
    let program = std::fs::read_link(format!("{process}/exe")).ok()?;
    if program.file_name().is_none_or(|name| name != CAGE) {
        return Some(Compositor::Desktop);
    }
    let environment = std::fs::read(format!("{process}/environ")).ok()?;
    let nested = environment.split(|byte| *byte == 0).any(|variable| {
        NESTED.iter().any(|name| variable.starts_with(name.as_bytes()) && variable.len() > name.len())
    });
    Some(if nested { Compositor::Desktop } else { Compositor::Cage })
}

/// The processor says so itself on x86; elsewhere the maker's name does, if there is one to be read.
fn virtual_machine() -> Option<bool> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    if let Some(flags) = text.lines().find(|line| line.starts_with("flags")) {
        return Some(flags.split_whitespace().any(|flag| flag == "hypervisor"));
    }
    let maker = std::fs::read_to_string("/sys/class/dmi/id/sys_vendor").ok()?.to_lowercase();
    let made_up = ["qemu", "vmware", "innotek", "xen", "parallels", "bochs", "bhyve", "amazon", "google"];
    Some(made_up.iter().any(|name| maker.contains(name)))
}

fn keyboards() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/bus/input/devices").ok()?;
    let keys = text.lines().filter_map(|line| line.trim().strip_prefix("B: KEY="));
    Some(count(keys.filter(|keys| has_letters(keys)).count()))
}

/// Whether letters can be typed there. The first word of a bitmap stands last.
fn has_letters(keys: &str) -> bool {
    let first = keys.split_whitespace().next_back().and_then(|word| u64::from_str_radix(word, 16).ok());
    first.is_some_and(|first| first & LETTERS == LETTERS)
}

/// Names of all disks, but those that the system makes itself.
fn disks() -> Option<Vec<String>> {
    let made = ["loop", "ram", "zram", "dm-", "md"];
    let names = std::fs::read_dir("/sys/block")
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    Some(names.filter(|name| !made.iter().any(|kind| name.starts_with(kind))).collect())
}

/// Whether it can be taken out, and is in: a stick that was there when the seat began, or a card in a reader.
fn is_removable(disk: &str) -> bool {
    let says = |what: &str, not: &str| {
        std::fs::read_to_string(format!("/sys/block/{disk}/{what}")).is_ok_and(|text| text.trim() != not)
    };
    says("removable", "0") && says("size", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_of_this_machine_is_known_or_said_not_to_be() {
        let around = Surroundings::now().look();
        let fixed = disks().map(|all| count(all.iter().filter(|disk| is_removable(disk)).count()));
        assert_eq!(around.new_storage, fixed);
        assert!(around.fullscreen.is_none() && around.page_guarded.is_none(), "the window's own to say");
        let stranger = Surroundings { disks: Some(Vec::new()) };
        assert_eq!(stranger.look().new_storage, disks().map(|disks| count(disks.len())));
    }

    #[test]
    fn a_keyboard_is_what_letters_can_be_typed_on() {
        assert!(has_letters("402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe"));
        // A power button, and a mouse.
        assert!(!has_letters("10000000000000 0") && !has_letters("1f0000 0 0 0 0") && !has_letters(""));
    }

    #[test]
    fn who_sits_elsewhere_has_a_session_of_what_listens() {
        let program = |pid, parent, name: &str| Program { pid, parent, name: name.to_owned() };
        let remote = |all: &[Program]| all.iter().any(|one| is_remote(one, all));
        let mut all = vec![program(1, 0, "systemd"), program(700, 1, "sshd")];
        assert!(!remote(&all), "it listens, and nobody came");
        all.push(program(800, 700, "sshd"));
        assert!(remote(&all));
        assert!(remote(&[program(1, 0, "systemd"), program(900, 1, "wayvnc")]));
    }
}
