//! Between the session and the parts: what happened is given to the session, and what it wants done is done.

use std::time::Duration;

use adjourn_protocol::{Note, ReplacementAsked, ToolEnded};
use adjourn_room::Transport;
use adjourn_session::{Ending, Input, Output, Phase, Time};
use tokio::time::Instant;

use crate::client::Client;
use crate::connection::Entered;
use crate::presenter::{Scene, present};
use crate::sound::Floor;
use crate::{Appearance, Message, Shell};

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) fn now(&self) -> Time {
        self.environment.clock.now()
    }

    /// When the session wants to know what time it is.
    pub(crate) fn due(&self) -> Option<Instant> {
        let left = self.session.poll_timeout()?.since(self.now());
        Some(Instant::now() + Duration::from_millis(left))
    }

    pub(crate) fn time_passed(&mut self) {
        let now = self.now();
        self.trace.input(now, None);
        self.session.handle_timeout(now);
        self.act();
    }

    /// Gives the session an input and does what it says.
    pub(crate) fn feed(&mut self, input: Input) {
        let now = self.now();
        self.trace.input(now, Some(&input));
        self.session.handle(input, now);
        self.act();
    }

    fn act(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::RequestJoin => self.invitation.request_join(),
                Output::Connect => {
                    if let Some(livekit) = self.invitation.livekit().cloned() {
                        self.connection.connect(livekit);
                    }
                }
                Output::CancelConnect => {
                    self.connection.cancel();
                    self.invitation.give_up_joining();
                }
                Output::ReadRoster => {
                    if let Some(roster) = self.connection.roster() {
                        self.feed(Input::Roster { roster });
                    }
                }
                Output::Probe { sid, probe, id } => self.connection.probe(&sid, probe, id),
                Output::AskOrganiser => self.invitation.ask_organiser(),
                Output::AskReport => self.invitation.ask_report(),
                Output::Replace { sid, identity, otherwise } => {
                    tracing::warn!(%otherwise, "the interviewer is lost; another one is asked for");
                    let (at, lost) = (sid.clone(), identity.clone());
                    self.recorder.note(Note::InterviewerLost { sid: at, identity: lost, otherwise });
                    let within = Duration::from_millis(self.session.policy().replacement_limit);
                    self.invitation.ask_for_another(ReplacementAsked { sid, identity, otherwise }, within);
                }
                Output::ReleaseMicrophone => {
                    self.audio.speak_into(None);
                    self.audio.close_microphone();
                }
                Output::LeaveRoom => self.leave(),
                Output::CommitRecord(ending) => self.commit(ending),
            }
        }
        self.follow_the_interviewer();
    }

    /// Notes that the interview is live, pins an interviewer that is new to us (or to this room, after our restart or
    /// redial), and says who is heard.
    fn follow_the_interviewer(&mut self) {
        let live = self.session.phase() == Phase::Live;
        if live && self.ui.live(self.now()) {
            self.recorder.note(Note::Live);
        }
        if let Some(sid) = self.session.interviewer_sid().filter(|_| live).map(str::to_owned)
            && self.connection.pin(&sid)
        {
            let identity = self.session.interviewer_identity().map(str::to_owned);
            self.recorder.note(Note::InterviewerPinned { sid, identity });
            if let Some(tool) = self.invitation.take_remembered() {
                self.remember(tool);
            }
        }
        // When a person goes on with the candidate, every person is heard: who of them talks is not ours to say.
        self.audio.give_floor(Floor {
            identity: self.session.heard_identity().map(str::to_owned),
            unheard: self.session.unheard().map(str::to_owned).collect(),
            guests: self.session.policy().hear_guests,
            persons: self.session.floor_is_a_person(),
        });
    }

    /// A tool of which we learn afterwards. Only an end tool says something of now: any other may be older than what we saw
    /// of an end ourselves.
    pub(crate) fn remember(&mut self, tool: ToolEnded) {
        let pinned = self.session.interviewer_sid() == Some(tool.sid.as_str());
        if pinned && self.session.policy().end_tools.contains(&tool.name) {
            self.feed(tool.input());
        }
    }

    fn commit(&mut self, ending: Ending) {
        // Closing the window meant ending the interview, which is done. What was told of a link is out of date, too.
        self.ui.stay();
        self.ui.link_is_settled();
        self.keep_what_nobody_took();
        tracing::info!(outcome = %ending.outcome, "the interview ended");
        self.recorder.commit(ending, self.audio.statistics(), &self.ui.captions);
    }

    /// Leaves the room; without one, nothing more is to be heard.
    pub(crate) fn leave(&mut self) {
        if !self.connection.leave(self.audio.buffered(), &self.events) {
            self.audio.close_speaker();
        }
    }

    /// An attempt to enter the room ended.
    pub(crate) fn entered(&mut self, entered: Entered<T::Room>) {
        let wanted = matches!(self.session.phase(), Phase::Joining | Phase::Waiting | Phase::Live);
        self.ui.told_muted = self.is_muted();
        let (inputs, microphone) = self.connection.entered(entered, wanted, self.ui.told_muted);
        if microphone.is_some() {
            self.audio.speak_into(microphone);
        }
        for input in inputs {
            if let Input::Connected { room_sid, .. } = &input {
                self.recorder.note(Note::Connected { room_sid: room_sid.clone() });
            }
            if matches!(input, Input::ConnectFailed { .. }) {
                self.ui.connect_trouble = self.connection.refusal().map(Message::from);
            }
            self.feed(input);
        }
    }

    /// Looks at the levels.
    pub(crate) fn measure(&mut self) {
        if self.audio.give_up_hanging() {
            self.go_on_with_what_was_pressed();
        }
        let phase = self.session.phase();
        let measured = self.audio.measure(matches!(phase, Phase::Waiting | Phase::Live));
        if let Some(audible) = measured.audible {
            self.feed(Input::InterviewerLevel { audible });
        }
        if measured.spoke && !self.is_muted() {
            self.feed(Input::CandidateSpoke);
        }
        if phase == Phase::Checking {
            self.audio.look_at_the_check();
        }
        if phase != Phase::Completed && self.presenter.moved(measured.meters) {
            self.shell.meters(measured.meters);
        }
    }

    /// What is looked after twice a second.
    pub(crate) fn look_after(&mut self) {
        let open = self.devices_are_wanted();
        self.connection.request_stats();
        if self.session.phase() == Phase::Live {
            self.connection.ask_history_again();
        }
        if open {
            self.audio.reconcile();
        }
        self.ui.forget_what_was_read();
        self.give_up_typed();
        if let Some(diagnostics) = self.audio.diagnostics().filter(|_| open) {
            self.shell.diagnostics(diagnostics);
        }
    }

    /// Whether a device may be open: not once the interview is over.
    pub(crate) fn devices_are_wanted(&self) -> bool {
        matches!(self.session.phase(), Phase::Checking | Phase::Joining | Phase::Waiting | Phase::Live)
    }

    fn appearance(&self) -> Appearance {
        self.preferences.read(|wish| wish.appearance.with(self.ui.language, self.system_language))
    }

    /// Shows what is true, if the screen shows something else.
    pub(crate) fn show(&mut self) {
        let view = self.session.view();
        let now = self.now();
        self.ui.follow(&view, now);
        let next = present(&Scene {
            now,
            version: &self.info.version,
            appearance: self.appearance(),
            view: &view,
            ui: &self.ui,
            link: self.invitation.link(),
            unconfirmed: self.invitation.unconfirmed(),
            input: self.audio.input(),
            output: self.audio.output(),
            check: self.audio.check.shown(),
            connection: self.connection_check.found(),
            can_type: self.may_type(),
            adjustment: self.adjustment.shown(),
            voice: self.audio.voice_options(),
            microphone_open: self.audio.microphone_open(),
            not_heard: self.audio.not_heard(),
            hears_nothing: self.audio.hears_nothing(),
            turned_away: self.connection.turned_away(),
            confirmed: self.deliveries.confirmed(),
            ended_at: self.recorder.ended_at(),
            seat: self.seat.as_ref().map(|seat| seat.shown(self.seat_scene())),
        });
        if let Some(snapshot) = self.presenter.next(next, view.ends_at) {
            self.ui.history.shows(snapshot, self.environment.clock.wall());
            self.shell.show(snapshot);
        }
    }
}
