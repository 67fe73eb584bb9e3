//! Where the client shows itself.

use crate::{Diagnostics, Meters, Snapshot};

/// A window, a terminal, or a test.
pub trait Shell: Send + 'static {
    /// Shows a whole snapshot; called when something changed.
    fn show(&mut self, snapshot: &Snapshot);
    /// Shows levels; called at most 20 times a second, when one of them moved.
    fn meters(&mut self, meters: Meters);
    /// Shows numbers about sound; called at most twice a second, when they changed.
    fn diagnostics(&mut self, diagnostics: &Diagnostics);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Shell for Silent {
    fn show(&mut self, _: &Snapshot) {}
    fn meters(&mut self, _: Meters) {}
    fn diagnostics(&mut self, _: &Diagnostics) {}
}
