//! What an open device really does, as its system says.

use std::sync::atomic::{AtomicU64, Ordering};

/// A device's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFormat {
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// What it gives or takes at once, or keeps waiting, in milliseconds.
    pub buffer_ms: u16,
}

/// The format that is known now; written by the device's side. One word, so that its parts belong together.
#[derive(Debug, Default)]
pub(crate) struct KnownFormat(AtomicU64);

impl KnownFormat {
    pub(crate) fn set(&self, format: StreamFormat) {
        let StreamFormat { rate, channels, buffer_ms } = format;
        let word = u64::from(rate) << 32 | u64::from(channels) << 16 | u64::from(buffer_ms);
        self.0.store(word, Ordering::Relaxed);
    }

    /// Nothing is known of it: another device, or none.
    pub(crate) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<StreamFormat> {
        let word = self.0.load(Ordering::Relaxed);
        let format =
            StreamFormat { rate: (word >> 32) as u32, channels: (word >> 16) as u16, buffer_ms: word as u16 };
        (format.rate > 0).then_some(format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_known_as_a_whole() {
        let known = KnownFormat::default();
        assert_eq!(known.get(), None);
        let format = StreamFormat { rate: 192_000, channels: 32, buffer_ms: 2_000 };
        known.set(format);
        assert_eq!(known.get(), Some(format));
        known.forget();
        assert_eq!(known.get(), None);
    }
}
