//! Ports for servers that have to be told one: nobody else of the testbed gets the same, in whichever process, and no connection
//! that happens to go out takes it before its server does.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;
use parking_lot::Mutex;

/// Below those that systems give to connections that go out (Linux: from 32,768; others: from 49,152).
const PORTS: Range<u16> = 20_000..32_000;

/// What this process has taken; given back when it ends, however it ends.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of the loopback interface, for TCP and UDP, that is this process's alone until it ends.
///
/// # Errors
/// There is none.
pub fn free_port() -> anyhow::Result<u16> {
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("adjourn-ports-{user}"));
    std::fs::create_dir_all(&folder).context("there is no place for noting which ports are taken")?;
    // Processes begin at different ends.
    let from = std::process::id().wrapping_mul(61);
    for _ in PORTS {
        let number = u32::from(NEXT.fetch_add(1, Ordering::Relaxed)).wrapping_add(from);
        let port = PORTS.start + u16::try_from(number % PORTS.len() as u32).unwrap_or(0);
        let file =
            File::options().create(true).write(true).truncate(false).open(folder.join(port.to_string()))?;
        let free = file.try_lock().is_ok()
            && TcpListener::bind(("127.0.0.1", port)).is_ok()
            && UdpSocket::bind(("127.0.0.1", port)).is_ok();
        if free {
            HELD.lock().push(file);
            return Ok(port);
        }
    }
    anyhow::bail!("no free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_the_same_port_twice() {
        let ports: Vec<u16> = (0..200).map(|_| free_port().unwrap()).collect();
        let mut different = ports.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), ports.len());
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }
}
