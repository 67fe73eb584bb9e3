//! The two commands of the window.

use adjourn_client::Command;
use tauri::State;
use tauri::ipc::Channel;

use crate::page_guard::PageGuard;
use crate::window_shell::{Message, WindowShell};

/// The page listens; it gets the snapshot of now at once.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "Tauri's commands take their arguments by value")]
pub(crate) fn subscribe(
    shell: State<'_, WindowShell>,
    guard: State<'_, PageGuard>,
    channel: Channel<Message>,
) {
    tracing::info!("the page listens");
    guard.listens();
    shell.listens(channel);
}

/// The page asks for something.
#[tauri::command]
#[expect(clippy::needless_pass_by_value, reason = "Tauri's commands take their arguments by value")]
pub(crate) fn order(shell: State<'_, WindowShell>, command: Command) -> Result<(), String> {
    shell.order(command)
}
