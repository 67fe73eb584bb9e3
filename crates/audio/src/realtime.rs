//! What a device's own thread does each time that it gives or takes sound: it allocates nothing and frees nothing.

/// Does it. In this crate's tests, and in the client that the testbed runs (feature `allocation-check`, with an allocator to match), an
/// allocation or a release of memory in it ends the process; in what people get nothing is looked at.
pub(crate) fn without_allocation<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(any(test, feature = "allocation-check"))]
    let done = assert_no_alloc::assert_no_alloc(work);
    #[cfg(not(any(test, feature = "allocation-check")))]
    let done = work();
    done
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use assert_no_alloc::AllocDisabler;

    use crate::channels::Channels;
    use crate::frame_work::{FrameSink, FrameWork};
    use crate::mixer::mixer;
    use crate::reference::Reference;
    use crate::stream::{CaptureShared, PlaybackShared};
    use crate::{FRAME, VoiceQueue};

    use super::without_allocation;

    #[global_allocator]
    static ALLOCATOR: AllocDisabler = AllocDisabler;

    /// Set for the child that has to die.
    const PLANTED: &str = "ADJOURN_PLANTED_ALLOCATION";

    #[test]
    fn playing_allocates_nothing_whatever_comes_and_goes() {
        for rate in [48_000, 44_100, 96_000] {
            let shared = Arc::new(PlaybackShared::default());
            let played = Reference::default();
            let (mut speaker, mut source) = mixer(&shared, Some(played.tap())).unwrap();
            source.set_rate(rate).unwrap();
            let mut voices: Vec<VoiceQueue> = Vec::new();
            let mut out = [0_i16; FRAME];
            for n in 0..3_000_usize {
                // Voices come and go, are late, run out, and their clock is another one.
                if n % 40 == 0 && voices.len() < 3 {
                    voices.extend(speaker.voice());
                }
                if n % 97 == 0 {
                    voices.pop();
                }
                let times = if n % 200 == 0 { 12 } else { usize::from(n % 50 != 0) };
                for voice in &mut voices {
                    (0..times).for_each(|_| voice.push(&[20_000; FRAME]));
                }
                without_allocation(|| source.fill_i16(&mut out));
                while played.next().is_some() {}
            }
        }
    }

    #[test]
    fn capturing_allocates_nothing() {
        let shared = Arc::new(CaptureShared::default());
        let work = FrameWork::new(&shared, None, Box::new(|_| {}));
        let mut sink = FrameSink::start(work).unwrap();
        let mut channels = Channels::new(2);
        without_allocation(|| {
            for n in 0..100 * FRAME {
                let sample = (n % 100) as f32 / 100.0;
                sink.take(channels.mix([sample, f32::NAN].into_iter()));
            }
        });
    }

    /// Without it the others would prove nothing.
    #[test]
    fn an_allocation_there_ends_the_process() {
        if std::env::var_os(PLANTED).is_some() {
            without_allocation(|| std::hint::black_box(Box::new(1)));
            return;
        }
        let this = std::env::current_exe().unwrap();
        let child = std::process::Command::new(this)
            .args(["--exact", "realtime::tests::an_allocation_there_ends_the_process"])
            .env(PLANTED, "1")
            .output()
            .unwrap();
        assert!(!child.status.success(), "{child:?}");
    }
}
