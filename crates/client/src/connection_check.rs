//! The way to the interview room, tried before the interview: reached or not, by UDP or not, how long it takes, what is lost.

use std::sync::Arc;
use std::time::Duration;

use adjourn_outbox::BackendError;
use adjourn_protocol::{CheckRequest, Checked, InviteLink};
use adjourn_room::{Transport, Way};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::diagnostics::{ROUND_TRIP_MS, percent, verdict, whole};
use crate::event::{Event, Events, Tried, Untried};
use crate::sound_check::{Finding, Verdict};
use crate::{Environment, Message};

/// It is not tried before this: who joins at once needs the way for that.
const PAUSE: Duration = Duration::from_millis(500);
/// Entering and three seconds of sound; as long as a join may take (`Policy::connect_limit`).
const LIMIT: Duration = Duration::from_secs(20);

/// Of 150 packets, in percent: three that a hiccup takes are no bad line, a dozen are.
const LOST: (f64, f64) = (2.0, 8.0);

/// The check, as it goes.
pub(crate) struct ConnectionCheck {
    events: Events,
    trying: Option<JoinHandle<()>>,
    /// Counts the tries: what an earlier one says is of another link.
    number: u64,
    /// Nothing, unless it is tried or was.
    found: Option<Finding>,
    kept: Checked,
}

impl ConnectionCheck {
    pub(crate) fn new(events: Events) -> Self {
        Self { events, trying: None, number: 0, found: None, kept: Checked::default() }
    }

    /// Tries the way to the room of that link, beside the loop.
    pub(crate) fn begin<T: Transport>(
        &mut self,
        environment: &Environment,
        transport: Arc<T>,
        link: InviteLink,
    ) {
        self.stop();
        let number = self.number;
        let (backend, events, told) = (environment.backend.clone(), self.events.clone(), self.events.clone());
        let attempt = async move {
            tokio::time::sleep(PAUSE).await;
            let request = CheckRequest { code: link.code.clone() };
            let answer = backend.check(&link, &request).await.map_err(Untried::ByBackend)?;
            if let Some(invited) = answer.invited {
                told.tell(Event::Invited { link, invited }).await;
            }
            let room = answer.livekit.ok_or(Untried::NoRoom)?;
            let tried = transport.try_link(&room.url, room.token.expose());
            let tried = tokio::time::timeout(LIMIT, tried).await.map_err(|_| Untried::TooLong)?;
            tried.map_err(Untried::ByRoom)
        };
        let tried = async move {
            let tried = attempt.await;
            events.tell(Event::ConnectionTried { number, tried }).await;
        };
        self.trying = Some(tokio::spawn(tried.in_current_span()));
        self.found = Some(Finding { verdict: Verdict::Open, text: Message::TryingConnection });
    }

    /// It is not tried any longer; the room is left.
    pub(crate) fn stop(&mut self) {
        self.trying.take().inspect(JoinHandle::abort);
        self.number += 1;
        self.found = None;
    }

    /// A try ended.
    pub(crate) fn ended(&mut self, number: u64, tried: &Tried) {
        if number != self.number {
            return;
        }
        self.trying = None;
        match tried {
            Ok(link) => tracing::info!(?link, "the way to the room was tried"),
            Err(untried) => tracing::warn!(?untried, "the way to the room could not be tried"),
        }
        self.found = Some(finding(tried));
    }

    /// What is shown.
    pub(crate) fn found(&self) -> Option<&Finding> {
        self.found.as_ref()
    }

    /// The candidate goes on: what was found is kept for the record, and the way is needed for the interview.
    pub(crate) fn keep(&mut self) {
        if self.trying.is_some() {
            self.stop();
        }
        self.kept = self.found.as_ref().map_or(Checked::NotTried, |found| found.verdict.into());
    }

    /// What had been found.
    pub(crate) fn kept(&self) -> Checked {
        self.kept
    }
}

/// The worst of it, in words, with what to do.
fn finding(tried: &Tried) -> Finding {
    let of = |verdict, text| Finding { verdict, text };
    let link = match tried {
        Ok(link) => link,
        // A proxy's word, or that of a backend which does not know the question: the join may go well all the same.
        // Nor does that no room could be opened just now say anything of the interview's.
        Err(
            Untried::NoRoom
            | Untried::ByBackend(BackendError::Unusable { .. } | BackendError::TooMany { .. }),
        ) => {
            return of(Verdict::Warning, Message::ConnectionNotTried);
        }
        Err(Untried::ByBackend(error)) => return of(Verdict::Bad, error.into()),
        Err(Untried::ByRoom(error)) => return of(Verdict::Bad, error.refusal.into()),
        Err(Untried::TooLong) => return of(Verdict::Bad, Message::RoomUnreachable),
    };
    let ms = link.round_trip.unwrap_or_default() * 1_000.0;
    let lost = link.sent_lost.unwrap_or_default() * 100.0;
    let (by_loss, by_time) = (verdict(lost, LOST), verdict(ms, ROUND_TRIP_MS));
    if by_loss != Verdict::Good {
        return of(by_loss, Message::ConnectionLossy { percent: percent(lost) });
    }
    if by_time != Verdict::Good {
        return of(by_time, Message::ConnectionSlow { ms: whole(ms) });
    }
    match link.way {
        Some(Way::Udp) => of(Verdict::Good, Message::ConnectionGood { ms: whole(ms).max(1) }),
        Some(Way::Tcp) => of(Verdict::Warning, Message::ConnectionByTcp),
        // It was entered, and no sound went anywhere.
        None => of(Verdict::Bad, Message::RoomUnreachable),
    }
}

#[cfg(test)]
mod tests {
    use adjourn_room::LinkCheck;

    use super::*;

    #[test]
    fn the_worst_of_it_is_said() {
        let good = LinkCheck { way: Some(Way::Udp), round_trip: Some(0.04), sent_lost: Some(0.0) };
        let of = |link: LinkCheck| finding(&Ok(link)).text;
        assert_eq!(of(good), Message::ConnectionGood { ms: 40 });
        // A server on this very computer is no 0 ms away.
        assert_eq!(of(LinkCheck { round_trip: Some(0.000_2), ..good }), Message::ConnectionGood { ms: 1 });
        assert_eq!(of(LinkCheck { way: Some(Way::Tcp), ..good }), Message::ConnectionByTcp);
        let slow = LinkCheck { round_trip: Some(0.4), way: Some(Way::Tcp), ..good };
        assert_eq!(of(slow), Message::ConnectionSlow { ms: 400 });
        let lossy = finding(&Ok(LinkCheck { sent_lost: Some(0.081), ..slow }));
        assert_eq!((lossy.verdict, lossy.text), (Verdict::Bad, Message::ConnectionLossy { percent: 9 }));
        let nothing = finding(&Ok(LinkCheck::default()));
        assert_eq!((nothing.verdict, nothing.text), (Verdict::Bad, Message::RoomUnreachable));
    }
}
