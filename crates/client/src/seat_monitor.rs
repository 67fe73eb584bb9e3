//! What a seat tells its center, and what it is told from there.
//!
//! An order is done once the center knows that it is known: the seat tells its number first, and does it when that has arrived. So an order
//! that lets the program end is not found again by the next one.

use std::time::Duration;

use adjourn_outbox::BackendError;
use adjourn_protocol::{NumberedOrder, SeatOrder, SeatOrders, SeatState, Secret};
use tokio::time::Instant;
use url::Url;

use crate::environment::Environment;
use crate::event::{Event, Events};

/// So often a seat tells how it is, until its center says otherwise.
const USUAL: Duration = Duration::from_secs(5);
/// What changes again and again is told so often at most.
const LEAST: Duration = Duration::from_millis(200);
/// And so often where the center does not answer: it is there for the interview, not for this.
const UNANSWERED: Duration = Duration::from_secs(5);

/// Where a seat tells, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Center {
    pub(crate) server: Url,
    pub(crate) center: String,
    pub(crate) seat: String,
    pub(crate) key: Secret,
}

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
    /// The last word did not arrive.
    unanswered: bool,
    again: Option<Duration>,
    /// Number of the newest order that is known.
    known: i64,
    /// Orders that are known, and done once the center knows that.
    waiting: Vec<NumberedOrder>,
}

impl Monitor {
    /// Tells how the seat is, if that is due: beside the loop.
    pub(crate) fn tell(
        &mut self,
        state: SeatState,
        center: impl FnOnce() -> Option<Center>,
        environment: &Environment,
        events: &Events,
    ) {
        let state = SeatState { done: self.known, ..state };
        let since = self.told_at.map(|at| at.elapsed());
        let changed = self.told.as_ref().is_none_or(|told| differs(told, &state));
        let pause = match (self.unanswered, changed) {
            (true, _) => UNANSWERED,
            (false, true) => LEAST,
            (false, false) => self.again.unwrap_or(USUAL),
        };
        if self.telling || since.is_some_and(|since| since < pause) {
            return;
        }
        let Some(center) = center() else { return };
        (self.telling, self.told_at, self.told) = (true, Some(Instant::now()), Some(state.clone()));
        let (environment, events) = (environment.clone(), events.clone());
        tokio::spawn(async move {
            // A disk that does not say has something that did not arrive.
            let undelivered = environment.storage.waits().await.unwrap_or(true);
            let state = SeatState { undelivered, ..state };
            let answer = environment.backend.tell_seat(
                &center.server,
                &center.center,
                &center.seat,
                &center.key,
                &state,
            );
            let answer = answer.await;
            events.tell(Event::SeatTold { done: state.done, answer }).await;
        });
    }

    /// What the center answered to a word that said which order is `done`; gives what is to be done now.
    pub(crate) fn answered(&mut self, done: i64, answer: Result<SeatOrders, BackendError>) -> Vec<SeatOrder> {
        self.telling = false;
        let before = self.unanswered;
        self.unanswered = answer.is_err();
        let SeatOrders { orders, again_s } = match answer {
            Ok(answer) => answer,
            Err(error) => {
                if !before {
                    tracing::warn!(%error, "the center can't be told how the seat is");
                }
                return Vec::new();
            }
        };
        self.again = Some(Duration::from_secs(again_s.clamp(1, 60).into()));
        let (now, later) = std::mem::take(&mut self.waiting).into_iter().partition(|order| order.id <= done);
        self.waiting = later;
        for order in orders {
            if order.id > self.known {
                self.known = order.id;
                self.waiting.push(order);
            }
        }
        let now: Vec<NumberedOrder> = now;
        now.into_iter().map(|order| order.order).collect()
    }
}
