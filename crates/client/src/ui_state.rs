//! What the screen knows by itself: what was pressed, what is told, what is asked back.

use std::time::Duration;

use adjourn_protocol::Invited;
use adjourn_session::{AgentState, Phase, Problem, Time, Trouble, View};
use tokio::time::Instant;

use crate::fate::is_nowhere_safe;
use crate::problem_report::History;
use crate::snapshot::Caption;
use crate::typing::Typing;
use crate::{Language, Message};

/// Captions on the screen; older ones are in the record.
const SHOWN_CAPTIONS: usize = 200;
/// A notice in the middle of an interview is read within this.
const READ: Duration = Duration::from_secs(30);
/// A second press on the window's X counts as one after this: a double click is one press.
const SECOND_PRESS: Duration = Duration::from_secs(1);
/// Minutes before the end of the time at which the candidate is warned, the nearest last.
const WARNINGS: [u64; 2] = [5, 1];

/// Whether somebody who closes the window is asked back: an interview is open, or what was said is nowhere safe.
fn is_asked_back(view: &View) -> bool {
    let open = matches!(view.phase, Phase::Waiting | Phase::Live);
    open || view.ending.as_ref().is_some_and(|ending| is_nowhere_safe(ending.outcome, &view.delivery))
}

/// What a person asked for that needs open devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    Join,
    TestSound,
    Sample,
}

/// The interview's time, in whole seconds; it stands still once the interview is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) elapsed_s: Option<u64>,
    pub(crate) remaining_s: Option<u64>,
    pub(crate) minutes_left: Option<u64>,
}

/// The screen's own state.
#[derive(Debug, Default)]
pub(crate) struct UiState {
    pub(crate) title: Option<String>,
    /// How the candidate reaches who invites, as the join says.
    pub(crate) contact: Option<String>,
    /// What the link invites to, once the organiser's server said so.
    pub(crate) invited: Option<Invited>,
    /// The language of the interview, once known and spoken here.
    pub(crate) language: Option<Language>,
    /// What is wrong, and whether trying again can help.
    pub(crate) problem: Option<Message>,
    pub(crate) can_retry: bool,
    /// Why the last join, and the last try to enter the room, did not work.
    pub(crate) join_trouble: Option<Message>,
    pub(crate) connect_trouble: Option<Message>,
    /// The session's problem that was told last.
    told: Option<Problem>,
    /// Something to know.
    pub(crate) notice: Option<Message>,
    /// The disk takes nothing: that stays on the screen beside everything else.
    pub(crate) disk_is_dead: bool,
    /// The notice is about a link that was opened; until when it stands, if not until that is settled.
    about_link: Option<Option<Instant>>,
    /// What was pressed and waits for the devices.
    pub(crate) pressed: Option<Pressed>,
    pub(crate) muted: bool,
    /// What the room was told of that, last.
    pub(crate) told_muted: bool,
    /// Whether the candidate is asked if the interview shall end, because the window was to be closed.
    pub(crate) closing: bool,
    /// A report of a problem that is being read, and what the screen showed so far, for the next one.
    pub(crate) problem_report: Option<String>,
    pub(crate) history: History,
    /// When the window was first asked to close, and has not been told to stay since.
    close_asked: Option<Instant>,
    /// The page shows that question.
    close_seen: bool,
    pub(crate) captions: Vec<Caption>,
    pub(crate) typing: Typing,
    pub(crate) agent_state: Option<AgentState>,
    live_since: Option<Time>,
    /// When the interview was joined, and how many milliseconds of it were gone by then.
    before: Option<(Time, u64)>,
    pub(crate) times: Times,
}

impl UiState {
    pub(crate) fn begin(notice: Option<Message>, disk_is_dead: bool) -> Self {
        Self { notice, disk_is_dead, ..Self::default() }
    }

    /// Everything there is to know.
    pub(crate) fn notices(&self) -> Vec<Message> {
        self.notice.iter().cloned().chain(self.disk_is_dead.then_some(Message::NotJournaled)).collect()
    }

    /// Something to know, about a link that was opened or a file that was written: read within a moment.
    pub(crate) fn says_for_a_while(&mut self, what: Message, phase: Phase) {
        self.notice = Some(what);
        let passes = phase != Phase::Checking;
        self.about_link = Some(passes.then(|| Instant::now() + READ));
    }

    /// Another link, or none: what the one before invited to is nobody's any more.
    pub(crate) fn link_is_another(&mut self) {
        (self.invited, self.title, self.contact) = (None, None, None);
        (self.language, self.before) = (None, None);
    }

    /// What was told of a link is settled.
    pub(crate) fn link_is_settled(&mut self) {
        if self.about_link.take().is_some() {
            self.notice = None;
        }
    }

    /// What was said in the middle of something else has been read.
    pub(crate) fn forget_what_was_read(&mut self) {
        if self.about_link.flatten().is_some_and(|until| Instant::now() >= until) {
            self.link_is_settled();
        }
    }

    /// There is a report to copy now.
    pub(crate) fn copy_is_possible(&mut self) {
        if self.notice == Some(Message::NothingToCopy) {
            self.notice = None;
        }
    }

    /// The window shall be closed. While an interview is open, or what was said is nowhere safe, that is asked back
    /// first; asked twice, it closes: the page may be dead and unable to ask.
    pub(crate) fn may_close(&mut self, view: &View) -> bool {
        if !is_asked_back(view) || self.close_asked.is_some_and(|at| at.elapsed() >= SECOND_PRESS) {
            return true;
        }
        self.close_asked.get_or_insert_with(Instant::now);
        self.closing = true;
        false
    }

    /// That is read on the screen.
    pub(crate) fn close_question_is_seen(&mut self) {
        self.close_seen = self.closing;
    }

    /// Whether a second press was the answer to a question that somebody saw. (A page that is dead asks nobody.)
    pub(crate) fn close_was_answered(&self) -> bool {
        self.close_seen
    }

    /// The window stays open after all; or the interview is over, and nothing is left to ask.
    pub(crate) fn stay(&mut self) {
        (self.closing, self.close_asked, self.close_seen) = (false, None, false);
    }

    /// A line that is being spoken, or was. Gives the caption as it is shown, if it is done.
    pub(crate) fn caption(&mut self, caption: adjourn_room::Caption) -> Option<Caption> {
        let caption =
            Caption { id: caption.segment, speaker: caption.role, text: caption.text, done: caption.done };
        let done = caption.done.then(|| caption.clone());
        match self.captions.iter_mut().find(|known| known.id == caption.id) {
            // A piece that was late takes nothing from a line that is final.
            Some(known) if known.done && !caption.done => {}
            Some(known) => *known = caption,
            None => self.captions.push(caption),
        }
        if self.captions.len() > SHOWN_CAPTIONS {
            self.captions.remove(0);
        }
        done
    }

    /// The interviewer's session is in this state. Gives the one before, if it is another one.
    pub(crate) fn agent_is(&mut self, state: AgentState) -> Option<Option<AgentState>> {
        (self.agent_state != Some(state)).then(|| self.agent_state.replace(state))
    }

    /// The interview is live. Gives whether that is new.
    pub(crate) fn live(&mut self, now: Time) -> bool {
        let new = self.live_since.is_none();
        self.live_since.get_or_insert(now);
        new
    }

    /// So many milliseconds of the interview are gone.
    pub(crate) fn went_on_before(&mut self, now: Time, ms: u64) {
        // One that begins now is as long as its interviewer is there.
        self.before = (ms > 0).then_some((now, ms));
    }

    /// Milliseconds since the interview began, in this run or in one before it.
    fn elapsed(&self, now: Time) -> Option<u64> {
        let live_since = self.live_since?;
        Some(self.before.map_or_else(|| now.since(live_since), |(since, ms)| now.since(since) + ms))
    }

    fn trouble(&self, trouble: &Trouble) -> Message {
        match trouble {
            Trouble::JoinFailed => self.join_trouble.clone().unwrap_or(Message::JoinUnanswered),
            Trouble::JoinUnanswered => Message::JoinUnanswered,
            Trouble::ConnectFailed => self.connect_trouble.clone().unwrap_or(Message::RoomNotEntered),
            Trouble::RoomUnreachable => Message::RoomUnreachable,
            Trouble::PartFailed => Message::PartFailed,
        }
    }

    /// Takes over what the session says.
    pub(crate) fn follow(&mut self, view: &View, now: Time) {
        // What was asked about is safe by now: the question would say something else.
        if self.closing && !is_asked_back(view) {
            self.stay();
        }
        if view.phase != Phase::Checking {
            (self.told, self.problem) = (None, None);
        } else if view.problem != self.told {
            // Told once: what the person does about it takes it from the screen.
            self.told.clone_from(&view.problem);
            self.problem = view.problem.as_ref().map(|problem| self.trouble(&problem.trouble));
            self.can_retry = view.problem.as_ref().is_some_and(|problem| problem.retry);
        }
        if view.ending.is_none() {
            let remaining_s = view.remaining.map(|ms| ms / 1_000);
            let nearly_over = |s: u64| WARNINGS.into_iter().rfind(|minutes| s <= minutes * 60);
            self.times = Times {
                elapsed_s: self.elapsed(now).map(|ms| ms / 1_000),
                remaining_s,
                minutes_left: remaining_s.and_then(nearly_over),
            };
        }
    }
}
