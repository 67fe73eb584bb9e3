//! Our own way into the room and out of it, and what the backend says of the room.

use crate::decider::Decider;
use crate::{
    ConnectionState, EndedWhy, EvidenceKind, InterruptedWhy, LeaveReason, OrganiserWord, Outcome,
    Participant, Session,
};

impl Session {
    pub(crate) fn out(&mut self, state: ConnectionState) {
        self.stop_clock();
        self.link.state = state;
        self.link.out_since.get_or_insert(self.now);
        if self.said_gone {
            self.room_is_gone();
        }
    }

    /// In the room again, over another connection than before or over one that the SDK restored.
    pub(crate) fn back_in(&mut self, room_sid: String, roster: Vec<Participant>) {
        // What was under way went with the earlier connection.
        self.stop_clock();
        self.link.up(self.now);
        self.said_gone = false;
        if let Some(i) = &mut self.interviewer {
            // The end of a tool may have been missed meanwhile, and its ears may be lost.
            i.calls.forget_running();
            i.hears = false;
        }
        if self.room_sid.replace(room_sid.clone()).is_some_and(|before| before != room_sid) {
            self.room_replaced();
            self.ask_organiser();
        }
        self.take_roster(roster, true);
    }

    fn room_is_gone(&mut self) {
        self.decide(self.finished_or(Outcome::Ended(EndedWhy::RoomClosed)), Decider::RoomGone);
    }

    pub(crate) fn disconnected(&mut self, reason: LeaveReason) {
        self.out(ConnectionState::Down);
        self.redial_at = self.now;
        let (proved, begun) = (self.proved(), self.begun());
        match reason {
            LeaveReason::DuplicateIdentity => {
                self.decide(Outcome::Ended(EndedWhy::ContinuedElsewhere), Decider::AnotherClient);
            }
            LeaveReason::ParticipantRemoved if proved => self.decide(Outcome::Finished, Decider::RemovedWithEvidence),
            LeaveReason::ParticipantRemoved => {
                self.decide(Outcome::Interrupted(InterruptedWhy::Removed), Decider::Removed);
            }
            LeaveReason::RoomDeleted | LeaveReason::RoomClosed if begun => {
                self.decide(Outcome::Finished, Decider::RoomClosedWithEvidence);
            }
            LeaveReason::RoomDeleted | LeaveReason::RoomClosed => {
                self.room_gone = Some(self.now);
                self.ask_organiser();
            }
            // The connection failed, in one way or another: we try ourselves until the link is lost.
            LeaveReason::Unknown
            | LeaveReason::ClientInitiated
            | LeaveReason::ServerShutdown
            | LeaveReason::StateMismatch
            | LeaveReason::JoinFailure
            | LeaveReason::Migration
            | LeaveReason::SignalClose
            | LeaveReason::ConnectionTimeout
            | LeaveReason::MediaFailure
            // Of telephony and of agents; a candidate's client never gets them from a real server.
            | LeaveReason::UserUnavailable
            | LeaveReason::UserRejected
            | LeaveReason::SipTrunkFailure
            | LeaveReason::AgentError => {}
        }
    }

    pub(crate) fn organiser_said(&mut self, word: OrganiserWord) {
        if let OrganiserWord::Reported { finished } = word {
            self.report_is_in(finished);
            return;
        }
        if !std::mem::take(&mut self.organiser_asked) {
            return;
        }
        let gone = self.room_gone.is_some();
        // That it can't be asked right now says nothing.
        if word != OrganiserWord::Unreachable {
            self.missing_is(word == OrganiserWord::InterviewerExpected);
        }
        match word {
            OrganiserWord::Ended => {
                self.decide(Outcome::Ended(EndedWhy::ClosedByOrganiser), Decider::OrganiserByBackend);
            }
            // LiveKit has no such room. Over a connection that was not noticed to be dead yet, it is believed when
            // that breaks: a room that we are in is there.
            OrganiserWord::RoomGone if self.link.state == ConnectionState::Up => self.said_gone = true,
            OrganiserWord::RoomGone => self.room_is_gone(),
            // A read that failed never means "ended"; a room that is gone is gone all the same.
            OrganiserWord::Running
            | OrganiserWord::InterviewerExpected
            | OrganiserWord::Reported { .. }
            | OrganiserWord::Unreachable => {
                if gone {
                    self.room_closed();
                }
            }
        }
    }

    /// The room is closed, and nobody says why. An end tool's word may have been read after that.
    pub(crate) fn room_closed(&mut self) {
        let outcome = if self.begun() { Outcome::Finished } else { Outcome::Ended(EndedWhy::RoomClosed) };
        self.decide(outcome, Decider::RoomClosed);
    }

    /// The agent's report is in. It may be of an earlier agent, or of an earlier session in the same job: only one that
    /// says *finished* ends anything, and only while the session does not answer.
    fn report_is_in(&mut self, finished: bool) {
        let pinned = self.interviewer.as_ref().filter(|i| !self.is_fenced(&i.sid, &i.identity));
        let sid = pinned.map(|i| i.sid.clone());
        if let (Some(sid), true, true) = (sid, finished, self.stalled()) {
            self.evidence(&sid, EvidenceKind::Report);
            self.decide(Outcome::Finished, Decider::Reported);
        }
    }

    /// Whether the interviewer's session does not answer although its process does.
    fn stalled(&self) -> bool {
        let now = self.fresh();
        self.interviewer.as_ref().is_some_and(|i| {
            i.session.silent_for(now).is_some_and(|ms| ms >= self.policy.session_finished)
                && i.channel_proven.is_some()
        })
    }
}
