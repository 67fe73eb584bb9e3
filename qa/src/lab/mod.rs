//! Real parts, started for one run and gone after it.

mod actor;
mod backend;
mod certificate;
mod cgroup;
mod client;
mod disk;
mod faketime;
mod fleet;
mod livekit;
mod mock;
mod network;
mod postgres;
mod process;
mod proxy;
mod pulse;
pub mod relay;
mod relays;
mod signalling;
mod tools;
mod window;
mod worker;

pub use actor::{Actor, ActorKind};
pub(crate) use backend::ORGANISER;
pub use backend::{BackendOptions, BackendServer, Invitation, Transcript, join};
pub(crate) use certificate::{authority, certificate};
pub use cgroup::{Cgroup, Limit};
pub use client::ClientProcess;
pub use disk::{DiskFaults, Mount, flip, tear};
pub use faketime::Faketime;
pub use fleet::{Fleet, Member, Started};
pub(crate) use livekit::resigned;
pub use livekit::{LiveKitServer, ServerOptions, token, token_valid_until, webhook_token};
pub use mock::MockServer;
pub use network::Network;
pub use postgres::Postgres;
pub use process::{Child, LineReader, unix_now};
pub(crate) use process::{look, tell};
pub use proxy::Proxy;
pub use pulse::Pulse;
pub use relay::Weather;
pub use relays::Relays;
pub use signalling::SignallingStub;
pub use tools::Tools;
pub use window::Window;
pub use worker::{AgentEvent, Worker};

use anyhow::Context as _;

/// A free TCP port of the loopback interface, as the system gives it.
///
/// # Errors
/// The system has none.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
