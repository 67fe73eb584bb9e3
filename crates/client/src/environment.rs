//! Everything outside of the client but room and screen: passed in, so that a test may pass in something else.

use std::sync::Arc;

use adjourn_audio::{Host, System};
use adjourn_room::Stages;

use crate::backend::{Backend, Http};
use crate::clock::{Clock, SystemClock};
use crate::processing::{MakeModule, VoiceModule, webrtc};
use crate::storage::Storage;

/// What the client stands on. Clones are the same.
#[derive(Clone, Debug)]
pub struct Environment {
    /// What is kept on this computer.
    pub storage: Arc<dyn Storage>,
    /// The organiser's backend.
    pub backend: Arc<dyn Backend>,
    /// Microphones and loudspeakers.
    pub audio: Arc<dyn Host>,
    /// What works on the candidate's voice.
    pub processing: Processing,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Chance, for pauses that must not fall together.
    pub jitter: Jitter,
}

impl Environment {
    /// The real one, on that storage.
    pub fn real(storage: impl Storage) -> Self {
        Self {
            storage: Arc::new(storage),
            backend: Arc::new(Http::default()),
            audio: Arc::new(System),
            processing: Processing::default(),
            clock: Arc::new(SystemClock::start()),
            jitter: Jitter::default(),
        }
    }
}

/// Makes what works on the candidate's voice.
#[derive(Clone)]
pub struct Processing(pub(crate) Arc<MakeModule>);

impl Processing {
    /// By a maker of one's own.
    pub fn of(make: impl Fn(Stages) -> Box<dyn VoiceModule> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

impl Default for Processing {
    /// WebRTC's.
    fn default() -> Self {
        Self::of(webrtc)
    }
}

impl std::fmt::Debug for Processing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Processing")
    }
}

/// Gives numbers in 0..1 by chance.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// By a source of one's own.
    pub fn of(draw: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    pub(crate) fn draw(&self) -> f64 {
        (self.0)()
    }
}

impl Default for Jitter {
    /// The system's.
    fn default() -> Self {
        Self::of(|| {
            let mut bytes = [0_u8; 4];
            match getrandom::fill(&mut bytes) {
                Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
                Err(_) => 0.5,
            }
        })
    }
}

impl std::fmt::Debug for Jitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jitter")
    }
}
