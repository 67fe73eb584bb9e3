//! Every text that a candidate reads from the client, in one place: calm, plain, specific.

use adjourn_session::{
    Delivery, EndedWhy, Ending, EvidenceKind, InterruptedWhy, Link, Outcome, Phase, PolicyError, Question,
    Time, View,
};

use crate::snapshot::{Asking, InterviewerState};

/// Heading, reason and what happens next, for an ending. `turned_away`: the interview room's servers were reached at last,
/// and let nobody in.
pub fn ending(ending: &Ending, turned_away: bool) -> (&'static str, &'static str, &'static str) {
    let (headline, reason, next) = by_outcome(ending.outcome);
    let time_limit =
        ending.evidence.as_ref().is_some_and(|evidence| evidence.kind == EvidenceKind::TimeLimit);
    match ending.outcome {
        Outcome::Finished if time_limit => (headline, "The interview's full time was used.", next),
        Outcome::ConnectionLost if ending.decided_by == "replaced_room" => {
            (headline, "The interview room was restarted, and your interviewer did not come back.", next)
        }
        Outcome::ConnectionLost if turned_away => (
            headline,
            "The organiser's servers stopped working properly: your computer reached them, and they did not let it into the interview room again. It was not your computer or your internet connection.",
            next,
        ),
        Outcome::Finished
        | Outcome::Ended(_)
        | Outcome::Interrupted(_)
        | Outcome::ConnectionLost
        | Outcome::NeverStarted
        | Outcome::EndedByCandidate => (headline, reason, next),
    }
}

fn by_outcome(outcome: Outcome) -> (&'static str, &'static str, &'static str) {
    const NEXT: &str = "You don't have to do anything else. You can close this window.";
    const ORGANISER: &str = "What was said so far is kept. The organiser can see what happened and will tell you how it goes on; quote your receipt number when you ask.";
    match outcome {
        Outcome::Finished => ("Your interview is complete", "The interviewer ended the interview.", NEXT),
        Outcome::EndedByCandidate => ("You ended the interview", "You chose to end the interview.", NEXT),
        Outcome::NeverStarted => (
            "The interview did not start",
            "No interviewer was available.",
            "This was not your fault. Your link stays valid: open it again to try once more, or ask the organiser for another time.",
        ),
        Outcome::ConnectionLost => (
            "The connection was lost",
            "Your computer lost the connection to the interview room, and it did not come back.",
            ORGANISER,
        ),
        Outcome::Ended(why) => match why {
            EndedWhy::SessionClosed => {
                ("The interview has ended", "The interviewer closed the interview.", NEXT)
            }
            EndedWhy::InterviewerLeft => ("The interview has ended", "The interviewer left the room.", NEXT),
            EndedWhy::RoomClosed => ("The interview has ended", "The interview room was closed.", NEXT),
            EndedWhy::ClosedByOrganiser => {
                ("The interview was closed", "The organiser closed the interview.", NEXT)
            }
            EndedWhy::ContinuedElsewhere => (
                "The interview continues elsewhere",
                "Your interview was opened again somewhere else: on another computer, or in another window.",
                "Go on there. What was said here is kept. This window can be closed.",
            ),
            EndedWhy::NoAnswer => {
                ("The interview has ended", "Nothing was said for several minutes.", ORGANISER)
            }
            EndedWhy::TimeLimit => (
                "The interview's time is over",
                "The time was used up while you were waiting for the interviewer.",
                ORGANISER,
            ),
            EndedWhy::BySystem => ("The interview has ended", "Adjourn was closed.", ORGANISER),
        },
        Outcome::Interrupted(why) => match why {
            InterruptedWhy::InterviewerLost => {
                ("The interview was interrupted", "The connection to the interviewer was lost.", ORGANISER)
            }
            InterruptedWhy::InterviewerStoppedResponding => {
                ("The interview was interrupted", "The interviewer stopped responding.", ORGANISER)
            }
            InterruptedWhy::InterviewerFailed => {
                ("The interview was interrupted", "The interviewer had a technical problem.", ORGANISER)
            }
            InterruptedWhy::Removed => {
                ("The interview was interrupted", "You were removed from the interview room.", ORGANISER)
            }
            InterruptedWhy::ClientFailed => {
                ("The interview was interrupted", "This application had a technical problem.", ORGANISER)
            }
        },
    }
}

/// What happens next, of how it ended and of where the record is: nobody is told to close a window that holds the only
/// copy.
pub fn next(by_outcome: &str, delivery: &Delivery) -> String {
    let by_delivery = match delivery {
        Delivery::Received { .. } => return by_outcome.to_owned(),
        Delivery::Saving | Delivery::Sending => {
            "Please leave this window open for a moment, until your interview has been sent."
        }
        Delivery::Saved => {
            "You can close this window. Please open Adjourn again on this computer when it is connected to the internet, so that your interview can be sent."
        }
        Delivery::Parked => {
            "Please save a copy and send it to the organiser. Your interview also stays on this computer."
        }
        Delivery::Unsaved => "Please leave this window open until your interview has been sent.",
        Delivery::Refused => {
            "Please save a copy for the organiser before you close this window: it holds the only one."
        }
    };
    by_delivery.to_owned()
}

/// The interviewer's report knows more than we did.
pub const CONFIRMED: &str = "The interviewer's own report is in, and confirms: the interview was finished.";

/// What a decision rests on, and when that was, latest first.
pub fn signs(ending: &Ending) -> Vec<(String, Time)> {
    let evidence = ending.evidence.as_ref().map(|evidence| {
        let what = match &evidence.kind {
            EvidenceKind::EndTool(name) => format!("The interviewer ended the interview ({name})"),
            EvidenceKind::EndToolBegan(name) => {
                format!("The interviewer began to end the interview ({name})")
            }
            EvidenceKind::SessionCompleted => "The interviewer said that its task is done".to_owned(),
            EvidenceKind::Report => {
                "The interviewer's report says that the interview was finished".to_owned()
            }
            EvidenceKind::EndMarker => "The interviewer said that the interview is over".to_owned(),
            EvidenceKind::Organiser => "The organiser ended the interview".to_owned(),
            EvidenceKind::TimeLimit => "The interview's full time was used".to_owned(),
        };
        (what, evidence.at)
    });
    let others = [
        ("Last answer of the interviewer's session", ending.last_pong),
        ("Last answer of the interviewer's program", ending.last_process_answer),
        ("Last received from the interview room", ending.last_received),
    ];
    let others = others.into_iter().filter_map(|(what, at)| at.map(|at| (what.to_owned(), at)));
    let mut signs: Vec<(String, Time)> = evidence.into_iter().chain(others).collect();
    signs.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    signs
}

/// Name and text of where the record is.
pub fn delivery(delivery: &Delivery) -> (&'static str, &'static str) {
    match delivery {
        Delivery::Saving => ("saving", "Saving your interview…"),
        Delivery::Sending => ("sending", "Sending your interview…"),
        Delivery::Saved => (
            "saved",
            "Your interview is saved on this computer. It will be sent as soon as the server can be reached, also when you open Adjourn next time.",
        ),
        Delivery::Parked => (
            "parked",
            "Your interview is saved on this computer, but the server did not accept it. Please tell the organiser.",
        ),
        Delivery::Unsaved => (
            "unsaved",
            "This computer's disk did not take your interview. Please leave this window open until it is sent.",
        ),
        Delivery::Refused => (
            "refused",
            "The server did not accept your interview, and this computer's disk did not take it. Please save a copy for the organiser before you close this window.",
        ),
        Delivery::Received { .. } => ("received", "Your interview has been received."),
    }
}

/// What the candidate is asked.
pub fn asking(question: Question, person: Option<&str>) -> Asking {
    let texts = |question: &str, explanation: &str, go_on: &str| Asking {
        question: question.to_owned(),
        explanation: explanation.to_owned(),
        go_on: go_on.to_owned(),
    };
    match question {
        Question::Silent => texts(
            "Is your interview still going on?",
            "The interviewer has not said anything for a while. You can keep waiting, or end the interview; what was said so far is kept.",
            "Keep waiting",
        ),
        Question::Over => texts(
            "Is your interview over?",
            "The interviewer seems to have ended the interview. If it is over, you need not do anything.",
            "It is still going on",
        ),
        Question::Closed => texts(
            "Is your interview over?",
            "The interviewer is connected but does not answer. It may have ended the interview, or need a moment. If it is over, you need not do anything.",
            "Keep waiting",
        ),
        Question::Person => texts(
            "Is your interview still going on?",
            &format!("The interviewer has stopped. {} is in the room.", person.unwrap_or("Somebody else")),
            "It is still going on",
        ),
    }
}

/// One line about what goes on.
pub fn status(view: &View, interviewer: InterviewerState, muted: bool, microphone_silent: bool) -> String {
    match (view.link, view.link_fresh) {
        (Link::Up, true) => {}
        (Link::Idle | Link::Connecting, _) if view.phase == Phase::Joining => {
            return "Connecting to the interview room…".to_owned();
        }
        (Link::Idle | Link::Connecting | Link::Up | Link::Resuming | Link::Down, _) => {
            return "Your connection is interrupted. Reconnecting…".to_owned();
        }
    }
    if let Some(person) = &view.person {
        return format!("The interviewer has stopped. {person} is in the room.");
    }
    let text = match interviewer {
        InterviewerState::Absent if view.waiting_long => {
            "This takes longer than usual. You can go on waiting, or leave and try again later."
        }
        InterviewerState::Absent => "Your interviewer will be here in a moment.",
        InterviewerState::Checking => "Checking on the interviewer…",
        InterviewerState::Gone => "The interviewer left. Waiting a moment in case they come back…",
        InterviewerState::Listening if muted => "Your microphone is muted.",
        InterviewerState::Listening if microphone_silent => {
            "Your microphone gives no sound. Please check that it is connected and switched on."
        }
        InterviewerState::Listening => "The interviewer is listening. Please speak.",
        InterviewerState::Thinking => "The interviewer is thinking.",
        InterviewerState::Speaking => "The interviewer is speaking.",
    };
    text.to_owned()
}

/// Whether what the SDK says of a room that could not be entered is a server's answer, as opposed to none.
pub fn turns_away(said: &str) -> bool {
    // A 4xx may be a proxy's of the candidate's own network.
    said.contains("server error: 5")
}

/// What to tell a person of what the SDK said when the room could not be entered. LiveKit gives no codes,
/// only texts; each was seen with livekit-server 1.13.5 (rows `bad-join:*`, `max-participants`).
pub fn no_room(said: &str) -> String {
    const SEEN: &[(&str, &str)] = &[
        (
            // LiveKit's own words for a room that was deleted or never made.
            "requested room does not exist",
            "The interview room is not open; ask the organiser whether the interview is still planned.",
        ),
        (
            "client error: 404",
            "There is no interview room at the address that the organiser's server gave; this is a mistake of the organiser's servers, so please tell the organiser.",
        ),
        (
            "transport closed",
            "The interview room's server closed the connection while you were joining; try again in a minute.",
        ),
        (
            "token is expired",
            "Your admission to the interview room has run out; try again, and you get a new one.",
        ),
        (
            "not valid yet",
            "The interview room does not let you in yet, because the organiser's servers disagree about the time; try again in a minute.",
        ),
        (
            "client error: 401",
            "The interview room does not accept your admission; this is a mistake of the organiser's servers, so please tell the organiser.",
        ),
        (
            // A full room too: the SDK passes on no more than that.
            "500 Internal Server Error",
            "The interview room's server has a problem and did not let you in; close Adjourn on other computers and try again, or tell the organiser.",
        ),
        (
            "failed to lookup address",
            "The interview room's address can't be found; check your internet connection and try again.",
        ),
        (
            "Connection refused",
            "The interview room's server takes no connections right now; try again in a minute.",
        ),
        (
            "certificate",
            "The interview room's server can't prove that it is the right one, so nothing was sent to it; try another network, or tell the organiser.",
        ),
    ];
    let known = SEEN.iter().find(|(part, _)| said.contains(part)).map(|(_, sentence)| *sentence);
    // What the SDK says is for engineers; it is in the log.
    known.unwrap_or("The interview room could not be entered; try again, and if it happens again, tell the organiser.").to_owned()
}

/// The candidate's link leads to an interview that is over.
pub const ALREADY_ENDED: &str = "This interview has already ended, and nothing of it is lost; if you think this is a mistake, ask the organiser.";

/// The candidate's link leads to an interview that ended on this computer, and the backend does not know it yet.
pub const ENDED_HERE: &str = "This interview has already ended on this computer. What was said is kept here and being sent; if you think this is a mistake, ask the organiser.";

/// The organiser's own constants can't be used.
pub fn bad_policy(error: &PolicyError) -> String {
    format!("this interview's settings are not usable: {error}; please tell the organiser")
}

/// Join was pressed, and microphone and loudspeaker are being opened.
pub const OPENING_DEVICES: &str = "Opening your microphone and loudspeaker…";

/// Adjourn was started again while it was ending.
pub const ANOTHER_ENDS: &str =
    "Adjourn is still saving your last interview. This window goes on in a moment.";

/// Another link was opened in the middle of an interview.
pub const ONE_AT_A_TIME: &str = "You opened another interview link. Finish this interview first, close this window, and open the link again.";

/// A link was opened while the end of an interview is shown.
pub const AFTER_THIS: &str =
    "You opened an interview link. Close this window first, and open the link again.";

/// Nothing is written down yet that could be copied.
pub const NO_COPY_YET: &str = "There is no report to copy yet.";

/// A copy of the report was saved for the organiser.
pub fn copied(path: &std::path::Path) -> String {
    format!("A copy was saved as {}. Please send this file to the organiser.", path.display())
}

/// The disk does not take the journal.
pub const NOT_JOURNALED: &str =
    "This computer's disk does not accept data. Your interview goes on and will be sent directly at its end.";

/// An interview of an earlier run still goes on.
pub const UNFINISHED: &str =
    "Your interview was interrupted. What was said is kept; you can go on with it now.";

/// An error's text as a sentence for the screen: capital at its beginning, period at its end.
pub fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let Some(first) = letters.next() else { return String::new() };
    let mut text: String = first.to_uppercase().chain(letters).collect();
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_told_to_close_the_window_that_holds_the_only_copy() {
        use adjourn_session::Delivery;
        let next = |delivery| super::next("You can close this window.", &delivery);
        for unsafe_still in [Delivery::Saving, Delivery::Sending, Delivery::Unsaved, Delivery::Refused] {
            assert!(!next(unsafe_still).contains("You can close"));
        }
        assert_eq!(next(Delivery::Received { receipt: "R".into() }), "You can close this window.");
        assert!(next(Delivery::Parked).contains("save a copy"));
    }

    #[test]
    fn an_error_becomes_a_sentence_and_a_sentence_stays_one() {
        assert_eq!(super::sentence("no microphone was found"), "No microphone was found.");
        assert_eq!(super::sentence("Your interview is over."), "Your interview is over.");
        assert_eq!(super::sentence(""), "");
    }
}
