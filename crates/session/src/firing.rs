//! What each rule does when its time has come.

use crate::asking::Asked;
use crate::decider::Decider;
use crate::end_sign::EndSign;
use crate::interviewer::Presence;
use crate::link::Fresh;
use crate::presence::Missing;
use crate::rules::Rule;
use crate::{
    CloseReason, ConnectionState, Delivery, EndedWhy, EvidenceKind, InterruptedWhy, Outcome, Output, Phase,
    ProbeKind, Question, Session, Trouble,
};

impl Session {
    pub(crate) fn fire(&mut self, rule: Rule) {
        if let Some(outcome) = self.without_the_interviewer(rule)
            && self.handed_over(outcome)
        {
            return;
        }
        let lost = self.lost();
        match rule {
            Rule::JoinLimit => self.back_to_checking(Trouble::JoinUnanswered, true),
            Rule::ConnectLimit => self.back_to_checking(Trouble::RoomUnreachable, true),
            Rule::LinkStale => self.stop_clock(),
            Rule::LinkLost => self.decide(self.finished_or(Outcome::ConnectionLost), Decider::LinkLost),
            Rule::Redial => {
                self.link.state = ConnectionState::Connecting;
                self.outputs.push_back(Output::Connect);
            }
            Rule::WaitingNotice => self.waiting_long = true,
            Rule::NeverStarted => self.decide(self.nobody_came(), Decider::NeverStarted),
            Rule::NotReady => self.decide(self.finished_or(lost), Decider::NotReady),
            Rule::DataStalled => {
                self.restored = None;
                self.out(ConnectionState::Down);
                self.redial_at = self.now;
            }
            Rule::PingDue => self.probe(ProbeKind::Session),
            Rule::ProbeDue => self.probe(ProbeKind::Process),
            Rule::Quiet => self.quiet = true,
            Rule::ProcessLost => self.decide(self.finished_or(lost), Decider::ProcessLost),
            Rule::SessionFinished => self.decide(Outcome::Finished, Decider::SessionFinished),
            Rule::SessionSaidClosed => {
                // It closed: an end tool that began before is what closed it.
                let outcome = if self.begun() { Outcome::Finished } else { self.said_closed() };
                self.decide(outcome, Decider::SessionSaidClosed);
            }
            Rule::OfferEnd => self.ask(Question::Closed),
            Rule::ReportDue => {
                let now = self.fresh();
                if let Some(i) = &mut self.interviewer {
                    i.report_asked = Some(now);
                }
                self.outputs.push_back(Output::AskReport);
            }
            Rule::SessionClosed => self.decide(self.closed_unsaid(), Decider::SessionClosed),
            Rule::SessionBlocked => self.decide(self.blocked(), Decider::SessionBlocked),
            Rule::LeftSettled => self.settled(),
            Rule::NoReplacement => self.nobody_replaces_it(),
            Rule::RosterDue => {
                let now = self.fresh();
                if let Some(i) = &mut self.interviewer {
                    i.presence = Presence::Unsure { at: now };
                }
                self.outputs.push_back(Output::ReadRoster);
            }
            Rule::EvidenceExpires => {
                if let Some(i) = &mut self.interviewer {
                    (i.end, i.doubt) = (None, true);
                }
            }
            Rule::Ask => {
                if let Some((_, question)) = self.question(self.fresh()) {
                    self.ask(question);
                }
            }
            Rule::OverUnanswered => self.decide(Outcome::Finished, Decider::OverUnanswered),
            Rule::NoAnswer if self.interviewer_left() => self.settled(),
            Rule::NoAnswer => {
                self.decide(self.finished_or(Outcome::Ended(EndedWhy::NoAnswer)), Decider::NoAnswer);
            }
            Rule::NoProofOfLife => self.decide(self.finished_or(lost), Decider::NoProofOfLife),
            Rule::ReplacedRoom => match self.replaced.as_ref().map(|replaced| replaced.why) {
                Some(Missing::Asked) => self.not_back(None),
                Some(Missing::Expected) => self.not_back(Some(lost)),
                Some(Missing::AnotherRoom) | None => {
                    self.decide(self.finished_or(Outcome::ConnectionLost), Decider::ReplacedRoom);
                }
            },
            Rule::OrganiserLimit => self.room_closed(),
            Rule::TimeLimit if self.phase == Phase::Waiting => {
                self.decide(self.nobody_came(), Decider::TimeLimit)
            }
            Rule::TimeLimit if !self.over_for_all_that_is_known() && self.answer_owed() => {
                self.decide(Outcome::Ended(EndedWhy::TimeLimit), Decider::TimeLimit);
            }
            Rule::TimeLimit => {
                let at = self.now;
                if let Some(i) = self.interviewer.as_mut().filter(|i| !i.proved()) {
                    i.end = Some(EndSign::proof(EvidenceKind::TimeLimit, None, Fresh(0), at));
                }
                self.decide(Outcome::Finished, Decider::TimeLimit);
            }
            Rule::CommitLimit => self.complete(),
            Rule::DeliveryLimit => self.delivery = Delivery::Saved,
        }
    }

    fn ask(&mut self, question: Question) {
        self.candidate.asked = Some(Asked { question, at: self.fresh() });
    }

    /// How it ends by a rule that says that the interviewer goes on no more; `None` for every other rule.
    pub(crate) fn without_the_interviewer(&self, rule: Rule) -> Option<Outcome> {
        if matches!(rule, Rule::NotReady | Rule::ProcessLost | Rule::NoProofOfLife) {
            Some(self.lost())
        } else if rule == Rule::SessionSaidClosed {
            Some(self.said_closed())
        } else if rule == Rule::SessionClosed {
            Some(self.closed_unsaid())
        } else {
            (rule == Rule::SessionBlocked).then(|| self.blocked())
        }
    }

    /// Its session answers no more although its process lives. One that began to end it closed it.
    fn blocked(&self) -> Outcome {
        if self.begun() {
            Outcome::Ended(EndedWhy::SessionClosed)
        } else {
            Outcome::Interrupted(InterruptedWhy::InterviewerStoppedResponding)
        }
    }

    /// The interviewer's session closed, and nobody said why.
    fn closed_unsaid(&self) -> Outcome {
        if self.interviewer.as_ref().is_some_and(|i| i.failed) {
            Outcome::Interrupted(InterruptedWhy::InterviewerFailed)
        } else {
            Outcome::Ended(EndedWhy::SessionClosed)
        }
    }

    /// The interviewer's session said that it closed, and why.
    fn said_closed(&self) -> Outcome {
        if self.phase == Phase::Waiting {
            return self.nobody_came();
        }
        match self.interviewer.as_ref().and_then(|i| i.closed) {
            Some((CloseReason::Error, _)) => Outcome::Interrupted(InterruptedWhy::InterviewerFailed),
            Some((
                CloseReason::Unknown
                | CloseReason::JobShutdown
                | CloseReason::ParticipantDisconnected
                | CloseReason::UserInitiated
                | CloseReason::Completed,
                _,
            ))
            | None => Outcome::Ended(EndedWhy::SessionClosed),
        }
    }
}
