//! The person at the terminal, and what they are told.

/// Tells the person something. Nobody has to read it: work that goes on for an hour is not lost to a pipe that was closed.
#[macro_export]
macro_rules! tell {
    ($($arguments:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($arguments)*);
    }};
}
