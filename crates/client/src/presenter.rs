//! What the screen shows, made out of what is true. Pure.

use std::time::Duration;

use adjourn_protocol::InviteLink;
use adjourn_session::{Agent, AgentState, Ending, Phase, Time, View};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::fate::fate;
use crate::presence::{Sound, presence};
use crate::snapshot::{
    Adjustment, Completed, DeviceList, InterviewerState, Invitation, Meters, PresenceState, Screen, SeatView,
    Sign, Snapshot, TypingField,
};
use crate::sound_check::{Finding, SoundFindings};
use crate::start_error::StartError;
use crate::ui_state::{Pressed, UiState};
use crate::voice_options::VoiceOptions;
use crate::{Appearance, Message, messages};

/// Everything that is true.
pub(crate) struct Scene<'a> {
    pub(crate) now: Time,
    pub(crate) version: &'a str,
    pub(crate) appearance: Appearance,
    pub(crate) view: &'a View,
    pub(crate) ui: &'a UiState,
    /// The link that is open, and one whose host has to be confirmed.
    pub(crate) link: Option<&'a InviteLink>,
    pub(crate) unconfirmed: Option<&'a InviteLink>,
    pub(crate) input: &'a DeviceList,
    pub(crate) output: &'a DeviceList,
    pub(crate) check: &'a SoundFindings,
    pub(crate) connection: Option<&'a Finding>,
    pub(crate) adjustment: Adjustment,
    pub(crate) voice: VoiceOptions,
    pub(crate) can_type: bool,
    pub(crate) microphone_open: bool,
    /// Why nobody hears the candidate, and why they hear nobody, as far as the devices go.
    pub(crate) not_heard: Option<Message>,
    pub(crate) hears_nothing: Option<Message>,
    /// The interview room's servers were reached at last, and let nobody in.
    pub(crate) turned_away: bool,
    /// The interviewer's report says that the interview was finished.
    pub(crate) confirmed: bool,
    /// When the end was decided, by the wall clock.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// The seat, in a test center.
    pub(crate) seat: Option<SeatView>,
}

/// The screen, but for its number.
pub(crate) fn present(scene: &Scene<'_>) -> Snapshot {
    let Scene { view, ui, .. } = scene;
    let opening = ui.pressed == Some(Pressed::Join);
    let interviewer = interviewer(view, ui.agent_state);
    let screen = screen(scene, opening);
    // The other screens show no line on how the interview goes.
    let goes_on = matches!(screen, Screen::Joining | Screen::Waiting | Screen::Interview);
    let sound = Sound {
        muted: ui.muted,
        not_heard: scene.not_heard.clone(),
        held: scene.voice.push_to_talk && !scene.voice.talking,
        hears_nothing: scene.hears_nothing.clone(),
    };
    // Whoever types needs no microphone to have their turn; that it gives no sound is said beside that.
    let turns = if ui.typing.is_used() {
        Sound { hears_nothing: sound.hears_nothing.clone(), ..Sound::default() }
    } else {
        sound.clone()
    };
    let presence = goes_on.then(|| presence(view, scene.now, ui.agent_state, opening, &turns));
    let said = presence.as_ref().and_then(|presence| presence.line.clone());
    // Who has nothing more to say or to hear is told nothing of their devices.
    let over = presence
        .as_ref()
        .is_some_and(|presence| matches!(presence.state, PresenceState::Goodbye | PresenceState::Closed));

    Snapshot {
        seq: 0,
        version: scene.version.to_owned(),
        screen,
        appearance: scene.appearance,
        title: ui.title.clone().or_else(|| ui.invited.as_ref().map(|invited| invited.title.clone())),
        invitation: ui.invited.as_ref().filter(|_| screen == Screen::Checking).map(|invited| Invitation {
            organiser: invited.organiser.clone(),
            minutes: invited.max_minutes,
            begun: invited.begun,
        }),
        adjustment: (screen == Screen::Checking).then(|| scene.adjustment.clone()),
        contact: ui.contact.clone().or_else(|| ui.invited.as_ref().and_then(|it| it.contact.clone())),
        host: scene.unconfirmed.or(scene.link).map(InviteLink::host),
        problem: ui.problem.clone(),
        can_retry: ui.can_retry,
        notices: notices(scene, goes_on),
        input: scene.input.clone(),
        output: scene.output.clone(),
        check: scene.check.clone(),
        connection: scene.connection.cloned(),
        typing: scene.can_type.then(|| TypingField {
            sending: ui.typing.is_under_way(),
            not_sent: ui.typing.not_sent().map(str::to_owned),
            draft: ui.typing.drafted().to_owned(),
        }),
        voice: scene.voice.clone(),
        microphone_open: scene.microphone_open,
        sound: sound
            .trouble()
            .filter(|message| goes_on && !over && !is_said(message, said.as_ref()))
            .collect(),
        muted: ui.muted,
        connected: view.link_fresh,
        interviewer,
        presence,
        asking: view.asking.map(|question| messages::asking(question, view, scene.now)),
        closing: ui.closing,
        problem_report: ui.problem_report.clone(),
        captions: ui.captions.clone(),
        elapsed_s: ui.times.elapsed_s,
        remaining_s: ui.times.remaining_s,
        minutes_left: ui.times.minutes_left,
        completed: view.ending.as_ref().map(|ending| completed(scene, ending)),
        seat: scene.seat.clone(),
    }
}

/// Whether the line on what goes on says the same.
fn is_said(message: &Message, line: Option<&Message>) -> bool {
    line == Some(message) || *message == Message::MicrophoneOff && line == Some(&Message::Muted)
}

/// What there is to know; in the interview also of a device that another one stands in for. On the device check that stands beside
/// the device.
fn notices(scene: &Scene<'_>, goes_on: bool) -> Vec<Message> {
    let away = [&scene.input.away, &scene.output.away].into_iter().flatten().filter(|_| goes_on).cloned();
    let mut notices = scene.ui.notices();
    // Both halves of a headset are one headset.
    for away in away {
        if !notices.contains(&away) {
            notices.push(away);
        }
    }
    notices
}

fn screen(scene: &Scene<'_>, opening: bool) -> Screen {
    match scene.view.phase {
        Phase::Checking if scene.unconfirmed.is_some() => Screen::ConfirmHost,
        Phase::Checking if scene.link.is_none() && scene.seat.is_some() => Screen::Seat,
        Phase::Checking if scene.link.is_none() => Screen::Start,
        // A sound system that takes its time is waited for where a person sees that something goes on.
        Phase::Checking if opening => Screen::Joining,
        Phase::Checking => Screen::Checking,
        Phase::Joining => Screen::Joining,
        Phase::Waiting => Screen::Waiting,
        Phase::Live => Screen::Interview,
        Phase::WrappingUp => Screen::WrappingUp,
        Phase::Completed => Screen::Completed,
    }
}

fn interviewer(view: &View, state: Option<AgentState>) -> InterviewerState {
    match view.agent {
        Agent::Expected => InterviewerState::Absent,
        Agent::Quiet => InterviewerState::Checking,
        Agent::Gone => InterviewerState::Gone,
        Agent::Present => match state {
            Some(AgentState::Thinking) => InterviewerState::Thinking,
            Some(AgentState::Speaking) => InterviewerState::Speaking,
            Some(AgentState::Listening | AgentState::Initializing) | None => InterviewerState::Listening,
        },
    }
}

fn completed(scene: &Scene<'_>, ending: &Ending) -> Completed {
    let fate = fate(ending.outcome, &scene.view.delivery);
    let (headline, reason, next) = messages::ending(ending, scene.turned_away);
    let wall = |at| wall(scene.ended_at, ending, at);
    Completed {
        outcome: ending.outcome,
        headline,
        reason,
        next: messages::next(next, &fate),
        ended_at: wall(ending.decided_at),
        signs: messages::signs(ending).into_iter().map(|(what, at)| Sign { what, at: wall(at) }).collect(),
        confirmed: scene.confirmed.then_some(Message::Confirmed),
        delivery: fate.state,
        fate: fate.text,
        can_close: fate.can_close,
        can_copy: fate.can_copy,
        receipt: fate.receipt,
    }
}

/// A moment of the session by the wall clock, RFC 3339.
fn wall(ended_at: Option<DateTime<Utc>>, ending: &Ending, at: Time) -> String {
    let before = i64::try_from(ending.decided_at.since(at)).unwrap_or_default();
    let ended = ended_at.unwrap_or_default();
    (ended - TimeDelta::milliseconds(before)).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A moment that moved by less than this, in milliseconds, is the same: a page counts whole seconds.
const SAME_MOMENT: u64 = 500;

/// Numbers what is shown, and leaves out what is shown already.
#[derive(Debug, Default)]
pub(crate) struct Presenter {
    last: Snapshot,
    /// When what the last one counts down to was due.
    due: Option<Time>,
    sent: bool,
    /// Where the meters stand, see [`Self::moved`].
    meters: Option<(i32, i32)>,
}

impl Presenter {
    /// The next snapshot to show; nothing, if it says the same as the last one. Seconds tick in the window itself; they
    /// are no reason for a new one, but a moment to which they count is. `due`: when time alone ends the interview.
    pub(crate) fn next(&mut self, next: Snapshot, due: Option<Time>) -> Option<&Snapshot> {
        let due = due.filter(|_| next.counts_down());
        let moved = match (self.due, due) {
            (Some(before), Some(now)) => before.since(now).max(now.since(before)) >= SAME_MOMENT,
            (before, now) => before != now,
        };
        if self.sent && !moved && next.without_clocks() == self.last.without_clocks() {
            return None;
        }
        self.last = Snapshot { seq: self.last.seq + 1, ..next };
        (self.due, self.sent) = (due, true);
        Some(&self.last)
    }

    /// Whether a needle moves, by half a decibel between -60 dBFS, where a meter is empty, and full scale. A room that nobody speaks
    /// in wakes no page.
    pub(crate) fn moved(&mut self, meters: Meters) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "between -120 and 0")]
        let half = |dbfs: f32| (dbfs.clamp(-60.0, 0.0) * 2.0).round() as i32;
        let now = Some((half(meters.input), half(meters.output)));
        std::mem::replace(&mut self.meters, now) != now
    }

    /// What was shown last.
    pub(crate) fn last(&self) -> &Snapshot {
        &self.last
    }
}

impl Snapshot {
    /// Whether it shows how long something lasts at most.
    fn counts_down(&self) -> bool {
        let seconds = self.presence.as_ref().and_then(|presence| presence.seconds_left);
        seconds.or(self.asking.as_ref().and_then(|asking| asking.seconds_left)).is_some()
    }

    /// What is said, without its number and the time that passes.
    fn without_clocks(&self) -> Self {
        let mut said = Self { seq: 0, elapsed_s: None, remaining_s: None, ..self.clone() };
        said.presence.iter_mut().for_each(|presence| presence.seconds_left = None);
        said.asking.iter_mut().for_each(|asking| asking.seconds_left = None);
        // That it counts at all is said.
        let counts = said.seat.iter_mut().flat_map(|seat| &mut seat.seconds_left);
        counts.for_each(|seconds| *seconds = 0);
        said
    }

    /// The same so much later: what counts has gone on.
    #[must_use]
    pub fn later(mut self, by: Duration) -> Self {
        let by = by.as_secs();
        let over = self.completed.is_some();
        self.elapsed_s = self.elapsed_s.map(|s| if over { s } else { s + by });
        let presence = self.presence.as_mut().map(|presence| &mut presence.seconds_left);
        let asking = self.asking.as_mut().map(|asking| &mut asking.seconds_left);
        let remaining = (!over).then_some(&mut self.remaining_s);
        let seat = self.seat.as_mut().map(|seat| &mut seat.seconds_left);
        for seconds in [presence, asking, remaining, seat].into_iter().flatten().flatten() {
            *seconds = seconds.saturating_sub(by);
        }
        self
    }

    /// The client could not start, and this is why.
    pub fn cannot_start(error: &StartError) -> Self {
        let problem = match error {
            StartError::Outbox(error) => error.into(),
            StartError::NoFolder => Message::NoFolder,
            StartError::Incomplete(detail) => Message::Incomplete { detail: detail.clone() },
        };
        Self { seq: 1, problem: Some(problem), ..Self::default() }
    }

    /// Another instance of the program is about to end; this one goes on after it.
    pub fn waits_for_another() -> Self {
        Self { notices: vec![Message::AnotherEnds], ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Presence;

    #[test]
    fn a_meter_moves_when_something_is_heard() {
        let mut presenter = Presenter::default();
        let mut moved = |input| presenter.moved(Meters { input, output: -120.0 });
        assert!(moved(-120.0), "the first one is shown");
        assert!(!moved(-90.0) && !moved(-61.0), "noise of an empty room");
        assert!(moved(-40.0) && !moved(-40.1) && moved(-41.0) && moved(-120.0));
    }

    #[test]
    fn what_counts_goes_on_while_nobody_looks() {
        let presence = Presence {
            state: PresenceState::Gone,
            heading: Message::HeadGone,
            line: None,
            seconds_left: Some(4),
        };
        let shown = Snapshot {
            elapsed_s: Some(60),
            remaining_s: Some(7),
            presence: Some(presence),
            ..Snapshot::default()
        };
        let later = shown.clone().later(Duration::from_secs(5));
        assert_eq!((later.elapsed_s, later.remaining_s), (Some(65), Some(2)));
        assert_eq!(later.presence.unwrap().seconds_left, Some(0));
        assert_eq!(shown.clone().later(Duration::ZERO), shown);
    }
}
