//! The event loop: shows what is true, waits for one thing, and does what it asks for.

use std::time::Duration;

use adjourn_room::Transport;
use adjourn_session::Input;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::Instrument as _;

use crate::client::{Client, Inbox};
use crate::leaving::Leaving;
use crate::panics::guarded;
use crate::{Command, Shell, Snapshot};

/// Meters: 20 times a second at most (a webview's queue must not grow).
const METERS: Duration = Duration::from_millis(50);
/// Statistics of our own connection (design: every 500 ms; a request costs 1 to 3 ms).
const STATS: Duration = Duration::from_millis(500);
/// A loop that failed more often is left.
const MOST_FAILURES: u32 = 3;

/// Whether the loop goes on.
enum LoopStep {
    Goes,
    Ends(Leaving),
}

impl<T: Transport, S: Shell> Client<T, S> {
    /// Runs until [`Command::Quit`] or until nobody can send commands any more; gives the snapshot
    /// that was shown last.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Snapshot {
        let Some(mut inbox) = self.inbox.take() else { return self.presenter.last().clone() };
        let mut meters = ticks(METERS);
        let mut stats = ticks(STATS);
        self.deliveries.start();
        self.audio.watch_devices();
        match self.link.take() {
            Some(link) => self.open_link(&link),
            // At a seat, once its policy says for how long what was broken off is offered.
            None if self.seat.is_some() => {}
            None => self.invitation.look_after_unfinished(None),
        }
        let mut failures = 0;
        let leaving = loop {
            let span = self.span.clone();
            let turn = self.turn(&mut commands, &mut inbox, &mut meters, &mut stats);
            match guarded(turn.instrument(span)).await {
                Some(LoopStep::Goes) => {}
                Some(LoopStep::Ends(leaving)) => break leaving,
                // What failed is told by the panic itself. A loop that fails again and again is left, so
                // that what was said is committed all the same.
                None if failures < MOST_FAILURES => failures += 1,
                None => break Leaving::System,
            }
        };
        // From now on a sender is told that its command will not be done.
        commands.close();
        self.close(inbox.events, leaving).await
    }

    async fn turn(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        inbox: &mut Inbox<T>,
        meters: &mut tokio::time::Interval,
        stats: &mut tokio::time::Interval,
    ) -> LoopStep {
        fail::fail_point!("loop");
        let over = self.look_after_seat();
        self.show();
        if over {
            return LoopStep::Ends(Leaving::Person);
        }
        let due = self.due();
        // In this order: a flood of events must not starve commands and timers, and the same happens each time.
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Quit) | None => return LoopStep::Ends(Leaving::System),
                // A seat's window is closed by nobody who sits there.
                Some(Command::Close) if self.seat.is_none() && self.ui.may_close(&self.session.view()) => {
                    if self.ui.close_was_answered() {
                        self.feed(Input::EndConfirmed);
                    }
                    return LoopStep::Ends(Leaving::Person);
                }
                Some(command) => self.command(command),
            },
            () = inbox.panics.next() => self.feed(Input::ClientFailed),
            Some(event) = inbox.events.recv() => self.event(event).await,
            Some(entered) = inbox.rooms.recv() => self.entered(entered),
            () = sleep_until(due) => self.time_passed(),
            _ = meters.tick() => self.measure(),
            _ = stats.tick() => self.look_after(),
            event = self.connection.next_room_event() => self.room_event(event),
        }
        LoopStep::Goes
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
