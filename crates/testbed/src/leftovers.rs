//! What a testbed left behind that was killed: nobody was there to end its processes and to take down its networks.
//!
//! Every process that a testbed starts carries a mark in its environment, and so does whatever that starts; the next testbed ends
//! those whose owner is gone.

use std::sync::Once;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use crate::network;
use crate::process::began;

/// The mark: process id and beginning of the testbed's process.
const OWNER: &str = "ADJOURN_TESTBED_OWNER";

/// Who owns what is started by this process.
fn ourselves() -> String {
    let pid = i32::try_from(std::process::id()).unwrap_or_default();
    format!("{pid}-{}", began(pid).unwrap_or_default())
}

/// Marks a process that is started now as ours.
pub(crate) fn mark(command: &mut Command) {
    command.env(OWNER, ourselves());
}

/// Ends what is left of testbeds that are gone; once for each process.
pub(crate) fn sweep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let left = orphans();
        for pid in &left {
            // It may have ended meanwhile.
            let _ = kill_process(*pid, Signal::KILL);
        }
        let networks = network::remove_orphans(|pid| began(pid).is_none());
        if !left.is_empty() || networks > 0 {
            tracing::warn!(
                processes = left.len(),
                networks,
                "a testbed was killed; what it left is ended now"
            );
        }
    });
}

/// Processes whose owner is gone. Those of other persons are not seen.
fn orphans() -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            owner(&environment).is_some_and(|owner| !lives(&owner))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// The mark in an environment, as `/proc` has it.
fn owner(environment: &[u8]) -> Option<String> {
    let mut variables = environment.split(|byte| *byte == 0);
    let prefix = format!("{OWNER}=");
    let value = variables.find_map(|variable| variable.strip_prefix(prefix.as_bytes()))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn lives(owner: &str) -> bool {
    let Some((pid, since)) = owner.split_once('-') else { return true };
    pid.parse().ok().and_then(began).is_some_and(|now| now == since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_testbed_started_is_found_and_what_a_living_one_started_is_not() {
        assert!(lives(&ourselves()) && !lives("1-0") && !lives("999999999-5"));
        let environment = format!("PATH=/bin\0{OWNER}=12-34\0HOME=/");
        assert_eq!(owner(environment.as_bytes()).as_deref(), Some("12-34"));
        assert_eq!(owner(b"PATH=/bin\0"), None);
        let start = |owner: &str| {
            let mut command = std::process::Command::new("sleep");
            command.arg("60").env(OWNER, owner).spawn().unwrap()
        };
        let (mut ours, mut theirs) = (start(&ourselves()), start("999999999-5"));
        let of = |child: &std::process::Child| Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        // Its environment is that of the test until it has become another program.
        let found = || orphans().contains(&of(&theirs));
        let came = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            found()
        });
        assert!(came && !orphans().contains(&of(&ours)));
        ours.kill().and_then(|()| theirs.kill()).unwrap();
        ours.wait().and_then(|_| theirs.wait()).unwrap();
    }
}
