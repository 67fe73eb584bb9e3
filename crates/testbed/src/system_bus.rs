//! A system bus of our own with rtkit on it: what a desktop has, and a test machine has not.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use crate::Child;
use crate::process::until;

/// Where Debian keeps the daemons.
const POLKIT: &str = "/usr/lib/polkit-1/polkitd";
const RTKIT: &str = "/usr/libexec/rtkit-daemon";

/// A running bus. Its daemons end with it.
#[derive(Debug)]
pub struct SystemBus {
    address: String,
    // Dropped in this order: who is on the bus, then the bus.
    _rtkit: Child,
    _polkit: Child,
    bus: Child,
    // Not in the run's folder: a socket's path is short.
    _place: tempfile::TempDir,
}

impl SystemBus {
    /// Starts a bus with rtkit, and polkit, which rtkit asks whether somebody may. As root: rtkit changes other processes' threads.
    ///
    /// # Errors
    /// A daemon is missing or does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let place = tempfile::Builder::new().prefix("adjourn-bus-").tempdir()?;
        // The rtkit daemon is another user.
        std::fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let socket = place.path().join("socket");
        let configuration = folder.join("system-bus.conf");
        std::fs::write(&configuration, served_at(&socket))?;
        let address = format!("unix:path={}", socket.display());
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nopidfile", "--nosyslog"]).arg("--config-file").arg(&configuration);
        let mut bus = Child::start("the system bus", &mut command, &folder.join("system-bus.log"))?;
        let limit = Duration::from_secs(10);
        until(&mut bus, limit, "the system bus", || async { socket.exists() }).await?;
        let start = |name: &str, program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).env("DBUS_SYSTEM_BUS_ADDRESS", &address);
            Child::start(name, &mut command, &folder.join(format!("{name}.log")))
                .with_context(|| format!("{program} is needed: install rtkit and polkitd"))
        };
        let polkit = start("polkit", POLKIT, &["--no-debug"])?;
        // Told to speak, it dies of it: it forbids itself to write to a file.
        let rtkit = start("rtkit", RTKIT, &[])?;
        let mut bus = Self { address, _rtkit: rtkit, _polkit: polkit, bus, _place: place };
        for name in ["org.freedesktop.PolicyKit1", "org.freedesktop.RealtimeKit1"] {
            let address = bus.address.clone();
            until(&mut bus.bus, limit, name, || has(&address, name)).await?;
        }
        Ok(bus)
    }

    /// Gives a process this bus for the system's.
    pub fn give(&self, command: &mut Command) {
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.address);
    }
}

/// Whether somebody has this name on the bus.
async fn has(address: &str, name: &str) -> bool {
    let mut ask = Command::new("dbus-send");
    ask.args([
        "--print-reply",
        &format!("--bus={address}"),
        "--dest=org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.GetNameOwner",
        &format!("string:{name}"),
    ]);
    ask.output().await.is_ok_and(|output| output.status.success())
}

/// Everybody may say everything: the daemons' own rules are theirs, and come from the system.
fn served_at(socket: &Path) -> String {
    let rule = |what: &str| format!("<allow {what}/>");
    let rules: String =
        ["user=\"*\"", "own=\"*\"", "send_destination=\"*\"", "receive_sender=\"*\""].map(rule).concat();
    format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\">{rules}</policy></busconfig>\n",
        socket.display()
    )
}
