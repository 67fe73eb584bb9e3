//! Where what the candidate types is: one text is under way at a time, and one that did not go out is given back to whoever typed it.

use std::time::Duration;

use tokio::time::Instant;

/// A text that is not known to have gone out after this did not: the room was entered anew meanwhile. (An answer takes milliseconds.)
const UNDER_WAY: Duration = Duration::from_secs(10);
/// How the names of such captions begin.
const NAME: &str = "typed-";

/// Whether a caption has a name that only typed text has.
pub(crate) fn is_typed(segment: &str) -> bool {
    segment.starts_with(NAME)
}

/// Texts of the candidate's own.
#[derive(Debug, Default)]
pub(crate) struct Typing {
    /// On its way, since when.
    under_way: Option<(String, Instant)>,
    /// It did not go out.
    not_sent: Option<String>,
    /// How many were kept.
    kept: u64,
}

impl Typing {
    /// Something is on its way.
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Nobody has said for long enough whether it went out.
    pub(crate) fn is_overdue(&self) -> bool {
        self.under_way.as_ref().is_some_and(|(_, since)| since.elapsed() >= UNDER_WAY)
    }

    /// What did not go out, to be sent again.
    pub(crate) fn not_sent(&self) -> Option<&str> {
        self.not_sent.as_deref()
    }

    /// This goes out now, in place of what did not.
    pub(crate) fn begin(&mut self, text: String) {
        (self.under_way, self.not_sent) = (Some((text, Instant::now())), None);
    }

    /// It went out. Gives what did.
    pub(crate) fn went_out(&mut self) -> Option<String> {
        self.under_way.take().map(|(text, _)| text)
    }

    /// It did not. Gives whether there was something.
    pub(crate) fn did_not_go_out(&mut self) -> bool {
        let text = self.went_out();
        let any = text.is_some();
        self.not_sent = text.or(self.not_sent.take());
        any
    }

    /// All that nobody took.
    pub(crate) fn take_the_rest(&mut self) -> Vec<String> {
        self.went_out().into_iter().chain(self.not_sent.take()).collect()
    }

    /// A name for the next caption; `now` in milliseconds: another one than in a run before, whose journal goes on.
    pub(crate) fn name(&mut self, now: i64) -> String {
        self.kept += 1;
        format!("{NAME}{now}-{}", self.kept)
    }
}
