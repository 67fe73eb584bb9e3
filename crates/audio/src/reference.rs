//! What the loudspeaker plays, for who takes its echo out of what the microphone hears.

use std::sync::Arc;

use parking_lot::Mutex;
use rtrb::{Consumer, RingBuffer};

use crate::FRAME;
use crate::processor::OnFrame;

/// What waits for a capture that stands still: 500 ms. Past that the newest is left out: nobody hears its echo either.
const RING: usize = FRAME * 50;

/// What is played, from the thread that plays it to the one that works on what is captured. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Reference(Arc<Mutex<Option<Consumer<i16>>>>);

impl Reference {
    /// Where a playback puts what it plays. The newest playback counts. Putting it there waits for nobody.
    pub fn tap(&self) -> OnFrame {
        let (mut producer, consumer) = RingBuffer::new(RING);
        *self.0.lock() = Some(consumer);
        Box::new(move |frame| {
            if producer.slots() >= FRAME {
                for sample in frame {
                    // There is room: we are the only writer.
                    let _ = producer.push(*sample);
                }
            }
        })
    }

    /// What waits is old: nobody takes its echo out any more.
    pub fn skip(&self) {
        if let Some(ring) = self.0.lock().as_mut()
            && let Ok(chunk) = ring.read_chunk(ring.slots())
        {
            chunk.commit_all();
        }
    }

    /// The next 10 ms that were played, if they were.
    pub fn next(&self) -> Option<[i16; FRAME]> {
        let mut ring = self.0.lock();
        let chunk = ring.as_mut()?.read_chunk(FRAME).ok()?;
        let mut frame = [0; FRAME];
        let (first, second) = chunk.as_slices();
        for (out, sample) in frame.iter_mut().zip(first.iter().chain(second)) {
            *out = *sample;
        }
        chunk.commit_all();
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_played_is_there_in_order_and_the_newest_loudspeaker_counts() {
        let reference = Reference::default();
        assert_eq!(reference.next(), None);
        let mut first = reference.tap();
        (1..=60).for_each(|n| first(&[n; FRAME]));
        for n in 1..=50 {
            assert_eq!(reference.next(), Some([n; FRAME]));
        }
        assert_eq!(reference.next(), None, "what nobody took was left out");
        let mut second = reference.tap();
        first(&[7; FRAME]);
        second(&[8; FRAME]);
        assert_eq!(reference.next(), Some([8; FRAME]));
        assert_eq!(reference.next(), None);
    }
}
