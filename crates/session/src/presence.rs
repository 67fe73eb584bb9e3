//! Who the interviewer is, and what is learnt from it.

use crate::interviewer::{Interviewer, Presence};
use crate::link::Fresh;
use crate::{
    AgentState, Evidence, EvidenceKind, InterruptedWhy, LeaveReason, Outcome, Participant, ParticipantKind,
    Phase, Role, Session,
};

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

    pub(crate) fn take_roster(&mut self, roster: Vec<Participant>) {
        self.roster.clear();
        let now = self.fresh();
        let gone = self.interviewer.as_ref().filter(|i| {
            matches!(i.presence, Presence::Here | Presence::Unsure { .. })
                && !roster.iter().any(|p| p.identity == i.identity)
        });
        if let Some(sid) = gone.map(|i| i.sid.clone()) {
            self.gone(&sid, LeaveReason::Unknown, now);
        }
        for participant in roster {
            self.seen(participant);
        }
    }

    pub(crate) fn seen(&mut self, participant: Participant) {
        let now = self.fresh();
        self.roster.retain(|p| p.identity != participant.identity);
        self.roster.push(participant.clone());
        let talks = self.talks(&participant);
        match &mut self.interviewer {
            Some(i) if i.sid == participant.sid => {
                i.presence = Presence::Here;
                i.update(&participant, now);
                self.replaced = None;
            }
            Some(i) if i.identity == participant.identity => {
                // The same interviewer in a new presence: fresh probes, same conversation.
                self.interviewer = Some(Interviewer::new(&participant, now));
                self.replaced = None;
            }
            // One that stands there silently is no interviewer while another one talks.
            Some(Interviewer { presence: Presence::Here | Presence::Unsure { .. }, ready: None, .. })
                if talks =>
            {
                self.interviewer = Some(Interviewer::new(&participant, now));
                self.quiet = false;
            }
            Some(Interviewer { presence: Presence::Here | Presence::Unsure { .. }, .. }) => {}
            Some(_) | None => {
                if self.eligible(&participant) {
                    self.interviewer = Some(Interviewer::new(&participant, now));
                    self.quiet = false;
                }
            }
        }
        self.begin_if_ready();
    }

    pub(crate) fn left(&mut self, sid: &str, reason: LeaveReason) {
        let now = self.fresh();
        self.roster.retain(|p| p.sid != sid);
        let Some(i) = self.interviewer.as_mut().filter(|i| i.sid == sid) else { return };
        if reason == LeaveReason::Unknown {
            // What the SDK says of everybody during its own reconnect.
            i.presence = Presence::Unsure { at: now };
            return;
        }
        let sid = sid.to_owned();
        self.gone(&sid, reason, now);
    }

    /// The interviewer is really gone.
    pub(crate) fn gone(&mut self, sid: &str, reason: LeaveReason, now: Fresh) {
        let Some(i) = self.interviewer.as_mut().filter(|i| i.sid == sid) else { return };
        i.presence = Presence::Left { at: now, reason };
        i.audible = false;
        if i.evidence.is_some() {
            self.decide(Outcome::Finished, "the interviewer left, with evidence");
            return;
        }
        let window = self.policy.crash_loop_window;
        self.losses.retain(|at| now.since(*at) <= window);
        self.losses.push(now);
        if self.losses.len() >= 3 {
            self.decide(
                Outcome::Interrupted(InterruptedWhy::InterviewerLost),
                "three interviewers were lost",
            );
            return;
        }
        self.roster.retain(|p| p.sid != sid);
        // One that merely stands there takes nothing over: the end must not wait for it. It does as soon as
        // it shows more (see `seen`).
        if let Some(successor) = self.roster.iter().find(|p| self.talks(p)).cloned() {
            self.seen(successor);
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
        let now = self.fresh();
        self.gone(&lost, LeaveReason::ConnectionTimeout, now);
        true
    }

    pub(crate) fn with(&mut self, sid: &str, apply: impl FnOnce(&mut Interviewer)) {
        if let Some(i) = self.interviewer.as_mut().filter(|i| i.sid == sid) {
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
        let now = self.fresh();
        if self.interviewer.as_ref().is_some_and(|i| i.last_reaction == now) {
            self.asked = None;
        }
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
        if self.interviewer_sid() != Some(sid) {
            return; // anybody can publish what looks like an item
        }
        let now = self.fresh();
        self.with(sid, |i| {
            i.last_proof = now;
            i.last_reaction = now;
            if role == Role::Candidate {
                // The candidate's turn goes on: what looked like an end was none.
                i.evidence = None;
            }
        });
        self.losses.clear();
        self.reacted();
    }

    pub(crate) fn tool_ended(&mut self, sid: &str, name: String, ok: bool, call_id: String) {
        let now = self.fresh();
        let repeated = self.interviewer.as_ref().is_some_and(|i| i.last_call.as_ref() == Some(&call_id));
        if repeated {
            return; // both messages about one call arrive
        }
        let end_tool = self.policy.end_tools.contains(&name);
        self.with(sid, |i| {
            i.last_call = Some(call_id);
            i.last_proof = now;
            if !end_tool {
                i.evidence = None;
            }
        });
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

    pub(crate) fn evident(&self) -> bool {
        self.interviewer.as_ref().is_some_and(|i| i.evidence.is_some())
    }
}
