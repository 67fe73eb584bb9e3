//! What sound this computer has, as the client sees it, and whether it works: for who reproduces a fault on somebody's machine.

use std::time::{Duration, Instant};

use adjourn_audio::{
    Device, DeviceChoice, Ear, FRAME, FrameProcessor, Listener, StreamFormat, StreamStatus, chime, devices,
    open_loudspeaker, open_microphone,
};
use serde::Serialize;

/// How long a microphone is listened to before the chime.
const LISTENS: Duration = Duration::from_secs(2);
/// A chime that comes back does so within this; Bluetooth takes 200 to 300 ms each way.
const COMES_BACK: Duration = Duration::from_millis(1_500);
/// So much of the chime waits to be played: a thread that sleeps may sleep longer.
const AHEAD: Duration = Duration::from_millis(50);
/// What stands out of the room by so much is the chime.
const STANDS_OUT_DB: f32 = 12.0;

/// What there is.
#[derive(Debug, Serialize)]
pub struct Sound {
    /// Microphones.
    pub microphones: Vec<Device>,
    /// Loudspeakers.
    pub loudspeakers: Vec<Device>,
    /// The microphone that was tried.
    pub microphone: Tried<Heard>,
    /// The loudspeaker that was tried.
    pub loudspeaker: Tried<Played>,
}

/// A device that was opened, or why not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried<T> {
    /// It was not.
    Failed(String),
    /// It was.
    Open {
        /// The device that is really open, where the system says so.
        device: Option<String>,
        /// Samples a second, channels, and milliseconds at once, by itself.
        format: Option<(u32, u16, u16)>,
        /// What came of it.
        found: T,
    },
}

/// What a microphone gave.
#[derive(Debug, Serialize)]
pub struct Heard {
    /// Frames of 10 ms.
    pub frames: u64,
    /// Of them, in which somebody spoke.
    pub speech: u64,
    /// Of them, in which samples were cut off.
    pub cut_off: u64,
    /// How loud the room is, dBFS.
    pub noise_dbfs: f32,
    /// Samples that were lost.
    pub lost_samples: u64,
    /// Milliseconds until the microphone heard the chime, to 10 ms; nothing, if it did not (headphones).
    pub chime_after_ms: Option<u64>,
}

/// What a loudspeaker took.
#[derive(Debug, Serialize)]
pub struct Played {
    /// Samples that were played.
    pub samples: u64,
    /// Times that it ran out in the middle.
    pub gaps: u64,
}

/// Listens and changes nothing.
struct Ears(Listener);

impl FrameProcessor for Ears {
    fn process(&mut self, frame: &mut [i16; FRAME]) {
        self.0.take(frame);
    }
}

fn opened<T>(status: &StreamStatus, format: Option<StreamFormat>, found: T) -> Tried<T> {
    let device = match status {
        StreamStatus::Open { device } | StreamStatus::Starved { device } => device.clone(),
        StreamStatus::Lost | StreamStatus::Failed => None,
    };
    Tried::Open { device, format: format.map(|f| (f.rate, f.channels, f.buffer_ms)), found }
}

/// Lists everything, listens to a microphone, plays the chime, and listens whether it comes back. Takes four seconds.
///
/// # Errors
/// The sound service does not answer.
pub fn look(microphone: Option<String>, loudspeaker: Option<String>) -> anyhow::Result<Sound> {
    let found = devices()?;
    let ear = Ear::default();
    let ears = Box::new(Ears(ear.listener()));
    let capture = open_microphone(&DeviceChoice::from_id(microphone), Some(ears), Box::new(|_| {}));
    std::thread::sleep(LISTENS);
    let before = ear.heard();
    let playback = open_loudspeaker(&DeviceChoice::from_id(loudspeaker), None);
    let (mut chime_after_ms, began) = (None, Instant::now());
    let playback = match playback {
        Ok((playback, mut speaker)) => {
            let mut frames = chime().into_iter().peekable();
            let (mut voice, mut given) = (speaker.voice(), Duration::ZERO);
            while began.elapsed() < COMES_BACK {
                while given < began.elapsed() + AHEAD
                    && let (Some(voice), Some(frame)) = (&mut voice, frames.next())
                {
                    voice.push(&frame);
                    given += Duration::from_millis(10);
                }
                // Otherwise its end would count as a gap.
                voice = voice.filter(|_| frames.peek().is_some());
                if ear.heard().chime > before.chime.max(before.noise - STANDS_OUT_DB) + STANDS_OUT_DB {
                    chime_after_ms.get_or_insert(began.elapsed().as_millis() as u64);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let counted = playback.stats();
            let found = Played { samples: counted.played, gaps: counted.underruns };
            opened(&playback.status().borrow(), playback.format(), found)
        }
        Err(error) => Tried::Failed(error.to_string()),
    };
    let capture = match capture {
        Ok(capture) => {
            let heard = ear.heard();
            let found = Heard {
                frames: heard.frames,
                speech: heard.speech,
                cut_off: heard.clipped,
                noise_dbfs: heard.noise,
                lost_samples: capture.stats().lost_samples,
                chime_after_ms,
            };
            opened(&capture.status().borrow(), capture.format(), found)
        }
        Err(error) => Tried::Failed(error.to_string()),
    };
    Ok(Sound {
        microphones: found.inputs,
        loudspeakers: found.outputs,
        microphone: capture,
        loudspeaker: playback,
    })
}
