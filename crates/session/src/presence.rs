//! Who the interviewer is, and what is learnt from it.

use crate::interviewer::{Interviewer, Presence};
use crate::link::Fresh;
use crate::{
    AgentState, EndedWhy, Evidence, EvidenceKind, InterruptedWhy, LeaveReason, Outcome, Participant,
    ParticipantKind, Phase, Role, Session,
};

/// The room is another one than before: whom we wait for in it, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Replaced {
    pub(crate) identity: String,
    pub(crate) at: Fresh,
}

impl Session {
    pub(crate) fn eligible(&self, p: &Participant) -> bool {
        p.kind == ParticipantKind::Agent
            && match (&self.agent_name, &p.agent_name) {
                (Some(wanted), Some(name)) => wanted == name,
                (None, _) | (_, None) => true,
            }
    }

    /// Somebody who may be the interviewer and shows that it is one.
    pub(crate) fn talks(&self, p: &Participant) -> bool {
        let state = p.state.filter(|state| *state != AgentState::Initializing);
        self.eligible(p) && (p.audio || state.is_some())
    }

    /// Everybody else, read anew.
    pub(crate) fn take_roster(&mut self, roster: Vec<Participant>) {
        let now = self.fresh();
        // Who was there before is no newcomer.
        self.roster.retain(|p| roster.iter().any(|now| now.sid == p.sid));
        let missing = self.interviewer.as_ref().filter(|i| {
            matches!(i.presence, Presence::Here | Presence::Unsure { .. })
                && !roster.iter().any(|p| p.identity == i.identity)
        });
        if let Some(sid) = missing.map(|i| i.sid.clone()) {
            if self.replaced.is_some() {
                // Everybody is missing in a new room at first: it has the time of `replaced_room`.
                self.with(&sid, |i| i.presence = Presence::Unsure { at: now });
            } else {
                self.gone(&sid, LeaveReason::Unknown);
            }
        }
        for participant in roster {
            self.seen(participant);
        }
    }

    /// We are in another room than before: only the same interviewer goes on in it.
    pub(crate) fn room_replaced(&mut self) {
        let at = self.fresh();
        let Some(i) = &mut self.interviewer else { return };
        self.replaced = Some(Replaced { identity: i.identity.clone(), at });
        if i.presence == Presence::Here {
            i.presence = Presence::Unsure { at };
        }
    }

    /// Somebody is there, or something about somebody changed.
    pub(crate) fn seen(&mut self, participant: Participant) {
        let now = self.fresh();
        let newcomer = !self.roster.iter().any(|p| p.sid == participant.sid);
        self.roster.retain(|p| p.identity != participant.identity);
        self.roster.push(participant.clone());
        if self.replaced.as_ref().is_some_and(|r| r.identity == participant.identity) {
            self.replaced = None;
        }
        let talks = self.talks(&participant);
        let takes_over = self.replaced.is_none()
            && match &self.interviewer {
                Some(i) if i.identity == participant.identity => false,
                // One that stands there silently is no interviewer while another one talks.
                Some(Interviewer { presence: Presence::Here | Presence::Unsure { .. }, ready, .. }) => {
                    talks && ready.is_none()
                }
                // One that merely stood there takes nothing over; one that comes now may still begin to talk.
                Some(Interviewer { presence: Presence::Left { .. }, .. }) => {
                    talks || newcomer && self.eligible(&participant)
                }
                None => self.eligible(&participant),
            };
        if takes_over {
            self.interviewer = Some(Interviewer::new(&participant, now));
            self.quiet = false;
        } else if let Some(i) = self.interviewer.as_mut().filter(|i| i.sid == participant.sid) {
            i.presence = Presence::Here;
            let reacted = i.update(&participant, now);
            // It was not lost after all.
            self.losses.retain(|(sid, _)| *sid != participant.sid);
            if reacted {
                self.reacted();
            }
        } else if let Some(i) = self.interviewer.as_mut().filter(|i| i.identity == participant.identity) {
            *i = Interviewer::again(i, &participant, now);
        }
        self.begin_if_ready();
    }

    /// Somebody left, as the server or the SDK says.
    pub(crate) fn left(&mut self, sid: &str, reason: LeaveReason) {
        let at = self.fresh();
        self.roster.retain(|p| p.sid != sid);
        let Some(i) = self.pinned(sid) else { return };
        match (&mut i.presence, reason) {
            // What the SDK says of everybody during its own reconnect.
            (Presence::Here | Presence::Unsure { .. }, LeaveReason::Unknown) => {
                i.presence = Presence::Unsure { at };
            }
            (Presence::Here | Presence::Unsure { .. }, _) => self.gone(sid, reason),
            // The departure is known: at most it is told why.
            (Presence::Left { reason: known, .. }, _) => {
                if *known == LeaveReason::Unknown {
                    *known = reason;
                }
            }
        }
    }

    /// The interviewer is really gone.
    fn gone(&mut self, sid: &str, reason: LeaveReason) {
        let at = self.fresh();
        let Some(i) = self.pinned(sid) else { return };
        i.presence = Presence::Left { at, reason };
        i.audible = false;
        if i.evidence.is_some() {
            self.decide(Outcome::Finished, "the interviewer left, with evidence");
            return;
        }
        let window = self.policy.crash_loop_window;
        self.losses.retain(|(lost, when)| lost != sid && at.since(*when) <= window);
        self.losses.push((sid.to_owned(), at));
        if self.losses.len() >= 3 {
            self.decide(self.lost(), "three interviewers were lost");
            return;
        }
        self.roster.retain(|p| p.sid != sid);
        // One that merely stands there takes nothing over: the end must not wait for it. It does as soon as
        // it shows more (see `seen`).
        if let Some(successor) = self.roster.iter().find(|p| self.talks(p)).cloned() {
            self.seen(successor);
        }
    }

    /// How an interview ends whose interviewer is lost: before its first word it can be tried again.
    pub(crate) fn lost(&self) -> Outcome {
        match self.phase {
            Phase::Waiting => Outcome::NeverStarted,
            Phase::Checking | Phase::Joining | Phase::Live | Phase::WrappingUp | Phase::Completed => {
                Outcome::Interrupted(InterruptedWhy::InterviewerLost)
            }
        }
    }

    /// The interviewer is lost as far as probes can tell, though the server has not said that it left
    /// (for a killed process it takes 20 s). Whether another one is there to take over.
    pub(crate) fn handed_over(&mut self) -> bool {
        let Some(i) = self.interviewer.as_ref().filter(|i| i.evidence.is_none()) else { return false };
        let lost = i.sid.clone();
        if !self.roster.iter().any(|p| p.sid != lost && self.talks(p)) {
            return false;
        }
        self.gone(&lost, LeaveReason::ConnectionTimeout);
        true
    }

    /// The interviewer, if it is this presence: what anybody else shows counts for nothing.
    pub(crate) fn pinned(&mut self, sid: &str) -> Option<&mut Interviewer> {
        self.interviewer.as_mut().filter(|i| i.sid == sid)
    }

    pub(crate) fn with(&mut self, sid: &str, apply: impl FnOnce(&mut Interviewer)) {
        if let Some(i) = self.pinned(sid) {
            apply(i);
        }
    }

    pub(crate) fn begin_if_ready(&mut self) {
        if self.phase == Phase::Waiting && self.interviewer.as_ref().is_some_and(|i| i.ready.is_some()) {
            self.phase = Phase::Live;
        }
    }

    /// The interviewer did something that a candidate can notice.
    pub(crate) fn reacted(&mut self) {
        self.asked = None;
        self.candidate_spoke = None;
    }

    pub(crate) fn reconsider_quiet(&mut self) {
        let now = self.fresh();
        let p = &self.policy;
        if let Some(i) = &self.interviewer {
            let quiet = i.process.silent_for(now).is_some_and(|ms| ms >= p.process_suspect)
                || i.session.silent_for(now).is_some_and(|ms| ms >= p.session_suspect);
            self.quiet = quiet;
        }
    }

    pub(crate) fn item(&mut self, sid: &str, role: Role) {
        let now = self.fresh();
        let Some(i) = self.pinned(sid) else {
            return; // anybody can publish what looks like an item
        };
        i.last_proof = now;
        i.last_reaction = now;
        i.owes = role == Role::Candidate;
        match role {
            // The candidate's turn goes on: what looked like an end was none.
            Role::Candidate => i.evidence = None,
            // It talks again: what failed was overcome.
            Role::Interviewer => i.failed = false,
        }
        self.losses.clear();
        self.reacted();
    }

    pub(crate) fn tool_started(&mut self, sid: &str, name: &str, call_id: &str) {
        let now = self.fresh();
        let end_tool = self.policy.end_tools.iter().any(|tool| tool == name);
        self.with(sid, |i| {
            i.last_proof = now;
            if i.calls.begin(call_id) && !end_tool {
                i.evidence = None;
            }
        });
    }

    pub(crate) fn tool_ended(&mut self, sid: &str, name: String, ok: bool, call_id: &str) {
        let now = self.fresh();
        let end_tool = self.policy.end_tools.contains(&name);
        let Some(i) = self.pinned(sid) else { return };
        let Some(began) = i.calls.end(call_id) else { return };
        i.last_proof = now;
        // A call that began beside the end tool's and ends after it says nothing.
        if !end_tool && !began {
            i.evidence = None;
        }
        if end_tool && ok {
            self.evidence(sid, EvidenceKind::EndTool(name));
        }
    }

    pub(crate) fn evidence(&mut self, sid: &str, kind: EvidenceKind) {
        let (now, at) = (self.fresh(), self.now);
        self.with(sid, |i| i.evidence = Some((Evidence { kind, at }, now)));
        // The last word may be read after the departure that overtook it.
        let gone = |i: &Interviewer| i.sid == sid && matches!(i.presence, Presence::Left { .. });
        if self.interviewer.as_ref().is_some_and(gone) {
            self.decide(Outcome::Finished, "the interviewer left, with evidence");
        }
    }

    /// What it is with evidence, and otherwise.
    pub(crate) fn finished_or(&self, otherwise: Outcome) -> Outcome {
        if self.evident() { Outcome::Finished } else { otherwise }
    }

    pub(crate) fn evident(&self) -> bool {
        self.interviewer.as_ref().is_some_and(|i| i.evidence.is_some())
    }

    /// The interviewer left and nobody took over: what its reason says about how it ended.
    pub(crate) fn settled(&mut self) {
        let Some(i) = &self.interviewer else { return };
        let lost = self.lost();
        let never = i.ready.is_none() && self.phase == Phase::Waiting;
        let left = Outcome::Ended(EndedWhy::InterviewerLeft);
        let outcome = match i.presence {
            Presence::Left { reason, .. } => match reason {
                LeaveReason::ConnectionTimeout => lost,
                _ if never => Outcome::NeverStarted,
                _ if i.failed => Outcome::Interrupted(InterruptedWhy::InterviewerFailed),
                LeaveReason::AgentError => Outcome::Interrupted(InterruptedWhy::InterviewerFailed),
                // Its connection failed, in one way or another.
                LeaveReason::SignalClose
                | LeaveReason::MediaFailure
                | LeaveReason::StateMismatch
                | LeaveReason::JoinFailure
                | LeaveReason::Migration
                | LeaveReason::ServerShutdown => lost,
                // It was its own will, or somebody else's.
                LeaveReason::ClientInitiated
                | LeaveReason::DuplicateIdentity
                | LeaveReason::ParticipantRemoved
                | LeaveReason::RoomDeleted
                | LeaveReason::RoomClosed
                // Of telephony; an agent never leaves with them.
                | LeaveReason::UserUnavailable
                | LeaveReason::UserRejected
                | LeaveReason::SipTrunkFailure
                // Not there any more in a roster that was read over a fresh link.
                | LeaveReason::Unknown => left,
            },
            // Not reached: the rule waits for a departure.
            Presence::Here | Presence::Unsure { .. } => left,
        };
        self.decide(outcome, "left_settled");
    }
}
