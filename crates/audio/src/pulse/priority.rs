//! Real-time priority for the threads that serve devices, where the system's own daemon (rtkit) grants it.

use std::sync::Once;

use audio_thread_priority::{get_current_thread_info, promote_thread_to_real_time};

use crate::{FRAME, SAMPLE_RATE};

/// It is said once: the same daemon answers every thread.
static SAID: Once = Once::new();

/// Asks for it for this thread, on another one: a bus that hangs holds up no sound.
pub(super) fn ask() {
    let Ok(thread) = get_current_thread_info() else { return };
    let ask = move || match promote_thread_to_real_time(thread, FRAME as u32, SAMPLE_RATE) {
        Ok(_) => SAID.call_once(|| tracing::info!("sound has real-time priority")),
        Err(error) => SAID.call_once(|| {
            tracing::info!(%error, "sound has no real-time priority; a busy computer may be heard");
        }),
    };
    // Without a thread to be had there are other worries.
    drop(std::thread::Builder::new().name("asks-for-priority".to_owned()).spawn(ask));
}
