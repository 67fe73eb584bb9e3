//! What time alone did, told to those who ask why.

use std::collections::VecDeque;

use crate::Session;
use crate::rules::Rule;

/// What the machine did by time alone, for those who ask why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// A rule fired.
    Fired(Rule),
    /// This computer slept until now: what was due meanwhile was not decided.
    Slept,
}

impl Session {
    /// From now on, what happens by time alone is kept for [`Self::poll_log`].
    pub fn keep_log(&mut self) {
        self.log = Some(VecDeque::new());
    }

    /// The next thing that happened by time alone, in order.
    pub fn poll_log(&mut self) -> Option<Logged> {
        self.log.as_mut().and_then(VecDeque::pop_front)
    }

    pub(crate) fn log(&mut self, logged: Logged) {
        if let Some(log) = &mut self.log {
            log.push_back(logged);
        }
    }
}
