//! A seat in a test center: whose it is, whether it may be used, and when it is the next candidate's.
//!
//! The program ends with each candidate, so that nothing of one is in it for the next; who started it starts it again, with an empty
//! home. What is decided here is only when.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use adjourn_kiosk::{Around, LockLevel, Reset, SeatEnd, SeatPolicy, Weakness};
use adjourn_protocol::{InviteLink, LinkError, SeatNote, Secret};
use adjourn_session::Phase;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::environment::Environment;
use crate::event::{Event, Events};
use crate::seat_health::Health;
use crate::seat_monitor::Monitor;
use crate::seat_policy::{Looked, SeatFiles, Tried};
use crate::snapshot::{PinAnswer, SeatTrouble, SeatView};
use crate::{Language, SoundSide};

/// So often the policy is looked at while nobody has an interview: a new one is used without anybody's doing.
const LOOKS: Duration = Duration::from_secs(15);
/// What takes longer than this does not come: a disk that hangs, or a look that failed.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
/// Somebody who is told to wait may do nothing for so long.
const WAITS: Duration = Duration::from_secs(60 * 60);
/// The last seconds before an abandoned seat is reset are counted on the screen.
const COUNTED: Duration = Duration::from_secs(60);

/// What a client in a test center is started with.
#[derive(Debug)]
pub struct SeatSetup {
    /// The seat's own settings.
    pub settings: PathBuf,
    /// What the seat remembers from one candidate to the next: no word of theirs.
    pub memory: PathBuf,
    /// What is seen of the computer around the window.
    pub around: watch::Receiver<Around>,
    /// Counted up by each turn of the client's loop: who looks after the seat sees that it lives.
    pub turns: Arc<AtomicU64>,
}

/// A PIN is being looked at, or was.
#[derive(Clone, Copy, Debug, Default)]
struct PinTries {
    under_way: bool,
    answer: PinAnswer,
    /// When the last one was tried.
    last: Option<Instant>,
}

/// The seat.
pub(crate) struct Seat {
    files: SeatFiles,
    pub(crate) around: watch::Receiver<Around>,
    turns: Arc<AtomicU64>,
    pub(crate) events: Events,
    pub(crate) looked: Option<Looked>,
    looking_since: Option<Instant>,
    looked_at: Option<Instant>,
    began: Instant,
    /// Since when nobody can begin an interview here.
    unusable_since: Option<Instant>,
    /// When somebody last did something, if anybody did.
    pub(crate) touched: Option<Instant>,
    /// Since when the end screen says that it may go.
    done_since: Option<Instant>,
    pub(crate) help: bool,
    /// An interview broke off here lately, and is for whoever has its code: until then.
    broke_off: Option<Instant>,
    /// What broke off has to be looked at again: since when, if it was begun.
    unfinished: Unfinished,
    pin: PinTries,
    pub(crate) health: Health,
    pub(crate) monitor: Monitor,
    /// Of this life, for the center: by chance.
    pub(crate) life: String,
    /// The interview that the center was told of.
    pub(crate) held: Option<String>,
    /// What the center has to say to whoever sits here.
    pub(crate) message: Option<String>,
    /// Whoever the center assigned is asked for.
    pub(crate) assigning: bool,
    /// Why the last order was not done, for the center.
    pub(crate) refused: Option<(String, Instant)>,
    pub(crate) ends: Option<SeatEnd>,
}

/// Whether interviews of an earlier run were looked after.
#[derive(Clone, Copy, Debug, Default)]
enum Unfinished {
    /// Not yet, or the backend could not be asked.
    #[default]
    Waits,
    /// That goes on, or was tried, since then.
    Tried(Instant),
    /// There is nothing more to ask.
    Done,
}

/// What the seat has to know of the interview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeatScene {
    pub(crate) phase: Phase,
    /// A code was entered, or an interview is offered again.
    pub(crate) has_link: bool,
    /// What was said is safe: the end screen says so.
    pub(crate) safe: bool,
}

impl Seat {
    pub(crate) fn new(setup: SeatSetup, events: Events) -> Self {
        let SeatSetup { settings, memory, around, turns } = setup;
        Self {
            files: SeatFiles::new(settings, memory),
            around,
            turns,
            events,
            looked: None,
            looking_since: None,
            looked_at: None,
            began: Instant::now(),
            unusable_since: None,
            touched: None,
            done_since: None,
            help: false,
            broke_off: None,
            unfinished: Unfinished::default(),
            pin: PinTries::default(),
            health: Health::default(),
            monitor: Monitor::default(),
            life: by_chance(),
            held: None,
            message: None,
            assigning: false,
            refused: None,
            ends: None,
        }
    }

    fn policy(&self) -> Option<&SeatPolicy> {
        self.looked.as_ref()?.policy.as_ref().ok().map(|signed| &signed.policy)
    }

    fn reset(&self) -> Reset {
        self.policy().map(|policy| policy.reset).unwrap_or_default()
    }

    /// An interview that the power or a crash broke off may be gone on with for so long after its last word.
    pub(crate) fn offered_within(&self) -> Duration {
        Duration::from_secs(self.reset().abandoned_after_s.into())
    }

    /// What became of interviews of an earlier run: one may be gone on with; for one the backend could not be asked.
    pub(crate) fn broke_off(&mut self, lately: bool, unasked: bool) {
        self.unfinished = if unasked { Unfinished::Tried(Instant::now()) } else { Unfinished::Done };
        let until = Instant::now() + self.offered_within();
        self.broke_off = match (lately, unasked) {
            (true, _) => Some(self.broke_off.unwrap_or(until)),
            (false, true) => self.broke_off,
            (false, false) => None,
        };
    }

    /// Whether interviews of an earlier run are to be looked after now: at first, again while the backend could not be asked, and once
    /// nobody came back. Without a policy that is good nothing is closed: its clock may be the one that is wrong.
    pub(crate) fn looks_after_unfinished(&mut self, scene: SeatScene) -> bool {
        let idle = scene.phase == Phase::Checking && !scene.has_link && self.policy().is_some();
        let given_up = self.broke_off.is_some_and(|until| Instant::now() >= until);
        let due = match self.unfinished {
            Unfinished::Waits => true,
            Unfinished::Tried(at) => at.elapsed() >= LOOKS,
            Unfinished::Done => given_up,
        };
        if idle && due {
            self.unfinished = Unfinished::Tried(Instant::now());
            if given_up {
                self.broke_off = None;
            }
        }
        idle && due
    }

    /// Looks at the policy, if it is time to: beside the loop.
    pub(crate) fn look(&mut self, wall: DateTime<Utc>) {
        let due = self.looked_at.is_none_or(|at| at.elapsed() >= LOOKS);
        if !due || self.looking_since.is_some_and(|since| since.elapsed() < LOOK_LIMIT) {
            return;
        }
        self.looking_since = Some(Instant::now());
        let (files, events) = (self.files.clone(), self.events.clone());
        tokio::spawn(async move {
            // One that panics tells that by itself.
            let Ok(looked) = tokio::task::spawn_blocking(move || files.look(wall)).await else { return };
            events.tell(Event::SeatLooked(Box::new(looked))).await;
        });
    }

    /// What was found. Gives whether another policy is good now.
    pub(crate) fn looked(&mut self, looked: Looked) -> bool {
        if let Err(why) = &looked.policy
            && self.looked.as_ref().is_none_or(|before| before.policy.as_ref().err() != Some(why))
        {
            tracing::error!(%why, "the seat can't be used");
        }
        (self.looking_since, self.looked_at) = (None, Some(Instant::now()));
        self.health.has_room(looked.room);
        if let Err(why) = &looked.key
            && self.looked.as_ref().is_none_or(|before| before.key != looked.key)
        {
            tracing::error!(%why, "the center is not told how this seat is");
        }
        let digest = |looked: &Looked| looked.policy.as_ref().ok().map(|signed| signed.digest.clone());
        let now = digest(&looked);
        let before = self.looked.replace(looked).as_ref().and_then(digest);
        now.is_some() && now != before
    }

    /// Why nobody can begin an interview here, if so.
    pub(crate) fn trouble(&self) -> Option<SeatTrouble> {
        let Some(looked) = &self.looked else {
            let late = self.began.elapsed() >= LOOK_LIMIT;
            let detail = "what the seat has on disk could not be read within 30 s".to_owned();
            return late.then_some(SeatTrouble::Policy { detail });
        };
        let signed = match &looked.policy {
            Ok(signed) => signed,
            Err(detail) => return Some(SeatTrouble::Policy { detail: detail.clone() }),
        };
        let around = *self.around.borrow();
        let (level, wanted) = (around.level(), signed.policy.lock);
        if level < wanted {
            let weak: Vec<_> =
                around.weaknesses().into_iter().filter(|weakness| weakness.leaves() < wanted).collect();
            return Some(SeatTrouble::NotLocked { detail: lock_in_words(level, wanted, &weak) });
        }
        self.health.trouble()
    }

    /// Looks whether an interview could be held here, while nobody has begun one.
    pub(crate) fn look_at_health(
        &mut self,
        scene: SeatScene,
        absent: Option<SoundSide>,
        environment: &Environment,
    ) {
        if scene.phase != Phase::Checking || scene.has_link {
            self.health.forget();
            return;
        }
        let server = self.looked.as_ref().and_then(|looked| looked.server.as_ref());
        self.health.look(server, absent, environment, &self.events);
    }

    /// The link of a code that somebody entered.
    pub(crate) fn link(&self, code: &str) -> Option<Result<InviteLink, LinkError>> {
        let policy = self.policy().filter(|_| self.trouble().is_none())?;
        Some(InviteLink::new(policy.backend.as_str(), code))
    }

    /// Devices that the policy names: microphone and loudspeaker.
    pub(crate) fn devices(&self) -> (Option<String>, Option<String>) {
        self.policy()
            .map(|policy| (policy.devices.microphone.clone(), policy.devices.loudspeaker.clone()))
            .unwrap_or_default()
    }

    /// Languages that can be chosen; none: all.
    fn languages(&self) -> Vec<Language> {
        let tags = self.policy().map(|policy| policy.languages.as_slice()).unwrap_or_default();
        spoken(tags)
    }

    /// The one that is spoken before anybody chooses.
    pub(crate) fn language(&self) -> Option<Language> {
        self.languages().first().copied()
    }

    /// Whether that language can be chosen here.
    pub(crate) fn speaks(&self, language: Language) -> bool {
        let languages = self.languages();
        languages.is_empty() || languages.contains(&language)
    }

    /// Somebody does something: whatever is counted begins anew.
    pub(crate) fn touch(&mut self) {
        let now = Instant::now();
        (self.touched, self.done_since) = (Some(now), self.done_since.map(|_| now));
    }

    pub(crate) fn forget_message(&mut self) {
        self.message = None;
    }

    pub(crate) fn call_help(&mut self, on: bool) {
        if std::mem::replace(&mut self.help, on) != on {
            tracing::warn!(on, "somebody calls for help");
        }
    }

    /// Tries a PIN, one at a time: beside the loop.
    pub(crate) fn try_pin(&mut self, digits: Secret) {
        // What the last one who tried was told is not told the next.
        if digits.expose().is_empty() {
            self.pin.answer = PinAnswer::None;
            return;
        }
        let pin = self.looked.as_ref().and_then(|looked| looked.escapes.pin.clone());
        let Some(pin) = pin.filter(|_| !self.pin.under_way) else {
            if !self.pin.under_way {
                self.pin.answer = PinAnswer::Wrong;
            }
            return;
        };
        let since = self.pin.last.unwrap_or(self.began).elapsed();
        (self.pin.under_way, self.pin.last) = (true, Some(Instant::now()));
        let (files, events) = (self.files.clone(), self.events.clone());
        tokio::spawn(async move {
            let try_it = move || files.try_pin(&pin, digits.expose(), since);
            // One that panics tells that by itself, and opens nothing.
            let tried = tokio::task::spawn_blocking(try_it).await.unwrap_or(Tried::Wrong);
            events.tell(Event::PinTried(tried)).await;
        });
    }

    /// What came of it. What is nowhere safe would be lost: then the PIN has to be given twice.
    pub(crate) fn pin_tried(&mut self, tried: Tried, scene: SeatScene) {
        self.pin.under_way = false;
        let loses = scene.phase == Phase::Completed && !scene.safe;
        self.pin.answer = match tried {
            Tried::Opens if loses && self.pin.answer != PinAnswer::Loses => PinAnswer::Loses,
            Tried::Opens => {
                tracing::warn!("a supervisor lets the seat go");
                self.ends = Some(SeatEnd::Released);
                PinAnswer::None
            }
            Tried::Wrong => PinAnswer::Wrong,
            Tried::NotYet(pause) => PinAnswer::Wait { seconds: pause.as_secs().saturating_add(1) },
        };
    }

    /// Somebody goes back from the check: who comes next finds nothing of them.
    pub(crate) fn goes_back(&mut self, scene: SeatScene) {
        if scene.phase == Phase::Checking && scene.has_link {
            self.ends = Some(SeatEnd::NextCandidate);
        }
    }

    /// Somebody pressed *Done* on the end screen.
    pub(crate) fn done(&mut self, scene: SeatScene) {
        if scene.phase == Phase::Completed && scene.safe {
            self.ends = Some(SeatEnd::NextCandidate);
        }
    }

    /// Time passed. Gives why the program ends, once it has to.
    pub(crate) fn passes(&mut self, scene: SeatScene) -> Option<SeatEnd> {
        let now = Instant::now();
        self.turns.fetch_add(1, Ordering::Relaxed);
        let may_go = scene.phase == Phase::Completed && scene.safe;
        self.done_since = may_go.then(|| self.done_since.unwrap_or(now));
        let escapes = self.looked.as_ref().map(|looked| looked.escapes.clone()).unwrap_or_default();
        let closed = scene.phase == Phase::Checking
            && !scene.has_link
            && match self.trouble() {
                None => false,
                Some(SeatTrouble::Policy { .. } | SeatTrouble::NotLocked { .. }) => true,
                // A network that is away for an hour must not send the staff to every seat: it opens by itself, and there is a PIN.
                Some(SeatTrouble::Unwell { .. }) => escapes.pin.is_none(),
            };
        // What nobody takes, no disk and no backend, ends like that some time.
        let unusable = closed || (scene.phase == Phase::Completed && !scene.safe);
        self.unusable_since = unusable.then(|| self.unusable_since.unwrap_or(now));
        if let Some(since) = self.unusable_since
            && let Some(minutes) = escapes.unusable_minutes
            && now - since >= Duration::from_secs(u64::from(minutes) * 60)
        {
            tracing::warn!(minutes, "the seat could not be used for so long, and lets go");
            self.ends.get_or_insert(SeatEnd::Released);
        }
        if self.left(scene).is_some_and(|left| left.is_zero()) {
            tracing::info!(phase = ?scene.phase, "the seat is the next candidate's");
            self.ends.get_or_insert(SeatEnd::NextCandidate);
        }
        self.ends
    }

    /// How long it is until the seat is reset, if nobody does anything.
    fn left(&self, scene: SeatScene) -> Option<Duration> {
        let Reset { done_after_s, abandoned_after_s } = self.reset();
        if let Some(since) = self.done_since {
            return Some(Duration::from_secs(done_after_s.into()).saturating_sub(since.elapsed()));
        }
        // What nobody has touched yet needs no reset.
        // Of somebody who found the seat closed there is nothing, and how long it was closed counts on.
        if !scene.has_link && self.trouble().is_some() {
            return None;
        }
        let since = self.touched?;
        let abandoned = Duration::from_secs(abandoned_after_s.into());
        // Who is told to wait is not soon taken for gone.
        let abandoned = if self.monitor.hold { abandoned.max(WAITS) } else { abandoned };
        (scene.phase == Phase::Checking).then(|| abandoned.saturating_sub(since.elapsed()))
    }

    /// As the screen shows it.
    pub(crate) fn shown(&self, scene: SeatScene) -> SeatView {
        let settings = self.looked.as_ref().and_then(|looked| looked.settings.as_ref());
        let counted = self.left(scene).filter(|left| self.done_since.is_some() || *left <= COUNTED);
        SeatView {
            name: settings.map(|settings| settings.seat.clone()).unwrap_or_default(),
            center: settings.map(|settings| settings.center.clone()).unwrap_or_default(),
            ready: self.looked.is_some(),
            languages: self.languages(),
            trouble: self.trouble(),
            broke_off: self.broke_off.is_some(),
            help: self.help,
            message: self.message.clone(),
            on_hold: self.monitor.hold,
            pin: self.pin.answer,
            seconds_left: counted.map(|left| left.as_secs()),
            may_go: self.done_since.is_some(),
            ends: self.ends,
        }
    }

    /// What the record says of the seat that the interview was held at.
    pub(crate) fn of_record(&self) -> Option<SeatNote> {
        let looked = self.looked.as_ref()?;
        let (settings, signed) = (looked.settings.as_ref()?, looked.policy.as_ref().ok()?);
        let around = *self.around.borrow();
        Some(SeatNote {
            center: settings.center.clone(),
            seat: settings.seat.clone(),
            policy: signed.digest.clone(),
            lock: around.level(),
            weak: around.weaknesses(),
        })
    }

    /// Whether what is seen around the window changed since this was asked last.
    pub(crate) fn around_changed(&mut self) -> bool {
        let changed = self.around.has_changed().unwrap_or(false);
        if changed {
            self.around.mark_unchanged();
        }
        changed
    }
}

/// Those of a policy's languages that this client speaks. Of a policy that names only others it is English: everything else that a policy
/// limits is not widened because this version does not know it, either.
fn spoken(tags: &[String]) -> Vec<Language> {
    let known: Vec<Language> = tags.iter().filter_map(|tag| Language::of(tag)).collect();
    if known.is_empty() && !tags.is_empty() { vec![Language::English] } else { known }
}

/// A name that no other life has; without chance, the clock's.
fn by_chance() -> String {
    let mut bytes = [0_u8; 8];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = (Utc::now().timestamp_micros() as u64).to_be_bytes();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock_in_words(level: LockLevel, wanted: LockLevel, weak: &[Weakness]) -> String {
    let weak: Vec<_> = weak.iter().map(|weakness| weakness.as_str()).collect();
    format!("locked as {}, and the policy wants {}: {}", level.as_str(), wanted.as_str(), weak.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_names_languages_never_stands_for_all() {
        let tags = |tags: &[&str]| spoken(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
        assert_eq!(tags(&["de", "xx", "en"]), [Language::German, Language::English]);
        assert_eq!(tags(&["xx"]), [Language::English]);
        assert_eq!(tags(&[]), []);
    }
}
