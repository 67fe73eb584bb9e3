//! What the screen shows, made out of what is true. Pure.

use adjourn_protocol::InviteLink;
use adjourn_session::{Agent, AgentState, Delivery, Ending, Phase, Time, View};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::snapshot::{Completed, DeviceList, InterviewerState, Screen, Sign, Snapshot};
use crate::sound_check::{Finding, SoundFindings};
use crate::start_error::StartError;
use crate::ui_state::{Pressed, UiState};
use crate::voice_options::VoiceOptions;
use crate::{Message, messages};

/// Everything that is true.
pub(crate) struct Scene<'a> {
    pub(crate) view: &'a View,
    pub(crate) ui: &'a UiState,
    /// The link that is open, and one whose host has to be confirmed.
    pub(crate) link: Option<&'a InviteLink>,
    pub(crate) unconfirmed: Option<&'a InviteLink>,
    pub(crate) input: &'a DeviceList,
    pub(crate) output: &'a DeviceList,
    pub(crate) check: &'a SoundFindings,
    pub(crate) connection: Option<&'a Finding>,
    pub(crate) voice: VoiceOptions,
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
}

/// The screen, but for its number.
pub(crate) fn present(scene: &Scene<'_>) -> Snapshot {
    let Scene { view, ui, .. } = scene;
    let opening = ui.pressed == Some(Pressed::Join);
    let interviewer = interviewer(view, ui.agent_state);
    let screen = screen(scene, opening);
    // The other screens show no line on how the interview goes.
    let goes_on = matches!(screen, Screen::Joining | Screen::Waiting | Screen::Interview);
    let not_heard = not_heard(scene);
    let status = if opening {
        Some(Message::OpeningDevices)
    } else {
        goes_on.then(|| messages::status(view, interviewer, not_heard.clone(), scene.hears_nothing.clone()))
    };
    let trouble = not_heard.into_iter().chain(scene.hears_nothing.clone());
    Snapshot {
        seq: 0,
        screen,
        title: ui.title.clone(),
        host: scene.unconfirmed.or(scene.link).map(InviteLink::host),
        problem: ui.problem.clone(),
        can_retry: ui.can_retry,
        notices: notices(scene, goes_on),
        input: scene.input.clone(),
        output: scene.output.clone(),
        check: scene.check.clone(),
        connection: scene.connection.cloned(),
        voice: scene.voice.clone(),
        microphone_open: scene.microphone_open,
        sound: trouble.filter(|message| goes_on && status.as_ref() != Some(message)).collect(),
        muted: ui.muted,
        connected: view.link_fresh,
        interviewer,
        status,
        asking: view.asking.map(|question| messages::asking(question, view.person.as_deref())),
        closing: ui.closing,
        captions: ui.captions.clone(),
        elapsed_s: ui.times.elapsed_s,
        remaining_s: ui.times.remaining_s,
        minutes_left: ui.times.minutes_left,
        completed: view.ending.as_ref().map(|ending| completed(scene, ending)),
    }
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

/// Why nobody hears the candidate.
fn not_heard(scene: &Scene<'_>) -> Option<Message> {
    let VoiceOptions { push_to_talk, talking, .. } = scene.voice;
    if scene.ui.muted {
        return Some(Message::Muted);
    }
    scene.not_heard.clone().or((push_to_talk && !talking).then_some(Message::HoldToTalk))
}

fn screen(scene: &Scene<'_>, opening: bool) -> Screen {
    match scene.view.phase {
        Phase::Checking if scene.unconfirmed.is_some() => Screen::ConfirmHost,
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
    let delivery = &scene.view.delivery;
    let (headline, reason, next) = messages::ending(ending, scene.turned_away);
    let (record, delivery_text) = messages::delivery(delivery);
    let wall = |at| wall(scene.ended_at, ending, at);
    Completed {
        outcome: ending.outcome,
        headline,
        reason,
        next: messages::next(next, delivery),
        ended_at: wall(ending.decided_at),
        signs: messages::signs(ending).into_iter().map(|(what, at)| Sign { what, at: wall(at) }).collect(),
        confirmed: scene.confirmed.then_some(Message::Confirmed),
        delivery: record,
        delivery_text,
        receipt: match delivery {
            Delivery::Received { receipt } => Some(receipt.clone()),
            Delivery::Saving
            | Delivery::Sending
            | Delivery::Saved
            | Delivery::Parked
            | Delivery::Unsaved
            | Delivery::Refused => None,
        },
    }
}

/// A moment of the session by the wall clock, RFC 3339.
fn wall(ended_at: Option<DateTime<Utc>>, ending: &Ending, at: Time) -> String {
    let before = i64::try_from(ending.decided_at.since(at)).unwrap_or_default();
    let ended = ended_at.unwrap_or_default();
    (ended - TimeDelta::milliseconds(before)).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Numbers what is shown, and leaves out what is shown already.
#[derive(Debug, Default)]
pub(crate) struct Presenter {
    last: Snapshot,
    sent: bool,
}

impl Presenter {
    /// The next snapshot to show; nothing, if it says the same as the last one. Seconds tick in the window itself; they
    /// are no reason for a new one.
    pub(crate) fn next(&mut self, next: Snapshot) -> Option<&Snapshot> {
        let Snapshot { seq, elapsed_s, remaining_s, .. } = self.last;
        let same = self.sent && Snapshot { seq, elapsed_s, remaining_s, ..next.clone() } == self.last;
        if same {
            return None;
        }
        self.last = Snapshot { seq: seq + 1, ..next };
        self.sent = true;
        Some(&self.last)
    }

    /// What was shown last.
    pub(crate) fn last(&self) -> &Snapshot {
        &self.last
    }
}

impl Snapshot {
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
