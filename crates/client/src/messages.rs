//! Which sentences tell what is true: of an end, a question, a delivery, of what goes on. Pure.

use adjourn_session::{
    ConnectionState, Decider, Delivery, EndedWhy, Ending, EvidenceKind, InterruptedWhy, Outcome, Phase,
    Question, Time, View,
};

use crate::message::Message;
use crate::snapshot::{Asking, InterviewerState, RecordState};

/// Heading, reason and what happens next, for an ending. `turned_away`: the interview room's servers were reached at last,
/// and let nobody in.
pub(crate) fn ending(ending: &Ending, turned_away: bool) -> (Message, Message, Message) {
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

fn by_outcome(outcome: Outcome) -> (Message, Message, Message) {
    use Message as M;
    match outcome {
        Outcome::Finished => (M::EndFinished, M::BecauseFinished, M::NextNothing),
        Outcome::EndedByCandidate => (M::EndByYou, M::BecauseOfYou, M::NextNothing),
        Outcome::NeverStarted => (M::EndNeverStarted, M::BecauseNobodyCame, M::NextTryAgain),
        Outcome::ConnectionLost => (M::EndConnectionLost, M::BecauseConnectionLost, M::NextOrganiser),
        Outcome::Ended(why) => match why {
            EndedWhy::SessionClosed => (M::EndEnded, M::BecauseSessionClosed, M::NextNothing),
            EndedWhy::InterviewerLeft => (M::EndEnded, M::BecauseInterviewerLeft, M::NextNothing),
            EndedWhy::RoomClosed => (M::EndEnded, M::BecauseRoomClosed, M::NextNothing),
            EndedWhy::ClosedByOrganiser => (M::EndClosed, M::BecauseOrganiserClosed, M::NextNothing),
            EndedWhy::ContinuedElsewhere => (M::EndElsewhere, M::BecauseElsewhere, M::NextElsewhere),
            EndedWhy::NoAnswer => (M::EndEnded, M::BecauseNoAnswer, M::NextOrganiser),
            EndedWhy::TimeLimit => (M::EndTimeOver, M::BecauseTimeLimit, M::NextOrganiser),
            EndedWhy::BySystem => (M::EndEnded, M::BecauseClosedHere, M::NextOrganiser),
        },
        Outcome::Interrupted(why) => {
            let reason = match why {
                InterruptedWhy::InterviewerLost => M::BecauseInterviewerLost,
                InterruptedWhy::InterviewerStoppedResponding => M::BecauseInterviewerSilent,
                InterruptedWhy::InterviewerFailed => M::BecauseInterviewerFailed,
                InterruptedWhy::Removed => M::BecauseRemoved,
                InterruptedWhy::ClientFailed => M::BecausePartFailed,
            };
            (M::EndInterrupted, reason, M::NextOrganiser)
        }
    }
}

/// What happens next, of how it ended and of where the record is: nobody is told to close a window that holds the only
/// copy.
pub(crate) fn next(by_outcome: Message, delivery: &Delivery) -> Message {
    match delivery {
        Delivery::Received { .. } => by_outcome,
        Delivery::Saving | Delivery::Sending => Message::NextWait,
        Delivery::Saved => Message::NextOpenAgain,
        Delivery::Parked => Message::NextSaveCopy,
        Delivery::Unsaved => Message::NextLeaveOpen,
        Delivery::Refused => Message::NextOnlyCopy,
    }
}

/// What a decision rests on, and when that was, latest first.
pub(crate) fn signs(ending: &Ending) -> Vec<(Message, Time)> {
    let evidence = ending.evidence.as_ref().map(|evidence| {
        let what = match &evidence.kind {
            EvidenceKind::EndTool(tool) => Message::SignEndTool { tool: tool.clone() },
            EvidenceKind::EndToolBegan(tool) => Message::SignEndToolBegan { tool: tool.clone() },
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

/// Where the record is, and the sentence that says so.
pub(crate) fn delivery(delivery: &Delivery) -> (RecordState, Message) {
    match delivery {
        Delivery::Saving => (RecordState::Saving, Message::DeliverySaving),
        Delivery::Sending => (RecordState::Sending, Message::DeliverySending),
        Delivery::Saved => (RecordState::Saved, Message::DeliverySaved),
        Delivery::Parked => (RecordState::Parked, Message::DeliveryParked),
        Delivery::Unsaved => (RecordState::Unsaved, Message::DeliveryUnsaved),
        Delivery::Refused => (RecordState::Refused, Message::DeliveryRefused),
        Delivery::Received { .. } => (RecordState::Received, Message::DeliveryReceived),
    }
}

/// What the candidate is asked.
pub(crate) fn asking(question: Question, person: Option<&str>) -> Asking {
    let (question, explanation, go_on) = match question {
        Question::Silent => (Message::AskGoingOn, Message::WhyAskedSilent, Message::AnswerKeepWaiting),
        Question::Over => (Message::AskOver, Message::WhyAskedOver, Message::AnswerGoingOn),
        Question::Closed => (Message::AskOver, Message::WhyAskedClosed, Message::AnswerKeepWaiting),
        Question::Person => {
            let who = person.map(|person| Message::WhyAskedPerson { person: person.to_owned() });
            (Message::AskGoingOn, who.unwrap_or(Message::WhyAskedSomebody), Message::AnswerGoingOn)
        }
    };
    Asking { question, explanation, go_on }
}

/// One line about what goes on. `not_heard`, `hears_nothing`: why nobody hears the candidate, and why they hear nobody.
pub(crate) fn status(
    view: &View,
    interviewer: InterviewerState,
    not_heard: Option<Message>,
    hears_nothing: Option<Message>,
) -> Message {
    match (view.link, view.link_fresh) {
        (ConnectionState::Up, true) => {}
        (ConnectionState::Idle | ConnectionState::Connecting, _) if view.phase == Phase::Joining => {
            return Message::Connecting;
        }
        (
            ConnectionState::Idle
            | ConnectionState::Connecting
            | ConnectionState::Up
            | ConnectionState::Resuming
            | ConnectionState::Down,
            _,
        ) => {
            return Message::Reconnecting;
        }
    }
    if let Some(person) = &view.person {
        return Message::PersonTookOver { person: person.clone() };
    }
    match interviewer {
        InterviewerState::Absent if view.waiting_long => Message::LongWait,
        InterviewerState::Absent => hears_nothing.unwrap_or(Message::InterviewerSoon),
        InterviewerState::Checking => Message::CheckingOnInterviewer,
        InterviewerState::Gone => Message::InterviewerGone,
        InterviewerState::Listening => not_heard.or(hears_nothing).unwrap_or(Message::Listening),
        InterviewerState::Thinking => Message::Thinking,
        InterviewerState::Speaking => hears_nothing.unwrap_or(Message::Speaking),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_close_the_window_that_holds_the_only_copy() {
        let next = |delivery| next(Message::NextNothing, &delivery);
        for unsafe_still in [Delivery::Saving, Delivery::Sending, Delivery::Unsaved, Delivery::Refused] {
            assert!(
                matches!(
                    next(unsafe_still.clone()),
                    Message::NextWait | Message::NextLeaveOpen | Message::NextOnlyCopy
                ),
                "{unsafe_still:?}"
            );
        }
        assert_eq!(next(Delivery::Received { receipt: "R".into() }), Message::NextNothing);
        assert_eq!(next(Delivery::Parked), Message::NextSaveCopy);
    }
}
