//! What comes out of the room.

use adjourn_protocol::{Note, ToolEnded, is_typed};
use adjourn_room::{RoomEvent, Token, Transport};
use adjourn_session::{AgentState, Input};

use crate::Shell;
use crate::client::Client;

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) fn room_event(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Input(input) => {
                self.observe(&input);
                // What was said while we were out of the room was told to nobody.
                let back = matches!(input, Input::Reconnected { .. });
                let probe = if let Input::ProbeAnswered { id, .. } = input { Some(id) } else { None };
                self.feed(input);
                if let Some(probe) = probe {
                    self.answered(probe);
                }
                if back {
                    self.connection.ask_history();
                }
            }
            RoomEvent::Said { sid, said } => {
                if self.session.interviewer_sid() == Some(sid.as_str()) {
                    self.recorder.said(said);
                }
            }
            RoomEvent::History { sid, said, last_tool } => {
                if self.connection.history_told(&sid) {
                    self.recorder.history(said);
                    if let Some(tool) = last_tool.as_ref().and_then(ToolEnded::of) {
                        self.remember(tool);
                    }
                }
            }
            RoomEvent::Link(numbers) => self.audio.link.look(numbers),
            RoomEvent::Token(Token(token)) => self.invitation.renew(token),
            // Nobody else gives out what the candidate typed.
            RoomEvent::Caption(caption) if is_typed(&caption.segment) => {}
            RoomEvent::Caption(caption) => {
                if let Some(done) = self.ui.caption(caption) {
                    self.recorder.caption(&done);
                }
            }
            RoomEvent::Typed { sent } => self.typed(sent),
            RoomEvent::Sound(sound) => self.audio.play(sound),
        }
    }

    /// What the screen and the timeline want to know of an input.
    fn observe(&mut self, input: &Input) {
        let pinned = self.session.interviewer_sid().map(str::to_owned);
        let is_pinned = |sid: &str| pinned.as_deref() == Some(sid);
        let state = if let Input::AgentStateChanged { sid, state } = input {
            Some((sid, *state))
        } else if let Input::ParticipantChanged(p) | Input::ParticipantJoined(p) = input {
            p.state.map(|state| (&p.sid, state))
        } else {
            None
        };
        if let Some((sid, state)) = state
            && (is_pinned(sid) || pinned.is_none())
            && let Some(before) = self.ui.agent_is(state)
        {
            self.recorder.note(Note::Interviewer { state });
            // A session listens for a moment before its first question: that is nobody's turn.
            if state == AgentState::Listening && before == Some(AgentState::Speaking) {
                self.audio.your_turn();
            }
        }
        if let Input::ParticipantLeft { reason, .. } = input {
            self.recorder.note(Note::ParticipantLeft { reason: *reason });
        } else if let Input::Disconnected { reason } = input {
            self.recorder.note(Note::Disconnected { reason: *reason });
        } else if *input == Input::Reconnecting {
            self.recorder.note(Note::Reconnecting);
        } else if let Input::Reconnected { room_sid, .. } = input {
            self.recorder.note(Note::Reconnected { room_sid: room_sid.clone() });
        } else if let Some(tool) = ToolEnded::of(input).filter(|tool| is_pinned(&tool.sid)) {
            self.recorder.note(Note::ToolEnded(tool));
        }
    }
}
