//! Real parts, started for one test and gone after it: livekit-server, backend, interviewers, sound server, networks,
//! proxies, disks and clocks.
//!
//! **In:** what a test wants ([`Testbed::builder`]). **Out:** running processes with their addresses.
//! **What never happens here:** no fake server, agent or sound server; nothing listens outside of loopback and of
//! namespaces that were made here; nothing outlives the value that started it
//! (processes and networks of a killed testbed are ended by the next one).

mod actor;
mod backend;
mod browser;
mod certificate;
mod cgroup;
mod client;
mod disk;
mod faketime;
pub mod fault_proxy;
mod fleet;
mod gallery;
mod interviewer;
mod leftovers;
mod livekit;
mod mock;
mod network;
mod ports;
mod postgres;
mod process;
mod proxy;
mod pulse;
mod reader;
pub mod relay;
mod relays;
mod seat;
mod signalling;
mod system_bus;
mod terminal;
mod testbed;
mod tools;
mod window;
mod wine;
mod worker;

pub use actor::Actor;
pub use backend::ORGANISER;
pub use backend::{BackendOptions, BackendServer, Invitation, Transcript, join};
pub use browser::Browser;
pub use certificate::{authority, certificate};
pub use cgroup::{Cgroup, Limit};
pub use client::ClientProcess;
pub use disk::{DiskFaults, Mount, flip, tear};
pub use faketime::Faketime;
pub use fleet::{Fleet, Member, Started};
pub use gallery::{Exhibit, Gallery};
pub use interviewer::Interviewer;
pub use livekit::resigned;
pub use livekit::{
    ActorKind, KEY, LiveKitServer, SECRET, ServerOptions, token, token_valid_until, webhook_token,
};
pub use mock::MockServer;
pub use network::{Far, Network};
pub use ports::free_port;
pub use postgres::Postgres;
pub use process::{Child, LineReader, busy_cores, cpu_s, parent, unix_now};
pub use process::{look, tell};
pub use proxy::Proxy;
pub use pulse::{DESK, HEADSET_MICROPHONE, HEADSET_SPEAKER, MICROPHONE, Profile, Pulse, SPEAKER};
pub use reader::AccessibleNode;
pub use relay::Impairment;
pub use relays::{Relays, Signalling};
pub use rustix::process::Signal;
pub use seat::{Seat, SeatComputer, SeatFolders};
pub use signalling::{Dismissal, SignallingStub};
pub use system_bus::SystemBus;
pub use testbed::{Builder, Testbed};
pub use tools::Tools;
pub use window::{Window, WindowOptions, line_on_a_screen, opening_window};
pub use wine::Wine;
pub use worker::{AgentEvent, Worker};

/// How tests introduce themselves to a backend.
pub fn client_info() -> adjourn_protocol::ClientInfo {
    adjourn_protocol::ClientInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{}-{} testbed", std::env::consts::OS, std::env::consts::ARCH),
        kiosk: false,
    }
}
