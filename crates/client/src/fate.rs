//! What becomes of what was said, and what the candidate should do about it: decided here and nowhere else, so that the screen never
//! says two things at once. Pure.

use adjourn_session::{Delivery, EndedWhy, Outcome};

use crate::Message;
use crate::snapshot::RecordState;

/// What becomes of the record of an interview that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Where it is.
    pub(crate) state: RecordState,
    /// The one sentence that says whether the window may be closed.
    pub(crate) text: Message,
    /// Nothing is lost, and nothing has to be waited for, if the window is closed now.
    pub(crate) can_close: bool,
    /// What does not get through by itself can be handed over by the candidate.
    pub(crate) can_copy: bool,
    /// The receipt's number.
    pub(crate) receipt: Option<String>,
}

/// What was said is nowhere but in this program's memory.
pub(crate) fn is_nowhere_safe(outcome: Outcome, delivery: &Delivery) -> bool {
    // Of an interview that never began nothing is lost.
    outcome != Outcome::NeverStarted
        && matches!(delivery, Delivery::Saving | Delivery::Unsaved | Delivery::Refused)
}

/// What becomes of it, after this outcome.
pub(crate) fn fate(outcome: Outcome, delivery: &Delivery) -> Fate {
    let state = state(delivery);
    if outcome == Outcome::NeverStarted {
        return never_began(state, delivery);
    }
    let elsewhere = outcome == Outcome::Ended(EndedWhy::ContinuedElsewhere);
    let (text, can_close, can_copy) = match delivery {
        Delivery::Saving => (Message::FateSaving, false, false),
        Delivery::Sending => (Message::FateSending, false, false),
        Delivery::Saved => (Message::FateSaved, true, true),
        Delivery::Parked => (Message::FateParked, true, true),
        Delivery::Unsaved => (Message::FateUnsaved, false, true),
        Delivery::Refused => (Message::FateRefused, false, true),
        Delivery::Received { .. } if elsewhere => (Message::FateReceivedHere, true, false),
        Delivery::Received { .. } => (Message::FateReceived, true, false),
    };
    Fate { state, text, can_close, can_copy, receipt: receipt(delivery) }
}

/// There is nothing to lose, only somebody to tell.
fn never_began(state: RecordState, delivery: &Delivery) -> Fate {
    let (text, can_close) = match delivery {
        Delivery::Saving | Delivery::Sending => (Message::FateNeverTelling, false),
        // A full disk and no backend: nobody waits for that.
        Delivery::Saved | Delivery::Unsaved => (Message::FateNeverLater, true),
        Delivery::Parked | Delivery::Refused => (Message::FateNeverUntold, true),
        Delivery::Received { .. } => (Message::FateNeverTold, true),
    };
    Fate { state, text, can_close, can_copy: false, receipt: receipt(delivery) }
}

fn state(delivery: &Delivery) -> RecordState {
    match delivery {
        Delivery::Saving => RecordState::Saving,
        Delivery::Sending => RecordState::Sending,
        Delivery::Saved => RecordState::Saved,
        Delivery::Parked => RecordState::Parked,
        Delivery::Unsaved => RecordState::Unsaved,
        Delivery::Refused => RecordState::Refused,
        Delivery::Received { .. } => RecordState::Received,
    }
}

fn receipt(delivery: &Delivery) -> Option<String> {
    match delivery {
        Delivery::Received { receipt } => Some(receipt.clone()),
        Delivery::Saving
        | Delivery::Sending
        | Delivery::Saved
        | Delivery::Parked
        | Delivery::Unsaved
        | Delivery::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use adjourn_session::{Decider, Ending, Evidence, EvidenceKind, InterruptedWhy, Time};

    use super::*;
    use crate::{Catalogue, Language, messages};

    fn ending(outcome: Outcome, decided_by: Decider) -> Ending {
        Ending {
            outcome,
            decided_at: Time(0),
            decided_by,
            evidence: Some(Evidence { kind: EvidenceKind::TimeLimit, at: Time(0) }),
            last_pong: None,
            last_process_answer: None,
            last_received: None,
        }
    }

    fn outcomes() -> Vec<Outcome> {
        use EndedWhy as E;
        use InterruptedWhy as I;
        let ended = [
            E::SessionClosed,
            E::InterviewerLeft,
            E::RoomClosed,
            E::ClosedByOrganiser,
            E::ContinuedElsewhere,
            E::NoAnswer,
            E::TimeLimit,
            E::BySystem,
        ];
        let interrupted = [
            I::InterviewerLost,
            I::InterviewerStoppedResponding,
            I::InterviewerFailed,
            I::Removed,
            I::ClientFailed,
        ];
        let others =
            [Outcome::Finished, Outcome::ConnectionLost, Outcome::NeverStarted, Outcome::EndedByCandidate];
        let ended = ended.into_iter().map(Outcome::Ended);
        others.into_iter().chain(ended).chain(interrupted.into_iter().map(Outcome::Interrupted)).collect()
    }

    fn deliveries() -> [Delivery; 7] {
        [
            Delivery::Saving,
            Delivery::Sending,
            Delivery::Saved,
            Delivery::Parked,
            Delivery::Unsaved,
            Delivery::Refused,
            Delivery::Received { receipt: "R-1".to_owned() },
        ]
    }

    /// What each language says of a window that may be closed.
    fn can_close(language: Language) -> &'static str {
        match language {
            Language::English => "can close this window",
            Language::German => "dieses Fenster schließen",
            Language::Spanish => "cerrar esta ventana",
            Language::French => "fermer cette fenêtre",
            Language::Arabic => "إغلاق هذه النافذة",
        }
    }

    #[test]
    fn no_language_says_something_else_of_the_window() {
        for language in Language::ALL {
            let catalogue = Catalogue::of(language);
            for (outcome, delivery) in outcomes().into_iter().flat_map(|o| deliveries().map(|d| (o, d))) {
                let fate = fate(outcome, &delivery);
                let text = catalogue.text(&fate.text);
                let says = text.contains(can_close(language));
                assert_eq!(says, fate.can_close, "{language:?}, {outcome}, {delivery:?}: {text}");
            }
        }
    }

    /// For each of 17 outcomes in each of 7 places: what the sentence says of the window is what the button does.
    #[test]
    fn one_sentence_alone_says_whether_the_window_may_be_closed_and_it_is_true() {
        let english = Catalogue::english();
        assert_eq!(outcomes().len(), 17);
        for outcome in outcomes() {
            for delivery in deliveries() {
                let fate = fate(outcome, &delivery);
                let text = english.text(&fate.text);
                let case = format!("{outcome}, {delivery:?}: {text}");
                assert_eq!(text.contains("can close this window"), fate.can_close, "{case}");
                let open = text.contains("eep this window open") || text.contains("leave this window open");
                assert_eq!(open, !fate.can_close, "{case}");
                assert_eq!(
                    text.contains("save a copy"),
                    fate.can_copy && fate.state != RecordState::Saved,
                    "{case}"
                );
                assert!(!fate.can_close || !is_nowhere_safe(outcome, &delivery), "{case}");
                assert_eq!(fate.receipt.is_some(), fate.state == RecordState::Received, "{case}");
                // Received is said of what was, and of nothing else.
                let arrived = text.contains("arrived, and we checked");
                let talked = outcome != Outcome::NeverStarted;
                assert_eq!(arrived, talked && fate.state == RecordState::Received, "{case}");
                // What else is said of the end is silent on the window.
                for (decided_by, turned_away) in
                    [(Decider::System, false), (Decider::ReplacedRoom, false), (Decider::LinkLost, true)]
                {
                    let (headline, reason, next) =
                        messages::ending(&ending(outcome, decided_by), turned_away);
                    let next = messages::next(next, &fate);
                    for other in [Some(headline), Some(reason), next].into_iter().flatten() {
                        assert!(
                            !english.text(&other).contains("window"),
                            "{case} / {}",
                            english.text(&other)
                        );
                    }
                }
            }
        }
    }
}
