//! An interview outlives its interviewer: in the place of one that is lost another one is asked for, where the organiser allows it.
//!
//! The one that is lost is out from that moment on, whatever it still does: the backend takes it out of the room, and until that is
//! done it is heard no more. Who comes next takes over as any successor does.

use crate::decider::Decider;
use crate::interviewer::Presence;
use crate::link::Fresh;
use crate::rules::Rule;
use crate::{InterruptedWhy, LeaveReason, Outcome, Output, Session};

/// Another interviewer is awaited in the place of one that is lost.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    /// Since when.
    pub(crate) at: Fresh,
    /// The backend sends nobody.
    pub(crate) refused: bool,
    /// How it ends if nobody comes, and what decided that.
    pub(crate) otherwise: Outcome,
    pub(crate) by: Decider,
}

/// One in whose place another one was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fenced {
    pub(crate) sid: String,
    pub(crate) identity: String,
}

/// How livekit-agents calls a job's participant: a name that no other job has. One that chose its name itself may give it to the
/// next one as well, and then LiveKit puts the earlier one out.
const OF_A_JOB: &str = "agent-";

/// Whether an interview that would end so may go on with another interviewer.
fn may_go_on(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Interrupted(
            InterruptedWhy::InterviewerLost
            | InterruptedWhy::InterviewerStoppedResponding
            | InterruptedWhy::InterviewerFailed,
        ) => true,
        Outcome::Interrupted(InterruptedWhy::Removed | InterruptedWhy::ClientFailed)
        | Outcome::Finished
        | Outcome::Ended(_)
        | Outcome::ConnectionLost
        | Outcome::NeverStarted
        | Outcome::EndedByCandidate => false,
    }
}

impl Session {
    /// Whether another interviewer took the place of this one, or is to: whatever it does counts for nothing.
    pub(crate) fn is_fenced(&self, sid: &str, identity: &str) -> bool {
        let of_a_job = identity.starts_with(OF_A_JOB);
        self.fenced.iter().any(|fenced| fenced.sid == sid || of_a_job && fenced.identity == identity)
    }

    /// Whether another interviewer would be asked for instead of such an end.
    fn goes_on_with_another(&self, outcome: Outcome) -> bool {
        // One that began to end it hands over to nobody.
        self.replacements_left > 0 && may_go_on(outcome) && !self.begun() && self.interviewer.is_some()
    }

    /// Asks for another interviewer instead of such an end, if that may be. Gives whether it did.
    pub(crate) fn asks_for_another(&mut self, outcome: Outcome, by: &Decider) -> bool {
        if !self.goes_on_with_another(outcome) {
            return false;
        }
        let at = self.fresh();
        let Some(i) = &mut self.interviewer else { return false };
        i.presence = Presence::Left { at, reason: LeaveReason::ConnectionTimeout, otherwise: Some(outcome) };
        i.audible = false;
        let (sid, identity) = (i.sid.clone(), i.identity.clone());
        self.roster.retain(|p| p.identity != identity);
        self.losses.clear();
        (self.quiet, self.replaced, self.restored, self.candidate.asked) = (false, None, None, None);
        self.replacements_left -= 1;
        self.replacement = Some(Replacement { at, refused: false, otherwise: outcome, by: by.clone() });
        self.fenced.push(Fenced { sid: sid.clone(), identity: identity.clone() });
        self.outputs.push_back(Output::Replace { sid, identity, otherwise: outcome });
        true
    }

    /// Nobody became ready in its place.
    pub(crate) fn nobody_replaces_it(&mut self) {
        if let Some(Replacement { otherwise, by, .. }) = self.replacement.take() {
            self.conclude(otherwise, by);
        }
    }

    /// Until when another one must be ready.
    pub(crate) fn pending_replacement(&self, push: &mut impl FnMut(Fresh, Rule)) {
        if let Some(replacement) = &self.replacement {
            let wait = if replacement.refused { 0 } else { self.policy.replacement_limit };
            push(replacement.at.after(wait), Rule::NoReplacement);
        }
    }

    /// Whether another interviewer would be asked for when this rule fires.
    pub(crate) fn leads_to_another(&self, rule: Rule) -> bool {
        let outcome = if rule == Rule::LeftSettled {
            self.settles_as().map(|(outcome, _)| outcome)
        } else {
            self.without_the_interviewer(rule)
        };
        outcome.is_some_and(|outcome| self.goes_on_with_another(outcome))
    }
}
