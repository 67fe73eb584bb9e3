//! What the interviewer's session tells of the conversation: turns, tools, evidence, its close.

use crate::decider::Decider;
use crate::end_sign::{Contest, EndSign, Strength};
use crate::interviewer::{Interviewer, Presence};
use crate::{CloseReason, EvidenceKind, Outcome, Question, Role, Session};

impl Session {
    /// A turn of the conversation.
    pub(crate) fn item(&mut self, sid: &str, role: Role) {
        let (now, answer_after) = (self.fresh(), self.policy.answer_after);
        let Some(i) = self.pinned(sid) else {
            return; // anybody can publish what looks like an item
        };
        i.last_proof = now;
        i.reply_pending = role == Role::Candidate;
        i.taken_back = None;
        match role {
            // What looked like an end may be none: only the interviewer can say, by going on.
            Role::Candidate => {
                i.hears = true;
                i.owed_since.get_or_insert(now);
                i.end.iter_mut().for_each(|end| end.contested(now, answer_after));
            }
            // It talks again: what failed was overcome.
            Role::Interviewer => {
                i.failed = false;
                if i.end.as_mut().is_some_and(EndSign::goes_on) {
                    i.taken_back = i.end.take().filter(EndSign::may_have_been_its_goodbye);
                }
            }
        }
        self.losses.clear();
        self.session_lives(true);
        match role {
            Role::Candidate => self.candidate_spoke(false),
            Role::Interviewer => {
                self.greeted = true;
                self.reacted();
            }
        }
    }

    pub(crate) fn tool_started(&mut self, sid: &str, name: &str, call_id: &str) {
        let (now, at) = (self.fresh(), self.now);
        let end_tool = self.policy.end_tools.iter().any(|tool| tool == name);
        let Some(i) = self.pinned(sid) else { return };
        i.last_proof = now;
        if i.calls.begin(call_id) {
            i.taken_back = None;
            if !end_tool {
                i.another_tool();
            } else if !i.proved() {
                i.end = Some(EndSign::end_tool(name.to_owned(), call_id, now, at, Strength::Running));
            }
        }
        self.session_lives(true);
    }

    pub(crate) fn tool_ended(&mut self, sid: &str, name: String, ok: bool, call_id: &str) {
        let (now, at) = (self.fresh(), self.now);
        let end_tool = self.policy.end_tools.contains(&name);
        let Some(i) = self.pinned(sid) else { return };
        let Some(began) = i.calls.end(call_id) else {
            // The second word about one call comes with what the call's own turn said. What the candidate said before it is no
            // answer to it, and that turn was none to the candidate.
            let of_this = |end: &EndSign| ok && end.proves() && end.call_id.as_deref() == Some(call_id);
            if let Some(end) = i.taken_back.take().filter(of_this) {
                i.end = Some(EndSign { since: now, told: now, contest: Contest::None, ..end });
            } else if let Some(end) = i.end.as_mut().filter(|end| of_this(end)) {
                (end.told, end.contest) = (now, Contest::None);
            }
            return;
        };
        i.last_proof = now;
        i.taken_back = None;
        let proved = i.proved();
        match (end_tool, ok) {
            (true, true) => {
                i.end = Some(EndSign::end_tool(name, call_id, now, at, Strength::Proof));
                self.left_already();
            }
            (true, false) if !proved => {
                i.end = Some(EndSign::end_tool(name, call_id, now, at, Strength::Failed));
            }
            (true, false) => {}
            // A call that began beside the end tool's and ends after it says nothing.
            (false, _) if !began => i.another_tool(),
            (false, _) => {}
        }
        self.session_lives(true);
    }

    pub(crate) fn evidence(&mut self, sid: &str, kind: EvidenceKind) {
        let (now, at) = (self.fresh(), self.now);
        self.with(sid, |i| i.end = Some(EndSign::proof(kind, None, now, at)));
        self.left_already();
    }

    /// The last word may be read after the departure that overtook it.
    fn left_already(&mut self) {
        let gone = |i: &Interviewer| matches!(i.presence, Presence::Left { .. }) && i.proved();
        if self.interviewer.as_ref().is_some_and(gone) {
            self.decide(Outcome::Finished, Decider::LeftWithEvidence);
        }
    }

    /// Its session says that it closed: the interview is over, whatever goes on answering.
    pub(crate) fn session_closed(&mut self, sid: &str, reason: CloseReason) {
        let (now, at) = (self.fresh(), self.now);
        self.with(sid, |i| {
            i.closed.get_or_insert((reason, now));
            if reason == CloseReason::Completed && !i.proved() {
                i.end = Some(EndSign::proof(EvidenceKind::SessionCompleted, None, now, at));
            }
        });
    }

    /// The interviewer's session did something. If its pings go unanswered all the same, it is one that answers none
    /// (a second session in one job has no host), until one is answered again.
    ///
    /// `certain`: only a session can have done it. Sound may still be on its way when the session is closed, and
    /// proves nothing against evidence.
    pub(crate) fn session_lives(&mut self, certain: bool) {
        let now = self.fresh();
        let lost = self.policy.session_finished;
        let Some(i) = &mut self.interviewer else { return };
        // What was said just before the close may still arrive.
        i.closed = i.closed.filter(|(_, at)| now.since(*at) < lost);
        let proved = i.proved();
        let unanswered = i.session.unanswered_since.is_some_and(|at| now.since(at) >= lost);
        if unanswered && i.pingable() && (certain || !proved) {
            i.session.expect_nothing();
            i.channel_proven = None;
            i.report_asked = None;
            if self.candidate.asked.is_some_and(|asked| asked.question == Question::Closed) {
                self.candidate.asked = None;
            }
            self.reconsider_quiet();
        }
    }

    /// What it is with evidence, and otherwise.
    pub(crate) fn finished_or(&self, otherwise: Outcome) -> Outcome {
        if self.proved() { Outcome::Finished } else { otherwise }
    }

    /// Whether the interviewer did what proves an end.
    pub(crate) fn proved(&self) -> bool {
        self.interviewer.as_ref().is_some_and(Interviewer::proved)
    }

    /// Whether it did, and the candidate has not said that it goes on.
    pub(crate) fn over_for_all_that_is_known(&self) -> bool {
        let end = self.interviewer.as_ref().and_then(|i| i.end.as_ref());
        end.is_some_and(|end| end.proves() && end.contest != Contest::Denied)
    }

    /// Whether it did anything towards an end.
    pub(crate) fn begun(&self) -> bool {
        self.interviewer.as_ref().is_some_and(|i| i.end.is_some())
    }
}
