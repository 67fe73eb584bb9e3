//! Tool calls of the interviewer: two messages tell of each end, and calls run side by side.

use std::collections::VecDeque;

/// Calls that are remembered; older ones are forgotten. An interviewer runs a handful at once.
const REMEMBERED: usize = 64;

#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    /// Began and did not end yet, oldest first.
    pub(crate) running: VecDeque<String>,
    /// Ended, oldest first.
    pub(crate) ended: VecDeque<String>,
}

impl Calls {
    /// A call began. Returns whether this is news.
    pub(crate) fn begin(&mut self, id: &str) -> bool {
        let known = |calls: &VecDeque<String>| calls.iter().any(|call| call == id);
        if known(&self.running) || known(&self.ended) {
            return false;
        }
        remember(&mut self.running, id);
        true
    }

    /// Whether a call is running.
    pub(crate) fn running(&self) -> bool {
        !self.running.is_empty()
    }

    /// What runs is not known any more.
    pub(crate) fn forget_running(&mut self) {
        self.running.clear();
    }

    /// A call ended: whether its beginning was seen; `None` if its end was.
    pub(crate) fn end(&mut self, id: &str) -> Option<bool> {
        if self.ended.iter().any(|call| call == id) {
            return None;
        }
        let running = self.running.iter().position(|call| call == id);
        if let Some(index) = running {
            self.running.remove(index);
        }
        remember(&mut self.ended, id);
        Some(running.is_some())
    }
}

fn remember(calls: &mut VecDeque<String>, id: &str) {
    if calls.len() == REMEMBERED {
        calls.pop_front();
    }
    calls.push_back(id.to_owned());
}
