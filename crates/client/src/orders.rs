//! What a person asks for, and the devices that it needs.

use std::time::{Duration, Instant};

use adjourn_audio::DeviceChoice;
use adjourn_protocol::{JoinLink, Note};
use adjourn_room::{RoomLink, Transport};
use adjourn_session::{Input, Phase};

use crate::devices::{Ears, Mouth, Opened, Side};
use crate::run::{About, Client, Event, Pressed};
use crate::snapshot::Meters;
use crate::{Command, Shell, copy, words};

/// A notice in the middle of an interview is read within this.
const READ: Duration = Duration::from_secs(30);
/// A device that failed is opened again this often.
const MENDING_PAUSE: Duration = Duration::from_secs(2);
/// A microphone that gives nothing for so long is told of (list of endings, `flat-zero`).
const MICROPHONE_SILENT: Duration = Duration::from_millis(2_500);

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) fn command(&mut self, command: Command) {
        match command {
            Command::OpenLink { link } => self.open_link(&link),
            Command::ConfirmHost => {
                if let Some(link) = self.unconfirmed.take() {
                    self.check_host(link, true);
                }
            }
            Command::ForgetLink => {
                self.unconfirmed = None;
                self.shown.problem = None;
                if self.session.phase() == Phase::Checking {
                    (self.link, self.pressed) = (None, None);
                    self.open.close_microphone();
                    self.open.close_speaker();
                }
            }
            Command::ChooseInput { id } => {
                self.shown.problem = None;
                self.setup.mouth = Mouth::Device(DeviceChoice::from_id(id));
                self.open_microphone();
            }
            Command::ChooseOutput { id } => {
                self.shown.problem = None;
                self.setup.ears = Ears::Device(DeviceChoice::from_id(id));
                self.open_speaker();
            }
            Command::RefreshDevices => {
                self.shown.problem = None;
                self.open_microphone();
                self.open_speaker();
                self.refresh_devices();
            }
            Command::PlayTestSound => self.play_test_sound(),
            Command::Join => self.join(),
            Command::SetMuted { muted } => {
                self.shown.muted = muted;
                if let Some(room) = &self.room {
                    room.set_muted(muted);
                }
                self.note(if muted { Note::Muted } else { Note::Unmuted });
            }
            // Nothing was begun yet: the devices are still being opened.
            Command::End if self.pressed == Some(Pressed::Join) => self.pressed = None,
            Command::End => self.feed(Input::EndConfirmed),
            Command::GoOn => self.feed(Input::GoOnPressed),
            // Answered before it comes here.
            Command::Close => {}
            Command::Stay => {
                self.close_asked = None;
                self.shown.closing = false;
            }
            Command::SaveCopy => self.save_copy(),
            Command::Quit => {}
        }
    }

    /// The report with what is known of it, for the organiser, when the way through the network is closed.
    fn save_copy(&self) {
        let Some(link) = self.link.clone() else { return };
        let (outbox, events) = (self.outbox.clone(), self.events.clone());
        let (folder, info, unsaved) =
            (self.setup.copies.clone(), self.setup.info.clone(), self.unsaved.clone());
        tokio::spawn(async move {
            let copy = copy::write(&outbox, &link, &info, unsaved, &folder).await;
            // The loop is gone: the process is ending.
            let _ = events.send(Event::Copied(copy.map_err(|error| error.to_string()))).await;
        });
    }

    pub(crate) fn open_link(&mut self, text: &str) {
        let parsed = JoinLink::parse(text);
        let same = parsed.as_ref().is_ok_and(|link| self.link.as_ref() == Some(link));
        if self.session.phase() != Phase::Checking {
            // Opened again: its window is this one.
            let over = matches!(self.session.phase(), Phase::WrappingUp | Phase::Completed);
            if over || !same {
                self.say(About::Link, if over { words::AFTER_THIS } else { words::ONE_AT_A_TIME });
            }
            return;
        }
        match parsed {
            // A double click.
            Ok(_) if same => self.unsay(About::Link),
            Ok(link) => {
                self.unsay(About::Link);
                self.shown.problem = None;
                // Until its host is known to be right, there is nothing to join, neither this one nor the one before, and
                // nobody listens.
                (self.link, self.unconfirmed, self.pressed) = (None, None, None);
                self.open.close_microphone();
                self.open.close_speaker();
                self.check_host(link, false);
            }
            // A link that was opened before stays as good as it was.
            Err(error) if self.link.is_some() => {
                self.say(About::Link, &words::sentence(&error.to_string()));
            }
            Err(error) => self.shown.problem = Some(words::sentence(&error.to_string())),
        }
    }

    /// Something to know about something that settles it. That the disk takes nothing stays on the screen beside it.
    pub(crate) fn say(&mut self, about: About, what: &str) {
        let disk = self.shown.notice.as_ref().is_some_and(|said| said.ends_with(words::NOT_JOURNALED));
        let rest = if disk { format!(" {}", words::NOT_JOURNALED) } else { String::new() };
        self.shown.notice = Some(format!("{what}{rest}"));
        let passes = self.session.phase() != Phase::Checking;
        self.notice = Some((about, passes.then(|| Instant::now() + READ)));
    }

    /// It is settled.
    pub(crate) fn unsay(&mut self, about: About) {
        if self.notice.take_if(|(of, _)| *of == about).is_some() {
            let disk = self.shown.notice.as_ref().is_some_and(|said| said.ends_with(words::NOT_JOURNALED));
            self.shown.notice = disk.then(|| words::NOT_JOURNALED.to_owned());
        }
    }

    /// What was said in the middle of something else has been read.
    pub(crate) fn forget_notice(&mut self) {
        if let Some((about, Some(until))) = self.notice
            && Instant::now() >= until
        {
            self.unsay(about);
        }
    }

    pub(crate) fn check_host(&mut self, link: JoinLink, confirm: bool) {
        self.checking = Some(link.clone());
        let (outbox, events) = (self.outbox.clone(), self.events.clone());
        tokio::spawn(async move {
            let local = link.server.scheme() == "http"; // this very machine
            let known = outbox.host_known(&link.host(), confirm).await.unwrap_or(false);
            // The loop is gone: the process is ending.
            let _ = events.send(Event::Host { link, known: known || confirm || local }).await;
        });
    }

    pub(crate) fn join(&mut self) {
        if self.link.is_none() || self.session.phase() != Phase::Checking {
            return;
        }
        // Opened anew: what was wrong a minute ago may be right now.
        self.pressed = Some(Pressed::Join);
        self.open_microphone();
        self.open_speaker();
        self.go_on_with_what_was_pressed();
    }

    /// Once microphone and loudspeaker are open, or can't be.
    fn go_on_with_what_was_pressed(&mut self) {
        if self.open.opening() != (false, false) {
            return;
        }
        match self.pressed.take() {
            Some(Pressed::Join) if self.session.phase() == Phase::Checking && self.link.is_some() => {
                let broken = self.shown.input.problem.clone().or_else(|| self.shown.output.problem.clone());
                match broken {
                    Some(problem) => {
                        self.shown.problem = Some(problem);
                        self.shown.can_retry = true;
                    }
                    None => {
                        self.unsay(About::Link);
                        self.feed(Input::JoinPressed);
                    }
                }
            }
            Some(Pressed::TestSound) => self.chime(),
            Some(Pressed::Join) | None => {}
        }
    }

    pub(crate) fn refresh_devices(&self) {
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || {
            let devices = adjourn_audio::devices().map_err(|e| e.to_string());
            // The loop is gone: the process is ending.
            let _ = events.blocking_send(Event::Devices(devices));
        });
    }

    pub(crate) fn open_microphone(&mut self) {
        if !self.devices_are_wanted() {
            return;
        }
        let begun = self.open.open_microphone(&self.setup.mouth);
        match &self.setup.mouth {
            // A sound card's answer comes later; until then the last one stands.
            Mouth::Device(choice) => self.shown.input.chosen = chosen(choice),
            Mouth::Recording(_) => {
                self.shown.input.problem = begun.err().map(|error| words::sentence(&error.to_string()));
            }
        }
    }

    pub(crate) fn open_speaker(&mut self) {
        if !self.devices_are_wanted() {
            return;
        }
        self.open.open_speaker(&self.setup.ears);
        if let Ears::Device(choice) = &self.setup.ears {
            self.shown.output.chosen = chosen(choice);
        }
    }

    /// A device was opened, or can't be.
    pub(crate) fn opened(&mut self, opened: Opened) {
        if let Some((side, result)) = self.open.opened(opened) {
            let problem = result.err().map(|error| words::sentence(&error.to_string()));
            let (mending, shown) = match side {
                Side::Microphone => (&mut self.mending.0, &mut self.shown.input.problem),
                Side::Speaker => (&mut self.mending.1, &mut self.shown.output.problem),
            };
            *mending &= problem.is_some();
            *shown = problem;
        }
        self.go_on_with_what_was_pressed();
    }

    fn play_test_sound(&mut self) {
        self.open_speaker();
        self.pressed.get_or_insert(Pressed::TestSound);
        self.go_on_with_what_was_pressed();
    }

    fn chime(&self) {
        let Some(mut speaker) = self.open.speaker.own_voice() else { return };
        tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            for frame in adjourn_audio::chime() {
                pace.tick().await;
                speaker.push(&frame);
            }
        });
    }

    pub(crate) fn measure(&mut self) {
        for hanging in self.open.hanging() {
            self.opened(hanging);
        }
        let phase = self.session.phase();
        if matches!(phase, Phase::Waiting | Phase::Live) {
            let audible = self.open.speaker.audible();
            if audible != self.audible {
                self.audible = audible;
                self.feed(Input::InterviewerLevel { audible });
            }
            if self.open.took_speech() && !self.shown.muted {
                self.feed(Input::CandidateSpoke);
            }
        }
        let (input, nothing_for) = self.open.listen();
        self.shown.microphone_silent = nothing_for >= MICROPHONE_SILENT;
        if phase != Phase::Completed {
            self.shell.meters(Meters { input, output: self.open.speaker.level() });
        }
    }

    /// Opens again what failed in the middle, until that works.
    pub(crate) fn mend_devices(&mut self) {
        let (microphone, speaker) = self.open.failed();
        self.mending = (self.mending.0 || microphone, self.mending.1 || speaker);
        if self.mended.is_some_and(|at| at.elapsed() < MENDING_PAUSE) || self.mending == (false, false) {
            return;
        }
        self.mended = Some(Instant::now());
        let opening = self.open.opening();
        if self.mending.0 && !opening.0 {
            self.open_microphone();
        }
        if self.mending.1 && !opening.1 {
            self.open_speaker();
        }
    }

    /// Whether a device may be open: not once the interview is over.
    fn devices_are_wanted(&self) -> bool {
        matches!(self.session.phase(), Phase::Checking | Phase::Joining | Phase::Waiting | Phase::Live)
    }
}

fn chosen(choice: &DeviceChoice) -> Option<String> {
    match choice {
        DeviceChoice::SystemDefault => None,
        DeviceChoice::Named(id) => Some(id.clone()),
    }
}
