//! A limit on what one process may use, by a control group of the kernel's (version 1 or 2).

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The kernel's control groups.
const ROOT: &str = "/sys/fs/cgroup";

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of memory; beyond it the kernel kills.
    Memory(u64),
    /// Percent of one core.
    Cpu(u32),
}

impl Limit {
    /// Controller, file and value; period of CPU quotas is 100 ms.
    fn setting(self, version_2: bool) -> (&'static str, &'static str, String) {
        match (self, version_2) {
            (Self::Memory(bytes), true) => ("memory", "memory.max", bytes.to_string()),
            (Self::Memory(bytes), false) => ("memory", "memory.limit_in_bytes", bytes.to_string()),
            (Self::Cpu(percent), true) => ("cpu", "cpu.max", format!("{} 100000", percent * 1_000)),
            (Self::Cpu(percent), false) => ("cpu", "cpu.cfs_quota_us", (percent * 1_000).to_string()),
        }
    }
}

/// A group of the testbed's own; its processes go back where they were when this is dropped.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    parent: PathBuf,
}

impl Cgroup {
    /// Puts a process under a limit. Needs root.
    ///
    /// # Errors
    /// The kernel has no such controller, or does not let us.
    pub fn limit(pid: i32, limit: Limit) -> anyhow::Result<Self> {
        let version_2 = Path::new(ROOT).join("cgroup.controllers").exists();
        let (controller, file, value) = limit.setting(version_2);
        let parent = if version_2 { PathBuf::from(ROOT) } else { Path::new(ROOT).join(controller) };
        let path = parent.join(format!("adjourn-{}-{pid}", std::process::id()));
        std::fs::create_dir(&path)
            .with_context(|| format!("a control group for {controller} can't be made"))?;
        let group = Self { path, parent };
        std::fs::write(group.path.join(file), value)
            .with_context(|| format!("{controller} can't be limited"))?;
        if controller == "cpu" && !version_2 {
            // Without a share of real time, version 1 takes no process that has a real-time thread (sound).
            let real_time = group.path.join("cpu.rt_runtime_us");
            if real_time.exists() {
                std::fs::write(real_time, "200000").context("real time can't be shared")?;
            }
        }
        std::fs::write(group.path.join("cgroup.procs"), pid.to_string()).context("the process is gone")?;
        Ok(group)
    }

    /// Why there can be no such group here, if so.
    pub fn missing() -> Option<&'static str> {
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        let made = [Limit::Memory(1 << 40), Limit::Cpu(1_000)].map(|limit| Self::limit(pid, limit).is_ok());
        (made != [true, true]).then_some("control groups for memory and CPU can't be made (needs root)")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let members = std::fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        for pid in members.lines() {
            // Gone meanwhile, most often.
            let _ = std::fs::write(self.parent.join("cgroup.procs"), pid);
        }
        // A group that is still in use is removed with the machine.
        let _ = std::fs::remove_dir(&self.path);
    }
}
