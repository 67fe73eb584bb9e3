//! The headless client and the failure lab.
//!
//! **In:** a link, or the id of a row of the list of endings. **Out:** JSON lines.
//! **What never happens here:** no fake server, agent or sound server; nothing that the client says
//! about itself counts as an observation: end screen, microphone, rows and processes are looked at
//! from outside.

pub mod bench;
pub mod demo;
pub mod explain;
mod failing;
pub mod fuzz;
pub mod headless;
pub mod herd;
pub mod hostile;
pub mod kills;
pub mod lab;
pub mod matrix;
pub mod proxy;
pub mod replay;
pub mod run;
pub mod scenario;
pub mod verify;
