//! What a screen reader is told of a page, and what it can press.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::process::{ChildStdin, Command};

use super::process::{Child, LineReader, tell};

/// An answer takes some tens of milliseconds.
const LIMIT: Duration = Duration::from_secs(30);

/// A part of the page, as a screen reader is told of it (AT-SPI).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AccessibleNode {
    /// What it is, in AT-SPI's words (`heading`, `push button`).
    pub role: String,
    /// How it is called.
    pub name: String,
    /// What a paragraph says.
    pub text: String,
    /// Of a heading.
    pub level: Option<u32>,
    /// How it is (`focusable`, `checked`).
    pub states: Vec<String>,
    /// What is in it.
    pub children: Vec<Self>,
}

impl AccessibleNode {
    /// This one and all that is in it, from the top down.
    pub fn all(&self) -> Vec<&Self> {
        std::iter::once(self).chain(self.children.iter().flat_map(Self::all)).collect()
    }

    /// Whether it is so.
    pub fn is(&self, state: &str) -> bool {
        self.states.iter().any(|known| known == state)
    }

    /// One line for each, indented, for a person.
    pub fn outline(&self) -> String {
        self.lines(0).join("\n")
    }

    fn lines(&self, depth: usize) -> Vec<String> {
        let level = self.level.map(|level| format!(" {level}")).unwrap_or_default();
        let own =
            format!("{}{}{level} {:?} {}", "  ".repeat(depth), self.role, self.name, self.states.join(" "));
        let inner = self.children.iter().flat_map(|child| child.lines(depth + 1));
        std::iter::once(own.trim_end().to_owned()).chain(inner).collect()
    }
}

/// The bus of accessibility first: a browser that finds none tells nobody. Whoever wants to listen finds it by the session's bus, whose
/// address is written down.
pub(super) const WITH_ACCESSIBILITY: &str = r#"echo "$DBUS_SESSION_BUS_ADDRESS" > "$SESSION_BUS"
/usr/libexec/at-spi-bus-launcher --launch-immediately &
exec "$0" "$@""#;

/// Debian's own Python: the bindings are of its packages.
pub(super) const PYTHON: &str = "/usr/bin/python3";

/// A program that reads the page as a screen reader does.
#[derive(Debug)]
pub(super) struct Reader {
    asks: ChildStdin,
    tells: LineReader,
    reader: Child,
}

impl Reader {
    /// Starts it by that program (`/usr/bin/python3`, or what starts that), at the bus whose address is in that file.
    pub(super) fn start(
        folder: &Path,
        display: &str,
        bus: &Path,
        mut command: Command,
    ) -> anyhow::Result<Self> {
        let bus = std::fs::read_to_string(bus).context("the session has no bus")?;
        command
            .args(["-c", include_str!("accessible_tree.py")])
            .env("DISPLAY", display)
            .env("DBUS_SESSION_BUS_ADDRESS", bus.trim());
        let (reader, asks, tells) =
            Child::start_talking("the reader of the tree", &mut command, &folder.join("tree.log"))?;
        Ok(Self { asks, tells, reader })
    }

    /// What it is told of the page that is shown; nothing, before there is one.
    pub(super) async fn tree(&mut self) -> anyhow::Result<Option<AccessibleNode>> {
        Ok(serde_json::from_str(&self.ask("").await?)?)
    }

    /// Presses the button of that name. Gives whether there was one.
    pub(super) async fn press(&mut self, button: &str) -> anyhow::Result<bool> {
        Ok(serde_json::from_str(&self.ask(button).await?)?)
    }

    async fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        tell(&mut self.asks, line).await?;
        let line = tokio::time::timeout(LIMIT, self.tells.next_line()).await??;
        line.with_context(|| format!("the reader ended: {}", self.reader.said()))
    }
}
