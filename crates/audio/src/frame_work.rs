//! What is done with captured frames, on a thread of ours: the device's own thread only hands samples over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::FRAME;
use crate::convert::to_i16;
use crate::device::AudioError;
use crate::processor::{FrameProcessor, OnFrame};
use crate::stream::CaptureShared;
use crate::urgent::{Rests, Urgent};

/// Samples that wait for the work: 200 ms. What a device gives at once after it stood still is late anyway; past this the
/// newest is left out and counted.
const RING: usize = FRAME * 20;
/// More than this waits only if the work stood still: the oldest is left out and counted, so that nobody is heard late.
const LATE: usize = FRAME * 8;
/// The work looks by itself this often whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);

/// What is done with a frame: it is processed, counted, measured and handed on, unless nobody holds the stream any more.
pub(crate) struct FrameWork {
    shared: Arc<CaptureShared>,
    processor: Option<Box<dyn FrameProcessor>>,
    on_frame: OnFrame,
}

impl FrameWork {
    pub(crate) fn new(
        shared: &Arc<CaptureShared>,
        processor: Option<Box<dyn FrameProcessor>>,
        on_frame: OnFrame,
    ) -> Self {
        Self { shared: Arc::clone(shared), processor, on_frame }
    }

    /// Takes the next frame.
    pub(crate) fn take(&mut self, frame: &mut [i16; FRAME]) {
        if self.shared.state.stopped() {
            return;
        }
        // As the microphone hears it: what is made of it says nothing about the microphone.
        self.shared.level.measure(frame);
        if let Some(processor) = &mut self.processor {
            processor.process(frame);
        }
        self.shared.frames.fetch_add(1, Ordering::Relaxed);
        (self.on_frame)(frame);
    }

    fn run(mut self, mut ring: Consumer<i16>) {
        let mut frame = [0_i16; FRAME];
        let mut rests = Rests::default();
        while !self.shared.state.stopped() && !ring.is_abandoned() {
            let waits = ring.slots();
            if waits > LATE {
                let late = (waits - 2 * FRAME) / FRAME * FRAME;
                if let Ok(chunk) = ring.read_chunk(late) {
                    chunk.commit_all();
                    self.shared.lost_samples.fetch_add(late as u64, Ordering::Relaxed);
                }
            }
            if waits < FRAME {
                std::thread::park_timeout(LOOK);
                continue;
            }
            rests.look();
            for sample in &mut frame {
                *sample = ring.pop().unwrap_or(0);
            }
            self.take(&mut frame);
        }
    }
}

/// Where a device's thread hands its samples in. Waits for nothing, allocates nothing.
pub(crate) struct FrameSink {
    ring: Producer<i16>,
    worker: Thread,
    shared: Arc<CaptureShared>,
    given: usize,
}

impl FrameSink {
    /// Starts the work on a thread; it ends with the stream, or when the sink is dropped.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(work: FrameWork) -> Result<Self, AudioError> {
        let (producer, consumer) = RingBuffer::new(RING);
        let shared = Arc::clone(&work.shared);
        let worker = std::thread::Builder::new()
            .name("microphone-work".to_owned())
            .spawn(move || {
                let _urgent = Urgent::ask();
                work.run(consumer);
            })
            .map_err(|error| AudioError::System(error.to_string()))?;
        Ok(Self { ring: producer, worker: worker.thread().clone(), shared, given: 0 })
    }

    /// The next sample at 48 kHz, full scale ±1.
    pub(crate) fn take(&mut self, sample: f32) {
        if self.ring.push(to_i16(sample)).is_err() {
            self.shared.lost_samples.fetch_add(1, Ordering::Relaxed);
        }
        self.given += 1;
        if self.given == FRAME {
            self.given = 0;
            self.worker.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_comes_late_and_all_at_once_is_heard_from_its_newest() {
        let shared = Arc::new(CaptureShared::default());
        let (gives, given) = mpsc::channel();
        let (goes, go) = mpsc::channel::<()>();
        let work = FrameWork::new(
            &shared,
            None,
            Box::new(move |frame| {
                gives.send(frame[0]).unwrap();
                let _ = go.recv();
            }),
        );
        let mut sink = FrameSink::start(work).unwrap();
        let mut frame = |n: i16| (0..FRAME).for_each(|_| sink.take(f32::from(n) / 32_768.0));
        frame(1);
        assert_eq!(given.recv().unwrap(), 1);
        // The work stands still for 180 ms.
        (2..20).for_each(&mut frame);
        drop(goes);
        let heard: Vec<i16> =
            std::iter::from_fn(|| given.recv_timeout(Duration::from_secs(5)).ok()).take(2).collect();
        assert_eq!(heard, [18, 19]);
        assert_eq!(shared.lost_samples.load(Ordering::Relaxed), 16 * FRAME as u64);
    }
}
