//! Scenarios on real parts, and what tries to break them.
//!
//! **In:** the id of a scenario. **Out:** JSON lines.
//! **What never happens here:** no fake server, agent or sound server; nothing that the client says
//! about itself counts as an observation: end screen, microphone, the backend's rows and processes are looked at
//! from outside.

pub mod bench;
pub mod center;
pub mod crash_test;
pub mod demo;
pub mod devices;
pub mod failing;
pub mod fuzz;
pub mod guarantees;
pub mod hostile;
pub mod kiosk;
pub mod loadtest;
pub mod matrix;
pub mod run;
pub mod scenario;
pub mod webhook_test;
