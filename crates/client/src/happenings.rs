//! What comes back: from work beside the loop, and from the room.

use adjourn_audio::Devices;
use adjourn_outbox::{Attempt, DeliveryEvent};
use adjourn_protocol::{Line as Written, Note, Secret, ToolEnded, Turn};
use adjourn_room::{Fact, Said, Token, Transport};
use adjourn_session::{AgentState, Delivery, Input, JoinGrant, OrganiserWord, Outcome, Phase, Role};
use chrono::{DateTime, Utc};

use crate::join::Admission;
use crate::journal::{Journal, finish_abandoned};
use crate::run::{About, Client, Event};
use crate::snapshot::{DeviceList, Line, Speaker};
use crate::{Shell, deliverer, sound, words};

/// Captions on the screen; older ones are in the record.
const SHOWN_CAPTIONS: usize = 200;

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) async fn event(&mut self, event: Event) {
        match event {
            // Of a link that another one has taken the place of.
            Event::Host { link, .. } if self.checking.as_ref() != Some(&link) => {}
            Event::Host { link, known: true } => {
                self.link = Some(link);
                self.open_microphone();
                self.refresh_devices();
            }
            Event::Host { link, known: false } => self.unconfirmed = Some(link),
            Event::Unfinished { open } => {
                self.wake.notify_one();
                if let Some(link) = open.filter(|_| self.link.is_none() && self.unconfirmed.is_none()) {
                    self.check_host(link, false);
                    self.say(About::Link, words::UNFINISHED);
                }
            }
            Event::Admitted(admission) => self.admitted(*admission).await,
            Event::Rejected(rejection) => {
                self.feed(Input::JoinFailed { message: rejection.message, retry: rejection.retry });
            }
            Event::Confirmed => self.confirmed = true,
            // What was answered to an earlier question may be older than what the newest one is about.
            Event::Organiser { question, word } if question == self.questions => {
                self.feed(Input::Organiser { word });
            }
            Event::Organiser { .. } => {}
            Event::Reported { finished } => {
                self.feed(Input::Organiser { word: OrganiserWord::Reported { finished } });
            }
            Event::Committed => {
                // There is one now.
                if self.shown.notice.as_deref() == Some(words::NO_COPY_YET) {
                    self.shown.notice = None;
                }
                self.feed(Input::RecordCommitted);
                self.wake.notify_one();
            }
            Event::CommittedInMemory => {
                self.feed(Input::RecordNotSaved);
                self.wake.notify_one();
            }
            Event::CommitIsSlow(record) => self.send_from_memory(record),
            Event::NotCommitted(record) => {
                self.feed(Input::RecordNotSaved);
                self.unsaved = Some(record.clone());
                self.send_from_memory(record);
            }
            Event::Left => self.open.close_speaker(),
            Event::NotJournaled => self.shown.notice = Some(words::NOT_JOURNALED.to_owned()),
            Event::Copied(Ok(path)) => self.shown.notice = Some(words::copied(&path)),
            Event::Copied(Err(problem)) => self.shown.notice = Some(problem),
            Event::Delivery(event) => self.delivery(event),
            Event::Devices(devices) => self.devices(devices),
            Event::Opened(opened) => self.opened(*opened),
        }
    }

    /// Delivers a record that is not on disk.
    fn send_from_memory(&self, record: Vec<u8>) {
        let (Some(granted), Some(admission)) = (self.granted(), &self.admission) else { return };
        let (join, info) = (admission.join.clone(), self.setup.info.clone());
        tokio::spawn(deliverer::from_memory(join, granted, info, record, self.events.clone()));
    }

    pub(crate) async fn admitted(&mut self, mut admission: Admission) {
        // An answer to another link, or to a join that was given up.
        if self.session.phase() != Phase::Joining || self.link.as_ref() != Some(&admission.join.link) {
            return;
        }
        let join_id: Secret = admission.join.join_id.clone();
        if admission.answer.livekit.is_none() {
            if let Err(error) = finish_abandoned(&self.outbox, &join_id, admission.head.clone()).await {
                tracing::error!(%error, "an earlier interview could not be closed");
            }
            self.wake.notify_one();
            self.feed(Input::JoinFailed { message: words::ALREADY_ENDED.to_owned(), retry: false });
            return;
        }
        self.session.set_policy(admission.answer.policy.clone());
        self.trace.policy(&admission.answer.policy);
        let before = std::mem::take(&mut admission.before);
        (self.remembered, self.turns) = (before.tool, before.told);
        let (answer, head) = (&admission.answer, admission.head.clone());
        let remaining = (answer.interview.ends_at - answer.now).num_milliseconds();
        let grant = JoinGrant {
            agent_name: answer.livekit.as_ref().and_then(|l| l.agent_name.clone()),
            remaining: u64::try_from(remaining).unwrap_or(0),
        };
        self.shown.title = Some(answer.interview.title.clone());
        self.journal = Some(Journal::start(self.outbox.clone(), join_id, head, self.events.clone()));
        self.admission = Some(admission);
        self.note(Note::Joined);
        if before.live {
            let ended = |tool: &ToolEnded| tool.ok && self.session.policy().end_tools.contains(&tool.name);
            let ended = before.last_tool.as_ref().is_some_and(ended);
            self.feed(Input::Resumed { ended });
        }
        self.feed(Input::JoinGranted(grant));
    }

    pub(crate) fn delivery(&mut self, event: DeliveryEvent) {
        let ours = self.admission.as_ref().is_some_and(|a| a.join.join_id == event.join_id);
        match event.attempt {
            Attempt::Delivered { receipt } if ours => {
                let view = self.session.view();
                let known = matches!(view.delivery, Delivery::Received { .. });
                let outcome = view.ending.map(|ending| ending.outcome);
                self.feed(Input::Delivered { receipt: receipt.claims.receipt_id });
                if !known && !matches!(outcome, Some(Outcome::Finished | Outcome::NeverStarted)) {
                    self.ask_for_confirmation();
                }
                self.let_go_of_the_folder();
            }
            Attempt::Delivered { receipt } => {
                let id = receipt.claims.receipt_id;
                self.shown.notice = Some(format!("An earlier interview has been received. Receipt: {id}"));
            }
            Attempt::Parked { reason } if ours => {
                self.shown.notice = Some(words::sentence(&reason));
                self.feed(Input::DeliveryParked);
            }
            Attempt::Parked { reason } => {
                self.shown.notice = Some(format!("An earlier interview was not accepted: {reason}"));
            }
            Attempt::Later { .. } => {}
        }
    }

    pub(crate) fn devices(&mut self, devices: Result<Devices, String>) {
        match devices {
            Ok(found) => {
                let list = |devices: Vec<adjourn_audio::Device>, old: &DeviceList| DeviceList {
                    default_name: devices.iter().find(|d| d.default).map(|d| d.name.clone()),
                    devices: devices.into_iter().map(|d| (d.id, d.name)).collect(),
                    chosen: old.chosen.clone(),
                    problem: old.problem.clone(),
                };
                self.shown.input = list(found.inputs, &self.shown.input);
                self.shown.output = list(found.outputs, &self.shown.output);
            }
            Err(problem) => self.shown.input.problem = Some(words::sentence(&problem)),
        }
    }

    pub(crate) fn fact(&mut self, fact: Fact) {
        match fact {
            Fact::Input(input) => {
                self.observe(&input);
                // What was said while we were out of the room was told to nobody.
                let back = matches!(input, Input::Reconnected { .. });
                self.feed(input);
                if back {
                    self.ask_history();
                }
            }
            Fact::Said { sid, said } => {
                if self.session.interviewer_sid() == Some(sid.as_str())
                    && let Some(at) = self.turns.now(&said, Utc::now())
                {
                    self.journal_turn(said, at);
                }
            }
            Fact::History { sid, said, last_tool } => {
                if self.pinned.as_ref() != Some(&sid) {
                    return;
                }
                self.history_asked = None;
                for (said, at) in self.turns.before(said, Utc::now()) {
                    self.journal_turn(said, at);
                }
                if let Some(tool) = last_tool.as_ref().and_then(ToolEnded::of) {
                    self.remember(tool);
                }
            }
            Fact::Token(Token(token)) => {
                // The first one may have run out when the room has to be entered again.
                if let Some(livekit) = self.admission.as_mut().and_then(|a| a.answer.livekit.as_mut()) {
                    livekit.token = Secret::new(token);
                }
            }
            Fact::Caption(caption) => {
                let line = Line {
                    id: caption.segment,
                    speaker: match caption.role {
                        Role::Candidate => Speaker::Candidate,
                        Role::Interviewer => Speaker::Interviewer,
                    },
                    text: caption.text,
                    done: caption.done,
                };
                if line.done {
                    self.journal_caption(&line);
                }
                match self.shown.captions.iter_mut().find(|known| known.id == line.id) {
                    // A piece that was late takes nothing from a line that is final.
                    Some(known) if known.done && !line.done => {}
                    Some(known) => *known = line,
                    None => self.shown.captions.push(line),
                }
                if self.shown.captions.len() > SHOWN_CAPTIONS {
                    self.shown.captions.remove(0);
                }
            }
            Fact::Sound(sound) => {
                tokio::spawn(sound::play(sound, self.open.speaker.clone()));
            }
        }
    }

    /// A tool of which we learn afterwards. Only an end tool says something of now: any other may be older than what we saw
    /// of an end ourselves.
    pub(crate) fn remember(&mut self, tool: ToolEnded) {
        let pinned = self.session.interviewer_sid() == Some(tool.sid.as_str());
        if pinned && self.session.policy().end_tools.contains(&tool.name) {
            self.feed(tool.input());
        }
    }

    /// A turn of the conversation, as the interviewer's session tells it.
    fn journal_turn(&self, said: Said, at: DateTime<Utc>) {
        if let Some(journal) = &self.journal {
            let turn = Turn { id: said.id, role: said.role, text: said.text, at };
            journal.write(self.now().0, Written::Said(turn));
        }
    }

    /// A line that was heard.
    pub(crate) fn journal_caption(&self, line: &Line) {
        if let Some(journal) = &self.journal {
            let role = match line.speaker {
                Speaker::Candidate => Role::Candidate,
                Speaker::Interviewer => Role::Interviewer,
            };
            let turn = Turn { id: line.id.clone(), role, text: line.text.clone(), at: Utc::now() };
            journal.write(self.now().0, Written::Caption(turn));
        }
    }

    /// What the screen and the timeline want to know of an input.
    pub(crate) fn observe(&mut self, input: &Input) {
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
            && self.agent_state != Some(state)
        {
            let before = self.agent_state.replace(state);
            self.note(Note::Interviewer { state });
            // A session listens for a moment before its first question: that is nobody's turn.
            if state == AgentState::Listening && before == Some(AgentState::Speaking) {
                self.open.your_turn();
            }
        }
        if let Input::ParticipantLeft { reason, .. } = input {
            self.note(Note::ParticipantLeft { reason: *reason });
        } else if let Input::Disconnected { reason } = input {
            self.note(Note::Disconnected { reason: *reason });
        } else if *input == Input::Reconnecting {
            self.note(Note::Reconnecting);
        } else if let Input::Reconnected { room_sid, .. } = input {
            self.note(Note::Reconnected { room_sid: room_sid.clone() });
        } else if let Some(tool) = ToolEnded::of(input).filter(|tool| is_pinned(&tool.sid)) {
            self.note(Note::ToolEnded(tool));
        }
    }
}
