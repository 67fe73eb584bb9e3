//! What the candidate types, where they can't or don't want to speak: it is shown as said, and counts as said, once it went out.

use adjourn_room::{Caption, Transport};
use adjourn_session::{Agent, Input, Phase, Role};

use crate::run::Client;
use crate::{Message, Shell};

/// Longest answer in characters: several minutes of speech. The page says it as well (`ui/src/parts/Typing.svelte`).
const LONGEST: usize = 4_000;

impl<T: Transport, S: Shell> Client<T, S> {
    /// Whether the interviewer takes what is typed, now.
    pub(crate) fn may_type(&self) -> bool {
        self.session.phase() == Phase::Live && self.session.policy().typing
    }

    /// Gives the interviewer this as a turn of the candidate.
    pub(crate) fn type_answer(&mut self, text: &str) {
        let text: String = text.trim().chars().take(LONGEST).collect();
        if text.is_empty() || !self.may_type() || self.ui.typing.is_under_way() {
            return;
        }
        self.ui.typing.begin(text.clone());
        // Into a line that is dead it would go, and come out nowhere.
        let view = self.session.view();
        let there = view.link_fresh && view.agent == Agent::Present;
        if !(there && self.connection.type_to_interviewer(text)) {
            self.typed(false);
        }
    }

    /// What was under way went out, or did not.
    pub(crate) fn typed(&mut self, sent: bool) {
        if !sent {
            if self.ui.typing.did_not_go_out() {
                self.ui.notice = Some(Message::NotTyped);
            }
            return;
        }
        let Some(text) = self.ui.typing.went_out() else { return };
        self.forget_that_it_was_not_typed();
        self.keep_typed(text);
        self.feed(Input::CandidateTyped);
    }

    /// Whether it went out is not known any more.
    pub(crate) fn give_up_typed(&mut self) {
        if self.ui.typing.is_overdue() {
            self.typed(false);
        }
    }

    /// The interview is over: what nobody took is in the record all the same.
    pub(crate) fn keep_what_nobody_took(&mut self) {
        for text in self.ui.typing.take_the_rest() {
            self.keep_typed(text);
        }
        self.forget_that_it_was_not_typed();
    }

    /// Shows and keeps it like something that was said.
    fn keep_typed(&mut self, text: String) {
        let segment = self.ui.typing.name(self.environment.clock.wall().timestamp_millis());
        let caption = Caption { segment, role: Role::Candidate, text, done: true };
        if let Some(done) = self.ui.caption(caption) {
            self.recorder.caption(&done);
        }
    }

    fn forget_that_it_was_not_typed(&mut self) {
        if self.ui.notice == Some(Message::NotTyped) {
            self.ui.notice = None;
        }
    }
}
