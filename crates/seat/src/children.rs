//! Programs that end with whoever started them.

use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpgid, kill_process, kill_process_group, waitpid};
use tokio::process::{Child, Command};

/// After `SIGTERM` a program has so long to end by itself. (cage 0.1.4 aborts on it at once; PulseAudio takes some 10 ms.)
const PATIENCE: Duration = Duration::from_secs(2);

/// A program in a process group of its own.
#[derive(Debug)]
pub(crate) struct Group {
    name: String,
    child: Child,
    group: Option<Pid>,
}

impl Group {
    /// Starts it.
    pub(crate) fn start(name: &str, command: &mut Command) -> io::Result<Self> {
        // What they tell the system is not ours.
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_PID").env_remove("WATCHDOG_USEC");
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { name: name.to_owned(), child, group })
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks that program, of all that run in its group, to end.
    pub(crate) fn ask_to_end(&self, program: &Path) {
        let Some(group) = self.group else { return };
        let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
        for pid in pids.filter(|pid| getpgid(Some(*pid)).is_ok_and(|of| of == group)) {
            let runs = std::fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero()));
            if runs.is_ok_and(|runs| runs == program)
                && let Err(error) = kill_process(pid, Signal::TERM)
            {
                tracing::warn!(%error, name = self.name, "it can't be asked to end");
            }
        }
    }

    /// Ends it and what it started, if not by a word, by force.
    pub(crate) async fn end(mut self) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            tracing::warn!(name = self.name, "it does not end by itself");
        }
        // What it started may live on without it.
        self.signal(Signal::KILL);
        // Reaped; what can't be waited for is nobody's any more.
        let _ = self.child.wait().await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group
            && let Err(error) = kill_process_group(group, signal)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, name = self.name, "it can't be ended");
        }
    }
}

/// Whatever loses its parent becomes ours from now on: what a window started (WebKit's processes leave its group) is found at the end.
pub(crate) fn adopt() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Ends everything that is still ours: what ends, leaves us what it had started, so it is looked for until there is nothing.
pub(crate) async fn end_what_is_left() {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        let left = own_children();
        if left.is_empty() {
            return;
        }
        for pid in left {
            // It may have ended meanwhile; collected, it is gone.
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tracing::error!(left = ?own_children(), "something outlives the seat");
}

/// Processes whose parent is this one, by the system's own list (`proc_pid_children(5)`), which is by thread.
fn own_children() -> Vec<Pid> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let pids: Vec<i32> = lists.flat_map(|list| numbers(&list)).collect();
    pids.into_iter().filter_map(Pid::from_raw).collect()
}

fn numbers(list: &str) -> Vec<i32> {
    list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Waits until that file is there.
pub(crate) async fn appears(path: &Path, limit: Duration) -> bool {
    let looked = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(limit, looked).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one test ends is what is left of all of them.
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    #[tokio::test]
    async fn what_left_its_group_and_lost_its_parent_is_ended_too() {
        let _one = ONE.lock().await;
        adopt().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // The shell starts another session, says its number and goes.
        let mut command = Command::new("setsid");
        command.args(["--fork", "sh", "-c", "echo $$ > \"$0\"; exec sleep 300"]).arg(&file);
        let mut group = Group::start("a window", &mut command).unwrap();
        group.ended().await.unwrap();
        assert!(appears(&file, Duration::from_secs(5)).await);
        let pid = loop {
            if let Some(pid) = numbers(&std::fs::read_to_string(&file).unwrap()).first() {
                break *pid;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let lives = || Path::new(&format!("/proc/{pid}")).exists();
        group.end().await;
        assert!(lives(), "its group does not have it");
        end_what_is_left().await;
        assert!(!lives());
    }

    #[tokio::test]
    async fn one_that_does_not_listen_is_ended_by_force() {
        let _one = ONE.lock().await;
        let mut command = Command::new("sh");
        let folder = tempfile::tempdir().unwrap();
        let deaf = folder.path().join("deaf");
        command.args(["-c", "trap '' TERM; : > \"$0\"; while :; do sleep 1; done"]).arg(&deaf);
        let group = Group::start("a deaf one", &mut command).unwrap();
        let pid = group.group.unwrap();
        assert!(appears(&deaf, Duration::from_secs(5)).await);
        let begun = std::time::Instant::now();
        group.end().await;
        assert!((PATIENCE..PATIENCE * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert!(!Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists());
    }
}
