//! The end of the process: an interview that is open ends, is committed and left; what can't be delivered now waits on disk.

use std::time::Duration;

use adjourn_room::Transport;
use adjourn_session::{Delivery, Input, Phase};
use tokio::sync::mpsc;

use crate::client::Client;
use crate::event::Event;
use crate::leaving::Leaving;
use crate::panics::guarded;
use crate::run::sleep_until;
use crate::{Shell, Snapshot};

/// A record that is nowhere safe yet is waited for so long.
const LAST_COMMIT: Duration = Duration::from_secs(12);
/// So long for leaving the room, and for closing the storage.
const LAST_WORD: Duration = Duration::from_secs(1);

impl<T: Transport, S: Shell> Client<T, S> {
    pub(crate) async fn close(mut self, mut events: mpsc::Receiver<Event>, leaving: Leaving) -> Snapshot {
        self.feed(Input::SystemEnds);
        self.goes_on(&mut events, LAST_COMMIT, Self::unsafe_still).await;
        self.audio.close_microphone();
        self.leave();
        self.connection.left(LAST_WORD).await;
        self.goes_on(&mut events, leaving.patience(), Self::sends_still).await;
        self.show();
        // Work on the journal that still runs beside the loop must not find it closed.
        self.invitation.stop().await;
        let _ = tokio::time::timeout(LAST_WORD, self.adjustment.rest()).await;
        // What is being written down is written to its end. Nobody watches any more, so nobody is told.
        self.deliveries.stop();
        events.close();
        self.deliveries.stopped().await;
        // Nor a slow disk: what is not written by now is safe elsewhere, or was waited for above. Apart, since
        // SQLite closes on the thread that asks.
        let storage = self.environment.storage.clone();
        let closing = tokio::spawn(async move { storage.close().await });
        let _ = tokio::time::timeout(LAST_WORD, closing).await;
        self.presenter.last().clone()
    }

    /// Goes on while that holds, but no longer than `limit`.
    async fn goes_on(
        &mut self,
        events: &mut mpsc::Receiver<Event>,
        limit: Duration,
        holds: impl Fn(&Self) -> bool,
    ) {
        let deadline = tokio::time::Instant::now() + limit;
        while holds(self) {
            match tokio::time::timeout_at(deadline, guarded(self.one_more(events))).await {
                Ok(Some(true)) => {}
                Ok(_) | Err(_) => break,
            }
        }
    }

    /// Whether the record is on disk, and the backend has not answered yet.
    fn sends_still(&self) -> bool {
        let on_disk = matches!(self.session.view().delivery, Delivery::Sending | Delivery::Saved);
        on_disk && !self.deliveries.was_put_off()
    }

    /// Whether what was said is neither on disk nor at the backend yet.
    fn unsafe_still(&self) -> bool {
        let view = self.session.view();
        view.phase == Phase::WrappingUp
            || (view.phase == Phase::Completed
                && matches!(view.delivery, Delivery::Saving | Delivery::Unsaved))
    }

    /// One more event, or the session's next timeout; `false` when nothing comes any more.
    async fn one_more(&mut self, events: &mut mpsc::Receiver<Event>) -> bool {
        self.show();
        let due = self.due();
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => self.event(event).await,
                None => return false,
            },
            () = sleep_until(due) => self.time_passed(),
        }
        true
    }
}
