//! What takes frames, and the seam for what works on them between microphone and room: echo cancellation, noise suppression,
//! gain.

use crate::FRAME;

/// Takes frames of 10 ms (48 kHz, mono). Of a capture on a thread of ours, which may take its time; of a playback on the
/// device's own: no lock, no allocation, no log.
pub type OnFrame = Box<dyn FnMut(&[i16; FRAME]) + Send>;

/// Works on captured frames of 10 ms (48 kHz, mono), one after another, in place, before anybody else gets them. On a thread of
/// ours, beside the device's: it may take some milliseconds and lock what others hold for as long.
pub trait FrameProcessor: Send {
    /// Takes the next frame.
    fn process(&mut self, frame: &mut [i16; FRAME]);
}
