//! What each rule does when its time has come.

use crate::asking::Asked;
use crate::end_sign::EndSign;
use crate::interviewer::Presence;
use crate::link::Fresh;
use crate::rules::Rule;
use crate::{
    CloseReason, Delivery, EndedWhy, EvidenceKind, InterruptedWhy, Link, Outcome, Output, Phase, ProbeKind,
    Question, Session,
};

impl Session {
    pub(crate) fn fire(&mut self, rule: Rule) {
        let lost = self.lost();
        let about_the_interviewer = matches!(
            rule,
            Rule::NotReady
                | Rule::ProcessLost
                | Rule::SessionSaidClosed
                | Rule::SessionClosed
                | Rule::SessionBlocked
                | Rule::NoProofOfLife
        );
        if about_the_interviewer && self.handed_over() {
            return;
        }
        match rule {
            Rule::JoinLimit => self.back_to_checking(
                "The interview's server does not answer. Check your internet connection and try again."
                    .to_owned(),
                true,
            ),
            Rule::ConnectLimit => self.back_to_checking(
                "The interview room does not answer. Check your internet connection and try again."
                    .to_owned(),
                true,
            ),
            Rule::LinkStale => self.stop_clock(),
            Rule::LinkLost => self.decide(self.finished_or(Outcome::ConnectionLost), "link_lost"),
            Rule::Redial => {
                self.link.state = Link::Connecting;
                self.outputs.push_back(Output::Connect);
            }
            Rule::WaitingNotice => self.waiting_long = true,
            Rule::NeverStarted => self.decide(Outcome::NeverStarted, "never_started"),
            Rule::NotReady => self.decide(self.finished_or(lost), "not_ready"),
            Rule::PingDue => self.probe(ProbeKind::Session),
            Rule::ProbeDue => self.probe(ProbeKind::Process),
            Rule::Quiet => self.quiet = true,
            Rule::ProcessLost => self.decide(self.finished_or(lost), "process_lost"),
            Rule::SessionFinished => self.decide(Outcome::Finished, "session_finished"),
            Rule::SessionSaidClosed => self.said_closed(),
            Rule::OfferEnd => self.ask(Question::Closed),
            Rule::ReportDue => {
                let now = self.fresh();
                if let Some(i) = &mut self.interviewer {
                    i.report_asked = Some(now);
                }
                self.outputs.push_back(Output::AskReport);
            }
            Rule::SessionClosed => {
                let failed = self.interviewer.as_ref().is_some_and(|i| i.failed);
                let outcome = if failed {
                    Outcome::Interrupted(InterruptedWhy::InterviewerFailed)
                } else {
                    Outcome::Ended(EndedWhy::SessionClosed)
                };
                self.decide(outcome, "session_closed");
            }
            Rule::SessionBlocked => self.decide(
                Outcome::Interrupted(InterruptedWhy::InterviewerStoppedResponding),
                "session_blocked",
            ),
            Rule::LeftSettled => self.settled(),
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
            Rule::OverUnanswered => self.decide(Outcome::Finished, "over_unanswered"),
            Rule::NoAnswer if self.interviewer_left() => self.settled(),
            Rule::NoAnswer => {
                self.decide(self.finished_or(Outcome::Ended(EndedWhy::NoAnswer)), "no_answer");
            }
            Rule::NoProofOfLife => self.decide(self.finished_or(lost), "no_proof_of_life"),
            Rule::ReplacedRoom => self.decide(self.finished_or(Outcome::ConnectionLost), "replaced_room"),
            Rule::OrganiserLimit => self.room_closed(),
            Rule::TimeLimit if self.phase == Phase::Waiting => {
                self.decide(Outcome::NeverStarted, "time_limit")
            }
            Rule::TimeLimit if !self.proved() && self.answer_owed() => {
                self.decide(Outcome::Ended(EndedWhy::TimeLimit), "time_limit");
            }
            Rule::TimeLimit => {
                let at = self.now;
                if let Some(i) = self.interviewer.as_mut().filter(|i| !i.proved()) {
                    i.end = Some(EndSign::proof(EvidenceKind::TimeLimit, None, Fresh(0), at));
                }
                self.decide(Outcome::Finished, "time_limit");
            }
            Rule::CommitLimit => self.complete(),
            Rule::DeliveryLimit => self.delivery = Delivery::Saved,
        }
    }

    fn ask(&mut self, question: Question) {
        self.candidate.asked = Some(Asked { question, at: self.fresh() });
    }

    /// The interviewer's session said that it closed, and why.
    fn said_closed(&mut self) {
        let Some((reason, _)) = self.interviewer.as_ref().and_then(|i| i.closed) else { return };
        let otherwise = match reason {
            _ if self.phase == Phase::Waiting => Outcome::NeverStarted,
            CloseReason::Error => Outcome::Interrupted(InterruptedWhy::InterviewerFailed),
            CloseReason::Unknown
            | CloseReason::JobShutdown
            | CloseReason::ParticipantDisconnected
            | CloseReason::UserInitiated
            | CloseReason::Completed => Outcome::Ended(EndedWhy::SessionClosed),
        };
        // It closed: an end tool that began before is what closed it.
        let outcome = if self.begun() { Outcome::Finished } else { otherwise };
        self.decide(outcome, "session_said_closed");
    }
}
