//! Our own connection, and a clock that runs only while it is fresh.

use serde::{Deserialize, Serialize};

use crate::Time;

/// State of our own connection as the SDK tells it; [`LinkMonitor`] knows better whether it is fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Not asked for.
    Idle,
    /// On the way into the room.
    Connecting,
    /// In the room.
    Up,
    /// The SDK restores it.
    Resuming,
    /// The SDK gave up; we try ourselves.
    Down,
}

/// Milliseconds during which our own link was fresh. All timers about the interviewer count these,
/// so that our own blip never counts against the interviewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fresh(pub(crate) u64);

impl Fresh {
    pub(crate) fn after(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    /// Taken back to `latest`, if it is later.
    pub(crate) fn cap(&mut self, latest: Self) {
        *self = (*self).min(latest);
    }
    pub(crate) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Watches what our connection receives.
#[derive(Clone, Debug)]
pub(crate) struct LinkMonitor {
    pub(crate) state: ConnectionState,
    /// Counter of the last statistics of this connection.
    pub(crate) received: Option<u64>,
    /// When it last grew, or when a connection was made: it is believed to deliver until it is seen.
    pub(crate) last_growth: Option<Time>,
    /// When it last grew for certain.
    pub(crate) last_received: Option<Time>,
    /// Since when we are out of the room, or being brought back into it.
    pub(crate) out_since: Option<Time>,
    /// When this computer last woke: before, nothing could be received, nor decided.
    pub(crate) woke: Option<Time>,
    /// Fresh time up to `running_since`.
    accumulated: Fresh,
    /// The clock runs from here, or stands.
    running_since: Option<Time>,
}

impl LinkMonitor {
    pub(crate) fn new() -> Self {
        Self {
            state: ConnectionState::Idle,
            received: None,
            last_growth: None,
            last_received: None,
            out_since: None,
            woke: None,
            accumulated: Fresh(0),
            running_since: None,
        }
    }

    /// Whether the link is up and known to deliver.
    pub(crate) fn is_fresh(&self) -> bool {
        self.running_since.is_some()
    }

    /// The fresh clock.
    pub(crate) fn fresh(&self, now: Time) -> Fresh {
        match self.running_since {
            Some(since) => self.accumulated.after(now.since(since)),
            None => self.accumulated,
        }
    }

    /// When the fresh clock reaches `at`, if nothing stops it; `None` while it stands.
    pub(crate) fn real(&self, at: Fresh) -> Option<Time> {
        let since = self.running_since?;
        Some(since.after(at.since(self.accumulated)))
    }

    /// In the room: the clock starts, on the credit of the connection itself.
    pub(crate) fn up(&mut self, now: Time) {
        self.state = ConnectionState::Up;
        self.out_since = None;
        self.received = None;
        self.last_growth = Some(now);
        self.last_received.get_or_insert(now);
        if self.running_since.is_none() {
            self.running_since = Some(now);
        }
    }

    /// Statistics arrived. Gives whether something was received since the last ones.
    pub(crate) fn stats(&mut self, received: u64, now: Time) -> bool {
        // A new peer connection counts from zero: any change is growth. Its first count says nothing yet.
        let grew = self.received.is_some_and(|before| before != received) && received > 0;
        self.received = Some(received);
        if !grew {
            return false;
        }
        self.last_growth = Some(now);
        self.last_received = Some(now);
        if self.state == ConnectionState::Up && self.running_since.is_none() {
            self.running_since = Some(now);
        }
        true
    }

    /// Since when the link is on the way to being lost. Being out of the room counts, even if some bytes
    /// still arrive; a connection that was made counts once something came over it; sleep does not count.
    pub(crate) fn dead_since(&self) -> Option<Time> {
        let dead = self.out_since.map_or(self.last_received, |out| self.last_received.min(Some(out)));
        dead.max(self.woke)
    }

    /// The link is not up, or stale: the clock stands, and what it counted since something was last received
    /// is taken back, because in that time nothing could have reached us. A connection over which nothing
    /// came at all never counted.
    pub(crate) fn stop(&mut self, now: Time) {
        if let Some(since) = self.running_since.take() {
            let until = self.last_received.unwrap_or(now).max(since).min(now);
            self.accumulated = self.accumulated.after(until.since(since));
        }
    }
}
