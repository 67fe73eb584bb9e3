//! What the screen shows.

use adjourn_protocol::JoinLink;
use adjourn_room::Transport;
use adjourn_session::{Agent, AgentState, Delivery, Ending, Phase, Time};
use chrono::{SecondsFormat, TimeDelta};

use crate::run::{Client, Pressed, StartError};
use crate::snapshot::{Completed, DeviceList, InterviewerState, Screen, Sign, Snapshot};
use crate::{Shell, words};

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) fn show(&mut self) {
        let view = self.session.view();
        let mut next = self.shown.clone();
        next.screen = match view.phase {
            Phase::Checking if self.unconfirmed.is_some() => Screen::ConfirmHost,
            Phase::Checking if self.link.is_none() => Screen::Start,
            // A sound system that takes its time is waited for where a person sees that something goes on.
            Phase::Checking if self.pressed == Some(Pressed::Join) => Screen::Joining,
            Phase::Checking => Screen::Checking,
            Phase::Joining => Screen::Joining,
            Phase::Waiting => Screen::Waiting,
            Phase::Live => Screen::Interview,
            Phase::WrappingUp => Screen::WrappingUp,
            Phase::Completed => Screen::Completed,
        };
        next.host = self.unconfirmed.as_ref().or(self.link.as_ref()).map(JoinLink::host);
        if view.phase != Phase::Checking {
            self.told = None;
            next.problem = None;
        } else if view.problem != self.told {
            // Told once: what the person does about it takes it from the screen.
            self.told = view.problem.clone();
            next.problem = view.problem.as_ref().map(|problem| words::sentence(&problem.message));
            next.can_retry = view.problem.as_ref().is_some_and(|problem| problem.retry);
        }
        next.microphone_open = self.open.microphone_open();
        next.connected = view.link_fresh;
        next.interviewer = match view.agent {
            Agent::Expected => InterviewerState::Absent,
            Agent::Quiet => InterviewerState::Checking,
            Agent::Gone => InterviewerState::Gone,
            Agent::Present => match self.agent_state {
                Some(AgentState::Thinking) => InterviewerState::Thinking,
                Some(AgentState::Speaking) => InterviewerState::Speaking,
                Some(AgentState::Listening | AgentState::Initializing) | None => InterviewerState::Listening,
            },
        };
        next.status = if self.pressed == Some(Pressed::Join) {
            words::OPENING_DEVICES.to_owned()
        } else {
            words::status(&view, next.interviewer, next.muted, next.microphone_silent)
        };
        next.asking = view.asking.map(|question| words::asking(question, view.person.as_deref()));
        let over = view.ending.is_some();
        if !over {
            next.elapsed_s = self.live_since.map(|at| self.now().since(at) / 1_000);
            next.remaining_s = view.remaining.map(|ms| ms / 1_000);
            next.minutes_left = next.remaining_s.and_then(nearly_over);
        }
        next.completed = view.ending.as_ref().map(|ending| {
            let (headline, reason, what_next) = words::ending(ending, self.turned_away);
            let (delivery, delivery_text) = words::delivery(&view.delivery);
            Completed {
                outcome: ending.outcome.to_string(),
                headline: headline.to_owned(),
                reason: reason.to_owned(),
                next: words::next(what_next, &view.delivery),
                ended_at: self.wall(ending, ending.decided_at),
                signs: words::signs(ending)
                    .into_iter()
                    .map(|(what, at)| Sign { what, at: self.wall(ending, at) })
                    .collect(),
                confirmed: self.confirmed.then(|| words::CONFIRMED.to_owned()),
                delivery: delivery.to_owned(),
                delivery_text: delivery_text.to_owned(),
                receipt: match &view.delivery {
                    Delivery::Received { receipt } => Some(receipt.clone()),
                    Delivery::Saving
                    | Delivery::Sending
                    | Delivery::Saved
                    | Delivery::Parked
                    | Delivery::Unsaved
                    | Delivery::Refused => None,
                },
            }
        });
        // Seconds tick in the window itself; they are no reason for a new snapshot.
        let unchanged = self.sent.as_ref().is_some_and(|sent| {
            let seconds = Snapshot {
                seq: sent.seq,
                elapsed_s: sent.elapsed_s,
                remaining_s: sent.remaining_s,
                ..next.clone()
            };
            seconds == *sent
        });
        self.shown = next;
        if !unchanged {
            self.shown.seq += 1;
            self.shell.show(&self.shown);
            self.sent = Some(self.shown.clone());
        }
    }
}

impl<T: Transport, S: Shell> Client<T, S> {
    /// A moment of the session by the wall clock, RFC 3339.
    fn wall(&self, ending: &Ending, at: Time) -> String {
        let before = i64::try_from(ending.decided_at.since(at)).unwrap_or_default();
        let ended = self.ended_at.unwrap_or_default();
        (ended - TimeDelta::milliseconds(before)).to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// Minutes before the end of the time at which the candidate is warned, the nearest last.
const WARNINGS: [u64; 2] = [5, 1];

fn nearly_over(remaining_s: u64) -> Option<u64> {
    WARNINGS.into_iter().rfind(|minutes| remaining_s <= minutes * 60)
}

impl Snapshot {
    /// The client could not start, and this is why.
    pub fn cannot_start(error: &StartError) -> Self {
        let problem = Some(words::sentence(&error.to_string()));
        Self { seq: 1, problem, ..empty() }
    }

    /// Another instance of the program is about to end; this one goes on after it.
    pub fn waits_for_another() -> Self {
        Self { notice: Some(words::ANOTHER_ENDS.to_owned()), ..empty() }
    }
}

/// Before anything is known.
pub(crate) fn empty() -> Snapshot {
    Snapshot {
        seq: 0,
        screen: Screen::Start,
        title: None,
        host: None,
        problem: None,
        can_retry: false,
        notice: None,
        input: DeviceList::default(),
        output: DeviceList::default(),
        microphone_open: false,
        microphone_silent: false,
        muted: false,
        connected: false,
        interviewer: InterviewerState::Absent,
        status: String::new(),
        asking: None,
        closing: false,
        captions: Vec::new(),
        elapsed_s: None,
        remaining_s: None,
        minutes_left: None,
        completed: None,
    }
}
