//! One of the two sides of sound: which device is wanted, which one is open or being opened, and what the screen shows of it.

use adjourn_audio::{AudioError, Device, DeviceChoice, DeviceKind, StreamFormat, StreamStatus};
use adjourn_protocol::DeviceUsed;
use tokio::time::Instant;

use crate::Message;
use crate::opening::{Opening, Use};
use crate::snapshot::DeviceList;
use crate::wanted::{Chosen, Wanted};

/// A device to open, and the attempt's number.
pub(crate) type Attempt = (DeviceChoice, u64);

/// What becomes of what an attempt brought.
pub(crate) enum Brought<T> {
    /// It is used.
    Open(T),
    /// This is to be opened instead.
    Instead(Attempt),
    /// There is nothing to do: it failed, or nobody wants it any more.
    Nothing,
}

/// Microphone or loudspeaker, but for the stream itself.
pub(crate) struct Side {
    kind: DeviceKind,
    wanted: Wanted,
    list: DeviceList,
    found: Vec<Device>,
    opening: Opening<DeviceChoice>,
    /// What was open last, and what it did.
    used: Option<DeviceUsed>,
    /// It has to be opened again.
    mending: bool,
    /// The devices could not be listed at the last look.
    unlisted: bool,
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
            wanted: Wanted::new(chosen),
            list: DeviceList::default(),
            found: Vec::new(),
            opening: Opening::default(),
            used: None,
            mending: false,
            unlisted: false,
        };
        side.show();
        side
    }

    /// What is chosen, what stands in for it, and how it is, as the screen shows it.
    fn show(&mut self) {
        let away = self.wanted.away().map(|device| Message::DeviceAway { device: device.to_owned() });
        self.list.chosen = self.wanted.chosen().map(|chosen| chosen.id.clone());
        self.list.away = away;
        let muted = match self.kind {
            DeviceKind::Microphone => Message::MutedInSystem,
            DeviceKind::Loudspeaker => Message::LoudspeakerMuted,
        };
        self.list.muted = self.open_device().is_some_and(|device| device.muted).then_some(muted);
    }

    /// As the screen shows it.
    pub(crate) fn list(&self) -> &DeviceList {
        &self.list
    }

    /// The device that is open, as far as is known.
    pub(crate) fn open_device(&self) -> Option<&Device> {
        self.found.iter().find(|device| self.list.is_open(device))
    }

    /// Name of the device that is open, or its id where the system tells no name of it.
    pub(crate) fn name(&self) -> String {
        let id = || self.list.open.clone().unwrap_or_default();
        self.open_device().map_or_else(id, |device| device.name.clone())
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

    /// These devices there are now. What could not be opened is tried again, now that there are others.
    pub(crate) fn found(&mut self, found: &[Device]) {
        if std::mem::take(&mut self.unlisted) {
            self.list.problem = None;
        }
        self.mending |= self.list.problem.is_some() && !found.is_empty();
        self.mending |= self.wanted.comes_back(found);
        self.list.list(found);
        self.found = found.to_vec();
        self.show();
    }

    /// The devices can't be listed.
    pub(crate) fn not_listed(&mut self, problem: &AudioError) {
        self.fails(problem);
        self.unlisted = true;
    }

    /// Something of it does not work.
    pub(crate) fn fails(&mut self, problem: &AudioError) {
        self.list.problem = Some(problem.into());
    }

    /// The stream of this attempt says how it is. Gives whether it failed just now.
    pub(crate) fn tells(&mut self, number: u64, status: StreamStatus) -> bool {
        if !self.opening.is_newest(number) {
            return false;
        }
        let failed = status == StreamStatus::Failed;
        self.mending |= failed;
        self.list.open = match status {
            StreamStatus::Open { device } | StreamStatus::Starved { device } => device,
            StreamStatus::Lost | StreamStatus::Failed => None,
        };
        self.show();
        failed
    }

    /// Another device is wanted. Gives what is to be remembered.
    pub(crate) fn choose(&mut self, id: Option<String>) -> Option<Chosen> {
        self.wanted = Wanted::by_id(id, &self.list);
        self.show();
        self.wanted.chosen().cloned()
    }

    /// It is to be open: what to open now, or nothing while an attempt is under way.
    pub(crate) fn begin(&mut self) -> Option<Attempt> {
        self.opening.begin(self.wanted.to_open(), Instant::now())
    }

    /// No device is used, and that works or does not.
    pub(crate) fn without_device(&mut self, problem: Option<&AudioError>) {
        self.list.problem = problem.map(Message::from);
    }

    /// An attempt came to its end.
    pub(crate) fn ended<T>(&mut self, number: u64, result: Result<T, AudioError>) -> Brought<T> {
        match self.opening.ended(number, Instant::now()) {
            Use::Taken => {}
            Use::Dropped => return Brought::Nothing,
            // What came is closed on return, before the next one is opened: some devices are open only once.
            Use::Instead(next, number) => return Brought::Instead((next, number)),
        }
        if matches!(result, Err(AudioError::Missing(_))) && self.wanted.stands_in() {
            self.show();
            return self.begin().map_or(Brought::Nothing, Brought::Instead);
        }
        self.list.problem = result.as_ref().err().map(Message::from);
        self.mending &= result.is_err();
        result.map_or(Brought::Nothing, Brought::Open)
    }

    /// Nobody wants it to be open any more.
    pub(crate) fn close(&mut self) {
        self.list.open = None;
        self.opening.unwanted();
    }

    /// The attempt that hangs, if one does.
    pub(crate) fn hangs(&self) -> Option<u64> {
        self.opening.hangs(Instant::now())
    }

    /// Whether it is being opened right now.
    pub(crate) fn is_opening(&self) -> bool {
        self.opening.under_way()
    }

    /// Whether it is to be open.
    pub(crate) fn is_wanted(&self) -> bool {
        self.opening.wanted()
    }

    /// Whether it failed and is not open again.
    pub(crate) fn is_broken(&self) -> bool {
        self.mending
    }

    /// Whether it is to be opened again now.
    pub(crate) fn needs_mending(&self) -> bool {
        self.mending && self.opening.wanted() && !self.opening.under_way()
    }
}
