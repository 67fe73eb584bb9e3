//! Messages on `lk.agent.session`: encoded requests, decoded answers and events.

use std::collections::HashMap;

use adjourn_session::{AgentState, CloseReason, Input, ProbeKind, Role};
use prost::Message as _;

use crate::room_event::{RoomEvent, Said};

#[allow(missing_docs, unreachable_pub, dead_code, clippy::all)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/livekit.agent.rs"));
}

/// Byte-stream topic of the agent's session host (livekit-agents `TOPIC_SESSION_MESSAGES`).
pub(crate) const TOPIC: &str = "lk.agent.session";

/// Prefix of our request ids; answers go to everybody, so a stranger's pong must not look like ours.
const PREFIX: &str = "adjourn";

/// A ping with number `id`, for the connection marked by `nonce`.
pub(crate) fn ping(nonce: &str, id: u64) -> Vec<u8> {
    request(
        format!("{PREFIX}-{nonce}-{id}"),
        proto::session_request::Request::Ping(proto::session_request::Ping {}),
    )
}

/// A request for the conversation so far.
pub(crate) fn history(nonce: &str) -> Vec<u8> {
    request(
        format!("{PREFIX}-{nonce}-history"),
        proto::session_request::Request::GetChatHistory(proto::session_request::GetChatHistory {}),
    )
}

fn request(request_id: String, request: proto::session_request::Request) -> Vec<u8> {
    let message = proto::agent_session_message::Message::Request(proto::SessionRequest {
        request_id,
        request: Some(request),
    });
    proto::AgentSessionMessage { message: Some(message) }.encode_to_vec()
}

/// Decodes messages of one connection; remembers the names of running tools by call id.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    nonce: String,
    running: HashMap<String, String>,
    /// Messages that were none.
    undecodable: u64,
}

impl Decoder {
    pub(crate) fn new(nonce: String) -> Self {
        Self { nonce, running: HashMap::new(), undecodable: 0 }
    }

    /// Turns one message of `sid` into events. What can't be decoded gives none.
    pub(crate) fn decode(&mut self, sid: &str, bytes: &[u8]) -> Vec<RoomEvent> {
        use proto::agent_session_message::Message as M;
        let sid = sid.to_owned();
        match proto::AgentSessionMessage::decode(bytes).map(|m| m.message) {
            Ok(Some(M::Event(event))) => event.event.map(|e| self.event(sid, e)).unwrap_or_default(),
            Ok(Some(M::Response(response))) => self.response(sid, response),
            Ok(Some(M::Request(_)) | None) => Vec::new(),
            Err(error) => {
                self.undecodable += 1;
                // The first, and then ever fewer: a flood on the topic is no flood of the log.
                if self.undecodable.is_power_of_two() {
                    let count = self.undecodable;
                    tracing::warn!(%error, count, "a message of the interviewer's session could not be decoded");
                }
                Vec::new()
            }
        }
    }

    fn response(&self, sid: String, response: proto::SessionResponse) -> Vec<RoomEvent> {
        use proto::session_response::Response as R;
        let Some(own) = response.request_id.strip_prefix(&format!("{PREFIX}-{}-", self.nonce)) else {
            return Vec::new();
        };
        match response.response {
            Some(R::GetChatHistory(history)) => {
                let last_tool = last_tool(&sid, &history.items);
                let said = history.items.into_iter().filter_map(said).collect();
                vec![RoomEvent::History { sid, said, last_tool }]
            }
            Some(R::Pong(_)) | None => own
                .parse()
                .map(|id| vec![RoomEvent::Input(Input::ProbeAnswered { sid, probe: ProbeKind::Session, id })])
                .unwrap_or_default(),
        }
    }

    fn event(&mut self, sid: String, event: proto::agent_session_event::Event) -> Vec<RoomEvent> {
        use proto::agent_session_event::Event as E;
        use proto::agent_session_event::tool_execution_updated::Update as U;
        match event {
            E::AgentStateChanged(changed) => {
                let state = match changed.new_state() {
                    proto::AgentState::AsInitializing => AgentState::Initializing,
                    proto::AgentState::AsIdle | proto::AgentState::AsListening => AgentState::Listening,
                    proto::AgentState::AsThinking => AgentState::Thinking,
                    proto::AgentState::AsSpeaking => AgentState::Speaking,
                };
                vec![RoomEvent::Input(Input::AgentStateChanged { sid, state })]
            }
            // To be away, and back, is a silence that was noticed: nothing was heard.
            E::UserStateChanged(changed) => {
                let speaking = proto::UserState::UsSpeaking;
                if changed.old_state() == speaking || changed.new_state() == speaking {
                    vec![RoomEvent::Input(Input::CandidateHeard { sid })]
                } else {
                    Vec::new()
                }
            }
            E::UserInputTranscribed(_) => vec![RoomEvent::Input(Input::CandidateHeard { sid })],
            E::SessionClosed(closed) => {
                let reason = match closed.reason() {
                    proto::CloseReason::CrUnknown => CloseReason::Unknown,
                    proto::CloseReason::CrError => CloseReason::Error,
                    proto::CloseReason::CrJobShutdown => CloseReason::JobShutdown,
                    proto::CloseReason::CrParticipantDisconnected => CloseReason::ParticipantDisconnected,
                    proto::CloseReason::CrUserInitiated => CloseReason::UserInitiated,
                    proto::CloseReason::CrCompleted => CloseReason::Completed,
                };
                vec![RoomEvent::Input(Input::SessionClosed { sid, reason })]
            }
            E::AmdCompleted(_) => Vec::new(),
            E::ConversationItemAdded(added) => {
                let Some(said) = added.item.and_then(said) else { return Vec::new() };
                let role = said.role;
                vec![RoomEvent::Said { sid: sid.clone(), said }, RoomEvent::Input(Input::Item { sid, role })]
            }
            E::FunctionToolsExecuted(executed) => {
                let failed = |call_id: &str| {
                    executed.function_call_outputs.iter().any(|o| o.call_id == call_id && o.is_error)
                };
                executed
                    .function_calls
                    .iter()
                    .map(|call| {
                        RoomEvent::Input(Input::ToolEnded {
                            sid: sid.clone(),
                            name: call.name.clone(),
                            ok: !failed(&call.call_id),
                            call_id: call.call_id.clone(),
                        })
                    })
                    .collect()
            }
            E::Error(_) => vec![RoomEvent::Input(Input::SessionFailed { sid })],
            E::ToolExecutionUpdated(updated) => match updated.update {
                Some(U::Started(started)) => {
                    let Some(call) = started.function_call else { return Vec::new() };
                    self.running.insert(call.call_id.clone(), call.name.clone());
                    vec![RoomEvent::Input(Input::ToolStarted { sid, name: call.name, call_id: call.call_id })]
                }
                Some(U::Ended(ended)) => {
                    let Some(name) = self.running.remove(&ended.call_id) else { return Vec::new() };
                    let ok = match ended.status() {
                        proto::ToolCallStatus::TcDone => true,
                        proto::ToolCallStatus::TcError | proto::ToolCallStatus::TcCancelled => false,
                        proto::ToolCallStatus::TcRunning => return Vec::new(),
                    };
                    vec![RoomEvent::Input(Input::ToolEnded { sid, name, ok, call_id: ended.call_id })]
                }
                None => Vec::new(),
            },
        }
    }
}

/// The tool that was the last thing to happen in a conversation, but for the interviewer's words to it. Who comes back
/// in the middle of a goodbye learns in no other way that it is one. Once the candidate said something to it, it may
/// have been overtaken, and nothing is told.
fn last_tool(sid: &str, items: &[proto::chat_context::ChatItem]) -> Option<Input> {
    use proto::chat_context::chat_item::Item;
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut last = None;
    for item in items.iter().filter_map(|item| item.item.as_ref()) {
        match item {
            Item::FunctionCall(call) => {
                names.insert(&call.call_id, &call.name);
                last = None;
            }
            Item::FunctionCallOutput(output) => {
                last = names.get(output.call_id.as_str()).map(|name| (output, *name));
            }
            Item::Message(message) if message.role() == proto::ChatRole::User => last = None,
            Item::Message(_) => {}
        }
    }
    last.map(|(output, name)| Input::ToolEnded {
        sid: sid.to_owned(),
        name: name.to_owned(),
        ok: !output.is_error,
        call_id: output.call_id.clone(),
    })
}

/// A message of the candidate or the interviewer; everything else (instructions, tools) is none.
fn said(item: proto::chat_context::ChatItem) -> Option<Said> {
    let Some(proto::chat_context::chat_item::Item::Message(message)) = item.item else { return None };
    let role = match message.role() {
        proto::ChatRole::User => Role::Candidate,
        proto::ChatRole::Assistant => Role::Interviewer,
        proto::ChatRole::Developer | proto::ChatRole::System => return None,
    };
    let text = message
        .content
        .into_iter()
        .filter_map(|content| content.payload)
        .map(|proto::chat_message::chat_content::Payload::Text(text)| text)
        .collect::<Vec<_>>()
        .join("\n");
    Some(Said { id: message.id, role, text, interrupted: message.interrupted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event: proto::agent_session_event::Event) -> Vec<u8> {
        let message =
            proto::agent_session_message::Message::Event(proto::AgentSessionEvent { event: Some(event) });
        proto::AgentSessionMessage { message: Some(message) }.encode_to_vec()
    }

    fn pong(request_id: &str) -> Vec<u8> {
        let message = proto::agent_session_message::Message::Response(proto::SessionResponse {
            request_id: request_id.to_owned(),
            response: Some(proto::session_response::Response::Pong(proto::session_response::Pong {})),
        });
        proto::AgentSessionMessage { message: Some(message) }.encode_to_vec()
    }

    #[test]
    fn only_a_pong_to_our_own_ping_counts() {
        let mut decoder = Decoder::new("n1".to_owned());
        assert!(decoder.decode("PA_a", &pong("adjourn-n2-7")).is_empty());
        assert!(decoder.decode("PA_a", &pong("7")).is_empty());
        let events = decoder.decode("PA_a", &pong("adjourn-n1-7"));
        let expected = Input::ProbeAnswered { sid: "PA_a".to_owned(), probe: ProbeKind::Session, id: 7 };
        assert!(matches!(&events[..], [RoomEvent::Input(input)] if *input == expected));
    }

    #[test]
    fn the_official_word_of_a_close_is_understood_before_anybody_sends_it() {
        // AgentSessionMessage.event (3) { session_closed (25) { reason (1) = CR_USER_INITIATED (4), error (2) } }
        let bytes = [0x1a, 0x0b, 0xca, 0x01, 0x08, 0x08, 0x04, 0x12, 0x04, b'o', b'h', b'n', b'o'];
        let events = Decoder::new(String::new()).decode("PA_a", &bytes);
        let expected = Input::SessionClosed { sid: "PA_a".to_owned(), reason: CloseReason::UserInitiated };
        assert!(matches!(&events[..], [RoomEvent::Input(input)] if *input == expected), "{events:?}");
        // amd_completed (24) and what nobody knows yet (99) mean nothing, and are no error.
        for bytes in [&[0x1a, 0x03, 0xc2, 0x01, 0x00][..], &[0x1a, 0x03, 0x9a, 0x06, 0x00][..]] {
            assert!(Decoder::new(String::new()).decode("PA_a", bytes).is_empty());
        }
    }

    #[test]
    fn only_speech_counts_as_the_candidate_heard() {
        use proto::UserState::{UsAway, UsListening, UsSpeaking};
        use proto::agent_session_event::{Event, UserStateChanged};
        for (old, new, heard) in [
            (UsListening, UsSpeaking, 1),
            (UsSpeaking, UsListening, 1),
            (UsListening, UsAway, 0),
            (UsAway, UsListening, 0),
        ] {
            let changed = UserStateChanged { old_state: old.into(), new_state: new.into() };
            let events = Decoder::new(String::new()).decode("PA_a", &event(Event::UserStateChanged(changed)));
            assert_eq!(events.len(), heard, "{old:?} {new:?}");
        }
    }

    #[test]
    fn instructions_never_become_a_fact() {
        use proto::agent_session_event::{ConversationItemAdded, Event};
        let message = proto::ChatMessage {
            id: "item_1".to_owned(),
            role: proto::ChatRole::System.into(),
            content: vec![proto::chat_message::ChatContent {
                payload: Some(proto::chat_message::chat_content::Payload::Text("CANARY".to_owned())),
            }],
            interrupted: false,
        };
        let item = proto::chat_context::ChatItem {
            item: Some(proto::chat_context::chat_item::Item::Message(message)),
        };
        let bytes = event(Event::ConversationItemAdded(ConversationItemAdded { item: Some(item) }));
        assert!(Decoder::new(String::new()).decode("PA_a", &bytes).is_empty());
    }

    #[test]
    fn who_comes_back_in_a_goodbye_learns_of_the_tool_before_it() {
        use proto::chat_context::chat_item::Item;
        let message = |role: proto::ChatRole| {
            Item::Message(proto::ChatMessage { role: role.into(), ..proto::ChatMessage::default() })
        };
        let (user, assistant) = (proto::ChatRole::User, proto::ChatRole::Assistant);
        let call = |id: &str, name: &str| {
            Item::FunctionCall(proto::FunctionCall { call_id: id.to_owned(), name: name.to_owned() })
        };
        let output = |id: &str, is_error| {
            Item::FunctionCallOutput(proto::FunctionCallOutput { call_id: id.to_owned(), is_error })
        };
        let told = |items: Vec<Item>| {
            let items: Vec<_> =
                items.into_iter().map(|item| proto::chat_context::ChatItem { item: Some(item) }).collect();
            let input = last_tool("PA_a", &items)?;
            let Input::ToolEnded { name, ok, .. } = input else { panic!("{input:?}") };
            Some((name, ok))
        };
        let end = || vec![message(assistant), message(user), call("1", "end"), output("1", false)];
        let and = |more: Vec<Item>| told(end().into_iter().chain(more).collect());
        assert_eq!(and(vec![]), Some(("end".to_owned(), true)));
        assert_eq!(and(vec![message(assistant)]), Some(("end".to_owned(), true)), "its goodbye");
        assert_eq!(and(vec![message(user)]), None, "the candidate had a question");
        assert_eq!(and(vec![message(user), message(assistant)]), None, "the talk goes on");
        assert_eq!(and(vec![call("2", "look_up")]), None, "it does something else");
        assert_eq!(and(vec![call("2", "look_up"), output("2", true)]), Some(("look_up".to_owned(), false)));
        assert_eq!(told(vec![output("1", false)]), None, "a call that nobody made");
        assert_eq!(told(vec![]), None);
    }

    #[test]
    fn a_tool_that_ended_carries_the_name_it_started_with() {
        use proto::agent_session_event::{Event, ToolExecutionUpdated, tool_execution_updated as t};
        let mut decoder = Decoder::new(String::new());
        let call = proto::FunctionCall { call_id: "c".to_owned(), name: "end_interview".to_owned() };
        let started = t::Update::Started(t::Started { function_call: Some(call) });
        decoder.decode(
            "PA_a",
            &event(Event::ToolExecutionUpdated(ToolExecutionUpdated { update: Some(started) })),
        );
        let ended = t::Update::Ended(t::Ended {
            call_id: "c".to_owned(),
            status: proto::ToolCallStatus::TcDone.into(),
        });
        let events = decoder.decode(
            "PA_a",
            &event(Event::ToolExecutionUpdated(ToolExecutionUpdated { update: Some(ended) })),
        );
        assert!(
            matches!(&events[..], [RoomEvent::Input(Input::ToolEnded { name, ok: true, .. })] if name == "end_interview")
        );
    }
}
