//! Who the interviewer is, and what is learnt from it.

use crate::decider::Decider;
use crate::interviewer::{Interviewer, Presence};
use crate::link::Fresh;
use crate::{
    AgentState, EndedWhy, EvidenceKind, InterruptedWhy, LeaveReason, Outcome, Participant, ParticipantKind,
    Phase, Session,
};

/// The interviewer is not there after our own connection was restored, and nobody told us that it left: whom we wait for,
/// why, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Replaced {
    pub(crate) identity: String,
    pub(crate) why: Missing,
    pub(crate) at: Fresh,
}

/// Why the interviewer is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Missing {
    /// The room is another one than before.
    AnotherRoom,
    /// The room is the same as before. Either the interviewer left while we were out, or the room was opened anew on another
    /// server, for us alone so far: the backend is asked.
    Asked,
    /// Nobody told the backend that it left: it is on its way back, as we were.
    Expected,
}

impl Session {
    pub(crate) fn eligible(&self, p: &Participant) -> bool {
        p.kind == ParticipantKind::Agent
            && match (&self.agent_name, &p.agent_name) {
                (Some(wanted), Some(name)) => wanted == name,
                (None, _) | (_, None) => true,
            }
    }

    /// Whether it has the name of the interview's own dispatch: it outranks agents that have none.
    fn named(&self, p: &Participant) -> bool {
        self.agent_name.is_some() && self.agent_name == p.agent_name
    }

    /// Somebody who may be the interviewer and shows that it is one.
    pub(crate) fn talks(&self, p: &Participant) -> bool {
        let state = p.state.filter(|state| *state != AgentState::Initializing);
        self.eligible(p) && (p.audio || state.is_some())
    }

    /// Everybody else, read anew; `restored`: over a connection that was restored just now.
    pub(crate) fn take_roster(&mut self, roster: Vec<Participant>, restored: bool) {
        let now = self.fresh();
        // Who was there before is no newcomer.
        self.roster.retain(|p| roster.iter().any(|now| now.sid == p.sid));
        let missing = self.interviewer.as_ref().filter(|i| {
            matches!(i.presence, Presence::Here | Presence::Unsure { .. })
                && !roster.iter().any(|p| p.identity == i.identity)
        });
        if let Some((sid, identity, proved)) =
            missing.map(|i| (i.sid.clone(), i.identity.clone(), i.proved()))
        {
            if restored && self.replaced.is_none() && !proved {
                self.replaced = Some(Replaced { identity, why: Missing::Asked, at: now });
                self.ask_organiser();
            }
            if self.replaced.is_some() {
                // Everybody is missing in a new room at first: it has its time.
                self.with(&sid, |i| i.presence = Presence::Unsure { at: now });
            } else {
                self.gone(&sid, LeaveReason::Unknown, None);
            }
        }
        for participant in roster {
            self.seen(participant);
        }
    }

    /// We are in another room than before: only the same interviewer goes on in it.
    pub(crate) fn room_replaced(&mut self) {
        let at = self.fresh();
        // Nobody waits for one whose place another one takes.
        let Some(i) = &self.interviewer else { return };
        if self.is_fenced(&i.sid, &i.identity) {
            return;
        }
        let Some(i) = &mut self.interviewer else { return };
        self.replaced = Some(Replaced { identity: i.identity.clone(), why: Missing::AnotherRoom, at });
        if i.presence == Presence::Here {
            i.presence = Presence::Unsure { at };
        }
    }

    /// What the backend says of an interviewer that is not there after our connection was restored; `expected`: nobody told
    /// it that the interviewer left.
    pub(crate) fn missing_is(&mut self, expected: bool) {
        match &mut self.replaced {
            Some(replaced) if replaced.why == Missing::Asked && expected => replaced.why = Missing::Expected,
            Some(replaced) if replaced.why == Missing::Asked => self.not_back(None),
            Some(_) | None => {}
        }
    }

    /// The interviewer that was missing after our connection was restored does not come back; another one may be called in
    /// its place. `otherwise`: how it ends if nobody comes and it is not known that it left.
    pub(crate) fn not_back(&mut self, otherwise: Option<Outcome>) {
        self.replaced = None;
        if let Some(sid) = self.interviewer_sid().map(str::to_owned) {
            self.gone(&sid, LeaveReason::Unknown, otherwise);
        }
    }

    /// Somebody is there, or something about somebody changed.
    pub(crate) fn seen(&mut self, participant: Participant) {
        if self.is_fenced(&participant.sid, &participant.identity) {
            return; // whatever it does: another one has its place, or is to have it
        }
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
                // One that stands there silently is no interviewer while another one talks; nor is one of no name
                // while the interview's own talks.
                Some(Interviewer {
                    presence: Presence::Here | Presence::Unsure { .. },
                    ready,
                    named,
                    ..
                }) => talks && (ready.is_none() || !named && self.named(&participant)),
                // One that merely stood there takes nothing over; one that comes now may still begin to talk.
                Some(Interviewer { presence: Presence::Left { .. }, .. }) => {
                    talks || newcomer && self.eligible(&participant)
                }
                None => self.eligible(&participant),
            };
        if takes_over {
            self.interviewer = Some(Interviewer::new(&participant, now));
            (self.quiet, self.greeted) = (false, false);
            self.candidate.asked = None;
        } else if let Some(i) = self.interviewer.as_mut().filter(|i| i.sid == participant.sid) {
            i.presence = Presence::Here;
            let changed = i.update(&participant, now);
            // It was not lost after all.
            self.losses.retain(|(sid, _)| *sid != participant.sid);
            if changed {
                self.session_lives(true);
            }
        } else if let Some(i) = self.interviewer.as_mut().filter(|i| i.identity == participant.identity) {
            *i = Interviewer::again(i, &participant, now);
            // What was asked was asked of the presence before.
            self.candidate.asked = None;
        }
        let (named, marked) = (self.named(&participant), participant.marked);
        // The attribute stays set: only its coming is news, or evidence that was taken back would come back.
        let news = self.pinned(&participant.sid).is_some_and(|i| {
            i.named = named;
            marked && !std::mem::replace(&mut i.marked, marked)
        });
        self.begin_if_ready();
        if news {
            self.evidence(&participant.sid, EvidenceKind::EndMarker);
        }
    }

    /// Somebody left, as the server or the SDK says.
    pub(crate) fn left(&mut self, sid: &str, reason: LeaveReason) {
        let at = self.fresh();
        let person = self.takes_the_floor().is_some_and(|p| p.sid == sid);
        self.roster.retain(|p| p.sid != sid);
        if person
            && let Some(Interviewer { presence: Presence::Left { at: left, .. }, .. }) = &mut self.interviewer
        {
            // The person who went on with the candidate is gone as well: a successor may come from now on.
            *left = at;
            self.replacement.iter_mut().for_each(|r| r.at = at);
        }
        let Some(i) = self.pinned(sid) else { return };
        match (&mut i.presence, reason) {
            // What the SDK says of everybody during its own reconnect.
            (Presence::Here | Presence::Unsure { .. }, LeaveReason::Unknown) => {
                i.presence = Presence::Unsure { at };
            }
            (Presence::Here | Presence::Unsure { .. }, _) => self.gone(sid, reason, None),
            // The departure is known: at most it is told why.
            (Presence::Left { reason: known, .. }, _) => {
                if *known == LeaveReason::Unknown {
                    *known = reason;
                }
            }
        }
    }

    /// The interviewer is really gone.
    fn gone(&mut self, sid: &str, reason: LeaveReason, otherwise: Option<Outcome>) {
        let at = self.fresh();
        let Some(i) = self.pinned(sid) else { return };
        i.presence = Presence::Left { at, reason, otherwise };
        i.audible = false;
        self.candidate.asked = None;
        let Some(i) = self.pinned(sid) else { return };
        // An end tool that began, and then its own leave: that is how it ends the interview.
        let own = matches!(
            reason,
            LeaveReason::ClientInitiated | LeaveReason::RoomDeleted | LeaveReason::RoomClosed
        );
        if i.end.as_ref().is_some_and(|end| own || end.proves()) {
            self.decide(Outcome::Finished, Decider::LeftWithEvidence);
            return;
        }
        let window = self.policy.crash_loop_window;
        self.losses.retain(|(lost, when)| lost != sid && at.since(*when) <= window);
        self.losses.push((sid.to_owned(), at));
        if self.losses.len() >= 3 {
            self.decide(self.lost(), Decider::ThreeLost);
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
            Phase::Waiting if self.resumed.is_none() => Outcome::NeverStarted,
            Phase::Waiting
            | Phase::Checking
            | Phase::Joining
            | Phase::Live
            | Phase::WrappingUp
            | Phase::Completed => Outcome::Interrupted(InterruptedWhy::InterviewerLost),
        }
    }

    /// How an interview ends that has no interviewer in its waiting room: one that went on before we came back did start.
    pub(crate) fn nobody_came(&self) -> Outcome {
        match self.resumed {
            Some(true) => Outcome::Finished,
            Some(false) => Outcome::Ended(EndedWhy::InterviewerLeft),
            None => Outcome::NeverStarted,
        }
    }

    /// The interviewer is lost as far as probes can tell, though the server has not said that it left
    /// (for a killed process it takes 20 s), or its session has closed. Whether another one is there to take over;
    /// `otherwise`: how it ends if that comes to nothing.
    pub(crate) fn handed_over(&mut self, otherwise: Outcome) -> bool {
        let Some(i) = self.interviewer.as_ref().filter(|i| !i.proved()) else {
            return false;
        };
        let lost = i.sid.clone();
        // An interviewer that began to end it hands over to nobody.
        let person = self.phase == Phase::Live && !self.begun() && self.person().is_some();
        if !person && !self.roster.iter().any(|p| p.sid != lost && self.talks(p)) {
            return false;
        }
        self.gone(&lost, LeaveReason::ConnectionTimeout, Some(otherwise));
        true
    }

    /// The interviewer, if it is this presence: what anybody else shows counts for nothing, nor does what one shows whose place
    /// another one takes.
    pub(crate) fn pinned(&mut self, sid: &str) -> Option<&mut Interviewer> {
        let fenced = self.fenced.iter().any(|fenced| fenced.sid == sid);
        self.interviewer.as_mut().filter(|i| i.sid == sid && !fenced)
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
        let successor = |i: &Interviewer| i.ready.is_some() && !self.is_fenced(&i.sid, &i.identity);
        if self.interviewer.as_ref().is_some_and(successor) {
            self.replacement = None;
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

    /// The interviewer left and nobody took over.
    pub(crate) fn settled(&mut self) {
        if let Some((outcome, by)) = self.settles_as() {
            self.decide(outcome, by);
        }
    }

    /// How it ends if nobody takes over from the interviewer that left: by what its reason says.
    pub(crate) fn settles_as(&self) -> Option<(Outcome, Decider)> {
        let i = self.interviewer.as_ref()?;
        // One that came in another's place and was never ready.
        if let Some(replacement) = self.replacement.as_ref() {
            return Some((replacement.otherwise, replacement.by.clone()));
        }
        let lost = self.lost();
        let never = i.ready.is_none() && self.phase == Phase::Waiting;
        let left = Outcome::Ended(EndedWhy::InterviewerLeft);
        let outcome = match i.presence {
            Presence::Left { otherwise: Some(otherwise), .. } => otherwise,
            Presence::Left { reason, otherwise: None, .. } => match reason {
                LeaveReason::ConnectionTimeout => lost,
                _ if never => self.nobody_came(),
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
        Some((outcome, Decider::LeftSettled))
    }
}
