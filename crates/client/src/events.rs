//! What comes back from work beside the loop.

use adjourn_outbox::{BackendError, DeliveryEvent, DeliveryOutcome};
use adjourn_protocol::{DeviceCheck, Note, ToolEnded};
use adjourn_room::Transport;
use adjourn_session::{Delivery, Input, JoinGrant, OrganiserWord, Outcome, Phase};

use crate::admission::{Admission, Rejection};
use crate::client::Client;
use crate::event::Event;
use crate::invitation::HostChecked;
use crate::unfinished::finish_abandoned;
use crate::{Language, Message, Shell};

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) async fn event(&mut self, event: Event) {
        match event {
            Event::Host { link, known } => {
                if self.invitation.host_checked(link.clone(), known) == HostChecked::Ready {
                    self.adjustment.is_of(Some(link));
                    self.open_microphone();
                    self.try_connection();
                }
            }
            Event::Invited { link, invited } => {
                if self.session.phase() == Phase::Checking && self.invitation.link() == Some(&link) {
                    self.ui.language = Language::of(&invited.language);
                    self.ui.invited = Some(invited.plain());
                }
            }
            Event::AdjustmentFound { link, text } => self.adjustment.found(&link, text),
            Event::AdjustmentKept { link, text } => self.adjustment.written(&link, text),
            Event::Unfinished { open, unasked } => {
                self.deliveries.wake();
                if let Some(seat) = &mut self.seat {
                    // Who sits here may be somebody else: whoever it was has the code.
                    seat.broke_off(open.is_some(), unasked);
                    return;
                }
                let taken = self.invitation.link().or(self.invitation.unconfirmed()).is_some();
                if let Some(link) = open.filter(|_| !taken) {
                    self.invitation.check_host(link, false);
                    self.ui.says_for_a_while(Message::Unfinished, self.session.phase());
                }
            }
            Event::Admitted(admission) => self.admitted(*admission).await,
            Event::Rejected(rejection) => {
                self.join_failed(rejection);
            }
            Event::Organiser { question, word } => {
                if self.invitation.is_newest(question) {
                    self.feed(Input::Organiser { word });
                }
            }
            Event::Reported { finished } => {
                self.feed(Input::Organiser { word: OrganiserWord::Reported { finished } });
            }
            Event::InterviewerDied { identity } => self.feed(Input::InterviewerDied { identity }),
            Event::ReplacementRefused => self.feed(Input::ReplacementRefused),
            Event::Confirmed => self.deliveries.confirm(),
            Event::Committed => {
                self.ui.copy_is_possible();
                self.feed(Input::RecordCommitted);
                self.deliveries.wake();
            }
            Event::CommittedInMemory => {
                self.feed(Input::RecordNotSaved);
                self.deliveries.wake();
            }
            Event::CommitIsSlow(record) => self.send_from_memory(record),
            Event::NotCommitted(record) => {
                self.feed(Input::RecordNotSaved);
                self.recorder.keep(record.clone());
                self.send_from_memory(record);
            }
            Event::Left => self.audio.close_speaker(),
            Event::NotJournaled => self.ui.disk_is_dead = true,
            Event::FileWritten(what) => {
                // What could not be saved can be saved elsewhere.
                if matches!(what, Message::ProblemReportSaved { .. }) {
                    self.ui.problem_report = None;
                }
                // In the middle of something else it is read and goes.
                let phase = self.session.phase();
                if matches!(phase, Phase::Waiting | Phase::Live) {
                    self.ui.says_for_a_while(what, phase);
                } else {
                    self.ui.notice = Some(what);
                }
            }
            Event::Delivery(event) => self.delivery(event),
            Event::Devices(devices) => {
                self.audio.found(devices);
                self.reconcile();
            }
            Event::ConnectionTried { number, tried } => self.connection_check.ended(number, &tried),
            Event::SeatLooked(looked) => self.seat_looked(*looked),
            Event::SeatTold { done, answer } => self.seat_told(done, answer),
            Event::SeatAssigned(answer) => self.seat_assigned(answer),
            Event::SeatServer(ahead) => {
                if let Some(seat) = &mut self.seat {
                    seat.health.answered(ahead);
                }
            }
            Event::PinTried(tried) => {
                let scene = self.seat_scene();
                if let Some(seat) = &mut self.seat {
                    seat.pin_tried(tried, scene);
                }
            }
            Event::NotUnmuted(kind) => self.audio.not_unmuted(kind),
            Event::Stream { kind, number, status } => {
                self.audio.tells(kind, number, status);
                self.reconcile();
            }
            Event::Opened(opened) => {
                self.audio.opened(*opened);
                self.go_on_with_what_was_pressed();
            }
        }
    }

    /// What is to be open is opened, as long as a device may be.
    fn reconcile(&mut self) {
        if self.devices_are_wanted() {
            self.audio.reconcile();
        }
    }

    /// The join did not work: the session is told that, and the screen why.
    fn join_failed(&mut self, rejection: Rejection) {
        self.ui.join_trouble = Some(rejection.message);
        self.feed(Input::JoinFailed { message: rejection.detail, retry: rejection.retry });
        if self.connection_check.found().is_none() {
            // Given up for the join: who can't join wants to know how the way there is.
            self.try_connection();
        }
    }

    /// Delivers a record that is not on disk.
    fn send_from_memory(&self, record: Vec<u8>) {
        if let Some(admission) = self.invitation.admission() {
            self.deliveries.send_from_memory(admission.join.clone(), admission.granted(), record);
        }
    }

    async fn admitted(&mut self, mut admission: Admission) {
        // An answer to another link, or to a join that was given up.
        if self.session.phase() != Phase::Joining || !self.invitation.is_of(&admission) {
            return;
        }
        let join_id = admission.join.join_id.clone();
        if admission.answer.livekit.is_none() {
            let head = admission.head.clone();
            if let Err(error) = finish_abandoned(&self.environment, &join_id, head).await {
                tracing::error!(%error, "an earlier interview could not be closed");
            }
            self.deliveries.wake();
            let detail = "the interview has ended".to_owned();
            self.join_failed(Rejection { message: Message::AlreadyEnded, detail, retry: false });
            return;
        }
        let interview = &admission.answer.interview;
        self.span =
            tracing::info_span!("interview", interview_id = %interview.id, attempt = interview.attempt);
        let _entered = self.span.clone().entered();
        tracing::info!("joined");
        self.session.set_policy(admission.answer.policy.clone());
        self.trace.policy(&admission.answer.policy);
        self.audio.process(admission.answer.policy.sound_processing);
        let (answer, head) = (&admission.answer, admission.head.clone());
        let remaining = (answer.interview.ends_at - answer.now).num_milliseconds();
        let grant = JoinGrant {
            agent_name: answer.livekit.as_ref().and_then(|livekit| livekit.agent_name.clone()),
            remaining: u64::try_from(remaining).unwrap_or(0),
            replacements: answer.interview.replacements,
        };
        // What is gone of the longest time is what was talked, here or at another computer: by the server, whose time begins with the
        // interviewer. (In an interview that begins now, nothing; while nobody came, up to a minute of waiting.)
        let longest = u64::try_from(answer.interview.max_minutes).unwrap_or(0).saturating_mul(60_000);
        self.ui.went_on_before(self.now(), longest.saturating_sub(grant.remaining));
        let interview = answer.interview.clone().plain();
        self.ui.language = Language::of(&interview.language);
        (self.ui.title, self.ui.contact) = (Some(interview.title), interview.contact);
        self.recorder.begin(join_id, head, std::mem::take(&mut admission.before.told));
        let ended = |tool: &ToolEnded| tool.ok && self.session.policy().end_tools.contains(&tool.name);
        let ended = admission.before.last_tool.as_ref().is_some_and(ended);
        let was_live = admission.before.live;
        let adjustment_before = admission.before.adjustment.clone();
        self.invitation.admitted(admission);
        self.recorder.note(Note::Joined);
        self.note_seat();
        let connection = self.connection_check.kept();
        self.recorder.note(Note::DeviceCheck(DeviceCheck { connection, ..self.audio.check.kept() }));
        // Once: a join that could not enter its room comes this way again, and so does a run that goes on where another one was.
        if let Some(text) = self.adjustment.news(&adjustment_before) {
            self.recorder.note(Note::AdjustmentAsked { text });
        }
        self.ui.told_muted = self.is_muted();
        if self.ui.told_muted {
            self.recorder.note(Note::Muted);
        }
        if was_live {
            self.feed(Input::Resumed { ended });
        }
        self.feed(Input::JoinGranted(grant));
    }

    /// Something about an earlier interview: at a seat that was somebody else's.
    fn tell_of_another(&mut self, what: Message) {
        if self.seat.is_none() {
            self.ui.notice = Some(what);
        }
    }

    fn delivery(&mut self, event: DeliveryEvent) {
        let ours = self.invitation.admission().is_some_and(|a| a.join.join_id == event.join_id);
        match event.attempt {
            DeliveryOutcome::Delivered { receipt } if ours => {
                let view = self.session.view();
                let known = matches!(view.delivery, Delivery::Received { .. });
                let outcome = view.ending.map(|ending| ending.outcome);
                self.feed(Input::Delivered { receipt: receipt.claims.receipt_id.clone() });
                self.deliveries.received(receipt);
                if !known && !matches!(outcome, Some(Outcome::Finished | Outcome::NeverStarted)) {
                    self.invitation.ask_for_confirmation();
                }
                self.deliveries.let_go_of_the_folder();
            }
            DeliveryOutcome::Delivered { receipt } => {
                self.tell_of_another(Message::EarlierReceived { receipt: receipt.claims.receipt_id });
            }
            DeliveryOutcome::Parked { error } if ours => {
                self.ui.notice = Some(if let BackendError::Erased(detail) = &error {
                    Message::RecordRefused { detail: detail.clone() }
                } else {
                    (&error).into()
                });
                self.feed(Input::DeliveryParked);
            }
            DeliveryOutcome::Parked { error } => {
                tracing::warn!(%error, "an earlier interview was not accepted");
                self.tell_of_another(Message::EarlierRefused);
            }
            DeliveryOutcome::Later { .. } if ours => self.deliveries.put_off(),
            DeliveryOutcome::Later { .. } => {}
        }
    }
}
