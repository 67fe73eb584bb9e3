//! Whether a seat's window lives: what the supervisor feeds the system's watchdog by.

use std::time::Duration;

/// A window that never showed a page is waited for so long: on the slowest computer that was tried the first content came after 2 s, and
/// a page that can't be loaded is tried three times, half a minute each (the window's own guard).
const FIRST: Duration = Duration::from_secs(120);
/// A page that does not answer is replaced by the window itself within 6 s; one that does so three times in a row takes this long.
const SILENT: Duration = Duration::from_secs(30);

/// The window's life, as far as it was heard of. Times are since the seat began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    heard: Option<Duration>,
}

impl Watch {
    /// The window told something. Gives whether that was the first time.
    pub fn heard(&mut self, now: Duration) -> bool {
        self.heard.replace(now).is_none()
    }

    /// Whether it is taken to live.
    pub fn lives(&self, now: Duration) -> bool {
        match self.heard {
            Some(heard) => now.saturating_sub(heard) < SILENT,
            None => now < FIRST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lives_while_it_is_heard_of() {
        let s = Duration::from_secs;
        let mut watch = Watch::default();
        assert!(watch.lives(s(119)) && !watch.lives(s(120)), "one that never came");
        assert!(watch.heard(s(4)));
        assert!(watch.lives(s(33)) && !watch.lives(s(34)));
        assert!(!watch.heard(s(33)));
        assert!(watch.lives(s(62)));
    }
}
