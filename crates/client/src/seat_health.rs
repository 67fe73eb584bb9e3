//! Whether a seat can hold an interview, looked at while nobody has one there: before a code is taken, and not when it is too late.
//!
//! Nothing of it throws anybody out: once a code is entered, the device check and the interview tell what is wrong, and what to do.

use std::time::Duration;

use adjourn_outbox::BackendError;
use tokio::time::Instant;
use url::Url;

use crate::SoundSide;
use crate::environment::Environment;
use crate::event::{Event, Events};
use crate::snapshot::SeatTrouble;

/// So often the organiser's server is asked.
const ASKS: Duration = Duration::from_secs(15);
/// And so often while it does not answer: the seat is open again soon after it does.
const ASKS_AGAIN: Duration = Duration::from_secs(5);
/// Answers that have to be missing in a row: one may be lost on any network.
const MOST_UNANSWERED: u32 = 2;
/// A device that is exchanged is away for moments.
const AWAY: Duration = Duration::from_secs(3);
/// A clock that differs by more is set wrong (as Kerberos has it, RFC 4120, 3.1.3): records would tell another time than the organiser's.
const CLOCK: Duration = Duration::from_secs(300);
/// A journal of an hour has some megabytes; what else runs on the computer wants its own.
const LEAST_ROOM: u64 = 64 << 20;

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Health {
    asking: bool,
    asked_at: Option<Instant>,
    unanswered: u32,
    /// Why the last question had no good answer, or by how much this computer's clock is ahead, in seconds.
    server: Option<Result<i64, BackendError>>,
    absent: Option<(SoundSide, Instant)>,
    /// Bytes that the disk takes, where that is known.
    room: Option<u64>,
    /// The journal could not be opened: what is said would be in the window alone.
    unkept: bool,
}

impl Health {
    /// Time passed at a seat that waits for a code: whatever is due is asked, beside the loop.
    pub(crate) fn look(
        &mut self,
        server: Option<&Url>,
        absent: Option<SoundSide>,
        environment: &Environment,
        events: &Events,
    ) {
        let now = Instant::now();
        self.unkept = environment.storage.volatile();
        self.absent = absent.map(|side| match self.absent {
            Some((before, since)) if before == side => (side, since),
            Some(_) | None => (side, now),
        });
        let pause = if self.unanswered > 0 { ASKS_AGAIN } else { ASKS };
        let due = self.asked_at.is_none_or(|at| at.elapsed() >= pause);
        let Some(server) = server.filter(|_| due && !self.asking) else { return };
        (self.asking, self.asked_at) = (true, Some(now));
        let (environment, events, server) = (environment.clone(), events.clone(), server.clone());
        tokio::spawn(async move {
            let answer = environment.backend.clock(&server).await;
            let ahead = answer.map(|theirs| (environment.clock.wall() - theirs).num_seconds());
            events.tell(Event::SeatServer(ahead)).await;
        });
    }

    /// What the server answered: by how many seconds this computer's clock is ahead.
    pub(crate) fn answered(&mut self, ahead: Result<i64, BackendError>) {
        self.asking = false;
        self.unanswered = if ahead.is_ok() { 0 } else { self.unanswered.saturating_add(1) };
        self.server = Some(ahead);
    }

    /// So many bytes the disk takes.
    pub(crate) fn has_room(&mut self, bytes: Option<u64>) {
        self.room = bytes;
    }

    /// A code was entered: what was found counts no more. What is asked just now still comes.
    pub(crate) fn forget(&mut self) {
        *self = Self { asking: self.asking, asked_at: self.asked_at, ..Self::default() };
    }

    /// Why nobody could hold an interview here, for whoever looks after it.
    pub(crate) fn trouble(&self) -> Option<SeatTrouble> {
        let unkept = "the journal can't be opened, and what is said here would be on no disk: see the seat's log, mend that, and begin the seat anew";
        let unkept = || self.unkept.then(|| unkept.to_owned());
        let detail = self.absence().or_else(|| self.full()).or_else(unkept).or_else(|| self.of_server())?;
        Some(SeatTrouble::Unwell { detail })
    }

    fn absence(&self) -> Option<String> {
        let (side, _) = self.absent.filter(|(_, since)| since.elapsed() >= AWAY)?;
        let what = match side {
            SoundSide::Microphone => "microphone",
            SoundSide::Loudspeaker => "loudspeaker",
        };
        Some(format!("there is no {what}: plug one in, or see whether the system shows it"))
    }

    fn full(&self) -> Option<String> {
        let room = self.room.filter(|room| *room < LEAST_ROOM)?;
        Some(format!(
            "the disk has room for {} MB more, and {} are wanted: delete what is not needed",
            room >> 20,
            LEAST_ROOM >> 20
        ))
    }

    fn of_server(&self) -> Option<String> {
        match self.server.as_ref()? {
            Err(_) if self.unanswered < MOST_UNANSWERED => None,
            Err(error) => Some(error.to_string()),
            Ok(ahead) if ahead.unsigned_abs() <= CLOCK.as_secs() => None,
            Ok(ahead) => {
                let (minutes, way) =
                    (ahead.unsigned_abs() / 60, if *ahead > 0 { "ahead of" } else { "behind" });
                Some(format!(
                    "this computer's clock is {minutes} minutes {way} the interview server's: set it"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(health: &Health) -> Option<String> {
        match health.trouble()? {
            SeatTrouble::Unwell { detail } => Some(detail),
            SeatTrouble::Policy { .. } | SeatTrouble::NotLocked { .. } => None,
        }
    }

    #[test]
    fn one_lost_answer_closes_no_seat_and_two_do() {
        let mut health = Health::default();
        let lost = || Err(BackendError::Unreachable { host: "interviews.example".to_owned() });
        health.answered(lost());
        assert_eq!(why(&health), None);
        health.answered(lost());
        assert!(why(&health).unwrap().contains("interviews.example cannot be reached"));
        health.answered(Ok(0));
        assert_eq!(why(&health), None);
    }

    #[test]
    fn a_clock_that_is_wrong_and_a_full_disk_are_told_with_a_number() {
        let mut health = Health::default();
        health.answered(Ok(-3 * 3_600));
        assert_eq!(
            why(&health).unwrap(),
            "this computer's clock is 180 minutes behind the interview server's: set it"
        );
        health.answered(Ok(300));
        assert_eq!(why(&health), None);
        health.has_room(Some(12 << 20));
        assert!(why(&health).unwrap().starts_with("the disk has room for 12 MB more"));
        health.forget();
        assert_eq!(why(&health), None);
    }
}
