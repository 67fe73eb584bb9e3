//! One of the two sides of sound: which device is chosen, which one is to be open, which one is, and what the screen shows of it.
//!
//! Nothing here waits for an event that may have come already: after whatever happened, [`Side::due`] compares what is to be open
//! with what is.

use std::time::Duration;

use adjourn_audio::{
    AudioError, Device, DeviceChoice, DeviceKind, StreamFormat, StreamStatus, is_same_device,
};
use adjourn_protocol::DeviceUsed;
use tokio::time::Instant;

use crate::Message;
use crate::preferences::Chosen;
use crate::snapshot::DeviceList;

/// PulseAudio is given up after 6 s (2 s for its devices, 4 s for one of them, in `adjourn-audio`); other systems give no bound of
/// their own.
const HANGS: Duration = Duration::from_secs(7);
/// Attempts that were given up and may still hold a thread each: with so many, nothing is tried before one of them comes back.
const MOST_ABANDONED: u32 = 3;
/// An opening that takes longer is told of.
const LONG: Duration = Duration::from_secs(1);
/// What did not work is tried again after this.
const PAUSE: Duration = Duration::from_secs(2);
/// A device that is listed and can't be found again and again is left alone for so long.
const MISSING_PAUSE: Duration = Duration::from_secs(10);

/// A device to open, and the attempt's number.
pub(crate) type Attempt = (DeviceChoice, u64);

/// What becomes of what an attempt brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Brought<T> {
    /// It is used.
    Open(T),
    /// There is nothing to do: it failed, or something else is wanted by now.
    Nothing,
}

/// What is open.
#[derive(Debug)]
enum Now {
    Closed,
    Opening { number: u64, choice: DeviceChoice, since: Instant },
    Open { number: u64, choice: DeviceChoice, since: Instant, device: Option<String>, flow: Flow },
}

/// Whether sound goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Flows,
    Starved,
    Lost,
}

/// What did not work.
#[derive(Debug)]
struct Failed {
    choice: DeviceChoice,
    problem: AudioError,
    again_at: Instant,
    /// Times in a row that the device was not there.
    missing: u32,
}

/// Microphone or loudspeaker, but for the stream itself.
pub(crate) struct Side {
    kind: DeviceKind,
    chosen: Option<Chosen>,
    /// What there is, once that was told.
    found: Option<Vec<Device>>,
    /// Why that is not known (any more).
    unlisted: Option<AudioError>,
    wanted: bool,
    now: Now,
    attempts: u64,
    abandoned: u32,
    /// One for each choice at most: the chosen device and what stands in for it fail by themselves.
    failed: Vec<Failed>,
    /// The system did not unmute it.
    stays_muted: bool,
    /// What was open last, and what it did.
    used: Option<DeviceUsed>,
    /// It broke, and was not open since.
    broke: bool,
    /// Times that it was opened after it broke.
    reopened: u64,
    list: DeviceList,
}

impl Side {
    /// What was asked for at the start counts more than what was `remembered` from another one.
    pub(crate) fn new(kind: DeviceKind, choice: DeviceChoice, remembered: Option<Chosen>) -> Self {
        let chosen = match choice {
            DeviceChoice::Named(id) => Some(Chosen { name: id.clone(), id }),
            DeviceChoice::SystemDefault => remembered,
        };
        let mut side = Self {
            kind,
            chosen,
            found: None,
            unlisted: None,
            wanted: false,
            now: Now::Closed,
            attempts: 0,
            abandoned: 0,
            failed: Vec::new(),
            stays_muted: false,
            used: None,
            broke: false,
            reopened: 0,
            list: DeviceList::default(),
        };
        side.show();
        side
    }

    /// The chosen device, as it is listed now. A Bluetooth headset has another id for each of its profiles.
    fn chosen_device(&self) -> Option<&Device> {
        let chosen = self.chosen.as_ref()?;
        self.found.iter().flatten().find(|device| is_same_device(&device.id, &chosen.id))
    }

    /// What did not work of that choice, if something did not.
    fn failure(&self, choice: &DeviceChoice) -> Option<&Failed> {
        self.failed.iter().find(|failed| failed.choice == *choice)
    }

    /// Whether another device stands in for the chosen one.
    fn is_away(&self, now: Instant) -> bool {
        let missing =
            |failed: &Failed| matches!(failed.problem, AudioError::Missing(_)) && now < failed.again_at;
        let not_there = self.found.is_some() && self.chosen_device().is_none();
        self.chosen.is_some() && (not_there || self.failed.iter().any(missing))
    }

    /// What is to be open, if something is.
    fn target(&self, now: Instant) -> DeviceChoice {
        match &self.chosen {
            Some(chosen) if !self.is_away(now) => {
                let id = self.chosen_device().map_or(&chosen.id, |device| &device.id);
                DeviceChoice::Named(id.clone())
            }
            Some(_) | None => DeviceChoice::SystemDefault,
        }
    }

    /// What is to be opened now, in place of what is open: nothing, if the right device is open or being opened.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Attempt> {
        if !self.wanted || self.abandoned >= MOST_ABANDONED {
            return None;
        }
        let target = self.target(now);
        let rests = self.failure(&target).is_some_and(|failed| now < failed.again_at);
        match &self.now {
            Now::Opening { .. } => return None,
            Now::Open { choice, .. } if *choice == target => return None,
            Now::Closed | Now::Open { .. } if rests => return None,
            Now::Closed | Now::Open { .. } => {}
        }
        self.attempts += 1;
        self.now = Now::Opening { number: self.attempts, choice: target.clone(), since: now };
        self.show_at(now);
        Some((target, self.attempts))
    }

    /// It is to be open. What did not work may work now: a person asks.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
        if matches!(self.now, Now::Open { flow: Flow::Lost, .. }) {
            self.now = Now::Closed;
        }
        self.failed.retain(|failed| matches!(failed.problem, AudioError::Missing(_)));
    }

    /// It is to be opened once more, even if it is open.
    pub(crate) fn want_anew(&mut self) {
        self.want();
        if matches!(self.now, Now::Open { .. }) {
            self.now = Now::Closed;
        }
    }

    /// Nobody wants it to be open any more.
    pub(crate) fn close(&mut self) {
        self.wanted = false;
        if matches!(self.now, Now::Open { .. }) {
            self.now = Now::Closed;
        }
        self.failed.clear();
        self.show();
    }

    /// Another device is wanted. Gives what is to be remembered.
    pub(crate) fn choose(&mut self, id: Option<String>) -> Option<Chosen> {
        self.chosen = id.filter(|id| !id.is_empty()).map(|id| {
            let name = self.found.iter().flatten().find(|device| device.id == id).map(|d| d.name.clone());
            Chosen { name: name.unwrap_or_else(|| id.clone()), id }
        });
        self.failed.clear();
        self.show();
        self.chosen.clone()
    }

    /// An attempt came to its end.
    pub(crate) fn ended<T>(
        &mut self,
        number: u64,
        result: Result<T, AudioError>,
        now: Instant,
    ) -> Brought<T> {
        let choice = match &self.now {
            Now::Opening { number: newest, choice, .. } if *newest == number => choice.clone(),
            Now::Opening { .. } | Now::Closed | Now::Open { .. } => {
                // One that was given up came back after all.
                self.abandoned = self.abandoned.saturating_sub(1);
                return Brought::Nothing;
            }
        };
        self.now = Now::Closed;
        let brought = match result {
            Ok(stream) if self.wanted && self.target(now) == choice => {
                // Of one that it stands in for it is still true.
                self.failed.retain(|failed| failed.choice != choice);
                self.reopened += u64::from(std::mem::take(&mut self.broke));
                self.now = Now::Open { number, choice, since: now, device: None, flow: Flow::Flows };
                Brought::Open(stream)
            }
            Ok(_) => Brought::Nothing,
            Err(problem) => {
                self.fails(choice, problem, now);
                Brought::Nothing
            }
        };
        self.show_at(now);
        brought
    }

    fn fails(&mut self, choice: DeviceChoice, problem: AudioError, now: Instant) {
        let is_missing = matches!(problem, AudioError::Missing(_));
        let before = self.failure(&choice).map_or(0, |failed| failed.missing);
        let missing = if is_missing { before + 1 } else { 0 };
        let pause = if is_missing { MISSING_PAUSE } else { PAUSE };
        self.failed.retain(|failed| failed.choice != choice);
        self.failed.push(Failed { choice, problem, again_at: now + pause, missing });
    }

    /// The attempt that hangs, if one does: it is given up, and what it brings later is dropped.
    pub(crate) fn give_up_hanging(&mut self, now: Instant) -> bool {
        let Now::Opening { since, choice, .. } = &self.now else { return false };
        if now.duration_since(*since) < HANGS {
            return false;
        }
        let choice = choice.clone();
        self.now = Now::Closed;
        self.abandoned += 1;
        self.fails(choice, AudioError::Hangs, now);
        self.show_at(now);
        true
    }

    /// The stream of this attempt says how it is.
    pub(crate) fn tells(&mut self, number: u64, status: StreamStatus, at: Instant) {
        let Now::Open { number: open, choice, since, device, flow } = &mut self.now else { return };
        if *open != number {
            return;
        }
        match status {
            StreamStatus::Open { device: now } => (*device, *flow) = (now, Flow::Flows),
            StreamStatus::Starved { device: now } => (*device, *flow) = (now, Flow::Starved),
            StreamStatus::Lost => (*device, *flow) = (None, Flow::Lost),
            StreamStatus::Failed => {
                let choice = choice.clone();
                // One that fails as soon as it is open must not be opened as fast as the computer can.
                let at_once = at.duration_since(*since) < PAUSE;
                self.now = Now::Closed;
                self.broke = true;
                if at_once {
                    self.fails(choice, AudioError::Hangs, at);
                }
            }
        }
        self.show_at(at);
    }

    /// These devices there are now. What did not work may work with them.
    pub(crate) fn found(&mut self, found: &[Device], now: Instant) {
        self.unlisted = None;
        self.found = Some(found.to_vec());
        self.list.list(found);
        let chosen = self.chosen_device().map(|device| device.id.clone());
        for failed in &mut self.failed {
            let is_there = matches!(&failed.problem, AudioError::Missing(_)) && chosen.is_some();
            // It may be listed for good and never be found.
            if failed.missing <= 1 || !is_there {
                failed.again_at = now;
            }
        }
        let still_muted = self.device().is_some_and(|device| device.muted);
        self.stays_muted &= still_muted;
        self.show_at(now);
    }

    /// What there is, is not known any more.
    pub(crate) fn not_listed(&mut self, problem: &AudioError) {
        self.unlisted = Some(problem.clone());
        self.show();
    }

    /// The system does not unmute it.
    pub(crate) fn not_unmuted(&mut self) {
        self.stays_muted = true;
        self.show();
    }

    fn show(&mut self) {
        self.show_at(Instant::now());
    }

    /// What is chosen, what stands in for it, and how it is, as the screen shows it.
    fn show_at(&mut self, now: Instant) {
        let away = self.chosen.as_ref().filter(|_| self.is_away(now));
        self.list.away = away.map(|chosen| Message::DeviceAway { device: chosen.name.clone() });
        let listed = self.chosen_device().map(|device| device.id.clone());
        self.list.chosen = listed.or_else(|| self.chosen.as_ref().map(|chosen| chosen.id.clone()));
        self.list.open = match &self.now {
            Now::Open { device, .. } => device.clone(),
            Now::Closed | Now::Opening { .. } => None,
        };
        let muted = match (self.kind, self.stays_muted) {
            (DeviceKind::Microphone, false) => Message::MutedInSystem,
            (DeviceKind::Microphone, true) => Message::StaysMuted,
            (DeviceKind::Loudspeaker, false) => Message::LoudspeakerMuted,
            (DeviceKind::Loudspeaker, true) => Message::LoudspeakerStaysMuted,
        };
        self.list.muted = self.device().is_some_and(|device| device.muted).then_some(muted);
        // Of what is to be open: the one that it stands in for is told of beside it.
        let failed = self.failure(&self.target(now)).filter(|_| !matches!(self.now, Now::Open { .. }));
        let problem = failed.map(|failed| &failed.problem).or(self.unlisted.as_ref());
        self.list.problem = problem.map(Message::from);
    }

    /// Whether there is no device, as far as is known: none is listed, or nothing tells which there are.
    pub(crate) fn has_none(&self) -> bool {
        self.unlisted.is_some() || self.found.as_ref().is_some_and(Vec::is_empty)
    }

    /// As the screen shows it.
    pub(crate) fn list(&self) -> &DeviceList {
        &self.list
    }

    /// The device that is open, as far as is known, or that would be opened.
    pub(crate) fn device(&self) -> Option<&Device> {
        let target;
        let (device, choice) = match &self.now {
            Now::Open { flow: Flow::Lost, .. } => return None,
            Now::Open { device, choice, .. } => (device.as_ref(), choice),
            Now::Opening { .. } | Now::Closed => {
                target = self.target(Instant::now());
                (None, &target)
            }
        };
        let is_it = |found: &&Device| match (device, choice) {
            (Some(id), _) | (None, DeviceChoice::Named(id)) => found.id == *id,
            (None, DeviceChoice::SystemDefault) => found.default,
        };
        self.found.iter().flatten().find(is_it)
    }

    /// Why it can't be used at all.
    pub(crate) fn problem(&self) -> Option<Message> {
        let none = match self.kind {
            DeviceKind::Microphone => Message::NoMicrophone,
            DeviceKind::Loudspeaker => Message::NoLoudspeaker,
        };
        match &self.now {
            Now::Open { flow: Flow::Lost, .. } => Some(none),
            Now::Open { .. } => None,
            // It hangs, and so did what was tried before.
            Now::Closed if self.wanted && self.abandoned >= MOST_ABANDONED => Some(Message::SoundSystemHangs),
            Now::Opening { .. } | Now::Closed => self.list.problem.clone(),
        }
    }

    /// Whether a stream is in use.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.now, Now::Open { .. })
    }

    /// Why no sound goes through it, in the order of what a person can do about it.
    pub(crate) fn trouble(&self) -> Option<Message> {
        let stands = matches!(self.now, Now::Open { flow: Flow::Starved, .. });
        // A microphone that gives nothing is told of after a while, by its level.
        let stands = stands && self.kind == DeviceKind::Loudspeaker;
        let muted = self.list.muted.clone();
        let waits = match &self.now {
            Now::Opening { since, .. } if since.elapsed() >= LONG => Some(Message::OpeningDevices),
            Now::Opening { .. } | Now::Closed | Now::Open { .. } => None,
        };
        let stands = || stands.then_some(Message::LoudspeakerStands);
        muted.or_else(|| self.problem()).or(waits).or_else(stands)
    }

    /// Name of the device that is open, or its id where the system tells no name of it.
    pub(crate) fn name(&self) -> String {
        let id = || self.list.open.clone().unwrap_or_default();
        self.device().map_or_else(id, |device| device.name.clone())
    }

    /// This is what the open device does, as far as is known; it is remembered for the record.
    pub(crate) fn does(&mut self, format: Option<StreamFormat>) {
        let Some(StreamFormat { rate, channels, buffer_ms }) = format else { return };
        self.used = Some(DeviceUsed { name: self.name(), rate, channels, buffer_ms });
    }

    /// What was open last.
    pub(crate) fn used(&self) -> Option<DeviceUsed> {
        self.used.clone()
    }

    /// Times that something was opened after it broke.
    pub(crate) fn reopened(&self) -> u64 {
        self.reopened
    }

    /// Whether one is being opened right now, for somebody.
    pub(crate) fn is_opening(&self) -> bool {
        self.wanted && matches!(self.now, Now::Opening { .. })
    }

    /// Whether one is to be open.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str) -> Device {
        Device { id: id.to_owned(), name: id.to_uppercase(), default: id == "built-in", ..Device::default() }
    }

    fn named(id: &str) -> DeviceChoice {
        DeviceChoice::Named(id.to_owned())
    }

    /// A headset is chosen, and open.
    fn with_headset(now: Instant) -> Side {
        let mut side = Side::new(DeviceKind::Microphone, named("headset"), None);
        side.found(&[device("built-in"), device("headset")], now);
        side.want();
        let (choice, number) = side.due(now).unwrap();
        assert_eq!(choice, named("headset"));
        assert_eq!(side.ended(number, Ok(()), now), Brought::Open(()));
        assert_eq!(side.due(now), None);
        side
    }

    fn missing() -> Result<(), AudioError> {
        Err(AudioError::Missing("headset".to_owned()))
    }

    #[test]
    fn one_attempt_at_a_time_and_the_newest_wish_counts() {
        let now = Instant::now();
        let mut side = Side::new(DeviceKind::Microphone, named("first"), None);
        side.want();
        assert_eq!(side.due(now), Some((named("first"), 1)));
        // A chooser that is clicked through opens no ten devices at once.
        for id in ["second", "third"] {
            side.choose(Some(id.to_owned()));
            side.want();
            assert_eq!(side.due(now), None);
        }
        assert_eq!(side.ended(1, Ok(()), now), Brought::Nothing, "another one is wanted by now");
        assert_eq!(side.due(now), Some((named("third"), 2)));
        assert_eq!(side.ended(2, Ok(()), now), Brought::Open(()));
        assert!(!side.is_opening());
    }

    #[test]
    fn what_was_closed_meanwhile_is_not_taken() {
        let now = Instant::now();
        let mut side = Side::new(DeviceKind::Microphone, DeviceChoice::SystemDefault, None);
        side.want();
        side.due(now);
        side.close();
        assert_eq!(side.ended(1, Ok(()), now), Brought::Nothing);
        assert_eq!(side.due(now), None);
        side.want();
        assert_eq!(side.due(now).map(|(_, number)| number), Some(2));
    }

    #[test]
    fn what_hangs_is_given_up_and_so_many_of_it_are_enough() {
        let mut now = Instant::now();
        let mut side = Side::new(DeviceKind::Loudspeaker, DeviceChoice::SystemDefault, None);
        side.want();
        for _ in 0..MOST_ABANDONED {
            assert!(side.due(now).is_some());
            assert!(!side.give_up_hanging(now + HANGS / 2));
            now += HANGS;
            assert!(side.give_up_hanging(now));
            assert!(matches!(side.list().problem, Some(Message::SoundSystemHangs)));
            assert_eq!(side.due(now), None, "it rests first");
            now += PAUSE;
        }
        assert_eq!(side.due(now), None, "each of them may hold a thread");
        // Whatever is pressed, nobody is told that it works.
        side.choose(None);
        side.want();
        side.found(&[device("built-in")], now);
        assert!(matches!(side.trouble(), Some(Message::SoundSystemHangs)));
        assert_eq!(side.ended(1, Ok(()), now), Brought::Nothing, "the first one after all");
        assert!(side.due(now).is_some());
    }

    #[test]
    fn a_headset_that_is_plugged_in_again_while_another_device_is_opened_is_taken_back() {
        let now = Instant::now();
        let mut side = with_headset(now);
        side.tells(1, StreamStatus::Failed, now + PAUSE);
        side.found(&[device("built-in")], now);
        let (choice, number) = side.due(now).unwrap();
        assert_eq!((choice, side.list().away.is_some()), (DeviceChoice::SystemDefault, true));
        // Now.
        side.found(&[device("built-in"), device("headset")], now);
        assert_eq!(side.due(now), None);
        assert_eq!(side.ended(number, Ok(()), now), Brought::Nothing);
        assert_eq!(side.due(now).unwrap().0, named("headset"));
        assert_eq!(side.list().away, None);
    }

    #[test]
    fn a_headset_that_was_listed_before_the_attempt_says_it_is_not_there_is_tried_again() {
        let now = Instant::now();
        let mut side = Side::new(DeviceKind::Microphone, named("headset"), None);
        side.want();
        let (_, number) = side.due(now).unwrap();
        let both = [device("built-in"), device("headset")];
        side.found(&both, now);
        assert_eq!(side.ended(number, missing(), now), Brought::Nothing);
        let (choice, number) = side.due(now).unwrap();
        assert_eq!(choice, DeviceChoice::SystemDefault, "somebody is heard meanwhile");
        assert_eq!(side.ended(number, Ok(()), now), Brought::Open(()));
        // They are looked for once more.
        side.found(&both, now);
        let (choice, number) = side.due(now).unwrap();
        assert_eq!(choice, named("headset"));
        // One that is listed and never there costs the candidate's voice no more often than that.
        let late = now + PAUSE;
        assert_eq!(side.ended(number, missing(), late), Brought::Nothing);
        let (_, number) = side.due(late).unwrap();
        assert_eq!(side.ended(number, Ok(()), late), Brought::Open(()));
        side.found(&both, late);
        assert_eq!(side.due(late), None);
        assert_eq!(side.due(late + MISSING_PAUSE).unwrap().0, named("headset"));
    }

    #[test]
    fn when_the_chosen_device_and_its_stand_in_both_fail_each_has_its_pause() {
        let begun = Instant::now();
        let mut side = Side::new(DeviceKind::Microphone, named("headset"), None);
        side.found(&[device("built-in"), device("headset")], begun);
        side.want();
        let mut tried = Vec::new();
        // Looked at ten times a second, for a minute.
        for n in 0..600 {
            let now = begun + Duration::from_millis(100) * n;
            let Some((choice, number)) = side.due(now) else { continue };
            tried.push(choice.clone());
            let problem = match choice {
                DeviceChoice::Named(id) => AudioError::Missing(id),
                DeviceChoice::SystemDefault => AudioError::System("busy".to_owned()),
            };
            side.ended::<()>(number, Err(problem), now);
        }
        let of = |wanted: &DeviceChoice| tried.iter().filter(|choice| *choice == wanted).count();
        let (chosen, stand_in) = (of(&named("headset")), of(&DeviceChoice::SystemDefault));
        assert!((5..=7).contains(&chosen), "every {MISSING_PAUSE:?}: {chosen}");
        assert!((25..=31).contains(&stand_in), "every {PAUSE:?}: {stand_in}");
    }

    #[test]
    fn what_can_not_be_opened_is_said_and_tried_until_it_can() {
        let mut now = Instant::now();
        let mut side = Side::new(DeviceKind::Microphone, DeviceChoice::SystemDefault, None);
        side.want();
        for number in 1..=3 {
            assert_eq!(side.due(now).map(|attempt| attempt.1), Some(number));
            side.ended(number, Err::<(), _>(AudioError::NoMicrophone), now);
            assert_eq!(side.trouble(), Some(Message::NoMicrophone));
            assert_eq!(side.due(now), None);
            now += PAUSE;
        }
        // There is one: nothing is to be waited for.
        side.due(now);
        side.ended(4, Err::<(), _>(AudioError::NoMicrophone), now);
        side.found(&[device("built-in")], now);
        assert!(side.due(now).is_some());
        assert_eq!(side.ended(5, Ok(()), now), Brought::Open(()));
        assert_eq!((side.trouble(), &side.list().problem), (None, &None));
    }

    #[test]
    fn a_stream_without_a_device_is_no_sound_and_said() {
        let now = Instant::now();
        let mut side = with_headset(now);
        side.tells(1, StreamStatus::Lost, now);
        assert_eq!(side.trouble(), Some(Message::NoMicrophone));
        side.tells(1, StreamStatus::Open { device: Some("built-in".to_owned()) }, now);
        assert_eq!((side.trouble(), side.name().as_str()), (None, "BUILT-IN"));
    }

    #[test]
    fn what_is_muted_and_not_open_is_nobodys_trouble() {
        let now = Instant::now();
        let mut side = with_headset(now);
        let muted = Device { muted: true, ..device("built-in") };
        side.found(&[muted, device("headset")], now);
        assert_eq!(side.trouble(), None, "the default one, which is not used");
        side.close();
        assert_eq!((side.trouble(), &side.list().muted), (None, &None));
    }

    #[test]
    fn a_bluetooth_headset_that_changes_its_profile_is_the_chosen_one() {
        let now = Instant::now();
        let id = "bluez_sink.AA_BB.a2dp_sink";
        let mut side = Side::new(DeviceKind::Loudspeaker, named(id), None);
        side.found(&[device("built-in"), device(id)], now);
        side.want();
        side.due(now);
        side.ended(1, Ok(()), now);
        let other = "bluez_sink.AA_BB.handsfree_head_unit";
        side.found(&[device("built-in"), device(other)], now);
        assert_eq!((side.due(now).unwrap().0, &side.list().away), (named(other), &None));
        assert_eq!(side.list().chosen.as_deref(), Some(other));
    }

    #[test]
    fn one_that_fails_as_soon_as_it_is_open_is_not_opened_in_a_circle() {
        let now = Instant::now();
        let mut side = with_headset(now);
        side.tells(1, StreamStatus::Failed, now);
        assert_eq!(side.due(now), None);
        assert!(side.due(now + PAUSE).is_some());
    }
}
