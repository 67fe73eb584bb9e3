//! What a person asks for.

use std::path::PathBuf;

use adjourn_protocol::{InviteLink, Note};
use adjourn_room::Transport;
use adjourn_session::{Input, Phase};

use crate::client::Client;
use crate::event::Event;
use crate::problem_report::ProblemReport;
use crate::receipt_page::ReceiptPage;
use crate::ui_state::Pressed;
use crate::{Command, Message, Shell, SoundSide, report_export};

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) fn command(&mut self, command: Command) {
        let Some(command) = self.of_seat(command) else { return };
        match command {
            Command::OpenLink { link } => self.open_link(&link),
            Command::ConfirmHost => self.invitation.confirm(),
            Command::ForgetLink => self.forget_link(),
            Command::ChooseDevice { side, id } => {
                self.ui.problem = None;
                self.audio.choose(side, id);
                match side {
                    SoundSide::Microphone => self.open_microphone(),
                    SoundSide::Loudspeaker => self.open_speaker(),
                }
            }
            // Who is about to join needs the way for that.
            Command::TryConnection if self.ui.pressed == Some(Pressed::Join) => {}
            Command::TryConnection => self.try_connection(),
            Command::RefreshDevices => {
                self.ui.problem = None;
                if self.devices_are_wanted() {
                    self.audio.open_anew(!self.ui.muted);
                }
                self.audio.look_for_devices();
            }
            Command::PlayTestSound => self.press(Pressed::TestSound),
            Command::ChimeHeard { heard } => self.audio.check.chime_was_heard(heard),
            Command::RecordSample => self.press(Pressed::Sample),
            // Once the interview is joined, its record has begun.
            Command::AskAdjustment { of, text } => {
                if self.session.phase() == Phase::Checking {
                    self.adjustment.write(of, &text);
                }
            }
            Command::Join => self.join(),
            Command::SetMuted { muted } => {
                self.ui.muted = muted;
                self.tell_whether_muted();
                // Closed, so that the light goes out: nobody listens.
                if muted {
                    self.audio.close_microphone();
                } else {
                    self.open_microphone();
                }
            }
            Command::SetPushToTalk { on } => {
                self.audio.set_push_to_talk(on);
                self.tell_whether_muted();
            }
            Command::Talk { talking } => {
                if self.audio.talk(talking) {
                    self.tell_whether_muted();
                }
            }
            Command::SetStage { stage, on } => self.audio.set_stage(stage, on),
            Command::UnmuteInSystem { side } => self.audio.unmute_in_system(side.into()),
            Command::Type { text } => self.type_answer(&text),
            Command::Draft { text } => self.ui.typing.draft(&text),
            Command::SetLanguage { language } => {
                self.preferences.change(|wish| wish.appearance.language = Some(language));
            }
            Command::SetTheme { theme } => self.preferences.change(|wish| wish.appearance.theme = theme),
            Command::SetTextSize { size } => self.preferences.change(|wish| wish.appearance.text_size = size),
            // Nothing was begun yet: the devices are still being opened.
            Command::End if self.ui.pressed == Some(Pressed::Join) => self.ui.pressed = None,
            Command::End => self.feed(Input::EndConfirmed),
            Command::GoOn => self.feed(Input::GoOnPressed),
            Command::CloseAsked => self.ui.close_question_is_seen(),
            Command::Stay => self.ui.stay(),
            Command::SaveCopy => self.save_copy(),
            Command::SaveReceipt => self.save_receipt(),
            Command::WriteProblemReport => self.ui.problem_report = Some(self.problem_report()),
            Command::SaveProblemReport => self.save_problem_report(),
            Command::DropProblemReport => self.ui.problem_report = None,
            // Answered before they come here; those of a seat, where there is none.
            Command::Close
            | Command::Quit
            | Command::EnterCode { .. }
            | Command::CallHelp { .. }
            | Command::TryPin { .. }
            | Command::NextCandidate => {}
        }
    }

    /// Tells room and record whether the candidate can be heard.
    fn tell_whether_muted(&mut self) {
        let muted = self.is_muted();
        if std::mem::replace(&mut self.ui.told_muted, muted) != muted {
            self.connection.set_muted(muted);
            self.recorder.note(if muted { Note::Muted } else { Note::Unmuted });
        }
    }

    /// Whether nothing of what the candidate says leaves the computer.
    pub(crate) fn is_muted(&self) -> bool {
        self.ui.muted || self.audio.is_held()
    }

    /// The report with what is known of it, for the organiser, when the way through the network is closed.
    fn save_copy(&self) {
        let Some(link) = self.invitation.link().cloned() else { return };
        let (storage, events) = (self.environment.storage.clone(), self.events.clone());
        let (folder, info, unsaved) = (self.copies.clone(), self.info.clone(), self.recorder.unsaved());
        tokio::spawn(async move {
            let copy = report_export::write(storage.as_ref(), &link, &info, unsaved, &folder).await;
            let told =
                copy.map_or_else(|why| why, |path| Message::Copied { path: path.display().to_string() });
            events.tell(Event::FileWritten(told)).await;
        });
    }

    /// The receipt as a page, for the candidate.
    fn save_receipt(&self) {
        let Some(receipt) = self.deliveries.receipt().cloned() else { return };
        let (shown, folder) = (self.presenter.last().clone(), self.copies.clone());
        let zone = *self.environment.clock.wall().with_timezone(&chrono::Local).offset();
        self.save(
            move || ReceiptPage { receipt: &receipt, shown: &shown, zone }.write(&folder),
            |path| Message::ReceiptSaved { path },
        );
    }

    fn problem_report(&self) -> String {
        let granted = self.invitation.granted();
        ProblemReport {
            info: &self.info,
            shown: self.presenter.last(),
            interview: granted.as_ref().map(|granted| (granted.interview_id.as_str(), granted.attempt)),
            figures: self.audio.figures(),
            history: &self.ui.history,
            now: self.environment.clock.wall(),
        }
        .text()
    }

    /// Exactly what was read.
    fn save_problem_report(&mut self) {
        let Some(text) = self.ui.problem_report.clone() else { return };
        let (folder, now) = (self.copies.clone(), self.environment.clock.wall());
        self.save(
            move || ProblemReport::write(&text, &folder, now),
            |path| Message::ProblemReportSaved { path },
        );
    }

    /// Writes a file beside the loop: it may be on a disk that takes its time. Tells where it is.
    fn save(
        &self,
        write: impl FnOnce() -> Result<PathBuf, Message> + Send + 'static,
        saved: impl FnOnce(String) -> Message + Send + 'static,
    ) {
        let events = self.events.clone();
        tokio::spawn(async move {
            // One that panics tells that by itself.
            let Ok(written) = tokio::task::spawn_blocking(write).await else { return };
            let told = written.map_or_else(|why| why, |path| saved(path.display().to_string()));
            events.tell(Event::FileWritten(told)).await;
        });
    }

    pub(crate) fn open_link(&mut self, text: &str) {
        let parsed = InviteLink::parse(text);
        let same = parsed.as_ref().is_ok_and(|link| self.invitation.link() == Some(link));
        let phase = self.session.phase();
        if phase != Phase::Checking {
            // Opened again: its window is this one.
            let over = matches!(phase, Phase::WrappingUp | Phase::Completed);
            if over || !same {
                let what = if over { Message::AfterThis } else { Message::OneAtATime };
                self.ui.says_for_a_while(what, phase);
            }
            return;
        }
        match parsed {
            // A double click.
            Ok(_) if same => self.ui.link_is_settled(),
            Ok(link) => {
                self.ui.link_is_settled();
                (self.ui.problem, self.ui.pressed) = (None, None);
                self.link_is_another();
                // Until its host is known to be right, nobody listens.
                self.close_devices();
                self.connection_check.stop();
                self.invitation.take(link);
            }
            // A link that was opened before stays as good as it was.
            Err(error) if self.invitation.link().is_some() => {
                self.ui.says_for_a_while((&error).into(), phase);
            }
            Err(error) => self.ui.problem = Some((&error).into()),
        }
    }

    pub(crate) fn link_is_another(&mut self) {
        self.ui.link_is_another();
        self.adjustment.is_of(None);
    }

    fn forget_link(&mut self) {
        self.invitation.forget_unconfirmed();
        self.ui.problem = None;
        if self.session.phase() == Phase::Checking {
            self.invitation.forget();
            self.link_is_another();
            self.ui.pressed = None;
            self.connection_check.stop();
            self.close_devices();
        }
    }

    /// Tries the way to the room of the link that is open, before the interview.
    pub(crate) fn try_connection(&mut self) {
        if let Some(link) = self.invitation.link().cloned()
            && self.session.phase() == Phase::Checking
        {
            self.connection_check.begin(&self.environment, self.connection.transport(), link);
        }
    }

    fn close_devices(&mut self) {
        self.audio.close_microphone();
        self.audio.close_speaker();
    }

    fn join(&mut self) {
        if self.invitation.link().is_none() || self.session.phase() != Phase::Checking {
            return;
        }
        self.audio.check.keep();
        self.connection_check.keep();
        // What was wrong a minute ago may be right now.
        self.ui.pressed = Some(Pressed::Join);
        self.open_microphone();
        self.open_speaker();
        self.go_on_with_what_was_pressed();
    }

    /// Something that is to be heard: the loudspeaker is opened first.
    fn press(&mut self, what: Pressed) {
        self.open_speaker();
        self.ui.pressed.get_or_insert(what);
        self.go_on_with_what_was_pressed();
    }

    pub(crate) fn open_microphone(&mut self) {
        if self.devices_are_wanted() && !self.ui.muted {
            self.audio.open_microphone();
        }
    }

    fn open_speaker(&mut self) {
        if self.devices_are_wanted() {
            self.audio.open_speaker();
        }
    }

    /// Once microphone and loudspeaker are open, or can't be.
    pub(crate) fn go_on_with_what_was_pressed(&mut self) {
        if self.audio.is_opening() {
            return;
        }
        match self.ui.pressed.take() {
            Some(Pressed::Join)
                if self.session.phase() == Phase::Checking && self.invitation.link().is_some() =>
            {
                match self.audio.problem() {
                    Some(problem) => (self.ui.problem, self.ui.can_retry) = (Some(problem), true),
                    None => {
                        self.ui.link_is_settled();
                        self.feed(Input::JoinPressed);
                    }
                }
            }
            Some(Pressed::TestSound) => self.audio.chime(),
            Some(Pressed::Sample) => self.audio.record_sample(),
            Some(Pressed::Join) | None => {}
        }
    }
}
