//! What a machine must have for a scenario.

use std::collections::BTreeMap;
use std::process::Stdio;

use parking_lot::Mutex;

use adjourn_testbed::{Cgroup, Faketime, Mount, Postgres, Tools};

/// What a machine must have for a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Network namespaces and virtual cables.
    Namespaces,
    /// The proxy that makes TCP fail.
    Toxiproxy,
    /// Control groups for memory and CPU.
    Cgroups,
    /// File systems of one's own.
    Mounts,
    /// libfaketime.
    Faketime,
    /// livekit-agents for Node.
    NodeInterviewer,
    /// A Postgres server's programs.
    Postgres,
    /// Redis and haproxy.
    Fleet,
    /// A C compiler, for the disk that fails.
    Compiler,
}

impl Needs {
    /// Why the machine has it not, if so. Looked for once: many scenarios ask, and some answers take a process.
    pub fn missing(self) -> Option<&'static str> {
        static KNOWN: Mutex<BTreeMap<Needs, Option<&str>>> = Mutex::new(BTreeMap::new());
        *KNOWN.lock().entry(self).or_insert_with(|| self.look())
    }

    fn look(self) -> Option<&'static str> {
        match self {
            Self::Namespaces => {
                let name = format!("adjprobe{}", std::process::id());
                let ip = |verb: &str| {
                    std::process::Command::new("ip")
                        .args(["netns", verb, &name])
                        .stderr(Stdio::null())
                        .status()
                        .is_ok_and(|status| status.success())
                };
                let made = ip("add");
                if made {
                    ip("del");
                }
                (!made).then_some("network namespaces can't be made (`ip netns add` needs root and iproute2)")
            }
            Self::Cgroups => Cgroup::missing(),
            Self::Mounts => Mount::missing(),
            Self::Faketime => Faketime::missing(),
            Self::NodeInterviewer => Tools::node_modules()
                .is_err()
                .then_some("livekit-agents for Node is not fetched (`cargo xtask qa run zombie-node`)"),
            Self::Postgres => Postgres::programs()
                .is_err()
                .then_some("Postgres is not installed (`apt-get install postgresql`)"),
            Self::Fleet => (absent("redis-server", "--version") || absent("haproxy", "-v"))
                .then_some("Redis and haproxy are not installed (`apt-get install redis-server haproxy`)"),
            Self::Compiler => absent("cc", "--version")
                .then_some("there is no C compiler (`apt-get install gcc libc6-dev`)"),
            Self::Toxiproxy => {
                Tools::toxiproxy().is_err().then_some("toxiproxy is not fetched (`cargo xtask fetch`)")
            }
        }
    }
}

/// Whether a program can't be run.
fn absent(program: &str, argument: &str) -> bool {
    let status = std::process::Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !status.is_ok_and(|status| status.success())
}
