//! What the interviewer did towards an end: how strong it is, and what became of it since.

use crate::link::Fresh;
use crate::{Evidence, EvidenceKind, Policy, Time};

/// How much it proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Strength {
    /// It is over: an end tool succeeded, an end marker arrived.
    Proof,
    /// An end tool is running. With the session's close, the agent's own leave or a deleted room it is a proof.
    Running,
    /// An end tool failed. The same, if the session goes no further.
    Failed,
    /// An end tool succeeded, and another tool came after it: "end, save the notes, say goodbye", or a talk that goes on. It
    /// counts with the agent's own leave, a deleted room or what the session itself says, not with mere silence.
    Overtaken,
}

/// What the candidate said to it, and what the interviewer made of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Contest {
    /// Nothing.
    None,
    /// The candidate said something after it: perhaps goodbye, perhaps a question.
    Said,
    /// And then the interviewer began a turn: if it says something, the talk goes on.
    TurnBegan,
    /// The candidate was asked, and pressed that it goes on: if the interviewer says something, it does.
    Denied,
}

/// A sign that the interview is over.
#[derive(Clone, Debug)]
pub(crate) struct EndSign {
    pub(crate) evidence: Evidence,
    pub(crate) since: Fresh,
    /// When it was last told of: a success is told when it happens, and once more with the turn that it belongs to.
    pub(crate) told: Fresh,
    pub(crate) strength: Strength,
    pub(crate) contest: Contest,
    /// The end tool's call; none of a marker.
    pub(crate) call_id: Option<String>,
    /// What the interviewer said since, to one more than [`EndSign::goodbyes`].
    pub(crate) turns: u8,
}

impl EndSign {
    pub(crate) fn proof(kind: EvidenceKind, call_id: Option<String>, now: Fresh, at: Time) -> Self {
        Self {
            evidence: Evidence { kind, at },
            since: now,
            told: now,
            strength: Strength::Proof,
            contest: Contest::None,
            call_id,
            turns: 0,
        }
    }

    pub(crate) fn end_tool(name: String, call_id: &str, now: Fresh, at: Time, strength: Strength) -> Self {
        let kind = match strength {
            Strength::Proof => EvidenceKind::EndTool(name),
            Strength::Running | Strength::Failed | Strength::Overtaken => EvidenceKind::EndToolBegan(name),
        };
        Self { strength, ..Self::proof(kind, Some(call_id.to_owned()), now, at) }
    }

    /// Whether it is evidence by itself.
    pub(crate) fn proves(&self) -> bool {
        self.strength == Strength::Proof
    }

    /// Whether it is evidence, and nothing was begun since that may take it back.
    pub(crate) fn stands(&self) -> bool {
        self.proves() && matches!(self.contest, Contest::None | Contest::Said)
    }

    /// Words of the candidate are told. Those that are told right after it were said before it: hearing the end of a turn, answering it
    /// and understanding that takes longer.
    pub(crate) fn contested(&mut self, now: Fresh, answer_after: u64) {
        let said_after = now.since(self.told) >= answer_after;
        if self.contest == Contest::None && said_after {
            self.contest = Contest::Said;
        }
    }

    /// The interviewer began to think or to speak.
    pub(crate) fn turn_began(&mut self) {
        if self.contest == Contest::Said {
            self.contest = Contest::TurnBegan;
        }
    }

    /// So many turns of the interviewer after it may be a goodbye. An end tool that failed is followed by its own
    /// goodbye, and by what the model says to the failure; one that succeeded may say its goodbye in three pieces.
    /// More is a talk that goes on, also where a session tells nothing of what it hears of the candidate.
    fn goodbyes(&self) -> u8 {
        match self.strength {
            Strength::Failed => 2,
            Strength::Proof | Strength::Running | Strength::Overtaken => 3,
        }
    }

    /// It used another tool: whether nothing is left of what it did towards an end.
    pub(crate) fn overtaken_by_a_tool(&mut self) -> bool {
        match self.strength {
            // Beside it.
            Strength::Running => false,
            Strength::Failed => true,
            // For what the candidate said to it.
            Strength::Proof | Strength::Overtaken if self.contest != Contest::None => true,
            Strength::Proof | Strength::Overtaken => {
                self.strength = Strength::Overtaken;
                false
            }
        }
    }

    /// The interviewer said something: whether the talk goes on. Its goodbye, spoken while the candidate says theirs
    /// or after the end tool, is none of that.
    pub(crate) fn goes_on(&mut self) -> bool {
        self.turns = self.turns.saturating_add(1).min(self.goodbyes() + 1);
        // A tool that runs may say whatever it likes.
        let talks_on = self.strength != Strength::Running && self.turns > self.goodbyes();
        talks_on || matches!(self.contest, Contest::TurnBegan | Contest::Denied)
    }

    /// Whether the turn that seems to take it back may have been its goodbye: the candidate's words that it seemed to answer
    /// were perhaps said before the tool, and told after it.
    pub(crate) fn may_have_been_its_goodbye(&self) -> bool {
        self.proves() && self.contest == Contest::TurnBegan && self.turns <= self.goodbyes()
    }

    /// The candidate pressed that it goes on.
    pub(crate) fn denied(&mut self) {
        self.contest = Contest::Denied;
    }

    /// Milliseconds of silence, with pongs that go on, after which an end tool that failed says nothing any more. What
    /// was said after its failure may be the next question: then it is over at once or not at all.
    pub(crate) fn expires_after(&self, p: &Policy) -> u64 {
        if self.turns > 0 { p.leave_settling } else { p.evidence_expiry }
    }

    /// Milliseconds without a pong, over a channel that works, after which the session counts as closed, if silence says
    /// that at all.
    pub(crate) fn confirmed_after(&self, p: &Policy) -> Option<u64> {
        match (self.contest, self.strength) {
            (_, Strength::Overtaken) => None,
            // A tool that runs may block; so may a turn that was begun.
            (Contest::TurnBegan, _) | (_, Strength::Running) => Some(p.session_blocked),
            (Contest::Said | Contest::Denied, Strength::Proof | Strength::Failed) => Some(p.session_closed),
            (Contest::None, Strength::Proof) => Some(p.session_finished),
            (Contest::None, Strength::Failed) => Some(p.session_suspect),
        }
    }
}
