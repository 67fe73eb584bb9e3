//! What a seat's center is told, and what it may want.

use std::time::Duration;

use adjourn_kiosk::SeatEnd;
use adjourn_outbox::BackendError;
use adjourn_protocol::{Assignment, GivenOrder, SeatOrder, SeatStage, SeatState, SeatTold, Secret};
use adjourn_session::Phase;
use tokio::time::Instant;

use crate::backend::Center;
use crate::environment::Environment;
use crate::seat::{Seat, SeatScene};
use crate::seat_policy::Looked;
use crate::snapshot::SeatTrouble;

/// Nobody is there who did nothing for so long.
const ALONE: Duration = Duration::from_secs(60);

/// Why something was not done is told for so long.
const TOLD: Duration = Duration::from_secs(60);

/// What a center is told besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeatFacts {
    pub(crate) interview_id: Option<String>,
    pub(crate) initials: Option<String>,
    /// Of the interview: proves that it is held here.
    pub(crate) token: Option<Secret>,
    pub(crate) microphone: Option<String>,
    pub(crate) loudspeaker: Option<String>,
    pub(crate) round_trip_ms: Option<u32>,
    pub(crate) version: String,
    /// What was said is on no disk.
    pub(crate) only_here: bool,
}

/// The center, as far as the seat's files name it.
fn center(looked: Option<&Looked>) -> Option<Center> {
    let looked = looked?;
    let settings = looked.settings.as_ref()?;
    Some(Center {
        server: looked.server.clone()?,
        center: settings.center.clone(),
        seat: settings.seat.clone(),
        key: looked.key.as_ref().ok()?.clone()?,
    })
}

impl Seat {
    /// Whether there is a center that it tells.
    pub(crate) fn has_center(&self) -> bool {
        self.looked.as_ref().is_some_and(|looked| matches!(looked.key, Ok(Some(_))))
    }

    /// Tells the center how the seat is, if there is one that wants to know.
    pub(crate) fn tell(&mut self, scene: SeatScene, facts: SeatFacts, environment: &Environment) {
        let trouble = if scene.has_link { None } else { self.trouble() };
        let around = *self.around.borrow();
        let SeatFacts {
            interview_id,
            initials,
            token,
            microphone,
            loudspeaker,
            round_trip_ms,
            version,
            only_here,
        } = facts;
        self.held.clone_from(&interview_id);
        let state = SeatState {
            stage: match scene.phase {
                Phase::Checking if scene.has_link => SeatStage::Check,
                Phase::Checking if trouble.is_some() => SeatStage::Closed,
                Phase::Checking => SeatStage::Idle,
                Phase::Joining | Phase::Waiting => SeatStage::Waiting,
                Phase::Live => SeatStage::Interview,
                Phase::WrappingUp | Phase::Completed => SeatStage::Ended,
            },
            life: self.life.clone(),
            interview_id,
            initials,
            remote: self.looked.as_ref().is_some_and(|looked| looked.escapes.remote),
            trouble: trouble.map(SeatTrouble::into_detail),
            lock: around.level(),
            weak: around.weaknesses(),
            help: self.help,
            held: self.monitor.hold,
            refused: self.refused.as_ref().filter(|(_, at)| at.elapsed() < TOLD).map(|(why, _)| why.clone()),
            undelivered: false,
            microphone,
            loudspeaker,
            round_trip_ms,
            version,
            done: 0,
        };
        let center = || center(self.looked.as_ref());
        let unsent = only_here || (scene.phase == Phase::Completed && !scene.safe);
        self.monitor.tell(SeatTold { state, token }, unsent, center, environment, &self.events);
    }

    /// The center wants something. What was meant for another candidate is not done. `only_here`: what was said is on no disk. Gives the
    /// order that it did: there may be more to do.
    pub(crate) fn ordered(
        &mut self,
        given: GivenOrder,
        scene: SeatScene,
        only_here: bool,
    ) -> Option<SeatOrder> {
        let GivenOrder { life, seen, order } = given;
        let done = match (life == self.life, seen == self.held) {
            (false, _) => Err("somebody else sits here by now"),
            (true, false) => Err("an interview began or ended here meanwhile"),
            (true, true) => self.does(&order, scene, only_here),
        };
        tracing::warn!(order = order.as_str(), done = done.is_ok(), "the center wants something of the seat");
        self.refused = done.err().map(|why| (format!("{}: {why}", order.as_str()), Instant::now()));
        done.is_ok().then_some(order)
    }

    /// Does it, or says why not, for the staff.
    fn does(&mut self, order: &SeatOrder, scene: SeatScene, only_here: bool) -> Result<(), &'static str> {
        let untouched = self.touched.is_none_or(|at| at.elapsed() >= ALONE);
        let idle = scene.phase == Phase::Checking && !scene.has_link;
        match order {
            SeatOrder::Message { text } => {
                self.message = Some(text.clone()).filter(|text| !text.trim().is_empty());
            }
            SeatOrder::Assign { .. } if self.trouble().is_some() => return Err("it takes nobody now"),
            SeatOrder::Assign { .. } if idle && !self.assigning => {}
            SeatOrder::Renew if idle && untouched => self.ends = Some(SeatEnd::NextCandidate),
            SeatOrder::Assign { .. } | SeatOrder::Renew => return Err("somebody sits here"),
            SeatOrder::Release => self.release_from_afar(scene, only_here)?,
            SeatOrder::EndInterview { .. } | SeatOrder::Hold { .. } => {
                return Err("the organiser's server does that");
            }
            SeatOrder::Unknown => return Err("this version of the seat does not know it"),
        }
        Ok(())
    }

    /// The center let interviews begin again: who waited begins to be counted now.
    pub(crate) fn goes_on(&mut self, before: bool) {
        if before && !self.monitor.hold {
            self.touch();
        }
    }

    /// Where the center is asked now whom it assigned, and as which life of the seat.
    pub(crate) fn asks_assignment(&mut self) -> Option<(Center, String)> {
        let center = center(self.looked.as_ref());
        self.assigning = center.is_some();
        if center.is_none() {
            self.refused = Some(("assign: the seat's key can't be read".to_owned(), Instant::now()));
        }
        Some((center?, self.life.clone()))
    }

    /// Whom the center assigned, or why that is not known. Gives the code of whoever begins now.
    pub(crate) fn assigned(
        &mut self,
        answer: Result<Assignment, BackendError>,
        scene: SeatScene,
    ) -> Option<Secret> {
        self.assigning = false;
        let idle = scene.phase == Phase::Checking && !scene.has_link && self.trouble().is_none();
        let refused = match answer {
            Ok(assignment) if idle => {
                self.touch();
                self.forget_message();
                self.refused = None;
                return Some(assignment.code);
            }
            Ok(_) => "somebody sits here".to_owned(),
            Err(error) => {
                tracing::warn!(%error, "whom the center assigned is not known");
                error.to_string()
            }
        };
        self.refused = Some((format!("assign: {refused}"), Instant::now()));
        None
    }

    /// Whether nobody may begin an interview here now, though all is well.
    pub(crate) fn is_on_hold(&self) -> bool {
        self.monitor.hold
    }

    /// As the policy allows it; never where the only copy of what was said would be lost: for that somebody has to stand before it.
    fn release_from_afar(&mut self, scene: SeatScene, only_here: bool) -> Result<(), &'static str> {
        let allowed = self.looked.as_ref().is_some_and(|looked| looked.escapes.remote);
        let loses =
            scene.phase != Phase::Checking && !scene.safe && (only_here || scene.phase == Phase::Completed);
        if !allowed {
            return Err("its policy does not allow that from afar");
        }
        if loses {
            return Err("the only copy of what was said is in its window");
        }
        self.ends = Some(SeatEnd::Released);
        Ok(())
    }
}
