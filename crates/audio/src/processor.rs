//! What takes frames, and the seam for what works on them between device and room: echo cancellation, noise suppression,
//! a limiter.

use crate::FRAME;

/// Takes frames of 10 ms on a thread of the host's.
pub type OnFrame = Box<dyn FnMut(&[i16; FRAME]) + Send>;

/// Works on frames of 10 ms (48 kHz, mono), one after another, in place.
///
/// A capture's processor gets what was captured before anybody else does. A playback's gets what is played, mixed, in
/// the moment in which the device takes it: an echo canceller's far end. Each direction has a processor of its own,
/// because each has a thread of its own; what two of them share is up to them.
pub trait FrameProcessor: Send {
    /// Takes the next frame. On a thread that moves sound: no lock that anybody holds for long, no allocation, no log.
    fn process(&mut self, frame: &mut [i16; FRAME]);
}
