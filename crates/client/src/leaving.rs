//! Who ends the program, and how long they may be kept.

use std::time::Duration;

/// Who ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// A person, who closed the window: they may never open it again.
    Person,
    /// The system, which waits for nobody.
    System,
}

impl Leaving {
    /// A record whose first try has no answer yet is waited for so long. What was put off, since the backend can't be reached, is not
    /// waited for: it is on disk.
    pub(crate) fn patience(self) -> Duration {
        match self {
            Self::Person => Duration::from_secs(10),
            Self::System => Duration::from_secs(2),
        }
    }
}
