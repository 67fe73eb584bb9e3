//! The way to the server, tried before the interview: in a room of its own, where nobody is.

use std::time::Duration;

/// From one frame to the next.
pub(crate) const FRAME: Duration = Duration::from_millis(10);
/// Frames that are sent.
pub(crate) const FRAMES: u32 = 300;
/// How long that takes: the server reports about it every second or so, and a Wi-Fi's hiccup is shorter.
pub(crate) const SENDS: Duration = FRAME.saturating_mul(FRAMES);
/// Frames in a packet of Opus.
pub(crate) const FRAMES_IN_A_PACKET: u32 = 2;

/// How sound goes to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By UDP, as it should: what is lost holds up nothing.
    Udp,
    /// By TCP, because nothing else gets through: what is lost holds up everything behind it.
    Tcp,
}

/// What a try of the way to the server showed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkCheck {
    /// How sound goes.
    pub way: Option<Way>,
    /// There and back, in seconds.
    pub round_trip: Option<f64>,
    /// Share of what was sent that the server missed, 0 to 1.
    pub sent_lost: Option<f64>,
}
