//! Whose turn it is: one state, a heading, a line and a countdown, out of what is true. Pure.

use adjourn_session::{Agent, AgentState, ConnectionState, Phase, Time, View};

use crate::Message;
use crate::snapshot::{Presence, PresenceState};

/// What of devices and buttons matters for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sound {
    /// The candidate's microphone is switched off, here.
    pub(crate) muted: bool,
    /// Why nobody hears the candidate, besides that.
    pub(crate) not_heard: Option<Message>,
    /// They are heard while they hold a key, and don't hold it.
    pub(crate) held: bool,
    /// Why they hear nobody.
    pub(crate) hears_nothing: Option<Message>,
}

impl Sound {
    /// Everything that is wrong with it, or done to it.
    pub(crate) fn trouble(&self) -> impl Iterator<Item = Message> + '_ {
        self.not_heard_because().into_iter().chain(self.hears_nothing.clone())
    }

    fn not_heard_because(&self) -> Option<Message> {
        if self.muted {
            return Some(Message::Muted);
        }
        self.not_heard.clone().or(self.held.then_some(Message::HoldToTalk))
    }
}

/// `agent`: the state that the interviewer's session tells of itself. `opening`: the devices are being opened for the join.
pub(crate) fn presence(
    view: &View,
    now: Time,
    agent: Option<AgentState>,
    opening: bool,
    sound: &Sound,
) -> Presence {
    let shown = shown(view, agent, opening, sound);
    Presence { seconds_left: seconds_left(view, now).filter(|_| waits(shown.state)), ..shown }
}

/// Whole seconds until time alone ends the interview.
pub(crate) fn seconds_left(view: &View, now: Time) -> Option<u64> {
    view.ends_at.map(|at| at.since(now).div_ceil(1_000))
}

/// Whether the candidate is told how long this lasts at most.
fn waits(state: PresenceState) -> bool {
    use PresenceState as S;
    match state {
        S::Waiting | S::Checking | S::Gone | S::Reconnecting => true,
        S::Joining
        | S::Greeting
        | S::Listening
        | S::Speaking
        | S::Thinking
        | S::Goodbye
        | S::Person
        | S::Muted
        | S::NotHeard
        | S::HearsNothing => false,
    }
}

fn shown(view: &View, agent: Option<AgentState>, opening: bool, sound: &Sound) -> Presence {
    use Message as M;
    use PresenceState as S;
    if opening {
        return is(S::Joining, M::HeadJoining, M::OpeningDevices);
    }
    match (view.link, view.link_fresh) {
        (ConnectionState::Up, true) => {}
        (ConnectionState::Idle | ConnectionState::Connecting, _) if view.phase == Phase::Joining => {
            return is(S::Joining, M::HeadJoining, M::Connecting);
        }
        (
            ConnectionState::Idle
            | ConnectionState::Connecting
            | ConnectionState::Up
            | ConnectionState::Resuming
            | ConnectionState::Down,
            _,
        ) => return is(S::Reconnecting, M::HeadReconnecting, M::Reconnecting),
    }
    if let Some(person) = &view.person {
        return is(S::Person, M::HeadPerson, M::PersonTookOver { person: person.clone() });
    }
    let speaks = agent == Some(AgentState::Speaking) && view.agent == Agent::Present;
    // Whoever left, or does not answer any more, after a goodbye, is not missed.
    if view.said_goodbye && !speaks {
        return is(S::Goodbye, M::HeadGoodbye, M::Goodbye);
    }
    match view.agent {
        Agent::Expected if view.waiting_long => is(S::Waiting, M::HeadWaiting, M::LongWait),
        Agent::Expected => is(S::Waiting, M::HeadWaiting, M::InterviewerSoon),
        Agent::Quiet => is(S::Checking, M::HeadChecking, M::CheckingOnInterviewer),
        Agent::Gone => is(S::Gone, M::HeadGone, M::InterviewerGone),
        Agent::Present => turn(view, agent, sound),
    }
}

/// The interviewer is there and answers.
fn turn(view: &View, agent: Option<AgentState>, sound: &Sound) -> Presence {
    use Message as M;
    use PresenceState as S;
    match agent {
        Some(AgentState::Speaking) => {
            is(S::Speaking, M::HeadSpeaking, sound.hears_nothing.clone().unwrap_or(M::Speaking))
        }
        Some(AgentState::Listening | AgentState::Thinking | AgentState::Initializing) | None
            if !view.greeted =>
        {
            is(S::Greeting, M::HeadGreeting, M::AboutToBegin)
        }
        Some(AgentState::Thinking) => {
            Presence { line: None, ..is(S::Thinking, M::HeadThinking, M::Listening) }
        }
        Some(AgentState::Listening | AgentState::Initializing) | None => yours(sound),
    }
}

/// It is the candidate's turn.
fn yours(sound: &Sound) -> Presence {
    use Message as M;
    use PresenceState as S;
    match (sound.not_heard_because(), &sound.hears_nothing) {
        (Some(M::Muted), _) => is(S::Muted, M::HeadMuted, M::Muted),
        (Some(M::HoldToTalk), _) => is(S::Listening, M::HeadListening, M::HoldToTalk),
        (Some(why), _) => is(S::NotHeard, M::HeadNotHeard, why),
        (None, Some(why)) => is(S::HearsNothing, M::HeadHearsNothing, why.clone()),
        (None, None) => is(S::Listening, M::HeadListening, M::Listening),
    }
}

fn is(state: PresenceState, heading: Message, line: Message) -> Presence {
    Presence { state, heading, line: Some(line), seconds_left: None }
}

#[cfg(test)]
mod tests {
    use adjourn_session::{Delivery, Policy, Session};

    use super::*;

    fn view() -> View {
        View {
            phase: Phase::Live,
            link: ConnectionState::Up,
            link_fresh: true,
            agent: Agent::Present,
            greeted: true,
            ends_at: Some(Time(12_001)),
            delivery: Delivery::Saving,
            ..Session::new(Policy::default(), Time::ZERO).view()
        }
    }

    fn shown(view: &View, agent: AgentState, sound: &Sound) -> Presence {
        presence(view, Time(3_000), Some(agent), false, sound)
    }

    fn state(view: &View, agent: AgentState) -> PresenceState {
        shown(view, agent, &Sound::default()).state
    }

    #[test]
    fn nobody_is_told_to_speak_before_the_greeting_or_after_the_goodbye() {
        let fresh = View { greeted: false, ..view() };
        let over = View { said_goodbye: true, ..view() };
        for agent in [AgentState::Initializing, AgentState::Listening, AgentState::Thinking] {
            assert_eq!(state(&fresh, agent), PresenceState::Greeting);
            assert_eq!(state(&over, agent), PresenceState::Goodbye);
        }
        // The goodbye itself is spoken.
        assert_eq!(state(&over, AgentState::Speaking), PresenceState::Speaking);
        for agent in [Agent::Quiet, Agent::Gone] {
            let gone = View { agent, ..over.clone() };
            assert_eq!(state(&gone, AgentState::Speaking), PresenceState::Goodbye, "nobody is missed");
        }
    }

    #[test]
    fn what_keeps_a_candidate_from_being_heard_is_said_where_it_is_their_turn_and_nowhere_else() {
        let muted = Sound { muted: true, ..Sound::default() };
        let shown = |agent, sound: &Sound| shown(&view(), agent, sound);
        assert_eq!(shown(AgentState::Listening, &muted).state, PresenceState::Muted);
        assert_eq!(shown(AgentState::Speaking, &muted).state, PresenceState::Speaking);
        let held = Sound { held: true, ..Sound::default() };
        let line = shown(AgentState::Listening, &held);
        assert_eq!((line.state, line.line), (PresenceState::Listening, Some(Message::HoldToTalk)));
        let silent = Sound { not_heard: Some(Message::MicrophoneSilent), held: true, ..Sound::default() };
        assert_eq!(shown(AgentState::Listening, &silent).state, PresenceState::NotHeard);
    }

    #[test]
    fn only_what_is_waited_for_counts_down() {
        let checking = View { agent: Agent::Quiet, ..view() };
        let left = |view: &View| shown(view, AgentState::Listening, &Sound::default()).seconds_left;
        assert_eq!(left(&checking), Some(10));
        assert_eq!(left(&view()), None);
        let down = View { link: ConnectionState::Down, link_fresh: false, ..view() };
        let lost = shown(&down, AgentState::Listening, &Sound::default());
        assert_eq!((lost.state, lost.seconds_left), (PresenceState::Reconnecting, Some(10)));
        let first = View { phase: Phase::Joining, link: ConnectionState::Connecting, ..down };
        assert_eq!(state(&first, AgentState::Listening), PresenceState::Joining);
    }
}
