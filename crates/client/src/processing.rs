//! What is done to the candidate's voice before it leaves: by policy, and by whether the loudspeaker can be heard at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use adjourn_audio::{FRAME, FrameProcessor, Listener, Reference};
use adjourn_room::{Processing, Stages};
use adjourn_session::SoundProcessing;

/// Works on a voice, frame by frame.
pub trait VoiceModule: Send {
    /// What the loudspeaker plays.
    fn played(&mut self, frame: &mut [i16; FRAME]);
    /// What the microphone heard, in place.
    fn captured(&mut self, frame: &mut [i16; FRAME]);
}

impl VoiceModule for Processing {
    fn played(&mut self, frame: &mut [i16; FRAME]) {
        Self::played(self, frame);
    }

    fn captured(&mut self, frame: &mut [i16; FRAME]) {
        Self::captured(self, frame);
    }
}

/// Makes a module for these stages.
pub type MakeModule = dyn Fn(Stages) -> Box<dyn VoiceModule> + Send + Sync;

/// WebRTC's own.
pub(crate) fn webrtc(stages: Stages) -> Box<dyn VoiceModule> {
    Box::new(Processing::new(stages))
}

/// What is to be done, as it is now: by policy, and by the loudspeaker. Headphones make no echo, and cancelling none costs voice.
pub(crate) fn stages(policy: SoundProcessing, headphones: bool) -> Stages {
    match policy {
        SoundProcessing::Full => Stages { echo: !headphones, noise: true, gain: true, high_pass: true },
        // The interviewer's side cancels noise itself: twice is worse than once.
        SoundProcessing::EchoOnly => Stages { echo: !headphones, ..Stages::default() },
        SoundProcessing::Off => Stages::default(),
    }
}

/// The stages that are switched on; written by the loop, read by the thread that works on frames. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch(Arc<AtomicU8>);

impl Switch {
    pub(crate) fn set(&self, stages: Stages) {
        let Stages { echo, noise, gain, high_pass } = stages;
        let bits = [echo, noise, gain, high_pass].iter().rev().fold(0, |bits, on| bits << 1 | u8::from(*on));
        self.0.store(bits, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Stages {
        let bits = self.0.load(Ordering::Relaxed);
        let on = |bit: u8| bits & (1 << bit) != 0;
        Stages { echo: on(0), noise: on(1), gain: on(2), high_pass: on(3) }
    }
}

/// Works on what a microphone captures, as it is switched.
pub(crate) struct VoiceProcessing {
    make: Arc<MakeModule>,
    switch: Switch,
    played: Reference,
    listener: Listener,
    stages: Stages,
    module: Option<Box<dyn VoiceModule>>,
    begun: bool,
}

impl VoiceProcessing {
    pub(crate) fn new(make: Arc<MakeModule>, switch: Switch, played: Reference, listener: Listener) -> Self {
        Self { make, switch, played, listener, stages: Stages::default(), module: None, begun: false }
    }
}

impl FrameProcessor for VoiceProcessing {
    fn process(&mut self, frame: &mut [i16; FRAME]) {
        self.listener.take(frame);
        if !std::mem::replace(&mut self.begun, true) {
            // Played while no microphone was open.
            self.played.skip();
        }
        let stages = self.switch.get();
        if stages != self.stages {
            self.stages = stages;
            self.module = stages.any().then(|| (self.make)(stages));
        }
        // Taken in any case: what waits must be what was just played, whenever it is wanted.
        while let Some(mut played) = self.played.next() {
            if let Some(module) = &mut self.module {
                module.played(&mut played);
            }
        }
        if let Some(module) = &mut self.module {
            module.captured(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    /// Writes down what it is given.
    struct Seen(Stages, Arc<Mutex<Vec<String>>>);

    impl VoiceModule for Seen {
        fn played(&mut self, frame: &mut [i16; FRAME]) {
            self.1.lock().push(format!("played {}", frame[0]));
        }
        fn captured(&mut self, frame: &mut [i16; FRAME]) {
            self.1.lock().push(format!("captured {}, echo {}", frame[0], self.0.echo));
            frame[0] = 0;
        }
    }

    #[test]
    fn what_is_played_comes_before_what_is_heard_of_it_and_the_switch_counts_at_once() {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let sees = Arc::clone(&seen);
        let (switch, played) = (Switch::default(), Reference::default());
        let make = move |stages| -> Box<dyn VoiceModule> { Box::new(Seen(stages, Arc::clone(&sees))) };
        let mut processing = VoiceProcessing::new(
            Arc::new(make),
            switch.clone(),
            played.clone(),
            adjourn_audio::Ear::default().listener(),
        );
        let mut tap = played.tap();
        let mut frame = [5; FRAME];
        switch.set(stages(SoundProcessing::Full, false));
        tap(&[1; FRAME]);
        processing.process(&mut frame);
        assert_eq!(*seen.lock(), ["captured 5, echo true"], "nobody listened when that was played");
        seen.lock().clear();
        frame = [5; FRAME];
        tap(&[2; FRAME]);
        tap(&[3; FRAME]);
        processing.process(&mut frame);
        switch.set(stages(SoundProcessing::EchoOnly, true));
        processing.process(&mut [6; FRAME]);
        switch.set(stages(SoundProcessing::Full, true));
        processing.process(&mut [7; FRAME]);
        assert_eq!(*seen.lock(), ["played 2", "played 3", "captured 5, echo true", "captured 7, echo false"]);
        assert_eq!(frame[0], 0, "in place");
    }

    #[test]
    fn a_switch_gives_what_it_was_set_to() {
        let switch = Switch::default();
        for policy in [SoundProcessing::Full, SoundProcessing::EchoOnly, SoundProcessing::Off] {
            for headphones in [false, true] {
                switch.set(stages(policy, headphones));
                assert_eq!(switch.get(), stages(policy, headphones));
            }
        }
    }
}
