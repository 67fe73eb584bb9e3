//! What the server answers over HTTP: one module for each kind of thing.

pub(crate) mod caller;
pub(crate) mod check;
pub(crate) mod coded;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod hooks;
pub(crate) mod interviews;
pub(crate) mod items;
pub(crate) mod join;
pub(crate) mod list;
pub(crate) mod monitor;
pub(crate) mod object;
pub(crate) mod openapi;
pub(crate) mod operator;
pub(crate) mod records;
pub(crate) mod replacement;
pub(crate) mod report;
pub(crate) mod roster;
pub(crate) mod seats;
pub(crate) mod status;
pub(crate) mod transcript;
pub(crate) mod uploads;
pub(crate) mod webhooks;
