//! What window and client share.

use std::sync::Arc;
use std::time::Instant;

use adjourn_client::{Command, Diagnostics, Meters, Shell, Snapshot};
use parking_lot::Mutex;
use serde::Serialize;
use tauri::ipc::Channel;
use tokio::sync::mpsc;

/// What goes to the window.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Message {
    /// The whole state of the screen.
    Snapshot(Box<Snapshot>),
    /// Levels.
    Meters(Meters),
    /// Numbers about sound.
    Diagnostics(Diagnostics),
}

/// What window and client share.
#[derive(Clone, Default)]
pub(crate) struct WindowShell(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    channel: Option<Channel<Message>>,
    /// What was shown last, and when.
    last: Option<(Snapshot, Instant)>,
    diagnostics: Option<Diagnostics>,
    commands: Option<mpsc::Sender<Command>>,
    /// The client has written what it had to write.
    ended: bool,
}

impl WindowShell {
    /// Where commands go.
    pub(crate) fn connect(&self, commands: mpsc::Sender<Command>) {
        self.0.lock().commands = Some(commands);
    }

    /// The client has written what it had to write: the program may end.
    pub(crate) fn end(&self) {
        self.0.lock().ended = true;
    }

    /// Whether there is a client that takes no commands any more and still writes.
    pub(crate) fn is_ending(&self) -> bool {
        let inner = self.0.lock();
        !inner.ended && inner.commands.as_ref().is_some_and(mpsc::Sender::is_closed)
    }

    /// Whether there is a client that takes commands.
    pub(crate) fn connected(&self) -> bool {
        self.0.lock().commands.as_ref().is_some_and(|commands| !commands.is_closed())
    }

    /// Gives the client a command; refused when the client is gone or hopelessly late.
    pub(crate) fn order(&self, command: Command) -> Result<(), String> {
        let commands = self.0.lock().commands.clone();
        let sent = commands.map(|commands| commands.try_send(command));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the client is not running".to_owned()),
        }
    }

    /// Nobody takes what there is to be shown, until a page listens again.
    #[cfg(target_os = "linux")]
    pub(crate) fn page_is_gone(&self) {
        self.0.lock().channel = None;
    }

    /// Whether the last screen says that closing the window now would lose something.
    pub(crate) fn holds_the_only_copy(&self) -> bool {
        let inner = self.0.lock();
        let end = inner.last.as_ref().and_then(|(snapshot, _)| snapshot.completed.as_ref());
        end.is_some_and(|end| !end.can_close)
    }

    /// The language that is spoken.
    #[cfg(target_os = "linux")]
    pub(crate) fn language(&self) -> adjourn_client::Language {
        self.0.lock().last.as_ref().map(|(snapshot, _)| snapshot.appearance.language).unwrap_or_default()
    }

    /// A page listens from now on; it gets the snapshot of now at once.
    pub(crate) fn listens(&self, channel: Channel<Message>) {
        let mut inner = self.0.lock();
        inner.channel = Some(channel);
        if let Some((last, at)) = inner.last.clone() {
            // A page that was loaded again counts on from now.
            Self::send(&inner, Message::Snapshot(Box::new(last.later(at.elapsed()))));
        }
        if let Some(diagnostics) = inner.diagnostics.clone() {
            Self::send(&inner, Message::Diagnostics(diagnostics));
        }
    }

    fn send(inner: &Inner, message: Message) {
        if let Some(channel) = &inner.channel
            && let Err(error) = channel.send(message)
        {
            tracing::debug!(%error, "the window does not listen");
        }
    }
}

impl Shell for WindowShell {
    fn show(&mut self, snapshot: &Snapshot) {
        let mut inner = self.0.lock();
        inner.last = Some((snapshot.clone(), Instant::now()));
        Self::send(&inner, Message::Snapshot(Box::new(snapshot.clone())));
    }

    fn meters(&mut self, meters: Meters) {
        Self::send(&self.0.lock(), Message::Meters(meters));
    }

    fn diagnostics(&mut self, diagnostics: &Diagnostics) {
        let mut inner = self.0.lock();
        inner.diagnostics = Some(diagnostics.clone());
        Self::send(&inner, Message::Diagnostics(diagnostics.clone()));
    }
}
