//! Whether a seat's window lives: what the supervisor feeds the system's watchdog by.

use std::time::Duration;

/// A window that never showed a page is waited for so long: on the slowest computer that was tried the first content came after 2 s, and
/// a page that can't be loaded is tried three times, half a minute each (the window's own guard).
const FIRST: Duration = Duration::from_secs(120);
/// A client whose loop does nothing for so long hangs: it looks after devices and the link twice a second.
const CLIENT: Duration = Duration::from_secs(30);
/// A page that does not answer is replaced by the window itself, within 6 s, or half a minute where it can't be loaded; an interview goes
/// on meanwhile. The window gives it up after three times.
const PAGE: Duration = Duration::from_secs(150);

/// The window's life, as far as it was heard of. Times are since the seat began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    client: Option<Duration>,
    page: Option<Duration>,
}

impl Watch {
    /// The client did something, and the page answered or did not. Gives whether that was the first time.
    pub fn heard(&mut self, now: Duration, page: bool) -> bool {
        let first = self.client.replace(now).is_none();
        if page || first {
            self.page = Some(now);
        }
        first
    }

    /// Whether it is taken to live.
    pub fn lives(&self, now: Duration) -> bool {
        let within = |heard: Duration, limit| now.saturating_sub(heard) < limit;
        match (self.client, self.page) {
            (Some(client), Some(page)) => within(client, CLIENT) && within(page, PAGE),
            (None, _) | (_, None) => now < FIRST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lives_while_both_of_its_halves_are_heard_of() {
        let s = Duration::from_secs;
        let mut watch = Watch::default();
        assert!(watch.lives(s(119)) && !watch.lives(s(120)), "one that never came");
        assert!(watch.heard(s(4), true));
        assert!(watch.lives(s(33)) && !watch.lives(s(34)), "the client");
        for second in 5..200 {
            assert!(!watch.heard(s(second), false));
            assert_eq!(watch.lives(s(second)), second < 154, "the page, {second}");
        }
        watch.heard(s(200), true);
        assert!(watch.lives(s(229)));
    }
}
