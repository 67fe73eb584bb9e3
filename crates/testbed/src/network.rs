//! Where the parts run: all on loopback, or client and servers in two namespaces of the testbed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use tokio::process::Command;

use super::certificate::NAME;

/// Where the parts of a run live.
#[derive(Debug)]
pub enum Network {
    /// Everything on the loopback interface.
    Loopback,
    /// Client and servers in a namespace each, joined by a cable that can be pulled.
    Cable {
        /// Part of the names; unique per run.
        tag: String,
        /// The server is reached through relays that can be made to fail, and only through them.
        relayed: bool,
        /// Who is at the cable's other end.
        far: Far,
    },
}

/// Who reaches the servers by a cable. The others are where the servers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    /// The candidate's client, and the backend with it.
    Candidate,
    /// The interviewer's worker.
    Interviewer,
}

/// Cables of this process so far.
static CABLES: AtomicUsize = AtomicUsize::new(0);

/// A number as two letters.
fn letters(number: usize) -> String {
    [number / 26 % 26, number % 26].iter().map(|n| char::from(b'a' + *n as u8)).collect()
}

const SERVER: &str = "10.90.0.1";
const CLIENT: &str = "10.90.0.2";
/// The candidate's address after it moved.
const ROAMED: &str = "10.90.0.3";
/// With relays there is a namespace between the two, and no other way from one to the other: packets are
/// not forwarded there, only relayed.
const RELAYED_SERVER: &str = "10.91.0.1";
const RELAY_TO_SERVER: &str = "10.91.0.9";
const RELAY: &str = "10.90.0.9";

impl Network {
    /// Makes the namespaces and the cables between them, with the candidate's client at the other end. Needs root.
    ///
    /// # Errors
    /// A namespace or interface can't be made.
    pub async fn cable(relayed: bool) -> anyhow::Result<Self> {
        Self::cable_to(Far::Candidate, relayed).await
    }

    /// As [`Self::cable`], with the interviewer's worker at the other end.
    ///
    /// # Errors
    /// A namespace or interface can't be made.
    pub async fn interviewers_cable() -> anyhow::Result<Self> {
        Self::cable_to(Far::Interviewer, false).await
    }

    async fn cable_to(far: Far, relayed: bool) -> anyhow::Result<Self> {
        // Names of interfaces have at most 15 letters.
        let tag = format!("adj{}{}", std::process::id(), letters(CABLES.fetch_add(1, Ordering::Relaxed)));
        let network = Self::Cable { tag: tag.clone(), relayed, far };
        let (s, r, c) = (format!("{tag}s"), format!("{tag}r"), format!("{tag}c"));
        let mut ends = vec![s.clone(), c.clone()];
        let cables = if relayed {
            ends.push(r.clone());
            vec![
                (s.clone(), s.clone(), RELAYED_SERVER, r.clone(), format!("{r}s"), RELAY_TO_SERVER),
                (r.clone(), r, RELAY, c.clone(), c, CLIENT),
            ]
        } else {
            vec![(s.clone(), s.clone(), SERVER, c.clone(), c, CLIENT)]
        };
        network.names(true)?;
        for end in &ends {
            ip(&format!("netns add {end}")).await?;
            ip(&format!("-n {end} link set lo up")).await?;
        }
        for (a, a_link, a_address, b, b_link, b_address) in cables {
            ip(&format!("link add {a_link} netns {a} type veth peer name {b_link} netns {b}")).await?;
            for (end, link, address) in [(a, a_link, a_address), (b, b_link, b_address)] {
                ip(&format!("-n {end} addr add {address}/24 dev {link}")).await?;
                ip(&format!("-n {end} link set {link} up")).await?;
            }
        }
        if relayed {
            // The interviewer, too, is told the relay's address.
            ip(&format!("-n {s} route add {RELAY} via {RELAY_TO_SERVER}")).await?;
        }
        Ok(network)
    }

    /// Pulls or plugs the cable, at the servers' end.
    ///
    /// # Errors
    /// There is no cable.
    pub async fn set_link(&self, up: bool) -> anyhow::Result<()> {
        let Self::Cable { tag, relayed, .. } = self else { anyhow::bail!("loopback has no cable") };
        let end = if *relayed { format!("{tag}r") } else { format!("{tag}s") };
        ip(&format!("-n {end} link set {end} {}", if up { "up" } else { "down" })).await
    }

    /// Whether the names of the testbed can be looked up on the candidate's side.
    ///
    /// # Errors
    /// There is no such side, or its files can't be written.
    pub fn names(&self, known: bool) -> anyhow::Result<()> {
        let Self::Cable { tag, .. } = self else { anyhow::bail!("loopback has no names of its own") };
        // `ip netns exec` puts these files over those of /etc; written in place, they change at once.
        let folder = names_folder(tag);
        std::fs::create_dir_all(&folder)?;
        let name = if known { format!("127.0.0.1 {NAME}\n") } else { String::new() };
        std::fs::write(folder.join("hosts"), format!("127.0.0.1 localhost\n{name}"))?;
        // Nobody has this address, so nobody answers.
        std::fs::write(folder.join("resolv.conf"), "nameserver 10.90.0.53\n")?;
        Ok(())
    }

    /// The candidate's computer gets another address, at once and without the old one.
    ///
    /// # Errors
    /// There is no cable.
    pub async fn roam(&self) -> anyhow::Result<()> {
        let Self::Cable { tag, .. } = self else { anyhow::bail!("loopback has one address") };
        let c = format!("{tag}c");
        // In this order: the first address of a network takes the others with it when it goes.
        ip(&format!("-n {c} addr del {CLIENT}/24 dev {c}")).await?;
        ip(&format!("-n {c} addr add {ROAMED}/24 dev {c}")).await
    }

    /// Whether everything is on the loopback interface.
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::Loopback)
    }

    /// The servers' own address.
    pub fn server_address(&self) -> &'static str {
        match self {
            Self::Loopback => "127.0.0.1",
            Self::Cable { relayed: false, .. } => SERVER,
            Self::Cable { relayed: true, .. } => RELAYED_SERVER,
        }
    }

    /// The interface that has it.
    pub fn server_interface(&self) -> String {
        match self {
            Self::Loopback => "lo".to_owned(),
            Self::Cable { tag, .. } => format!("{tag}s"),
        }
    }

    /// The address under which the candidate's client reaches the server.
    pub fn public_address(&self) -> &'static str {
        if matches!(self, Self::Cable { relayed: true, .. }) { RELAY } else { self.server_address() }
    }

    /// The candidate's address.
    pub fn client_address(&self) -> &'static str {
        if self.is_loopback() { "127.0.0.1" } else { CLIENT }
    }

    /// A command that runs with the servers.
    pub fn server_command(&self, program: &Path) -> Command {
        self.command("s", program)
    }

    /// A command that runs with the relays.
    pub fn relay_command(&self, program: &Path) -> Command {
        self.command("r", program)
    }

    /// A command that runs with the client.
    pub fn client_command(&self, program: &Path) -> Command {
        self.command(self.clients_end(), program)
    }

    /// A command that runs with the interviewer's worker.
    pub fn worker_command(&self, program: &Path) -> Command {
        let far = matches!(self, Self::Cable { far: Far::Interviewer, .. });
        self.command(if far { "c" } else { "s" }, program)
    }

    /// What a command that runs with the client begins with.
    pub(crate) fn client_prefix(&self) -> Vec<String> {
        self.prefix(self.clients_end())
    }

    fn clients_end(&self) -> &'static str {
        if matches!(self, Self::Cable { far: Far::Interviewer, .. }) { "s" } else { "c" }
    }

    fn prefix(&self, end: &str) -> Vec<String> {
        match self {
            Self::Loopback => Vec::new(),
            Self::Cable { tag, .. } => {
                ["ip", "netns", "exec", &format!("{tag}{end}")].map(str::to_owned).into()
            }
        }
    }

    fn command(&self, end: &str, program: &Path) -> Command {
        command(program, &self.prefix(end))
    }
}

/// A program that another one runs (`ip netns exec …`), if there is a prefix.
pub(crate) fn command(program: &Path, prefix: &[String]) -> Command {
    match prefix.split_first() {
        None => Command::new(program),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Self::Cable { tag, .. } = self {
            // Absent after a failed start.
            let _ = std::fs::remove_dir_all(names_folder(tag));
            for end in ["s", "r", "c"] {
                take_down(&format!("{tag}{end}"));
            }
        }
    }
}

/// Takes down the networks of processes that are gone; gives how many ends of cables those had.
pub(crate) fn remove_orphans(gone: impl Fn(i32) -> bool) -> usize {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    let orphan = |name: &String| owner(name).is_some_and(&gone);
    for name in names("/etc/netns").into_iter().filter(orphan) {
        // Another testbed may be at it, too.
        let _ = std::fs::remove_dir_all(Path::new("/etc/netns").join(name));
    }
    let ends: Vec<String> = names("/run/netns").into_iter().filter(orphan).collect();
    ends.iter().for_each(|end| take_down(end));
    ends.len()
}

/// Removes one end of a cable.
fn take_down(end: &str) {
    // Gone already after a failed start, or another testbed was at it.
    let _ = std::process::Command::new("ip").args(["netns", "del", end]).stderr(Stdio::null()).status();
}

/// The process whose network has this name: `adj`, its number, letters.
fn owner(name: &str) -> Option<i32> {
    let rest = name.strip_prefix("adj")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[digits..].chars().all(|c| c.is_ascii_lowercase()).then(|| rest[..digits].parse().ok())?
}

/// Files over those of /etc, on the candidate's side (ip-netns(8)).
fn names_folder(tag: &str) -> PathBuf {
    Path::new("/etc/netns").join(format!("{tag}c"))
}

async fn ip(line: &str) -> anyhow::Result<()> {
    let output = Command::new("ip")
        .args(line.split(' '))
        .output()
        .await
        .context("`ip` (iproute2) is not installed")?;
    anyhow::ensure!(
        output.status.success(),
        "`ip {line}` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_have_an_owner() {
        assert_eq!(owner("adj19416aac"), Some(19_416));
        for other in ["adj", "adj12", "adjust", "docker0", "adj12aa-c", "adjaa"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
