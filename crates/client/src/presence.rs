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
        // Whether somebody is there who can't hear them is another matter.
        let silent = if self.muted { Some(Message::MicrophoneOff) } else { self.unheard() };
        silent.into_iter().chain(self.hears_nothing.clone())
    }

    /// Why nobody hears them, besides the microphone's switch.
    fn unheard(&self) -> Option<Message> {
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

/// Whole seconds until time alone ends the interview, its maximum length included where something else ends it as well.
pub(crate) fn seconds_left(view: &View, now: Time) -> Option<u64> {
    let ms = view.ends_at?.since(now);
    Some(view.remaining.map_or(ms, |remaining| ms.min(remaining)).div_ceil(1_000))
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
        | S::Closed
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
    let busy = matches!(agent, Some(AgentState::Speaking | AgentState::Thinking)) && is_up(view);
    // Whoever left, or does not answer any more, after a goodbye, is not missed; nor is a connection.
    if view.said_goodbye && !(busy && view.agent == Agent::Present) {
        return is(S::Goodbye, M::HeadGoodbye, M::Goodbye);
    }
    if view.room_gone {
        return is(S::Closed, M::HeadClosed, M::RoomClosed);
    }
    if !is_up(view) {
        let first = matches!(view.link, ConnectionState::Idle | ConnectionState::Connecting);
        return if first && view.phase == Phase::Joining {
            is(S::Joining, M::HeadJoining, M::Connecting)
        } else {
            is(S::Reconnecting, M::HeadReconnecting, M::Reconnecting)
        };
    }
    if let Some(person) = &view.person {
        return is(S::Person, M::HeadPerson, M::PersonTookOver { person: person.clone() });
    }
    if view.replacing && view.agent != Agent::Present {
        return is(S::Waiting, M::HeadReplacing, M::InterviewerReplaced);
    }
    match view.agent {
        // Somebody takes the place of one who was lost.
        Agent::Expected if view.phase == Phase::Live => is(S::Greeting, M::HeadGreeting, M::AnotherComes),
        Agent::Expected if view.waiting_long => is(S::Waiting, M::HeadWaiting, M::LongWait),
        Agent::Expected => is(S::Waiting, M::HeadWaiting, M::InterviewerSoon),
        Agent::Quiet => is(S::Checking, M::HeadChecking, M::CheckingOnInterviewer),
        Agent::Gone => is(S::Gone, M::HeadGone, M::InterviewerGone),
        Agent::Present => turn(view, agent, sound),
    }
}

/// Whether our own connection delivers.
fn is_up(view: &View) -> bool {
    view.link == ConnectionState::Up && view.link_fresh
}

/// The interviewer is there and answers.
fn turn(view: &View, agent: Option<AgentState>, sound: &Sound) -> Presence {
    use Message as M;
    use PresenceState as S;
    let greets = |line| is(S::Greeting, M::HeadGreeting, line);
    match agent {
        Some(AgentState::Speaking) => {
            // Nobody answers a goodbye.
            let line = sound.hears_nothing.clone().or((!view.said_goodbye).then_some(M::Speaking));
            Presence { state: S::Speaking, heading: M::HeadSpeaking, line, seconds_left: None }
        }
        // One that waits to be spoken to hears a greeting.
        Some(AgentState::Listening) if !view.greeted && !sound.muted && sound.unheard().is_none() => {
            greets(M::SayHello)
        }
        Some(AgentState::Listening | AgentState::Thinking | AgentState::Initializing) | None
            if !view.greeted =>
        {
            greets(M::AboutToBegin)
        }
        Some(AgentState::Thinking) => {
            Presence { state: S::Thinking, heading: M::HeadThinking, line: None, seconds_left: None }
        }
        Some(AgentState::Listening | AgentState::Initializing) | None => yours(sound),
    }
}

/// It is the candidate's turn.
fn yours(sound: &Sound) -> Presence {
    use Message as M;
    use PresenceState as S;
    if sound.muted {
        return is(S::Muted, M::HeadMuted, M::Muted);
    }
    match (sound.unheard(), &sound.hears_nothing) {
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
        }
        for agent in [AgentState::Initializing, AgentState::Listening] {
            assert_eq!(state(&over, agent), PresenceState::Goodbye);
        }
        // The goodbye itself is thought of and spoken, and nobody is told to answer it.
        assert_eq!(state(&over, AgentState::Thinking), PresenceState::Thinking);
        let goodbye = shown(&over, AgentState::Speaking, &Sound::default());
        assert_eq!((goodbye.state, goodbye.line), (PresenceState::Speaking, None));
        for agent in [Agent::Quiet, Agent::Gone] {
            let gone = View { agent, ..over.clone() };
            assert_eq!(state(&gone, AgentState::Speaking), PresenceState::Goodbye, "nobody is missed");
        }
        let lost = View { link_fresh: false, ..over };
        assert_eq!(state(&lost, AgentState::Speaking), PresenceState::Goodbye, "nor is a connection");
        // Who takes over has yet to begin.
        let successor = View { agent: Agent::Expected, waiting_long: true, ..view() };
        let shown = shown(&successor, AgentState::Listening, &Sound::default());
        assert_eq!(shown.line, Some(Message::AnotherComes));
    }

    #[test]
    fn what_keeps_a_candidate_from_being_heard_is_said_where_it_is_their_turn_and_nowhere_else() {
        let muted = Sound { muted: true, ..Sound::default() };
        let shown = |agent, sound: &Sound| shown(&view(), agent, sound);
        assert_eq!(shown(AgentState::Listening, &muted).state, PresenceState::Muted);
        assert_eq!(shown(AgentState::Speaking, &muted).state, PresenceState::Speaking);
        // Who is muted is not asked to say hello.
        let fresh = View { greeted: false, ..view() };
        let greeting =
            |sound: &Sound| presence(&fresh, Time(3_000), Some(AgentState::Listening), false, sound).line;
        assert_eq!(greeting(&Sound::default()), Some(Message::SayHello));
        assert_eq!(greeting(&muted), Some(Message::AboutToBegin));
        assert_eq!(muted.trouble().collect::<Vec<_>>(), [Message::MicrophoneOff]);
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
        // The interview's length ends it first.
        let late = View { remaining: Some(4_000), ..down.clone() };
        assert_eq!(shown(&late, AgentState::Listening, &Sound::default()).seconds_left, Some(4));
        let gone = View { room_gone: true, ..down.clone() };
        assert_eq!(state(&gone, AgentState::Listening), PresenceState::Closed);
        let first = View { phase: Phase::Joining, link: ConnectionState::Connecting, ..down };
        assert_eq!(state(&first, AgentState::Listening), PresenceState::Joining);
    }
}
