//! A connection to the sound server.

use std::time::{Duration, Instant};

use libpulse_binding as pulse;
use pulse::context::{self, Context};
use pulse::error::PAErr;
use pulse::mainloop::standard::Mainloop;
use pulse::time::MicroSeconds;

use crate::device::AudioError;
use crate::urgent::Rests;

const NAME: &str = "Adjourn";
/// How long the server may take to list its devices or open a stream.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long opening a stream may take: some USB microphones need more than 2 s to wake up.
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(4);
/// Pause before a stream is opened again, or a lost server is asked again.
pub(super) const REOPEN_PAUSE: Duration = Duration::from_millis(500);
/// Longest wait for the server before we look whether we are still wanted: two frames.
pub(super) const TURN: Duration = Duration::from_millis(20);

/// Why there is no connection.
pub(super) enum Unreached {
    /// Nobody listens.
    NoServer(AudioError),
    /// Somebody does, and does not answer.
    Broken(AudioError),
}

impl From<Unreached> for AudioError {
    fn from(unreached: Unreached) -> Self {
        match unreached {
            Unreached::NoServer(error) | Unreached::Broken(error) => error,
        }
    }
}

/// A connection to the server and the main loop that serves it. Dropping it waits for nothing.
pub(super) struct Server {
    // Dropped in this order: the context uses the main loop.
    pub(super) context: Context,
    mainloop: Mainloop,
    /// Its thread may come before others.
    pub(super) rests: Rests,
}

impl Server {
    /// Connects, as long as it is wanted.
    pub(super) fn connect(
        flags: context::FlagSet,
        deadline: Instant,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, Unreached> {
        let unavailable = || Unreached::Broken(AudioError::System("no memory for it".to_owned()));
        let mainloop = Mainloop::new().ok_or_else(unavailable)?;
        let context = Context::new(&mainloop, NAME).ok_or_else(unavailable)?;
        let mut server = Self { context, mainloop, rests: Rests::default() };
        if server.context.connect(None, flags, None).is_err() {
            // The call itself gives no reason.
            return Err(Unreached::NoServer(failed(server.context.errno())));
        }
        let ready = |context: &Context| (context.get_state() == context::State::Ready).then_some(Ok(()));
        match server.until(deadline, wanted, ready) {
            Ok(()) => Ok(server),
            Err(error) if server.context.get_state().is_good() => Err(Unreached::Broken(error)),
            Err(error) => Err(Unreached::NoServer(error)),
        }
    }

    /// Waits up to [`TURN`] for the server and does what it says.
    pub(super) fn turn(&mut self) -> Result<(), PAErr> {
        self.rests.look();
        self.mainloop.prepare(Some(MicroSeconds(TURN.as_micros() as u64)))?;
        self.mainloop.poll()?;
        self.mainloop.dispatch().map(drop)
    }

    /// Turns until `done` says how it went; an error when the deadline passes, the connection is lost, or
    /// nobody wants it any more.
    pub(super) fn until(
        &mut self,
        deadline: Instant,
        wanted: &dyn Fn() -> bool,
        done: impl Fn(&Context) -> Option<Result<(), AudioError>>,
    ) -> Result<(), AudioError> {
        while wanted() && Instant::now() < deadline {
            self.turn().map_err(failed)?;
            if let Some(result) = done(&self.context) {
                return result;
            }
            if !self.is_there() {
                return Err(failed(self.context.errno()));
            }
        }
        Err(AudioError::Hangs)
    }

    /// Whether the connection holds.
    pub(super) fn is_there(&self) -> bool {
        self.context.get_state().is_good()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.context.disconnect();
    }
}

pub(super) fn failed(error: PAErr) -> AudioError {
    AudioError::System(error.to_string().unwrap_or_else(|| "no reason given".to_owned()))
}

/// Waits for [`REOPEN_PAUSE`], as long as somebody wants what comes then.
pub(super) fn rest(wanted: &dyn Fn() -> bool) {
    let rested = Instant::now() + REOPEN_PAUSE;
    while wanted() && Instant::now() < rested {
        std::thread::sleep(TURN);
    }
}
