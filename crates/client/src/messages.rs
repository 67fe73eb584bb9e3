//! Which sentences tell what is true: of an end, a question, a delivery, of what goes on. Pure.

use adjourn_session::{
    Decider, EndedWhy, Ending, EvidenceKind, InterruptedWhy, Outcome, Question, Time, View,
};

use crate::fate::Fate;
use crate::message::Message;
use crate::presence::seconds_left;
use crate::snapshot::{Asking, RecordState};

/// What is left to do after an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Nothing,
    /// The organiser says how it goes on.
    Organiser,
    /// Another try.
    TryAgain,
    /// It goes on somewhere else.
    Elsewhere,
}

/// Heading, reason and what happens next, for an ending. `turned_away`: the interview room's servers were reached at last,
/// and let nobody in.
pub(crate) fn ending(ending: &Ending, turned_away: bool) -> (Message, Message, Next) {
    let (headline, reason, next) = by_outcome(ending.outcome);
    let full_time = ending.evidence.as_ref().is_some_and(|evidence| evidence.kind == EvidenceKind::TimeLimit);
    let reason = match ending.outcome {
        Outcome::Finished if full_time => Message::BecauseFullTime,
        Outcome::ConnectionLost if ending.decided_by == Decider::ReplacedRoom => {
            Message::BecauseRoomRestarted
        }
        Outcome::ConnectionLost if turned_away => Message::BecauseTurnedAway,
        Outcome::Finished
        | Outcome::Ended(_)
        | Outcome::Interrupted(_)
        | Outcome::ConnectionLost
        | Outcome::NeverStarted
        | Outcome::EndedByCandidate => reason,
    };
    (headline, reason, next)
}

fn by_outcome(outcome: Outcome) -> (Message, Message, Next) {
    use Message as M;
    match outcome {
        Outcome::Finished => (M::EndFinished, M::BecauseFinished, Next::Nothing),
        Outcome::EndedByCandidate => (M::EndByYou, M::BecauseOfYou, Next::Nothing),
        Outcome::NeverStarted => (M::EndNeverStarted, M::BecauseNobodyCame, Next::TryAgain),
        Outcome::ConnectionLost => (M::EndConnectionLost, M::BecauseConnectionLost, Next::Organiser),
        Outcome::Ended(why) => match why {
            EndedWhy::SessionClosed => (M::EndEnded, M::BecauseSessionClosed, Next::Nothing),
            EndedWhy::InterviewerLeft => (M::EndEnded, M::BecauseInterviewerLeft, Next::Nothing),
            EndedWhy::RoomClosed => (M::EndEnded, M::BecauseRoomClosed, Next::Nothing),
            EndedWhy::ClosedByOrganiser => (M::EndClosed, M::BecauseOrganiserClosed, Next::Nothing),
            EndedWhy::ContinuedElsewhere => (M::EndElsewhere, M::BecauseElsewhere, Next::Elsewhere),
            EndedWhy::NoAnswer => (M::EndEnded, M::BecauseNoAnswer, Next::Organiser),
            EndedWhy::TimeLimit => (M::EndTimeOver, M::BecauseTimeLimit, Next::Organiser),
            EndedWhy::BySystem => (M::EndEnded, M::BecauseClosedHere, Next::Organiser),
        },
        Outcome::Interrupted(why) => {
            let reason = match why {
                InterruptedWhy::InterviewerLost => M::BecauseInterviewerLost,
                InterruptedWhy::InterviewerStoppedResponding => M::BecauseInterviewerSilent,
                InterruptedWhy::InterviewerFailed => M::BecauseInterviewerFailed,
                InterruptedWhy::Removed => M::BecauseRemoved,
                InterruptedWhy::ClientFailed => M::BecausePartFailed,
            };
            (M::EndInterrupted, reason, Next::Organiser)
        }
    }
}

/// What happens next. An organiser can't see what has not arrived, and until it has, there may be something left to do.
pub(crate) fn next(next: Next, fate: &Fate) -> Option<Message> {
    let arrived = fate.state == RecordState::Received;
    match next {
        Next::Nothing => arrived.then_some(Message::NextNothing),
        Next::Organiser if arrived => Some(Message::NextOrganiser),
        Next::Organiser => Some(Message::NextAskOrganiser),
        Next::TryAgain => Some(Message::NextTryAgain),
        Next::Elsewhere => Some(Message::NextElsewhere),
    }
}

/// What a decision rests on, and when that was, latest first.
pub(crate) fn signs(ending: &Ending) -> Vec<(Message, Time)> {
    let evidence = ending.evidence.as_ref().map(|evidence| {
        let what = match &evidence.kind {
            EvidenceKind::EndTool(_) => Message::SignEndTool,
            EvidenceKind::EndToolBegan(_) => Message::SignEndToolBegan,
            EvidenceKind::SessionCompleted => Message::SignTaskDone,
            EvidenceKind::Report => Message::SignReport,
            EvidenceKind::EndMarker => Message::SignEndMarker,
            EvidenceKind::Organiser => Message::SignOrganiser,
            EvidenceKind::TimeLimit => Message::SignFullTime,
        };
        (what, evidence.at)
    });
    let others = [
        (Message::SignSessionAnswered, ending.last_pong),
        (Message::SignProgramAnswered, ending.last_process_answer),
        (Message::SignReceived, ending.last_received),
    ];
    let others = others.into_iter().filter_map(|(what, at)| Some((what, at?)));
    let mut signs: Vec<(Message, Time)> = evidence.into_iter().chain(others).collect();
    signs.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    signs
}

/// What the candidate is asked.
pub(crate) fn asking(question: Question, view: &View, now: Time) -> Asking {
    let (question, explanation, go_on) = match question {
        Question::Silent => (Message::AskGoingOn, Message::WhyAskedSilent, Message::AnswerKeepWaiting),
        Question::Over => (Message::AskOver, Message::WhyAskedOver, Message::AnswerGoingOn),
        Question::Closed => (Message::AskOver, Message::WhyAskedClosed, Message::AnswerKeepWaiting),
        Question::Person => {
            let who = view.person.clone().map(|person| Message::WhyAskedPerson { person });
            (Message::AskGoingOn, who.unwrap_or(Message::WhyAskedSomebody), Message::AnswerGoingOn)
        }
    };
    Asking { question, explanation, go_on, seconds_left: seconds_left(view, now) }
}
