//! What a seat means for the loop: which commands it takes, what it does with them, and when it is over.

use adjourn_outbox::BackendError;
use adjourn_protocol::{
    Assignment, AssignmentAsked, ClientInfo, InviteLink, LinkError, Note, SeatOrder, SeatOrders,
};
use adjourn_room::Transport;
use adjourn_session::Phase;

use crate::audio_io::AudioIo;
use crate::client::Client;
use crate::event::Event;
use crate::fate::fate;
use crate::invitation::Invitation;
use crate::seat::SeatScene;
use crate::seat_center::SeatFacts;
use crate::seat_policy::Looked;
use crate::side::Side;
use crate::ui_state::Pressed;
use crate::{Command, Shell, SoundSide};

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) fn seat_scene(&self) -> SeatScene {
        let view = self.session.view();
        let end = view.ending.as_ref().filter(|_| view.phase == Phase::Completed);
        SeatScene {
            phase: view.phase,
            has_link: self.invitation.link().is_some(),
            safe: end.is_some_and(|end| fate(end.outcome, &view.delivery).can_close),
        }
    }

    /// Does what is asked of a seat; gives back what is asked of every window, if a seat takes it.
    pub(crate) fn of_seat(&mut self, command: Command) -> Option<Command> {
        if self.seat.is_none() {
            return Some(command);
        }
        let scene = self.seat_scene();
        let Some(seat) = &mut self.seat else { return Some(command) };
        // What the page says by itself is nobody's doing.
        if !matches!(command, Command::Talk { talking: false } | Command::CloseAsked) {
            seat.touch();
        }
        match command {
            Command::EnterCode { code } => {
                // What was said to nobody is not said to them.
                seat.forget_message();
                let link = seat.link(code.expose());
                self.code_entered(scene, link);
                None
            }
            Command::CallHelp { on } => {
                seat.call_help(on);
                None
            }
            Command::TryPin { pin } => {
                seat.try_pin(pin);
                None
            }
            Command::NextCandidate => {
                seat.done(scene);
                None
            }
            Command::ForgetLink => {
                seat.goes_back(scene);
                None
            }
            // What was tight when the code was entered may be open by now.
            Command::Join if seat.trouble().is_some() || seat.is_on_hold() => None,
            Command::SetLanguage { language } if !seat.speaks(language) => None,
            // Files that a person would find are found by the next one; a link would lead where the policy does not.
            Command::OpenLink { .. }
            | Command::SaveCopy
            | Command::SaveReceipt
            | Command::WriteProblemReport
            | Command::SaveProblemReport
            | Command::Close => None,
            // A new one has to be thought of here.
            other @ (Command::ConfirmHost
            | Command::ChooseDevice { .. }
            | Command::TryConnection
            | Command::RefreshDevices
            | Command::PlayTestSound
            | Command::ChimeHeard { .. }
            | Command::RecordSample
            | Command::AskAdjustment { .. }
            | Command::Join
            | Command::DropProblemReport
            | Command::SetMuted { .. }
            | Command::SetPushToTalk { .. }
            | Command::Talk { .. }
            | Command::SetStage { .. }
            | Command::Type { .. }
            | Command::Draft { .. }
            | Command::UnmuteInSystem { .. }
            | Command::SetLanguage { .. }
            | Command::SetTheme { .. }
            | Command::SetTextSize { .. }
            | Command::End
            | Command::GoOn
            | Command::CloseAsked
            | Command::Stay
            | Command::Quit) => Some(other),
        }
    }

    fn code_entered(&mut self, scene: SeatScene, link: Option<Result<InviteLink, LinkError>>) {
        if scene.phase != Phase::Checking || scene.has_link {
            return;
        }
        match link {
            Some(Ok(link)) => {
                self.link_is_another();
                (self.ui.problem, self.ui.pressed) = (None, None);
                // The policy vouches for its host.
                self.invitation.check_host(link, true);
            }
            Some(Err(error)) => self.ui.problem = Some((&error).into()),
            // The screen says why.
            None => {}
        }
    }

    /// What was found of the seat's policy.
    pub(crate) fn seat_looked(&mut self, looked: Looked) {
        let Some(seat) = &mut self.seat else { return };
        if !seat.looked(looked) {
            return;
        }
        self.system_language = seat.language().or(self.system_language);
        let (microphone, loudspeaker) = seat.devices();
        for (side, id) in [(SoundSide::Microphone, microphone), (SoundSide::Loudspeaker, loudspeaker)] {
            if id.is_some() {
                self.audio.choose(side, id);
            }
        }
    }

    /// Looks after the seat; whether the program is to end.
    pub(crate) fn look_after_seat(&mut self) -> bool {
        // Once a turn: a window that is no seat does nothing for one.
        if self.seat.is_none() {
            return false;
        }
        let scene = self.seat_scene();
        let wall = self.environment.clock.wall();
        let Some(seat) = &mut self.seat else { return false };
        if scene.phase == Phase::Checking {
            seat.look(wall);
        }
        seat.look_at_health(scene, absent(&self.audio), &self.environment);
        if seat.has_center() {
            let only_here = self.environment.storage.volatile();
            let facts = facts(scene, &self.invitation, &self.audio, &self.info, only_here);
            seat.tell(scene, facts, &self.environment);
        }
        let over = seat.passes(scene).is_some();
        let unfinished = seat.looks_after_unfinished(scene).then(|| seat.offered_within());
        let held = matches!(scene.phase, Phase::Joining | Phase::Waiting | Phase::Live);
        if seat.around_changed() && held {
            self.note_seat();
        }
        if let Some(within) = unfinished {
            self.invitation.look_after_unfinished(Some(within));
        }
        over
    }

    /// What the center answered.
    pub(crate) fn seat_told(&mut self, done: i64, answer: Result<SeatOrders, BackendError>) {
        let (scene, only_here) = (self.seat_scene(), self.environment.storage.volatile());
        let Some(seat) = &mut self.seat else { return };
        let (mut assigned, held) = (false, seat.is_on_hold());
        for given in seat.monitor.answered(done, answer) {
            let order = seat.ordered(given, scene, only_here);
            assigned |= matches!(order, Some(SeatOrder::Assign { .. }));
        }
        seat.goes_on(held);
        if seat.is_on_hold() && self.ui.pressed == Some(Pressed::Join) {
            // It waits for a device, and would begin.
            self.ui.pressed = None;
        }
        if assigned && let Some((center, life)) = seat.asks_assignment() {
            let (environment, events) = (self.environment.clone(), self.events.clone());
            tokio::spawn(async move {
                let answer = environment.backend.assignment(&center, &AssignmentAsked { life }).await;
                events.tell(Event::SeatAssigned(answer)).await;
            });
        }
    }

    /// Whom the center assigned to this seat.
    pub(crate) fn seat_assigned(&mut self, answer: Result<Assignment, BackendError>) {
        let scene = self.seat_scene();
        let Some(seat) = &mut self.seat else { return };
        if let Some(code) = seat.assigned(answer, scene) {
            let link = seat.link(code.expose());
            self.code_entered(scene, link);
        }
    }

    /// Writes down where the interview is held, and how far that is locked.
    pub(crate) fn note_seat(&mut self) {
        if let Some(note) = self.seat.as_ref().and_then(|seat| seat.of_record()) {
            self.recorder.note(Note::Seat(note));
        }
    }
}

/// What a center is told of the interview and of the devices.
fn facts(
    scene: SeatScene,
    invitation: &Invitation,
    audio: &AudioIo,
    info: &ClientInfo,
    only_here: bool,
) -> SeatFacts {
    let held = scene.phase != Phase::Checking;
    let answer = invitation.admission().filter(|_| held).map(|admission| &admission.answer);
    let interview = answer.map(|answer| &answer.interview);
    let (microphone, loudspeaker) = (open_name(&audio.input), open_name(&audio.output));
    SeatFacts {
        interview_id: interview.map(|interview| interview.id.clone()),
        initials: interview.and_then(|interview| initials(interview.candidate_name.as_deref()?)),
        token: answer.map(|answer| answer.client_token.clone()),
        microphone,
        loudspeaker,
        round_trip_ms: audio.link.round_trip_ms().filter(|_| held),
        version: info.version.clone(),
        only_here: only_here && held,
    }
}

/// Name of the device that is open.
fn open_name(side: &Side) -> Option<String> {
    side.is_open().then(|| side.name()).filter(|name| !name.is_empty())
}

/// What there is none of on this computer, once that is known.
fn absent(audio: &AudioIo) -> Option<SoundSide> {
    let microphone = audio.input.has_none() && audio.recording.is_none();
    let loudspeaker = audio.output.has_none() && !audio.no_output;
    microphone.then_some(SoundSide::Microphone).or(loudspeaker.then_some(SoundSide::Loudspeaker))
}

/// First letters of up to three names.
fn initials(name: &str) -> Option<String> {
    let letters =
        name.split_whitespace().filter_map(|part| part.chars().find(|letter| letter.is_alphabetic()));
    let letters: String = letters.take(3).flat_map(char::to_uppercase).collect();
    Some(letters).filter(|letters| !letters.is_empty())
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn a_center_sees_who_it_is_and_not_their_name() {
        let shown = |name| initials(name).unwrap_or_default();
        assert_eq!(shown("Ada Lovelace"), "AL");
        assert_eq!(shown("  maria-josé de la  Cruz "), "MDL");
        assert_eq!(shown("Ωmega (née ß)"), "ΩNSS");
        assert_eq!(initials("42 --"), None);
    }
}
