//! One kind of probe to one interviewer: what is under way, what was answered.

use std::collections::VecDeque;

use crate::link::Fresh;

/// Probes that are remembered while unanswered; older ones are forgotten.
const REMEMBERED: usize = 32;

#[derive(Clone, Debug, Default)]
pub(crate) struct Probes {
    /// Since the last answer, oldest first.
    pub(crate) under_way: VecDeque<(u64, Fresh)>,
    pub(crate) last_sent: Option<Fresh>,
    pub(crate) last_answer: Option<Fresh>,
    /// Send time of the first probe after the last answer.
    pub(crate) unanswered_since: Option<Fresh>,
}

impl Probes {
    pub(crate) fn sent(&mut self, id: u64, now: Fresh) {
        if self.under_way.len() == REMEMBERED {
            self.under_way.pop_front();
        }
        self.under_way.push_back((id, now));
        self.last_sent = Some(now);
        self.unanswered_since.get_or_insert(now);
    }

    /// Takes an answer; gives the send time of the probe, or `None` if it is not one of ours.
    pub(crate) fn answered(&mut self, id: u64, now: Fresh) -> Option<Fresh> {
        let index = self.under_way.iter().position(|(known, _)| *known == id)?;
        // The channel is ordered: what was sent before the answered one is answered or lost.
        let (_, sent) = self.under_way.drain(..=index).next_back()?;
        self.sign_of_life(now);
        self.unanswered_since = self.under_way.front().map(|(_, at)| *at);
        Some(sent)
    }

    /// The connection broke, or its clock was taken back to `to`: what was under way proves nothing any
    /// more, and the next probe is due at once.
    pub(crate) fn invalidate_after(&mut self, to: Fresh) {
        self.under_way.clear();
        self.last_sent = None;
        self.unanswered_since = None;
        self.last_answer.iter_mut().for_each(|at| at.cap(to));
    }

    /// What was answered before says nothing about what is asked now: nothing is expected until the next answer.
    pub(crate) fn expect_nothing(&mut self) {
        self.last_answer = None;
    }

    /// Something else proved the same, at a time that may be past.
    pub(crate) fn sign_of_life(&mut self, at: Fresh) {
        self.last_answer = self.last_answer.max(Some(at));
    }

    /// Fresh milliseconds since the last answer; `None` if there never was one.
    pub(crate) fn silent_for(&self, now: Fresh) -> Option<u64> {
        self.last_answer.map(|at| now.since(at))
    }
}
