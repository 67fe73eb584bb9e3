//! What the candidate types, where they can't or don't want to speak: it is shown as said, and counts as said, once it arrived.

use adjourn_protocol::plain_text;
use adjourn_room::{Caption, Transport};
use adjourn_session::{Agent, Input, Phase, Role};

use crate::client::Client;
use crate::typing::LONGEST;
use crate::{Message, Shell};

impl<T: Transport, S: Shell> Client<T, S> {
    /// Whether the interviewer takes what is typed, now: after its first word, which a text would break off.
    pub(crate) fn may_type(&self) -> bool {
        self.session.phase() == Phase::Live && self.session.policy().typing && self.session.view().greeted
    }

    /// Gives the interviewer this as a turn of the candidate.
    pub(crate) fn type_answer(&mut self, text: &str) {
        let text: String = plain_text(text).chars().take(LONGEST).collect();
        if text.is_empty() || !self.may_type() {
            return;
        }
        if self.ui.typing.is_under_way() {
            self.ui.typing.keep(text);
            self.ui.notice = Some(Message::NotTyped);
            return;
        }
        self.ui.typing.begin(text.clone());
        // Into a line that is dead it would go, and come out nowhere.
        let view = self.session.view();
        let there = view.link_fresh && view.agent == Agent::Present;
        if !(there && self.connection.type_to_interviewer(text)) {
            self.not_typed();
        }
    }

    /// What was under way is in the line, or is not.
    pub(crate) fn typed(&mut self, sent: bool) {
        if sent {
            self.ui.typing.in_the_line(self.connection.last_probe());
        } else {
            self.not_typed();
        }
    }

    /// A probe was answered: what went the same way before it has arrived.
    pub(crate) fn answered(&mut self, probe: u64) {
        let Some(text) = self.ui.typing.proven_by(probe) else { return };
        self.forget_that_it_was_not_typed();
        self.keep_typed(text);
        self.feed(Input::CandidateTyped);
    }

    fn not_typed(&mut self) {
        if self.ui.typing.did_not_go_out() {
            self.ui.notice = Some(Message::NotTyped);
        }
    }

    /// Whether it went out is not known any more.
    pub(crate) fn give_up_typed(&mut self) {
        if self.ui.typing.is_overdue() {
            self.not_typed();
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
