//! The sound of the loudspeaker test.

use crate::{FRAME, SAMPLE_RATE};

/// Hertz of the chime's notes: C5, E5.
pub(crate) const NOTES: [f32; 2] = [523.25, 659.25];

/// Two soft notes of 0.35 s each, -18 dBFS, as frames.
pub fn chime() -> Vec<[i16; FRAME]> {
    let note = SAMPLE_RATE as usize * 35 / 100;
    let samples: Vec<i16> = NOTES
        .iter()
        .flat_map(|hertz| {
            (0..note).map(move |n| {
                let t = n as f32 / SAMPLE_RATE as f32;
                let fade = (n.min(note - n) as f32 / (0.03 * SAMPLE_RATE as f32)).min(1.0);
                ((t * hertz * std::f32::consts::TAU).sin() * fade * 0.125 * f32::from(i16::MAX)) as i16
            })
        })
        .collect();
    samples
        .chunks_exact(FRAME)
        .map(|chunk| {
            let mut frame = [0; FRAME];
            frame.copy_from_slice(chunk);
            frame
        })
        .collect()
}
