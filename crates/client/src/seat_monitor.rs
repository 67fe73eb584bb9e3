//! What a seat tells its center, and what it is told from there.
//!
//! An order is done once the center knows that it is known: the seat tells its number first, and does it when that has arrived. So an order
//! that lets the program end is not found again by the next one.

use std::time::Duration;

use adjourn_outbox::BackendError;
use adjourn_protocol::{GivenOrder, NumberedOrder, SeatOrders, SeatState, SeatTold};
use tokio::time::Instant;

use crate::backend::Center;
use crate::environment::Environment;
use crate::event::{Event, Events};

/// So often a seat tells how it is, until its center says otherwise.
const USUAL: Duration = Duration::from_secs(5);
/// What changes again and again is told so often at most.
const LEAST: Duration = Duration::from_millis(200);
/// And so often where the center does not answer, each time later: it is there for the interview, not for this.
const UNANSWERED: Duration = Duration::from_secs(5);
/// But so often at least.
const MOST_PAUSE: Duration = Duration::from_secs(60);
/// What was known and could not be done by then was meant for another moment (as the server has it).
const GOOD_FOR: Duration = Duration::from_secs(120);
/// A disk that does not say by then what is on it has something that did not arrive.
const DISK: Duration = Duration::from_secs(2);

/// Whether somebody is to know at once. How long the way to the server takes is another number each time.
fn differs(told: &SeatState, now: &SeatState) -> bool {
    *told != SeatState { round_trip_ms: told.round_trip_ms, ..now.clone() }
}

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    telling: bool,
    told: Option<SeatState>,
    told_at: Option<Instant>,
    /// Words in a row that were not answered.
    unanswered: u32,
    again: Option<Duration>,
    /// Nobody is to begin an interview here: the center said so last.
    pub(crate) hold: bool,
    /// Number of the newest order that is known.
    known: i64,
    /// Orders that are known, and done once the center knows that.
    waiting: Vec<(NumberedOrder, Instant)>,
}

impl Monitor {
    /// Tells how the seat is, if that is due: beside the loop. `unsent`: something is in this window alone.
    pub(crate) fn tell(
        &mut self,
        told: SeatTold,
        unsent: bool,
        center: impl FnOnce() -> Option<Center>,
        environment: &Environment,
        events: &Events,
    ) {
        let SeatTold { state, token } = told;
        let state = SeatState { done: self.known, ..state };
        let since = self.told_at.map(|at| at.elapsed());
        let changed = self.told.as_ref().is_none_or(|told| differs(told, &state));
        let pause = match (self.unanswered, changed) {
            (0, true) => LEAST,
            (0, false) => self.again.unwrap_or(USUAL),
            (times, _) => (UNANSWERED * times).min(MOST_PAUSE),
        };
        if self.telling || since.is_some_and(|since| since < pause) {
            return;
        }
        let Some(center) = center() else { return };
        (self.telling, self.told_at, self.told) = (true, Some(Instant::now()), Some(state.clone()));
        let (environment, events) = (environment.clone(), events.clone());
        tokio::spawn(async move {
            let waits = tokio::time::timeout(DISK, environment.storage.undelivered()).await;
            let waits = waits.ok().and_then(Result::ok).unwrap_or(true);
            let state = SeatState { undelivered: unsent || waits, ..state };
            let done = state.done;
            let told = SeatTold { state, token };
            let answer = environment.backend.tell_seat(&center, &told).await;
            events.tell(Event::SeatTold { done, answer }).await;
        });
    }

    /// What the center answered to a word that said which order is `done`; gives what is to be done now.
    pub(crate) fn answered(
        &mut self,
        done: i64,
        answer: Result<SeatOrders, BackendError>,
    ) -> Vec<GivenOrder> {
        self.telling = false;
        let before = self.unanswered;
        self.unanswered = if answer.is_ok() { 0 } else { before.saturating_add(1) };
        let SeatOrders { orders, again_s, hold } = match answer {
            Ok(answer) => answer,
            Err(error) => {
                if before == 0 {
                    tracing::warn!(%error, "the center can't be told how the seat is");
                }
                return Vec::new();
            }
        };
        self.hold = hold;
        self.again = Some(Duration::from_secs(again_s.clamp(1, 60).into()));
        let known = std::mem::take(&mut self.waiting);
        let good = known.into_iter().filter(|(_, since)| since.elapsed() < GOOD_FOR);
        let (now, later): (Vec<_>, Vec<_>) = good.partition(|(order, _)| order.id <= done);
        self.waiting = later;
        for order in orders {
            if order.id > self.known {
                self.known = order.id;
                self.waiting.push((order, Instant::now()));
            }
        }
        now.into_iter().map(|(order, _)| order.given).collect()
    }
}
