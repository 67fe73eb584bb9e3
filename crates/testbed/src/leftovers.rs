//! What a testbed left behind that was killed: nobody was there to end its processes and to take down its networks.
//!
//! Every process that a testbed starts carries a mark in its environment, and so does whatever that starts; the next testbed ends
//! those whose owner is gone.

use std::sync::Once;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use crate::network;
use crate::process::began;

/// The mark: namespace of process ids, process id and beginning of the testbed's process.
const OWNER: &str = "ADJOURN_TESTBED_OWNER";

/// The namespace in which this process's ids mean something: in a container there is another process of every number.
fn namespace() -> String {
    // Without one nothing is known of anybody, and nobody is ended.
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect()
}

/// Who owns what is started by this process.
fn ourselves() -> String {
    let pid = i32::try_from(std::process::id()).unwrap_or_default();
    format!("{}-{pid}-{}", namespace(), began(pid).unwrap_or_default())
}

/// Marks a process that is started now as ours.
pub(crate) fn mark(command: &mut Command) {
    command.env(OWNER, ourselves());
}

/// Ends what is left of testbeds that are gone; once for each process.
pub(crate) fn sweep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let left = orphans(OWNER);
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

/// Processes with this variable whose owner is gone.
fn orphans(variable: &str) -> Vec<Pid> {
    let namespace = namespace();
    with(variable, |owner| !lives(owner, &namespace))
}

/// Processes that have this variable with such a value, as they were started. Those of other persons are not seen.
pub(crate) fn with(variable: &str, such: impl Fn(&str) -> bool) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            value(&environment, variable).is_some_and(|value| such(&value))
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// A variable in an environment, as `/proc` has it.
fn value(environment: &[u8], variable: &str) -> Option<String> {
    let mut variables = environment.split(|byte| *byte == 0);
    let prefix = format!("{variable}=");
    let value = variables.find_map(|variable| variable.strip_prefix(prefix.as_bytes()))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// Whether an owner lives, or is not ours to judge.
fn lives(owner: &str, namespace: &str) -> bool {
    let parts: Vec<&str> = owner.split('-').collect();
    let [of, pid, since] = parts[..] else { return true };
    of != namespace || of.is_empty() || pid.parse().ok().and_then(began).is_some_and(|now| now == since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_testbed_started_is_found_and_what_a_living_one_started_is_not() {
        // Of its own: another testbed may be sweeping right now.
        const VARIABLE: &str = "ADJOURN_TEST_OWNER";
        let here = namespace();
        assert!(lives(&ourselves(), &here) && lives("1-17-5", &here), "it is another namespace's");
        assert!(!lives(&format!("{here}-999999999-5"), &here) && !lives(&format!("{here}-1-0"), &here));
        let environment = format!("PATH=/bin\0{VARIABLE}=12-34-5\0HOME=/");
        assert_eq!(value(environment.as_bytes(), VARIABLE).as_deref(), Some("12-34-5"));
        assert_eq!(value(b"PATH=/bin\0", VARIABLE), None);
        let start = |owner: &str| {
            let mut command = std::process::Command::new("sleep");
            command.arg("60").env(VARIABLE, owner).spawn().unwrap()
        };
        let (mut ours, mut theirs) = (start(&ourselves()), start(&format!("{here}-999999999-5")));
        let of = |child: &std::process::Child| Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        // Its environment is that of the test until it has become another program.
        let found = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            orphans(VARIABLE).contains(&of(&theirs))
        });
        let ours_too = orphans(VARIABLE).contains(&of(&ours));
        ours.kill().and_then(|()| theirs.kill()).unwrap();
        ours.wait().and_then(|_| theirs.wait()).unwrap();
        assert!(found && !ours_too);
    }
}
