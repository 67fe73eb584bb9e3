//! A device that is being opened: one attempt at a time, and the newest wish counts. An attempt that never comes back is
//! given up.

use std::time::Duration;

use adjourn_audio::{AudioError, Capture, Playback, PlaybackHandle};
use tokio::time::Instant;

/// PulseAudio is given up after 6 s (2 s for its devices, 4 s for one of them, in `adjourn-audio`); other systems give no bound of their own.
const HANGS: Duration = Duration::from_secs(7);

/// What came of an attempt to open a device, with the attempt's number.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A microphone.
    Microphone(u64, Result<Capture, AudioError>),
    /// A loudspeaker.
    Speaker(u64, Result<(Playback, PlaybackHandle), AudioError>),
}

/// What is wanted of a device, and whether somebody is at it.
#[derive(Debug)]
pub(crate) struct Opening<C> {
    /// The attempt that is under way, since when, or the last one.
    attempt: u64,
    since: Option<Instant>,
    wanted: bool,
    /// Asked for while another attempt was under way.
    next: Option<C>,
}

impl<C> Default for Opening<C> {
    fn default() -> Self {
        Self { attempt: 0, since: None, wanted: false, next: None }
    }
}

/// What becomes of a device that an attempt brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Use<C> {
    /// It is used.
    Taken,
    /// Nobody wants it (any more), or its attempt was given up.
    Dropped,
    /// Something else is to be opened instead, in this attempt.
    Instead(C, u64),
}

impl<C> Opening<C> {
    /// The device is wanted: what to open now and the attempt's number, or nothing while one is under way.
    pub(crate) fn begin(&mut self, choice: C, now: Instant) -> Option<(C, u64)> {
        self.wanted = true;
        if self.under_way() {
            self.next = Some(choice);
            return None;
        }
        Some((choice, self.attempt(now)))
    }

    fn attempt(&mut self, now: Instant) -> u64 {
        self.attempt += 1;
        self.since = Some(now);
        self.attempt
    }

    /// Nobody wants it any more.
    pub(crate) fn unwanted(&mut self) {
        self.wanted = false;
        self.next = None;
    }

    /// An attempt came to its end.
    pub(crate) fn ended(&mut self, attempt: u64, now: Instant) -> Use<C> {
        if attempt != self.attempt || self.since.take().is_none() {
            return Use::Dropped;
        }
        match self.next.take() {
            Some(next) => Use::Instead(next, self.attempt(now)),
            None if self.wanted => Use::Taken,
            None => Use::Dropped,
        }
    }

    /// The attempt that hangs, if one does. The caller ends it.
    pub(crate) fn hangs(&self, now: Instant) -> Option<u64> {
        self.since.filter(|since| now.duration_since(*since) >= HANGS).map(|_| self.attempt)
    }

    /// Whether this is what is open or being opened, and is wanted.
    pub(crate) fn is_newest(&self, attempt: u64) -> bool {
        self.wanted && attempt == self.attempt
    }

    pub(crate) fn under_way(&self) -> bool {
        self.since.is_some()
    }

    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_at_a_time_and_the_newest_wish_counts() {
        let now = Instant::now();
        let mut opening = Opening::default();
        assert_eq!(opening.begin("first", now), Some(("first", 1)));
        // A chooser that is clicked through opens no ten devices at once.
        assert_eq!(opening.begin("second", now), None);
        assert_eq!(opening.begin("third", now), None);
        assert_eq!(opening.ended(1, now), Use::Instead("third", 2));
        assert!(opening.under_way());
        assert_eq!(opening.ended(2, now), Use::Taken);
        assert!(!opening.under_way());
    }

    #[test]
    fn what_was_closed_meanwhile_is_not_taken() {
        let now = Instant::now();
        let mut opening = Opening::default();
        assert_eq!(opening.begin(1, now), Some((1, 1)));
        opening.unwanted();
        assert_eq!(opening.ended(1, now), Use::Dropped);
        assert_eq!(opening.begin(2, now), Some((2, 2)));
        opening.unwanted();
        assert_eq!(opening.begin(3, now), None, "the second attempt is still under way");
        assert_eq!(opening.ended(2, now), Use::Instead(3, 3));
        assert_eq!(opening.ended(3, now), Use::Taken);
    }

    #[test]
    fn an_attempt_that_hangs_is_given_up_and_what_it_brings_later_is_dropped() {
        let now = Instant::now();
        let mut opening = Opening::default();
        opening.begin("hangs", now);
        assert_eq!(opening.hangs(now + HANGS / 2), None);
        let late = now + HANGS;
        assert_eq!(opening.hangs(late), Some(1));
        // It failed, as far as its user goes.
        assert_eq!(opening.ended(1, late), Use::Taken);
        assert_eq!(opening.hangs(late + HANGS), None);
        assert_eq!(opening.begin("again", late), Some(("again", 2)));
        assert_eq!(opening.ended(1, late), Use::Dropped, "the first one after all");
        assert_eq!(opening.ended(2, late), Use::Taken);
    }
}
